//! Data files of snmpsim, `OID|TAG|VALUE`: also the form of recordings.

use std::collections::BTreeMap;

use super::{Oid, Value, address, bytes};

/// Writes a walk as `.snmprec`.
pub fn write_walk(bindings: &BTreeMap<Oid, Value>) -> String {
    let mut text = String::new();
    for (oid, value) in bindings {
        let (tag, value) = match value {
            Value::Integer(it) => ("2", it.to_string()),
            Value::Bytes(it) if is_plain(it) => ("4", String::from_utf8_lossy(it).into_owned()),
            Value::Bytes(it) => ("4x", it.iter().map(|it| format!("{it:02x}")).collect()),
            Value::Oid(it) => ("6", it.to_string()),
            Value::Address(_) => ("64", value.to_string()),
            Value::Counter(it) => {
                (if u32::try_from(*it).is_ok() { "65" } else { "70" }, it.to_string())
            }
            Value::Gauge(it) => ("66", it.to_string()),
            Value::Ticks(it) => ("67", it.to_string()),
            Value::Float(it) => {
                let digits: String =
                    it.to_be_bytes().iter().map(|it| format!("{it:02x}")).collect();
                ("68x", format!("9f7908{digits}"))
            }
            Value::Null => ("5", String::new()),
        };
        text.push_str(&format!("{oid}|{tag}|{value}\n"));
    }
    text
}

/// Whether text can stand in a line as it is.
fn is_plain(bytes: &[u8]) -> bool {
    let trimmed = bytes.trim_ascii() == bytes;
    trimmed && bytes.iter().all(|it| it.is_ascii_graphic() || *it == b' ')
}

/// `OID|TAG|VALUE`; tags are those of the encoding, `x` says hexadecimal, `e` escaped.
pub(super) fn snmprec(tag: &str, text: &str) -> Option<Value> {
    let (number, coded) = match tag.strip_suffix('x') {
        Some(number) => (number, Some(bytes(text)?)),
        None => (tag.strip_suffix('e').unwrap_or(tag), None),
    };
    Some(match number {
        "2" => Value::Integer(text.trim().parse().ok()?),
        "4" if tag.ends_with('e') => Value::Bytes(unescaped(text)),
        "4" | "3" => Value::Bytes(coded.unwrap_or_else(|| text.as_bytes().to_vec())),
        "5" => Value::Null,
        "6" => Value::Oid(text.parse().ok()?),
        "64" => match coded {
            Some(coded) => Value::Address(coded.try_into().ok()?),
            None => address(text)?,
        },
        "65" | "70" => Value::Counter(text.trim().parse().ok()?),
        "66" | "71" => Value::Gauge(text.trim().parse().ok()?),
        "67" => Value::Ticks(text.trim().parse().ok()?),
        "68" => match coded.as_deref() {
            Some([0x9f, 0x78, 4, digits @ ..]) => {
                Value::Float(f64::from(f32::from_be_bytes(digits.try_into().ok()?)))
            }
            Some([0x9f, 0x79, 8, digits @ ..]) => {
                Value::Float(f64::from_be_bytes(digits.try_into().ok()?))
            }
            _ => Value::Null,
        },
        _ => return None,
    })
}

/// `\n`, `\x41` and the like, as Python writes them.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let Some((kind, after)) = rest.split_first() else { break };
        rest = after;
        let coded = rest
            .get(..2)
            .filter(|_| *kind == b'x')
            .and_then(|it| bytes(std::str::from_utf8(it).ok()?));
        match (kind, coded) {
            (b'x', Some(byte)) => {
                out.extend(byte);
                rest = &rest[2..];
            }
            (b'n', _) => out.push(b'\n'),
            (b'r', _) => out.push(b'\r'),
            (b't', _) => out.push(b'\t'),
            _ => out.push(*kind),
        }
    }
    out
}
