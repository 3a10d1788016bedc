//! Reaches one of the host's own services over TCP, HTTP or TLS, or reads the certificates of a file.
//!
//! A target is a URL: `tcp://127.0.0.1:5432`, `http://[::1]:8080/health`, `https://…`, `tls://…`, `file:///etc/pki/x.pem`.
//! The host must be an address or `localhost`, because names are resolved by others and may hang. What comes out is
//! measurements and public certificates: never the content of an answer, nor anything else of a file. A certificate is
//! not judged here, so that an expired or self-made one can be looked at all the same; nothing is sent to its owner but
//! one GET.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use toml::Table;

mod file;

mod tls;

mod talk;

/// Longest time for one target: a service of this host that needs longer is as good as gone.
const WAIT: Duration = Duration::from_secs(10);

/// Certificates of one answer or file that are kept.
pub(super) const CERTIFICATES_MAX: usize = 16;

/// What an attempt came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reached {
    /// Milliseconds until the connection stood.
    pub connect_ms: Option<f64>,
    /// Milliseconds until the answer was there: of HTTP its head, of TLS the handshake.
    pub answer_ms: Option<f64>,
    /// Status of HTTP.
    pub status: Option<u16>,
    /// Whether the answer held the text that was wanted.
    pub contains: Option<bool>,
    /// Certificates, the service's own first: DER in hexadecimal digits.
    pub certificates: Vec<String>,
    /// The name that the service was asked for, if it is not its address.
    pub server_name: Option<String>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

/// Where an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// How.
    pub kind: FailureKind,
    /// What was said.
    pub text: String,
}

/// How an attempt ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// There is no way to the address.
    Unreachable,
    /// The connection was closed before the answer was complete.
    Closed,
    /// TLS came to no agreement.
    Tls,
    /// What came is no HTTP.
    Protocol,
    /// The file cannot be read, or has no certificate.
    File,
}

/// A target's address.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    scheme: Scheme,
    host: IpAddr,
    port: u16,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    File,
    Http,
    Https,
    Tcp,
    Tls,
}

impl Address {
    /// Reads a URL. The error says what was wanted.
    pub fn parse(text: &str) -> Result<Address, String> {
        let wanted = "want tcp://, tls://, http:// or https:// with an IP address or `localhost`, or file:///PATH";
        let wrong = || format!("{wanted}; found {text:?}");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (scheme, default) = match scheme {
            "file" if rest.starts_with('/') && !rest.contains("..") => {
                let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
                return Ok(Address { scheme: Scheme::File, host, port: 0, path: rest.to_owned() });
            }
            "http" => (Scheme::Http, Some(80)),
            "https" => (Scheme::Https, Some(443)),
            "tcp" => (Scheme::Tcp, None),
            "tls" => (Scheme::Tls, Some(443)),
            _ => return Err(wrong()),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let plain = |it: char| it.is_ascii_graphic();
        if !path.chars().all(plain) || path.len() > 1024 {
            return Err(wrong());
        }
        let (host, port) = host_and_port(authority).ok_or_else(wrong)?;
        let port = port.or(default).filter(|it| *it > 0).ok_or_else(wrong)?;
        Ok(Address { scheme, host, port, path: path.to_owned() })
    }

    fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

/// `127.0.0.1:80`, `[::1]:80`, `localhost`.
fn host_and_port(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = match port.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if port.is_empty() => None,
            None => return None,
        };
        return Some((IpAddr::V6(host.parse().ok()?), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (text, None),
    };
    let host = if host == "localhost" { Ipv4Addr::LOCALHOST } else { host.parse().ok()? };
    Some((IpAddr::V4(host), port))
}

/// Keys of a target that are the door's.
pub const KEYS: &[&str] = &["contains", "server_name"];

/// Checks a target's keys that are the door's.
pub fn check(door: &Table) -> Result<(), String> {
    for (key, value) in door {
        if !KEYS.contains(&key.as_str()) {
            return Err(format!("unknown key `{key}`"));
        }
        if value.as_str().is_none_or(|it| it.is_empty() || it.len() > 256) {
            return Err(format!("`{key}`: want a text of at most 256 bytes"));
        }
    }
    Ok(())
}

/// Tries once.
pub(super) fn reach(address: &Address, door: &Table, limit: Duration) -> Reached {
    let begun = Instant::now();
    let deadline = begun + limit.min(WAIT);
    let text = |key: &str| door.get(key).and_then(toml::Value::as_str);
    let name = text("server_name").map(str::to_owned);
    let mut reached = Reached { server_name: name.clone(), ..Reached::default() };
    let result = match address.scheme {
        Scheme::File => file::read(Path::new(&address.path), &mut reached),
        Scheme::Tcp => talk::connect(address.socket(), begun, deadline, &mut reached).map(drop),
        Scheme::Tls => {
            let named = name.unwrap_or_else(|| address.host.to_string());
            talk::connect(address.socket(), begun, deadline, &mut reached)
                .and_then(|stream| tls::shake(stream, &named, begun, deadline, &mut reached))
                .map(drop)
        }
        Scheme::Http | Scheme::Https => {
            let named = name.unwrap_or_else(|| address.host.to_string());
            let secure = address.scheme == Scheme::Https;
            let question = talk::Question {
                path: &address.path,
                host: &named,
                wanted: text("contains"),
                begun,
                deadline,
            };
            talk::connect(address.socket(), begun, deadline, &mut reached).and_then(|stream| {
                match secure {
                    true => {
                        let stream = tls::shake(stream, &named, begun, deadline, &mut reached)?;
                        talk::ask(stream, &question, &mut reached)
                    }
                    false => talk::ask(stream, &question, &mut reached),
                }
            })
        }
    };
    reached.failure = result.err();
    reached
}

fn milliseconds(begun: Instant) -> f64 {
    // To the tenth: more digits are noise.
    (begun.elapsed().as_secs_f64() * 1e4).round() / 10.0
}

fn failure(kind: FailureKind, text: impl std::fmt::Display) -> Failure {
    Failure { kind, text: text.to_string() }
}

#[cfg(test)]
mod tests;
