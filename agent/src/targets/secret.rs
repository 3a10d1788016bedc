//! Secrets: passwords, communities and keys, from files that nobody else can read or from systemd's credentials.

use std::{
    fmt, fs,
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use thiserror::Error;
use zeroize::Zeroizing;

use super::is_name;

/// Largest secret's file.
const SECRET_BYTES_MAX: u64 = 4096;

/// A password, community or key. Never printed; wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The bytes, to be used and not kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text of a secret that must be one.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// A secret that is known already.
    pub fn new(bytes: &[u8]) -> Secret {
        Secret(Zeroizing::new(bytes.to_vec()))
    }
}

/// Why there is no secret. Names the file, never its content.
#[derive(Debug, Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("cannot read the secret {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could read or change it.
    #[error(
        "{}: want a file of root or of the agent's user that only its owner can read (chmod 600), found owner {owner}, mode {mode:o}",
        path.display()
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// Numeric owner.
        owner: u32,
        /// Permission bits.
        mode: u32,
    },
    /// Not what a secret looks like.
    #[error("{}: {why}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
}

/// Whether a `…_file` key can name a secret: an absolute path, or the bare name of a systemd credential.
pub fn check_secret_file(value: &str) -> Result<(), String> {
    if Path::new(value).is_absolute() || is_name(value) {
        return Ok(());
    }
    Err("want an absolute path, or the name of a systemd credential".to_owned())
}

/// Reads a secret: an absolute path to a file that only its owner can read, or the name of a credential that systemd
/// handed over (`$CREDENTIALS_DIRECTORY`). A line end at its end is no part of it.
pub fn secret(value: &str) -> Result<Secret, SecretError> {
    if Path::new(value).is_absolute() {
        return read_secret(Path::new(value), true);
    }
    let path = match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(dir) if is_name(value) => Path::new(&dir).join(value),
        _ => {
            let why = "no systemd credential of this name was handed over";
            return Err(SecretError::Content { path: PathBuf::from(value), why });
        }
    };
    // systemd guards its directory itself, and gives an unprivileged service access by an ACL, which shows as a
    // group's right.
    read_secret(&path, false)
}

fn read_secret(path: &Path, strict: bool) -> Result<Secret, SecretError> {
    let wrap = |source| SecretError::Read { path: path.to_owned(), source };
    let content = |why| SecretError::Content { path: path.to_owned(), why };
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(wrap)?;
    let meta = file.metadata().map_err(wrap)?;
    if !meta.is_file() {
        return Err(content("want a regular file"));
    }
    let ours = [0, rustix::process::geteuid().as_raw()].contains(&meta.uid());
    if strict && (!ours || meta.mode() & 0o077 != 0) {
        let (owner, mode) = (meta.uid(), meta.mode() & 0o7777);
        return Err(SecretError::Open { path: path.to_owned(), owner, mode });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(wrap)?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(content("want at most 4096 bytes"));
    }
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    if bytes.is_empty() { Err(content("the file is empty")) } else { Ok(Secret(bytes)) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_that_others_can_read_is_refused_and_never_printed() {
        let path = std::env::temp_dir().join(format!("xunjian-secret-{}", std::process::id()));
        fs::write(&path, "s3cret\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = secret(path.to_str().unwrap());
        assert!(matches!(refused, Err(SecretError::Open { mode: 0o640, .. })), "{refused:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let read = secret(path.to_str().unwrap());
        fs::remove_file(&path).unwrap();
        let read = read.unwrap();
        assert_eq!(
            (read.bytes(), format!("{read:?}")),
            (b"s3cret".as_slice(), "Secret".to_owned())
        );
    }
}
