//! What a host is like now: newest components, words, numbers and runs per source. Kept in memory, pure, and written
//! through when something changed, or every five minutes when only times and numbers moved.
//!
//! Invariant: memory = what is written + the raw batches that came after it. [`super::absorb`] loads it that way, so
//! nothing is lost by writing seldom. A run is taken once, known by (source, time).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use xunjian_proto::{
    Component, ComponentId, Event, Evidence, Outcome, Run, SeriesKey, State, Time,
};

use super::{AgentId, SourceStatus, StateChange, StoreError, codec, ledger::Hour};

/// Between two writings of a source that only repeats itself.
pub(super) const WRITE_EVERY: Duration = Duration::from_secs(300);

/// Bounds against a host that makes up names; far above any real one. What is beyond is counted, not kept.
const SOURCES: usize = 256;
const COMPONENTS: usize = 10_000;
const STATES: usize = 20_000;
const SERIES: usize = 50_000;

/// All agents that were used since the start.
#[derive(Default)]
pub(super) struct NowCache {
    agents: HashMap<AgentId, AgentNow>,
}

impl NowCache {
    pub(super) fn get(&self, agent: &AgentId) -> Option<&AgentNow> {
        self.agents.get(agent)
    }

    pub(super) fn get_mut(&mut self, agent: &AgentId) -> Option<&mut AgentNow> {
        self.agents.get_mut(agent)
    }

    pub(super) fn by_number(&mut self, no: i64) -> Option<&mut AgentNow> {
        self.agents.values_mut().find(|now| now.no == no)
    }

    pub(super) fn insert(&mut self, agent: AgentId, now: AgentNow) {
        self.agents.insert(agent, now);
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut AgentNow> {
        self.agents.values_mut()
    }

    /// After a failed or a foreign write: the disk is the truth.
    pub(super) fn forget_all(&mut self) {
        self.agents.clear();
    }
}

/// One host.
#[derive(Default)]
pub(super) struct AgentNow {
    /// The store's short number of it.
    pub(super) no: i64,
    pub(super) book: SeriesBook,
    pub(super) sources: BTreeMap<String, SourceNow>,
    pub(super) hours: HashMap<(String, i64), Hour>,
}

/// Numbers of an agent's series: stable, from 0, in order of first sight.
#[derive(Clone, Default)]
pub(super) struct SeriesBook {
    numbers: HashMap<Arc<SeriesKey>, u32>,
    keys: Vec<Arc<SeriesKey>>,
    /// Keys from here on are not written yet.
    pub(super) written: usize,
}

impl SeriesBook {
    pub(super) fn find(&self, key: &SeriesKey) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    pub(super) fn key(&self, number: u32) -> Option<&Arc<SeriesKey>> {
        self.keys.get(number as usize)
    }

    pub(super) fn keys(&self) -> &[Arc<SeriesKey>] {
        &self.keys
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn unwritten(&self) -> impl Iterator<Item = (usize, &Arc<SeriesKey>)> {
        self.keys.iter().enumerate().skip(self.written)
    }

    pub(super) fn all_written(&mut self) {
        self.written = self.keys.len();
    }

    /// The key's number, a new one if need be; `None` when the agent has too many.
    pub(super) fn number(&mut self, key: &Arc<SeriesKey>) -> Option<u32> {
        if let Some(number) = self.numbers.get(key) {
            return Some(*number);
        }
        if self.keys.len() >= SERIES {
            return None;
        }
        let number = u32::try_from(self.keys.len()).ok()?;
        self.numbers.insert(key.clone(), number);
        self.keys.push(key.clone());
        Some(number)
    }
}

/// What one source said last.
#[derive(Default)]
pub(super) struct SourceNow {
    pub(super) status: Option<SourceStatus>,
    pub(super) components: BTreeMap<ComponentId, (Component, Time)>,
    pub(super) states: BTreeMap<(ComponentId, String), (String, Time)>,
    pub(super) latest: HashMap<u32, (Time, f64)>,
    /// Something a person would see differently is not written yet.
    pub(super) changed: bool,
    /// Time of the status when it was written last; `None`: never.
    pub(super) written: Option<Time>,
}

/// The written form of [`SourceNow`] but for the numbers.
#[derive(Serialize, Deserialize)]
struct Written {
    status: SourceStatus,
    components: Vec<(Component, Time)>,
    states: Vec<(State, Time)>,
}

/// A source's row.
pub(super) struct Columns {
    pub(super) at: Time,
    pub(super) body: Vec<u8>,
    pub(super) latest: Vec<u8>,
}

/// What else a run brings, to be written beside.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) changes: Vec<StateChange>,
    /// Words of a run that was older than the newest one: the history decides whether they were changes.
    pub(super) late: Vec<(State, Time)>,
    pub(super) events: Vec<Event>,
    pub(super) evidence: Vec<(String, Time, Evidence)>,
    /// Items beyond a bound, left out.
    pub(super) overflow: u64,
}

impl AgentNow {
    /// Event time of the newest run.
    pub(super) fn last_seen(&self) -> Option<Time> {
        self.sources.values().filter_map(|source| source.status.as_ref().map(|it| it.at)).max()
    }

    /// Takes one run in; its hour must be loaded. False if it was taken before.
    pub(super) fn take(&mut self, run: &Run, effects: &mut Effects) -> bool {
        if !self.sources.contains_key(&run.source) && self.sources.len() >= SOURCES {
            effects.overflow += 1;
            return false;
        }
        let seen = self.last_seen();
        let hour = run.at.secs().div_euclid(3600);
        let ledger = self.hours.entry((run.source.clone(), hour)).or_default();
        if !ledger.take(run, hour) {
            return false;
        }
        let source = self.sources.entry(run.source.clone()).or_default();
        // Reloading goes back by twice WRITE_EVERY: what is older than that must be written at once.
        source.changed |= seen.is_some_and(|seen| seen.since(run.at) >= WRITE_EVERY);
        source.take_status(run);
        source.take_components(run, effects);
        source.take_states(run, effects);
        for sample in &run.samples {
            let Some(number) = self.book.number(&sample.series) else {
                effects.overflow += 1;
                continue;
            };
            let slot = source.latest.entry(number).or_insert((run.at, sample.value));
            if slot.0 <= run.at {
                *slot = (run.at, sample.value);
            }
        }
        effects.events.extend(run.events.iter().cloned());
        let named = |evidence: &Evidence| (run.source.clone(), run.at, evidence.clone());
        effects.evidence.extend(run.evidence.iter().map(named));
        true
    }
}

impl SourceNow {
    fn take_status(&mut self, run: &Run) {
        let collected = (run.outcome == Outcome::Collected).then_some(run.at);
        let before = self.status.as_ref().and_then(|status| status.collected_at);
        let collected_at = before.max(collected);
        match &mut self.status {
            Some(status) if status.at > run.at => status.collected_at = collected_at,
            status => {
                let same = status.as_ref().is_some_and(|status| {
                    status.outcome == run.outcome && status.problems == run.problems
                });
                self.changed |= !same;
                *status = Some(SourceStatus {
                    source: run.source.clone(),
                    at: run.at,
                    outcome: run.outcome.clone(),
                    problems: run.problems.clone(),
                    collected_at,
                });
            }
        }
    }

    fn take_components(&mut self, run: &Run, effects: &mut Effects) {
        for component in &run.components {
            let full = self.components.len() >= COMPONENTS;
            match self.components.get_mut(&component.id) {
                Some((_, seen)) if *seen > run.at => {}
                Some((known, seen)) => {
                    *seen = run.at;
                    if known == component {
                        continue;
                    }
                    let mut news = component.clone();
                    if let (Some(set), Some(before)) = (&mut news.set, &known.set) {
                        set.remember(before);
                    }
                    if *known != news {
                        *known = news;
                        self.changed = true;
                    }
                }
                None if full => effects.overflow += 1,
                None => {
                    self.components.insert(component.id.clone(), (component.clone(), run.at));
                    self.changed = true;
                }
            }
        }
    }

    fn take_states(&mut self, run: &Run, effects: &mut Effects) {
        for state in &run.states {
            let key = (state.component.clone(), state.metric.clone());
            let full = self.states.len() >= STATES;
            let change = |from: Option<String>| StateChange {
                component: state.component.clone(),
                metric: state.metric.clone(),
                from,
                to: state.value.clone(),
                at: run.at,
            };
            match self.states.get_mut(&key) {
                Some((_, read)) if *read > run.at => effects.late.push((state.clone(), run.at)),
                Some((value, read)) => {
                    *read = run.at;
                    if *value != state.value {
                        effects.changes.push(change(Some(value.clone())));
                        value.clone_from(&state.value);
                        self.changed = true;
                    }
                }
                None if full => effects.overflow += 1,
                None => {
                    effects.changes.push(change(None));
                    self.states.insert(key, (state.value.clone(), run.at));
                    self.changed = true;
                }
            }
        }
    }

    /// Whether it says anything that is not written.
    pub(super) fn moved(&self) -> bool {
        self.changed || self.status.as_ref().map(|status| status.at) != self.written
    }

    /// Whether it is time to write it; `newest` is the agent's newest run, of any source.
    pub(super) fn due(&self, newest: Option<Time>) -> bool {
        let old =
            self.written.is_none_or(|at| newest.is_some_and(|it| it.since(at) >= WRITE_EVERY));
        self.changed || (old && self.moved())
    }

    /// The row it is written as; `None` before its first run.
    pub(super) fn encode(&self) -> Result<Option<Columns>, StoreError> {
        let Some(status) = &self.status else { return Ok(None) };
        let states = self.states.iter().map(|((component, metric), (value, at))| {
            let (metric, component, value) = (metric.clone(), component.clone(), value.clone());
            (State { metric, component, value }, *at)
        });
        let written = Written {
            status: status.clone(),
            components: self.components.values().cloned().collect(),
            states: states.collect(),
        };
        let corrupt =
            |why: String| StoreError::Corrupt { what: "a source's newest run".into(), why };
        let json = serde_json::to_vec(&written).map_err(|error| corrupt(error.to_string()))?;
        let body = zstd::bulk::compress(&json, 1).map_err(|error| corrupt(error.to_string()))?;
        let mut numbers: Vec<_> = self.latest.iter().collect();
        numbers.sort_by_key(|(number, _)| **number);
        let mut latest = Vec::with_capacity(numbers.len() * 12);
        for (number, (at, value)) in numbers {
            codec::put_varint(&mut latest, u64::from(*number));
            codec::put_signed(&mut latest, status.at.millis().wrapping_sub(at.millis()));
            latest.extend_from_slice(&value.to_le_bytes());
        }
        Ok(Some(Columns { at: status.at, body, latest }))
    }

    /// Reads the two columns back.
    pub(super) fn decode(body: &[u8], latest: &[u8]) -> Result<SourceNow, StoreError> {
        let corrupt =
            |why: String| StoreError::Corrupt { what: "a source's newest run".into(), why };
        // Bounded by the bounds above times the wire's size of one component.
        let json = zstd::bulk::decompress(body, 256 << 20).map_err(|it| corrupt(it.to_string()))?;
        let written: Written =
            serde_json::from_slice(&json).map_err(|error| corrupt(error.to_string()))?;
        let mut now = SourceNow { written: Some(written.status.at), ..SourceNow::default() };
        let base = written.status.at.millis();
        now.components = written
            .components
            .into_iter()
            .map(|(component, at)| (component.id.clone(), (component, at)))
            .collect();
        now.states = written
            .states
            .into_iter()
            .map(|(state, at)| ((state.component, state.metric), (state.value, at)))
            .collect();
        now.status = Some(written.status);
        let mut bytes = codec::Bytes::new("a source's newest numbers", latest);
        while !bytes.is_empty() {
            let number = bytes.u32()?;
            let at = Time::from_millis(base.wrapping_sub(bytes.signed()?));
            now.latest.insert(number, (at, bytes.f64()?));
        }
        Ok(now)
    }
}
