//! Redfish resources: each file by itself, beside the others of its tree.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use xunjian_agent::host::Given;
use xunjian_proto::Reason;

use super::{Share, collect, corpus, files};

/// Types that tell nothing of health, and are not asked for.
const OTHERS: &[&str] = &[
    "AccelerationFunction",
    "AccelerationFunctionCollection",
    "ActionInfo",
    "Assembly",
    "BatteryMetrics",
    "Bios",
    "CertificateLocations",
    "CertificateService",
    "ControlCollection",
    "EventDestination",
    "EventDestinationCollection",
    "HeaterMetrics",
    "HostInterfaceCollection",
    "HpeiLOFederatedGroupCapping",
    "HpePowerMeter",
    "ProcessorMetrics",
    "SerialInterface",
    "SerialInterfaceCollection",
    "SoftwareInventoryCollection",
    "Task",
    "TaskCollection",
    "VirtualMedia",
    "VirtualMediaCollection",
];

#[test]
fn redfish_resources_of_the_field_are_understood() {
    let Some(corpus) = corpus("redfish") else { return };
    let mut share = Share::default();
    let mut others: BTreeMap<String, u32> = BTreeMap::new();
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    let trees = trees(&corpus);
    for (tree, pages) in &trees {
        for file in pages {
            let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            let path = value["@odata.id"].as_str().unwrap_or("/redfish/v1/this").to_owned();
            let kind = value["@odata.type"].as_str().and_then(|it| it.rsplit('.').next());
            let kind = kind.unwrap_or("no type").trim_start_matches('#').to_owned();
            let mut host = tree_host(pages);
            host.web("redfish", "tree", &path, &text);
            let start = toml::Value::Array(vec![toml::Value::String(path)]);
            host.web_options(
                "redfish",
                "tree",
                toml::Table::from_iter([("start".to_owned(), start)]),
            );
            let found = collect("redfish", &host).unwrap();
            let blank = found.problems.iter().any(|it| it.text.contains("nothing in it tells"));
            if blank && (OTHERS.contains(&kind.as_str()) || is_empty(&value)) {
                *others.entry(kind).or_default() += 1;
                share.leave_out("tells nothing of health, which is said");
                continue;
            }
            // What the tree does not hold answers 404; that is the tree's gap, not a lack of understanding.
            let good = !blank && found.problems.iter().all(|it| it.reason == Reason::Unsupported);
            share.count(file, good, !found.problems.is_empty());
            if !good {
                eprintln!("{kind} of {}: {:?}", tree.display(), found.problems);
            }
            *kinds.entry(kind).or_default() += 1;
        }
    }
    eprintln!("{} trees, understood by type: {kinds:?}", trees.len());
    eprintln!("tell nothing of health, and it is said: {others:?}");
    share.report("redfish", "Redfish", 0.98);
}

/// Collections without members, and documents that only say where the service begins.
fn is_empty(value: &Value) -> bool {
    let service_document = value.get("@odata.context").is_some() && value.get("value").is_some();
    service_document || value["Members"].as_array().is_some_and(Vec::is_empty)
}

/// The files of each tree: two folders below the corpus, except where a repository holds single answers.
fn trees(corpus: &Path) -> BTreeMap<PathBuf, Vec<PathBuf>> {
    let mut trees: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files(corpus) {
        let inner = file.strip_prefix(corpus).unwrap();
        let depth = if inner.to_string_lossy().contains("mockups/") { 3 } else { 1 };
        let vendor = inner.iter().find(|it| *it == "dell" || *it == "hp");
        let tree: PathBuf = inner.iter().take(depth).chain(vendor).collect();
        trees.entry(tree).or_default().push(file);
    }
    trees
}

fn tree_host(pages: &[PathBuf]) -> Given {
    let mut host = Given::default();
    for file in pages {
        let Ok(text) = fs::read_to_string(file) else { continue };
        let Ok(value) = serde_json::from_str::<Value>(&text) else { continue };
        if let Some(path) = value["@odata.id"].as_str() {
            host.web("redfish", "tree", path, &text);
        }
    }
    // Only the file in question is read, and what it leads to.
    let root = r##"{"@odata.type": "#ServiceRoot.ServiceRoot"}"##;
    host.web("redfish", "tree", "/redfish/v1", root);
    host
}
