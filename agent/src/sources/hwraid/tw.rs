//! 3ware: `tw_cli` with `show`, `/cN show all` and `/cN/eX show all`.
//!
//! Facts: 3ware SAS/SATA RAID software CLI guide. Tables begin with a head and a rule of dashes. Units: OK, DEGRADED,
//! REBUILDING, REBUILD-PAUSED, INOPERABLE, VERIFYING, INITIALIZING, MIGRATING, RECOVERY. Ports: OK, DEGRADED, ECC-ERROR,
//! DCB errors, DRIVE-REMOVED, NOT-PRESENT, WARNING, SMART-FAILURE.

use std::collections::BTreeMap;

use xunjian_proto::Reason;

use super::{
    metrics as m,
    model::{Card, DriveState, Enclosure, Pack, PackState, Place, VolumeState, WriteCache, card},
    text,
};

/// Whether a text is an answer of this tool.
pub(super) fn is_answer(text: &str) -> bool {
    text.lines().any(|it| kind_of(it).is_some())
        || text.lines().any(|it| it.starts_with("/c") && it.contains(" = "))
}

/// Numbers of the controllers that `show` lists.
pub(super) fn controllers(list: &str) -> Vec<String> {
    let number = |line: &str| {
        let digits = line.split_whitespace().next()?.strip_prefix('c')?;
        (!digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|it| it.is_ascii_digit()))
            .then(|| digits.to_owned())
    };
    list.lines().filter_map(number).take(16).collect()
}

/// Which of the questions gave this answer: the words that only its command line has.
pub(super) fn is_list(text: &str) -> bool {
    text.lines().any(|it| kind_of(it) == Some(Table::Controllers))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Controllers,
    Units,
    Ports,
    Battery,
    Enclosures,
    EnclosureParts,
}

fn kind_of(line: &str) -> Option<Table> {
    let mut words = line.split_whitespace();
    let (first, second) = (words.next()?, words.next().unwrap_or_default());
    Some(match (first, second) {
        // StorCLI's overview begins alike; its counts of what is not optimal are its own.
        ("Ctl", "Model") if !line.contains("DNOpt") => Table::Controllers,
        ("Unit", "UnitType") => Table::Units,
        ("Port" | "VPort", "Status") => Table::Ports,
        ("Name", "OnlineState") => Table::Battery,
        ("Encl", "Status") => Table::Enclosures,
        ("Fan" | "TempSensor" | "PowerSupply" | "Alarm", "Status") => Table::EnclosureParts,
        ("Slot", "Status") => Table::EnclosureParts,
        _ => return None,
    })
}

/// Takes in an answer about a controller; `index` is its number where the answer itself does not say it. The error is
/// for an answer that says nothing of any controller.
pub(super) fn read(
    answer: &str,
    index: &str,
    cards: &mut Vec<Card>,
) -> Result<(), (Reason, String)> {
    let mut index = index.to_owned();
    let (mut table, mut head): (Option<Table>, String) = (None, String::new());
    let mut enclosure = String::new();
    let mut understood = false;
    for line in answer.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            table = None;
        } else if let Some(kind) = kind_of(trimmed) {
            (table, head) = (Some(kind), trimmed.to_owned());
            understood = true;
        } else if trimmed.starts_with("---") {
        } else if let Some((path, value)) =
            trimmed.split_once(" = ").filter(|it| it.0.starts_with("/c"))
        {
            understood |= property(cards, &mut index, path, value);
        } else if let Some(table) = table {
            row(cards, &mut index, &mut enclosure, (table, &head), trimmed);
        }
    }
    for card in cards.iter_mut() {
        share(card);
    }
    if understood {
        return Ok(());
    }
    let start: String = answer.trim().chars().take(60).collect();
    Err((Reason::Unparsable, format!("no table in {start:?}")))
}

/// `/c0 Serial Number = SV12115702`.
fn property(cards: &mut Vec<Card>, index: &mut String, path: &str, value: &str) -> bool {
    let Some((place, name)) = path.split_once(' ') else { return false };
    let number: String =
        place.trim_start_matches("/c").chars().take_while(char::is_ascii_digit).collect();
    if number.is_empty() || number.len() > 2 {
        return false;
    }
    *index = number;
    let card = card(cards, index);
    if place.contains("/e") {
        return true; // of an enclosure
    }
    match name {
        "Model" => card.attr("hw.model", Some(value)),
        "Firmware Version" => card.attr("hw.firmware_version", Some(value)),
        "Driver Version" => card.attr("hw.driver_version", Some(value)),
        "Serial Number" => {
            card.attr("hw.serial_number", Some(value));
            card.serial = card.attrs.get("hw.serial_number").cloned();
        }
        _ => {}
    }
    true
}

fn row(
    cards: &mut Vec<Card>,
    index: &mut String,
    enclosure: &mut String,
    (table, head): (Table, &str),
    line: &str,
) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some(first) = words.first().copied() else { return };
    match table {
        Table::Controllers => {
            let Some(number) = first
                .strip_prefix('c')
                .filter(|it| it.bytes().all(|b| b.is_ascii_digit()) && !it.is_empty())
            else {
                return;
            };
            number.clone_into(index);
            let card = card(cards, index);
            card.attr("hw.model", words.get(1).copied());
            if let Some(said) = words.get(8).filter(|it| **it != "-") {
                battery(card, said, None);
            }
            let wrong = words.get(5).and_then(|it| it.parse::<u32>().ok()).unwrap_or(0);
            card.status =
                Some(if wrong > 0 { "Needs attention".to_owned() } else { "OK".to_owned() });
        }
        Table::Units => unit(card(cards, index), &words),
        Table::Ports => port(card(cards, index), head, line, &words),
        Table::Battery => {
            let card = card(cards, index);
            let said = words.get(3).copied().unwrap_or_default();
            let never = words.last().is_some_and(|it| it.contains("xx"));
            let tested =
                words.last().map(|it| if never { "never".to_owned() } else { it.to_lowercase() });
            let ready = words.get(2).is_some_and(|it| it.eq_ignore_ascii_case("yes"));
            let said = if ready || said != "OK" { said.to_owned() } else { "not ready".to_owned() };
            battery(card, &said, tested);
        }
        Table::Enclosures => {
            first.clone_into(enclosure);
            let said = words.get(1).copied().unwrap_or_default().to_owned();
            let number = first.trim_start_matches("/c").split('/').next().unwrap_or_default();
            let card = card(cards, if number.is_empty() { index } else { number });
            let good = said == "OK";
            card.enclosures.retain(|it| it.index != *first);
            card.enclosures.push(Enclosure {
                index: first.to_owned(),
                name: None,
                good: Some(good),
                said,
            });
        }
        Table::EnclosureParts => {
            part(card(cards, index), enclosure, first, words.get(1).copied().unwrap_or_default())
        }
    }
}

/// A fan, sensor, supply or slot of the enclosure that was named before.
fn part(card: &mut Card, enclosure: &str, name: &str, said: &str) {
    const FINE: [&str; 8] = [
        "OK",
        "NOT-INSTALLED",
        "NOT-REPORTABLE",
        "NO-DEVICE",
        "UNSUPPORTED",
        "ACTIVATED",
        "ON",
        "OFF",
    ];
    if FINE.contains(&said) {
        return;
    }
    if let Some(it) = card.enclosures.iter_mut().find(|it| it.index == enclosure) {
        it.good = Some(false);
        it.said = format!("{}, {name}: {said}", it.said);
    }
}

fn battery(card: &mut Card, said: &str, tested: Option<String>) {
    let state = match said.to_uppercase().as_str() {
        "OK" => PackState::Good,
        "TESTING" => PackState::Learning,
        "CHARGING" => PackState::Charging,
        "FAULT" | "FAILED" | "ERROR" => PackState::Failed,
        "WEAKBAT" | "NOT READY" => PackState::Degraded,
        "NOTPRESENT" | "NOT-PRESENT" => PackState::Missing,
        _ => text::pack(said),
    };
    // The list of controllers and the table of batteries tell of the same one.
    let tested = tested.or_else(|| card.packs.pop().and_then(|it| it.tested));
    card.packs = vec![Pack { state, said: said.to_owned(), tested, ..Pack::default() }];
}

/// `u0    RAID-5    VERIFYING      -       16%     256K    5587.9    RiW    ON`.
fn unit(card: &mut Card, words: &[&str]) {
    let [name, level, said, rebuilt, checked, ..] = words else { return };
    // Parts of a unit (`u0-0`) come again as ports; a spare is no unit that holds data.
    if !name.starts_with('u') || name.contains('-') {
        return;
    }
    if level.eq_ignore_ascii_case("spare") {
        return;
    }
    let state = match said.to_uppercase().as_str() {
        "OK" | "VERIFYING" | "VERIFY-PAUSED" | "INITIALIZING" | "INIT-PAUSED" | "MIGRATING"
        | "MIGRATE-PAUSED" => VolumeState::Optimal,
        "DEGRADED" | "REBUILD-PAUSED" | "REBUILD-VERIFY" => VolumeState::Partial,
        "REBUILDING" | "RECOVERY" => VolumeState::Rebuilding,
        "INOPERABLE" | "OFFLINE" | "FAILED" => VolumeState::Failed,
        _ => VolumeState::Unknown,
    };
    if state == VolumeState::Unknown {
        card.strange(format!("unit {name}: status {said:?} is not known"));
    }
    let volume = card.volume(name.trim_start_matches('u'));
    volume.name = Some((*name).to_owned());
    (*level).clone_into(&mut volume.level);
    volume.state = state;
    (*said).clone_into(&mut volume.said);
    volume.size =
        words.get(6).and_then(|it| text::number(it)).map(|it| (it * 1024_f64.powi(3)).round());
    let lower = said.to_lowercase();
    let task = [
        ("rebuild", "rebuild"),
        ("verify", "consistency_check"),
        ("init", "initialization"),
        ("migrat", "migration"),
    ]
    .iter()
    .find(|it| lower.contains(it.0));
    volume.activity = task.map(|it| it.1.to_owned());
    volume.progress =
        [rebuilt, checked].iter().find(|it| it.contains('%')).and_then(|it| text::percent(it));
    let cache = words.get(7).copied().unwrap_or_default();
    volume.cache = match cache {
        "ON" => Some(WriteCache::Back),
        "OFF" => Some(WriteCache::Through),
        it if it.contains('W') => Some(WriteCache::Back),
        it if it.starts_with('R') => Some(WriteCache::Through),
        _ => None,
    };
}

/// `p8    OK   -   136.73 GB SAS   -   /c0/e0/slt3  SEAGATE ST3146855SS`, or in old versions
/// `p0    OK   u0  931.51 GB   1953525168    S246JDWZ134931`.
fn port(card: &mut Card, head: &str, line: &str, words: &[&str]) {
    let [name, said, unit, ..] = words else { return };
    if !name.starts_with('p') || said.eq_ignore_ascii_case("not-present") && *unit == "-" {
        return;
    }
    let of_unit = unit.strip_prefix('u').filter(|it| !it.is_empty());
    let upper = said.to_uppercase();
    let state = match upper.as_str() {
        "OK" | "VERIFYING" if of_unit.is_some() => DriveState::Online,
        "OK" | "VERIFYING" => DriveState::Unconfigured,
        "SPARE" => DriveState::Spare,
        "REBUILDING" => DriveState::Rebuilding,
        // The port is there, its drive does not hold the unit's data (yet).
        "DEGRADED" => DriveState::Rebuilding,
        "WARNING" | "SMART-FAILURE" | "SMART_FAILURE" | "ECC-ERROR" => DriveState::Predicted,
        "NOT-PRESENT" | "DRIVE-REMOVED" | "REMOVED" => DriveState::Missing,
        it if it.contains("FAIL")
            || it.contains("ERROR")
            || it.contains("DCB")
            || it == "OFFLINE-JBOD" =>
        {
            match of_unit {
                Some(_) => DriveState::Failed,
                None => DriveState::Bad,
            }
        }
        "INITIALIZING" | "MIGRATING" => DriveState::Online,
        _ => DriveState::Unknown,
    };
    if state == DriveState::Unknown {
        card.strange(format!("port {name}: status {said:?} is not known"));
    }
    let drive = card.drive(name);
    drive.is(state, said);
    drive.slot = Some((*name).to_owned());
    if let Some(of) = of_unit {
        drive.hints.insert("unit", of.to_owned());
    }
    drive.size = text::bytes(&words.iter().skip(3).take(2).copied().collect::<Vec<_>>().join(" "));
    if head.contains("Serial") {
        drive.serial = words.get(6).map(|it| (*it).to_owned());
    }
    if let Some(place) = words.iter().find(|it| it.contains("/slt")) {
        drive.enclosure = place.split("/slt").next().map(str::to_owned);
        drive.slot = place.split("/slt").nth(1).map(str::to_owned);
    }
    if head.contains("Model") {
        // The last column; it holds blanks. Those before it do not.
        let model = line.split_whitespace().skip(8).collect::<Vec<_>>().join(" ");
        drive.attr("hw.model", Some(&model));
        drive.attr("hw.interface", words.get(5).map(|it| it.to_lowercase()).as_deref());
    }
}

/// Ports say of which unit they are. Those of a unit that is a spare are spares.
fn share(card: &mut Card) {
    let mut places: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    let units: Vec<String> = card.volumes.iter().map(|it| it.number.clone()).collect();
    for drive in &mut card.drives {
        let Some(unit) = drive.hints.get("unit").cloned() else { continue };
        if !units.contains(&unit) {
            if !units.is_empty() && drive.state == DriveState::Online {
                drive.state = DriveState::Spare;
                card.spares.insert(drive.key.clone(), None);
            }
            continue;
        }
        places.entry(unit).or_default().push(Place {
            drive: Some(drive.key.clone()),
            name: drive.key.clone(),
            state: None,
        });
    }
    for volume in &mut card.volumes {
        if let Some(found) = places.remove(&volume.number) {
            volume.places = found;
        }
        volume.spares = card.spares.keys().cloned().collect();
    }
    if card.volumes.is_empty() {
        return;
    }
    card.words.retain(|it| it.0 != &m::CONFIGURATION);
}

/// Paths of the enclosures that `show` lists: `/c0/e1`.
pub(super) fn enclosures(list: &str) -> Vec<String> {
    let path = |line: &str| {
        let word = line.split_whitespace().next()?;
        let (card, enclosure) = word.strip_prefix("/c")?.split_once("/e")?;
        let digits =
            |it: &str| !it.is_empty() && it.len() <= 2 && it.bytes().all(|b| b.is_ascii_digit());
        (digits(card) && digits(enclosure)).then(|| word.to_owned())
    };
    list.lines().filter_map(path).take(16).collect()
}
