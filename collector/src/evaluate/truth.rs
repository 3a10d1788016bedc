//! Conditions on readings, three-valued. One function decides and, if asked, notes what it compared.

use xunjian_proto::Time;
use xunjian_rules::{
    Condition, EventTest, How, Measure, MetricId, NumberTest, Operand, Rule, Text,
};

use super::{
    Unknown,
    gap::{Gap, Lack},
    known::{self, PROBLEMS, SELF},
    notes::{self, Shares},
    overrides::Tuned,
    score::Sums,
    series::Fall,
    view::{HostView, Part, Slot},
};

/// Kleene's three values, and "does not apply".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    /// Nothing fresh to judge by.
    Unknown,
    /// The component does not offer the reading, or the history is too short to say.
    None,
}

/// What was compared: collected only when somebody asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    pub(super) inputs: Vec<super::Input>,
    /// Value and limit of the first test that holds, else of the first one.
    pub(super) shown: Option<(bool, String, String)>,
    /// Words of the happening or state behind it.
    pub(super) text: String,
    pub(super) unknown: Option<Unknown>,
    /// Why it does not apply.
    pub(super) none: Option<Text>,
    /// The parts of a score that count, as people read them.
    pub(super) points: Text,
    /// When a silence had lasted for as long as the rule allows.
    pub(super) silent_at: Option<Time>,
}

/// One rule on one component at one time.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) view: &'a HostView,
    pub(super) part: &'a Part,
    pub(super) rule: &'a Rule,
    pub(super) source: usize,
    pub(super) at: Time,
    tuned: Tuned,
    /// What scores came to that were asked for before, and the place of the component in them.
    pub(super) known: Option<(&'a Sums, usize)>,
}

/// A reading, or why there is none.
pub(super) enum Read<'a, T> {
    Value(T),
    Unknown(Gap<'a>),
    None(Lack<'a>),
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        view: &'a HostView,
        part: &'a Part,
        rule: &'a Rule,
        source: usize,
        at: Time,
        tuned: Tuned,
    ) -> Scope<'a> {
        Scope { view, part, rule, source, at, tuned, known: None }
    }

    /// The same, sparing what was worked out before. `place`: of the component.
    pub(super) fn sparing(self, sums: &'a Sums, place: usize) -> Scope<'a> {
        Scope { known: Some((sums, place)), ..self }
    }

    /// The same with the library's thresholds: `clear_when` has its own.
    pub(super) fn plain(mut self) -> Scope<'a> {
        self.tuned = Tuned::Not;
        self
    }

    /// The same of another component, with the library's thresholds.
    pub(super) fn beside(self, part: &'a Part) -> Scope<'a> {
        Scope { part, known: None, ..self.plain() }
    }

    /// Decides, and notes what was compared.
    pub(super) fn truth(&self, condition: &Condition, mut notes: Option<&mut Notes>) -> Truth {
        match condition {
            Condition::All(parts) => {
                let mut all = Truth::True;
                for part in parts {
                    all = and(all, self.truth(part, notes.as_deref_mut()));
                    if all == Truth::False && notes.is_none() {
                        break;
                    }
                }
                all
            }
            Condition::Any(parts) => {
                let mut any = Truth::None;
                let mut shares = Shares::begin(notes.as_deref());
                for part in parts {
                    let truth = self.truth(part, notes.as_deref_mut());
                    shares.add(truth, notes.as_deref());
                    any = or(any, truth);
                    if any == Truth::True && notes.is_none() {
                        break;
                    }
                }
                shares.keep_what_held(any, notes);
                any
            }
            Condition::Not(part) => match self.truth(part, notes) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                other => other,
            },
            Condition::Number(test) => self.number(test, condition, notes),
            Condition::State(test) => self.state(test, condition, notes),
            Condition::Event(test) => self.event(test, condition, notes),
            Condition::Attr(test) => self.attr(test),
            Condition::Score(test) => self.score(test, condition, notes),
            Condition::Gone(runs) => self.gone(self.count(condition, *runs), notes),
            Condition::Silent(threshold) => self.silent(self.length(condition, *threshold), notes),
        }
    }

    /// The threshold in force: a contract's, if this is the test that it changes.
    pub(super) fn tuned(&self, condition: &Condition, value: f64) -> f64 {
        match self.tuned {
            Tuned::To(tuned) if self.is_first(condition) => tuned,
            _ => value,
        }
    }

    fn is_first(&self, condition: &Condition) -> bool {
        self.rule.when.first_limited().is_some_and(|first| std::ptr::eq(first, condition))
    }

    fn number(
        &self,
        test: &NumberTest,
        condition: &Condition,
        mut notes: Option<&mut Notes>,
    ) -> Truth {
        let mut any = Truth::None;
        let mut found = false;
        let measure = &test.measure;
        let mut shares = Shares::begin(notes.as_deref());
        for slot in self.slots(measure) {
            found = true;
            let left = self.take(measure, Some(slot));
            let right = self.right(test, slot, condition);
            let truth = match (&left, &right) {
                (Read::Value((value, _)), Read::Value(limit)) => {
                    if test.compare.holds(*value, *limit) { Truth::True } else { Truth::False }
                }
                (Read::Unknown(_), _) | (_, Read::Unknown(_)) => Truth::Unknown,
                _ => Truth::None,
            };
            if let Some(found) = notes.as_deref_mut() {
                notes::number(self, found, test, slot, &left, &right, truth);
            }
            shares.add(truth, notes.as_deref());
            any = or(any, truth);
        }
        shares.keep_what_held(any, notes.as_deref_mut());
        if !found {
            let left = self.take(measure, None);
            any = match &left {
                Read::Value((value, _)) => match self.right_const(test, condition) {
                    Some(limit) if test.compare.holds(*value, limit) => Truth::True,
                    Some(_) => Truth::False,
                    None => Truth::None,
                },
                Read::Unknown(_) => Truth::Unknown,
                Read::None(_) => Truth::None,
            };
            if let Some(notes) = notes {
                notes::missing(self, notes, measure, left);
            }
        }
        any
    }

    /// Series of the component that a measure means.
    pub(super) fn slots(&self, measure: &'a Measure) -> impl Iterator<Item = &'a Slot> + use<'a> {
        self.part.slots.iter().filter(|slot| {
            slot.metric == measure.metric
                && measure.attrs.iter().all(|attr| slot.attrs.contains(attr))
        })
    }

    fn right_const(&self, test: &NumberTest, condition: &Condition) -> Option<f64> {
        match &test.against {
            Operand::Const(value) => Some(self.tuned(condition, *value)),
            Operand::Measure { .. } => None,
        }
    }

    fn right(&self, test: &NumberTest, left: &Slot, condition: &Condition) -> Read<'a, f64> {
        let (measure, times, plus) = match &test.against {
            Operand::Const(value) => return Read::Value(self.tuned(condition, *value)),
            Operand::Measure { measure, times, plus, peers: true } => {
                return match self.peers(measure, left) {
                    Read::Value(median) => Read::Value(median * times + plus),
                    other => other,
                };
            }
            Operand::Measure { measure, times, plus, .. } => (measure, *times, *plus),
        };
        // The same series where it is the same metric; else the one that its own attributes name.
        let same = self.part.slots.iter().find(|slot| {
            slot.metric == measure.metric
                && if measure.metric == left.metric {
                    slot.attrs == left.attrs
                } else {
                    measure.attrs.iter().all(|attr| slot.attrs.contains(attr))
                }
        });
        match self.take(measure, same) {
            Read::Value((value, _)) => Read::Value(value * times + plus),
            Read::Unknown(gap) => Read::Unknown(gap),
            Read::None(lack) => Read::None(lack),
        }
    }

    /// The number that a measure stands for, with the time of the newest reading in it.
    pub(super) fn take(&self, measure: &Measure, slot: Option<&Slot>) -> Read<'a, (f64, Time)> {
        let source = self.source_of(measure.metric);
        let metric = self.view.rules.metric(measure.metric);
        if metric.name == PROBLEMS {
            return match self.view.sources[source].run(self.at) {
                Some(run) => Read::Value((f64::from(run.problems), run.at)),
                None => Read::Unknown(Gap::Never(&self.view.sources[source].name)),
            };
        }
        let point = slot.and_then(|slot| slot.series.latest(self.at));
        let sentinel = slot.and_then(|slot| slot.sentinel).filter(|it| *it <= self.at);
        if let Some(sentinel) = sentinel
            && point.is_none_or(|point| point.at < sentinel)
        {
            return Read::Unknown(Gap::Sentinel(&metric.name));
        }
        let newest = match self.fresh(source, point.map(|it| it.at), measure.missing.is_some()) {
            Read::Value(()) => point.map(|it| it.at).unwrap_or(self.at),
            Read::None(_) if measure.missing.is_some() => {
                let value = measure.missing.unwrap_or_default();
                return Read::Value((value, self.at));
            }
            Read::None(lack) if slot.is_some() => return Read::None(lack),
            Read::None(_) => return Read::None(Lack::NotOffered(&metric.name)),
            Read::Unknown(gap) => return Read::Unknown(gap),
        };
        let Some(slot) = slot else { return Read::None(Lack::NotOffered(&metric.name)) };
        let fall = known::fall(metric);
        let series = &slot.series;
        let value = match measure.how {
            How::Value => point.map(|it| it.value),
            How::Rise(window) => series.rise_from(self.at, window, fall, measure.before),
            How::Rate(window) => series.rate(self.at, window, fall),
            How::Mean(window) => series.mean(self.at, window),
            How::Max(window) => series.max(self.at, window),
            How::Forecast { ahead, over } => series.forecast(self.at, ahead, over),
            How::Share { of, window, of_at_least } => {
                let other =
                    self.part.slots.iter().find(|it| {
                        it.metric == of && (it.attrs == slot.attrs || it.attrs.is_empty())
                    });
                let divisor = other.and_then(|it| it.series.rise(self.at, window, Fall::Reset));
                let rise = series.rise(self.at, window, fall);
                divisor
                    .filter(|it| *it >= of_at_least && *it > 0.0)
                    .and_then(|divisor| rise.map(|rise| rise / divisor))
            }
        };
        match value {
            Some(value) => Read::Value((value, newest)),
            None => Read::None(Lack::TooShort(&metric.name)),
        }
    }

    /// The place of the source that a metric comes from: the rule's own, if it is one of several.
    pub(super) fn source_of(&self, metric: MetricId) -> usize {
        if self.view.rules.metric(metric).source == SELF {
            return self.source;
        }
        let places = &self.view.metric_sources[usize::from(metric.0)];
        if places.contains(&self.source) { self.source } else { places[0] }
    }

    fn event(&self, test: &EventTest, condition: &Condition, notes: Option<&mut Notes>) -> Truth {
        let least = self.tuned(condition, f64::from(test.at_least));
        let start = self.at - test.window;
        let mut count: u32 = 0;
        let mut last: Option<&super::view::Happening> = None;
        for slot in self.part.events.iter().filter(|it| test.metrics.contains(&it.metric)) {
            let seen = slot.list.iter().filter(|it| {
                it.told <= self.at
                    && it.at > start
                    && test.attrs.iter().all(|attr| it.attrs.contains(attr))
            });
            for it in seen {
                count = count.saturating_add(1);
                if last.is_none_or(|last| last.at <= it.at) {
                    last = Some(it);
                }
            }
        }
        // What was told is a fact, whatever became of the source since.
        let told = f64::from(count) >= least;
        let fresh = self.listening(test.metrics.first().copied());
        let truth = match (&fresh, told) {
            (_, true) => Truth::True,
            (Read::Value(()), false) => Truth::False,
            (Read::Unknown(_), false) => Truth::Unknown,
            (Read::None(_), false) => Truth::None,
        };
        if let Some(notes) = notes {
            notes::event(self, notes, test, (count, least, last), fresh, truth);
        }
        truth
    }
}

/// `all`: false ends it; what does not apply in a part does not apply as a whole.
fn and(left: Truth, right: Truth) -> Truth {
    use Truth::{False, None, True, Unknown};
    match (left, right) {
        (False, _) | (_, False) => False,
        (None, _) | (_, None) => None,
        (Unknown, _) | (_, Unknown) => Unknown,
        (True, True) => True,
    }
}

/// `any`: true ends it; what does not apply is left out.
fn or(left: Truth, right: Truth) -> Truth {
    use Truth::{False, None, True, Unknown};
    match (left, right) {
        (True, _) | (_, True) => True,
        (Unknown, _) | (_, Unknown) => Unknown,
        (False, _) | (_, False) => False,
        (None, None) => None,
    }
}
