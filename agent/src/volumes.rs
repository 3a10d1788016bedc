//! The volumes between disks and filesystems: logical volumes, multipath maps and ZFS pools, by what the kernel keeps in
//! sysfs, so that a filesystem stands on its volume and the volume on its disks, whether or not the volume manager's own
//! tools answer.
//!
//! Facts: `dm/uuid` in sysfs as libdevmapper writes it (`LVM-` and the 32 characters each of the group's and the volume's
//! id, then perhaps a layer such as `-tpool`; `mpath-` and the WWID), lvm2's `lib/activate/dev_manager.c` and
//! `lib/metadata/lv_manip.c` for the names of volumes that LVM hides, udev's database for the links of zvols.
//!
//! Invariant: volumes that the volume manager hides (images of a RAID, data of a pool) are looked through, never shown; but
//! for a RAID inside another volume, which is what protects that volume.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Relation};

use crate::{
    devices::{self, word},
    host::Host,
};

/// Layers of devices upon devices that are followed.
const LAYERS_MAX: usize = 12;

/// Volumes told of in one go; a host has hundreds at most.
const VOLUMES_MAX: usize = 4096;

/// A volume and the kernel's device of it, where it has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Volume {
    id: ComponentId,
    device: Option<String>,
}

/// What a device's data lie on directly: its volume if it is one, else the disks and arrays. Takes kernel names and paths
/// below `/dev`, links included.
pub fn below(host: &dyn Host, name: &str) -> Vec<ComponentId> {
    let veritas = name.strip_prefix("/dev/").unwrap_or(name).strip_prefix("vx/dsk/");
    if let Some((group, volume)) = veritas.and_then(|it| it.split_once('/')) {
        return vec![vxvm(group, volume)];
    }
    let mut found = BTreeSet::new();
    follow(host, &kernel_name(host, name), None, LAYERS_MAX, &mut found);
    found.into_iter().map(|it| it.id).collect()
}

/// What lies right under a mapped device: below its own layers, other volumes, disks and arrays.
pub fn under(host: &dyn Host, device: &str) -> Vec<ComponentId> {
    let own = volume(host, device).map(|it| it.id);
    let mut found = BTreeSet::new();
    for slave in slaves(host, device) {
        follow(host, &slave, own.as_ref(), LAYERS_MAX, &mut found);
    }
    found.into_iter().map(|it| it.id).collect()
}

/// Every volume from a device down to its disks, each with what it stands on: the frame that the volume managers' sources
/// fill in, and all that is known where they cannot be asked.
pub fn layers(host: &dyn Host, name: &str) -> Vec<Component> {
    let mut found = BTreeSet::new();
    follow(host, &kernel_name(host, name), None, LAYERS_MAX, &mut found);
    let mut done: BTreeMap<ComponentId, Component> = BTreeMap::new();
    let mut open: Vec<Volume> = found.into_iter().collect();
    while let Some(Volume { id, device }) = open.pop() {
        let Some(device) = device.filter(|_| !done.contains_key(&id)) else { continue };
        if done.len() >= VOLUMES_MAX {
            break;
        }
        let mut under = BTreeSet::new();
        for slave in slaves(host, &device) {
            follow(host, &slave, Some(&id), LAYERS_MAX, &mut under);
        }
        let mut links: Vec<Link> =
            under.iter().map(|it| Link { relation: Relation::On, to: it.id.clone() }).collect();
        links.dedup();
        let name = word(host, &format!("sys/block/{device}/dm/name")).unwrap_or(device);
        let attrs = [("system.device".to_owned(), format!("/dev/mapper/{name}"))].into();
        let name = if id.kind() == "lv" { plain(&name) } else { name };
        done.insert(id.clone(), Component { id, name, attrs, links, set: None });
        open.extend(under);
    }
    done.into_values().collect()
}

/// The kernel's name of a device given by any path below `/dev`: `/dev/disk/by-id/wwn-0x5000…-part1` gives `sda1`. A link
/// that leads nowhere gives the path back, without `/dev/`.
pub fn kernel_name(host: &dyn Host, path: &str) -> String {
    let name = path.strip_prefix("/dev/").unwrap_or(path);
    if !name.contains('/') || name.contains("..") {
        return name.to_owned();
    }
    let target = host.link(&format!("dev/{name}")).ok();
    let last = target.as_deref().and_then(|it| it.trim().rsplit('/').next()).unwrap_or_default();
    if last.is_empty() { name.to_owned() } else { last.to_owned() }
}

/// The component of a logical volume by its UUID, in either spelling: `pNHT39-zeIT-…` of the tools, 32 characters of the
/// kernel.
pub fn lv(uuid: &str) -> Option<ComponentId> {
    let plain: String = uuid.chars().filter(|it| *it != '-').collect();
    let good = plain.len() == 32 && plain.bytes().all(|it| it.is_ascii_alphanumeric());
    good.then(|| ComponentId::new("lv", &dashed(&plain)))
}

/// The component of a multipath map by its WWID.
pub fn multipath(wwid: &str) -> ComponentId {
    ComponentId::new("multipath", wwid)
}

/// The component of a ZFS pool. Its name is the key: it is what mounts and every output of the tools give, no host has two
/// pools of one name, and it lies on the disks.
pub fn zpool(name: &str) -> ComponentId {
    ComponentId::new("zpool", name)
}

/// The component of a volume of Veritas Volume Manager, as `/dev/vx/dsk/GROUP/VOLUME` names it.
pub fn vxvm(group: &str, volume: &str) -> ComponentId {
    ComponentId::new("vxvol", &format!("{group}/{volume}"))
}

/// The component of a Btrfs by its UUID.
pub fn btrfs(uuid: &str) -> ComponentId {
    ComponentId::new("btrfs", &uuid.to_lowercase())
}

/// A logical volume's name without the escapes of LVM: `vg0-my--data` is `vg0/my-data`.
pub(crate) fn plain(name: &str) -> String {
    match parts(name) {
        Some((group, volume, _)) => format!("{group}/{volume}"),
        None => name.to_owned(),
    }
}

fn follow(
    host: &dyn Host,
    name: &str,
    from: Option<&ComponentId>,
    layers: usize,
    found: &mut BTreeSet<Volume>,
) {
    if layers == 0 || found.len() >= VOLUMES_MAX {
        return;
    }
    let name = devices::whole(host, name);
    match volume(host, &name) {
        Some(volume) if Some(&volume.id) != from => {
            found.insert(volume);
        }
        _ if name.starts_with("dm-") || name.starts_with("bcache") => {
            for slave in slaves(host, &name) {
                follow(host, &slave, from, layers - 1, found);
            }
        }
        _ => found.extend(
            devices::stands_on(host, &name).into_iter().map(|id| Volume { id, device: None }),
        ),
    }
}

fn slaves(host: &dyn Host, name: &str) -> Vec<String> {
    host.list(&format!("sys/block/{name}/slaves")).unwrap_or_default()
}

/// The volume that a device is, if it is one that people know.
fn volume(host: &dyn Host, name: &str) -> Option<Volume> {
    if name.starts_with("zd") {
        return zvol(host, name).map(|pool| Volume { id: zpool(&pool), device: None });
    }
    if !name.starts_with("dm-") {
        return None;
    }
    let uuid = word(host, &format!("sys/block/{name}/dm/uuid"))?;
    let id = if let Some(rest) = uuid.strip_prefix("LVM-") {
        let label = word(host, &format!("sys/block/{name}/dm/name")).unwrap_or_default();
        if is_hidden(&label) && !is_raid(host, name) {
            return None;
        }
        lv(rest.get(32..64)?)?
    } else if uuid.starts_with("VDO-") {
        ComponentId::new("dm", &uuid)
    } else {
        multipath(uuid.strip_prefix("mpath-")?)
    };
    Some(Volume { id, device: Some(name.to_owned()) })
}

/// The pool of a zvol, from udev's links: `S:zvol/tank/vm1`.
fn zvol(host: &dyn Host, name: &str) -> Option<String> {
    let numbers = word(host, &format!("sys/block/{name}/dev"))?;
    let text = host.read(&format!("run/udev/data/b{numbers}")).ok()?;
    let link = text.lines().find_map(|line| line.strip_prefix("S:zvol/"))?;
    link.split('/').next().filter(|it| !it.is_empty()).map(str::to_owned)
}

/// Whether a volume is a RAID or mirror, hidden in another or not: its images lie right below it.
fn is_raid(host: &dyn Host, name: &str) -> bool {
    slaves(host, name).iter().any(|slave| {
        let label = word(host, &format!("sys/block/{slave}/dm/name")).unwrap_or_default();
        label.contains("_rimage_") || label.contains("_mimage_")
    })
}

/// Whether LVM hides a volume from people: parts of RAID, thin pools, caches, mirrors, VDO and integrity.
fn is_hidden(mapped: &str) -> bool {
    const PARTS: [&str; 15] = [
        "_rimage_", "_rmeta_", "_mimage_", "_mlog", "_tdata", "_tmeta", "_cdata", "_cmeta",
        "_corig", "_cvol", "_vdata", "_vorigin", "_imeta", "_iorig", "_pmspare",
    ];
    let Some((_, volume, _)) = parts(mapped) else { return false };
    PARTS.iter().any(|it| volume.contains(it))
}

/// Group, volume and layer of LVM's name for a mapped device, where `-` parts them and `--` stands for itself.
fn parts(name: &str) -> Option<(String, String, Option<String>)> {
    let mut all = vec![String::new()];
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '-' && letters.next_if_eq(&'-').is_none() {
            all.push(String::new());
        } else if let Some(last) = all.last_mut() {
            last.push(letter);
        }
    }
    let mut all = all.into_iter();
    let (group, volume, layer) = (all.next()?, all.next()?, all.next());
    (!group.is_empty() && !volume.is_empty() && all.next().is_none())
        .then_some((group, volume, layer))
}

/// `6-4-4-4-4-4-6`, as LVM prints ids.
fn dashed(plain: &str) -> String {
    let ends = [6, 10, 14, 18, 22, 26, 32];
    let mut from = 0;
    let mut groups = Vec::new();
    for end in ends {
        groups.push(plain.get(from..end).unwrap_or_default());
        from = end;
    }
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_mapped_devices_are_taken_apart() {
        assert_eq!(plain("vg0-my--data"), "vg0/my-data");
        assert_eq!(plain("vg--a-lv"), "vg-a/lv");
        assert_eq!(plain("mpatha"), "mpatha");
        assert!(is_hidden("vg0-data_rimage_0") && is_hidden("vg0-pool_tmeta"));
        assert!(!is_hidden("vg0-data") && !is_hidden("vg0-pool-tpool"));
    }

    #[test]
    fn both_spellings_of_a_volume_id_are_one() {
        let tool = lv("pNHT39-zeIT-zJfy-Cwh6-GRKM-yyVc-1UiNaN");
        assert_eq!(lv("pNHT39zeITzJfyCwh6GRKMyyVc1UiNaN"), tool);
        assert!(tool.is_some_and(|it| it.key().starts_with("pNHT39-zeIT-")));
        assert_eq!(lv("short"), None);
    }
}
