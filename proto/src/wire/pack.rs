//! Runs to a batch.

use std::collections::HashMap;

use prost::Message;

use super::{
    Definition, Hash, Packed, WireError,
    column::{put_values, put_varint, put_whole},
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
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<(&str, u32), usize> = HashMap::new();
    let mut order = Vec::new();
    for run in runs {
        let layout = match run.samples.is_empty() {
            true => 0,
            false => table.number(&define::encoded_layout(run))?,
        };
        let place = *places.entry((&run.source, layout)).or_insert_with(|| {
            groups.push(Group { layout, runs: Vec::new() });
            groups.len() - 1
        });
        groups[place].runs.push(run);
        put_varint(place as u64, &mut order);
    }
    let groups = groups.iter().map(|group| group.encode(&mut table)).collect::<Result<_, _>>()?;
    WireError::limit("what the runs refer to, in bytes,", table.expanded, EXPANDED_BYTES_MAX)?;

    let mut hashes: Vec<_> = table.numbers.iter().collect();
    hashes.sort_by_key(|(_, number)| **number);
    let definitions = hashes.iter().flat_map(|(hash, _)| **hash).collect();
    let bytes = v1::BatchBody { definitions, order, groups }.encode_to_vec();
    WireError::limit("a batch, in bytes before packing,", bytes.len(), UNPACKED_BYTES_MAX)?;
    let body = compress(&bytes, "a batch")?;
    WireError::limit("a batch, in bytes,", body.len(), BATCH_BYTES_MAX)?;
    let first_at = runs.iter().map(|run| run.at).min().unwrap_or(Time::from_millis(0));
    Ok(Packed { definitions: table.new, body, samples: samples as u32, first_at })
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
}

/// Runs of one source with one layout.
struct Group<'a> {
    layout: u32,
    runs: Vec<&'a Run>,
}

impl Group<'_> {
    fn encode(&self, table: &mut Table<'_>) -> Result<v1::Group, WireError> {
        let mut group = v1::Group {
            source: self.runs[0].source.clone(),
            layout: self.layout,
            runs: self.runs.len() as u32,
            values: self.values(),
            ..v1::Group::default()
        };
        put_whole(self.runs.iter().map(|run| run.at.millis()), &mut group.at_ms);
        put_whole(self.runs.iter().map(|run| i64::from(run.took_ms)), &mut group.took_ms);
        put_whole(self.runs.iter().map(|run| run.cost.cpu_us as i64), &mut group.cpu_us);
        put_whole(self.runs.iter().map(|run| run.cost.read_bytes as i64), &mut group.read_bytes);
        let mut inventories = Vec::with_capacity(self.runs.len());
        for (at, run) in self.runs.iter().enumerate() {
            let at = at as u32;
            let empty =
                run.components.is_empty() && run.states.is_empty() && run.problems.is_empty();
            inventories.push(match empty {
                true => 0,
                false => i64::from(table.copied(&define::encoded_inventory(run))?),
            });
            group.outcomes.extend(outcome(at, &run.outcome));
            for evidence in &run.evidence {
                let definition = table.copied(&define::encoded_evidence(evidence))?;
                group.evidence.push(v1::EvidenceRef { run: at, definition });
            }
            group.events.extend(run.events.iter().map(|event| v1::Event {
                run: at,
                kind: event.kind.clone(),
                component: event.component.as_str().to_owned(),
                at_ms: event.at.millis(),
                text: event.text.clone(),
                attrs: attrs_out(event.attrs.iter()),
            }));
            group.programs.extend(run.cost.programs.iter().map(|(command, took_ms)| v1::Program {
                run: at,
                command: command.clone(),
                took_ms: *took_ms,
            }));
        }
        put_whole(inventories, &mut group.inventory);
        Ok(group)
    }

    /// A mode byte per series, then the columns.
    fn values(&self) -> Vec<u8> {
        let series = self.runs[0].samples.len();
        let (mut modes, mut columns) = (Vec::with_capacity(series), Vec::new());
        let mut column = Vec::with_capacity(self.runs.len());
        for at in 0..series {
            column.clear();
            column.extend(self.runs.iter().map(|run| run.samples[at].value));
            modes.push(put_values(&column, &mut columns));
        }
        modes.append(&mut columns);
        modes
    }
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
