//! What services say when something breaks: one table from a service and fixed parts of its line to a closed kind.
//!
//! The texts are those of multipath-tools 0.4 to 0.10, corosync 2 and 3, pacemaker 1.1 to 2.1, chrony 2 to 4, mdadm 3 and 4,
//! smartmontools 6 and 7, open-iscsi 2, keepalived 2, lvm2. The first row that fits wins.

use crate::source::Metric;

/// A row: the service's names, and the parts that are all in the line.
struct Row {
    services: &'static [&'static str],
    all: &'static [&'static str],
    kind: &'static Metric,
}

const fn row(
    services: &'static [&'static str],
    all: &'static [&'static str],
    kind: &'static Metric,
) -> Row {
    Row { services, all, kind }
}

/// The kind of a line.
pub(super) fn find(service: &str, text: &str) -> Option<&'static Metric> {
    let fits = |row: &&Row| {
        row.services.contains(&service) && row.all.iter().all(|part| text.contains(part))
    };
    ROWS.iter().find(fits).map(|it| it.kind)
}

/// Names of all services that are asked for, each once.
pub(super) fn services() -> Vec<&'static str> {
    let mut all: Vec<&str> = ROWS.iter().flat_map(|it| it.services).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Every kind, for the source's table.
pub(super) const KINDS: &[Metric] = &[
    PATH_DOWN,
    PATH_UP,
    PATHS_GONE,
    NODE_LOST,
    RING_FAULTY,
    QUORUM_LOST,
    FENCED,
    FENCING_FAILED,
    RESOURCE_FAILED,
    CLOCK_LOST,
    CLOCK_JUMP,
    MD_FAIL,
    MD_DEGRADED,
    DRIVE_FAILING,
    DRIVE_SECTORS,
    DRIVE_TEST,
    DRIVE_HOT,
    ISCSI_ERROR,
    FAILOVER,
    POOL_FULL,
    DUMPED,
];

const PATH_DOWN: Metric = Metric::word(
    "service.multipath.path_down",
    "多路径：路径断开",
    "multipathd found a path broken.",
);
const PATH_UP: Metric = Metric::word(
    "service.multipath.path_up",
    "多路径：路径恢复",
    "multipathd found a path good again.",
);
const PATHS_GONE: Metric = Metric::word(
    "service.multipath.no_paths",
    "多路径：全部路径断开",
    "A multipath device has no path left.",
);
const NODE_LOST: Metric = Metric::word(
    "service.cluster.node_lost",
    "集群：节点失联",
    "A node left the cluster without notice.",
);
const RING_FAULTY: Metric = Metric::word(
    "service.cluster.link_faulty",
    "集群：心跳链路异常",
    "A heartbeat link of the cluster is down, or its token came too late.",
);
const QUORUM_LOST: Metric = Metric::word(
    "service.cluster.quorum_lost",
    "集群：失去仲裁",
    "This part of the cluster has no quorum and serves nothing.",
);
const FENCED: Metric =
    Metric::word("service.cluster.fenced", "集群：节点被隔离（fence）", "A node was fenced.");
const FENCING_FAILED: Metric = Metric::word(
    "service.cluster.fencing_failed",
    "集群：隔离失败",
    "A node could not be fenced: the cluster waits and takes nothing over.",
);
const RESOURCE_FAILED: Metric = Metric::word(
    "service.cluster.resource_failed",
    "集群：资源操作失败",
    "Starting, stopping or watching a resource of the cluster failed.",
);
const CLOCK_LOST: Metric = Metric::word(
    "service.time.lost",
    "时间源丢失",
    "The time service has no source that it can use.",
);
const CLOCK_JUMP: Metric = Metric::word(
    "service.time.jump",
    "时钟跳变",
    "The clock was wrong by more than a second, or jumped.",
);
const MD_FAIL: Metric = Metric::word(
    "service.md.member_failed",
    "软 RAID 成员失效",
    "mdadm's monitor saw a member fail.",
);
const MD_DEGRADED: Metric =
    Metric::word("service.md.degraded", "软 RAID 降级", "mdadm's monitor saw a degraded array.");
const DRIVE_FAILING: Metric = Metric::word(
    "service.smart.failing",
    "磁盘自检判定失败",
    "smartd: a drive fails its own check.",
);
const DRIVE_SECTORS: Metric = Metric::word(
    "service.smart.sectors",
    "磁盘坏扇区",
    "smartd: sectors of a drive are unreadable or wait to be replaced.",
);
const DRIVE_TEST: Metric = Metric::word(
    "service.smart.self_test_failed",
    "磁盘自检错误",
    "smartd: a self-test of a drive failed.",
);
const DRIVE_HOT: Metric = Metric::word(
    "service.smart.hot",
    "磁盘过热",
    "smartd: a drive reached its critical temperature.",
);
const ISCSI_ERROR: Metric = Metric::word(
    "service.iscsi.connection_error",
    "iSCSI 连接错误",
    "A connection to an iSCSI target broke.",
);
const FAILOVER: Metric = Metric::word(
    "service.vrrp.state_change",
    "VRRP 主备切换",
    "keepalived changed between master, backup and fault.",
);
const POOL_FULL: Metric = Metric::word(
    "service.lvm.pool_filling",
    "精简池将满",
    "dmeventd: a thin pool or snapshot is nearly full.",
);
const DUMPED: Metric =
    Metric::word("service.crashed", "程序崩溃", "A program crashed and left a core dump.");

const MULTIPATH: &[&str] = &["multipathd", "multipath"];
const COROSYNC: &[&str] = &["corosync"];
const PACEMAKER: &[&str] = &[
    "attrd",
    "cib",
    "crmd",
    "pacemaker-attrd",
    "pacemaker-based",
    "pacemaker-controld",
    "pacemaker-execd",
    "pacemaker-fenced",
    "pacemaker-schedulerd",
    "pacemakerd",
    "pengine",
    "stonith-ng",
];
const CHRONY: &[&str] = &["chronyd"];
const MDADM: &[&str] = &["mdadm"];
const SMARTD: &[&str] = &["smartd"];
const ISCSI: &[&str] = &["iscsid"];
const KEEPALIVED: &[&str] = &["Keepalived_vrrp", "keepalived"];
const LVM: &[&str] = &["dmeventd", "lvm"];

const ROWS: &[Row] = &[
    row(MULTIPATH, &["remaining active paths: 0"], &PATHS_GONE),
    row(MULTIPATH, &["Fail all paths"], &PATHS_GONE),
    row(MULTIPATH, &["checker reports path is down"], &PATH_DOWN),
    row(MULTIPATH, &["checker failed path"], &PATH_DOWN),
    row(MULTIPATH, &["mark as failed"], &PATH_DOWN),
    row(MULTIPATH, &["checker timed out"], &PATH_DOWN),
    row(MULTIPATH, &["checker reports path is up"], &PATH_UP),
    row(MULTIPATH, &["reinstated"], &PATH_UP),
    row(COROSYNC, &["non-primary component"], &QUORUM_LOST),
    row(COROSYNC, &["A processor failed"], &NODE_LOST),
    row(COROSYNC, &["Failed to receive the leave message"], &NODE_LOST),
    row(COROSYNC, &["link:", "is down"], &RING_FAULTY),
    row(COROSYNC, &["Marking ringid", "FAULTY"], &RING_FAULTY),
    row(COROSYNC, &["Token has not been received"], &RING_FAULTY),
    row(COROSYNC, &["not scheduled for"], &RING_FAULTY),
    row(PACEMAKER, &["Quorum lost"], &QUORUM_LOST),
    row(PACEMAKER, &["state is now lost"], &NODE_LOST),
    row(PACEMAKER, &["was terminated", " by "], &FENCED),
    row(PACEMAKER, &["was not terminated"], &FENCING_FAILED),
    row(PACEMAKER, &["Stonith operation", "failed"], &FENCING_FAILED),
    row(PACEMAKER, &["Operation", "targeting", "failed"], &FENCING_FAILED),
    row(PACEMAKER, &["Unexpected result (error"], &RESOURCE_FAILED),
    row(PACEMAKER, &["Processing failed "], &RESOURCE_FAILED),
    row(PACEMAKER, &["Result of ", " operation for ", "error"], &RESOURCE_FAILED),
    row(PACEMAKER, &["Result of ", " operation for ", "Timed Out"], &RESOURCE_FAILED),
    row(PACEMAKER, &["Forcing ", " away from "], &RESOURCE_FAILED),
    row(CHRONY, &["no selectable sources"], &CLOCK_LOST),
    row(CHRONY, &["no reachable sources"], &CLOCK_LOST),
    row(CHRONY, &["no majority"], &CLOCK_LOST),
    row(CHRONY, &["System clock wrong by"], &CLOCK_JUMP),
    row(CHRONY, &["time jump detected"], &CLOCK_JUMP),
    row(MDADM, &["DegradedArray event"], &MD_DEGRADED),
    row(MDADM, &["FailSpare event"], &MD_FAIL),
    row(MDADM, &["Fail event"], &MD_FAIL),
    row(MDADM, &["DeviceDisappeared event"], &MD_FAIL),
    row(SMARTD, &["FAILED SMART self-check"], &DRIVE_FAILING),
    row(SMARTD, &["Failed SMART usage Attribute"], &DRIVE_FAILING),
    row(SMARTD, &["Prefailure Attribute", "FAILING_NOW"], &DRIVE_FAILING),
    row(SMARTD, &["Currently unreadable (pending) sectors"], &DRIVE_SECTORS),
    row(SMARTD, &["Offline uncorrectable sectors"], &DRIVE_SECTORS),
    row(SMARTD, &["Self-Test Log error count increased"], &DRIVE_TEST),
    row(SMARTD, &["new Self-Test Log error"], &DRIVE_TEST),
    row(SMARTD, &["reached critical limit"], &DRIVE_HOT),
    row(ISCSI, &["Kernel reported iSCSI connection", "error"], &ISCSI_ERROR),
    row(ISCSI, &["detected conn error"], &ISCSI_ERROR),
    row(ISCSI, &["connect to", "failed"], &ISCSI_ERROR),
    row(KEEPALIVED, &["Entering FAULT STATE"], &FAILOVER),
    row(KEEPALIVED, &["Entering MASTER STATE"], &FAILOVER),
    row(KEEPALIVED, &["Entering BACKUP STATE"], &FAILOVER),
    row(LVM, &["is now", "% full"], &POOL_FULL),
    row(&["systemd-coredump"], &["dumped core"], &DUMPED),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_by_its_service_and_its_words() {
        let path = "mpatha: sdb - tur checker reports path is down";
        assert_eq!(find("multipathd", path).map(|it| it.name), Some(PATH_DOWN.name));
        assert_eq!(find("sshd", path), None);
        assert_eq!(find("multipathd", "mpatha: load table"), None);
    }

    #[test]
    fn every_kind_is_listed_and_reached() {
        for row in ROWS {
            assert!(KINDS.contains(row.kind), "{}", row.kind.name);
        }
        for kind in KINDS {
            assert!(ROWS.iter().any(|row| row.kind == kind), "{}", kind.name);
        }
    }
}
