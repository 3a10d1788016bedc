//! The spool's folder, its lock, and the file that reserves sequence numbers.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use xunjian_proto::Time;

/// Numbers that are reserved at a time: the file is written once in some days.
const RESERVED: u64 = 10_000;

/// Makes the folder, for its owner only.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// How often a lock that is held is tried again, [`LOCK_PAUSE`] apart: a program that this process is just starting has
/// the lock's file open between fork and exec, though nobody uses the folder any more.
const LOCK_TRIES: u32 = 40;

/// Time between two tries.
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(25);

/// Takes the folder for this process; none if another has it. It is free again when the file is dropped.
pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
    let mut options = fs::OpenOptions::new();
    let options = options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(folder.join("lock"))?;
    for _ in 0..LOCK_TRIES {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Makes names in the folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a file so that either the old or the new one is there.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Hands out sequence numbers, never one twice.
pub(super) struct Sequences {
    path: PathBuf,
    next: u64,
    reserved: u64,
}

impl Sequences {
    pub(super) fn open(folder: &Path, highest: u64, now: Time) -> io::Result<Sequences> {
        let path = folder.join("next");
        let reserved = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().unwrap_or(0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let clock = u64::try_from(now.millis()).unwrap_or(0);
        let next = clock.max(reserved).max(highest + 1).max(1);
        Ok(Sequences { path, next, reserved: 0 })
    }

    /// The next number; with it the error if it could not be reserved on disk, which does not matter but for a clock
    /// that is set back later.
    pub(super) fn next(&mut self) -> Result<u64, (u64, io::Error)> {
        let next = self.next;
        self.next += 1;
        if next >= self.reserved {
            let reserved = next + RESERVED;
            replace(&self.path, format!("{reserved}\n").as_bytes())
                .map_err(|error| (next, error))?;
            self.reserved = reserved;
        }
        Ok(next)
    }

    /// Never hands out this number or a lower one: the collector has it.
    pub(super) fn beyond(&mut self, sequence: u64) {
        self.next = self.next.max(sequence.saturating_add(1));
    }
}
