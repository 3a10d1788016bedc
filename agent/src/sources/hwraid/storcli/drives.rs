//! Rows and particulars of physical drives.
//!
//! States of StorCLI: Onln, Offln, UGood, UBad, GHS, DHS, Rbld, Cpybck, JBOD, Msng, Failed and their shielded and
//! unsupported forms; StorCLI2 says them in two columns (Conf Online, UConf Good).

use super::{super::unread::GROUP, Card, Drive, DriveState, Map, Value, plain, text};

/// `252:3` of a row; a drive without enclosure is `:3`. None for a gap.
pub(super) fn key_of_row(row: &Map<String, Value>) -> Option<String> {
    let said = row.get("EID:Slt").or_else(|| row.get("EID:Slot")).map(plain)?;
    let (enclosure, slot) = said.split_once(':').unwrap_or(("", &said));
    let (enclosure, slot) = (enclosure.trim().trim_matches('-'), slot.trim().trim_matches('-'));
    (!slot.is_empty() && slot.len() <= 16).then(|| format!("{enclosure}:{slot}"))
}

/// `252:3` of `Drive /c0/e252/s3 - Detailed Information`.
pub(super) fn key_of_path(name: &str) -> Option<String> {
    let path = name.strip_prefix("Drive ")?.split_whitespace().next()?;
    let part = |letter: char| {
        path.split('/')
            .find_map(|it| it.strip_prefix(letter))
            .filter(|it| it.bytes().all(|b| b.is_ascii_digit()))
    };
    Some(format!("{}:{}", part('e').unwrap_or_default(), part('s')?))
}

/// A row of `PD LIST`, or `Drive Information` of StorCLI2.
pub(super) fn row(card: &mut Card, row: &Map<String, Value>) {
    let Some(key) = key_of_row(row) else { return };
    let of = |names: &[&str]| {
        names.iter().find_map(|it| row.get(*it)).map(plain).filter(|it| !it.is_empty())
    };
    let (state, said) = state(of(&["State"]).as_deref(), of(&["Status"]).as_deref());
    let group = of(&["DG"]).unwrap_or_default();
    let known = card.drives.iter().any(|it| it.key == key && it.state != DriveState::Unknown);
    if state == DriveState::Unknown && !known && !said.is_empty() {
        card.strange(format!("drive {key}: state {said:?} is not known"));
    }
    if state == DriveState::Spare {
        // In a group: dedicated to it.
        let only = group.parse::<u32>().ok().map(|it| it.to_string());
        card.spares.insert(key.clone(), only);
    }
    let drive = card.drive(&key);
    let (enclosure, slot) = key.split_once(':').unwrap_or(("", &key));
    drive.enclosure = Some(enclosure.to_owned()).filter(|it| !it.is_empty());
    drive.slot = Some(slot.to_owned());
    if state != DriveState::Unknown || drive.state == DriveState::Unknown {
        drive.is(state, &said);
    }
    if row.contains_key("DG") {
        let number = group.parse::<u32>().map(|it| it.to_string()).unwrap_or_default();
        drive.hints.insert(GROUP, number);
    }
    drive.foreign |= group == "F";
    drive.size = drive.size.or(of(&["Size"]).as_deref().and_then(text::bytes));
    drive.attr("hw.model", of(&["Model"]).as_deref());
    drive.attr("hw.interface", of(&["Intf"]).map(|it| it.to_lowercase()).as_deref());
    drive.attr("hw.physical_disk.type", of(&["Med"]).map(|it| it.to_lowercase()).as_deref());
}

/// State and the tool's word for it.
pub(super) fn state(state: Option<&str>, status: Option<&str>) -> (DriveState, String) {
    let said =
        [state, status].into_iter().flatten().filter(|it| *it != "-").collect::<Vec<_>>().join(" ");
    let word = state.unwrap_or_default().to_lowercase();
    let status = status.map(str::to_lowercase).filter(|it| !it.is_empty() && it != "-");
    // The second generation: configuration and health apart.
    if let Some(status) = status {
        let configured = word.starts_with("conf") || word == "jbod";
        let spare = matches!(word.as_str(), "ghs" | "dhs");
        let found = match status.as_str() {
            "online" | "good" | "optimal" if word == "jbod" => DriveState::Jbod,
            "online" | "good" | "optimal" if spare => DriveState::Spare,
            "online" | "optimal" => DriveState::Online,
            "good" if configured => DriveState::Online,
            "good" => DriveState::Unconfigured,
            "rebuild" | "rebuilding" => DriveState::Rebuilding,
            "copyback" | "replacing" | "replace" => DriveState::Copying,
            "offline" => DriveState::Offline,
            "missing" => DriveState::Missing,
            "failed" if spare || !configured => DriveState::Bad,
            "failed" => DriveState::Failed,
            "bad" if configured => DriveState::Failed,
            "bad" | "unusable" => DriveState::Bad,
            "degraded" => DriveState::Predicted,
            "shielded" | "sanitize" | "erase" | "locked" | "diagnostics" => DriveState::Busy,
            "unsupported" if configured => DriveState::Failed,
            "unsupported" => DriveState::Bad,
            _ => DriveState::Unknown,
        };
        return (found, said);
    }
    let found = match word.as_str() {
        "onln" | "online" | "conf" => DriveState::Online,
        "offln" | "offline" => DriveState::Offline,
        "ugood" | "uconf" | "good" | "ready" => DriveState::Unconfigured,
        "ubad" | "ubunsp" | "ugunsp" | "unsp" | "gdunsp" | "bad" | "ubunspt" => DriveState::Bad,
        "ghs" | "dhs" | "ehs" | "spare" | "hspshld" => DriveState::Spare,
        "rbld" | "rebuild" => DriveState::Rebuilding,
        "cpybck" | "copyback" | "cbshld" | "replac" => DriveState::Copying,
        "jbod" => DriveState::Jbod,
        "msng" | "missing" => DriveState::Missing,
        "failed" | "fail" => DriveState::Failed,
        "ugshld" | "cfshld" | "shld" | "sntze" | "erase" => DriveState::Busy,
        _ => DriveState::Unknown,
    };
    (found, said)
}

/// What only the long form tells.
pub(super) fn particulars(drive: &mut Drive, facts: &[(&str, String)]) {
    let of = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| facts.iter().find(|it| it.0.eq_ignore_ascii_case(name)))
            .map(|it| it.1.as_str())
            .filter(|it| !it.is_empty())
    };
    drive.serial = of(&["SN", "Serial Number"]).map(str::to_owned).or(drive.serial.take());
    let wwn = of(&["WWN"])
        .filter(|it| {
            it.bytes().any(|byte| byte != b'0') && it.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
        .map(|it| format!("0x{}", it.to_lowercase()));
    drive.wwn = wwn.or(drive.wwn.take());
    drive.attr("hw.vendor", of(&["Manufacturer Id", "Vendor"]));
    drive.attr("hw.model", of(&["Model Number", "Model"]));
    drive.attr("hw.firmware_version", of(&["Firmware Revision", "Firmware Revision Level"]));
    drive.media_errors = of(&["Media Error Count"]).and_then(text::count).or(drive.media_errors);
    drive.other_errors = of(&["Other Error Count"]).and_then(text::count).or(drive.other_errors);
    drive.predictive = of(&["Predictive Failure Count"]).and_then(text::count).or(drive.predictive);
    drive.alert = of(&[
        "S.M.A.R.T alert flagged by drive",
        "SMART Alert Flagged",
        "S.M.A.R.T. alert flagged by drive",
    ])
    .and_then(text::truth)
    .or(drive.alert);
    drive.temperature =
        of(&["Drive Temperature", "Temperature(C)"]).and_then(text::celsius).or(drive.temperature);
    drive.device = of(&["OS Drive Name"])
        .filter(|it| it.starts_with("/dev/"))
        .map(str::to_owned)
        .or(drive.device.take());
}

/// Rows of `show rebuild`: `{"Drive-ID": "/c0/e252/s4", "Progress%": 37, "Status": "In progress"}`.
pub(super) fn rebuild(card: &mut Card, row: &Map<String, Value>) {
    let Some(done) = row.get("Progress%").map(plain) else { return };
    let id = row.get("Drive-ID").map(plain).unwrap_or_default();
    let key = key_of_path(&format!("Drive {id}")).or_else(|| key_of_row(row));
    if let (Some(key), Some(done)) = (key, text::percent(&done)) {
        card.drive(&key).progress = Some(done);
    }
}
