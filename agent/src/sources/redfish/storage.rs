//! Storage: controllers, drives and volumes, with the sets that volumes are.
//!
//! Facts: schemas Storage, StorageController, Drive, Volume; vendors say in `Oem` what the standard leaves out (Dell
//! `RaidStatus`, Huawei `FirmwareStatus`, Lenovo `DriveStatus`). Invariant: a drive that is being rebuilt is not in
//! service, whatever its health.

use serde_json::Value;

use super::{
    json::{Status, at, links, list, number, path_of, text},
    metrics,
    part::{Mark, Part, Plan},
    power::redundancy,
    walk::Walk,
};

/// Bytes that can be: an exabyte.
pub(super) const BYTES: std::ops::RangeInclusive<f64> = 0.0..=1e18;

/// A storage subsystem: its health is that of what it holds.
pub(super) fn storage(walk: &mut Walk<'_>, resource: &Value, path: &str) {
    let mut part = Part::of(resource, "storage");
    part.container = true;
    walk.parts.push(part);
    redundancy(walk, resource, path, "Redundancy", "group");
}

/// `SimpleStorage`: drives behind a plain controller, written into it.
pub(super) fn simple(walk: &mut Walk<'_>, resource: &Value, path: &str) {
    let mut part = Part::of(resource, "controller");
    part.status.rollup = None;
    walk.parts.push(part);
    for (index, item) in list(resource, "Devices").iter().enumerate() {
        let mut part = Part::of(item, "disk").within(path, "Devices", index);
        part.between(&metrics::SIZE, None, number(item, "CapacityBytes"), BYTES);
        part.via = Some(path.to_owned());
        walk.parts.push(part);
    }
}

/// A controller, with its cache and battery.
pub(super) fn controller(walk: &mut Walk<'_>, resource: &Value, from: &str) {
    let part = Part::of(resource, "controller");
    let path = part.path.clone();
    walk.parts.push(part);
    let cache = resource.get("CacheSummary").filter(|it| Status::of(it) != Status::default());
    if let Some(cache) = cache {
        let mut part = Part::of(cache, "cache").within(&path, "CacheSummary", 0);
        part.name = format!("cache of {}", text(resource, "Name").unwrap_or(from));
        part.via = Some(path.clone());
        walk.parts.push(part);
    }
    let battery = at(resource, &["Oem", "Dell", "DellControllerBattery"]);
    let status = battery.and_then(|it| text(it, "PrimaryStatus"));
    if let (Some(battery), Some(status)) = (battery, status) {
        let mut part = Part::of(battery, "battery").within(&path, "Battery", 0);
        part.status.health = match status.to_ascii_lowercase().as_str() {
            "ok" => Some("ok"),
            "degraded" | "warning" => Some("warning"),
            "error" | "critical" | "failed" => Some("critical"),
            "unknown" => None,
            other => {
                part.status.strange.push(format!("PrimaryStatus = {other:?}"));
                Some("unknown")
            }
        };
        part.via = Some(path);
        walk.parts.push(part);
    }
}

/// A drive.
pub(super) fn drive(walk: &mut Walk<'_>, resource: &Value, from: &str) {
    let mut part = Part::of(resource, "disk");
    part.via = (!from.is_empty()).then(|| from.to_owned());
    part.attr("hw.disk.media", text(resource, "MediaType"));
    part.attr("hw.disk.protocol", text(resource, "Protocol"));
    part.between(&metrics::SIZE, None, number(resource, "CapacityBytes"), BYTES);
    let predicted = resource.get("FailurePredicted").and_then(Value::as_bool);
    // 255 and the like: the drive does not say.
    let life = number(resource, "PredictedMediaLifeLeftPercent").filter(|it| *it <= 200.0);
    part.between(&metrics::LIFE_LEFT, None, life.map(|it| it / 100.0), 0.0..=1.0);
    let words = drive_words(resource);
    let has = |wanted: &str| words.iter().any(|it| it.contains(wanted));
    let predicted = predicted == Some(true) || has("predictive");
    part.number(&metrics::PREDICTED, None, Some(f64::from(u8::from(predicted))));
    let spare = text(resource, "HotspareType").is_some_and(|it| !it.eq_ignore_ascii_case("none"));
    let failed = words.iter().any(|it| {
        matches!(it.as_str(), "fail" | "failed" | "faulty" | "unconfiguredbad" | "unconfigured bad")
    });
    part.mark = if failed {
        Mark::Failed
    } else if has("rebuild") {
        Mark::Rebuilding
    } else if spare || has("hotspare") || has("hot spare") || words.iter().any(|it| it == "spare") {
        Mark::Spare
    } else if words.iter().any(|it| matches!(it.as_str(), "ok" | "online" | "optimal")) {
        Mark::Good
    } else {
        Mark::None
    };
    operation(&mut part, resource);
    walk.parts.push(part);
}

/// Everything that says how a drive stands in its arrays, in small letters.
fn drive_words(resource: &Value) -> Vec<String> {
    const KEYS: [&str; 5] =
        ["StatusIndicator", "RaidStatus", "FirmwareStatus", "DriveStatus", "DiskDriveStatus"];
    let vendors = resource.get("Oem").and_then(Value::as_object);
    let vendors = vendors.into_iter().flat_map(|it| it.values());
    let deeper = |it: &'_ Value| -> Vec<Value> {
        let inner = it.as_object().into_iter().flat_map(|it| it.values());
        inner.filter(|it| it.is_object()).cloned().collect()
    };
    let inner: Vec<Value> = vendors.clone().flat_map(deeper).collect();
    let places = [resource].into_iter().chain(vendors).chain(&inner);
    let words = places.flat_map(|it| KEYS.iter().filter_map(|key| text(it, key)));
    let operations = list(resource, "Operations").iter();
    let operations =
        operations.filter_map(|it| text(it, "OperationName").or(text(it, "Operation")));
    words.chain(operations).map(str::to_ascii_lowercase).collect()
}

/// What goes on: the first operation counts.
fn operation(part: &mut Part, resource: &Value) {
    let Some(all) = resource.get("Operations").and_then(Value::as_array) else { return };
    let name =
        |it: &Value| text(it, "Operation").or_else(|| text(it, "OperationName")).map(str::to_owned);
    let first = all.iter().find_map(|it| Some((it, name(it)?)));
    let word = first.as_ref().map_or_else(|| "none".to_owned(), |(_, name)| name.clone());
    part.words.push((&metrics::OPERATION, word));
    let done = first.and_then(|(it, _)| number(it, "PercentageComplete"));
    part.between(&metrics::PROGRESS, None, done.map(|it| it / 100.0), 0.0..=1.0);
}

/// A volume: a set of drives.
pub(super) fn volume(walk: &mut Walk<'_>, resource: &Value, from: &str) {
    let mut part = Part::of(resource, "volume");
    part.via = (!from.is_empty()).then(|| from.to_owned());
    if let Some(name) = text(resource, "DisplayName") {
        part.name = name.to_owned();
    }
    part.between(&metrics::SIZE, None, number(resource, "CapacityBytes"), BYTES);
    operation(&mut part, resource);
    let drives = links_of(resource, "Drives");
    let spares = links_of(resource, "DedicatedSpareDrives");
    let oem = ["Dell", "Huawei", "Lenovo", "Public", "Inspur"]
        .iter()
        .find_map(|vendor| at(resource, &["Oem", vendor]));
    let raid = text(resource, "RAIDType")
        .or_else(|| oem.and_then(|it| text(it, "VolumeRaidLevel").or(text(it, "RaidLevel"))))
        .or_else(|| text(resource, "VolumeType"));
    part.attr("redfish.raid_type", raid);
    let spans = spans(resource, oem);
    let known = raid.and_then(|it| scheme(it, spans.map(|it| it.0)));
    if let Some((scheme, copies)) = known
        && (!drives.is_empty() || spans.is_some())
    {
        part.set = Some(Plan {
            scheme,
            width: spans.map(|(spans, length)| spans * length),
            copies,
            members: drives,
            spares,
            bays: false,
        });
    } else if let Some(raid) = raid.filter(|it| scheme(it, None).is_none() && !is_plain(it)) {
        part.status.strange.push(format!("RAIDType = {raid:?}"));
    }
    walk.parts.push(part);
}

fn links_of(resource: &Value, key: &str) -> Vec<String> {
    let mut found = resource.get("Links").map(|it| links(it, key)).unwrap_or_default();
    if found.is_empty() {
        found = links(resource, key);
    }
    found
}

/// Words for a volume that is no RAID.
fn is_plain(raid: &str) -> bool {
    ["none", "rawdevice", "nonraid"].iter().any(|it| raid.eq_ignore_ascii_case(it))
}

/// Spans and drives in each: Dell says both, the standard only how many spans.
fn spans(resource: &Value, oem: Option<&Value>) -> Option<(u32, u32)> {
    let small = |it: f64| ((1.0..=256.0).contains(&it) && it.fract() == 0.0).then_some(it);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let whole = |it: f64| small(it).map(|it| it as u32);
    let dell = oem.and_then(|it| it.get("DellVolume").or_else(|| it.get("DellVirtualDisk")));
    let said = |it: &Value, key: &str| number(it, key).and_then(whole);
    if let Some(dell) = dell {
        return Some((said(dell, "SpanDepth")?, said(dell, "SpanLength")?));
    }
    if let Some(oem) = oem
        && let (Some(spans), Some(length)) = (said(oem, "SpanNumber"), said(oem, "NumDrivePerSpan"))
    {
        return Some((spans, length));
    }
    let spans = said(resource, "MediaSpanCount")?;
    let drives = u32::try_from(links_of(resource, "Drives").len()).ok()?;
    (drives > 0 && drives.is_multiple_of(spans)).then(|| (spans, drives / spans))
}

/// The scheme in the words of sets, and its copies.
pub(super) fn scheme(raid: &str, spans: Option<u32>) -> Option<(String, u32)> {
    let word = raid.to_ascii_lowercase().replace(['-', ' ', '_'], "");
    let word = word.strip_prefix("raid").unwrap_or(&word);
    let legs = |name: &str| match spans.filter(|it| *it > 1) {
        Some(spans) => format!("{name}:{spans}"),
        None => name.to_owned(),
    };
    Some(match word {
        "0" | "00" | "nonredundant" => ("raid0".to_owned(), 1),
        "1" | "mirrored" => ("raid1".to_owned(), 2),
        "1triple" | "1tm" | "1adm" => ("raid1".to_owned(), 3),
        "3" | "4" | "5" | "stripedwithparity" => ("raid5".to_owned(), 1),
        "6" | "adg" => ("raid6".to_owned(), 1),
        "10" | "01" | "1e" | "1+0" | "spannedmirrors" => ("raid10".to_owned(), 2),
        "10triple" | "10tm" | "10adm" => ("raid10".to_owned(), 3),
        "50" | "spannedstripeswithparity" => (legs("raid50"), 1),
        "60" => (legs("raid60"), 1),
        "6tp" | "tp" => ("raidz3".to_owned(), 1),
        _ => return None,
    })
}

/// The path of a drive's own resource within a list of links.
pub(super) fn own_path(resource: &Value) -> String {
    path_of(resource).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_raid_are_those_of_sets() {
        for (word, wanted) in [
            ("RAID5", "raid5"),
            ("RAID10Triple", "raid10"),
            ("SpannedMirrors", "raid10"),
            ("Raid-6", "raid6"),
            ("RAID60", "raid60:2"),
        ] {
            assert_eq!(scheme(word, Some(2)).map(|it| it.0).as_deref(), Some(wanted));
        }
        assert_eq!(scheme("RAID50", None).map(|it| it.0).as_deref(), Some("raid50"));
        assert_eq!(scheme("quantum", None), None);
    }
}
