//! Physical disks of native RAID.
//!
//! Facts: IBM Storage Scale RAID administration, "Pdisk states". The state is several words at once; the worst counts.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Member, MemberState, Reason};

use super::{
    super::{metrics, table::Row},
    ARRAY, Array, GROUP, PDISK, STATE,
};
use crate::{devices, source::Collect};

/// How a pdisk is for its array. The state is a list of words: `failing/noPath`, `dead/systemDrain`.
fn condition(state: &str) -> Option<(MemberState, &'static str)> {
    let words: Vec<String> =
        state.split(['/', ',', ' ']).map(str::to_lowercase).filter(|it| !it.is_empty()).collect();
    let any = |of: &[&str]| words.iter().any(|it| of.contains(&it.as_str()));
    let known = words.iter().all(|it| KNOWN.contains(&it.as_str()));
    if any(&["dead", "simulateddead"]) {
        Some((MemberState::Failed, "lost"))
    } else if any(&["missing", "nopath", "nodata", "norgd"]) {
        Some((MemberState::Missing, "lost"))
    } else if any(&["failing", "readonly", "slow", "vwce", "replace", "simulatedfailing"]) {
        Some((MemberState::Active, "suspect"))
    } else if known
        && any(&[
            "ok",
            "diagnosing",
            "suspended",
            "systemdrain",
            "servicedrain",
            "ptow",
            "init",
            "formatting",
            "undrainable",
            "draining",
        ])
    {
        // The disk hospital looks at it, or somebody works on it.
        Some((MemberState::Active, "ok"))
    } else {
        None
    }
}

const KNOWN: &[&str] = &[
    "ok",
    "dead",
    "simulateddead",
    "failing",
    "simulatedfailing",
    "readonly",
    "slow",
    "vwce",
    "missing",
    "nopath",
    "nodata",
    "norgd",
    "novcd",
    "suspended",
    "diagnosing",
    "ptow",
    "init",
    "formatting",
    "systemdrain",
    "servicedrain",
    "draining",
    "undrainable",
    "replace",
];

/// Emits one, and adds it to its array.
pub(super) fn pdisk(
    c: &mut Collect<'_>,
    row: &Row<'_>,
    arrays: &mut BTreeMap<(String, String), Array>,
    words: &mut String,
) {
    let Some(name) = row.get(PDISK) else { return };
    let group = row.get(GROUP).filter(|it| *it != name).unwrap_or_default();
    let array = row.get(ARRAY).unwrap_or_default();
    let id = disk_id(row, group, name);
    let said = row.get(STATE).unwrap_or("unknown");
    let (state, word) = condition(said).unwrap_or((MemberState::Unknown, "unknown"));
    if word == "unknown" {
        let text: String = said.chars().take(60).collect();
        c.problem(
            Reason::Unparsable,
            Some(&id),
            format!("state of pdisk {name} not understood: {text:?}"),
        );
    }
    pdisk_component(c, row, &id, name);
    c.state(&metrics::PDISK, &id, if word == "unknown" { "unknown" } else { said });
    words.push_str(&format!("{group} {array} {name} {said}\n"));
    for (column, kind) in [
        ("checksumErrors", "checksum"),
        ("IOErrors", "io"),
        ("mediaErrors", "media"),
        ("pathErrors", "path"),
        ("IOTimeouts", "timeout"),
    ] {
        if let Some(count) = row.number(&[column]) {
            c.sample_with(&metrics::PDISK_ERRORS, &id, &[("error.type", kind)], count);
        }
    }
    for (metric, columns) in [
        (&metrics::PDISK_PATHS, ["activePaths", "nActivePaths", "nPathsActive"]),
        (&metrics::PDISK_PATHS_ALL, ["totalPaths", "nTotalPaths", "nPathsTotal"]),
    ] {
        if let Some(count) = row.number(&columns) {
            c.sample(metric, &id, count);
        }
    }
    if let Some(speed) = row.number(&["relativePerformance"]) {
        c.sample(&metrics::PDISK_PERFORMANCE, &id, speed);
    }
    if let Some(percent) = row.number(&["ssdEndurancePercentage"]) {
        c.sample(&metrics::PDISK_ENDURANCE, &id, percent / 100.0);
    }
    if !array.is_empty() {
        let of = arrays.entry((group.to_owned(), array.to_owned())).or_default();
        of.members.push(Member { slot: None, component: Some(id), name: name.to_owned(), state });
    }
}

/// A pdisk is the physical drive: its serial number stands at the end of `hardware`, else its WWN is known.
fn disk_id(row: &Row<'_>, group: &str, name: &str) -> ComponentId {
    let hardware: Vec<&str> =
        row.get(&["hardware"]).unwrap_or_default().split_whitespace().collect();
    let serial = hardware.last().filter(|it| hardware.len() >= 3 && it.len() >= 6);
    let wwn = row.get(&["WWN"]);
    let identity = devices::disk_identity(serial.copied(), wwn, &format!("{group}/{name}"));
    identity.id
}

fn pdisk_component(c: &mut Collect<'_>, row: &Row<'_>, id: &ComponentId, name: &str) {
    let mut attrs = BTreeMap::new();
    for (column, attr) in [
        ("fru", "hw.part_number"),
        ("location", "hw.slot"),
        ("userLocation", "hw.location"),
        ("WWN", "hw.wwn"),
    ] {
        if let Some(value) = row.get(&[column]) {
            attrs.insert(attr.to_owned(), value.to_owned());
        }
    }
    let hardware: Vec<&str> =
        row.get(&["hardware"]).unwrap_or_default().split_whitespace().collect();
    if let [vendor, model, firmware, serial] = &hardware[..] {
        attrs.insert("hw.vendor".to_owned(), (*vendor).to_owned());
        attrs.insert("hw.model".to_owned(), (*model).to_owned());
        attrs.insert("hw.firmware_version".to_owned(), (*firmware).to_owned());
        attrs.insert("hw.serial_number".to_owned(), (*serial).to_owned());
    }
    if id.key().contains('/') {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    let (id, name) = (id.clone(), name.to_owned());
    c.component(Component { id, name, attrs, links: Vec::new(), set: None });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_pdisk_are_taken_together() {
        assert_eq!(condition("ok"), Some((MemberState::Active, "ok")));
        assert_eq!(condition("dead/systemDrain/noRGD/replace").map(|it| it.1), Some("lost"));
        assert_eq!(condition("failing/replace").map(|it| it.1), Some("suspect"));
        assert_eq!(condition("ok/diagnosing").map(|it| it.1), Some("ok"));
        assert_eq!(condition("sleeping"), None);
    }
}
