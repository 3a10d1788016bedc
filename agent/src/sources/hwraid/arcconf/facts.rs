//! `Key : Value` lines of controllers, logical and physical devices, and the words of their states.

use xunjian_proto::MemberState;

use super::{CHANNEL, Card, DriveState, Pack, PackState, Place, VolumeState, WriteCache, m, text};

pub(super) fn controller_fact(card: &mut Card, key: &str, value: &str) {
    match key {
        "Controller Status" => card.status = Some(value.to_owned()),
        "Controller Model" => card.attr("hw.model", Some(value)),
        "Controller Serial Number" => {
            card.attr("hw.serial_number", Some(value));
            card.serial = card.attrs.get("hw.serial_number").cloned();
        }
        "Controller World Wide Name" if card.serial.is_none() => {
            card.serial = Some(value.to_owned())
        }
        "Controller Mode" if value.to_lowercase().contains("hba") => {
            card.word(&m::CONFIGURATION, "hba")
        }
        "Temperature" => {
            card.number(
                &m::TEMPERATURE,
                vec![("hw.sensor_location", "controller".to_owned())],
                text::celsius(value),
            );
            let word =
                value.split('(').nth(1).unwrap_or_default().trim_end_matches(')').to_lowercase();
            if !word.is_empty()
                && !word.contains("normal")
                && card.status.as_deref().map(text::status) == Some("optimal")
            {
                card.status = Some(format!("Needs attention (temperature {word})"));
            }
        }
        "Background consistency check" | "Data scrubbing" | "Consistency Check" => {
            let on = text::truth(value).unwrap_or(false) || value.to_lowercase().contains("idle");
            card.word(&m::CHECK, if on { "scheduled" } else { "off" });
        }
        _ => {}
    }
}

pub(super) fn battery_fact(card: &mut Card, key: &str, value: &str) {
    if card.packs.is_empty() {
        card.packs.push(Pack::default());
    }
    let pack = &mut card.packs[0];
    match key {
        "Status"
        | "Overall Backup Unit Status"
        | "ZMM Status"
        | "Supercap Status"
        | "Battery Status" => {
            let state = text::pack(value);
            // Of several the worst: an overall status leads, its parts may be worse.
            let good = |it| matches!(it, PackState::Good | PackState::Unknown);
            if pack.said.is_empty() || good(pack.state) {
                (pack.state, pack.said) = (state, value.to_owned());
            }
        }
        "Backup Unit Type" | "Type" => pack.model = Some(value.to_owned()),
        "Current Temperature" => pack.temperature = text::celsius(value),
        "Charge Level" | "Capacity remaining" => pack.charge = text::percent(value),
        "Over temperature" if text::truth(value) == Some(true) => {
            (pack.state, pack.said) = (PackState::Degraded, "over temperature".to_owned());
        }
        _ => {}
    }
}

pub(super) fn volume_fact(card: &mut Card, number: &str, key: &str, value: &str) {
    let lower_key = key.to_lowercase();
    if lower_key.starts_with("status of logical d") {
        return volume_state(card, number, value);
    }
    let volume = card.volume(number);
    match lower_key.as_str() {
        "logical device name" | "logical drive name" => {
            volume.name = Some(value.to_owned()).filter(|it| !it.is_empty())
        }
        "raid level" => value.clone_into(&mut volume.level),
        "size" => volume.size = text::bytes(value),
        "unique identifier" | "volume unique identifier" => {
            volume.unique_id = Some(value.to_lowercase())
        }
        "disk name" => {
            volume.device = value
                .split_whitespace()
                .next()
                .filter(|it| it.starts_with("/dev/"))
                .map(str::to_owned);
        }
        "write-cache setting" | "write-cache mode" | "caching" => {
            let lower = value.to_lowercase();
            let on = lower.contains("enabled")
                || lower.starts_with("on")
                || lower.contains("write-back");
            let forced = on && !lower.contains("protected") && lower.contains("always");
            volume.cache = Some(WriteCache::of(on, forced, on));
        }
        "write-cache status" => {
            let on = text::truth(value).unwrap_or(true);
            let wants = matches!(volume.cache, Some(WriteCache::Back | WriteCache::Forced));
            volume.cache =
                Some(WriteCache::of(wants, volume.cache == Some(WriteCache::Forced), on));
        }
        "failed stripes" | "defunct stripes" | "defunct segments" => {
            volume.bad_blocks = text::truth(value)
        }
        "number of segments" => volume.width = value.parse().ok().filter(|it| *it <= 512),
        "dedicated hot-spare" => {
            volume.spares = value.split_whitespace().map(|it| format!("place {it}")).collect()
        }
        "drive(s) (channel,device)" => {
            let place = |it: &str| Place {
                drive: Some(format!("place {it}")),
                name: it.to_owned(),
                state: None,
            };
            volume.places = value.split_whitespace().map(place).collect();
        }
        _ => {}
    }
}

fn volume_state(card: &mut Card, number: &str, said: &str) {
    let lower = said.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    let state = if has(&["offline", "failed", "dead", "not available"]) && !has(&["tolerant"]) {
        VolumeState::Failed
    } else if has(&["rebuild", "recovering"]) {
        VolumeState::Rebuilding
    } else if has(&["degraded", "critical", "suboptimal", "interim", "ready for re", "impacted"]) {
        // How many are gone, the segments tell.
        VolumeState::Partial
    } else if has(&[
        "optimal",
        "okay",
        "ok",
        "initializ",
        "building",
        "verify",
        "morph",
        "reconfigur",
        "expan",
    ]) {
        VolumeState::Optimal
    } else {
        VolumeState::Unknown
    };
    if state == VolumeState::Unknown {
        card.strange(format!("logical device {number}: status {said:?} is not known"));
    }
    let volume = card.volume(number);
    volume.state = state;
    said.clone_into(&mut volume.said);
}

/// `Group 0, Segment 1 : Present (457862MB, SATA, SSD, Connector:0, Device:1) 7CS009RQ`.
pub(super) fn segment(card: &mut Card, number: &str, key: &str, value: &str) {
    if !key.to_lowercase().contains("segment") {
        return volume_fact(card, number, key, value);
    }
    let lower = value.to_lowercase();
    let (head, tail) = value.rsplit_once(')').unwrap_or((value, ""));
    let serial = tail.trim();
    let state = if lower.starts_with("present") {
        None
    } else if lower.starts_with("rebuild") {
        Some(MemberState::Rebuilding)
    } else if lower.starts_with("missing") || lower.starts_with("not present") {
        Some(MemberState::Missing)
    } else {
        Some(MemberState::Failed) // inconsistent, failed, defunct
    };
    let place = head.split_once('(').map_or("", |it| it.1).to_owned();
    let drive = match serial.is_empty() {
        true => channel(&place).map(|it| format!("place {it}")),
        false => Some(format!("serial {serial}")),
    };
    let name = if serial.is_empty() { key.to_owned() } else { serial.to_owned() };
    let legs = key
        .split(',')
        .next()
        .and_then(|it| it.trim().strip_prefix("Group "))
        .and_then(|it| it.parse::<u32>().ok());
    let volume = card.volume(number);
    volume.places.push(Place { drive, name, state: state.or(Some(MemberState::Active)) });
    if let Some(leg) = legs {
        volume.legs = Some(volume.legs.unwrap_or(0).max(leg.saturating_add(1).min(64)));
    }
}

/// `0,5` of `0,5` or `Controller:1,Enclosure:0,Slot:22`; none for others.
fn channel(place: &str) -> Option<String> {
    let plain = place
        .split_once(',')
        .is_some_and(|(a, b)| a.trim().parse::<u32>().is_ok() && b.trim().parse::<u32>().is_ok());
    plain.then(|| place.split_whitespace().collect())
}

pub(super) fn drive_fact(card: &mut Card, place: &str, key: &str, value: &str) {
    if key == "State" {
        return drive_state(card, place, value);
    }
    let drive = card.drive(place);
    match key {
        "Serial number" | "Serial Number" => {
            drive.attr("hw.serial_number", Some(value));
            drive.serial = drive.attrs.get("hw.serial_number").cloned();
        }
        "World-wide name" | "World-wide Name" | "Unique Device ID" if value.len() >= 16 => {
            drive.wwn = Some(format!("0x{}", value.trim_start_matches("0x").to_lowercase()));
        }
        "Vendor" => drive.attr("hw.vendor", Some(value)),
        "Model" => {
            // Old versions cut the model in two: vendor `ST310003`, model `40NS`.
            let vendor = drive.attrs.get("hw.vendor").cloned().unwrap_or_default();
            let cut = vendor.len() == 8 && vendor.bytes().any(|it| it.is_ascii_digit());
            let model = if cut { format!("{vendor}{value}") } else { value.to_owned() };
            drive.attr("hw.model", Some(&model));
        }
        "Firmware" => drive.attr("hw.firmware_version", Some(value)),
        "Reported Channel,Device" | "Reported Channel,Device(T:L)" => {
            drive.hints.insert(CHANNEL, value.split('(').next().unwrap_or(value).trim().to_owned());
        }
        "Reported Location" => {
            let mut parts = value.split([',', '(']);
            drive.enclosure =
                parts.next().map(|it| it.trim().trim_start_matches("Enclosure ").to_owned());
            drive.slot = parts.next().map(|it| {
                it.trim().trim_start_matches("Slot ").trim_start_matches("Device ").to_owned()
            });
        }
        "Total Size" | "Size" => drive.size = text::bytes(value),
        "SSD" => drive.attr(
            "hw.physical_disk.type",
            Some(if text::truth(value) == Some(true) { "ssd" } else { "hdd" }),
        ),
        "Transfer Speed" => {
            let bus =
                ["nvme", "sata", "sas"].into_iter().find(|it| value.to_lowercase().contains(it));
            drive.attr("hw.interface", bus);
        }
        "S.M.A.R.T. warnings" => drive.predictive = text::count(value),
        "PFA" | "S.M.A.R.T." => drive.alert = text::truth(value).or(drive.alert),
        "Medium Error Count" | "Media Failures" => drive.media_errors = text::count(value),
        "Aborted Commands" | "Link Failures" => drive.other_errors = text::count(value),
        "Temperature" | "Current Temperature" => drive.temperature = text::celsius(value),
        "Disk Name" => {
            drive.device = value
                .split_whitespace()
                .next()
                .filter(|it| it.starts_with("/dev/"))
                .map(str::to_owned);
        }
        _ => {}
    }
}

fn drive_state(card: &mut Card, place: &str, said: &str) {
    let lower = said.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    let state = if has(&["hot-spare", "hot spare", "hotspare", "standby spare"]) {
        if has(&["fail"]) { DriveState::Bad } else { DriveState::Spare }
    } else if has(&["rebuild"]) {
        DriveState::Rebuilding
    } else if has(&["predictive", "prefail"]) {
        DriveState::Predicted
    } else if has(&["failed", "defunct", "dead", "inconsistent", "bad"]) {
        DriveState::Failed
    } else if has(&["offline"]) {
        DriveState::Offline
    } else if has(&["missing"]) {
        DriveState::Missing
    } else if has(&["ready", "raw", "unused", "available"]) {
        DriveState::Unconfigured
    } else if has(&["jbod", "hba", "simple volume", "pass through", "pass-through", "exposed"]) {
        DriveState::Jbod
    } else if has(&["online", "optimal", "present"]) {
        DriveState::Online
    } else if has(&["eras", "sanitiz", "format", "initializ"]) {
        DriveState::Busy
    } else {
        DriveState::Unknown
    };
    if state == DriveState::Unknown {
        card.strange(format!("device {place}: state {said:?} is not known"));
    }
    if state == DriveState::Spare {
        let of = lower.split("logical device").nth(1).map(|it| it.trim().to_owned());
        card.spares.insert(place.to_owned(), of);
    }
    card.drive(place).is(state, said);
}

pub(super) fn enclosure_fact(card: &mut Card, index: usize, key: &str, value: &str) {
    let Some(enclosure) = card.enclosures.get_mut(index) else { return };
    let lower = value.to_lowercase();
    let is_part = ["fan", "power supply", "temperature", "speaker"]
        .iter()
        .any(|it| key.to_lowercase().starts_with(it));
    if key == "Model" {
        enclosure.name = Some(value.to_owned());
    }
    if !is_part || key.to_lowercase().starts_with("speaker") {
        return;
    }
    let word = lower.split('(').nth(1).map_or(lower.as_str(), |it| it.trim_end_matches(')'));
    let fine =
        ["normal", "optimal", "ok", "not installed", "not available", "unknown", "off", "on"];
    let good = fine.iter().any(|it| word.starts_with(it));
    enclosure.good = Some(enclosure.good.unwrap_or(true) && good);
    if !good {
        enclosure.said = format!("{key}: {value}");
    }
}
