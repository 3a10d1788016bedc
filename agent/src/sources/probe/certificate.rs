//! One certificate: for whom, from whom, until when.

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// What of a certificate is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Certificate {
    subject: String,
    issuer: String,
    serial: String,
    names: Vec<String>,
    not_after: String,
    /// Unix seconds.
    pub(super) ends: i64,
}

/// Names that are kept; a certificate of a content network has hundreds.
const NAMES_MAX: usize = 64;

/// Reads DER in hexadecimal digits.
pub(super) fn parse(text: &str) -> Result<Certificate, String> {
    let der = bytes(text.trim()).ok_or("no hexadecimal digits")?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|error| error.to_string())?;
    let mut names: Vec<String> = Vec::new();
    if let Ok(Some(all)) = parsed.subject_alternative_name() {
        for name in all.value.general_names.iter().take(NAMES_MAX) {
            match name {
                GeneralName::DNSName(name) => names.push(short(&name.to_lowercase())),
                GeneralName::IPAddress(bytes) => names.extend(address(bytes)),
                _ => {}
            }
        }
    }
    let not_after = parsed.validity().not_after;
    Ok(Certificate {
        subject: short(&parsed.subject().to_string()),
        issuer: short(&parsed.issuer().to_string()),
        serial: short(&parsed.raw_serial_as_string()),
        names,
        not_after: chrono::DateTime::from_timestamp(not_after.timestamp(), 0)
            .map_or_else(String::new, |it| it.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ends: not_after.timestamp(),
    })
}

impl Certificate {
    /// Attributes of what shows it.
    pub(super) fn attrs(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = [
            ("tls.certificate.issuer", self.issuer.clone()),
            ("tls.certificate.names", self.names.join(" ")),
            ("tls.certificate.not_after", self.not_after.clone()),
            ("tls.certificate.serial_number", self.serial.clone()),
            ("tls.certificate.subject", self.subject.clone()),
        ];
        pairs.into_iter().filter(|it| !it.1.is_empty()).map(|(name, it)| (name.to_owned(), it))
    }

    /// Whether it is for this name: as written, or by a star in place of the first label.
    pub(super) fn is_for(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let rest = name.split_once('.').map(|(_, rest)| rest);
        let fits =
            |it: &String| *it == name || it.strip_prefix("*.").is_some_and(|it| rest == Some(it));
        self.names.iter().any(fits)
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok();
    (0..text.len() / 2).map(pair).collect()
}

/// Four bytes or sixteen.
fn address(bytes: &[u8]) -> Option<String> {
    let four = || Some(core::net::Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string());
    let sixteen = || Some(core::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string());
    four().or_else(sixteen)
}

fn short(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(200).collect()
}
