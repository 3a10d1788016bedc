//! The door on services that behave, misbehave and hang.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
};

use rcgen::generate_simple_self_signed;
use rustls::{
    ServerConfig, ServerConnection,
    crypto::ring::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::*;

const LIMIT: Duration = Duration::from_secs(5);

/// One answer to one connection; the port it waits on.
fn serve(answer: impl FnOnce(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || answer(listener.accept().unwrap().0));
    port
}

fn look(url: &str, door: &str, limit: Duration) -> Reached {
    reach(&Address::parse(url).unwrap(), &door.parse().unwrap(), limit)
}

#[test]
fn a_page_is_known_by_its_status_and_its_text() {
    let port = serve(|mut stream| {
        let mut question = [0; 1024];
        let count = stream.read(&mut question).unwrap();
        let question = String::from_utf8_lossy(&question[..count]).into_owned();
        assert!(
            question.starts_with("GET /health?x=1 HTTP/1.1\r\nHost: www.example.org\r\n"),
            "{question}"
        );
        stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 7\r\n\r\nall ok\n").unwrap();
    });
    let door = "server_name = 'www.example.org'\ncontains = 'ok'";
    let reached = look(&format!("http://127.0.0.1:{port}/health?x=1"), door, LIMIT);
    assert_eq!(
        (reached.status, reached.contains, &reached.failure),
        (Some(503), Some(true), &None)
    );
    assert!(reached.connect_ms.is_some() && reached.answer_ms >= reached.connect_ms);
}

#[test]
fn refusal_silence_drip_and_nonsense_are_told_apart() {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let refused = look(&format!("tcp://127.0.0.1:{free}"), "", LIMIT);
    assert_eq!(refused.failure.unwrap().kind, FailureKind::Refused);

    let silent = serve(|stream| {
        thread::sleep(Duration::from_secs(3));
        drop(stream);
    });
    let begun = Instant::now();
    let reached = look(&format!("http://127.0.0.1:{silent}/"), "", Duration::from_millis(300));
    assert_eq!(reached.failure.unwrap().kind, FailureKind::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(2));

    let drip = serve(|mut stream| {
        for _ in 0..30 {
            if stream.write_all(b"H").is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    let begun = Instant::now();
    let reached = look(&format!("http://127.0.0.1:{drip}/"), "", Duration::from_millis(500));
    assert!(reached.failure.is_some() && begun.elapsed() < Duration::from_secs(2));

    let ssh = serve(|mut stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap());
    let reached = look(&format!("http://127.0.0.1:{ssh}/"), "", LIMIT);
    assert!(matches!(reached.failure.unwrap().kind, FailureKind::Protocol | FailureKind::Closed));

    let plain = serve(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let reached = look(&format!("https://127.0.0.1:{plain}/"), "", LIMIT);
    assert_eq!(reached.failure.unwrap().kind, FailureKind::Tls);
}

#[test]
fn a_self_made_certificate_is_brought_home() {
    let made = generate_simple_self_signed(vec!["db.example.org".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key)
        .unwrap();
    let port = serve(move |mut stream| {
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).unwrap();
        }
        let _ = connection.complete_io(&mut stream);
    });
    let reached = look(&format!("tls://localhost:{port}"), "server_name = 'db.example.org'", LIMIT);
    assert_eq!(reached.failure, None);
    assert_eq!(reached.certificates, [xunjian_proto::token::hex(&der)]);
}

#[test]
fn only_certificates_are_taken_from_a_file() {
    let made = generate_simple_self_signed(vec!["db.example.org".to_owned()]).unwrap();
    let path = std::env::temp_dir().join(format!("xunjian-reach-{}.pem", std::process::id()));
    let text = format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem());
    std::fs::write(&path, text).unwrap();
    let reached = look(&format!("file://{}", path.display()), "", LIMIT);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(reached.certificates, [xunjian_proto::token::hex(made.cert.der())]);
    assert_eq!(look("file:///etc/hostname", "", LIMIT).failure.unwrap().kind, FailureKind::File);
}

#[test]
fn names_and_other_schemes_are_refused() {
    for bad in [
        "http://example.org/",
        "ftp://127.0.0.1/",
        "tcp://127.0.0.1",
        "file://etc/x",
        "file:///a/../b",
        "127.0.0.1:80",
        "http://[::1/",
        "http://127.0.0.1/a b",
    ] {
        assert!(Address::parse(bad).is_err(), "{bad}");
    }
    for good in
        ["http://[::1]:8080/x", "https://localhost", "tcp://127.0.0.1:22", "file:///etc/pki/a.pem"]
    {
        assert!(Address::parse(good).is_ok(), "{good}");
    }
}
