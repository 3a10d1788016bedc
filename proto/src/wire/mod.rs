//! The packed form of readings: what travels, what lies in spools and bundles, what the store keeps.
//!
//! Whatever repeats is said once: the series of a run (*layout*), what the run saw (*inventory*) and raw outputs
//! (*evidence*) are definitions, named by the hash of their content. A batch names those it needs and has a column per
//! series with the values of its runs, so that the names of 300 series do not travel every ten seconds. The columns
//! are range-coded with models that learn while they code; zstd takes the texts.
//!
//! Invariant: `unpack(pack(runs)) == runs`, bit by bit; and no input whatever makes [`unpack`] panic or take more
//! memory than the limits in [`crate::check`] allow.

use std::{cell::RefCell, io, sync::Arc};

use zstd::bulk::Decompressor;

use crate::{Component, Evidence, Problem, Run, SeriesKey, State, Time};

mod error;

mod coder;

mod column;

mod scan;

mod define;

mod pack;

mod unpack;

mod dictionary;

pub(crate) use define::{attrs_in, attrs_out};
pub use define::{evidence_id, learn};
pub use dictionary::Dictionary;
pub use error::WireError;
pub use pack::{pack, pack_new};
pub use unpack::{Layout, Numbers, Opened, open};

/// Name of a definition: the first 8 bytes of the SHA-256 of its content. It tells the few thousand definitions of one
/// agent apart and protects nothing: whoever can forge one content for another can as well send it. Names do not compress,
/// so every batch pays for their length.
pub type Hash = [u8; 8];

/// A definition as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub hash: Hash,
    /// Its packed content.
    pub body: Vec<u8>,
}

/// Packed runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Definitions that the body refers to, each once.
    pub definitions: Vec<Definition>,
    /// The body.
    pub body: Vec<u8>,
    /// Samples in it.
    pub samples: u32,
    /// Time of its earliest run; the epoch if it has none.
    pub first_at: Time,
    /// Time of its latest run; the epoch if it has none.
    pub last_at: Time,
}

/// A definition that was checked and can be used for unpacking. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Known {
    pub(crate) content: Content,
    /// Bytes that it takes in memory, for budgets.
    pub(crate) weight: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Layout(Arc<str>, Arc<[Arc<SeriesKey>]>),
    Inventory(Arc<Inventory>),
    Evidence(Arc<Evidence>),
}

impl Known {
    /// Bytes that it takes in memory, roughly.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// The series of a layout, in the order of their values; none for other definitions.
    pub fn series(&self) -> Option<&Arc<[Arc<SeriesKey>]>> {
        match &self.content {
            Content::Layout(_, series) => Some(series),
            _ => None,
        }
    }

    /// The raw output, if it is one.
    pub fn evidence(&self) -> Option<&Arc<Evidence>> {
        match &self.content {
            Content::Evidence(evidence) => Some(evidence),
            _ => None,
        }
    }
}

/// What one run saw, apart from numbers and happenings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Inventory {
    pub(crate) components: Vec<Component>,
    pub(crate) states: Vec<State>,
    pub(crate) problems: Vec<Problem>,
}

/// Unpacks a batch: [`open`] and [`Opened::runs`] in one.
pub fn unpack(body: &[u8], lookup: &dyn Fn(&Hash) -> Option<Known>) -> Result<Vec<Run>, WireError> {
    open(body)?.runs(lookup)
}

/// zstd level: 3 costs the agent some 0.1 ms a batch and saves a tenth against 1.
const LEVEL: i32 = 3;

fn compress(bytes: &[u8], what: &'static str) -> Result<Vec<u8>, WireError> {
    zstd::bulk::compress(bytes, LEVEL).map_err(|error| WireError::malformed(what, error))
}

thread_local! {
    /// Kept, because making one costs as much as unpacking a small batch with it.
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Decompresses at most `limit` bytes. The frame must say its size, so that the buffer is neither guessed nor grown.
fn decompress(bytes: &[u8], what: &'static str, limit: usize) -> Result<Vec<u8>, WireError> {
    let size = zstd::zstd_safe::get_frame_content_size(bytes)
        .map_err(|_| WireError::malformed(what, "not a zstd frame"))?
        .ok_or_else(|| WireError::malformed(what, "a zstd frame without its size"))?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    WireError::limit(what, size, limit)?;
    let unpacked = UNPACKER
        .with_borrow_mut(|unpacker| {
            let unpacker = match unpacker {
                Some(unpacker) => unpacker,
                none => none.insert(Decompressor::new()?),
            };
            unpacker.decompress(bytes, size)
        })
        .map_err(|error: io::Error| WireError::malformed(what, error))?;
    if unpacked.len() != size {
        return Err(WireError::malformed(what, "shorter than it says"));
    }
    Ok(unpacked)
}
