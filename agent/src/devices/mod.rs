//! From a kernel's device name (`sda1`, `dm-3`, `nvme0n1`) to the components that do not change their names.
//!
//! Facts: kernel documents `sysfs-block`, `sysfs-block-dm`, `sysfs-bus-scsi` (vpd_pg80), `sysfs-class-nvme`, and udev's
//! database in `/run/udev/data`, for kernels that lack the first ones. A disk's key is its serial number, because that
//! is also what smartctl sees behind a RAID controller, and what stands on the drive that an engineer pulls.
//!
//! Invariant: a name such as `sda` becomes a key only with `stable = false`.

use std::str::FromStr;

use xunjian_proto::ComponentId;

use crate::host::Host;

mod shared;

pub use shared::{is_shared, shared};

/// Who a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its component.
    pub id: ComponentId,
    /// Whether the id survives a reboot and a change of slots.
    pub stable: bool,
    /// Serial number, WWN or UUID that the id was made from.
    pub key: Option<String>,
    /// Its serial number; the key as well, unless it cannot tell disks apart.
    pub serial: Option<String>,
}

/// How an array is asked for its UUID, where neither sysfs nor udev knows it: part of every source that asks what
/// devices stand on.
pub const MDADM_EXPORT: &str = "mdadm --detail --export {device}";

/// Layers of devices upon devices that are followed: partition, LVM, dm-crypt, md, multipath and disk make six.
const LAYERS_MAX: usize = 10;

/// The component of a disk known by its serial number or, failing that, its WWN; by its device name as a last resort.
pub fn disk_identity(serial: Option<&str>, wwn: Option<&str>, name: &str) -> Identity {
    let serial = serial.and_then(plain_key);
    let key = serial.clone().or_else(|| wwn.and_then(plain_key));
    let id = ComponentId::new("disk", key.as_deref().unwrap_or(name));
    Identity { id, stable: key.is_some(), key, serial }
}

/// The component of a namespace of an NVMe drive: several share a serial number, and the first one stands for the drive.
pub fn of_namespace(drive: Identity, nsid: Option<&str>) -> Identity {
    match nsid.filter(|it| *it != "1" && drive.stable) {
        Some(nsid) => Identity {
            id: ComponentId::new("disk", &format!("{}-ns{nsid}", drive.id.key())),
            ..drive
        },
        None => drive,
    }
}

/// The number of a namespace from its file.
pub fn nsid(host: &dyn Host, path: &str) -> Option<String> {
    number::<u32>(host, path).map(|it| it.to_string())
}

/// The component of a whole disk by its kernel name. Reads a handful of small sysfs files.
pub fn disk(host: &dyn Host, name: &str) -> Identity {
    let serial = serial(host, name);
    let by_serial = disk_identity(serial.as_deref(), None, name);
    let number = || nsid(host, &format!("sys/block/{name}/nsid"));
    let by_serial = match name.starts_with("nvme") && by_serial.stable {
        true => of_namespace(by_serial, number().as_deref()),
        false => by_serial,
    };
    if by_serial.stable && !is_shared(host, by_serial.id.key()) {
        return by_serial;
    }
    let known = disk_identity(None, wwn(host, name).as_deref(), name);
    Identity { serial: by_serial.serial, ..known }
}

fn serial(host: &dyn Host, name: &str) -> Option<String> {
    let sys = |file: &str| word(host, &format!("sys/block/{name}/{file}"));
    sys("device/serial")
        .or_else(|| sys("serial"))
        .or_else(|| vpd_serial(host, name))
        .or_else(|| udev(host, name, &["ID_SCSI_SERIAL", "ID_SERIAL_SHORT"]))
}

fn wwn(host: &dyn Host, name: &str) -> Option<String> {
    let sys = |file: &str| word(host, &format!("sys/block/{name}/{file}"));
    sys("wwid")
        .or_else(|| sys("device/wwid"))
        .or_else(|| udev(host, name, &["ID_WWN_WITH_EXTENSION", "ID_WWN"]))
}

/// The component of an md array by its kernel name (`md127`).
pub fn md(host: &dyn Host, name: &str) -> Identity {
    let uuid = word(host, &format!("sys/block/{name}/md/uuid"))
        .or_else(|| udev(host, name, &["MD_UUID"]))
        .or_else(|| mdadm_uuid(host, name));
    md_of(uuid.as_deref(), name)
}

/// The component of an md array by its UUID, in either spelling; by its kernel name as a last resort.
pub fn md_of(uuid: Option<&str>, name: &str) -> Identity {
    let key = uuid.and_then(md_uuid);
    let id = ComponentId::new("md", key.as_deref().unwrap_or(name));
    Identity { id, stable: key.is_some(), key, serial: None }
}

/// The components that data on this device lie on: one disk or array, several for LVM and the like, the filesystem of
/// its file for a loop device; none if the device is of a kind without hardware (zram, a network block device). Takes
/// `/dev/` names and bare ones.
pub fn stands_on(host: &dyn Host, name: &str) -> Vec<ComponentId> {
    let mut found = Vec::new();
    follow(host, name, LAYERS_MAX, &mut found);
    found.sort();
    found.dedup();
    found
}

/// The whole disk, array or mapping that a device name belongs to: `sda1` gives `sda`, `nvme2c2n1` gives `nvme2n1`.
pub fn whole(host: &dyn Host, name: &str) -> String {
    let name = name.strip_prefix("/dev/").unwrap_or(name);
    let known = host.list("sys/block").unwrap_or_default();
    if known.iter().any(|it| it == name) && !is_path(name) {
        return name.to_owned();
    }
    if let Some(mapped) = name.strip_prefix("mapper/") {
        let dm = known.iter().find(|it| {
            word(host, &format!("sys/block/{it}/dm/name")).is_some_and(|found| found == mapped)
        });
        return dm.map_or_else(|| name.to_owned(), Clone::clone);
    }
    let parent = known
        .iter()
        .filter(|it| name.strip_prefix(it.as_str()).is_some_and(|rest| is_partition(it, rest)))
        .max_by_key(|it| it.len());
    parent.map_or_else(|| whole_by_name(name), Clone::clone)
}

/// Whether a block device is a disk: not a partition, mapping, array, loop, RAM or optical device, nor the hidden path
/// of a multipath NVMe, which would count the same disk twice.
pub fn is_disk(name: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "dm-", "drbd", "fd", "loop", "md", "nbd", "nullb", "ram", "rbd", "sr", "bcache", "zd",
        "zram", "mtdblock",
    ];
    let boot_area = name.starts_with("mmcblk") && (name.contains("boot") || name.contains("rpmb"));
    !boot_area && !is_path(name) && !OTHERS.iter().any(|it| name.starts_with(it))
}

/// For text that came without its sysfs: the names that hardware has, and arrays'.
fn is_disk_by_name(name: &str) -> bool {
    const KINDS: [&str; 7] = ["hd", "md", "mmcblk", "nvme", "sd", "vd", "xvd"];
    KINDS.iter().any(|it| name.starts_with(it)) && !name.contains(['/', ':'])
}

/// A serial number, WWN or the like if it can tell two devices apart; placeholders and blanks cannot.
pub fn plausible_key(text: &str) -> Option<String> {
    let key = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let key: String = key.chars().filter(|it| !it.is_control() && *it != '\u{fffd}').collect();
    let lower = key.to_lowercase();
    let first = key.chars().next()?;
    let uniform = key.chars().all(|it| it == first || it == '0');
    let placeholder = [
        "unknown",
        "n/a",
        "none",
        "null",
        "(null)",
        "not specified",
        "default string",
        "0123456789",
        "permission denied",
    ];
    // Several lines, or what has brackets as JSON and HTML have, is something else that was said in its place.
    let strange = text.trim().contains('\n') || key.contains(['<', '>', '{', '}']) || key == "[]";
    let tells = !uniform && !strange && !placeholder.contains(&lower.as_str());
    (key.len() <= 128 && tells).then_some(key)
}

/// Array UUIDs are written in two ways (`a:b:c:d` by mdadm, `a-b-c-d-e` by the kernel); this gives mdadm's.
fn md_uuid(text: &str) -> Option<String> {
    let hex: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let hex = hex.to_lowercase();
    if hex.len() != 32 || hex.bytes().all(|it| it == b'0') {
        return None;
    }
    Some(format!("{}:{}:{}:{}", &hex[..8], &hex[8..16], &hex[16..24], &hex[24..]))
}

/// [`plausible_key`] of what by all standards is ASCII; words with a colon behind them are a complaint.
pub fn plain_key(text: &str) -> Option<String> {
    plausible_key(text).filter(|it| it.is_ascii() && !it.contains(": "))
}

fn mdadm_uuid(host: &dyn Host, name: &str) -> Option<String> {
    let argv = ["mdadm", "--detail", "--export", &format!("/dev/{name}")];
    let text = host.run(&argv).ok()?.ok(&argv).ok()?;
    if !text.contains("MD_") {
        host.misread(&format!("`{}`", argv.join(" ")), &text);
    }
    text.lines().find_map(|line| line.strip_prefix("MD_UUID=").map(str::to_owned))
}

fn follow(host: &dyn Host, name: &str, layers: usize, found: &mut Vec<ComponentId>) {
    if layers == 0 {
        return;
    }
    let name = whole(host, name);
    let known = host.list("sys/block").unwrap_or_default();
    let there = if known.is_empty() { is_disk_by_name(&name) } else { known.contains(&name) };
    if !there {
        return; // a pool's or a server's name, not a device's
    }
    if name.starts_with("md") {
        return found.push(md(host, &name).id);
    }
    if is_disk(&name) {
        return found.push(disk(host, &name).id);
    }
    if name.starts_with("loop") {
        return found.extend(under_loop(host, &name));
    }
    for slave in host.list(&format!("sys/block/{name}/slaves")).unwrap_or_default() {
        follow(host, &slave, layers - 1, found);
    }
}

/// A loop device stands on the filesystem that its file lies on. Its name is the path of the file, with a mark if that was
/// deleted (kernel document sysfs-block-loop).
fn under_loop(host: &dyn Host, name: &str) -> Option<ComponentId> {
    let file = word(host, &format!("sys/block/{name}/loop/backing_file"))?;
    let mounts = host.read("proc/self/mountinfo").ok()?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    let holds = |point: &&str| {
        file.strip_prefix(point.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    };
    let point = points.filter(holds).max_by_key(|it| it.len())?;
    Some(ComponentId::new("filesystem", point))
}

/// `nvme0c1n1` is the hidden path device of `nvme0n1`.
fn is_path(name: &str) -> bool {
    name.strip_prefix("nvme").is_some_and(|rest| rest.contains('c'))
}

fn is_partition(whole: &str, rest: &str) -> bool {
    let numbered = whole.ends_with(|it: char| it.is_ascii_digit());
    let number = if numbered { rest.strip_prefix('p') } else { Some(rest) };
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

/// By the kernel's naming rules alone, for text that came without its sysfs.
fn whole_by_name(name: &str) -> String {
    let stem = name.trim_end_matches(|it: char| it.is_ascii_digit());
    // Not `nvme-eui.0025...`, a name below /dev/disk/by-id.
    let nvme =
        name.strip_prefix("nvme").filter(|it| it.starts_with(|it: char| it.is_ascii_digit()));
    if let Some(rest) = nvme {
        let rest = rest.split_once('p').map_or(rest, |(head, _)| head);
        let (controller, tail) = rest.split_once('c').unwrap_or((rest, ""));
        let namespace = tail.split_once('n').map(|(_, it)| format!("n{it}")).unwrap_or_default();
        return format!("nvme{controller}{namespace}");
    }
    let letters = ["sd", "hd", "vd", "xvd"];
    if letters.iter().any(|it| stem.starts_with(it)) {
        return stem.to_owned();
    }
    match stem.strip_suffix('p') {
        Some(head) if head.ends_with(|it: char| it.is_ascii_digit()) => head.to_owned(),
        _ => name.to_owned(),
    }
}

/// VPD page 0x80: four bytes of header, then the unit's serial number in ASCII.
fn vpd_serial(host: &dyn Host, name: &str) -> Option<String> {
    let page = host.read(&format!("sys/block/{name}/device/vpd_pg80")).ok()?;
    if page.trim().contains("\r\n") || page.starts_with(|it: char| it.is_ascii_graphic()) {
        host.misread(&format!("/sys/block/{name}/device/vpd_pg80"), &page);
        return None;
    }
    let serial: String = page.chars().skip(4).filter(|it| !it.is_control()).collect();
    Some(serial.trim().to_owned()).filter(|it| !it.is_empty())
}

fn udev(host: &dyn Host, name: &str, keys: &[&str]) -> Option<String> {
    let numbers = word(host, &format!("sys/block/{name}/dev"))?;
    let text = host.read(&format!("run/udev/data/b{numbers}")).ok()?;
    let value = |key: &&str| {
        text.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('='))
    };
    keys.iter().find_map(value).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
}

/// A small file's content without white space at the ends; none if it is empty or cannot be read. Several lines are none
/// of these files': they are noted as a gap of the run.
pub fn word(host: &dyn Host, path: &str) -> Option<String> {
    let text = host.read(path).ok()?;
    let text = text.trim_matches(|it: char| it.is_whitespace() || it == '\0');
    if text.contains('\n') {
        host.misread(&format!("/{path}"), text);
        return None;
    }
    Some(text.to_owned()).filter(|it| !it.is_empty())
}

/// [`word`] as `read` understands it; a text that it does not understand is noted as a gap of the run.
pub fn known<T>(host: &dyn Host, path: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let text = word(host, path)?;
    let value = read(&text);
    if value.is_none() {
        host.misread(&format!("/{path}"), &text);
    }
    value
}

/// The number in a small file; a text that is none is noted as a gap of the run.
pub fn number<T: FromStr>(host: &dyn Host, path: &str) -> Option<T> {
    known(host, path, |it| it.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_serial_numbers() {
        for bad in
            ["", "   ", "0000000000", "unknown", "N/A", "\0\0", "ffffffff", "null", "{}", "[]"]
        {
            assert_eq!(plausible_key(bad), None, "{bad:?}");
        }
        for bad in ["<html>502</html>", "Usage: tool\n  -h help", "Permission denied\n"] {
            assert_eq!(plausible_key(bad), None, "{bad:?}");
        }
        for bad in ["sh: 1: tool: not found", "错误", "Fehler: unzulässig"] {
            assert!(!disk_identity(Some(bad), Some(bad), "sda").stable, "{bad:?}");
        }
        assert_eq!(plausible_key("  WD-WCC4N  1 "), Some("WD-WCC4N 1".to_owned()));
    }

    #[test]
    fn partitions_and_paths_are_undone_by_name() {
        for (name, disk) in [
            ("sdaa12", "sdaa"),
            ("nvme0n1p2", "nvme0n1"),
            ("nvme2c2n1", "nvme2n1"),
            ("nvme12n3", "nvme12n3"),
            ("nvme-eui.0025385b21404abc", "nvme-eui.0025385b21404abc"),
            ("mmcblk0p1", "mmcblk0"),
            ("md127", "md127"),
            ("md127p1", "md127"),
            ("vda", "vda"),
            ("dm-3", "dm-3"),
        ] {
            assert_eq!(whole_by_name(name), disk);
        }
    }

    #[test]
    fn both_spellings_of_an_array_uuid_are_one() {
        let ours = Some("12345678:9abcdef0:12345678:9abcdef1".to_owned());
        assert_eq!(md_uuid("12345678:9ABCDEF0:12345678:9abcdef1"), ours);
        assert_eq!(md_uuid("12345678-9abc-def0-1234-56789abcdef1"), ours);
        assert_eq!(md_uuid("00000000-0000-0000-0000-000000000000"), None);
    }
}
