//! What a walk says of a device's parts, by the profiles: identities, health, numbers, words.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Reason};

use super::{
    metrics,
    profile::{Enumeration, Meaning, Profile, Table},
    rows::{Row, Said, rows as rows_of, said},
};
use crate::{
    hardware::{TEMPERATURE, TEMPERATURE_LIMIT},
    host::{Oid, Value, hexadecimal},
    source::Metric,
    targets::Device,
};

/// Most parts of one device: a large array has some two thousand disks.
const PARTS_MAX: usize = 8_000;

/// A number with the attribute of its series.
type Reading = (&'static Metric, Option<(String, String)>, f64);

/// One part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) component: Component,
    /// None where nothing speaks of its health.
    pub(super) health: Option<Meaning>,
    /// The maker's words.
    pub(super) reported: String,
    pub(super) numbers: Vec<Reading>,
    pub(super) words: Vec<(&'static Metric, String)>,
}

/// All parts of a device, and what could not be understood.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) all: Vec<Part>,
    pub(super) problems: Vec<(Reason, Option<ComponentId>, String)>,
    /// Values of enumerations that the profile does not know.
    pub(super) unknown: u32,
    /// Rows of tables that were read: whether the device gives anything of what the profile asks for.
    pub(super) rows: usize,
    /// What lasts of it: the proof that is kept when it changes.
    pub(super) proof: String,
    seen: BTreeSet<ComponentId>,
}

/// Reads all parts of a device.
pub(super) fn parts(
    profiles: &[&'static Profile],
    device: &Device,
    all: &BTreeMap<Oid, Value>,
) -> Parts {
    let mut parts = Parts::default();
    for profile in profiles {
        for table in &profile.tables {
            parts.table(profile, table, device, all);
        }
    }
    parts
}

impl Parts {
    /// Whether the device says anything of what it is made of, and not only of what it does: a switch of an unknown
    /// family tells its ports and keeps silent about its power supplies.
    pub(super) fn says_of_hardware(&self) -> bool {
        self.all.iter().any(|it| !matches!(it.component.id.kind(), "port" | "volume"))
    }

    fn table(
        &mut self,
        profile: &Profile,
        table: &Table,
        device: &Device,
        all: &BTreeMap<Oid, Value>,
    ) {
        let rows = rows_of(table, all);
        self.rows += rows.len();
        let Some(kind) = &table.kind else { return };
        let better = table.instead_of.as_ref().and_then(|name| {
            let other = profile.tables.iter().find(|it| it.name == *name)?;
            Some(!rows_of(other, all).is_empty())
        });
        if better == Some(true) {
            return;
        }
        let says = |row: &Row<'_>| table.health.iter().any(|it| row.value(&it.column).is_some());
        let chosen: Vec<&Row<'_>> = rows
            .iter()
            .filter(|it| it.is_part(table) && (!table.only_with_health || says(it)))
            .collect();
        if !chosen.is_empty()
            && !table.health.is_empty()
            && chosen
                .iter()
                .all(|row| table.health.iter().all(|it| row.value(&it.column).is_none()))
        {
            let columns: Vec<&str> = table.health.iter().map(|it| it.column.as_str()).collect();
            let text = format!("{}: the agent gives no {}", table.name, columns.join(", no "));
            self.problems.push((Reason::Unsupported, Some(device.id()), text));
        }
        for row in chosen {
            if self.all.len() >= PARTS_MAX {
                let text =
                    format!("{}: more than {PARTS_MAX} parts; the rest is left out", table.name);
                if !self.problems.iter().any(|(_, _, it)| *it == text) {
                    self.problems.push((Reason::Truncated, Some(device.id()), text));
                }
                return;
            }
            self.row(profile, table, kind, device, row);
        }
    }

    fn row(
        &mut self,
        profile: &Profile,
        table: &Table,
        kind: &str,
        device: &Device,
        row: &Row<'_>,
    ) {
        let fill = |pattern: &Option<String>| pattern.as_ref().and_then(|it| row.fill(it));
        let place = fill(&table.place).or_else(|| row.fill("{index}")).unwrap_or_default();
        let id = identity(table, kind, device, row, &place);
        let mut strange = Vec::new();
        let (health, words) = health(profile, table, row, &mut strange);
        if health == Some(Meaning::Absent) {
            return;
        }
        let id = self.unique(id, table, row);
        let component = Component {
            id: id.clone(),
            // Disks of several arrays are in slots of the same names.
            name: format!("{} {}", device.name(), fill(&table.label).unwrap_or(place)),
            attrs: attrs(table, row),
            links: vec![device.via()],
            set: None,
        };
        let mut part = Part {
            component,
            health,
            reported: words.join(", "),
            numbers: Vec::new(),
            words: Vec::new(),
        };
        self.numbers(table, row, &mut part);
        for word in &table.words {
            let Some(value) = row.value(&word.column) else { continue };
            let empty = Enumeration::new();
            let map = profile.enums.get(&word.map).unwrap_or(&empty);
            let text = match said(&value.text(), map) {
                Said::Known(text, _) => text,
                Said::Unknown(text) => {
                    strange.push(format!("{} = {text}", word.column));
                    "unknown".to_owned()
                }
            };
            if let Some(metric) = metrics::state(&word.state) {
                part.words.push((metric, text));
            }
        }
        for text in strange {
            self.unknown += 1;
            let text = format!(
                "{}: {text} is not known to the profile {}",
                part.component.name, profile.name
            );
            self.problems.push((Reason::Unparsable, Some(id.clone()), text));
        }
        let port: Vec<&str> = part.words.iter().map(|(_, it)| it.as_str()).collect();
        self.proof.push_str(&format!(
            "{id} {}: {} {}\n",
            part.component.name,
            part.reported,
            port.join(" ")
        ));
        self.all.push(part);
    }

    fn numbers(&mut self, table: &Table, row: &Row<'_>, part: &mut Part) {
        for number in &table.numbers {
            let Some(metric) = metrics::number(&number.metric) else { continue };
            // A number may stand in one of several columns: the first counts.
            let there = part
                .numbers
                .iter()
                .any(|(it, attr, _)| it.name == metric.name && *attr == number.attr);
            match row.number(number) {
                Some(Ok(value)) if !there => {
                    part.numbers.push((metric, number.attr.clone(), value))
                }
                Some(Err(raw)) => {
                    let text = format!("{}: {} is {raw}", part.component.name, number.column);
                    let problem = (Reason::Implausible, Some(part.component.id.clone()), text);
                    // One column may hold several kinds of numbers, by what stands beside them.
                    if !self.problems.contains(&problem) {
                        self.problems.push(problem);
                    }
                }
                _ => {}
            }
        }
        margins(part);
        let of = |part: &Part, name: &str| {
            part.numbers.iter().find(|it| it.0.name == name).map(|it| it.2)
        };
        let capacity = of(part, "snmp.capacity");
        let free = of(part, "snmp.free");
        let used = of(part, "snmp.used").or(capacity.zip(free).map(|(all, free)| all - free));
        if let (Some(capacity), Some(used)) = (capacity, used)
            && capacity > 0.0
            && (0.0..=capacity * 2.0).contains(&used)
            && of(part, metrics::UTILIZATION.name).is_none()
        {
            part.numbers.push((&metrics::UTILIZATION, None, used / capacity));
        }
    }

    /// Two rows with one identity are two parts: the later one is known by its index too.
    fn unique(&mut self, id: ComponentId, table: &Table, row: &Row<'_>) -> ComponentId {
        if self.seen.insert(id.clone()) {
            return id;
        }
        let index: Vec<String> = row.index.iter().map(ToString::to_string).collect();
        let other = ComponentId::new(
            id.kind(),
            &format!("{}#{}.{}", id.key(), table.name, index.join(".")),
        );
        self.seen.insert(other.clone());
        other
    }
}

/// How far a temperature is below the device's own limits.
fn margins(part: &mut Part) {
    let own = part.numbers.iter().find(|it| it.0.name == TEMPERATURE.name).map(|it| it.2);
    let Some(own) = own else { return };
    let limits = part.numbers.iter().filter(|it| it.0.name == TEMPERATURE_LIMIT.name);
    let margins: Vec<_> =
        limits.map(|(_, attr, limit)| (&metrics::MARGIN, attr.clone(), limit - own)).collect();
    part.numbers.extend(margins);
}

/// The gravest meaning of the row's columns, and the maker's words. A part of which one column is not understood
/// is at best unknown.
fn health(
    profile: &Profile,
    table: &Table,
    row: &Row<'_>,
    strange: &mut Vec<String>,
) -> (Option<Meaning>, Vec<String>) {
    let (mut health, mut words) = (None, Vec::<String>::new());
    let mut add = |meaning: Meaning| health = health.max(Some(meaning));
    for column in &table.health {
        let Some(map) = profile.enums.get(&column.map) else { continue };
        match row.health(column, map) {
            Some(Said::Known(word, meaning)) => {
                if meaning != Meaning::Nothing {
                    add(meaning);
                }
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            Some(Said::Unknown(text)) => {
                add(Meaning::Unknown);
                words.push(text.clone());
                strange.push(format!("{} = {text}", column.column));
            }
            None => {}
        }
    }
    // All columns are there and say nothing: that is not being well.
    if health.is_none() && !words.is_empty() {
        health = Some(Meaning::Unknown);
    }
    (health, words)
}

fn identity(table: &Table, kind: &str, device: &Device, row: &Row<'_>, place: &str) -> ComponentId {
    if kind == "device" {
        return device.id();
    }
    let column = |name: &Option<String>| name.as_ref().and_then(|it| row.text(it));
    if kind == "disk" {
        let wwn = table.wwn.as_ref().and_then(|it| row.value(it)).map(wwn);
        return device.disk(column(&table.serial).as_deref(), wwn.as_deref(), place);
    }
    device.part(kind, place)
}

/// A WWN in hexadecimal, whether it came as bytes or as text.
fn wwn(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) if matches!(bytes.len(), 8 | 16) && !bytes.is_ascii() => {
            hexadecimal(bytes)
        }
        other => other.text(),
    }
}

fn attrs(table: &Table, row: &Row<'_>) -> BTreeMap<String, String> {
    let mut attrs: BTreeMap<String, String> = table
        .attrs
        .iter()
        .filter_map(|(name, pattern)| Some((name.clone(), row.fill(pattern)?)))
        .collect();
    if let Some(serial) = table.serial.as_ref().and_then(|it| row.text(it)) {
        attrs.insert("hw.serial_number".to_owned(), serial);
    }
    if let Some(value) = table.wwn.as_ref().and_then(|it| row.value(it)) {
        attrs.insert("hw.wwn".to_owned(), wwn(value));
    }
    attrs.retain(|_, it| !it.is_empty());
    attrs
}
