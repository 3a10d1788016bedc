//! What the source can emit.

use crate::source::Metric;

pub(super) const METRICS: &[Metric] =
    &[ANSWERS, TARGETS, SIZE, UTILIZATION, INODES, CONTACT, GROUP_LOST];
pub(super) const STATES: &[Metric] = &[READER, REACHABILITY, CONSISTENCY, CAPACITY];

pub(super) const ANSWERS: Metric = Metric::gauge(
    "beegfs.management.answers",
    "{flag}",
    "管理服务应答",
    "Whether the management service answered.",
);
pub(super) const TARGETS: Metric = Metric::gauge(
    "beegfs.targets",
    "{target}",
    "存储目标数",
    "Targets by beegfs.target.reachability and beegfs.target.type.",
);
pub(super) const SIZE: Metric =
    Metric::gauge("beegfs.target.size", "By", "存储目标容量", "Size of the target.");
pub(super) const UTILIZATION: Metric = Metric::gauge(
    "beegfs.target.utilization",
    "1",
    "存储目标空间使用率",
    "Share of the target's space that is in use.",
);
pub(super) const INODES: Metric = Metric::gauge(
    "beegfs.target.inodes.utilization",
    "1",
    "存储目标 inode 使用率",
    "Share of the target's inodes that is in use.",
);
pub(super) const CONTACT: Metric = Metric::gauge(
    "beegfs.target.last_contact",
    "s",
    "距上次联系时间",
    "Seconds since the management service last heard of the target.",
);
pub(super) const GROUP_LOST: Metric = Metric::gauge(
    "beegfs.group.members.lost",
    "{target}",
    "镜像组缺失成员数",
    "Members of a buddy group that are offline, bad or not in sync.",
);

pub(super) const READER: Metric = Metric::word(
    "beegfs.reader",
    "集群读取角色",
    "Whether this host reads the file system (reader) or leaves it to another one (standby).",
);
pub(super) const REACHABILITY: Metric = Metric::word(
    "beegfs.target.reachability",
    "可达状态",
    "online, probably-offline (not decided yet), offline.",
);
pub(super) const CONSISTENCY: Metric =
    Metric::word("beegfs.target.consistency", "一致性状态", "good, needs-resync, resyncing, bad.");
pub(super) const CAPACITY: Metric = Metric::word(
    "beegfs.target.capacity_pool",
    "容量池",
    "normal, low, or emergency (only chosen when nothing else is left).",
);
