//! From sensors to the parts that they watch: identity, what kind of part it is, and how it is.
//!
//! Invariants: a sensor's name is a key only together with its kind, and with its entity where several bear the name;
//! an empty place that was never occupied is no part, and one that was is not forgotten.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{ComponentId, MemberState};

use super::{
    meaning::{self, Redundancy, Verdict},
    reading::Reading,
};

/// A sensor with its component.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) id: ComponentId,
    /// What people call it.
    pub(super) name: String,
    pub(super) reading: Reading,
    /// What its states or thresholds say, as a word; `None`: they say nothing that is understood.
    pub(super) status: Option<&'static str>,
    /// Of a redundancy sensor.
    pub(super) redundancy: Option<Redundancy>,
    /// States that are not in the tables.
    pub(super) unknown: Vec<String>,
}

/// All sensors as parts.
pub(super) fn of(readings: Vec<Reading>) -> Vec<Part> {
    let kinds: Vec<&str> = readings.iter().map(|it| kind(it, &readings)).collect();
    let mut names: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut supplies: BTreeMap<(u8, u8), usize> = BTreeMap::new();
    for (reading, kind) in readings.iter().zip(&kinds) {
        *names.entry((kind, reading.name.as_str())).or_default() += 1;
        if let Some(entity) = reading.entity.filter(|_| *kind == "psu") {
            *supplies.entry(entity).or_default() += 1;
        }
    }
    let mut taken = BTreeSet::new();
    let mut parts = Vec::new();
    for (reading, kind) in readings.iter().zip(&kinds) {
        let alone = names.get(&(*kind, reading.name.as_str())) == Some(&1);
        let place = reading.entity.map(|(id, instance)| format!("{id}.{instance}"));
        let only = reading.entity.is_some_and(|it| supplies.get(&it) == Some(&1));
        let (key, name) = match &place {
            Some(place) if *kind == "psu" && only && alone => (place.clone(), reading.name.clone()),
            Some(place) if *kind == "psu" && only => {
                (place.clone(), format!("{} {place}", reading.name))
            }
            Some(place) if !alone => {
                let both = format!("{} {place}", reading.name);
                (both.clone(), both)
            }
            _ => (reading.name.clone(), reading.name.clone()),
        };
        let mut id = ComponentId::new(kind, &key);
        let mut number = u32::from(reading.number.unwrap_or(2));
        while !taken.insert(id.clone()) {
            id = ComponentId::new(kind, &format!("{key} #{number}"));
            number += 1;
        }
        parts.push(part(id, name, reading.clone()));
    }
    parts
}

/// The kind of part: by the sensor's type. A part is its sensor of presence and state; further sensors of the same part
/// (`PSU1 Mismatch`, `PSU1 Fan Fail`) are sensors.
fn kind(reading: &Reading, all: &[Reading]) -> &'static str {
    let words = || reading.states.iter().chain(&reading.possible);
    if words().any(|it| meaning::redundancy(it).is_some()) {
        return "sensor";
    }
    let analog = is_analog(reading);
    // States that only the manufacturer or the name explains make no part.
    let private = words().next().is_some() && words().all(|it| meaning::is_private(it));
    let entity = reading.entity.map(|it| it.0);
    match reading.kind() {
        Some(0x01) => "temperature",
        Some(0x02) => "voltage",
        Some(0x04 | 0x0a) if analog => "fan",
        Some(0x04 | 0x0a) => {
            // A sensor that only says "present" beside one that counts turns is the same fan.
            let twin = |it: &Reading| {
                is_analog(it)
                    && matches!(it.kind(), Some(0x04 | 0x0a))
                    && (it.entity.is_none() || it.entity == reading.entity)
            };
            let other = private || entity == Some(SUPPLY) || all.iter().any(twin);
            if other { "sensor" } else { "fan" }
        }
        Some(0x07) if !analog && !private => "cpu",
        Some(0x08) if !analog && !private && is_supply(reading, all) => "psu",
        Some(0x0c) if !analog && !private => "memory",
        Some(0x0d) if !analog && !private => "bay",
        _ => "sensor",
    }
}

/// The entity of power supplies.
pub(super) const SUPPLY: u8 = 10;

/// Whether this is the sensor that stands for a power supply: the one that says whether it is there or, where its part
/// has none that does, the first one.
fn is_supply(reading: &Reading, all: &[Reading]) -> bool {
    let presence =
        |it: &Reading| it.states.iter().chain(&it.possible).any(|it| meaning::says_present(it));
    if presence(reading) {
        return true;
    }
    if !matches!(reading.entity, Some((SUPPLY | 19, _))) {
        return false;
    }
    let same =
        |it: &&Reading| it.kind() == Some(0x08) && !is_analog(it) && it.entity == reading.entity;
    let first = all.iter().find(same).is_some_and(|it| std::ptr::eq(it, reading));
    first && !all.iter().filter(same).any(presence)
}

fn is_analog(reading: &Reading) -> bool {
    reading.value.is_some() || reading.limits.iter().any(Option::is_some)
}

fn part(id: ComponentId, name: String, reading: Reading) -> Part {
    let redundancy = reading.states.iter().filter_map(|it| meaning::redundancy(it)).max();
    let mut unknown = Vec::new();
    let status = match &reading.status {
        _ if reading.silent.is_some() || redundancy.is_some() => None,
        Some(status) => grade(status),
        None => verdict(&reading, &mut unknown).map(Verdict::word),
    };
    Part { id, name, reading, status, redundancy, unknown }
}

/// The gravity of a crossed threshold.
fn grade(status: &str) -> Option<&'static str> {
    Some(match status {
        "ok" => "ok",
        "lnc" | "unc" | "warning" => "warning",
        "lcr" | "ucr" | "critical" => "critical",
        "lnr" | "unr" | "fatal" => "fatal",
        _ => return None,
    })
}

/// What the states say together: the worst of them. Those that are not known are handed back.
fn verdict(reading: &Reading, unknown: &mut Vec<String>) -> Option<Verdict> {
    if reading.bits.is_some() {
        return None;
    }
    let kind = reading.kind();
    let mut worst = None;
    for state in &reading.states {
        match meaning::verdict(kind, state) {
            Some(verdict) => worst = worst.max(Some(verdict)),
            None => unknown.push(state.clone()),
        }
    }
    if worst.is_some() || !reading.states.is_empty() {
        // A bad state counts, whatever else is not understood; a good one does not.
        return worst.filter(|it| unknown.is_empty() || *it > Verdict::Absent);
    }
    if reading.possible.is_empty() || reading.is_oem() || is_analog(reading) {
        return None;
    }
    // Nothing is asserted: what could say that the part is there does not say so; without such a state, none is bad.
    let could = reading.possible.iter().any(|it| meaning::says_present(it));
    Some(if could { Verdict::Absent } else { Verdict::Ok })
}

impl Part {
    /// How it is as a member of a set. `known`: it was there before.
    pub(super) fn member(&self, known: bool) -> Option<MemberState> {
        if self.reading.silent.is_some() {
            return known.then_some(MemberState::Unknown);
        }
        // A fan that stands still; one that never turned is a header without a fan.
        if self.stands_still() {
            return known.then_some(MemberState::Failed);
        }
        match self.status {
            Some("absent") => known.then_some(MemberState::Missing),
            Some("failed" | "no_input" | "fatal") => Some(MemberState::Failed),
            // Below its critical speed it does not cool; above the upper one it does.
            Some("critical") if self.is_low() => Some(MemberState::Failed),
            Some(_) => Some(MemberState::Active),
            None if self.reading.value.is_some() => Some(MemberState::Active),
            None => Some(MemberState::Unknown),
        }
    }

    /// Whether it is there and says something: what is remembered.
    pub(super) fn is_there(&self) -> bool {
        self.reading.silent.is_none() && self.status != Some("absent") && !self.stands_still()
    }

    /// A fan that does not turn and crosses no limit, because none is set.
    pub(super) fn stands_still(&self) -> bool {
        let free = matches!(self.status, None | Some("ok"));
        self.id.kind() == "fan" && self.reading.value == Some(0.0) && free
    }

    /// The raw words: the crossed threshold or the asserted states.
    pub(super) fn said(&self) -> Option<String> {
        let reading = &self.reading;
        match (&reading.status, &reading.silent) {
            (_, Some(_)) => None,
            (Some(status), None) => Some(status.clone()),
            (None, None) if !reading.states.is_empty() => Some(reading.states.join(", ")),
            (None, None) if reading.bits.is_none() && reading.value.is_none() => {
                Some("none".to_owned())
            }
            (None, None) => None,
        }
    }

    fn is_low(&self) -> bool {
        match self.reading.status.as_deref() {
            Some("lcr" | "lnr") => true,
            Some("ucr" | "unr") => false,
            // Tools that print only the gravity: the side follows from the thresholds.
            _ => match (self.reading.value, self.reading.limits[1]) {
                (Some(value), Some(low)) => value <= low,
                _ => true,
            },
        }
    }
}
