//! The logs in what smartctl prints for people: errors, self-tests, statistics; see `printed`.

use serde_json::{Map, Value, json};

use super::printed::count;

/// Self-tests that smartctl lists.
const TESTS_MAX: usize = 21;

/// Errors whose registers are printed: 5 in the summary, some dozens in the comprehensive log.
const ERRORS_MAX: usize = 100;

/// The logs of an ATA drive.
pub(super) fn ata(lines: &[&str], out: &mut Map<String, Value>) {
    errors(lines, out);
    let name =
        |it: &&&str| it.contains("Self-test log structure") || it.contains("Self-test Log Version");
    if lines.iter().any(|it| name(&it)) {
        let tests: Vec<Value> = tests(lines).filter_map(test).collect();
        out.insert(
            "ata_smart_self_test_log".to_owned(),
            json!({ "extended": { "table": tests, "count": tests.len() } }),
        );
    }
    let used = lines.iter().find(|it| it.ends_with("Percentage Used Endurance Indicator"));
    // Page, offset, size, value, flags.
    if let Some(used) = used.and_then(|it| count(it.split_whitespace().nth(3)?)) {
        out.insert("endurance_used".to_owned(), json!({ "current_percent": used }));
    }
}

/// `Device Error Count: 27735 (device log contains ...)`, then a line of registers for each of the newest.
fn errors(lines: &[&str], out: &mut Map<String, Value>) {
    let counted = lines.iter().find_map(|it| {
        let (key, value) = it.split_once(':')?;
        matches!(key, "Device Error Count" | "ATA Error Count").then(|| count(value.trim()))?
    });
    let none = lines.contains(&"No Errors Logged");
    let Some(total) = counted.or(none.then(|| json!(0))) else { return };
    let heads = lines.iter().enumerate().filter(|(_, it)| {
        let it = it.trim_start();
        it.starts_with("ER -- ST") || it.starts_with("ER ST SC")
    });
    // Under the heads stands a line of dashes.
    let registers = heads.filter_map(|(at, _)| lines.get(at + 2)).take(ERRORS_MAX);
    let table: Vec<Value> = registers.filter_map(|it| error(it)).collect();
    out.insert(
        "ata_smart_error_log".to_owned(),
        json!({ "extended": { "count": total, "table": table } }),
    );
}

/// `  40 -- 51 00 08 ...  Error: UNC 8 sectors at LBA = ...`.
fn error(line: &str) -> Option<Value> {
    let register = u64::from_str_radix(line.split_whitespace().next()?, 16).ok()?;
    let said = line.find("Error:").map_or("", |at| &line[at..]);
    Some(json!({ "error_description": said, "completion_registers": { "error": register } }))
}

/// Lines of the list of self-tests: `# 1  Extended offline ...`, `#10 ...`.
fn tests<'a>(lines: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let is_test = |it: &&str| {
        let number = it.strip_prefix('#').and_then(|it| it.split_whitespace().next());
        number.is_some_and(|it| it.parse::<u32>().is_ok())
    };
    lines.iter().copied().filter(is_test).take(TESTS_MAX)
}

/// `# 1  Extended offline    Completed: read failure       90%     22323         12345`.
fn test(line: &str) -> Option<Value> {
    let mut last = line.split_whitespace().rev();
    let (lba, hours, left) = (last.next()?, last.next()?, last.next()?);
    let hours: u64 = hours.parse().ok().filter(|_| left.ends_with('%'))?;
    // The high half of the status byte; what failed is told by 3 to 8, whichever of them it was.
    let status = match () {
        () if line.contains("Completed without error") => 0,
        () if line.contains("Aborted by host") => 0x10,
        () if line.contains("Interrupted") => 0x20,
        () if line.contains("Fatal or unknown") => 0x30,
        () if line.contains("Completed: ") => 0x70,
        () if line.contains("in progress") => 0xf0,
        () => return None,
    };
    let kind = if line.contains("Extended") { "Extended offline" } else { "Short offline" };
    let lba = lba.trim_start_matches("0x").parse::<u64>().ok();
    let mut made = json!({ "type": { "string": kind }, "status": { "value": status }, "lifetime_hours": hours });
    if let Some(lba) = lba {
        made["lba"] = json!(lba);
    }
    Some(made)
}

/// The logs of a SCSI drive.
pub(super) fn scsi(lines: &[&str], out: &mut Map<String, Value>) {
    let mut counters = Map::new();
    for line in lines {
        // `number of hours powered up = 30123.25` is the maker's page.
        if let Some((_, hours)) = line.split_once("number of hours powered up = ") {
            let hours = hours.split('.').next().and_then(count);
            out.extend(hours.map(|it| ("power_on_time".to_owned(), json!({ "hours": it }))));
        }
        let Some((operation, rest)) = line.split_once(':') else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let is_row = matches!(operation, "read" | "write" | "verify") && words.len() == 7;
        if let Some(total) = words.last().filter(|_| is_row).and_then(|it| count(it)) {
            counters.insert(operation.to_owned(), json!({ "total_uncorrected_errors": total }));
        }
    }
    if !counters.is_empty() {
        out.insert("scsi_error_counter_log".to_owned(), Value::Object(counters));
    }
    if !out.contains_key("scsi_vendor") {
        return;
    }
    for (at, test) in tests(lines).filter_map(scsi_test).enumerate() {
        out.insert(format!("scsi_self_test_{at}"), test);
    }
}

/// `# 1  Background long   Failed in segment -->       -   30122    8453890 [0x3 0x11 0x0]`.
fn scsi_test(line: &str) -> Option<Value> {
    let mut last = line.split('[').next()?.split_whitespace().rev();
    let (lba, hours) = (last.next()?, last.next()?);
    let result = match () {
        () if line.contains("Completed") => 0,
        () if line.contains("Aborted") || line.contains("Interrupted") => 1,
        () if line.contains("in progress") => 15,
        () if line.contains("Failed") || line.contains("failed") => 7,
        () => return None,
    };
    let kind = if line.contains(" long") { "Background long" } else { "Background short" };
    let mut made = json!({ "code": { "string": kind }, "result": { "value": result } });
    if let Ok(hours) = hours.parse::<u64>() {
        made["power_on_time"] = json!({ "hours": hours });
    }
    if let Ok(lba) = lba.parse::<u64>() {
        made["lba_first_failure"] = json!({ "value": lba });
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::printed;

    #[test]
    fn a_sas_drive_that_predicts_its_failure_says_why() {
        let text = "smartctl 7.1
Vendor:               SYNTH
Product:              SAS1
SMART Health Status: FAILURE PREDICTION THRESHOLD EXCEEDED: ascq=0x5 [asc=5d, ascq=5]
Current Drive Temperature:     40 C
Elements in grown defect list: 12
read:          0        8         0         8      60614      16772.475           3
write:         0      211         0       211     233430     574543.134           0
Non-medium error count:        9
# 1  Background long   Failed in segment -->       3   30122           8453890 [0x3 0x11 0x0]
";
        let json = printed::json(text).unwrap();
        for (path, wanted) in [
            ("/device/protocol", json!("SCSI")),
            ("/smart_status/scsi/asc", json!(0x5d)),
            ("/smart_status/scsi/ascq", json!(5)),
            ("/scsi_grown_defect_list", json!(12)),
            ("/scsi_error_counter_log/read/total_uncorrected_errors", json!(3)),
            ("/scsi_non_medium_error_count", json!(9)),
            ("/scsi_self_test_0/result/value", json!(7)),
            ("/scsi_self_test_0/lba_first_failure/value", json!(8_453_890)),
        ] {
            assert_eq!(json.pointer(path), Some(&wanted), "{path}");
        }
    }
}
