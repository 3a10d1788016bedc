//! What one drive said, before it is known whether another path leads to the same drive; and how JSON is asked.
//!
//! Facts: smartctl's JSON, `smartctl(8)` section EXIT STATUS. Invariant: a value that is a sentinel or absurd becomes a
//! problem, not a number.

use serde_json::Value;
use xunjian_proto::{ComponentId, Reason};

use crate::source::{Collect, Metric};

/// What bears names in an answer about a drive.
pub(super) const NAMES: &[&str] = &["logical_unit_id", "model_name", "serial_number"];

/// And in the list of a scan; in logs of drives some of these mean other things.
pub(super) const SCAN_NAMES: &[&str] = &["info_name", "name", "open_error", "protocol", "type"];

/// Attributes of a series, sorted by name.
type Attrs = Vec<(&'static str, String)>;

/// Numbers, words and gaps of one drive.
#[derive(Debug, Default)]
pub(super) struct Reading {
    samples: Vec<(&'static Metric, Attrs, f64)>,
    states: Vec<(&'static Metric, String)>,
    problems: Vec<(Reason, String)>,
}

/// Counters above this are no counts: drives show -1 and unset registers this way.
const COUNT_MAX: f64 = 4_294_967_294.0;

impl Reading {
    /// Adds a number.
    pub(super) fn number(&mut self, metric: &'static Metric, value: f64) {
        self.number_with(metric, Vec::new(), value);
    }

    /// Adds a number with attributes; the first one of a series counts.
    pub(super) fn number_with(&mut self, metric: &'static Metric, attrs: Attrs, value: f64) {
        let there = self.samples.iter().any(|it| it.0.name == metric.name && it.1 == attrs);
        if !there {
            self.samples.push((metric, attrs, value));
        }
    }

    /// Adds a number if it lies within what can be, else a problem; nothing if there is none.
    pub(super) fn between(
        &mut self,
        metric: &'static Metric,
        value: Option<f64>,
        min: f64,
        max: f64,
    ) {
        match value {
            Some(value) if (min..=max).contains(&value) => self.number(metric, value),
            Some(value) => self.implausible(metric, value),
            None => {}
        }
    }

    /// Adds a counter if it can be one.
    pub(super) fn count(&mut self, metric: &'static Metric, value: Option<f64>) {
        self.between(metric, value, 0.0, COUNT_MAX);
    }

    /// Notes a value that cannot be.
    pub(super) fn implausible(&mut self, metric: &Metric, value: f64) {
        self.problem(Reason::Implausible, format!("{} of {value} cannot be", metric.name));
    }

    /// Adds a word.
    pub(super) fn word(&mut self, metric: &'static Metric, value: impl Into<String>) {
        self.states.push((metric, value.into()));
    }

    /// Notes a gap.
    pub(super) fn problem(&mut self, reason: Reason, text: impl Into<String>) {
        self.problems.push((reason, text.into()));
    }

    /// Whether the drive told anything about itself.
    pub(super) fn says_something(&self) -> bool {
        !self.samples.is_empty() || !self.states.is_empty()
    }

    /// How much it told: the better of two paths to one drive is the one that tells more.
    pub(super) fn weight(&self) -> usize {
        let verdict = self.states.iter().any(|it| it.0.name == super::metrics::STATUS.name);
        usize::from(verdict) * 1000 + self.samples.len() + self.states.len()
    }

    /// What would be worth new proof if it changed; not what changes all the time.
    pub(super) fn lasting(&self) -> String {
        use super::metrics::{HOURS, TEMPERATURE, TEST_AGE};
        let restless = [TEMPERATURE.name, HOURS.name, TEST_AGE.name];
        // The daily log would otherwise make new proof when it comes and when it is gone again.
        let daily = |name: &str| name.starts_with("hw.smart.farm.");
        let samples =
            self.samples.iter().filter(|it| !restless.contains(&it.0.name) && !daily(it.0.name));
        let numbers: String =
            samples.map(|it| format!("{}{:?}={};", it.0.name, it.1, it.2)).collect();
        let words: String =
            self.states.iter().map(|it| format!("{}={};", it.0.name, it.1)).collect();
        numbers + &words
    }

    /// Hands it all over.
    pub(super) fn emit(self, c: &mut Collect<'_>, id: &ComponentId) {
        for (metric, attrs, value) in self.samples {
            let attrs: Vec<_> = attrs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            c.sample_with(metric, id, &attrs, value);
        }
        for (metric, value) in self.states {
            c.state(metric, id, &value);
        }
        for (reason, text) in self.problems {
            c.problem(reason, Some(id), text);
        }
    }
}

/// The value at a path of keys.
pub(super) fn at<'a>(json: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(json, |value, key| value.get(*key))
}

/// A number at a path; texts that hold a number count too (`"3,641"` of another locale does not).
pub(super) fn number(json: &Value, path: &[&str]) -> Option<f64> {
    let value = at(json, path)?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|it| it.is_finite())
}

/// A text at a path, without white space at the ends; none if empty.
pub(super) fn text<'a>(json: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(json, path)?.as_str().map(str::trim).filter(|it| !it.is_empty())
}

/// A truth value at a path.
pub(super) fn truth(json: &Value, path: &[&str]) -> Option<bool> {
    at(json, path)?.as_bool()
}

/// The elements of a list at a path; none is an empty list.
pub(super) fn list<'a>(json: &'a Value, path: &[&str]) -> &'a [Value] {
    at(json, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
