//! ATA drives: attributes, error log, self-tests.
//!
//! Facts: ATA-8 ACS, smartmontools' drivedb.h and smartctl(8). Traps: raw values are vendors' encodings (Seagate packs
//! several counters into one, see `drives`), attribute numbers mean different things on SSDs (so the name must agree), wear is told
//! by the *normalised* value.

use serde_json::Value;

use super::{
    metrics as m,
    reading::{Reading, at, list, number, text, truth},
};
use crate::{
    drives::{self, Counts, Family, From},
    source::Metric,
};

/// Attribute number, what its name must contain, and what it means.
const COUNTERS: &[(u64, &[&str], &Metric)] = &[
    (5, &["realloc", "retired", "bad_block", "bad_blk", "bad block"], &m::REALLOCATED),
    (10, &["spin_retry"], &m::SPIN_RETRIES),
    (171, &["program_fail", "program fail"], &m::PROGRAM_FAILS),
    (172, &["erase_fail", "erase fail"], &m::ERASE_FAILS),
    (181, &["program_fail", "program fail"], &m::PROGRAM_FAILS),
    (182, &["erase_fail", "erase fail"], &m::ERASE_FAILS),
    (183, &["downshift"], &m::DOWNSHIFTS),
    (184, &["end-to-end", "end_to_end", "error_correction"], &m::END_TO_END),
    (187, &["uncorrect"], &m::REPORTED),
    (188, &["command_timeout"], &m::TIMEOUTS),
    (189, &["high_fly"], &m::HIGH_FLY),
    (196, &["realloc"], &m::REALLOCATIONS),
    (197, &["pending"], &m::PENDING),
    (198, &["uncorrect"], &m::OFFLINE),
    (199, &["crc"], &m::CRC),
    (201, &["soft_read"], &m::SOFT_READ),
];

/// Names of attributes whose normalised value falls from 100 to 0 as the flash wears out, the surest first.
const WEAR: &[&str] = &[
    "percent_lifetime_remain",
    "percent_life_remaining",
    "remaining_lifetime_perc",
    "ssd_life_left",
    "media_wearout_indicator",
    "percent_lifetime_used",
    "wear_leveling_count",
    "drive_life_remaining",
];

/// Reads everything that is particular to ATA.
pub(super) fn read(json: &Value, exit: u32, out: &mut Reading) {
    attributes(json, exit, out);
    endurance(json, out);
    error_log(json, out);
    self_tests(json, out);
}

fn attributes(json: &Value, exit: u32, out: &mut Reading) {
    let table = list(json, &["ata_smart_attributes", "table"]);
    if table.is_empty() {
        return;
    }
    let family = family(json);
    for attribute in table {
        one(family, attribute, out);
    }
    let failing = |when: &[&str]| {
        let matching = table.iter().filter(|it| {
            text(it, &["when_failed"])
                .is_some_and(|word| when.contains(&word.to_lowercase().as_str()))
        });
        let names: Vec<String> = matching.map(label).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let (mut now, mut past) = (failing(&["now", "failing_now"]), failing(&["past", "in_the_past"]));
    // Bits 4 and 5 say the same without a name: old versions leave `when_failed` out.
    if now == "none" && exit & 0x10 != 0 {
        "not named".clone_into(&mut now);
    }
    if past == "none" && exit & 0x20 != 0 {
        "not named".clone_into(&mut past);
    }
    out.word(&m::FAILING, now);
    out.word(&m::FAILED_PAST, past);
}

fn label(attribute: &Value) -> String {
    let id = number(attribute, &["id"]).unwrap_or(0.0);
    format!("{id} {}", text(attribute, &["name"]).unwrap_or("unnamed"))
}

/// Whose drive it is, by its model.
pub(super) fn family(json: &Value) -> Option<&'static Family> {
    text(json, &["model_name"]).and_then(drives::family)
}

fn one(family: Option<&Family>, attribute: &Value, out: &mut Reading) {
    let Some(id) = at(attribute, &["id"]).and_then(Value::as_u64) else { return };
    let name = text(attribute, &["name"]).unwrap_or_default().to_lowercase();
    let counter =
        COUNTERS.iter().find(|it| it.0 == id && it.1.iter().any(|part| name.contains(part)));
    if let Some((_, _, metric)) = counter {
        let value = match drives::is_packed(family, id) {
            true => unpacked(family, id, attribute),
            false => raw(attribute),
        };
        // Of a model that nobody knows, a huge number of timeouts is several counters in one.
        match value {
            Some(value) if id == 188 && value > PLAIN_MAX => out.implausible(metric, value),
            value => out.count(metric, value),
        }
    }
    let normalized = number(attribute, &["value"]);
    if name.starts_with("helium_level") {
        out.between(&m::HELIUM, normalized.map(|it| it / 100.0), 0.0, 2.54);
    }
    if id == 175 && name.contains("power_loss_cap") {
        let failing = text(attribute, &["when_failed"]).is_some_and(|it| it == "now");
        out.word(&m::CAPACITOR, if failing { "failing" } else { "good" });
    }
    if text(attribute, &["when_failed"]).is_some_and(|it| it != "-") {
        let attrs = vec![("hw.smart.attribute", label(attribute))];
        if let Some(value) = normalized {
            out.number_with(&m::NORMALIZED, attrs.clone(), value);
        }
        if let Some(value) = number(attribute, &["thresh"]) {
            out.number_with(&m::THRESHOLD, attrs, value);
        }
    }
}

/// The leading number of smartctl's own rendering, which knows the vendor's packing; else the bare value.
fn raw(attribute: &Value) -> Option<f64> {
    let rendered = text(attribute, &["raw", "string"]).and_then(|it| {
        let digits: String = it.chars().take_while(char::is_ascii_digit).collect();
        let rest = it[digits.len()..].chars().next();
        // `123 (4 5)` is 123; `0x1f` and `12h+3m` are no plain numbers.
        rest.is_none_or(|it| matches!(it, ' ' | '(' | '/')).then(|| digits.parse().ok()).flatten()
    });
    rendered.or_else(|| number(attribute, &["raw", "value"]))
}

/// The count that the family's table sees in the bare value. What smartctl rendered is no help here: its own table may be
/// older, and then it prints the packed value as one number.
fn unpacked(family: Option<&Family>, id: u64, attribute: &Value) -> Option<f64> {
    let count = drives::count(family, id, at(attribute, &["raw", "value"])?.as_u64()?)?;
    u32::try_from(count).ok().map(f64::from)
}

/// Counters of 16 bits end here; more is several in one, or the number that means "never counted".
const PLAIN_MAX: f64 = 65_534.0;

fn endurance(json: &Value, out: &mut Reading) {
    let rotating = number(json, &["rotation_rate"]).is_some_and(|it| it > 0.0);
    if rotating {
        return;
    }
    let statistics = list(json, &["ata_device_statistics", "pages"])
        .iter()
        .flat_map(|page| list(page, &["table"]))
        .find(|it| text(it, &["name"]) == Some("Percentage Used Endurance Indicator"))
        .filter(|it| truth(it, &["flags", "valid"]) != Some(false))
        .and_then(|it| number(it, &["value"]));
    let used = number(json, &["endurance_used", "current_percent"]).or(statistics);
    if let Some(used) = used {
        return out.between(&m::ENDURANCE, Some(used / 100.0), 0.0, 2.55);
    }
    let table = list(json, &["ata_smart_attributes", "table"]);
    let label = |it: &Value| text(it, &["name"]).unwrap_or_default().to_lowercase();
    let by_model = family(json).into_iter().flat_map(|it| &it.wear).find_map(|wear| {
        let id = |it: &&Value| at(it, &["id"]).and_then(Value::as_u64) == Some(wear.id);
        let named = |it: &&Value| WEAR.iter().any(|name| label(it).contains(name));
        let found = table.iter().filter(named).find(id)?;
        let value = match wear.from {
            From::Normalized => number(found, &["value"]),
            From::Raw => number(found, &["raw", "value"]),
        }?;
        Some(if wear.counts == Counts::Left { 100.0 - value } else { value })
    });
    let by_name = || {
        let named = |wanted: &&str| table.iter().find(|it| label(it).contains(*wanted));
        let left = WEAR.iter().find_map(named).and_then(|it| number(it, &["value"]));
        left.map(|it| 100.0 - it)
    };
    out.between(&m::ENDURANCE, by_model.or_else(by_name).map(|it| it / 100.0), 0.0, 1.0);
}

fn error_log(json: &Value, out: &mut Reading) {
    let log = ["extended", "summary"].iter().find_map(|kind| {
        at(json, &["ata_smart_error_log", kind]).filter(|it| it.get("count").is_some())
    });
    let Some(log) = log else { return };
    let count = number(log, &["count"]);
    out.count(&m::ERROR_LOG, count);
    out.word(&m::ERROR_LOG_STATE, if count == Some(0.0) { "empty" } else { "errors" });
    let entries = list(log, &["table"]);
    for class in ["abort", "address", "link", "medium", "other"] {
        let matching = entries.iter().filter(|it| error_class(it) == class).count();
        if matching > 0 {
            let matching = u32::try_from(matching).map_or(f64::MAX, f64::from);
            out.number_with(
                &m::ERROR_CLASS,
                vec![("hw.smart.error.class", class.to_owned())],
                matching,
            );
        }
    }
}

/// Of the error register: bit 7 is the interface's CRC, 6 unreadable data, 4 an address not found, 2 an abort. An
/// abort comes with most of the others, and alone means a command that the drive does not know.
fn error_class(entry: &Value) -> &'static str {
    let said = text(entry, &["error_description"]).unwrap_or_default();
    let register =
        at(entry, &["completion_registers", "error"]).and_then(Value::as_u64).unwrap_or(0);
    let is = |word: &str, bit: u64| {
        said.contains(word)
            || (!said.contains("Error: ") || said.trim() == "Error:") && register & bit != 0
    };
    if is("ICRC", 0x80) {
        "link"
    } else if is("UNC", 0x40) {
        "medium"
    } else if is("IDNF", 0x10) {
        "address"
    } else if is("ABRT", 0x04) {
        "abort"
    } else {
        "other"
    }
}

fn self_tests(json: &Value, out: &mut Reading) {
    let log = ["extended", "standard"]
        .iter()
        .find_map(|kind| at(json, &["ata_smart_self_test_log", kind]))
        .filter(|it| it.get("table").is_some() || it.get("count").is_some());
    let Some(log) = log else { return };
    let tests = list(log, &["table"]);
    let verdict = |it: &Value| match number(it, &["status", "value"]).map(|it| (it / 16.0).floor())
    {
        // The high half of the status byte: 0 passed, 3 to 8 failed; 1 and 2 were broken off, 15 runs.
        Some(0.0) => Some(true),
        Some(3.0..=8.0) => Some(false),
        Some(_) => None,
        None => truth(it, &["status", "passed"]),
    };
    let tests: Vec<Test> = tests
        .iter()
        .map(|it| Test {
            passed: verdict(it),
            long: text(it, &["type", "string"]).is_some_and(|it| it.contains("xtended")),
            hours: number(it, &["lifetime_hours"]),
            lba: number(it, &["lba"]),
        })
        .collect();
    conclude(&tests, number(json, &["power_on_time", "hours"]), out);
}

/// One self-test; lists of them are newest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    /// None: broken off, or still running.
    pub(super) passed: Option<bool>,
    /// Whether it read the whole surface.
    pub(super) long: bool,
    /// Power-on hours when it ended.
    pub(super) hours: Option<f64>,
    /// First block that failed.
    pub(super) lba: Option<f64>,
}

/// The verdict of a log: a failure stands until a newer test that is as thorough has passed.
pub(super) fn conclude(tests: &[Test], now: Option<f64>, out: &mut Reading) {
    let mut result = "none";
    let (mut passed, mut passed_long) = (false, false);
    for test in tests {
        match test.passed {
            Some(true) => {
                (passed, passed_long) = (true, passed_long || test.long);
            }
            Some(false) if passed_long || passed && !test.long => {}
            Some(false) => {
                result = "failed";
                // All ones where the drive does not know the block.
                if let Some(lba) = test.lba.filter(|it| *it < 281_474_976_710_655.0) {
                    out.number(&m::TEST_LBA, lba);
                }
                break;
            }
            None => {}
        }
    }
    if result == "none" && passed {
        result = "passed";
    }
    out.word(&m::SELF_TEST, result);
    let last = tests.iter().find(|it| it.passed.is_some()).and_then(|it| it.hours);
    if let (Some(now), Some(last)) = (now, last) {
        // The log counts hours in 16 bits.
        let age = now - last;
        let age = if age >= 65_536.0 { age % 65_536.0 } else { age };
        if age >= 0.0 {
            out.number(&m::TEST_AGE, age);
        }
    }
}
