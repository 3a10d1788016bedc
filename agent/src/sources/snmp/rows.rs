//! From variables to rows of tables, and what a row says by its profile.

use std::collections::BTreeMap;

use super::profile::{Enumeration, Filter, Health, Meaning, Number, Table};
use crate::host::{Oid, Value};

/// One row: its index and the columns that the agent gave.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) index: Vec<u32>,
    values: BTreeMap<&'a str, &'a Value>,
}

/// What an enumerated value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Known: the vendor's word and its meaning.
    Known(String, Meaning),
    /// Not in the profile: the value as it came.
    Unknown(String),
}

/// Longest text of a value that becomes a name or an attribute.
const TEXT_CHARS_MAX: usize = 120;

/// The rows of a table, in the order of their indexes.
pub(super) fn rows<'a>(table: &'a Table, all: &'a BTreeMap<Oid, Value>) -> Vec<Row<'a>> {
    let mut rows: BTreeMap<Vec<u32>, BTreeMap<&str, &Value>> = BTreeMap::new();
    for name in table.columns.keys() {
        let Some(root) = table.column(name) else { continue };
        for (oid, value) in all.range(root.clone()..).take_while(|(oid, _)| oid.is_below(&root)) {
            let Some(index) = oid.after(&root).filter(|it| !it.is_empty()) else { continue };
            rows.entry(index.to_vec()).or_default().insert(name, value);
        }
    }
    for (index, values) in &mut rows {
        for (name, root) in &table.beside {
            if let Some(value) = all.get(&root.0.with(index)) {
                values.insert(name, value);
            }
        }
    }
    rows.into_iter().map(|(index, values)| Row { index, values }).collect()
}

impl Row<'_> {
    /// A column's text, without what would break a line; none if it is empty or not there.
    pub(super) fn text(&self, column: &str) -> Option<String> {
        let text = self.values.get(column)?.text();
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let line: String = line.chars().take(TEXT_CHARS_MAX).collect();
        (!line.is_empty()).then_some(line)
    }

    /// A column's value.
    pub(super) fn value(&self, column: &str) -> Option<&Value> {
        self.values.get(column).copied()
    }

    /// A pattern with `{column}`, `{column<MARK}` (what stands before the last MARK in it), `{index}` (whole, with dots)
    /// and `{index:N}` (one number; from the end if negative) filled in; none if nothing could be.
    pub(super) fn fill(&self, pattern: &str) -> Option<String> {
        let (mut out, mut rest, mut filled) = (String::new(), pattern, !pattern.contains('{'));
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            out.push_str(before);
            if let Some(text) = self.part(name) {
                out.push_str(&text);
                filled = true;
            }
            rest = after;
        }
        out.push_str(rest);
        let line = out.split_whitespace().collect::<Vec<_>>().join(" ");
        (filled && !line.is_empty()).then_some(line)
    }

    fn part(&self, name: &str) -> Option<String> {
        let dotted = |it: &[u32]| it.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        if name == "index" {
            return Some(dotted(&self.index));
        }
        if let Some((column, mark)) = name.split_once('<') {
            let text = self.text(column)?;
            return Some(text.rsplit_once(mark).map_or(text.as_str(), |it| it.0).to_owned());
        }
        match name.strip_prefix("index:") {
            Some(place) => {
                let place: isize = place.parse().ok()?;
                let length = isize::try_from(self.index.len()).ok()?;
                let at = if place < 0 { length + place } else { place };
                self.index.get(usize::try_from(at).ok()?).map(ToString::to_string)
            }
            None => self.text(name),
        }
    }

    /// Whether the row is a part by the table's filters.
    pub(super) fn is_part(&self, table: &Table) -> bool {
        table.only.iter().all(|it| self.holds(it)) && !table.unless.iter().any(|it| self.holds(it))
    }

    fn holds(&self, filter: &Filter) -> bool {
        let Some(text) = self.value(&filter.column).map(|it| it.text().to_lowercase()) else {
            return false;
        };
        filter.is.contains(&text) || filter.has.iter().any(|it| text.contains(it.as_str()))
    }

    /// What a health column says; none if the agent does not give it.
    pub(super) fn health(&self, health: &Health, map: &Enumeration) -> Option<Said> {
        let text = self.value(&health.column)?.text();
        let text = match &health.after {
            Some(mark) => text.rsplit_once(mark.as_str())?.1.trim().to_owned(),
            None => text,
        };
        Some(said(&text, map))
    }

    /// A number in the metric's unit; none if it is not measured or cannot be.
    pub(super) fn number(&self, number: &Number) -> Option<Result<f64, String>> {
        let value = self.value(&number.column)?;
        let raw = match (value, &number.between) {
            (Value::Bytes(_), None) => match leading(&value.text()) {
                Some(number) => number,
                None => return misread(&value.text()),
            },
            (_, Some((from, _))) if !value.text().contains(from.as_str()) => {
                return misread(&value.text());
            }
            (_, Some((from, to))) => between(&value.text(), from, to)?,
            (value, None) => value.number()?,
        };
        if number.skip.iter().any(|it| (it - raw).abs() < 1e-9) {
            return None;
        }
        let times = match &number.times {
            Some(column) => self.value(column)?.number()?,
            None => 1.0,
        };
        let digits = number.sensor.as_ref().map_or(Some(1.0), |it| self.sensor_scale(it))?;
        let scaled = raw * number.scale * times * digits;
        let possible = number.within.is_none_or(|(min, max)| (min..=max).contains(&scaled));
        Some(if possible && scaled.is_finite() { Ok(scaled) } else { Err(format!("{raw}")) })
    }

    /// ENTITY-SENSOR-MIB (RFC 3433): a value has a scale (`units(9)` is one, each step a thousand) and decimals.
    fn sensor_scale(&self, columns: &(String, String)) -> Option<f64> {
        let scale = self.value(&columns.0)?.integer()?;
        let decimals = self.value(&columns.1)?.integer()?;
        let power = i32::try_from((scale - 9) * 3 - decimals).ok()?;
        (power.abs() <= 40).then(|| 10_f64.powi(power))
    }
}

/// What a value of an enumeration says: by its number, or by its word where a saved walk has only that.
pub(super) fn said(text: &str, map: &Enumeration) -> Said {
    let lower = text.trim().to_lowercase();
    let by_key = map.get(&lower);
    let by_word = || map.values().find(|(word, _)| word.to_lowercase() == lower);
    // A padded number: `01`.
    let by_number = || map.get(&lower.parse::<i64>().ok()?.to_string());
    match by_key.or_else(by_word).or_else(by_number) {
        Some((word, meaning)) => Said::Known(word.clone(), *meaning),
        None => Said::Unknown(text.trim().chars().take(60).collect()),
    }
}

/// The number that a text begins with: `28 C/82 F`, `7200 RPM`, `-3.2dBm`.
fn leading(text: &str) -> Option<f64> {
    let text = text.trim().trim_start_matches('+');
    let end = text
        .char_indices()
        .find(|(at, it)| !(it.is_ascii_digit() || *it == '.' || (*at == 0 && *it == '-')))
        .map_or(text.len(), |(at, _)| at);
    text[..end].trim_end_matches('.').parse().ok()
}

/// Whether a text in place of a number says that there is none.
fn is_nothing(text: &str) -> bool {
    const WORDS: [&str; 9] =
        ["-inf", "absent", "n/a", "na", "nan", "none", "unavailable", "unknown", "unsupported"];
    let said = text.trim().to_lowercase();
    let blank = said.chars().all(|it| " -_.?*/".contains(it));
    blank || said.starts_with("no ") || said.starts_with("not ") || WORDS.contains(&&*said)
}

/// Of a text that is no number: none if it says so.
fn misread(text: &str) -> Option<Result<f64, String>> {
    let start: String = text.trim().chars().take(60).collect();
    // Lenovo's XCC says so of the speed of a fan that gives none; how the fan is, is said in a column of its own.
    let is_off = text.trim().eq_ignore_ascii_case("offline");
    (!is_nothing(text) && !is_off).then(|| Err(format!("{start:?}")))
}

/// The number between the last `from` and the first `to` behind it; all that stands there must be the number.
fn between(text: &str, from: &str, to: &str) -> Option<f64> {
    let (_, after) = text.rsplit_once(from)?;
    let (number, _) = after.split_once(to)?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_text() {
        assert_eq!(leading("28 C/82 F"), Some(28.0));
        assert_eq!(leading("-3.25dBm"), Some(-3.25));
        assert_eq!(leading("--"), None);
        assert_eq!(misread("offline"), None);
        assert_eq!(misread("fast"), Some(Err("\"fast\"".to_owned())));
        let text = "CPU Temperature-Ctlr B: 61 C 141.80F";
        assert_eq!(between(text, ": ", " C"), Some(61.0));
        assert_eq!(between("Overall Unit Status: OK", ": ", " C"), None);
        assert_eq!(between("Capacitor Pack Voltage-Ctlr B: 8.14V", ": ", "V"), Some(8.14));
    }

    #[test]
    fn values_are_known_by_number_and_by_word() {
        let map: Enumeration = [("2".to_owned(), ("Failed".to_owned(), Meaning::Failed))].into();
        let failed = Said::Known("Failed".to_owned(), Meaning::Failed);
        assert_eq!(said("2", &map), failed);
        assert_eq!(said(" failed ", &map), failed);
        assert_eq!(said("02", &map), failed);
        assert_eq!(said("7", &map), Said::Unknown("7".to_owned()));
    }
}
