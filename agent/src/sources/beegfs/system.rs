//! What is known of a file system, put together from rows of any of the lists.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Row, Table};

/// A target: a storage target, or the metadata of a metadata server.
#[derive(Debug, Default)]
pub(super) struct Target {
    pub(super) alias: Option<String>,
    pub(super) node: Option<String>,
    pub(super) reachability: Option<String>,
    pub(super) consistency: Option<String>,
    pub(super) capacity: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) size: Option<f64>,
    pub(super) free: Option<f64>,
    pub(super) inodes: Option<f64>,
    pub(super) inodes_free: Option<f64>,
    pub(super) contact: Option<f64>,
}

/// Two targets that hold the same data.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) alias: Option<String>,
    pub(super) primary: u32,
    pub(super) secondary: u32,
}

/// `meta` or `storage`, and the number.
pub(super) type Key = (&'static str, u32);

#[derive(Debug, Default)]
pub(super) struct System {
    pub(super) targets: BTreeMap<Key, Target>,
    pub(super) groups: BTreeMap<Key, Group>,
    /// Kinds of targets whose list was not read to its end: their number is not known.
    pub(super) partial: BTreeSet<&'static str>,
}

impl System {
    /// Notes that a list was not given. Version 8 has all kinds of targets in one.
    pub(super) fn lacks(&mut self, argv: &[&str], kind: &'static str) {
        let kinds =
            if argv.first() == Some(&"beegfs") { &["meta", "storage"][..] } else { &[kind][..] };
        self.partial.extend(kinds);
    }

    /// Takes in a list; `kind` is what was asked for, where the rows do not say it. Returns the rows that it knew.
    pub(super) fn absorb(&mut self, table: &Table, kind: &'static str) -> usize {
        table.rows.iter().filter(|row| self.group(row, kind) || self.target(row, kind)).count()
    }

    fn group(&mut self, row: &Row, kind: &'static str) -> bool {
        let cell = |names: &[&str]| names.iter().find_map(|it| row.get(*it)).map(String::as_str);
        let Some(primary) =
            cell(&["primarytargetid", "primarynodeid", "primary_target", "primary"])
        else {
            return false;
        };
        let kind = if row.contains_key("primarynodeid") { "meta" } else { kind };
        let (Some((kind, primary)), Some(secondary), Some((_, id))) = (
            number(primary, kind),
            cell(&["secondarytargetid", "secondarynodeid", "secondary_target", "secondary"])
                .and_then(|it| number(it, kind)),
            cell(&["buddygroupid", "id"]).and_then(|it| number(it, kind)),
        ) else {
            return false;
        };
        for (target, name) in
            [(primary, "primary_consistency"), (secondary.1, "secondary_consistency")]
        {
            if let Some(word) = cell(&[name]).and_then(state) {
                self.targets.entry((kind, target)).or_default().consistency.get_or_insert(word);
            }
        }
        let alias = cell(&["alias"]).map(str::to_owned);
        self.groups.insert((kind, id), Group { alias, primary, secondary: secondary.1 });
        true
    }

    fn target(&mut self, row: &Row, kind: &'static str) -> bool {
        let cell = |names: &[&str]| names.iter().find_map(|it| row.get(*it)).map(String::as_str);
        let kind = match cell(&["type", "node_type"]) {
            Some(it) if it.starts_with('m') => "meta",
            Some(it) if it.starts_with('s') => "storage",
            _ => kind,
        };
        let Some((kind, id)) = cell(&["targetid", "id"]).and_then(|it| number(it, kind)) else {
            return false;
        };
        let target = self.targets.entry((kind, id)).or_default();
        let text = |names: &[&str]| {
            cell(names).filter(|it| !matches!(*it, "-" | "n/a" | "")).map(str::to_owned)
        };
        target.alias = text(&["alias"]).or(target.alias.take());
        target.node = text(&["nodeid", "on_node", "node"]).or(target.node.take());
        target.pool = text(&["st_pool", "pool", "storage_pool"]).or(target.pool.take());
        target.reachability =
            cell(&["reachability"]).and_then(state).or(target.reachability.take());
        target.consistency = cell(&["consistency"]).and_then(state).or(target.consistency.take());
        target.capacity =
            cell(&["cap_pool", "capacity_pool"]).and_then(state).or(target.capacity.take());
        let bytes = |names: &[&str]| cell(names).and_then(amount);
        target.size = bytes(&["total", "space"]).or(target.size);
        target.free = bytes(&["free", "sfree"]).or(target.free);
        target.inodes = bytes(&["itotal", "inodes"]).or(target.inodes);
        target.inodes_free = bytes(&["ifree"]).or(target.inodes_free);
        target.contact =
            cell(&["last_contact"]).and_then(|it| it.strip_suffix("s ago")?.trim().parse().ok());
        true
    }
}

/// `101`, `s:101`, `m:1`: the kind in it counts.
fn number(text: &str, kind: &'static str) -> Option<Key> {
    let (head, tail) = text.split_once(':').unwrap_or(("", text));
    let kind = match head.chars().next() {
        Some('m' | 'M') => "meta",
        Some('s' | 'S') => "storage",
        _ => kind,
    };
    // A primary may be marked: `101 (primary)`.
    Some((kind, tail.split_whitespace().next()?.parse().ok()?))
}

/// A state as version 7 writes it: `Probably-offline`, `Needs-resync`; version 8 has spaces or underscores.
fn state(text: &str) -> Option<String> {
    let word = text.trim().trim_matches(['<', '>']).to_lowercase().replace([' ', '_'], "-");
    let word = if word == "poffline" { "probably-offline".to_owned() } else { word };
    (!matches!(word.as_str(), "" | "-" | "n/a" | "unknown" | "unspecified" | "invalid-value"))
        .then_some(word)
}

/// `12.5GiB`, `250.0M`, `1099511627776`, `1.0TiB (12.00%)`.
fn amount(text: &str) -> Option<f64> {
    let text = text.split(['(', ' ']).next()?.trim();
    let end = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor = match unit {
        "" | "B" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" | "KiB" => 1024.0,
        "Mi" | "MiB" => 1_048_576.0,
        "Gi" | "GiB" => 1_073_741_824.0,
        "Ti" | "TiB" => 1_099_511_627_776.0,
        "Pi" | "PiB" => 1_125_899_906_842_624.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|it| it * factor).filter(|it| it.is_finite())
}
