//! What the source remembers from run to run: which proof the collector has, who sits on which path behind a controller,
//! which places of a controller hold drives, and when something was last done that is done once a day.
//!
//! One flat map of texts, so that older agents' memories are understood: a component's id leads to the fingerprint of its
//! proof, `path …` to a component's id, `places …` and `daily …` to a count of runs.

use std::collections::BTreeMap;

use xunjian_proto::ComponentId;

/// Runs of half an hour in a day.
const RUNS_A_DAY: u32 = 48;

/// More than any host needs: 512 drives with two paths each, and their controllers.
const ENTRIES_MAX: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Memory {
    entries: BTreeMap<String, String>,
}

impl Memory {
    /// What was remembered; nothing if that cannot be understood.
    pub(super) fn read(text: Option<&str>) -> Memory {
        let entries: BTreeMap<String, String> =
            text.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        Memory { entries: entries.into_iter().take(ENTRIES_MAX).collect() }
    }

    /// As it is kept.
    pub(super) fn write(&self) -> Option<String> {
        serde_json::to_string(&self.entries).ok()
    }

    /// Forgets the proof of drives that are gone.
    pub(super) fn keep_proof_of(&mut self, there: impl Fn(&ComponentId) -> bool) {
        let own =
            |it: &str| ["path ", "places ", "daily "].iter().any(|start| it.starts_with(start));
        self.entries.retain(|name, _| own(name) || there(&ComponentId::parse(name)));
    }

    /// Remembers the fingerprint of a drive's proof; whether it is a new one.
    pub(super) fn is_new_proof(&mut self, id: &ComponentId, print: &str) -> bool {
        self.entries.insert(id.as_str().to_owned(), print.to_owned()).as_deref() != Some(print)
    }

    /// Who answered on a path when it last answered.
    pub(super) fn on_path(&self, path: &str) -> Option<ComponentId> {
        self.entries.get(&format!("path {path}")).map(|it| ComponentId::parse(it))
    }

    /// Remembers who answers on a path.
    pub(super) fn remember_path(&mut self, path: &str, id: &ComponentId) {
        if self.entries.len() < ENTRIES_MAX {
            self.entries.insert(format!("path {path}"), id.as_str().to_owned());
        }
    }

    /// The places of a controller that hold drives; none if they have to be looked for (again).
    pub(super) fn places(&mut self, controller: &str) -> Option<Vec<String>> {
        let entry = self.entries.get_mut(&format!("places {controller}"))?;
        let (left, list) = entry.split_once('=')?;
        let left = left.parse::<u32>().ok()?.checked_sub(1)?;
        let list = list.to_owned();
        *entry = format!("{left}={list}");
        Some(list.split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect())
    }

    /// Remembers the places of a controller for a day.
    pub(super) fn remember_places(&mut self, controller: &str, kinds: &[String]) {
        self.entries.insert(
            format!("places {controller}"),
            format!("{}={}", RUNS_A_DAY - 1, kinds.join(" ")),
        );
    }

    /// Whether something that is done once a day is due; counts the runs.
    pub(super) fn is_due(&mut self, what: &str) -> bool {
        let key = format!("daily {what}");
        let left = self.entries.get(&key).and_then(|it| it.parse::<u32>().ok()).unwrap_or(0);
        self.entries.insert(key, left.checked_sub(1).unwrap_or(RUNS_A_DAY - 1).to_string());
        left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known_for_a_day_and_then_looked_for_again() {
        let mut memory = Memory::default();
        assert_eq!(memory.places("/dev/sg0 cciss"), None);
        memory.remember_places("/dev/sg0 cciss", &["cciss,0".to_owned(), "cciss,3".to_owned()]);
        for _ in 1..RUNS_A_DAY {
            assert_eq!(memory.places("/dev/sg0 cciss").unwrap(), ["cciss,0", "cciss,3"]);
        }
        assert_eq!(memory.places("/dev/sg0 cciss"), None);
    }

    #[test]
    fn what_is_done_once_a_day_is_due_at_first_and_after_a_day() {
        let mut memory = Memory::default();
        let due: Vec<bool> = (0..=RUNS_A_DAY).map(|_| memory.is_due("farm disk:1")).collect();
        assert!(
            due[0] && due[RUNS_A_DAY as usize] && due.iter().filter(|it| **it).count() == 2,
            "{due:?}"
        );
    }
}
