//! What the source can emit.

use crate::source::Metric;

pub(super) const METRICS: &[Metric] = &[
    PEERS,
    PEERS_AWAY,
    CONNECTED,
    BRICKS,
    BRICKS_DOWN,
    ONLINE,
    SIZE,
    UTILIZATION,
    INODES,
    IO,
    PENDING,
    SPLIT_BRAIN,
    QUOTA,
    QUOTA_LIMIT,
    QUOTA_USED,
];
pub(super) const STATES: &[Metric] = &[READER, STATUS, PEER_STATE];

pub(super) const PEERS: Metric = Metric::gauge(
    "gluster.peers",
    "{node}",
    "节点数",
    "Nodes of the trusted pool, this one included.",
);
pub(super) const PEERS_AWAY: Metric = Metric::gauge(
    "gluster.peers.away",
    "{node}",
    "失联节点数",
    "Nodes of the trusted pool that this one is not connected to.",
);
pub(super) const CONNECTED: Metric = Metric::gauge(
    "gluster.peer.connected",
    "{flag}",
    "节点连接",
    "Whether the reading node is connected to this one.",
);
pub(super) const BRICKS: Metric =
    Metric::gauge("gluster.volume.bricks", "{brick}", "砖块数", "Bricks of the volume.");
pub(super) const BRICKS_DOWN: Metric = Metric::gauge(
    "gluster.volume.bricks.down",
    "{brick}",
    "离线砖块数",
    "Bricks of a started volume that do not serve.",
);
pub(super) const ONLINE: Metric = Metric::gauge(
    "gluster.brick.online",
    "{flag}",
    "砖块在线",
    "Whether the brick's process serves.",
);
pub(super) const SIZE: Metric = Metric::gauge(
    "gluster.brick.size",
    "By",
    "砖块所在文件系统容量",
    "Size of the file system that the brick lies on.",
);
pub(super) const UTILIZATION: Metric = Metric::gauge(
    "gluster.brick.utilization",
    "1",
    "砖块空间使用率",
    "Share of the brick's file system that is in use.",
);
pub(super) const INODES: Metric = Metric::gauge(
    "gluster.brick.inodes.utilization",
    "1",
    "砖块 inode 使用率",
    "Share of the inodes of the brick's file system that is in use.",
);
pub(super) const IO: Metric = Metric::counter(
    "gluster.brick.io",
    "By",
    "砖块读写量",
    "Bytes by network.io.direction since profiling was started.",
);
pub(super) const PENDING: Metric = Metric::gauge(
    "gluster.volume.heal.pending",
    "{entry}",
    "待修复条目数",
    "Files and directories whose copies differ and wait to be healed, over all bricks of the volume.",
);
pub(super) const SPLIT_BRAIN: Metric = Metric::gauge(
    "gluster.volume.heal.split_brain",
    "{entry}",
    "脑裂条目数",
    "Files and directories of which no copy is known to be right, over all bricks of the volume.",
);
pub(super) const QUOTA: Metric = Metric::gauge(
    "gluster.quota.utilization",
    "1",
    "目录配额使用率",
    "Share of a directory's hard limit (gluster.quota.path) that is in use.",
);
pub(super) const QUOTA_LIMIT: Metric = Metric::gauge(
    "gluster.quota.limit",
    "By",
    "目录配额",
    "Hard limit of a directory (gluster.quota.path).",
);
pub(super) const QUOTA_USED: Metric = Metric::gauge(
    "gluster.quota.usage",
    "By",
    "目录用量",
    "Bytes in use below a directory with a limit (gluster.quota.path).",
);

pub(super) const READER: Metric = Metric::word(
    "gluster.reader",
    "集群读取角色",
    "Whether this host reads the volumes (reader) or leaves it to another one (standby).",
);
pub(super) const STATUS: Metric =
    Metric::word("gluster.volume.status", "卷状态", "started, stopped or created.");
pub(super) const PEER_STATE: Metric = Metric::word(
    "gluster.peer.state",
    "节点状态",
    "What the node is in the pool: peer in cluster, peer rejected, and the like.",
);
