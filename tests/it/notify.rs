//! Delivery: a signed webhook takes what the outbox holds, at least once; what is refused waits.

use std::sync::{Arc, Mutex};

use receiver::Receiver;
use ring::hmac;
use xunjian_collector::{
    notify::{Channel, Message, Webhook, WebhookError, deliver, deliver::signature, messages},
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
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    #[derive(Clone)]
    pub(super) struct Receiver {
        pub(super) address: String,
        pub(super) got: Arc<Mutex<Vec<String>>>,
        pub(super) status: Arc<Mutex<&'static str>>,
    }

    impl Receiver {
        pub(super) async fn start() -> Receiver {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}/in", listener.local_addr().unwrap());
            let status = Arc::new(Mutex::new("200 OK"));
            let receiver = Receiver { address, got: Arc::default(), status };
            let (got, status) = (receiver.got.clone(), receiver.status.clone());
            tokio::spawn(async move {
                while let Ok((mut socket, _)) = listener.accept().await {
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
    let webhook = Webhook::new(&receiver.address, Some(secret)).unwrap();
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
    let webhook = Webhook::new(&receiver.address, None).unwrap();
    let channels = [Channel::Webhook(Box::new(webhook))];
    assert_eq!(deliver(&store, &channels, now).await.unwrap(), (0, 1));
    assert_eq!(state(&store.tickets(None).unwrap()[0]), TicketState::Detected);
    *receiver.status.lock().unwrap() = "204 No Content";
    assert_eq!(deliver(&store, &channels, now).await.unwrap(), (1, 0));
    assert_eq!(receiver.got.lock().unwrap().len(), 2);
    assert!(!receiver.got.lock().unwrap()[0].contains("signature"), "no secret, no signature");
}

#[test]
fn only_plain_http_addresses_are_webhooks() {
    for address in ["https://a/b", "a/b", "http://", "ftp://a/b", ""] {
        let error = Webhook::new(address, None).err();
        assert!(matches!(error, Some(WebhookError::Address { .. })), "{address}");
    }
}
