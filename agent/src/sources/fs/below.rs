//! What a mounted filesystem lies on, and the volumes on the way down.
//!
//! Facts: kernel documents `sysfs-fs-btrfs` and `sysfs-block-dm`. A ZFS stands on its pool and a Btrfs on itself as a set
//! of devices, which their own sources describe; here the devices are named too, for hosts where those cannot be read.

use xunjian_proto::{Component, ComponentId, Link, Relation};

use crate::{devices, host::Host, mounts::Mount, volumes};

/// The volumes, disks and arrays that it lies on directly.
pub(super) fn of(host: &dyn Host, mount: &Mount) -> Vec<ComponentId> {
    if mount.kind == "zfs" {
        return mount.source.split('/').next().map(volumes::zpool).into_iter().collect();
    }
    if let Some(set) = btrfs_set(host, mount) {
        return vec![set.id];
    }
    match kernel_name(host, mount) {
        Some(name) => volumes::below(host, &name),
        None => Vec::new(),
    }
}

/// The volumes between the filesystem and its disks.
pub(super) fn layers(host: &dyn Host, mount: &Mount) -> Vec<Component> {
    if let Some(dir) = btrfs(host, mount).filter(|_| mount.kind == "btrfs") {
        let devices = host.list(&format!("{dir}/devices")).unwrap_or_default();
        let mut all: Vec<Component> =
            devices.iter().flat_map(|it| volumes::layers(host, it)).collect();
        all.extend(btrfs_set(host, mount));
        return all;
    }
    kernel_name(host, mount).map(|it| volumes::layers(host, &it)).unwrap_or_default()
}

/// `sda1`: by the device's numbers, else by the source's name (a filesystem without numbers of its own).
pub(super) fn kernel_name(host: &dyn Host, mount: &Mount) -> Option<String> {
    let by_numbers = host.link(&format!("sys/dev/block/{}", mount.numbers)).ok();
    let by_numbers = by_numbers.as_deref().and_then(|it| it.rsplit('/').next()).map(str::to_owned);
    by_numbers.or_else(|| mount.source.strip_prefix("/dev/").map(str::to_owned))
}

/// `sys/fs/btrfs/UUID` of the filesystem that has this device.
pub(super) fn btrfs(host: &dyn Host, mount: &Mount) -> Option<String> {
    let name = mount.source.strip_prefix("/dev/")?;
    let name =
        if name.starts_with("mapper/") { devices::whole(host, name) } else { name.to_owned() };
    let all = host.list("sys/fs/btrfs").ok()?;
    let mut dirs = all.iter().map(|it| format!("sys/fs/btrfs/{it}"));
    dirs.find(|dir| host.list(&format!("{dir}/devices")).is_ok_and(|it| it.contains(&name)))
}

/// The Btrfs that is mounted here, on its devices.
fn btrfs_set(host: &dyn Host, mount: &Mount) -> Option<Component> {
    let dir = btrfs(host, mount).filter(|_| mount.kind == "btrfs")?;
    let uuid = dir.rsplit('/').next()?;
    let devices = host.list(&format!("{dir}/devices")).unwrap_or_default();
    let mut under: Vec<ComponentId> =
        devices.iter().flat_map(|it| volumes::below(host, it)).collect();
    under.sort();
    under.dedup();
    let links = under.into_iter().map(|to| Link { relation: Relation::On, to }).collect();
    Some(Component {
        id: volumes::btrfs(uuid),
        name: mount.point.clone(),
        attrs: [("btrfs.uuid".to_owned(), uuid.to_owned())].into(),
        links,
        set: None,
    })
}
