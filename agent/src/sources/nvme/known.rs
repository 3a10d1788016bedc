//! Controllers that were there before: the kernel forgets a path ten minutes after it broke (`ctrl_loss_tmo`), and a
//! set that forgot its members would look whole with one path left.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    path_name,
    tree::{Controller, Subsystem},
};

/// Runs for which a controller that is gone is remembered: a month of minutes. Longer, and one that was taken out on
/// purpose would be missed for ever.
const MEMORY: u32 = 30 * 24 * 60;

/// Most controllers remembered.
const KNOWN_MAX: usize = 1024;

/// Where a controller's path leads and whence: stable over reconnections, which count the controller anew.
pub(super) fn key(subsystem: &Subsystem, controller: &Controller) -> String {
    match controller.both_ends() {
        ends if ends.is_empty() => format!("{} {}", subsystem.nqn, controller.name),
        ends => format!("{} {ends}", subsystem.nqn),
    }
}

/// What is kept between runs: subsystem, controller's key, what it was.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Known(BTreeMap<String, BTreeMap<String, Before>>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Before {
    name: String,
    /// Runs since it was seen.
    away: u32,
}

impl Known {
    /// From the cursor; a damaged one is like none.
    pub(super) fn load(cursor: Option<&str>) -> Known {
        cursor.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default()
    }

    /// For the cursor; none if there is nothing to remember.
    pub(super) fn save(&self) -> Option<String> {
        if self.0.is_empty() { None } else { serde_json::to_string(&self.0).ok() }
    }

    /// Whether the subsystem had more than one controller.
    pub(super) fn had_several(&self, nqn: &str) -> bool {
        self.0.get(nqn).is_some_and(|it| it.len() > 1)
    }

    /// Notes the controllers that are there; gives those that are not any more, with their names.
    pub(super) fn gone(&mut self, subsystem: &Subsystem) -> Vec<(String, String)> {
        let total: usize = self.0.values().map(BTreeMap::len).sum();
        let before = self.0.entry(subsystem.nqn.clone()).or_default();
        before.values_mut().for_each(|it| it.away = it.away.saturating_add(1));
        for controller in &subsystem.controllers {
            let key = key(subsystem, controller);
            if total < KNOWN_MAX || before.contains_key(&key) {
                before.insert(key, Before { name: path_name(controller), away: 0 });
            }
        }
        before.retain(|_, it| it.away < MEMORY);
        let away = before.iter().filter(|(_, it)| it.away > 0);
        away.map(|(key, it)| (key.clone(), it.name.clone())).collect()
    }

    /// Forgets subsystems that are gone as a whole: their disks are missed by themselves.
    pub(super) fn keep_only(&mut self, subsystems: &[Subsystem]) {
        self.0.retain(|nqn, _| subsystems.iter().any(|it| it.nqn == *nqn));
    }
}
