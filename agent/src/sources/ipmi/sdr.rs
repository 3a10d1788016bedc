//! `ipmitool -v sdr list all`: one block a sensor, and the locators of inventories between them.
//!
//! Facts: `ipmi_sdr_print_sensor_fc` of ipmitool 1.8.11 to 1.8.19. The short lists say `ok` for a power supply that
//! failed; only here every sensor comes with its type, its part, its thresholds and the states that it asserts.

use std::collections::BTreeMap;

use super::reading::{self, LIMITS, Reading};

/// What the blocks say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Repository {
    /// In the order of the text.
    pub(super) sensors: Vec<Reading>,
    /// Inventories by their number, with the part that each describes.
    pub(super) inventories: BTreeMap<u8, (u8, u8)>,
    /// Beginnings of blocks that were not understood.
    pub(super) strange: Vec<String>,
    /// The list broke off: what is not in it may be there all the same.
    pub(super) partial: bool,
}

/// Whether a text has these blocks.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|it| it.starts_with("Sensor ID ") || it.starts_with("Sensor ID:"))
}

/// Reads the blocks.
pub(super) fn parse(text: &str) -> Repository {
    let mut repository = Repository::default();
    for block in blocks(text) {
        let Some((key, name)) = field(block[0]) else { continue };
        match key {
            "Sensor ID" => repository.sensors.push(sensor(name, &block[1..])),
            "Device ID" => locator(&block[1..], &mut repository.inventories),
            _ => repository.strange.push(block[0].trim().to_owned()),
        }
    }
    repository
}

fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        let begins = ["Sensor ID ", "Sensor ID:", "Device ID "];
        if begins.iter().any(|it| line.starts_with(it)) {
            blocks.push(vec![line]);
        } else if let Some(block) = blocks.last_mut().filter(|_| !line.trim().is_empty()) {
            block.push(line);
        }
    }
    blocks
}

fn field(line: &str) -> Option<(&str, &str)> {
    line.split_once(':').map(|(key, value)| (key.trim(), value.trim()))
}

fn sensor(head: &str, lines: &[&str]) -> Reading {
    // `CPU1 Temp (0x1)`: the number is in the last brackets.
    let (name, number) =
        match head.rsplit_once(" (0x").and_then(|(name, it)| Some((name, it.strip_suffix(')')?))) {
            Some((name, number)) => (name, u8::from_str_radix(number, 16).ok()),
            None => (head, None),
        };
    let mut reading = Reading { name: name.trim().to_owned(), number, ..Reading::default() };
    let mut list = "";
    for line in lines {
        let trimmed = line.trim();
        if let Some(state) = trimmed.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            match list {
                "States Asserted" => reading.states.push(state.trim().to_owned()),
                "Assertions Enabled" => reading.possible.push(state.trim().to_owned()),
                _ => {}
            }
            continue;
        }
        let Some((key, value)) = field(trimmed) else { continue };
        list = key;
        match key {
            "Entity ID" => reading.entity = reading::entity(value),
            "Sensor Reading" => value_of(value, &mut reading),
            "Status" => reading.status = reading::status(value).map(str::to_owned),
            _ if key.starts_with("Sensor Type") => reading.kind = reading::kind_of(value),
            _ => {
                let short = reading::status(key);
                if let Some(at) = LIMITS.iter().position(|(name, _)| Some(*name) == short) {
                    reading.limits[at] = reading::limit(value);
                }
            }
        }
    }
    reading
}

/// `96 (+/- 0) degrees C`, `0h`, `Disabled`, `No Reading`.
fn value_of(text: &str, reading: &mut Reading) {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Ok(value) = first.parse::<f64>() {
        reading.value = Some(value).filter(|it| it.is_finite());
        let unit = rest.trim();
        let unit = unit.strip_prefix('(').and_then(|it| it.split_once(')')).map_or(unit, |it| it.1);
        reading.unit = unit.trim().to_owned();
        return;
    }
    let hex = first.strip_suffix('h').is_some_and(|it| u32::from_str_radix(it, 16).is_ok());
    if !hex {
        reading.silent = Some(text.to_lowercase());
    }
}

/// Which part an inventory describes: `Logical FRU Device : 01h` of entity `10.1`.
fn locator(lines: &[&str], inventories: &mut BTreeMap<u8, (u8, u8)>) {
    let value = |wanted: &str| {
        lines.iter().find_map(|it| field(it).filter(|(key, _)| *key == wanted)).map(|it| it.1)
    };
    let number = value("Logical FRU Device").and_then(|it| it.strip_suffix('h'));
    let number = number.and_then(|it| u8::from_str_radix(it, 16).ok());
    let entity = value("Entity ID").and_then(reading::entity);
    if let (Some(number), Some(entity)) = (number, entity) {
        inventories.insert(number, entity);
    }
}
