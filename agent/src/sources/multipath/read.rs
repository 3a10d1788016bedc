//! The two forms in which maps are told: JSON of `multipathd show maps json`, and the tree of `multipath -ll`.
//!
//! Facts: multipath-tools `libmultipath/print.c`, `multipath(8)`. The tree has had two looks: `|- 2:0:0:1 sdb 8:16 active
//! ready running`, and `\_ 2:0:0:1 sdb 8:16 [active][ready]` of versions before 0.4.9.

use serde_json::Value;

use super::map::{Map, Path};

/// What bears names.
pub(super) const NAMES: &[&str] = &["dev", "hcil", "name", "sysfs", "uuid"];

/// The maps of the JSON form; an error says what was found instead.
pub(super) fn json(json: &Value) -> Result<Vec<Map>, String> {
    let one = json.get("map").map(std::slice::from_ref);
    let maps = json.get("maps").and_then(Value::as_array).map(Vec::as_slice).or(one);
    Ok(maps.ok_or("no `maps` in it")?.iter().map(map).collect())
}

fn map(value: &Value) -> Map {
    let word = |key: &str| word(value, key);
    let groups = value.get("path_groups").and_then(Value::as_array);
    let paths = |group: &Value| -> Vec<Path> {
        let paths = group.get("paths").and_then(Value::as_array);
        paths.map(|it| it.iter().map(path).collect()).unwrap_or_default()
    };
    let queueing = word("queueing").unwrap_or_default();
    let features = word("features").unwrap_or_default();
    let model = [word("vend"), word("prod")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Map {
        name: word("name").unwrap_or_default(),
        wwid: word("uuid").unwrap_or_default(),
        device: word("sysfs").unwrap_or_default(),
        model,
        queues: match queueing.as_str() {
            "off" => Some(false),
            "" | "-" => Some(features.contains("queue_if_no_path")).filter(|it| *it),
            _ => Some(true),
        },
        faults: value.get("path_faults").and_then(Value::as_f64),
        groups: groups.map(|it| it.iter().map(paths).collect()).unwrap_or_default(),
    }
}

fn path(value: &Value) -> Path {
    let word = |key: &str| word(value, key);
    let known = |key: &str| word(key).filter(|it| !it.starts_with('[') && it != "-" && it != "##");
    Path {
        device: word("dev").unwrap_or_default(),
        hctl: known("hcil"),
        port: known("host_wwpn").or_else(|| known("host_adapter")),
        target: known("target_wwpn"),
        kernel: word("dm_st").unwrap_or_default(),
        checker: word("chk_st").unwrap_or_default(),
        device_state: word("dev_st").unwrap_or_default(),
    }
}

fn word(value: &Value, key: &str) -> Option<String> {
    let text = value.get(key)?.as_str()?.trim();
    Some(text.to_owned()).filter(|it| !it.is_empty())
}

/// The maps of the tree, and lines that were not understood.
pub(super) fn tree(text: &str) -> (Vec<Map>, Vec<String>) {
    let mut maps: Vec<Map> = Vec::new();
    let mut strange = Vec::new();
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        if let Some(map) = head(line) {
            maps.push(map);
            continue;
        }
        let Some(map) = maps.last_mut() else {
            // Complaints about the configuration come first.
            continue;
        };
        if line.contains("features=") && line.contains("size=") {
            map.queues = Some(line.contains("queue_if_no_path"));
        } else if let Some(path) = leaf(line) {
            if map.groups.is_empty() {
                map.groups.push(Vec::new());
            }
            if let Some(group) = map.groups.last_mut() {
                group.push(path);
            }
        } else if line.contains("prio=") || line.contains("policy=") || line.contains("round-robin")
        {
            map.groups.push(Vec::new());
        } else if line.starts_with(['|', '`', '\\', ' ']) {
            strange.push(line.to_owned());
        }
    }
    (maps, strange)
}

/// `mpatha (3600…) dm-3 HP,HSV210`, `3600… dm-3 HP,HSV210`, `reload: mpatha (3600…) dm-3 …`.
fn head(line: &str) -> Option<Map> {
    if line.starts_with([' ', '|', '`', '\\', '[']) {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().filter(|it| !it.ends_with(':')).collect();
    let is_device = |it: &&str| {
        it.strip_prefix("dm-").is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    };
    let at = words.iter().position(is_device).filter(|it| (1..=2).contains(it))?;
    let name = words[0].to_owned();
    let wwid = words[1..at].first().map_or(name.as_str(), |it| it.trim_matches(['(', ')']));
    Some(Map {
        wwid: wwid.to_owned(),
        device: words[at].to_owned(),
        model: words[at + 1..].join(" ").replace(',', " "),
        name,
        ..Map::default()
    })
}

/// `| |- 2:0:0:1 sdb 8:16 active ready running`.
fn leaf(line: &str) -> Option<Path> {
    let plain = line.replace(['[', ']'], " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let is_hctl = |it: &&str| {
        let mut parts = it.split(':');
        parts.clone().count() == 4
            && parts
                .all(|it| it == "#" || !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
    };
    let at = words.iter().position(is_hctl)?;
    let hctl = words[at];
    let word = |place: usize| words.get(at + place).copied().unwrap_or_default().to_owned();
    let mut parts = hctl.split(':');
    let host = parts.next().filter(|it| *it != "#");
    let target = parts.clone().take(2).collect::<Vec<_>>().join(":");
    // Between the states stands `i/o timeout` with its blank.
    let states = [word(4), word(5), word(6)];
    let (checker, device_state) = match states[0].as_str() {
        "i/o" => ("timeout".to_owned(), states[2].clone()),
        _ => (states[0].clone(), states[1].clone()),
    };
    Some(Path {
        // The device is gone, its place in the map is not.
        device: Some(word(1)).filter(|it| it != "-").unwrap_or_else(|| "removed".to_owned()),
        hctl: host.map(|_| hctl.to_owned()),
        port: host.map(|it| format!("host{it}")),
        target: host.map(|_| target),
        kernel: word(3),
        checker,
        device_state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_looks_of_the_tree_are_read() {
        let new = "Nov 22 | /etc/multipath.conf line 3, invalid keyword\n\
                   reload: mpatha (3600a) dm-3 HP,HSV210\nsize=20G features='1 queue_if_no_path' hwhandler='0' wp=rw\n\
                   |-+- policy='service-time 0' prio=50 status=active\n| `- 2:0:0:1 sdb 8:16  active ready  running\n\
                   `-+- policy='service-time 0' prio=10 status=enabled\n  |- 3:0:1:1 sdc 8:32  failed i/o timeout running\n\
                   \x20 `- #:#:#:# -   #:#   active faulty running\n";
        let (maps, strange) = tree(new);
        assert!(strange.is_empty() && maps.len() == 1, "{maps:?} {strange:?}");
        let map = &maps[0];
        assert_eq!(
            (map.name.as_str(), map.wwid.as_str(), map.queues),
            ("mpatha", "3600a", Some(true))
        );
        assert_eq!(map.groups.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(map.groups[1][0].checker, "timeout");
        let old = "mpath1 (3600b) dm-4 EMC,SYM\n[size=8.0G][features=0][hwhandler=0]\n\\_ round-robin 0 [prio=2][active]\n \
                   \\_ 3:0:0:1 sdd 8:48 [active][ready]\n";
        let (maps, strange) = tree(old);
        assert!(
            strange.is_empty() && maps[0].groups[0][0].checker == "ready",
            "{maps:?} {strange:?}"
        );
    }
}
