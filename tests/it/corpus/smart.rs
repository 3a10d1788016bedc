//! smartctl.

use std::{collections::BTreeSet, fs, path::Path};

use xunjian_agent::{host::Given, saved::File, sources};
use xunjian_proto::Time;

use super::{Share, collect, corpus, files};

#[test]
fn smartctl_json_of_the_field_is_understood() {
    let Some(folder) = corpus("smart_json") else { return };
    let mut share = Share::default();
    for file in files(&folder)
        .into_iter()
        .chain(corpus("smart_json_derived").iter().flat_map(|it| files(it)))
    {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
        let mut host = Given::default();
        let scan = json.get("devices").is_some();
        let device = json["device"]["name"].as_str().unwrap_or("/dev/sda");
        let kind = json["device"]["type"].as_str().unwrap_or("sat");
        let devices = serde_json::json!({"devices": [{"name": device, "type": kind}]}).to_string();
        host.answer(&["smartctl", "--scan-open"], 0, if scan { text.clone() } else { devices });
        host.answer(&["smartctl", "--xall"], 0, text);
        let found = collect("smart", &host);
        // A list of drives and no drive: what it lists must come out as drives that did not answer.
        let good = found.as_ref().is_ok_and(|it| {
            if scan {
                !it.components.is_empty() || json["devices"] == serde_json::json!([])
            } else {
                !it.samples.is_empty() || !it.states.is_empty()
            }
        });
        let named = found.as_ref().map_or(true, |it| !it.problems.is_empty());
        share.count(&file, good, named);
    }
    share.report("smart", "smartctl --json", 0.98);
}

/// Numbers that a saved output gives, without the drive's identity; nothing if it is refused.
fn numbers(file: &Path) -> Option<BTreeSet<String>> {
    let smart = sources::ALL.iter().find(|it| it.name == "smart").unwrap();
    let content = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    let file = File { name: file.display().to_string(), content };
    let saved = smart.saved.host(&[file], Time::from_secs(0)).ok()?;
    let run = collect("smart", &saved.host).ok()?;
    let one = |it: &xunjian_proto::Sample| {
        format!("{} {:?} {}", it.series.metric, it.series.attrs, it.value)
    };
    // Those who made the JSON left the device statistics out (wear), took a missing error log for an empty one, and the
    // oldest of three packed counts of timeouts for the total.
    let doubtful = ["endurance_utilization", "error_log.count", "command_timeouts"];
    let told = |it: &String| !doubtful.iter().any(|name| it.contains(name));
    Some(run.samples.iter().map(one).filter(told).collect())
}

#[test]
fn a_text_of_smartctl_says_all_that_its_json_says() {
    let (Some(texts), Some(folder)) = (corpus("smart_text"), corpus("smart_json_derived")) else {
        return;
    };
    let (mut same, mut other) = (0_u32, Vec::new());
    for json in
        files(&folder).into_iter().filter(|it| it.extension().is_some_and(|it| it == "json"))
    {
        let drive = texts.join(json.strip_prefix(&folder).unwrap()).with_extension("");
        let wanted = numbers(&json).expect("JSON is understood");
        let snapshots = if drive.is_dir() { files(&drive) } else { Vec::new() };
        if snapshots.is_empty() {
            continue;
        }
        // The JSON was made of one of the drive's snapshots, and has not all of it.
        if snapshots.iter().filter_map(|it| numbers(it)).any(|it| wanted.is_subset(&it)) {
            same += 1;
        } else {
            other.push(json);
        }
    }
    let told: Vec<_> = other.iter().take(20).collect();
    eprintln!("{same} drives say the same, {} do not: {told:#?}", other.len());
    assert!(same > 300 && other.len() < 4, "{same} {told:#?}");
}
