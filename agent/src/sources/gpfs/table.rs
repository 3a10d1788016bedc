//! The `-Y` form of the `mm…` commands: rows of fields between colons, percent-encoded, under a `HEADER` row that names
//! the columns.
//!
//! Facts: IBM Storage Scale documentation on `-Y` ("the output is in parseable format with a colon as delimiter; fields
//! that contain a colon are encoded; use mmclidecode"). Columns differ from version to version: they are found by name,
//! never by place, and further ones are left alone. A row is `command:section:0:1:reserved:reserved:…`; the section is
//! empty where a command has one table only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Rows of one output at most: a cluster's 10,000 filesets, or its 2,000 pdisks, fit.
const ROWS_MAX: usize = 50_000;

/// Fields before the first named column.
const FRONT: usize = 6;

/// One table of an output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// `mmlsdisk`.
    pub(super) command: String,
    /// `nsd` of `mmdf:nsd:…`; empty if the command has one table only.
    pub(super) section: String,
    /// Names of the columns.
    pub(super) columns: Vec<String>,
    /// Decoded fields.
    pub(super) rows: Vec<Vec<String>>,
}

/// One row, with its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    columns: &'a [String],
    fields: &'a [String],
}

impl<'a> Row<'a> {
    /// The field of the first of these columns that there is, unless it is empty or a dash.
    pub(super) fn get(&self, names: &[&str]) -> Option<&'a str> {
        let at = names
            .iter()
            .find_map(|name| self.columns.iter().position(|it| it.eq_ignore_ascii_case(name)))?;
        let field = self.fields.get(at)?.trim();
        (!field.is_empty() && field != "-").then_some(field)
    }

    /// The same, as a number.
    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        let value: f64 = self.get(names)?.parse().ok()?;
        (value.is_finite() && value.abs() < 1.9e19).then_some(value)
    }

    /// The same; a field that is there and no number is told by `Err`.
    pub(super) fn sure(&self, names: &[&str]) -> Result<Option<f64>, String> {
        match self.get(names) {
            None => Ok(None),
            Some(text) => match self.number(names) {
                Some(value) => Ok(Some(value)),
                None => Err(format!("{} is {text:?}", names[0])),
            },
        }
    }
}

impl Table {
    /// All rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|fields| Row { columns: &self.columns, fields })
    }

    /// Whether it has one of these columns.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.columns.iter().any(|it| names.iter().any(|name| it.eq_ignore_ascii_case(name)))
    }

    /// Leaves these columns only: what is kept between runs must be small.
    pub(super) fn narrow(&mut self, wanted: &[&str]) {
        let keep: Vec<bool> = self
            .columns
            .iter()
            .map(|it| wanted.iter().any(|name| it.eq_ignore_ascii_case(name)))
            .collect();
        let pick = |all: &mut Vec<String>| {
            let mut at = 0;
            all.retain(|_| {
                at += 1;
                keep.get(at - 1).copied().unwrap_or(false)
            });
        };
        pick(&mut self.columns);
        self.rows.iter_mut().for_each(pick);
    }
}

/// The tables of an output, and the lines that fit none.
pub(super) fn parse(text: &str) -> (Vec<Table>, Vec<String>) {
    let mut tables: Vec<Table> = Vec::new();
    let mut by_key: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut strange = Vec::new();
    let mut count = 0;
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let fields: Vec<&str> = line.split(':').collect();
        // `*** Report for FILESET quotas on fs1` and the like stand between tables.
        if fields.len() < 3 {
            if line.contains(':') {
                strange.push(line.to_owned());
            }
            continue;
        }
        let key = (fields[0].to_owned(), fields[1].to_owned());
        if fields[2] == "HEADER" {
            let columns = named(&fields);
            match by_key.get(&key) {
                // The same command for another file system: one table if its columns are the same.
                Some(at) if tables[*at].columns == columns => {}
                _ => {
                    by_key.insert(key.clone(), tables.len());
                    let (command, section) = key;
                    tables.push(Table { command, section, columns, rows: Vec::new() });
                }
            }
            continue;
        }
        // Some versions write another command in the header than in the rows.
        let other = || by_key.iter().find(|it| it.0.1 == key.1).map(|it| it.1);
        let Some(table) = by_key.get(&key).or_else(other).map(|it| &mut tables[*it]) else {
            strange.push(line.to_owned());
            continue;
        };
        match row(&fields, table.columns.len()) {
            Some(fields) if count < ROWS_MAX => {
                count += 1;
                table.rows.push(fields);
            }
            _ => strange.push(line.to_owned()),
        }
    }
    (tables, strange)
}

fn named(fields: &[&str]) -> Vec<String> {
    let mut columns: Vec<String> = fields.iter().skip(FRONT).map(|it| (*it).to_owned()).collect();
    while columns.last().is_some_and(String::is_empty) {
        columns.pop();
    }
    columns
}

/// The decoded fields of a row. A row that is too short to be one is none.
fn row(fields: &[&str], columns: usize) -> Option<Vec<String>> {
    if fields.len() <= FRONT {
        return None;
    }
    let mut fields: Vec<String> = fields[FRONT..].iter().map(|it| (*it).to_owned()).collect();
    // The colon at the end makes one more.
    if fields.len() == columns + 1 && fields.last().is_some_and(String::is_empty) {
        fields.pop();
    }
    if fields.len() > columns {
        join_times(&mut fields, columns);
    }
    Some(fields.iter().map(|it| decode(it)).collect())
}

/// Some versions of mmhealth do not encode the colons of times: `2026-01-04 13:12:27` came as three fields.
fn join_times(fields: &mut Vec<String>, columns: usize) {
    let mut at = 0;
    while at + 2 < fields.len() && fields.len() > columns {
        let two = |it: &str| it.len() >= 2 && it.bytes().take(2).all(|byte| byte.is_ascii_digit());
        let begins = fields[at].len() == 13 && fields[at].as_bytes()[10] == b' ';
        if begins && two(&fields[at + 1]) && two(&fields[at + 2]) {
            let joined = fields[at..at + 3].join(":");
            fields.splice(at..at + 3, [joined]);
        }
        at += 1;
    }
}

/// `%2F` is a slash. What is no code stays as it is.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let code = code.filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_fields_are_decoded() {
        let text = "*** Report\nmmx:a:HEADER:version:reserved:reserved:name:path:\nmmx:a:0:1:::fs1:%2Fgpfs%2Ffs1:\n\
                    mmx:b:0:1:::fs1:\nmmx:bad\n";
        let (tables, strange) = parse(text);
        assert_eq!(tables.len(), 1);
        let row = tables[0].rows().next().unwrap();
        assert_eq!(row.get(&["Path"]), Some("/gpfs/fs1"));
        assert_eq!(strange, ["mmx:b:0:1:::fs1:", "mmx:bad"]);
    }

    #[test]
    fn times_with_bare_colons_are_joined() {
        let text = "mmhealth:State:HEADER:version:reserved:reserved:node:status:laststatuschange:lastcheck:\n\
                    mmhealth:State:0:1:::n1:TIPS:2025-12-31 12:13:53:2026-01-04 13:12:27:\n";
        let (tables, _) = parse(text);
        let row = tables[0].rows().next().unwrap();
        assert_eq!(row.get(&["laststatuschange"]), Some("2025-12-31 12:13:53"));
        assert_eq!(row.get(&["lastcheck"]), Some("2026-01-04 13:12:27"));
    }

    #[test]
    fn a_header_of_another_command_serves() {
        let (tables, strange) = parse(
            "fs::HEADER:version:reserved:reserved:deviceName:fieldName:data:remarks:\n\
                                       mmlsfs::0:1:::fs1:defaultMountPoint:%2Ffs%zz::\n",
        );
        assert!(strange.is_empty());
        assert_eq!(tables[0].rows().next().unwrap().get(&["data"]), Some("/fs%zz"));
    }
}
