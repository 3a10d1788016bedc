//! Takes in what runs say: updates what is kept of *now*, and writes state changes, events, evidence and the ledger
//! beside it. Idempotent: a run that was taken before changes nothing, so after a crash it may be given again.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};
use xunjian_proto::{Event, Evidence, Run, State, Time};

use super::{
    AgentId, StateChange, Store, StoreError,
    agents::{agent_no, agent_no_or_new, from_json, to_json},
    ledger,
    now::{AgentNow, Columns, Effects, SeriesBook, SourceNow, WRITE_EVERY},
    open::{During, Sync, lock},
    raw,
    unpack::Unpacker,
};

/// Events taken of one run; a kernel log in a storm repeats itself.
const EVENTS_OF_RUN: usize = 1000;

/// Hours kept in memory behind the newest one, so that a run of a slow spool finds its hour there.
const HOURS: i64 = 2;

impl Store {
    /// Makes readable what a batch's runs say now: components, states, source status, ledger, evidence, events.
    /// Runs that were absorbed before are left out. Not fsynced: a later durable commit carries it along, and what
    /// is lost before that is made again from the raw batches.
    pub fn absorb(&self, agent: &AgentId, runs: &[Run]) -> Result<(), StoreError> {
        self.absorb_many(&[(agent, runs)])
    }

    /// The same for several agents in one transaction, which is cheaper.
    pub fn absorb_many(&self, batches: &[(&AgentId, &[Run])]) -> Result<(), StoreError> {
        let done = self.write_with(Sync::Normal, "absorb runs", |tx, memory| {
            let mut cache = lock(&self.inner.now);
            for (agent, runs) in batches {
                if cache.get(agent).is_none() {
                    let no = agent_no_or_new(tx, memory, agent)?;
                    let (now, effects) = load(tx, no)?;
                    self.inner.counts.overflow.add(write_effects(tx, no, effects)?);
                    cache.insert((*agent).clone(), now);
                }
                let Some(now) = cache.get_mut(agent) else { continue };
                let effects = take(tx, now, runs)?;
                self.inner.counts.overflow.add(write_effects(tx, now.no, effects)?);
                save(tx, now, false)?;
            }
            Ok(())
        });
        if done.is_err() {
            lock(&self.inner.now).forget_all();
        }
        done
    }

    /// Writes everything that is only in memory; called before the raw batches it could be made from are dropped,
    /// and when the store is closed.
    pub fn flush(&self) -> Result<(), StoreError> {
        let done = self.write("write what hosts are like now", |tx, _| {
            lock(&self.inner.now).all().try_for_each(|now| save(tx, now, true))
        });
        if done.is_err() {
            lock(&self.inner.now).forget_all();
        }
        done
    }

    /// Reads what is known of an agent now; an unknown agent is an empty one.
    pub(super) fn with_now<T>(
        &self,
        agent: &AgentId,
        work: impl FnOnce(&Transaction<'_>, &AgentNow) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let operation = "read what a host is like now";
        let cached = lock(&self.inner.now).get(agent).is_some();
        // Only the writer fills the cache, or an older view could overtake a newer one. Where nothing can be
        // written (a full disk) reading still works, from the disk each time.
        if !cached && self.read(operation, |tx| agent_no(tx, agent))?.is_some() {
            let _ = self.absorb(agent, &[]);
        }
        self.read(operation, |tx| {
            if let Some(now) = lock(&self.inner.now).get(agent) {
                return work(tx, now);
            }
            match agent_no(tx, agent)? {
                Some(no) => work(tx, &load(tx, no)?.0),
                None => work(tx, &AgentNow::default()),
            }
        })
    }
}

/// What is written, and on top of it what the raw batches say that came later.
fn load(tx: &Transaction<'_>, no: i64) -> Result<(AgentNow, Effects), StoreError> {
    let operation = "read what a host is like now";
    let mut now = AgentNow { no, book: load_book(tx, no)?, ..AgentNow::default() };
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> = tx
        .prepare_cached("SELECT source, body, latest FROM now WHERE agent = ?")
        .and_then(|mut it| {
            it.query_map([no], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        })
        .during(operation)?;
    for (source, body, latest) in rows {
        now.sources.insert(source, SourceNow::decode(&body, &latest)?);
    }
    let runs = unwritten_runs(tx, &now)?;
    let effects = take(tx, &mut now, &runs)?;
    Ok((now, effects))
}

/// Runs in the raw batches that may be newer than what is written. Sources are written when they change and at least
/// every [`WRITE_EVERY`] of event time, so nothing older than that before an agent's newest run can be unwritten.
fn unwritten_runs(tx: &Transaction<'_>, now: &AgentNow) -> Result<Vec<Run>, StoreError> {
    let tails = raw::tails(tx, now.no, i64::MIN, i64::MAX)?;
    let newest = now.sources.values().filter_map(|source| source.written).max();
    let mut unpacker = Unpacker::new(tx, now.no);
    let mut runs = Vec::new();
    for tail in tails {
        let since = newest.map(|at| at - 2 * WRITE_EVERY);
        if since.is_some_and(|since| raw::window_end(tail.hours) + 2 * WRITE_EVERY < since) {
            continue;
        }
        for row in raw::rows(tx, tail, 0)? {
            if since.is_none_or(|since| row.until >= since) {
                runs.extend(unpacker.unpack(&raw::raw_row(tx, tail.hours, row.id)?.body)?);
            }
        }
    }
    runs.sort_by_key(|run| run.at);
    Ok(runs)
}

/// Takes runs into memory; says what is to be written beside.
fn take(tx: &Transaction<'_>, now: &mut AgentNow, runs: &[Run]) -> Result<Effects, StoreError> {
    let mut effects = Effects::default();
    for run in runs {
        let hour = run.at.secs().div_euclid(3600);
        let key = (run.source.clone(), hour);
        if !now.hours.contains_key(&key) {
            let written = ledger::load_hour(tx, now.no, &run.source, hour)?;
            now.hours.insert(key, written);
        }
        now.take(run, &mut effects);
    }
    Ok(effects)
}

/// Writes the sources that are due, or all with something new in them.
fn save(tx: &Transaction<'_>, now: &mut AgentNow, all: bool) -> Result<(), StoreError> {
    let operation = "write what a host is like now";
    let no = now.no;
    let newest = now.last_seen();
    save_book(tx, no, &mut now.book)?;
    for (name, source) in &mut now.sources {
        if !(source.due(newest) || (all && source.moved())) {
            continue;
        }
        if let Some(Columns { at, body, latest }) = source.encode()? {
            let sql =
                "INSERT OR REPLACE INTO now(agent, source, at, body, latest) VALUES(?, ?, ?, ?, ?)";
            tx.prepare_cached(sql)
                .and_then(|mut it| it.execute(params![no, name, at.millis(), body, latest]))
                .during(operation)?;
            source.changed = false;
            source.written = Some(at);
        }
        for ((_, hour), it) in now.hours.iter_mut().filter(|((of, _), it)| of == name && it.dirty) {
            ledger::save_hour(tx, no, name, *hour, it)?;
            it.dirty = false;
        }
    }
    let oldest = newest.map_or(i64::MIN, |at| at.secs().div_euclid(3600) - HOURS);
    // Hours behind the newest run of the host fill up rarely: late ones are written at once and let go.
    let mut late: Vec<_> = now.hours.extract_if(|(_, hour), _| *hour < oldest).collect();
    for ((source, hour), it) in &mut late {
        if it.dirty {
            ledger::save_hour(tx, no, source, *hour, it)?;
        }
    }
    Ok(())
}

/// The numbers of an agent's series as written.
pub(super) fn load_book(tx: &Transaction<'_>, no: i64) -> Result<SeriesBook, StoreError> {
    let keys: Vec<String> = tx
        .prepare_cached("SELECT key FROM series WHERE agent = ? ORDER BY no")
        .and_then(|mut it| it.query_map([no], |row| row.get(0))?.collect())
        .during("read an agent's series")?;
    let mut book = SeriesBook::default();
    for key in keys {
        book.number(&Arc::new(from_json("a series", &key)?));
    }
    book.all_written();
    Ok(book)
}

/// Writes the keys of series that were numbered since the last time.
pub(super) fn save_book(
    tx: &Transaction<'_>,
    no: i64,
    book: &mut SeriesBook,
) -> Result<(), StoreError> {
    for (number, key) in book.unwritten() {
        let key = to_json("a series", key.as_ref())?;
        tx.prepare_cached("INSERT INTO series(agent, no, key) VALUES(?, ?, ?)")
            .and_then(|mut it| it.execute(params![no, number, key]))
            .during("write an agent's series")?;
    }
    book.all_written();
    Ok(())
}

/// State changes, events and evidence; all of them may come twice. Returns how many were too many.
fn write_effects(tx: &Transaction<'_>, no: i64, effects: Effects) -> Result<u64, StoreError> {
    for change in &effects.changes {
        put_change(tx, no, change)?;
    }
    for (state, at) in &effects.late {
        put_late_state(tx, no, state, *at)?;
    }
    for event in effects.events.iter().take(EVENTS_OF_RUN) {
        put_event(tx, no, event)?;
    }
    for (source, at, evidence) in &effects.evidence {
        put_evidence(tx, no, source, *at, evidence)?;
    }
    Ok(effects.overflow + effects.events.len().saturating_sub(EVENTS_OF_RUN) as u64)
}

fn put_change(tx: &Transaction<'_>, no: i64, change: &StateChange) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO state_log(agent, component, metric, at, value) VALUES(?, ?, ?, ?, ?)";
    let row = params![no, change.component.as_str(), change.metric, change.at.millis(), change.to];
    tx.prepare_cached(sql)
        .and_then(|mut it| it.execute(row))
        .during("write a state change")
        .map(drop)
}

/// A word read earlier than what is known: it is an entry of its own if the one before it says otherwise, and it
/// takes the place of the next entry if that says the same.
fn put_late_state(
    tx: &Transaction<'_>,
    no: i64,
    state: &State,
    at: Time,
) -> Result<(), StoreError> {
    let operation = "write a state change";
    let key = params![no, state.component.as_str(), state.metric, at.millis()];
    let neighbour = |sql: &str| -> Result<Option<(String, i64)>, StoreError> {
        tx.prepare_cached(sql)
            .and_then(|mut it| it.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .during(operation)
    };
    let before = neighbour(
        "SELECT value, at FROM state_log WHERE agent = ? AND component = ? AND metric = ? AND at <= ?
         ORDER BY at DESC LIMIT 1",
    )?;
    if before.is_some_and(|(value, _)| value == state.value) {
        return Ok(());
    }
    let next = neighbour(
        "SELECT value, at FROM state_log WHERE agent = ? AND component = ? AND metric = ? AND at > ?
         ORDER BY at LIMIT 1",
    )?;
    if let Some((value, next_at)) = next
        && value == state.value
    {
        let sql =
            "DELETE FROM state_log WHERE agent = ? AND component = ? AND metric = ? AND at = ?";
        tx.prepare_cached(sql)
            .and_then(|mut it| {
                it.execute(params![no, state.component.as_str(), state.metric, next_at])
            })
            .during(operation)?;
    }
    put_change(
        tx,
        no,
        &StateChange {
            component: state.component.clone(),
            metric: state.metric.clone(),
            from: None,
            to: state.value.clone(),
            at,
        },
    )
}

fn put_event(tx: &Transaction<'_>, no: i64, event: &Event) -> Result<(), StoreError> {
    let body = to_json("an event", event)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
    let row = params![no, event.at.millis(), &digest.as_ref()[..16], body];
    tx.prepare_cached("INSERT OR IGNORE INTO events(agent, at, digest, body) VALUES(?, ?, ?, ?)")
        .and_then(|mut it| it.execute(row))
        .during("write an event")
        .map(drop)
}

fn put_evidence(
    tx: &Transaction<'_>,
    no: i64,
    source: &str,
    at: Time,
    evidence: &Evidence,
) -> Result<(), StoreError> {
    let operation = "write evidence";
    let id = xunjian_proto::wire::evidence_id(evidence);
    let known = tx
        .prepare_cached("SELECT 1 FROM evidence WHERE id = ?")
        .and_then(|mut it| it.exists([&id]))
        .during(operation)?;
    if !known {
        let content = zstd::bulk::compress(evidence.content.as_bytes(), 3).map_err(|error| {
            StoreError::Corrupt {
                what: format!("evidence {}", evidence.name),
                why: error.to_string(),
            }
        })?;
        tx.prepare_cached("INSERT INTO evidence(id, name, content) VALUES(?, ?, ?)")
            .and_then(|mut it| it.execute(params![id, evidence.name, content]))
            .during(operation)?;
    }
    // The same content again is no new proof: the reference moves only when the content changes.
    let newest: Option<String> = tx
        .prepare_cached(
            "SELECT id FROM evidence_of WHERE agent = ? AND source = ? AND name = ? AND at <= ?
             ORDER BY at DESC LIMIT 1",
        )
        .and_then(|mut it| {
            it.query_row(params![no, source, evidence.name, at.millis()], |row| row.get(0))
                .optional()
        })
        .during(operation)?;
    if newest.as_deref() == Some(id.as_str()) {
        return Ok(());
    }
    let sql =
        "INSERT OR IGNORE INTO evidence_of(agent, source, name, at, id) VALUES(?, ?, ?, ?, ?)";
    tx.prepare_cached(sql)
        .and_then(|mut it| it.execute(params![no, source, evidence.name, at.millis(), id]))
        .during(operation)
        .map(drop)
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
