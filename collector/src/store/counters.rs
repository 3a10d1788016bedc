//! What the store says about itself.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Store, StoreError, open::During};

/// Counts since the start of the program.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) batches: Count,
    pub(super) samples: Count,
    pub(super) batch_bytes: Count,
    pub(super) duplicates: Count,
    pub(super) overflow: Count,
    pub(super) compacted: Count,
}

/// A number that only rises.
#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Store {
    /// Counters and gauges for `/metrics`: (name, value). Names ending in `_total` count since the start.
    pub fn counters(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let counts = &self.inner.counts;
        let mut all = vec![
            ("store_batches_total", counts.batches.get()),
            ("store_samples_total", counts.samples.get()),
            ("store_batch_bytes_total", counts.batch_bytes.get()),
            ("store_duplicate_batches_total", counts.duplicates.get()),
            ("store_overflow_items_total", counts.overflow.get()),
            ("store_compacted_windows_total", counts.compacted.get()),
        ];
        let operation = "count what is in the store";
        self.read(operation, |tx| {
            let ask = |sql: &str| -> Result<u64, StoreError> {
                let value: i64 = tx
                    .prepare_cached(sql)
                    .and_then(|mut it| it.query_row([], |row| row.get(0)))
                    .during(operation)?;
                Ok(u64::try_from(value).unwrap_or(0))
            };
            all.push(("store_agents", ask("SELECT count(*) FROM agents WHERE host IS NOT NULL")?));
            all.push(("store_unjudged_batches", ask("SELECT count(*) FROM pending")?));
            all.push(("store_raw_windows", ask("SELECT count(DISTINCT hours) FROM tails")?));
            let open = "SELECT count(*) FROM outbox WHERE delivered_at IS NULL";
            all.push(("store_undelivered_messages", ask(open)?));
            let page = ask("PRAGMA page_size")?;
            all.push(("store_file_bytes", ask("PRAGMA page_count")?.saturating_mul(page)));
            all.push(("store_free_bytes", ask("PRAGMA freelist_count")?.saturating_mul(page)));
            Ok(())
        })?;
        Ok(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}
