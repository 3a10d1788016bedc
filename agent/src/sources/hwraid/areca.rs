//! Areca: `cli64` with `disk info`, `rsf info`, `vsf info`, `hw info`.
//!
//! Facts: Areca CLI manual. Tables of fixed columns; the last column is the state. The names of raid sets and the usage
//! of disks hold blanks.

use xunjian_proto::Reason;

use super::{
    metrics as m,
    model::{Card, DriveState, Place, VolumeState, card},
    text,
};

/// The questions, in this order.
pub(super) const QUESTIONS: [&[&str]; 4] =
    [&["disk", "info"], &["rsf", "info"], &["vsf", "info"], &["hw", "info"]];

/// Whether a text is an answer of this tool.
pub(super) fn is_answer(text: &str) -> bool {
    text.contains("GuiErrMsg<")
}

/// Which of the questions gave this answer.
pub(super) fn question(text: &str) -> &'static [&'static str] {
    let head = text.lines().find(|it| it.contains('#') && it.contains("Name")).unwrap_or_default();
    if head.contains("ModelName") || head.contains("Model Name") {
        QUESTIONS[0]
    } else if head.contains("Disks") || head.contains("FreeCap") {
        QUESTIONS[1]
    } else if head.contains("Level") {
        QUESTIONS[2]
    } else {
        QUESTIONS[3]
    }
}

/// Takes in an answer. The error is for one that says nothing of the controller.
pub(super) fn read(answer: &str, cards: &mut Vec<Card>) -> Result<(), (Reason, String)> {
    let said = answer.lines().find_map(|it| it.split("GuiErrMsg<").nth(1));
    if let Some(said) = said.filter(|it| !it.contains("Success")) {
        return Err((Reason::ToolFailed, said.trim().trim_start_matches(">: ").to_owned()));
    }
    if !is_answer(answer) {
        let start: String = answer.trim().chars().take(60).collect();
        return Err((Reason::Unparsable, format!("no table in {start:?}")));
    }
    let card = card(cards, "1");
    let kind = question(answer);
    let head =
        answer.lines().find(|it| it.contains('#') && it.contains("Name")).unwrap_or_default();
    let rows = answer
        .lines()
        .skip_while(|it| !it.starts_with("==="))
        .skip(1)
        .take_while(|it| !it.starts_with("==="));
    for row in rows {
        match kind {
            ["disk", _] => disk(card, head, row),
            ["rsf", _] => raid_set(card, row),
            ["vsf", _] => volume(card, row),
            _ => hardware(card, row),
        }
    }
    share(card);
    Ok(())
}

fn first_number(row: &str) -> Option<(u32, &str)> {
    let (number, rest) = row.trim_start().split_once(char::is_whitespace)?;
    Some((number.parse().ok()?, rest))
}

/// `  1  1  WDC WD7500AYYS-01RCA0            750.2GB  data`, or with enclosure and slot: `  1  01 Slot#1  …`.
fn disk(card: &mut Card, head: &str, row: &str) {
    let Some((number, rest)) = first_number(row) else { return };
    let (model, size, usage) = match rest
        .split_whitespace()
        .position(|it| text::bytes(it).is_some() && it.ends_with('B'))
    {
        Some(at) => {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let skip = if head.contains("Slot") { 2 } else { 1 };
            (words[skip.min(at)..at].join(" "), text::bytes(words[at]), words[at + 1..].join(" "))
        }
        None => (String::new(), None, rest.trim().to_owned()),
    };
    let lower = usage.to_lowercase();
    let state = if lower.contains("hotspare") || lower.contains("hot spare") {
        DriveState::Spare
    } else if lower.contains("fail") {
        DriveState::Failed
    } else if lower.contains("n.a.") && (model.is_empty() || model == "N.A.") {
        return; // an empty bay
    } else if lower.contains("rebuild") {
        DriveState::Rebuilding
    } else if lower.contains("free") || lower.is_empty() {
        DriveState::Unconfigured
    } else if lower.contains("pass through") || lower.contains("jbod") {
        DriveState::Jbod
    } else {
        DriveState::Online
    };
    let key = number.to_string();
    if state == DriveState::Spare {
        card.spares.insert(key.clone(), None);
    }
    let drive = card.drive(&key);
    drive.is(state, &usage);
    drive.slot = Some(key);
    drive.attr("hw.model", Some(&model));
    drive.size = size;
    drive.hints.insert("set", usage);
}

fn volume_state(card: &mut Card, number: &str, said: &str) -> VolumeState {
    let lower = said.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    let state = if has(&["rebuild"]) {
        VolumeState::Rebuilding
    } else if has(&["degrade"]) {
        VolumeState::Partial
    } else if has(&["fail", "offline", "incomplete", "missing"]) {
        VolumeState::Failed
    } else if has(&["normal", "initializ", "checking", "migrat", "expand", "ready"]) {
        VolumeState::Optimal
    } else {
        VolumeState::Unknown
    };
    if state == VolumeState::Unknown {
        card.strange(format!("set {number}: state {said:?} is not known"));
    }
    state
}

/// ` 1  Raid Set # 000      23 34500.0GB    0.0GB   1500.0GB         Normal`; the set as one volume of unknown level
/// until the volumes are told.
fn raid_set(card: &mut Card, row: &str) {
    let Some((number, rest)) = first_number(row) else { return };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let Some(size_at) = words.iter().position(|it| text::bytes(it).is_some() && it.ends_with('B'))
    else {
        return;
    };
    let disks =
        size_at.checked_sub(1).and_then(|it| words.get(it)).and_then(|it| it.parse::<u32>().ok());
    let said = words.last().copied().unwrap_or_default().to_owned();
    let number = format!("set {number}");
    let state = volume_state(card, &number, &said);
    let name = words[..size_at.saturating_sub(1)].join(" ");
    let volume = card.volume(&number);
    volume.state = state;
    volume.said = said;
    volume.size = text::bytes(words[size_at]);
    volume.name = Some(name).filter(|it| !it.is_empty());
    volume.width = disks.filter(|it| *it <= 256);
}

/// `  1 ARC-1231-VOL#00  Raid Set # 00   Raid6   9000.0GB 00/00/00   Normal`.
fn volume(card: &mut Card, row: &str) {
    let Some((number, rest)) = first_number(row) else { return };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let Some(at) = words.iter().position(|it| {
        it.to_lowercase().starts_with("raid")
            && it.len() > 4
            && it[4..].bytes().all(|b| b.is_ascii_digit() || b == b'+')
    }) else {
        return card.strange(format!("a volume without level: {:?}", row.trim()));
    };
    let said = words.last().copied().unwrap_or_default().to_owned();
    let number = number.to_string();
    let state = volume_state(card, &number, &said);
    let volume = card.volume(&number);
    volume.state = state;
    volume.progress = text::percent(&said).filter(|_| said.contains('%'));
    volume.said = said;
    words[at].clone_into(&mut volume.level);
    volume.size = words.get(at + 1).and_then(|it| text::bytes(it));
    volume.name = Some(words[..at].join(" "));
}

/// `Controller Temp. : 47 C`, `Battery Status : 100%`, `Fan #1 Speed (RPM) : 2777`.
fn hardware(card: &mut Card, row: &str) {
    let Some((key, value)) = text::pair(row) else { return };
    let lower = key.to_lowercase();
    if lower.contains("temp") && !lower.contains("hdd #") {
        let place = lower.replace("temp.", "").replace("temperature", "").trim().to_owned();
        let place = if place.is_empty() { "controller".to_owned() } else { place };
        card.number(&m::TEMPERATURE, vec![("hw.sensor_location", place)], text::celsius(value));
    } else if lower.contains("battery") {
        let mut pack =
            super::model::Pack { said: value.to_owned(), ..super::model::Pack::default() };
        pack.charge = text::percent(value).filter(|_| value.contains('%'));
        pack.state = match pack.charge {
            Some(charge) if charge >= 0.8 => super::model::PackState::Good,
            Some(_) => super::model::PackState::Charging,
            None => text::pack(value),
        };
        card.packs = vec![pack];
    }
}

/// Volumes lie on sets: a set that volumes stand for is no volume itself, and its disks are theirs.
fn share(card: &mut Card) {
    let sets: Vec<_> =
        card.volumes.iter().filter(|it| it.number.starts_with("set ")).cloned().collect();
    let mut covered = Vec::new();
    for volume in card.volumes.iter_mut().filter(|it| !it.number.starts_with("set ")) {
        let full = volume.name.clone().unwrap_or_default();
        let Some(set) = sets
            .iter()
            .find(|it| it.name.as_ref().is_some_and(|name| full.ends_with(name.as_str())))
        else {
            continue;
        };
        covered.push(set.number.clone());
        volume.width = set.width;
        volume.group.clone_from(&set.name);
    }
    card.volumes.retain(|it| !covered.contains(&it.number));
    let drives = card.drives.clone();
    for volume in &mut card.volumes {
        let set = volume.group.clone().or(volume.name.clone()).unwrap_or_default();
        let of_set = drives
            .iter()
            .filter(|it| !set.is_empty() && it.hints.get("set").is_some_and(|usage| *usage == set));
        volume.places = of_set
            .map(|it| Place {
                drive: Some(it.key.clone()),
                name: format!("slot {}", it.key),
                state: None,
            })
            .collect();
        volume.spares = card.spares.keys().cloned().collect();
    }
}
