//! From a batch's packed body to runs, with the agent's stored definitions.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Transaction, params};
use xunjian_proto::{
    Run,
    wire::{self, Definition, Dictionary, Hash, Known},
};

use super::{StoreError, open::During};

/// Unpacks batches of one agent; definitions are learnt once.
pub(super) struct Unpacker<'a> {
    tx: &'a Transaction<'a>,
    agent: i64,
    dictionary: Dictionary,
    used: HashSet<Hash>,
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>, agent: i64) -> Unpacker<'a> {
        Unpacker { tx, agent, dictionary: Dictionary::default(), used: HashSet::new() }
    }

    /// The runs of one batch.
    pub(super) fn unpack(&mut self, body: &[u8]) -> Result<Vec<Run>, StoreError> {
        self.opened(body, |opened, lookup| opened.runs(lookup))
    }

    /// The numbers of one batch.
    pub(super) fn numbers(
        &mut self,
        body: &[u8],
        sink: &mut dyn wire::Numbers,
    ) -> Result<(), StoreError> {
        self.opened(body, |opened, lookup| opened.numbers(lookup, sink))
    }

    fn opened<T>(
        &mut self,
        body: &[u8],
        read: impl FnOnce(wire::Opened, &dyn Fn(&Hash) -> Option<Known>) -> Result<T, wire::WireError>,
    ) -> Result<T, StoreError> {
        let corrupt = |why: String| StoreError::Corrupt { what: "a batch".to_owned(), why };
        let opened = wire::open(body).map_err(|error| corrupt(error.to_string()))?;
        let mut known = Vec::with_capacity(opened.references().len());
        for hash in opened.references() {
            known.push((*hash, self.definition(hash)?));
        }
        let lookup = |hash: &Hash| {
            let found = known.iter().find(|(it, _)| it == hash);
            found.and_then(|(_, known)| known.clone())
        };
        read(opened, &lookup).map_err(|error| corrupt(error.to_string()))
    }

    /// The definitions that were needed so far.
    pub(super) fn into_used(self) -> HashSet<Hash> {
        self.used
    }

    fn definition(&mut self, hash: &Hash) -> Result<Option<Known>, StoreError> {
        if let Some(known) = self.dictionary.get(hash) {
            return Ok(Some(known.clone()));
        }
        let body: Option<Vec<u8>> = self
            .tx
            .prepare_cached("SELECT body FROM definitions WHERE agent = ? AND hash = ?")
            .and_then(|mut it| it.query_row(params![self.agent, hash], |row| row.get(0)).optional())
            .during("read a definition")?;
        let Some(body) = body else { return Ok(None) };
        let known = wire::learn(&Definition { hash: *hash, body }).map_err(|error| {
            StoreError::Corrupt { what: "a definition".to_owned(), why: error.to_string() }
        })?;
        self.dictionary.insert(*hash, known.clone());
        self.used.insert(*hash);
        Ok(Some(known))
    }
}
