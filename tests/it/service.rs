//! The agent's loop: what it starts, what it survives, and what it says of itself.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use xunjian_agent::{
    config::{Config, SourceConfig},
    cursors::Cursors,
    host::{Allowed, Live},
    own::Figures,
    service::{Command, Handle, Outlet, Service},
    source::{Collect, Source, SourceError},
};
use xunjian_proto::{ComponentId, Event, Outcome, Run, Time};

use crate::{recorder::Folder, runner::fake};

const LONG: Duration = Duration::from_secs(60);

struct Tube(mpsc::Sender<Run>);

impl Outlet for Tube {
    fn put(&mut self, runs: Vec<Run>) {
        for run in runs {
            let _ = self.0.send(run);
        }
    }

    fn figures(&self, figures: &mut Figures) {
        figures.spool_bytes = 77;
    }
}

/// A running agent with these sources, and what it hands on. It ends with the test.
struct Agent {
    handle: Handle,
    runs: mpsc::Receiver<Run>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Agent {
    fn start(config: Config, sources: &[Source], cursors: Cursors) -> Agent {
        let service = Service::new(
            Arc::new(Live::new(Allowed::of(sources))),
            config,
            sources,
            "host",
            cursors,
        );
        let handle = service.handle();
        let (send, runs) = mpsc::channel();
        let thread = thread::spawn(move || service.serve(&mut Tube(send)));
        handle.send(Command::Inspect(Vec::new()));
        Agent { handle, runs, thread: Some(thread) }
    }

    /// The next run of a source.
    fn run(&self, source: &str) -> Run {
        self.any(&[source])
    }

    /// The next run of any of these sources.
    fn any(&self, sources: &[&str]) -> Run {
        loop {
            let run = self.runs.recv_timeout(LONG).expect("a run within a minute");
            if sources.contains(&run.source.as_str()) {
                return run;
            }
        }
    }

    fn stop(&mut self) {
        self.handle.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.handle.send(Command::Stop);
    }
}

fn ok(_: &mut Collect<'_>) -> Result<(), SourceError> {
    Ok(())
}

#[test]
fn it_runs_what_is_enabled_and_looks_at_itself() {
    let mut config = Config::default();
    let off = fake("off", ok);
    config
        .sources
        .insert("off".to_owned(), SourceConfig { enabled: false, ..SourceConfig::of(&off) });
    let agent = Agent::start(config, &[off, fake("on", ok)], Cursors::default());
    // In whichever order they come.
    let mut runs = BTreeMap::new();
    while runs.len() < 2 {
        let run = agent.any(&["on", "agent"]);
        runs.entry(run.source.clone()).or_insert(run);
    }
    assert_eq!(runs["on"].outcome, Outcome::Collected);
    let own = &runs["agent"];
    let value = |name: &str, component: &str| {
        let wanted = ComponentId::parse(component);
        let found =
            own.samples.iter().find(|it| it.series.metric == name && it.series.component == wanted);
        found.map(|it| it.value)
    };
    assert!(value("process.memory.usage", "source:agent").unwrap() > 1e6);
    assert!(value("process.cpu.time", "source:agent").is_some());
    assert_eq!(value("xunjian.agent.spool.size", "source:agent"), Some(77.0));
    assert_eq!(value("xunjian.agent.source.period", "source:on"), Some(60.0));
    assert_eq!(value("xunjian.agent.source.period", "source:off"), None);
}

/// Batches as they are handed on.
struct Batches(mpsc::Sender<Vec<String>>);

impl Outlet for Batches {
    fn put(&mut self, runs: Vec<Run>) {
        let _ = self.0.send(runs.into_iter().map(|it| it.source).collect());
    }

    fn figures(&self, _: &mut Figures) {}
}

/// What is wrong with a disk and what it is used for come from two sources: a first batch with only one of them would
/// open a case with a level that the next batch takes back (seen in the laboratory).
#[test]
fn the_first_runs_of_all_sources_go_together() {
    let soon = |source: Source| Source { every: Duration::from_secs(2), ..source };
    let slow = fake("slow", |_| {
        thread::sleep(Duration::from_secs(4));
        Ok(())
    });
    let sources = [soon(fake("quick", ok)), soon(slow)];
    let host = Arc::new(Live::new(Allowed::of(&sources)));
    let service = Service::new(host, Config::default(), &sources, "host", Cursors::default());
    let handle = service.handle();
    let (send, batches) = mpsc::channel();
    let thread = thread::spawn(move || service.serve(&mut Batches(send)));
    let first = batches.recv_timeout(LONG).expect("a batch within a minute");
    assert!(["quick", "slow"].iter().all(|it| first.iter().any(|has| has == it)), "{first:?}");
    handle.send(Command::Stop);
    thread.join().unwrap();
}

/// What the file of cursors has when a batch is handed on.
struct Watch(mpsc::Sender<String>, PathBuf);

impl Outlet for Watch {
    fn put(&mut self, runs: Vec<Run>) {
        if runs.iter().any(|it| it.source == "log") {
            let _ = self.0.send(fs::read_to_string(&self.1).unwrap_or_default());
        }
    }

    fn figures(&self, _: &mut Figures) {}
}

/// An agent that was killed told all events of the last minute twice, and rules counted both (seen in the laboratory).
#[test]
fn an_event_that_was_handed_on_is_not_read_again_after_a_crash() {
    let log = fake("log", |c| {
        let read: i64 = c.cursor.as_deref().map_or(0, |it| it.parse().unwrap()) + 1;
        *c.cursor = Some(read.to_string());
        c.event(Event {
            kind: "kernel.oom".to_owned(),
            component: ComponentId::host(),
            at: Time::from_secs(read),
            text: format!("line {read}"),
            attrs: BTreeMap::new(),
        });
        Ok(())
    });
    let folder = Folder::new("cursors-of-events");
    let file = folder.path("cursors.json");
    let sources = [log];
    let host = Arc::new(Live::new(Allowed::of(&sources)));
    let cursors = Cursors::load(file.clone());
    let service = Service::new(host, Config::default(), &sources, "host", cursors);
    let handle = service.handle();
    let (send, files) = mpsc::channel();
    let thread = thread::spawn(move || service.serve(&mut Watch(send, file)));
    for before in ["", r#"{"log":"1"}"#, r#"{"log":"2"}"#, r#"{"log":"3"}"#] {
        handle.send(Command::Inspect(Vec::new()));
        assert_eq!(files.recv_timeout(LONG).expect("a batch within a minute"), before);
    }
    handle.send(Command::Stop);
    thread.join().unwrap();
}

#[test]
fn a_stuck_source_is_told_and_not_started_again_while_the_others_go_on() {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    let mut hanging = fake("hanging", |_| {
        STARTS.fetch_add(1, Ordering::SeqCst);
        loop {
            thread::park();
        }
    });
    hanging.deadline = Duration::from_millis(20);
    let agent = Agent::start(Config::default(), &[hanging, fake("good", ok)], Cursors::default());
    assert_eq!(agent.run("hanging").outcome, Outcome::Stuck);
    agent.handle.send(Command::Inspect(Vec::new()));
    assert_eq!(agent.run("hanging").outcome, Outcome::Stuck);
    assert_eq!(agent.run("good").outcome, Outcome::Collected);
    assert_eq!(STARTS.load(Ordering::SeqCst), 1);
}

#[test]
fn a_source_goes_on_where_it_left_off_after_a_restart() {
    let folder = Folder::new("cursors");
    let file = || Cursors::load(folder.path("cursors.json"));
    let counts = |run: &mut Collect<'_>| {
        let before: u32 = run.cursor.as_deref().and_then(|it| it.parse().ok()).unwrap_or(0);
        *run.cursor = Some((before + 1).to_string());
        Ok(())
    };
    for _ in 0..2 {
        let mut agent = Agent::start(Config::default(), &[fake("log", counts)], file());
        agent.run("log");
        agent.stop();
    }
    assert_eq!(file().get("log").as_deref(), Some("2"));
    fs::write(folder.path("cursors.json"), "{\"log\":").unwrap();
    assert_eq!(file().get("log"), None);
}

/// How many runs are under way now, and how many ever were.
static ASKING: AtomicU32 = AtomicU32::new(0);
static ASKING_MOST: AtomicU32 = AtomicU32::new(0);

/// Whatever else the machine has to do, nothing is put off.
fn at_once() -> Config {
    let mut config = Config::default();
    config.load.defer = false;
    config
}

fn ask_the_controller(c: &mut Collect<'_>) -> Result<(), SourceError> {
    ask_it_for(Duration::from_millis(60), c)
}

/// Longer than quick runs are waited for.
fn ask_the_controller_long(c: &mut Collect<'_>) -> Result<(), SourceError> {
    ask_it_for(Duration::from_millis(1500), c)
}

fn ask_it_for(time: Duration, _: &mut Collect<'_>) -> Result<(), SourceError> {
    let now = ASKING.fetch_add(1, Ordering::SeqCst) + 1;
    ASKING_MOST.fetch_max(now, Ordering::SeqCst);
    thread::sleep(time);
    ASKING.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

/// A source that starts programs and has a long period, as those do that ask controllers.
fn asking(name: &'static str, collect: fn(&mut Collect<'_>) -> Result<(), SourceError>) -> Source {
    let every = Duration::from_secs(600);
    Source { every, runs: &["tool show"], ..fake(name, collect) }
}

#[test]
fn sources_that_ask_one_controller_never_overlap() {
    let names = ["smart", "hwraid", "enclosure", "nvme"];
    let mut sources = names.map(|it| asking(it, ask_the_controller));
    sources[0].collect = ask_the_controller_long;
    let agent = Agent::start(at_once(), &sources, Cursors::default());
    for _ in 0..2 {
        for _ in names {
            assert_eq!(agent.any(&names).outcome, Outcome::Collected);
        }
        agent.handle.send(Command::Inspect(Vec::new()));
    }
    assert_eq!(ASKING_MOST.load(Ordering::SeqCst), 1);
}

fn hang(_: &mut Collect<'_>) -> Result<(), SourceError> {
    loop {
        thread::park();
    }
}

#[test]
fn a_slow_run_holds_up_no_quick_one() {
    // Its deadline is an hour away: those behind it must not wait for that.
    let slow = Source { deadline: Duration::from_secs(3600), ..fake("slow", hang) };
    let sources = [slow, fake("a", ok), fake("b", ok)];
    let agent = Agent::start(Config::default(), &sources, Cursors::default());
    assert_eq!(agent.run("b").outcome, Outcome::Collected);
    agent.handle.send(Command::Inspect(vec!["a".to_owned()]));
    assert_eq!(agent.run("a").outcome, Outcome::Collected);
}

#[test]
fn a_stuck_run_gives_the_devices_free_for_those_behind_it() {
    let dead = Source { deadline: Duration::from_millis(50), ..asking("smart", hang) };
    let sources = [dead, asking("hwraid", ok)];
    let agent = Agent::start(at_once(), &sources, Cursors::default());
    assert_eq!(agent.run("smart").outcome, Outcome::Stuck);
    agent.handle.send(Command::Inspect(vec!["hwraid".to_owned()]));
    assert_eq!(agent.run("hwraid").outcome, Outcome::Collected);
}
