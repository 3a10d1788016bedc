//! A batch to runs.

use std::{collections::BTreeMap, sync::Arc};

use prost::Message;

use super::{
    Content, Hash, Known, WireError,
    coder::Decoder,
    decompress,
    define::{attrs_in, unknown},
    pack::Models,
    scan,
};
use crate::{
    ComponentId, Cost, Event, Outcome, Run, Sample, SeriesKey, Time,
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
    let (hashes, rest) = body.definitions.as_chunks();
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
        let known = self.known(lookup)?;
        let mut table = Table { known, samples: 0, expanded: 0 };
        let mut whole = Whole::default();
        let (order, groups) = table.numbers(&self.body, &mut whole)?;
        let mut groups: Vec<_> = groups.into_iter().map(Vec::into_iter).collect();
        let mut runs: Vec<Run> = order.iter().filter_map(|group| groups[*group].next()).collect();
        table.happenings(self.body, &mut runs)?;
        Ok(runs)
    }

    /// The numbers alone, handed on as they are read: a third of the time of [`Opened::runs`].
    pub fn numbers(
        self,
        lookup: &dyn Fn(&Hash) -> Option<Known>,
        sink: &mut dyn Numbers,
    ) -> Result<(), WireError> {
        let known = self.known(lookup)?;
        let mut table = Table { known, samples: 0, expanded: 0 };
        table.numbers(&self.body, &mut Alone(sink)).map(drop)
    }

    fn known(&self, lookup: &dyn Fn(&Hash) -> Option<Known>) -> Result<Vec<Known>, WireError> {
        let (mut known, mut missing) = (Vec::with_capacity(self.references.len()), Vec::new());
        for hash in &self.references {
            match lookup(hash) {
                Some(it) => known.push(it),
                None => missing.push(*hash),
            }
        }
        if missing.is_empty() { Ok(known) } else { Err(WireError::Missing(missing)) }
    }
}

/// The ordered series of a source's runs.
pub type Layout = Arc<[Arc<SeriesKey>]>;

/// Takes the numbers of a batch, group by group: the runs of one source that have the same series.
pub trait Numbers {
    /// The values that follow are of these series and of runs at these times.
    fn group(&mut self, series: &Layout, times: &[Time]);
    /// The value of the series at this place in the run at that place.
    fn value(&mut self, series: usize, run: usize, value: f64);
}

/// What becomes of the runs of a group.
trait Sink {
    /// The runs have their times, and no samples yet.
    fn group(&mut self, series: &Layout, runs: &mut Vec<Run>);
    fn value(&mut self, series: usize, run: usize, value: f64);
    /// All values of the group were given.
    fn end(&mut self, runs: &mut Vec<Run>);
    /// Whether components, states and problems are wanted.
    fn inventories(&self) -> bool;
}

/// Makes whole runs.
#[derive(Default)]
struct Whole {
    series: Layout,
    runs: Vec<Run>,
}

impl Sink for Whole {
    fn group(&mut self, series: &Layout, runs: &mut Vec<Run>) {
        self.series = series.clone();
        self.runs = std::mem::take(runs);
        self.runs.iter_mut().for_each(|run| run.samples.reserve_exact(series.len()));
    }

    #[inline]
    fn value(&mut self, series: usize, run: usize, value: f64) {
        self.runs[run].samples.push(Sample { series: self.series[series].clone(), value });
    }

    fn end(&mut self, runs: &mut Vec<Run>) {
        *runs = std::mem::take(&mut self.runs);
    }

    fn inventories(&self) -> bool {
        true
    }
}

/// Hands the numbers on and lets the runs go.
struct Alone<'a>(&'a mut dyn Numbers);

impl Sink for Alone<'_> {
    fn group(&mut self, series: &Layout, runs: &mut Vec<Run>) {
        let times: Vec<Time> = runs.iter().map(|run| run.at).collect();
        self.0.group(series, &times);
    }

    #[inline]
    fn value(&mut self, series: usize, run: usize, value: f64) {
        self.0.value(series, run, value);
    }

    fn end(&mut self, _: &mut Vec<Run>) {}

    fn inventories(&self) -> bool {
        false
    }
}

/// A source, and the series of its runs.
type Kind = (Arc<str>, Layout);

/// What the runs refer to, and what they have used up so far.
struct Table {
    known: Vec<Known>,
    samples: usize,
    expanded: usize,
}

impl Table {
    /// The runs by group, and of which group each next run of the batch is.
    fn numbers<S: Sink>(
        &mut self,
        body: &v1::BatchBody,
        sink: &mut S,
    ) -> Result<(Vec<usize>, Vec<Vec<Run>>), WireError> {
        let (mut input, mut models) = (Decoder::new(&body.numbers), Models::new());
        let mut count = || input.number(&mut models.count);
        let (layouts, runs) = (count()?, count()?);
        let kinds = self.kinds(usize::try_from(layouts).unwrap_or(usize::MAX), &body.sources)?;
        let total = usize::try_from(runs).unwrap_or(usize::MAX);
        WireError::limit("the number of runs", total, RUNS_MAX)?;
        let (mut order, mut counts) = (Vec::with_capacity(total), vec![0; kinds.len()]);
        let mut before = 0;
        for _ in 0..total {
            let group = input.number(models.order(before))?;
            before = usize::try_from(group).unwrap_or(usize::MAX);
            let count = counts.get_mut(before);
            *count.ok_or_else(|| WireError::malformed("a batch", "its order is wrong"))? += 1;
            order.push(before);
        }
        let groups = kinds.iter().zip(counts);
        let groups =
            groups.map(|(kind, count)| self.group(kind, count, &mut models, &mut input, sink));
        let groups = groups.collect::<Result<Vec<_>, WireError>>()?;
        input.end()?;
        Ok((order, groups))
    }

    /// Source and series of each group: first those with layouts, then those without samples.
    fn kinds(&self, layouts: usize, sources: &str) -> Result<Vec<Kind>, WireError> {
        let layouts = self.known.get(..layouts).ok_or_else(wrong_kind)?.iter();
        let layouts = layouts.map(|known| match &known.content {
            Content::Layout(source, series) => Ok((source.clone(), series.clone())),
            _ => Err(wrong_kind()),
        });
        let bare = sources.split(' ').filter(|it| !it.is_empty()).map(|source| {
            check::name("a source's name", source)?;
            Ok((source.into(), Arc::default()))
        });
        layouts.chain(bare.take(RUNS_MAX)).collect()
    }

    /// The `count` runs of one source with one layout.
    fn group<S: Sink>(
        &mut self,
        (source, series): &Kind,
        count: usize,
        models: &mut Models,
        input: &mut Decoder<'_>,
        sink: &mut S,
    ) -> Result<Vec<Run>, WireError> {
        self.samples = self.samples.saturating_add(series.len().saturating_mul(count));
        WireError::limit("the number of samples", self.samples, SAMPLES_MAX)?;
        let mut runs: Vec<Run> = (0..count).map(|_| blank(source)).collect();
        let near = models.near_ms;
        models.at_ms.whole(input, count, near, |at, value| {
            runs[at].at = Time::from_millis(value);
            Ok(())
        })?;
        models.near_ms = runs.first().map_or(near, |run| run.at.millis());
        models.took_ms.whole(input, count, 0, |at, value| {
            runs[at].took_ms = u32::try_from(value)
                .map_err(|_| WireError::malformed("a batch", "a duration beyond 32 bits"))?;
            Ok(())
        })?;
        let inventories = sink.inventories();
        models.inventory.whole(input, count, 0, |at, value| {
            if inventories { self.inventory(value, &mut runs[at]) } else { Ok(()) }
        })?;
        models.cpu_us.whole(input, count, 0, |at, value| {
            runs[at].cost.cpu_us = value as u64;
            Ok(())
        })?;
        models.read_bytes.whole(input, count, 0, |at, value| {
            runs[at].cost.read_bytes = value as u64;
            Ok(())
        })?;
        if count > 0 {
            sink.group(series, &mut runs);
            for place in 0..series.len() {
                models.values.values(input, count, |at, value| sink.value(place, at, value))?;
            }
            sink.end(&mut runs);
        }
        Ok(runs)
    }

    fn happenings(&mut self, body: v1::BatchBody, runs: &mut [Run]) -> Result<(), WireError> {
        for outcome in body.outcomes {
            let (run, kind, text) = (outcome.run, outcome.kind, outcome.text);
            check::text("an outcome", &text)?;
            of(runs, run)?.outcome = outcome_in(kind, text)?;
        }
        for event in body.events {
            let run = of(runs, event.run)?;
            run.events.push(event_in(event)?);
        }
        for it in body.evidence {
            let run = of(runs, it.run)?;
            let Content::Evidence(evidence) = self.copied(it.definition)? else {
                return Err(wrong_kind());
            };
            run.evidence.push((**evidence).clone());
        }
        for program in body.programs {
            check::text("a command line", &program.command)?;
            let run = of(runs, program.run)?;
            run.cost.programs.push((program.command, program.took_ms));
        }
        Ok(())
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
}

/// A run of which nothing is known yet but its source.
fn blank(source: &str) -> Run {
    Run {
        source: source.to_owned(),
        at: Time::from_millis(0),
        took_ms: 0,
        outcome: Outcome::Collected,
        components: Vec::new(),
        samples: Vec::new(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: Cost::default(),
    }
}

fn of(runs: &mut [Run], at: u32) -> Result<&mut Run, WireError> {
    runs.get_mut(at as usize)
        .ok_or_else(|| WireError::malformed("a batch", format!("it has no run {at}")))
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
