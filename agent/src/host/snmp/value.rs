//! Values of SNMP variables (RFC 2578, section 7.1; opaque floats as net-snmp wraps them).

use std::fmt;

use super::Oid;

/// One value. Counters are apart from gauges, so that a source need not know which it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `INTEGER`.
    Integer(i64),
    /// `OCTET STRING`, `BITS`: text or not.
    Bytes(Vec<u8>),
    /// `OBJECT IDENTIFIER`.
    Oid(Oid),
    /// `IpAddress`.
    Address([u8; 4]),
    /// `Counter32`, `Counter64`.
    Counter(u64),
    /// `Gauge32`, `Unsigned32`.
    Gauge(u64),
    /// `TimeTicks`: hundredths of a second.
    Ticks(u32),
    /// A floating-point number in an `Opaque`.
    Float(f64),
    /// `NULL`, or an `Opaque` of another kind.
    Null,
}

impl Value {
    /// The number, if it is one; of text, the number that it begins with is not taken: that is a profile's business.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counters above 2^53 lose their last digits, not their rate"
    )]
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Integer(it) => Some(*it as f64),
            Value::Counter(it) | Value::Gauge(it) => Some(*it as f64),
            Value::Ticks(it) => Some(f64::from(*it)),
            Value::Float(it) => Some(*it),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Value::Integer(it) => Some(*it),
            Value::Counter(it) | Value::Gauge(it) => i64::try_from(*it).ok(),
            Value::Ticks(it) => Some(i64::from(*it)),
            _ => None,
        }
    }

    /// Text as people read it: printable bytes as they are, others in hexadecimal with colons (`50:06:01:60`).
    pub fn text(&self) -> String {
        match self {
            Value::Bytes(bytes) => text_of(bytes),
            other => other.to_string(),
        }
    }
}

/// Text of bytes. A zero at the end is padding; white space at the ends says nothing.
fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|it| *it != 0).map_or(0, |it| it + 1);
    let bytes = &bytes[..end];
    let control = |it: char| it.is_control() && !it.is_whitespace();
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(control) => text.trim().to_owned(),
        // Agents that do not know UTF-8 write Latin-1: a single byte among text is still text.
        _ if is_latin(bytes) => {
            bytes.iter().map(|it| char::from(*it)).collect::<String>().trim().to_owned()
        }
        _ => hexadecimal(bytes),
    }
}

fn is_latin(bytes: &[u8]) -> bool {
    let plain = bytes.iter().filter(|it| it.is_ascii_graphic() || **it == b' ').count();
    let strange = bytes.iter().filter(|it| **it >= 0xa0).count();
    plain + strange == bytes.len() && plain > strange * 3
}

/// `50:06:01:60`.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|it| format!("{it:02x}")).collect();
    pairs.join(":")
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(it) => write!(f, "{it}"),
            Value::Bytes(it) => f.write_str(&text_of(it)),
            Value::Oid(it) => write!(f, "{it}"),
            Value::Address([a, b, c, d]) => write!(f, "{a}.{b}.{c}.{d}"),
            Value::Counter(it) | Value::Gauge(it) => write!(f, "{it}"),
            Value::Ticks(it) => write!(f, "{it}"),
            Value::Float(it) => write!(f, "{it}"),
            Value::Null => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_where_they_can_be_read() {
        assert_eq!(Value::Bytes(b"Disk 1 \0\0".to_vec()).text(), "Disk 1");
        assert_eq!(Value::Bytes(vec![0x50, 0x06, 0x01, 0x60]).text(), "50:06:01:60");
        assert_eq!(Value::Bytes("控制器".into()).text(), "控制器");
        assert_eq!(Value::Bytes(vec![b'4', b'0', b' ', 0xb0, b'C']).text(), "40 °C");
    }
}
