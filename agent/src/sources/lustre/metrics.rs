//! Everything that the source can emit.

use crate::source::Metric;

/// All numbers.
pub(super) const ALL: &[Metric] = &[
    MEMORY,
    WAITED,
    WAIT,
    USAGE,
    LIMIT,
    SHARE,
    INODES,
    INODES_LIMIT,
    INODES_SHARE,
    EXPORTS,
    EVICTIONS,
    DEGRADED,
    RECOVERY_CLIENTS,
    RECOVERY_LEFT,
    IO,
    OPERATIONS,
    DISK_REQUESTS,
    SLOW_REQUESTS,
    LOCK_TIMEOUTS,
    JOBS,
    JOBS_IO,
    JOBS_REQUESTS,
    CHANGELOG_USERS,
    CHANGELOG_BACKLOG,
    QUOTA_IDS,
    QUOTA_FULL,
    TIMEOUTS,
    CONNECTIONS,
    DISCONNECTIONS,
    AVERAGE_WAIT,
    PREALLOC,
    CREATE_MAX,
    TARGETS,
    UNAVAILABLE,
    IMBALANCE,
    NI_HEALTH,
    NI_MESSAGES,
    NI_DROPPED,
    NI_ERRORS,
    LNET_PEERS,
    LNET_MESSAGES,
    LNET_IO,
    LNET_DROPPED,
    LNET_ERRORS,
];

/// All words.
pub(super) const STATES: &[Metric] =
    &[VERSION, HEALTH, TARGET_HEALTH, RECOVERY, IMPORT, ACTIVE, MOUNTED_FS, NI_STATUS];

pub(super) const VERSION: Metric =
    Metric::word("lustre.version", "Lustre 版本", "Version of the kernel modules of Lustre.");
pub(super) const HEALTH: Metric = Metric::word(
    "lustre.health",
    "Lustre 自检结果",
    "What health_check says: healthy, not_healthy (a device failed or a service thread is stuck), lbug (the kernel \
     module gave up and the node must be rebooted).",
);
pub(super) const TARGET_HEALTH: Metric = Metric::word(
    "lustre.target.health",
    "Lustre 目标自检结果",
    "What health_check says of a target that this host serves: healthy, unhealthy.",
);
pub(super) const RECOVERY: Metric = Metric::word(
    "lustre.recovery.status",
    "Lustre 目标恢复状态",
    "complete, inactive (nothing to recover), recovering, waiting, waiting_for_clients.",
);
pub(super) const IMPORT: Metric = Metric::word(
    "lustre.import.state",
    "到 Lustre 目标的连接状态",
    "State of this host's connection to a target, the worst of all mounts: full and idle are good.",
);
pub(super) const ACTIVE: Metric = Metric::word(
    "lustre.target.active",
    "Lustre 目标启用状态",
    "active, or inactive: taken out of use by an administrator.",
);
pub(super) const MOUNTED_FS: Metric = Metric::word(
    "lustre.mount.role",
    "Lustre 挂载用途",
    "What a mount point is for: client (the file system), or server (a target of it).",
);
pub(super) const NI_STATUS: Metric = Metric::word(
    "lustre.ni.status",
    "LNet 接口状态",
    "Whether an LNet interface of this host is up or down.",
);
pub(super) const MEMORY: Metric = Metric::gauge(
    "lustre.memory.usage",
    "By",
    "Lustre 内核模块占用内存",
    "Memory that the kernel modules hold, by lustre.module.",
);
pub(super) const WAITED: Metric = Metric::counter(
    "lustre.service.requests",
    "{request}",
    "Lustre 服务请求数",
    "Requests that waited for a thread of a service, by lustre.service.",
);
pub(super) const WAIT: Metric = Metric::counter(
    "lustre.service.wait_time",
    "s",
    "Lustre 服务请求排队时间",
    "Time that requests waited for a thread of a service, by lustre.service.",
);
pub(super) const USAGE: Metric = Metric::gauge(
    "lustre.target.usage",
    "By",
    "Lustre 目标空间用量",
    "Space of a target by lustre.space.state: used, free (for users), reserved.",
);
pub(super) const LIMIT: Metric =
    Metric::gauge("lustre.target.limit", "By", "Lustre 目标容量", "Size of a target.");
pub(super) const SHARE: Metric = Metric::gauge(
    "lustre.target.utilization",
    "1",
    "Lustre 目标空间使用率",
    "Share of a target's space for users that is used.",
);
pub(super) const INODES: Metric = Metric::gauge(
    "lustre.target.inodes.usage",
    "{inode}",
    "Lustre 目标 inode 用量",
    "Inodes (objects) of a target in use.",
);
pub(super) const INODES_LIMIT: Metric = Metric::gauge(
    "lustre.target.inodes.limit",
    "{inode}",
    "Lustre 目标 inode 总数",
    "Inodes (objects) of a target.",
);
pub(super) const INODES_SHARE: Metric = Metric::gauge(
    "lustre.target.inodes.utilization",
    "1",
    "Lustre 目标 inode 使用率",
    "Share of a target's inodes (objects) in use.",
);
pub(super) const EXPORTS: Metric = Metric::gauge(
    "lustre.target.exports",
    "{client}",
    "Lustre 目标连接客户端数",
    "Clients that are connected to a target, servers included.",
);
pub(super) const EVICTIONS: Metric = Metric::counter(
    "lustre.target.evictions",
    "{eviction}",
    "Lustre 目标驱逐客户端次数",
    "Clients that a target has evicted since it was started.",
);
pub(super) const DEGRADED: Metric = Metric::gauge(
    "lustre.target.degraded",
    "{flag}",
    "Lustre OST 降级标记",
    "One if an OST is marked as degraded, because its RAID set is: new files avoid it.",
);
pub(super) const RECOVERY_CLIENTS: Metric = Metric::gauge(
    "lustre.recovery.clients",
    "{client}",
    "Lustre 恢复涉及客户端数",
    "Clients of the last or running recovery by lustre.recovery.client.state: completed, connected, evicted, expected.",
);
pub(super) const RECOVERY_LEFT: Metric = Metric::gauge(
    "lustre.recovery.time_remaining",
    "s",
    "Lustre 恢复剩余时间",
    "Time that a running recovery may still take.",
);
pub(super) const IO: Metric = Metric::counter(
    "lustre.target.io",
    "By",
    "Lustre 目标读写量",
    "Bytes that clients read from and wrote to a target, by disk.io.direction.",
);
pub(super) const OPERATIONS: Metric = Metric::counter(
    "lustre.target.operations",
    "{request}",
    "Lustre 目标操作次数",
    "Requests of clients to a target, by lustre.operation.",
);
pub(super) const DISK_REQUESTS: Metric = Metric::counter(
    "lustre.target.disk.requests",
    "{request}",
    "Lustre 目标磁盘请求数",
    "Disk requests that the target's histogram has counted.",
);
pub(super) const SLOW_REQUESTS: Metric = Metric::counter(
    "lustre.target.disk.slow_requests",
    "{request}",
    "Lustre 目标慢磁盘请求数",
    "Disk requests of the target's histogram that took about a second or more.",
);
pub(super) const LOCK_TIMEOUTS: Metric = Metric::counter(
    "lustre.target.lock_timeouts",
    "{timeout}",
    "Lustre 目标锁超时次数",
    "Locks that a client did not give back in time.",
);
pub(super) const JOBS: Metric = Metric::gauge(
    "lustre.jobstats.jobs",
    "{job}",
    "Lustre 目标活动作业数",
    "Jobs that a target keeps statistics of.",
);
pub(super) const JOBS_IO: Metric = Metric::gauge(
    "lustre.jobstats.io",
    "By",
    "Lustre 作业读写量合计",
    "Bytes of all jobs in a target's list by disk.io.direction; falls when jobs leave the list.",
);
pub(super) const JOBS_REQUESTS: Metric = Metric::gauge(
    "lustre.jobstats.requests",
    "{request}",
    "Lustre 作业请求数合计",
    "Other requests of all jobs in a target's list; falls when jobs leave the list.",
);
pub(super) const CHANGELOG_USERS: Metric = Metric::gauge(
    "lustre.changelog.users",
    "{user}",
    "Lustre 变更日志订阅者数",
    "Readers that are registered for the change log of an MDT.",
);
pub(super) const CHANGELOG_BACKLOG: Metric = Metric::gauge(
    "lustre.changelog.backlog",
    "{record}",
    "Lustre 变更日志积压",
    "Records of the change log that the slowest reader has not read; they fill the MDT.",
);
pub(super) const QUOTA_IDS: Metric = Metric::gauge(
    "lustre.quota.ids",
    "{id}",
    "Lustre 配额条目数",
    "Entries of a quota list, by lustre.quota.list.",
);
pub(super) const QUOTA_FULL: Metric = Metric::gauge(
    "lustre.quota.exhausted",
    "{id}",
    "Lustre 配额已耗尽条目数",
    "Entries of a quota list that have all that their hard limit allows, by lustre.quota.list.",
);
pub(super) const TIMEOUTS: Metric = Metric::counter(
    "lustre.import.timeouts",
    "{timeout}",
    "到 Lustre 目标的请求超时次数",
    "Requests to a target that were not answered in time.",
);
pub(super) const CONNECTIONS: Metric = Metric::counter(
    "lustre.import.connections",
    "{connection}",
    "到 Lustre 目标的连接代数",
    "Times that this host has connected anew to a target (generation of the import).",
);
pub(super) const DISCONNECTIONS: Metric = Metric::gauge(
    "lustre.import.disconnections",
    "{disconnection}",
    "到 Lustre 目标的断开记录数",
    "Disconnections and evictions among the last 16 states of the connection.",
);
pub(super) const AVERAGE_WAIT: Metric = Metric::gauge(
    "lustre.import.wait_time",
    "s",
    "到 Lustre 目标的平均应答时间",
    "Average time that a target takes to answer this host, since the mount.",
);
pub(super) const PREALLOC: Metric = Metric::gauge(
    "lustre.target.prealloc_status",
    "1",
    "MDS 在 OST 上预创建对象的结果码",
    "Why the MDS cannot make objects on an OST: 0 it can, -28 no space, other negative numbers as in errno(3).",
);
pub(super) const CREATE_MAX: Metric = Metric::gauge(
    "lustre.target.create_max",
    "{object}",
    "OST 预创建对象上限",
    "Objects that the MDS may make ahead on an OST; 0: an administrator keeps new files away.",
);
pub(super) const TARGETS: Metric = Metric::gauge(
    "lustre.fs.targets",
    "{target}",
    "Lustre 文件系统 OST 数",
    "OSTs of a file system by lustre.target.state: available, unavailable, recovering, unknown, inactive.",
);
pub(super) const UNAVAILABLE: Metric = Metric::gauge(
    "lustre.fs.unavailable",
    "{target}",
    "Lustre 文件系统不可用 OST 数",
    "OSTs of a file system that this host cannot use now.",
);
pub(super) const IMBALANCE: Metric = Metric::gauge(
    "lustre.fs.imbalance",
    "1",
    "Lustre OST 使用率差",
    "Difference between the fullest and the emptiest OST of a file system.",
);
pub(super) const NI_HEALTH: Metric = Metric::gauge(
    "lustre.ni.health",
    "{point}",
    "LNet 接口健康值",
    "Health of an LNet interface of this host: 1000 is best; failures lower it.",
);
pub(super) const NI_MESSAGES: Metric = Metric::counter(
    "lustre.ni.messages",
    "{message}",
    "LNet 接口消息数",
    "Messages over an LNet interface by network.io.direction.",
);
pub(super) const NI_DROPPED: Metric = Metric::counter(
    "lustre.ni.dropped",
    "{message}",
    "LNet 接口丢弃消息数",
    "Messages that an LNet interface dropped.",
);
pub(super) const NI_ERRORS: Metric = Metric::counter(
    "lustre.ni.errors",
    "{error}",
    "LNet 接口错误数",
    "Failures of an LNet interface by error.type: aborted, dropped, error, interrupts, no_route, timeouts.",
);
pub(super) const LNET_PEERS: Metric = Metric::gauge(
    "lustre.lnet.peers",
    "{peer}",
    "LNet 对端数",
    "Interfaces of peers by lustre.peer.state: up, down, unhealthy (health below its maximum), unknown.",
);
pub(super) const LNET_MESSAGES: Metric = Metric::counter(
    "lustre.lnet.messages",
    "{message}",
    "LNet 消息数",
    "Messages by network.io.direction.",
);
pub(super) const LNET_IO: Metric =
    Metric::counter("lustre.lnet.io", "By", "LNet 传输量", "Bytes by network.io.direction.");
pub(super) const LNET_DROPPED: Metric = Metric::counter(
    "lustre.lnet.dropped",
    "{message}",
    "LNet 丢弃消息数",
    "Messages that were dropped.",
);
pub(super) const LNET_ERRORS: Metric = Metric::counter(
    "lustre.lnet.errors",
    "{error}",
    "LNet 错误数",
    "Failures by error.type: errors, resend, response_timeout, local_*, remote_*, network_timeout.",
);
