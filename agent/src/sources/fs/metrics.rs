//! What a filesystem is asked.

use crate::source::Metric;

pub(super) const USAGE: Metric = Metric::gauge(
    "system.filesystem.usage",
    "By",
    "空间用量",
    "Space by system.filesystem.state: used, free (for ordinary users), reserved (for root).",
);
pub(super) const LIMIT: Metric =
    Metric::gauge("system.filesystem.limit", "By", "文件系统容量", "Size of the filesystem.");
pub(super) const SHARE: Metric = Metric::gauge(
    "system.filesystem.utilization",
    "1",
    "空间使用率",
    "Share of the space that ordinary users could have and that is used, as df counts it.",
);
pub(super) const INODES: Metric =
    Metric::gauge("system.filesystem.inodes.usage", "{inode}", "inode 用量", "Inodes in use.");
pub(super) const INODES_LIMIT: Metric = Metric::gauge(
    "system.filesystem.inodes.limit",
    "{inode}",
    "inode 总数",
    "Inodes of the filesystem.",
);
pub(super) const INODES_SHARE: Metric = Metric::gauge(
    "system.filesystem.inodes.utilization",
    "1",
    "inode 使用率",
    "Share of the inodes in use.",
);
pub(super) const ERRORS: Metric = Metric::counter(
    "system.filesystem.errors",
    "{error}",
    "文件系统错误",
    "Errors of its own structure that an ext4 filesystem has counted since it was last checked.",
);
pub(super) const BTRFS_ERRORS: Metric = Metric::counter(
    "system.filesystem.device_errors",
    "{error}",
    "底层设备错误",
    "Errors of all devices of a btrfs by error.type: write, read, flush, corruption, generation.",
);
pub(super) const ERROR_TIME: Metric = Metric::gauge(
    "system.filesystem.error.time",
    "s",
    "文件系统错误时间",
    "When an ext4 filesystem noted its first and its last error (system.filesystem.error.which): seconds since 1970.",
);
pub(super) const WARNINGS: Metric = Metric::counter(
    "system.filesystem.warnings",
    "{warning}",
    "文件系统警告",
    "Warnings of an ext4 filesystem since it was mounted.",
);
pub(super) const LAST_ERROR: Metric = Metric::word(
    "system.filesystem.error.last",
    "最近一次文件系统错误",
    "Where an ext4 filesystem found its last error: function, inode, block.",
);
pub(super) const PROBE: Metric = Metric::word(
    "system.filesystem.probe",
    "响应探测",
    "Whether it answers: ok, hung, stale, denied, failed.",
);
pub(super) const MODE: Metric =
    Metric::word("system.filesystem.mode", "挂载方式", "Whether it is mounted rw or ro.");
pub(super) const WANTED_MODE: Metric = Metric::word(
    "system.filesystem.mode.wanted",
    "应有挂载方式",
    "What /etc/fstab asks for: rw or ro.",
);
pub(super) const MOUNTED: Metric = Metric::word(
    "system.filesystem.mounted",
    "是否已挂载",
    "Whether what /etc/fstab wants is mounted: yes, no.",
);
pub(super) const ON_ERROR: Metric = Metric::word(
    "system.filesystem.on_error",
    "出错时的动作",
    "What the filesystem does at an error: remount-ro, continue, panic (ext); retry (for ever), shutdown (XFS metadata).",
);
