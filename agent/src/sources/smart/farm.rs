//! Seagate's own log (FARM, field accessible reliability metrics), read once a day.
//!
//! Facts: `smartctl(8)`, `-l farm` from smartmontools 7.4 on; not part of `--xall`. It counts over the drive's life what
//! SMART attributes can be reset of, so that both disagreeing tells of a cleared or used drive.

use serde_json::Value;

use super::{
    Asked,
    memory::Memory,
    metrics as m,
    reading::{Reading, at, number, text, truth},
};
use crate::{host::Host, source::Metric};

/// First version of smartctl that knows the log.
const SINCE: (u64, u64) = (7, 4);

const COUNTERS: [(&str, &Metric); 4] = [
    ("number_of_unrecoverable_read_errors", &m::FARM_READ),
    ("number_of_unrecoverable_write_errors", &m::FARM_WRITE),
    ("number_of_reallocated_sectors", &m::FARM_REALLOCATED),
    ("number_of_reallocated_candidate_sectors", &m::FARM_CANDIDATES),
];

/// Adds the log of a drive that has one, if it is due.
pub(super) fn read(
    host: &dyn Host,
    asked: &Asked,
    answer: &Value,
    id: &str,
    memory: &mut Memory,
    out: &mut Reading,
) {
    if !has_log(answer) || !memory.is_due(&format!("farm {id}")) {
        return;
    }
    let argv =
        ["smartctl", "--json=c", "-l", "farm", "-n", "standby", "-d", &asked.kind, &asked.device];
    let Ok(output) = host.run(&argv) else { return };
    let json = serde_json::from_str::<Value>(&output.stdout).unwrap_or_default();
    if json.get("smartctl").is_none() {
        return host.misread(&format!("`{}`", argv.join(" ")), &output.stdout);
    }
    let log = at(&json, &["seagate_farm_log"]);
    if log.is_none_or(|it| truth(it, &["supported"]) == Some(false)) {
        return; // an older drive
    }
    for (name, metric) in COUNTERS {
        out.count(metric, log.and_then(|it| number(it, &["page_3_error_statistics", name])));
    }
}

/// Rotating drives of Seagate, asked by a smartctl that knows the log.
fn has_log(answer: &Value) -> bool {
    let part = |index: usize| at(answer, &["smartctl", "version"])?.get(index)?.as_u64();
    let new = part(0).zip(part(1)).is_some_and(|it| it >= SINCE);
    let says = |key: &str, start: &str| {
        text(answer, &[key]).is_some_and(|it| it.to_uppercase().starts_with(start))
    };
    let seagate = says("model_name", "ST")
        || says("scsi_vendor", "SEAGATE")
        || says("model_family", "SEAGATE");
    new && seagate && number(answer, &["rotation_rate"]).is_some_and(|it| it > 0.0)
}
