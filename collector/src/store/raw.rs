//! The raw windows: their names, tables and rows, and the chain that ties one agent's rows together.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction};
use xunjian_proto::Time;

use super::{AgentId, StoreError, StoredBatch, open::During};

/// Length of a raw window. Two hours at ten seconds are 720 points a column, enough for pco to pay.
pub(super) const WINDOW: Duration = Duration::from_secs(2 * 3600);

/// Hours since the epoch at the start of the window that holds a time: the number in the table's name.
pub(super) fn hours_of(at: Time) -> i64 {
    at.floor(WINDOW).secs().div_euclid(3600)
}

/// The first instant of a window.
pub(super) fn window_start(hours: i64) -> Time {
    Time::from_secs(hours.saturating_mul(3600))
}

/// The first instant after a window.
pub(super) fn window_end(hours: i64) -> Time {
    window_start(hours) + WINDOW
}

/// The name of a window's table. Hours before the epoch get an `n`: `-` would need quotes.
pub(super) fn raw_table(hours: i64) -> String {
    let sign = if hours < 0 { "n" } else { "" };
    format!("raw_{sign}{}", hours.unsigned_abs())
}

/// The window that a table of this name holds.
pub(super) fn table_hours(table: &str) -> Option<i64> {
    let number = table.strip_prefix("raw_")?;
    match number.strip_prefix('n') {
        Some(number) => number.parse::<i64>().ok().map(|hours| -hours),
        None => number.parse().ok(),
    }
}

/// The tables of all windows.
pub(super) fn tables(tx: &Transaction<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'raw_*'";
    tx.prepare_cached(sql)
        .and_then(|mut it| it.query_map([], |row| row.get(0))?.collect())
        .during("look up windows")
}

/// One row of a window.
pub(super) struct RawRow {
    boot: String,
    sequence: u64,
    at: Time,
    until: Time,
    pub(super) received: Time,
    samples: u32,
    pub(super) body: Vec<u8>,
}

impl RawRow {
    pub(super) fn into_batch(self, agent: AgentId) -> StoredBatch {
        StoredBatch {
            agent,
            boot_id: self.boot,
            sequence: self.sequence,
            at: self.at,
            until: self.until,
            definitions: Vec::new(),
            body: self.body,
            samples: self.samples,
            received: self.received,
        }
    }
}

/// An agent's rows in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) hours: i64,
    /// The newest row's id.
    pub(super) last: i64,
    /// Rows up to this id are in blocks.
    pub(super) done: i64,
}

/// Makes a window's table if it is not there.
pub(super) fn make_table(tx: &Transaction<'_>, hours: i64) -> Result<(), StoreError> {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {}(id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, before INTEGER,
         boot TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
         until INTEGER NOT NULL, received INTEGER NOT NULL,
         samples INTEGER NOT NULL, body BLOB NOT NULL)",
        raw_table(hours)
    );
    tx.execute_batch(&sql).during("make a window")
}

/// An agent's rows in one window.
pub(super) fn tail(
    tx: &Transaction<'_>,
    hours: i64,
    agent: i64,
) -> Result<Option<Tail>, StoreError> {
    tx.prepare_cached("SELECT hours, last, done FROM tails WHERE agent = ? AND hours = ?")
        .and_then(|mut it| it.query_row([agent, hours], tail_row).optional())
        .during("look up a window")
}

/// An agent's windows that are not compacted, oldest first.
pub(super) fn tails(
    tx: &Transaction<'_>,
    agent: i64,
    from: i64,
    to: i64,
) -> Result<Vec<Tail>, StoreError> {
    let sql = "SELECT hours, last, done FROM tails WHERE agent = ? AND hours BETWEEN ? AND ?
               ORDER BY hours";
    tx.prepare_cached(sql)
        .and_then(|mut it| it.query_map([agent, from, to], tail_row)?.collect())
        .during("look up windows")
}

/// Columns hours, last, done.
pub(super) fn tail_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Tail> {
    Ok(Tail { hours: row.get(0)?, last: row.get(1)?, done: row.get(2)? })
}

/// One row of a window.
pub(super) fn raw_row(tx: &Transaction<'_>, hours: i64, id: i64) -> Result<RawRow, StoreError> {
    let sql = format!(
        "SELECT boot, sequence, at, until, received, samples, body FROM {} WHERE id = ?",
        raw_table(hours)
    );
    let row = tx
        .prepare_cached(&sql)
        .and_then(|mut it| {
            it.query_row([id], |row| {
                Ok(RawRow {
                    boot: row.get(0)?,
                    sequence: row.get::<_, i64>(1)?.cast_unsigned(),
                    at: Time::from_millis(row.get(2)?),
                    until: Time::from_millis(row.get(3)?),
                    received: Time::from_millis(row.get(4)?),
                    samples: row.get(5)?,
                    body: row.get(6)?,
                })
            })
            .optional()
        })
        .during("read a batch")?;
    row.ok_or_else(|| missing(hours, id))
}

/// What is known of a row without its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowInfo {
    pub(super) id: i64,
    /// The row before it, of the same agent in the same window.
    pub(super) before: Option<i64>,
    pub(super) samples: u32,
    /// Times of its first and its last run.
    at: Time,
    pub(super) until: Time,
}

impl RowInfo {
    /// Whether runs of it may lie in a period (`from` included, `to` not).
    pub(super) fn touches(&self, from: Time, to: Time) -> bool {
        self.until >= from && self.at < to
    }
}

/// An agent's rows of a window that came after the row `after`, oldest first.
pub(super) fn rows(
    tx: &Transaction<'_>,
    tail: Tail,
    after: i64,
) -> Result<Vec<RowInfo>, StoreError> {
    let operation = "follow an agent's batches";
    let sql =
        format!("SELECT before, samples, at, until FROM {} WHERE id = ?", raw_table(tail.hours));
    let mut find = tx.prepare_cached(&sql).during(operation)?;
    let mut rows = Vec::new();
    let mut next = Some(tail.last);
    while let Some(id) = next.filter(|id| *id > after.max(tail.done)) {
        let row: Option<RowInfo> = find
            .query_row([id], |row| {
                let (before, samples) = (row.get(0)?, row.get(1)?);
                let (at, until) = (Time::from_millis(row.get(2)?), Time::from_millis(row.get(3)?));
                Ok(RowInfo { id, before, samples, at, until })
            })
            .optional()
            .during(operation)?;
        let row = row.ok_or_else(|| missing(tail.hours, id))?;
        // Rows point back in order of arrival; anything else is damage, and would never end.
        if row.before.is_some_and(|before| before >= id) {
            let what = format!("batch {id} of {}", raw_table(tail.hours));
            return Err(StoreError::Corrupt { what, why: "it points forward".to_owned() });
        }
        rows.push(row);
        next = row.before;
    }
    rows.reverse();
    Ok(rows)
}

fn missing(hours: i64, id: i64) -> StoreError {
    let what = format!("batch {id} of {}", raw_table(hours));
    StoreError::Corrupt { what, why: "it is listed, but not there".to_owned() }
}
