//! The running agent: starts sources when the schedule says so, and hands on what they find.
//!
//! One loop on one thread, which sleeps until the next source is due, a run ends, a run's deadline passes or somebody
//! calls. It never waits for a source.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use xunjian_proto::Run;

use crate::{
    clock,
    config::Config,
    cursors::Cursors,
    host::Live,
    load,
    own::{self, Figures},
    runner::{self, EvidencePolicy, Finished, Job, Running},
    schedule::{Entry, Schedule, Step},
    source::Source,
};

/// Longest time that a run waits for others to go with it: a batch of many runs packs far better than each alone.
const GATHER: Duration = Duration::from_secs(60);

/// Longest time that news waits: something changed, failed or happened.
const GATHER_NEWS: Duration = Duration::from_secs(1);

/// How long after an inspection was asked for its runs count as news: somebody waits for them.
const EAGER: Duration = Duration::from_secs(120);

/// Most runs in one batch.
const GATHER_MAX: usize = 256;

/// Sources that start programs and run no more often than this ask devices.
const EXPENSIVE_EVERY: Duration = Duration::from_secs(300);

/// Where runs go: the spool.
pub trait Outlet {
    /// Takes runs in the order they were made. What it cannot keep it counts.
    fn put(&mut self, runs: Vec<Run>);
    /// Fills in what it knows of the agent's own state: the spool's size and losses.
    fn figures(&self, figures: &mut Figures);
}

/// What can be asked of a running agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run these sources now; every one if none is named.
    Inspect(Vec<String>),
    /// End.
    Stop,
}

/// What wakes the loop.
enum Message {
    Ended(usize, Instant, Box<Finished>),
    Command(Command),
}

/// The way to call a running agent, from any thread.
#[derive(Clone)]
pub struct Handle(mpsc::Sender<Message>);

impl Handle {
    /// Calls it. An agent that has ended does not hear.
    pub fn send(&self, command: Command) {
        let _ = self.0.send(Message::Command(command));
    }
}

/// An agent that is to run.
pub struct Service {
    host: Arc<Live>,
    config: Config,
    sources: Vec<Source>,
    schedule: Schedule,
    /// The runs under way, by source; a stuck one stays until its thread ends.
    running: BTreeMap<usize, (Running, bool)>,
    cursors: Cursors,
    evidence: EvidencePolicy,
    gathered: Vec<Run>,
    flush_by: Option<Instant>,
    eager_until: Option<Instant>,
    begun: Instant,
    send: mpsc::Sender<Message>,
    receive: mpsc::Receiver<Message>,
}

impl Service {
    /// Prepares all enabled sources of `sources` and the agent's watch over itself. `host_id` is anything that tells
    /// this host from others; it spreads the runs.
    pub fn new(
        host: Arc<Live>,
        config: Config,
        sources: &[Source],
        host_id: &str,
        cursors: Cursors,
    ) -> Service {
        let enabled = sources.iter().filter(|it| config.source(it).enabled).copied();
        let sources: Vec<Source> = enabled.chain([own::SOURCE]).collect();
        let entry = |it: &Source| Entry {
            name: it.name.to_owned(),
            every: config.source(it).every,
            expensive: expensive(it),
        };
        let entries = sources.iter().map(entry).collect();
        let schedule = Schedule::new(host_id, entries, config.load.deferrals_max);
        let (send, receive) = mpsc::channel();
        Service {
            host,
            config,
            sources,
            schedule,
            running: BTreeMap::new(),
            cursors,
            evidence: EvidencePolicy::default(),
            gathered: Vec::new(),
            flush_by: None,
            eager_until: None,
            begun: Instant::now(),
            send,
            receive,
        }
    }

    /// The way to call it while it runs.
    pub fn handle(&self) -> Handle {
        Handle(self.send.clone())
    }

    /// Runs until it is told to stop. Stuck sources are left behind.
    pub fn serve(mut self, outlet: &mut dyn Outlet) {
        self.begun = Instant::now();
        loop {
            self.start_due();
            self.tell_stuck();
            if self.flush_by.is_some_and(|it| it <= Instant::now()) {
                self.flush(outlet);
            }
            let woken = match self.next_wake() {
                Some(at) => self.receive.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => self.receive.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            };
            match woken {
                Ok(Message::Ended(index, begun, finished)) => {
                    self.ended(index, begun, *finished, outlet);
                }
                Ok(Message::Command(Command::Inspect(names))) => {
                    self.eager_until = Some(Instant::now() + EAGER);
                    self.schedule.run_now(self.begun.elapsed(), &names);
                }
                Ok(Message::Command(Command::Stop)) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                    break;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
        self.flush(outlet);
        self.cursors.save();
    }

    /// Keeps a run until others can go with it.
    fn gather(&mut self, run: Run, news: bool) {
        let now = Instant::now();
        let full = self.gathered.len() + 1 >= GATHER_MAX;
        let soon = news || self.eager_until.is_some_and(|it| now < it);
        let by = match (full, soon) {
            (true, _) => now,
            (false, true) => now + GATHER_NEWS,
            (false, false) => now + GATHER,
        };
        self.flush_by = Some(self.flush_by.map_or(by, |it| it.min(by)));
        self.gathered.push(run);
    }

    fn flush(&mut self, outlet: &mut dyn Outlet) {
        self.flush_by = None;
        if !self.gathered.is_empty() {
            outlet.put(std::mem::take(&mut self.gathered));
        }
        // Only now: a crash before gives an event twice, never not at all.
        self.cursors.save_sometimes(Instant::now());
    }

    fn next_wake(&self) -> Option<Instant> {
        let due = self.schedule.next().map(|it| self.begun + it);
        let deadlines = self.running.values().filter(|(_, stuck)| !stuck);
        deadlines.map(|(it, _)| it.ends_by()).chain(due).chain(self.flush_by).min()
    }

    fn start_due(&mut self) {
        let (host, limits) = (self.host.clone(), self.config.load);
        let mut why = None;
        let mut busy = || {
            why = load::busy(&*host, &limits);
            why.is_some()
        };
        let steps = self.schedule.due(self.begun.elapsed(), &mut busy);
        for step in steps {
            match step {
                Step::Start(index) => self.start(index),
                Step::Defer(index) => {
                    let why = why.as_deref().unwrap_or("the host is busy");
                    self.gather(runner::deferred(&self.job(index), why), false);
                }
                Step::StillStuck(index) => {
                    if let Some((running, _)) = self.running.get(&index) {
                        let again = Run { at: clock::now(), ..running.stuck() };
                        self.gather(again, false);
                    }
                }
            }
        }
    }

    fn start(&mut self, index: usize) {
        let job = self.job(index);
        let (send, begun) = (self.send.clone(), Instant::now());
        let done = move |finished| {
            // Nobody listens any more if the agent is about to end.
            let _ = send.send(Message::Ended(index, begun, Box::new(finished)));
        };
        match runner::start(job.clone(), self.host.clone(), done) {
            Ok(running) => {
                self.running.insert(index, (running, false));
            }
            Err(error) => {
                tracing::error!(source = job.source.name, %error, "cannot start a thread");
                self.schedule.ended(index, Duration::ZERO);
                self.gather(runner::failed(&job, format!("cannot start a thread: {error}")), true);
            }
        }
    }

    fn job(&self, index: usize) -> Job {
        let source = self.sources[index];
        let section = self.config.source(&source);
        Job {
            source,
            options: section.options,
            deadline: section.deadline,
            cursor: self.cursors.get(source.name),
            at: clock::now(),
        }
    }

    /// Runs that have not ended by their deadline are reported once here; the schedule repeats it every period.
    fn tell_stuck(&mut self) {
        let now = Instant::now();
        let mut told = Vec::new();
        for (index, (running, stuck)) in &mut self.running {
            if !*stuck && running.ends_by() <= now {
                *stuck = true;
                self.schedule.stuck(*index);
                tracing::warn!(source = self.sources[*index].name, "a source is stuck");
                told.push(running.stuck());
            }
        }
        for run in told {
            self.gather(run, true);
        }
    }

    fn ended(&mut self, index: usize, begun: Instant, finished: Finished, outlet: &mut dyn Outlet) {
        let was_stuck = self.running.remove(&index).is_some_and(|(_, stuck)| stuck);
        self.schedule.ended(index, begun.elapsed());
        let Finished { mut run, cursor } = finished;
        if was_stuck {
            // It was reported as stuck; what it found so late is old, and the next run is made soon.
            tracing::info!(source = run.source, took_ms = run.took_ms, "a stuck source has ended");
            return;
        }
        if run.source == own::SOURCE.name {
            own::add(&mut run, &self.figures(outlet));
        }
        let news = self.evidence.apply(&mut run);
        self.cursors.set(&run.source, cursor);
        self.gather(run, news);
    }

    fn figures(&self, outlet: &dyn Outlet) -> Figures {
        let periods = self.sources.iter().enumerate();
        let periods = periods.map(|(index, it)| (it.name.to_owned(), self.schedule.period(index)));
        let mut figures = Figures {
            left_behind: self.host.left_behind(),
            periods: periods.collect(),
            ..Figures::default()
        };
        outlet.figures(&mut figures);
        figures
    }
}

/// Whether a source asks devices through programs: such a run takes seconds to minutes and the devices feel it. By
/// their authors' choice these are the sources with long periods; the quick ones that start a small program every
/// minute (a mount probe, systemctl) are felt by nobody, and must not wait for a long round over all disks.
fn expensive(source: &Source) -> bool {
    !source.runs.is_empty() && source.every >= EXPENSIVE_EVERY
}
