//! Records in files: spool segments and bundles. Each record is framed with a mark, its length and a checksum, so that
//! what is cut or flipped is found, told apart from what is whole, and skipped.
//!
//! Form: the four bytes `XJR1`, length and CRC-32 of the content (u32, little-endian), content.

use prost::Message;

use crate::{
    HostFacts, Time,
    check::{self, Batch, MESSAGE_BYTES_MAX},
    v1,
    wire::{Definition, WireError},
};

const MARK: &[u8; 4] = b"XJR1";

/// Bytes before the content of a record.
pub const HEAD: usize = 12;

/// Longest certificate chain in a bundle.
const CHAIN_MAX: usize = 4;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// First record of a bundle.
    Header {
        /// Whose readings.
        host: HostFacts,
        /// When it was written, by the host's clock.
        created: Time,
        /// Certificates of the signer (DER, leaf first); empty if the bundle is not signed.
        chain: Vec<Vec<u8>>,
    },
    /// A definition that batches refer to.
    Definition(Definition),
    /// A batch.
    Batch(Batch),
    /// Last record of a bundle.
    End {
        /// How many batches there are.
        batches: u32,
        /// Signature over all bytes before this record; empty if the bundle is not signed.
        signature: Vec<u8>,
    },
}

/// What lies at a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A record whose checksum holds: where its frame begins, and its content.
    Whole {
        /// Offset of the frame.
        offset: usize,
        /// Content, for [`Record::decode`].
        content: &'a [u8],
    },
    /// Bytes that are no record.
    Damaged {
        /// Offset of the first.
        offset: usize,
        /// How many.
        length: usize,
        /// Nothing whole follows: the file was cut here, for example by a crash while writing.
        last: bool,
    },
}

impl Record {
    /// Appends the framed record.
    pub fn put(&self, out: &mut Vec<u8>) {
        let kind = match self.clone() {
            Record::Header { host, created, chain } => {
                let host = Some(check::host_out(&host));
                let header = v1::BundleHeader { host, created_ms: created.millis(), chain };
                v1::bundle_frame::Kind::Header(header)
            }
            Record::Definition(it) => v1::bundle_frame::Kind::Definition(check::definition_out(it)),
            Record::Batch(it) => v1::bundle_frame::Kind::Batch(check::batch_out(it)),
            Record::End { batches, signature } => {
                v1::bundle_frame::Kind::End(v1::BundleEnd { batches, signature })
            }
        };
        let content = v1::BundleFrame { kind: Some(kind) }.encode_to_vec();
        out.extend_from_slice(MARK);
        out.extend_from_slice(&(content.len() as u32).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
        out.extend_from_slice(&content);
    }

    /// Reads the content of a record.
    pub fn decode(content: &[u8]) -> Result<Record, WireError> {
        let frame = v1::BundleFrame::decode(content)
            .map_err(|error| WireError::malformed("a record", error))?;
        let kind =
            frame.kind.ok_or_else(|| WireError::malformed("a record", "of no known kind"))?;
        Ok(match kind {
            v1::bundle_frame::Kind::Header(it) => {
                WireError::limit("a certificate chain", it.chain.len(), CHAIN_MAX)?;
                let host = check::host(it.host.unwrap_or_default())?;
                Record::Header { host, created: Time::from_millis(it.created_ms), chain: it.chain }
            }
            v1::bundle_frame::Kind::Definition(it) => Record::Definition(check::definition(it)?),
            v1::bundle_frame::Kind::Batch(it) => Record::Batch(check::batch(it)?),
            v1::bundle_frame::Kind::End(it) => {
                Record::End { batches: it.batches, signature: it.signature }
            }
        })
    }
}

/// Reads the one record that a framed piece of a file holds.
pub fn one(framed: &[u8]) -> Result<Record, WireError> {
    match content_at(framed, 0) {
        Some(content) if HEAD + content.len() == framed.len() => Record::decode(content),
        _ => Err(WireError::malformed("a record", "its checksum does not hold")),
    }
}

/// Walks over the records of a file. After damage it goes on at the next mark with a whole record.
pub fn pieces(bytes: &[u8]) -> Vec<Piece<'_>> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if let Some(content) = content_at(bytes, at) {
            pieces.push(Piece::Whole { offset: at, content });
            at += HEAD + content.len();
            continue;
        }
        let marks = bytes[at + 1..].windows(MARK.len()).enumerate();
        let next = marks
            .filter(|(_, window)| *window == MARK)
            .map(|(skipped, _)| at + 1 + skipped)
            .find(|place| content_at(bytes, *place).is_some());
        let end = next.unwrap_or(bytes.len());
        pieces.push(Piece::Damaged { offset: at, length: end - at, last: next.is_none() });
        at = end;
    }
    pieces
}

fn content_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let head: &[u8; HEAD] = bytes.get(at..at + HEAD)?.try_into().ok()?;
    let number = |from: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| head[from + byte]));
    let length = number(4) as usize;
    if &head[..4] != MARK || length > MESSAGE_BYTES_MAX {
        return None;
    }
    let content = bytes.get(at + HEAD..at + HEAD + length)?;
    (crc32fast::hash(content) == number(8)).then_some(content)
}
