//! Runs as they were, for replay and warm start: from raw batches, and from blocks where those are compacted.

use std::collections::BTreeSet;

use rusqlite::Transaction;
use xunjian_proto::{Run, Time};

use super::{
    AgentId, Store, StoreError, StoredBatch,
    absorb::load_book,
    agents::agent_no,
    compact::{compacted, read_blocks},
    raw,
    readings::read_evidence,
    unpack::Unpacker,
};

impl Store {
    /// The runs of a batch that [`Store::unjudged`] gave.
    pub fn unpack(&self, batch: &StoredBatch) -> Result<Vec<Run>, StoreError> {
        self.read("read a batch", |tx| {
            let Some(no) = agent_no(tx, &batch.agent)? else { return Ok(Vec::new()) };
            Unpacker::new(tx, no).unpack(&batch.body)
        })
    }

    /// Unpacked runs of an agent in a period (`from` included, `to` not), oldest first, as long as detail is kept.
    /// From compacted windows the samples of a run come in the order in which their series were first seen.
    pub fn runs(&self, agent: &AgentId, from: Time, to: Time) -> Result<Vec<Run>, StoreError> {
        self.read("read runs", |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(Vec::new()) };
            let mut runs = raw_runs(tx, no, from, to)?;
            runs.extend(block_runs(tx, no, from, to)?);
            runs.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.source.cmp(&b.source)));
            runs.dedup_by(|a, b| a.at == b.at && a.source == b.source);
            Ok(runs)
        })
    }
}

fn raw_runs(tx: &Transaction<'_>, no: i64, from: Time, to: Time) -> Result<Vec<Run>, StoreError> {
    let mut unpacker = Unpacker::new(tx, no);
    let mut runs = Vec::new();
    // A batch lies where its first run lies, so the window before may reach into the period.
    let first = raw::hours_of(from - raw::WINDOW);
    for tail in raw::tails(tx, no, first, raw::hours_of(to))? {
        for row in raw::rows(tx, tail, 0)?.iter().filter(|row| row.touches(from, to)) {
            let row = raw::raw_row(tx, tail.hours, row.id)?;
            let unpacked = unpacker.unpack(&row.body)?.into_iter();
            runs.extend(unpacked.filter(|run| run.at >= from && run.at < to));
        }
    }
    Ok(runs)
}

fn block_runs(tx: &Transaction<'_>, no: i64, from: Time, to: Time) -> Result<Vec<Run>, StoreError> {
    let windows: BTreeSet<i64> = compacted(tx, no, from, to)?.into_iter().collect();
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let book = load_book(tx, no)?;
    let mut runs = Vec::new();
    for hours in windows {
        let block = read_blocks(tx, no, hours)?;
        let key = |number| book.key(number).cloned();
        runs.extend(block.into_runs(from, to, key, |id| read_evidence(tx, id))?);
    }
    Ok(runs)
}
