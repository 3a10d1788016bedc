//! Where a target is and how its door opens: the keys of its configuration that no source sees.

use std::{
    net::{IpAddr, Ipv6Addr},
    path::{Path, PathBuf},
};

use toml::{Table, Value};
use xunjian_proto::nearest;

use super::tls::Trust;
use crate::targets::check_secret_file;

/// The keys of a target that are this door's.
const KEYS: [&str; 5] = ["user", "password_file", "ca_file", "fingerprint", "auth"];

/// Keys that stand beside them: those of the sources that use this door.
const OWN: [&str; 4] = ["name", "address", "requests", "start"];

/// The port of HTTPS.
const PORT: u16 = 443;

/// How the door opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    /// A session of the service: the password travels once a run.
    Session,
    /// The password with every question, for services without sessions.
    Basic,
    /// No password at all.
    None,
}

/// A target's address and credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Host name or address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) trust: Trust,
    pub(super) auth: Auth,
    pub(super) user: String,
    /// As `targets::secret` takes it.
    pub(super) password_file: String,
}

impl Site {
    /// The value of the `Host` header.
    pub(super) fn authority(&self) -> String {
        let host = match self.host.parse::<Ipv6Addr>() {
            Ok(_) => format!("[{}]", self.host),
            Err(_) => self.host.clone(),
        };
        if self.port == PORT { host } else { format!("{host}:{}", self.port) }
    }

    /// The door of a target; all mistakes at once.
    pub(super) fn read(address: &str, keys: &Table) -> Result<Site, Vec<String>> {
        let mut mistakes = unknown(keys);
        let address = match split(address) {
            Ok(it) => it,
            Err(mistake) => {
                mistakes.push(mistake);
                Default::default()
            }
        };
        let mut text = |key: &str| match keys.get(key) {
            None => None,
            Some(Value::String(it)) if !it.is_empty() => Some(it.clone()),
            Some(_) => {
                mistakes.push(format!("`{key}`: want text in quotes"));
                None
            }
        };
        let (user, password_file) = (text("user"), text("password_file"));
        let (ca_file, print) = (text("ca_file"), text("fingerprint"));
        let auth = text("auth");
        let auth = match auth.as_deref() {
            None | Some("session") => Some(Auth::Session),
            Some("basic") => Some(Auth::Basic),
            Some("none") => Some(Auth::None),
            Some(other) => {
                mistakes.push(format!("`auth` = {other:?}: want session, basic or none"));
                None
            }
        };
        match (auth, user.is_some(), password_file.is_some()) {
            (Some(Auth::None), true, _) | (Some(Auth::None), _, true) => {
                mistakes.push("`auth` is none: `user` and `password_file` are not used".to_owned());
            }
            (Some(Auth::Session | Auth::Basic), false, false) => {
                mistakes.push("want `user` and `password_file`, or `auth = \"none\"`".to_owned());
            }
            (Some(Auth::Session | Auth::Basic), true, false) => {
                mistakes.push("want `password_file`".to_owned());
            }
            (Some(Auth::Session | Auth::Basic), false, true) => {
                mistakes.push("want `user`".to_owned());
            }
            _ => {}
        }
        if user.as_deref().is_some_and(|it| it.chars().any(char::is_control) || it.contains(':')) {
            mistakes.push("`user`: want a name without `:` and control characters".to_owned());
        }
        if let Some(Err(mistake)) = password_file.as_deref().map(check_secret_file) {
            mistakes.push(format!("`password_file`: {mistake}"));
        }
        let trust = trust(ca_file, print, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (host, port) = address;
        Ok(Site {
            host,
            port,
            trust,
            auth: auth.unwrap_or(Auth::None),
            user: user.unwrap_or_default(),
            password_file: password_file.unwrap_or_default(),
        })
    }
}

/// Checks the door's keys of one target's section. All mistakes at once.
pub(super) fn check(section: &Table) -> Result<(), String> {
    let address = section.get("address").and_then(Value::as_str).unwrap_or("target");
    Site::read(address, section).map(drop).map_err(|mistakes| mistakes.join("; "))
}

fn unknown(keys: &Table) -> Vec<String> {
    let is_unknown = |key: &&String| !KEYS.contains(&key.as_str()) && !OWN.contains(&key.as_str());
    let hint = |key: &String| match nearest(key, KEYS.iter().copied()) {
        Some(it) => format!("unknown key `{key}`; did you mean `{it}`?"),
        None => format!("unknown key `{key}`; known here: {}", KEYS.join(", ")),
    };
    keys.keys().filter(is_unknown).map(hint).collect()
}

fn trust(file: Option<String>, print: Option<String>, mistakes: &mut Vec<String>) -> Trust {
    match (file, print) {
        (Some(_), Some(_)) => {
            mistakes.push("want `ca_file` or `fingerprint`, not both".to_owned());
            Trust::System
        }
        (Some(file), None) => {
            if !Path::new(&file).is_absolute() {
                mistakes.push("`ca_file`: want an absolute path".to_owned());
            }
            Trust::File(PathBuf::from(file))
        }
        (None, Some(print)) => match parse_fingerprint(&print) {
            Some(it) => Trust::Fingerprint(it),
            None => {
                mistakes.push(
                    "`fingerprint`: want the SHA-256 of the certificate, 64 hexadecimal digits, with or without colons"
                        .to_owned(),
                );
                Trust::System
            }
        },
        (None, None) => Trust::System,
    }
}

fn parse_fingerprint(text: &str) -> Option<[u8; 32]> {
    let plain = |it: &char| !matches!(it, ':' | ' ' | '-');
    let digits: Vec<u32> =
        text.chars().filter(plain).map(|it| it.to_digit(16)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .filter_map(|it| u8::try_from(it.first()? << 4 | it.get(1)?).ok())
        .collect();
    (digits.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

/// `HOST`, `HOST:PORT`, `[IPV6]:PORT` or a bare IPv6 address; a leading `https://` is no harm.
fn split(address: &str) -> Result<(String, u16), String> {
    let wrong = || format!("`address` = {address:?}: want HOST, HOST:PORT or [IPV6]:PORT");
    let bare = address.strip_prefix("https://").unwrap_or(address).trim_end_matches('/');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok((ip.to_string(), PORT));
    }
    let (host, port) = match bare.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        Some(_) => return Err(wrong()),
        None => (bare, None),
    };
    let port = match port {
        Some(it) => it.parse::<u16>().ok().filter(|it| *it > 0).ok_or_else(wrong)?,
        None => PORT,
    };
    let host = match host.strip_prefix('[').map(|it| it.strip_suffix(']')) {
        Some(Some(inner)) => inner.parse::<Ipv6Addr>().map_err(|_| wrong())?.to_string(),
        Some(None) => return Err(wrong()),
        None => host.to_owned(),
    };
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(wrong());
    }
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str, keys: &str) -> Result<Site, Vec<String>> {
        Site::read(address, &keys.parse().unwrap())
    }

    #[test]
    fn addresses_of_every_form_are_read() {
        for (text, host, authority) in [
            ("bmc1", "bmc1", "bmc1"),
            ("bmc1:8443", "bmc1", "bmc1:8443"),
            ("https://bmc1/", "bmc1", "bmc1"),
            ("10.0.0.7", "10.0.0.7", "10.0.0.7"),
            ("fe80::1", "fe80::1", "[fe80::1]"),
            ("[fe80::1]:8443", "fe80::1", "[fe80::1]:8443"),
        ] {
            let site = read(text, "auth = 'none'").unwrap();
            assert_eq!((site.host.as_str(), site.authority().as_str()), (host, authority));
        }
        for text in ["", ":443", "bmc1:0", "bmc1:x", "http://bmc1", "u:p@bmc1", "bmc 1", "[x]:1"] {
            assert!(read(text, "auth = 'none'").is_err(), "{text:?}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_none_shows_a_secret() {
        let mistakes = read(
            "bmc1",
            "user = 'u'\npassword = 'hunter2'\npasword_file = 'x'\nca_file = 'here'\nfingerprint = 'ab'\nauth = 'digest'",
        )
        .unwrap_err()
        .join("; ");
        for wanted in [
            "unknown key `password`",
            "did you mean `password_file`",
            "not both",
            "want session, basic or none",
        ] {
            assert!(mistakes.contains(wanted), "{mistakes}");
        }
        assert!(!mistakes.contains("hunter2"));
    }

    #[test]
    fn a_fingerprint_has_64_digits() {
        let good = "AB:".repeat(31) + "cd";
        assert!(parse_fingerprint(&good).is_some_and(|it| it[0] == 0xab && it[31] == 0xcd));
        assert_eq!(parse_fingerprint(&"a".repeat(63)), None);
        assert_eq!(parse_fingerprint(&"g".repeat(64)), None);
    }
}
