//! What is wrong on one host at this moment: which components are lost, suspect, or measurably failing their users.
//!
//! Built from all facts that hold; the redundancy of each set is computed against it.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Member, MemberState, Relation, Set};
use xunjian_rules::EvidenceKind;

use super::{
    Redundancy,
    redundancy::{Cost, Margin, margin},
    set_words,
    topology::Topology,
};
use crate::evaluate::Fact;

/// Class of the facts that a protected set states about its own redundancy.
pub const REDUNDANCY: &str = "redundancy";

/// Nested sets are followed so deep.
const DEPTH_MAX: u32 = 8;

/// Measured effect on the users of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// Slower, or failing in part.
    Partial,
    /// Gone.
    Total,
}

/// Everything that holds on the host now.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Gone for their set or users.
    pub lost: BTreeSet<ComponentId>,
    /// Serving, and likely to fail.
    pub suspect: BTreeSet<ComponentId>,
    /// Sets that say of themselves that they are degraded.
    pub degraded: BTreeSet<ComponentId>,
    /// Measured effects, by component.
    pub impact: BTreeMap<ComponentId, Impact>,
}

impl Conditions {
    /// Sorts the facts that hold.
    pub fn new<'a>(facts: impl IntoIterator<Item = &'a Fact>, topology: &Topology) -> Conditions {
        let mut all = Conditions::default();
        for fact in facts {
            let id = fact.component.clone();
            let is_set = topology.set(&id).is_some();
            match fact.evidence {
                EvidenceKind::ImpactTotal => all.feel(id, Impact::Total),
                EvidenceKind::ImpactPartial => all.feel(id, Impact::Partial),
                EvidenceKind::Suspect | EvidenceKind::Latent
                    if is_set && fact.class == REDUNDANCY =>
                {
                    all.degraded.insert(id);
                }
                EvidenceKind::Lost => {
                    all.lost.insert(id);
                }
                EvidenceKind::Suspect => {
                    all.suspect.insert(id);
                }
                EvidenceKind::Latent | EvidenceKind::Advice | EvidenceKind::Blind => {}
            }
        }
        all
    }

    fn feel(&mut self, id: ComponentId, impact: Impact) {
        let worst = self.impact.entry(id).or_insert(impact);
        *worst = (*worst).max(impact);
    }

    /// The margin of a set as things stand: members that a fact calls lost are lost, whatever the set itself says
    /// (the worse of two sources counts), and a set that is itself lost survives nothing.
    pub fn margin(&self, topology: &Topology, id: &ComponentId) -> Option<Margin> {
        self.margin_at(topology, id, DEPTH_MAX)
    }

    fn margin_at(&self, topology: &Topology, id: &ComponentId, depth: u32) -> Option<Margin> {
        let set = self.overlaid(topology.set(id)?, self.degraded.contains(id));
        let cost = |member: &Member| self.cost(topology, member, depth);
        let mut suspects = self.suspect.clone();
        // A member that stands on something suspect is one itself.
        let plain = set.members.iter().filter(|it| {
            it.component.as_ref().is_some_and(|id| topology.set(id).is_none())
                && cost(it) == Cost::SUSPECT
        });
        suspects.extend(plain.filter_map(|it| it.component.clone()));
        let mut margin = margin(&set, &suspects, &cost);
        if self.lost.contains(id) {
            margin.r = Some(-1);
            margin.r_if = Some(-1);
        }
        Some(margin)
    }

    fn cost(&self, topology: &Topology, member: &Member, depth: u32) -> Cost {
        let Some(id) = &member.component else { return Cost::PLAIN };
        let inner = depth.checked_sub(1).and_then(|it| self.margin_at(topology, id, it));
        match inner {
            Some(inner) => {
                let plus_one = |r: Option<i32>| r.map_or(1, |it| it.saturating_add(1));
                Cost {
                    now: plus_one(inner.r),
                    if_suspects: plus_one(inner.r_if.or(inner.r)),
                    whole: plus_one(inner.r_design),
                }
            }
            None if self.suspect.contains(id) => Cost::SUSPECT,
            None => depth.checked_sub(1).map_or(Cost::PLAIN, |it| self.carried(topology, id, it)),
        }
    }

    /// What it costs to lose something by losing what it stands on: a brick on a filesystem on a disk. At most one
    /// loss, because it has a host as well, which may fail whole.
    fn carried(&self, topology: &Topology, id: &ComponentId, depth: u32) -> Cost {
        let links = topology.get(id).into_iter().flat_map(|it| &it.links);
        let below = links.filter(|it| it.relation == Relation::On).map(|it| &it.to);
        let costs = below.map(|it| {
            if self.lost.contains(it) {
                return Cost::LOST;
            }
            let deeper = depth.checked_sub(1);
            match deeper.and_then(|depth| self.margin_at(topology, it, depth)) {
                Some(margin) if margin.r.is_some_and(|r| r < 0) => Cost::LOST,
                Some(margin) if margin.r_if.is_some_and(|r| r < 0) => Cost::SUSPECT,
                Some(_) => Cost::PLAIN,
                None if self.suspect.contains(it) => Cost::SUSPECT,
                None => deeper.map_or(Cost::PLAIN, |depth| self.carried(topology, it, depth)),
            }
        });
        costs.min_by_key(|it| (it.now, it.if_suspects)).unwrap_or(Cost::PLAIN)
    }

    fn overlaid(&self, set: &Set, says_degraded: bool) -> Set {
        let mut set = set.clone();
        let is_lost = |it: &Member| it.component.as_ref().is_some_and(|id| self.lost.contains(id));
        for member in set.members.iter_mut().filter(|it| is_lost(it)) {
            if matches!(
                member.state,
                MemberState::Active | MemberState::Unknown | MemberState::Spare
            ) {
                member.state = MemberState::Failed;
            }
        }
        // The set says that something is missing and no list says what: one of the unread members is.
        let shows_loss = |it: &Member| {
            matches!(it.state, MemberState::Failed | MemberState::Missing | MemberState::Rebuilding)
        };
        if says_degraded
            && !set.members.iter().any(shows_loss)
            && let Some(member) = set.members.iter_mut().find(|it| it.state == MemberState::Unknown)
        {
            member.state = MemberState::Missing;
        }
        set
    }

    /// The worst measured effect on these components.
    pub fn impact_on<'a>(&self, ids: impl IntoIterator<Item = &'a ComponentId>) -> Option<Impact> {
        ids.into_iter().filter_map(|it| self.impact.get(it)).max().copied()
    }
}

/// The record of a set's redundancy for people and the store.
pub fn record(set: &Component, margin: &Margin) -> Redundancy {
    let name = if set.name.is_empty() { set.id.as_str() } else { &set.name };
    let scheme = set.set.as_ref().map_or("", |it| it.scheme.as_str());
    Redundancy {
        set: set.id.clone(),
        label: format!("{name} ({scheme}, {})", margin.width),
        title: set_words::label(set, margin),
        r: margin.r,
        r_if: margin.r_if,
        r_design: margin.r_design,
        spare: margin.spare,
        spares: set_words::means_of(set) == set_words::Means::Spares,
        suspects: margin.suspects.clone(),
        lost: margin.lost,
        unknown: margin.unknown,
    }
}
