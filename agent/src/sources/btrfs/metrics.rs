//! Everything that the source emits.

use crate::source::Metric;

pub(super) const MISSING: Metric = Metric::gauge(
    "btrfs.devices.missing",
    "{disk}",
    "缺失设备数",
    "Devices of the filesystem that are not there.",
);
pub(super) const TOLERANCE: Metric = Metric::gauge(
    "btrfs.devices.tolerance",
    "{disk}",
    "设计可失效设备数",
    "Devices that the filesystem can lose by the weakest of its profiles.",
);
pub(super) const ERRORS: Metric = Metric::counter(
    "btrfs.device.errors",
    "{error}",
    "设备错误数",
    "Errors of a device (btrfs.device) by error.type: write, read, flush, corruption, generation.",
);
pub(super) const LIMIT: Metric = Metric::gauge(
    "btrfs.block_group.limit",
    "By",
    "块组容量",
    "Space that is allocated to data, metadata or system (btrfs.block_group), copies not counted.",
);
pub(super) const USAGE: Metric = Metric::gauge(
    "btrfs.block_group.usage",
    "By",
    "块组已用",
    "Space of the data, metadata or system block groups in use.",
);
pub(super) const DATA: Metric = Metric::gauge(
    "btrfs.data.utilization",
    "1",
    "数据块组使用率",
    "Share of the space allocated to data in use.",
);
pub(super) const METADATA: Metric = Metric::gauge(
    "btrfs.metadata.utilization",
    "1",
    "元数据块组使用率",
    "Share of the space allocated to metadata in use; when nothing is left to allocate, the filesystem turns read-only at \
     its end.",
);
pub(super) const UNALLOCATED: Metric = Metric::gauge(
    "btrfs.unallocated",
    "1",
    "未分配空间占比",
    "Share of the devices that is allocated to nothing yet.",
);
pub(super) const SCRUB_AGE: Metric = Metric::gauge(
    "btrfs.scrub.age",
    "s",
    "距上次 scrub 时间",
    "Seconds since the last scrub ended.",
);
pub(super) const SCRUB_ERRORS: Metric = Metric::gauge(
    "btrfs.scrub.uncorrectable",
    "{error}",
    "上次 scrub 未能修复的错误数",
    "Errors that the last scrub could not repair.",
);
pub(super) const SCRUB_FIXED: Metric = Metric::gauge(
    "btrfs.scrub.corrected",
    "{error}",
    "上次 scrub 已修复的错误数",
    "Errors that the last scrub repaired from another copy.",
);
pub(super) const SCRUB: Metric = Metric::word(
    "btrfs.scrub.state",
    "scrub 状态",
    "How the last scrub stands: finished, running, canceled, none.",
);
pub(super) const OPERATION: Metric = Metric::word(
    "btrfs.operation",
    "独占操作",
    "Which exclusive operation runs: none, balance, balance paused, device add, device remove, device replace, resize, \
     swap activate.",
);
