//! What the collector keeps of one host in memory: only what the rules ask for, bounded.

use std::{collections::BTreeMap, collections::HashMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Outcome as RunOutcome, Reason, Time};
use xunjian_rules::{Attrs, MetricId, Rule, RuleSet};

use super::{
    hold::{Hold, Outcome},
    known::SELF,
    peers::SetView,
    series::{RECENT, Series},
};

/// Most components of a host. A large storage server has some hundreds; a container host that makes and drops network
/// interfaces for years would pass any bound, so the longest unseen ones go first.
pub(super) const PARTS_MAX: usize = 4_096;

/// Most series, words and kinds of events kept of one component.
pub(super) const SLOTS_MAX: usize = 256;

/// Most happenings of one kind kept of one component; thresholds are far below.
pub(super) const EVENTS_MAX: usize = 128;

/// Most word changes kept.
pub(super) const CHANGES_MAX: usize = 64;

/// A host as the rules see it.
#[derive(Debug, Clone)]
pub struct HostView {
    pub(super) rules: Arc<RuleSet>,
    pub(super) sources: Vec<SourceView>,
    pub(super) parts: Vec<Part>,
    pub(super) index: HashMap<ComponentId, usize>,
    pub(super) pairs: Vec<Pair>,
    /// Event time of the newest run.
    pub(super) newest: Option<Time>,
    pub(super) stats: ViewStats,
    // Made from the rules, never saved.
    pub(super) plan: Vec<Vec<usize>>,
    pub(super) metric_sources: Vec<Vec<usize>>,
    pub(super) pair_index: HashMap<(usize, usize), usize>,
}

/// What was left out, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewStats {
    /// Runs taken in.
    pub runs: u64,
    /// Runs seen before.
    pub duplicates: u64,
    /// Runs older than what can be judged again; their numbers still went into the windows.
    pub too_late: u64,
    /// Runs refused because they lie in the future.
    pub future: u64,
    /// Components, series or events that found no room.
    pub overflow: u64,
    /// Values that mean "not read" and were left out.
    pub sentinels: u64,
    /// Counters of drives that fell, which such counters never do.
    #[serde(default)]
    pub backwards: u64,
}

/// What is known of a source on this host.
#[derive(Debug, Clone)]
pub(super) struct SourceView {
    pub(super) name: String,
    /// Declared period; zero for a source that no rule knows.
    pub(super) every: Duration,
    /// Newest runs, oldest first, at most [`RECENT`].
    pub(super) runs: Vec<RunMark>,
    /// When it last ended as collected.
    pub(super) collected_at: Option<Time>,
}

/// One run, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RunMark {
    pub(super) at: Time,
    pub(super) outcome: RunOutcome,
    pub(super) problems: u32,
    /// Text of the first problem.
    pub(super) problem: String,
    /// It had gaps of which it is not known what they hid.
    pub(super) partial: bool,
}

/// A component with what the rules need of it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) id: ComponentId,
    pub(super) name: String,
    pub(super) attrs: BTreeMap<String, String>,
    pub(super) slots: Vec<Slot>,
    pub(super) words: Vec<WordSlot>,
    pub(super) events: Vec<EventSlot>,
    /// Per source: when it saw the component, newest last, at most [`RECENT`].
    pub(super) seen: Vec<(usize, Vec<Time>)>,
    /// Gaps in the runs that are still in their source's list.
    pub(super) problems: Vec<PartProblem>,
    /// What it consists of, if it is a set.
    pub(super) set: Option<SetView>,
}

/// A source could not read the component.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PartProblem {
    pub(super) source: usize,
    pub(super) at: Time,
    pub(super) reason: Reason,
    pub(super) text: String,
}

/// A series of numbers.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) metric: MetricId,
    pub(super) attrs: Attrs,
    pub(super) series: Series,
    /// When a value that means "not read" came last.
    pub(super) sentinel: Option<Time>,
}

/// A word: newest readings, and the changes before them.
#[derive(Debug, Clone)]
pub(super) struct WordSlot {
    pub(super) metric: MetricId,
    pub(super) recent: Vec<(Time, String)>,
    /// Changes among older readings: when, and to what.
    pub(super) changes: Vec<(Time, String)>,
}

/// Happenings of one kind.
#[derive(Debug, Clone)]
pub(super) struct EventSlot {
    pub(super) metric: MetricId,
    pub(super) list: Vec<Happening>,
}

/// One happening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Happening {
    /// When it happened.
    pub(super) at: Time,
    /// The run that told of it.
    pub(super) told: Time,
    pub(super) text: String,
    pub(super) attrs: Attrs,
}

/// One rule on one component.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) rule: usize,
    pub(super) part: usize,
    /// The source on whose runs it is judged.
    pub(super) source: usize,
    /// One outcome for each of the source's newest runs.
    pub(super) outcomes: [Outcome; RECENT],
    /// The state before them.
    pub(super) base: Hold,
    /// The state after them.
    pub(super) state: Hold,
}

/// Readings are gathered for a minute before they are sent, sent again after a lost connection, and judged once a
/// minute: younger than this nothing is late.
const FRESH_MIN: Duration = Duration::from_secs(240);

impl HostView {
    /// An empty view of a host.
    pub fn new(rules: Arc<RuleSet>) -> HostView {
        let mut view = HostView {
            sources: Vec::new(),
            parts: Vec::new(),
            index: HashMap::new(),
            pairs: Vec::new(),
            newest: None,
            stats: ViewStats::default(),
            plan: Vec::new(),
            metric_sources: Vec::new(),
            pair_index: HashMap::new(),
            rules: Arc::clone(&rules),
        };
        for metric in &rules.metrics {
            let also = metric.also.iter().map(|(name, every)| (name.as_str(), *every));
            let mut places = Vec::new();
            for (name, every) in std::iter::once((metric.source.as_str(), metric.every)).chain(also)
            {
                let source = view.source_index(name);
                view.sources[source].every = every;
                places.push(source);
            }
            view.metric_sources.push(places);
        }
        view
    }

    /// The rules it was made for.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// What a component is called; `None` for one that was never described.
    pub fn name_of(&self, id: &ComponentId) -> Option<&str> {
        let name = self.parts[*self.index.get(id)?].name.as_str();
        Some(name).filter(|it| !it.is_empty())
    }

    /// Everything the rules may be asked about: identity, name, and the attributes that people know it by.
    pub fn parts(&self) -> impl Iterator<Item = (&ComponentId, &str, &BTreeMap<String, String>)> {
        self.parts.iter().map(|it| (&it.id, it.name.as_str(), &it.attrs))
    }

    /// Event time of the newest run.
    pub fn newest(&self) -> Option<Time> {
        self.newest
    }

    /// What was left out so far.
    pub fn stats(&self) -> ViewStats {
        self.stats
    }

    /// Bytes that the histories of numbers take, and how many series that is: for the self-observation.
    pub fn window_bytes(&self) -> (usize, usize) {
        let mut bytes = 0;
        let mut count = 0;
        for slot in self.parts.iter().flat_map(|part| &part.slots) {
            let series = &slot.series;
            let buckets: usize = series.windows.iter().map(|it| it.buckets.capacity()).sum();
            bytes += size_of::<Slot>()
                + series.recent.capacity() * size_of::<super::series::Point>()
                + series.windows.capacity() * size_of::<super::series::Window>()
                + buckets * size_of::<super::series::Bucket>();
            count += 1;
        }
        (bytes, count)
    }

    /// Place of a source; made if it is new.
    pub(super) fn source_index(&mut self, name: &str) -> usize {
        if let Some(at) = self.sources.iter().position(|it| it.name == name) {
            return at;
        }
        let rules = &self.rules.rules;
        let judged = |rule: &Rule| rule.source == name || (rule.source == SELF && rule.on == SELF);
        let plan =
            (0..rules.len()).filter(|at| judged(&rules[*at]) && !rules[*at].when.timed()).collect();
        self.plan.push(plan);
        self.sources.push(SourceView {
            name: name.to_owned(),
            every: Duration::ZERO,
            runs: Vec::new(),
            collected_at: None,
        });
        self.sources.len() - 1
    }

    /// Place of a component; made if it is new and there is room.
    pub(super) fn part_index(&mut self, id: &ComponentId, at: Time) -> Option<usize> {
        if let Some(found) = self.index.get(id) {
            return Some(*found);
        }
        if self.parts.len() >= PARTS_MAX {
            self.drop_unseen(at);
        }
        if self.parts.len() >= PARTS_MAX {
            self.stats.overflow += 1;
            return None;
        }
        self.parts.push(Part::new(id.clone()));
        self.index.insert(id.clone(), self.parts.len() - 1);
        Some(self.parts.len() - 1)
    }

    /// Makes room: what nothing has seen for a week and nothing is wrong with.
    fn drop_unseen(&mut self, now: Time) {
        let firing: Vec<usize> =
            self.pairs.iter().filter(|it| it.state.firing).map(|it| it.part).collect();
        let old = now - xunjian_rules::days(7);
        let stays = |at: usize, part: &Part| {
            let seen = part.seen.iter().flat_map(|(_, times)| times).max();
            firing.contains(&at) || part.id.kind() == "host" || seen.is_some_and(|it| *it >= old)
        };
        let mut places = vec![None; self.parts.len()];
        let mut kept = Vec::new();
        for (at, part) in std::mem::take(&mut self.parts).into_iter().enumerate() {
            if stays(at, &part) {
                places[at] = Some(kept.len());
                kept.push(part);
            }
        }
        self.parts = kept;
        self.pairs.retain_mut(|pair| match places[pair.part] {
            Some(place) => {
                pair.part = place;
                true
            }
            None => false,
        });
        self.reindex();
    }

    /// Makes the indexes again.
    pub(super) fn reindex(&mut self) {
        self.index = self.parts.iter().enumerate().map(|(at, it)| (it.id.clone(), at)).collect();
        self.pair_index =
            self.pairs.iter().enumerate().map(|(at, it)| ((it.rule, it.part), at)).collect();
    }
}

impl SourceView {
    /// The newest run that is not after `at`.
    pub(super) fn run(&self, at: Time) -> Option<&RunMark> {
        self.runs.iter().rev().find(|run| run.at <= at)
    }

    /// How long a reading counts as fresh: three periods, but never less than [`FRESH_MIN`]. The period is the
    /// declared one, or what the source keeps to if that is longer: the smallest of the last three gaps, so that one
    /// outage does not stretch it. At most a day.
    pub(super) fn fresh_for(&self) -> Duration {
        let gaps = self.runs.windows(2).rev().take(3).map(|it| it[1].at.since(it[0].at));
        let kept = gaps.min().unwrap_or_default().min(xunjian_rules::days(1));
        (self.every.max(kept) * 3).max(FRESH_MIN)
    }
}

impl Part {
    pub(super) fn new(id: ComponentId) -> Part {
        let name = if id.key().is_empty() { id.as_str() } else { id.key() }.to_owned();
        Part {
            id,
            name,
            attrs: BTreeMap::new(),
            slots: Vec::new(),
            words: Vec::new(),
            events: Vec::new(),
            seen: Vec::new(),
            problems: Vec::new(),
            set: None,
        }
    }

    /// When a source last saw it, up to `at`.
    pub(super) fn seen_by(&self, source: usize, at: Time) -> Option<Time> {
        let (_, times) = self.seen.iter().find(|(it, _)| *it == source)?;
        times.iter().rev().find(|time| **time <= at).copied()
    }

    /// What the source's run at this very time could not read of it.
    pub(super) fn problem(&self, source: usize, at: Time) -> Option<&PartProblem> {
        self.problems.iter().find(|it| it.source == source && it.at == at)
    }

    /// Whether a rule is about it.
    pub(super) fn suits(&self, rule: &Rule) -> bool {
        rule.on == self.id.kind()
            && rule.only.iter().all(|(attr, values)| {
                let value = self.attrs.get(attr).map_or("", String::as_str);
                values.iter().any(|it| it == value)
            })
    }
}
