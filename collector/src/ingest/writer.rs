//! The one writer: takes what waits, commits it as a group, then answers.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::Instant,
};

use super::{Counters, Shared};
use crate::store::{Appended, StoredBatch};

/// Commits of small groups are this long apart: a commit costs as much as taking in some ten batches.
const APART: Duration = Duration::from_millis(50);

/// Batches that are worth a commit at once.
const ENOUGH: usize = 16;

/// A batch that wants to be durable.
pub(super) struct Job {
    pub(super) batch: StoredBatch,
    /// The stream it came on.
    pub(super) line: Arc<Line>,
    /// None is sent if it could not be stored.
    pub(super) done: oneshot::Sender<Appended>,
    /// Its share of the queue's bytes.
    pub(super) permit: OwnedSemaphorePermit,
}

/// The order of one stream: a batch may refer to definitions that came with the ones before, so once one of them was
/// not stored, the later ones may not be either.
#[derive(Default)]
pub(super) struct Line {
    broken: AtomicBool,
}

/// Starts the writer; it ends when all senders of the queue are gone and the queue is empty.
pub(super) fn start(
    shared: Arc<Shared>,
    mut queue: mpsc::Receiver<Job>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("ingest-writer".to_owned()).spawn(move || {
        let mut committed: Option<Instant> = None;
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            gather(&mut queue, &mut group, shared.limits.group);
            // One that comes alone does not wait; where many come one by one, they share a commit.
            let wait = committed.and_then(|it| APART.checked_sub(it.elapsed()));
            if let Some(wait) = wait.filter(|_| group.len() < ENOUGH) {
                thread::sleep(wait);
                gather(&mut queue, &mut group, shared.limits.group);
            }
            commit(&shared, group);
            committed = Some(Instant::now());
        }
    })
}

fn gather(queue: &mut mpsc::Receiver<Job>, group: &mut Vec<Job>, most: usize) {
    while group.len() < most {
        let Ok(job) = queue.try_recv() else { break };
        group.push(job);
    }
}

fn commit(shared: &Shared, mut group: Vec<Job>) {
    group.retain(|job| !job.line.broken.load(Relaxed));
    let (batches, answers): (Vec<StoredBatch>, Vec<_>) =
        group.into_iter().map(|job| (job.batch, (job.line, job.done, job.permit))).unzip();
    if batches.is_empty() {
        return;
    }
    let appended = match shared.store.append(&batches) {
        Ok(appended) => appended.into_iter().map(Some).collect(),
        Err(error) => {
            failed(shared, &error, batches.len());
            // One batch may be to blame: the others shall not suffer for it.
            let lines = answers.iter().map(|(line, ..)| line);
            batches.iter().zip(lines).map(|(batch, line)| alone(shared, batch, line)).collect()
        }
    };
    let appended: Vec<Option<Appended>> = appended;
    let mut stored = 0;
    for (batch, appended) in batches.iter().zip(&appended) {
        match appended {
            Some(Appended::Stored) => {
                stored += 1;
                Counters::add(&shared.counters.samples, batch.samples as usize);
            }
            Some(Appended::Duplicate) => Counters::add(&shared.counters.duplicates, 1),
            None => {}
        }
    }
    Counters::add(&shared.counters.batches, stored);
    if stored > 0 {
        shared.committed.send_modify(|count| *count += 1);
    }
    for ((_, done, _), appended) in answers.into_iter().zip(appended) {
        if let Some(appended) = appended {
            // The stream may be gone; then the agent asks again and is told that it is a duplicate.
            let _ = done.send(appended);
        }
    }
}

fn alone(shared: &Shared, batch: &StoredBatch, line: &Line) -> Option<Appended> {
    if line.broken.load(Relaxed) {
        return None;
    }
    match shared.store.append(std::slice::from_ref(batch)) {
        Ok(appended) => appended.first().copied(),
        Err(error) => {
            failed(shared, &error, 1);
            line.broken.store(true, Relaxed);
            None
        }
    }
}

fn failed(shared: &Shared, error: &crate::store::StoreError, batches: usize) {
    Counters::add(&shared.counters.store_errors, 1);
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        error = %error, cause, batches,
        "cannot store batches; the agents keep them and try again"
    );
}
