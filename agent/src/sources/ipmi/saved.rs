//! Saved outputs of ipmitool and FreeIPMI, told apart by their content.

use xunjian_proto::Time;

use super::{log, sdr, table};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// The host on which the source finds these files.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    host.file("dev/ipmi0", "");
    let mut taken: Vec<(&str, &str)> = Vec::new();
    for file in files {
        let Some(words) = question(&file.content) else {
            let what = super::SOURCE.saved.what().join(", or ");
            return Err(format!("{}: want {what}", file.name));
        };
        let key = words[words.len() - 1];
        if let Some((_, other)) = taken.iter().find(|(it, _)| *it == key) {
            return Err(format!("{other} and {} answer the same question: give one", file.name));
        }
        taken.push((key, &file.name));
        host.answer(words, 0, &*file.content);
    }
    Ok(SavedHost { host, at: None })
}

/// What the source asks to get such a text.
fn question(text: &str) -> Option<&'static [&'static str]> {
    const LISTS: &[&str] = &["ipmitool", "sdr"];
    let has = |part: &str| text.lines().any(|it| it.trim_start().starts_with(part));
    if sdr::is(text) {
        return Some(LISTS);
    }
    if has("FRU Device Description") {
        return Some(&["ipmitool", "fru"]);
    }
    if has("Last Add Time") {
        return Some(&["ipmitool", "sel", "info"]);
    }
    if has("Firmware Revision") && has("IPMI Version") {
        return Some(&["ipmitool", "mc"]);
    }
    if has("Instantaneous power reading") || has("Current Power") {
        return Some(&["ipmitool", "dcmi"]);
    }
    if has("Chassis Intrusion") && has("System Power") {
        return Some(&["ipmitool", "chassis"]);
    }
    if has("SEL has no entries") || text.lines().any(log::is_heading) {
        return Some(&["ipmitool", "elist"]);
    }
    let (records, _) = log::parse(text);
    let (sensors, _) = table::parse(text);
    match (records.len(), sensors.len()) {
        (0, 0) => None,
        (records, sensors) if records > sensors => Some(&["ipmitool", "elist"]),
        _ => Some(LISTS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_freeipmi_and_an_empty_one_are_no_sensors() {
        let log = "ID  | Date        | Time     | Name       | Type         | Event\n\
                   2   | Jul-29-2026 | 11:02:14 | PS2 Status | Power Supply | Power Supply Failure detected\n";
        let elist: Option<&[&str]> = Some(&["ipmitool", "elist"]);
        assert_eq!(question(log), elist);
        assert_eq!(question("SEL has no entries\n"), elist);
        let sensors = "ID | Name       | Type         | Reading | Units | Event\n\
                       72 | PS2 Status | Power Supply | N/A     | N/A   | 'Presence detected'\n";
        assert_eq!(question(sensors), Some(&["ipmitool", "sdr"][..]));
    }
}
