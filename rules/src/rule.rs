//! Compiled rules: checked, with names turned into small numbers. Made by [`crate::load`] only.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{AttrTest, EvidenceKind, Example, KnownMetric, ScoreTest, Text, score::Score};

/// Number of a metric, state or event kind within one [`RuleSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId(pub u16);

/// Attributes that a series or event must have; none: all match.
pub type Attrs = Vec<(String, String)>;

/// The rules in force, with what they need to be kept of the readings.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// In the order of their ids.
    pub rules: Vec<Rule>,
    /// Sums of points that rules compare; [`ScoreTest::score`] is the place in here.
    pub scores: Vec<Score>,
    /// What the rules speak of; [`MetricId`] is the place in here.
    pub metrics: Vec<KnownMetric>,
    /// Per metric: the lengths of the windows that rules look back over, shortest first, each once.
    pub windows: Vec<Vec<Duration>>,
    /// Number of a name.
    pub ids: BTreeMap<String, MetricId>,
}

impl RuleSet {
    /// Number of a name that some rule uses.
    pub fn id(&self, name: &str) -> Option<MetricId> {
        self.ids.get(name).copied()
    }

    /// What a number stands for.
    pub fn metric(&self, id: MetricId) -> &KnownMetric {
        &self.metrics[usize::from(id.0)]
    }

    /// The unit of what a measure makes of a series.
    pub fn unit_of(&self, measure: &Measure) -> String {
        let unit = self.metric(measure.metric).unit.clone();
        match measure.how {
            How::Rate(_) => format!("{unit}/s"),
            How::Share { .. } if unit.starts_with('{') => "1".to_owned(),
            _ => unit,
        }
    }

    /// A rule by its id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.binary_search_by(|rule| (*rule.id).cmp(id)).ok().map(|at| &self.rules[at])
    }
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Stable, shown on tickets: `md-member-lost`.
    pub id: Arc<str>,
    /// The source whose runs it is judged on.
    pub source: String,
    /// Kind of component it is about.
    pub on: String,
    /// Only on components whose attributes have one of these values; the empty text is a missing attribute.
    pub only: Vec<(String, Vec<String>)>,
    /// Fault class, half of a case's identity.
    pub class: String,
    /// What it proves when it fires.
    pub evidence: EvidenceKind,
    /// When the condition holds.
    pub when: Condition,
    /// What must hold for a reading to count as good again, where that is more than "not `when`".
    pub clear_when: Option<Condition>,
    /// How long the condition must hold.
    pub hold: Duration,
    /// And on how many readings in a row.
    pub samples: u32,
    /// How long good readings must last before it is over.
    pub clear: Duration,
    /// And on how many readings in a row.
    pub clear_samples: u32,
    /// Standing counters: after so long without a rise it is advice.
    pub age: Option<Duration>,
    /// It rests on raw values that are decoded by model: on a model that nobody knows it is a latent fault at most.
    pub by_model: bool,
    /// The check item of the report.
    pub item: Item,
    /// One sentence with placeholders.
    pub message: Text,
    /// Where the threshold comes from.
    pub threshold_source: String,
    /// Time lines with their verdicts.
    pub examples: Vec<Example>,
    /// File it stands in.
    pub file: String,
    /// Line it begins on.
    pub line: usize,
}

impl Rule {
    /// The threshold that a contract may change: that of the first test with a limit of its own.
    pub fn threshold(&self) -> Option<f64> {
        self.when.first_limited()?.limit()
    }
}

/// Texts of a check item (检查项 / 检查方法 / 判断标准 / 影响 / 建议).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// 检查项.
    pub name: Text,
    /// 检查方法.
    pub method: Text,
    /// 判断标准: what is good.
    pub criterion: Text,
    /// 影响.
    pub impact: Text,
    /// 建议.
    pub advice: Text,
}

/// A structured condition; three-valued when evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A number compared with another.
    Number(NumberTest),
    /// A word.
    State(StateTest),
    /// Happenings counted.
    Event(EventTest),
    /// What the component is: one of its attributes.
    Attr(AttrTest),
    /// A sum of points.
    Score(ScoreTest),
    /// The component is not among what its source saw in the newest runs (that many in a row).
    Gone(u32),
    /// Nothing was heard from the source or host for so long; the only test that looks at *now*.
    Silent(Threshold),
    /// Every one holds.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

impl Condition {
    /// Calls for every test in it, from left to right.
    pub fn each<'a>(&'a self, call: &mut dyn FnMut(&'a Condition)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.each(call));
            }
            Condition::Not(part) => part.each(call),
            _ => call(self),
        }
    }

    /// Whether it looks at *now*, so that it must be asked by a timer.
    pub fn timed(&self) -> bool {
        let mut timed = false;
        self.each(&mut |test| timed |= matches!(test, Condition::Silent(_)));
        timed
    }

    /// Its own limit, if it is one that a contract may change: a plain number, a count, a number of runs, a silence (in
    /// seconds, or in periods where the rule counts periods).
    pub fn limit(&self) -> Option<f64> {
        match self {
            Condition::Number(NumberTest { against: Operand::Const(value), .. }) => Some(*value),
            Condition::Event(event) => Some(f64::from(event.at_least)),
            Condition::Score(score) => Some(score.limit),
            Condition::State(StateTest { word: Word::ChangedIn { at_least, .. }, .. }) => {
                Some(f64::from(*at_least))
            }
            Condition::Gone(runs) => Some(f64::from(*runs)),
            Condition::Silent(Threshold::Time(time)) => Some(time.as_secs_f64()),
            Condition::Silent(Threshold::Periods(periods)) => Some(f64::from(*periods)),
            _ => None,
        }
    }

    /// The metric, state or event that it is about; of several the first.
    pub fn metric(&self) -> Option<MetricId> {
        match self {
            Condition::Number(test) => Some(test.measure.metric),
            Condition::State(test) => Some(test.metric),
            Condition::Event(test) => test.metrics.first().copied(),
            _ => None,
        }
    }

    /// The first test, from left to right, whose limit a contract may change.
    pub fn first_limited(&self) -> Option<&Condition> {
        let mut found = None;
        self.each(&mut |test| {
            if found.is_none() && test.limit().is_some() {
                found = Some(test);
            }
        });
        found
    }
}

/// A length for [`Condition::Silent`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// So long.
    Time(Duration),
    /// So many periods of the source.
    Periods(u32),
}

/// `measure compare against`.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberTest {
    /// What is taken from the readings.
    pub measure: Measure,
    /// How it is compared.
    pub compare: Compare,
    /// With what.
    pub against: Operand,
}

/// A number taken from one series of the component.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Which metric.
    pub metric: MetricId,
    /// Which series; several that match are tried one by one, and one is enough.
    pub attrs: Attrs,
    /// What is made of it.
    pub how: How,
    /// The value of a series that the source leaves out of a run in which it saw the component.
    pub missing: Option<f64>,
    /// The value that a counter is taken to have had before it was first read: its rise up to then has no known time.
    pub before: Option<f64>,
}

/// What is made of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum How {
    /// The newest value.
    Value,
    /// How much it rose within the window; resets do not count as falls.
    Rise(Duration),
    /// Rise per second within the window.
    Rate(Duration),
    /// Largest value within the window.
    Max(Duration),
    /// Mean within the window.
    Mean(Duration),
    /// The value that the straight line through the last `over` reaches after `ahead`.
    Forecast {
        /// How far ahead.
        ahead: Duration,
        /// How far back the line is drawn through.
        over: Duration,
    },
    /// Rise divided by the rise of another metric with the same attributes, within the window.
    Share {
        /// The divisor.
        of: MetricId,
        /// Window of both.
        window: Duration,
        /// Smaller rises of the divisor say nothing.
        of_at_least: f64,
    },
}

impl How {
    /// How far back it looks.
    pub fn window(self) -> Option<Duration> {
        match self {
            How::Value => None,
            How::Rise(window) | How::Rate(window) | How::Mean(window) | How::Max(window) => {
                Some(window)
            }
            How::Share { window, .. } => Some(window),
            How::Forecast { over, .. } => Some(over),
        }
    }
}

/// Comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `>`
    Above,
    /// `<`
    Below,
    /// `≥`
    AtLeast,
    /// `≤`
    AtMost,
    /// `=`
    Equals,
    /// `≠`
    Differs,
}

impl Compare {
    /// Whether it holds.
    #[allow(clippy::float_cmp, reason = "equality is asked of counts and codes, which are exact")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Compare::Above => left > right,
            Compare::Below => left < right,
            Compare::AtLeast => left >= right,
            Compare::AtMost => left <= right,
            Compare::Equals => left == right,
            Compare::Differs => left != right,
        }
    }

    /// The sign.
    pub fn sign(self) -> &'static str {
        match self {
            Compare::Above => ">",
            Compare::Below => "<",
            Compare::AtLeast => "≥",
            Compare::AtMost => "≤",
            Compare::Equals => "=",
            Compare::Differs => "≠",
        }
    }
}

/// What a number is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A plain number, in the metric's unit.
    Const(f64),
    /// Another measure of the same component, times and plus something.
    Measure {
        /// Which.
        measure: Measure,
        /// Factor.
        times: f64,
        /// Added after the factor.
        plus: f64,
        /// Its median over the other members of the component's sets, instead of the component's own.
        peers: bool,
    },
}

/// A test of a word.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTest {
    /// Which state.
    pub metric: MetricId,
    /// The test.
    pub word: Word,
}

/// Tests of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// One of these.
    In(Vec<String>),
    /// It begins with one of these.
    Begins(Vec<String>),
    /// None of these.
    NotIn(Vec<String>),
    /// It changed so often within the window.
    ChangedIn {
        /// The window.
        window: Duration,
        /// How often at least.
        at_least: u32,
    },
    /// It is one of `now` and was one of `before` within the window.
    FellFrom {
        /// Good words before.
        before: Vec<String>,
        /// Bad words now.
        now: Vec<String>,
        /// How long ago the good word may lie.
        window: Duration,
    },
}

/// Happenings of these kinds to the component within the window, counted together.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTest {
    /// Which kinds.
    pub metrics: Vec<MetricId>,
    /// Attributes that must be there.
    pub attrs: Attrs,
    /// Window.
    pub window: Duration,
    /// How many at least.
    pub at_least: u32,
}
