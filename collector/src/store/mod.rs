//! The embedded store: SQLite in one folder. What belongs together commits together; nothing outside this folder
//! knows which engine it is.
//!
//! Raw batches lie as they came (packed, zstd) in one table per two-hour window, in order of arrival, so that an append
//! writes next to the one before; each row points back to its agent's row before it, so that one host is read without
//! an index. Compaction turns them into columnar pco blocks and drops the window's table. What a host is like *now*
//! is kept in memory and written through on change; see `now`. Times are event times unless said otherwise.

mod types;

mod schema;

mod codec;

mod open;

mod progress;

mod column;

mod packed;

mod block;

mod raw;

mod unpack;

mod ingest;

mod now;

mod ledger;

mod absorb;

mod agents;

mod readings;

mod rollup;

mod points;

mod compact;

mod runs;

mod cases;

mod outbox;

mod people;

mod agreements;

mod backup;

mod counters;

mod retain;

use std::sync::Arc;

pub use types::*;

/// The store. Cheap to clone; all methods block and are called from blocking threads.
#[derive(Clone)]
pub struct Store {
    inner: Arc<open::Inner>,
}
