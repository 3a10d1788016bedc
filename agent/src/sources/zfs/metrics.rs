//! Everything that the source emits.

use crate::source::Metric;

pub(super) const SIZE: Metric =
    Metric::gauge("zfs.pool.limit", "By", "存储池容量", "Size of the pool.");
pub(super) const USED: Metric =
    Metric::gauge("zfs.pool.usage", "By", "存储池已用", "Space of the pool that is allocated.");
pub(super) const SHARE: Metric = Metric::gauge(
    "zfs.pool.utilization",
    "1",
    "存储池使用率",
    "Share of the pool that is allocated; it gets slow when nearly full.",
);
pub(super) const FRAGMENTATION: Metric = Metric::gauge(
    "zfs.pool.fragmentation",
    "1",
    "存储池空闲空间碎片率",
    "How scattered the free space is.",
);
pub(super) const DEDUP: Metric =
    Metric::gauge("zfs.pool.dedup_ratio", "1", "去重比", "How much deduplication saves.");
pub(super) const DATA_ERRORS: Metric = Metric::gauge(
    "zfs.pool.data_errors",
    "{error}",
    "无法修复的数据错误数",
    "Blocks whose data could not be repaired; their files are damaged.",
);
pub(super) const SCRUB_AGE: Metric = Metric::gauge(
    "zfs.pool.scrub.age",
    "s",
    "距上次 scrub 时间",
    "Seconds since the last scrub ended.",
);
pub(super) const SCAN_DONE: Metric = Metric::gauge(
    "zfs.pool.scan.completed",
    "1",
    "scrub 或 resilver 进度",
    "Share of the running scrub or resilver that is done.",
);
pub(super) const SCAN_ERRORS: Metric = Metric::gauge(
    "zfs.pool.scan.errors",
    "{error}",
    "上次 scrub 未能修复的错误数",
    "Errors that the last scrub or resilver could not repair.",
);
pub(super) const SCAN_REPAIRED: Metric = Metric::gauge(
    "zfs.pool.scrub.repaired",
    "By",
    "上次 scrub 修复的数据量",
    "Bytes that the last finished scrub found damaged on a device and repaired.",
);
pub(super) const MISSING: Metric = Metric::gauge(
    "zfs.vdev.missing",
    "{disk}",
    "vdev 失效或未同步成员数",
    "Places of the group that no device serves in full.",
);
pub(super) const ON_SPARE: Metric = Metric::gauge(
    "zfs.vdev.on_spare",
    "{disk}",
    "由热备顶替的成员数",
    "Places of the group that a spare holds for a device that failed or is missing.",
);
pub(super) const UNPROTECTED: Metric = Metric::gauge(
    "zfs.pool.unprotected",
    "{disk}",
    "无冗余的顶层设备数",
    "Devices directly below the pool that hold data without redundancy; losing one loses the pool.",
);
pub(super) const TOLERANCE: Metric = Metric::gauge(
    "zfs.vdev.tolerance",
    "{disk}",
    "vdev 设计可失效成员数",
    "Places that the group can lose by its design.",
);
pub(super) const ERRORS: Metric = Metric::counter(
    "zfs.vdev.errors",
    "{error}",
    "设备错误数",
    "Errors of a device by error.type (read, write, checksum) since the pool was imported or cleared.",
);
pub(super) const SLOW: Metric = Metric::counter(
    "zfs.vdev.slow_ios",
    "{request}",
    "慢 I/O 次数",
    "Requests of a device that took longer than zio_slow_io_ms, 30 s by default.",
);
pub(super) const HEALTH: Metric = Metric::word(
    "zfs.pool.health",
    "存储池状态",
    "What the pool says of itself: online, degraded, faulted, suspended, unavail. Online does not mean without errors.",
);
pub(super) const SCAN: Metric = Metric::word(
    "zfs.pool.scan",
    "存储池扫描状态",
    "What goes on: idle, scrub, scrub_paused, resilver, rebuild; none: no scrub was ever made.",
);
pub(super) const VDEV_HEALTH: Metric = Metric::word(
    "zfs.vdev.health",
    "设备状态",
    "What the pool says of a device or group: online, degraded, faulted, offline, removed, unavail, avail, inuse.",
);
