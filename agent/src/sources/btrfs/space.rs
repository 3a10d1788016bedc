//! How the space of a Btrfs is allocated: block groups of data, metadata and system, each in a profile.
//!
//! Facts: kernel `fs/btrfs/sysfs.c` (allocation/), `mkfs.btrfs(8)` for the profiles: raid1 keeps two copies on any two of
//! the devices, however many there are; raid1c3 and raid1c4 three and four; raid10 two.

use std::collections::BTreeMap;

use crate::{devices, host::Host};

/// One kind of block groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Groups {
    /// Bytes allocated, copies not counted.
    pub(super) total: Option<f64>,
    /// Bytes in use.
    pub(super) used: Option<f64>,
    /// Bytes allocated on the devices.
    pub(super) on_disk: Option<f64>,
    /// Profiles that have block groups now; several while a balance converts them.
    pub(super) profiles: Vec<String>,
}

impl Groups {
    /// Of profiles that could not all be read nothing is said.
    pub(super) fn forget_profiles(&mut self) {
        self.profiles.clear();
        self.on_disk = None;
    }
}

const KINDS: [&str; 4] = ["data", "metadata", "mixed", "system"];

const PROFILES: [&str; 9] =
    ["single", "dup", "raid0", "raid1", "raid1c3", "raid1c4", "raid10", "raid5", "raid6"];

/// Block groups by kind, and profiles that are not known.
pub(super) fn of(host: &dyn Host, dir: &str) -> (BTreeMap<&'static str, Groups>, Vec<String>) {
    let (mut all, mut strange) = (BTreeMap::new(), Vec::new());
    let names = host.list(&format!("{dir}/allocation")).unwrap_or_default();
    for kind in KINDS.into_iter().filter(|kind| names.iter().any(|it| it == kind)) {
        let base = format!("{dir}/allocation/{kind}");
        let number = |file: &str| devices::number::<f64>(host, &format!("{base}/{file}"));
        let mut groups = Groups {
            total: number("total_bytes"),
            used: number("bytes_used"),
            on_disk: number("disk_total"),
            profiles: Vec::new(),
        };
        for name in host.list(&base).unwrap_or_default() {
            let known = PROFILES.contains(&name.as_str());
            if !known && !name.starts_with("raid") {
                continue; // a file, not a profile
            }
            if !known {
                strange.push(name);
            } else if number(&format!("{name}/total_bytes")).is_some_and(|it| it > 0.0) {
                groups.profiles.push(name);
            }
        }
        all.insert(kind, groups);
    }
    (all, strange)
}

/// Devices that a profile survives the loss of.
pub(super) fn tolerance(profile: &str) -> u32 {
    match profile {
        "raid1" | "raid10" | "raid5" => 1,
        "raid1c3" | "raid6" => 2,
        "raid1c4" => 3,
        _ => 0,
    }
}

/// The profile that gives way first, of all kinds of block groups.
pub(super) fn weakest(all: &BTreeMap<&'static str, Groups>) -> Option<String> {
    let profiles = all.values().flat_map(|it| &it.profiles);
    profiles.min_by_key(|it| (tolerance(it), (*it).clone())).cloned()
}

/// Scheme and copies of a profile on so many devices, in words of sets.
pub(super) fn scheme(profile: &str, width: u32) -> (String, u32) {
    let copies = tolerance(profile) + 1;
    match profile {
        "raid5" | "raid6" => (profile.to_owned(), 1),
        "single" | "dup" | "raid0" if width > 1 => ("raid0".to_owned(), 1),
        "single" | "dup" | "raid0" => ("single".to_owned(), 1),
        _ if copies >= width => ("raid1".to_owned(), width),
        // Any two of the devices hold the copies of some block.
        _ => (format!("replica:1/{copies}"), copies),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weakest_profile_counts() {
        let groups = |profiles: &[&str]| Groups {
            profiles: profiles.iter().map(|it| (*it).to_owned()).collect(),
            ..Groups::default()
        };
        let all =
            BTreeMap::from([("data", groups(&["raid5"])), ("metadata", groups(&["raid1c3"]))]);
        assert_eq!(weakest(&all), Some("raid5".to_owned()));
        let all = BTreeMap::from([
            ("data", groups(&["raid1", "single"])),
            ("metadata", groups(&["raid1"])),
        ]);
        assert_eq!(weakest(&all), Some("single".to_owned()));
        assert_eq!(scheme("raid1", 2), ("raid1".to_owned(), 2));
        assert_eq!(scheme("raid10", 6), ("replica:1/2".to_owned(), 2));
        assert_eq!(scheme("dup", 1), ("single".to_owned(), 1));
    }
}
