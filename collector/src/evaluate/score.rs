//! Sums of points: signs that are weak each, weighed together and explained one by one.
//!
//! Invariant: a sign that cannot be read adds nothing by itself. If a sign of the rule's own source could carry the sum over
//! the limit, the answer is unknown; a source that is not there (no kernel log, no controller) leaves the others' word.

use std::{cell::RefCell, collections::HashMap};

use xunjian_proto::Time;
use xunjian_rules::{AttrTest, Condition, Score, ScorePart, ScoreTest, Text};

use super::{
    Input,
    gap::Gap,
    notes::show,
    truth::{Notes, Scope, Truth},
    words::digits,
};

/// What a score came to, without the parts.
#[derive(Debug, Clone, Copy)]
struct Total {
    points: i32,
    hidden: i32,
    /// Nothing counts, nothing is hidden, and the component offers none of the readings.
    idle: bool,
}

/// What scores came to in one round of judging, by component, time and score: rules with different limits ask for the
/// same sum.
#[derive(Debug, Default)]
pub(super) struct Sums(RefCell<HashMap<(usize, Time, usize), Total>>);

/// What a score came to, and why.
pub(super) struct Sum<'a> {
    /// Points of what holds.
    pub(super) points: i32,
    /// Points that signs would add which could not be read.
    pub(super) hidden: i32,
    /// What holds and counts.
    pub(super) parts: Vec<&'a ScorePart>,
}

impl<'a> Scope<'a> {
    /// Whether a score lies beyond a limit.
    pub(super) fn score(
        &self,
        test: &ScoreTest,
        condition: &Condition,
        notes: Option<&mut Notes>,
    ) -> Truth {
        let score = &self.view.rules.scores[test.score];
        let limit = self.tuned(condition, test.limit);
        let holds = |points: i32| test.compare.holds(f64::from(points), limit);
        let decide = |total: Total| match (holds(total.points), holds(total.points + total.hidden))
        {
            _ if total.idle => Truth::None,
            (true, true) => Truth::True,
            (false, false) => Truth::False,
            _ => Truth::Unknown,
        };
        let Some(notes) = notes else { return decide(self.total(test.score)) };
        let sum = self.sum(score);
        let truth = decide(self.sum_up(score, &sum));
        self.note(notes, score, &sum, (test.compare.sign(), limit), truth);
        truth
    }

    /// What the score comes to; worked out once a round.
    fn total(&self, place: usize) -> Total {
        let score = &self.view.rules.scores[place];
        let Some((sums, part)) = self.known else { return self.sum_up(score, &self.sum(score)) };
        let key = (part, self.at, place);
        if let Some(known) = sums.0.borrow().get(&key) {
            return *known;
        }
        let total = self.sum_up(score, &self.sum(score));
        sums.0.borrow_mut().insert(key, total);
        total
    }

    fn sum_up(&self, score: &Score, sum: &Sum<'_>) -> Total {
        let idle = sum.parts.is_empty() && sum.hidden == 0 && !self.offers(score);
        Total { points: sum.points, hidden: sum.hidden, idle }
    }

    /// Adds the points up.
    pub(super) fn sum(&self, score: &'a Score) -> Sum<'a> {
        let mut sum = Sum { points: 0, hidden: 0, parts: Vec::new() };
        for part in &score.parts {
            let same = |it: &&ScorePart| !part.group.is_empty() && it.group == part.group;
            let counted = |group: &str| sum.parts.iter().any(|it| it.group == group);
            let alone = part.with.as_ref().is_some_and(|it| !counted(it));
            if alone || sum.parts.iter().any(&same) {
                continue;
            }
            match self.truth(&part.when, None) {
                Truth::True => {
                    sum.points += part.points;
                    sum.parts.push(part);
                }
                Truth::Unknown if part.points > 0 && self.is_own(&part.when) => {
                    sum.hidden += part.points;
                }
                _ => {}
            }
        }
        sum
    }

    /// A missing attribute is the empty text. What is meant for other components does not apply: that is not "good".
    pub(super) fn attr(&self, test: &AttrTest) -> Truth {
        let value = self.part.attrs.get(&test.name).map_or("", String::as_str);
        let found = test.words.iter().any(|it| it == value);
        if found == test.inside { Truth::True } else { Truth::None }
    }

    /// Whether a sign is read by the rule's own source.
    fn is_own(&self, condition: &Condition) -> bool {
        let mut own = true;
        condition.each(&mut |test| {
            let metric = match test {
                Condition::Number(number) => Some(number.measure.metric),
                Condition::State(state) => Some(state.metric),
                Condition::Event(event) => event.metrics.first().copied(),
                _ => None,
            };
            own &= metric.is_none_or(|it| self.source_of(it) == self.source);
        });
        own
    }

    /// Whether the component has any reading of its own source that a sign asks for.
    fn offers(&self, score: &Score) -> bool {
        let mut found = false;
        for part in &score.parts {
            part.when.each(&mut |test| {
                let slots = self.part.slots.iter().map(|it| it.metric);
                let mut known = slots.chain(self.part.words.iter().map(|it| it.metric));
                let metric = match test {
                    Condition::Number(number) => number.measure.metric,
                    Condition::State(state) => state.metric,
                    _ => return,
                };
                let own = self.source_of(metric) == self.source;
                found |= own && known.any(|it| it == metric);
            });
        }
        found
    }

    fn note(
        &self,
        notes: &mut Notes,
        score: &Score,
        sum: &Sum<'_>,
        (sign, limit): (&str, f64),
        truth: Truth,
    ) {
        show(notes, truth, sum.points.to_string(), digits(limit));
        notes.inputs.push(Input {
            name: format!("score {}", score.id),
            value: sum.points.to_string(),
            test: format!("{sign} {}", digits(limit)),
            at: self.at,
            evidence: None,
        });
        let mut list = [Vec::new(), Vec::new()];
        for part in &sum.parts {
            list[0].push(format!("{}（{:+} 分）", part.say.zh, part.points));
            list[1].push(format!("{} ({:+})", part.say.en, part.points));
            let mut inner = Notes::default();
            self.truth(&part.when, Some(&mut inner));
            // Several signs look at the same series.
            let new = inner.inputs.into_iter().filter(|it| !notes.inputs.contains(it));
            let new: Vec<Input> = new.collect();
            notes.inputs.extend(new);
        }
        notes.points = Text::new(list[0].join("；"), list[1].join("; "));
        if truth == Truth::Unknown {
            notes.unknown.get_or_insert_with(|| self.why_hidden(score));
        }
    }

    /// The reason of the first sign that could not be read.
    fn why_hidden(&self, score: &Score) -> super::Unknown {
        let mut inner = Notes::default();
        for part in &score.parts {
            let hidden = self.truth(&part.when, Some(&mut inner)) == Truth::Unknown;
            if hidden && self.is_own(&part.when) {
                break;
            }
        }
        inner.unknown.unwrap_or_else(|| Gap::Never(&self.rule.source).told())
    }
}
