//! Who is trusted to be the target: authorities of the system, those of a file, or one certificate by its fingerprint.
//!
//! Facts: RFC 5280, RFC 6125 (by rustls-webpki). Invariant: there is no way to trust everybody. A pinned certificate
//! is trusted as it is, whatever name and dates it bears, because controllers make their own; its key is proved by the
//! handshake all the same.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring::default_provider},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use xunjian_proto::token::{fingerprint, hex};

/// Where systems keep their authorities: Debian and its kin, Red Hat and its kin, SUSE, Alpine.
const SYSTEM_ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// The system's authorities.
    System,
    /// The authorities in a PEM file; or the target's own certificate, if the file holds that.
    File(PathBuf),
    /// The certificate with this SHA-256.
    Fingerprint([u8; 32]),
}

/// What TLS needs for one target. Reads the file of authorities.
pub(super) fn config(trust: &Trust) -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(default_provider());
    let verifier = match trust {
        Trust::Fingerprint(pin) => {
            Verifier { pins: vec![*pin], authorities: None, provider: provider.clone() }
        }
        Trust::System => {
            let found = SYSTEM_ROOTS.iter().map(Path::new).find(|it| it.is_file());
            let file = found.ok_or_else(|| {
                let text = format!(
                    "this system has no file of authorities ({}); give `ca_file` or `fingerprint`",
                    SYSTEM_ROOTS.join(", ")
                );
                io::Error::new(io::ErrorKind::NotFound, text)
            })?;
            Verifier::of_file(file, false, provider.clone())?
        }
        Trust::File(file) => Verifier::of_file(file, true, provider.clone())?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Accepts pinned certificates as they are, all others by their authority, name and dates.
#[derive(Debug)]
struct Verifier {
    pins: Vec<[u8; 32]>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn of_file(file: &Path, pinned: bool, provider: Arc<CryptoProvider>) -> io::Result<Verifier> {
        let wrap = |error: &dyn std::fmt::Display| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", file.display()))
        };
        let all = CertificateDer::pem_file_iter(file).map_err(|error| wrap(&error))?;
        let (mut roots, mut pins) = (RootCertStore::empty(), Vec::new());
        for certificate in all {
            let certificate = certificate.map_err(|error| wrap(&error))?;
            if pinned {
                pins.push(fingerprint(&certificate));
            }
            // What is no authority (a controller's own certificate) may still be a pin.
            let _ = roots.add(certificate);
        }
        if roots.is_empty() && pins.is_empty() {
            return Err(wrap(&"no certificate in it"));
        }
        let build =
            || WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let authorities = build().build().ok();
        Ok(Verifier { pins, authorities, provider })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = fingerprint(end_entity);
        if self.pins.contains(&shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let why = match &self.authorities {
            None => "it is not the pinned one".to_owned(),
            Some(inner) => match inner.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ) {
                Ok(verified) => return Ok(verified),
                Err(error) => error.to_string(),
            },
        };
        Err(Error::General(format!(
            "the certificate is refused: {why}; its SHA-256 fingerprint is {}",
            hex(&shown)
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
