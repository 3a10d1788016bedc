//! Runs to a batch.
//!
//! Its numbers, in this order: the number of layouts and of runs; each run's group; and for each group the columns of its
//! runs' times, durations, inventories (definition number; 0 is none), processor times and bytes read, then the column
//! of each series of its layout.

use std::collections::HashMap;

use prost::Message;

use super::{
    Definition, Hash, Packed, WireError,
    coder::{Encoder, Number},
    column::Columns,
    compress,
    define::{self, attrs_out, hash_of},
};
use crate::{
    Outcome, Run, Time,
    check::{self, BATCH_BYTES_MAX, EXPANDED_BYTES_MAX, RUNS_MAX, SAMPLES_MAX, UNPACKED_BYTES_MAX},
    v1,
};

/// Packs runs with all their definitions. Fails if a limit of [`crate::check`] is exceeded: then fewer runs may fit.
pub fn pack(runs: &[Run]) -> Result<Packed, WireError> {
    pack_new(runs, &|_| false)
}

/// Packs runs with those of their definitions that are not `known` on the other side.
pub fn pack_new(runs: &[Run], known: &dyn Fn(&Hash) -> bool) -> Result<Packed, WireError> {
    WireError::limit("the number of runs", runs.len(), RUNS_MAX)?;
    runs.iter().try_for_each(check::run)?;
    let samples = runs.iter().map(|run| run.samples.len()).sum::<usize>();
    WireError::limit("the number of samples", samples, SAMPLES_MAX)?;

    let mut table = Table { known, numbers: HashMap::new(), new: Vec::new(), expanded: 0 };
    let (order, sources) = groups_of(runs, &mut table)?;
    let layouts = table.numbers.len();
    let mut groups: Vec<Vec<&Run>> = vec![Vec::new(); layouts + sources.len()];
    for (run, group) in runs.iter().zip(&order) {
        groups[*group].push(run);
    }
    let mut numbers = Encoder::new();
    let mut models = Models::new();
    models.put_order(layouts, &order, &mut numbers);
    for group in &groups {
        models.put_group(group, &mut table, &mut numbers)?;
    }
    let mut body = happenings(runs, &mut table)?;
    WireError::limit("what the runs refer to, in bytes,", table.expanded, EXPANDED_BYTES_MAX)?;

    let mut hashes: Vec<_> = table.numbers.iter().collect();
    hashes.sort_by_key(|(_, number)| **number);
    body.definitions = hashes.iter().flat_map(|(hash, _)| **hash).collect();
    body.sources = sources.join(" ");
    body.numbers = numbers.finish();
    let bytes = body.encode_to_vec();
    WireError::limit("a batch, in bytes before packing,", bytes.len(), UNPACKED_BYTES_MAX)?;
    let body = compress(&bytes, "a batch")?;
    WireError::limit("a batch, in bytes,", body.len(), BATCH_BYTES_MAX)?;
    let times = || runs.iter().map(|run| run.at);
    Ok(Packed {
        definitions: table.new,
        body,
        samples: samples as u32,
        first_at: times().min().unwrap_or(Time::from_millis(0)),
        last_at: times().max().unwrap_or(Time::from_millis(0)),
    })
}

/// Each run's group, and the sources of the groups that come after those of the layouts.
fn groups_of<'a>(
    runs: &'a [Run],
    table: &mut Table<'_>,
) -> Result<(Vec<usize>, Vec<&'a str>), WireError> {
    let mut order = Vec::with_capacity(runs.len());
    for run in runs {
        order.push(match run.samples.is_empty() {
            true => None,
            // Layouts come first, so a new one has the number of its group.
            false => Some(table.number(&define::encoded_layout(run))? as usize - 1),
        });
    }
    let (layouts, mut sources) = (table.numbers.len(), Vec::new());
    let order = runs.iter().zip(order).map(|(run, layout)| {
        layout.unwrap_or_else(|| {
            let known = sources.iter().position(|it| *it == run.source);
            layouts
                + known.unwrap_or_else(|| {
                    sources.push(run.source.as_str());
                    sources.len() - 1
                })
        })
    });
    Ok((order.collect(), sources))
}

/// The definitions of a batch, numbered from 1 in the order of their first use.
struct Table<'a> {
    known: &'a dyn Fn(&Hash) -> bool,
    numbers: HashMap<Hash, u32>,
    new: Vec<Definition>,
    expanded: usize,
}

impl Table<'_> {
    fn number(&mut self, bytes: &[u8]) -> Result<u32, WireError> {
        let hash = hash_of(bytes);
        if let Some(number) = self.numbers.get(&hash) {
            return Ok(*number);
        }
        if !(self.known)(&hash) {
            self.new.push(define::definition(bytes)?);
        }
        let number = self.numbers.len() as u32 + 1;
        self.numbers.insert(hash, number);
        Ok(number)
    }

    /// Like [`Table::number`] for what each run gets its own copy of when it is unpacked.
    fn copied(&mut self, bytes: &[u8]) -> Result<u32, WireError> {
        self.expanded = self.expanded.saturating_add(define::weight(bytes)?);
        self.number(bytes)
    }

    /// The number of a run's inventory; 0 if it saw nothing.
    fn inventory(&mut self, run: &Run) -> Result<i64, WireError> {
        let empty = run.components.is_empty() && run.states.is_empty() && run.problems.is_empty();
        match empty {
            true => Ok(0),
            false => self.copied(&define::encoded_inventory(run)).map(i64::from),
        }
    }
}

/// What is learnt of the numbers while they are coded; unpacking learns the same.
pub(super) struct Models {
    pub(super) count: Number,
    /// By the group of the run before: sources take turns.
    pub(super) order: Vec<Number>,
    pub(super) at_ms: Columns,
    /// First time of the group before.
    pub(super) near_ms: i64,
    pub(super) took_ms: Columns,
    pub(super) inventory: Columns,
    pub(super) cpu_us: Columns,
    pub(super) read_bytes: Columns,
    pub(super) values: Columns,
}

/// Groups that [`Models::order`] tells apart.
const ORDERS: usize = 16;

impl Models {
    pub(super) fn new() -> Models {
        Models {
            count: Number::NEW,
            order: vec![Number::NEW; ORDERS],
            at_ms: Columns::new(),
            near_ms: 0,
            took_ms: Columns::new(),
            inventory: Columns::new(),
            cpu_us: Columns::new(),
            read_bytes: Columns::new(),
            values: Columns::new(),
        }
    }

    /// The model for the group of the run after one of group `before`.
    pub(super) fn order(&mut self, before: usize) -> &mut Number {
        &mut self.order[before.min(ORDERS - 1)]
    }

    fn put_order(&mut self, layouts: usize, order: &[usize], out: &mut Encoder) {
        out.number(&mut self.count, layouts as u64);
        out.number(&mut self.count, order.len() as u64);
        let mut before = 0;
        for group in order {
            out.number(self.order(before), *group as u64);
            before = *group;
        }
    }

    /// Runs of one source with one layout.
    fn put_group(
        &mut self,
        runs: &[&Run],
        table: &mut Table<'_>,
        out: &mut Encoder,
    ) -> Result<(), WireError> {
        let column = |of: &dyn Fn(&Run) -> i64| runs.iter().map(|run| of(run)).collect::<Vec<_>>();
        let at_ms = column(&|run| run.at.millis());
        self.at_ms.put_whole(&at_ms, self.near_ms, out);
        self.near_ms = at_ms.first().copied().unwrap_or(self.near_ms);
        self.took_ms.put_whole(&column(&|run| i64::from(run.took_ms)), 0, out);
        let inventories = runs.iter().map(|run| table.inventory(run));
        let inventories = inventories.collect::<Result<Vec<_>, _>>()?;
        self.inventory.put_whole(&inventories, 0, out);
        self.cpu_us.put_whole(&column(&|run| run.cost.cpu_us as i64), 0, out);
        self.read_bytes.put_whole(&column(&|run| run.cost.read_bytes as i64), 0, out);
        let mut column = Vec::with_capacity(runs.len());
        for at in 0..runs.first().map_or(0, |run| run.samples.len()) {
            column.clear();
            column.extend(runs.iter().map(|run| run.samples[at].value));
            self.values.put_values(&column, out);
        }
        Ok(())
    }
}

/// What few runs have.
fn happenings(runs: &[Run], table: &mut Table<'_>) -> Result<v1::BatchBody, WireError> {
    let mut body = v1::BatchBody::default();
    for (at, run) in runs.iter().enumerate() {
        let at = at as u32;
        body.outcomes.extend(outcome(at, &run.outcome));
        for evidence in &run.evidence {
            let definition = table.copied(&define::encoded_evidence(evidence))?;
            body.evidence.push(v1::EvidenceRef { run: at, definition });
        }
        body.events.extend(run.events.iter().map(|event| v1::Event {
            run: at,
            kind: event.kind.clone(),
            component: event.component.as_str().to_owned(),
            at_ms: event.at.millis(),
            text: event.text.clone(),
            attrs: attrs_out(event.attrs.iter()),
        }));
        body.programs.extend(run.cost.programs.iter().map(|(command, took_ms)| v1::Program {
            run: at,
            command: command.clone(),
            took_ms: *took_ms,
        }));
    }
    Ok(body)
}

fn outcome(run: u32, outcome: &Outcome) -> Option<v1::Outcome> {
    let (kind, text) = match outcome {
        Outcome::Collected => return None,
        Outcome::Absent(why) => (1, why.as_str()),
        Outcome::Failed(why) => (2, why.as_str()),
        Outcome::Stuck => (3, ""),
        Outcome::Deferred(why) => (4, why.as_str()),
    };
    Some(v1::Outcome { run, kind, text: text.to_owned() })
}
