//! Marvell (also Dell BOSS and HPE's boot cards): `mvcli` with `info -o hba|vd|pd|blk`.
//!
//! Facts: Marvell RAID utility manual; blocks of `key: value`, separated by blank lines, under a heading.

use xunjian_proto::Reason;

use super::{
    model::{Card, Drive, DriveState, Place, VolumeState, card},
    text,
};

/// The questions, in this order.
pub(super) const QUESTIONS: [&str; 3] = ["hba", "vd", "pd"];

/// Whether a text is an answer of this tool.
pub(super) fn is_answer(text: &str) -> bool {
    ["Virtual Disk Information", "Physical Disk Information", "Adapter ID:"]
        .iter()
        .any(|it| text.contains(it))
}

/// Which of the questions gave this answer.
pub(super) fn question(text: &str) -> &'static str {
    if text.contains("Virtual Disk Information") {
        "vd"
    } else if text.contains("Physical Disk Information") {
        "pd"
    } else {
        "hba"
    }
}

/// Takes in an answer. The error is for one that says nothing of any adapter.
pub(super) fn read(answer: &str, cards: &mut Vec<Card>) -> Result<(), (Reason, String)> {
    if !is_answer(answer) {
        let start: String = answer.trim().chars().take(60).collect();
        return Err((Reason::Unparsable, format!("no adapter in {start:?}")));
    }
    let card = card(cards, "0");
    let kind = question(answer);
    let mut block: Vec<(&str, &str)> = Vec::new();
    for line in answer.lines().chain([""]) {
        match text::pair(line.trim()) {
            Some(pair) => block.push(pair),
            None if line.trim().is_empty() && !block.is_empty() => {
                let facts = std::mem::take(&mut block);
                match kind {
                    "vd" => volume(card, &facts),
                    "pd" => drive(card, &facts),
                    "hba" => adapter(card, &facts),
                    _ => {}
                }
            }
            None => {}
        }
    }
    Ok(())
}

fn of<'a>(facts: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    facts
        .iter()
        .find(|it| it.0.eq_ignore_ascii_case(name))
        .map(|it| it.1)
        .filter(|it| !it.is_empty())
}

fn adapter(card: &mut Card, facts: &[(&str, &str)]) {
    card.attr("hw.model", of(facts, "Product").map(|it| format!("Marvell {it}")).as_deref());
    card.attr("hw.firmware_version", of(facts, "Firmware version"));
    let health = of(facts, "Image health").or(of(facts, "Firmware image health"));
    card.status = health.map(str::to_owned).or(card.status.take());
}

fn volume(card: &mut Card, facts: &[(&str, &str)]) {
    let Some(number) = of(facts, "id") else { return };
    let said = of(facts, "status").unwrap_or_default().to_owned();
    let task = of(facts, "BGA status").unwrap_or_default().to_lowercase();
    let state = match said.to_lowercase().as_str() {
        "functional" | "optimal" | "online" => VolumeState::Optimal,
        "degrade" | "degraded" if task.contains("rebuild") => VolumeState::Rebuilding,
        "degrade" | "degraded" | "partially optimal" => VolumeState::Partial,
        "offline" | "failed" | "missing" | "not functional" | "deleted" => VolumeState::Failed,
        _ => VolumeState::Unknown,
    };
    if state == VolumeState::Unknown {
        card.strange(format!("virtual disk {number}: status {said:?} is not known"));
    }
    let volume = card.volume(number);
    volume.state = state;
    volume.said = said;
    volume.name = of(facts, "name").map(str::to_owned);
    of(facts, "RAID mode").unwrap_or_default().clone_into(&mut volume.level);
    volume.size = of(facts, "size").and_then(|it| {
        let factor = if it.ends_with('M') { 2 } else { 1 };
        Some(text::number(it)? * 1024_f64.powi(factor))
    });
    volume.width = of(facts, "# of PDs").and_then(|it| it.parse().ok()).filter(|it| *it <= 64);
    let place =
        |it: &str| Place { drive: Some(it.to_owned()), name: format!("PD {it}"), state: None };
    volume.places =
        of(facts, "PD RAID setup").into_iter().flat_map(str::split_whitespace).map(place).collect();
    if !task.is_empty() && !task.contains("not running") {
        volume.progress = text::percent(&task).filter(|_| task.contains('%'));
        volume.activity = Some(if task.contains("rebuild") {
            "rebuild".to_owned()
        } else {
            "consistency_check".to_owned()
        });
    }
}

fn drive(card: &mut Card, facts: &[(&str, &str)]) {
    let Some(number) = of(facts, "PD ID") else { return };
    let said = of(facts, "PD status").or(of(facts, "status")).unwrap_or_default();
    let of_volume = of(facts, "block ids").is_some()
        || card
            .volumes
            .iter()
            .any(|it| it.places.iter().any(|place| place.drive.as_deref() == Some(number)));
    let lower = said.to_lowercase();
    let state = if ["fail", "offline", "missing", "dead", "bad"].iter().any(|it| lower.contains(it))
    {
        DriveState::Failed
    } else if lower.contains("rebuild") {
        DriveState::Rebuilding
    } else if lower.contains("spare") {
        DriveState::Spare
    } else if of_volume {
        DriveState::Online
    } else {
        DriveState::Unconfigured
    };
    let drive: &mut Drive = card.drive(number);
    drive.is(state, if said.is_empty() { "listed" } else { said });
    drive.slot = Some(number.to_owned());
    drive.serial = of(facts, "Serial").map(str::to_owned);
    drive.attr("hw.model", of(facts, "model"));
    drive.attr("hw.firmware_version", of(facts, "Firmware version"));
    drive.attr(
        "hw.physical_disk.type",
        of(facts, "SSD Type").map(|it| if it == "SSD" { "ssd" } else { "hdd" }),
    );
    drive.size = of(facts, "Size").and_then(text::number).map(|it| it * 1024.0);
}
