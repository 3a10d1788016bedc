//! `Key: Value` lines of controllers, volumes, drives and batteries, and what the inquiry data hold.

use super::{Card, Drive, DriveState, POSITION, Pack, PackState, VolumeState, WriteCache, m, text};
pub(super) fn volume_fact(card: &mut Card, number: &str, key: &str, value: &str) {
    let volume = card.volume(number);
    match key {
        "Name" => volume.name = Some(value.to_owned()).filter(|it| !it.is_empty()),
        "RAID Level" => value.clone_into(&mut volume.level),
        "Size" => volume.size = text::bytes(value),
        "State" => {
            value.clone_into(&mut volume.said);
            let lower = value.to_lowercase();
            volume.state = match lower.as_str() {
                "optimal" => VolumeState::Optimal,
                "partially degraded" => VolumeState::Partial,
                "degraded" => VolumeState::Degraded,
                "offline" | "failed" | "missing" => VolumeState::Failed,
                "recovery" | "rebuilding" => VolumeState::Rebuilding,
                _ => VolumeState::Unknown,
            };
            if volume.state == VolumeState::Unknown {
                card.strange(format!("virtual drive {number}: state {value:?} is not known"));
            }
        }
        "Number Of Drives" | "Number Of Drives per span" | "Number of Drives per span" => {
            volume.width = text::number(value)
                .and_then(whole)
                .and_then(|it| it.checked_mul(volume.legs.unwrap_or(1)));
        }
        "Span Depth" => {
            volume.legs = text::number(value).and_then(whole);
            volume.width = volume.width.and_then(|it| it.checked_mul(volume.legs.unwrap_or(1)));
        }
        "Current Cache Policy" | "Default Cache Policy" => {
            let lower = value.to_lowercase();
            let back = lower.contains("writeback");
            let forced = lower.contains("write cache ok if bad bbu");
            volume.cache = match (key.starts_with("Current"), volume.cache) {
                (true, Some(wanted)) => {
                    let wants = matches!(wanted, WriteCache::Back | WriteCache::Forced);
                    Some(WriteCache::of(wants, forced, back))
                }
                _ => Some(WriteCache::of(back, forced, back)),
            };
        }
        "Bad Blocks Exist" => volume.bad_blocks = text::truth(value),
        "Check Consistency"
        | "Rebuild"
        | "Background Initialization"
        | "Reconstruction"
        | "Foreground Initialization" => {
            volume.activity = Some(
                match key {
                    "Check Consistency" => "consistency_check",
                    "Rebuild" => "rebuild",
                    "Reconstruction" => "migration",
                    _ => "initialization",
                }
                .to_owned(),
            );
            volume.progress = text::percent(value);
        }
        _ => {}
    }
}

fn whole(value: f64) -> Option<u32> {
    let small = (0.0..=1024.0).contains(&value);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1024"
    )]
    small.then_some(value as u32)
}

pub(super) fn drive_fact(card: &mut Card, place: &str, key: &str, value: &str) {
    if key == "Firmware state" {
        return drive_state(card, place, value);
    }
    let drive = card.drive(place);
    match key {
        "Drive's postion" | "Drive's position" => {
            drive.hints.insert(POSITION, value.to_owned());
        }
        "WWN" => {
            let plausible = value.len() >= 16 && value.bytes().all(|it| it.is_ascii_hexdigit());
            drive.wwn = plausible.then(|| format!("0x{}", value.to_lowercase()));
        }
        "Media Error Count" => drive.media_errors = text::count(value),
        "Other Error Count" => drive.other_errors = text::count(value),
        "Predictive Failure Count" => drive.predictive = text::count(value),
        "Raw Size" => drive.size = text::bytes(value),
        "PD Type" => drive.attr("hw.interface", Some(&value.to_lowercase())),
        "Media Type" => {
            let solid = value.to_lowercase().contains("solid");
            drive.attr("hw.physical_disk.type", Some(if solid { "ssd" } else { "hdd" }));
        }
        "Device Firmware Level" => drive.attr("hw.firmware_version", Some(value)),
        "Foreign State" => drive.foreign = value.to_lowercase().starts_with("foreign"),
        "Drive Temperature" => drive.temperature = text::celsius(value),
        "Drive has flagged a S.M.A.R.T alert" => drive.alert = text::truth(value),
        _ => {}
    }
}

fn drive_state(card: &mut Card, place: &str, said: &str) {
    let lower = said.to_lowercase();
    let word = lower.split(',').next().unwrap_or_default().trim().to_owned();
    let state = match word.as_str() {
        "online" => DriveState::Online,
        "hotspare" | "hot spare" => DriveState::Spare,
        "unconfigured(good)" => DriveState::Unconfigured,
        "unconfigured(bad)" => DriveState::Bad,
        "rebuild" => DriveState::Rebuilding,
        "copyback" => DriveState::Copying,
        "failed" => DriveState::Failed,
        "offline" => DriveState::Offline,
        "missing" => DriveState::Missing,
        "jbod" => DriveState::Jbod,
        "shielded" | "diagnose" | "erase" => DriveState::Busy,
        _ => DriveState::Unknown,
    };
    if state == DriveState::Unknown {
        card.strange(format!("drive {place}: state {said:?} is not known"));
    }
    if state == DriveState::Spare {
        card.spares.insert(place.to_owned(), None);
        for volume in &mut card.volumes {
            volume.places.retain(|it| it.drive.as_deref() != Some(place));
            if !volume.spares.iter().any(|it| it == place) {
                volume.spares.push(place.to_owned());
            }
        }
    }
    card.drive(place).is(state, said);
}

/// Serial number and model out of the inquiry data.
pub(super) fn identify(drive: &mut Drive, inquiry: &str) {
    let field = |from: usize, count: usize| -> String {
        inquiry.chars().skip(from).take(count).collect::<String>().trim().to_owned()
    };
    let length = inquiry.trim_end().chars().count();
    let sata = drive.attrs.get("hw.interface").map_or(length > 56, |it| it == "sata");
    if !sata {
        drive.attr("hw.vendor", Some(&field(0, 8)));
        drive.attr("hw.model", Some(&field(8, 16)));
        drive.serial = Some(field(28, 20).split_whitespace().next().unwrap_or_default().to_owned());
        return;
    }
    let serial = field(0, 20);
    if length > 56 && !serial.contains(' ') {
        drive.attr("hw.model", Some(&field(20, 40)));
        drive.serial = Some(serial);
        return;
    }
    // Blanks were lost on the way: serial number and model run into each other where the first was long.
    const MAKERS: [&str; 6] = ["WDC", "Hitachi", "HITACHI", "TOSHIBA", "SAMSUNG", "INTEL"];
    let mut words = inquiry.split_whitespace();
    let first = words.next().unwrap_or_default();
    let maker = MAKERS
        .iter()
        .find_map(|it| Some((first.strip_suffix(it)?, *it)))
        .filter(|it| it.0.len() >= 6);
    let (serial, maker) = maker.unwrap_or((first, ""));
    let model: Vec<&str> =
        [maker].into_iter().filter(|it| !it.is_empty()).chain(words).take(2).collect();
    drive.attr("hw.model", Some(&model.join(" ")));
    drive.serial = Some(serial.to_owned());
}

pub(super) fn battery_fact(card: &mut Card, key: &str, value: &str) {
    if card.packs.is_empty() {
        card.packs.push(Pack::default());
    }
    let pack = &mut card.packs[0];
    let yes = text::truth(value) == Some(true);
    let worse = |pack: &mut Pack, state: PackState, said: &str| {
        let learning = pack.state == PackState::Learning;
        if !learning || state == PackState::Learning {
            pack.state = state;
        }
        if pack.said.is_empty() {
            said.clone_into(&mut pack.said)
        } else {
            pack.said = format!("{}, {said}", pack.said)
        }
    };
    match key {
        "BatteryType" => pack.model = Some(value.to_owned()),
        "Temperature" if text::celsius(value).is_some() => pack.temperature = text::celsius(value),
        "Relative State of Charge" => pack.charge = text::percent(value),
        "Battery State" if !value.is_empty() => worse(pack, text::pack(value), value),
        "Learn Cycle Active" if yes => worse(pack, PackState::Learning, "learn cycle active"),
        "Battery Pack Missing" if yes => worse(pack, PackState::Missing, "pack missing"),
        "Battery Replacement required" if yes => {
            worse(pack, PackState::Failed, "replacement required")
        }
        "Pack is about to fail & should be replaced" if yes => {
            worse(pack, PackState::Degraded, "about to fail")
        }
        "Remaining Capacity Low" if yes => {
            worse(pack, PackState::Degraded, "remaining capacity low")
        }
        "isSOHGood" if text::truth(value) == Some(false) => {
            worse(pack, PackState::Degraded, "state of health is bad")
        }
        // Old versions have no other word for good.
        "isSOHGood" if pack.state == PackState::Unknown => {
            worse(pack, PackState::Good, "state of health is good")
        }
        "Charger Status" if pack.state == PackState::Unknown => worse(pack, PackState::Good, value),
        _ => {}
    }
}

pub(super) fn controller_fact(card: &mut Card, key: &str, value: &str) {
    match key {
        "Product Name" => card.attr("hw.model", Some(value)),
        "Serial No" => {
            card.attr("hw.serial_number", Some(value));
            card.serial = card.attrs.get("hw.serial_number").cloned();
        }
        "FW Package Build" => card.attr("hw.firmware_version", Some(value)),
        "Memory Correctable Errors" => {
            card.number(
                &m::MEMORY_ERRORS,
                vec![("hw.error.type", "corrected".to_owned())],
                text::count(value),
            );
        }
        "Memory Uncorrectable Errors" => {
            card.number(
                &m::MEMORY_ERRORS,
                vec![("hw.error.type", "uncorrected".to_owned())],
                text::count(value),
            );
        }
        "ROC temperature" => {
            card.number(
                &m::TEMPERATURE,
                vec![("hw.sensor_location", "roc".to_owned())],
                text::celsius(value),
            );
        }
        "Any Offline VD Cache Preserved" => {
            if let Some(kept) = text::truth(value) {
                card.word(&m::PRESERVED, if kept { "yes" } else { "no" });
            }
        }
        _ => {}
    }
}
