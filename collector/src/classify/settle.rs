//! What a step's judgements do to one case: facts end, readings stop and come back, it flaps, it closes.
//!
//! Invariant: only good readings of every fact close a case.

use std::time::Duration;

use xunjian_proto::Time;
use xunjian_rules::{EvidenceKind, Text};

use super::{Case, CaseChange, CaseLog, Decision, Grade, case_texts as say, decision::rank};

/// Readings that only bring new values are written at most so often.
const REFRESH: Duration = Duration::from_secs(300);

/// Verdicts that flapping is judged by; as in Nagios.
const RECENT: u32 = 21;

/// Changes among them (30 %) from which on a case is intermittent, and (15 %) from which on it no longer is.
const FLAPPING: (u32, u32) = (6, 3);

/// History of a case that is new: all firing.
pub(super) const STEADY: u32 = (1 << RECENT) - 1;

/// Entries of a case's log: the first and the newest are kept.
const LOG_MAX: usize = 200;

/// What one step did to one case, beside the case itself.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Rules whose readings are good.
    pub(super) quiet: Vec<String>,
    /// Why rules no longer speak of the component; they are among the quiet ones.
    pub(super) lapsed: Vec<Text>,
    /// Rules that could not be judged, with why.
    pub(super) unknown: Option<Text>,
    /// A judgement (not unknown) came.
    pub(super) fresh: bool,
    /// Facts were added.
    pub(super) added: Vec<String>,
}

pub(super) fn settle_one(case: &mut Case, seen: &Seen, at: Time) {
    let holds = case.facts.iter().any(|it| !seen.quiet.contains(&it.rule));
    if case.closed_at.is_some() {
        case.recent = remember(case.recent, false);
        return;
    }
    staleness(case, seen, at);
    if !seen.fresh {
        return;
    }
    case.recent = remember(case.recent, holds);
    let changes = changes(case.recent);
    if !case.intermittent && changes >= FLAPPING.0 {
        case.intermittent = true;
        log(case, at, CaseChange::Updated, say::flapping(changes, RECENT));
    } else if case.intermittent && changes <= FLAPPING.1 {
        case.intermittent = false;
        log(case, at, CaseChange::Updated, say::steady());
    }
    if holds {
        let ended: Vec<&str> = seen.quiet.iter().map(String::as_str).collect();
        case.facts.retain(|it| !ended.contains(&it.rule.as_str()));
        if !ended.is_empty() {
            log(case, at, CaseChange::Updated, say::ended(&ended, &seen.lapsed));
        } else if !seen.added.is_empty() && case.log.len() > 1 {
            log(case, at, CaseChange::Updated, say::added(case, &seen.added));
        }
    } else if !case.intermittent || !seen.lapsed.is_empty() {
        // The last facts stay on a closed case: they are what it was about.
        case.closed_at = Some(at);
        case.stale_since = None;
        case.parent = None;
        log(case, at, CaseChange::Closed, say::closed(case, &seen.lapsed));
    }
}

fn staleness(case: &mut Case, seen: &Seen, at: Time) {
    match (&seen.unknown, seen.fresh, case.stale_since) {
        (_, true, Some(_)) => {
            case.stale_since = None;
            log(case, at, CaseChange::Fresh, say::fresh());
        }
        (Some(why), false, None) => {
            let newest = case.facts.iter().map(|it| it.at).max();
            case.stale_since = Some(newest.unwrap_or(at));
            log(case, at, CaseChange::Stale, say::stale(why));
        }
        _ => {}
    }
}

/// A milder level needs evidence: unread members or readings that stopped are none.
pub(super) fn keep_graver(case: &Case, new: Decision, known: bool) -> Decision {
    let unread = case.stale_since.is_some() || new.redundancy.iter().any(|it| it.unknown > 0);
    let milder = rank(new.grade) > rank(case.decision.grade);
    if known && milder && unread && matches!(case.decision.grade, Grade::Fault(_)) {
        return case.decision.clone();
    }
    new
}

fn remember(recent: u32, firing: bool) -> u32 {
    ((recent << 1) | u32::from(firing)) & ((1 << RECENT) - 1)
}

fn changes(recent: u32) -> u32 {
    ((recent ^ (recent >> 1)) & ((1 << (RECENT - 1)) - 1)).count_ones()
}

/// New values alone are written from time to time; everything else at once.
pub(super) fn is_worth_writing(before: &Case, after: &Case, at: Time) -> bool {
    let rules = |it: &Case| -> Vec<(String, EvidenceKind)> {
        it.facts.iter().map(|fact| (fact.rule.clone(), fact.evidence)).collect()
    };
    let of_decision = |it: &Decision| {
        (it.grade, it.step, it.redundancy.clone(), it.impact.clone(), it.policies.clone())
    };
    let turned = before.log.len() != after.log.len()
        || before.log.last() != after.log.last()
        || (before.closed_at, before.stale_since, before.intermittent, before.late, before.recent)
            != (after.closed_at, after.stale_since, after.intermittent, after.late, after.recent)
        || before.parent != after.parent
        || before.agreed != after.agreed
        || rules(before) != rules(after)
        || of_decision(&before.decision) != of_decision(&after.decision);
    turned || (before.facts != after.facts && at.since(before.updated_at) >= REFRESH)
}

pub(super) fn log(case: &mut Case, at: Time, kind: CaseChange, why: Text) {
    if case.log.len() >= LOG_MAX {
        case.log.remove(1);
    }
    case.log.push(CaseLog { at, kind, why });
}
