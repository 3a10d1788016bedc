//! The authority's file: private key and certificate together, so that one is never there without the other.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};

use xunjian_proto::{pem, token::hex};

use super::{IdentityError, random};

/// Reads the file; none if it is not there.
pub(super) fn load(
    path: &Path,
) -> Result<Option<(KeyPair, CertificateDer<'static>)>, IdentityError> {
    let pem = match fs::read(path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(IdentityError::File { path: path.to_owned(), source }),
    };
    let content = || IdentityError::Content { path: path.to_owned() };
    let key = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| content())?;
    let key = KeyPair::try_from(&key).map_err(|_| content())?;
    let certificate = CertificateDer::from_pem_slice(&pem).map_err(|_| content())?;
    Ok(Some((key, certificate)))
}

/// Writes the file, durable and readable for its owner only. If another process (`enrol-token` beside `serve`) was
/// faster, its file stays: read it again afterwards.
pub(super) fn keep(
    folder: &Path,
    path: &Path,
    key: &KeyPair,
    certificate: &CertificateDer<'_>,
) -> Result<(), IdentityError> {
    let pem = format!("{}{}", key.serialize_pem(), pem::certificate(certificate));
    let new = path.with_extension(format!("new-{}", hex(&random()?)));
    let written = || {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(pem.as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        fs::File::open(folder)?.sync_all()
    };
    written().map_err(|source| IdentityError::File { path: path.to_owned(), source })
}
