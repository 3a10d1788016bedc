//! What the source remembers of each target from run to run. Small: all targets together fit into the agent's file of
//! cursors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xunjian_proto::Time;

/// Logs and volumes remembered of one target.
const ITEMS_MAX: usize = 64;

/// All targets, by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    pub(super) targets: BTreeMap<String, Known>,
}

/// One target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    /// The serial number that its identity is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial: Option<String>,
    /// Fingerprint of what was sent as evidence last.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) print: String,
    /// How far each log was read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) logs: BTreeMap<String, LogMark>,
    /// Drives of each volume when it was well.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) widths: BTreeMap<String, u32>,
}

/// How far a log was read: the time of the newest entry and its number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LogMark {
    /// Milliseconds since 1970; 0: none yet.
    pub(super) at: i64,
    pub(super) id: u64,
}

impl LogMark {
    /// Whether an entry lies behind the mark. A log that was cleared counts from one again, so the time goes first.
    pub(super) fn is_new(&self, at: Option<Time>, id: u64) -> bool {
        match at.map(|it| it.millis()) {
            Some(at) if at != self.at => at > self.at,
            _ => id > self.id,
        }
    }

    /// Moves the mark to an entry.
    pub(super) fn pass(&mut self, at: Option<Time>, id: u64) {
        if !self.is_new(at, id) {
            return;
        }
        if let Some(at) = at {
            self.at = at.millis();
        }
        self.id = id;
    }
}

impl Memory {
    /// What a cursor holds; nothing of one that cannot be read.
    pub(super) fn read(cursor: Option<&str>) -> Memory {
        cursor.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default()
    }

    /// The cursor. Targets that are configured no more are forgotten.
    pub(super) fn write(mut self, names: &[&str]) -> Option<String> {
        self.targets.retain(|name, _| names.contains(&name.as_str()));
        for known in self.targets.values_mut() {
            cut(&mut known.logs);
            cut(&mut known.widths);
        }
        serde_json::to_string(&self).ok()
    }
}

fn cut<T>(map: &mut BTreeMap<String, T>) {
    while map.len() > ITEMS_MAX {
        map.pop_last();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_lets_each_entry_through_once() {
        let at = |secs| Some(Time::from_secs(secs));
        let mut mark = LogMark::default();
        for (time, id) in [(at(10), 1), (at(10), 2), (at(20), 3)] {
            assert!(mark.is_new(time, id));
            mark.pass(time, id);
        }
        assert!(!mark.is_new(at(10), 2) && !mark.is_new(at(20), 3));
        assert!(mark.is_new(at(20), 4) && mark.is_new(at(30), 1), "cleared logs begin anew");
        assert!(mark.is_new(None, 4) && !mark.is_new(None, 3));
    }
}
