//! `zpool list`: sizes, and the pools' health in one word.
//!
//! Facts: `zpool-list(8)`. With heads the columns are found by their names; without (`-H`) by the order that scripts ask
//! for, where the word of health tells which columns are which. With `-v` the devices stand below their pool.

use super::{
    pool::{Pool, Vdev},
    scan, text,
};

/// One pool's line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    /// `ONLINE`, …
    pub(super) health: String,
    /// Bytes.
    pub(super) size: Option<f64>,
    /// Bytes.
    pub(super) allocated: Option<f64>,
    /// 0 to 1.
    pub(super) fragmentation: Option<f64>,
    /// Times.
    pub(super) dedup: Option<f64>,
    /// Devices, of `-v`.
    pub(super) tops: Vec<Vdev>,
}

/// What is asked for, in this order.
pub(super) const COLUMNS: &str =
    "name,health,size,allocated,free,fragmentation,capacity,dedupratio";

const HEALTH: [&str; 7] =
    ["ONLINE", "DEGRADED", "FAULTED", "OFFLINE", "REMOVED", "UNAVAIL", "SUSPENDED"];

/// The pools' lines, and those that were not understood.
pub(super) fn parse(text: &str) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut strange) = (Vec::new(), Vec::new());
    let mut heads: Option<Vec<String>> = None;
    let mut devices = String::new();
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.starts_with(&["NAME", "SIZE"]) {
            heads = Some(words.iter().map(|it| (*it).to_owned()).collect());
            continue;
        }
        if line.starts_with([' ', '\t'])
            || words.len() > 2 && words[1..].iter().all(|it| *it == "-")
        {
            devices.push_str(&tree_line(line, &words));
            continue;
        }
        match row(&words, heads.as_deref()) {
            Some(row) => {
                close(&mut rows, &mut devices);
                rows.push(row);
            }
            None => strange.push(line.to_owned()),
        }
    }
    close(&mut rows, &mut devices);
    (rows, strange)
}

/// A device's line as `zpool status` would write it: `    sdb2  -  -  …  ONLINE`.
fn tree_line(line: &str, words: &[&str]) -> String {
    let blanks: String = line.chars().take_while(|it| it.is_whitespace()).collect();
    let health = words.iter().skip(1).find(|it| HEALTH.contains(it)).copied().unwrap_or_default();
    format!("\t{blanks}{} {health}\n", words[0])
}

fn close(rows: &mut [Row], devices: &mut String) {
    let lines = std::mem::take(devices);
    let Some(row) = rows.last_mut().filter(|_| !lines.is_empty()) else { return };
    let name = &row.name;
    let tree = format!("  pool: {name}\nconfig:\n\tNAME  STATE\n\t{name} {}\n{lines}", row.health);
    row.tops = text::parse(&tree).into_iter().next().unwrap_or_default().tops;
}

fn row(words: &[&str], heads: Option<&[String]>) -> Option<Row> {
    let name = (*words.first()?).to_owned();
    let at = words.iter().skip(1).position(|it| HEALTH.contains(it))? + 1;
    let health = words[at].to_owned();
    if let Some(heads) = heads {
        let cell = |head: &str| {
            let place = heads.iter().position(|it| it == head)?;
            words.get(place).copied()
        };
        return Some(Row {
            size: cell("SIZE").and_then(scan::number),
            allocated: cell("ALLOC").or_else(|| cell("USED")).and_then(scan::number),
            fragmentation: cell("FRAG").and_then(share),
            dedup: cell("DEDUP").and_then(times),
            name,
            health,
            tops: Vec::new(),
        });
    }
    let rest: Vec<&str> =
        words.iter().enumerate().filter(|(it, _)| *it != 0 && *it != at).map(|it| *it.1).collect();
    let cell = |place: usize| rest.get(place).copied();
    let ours = rest.len() == 6;
    Some(Row {
        size: cell(0).and_then(scan::number),
        allocated: cell(1).and_then(scan::number),
        fragmentation: cell(3).filter(|_| ours).and_then(share),
        dedup: cell(5).filter(|_| ours).and_then(times),
        name,
        health,
        tops: Vec::new(),
    })
}

/// `8%`, `8`.
fn share(text: &str) -> Option<f64> {
    text.trim_end_matches('%').parse::<f64>().ok().map(|it| it / 100.0)
}

/// `1.83x`, `1.00`.
fn times(text: &str) -> Option<f64> {
    text.trim_end_matches('x').parse().ok()
}

impl From<Row> for Pool {
    fn from(row: Row) -> Pool {
        Pool { name: row.name, state: row.health, tops: row.tops, ..Pool::default() }
    }
}
