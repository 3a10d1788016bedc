//! `vxprint -Aht` and `vxdisk list`: records of disk groups, disks, volumes, plexes and subdisks.
//!
//! Facts: `vxprint(1M)`, `vxdisk(1M)`, Veritas Volume Manager troubleshooting guides. A record begins with its kind in
//! small letters; the heads above them bear the same kinds in capitals. Fields are parted by blanks, an empty one is `-`.

use std::collections::BTreeMap;

/// One disk group with what it holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    /// `datadg`.
    pub(super) name: String,
    /// By disk media name.
    pub(super) disks: BTreeMap<String, Media>,
    pub(super) volumes: Vec<Volume>,
}

/// A disk as the group knows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Media {
    /// `sdb`, `emc0_01`; none if it is not there.
    pub(super) device: Option<String>,
    /// `-`, `NODEVICE`, `FAILING`, `REMOVED`, `SPARE`, …
    pub(super) state: String,
}

/// A volume.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Volume {
    pub(super) name: String,
    /// `ENABLED`, `DETACHED`, `DISABLED`.
    pub(super) kernel: String,
    /// `ACTIVE`, `CLEAN`, `SYNC`, `NEEDSYNC`, …
    pub(super) state: String,
    /// Blocks of 512 bytes.
    pub(super) length: Option<f64>,
    /// `fsgen`, `gen`, `raid5`.
    pub(super) usage: String,
    pub(super) plexes: Vec<Plex>,
}

/// A copy of a volume.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Plex {
    pub(super) name: String,
    /// `ENABLED`, `DETACHED`, `DISABLED`.
    pub(super) kernel: String,
    /// `ACTIVE`, `CLEAN`, `STALE`, `IOFAIL`, `NODEVICE`, …
    pub(super) state: String,
    /// `CONCAT`, `STRIPE`, `RAID`.
    pub(super) layout: String,
    /// `RW`, `WO` (being filled), `RO`.
    pub(super) mode: String,
    /// Columns of a stripe or RAID.
    pub(super) columns: Option<u32>,
    pub(super) parts: Vec<Part>,
}

/// A subdisk of a plex, or a volume below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    /// Disk media name, or the volume's.
    pub(super) on: String,
    /// A layered volume's.
    pub(super) is_volume: bool,
    /// Column.
    pub(super) column: u32,
    /// `ENA`, `NDEV`, `FAIL`, `RMOV`, `RLOC`, …
    pub(super) mode: String,
}

/// The groups, and lines that were not understood.
pub(super) fn print(text: &str) -> (Vec<Group>, Vec<String>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut strange = Vec::new();
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        if let Some(name) = line.strip_prefix("Disk group:") {
            groups.push(Group { name: name.trim().to_owned(), ..Group::default() });
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = words[0];
        if kind.chars().all(|it| it.is_ascii_uppercase()) || matches!(kind, "TY") {
            continue; // heads
        }
        if kind == "dg" {
            let named = words.get(1).copied().unwrap_or_default();
            if groups.last().is_none_or(|it| it.name != named && !it.disks.is_empty()) {
                groups.push(Group { name: named.to_owned(), ..Group::default() });
            }
            continue;
        }
        let understood = groups.last_mut().is_some_and(|group| record(&words, group));
        if !understood {
            strange.push(line.to_owned());
        }
    }
    (groups, strange)
}

fn record(words: &[&str], group: &mut Group) -> bool {
    let word = |place: usize| words.get(place).copied().unwrap_or_default().to_owned();
    let known = |place: usize| Some(word(place)).filter(|it| !it.is_empty() && it != "-");
    let volume = || group_volume(words);
    match words[0] {
        "dm" if words.len() >= 3 => {
            // A disk that is gone: `dm data02 - - - - NODEVICE`.
            let state = words.last().copied().unwrap_or_default().to_owned();
            group.disks.insert(word(1), Media { device: known(2), state });
            true
        }
        "v" if words.len() >= 6 => {
            group.volumes.push(volume());
            true
        }
        "pl" if words.len() >= 6 => {
            let Some(volume) = group.volumes.iter_mut().find(|it| it.name == words[2]) else {
                return words[2] == "-"; // belongs to no volume
            };
            let columns = known(7).and_then(|it| it.split('/').next()?.parse().ok());
            let mode = words.last().copied().unwrap_or_default().to_owned();
            volume.plexes.push(Plex {
                name: word(1),
                kernel: word(3),
                state: word(4),
                layout: word(6),
                mode,
                columns,
                parts: Vec::new(),
            });
            true
        }
        "sd" | "sv" if words.len() >= 7 => {
            let Some(plex) = group
                .volumes
                .iter_mut()
                .flat_map(|it| &mut it.plexes)
                .find(|it| it.name == words[2])
            else {
                return words[2] == "-";
            };
            let column = known(6).and_then(|it| it.split_once('/')?.0.parse().ok()).unwrap_or(0);
            let mode = words.last().copied().unwrap_or_default().to_owned();
            plex.parts.push(Part { on: word(3), is_volume: words[0] == "sv", column, mode });
            true
        }
        // Stores, replication links, caches, change objects: not about health of data.
        "st" | "rv" | "rl" | "co" | "vt" | "dc" | "sp" | "ex" | "sc" | "sw" | "ca" => true,
        _ => false,
    }
}

fn group_volume(words: &[&str]) -> Volume {
    let word = |place: usize| words.get(place).copied().unwrap_or_default().to_owned();
    Volume {
        name: word(1),
        kernel: word(3),
        state: word(4),
        length: words.get(5).and_then(|it| it.parse().ok()),
        usage: words.last().copied().unwrap_or_default().to_owned(),
        plexes: Vec::new(),
    }
}

/// A line of `vxdisk list`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Disk {
    /// `sdb`; none for a disk that is only remembered.
    pub(super) device: Option<String>,
    /// Disk media name, where it is in a group.
    pub(super) media: Option<String>,
    /// The group; in brackets if it is not imported here.
    pub(super) group: Option<String>,
    /// `online`, `failing`, `failed was:sdc`, `error`, …: all words of the last column.
    pub(super) status: Vec<String>,
}

/// The disks, and lines that were not understood.
pub(super) fn disks(text: &str) -> (Vec<Disk>, Vec<String>) {
    let (mut all, mut strange) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, _kind, media, group, status @ ..] = &words[..] else {
            strange.push(line.to_owned());
            continue;
        };
        if *device == "DEVICE" {
            continue;
        }
        if status.is_empty() {
            strange.push(line.to_owned());
            continue;
        }
        let known = |it: &str| Some(it.to_owned()).filter(|it| it != "-");
        all.push(Disk {
            device: known(device),
            media: known(media),
            group: known(group),
            status: status.iter().map(|it| it.to_lowercase()).collect(),
        });
    }
    (all, strange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_find_their_places() {
        let text = "Disk group: datadg\n\nDG NAME NCONFIG NLOG MINORS GROUP-ID\nV  NAME RVG KSTATE STATE LENGTH READPOL PREFPLEX UTYPE\n\n\
                    dg datadg default default 26000 1283.9.host\n\ndm d01 sdb auto 65536 2027168 -\ndm d02 - - - - NODEVICE\n\n\
                    v vol01 - ENABLED ACTIVE 204800 SELECT - fsgen\npl vol01-01 vol01 ENABLED ACTIVE 204800 CONCAT - RW\n\
                    sd d01-01 vol01-01 d01 0 204800 0 sdb ENA\npl vol01-02 vol01 DISABLED NODEVICE 204800 CONCAT - RW\n\
                    sd d02-01 vol01-02 d02 0 204800 0 - NDEV\nwhat is this\n";
        let (groups, strange) = print(text);
        assert_eq!(strange, ["what is this"]);
        let [group] = &groups[..] else { panic!("{groups:?}") };
        assert_eq!((group.disks.len(), group.disks["d02"].device.clone()), (2, None));
        let volume = &group.volumes[0];
        assert_eq!((volume.usage.as_str(), volume.plexes.len()), ("fsgen", 2));
        assert_eq!(
            (volume.plexes[1].state.as_str(), volume.plexes[1].parts[0].mode.as_str()),
            ("NODEVICE", "NDEV")
        );
        let (disks, strange) = disks(
            "DEVICE TYPE DISK GROUP STATUS\nsdb auto:cdsdisk d01 datadg online failing\n- - d02 datadg failed was:sdc\nshort\n",
        );
        assert_eq!((disks.len(), strange.len()), (2, 1));
        assert_eq!(disks[1].status, ["failed", "was:sdc"]);
    }
}
