//! Conditions: from a table of the file to a [`Condition`].

use std::time::Duration;

use toml::{Spanned, de::DeValue};

use super::{
    Reader,
    table::{Table, plain},
};
use crate::{
    MetricId, MetricKind,
    rule::{
        Attrs, Compare, Condition, EventTest, How, Measure, NumberTest, Operand, StateTest,
        Threshold, Word,
    },
    unit,
};

const NUMBERS: &[MetricKind] = &[MetricKind::Gauge, MetricKind::Counter];

pub(super) const COMPARES: &[(&str, Compare)] = &[
    ("above", Compare::Above),
    ("below", Compare::Below),
    ("at_least", Compare::AtLeast),
    ("at_most", Compare::AtMost),
    ("equals", Compare::Equals),
    ("differs", Compare::Differs),
];

const MEASURE: &[&str] = &[
    "metric",
    "attrs",
    "rise_in",
    "rate_in",
    "mean_in",
    "max_in",
    "forecast_in",
    "over",
    "per",
    "per_at_least",
    "missing",
    "before",
];

impl Reader<'_> {
    /// A condition; `None` after a mistake.
    pub(super) fn condition(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Condition> {
        let Some(table) = Table::of(value) else {
            self.mistake(
                value.span().start,
                "a condition must be a table: { metric = .., above = .. }",
            );
            return None;
        };
        let heads = [
            "metric",
            "state",
            "event",
            "attr",
            "score",
            "gone",
            "silent",
            "silent_periods",
            "all",
            "any",
            "not",
        ];
        let found: Vec<&str> = heads.into_iter().filter(|head| table.has(head)).collect();
        let [head] = found[..] else {
            let wanted = heads.join(", ");
            let text = match found.len() {
                0 => format!("a condition needs one of {wanted}"),
                _ => format!("a condition takes only one of {}", found.join(", ")),
            };
            self.mistake(table.offset(), text);
            return None;
        };
        match head {
            "metric" => self.number_test(&table),
            "state" => self.state_test(&table),
            "event" => self.event_test(&table),
            "attr" => self.attr_test(&table),
            "score" => self.score_test(&table),
            "all" => Some(Condition::All(self.parts(&table, "all")?)),
            "any" => Some(Condition::Any(self.parts(&table, "any")?)),
            "not" => {
                table.check(self, "`not`", &["not"]);
                Some(Condition::Not(Box::new(self.condition(table.get("not")?)?)))
            }
            "gone" => {
                table.check(self, "`gone`", &["gone"]);
                table.count(self, "gone").map(Condition::Gone)
            }
            "silent" => {
                table.check(self, "`silent`", &["silent"]);
                table.window(self, "silent").map(|it| Condition::Silent(Threshold::Time(it)))
            }
            _ => {
                table.check(self, "`silent_periods`", &["silent_periods"]);
                let periods = table.count(self, "silent_periods")?;
                Some(Condition::Silent(Threshold::Periods(periods)))
            }
        }
    }

    fn parts(&mut self, table: &Table<'_>, key: &'static str) -> Option<Vec<Condition>> {
        table.check(self, key, &[key]);
        let value = table.get(key)?;
        let Some(list) = value.get_ref().as_array().filter(|list| !list.is_empty()) else {
            self.mistake(value.span().start, format!("`{key}` must be a list of conditions"));
            return None;
        };
        // All parts are read before one that failed ends it, so that all their mistakes are told.
        let parts: Vec<Option<Condition>> = list.iter().map(|part| self.condition(part)).collect();
        parts.into_iter().collect()
    }

    fn number_test(&mut self, table: &Table<'_>) -> Option<Condition> {
        let compares: Vec<&str> = COMPARES.iter().map(|(key, _)| *key).collect();
        table.check(self, "a condition on a metric", &[MEASURE, &compares].concat());
        let measure = self.measure(table, None);
        let given: Vec<&(&str, Compare)> =
            COMPARES.iter().filter(|(key, _)| table.has(key)).collect();
        let [(key, compare)] = given[..] else {
            let text =
                format!("a condition on a metric needs exactly one of {}", compares.join(", "));
            self.mistake(table.offset(), text);
            return None;
        };
        let measure = measure?;
        let against = self.operand(table.get(key)?, &measure)?;
        Some(Condition::Number(NumberTest { measure, compare: *compare, against }))
    }

    fn operand(&mut self, value: &Spanned<DeValue<'_>>, left: &Measure) -> Option<Operand> {
        if let Some(number) = plain(value.get_ref()) {
            return Some(Operand::Const(number));
        }
        let at = value.span().start;
        if let Some(text) = value.get_ref().as_str() {
            return self.with_unit(at, text, left).map(Operand::Const);
        }
        let Some(table) = Table::of(value) else {
            self.mistake(
                at,
                "wanted a number, a number with a unit, or { metric = .., times = .. }",
            );
            return None;
        };
        table.check(
            self,
            "a comparison with a metric",
            &[MEASURE, &["times", "plus", "peers"]].concat(),
        );
        let measure = self.measure(&table, Some(left))?;
        let times = if table.has("times") { table.number(self, "times")? } else { 1.0 };
        let plus = if table.has("plus") { table.number(self, "plus")? } else { 0.0 };
        let peers = table.text_if(self, "peers");
        if let Some(word) = peers.filter(|it| *it != "median") {
            let text = format!("`peers` is `{word}`, wanted `median`");
            self.mistake(table.offset_of("peers"), text);
            return None;
        }
        let (one, two) = (self.unit(left), self.unit(&measure));
        // Counts of whatever may be compared: threads with processors.
        if one != two && !(one.starts_with('{') && two.starts_with('{')) {
            self.mistake(at, format!("a value in `{one}` cannot be compared with one in `{two}`"));
            return None;
        }
        Some(Operand::Measure { measure, times, plus, peers: peers.is_some() })
    }

    /// `90 %`, `50 GiB`: the number in the measure's own unit.
    fn with_unit(&mut self, at: usize, text: &str, measure: &Measure) -> Option<f64> {
        let unit = self.unit(measure);
        if let Some(quantity) = unit::quantity(text).filter(|it| it.unit == unit) {
            return Some(quantity.value);
        }
        let wanted = unit::wanted(&unit);
        self.mistake(at, format!("`{text}` does not fit the unit `{unit}`; wanted {wanted}"));
        None
    }

    fn unit(&self, measure: &Measure) -> String {
        let metric = self
            .ids
            .iter()
            .find(|(_, id)| **id == measure.metric)
            .and_then(|(name, _)| self.known.get(name.as_str()));
        let unit = metric.map(|metric| metric.unit.clone()).unwrap_or_default();
        match measure.how {
            How::Rate(_) => format!("{unit}/s"),
            How::Share { of, .. } => {
                let of = self.ids.iter().find(|(_, id)| **id == of).map(|(name, _)| name.as_str());
                let of = of.and_then(|name| self.known.get(name)).map(|it| it.unit.as_str());
                // Seconds per operation are seconds; errors per packet are a ratio.
                let count = of.is_some_and(|it| it.starts_with('{'));
                if count && !unit.starts_with('{') { unit } else { "1".to_owned() }
            }
            _ => unit,
        }
    }

    /// `metric`, `attrs` and at most one of the windows. In an operand the left side's metric, attributes and divisor
    /// are the defaults.
    fn measure(&mut self, table: &Table<'_>, left: Option<&Measure>) -> Option<Measure> {
        let metric = match table.text_if(self, "metric") {
            Some(name) => self.metric(table.offset_of("metric"), name, NUMBERS),
            None => left.map(|left| left.metric),
        };
        let own = table.has("metric");
        let default = left.filter(|_| !own).map(|left| left.attrs.clone()).unwrap_or_default();
        let attrs: Attrs = if table.has("attrs") { table.attrs(self, "attrs")? } else { default };
        let keys = ["rise_in", "rate_in", "mean_in", "max_in", "forecast_in"];
        let given: Vec<&str> = keys.into_iter().filter(|key| table.has(key)).collect();
        let how = match given[..] {
            [] => How::Value,
            [key] => self.how(table, key, left)?,
            _ => {
                self.mistake(table.offset(), format!("only one of {}", given.join(", ")));
                return None;
            }
        };
        let missing =
            if table.has("missing") { Some(table.number(self, "missing")?) } else { None };
        let before = if table.has("before") { Some(table.number(self, "before")?) } else { None };
        if before.is_some() && !matches!(how, How::Rise(_)) {
            self.mistake(table.offset_of("before"), "`before` goes with `rise_in` only");
        }
        Some(Measure { metric: metric?, attrs, how, missing, before })
    }

    fn how(&mut self, table: &Table<'_>, key: &str, left: Option<&Measure>) -> Option<How> {
        let window = table.window(self, key)?;
        let inherited = match left.map(|left| left.how) {
            Some(How::Share { of, of_at_least, .. }) if !table.has("metric") => {
                Some((of, of_at_least))
            }
            _ => None,
        };
        match key {
            "rise_in" => match self.divisor(table)?.or(inherited) {
                Some((of, of_at_least)) => Some(How::Share { of, window, of_at_least }),
                None => Some(How::Rise(window)),
            },
            "rate_in" => Some(How::Rate(window)),
            "max_in" => Some(How::Max(window)),
            "mean_in" => Some(How::Mean(window)),
            _ => {
                let over =
                    table.window(self, "over").unwrap_or(window.min(Duration::from_secs(21_600)));
                Some(How::Forecast { ahead: window, over })
            }
        }
    }

    /// The divisor of a share: `Some(None)` without one, `None` after a mistake.
    #[allow(clippy::option_option, reason = "a mistake and an absent key are different things")]
    fn divisor(&mut self, table: &Table<'_>) -> Option<Option<(MetricId, f64)>> {
        let Some(name) = table.text_if(self, "per") else { return Some(None) };
        let of = self.metric(table.offset_of("per"), name, &[MetricKind::Counter])?;
        let least =
            if table.has("per_at_least") { table.number(self, "per_at_least")? } else { 1.0 };
        Some(Some((of, least)))
    }

    fn state_test(&mut self, table: &Table<'_>) -> Option<Condition> {
        let keys = [
            "state",
            "is",
            "is_not",
            "in",
            "not_in",
            "begins",
            "was",
            "within",
            "changed_in",
            "at_least",
        ];
        table.check(self, "a condition on a state", &keys);
        let name = table.text(self, "state")?;
        let metric = self.metric(table.offset_of("state"), name, &[MetricKind::State]);
        let good = table.words(self, "is").or_else(|| table.words(self, "in"));
        let bad = table.words(self, "is_not").or_else(|| table.words(self, "not_in"));
        let begins = table.words(self, "begins").filter(|_| good.is_none() && bad.is_none());
        let word = match (good, bad, table.has("changed_in")) {
            (None, None, false) if begins.is_some() => Word::Begins(begins.unwrap_or_default()),
            (Some(now), None, false) if table.has("was") => Word::FellFrom {
                before: table.words(self, "was")?,
                now,
                window: table.window(self, "within").unwrap_or(crate::days(30)),
            },
            (Some(words), None, false) => Word::In(words),
            (None, Some(_), false) if table.has("was") => {
                self.mistake(table.offset_of("was"), "`was` goes with `is` or `in` only");
                return None;
            }
            (None, Some(words), false) => Word::NotIn(words),
            (None, None, true) => Word::ChangedIn {
                window: table.window(self, "changed_in")?,
                at_least: table.count(self, "at_least").unwrap_or(1),
            },
            _ => {
                let text = "a condition on a state needs exactly one of is, in, is_not, not_in, begins, changed_in";
                self.mistake(table.offset(), text);
                return None;
            }
        };
        Some(Condition::State(StateTest { metric: metric?, word }))
    }

    fn event_test(&mut self, table: &Table<'_>) -> Option<Condition> {
        table.check(self, "a condition on events", &["event", "attrs", "count_in", "at_least"]);
        let names = table.words(self, "event")?;
        let at = table.offset_of("event");
        let metrics: Vec<Option<MetricId>> =
            names.iter().map(|name| self.metric(at, name, &[MetricKind::Event])).collect();
        if !table.has("count_in") {
            self.mistake(
                table.offset(),
                "a condition on events needs `count_in`, for example \"24h\"",
            );
        }
        let attrs = if table.has("attrs") { table.attrs(self, "attrs")? } else { Attrs::new() };
        let at_least = if table.has("at_least") { table.count(self, "at_least")? } else { 1 };
        let window = table.window(self, "count_in")?;
        let metrics = metrics.into_iter().collect::<Option<Vec<MetricId>>>()?;
        Some(Condition::Event(EventTest { metrics, attrs, window, at_least }))
    }
}
