//! Who may speak: the collector's own certificate authority, its server certificate, the agents' certificates and the
//! enrolment tokens.
//!
//! Invariants: an agent's identity is the common name of a certificate that this authority signed, and nothing that an
//! agent sends; of a certificate request only the public key is used. The authority's key never leaves its file
//! (mode 0600).

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use ring::rand;
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use xunjian_proto::Time;

use crate::store::{AgentId, StoreError};

mod files;

mod server;

mod enrol;

pub use enrol::{EnrolError, Enrolled, new_token, redeem};

/// Life of the authority: longer than any contract. Losing it means enrolling every agent again.
const AUTHORITY_DAYS: u32 = 20 * 365;

/// Life of the server's certificate; it renews itself.
const SERVER_DAYS: u32 = 90;

/// Certificates that agents check are valid from this long ago: an agent whose clock is slow shall connect and have
/// its clock noticed, not fail.
const BACKDATED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Certificates that the collector itself checks are valid from this long ago, for collectors that share a store.
const BACKDATED_CLIENT: Duration = Duration::from_secs(300);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Largest certificate request: P-256 ones are below 500 bytes, RSA 4096 below 2 KiB.
const REQUEST_BYTES_MAX: usize = 8 * 1024;

/// Why an identity could not be made or used.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// A file of the identity folder.
    #[error("cannot use {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the identity folder does not hold what it should.
    #[error(
        "{path} does not hold a private key and a certificate; restore it from a backup, or remove it and enrol every agent again"
    )]
    Content {
        /// Which file.
        path: PathBuf,
    },
    /// A certificate or key could not be made.
    #[error("cannot make {what}")]
    Make {
        /// What was wanted.
        what: &'static str,
        /// Why not.
        source: rcgen::Error,
    },
    /// TLS refused the certificates.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The system gave no random bytes.
    #[error("the system has no random bytes")]
    Random,
    /// The store could not keep it.
    #[error("cannot keep it in the store")]
    Store(#[from] StoreError),
}

/// The certificate authority of this collector, with its server certificate. Share it in an [`Arc`].
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    names: Vec<String>,
    client_life: Duration,
    server: server::Current,
}

impl Authority {
    /// Opens the authority in a folder, or makes it at first start. `names` are the host names and addresses that
    /// stand in the server's certificate; `client_days` is the life of agents' certificates.
    pub fn open(
        folder: &std::path::Path,
        names: &[String],
        client_days: u32,
        now: Time,
    ) -> Result<Authority, IdentityError> {
        let path = folder.join("authority.pem");
        let (key, certificate) = match files::load(&path)? {
            Some(found) => found,
            None => {
                let (key, certificate) = new_authority(now)?;
                files::keep(folder, &path, &key, &certificate)?;
                files::load(&path)?.ok_or_else(|| IdentityError::Content { path: path.clone() })?
            }
        };
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|_| IdentityError::Content { path })?;
        let client_life = DAY * client_days;
        let server = server::Current::default();
        let authority =
            Authority { issuer, certificate, names: names.to_vec(), client_life, server };
        // A wrong name in the configuration shall stop the start, not every connection.
        authority.tls(now)?;
        Ok(authority)
    }

    /// The authority's certificate (DER): what agents and bundles are checked against.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// TLS for the agents' door. The server's certificate renews itself after two thirds of its life, so ask again
    /// for every connection.
    pub fn tls(&self, now: Time) -> Result<Arc<rustls::ServerConfig>, IdentityError> {
        self.server.get(self, now)
    }

    /// Signs a certificate for an agent; the chain (DER, leaf first, the authority last). Everything that the request
    /// asks for is ignored but its public key, which must have signed it.
    pub fn issue(
        &self,
        request: &[u8],
        agent: &AgentId,
        now: Time,
    ) -> Result<Vec<Vec<u8>>, EnrolError> {
        if request.len() > REQUEST_BYTES_MAX {
            return Err(EnrolError::Request("it is too large".to_owned()));
        }
        let mut request = CertificateSigningRequestParams::from_der(&request.into())
            .map_err(|error| EnrolError::Request(error.to_string()))?;
        let mut wanted = params(&agent.0, now - BACKDATED_CLIENT, now + self.client_life)?;
        wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.params = wanted;
        let certificate = request
            .signed_by(&self.issuer)
            .map_err(|source| IdentityError::Make { what: "an agent's certificate", source })?;
        Ok(vec![certificate.der().to_vec(), self.certificate.to_vec()])
    }
}

/// The agent that a verified certificate stands for.
pub fn agent_of(certificate: &CertificateDer<'_>) -> Option<AgentId> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
    let is_id = name.len() == 32 && name.bytes().all(|it| it.is_ascii_hexdigit());
    is_id.then(|| AgentId(name.to_owned()))
}

/// 16 random bytes.
fn random() -> Result<[u8; 16], IdentityError> {
    let bytes = rand::generate(&rand::SystemRandom::new()).map_err(|_| IdentityError::Random)?;
    Ok(bytes.expose())
}

fn new_authority(now: Time) -> Result<(KeyPair, CertificateDer<'static>), IdentityError> {
    let make = |source| IdentityError::Make { what: "the certificate authority", source };
    let key = KeyPair::generate().map_err(make)?;
    let name = format!("xunjian authority {}", &xunjian_proto::token::hex(&random()?)[..8]);
    let mut params = params(&name, now - BACKDATED, now + DAY * AUTHORITY_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(make)?;
    Ok((key, certificate.der().clone()))
}

/// What all our certificates have in common.
fn params(name: &str, from: Time, to: Time) -> Result<CertificateParams, IdentityError> {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + from.since(Time::from_secs(0));
    params.not_after = epoch + to.since(Time::from_secs(0));
    let mut serial = random()?;
    serial[0] &= 0x7f;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}
