//! What `mdadm --detail` prints for people, as it is mailed: the same facts as `/proc/mdstat`, with the array's UUID.
//!
//! Fact: mdadm's `Detail.c`. Invariant: a row of the table of devices that is not understood is a device of unknown state,
//! never a gap.

use super::mdstat::{Array, Device, Sync};

/// Whether a text is such an output.
pub(super) fn is(text: &str) -> bool {
    let said = ["Raid Level :", "Total Devices :"].iter().any(|it| text.contains(it));
    said && text.lines().any(is_name)
}

fn is_name(line: &str) -> bool {
    line.starts_with("/dev/") && line.trim_end().ends_with(':')
}

/// The arrays, and the lines that were not understood.
pub(super) fn parse(text: &str) -> (Vec<Array>, Vec<String>) {
    let (mut arrays, mut strange): (Vec<Array>, Vec<String>) = (Vec::new(), Vec::new());
    let mut in_table = false;
    for line in text.lines() {
        if is_name(line) {
            let name = line.trim().trim_end_matches(':').rsplit('/').next().unwrap_or_default();
            arrays.push(Array { name: name.to_owned(), ..Array::default() });
            in_table = false;
            continue;
        }
        let Some(array) = arrays.last_mut() else { continue };
        let words: Vec<&str> = line.split_whitespace().collect();
        match (words.as_slice(), in_table) {
            ([], _) => {}
            (["Number", "Major", "Minor", ..], _) => in_table = true,
            (row, true) => {
                if !device(row, array) {
                    strange.push(line.to_owned());
                }
            }
            (_, false) => {
                if let Some((name, value)) = line.split_once(" : ") {
                    fact(name.trim(), value.trim(), array);
                }
            }
        }
    }
    arrays.iter_mut().for_each(finish);
    (arrays, strange)
}

fn fact(name: &str, value: &str, array: &mut Array) {
    let first = value.split_whitespace().next().unwrap_or_default();
    match name {
        "Version" if first.starts_with(|it: char| it.is_ascii_digit()) => {
            array.metadata = Some(first.to_owned());
        }
        "Version" => array.metadata = Some(format!("external:{first}")),
        "Raid Level" if first != "container" => array.level = Some(first.to_owned()),
        "Raid Devices" => array.width = first.parse().ok(),
        "Array Size" => array.blocks = first.parse().ok(),
        "Layout" => array.copies = first.strip_prefix("near=").and_then(|it| it.parse().ok()),
        "UUID" => array.uuid = Some(first.to_owned()),
        "State" => state(value, array),
        _ => {
            // `Rebuild Status : 23% complete`, `Check Status`, `Resync Status`, `Reshape Status`.
            let Some(action) = name.strip_suffix(" Status") else { return };
            let done = first.strip_suffix('%').and_then(|it| it.parse::<f64>().ok());
            let sync = array.sync.get_or_insert_with(|| going(action));
            sync.done = done.map(|it| it / 100.0);
        }
    }
}

/// `active, degraded, recovering`; `clean, resyncing (DELAYED)`; `inactive`.
fn state(value: &str, array: &mut Array) {
    let words: Vec<&str> = value.split(',').map(str::trim).collect();
    array.state = match words.first() {
        Some(&"inactive") => "inactive".to_owned(),
        _ if words.contains(&"Not Started") => "inactive".to_owned(),
        _ => "active".to_owned(),
    };
    for word in words {
        let (word, waits) = match word.split_once(" (") {
            Some((word, waits)) => (word, Some(waits.trim_end_matches(')').to_lowercase())),
            None => (word, None),
        };
        if ["recovering", "resyncing", "reshaping", "checking"].contains(&word) {
            array.sync = Some(Sync { waits, ..going(word) });
        }
    }
}

fn going(word: &str) -> Sync {
    let action = match word.to_lowercase().as_str() {
        "recovering" | "rebuild" => "recovery",
        "reshaping" | "reshape" => "reshape",
        "checking" | "check" => "check",
        _ => "resync",
    };
    Sync { action: action.to_owned(), waits: None, done: None, speed: None }
}

/// `3  8  48  3  active sync  /dev/sdd`, `-  0  0  2  removed`, `1  8  16  -  faulty  /dev/sdb`; a container's devices have
/// no state.
fn device(row: &[&str], array: &mut Array) -> bool {
    let [_, major, minor, place, words @ ..] = row else { return false };
    if ![major, minor].iter().all(|it| it.bytes().all(|it| it.is_ascii_digit() || it == b'-')) {
        return false;
    }
    if words == ["removed"] {
        return true; // the place stays free
    }
    let Some(path) = words.iter().rev().find(|it| it.starts_with("/dev/")) else { return false };
    let has = |word: &str| words.contains(&word);
    let (flags, good) = match () {
        () if has("faulty") => ("F", true),
        () if has("journal") => ("J", true),
        () if has("replacement") => ("R", true),
        () if has("rebuilding") || has("active") => ("", true),
        () if has("spare") => ("S", true),
        () if array.level.is_none() => ("", true),
        () => ("?", false),
    };
    array.devices.push(Device {
        name: path.trim_start_matches("/dev/").to_owned(),
        number: place.parse().unwrap_or(u32::MAX),
        flags: flags.to_owned(),
    });
    if has("active") && has("sync") {
        array.in_sync.extend(place.parse::<u32>());
    }
    good
}

/// Who is in sync, place by place, as mdstat has it.
fn finish(array: &mut Array) {
    if array.state.is_empty() || array.level.is_none() {
        array.state = "inactive".to_owned();
    }
    let width = array.width.filter(|it| (1..10_000).contains(it)).unwrap_or(0);
    let letter = |place: u32| if array.in_sync.contains(&place) { 'U' } else { '_' };
    array.map = (width > 0).then(|| (0..width).map(letter).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    const REBUILDS: &str = "/dev/md127:
           Version : 1.2
        Raid Level : raid6
        Array Size : 4096 (4.00 MiB 4.19 MB)
      Raid Devices : 4
     Total Devices : 4

             State : active, degraded, recovering
    Rebuild Status : 23% complete

              UUID : 8c3a6f0e:1f6b2a9d:77b1c0de:52f0a9c1

    Number   Major   Minor   RaidDevice State
       0       8        0        0      active sync   /dev/sda
       4       8       64        1      spare rebuilding   /dev/sde
       2       8       32        2      active sync   /dev/sdc
       -       0        0        3      removed

       3       8       48        -      faulty   /dev/sdd
";

    #[test]
    fn what_mdadm_prints_for_people_is_an_array() {
        assert!(is(REBUILDS));
        let (arrays, strange) = parse(REBUILDS);
        assert_eq!(strange, Vec::<String>::new());
        let [array] = &arrays[..] else { panic!("{arrays:?}") };
        assert_eq!((array.name.as_str(), array.state.as_str()), ("md127", "active"));
        assert_eq!((array.width, array.blocks), (Some(4), Some(4096)));
        assert_eq!(array.map.as_deref(), Some("U_U_"));
        assert_eq!(array.uuid.as_deref(), Some("8c3a6f0e:1f6b2a9d:77b1c0de:52f0a9c1"));
        let sync = array.sync.as_ref().unwrap();
        assert_eq!((sync.action.as_str(), sync.done), ("recovery", Some(0.23)));
        let flags: Vec<(&str, &str)> =
            array.devices.iter().map(|it| (it.name.as_str(), it.flags.as_str())).collect();
        assert_eq!(flags, [("sda", ""), ("sde", ""), ("sdc", ""), ("sdd", "F")]);
    }

    #[test]
    fn a_row_that_is_not_understood_is_no_gap() {
        let text = REBUILDS.replace("active sync   /dev/sda", "something new   /dev/sda");
        let (arrays, strange) = parse(&text);
        assert_eq!(strange.len(), 1);
        assert_eq!(arrays[0].devices[0].flags, "?");
    }
}
