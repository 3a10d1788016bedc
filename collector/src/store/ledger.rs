//! The ledger: what the runs of one source cost one host, summed per hour, so that part 2 of the report can be written.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use xunjian_proto::{Outcome, Run, Time};

use super::{
    AgentId, LedgerRow, Store, StoreError,
    agents::{from_json, to_json},
    codec,
    open::During,
};

/// Program patterns kept per source and hour; sources start a handful.
const PROGRAMS: usize = 64;

/// Under this name the rest is summed.
const OTHER_PROGRAMS: &str = "…";

/// Sums of one source in one hour.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums {
    /// Collected, absent, failed, stuck, deferred.
    runs: [u64; 5],
    cpu_us: u64,
    read_bytes: u64,
    longest_ms: u32,
    /// Runs by [`bucket`] of their milliseconds.
    took: BTreeMap<u16, u64>,
    programs: BTreeMap<String, (u64, u32)>,
}

/// One hour in memory.
#[derive(Default)]
pub(super) struct Hour {
    pub(super) sums: Sums,
    /// Milliseconds after the full hour of each run taken, sorted.
    times: Vec<u32>,
    pub(super) dirty: bool,
}

impl Hour {
    /// Adds a run; false if it is in already.
    pub(super) fn take(&mut self, run: &Run, hour: i64) -> bool {
        let start = hour.saturating_mul(3_600_000);
        let after = u32::try_from(run.at.millis().saturating_sub(start)).unwrap_or(0);
        match self.times.binary_search(&after) {
            Ok(_) => return false,
            Err(index) => self.times.insert(index, after),
        }
        self.sums.add(run);
        self.dirty = true;
        true
    }
}

impl Sums {
    fn add(&mut self, run: &Run) {
        let kind = match run.outcome {
            Outcome::Collected => 0,
            Outcome::Absent(_) => 1,
            Outcome::Failed(_) => 2,
            Outcome::Stuck => 3,
            Outcome::Deferred(_) => 4,
        };
        self.runs[kind] += 1;
        self.cpu_us = self.cpu_us.saturating_add(run.cost.cpu_us);
        self.read_bytes = self.read_bytes.saturating_add(run.cost.read_bytes);
        // A run that was put off took no time: it would only make the others look quicker.
        if !matches!(run.outcome, Outcome::Deferred(_)) {
            self.longest_ms = self.longest_ms.max(run.took_ms);
            *self.took.entry(bucket(run.took_ms)).or_default() += 1;
        }
        for (command, took_ms) in &run.cost.programs {
            self.program(command, 1, *took_ms);
        }
    }

    fn program(&mut self, command: &str, times: u64, longest_ms: u32) {
        let known = self.programs.contains_key(command) || self.programs.len() < PROGRAMS;
        let name = if known { command } else { OTHER_PROGRAMS };
        let entry = self.programs.entry(name.to_owned()).or_default();
        entry.0 += times;
        entry.1 = entry.1.max(longest_ms);
    }

    fn merge(&mut self, other: &Sums) {
        for (sum, more) in self.runs.iter_mut().zip(other.runs) {
            *sum += more;
        }
        self.cpu_us = self.cpu_us.saturating_add(other.cpu_us);
        self.read_bytes = self.read_bytes.saturating_add(other.read_bytes);
        self.longest_ms = self.longest_ms.max(other.longest_ms);
        for (bucket, runs) in &other.took {
            *self.took.entry(*bucket).or_default() += runs;
        }
        for (command, (times, longest_ms)) in &other.programs {
            self.program(command, *times, *longest_ms);
        }
    }

    /// The milliseconds that this share of the runs stayed within, never more than the longest.
    fn percentile(&self, share: f64) -> u32 {
        let all: u64 = self.took.values().sum();
        #[allow(clippy::cast_precision_loss, reason = "counts of runs are far below 2^53")]
        let wanted = all as f64 * share;
        let mut seen = 0_u64;
        for (bucket, runs) in &self.took {
            seen += runs;
            #[allow(clippy::cast_precision_loss, reason = "see above")]
            if seen as f64 >= wanted {
                return bucket_end(*bucket).min(self.longest_ms);
            }
        }
        self.longest_ms
    }

    fn into_row(self, source: String) -> LedgerRow {
        let [collected, absent, failed, stuck, deferred] = self.runs;
        LedgerRow {
            source,
            collected,
            absent,
            failed,
            stuck,
            deferred,
            took_ms_p50: self.percentile(0.5),
            took_ms_p99: self.percentile(0.99),
            cpu_us: self.cpu_us,
            read_bytes: self.read_bytes,
            programs: self.programs.into_iter().map(|(name, it)| (name, it.0, it.1)).collect(),
        }
    }
}

/// Up to 15 ms each has its own bucket, above there are eight to each doubling: a percentile is at most 12.5 % high.
fn bucket(ms: u32) -> u16 {
    if ms < 16 {
        return u16::try_from(ms).unwrap_or(15);
    }
    let power = 31 - ms.leading_zeros();
    let part = (ms >> (power - 3)) & 7;
    u16::try_from(16 + (power - 4) * 8 + part).unwrap_or(u16::MAX)
}

/// The largest number of milliseconds in a bucket.
fn bucket_end(bucket: u16) -> u32 {
    if bucket < 16 {
        return u32::from(bucket);
    }
    let above = u32::from(bucket) - 16;
    let (power, part) = (above / 8 + 4, above % 8);
    let end = (u64::from(8 + part + 1) << (power - 3).min(60)) - 1;
    u32::try_from(end).unwrap_or(u32::MAX)
}

impl Store {
    /// The ledger of a host over a period, by source: all full hours that the period touches.
    pub fn ledger(
        &self,
        agent: &AgentId,
        from: Time,
        to: Time,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let first = from.secs().div_euclid(3600);
        let last = Time::from_millis(to.millis().saturating_sub(1)).secs().div_euclid(3600);
        let mut hours: BTreeMap<(i64, String), Sums> = BTreeMap::new();
        self.with_now(agent, |tx, now| {
            for (hour, source, sums) in read_hours(tx, now.no, first, last)? {
                hours.insert((hour, source), sums);
            }
            // What is in memory is newer than what is written.
            for ((source, hour), it) in &now.hours {
                if (first..=last).contains(hour) {
                    hours.insert((*hour, source.clone()), it.sums.clone());
                }
            }
            Ok(())
        })?;
        let mut sources: BTreeMap<String, Sums> = BTreeMap::new();
        for ((_, source), sums) in hours {
            sources.entry(source).or_default().merge(&sums);
        }
        Ok(sources.into_iter().map(|(source, sums)| sums.into_row(source)).collect())
    }
}

fn read_hours(
    tx: &Transaction<'_>,
    agent: i64,
    first: i64,
    last: i64,
) -> Result<Vec<(i64, String, Sums)>, StoreError> {
    let sql = "SELECT hour, source, body FROM ledger WHERE agent = ? AND hour BETWEEN ? AND ?";
    let rows: Vec<(i64, String, String)> = tx
        .prepare_cached(sql)
        .and_then(|mut it| {
            it.query_map([agent, first, last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
        .during("read the ledger")?;
    rows.into_iter()
        .map(|(hour, source, body)| Ok((hour, source, from_json("a ledger entry", &body)?)))
        .collect()
}

/// An hour as written; empty if it is not.
pub(super) fn load_hour(
    tx: &Transaction<'_>,
    agent: i64,
    source: &str,
    hour: i64,
) -> Result<Hour, StoreError> {
    let operation = "read the ledger";
    let sql =
        "SELECT l.body, a.times FROM ledger l LEFT JOIN absorbed a USING (agent, hour, source)
               WHERE agent = ? AND hour = ? AND source = ?";
    let row: Option<(String, Option<Vec<u8>>)> = tx
        .prepare_cached(sql)
        .and_then(|mut it| {
            it.query_row(params![agent, hour, source], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .during(operation)?;
    let Some((body, times)) = row else { return Ok(Hour::default()) };
    let mut taken = Vec::new();
    let times = times.unwrap_or_default();
    let mut bytes = codec::Bytes::new("the times of absorbed runs", &times);
    let mut before = 0_u32;
    while !bytes.is_empty() {
        before = before.saturating_add(bytes.u32()?);
        taken.push(before);
    }
    Ok(Hour { sums: from_json("a ledger entry", &body)?, times: taken, dirty: false })
}

/// Writes an hour.
pub(super) fn save_hour(
    tx: &Transaction<'_>,
    agent: i64,
    source: &str,
    hour: i64,
    it: &Hour,
) -> Result<(), StoreError> {
    let operation = "write the ledger";
    let body = to_json("a ledger entry", &it.sums)?;
    let mut times = Vec::with_capacity(it.times.len() * 2);
    let mut before = 0;
    for time in &it.times {
        codec::put_varint(&mut times, u64::from(time - before));
        before = *time;
    }
    tx.prepare_cached(
        "INSERT OR REPLACE INTO ledger(agent, hour, source, body) VALUES(?, ?, ?, ?)",
    )
    .and_then(|mut sql| sql.execute(params![agent, hour, source, body]))
    .during(operation)?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO absorbed(agent, hour, source, times) VALUES(?, ?, ?, ?)",
    )
    .and_then(|mut sql| sql.execute(params![agent, hour, source, times]))
    .during(operation)
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket() {
        for ms in (0..100_000).chain([u32::MAX - 1, u32::MAX]) {
            let bucket = bucket(ms);
            let end = bucket_end(bucket);
            assert!(ms <= end, "{ms} is above the end {end} of bucket {bucket}");
            assert!(f64::from(end) <= f64::from(ms) * 1.125 + 1.0, "{ms} is far below {end}");
            assert!(ms == 0 || super::bucket(ms - 1) <= bucket);
        }
    }

    #[test]
    fn percentiles_are_those_of_the_runs() {
        let mut sums = Sums::default();
        for ms in 1..=1000 {
            sums.longest_ms = ms;
            *sums.took.entry(bucket(ms)).or_default() += 1;
        }
        assert!((500..=563).contains(&sums.percentile(0.5)), "{}", sums.percentile(0.5));
        assert!((990..=1000).contains(&sums.percentile(0.99)), "{}", sums.percentile(0.99));
        assert_eq!(Sums::default().percentile(0.5), 0);
    }
}
