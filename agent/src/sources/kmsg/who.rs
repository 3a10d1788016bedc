//! To whom a line of the kernel's log happened, and the numbers in it.

use std::collections::BTreeMap;

use xunjian_proto::ComponentId;

use super::{Disks, controller, table::Who};
use crate::{
    devices::{self, word},
    host::Host,
    sources::{fs, lustre},
};

/// The component of a line, with the decoded parts; none if the line is about something that is no hardware of the
/// host (an optical drive, a loop device).
pub(super) fn find(
    host: &dyn Host,
    disks: &Disks,
    who: Who,
    text: &str,
) -> Option<(ComponentId, BTreeMap<String, String>)> {
    let mut attrs = numbers(text);
    let host_itself = ComponentId::host;
    let id = match who {
        Who::Host => host_itself(),
        Who::Dev => {
            let name = device_name(text)?;
            attrs.insert("system.device".to_owned(), name.to_owned());
            of_device(host, disks, name)?
        }
        Who::Journal => filesystem(host, Some(journal_device(text)?), &mut attrs),
        Who::Scsi => {
            let name = scsi_name(host, text);
            // QEMU's MegaRAID makes a healthy boot log hardware errors.
            let vendor =
                name.as_deref().and_then(|it| word(host, &format!("sys/block/{it}/device/vendor")));
            if text.contains("Hardware Error") && vendor.as_deref() == Some("QEMU") {
                return None;
            }
            named(host, disks, name, &mut attrs)
        }
        Who::Ata => {
            let port: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
            if port.strip_prefix("ata").is_none_or(|it| it.parse::<u32>().is_err()) {
                return None;
            }
            attrs.insert("hw.port".to_owned(), port.clone());
            named(host, disks, behind(host, &format!("/{port}/")), &mut attrs)
        }
        Who::Nvme => {
            let name = text.split("nvme nvme").nth(1).map(|rest| {
                let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
                format!("nvme{number}n1")
            });
            let slot = || text.split("nvme 0000:").nth(1)?.split(": ").next();
            let name = name.or_else(|| behind(host, &format!("/0000:{}/", slot()?)));
            named(host, disks, name, &mut attrs)
        }
        Who::Array => array(host, text, &mut attrs),
        Who::Member => {
            let name = text.split("non-fresh ").nth(1).and_then(|it| it.split_whitespace().next());
            named(host, disks, name.map(str::to_owned), &mut attrs)
        }
        Who::Filesystem => filesystem(host, filesystem_device(text), &mut attrs),
        Who::Port => port(host, text)?,
        // All paths of a unit lead to one disk: a port that is gone would be told once a unit.
        Who::Path => {
            let numbers =
                text.split("Failing path ").nth(1).map(|it| it.trim_end_matches('.').trim());
            let link = numbers.and_then(|it| host.link(&format!("sys/dev/block/{it}")).ok());
            if let Some(name) = link.as_deref().and_then(|it| it.rsplit('/').next()) {
                attrs.insert("system.device".to_owned(), name.to_owned());
            }
            host_itself()
        }
        Who::Controller => controller::controller(host, text, &mut attrs),
        Who::Pci => controller::device(text),
        Who::FcPort => controller::fc_port(host, text),
        Who::Zpool => {
            let name = text.split("Pool '").nth(1).and_then(|it| it.split('\'').next());
            name.map_or_else(host_itself, |it| ComponentId::new("zpool", it))
        }
        Who::Target => target(text, &mut attrs).unwrap_or_else(host_itself),
    };
    Some((id, attrs))
}

/// `..., dev sda, sector 4660`.
fn device_name(text: &str) -> Option<&str> {
    let name = text.split(", dev ").nth(1)?.split([',', ' ', '\n']).next()?;
    Some(name).filter(|it| !it.is_empty())
}

/// `Aborting journal on device sda1-8.`, `... flushing file data on sda1-8`: the last word; the number is the journal's inode; `dm-0-8` keeps its first one.
fn journal_device(text: &str) -> Option<&str> {
    let name = text.trim_end().trim_end_matches('.').rsplit(' ').next()?;
    name.rsplit_once('-').map(|it| it.0).filter(|it| !it.is_empty())
}

/// The device of `EXT4-fs (sda1): ...` and `EXT4-fs error (device sda1): ...`.
fn filesystem_device(text: &str) -> Option<&str> {
    let inner = text.split('(').nth(1)?;
    let name = inner.split([')', ' ', ':']).find(|it| *it != "device")?;
    Some(name).filter(|it| !it.is_empty())
}

/// The disk or array of a device name; none for devices without hardware.
fn of_device(host: &dyn Host, disks: &Disks, name: &str) -> Option<ComponentId> {
    let whole = devices::whole(host, name);
    if whole.starts_with("md") {
        return Some(devices::md(host, &whole).id);
    }
    if devices::is_disk(&whole) {
        return Some(disks.id(host, &whole));
    }
    match &devices::stands_on(host, &whole)[..] {
        [one] => Some(one.clone()),
        // Several disks: the line does not say which.
        [_, _, ..] => Some(ComponentId::host()),
        [] => None,
    }
}

fn named(
    host: &dyn Host,
    disks: &Disks,
    name: Option<String>,
    attrs: &mut BTreeMap<String, String>,
) -> ComponentId {
    let Some(name) = name else { return ComponentId::host() };
    let id = of_device(host, disks, &name).unwrap_or_else(ComponentId::host);
    attrs.insert("system.device".to_owned(), name);
    id
}

/// `sd 0:0:0:0: [sda] tag#0 ...` names it; `hpsa 0000:03:00.0: scsi 0:1:0:0: ...` has only the address.
fn scsi_name(host: &dyn Host, text: &str) -> Option<String> {
    let bracket = text.split('[').nth(1).and_then(|it| it.split_once(']')).map(|it| it.0);
    if let Some(name) = bracket.filter(|it| it.starts_with("sd")) {
        return Some(name.to_owned());
    }
    let words = text.split_whitespace().map(|it| it.trim_end_matches([':', ',', '.']));
    let mut addresses = words.filter(|word| {
        let numbers = word.split(':').filter(|it| it.parse::<u32>().is_ok()).count();
        numbers == 4 && word.matches(':').count() == 3
    });
    behind(host, &format!("/{}/", addresses.next()?))
}

/// The disk whose way through the hardware has this part.
fn behind(host: &dyn Host, part: &str) -> Option<String> {
    let names = host.list("sys/block").ok()?;
    names
        .into_iter()
        .find(|it| host.link(&format!("sys/block/{it}")).is_ok_and(|it| it.contains(part)))
}

/// `md/raid1:md0: Disk failure on sdb1, disabling device.`
fn array(host: &dyn Host, text: &str, attrs: &mut BTreeMap<String, String>) -> ComponentId {
    let member = text.split(" on ").nth(1).and_then(|it| it.split([',', ' ', ')', ';']).next());
    if let Some(member) = member.filter(|it| !it.is_empty()) {
        attrs.insert("md.member.name".to_owned(), member.to_owned());
    }
    let name = text.split("md/raid").nth(1).and_then(|it| it.split(':').nth(1)).map(str::trim);
    match name.filter(|it| it.starts_with("md")) {
        Some(name) => {
            attrs.insert("system.device".to_owned(), name.to_owned());
            let identity = devices::md(host, name);
            if !identity.stable {
                attrs.insert("identity".to_owned(), "unstable".to_owned());
            }
            identity.id
        }
        None => ComponentId::host(),
    }
}

/// The mounted filesystem on a device. One that is not mounted any more, or that only a saved log tells of, has no
/// other name than its device: the fault is the filesystem's and not that of the disk below it.
fn filesystem(
    host: &dyn Host,
    name: Option<&str>,
    attrs: &mut BTreeMap<String, String>,
) -> ComponentId {
    let Some(name) = name else { return ComponentId::host() };
    attrs.insert("system.device".to_owned(), name.to_owned());
    let point = fs::mount_point(host, name);
    ComponentId::new("filesystem", point.as_deref().unwrap_or(name))
}

/// The target of Lustre that a line names: `... evicted by lfs-OST0001; ...`, `... ns: filter-lfs-OST0001_UUID ...`.
fn target(text: &str, attrs: &mut BTreeMap<String, String>) -> Option<ComponentId> {
    let mut words = text.split([' ', ':', ',', ';', '(', ')', '>']).filter(|it| !it.is_empty());
    // `(at 10.0.0.9@tcp)`, `evicting client at 10.0.0.9@o2ib`: the other end.
    let nid = text.split("at ").skip(1).find_map(|it| {
        let word = it.split([' ', ')', ';']).next()?;
        (word.contains('@') && word.len() <= 64).then(|| word.to_owned())
    });
    if let Some(nid) = nid {
        attrs.insert("lustre.peer.nid".to_owned(), nid);
    }
    words.find_map(lustre::target_in)
}

/// The interface that a word of the line names; none if the host has none of that name. A saved log has no list of
/// interfaces: there a word counts that has the form of a name and stands before a colon.
fn port(host: &dyn Host, text: &str) -> Option<ComponentId> {
    let known = host.list("sys/class/net").unwrap_or_default();
    let mut words = text.split([' ', ':', '(', ')', ',']).filter(|it| !it.is_empty());
    // The port comes after its bond: `bond0: (slave eth1): link status definitely down`.
    let slave = text.split("(slave ").nth(1).and_then(|it| it.split(')').next());
    let member = text.split("for interface ").nth(1).and_then(|it| it.split([',', ' ']).next());
    let name = match slave.or(member) {
        Some(name) => name,
        None if known.is_empty() => words.find(|it| is_port_name(it))?,
        None => words.find(|word| known.iter().any(|it| it == word))?,
    };
    Some(ComponentId::new("netif", name))
}

/// `eth0`, `eno1`, `enp94s0f1np1`, `p2p1`, `ib0`, `bond0`: the forms of systemd.net-naming-scheme(7) and of the kernel.
fn is_port_name(word: &str) -> bool {
    let begins = ["eth", "en", "em", "p", "ib", "bond", "team", "wl"];
    let rest = begins.iter().find_map(|it| word.strip_prefix(it));
    let valid = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    rest.is_some_and(|it| it.chars().all(valid) && it.contains(|it: char| it.is_ascii_digit()))
        && word.len() <= 15
}

/// Sector, process and so on.
fn numbers(text: &str) -> BTreeMap<String, String> {
    let mut attrs = BTreeMap::new();
    let digits = |rest: &str| -> Option<String> {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty() && digits.len() <= 20).then_some(digits)
    };
    let after = |start: &str| text.split(start).nth(1);
    if let Some(sector) = after(", sector ").and_then(digits) {
        attrs.insert("sector".to_owned(), sector);
    }
    if let Some(rest) = after("Killed process ") {
        // `Killed process 123 (java) total-vm:...`, with a comma before the bracket in 3.10.
        if let Some(pid) = digits(rest) {
            attrs.insert("process.pid".to_owned(), pid);
        }
        if let Some((name, _)) = rest.split_once('(').and_then(|it| it.1.split_once(')')) {
            attrs.insert("process.executable.name".to_owned(), name.to_owned());
        }
    }
    let task = after("INFO: task ").and_then(|it| it.split_once(" blocked")).map(|it| it.0);
    if let Some((name, pid)) = task.and_then(|it| it.rsplit_once(':')) {
        attrs.insert("process.executable.name".to_owned(), name.to_owned());
        attrs.insert("process.pid".to_owned(), pid.to_owned());
    }
    // `EDAC MC0: 3 CE memory read error on DIMM_A1 (...)`.
    let edac = after("EDAC MC").and_then(|it| it.split_once(": ")).map(|it| it.1);
    if let Some(count) = edac.and_then(digits) {
        attrs.insert("hw.errors".to_owned(), count);
    }
    let label =
        edac.and_then(|it| it.split_once(" on ")).and_then(|it| it.1.split_whitespace().next());
    if let Some(label) = label {
        attrs.insert("hw.memory.label".to_owned(), label.to_owned());
    }
    if let Some(server) = after("nfs: server ").and_then(|it| it.split_whitespace().next()) {
        attrs.insert("server.address".to_owned(), server.to_owned());
    }
    attrs
}
