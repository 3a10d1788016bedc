//! One target's connection: TLS, questions, session.
//!
//! Invariants: nothing but GET changes hands after the log-in, whose POST goes to the path that the caller names, and
//! whose DELETE goes to the session that the target made; a password or token stands in no error, log or answer; every
//! wait ends at the caller's limit.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use xunjian_proto::pem;
use zeroize::Zeroizing;

use super::{
    BODY_BYTES_MAX, Reply,
    http::{self, Response},
    site::{Auth, Site},
    tls,
};
use crate::targets;

/// Longest wait for a name's address and for a connection: controllers answer within milliseconds.
const CONNECT: Duration = Duration::from_secs(5);

/// Longest path with its query.
const PATH_BYTES_MAX: usize = 2048;

/// Longest session token: those of the known services have 16 to 400 characters.
const TOKEN_BYTES_MAX: usize = 4096;

/// What is left of a run's time for the log-out, whatever befell before.
const FAREWELL: Duration = Duration::from_secs(5);

/// A target with its connection.
pub(super) struct Client {
    site: Site,
    tls: Option<Arc<ClientConfig>>,
    connection: Option<StreamOwned<ClientConnection, Timed>>,
    access: Access,
}

/// What proves who asks.
enum Access {
    /// Nothing yet.
    None,
    /// The value of `Authorization`.
    Basic(Zeroizing<String>),
    /// A session: its token, and the path to be deleted.
    Session { token: Zeroizing<String>, path: Option<String> },
}

impl Client {
    pub(super) fn new(site: Site) -> Client {
        Client { site, tls: None, connection: None, access: Access::None }
    }

    /// Reads a resource.
    pub(super) fn get(&mut self, path: &str, limit: Duration) -> io::Result<Reply> {
        let response = self.ask("GET", path, None, Instant::now() + limit)?;
        Ok(Reply {
            status: response.status,
            body: String::from_utf8(response.body)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        })
    }

    /// Opens a session at the service's collection of sessions, or does what else the configuration wants.
    pub(super) fn login(&mut self, sessions: &str, limit: Duration) -> io::Result<()> {
        if self.site.auth == Auth::None || !matches!(self.access, Access::None) {
            return Ok(());
        }
        let secret = targets::secret(&self.site.password_file)
            .map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error.to_string()))?;
        let Some(password) = secret.text() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the password is no text"));
        };
        if self.site.auth == Auth::Basic {
            let pair = Zeroizing::new(format!("{}:{password}", self.site.user));
            let pair = Zeroizing::new(pem::base64(pair.as_bytes()));
            self.access = Access::Basic(Zeroizing::new(format!("Basic {}", *pair)));
            return Ok(());
        }
        let body = serde_json::json!({ "UserName": self.site.user, "Password": password });
        let body = Zeroizing::new(body.to_string());
        let response = self.ask("POST", sessions, Some(&body), Instant::now() + limit)?;
        if !matches!(response.status, 200 | 201) {
            let kind = match response.status {
                401 | 403 => io::ErrorKind::PermissionDenied,
                _ => io::ErrorKind::Other,
            };
            return Err(io::Error::new(
                kind,
                format!("log-in refused, status {}", response.status),
            ));
        }
        let path = session_path(&response);
        match response.header("X-Auth-Token").map(|it| Zeroizing::new(it.to_owned())) {
            Some(token) if is_token(&token) => {
                self.access = Access::Session { token, path };
                Ok(())
            }
            _ => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "a session without a usable token"))
            }
        }
    }

    /// Ends the session, if there is one. An error says that it may still be open.
    pub(super) fn logout(&mut self) -> io::Result<()> {
        let Access::Session { token, path } = std::mem::replace(&mut self.access, Access::None)
        else {
            return Ok(());
        };
        let Some(path) = path else {
            let text =
                "the service did not say where its session is, so it stays until it times out";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        };
        self.access = Access::Session { token, path: None };
        let answer = self.ask("DELETE", &path, None, Instant::now() + FAREWELL);
        self.access = Access::None;
        match answer?.status {
            200 | 202 | 204 | 404 => Ok(()),
            status => Err(io::Error::other(format!("the session was not closed, status {status}"))),
        }
    }

    /// One question. A connection that the target closed while it was idle is opened anew, but never for a log-in:
    /// nobody knows whether the first one counted.
    fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&str>,
        deadline: Instant,
    ) -> io::Result<Response> {
        let head = self.head(method, path, body)?;
        let reused = self.connection.is_some();
        match self.exchange(&head, body, deadline) {
            Err(error) if reused && method != "POST" && is_idle_close(&error) => {
                self.exchange(&head, body, deadline)
            }
            other => other,
        }
    }

    fn exchange(
        &mut self,
        head: &str,
        body: Option<&str>,
        deadline: Instant,
    ) -> io::Result<Response> {
        // Taken out: after an error the connection is of no use.
        let mut stream = match self.connection.take() {
            Some(it) => it,
            None => self.connect(deadline)?,
        };
        stream.sock.deadline = deadline;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.unwrap_or_default().as_bytes())?;
        stream.flush()?;
        let response = http::read(&mut stream, BODY_BYTES_MAX)?;
        if response.keep {
            self.connection = Some(stream);
        } else {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        Ok(response)
    }

    fn head(&self, method: &str, path: &str, body: Option<&str>) -> io::Result<Zeroizing<String>> {
        let plain = path.len() <= PATH_BYTES_MAX && path.bytes().all(|it| it.is_ascii_graphic());
        if !plain || !path.starts_with('/') || path.starts_with("//") {
            let text = "not a path of this target";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut head = Zeroizing::new(format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n\
             OData-Version: 4.0\r\nUser-Agent: xunjian-agent\r\n",
            self.site.authority()
        ));
        match &self.access {
            Access::None => {}
            Access::Basic(value) => {
                head.push_str("Authorization: ");
                head.push_str(value);
                head.push_str("\r\n");
            }
            Access::Session { token, .. } => {
                head.push_str("X-Auth-Token: ");
                head.push_str(token);
                head.push_str("\r\n");
            }
        }
        if let Some(body) = body {
            head.push_str("Content-Type: application/json\r\nContent-Length: ");
            head.push_str(&body.len().to_string());
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        Ok(head)
    }

    fn connect(&mut self, deadline: Instant) -> io::Result<StreamOwned<ClientConnection, Timed>> {
        let config = match &self.tls {
            Some(it) => it.clone(),
            None => self.tls.insert(tls::config(&self.site.trust)?).clone(),
        };
        let name = ServerName::try_from(self.site.host.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let sock = Timed { tcp: tcp(&self.site, deadline)?, deadline };
        let mut stream = StreamOwned::new(connection, sock);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(handshake_error)?;
        }
        Ok(stream)
    }
}

/// A refused certificate is a matter of permission, not of the network.
fn handshake_error(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::General(text)) => {
            io::Error::new(io::ErrorKind::PermissionDenied, text.clone())
        }
        Some(rustls::Error::InvalidCertificate(why)) => {
            io::Error::new(io::ErrorKind::PermissionDenied, format!("the certificate: {why:?}"))
        }
        _ => error,
    }
}

/// A socket whose every wait ends at the deadline, however slowly bytes drip.
struct Timed {
    tcp: TcpStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

/// An expired socket option comes as `EAGAIN`.
fn timed(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(self.left()?)?;
        self.tcp.read(buffer).map_err(timed)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(self.left()?)?;
        self.tcp.write(bytes).map_err(timed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

fn tcp(site: &Site, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses(site)? {
        let left = deadline.saturating_duration_since(Instant::now()).min(CONNECT);
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Asked on a thread of its own, because the resolver knows no deadline.
fn addresses(site: &Site) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = site.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, site.port)]);
    }
    let (tell, wait) = mpsc::sync_channel(1);
    let (host, port) = (site.host.clone(), site.port);
    thread::Builder::new().name("resolver".to_owned()).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        let _ = tell.send(found);
    })?;
    wait.recv_timeout(CONNECT).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Whether the other side had closed the connection before this question reached it.
fn is_idle_close(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// The path of the new session: the `Location` header (a path or a whole URL), else what the body says of itself.
fn session_path(response: &Response) -> Option<String> {
    let path = |text: &str| {
        let path = match text.split_once("://") {
            Some((_, rest)) => &rest[rest.find('/')?..],
            None => text,
        };
        (path.starts_with('/') && path.contains("/Sessions/")).then(|| path.to_owned())
    };
    if let Some(found) = response.header("Location").and_then(path) {
        return Some(found);
    }
    let body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
    body.get("@odata.id")?.as_str().and_then(path)
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= TOKEN_BYTES_MAX
        && text.bytes().all(|it| it.is_ascii_graphic())
}
