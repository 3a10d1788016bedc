//! The management controller itself, the chassis's own fault lamps and the inventories of parts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `Key : value` lines; the first of a key counts.
pub(super) fn fields(text: &str) -> BTreeMap<&str, &str> {
    let mut fields = BTreeMap::new();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once(':') {
            fields.entry(key.trim()).or_insert(value.trim());
        }
    }
    fields
}

/// A value that says something; `Unknown (0x1291)` does not.
pub(super) fn said<'a>(fields: &BTreeMap<&str, &'a str>, key: &str) -> Option<&'a str> {
    let value = fields.get(key).copied()?;
    (!value.is_empty() && !value.starts_with("Unknown")).then_some(value)
}

/// A flag of `chassis status`; none where the line is missing or says something else.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "active" | "on" => Some(true),
        "false" | "inactive" | "off" => Some(false),
        _ => None,
    }
}

/// `Instantaneous power reading: 208 Watts` of ipmitool, `Current Power : 208 Watts` of FreeIPMI. A controller that
/// measures nothing says 0.
pub(super) fn watts(text: &str) -> Option<f64> {
    let fields = fields(text);
    let said =
        ["Instantaneous power reading", "Current Power"].iter().find_map(|it| fields.get(it))?;
    let (number, _) = said.split_once(' ')?;
    number.parse::<f64>().ok().filter(|it| *it > 0.0 && *it < 100_000.0)
}

/// What an inventory says of its part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inventory {
    /// Number of the inventory; 0 is the chassis's own.
    pub(super) number: u8,
    /// Manufacturer.
    pub(super) vendor: Option<String>,
    /// What it is called.
    pub(super) model: Option<String>,
    /// What to order.
    pub(super) part: Option<String>,
    /// Serial number.
    pub(super) serial: Option<String>,
    /// Version.
    pub(super) version: Option<String>,
}

/// Longest text of an inventory that is believed: the format allows 63 characters.
const TEXT_MAX: usize = 64;

/// More inventories than any chassis has.
const INVENTORIES_MAX: usize = 128;

/// `fru print`: blocks that begin with `FRU Device Description : PSU1 FRU (ID 1)`.
pub(super) fn inventories(text: &str) -> Vec<Inventory> {
    let mut found = Vec::new();
    for block in text.split("FRU Device Description").skip(1).take(INVENTORIES_MAX) {
        let head = block.lines().next().unwrap_or_default();
        let number =
            head.rsplit_once("(ID ").and_then(|it| it.1.trim_end_matches(')').parse().ok());
        let Some(number) = number else { continue };
        let fields = fields(block.split_once('\n').map_or("", |it| it.1));
        // What is sold comes first, then the board in it.
        let first = |keys: &[&str]| {
            let value = keys.iter().find_map(|it| said(&fields, it))?;
            let clean: String =
                value.chars().filter(|it| !it.is_control()).take(TEXT_MAX).collect();
            Some(clean.trim().to_owned()).filter(|it| !it.is_empty())
        };
        let inventory = Inventory {
            number,
            vendor: first(&["Product Manufacturer", "Board Mfg"]),
            model: first(&["Product Name", "Board Product"]),
            part: first(&["Product Part Number", "Board Part Number"]),
            serial: first(&["Product Serial", "Board Serial", "Chassis Serial"]),
            version: first(&["Product Version"]),
        };
        if inventory != (Inventory { number, ..Inventory::default() }) {
            found.push(inventory);
        }
    }
    found
}

impl Inventory {
    /// As attributes of a component.
    pub(super) fn attrs(&self, attrs: &mut BTreeMap<String, String>) {
        let pairs = [
            ("hw.vendor", &self.vendor),
            ("hw.model", &self.model),
            ("hw.part_number", &self.part),
            ("hw.serial_number", &self.serial),
            ("hw.version", &self.version),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                attrs.insert(name.to_owned(), value.clone());
            }
        }
    }
}
