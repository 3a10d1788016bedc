//! One file or folder per source, and the list of them.

use crate::source::Source;

pub mod block;

pub mod fs;

pub mod host;

pub mod kmsg;

pub mod md;

pub mod net;

pub mod smart;

pub mod systemd;

pub mod zfs;

/// Every source the agent has, in the order of the alphabet.
pub const ALL: &[Source] = &[
    block::SOURCE,
    fs::SOURCE,
    host::SOURCE,
    kmsg::SOURCE,
    md::SOURCE,
    net::SOURCE,
    smart::SOURCE,
    systemd::SOURCE,
    zfs::SOURCE,
];
