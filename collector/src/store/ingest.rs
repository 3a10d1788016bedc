//! Batches as they came: append, resume, definitions, what is still to be judged, and reading them back.
//!
//! A window's rows lie in order of arrival, which is nearly (time, agent): the next append writes beside the last.
//! Each row holds the id of its agent's row before it, and `tails` the newest one.

use std::{collections::hash_map::Entry, time::Duration};

use rusqlite::{OptionalExtension, Transaction, params};
use xunjian_proto::{Time, wire::Hash};

use super::{
    AgentId, Appended, Store, StoreError, StoredBatch,
    agents::{agent_no, agent_no_or_new},
    open::{During, Memory},
    progress::Ranges,
    raw::{self, hours_of, raw_row, raw_table},
};

/// What the writer remembers of one (agent, boot).
#[derive(Default)]
pub(super) struct Resume {
    ranges: Ranges,
}

/// A definition that was needed so lately is there for the batches to come; [`super::retain`] keeps it for a day more.
pub(super) const SURE: Duration = Duration::from_secs(3 * 86_400);

/// Entries that the writer's memory holds of one kind, at most.
const REMEMBERED: usize = 100_000;

impl Store {
    /// Appends batches in one transaction (group commit, synchronous=FULL); on return they are durable.
    /// The runs' inventory (components, states, source status, ledger) is updated by `absorb`, not here.
    ///
    /// # Errors
    /// The engine's, for example a full disk: then none of these batches is kept, and nothing else is touched.
    pub fn append(&self, batches: &[StoredBatch]) -> Result<Vec<Appended>, StoreError> {
        let appended = self.write("append batches", |tx, memory| {
            batches.iter().map(|batch| append_one(tx, memory, batch)).collect::<Result<Vec<_>, _>>()
        })?;
        let counts = &self.inner.counts;
        for (batch, appended) in batches.iter().zip(&appended) {
            match appended {
                Appended::Stored => {
                    counts.batches.add(1);
                    counts.samples.add(u64::from(batch.samples));
                    counts.batch_bytes.add(batch.body.len() as u64);
                }
                Appended::Duplicate => counts.duplicates.add(1),
            }
        }
        Ok(appended)
    }

    /// The highest sequence that is durable for an agent, of the boot that wrote last; agents resume after it.
    pub fn last_sequence(&self, agent: &AgentId) -> Result<Option<u64>, StoreError> {
        let operation = "read an agent's progress";
        self.read(operation, |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(None) };
            let newest: Option<Vec<u8>> = tx
                .prepare_cached(
                    "SELECT ranges FROM progress WHERE agent = ? ORDER BY arrival DESC LIMIT 1",
                )
                .and_then(|mut it| it.query_row([no], |row| row.get(0)).optional())
                .during(operation)?;
            newest.map_or(Ok(None), |bytes| Ok(Ranges::decode(&bytes)?.highest()))
        })
    }

    /// Sequence numbers missing between the first and the last that an agent sent in its newest boot: what its spool
    /// dropped, or what a bundle has yet to bring.
    pub fn sequence_gaps(&self, agent: &AgentId) -> Result<u64, StoreError> {
        let operation = "read an agent's progress";
        self.read(operation, |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(0) };
            let newest: Option<Vec<u8>> = tx
                .prepare_cached(
                    "SELECT ranges FROM progress WHERE agent = ? ORDER BY arrival DESC LIMIT 1",
                )
                .and_then(|mut it| it.query_row([no], |row| row.get(0)).optional())
                .during(operation)?;
            newest.map_or(Ok(0), |bytes| Ok(Ranges::decode(&bytes)?.gaps()))
        })
    }

    /// Which of these definitions are not known for this agent. Those not needed for days count as not known, since
    /// [`Store::retain`] may drop them; they are sent again then.
    pub fn missing_definitions(
        &self,
        agent: &AgentId,
        hashes: &[Hash],
    ) -> Result<Vec<Hash>, StoreError> {
        let operation = "look up definitions";
        self.read(operation, |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(hashes.to_vec()) };
            let newest: Option<i64> = tx
                .prepare_cached("SELECT max(used_at) FROM definitions WHERE agent = ?")
                .and_then(|mut it| it.query_row([no], |row| row.get(0)))
                .during(operation)?;
            let oldest = newest.map(|at| (Time::from_millis(at) - SURE).millis());
            let mut missing = Vec::new();
            let sql = "SELECT 1 FROM definitions WHERE agent = ? AND hash = ? AND used_at >= ?";
            let mut find = tx.prepare_cached(sql).during(operation)?;
            for hash in hashes {
                if !find.exists(params![no, hash, oldest]).during(operation)? {
                    missing.push(*hash);
                }
            }
            Ok(missing)
        })
    }

    /// Batches that are durable and not judged yet, in order of arrival, at most `limit`. Their definitions are
    /// stored, not repeated.
    pub fn unjudged(&self, limit: usize) -> Result<Vec<StoredBatch>, StoreError> {
        let operation = "read batches that wait for judgement";
        self.read(operation, |tx| {
            let sql =
                "SELECT a.agent, p.hours, p.arrival FROM pending p JOIN agents a ON a.no = p.agent
                       ORDER BY p.arrival LIMIT ?";
            let rows: Vec<(String, i64, i64)> = tx
                .prepare_cached(sql)
                .and_then(|mut it| {
                    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                    it.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                        .collect()
                })
                .during(operation)?;
            rows.into_iter()
                .map(|(agent, hours, id)| Ok(raw_row(tx, hours, id)?.into_batch(AgentId(agent))))
                .collect()
        })
    }
}

fn append_one(
    tx: &Transaction<'_>,
    memory: &mut Memory,
    batch: &StoredBatch,
) -> Result<Appended, StoreError> {
    let operation = "append batches";
    let agent = agent_no_or_new(tx, memory, &batch.agent)?;
    let resume = resume_of(tx, memory, agent, &batch.boot_id)?;
    if !resume.ranges.insert(batch.sequence) {
        return Ok(Appended::Duplicate);
    }
    let ranges = resume.ranges.encode();
    for (hash, body) in &batch.definitions {
        tx.prepare_cached(
            "INSERT INTO definitions(agent, hash, used_at, body) VALUES(?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET used_at = max(used_at, excluded.used_at)",
        )
        .and_then(|mut it| it.execute(params![agent, hash, batch.received.millis(), body]))
        .during(operation)?;
    }
    let hours = hours_of(batch.at);
    let before = tail_in(tx, memory, hours, agent)?;
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        tx.prepare_cached(sql).and_then(|mut it| it.execute(values)).during(operation)
    };
    let sequence = batch.sequence.cast_signed();
    run(
        "INSERT INTO pending(agent, sequence, hours) VALUES(?, ?, ?)",
        &[&agent, &sequence, &hours],
    )?;
    let arrival = tx.last_insert_rowid();
    let sql = format!(
        "INSERT INTO {}(id, agent, before, boot, sequence, at, until, received, samples, body)
         VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        raw_table(hours)
    );
    let row = params![
        arrival,
        agent,
        before,
        batch.boot_id,
        sequence,
        batch.at.millis(),
        batch.until.millis(),
        batch.received.millis(),
        batch.samples,
        batch.body,
    ];
    tx.prepare_cached(&sql).and_then(|mut it| it.execute(row)).during(operation)?;
    run(
        "INSERT INTO tails(agent, hours, last, done) VALUES(?, ?, ?, 0)
         ON CONFLICT DO UPDATE SET last = excluded.last",
        &[&agent, &hours, &arrival],
    )?;
    run(
        "INSERT INTO progress(agent, boot, ranges, arrival) VALUES(?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET ranges = excluded.ranges, arrival = excluded.arrival",
        &[&agent, &batch.boot_id, &ranges, &arrival],
    )?;
    memory.tails.insert((hours, agent), arrival);
    Ok(Appended::Stored)
}

fn resume_of<'a>(
    tx: &Transaction<'_>,
    memory: &'a mut Memory,
    agent: i64,
    boot: &str,
) -> Result<&'a mut Resume, StoreError> {
    let operation = "read an agent's progress";
    // A flood of boot ids of one agent must not fill the memory: what is dropped here is read again when needed.
    if memory.resume.len() >= REMEMBERED {
        memory.resume.clear();
    }
    match memory.resume.entry((agent, boot.to_owned())) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => {
            let stored: Option<Vec<u8>> = tx
                .prepare_cached("SELECT ranges FROM progress WHERE agent = ? AND boot = ?")
                .and_then(|mut it| it.query_row(params![agent, boot], |row| row.get(0)).optional())
                .during(operation)?;
            let ranges = stored.map_or(Ok(Ranges::default()), |bytes| Ranges::decode(&bytes))?;
            Ok(entry.insert(Resume { ranges }))
        }
    }
}

/// The agent's newest row in a window; makes the window's table with the first batch of all.
fn tail_in(
    tx: &Transaction<'_>,
    memory: &mut Memory,
    hours: i64,
    agent: i64,
) -> Result<Option<i64>, StoreError> {
    if let Some(id) = memory.tails.get(&(hours, agent)) {
        return Ok(Some(*id));
    }
    if memory.tails.len() >= REMEMBERED {
        memory.tails.clear();
    }
    raw::make_table(tx, hours)?;
    raw::tail(tx, hours, agent).map(|tail| tail.map(|tail| tail.last))
}
