//! `zpool status -j`, of OpenZFS 2.3 and later.
//!
//! Facts: OpenZFS `cmd/zpool/zpool_main.c` (`status_callback_json`, `vdev_stats_nvlist`, `scan_status_nvlist`,
//! `class_vdevs_nvlist`). Numbers come as texts, shortened or not, or as numbers, by the options of the call; with
//! `--json-flat-vdevs` devices name their parent instead of standing in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    pool::{Class, Counts, Pool, Scan, Vdev},
    scan,
};

/// What bears names.
pub(super) const NAMES: &[&str] =
    &["class", "guid", "name", "parent", "path", "pool_guid", "vdev_type"];

/// Devices within devices are followed so deep; real trees have four layers.
const DEPTH_MAX: usize = 8;

/// The pools; an error says what was found instead.
pub(super) fn parse(json: &Value) -> Result<Vec<Pool>, String> {
    let pools = json.get("pools").and_then(Value::as_object).ok_or("no `pools` in it")?;
    Ok(pools.iter().map(|(name, pool)| one(name, pool)).collect())
}

fn one(key: &str, value: &Value) -> Pool {
    let name = word(value, "name").unwrap_or_else(|| key.to_owned());
    let mut pool = Pool {
        state: word(value, "state").unwrap_or_default().to_uppercase(),
        status: word(value, "status")
            .map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|it| !it.is_empty()),
        message: word(value, "msgid"),
        guid: word(value, "pool_guid").or_else(|| word(value, "guid")),
        errors: count(value, "error_count"),
        name,
        ..Pool::default()
    };
    let stats = value.get("scan_stats");
    pool.scans = stats.map(scans).unwrap_or_default();
    // Only what a running resilver has written makes a device one that is being filled.
    let running = |function: &str| {
        pool.scans.iter().any(|it| it.function == function && it.state == "running")
    };
    let tree = Tree { resilver: running("resilver"), rebuild: running("rebuild") };
    let vdevs = object(value, "vdevs");
    let root = vdevs
        .get(&pool.name)
        .or_else(|| vdevs.values().find(|it| word(it, "vdev_type").as_deref() == Some("root")));
    let flat = vdevs.values().any(|it| it.get("parent").is_some());
    if flat {
        pool.tops = tree.flat(&vdevs, &pool.name);
    } else {
        let data = root.map(|it| object(it, "vdevs")).unwrap_or_default();
        pool.tops = tree.all(&data, Class::Data, DEPTH_MAX);
        for title in ["special", "dedup", "logs", "l2cache", "spares"] {
            if let Some(class) = Class::of(title) {
                pool.tops.extend(tree.all(&object(value, title), class, DEPTH_MAX));
            }
        }
    }
    pool
}

/// What is going on while the tree is read.
struct Tree {
    resilver: bool,
    rebuild: bool,
}

impl Tree {
    fn all(&self, vdevs: &Map<String, Value>, class: Class, depth: usize) -> Vec<Vdev> {
        vdevs.iter().map(|(name, value)| self.vdev(name, value, class, depth)).collect()
    }

    fn vdev(&self, key: &str, value: &Value, class: Class, depth: usize) -> Vdev {
        let children =
            depth.checked_sub(1).map(|depth| self.all(&object(value, "vdevs"), class, depth));
        let mut notes: Vec<String> = Vec::new();
        if let Some(was) = word(value, "was") {
            notes.push(format!("was {was}"));
        }
        notes.extend(word(value, "aux").map(|it| it.to_lowercase().replace('_', " ")));
        let filled = count(value, "scan_processed").is_some_and(|it| it > 0.0);
        let deferred = count(value, "resilver_deferred").is_some_and(|it| it > 0.0);
        let name = word(value, "path").filter(|_| children.as_ref().is_none_or(Vec::is_empty));
        Vdev {
            name: name.or_else(|| word(value, "name")).unwrap_or_else(|| key.to_owned()),
            class,
            state: word(value, "state").unwrap_or_default().to_uppercase(),
            counts: Counts {
                read: count(value, "read_errors"),
                write: count(value, "write_errors"),
                checksum: count(value, "checksum_errors"),
                slow: count(value, "slow_ios"),
            },
            note: notes.join(", "),
            resilvering: deferred || (filled && (self.resilver || self.rebuild)),
            children: children.unwrap_or_default(),
        }
    }

    /// Devices that name their parents, put back into them.
    fn flat(&self, vdevs: &Map<String, Value>, root: &str) -> Vec<Vdev> {
        let mut members: BTreeMap<String, Vec<(&String, &Value)>> = BTreeMap::new();
        for (key, value) in vdevs.iter().filter(|(key, _)| *key != root) {
            let parent = word(value, "parent").unwrap_or_else(|| root.to_owned());
            members.entry(parent).or_default().push((key, value));
        }
        let empty = Vec::new();
        let tops = members.get(root).unwrap_or(&empty);
        tops.iter().map(|(key, value)| self.under(key, value, &members, DEPTH_MAX)).collect()
    }

    fn under(
        &self,
        key: &str,
        value: &Value,
        members: &BTreeMap<String, Vec<(&String, &Value)>>,
        depth: usize,
    ) -> Vdev {
        let class = match word(value, "class").as_deref() {
            Some("logs" | "log") => Class::Log,
            Some("l2cache" | "cache") => Class::Cache,
            Some("spares" | "spare") => Class::Spare,
            Some("special") => Class::Special,
            Some("dedup") => Class::Dedup,
            _ => Class::Data,
        };
        let mut vdev = self.vdev(key, value, class, 0);
        if let (Some(depth), Some(children)) = (depth.checked_sub(1), members.get(key)) {
            vdev.children = children
                .iter()
                .map(|(key, value)| self.under(key, value, members, depth))
                .collect();
            key.clone_into(&mut vdev.name);
        }
        vdev
    }
}

fn scans(stats: &Value) -> Vec<Scan> {
    let mut all = Vec::new();
    let function = word(stats, "function").unwrap_or_default().to_lowercase();
    let state = word(stats, "state").unwrap_or_default();
    if matches!(function.as_str(), "scrub" | "resilver") {
        // What a resilver processed is what it copied, no damage.
        let repaired = count(stats, "processed").filter(|_| function == "scrub");
        let scan = scan_of(stats, &state);
        let repaired = repaired.filter(|_| scan.state == "finished");
        all.push(Scan { function, repaired, ..scan });
    }
    for rebuild in object(stats, "rebuild_stats").values() {
        let state = word(rebuild, "state").unwrap_or_default();
        all.push(Scan { function: "rebuild".to_owned(), ..scan_of(rebuild, &state) });
    }
    if all.is_empty() {
        all.push(Scan { state: "none".to_owned(), ..Scan::default() });
    }
    all
}

fn scan_of(stats: &Value, state: &str) -> Scan {
    let paused = stats.get("scrub_pause").is_some_and(|it| {
        // "-" or 0: it is not paused.
        it.as_u64().is_some_and(|it| it > 0)
            || it.as_str().is_some_and(|it| scan::time(it).is_some())
    });
    let state = match state.to_uppercase().as_str() {
        "SCANNING" | "ACTIVE" if paused => "paused",
        "SCANNING" | "ACTIVE" => "running",
        "FINISHED" | "COMPLETE" | "COMPLETED" => "finished",
        "CANCELED" | "CANCELLED" => "canceled",
        _ => "none",
    };
    let part = |done: &str, of: &str| {
        let (done, of) = (count(stats, done)?, count(stats, of)?);
        (of > 0.0).then(|| (done / of).clamp(0.0, 1.0))
    };
    Scan {
        function: String::new(),
        state: state.to_owned(),
        ended: stats
            .get("end_time")
            .and_then(time)
            .filter(|_| matches!(state, "finished" | "canceled")),
        done: part("issued", "to_examine").or_else(|| part("issued", "to_scan")),
        errors: count(stats, "errors"),
        repaired: None,
    }
}

fn time(value: &Value) -> Option<f64> {
    value.as_f64().filter(|it| *it > 0.0).or_else(|| scan::time(value.as_str()?))
}

fn object(value: &Value, key: &str) -> Map<String, Value> {
    value.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// A text or a number as text.
fn word(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number in any of the forms.
fn count(value: &Value, key: &str) -> Option<f64> {
    match value.get(key)? {
        Value::Number(number) => number.as_f64().filter(|it| *it >= 0.0),
        Value::String(text) => scan::number(text),
        _ => None,
    }
}
