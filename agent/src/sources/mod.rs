//! One file or folder per source, and the list of them.

use crate::source::Source;

pub mod block;

pub mod btrfs;

pub mod ceph;

pub mod edac;

pub mod enclosure;

pub mod fc;

pub mod fs;

pub mod host;

pub mod hwmon;

pub mod infiniband;

pub mod ipmi;

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

pub mod smart;

pub mod systemd;

pub mod time;

pub mod vdo;

pub mod zfs;

/// Every source the agent has, in the order of the alphabet.
pub const ALL: &[Source] = &[
    block::SOURCE,
    btrfs::SOURCE,
    ceph::SOURCE,
    edac::SOURCE,
    enclosure::SOURCE,
    fc::SOURCE,
    fs::SOURCE,
    host::SOURCE,
    hwmon::SOURCE,
    infiniband::SOURCE,
    ipmi::SOURCE,
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
    smart::SOURCE,
    systemd::SOURCE,
    time::SOURCE,
    vdo::SOURCE,
    zfs::SOURCE,
];
