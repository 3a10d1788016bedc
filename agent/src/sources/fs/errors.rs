//! Errors that filesystems counted, and what they do at one.
//!
//! Facts: kernel documents `sysfs-fs-ext4`, `sysfs-fs-btrfs`, `filesystems/xfs` (error handling). ext4 keeps the first and
//! the last error with time and place until the filesystem is checked. XFS counts none: it says only what it would do, and
//! the kernel's log says the rest.

use std::collections::BTreeMap;

use xunjian_proto::ComponentId;

use super::{
    below,
    metrics::{BTRFS_ERRORS, ERROR_TIME, ERRORS, LAST_ERROR, ON_ERROR, WARNINGS},
};
use crate::{
    devices::{self, word},
    mounts::Mount,
    source::Collect,
};

/// Hands over what the filesystem counted.
pub(super) fn read(c: &mut Collect<'_>, id: &ComponentId, mount: &Mount) {
    let on_error = match mount.kind.as_str() {
        "xfs" => xfs(c, mount),
        _ => mount.on_error().map(str::to_owned),
    };
    if let Some(word) = on_error {
        c.state(&ON_ERROR, id, &word);
    }
    if mount.kind.starts_with("ext") {
        ext(c, id, mount);
    }
    if mount.kind == "btrfs" {
        btrfs(c, id, mount);
    }
}

fn ext(c: &mut Collect<'_>, id: &ComponentId, mount: &Mount) {
    let name = below::kernel_name(c.host, mount).unwrap_or_default();
    let file = |file: &str| word(c.host, &format!("sys/fs/ext4/{name}/{file}"));
    let number = |it: &str| {
        let value = devices::number::<f64>(c.host, &format!("sys/fs/ext4/{name}/{it}"));
        value.filter(|it| (0.0..1e12).contains(it))
    };
    let (count, warnings) = (number("errors_count"), number("warning_count"));
    let times = [("first", number("first_error_time")), ("last", number("last_error_time"))];
    let place = last_error(&file);
    if let Some(count) = count {
        c.sample(&ERRORS, id, count);
        // Without errors these are remainders of the superblock.
        if count > 0.0 {
            for (which, time) in times {
                if let Some(time) = time.filter(|it| *it > 0.0) {
                    let attrs = [("system.filesystem.error.which", which)];
                    c.sample_with(&ERROR_TIME, id, &attrs, time);
                }
            }
            if let Some(place) = place {
                c.state(&LAST_ERROR, id, &place);
            }
        }
    }
    if let Some(warnings) = warnings {
        c.sample(&WARNINGS, id, warnings);
    }
}

/// `ext4_lookup:1855 inode 12 block 3400 errno 5`: what of it the kernel tells.
fn last_error(file: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = file("last_error_func")?;
    if let Some(line) = file("last_error_line") {
        text = format!("{text}:{line}");
    }
    for (name, label) in [("ino", "inode"), ("block", "block"), ("errcode", "errno")] {
        if let Some(value) = file(&format!("last_error_{name}")).filter(|it| it != "0") {
            text = format!("{text} {label} {value}");
        }
    }
    Some(text.chars().filter(|it| !it.is_control()).take(200).collect())
}

/// XFS tries metadata again for ever where `max_retries` is -1, and shuts down where the tries come to an end.
fn xfs(c: &Collect<'_>, mount: &Mount) -> Option<String> {
    let name = below::kernel_name(c.host, mount)?;
    let retries = word(c.host, &format!("sys/fs/xfs/{name}/error/metadata/EIO/max_retries"))?;
    let retries: i64 = retries.parse().ok()?;
    Some(if retries < 0 { "retry" } else { "shutdown" }.to_owned())
}

/// Since 5.14: `write_errs 0`, one line a kind, one file a device.
fn btrfs(c: &mut Collect<'_>, id: &ComponentId, mount: &Mount) {
    let Some(dir) = below::btrfs(c.host, mount) else { return };
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    let before = c.host.kept_back();
    for device in c.host.list(&format!("{dir}/devinfo")).unwrap_or_default() {
        let text = c.host.read(&format!("{dir}/devinfo/{device}/error_stats")).unwrap_or_default();
        for line in text.lines() {
            let (kind, count) = line.split_once(' ').unwrap_or((line, ""));
            let (Some(kind), Ok(count)) = (kind.strip_suffix("_errs"), count.trim().parse::<f64>())
            else {
                c.host.misread(&format!("/{dir}/devinfo/{device}/error_stats"), line);
                continue;
            };
            *sums.entry(kind.to_owned()).or_default() += count;
        }
    }
    if c.host.kept_back() > before {
        return; // a sum without one of its devices would look like a reset
    }
    for (kind, sum) in sums {
        c.sample_with(&BTRFS_ERRORS, id, &[("error.type", &kind)], sum);
    }
}
