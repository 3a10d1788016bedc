//! Hands parts and sets over: components, numbers, words and what is not understood.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, Reason};

use super::{
    board::Inventory,
    meaning, metrics as m,
    parts::Part,
    reading::{LIMITS, Reading},
    sets::{self, Protected},
};
use crate::{
    hardware as hw,
    source::{Collect, Metric},
};

/// Names in one sentence.
const NAMED: usize = 8;

/// All parts that are there, and those that were.
pub(super) fn parts(
    c: &mut Collect<'_>,
    parts: &[Part],
    seen: &BTreeSet<String>,
    inventories: &[Inventory],
    places: &BTreeMap<u8, (u8, u8)>,
) {
    let mut unclear = Vec::new();
    let mut bits = Vec::new();
    for part in parts {
        let known = seen.contains(part.id.as_str());
        let says_nothing =
            part.reading.is_oem() && part.reading.value.is_none() && part.reading.states.is_empty();
        if says_nothing || (!part.is_there() && !known) {
            continue;
        }
        component(c, part, inventories, places);
        if let Some(silent) = &part.reading.silent {
            let text = format!("{}: it gave readings before, and now says {silent:?}", part.name);
            c.problem(Reason::Missing, Some(&part.id), text);
            continue;
        }
        numbers(c, part);
        words(c, part);
        if part.reading.bits.is_some() {
            bits.push(part.name.clone());
        }
        // A manufacturer's own states and "asserted" are known to mean nothing to others.
        let odd =
            part.unknown.iter().filter(|it| !meaning::is_private(it) && !part.reading.is_oem());
        unclear.extend(odd.map(|it| format!("{:?} of {}", it, part.name)));
    }
    for (what, names) in [
        ("what these states mean is not known", unclear),
        (
            "only a bit field without the sensor's type, which `ipmitool -v sdr list all` tells",
            bits,
        ),
    ] {
        if !names.is_empty() {
            let more = names.len().saturating_sub(NAMED);
            let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
            let text = format!("{what}: {}{tail}", names[..names.len().min(NAMED)].join(", "));
            c.problem(Reason::Unparsable, None, text);
        }
    }
}

fn component(
    c: &mut Collect<'_>,
    part: &Part,
    inventories: &[Inventory],
    places: &BTreeMap<u8, (u8, u8)>,
) {
    let mut attrs = BTreeMap::new();
    let entity = part.reading.entity;
    if let Some((id, instance)) = entity {
        attrs.insert("ipmi.entity".to_owned(), format!("{id}.{instance}"));
        // From 96 on, instances are the controller's own numbers and no places.
        if part.id.kind() == "psu" && instance < 96 {
            attrs.insert("hw.slot".to_owned(), instance.to_string());
        }
        let own = |it: &&Inventory| places.get(&it.number) == entity.as_ref();
        let replaceable = matches!(part.id.kind(), "psu" | "fan" | "memory" | "cpu" | "bay");
        if let Some(inventory) = inventories.iter().find(own).filter(|_| replaceable) {
            inventory.attrs(&mut attrs);
        }
    }
    let (id, name) = (part.id.clone(), part.name.clone());
    c.component(Component { id, name, attrs, links: Vec::new(), set: None });
}

/// The metric, its limits' metric and the reading in their unit.
fn quantity(reading: &Reading) -> (Metric, Option<Metric>, fn(f64) -> f64) {
    let unit = reading.unit.to_lowercase();
    match unit.as_str() {
        "degrees c" | "c" => (hw::TEMPERATURE, Some(hw::TEMPERATURE_LIMIT), |it| it),
        "degrees f" | "f" => (hw::TEMPERATURE, Some(hw::TEMPERATURE_LIMIT), |it| (it - 32.0) / 1.8),
        "degrees k" | "k" => (hw::TEMPERATURE, Some(hw::TEMPERATURE_LIMIT), |it| it - 273.15),
        "volts" | "v" => (hw::VOLTAGE, Some(hw::VOLTAGE_LIMIT), |it| it),
        "amps" | "a" => (hw::CURRENT, None, |it| it),
        "watts" | "w" => (hw::POWER, None, |it| it),
        "rpm" => (hw::FAN_SPEED, Some(hw::FAN_SPEED_LIMIT), |it| it),
        _ if is_share(&unit) && matches!(reading.kind(), Some(0x04 | 0x0a)) => {
            (hw::FAN_SPEED_RATIO, None, |it| it / 100.0)
        }
        _ => (m::READING, None, |it| it),
    }
}

fn is_share(unit: &str) -> bool {
    unit.starts_with('%') || unit.starts_with("percent")
}

fn numbers(c: &mut Collect<'_>, part: &Part) {
    let reading = &part.reading;
    let Some(value) = reading.value else { return };
    let (metric, limit, scale) = quantity(reading);
    let other = metric == m::READING;
    let unit = if reading.unit.is_empty() { "none" } else { reading.unit.as_str() };
    let attrs: &[(&str, &str)] = if other { &[("ipmi.sensor.unit", unit)] } else { &[] };
    c.sample_with(&metric, &part.id, attrs, tidy(scale(value)));
    let Some(limit) = limit else { return };
    for ((_, kind), value) in LIMITS.iter().zip(reading.limits) {
        if let Some(value) = value {
            c.sample_with(&limit, &part.id, &[("hw.limit_type", kind)], tidy(scale(value)));
        }
    }
}

/// Three digits behind the point are more than any sensor gives.
fn tidy(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn words(c: &mut Collect<'_>, part: &Part) {
    // Power supplies and fans have sets that say it.
    if let Some(redundancy) = part.redundancy.filter(|_| !sets::speaks_of(part)) {
        c.state(&m::REDUNDANCY, &part.id, redundancy.word());
    }
    let unclear = !part.unknown.is_empty() || part.reading.bits.is_some();
    match part.status {
        _ if part.stands_still() => c.state(&m::STATUS, &part.id, "failed"),
        Some(word) => c.state(&m::STATUS, &part.id, word),
        None if unclear => c.state(&m::STATUS, &part.id, "unknown"),
        None => {}
    }
    if let Some(said) = part.said() {
        c.state(&m::SAID, &part.id, &said);
    }
}

/// The protected sets with what their redundancy sensors say.
pub(super) fn sets(c: &mut Collect<'_>, sets: &[Protected]) {
    for set in sets {
        let id = set.component.id.clone();
        c.component(set.component.clone());
        if let Some(redundancy) = set.redundancy {
            c.state(&m::REDUNDANCY, &id, redundancy.word());
        }
    }
}

/// One sensor as a line of the evidence.
pub(super) fn line(part: &Part) -> String {
    let reading = &part.reading;
    let entity = reading.entity.map_or(String::new(), |(id, instance)| format!("{id}.{instance}"));
    let value = match (&reading.value, &reading.silent) {
        (Some(value), _) => format!("{value} {}", reading.unit),
        (None, Some(silent)) => silent.clone(),
        (None, None) => reading.states.join(", "),
    };
    let status = reading.status.as_deref().or(part.status).unwrap_or("-");
    format!("{:<24} | {entity:>5} | {status:<9} | {value}", reading.name)
}
