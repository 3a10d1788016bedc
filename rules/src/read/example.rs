//! Examples: short time lines of readings that stand beside each rule and run as tests.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Reader,
    rule::EVIDENCE,
    table::{Table, plain},
};
use crate::{
    MetricKind, duration,
    example::{Example, Expect, Reading},
    nearest,
    rule::Attrs,
};

const OUTCOMES: &[&str] = &["collected", "absent", "failed", "stuck", "deferred"];

const REASONS: &[&str] = &[
    "asleep",
    "unsupported",
    "timed_out",
    "permission_denied",
    "unparsable",
    "tool_failed",
    "missing",
    "implausible",
    "truncated",
];

const KEYS: &[&str] = &["at", "event", "attrs", "outcome", "problem", "gone", "peers"];

impl Reader<'_> {
    /// All examples of a rule.
    pub(super) fn examples(&mut self, rule: &Table<'_>) -> Vec<Example> {
        let mut examples = Vec::new();
        for expect in [Expect::Firing, Expect::Quiet, Expect::Pending, Expect::Unknown] {
            for table in rule.tables(self, expect.key()) {
                examples.extend(self.example(&table, expect));
            }
        }
        examples
    }

    fn example(&mut self, table: &Table<'_>, expect: Expect) -> Option<Example> {
        table.check(self, "an example", &["why", "evidence", "attrs", "readings", "now"]);
        let mut readings = Vec::new();
        for entry in table.tables(self, "readings") {
            readings.extend(self.reading(&entry));
        }
        if readings.is_empty() {
            self.mistake(table.offset(), "an example needs `readings`");
        }
        if !readings.is_sorted_by_key(|reading: &Reading| reading.at) {
            self.mistake(table.offset_of("readings"), "readings must stand in the order of `at`");
        }
        let attrs: BTreeMap<String, String> =
            table.attrs(self, "attrs").unwrap_or_default().into_iter().collect();
        Some(Example {
            expect,
            why: table.text_if(self, "why").unwrap_or_default().to_owned(),
            evidence: table.word(self, "evidence", EVIDENCE),
            attrs,
            readings,
            now: table.duration(self, "now"),
            line: self.line(table.offset()),
        })
    }

    fn reading(&mut self, table: &Table<'_>) -> Option<Reading> {
        let at = duration::parse(table.text(self, "at")?);
        let at = at.unwrap_or_else(|why| {
            self.mistake(table.offset_of("at"), format!("`at`: {why}"));
            Duration::ZERO
        });
        let mut reading = Reading { at, outcome: "collected".to_owned(), ..Reading::default() };
        if let Some(outcome) = self.one_of(table, "outcome", OUTCOMES) {
            reading.outcome = outcome;
        }
        reading.problem = self.one_of(table, "problem", REASONS);
        reading.gone = table.get("gone").and_then(|it| it.get_ref().as_bool()).unwrap_or(false);
        let event_attrs = table.attrs(self, "attrs").unwrap_or_default();
        for kind in table.words(self, "event").unwrap_or_default() {
            self.metric(table.offset_of("event"), &kind, &[MetricKind::Event]);
            reading.events.push((kind, event_attrs.clone()));
        }
        if let Some(peers) = table.get("peers").and_then(Table::of) {
            for (key, value) in peers.entries() {
                let offset = value.span().start;
                let (name, attrs) = self.series(offset, key)?;
                self.metric(offset, &name, &[MetricKind::Gauge, MetricKind::Counter]);
                match plain(value.get_ref()) {
                    Some(number) => reading.peers.push((name, attrs, number)),
                    None => self.mistake(offset, format!("`{name}` must be a number")),
                }
            }
        }
        for (key, value) in table.entries().filter(|(key, _)| !KEYS.contains(key)) {
            let offset = value.span().start;
            let (name, attrs) = self.series(offset, key)?;
            match (
                self.known.get(name.as_str()).map(|metric| metric.kind),
                value.get_ref().as_str(),
            ) {
                (Some(MetricKind::State), Some(word)) => {
                    reading.states.push((name, word.to_owned()))
                }
                (Some(MetricKind::Gauge | MetricKind::Counter), None) => {
                    match plain(value.get_ref()) {
                        Some(number) => reading.samples.push((name, attrs, number)),
                        None => self.mistake(offset, format!("`{name}` must be a number")),
                    }
                }
                (Some(kind), _) => {
                    let text = format!(
                        "`{name}` is a {}: numbers for metrics, texts for states",
                        kind.label()
                    );
                    self.mistake(offset, text);
                }
                (None, _) => {
                    let near = self.known.keys().copied().chain(KEYS.iter().copied());
                    let hint = nearest(&name, near)
                        .map(|near| format!("; did you mean `{near}`?"))
                        .unwrap_or_default();
                    self.mistake(offset, format!("no source declares `{name}`{hint}"));
                }
            }
        }
        Some(reading)
    }

    /// `name` or `name{key=value,key=value}`.
    fn series(&mut self, offset: usize, key: &str) -> Option<(String, Attrs)> {
        let Some((name, rest)) = key.split_once('{') else {
            return Some((key.to_owned(), Attrs::new()));
        };
        let inner = rest.strip_suffix('}');
        let attrs: Option<Attrs> = inner.and_then(|inner| {
            inner
                .split(',')
                .map(|pair| {
                    pair.split_once('=').map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
                })
                .collect()
        });
        let Some(mut attrs) = attrs else {
            self.mistake(offset, format!("`{key}` must look like name{{key=value}}"));
            return None;
        };
        attrs.sort();
        Some((name.to_owned(), attrs))
    }

    fn one_of(&mut self, table: &Table<'_>, key: &str, allowed: &[&str]) -> Option<String> {
        let word = table.text_if(self, key)?;
        if !allowed.contains(&word) {
            let wanted = allowed.join(", ");
            self.mistake(
                table.offset_of(key),
                format!("`{key}` is `{word}`, wanted one of {wanted}"),
            );
            return None;
        }
        Some(word.to_owned())
    }
}
