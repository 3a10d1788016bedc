//! Everything that the source can emit.

use crate::source::Metric;

/// All numbers.
pub(super) const ALL: &[Metric] = &[
    AGE,
    NODES,
    ENTITIES,
    HEALTH_EVENT,
    WAITERS,
    LONGEST_WAITER,
    DISKS,
    REPLICAS_LOST,
    REPLICAS_TOLERANCE,
    FS_LIMIT,
    FS_FREE,
    FS_SHARE,
    INODES,
    INODES_LIMIT,
    INODES_SHARE,
    POOL_LIMIT,
    POOL_USAGE,
    POOL_SHARE,
    NSD_SHARE,
    FILESET_INODES,
    FILESET_INODES_LIMIT,
    FILESET_INODES_SHARE,
    QUOTA_USAGE,
    QUOTA_LIMIT,
    QUOTA_SHARE,
    QUOTA_FILES_SHARE,
    SUBJECT_SHARE,
    ARRAY_FAILURES,
    ARRAY_TOLERANCE,
    ARRAY_PDISKS,
    PDISK_ERRORS,
    PDISK_PATHS,
    PDISK_PATHS_ALL,
    PDISK_PERFORMANCE,
    PDISK_ENDURANCE,
    IO,
    OPERATIONS,
    LOG_LINES,
    LOG_DROPPED,
];

/// All words.
pub(super) const STATES: &[Metric] = &[
    NODE,
    DAEMON,
    HEALTH,
    DISK_STATUS,
    DISK_AVAILABILITY,
    DISK_METADATA_STATUS,
    FILESET,
    QUOTA_STANDING,
    PDISK,
    ARRAY_SERVICE,
    ARRAY_TASK,
    VDISKS,
    RG_SERVER,
    MOUNTED,
];

pub(super) const AGE: Metric = Metric::gauge(
    "gpfs.answer.age",
    "s",
    "GPFS 命令结果时效",
    "How old the answer is that the readings of this run were made from, by gpfs.command.",
);
pub(super) const NODE: Metric = Metric::word(
    "gpfs.node.state",
    "GPFS 节点状态",
    "active, arbitrating (waits for quorum), down, unknown, unresponsive.",
);
pub(super) const DAEMON: Metric = Metric::word(
    "gpfs.node.local_state",
    "本机 GPFS 守护进程状态",
    "State of the daemon of this host: active, arbitrating (waits for quorum), down, unknown.",
);
pub(super) const NODES: Metric = Metric::gauge(
    "gpfs.cluster.nodes",
    "{node}",
    "GPFS 集群节点数",
    "Nodes by gpfs.node.count: quorum_needed, quorum_up, total.",
);
pub(super) const HEALTH: Metric = Metric::word(
    "gpfs.health.state",
    "GPFS 健康组件状态",
    "What mmhealth says of a component: healthy, degraded, failed, depend, checking, unknown, tips, disabled.",
);
pub(super) const ENTITIES: Metric = Metric::gauge(
    "gpfs.health.entities",
    "{entity}",
    "GPFS 集群健康汇总",
    "Entities of the whole cluster by gpfs.health.component and gpfs.health.status: total, failed, degraded, healthy, \
     other.",
);
pub(super) const HEALTH_EVENT: Metric = Metric::gauge(
    "gpfs.health.event",
    "{flag}",
    "GPFS 活动健康事件",
    "One for each event that mmhealth shows as active, by gpfs.health.event.name and gpfs.health.severity.",
);
pub(super) const WAITERS: Metric = Metric::gauge(
    "gpfs.waiters",
    "{waiter}",
    "GPFS 等待线程数",
    "Threads of the daemon that wait, by gpfs.waiter.age: those that have waited at least so long.",
);
pub(super) const LONGEST_WAITER: Metric = Metric::gauge(
    "gpfs.waiter.longest",
    "s",
    "GPFS 最长等待时间",
    "How long the longest waiter has waited; threads that wait by design are left out.",
);
pub(super) const DISK_STATUS: Metric = Metric::word(
    "gpfs.nsd.status",
    "NSD 状态",
    "ready, suspended, to be emptied, being emptied, emptied, replacing, replacement, allocmap delp and others.",
);
pub(super) const DISK_AVAILABILITY: Metric =
    Metric::word("gpfs.nsd.availability", "NSD 可用性", "up, down, recovering, unrecovered.");
pub(super) const DISK_METADATA_STATUS: Metric = Metric::word(
    "gpfs.nsd.usage",
    "NSD 用途",
    "What lies on it: data, metadata, both, descriptor only.",
);
pub(super) const DISKS: Metric = Metric::gauge(
    "gpfs.fs.disks",
    "{disk}",
    "GPFS 文件系统磁盘数",
    "Disks of a file system by gpfs.nsd.availability.",
);
pub(super) const REPLICAS_LOST: Metric = Metric::gauge(
    "gpfs.replicas.lost",
    "{failure_group}",
    "不可用故障组数",
    "Failure groups of which at least one disk cannot be used.",
);
pub(super) const REPLICAS_TOLERANCE: Metric = Metric::gauge(
    "gpfs.replicas.tolerance",
    "{failure_group}",
    "可承受失效故障组数",
    "Failure groups that may be lost: replicas less one.",
);
pub(super) const FS_LIMIT: Metric =
    Metric::gauge("gpfs.fs.limit", "By", "GPFS 文件系统容量", "Size of a file system.");
pub(super) const FS_FREE: Metric = Metric::gauge(
    "gpfs.fs.free",
    "By",
    "GPFS 文件系统剩余空间",
    "Free space of a file system in full blocks.",
);
pub(super) const FS_SHARE: Metric = Metric::gauge(
    "gpfs.fs.utilization",
    "1",
    "GPFS 文件系统使用率",
    "Share of a file system's space in use.",
);
pub(super) const INODES: Metric =
    Metric::gauge("gpfs.fs.inodes.usage", "{inode}", "GPFS 文件系统 inode 用量", "Inodes in use.");
pub(super) const INODES_LIMIT: Metric = Metric::gauge(
    "gpfs.fs.inodes.limit",
    "{inode}",
    "GPFS 文件系统 inode 上限",
    "Inodes that the file system may have.",
);
pub(super) const INODES_SHARE: Metric = Metric::gauge(
    "gpfs.fs.inodes.utilization",
    "1",
    "GPFS 文件系统 inode 使用率",
    "Share of the inodes in use.",
);
pub(super) const POOL_LIMIT: Metric = Metric::gauge(
    "gpfs.pool.limit",
    "By",
    "GPFS 存储池容量",
    "Size of a storage pool by gpfs.pool.content: data, metadata.",
);
pub(super) const POOL_USAGE: Metric = Metric::gauge(
    "gpfs.pool.usage",
    "By",
    "GPFS 存储池用量",
    "Space of a storage pool in use by gpfs.pool.content.",
);
pub(super) const POOL_SHARE: Metric = Metric::gauge(
    "gpfs.pool.utilization",
    "1",
    "GPFS 存储池使用率",
    "Share of a storage pool in use by gpfs.pool.content; a full metadata pool stops the file system.",
);
pub(super) const NSD_SHARE: Metric =
    Metric::gauge("gpfs.nsd.utilization", "1", "NSD 使用率", "Share of a disk in use.");
pub(super) const FILESET: Metric =
    Metric::word("gpfs.fileset.status", "GPFS 文件集状态", "linked, unlinked, deleted and others.");
pub(super) const FILESET_INODES: Metric = Metric::gauge(
    "gpfs.fileset.inodes.usage",
    "{inode}",
    "GPFS 文件集 inode 用量",
    "Inodes of an independent fileset in use.",
);
pub(super) const FILESET_INODES_LIMIT: Metric = Metric::gauge(
    "gpfs.fileset.inodes.limit",
    "{inode}",
    "GPFS 文件集 inode 上限",
    "Inodes that an independent fileset may have.",
);
pub(super) const FILESET_INODES_SHARE: Metric = Metric::gauge(
    "gpfs.fileset.inodes.utilization",
    "1",
    "GPFS 文件集 inode 使用率",
    "Share of an independent fileset's inodes in use.",
);
pub(super) const QUOTA_USAGE: Metric = Metric::gauge(
    "gpfs.fileset.quota.usage",
    "By",
    "GPFS 文件集配额用量",
    "Space that counts against a fileset's quota.",
);
pub(super) const QUOTA_LIMIT: Metric = Metric::gauge(
    "gpfs.fileset.quota.limit",
    "By",
    "GPFS 文件集配额上限",
    "Hard limit of a fileset's space.",
);
pub(super) const QUOTA_SHARE: Metric = Metric::gauge(
    "gpfs.fileset.quota.utilization",
    "1",
    "GPFS 文件集配额使用率",
    "Share of a fileset's hard limit of space in use.",
);
pub(super) const QUOTA_FILES_SHARE: Metric = Metric::gauge(
    "gpfs.fileset.quota.files.utilization",
    "1",
    "GPFS 文件集文件数配额使用率",
    "Share of a fileset's hard limit of files in use.",
);
pub(super) const SUBJECT_SHARE: Metric = Metric::gauge(
    "gpfs.quota.utilization",
    "1",
    "GPFS 用户与用户组配额使用率",
    "Share of the hard limit of a user or group that is used, of the soft one where there is no hard one, by quota.resource: files, space.",
);
pub(super) const QUOTA_STANDING: Metric = Metric::word(
    "gpfs.quota.standing",
    "GPFS 用户与用户组配额状况",
    "How a user or group stands to its limits: ok, over (over the soft limit), expired (too long so), full (at the hard limit).",
);
pub(super) const PDISK: Metric = Metric::word(
    "gpfs.pdisk.state",
    "GNR 物理盘状态",
    "State of a disk of GPFS native RAID: ok, or the words of its troubles: dead, failing, missing, readonly, suspended, \
     diagnosing, slow, draining, replace.",
);
pub(super) const PDISK_ERRORS: Metric = Metric::counter(
    "gpfs.pdisk.errors",
    "{error}",
    "GNR 物理盘错误数",
    "Errors of a disk by error.type: io, timeout, media, checksum, path.",
);
pub(super) const PDISK_PATHS: Metric = Metric::gauge(
    "gpfs.pdisk.paths.active",
    "{path}",
    "GNR 物理盘可用路径数",
    "Paths to a disk that work.",
);
pub(super) const PDISK_PATHS_ALL: Metric = Metric::gauge(
    "gpfs.pdisk.paths.total",
    "{path}",
    "GNR 物理盘路径总数",
    "Paths to a disk that there should be.",
);
pub(super) const PDISK_PERFORMANCE: Metric = Metric::gauge(
    "gpfs.pdisk.relative_performance",
    "1",
    "GNR 物理盘相对性能",
    "Speed of a disk as compared with its peers: 1 is the average, smaller is slower.",
);
pub(super) const PDISK_ENDURANCE: Metric = Metric::gauge(
    "gpfs.pdisk.endurance",
    "1",
    "GNR SSD 寿命消耗",
    "Share of an SSD's endurance that is used up.",
);
pub(super) const ARRAY_FAILURES: Metric = Metric::gauge(
    "gpfs.array.failures",
    "{disk}",
    "GNR 阵列未重建失效数",
    "Failures that the weakest vdisk of a declustered array bears now: those that are not rebuilt yet.",
);
pub(super) const ARRAY_TOLERANCE: Metric = Metric::gauge(
    "gpfs.array.tolerance",
    "{disk}",
    "GNR 阵列可承受失效数",
    "Failures that the weakest vdisk of a declustered array bears by its RAID code.",
);
pub(super) const ARRAY_PDISKS: Metric = Metric::gauge(
    "gpfs.array.pdisks",
    "{disk}",
    "GNR 阵列物理盘数",
    "Disks of a declustered array by gpfs.pdisk.condition: ok, suspect, lost, unknown.",
);
pub(super) const ARRAY_SERVICE: Metric = Metric::word(
    "gpfs.array.needs_service",
    "GNR 阵列需要维护",
    "Whether so many disks of an array are bad that some should be replaced: yes, no.",
);
pub(super) const ARRAY_TASK: Metric = Metric::word(
    "gpfs.array.task",
    "GNR 阵列后台任务",
    "What an array does in the background: scrub, rebuild-1r, rebuild-critical, rebalance, inactive.",
);
pub(super) const VDISKS: Metric = Metric::word(
    "gpfs.array.vdisk_state",
    "GNR 阵列最差虚拟盘状态",
    "State of the worst vdisk of an array: ok, degraded, critical (no further loss is borne), offline.",
);
pub(super) const RG_SERVER: Metric = Metric::word(
    "gpfs.array.server",
    "GNR 恢复组当前服务节点",
    "Whether its first server serves the recovery group: primary, backup, none.",
);
pub(super) const MOUNTED: Metric = Metric::word(
    "gpfs.fs.mounted",
    "GPFS 文件系统挂载状态",
    "Whether a file system of this cluster is mounted on this host: yes, no.",
);
pub(super) const IO: Metric = Metric::counter(
    "gpfs.fs.io",
    "By",
    "GPFS 文件系统读写量",
    "Bytes that this host read from and wrote to a file system, by disk.io.direction.",
);
pub(super) const OPERATIONS: Metric = Metric::counter(
    "gpfs.fs.operations",
    "{operation}",
    "GPFS 文件系统操作次数",
    "Operations of this host on a file system, by gpfs.operation: open, close, read, write, readdir, inode_update.",
);
pub(super) const LOG_LINES: Metric = Metric::counter(
    "gpfs.log.events",
    "{event}",
    "GPFS 日志事件数",
    "Lines of the daemon's log by gpfs.log.kind since the agent began to read it.",
);
pub(super) const LOG_DROPPED: Metric = Metric::counter(
    "gpfs.log.dropped",
    "{event}",
    "GPFS 日志未逐条上报数",
    "Lines that were counted and not sent one by one, because too many came at once.",
);
