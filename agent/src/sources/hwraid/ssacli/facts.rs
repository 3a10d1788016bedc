//! `Key: Value` lines of controllers, logical and physical drives, and the words of their states.

use super::{Card, DriveState, PackState, VolumeState, WriteCache, m, text};
use crate::sources::hwraid::model::Pack;

pub(super) fn controller(card: &mut Card, key: &str, value: &str) {
    match key {
        "Controller Status" => card.status = Some(value.to_owned()),
        "Serial Number" => {
            card.attr("hw.serial_number", Some(value));
            card.serial = card.attrs.get("hw.serial_number").cloned();
        }
        "Firmware Version" => card.attr("hw.firmware_version", Some(value)),
        "Hardware Revision" => card.attr("hw.revision", Some(value)),
        "Driver Name" => card.attr("hw.driver", Some(value)),
        "Driver Version" => card.attr("hw.driver_version", Some(value)),
        "PCI Address" => card.attr("hw.pci.address", Some(value)),
        "Controller Mode" if value.eq_ignore_ascii_case("hba") => {
            card.word(&m::CONFIGURATION, "hba")
        }
        "Controller Temperature (C)" => {
            card.number(
                &m::TEMPERATURE,
                vec![("hw.sensor_location", "controller".to_owned())],
                text::celsius(value),
            );
        }
        "Cache Module Temperature (C)" => {
            card.number(
                &m::TEMPERATURE,
                vec![("hw.sensor_location", "cache".to_owned())],
                text::celsius(value),
            );
        }
        "Capacitor Temperature (C)" | "Capacitor Temperature  (C)" => {
            pack(card).temperature = text::celsius(value)
        }
        "Battery/Capacitor Status" | "Battery Status" | "Capacitor Status" => {
            let pack = pack(card);
            (pack.state, pack.said) = (text::pack(value), value.to_owned());
        }
        "Battery/Capacitor Count" if text::number(value) == Some(0.0) => {
            let pack = pack(card);
            (pack.state, pack.said) = (PackState::Absent, "count 0".to_owned());
        }
        "Cache Status" => {
            card.attr("hw.raid.cache", Some(value));
            card.lists_volumes |= value.eq_ignore_ascii_case("not configured");
        }
        "No-Battery Write Cache" => card.attr("hw.raid.no_battery_write_cache", Some(value)),
        "Surface Scan Mode" => {
            let off = ["disabled", "off"].contains(&value.to_lowercase().as_str());
            card.word(&m::PATROL, if off { "off" } else { "scheduled" });
        }
        _ => {}
    }
}

fn pack(card: &mut Card) -> &mut Pack {
    if card.packs.is_empty() {
        card.packs.push(Pack::default());
    }
    &mut card.packs[0]
}

/// Writes of volumes with caching fall through while the cache is not in order.
pub(super) fn protect(card: &mut Card) {
    let cache = card.attrs.get("hw.raid.cache").map(|it| it.to_lowercase()).unwrap_or_default();
    let off = ["disabled", "failed", "bad", "error"].iter().any(|it| cache.contains(it));
    let forced = card.attrs.get("hw.raid.no_battery_write_cache").is_some_and(|it| it == "Enabled");
    for volume in &mut card.volumes {
        if let Some(WriteCache::Back | WriteCache::Fallen | WriteCache::Forced) = volume.cache {
            volume.cache = Some(WriteCache::of(true, forced, !off));
        }
    }
    if card.volumes.is_empty() || !cache.contains("not configured") {
        return;
    }
    card.packs.retain(|it| it.state != PackState::Unknown);
}

pub(super) fn volume_fact(card: &mut Card, number: &str, key: &str, value: &str) {
    let volume = card.volume(number);
    match key {
        "Size" => volume.size = text::bytes(value),
        "Fault Tolerance" => value.clone_into(&mut volume.level),
        "Status" => volume_state(card, number, value),
        "Unique Identifier" => volume.unique_id = Some(value.to_lowercase()),
        "Disk Name" => {
            volume.device = value
                .split_whitespace()
                .next()
                .filter(|it| it.starts_with("/dev/"))
                .map(str::to_owned);
        }
        "Caching" => {
            let on = value.eq_ignore_ascii_case("enabled");
            volume.cache = Some(if on { WriteCache::Back } else { WriteCache::Through });
        }
        "Unrecoverable Media Errors" => {
            let lower = value.to_lowercase();
            volume.bad_blocks = Some(!(lower == "none" || lower == "no" || lower == "0"));
        }
        "Parity Initialization Status" => {
            let lower = value.to_lowercase();
            if lower.contains("completed") {
                volume.consistent = Some(true);
            } else if lower.contains("progress") || lower.contains("queued") {
                volume.activity = Some("initialization".to_owned());
                volume.progress = text::percent(value);
            }
        }
        _ => {}
    }
}

pub(super) fn volume_state(card: &mut Card, number: &str, said: &str) {
    let lower = said.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    let state = if has(&[
        "interim recovery",
        "ready for re",
        "wrong",
        "not properly connected",
        "degraded",
    ]) {
        // How many are gone, the drives tell.
        VolumeState::Partial
    } else if has(&["recovering", "rebuild"]) {
        VolumeState::Rebuilding
    } else if has(&["failed", "not available", "overheat", "offline", "lost", "disabled"]) {
        VolumeState::Failed
    } else if has(&["expan", "transform", "erase", "queued", "initializ", "ok"]) {
        VolumeState::Optimal
    } else {
        VolumeState::Unknown
    };
    if state == VolumeState::Unknown {
        card.strange(format!("logical drive {number}: status {said:?} is not known"));
    }
    let volume = card.volume(number);
    volume.state = state;
    said.clone_into(&mut volume.said);
    let task = [
        ("rebuild", "rebuild"),
        ("recovering", "rebuild"),
        ("expan", "migration"),
        ("transform", "migration"),
    ]
    .iter()
    .find(|it| lower.contains(it.0));
    if let Some((_, task)) = task {
        volume.activity = Some((*task).to_owned());
        volume.progress = lower.contains('%').then(|| text::percent(said)).flatten();
    }
}

pub(super) fn drive_state(card: &mut Card, key: &str, said: &str, spare: bool, configured: bool) {
    let lower = said.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    let state = if has(&["predictive", "prefail", "wear"]) {
        DriveState::Predicted
    } else if has(&["rebuild", "recovering"]) {
        DriveState::Rebuilding
    } else if has(&["fail", "bad", "not supported", "overheat"]) {
        if spare || !configured { DriveState::Bad } else { DriveState::Failed }
    } else if has(&["offline", "missing", "not present", "removed"]) {
        DriveState::Offline
    } else if has(&["eras", "transition", "queued", "sanitiz", "locked"]) {
        DriveState::Busy
    } else if has(&["ok", "active"]) {
        match (spare, configured) {
            (true, _) => DriveState::Spare,
            (false, true) => DriveState::Online,
            (false, false) => DriveState::Unconfigured,
        }
    } else {
        DriveState::Unknown
    };
    if state == DriveState::Unknown {
        card.strange(format!("drive {key}: status {said:?} is not known"));
    }
    let drive = card.drive(key);
    // The list of a cage knows less than the list of an array.
    let weaker = state == DriveState::Unconfigured && drive.state != DriveState::Unknown;
    if !weaker {
        drive.is(state, said);
    }
    if state == DriveState::Predicted {
        drive.alert = Some(true);
    }
}

pub(super) fn drive_fact(
    card: &mut Card,
    place: &str,
    key: &str,
    value: &str,
    array: Option<&str>,
) {
    match key {
        "Status" => drive_state(card, place, value, false, array.is_some()),
        "Drive Type" => {
            let lower = value.to_lowercase();
            let now = card.drive(place).state;
            if lower.contains("spare") {
                if let Some(array) = array {
                    super::belongs(card, array, place, true, false);
                } else {
                    card.spares.insert(place.to_owned(), None);
                }
                let state = match now {
                    DriveState::Online | DriveState::Unconfigured => DriveState::Spare,
                    DriveState::Failed | DriveState::Offline => DriveState::Bad,
                    other => other,
                };
                card.drive(place).state = state;
            } else if lower.contains("hba") && now == DriveState::Unconfigured {
                card.drive(place).state = DriveState::Jbod;
            }
        }
        "Serial Number" => {
            let drive = card.drive(place);
            drive.attr("hw.serial_number", Some(value));
            drive.serial = drive.attrs.get("hw.serial_number").cloned();
        }
        "WWID" => {
            let plausible = !value.is_empty() && value.bytes().all(|it| it.is_ascii_hexdigit());
            card.drive(place).wwn = plausible.then(|| format!("0x{}", value.to_lowercase()));
        }
        "Model" => {
            let model = value.split_whitespace().collect::<Vec<_>>().join(" ");
            card.drive(place).attr("hw.model", Some(model.trim_start_matches("ATA ")));
        }
        "Firmware Revision" => card.drive(place).attr("hw.firmware_version", Some(value)),
        "Interface Type" => interface(card, place, value),
        "Size" => card.drive(place).size = text::bytes(value),
        "Current Temperature (C)" => card.drive(place).temperature = text::celsius(value),
        "Disk Name" => {
            card.drive(place).device = value
                .split_whitespace()
                .next()
                .filter(|it| it.starts_with("/dev/"))
                .map(str::to_owned);
        }
        "Last Failure Reason" => card.drive(place).attr("hw.raid.failure_reason", Some(value)),
        _ => {}
    }
}

fn interface(card: &mut Card, place: &str, value: &str) {
    let lower = value.to_lowercase();
    let drive = card.drive(place);
    let bus = ["nvme", "sata", "sas"].iter().find(|it| lower.contains(*it)).copied();
    drive.attr("hw.interface", bus);
    drive.attr(
        "hw.physical_disk.type",
        Some(if lower.contains("solid state") { "ssd" } else { "hdd" }),
    );
}
