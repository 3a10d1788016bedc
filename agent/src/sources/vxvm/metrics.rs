//! Everything that the source emits.

use crate::source::Metric;

pub(super) const SIZE: Metric =
    Metric::gauge("vxvm.volume.limit", "By", "卷容量", "Size of the volume.");
pub(super) const MISSING: Metric = Metric::gauge(
    "vxvm.volume.missing",
    "{disk}",
    "失效或未同步的 plex 或列数",
    "Plexes of a mirror or columns of a RAID-5 that are lost or not in sync.",
);
pub(super) const SPARES: Metric = Metric::gauge(
    "vxvm.group.spares",
    "{disk}",
    "磁盘组热备盘数",
    "Disks of the group that are set aside as hot-relocation spares.",
);
pub(super) const KERNEL: Metric = Metric::word(
    "vxvm.volume.kernel_state",
    "卷内核状态",
    "enabled: serves; detached: maintenance only; disabled: cannot be reached.",
);
pub(super) const STATE: Metric = Metric::word(
    "vxvm.volume.state",
    "卷状态",
    "active, clean, sync, needsync, empty, invalid, replay, badlog, degraded and others, as vxprint says.",
);
pub(super) const DISK: Metric = Metric::word(
    "vxvm.disk.state",
    "VxVM 磁盘状态",
    "online, failing, failed, error, offline, spare, foreign (of a group that is not imported here), unused, unknown.",
);
pub(super) const GROUP: Metric = Metric::word(
    "vxvm.group.state",
    "磁盘组状态",
    "enabled, disabled (no configuration copy can be written), deported.",
);
