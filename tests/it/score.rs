//! Signs of a failing drive weighed together: what they need, what they must not be taken in by, what a restart keeps.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_collector::{
    classify::{Case, Grade, Level},
    contract::Contract,
    evaluate::{HostView, Overrides, Verdict, judge, library},
    round::Round,
};
use xunjian_proto::{
    Component, ComponentId, Cost, Event, HostFacts, Outcome, Run, Sample, SeriesKey, State, Time,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

const PENDING: &str = "hw.smart.pending_sectors";
const REPORTED: &str = "hw.smart.reported_uncorrect";

fn drive() -> ComponentId {
    ComponentId::new("disk", "S1")
}

/// A run of `smart` that sees the drive with these numbers.
fn smart(secs: i64, family: &str, numbers: &[(&str, f64)]) -> Run {
    let attrs = [("hw.drive.family", family), ("hw.drive.maker", "seagate"), ("hw.model", "ST1")];
    let attrs: BTreeMap<String, String> =
        attrs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let sample = |(metric, value): &(&str, f64)| Sample {
        series: Arc::new(SeriesKey {
            metric: (*metric).to_owned(),
            component: drive(),
            attrs: Vec::new(),
        }),
        value: *value,
    };
    Run {
        source: "smart".to_owned(),
        at: Time::from_secs(1_700_000_000 + secs),
        took_ms: 1,
        outcome: Outcome::Collected,
        components: vec![Component {
            id: drive(),
            name: "sda".to_owned(),
            attrs,
            links: Vec::new(),
            set: None,
        }],
        samples: numbers.iter().map(sample).collect(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: Cost::default(),
    }
}

fn view(runs: &[Run]) -> HostView {
    let mut view = HostView::new(Arc::new(library().0));
    for run in runs {
        view.absorb(run, &Overrides::default(), run.at);
    }
    view
}

/// Rules that fire on the drive, with what they say in English.
fn firing(view: &HostView, now: Time) -> BTreeMap<String, String> {
    let judgements = judge(view, &Overrides::default(), now);
    let fired = judgements.into_iter().filter(|it| it.component == drive());
    fired
        .filter_map(|it| match it.verdict {
            Verdict::Firing(fact) => Some((it.rule.to_string(), fact.message.en)),
            _ => None,
        })
        .collect()
}

fn cases(runs: &[Run]) -> Vec<Case> {
    let contract = Contract::default();
    let host = HostFacts {
        hostname: "a".to_owned(),
        boot_id: String::new(),
        agent_version: String::new(),
        attrs: BTreeMap::new(),
    };
    let mut round = Round::new("a", host, Arc::new(library().0));
    for run in runs {
        round.take(std::slice::from_ref(run), &contract, &Overrides::default(), run.at);
    }
    round.cases().cloned().collect()
}

/// Bad sectors appear and stay.
fn failing(family: &str) -> Vec<Run> {
    let bad = [(PENDING, 24.0), (REPORTED, 3.0)];
    let good = [(PENDING, 0.0), (REPORTED, 0.0)];
    vec![smart(0, family, &good), smart(HOUR, family, &bad), smart(2 * HOUR, family, &bad)]
}

#[test]
fn a_known_model_alone_reaches_level_two_and_an_unknown_one_never_does() {
    let level = |family| cases(&failing(family)).first().map(|it| it.decision.grade);
    assert_eq!(level("seagate-hdd"), Some(Grade::Fault(Level::Two)));
    assert_eq!(level("unknown"), Some(Grade::Fault(Level::Four)));
}

#[test]
fn the_points_are_told_one_by_one() {
    let runs = failing("seagate-hdd");
    let fired = firing(&view(&runs), runs[2].at);
    let said = &fired["drive-failing"];
    for part in
        ["34 points", "17 or more unreadable sectors", "failed within 30 days (+16)", "(+8)"]
    {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_counter_that_runs_backwards_raises_nothing_and_is_counted() {
    let values = [9.0, 0.0, 9.0, 4.0, 9.0];
    let runs: Vec<Run> = (0..)
        .zip(values)
        .map(|(hour, value)| smart(hour * HOUR, "seagate-hdd", &[(REPORTED, value)]))
        .collect();
    let view = view(&runs);
    let fired = firing(&view, runs[4].at);
    let risen = ["drive-failing", "drive-failing-soon", "smart-uncorrectable-new"];
    assert!(risen.iter().all(|it| !fired.contains_key(*it)), "{fired:?}");
    assert_eq!(view.stats().backwards, 2);
}

#[test]
fn placeholders_raise_nothing_and_are_counted() {
    for placeholder in [-1.0, 65_535.0, 4_294_967_295.0, 18_446_744_073_709_551_615.0] {
        let numbers = [(PENDING, placeholder), (REPORTED, placeholder)];
        let runs = [
            smart(0, "seagate-hdd", &[(PENDING, 0.0), (REPORTED, 0.0)]),
            smart(HOUR, "seagate-hdd", &numbers),
            smart(2 * HOUR, "seagate-hdd", &numbers),
        ];
        let view = view(&runs);
        assert_eq!(firing(&view, runs[2].at), BTreeMap::new(), "{placeholder}");
        assert!(view.stats().sentinels >= 2, "{placeholder}");
    }
}

#[test]
fn when_a_counter_last_rose_survives_a_restart() {
    let mut runs = failing("seagate-hdd");
    // Rewritten, and quiet for 50 days.
    runs.extend(
        (1..50).map(|day| smart(day * DAY, "seagate-hdd", &[(PENDING, 0.0), (REPORTED, 3.0)])),
    );
    let before = view(&runs);
    let now = runs.last().unwrap().at;
    let restored = HostView::restore(Arc::clone(before.rules()), &before.save()).unwrap();
    let fired = firing(&restored, now);
    assert_eq!(fired, firing(&before, now));
    assert!(fired["drive-failing"].contains("within 180 days"), "{fired:?}");
}

#[test]
fn what_the_kernel_saw_counts_where_it_is_read_and_its_absence_hides_nothing() {
    let mut runs = failing("seagate-hdd");
    runs[1].samples.retain(|it| it.series.metric != PENDING);
    runs[2].samples.retain(|it| it.series.metric != PENDING);
    runs[0].samples.retain(|it| it.series.metric != PENDING);
    let alone = firing(&view(&runs), runs[2].at);
    assert!(alone.contains_key("drive-watch"), "{alone:?}");
    let mut kernel = smart(HOUR, "seagate-hdd", &[]);
    kernel.source = "kmsg".to_owned();
    kernel.components.clear();
    kernel.events.push(Event {
        kind: "kernel.io_error.medium".to_owned(),
        component: drive(),
        at: kernel.at,
        text: "critical medium error, dev sda".to_owned(),
        attrs: BTreeMap::new(),
    });
    runs.insert(1, kernel);
    let both = firing(&view(&runs), runs[3].at);
    assert!(both["drive-failing"].contains("the kernel noted medium errors"), "{both:?}");
}

#[test]
fn a_failed_self_test_is_as_good_as_a_new_bad_sector() {
    let state = |word: &str| State {
        metric: "hw.smart.self_test.result".to_owned(),
        component: drive(),
        value: word.to_owned(),
    };
    let mut runs = failing("seagate-hdd");
    for (run, word) in runs.iter_mut().zip(["passed", "failed", "failed"]) {
        run.samples.clear();
        run.states.push(state(word));
    }
    let fired = firing(&view(&runs), runs[2].at);
    assert!(fired.contains_key("drive-failing-soon"), "{fired:?}");
}
