//! The devices of a Btrfs: which ones, where, how big, with how many errors.
//!
//! Facts: kernel `fs/btrfs/sysfs.c` (devinfo since 5.6, its error_stats since 5.14), `btrfs-filesystem(8)`,
//! `btrfs-device(8)`. sysfs knows devices by number and, apart from that, by name; only the tool says which is which.

use std::collections::BTreeMap;

use crate::{
    devices::{number, word},
    host::{Host, HostError},
};

/// One device.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Device {
    /// `/dev/sda`; none if nothing says where number N is.
    pub(super) path: Option<String>,
    /// Bytes.
    pub(super) size: Option<f64>,
    /// Bytes that are allocated to block groups.
    pub(super) allocated: Option<f64>,
    /// It is not there.
    pub(super) missing: bool,
    /// Errors by kind.
    pub(super) errors: BTreeMap<String, f64>,
}

/// A filesystem in the output of `btrfs filesystem show --raw`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shown {
    pub(super) label: Option<String>,
    pub(super) total: Option<usize>,
    pub(super) devices: BTreeMap<u64, Device>,
}

/// Filesystems by UUID, and lines that were not understood.
pub(super) fn show(text: &str) -> (BTreeMap<String, Shown>, Vec<String>) {
    let mut all: BTreeMap<String, Shown> = BTreeMap::new();
    let mut strange = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        if let Some((label, uuid)) =
            line.strip_prefix("Label:").and_then(|it| it.split_once("uuid:"))
        {
            let label = label.trim().trim_matches('\'');
            let shown = Shown {
                label: Some(label.to_owned()).filter(|it| it != "none"),
                ..Shown::default()
            };
            let uuid = uuid.trim().to_lowercase();
            all.insert(uuid.clone(), shown);
            open = Some(uuid);
            continue;
        }
        let Some(shown) = open.as_ref().and_then(|it| all.get_mut(it)) else {
            if !line.starts_with("btrfs-progs") && !line.starts_with("WARNING") {
                strange.push(line.to_owned());
            }
            continue;
        };
        if let Some(rest) = line.strip_prefix("Total devices") {
            shown.total = rest.split_whitespace().next().and_then(|it| it.parse().ok());
        } else if let Some((number, device)) = device(line) {
            shown.devices.insert(number, device);
        } else if !line.starts_with("***") {
            strange.push(line.to_owned());
        }
    }
    (all, strange)
}

/// `devid    2 size 268435456 used 167772160 path /dev/loop0`, at its end perhaps `MISSING`.
fn device(line: &str) -> Option<(u64, Device)> {
    let rest = line.strip_prefix("devid")?.trim_start();
    let (number, rest) = rest.split_once(' ')?;
    let value = |name: &str| {
        let (_, after) = rest.split_once(name)?;
        after.split_whitespace().next()?.parse::<f64>().ok()
    };
    let path = rest.split_once(" path ").map_or("", |(_, it)| it.trim());
    let missing = path.ends_with("MISSING") || path.contains("<missing disk>") || path.is_empty();
    let path = path.trim_end_matches("MISSING").trim();
    Some((
        number.parse().ok()?,
        Device {
            path: Some(path.to_owned()).filter(|it| it.starts_with('/')),
            size: value("size ").filter(|_| !missing),
            allocated: value("used ").filter(|_| !missing),
            missing,
            errors: BTreeMap::new(),
        },
    ))
}

/// The devices of a mounted filesystem, from sysfs and what the tool showed.
pub(super) fn of(host: &dyn Host, dir: &str, shown: Option<&Shown>) -> BTreeMap<u64, Device> {
    let mut all = shown.map(|it| it.devices.clone()).unwrap_or_default();
    let numbers = host.list(&format!("{dir}/devinfo")).unwrap_or_default();
    for number in &numbers {
        let Ok(id) = number.parse::<u64>() else { continue };
        let device = all.entry(id).or_default();
        let file = |name: &str| word(host, &format!("{dir}/devinfo/{number}/{name}"));
        if let Some(missing) = file("missing") {
            device.missing = missing == "1";
        }
        let errors = host.read(&format!("{dir}/devinfo/{number}/error_stats")).unwrap_or_default();
        let count = |line: &str| {
            let (kind, count) = line.split_once(' ')?;
            Some((kind.strip_suffix("_errs")?.to_owned(), count.trim().parse().ok()?))
        };
        for line in errors.lines() {
            match count(line) {
                Some((kind, count)) => drop(device.errors.insert(kind, count)),
                None => host.misread(&format!("/{dir}/devinfo/{number}/error_stats"), line),
            }
        }
    }
    let names = host.list(&format!("{dir}/devices")).unwrap_or_default();
    let known = |name: &String| {
        all.values()
            .any(|it| it.path.as_deref().is_some_and(|it| it.ends_with(&format!("/{name}"))))
    };
    let unplaced: Vec<&String> = names.iter().filter(|it| !known(it)).collect();
    let free: Vec<u64> =
        all.iter().filter(|(_, it)| !it.missing && it.path.is_none()).map(|(id, _)| *id).collect();
    if numbers.is_empty() && shown.is_none() {
        // An old kernel and no tool: names are all there is.
        for (number, name) in (1..).zip(&names) {
            let path = Some(format!("/dev/{name}"));
            all.insert(number, Device { path, ..Device::default() });
        }
    } else if let ([name], [id]) = (&unplaced[..], &free[..])
        && let Some(device) = all.get_mut(id)
    {
        device.path = Some(format!("/dev/{name}"));
    }
    for device in all.values_mut().filter(|it| it.size.is_none()) {
        let Some(name) = device.path.as_deref().and_then(|it| it.rsplit('/').next()) else {
            continue;
        };
        let sectors = number::<f64>(host, &format!("{dir}/devices/{name}/size"));
        device.size = sectors.map(|it| it * 512.0);
    }
    all
}

/// Errors as the tool counts them, for kernels that do not show them: `[/dev/sda].write_io_errs    0`.
pub(super) fn stats(host: &dyn Host, path: &str) -> Result<BTreeMap<String, f64>, HostError> {
    let argv = ["btrfs", "device", "stats", path];
    let output = host.run(&argv)?;
    // Later versions end with 64 if a counter is not zero, when asked to check.
    let text = output.ok(&argv)?;
    let line = |line: &str| {
        let (_, rest) = line.split_once("].")?;
        let (kind, count) = rest.split_once(char::is_whitespace)?;
        let kind = kind.strip_suffix("_errs")?.trim_end_matches("_io");
        Some((kind.to_owned(), count.trim().parse().ok()?))
    };
    Ok(text.lines().filter_map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_device_has_no_size_and_no_place() {
        let text = "Label: 'a b'  uuid: 8A34-11\n\tTotal devices 2 FS bytes used 12\n\
                    \tdevid    1 size 268 used 167 path /dev/sdb\n\
                    \tdevid    2 size 0 used 0 path <missing disk> MISSING\n\n";
        let (all, strange) = show(text);
        let shown = &all["8a34-11"];
        assert_eq!((shown.label.as_deref(), shown.total), (Some("a b"), Some(2)));
        assert_eq!(shown.devices[&1].path.as_deref(), Some("/dev/sdb"));
        assert!(shown.devices[&2].missing && shown.devices[&2].size.is_none());
        assert!(strange.is_empty());
        let (all, _) = show(
            "Label: none  uuid: x\n\tTotal devices 2 FS bytes used 1\n\tdevid 1 size 5 used 1 path /dev/sda\n\t*** Some devices missing\n",
        );
        assert_eq!(all["x"].label, None);
    }
}
