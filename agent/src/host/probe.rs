//! The question "how full is this filesystem", asked in a child process.
//!
//! statvfs(2) on a dead NFS server or a hung disk blocks in the kernel, where nothing can cancel it. So the agent
//! starts its own binary with a hidden command, and leaves the child behind if it does not answer.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{StatVfsMountFlags, statvfs};
use serde::{Deserialize, Serialize};

use super::Space;

/// The hidden command that makes the binary a mount probe: `xunjian-agent probe-mount /data`.
pub const PROBE_COMMAND: &str = "probe-mount";

/// The binary that knows the command.
const BINARY: &str = "xunjian-agent";

/// What the child writes: one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Space(Space),
    Errno(i32),
}

/// The child's side: asks, and gives the line to print.
pub fn probe_mount(path: &str) -> String {
    let answer = match statvfs(path) {
        Ok(it) => Answer::Space(Space {
            total: it.f_blocks.saturating_mul(it.f_frsize),
            free: it.f_bfree.saturating_mul(it.f_frsize),
            available: it.f_bavail.saturating_mul(it.f_frsize),
            inodes: it.f_files,
            inodes_free: it.f_ffree,
            read_only: it.f_flag.contains(StatVfsMountFlags::RDONLY),
        }),
        Err(errno) => Answer::Errno(errno.raw_os_error()),
    };
    serde_json::to_string(&answer).unwrap_or_default()
}

/// The parent's side: reads the line.
pub(super) fn answer(line: &str) -> io::Result<Space> {
    match serde_json::from_str(line.trim()) {
        Ok(Answer::Space(space)) => Ok(space),
        Ok(Answer::Errno(errno)) => Err(io::Error::from_raw_os_error(errno)),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

/// The binary to start: this process if it is the agent (through `/proc`, so that an upgrade under a running agent
/// does no harm), else the agent next to it, as in a build folder or a package.
pub(super) fn binary() -> io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let name = this.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name == BINARY || name == format!("{BINARY} (deleted)") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    let folders = this.ancestors().skip(1).take(2).map(Path::to_owned);
    let found = folders.map(|it| it.join(BINARY)).find(|it| it.is_file());
    found.ok_or_else(|| {
        let text = format!(
            "mounts are probed by {BINARY}, which is not next to {}; build or install it there",
            this.display()
        );
        io::Error::new(io::ErrorKind::Unsupported, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_has_a_size() {
        let space = answer(&probe_mount("/")).unwrap();
        assert!(space.total >= space.free && space.free >= space.available && space.total > 0);
    }

    #[test]
    fn an_error_keeps_its_number() {
        let error = answer(&probe_mount("/no-such-folder")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn garbage_is_no_answer() {
        assert_eq!(answer("{\"space\":{}}").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
