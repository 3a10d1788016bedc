//! What the source can emit.

use crate::source::Metric;

pub(super) const METRICS: &[Metric] = &[
    ANSWERS,
    CHECK,
    UNREAD,
    MUTED,
    UNKNOWN,
    MONITORS,
    OUT_OF_QUORUM,
    SKEW,
    MGR,
    MGR_STANDBYS,
    PAUSED,
    SIZE,
    USED,
    UTILIZATION,
    PGS,
    OBJECTS,
    OSDS,
    UP,
    IN,
    OSD_SIZE,
    OSD_UTILIZATION,
    OSD_PGS,
    POOL_MISSING,
    POOL_PGS,
    POOL_STORED,
    POOL_UTILIZATION,
    ACTIVE,
    WANTED,
    STANDBYS,
    CRASHES,
    GC,
];
pub(super) const STATES: &[Metric] =
    &[STATUS, CODES, MUTES, FLAGS, READER, MON_STATE, POOL_FULL, MIRROR, LIFE];

pub(super) const ANSWERS: Metric = Metric::gauge(
    "ceph.cluster.answers",
    "{flag}",
    "集群应答",
    "Whether the cluster answered a monitor command; 0 only where a monitor of this host is outside the quorum as well.",
);
pub(super) const CHECK: Metric = Metric::gauge(
    "ceph.health.check",
    "{flag}",
    "健康检查项",
    "Whether a health check (ceph.health.code) is raised and not muted.",
);
pub(super) const UNREAD: Metric = Metric::gauge(
    "ceph.health.unread",
    "{flag}",
    "未读到部件的健康检查项",
    "Whether a health check (ceph.health.code) is raised about parts that this answer does not have: OSDs, groups, \
     monitors, MDS.",
);
pub(super) const MUTED: Metric = Metric::gauge(
    "ceph.health.muted",
    "{check}",
    "已静默检查项数",
    "Health checks that are raised and muted.",
);
pub(super) const UNKNOWN: Metric = Metric::gauge(
    "ceph.health.other",
    "{check}",
    "未收录检查项数",
    "Raised health checks whose code is not known here, by ceph.health.severity.",
);
pub(super) const MONITORS: Metric =
    Metric::gauge("ceph.monitors", "{monitor}", "监视器数", "Monitors of the cluster.");
pub(super) const OUT_OF_QUORUM: Metric = Metric::gauge(
    "ceph.monitors.out_of_quorum",
    "{monitor}",
    "仲裁外监视器数",
    "Monitors that are not in the quorum.",
);
pub(super) const SKEW: Metric = Metric::gauge(
    "ceph.monitor.clock_skew",
    "s",
    "监视器时钟偏差",
    "How far a monitor's clock is from the leader's, without sign.",
);
pub(super) const MGR: Metric = Metric::gauge(
    "ceph.manager.available",
    "{flag}",
    "管理守护进程可用",
    "Whether an active manager (ceph-mgr) serves.",
);
pub(super) const MGR_STANDBYS: Metric = Metric::gauge(
    "ceph.manager.standbys",
    "{daemon}",
    "备用管理守护进程数",
    "Managers that stand by.",
);
pub(super) const PAUSED: Metric = Metric::gauge(
    "ceph.cluster.paused",
    "{flag}",
    "读写已暂停",
    "Whether reads or writes of all clients are paused by a flag of the cluster.",
);
pub(super) const SIZE: Metric =
    Metric::gauge("ceph.cluster.size", "By", "集群裸容量", "Raw size of all OSDs together.");
pub(super) const USED: Metric = Metric::gauge(
    "ceph.cluster.usage",
    "By",
    "集群裸用量",
    "Raw bytes in use on all OSDs together.",
);
pub(super) const UTILIZATION: Metric = Metric::gauge(
    "ceph.cluster.utilization",
    "1",
    "集群裸空间使用率",
    "Share of the raw size that is in use.",
);
pub(super) const PGS: Metric = Metric::gauge(
    "ceph.pgs",
    "{pg}",
    "归置组数",
    "Placement groups by ceph.pg.state, each in all its states.",
);
pub(super) const OBJECTS: Metric = Metric::gauge(
    "ceph.objects",
    "{object}",
    "对象数",
    "Objects by ceph.object.state: all, and copies that are degraded, misplaced or unfound.",
);
pub(super) const OSDS: Metric =
    Metric::gauge("ceph.osds", "{daemon}", "OSD 数", "OSDs by ceph.osd.state: all, up, in.");
pub(super) const UP: Metric =
    Metric::gauge("ceph.osd.up", "{flag}", "OSD 在线", "Whether the OSD serves.");
pub(super) const IN: Metric =
    Metric::gauge("ceph.osd.in", "{flag}", "OSD 在集群内", "Whether data are placed on the OSD.");
pub(super) const OSD_SIZE: Metric =
    Metric::gauge("ceph.osd.size", "By", "OSD 容量", "Size of the OSD.");
pub(super) const OSD_UTILIZATION: Metric = Metric::gauge(
    "ceph.osd.utilization",
    "1",
    "OSD 空间使用率",
    "Share of the OSD that is in use.",
);
pub(super) const OSD_PGS: Metric =
    Metric::gauge("ceph.osd.pgs", "{pg}", "OSD 归置组数", "Placement groups on the OSD.");
pub(super) const LIFE: Metric = Metric::word(
    "ceph.osd.life_expectancy",
    "预计失效时间",
    "When Ceph expects the OSD's device to fail, at the earliest: a date.",
);
pub(super) const POOL_MISSING: Metric = Metric::gauge(
    "ceph.pool.copies.missing",
    "{copy}",
    "缺失副本数",
    "Copies or shards that the worst placement group of the pool lacks now.",
);
pub(super) const POOL_PGS: Metric = Metric::gauge(
    "ceph.pool.pgs",
    "{pg}",
    "存储池归置组数",
    "Placement groups of the pool by ceph.pg.condition: degraded, inactive (no reads and writes), unknown.",
);
pub(super) const POOL_STORED: Metric = Metric::gauge(
    "ceph.pool.stored",
    "By",
    "存储池数据量",
    "Bytes stored in the pool, copies not counted.",
);
pub(super) const POOL_UTILIZATION: Metric = Metric::gauge(
    "ceph.pool.utilization",
    "1",
    "存储池空间使用率",
    "Share of what the pool can hold that is in use.",
);
pub(super) const ACTIVE: Metric = Metric::gauge(
    "ceph.fs.ranks.active",
    "{daemon}",
    "活动元数据服务数",
    "Ranks of the file system that an MDS serves.",
);
pub(super) const WANTED: Metric = Metric::gauge(
    "ceph.fs.ranks.wanted",
    "{daemon}",
    "应有元数据服务数",
    "Ranks that the file system has.",
);
pub(super) const STANDBYS: Metric = Metric::gauge(
    "ceph.fs.standbys",
    "{daemon}",
    "备用元数据服务数",
    "MDS daemons that could take over a rank, shared by all file systems.",
);
pub(super) const CRASHES: Metric = Metric::gauge(
    "ceph.crashes",
    "{crash}",
    "守护进程崩溃数",
    "Crashes of daemons that are on record, by ceph.crash.state: new, archived.",
);
pub(super) const GC: Metric = Metric::gauge(
    "ceph.rgw.gc.pending",
    "{object}",
    "待回收对象数",
    "Objects that the object gateway has yet to delete.",
);

pub(super) const STATUS: Metric = Metric::word(
    "ceph.health.status",
    "总体健康",
    "The umbrella over all checks: health_ok, health_warn, health_err.",
);
pub(super) const CODES: Metric = Metric::word(
    "ceph.health.codes",
    "当前检查项",
    "The checks that are raised and not muted; none if there are none.",
);
pub(super) const MUTES: Metric = Metric::word(
    "ceph.health.muted_codes",
    "已静默检查项",
    "The checks that are raised and muted; none if there are none.",
);
pub(super) const FLAGS: Metric = Metric::word(
    "ceph.cluster.flags",
    "集群维护标志",
    "Flags that people set for maintenance: noout, norebalance, noscrub and the like; none if there are none.",
);
pub(super) const READER: Metric = Metric::word(
    "ceph.reader",
    "集群读取角色",
    "Whether this host reads the cluster (reader) or leaves it to another one (standby).",
);
pub(super) const MON_STATE: Metric = Metric::word(
    "ceph.monitor.state",
    "监视器状态",
    "leader, peon, probing, electing, synchronizing; in and out as other monitors see it.",
);
pub(super) const POOL_FULL: Metric = Metric::word(
    "ceph.pool.fullness",
    "存储池空间状态",
    "What the cluster says of the pool's space: ok, nearfull, backfillfull, full, full_quota.",
);
pub(super) const MIRROR: Metric =
    Metric::word("ceph.rbd.mirror", "RBD 镜像健康", "Health of RBD mirroring: ok, warning, error.");
