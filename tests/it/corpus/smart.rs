//! smartctl.

use std::fs;

use xunjian_agent::host::Given;

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
