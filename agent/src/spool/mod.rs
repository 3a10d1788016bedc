//! The durable queue between reading and sending: every batch is on disk before it is sent, and removed when the
//! collector has it.
//!
//! One folder of segment files; a segment holds the definitions that its batches need. Each push is written and synced
//! (`fdatasync`) before it returns: at one or two pushes a minute that costs nothing, and what was read survives loss
//! of power. Bounded by bytes and age: when it is full, the oldest segments lose their samples and raw outputs first
//! and keep events, inventories and problems; only then are the oldest dropped whole. Both are counted, and reported
//! as a run of the source `spool`.
//!
//! Sequence numbers begin at the milliseconds of the clock and are reserved ahead in a file, so that a spool that was
//! lost or a clock that was set back never makes a number come twice.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use thiserror::Error;
use tokio::sync::Notify;
use xunjian_proto::{
    ComponentId, Cost, Outcome, Problem, Reason, Run, Time,
    check::Batch,
    wire::{self, Definition, Hash, Packed, WireError},
};

use crate::config::SpoolLimits;

mod files;

mod segment;

mod room;

mod outlet;

use files::Sequences;
pub use outlet::ToSpool;
use segment::Segment;

/// Batches that are kept in memory while the disk takes none: some minutes of readings.
const MEMORY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Name of the run that reports what the spool had to drop.
const SOURCE: &str = "spool";

/// Why the spool cannot be used.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// A file or the folder.
    #[error("cannot use the spool {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another agent uses it.
    #[error("the spool {path} is used by another agent; stop that one first")]
    Locked {
        /// Its folder.
        path: PathBuf,
    },
}

/// What the spool did since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Batches waiting for the collector.
    pub waiting: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Samples that were dropped for lack of room.
    pub samples_dropped: u64,
    /// Batches that lost their samples for lack of room.
    pub batches_thinned: u64,
    /// Batches that were dropped whole, for lack of room or because they were too old.
    pub batches_dropped: u64,
    /// Damaged places that were skipped in segments.
    pub damaged: u64,
    /// Batches that the collector refused.
    pub refused: u64,
    /// Pushes that the disk did not take.
    pub write_errors: u64,
    /// The newest reason for any of the above.
    pub last_reason: Option<String>,
}

/// A batch that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spooled {
    /// The batch.
    pub batch: Batch,
    /// Definitions that it needs.
    pub references: Vec<Hash>,
}

/// The spool. Share it in an `Arc`; all methods may block on the disk.
pub struct Spool {
    inner: Mutex<Inner>,
    news: Notify,
    _lock: std::fs::File,
}

struct Inner {
    folder: PathBuf,
    limits: SpoolLimits,
    /// By first sequence; the last one may still be written to.
    segments: BTreeMap<u64, Segment>,
    active: Option<segment::Active>,
    memory: BTreeMap<u64, (Batch, Vec<Definition>)>,
    sequences: Sequences,
    acknowledged: u64,
    stats: Stats,
    /// The stats that were last reported in a run.
    reported: (u64, u64, u64, u64),
}

impl Spool {
    /// Opens or makes the spool. Cut and flipped places in it are skipped and counted.
    pub fn open(folder: &Path, limits: SpoolLimits, now: Time) -> Result<Spool, SpoolError> {
        let wrap = |source| SpoolError::File { path: folder.to_owned(), source };
        files::make_folder(folder).map_err(wrap)?;
        let lock = files::lock(folder)
            .map_err(wrap)?
            .ok_or_else(|| SpoolError::Locked { path: folder.to_owned() })?;
        let mut stats = Stats::default();
        let segments = segment::open_all(folder, &mut stats).map_err(wrap)?;
        let highest = segments.values().filter_map(Segment::highest).max().unwrap_or(0);
        let sequences = Sequences::open(folder, highest, now).map_err(wrap)?;
        if let Some(reason) = &stats.last_reason {
            tracing::warn!(damaged = stats.damaged, reason, "skipped damage in the spool");
        }
        let inner = Inner {
            folder: folder.to_owned(),
            limits,
            segments,
            active: None,
            memory: BTreeMap::new(),
            sequences,
            acknowledged: 0,
            stats,
            reported: (0, 0, 0, 0),
        };
        Ok(Spool { inner: Mutex::new(inner), news: Notify::new(), _lock: lock })
    }

    /// Keeps runs, durable when this returns. If the disk does not take them they are kept in memory, bounded; the
    /// error is logged and counted, and the agent goes on. Runs beyond the limits of the wire are replaced by failed
    /// ones that say so.
    pub fn push(&self, boot_id: &str, mut runs: Vec<Run>, now: Time) {
        let mut inner = self.lock();
        runs.extend(inner.report(now));
        inner.turn(now);
        inner.push(boot_id, &runs, now);
        inner.bound(now);
        drop(inner);
        self.news.notify_one();
    }

    /// Waits until something was pushed since the last time this returned.
    pub async fn pushed(&self) {
        self.news.notified().await;
    }

    /// The first batch after a sequence. Batches that cannot be read are dropped and counted.
    pub fn next_after(&self, sequence: u64) -> Option<Spooled> {
        let mut inner = self.lock();
        loop {
            let (found, batch) = inner.read_after(sequence)?;
            let opened = batch.and_then(|batch| {
                let references = wire::open(&batch.body)?.references().to_vec();
                Ok(Spooled { batch, references })
            });
            match opened {
                Ok(spooled) => return Some(spooled),
                Err(error) => inner.drop_batch(found, &error.to_string()),
            }
        }
    }

    /// Definitions that came with a batch or earlier in its segment; those that are lost are left out.
    pub fn definitions(&self, sequence: u64, hashes: &[Hash]) -> Vec<Definition> {
        let inner = self.lock();
        if let Some((_, definitions)) = inner.memory.get(&sequence) {
            return definitions.iter().filter(|it| hashes.contains(&it.hash)).cloned().collect();
        }
        let segment = inner.segments.range(..=sequence).next_back().map(|(_, segment)| segment);
        let read =
            |segment: &Segment| hashes.iter().filter_map(|it| segment.definition(it)).collect();
        segment.map(read).unwrap_or_default()
    }

    /// The collector has everything up to this sequence.
    pub fn acknowledge(&self, sequence: u64) {
        self.lock().acknowledge(sequence);
    }

    /// Drops a batch that can never be delivered, and counts it as refused.
    pub fn refused(&self, sequence: u64, reason: &str) {
        let mut inner = self.lock();
        inner.stats.refused += 1;
        inner.stats.last_reason = Some(format!("the collector refused a batch: {reason}"));
        inner.forget(sequence);
    }

    /// Drops a batch whose parts are lost.
    pub fn lost(&self, sequence: u64, reason: &str) {
        self.lock().drop_batch(sequence, reason);
    }

    /// What the spool holds and had to do.
    pub fn stats(&self) -> Stats {
        let inner = self.lock();
        let on_disk: usize = inner.segments.values().map(Segment::batches).sum();
        Stats {
            waiting: (on_disk + inner.memory.len()) as u64,
            bytes: inner.bytes(),
            ..inner.stats.clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn push(&mut self, boot_id: &str, runs: &[Run], now: Time) {
        let known = |hash: &Hash| {
            let active = self.active.as_ref().and_then(|it| self.segments.get(&it.first));
            active.is_some_and(|segment| segment.has_definition(hash))
        };
        match wire::pack_new(runs, &known) {
            Ok(packed) => self.keep(boot_id, runs, packed, now),
            Err(_) if runs.len() > 1 => {
                let (first, second) = runs.split_at(runs.len() / 2);
                self.push(boot_id, first, now);
                self.push(boot_id, second, now);
            }
            Err(error) => {
                if let Some(run) =
                    runs.first().filter(|run| run.samples.len() + run.evidence.len() > 0)
                {
                    self.push(boot_id, &[replaced(run, &error)], now);
                }
            }
        }
    }

    fn keep(&mut self, boot_id: &str, runs: &[Run], packed: Packed, now: Time) {
        let sequence = match self.sequences.next() {
            Ok(sequence) => sequence,
            Err((sequence, error)) => {
                self.not_written(&error);
                sequence
            }
        };
        let Packed { definitions, body, .. } = packed;
        let batch = Batch { sequence, boot_id: boot_id.to_owned(), body };
        let mut written = self.write(&batch, &definitions, now);
        if written.is_err() {
            // The disk may be full of what can be spared.
            self.make_room();
            written = self.write(&batch, &definitions, now);
        }
        if let Err(error) = written {
            self.not_written(&error);
            // In memory there is no segment to hold the definitions that went before.
            if let Ok(packed) = wire::pack(runs) {
                self.memory.insert(sequence, (batch, packed.definitions));
            }
            self.bound_memory();
        }
    }

    fn not_written(&mut self, error: &io::Error) {
        self.stats.write_errors += 1;
        let reason = format!("cannot write to {}: {error}", self.folder.display());
        tracing::error!(
            error = %error,
            folder = %self.folder.display(),
            "cannot write the spool; make room on its disk, readings are kept in memory for some minutes"
        );
        self.stats.last_reason = Some(reason);
    }

    fn read_after(&self, sequence: u64) -> Option<(u64, Result<Batch, WireError>)> {
        let on_disk = self.segments.values().find_map(|segment| segment.next_after(sequence));
        let in_memory = self.memory.range(sequence + 1..).next();
        match (on_disk, in_memory) {
            (Some((found, _)), Some((at, (batch, _)))) if *at < found => {
                Some((*at, Ok(batch.clone())))
            }
            (Some((found, segment)), _) => Some((found, segment.batch(found))),
            (None, Some((at, (batch, _)))) => Some((*at, Ok(batch.clone()))),
            (None, None) => None,
        }
    }

    fn acknowledge(&mut self, sequence: u64) {
        self.acknowledged = self.acknowledged.max(sequence);
        self.sequences.beyond(sequence);
        self.memory.retain(|at, _| *at > sequence);
        let active = self.active.as_ref().map(|it| it.first);
        for segment in self.segments.values_mut() {
            segment.forget_upto(sequence);
        }
        self.remove_empty(active);
    }

    /// Removes the files of segments that hold no batch any more, but not the one that is written to.
    fn remove_empty(&mut self, active: Option<u64>) {
        self.segments.retain(|first, segment| {
            let keep = segment.batches() > 0 || Some(*first) == active;
            if !keep {
                segment.remove();
            }
            keep
        });
    }

    fn forget(&mut self, sequence: u64) {
        self.memory.remove(&sequence);
        for segment in self.segments.values_mut() {
            segment.forget(sequence);
        }
    }

    fn drop_batch(&mut self, sequence: u64, reason: &str) {
        tracing::error!(sequence, reason, "lost a batch of the spool");
        self.stats.batches_dropped += 1;
        self.stats.last_reason = Some(format!("batch {sequence} was lost: {reason}"));
        self.forget(sequence);
    }

    /// A run that says what was lost since the last report, if anything was.
    fn report(&mut self, now: Time) -> Option<Run> {
        let stats = &self.stats;
        let counts = (stats.samples_dropped, stats.batches_dropped, stats.damaged, stats.refused);
        if counts == self.reported {
            return None;
        }
        self.reported = counts;
        let text = format!(
            "since the agent's start: {} samples and {} batches dropped for lack of room or age, {} damaged places \
             skipped, {} batches refused by the collector; last: {}",
            counts.0,
            counts.1,
            counts.2,
            counts.3,
            stats.last_reason.as_deref().unwrap_or("-"),
        );
        Some(Run {
            problems: vec![Problem {
                reason: Reason::Truncated,
                component: Some(ComponentId::new("source", SOURCE)),
                text,
            }],
            ..bare(SOURCE, now)
        })
    }
}

/// What is sent instead of a run that exceeds the limits of the wire: unread is said, not hidden.
fn replaced(run: &Run, error: &WireError) -> Run {
    tracing::error!(source = run.source, error = %error, "a run exceeds the limits of the wire");
    Run {
        outcome: Outcome::Failed(format!("the readings exceed a limit and were left out: {error}")),
        took_ms: run.took_ms,
        ..bare(&run.source, run.at)
    }
}

fn bare(source: &str, at: Time) -> Run {
    Run {
        source: source.to_owned(),
        at,
        took_ms: 0,
        outcome: Outcome::Collected,
        components: Vec::new(),
        samples: Vec::new(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: Cost::default(),
    }
}
