//! HPE Smart Array and its kin: `ssacli`, `hpssacli`, `hpacucli` with `ctrl all show config detail`.
//!
//! Facts: HPE Smart Storage Administrator user guide. The output is a tree by indentation; short forms (`show`, `show
//! status`, `show config`) hold the same words on single lines. HPE's mirror groups are the two halves of all pairs.

use std::collections::BTreeMap;

use xunjian_proto::{MemberState, Reason};

use super::{
    emit::drive_name,
    metrics as m,
    model::{Card, DriveState, Enclosure, Group, PackState, Place, VolumeState, WriteCache, card},
    text,
};

mod facts;

use facts::{controller, drive_fact, drive_state, protect, volume_fact, volume_state};

/// The one command.
pub(super) const ALL: &[&str] = &["ctrl", "all", "show", "config", "detail"];

/// Whether a text is an answer of one of these tools.
pub(super) fn is_answer(text: &str) -> bool {
    let has = |part: &str| text.contains(part);
    has("Controller Status:")
        || has("logicaldrive ")
        || has("physicaldrive ")
        || has("Error: The specified device")
        || has("Error: No controllers detected")
        || has("Error: The controller identified by")
}

/// What the lines that follow are about.
#[derive(Debug, Clone, PartialEq)]
enum At {
    Controller,
    Sensor,
    Volume(String),
    Drive(String),
    Nothing,
}

/// Mirror groups (`true`) or parity groups of a volume, with their drives.
type Legs = (bool, Vec<Vec<String>>);

/// Where the reader stands.
struct Reader<'a> {
    cards: &'a mut Vec<Card>,
    index: Option<String>,
    at: At,
    /// Array whose drives follow.
    array: Option<String>,
    /// Volume whose mirror or parity groups follow, and the number of the group.
    groups: Option<(String, bool)>,
    /// Mirror or parity groups of each volume, in the order of the text: true for mirrors.
    legs: BTreeMap<(String, String), Legs>,
    /// Place of the sensor that is read.
    sensor: String,
    /// Drives that follow are handed to the operating system.
    hba: bool,
}

/// Takes in one answer. The error is for an answer that says nothing of any controller.
pub(super) fn read(answer: &str, cards: &mut Vec<Card>) -> Result<(), (Reason, String)> {
    let mut error = None;
    let mut reader = Reader {
        cards,
        index: None,
        at: At::Nothing,
        array: None,
        groups: None,
        legs: BTreeMap::new(),
        sensor: String::new(),
        hba: false,
    };
    for line in answer.lines() {
        let trimmed = line.trim();
        if let Some(said) = trimmed.strip_prefix("Error:") {
            // No controller at all is no fault; an answer that names none is no answer.
            let none = said.to_lowercase().contains("no controllers detected");
            let reason = if none { Reason::Missing } else { Reason::ToolFailed };
            error = error.or(Some((reason, said.trim().to_owned())));
        } else if !trimmed.is_empty() && !trimmed.starts_with('#') {
            reader.line(line, trimmed);
        }
    }
    let found = reader.index.is_some();
    let legs = reader.legs;
    for ((index, number), (mirrors, groups)) in legs {
        arrange(card(cards, &index), &number, mirrors, &groups);
    }
    for card in cards.iter_mut() {
        card.share_groups();
        protect(card);
    }
    match (found, error) {
        (true, _) => Ok(()),
        (false, Some(error)) => Err(error),
        (false, None) => Err((Reason::Unparsable, "no controller in the answer".to_owned())),
    }
}

impl Reader<'_> {
    fn card(&mut self) -> Option<&mut Card> {
        let index = self.index.clone()?;
        Some(card(self.cards, &index))
    }

    fn line(&mut self, line: &str, trimmed: &str) {
        if text::depth(line) == 0 && self.header(trimmed) {
            return;
        }
        let lower = trimmed.to_lowercase();
        if let Some(rest) = lower.strip_prefix("array:").or_else(|| lower.strip_prefix("array ")) {
            let name = rest.trim().split([' ', '(']).next().unwrap_or_default().to_uppercase();
            if name.len() <= 2 && !name.is_empty() {
                (self.array, self.at, self.groups) = (Some(name), At::Nothing, None);
                return;
            }
        }
        if matches!(
            lower.as_str(),
            "unassigned" | "hba drives" | "physical drives" | "unassigned drives"
        ) {
            (self.at, self.groups) = (At::Nothing, None);
            self.hba = lower == "hba drives";
            if lower != "physical drives" {
                self.array = None;
            }
        } else if lower.starts_with("logicaldrive ") || lower.starts_with("logical drive:") {
            self.volume(trimmed);
        } else if lower.starts_with("physicaldrive ") {
            self.drive(trimmed);
        } else if let Some(kind) = group_kind(&lower) {
            self.open_group(kind);
        } else if let Some(rest) = lower.strip_prefix("sensor id:") {
            (self.at, self.sensor) = (At::Sensor, format!("sensor {}", rest.trim()));
        } else if trimmed.contains(" at Port ") {
            self.enclosure(trimmed);
        } else if is_other_part(&lower) {
            (self.at, self.groups) = (At::Nothing, None);
        } else {
            self.fact(trimmed);
        }
    }

    /// `Smart Array P840 in Slot 1 (HBA Mode)`, `MSA1500 CS in MY STORAGE`.
    fn header(&mut self, trimmed: &str) -> bool {
        let Some((model, place)) = trimmed.split_once(" in ") else { return false };
        if trimmed.contains(": ") || trimmed.ends_with('.') || trimmed.starts_with(['[', '$', '/'])
        {
            return false;
        }
        let slot = place.strip_prefix("Slot ").unwrap_or(place);
        let slot = slot.split('(').next().unwrap_or(slot).trim().to_owned();
        if slot.is_empty() || slot.len() > 40 || model.len() > 80 {
            return false;
        }
        let card = card(self.cards, &slot);
        card.attr("hw.model", Some(model));
        card.name = Some(format!("{model} slot {slot}"));
        if place.to_lowercase().contains("hba mode") {
            card.word(&m::CONFIGURATION, "hba");
        }
        (self.index, self.at, self.array, self.groups) = (Some(slot), At::Controller, None, None);
        true
    }

    /// `Logical Drive: 1`, or `logicaldrive 1 (894.2 GB, RAID 5, OK)`.
    fn volume(&mut self, trimmed: &str) {
        let rest = trimmed.split_once(['e', 'E']).map_or("", |it| it.1); // behind `…driv`
        let digits: String = rest
            .chars()
            .skip_while(|it| !it.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        let array = self.array.clone();
        let Some(card) = self.card() else { return };
        if digits.is_empty() {
            return card.strange(format!("a logical drive without number: {trimmed:?}"));
        }
        let volume = card.volume(&digits);
        volume.group = array.or(volume.group.take());
        if let Some((_, inner)) = trimmed.split_once('(') {
            let inner = inner.strip_suffix(')').unwrap_or(inner);
            // `279.4 GB, RAID 1+0, Recovering, 12% complete`; levels may hold brackets.
            let parts: Vec<&str> = inner.splitn(3, ',').map(str::trim).collect();
            if let [size, level, said] = parts.as_slice() {
                volume.size = text::bytes(size);
                (*level).clone_into(&mut volume.level);
                volume_state(card, &digits, said);
            }
        }
        (self.at, self.groups) = (At::Volume(digits), None);
    }

    /// `physicaldrive 1I:1:4`, alone or with `(port 1I:box 1:bay 4, SAS HDD, 600 GB, Predictive Failure, spare)`.
    fn drive(&mut self, trimmed: &str) {
        let rest = trimmed.split_once(' ').map_or("", |it| it.1).trim();
        let (key, inner) = match rest.split_once('(') {
            Some((key, inner)) => (key.trim(), inner.strip_suffix(')').unwrap_or(inner)),
            None => (rest, ""),
        };
        let (array, groups, hba) = (self.array.clone(), self.groups.clone(), self.hba);
        let index = self.index.clone();
        let Some(card) = self.card() else { return };
        card.lists_volumes = true;
        if key.is_empty() || key.len() > 24 {
            return card.strange(format!("a drive without place: {trimmed:?}"));
        }
        let gap = key.contains('?');
        if !gap {
            let drive = card.drive(key);
            let mut parts = key.split(':');
            drive.enclosure =
                parts.next().map(|port| format!("{port}:{}", parts.next().unwrap_or_default()));
            drive.slot = key.rsplit(':').next().map(str::to_owned);
        }
        if !inner.is_empty() {
            let parts: Vec<&str> = inner.split(',').map(str::trim).collect();
            let spare = parts.iter().any(|it| it.to_lowercase().contains("spare"));
            if !gap && let Some(said) = parts.get(3) {
                drive_state(card, key, said, spare, array.is_some());
                let drive = card.drive(key);
                drive.size = parts.get(2).and_then(|it| text::bytes(it));
                if hba && drive.state == DriveState::Unconfigured {
                    drive.state = DriveState::Jbod;
                }
            }
            if let (Some((volume, _)), Some(index)) = (&groups, index) {
                if let Some((_, legs)) = self.legs.get_mut(&(index, volume.clone()))
                    && let Some(leg) = legs.last_mut()
                {
                    leg.push(key.to_owned());
                }
                return;
            }
            if let Some(array) = &array {
                belongs(card, array, key, spare, gap);
            }
            return;
        }
        if let Some(array) = &array {
            belongs(card, array, key, false, gap);
        }
        (self.at, self.groups) = (At::Drive(key.to_owned()), None);
    }

    fn open_group(&mut self, mirrors: bool) {
        let At::Volume(number) = &self.at else { return };
        let Some(index) = self.index.clone() else { return };
        let legs = self.legs.entry((index, number.clone())).or_insert((mirrors, Vec::new()));
        legs.1.push(Vec::new());
        self.groups = Some((number.clone(), mirrors));
    }

    /// `Internal Drive Cage at Port 1I, Box 1, OK`.
    fn enclosure(&mut self, trimmed: &str) {
        let Some((name, rest)) = trimmed.split_once(" at Port ") else { return };
        let parts: Vec<&str> = rest.split(',').map(str::trim).collect();
        let said = parts.last().copied().unwrap_or_default().to_owned();
        let place = parts
            .iter()
            .take(2)
            .map(|it| it.trim_start_matches("Box "))
            .collect::<Vec<_>>()
            .join(":");
        let name = name.to_owned();
        if let Some(card) = self.card() {
            let good = said.eq_ignore_ascii_case("ok");
            card.enclosures.push(Enclosure {
                index: place,
                name: Some(name),
                good: Some(good),
                said,
            });
        }
        (self.at, self.array, self.groups) = (At::Nothing, None, None);
    }

    fn fact(&mut self, trimmed: &str) {
        let found = match trimmed.strip_prefix("PCI Address") {
            Some(rest) => rest.rsplit_once("): ").map(|it| ("PCI Address", it.1)),
            None => text::pair(trimmed),
        };
        let Some((key, value)) = found else { return };
        let (at, array, sensor) = (self.at.clone(), self.array.clone(), self.sensor.clone());
        let Some(card) = self.card() else { return };
        match at {
            At::Controller => controller(card, key, value),
            At::Sensor => match key {
                "Location" => self.sensor = value.to_lowercase(),
                "Current Value (C)" => {
                    card.number(
                        &m::TEMPERATURE,
                        vec![("hw.sensor_location", sensor)],
                        text::celsius(value),
                    );
                }
                _ => {}
            },
            At::Volume(number) => volume_fact(card, &number, key, value),
            At::Drive(place) => drive_fact(card, &place, key, value, array.as_deref()),
            At::Nothing => {}
        }
    }
}

/// Whether the line opens a mirror group (`true`) or a parity group.
fn group_kind(lower: &str) -> Option<bool> {
    if lower.starts_with("mirror group") {
        return Some(true);
    }
    lower.starts_with("parity group").then_some(false)
}

fn is_other_part(lower: &str) -> bool {
    ["port name:", "expander ", "enclosure sep", "sep (", "drive cage", "none attached"]
        .iter()
        .any(|it| lower.starts_with(it))
}

fn belongs(card: &mut Card, array: &str, key: &str, spare: bool, gap: bool) {
    if spare {
        card.spares.insert(key.to_owned(), Some(array.to_owned()));
        if let Some(group) = card.groups.get_mut(array) {
            group.places.retain(|it| it.drive.as_deref() != Some(key));
        }
        return;
    }
    let group: &mut Group = card.groups.entry(array.to_owned()).or_default();
    let there = group.places.iter().any(|it| it.drive.as_deref() == Some(key));
    if !there {
        let (drive, name, state) = match gap {
            true => (None, "missing drive".to_owned(), Some(MemberState::Missing)),
            false => (Some(key.to_owned()), drive_name(key), None),
        };
        group.places.push(Place { drive, name, state });
    }
}

/// Puts the members of mirror or parity groups into places whose neighbours protect each other.
fn arrange(card: &mut Card, number: &str, mirrors: bool, groups: &[Vec<String>]) {
    let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
    let mut keys: Vec<&str> = Vec::new();
    if mirrors {
        for at in 0..longest {
            keys.extend(groups.iter().filter_map(|it| it.get(at)).map(String::as_str));
        }
    } else {
        keys.extend(groups.iter().flatten().map(String::as_str));
    }
    let places = keys.iter().map(|key| {
        let gap = key.contains('?');
        Place {
            drive: (!gap).then(|| (*key).to_owned()),
            name: drive_name(key),
            state: gap.then_some(MemberState::Missing),
        }
    });
    let places: Vec<Place> = places.collect();
    let volume = card.volume(number);
    // A volume of its own: its group's list has no order.
    let array = volume.group.clone().unwrap_or_default();
    let own = format!("{array}/{number}");
    volume.group = Some(own.clone());
    if !mirrors {
        volume.legs = u32::try_from(groups.len()).ok();
    }
    let legs = volume.legs;
    card.groups.insert(own.clone(), Group { places, legs });
    let spares: Vec<String> = card
        .spares
        .iter()
        .filter(|it| it.1.as_deref() == Some(array.as_str()))
        .map(|it| it.0.clone())
        .collect();
    card.volume(number).spares.extend(spares);
}
