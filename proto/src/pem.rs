//! Certificates as text (RFC 7468).

/// Bytes as base64 (RFC 4648, section 4), padded, on one line.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at > group.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// A certificate (DER) as PEM, with its lines.
pub fn certificate(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in der.chunks(48) {
        text.push_str(&base64(line));
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked against RFC 4648, section 10.
    #[test]
    fn every_length_of_the_last_group_is_padded() {
        let body = |text: &str| certificate(text.as_bytes()).lines().nth(1).map(str::to_owned);
        assert_eq!(body("f").as_deref(), Some("Zg=="));
        assert_eq!(body("fo").as_deref(), Some("Zm8="));
        assert_eq!(body("foo").as_deref(), Some("Zm9v"));
        assert_eq!(body("foobar").as_deref(), Some("Zm9vYmFy"));
        let long = certificate(&[0xff; 100]);
        assert!(long.lines().all(|line| line.len() <= 64));
    }
}
