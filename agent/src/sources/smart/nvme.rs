//! NVMe drives: the health log and the self-test log.
//!
//! Facts: NVMe base specification, SMART / Health Information log. `percentage_used` is an estimate of the warranty and
//! may pass 100; `num_err_log_entries` rises with every command that the drive does not know.

use serde_json::Value;

use xunjian_proto::Reason;

use super::{
    ata::{Test, conclude},
    metrics as m,
    reading::{Reading, at, list, number},
};
use crate::source::Metric;

const WARNINGS: [(u64, &Metric); 6] = [
    (0x01, &m::WARN_SPARE),
    (0x02, &m::WARN_TEMPERATURE),
    (0x04, &m::WARN_RELIABILITY),
    (0x08, &m::WARN_READ_ONLY),
    (0x10, &m::WARN_BACKUP),
    (0x20, &m::WARN_PMR),
];

/// Counters that none of us will see at this number: the log's fields have 128 bits, and broken ones are all ones.
const COUNT_MAX: f64 = 1e15;

/// Reads everything that is particular to NVMe.
pub(super) fn read(json: &Value, out: &mut Reading) {
    let Some(log) = json.get("nvme_smart_health_information_log") else { return };
    if let Some(warning) = at(log, &["critical_warning"]).and_then(Value::as_u64) {
        for (bit, metric) in WARNINGS {
            out.word(metric, if warning & bit == 0 { "clear" } else { "set" });
        }
    }
    let used = number(log, &["percentage_used"]);
    out.between(&m::ENDURANCE, used.map(|it| it / 100.0), 0.0, 2.55);
    let share = |key: &str| number(log, &[key]).map(|it| it / 100.0);
    let (spare, limit) = (share("available_spare"), share("available_spare_threshold"));
    if spare == Some(0.0) && limit.unwrap_or(0.0) <= 0.0 {
        let text = "available spare and its threshold are both 0: the drive does not count its spare blocks";
        out.problem(Reason::Unsupported, text);
    } else {
        out.between(&m::SPARE, spare, 0.0, 1.0);
        out.between(&m::SPARE_LIMIT, limit, 0.0, 1.0);
    }
    for (key, metric) in [
        ("media_errors", &m::MEDIA_ERRORS),
        ("num_err_log_entries", &m::LOG_ENTRIES),
        ("unsafe_shutdowns", &m::UNSAFE),
        ("warning_temp_time", &m::WARM_TIME),
        ("critical_comp_time", &m::HOT_TIME),
    ] {
        out.between(metric, number(log, &[key]), 0.0, COUNT_MAX);
    }
    let throttled = ["thermal_temp1_transition_count", "thermal_temp2_transition_count"];
    let throttled: Vec<f64> = throttled.iter().filter_map(|key| number(log, &[key])).collect();
    if !throttled.is_empty() {
        out.between(&m::THROTTLED, Some(throttled.iter().sum()), 0.0, COUNT_MAX);
    }
    self_tests(json, out);
}

fn self_tests(json: &Value, out: &mut Reading) {
    let Some(log) = json.get("nvme_self_test_log") else { return };
    let tests: Vec<Test> = list(log, &["table"])
        .iter()
        .map(|it| Test {
            // 0 passed; 5, 6 and 7 failed; the others were broken off.
            passed: match number(it, &["self_test_result", "value"]) {
                Some(0.0) => Some(true),
                Some(5.0..=7.0) => Some(false),
                _ => None,
            },
            long: number(it, &["self_test_code", "value"]) == Some(2.0),
            hours: number(it, &["power_on_hours"]),
            lba: number(it, &["lba"]),
        })
        .collect();
    conclude(&tests, number(json, &["power_on_time", "hours"]), out);
}
