//! The edge: what was received is turned into checked types here or refused with a reason. Generated types stop here
//! and in [`crate::wire`].
//!
//! Every limit has its reason. They bound what one agent can make the collector hold, whatever it sends.

use crate::{
    time::Time,
    wire::{Hash, WireError},
};

mod message;

mod reading;

pub use message::*;
pub use reading::{evidence, happening, inventory, layout, run};

pub(crate) use reading::{name, text};

/// Largest batch as sent. Ten minutes of 20,000 series at 10 s with 2 bytes a sample are 2.4 MiB.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest batch or definition after decompression: eight times the above; real ones unpack to two to four times.
pub const UNPACKED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Most memory that the inventories and raw outputs of one batch may take when each run gets its own copy. Otherwise a
/// small batch could repeat a large definition thousands of times.
pub const EXPANDED_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Largest definition as sent: raw output is at most 256 KiB, an inventory of 10,000 components about 3 MiB before
/// compression.
pub const DEFINITION_BYTES_MAX: usize = 1024 * 1024;

/// Largest definition after decompression.
pub const DEFINITION_UNPACKED_MAX: usize = 8 * 1024 * 1024;

/// Most samples in a batch: 10 ticks of 20,000 series.
pub const SAMPLES_MAX: usize = 200_000;

/// Most runs in a batch: ten minutes of 10 sources at 10 s are 600.
pub const RUNS_MAX: usize = 4096;

/// Most definitions that a batch may refer to: one inventory and two raw outputs per run.
pub const REFERENCES_MAX: usize = 3 * RUNS_MAX;

/// Most layouts per agent that are kept decoded in memory; a host with containers that come and go makes new ones all
/// the time, and the oldest are read from the store again when they are needed.
pub const LAYOUTS_MAX: usize = 4096;

/// Names: metrics, sources, attributes, kinds. OpenTelemetry's longest is below 64.
pub const NAME_BYTES_MAX: usize = 128;

/// Identities and values of attributes. The longest are mount points, which Linux bounds at 4096.
pub const WORD_BYTES_MAX: usize = 4096 + 64;

/// Sentences: a kernel log line is at most 1 KiB, several may be joined.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Raw outputs: the agent cuts at 256 KiB and says so in them.
pub const EVIDENCE_BYTES_MAX: usize = 256 * 1024 + 64;

/// Attributes of one thing.
pub const ATTRS_MAX: usize = 64;

/// Items of one kind in one run: components, states, problems, events. The largest known hosts have 4,000 disks
/// with their paths.
pub const ITEMS_MAX: usize = 20_000;

/// Largest gRPC message: a batch or a group of definitions, with its framing.
pub const MESSAGE_BYTES_MAX: usize = BATCH_BYTES_MAX + 64 * 1024;

/// 2000-01-01: no reading is older than the agent; a clock that says so has lost its battery.
const TIME_MIN: Time = Time::from_secs(946_684_800);

/// How far ahead of the collector's clock a host's may be: a wrong time zone set as UTC is up to 14 h off.
const AHEAD_MAX: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Checks that a time can be true.
pub fn time(what: &'static str, at: Time, now: Time) -> Result<(), WireError> {
    if at < TIME_MIN || at > now + AHEAD_MAX {
        return Err(WireError::BadTime { what, found: at.secs() });
    }
    Ok(())
}

/// Checks that the times of all runs and their events can be true, seen from `now`.
pub fn times(runs: &[crate::Run], now: Time) -> Result<(), WireError> {
    for run in runs {
        time("the time of a run", run.at, now)?;
        for event in &run.events {
            time("the time of an event", event.at, now)?;
        }
    }
    Ok(())
}

/// A content hash of the right length.
pub(crate) fn hash(bytes: &[u8]) -> Result<Hash, WireError> {
    bytes
        .try_into()
        .map_err(|_| WireError::malformed("a definition's hash", format!("{} bytes", bytes.len())))
}
