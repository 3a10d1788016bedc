//! One `[[rule]]`.

use std::time::Duration;

use xunjian_proto::KINDS;

use super::{Reader, table::Table};
use crate::{
    CLASSES, EvidenceKind,
    example::Expect,
    nearest,
    rule::{Item, Rule},
};

/// Evidence kinds as files write them.
pub(super) const EVIDENCE: &[&str] =
    &["impact_total", "impact_partial", "lost", "suspect", "latent", "advice", "blind"];

const KEYS: &[&str] = &[
    "id",
    "on",
    "only",
    "class",
    "evidence",
    "when",
    "clear_when",
    "for",
    "samples",
    "clear",
    "clear_samples",
    "age",
    "by_model",
    "item",
    "method",
    "criterion",
    "impact",
    "advice",
    "message",
    "threshold_source",
    "firing",
    "quiet",
    "pending",
    "unknown",
];

/// What people look for in a rule and what has no place there: the level is decided, not declared.
const LEVELS: &[&str] = &["level", "priority", "severity"];

impl Reader<'_> {
    /// A rule; parts that are mistaken are noted and left empty, the file is refused then.
    pub(super) fn rule(&mut self, table: &Table<'_>, source: &str) -> Option<Rule> {
        for key in LEVELS.iter().filter(|key| table.has(key)) {
            self.mistake(
                table.offset_of(key),
                format!("a rule names no `{key}`: the fault level follows from `evidence`, the redundancy left and the contract (rules/LEVELS.md)"),
            );
        }
        table.check(self, "a rule", &[KEYS, LEVELS].concat());
        let id = table.text(self, "id").unwrap_or_default().to_owned();
        self.check_id(table, &id);
        let on = self.kind(table);
        let class = self.class(table);
        table.text(self, "evidence");
        let evidence = table.word(self, "evidence", EVIDENCE).unwrap_or(EvidenceKind::Advice);
        let item = Item {
            name: table.both(self, "item"),
            method: table.both(self, "method"),
            criterion: table.both(self, "criterion"),
            impact: table.both(self, "impact"),
            advice: table.both(self, "advice"),
        };
        let message = table.both(self, "message");
        self.placeholders(table.offset_of("message"), &message);
        let threshold_source = table.text(self, "threshold_source").unwrap_or_default().to_owned();
        let (hold, clear) = self.holds(table);
        let examples = self.examples(table);
        for wanted in [Expect::Firing, Expect::Quiet] {
            if !examples.iter().any(|example| example.expect == wanted) {
                let text =
                    format!("rule `{id}` needs at least one [[rule.{}]] example", wanted.key());
                self.mistake(table.offset(), text);
            }
        }
        let clear_when = table.get("clear_when").and_then(|it| self.condition(it));
        let Some(when) = table.get("when") else {
            self.mistake(table.offset(), "`when` is missing");
            return None;
        };
        let when = self.condition(when)?;
        if when.timed() && !matches!(when, crate::Condition::Silent(_)) {
            self.mistake(table.offset_of("when"), "`silent` must be the whole condition of a rule");
        }
        Some(Rule {
            id: id.into(),
            source: source.to_owned(),
            on,
            only: self.only(table),
            class,
            evidence,
            when,
            clear_when,
            hold,
            samples: table.count(self, "samples").unwrap_or(1),
            clear,
            clear_samples: table.count(self, "clear_samples").unwrap_or(2),
            age: table.window(self, "age"),
            by_model: table.has("by_model") && table.yes(self, "by_model"),
            item,
            message,
            threshold_source,
            examples,
            file: self.file.to_owned(),
            line: self.line(table.offset()),
        })
    }

    fn check_id(&mut self, table: &Table<'_>, id: &str) {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.is_empty() && !id.chars().all(fine) {
            let text = format!("id `{id}`: only small letters, digits and `-`");
            self.mistake(table.offset_of("id"), text);
        }
    }

    fn kind(&mut self, table: &Table<'_>) -> String {
        self.listed(table, "on", "kind of component", KINDS.iter().map(|it| it.name))
    }

    fn class(&mut self, table: &Table<'_>) -> String {
        self.listed(table, "class", "class of faults", CLASSES.iter().map(|it| it.name))
    }

    /// A word of a list that is too long to be shown for every slip of the pen.
    fn listed<'n>(
        &mut self,
        table: &Table<'_>,
        key: &str,
        what: &str,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> String {
        let word = table.text(self, key).unwrap_or_default();
        if !word.is_empty() && !names.clone().any(|it| it == word) {
            let hint = match nearest(word, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("wanted one of {}", names.collect::<Vec<_>>().join(", ")),
            };
            self.mistake(table.offset_of(key), format!("no {what} `{word}`; {hint}"));
        }
        word.to_owned()
    }

    /// `for` and `clear`. Without `clear` it is twice `for` (domain practice: slower to end than to begin).
    fn holds(&mut self, table: &Table<'_>) -> (Duration, Duration) {
        let hold = table.duration(self, "for").unwrap_or_default();
        let clear = table.duration(self, "clear").unwrap_or(hold * 2);
        if hold > crate::days(30) || clear > crate::days(30) {
            self.mistake(table.offset_of("for"), "`for` and `clear` may be at most 30d");
        }
        (hold, clear)
    }

    /// `only = { "hw.interface" = ["sas"] }`.
    fn only(&mut self, table: &Table<'_>) -> Vec<(String, Vec<String>)> {
        let Some(value) = table.get("only") else { return Vec::new() };
        let Some(inner) = Table::of(value) else {
            self.mistake(
                value.span().start,
                "`only` must be a table: { \"attribute\" = [\"value\"] }",
            );
            return Vec::new();
        };
        let keys: Vec<&str> = inner.entries().map(|(key, _)| key).collect();
        keys.into_iter().filter_map(|key| Some((key.to_owned(), inner.words(self, key)?))).collect()
    }
}
