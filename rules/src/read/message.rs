//! Placeholders of messages: `{name}`, `{value}`, `{limit}`, `{points}`, `{text}`, `{METRIC}`, `{+METRIC}` (rise),
//! `{@ATTRIBUTE}`, and in English the word that goes with a number: `{value} {value|member is|members are} missing`.

use super::Reader;
use crate::{MetricKind, Text, nearest, plural};

/// Placeholders that any rule may use.
const FIXED: &[&str] = &["name", "value", "limit", "points", "text"];

impl Reader<'_> {
    /// Notes placeholders that mean nothing, and takes note of the metrics that a message shows.
    pub(super) fn placeholders(&mut self, at: usize, text: &Text) {
        let mut per_language = Vec::new();
        for (language, english) in [(&text.zh, false), (&text.en, true)] {
            let mut names = Vec::new();
            let mut rest = language.as_str();
            while let Some((_, tail)) = rest.split_once('{') {
                let Some((name, tail)) = tail.split_once('}') else {
                    self.mistake(at, "a `{` in a message has no `}`");
                    break;
                };
                match name.contains('|') {
                    true => self.choice(at, name, english),
                    false => names.push(name.to_owned()),
                }
                rest = tail;
            }
            names.sort();
            names.dedup();
            per_language.push(names);
        }
        if per_language[0] != per_language[1] {
            let (zh, en) = (per_language[0].join(", "), per_language[1].join(", "));
            self.mistake(
                at,
                format!("Chinese shows {{{zh}}}, English {{{en}}}; both must show the same"),
            );
        }
        for name in &per_language[0] {
            self.placeholder(at, name);
        }
    }

    /// A word that follows a number.
    fn choice(&mut self, at: usize, choice: &str, english: bool) {
        let Some(plural) = plural::parse(choice) else {
            let text = format!("`{{{choice}}}`: wanted {{NUMBER|word for one|word for many}}");
            return self.mistake(at, text);
        };
        if !english {
            self.mistake(at, format!("`{{{choice}}}`: Chinese words do not change with a number"));
        }
        let word = ["name", "text", "points"].contains(&plural.number);
        if word || plural.number.starts_with('@') {
            let text = format!("`{{{choice}}}`: `{}` is no number", plural.number);
            self.mistake(at, text);
        }
        self.placeholder(at, plural.number);
    }

    fn placeholder(&mut self, at: usize, name: &str) {
        if FIXED.contains(&name) || name.starts_with('@') {
            return;
        }
        let metric = name.strip_prefix('+').unwrap_or(name);
        if self.known.contains_key(metric) {
            let kinds = [MetricKind::Gauge, MetricKind::Counter, MetricKind::State];
            self.metric(at, metric, &kinds);
            return;
        }
        let near = FIXED.iter().copied().chain(self.known.keys().copied());
        let hint = match nearest(metric, near) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => "wanted {name}, {value}, {limit}, {points}, {text}, {METRIC}, {+METRIC} or {@ATTRIBUTE}"
                .to_owned(),
        };
        self.mistake(at, format!("no placeholder `{{{name}}}`; {hint}"));
    }
}
