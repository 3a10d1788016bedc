//! Reads a TOML table key by key, notes every mistake instead of stopping at the first, and knows which keys were
//! asked for, so that all others are mistakes too.

use std::fmt;

use toml::{Table, Value};
use xunjian_proto::nearest;

/// Something in the configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Which key, with its sections: `sources.smart.every`. Empty if the file as a whole is meant.
    pub key: String,
    /// What was written, shortened.
    pub value: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.key, &*self.value) {
            ("", _) => f.write_str(&self.problem),
            (key, "") => write!(f, "{key}: {}", self.problem),
            (key, value) => write!(f, "{key} = {value}: {}", self.problem),
        }
    }
}

/// One table, with the keys that were asked for.
pub(super) struct Section<'a> {
    path: String,
    table: Option<&'a Table>,
    known: Vec<&'a str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(table: &'a Table) -> Section<'a> {
        Section { path: String::new(), table: Some(table), known: Vec::new() }
    }

    /// A table below this one. One that is not there is like an empty one.
    pub(super) fn section(&mut self, key: &'a str, mistakes: &mut Vec<Mistake>) -> Section<'a> {
        self.known.push(key);
        let value = self.table.and_then(|it| it.get(key));
        if let Some(value) = value
            && !value.is_table()
        {
            mistakes.push(self.mistake(key, value, "want a section".to_owned()));
        }
        Section { path: self.full(key), table: value.and_then(Value::as_table), known: Vec::new() }
    }

    /// The value of a key, or the default if it is not there or a mistake.
    pub(super) fn take<T>(
        &mut self,
        key: &'a str,
        default: T,
        mistakes: &mut Vec<Mistake>,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> T {
        self.known.push(key);
        let Some(value) = self.table.and_then(|it| it.get(key)) else { return default };
        match read(value) {
            Ok(it) => it,
            Err(problem) => {
                mistakes.push(self.mistake(key, value, problem));
                default
            }
        }
    }

    /// The keys that nobody asked for, with their values.
    pub(super) fn rest(&self) -> Table {
        let unknown = |key: &String| !self.known.contains(&key.as_str());
        let table = self.table.cloned().unwrap_or_default();
        table.into_iter().filter(|(key, _)| unknown(key)).collect()
    }

    /// Says of all keys that nobody asked for that they are unknown, and which known one is nearest.
    pub(super) fn finish(self, mistakes: &mut Vec<Mistake>) {
        for (key, value) in &self.rest() {
            let what = if value.is_table() { "section" } else { "key" };
            let nearest = match nearest(key, self.known.iter().copied()) {
                Some(it) => format!("unknown {what}; did you mean `{it}`?"),
                None => format!("unknown {what}; known here: {}", self.known.join(", ")),
            };
            mistakes.push(self.mistake(key, value, nearest));
        }
    }

    /// A mistake in one of this section's keys.
    pub(super) fn mistake(&self, key: &str, value: &Value, problem: String) -> Mistake {
        let value = if value.is_table() { String::new() } else { value.to_string() };
        Mistake { key: self.full(key), value: value.chars().take(80).collect(), problem }
    }

    /// The full name of a key of this section.
    pub(super) fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
