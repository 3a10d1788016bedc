//! What device-mapper says of its targets, line by line.
//!
//! Facts: kernel documents `device-mapper/vdo`, `thin-provisioning`, `dm-raid`, `snapshot`, `cache`, `dm-integrity`,
//! `writecache` and the status functions of `dm-mpath` and `dm-snap`. `dmsetup status` prints `NAME: START LENGTH TARGET
//! ARGS`; a name may hold blanks and colons are followed by a blank only at its end.

use xunjian_proto::MemberState;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) target: String,
    pub(super) args: Vec<String>,
}

/// What one target says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Said {
    pub(super) health: &'static str,
    pub(super) data: Option<f64>,
    pub(super) metadata: Option<f64>,
    /// Deduplication index of a VDO.
    pub(super) index: Option<String>,
    /// Scheme of a RAID.
    pub(super) scheme: Option<String>,
    /// Its members in the order of their places.
    pub(super) members: Vec<MemberState>,
    pub(super) mismatches: Option<f64>,
    /// Paths of a multipath map that the kernel uses and that it gave up.
    pub(super) paths: Option<(usize, usize)>,
}

/// Targets whose status tells of health or of filling up.
const TOLD: [&str; 10] = [
    "cache",
    "integrity",
    "mirror",
    "multipath",
    "raid",
    "snapshot",
    "snapshot-merge",
    "thin-pool",
    "vdo",
    "writecache",
];

/// The lines of `dmsetup status` that stand in `vdo status`, a YAML in which each VDO is a key two blanks deep and has
/// its line (without name) below; none if the text is no such thing.
fn of_manager(text: &str) -> Option<String> {
    let (_, volumes) = text.split_once("VDOs:").filter(|_| text.contains(MANAGER))?;
    let (mut lines, mut name) = (String::new(), "");
    for line in volumes.lines() {
        let said = line.trim();
        if line.starts_with("  ") && !line.starts_with("   ") {
            name = said.trim_end_matches(':');
        } else if let Some(status) = said.strip_prefix(MANAGER) {
            lines.push_str(&format!("{name}: {}\n", status.trim()));
        }
    }
    Some(lines)
}

/// Begins the line of each VDO in `vdo status`.
const MANAGER: &str = "Device mapper status:";

/// The lines that matter, and those that were not understood.
pub(super) fn parse(text: &str) -> (Vec<Line>, Vec<String>) {
    let made = of_manager(text);
    let text = made.as_deref().unwrap_or(text);
    let (mut lines, mut strange) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty() && *it != "No devices found")
    {
        let Some((name, rest)) = line.split_once(": ") else {
            // A device without a table: its name and nothing.
            if !line.ends_with(':') {
                strange.push(line.to_owned());
            }
            continue;
        };
        let mut words = rest.split_whitespace();
        let numbers = words.by_ref().take(2).all(|it| it.parse::<u64>().is_ok());
        let Some(target) = words.next().filter(|_| numbers) else {
            strange.push(line.to_owned());
            continue;
        };
        if TOLD.contains(&target) {
            let args = words.map(str::to_owned).collect();
            lines.push(Line { name: name.to_owned(), target: target.to_owned(), args });
        }
    }
    (lines, strange)
}

impl Line {
    fn word(&self, place: usize) -> &str {
        self.args.get(place).map_or("", String::as_str)
    }

    fn number(&self, place: usize) -> Option<f64> {
        self.word(place).parse().ok().filter(|it: &f64| *it >= 0.0)
    }

    /// `used/total` as a share.
    fn share(&self, place: usize) -> Option<f64> {
        let (used, total) = self.word(place).split_once('/')?;
        let (used, total): (f64, f64) = (used.parse().ok()?, total.parse().ok()?);
        (total > 0.0 && used >= 0.0).then(|| used / total)
    }

    /// What it says; none if it is not understood.
    pub(super) fn said(&self) -> Option<Said> {
        let alone = self.args.len() <= 1;
        // A target that gave up prints one word.
        if alone && matches!(self.word(0), "Fail" | "Error") {
            return Some(Said { health: "failed", ..Said::default() });
        }
        match self.target.as_str() {
            "vdo" => self.vdo(),
            "thin-pool" => self.thin_pool(),
            "raid" => self.raid(),
            "mirror" => self.mirror(),
            "snapshot" | "snapshot-merge" => self.snapshot(),
            "cache" => self.cache(),
            "multipath" => self.multipath(),
            "integrity" => {
                let mismatches = Some(self.number(0)?);
                Some(Said { health: "ok", mismatches, ..Said::default() })
            }
            "writecache" => {
                let health = if self.number(0)? == 0.0 { "ok" } else { "failed" };
                Some(Said { health, ..Said::default() })
            }
            _ => None,
        }
    }

    /// Device, mode, recovering or `-`, index, compression, used and all physical blocks.
    fn vdo(&self) -> Option<Said> {
        let health = match (self.word(1), self.word(2)) {
            ("read-only", _) => "read_only",
            (_, "recovering") | ("recovering", _) => "recovering",
            ("normal", _) => "ok",
            _ => "unknown",
        };
        let data = self.number(5).zip(self.number(6)).filter(|(_, all)| *all > 0.0);
        Some(Said {
            health,
            index: Some(self.word(3).to_owned()).filter(|it| !it.is_empty()),
            data: Some(data.map(|(used, all)| used / all)?),
            ..Said::default()
        })
    }

    /// Transaction, metadata, data, held root, then words: `ro`, `rw`, `out_of_data_space`, …, `needs_check`.
    fn thin_pool(&self) -> Option<Said> {
        let has = |word: &str| self.args.iter().skip(3).any(|it| it == word);
        let health = match () {
            () if has("out_of_data_space") => "out_of_data",
            () if has("ro") => "read_only",
            () if has("needs_check") => "needs_check",
            () if has("rw") => "ok",
            () => "unknown",
        };
        let (metadata, data) = (Some(self.share(1)?), Some(self.share(2)?));
        Some(Said { health, data, metadata, ..Said::default() })
    }

    /// Level, members, a letter for each, sync ratio, action, mismatches.
    fn raid(&self) -> Option<Said> {
        let letters = self.word(2);
        let member = |letter: char| match letter {
            'A' => MemberState::Active,
            'a' => MemberState::Rebuilding,
            'D' => MemberState::Failed,
            '-' => MemberState::Missing,
            _ => MemberState::Unknown,
        };
        let members: Vec<MemberState> = letters.chars().map(member).collect();
        if members.is_empty() || self.word(1).parse() != Ok(members.len()) {
            return None;
        }
        let scheme = self.word(0).split('_').next().unwrap_or_default().to_owned();
        Some(Said {
            health: "ok",
            scheme: Some(scheme),
            members,
            mismatches: self.number(5),
            ..Said::default()
        })
    }

    /// Members, their devices, synced/all, a word count, letters (`AA`, `AD`), then the log.
    fn mirror(&self) -> Option<Said> {
        let width: usize = self.word(0).parse().ok()?;
        let letters = self.args.get(width.checked_add(3)?)?;
        let in_sync = self.share(width + 1).is_some_and(|it| it >= 1.0);
        let member = |letter: char| match letter {
            'A' if in_sync => MemberState::Active,
            'A' => MemberState::Rebuilding,
            'D' | 'S' | 'R' | 'F' => MemberState::Failed,
            _ => MemberState::Unknown,
        };
        let mut members: Vec<MemberState> = letters.chars().map(member).collect();
        // While it copies, the first one is what it copies from.
        if let Some(first) = members.first_mut().filter(|it| **it == MemberState::Rebuilding) {
            *first = MemberState::Active;
        }
        let scheme = Some("raid1".to_owned());
        (members.len() == width).then(|| Said { health: "ok", scheme, members, ..Said::default() })
    }

    fn snapshot(&self) -> Option<Said> {
        let health = match self.args.join(" ").as_str() {
            "Invalid" => "invalid",
            "Merge failed" => "merge_failed",
            "Overflow" => "overflow",
            "Unknown" => "unknown",
            _ => {
                let data = Some(self.share(0)?);
                return Some(Said { health: "ok", data, ..Said::default() });
            }
        };
        Some(Said { health, ..Said::default() })
    }

    /// Metadata block size, used/all metadata, cache block size, used/all cache, …, then `ro`/`rw`, `needs_check`.
    fn cache(&self) -> Option<Said> {
        let has = |word: &str| self.args.iter().any(|it| it == word);
        let health = match () {
            () if has("ro") => "read_only",
            () if has("needs_check") => "needs_check",
            () => "ok",
        };
        Some(Said { health, metadata: Some(self.share(1)?), ..Said::default() })
    }

    /// Each path is `MAJOR:MINOR`, then `A` or `F`, then how often it failed.
    fn multipath(&self) -> Option<Said> {
        let is_device = |it: &str| {
            it.split_once(':').is_some_and(|(major, minor)| {
                [major, minor]
                    .iter()
                    .all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
            })
        };
        let pairs = self.args.windows(2).filter(|it| is_device(&it[0]));
        let (mut up, mut down) = (0, 0);
        for pair in pairs {
            match pair[1].as_str() {
                "A" => up += 1,
                "F" => down += 1,
                _ => return None,
            }
        }
        let health = if up == 0 { "lost" } else { "ok" };
        (up + down > 0).then(|| Said { health, paths: Some((up, down)), ..Said::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Said {
        let (lines, strange) = parse(line);
        assert!(strange.is_empty(), "{strange:?}");
        lines[0].said().unwrap_or_else(|| panic!("{line}"))
    }

    #[test]
    fn the_manager_of_vdo_holds_the_lines_of_the_kernel() {
        let text = "VDO status:\n  Node: syn\nVDOs:\n  vdo0:\n    Activate: enabled\n    Device mapper status: 0 8 vdo \
                    /dev/sdb read-only - offline online 3 4\n  vdo1:\n    Device mapper status: not available\n";
        let (lines, strange) = parse(text);
        assert_eq!(lines[0].name, "vdo0");
        assert_eq!(lines[0].said().unwrap().health, "read_only");
        assert_eq!(strange, ["vdo1: not available"]);
    }

    #[test]
    fn every_target_is_understood() {
        let vdo =
            said("vg-vpool-vpool: 0 419430400 vdo /dev/dm-3 normal - online online 9800 10000");
        assert_eq!((vdo.health, vdo.data), ("ok", Some(0.98)));
        assert_eq!(
            said("v: 0 8 vdo /dev/dm-3 read-only - offline offline 1 4").health,
            "read_only"
        );
        let pool = said(
            "p: 0 8 thin-pool 1 50/100 30/40 - out_of_data_space discard_passdown queue_if_no_space - 1024",
        );
        assert_eq!((pool.health, pool.metadata, pool.data), ("out_of_data", Some(0.5), Some(0.75)));
        assert_eq!(said("p: 0 8 thin-pool Fail").health, "failed");
        let raid = said("r: 0 8 raid raid6_zr 5 AAaD- 100/200 recover 0 0 -");
        assert_eq!(raid.members.iter().filter(|it| **it == MemberState::Active).count(), 2);
        let mirror = said("m: 0 8 mirror 2 253:3 253:4 400/400 1 AD 3 disk 253:2 A");
        assert_eq!(mirror.members, [MemberState::Active, MemberState::Failed]);
        assert_eq!(said("s: 0 8 snapshot 900/1000 16").data, Some(0.9));
        assert_eq!(said("s: 0 8 snapshot Invalid").health, "invalid");
        let paths =
            said("a: 0 8 multipath 2 0 1 0 2 1 A 0 1 2 8:16 A 0 0 1 E 0 1 2 8:32 F 1 0 1").paths;
        assert_eq!(paths, Some((1, 1)));
        assert_eq!(parse("root: 0 8 linear \nodd line\nNo devices found\n").1, ["odd line"]);
    }
}
