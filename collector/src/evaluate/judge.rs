//! Judging a host: what every rule says about every component now.

use std::time::Duration;

use xunjian_agent::drives::{FAMILY_ATTR, UNKNOWN};
use xunjian_proto::Time;
use xunjian_rules::{Condition, EvidenceKind, How, Rule, Text};

use super::{
    Fact, Judgement, Unknown, Verdict,
    gap::Lack,
    hold::Outcome,
    known::{SELF, fall},
    overrides::{Overrides, Tuned},
    truth::{Notes, Scope, Truth},
    view::{HostView, Pair, Part},
    words,
};

/// All judgements of a host at `now`, in the order of rules and components as they were first seen. Quiet and pending
/// ones come without inputs, see [`super::why()`].
pub fn judge(view: &HostView, overrides: &Overrides, now: Time) -> Vec<Judgement> {
    let mut judgements = Vec::with_capacity(view.pairs.len());
    for pair in &view.pairs {
        judgements.extend(of_pair(view, pair, overrides, now, false));
    }
    for rule in view.rules.rules.iter().filter(|rule| rule.when.timed()) {
        for part in view.parts.iter().filter(|part| part.suits(rule)) {
            judgements.extend(timed(view, part, rule, overrides, now));
        }
    }
    judgements
}

pub(super) fn own_source(view: &HostView, part: &Part, rule: &Rule) -> Option<usize> {
    let name = if rule.on == SELF { part.id.key() } else { rule.source.as_str() };
    view.sources.iter().position(|source| source.name == name)
}

pub(super) fn of_pair(
    view: &HostView,
    pair: &Pair,
    overrides: &Overrides,
    now: Time,
    explain: bool,
) -> Option<Judgement> {
    let rule = &view.rules.rules[pair.rule];
    let part = &view.parts[pair.part];
    let source = &view.sources[pair.source];
    let run = source.runs.last()?;
    let tuned = overrides.find(&rule.id, part, now);
    if let Some(why) = beyond_reach(rule, part, tuned) {
        // What fired before must be told that it does so no more: a case would stay open for ever.
        let (rule, component, at) = (rule.id.clone(), part.id.clone(), run.at);
        let verdict = Verdict::Lapsed(why);
        let lapsed = Judgement { rule, component, verdict, at, inputs: Vec::new() };
        return pair.state.firing.then_some(lapsed);
    }
    let outcome = pair.outcomes[source.runs.len() - 1];
    let scope = Scope::new(view, part, rule, pair.source, run.at, tuned);
    let silence = now.since(run.at);
    let mut notes = Notes::default();
    let stale = silence > source.fresh_for() && source.every > Duration::ZERO;
    let verdict = if stale {
        Verdict::Unknown(words::stale(source, silence))
    } else {
        match (outcome, pair.state.firing) {
            (Outcome::None, false) => return None,
            (Outcome::None | Outcome::Unknown, _) => {
                // A component that its source does not see any more and with which nothing was wrong is not a gap:
                // unplugged, unmounted, removed. Rules on its absence judge it themselves.
                if !pair.state.firing && left(&scope) {
                    return None;
                }
                Verdict::Unknown(why_unknown(&scope, rule, &mut notes))
            }
            (Outcome::True | Outcome::Between, true) => fire(&scope, pair, overrides, &mut notes),
            (Outcome::True, false) if overrides.waive_holds => {
                fire(&scope, pair, overrides, &mut notes)
            }
            (Outcome::True, false) | (Outcome::False, true) => Verdict::Pending,
            (Outcome::False | Outcome::Between, _) => Verdict::Quiet,
        }
    };
    if explain && notes.inputs.is_empty() {
        scope.truth(&rule.when, Some(&mut notes));
    }
    Some(Judgement {
        rule: rule.id.clone(),
        component: part.id.clone(),
        verdict,
        at: run.at,
        inputs: notes.inputs,
    })
}

/// Whether the component is no longer among what its source sees, for three good runs.
fn left(scope: &Scope<'_>) -> bool {
    scope.truth(&Condition::Gone(3), None) == Truth::True
}

fn why_unknown(scope: &Scope<'_>, rule: &Rule, notes: &mut Notes) -> Unknown {
    scope.truth(&rule.when, Some(notes));
    let source = &scope.view.sources[scope.source].name;
    notes.unknown.clone().unwrap_or_else(|| Unknown {
        reason: None,
        text: notes.none.clone().unwrap_or_else(|| Lack::LeftOut(source).told()),
    })
}

/// Why a rule says nothing of a component that it may have spoken of before: what a source learnt since took it out of
/// the rule's reach, or the contract switched the rule off.
pub(super) fn beyond_reach(rule: &Rule, part: &Part, tuned: Tuned) -> Option<Text> {
    if tuned == Tuned::Off {
        return Some(Text::new("合同中已停用该规则", "switched off by the contract"));
    }
    let unmet = rule.only.iter().find(|(attr, values)| {
        let value = part.attrs.get(attr).map_or("", String::as_str);
        !values.iter().any(|it| it == value)
    });
    let (attr, values) = unmet?;
    let value = part.attrs.get(attr).map_or("", String::as_str);
    Some(words::not_meant(attr, value, values))
}

fn fire(scope: &Scope<'_>, pair: &Pair, overrides: &Overrides, notes: &mut Notes) -> Verdict {
    let rule = scope.rule;
    scope.truth(&rule.when, Some(notes));
    let since = pair.state.since.unwrap_or(scope.at);
    let evidence = evidence(scope);
    Verdict::Firing(Box::new(fact(scope, overrides, notes, evidence, since)))
}

/// What a rule that fires proves: less where its counters have stood still, or the model is unknown.
pub(super) fn evidence(scope: &Scope<'_>) -> EvidenceKind {
    let rule = scope.rule;
    match (rule.evidence, rule.age) {
        (_, Some(age)) if aged(scope, age) => EvidenceKind::Advice,
        (EvidenceKind::Lost | EvidenceKind::Suspect, _)
            if rule.by_model && is_unknown(scope.part) =>
        {
            EvidenceKind::Latent
        }
        // One step less urgent: it is no longer a sign of a failure to come, but evidence of one that was.
        (EvidenceKind::Suspect, Some(age)) if aged(scope, STOOD.min(age)) => EvidenceKind::Latent,
        (evidence, _) => evidence,
    }
}

fn fact(
    scope: &Scope<'_>,
    overrides: &Overrides,
    notes: &Notes,
    evidence: EvidenceKind,
    since: Time,
) -> Fact {
    let rule = scope.rule;
    Fact {
        rule: rule.id.to_string(),
        class: rule.class.clone(),
        evidence,
        component: scope.part.id.clone(),
        since,
        at: notes.inputs.iter().map(|input| input.at).max().unwrap_or(scope.at),
        message: words::message(scope, notes, &rule.message),
        advice: rule.item.advice.clone(),
        inputs: notes.inputs.clone(),
        adjusted: overrides.told(&scope.view.rules, rule, scope.part, scope.at),
    }
}

/// Whether nobody knows how the drive's model packs its values: they are read by the standard, which makers bend.
fn is_unknown(part: &Part) -> bool {
    part.attrs.get(FAMILY_ATTR).is_some_and(|it| it == UNKNOWN)
}

/// A counter that has stood still for so long is one step less urgent (domain: what fails does so within a month of its
/// new errors).
const STOOD: Duration = xunjian_rules::days(30);

/// Whether the counters that make a rule fire have stood still for so long.
fn aged(scope: &Scope<'_>, age: Duration) -> bool {
    let mut risen = false;
    let mut counters = 0;
    scope.rule.when.each(&mut |test| {
        let Condition::Number(number) = test else { return };
        if !matches!(number.measure.how, How::Value | How::Max(_))
            || scope.truth(test, None) != Truth::True
        {
            return;
        }
        for slot in scope.slots(&number.measure) {
            counters += 1;
            let young = scope.at.since(slot.series.first) < age;
            let fall = fall(scope.view.rules.metric(slot.metric));
            let rise = slot.series.rise(scope.at, age, fall).unwrap_or_default();
            risen |= young || rise > 0.0;
        }
    });
    counters > 0 && !risen
}

pub(super) fn timed(
    view: &HostView,
    part: &Part,
    rule: &Rule,
    overrides: &Overrides,
    now: Time,
) -> Option<Judgement> {
    let tuned = overrides.find(&rule.id, part, now);
    if let Some(why) = beyond_reach(rule, part, tuned) {
        // Whether it spoke before is not remembered here; a case that it opened must not stay open for ever.
        let (rule, component) = (rule.id.clone(), part.id.clone());
        let verdict = Verdict::Lapsed(why);
        return Some(Judgement { rule, component, verdict, at: now, inputs: Vec::new() });
    }
    let host = rule.on != SELF;
    let source = if host { 0 } else { own_source(view, part, rule)? };
    view.sources.get(source)?;
    let scope = Scope::new(view, part, rule, source, now, tuned);
    let mut notes = Notes::default();
    let verdict = match scope.truth(&rule.when, Some(&mut notes)) {
        Truth::True => {
            let since = notes.inputs.first().map_or(now, |input| input.at);
            let mut fact = fact(&scope, overrides, &notes, rule.evidence, since);
            // Silence is proved when it has lasted, not by the reading before it, which may have ended a silence.
            fact.at = notes.silent_at.unwrap_or(fact.at).min(now);
            Verdict::Firing(Box::new(fact))
        }
        Truth::False => Verdict::Quiet,
        Truth::Unknown | Truth::None => return None,
    };
    let at = notes.inputs.first().map_or(now, |input| input.at);
    Some(Judgement {
        rule: rule.id.clone(),
        component: part.id.clone(),
        verdict,
        at,
        inputs: notes.inputs,
    })
}
