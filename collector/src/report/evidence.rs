//! Gives each piece of evidence its number in the index, in the order in which the report first rests on it.

use std::collections::HashMap;

use chrono_tz::Tz;
use xunjian_proto::Time;

use crate::report::{
    model::{EvidenceEntry, Statement},
    words,
};

/// The index while a report is built.
#[derive(Debug)]
pub(crate) struct Index {
    zone: Tz,
    entries: Vec<EvidenceEntry>,
    numbers: HashMap<(&'static str, String, String), u32>,
}

/// What a sentence rests on, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) host: String,
    pub(crate) at: Option<Time>,
}

impl Index {
    pub(crate) fn new(zone: Tz) -> Index {
        Index { zone, entries: Vec::new(), numbers: HashMap::new() }
    }

    /// Its number; the same proof has the same number everywhere.
    pub(crate) fn number(&mut self, source: &Source) -> u32 {
        // One raw output may prove several readings.
        let key = (source.kind, source.id.clone(), source.what.clone());
        if let Some(n) = self.numbers.get(&key) {
            return *n;
        }
        let n = u32::try_from(self.entries.len()).unwrap_or(u32::MAX - 1) + 1;
        self.entries.push(EvidenceEntry {
            n,
            kind: source.kind.to_owned(),
            id: words::clean(&source.id),
            what: words::clean(&source.what),
            host: words::clean(&source.host),
            at: source.at.map(|at| words::time(self.zone, at)).unwrap_or_default(),
        });
        self.numbers.insert(key, n);
        n
    }

    /// Numbers of several, rising and without doubles.
    pub(crate) fn numbers(&mut self, sources: &[Source]) -> Vec<u32> {
        let mut numbers: Vec<u32> = sources.iter().map(|it| self.number(it)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// A sentence with its proofs.
    pub(crate) fn say(&mut self, text: impl Into<String>, sources: &[Source]) -> Statement {
        Statement { text: text.into(), refs: self.numbers(sources) }
    }

    pub(crate) fn into_entries(self) -> Vec<EvidenceEntry> {
        self.entries
    }
}
