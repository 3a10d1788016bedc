//! Runs that are made one after the other on one thread: no two of a lane ever overlap, and ten that are due together
//! wake the host once.
//!
//! Invariant: nobody waits for a run beyond its deadline. Whoever owns the lane looks at it when [`Lane::look_by`] says
//! so; a run that is stuck then keeps its thread for itself, and what waits behind it goes on on another. In a lane
//! that is not strict it already does so when a run takes longer than quick ones do.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{Finished, Job, Running, STACK_BYTES, collect, failed};
use crate::{clock, host::Host};

/// What a quick run takes at most; reading `/proc` and `/sys` takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// A run that has ended, in time or not.
#[derive(Debug)]
pub struct Done {
    /// What the owner called it.
    pub index: usize,
    /// How long it took, without its wait in the lane.
    pub took: Duration,
    /// What came of it.
    pub finished: Finished,
}

/// See the module.
pub struct Lane {
    name: &'static str,
    /// Whether runs wait for a slow one before them, because they ask the same devices.
    strict: bool,
    host: Arc<dyn Host>,
    /// Called on the lane's thread when there is something to look at.
    tell: Arc<dyn Fn() + Send + Sync>,
    /// The one that takes new runs is the last; those before it are slow or stuck with their last run.
    workers: Vec<Arc<Worker>>,
    look_by: Option<Instant>,
}

/// One thread's work.
#[derive(Default)]
struct Worker(Mutex<Work>);

#[derive(Default)]
struct Work {
    waiting: VecDeque<(usize, Job)>,
    now: Option<(usize, Arc<Running>)>,
    done: Vec<Done>,
    /// The run under way was reported as stuck.
    told: bool,
    /// The thread has ended: nothing waits and nothing will.
    over: bool,
}

impl Lane {
    /// A lane without work. `tell` says to its owner that [`Lane::look`] has something to find.
    pub fn new(
        name: &'static str,
        strict: bool,
        host: Arc<dyn Host>,
        tell: Arc<dyn Fn() + Send + Sync>,
    ) -> Lane {
        Lane { name, strict, host, tell, workers: Vec::new(), look_by: None }
    }

    /// Puts runs behind those that wait. Their time is that of their begin.
    pub fn push(&mut self, jobs: Vec<(usize, Job)>) {
        let Some(shortest) = jobs.iter().map(|(_, job)| job.deadline).min() else { return };
        let by = Instant::now() + PATIENCE.min(shortest);
        self.look_by = Some(self.look_by.map_or(by, |it| it.min(by)));
        if let Some(worker) = self.workers.last() {
            let mut work = worker.lock();
            if !work.over && !work.told {
                work.waiting.extend(jobs);
                return;
            }
        }
        self.begin(jobs.into());
    }

    fn begin(&mut self, waiting: VecDeque<(usize, Job)>) {
        let worker = Arc::new(Worker(Mutex::new(Work { waiting, ..Work::default() })));
        let (host, tell) = (self.host.clone(), self.tell.clone());
        let (working, builder) =
            (worker.clone(), thread::Builder::new().name(self.name.to_owned()));
        let started = builder.stack_size(STACK_BYTES).spawn(move || working.work(&*host, &*tell));
        if let Err(error) = started {
            tracing::error!(%error, "cannot start a thread");
            worker.lock().fail(&format!("cannot start a thread: {error}"));
            self.look_by = Some(Instant::now());
        }
        self.workers.push(worker);
    }

    /// When to look again at the latest; none if nothing is under way.
    pub fn look_by(&self) -> Option<Instant> {
        self.look_by
    }

    /// What has ended since the last look, and the runs that are stuck since then.
    pub fn look(&mut self) -> (Vec<Done>, Vec<(usize, Arc<Running>)>) {
        let (mut done, mut stuck, mut left) = (Vec::new(), Vec::new(), VecDeque::new());
        let now = Instant::now();
        self.look_by = None;
        self.workers.retain(|worker| {
            let mut work = worker.lock();
            done.append(&mut work.done);
            let mut by = now + PATIENCE;
            if let Some((index, running)) = work.now.clone().filter(|_| !work.told) {
                let (slow_at, ends_by) = (running.begun + PATIENCE, running.ends_by());
                if ends_by <= now {
                    work.told = true;
                    stuck.push((index, running));
                }
                if work.told || (slow_at <= now && !self.strict) {
                    left.append(&mut work.waiting);
                }
                by = if slow_at <= now { ends_by } else { slow_at.min(ends_by) };
            }
            if !work.over && !work.told {
                self.look_by = Some(self.look_by.map_or(by, |it| it.min(by)));
            }
            !work.over
        });
        if !left.is_empty() {
            self.look_by = Some(now + PATIENCE);
            self.begin(left);
        }
        (done, stuck)
    }
}

impl Worker {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, host: &dyn Host, tell: &(dyn Fn() + Send + Sync)) {
        while let Some((index, running)) = self.next(host) {
            let finished = collect(&running.job, host, &running.meter);
            let took = running.begun.elapsed();
            let mut work = self.lock();
            work.now = None;
            work.done.push(Done { index, took, finished });
            // Said before the owner looks, who would come back for more otherwise. A thread that was stuck has no part
            // in the lane any more.
            work.over = work.told || work.waiting.is_empty();
            let news = work.over || took >= PATIENCE;
            drop(work);
            if news {
                tell();
            }
        }
    }

    fn next(&self, host: &dyn Host) -> Option<(usize, Arc<Running>)> {
        let mut work = self.lock();
        if work.over {
            return None;
        }
        // Nothing is left of it if the owner took what waited just now.
        let next = work.waiting.pop_front();
        work.over = next.is_none();
        let (index, job) = next?;
        let job = Job { at: clock::now(), ..job };
        work.now = Some((index, Arc::new(Running::new(job, host.is_live()))));
        work.now.clone()
    }
}

impl Work {
    fn fail(&mut self, why: &str) {
        self.over = true;
        for (index, job) in mem::take(&mut self.waiting) {
            let run = failed(&job, why.to_owned());
            let finished = Finished { run, cursor: job.cursor };
            self.done.push(Done { index, took: Duration::ZERO, finished });
        }
    }
}
