//! A Redfish service to be asked: TLS with a certificate of its own, sessions that are counted, and every vice.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use xunjian_proto::token::{fingerprint, hex};

pub(crate) const USER: &str = "inspector";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How a path answers.
#[derive(Clone)]
pub(crate) enum Page {
    /// 200 with this body.
    Json(String),
    /// The same, in chunks.
    Chunked(String),
    /// Another status.
    Status(u16),
    /// The body comes, but late.
    Late(Duration, String),
    /// One byte now and then, for ever.
    Drip,
    /// So many bytes.
    Large(usize),
    /// The connection is closed.
    Gone,
}

/// What the service saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// `METHOD /path`, with whether a valid session or password came along.
    pub(crate) asked: Vec<(String, bool)>,
    /// Sessions that are open now.
    pub(crate) open: Vec<String>,
    /// Sessions that were opened at all.
    pub(crate) opened: usize,
    /// TLS connections.
    pub(crate) connections: usize,
}

/// A running service. Its threads end with the test.
pub(crate) struct Service {
    pub(crate) port: u16,
    /// SHA-256 of its certificate.
    pub(crate) fingerprint: String,
    /// The authority that signed it, and its own certificate, as PEM.
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    seen: Arc<Mutex<Seen>>,
}

impl Service {
    /// Starts one on a free port of this machine.
    pub(crate) fn start(pages: &[(&str, Page)]) -> Service {
        let (config, authority, certificate) = tls();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = Service {
            port,
            fingerprint: hex(&fingerprint(&certificate)),
            authority,
            certificate: xunjian_proto::pem::certificate(&certificate),
            pages: Arc::default(),
            seen: Arc::default(),
        };
        for (path, page) in pages {
            service.page(path, page.clone());
        }
        let (pages, seen) = (service.pages.clone(), service.seen.clone());
        thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                let (config, pages, seen) = (config.clone(), pages.clone(), seen.clone());
                thread::spawn(move || serve(tcp, config, &pages, &seen));
            }
        });
        service
    }

    /// Sets how a path answers.
    pub(crate) fn page(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.trim_end_matches('/').to_owned(), page);
    }

    /// What it saw so far.
    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }

    /// How many questions of this beginning it was asked.
    pub(crate) fn count(&self, beginning: &str) -> usize {
        self.seen(|it| it.asked.iter().filter(|it| it.0.starts_with(beginning)).count())
    }
}

fn tls() -> (Arc<ServerConfig>, String, CertificateDer<'static>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&key, &issuer).unwrap();
    let certificate = own.der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let pem = xunjian_proto::pem::certificate(authority_pem.der());
    (Arc::new(config), pem, certificate)
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

fn serve(
    tcp: TcpStream,
    config: Arc<ServerConfig>,
    pages: &Mutex<BTreeMap<String, Page>>,
    seen: &Mutex<Seen>,
) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
    let mut counted = false;
    while let Some((head, body)) = request(&mut stream) {
        if !counted {
            counted = true;
            seen.lock().unwrap().connections += 1;
        }
        let mut line = head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        let known = is_known(&head, &seen.lock().unwrap());
        seen.lock().unwrap().asked.push((format!("{method} {path}"), known));
        let alive = match method {
            "POST" => log_in(&mut stream, path, &body, seen),
            "DELETE" => {
                let mut seen = seen.lock().unwrap();
                let before = seen.open.len();
                seen.open.retain(|it| !path.ends_with(it.as_str()) || !known);
                let status = if seen.open.len() < before { 204 } else { 401 };
                drop(seen);
                answer(&mut stream, status, "", "")
            }
            _ => get(&mut stream, path, known, pages),
        };
        if !alive {
            return;
        }
    }
}

/// A head and a body, if the client has not gone.
fn request(stream: &mut Stream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut one) {
            Ok(1) => bytes.push(one[0]),
            _ => return None,
        }
    }
    let head = String::from_utf8(bytes).ok()?;
    let length = head.lines().find_map(|it| it.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.and_then(|it| it.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

fn is_known(head: &str, seen: &Seen) -> bool {
    let header = |name: &str| head.lines().find_map(|it| it.strip_prefix(name));
    let basic = xunjian_proto::pem::base64(format!("{USER}:{PASSWORD}").as_bytes());
    header("X-Auth-Token: ")
        .is_some_and(|it| seen.open.iter().any(|open| it == format!("token-{open}")))
        || header("Authorization: Basic ").is_some_and(|it| it == basic)
}

fn log_in(stream: &mut Stream, path: &str, body: &str, seen: &Mutex<Seen>) -> bool {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    if path.trim_end_matches('/') != "/redfish/v1/SessionService/Sessions"
        || body["UserName"] != USER
        || body["Password"] != PASSWORD
    {
        return answer(stream, 401, "", "{}");
    }
    let mut all = seen.lock().unwrap();
    all.opened += 1;
    let id = format!("s{}", all.opened);
    all.open.push(id.clone());
    drop(all);
    let path = format!("/redfish/v1/SessionService/Sessions/{id}");
    let headers = format!("X-Auth-Token: token-{id}\r\nLocation: https://localhost{path}\r\n");
    answer(stream, 201, &headers, "{}")
}

fn get(
    stream: &mut Stream,
    path: &str,
    known: bool,
    pages: &Mutex<BTreeMap<String, Page>>,
) -> bool {
    let plain = path.trim_end_matches('/');
    if !known && plain != "/redfish/v1" {
        return answer(stream, 401, "", "{}");
    }
    let page = pages.lock().unwrap().get(plain).cloned();
    match page {
        None => answer(stream, 404, "", "{}"),
        Some(Page::Json(body)) => answer(stream, 200, "", &body),
        Some(Page::Status(status)) => answer(stream, status, "", "{}"),
        Some(Page::Late(wait, body)) => {
            thread::sleep(wait);
            answer(stream, 200, "", &body)
        }
        Some(Page::Chunked(body)) => {
            let mut text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
            for piece in body.as_bytes().chunks(7) {
                text += &format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece));
            }
            stream.write_all((text + "0\r\n\r\n").as_bytes()).is_ok()
        }
        Some(Page::Large(bytes)) => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            let whole = std::iter::repeat_n(piece.as_str(), bytes / 0x10000);
            std::iter::once(head).chain(whole).all(|it| stream.write_all(it.as_bytes()).is_ok())
        }
        Some(Page::Drip) => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
            let mut alive = stream.write_all(head.as_bytes()).is_ok();
            while alive {
                thread::sleep(Duration::from_millis(20));
                alive = stream.write_all(b" ").and_then(|()| stream.flush()).is_ok();
            }
            false
        }
        Some(Page::Gone) => false,
    }
}

fn answer(stream: &mut Stream, status: u16, headers: &str, body: &str) -> bool {
    let text = format!(
        "HTTP/1.1 {status} Status\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok()
}
