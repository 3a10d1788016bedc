//! Compaction: windows that are over become columnar blocks and hourly sums, and their tables are dropped.
//!
//! Each host's window is one transaction: blocks, sums and the mark how far its rows are done. So it can be cut
//! anywhere, and rows that come meanwhile, or much later, are merged into the blocks in the next pass.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Transaction, params};
use xunjian_proto::{Time, wire::Hash};

use super::{
    AgentId, Store, StoreError,
    absorb::{load_book, save_book},
    block::Block,
    now::SeriesBook,
    open::{During, Memory, Sync, lock},
    raw,
    rollup::{self, Rollup},
    unpack::Unpacker,
};

/// Samples of one host taken at once: some 100 MB of memory.
const PASS: usize = 3_000_000;

/// Samples of one host's window that are kept in blocks; ten times what a big host sends in two hours.
const MOST: usize = 20_000_000;

/// Everything but health attributes.
pub(super) const DETAIL: i64 = 0;

/// Health attributes, `hw.*`, which are kept for longer.
pub(super) const HEALTH: i64 = 1;

/// One agent's share of a window, by the store's numbers.
#[derive(Clone, Copy)]
struct Share {
    agent: i64,
    tail: raw::Tail,
}

impl Store {
    /// Turns windows that ended before `before` into blocks and rollups and drops their tables; says how many.
    /// Windows with batches that are not judged yet are left for the next time. The caller leaves some minutes
    /// between a window's end and `before`, so that stragglers are in.
    pub fn compact(&self, before: Time) -> Result<u32, StoreError> {
        let _only_one = lock(&self.inner.compacting);
        let operation = "look up windows to compact";
        let last = raw::hours_of(before - raw::WINDOW);
        let shares: Vec<Share> = self.read(operation, |tx| {
            let sql = "SELECT hours, last, done, agent FROM tails WHERE hours <= ?
                       AND hours NOT IN (SELECT hours FROM pending) ORDER BY hours, agent";
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map([last], |row| {
                        Ok(Share { tail: raw::tail_row(row)?, agent: row.get(3)? })
                    })?
                    .collect()
                })
                .during(operation)
        })?;
        self.write_all_now(&shares)?;
        for share in shares {
            self.compact_share(share)?;
        }
        let mut dropped = 0;
        // All tables, not only those just done: one may be left from a compaction that was cut off.
        for table in self.read(operation, raw::tables)? {
            if raw::table_hours(&table).is_some_and(|hours| hours <= last) {
                dropped += u32::from(self.drop_window(&table)?);
            }
        }
        self.inner.counts.compacted.add(u64::from(dropped));
        self.merge_rollups()?;
        Ok(dropped)
    }

    /// Writes what is only in memory, or only in the raw batches that are about to go.
    fn write_all_now(&self, shares: &[Share]) -> Result<(), StoreError> {
        let operation = "look up windows to compact";
        let mut numbers: Vec<i64> = shares.iter().map(|share| share.agent).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            if lock(&self.inner.now).by_number(number).is_some() {
                continue;
            }
            let agent = self.read(operation, |tx| {
                let sql = "SELECT agent FROM agents WHERE no = ?";
                tx.query_row(sql, [number], |row| row.get(0)).during(operation)
            })?;
            self.absorb(&AgentId(agent), &[])?;
        }
        self.flush()
    }

    /// Packs outside the writer, so that ingest goes on, and writes what was packed in one short transaction.
    fn compact_share(&self, mut share: Share) -> Result<(), StoreError> {
        let operation = "compact a window";
        loop {
            let mut book = self.book(share.agent)?;
            let known = book.len();
            let packed = self.read(operation, |tx| pack(tx, &mut book, share))?;
            if book.len() > known {
                // Series that no absorbed run named: number them for good, then pack with those numbers.
                self.adopt(share.agent, &book)?;
                continue;
            }
            let finished = self.write_with(Sync::Normal, operation, |tx, memory| {
                write(tx, memory, share, &packed)
            })?;
            self.inner.counts.overflow.add(packed.left_out);
            if finished {
                return Ok(());
            }
            share.tail.done = packed.done;
        }
    }

    /// The numbers of an agent's series as they are now.
    fn book(&self, agent: i64) -> Result<SeriesBook, StoreError> {
        if let Some(now) = lock(&self.inner.now).by_number(agent) {
            return Ok(now.book.clone());
        }
        self.read("read an agent's series", |tx| load_book(tx, agent))
    }

    /// Numbers the series of `wanted` that are not numbered yet.
    fn adopt(&self, agent: i64, wanted: &SeriesBook) -> Result<(), StoreError> {
        let done = self.write("number series", |tx, _| {
            let mut cache = lock(&self.inner.now);
            match cache.by_number(agent) {
                Some(now) => number_all(tx, agent, &mut now.book, wanted),
                None => number_all(tx, agent, &mut load_book(tx, agent)?, wanted),
            }
        });
        if done.is_err() {
            lock(&self.inner.now).forget_all();
        }
        done
    }

    /// Drops a window's table if no rows in it are wanted any more.
    fn drop_window(&self, table: &str) -> Result<bool, StoreError> {
        let operation = "drop a window";
        self.write_with(Sync::Normal, operation, |tx, _| {
            let wanted = tx
                .prepare_cached("SELECT 1 FROM tails WHERE hours = ?")
                .and_then(|mut it| it.exists([raw::table_hours(table)]))
                .during(operation)?;
            if !wanted {
                tx.execute_batch(&format!("DROP TABLE IF EXISTS {table}")).during(operation)?;
            }
            Ok(!wanted)
        })
    }
}

fn number_all(
    tx: &Transaction<'_>,
    agent: i64,
    book: &mut SeriesBook,
    wanted: &SeriesBook,
) -> Result<(), StoreError> {
    for key in wanted.keys() {
        book.number(key);
    }
    save_book(tx, agent, book)
}

/// What one pass came to.
struct Packed {
    /// Packed blocks by kind: samples, body.
    blocks: Vec<(i64, usize, Vec<u8>)>,
    /// Sums of what was not in blocks before.
    sums: Rollup,
    /// The last row that is in them.
    done: i64,
    left_out: u64,
    /// Definitions that the rows needed, and when the newest row came.
    used: HashSet<Hash>,
    received: Time,
}

fn pack(tx: &Transaction<'_>, book: &mut SeriesBook, share: Share) -> Result<Packed, StoreError> {
    let Share { agent, tail } = share;
    let mut all = read_blocks(tx, agent, tail.hours)?;
    let known = all.samples();
    let mut new = Block::default();
    let mut unpacker = Unpacker::new(tx, agent);
    let (mut taken, mut left_out, mut done) = (0, 0, tail.done);
    let mut received = Time::from_millis(i64::MIN);
    for raw::RowInfo { id, samples, .. } in raw::rows(tx, tail, tail.done)? {
        if taken > 0 && taken + samples as usize > PASS {
            break;
        }
        done = id;
        if known + taken + samples as usize > MOST {
            left_out += u64::from(samples);
            continue;
        }
        let row = raw::raw_row(tx, tail.hours, id)?;
        received = received.max(row.received);
        for run in unpacker.unpack(&row.body)? {
            if !all.has(&run) {
                taken += new.add(run, |key| book.number(key))?;
            }
        }
    }
    let sums = Rollup::of(&new);
    all.join(new);
    let mut health =
        all.split(|number| book.key(number).is_some_and(|key| key.metric.starts_with("hw.")));
    let mut blocks = Vec::new();
    for (kind, block) in [(DETAIL, &mut all), (HEALTH, &mut health)] {
        if !block.groups.is_empty() {
            blocks.push((kind, block.samples(), block.encode(kind == DETAIL)?));
        }
    }
    Ok(Packed { blocks, sums, done, left_out, used: unpacker.into_used(), received })
}

/// True when the share is done; false also if another process was quicker, whose work then stands.
fn write(
    tx: &Transaction<'_>,
    memory: &mut Memory,
    share: Share,
    packed: &Packed,
) -> Result<bool, StoreError> {
    let Share { agent, tail } = share;
    let before = raw::tail(tx, tail.hours, agent)?;
    if before.is_none_or(|before| before.done != tail.done) {
        return Ok(true);
    }
    for (kind, samples, body) in &packed.blocks {
        let sql = "INSERT OR REPLACE INTO blocks(agent, hours, kind, samples, body) VALUES(?, ?, ?, ?, ?)";
        tx.prepare_cached(sql)
            .and_then(|mut it| it.execute(params![agent, tail.hours, kind, samples, body]))
            .during("write a block")?;
    }
    rollup::add_part(tx, agent, tail.hours, &packed.sums)?;
    let sql = "UPDATE definitions SET used_at = ?3 WHERE agent = ?1 AND hash = ?2 AND used_at < ?3";
    for hash in &packed.used {
        tx.prepare_cached(sql)
            .and_then(|mut it| it.execute(params![agent, hash, packed.received.millis()]))
            .during("note that a definition was needed")?;
    }
    mark_done(tx, memory, share, packed.done)
}

/// Both blocks of a host's window as one; empty if there are none.
pub(super) fn read_blocks(
    tx: &Transaction<'_>,
    agent: i64,
    hours: i64,
) -> Result<Block, StoreError> {
    let mut all = Block::default();
    for kind in [DETAIL, HEALTH] {
        if let Some(bytes) = read_block(tx, agent, hours, kind)? {
            all.join(Block::decode(&bytes)?);
        }
    }
    Ok(all)
}

/// One packed block.
pub(super) fn read_block(
    tx: &Transaction<'_>,
    agent: i64,
    hours: i64,
    kind: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    tx.prepare_cached("SELECT body FROM blocks WHERE agent = ? AND hours = ? AND kind = ?")
        .and_then(|mut it| it.query_row([agent, hours, kind], |row| row.get(0)).optional())
        .during("read a block")
}

/// An agent's compacted windows that a period touches, oldest first. A batch lies where its first run lies, so the
/// window before may reach into it.
pub(super) fn compacted(
    tx: &Transaction<'_>,
    agent: i64,
    from: Time,
    to: Time,
) -> Result<Vec<i64>, StoreError> {
    let first = raw::hours_of(from - raw::WINDOW);
    let sql = "SELECT DISTINCT hours FROM blocks WHERE agent = ? AND hours BETWEEN ? AND ? ORDER BY hours";
    tx.prepare_cached(sql)
        .and_then(|mut it| {
            it.query_map([agent, first, raw::hours_of(to)], |row| row.get(0))?.collect()
        })
        .during("look up blocks")
}

/// Notes how far a host's rows are in blocks; with the last one its rows are not wanted any more.
fn mark_done(
    tx: &Transaction<'_>,
    memory: &mut Memory,
    share: Share,
    done: i64,
) -> Result<bool, StoreError> {
    let operation = "mark a window as compacted";
    let Share { agent, tail } = share;
    tx.prepare_cached("UPDATE tails SET done = ? WHERE agent = ? AND hours = ?")
        .and_then(|mut it| it.execute([done, agent, tail.hours]))
        .during(operation)?;
    let sql = "DELETE FROM tails WHERE agent = ? AND hours = ? AND last = done";
    let deleted = tx
        .prepare_cached(sql)
        .and_then(|mut it| it.execute([agent, tail.hours]))
        .during(operation)?;
    if deleted > 0 {
        memory.tails.remove(&(tail.hours, agent));
    }
    // What came meanwhile waits for the next round.
    Ok(done == tail.last)
}
