//! Health checks by code: of the status, of `health detail`, and as the dashboard lists them.
//!
//! Facts: Ceph's "Health checks". `HEALTH_WARN` as a whole says nothing: it covers a forgotten flag as well as the last
//! copy of data. A muted check is one that somebody has accepted; it is shown, and not raised.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xunjian_proto::{ComponentId, Reason};

use super::{
    codes::{KNOWN, known},
    json::{flag, list, text},
    metrics::{CHECK, CODES, MUTED, MUTES, STATUS, UNKNOWN},
};
use crate::source::Collect;

/// Most checks that are taken; a cluster raises a few dozen at worst.
const CHECKS_MAX: usize = 500;

/// Longest text of a code in a problem.
const CODE_CHARS_MAX: usize = 80;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Health {
    status: Option<String>,
    pub(super) checks: BTreeMap<String, Check>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Check {
    severity: String,
    muted: bool,
    /// `1 osds down`.
    summary: String,
    /// One line an item; the cluster lists at most 50 of each check.
    pub(super) details: Vec<String>,
}

impl Health {
    /// The checks of a value that has them.
    pub(super) fn of(value: &Value) -> Option<Health> {
        let status = text(value, "status").or_else(|| text(value, "overall_status"));
        let status = status.filter(|it| it.starts_with("HEALTH_")).map(str::to_owned);
        let mut health = Health { status, ..Health::default() };
        match value.get("checks") {
            Some(Value::Object(checks)) => {
                for (code, it) in checks.iter().take(CHECKS_MAX) {
                    health.checks.insert(code.clone(), check(it));
                }
            }
            Some(Value::Array(checks)) => {
                for it in checks.iter().take(CHECKS_MAX) {
                    if let Some(code) = text(it, "type") {
                        health.checks.insert(code.to_owned(), check(it));
                    }
                }
            }
            _ if health.status.is_none() => return None,
            _ => {}
        }
        for mute in list(value, "mutes") {
            if let Some(it) = text(mute, "code").and_then(|code| health.checks.get_mut(code)) {
                it.muted = true;
            }
        }
        Some(health)
    }

    /// A second answer about the same cluster: the newer one counts, and details that only the older has are kept.
    pub(super) fn with(self, newer: Health) -> Health {
        let mut both = Health { status: newer.status.or(self.status), checks: newer.checks };
        for (code, before) in self.checks {
            if let Some(it) = both.checks.get_mut(&code)
                && it.details.is_empty()
            {
                it.details = before.details;
            }
        }
        both
    }

    /// Whether a check is raised, muted or not.
    pub(super) fn has(&self, code: &str) -> bool {
        self.checks.contains_key(code)
    }

    /// Whether a check is raised that nobody has accepted.
    pub(super) fn raises(&self, code: &str) -> bool {
        self.checks.get(code).is_some_and(|it| !it.muted)
    }

    /// What makes one state of health differ from another, without counts that change from minute to minute.
    pub(super) fn print(&self) -> String {
        let each = |(code, it): (&String, &Check)| format!("{code}:{}:{}", it.severity, it.muted);
        self.checks.iter().map(each).collect::<Vec<_>>().join(" ")
    }

    /// The checks with their details, for people.
    pub(super) fn text(&self) -> String {
        let mut text = self.status.clone().unwrap_or_default();
        for (code, it) in &self.checks {
            let muted = if it.muted { ", muted" } else { "" };
            text.push_str(&format!("\n[{}{muted}] {code}: {}", it.severity, it.summary));
            it.details.iter().for_each(|line| text.push_str(&format!("\n    {line}")));
        }
        text
    }

    pub(super) fn tell(&self, c: &mut Collect<'_>, id: &ComponentId) {
        if let Some(status) = &self.status {
            c.state(&STATUS, id, status);
        }
        let (mut raised, mut muted, mut codes) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut other = BTreeMap::from([("error", 0.0), ("warning", 0.0)]);
        for (code, check) in &self.checks {
            if check.muted {
                muted.push(code.as_str());
                continue;
            }
            codes.push(code.as_str());
            match known(code) {
                Some(code) => drop(raised.insert(code)),
                None => {
                    let kind = if check.severity.ends_with("ERR") { "error" } else { "warning" };
                    *other.entry(kind).or_default() += 1.0;
                    let code: String = code.chars().take(CODE_CHARS_MAX).collect();
                    let text = format!("health check {code} is not known here: {}", check.summary);
                    c.problem(Reason::Unsupported, None, text);
                }
            }
        }
        for code in KNOWN {
            let value = if raised.contains(code) { 1.0 } else { 0.0 };
            c.sample_with(&CHECK, id, &[("ceph.health.code", code)], value);
        }
        for (severity, count) in other {
            c.sample_with(&UNKNOWN, id, &[("ceph.health.severity", severity)], count);
        }
        c.sample(&MUTED, id, f64::from(u32::try_from(muted.len()).unwrap_or(u32::MAX)));
        c.state(&CODES, id, &words(&codes));
        c.state(&MUTES, id, &words(&muted));
    }
}

fn check(value: &Value) -> Check {
    let message = |it: &Value| text(it, "message").map(str::to_owned);
    Check {
        severity: text(value, "severity").unwrap_or_default().to_owned(),
        muted: flag(value, "muted").unwrap_or(false),
        summary: value.get("summary").and_then(message).unwrap_or_default(),
        details: list(value, "detail").iter().take(CHECKS_MAX).filter_map(message).collect(),
    }
}

/// Most codes that a state names.
const NAMED: usize = 12;

pub(super) fn words(all: &[&str]) -> String {
    match all.len() {
        0 => "none".to_owned(),
        1..=NAMED => all.join(" "),
        many => format!("{} +{}", all[..NAMED].join(" "), many - NAMED),
    }
}
