//! Histories from the collector's own store. What the store does not know is which drives failed: a file says so.

use std::collections::BTreeMap;

use xunjian_proto::{Run, Time};

use super::history::{ATTRIBUTES, Day, Histories, MISSING, Values};
use crate::store::{Store, StoreError};

/// `SERIAL,YYYY-MM-DD` a line; a header and other lines are told back.
pub fn failures(text: &str) -> (BTreeMap<String, Day>, Vec<String>) {
    let (mut found, mut strange) = (BTreeMap::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let parsed = line.rsplit_once(',').and_then(|(serial, day)| {
            let day = super::csv::date(day.trim().as_bytes())?;
            Some((serial.trim().to_owned(), day))
        });
        match parsed {
            Some((serial, day)) => {
                found.insert(serial, day);
            }
            None => strange.push(line.to_owned()),
        }
    }
    (found, strange)
}

/// Reads every agent's runs of `smart`; the last reading of a day counts.
pub fn read(
    store: &Store,
    failed: &BTreeMap<String, Day>,
    into: &mut Histories,
) -> Result<(), StoreError> {
    for row in store.agents()? {
        let runs =
            store.runs(&row.agent, Time::from_millis(i64::MIN), Time::from_millis(i64::MAX))?;
        let mut days: BTreeMap<(usize, Day), Values> = BTreeMap::new();
        for run in runs.iter().filter(|it| it.source == "smart") {
            into.rows += 1;
            note(run, &mut days, into);
        }
        for ((drive, day), values) in days {
            let serial = into.drives[drive].serial.clone();
            into.drives[drive].failed = failed.get(&serial).copied();
            into.add(drive, day, &values);
        }
    }
    Ok(())
}

fn note(run: &Run, days: &mut BTreeMap<(usize, Day), Values>, into: &mut Histories) {
    let day = Day::try_from(run.at.millis().div_euclid(86_400_000)).unwrap_or(Day::MAX);
    for component in run.components.iter().filter(|it| it.id.kind() == "disk") {
        let attr = |name: &str| component.attrs.get(name).map_or("", String::as_str);
        if attr("identity") == "unstable" || attr("hw.serial_number").is_empty() {
            into.left.without_serial += 1;
            continue;
        }
        let mut values: Values = [MISSING; ATTRIBUTES.len() + 1];
        for sample in run.samples.iter().filter(|it| it.series.component == component.id) {
            let place = ATTRIBUTES.iter().position(|(_, name)| *name == sample.series.metric);
            let plausible = (0.0..9e15).contains(&sample.value);
            if let (Some(place), true) = (place, plausible) {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "its range is known"
                )]
                let value = sample.value as u64;
                values[place] = value;
            }
        }
        if values.iter().any(|it| *it != MISSING) {
            let drive =
                into.place(attr("hw.model").as_bytes(), attr("hw.serial_number").as_bytes());
            days.insert((drive, day), values);
        }
    }
}
