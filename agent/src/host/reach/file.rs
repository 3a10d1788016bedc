//! The certificates of a file, PEM or DER. Keys that lie in the same file are passed over.

use std::{
    fs::OpenOptions,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use xunjian_proto::token::hex;

use super::{CERTIFICATES_MAX, Failure, FailureKind, Reached, failure};

/// Largest file: a bundle of a few hundred authorities is 250 KiB.
const BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn read(path: &Path, reached: &mut Reached) -> Result<(), Failure> {
    let wrong = |text: &dyn std::fmt::Display| {
        failure(FailureKind::File, format!("{}: {text}", path.display()))
    };
    let bytes = bytes(path).map_err(|error| wrong(&error))?;
    // DER begins with a sequence.
    let found: Vec<String> = if bytes.first() == Some(&0x30) {
        vec![hex(&bytes)]
    } else {
        CertificateDer::pem_slice_iter(&bytes)
            .flatten()
            .take(CERTIFICATES_MAX)
            .map(|it| hex(&it))
            .collect()
    };
    if found.is_empty() {
        return Err(wrong(&"no certificate in it"));
    }
    reached.certificates = found;
    Ok(())
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(bytes)
}
