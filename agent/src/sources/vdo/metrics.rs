//! Everything that the source emits.

use crate::source::Metric;

pub(super) const DATA: Metric = Metric::gauge(
    "dm.data.utilization",
    "1",
    "映射设备数据使用率",
    "Share of the physical space of a VDO, the data space of a thin pool or the space of a snapshot in use.",
);
pub(super) const METADATA: Metric = Metric::gauge(
    "dm.metadata.utilization",
    "1",
    "映射设备元数据使用率",
    "Share of the metadata space of a thin pool or cache in use.",
);
pub(super) const SAVING: Metric = Metric::gauge(
    "vdo.space_saving",
    "1",
    "VDO 空间节省率",
    "Share of the space that deduplication and compression save.",
);
pub(super) const MISSING: Metric = Metric::gauge(
    "dm.raid.missing",
    "{disk}",
    "RAID 失效或未同步成员数",
    "Members of a mapped RAID that are dead or not in sync.",
);
pub(super) const MISMATCHES: Metric = Metric::gauge(
    "dm.mismatches",
    "{sector}",
    "不一致数",
    "Places of a mapped RAID or of integrity data that did not match.",
);
pub(super) const PATHS: Metric = Metric::gauge(
    "dm.multipath.paths",
    "{path}",
    "多路径设备路径数",
    "Paths of a multipath map by multipath.path.state: up, down, as the kernel uses them.",
);
pub(super) const HEALTH: Metric = Metric::word(
    "dm.health",
    "映射设备状态",
    "ok, recovering, read_only, out_of_data, needs_check, failed, invalid, merge_failed, overflow, lost, unknown.",
);
pub(super) const INDEX: Metric = Metric::word(
    "vdo.index",
    "VDO 去重索引状态",
    "State of the deduplication index: online, offline, opening, closed, error.",
);
