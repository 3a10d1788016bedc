//! Walks as people save them: `snmpwalk -On` and its kin (`-Oe`, `-Of`, `-OQ`, `-Oq`, `-Ox`, plain symbolic names
//! where they are known), and the `.snmprec` files of snmpsim, which is also the form of recordings.
//!
//! Facts: snmpcmd(1), variables(5), snmpsim's documentation of data files. Tolerant: what is not understood is counted
//! and shown, the rest is read.

use std::collections::BTreeMap;

use super::{Oid, Value};

mod snmprec;

use snmprec::snmprec;
pub use snmprec::write_walk;

/// Most variables of a saved walk that are read.
const BINDINGS_MAX: usize = 1_000_000;

/// What a saved walk holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// Names and values, in order.
    pub bindings: BTreeMap<Oid, Value>,
    /// Lines that were not understood: how many, and the first few.
    pub strange: usize,
    /// The first few of them, shortened.
    pub examples: Vec<String>,
    /// Whether there were more values than are kept.
    pub more: bool,
}

/// Reads a saved walk. `symbol` knows names of variables: `ifDescr`.
pub fn read_walk(text: &str, symbol: &dyn Fn(&str) -> Option<Oid>) -> Read {
    let mut read = Read::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, rest)) = split(line) else {
            // snmpwalk says so at the end of a walk.
            if !line.starts_with("No more variables") {
                read.strange(line);
            }
            continue;
        };
        let mut rest = rest.to_owned();
        while is_open(&rest)
            && let Some(more) = lines.next_if(|it| split(it).is_none() || is_quoted(&rest))
        {
            rest.push(if is_quoted(&rest) { '\n' } else { ' ' });
            rest.push_str(more.trim_end_matches('\r'));
        }
        let parsed = oid(name, symbol).map(|oid| (oid, value(line, &rest, symbol)));
        match parsed {
            Some((_, Parsed::Value(_))) if read.bindings.len() >= BINDINGS_MAX => read.more = true,
            Some((oid, Parsed::Value(value))) => {
                read.bindings.insert(oid, value);
            }
            Some((_, Parsed::Nothing)) => {}
            _ => read.strange(line),
        }
    }
    read
}

impl Read {
    fn strange(&mut self, line: &str) {
        self.strange += 1;
        if self.examples.len() < 5 {
            self.examples.push(line.chars().take(120).collect());
        }
    }
}

enum Parsed {
    Value(Value),
    /// The line says that there is no value.
    Nothing,
    Strange,
}

/// Name and the rest of a line; none if the line does not begin with a name.
fn split(line: &str) -> Option<(&str, &str)> {
    if let Some((name, rest)) = line.split_once('|')
        && name.bytes().all(|it| it.is_ascii_digit() || it == b'.')
        && !name.is_empty()
    {
        return Some((name, rest));
    }
    let pair = match line.split_once(" = ") {
        Some(pair) => pair,
        // An empty value leaves nothing behind the sign; `-Oq` has no sign.
        None => line.strip_suffix(" =").map(|name| (name, "")).or_else(|| line.split_once(' '))?,
    };
    let name = pair.0.trim();
    let numeric = name
        .strip_prefix('.')
        .unwrap_or(name)
        .split('.')
        .all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    let symbolic = name.contains("::") || name.starts_with("iso.") || name.starts_with(".iso.");
    ((numeric && name.contains('.')) || (symbolic && !name.contains(' '))).then_some((name, pair.1))
}

fn is_quoted(rest: &str) -> bool {
    let text = rest.strip_prefix("STRING: ").unwrap_or(rest);
    text.starts_with('"') && (text.len() == 1 || !text.ends_with('"') || text.ends_with("\\\""))
}

/// Whether the value goes on in the next line.
fn is_open(rest: &str) -> bool {
    rest.starts_with("Hex-STRING:") || rest.starts_with("BITS:") || is_quoted(rest)
}

/// Numbers, `iso.3.6.1…`, `IF-MIB::ifDescr.1`, `.iso.org.dod.internet.mgmt.mib-2.system.sysDescr.0`.
fn oid(name: &str, symbol: &dyn Fn(&str) -> Option<Oid>) -> Option<Oid> {
    let name = name.split_once("::").map_or(name, |(_, it)| it).trim();
    let bare = name.strip_prefix('.').unwrap_or(name);
    if let Ok(oid) = bare.parse() {
        return Some(oid);
    }
    let parts: Vec<&str> = bare.split('.').collect();
    let last = parts.iter().rposition(|it| it.parse::<u32>().is_err())?;
    // A text as index, `name."text"`, cannot be told from its length alone.
    let word = parts[last];
    let root = roots(word).or_else(|| symbol(word))?;
    let rest: Result<Vec<u32>, _> = parts[last + 1..].iter().map(|it| it.parse()).collect();
    Some(root.with(&rest.ok()?))
}

/// The names above all MIBs (RFC 2578, section 2).
fn roots(word: &str) -> Option<Oid> {
    let parts: &[u32] = match word {
        "iso" => &[1],
        "org" => &[1, 3],
        "dod" => &[1, 3, 6],
        "internet" => &[1, 3, 6, 1],
        "mgmt" => &[1, 3, 6, 1, 2],
        "mib-2" => &[1, 3, 6, 1, 2, 1],
        "transmission" => &[1, 3, 6, 1, 2, 1, 10],
        "experimental" => &[1, 3, 6, 1, 3],
        "private" => &[1, 3, 6, 1, 4],
        "enterprises" => &[1, 3, 6, 1, 4, 1],
        "snmpV2" => &[1, 3, 6, 1, 6],
        "snmpModules" => &[1, 3, 6, 1, 6, 3],
        "netSnmpAgentOIDs" => &[1, 3, 6, 1, 4, 1, 8072, 3, 2],
        "linux" => &[1, 3, 6, 1, 4, 1, 8072, 3, 2, 10],
        "freebsd" => &[1, 3, 6, 1, 4, 1, 8072, 3, 2, 8],
        _ => return None,
    };
    Some(Oid::new(parts))
}

fn value(line: &str, rest: &str, symbol: &dyn Fn(&str) -> Option<Oid>) -> Parsed {
    let recorded = line
        .split_once('|')
        .filter(|(name, _)| name.bytes().all(|it| it.is_ascii_digit() || it == b'.'));
    if let Some((_, rest)) = recorded {
        return rest
            .split_once('|')
            .and_then(|(tag, value)| snmprec(tag, value))
            .map_or(Parsed::Strange, Parsed::Value);
    }
    let mut rest = rest.trim();
    if rest.starts_with("No Such ") || rest.starts_with("No more variables") {
        return Parsed::Nothing;
    }
    // The agent's type is not the MIB's: `Wrong Type (should be Gauge32 or Unsigned32): INTEGER: 5`.
    if let Some(after) = rest.strip_prefix("Wrong Type (") {
        rest = after.split_once("): ").map_or(rest, |it| it.1);
    }
    typed(rest, symbol).map_or(Parsed::Strange, Parsed::Value)
}

/// `TYPE: value` as snmpwalk writes it, or a value without its type.
fn typed(rest: &str, symbol: &dyn Fn(&str) -> Option<Oid>) -> Option<Value> {
    let (kind, text) = match rest.split_once(':') {
        Some((kind, text)) if KINDS.contains(&kind) => (kind, text.trim_start()),
        _ => ("", rest),
    };
    let number = || leading(text);
    let unsigned = || leading(text).and_then(|it| u64::try_from(it).ok());
    Some(match kind {
        "" | "STRING" => return Some(untyped(text, kind.is_empty())),
        "INTEGER" => match number() {
            Some(it) => Value::Integer(i64::try_from(it).ok()?),
            None if text.is_empty() => return None,
            None => Value::Bytes(text.as_bytes().to_vec()),
        },
        "Counter32" | "Counter64" => Value::Counter(unsigned()?),
        "Gauge32" | "Unsigned32" | "UInteger32" => Value::Gauge(unsigned()?),
        "Timeticks" => Value::Ticks(u32::try_from(unsigned()?).ok()?),
        "OID" => match oid(text, symbol) {
            Some(oid) => Value::Oid(oid),
            None => Value::Bytes(text.as_bytes().to_vec()),
        },
        "IpAddress" => address(text)?,
        "Network Address" => Value::Address(bytes(&text.replace(':', ""))?.try_into().ok()?),
        "Hex-STRING" => Value::Bytes(bytes(text)?),
        "BITS" => {
            let pairs = text.split_whitespace().take_while(|it| it.len() == 2);
            Value::Bytes(bytes(&pairs.collect::<String>())?)
        }
        "Opaque" => {
            let float = text.strip_prefix("Float:").or_else(|| text.strip_prefix("Double:"))?;
            Value::Float(float.trim().parse().ok().filter(|it: &f64| it.is_finite())?)
        }
        "NULL" => Value::Null,
        _ => return None,
    })
}

const KINDS: [&str; 15] = [
    "BITS",
    "Counter32",
    "Counter64",
    "Gauge32",
    "Hex-STRING",
    "INTEGER",
    "IpAddress",
    "NULL",
    "Network Address",
    "OID",
    "Opaque",
    "STRING",
    "Timeticks",
    "UInteger32",
    "Unsigned32",
];

/// Text, in quotes or not; without a type a number is one.
fn untyped(text: &str, may_be_number: bool) -> Value {
    if let Some(quoted) = text.strip_prefix('"') {
        let inner = quoted.strip_suffix('"').unwrap_or(quoted);
        return Value::Bytes(inner.replace("\\\"", "\"").replace("\\\\", "\\").into_bytes());
    }
    match text.parse::<i64>() {
        Ok(number) if may_be_number => Value::Integer(number),
        _ if may_be_number && text == "NULL" => Value::Null,
        _ => Value::Bytes(text.as_bytes().to_vec()),
    }
}

/// The number of `25 degrees`, `up(1)`, `(123456) 0:20:34.56`.
fn leading(text: &str) -> Option<i128> {
    let text = match text.split_once('(') {
        Some((before, after))
            if !before.starts_with(|it: char| it.is_ascii_digit() || it == '-') =>
        {
            after
        }
        _ => text,
    };
    let end =
        text.char_indices().find(|(at, it)| !(it.is_ascii_digit() || (*at == 0 && *it == '-')));
    text[..end.map_or(text.len(), |(at, _)| at)].parse().ok()
}

fn address(text: &str) -> Option<Value> {
    text.trim().parse::<std::net::Ipv4Addr>().ok().map(|it| Value::Address(it.octets()))
}

/// Hexadecimal digits, with or without blanks.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|it| !it.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Read {
        read_walk(text, &|name| (name == "ifDescr").then(|| "1.3.6.1.2.1.2.2.1.2".parse().unwrap()))
    }

    fn one(line: &str) -> Value {
        let read = read(line);
        assert_eq!((read.bindings.len(), read.strange), (1, 0), "{line:?} {read:?}");
        read.bindings.into_values().next().unwrap()
    }

    fn text(it: &str) -> Value {
        Value::Bytes(it.into())
    }

    #[test]
    fn the_usual_lines_of_snmpwalk_are_understood() {
        for (line, want) in [
            (".1.3.6.1.2.1.1.1.0 = STRING: \"a \\\"b\\\" c\"", text("a \"b\" c")),
            (".1.3.6.1.2.1.1.1.0 = STRING: plain text", text("plain text")),
            (".1.3.6.1.2.1.1.1.0 = \"\"", text("")),
            (".1.3.6.1.2.1.1.1.0 = STRING: ", text("")),
            (".1.3.6.1.2.1.1.3.0 = Timeticks: (8515353) 23:39:13.53", Value::Ticks(8_515_353)),
            (
                ".1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.674",
                Value::Oid("1.3.6.1.4.1.674".parse().unwrap()),
            ),
            (
                "SNMPv2-MIB::sysObjectID.0 = OID: SNMPv2-SMI::enterprises.674",
                Value::Oid("1.3.6.1.4.1.674".parse().unwrap()),
            ),
            ("IF-MIB::ifDescr.7 = INTEGER: up(1)", Value::Integer(1)),
            ("iso.3.6.1.2.1.2.2.1.8.1 = INTEGER: -25 degrees", Value::Integer(-25)),
            (".1.3.6.1.2.1.2.2.1.8.1 = INTEGER: up", text("up")),
            (".1.3.6.1.2.1.2.2.1.10.1 = Counter64: 18446744073709551615", Value::Counter(u64::MAX)),
            (
                ".1.3.6.1.2.1.2.2.1.5.1 = Wrong Type (should be Gauge32 or Unsigned32): INTEGER: 5",
                Value::Integer(5),
            ),
            (".1.3.6.1.2.1.2.2.1.6.1 = Hex-STRING: 00 0A FF ", Value::Bytes(vec![0, 10, 255])),
            (
                ".1.3.6.1.2.1.2.2.1.6.1 = Hex-STRING: 00 0A \nFF 01 ",
                Value::Bytes(vec![0, 10, 255, 1]),
            ),
            (".1.3.6.1.2.1.2.2.1.6.1 = STRING: \"one\ntwo\"", text("one\ntwo")),
            (".1.3.6.1.2.1.4.20.1.1.1 = IpAddress: 10.0.0.1", Value::Address([10, 0, 0, 1])),
            (".1.3.6.1.4.1.2021.1 = Opaque: Float: 1.500000", Value::Float(1.5)),
            (".1.3.6.1.2.1.2.2.1.8.1 = BITS: 80 00 first(0) ", Value::Bytes(vec![128, 0])),
            (".1.3.6.1.2.1.2.2.1.8.1 2", Value::Integer(2)),
            (".1.3.6.1.2.1.2.2.1.8.1 = 2", Value::Integer(2)),
            (".iso.org.dod.internet.mgmt.mib-2.2.2.1.8.1 = INTEGER: 2", Value::Integer(2)),
        ] {
            let line = if line.starts_with("SNMPv2-MIB") {
                line.replace("SNMPv2-MIB::sysObjectID", "iso")
            } else {
                line.to_owned()
            };
            assert_eq!(one(&line), want, "{line}");
        }
    }

    #[test]
    fn files_of_snmpsim_are_read_as_they_are_written() {
        let lines = "1.3.6.1.1|2|-5\n1.3.6.1.2|4|a|b\n1.3.6.1.3|4x|00ff\n1.3.6.1.4|6|1.3.6\n1.3.6.1.5|64|10.0.0.1\n\
                     1.3.6.1.6|65|7\n1.3.6.1.7|66|8\n1.3.6.1.8|67|9\n1.3.6.1.9|70|9999999999\n1.3.6.1.10|5|\n\
                     1.3.6.1.11|68x|9f79083ff8000000000000\n";
        let first = read(lines);
        assert_eq!((first.bindings.len(), first.strange), (11, 0), "{first:?}");
        assert_eq!(write_walk(&first.bindings), lines);
        assert_eq!(one("1.3.6.1.2|4e|a\\x41\\n"), text("aA\n"));
    }

    #[test]
    fn what_is_not_understood_is_counted_and_the_rest_is_read() {
        let read = read(
            "garbage\nFOO-MIB::bar.1 = INTEGER: 1\n1.3.6.1.1|67:numeric|rate=1\n.1.3.6.1.2.1.1.5.0 = STRING: x\n\
                         .1.3.6.1.9 = No Such Object available on this agent at this OID\nNo more variables left in this MIB View",
        );
        assert_eq!((read.bindings.len(), read.strange), (1, 3), "{read:?}");
    }
}
