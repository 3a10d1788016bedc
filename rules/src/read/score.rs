//! Scores, and the conditions that ask for them: sums of points, part by part.

use std::sync::Arc;

use super::{Reader, condition::COMPARES, did_you_mean, table::Table};
use crate::{
    AttrTest, Score, ScorePart, ScoreTest, nearest,
    rule::{Compare, Condition},
};

/// More points for one sign would drown the others.
const POINTS_MAX: f64 = 100.0;

impl Reader<'_> {
    /// A `[[score]]`.
    pub(super) fn score(&mut self, table: &Table<'_>) {
        table.check(self, "a score", &["id", "title", "parts", "source"]);
        let id: Arc<str> = table.text(self, "id").unwrap_or_default().into();
        if self.earlier.scores.iter().chain(&self.scores).any(|it| it.id == id) {
            let text = format!("there is already a score `{id}`; ids must be unique");
            self.mistake(table.offset_of("id"), text);
        }
        let title = table.both(self, "title");
        let source = table.text(self, "source").unwrap_or_default().to_owned();
        let mut parts: Vec<ScorePart> = Vec::new();
        for entry in table.tables(self, "parts") {
            parts.extend(self.part(&entry, &parts.clone()));
        }
        if parts.is_empty() {
            self.mistake(table.offset(), "a score needs `parts`");
        }
        let (file, line) = (self.file.to_owned(), self.line(table.offset()));
        self.scores.push(Score { id, title, parts, source, file, line });
    }

    fn part(&mut self, table: &Table<'_>, before: &[ScorePart]) -> Option<ScorePart> {
        table.check(self, "a part of a score", &["points", "group", "with", "when", "say"]);
        if !table.has("points") {
            self.mistake(table.offset(), "`points` is missing");
        }
        let points = table.number(self, "points").unwrap_or_default();
        if points.fract() != 0.0 || points.abs() > POINTS_MAX || points == 0.0 {
            let text =
                format!("`points` must be a whole number other than 0, at most {POINTS_MAX}");
            self.mistake(table.offset_of("points"), text);
        }
        let with = table.text_if(self, "with").map(str::to_owned);
        if let Some(with) = &with
            && !before.iter().any(|it| it.group == *with)
        {
            let near = nearest(with, before.iter().map(|it| it.group.as_str()));
            let hint = did_you_mean(near);
            let text = format!("no part before this one is of the group `{with}`{hint}");
            self.mistake(table.offset_of("with"), text);
        }
        let say = table.both(self, "say");
        let Some(when) = table.get("when") else {
            self.mistake(table.offset(), "`when` is missing");
            return None;
        };
        let when = self.condition(when)?;
        let mut alone = !when.timed();
        when.each(&mut |it| alone &= !matches!(it, Condition::Score(_)));
        if !alone {
            let text = "a part of a score may ask neither for a score nor for silence";
            self.mistake(table.offset_of("when"), text);
        }
        let group = table.text_if(self, "group").unwrap_or_default().to_owned();
        // It was checked to be whole and small.
        #[allow(clippy::cast_possible_truncation, reason = "at most POINTS_MAX")]
        let points = points as i32;
        Some(ScorePart { points, group, with, when, say })
    }

    /// `{ score = "disk-failure", at_least = 9 }`.
    pub(super) fn score_test(&mut self, table: &Table<'_>) -> Option<Condition> {
        let compares: Vec<&str> = COMPARES.iter().map(|(key, _)| *key).collect();
        table.check(self, "a condition on a score", &[&["score"], compares.as_slice()].concat());
        let name = table.text(self, "score")?;
        let all = || self.earlier.scores.iter().chain(&self.scores);
        let Some(score) = all().position(|it| *it.id == *name) else {
            let hint = did_you_mean(nearest(name, all().map(|it| &*it.id)));
            let text = format!("no score `{name}` stands before this rule{hint}");
            self.mistake(table.offset_of("score"), text);
            return None;
        };
        let given: Vec<&(&str, Compare)> =
            COMPARES.iter().filter(|(key, _)| table.has(key)).collect();
        let [(key, compare)] = given[..] else {
            let text =
                format!("a condition on a score needs exactly one of {}", compares.join(", "));
            self.mistake(table.offset(), text);
            return None;
        };
        let limit = table.number(self, key)?;
        Some(Condition::Score(ScoreTest { score, compare: *compare, limit }))
    }

    /// `{ attr = "hw.drive.maker", in = ["hgst", "wdc"] }`; the empty text is a missing attribute.
    pub(super) fn attr_test(&mut self, table: &Table<'_>) -> Option<Condition> {
        let keys = ["attr", "is", "is_not", "in", "not_in"];
        table.check(self, "a condition on an attribute", &keys);
        let name = table.text(self, "attr")?.to_owned();
        let good = table.words(self, "is").or_else(|| table.words(self, "in"));
        let bad = table.words(self, "is_not").or_else(|| table.words(self, "not_in"));
        match (good, bad) {
            (Some(words), None) => Some(Condition::Attr(AttrTest { name, words, inside: true })),
            (None, Some(words)) => Some(Condition::Attr(AttrTest { name, words, inside: false })),
            _ => {
                let text =
                    "a condition on an attribute needs exactly one of is, in, is_not, not_in";
                self.mistake(table.offset(), text);
                None
            }
        }
    }
}
