//! The allow-list: every program that the agent may start, and where it may lie.
//!
//! Programs are started by absolute path only, from these places only, so that nothing in a `PATH`, a working directory
//! or a configuration file can make the agent (which runs as root) start something else. A path is taken only if
//! nobody but root can change the file.

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
}

/// The whole list, in the order of the alphabet.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "arcconf",
        places: &["/usr/Arcconf/arcconf", "/usr/sbin/arcconf", "/opt/Arcconf/arcconf"],
    },
    Program { name: "ipmitool", places: &["/usr/bin/ipmitool", "/usr/sbin/ipmitool"] },
    Program { name: "mdadm", places: &["/usr/sbin/mdadm", "/sbin/mdadm"] },
    Program {
        name: "perccli64",
        places: &["/opt/MegaRAID/perccli/perccli64", "/usr/sbin/perccli64"],
    },
    Program {
        name: "smartctl",
        places: &["/usr/sbin/smartctl", "/sbin/smartctl", "/usr/local/sbin/smartctl"],
    },
    Program {
        name: "ssacli",
        places: &["/usr/sbin/ssacli", "/opt/smartstorageadmin/ssacli/bin/ssacli"],
    },
    Program {
        name: "storcli64",
        places: &["/opt/MegaRAID/storcli/storcli64", "/usr/sbin/storcli64"],
    },
    Program { name: "systemctl", places: &["/usr/bin/systemctl", "/bin/systemctl"] },
];

/// Where a program of the list lies on this machine. `Err(true)`: it is on the list and not installed;
/// `Err(false)`: it is not on the list.
pub(super) fn place(name: &str) -> Result<PathBuf, bool> {
    let program = PROGRAMS.iter().find(|it| it.name == name).ok_or(false)?;
    program.places.iter().map(Path::new).find(|it| trusted(it)).map(Path::to_owned).ok_or(true)
}

/// An executable that only root can change. Links are followed: `/bin` is one on merged-usr systems.
fn trusted(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| {
        meta.is_file() && meta.uid() == 0 && meta.mode() & 0o111 != 0 && meta.mode() & 0o022 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_absolute() {
        assert!(PROGRAMS.is_sorted_by_key(|it| it.name));
        for program in PROGRAMS {
            assert!(program.places.iter().all(|it| it.starts_with('/')), "{}", program.name);
        }
    }

    #[test]
    fn what_is_not_listed_is_not_looked_for() {
        assert_eq!(place("sh"), Err(false));
        assert_eq!(place("/bin/sh"), Err(false));
    }
}
