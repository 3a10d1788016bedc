//! Why a rule fired on a component, stayed quiet, waits or could not be judged: the answer to "why was nothing raised".

use serde::Serialize;
use xunjian_proto::{ComponentId, Outcome, Time};
use xunjian_rules::{Rule, Text};

use super::{
    Adjusted, Judgement, Verdict,
    gap::{Gap, Lack},
    hold::Holding,
    judge::{beyond_reach, of_pair, own_source, timed},
    overrides::{Overrides, Tuned},
    truth::{Notes, Scope},
    view::{HostView, Part},
};

/// What one rule has to say about a component, also where it does not apply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// The rule's id.
    pub rule: String,
    /// The verdict with everything that was compared; none if the rule does not apply.
    pub judgement: Option<Judgement>,
    /// Why it does not apply.
    pub none: Option<Text>,
    /// Where its hold times stand; none for rules that are judged by the clock.
    pub holding: Option<Holding>,
    /// Overrides of the contract that are meant for it, the one in force first.
    pub adjusted: Vec<Adjusted>,
}

impl Why {
    /// What people want to see first: 0 fires, 1 waits, 2 unknown, 3 quiet, 4 lapsed, 5 does not apply.
    pub fn order(&self) -> u8 {
        match self.judgement.as_ref().map(|it| &it.verdict) {
            Some(Verdict::Firing(_)) => 0,
            Some(Verdict::Pending) => 1,
            Some(Verdict::Unknown(_)) => 2,
            Some(Verdict::Quiet) => 3,
            Some(Verdict::Lapsed(_)) => 4,
            None => 5,
        }
    }

    /// A mark and a word for the verdict.
    pub fn word(&self) -> (&'static str, Text) {
        let (mark, zh, en) = match self.order() {
            0 => ("●", "触发", "fires"),
            1 => ("○", "待确认", "waits"),
            2 => ("?", "无法判断", "unknown"),
            3 => ("✓", "正常", "quiet"),
            4 => ("–", "不再适用", "no longer applies"),
            _ => ("–", "不适用", "does not apply"),
        };
        (mark, Text::new(zh, en))
    }

    /// One sentence why, where the readings alone do not say it.
    pub fn because(&self) -> Text {
        match self.judgement.as_ref().map(|it| &it.verdict) {
            Some(Verdict::Firing(fact)) => fact.message.clone(),
            Some(Verdict::Unknown(unknown)) => unknown.text.clone(),
            Some(Verdict::Lapsed(why)) => why.clone(),
            Some(Verdict::Pending | Verdict::Quiet) => Text::default(),
            None => self.none.clone().unwrap_or_default(),
        }
    }

    /// Hold times and overrides, one sentence each.
    pub fn asides(&self) -> Vec<Text> {
        let held = self.judgement.as_ref().zip(self.holding.as_ref());
        let held = held.and_then(|(judgement, holding)| holding.text(judgement.at));
        held.into_iter().chain(self.adjusted.iter().map(Adjusted::text)).collect()
    }
}

/// Everything that is judged about one component and why, one answer for each rule about its kind.
pub fn why(view: &HostView, component: &ComponentId, overrides: &Overrides, now: Time) -> Vec<Why> {
    let Some(part_at) = view.index.get(component).copied() else { return Vec::new() };
    let part = &view.parts[part_at];
    let about = |rule: &&Rule| rule.on == part.id.kind();
    let mut list = Vec::new();
    for (rule_at, rule) in view.rules.rules.iter().enumerate().filter(|(_, rule)| about(rule)) {
        let pair = view.pair_index.get(&(rule_at, part_at)).map(|at| &view.pairs[*at]);
        let judgement = match rule.when.timed() {
            true if part.suits(rule) => timed(view, part, rule, overrides, now),
            true => None,
            false => pair.and_then(|pair| of_pair(view, pair, overrides, now, true)),
        };
        // What the host has nothing for is no gap: the rule does not apply here.
        let judgement = judgement.filter(|it| {
            let absent = pair.is_some_and(|pair| {
                let run = view.sources[pair.source].runs.last();
                run.is_some_and(|it| matches!(it.outcome, Outcome::Absent(_)))
            });
            !(absent && matches!(it.verdict, Verdict::Unknown(_)))
        });
        let none = judgement.is_none().then(|| why_none(view, part, rule, overrides, now));
        list.push(Why {
            rule: rule.id.to_string(),
            holding: pair.filter(|_| judgement.is_some()).map(|pair| pair.state.told(rule)),
            judgement,
            none,
            adjusted: overrides.all(&view.rules, rule, part, now),
        });
    }
    list
}

fn why_none(view: &HostView, part: &Part, rule: &Rule, overrides: &Overrides, now: Time) -> Text {
    if let Some(why) = beyond_reach(rule, part, overrides.find(&rule.id, part, now)) {
        return why;
    }
    let Some(source) = own_source(view, part, rule) else {
        return Gap::Never(&rule.source).told().text;
    };
    let at = view.sources[source].runs.last().map_or(now, |run| run.at);
    let mut notes = Notes::default();
    Scope::new(view, part, rule, source, at, Tuned::Not).truth(&rule.when, Some(&mut notes));
    let none = notes.none.or(notes.unknown.map(|unknown| unknown.text));
    none.unwrap_or_else(|| Lack::NotCovered(&rule.source).told())
}
