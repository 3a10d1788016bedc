//! A host's components as its sources last described them, one description per source, merged on demand.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Outcome, Run};

/// Components by identity and source. What a source does not list any more stays: absence removes nothing.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    seen: BTreeMap<(ComponentId, String), Component>,
}

/// More components than a host has in earnest (a storage head with 1,000 disks has some 3,000).
const COMPONENTS_MAX: usize = 20_000;

impl Inventory {
    /// Takes over what a run saw; says whether anything changed.
    pub fn absorb(&mut self, run: &Run) -> bool {
        if run.outcome != Outcome::Collected {
            return false;
        }
        let mut changed = false;
        for component in &run.components {
            changed |= self.insert(&run.source, component.clone());
        }
        changed
    }

    /// Adds one source's description of a component; says whether that is news.
    pub fn insert(&mut self, source: &str, component: Component) -> bool {
        let key = (component.id.clone(), source.to_owned());
        if self.seen.get(&key) == Some(&component) {
            return false;
        }
        if self.seen.len() >= COMPONENTS_MAX && !self.seen.contains_key(&key) {
            return false;
        }
        self.seen.insert(key, component);
        true
    }

    /// Every component once: attributes and links of all its sources together; names and sets from the first that has one.
    pub fn merged(&self) -> Vec<Component> {
        let mut all: Vec<Component> = Vec::new();
        for component in self.seen.values() {
            match all.last_mut().filter(|last| last.id == component.id) {
                None => all.push(component.clone()),
                Some(last) => last.merge(component),
            }
        }
        all
    }
}
