//! What the kernel says when something breaks: one table from fixed parts of a line to a closed kind.
//!
//! The texts are those of kernels 3.10 to 6.x. The first row that fits wins. Left out on purpose: `Buffer I/O error`
//! (repeats the error of the disk below), sense keys that only explain the line after them, segfaults of programs, and
//! links of empty SATA ports.

use super::{adapters, parallel, rows};
use crate::source::Metric;

/// How the component is told in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The host.
    Host,
    /// `..., dev sda, sector 4660`.
    Dev,
    /// `sd 0:0:0:0: [sda] ...`, or only the address.
    Scsi,
    /// `ata3.00: ...`.
    Ata,
    /// `nvme nvme0: ...`.
    Nvme,
    /// `md/raid1:md0: ...`.
    Array,
    /// `md: kicking non-fresh sdb1 from array!`: the disk under it.
    Member,
    /// `EXT4-fs (sda1): ...` or `EXT4-fs error (device sda1): ...`.
    Filesystem,
    /// `Aborting journal on device sda1-8.`
    Journal,
    /// An interface's name somewhere in the line.
    Port,
    /// `... Failing path 8:16.`
    Path,
    /// A target of Lustre somewhere in the line: `lfs-OST0001`.
    Target,
    /// A RAID controller or HBA: `megaraid_sas 0000:03:00.0: ...`, `mpt3sas_cm0: ...`, `... adapter scsi0`.
    Controller,
    /// Another device of PCI: `mlx5_core 0000:5e:00.0: ...`.
    Pci,
    /// `rport-3:0-2: ...`: the Fibre Channel port of that host number.
    FcPort,
    /// `Pool 'tank' has ...`.
    Zpool,
}

/// A row: all of these parts are in the line, none of those.
pub(super) struct Row {
    pub(super) all: &'static [&'static str],
    pub(super) none: &'static [&'static str],
    pub(super) kind: &'static Metric,
    pub(super) who: Who,
}

pub(super) const fn row(all: &'static [&'static str], kind: &'static Metric, who: Who) -> Row {
    Row { all, none: &[], kind, who }
}

pub(super) const fn but(
    all: &'static [&'static str],
    none: &'static [&'static str],
    kind: &'static Metric,
    who: Who,
) -> Row {
    Row { all, none, kind, who }
}

/// The kind of a line.
pub(super) fn find(text: &str) -> Option<&'static Row> {
    parallel::ROWS.iter().chain(adapters::ROWS).chain(rows::ROWS).find(|row| {
        row.all.iter().all(|part| text.contains(part))
            && !row.none.iter().any(|part| text.contains(part))
    })
}

/// Every kind, for the source's table.
pub(super) const KINDS: &[Metric] = &[
    MEDIUM,
    TRANSPORT,
    IO_TIMEOUT,
    GENERIC,
    RESET,
    LINK_ERROR,
    OFFLINE,
    HARDWARE,
    PREDICTED,
    MEMBER_FAILED,
    MEMBER_KICKED,
    READ_CORRECTED,
    READ_LOST,
    ARRAY_FAILED,
    FS_ERROR,
    FS_READ_ONLY,
    FS_SHUTDOWN,
    NFS_SILENT,
    NFS_OK,
    MCE,
    MCE_CORRECTED,
    MCE_UNCORRECTED,
    EDAC_CE,
    EDAC_UE,
    MEMORY_FAILURE,
    OOM,
    HUNG,
    LOCKUP,
    OOPS,
    THERMAL,
    PCIE_CORRECTED,
    PCIE_UNCORRECTED,
    NET_DOWN,
    NET_UP,
    NET_TIMEOUT,
    NET_MEMBER,
    PATH_FAILED,
    THIN_FULL,
    THIN_FAILED,
    FS_ERRORS_KEPT,
    ZPOOL_SUSPENDED,
    adapters::FAULT,
    adapters::RESET,
    adapters::DEAD,
    adapters::MESSAGE,
    adapters::DEVICE_FAULT,
    adapters::MODULE,
    adapters::FC_TARGET_LOST,
    adapters::FC_LINK_DOWN,
    adapters::ISCSI_ERROR,
    adapters::ISCSI_LOST,
    parallel::LBUG,
    parallel::EVICTED,
    parallel::CLIENT_EVICTED,
    parallel::CONNECTION_LOST,
    parallel::CONNECTION_RESTORED,
    parallel::RECOVERY_BEGUN,
    parallel::RECOVERY_OVER,
    parallel::THREAD_STUCK,
    parallel::TIMED_OUT,
    parallel::SLOW,
    parallel::READ_ONLY,
    parallel::NET_ERROR,
    parallel::OPERATION_FAILED,
    parallel::CHECKSUM,
    parallel::DEADMAN,
    parallel::BEEGFS,
    parallel::CEPH,
];

pub(super) const MEDIUM: Metric = Metric::word(
    "kernel.io_error.medium",
    "介质读写错误",
    "The disk could not read or write a place on its medium.",
);
pub(super) const TRANSPORT: Metric = Metric::word(
    "kernel.io_error.transport",
    "链路传输错误",
    "The way to the disk failed: cable, backplane, expander or controller.",
);
pub(super) const IO_TIMEOUT: Metric =
    Metric::word("kernel.io_error.timeout", "磁盘 I/O 超时", "The disk did not answer in time.");
pub(super) const GENERIC: Metric = Metric::word(
    "kernel.io_error.generic",
    "磁盘 I/O 错误",
    "An operation of a disk failed; the line does not say why.",
);
pub(super) const RESET: Metric = Metric::word(
    "kernel.disk.reset",
    "磁盘复位",
    "A disk or its link was reset because it did not answer or answered nonsense.",
);
pub(super) const LINK_ERROR: Metric =
    Metric::word("kernel.disk.link_error", "磁盘链路错误", "Errors on the link to a disk.");
pub(super) const OFFLINE: Metric =
    Metric::word("kernel.disk.offline", "磁盘被内核离线", "The kernel gave a disk up.");
pub(super) const HARDWARE: Metric = Metric::word(
    "kernel.disk.hardware_error",
    "磁盘硬件错误",
    "A disk reported a hardware error of its own.",
);
pub(super) const PREDICTED: Metric = Metric::word(
    "kernel.disk.predicted_failure",
    "磁盘预告失效",
    "A disk predicts its own failure.",
);
pub(super) const MEMBER_FAILED: Metric =
    Metric::word("kernel.md.member_failed", "阵列成员失效", "An array marked a member as failed.");
pub(super) const MEMBER_KICKED: Metric = Metric::word(
    "kernel.md.member_kicked",
    "阵列成员被剔除",
    "A member was thrown out of its array when that was assembled.",
);
pub(super) const READ_CORRECTED: Metric = Metric::word(
    "kernel.md.read_error_corrected",
    "阵列已纠正的读错误",
    "An array corrected a read error of a member.",
);
pub(super) const READ_LOST: Metric = Metric::word(
    "kernel.md.read_error_uncorrected",
    "阵列未能纠正的读错误",
    "An array could not correct a read error of a member.",
);
pub(super) const ARRAY_FAILED: Metric =
    Metric::word("kernel.md.array_failed", "阵列失效", "An array has too few members to work.");
pub(super) const FS_ERROR: Metric = Metric::word(
    "kernel.fs.error",
    "文件系统错误",
    "A filesystem found an error in its own structure or could not write to it.",
);
pub(super) const FS_READ_ONLY: Metric = Metric::word(
    "kernel.fs.read_only",
    "文件系统转为只读",
    "A filesystem went read-only after an error, whatever its mount options say.",
);
pub(super) const FS_SHUTDOWN: Metric =
    Metric::word("kernel.fs.shutdown", "文件系统自行停止", "A filesystem shut itself down.");
pub(super) const NFS_SILENT: Metric =
    Metric::word("kernel.nfs.not_responding", "NFS 服务器无响应", "An NFS server does not answer.");
pub(super) const NFS_OK: Metric =
    Metric::word("kernel.nfs.responding", "NFS 服务器恢复响应", "An NFS server answers again.");
pub(super) const MCE: Metric = Metric::word(
    "kernel.mce",
    "机器检查异常",
    "The processor reported a hardware error; the line does not say whether it was corrected.",
);
pub(super) const MCE_CORRECTED: Metric = Metric::word(
    "kernel.mce.corrected",
    "机器检查：已纠正",
    "The processor corrected a hardware error.",
);
pub(super) const MCE_UNCORRECTED: Metric = Metric::word(
    "kernel.mce.uncorrected",
    "机器检查：未纠正",
    "The processor could not correct a hardware error.",
);
pub(super) const EDAC_CE: Metric = Metric::word(
    "kernel.edac.corrected",
    "内存已纠正错误",
    "The memory controller corrected errors.",
);
pub(super) const EDAC_UE: Metric = Metric::word(
    "kernel.edac.uncorrected",
    "内存不可纠正错误",
    "The memory controller could not correct an error.",
);
pub(super) const MEMORY_FAILURE: Metric = Metric::word(
    "kernel.memory_failure",
    "内存页隔离",
    "The kernel put a damaged page of memory out of use.",
);
pub(super) const OOM: Metric = Metric::word(
    "kernel.oom_kill",
    "内存不足，进程被终止",
    "The kernel killed a process for want of memory.",
);
pub(super) const HUNG: Metric = Metric::word(
    "kernel.hung_task",
    "进程长时间等待 I/O",
    "A process waits for a disk or a server for minutes.",
);
pub(super) const LOCKUP: Metric =
    Metric::word("kernel.lockup", "处理器停顿", "A processor did not get on for many seconds.");
pub(super) const OOPS: Metric =
    Metric::word("kernel.oops", "内核异常", "The kernel itself failed.");
pub(super) const THERMAL: Metric =
    Metric::word("kernel.thermal", "处理器过热降频", "A processor slowed down because of heat.");
pub(super) const PCIE_CORRECTED: Metric = Metric::word(
    "kernel.pcie.corrected",
    "PCIe 已纠正错误",
    "A PCIe device reported errors that were corrected.",
);
pub(super) const PCIE_UNCORRECTED: Metric = Metric::word(
    "kernel.pcie.uncorrected",
    "PCIe 不可纠正错误",
    "A PCIe device reported errors that could not be corrected.",
);
pub(super) const NET_DOWN: Metric =
    Metric::word("kernel.net.link_down", "网络链路断开", "A network port lost its link.");
pub(super) const NET_UP: Metric =
    Metric::word("kernel.net.link_up", "网络链路恢复", "A network port got its link.");
pub(super) const NET_TIMEOUT: Metric = Metric::word(
    "kernel.net.transmit_timeout",
    "网口发送超时",
    "A network port did not send what it was given.",
);
pub(super) const NET_MEMBER: Metric =
    Metric::word("kernel.net.member_down", "绑定成员停用", "A bond put a port out of use.");
pub(super) const PATH_FAILED: Metric =
    Metric::word("kernel.multipath.path_failed", "多路径：路径失效", "One path to a disk failed.");
pub(super) const THIN_FULL: Metric =
    Metric::word("kernel.dm.out_of_space", "精简池空间耗尽", "A thin pool has no more space.");
pub(super) const THIN_FAILED: Metric = Metric::word(
    "kernel.dm.pool_failed",
    "精简池停止写入",
    "A thin pool went read-only or failed after an error of its metadata.",
);
pub(super) const FS_ERRORS_KEPT: Metric = Metric::word(
    "kernel.fs.errors_kept",
    "文件系统留有错误记录",
    "A filesystem says once a day that errors were found since it was last checked.",
);
pub(super) const ZPOOL_SUSPENDED: Metric = Metric::word(
    "kernel.zfs.suspended",
    "ZFS 存储池挂起",
    "A ZFS pool lost so many devices that all I/O to it waits.",
);
