//! One drive behind two targets (a shelf with two controllers) is one component: what the first tells counts.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId};

use crate::source::{Collect, Found};

/// Puts what all targets found into one run.
pub(super) fn into(c: &mut Collect<'_>, all: Vec<Found>) {
    let mut components: Vec<Component> = Vec::new();
    let mut places: BTreeMap<ComponentId, usize> = BTreeMap::new();
    for (turn, mut found) in all.into_iter().enumerate() {
        let mut mine: Vec<ComponentId> = Vec::new();
        for component in std::mem::take(&mut found.components) {
            match places.get(&component.id) {
                Some(place) => components[*place].merge(&component),
                None => {
                    places.insert(component.id.clone(), components.len());
                    mine.push(component.id.clone());
                    components.push(component);
                }
            }
        }
        if turn > 0 {
            mine.sort();
            let is_mine = |it: &ComponentId| mine.binary_search(it).is_ok();
            found.samples.retain(|it| is_mine(&it.series.component));
            found.states.retain(|it| is_mine(&it.component));
        }
        c.absorb(found);
    }
    for component in components {
        c.component(component);
    }
}
