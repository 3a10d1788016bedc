//! The running agent: starts sources when the schedule says so, and hands on what they find.
//!
//! One loop on one thread, which sleeps until sources are due, their runs have ended, a run's deadline passes or
//! somebody calls. It never waits for a source. What asks the same devices waits in one [`Lane`], so that no controller
//! is asked two things at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use xunjian_proto::Run;

use crate::{
    clock,
    config::Config,
    cursors::Cursors,
    host::Host,
    load,
    own::{self, Figures},
    runner::{self, Done, EvidencePolicy, Finished, Job, Lane, Running},
    schedule::{Entry, Schedule, Step},
    source::Source,
};

/// Longest time that news waits: something changed, failed or happened.
const GATHER_NEWS: Duration = Duration::from_secs(1);

/// Longest time that the first runs wait for each other. What a disk is used for is told by another source than what is
/// wrong with it: the level of a fault is decided from both, so the first batch is to hold both.
const FIRST_TOGETHER: Duration = Duration::from_secs(30);

/// How long after an inspection was asked for its runs count as news: somebody waits for them.
const EAGER: Duration = Duration::from_secs(120);

/// Most runs in one batch.
const GATHER_MAX: usize = 256;

/// Sources that start programs and run no more often than this ask devices.
const EXPENSIVE_EVERY: Duration = Duration::from_secs(180);

/// The lanes, and whether a run in one waits for a slow one before it.
const LANES: [(&str, bool); 3] = [("quick", false), ("devices", true), ("bmc", true)];

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
    /// There is something to find in a lane.
    Look,
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
    host: Arc<dyn Host>,
    config: Config,
    sources: Vec<Source>,
    schedule: Schedule,
    /// As [`LANES`].
    lanes: Vec<Lane>,
    /// The runs that are stuck, by source, until their threads end.
    stuck: BTreeMap<usize, Arc<Running>>,
    cursors: Cursors,
    evidence: EvidencePolicy,
    gathered: Vec<Run>,
    /// Sources whose first run has not ended yet.
    awaited: BTreeSet<String>,
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
        host: Arc<dyn Host>,
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
        let others = sources.iter().filter(|it| it.name != own::SOURCE.name);
        let awaited = others.map(|it| it.name.to_owned()).collect();
        let (send, receive) = mpsc::channel();
        let teller = send.clone();
        // Nobody listens any more if the agent is about to end.
        let tell: Arc<dyn Fn() + Send + Sync> = Arc::new(move || drop(teller.send(Message::Look)));
        let lane = |(name, strict)| Lane::new(name, strict, host.clone(), tell.clone());
        let lanes = LANES.into_iter().map(lane).collect();
        Service {
            host,
            config,
            sources,
            schedule,
            lanes,
            stuck: BTreeMap::new(),
            cursors,
            evidence: EvidencePolicy::default(),
            gathered: Vec::new(),
            awaited,
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
            self.look(outlet);
            if self.flush_by.is_some_and(|it| it <= Instant::now()) {
                self.flush(outlet);
            }
            let woken = match self.next_wake() {
                Some(at) => self.receive.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => self.receive.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            };
            match woken {
                Ok(Message::Command(Command::Inspect(names))) => {
                    self.eager_until = Some(Instant::now() + EAGER);
                    self.schedule.run_now(self.begun.elapsed(), &names);
                }
                Ok(Message::Command(Command::Stop)) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                    break;
                }
                Ok(Message::Look) | Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
        self.flush(outlet);
        self.cursors.save();
    }

    /// Keeps a run until others can go with it.
    fn gather(&mut self, run: Run, news: bool) {
        let now = Instant::now();
        // With the last first run there is nothing more to wait for.
        let last = self.awaited.remove(&run.source) && self.awaited.is_empty();
        let full = self.gathered.len() + 1 >= GATHER_MAX;
        let eager = self.eager_until.is_some_and(|it| now < it);
        let wait = if eager || news || last { GATHER_NEWS } else { self.config.gather };
        let by = match full {
            true => now,
            false if eager || self.awaited.is_empty() => now + wait,
            false => (self.begun + FIRST_TOGETHER).max(now + wait),
        };
        self.flush_by = Some(self.flush_by.map_or(by, |it| it.min(by)));
        self.gathered.push(run);
    }

    fn flush(&mut self, outlet: &mut dyn Outlet) {
        self.flush_by = None;
        let events = self.gathered.iter().any(|it| !it.events.is_empty());
        if !self.gathered.is_empty() {
            outlet.put(std::mem::take(&mut self.gathered));
        }
        // Only now: a crash before gives an event twice, never not at all. What was handed on must not come twice, because
        // rules count it.
        match events {
            true => self.cursors.save(),
            false => self.cursors.save_sometimes(Instant::now()),
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let due = self.schedule.next().map(|it| self.begun + it);
        self.lanes.iter().filter_map(Lane::look_by).chain(due).chain(self.flush_by).min()
    }

    fn start_due(&mut self) {
        let (host, limits) = (self.host.clone(), self.config.load);
        let mut why = None;
        let mut busy = || {
            why = load::busy(&*host, &limits);
            why.is_some()
        };
        let steps = self.schedule.due(self.begun.elapsed(), &mut busy);
        let mut due: [Vec<(usize, Job)>; LANES.len()] = Default::default();
        for step in steps {
            match step {
                Step::Start(index) => {
                    due[lane(&self.sources[index])].push((index, self.job(index)))
                }
                Step::Defer(index) => {
                    let why = why.as_deref().unwrap_or("the host is busy");
                    self.gather(runner::deferred(&self.job(index), why), false);
                }
                Step::StillStuck(index) => {
                    if let Some(running) = self.stuck.get(&index) {
                        let again = Run { at: clock::now(), ..running.stuck() };
                        self.gather(again, false);
                    }
                }
            }
        }
        for (lane, mut jobs) in self.lanes.iter_mut().zip(due) {
            // What starts programs comes after what only reads, so that it holds up as little as possible.
            jobs.sort_unstable_by_key(|(index, job)| (!job.source.runs.is_empty(), *index));
            lane.push(jobs);
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

    /// Takes what has ended. Runs that have not ended by their deadline are reported once here; the schedule repeats it
    /// every period.
    fn look(&mut self, outlet: &mut dyn Outlet) {
        let (mut done, mut stuck) = (Vec::new(), Vec::new());
        for lane in &mut self.lanes {
            let found = lane.look();
            done.extend(found.0);
            stuck.extend(found.1);
        }
        for it in done {
            self.ended(it, outlet);
        }
        for (index, running) in stuck {
            self.schedule.stuck(index);
            tracing::warn!(source = self.sources[index].name, "a source is stuck");
            self.gather(running.stuck(), true);
            self.stuck.insert(index, running);
        }
    }

    fn ended(&mut self, done: Done, outlet: &mut dyn Outlet) {
        let Done { index, took, finished: Finished { mut run, cursor } } = done;
        let was_stuck = self.stuck.remove(&index).is_some();
        self.schedule.ended(index, took);
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

/// Which of [`LANES`] a source runs in. Those of one lane may ask the same controller: the makers' tools, smartctl and
/// sg_ses the same adapter, `nvme` (through the kernel) the drives that smartctl asks, `ipmi` and `redfish` the same
/// management controller.
fn lane(source: &Source) -> usize {
    match source.name {
        "ipmi" | "redfish" => 2,
        "nvme" => 1,
        _ => usize::from(expensive(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources;

    #[test]
    fn what_asks_storage_controllers_shares_a_lane() {
        let named = |name: &str| sources::ALL.iter().find(|it| it.name == name).expect(name);
        let devices = lane(named("smart"));
        assert!(LANES[devices].1, "a lane in which runs wait for each other");
        let controllers = ["smartctl", "sg_ses"].into_iter();
        let tools = named("hwraid").programs.iter().map(|it| it.name);
        let asks: Vec<&str> = controllers.chain(tools).collect();
        let sharing: Vec<&str> = sources::ALL
            .iter()
            .filter(|it| it.programs.iter().any(|program| asks.contains(&program.name)))
            .map(|it| {
                assert_eq!(lane(it), devices, "{}", it.name);
                it.name
            })
            .collect();
        assert!(["enclosure", "hwraid", "smart"].iter().all(|it| sharing.contains(it)));
        assert_eq!(lane(named("ipmi")), lane(named("redfish")));
        assert_eq!(lane(named("host")), 0);
    }
}
