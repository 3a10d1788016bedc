//! Logical volumes and what they are made of.
//!
//! Facts: `lvs(8)` (lv_attr), `lvmraid(7)`, `lvmthin(7)`. A volume is built of other volumes, which LVM hides and `lvs -a`
//! writes in brackets, and in the end of extents on devices. LVM marks every volume above a missing device as partial,
//! also those that a RAID below still serves: whether data are gone follows from the tree.

use std::collections::BTreeMap;

use xunjian_proto::MemberState;

use super::report::Row;

/// Volumes within volumes are followed so deep; real ones have five layers.
const DEPTH_MAX: usize = 8;

/// One logical volume.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Volume {
    /// Group's name.
    pub(super) group: String,
    /// Name without brackets.
    pub(super) name: String,
    /// Shown in brackets.
    pub(super) hidden: bool,
    /// `lv_attr`, at least empty.
    pub(super) attr: Vec<char>,
    /// `raid1`, `thin-pool`, `linear`; empty if not said.
    pub(super) segment: String,
    /// What its extents lie on: `/dev/sda1`, `data_rimage_0`, `[unknown]`.
    pub(super) devices: Vec<String>,
    /// The first row of it.
    pub(super) row: Row,
}

/// All volumes, by group and name.
#[derive(Debug, Default)]
pub(super) struct Volumes(BTreeMap<(String, String), Volume>);

impl Volumes {
    /// Puts the rows together. Rows without names are handed back.
    pub(super) fn of(rows: Vec<Row>) -> (Volumes, usize) {
        let mut all = Volumes::default();
        let mut nameless = 0;
        for row in rows {
            let (Some(group), Some(name)) = (row.word("vg_name"), row.word("lv_name")) else {
                nameless += 1;
                continue;
            };
            let plain = name.trim_start_matches('[').trim_end_matches(']').to_owned();
            let key = (group.to_owned(), plain.clone());
            let devices = row.word("devices").map(parts).unwrap_or_default();
            if let Some(known) = all.0.get_mut(&key) {
                known.devices.extend(devices);
                continue;
            }
            let volume = Volume {
                group: group.to_owned(),
                hidden: name.starts_with('['),
                name: plain,
                attr: row.word("lv_attr").unwrap_or_default().chars().collect(),
                segment: row.word("segtype").unwrap_or_default().to_owned(),
                devices,
                row,
            };
            all.0.insert(key, volume);
        }
        (all, nameless)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Volume> {
        self.0.values()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps so many, by their names.
    pub(super) fn truncate(&mut self, most: usize) {
        while self.0.len() > most {
            self.0.pop_last();
        }
    }

    /// A volume of the same group.
    pub(super) fn get(&self, of: &Volume, name: &str) -> Option<&Volume> {
        let plain = name.trim_start_matches('[').trim_end_matches(']');
        self.0.get(&(of.group.clone(), plain.to_owned()))
    }

    /// The images of a RAID or mirror, in the order of their places.
    pub(super) fn images(&self, volume: &Volume) -> Vec<(String, Option<&Volume>)> {
        let images = volume.devices.iter().filter(|it| !it.contains("_rmeta_"));
        images.map(|it| (it.clone(), self.get(volume, it))).collect()
    }

    /// How one place of a RAID is.
    pub(super) fn image_state(&self, image: Option<&Volume>, name: &str) -> MemberState {
        if is_unknown(name) {
            return MemberState::Missing;
        }
        let Some(image) = image else { return MemberState::Unknown };
        match (image.letter(0), image.letter(8)) {
            _ if self.is_gone(image, DEPTH_MAX) => MemberState::Missing,
            (_, Some('p')) => MemberState::Missing,
            // It failed for a moment and has to be brought up to date.
            (_, Some('r')) => MemberState::Failed,
            (Some('I'), _) => MemberState::Rebuilding,
            (Some(_), _) => MemberState::Active,
            (None, _) => MemberState::Unknown,
        }
    }

    /// Whether data of it lie on a device that is missing, with nothing to make up for it.
    pub(super) fn lost(&self, volume: &Volume) -> bool {
        self.is_gone(volume, DEPTH_MAX)
    }

    fn is_gone(&self, volume: &Volume, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        // A plain volume of a table without devices: its extents lie on devices, and one of them is not there.
        let plain = volume.attr.first() == Some(&'-') && volume.segment.is_empty();
        if plain && volume.devices.is_empty() && volume.letter(8) == Some('p') {
            return true;
        }
        if let Some(tolerance) = self.tolerance(volume) {
            let images = self.images(volume);
            let gone = |(name, image): &&(String, Option<&Volume>)| {
                is_unknown(name) || image.is_some_and(|it| self.is_gone(it, depth))
            };
            let gone = images.iter().filter(gone).count();
            return u32::try_from(gone).is_ok_and(|it| it > tolerance);
        }
        let pool = volume.row.word("pool_lv").map(str::to_owned);
        volume.devices.iter().chain(&pool).any(|it| {
            is_unknown(it) || self.get(volume, it).is_some_and(|it| self.is_gone(it, depth))
        })
    }

    /// Images that a redundant volume can lose, in the worst case; none for one without redundancy.
    pub(super) fn tolerance(&self, volume: &Volume) -> Option<u32> {
        let width = u32::try_from(self.images(volume).len()).ok().filter(|it| *it > 0)?;
        match volume.scheme()? {
            "raid1" => Some(width - 1),
            "raid4" | "raid5" | "raid10" => Some(1),
            "raid6" => Some(2),
            _ => None,
        }
    }
}

impl Volume {
    /// `vg0/data`.
    pub(super) fn label(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    /// A letter of lv_attr; none if it is `-` or not there.
    pub(super) fn letter(&self, place: usize) -> Option<char> {
        self.attr.get(place).copied().filter(|it| *it != '-')
    }

    /// The scheme of [`xunjian_proto::Set`], for RAID and mirrors.
    pub(super) fn scheme(&self) -> Option<&'static str> {
        let segment = self.segment.split('_').next().unwrap_or_default();
        match segment {
            "raid1" | "mirror" => Some("raid1"),
            "raid4" => Some("raid4"),
            "raid5" => Some("raid5"),
            "raid6" => Some("raid6"),
            "raid10" => Some("raid10"),
            "raid0" => Some("raid0"),
            _ => None,
        }
    }

    /// Whether it is a RAID or mirror that says that something is missing, in a table without its images.
    pub(super) fn misses_unlisted(&self) -> bool {
        self.segment.is_empty()
            && self.devices.is_empty()
            && matches!(self.letter(0), Some('r' | 'R' | 'm' | 'M'))
            && matches!(self.letter(8), Some('p' | 'r'))
    }

    /// What it is in one word: `linear`, `raid5_ls`, `thin-pool`; a snapshot of the old kind is `snapshot`, though its
    /// segments are linear.
    pub(super) fn kind(&self) -> Option<&str> {
        match self.letter(0) {
            Some('s' | 'S') => Some("snapshot"),
            Some('t') => Some("thin-pool"),
            Some('d') => Some("vdo-pool"),
            Some('V') if self.segment.is_empty() => Some("thin"),
            _ => Some(self.segment.as_str()).filter(|it| !it.is_empty()),
        }
    }

    /// Whether it holds other volumes' blocks and can run full: thin pool, VDO pool, snapshot of the old kind.
    pub(super) fn can_run_full(&self) -> bool {
        matches!(self.letter(0), Some('t' | 'd' | 's' | 'S'))
    }

    /// What LVM says is wrong with it, in one word.
    pub(super) fn health(&self, lost: bool) -> &'static str {
        let status = self.row.word("lv_health_status").unwrap_or_default().to_lowercase();
        let status = status.replace([' ', '_'], "");
        let pool = matches!(self.letter(0), Some('t' | 'd'));
        match (self.letter(4), self.letter(8)) {
            // LVM could not ask the kernel.
            (Some('X'), _) | (_, Some('X')) if !lost => "unknown",
            (Some('I' | 'S'), _) => "invalid",
            (Some('m' | 'M'), _) => "merge_failed",
            (Some('c' | 'C'), _) if pool => "check_needed",
            _ if status.starts_with("outofdata") => "out_of_data",
            (_, Some('D')) if pool => "out_of_data",
            _ if status.starts_with("metadatareadonly") => "metadata_read_only",
            (_, Some('M')) if pool => "metadata_read_only",
            (_, Some('F')) => "failed",
            _ if status.starts_with("failed") => "failed",
            _ if lost => "partial",
            (_, Some('p')) => "degraded",
            (_, Some('r')) => "refresh_needed",
            (_, Some('m')) => "mismatches",
            (Some('s'), _) => "suspended",
            (_, None | Some('w' | 'R' | 's')) => "ok",
            _ => "unknown",
        }
    }
}

/// `/dev/sda1(0),data_rimage_1(0)` without the extents.
fn parts(devices: &str) -> Vec<String> {
    let plain = |it: &str| it.rsplit_once('(').map_or(it, |(name, _)| name).trim().to_owned();
    devices.split(',').map(plain).filter(|it| !it.is_empty()).collect()
}

/// How LVM calls a device that is not there.
pub(super) fn is_unknown(name: &str) -> bool {
    name.contains("[unknown]") || name == "unknown device" || name == "unknown"
}
