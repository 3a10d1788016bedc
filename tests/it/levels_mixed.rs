//! What must hold for sets of every make: members of mixed states, of one member only, failing spares, arrays of arrays,
//! members that two sets share, a rebuild beside suspects.

use std::collections::BTreeSet;

use proptest::prelude::*;
use xunjian_collector::{classify::Decision, contract::Contract, evaluate::Fact};
use xunjian_proto::{Component, ComponentId, Member, MemberState, Set};
use xunjian_rules::EvidenceKind;

use crate::{
    classify_kit::{component, disk, fact, t0},
    levels::{decided, level},
};

const SCHEMES: &[&str] = &[
    "raid0",
    "raid1",
    "raid5",
    "raid6",
    "raid10",
    "raidz1",
    "raidz2",
    "raidz3",
    "mirror",
    "raid50:2",
    "raid60:2",
    "erasure:2+1",
    "replica:2",
    "replica:1",
    "n_of_m:2",
    "quorum",
    "multipath",
    "array",
];

const STATES: &[MemberState] = &[
    MemberState::Active,
    MemberState::Active,
    MemberState::Active,
    MemberState::Failed,
    MemberState::Missing,
    MemberState::Rebuilding,
    MemberState::Unknown,
    MemberState::Spare,
];

/// One set: its scheme, its members' disks and states, whether they have numbered places.
#[derive(Debug, Clone)]
struct Made {
    scheme: &'static str,
    members: Vec<(usize, MemberState)>,
    slots: bool,
}

/// One or two sets, perhaps striped together; suspect disks; hours since the facts began.
#[derive(Debug, Clone)]
struct Hosted {
    sets: Vec<Made>,
    /// `raid0` over all of them (RAID 50 of separate arrays) instead of a filesystem each.
    striped: bool,
    suspects: BTreeSet<usize>,
    hours: i64,
}

impl Hosted {
    fn set(&self, index: usize) -> Component {
        let made = &self.sets[index];
        let serves = |it: &&(usize, MemberState)| it.1 != MemberState::Spare;
        let width = u32::try_from(made.members.iter().filter(serves).count()).unwrap();
        let mut slot = 0;
        let members = made.members.iter().map(|(number, state)| {
            let placed = *state != MemberState::Spare;
            let place = (made.slots && placed).then_some(slot);
            slot += u32::from(placed);
            Member {
                slot: place,
                component: Some(disk(*number)),
                name: format!("sd{number}"),
                state: *state,
            }
        });
        let copies = if made.scheme == "raid10" { 2 } else { 1 };
        let members = members.collect();
        let set = Set { scheme: made.scheme.to_owned(), width, copies, members };
        let id = ComponentId::new("md", &format!("md{index}"));
        Component { set: Some(set), ..component(id, &format!("md{index}"), &[]) }
    }

    fn components(&self) -> Vec<Component> {
        let sets: Vec<Component> = (0..self.sets.len()).map(|it| self.set(it)).collect();
        let ids: Vec<ComponentId> = sets.iter().map(|it| it.id.clone()).collect();
        let numbers: BTreeSet<usize> =
            self.sets.iter().flat_map(|it| &it.members).map(|it| it.0).collect();
        let mut all: Vec<Component> =
            numbers.into_iter().map(|it| component(disk(it), &format!("sd{it}"), &[])).collect();
        all.extend(sets);
        if !self.striped {
            for (index, id) in ids.iter().enumerate() {
                let point = format!("/data{index}");
                let filesystem = ComponentId::new("filesystem", &point);
                all.push(component(filesystem, &point, std::slice::from_ref(id)));
            }
            return all;
        }
        let stripe = ComponentId::new("md", "stripe");
        let member = |(index, id): (usize, &ComponentId)| Member {
            slot: u32::try_from(index).ok(),
            component: Some(id.clone()),
            name: id.key().to_owned(),
            state: MemberState::Active,
        };
        let set = Set {
            scheme: "raid0".to_owned(),
            width: u32::try_from(ids.len()).unwrap(),
            copies: 1,
            members: ids.iter().enumerate().map(member).collect(),
        };
        all.push(Component { set: Some(set), ..component(stripe.clone(), "stripe", &[]) });
        let filesystem = ComponentId::new("filesystem", "/data");
        all.push(component(filesystem, "/data", std::slice::from_ref(&stripe)));
        all
    }

    /// What the rules would say: sets that are not whole, and the suspects.
    fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (index, made) in self.sets.iter().enumerate() {
            use MemberState::{Failed, Missing, Rebuilding};
            if made.members.iter().any(|it| matches!(it.1, Failed | Missing | Rebuilding)) {
                let id = ComponentId::new("md", &format!("md{index}"));
                facts.push(fact("set-degraded", "redundancy", EvidenceKind::Latent, &id, t0()));
            }
        }
        for number in &self.suspects {
            let id = disk(*number);
            facts.push(fact("disk-prefail", "media", EvidenceKind::Suspect, &id, t0()));
        }
        facts
    }

    fn decide(&self) -> Option<Decision> {
        let facts = self.facts();
        let contract = Contract::default();
        (!facts.is_empty()).then(|| decided(self.components(), &facts, &contract, None, self.hours))
    }

    /// The places that match, as (set, member).
    fn places(&self, wanted: MemberState) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (set, made) in self.sets.iter().enumerate() {
            let states = made.members.iter().enumerate();
            found.extend(states.filter(|it| it.1.1 == wanted).map(|it| (set, it.0)));
        }
        found
    }

    /// The same with one member in another state.
    fn with(&self, (set, member): (usize, usize), state: MemberState) -> Hosted {
        let mut other = self.clone();
        other.sets[set].members[member].1 = state;
        other
    }
}

fn any_made() -> impl Strategy<Value = Made> {
    let member = (0..9usize, proptest::sample::select(STATES.to_vec()));
    (
        proptest::sample::select(SCHEMES.to_vec()),
        proptest::collection::vec(member, 1..7),
        any::<bool>(),
    )
        .prop_map(|(scheme, mut members, slots)| {
            let mut seen = BTreeSet::new();
            members.retain(|it| seen.insert(it.0));
            if members.iter().all(|it| it.1 == MemberState::Spare) {
                members[0].1 = MemberState::Active;
            }
            Made { scheme, members, slots }
        })
}

fn any_host() -> impl Strategy<Value = Hosted> {
    let sets = proptest::collection::vec(any_made(), 1..3);
    let suspects = proptest::collection::btree_set(0..9usize, 0..3);
    (sets, any::<bool>(), suspects, 0..50i64).prop_map(|(sets, striped, suspects, hours)| Hosted {
        sets,
        striped,
        suspects,
        hours,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 50_000, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn one_more_lost_is_never_milder(host in any_host(), pick in any::<prop::sample::Index>(), gone in any::<bool>()) {
        let serving = host.places(MemberState::Active);
        prop_assume!(!serving.is_empty());
        let state = if gone { MemberState::Missing } else { MemberState::Failed };
        let worse = host.with(serving[pick.index(serving.len())], state);
        if let Some(before) = host.decide() {
            let after = worse.decide().unwrap();
            prop_assert!(level(&after) <= level(&before), "{host:#?}\n{before:#?}\n{worse:#?}\n{after:#?}");
        }
    }

    #[test]
    fn one_more_suspect_is_never_milder(host in any_host(), number in 0..9usize) {
        let mut worse = host.clone();
        worse.suspects.insert(number);
        if let Some(before) = host.decide() {
            let after = worse.decide().unwrap();
            prop_assert!(level(&after) <= level(&before), "{host:#?}\n{before:#?}\n{worse:#?}\n{after:#?}");
        }
    }

    #[test]
    fn one_more_spare_is_never_graver(host in any_host(), pick in any::<prop::sample::Index>()) {
        let mut better = host.clone();
        let set = pick.index(better.sets.len());
        better.sets[set].members.push((20, MemberState::Spare));
        if let Some(before) = host.decide() {
            let after = better.decide().unwrap();
            prop_assert!(level(&after) >= level(&before), "{host:#?}\n{before:#?}\n{after:#?}");
        }
    }

    /// A member that is read and serves is the best that can be known of it.
    #[test]
    fn a_member_that_turns_out_to_serve_is_never_graver(host in any_host(), pick in any::<prop::sample::Index>()) {
        let unread = host.places(MemberState::Unknown);
        prop_assume!(!unread.is_empty());
        let place = unread[pick.index(unread.len())];
        let number = host.sets[place.0].members[place.1].0;
        // A suspect of which is read that it serves counts; one that was not read cannot.
        prop_assume!(!host.suspects.contains(&number));
        let known = host.with(place, MemberState::Active);
        let all_unread = |it: &Made| it.members.iter().all(|it| matches!(it.1, MemberState::Unknown | MemberState::Spare));
        prop_assume!(!host.sets.iter().any(all_unread));
        if let (Some(before), Some(after)) = (host.decide(), known.decide()) {
            prop_assert!(level(&after) >= level(&before), "{host:#?}\n{before:#?}\n{after:#?}");
        }
    }

    /// A rebuild that has ended is never graver than one that runs.
    #[test]
    fn a_finished_rebuild_is_never_graver(host in any_host(), pick in any::<prop::sample::Index>()) {
        let running = host.places(MemberState::Rebuilding);
        prop_assume!(!running.is_empty());
        let place = running[pick.index(running.len())];
        let number = host.sets[place.0].members[place.1].0;
        prop_assume!(!host.suspects.contains(&number));
        let done = host.with(place, MemberState::Active);
        if let (Some(before), Some(after)) = (host.decide(), done.decide()) {
            prop_assert!(level(&after) >= level(&before), "{host:#?}\n{before:#?}\n{after:#?}");
        }
    }

    #[test]
    fn the_order_of_members_and_facts_does_not_matter(host in any_host(), by in 0..7usize) {
        let mut facts = host.facts();
        prop_assume!(!facts.is_empty());
        let contract = Contract::default();
        let forward = decided(host.components(), &facts, &contract, None, host.hours);
        let mut components = host.components();
        for set in components.iter_mut().filter_map(|it| it.set.as_mut()) {
            // Where places are numbered, the list says nothing; where they are not, legs follow the list.
            if set.members.iter().all(|it| it.slot.is_some()) {
                set.members.reverse();
            }
        }
        components.rotate_left(by % host.sets.len());
        let turn = by % facts.len();
        facts.rotate_left(turn);
        let other = decided(components, &facts, &contract, None, host.hours);
        prop_assert_eq!((level(&forward), forward.redundancy.iter().map(|it| (it.r, it.r_if)).collect::<Vec<_>>()),
            (level(&other), other.redundancy.iter().map(|it| (it.r, it.r_if)).collect::<Vec<_>>()));
    }
}
