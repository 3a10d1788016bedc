//! Who belongs to an array and how each one is: from sysfs where it is there, else from mdstat's letters.
//!
//! Facts: kernel document `admin-guide/md`. Invariants: a member that is being rebuilt is not active; a place that
//! nobody holds is *missing* unless a failed member explains it, so that one lost disk is never counted twice.

use xunjian_proto::{Member, MemberState};

use super::mdstat::Array;
use crate::{
    devices::{self, known, number},
    host::Host,
};

/// A member with what sysfs says beyond its state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// The member for the set; none for a journal device, which holds no place.
    pub(super) member: Member,
    /// Read errors that were corrected and did not evict it.
    pub(super) errors: Option<f64>,
    /// Known bad ranges.
    pub(super) bad_blocks: Option<f64>,
    /// Marks of a suspect: `write_error`, `want_replacement`, `blocked`.
    pub(super) marks: Vec<String>,
}

/// All members of a running array, gaps included.
pub(super) fn of(host: &dyn Host, array: &Array, width: u32) -> Vec<Part> {
    let before = host.kept_back();
    let mut parts = from_sysfs(host, array);
    // A member whose state or place was kept would look like a place that nobody holds.
    if parts.is_empty() || host.kept_back() > before {
        parts = from_mdstat(host, array, width);
    }
    if array.state == "inactive" {
        // It does not run: the letters of its devices (all are called spares) say nothing.
        for part in &mut parts {
            part.member.state = MemberState::Unknown;
        }
        return parts;
    }
    add_gaps(&mut parts, width);
    parts
}

fn from_sysfs(host: &dyn Host, array: &Array) -> Vec<Part> {
    let dir = format!("sys/block/{}/md", array.name);
    let names = host.list(&dir).unwrap_or_default();
    names.iter().filter_map(|name| part(host, &dir, name.strip_prefix("dev-")?)).collect()
}

/// What a member's state is made of.
const WORDS: [&str; 12] = [
    "blocked",
    "external_bbl",
    "failfast",
    "faulty",
    "in_sync",
    "journal",
    "none",
    "replacement",
    "spare",
    "want_replacement",
    "write_error",
    "writemostly",
];

fn part(host: &dyn Host, dir: &str, name: &str) -> Option<Part> {
    let of_kernel = |it: &str| {
        let known = it.split(',').all(|it| WORDS.contains(&it.trim()));
        known.then(|| it.to_owned())
    };
    let state = known(host, &format!("{dir}/dev-{name}/state"), of_kernel)?;
    let words: Vec<&str> = state.split(',').map(str::trim).collect();
    let has = |it: &str| words.contains(&it);
    if has("journal") {
        return None;
    }
    let place = |it: &str| if it == "none" { Some(None) } else { it.parse().ok().map(Some) };
    let slot: Option<u32> = known(host, &format!("{dir}/dev-{name}/slot"), place).flatten();
    let (state, slot) = if has("faulty") {
        (MemberState::Failed, slot)
    } else if has("replacement") {
        (MemberState::Spare, None)
    } else if has("in_sync") {
        (MemberState::Active, slot)
    } else if has("spare") && slot.is_some() {
        (MemberState::Rebuilding, slot)
    } else if has("spare") {
        (MemberState::Spare, None)
    } else {
        (MemberState::Unknown, slot)
    };
    let suspect = ["write_error", "want_replacement", "blocked"];
    let marks = words.iter().filter(|it| suspect.contains(it)).map(|it| (*it).to_owned()).collect();
    let bad_blocks = host.read(&format!("{dir}/dev-{name}/bad_blocks")).ok().and_then(|text| {
        let ranges: Vec<&str> = text.lines().filter(|it| !it.trim().is_empty()).collect();
        let range = |it: &&str| it.split_whitespace().all(|it| it.parse::<u64>().is_ok());
        if !ranges.iter().all(range) {
            host.misread(&format!("/{dir}/dev-{name}/bad_blocks"), &text);
            return None;
        }
        Some(count(ranges.len()))
    });
    Some(Part {
        member: member(host, name, slot, state),
        errors: number(host, &format!("{dir}/dev-{name}/errors")),
        bad_blocks,
        marks,
    })
}

fn from_mdstat(host: &dyn Host, array: &Array, width: u32) -> Vec<Part> {
    let map: Vec<char> = array.map.as_deref().unwrap_or_default().chars().collect();
    let in_sync = |slot: u32| map.get(slot as usize).is_none_or(|it| *it == 'U');
    let mut free: Vec<u32> = (0..width).collect();
    let mut take = |slot: u32| {
        let found = free.iter().position(|it| *it == slot);
        found.map(|at| free.remove(at))
    };
    let mut devices: Vec<_> = array.devices.iter().filter(|it| !it.flags.contains('J')).collect();
    devices.sort_by_key(|it| it.number);
    let mut parts = Vec::new();
    let mut rest = Vec::new();
    for device in devices {
        let flag = |it: char| device.flags.contains(it);
        if flag('F') {
            parts.push((device, None, MemberState::Failed));
        } else if flag('?') {
            rest.push(device);
        } else if flag('S') || flag('R') {
            parts.push((device, None, MemberState::Spare));
        } else if device.number < width && in_sync(device.number) && take(device.number).is_some() {
            parts.push((device, Some(device.number), MemberState::Active));
        } else {
            rest.push(device);
        }
    }
    // Members that came later bear higher numbers: they hold the places that are left, in sync ones first.
    for device in rest {
        let in_sync_slot = free.iter().copied().find(|slot| in_sync(*slot));
        let (slot, state) = match in_sync_slot {
            _ if device.flags.contains('?') => (free.first().copied(), MemberState::Unknown),
            Some(slot) => (Some(slot), MemberState::Active),
            None => (free.first().copied(), MemberState::Rebuilding),
        };
        free.retain(|it| Some(*it) != slot);
        parts.push((device, slot, state));
    }
    let part = |(device, slot, state): (&super::mdstat::Device, _, _)| Part {
        member: member(host, &device.name, slot, state),
        errors: None,
        bad_blocks: None,
        marks: Vec::new(),
    };
    parts.into_iter().map(part).collect()
}

fn member(host: &dyn Host, name: &str, slot: Option<u32>, state: MemberState) -> Member {
    let component = devices::stands_on(host, name).into_iter().next();
    Member { slot, component, name: name.to_owned(), state }
}

fn add_gaps(parts: &mut Vec<Part>, width: u32) {
    // A failed member keeps its place's number only while nobody else holds it.
    let holds =
        |it: &Part| matches!(it.member.state, MemberState::Active | MemberState::Rebuilding);
    let held: Vec<u32> =
        parts.iter().filter(|it| holds(it)).filter_map(|it| it.member.slot).collect();
    let lost = |it: &&mut Part| it.member.state == MemberState::Failed;
    for part in parts.iter_mut().filter(lost) {
        part.member.slot = part.member.slot.filter(|slot| !held.contains(slot));
    }
    let taken: Vec<u32> = parts.iter().filter_map(|it| it.member.slot).collect();
    let mut gaps: Vec<u32> = (0..width).filter(|slot| !taken.contains(slot)).collect();
    // Failed members without a place explain as many gaps.
    for part in parts.iter_mut().filter(lost).filter(|it| it.member.slot.is_none()) {
        if gaps.is_empty() {
            break;
        }
        part.member.slot = Some(gaps.remove(0));
    }
    for slot in gaps {
        let name = format!("slot {slot}");
        let member =
            Member { slot: Some(slot), component: None, name, state: MemberState::Missing };
        parts.push(Part { member, errors: None, bad_blocks: None, marks: Vec::new() });
    }
    parts.sort_by_key(|it| (it.member.slot.unwrap_or(u32::MAX), it.member.name.clone()));
}

#[expect(clippy::cast_precision_loss, reason = "a count of lines is far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}
