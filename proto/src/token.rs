//! The text of an enrolment token: `xj1.SECRET.FINGERPRINT`.
//!
//! The secret (128 random bits) lets one agent in, once, before it expires; the collector keeps only its hash. The
//! fingerprint (SHA-256 of the authority's certificate) lets the agent know the collector at first contact.

use std::fmt::{self, Write};

use ring::{digest, rand};
use thiserror::Error;

const PREFIX: &str = "xj1";

/// An enrolment token. Its `Display` is the text that people copy; its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolToken {
    secret: String,
    fingerprint: [u8; 32],
}

/// Why a text is no token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "not an enrolment token: wanted `xj1.`, 32 and 64 hexadecimal digits joined by a dot, {found}; copy the whole line that `xunjian-collector enrol-token` printed"
)]
pub struct TokenError {
    found: &'static str,
}

impl EnrolToken {
    /// A new token for the authority with this certificate (DER). Fails if the system has no randomness.
    pub fn new(authority: &[u8]) -> Result<EnrolToken, ring::error::Unspecified> {
        let bytes: [u8; 16] = rand::generate(&rand::SystemRandom::new())?.expose();
        Ok(EnrolToken { secret: hex(&bytes), fingerprint: fingerprint(authority) })
    }

    /// Reads the text; white space around it is ignored.
    pub fn parse(text: &str) -> Result<EnrolToken, TokenError> {
        let mut parts = text.trim().split('.');
        let (Some(PREFIX), Some(secret), Some(print), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError { found: "found other parts" });
        };
        let is_hex = |text: &str| text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        if secret.len() != 32 || print.len() != 64 || !is_hex(secret) || !is_hex(print) {
            return Err(TokenError { found: "found a part of another length or other characters" });
        }
        let mut fingerprint = [0; 32];
        for (byte, digits) in fingerprint.iter_mut().zip(print.as_bytes().chunks(2)) {
            let digit = |at: usize| (digits[at] as char).to_digit(16).unwrap_or(0) as u8;
            *byte = digit(0) << 4 | digit(1);
        }
        Ok(EnrolToken { secret: secret.to_owned(), fingerprint })
    }

    /// What the agent shows to the collector.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// SHA-256 of the authority's certificate (DER).
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// What the collector keeps of a secret: its SHA-256 in hex.
    pub fn secret_hash(secret: &str) -> String {
        hex(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref())
    }
}

/// SHA-256 of a certificate (DER).
pub fn fingerprint(certificate: &[u8]) -> [u8; 32] {
    let mut print = [0; 32];
    print.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    print
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes what it is given");
        text
    })
}

impl fmt::Display for EnrolToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}.{}.{}", self.secret, hex(&self.fingerprint))
    }
}

impl fmt::Debug for EnrolToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrolToken(authority {})", hex(&self.fingerprint[..4]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_a_cut_one_is_not() {
        let token = EnrolToken::new(b"certificate").unwrap();
        let text = token.to_string();
        assert_eq!(EnrolToken::parse(&format!(" {text}\n")).unwrap(), token);
        assert!(!format!("{token:?}").contains(token.secret()));
        for end in 0..text.len() {
            assert!(EnrolToken::parse(&text[..end]).is_err());
        }
        assert!(EnrolToken::parse(&text.replace("xj1", "xj2")).is_err());
        assert!(EnrolToken::parse(&text.to_uppercase()).is_err());
    }
}
