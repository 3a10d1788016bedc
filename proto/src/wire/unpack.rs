//! A batch to runs.

use std::collections::BTreeMap;

use prost::Message;

use super::{
    Content, Hash, Known, WireError,
    column::{Reader, values, whole},
    decompress,
    define::{attrs_in, unknown},
    scan,
};
use crate::{
    ComponentId, Cost, Event, Outcome, Run, Sample, Time,
    check::{
        self, BATCH_BYTES_MAX, EXPANDED_BYTES_MAX, REFERENCES_MAX, RUNS_MAX, SAMPLES_MAX,
        UNPACKED_BYTES_MAX,
    },
    v1,
};

/// A batch whose outer form holds; its runs still need their definitions.
#[derive(Debug)]
pub struct Opened {
    references: Vec<Hash>,
    body: v1::BatchBody,
}

/// Decompresses and decodes a batch.
pub fn open(body: &[u8]) -> Result<Opened, WireError> {
    WireError::limit("a batch, in bytes,", body.len(), BATCH_BYTES_MAX)?;
    let bytes = decompress(body, "a batch", UNPACKED_BYTES_MAX)?;
    scan::memory("a batch", &bytes, &scan::BATCH, EXPANDED_BYTES_MAX)?;
    let body =
        v1::BatchBody::decode(&*bytes).map_err(|error| WireError::malformed("a batch", error))?;
    let (hashes, rest) = body.definitions.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(WireError::malformed("a batch", "a hash is cut"));
    }
    WireError::limit("the number of definitions", hashes.len(), REFERENCES_MAX)?;
    Ok(Opened { references: hashes.to_vec(), body })
}

impl Opened {
    /// The definitions that the batch needs.
    pub fn references(&self) -> &[Hash] {
        &self.references
    }

    /// The runs, in the order in which they were packed. Fails with [`WireError::Missing`] if `lookup` does not know
    /// all references.
    pub fn runs(self, lookup: &dyn Fn(&Hash) -> Option<Known>) -> Result<Vec<Run>, WireError> {
        let (mut known, mut missing) = (Vec::with_capacity(self.references.len()), Vec::new());
        for hash in &self.references {
            match lookup(hash) {
                Some(it) => known.push(it),
                None => missing.push(*hash),
            }
        }
        if !missing.is_empty() {
            return Err(WireError::Missing(missing));
        }
        let mut table = Table { known, samples: 0, runs: 0, expanded: 0 };
        let groups = self.body.groups.into_iter().map(|group| Ok(table.group(group)?.into_iter()));
        let mut groups = groups.collect::<Result<Vec<_>, WireError>>()?;
        let total = table.runs;
        let mut order = Reader::new(&self.body.order);
        let mut runs = Vec::with_capacity(total);
        for _ in 0..total {
            let place = usize::try_from(order.varint()?).unwrap_or(usize::MAX);
            let next = groups.get_mut(place).and_then(Iterator::next);
            runs.push(next.ok_or_else(|| WireError::malformed("a batch", "its order is wrong"))?);
        }
        order.end()?;
        Ok(runs)
    }
}

/// What the runs refer to, and what they have used up so far.
struct Table {
    known: Vec<Known>,
    samples: usize,
    runs: usize,
    expanded: usize,
}

impl Table {
    fn group(&mut self, group: v1::Group) -> Result<Vec<Run>, WireError> {
        check::name("a source's name", &group.source)?;
        let count = group.runs as usize;
        self.runs = self.runs.saturating_add(count);
        WireError::limit("the number of runs", self.runs, RUNS_MAX)?;
        let at_ms = whole(&group.at_ms, count)?;
        let took_ms = whole(&group.took_ms, count)?;
        let inventory = whole(&group.inventory, count)?;
        let cpu_us = whole(&group.cpu_us, count)?;
        let read_bytes = whole(&group.read_bytes, count)?;
        let mut runs = Vec::with_capacity(count);
        for at in 0..count {
            let mut run = Run {
                source: group.source.clone(),
                at: Time::from_millis(at_ms[at]),
                took_ms: u32::try_from(took_ms[at])
                    .map_err(|_| WireError::malformed("a batch", "a duration beyond 32 bits"))?,
                outcome: Outcome::Collected,
                components: Vec::new(),
                samples: Vec::new(),
                states: Vec::new(),
                events: Vec::new(),
                problems: Vec::new(),
                evidence: Vec::new(),
                cost: Cost {
                    cpu_us: cpu_us[at] as u64,
                    read_bytes: read_bytes[at] as u64,
                    programs: Vec::new(),
                },
            };
            self.inventory(inventory[at], &mut run)?;
            runs.push(run);
        }
        self.samples(group.layout, &group.values, &mut runs)?;
        for outcome in group.outcomes {
            let (run, kind, text) = (outcome.run, outcome.kind, outcome.text);
            check::text("an outcome", &text)?;
            of(&mut runs, run)?.outcome = outcome_in(kind, text)?;
        }
        for event in group.events {
            let run = of(&mut runs, event.run)?;
            run.events.push(event_in(event)?);
        }
        for it in group.evidence {
            let run = of(&mut runs, it.run)?;
            let Content::Evidence(evidence) = self.copied(it.definition)? else {
                return Err(wrong_kind());
            };
            run.evidence.push((**evidence).clone());
        }
        for program in group.programs {
            check::text("a command line", &program.command)?;
            let run = of(&mut runs, program.run)?;
            run.cost.programs.push((program.command, program.took_ms));
        }
        Ok(runs)
    }

    fn inventory(&mut self, number: i64, run: &mut Run) -> Result<(), WireError> {
        if number == 0 {
            return Ok(());
        }
        let number = u32::try_from(number).map_err(|_| wrong_kind())?;
        let Content::Inventory(inventory) = self.copied(number)? else { return Err(wrong_kind()) };
        run.components = inventory.components.clone();
        run.states = inventory.states.clone();
        run.problems = inventory.problems.clone();
        Ok(())
    }

    /// A definition that is about to be copied into a run.
    fn copied(&mut self, number: u32) -> Result<&Content, WireError> {
        let place = (number as usize).wrapping_sub(1);
        let known = self.known.get(place).ok_or_else(wrong_kind)?;
        self.expanded = self.expanded.saturating_add(known.weight);
        WireError::limit("what the runs refer to, in bytes,", self.expanded, EXPANDED_BYTES_MAX)?;
        Ok(&known.content)
    }

    fn samples(&mut self, layout: u32, bytes: &[u8], runs: &mut [Run]) -> Result<(), WireError> {
        let mut reader = Reader::new(bytes);
        if layout == 0 {
            return reader.end();
        }
        let known = self.known.get(layout as usize - 1).map(|known| &known.content);
        let Some(Content::Layout(series)) = known else { return Err(wrong_kind()) };
        self.samples = self.samples.saturating_add(series.len().saturating_mul(runs.len()));
        WireError::limit("the number of samples", self.samples, SAMPLES_MAX)?;
        let modes = reader.take(series.len())?;
        for run in runs.iter_mut() {
            run.samples.reserve_exact(series.len());
        }
        for (key, mode) in series.iter().zip(modes) {
            values(*mode, &mut reader, runs.len(), |at, value| {
                runs[at].samples.push(Sample { series: key.clone(), value });
            })?;
        }
        reader.end()
    }
}

fn of(runs: &mut [Run], at: u32) -> Result<&mut Run, WireError> {
    runs.get_mut(at as usize)
        .ok_or_else(|| WireError::malformed("a batch", format!("it has no run {at} in a group")))
}

fn wrong_kind() -> WireError {
    WireError::malformed("a batch", "it refers to a definition of the wrong kind or to none")
}

fn outcome_in(kind: u32, why: String) -> Result<Outcome, WireError> {
    Ok(match kind {
        1 => Outcome::Absent(why),
        2 => Outcome::Failed(why),
        3 => Outcome::Stuck,
        4 => Outcome::Deferred(why),
        other => return Err(unknown("an outcome", other)),
    })
}

fn event_in(event: v1::Event) -> Result<Event, WireError> {
    let attrs: BTreeMap<String, String> = attrs_in(event.attrs)?;
    let event = Event {
        kind: event.kind,
        component: ComponentId::parse(&event.component),
        at: Time::from_millis(event.at_ms),
        text: event.text,
        attrs,
    };
    check::happening(&event)?;
    Ok(event)
}
