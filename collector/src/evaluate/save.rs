//! A host view as bytes, for a warm restart. Names, not numbers: the rules may change in between.
//!
//! The form is this program's own and carries a version; anything that cannot be read is an error, and the caller then
//! begins with an empty view and the stored readings.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xunjian_proto::{ComponentId, Reason, Time};
use xunjian_rules::{Attrs, RuleSet};

use super::{
    hold::{Hold, Outcome},
    peers::SetView,
    series::{Bucket, Point, RECENT, Series},
    view::{
        EventSlot, Happening, HostView, Pair, Part, PartProblem, RunMark, Slot, ViewStats, WordSlot,
    },
};

const VERSION: u32 = 1;

/// Most bytes that a saved view may unpack to; a large host has a hundredth of it.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// Why a saved view could not be read.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// It is damaged.
    #[error("the saved evaluation state cannot be unpacked")]
    Unpack(#[source] std::io::Error),
    /// It is not what this program writes.
    #[error("the saved evaluation state cannot be read")]
    Read(#[source] serde_json::Error),
    /// It was written by another version.
    #[error("the saved evaluation state has version {0}, this program reads {VERSION}")]
    Version(u32),
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    newest: Option<Time>,
    stats: ViewStats,
    sources: Vec<SavedSource>,
    parts: Vec<SavedPart>,
    pairs: Vec<SavedPair>,
}

#[derive(Serialize, Deserialize)]
struct SavedSource {
    name: String,
    runs: Vec<RunMark>,
    collected_at: Option<Time>,
}

#[derive(Serialize, Deserialize)]
struct SavedPart {
    id: ComponentId,
    name: String,
    attrs: BTreeMap<String, String>,
    slots: Vec<SavedSlot>,
    words: Vec<(String, Words, Words)>,
    events: Vec<(String, Vec<Happening>)>,
    seen: Vec<(usize, Vec<Time>)>,
    problems: Vec<(usize, Time, Reason, String)>,
    #[serde(default)]
    set: Option<SetView>,
}

/// Values as bits: JSON numbers do not keep every f64.
#[derive(Serialize, Deserialize)]
struct SavedSlot {
    metric: String,
    attrs: Attrs,
    first: Time,
    #[serde(default)]
    origin: Option<u64>,
    sentinel: Option<Time>,
    recent: Vec<(Time, u64)>,
    windows: Vec<(Duration, Buckets)>,
}

type Words = Vec<(Time, String)>;

/// Time, last value, largest value.
type Buckets = Vec<(Time, u64, u64)>;

#[derive(Serialize, Deserialize)]
struct SavedPair {
    rule: String,
    part: usize,
    source: usize,
    outcomes: [Outcome; RECENT],
    base: Hold,
    state: Hold,
}

impl HostView {
    /// The view as bytes.
    pub fn save(&self) -> Vec<u8> {
        let name = |id: xunjian_rules::MetricId| self.rules.metric(id).name.clone();
        let saved = Saved {
            version: VERSION,
            newest: self.newest,
            stats: self.stats,
            sources: self
                .sources
                .iter()
                .map(|it| SavedSource {
                    name: it.name.clone(),
                    runs: it.runs.clone(),
                    collected_at: it.collected_at,
                })
                .collect(),
            parts: self
                .parts
                .iter()
                .map(|part| SavedPart {
                    id: part.id.clone(),
                    name: part.name.clone(),
                    attrs: part.attrs.clone(),
                    slots: part
                        .slots
                        .iter()
                        .map(|slot| save_slot(slot, name(slot.metric)))
                        .collect(),
                    words: part
                        .words
                        .iter()
                        .map(|it| (name(it.metric), it.recent.clone(), it.changes.clone()))
                        .collect(),
                    events: part
                        .events
                        .iter()
                        .map(|it| (name(it.metric), it.list.clone()))
                        .collect(),
                    seen: part.seen.clone(),
                    problems: part
                        .problems
                        .iter()
                        .map(|it| (it.source, it.at, it.reason, it.text.clone()))
                        .collect(),
                    set: part.set.clone(),
                })
                .collect(),
            pairs: self
                .pairs
                .iter()
                .map(|pair| SavedPair {
                    rule: self.rules.rules[pair.rule].id.to_string(),
                    part: pair.part,
                    source: pair.source,
                    outcomes: pair.outcomes,
                    base: pair.base,
                    state: pair.state,
                })
                .collect(),
        };
        let text = serde_json::to_vec(&saved).expect("maps have text keys and numbers are finite");
        zstd::bulk::compress(&text, 1).expect("memory is there for the packed form")
    }

    /// The view that was saved, for these rules: what they do not need is dropped, what they need anew begins empty.
    pub fn restore(rules: Arc<RuleSet>, bytes: &[u8]) -> Result<HostView, RestoreError> {
        let text = zstd::bulk::decompress(bytes, BYTES_MAX).map_err(RestoreError::Unpack)?;
        let version: Version = serde_json::from_slice(&text).map_err(RestoreError::Read)?;
        if version.version != VERSION {
            return Err(RestoreError::Version(version.version));
        }
        let saved: Saved = serde_json::from_slice(&text).map_err(RestoreError::Read)?;
        let mut view = HostView::new(rules);
        view.newest = saved.newest;
        view.stats = saved.stats;
        let mut places = Vec::new();
        for source in saved.sources {
            let at = view.source_index(&source.name);
            view.sources[at].runs = source.runs;
            view.sources[at].runs.truncate(RECENT);
            view.sources[at].collected_at = source.collected_at;
            places.push(at);
        }
        for part in saved.parts {
            let part = restore_part(&view.rules, part, &places);
            view.parts.push(part);
        }
        for pair in saved.pairs {
            let rule = view.rules.rules.binary_search_by(|rule| (*rule.id).cmp(pair.rule.as_str()));
            let (Ok(rule), Some(source)) = (rule, places.get(pair.source).copied()) else {
                continue;
            };
            if pair.part < view.parts.len() {
                view.pairs.push(Pair {
                    rule,
                    part: pair.part,
                    source,
                    outcomes: pair.outcomes,
                    base: pair.base,
                    state: pair.state,
                });
            }
        }
        view.reindex();
        Ok(view)
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn save_slot(slot: &Slot, metric: String) -> SavedSlot {
    let point = |it: &Point| (it.at, it.value.to_bits());
    let bucket = |it: &Bucket| (it.at, it.last.to_bits(), it.max.to_bits());
    SavedSlot {
        metric,
        attrs: slot.attrs.clone(),
        first: slot.series.first,
        origin: slot.series.origin.map(f64::to_bits),
        sentinel: slot.sentinel,
        recent: slot.series.recent.iter().map(point).collect(),
        windows: slot
            .series
            .windows
            .iter()
            .map(|it| (it.length, it.buckets.iter().map(bucket).collect()))
            .collect(),
    }
}

fn restore_part(rules: &RuleSet, saved: SavedPart, places: &[usize]) -> Part {
    let mut part = Part::new(saved.id);
    part.name = saved.name;
    part.attrs = saved.attrs;
    part.set = saved.set;
    part.slots = saved.slots.into_iter().filter_map(|slot| restore_slot(rules, slot)).collect();
    for (name, recent, changes) in saved.words {
        if let Some(metric) = rules.id(&name) {
            part.words.push(WordSlot { metric, recent, changes });
        }
    }
    for (name, list) in saved.events {
        if let Some(metric) = rules.id(&name) {
            part.events.push(EventSlot { metric, list });
        }
    }
    for (source, times) in saved.seen {
        if let Some(source) = places.get(source) {
            part.seen.push((*source, times));
        }
    }
    for (source, at, reason, text) in saved.problems {
        if let Some(source) = places.get(source) {
            part.problems.push(PartProblem { source: *source, at, reason, text });
        }
    }
    part
}

fn restore_slot(rules: &RuleSet, saved: SavedSlot) -> Option<Slot> {
    let metric = rules.id(&saved.metric)?;
    let mut series = Series::new(saved.first, &rules.windows[usize::from(metric.0)]);
    series.origin = saved.origin.map(f64::from_bits);
    series.recent = saved
        .recent
        .into_iter()
        .map(|(at, bits)| Point { at, value: f64::from_bits(bits) })
        .collect();
    for (length, buckets) in saved.windows {
        if let Some(window) = series.windows.iter_mut().find(|it| it.length == length) {
            window.buckets = buckets
                .into_iter()
                .map(|(at, last, max)| Bucket {
                    at,
                    last: f64::from_bits(last),
                    max: f64::from_bits(max),
                })
                .collect();
        }
    }
    Some(Slot { metric, attrs: saved.attrs, series, sentinel: saved.sentinel })
}
