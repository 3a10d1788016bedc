//! Runs the examples that stand beside the rules.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use xunjian_proto::{
    Component, ComponentId, Event, Member, MemberState, Outcome, Problem, Reason, Run, Sample,
    SeriesKey, Set, State, Time,
};
use xunjian_rules::{Example, Expect, Reading, Rule, RuleSet};

use super::{HostView, Overrides, Verdict, judge, known::SELF};

/// Any instant would do; this one is easy to recognise in output.
const START: Time = Time::from_secs(1_700_000_000);

/// Name of the component in examples.
const NAME: &str = "example";

/// The source whose component stands in examples of rules about sources: one with a known period.
const SOURCE: &str = "smart";

/// An example that did not bring its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule's file.
    pub file: String,
    /// The example's line.
    pub line: usize,
    /// The rule's id.
    pub rule: String,
    /// Wanted and found.
    pub text: String,
}

/// Runs all examples of a rule set; says how many there are and which fail.
pub fn run_examples(rules: &Arc<RuleSet>) -> (usize, Vec<ExampleFailure>) {
    let mut count = 0;
    let mut failures = Vec::new();
    for rule in &rules.rules {
        for example in &rule.examples {
            count += 1;
            if let Err(text) = run(rules, rule, example) {
                let (file, rule) = (rule.file.clone(), rule.id.to_string());
                failures.push(ExampleFailure { file, line: example.line, rule, text });
            }
        }
    }
    (count, failures)
}

fn run(rules: &Arc<RuleSet>, rule: &Rule, example: &Example) -> Result<(), String> {
    let component = component(rule);
    let mut view = HostView::new(Arc::clone(rules));
    let overrides = Overrides::default();
    for reading in &example.readings {
        let run = to_run(rule, example, reading, &component);
        view.absorb(&run, &overrides, run.at);
    }
    let last = example.readings.last().map_or(Duration::ZERO, |reading| reading.at);
    let now = START + example.now.unwrap_or(last);
    let found = judge(&view, &overrides, now)
        .into_iter()
        .find(|it| it.rule == rule.id && it.component == component)
        .map(|it| it.verdict);
    let (key, detail) = match &found {
        Some(Verdict::Firing(fact)) => (Expect::Firing.key(), fact.message.zh.clone()),
        Some(Verdict::Pending) => (Expect::Pending.key(), String::new()),
        Some(Verdict::Quiet) => (Expect::Quiet.key(), String::new()),
        Some(Verdict::Unknown(unknown)) => (Expect::Unknown.key(), unknown.text.zh.clone()),
        Some(Verdict::Lapsed(why)) => ("no verdict any more", why.zh.clone()),
        None => ("no verdict (the rule does not apply)", String::new()),
    };
    if key != example.expect.key() {
        return Err(format!("wanted {}, found {key} {detail}", example.expect.key()));
    }
    let wanted = example.evidence.unwrap_or(rule.evidence);
    match found {
        Some(Verdict::Firing(fact)) if fact.evidence != wanted => {
            Err(format!("wanted evidence {wanted:?}, found {:?}", fact.evidence))
        }
        _ => Ok(()),
    }
}

fn component(rule: &Rule) -> ComponentId {
    match rule.on.as_str() {
        "host" => ComponentId::host(),
        SELF => ComponentId::new(SELF, SOURCE),
        kind => ComponentId::new(kind, NAME),
    }
}

fn to_run(rule: &Rule, example: &Example, reading: &Reading, component: &ComponentId) -> Run {
    let at = START + reading.at;
    let source = if rule.source == SELF { SOURCE } else { &rule.source };
    let outcome = match reading.outcome.as_str() {
        "absent" => Outcome::Absent("example".to_owned()),
        "failed" => Outcome::Failed("example".to_owned()),
        "stuck" => Outcome::Stuck,
        "deferred" => Outcome::Deferred("example".to_owned()),
        _ => Outcome::Collected,
    };
    let seen =
        outcome == Outcome::Collected && !reading.gone && rule.on != "host" && rule.on != SELF;
    let listed = Some(Component {
        id: component.clone(),
        name: NAME.to_owned(),
        attrs: example.attrs.clone(),
        links: Vec::new(),
        set: None,
    });
    let (set, peers) = peers(component, reading);
    let problem = reading.problem.as_ref().map(|reason| Problem {
        reason: reason_of(reason),
        component: Some(component.clone()),
        text: "example".to_owned(),
    });
    let sample = |(metric, attrs, value): &(String, Vec<(String, String)>, f64)| Sample {
        series: Arc::new(SeriesKey {
            metric: metric.clone(),
            component: component.clone(),
            attrs: attrs.clone(),
        }),
        value: *value,
    };
    let state = |(metric, value): &(String, String)| State {
        metric: metric.clone(),
        component: component.clone(),
        value: value.clone(),
    };
    let event = |(kind, attrs): &(String, Vec<(String, String)>)| Event {
        kind: kind.clone(),
        component: component.clone(),
        at,
        text: "example".to_owned(),
        attrs: attrs.iter().cloned().collect::<BTreeMap<_, _>>(),
    };
    Run {
        source: source.to_owned(),
        at,
        took_ms: 1,
        outcome,
        components: listed.filter(|_| seen).into_iter().chain(set).collect(),
        samples: reading.samples.iter().map(sample).chain(peers).collect(),
        states: reading.states.iter().map(state).collect(),
        events: reading.events.iter().map(event).collect(),
        problems: problem.into_iter().collect(),
        evidence: Vec::new(),
        cost: xunjian_proto::Cost::default(),
    }
}

/// The set that an example's other members make with it, and what they read.
fn peers(component: &ComponentId, reading: &Reading) -> (Option<Component>, Vec<Sample>) {
    let ids: Vec<ComponentId> =
        (1..=3).map(|it| ComponentId::new(component.kind(), &format!("peer{it}"))).collect();
    let sample = |id: &ComponentId| {
        let of = |(metric, attrs, value): &(String, Vec<(String, String)>, f64)| Sample {
            series: Arc::new(SeriesKey {
                metric: metric.clone(),
                component: id.clone(),
                attrs: attrs.clone(),
            }),
            value: *value,
        };
        reading.peers.iter().map(of).collect::<Vec<_>>()
    };
    let samples: Vec<Sample> = ids.iter().flat_map(sample).collect();
    let members = ids.iter().chain([component]).map(|id| Member {
        name: id.key().to_owned(),
        component: Some(id.clone()),
        slot: None,
        state: MemberState::Active,
    });
    let set = Set { scheme: "raid6".to_owned(), width: 4, copies: 1, members: members.collect() };
    let set = Component {
        id: ComponentId::new("md", NAME),
        name: NAME.to_owned(),
        attrs: BTreeMap::new(),
        links: Vec::new(),
        set: Some(set),
    };
    ((!reading.peers.is_empty()).then_some(set), samples)
}

/// The loader lets only these words through.
fn reason_of(word: &str) -> Reason {
    match word {
        "asleep" => Reason::Asleep,
        "unsupported" => Reason::Unsupported,
        "timed_out" => Reason::TimedOut,
        "permission_denied" => Reason::PermissionDenied,
        "unparsable" => Reason::Unparsable,
        "tool_failed" => Reason::ToolFailed,
        "missing" => Reason::Missing,
        "truncated" => Reason::Truncated,
        _ => Reason::Implausible,
    }
}
