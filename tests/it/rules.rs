//! The rule library, the loader's mistakes, and judging at event time.

use std::{fs, sync::Arc};

use proptest::prelude::*;
use xunjian_collector::{
    contract::{Contract, Override},
    evaluate::{
        Absorbed, HostView, Judgement, Overrides, Verdict, judge, known_metrics, library,
        run_examples, why,
    },
};
use xunjian_proto::{
    Component, ComponentId, Cost, Event, Outcome, Problem, Reason, Run, Sample, SeriesKey, State,
    Time,
};
use xunjian_rules::{Expect, LIBRARY, RuleSet, load};

use crate::support::repo;

/// A file that is left out of the list is a set of rules that nobody has, and no other test misses it.
#[test]
fn every_file_of_the_library_is_built_in() {
    let files = fs::read_dir(repo().join("rules/library")).unwrap();
    let mut files: Vec<String> =
        files.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|it| it.ends_with(".toml"));
    files.sort();
    let listed: Vec<&str> = LIBRARY.iter().map(|it| it.name).collect();
    assert_eq!(files, listed);
}

#[test]
fn the_library_has_no_mistakes_and_its_examples_hold() {
    let (rules, mistakes) = library();
    let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(mistakes, Vec::<String>::new());
    let (count, failures) = run_examples(&Arc::new(rules));
    let failures: Vec<String> = failures
        .iter()
        .map(|it| format!("{}:{} {}: {}", it.file, it.line, it.rule, it.text))
        .collect();
    assert_eq!(failures, Vec::<String>::new(), "of {count} examples");
    assert!(count > 0);
}

#[test]
fn an_example_that_does_not_hold_is_told_with_its_line() {
    let text = RULE.replace("md.array.degraded\" = 1", "md.array.degraded\" = 0");
    let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
    assert_eq!(mistakes, []);
    let (_, failures) = run_examples(&Arc::new(rules));
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].line, failures[0].rule.as_str()), (16, "own"));
    assert!(failures[0].text.starts_with("wanted firing, found quiet"), "{}", failures[0].text);
}

const RULE: &str = r#"source = "md"
[[rule]]
id = "own"
on = "md"
class = "redundancy"
evidence = "suspect"
when = { metric = "md.array.degraded", above = 0 }
item = { zh = "项", en = "item" }
method = { zh = "法", en = "method" }
criterion = { zh = "准", en = "criterion" }
impact = { zh = "响", en = "impact" }
advice = { zh = "议", en = "advice" }
message = { zh = "{name} 有 {value}", en = "{name} has {value}" }
threshold_source = "test"

[[rule.firing]]
readings = [{ at = "0s", "md.array.degraded" = 1 }]

[[rule.quiet]]
readings = [{ at = "0s", "md.array.degraded" = 0 }]
"#;

#[test]
fn all_mistakes_are_told_at_once_with_line_and_nearest_name() {
    let text = RULE
        .replace("on = \"md\"", "on = \"dsik\"")
        .replace("above = 0", "abov = 0")
        .replace("evidence = \"suspect\"", "evidence = \"grave\"\nfro = \"1m\"")
        .replace("{name} has {value}", "{name} has {vlue}")
        .replace("\"md.array.degraded\" = 0", "\"md.array.degradde\" = 0");
    let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
    assert!(rules.rules.is_empty(), "a file with a mistake is refused whole");
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    for wanted in [
        "own.toml:7: a rule has no key `fro`",
        "own.toml:4: no kind of component `dsik`; did you mean `disk`?",
        "own.toml:6: `evidence` is `grave`, wanted impact_total",
        "own.toml:8: a condition on a metric has no key `abov`; did you mean `above`?",
        "own.toml:8: a condition on a metric needs exactly one of above",
        "own.toml:14: Chinese shows {name, value}, English {name, vlue}",
        "own.toml:21: no source declares `md.array.degradde`; did you mean `md.array.degraded`?",
    ] {
        assert!(told.iter().any(|it| it.starts_with(wanted)), "{wanted} is not in {told:#?}");
    }
}

#[test]
fn wrong_names_units_windows_and_missing_examples_are_mistakes() {
    for (from, to, wanted) in [
        (
            "md.array.degraded\", above",
            "md.aray.degraded\", above",
            "did you mean `md.array.degraded`?",
        ),
        ("above = 0", "above = \"3 GiB\"", "does not fit the unit `{disk}`"),
        ("above = 0", "rise_in = \"1s\", above = 0", "must lie between 1m and 400d"),
        ("above = 0", "rise_in = \"soon\", above = 0", "is no length of time"),
        (
            "metric = \"md.array.degraded\", above = 0",
            "state = \"md.array.degraded\", is = \"x\"",
            "is a gauge, wanted a state",
        ),
        (
            "metric = \"md.array.degraded\", above = 0",
            "state = \"md.array.state\", is_not = \"x\", was = \"y\"",
            "`was` goes with `is` or `in` only",
        ),
        ("[[rule.quiet]]", "[[rule.unknown]]", "needs at least one [[rule.quiet]]"),
        ("id = \"own\"", "id = \"Own Rule\"", "only small letters"),
        ("source = \"md\"", "", "`source` is missing"),
        ("zh = \"项\"", "zh = \"\"", "`zh` must be a text"),
        ("class = ", "class == ", ""),
    ] {
        let text = RULE.replace(from, to);
        assert_ne!(text, RULE, "{from}");
        let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
        assert!(rules.rules.is_empty(), "{to}");
        assert!(mistakes.iter().any(|it| it.text.contains(wanted)), "{wanted}: {mistakes:#?}");
    }
}

#[test]
fn a_mistaken_file_does_not_take_the_good_ones_with_it() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [file("a.toml", RULE), file("b.toml", RULE), file("c.toml", "rule = 1")];
    let (rules, mistakes) = load(&files, &known_metrics());
    assert_eq!(rules.rules.len(), 1);
    assert!(mistakes.iter().all(|it| it.file != "a.toml"));
    assert!(mistakes.iter().any(|it| it.file == "b.toml" && it.text.contains("must be unique")));
    assert!(mistakes.iter().any(|it| it.file == "c.toml"));
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(at in 0..RULE.len(), cut in 0..40_usize, put in "\\PC{0,6}") {
        let mut text = RULE.to_owned();
        let floor = |at: usize| (0..=at).rev().find(|it| RULE.is_char_boundary(*it)).unwrap_or(0);
        text.replace_range(floor(at)..floor((at + cut).min(RULE.len())), &put);
        let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
        prop_assert!(rules.rules.len() <= 1 || mistakes.is_empty());
    }
}

fn rules() -> Arc<RuleSet> {
    Arc::new(library().0)
}

fn at(secs: i64) -> Time {
    Time::from_secs(1_700_000_000 + secs)
}

fn run(source: &str, secs: i64) -> Run {
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

fn seen(id: &ComponentId) -> Component {
    let name = id.key().to_owned();
    Component { id: id.clone(), name, attrs: Default::default(), links: Vec::new(), set: None }
}

fn number(mut run: Run, id: &ComponentId, metric: &str, value: f64) -> Run {
    run.components.push(seen(id));
    let series = SeriesKey { metric: metric.to_owned(), component: id.clone(), attrs: Vec::new() };
    run.samples.push(Sample { series: Arc::new(series), value });
    run
}

fn md() -> ComponentId {
    ComponentId::new("md", "array")
}

fn degraded(secs: i64, count: f64) -> Run {
    number(run("md", secs), &md(), "md.array.degraded", count)
}

fn absorb(view: &mut HostView, runs: &[Run]) {
    for run in runs {
        view.absorb(run, &Overrides::default(), run.at);
    }
}

fn verdict(view: &HostView, rule: &str, id: &ComponentId, now: Time) -> Option<Verdict> {
    let all = judge(view, &Overrides::default(), now);
    all.into_iter().find(|it| *it.rule == *rule && it.component == *id).map(|it| it.verdict)
}

fn is_firing(verdict: Option<&Verdict>) -> bool {
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
fn a_contract_changes_thresholds_for_one_component_and_until_a_day() {
    let change = |component: Option<&str>, threshold, until: Option<&str>| Override {
        rule: "md-degraded".to_owned(),
        host: None,
        component: component.map(str::to_owned),
        threshold,
        who: "w".to_owned(),
        why: "y".to_owned(),
        until: until.map(|it| it.parse().unwrap()),
    };
    for (overrides, firing, listed) in [
        (vec![], true, true),
        (vec![change(Some("md:array"), Some(1.0), None)], false, true),
        (vec![change(Some("md:other"), Some(1.0), None)], true, true),
        (vec![change(None, None, None)], false, false),
        // The readings are of 14 November 2023.
        (vec![change(None, None, Some("2023-11-13"))], true, true),
        (vec![change(None, None, Some("2023-11-15"))], false, false),
    ] {
        let contract = Contract { overrides: overrides.clone(), ..Contract::default() };
        let tuned = Overrides::of(&contract, "host");
        let mut view = HostView::new(rules());
        for run in [degraded(0, 1.0), degraded(60, 1.0)] {
            view.absorb(&run, &tuned, run.at);
        }
        let found = judge(&view, &tuned, at(60)).into_iter().find(|it| &*it.rule == "md-degraded");
        assert_eq!(found.is_some(), listed, "{overrides:?}");
        assert_eq!(is_firing(found.map(|it| it.verdict).as_ref()), firing, "{overrides:?}");
    }
}

#[test]
fn why_nothing_was_raised_can_be_told_for_every_rule() {
    let mut view = HostView::new(rules());
    absorb(&mut view, &[degraded(0, 0.0)]);
    let all = why(&view, &md(), &Overrides::default(), at(0));
    let kinds = rules().rules.iter().filter(|it| it.on == "md").count();
    assert_eq!(all.len(), kinds, "one answer for each rule about arrays");
    let judged = all.iter().find(|it| it.rule == "md-degraded").unwrap();
    let input = &judged.judgement.as_ref().unwrap().inputs[0];
    assert_eq!((input.value.as_str(), input.test.as_str()), ("0", "> 0"));
    let none = all.iter().find(|it| it.rule == "md-bad-blocks").unwrap();
    assert_eq!(none.judgement, None);
    assert!(none.none.as_ref().unwrap().zh.contains("不提供"));
}

#[test]
fn every_finding_survives_a_failed_run_and_a_restart() {
    let rules = rules();
    let mut tried = 0;
    for rule in rules.rules.iter().filter(|it| it.source != "source" && !it.when.timed()) {
        for example in rule.examples.iter().filter(|it| it.expect == Expect::Firing) {
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
                if reading.problem.is_some() {
                    run.problems.push(Problem {
                        reason: Reason::TimedOut,
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
            let mut view = HostView::new(rules_once());
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
        let mut whole = HostView::new(rules_once());
        absorb(&mut whole, &runs);
        let mut first = HostView::new(rules_once());
        absorb(&mut first, &runs[..cut]);
        let mut second = HostView::restore(rules_once(), &first.save()).unwrap();
        absorb(&mut second, &runs[cut..]);
        let none = Overrides::default();
        prop_assert_eq!(judge(&whole, &none, now), judge(&second, &none, now));
        prop_assert_eq!(whole.save(), second.save());
    }
}

/// The library is read once for all cases of a property.
fn rules_once() -> Arc<RuleSet> {
    static RULES: std::sync::OnceLock<Arc<RuleSet>> = std::sync::OnceLock::new();
    Arc::clone(RULES.get_or_init(rules))
}
