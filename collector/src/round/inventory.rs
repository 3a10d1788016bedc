//! A host's components as its sources last described them, one description per source, merged on demand.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, MemberState, Outcome, Run};

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

    /// Adds one source's description of a component; says whether that is news. A set keeps in mind who its missing
    /// members were.
    pub fn insert(&mut self, source: &str, mut component: Component) -> bool {
        let key = (component.id.clone(), source.to_owned());
        let before = self.seen.get(&key).and_then(|it| it.set.as_ref());
        if let (Some(set), Some(before)) = (&mut component.set, before) {
            set.remember(before);
        }
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
        forget_those_at_work(&mut all);
        all
    }
}

/// A missing member that serves another set by now is no longer missing here: only its place is.
fn forget_those_at_work(all: &mut [Component]) {
    let at_work: BTreeSet<ComponentId> = all
        .iter()
        .flat_map(|it| it.set.iter().flat_map(|set| &set.members))
        .filter(|it| !matches!(it.state, MemberState::Missing | MemberState::Failed))
        .filter_map(|it| it.component.clone())
        .collect();
    for set in all.iter_mut().filter_map(|it| it.set.as_mut()) {
        for member in set.members.iter_mut().filter(|it| it.state == MemberState::Missing) {
            if member.component.as_ref().is_some_and(|id| at_work.contains(id)) {
                member.component = None;
            }
        }
    }
}
