//! Programs that more than one source starts, and how a program is found on a machine.
//!
//! Programs are started by absolute path only, from the places declared here and in the sources only, so that nothing
//! in a `PATH`, a working directory or a configuration file can make the agent start something else. A path is taken
//! only if nobody but root can change the file.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// A program that the agent may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its bare name, as sources write it in `argv[0]`.
    pub name: &'static str,
    /// Where it is looked for, in this order: absolute paths.
    pub places: &'static [&'static str],
    /// Whether it tells what is wanted only to root.
    pub root: bool,
}

/// smartmontools.
pub const SMARTCTL: Program = Program {
    name: "smartctl",
    places: &["/usr/sbin/smartctl", "/sbin/smartctl", "/usr/local/sbin/smartctl"],
    root: true,
};

/// Linux software RAID.
pub const MDADM: Program =
    Program { name: "mdadm", places: &["/usr/sbin/mdadm", "/sbin/mdadm"], root: true };

/// Management controllers.
pub const IPMITOOL: Program = Program {
    name: "ipmitool",
    places: &["/usr/bin/ipmitool", "/usr/sbin/ipmitool", "/usr/local/bin/ipmitool"],
    root: true,
};

impl Program {
    /// Where it lies on this machine.
    pub(super) fn place(&self) -> Option<PathBuf> {
        self.places.iter().map(Path::new).find(|it| trusted(it)).map(Path::to_owned)
    }
}

/// An executable that only root can change. Links are followed: `/bin` is one on merged-usr systems.
fn trusted(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| {
        meta.is_file() && meta.uid() == 0 && meta.mode() & 0o111 != 0 && meta.mode() & 0o022 == 0
    })
}
