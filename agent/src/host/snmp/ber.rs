//! The part of ASN.1's basic encoding that SNMP uses (RFC 3417, section 8): definite lengths, tags of one byte.
//!
//! Invariant: whatever the bytes are, reading ends, allocates no more than they are long, and never panics.

use super::{
    Value,
    oid::{OID_PARTS_MAX, Oid},
};

/// `INTEGER`.
pub(super) const INTEGER: u8 = 0x02;
/// `OCTET STRING`.
pub(super) const BYTES: u8 = 0x04;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
/// `SEQUENCE`.
pub(super) const SEQUENCE: u8 = 0x30;
const ADDRESS: u8 = 0x40;
const COUNTER: u8 = 0x41;
const GAUGE: u8 = 0x42;
const TICKS: u8 = 0x43;
const OPAQUE: u8 = 0x44;
const COUNTER64: u8 = 0x46;
const UNSIGNED: u8 = 0x47;

/// Reads one element after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

/// What a variable binding holds in an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bound {
    /// A value.
    Value(Value),
    /// There is no such object or instance.
    None,
    /// The walk is at its end.
    End,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Tag and content of the next element.
    pub(super) fn element(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.bytes.split_first()?;
        // Tags of several bytes do not occur in SNMP.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 || rest.len() < count {
                return None;
            }
            let (digits, rest) = rest.split_at(count);
            (digits.iter().fold(0_usize, |all, it| all << 8 | usize::from(*it)), rest)
        };
        if rest.len() < length {
            return None;
        }
        let (content, rest) = rest.split_at(length);
        self.bytes = rest;
        Some((tag, content))
    }

    /// The content of the next element, if it has this tag.
    pub(super) fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.element().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }

    pub(super) fn sequence(&mut self) -> Option<Reader<'a>> {
        self.expect(SEQUENCE).map(Reader::new)
    }

    pub(super) fn integer(&mut self) -> Option<i64> {
        integer(self.expect(INTEGER)?)
    }

    /// One `VarBind`.
    pub(super) fn binding(&mut self) -> Option<(Oid, Bound)> {
        let mut pair = self.sequence()?;
        let oid = oid(pair.expect(OID)?)?;
        let (tag, content) = pair.element()?;
        Some((oid, bound(tag, content)?))
    }
}

fn bound(tag: u8, content: &[u8]) -> Option<Bound> {
    let value = match tag {
        0x80 | 0x81 => return Some(Bound::None),
        0x82 => return Some(Bound::End),
        INTEGER => Value::Integer(integer(content)?),
        BYTES => Value::Bytes(content.to_vec()),
        NULL => Value::Null,
        OID => Value::Oid(oid(content)?),
        ADDRESS => Value::Address(content.try_into().ok()?),
        COUNTER | COUNTER64 => Value::Counter(unsigned(content)?),
        GAUGE | UNSIGNED => Value::Gauge(unsigned(content)?),
        TICKS => Value::Ticks(u32::try_from(unsigned(content)?).ok()?),
        OPAQUE => opaque(content),
        _ => return None,
    };
    Some(Bound::Value(value))
}

fn integer(content: &[u8]) -> Option<i64> {
    // Some agents pad with sign bytes; what they pad is still a number.
    let first = *content.first()?;
    let fill = if first & 0x80 == 0 { 0_u8 } else { 0xff };
    let skip = content.iter().take_while(|it| **it == fill).count().min(content.len() - 1);
    let digits = &content[skip..];
    if digits.len() > 8 {
        return None;
    }
    let start = if fill == 0 { 0_i64 } else { -1 };
    Some(digits.iter().fold(start, |all, it| all << 8 | i64::from(*it)))
}

/// An unsigned number. Agents that forget the leading zero are common; the bits count.
fn unsigned(content: &[u8]) -> Option<u64> {
    let digits = match content {
        [] => return None,
        [0, rest @ ..] => rest,
        all => all,
    };
    if digits.len() > 8 {
        return None;
    }
    Some(digits.iter().fold(0, |all, it| all << 8 | u64::from(*it)))
}

fn oid(content: &[u8]) -> Option<Oid> {
    let mut parts = Vec::new();
    let mut part: u32 = 0;
    let mut open = false;
    for byte in content {
        // A sub-identifier has 32 bits (RFC 2578, section 3.5).
        part = part.checked_mul(128)? | u32::from(byte & 0x7f);
        open = byte & 0x80 != 0;
        if open {
            continue;
        }
        if parts.is_empty() {
            let head = (part / 40).min(2);
            parts.push(head);
            parts.push(part - head * 40);
        } else {
            parts.push(part);
        }
        if parts.len() > OID_PARTS_MAX {
            return None;
        }
        part = 0;
    }
    if open { None } else { Some(Oid::new(&parts)) }
}

/// net-snmp puts floats into an `Opaque`: tags 0x9f78 (float) and 0x9f79 (double).
fn opaque(content: &[u8]) -> Value {
    match content {
        [0x9f, 0x78, 4, digits @ ..] if digits.len() == 4 => {
            let digits: [u8; 4] = digits.try_into().unwrap_or_default();
            Value::Float(f64::from(f32::from_be_bytes(digits)))
        }
        [0x9f, 0x79, 8, digits @ ..] if digits.len() == 8 => {
            let digits: [u8; 8] = digits.try_into().unwrap_or_default();
            Value::Float(f64::from_be_bytes(digits))
        }
        _ => Value::Null,
    }
}

/// One element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        length @ 0..128 => bytes.push(u8::try_from(length).unwrap_or(0)),
        length => {
            let digits = length.to_be_bytes();
            let skip = digits.iter().take_while(|it| **it == 0).count();
            bytes.push(0x80 | u8::try_from(digits.len() - skip).unwrap_or(0));
            bytes.extend_from_slice(&digits[skip..]);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// An `INTEGER` in as few bytes as it needs.
pub(super) fn write_integer(value: i64) -> Vec<u8> {
    let digits = value.to_be_bytes();
    let fill = if value < 0 { 0xff } else { 0 };
    let same = |pair: &[u8]| pair[0] == fill && (pair[1] ^ fill) & 0x80 == 0;
    let skip = digits.windows(2).take_while(|pair| same(pair)).count();
    element(INTEGER, &digits[skip..])
}

/// A `VarBind` that asks for the value.
pub(super) fn write_question(oid: &Oid) -> Vec<u8> {
    let mut pair = element(OID, &write_oid(oid));
    pair.extend(element(NULL, &[]));
    element(SEQUENCE, &pair)
}

fn write_oid(oid: &Oid) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (head, rest) = match oid.parts() {
        [] => (0, [].as_slice()),
        [one] => (one.saturating_mul(40), [].as_slice()),
        [one, two, rest @ ..] => (one.saturating_mul(40).saturating_add(*two), rest),
    };
    for part in std::iter::once(&head).chain(rest) {
        let count = (32 - part.leading_zeros()).max(1).div_ceil(7);
        for index in (0..count).rev() {
            let more = if index == 0 { 0 } else { 0x80 };
            bytes.push(u8::try_from((part >> (7 * index)) & 0x7f).unwrap_or(0) | more);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for value in [
            0,
            1,
            -1,
            127,
            128,
            -128,
            -129,
            255,
            256,
            65_535,
            i64::from(i32::MAX),
            i64::MIN,
            i64::MAX,
        ] {
            assert_eq!(Reader::new(&write_integer(value)).integer(), Some(value));
        }
        assert_eq!(write_integer(128), [2, 2, 0, 128]);
        assert_eq!(unsigned(&[0, 255, 255, 255, 255, 255, 255, 255, 255]), Some(u64::MAX));
        assert_eq!(
            unsigned(&[255, 255, 255, 255]),
            Some(u64::from(u32::MAX)),
            "without its leading zero"
        );
    }

    #[test]
    fn identifiers_are_written_as_they_are_read() {
        for text in ["1.3.6.1.4.1.674.10892.5", "1.3.6.1.2.1.1.1.0", "2.999.4294967295", "0.39"] {
            let want: Oid = text.parse().unwrap();
            assert_eq!(oid(&write_oid(&want)), Some(want));
        }
        assert_eq!(oid(&[0x2b, 0x86]), None, "a number that does not end");
        assert_eq!(oid(&[0x2b, 0xff, 0xff, 0xff, 0xff, 0x7f]), None, "a number above 32 bits");
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for bytes in [
            &[0x30, 0x05, 0x00][..],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x80],
            &[0x1f, 0x01, 0x00],
            &[0x04],
        ] {
            assert_eq!(Reader::new(bytes).element(), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_float_in_an_opaque_is_a_number() {
        assert_eq!(opaque(&[0x9f, 0x78, 4, 0x3f, 0xc0, 0, 0]), Value::Float(1.5));
        assert_eq!(opaque(&[0x9f, 0x78, 4, 0x3f]), Value::Null);
    }
}
