//! The rule library that is built into the program: one file per source.

/// A file of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleFile {
    /// `md.toml`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All files, in the order of the alphabet.
pub const LIBRARY: &[RuleFile] = &[
    RuleFile { name: "beegfs.toml", text: include_str!("../library/beegfs.toml") },
    RuleFile { name: "block.toml", text: include_str!("../library/block.toml") },
    RuleFile { name: "boot.toml", text: include_str!("../library/boot.toml") },
    RuleFile { name: "btrfs.toml", text: include_str!("../library/btrfs.toml") },
    RuleFile { name: "ceph-health.toml", text: include_str!("../library/ceph-health.toml") },
    RuleFile { name: "ceph.toml", text: include_str!("../library/ceph.toml") },
    RuleFile { name: "disk_failure.toml", text: include_str!("../library/disk_failure.toml") },
    RuleFile { name: "edac.toml", text: include_str!("../library/edac.toml") },
    RuleFile { name: "enclosure.toml", text: include_str!("../library/enclosure.toml") },
    RuleFile { name: "fc.toml", text: include_str!("../library/fc.toml") },
    RuleFile { name: "fs.toml", text: include_str!("../library/fs.toml") },
    RuleFile { name: "gluster.toml", text: include_str!("../library/gluster.toml") },
    RuleFile { name: "gpfs.toml", text: include_str!("../library/gpfs.toml") },
    RuleFile { name: "host.toml", text: include_str!("../library/host.toml") },
    RuleFile { name: "hwmon.toml", text: include_str!("../library/hwmon.toml") },
    RuleFile { name: "hwraid.toml", text: include_str!("../library/hwraid.toml") },
    RuleFile { name: "infiniband.toml", text: include_str!("../library/infiniband.toml") },
    RuleFile { name: "ipmi.toml", text: include_str!("../library/ipmi.toml") },
    RuleFile { name: "ipmi_other.toml", text: include_str!("../library/ipmi_other.toml") },
    RuleFile { name: "journal.toml", text: include_str!("../library/journal.toml") },
    RuleFile { name: "kmsg.toml", text: include_str!("../library/kmsg.toml") },
    RuleFile { name: "lustre.toml", text: include_str!("../library/lustre.toml") },
    RuleFile { name: "lvm.toml", text: include_str!("../library/lvm.toml") },
    RuleFile { name: "mce.toml", text: include_str!("../library/mce.toml") },
    RuleFile { name: "md.toml", text: include_str!("../library/md.toml") },
    RuleFile { name: "multipath.toml", text: include_str!("../library/multipath.toml") },
    RuleFile { name: "net.toml", text: include_str!("../library/net.toml") },
    RuleFile { name: "nvme.toml", text: include_str!("../library/nvme.toml") },
    RuleFile { name: "pcie.toml", text: include_str!("../library/pcie.toml") },
    RuleFile { name: "port.toml", text: include_str!("../library/port.toml") },
    RuleFile { name: "probe.toml", text: include_str!("../library/probe.toml") },
    RuleFile { name: "process.toml", text: include_str!("../library/process.toml") },
    RuleFile { name: "redfish.toml", text: include_str!("../library/redfish.toml") },
    RuleFile {
        name: "redfish_storage.toml",
        text: include_str!("../library/redfish_storage.toml"),
    },
    RuleFile { name: "smart.toml", text: include_str!("../library/smart.toml") },
    RuleFile { name: "snmp.toml", text: include_str!("../library/snmp.toml") },
    RuleFile { name: "software.toml", text: include_str!("../library/software.toml") },
    RuleFile { name: "source.toml", text: include_str!("../library/source.toml") },
    RuleFile { name: "systemd.toml", text: include_str!("../library/systemd.toml") },
    RuleFile { name: "time.toml", text: include_str!("../library/time.toml") },
    RuleFile { name: "vdo.toml", text: include_str!("../library/vdo.toml") },
    RuleFile { name: "vxvm.toml", text: include_str!("../library/vxvm.toml") },
    RuleFile { name: "zfs.toml", text: include_str!("../library/zfs.toml") },
];
