//! Everything that the source emits.

use crate::source::Metric;

pub(super) const DATA: Metric = Metric::gauge(
    "lvm.lv.data.utilization",
    "1",
    "精简池或快照数据使用率",
    "Share of the data space of a thin pool, VDO pool or snapshot in use.",
);
pub(super) const METADATA: Metric = Metric::gauge(
    "lvm.lv.metadata.utilization",
    "1",
    "精简池元数据使用率",
    "Share of the metadata space of a thin or cache pool in use.",
);
pub(super) const SIZE: Metric =
    Metric::gauge("lvm.lv.limit", "By", "逻辑卷容量", "Size of the logical volume.");
pub(super) const MISSING: Metric = Metric::gauge(
    "lvm.lv.missing",
    "{disk}",
    "RAID 逻辑卷失效或未同步成员数",
    "Images of a RAID volume that are lost or not in sync.",
);
pub(super) const TOLERANCE: Metric = Metric::gauge(
    "lvm.lv.tolerance",
    "{disk}",
    "RAID 逻辑卷设计可失效成员数",
    "Images that the RAID volume can lose by its design, in the worst case.",
);
pub(super) const SYNC: Metric = Metric::gauge(
    "lvm.lv.sync.completed",
    "1",
    "RAID 逻辑卷同步进度",
    "Share of a RAID volume that is in sync.",
);
pub(super) const MISMATCHES: Metric = Metric::gauge(
    "lvm.lv.mismatches",
    "{sector}",
    "RAID 逻辑卷不一致数",
    "Places whose copies or parity differed at the last check.",
);
pub(super) const VG_SIZE: Metric =
    Metric::gauge("lvm.vg.limit", "By", "卷组容量", "Size of the volume group.");
pub(super) const VG_FREE: Metric =
    Metric::gauge("lvm.vg.free", "By", "卷组空闲", "Space of the group that no volume has.");
pub(super) const VG_MISSING: Metric = Metric::gauge(
    "lvm.vg.missing_pvs",
    "{disk}",
    "卷组缺失的物理卷数",
    "Physical volumes of the group that are not there.",
);
pub(super) const HEALTH: Metric = Metric::word(
    "lvm.lv.health",
    "逻辑卷状态",
    "ok, degraded, refresh_needed, mismatches, suspended, partial, out_of_data, metadata_read_only, check_needed, failed, \
     invalid, merge_failed, unknown.",
);
pub(super) const ACTION: Metric = Metric::word(
    "lvm.lv.sync.action",
    "RAID 逻辑卷同步动作",
    "What goes on in a RAID volume: idle, resync, recover, check, repair, frozen.",
);
