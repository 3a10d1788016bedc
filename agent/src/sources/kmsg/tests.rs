//! Lines of kernels of many years against the table.

use super::{adapters, table::*};

#[test]
fn lines_of_older_and_newer_kernels_find_their_kind() {
    for (line, kind) in [
        ("nvme 0000:05:00.0: I/O 61 QID 2 timeout, aborting", Some(&IO_TIMEOUT)),
        ("nvme nvme2: Device not ready; aborting initialisation, CSTS=0x0", Some(&OFFLINE)),
        ("ata4: COMRESET failed (errno=-16)", Some(&LINK_ERROR)),
        ("ata4.00: qc timeout (cmd 0xec)", Some(&IO_TIMEOUT)),
        ("sd 0:0:1:0: [sdb] tag#3 rejecting I/O to offline device", Some(&OFFLINE)),
        ("sd 6:0:4:0: attempting device reset! scmd(00000000c0ffee00)", Some(&RESET)),
        ("sd 0:0:1:0: rejecting I/O to dead device", None),
        ("md/raid:md3: read error not correctable (sector 8 on sdb1).", Some(&READ_LOST)),
        ("md/raid:md3: cannot start dirty degraded array.", Some(&ARRAY_FAILED)),
        ("JBD2: Detected IO errors while flushing file data on dm-0-8", Some(&FS_ERROR)),
        ("XFS (dm-1): Metadata CRC error detected at xfs_agf_read_verify", Some(&FS_ERROR)),
        ("BTRFS: error (device sdb) in cleanup: errno=-5 IO failure", Some(&FS_ERROR)),
        ("{1}[Hardware Error]: event severity: corrected", None),
        ("{2}[Hardware Error]: event severity: recoverable", Some(&MCE)),
        ("pcieport 0000:3a:00.0: DPC: containment event, status:0x1f01", Some(&PCIE_UNCORRECTED)),
        ("mpt2sas0: fault_state(0x5841)!", Some(&adapters::FAULT)),
        ("megasas: FW in FAULT state!!", Some(&adapters::FAULT)),
        ("mpt3sas_cm0: sending message unit reset !!", None),
        ("sd 2:2:0:0: [sda] megasas: RESET cmd=28 retries=0", Some(&RESET)),
        ("sd 0:2:0:0: [sda] tag#1 OCR is requested due to IO timeout!!", Some(&RESET)),
        ("raid1: Disk failure on sdb1, disabling device.", Some(&MEMBER_FAILED)),
        ("device-mapper: thin: 253:4: switching pool to write mode", None),
        ("ata4: SATA link up 6.0 Gbps (SStatus 133 SControl 300)", None),
        ("XFS (dm-1): Ending clean mount", None),
    ] {
        assert_eq!(find(line).map(|it| it.kind.name), kind.map(|it| it.name), "{line}");
    }
}
