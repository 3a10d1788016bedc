//! Judging at event time: what is unknown, late, in the future or gone, and what a restart keeps.

use std::sync::Arc;

use proptest::prelude::*;
use xunjian_collector::evaluate::{
    Absorbed, HostView, Judgement, Overrides, Verdict, judge, library,
};
use xunjian_proto::{
    Component, ComponentId, Cost, Event, Outcome, Problem, Reason, Run, Sample, SeriesKey, State,
    Time,
};
use xunjian_rules::{Condition, Example, Expect, RuleSet};

/// The library, read once for all tests.
pub(crate) fn rules() -> Arc<RuleSet> {
    static RULES: std::sync::OnceLock<Arc<RuleSet>> = std::sync::OnceLock::new();
    Arc::clone(RULES.get_or_init(|| Arc::new(library().0)))
}

pub(crate) fn at(secs: i64) -> Time {
    Time::from_secs(1_700_000_000 + secs)
}

pub(crate) fn run(source: &str, secs: i64) -> Run {
    Run {
        source: source.to_owned(),
        at: at(secs),
        took_ms: 1,
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

pub(crate) fn seen(id: &ComponentId) -> Component {
    let name = id.key().to_owned();
    Component { id: id.clone(), name, attrs: Default::default(), links: Vec::new(), set: None }
}

pub(crate) fn number(mut run: Run, id: &ComponentId, metric: &str, value: f64) -> Run {
    run.components.push(seen(id));
    let series = SeriesKey { metric: metric.to_owned(), component: id.clone(), attrs: Vec::new() };
    run.samples.push(Sample { series: Arc::new(series), value });
    run
}

pub(crate) fn md() -> ComponentId {
    ComponentId::new("md", "array")
}

pub(crate) fn degraded(secs: i64, count: f64) -> Run {
    number(run("md", secs), &md(), "md.array.degraded", count)
}

pub(crate) fn absorb(view: &mut HostView, runs: &[Run]) {
    for run in runs {
        view.absorb(run, &Overrides::default(), run.at);
    }
}

pub(crate) fn verdict(view: &HostView, rule: &str, id: &ComponentId, now: Time) -> Option<Verdict> {
    let all = judge(view, &Overrides::default(), now);
    all.into_iter().find(|it| *it.rule == *rule && it.component == *id).map(|it| it.verdict)
}

pub(crate) fn is_firing(verdict: Option<&Verdict>) -> bool {
    matches!(verdict, Some(Verdict::Firing(_)))
}

#[test]
fn what_is_unknown_neither_ends_nor_begins_a_finding() {
    let mut view = HostView::new(rules());
    absorb(&mut view, &[degraded(0, 1.0), degraded(60, 1.0)]);
    assert!(is_firing(verdict(&view, "md-degraded", &md(), at(60)).as_ref()));
    let mut stuck = run("md", 90);
    stuck.outcome = Outcome::Stuck;
    absorb(&mut view, &[stuck.clone(), Run { at: at(400), ..stuck }]);
    let Some(Verdict::Unknown(unknown)) = verdict(&view, "md-degraded", &md(), at(400)) else {
        panic!("a stuck source knows nothing");
    };
    assert_eq!(unknown.reason, Some(Reason::TimedOut));
    assert!(unknown.text.zh.contains("超时") && unknown.text.en.contains("did not end in time"));
    absorb(&mut view, &[degraded(430, 1.0)]);
    let Some(Verdict::Firing(fact)) = verdict(&view, "md-degraded", &md(), at(430)) else {
        panic!("it was never over");
    };
    assert_eq!(fact.since, at(0));
    absorb(&mut view, &[degraded(460, 0.0)]);
    assert_eq!(verdict(&view, "md-degraded", &md(), at(460)), Some(Verdict::Pending));
    absorb(&mut view, &[degraded(600, 0.0)]);
    assert_eq!(verdict(&view, "md-degraded", &md(), at(600)), Some(Verdict::Quiet));
}

#[test]
fn english_words_go_with_their_number() {
    for (count, wanted) in [(1.0, ": 1 member is missing"), (2.0, ": 2 members are missing")] {
        let mut view = HostView::new(rules());
        absorb(&mut view, &[degraded(0, count), degraded(60, count), degraded(120, count)]);
        let now = verdict(&view, "md-degraded", &md(), at(120));
        let Some(Verdict::Firing(fact)) = now else { panic!("{now:?}") };
        assert!(fact.message.en.contains(wanted), "{}", fact.message.en);
    }
}

#[test]
fn old_readings_are_unknown_however_good_they_were() {
    let mut view = HostView::new(rules());
    absorb(&mut view, &[degraded(0, 0.0), degraded(30, 0.0)]);
    assert_eq!(verdict(&view, "md-degraded", &md(), at(100)), Some(Verdict::Quiet));
    let late = verdict(&view, "md-degraded", &md(), at(3_600));
    assert!(matches!(late, Some(Verdict::Unknown(_))), "{late:?}");
    let silent = verdict(&view, "host-silent", &ComponentId::host(), at(3_600));
    assert!(is_firing(silent.as_ref()));
}

#[test]
fn a_clock_in_the_future_is_refused_and_one_in_the_past_goes_stale() {
    let mut view = HostView::new(rules());
    let arrived = at(0);
    let future = degraded(86_400, 1.0);
    assert_eq!(view.absorb(&future, &Overrides::default(), arrived), Absorbed::Future);
    assert_eq!(view.stats().future, 1);
    assert_eq!(judge(&view, &Overrides::default(), arrived), []);
    let mut past = degraded(0, 0.0);
    past.at = Time::from_secs(100);
    assert_eq!(view.absorb(&past, &Overrides::default(), arrived), Absorbed::InOrder);
    let found = verdict(&view, "md-degraded", &md(), arrived);
    assert!(matches!(found, Some(Verdict::Unknown(_))), "{found:?}");
    assert_eq!(view.absorb(&degraded(0, 0.0), &Overrides::default(), arrived), Absorbed::InOrder);
    assert_eq!(verdict(&view, "md-degraded", &md(), arrived), Some(Verdict::Quiet));
}

#[test]
fn a_port_that_was_removed_is_no_gap_but_a_drive_is_lost() {
    let port = ComponentId::new("netif", "veth1");
    let drive = ComponentId::new("disk", "SERIAL");
    let mut up = run("net", 0);
    up.components.push(seen(&port));
    up.states.push(State {
        metric: "system.network.link".to_owned(),
        component: port.clone(),
        value: "up".to_owned(),
    });
    let mut view = HostView::new(rules());
    absorb(&mut view, &[up, number(run("smart", 0), &drive, "hw.temperature", 30.0)]);
    for step in 1..=5 {
        absorb(&mut view, &[run("net", step * 60), run("smart", step * 1_800)]);
    }
    assert_eq!(verdict(&view, "net-link-down", &port, at(300)), None);
    assert!(is_firing(verdict(&view, "drive-gone", &drive, at(9_000)).as_ref()));
}

#[test]
fn every_finding_survives_a_failed_run_and_a_restart() {
    let rules = rules();
    let mut tried = 0;
    // What is compared with the other members of a set has its own test, with the set.
    let alone = |it: &&Example| it.readings.iter().all(|it| it.peers.is_empty());
    let firing = |it: &&Example| it.expect == Expect::Firing && alone(it);
    for rule in rules.rules.iter().filter(|it| it.source != "source" && !it.when.timed()) {
        for example in rule.examples.iter().filter(firing) {
            let id = match rule.on.as_str() {
                "host" => ComponentId::host(),
                kind => ComponentId::new(kind, "example"),
            };
            let mut view = HostView::new(Arc::clone(&rules));
            let mut last = 0;
            for reading in &example.readings {
                last = i64::try_from(reading.at.as_secs()).unwrap();
                let mut run = run(&rule.source, last);
                if !reading.gone && rule.on != "host" {
                    run.components.push(Component { attrs: example.attrs.clone(), ..seen(&id) });
                }
                for (metric, attrs, value) in &reading.samples {
                    let series = SeriesKey {
                        metric: metric.clone(),
                        component: id.clone(),
                        attrs: attrs.clone(),
                    };
                    run.samples.push(Sample { series: Arc::new(series), value: *value });
                }
                for (metric, value) in &reading.states {
                    let (metric, value) = (metric.clone(), value.clone());
                    run.states.push(State { metric, component: id.clone(), value });
                }
                for (kind, attrs) in &reading.events {
                    run.events.push(Event {
                        kind: kind.clone(),
                        component: id.clone(),
                        at: run.at,
                        text: "example".to_owned(),
                        attrs: attrs.iter().cloned().collect(),
                    });
                }
                if let Some(word) = &reading.problem {
                    let reason = match word.as_str() {
                        "unsupported" => Reason::Unsupported,
                        _ => Reason::TimedOut,
                    };
                    run.problems.push(Problem {
                        reason,
                        component: Some(id.clone()),
                        text: "example".to_owned(),
                    });
                }
                absorb(&mut view, &[run]);
            }
            let before = verdict(&view, &rule.id, &id, at(last));
            assert!(is_firing(before.as_ref()), "{}: {before:?}", rule.id);
            let view = HostView::restore(Arc::clone(&rules), &view.save()).unwrap();
            assert_eq!(verdict(&view, &rule.id, &id, at(last)), before, "{}", rule.id);
            let mut view = view;
            let mut failed = run(&rule.source, last + 1);
            failed.outcome = Outcome::Failed("example".to_owned());
            absorb(&mut view, &[failed]);
            let after = verdict(&view, &rule.id, &id, at(last + 1));
            let kept = matches!(after, Some(Verdict::Unknown(_) | Verdict::Firing(_)));
            assert!(kept, "{}: {after:?}", rule.id);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

/// Fields that were not read come as sentinels, and broken tools give numbers that are none: whatever the rule, they are
/// counted and raise nothing.
#[test]
fn absurd_values_never_raise_anything_and_are_counted() {
    let rules = rules();
    let mut tried = 0;
    for rule in &rules.rules {
        let mut only_numbers = true;
        rule.when.each(&mut |test| only_numbers &= matches!(test, Condition::Number(_)));
        let firing = rule.examples.iter().find(|it| it.expect == Expect::Firing);
        let Some(example) = firing.filter(|_| only_numbers && rule.on != "host") else { continue };
        for absurd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 18_446_744_073_709_551_615.0] {
            let id = ComponentId::new(&rule.on, "example");
            let mut view = HostView::new(Arc::clone(&rules));
            let mut last = 0;
            for reading in &example.readings {
                last = i64::try_from(reading.at.as_secs()).unwrap();
                let mut run = run(&rule.source, last);
                run.components.push(Component { attrs: example.attrs.clone(), ..seen(&id) });
                for (metric, attrs, _) in &reading.samples {
                    let (metric, attrs) = (metric.clone(), attrs.clone());
                    let series = SeriesKey { metric, component: id.clone(), attrs };
                    run.samples.push(Sample { series: Arc::new(series), value: absurd });
                }
                absorb(&mut view, &[run]);
            }
            let found = verdict(&view, &rule.id, &id, at(last));
            assert!(!is_firing(found.as_ref()), "{} on {absurd}: {found:?}", rule.id);
            assert!(view.stats().sentinels > 0, "{}", rule.id);
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_damaged_saved_state_is_an_error_and_no_panic() {
    let mut view = HostView::new(rules());
    absorb(&mut view, &[degraded(0, 1.0), degraded(60, 1.0)]);
    let saved = view.save();
    assert!(HostView::restore(rules(), &[]).is_err());
    for at in (0..saved.len()).step_by(41) {
        let mut damaged = saved.clone();
        damaged[at] ^= 0x55;
        let _ = HostView::restore(rules(), &damaged);
        let _ = HostView::restore(rules(), &saved[..at]);
    }
}

/// Runs of two sources with numbers, words, happenings, gaps and failures, made from a few small numbers.
fn story(seed: &[(u8, u8)]) -> Vec<Run> {
    let mut runs = Vec::new();
    let disk = ComponentId::new("disk", "SERIAL");
    for (step, (kind, value)) in (0_i64..).zip(seed) {
        let mut one = match kind % 4 {
            0 | 1 => degraded(step * 30, f64::from(value % 2)),
            2 => {
                let one = run("smart", step * 30);
                number(one, &disk, "hw.smart.pending_sectors", f64::from(value % 5))
            }
            _ => {
                let mut one = run("md", step * 30);
                one.outcome = Outcome::Failed("example".to_owned());
                one
            }
        };
        if kind % 8 == 5 {
            one.samples.clear();
            one.problems.push(Problem {
                reason: Reason::TimedOut,
                component: Some(md()),
                text: "example".to_owned(),
            });
        }
        if kind % 4 == 1 && kind % 8 != 5 {
            one.states.push(State {
                metric: "md.array.state".to_owned(),
                component: md(),
                value: if value % 3 == 0 { "broken" } else { "clean" }.to_owned(),
            });
        }
        runs.push(one);
    }
    runs
}

fn sorted(mut all: Vec<Judgement>) -> Vec<Judgement> {
    all.sort_by(|a, b| (&a.rule, &a.component).cmp(&(&b.rule, &b.component)));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_of_arrival_changes_nothing(
        seed in prop::collection::vec(any::<(u8, u8)>(), 8..40),
        swaps in prop::collection::vec(0_usize..40, 0..60),
    ) {
        let runs = story(&seed);
        let mut shuffled = runs.clone();
        // Neighbours change places, so that no run is more than a few places late.
        let mut moved = vec![0_u32; runs.len()];
        for at in swaps {
            if at + 1 < shuffled.len() && moved[at] < 3 && moved[at + 1] < 3 {
                shuffled.swap(at, at + 1);
                moved[at] += 1;
                moved[at + 1] += 1;
            }
        }
        let now = at(i64::try_from(runs.len()).unwrap() * 30);
        let judged = |runs: &[Run]| {
            let mut view = HostView::new(rules());
            for run in runs {
                view.absorb(run, &Overrides::default(), now);
            }
            (sorted(judge(&view, &Overrides::default(), now)), view.stats().too_late)
        };
        let (in_order, _) = judged(&runs);
        let (out_of_order, too_late) = judged(&shuffled);
        prop_assume!(too_late == 0);
        prop_assert_eq!(in_order, out_of_order);
    }

    #[test]
    fn a_restart_in_the_middle_changes_nothing(
        seed in prop::collection::vec(any::<(u8, u8)>(), 8..40),
        cut in 0_usize..40,
    ) {
        let runs = story(&seed);
        let cut = cut.min(runs.len());
        let now = at(i64::try_from(runs.len()).unwrap() * 30);
        let mut whole = HostView::new(rules());
        absorb(&mut whole, &runs);
        let mut first = HostView::new(rules());
        absorb(&mut first, &runs[..cut]);
        let mut second = HostView::restore(rules(), &first.save()).unwrap();
        absorb(&mut second, &runs[cut..]);
        let none = Overrides::default();
        prop_assert_eq!(judge(&whole, &none, now), judge(&second, &none, now));
        prop_assert_eq!(whole.save(), second.save());
    }
}
