//! Lists of sensors as tables: `ipmitool sdr`, `sdr elist`, `sensor`, each plain or with `-c`, and FreeIPMI's
//! `ipmi-sensors` and `ipmimonitoring`. They are what people mail; a live host is asked for more (see [`super::sdr`]).
//!
//! Facts: ipmitool 1.8, FreeIPMI 0.8 to 1.6. A table with a line of titles is read by its titles.

use super::reading::{self, LIMITS, Reading};

/// What the lines say, and lines that were not understood.
pub(super) fn parse(text: &str) -> (Vec<Reading>, Vec<String>) {
    let mut sensors = Vec::new();
    let mut strange = Vec::new();
    let mut titles: Option<Vec<String>> = None;
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        let cells = cells(line, titles.as_ref().map(Vec::len));
        if let Some(found) = head(&cells) {
            titles = Some(found);
            continue;
        }
        let reading = match &titles {
            Some(titles) => by_titles(titles, &cells),
            None => by_shape(&cells),
        };
        match reading {
            Some(reading) => sensors.push(reading),
            None => strange.push(line.trim().to_owned()),
        }
    }
    (sensors, strange)
}

/// Cells of a line; with a known number of columns, the last one keeps its commas.
fn cells(line: &str, columns: Option<usize>) -> Vec<&str> {
    let separator = if line.contains('|') { '|' } else { ',' };
    let cells: Vec<&str> = match columns {
        Some(columns) => line.splitn(columns, separator).collect(),
        None => line.split(separator).collect(),
    };
    cells.into_iter().map(str::trim).collect()
}

/// Titles, in lower case, if the line has them.
fn head(cells: &[&str]) -> Option<Vec<String>> {
    let lower: Vec<String> = cells.iter().map(|it| it.to_lowercase()).collect();
    let has = |wanted: &[&str]| lower.iter().any(|it| wanted.contains(&it.as_str()));
    let named = has(&["name", "sensor name"]);
    let typed = has(&["type", "sensor type", "group", "sensor group"]);
    (named && typed).then_some(lower)
}

/// FreeIPMI: the columns are told by their titles.
fn by_titles(titles: &[String], cells: &[&str]) -> Option<Reading> {
    let cell = |wanted: &[&str]| {
        let at = titles.iter().position(|it| wanted.contains(&it.as_str()))?;
        cells.get(at).copied().filter(|it| !it.is_empty() && *it != "N/A")
    };
    let mut reading = Reading {
        name: cell(&["name", "sensor name"])?.to_owned(),
        kind: cell(&["type", "sensor type", "group", "sensor group"]).and_then(reading::kind_of),
        value: cell(&["reading", "sensor reading"]).and_then(reading::limit),
        unit: cell(&["units", "sensor units"]).unwrap_or_default().to_owned(),
        ..Reading::default()
    };
    for (at, title) in ["lower nr", "lower c", "lower nc", "upper nc", "upper c", "upper nr"]
        .into_iter()
        .enumerate()
    {
        reading.limits[at] = cell(&[title]).and_then(reading::limit);
    }
    let events = cell(&["event", "sensor event"]).unwrap_or_default();
    let events = quoted(events);
    if reading.value.is_some() || events.iter().any(|it| threshold_event(it).is_some()) {
        let crossed = events.iter().filter_map(|it| threshold_event(it)).next_back();
        let state = cell(&["state", "sensor state", "monitoring status"]).and_then(reading::status);
        reading.status = crossed.or(state).map(str::to_owned);
    } else if events.is_empty() {
        reading.silent = Some("no reading".to_owned());
    } else {
        reading.states = events.into_iter().filter(|it| it != "OK").collect();
    }
    Some(reading)
}

/// `'Presence detected' 'Power Supply input lost (AC/DC)'`; older versions print `[Presence detected]`.
fn quoted(text: &str) -> Vec<String> {
    let separators: &[char] = if text.contains('[') { &['[', ']'] } else { &['\''] };
    let parts: Vec<&str> =
        text.split(separators).map(str::trim).filter(|it| !it.is_empty()).collect();
    parts.into_iter().map(str::to_owned).collect()
}

/// `At or Above (>=) Upper Critical Threshold`.
fn threshold_event(text: &str) -> Option<&'static str> {
    if text == "OK" {
        return Some("ok");
    }
    let (_, rest) = text.split_once(") ")?;
    reading::status(rest.strip_suffix("Threshold")?)
}

/// ipmitool: the columns are told by their number and form.
fn by_shape(cells: &[&str]) -> Option<Reading> {
    let is_number = |it: &str| {
        it.strip_suffix('h').is_some_and(|it| it.len() == 2 && u8::from_str_radix(it, 16).is_ok())
    };
    match cells {
        [name, number, status, entity, rest @ ..] if is_number(number) => {
            long(name, number, status, entity, &rest.join(", "))
        }
        [name, value, unit, status, limits @ ..] if limits.len() >= 6 => {
            Some(full(name, value, unit, status, limits))
        }
        [name, value, status] => short(name, value, status),
        [name, value, unit, status] => short(name, &format!("{value} {unit}"), status),
        _ => None,
    }
}

/// `sdr elist`: `PSU2 Status | 11h | ok | 10.2 | Presence detected, Failure detected`.
fn long(name: &str, number: &str, status: &str, entity: &str, last: &str) -> Option<Reading> {
    if last.starts_with("Logical FRU") || last.contains(" MC @") {
        return None;
    }
    let mut reading = short(name, last, status)?;
    reading.number = number.strip_suffix('h').and_then(|it| u8::from_str_radix(it, 16).ok());
    reading.entity = reading::entity(entity);
    Some(reading)
}

/// `sdr`: `CPU1 Temp | 45 degrees C | ok`; `PSU2 Status | 0x09 | ok`.
fn short(name: &str, value: &str, status: &str) -> Option<Reading> {
    let crossed = reading::status(status);
    if name.is_empty() || crossed.is_none() && !matches!(status, "ns" | "na" | "us") {
        return None;
    }
    let mut reading = Reading { name: name.to_owned(), ..Reading::default() };
    let (first, unit) = value.split_once(' ').unwrap_or((value, ""));
    let lower = value.to_lowercase();
    if let Some(number) = reading::limit(first) {
        reading.value = Some(number);
        reading.unit = unit.to_owned();
        reading.status = crossed.map(str::to_owned);
    } else if crossed.is_none()
        || matches!(lower.as_str(), "no reading" | "disabled" | "not readable")
    {
        reading.silent = Some(if lower.is_empty() { "no reading".to_owned() } else { lower });
    } else if first.starts_with("0x") {
        reading.bits = Some(first.to_owned());
    } else {
        let states = value.split(", ").map(str::trim).filter(|it| !it.is_empty());
        reading.states = states.map(str::to_owned).collect();
    }
    Some(reading)
}

/// `sensor`: `CPU1 Temp | 45.000 | degrees C | ok | na | na | na | 85.000 | 95.000 | 105.000`.
fn full(name: &str, value: &str, unit: &str, status: &str, limits: &[&str]) -> Reading {
    let mut reading = Reading { name: name.to_owned(), ..Reading::default() };
    for (at, _) in LIMITS.iter().enumerate() {
        reading.limits[at] = limits.get(at).and_then(|it| reading::limit(it));
    }
    if unit == "discrete" && value.starts_with("0x") {
        reading.bits = Some(status.to_owned());
    } else if let Some(value) = reading::limit(value) {
        reading.value = Some(value);
        reading.unit = unit.to_owned();
        // Only the gravity is printed; the side follows from the thresholds.
        reading.status = reading::status(status).map(str::to_owned);
    } else {
        reading.unit = unit.to_owned();
        reading.silent = Some("no reading".to_owned());
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_the_same_sensor() {
        for text in [
            "Inlet Temp | 24 degrees C | ok",
            "Inlet Temp | 02h | ok | 55.1 | 24 degrees C",
            "Inlet Temp,24,degrees C,ok",
            "Inlet Temp | 24.000 | degrees C | ok | na | na | na | 38.000 | 42.000 | 47.000",
            "ID | Name | Type | Reading | Units | Event\n2 | Inlet Temp | Temperature | 24.00 | C | 'OK'",
            "ID,Name,Type,State,Reading,Units,Lower NR,Lower C,Lower NC,Upper NC,Upper C,Upper NR,Event\n\
             2,Inlet Temp,Temperature,Nominal,24.00,C,N/A,N/A,N/A,38.00,42.00,47.00,'OK'",
        ] {
            let (sensors, strange) = parse(text);
            assert!(strange.is_empty(), "{text}: {strange:?}");
            assert_eq!(sensors.len(), 1, "{text}");
            assert_eq!(sensors[0].value, Some(24.0), "{text}");
            assert_eq!(sensors[0].status.as_deref(), Some("ok"), "{text}");
            assert_eq!(sensors[0].kind(), Some(1), "{text}");
        }
    }

    #[test]
    fn states_keep_their_text() {
        let (sensors, _) = parse("PSU2 Status,11h,ok,10.2,Presence detected, Power Supply AC lost");
        assert_eq!(sensors[0].states, ["Presence detected", "Power Supply AC lost"]);
        let text = "ID | Name | Type | Reading | Units | Event\n\
                    9 | PSU2 | Power Supply | N/A | N/A | 'Presence detected' 'Power Supply Failure detected'";
        assert_eq!(parse(text).0[0].states, ["Presence detected", "Power Supply Failure detected"]);
    }
}
