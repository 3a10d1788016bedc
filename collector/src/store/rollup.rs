//! Hourly sums of every series, for years: min, max, mean and count per hour. Days are summed from hours when they are
//! read, in whatever time zone is wanted; a three-year chart in days takes milliseconds that way. For a counter, min
//! and max of an hour are its first and last reading.
//!
//! Compaction writes a small part per window; once a host has a day of parts, they are merged into rows of 31 days and
//! 32 series each. Sums only ever take in readings that were not in before, so late data and merging are exact.

use std::{collections::BTreeMap, time::Duration};

use rusqlite::{OptionalExtension, Transaction, params};
use xunjian_proto::Time;

use super::{
    Store, StoreError,
    block::Block,
    codec, column,
    open::{During, Sync},
};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// Hours in one row: 31 days.
pub(super) const MONTH: i64 = 744;

/// Series in one row: a reader of one series reads some 100 KB a month, not a megabyte.
const CHUNK: u32 = 32;

/// Parts of a host that are merged together: a day of windows.
const PARTS: i64 = 12;

/// What a step of time sums up to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) sum: f64,
    pub(super) count: i64,
}

impl Bin {
    pub(super) fn of(value: f64) -> Bin {
        Bin { min: value, max: value, sum: value, count: 1 }
    }

    pub(super) fn merge(&mut self, other: Bin) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }

    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn mean(&self) -> f64 {
        // The sum of many equal numbers may round; their mean must not leave their range.
        (self.sum / self.count as f64).clamp(self.min, self.max)
    }
}

/// Hours (since the epoch) of one series.
pub(super) type Hours = BTreeMap<i64, Bin>;

/// Per series.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rollup(BTreeMap<u32, Hours>);

impl Rollup {
    /// Sums up all numbers of a block that holds only new ones.
    pub(super) fn of(block: &Block) -> Rollup {
        let mut rollup = Rollup::default();
        for group in block.groups.values() {
            for (series, values) in &group.series {
                let hours = rollup.0.entry(*series).or_default();
                for (at, value) in values {
                    let bin = Bin::of(*value);
                    hours
                        .entry(at.div_euclid(HOUR))
                        .and_modify(|known| known.merge(bin))
                        .or_insert(bin);
                }
            }
        }
        rollup
    }

    fn merge(&mut self, other: &Rollup) {
        for (series, hours) in &other.0 {
            let into = self.0.entry(*series).or_default();
            for (hour, bin) in hours {
                into.entry(*hour).and_modify(|known| known.merge(*bin)).or_insert(*bin);
            }
        }
    }

    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::new();
        for (series, hours) in &self.0 {
            codec::put_varint(&mut out, u64::from(*series));
            codec::put_bytes(&mut out, &encode_hours(hours)?);
        }
        Ok(column::seal(out))
    }

    fn decode(bytes: &[u8]) -> Result<Rollup, StoreError> {
        let mut rollup = Rollup::default();
        walk(bytes, |series, hours| {
            rollup.0.insert(series, decode_hours(hours)?);
            Ok(())
        })?;
        Ok(rollup)
    }
}

fn walk<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(u32, &'a [u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut reader = codec::Bytes::new("a rollup", column::unseal("a rollup", bytes)?);
    while !reader.is_empty() {
        let series = reader.u32()?;
        each(series, reader.bytes()?)?;
    }
    Ok(())
}

/// Columns: hours, counts, smallest values, spreads, and sums of the hours that are not flat.
fn encode_hours(hours: &Hours) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::new();
    codec::put_varint(&mut out, hours.len() as u64);
    let mut put = |column: &dyn Fn(&mut Vec<u8>) -> Result<(), StoreError>| {
        let mut part = Vec::new();
        column(&mut part)?;
        codec::put_bytes(&mut out, &part);
        Ok::<(), StoreError>(())
    };
    let numbers: Vec<i64> = hours.keys().copied().collect();
    let counts: Vec<i64> = hours.values().map(|bin| bin.count).collect();
    let column = |get: fn(&Bin) -> f64| hours.values().map(get).collect::<Vec<f64>>();
    let (min, max) = (column(|bin| bin.min), column(|bin| bin.max));
    let uneven = hours.values().filter(|bin| bin.min.to_bits() != bin.max.to_bits());
    let sums: Vec<f64> = uneven.map(|bin| bin.sum).collect();
    put(&|out| column::put_ints(out, &numbers))?;
    put(&|out| column::put_ints(out, &counts))?;
    put(&|out| column::put_floats(out, &min))?;
    put(&|out| column::put_floats(out, &max))?;
    put(&|out| column::put_floats(out, &sums))?;
    Ok(out)
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn decode_hours(bytes: &[u8]) -> Result<Hours, StoreError> {
    let mut reader = codec::Bytes::new("a rollup", bytes);
    let length = reader.count(1 << 20)?;
    let numbers = column::ints(reader.bytes()?, length)?;
    let counts = column::ints(reader.bytes()?, length)?;
    let min = column::floats(reader.bytes()?, length)?;
    let max = column::floats(reader.bytes()?, length)?;
    let uneven = min.iter().zip(&max).filter(|(min, max)| min.to_bits() != max.to_bits()).count();
    let sums = column::floats(reader.bytes()?, uneven)?;
    let mut sums = sums.into_iter();
    let mut hours = Hours::new();
    for place in 0..length {
        let (min, max, count) = (min[place], max[place], counts[place]);
        let flat = min.to_bits() == max.to_bits();
        let sum = if flat { Some(min * count as f64) } else { sums.next() };
        let sum = sum.ok_or_else(|| reader.corrupt("a sum is not there"))?;
        hours.insert(numbers[place], Bin { min, max, sum, count });
    }
    Ok(hours)
}

/// Adds new sums to a host's part of a window.
pub(super) fn add_part(
    tx: &Transaction<'_>,
    agent: i64,
    window: i64,
    new: &Rollup,
) -> Result<(), StoreError> {
    let operation = "write hourly sums";
    let known: Option<Vec<u8>> = tx
        .prepare_cached("SELECT body FROM rollup_parts WHERE agent = ? AND hours = ?")
        .and_then(|mut it| it.query_row([agent, window], |row| row.get(0)).optional())
        .during(operation)?;
    let body = match known {
        None => new.encode()?,
        Some(known) => {
            let mut all = Rollup::decode(&known)?;
            all.merge(new);
            all.encode()?
        }
    };
    tx.prepare_cached("INSERT OR REPLACE INTO rollup_parts(agent, hours, body) VALUES(?, ?, ?)")
        .and_then(|mut it| it.execute(params![agent, window, body]))
        .during(operation)
        .map(drop)
}

impl Store {
    /// Merges the parts of every host that has a day of them.
    pub(super) fn merge_rollups(&self) -> Result<(), StoreError> {
        let operation = "merge hourly sums";
        let agents: Vec<i64> = self.read(operation, |tx| {
            tx.prepare_cached("SELECT agent FROM rollup_parts GROUP BY agent HAVING count(*) >= ?")
                .and_then(|mut it| it.query_map([PARTS], |row| row.get(0))?.collect())
                .during(operation)
        })?;
        for agent in agents {
            self.write_with(Sync::Normal, operation, |tx, _| merge_agent(tx, agent))?;
            // Some 50 ms each: let those who wait for the writer go first.
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

fn merge_agent(tx: &Transaction<'_>, agent: i64) -> Result<(), StoreError> {
    let operation = "merge hourly sums";
    let parts: Vec<Vec<u8>> = tx
        .prepare_cached("SELECT body FROM rollup_parts WHERE agent = ?")
        .and_then(|mut it| it.query_map([agent], |row| row.get(0))?.collect())
        .during(operation)?;
    let mut rows: BTreeMap<(i64, u32), Rollup> = BTreeMap::new();
    for part in parts {
        for (series, hours) in Rollup::decode(&part)?.0 {
            for (hour, bin) in hours {
                let row = rows.entry((hour.div_euclid(MONTH), series / CHUNK)).or_default();
                let hours = row.0.entry(series).or_default();
                hours.entry(hour).and_modify(|known| known.merge(bin)).or_insert(bin);
            }
        }
    }
    for ((month, chunk), mut row) in rows {
        if let Some(known) = read_row(tx, agent, month, chunk)? {
            row.merge(&Rollup::decode(&known)?);
        }
        let body = row.encode()?;
        let sql = "INSERT OR REPLACE INTO rollups(agent, month, chunk, body) VALUES(?, ?, ?, ?)";
        tx.prepare_cached(sql)
            .and_then(|mut it| it.execute(params![agent, month, chunk, body]))
            .during(operation)?;
    }
    tx.execute("DELETE FROM rollup_parts WHERE agent = ?", [agent]).during(operation).map(drop)
}

fn read_row(
    tx: &Transaction<'_>,
    agent: i64,
    month: i64,
    chunk: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    tx.prepare_cached("SELECT body FROM rollups WHERE agent = ? AND month = ? AND chunk = ?")
        .and_then(|mut it| it.query_row(params![agent, month, chunk], |row| row.get(0)).optional())
        .during("read hourly sums")
}

/// The hours of one series that touch a period.
pub(super) fn read_hours(
    tx: &Transaction<'_>,
    agent: i64,
    series: u32,
    from: Time,
    to: Time,
) -> Result<Hours, StoreError> {
    let operation = "read hourly sums";
    let first = from.millis().div_euclid(HOUR);
    let last = to.millis().saturating_sub(1).div_euclid(HOUR);
    let mut found = Hours::new();
    let mut take = |bytes: &[u8]| {
        walk(bytes, |it, hours| {
            if it == series {
                for (hour, bin) in decode_hours(hours)? {
                    if (first..=last).contains(&hour) {
                        found.entry(hour).and_modify(|known| known.merge(bin)).or_insert(bin);
                    }
                }
            }
            Ok(())
        })
    };
    let sql = "SELECT body FROM rollups WHERE agent = ? AND month BETWEEN ? AND ? AND chunk = ?";
    let months = params![agent, first.div_euclid(MONTH), last.div_euclid(MONTH), series / CHUNK];
    let mut each = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<(), StoreError> {
        let mut find = tx.prepare_cached(sql).during(operation)?;
        let mut rows = find.query(values).during(operation)?;
        while let Some(row) = rows.next().during(operation)? {
            let bytes = row.get_ref(0).during(operation)?;
            take(bytes.as_blob().unwrap_or_default())?;
        }
        Ok(())
    };
    each(sql, months)?;
    // A window's batches may run on a little after its end.
    let sql = "SELECT body FROM rollup_parts WHERE agent = ? AND hours BETWEEN ? AND ?";
    each(sql, params![agent, first.saturating_sub(4), last])?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_come_back() {
        let mut rollup = Rollup::default();
        for series in 0..5 {
            let hours = rollup.0.entry(series).or_default();
            for hour in 0..40 {
                let mut bin = Bin::of(f64::from(hour) / 3.0);
                if series % 2 == 0 {
                    bin.merge(Bin::of(-1.5));
                }
                hours.insert(500_000 + i64::from(hour), bin);
            }
        }
        assert_eq!(Rollup::decode(&rollup.encode().unwrap()).unwrap(), rollup);
    }
}
