//! LSI Fusion-MPT HBAs with integrated RAID: `sas2ircu` and `sas3ircu`, `LIST` and `n DISPLAY`.
//!
//! Facts: SAS-3 integrated RAID configuration utility user guide. Volumes: Okay, Degraded, Rebuilding, Inactive,
//! Failed, Missing, Initializing. Devices: Optimal, Ready, Standby, Hot Spare, Degraded, Rebuilding, Failed, Missing,
//! Offline, Out of Sync, Available.

use xunjian_proto::Reason;

use super::{
    emit::drive_name,
    model::{Card, Drive, DriveState, Enclosure, Place, VolumeState, card},
    text,
};

/// Whether a text is an answer of these tools.
pub(super) fn is_answer(text: &str) -> bool {
    text.contains("IR Configuration Utility")
        || text.contains("IR Volume information")
        || text.contains("Physical device information\n----")
}

/// Numbers of the controllers that `LIST` names: `     0     SAS3008      1000h    97h   00h:01h:00h:00h …`.
pub(super) fn controllers(list: &str) -> Vec<String> {
    let number = |line: &str| {
        let mut words = line.split_whitespace();
        let index = words.next()?;
        let is_row = index.len() <= 2 && index.bytes().all(|it| it.is_ascii_digit());
        let ids = line.matches("h ").count() >= 2 || line.matches('h').count() >= 4;
        (is_row && ids && words.next().is_some()).then(|| index.to_owned())
    };
    list.lines().filter_map(number).take(16).collect()
}

/// Takes in the answer to `n DISPLAY`. The error is for an answer that says nothing of the controller.
pub(super) fn read(
    answer: &str,
    index: &str,
    cards: &mut Vec<Card>,
) -> Result<(), (Reason, String)> {
    if !answer.contains("Controller information") && !answer.contains("device information") {
        let said = answer
            .lines()
            .map(str::trim)
            .find(|it| it.contains("rror") || it.contains("not found") || it.contains("No "));
        let start: String = answer.trim().chars().take(60).collect();
        return Err(match said {
            Some(said) => (Reason::ToolFailed, said.to_owned()),
            None => (Reason::Unparsable, format!("no controller in {start:?}")),
        });
    }
    let card = card(cards, index);
    let (mut volume, mut drive, mut disk): (Option<String>, Option<Drive>, bool) =
        (None, None, false);
    let mut enclosure = None;
    for line in answer.lines() {
        let trimmed = line.trim();
        let lower = trimmed.to_lowercase();
        if let Some(number) =
            lower.strip_prefix("ir volume ").filter(|it| it.bytes().all(|b| b.is_ascii_digit()))
        {
            volume = Some(number.to_owned());
            card.volume(number);
        } else if lower.starts_with("device is a") {
            finish(card, drive.take());
            disk = lower.contains("hard disk") || lower.contains("ssd") || lower.contains("solid");
            drive = disk.then(Drive::default);
        } else if lower == "physical device information" || lower == "enclosure information" {
            finish(card, drive.take());
            (volume, disk) = (None, false);
            enclosure = (lower == "enclosure information").then(String::new);
        } else if let Some((key, value)) = text::pair(trimmed) {
            if let Some(number) = &volume {
                volume_fact(card, number, key, value);
            } else if let (true, Some(drive)) = (disk, drive.as_mut()) {
                drive_fact(card, drive, key, value);
            } else if let Some(number) = enclosure.as_mut() {
                enclosure_fact(card, number, key, value);
            } else {
                controller_fact(card, key, value);
            }
        }
    }
    finish(card, drive);
    Ok(())
}

fn controller_fact(card: &mut Card, key: &str, value: &str) {
    match key {
        "Controller type" => card.attr("hw.model", Some(value)),
        "Firmware version" => card.attr("hw.firmware_version", Some(value)),
        "BIOS version" => card.attr("hw.bios_version", Some(value)),
        _ => {}
    }
}

fn enclosure_fact(card: &mut Card, number: &mut String, key: &str, value: &str) {
    match key {
        "Enclosure#" | "Enclosure #" => value.clone_into(number),
        // The HBA has no serial number: its own end of the backplane is what does not change.
        "Logical ID" if card.serial.is_none() => {
            let id: String = value.chars().filter(char::is_ascii_hexdigit).collect();
            card.serial =
                Some(id).filter(|it| it.len() >= 8 && it.bytes().any(|byte| byte != b'0'));
        }
        "Numslots" if !number.is_empty() => {
            let index = std::mem::take(number);
            card.enclosures.push(Enclosure { index, name: None, good: None, said: String::new() });
        }
        _ => {}
    }
}

fn volume_fact(card: &mut Card, number: &str, key: &str, value: &str) {
    if key.starts_with("PHY[") {
        let place = value.replace(' ', "");
        let known = place.split_once(':').is_some_and(|(enclosure, slot)| {
            // `0:0` stands for a drive that is gone.
            !slot.is_empty() && (enclosure, slot) != ("0", "0")
        });
        let name = if known { drive_name(&place) } else { "missing drive".to_owned() };
        let drive = known.then_some(place);
        card.volume(number).places.push(Place { drive, name, state: None });
        return;
    }
    if key == "Status of volume" {
        let lower = value.to_lowercase();
        let word = lower.split('(').next().unwrap_or_default().trim().to_owned();
        let state = match word.as_str() {
            "okay" | "optimal" | "ok" | "initializing" | "online" => VolumeState::Optimal,
            "degraded" => VolumeState::Partial,
            "rebuilding" | "resyncing" => VolumeState::Rebuilding,
            "inactive" | "failed" | "missing" | "offline" => VolumeState::Failed,
            _ => VolumeState::Unknown,
        };
        if state == VolumeState::Unknown {
            card.strange(format!("volume {number}: status {value:?} is not known"));
        }
        let volume = card.volume(number);
        volume.state = state;
        return value.clone_into(&mut volume.said);
    }
    let volume = card.volume(number);
    match key {
        "Volume Name" => volume.name = Some(value.to_owned()).filter(|it| !it.is_empty()),
        "RAID level" => value.clone_into(&mut volume.level),
        "Size (in MB)" => volume.size = text::number(value).map(|it| it * 1024.0 * 1024.0),
        "Volume wwid" => volume.unique_id = Some(value.to_lowercase()),
        _ => {}
    }
}

fn drive_fact(card: &mut Card, drive: &mut Drive, key: &str, value: &str) {
    match key {
        "Enclosure #" => drive.enclosure = Some(value.to_owned()),
        "Slot #" => drive.slot = Some(value.to_owned()),
        "State" => {
            let lower = value.to_lowercase();
            let word = lower.split('(').next().unwrap_or_default().trim().to_owned();
            let state = match word.as_str() {
                "optimal" | "online" => DriveState::Online,
                "ready" | "available" => DriveState::Unconfigured,
                "hot spare" | "standby" => DriveState::Spare,
                "rebuilding" | "out of sync" | "degraded" => DriveState::Rebuilding,
                "failed" => DriveState::Failed,
                "missing" => DriveState::Missing,
                "offline" => DriveState::Offline,
                _ => DriveState::Unknown,
            };
            if state == DriveState::Unknown {
                card.strange(format!("device state {value:?} is not known"));
            }
            drive.is(state, value);
        }
        "Size (in MB)/(in sectors)" => {
            drive.size = text::number(value).map(|it| it * 1024.0 * 1024.0)
        }
        "Manufacturer" if !value.eq_ignore_ascii_case("ata") => {
            drive.attr("hw.vendor", Some(value))
        }
        "Model Number" => drive.attr("hw.model", Some(value)),
        "Firmware Revision" => drive.attr("hw.firmware_version", Some(value)),
        // The unit's own number is what smartctl sees too.
        "Unit Serial No(VPD)" => {
            drive.serial =
                Some(value.to_owned()).filter(|it| !it.is_empty()).or(drive.serial.take())
        }
        "Serial No" if drive.serial.is_none() => {
            drive.serial = Some(value.to_owned()).filter(|it| !it.is_empty())
        }
        "GUID" if value.bytes().all(|it| it.is_ascii_hexdigit()) && value.len() >= 16 => {
            drive.wwn = Some(format!("0x{}", value.to_lowercase()));
        }
        "Protocol" => drive.attr("hw.interface", Some(&value.to_lowercase())),
        "Drive Type" => {
            let solid = value.to_lowercase().contains("ssd");
            drive.attr("hw.physical_disk.type", Some(if solid { "ssd" } else { "hdd" }));
        }
        _ => {}
    }
}

fn finish(card: &mut Card, drive: Option<Drive>) {
    let Some(mut drive) = drive else { return };
    let (Some(enclosure), Some(slot)) = (&drive.enclosure, &drive.slot) else { return };
    let mut key = format!("{enclosure}:{slot}");
    if key == "0:0" && card.drives.iter().any(|it| it.key == key) {
        key = format!("0:0 {}", card.drives.len());
    }
    drive.key.clone_from(&key);
    if drive.state == DriveState::Spare {
        card.spares.insert(key.clone(), None);
        for volume in &mut card.volumes {
            volume.spares.push(key.clone());
        }
    }
    match card.drives.iter_mut().find(|it| it.key == key) {
        Some(known) => *known = drive,
        None => card.drives.push(drive),
    }
}
