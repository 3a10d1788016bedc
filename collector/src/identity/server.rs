//! The server's certificate and the TLS settings of the agents' door.

use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring::default_provider},
    pki_types::PrivatePkcs8KeyDer,
    server::WebPkiClientVerifier,
};
use xunjian_proto::Time;

use super::{Authority, BACKDATED, DAY, IdentityError, SERVER_DAYS, params};

/// The present certificate and when it wants to be renewed.
#[derive(Default)]
pub(super) struct Current(Mutex<Option<(Time, Arc<ServerConfig>)>>);

impl Current {
    /// The present settings; makes new ones when two thirds of the certificate's life are over.
    pub(super) fn get(
        &self,
        authority: &Authority,
        now: Time,
    ) -> Result<Arc<ServerConfig>, IdentityError> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((renew_at, config)) = &*current
            && now < *renew_at
        {
            return Ok(config.clone());
        }
        let life = DAY * SERVER_DAYS;
        let config = Arc::new(settings(authority, now, now + life)?);
        *current = Some((now + life * 2 / 3, config.clone()));
        Ok(config)
    }
}

fn settings(authority: &Authority, now: Time, to: Time) -> Result<ServerConfig, IdentityError> {
    let make = |source| IdentityError::Make {
        what: "the server's certificate; check `agents.names` in the configuration",
        source,
    };
    let key = KeyPair::generate().map_err(make)?;
    let names = CertificateParams::new(authority.names.clone()).map_err(make)?.subject_alt_names;
    let mut params = params("xunjian-collector", now - BACKDATED, to)?;
    params.subject_alt_names = names;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &authority.issuer).map_err(make)?;
    // The authority's own certificate goes with it: at first contact the agent knows only its fingerprint.
    let chain = vec![certificate.der().clone(), authority.certificate.clone()];
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());

    let provider: Arc<CryptoProvider> = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone())?;
    // Unauthenticated clients may connect in order to enrol; every other call asks for the certificate.
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}
