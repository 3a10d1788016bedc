//! What drivers say of RAID controllers, HBAs, Fibre Channel, iSCSI and network adapters that fail.
//!
//! Facts: the drivers' sources from 2.6.32 to 6.x (megaraid_sas, mpt2sas and mpt3sas, mpi3mr, hpsa, smartpqi, aacraid,
//! 3w-9xxx, arcmsr, hisi_sas, lpfc, qla2xxx, scsi_transport_fc, libiscsi, mlx4 and mlx5, e1000e, ixgbe, i40e, ice, bnxt,
//! tg3). Left out on purpose: `log_info(0x...)` of mpt3sas, which comes by the thousand with every error that a disk has,
//! and `Abort command issued` of qla2xxx, which tells of a slow disk array and not of a fault.

use super::table::{self, NET_TIMEOUT, Row, Who, row};
use crate::source::Metric;

pub(super) const FAULT: Metric = Metric::word(
    "kernel.controller.fault",
    "控制器固件故障",
    "The firmware of a RAID controller or HBA stopped with a fault.",
);
pub(super) const RESET: Metric = Metric::word(
    "kernel.controller.reset",
    "控制器复位",
    "A RAID controller or HBA was reset; all I/O behind it waited.",
);
pub(super) const DEAD: Metric = Metric::word(
    "kernel.controller.dead",
    "控制器失效",
    "The driver gave a RAID controller or HBA up: no disk behind it answers.",
);
pub(super) const MESSAGE: Metric = Metric::word(
    "kernel.controller.event",
    "控制器严重事件",
    "A RAID controller reported an event that it calls critical or fatal.",
);
pub(super) const DEVICE_FAULT: Metric = Metric::word(
    "kernel.adapter.fault",
    "适配器硬件或固件故障",
    "A network, InfiniBand or Fibre Channel adapter reported a fault of its hardware or firmware.",
);
pub(super) const MODULE: Metric = Metric::word(
    "kernel.net.module_error",
    "光模块或线缆错误",
    "A network adapter reported an error of the module or cable in a port.",
);
pub(super) const FC_TARGET_LOST: Metric = Metric::word(
    "kernel.fc.target_lost",
    "光纤通道目标端口丢失",
    "A port of a disk array was away longer than the kernel waits; its paths are gone.",
);
pub(super) const FC_LINK_DOWN: Metric =
    Metric::word("kernel.fc.link_down", "光纤通道链路断开", "A Fibre Channel port lost its link.");
pub(super) const ISCSI_ERROR: Metric = Metric::word(
    "kernel.iscsi.connection_error",
    "iSCSI 连接错误",
    "A connection to an iSCSI target broke; the initiator tries again.",
);
pub(super) const ISCSI_LOST: Metric = Metric::word(
    "kernel.iscsi.session_lost",
    "iSCSI 会话丢失",
    "A session with an iSCSI target did not come back in time; its I/O fails.",
);

/// Looked at before the table of the kernel's own messages.
pub(super) const ROWS: &[Row] = &[
    row(&["mega", "killing adapter"], &DEAD, Who::Controller),
    row(&["mega", "cannot recover from previous reset failures"], &DEAD, Who::Controller),
    row(&["mega", "failed to do reset"], &DEAD, Who::Controller),
    row(&["mega", "FW in FAULT state"], &FAULT, Who::Controller),
    row(&["mega", "Found FW in FAULT state"], &FAULT, Who::Controller),
    row(&["megaraid_sas", "/FATAL) - "], &MESSAGE, Who::Controller),
    row(&["megaraid_sas", "/DEAD) - "], &MESSAGE, Who::Controller),
    row(&["megaraid_sas", "/CRIT) - "], &MESSAGE, Who::Controller),
    row(&["mega", "esetting fusion adapter"], &RESET, Who::Controller),
    row(&["sd ", "megasas: RESET cmd="], &table::RESET, Who::Scsi),
    row(&["sd ", "OCR is requested due to IO timeout"], &table::RESET, Who::Scsi),
    row(&["mpt", "SAS host is non-operational"], &DEAD, Who::Controller),
    row(&["mpt", ": fault_state("], &FAULT, Who::Controller),
    row(&["mpt", ": coredump_state("], &FAULT, Who::Controller),
    row(&["mpt", ": sending diag reset"], &RESET, Who::Controller),
    row(&["mpt", ": attempting host reset"], &RESET, Who::Controller),
    row(&["mpi3mr", "unrecoverable"], &DEAD, Who::Controller),
    row(&["mpi3mr", "fault code("], &FAULT, Who::Controller),
    row(&["mpi3mr", "controller reset is triggered"], &RESET, Who::Controller),
    row(&["mpt", ": attempting task abort"], &table::RESET, Who::Host),
    row(&["mpt", ": attempting device reset"], &table::RESET, Who::Host),
    row(&["hpsa ", "ontroller lockup detected"], &DEAD, Who::Controller),
    row(&["hpsa ", ": resetting logical"], &table::RESET, Who::Scsi),
    row(&["hpsa ", ": resetting physical"], &table::RESET, Who::Scsi),
    row(&["smartpqi ", "controller offline"], &DEAD, Who::Controller),
    row(&["smartpqi ", "no heartbeat detected"], &FAULT, Who::Controller),
    row(&["smartpqi ", "resetting scsi "], &table::RESET, Who::Scsi),
    row(&["aacraid", "ost adapter dead"], &DEAD, Who::Controller),
    row(&["aacraid", "ost adapter reset request"], &RESET, Who::Controller),
    row(&["aacraid", "ost bus reset request"], &RESET, Who::Controller),
    row(&["AAC", "adapter kernel panic"], &FAULT, Who::Controller),
    row(&["3w-", "AEN: ERROR"], &MESSAGE, Who::Controller),
    row(&["3w-", "timed out, resetting card"], &RESET, Who::Controller),
    row(&["arcmsr", "executing bus reset"], &RESET, Who::Controller),
    row(&["hisi_sas", "controller resetting"], &RESET, Who::Controller),
    row(&["hisi_sas", "controller reset failed"], &DEAD, Who::Controller),
    row(&["blocked FC remote port time out", "removing target"], &FC_TARGET_LOST, Who::FcPort),
    row(&["blocked FC remote port time out", "removing starget"], &FC_TARGET_LOST, Who::FcPort),
    row(&["lpfc ", "Link Down Event"], &FC_LINK_DOWN, Who::Pci),
    row(&["lpfc ", "Adapter Hardware Error"], &DEVICE_FAULT, Who::Pci),
    row(&["lpfc ", "Adapter heartbeat failure"], &DEVICE_FAULT, Who::Pci),
    row(&["lpfc ", "HBA Error Attention"], &DEVICE_FAULT, Who::Pci),
    row(&["qla2xxx", "LOOP DOWN detected"], &FC_LINK_DOWN, Who::Pci),
    row(&["qla2xxx", "ISP System Error"], &DEVICE_FAULT, Who::Pci),
    row(&["qla2xxx", "irmware dump saved"], &DEVICE_FAULT, Who::Pci),
    row(&["qla2xxx", "HW State: FAILED"], &DEVICE_FAULT, Who::Pci),
    row(&["qla2xxx", "ADAPTER RESET ISSUED"], &RESET, Who::Controller),
    row(&["session", "session recovery timed out"], &ISCSI_LOST, Who::Host),
    row(&["connection", "detected conn error"], &ISCSI_ERROR, Who::Host),
    row(&["mlx", "health compromised"], &DEVICE_FAULT, Who::Pci),
    row(&["mlx", "atal error", "detected"], &DEVICE_FAULT, Who::Pci),
    row(&["mlx", "Internal error detected"], &DEVICE_FAULT, Who::Pci),
    row(&["mlx", "Port module event[error]"], &MODULE, Who::Pci),
    row(&["Detected Tx Unit Hang"], &NET_TIMEOUT, Who::Port),
    row(&["Detected Hardware Unit Hang"], &NET_TIMEOUT, Who::Port),
    row(&["initiating reset due to tx timeout"], &NET_TIMEOUT, Who::Port),
    row(&["transmit timed out, resetting"], &NET_TIMEOUT, Who::Port),
    row(&["TX timeout detected, starting reset task"], &NET_TIMEOUT, Who::Port),
    row(&["ib", ": transmit timeout: latency"], &NET_TIMEOUT, Who::Port),
    row(&["TX driver issue detected"], &DEVICE_FAULT, Who::Pci),
    row(&["Malicious Driver Detection event"], &DEVICE_FAULT, Who::Pci),
];
