//! Rows and particulars of virtual drives, and the drive groups that hold them.
//!
//! States: Optl, Pdgd (partially degraded: it survives another loss somewhere), Dgrd (nothing more is survived), OfLn,
//! Rec (recovering). Caches: `RWBD` is read ahead, write back, direct; `AWB` writes back even with a bad battery.

use super::{
    super::emit::drive_name, Card, DriveState, Map, MemberState, Place, Value, VolumeState,
    WriteCache, drives, plain, text,
};

/// `{"DG/VD": "0/1", "TYPE": "RAID6", "State": "Optl", …}`.
pub(super) fn row(card: &mut Card, row: &Map<String, Value>) {
    let of = |names: &[&str]| {
        names.iter().find_map(|it| row.get(*it)).map(plain).filter(|it| !it.is_empty())
    };
    let id = of(&["DG/VD"]).unwrap_or_default();
    let (group, number) = id.split_once('/').unwrap_or(("", &id));
    let (group, number) = (group.trim().to_owned(), number.trim());
    if number.is_empty() || number.len() > 8 {
        return card.strange(format!("virtual drive {id:?}: no number"));
    }
    let said = of(&["State"]).unwrap_or_default();
    let state = match said.to_lowercase().as_str() {
        "optl" | "optimal" => VolumeState::Optimal,
        "pdgd" | "partially degraded" => VolumeState::Partial,
        "dgrd" | "degraded" => VolumeState::Degraded,
        "ofln" | "offline" | "failed" | "msng" => VolumeState::Failed,
        "rec" | "recovery" | "rbld" | "rebuild" => VolumeState::Rebuilding,
        _ => VolumeState::Unknown,
    };
    if state == VolumeState::Unknown {
        card.strange(format!("virtual drive {id}: state {said:?} is not known"));
    }
    let volume = card.volume(number);
    volume.group = Some(group).filter(|it| !it.is_empty());
    volume.state = state;
    volume.said = said;
    volume.level = of(&["TYPE", "Type"]).unwrap_or_default();
    volume.size = of(&["Size"]).as_deref().and_then(text::bytes);
    volume.name = of(&["Name"]).or(volume.name.take());
    volume.target = number.parse().ok();
    volume.consistent = of(&["Consist"]).as_deref().and_then(text::truth);
    let now = of(&["Cache", "CurrentCache"]).as_deref().and_then(cache);
    let wanted = of(&["DefaultCache"]).as_deref().and_then(cache);
    if let Some((back, forced)) = now {
        let (wants, forces) = wanted.unwrap_or((back, forced));
        volume.cache = Some(WriteCache::of(wants, forced || forces, back));
    }
    if row.get("Access").map(plain).is_some_and(|it| it == "BLKD" || it == "Blocked") {
        volume.state = VolumeState::Failed;
        volume.said.push_str(", access blocked");
    }
}

/// Whether writes are held back, and whether even with a bad battery.
fn cache(text: &str) -> Option<(bool, bool)> {
    let text = text.to_uppercase().replace([',', ' '], "");
    let rest = text.strip_prefix("NR").or_else(|| text.strip_prefix('R')).unwrap_or(&text);
    if rest.starts_with("AWB") || rest.starts_with("FWB") {
        Some((true, true))
    } else if rest.starts_with("WB") {
        Some((true, false))
    } else {
        rest.starts_with("WT").then_some((false, false))
    }
}

/// An entry of StorCLI2's `Virtual Drives`.
pub(super) fn entry(card: &mut Card, info: &Value, more: &Value, whole: &Map<String, Value>) {
    let (Some(info), Some(more)) = (info.as_object(), more.as_object()) else { return };
    row(card, info);
    let id = info.get("DG/VD").map(plain).unwrap_or_default();
    let number = id.rsplit('/').next().unwrap_or_default().trim().to_owned();
    if number.is_empty() {
        return;
    }
    particulars(card, &number, more);
    if let Some(rows) = whole.get("PDs") {
        members(card, &number, rows);
    }
}

/// The number in `VD0 Properties`.
pub(super) fn number_of_properties(name: &str) -> Option<String> {
    let number = name.strip_prefix("VD")?.strip_suffix("Properties")?.trim();
    (!number.is_empty() && number.bytes().all(|it| it.is_ascii_digit())).then(|| number.to_owned())
}

/// What only the long form tells.
pub(super) fn particulars(card: &mut Card, number: &str, facts: &Map<String, Value>) {
    let of = |names: &[&str]| {
        names
            .iter()
            .find_map(|it| facts.get(*it))
            .map(plain)
            .filter(|it| !it.is_empty() && it != "N/A" && it != "NA")
    };
    let kept = of(&["Cache Preserved"]).as_deref().and_then(text::truth);
    if kept == Some(true) {
        card.word(&super::m::PRESERVED, "yes");
    }
    let volume = card.volume(number);
    volume.unique_id = of(&["SCSI NAA Id"]).or(volume.unique_id.take());
    volume.device =
        of(&["OS Drive Name"]).filter(|it| it.starts_with("/dev/")).or(volume.device.take());
    volume.legs = of(&["Span Depth"]).and_then(|it| it.parse().ok()).or(volume.legs);
    let per_span = of(&["Number of Drives Per Span", "Number of Drives"])
        .and_then(|it| it.parse::<u32>().ok());
    let all = facts.contains_key("Number of Drives Per Span");
    volume.width = match (per_span, volume.legs) {
        (Some(each), Some(legs)) if all => each.checked_mul(legs),
        (each, _) => each,
    };
    volume.bad_blocks = of(&["Bad Block Exists", "Bad Blocks Exist", "Bad block exist"])
        .as_deref()
        .and_then(text::truth);
    volume.consistent = of(&["Consistent"]).as_deref().and_then(text::truth).or(volume.consistent);
    if let Some(wanted) = of(&["Write Cache(initial setting)"]) {
        let wanted = wanted.to_lowercase();
        let wants = wanted.contains("back");
        let forced = wanted.contains("always") || wanted.contains("force");
        volume.cache = volume.cache.map(|it| {
            let back = matches!(it, WriteCache::Back | WriteCache::Forced);
            WriteCache::of(wants, forced || it == WriteCache::Forced, back)
        });
    }
    let active = of(&["Active Operations"]).filter(|it| !it.eq_ignore_ascii_case("none"));
    if let Some(active) = active {
        volume.progress = text::percent(&active);
        volume.activity = Some(activity(&active));
    }
}

/// The task in one of this source's words.
fn activity(said: &str) -> String {
    let lower = said.to_lowercase();
    for (part, word) in [
        ("rebuild", "rebuild"),
        ("initializ", "initialization"),
        ("bgi", "initialization"),
        ("consistency", "consistency_check"),
        ("cc", "consistency_check"),
        ("migrat", "migration"),
        ("reconstruct", "migration"),
    ] {
        if lower.contains(part) {
            return word.to_owned();
        }
    }
    lower.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

/// Rows under `PDs for VD 0`: the members, where no topology tells their places.
pub(super) fn members(card: &mut Card, number: &str, rows: &Value) {
    let mut places = Vec::new();
    for object in rows.as_array().into_iter().flatten().filter_map(Value::as_object) {
        drives::row(card, object);
        let Some(key) = drives::key_of_row(object) else { continue };
        let spare = card.drives.iter().any(|it| it.key == key && it.state == DriveState::Spare);
        if !spare {
            places.push(Place { name: drive_name(&key), drive: Some(key), state: None });
        }
    }
    let volume = card.volume(number);
    if volume.places.is_empty() {
        volume.places = places;
    }
}

/// A row of `TOPOLOGY`. Rows of drives make the places of their group; the groups are given to the volumes at the end.
pub(super) fn topology(card: &mut Card, row: &Map<String, Value>) {
    let of = |names: &[&str]| {
        names.iter().find_map(|it| row.get(*it)).map(plain).filter(|it| !it.is_empty())
    };
    let Some(group) = of(&["DG"]) else { return };
    if of(&["Type"]).is_none_or(|it| !it.eq_ignore_ascii_case("DRIVE")) {
        return;
    }
    let (state, said) = drives::state(of(&["State"]).as_deref(), of(&["Status"]).as_deref());
    let key = drives::key_of_row(row);
    let span = of(&["Arr", "Span"]).filter(|it| it != "-");
    if state == DriveState::Spare {
        if let Some(key) = key {
            let only = group.parse::<u32>().ok().map(|it| it.to_string());
            card.spares.insert(key.clone(), only);
            card.drive(&key).is(DriveState::Spare, &said);
        }
        return;
    }
    if group.parse::<u32>().is_err() {
        return; // in no group
    }
    let name = match (&key, &span, of(&["Row"])) {
        (Some(key), _, _) => drive_name(key),
        (None, Some(span), Some(row)) => format!("span {span} row {row}"),
        _ => "gap".to_owned(),
    };
    let member = match (state, &key) {
        (DriveState::Unknown, None) => Some(MemberState::Missing),
        (DriveState::Unknown, Some(_)) => None,
        (state, _) => Some(state.member()),
    };
    let holder = card.groups.entry(group).or_default();
    holder.places.push(Place { drive: key, name, state: member });
    if let Some(span) = span.and_then(|it| it.parse::<u32>().ok()) {
        holder.legs = Some(holder.legs.unwrap_or(0).max(span.saturating_add(1).min(64)));
    }
}
