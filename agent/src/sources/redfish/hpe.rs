//! HPE's own tree of Smart Array controllers (`SmartStorage`), on servers whose standard `Storage` is empty.
//!
//! Facts: HPE iLO 4 and 5 RESTful API references, types HpeSmartStorageArrayController, HpeSmartStorageLogicalDrive,
//! HpeSmartStorageDiskDrive. iLO 4 writes `links` with `href` beside the standard form.

use serde_json::Value;

use super::{
    client::targets_of,
    json::{Status, number, text},
    metrics,
    part::{Mark, Part, Plan},
    storage::{BYTES, own_path, scheme},
    walk::Walk,
};

/// One mebibyte and one gigabyte, as the types count.
const MIB: f64 = 1024.0 * 1024.0;
const GB: f64 = 1e9;

/// Reads one resource of the tree. `said` is its type without the vendor.
pub(super) fn read(walk: &mut Walk<'_>, resource: &Value, said: &str, from: &str) {
    let path = own_path(resource);
    match said {
        "SmartStorage" => {
            let mut part = Part::of(resource, "storage");
            part.container = true;
            walk.parts.push(part);
            follow(walk, resource, &["ArrayControllers"], "SmartStorageArrayController", &path);
            follow(walk, resource, &["HostBusAdapters"], "SmartStorageHostBusAdapter", &path);
        }
        "SmartStorageArrayController" | "SmartStorageHostBusAdapter" => {
            controller(walk, resource);
            follow(walk, resource, &["LogicalDrives"], "SmartStorageLogicalDrive", &path);
            let drives = ["PhysicalDrives", "UnconfiguredDrives"];
            follow(walk, resource, &drives, "SmartStorageDiskDrive", &path);
        }
        "SmartStorageLogicalDrive" => logical_drive(walk, resource, from),
        "SmartStorageDiskDrive" => disk_drive(walk, resource, from),
        _ => {}
    }
}

fn follow(walk: &mut Walk<'_>, resource: &Value, keys: &[&str], hint: &'static str, path: &str) {
    let Some(links) = resource.get("Links") else { return };
    for collection in keys.iter().flat_map(|key| targets_of(links, key)) {
        walk.members(&collection, hint, path);
    }
}

fn controller(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "controller");
    part.attr("hw.slot", text(resource, "Location"));
    let path = part.path.clone();
    walk.parts.push(part);
    for (key, kind) in [("CacheModuleStatus", "cache"), ("ControllerBoard", "part")] {
        let Some(found) = resource.get(key) else { continue };
        if Status::of(found) != Status::default() {
            let mut part = Part::of(found, kind).within(&path, key, 0);
            part.name = key.to_owned();
            part.via = Some(path.clone());
            walk.parts.push(part);
        }
    }
    if let Some(word) = text(resource, "BackupPowerSourceStatus") {
        let mut part = Part { kind: "battery", ..Part::default() };
        part.path = format!("{path}#/BackupPowerSource");
        part.place = super::json::relative(&part.path).to_owned();
        part.name = "BackupPowerSource".to_owned();
        part.status.health = match word {
            "Present" => Some("ok"),
            "PresentAndCharging" => Some("ok"),
            "NotPresent" => return,
            _ => Some("warning"),
        };
        part.via = Some(path);
        walk.parts.push(part);
    }
}

fn logical_drive(walk: &mut Walk<'_>, resource: &Value, from: &str) {
    let mut part = Part::of(resource, "volume");
    part.via = Some(from.to_owned());
    if let Some(name) = text(resource, "LogicalDriveName") {
        part.name = name.to_owned();
    }
    part.wwn = text(resource, "VolumeUniqueIdentifier").map(str::to_owned);
    let size = number(resource, "CapacityMiB").map(|it| it * MIB);
    part.between(&metrics::SIZE, None, size, BYTES);
    let raid = text(resource, "Raid");
    part.attr("redfish.raid_type", raid);
    let reasons = resource.get("LogicalDriveStatusReasons").and_then(Value::as_array);
    let reasons: Vec<&str> = reasons.into_iter().flatten().filter_map(Value::as_str).collect();
    let rebuilds = reasons.iter().any(|it| it.contains("Recover") || it.contains("Rebuild"));
    let word = if rebuilds { "rebuild" } else { "none" };
    part.words.push((&metrics::OPERATION, word.to_owned()));
    let drives = resource
        .get("Links")
        .map(|links| targets_of(links, "DataDrives"))
        .unwrap_or_default()
        .into_iter()
        .flat_map(|it| walk.client.members(&it))
        .collect::<Vec<_>>();
    let members: Vec<String> = drives.iter().filter_map(super::json::path_of).collect();
    if let Some((scheme, copies)) = raid.and_then(|it| scheme(it, None))
        && !members.is_empty()
    {
        part.set = Some(Plan { scheme, copies, members, ..Plan::default() });
    }
    walk.parts.push(part);
    for drive in drives {
        walk.later(drive, "SmartStorageDiskDrive", from);
    }
}

fn disk_drive(walk: &mut Walk<'_>, resource: &Value, from: &str) {
    let mut part = Part::of(resource, "disk");
    part.via = Some(from.to_owned());
    part.attr("hw.slot", text(resource, "Location"));
    part.attr("hw.disk.media", text(resource, "MediaType"));
    part.attr("hw.disk.protocol", text(resource, "InterfaceType"));
    let size = number(resource, "CapacityMiB").map(|it| it * MIB);
    let size = size.or_else(|| number(resource, "CapacityGB").map(|it| it * GB));
    part.between(&metrics::SIZE, None, size, BYTES);
    let used = number(resource, "SSDEnduranceUtilizationPercentage").filter(|it| *it <= 200.0);
    part.between(&metrics::LIFE_LEFT, None, used.map(|it| (1.0 - it / 100.0).max(0.0)), 0.0..=1.0);
    let heat = number(resource, "CurrentTemperatureCelsius");
    part.between(&metrics::TEMPERATURE, None, heat.filter(|it| *it > 0.0), 0.0..=200.0);
    let reasons = resource.get("DiskDriveStatusReasons").and_then(Value::as_array);
    let reasons: Vec<&str> = reasons.into_iter().flatten().filter_map(Value::as_str).collect();
    let predicted = reasons.iter().any(|it| it.contains("Predict"));
    part.number(&metrics::PREDICTED, None, Some(f64::from(u8::from(predicted))));
    let uses = text(resource, "DiskDriveUse").unwrap_or_default();
    part.mark = if reasons.iter().any(|it| it.contains("Rebuild") || it.contains("Recover")) {
        Mark::Rebuilding
    } else if uses == "Spare" {
        Mark::Spare
    } else {
        Mark::None
    };
    walk.parts.push(part);
}
