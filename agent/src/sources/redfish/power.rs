//! Power: the old `Power` resource, which tells all at once, and the new `PowerSubsystem`.
//!
//! Facts: schemas Power v1.7, PowerSubsystem, PowerSupply, PowerSupplyMetrics, Battery, Redundancy. Invariant: a bay
//! without a power supply is no lost one, unless the redundancy group says that it is no longer whole.

use serde_json::Value;

use super::{
    json::{Status, at, links, list, number, plain_number, text},
    metrics,
    part::{Mark, Part, Plan},
    walk::Walk,
};

/// Volts that can be: a power supply's input has up to 480, a rail below 400.
const VOLTS: std::ops::RangeInclusive<f64> = -500.0..=1000.0;

/// Watts of a chassis or rack.
const WATTS: std::ops::RangeInclusive<f64> = 0.0..=200_000.0;

/// `Power`: supplies, voltages, consumption and redundancy.
pub(super) fn power(walk: &mut Walk<'_>, resource: &Value, path: &str) {
    for (index, item) in list(resource, "PowerSupplies").iter().enumerate() {
        supply(walk, item, path, Some(index));
    }
    for (index, item) in list(resource, "Voltages").iter().enumerate() {
        voltage(walk, item, path, index);
    }
    for (index, item) in list(resource, "PowerControl").iter().enumerate() {
        let mut part = Part::of(item, "sensor").within(path, "PowerControl", index);
        part.between(&metrics::POWER, None, number(item, "PowerConsumedWatts"), WATTS);
        if !part.numbers.is_empty() || part.status.health.is_some() {
            walk.parts.push(part);
        }
    }
    redundancy(walk, resource, path, "Redundancy", "power");
}

/// `PowerSubsystem`: only its groups; supplies are resources of their own.
pub(super) fn subsystem(walk: &mut Walk<'_>, resource: &Value, path: &str) {
    redundancy(walk, resource, path, "PowerSupplyRedundancy", "power");
}

/// A power supply, of either kind.
pub(super) fn supply(walk: &mut Walk<'_>, resource: &Value, path: &str, index: Option<usize>) {
    let mut part = Part::of(resource, "psu");
    match index {
        Some(index) => part = part.within(path, "PowerSupplies", index),
        // The old resource has told of it; without a number nobody could tell that it is the same.
        None if part.serial.is_none() && told_before(walk, path) => return,
        None => {}
    }
    let bay = ["Hpe", "Hp"].iter().find_map(|it| at(resource, &["Oem", it, "BayNumber"])?.as_i64());
    if let Some(bay) = bay {
        part.attrs.entry("hw.slot".to_owned()).or_insert_with(|| bay.to_string());
        // All of them bear the same name there.
        part.name = format!("{} {bay}", part.name);
    }
    // What it takes, or failing that what it gives.
    let power = ["PowerInputWatts", "PowerOutputWatts", "LastPowerOutputWatts"];
    let power = power.iter().find_map(|it| number(resource, it));
    part.between(&metrics::POWER, None, power, WATTS);
    part.between(&metrics::CAPACITY, None, number(resource, "PowerCapacityWatts"), WATTS);
    part.between(&metrics::VOLTAGE, None, number(resource, "LineInputVoltage"), VOLTS);
    if text(resource, "LineInputStatus") == Some("LossOfInput") {
        part.mark = Mark::Failed;
    }
    walk.parts.push(part);
}

/// Whether the chassis' old resource has told of power supplies.
fn told_before(walk: &Walk<'_>, path: &str) -> bool {
    let Some((chassis, _)) = path.split_once("/PowerSubsystem") else { return false };
    let old = format!("{chassis}/Power");
    walk.parts.iter().any(|it| {
        let rest = it.path.strip_prefix(&old);
        it.kind == "psu" && rest.is_some_and(|it| it.starts_with(['#', '/']))
    })
}

/// What a supply of the new kind measures: its numbers go to the supply, which is one level up.
pub(super) fn supply_metrics(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "sensor");
    let reading = |key: &str| at(resource, &[key, "Reading"]).and_then(plain_number);
    let power = reading("InputPowerWatts").or_else(|| reading("OutputPowerWatts"));
    part.between(&metrics::POWER, None, power, WATTS);
    part.between(&metrics::VOLTAGE, None, reading("InputVoltage"), VOLTS);
    // Its status repeats the supply's.
    part.container = true;
    walk.parts.push(part);
}

/// A battery that carries a chassis.
pub(super) fn battery(walk: &mut Walk<'_>, resource: &Value) {
    let part = Part::of(resource, "battery");
    walk.parts.push(part);
}

fn voltage(walk: &mut Walk<'_>, item: &Value, path: &str, index: usize) {
    let mut part = Part::of(item, "voltage").within(path, "Voltages", index);
    part.place = format!("{}/{}", super::json::relative(path), part.name);
    part.between(&metrics::VOLTAGE, None, number(item, "ReadingVolts"), VOLTS);
    for (key, kind) in
        [("LowerThresholdCritical", "low.critical"), ("UpperThresholdCritical", "high.critical")]
    {
        part.number(&metrics::VOLTAGE_LIMIT, Some(("hw.limit_type", kind)), number(item, key));
    }
    walk.parts.push(part);
}

/// Redundancy groups, old (`RedundancySet`, `MinNumNeeded`) and new (`RedundancyGroup`, `MinNeededInGroup`).
pub(super) fn redundancy(
    walk: &mut Walk<'_>,
    resource: &Value,
    path: &str,
    key: &str,
    kind: &'static str,
) {
    for (index, group) in list(resource, key).iter().enumerate() {
        let mut members = links(group, "RedundancySet");
        members.extend(links(group, "RedundancyGroup"));
        // A group of one protects nothing; some services list every supply's own so. Links of a part to its group
        // have no members either.
        if members.len() < 2 {
            continue;
        }
        let needed = ["MinNumNeeded", "MinNeededInGroup"].iter().find_map(|it| number(group, it));
        let most = f64::from(u16::MAX);
        let needed = needed.filter(|it| (1.0..=most).contains(it) && it.fract() == 0.0);
        let mut part = Part::of(group, kind).within(path, key, index);
        if text(group, "Name").is_none() {
            part.name = format!("{key} {index}");
        }
        // What is needed is the whole of it: it says "redundant" of what is none.
        let scheme = needed.map_or_else(|| "n_of_m".to_owned(), |it| format!("n_of_m:{it}"));
        part.attr("redfish.redundancy.mode", text(group, "Mode").or(text(group, "RedundancyType")));
        part.set = Some(Plan { scheme, copies: 1, members, bays: true, ..Plan::default() });
        // The group's health follows from its members: to be compared with them.
        part.container = Status::of(group).health == Some("ok");
        walk.parts.push(part);
    }
}
