//! Cooling: the old `Thermal` resource, and the new `ThermalSubsystem` with its sensors.
//!
//! Facts: schemas Thermal v1.7, ThermalSubsystem, Fan, ThermalMetrics, Sensor; iLO 4 writes `CurrentReading`, `FanName`
//! and `Units`. Invariant: limits are the sensor's own.

use serde_json::Value;

use super::{
    json::{at, list, number, plain_number, relative, text},
    metrics,
    part::Part,
    power::redundancy,
    walk::Walk,
};
use crate::source::Metric;

/// Degrees that can be; sensors without a reading show -128, 255 and the like.
const DEGREES: std::ops::RangeInclusive<f64> = -60.0..=200.0;

/// Turns a minute.
const TURNS: std::ops::RangeInclusive<f64> = 0.0..=100_000.0;

/// `Thermal`: temperatures, fans and redundancy.
pub(super) fn thermal(walk: &mut Walk<'_>, resource: &Value, path: &str) {
    for (index, item) in list(resource, "Temperatures").iter().enumerate() {
        temperature(walk, item, path, index);
    }
    for (index, item) in list(resource, "Fans").iter().enumerate() {
        fan(walk, item, path, Some(index));
    }
    redundancy(walk, resource, path, "Redundancy", "cooling");
}

/// `ThermalSubsystem`: only its groups; fans are resources of their own.
pub(super) fn subsystem(walk: &mut Walk<'_>, resource: &Value, path: &str) {
    redundancy(walk, resource, path, "FanRedundancy", "cooling");
}

/// A fan, of either kind.
pub(super) fn fan(walk: &mut Walk<'_>, resource: &Value, path: &str, index: Option<usize>) {
    let mut part = Part::of(resource, "fan");
    part.attr("redfish.type", Some("Fan"));
    if let Some(index) = index {
        part = part.within(path, "Fans", index);
        part.place = format!("{}/{}", relative(path), part.name);
    }
    let old = ["Reading", "CurrentReading"].iter().find_map(|it| number(resource, it));
    let units = text(resource, "ReadingUnits").or_else(|| text(resource, "Units"));
    let new = at(resource, &["SpeedPercent", "Reading"]).and_then(plain_number);
    let turns = at(resource, &["SpeedPercent", "SpeedRPM"]).and_then(plain_number);
    let percent = units.is_some_and(|it| it.eq_ignore_ascii_case("percent"));
    let ratio = new.or(old.filter(|_| percent)).map(|it| it / 100.0);
    part.between(&metrics::FAN_RATIO, None, ratio, 0.0..=10.0);
    part.between(&metrics::FAN_SPEED, None, turns.or(old.filter(|_| !percent)), TURNS);
    if !percent {
        for (key, kind) in [
            ("LowerThresholdNonCritical", "low.degraded"),
            ("LowerThresholdCritical", "low.critical"),
        ] {
            part.number(&metrics::FAN_LIMIT, Some(("hw.limit_type", kind)), number(resource, key));
        }
    }
    walk.parts.push(part);
}

/// A sensor of the new kind: temperatures and voltages; others only with their health.
pub(super) fn sensor(walk: &mut Walk<'_>, resource: &Value) {
    let kind = match text(resource, "ReadingType") {
        Some("Temperature") => "temperature",
        Some("Voltage") => "voltage",
        _ => "sensor",
    };
    let mut part = Part::of(resource, kind);
    part.attr("redfish.type", Some("Sensor"));
    let reading = number(resource, "Reading");
    let limit = |key: &str| at(resource, &["Thresholds", key, "Reading"]).and_then(plain_number);
    let attr = |kind| Some(("hw.limit_type", kind));
    match text(resource, "ReadingType") {
        Some("Temperature") => {
            part.between(&metrics::TEMPERATURE, None, reading, DEGREES);
            let limits = [("UpperCaution", "high.degraded"), ("UpperCritical", "high.critical")];
            for (key, kind) in limits {
                part.number(&metrics::TEMPERATURE_LIMIT, attr(kind), limit(key));
            }
        }
        Some("Voltage") => {
            part.number(&metrics::VOLTAGE, None, reading);
            for (key, kind) in
                [("LowerCritical", "low.critical"), ("UpperCritical", "high.critical")]
            {
                part.number(&metrics::VOLTAGE_LIMIT, attr(kind), limit(key));
            }
        }
        Some("Rotational") => part.between(&metrics::FAN_SPEED, None, reading, TURNS),
        Some("Power") => {
            part.number(&metrics::POWER, None, reading);
        }
        _ => {}
    }
    walk.parts.push(part);
}

/// `ThermalMetrics` and `EnvironmentMetrics`: readings without limits, by the device they are of.
pub(super) fn readings(walk: &mut Walk<'_>, resource: &Value, path: &str) {
    let mut one = |name: String, metric: &'static Metric, attr, value: Option<f64>, range| {
        let kind = if metric == &metrics::TEMPERATURE { "temperature" } else { "sensor" };
        let mut part = Part { kind, ..Part::default() };
        part.attr("redfish.type", Some("Sensor"));
        part.place = format!("{}/{name}", relative(path));
        part.path = format!("{path}#/{name}");
        part.name = name;
        part.between(metric, attr, value, range);
        if !part.numbers.is_empty() || !part.status.strange.is_empty() {
            walk.parts.push(part);
        }
    };
    let reading = |value: &Value| value.get("Reading").and_then(plain_number);
    for (index, item) in list(resource, "TemperatureReadingsCelsius").iter().enumerate() {
        let name = text(item, "DeviceName").map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("temperature {index}"));
        one(name, &metrics::TEMPERATURE, None, reading(item), DEGREES);
    }
    if let Some(Value::Object(summary)) = resource.get("TemperatureSummaryCelsius") {
        for (name, item) in summary {
            one(name.clone(), &metrics::TEMPERATURE, None, reading(item), DEGREES);
        }
    }
    if let Some(item) = resource.get("TemperatureCelsius") {
        one("temperature".to_owned(), &metrics::TEMPERATURE, None, reading(item), DEGREES);
    }
    if let Some(item) = resource.get("PowerWatts") {
        let attr = None;
        one("power".to_owned(), &metrics::POWER, attr, reading(item), 0.0..=200_000.0);
    }
}

fn temperature(walk: &mut Walk<'_>, item: &Value, path: &str, index: usize) {
    let mut part = Part::of(item, "temperature").within(path, "Temperatures", index);
    part.attr("redfish.type", Some("Sensor"));
    part.place = format!("{}/{}", relative(path), part.name);
    // A sensor of something that is not there has none.
    if part.status.is_absent() || part.status.state == Some("disabled") {
        return walk.parts.push(part);
    }
    let reading = number(item, "ReadingCelsius").or_else(|| number(item, "CurrentReading"));
    part.between(&metrics::TEMPERATURE, None, reading, DEGREES);
    for (key, kind) in [
        ("UpperThresholdNonCritical", "high.degraded"),
        ("UpperThresholdCritical", "high.critical"),
    ] {
        // Zero stands for "none" in iLO and in some others.
        let limit = number(item, key).filter(|it| *it > 0.0);
        part.number(&metrics::TEMPERATURE_LIMIT, Some(("hw.limit_type", kind)), limit);
    }
    walk.parts.push(part);
}
