//! Delivery: a signed webhook takes what the outbox holds, at least once; what is refused waits.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use receiver::Receiver;
use ring::hmac;
use tokio_rustls::rustls::{
    ServerConfig, crypto::ring::default_provider as ring_provider, pki_types::PrivateKeyDer,
};
use xunjian_collector::{
    notify::{Channel, Message, Webhook, WebhookError, deliver, messages, webhook::signature},
    store::{Judged, Store},
    ticket::{TicketState, state},
};
use xunjian_proto::Time;

use crate::{store_kit::Folder, tickets::opened};

fn now() -> Time {
    Time::from_secs(1_795_306_000)
}

/// A small HTTP receiver on loopback, on plain sockets.
mod receiver {
    use super::{Arc, Mutex};
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

    /// Plain or encrypted.
    trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
    impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

    #[derive(Clone)]
    pub(super) struct Receiver {
        pub(super) address: String,
        pub(super) got: Arc<Mutex<Vec<String>>>,
        pub(super) status: Arc<Mutex<&'static str>>,
    }

    impl Receiver {
        pub(super) async fn start() -> Receiver {
            Receiver::start_with(None).await
        }

        /// One that speaks TLS, if it gets what that needs.
        pub(super) async fn start_with(tls: Option<ServerConfig>) -> Receiver {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let scheme = if tls.is_some() { "https" } else { "http" };
            let address = format!("{scheme}://{}/in", listener.local_addr().unwrap());
            let tls = tls.map(|it| TlsAcceptor::from(Arc::new(it)));
            let status = Arc::new(Mutex::new("200 OK"));
            let receiver = Receiver { address, got: Arc::default(), status };
            let (got, status) = (receiver.got.clone(), receiver.status.clone());
            tokio::spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    let mut socket: Box<dyn Socket> = match &tls {
                        None => Box::new(socket),
                        Some(tls) => match tls.accept(socket).await {
                            Ok(socket) => Box::new(socket),
                            Err(_) => continue,
                        },
                    };
                    let mut request = Vec::new();
                    let mut part = [0; 4096];
                    while !is_whole(&request) {
                        match socket.read(&mut part).await {
                            Ok(count) if count > 0 => request.extend_from_slice(&part[..count]),
                            _ => break,
                        }
                    }
                    got.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                    let status = *status.lock().unwrap();
                    let answer = format!(
                        "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    let _ = socket.write_all(answer.as_bytes()).await;
                    let _ = socket.shutdown().await;
                }
            });
            receiver
        }
    }

    fn is_whole(request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
        let length: usize = length.and_then(|it| it.parse().ok()).unwrap_or(0);
        request.len() >= head.len() + 4 + length
    }
}

/// A store with one ticket and its message in the outbox.
fn stored() -> (Folder, Store, Message) {
    let folder = Folder::new();
    let store = folder.open();
    let desk = opened();
    let message = messages(None, &desk.tickets[0], &desk.cases[0], &desk.contract, now()).remove(0);
    let judged =
        Judged { cases: desk.cases.clone(), tickets: desk.tickets.clone(), ..Judged::default() };
    store.commit_judged(&judged).unwrap();
    store.put_outbox(&serde_json::to_string(&message).unwrap(), now()).unwrap();
    (folder, store, message)
}

#[tokio::test]
async fn a_webhook_takes_signed_messages_and_the_ticket_is_notified() {
    let (_folder, store, message) = stored();
    let receiver = Receiver::start().await;
    let secret = b"a shared secret\n";
    let webhook = Webhook::new(&receiver.address, Some(secret), None).unwrap();
    let channels = [Channel::Log, Channel::Webhook(Box::new(webhook))];
    assert_eq!(deliver(&store, &channels, now).await.unwrap(), (1, 0));
    assert_eq!(deliver(&store, &channels, now).await.unwrap(), (0, 0), "told once");

    let got = receiver.got.lock().unwrap().clone();
    let (head, body) = got[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<Message>(body).unwrap(), message);
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a shared secret");
    let timestamp = now().secs().to_string();
    for wanted in [
        format!("x-xunjian-signature: {}", signature(&key, &timestamp, body)),
        format!("x-xunjian-timestamp: {timestamp}"),
        format!("x-xunjian-message: {}", message.id),
    ] {
        assert!(head.contains(&wanted), "{wanted}\n{head}");
    }
    let ticket = store.tickets(None).unwrap().remove(0);
    assert_eq!(state(&ticket), TicketState::Notified);
}

#[tokio::test]
async fn what_is_refused_waits_and_is_told_later() {
    let (_folder, store, _) = stored();
    let receiver = Receiver::start().await;
    *receiver.status.lock().unwrap() = "503 Service Unavailable";
    let webhook = Webhook::new(&receiver.address, None, None).unwrap();
    let channels = [Channel::Webhook(Box::new(webhook))];
    assert_eq!(deliver(&store, &channels, now).await.unwrap(), (0, 1));
    assert_eq!(state(&store.tickets(None).unwrap()[0]), TicketState::Detected);
    *receiver.status.lock().unwrap() = "204 No Content";
    assert_eq!(deliver(&store, &channels, now).await.unwrap(), (1, 0));
    assert_eq!(receiver.got.lock().unwrap().len(), 2);
    assert!(!receiver.got.lock().unwrap()[0].contains("signature"), "no secret, no signature");
}

/// A file with a certificate for 127.0.0.1, and what a server needs to show it.
fn certificate(folder: &Folder) -> (PathBuf, ServerConfig) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let file = folder.0.join("authority.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(ring_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (file, server)
}

#[tokio::test]
async fn an_https_webhook_is_trusted_by_its_authority_only() {
    let (folder, store, _) = stored();
    let (file, server) = certificate(&folder);
    let receiver = Receiver::start_with(Some(server)).await;
    assert!(receiver.address.starts_with("https://"));

    // The system's authorities do not vouch for it; where a system has none, that is said at the start.
    match Webhook::new(&receiver.address, None, None) {
        Ok(stranger) => {
            let error = stranger.send("1", "{}", now()).await.unwrap_err();
            assert!(chain(&error).contains("UnknownIssuer"), "{}", chain(&error));
        }
        Err(error) => assert!(matches!(error, WebhookError::Authorities { .. }), "{error}"),
    }
    assert_eq!(receiver.got.lock().unwrap().len(), 0, "nothing was told to a stranger");

    let webhook = Webhook::new(&receiver.address, None, Some(&file)).unwrap();
    let channels = [Channel::Webhook(Box::new(webhook))];
    assert_eq!(deliver(&store, &channels, now).await.unwrap(), (1, 0));
    assert_eq!(receiver.got.lock().unwrap().len(), 1);
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn only_web_addresses_are_webhooks() {
    for address in ["a/b", "http://", "https:///b", "ftp://a/b", ""] {
        let error = Webhook::new(address, None, None).err();
        assert!(matches!(error, Some(WebhookError::Address { .. })), "{address}");
    }
}

#[test]
fn a_file_without_authorities_is_refused_with_its_name() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("empty.pem");
    std::fs::write(&file, "no certificate").unwrap();
    let error = Webhook::new("https://127.0.0.1/in", None, Some(&file)).err().unwrap();
    assert!(error.to_string().contains("empty.pem: no certificate in it"), "{error}");
}
