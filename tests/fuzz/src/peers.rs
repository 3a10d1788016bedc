//! What devices on the network answer.

use std::{collections::BTreeMap, path::Path, sync::OnceLock};

use xunjian_agent::host::{
    Oid, Value,
    heard::{Peer, community, http, message, pdu, walk},
    read_walk,
};

use crate::{Entry, files};

/// Largest body that the fuzzed client takes.
const BODY_MAX: usize = 4096;

/// Answers of systemd over D-Bus.
pub(crate) const BUS: Entry = Entry {
    name: "bus",
    holds: "what is told was in the message",
    read: |bytes| {
        let Ok(told) = message(bytes) else { return };
        let is_there =
            |text: &str| bytes.windows(text.len().max(1)).any(|it| it == text.as_bytes());
        let valid =
            |text: &&String| !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER);
        assert!(told.units.iter().filter(valid).all(|it| is_there(it)));
        assert!(Some(&told.said).into_iter().filter(valid).all(|it| is_there(it)));
    },
    seeds: |_| {
        let text = |it: &str| [&(it.len() as u32).to_le_bytes()[..], it.as_bytes(), &[0]].concat();
        let property = [b"\x01s\0\0".to_vec(), text("running")].concat();
        let mut units = vec![0; 8];
        for it in ["ssh.service", "OpenSSH", "loaded", "active", "running", "", "/org/x"] {
            units.resize(units.len().next_multiple_of(4), 0);
            units.extend(text(it));
        }
        units.resize(units.len().next_multiple_of(4) + 4, 0);
        for it in ["", "/"] {
            units.resize(units.len().next_multiple_of(4), 0);
            units.extend(text(it));
        }
        let length = units.len() as u32 - 8;
        units[..4].copy_from_slice(&length.to_le_bytes());
        let all = [
            ("property", "v", property),
            ("units", "a(ssssssouso)", units),
            ("refusal", "s", text("no")),
        ];
        let seed = |(name, signature, body): (&str, &str, Vec<u8>)| {
            (name.to_owned(), reply(signature, &body))
        };
        all.into_iter().map(seed).collect()
    },
};

/// The message that answers call 3.
fn reply(signature: &str, body: &[u8]) -> Vec<u8> {
    let mut fields = vec![5, 1, b'u', 0, 3, 0, 0, 0, 8, 1, b'g', 0];
    fields.push(signature.len() as u8);
    fields.extend(signature.as_bytes());
    fields.push(0);
    let mut all = vec![b'l', if signature == "s" { 3 } else { 2 }, 1, 1];
    all.extend((body.len() as u32).to_le_bytes());
    all.extend(7_u32.to_le_bytes());
    all.extend((fields.len() as u32).to_le_bytes());
    all.extend(fields);
    all.resize(all.len().next_multiple_of(8), 0);
    all.extend(body);
    all
}

/// Answers over HTTP.
pub(crate) const HTTP: Entry = Entry {
    name: "http",
    holds: "an answer that comes byte by byte is the same as one that comes at once, and no body is larger than allowed",
    read: |bytes| {
        let (once, drop_by_drop) = (http(bytes, bytes.len(), BODY_MAX), http(bytes, 1, BODY_MAX));
        if let Ok(it) = &once {
            assert!(it.body.len() <= BODY_MAX);
        }
        if let (Ok(once), Ok(slow)) = (once, drop_by_drop) {
            assert_eq!(once, slow);
        }
    },
    seeds: |root| {
        let heads = [
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Auth-Token: t\r\n\r\nabcd",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nT: x\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\nabcd",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
        ];
        let heads =
            heads.iter().enumerate().map(|(at, it)| (format!("head-{at}"), it.as_bytes().to_vec()));
        let pages = files(&root.join("tests/fixtures/redfish"), ".json").into_iter().take(8);
        let pages = pages.map(|(name, body)| {
            let mut answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
            answer.extend(body);
            (name, answer)
        });
        heads.chain(pages).collect()
    },
};

/// SNMP answers of version 2c.
pub(crate) const SNMP: Entry = Entry {
    name: "snmp",
    holds: "the name of every variable comes back the same from its text",
    read: |bytes| {
        for (oid, _) in community(bytes).into_iter().flat_map(|it| it.bindings) {
            assert_eq!(oid.to_string().parse(), Ok(oid));
        }
    },
    seeds: |root| {
        let answers = answers(root).into_iter();
        let message =
            |it: Vec<u8>| element(0x30, &[element(2, &[1]), element(4, b"public"), it].concat());
        answers.map(|(name, it)| (name, message(it))).collect()
    },
};

/// SNMP answers of version 3, as they are and as the content of a signed and encrypted message.
pub(crate) const SNMP_USER: Entry = Entry {
    name: "snmp-user",
    holds: "what was signed and encrypted is understood as what was not, and nothing counts as signed after a change",
    read: |bytes| {
        let Some((first, rest)) = bytes.split_first() else { return };
        let peers = peers();
        let peer = &peers[usize::from(*first) % peers.len()];
        if let Some(it) = peer.read(rest) {
            // One that is signed, as some seeds are, is so to the last byte.
            let mut other = rest.to_vec();
            other[rest.len() / 2] ^= 1;
            assert!(!it.signed || peer.read(&other).is_none_or(|it| !it.signed), "forged");
        }
        let message = peer.wrap(rest).unwrap();
        let read = peer.read(&message);
        assert_eq!(read.as_ref().map(|it| &it.pdu), pdu(rest).as_ref());
        assert!(read.is_none_or(|it| it.signed == peer.signs() && it.encrypted == peer.encrypts()));
    },
    seeds: |root| {
        let mut all = Vec::new();
        for (index, peer) in (0_u8..).zip(peers()) {
            for (name, answer) in answers(root).into_iter().take(3) {
                let message = peer.wrap(&answer).unwrap();
                for (kind, content) in [("pdu", answer), ("message", message)] {
                    all.push((format!("{name}-{kind}-{index}"), [vec![index], content].concat()));
                }
            }
        }
        all
    },
};

fn peers() -> &'static [Peer] {
    static PEERS: OnceLock<Vec<Peer>> = OnceLock::new();
    PEERS.get_or_init(|| {
        let ways = [("", ""), ("md5", "des"), ("sha-256", "aes-128"), ("sha-512", "aes-256")];
        ways.iter().map(|(auth, privacy)| Peer::new(auth, privacy)).collect()
    })
}

/// Walks of an agent that answers as it likes: parts, each with its length in two bytes before it, are its answers.
pub(crate) const SNMP_WALK: Entry = Entry {
    name: "snmp-walk",
    holds: "each question brings a variable, ends a root or makes the next one smaller, and nothing comes but what lies below \
            the roots",
    read: |bytes| {
        let roots: Vec<Oid> = ["1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2", "1.3.6.1.4.1"]
            .iter()
            .map(|it| it.parse().unwrap())
            .collect();
        let (mut rest, mut questions) = (bytes, 0);
        let found = walk(&roots, &mut || {
            questions += 1;
            let (length, after) = rest.split_first_chunk()?;
            let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
            let (answer, after) = after.split_at(length);
            rest = after;
            pdu(answer)
        });
        let Some(walked) = found else { return };
        // A root that the agent cannot answer is asked for in three sizes, and in the end there is nobody who answers.
        assert!(questions <= walked.bindings.len() + 4 * roots.len() + 1, "it does not go forward");
        assert!(walked.bindings.keys().all(|it| roots.iter().any(|root| it.is_below(root))));
        assert!(walked.cuts.iter().all(|it| roots.contains(&it.root)));
    },
    seeds: |root| {
        let part = |it: Vec<u8>| {
            let length = u16::try_from(it.len()).unwrap_or(0).to_le_bytes();
            [&length[..], &it].concat()
        };
        vec![(
            "all".to_owned(),
            answers(root).into_iter().take(12).flat_map(|(_, it)| part(it)).collect(),
        )]
    },
};

/// Answers with the first variables of each recorded walk.
fn answers(root: &Path) -> Vec<(String, Vec<u8>)> {
    let walks = files(&root.join("tests/fixtures/snmp"), ".snmprec").into_iter();
    let answer = |text: Vec<u8>| {
        let bindings = read_walk(&String::from_utf8_lossy(&text), &|_| None).bindings;
        answer(&bindings.into_iter().take(40).collect())
    };
    walks.map(|(name, text)| (name, answer(text))).collect()
}

/// A `Response` with these variables. Written without the agent's own writer, which knows questions only.
fn answer(bindings: &BTreeMap<Oid, Value>) -> Vec<u8> {
    let mut list = Vec::new();
    for (oid, value) in bindings {
        let value = match value {
            Value::Integer(it) => element(2, &it.to_be_bytes()),
            Value::Bytes(it) => element(4, it),
            Value::Oid(it) => element(6, &name(it)),
            Value::Address(it) => element(0x40, it),
            Value::Counter(it) => element(0x46, &it.to_be_bytes()),
            Value::Gauge(it) => element(0x42, &it.to_be_bytes()),
            Value::Ticks(it) => element(0x43, &it.to_be_bytes()),
            Value::Float(it) => element(0x44, &[&[0x9f, 0x79, 8], &it.to_be_bytes()[..]].concat()),
            Value::Null => element(5, &[]),
        };
        list.extend(element(0x30, &[element(6, &name(oid)), value].concat()));
    }
    let head = [element(2, &[7]), element(2, &[0]), element(2, &[0])].concat();
    element(0xa2, &[head, element(0x30, &list)].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(0).to_be_bytes();
    [&[tag, 0x84], &length[..], content].concat()
}

fn name(oid: &Oid) -> Vec<u8> {
    let (first, rest) = oid.parts().split_at(oid.parts().len().min(2));
    let head = first.iter().fold(0, |all, it| all * 40 + it);
    let mut bytes = Vec::new();
    for part in std::iter::once(&head).chain(rest) {
        let groups: Vec<u8> = (0..5).rev().map(|it| (part >> (7 * it) & 0x7f) as u8).collect();
        let skip = groups.iter().take_while(|it| **it == 0).count().min(4);
        let last = groups.len() - 1;
        let groups = groups.iter().enumerate().skip(skip);
        bytes.extend(groups.map(|(at, it)| if at < last { it | 0x80 } else { *it }));
    }
    bytes
}
