//! Reads a contract from TOML and tells every mistake at once, with line, key and value.
//!
//! A file says only what differs: its tables are laid over the defaults, so `[dispatch.1] engineers = 3` keeps the rest of
//! level 1. What cannot be read is left out and named, and what remains is still checked.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};
use xunjian_proto::nearest;

use super::{
    Appointment, Asset, Clocks, Contract, Dispatch, Override, Person, Policy, Site, Window, check,
};

/// Larger contracts are refused: thousands of assets with every key fit in.
pub const CONTRACT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a contract cannot be used.
#[derive(Debug, Error)]
pub enum ContractError {
    /// Not readable.
    #[error("cannot read the contract {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Mistakes in it, all of them.
    #[error("{}", lines(file, mistakes))]
    Mistakes {
        /// Which file.
        file: String,
        /// By line.
        mistakes: Vec<Mistake>,
    },
}

/// One mistake in a contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where, counted from 1; none if it is about something that is not there.
    pub line: Option<usize>,
    /// The key: `assets.node1.site`, `people[0].role`.
    pub key: String,
    /// What was found and what was wanted.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match self.key.is_empty() {
            true => f.write_str(&self.what),
            false => write!(f, "`{}`: {}", self.key, self.what),
        }
    }
}

fn lines(file: &str, mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|it| format!("{file}: {it}")).collect::<Vec<_>>().join("\n")
}

impl Contract {
    /// Reads a file. The error lists every mistake.
    pub fn load(path: &Path) -> Result<Contract, ContractError> {
        let wrap = |source| ContractError::Read { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(wrap)?.len();
        if bytes > CONTRACT_BYTES_MAX {
            let what = format!("the file has {bytes} bytes, at most {CONTRACT_BYTES_MAX} are read");
            let mistakes = vec![Mistake { line: None, key: String::new(), what }];
            return Err(ContractError::Mistakes { file: path.display().to_string(), mistakes });
        }
        let text = std::fs::read_to_string(path).map_err(wrap)?;
        Contract::parse(&text, &path.display().to_string())
    }

    /// Reads a text; `file` names it in the error, which lists every mistake.
    pub fn parse(text: &str, file: &str) -> Result<Contract, ContractError> {
        let mut reading = Reading::new(text);
        let contract = reading.contract();
        let mut mistakes = reading.mistakes;
        mistakes.extend(check::check(&contract).into_iter().map(|(key, what)| {
            let line = line_of(&reading.lines, &key);
            Mistake { line, key, what }
        }));
        mistakes.sort_by(|a, b| (a.line.is_none(), a).cmp(&(b.line.is_none(), b)));
        mistakes.dedup();
        if mistakes.is_empty() {
            return Ok(contract);
        }
        Err(ContractError::Mistakes { file: file.to_owned(), mistakes })
    }
}

/// The line of a key in a contract's text; of the nearest thing around it where the key itself has none.
pub(super) fn line_in(text: &str, key: &str) -> Option<usize> {
    line_of(&Reading::new(text).lines, key)
}

/// A text on its way to a contract.
struct Reading {
    table: Table,
    lines: BTreeMap<String, usize>,
    mistakes: Vec<Mistake>,
}

impl Reading {
    fn new(text: &str) -> Reading {
        let (table, errors) = DeTable::parse_recoverable(text);
        let starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|it| it.0 + 1)).collect();
        let line = |at: usize| starts.partition_point(|start| *start <= at);
        let mut lines = BTreeMap::new();
        note_lines("", table.get_ref(), &line, &mut lines);
        let mistakes = errors
            .iter()
            .map(|it| Mistake {
                line: it.span().map(|span| line(span.start)),
                key: String::new(),
                what: it.message().to_owned(),
            })
            .collect();
        Reading { table: plain_table(table.get_ref()), lines, mistakes }
    }

    fn contract(&mut self) -> Contract {
        let mut contract = Contract::default();
        let whole = full_shape();
        let known: Vec<String> = whole.keys().cloned().collect();
        for (key, value) in std::mem::take(&mut self.table) {
            match (key.as_str(), value) {
                ("sites", Value::Table(entries)) => {
                    contract.sites = self.entries(&key, entries, &BTreeMap::new())
                }
                ("assets", Value::Table(entries)) => {
                    contract.assets = self.entries(&key, entries, &BTreeMap::new())
                }
                ("dispatch", Value::Table(entries)) => {
                    let base = contract.dispatch.clone();
                    contract.dispatch.extend(self.entries::<Dispatch>(&key, entries, &base));
                }
                ("clocks", Value::Table(it)) => {
                    contract.clocks = self.laid_over(&key, it, &contract.clocks)
                }
                ("emergency_clocks", Value::Table(it)) => {
                    contract.emergency_clocks =
                        self.laid_over(&key, it, &contract.emergency_clocks);
                }
                ("policy", Value::Table(it)) => {
                    contract.policy = self.laid_over(&key, it, &contract.policy)
                }
                ("people", Value::Array(items)) => contract.people = self.items(&key, items),
                ("calendar", Value::Array(items)) => contract.calendar = self.items(&key, items),
                ("overrides", Value::Array(items)) => contract.overrides = self.items(&key, items),
                ("maintenance", Value::Array(items)) => {
                    contract.maintenance = self.items(&key, items);
                }
                (name, _) if !whole.contains_key(name) => self.unknown(&key, &key, &known),
                (_, value) => {
                    let single = Table::from_iter([(key.clone(), value)]);
                    contract = self.laid_over("", single, &contract);
                }
            }
        }
        contract
    }

    /// A map of tables, each laid over its default.
    fn entries<T: Known>(
        &mut self,
        path: &str,
        entries: Table,
        base: &BTreeMap<String, T>,
    ) -> BTreeMap<String, T> {
        let mut all = BTreeMap::new();
        for (name, value) in entries {
            let path = format!("{path}.{name}");
            match value {
                Value::Table(fields) => {
                    let default = base.get(&name).cloned().unwrap_or_default();
                    all.insert(name, self.laid_over(&path, fields, &default));
                }
                other => self.wrong(&path, format!("found {}, wanted a table", shown(&other))),
            }
        }
        all
    }

    /// Sets the fields of a table one by one on a value that is whole; those that do not fit are named.
    fn laid_over<T: Known>(&mut self, path: &str, fields: Table, base: &T) -> T {
        let known = T::keys();
        let mut value = base.clone();
        for (key, field) in fields {
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if !known.contains(&key) {
                self.unknown(&at, &key, &known);
                continue;
            }
            let Ok(mut table) = Table::try_from(&value) else { continue };
            let found = shown(&field);
            table.insert(key, field);
            match table.try_into::<T>() {
                Ok(next) => value = next,
                Err(error) => self.wrong(&at, format!("found {found}: {}", error.message())),
            }
        }
        value
    }

    /// An array of tables, each with keys that must be there.
    fn items<T: Known>(&mut self, path: &str, items: Vec<Value>) -> Vec<T> {
        let known = T::keys();
        let mut all = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Value::Table(mut fields) = item else {
                self.wrong(&path, format!("found {}, wanted a table", shown(&item)));
                continue;
            };
            for key in fields.keys().filter(|it| !known.contains(it)).cloned().collect::<Vec<_>>() {
                self.unknown(&format!("{path}.{key}"), &key, &known);
                fields.remove(&key);
            }
            match fields.try_into::<T>() {
                Ok(item) => all.push(item),
                Err(error) => self.wrong(&path, error.message().to_owned()),
            }
        }
        all
    }

    fn unknown(&mut self, path: &str, key: &str, known: &[String]) {
        let hint = match nearest(key, known.iter().map(String::as_str)) {
            Some(near) => format!("unknown key; did you mean `{near}`?"),
            None => format!("unknown key; known are {}", known.join(", ")),
        };
        self.wrong(path, hint);
    }

    fn wrong(&mut self, path: &str, what: String) {
        let what = what.trim_end().replace('\n', " ");
        self.mistakes.push(Mistake {
            line: line_of(&self.lines, path),
            key: path.to_owned(),
            what,
        });
    }
}

/// A part of a contract whose keys are known by name.
trait Known: Default + Clone + Serialize + DeserializeOwned {
    /// All its keys, those that are left out when empty included.
    fn keys() -> Vec<String> {
        Table::try_from(Self::default()).map(|it| it.keys().cloned().collect()).unwrap_or_default()
    }
}

impl Known for Asset {}
impl Known for Clocks {}
impl Known for Dispatch {}
impl Known for Person {}
impl Known for Policy {}
impl Known for Site {}

impl Known for Contract {
    fn keys() -> Vec<String> {
        full_shape().keys().cloned().collect()
    }
}

impl Known for Appointment {}

impl Known for Override {
    fn keys() -> Vec<String> {
        ["rule", "site", "host", "model", "component", "threshold", "who", "why", "until"]
            .map(str::to_owned)
            .to_vec()
    }
}

impl Known for Window {
    fn keys() -> Vec<String> {
        ["site", "host", "component", "from", "to", "who", "why"].map(str::to_owned).to_vec()
    }
}

/// A contract in which every key is there.
fn full_shape() -> Table {
    let day = Some(NaiveDate::default());
    let whole = Contract { starts: day, ends: day, ..Contract::default() };
    Table::try_from(whole).unwrap_or_default()
}

/// The line of a key, or of the nearest thing around it that has one.
fn line_of(lines: &BTreeMap<String, usize>, key: &str) -> Option<usize> {
    let mut key = key;
    loop {
        if let Some(line) = lines.get(key) {
            return Some(*line);
        }
        key = &key[..key.rfind(['.', '['])?];
    }
}

fn note_lines(
    path: &str,
    table: &DeTable<'_>,
    line: &dyn Fn(usize) -> usize,
    lines: &mut BTreeMap<String, usize>,
) {
    for (key, value) in table {
        let name = key.get_ref();
        let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        lines.insert(path.clone(), line(key.span().start));
        note_value(&path, value, line, lines);
    }
}

fn note_value(
    path: &str,
    value: &Spanned<DeValue<'_>>,
    line: &dyn Fn(usize) -> usize,
    lines: &mut BTreeMap<String, usize>,
) {
    match value.get_ref() {
        DeValue::Table(table) => note_lines(path, table, line, lines),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                lines.insert(path.clone(), line(item.span().start));
                note_value(&path, item, line, lines);
            }
        }
        _ => {}
    }
}

fn plain_table(table: &DeTable<'_>) -> Table {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect()
}

/// The value without its place. Dates become text, which is what the contract's days are read from, so that both
/// `2026-01-01` and `"2026-01-01"` will do.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(it) => Value::Boolean(*it),
        DeValue::Datetime(it) => Value::String(it.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|it| plain(it.get_ref())).collect()),
        DeValue::Table(table) => Value::Table(plain_table(table)),
        DeValue::Integer(it) => i64::from_str_radix(it.as_str(), it.radix())
            .map_or_else(|_| Value::String(it.as_str().to_owned()), Value::Integer),
        DeValue::Float(it) => {
            it.as_str().parse().map_or_else(|_| Value::String(it.as_str().to_owned()), Value::Float)
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
