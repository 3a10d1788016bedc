//! Connections to the collector.

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity as TlsIdentity};

use super::{Credentials, fingerprint::ByFingerprint};

/// A connection takes three round trips; a satellite link has 0.7 s each.
const CONNECT: Duration = Duration::from_secs(10);

/// A ping every minute keeps the way through firewalls open and finds a dead connection; it wakes the agent seldom.
const PING_EVERY: Duration = Duration::from_secs(60);
const PING_WAIT: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ContactError {
    /// The address.
    #[error("not a collector's address: {address}; wanted https://HOST:PORT")]
    Address {
        /// What was given.
        address: String,
    },
    /// No connection or no trust.
    #[error("cannot connect to {address}: {}", deepest(source))]
    Connect {
        /// To where.
        address: String,
        /// What went wrong.
        source: tonic::transport::Error,
    },
}

/// Connects with the agent's certificate to its collector, whose certificate must come from the known authority.
pub async fn connect(credentials: &Credentials) -> Result<Channel, ContactError> {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&credentials.authority))
        .identity(TlsIdentity::from_pem(&credentials.certificate, &credentials.key));
    let address = &credentials.collector;
    let wrap = |source| ContactError::Connect { address: address.clone(), source };
    let endpoint = endpoint(address)?.tls_config(tls).map_err(wrap)?;
    endpoint.connect().await.map_err(wrap)
}

/// Connects for the first time: whoever answers must show the authority with this fingerprint.
pub(super) async fn connect_first(
    address: &str,
    fingerprint: [u8; 32],
) -> Result<Channel, ContactError> {
    let wrap = |source| ContactError::Connect { address: address.to_owned(), source };
    let verifier = Arc::new(ByFingerprint::new(fingerprint));
    let endpoint = endpoint(address)?
        .tls_config_with_verifier(ClientTlsConfig::new(), verifier)
        .map_err(wrap)?;
    endpoint.connect().await.map_err(wrap)
}

/// `HOST:PORT` is taken as `https://HOST:PORT`.
pub(super) fn full_address(address: &str) -> Result<String, ContactError> {
    let wrong = || ContactError::Address { address: address.to_owned() };
    let authority = address.trim().trim_end_matches('/');
    let authority = authority.strip_prefix("https://").unwrap_or(authority);
    let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
    let is_host = !host.is_empty() && !host.contains(['/', '@', ' ']);
    match port.parse::<u16>() {
        Ok(1..) if is_host => Ok(format!("https://{authority}")),
        _ => Err(wrong()),
    }
}

fn endpoint(address: &str) -> Result<Endpoint, ContactError> {
    let wrong = |_| ContactError::Address { address: address.to_owned() };
    let endpoint = Endpoint::from_shared(address.to_owned()).map_err(wrong)?;
    Ok(endpoint
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WAIT)
        .keep_alive_while_idle(true))
}

/// tonic says only "transport error"; what helps is at the end of the chain.
fn deepest(error: &tonic::transport::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::full_address;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for good in ["collector:7443", "https://collector:7443/", " [fd00::1]:7443\n"] {
            assert!(full_address(good).unwrap().starts_with("https://"), "{good}");
        }
        for bad in ["", "collector", ":7443", "http://c:1", "c:0", "c:99999", "c/x:1", "a@b:1"] {
            assert!(full_address(bad).is_err(), "{bad}");
        }
    }
}
