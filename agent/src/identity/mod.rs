//! Who the agent is: a private key that is made here and never leaves, the certificate that the collector's authority
//! gave for it, and where that collector is.
//!
//! All of it lies in one file, `identity.toml` in the state folder (mode 0600), which is replaced as a whole: key and
//! certificate always belong together, whatever moment the agent dies at.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use xunjian_proto::{Time, pem};

mod contact;

mod enrol;

mod fingerprint;

pub use contact::{ContactError, connect};
pub use enrol::{EnrolError, enrol, renew};

/// Largest identity file: a key and two certificates take 3 KiB.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why an identity could not be read or made.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The file.
    #[error("cannot use the identity {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not hold what it should.
    #[error("the identity {path} is damaged: {why}; enrol again with a new token")]
    Content {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
    /// A key or request could not be made.
    #[error("cannot make a key and a certificate request")]
    Make(#[from] rcgen::Error),
}

/// What the agent shows and what it trusts. Its `Debug` shows no key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The identity that the collector gave.
    pub agent_id: String,
    /// The collector: `https://HOST:PORT`.
    pub collector: String,
    /// Its private key, PKCS#8, PEM.
    key: String,
    /// Its certificate, PEM.
    certificate: String,
    /// The authority that the collector's certificate must come from, PEM.
    authority: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({} at {})", self.agent_id, self.collector)
    }
}

/// The agent's identity, with its file. Renewal replaces the credentials while others use them.
#[derive(Debug)]
pub struct Identity {
    path: PathBuf,
    current: Mutex<Arc<Credentials>>,
}

impl Identity {
    /// Reads the identity of a state folder; none if the agent is not enrolled.
    pub fn load(state_dir: &Path) -> Result<Option<Identity>, IdentityError> {
        let path = file_in(state_dir);
        let wrap = |source| IdentityError::File { path: path.clone(), source };
        match fs::metadata(&path) {
            Ok(it) if it.len() > FILE_BYTES_MAX => {
                let why = format!("larger than {FILE_BYTES_MAX} bytes");
                return Err(IdentityError::Content { path, why });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrap(error)),
        }
        let text = fs::read_to_string(&path).map_err(wrap)?;
        let content = |why: String| IdentityError::Content { path: path.clone(), why };
        // By way of a table, as the configuration is read: the binary then holds one parser of text, not one a type.
        let table = text.parse::<toml::Table>();
        let credentials: Credentials = table
            .and_then(toml::Table::try_into)
            .map_err(|error| content(error.message().to_owned()))?;
        credentials.life().map_err(content)?;
        credentials.key_der().map_err(|why| content(why.to_owned()))?;
        Ok(Some(Identity { path, current: Mutex::new(Arc::new(credentials)) }))
    }

    /// The present credentials.
    pub fn credentials(&self) -> Arc<Credentials> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps an identity in a state folder.
    fn keep(state_dir: &Path, credentials: Credentials) -> Result<Identity, IdentityError> {
        let path = file_in(state_dir);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir);
        made.map_err(|source| IdentityError::File { path: path.clone(), source })?;
        let identity = Identity { path, current: Mutex::new(Arc::new(credentials.clone())) };
        identity.replace(credentials)?;
        Ok(identity)
    }

    fn replace(&self, credentials: Credentials) -> Result<(), IdentityError> {
        let written = toml::to_string(&credentials)
            .map_err(io::Error::other)
            .and_then(|text| write_private(&self.path, text.as_bytes()));
        written.map_err(|source| IdentityError::File { path: self.path.clone(), source })?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(credentials);
        Ok(())
    }
}

impl Credentials {
    /// Whether the certificate is past two thirds of its life.
    pub fn renewal_due(&self, now: Time) -> bool {
        self.life().is_ok_and(|(from, to)| now >= from + to.since(from) * 2 / 3)
    }

    /// The certificate chain (DER, leaf first, the authority last).
    pub fn chain(&self) -> Vec<Vec<u8>> {
        let der = |text: &str| CertificateDer::from_pem_slice(text.as_bytes());
        let chain = [der(&self.certificate), der(&self.authority)];
        chain.into_iter().flatten().map(|it| it.to_vec()).collect()
    }

    /// The private key, PKCS#8, DER.
    pub(crate) fn key_der(&self) -> Result<Vec<u8>, &'static str> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.key.as_bytes());
        key.map(|key| key.secret_pkcs8_der().to_vec()).map_err(|_| "its key is not PKCS#8 in PEM")
    }

    /// From when to when the certificate holds.
    fn life(&self) -> Result<(Time, Time), String> {
        let der = CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .map_err(|error| format!("its certificate is not PEM: {error}"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der)
            .map_err(|error| format!("its certificate cannot be read: {error}"))?;
        let validity = parsed.validity();
        let time = |it: x509_parser::time::ASN1Time| Time::from_secs(it.timestamp());
        Ok((time(validity.not_before), time(validity.not_after)))
    }
}

/// A new key and a certificate request (DER) that it signed.
fn new_key() -> Result<(KeyPair, Vec<u8>), IdentityError> {
    let key = KeyPair::generate()?;
    let request = CertificateParams::default().serialize_request(&key)?;
    Ok((key, request.der().to_vec()))
}

/// Credentials from what the collector answered.
fn credentials(
    agent_id: &str,
    collector: &str,
    key: &KeyPair,
    chain: &[Vec<u8>],
) -> Option<Credentials> {
    let (leaf, authority) = (chain.first()?, chain.last()?);
    let credentials = Credentials {
        agent_id: agent_id.to_owned(),
        collector: collector.to_owned(),
        key: key.serialize_pem(),
        certificate: pem::certificate(leaf),
        authority: pem::certificate(authority),
    };
    credentials.life().is_ok().then_some(credentials)
}

fn file_in(state_dir: &Path) -> PathBuf {
    state_dir.join("identity.toml")
}

/// Writes a file for its owner only, durable, the old or the new one whole.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    // A left-over could have another mode.
    let _ = fs::remove_file(&new);
    let mut options = fs::OpenOptions::new();
    let mut file = options.create_new(true).write(true).mode(0o600).open(&new)?;
    io::Write::write_all(&mut file, content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
