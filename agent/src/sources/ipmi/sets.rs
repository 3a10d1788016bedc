//! Power supplies and fans as sets that protect each other.
//!
//! How many are needed is told by nobody directly. It follows from what the redundancy sensor says about those that are
//! lost; without one, two power supplies are taken as one and a spare, and more as one more than needed. Of fans
//! without a redundancy sensor nothing is assumed.

use std::collections::BTreeSet;

use xunjian_proto::{Component, ComponentId, Member, MemberState, Set};

use super::{
    meaning::Redundancy,
    parts::{Part, SUPPLY},
};

/// What the administrator of the host knows better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Expected {
    /// How many there should be.
    pub(super) count: Option<u32>,
    /// How many it takes.
    pub(super) needed: Option<u32>,
}

/// A set with what its redundancy sensors say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Protected {
    pub(super) component: Component,
    pub(super) redundancy: Option<Redundancy>,
}

/// Kinds of sets: the set's, its members', the sensor types that speak of it, and its name.
const KINDS: [(&str, &str, &[u8], &str); 2] =
    [("power", "psu", &[0x08, 0x09], "PSU"), ("cooling", "fan", &[0x04, 0x0a], "FAN")];

/// Whether another sensor of the same power supply says that it failed: some boards give each fault its own sensor.
fn says_failed(part: &Part, parts: &[Part]) -> bool {
    let reading = &part.reading;
    let companion = |it: &&Part| {
        it.id != part.id
            && part.id.kind() == "psu"
            && it.id.kind() == "sensor"
            && it.reading.kind() == Some(0x08)
            && it.reading.value.is_none()
            && reading.entity.is_some()
            && it.reading.entity == reading.entity
    };
    parts.iter().filter(companion).any(|it| matches!(it.status, Some("failed" | "no_input")))
}

/// Whether a redundancy sensor speaks of one of these sets.
pub(super) fn speaks_of(part: &Part) -> bool {
    let kind = part.reading.kind();
    KINDS.iter().any(|(_, _, types, _)| kind.is_some_and(|it| types.contains(&it)))
}

/// The sets of a chassis.
pub(super) fn of(
    parts: &[Part],
    seen: &BTreeSet<String>,
    expected: [Expected; 2],
) -> Vec<Protected> {
    let sets = KINDS.iter().zip(expected);
    sets.filter_map(|((set, member, types, name), expected)| {
        let speaks = |it: &&Part| it.reading.kind().is_some_and(|it| types.contains(&it));
        let redundancy = parts.iter().filter(speaks).filter_map(|it| it.redundancy).max();
        let members = parts
            .iter()
            .filter(|it| it.id.kind() == *member)
            // A power supply's own fan does not cool the chassis.
            .filter(|it| *member == "psu" || it.reading.entity.is_none_or(|it| it.0 != SUPPLY))
            .filter_map(|part| {
                let state = part.member(seen.contains(part.id.as_str()))?;
                let state = if says_failed(part, parts) { MemberState::Failed } else { state };
                let (component, name) = (Some(part.id.clone()), part.name.clone());
                Some(Member { slot: None, component, name, state })
            })
            .collect();
        let set_of = protect(members, redundancy, expected, *set == "power")?;
        let component = Component {
            id: ComponentId::new(set, "chassis"),
            name: (*name).to_owned(),
            attrs: std::collections::BTreeMap::new(),
            links: Vec::new(),
            set: Some(set_of),
        };
        Some(Protected { component, redundancy })
    })
    .collect()
}

fn protect(
    mut members: Vec<Member>,
    redundancy: Option<Redundancy>,
    expected: Expected,
    power: bool,
) -> Option<Set> {
    // What is gone and not expected any more is no gap.
    if let Some(count) = expected.count {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        while members.len() > count
            && let Some(at) = members.iter().position(|it| it.state == MemberState::Missing)
        {
            members.remove(at);
        }
        while members.len() < count.min(MEMBERS_MAX) {
            members.push(gap());
        }
    }
    let speaks = redundancy.is_some_and(|it| it != Redundancy::Single);
    if members.len() < 2 && expected.count.map_or(!speaks, |it| it < 2) {
        return None; // single by design
    }
    let lost = |members: &[Member]| {
        members
            .iter()
            .filter(|it| matches!(it.state, MemberState::Failed | MemberState::Missing))
            .count()
    };
    // A loss that no member explains: something that was never seen is missing.
    let unexplained = matches!(redundancy, Some(Redundancy::Lost | Redundancy::Insufficient))
        && lost(&members) == 0
        && members.iter().all(|it| it.state == MemberState::Active);
    if unexplained {
        members.push(gap());
    }
    // A redundancy sensor alone: two at least, of which nothing else is known.
    let (width, lost) = (members.len().max(2), lost(&members));
    let left = width - lost;
    let by_design = if power || redundancy.is_some() { Some(width - 1) } else { None };
    let needed = match (expected.needed, redundancy) {
        (Some(needed), _) => Some(usize::try_from(needed).unwrap_or(width)),
        (None, Some(Redundancy::Insufficient)) => Some(left + 1),
        (None, Some(Redundancy::Lost | Redundancy::Single)) => Some(left),
        (None, Some(Redundancy::Full | Redundancy::Degraded)) if lost > 0 => {
            Some(left - left.min(1))
        }
        (None, _) => by_design,
    };
    let scheme = match needed {
        Some(needed) => format!("n_of_m:{}", needed.clamp(1, width)),
        None => "n_of_m".to_owned(),
    };
    let width = u32::try_from(width).unwrap_or(u32::MAX);
    Some(Set { scheme, width, copies: 1, members })
}

/// More members than any chassis has; keeps a hostile option from costing memory.
const MEMBERS_MAX: usize = 256;

fn gap() -> Member {
    Member {
        slot: None,
        component: None,
        name: "not present".to_owned(),
        state: MemberState::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(states: &[MemberState]) -> Vec<Member> {
        let member = |(at, state): (usize, &MemberState)| Member {
            slot: None,
            component: Some(ComponentId::new("psu", &format!("10.{at}"))),
            name: format!("PSU{at}"),
            state: *state,
        };
        states.iter().enumerate().map(member).collect()
    }

    fn scheme(states: &[MemberState], redundancy: Option<Redundancy>) -> Option<(String, u32)> {
        let set = protect(members(states), redundancy, Expected::default(), true)?;
        Some((set.scheme, set.width))
    }

    #[test]
    fn what_is_needed_follows_from_what_the_redundancy_sensor_says() {
        use MemberState::{Active, Failed};
        let of = |needed: &str, width| Some((format!("n_of_m:{needed}"), width));
        assert_eq!(scheme(&[Active], None), None);
        assert_eq!(scheme(&[Active], Some(Redundancy::Single)), None);
        assert_eq!(scheme(&[], Some(Redundancy::Full)), of("1", 2));
        assert_eq!(scheme(&[Active, Active], None), of("1", 2));
        assert_eq!(scheme(&[Active, Failed], Some(Redundancy::Lost)), of("1", 2));
        // Two of four are lost and all is still redundant: one would do.
        let four = [Active, Active, Failed, Failed];
        assert_eq!(scheme(&four, Some(Redundancy::Full)), of("1", 4));
        assert_eq!(scheme(&four, Some(Redundancy::Lost)), of("2", 4));
        assert_eq!(scheme(&four, Some(Redundancy::Insufficient)), of("3", 4));
        // Nothing that is known is lost: the one that is was never seen.
        assert_eq!(scheme(&[Active, Active], Some(Redundancy::Lost)), of("2", 3));
    }

    #[test]
    fn what_the_administrator_expects_counts() {
        let expected = Expected { count: Some(2), needed: Some(1) };
        let set = protect(members(&[MemberState::Active]), None, expected, true).unwrap();
        assert_eq!((set.scheme.as_str(), set.width), ("n_of_m:1", 2));
        let one = Expected { count: Some(1), needed: None };
        let states = [MemberState::Active, MemberState::Missing];
        assert_eq!(protect(members(&states), None, one, true), None);
    }
}
