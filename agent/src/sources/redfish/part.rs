//! One thing that a target told of, before it is known who else speaks of it: sets refer to their members by path, and
//! one drive is told of in several places.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{Status, at, normal, path_of, relative, text};
use crate::source::Metric;

/// Attributes of a series: at most one, by the limit's type or the like.
pub(super) type Attr = Option<(&'static str, &'static str)>;

/// How a part stands in the sets that name it, beyond its status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing more is said.
    #[default]
    None,
    /// In service, where its health is not said.
    Good,
    /// Failed, whatever its health says.
    Failed,
    /// Being rebuilt.
    Rebuilding,
    /// A hot spare.
    Spare,
}

/// A thing that can fail, as its resource tells it.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    /// Kind of component.
    pub(super) kind: &'static str,
    /// Its resource, with the fragment of a member.
    pub(super) path: String,
    /// What people call it.
    pub(super) name: String,
    /// What tells it apart within the target where it has no serial number.
    pub(super) place: String,
    pub(super) serial: Option<String>,
    pub(super) wwn: Option<String>,
    pub(super) status: Status,
    /// Its health is that of what it holds: only to be compared with, never a finding of its own.
    pub(super) container: bool,
    pub(super) attrs: BTreeMap<String, String>,
    /// Resources through which it is reached.
    pub(super) via: Option<String>,
    /// Resources on which its data lie.
    pub(super) on: Vec<String>,
    pub(super) numbers: Vec<(&'static Metric, Attr, f64)>,
    pub(super) words: Vec<(&'static Metric, String)>,
    pub(super) mark: Mark,
    pub(super) set: Option<Plan>,
}

/// A set as it is told: members by their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) scheme: String,
    /// Members when whole, where that is said.
    pub(super) width: Option<u32>,
    pub(super) copies: u32,
    pub(super) members: Vec<String>,
    pub(super) spares: Vec<String>,
    /// Its members are bays, and an empty bay is no member unless the set itself is not well.
    pub(super) bays: bool,
}

impl Part {
    /// What every resource says of itself.
    pub(super) fn of(resource: &Value, kind: &'static str) -> Part {
        let path = path_of(resource).unwrap_or_default();
        let id = ["Id", "MemberId"].iter().find_map(|it| text(resource, it));
        let name = ["Name", "FanName", "DeviceLocator"].iter().find_map(|it| text(resource, it));
        let mut attrs = BTreeMap::new();
        for (key, attr) in [
            ("Manufacturer", "hw.vendor"),
            ("Model", "hw.model"),
            ("SerialNumber", "hw.serial_number"),
            ("PartNumber", "hw.part_number"),
            ("SparePartNumber", "hw.spare_part_number"),
            ("FirmwareVersion", "hw.firmware_version"),
            ("Revision", "hw.firmware_version"),
            ("SKU", "hw.sku"),
        ] {
            if let Some(found) = text(resource, key) {
                attrs.entry(attr.to_owned()).or_insert_with(|| found.to_owned());
            }
        }
        if let Some(slot) = slot(resource) {
            attrs.insert("hw.slot".to_owned(), slot);
        }
        Part {
            kind,
            name: name.or(id).unwrap_or(kind).to_owned(),
            place: relative(&path).to_owned(),
            path,
            serial: text(resource, "SerialNumber").map(str::to_owned),
            wwn: wwn(resource),
            status: Status::of(resource),
            attrs,
            ..Part::default()
        }
    }

    /// Gives it a place where its resource has no path of its own: an item of a list in another one.
    pub(super) fn within(mut self, parent: &str, list: &str, index: usize) -> Part {
        if self.path.is_empty() {
            let mark = if parent.contains('#') { "" } else { "#" };
            self.path = normal(&format!("{parent}{mark}/{list}/{index}"));
            self.place = relative(&self.path).to_owned();
        }
        self
    }

    /// Adds a number, if it is there.
    pub(super) fn number(&mut self, metric: &'static Metric, attr: Attr, value: Option<f64>) {
        self.numbers.extend(value.map(|it| (metric, attr, it)));
    }

    /// Adds a number within what can be; another one is left out and named.
    pub(super) fn between(
        &mut self,
        metric: &'static Metric,
        attr: Attr,
        value: Option<f64>,
        range: std::ops::RangeInclusive<f64>,
    ) {
        match value {
            Some(it) if range.contains(&it) => self.numbers.push((metric, attr, it)),
            Some(it) => self.status.strange.push(format!("{} = {it}", metric.name)),
            None => {}
        }
    }

    /// Adds an attribute, if it is there.
    pub(super) fn attr(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attrs.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// Where to find it: the label on the chassis, in whichever of the places it is written.
fn slot(resource: &Value) -> Option<String> {
    let part_location = [&["PhysicalLocation", "PartLocation"][..], &["Location", "PartLocation"]]
        .iter()
        .find_map(|keys| at(resource, keys))
        .or_else(|| at(resource.get("PhysicalLocation")?.get(0)?, &["PartLocation"]))
        .or_else(|| at(resource.get("Location")?.get(0)?, &["PartLocation"]));
    let label = part_location.and_then(|it| text(it, "ServiceLabel")).map(str::to_owned);
    let ordinal = || {
        let value = part_location?.get("LocationOrdinalValue")?;
        value.as_i64().map(|it| it.to_string())
    };
    let info = || {
        let first =
            resource.get("PhysicalLocation").or_else(|| resource.get("Location")?.get(0))?;
        text(first, "Info").map(str::to_owned)
    };
    let locator = || text(resource, "DeviceLocator").or_else(|| text(resource, "Socket"));
    label.or_else(|| locator().map(str::to_owned)).or_else(info).or_else(ordinal)
}

/// A world-wide name or UUID among `Identifiers`.
fn wwn(resource: &Value) -> Option<String> {
    let all = resource.get("Identifiers")?.as_array()?;
    let of = |wanted: &str| {
        all.iter()
            .find(|it| text(it, "DurableNameFormat") == Some(wanted))
            .and_then(|it| text(it, "DurableName"))
    };
    ["NAA", "EUI", "UUID", "NGUID", "NSID"].iter().find_map(|it| of(it)).map(str::to_owned)
}
