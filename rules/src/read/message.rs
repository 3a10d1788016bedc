//! Placeholders of messages: `{name}`, `{value}`, `{limit}`, `{points}`, `{text}`, `{METRIC}`, `{+METRIC}` (rise),
//! `{@ATTRIBUTE}`.

use super::Reader;
use crate::{MetricKind, Text, nearest};

/// Placeholders that any rule may use.
const FIXED: &[&str] = &["name", "value", "limit", "points", "text"];

impl Reader<'_> {
    /// Notes placeholders that mean nothing, and takes note of the metrics that a message shows.
    pub(super) fn placeholders(&mut self, at: usize, text: &Text) {
        let mut per_language = Vec::new();
        for language in [&text.zh, &text.en] {
            let mut names = Vec::new();
            let mut rest = language.as_str();
            while let Some((_, tail)) = rest.split_once('{') {
                let Some((name, tail)) = tail.split_once('}') else {
                    self.mistake(at, "a `{` in a message has no `}`");
                    break;
                };
                names.push(name.to_owned());
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
