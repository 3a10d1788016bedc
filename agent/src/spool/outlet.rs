//! The spool as the place where the service's runs go.

use std::sync::Arc;

use xunjian_proto::{Run, Time};

use super::Spool;
use crate::{own::Figures, service::Outlet};

/// Pushes the runs of one boot of the host.
pub struct ToSpool {
    spool: Arc<Spool>,
    boot_id: String,
    clock: fn() -> Time,
}

impl ToSpool {
    /// For the present boot; `clock` tells the present time.
    pub fn new(spool: Arc<Spool>, boot_id: &str, clock: fn() -> Time) -> ToSpool {
        ToSpool { spool, boot_id: boot_id.to_owned(), clock }
    }
}

impl Outlet for ToSpool {
    fn put(&mut self, runs: Vec<Run>) {
        self.spool.push(&self.boot_id, runs, (self.clock)());
    }

    fn figures(&self, figures: &mut Figures) {
        let stats = self.spool.stats();
        figures.spool_bytes = stats.bytes;
        figures.spool_batches = stats.waiting;
        figures.spool_dropped = stats.batches_dropped + stats.batches_thinned;
    }
}
