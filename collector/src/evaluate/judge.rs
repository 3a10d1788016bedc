//! Judging a host: what every rule says about every component now.

use std::time::Duration;

use xunjian_agent::drives::{FAMILY_ATTR, UNKNOWN};
use xunjian_proto::{ComponentId, Time};
use xunjian_rules::{Condition, EvidenceKind, How, Rule, Text};

use super::{
    Fact, Judgement, Unknown, Verdict,
    hold::Outcome,
    known::{SELF, fall},
    overrides::{Overrides, Tuned},
    truth::{Notes, Scope, Truth},
    view::{HostView, Pair, Part},
    words,
};

/// What one rule has to say about a component, also where it does not apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// The rule's id.
    pub rule: String,
    /// The verdict with everything that was compared; none if the rule does not apply.
    pub judgement: Option<Judgement>,
    /// Why it does not apply.
    pub none: Option<Text>,
}

/// All judgements of a host at `now`, in the order of rules and components as they were first seen. Quiet and pending
/// ones come without inputs, see [`why`].
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

/// Everything that is judged about one component and why: the answer to "why was nothing raised".
pub fn why(view: &HostView, component: &ComponentId, overrides: &Overrides, now: Time) -> Vec<Why> {
    let Some(part_at) = view.index.get(component).copied() else { return Vec::new() };
    let part = &view.parts[part_at];
    let mut list = Vec::new();
    for (rule_at, rule) in view.rules.rules.iter().enumerate().filter(|(_, rule)| part.suits(rule))
    {
        let judgement = if rule.when.timed() {
            timed(view, part, rule, overrides, now)
        } else {
            let pair = view.pair_index.get(&(rule_at, part_at)).map(|at| &view.pairs[*at]);
            pair.and_then(|pair| of_pair(view, pair, overrides, now, true))
        };
        let none = judgement.is_none().then(|| why_none(view, part, rule, overrides, now));
        list.push(Why { rule: rule.id.to_string(), judgement, none });
    }
    list
}

fn why_none(view: &HostView, part: &Part, rule: &Rule, overrides: &Overrides, now: Time) -> Text {
    if overrides.find(&rule.id, &part.id, now) == Tuned::Off {
        return Text::new("合同中已关闭该规则", "switched off by the contract");
    }
    let Some(source) = own_source(view, part, rule) else {
        return words::never(&rule.source).text;
    };
    let at = view.sources[source].runs.last().map_or(now, |run| run.at);
    let mut notes = Notes::default();
    Scope::new(view, part, rule, source, at, Tuned::Not).truth(&rule.when, Some(&mut notes));
    let none = notes.none.or(notes.unknown.map(|unknown| unknown.text));
    none.unwrap_or_else(|| words::not_covered(&rule.source))
}

fn own_source(view: &HostView, part: &Part, rule: &Rule) -> Option<usize> {
    let name = if rule.on == SELF { part.id.key() } else { rule.source.as_str() };
    view.sources.iter().position(|source| source.name == name)
}

fn of_pair(
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
    let tuned = overrides.find(&rule.id, &part.id, now);
    // What a source learnt since may take the component out of the rule's reach.
    if tuned == Tuned::Off || !part.suits(rule) {
        return None;
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
            (Outcome::True | Outcome::Between, true) => fire(&scope, pair, &mut notes),
            (Outcome::True, false) if overrides.waive_holds => fire(&scope, pair, &mut notes),
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
        text: notes.none.clone().unwrap_or_else(|| words::left_out(source)),
    })
}

fn fire(scope: &Scope<'_>, pair: &Pair, notes: &mut Notes) -> Verdict {
    let rule = scope.rule;
    scope.truth(&rule.when, Some(notes));
    let since = pair.state.since.unwrap_or(scope.at);
    let evidence = match rule.evidence {
        _ if aged(scope) => EvidenceKind::Advice,
        EvidenceKind::Lost | EvidenceKind::Suspect if rule.by_model && is_unknown(scope.part) => {
            EvidenceKind::Latent
        }
        evidence => evidence,
    };
    Verdict::Firing(Box::new(fact(scope, notes, evidence, since)))
}

fn fact(scope: &Scope<'_>, notes: &Notes, evidence: EvidenceKind, since: Time) -> Fact {
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
    }
}

/// Whether nobody knows how the drive's model packs its values: they are read by the standard, which makers bend.
fn is_unknown(part: &Part) -> bool {
    part.attrs.get(FAMILY_ATTR).is_some_and(|it| it == UNKNOWN)
}

/// Whether the counters that make a rule fire have stood still for the rule's age.
fn aged(scope: &Scope<'_>) -> bool {
    let Some(age) = scope.rule.age else { return false };
    let mut risen = false;
    let mut counters = 0;
    scope.rule.when.each(&mut |test| {
        let Condition::Number(number) = test else { return };
        if number.measure.how != How::Value || scope.truth(test, None) != Truth::True {
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

fn timed(
    view: &HostView,
    part: &Part,
    rule: &Rule,
    overrides: &Overrides,
    now: Time,
) -> Option<Judgement> {
    if overrides.find(&rule.id, &part.id, now) == Tuned::Off {
        return None;
    }
    let host = rule.on != SELF;
    let source = if host { 0 } else { own_source(view, part, rule)? };
    view.sources.get(source)?;
    let scope = Scope::new(view, part, rule, source, now, Tuned::Not);
    let mut notes = Notes::default();
    let verdict = match scope.truth(&rule.when, Some(&mut notes)) {
        Truth::True => {
            let since = notes.inputs.first().map_or(now, |input| input.at);
            Verdict::Firing(Box::new(fact(&scope, &notes, rule.evidence, since)))
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
