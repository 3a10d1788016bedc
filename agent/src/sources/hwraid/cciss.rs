//! Old HP Smart Array with the free tool: `cciss_vol_status -V /dev/sgN`.
//!
//! Facts: cciss_vol_status(8). `/dev/sda: (Smart Array P410i) RAID 1(1+0) Volume 0 status: OK.` with further sentences
//! about spares behind it, `connector 1I box 1 bay 1  HP  EG0900FCVBL  SERIAL  HPD9 OK`, and the state of the cache.

use xunjian_proto::Reason;

use super::{
    model::{Card, DriveState, Pack, Place, VolumeState, card},
    text,
};

/// Whether a text is an answer of this tool.
pub(super) fn is_answer(text: &str) -> bool {
    text.contains(" status: ") && text.contains(" Volume ") && text.contains("RAID")
}

/// Takes in an answer. The error is for one that says nothing of any controller.
pub(super) fn read(
    answer: &str,
    index: &str,
    cards: &mut Vec<Card>,
) -> Result<(), (Reason, String)> {
    if !is_answer(answer) {
        let start: String = answer.trim().chars().take(60).collect();
        return Err((Reason::Unparsable, format!("no volume in {start:?}")));
    }
    let card = card(cards, index);
    let mut last = None;
    for line in answer.lines() {
        let trimmed = line.trim();
        if let Some(model) = trimmed.strip_prefix("Controller:") {
            card.attr("hw.model", Some(model));
        } else if let Some(version) = trimmed.strip_prefix("Running firmware:") {
            card.attr("hw.firmware_version", Some(version));
        } else if trimmed.contains(" Volume ") && trimmed.contains(" status: ") {
            last = volume(card, trimmed).or(last);
        } else if trimmed.starts_with("connector ") {
            drive(card, trimmed, last.as_deref());
        } else if trimmed.to_lowercase().contains("battery")
            || trimmed.to_lowercase().contains("capacitor")
        {
            let state = text::pack(trimmed);
            if state != super::model::PackState::Unknown {
                card.packs = vec![Pack { state, said: trimmed.to_owned(), ..Pack::default() }];
            }
        }
    }
    Ok(())
}

fn volume(card: &mut Card, line: &str) -> Option<String> {
    let (device, rest) = line.split_once(':')?;
    let (level, rest) = rest.split_once(" Volume ")?;
    let level = level.rsplit_once("RAID ").map_or("", |it| it.1).trim().to_owned();
    let (number, said) = rest.split_once(" status: ")?;
    let number = number.trim().to_owned();
    let said = said.split_once('.').map_or(said, |it| it.0).trim().to_owned();
    let lower = said.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
    let state = if has(&["interim recovery", "ready for recovery", "wrong", "not properly"]) {
        VolumeState::Partial
    } else if has(&["recover", "rebuild"]) {
        VolumeState::Rebuilding
    } else if has(&["fail", "not yet available", "overheat", "not available"]) {
        VolumeState::Failed
    } else if has(&["ok", "expan", "queued"]) {
        VolumeState::Optimal
    } else {
        VolumeState::Unknown
    };
    if state == VolumeState::Unknown {
        card.strange(format!("volume {number}: status {said:?} is not known"));
    }
    let volume = card.volume(&number);
    volume.level = level;
    volume.state = state;
    volume.said = said;
    volume.device = Some(device.trim().to_owned()).filter(|it| it.starts_with("/dev/"));
    volume.places.clear();
    Some(number)
}

/// `connector 1I box 1 bay 1   HP   EG0900FCVBL   S0N2BEHX0000K50648RD   HPD9 OK`.
fn drive(card: &mut Card, line: &str, volume: Option<&str>) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["connector", port, "box", shelf, "bay", bay, rest @ ..] = words.as_slice() else { return };
    let key = format!("{port}:{shelf}:{bay}");
    let (model, serial, said) = match rest {
        [_, model, serial, _, said @ ..] => (*model, Some(*serial), said.join(" ")),
        _ => ("", None, rest.last().copied().unwrap_or_default().to_owned()),
    };
    let lower = said.to_lowercase();
    let state = if lower.contains("predict") || lower.contains("smart") {
        DriveState::Predicted
    } else if lower.contains("fail") || lower.contains("missing") {
        DriveState::Failed
    } else if lower.starts_with("ok") {
        DriveState::Online
    } else {
        DriveState::Unknown
    };
    if state == DriveState::Unknown {
        card.strange(format!("drive {key}: status {said:?} is not known"));
    }
    let drive = card.drive(&key);
    drive.is(state, &said);
    drive.enclosure = Some(format!("{port}:{shelf}"));
    drive.slot = Some((*bay).to_owned());
    drive.serial = serial.map(str::to_owned);
    drive.attr("hw.model", Some(model));
    if let Some(number) = volume {
        let places = &mut card.volume(number).places;
        if !places.iter().any(|it| it.drive.as_deref() == Some(&key)) {
            places.push(Place { name: format!("bay {key}"), drive: Some(key), state: None });
        }
    }
}
