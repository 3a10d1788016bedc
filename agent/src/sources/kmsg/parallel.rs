//! What the kernel modules of parallel file systems say: Lustre, LNet, ldiskfs, GPFS, BeeGFS and CephFS.
//!
//! Facts: Lustre's sources of 2.10 to 2.16 (ldlm_lib.c, import.c, ldlm_lockd.c, service.c, o2iblnd_cb.c), wiki.lustre.org
//! (Client Eviction Guide). Messages that are numbered (`167-0:`) keep their wording over versions. These rows come before
//! the others: an LBUG is more than the panic that follows it.

use super::table::{FS_ERROR, FS_READ_ONLY, Row, Who, but, row};
use crate::source::Metric;

pub(super) const LBUG: Metric = Metric::word(
    "kernel.lustre.lbug",
    "Lustre 内核断言（LBUG）",
    "The kernel module of Lustre gave up; the node must be rebooted.",
);
pub(super) const EVICTED: Metric = Metric::word(
    "kernel.lustre.evicted",
    "本机被 Lustre 目标驱逐",
    "This host was evicted by a target: writes not yet sent are lost.",
);
pub(super) const CLIENT_EVICTED: Metric = Metric::word(
    "kernel.lustre.client_evicted",
    "Lustre 目标驱逐客户端",
    "A target of this host evicted a client.",
);
pub(super) const CONNECTION_LOST: Metric = Metric::word(
    "kernel.lustre.connection_lost",
    "Lustre 连接丢失",
    "This host lost its connection to a target.",
);
pub(super) const CONNECTION_RESTORED: Metric = Metric::word(
    "kernel.lustre.connection_restored",
    "Lustre 连接恢复",
    "This host has its connection to a target again.",
);
pub(super) const RECOVERY_BEGUN: Metric = Metric::word(
    "kernel.lustre.recovery_started",
    "Lustre 目标开始恢复",
    "A target of this host waits for its clients after a restart or failover.",
);
pub(super) const RECOVERY_OVER: Metric = Metric::word(
    "kernel.lustre.recovery_over",
    "Lustre 目标恢复结束",
    "A target of this host has recovered.",
);
pub(super) const THREAD_STUCK: Metric = Metric::word(
    "kernel.lustre.thread_stuck",
    "Lustre 服务线程卡住",
    "A service thread of Lustre did not get on for minutes.",
);
pub(super) const TIMED_OUT: Metric = Metric::word(
    "kernel.lustre.request_timeout",
    "Lustre 请求超时",
    "A request to a Lustre server was not answered in time.",
);
pub(super) const SLOW: Metric = Metric::word(
    "kernel.lustre.slow_io",
    "Lustre 后端 I/O 缓慢",
    "The storage below a target answers slowly.",
);
pub(super) const READ_ONLY: Metric = Metric::word(
    "kernel.lustre.read_only",
    "Lustre 目标后端只读",
    "A target cannot write, because the file system below it has turned read-only.",
);
pub(super) const NET_ERROR: Metric = Metric::word(
    "kernel.lustre.net_error",
    "LNet 网络错误",
    "LNet lost messages or took an interface out of use for a while.",
);
pub(super) const OPERATION_FAILED: Metric = Metric::word(
    "kernel.lustre.operation_failed",
    "Lustre 操作失败",
    "A Lustre server answered a request of this host with an error.",
);
pub(super) const CHECKSUM: Metric = Metric::word(
    "kernel.lustre.checksum_error",
    "Lustre 数据校验错误",
    "Data changed on its way between client and server; it is sent again.",
);
pub(super) const BEEGFS: Metric = Metric::word(
    "kernel.beegfs.unreachable",
    "BeeGFS 服务无法访问",
    "The BeeGFS client cannot reach a server or gets no answer.",
);
pub(super) const CEPH: Metric = Metric::word(
    "kernel.ceph.client_stopped",
    "CephFS 客户端被拒绝或无应答",
    "A metadata server of CephFS does not answer this client or has shut it out.",
);
pub(super) const DEADMAN: Metric = Metric::word(
    "kernel.gpfs.deadman",
    "GPFS 死锁定时器到期",
    "The node lost its lease while I/O was under way: GPFS stops it to protect the data.",
);

/// Looked at before the table of the kernel's own messages.
pub(super) const ROWS: &[Row] = &[
    row(&["Lustre", "LBUG"], &LBUG, Who::Host),
    row(&["not syncing: LBUG"], &LBUG, Who::Host),
    row(&["Lustre", "ASSERTION(", "failed"], &LBUG, Who::Host),
    row(&["LNet", "ASSERTION(", "failed"], &LBUG, Who::Host),
    row(&["Lustre", "This client was evicted by "], &EVICTED, Who::Target),
    row(&["Lustre", "haven't heard from client", "evicting it"], &CLIENT_EVICTED, Who::Target),
    row(&["Lustre", "callback timer expired", "evicting client"], &CLIENT_EVICTED, Who::Target),
    row(&["Lustre", "ldlm_failed_ast", "evict it"], &CLIENT_EVICTED, Who::Target),
    row(&["Lustre", "was evicted due to"], &CLIENT_EVICTED, Who::Target),
    row(&["Lustre", "ecovery is timed out", "evict"], &CLIENT_EVICTED, Who::Target),
    row(&["Lustre", "Connection to ", " was lost"], &CONNECTION_LOST, Who::Target),
    row(&["Lustre", "Connection restored to "], &CONNECTION_RESTORED, Who::Target),
    row(&["Lustre", "Will be in recovery for at least"], &RECOVERY_BEGUN, Who::Target),
    row(&["Lustre", "Recovery over after "], &RECOVERY_OVER, Who::Target),
    row(&["ervice thread pid ", " was inactive for "], &THREAD_STUCK, Who::Host),
    row(&["Lustre", "Request sent has timed out"], &TIMED_OUT, Who::Target),
    row(&["Lustre", "Request sent has failed due to network error"], &TIMED_OUT, Who::Target),
    row(&["Lustre", "lock timed out (enqueued"], &TIMED_OUT, Who::Target),
    row(&["LustreError", "timeout on bulk "], &TIMED_OUT, Who::Target),
    row(&["Lustre", "ulk IO ", " error with "], &TIMED_OUT, Who::Target),
    row(&["Lustre", "due to heavy IO load"], &SLOW, Who::Target),
    row(&["Lustre: ", ": slow "], &SLOW, Who::Target),
    row(&["Lustre", "refused re", "still busy with"], &SLOW, Who::Target),
    row(&["LustreError", "BAD ", " CHECKSUM"], &CHECKSUM, Who::Target),
    row(&["LustreError", "rc = -30"], &READ_ONLY, Who::Target),
    // Pings, disconnections and the first request after a failover fail as a matter of course.
    but(
        &["LustreError", "operation ", " failed"],
        &["_ping", "_disconnect", "rc = -107", "with -107", "rc = -19", "with -19"],
        &OPERATION_FAILED,
        Who::Target,
    ),
    row(&["LDISKFS-fs", "emounting filesystem read-only"], &FS_READ_ONLY, Who::Filesystem),
    row(&["LDISKFS-fs error (device "], &FS_ERROR, Who::Filesystem),
    row(&["LNetError", "imed out"], &NET_ERROR, Who::Host),
    row(&["LNet: ", "imed out tx"], &NET_ERROR, Who::Host),
    row(&["LNet", "nexpected network error"], &NET_ERROR, Who::Host),
    row(&["LNetError", "Connection to ", " was refused"], &NET_ERROR, Who::Host),
    row(&["LustreError", "server_bulk_callback", "status -"], &NET_ERROR, Who::Host),
    row(&["LNetError", "added to recovery queue"], &NET_ERROR, Who::Host),
    row(&["LNet", "NIs in recovery"], &NET_ERROR, Who::Host),
    row(&["GPFS Deadman Switch timer", "has expired"], &DEADMAN, Who::Host),
    row(&["beegfs: ", "Communication error"], &BEEGFS, Who::Host),
    row(&["beegfs: ", "Connect failed on all available routes"], &BEEGFS, Who::Host),
    row(&["ceph: mds", " hung"], &CEPH, Who::Host),
    row(&["ceph: mds", "reconnect denied"], &CEPH, Who::Host),
    row(&["ceph: mds", "locklisted"], &CEPH, Who::Host),
    row(&["ceph: mds", "rejected session"], &CEPH, Who::Host),
];

#[cfg(test)]
mod tests {
    use super::super::table;

    fn kind(line: &str) -> Option<&'static str> {
        table::find(line).map(|it| it.kind.name)
    }

    #[test]
    fn lines_of_lustre_are_told_apart() {
        for (line, wanted) in [
            (
                "LustreError: 9:0:(osd_handler.c:1:f()) ASSERTION( x > 0 ) failed: ",
                "kernel.lustre.lbug",
            ),
            ("LustreError: 9:0:(osd_handler.c:1:f()) LBUG", "kernel.lustre.lbug"),
            ("Kernel panic - not syncing: LBUG", "kernel.lustre.lbug"),
            (
                "LustreError: 167-0: a-OST0001-osc-ffff: This client was evicted by a-OST0001; in progress operations \
                 using this service will fail.",
                "kernel.lustre.evicted",
            ),
            (
                "Lustre: a-OST0000: haven't heard from client 77 (at 10.0.0.9@tcp) in 227 seconds. I think it's dead, \
                 and I am evicting it. exp 0, cur 1",
                "kernel.lustre.client_evicted",
            ),
            ("Lustre: Skipped 3 previous similar messages", ""),
            ("Lustre: Mounted a-client", ""),
            ("Kernel panic - not syncing: Fatal exception", "kernel.oops"),
        ] {
            assert_eq!(kind(line).unwrap_or_default(), wanted, "{line}");
        }
    }
}
