//! Maintenance windows and accepted risks on a case: it is marked while one holds, and what ends it is said.
//!
//! Invariant: an accepted risk that lapsed (worse, more, or over) does not come back by itself; it is signed anew.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use xunjian_proto::Time;
use xunjian_rules::{EvidenceKind, Text};

use super::{Case, CaseChange, decision::rank, settle::log, texts};
use crate::contract::{Accepted, Contract, Window};

/// What is agreed about a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agreed {
    /// The maintenance window that it is in.
    pub window: Option<String>,
    /// The accepted risk that holds.
    pub risk: Option<Risk>,
    /// The newest one that lapsed.
    pub lapsed: Option<String>,
}

/// An accepted risk that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// Its name in the store.
    pub id: String,
    /// Who signed on the customer's side.
    pub signer: String,
    /// Why it is accepted.
    pub why: String,
    /// Last day it holds.
    pub until: NaiveDate,
}

impl Agreed {
    /// Whether people are not to be paged for the case.
    pub fn is_held(&self) -> bool {
        self.window.is_some() || self.risk.is_some()
    }
}

/// Begins the log's sentence that a window is over and the fault is not.
pub const AFTER_WINDOW: &str = "维护期结束，故障仍在";

/// Begins the log's sentence that an accepted risk no longer holds.
pub const LAPSED: &str = "接受的风险不再有效";

/// An acceptance of a case as it is now.
pub fn accept(
    case: &Case,
    signer: &str,
    why: &str,
    until: NaiveDate,
    by: &str,
    at: Time,
) -> Accepted {
    let mut values = Vec::new();
    for fact in &case.facts {
        for input in &fact.inputs {
            let (rule, name) = (fact.rule.clone(), input.name.clone());
            values.push((rule, name, input.value.clone(), input.test.clone()));
        }
    }
    Accepted {
        id: format!("risk-{}-{}", case.id.0, at.secs()),
        case: case.id.0.clone(),
        rank: rank(case.decision.grade),
        rules: case.facts.iter().map(|it| it.rule.clone()).collect(),
        values,
        signer: signer.to_owned(),
        why: why.to_owned(),
        until,
        by: by.to_owned(),
        at,
    }
}

/// Open cases in the scope of a window that began before its end: what is wrong inside it, and what remains once it is
/// over. None before it begins.
pub fn remaining<'a>(
    window: &Window,
    contract: &Contract,
    cases: &'a [Case],
    now: Time,
) -> Vec<&'a Case> {
    let Some((from, to)) = window.span(contract.timezone).filter(|it| it.0 <= now && it.0 < it.1)
    else {
        return Vec::new();
    };
    let inside = |it: &&Case| {
        it.customer == contract.customer
            && it.closed_at.is_none()
            && it.opened_at < to
            && window.covers(contract, &it.hostname, &it.component, from)
    };
    cases.iter().filter(inside).collect()
}

/// Marks an open case by what is agreed at `now`.
pub(super) fn apply(case: &mut Case, contract: &Contract, at: Time, now: Time) {
    maintenance(case, contract, at, now);
    risk(case, contract, at, now);
}

fn maintenance(case: &mut Case, contract: &Contract, at: Time, now: Time) {
    // What happened in a window belongs to it, however late its data come.
    let when = if case.late { at } else { now };
    let window = contract.window(&case.hostname, &case.component, when);
    match (&case.agreed.window, window) {
        (None, Some(window)) => {
            let (who, why) = (&window.who, &window.why);
            let text = Text::new(
                format!("处于维护期（{who}：{why}），照常采集和判级，不通知"),
                format!(
                    "in maintenance ({who}: {why}): collected and judged as ever, nobody is paged"
                ),
            );
            case.agreed.window = Some(window.name());
            log(case, when, CaseChange::Updated, text);
        }
        (Some(_), None) => {
            let because = case.decision.because.clone();
            let text = Text::new(
                format!("{AFTER_WINDOW}：{}", because.zh),
                format!("maintenance is over and the fault is not: {}", because.en),
            );
            case.agreed.window = None;
            log(case, when, CaseChange::Updated, text);
        }
        _ => {}
    }
}

fn risk(case: &mut Case, contract: &Contract, at: Time, now: Time) {
    // A replay knows what was signed later; it did not hold then.
    let signed = contract.accepted.iter().filter(|it| it.case == case.id.0 && it.at <= now);
    let newest = signed.max_by_key(|it| it.at);
    let Some(accepted) = newest else {
        if let Some(risk) = case.agreed.risk.take() {
            lapse(case, &risk.id, &Text::new("已撤回", "it was withdrawn"), at);
        }
        return;
    };
    if case.agreed.lapsed.as_deref() == Some(&accepted.id) {
        return;
    }
    if let Some(why) = broken(accepted, case, contract, now) {
        case.agreed.risk = None;
        return lapse(case, &accepted.id, &why, at);
    }
    if case.agreed.risk.as_ref().is_none_or(|it| it.id != accepted.id) {
        let Accepted { signer, why, until, by, .. } = accepted;
        let text = Text::new(
            format!("客户接受风险：{signer} 签字，至 {until}，理由：{why}（{by} 登记）"),
            format!(
                "the risk is accepted: signed by {signer}, until {until}: {why} (entered by {by})"
            ),
        );
        case.agreed.risk = Some(Risk {
            id: accepted.id.clone(),
            signer: signer.clone(),
            why: why.clone(),
            until: *until,
        });
        log(case, at.max(accepted.at).min(now), CaseChange::Updated, text);
    }
}

fn lapse(case: &mut Case, id: &str, why: &Text, at: Time) {
    case.agreed.lapsed = Some(id.to_owned());
    let text = Text::new(
        format!("{LAPSED}：{}", why.zh),
        format!("the accepted risk no longer holds: {}", why.en),
    );
    log(case, at, CaseChange::Updated, text);
}

/// Why an acceptance no longer holds: over, graver, new evidence, or a value that is worse than when it was signed.
fn broken(accepted: &Accepted, case: &Case, contract: &Contract, now: Time) -> Option<Text> {
    if contract.day_after(accepted.until).is_none_or(|end| now >= end) {
        let until = accepted.until;
        return Some(Text::new(format!("已于 {until} 到期"), format!("its last day was {until}")));
    }
    if rank(case.decision.grade) < accepted.rank {
        let name = texts::grade_name(case.decision.grade);
        return Some(Text::new(
            format!("级别升为{}", name.zh),
            format!("it is {} by now", name.en),
        ));
    }
    for fact in &case.facts {
        let weak = matches!(fact.evidence, EvidenceKind::Advice | EvidenceKind::Blind);
        if !weak && !accepted.rules.contains(&fact.rule) {
            return Some(Text::new(
                format!("出现新的迹象：{}", fact.message.zh),
                format!("there is new evidence: {}", fact.message.en),
            ));
        }
        for input in &fact.inputs {
            let same = |it: &&(String, String, String, String)| {
                it.0 == fact.rule && it.1 == input.name && it.3 == input.test
            };
            let Some((_, name, before, test)) = accepted.values.iter().find(same) else { continue };
            if is_worse(before, &input.value, test) {
                let value = &input.value;
                return Some(Text::new(
                    format!("{name} 由 {before} 变为 {value}"),
                    format!("{name} went from {before} to {value}"),
                ));
            }
        }
    }
    None
}

/// Whether a value went further in the direction in which it is bad. Counts by one, measured values by more than a tenth:
/// what flutters would re-open it every minute.
fn is_worse(before: &str, now: &str, test: &str) -> bool {
    let (Some((old, count)), Some((new, _))) = (magnitude(before), magnitude(now)) else {
        return false;
    };
    let falling = test.contains('<') || test.contains('≤');
    let further = if falling { old - new } else { new - old };
    let slack = if count { 0.0 } else { old.abs() * 0.1 };
    further > slack
}

/// A value as people read it, as a number; and whether it is a plain count.
fn magnitude(text: &str) -> Option<(f64, bool)> {
    const UNITS: &[(&str, f64)] = &[
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("TiB", 1_099_511_627_776.0),
        ("PiB", 1.125_899_906_842_624e15),
        ("kB/s", 1e3),
        ("MB/s", 1e6),
        ("GB/s", 1e9),
        ("kbit/s", 1e3),
        ("Mbit/s", 1e6),
        ("Gbit/s", 1e9),
        ("ms", 1e-3),
        ("h", 3_600.0),
    ];
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let value: f64 = number.parse().ok()?;
    let factor = UNITS.iter().find(|it| it.0 == unit).map_or(1.0, |it| it.1);
    Some((value * factor, unit.is_empty() && !number.contains('.')))
}

#[cfg(test)]
mod tests {
    use super::is_worse;

    #[test]
    fn counts_by_one_and_measured_values_by_a_tenth() {
        for (before, now, test, worse) in [
            ("8", "9", "> 0", true),
            ("8", "8", "> 0", false),
            ("8", "3", "> 0", false),
            ("52 °C", "53 °C", "≥ 50 °C", false),
            ("52 °C", "60 °C", "≥ 50 °C", true),
            ("10 %", "8 %", "< 12 %", true),
            ("10 %", "30 %", "< 12 %", false),
            ("900 MiB", "1.5 GiB", "> 500 MiB", true),
            ("failed", "offline", "is failed", false),
        ] {
            assert_eq!(is_worse(before, now, test), worse, "{before} {now} {test}");
        }
    }
}
