//! What agents send and what lies in files: packed readings, messages, records, bundles, spools.
//!
//! Checksums, hashes and compression would keep a fuzzer out, so inputs are what lies below them and are wrapped here.
//! Several parts in one input stand behind each other, each with its length in two bytes before it, little-endian.

use std::{
    cell::Cell,
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::Duration,
};

use prost::Message;
use xunjian_agent::{
    bundle,
    config::SpoolLimits,
    host::Recorded,
    runner::{self, Job},
    sources,
    spool::Spool,
};
use xunjian_collector::ingest;
use xunjian_proto::{
    HostFacts, Run, Time,
    check::{FromAgent, FromCollector, Hello},
    frame::{self, HEAD, Piece, Record},
    token::fingerprint,
    v1,
    wire::{self, Definition, Known},
};

use crate::{Entry, files};

/// 2027-01-15.
const NOW: Time = Time::from_secs(1_800_000_000);

/// Largest number of parts in an input.
const PARTS_MAX: usize = 64;

/// Definitions, and the batch that refers to them in their order.
pub(crate) const BATCH: Entry = Entry {
    name: "batch",
    holds: "runs that were taken can be packed again and come back the same",
    read: |bytes| {
        let mut parts = parts(bytes);
        let Some(body) = parts.pop() else { return };
        let known: Vec<Known> =
            parts.iter().filter_map(|it| wire::learn(&definition(it)).ok()).collect();
        let next = Cell::new(0);
        let lookup = |_: &wire::Hash| {
            next.set(next.get() + 1);
            known.get(next.get() - 1).cloned()
        };
        if let Ok(runs) = wire::unpack(&packed(body), &lookup) {
            again(&runs);
        }
    },
    seeds: |root| {
        let mut all = Vec::new();
        for (name, runs) in recorded(root) {
            let Ok(packed) = wire::pack(&runs) else { continue };
            let definitions = packed.definitions.iter().filter_map(|it| unpacked(&it.body));
            let parts: Vec<Vec<u8>> = definitions.chain(unpacked(&packed.body)).collect();
            all.push((name, joined(&parts)));
        }
        all
    },
};

/// Layouts, inventories, raw outputs.
pub(crate) const DEFINITION: Entry = Entry {
    name: "definition",
    holds: "one whose content is not what its hash says is refused",
    read: |bytes| {
        let mut it = definition(bytes);
        let _ = wire::learn(&it);
        it.hash[0] ^= 1;
        assert!(wire::learn(&it).is_err());
    },
    seeds: |root| {
        let mut all = Vec::new();
        for (name, runs) in recorded(root) {
            let definitions = wire::pack(&runs).into_iter().flat_map(|it| it.definitions);
            let contents = definitions.filter_map(|it| unpacked(&it.body));
            all.extend(contents.enumerate().map(|(at, it)| (format!("{name}-{at}"), it)));
        }
        all
    },
};

/// Messages of the stream, of either side.
pub(crate) const MESSAGE: Entry = Entry {
    name: "message",
    holds: "what was taken comes back the same from its wire form",
    read: |bytes| {
        if let Some(Ok(it)) = v1::FromAgent::decode(bytes).ok().map(FromAgent::try_from) {
            let again = FromAgent::try_from(v1::FromAgent::from(it.clone()));
            assert_eq!(again.ok(), Some(it));
        }
        if let Some(Ok(it)) = v1::FromCollector::decode(bytes).ok().map(FromCollector::try_from) {
            let again = FromCollector::try_from(v1::FromCollector::from(it.clone()));
            assert_eq!(again.ok(), Some(it));
        }
    },
    seeds: |_| {
        let hello = v1::FromAgent::from(FromAgent::Hello(Hello { host: host() }));
        let done = v1::FromAgent::from(FromAgent::Done { id: 7, error: "no".to_owned() });
        let ack = FromCollector::HelloAck { last_sequence: 7, now: NOW };
        let need = FromCollector::Need { sequence: 7, hashes: vec![[1; 8], [2; 8]] };
        vec![
            ("hello".to_owned(), hello.encode_to_vec()),
            ("done".to_owned(), done.encode_to_vec()),
            ("ack".to_owned(), v1::FromCollector::from(ack).encode_to_vec()),
            ("need".to_owned(), v1::FromCollector::from(need).encode_to_vec()),
        ]
    },
};

/// Files of framed records, with whatever damage.
pub(crate) const RECORDS: Entry = Entry {
    name: "records",
    holds: "every byte lies in one piece, and a whole record comes back the same from its bytes",
    read: |bytes| {
        let mut at = 0;
        for piece in frame::pieces(bytes) {
            let (offset, length) = match piece {
                Piece::Whole { offset, content } => (offset, HEAD + content.len()),
                Piece::Damaged { offset, length, last } => {
                    assert_eq!(last, offset + length == bytes.len());
                    (offset, length)
                }
            };
            assert_eq!(offset, at);
            assert!(length > 0);
            at += length;
        }
        assert_eq!(at, bytes.len());
        if let Ok(record) = Record::decode(bytes) {
            let mut framed = Vec::new();
            record.put(&mut framed);
            assert_eq!(frame::one(&framed).ok(), Some(record));
        }
    },
    seeds: |root| {
        let mut all = Vec::new();
        for (name, runs) in recorded(root).into_iter().take(4) {
            let Ok(file) = bundle::content(&host(), &runs, None, NOW) else { continue };
            all.extend(contents(&file).enumerate().map(|(at, it)| (format!("{name}-{at}"), it)));
            all.push((name, file));
        }
        all.extend(files(&root.join("tests/fixtures/wire"), ".bin"));
        all
    },
};

/// Bundles: the contents of their records as parts.
pub(crate) const BUNDLE: Entry = Entry {
    name: "bundle",
    holds: "what was read without a signature is the same when it is bundled again",
    read: |bytes| {
        let parts = parts(bytes);
        let file: Vec<u8> = parts.iter().flat_map(|it| framed(&whole(it))).collect();
        let Ok(read) = ingest::bundle::read(&file, NOW) else { return };
        let written = bundle::content(&read.host, &read.runs, None, read.created).unwrap();
        let again = ingest::bundle::read(&written, NOW).unwrap();
        assert_eq!(again.host, read.host);
        assert_eq!(format!("{:?}", again.runs), format!("{:?}", read.runs));
    },
    seeds: |root| {
        let mut all = Vec::new();
        for (name, runs) in recorded(root) {
            if let Ok(file) = bundle::content(&host(), &runs, None, NOW) {
                let plain: Vec<Vec<u8>> = contents(&file).map(|it| plain(&it)).collect();
                all.push((name, joined(&plain)));
            }
        }
        all
    },
};

/// A segment of the spool: the contents of its records as parts.
pub(crate) const SPOOL: Entry = Entry {
    name: "spool",
    holds: "whatever lies in a segment, batches come in the order of their sequences, each once, and what is pushed then \
            comes after them",
    read: spool,
    seeds: BUNDLE.seeds,
};

fn spool(bytes: &[u8]) {
    let folder = env::temp_dir().join(format!("xunjian-fuzz-{}", process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let file: Vec<u8> = match bytes.split_first() {
        // Damaged frames too.
        Some((0, rest)) => rest.to_vec(),
        _ => parts(bytes).iter().flat_map(|it| framed(&whole(it))).collect(),
    };
    fs::write(folder.join(format!("{:020}-{}.seg", 1, NOW.millis())), file).unwrap();
    let limits =
        SpoolLimits { bytes_max: 64 * 1024 * 1024, age_max: Duration::from_secs(14 * 24 * 3600) };
    let spool = Spool::open(&folder, limits, NOW).unwrap();
    let mut last = 0;
    while let Some(spooled) = spool.next_after(last) {
        assert!(spooled.batch.sequence > last);
        last = spooled.batch.sequence;
        let _ = spool.definitions(last, &spooled.references);
    }
    drop(spool);
    let _ = fs::remove_dir_all(&folder);
}

/// What may be packed comes back the same.
fn again(runs: &[Run]) {
    let packed = wire::pack(runs).unwrap();
    let known: Vec<(wire::Hash, Known)> =
        packed.definitions.iter().map(|it| (it.hash, wire::learn(it).unwrap())).collect();
    let lookup =
        |hash: &wire::Hash| known.iter().find(|it| it.0 == *hash).map(|(_, it)| it.clone());
    let back = wire::unpack(&packed.body, &lookup).unwrap();
    // By their text: a number that is none is not equal to itself.
    assert_eq!(format!("{back:?}"), format!("{runs:?}"));
}

fn parts(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk()
        && all.len() < PARTS_MAX
    {
        let (part, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
        all.push(part);
        bytes = rest;
    }
    all
}

/// Parts that are too long are left out.
fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut all = Vec::new();
    for part in parts {
        let Ok(length) = u16::try_from(part.len()) else { continue };
        all.extend(length.to_le_bytes());
        all.extend(part);
    }
    all
}

fn packed(content: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(content, 1).expect("what fits in memory can be compressed")
}

fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    zstd::bulk::decompress(body, 1 << 20).ok()
}

fn definition(content: &[u8]) -> Definition {
    let mut hash = wire::Hash::default();
    let length = hash.len();
    hash.copy_from_slice(&fingerprint(content)[..length]);
    Definition { hash, body: packed(content) }
}

/// The contents of a file's records.
fn contents(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let whole = |it| match it {
        Piece::Whole { content, .. } => Some(content.to_vec()),
        Piece::Damaged { .. } => None,
    };
    frame::pieces(file).into_iter().filter_map(whole)
}

fn framed(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut all = b"XJR1".to_vec();
    all.extend(length.to_le_bytes());
    all.extend(crc32(content).to_le_bytes());
    all.extend(content);
    all
}

/// CRC-32 as IEEE 802.3 has it, written a second time so that the reader is not measured by itself.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// A record with the bodies in it compressed, and a definition's hash made right.
fn whole(content: &[u8]) -> Vec<u8> {
    let Ok(mut frame) = v1::BundleFrame::decode(content) else { return content.to_vec() };
    match &mut frame.kind {
        Some(v1::bundle_frame::Kind::Definition(it)) => {
            let definition = definition(&it.body);
            it.hash = definition.hash.to_vec();
            it.body = definition.body;
        }
        Some(v1::bundle_frame::Kind::Batch(it)) => it.body = packed(&it.body),
        _ => {}
    }
    frame.encode_to_vec()
}

/// The same without compression.
fn plain(content: &[u8]) -> Vec<u8> {
    let Ok(mut frame) = v1::BundleFrame::decode(content) else { return content.to_vec() };
    let body = match &mut frame.kind {
        Some(v1::bundle_frame::Kind::Definition(it)) => Some(&mut it.body),
        Some(v1::bundle_frame::Kind::Batch(it)) => Some(&mut it.body),
        _ => None,
    };
    if let Some(body) = body
        && let Some(content) = unpacked(body)
    {
        *body = content;
    }
    frame.encode_to_vec()
}

fn host() -> HostFacts {
    HostFacts {
        hostname: "node1".to_owned(),
        boot_id: "boot-1".to_owned(),
        agent_version: "0.1.0".to_owned(),
        attrs: [("os".to_owned(), "Debian".to_owned())].into(),
    }
}

/// Two runs of each of some sources on its first recording: small ones, of every kind of reading.
fn recorded(root: &Path) -> Vec<(String, Vec<Run>)> {
    let mut all = Vec::new();
    for source in sources::ALL {
        let cases = fs::read_dir(root.join("tests/fixtures").join(source.name));
        let mut cases: Vec<PathBuf> =
            cases.into_iter().flatten().flatten().map(|it| it.path()).collect();
        cases.sort();
        let Some(case) = cases
            .into_iter()
            .find(|it| it.file_name().is_some_and(|it| it.to_string_lossy().starts_with("broken")))
        else {
            continue;
        };
        let run = |after: u64| {
            let job = Job {
                source: *source,
                options: toml::Table::new(),
                deadline: Duration::from_secs(60),
                cursor: None,
                at: NOW + Duration::from_secs(after),
            };
            runner::run(job, Arc::new(Recorded::open(&case))).run
        };
        all.push((source.name.to_owned(), vec![run(0), run(60)]));
    }
    all
}
