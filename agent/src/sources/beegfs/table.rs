//! The tables of both command lines, as rows of named cells.
//!
//! Facts: `beegfs-ctl` 7 prints right-aligned columns under a header and a line of `=`; only the last column (the node)
//! has spaces in it. `beegfs` 8 prints left-aligned columns, or JSON: one list for each page of rows.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::typed;

/// Most rows that are taken; BeeGFS numbers targets with 16 bits.
const ROWS_MAX: usize = 65_536;

/// How the names of columns end that hold names.
const NAMES: [&str; 8] =
    ["alias", "group", "id", "name", "node", "pool", "primary_target", "secondary_target"];

/// Cells by lower-case name: words joined by `_`.
pub(super) type Row = BTreeMap<String, String>;

/// Rows, and lines that were not understood.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    pub(super) strange: Vec<String>,
}

pub(super) fn read(text: &str) -> Table {
    let json = text.trim_start();
    if json.starts_with('[') || json.starts_with('{') { from_json(json) } else { from_text(text) }
}

fn from_json(text: &str) -> Table {
    let mut table = Table::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(Value::Array(items)) => items.iter().for_each(|it| table.take(it)),
            Ok(item @ Value::Object(_)) => table.take(&item),
            Ok(other) => table.strange.push(other.to_string().chars().take(100).collect()),
            Err(error) => {
                table.strange.push(format!("JSON: {error}"));
                break;
            }
        }
    }
    table
}

impl Table {
    fn take(&mut self, item: &Value) {
        let Value::Object(cells) = item else {
            return self.strange.push(item.to_string().chars().take(100).collect());
        };
        let mut row = Row::new();
        for (name, value) in cells {
            let name = key(name);
            let strange = !typed::is_name(value) && (!value.is_object() || plain(value).is_none());
            if strange && NAMES.iter().any(|it| name.ends_with(it)) {
                let said = format!("{name} = {value}");
                self.strange.push(said.chars().take(100).collect());
            } else if let Some(value) = plain(value) {
                row.insert(name, value);
            }
        }
        if self.rows.len() < ROWS_MAX {
            self.rows.push(row);
        }
    }
}

/// A cell of JSON: ids may be objects with a number and a type.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Object(parts) => {
            let find = |names: &[&str]| {
                parts
                    .iter()
                    .find(|it| names.contains(&key(it.0).as_str()))
                    .and_then(|it| plain(it.1))
            };
            find(&["alias"]).or_else(|| {
                let number = find(&["num_id", "numid", "id"])?;
                Some(match find(&["node_type", "nodetype", "type"]) {
                    Some(kind) => format!(
                        "{}:{number}",
                        kind.chars().next().unwrap_or('?').to_ascii_lowercase()
                    ),
                    None => number,
                })
            })
        }
        _ => None,
    }
}

fn key(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '.'], "_").replace("__", "_")
}

/// Headers whose names have a space, in version 7.
const PAIRS: [(&str, &str); 2] = [("st.", "pool"), ("cap.", "pool")];

fn from_text(text: &str) -> Table {
    let mut table = Table::default();
    let mut header: Option<Header> = None;
    let mut section = None;
    for line in text.lines() {
        let line = line.trim_end();
        if line.trim().is_empty() || line.chars().all(|it| matches!(it, '=' | '-' | ' ')) {
            continue;
        }
        // `beegfs-df` puts these over its two tables.
        let title = line.trim().to_lowercase();
        if title.starts_with("metadata servers:") || title.starts_with("storage targets:") {
            section = Some(if title.starts_with('m') { "meta" } else { "storage" });
            header = None;
        } else if let Some(found) = Header::of(line) {
            header = Some(found);
        } else {
            let row = header.as_ref().and_then(|it| it.row(line));
            match row {
                Some(mut row) if table.rows.len() < ROWS_MAX => {
                    if let Some(section) = section {
                        row.insert("type".to_owned(), section.to_owned());
                    }
                    table.rows.push(row);
                }
                _ => table.strange.push(line.chars().take(160).collect()),
            }
        }
    }
    table
}

/// Column names, and where they begin if columns are left-aligned.
#[derive(Debug)]
struct Header {
    names: Vec<String>,
    starts: Option<Vec<usize>>,
}

impl Header {
    fn of(line: &str) -> Option<Header> {
        let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
        let is_seven = ["targetid", "buddygroupid", "mirrorgroupid", "nodeid"]
            .iter()
            .any(|it| words.contains(&(*it).to_owned()));
        if is_seven {
            let mut names: Vec<String> = Vec::new();
            for word in &words {
                match names.last_mut() {
                    Some(last) if PAIRS.iter().any(|it| last.as_str() == it.0 && word == it.1) => {
                        *last = format!("{}_pool", last.trim_end_matches('.'));
                    }
                    // `%` comes twice, once for space and once for inodes.
                    _ if word == "%" => {
                        names.push(format!("{}_percent", names.last().cloned().unwrap_or_default()))
                    }
                    _ => names.push(word.clone()),
                }
            }
            return Some(Header { names, starts: None });
        }
        let first = words.first()?;
        if !["uid", "id", "alias"].contains(&first.as_str())
            || words.len() < 3
            || words.iter().any(|it| it.contains(':'))
        {
            return None;
        }
        // Left-aligned: names are apart by two spaces or more.
        let (mut names, mut starts, mut at) = (Vec::new(), Vec::new(), 0);
        for part in line.split("  ") {
            let name = part.trim();
            if !name.is_empty() {
                starts.push(
                    line[..at].chars().count() + part.chars().take_while(|it| *it == ' ').count(),
                );
                names.push(key(name));
            }
            at += part.len() + 2;
        }
        Some(Header { names, starts: Some(starts) })
    }

    fn row(&self, line: &str) -> Option<Row> {
        let Some(starts) = &self.starts else { return self.row_of_words(line) };
        let letters: Vec<char> = line.chars().collect();
        let cell = |(index, name): (usize, &String)| {
            let from = *starts.get(index)?;
            let to = starts.get(index + 1).copied().unwrap_or(usize::MAX).min(letters.len());
            let text: String = letters.get(from..to)?.iter().collect();
            let text = text.trim();
            (!text.is_empty()).then(|| (name.clone(), text.to_owned()))
        };
        let row: Row = self.names.iter().enumerate().filter_map(cell).collect();
        row.contains_key("id").then_some(row)
    }

    fn row_of_words(&self, line: &str) -> Option<Row> {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        // Printed in place of both states.
        if let Some(at) = words.iter().position(|it| *it == "<invalid_value>") {
            words.insert(at, "<invalid_value>");
        }
        let count = self.names.len();
        if words.len() < count || words.first()?.parse::<u32>().is_err() {
            return None;
        }
        let last = words[count - 1..].join(" ");
        let mut row: Row = self
            .names
            .iter()
            .zip(&words)
            .take(count - 1)
            .map(|(name, it)| (name.clone(), (*it).to_owned()))
            .collect();
        row.insert(self.names[count - 1].clone(), last);
        Some(row)
    }
}
