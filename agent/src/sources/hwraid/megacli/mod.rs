//! The old tool of LSI's MegaRAID: `MegaCli64`, with text for people.
//!
//! Facts: MegaRAID SAS software user guide. Blocks begin with `Adapter #0`, `Adapter 0 -- Virtual Drive Information:`,
//! `Enclosure Device ID:`, `Virtual Drive:`, `BBU status for Adapter: 0`. The serial number of a drive stands in its
//! inquiry data: first for SATA (20 characters), last for SAS (behind vendor, product and revision).

use std::collections::BTreeMap;

use xunjian_proto::{MemberState, Reason};

use super::{
    emit::drive_name,
    metrics as m,
    model::{
        Card, Drive, DriveState, Pack, PackState, Place, Volume, VolumeState, WriteCache, card,
    },
    text,
    unread::GROUP,
};

mod facts;

use facts::{battery_fact, controller_fact, drive_fact, identify, volume_fact};

/// Drives of all controllers.
pub(super) const DRIVES: &[&str] = &["-PDList", "-aAll", "-NoLog"];
/// Volumes of all controllers with their members.
pub(super) const VOLUMES: &[&str] = &["-LdPdInfo", "-aAll", "-NoLog"];
/// Batteries of all controllers.
pub(super) const BATTERIES: &[&str] = &["-AdpBbuCmd", "-GetBbuStatus", "-aAll", "-NoLog"];
/// The controllers themselves.
pub(super) const CONTROLLERS: &[&str] = &["-AdpAllInfo", "-aAll", "-NoLog"];

/// Whether a text is an answer of this tool.
pub(super) fn is_answer(text: &str) -> bool {
    text.contains("Adapter #")
        || text.contains("Adapter: ")
        || text.contains("Adapter 0")
        || text.contains("-- Virtual Drive Information")
}

/// Which of the commands gave this answer.
pub(super) fn command(text: &str) -> &'static [&'static str] {
    if text.contains("BBU") && !text.contains("Virtual D") && !text.contains("Product Name") {
        BATTERIES
    } else if text.contains("Virtual Drive:")
        || text.contains("Virtual Disk:")
        || text.contains("-- Virtual")
    {
        VOLUMES
    } else if text.contains("Product Name") || text.contains("Versions") {
        CONTROLLERS
    } else {
        DRIVES
    }
}

/// What the lines that follow are about.
#[derive(Debug, Clone, PartialEq)]
enum At {
    Controller,
    Volume(String),
    /// A drive whose slot is not told yet: its enclosure.
    Enclosure(String),
    Drive(String),
    Battery,
    Nothing,
}

struct Reader<'a> {
    cards: &'a mut Vec<Card>,
    index: Option<String>,
    at: At,
    /// Volume and span whose drives follow.
    volume: Option<String>,
}

/// Takes in one answer. The error is for an answer that says nothing of any controller.
pub(super) fn read(answer: &str, cards: &mut Vec<Card>) -> Result<(), (Reason, String)> {
    let mut reader = Reader { cards, index: None, at: At::Nothing, volume: None };
    for line in answer.lines() {
        let trimmed = line.trim();
        if let (Some((_, inquiry)), At::Drive(place)) =
            (line.split_once("Inquiry Data:"), reader.at.clone())
        {
            // Blanks count: its fields have fixed widths.
            let inquiry = inquiry.strip_prefix(' ').unwrap_or(inquiry).to_owned();
            if let Some(card) = reader.card() {
                card.drive(&place).hints.insert(INQUIRY, inquiry);
            }
        } else if !trimmed.is_empty() && !trimmed.starts_with("Exit Code") {
            reader.line(trimmed);
        }
    }
    match reader.index.is_some() {
        true => Ok(()),
        false => {
            let start: String = answer.trim().chars().take(60).collect();
            Err((Reason::Unparsable, format!("no adapter in {start:?}")))
        }
    }
}

/// Hint: the inquiry data until the interface is known.
const INQUIRY: &str = "inquiry";
/// Hint: a drive's place in its group: `DiskGroup: 0, Span: 0, Arm: 3`.
const POSITION: &str = "position";

/// Puts drives into the places that they name themselves, for volumes whose members are not listed.
fn place_members(card: &mut Card) {
    let mut placed: Vec<((u32, u32, u32), String)> = Vec::new();
    for drive in &mut card.drives {
        let said = drive.hints.remove(POSITION).unwrap_or_default();
        let part = |name: &str| {
            let rest = said.split(&format!("{name}:")).nth(1)?;
            rest.trim().split(',').next()?.trim().parse::<u32>().ok()
        };
        let group = part("DiskGroup").map(|it| it.to_string());
        match group {
            Some(group) => _ = drive.hints.insert(GROUP, group),
            None => _ = drive.hints.entry(GROUP).or_default(),
        }
        if let (Some(group), Some(span), Some(arm)) = (part("DiskGroup"), part("Span"), part("Arm"))
        {
            placed.push(((group, span, arm), drive.key.clone()));
        }
    }
    placed.sort();
    let mut groups: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for ((group, _, _), key) in placed {
        groups.entry(group).or_default().push(key);
    }
    for at in 0..card.volumes.len() {
        let volume = &card.volumes[at];
        let alike = |it: &&Volume| it.width == volume.width;
        // A group is a volume's only where no other pair of them would fit.
        let mut fitting = groups.values().filter(|it| u32::try_from(it.len()).ok() == volume.width);
        let (Some(group), None) = (fitting.next(), fitting.next()) else { continue };
        if !volume.places.is_empty() || card.volumes.iter().filter(alike).count() > 1 {
            continue;
        }
        let place =
            |key: &String| Place { drive: Some(key.clone()), name: drive_name(key), state: None };
        card.volumes[at].places = group.iter().map(place).collect();
    }
}

impl Reader<'_> {
    fn card(&mut self) -> Option<&mut Card> {
        let index = self.index.clone()?;
        Some(card(self.cards, &index))
    }

    fn line(&mut self, line: &str) {
        if self.adapter(line) {
            return;
        }
        if line.starts_with("CacheCade Virtual Drive") {
            (self.at, self.volume) = (At::Nothing, None); // a cache, no data of its own
            return;
        }
        if line.starts_with("BBU status")
            || line.starts_with("BBU Capacity")
            || line.starts_with("BatteryType")
        {
            self.at = At::Battery;
        }
        let Some((key, value)) = text::pair(line) else { return };
        match key {
            "Virtual Drive" | "Virtual Disk" | "Virtual drive" => return self.volume(value),
            "Enclosure Device ID" => {
                self.at = At::Enclosure(value.replace("N/A", ""));
                return;
            }
            "Slot Number" => return self.slot(value),
            "Span" | "PD" => return,
            _ => {}
        }
        let at = self.at.clone();
        let Some(card) = self.card() else { return };
        match at {
            At::Volume(number) => volume_fact(card, &number, key, value),
            At::Drive(place) => drive_fact(card, &place, key, value),
            At::Battery => battery_fact(card, key, value),
            At::Controller => controller_fact(card, key, value),
            At::Enclosure(_) | At::Nothing => {}
        }
    }

    /// `Adapter #0`, `Adapter 0 -- Virtual Drive Information:`, `BBU status for Adapter: 0`, `Adapter: 0`.
    fn adapter(&mut self, line: &str) -> bool {
        let Some((before, rest)) = line.split_once("Adapter") else { return false };
        let rest = rest.trim_start_matches([' ', '#', ':']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() || digits.len() > 3 || !(before.is_empty() || before.contains("BBU")) {
            return false;
        }
        let behind = rest[digits.len()..].trim().to_lowercase();
        card(self.cards, &digits);
        self.index = Some(digits);
        self.volume = None;
        self.at = if before.contains("BBU") { At::Battery } else { At::Controller };
        if let Some(card) = self.card() {
            if behind.contains("get bbu") && behind.contains("fail")
                || behind.contains("no battery")
            {
                let said = "BBU status cannot be read".to_owned();
                card.packs.push(Pack { state: PackState::Missing, said, ..Pack::default() });
                self.at = At::Nothing;
            } else if behind.contains("no virtual") || behind.contains("no logical") {
                card.word(&m::CONFIGURATION, "none");
            } else if behind.contains("fail") {
                card.gaps.push((Reason::ToolFailed, line.to_owned()));
            }
        }
        true
    }

    fn volume(&mut self, value: &str) {
        let number: String = value.chars().take_while(char::is_ascii_digit).collect();
        let target = value.split("arget Id:").nth(1).or_else(|| value.split("arget id:").nth(1));
        let target = target.and_then(|it| it.trim().trim_end_matches(')').trim().parse().ok());
        let Some(card) = self.card() else { return };
        if number.is_empty() || number.len() > 5 {
            return card.strange(format!("virtual drive without number: {value:?}"));
        }
        let volume = card.volume(&number);
        volume.places.clear();
        volume.target = target;
        self.at = At::Volume(number.clone());
        self.volume = Some(number);
    }

    fn slot(&mut self, value: &str) {
        let At::Enclosure(enclosure) = self.at.clone() else { return };
        let of_volume = self.volume.clone();
        let Some(card) = self.card() else { return };
        let key = format!("{enclosure}:{}", value.trim());
        if key.len() > 16 {
            return card.strange(format!("a drive in slot {value:?}"));
        }
        let drive = card.drive(&key);
        drive.enclosure = Some(enclosure).filter(|it| !it.is_empty());
        drive.slot = Some(value.trim().to_owned());
        if let Some(number) = of_volume {
            let place = Place { drive: Some(key.clone()), name: drive_name(&key), state: None };
            let places = &mut card.volume(&number).places;
            if !places.iter().any(|it| it.drive.as_deref() == Some(&key)) {
                places.push(place);
            }
        }
        self.at = At::Drive(key);
    }
}

/// Puts together what the answers told apart. Members that are gone are not listed: the number of drives of the volume
/// tells.
pub(super) fn finish(card: &mut Card) {
    place_members(card);
    for drive in &mut card.drives {
        if drive.serial.is_none()
            && let Some(inquiry) = drive.hints.remove(INQUIRY)
        {
            identify(drive, &inquiry);
        }
    }
    for volume in &mut card.volumes {
        let known = u32::try_from(volume.places.len()).unwrap_or(u32::MAX);
        let wanted = volume.width.unwrap_or(0).min(512);
        if known == 0 || volume.state == VolumeState::Optimal {
            continue;
        }
        for _ in known..wanted {
            let name = "missing drive".to_owned();
            volume.places.push(Place { drive: None, name, state: Some(MemberState::Missing) });
        }
    }
}
