//! A component beside the others of its set: the drives of one array share its work, so one that is far from the median of
//! the others is ill, whatever the load is.
//!
//! Fact: "fail-slow" drives answer, pass their self-tests and hold up everything that waits for the whole set. Invariant:
//! nothing is compared while the set rebuilds or is checked, when its members do different work, nor with fewer than
//! [`PEERS_MIN`] others that were read.

use serde::{Deserialize, Serialize};
use xunjian_proto::{Component, ComponentId, MemberState, Time};
use xunjian_rules::Measure;

use super::{
    gap::Lack,
    truth::{Read, Scope},
    view::{Part, Slot},
};

/// Of two drives nobody can say which one is out of line; of three the median of the others stands.
const PEERS_MIN: usize = 2;

/// Most members that are compared; wider sets are compared with their first ones.
const PEERS_MAX: usize = 64;

/// Sets in sets are followed so deep.
const DEPTH_MAX: u32 = 4;

/// What states of a set call work of its own, by the sources that tell of it.
const BUSY: [&str; 7] = ["check", "recover", "repair", "reshape", "resilver", "resync", "scrub"];

/// A set as its source last described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SetView {
    at: Time,
    /// Members that do the set's work.
    members: Vec<ComponentId>,
    rebuilding: bool,
}

impl Part {
    /// Keeps the newest description of a set.
    pub(super) fn note_set(&mut self, component: &Component, at: Time) {
        let Some(set) = &component.set else { return };
        if self.set.as_ref().is_some_and(|it| it.at > at) {
            return;
        }
        let active = set.members.iter().filter(|it| it.state == MemberState::Active);
        let members = active.filter_map(|it| it.component.clone()).take(PEERS_MAX).collect();
        let rebuilding = set.members.iter().any(|it| it.state == MemberState::Rebuilding);
        self.set = Some(SetView { at, members, rebuilding });
    }

    /// Whether it is a set that moves data by itself at that time.
    fn is_busy(&self, at: Time) -> bool {
        let word = |it: &super::view::WordSlot| {
            let newest = it.recent.iter().rev().find(|(told, _)| *told <= at);
            newest.is_some_and(|(_, word)| BUSY.contains(&word.as_str()))
        };
        self.set.as_ref().is_some_and(|it| it.rebuilding) || self.words.iter().any(word)
    }
}

impl<'a> Scope<'a> {
    /// The median of a measure over the other members of the component's sets.
    pub(super) fn peers(&self, measure: &Measure, left: &Slot) -> Read<'a, f64> {
        let sets = self.view.parts.iter().filter(|it| {
            let members = it.set.as_ref().map_or(&[][..], |set| set.members.as_slice());
            members.contains(&self.part.id)
        });
        let mut peers: Vec<&ComponentId> = Vec::new();
        for set in sets {
            if let Some(busy_one) = self.busy_around(set, DEPTH_MAX) {
                return Read::None(Lack::Busy(&busy_one.name));
            }
            peers.extend(set.set.iter().flat_map(|it| &it.members));
        }
        peers.sort_unstable();
        peers.dedup();
        let values = peers.into_iter().filter(|it| **it != self.part.id).filter_map(|peer| {
            let part = &self.view.parts[*self.view.index.get(peer)?];
            let same = |it: &&Slot| it.metric == measure.metric && it.attrs == left.attrs;
            let slot = part.slots.iter().find(same)?;
            match self.beside(part).take(measure, Some(slot)) {
                Read::Value((value, _)) => Some(value),
                _ => None,
            }
        });
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        match values.len() {
            count if count < PEERS_MIN => Read::None(Lack::Alone),
            count if count % 2 == 1 => Read::Value(values[count / 2]),
            count => Read::Value(f64::midpoint(values[count / 2 - 1], values[count / 2])),
        }
    }
}

impl<'a> Scope<'a> {
    /// The set, or one that it is part of, that moves data by itself: a pool says that it scrubs, not the group in it.
    fn busy_around(&self, set: &Part, depth: u32) -> Option<&'a Part> {
        let mut around = self
            .view
            .parts
            .iter()
            .filter(|it| it.set.as_ref().is_some_and(|inner| inner.members.contains(&set.id)));
        if set.is_busy(self.at) {
            return self.view.index.get(&set.id).map(|it| &self.view.parts[*it]);
        }
        let deeper = depth.checked_sub(1)?;
        around.find_map(|it| self.busy_around(it, deeper))
    }
}
