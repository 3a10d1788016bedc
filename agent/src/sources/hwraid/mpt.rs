//! Old LSI Fusion-MPT (SCSI and first SAS): `mpt-status`, in its long and its short form.
//!
//! Facts: mpt-status 1.2 sources. `ioc0 vol_id 0 type IM, 2 phy, 73 GB, state OPTIMAL, flags ENABLED` and
//! `ioc0 phy 1 scsi_id 32 ATA      ST3808110AS      J   , 74 GB, state ONLINE, flags NONE`; volume types are IS (striped),
//! IM (mirrored) and IME (mirrored, enhanced).

use xunjian_proto::Reason;

use super::{
    model::{Card, DriveState, Place, VolumeState, card},
    text,
};

/// Whether a text is an answer of this tool.
pub(super) fn is_answer(text: &str) -> bool {
    text.lines().any(|line| {
        line.starts_with("ioc") && (line.contains(" vol_id ") || line.contains(" phy "))
    })
}

/// Takes in an answer. The error is for one that says nothing of any controller.
pub(super) fn read(answer: &str, cards: &mut Vec<Card>) -> Result<(), (Reason, String)> {
    let mut understood = false;
    for line in answer.lines().map(str::trim).filter(|it| it.starts_with("ioc")) {
        let mut words = line.split_whitespace();
        let index = words
            .next()
            .unwrap_or_default()
            .trim_start_matches("ioc")
            .trim_end_matches(':')
            .to_owned();
        if index.is_empty() || index.len() > 3 {
            continue;
        }
        let card = card(cards, &index);
        let kind = words.next().unwrap_or_default();
        let number = words.next().unwrap_or_default().to_owned();
        let behind = |word: &str| {
            line.split(word).nth(1).and_then(|it| it.split([',', ' ']).find(|it| !it.is_empty()))
        };
        understood |= match kind {
            "vol_id" => volume(card, &number, line, &behind),
            "phy" => drive(card, &number, line, &behind),
            "scsi_id" => drive(card, &format!("scsi {number}"), line, &behind),
            _ => false,
        };
    }
    for card in cards.iter_mut() {
        share(card);
    }
    if understood {
        return Ok(());
    }
    let start: String = answer.trim().chars().take(60).collect();
    Err((Reason::Unparsable, format!("no volume in {start:?}")))
}

fn volume<'a>(
    card: &mut Card,
    number: &str,
    line: &'a str,
    behind: &dyn Fn(&str) -> Option<&'a str>,
) -> bool {
    let said = behind(" state ").unwrap_or_default().to_owned();
    let state = match said.as_str() {
        "OPTIMAL" => VolumeState::Optimal,
        "DEGRADED" => VolumeState::Partial,
        "FAILED" | "MISSING" | "OFFLINE" => VolumeState::Failed,
        _ => VolumeState::Unknown,
    };
    let resync = line.contains("RESYNC_IN_PROGRESS");
    if state == VolumeState::Unknown {
        card.strange(format!("volume {number}: state {said:?} is not known"));
    }
    let volume = card.volume(number);
    volume.state =
        if resync && state == VolumeState::Partial { VolumeState::Rebuilding } else { state };
    volume.said = said;
    behind(" type ").unwrap_or_default().clone_into(&mut volume.level);
    volume.width = line
        .split(" phy,")
        .next()
        .and_then(|it| it.rsplit(' ').next())
        .and_then(|it| it.parse().ok())
        .filter(|it| *it <= 32);
    volume.size =
        line.split(',').map(str::trim).find(|it| it.ends_with(" GB")).and_then(text::bytes);
    volume.activity = resync.then(|| "rebuild".to_owned());
    true
}

fn drive<'a>(
    card: &mut Card,
    number: &str,
    line: &'a str,
    behind: &dyn Fn(&str) -> Option<&'a str>,
) -> bool {
    let said = behind(" state ").unwrap_or_default().to_owned();
    let state = match said.as_str() {
        "ONLINE" => DriveState::Online,
        "MISSING" => DriveState::Missing,
        "FAILED" | "INCOMPATIBLE" | "OFFLINE_REQUESTED" | "FAILED_REQUESTED" | "OTHER_OFFLINE" => {
            DriveState::Failed
        }
        "OFFLINE" => DriveState::Offline,
        "INITIALIZING" => DriveState::Rebuilding,
        _ => DriveState::Unknown,
    };
    if state == DriveState::Unknown {
        card.strange(format!("phy {number}: state {said:?} is not known"));
    }
    let out_of_sync = line.contains("OUT_OF_SYNC");
    let drive = card.drive(number);
    drive.is(
        if out_of_sync && state == DriveState::Online { DriveState::Rebuilding } else { state },
        &said,
    );
    drive.slot = Some(number.to_owned());
    let model = line.split("scsi_id ").nth(1).and_then(|it| it.split_once(' ')).map(|it| it.1);
    let model = model
        .and_then(|it| it.split(',').next())
        .map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
    drive.attr("hw.model", model.as_deref().map(|it| it.trim_start_matches("ATA ")));
    drive.size =
        line.split(',').map(str::trim).find(|it| it.ends_with(" GB")).and_then(text::bytes);
    true
}

/// The lines do not say which volume a drive is of: with one volume all are its members.
fn share(card: &mut Card) {
    let places: Vec<Place> = card
        .drives
        .iter()
        .map(|it| Place {
            drive: Some(it.key.clone()),
            name: format!("phy {}", it.key),
            state: None,
        })
        .collect();
    if let [volume] = card.volumes.as_mut_slice() {
        volume.places = places;
    }
}
