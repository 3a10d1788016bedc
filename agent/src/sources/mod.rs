//! One file or folder per source, and the list of them.

use crate::source::Source;

pub mod beegfs;

pub mod block;

pub mod boot;

pub mod btrfs;

pub mod ceph;

pub mod edac;

pub mod enclosure;

pub mod fc;

pub mod fs;

pub mod gluster;

pub mod gpfs;

pub mod host;

pub mod hwmon;

pub mod hwraid;

pub mod infiniband;

pub mod ipmi;

pub mod journal;

pub mod kmsg;

pub mod lustre;

pub mod lvm;

pub mod mce;

pub mod md;

pub mod multipath;

pub mod net;

pub mod nvme;

pub mod pcie;

pub mod port;

pub mod probe;

pub mod process;

pub mod quota;

pub mod redfish;

pub mod smart;

pub mod snmp;

pub mod software;

pub mod systemd;

pub mod time;

pub mod vdo;

pub mod vxvm;

pub mod zfs;

/// Every source the agent has, in the order of the alphabet.
pub const ALL: &[Source] = &[
    beegfs::SOURCE,
    block::SOURCE,
    boot::SOURCE,
    btrfs::SOURCE,
    ceph::SOURCE,
    edac::SOURCE,
    enclosure::SOURCE,
    fc::SOURCE,
    fs::SOURCE,
    gluster::SOURCE,
    gpfs::SOURCE,
    host::SOURCE,
    hwmon::SOURCE,
    hwraid::SOURCE,
    infiniband::SOURCE,
    ipmi::SOURCE,
    journal::SOURCE,
    kmsg::SOURCE,
    lustre::SOURCE,
    lvm::SOURCE,
    mce::SOURCE,
    md::SOURCE,
    multipath::SOURCE,
    net::SOURCE,
    nvme::SOURCE,
    pcie::SOURCE,
    port::SOURCE,
    probe::SOURCE,
    process::SOURCE,
    quota::SOURCE,
    redfish::SOURCE,
    smart::SOURCE,
    snmp::SOURCE,
    software::SOURCE,
    systemd::SOURCE,
    time::SOURCE,
    vdo::SOURCE,
    vxvm::SOURCE,
    zfs::SOURCE,
];
