//! What smartctl prints for people (`-a`, `-x`), brought into the form of its JSON: customers mail texts.
//!
//! Facts: smartmontools' `ataprint.cpp` (the table of attributes with FLAG as a number, or with FLAGS as letters such as
//! `PO--CK` and a column FAIL), `scsiprint.cpp`, `nvmeprint.cpp`. Invariant: only what the text says is in the JSON; what
//! is not understood is left out, so the reading has the same gaps as one from an older smartctl.

use serde_json::{Map, Value, json};

use super::printed_logs as logs;

/// The first line of each output.
const HEAD: &str = "smartctl ";

/// Lines before the first of smartctl's: prompts, the command line.
const PREAMBLE: usize = 20;

/// Lines of one output that are looked at; error logs of `-x` have some thousands.
const LINES_MAX: usize = 20_000;

/// The same as JSON; `None` for a text that smartctl did not print.
pub(super) fn json(text: &str) -> Option<Value> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).take(LINES_MAX).collect();
    let head = lines.iter().take(PREAMBLE).position(|it| it.starts_with(HEAD))?;
    let lines = &lines[head..];
    let mut out = Map::new();
    for line in lines {
        if let Some((key, value)) = line.split_once(':') {
            fact(key.trim(), value.trim(), &mut out);
        }
    }
    attributes(lines, &mut out);
    logs::ata(lines, &mut out);
    logs::scsi(lines, &mut out);
    let nvme = out.contains_key("nvme_smart_health_information_log");
    let scsi = out.contains_key("scsi_vendor") || out.contains_key("scsi_product");
    let (kind, protocol) = match (nvme, scsi) {
        (true, _) => ("nvme", "NVMe"),
        (_, true) => ("scsi", "SCSI"),
        _ => ("sat", "ATA"),
    };
    // Two lines are all that a drive leaves which could not be opened.
    if out.is_empty() {
        return None;
    }
    out.insert("device".to_owned(), json!({ "type": kind, "protocol": protocol }));
    let status = exit_status(&out);
    out.insert("smartctl".to_owned(), json!({ "exit_status": status }));
    Some(Value::Object(out))
}

/// The exit status is not printed; the bits that speak of the drive follow from what is.
fn exit_status(out: &Map<String, Value>) -> u32 {
    let out = Value::Object(out.clone());
    let failed = |when: &str| {
        let table = out.pointer("/ata_smart_attributes/table").and_then(Value::as_array);
        table.into_iter().flatten().any(|it| it["when_failed"] == when)
    };
    let errors = out.pointer("/ata_smart_error_log/extended/count").and_then(Value::as_u64);
    u32::from(out.pointer("/smart_status/passed") == Some(&json!(false))) << 3
        | u32::from(failed("now")) << 4
        | u32::from(failed("past")) << 5
        | u32::from(errors.is_some_and(|it| it > 0)) << 6
}

/// One `Key: value` of the sections on identity and health.
fn fact(key: &str, value: &str, out: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.entry(key).or_insert(value);
        }
    };
    let said = || (!value.is_empty()).then(|| json!(value));
    match key {
        "Device Model" | "Model Number" => put("model_name", said()),
        "Model Family" => put("model_family", said()),
        "Serial Number" | "Serial number" => put("serial_number", said()),
        "Firmware Version" => put("firmware_version", said()),
        "Vendor" => put("scsi_vendor", said()),
        "Product" => put("scsi_product", said()),
        "Revision" => put("scsi_revision", said()),
        "Logical Unit id" => put("logical_unit_id", said()),
        "LU WWN Device Id" => put("wwn", wwn(value)),
        "User Capacity" | "Namespace 1 Size/Capacity" => {
            put("user_capacity", count(value).map(|it| json!({ "bytes": it })));
        }
        "Total NVM Capacity" => put("nvme_total_capacity", count(value)),
        "Rotation Rate" => {
            put("rotation_rate", count(value).or(value.starts_with("Solid").then(|| json!(0))))
        }
        "Device is" => put("in_smartctl_database", Some(json!(value.starts_with("In ")))),
        "Local Time is" => {
            put("local_time", time(value).map(|it| json!({ "time_t": it })));
        }
        "SMART overall-health self-assessment test result" => {
            // A drive that gave no answer has no verdict.
            let passed = match value.trim_end_matches('!') {
                "PASSED" => Some(true),
                "FAILED" => Some(false),
                _ => None,
            };
            put("smart_status", passed.map(|it| json!({ "passed": it })));
        }
        "SMART Health Status" => put("smart_status", Some(health(value))),
        "SMART support is" => support(value, out),
        "Current Drive Temperature" => {
            put("temperature", count(value).map(|it| json!({ "current": it })))
        }
        "Elements in grown defect list" => put("scsi_grown_defect_list", count(value)),
        "Non-medium error count" => put("scsi_non_medium_error_count", count(value)),
        "Percentage used endurance indicator" => {
            put("scsi_percentage_used_endurance_indicator", count(value));
        }
        "Accumulated power on time, hours" => {
            hours(value.trim_start_matches("minutes").trim(), out)
        }
        _ => nvme(key, value, out),
    }
}

/// Two lines of one name: whether the drive can, and whether it does.
fn support(value: &str, out: &mut Map<String, Value>) {
    let entry = out.entry("smart_support").or_insert_with(|| json!({}));
    match value.split([' ', '-']).next().unwrap_or_default() {
        "Available" => entry["available"] = json!(true),
        "Unavailable" => entry["available"] = json!(false),
        "Enabled" => entry["enabled"] = json!(true),
        "Disabled" => entry["enabled"] = json!(false),
        _ => {}
    }
}

/// `OK`, or `FAILURE PREDICTION THRESHOLD EXCEEDED: ascq=0x5 [asc=5d, ascq=5]`.
fn health(value: &str) -> Value {
    let code = |name: &str| {
        let (_, after) = value.rsplit_once('[')?.1.split_once(&format!("{name}="))?;
        let digits = after.split([',', ']', ' ']).next()?;
        u64::from_str_radix(digits.trim_start_matches("0x"), 16).ok()
    };
    match code("asc") {
        Some(asc) => {
            let ascq = code(" ascq").unwrap_or(0);
            json!({ "passed": false, "scsi": { "asc": asc, "ascq": ascq, "ie_string": value } })
        }
        None => json!({ "passed": value == "OK" }),
    }
}

/// A line of NVMe's health log.
fn nvme(key: &str, value: &str, out: &mut Map<String, Value>) {
    let key = match key {
        "Critical Warning" => "critical_warning",
        "Temperature" => "temperature",
        "Available Spare" => "available_spare",
        "Available Spare Threshold" => "available_spare_threshold",
        "Percentage Used" => "percentage_used",
        "Media and Data Integrity Errors" => "media_errors",
        "Error Information Log Entries" => "num_err_log_entries",
        "Unsafe Shutdowns" => "unsafe_shutdowns",
        "Warning  Comp. Temperature Time" => "warning_temp_time",
        "Critical Comp. Temperature Time" => "critical_comp_time",
        "Thermal Temp. 1 Transition Count" => "thermal_temp1_transition_count",
        "Thermal Temp. 2 Transition Count" => "thermal_temp2_transition_count",
        "Power On Hours" => return hours(value, out),
        "Power Cycles" => {
            out.extend(count(value).map(|it| ("power_cycle_count".to_owned(), it)));
            return;
        }
        _ => return,
    };
    let hex = value.strip_prefix("0x").and_then(|it| u64::from_str_radix(it, 16).ok());
    let Some(value) = hex.map(|it| json!(it)).or_else(|| count(value)) else { return };
    // Without its first line it is another section's temperature.
    if key == "critical_warning" || out.contains_key("nvme_smart_health_information_log") {
        let log = out.entry("nvme_smart_health_information_log").or_insert_with(|| json!({}));
        log[key] = value;
    }
}

/// `5 000c50 0a1b2c3d4`.
fn wwn(value: &str) -> Option<Value> {
    let mut parts = value.split(' ').map(|it| u64::from_str_radix(it, 16).ok());
    let (naa, oui, id) = (parts.next()??, parts.next()??, parts.next()??);
    Some(json!({ "naa": naa, "oui": oui, "id": id }))
}

/// `Tue Jul 27 11:03:39 2021 CEST`: local time is taken as UTC, which is at most 14 hours wrong.
fn time(value: &str) -> Option<i64> {
    let stamp = value.split_whitespace().take(5).collect::<Vec<_>>().join(" ");
    let time = chrono::NaiveDateTime::parse_from_str(&stamp, "%a %b %e %H:%M:%S %Y").ok()?;
    Some(time.and_utc().timestamp())
}

/// `19,983`, `7200 rpm`, `100%`, `500,107,862,016 bytes [500 GB]`: the leading number.
pub(super) fn count(value: &str) -> Option<Value> {
    let end = value.find(|it: char| !it.is_ascii_digit() && !matches!(it, ',' | '.' | '\''));
    // Some languages part thousands otherwise; a rounded number is none.
    let digits: String =
        value[..end.unwrap_or(value.len())].chars().filter(char::is_ascii_digit).collect();
    digits.parse::<u64>().ok().map(|it| json!(it))
}

/// Hours of power, the first that says so.
fn hours(value: &str, out: &mut Map<String, Value>) {
    if let Some(hours) =
        count(value.trim_start_matches(':').split(':').next().unwrap_or_default().trim())
    {
        out.entry("power_on_time").or_insert_with(|| json!({ "hours": hours }));
    }
}

/// The table of attributes, in either form.
fn attributes(lines: &[&str], out: &mut Map<String, Value>) {
    let Some(head) = lines.iter().position(|it| it.starts_with("ID# ATTRIBUTE_NAME")) else {
        return;
    };
    // `FAIL RAW_VALUE` after six columns, `TYPE UPDATED WHEN_FAILED RAW_VALUE` after the same six.
    let skip = if lines[head].contains("WHEN_FAILED") { 2 } else { 0 };
    let table: Vec<Value> = lines[head + 1..].iter().map_while(|it| attribute(it, skip)).collect();
    for (id, key) in [(9, "power_on_time"), (12, "power_cycle_count")] {
        let raw = table.iter().find(|it| it["id"] == id).map(|it| it["raw"]["string"].clone());
        let Some(number) = raw.as_ref().and_then(Value::as_str).and_then(count) else { continue };
        let value = if id == 9 { json!({ "hours": number }) } else { number };
        out.entry(key).or_insert(value);
    }
    let temperature = [194, 190].iter().find_map(|id| table.iter().find(|it| it["id"] == *id));
    if let Some(current) = temperature.and_then(|it| count(it["raw"]["string"].as_str()?)) {
        out.entry("temperature").or_insert_with(|| json!({ "current": current }));
    }
    out.insert("ata_smart_attributes".to_owned(), json!({ "table": table }));
}

/// `  5 Reallocated_Sector_Ct   PO--CK   002   002   036    NOW  2015`.
fn attribute(line: &str, skip: usize) -> Option<Value> {
    let mut words = line.split_whitespace();
    let id: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let flags = words.next()?;
    // `---` where the drive has none.
    let mut number = || words.next().map(|it| it.parse::<u64>().ok());
    let (value, worst, threshold) = (number()?, number()?, number()?);
    let mut rest = words.skip(skip);
    let failed = match rest.next()?.to_lowercase().as_str() {
        "now" | "failing_now" => "now",
        "past" | "in_the_past" => "past",
        _ => "",
    };
    let raw = rest.collect::<Vec<_>>().join(" ");
    Some(json!({
        "id": id, "name": name, "value": value, "worst": worst, "thresh": threshold,
        "when_failed": failed, "flags": { "string": flags },
        "raw": { "value": bare(id, &raw), "string": raw },
    }))
}

/// The value of 48 bits behind its rendering, as far as it can be told: three timeouts of 16 bits are put together again,
/// of anything else the leading number is the count.
fn bare(id: u64, raw: &str) -> Option<u64> {
    let words: Vec<u64> = raw.split(' ').map_while(|it| it.parse().ok()).collect();
    if let (188, [high, middle, low]) = (id, words.as_slice())
        && *high.max(middle).max(low) <= 0xffff
    {
        return Some(high << 32 | middle << 16 | low);
    }
    if let Some(digits) = raw.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok();
    }
    let end = raw.find(|it: char| !it.is_ascii_digit()).unwrap_or(raw.len());
    raw[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: &str = "smartctl 7.3 2022-02-28 r5338 [x86_64-linux-6.1.0] (local build)

=== START OF INFORMATION SECTION ===
Device Model:     ST4000NM0035-1V4107
Serial Number:    SYN1TEXT
LU WWN Device Id: 5 000c50 0a1b2c3d4
User Capacity:    4,000,787,030,016 bytes [4.00 TB]
Rotation Rate:    7200 rpm
Local Time is:    Tue Jul 27 11:03:39 2021 CEST
SMART support is: Available - device has SMART capability.
SMART support is: Enabled

SMART overall-health self-assessment test result: FAILED!

ID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE
  5 Reallocated_Sector_Ct   PO--CK   002   002   036    NOW  2015
  9 Power_On_Hours          -O--CK   075   011   000    -    22323h+12m
188 Command_Timeout         -O--CK   100   099   000    -    2 3 8
194 Temperature_Celsius     -O---K   030   040   000    Past 30 (0 20 0 0 0)
241 Total_LBAs_Written      ------   ---   ---   ---    -    0x10
                            ||||||_ K auto-keep

SMART Extended Comprehensive Error Log Version: 1 (5 sectors)
Device Error Count: 7 (device log contains only the most recent 20 errors)
Error 7 [6] occurred at disk power-on lifetime: 22000 hours (916 days + 16 hours)
  ER -- ST COUNT  LBA_48  LH LM LL DV DC
  -- -- -- == -- == == == -- -- -- -- --
  40 -- 51 00 00 00 00 32 00 9d 40 00 00  Error: UNC at LBA = 0x0032009d = 3276957

SMART Extended Self-test Log Version: 1 (1 sectors)
Num  Test_Description    Status                  Remaining  LifeTime(hours)  LBA_of_first_error
# 1  Extended offline    Completed: read failure       90%     22320         3276957
# 2  Short offline       Completed without error       00%        12         -
";

    #[test]
    fn a_table_with_letters_is_read_like_json() {
        let json = json(LETTERS).unwrap();
        let table = json.pointer("/ata_smart_attributes/table").unwrap();
        let of = |id: u64| table.as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
        assert_eq!(table.as_array().unwrap().len(), 5);
        assert_eq!((&of(5)["raw"]["value"], &of(5)["when_failed"]), (&json!(2015), &json!("now")));
        assert_eq!(of(5)["flags"]["string"], "PO--CK");
        assert_eq!(of(188)["raw"]["value"], json!(2_u64 << 32 | 3 << 16 | 8));
        assert_eq!((&of(194)["when_failed"], &of(194)["thresh"]), (&json!("past"), &json!(0)));
        assert_eq!((&of(241)["value"], &of(241)["raw"]["value"]), (&Value::Null, &json!(16)));
        for (path, wanted) in [
            ("/smartctl/exit_status", json!(0x78)),
            ("/user_capacity/bytes", json!(4_000_787_030_016_u64)),
            ("/wwn/oui", json!(0xc50)),
            ("/smart_support/enabled", json!(true)),
            ("/power_on_time/hours", json!(22_323)),
            ("/temperature/current", json!(30)),
            ("/local_time/time_t", json!(1_627_383_819)),
            ("/ata_smart_error_log/extended/count", json!(7)),
            ("/ata_smart_error_log/extended/table/0/completion_registers/error", json!(0x40)),
            ("/ata_smart_self_test_log/extended/table/0/status/value", json!(0x70)),
            ("/ata_smart_self_test_log/extended/table/0/lba", json!(3_276_957)),
            ("/ata_smart_self_test_log/extended/table/1/status/value", json!(0)),
        ] {
            assert_eq!(json.pointer(path), Some(&wanted), "{path}");
        }
    }

    #[test]
    fn a_table_with_numbers_for_flags_has_two_columns_more() {
        let text = "smartctl 6.6
ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
  5 Reallocated_Sector_Ct   0x0033   100   100   036    Pre-fail  Always   FAILING_NOW 8
197 Current_Pending_Sector  0x0012   100   100   000    Old_age   Always       -       65528
";
        let json = json(text).unwrap();
        let table = json.pointer("/ata_smart_attributes/table").unwrap();
        assert_eq!(
            (&table[0]["when_failed"], &table[0]["raw"]["value"]),
            (&json!("now"), &json!(8))
        );
        assert_eq!(
            (&table[1]["when_failed"], &table[1]["raw"]["value"]),
            (&json!(""), &json!(65528))
        );
    }

    #[test]
    fn nvme_and_what_is_no_output_of_smartctl() {
        let text = "smartctl 7.4
Model Number:                       SYNTH NVME
Critical Warning:                   0x04
Temperature:                        30 Celsius
Available Spare:                    100%
Media and Data Integrity Errors:    1,024
Power On Hours:                     19,983
";
        let found = json(text).unwrap();
        let log = &found["nvme_smart_health_information_log"];
        assert_eq!((&log["critical_warning"], &log["media_errors"]), (&json!(4), &json!(1024)));
        assert_eq!(
            (&log["available_spare"], &found["power_on_time"]["hours"]),
            (&json!(100), &json!(19_983))
        );
        assert_eq!(json("hello: world"), None);
        assert_eq!(json("smartctl 7.4\nUnable to detect device type\n"), None);
    }
}
