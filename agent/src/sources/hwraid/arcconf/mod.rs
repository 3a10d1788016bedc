//! Adaptec and Microchip SmartRAID (also old IBM ServeRAID): `arcconf GETCONFIG n AL`, with text for people.
//!
//! Facts: ARCCONF command line utility user guide. Sections between rules of dashes: controller, logical devices with
//! their segments, physical devices. Old versions say "drive" and "Okay", new ones "device" and "Optimal"; SmartRAID
//! writes "Status of Logical Device : Interim Recovery" like HPE.

use xunjian_proto::Reason;

use super::{
    metrics as m,
    model::{Card, DriveState, Enclosure, Pack, PackState, Place, VolumeState, WriteCache, card},
    text,
};

mod facts;

use facts::{battery_fact, controller_fact, drive_fact, enclosure_fact, segment, volume_fact};

/// Hint: a drive's channel and device until segments are matched.
const CHANNEL: &str = "channel";

/// Whether a text is an answer of this tool.
pub(super) fn is_answer(text: &str) -> bool {
    [
        "Controllers found:",
        "Logical device information",
        "Logical drive information",
        "Physical Device information",
    ]
    .iter()
    .any(|it| text.contains(it))
}

/// How many controllers there are.
pub(super) fn controllers(answer: &str) -> Option<u32> {
    let line = answer.lines().find_map(|it| it.trim().strip_prefix("Controllers found:"))?;
    line.trim().parse().ok().filter(|it| *it <= 16)
}

/// What the lines that follow are about.
#[derive(Debug, Clone, PartialEq)]
enum At {
    Controller,
    Versions,
    Battery,
    Volume(String),
    Segments(String),
    /// A device of which only its number in the list is known.
    Device(String),
    Drive(String),
    Enclosure(usize),
    Nothing,
}

/// Takes in the answer for one controller. The error is for an answer that says nothing of it.
pub(super) fn read(
    answer: &str,
    index: &str,
    cards: &mut Vec<Card>,
) -> Result<(), (Reason, String)> {
    let mut found = Card::numbered(index);
    let mut at = At::Nothing;
    let mut understood = false;
    for line in answer.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with("---") {
            continue;
        }
        if let Some(next) = section(trimmed) {
            understood |= !matches!(next, At::Nothing);
            at = next;
        } else if let Some(number) =
            numbered(trimmed, &["logical device number", "logical drive number"])
        {
            found.volume(&number);
            at = At::Volume(number);
        } else if let Some(number) = trimmed.strip_prefix("Device #") {
            at = At::Device(number.trim().to_owned());
        } else if trimmed.starts_with("Device is a") {
            at = device(&mut found, &at, trimmed);
        } else {
            at = fact(&mut found, at, trimmed);
        }
    }
    if answer.contains("Controllers found: 0") {
        return Err((Reason::Missing, "no controller found".to_owned()));
    }
    if !understood && answer.contains("Current operation") {
        tasks(card(cards, index), answer);
        return Ok(());
    }
    if !understood {
        // A help text, a log: a controller may be named, nothing is said of it.
        return Err((Reason::Unparsable, "no section of GETCONFIG".to_owned()));
    }
    finish(&mut found);
    let known = card(cards, index);
    merge(known, found);
    Ok(())
}

/// `GETSTATUS`: which tasks run, and how far they are.
fn tasks(card: &mut Card, answer: &str) {
    let mut number: Option<String> = None;
    for (key, value) in answer.lines().filter_map(text::pair) {
        match key.to_lowercase().as_str() {
            "logical device" | "logical drive" => {
                number = Some(value.to_owned()).filter(|it| it.parse::<u16>().is_ok())
            }
            "current operation" if value.eq_ignore_ascii_case("none") => {
                card.attr("hw.raid.task", Some("no task"));
            }
            "current operation" => {
                let lower = value.to_lowercase();
                let known = [
                    ("rebuild", "rebuild"),
                    ("verif", "consistency_check"),
                    ("build", "initialization"),
                ];
                let word = known
                    .iter()
                    .find(|it| lower.contains(it.0))
                    .map_or(lower.as_str(), |it| it.1)
                    .to_owned();
                if let Some(it) =
                    number.as_ref().and_then(|it| card.volumes.iter_mut().find(|v| v.number == *it))
                {
                    it.activity = Some(word);
                }
            }
            "percentage complete" => {
                if let Some(it) =
                    number.as_ref().and_then(|it| card.volumes.iter_mut().find(|v| v.number == *it))
                {
                    it.progress = text::percent(value);
                }
            }
            _ => {}
        }
    }
}

/// Several answers for one controller (`LD`, `PD`, `AD`) make one card.
fn merge(known: &mut Card, found: Card) {
    known.attrs.extend(found.attrs);
    known.serial = found.serial.or(known.serial.take());
    known.status = found.status.or(known.status.take());
    known.numbers.extend(found.numbers);
    known.words.extend(found.words);
    known.volumes.extend(found.volumes);
    known.drives.extend(found.drives);
    known.packs.extend(found.packs);
    known.enclosures.extend(found.enclosures);
    known.gaps.extend(found.gaps);
    link(known);
}

fn section(line: &str) -> Option<At> {
    let lower = line.to_lowercase();
    if lower.contains(" : ") {
        return None;
    }
    Some(match lower.as_str() {
        "controller information" | "raid properties" | "temperature sensors information" => {
            At::Controller
        }
        "controller version information" => At::Versions,
        "controller battery information"
        | "controller zmm information"
        | "controller cache backup unit information"
        | "supercap information"
        | "cache backup unit information"
        | "green backup information" => At::Battery,
        "logical device information"
        | "logical drive information"
        | "physical device information" => At::Controller,
        "controller vital product data"
        | "maxcache information"
        | "array information"
        | "device phy information"
        | "phy information"
        | "device error counters"
        | "runtime error counters"
        | "device error preservation" => At::Nothing,
        _ => return None,
    })
}

fn numbered(line: &str, starts: &[&str]) -> Option<String> {
    let lower = line.to_lowercase();
    let rest = starts.iter().find_map(|it| lower.strip_prefix(it))?.trim();
    (!rest.is_empty() && rest.len() <= 5 && rest.bytes().all(|it| it.is_ascii_digit()))
        .then(|| rest.to_owned())
}

/// `Device is a Hard drive`, `Device is an Enclosure Services Device`.
fn device(card: &mut Card, at: &At, line: &str) -> At {
    let lower = line.to_lowercase();
    let At::Device(number) = at else { return At::Nothing };
    if lower.contains("hard drive")
        || lower.contains("solid state")
        || lower.contains("ssd")
        || lower.contains("disk")
    {
        let key = format!("#{number}");
        card.drive(&key);
        return At::Drive(key);
    }
    if lower.contains("enclosure") {
        card.enclosures.push(Enclosure {
            index: number.clone(),
            good: None,
            ..Enclosure::default()
        });
        return At::Enclosure(card.enclosures.len() - 1);
    }
    At::Nothing
}

fn fact(card: &mut Card, at: At, line: &str) -> At {
    let lower = line.to_lowercase();
    if lower.contains("segment information") {
        return match at {
            At::Volume(number) | At::Segments(number) => At::Segments(number),
            other => other,
        };
    }
    // `Phy #0` and the like: what follows is about a part of the drive.
    if lower.starts_with("phy #")
        || lower.starts_with("device phy")
        || lower.ends_with("error counters")
    {
        return At::Nothing;
    }
    let Some((key, value)) = text::pair(line) else { return at };
    match &at {
        At::Controller => controller_fact(card, key, value),
        At::Versions if key == "Firmware" => card.attr("hw.firmware_version", Some(value)),
        At::Versions if key == "Driver" => card.attr("hw.driver_version", Some(value)),
        At::Battery => battery_fact(card, key, value),
        At::Volume(number) => volume_fact(card, &number.clone(), key, value),
        At::Segments(number) => segment(card, &number.clone(), key, value),
        At::Drive(place) => drive_fact(card, &place.clone(), key, value),
        At::Enclosure(index) => enclosure_fact(card, *index, key, value),
        _ => {}
    }
    at
}

fn finish(card: &mut Card) {
    for enclosure in &mut card.enclosures {
        if enclosure.said.is_empty() {
            "OK".clone_into(&mut enclosure.said);
        }
    }
    link(card);
}

/// Segments and spares name drives by serial number or by channel and device.
fn link(card: &mut Card) {
    let key_of = |name: &str, card: &Card| -> Option<String> {
        let drive = match name.split_once(' ')? {
            ("serial", serial) => {
                card.drives.iter().find(|it| it.serial.as_deref() == Some(serial))
            }
            ("place", channel) => card
                .drives
                .iter()
                .find(|it| it.hints.get(CHANNEL).map(String::as_str) == Some(channel)),
            _ => None,
        };
        drive.map(|it| it.key.clone())
    };
    let mut volumes = std::mem::take(&mut card.volumes);
    for volume in &mut volumes {
        for place in &mut volume.places {
            if let Some(name) = place.drive.clone()
                && let Some(key) = key_of(&name, card)
            {
                place.drive = Some(key);
            }
        }
        for spare in &mut volume.spares {
            if let Some(key) = key_of(spare, card) {
                *spare = key;
            }
        }
        let members: Vec<String> = volume.places.iter().filter_map(|it| it.drive.clone()).collect();
        volume.spares.retain(|it| it.starts_with('#') && !members.contains(it));
        for (key, of) in &card.spares {
            let serves = of.as_ref().is_none_or(|it| *it == volume.number);
            if serves && !volume.spares.contains(key) {
                volume.spares.push(key.clone());
            }
        }
    }
    card.volumes = volumes;
}
