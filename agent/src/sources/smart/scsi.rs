//! SCSI and SAS drives: informational exceptions, error counters, defects, background scan, self-tests.
//!
//! Facts: SPC and SBC log pages, smartctl(8). Only *uncorrected* errors are strong; corrected ones are housekeeping.

use serde_json::Value;

use super::{
    ata::{Test, conclude},
    metrics as m,
    reading::{Reading, at, list, number, text, truth},
};

/// Results that smartctl lists one by one as `scsi_self_test_0` to `_19`.
const TESTS_MAX: u32 = 20;

/// Reads everything that is particular to SCSI.
pub(super) fn read(json: &Value, out: &mut Reading) {
    exception(json, out);
    out.count(&m::GROWN, number(json, &["scsi_grown_defect_list"]));
    for operation in ["read", "verify", "write"] {
        let count =
            number(json, &["scsi_error_counter_log", operation, "total_uncorrected_errors"]);
        match count {
            Some(count) if (0.0..=4_294_967_294.0).contains(&count) => {
                out.number_with(
                    &m::UNCORRECTED,
                    vec![("hw.scsi.operation", operation.to_owned())],
                    count,
                );
            }
            Some(count) => out.implausible(&m::UNCORRECTED, count),
            None => {}
        }
    }
    let non_medium = ["scsi_non_medium_error_count", "scsi_nonmedium_error_count"]
        .iter()
        .find_map(|key| number(json, &[key]))
        .or_else(|| number(json, &["scsi_error_counter_log", "non_medium_error", "count"]));
    out.count(&m::NON_MEDIUM, non_medium);
    out.count(&m::PENDING_DEFECTS, number(json, &["scsi_pending_defects", "count"]));
    let used = number(json, &["scsi_percentage_used_endurance_indicator"])
        .or_else(|| number(json, &["endurance_used", "current_percent"]));
    out.between(&m::ENDURANCE, used.map(|it| it / 100.0), 0.0, 2.55);
    background_scan(json, out);
    self_tests(json, out);
}

/// `{"passed": false, "scsi": {"asc": 93, "ascq": 16, "ie_string": "..."}}`.
fn exception(json: &Value, out: &mut Reading) {
    let code = |key: &str| at(json, &["smart_status", "scsi", key]).and_then(Value::as_u64);
    match (truth(json, &["smart_status", "passed"]), code("asc")) {
        (_, Some(asc)) => {
            let ascq = code("ascq").unwrap_or(0);
            out.word(&m::EXCEPTION, format!("{:02x}{:02x}", asc & 0xff, ascq & 0xff));
        }
        (Some(true), None) => out.word(&m::EXCEPTION, "none"),
        _ => {}
    }
}

fn background_scan(json: &Value, out: &mut Reading) {
    let Some(scan) = json.get("scsi_background_scan").and_then(Value::as_object) else { return };
    if let Some(state) = scan.get("status").and_then(|it| text(it, &["string"])) {
        out.word(&m::SCAN, state);
        let results = scan.keys().filter(|it| it.starts_with("result_")).count();
        let results = u32::try_from(results).map_or(f64::MAX, f64::from);
        out.number(&m::SCAN_FINDS, results);
    }
}

fn self_tests(json: &Value, out: &mut Reading) {
    let mut tests = Vec::new();
    for index in 0..TESTS_MAX {
        let Some(test) = json.get(format!("scsi_self_test_{index}")) else { break };
        tests.push(Test {
            // 0 passed; 3 to 7 failed; 1 and 2 were broken off, 15 runs.
            passed: match number(test, &["result", "value"]) {
                Some(0.0) => Some(true),
                Some(3.0..=7.0) => Some(false),
                _ => None,
            },
            long: text(test, &["code", "string"]).is_some_and(|it| it.contains("long")),
            hours: number(test, &["power_on_time", "hours"]),
            lba: number(test, &["lba_first_failure", "value"])
                .or_else(|| number(test, &["lba_first_failure"])),
        });
    }
    if !tests.is_empty() {
        conclude(&tests, number(json, &["power_on_time", "hours"]), out);
    }
}

/// The temperature where smartctl 7.3 puts it only into the environmental report.
pub(super) fn environmental_temperature(json: &Value) -> Option<f64> {
    number(json, &["scsi_environmental_reports", "temperature_1", "current"])
}

/// Text of every message that smartctl left.
pub(super) fn messages(json: &Value) -> String {
    let all = list(json, &["smartctl", "messages"]).iter().filter_map(|it| text(it, &["string"]));
    all.collect::<Vec<_>>().join("; ")
}
