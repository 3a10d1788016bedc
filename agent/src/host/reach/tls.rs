//! The handshake of TLS, which brings the certificates of a service.
//!
//! Trust is not the question here: a certificate that is expired, self-made or for another name is what is to be seen.
//! That the peer holds its key is checked all the same.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
    time::Instant,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, ring::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use xunjian_proto::token::hex;

use super::{
    CERTIFICATES_MAX, Failure, FailureKind, Reached, failure, milliseconds,
    talk::{Deadlined, of_io},
};

/// Shakes hands; gives the stream to talk over.
pub(super) fn shake(
    stream: Deadlined,
    name: &str,
    begun: Instant,
    deadline: Instant,
    reached: &mut Reached,
) -> Result<StreamOwned<ClientConnection, Deadlined>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| failure(FailureKind::Tls, error);
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).map_err(|error| wrong(&error))?;
    let connection =
        ClientConnection::new(Arc::new(config), name).map_err(|error| wrong(&error))?;
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        if Instant::now() >= deadline {
            return Err(failure(FailureKind::TimedOut, "no handshake in time"));
        }
        let done = stream.conn.complete_io(&mut stream.sock);
        keep(&stream.conn, reached);
        done.map_err(of_io)?;
    }
    keep(&stream.conn, reached);
    reached.answer_ms = Some(milliseconds(begun));
    // What was written is sent; a peer that has to say something first is not waited for.
    let _ = stream.flush().and_then(|()| stream.read(&mut []).map(drop));
    Ok(stream)
}

/// Also after a handshake that failed later: a server that wants our certificate has shown its own.
fn keep(connection: &ClientConnection, reached: &mut Reached) {
    if let Some(chain) = connection.peer_certificates().filter(|_| reached.certificates.is_empty())
    {
        reached.certificates = chain.iter().take(CERTIFICATES_MAX).map(|it| hex(it)).collect();
    }
}

/// Takes any certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
