//! Thresholds that a contract changed for one host.

use std::collections::BTreeMap;

use chrono::{NaiveTime, TimeZone as _};
use xunjian_proto::{ComponentId, Time};

use crate::contract::{Contract, Override};

/// The contract's overrides that concern one host, ready to be asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    by_rule: BTreeMap<String, Vec<Entry>>,
    /// One look at a host that nothing follows (`judge`, `once`): what holds on the only reading fires at once.
    pub waive_holds: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    component: Option<String>,
    threshold: Option<f64>,
    until: Option<Time>,
}

/// What holds for one rule on one component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tuned {
    /// As the library says.
    Not,
    /// Another threshold.
    To(f64),
    /// Switched off.
    Off,
}

impl Overrides {
    /// Picks what concerns this host. `until` ends with that day in the contract's time zone.
    pub fn of(contract: &Contract, hostname: &str) -> Overrides {
        let mut by_rule: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for it in &contract.overrides {
            if it.host.as_deref().is_none_or(|host| host == hostname) {
                let entry = Entry {
                    component: it.component.clone(),
                    threshold: it.threshold,
                    until: ends(contract, it),
                };
                by_rule.entry(it.rule.clone()).or_default().push(entry);
            }
        }
        // The more special one wins: those for one component come first.
        for entries in by_rule.values_mut() {
            entries.sort_by_key(|entry| entry.component.is_none());
        }
        Overrides { by_rule, waive_holds: false }
    }

    /// The same, but judging a single look.
    pub fn waiving_holds(mut self) -> Overrides {
        self.waive_holds = true;
        self
    }

    pub(super) fn find(&self, rule: &str, component: &ComponentId, at: Time) -> Tuned {
        if self.by_rule.is_empty() {
            return Tuned::Not;
        }
        let entries = self.by_rule.get(rule).map_or(&[][..], Vec::as_slice);
        let found = entries.iter().find(|entry| {
            let meant = entry.component.as_deref().is_none_or(|it| it == component.as_str());
            meant && entry.until.is_none_or(|until| at < until)
        });
        match found {
            None => Tuned::Not,
            Some(Entry { threshold: Some(value), .. }) => Tuned::To(*value),
            Some(Entry { threshold: None, .. }) => Tuned::Off,
        }
    }
}

fn ends(contract: &Contract, it: &Override) -> Option<Time> {
    let next = it.until?.succ_opt()?.and_time(NaiveTime::MIN);
    let local = contract.timezone.from_local_datetime(&next).earliest()?;
    Some(Time::from_millis(local.timestamp_millis()))
}
