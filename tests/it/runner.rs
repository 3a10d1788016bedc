//! The runner: no source can harm the agent or another source.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use xunjian_agent::{
    config::Config,
    host::{Allowed, Given, Host, Live},
    inspect::inspect_with,
    runner::{self, EvidencePolicy, Job},
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};
use xunjian_proto::{Component, ComponentId, Outcome, Reason, Run, Time};

const NOW: Time = Time::from_secs(1_800_000_000);
const LONG: Duration = Duration::from_secs(60);
const COUNT: Metric = Metric::gauge("fake.count", "1", "数", "A number.");
const STATE: Metric = Metric::word("fake.state", "词", "A word.");

type CollectFn = fn(&mut Collect<'_>) -> Result<(), SourceError>;

pub(crate) fn fake(name: &'static str, collect: CollectFn) -> Source {
    Source {
        name,
        title: Words { zh: "测试", en: "test" },
        about: Words { zh: "测试用", en: "a source of the tests" },
        needs: &[],
        programs: &[],
        runs: &[],
        harmless: Words { zh: "什么也不做。", en: "It does nothing." },
        every: Duration::from_secs(60),
        deadline: LONG,
        metrics: &[COUNT],
        states: &[STATE],
        events: &[],
        saved: Saved::Nothing,
        check: no_options,
        collect,
    }
}

fn job(source: Source, deadline: Duration) -> Job {
    Job { source, options: toml::Table::new(), deadline, cursor: None, at: NOW }
}

fn run_on(host: impl Host + 'static, collect: CollectFn) -> Run {
    runner::run(job(fake("fake", collect), LONG), Arc::new(host)).run
}

fn count_one(run: &mut Collect<'_>) -> Result<(), SourceError> {
    run.sample(&COUNT, &ComponentId::host(), 1.0);
    Ok(())
}

#[test]
fn a_panicking_source_fails_alone_and_says_why() {
    let boom: CollectFn = |_| panic!("boom {}", 1);
    let sources = [fake("one", boom), fake("two", count_one)];
    let host = Arc::new(Given::default());
    let readings = inspect_with(&sources, host, &Config::default(), NOW, None, &mut |_| {});
    let outcomes: Vec<_> = readings.runs.iter().map(|it| it.outcome.clone()).collect();
    let failed = Outcome::Failed("the source panicked: boom 1".to_owned());
    assert_eq!(outcomes, [failed, Outcome::Collected]);
    assert_eq!(readings.runs[1].samples.len(), 1);
}

#[test]
fn a_hanging_source_is_stuck_and_the_next_one_is_read() {
    let hang: CollectFn = |_| {
        loop {
            thread::park();
        }
    };
    let mut hanging = fake("one", hang);
    hanging.deadline = Duration::from_millis(50);
    let sources = [hanging, fake("two", count_one)];
    let host = Arc::new(Given::default());
    let readings = inspect_with(&sources, host, &Config::default(), NOW, None, &mut |_| {});
    assert_eq!(readings.runs[0].outcome, Outcome::Stuck);
    assert_eq!(readings.runs[1].outcome, Outcome::Collected);
}

#[test]
fn a_late_end_is_told_so_that_the_source_can_run_again() {
    let slow: CollectFn = |_| {
        thread::sleep(Duration::from_millis(200));
        Ok(())
    };
    let (tell, wait) = mpsc::channel();
    let running = runner::start(
        job(fake("slow", slow), Duration::from_millis(10)),
        Arc::new(Given::default()),
        move |it| tell.send(it).unwrap(),
    );
    let running = running.unwrap();
    assert_eq!(running.stuck().outcome, Outcome::Stuck);
    let late = wait.recv_timeout(LONG).unwrap();
    assert!(Instant::now() > running.ends_by());
    assert_eq!(late.run.outcome, Outcome::Collected);
}

#[test]
fn what_the_host_lacks_is_absent_with_the_reason_and_no_fault() {
    let mut source = fake("fake", count_one);
    source.needs = &[Need::Path("proc/mdstat"), Need::Program("smartctl")];
    let run = |host: Given| runner::run(job(source, LONG), Arc::new(host)).run.outcome;
    assert_eq!(run(Given::default()), Outcome::Absent("/proc/mdstat".to_owned()));
    let mut host = Given::default();
    host.file("proc/mdstat", "");
    assert_eq!(run(host), Outcome::Absent("smartctl".to_owned()));
}

#[test]
fn a_failing_source_keeps_what_it_found_before() {
    let run = run_on(Given::default(), |run| {
        count_one(run)?;
        run.host.read("proc/no-such-file")?;
        Ok(())
    });
    let Outcome::Failed(why) = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(why, "the host did not answer: cannot read /proc/no-such-file: it was not given");
    assert_eq!(run.samples.len(), 1);
}

#[test]
fn a_run_that_comes_to_nothing_leaves_the_cursor_where_it_was() {
    let fails: CollectFn = |run| {
        *run.cursor = Some("further".to_owned());
        run.host.read("proc/no-such-file")?;
        Ok(())
    };
    let mut job = job(fake("fake", fails), LONG);
    job.cursor = Some("here".to_owned());
    let finished = runner::run(job, Arc::new(Given::default()));
    assert_eq!(finished.cursor.as_deref(), Some("here"));
}

#[test]
fn a_flood_is_cut_and_the_cut_is_told() {
    let run = run_on(Given::default(), |run| {
        for index in 0..200_000 {
            let disk = ComponentId::new("disk", &index.to_string());
            run.sample(&COUNT, &disk, f64::from(index));
        }
        run.problem(Reason::Unparsable, None, "x".repeat(100_000));
        Ok(())
    });
    assert_eq!(run.samples.len(), 100_000);
    assert!(run.problems[0].text.len() < 1_100);
    let cut = run.problems.last().unwrap();
    assert_eq!(
        (cut.reason, &*cut.text),
        (Reason::Truncated, "100000 numbers left out, only 100000 are kept")
    );
}

#[test]
fn a_live_run_tells_its_cost_and_a_recorded_one_costs_nothing() {
    let reads: CollectFn = |run| {
        run.host.read("proc/self/status")?;
        Ok(())
    };
    let cost = run_on(Live::new(Allowed::of(xunjian_agent::sources::ALL)), reads).cost;
    assert!(cost.read_bytes > 100 && cost.cpu_us > 0, "{cost:?}");
    let mut given = Given::default();
    given.file("proc/self/status", "Name: x\n");
    let run = run_on(given, reads);
    assert_eq!((run.took_ms, run.cost.read_bytes), (0, 0));
}

#[test]
fn evidence_goes_along_at_first_on_change_and_once_a_day() {
    let with = |state: &str, at: Time| {
        let mut options = toml::Table::new();
        options.insert("state".to_owned(), state.into());
        let source = fake("fake", |run| {
            let state = run.options["state"].as_str().unwrap_or_default().to_owned();
            let id = ComponentId::new("md", "uuid");
            run.component(Component {
                id: id.clone(),
                name: "md0".to_owned(),
                attrs: [].into(),
                links: Vec::new(),
                set: None,
            });
            run.state(&STATE, &id, &state);
            run.evidence("/proc/mdstat", "raw");
            Ok(())
        });
        let job = Job { options, at, ..job(source, LONG) };
        runner::run(job, Arc::new(Given::default())).run
    };
    let mut policy = EvidencePolicy::default();
    let mut kept = |state: &str, secs: u64| {
        let mut run = with(state, NOW + Duration::from_secs(secs));
        policy.apply(&mut run);
        !run.evidence.is_empty()
    };
    assert!(kept("clean", 0));
    assert!(!kept("clean", 60));
    assert!(kept("degraded", 120));
    assert!(!kept("degraded", 180));
    assert!(kept("degraded", 120 + 24 * 3600));
}
