//! Taking a run in: readings into windows, then the rules of its source, judged at the run's own time.
//!
//! Invariant: runs of a source that arrive out of order bring the same state as in order, as long as none is older than
//! the [`RECENT`] newest ones: the outcomes after a late run are worked out again from what was known at their times.

use std::time::Duration;

use xunjian_proto::{Component, ComponentId, Outcome as RunOutcome, Reason, Run, Time};
use xunjian_rules::{Attrs, MetricId, MetricKind};

use super::{
    hold::Outcome,
    known::{SELF, fall},
    overrides::{Overrides, Tuned},
    score::Sums,
    series::{Fall, Point, RECENT, Series, is_sentinel},
    truth::{Scope, Truth},
    view::{CHANGES_MAX, HostView, Pair, PartProblem, RunMark, SLOTS_MAX, Slot, WordSlot},
};

/// A run may lie so far ahead of the collector's clock; clocks without NTP drift by minutes.
const AHEAD_MAX: Duration = Duration::from_secs(15 * 60);

/// Longest text of a happening that is kept for sentences.
pub(super) const TEXT_MAX: usize = 300;

/// Longest text of a problem that is kept: the agent's longest, because half a text is not known to its templates. What is
/// said of it is shorter.
const PROBLEM_MAX: usize = 1_000;

/// Longest history that any rule looks back over.
const OLDEST: Duration = xunjian_rules::days(400);

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absorbed {
    /// The newest of its source.
    InOrder,
    /// Not the newest; judged at its own time.
    Late,
    /// Older than what can be judged again: its numbers count in the windows, nothing more.
    TooLate,
    /// Seen before.
    Duplicate,
    /// Refused: it lies in the future, so the host's clock is wrong.
    Future,
}

impl HostView {
    /// Takes a run in. `arrived`: the collector's clock when it came; for replays the time of the newest reading.
    pub fn absorb(&mut self, run: &Run, overrides: &Overrides, arrived: Time) -> Absorbed {
        if run.at > arrived + AHEAD_MAX {
            self.stats.future += 1;
            return Absorbed::Future;
        }
        let source = self.source_index(&run.source);
        let runs = &self.sources[source].runs;
        let place = runs.partition_point(|it| it.at < run.at);
        if runs.get(place).is_some_and(|it| it.at == run.at) {
            self.stats.duplicates += 1;
            return Absorbed::Duplicate;
        }
        let newest = place == runs.len();
        let too_late = place == 0 && runs.len() >= RECENT;
        self.stats.runs += 1;
        self.readings(run, source, too_late);
        self.name_host(overrides.hostname(), run.at);
        if too_late {
            self.stats.too_late += 1;
            return Absorbed::TooLate;
        }
        self.newest = self.newest.max(Some(run.at));
        let place = self.insert_run(run, source, place);
        self.judge_from(source, place, overrides);
        if newest { Absorbed::InOrder } else { Absorbed::Late }
    }

    /// Puts the run among its source's newest ones and says where it stands then.
    fn insert_run(&mut self, run: &Run, source: usize, place: usize) -> usize {
        let mark = RunMark {
            at: run.at,
            outcome: run.outcome.clone(),
            problems: u32::try_from(run.problems.len()).unwrap_or(u32::MAX),
            problem: run.problems.first().map(|it| cut(&it.text, PROBLEM_MAX)).unwrap_or_default(),
            partial: run.problems.iter().any(|it| {
                use Reason::{PermissionDenied, TimedOut, ToolFailed, Truncated, Unparsable};
                let hides = matches!(
                    it.reason,
                    PermissionDenied | TimedOut | ToolFailed | Truncated | Unparsable
                );
                it.component.is_none() && hides
            }),
        };
        self.insert_mark(mark, source, place)
    }

    /// The same for what is kept of the run.
    pub(super) fn insert_mark(&mut self, mark: RunMark, source: usize, mut place: usize) -> usize {
        let view = &mut self.sources[source];
        if mark.outcome == RunOutcome::Collected {
            view.collected_at = view.collected_at.max(Some(mark.at));
        }
        let evict = view.runs.len() >= RECENT;
        let oldest = view.runs.first().map(|it| it.at);
        view.runs.insert(place, mark);
        if evict {
            view.runs.remove(0);
            place -= 1;
        }
        for pair in self.pairs.iter_mut().filter(|it| it.source == source) {
            if let (true, Some(oldest)) = (evict, oldest) {
                let rule = &self.rules.rules[pair.rule];
                pair.base = pair.base.step(oldest, pair.outcomes[0], rule);
                pair.outcomes.copy_within(1.., 0);
            }
            pair.outcomes.copy_within(place..RECENT - 1, place + 1);
            pair.outcomes[place] = Outcome::None;
        }
        if evict {
            let first = self.sources[source].runs[0].at;
            for part in &mut self.parts {
                part.problems.retain(|it| it.source != source || it.at >= first);
            }
        }
        place
    }

    /// Works out the outcomes of all runs of the source from this one on.
    pub(super) fn judge_from(&mut self, source: usize, first: usize, overrides: &Overrides) {
        let rules = std::sync::Arc::clone(&self.rules);
        let plan = std::mem::take(&mut self.plan[source]);
        let sums = Sums::default();
        for rule_at in &plan {
            let rule = &rules.rules[*rule_at];
            for part_at in 0..self.parts.len() {
                let part = &self.parts[part_at];
                let own = rule.on != SELF || part.id.key() == self.sources[source].name;
                if !own || !part.suits(rule) {
                    continue;
                }
                let known = self.pair_index.get(&(*rule_at, part_at)).copied();
                let mut outcomes =
                    known.map_or([Outcome::None; RECENT], |it| self.pairs[it].outcomes);
                for (at, run) in self.sources[source].runs.iter().enumerate().skip(first) {
                    outcomes[at] = match overrides.find(&rule.id, part, run.at) {
                        Tuned::Off => Outcome::None,
                        tuned => {
                            let scope = Scope::new(self, part, rule, source, run.at, tuned);
                            outcome(&scope.sparing(&sums, part_at))
                        }
                    };
                }
                let pair = match known {
                    Some(pair) => pair,
                    None if outcomes.iter().all(|it| *it == Outcome::None) => continue,
                    None => self.add_pair(*rule_at, part_at, source),
                };
                self.set(pair, outcomes, first);
            }
        }
        self.plan[source] = plan;
    }

    fn add_pair(&mut self, rule: usize, part: usize, source: usize) -> usize {
        self.pairs.push(Pair {
            rule,
            part,
            source,
            outcomes: [Outcome::None; RECENT],
            base: super::hold::Hold::default(),
            state: super::hold::Hold::default(),
        });
        self.pair_index.insert((rule, part), self.pairs.len() - 1);
        self.pairs.len() - 1
    }

    fn set(&mut self, at: usize, outcomes: [Outcome; RECENT], first: usize) {
        let pair = &mut self.pairs[at];
        pair.outcomes = outcomes;
        let rule = &self.rules.rules[pair.rule];
        let runs = &self.sources[pair.source].runs;
        if first + 1 == runs.len() {
            pair.state = pair.state.step(runs[first].at, outcomes[first], rule);
            return;
        }
        let mut state = pair.base;
        for (run, outcome) in runs.iter().zip(outcomes) {
            state = state.step(run.at, outcome, rule);
        }
        pair.state = state;
    }

    /// Sentences call the host by its name, which no source knows.
    fn name_host(&mut self, hostname: &str, at: Time) {
        let Some(host) = self.part_index(&ComponentId::host(), at) else { return };
        let name = &mut self.parts[host].name;
        if !hostname.is_empty() && name != hostname {
            hostname.clone_into(name);
        }
    }

    fn readings(&mut self, run: &Run, source: usize, too_late: bool) {
        let own = self.part_index(&ComponentId::new(SELF, &run.source), run.at);
        if let Some(own) = own {
            self.note_seen(own, source, run.at);
        }
        self.part_index(&ComponentId::host(), run.at);
        for component in &run.components {
            self.component(component, source, run.at);
        }
        self.devices(run);
        for sample in &run.samples {
            let Some(metric) = self.rules.id(&sample.series.metric) else { continue };
            let Some(part) = self.part_index(&sample.series.component, run.at) else { continue };
            self.note_seen(part, source, run.at);
            let point = Point { at: run.at, value: sample.value };
            self.number(part, metric, &sample.series.attrs, point);
        }
        self.words(run, source);
        self.events(run, too_late);
        for problem in &run.problems {
            let Some(id) = &problem.component else { continue };
            let Some(part) = self.part_index(id, run.at) else { continue };
            let text = cut(&problem.text, PROBLEM_MAX);
            let problem = PartProblem { source, at: run.at, reason: problem.reason, text };
            let list = &mut self.parts[part].problems;
            // One a run is enough to say why.
            if !list.iter().any(|it| it.source == source && it.at == run.at) {
                list.push(problem);
            }
        }
    }

    /// One number of a component into its series.
    pub(super) fn number(&mut self, part: usize, metric: MetricId, attrs: &Attrs, point: Point) {
        let known = self.rules.metric(metric);
        let fall = fall(known);
        let counter = known.kind == MetricKind::Counter;
        let sentinel = is_sentinel(point.value, &known.unit, counter);
        self.stats.sentinels += u64::from(sentinel);
        let windows = &self.rules.windows[usize::from(metric.0)];
        let part = &mut self.parts[part];
        let found = part.slots.iter().position(|it| it.metric == metric && it.attrs == *attrs);
        let slot = match found {
            Some(slot) => &mut part.slots[slot],
            None if part.slots.len() < SLOTS_MAX => {
                let series = Series::new(point.at, windows);
                part.slots.push(Slot { metric, attrs: attrs.clone(), series, sentinel: None });
                part.slots.last_mut().expect("it was pushed just now")
            }
            None => {
                self.stats.overflow += 1;
                return;
            }
        };
        if sentinel {
            slot.sentinel = slot.sentinel.max(Some(point.at));
            return;
        }
        let before = slot.series.latest(point.at);
        let fell = before.is_some_and(|before| {
            point.value < before.value && !fall.is_reset(before.value, point.value)
        });
        self.stats.backwards += u64::from(fall != Fall::Real && fell);
        slot.series.push(point);
    }

    fn component(&mut self, component: &Component, source: usize, at: Time) {
        let Some(part) = self.part_index(&component.id, at) else { return };
        self.parts[part].note_set(component, at);
        let newest = self.parts[part].seen.iter().flat_map(|(_, times)| times).max().copied();
        let newer = newest.is_none_or(|it| it <= at);
        if newer {
            self.parts[part].name.clone_from(&component.name);
        }
        // Sources say different things of one component and end out of order: what nobody else says is taken from an
        // older run too.
        for (name, value) in &component.attrs {
            let known = self.parts[part].attrs.get(name);
            if known.is_none_or(|known| newer && known != value) {
                self.parts[part].attrs.insert(name.clone(), value.clone());
            }
        }
        self.note_seen(part, source, at);
    }

    fn words(&mut self, run: &Run, source: usize) {
        for state in &run.states {
            let Some(metric) = self.rules.id(&state.metric) else { continue };
            let Some(part) = self.part_index(&state.component, run.at) else { continue };
            self.note_seen(part, source, run.at);
            let window =
                self.rules.windows[usize::from(metric.0)].last().copied().unwrap_or_default();
            let words = &mut self.parts[part].words;
            let found = words.iter().position(|it| it.metric == metric);
            let slot = match found {
                Some(slot) => &mut words[slot],
                None if words.len() < SLOTS_MAX => {
                    words.push(WordSlot { metric, recent: Vec::new(), changes: Vec::new() });
                    words.last_mut().expect("it was pushed just now")
                }
                None => {
                    self.stats.overflow += 1;
                    continue;
                }
            };
            slot.push(run.at, &state.value, window);
        }
    }

    pub(super) fn note_seen(&mut self, part: usize, source: usize, at: Time) {
        let seen = &mut self.parts[part].seen;
        let place = match seen.iter().position(|(it, _)| *it == source) {
            Some(place) => place,
            None => {
                seen.push((source, Vec::new()));
                seen.len() - 1
            }
        };
        let times = &mut seen[place].1;
        let at_place = times.partition_point(|it| *it < at);
        if times.get(at_place) != Some(&at) {
            times.insert(at_place, at);
            if times.len() > RECENT {
                times.remove(0);
            }
        }
    }
}

impl WordSlot {
    fn push(&mut self, at: Time, word: &str, window: Duration) {
        let place = self.recent.partition_point(|(it, _)| *it < at);
        let too_late = place == 0 && self.recent.len() >= RECENT;
        if too_late || self.recent.get(place).is_some_and(|(it, _)| *it == at) {
            return;
        }
        self.recent.insert(place, (at, cut(word, TEXT_MAX)));
        if self.recent.len() > RECENT {
            let (at, word) = self.recent.remove(0);
            if self.changes.last().is_none_or(|(_, last)| *last != word) {
                self.changes.push((at, word));
            }
            let keep = at - window.min(OLDEST);
            // The last change before the window says what it was when the window began.
            let before = self.changes.partition_point(|(it, _)| *it < keep).saturating_sub(1);
            let excess = self.changes.len().saturating_sub(CHANGES_MAX);
            self.changes.drain(..before.max(excess));
        }
    }
}

fn outcome(scope: &Scope<'_>) -> Outcome {
    let rule = scope.rule;
    match scope.truth(&rule.when, None) {
        Truth::True => Outcome::True,
        Truth::Unknown => Outcome::Unknown,
        Truth::None => Outcome::None,
        Truth::False => match &rule.clear_when {
            Some(clear) if scope.plain().truth(clear, None) != Truth::True => Outcome::Between,
            _ => Outcome::False,
        },
    }
}

pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
