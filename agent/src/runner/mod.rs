//! Runs sources so that none can harm the agent or another source.
//!
//! A source may hang in the kernel (a dead disk, a dead server), so each run has its own thread. One that outlives
//! its deadline is reported as stuck and left behind; whoever calls must not start the source again until that
//! thread ends. A panic is caught and is the failure of that run alone.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use xunjian_proto::{Outcome, Problem, Reason, Run, Time, check};

use crate::{
    clock,
    host::Host,
    source::{Collect, Found, Source},
};

mod metered;

mod evidence;

mod lane;

mod unread;

mod fit;

pub use evidence::EvidencePolicy;
pub use lane::{Done, Lane};
use metered::{Meter, Metered};
use unread::Unread;

/// Most numbers in one run; a server with 500 disks emits some 30,000.
const SAMPLES_MAX: usize = 100_000;

/// Most items of any other kind in one run: what the wire takes.
const ITEMS_MAX: usize = check::ITEMS_MAX;

/// Most problems of one run: beyond this they only repeat themselves.
const PROBLEMS_MAX: usize = 1_000;

/// Longest text of a problem, in bytes.
const TEXT_BYTES_MAX: usize = 1_000;

/// Stack of a source's thread: they parse without deep recursion.
const STACK_BYTES: usize = 1024 * 1024;

/// One run to be made.
#[derive(Debug, Clone)]
pub struct Job {
    /// Of which source.
    pub source: Source,
    /// The source's options.
    pub options: toml::Table,
    /// How long it may take.
    pub deadline: Duration,
    /// Where the source left off.
    pub cursor: Option<String>,
    /// When it begins, as the run will say.
    pub at: Time,
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// What it found and what it cost.
    pub run: Run,
    /// Where the source left off; as before if the run came to nothing.
    pub cursor: Option<String>,
}

/// A run under way.
#[derive(Debug)]
pub struct Running {
    job: Job,
    meter: Arc<Meter>,
    live: bool,
    begun: Instant,
}

impl Running {
    fn new(job: Job, live: bool) -> Running {
        Running { job, meter: Arc::default(), live, begun: Instant::now() }
    }

    /// When it counts as stuck.
    pub fn ends_by(&self) -> Instant {
        self.begun + self.job.deadline
    }

    /// The run as it has to be reported if it has not ended by its deadline.
    pub fn stuck(&self) -> Run {
        let took = self.begun.elapsed();
        let run = blank(&self.job, Outcome::Stuck);
        if self.live {
            Run { took_ms: millis(took), cost: self.meter.cost(Duration::ZERO), ..run }
        } else {
            run
        }
    }
}

/// Starts a run on a thread of its own; `done` is called there when it has ended, be it late.
pub fn start(
    job: Job,
    host: Arc<dyn Host>,
    done: impl FnOnce(Finished) + Send + 'static,
) -> std::io::Result<Running> {
    let running = Running::new(job.clone(), host.is_live());
    let meter = running.meter.clone();
    thread::Builder::new()
        .name(format!("source-{}", job.source.name))
        .stack_size(STACK_BYTES)
        .spawn(move || done(collect(&job, &*host, &meter)))?;
    Ok(running)
}

/// Makes a run and waits for it, at most until its deadline.
pub fn run(job: Job, host: Arc<dyn Host>) -> Finished {
    let (tell, wait) = mpsc::sync_channel(1);
    let kept = job.clone();
    let started = start(job, host, move |finished| {
        let _ = tell.send(finished);
    });
    match started {
        Ok(running) => {
            let left = running.ends_by().saturating_duration_since(Instant::now());
            wait.recv_timeout(left)
                .unwrap_or_else(|_| Finished { run: running.stuck(), cursor: kept.cursor })
        }
        Err(error) => Finished {
            run: failed(&kept, format!("cannot start a thread: {error}")),
            cursor: kept.cursor,
        },
    }
}

/// The run of a source that was not started, to spare the host.
pub fn deferred(job: &Job, why: &str) -> Run {
    blank(job, Outcome::Deferred(why.to_owned()))
}

/// The run of a source that could not be started.
pub fn failed(job: &Job, why: String) -> Run {
    blank(job, Outcome::Failed(why))
}

/// An error with all its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}

/// Makes the run on the calling thread.
fn collect(job: &Job, host: &dyn Host, meter: &Meter) -> Finished {
    let begun = Instant::now();
    let cpu = clock::thread_cpu();
    let unread = Unread::default();
    let runs = job.source.runs;
    let metered = Metered { host, meter, deadline: begun + job.deadline, runs, unread: &unread };
    let mut cursor = job.cursor.clone();
    let looked = catch_unwind(AssertUnwindSafe(|| look(job, &metered, &mut cursor)))
        .unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            (Outcome::Failed(format!("the source panicked: {}", cut(&text))), Found::default())
        });
    let (outcome, mut found) = looked;
    let cursor = if outcome == Outcome::Collected { cursor } else { job.cursor.clone() };
    let untold = unread.untold(&outcome, &found.problems);
    found.problems.extend(untold);
    fit::fit(&mut found);
    bound(&mut found);
    let Found { components, samples, states, events, problems, evidence } = found;
    let run =
        Run { components, samples, states, events, problems, evidence, ..blank(job, outcome) };
    if !host.is_live() {
        return Finished { run, cursor };
    }
    let cost = meter.cost(clock::thread_cpu().saturating_sub(cpu));
    Finished { run: Run { took_ms: millis(begun.elapsed()), cost, ..run }, cursor }
}

fn look(job: &Job, host: &dyn Host, cursor: &mut Option<String>) -> (Outcome, Found) {
    if let Some(need) = job.source.needs.iter().find(|it| !host.has(**it)) {
        return (Outcome::Absent(need.to_string()), Found::default());
    }
    let mut run = Collect::new(host, &job.options, cursor);
    let result = (job.source.collect)(&mut run);
    let found = run.finish();
    match result {
        Ok(()) => (Outcome::Collected, found),
        // What was found before the failure is true all the same, and its problems say more than the error alone.
        Err(error) => (Outcome::Failed(cut(&chain(&error))), found),
    }
}

fn blank(job: &Job, outcome: Outcome) -> Run {
    Run {
        source: job.source.name.to_owned(),
        at: job.at,
        took_ms: 0,
        outcome,
        components: Vec::new(),
        samples: Vec::new(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: xunjian_proto::Cost::default(),
    }
}

/// Holds a run within its limits, and says what was left out.
fn bound(found: &mut Found) {
    let mut left_out = Vec::new();
    let mut limit = |what: &str, count: usize, max: usize| {
        if count > max {
            left_out.push(format!("{} {what} left out, only {max} are kept", count - max));
        }
    };
    limit("components", found.components.len(), ITEMS_MAX);
    limit("numbers", found.samples.len(), SAMPLES_MAX);
    limit("states", found.states.len(), ITEMS_MAX);
    limit("events", found.events.len(), ITEMS_MAX);
    limit("problems", found.problems.len(), PROBLEMS_MAX);
    found.components.truncate(ITEMS_MAX);
    found.samples.truncate(SAMPLES_MAX);
    found.states.truncate(ITEMS_MAX);
    // The newest events matter most.
    found.events.drain(..found.events.len().saturating_sub(ITEMS_MAX));
    found.problems.truncate(PROBLEMS_MAX);
    for problem in &mut found.problems {
        if problem.text.len() > TEXT_BYTES_MAX {
            problem.text = cut(&problem.text);
        }
    }
    found.problems.extend(left_out.into_iter().map(|text| Problem {
        reason: Reason::Truncated,
        component: None,
        text,
    }));
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let mut end = TEXT_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
