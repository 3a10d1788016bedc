//! One component followed through the rules of one source, without names, runs and other components around it: what the
//! backtest needs for millions of days. Every decision is the host view's own code; only the way in is shorter.
//!
//! Invariant: the same readings bring the same verdicts as [`HostView::absorb`] and [`super::judge`]; a test holds the two
//! side by side.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_proto::{ComponentId, Outcome as RunOutcome, Time};
use xunjian_rules::{Attrs, Condition, EvidenceKind, MetricId, Rule, RuleSet};

use super::{
    hold::Outcome,
    judge::evidence,
    overrides::{Overrides, Tuned},
    series::{Point, RECENT},
    truth::Scope,
    view::{HostView, RunMark},
};

/// Drives' numbers are told apart by their names alone.
const NO_ATTRS: Attrs = Vec::new();

/// See the module.
pub struct Lane {
    view: HostView,
    source: usize,
    plan: Vec<usize>,
    metrics: Vec<Option<MetricId>>,
    id: ComponentId,
    none: Overrides,
}

impl Lane {
    /// A lane for the rules of a source about a kind of component, as far as they are of the class and ask for one of
    /// these numbers.
    pub fn new(
        rules: &Arc<RuleSet>,
        (source, kind, class): (&str, &str, &str),
        metrics: &[&str],
    ) -> Lane {
        let mut view = HostView::new(Arc::clone(rules));
        let source_at = view.source_index(source);
        let metrics: Vec<Option<MetricId>> = metrics.iter().map(|it| rules.id(it)).collect();
        let mut plan = view.plan[source_at].clone();
        plan.retain(|at| {
            let rule = &rules.rules[*at];
            rule.on == kind && rule.class == class && asks(rules, &rule.when, &metrics)
        });
        for (at, rules) in view.plan.iter_mut().enumerate() {
            *rules = if at == source_at { plan.clone() } else { Vec::new() };
        }
        let id = ComponentId::new(kind, "followed");
        Lane { view, source: source_at, plan, metrics, id, none: Overrides::default() }
    }

    /// The rules that are judged.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.plan.iter().map(|at| &self.view.rules.rules[*at])
    }

    /// Forgets everything: another component, with these attributes.
    pub fn begin(&mut self, attrs: BTreeMap<String, String>) {
        self.view.parts.clear();
        self.view.index.clear();
        self.view.pairs.clear();
        self.view.pair_index.clear();
        for source in &mut self.view.sources {
            source.runs.clear();
            source.collected_at = None;
        }
        if let Some(part) = self.view.part_index(&self.id, Time::from_millis(0)) {
            self.view.parts[part].attrs = attrs;
        }
    }

    /// Takes one run in: the numbers in the order of the metrics, `None` where the run had none. Runs must come in the
    /// order of their times.
    pub fn read(&mut self, at: Time, values: &[Option<f64>]) {
        for (metric, value) in self.metrics.iter().zip(values) {
            if let (Some(metric), Some(value)) = (*metric, *value) {
                self.view.number(0, metric, &NO_ATTRS, Point { at, value });
            }
        }
        self.view.note_seen(0, self.source, at);
        let mark = RunMark {
            at,
            outcome: RunOutcome::Collected,
            problems: 0,
            problem: String::new(),
            partial: false,
        };
        let place = self.view.sources[self.source].runs.len();
        debug_assert!(self.view.sources[self.source].runs.last().is_none_or(|it| it.at < at));
        let place = self.view.insert_mark(mark, self.source, place.min(RECENT));
        self.view.judge_from(self.source, place, &self.none);
    }

    /// The rules that fire after the newest run, by their place in [`Lane::rules`], with what they prove.
    pub fn firing(&self) -> Vec<(usize, EvidenceKind)> {
        let Some((at, last)) = self.newest() else { return Vec::new() };
        let part = &self.view.parts[0];
        let mut found = Vec::new();
        for pair in self.view.pairs.iter().filter(|it| it.state.firing) {
            if !matches!(pair.outcomes[last], Outcome::True | Outcome::Between) {
                continue;
            }
            let rule = &self.view.rules.rules[pair.rule];
            let scope = Scope::new(&self.view, part, rule, self.source, at, Tuned::Not);
            let place = self.plan.iter().position(|it| *it == pair.rule);
            found.extend(place.map(|it| (it, evidence(&scope))));
        }
        found
    }

    /// Points of a score after the newest run.
    pub fn points(&self, score: usize) -> i32 {
        let (Some((at, _)), Some(rule)) = (self.newest(), self.plan.first()) else { return 0 };
        let rule = &self.view.rules.rules[*rule];
        let part = &self.view.parts[0];
        let scope = Scope::new(&self.view, part, rule, self.source, at, Tuned::Not);
        scope.sum(&self.view.rules.scores[score]).points
    }

    /// Time and place of the newest run.
    fn newest(&self) -> Option<(Time, usize)> {
        let runs = &self.view.sources[self.source].runs;
        Some((runs.last()?.at, runs.len() - 1))
    }
}

/// Whether a condition asks for one of the metrics, itself or in a score.
fn asks(rules: &RuleSet, condition: &Condition, metrics: &[Option<MetricId>]) -> bool {
    let mut found = false;
    condition.each(&mut |test| match test {
        Condition::Number(number) => found |= metrics.contains(&Some(number.measure.metric)),
        Condition::Score(score) => {
            let mut parts = rules.scores[score.score].parts.iter();
            found |= parts.any(|it| asks(rules, &it.when, metrics));
        }
        _ => {}
    });
    found
}
