//! A receiver of messages over HTTP or HTTPS.
//!
//! A webhook is an HTTP POST with the message as body. `X-Xunjian-Signature: sha256=HEX` is the HMAC-SHA256, under the
//! shared secret, of timestamp, full stop and body, so that nobody can forge or replay a message (the timestamp is
//! `X-Xunjian-Timestamp`, Unix seconds). Invariant: the certificate of an `https://` receiver is always checked.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Method, Request, Uri, header},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use ring::hmac;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use thiserror::Error;
use xunjian_proto::Time;

/// A receiver that says nothing for so long has not taken the message.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An HTTP receiver of signed messages.
pub struct Webhook {
    uri: Uri,
    key: Option<hmac::Key>,
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

/// Why a webhook did not take a message, or cannot be used.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// Not an address.
    #[error("{address:?} is no webhook: wanted https://HOST/PATH or http://HOST:PORT/PATH")]
    Address {
        /// As given.
        address: String,
    },
    /// Nobody to trust: no authorities.
    #[error("cannot trust anybody at {address}: {why}")]
    Authorities {
        /// As given.
        address: String,
        /// What was wanted and found.
        why: String,
    },
    /// A request could not be made of it.
    #[error("cannot make a request for {uri}")]
    Request {
        /// To where.
        uri: String,
        /// What was wrong with it.
        source: axum::http::Error,
    },
    /// No connection, or it broke.
    #[error("cannot reach {uri}")]
    Send {
        /// To where.
        uri: String,
        /// What the network said.
        source: hyper_util::client::legacy::Error,
    },
    /// No answer.
    #[error("{uri} gave no answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent {
        /// To where.
        uri: String,
    },
    /// Refused.
    #[error("{uri} answered {status}, wanted 2xx")]
    Refused {
        /// To where.
        uri: String,
        /// Its status.
        status: u16,
    },
}

impl Webhook {
    /// A receiver by its address; without a secret messages are not signed. The certificate of an `https://` one is
    /// checked against the authorities in this PEM file, without one against the system's.
    pub fn new(
        address: &str,
        secret: Option<&[u8]>,
        authorities: Option<&Path>,
    ) -> Result<Webhook, WebhookError> {
        let wrong = || WebhookError::Address { address: address.to_owned() };
        let uri: Uri = address.parse().map_err(|_| wrong())?;
        let scheme = uri.scheme_str().filter(|it| ["http", "https"].contains(it));
        let (Some(scheme), Some(_)) = (scheme, uri.authority()) else { return Err(wrong()) };
        let roots = if scheme == "http" { Ok(RootCertStore::empty()) } else { roots(authorities) };
        let tls = roots.and_then(|it| trusting(it).map_err(|error| error.to_string()));
        let tls =
            tls.map_err(|why| WebhookError::Authorities { address: address.to_owned(), why })?;
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let key = secret.map(|it| hmac::Key::new(hmac::HMAC_SHA256, it.trim_ascii()));
        let client = Client::builder(TokioExecutor::new()).build(connector.build());
        Ok(Webhook { uri, key, client })
    }

    /// Posts one message.
    pub async fn send(&self, id: &str, body: &str, now: Time) -> Result<(), WebhookError> {
        let uri = self.uri.to_string();
        let timestamp = now.secs().to_string();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("x-xunjian-message", id)
            .header("x-xunjian-timestamp", &timestamp);
        if let Some(key) = &self.key {
            request = request.header("x-xunjian-signature", signature(key, &timestamp, body));
        }
        let request = request
            .body(Body::from(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(|source| WebhookError::Request { uri: uri.clone(), source })?;
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.client.request(request));
        let answer = answer.await.map_err(|_| WebhookError::Silent { uri: uri.clone() })?;
        let status =
            answer.map_err(|source| WebhookError::Send { uri: uri.clone(), source })?.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(WebhookError::Refused { uri, status: status.as_u16() }),
        }
    }
}

/// `sha256=HEX` over timestamp, full stop and body.
pub fn signature(key: &hmac::Key, timestamp: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{timestamp}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|it| format!("{it:02x}")).collect();
    format!("sha256={hex}")
}

/// Authorities of a file, or of the system.
fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        let why = found.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        return match roots.is_empty() {
            true => {
                Err(format!("this system has no authorities; give notify.webhook_ca_file {why}"))
            }
            false => Ok(roots),
        };
    };
    let told = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| told(&error))? {
        let certificate = certificate.map_err(|error| told(&error))?;
        roots.add(certificate).map_err(|error| told(&error))?;
    }
    if roots.is_empty() { Err(told(&"no certificate in it")) } else { Ok(roots) }
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
