//! Reports of LVM and trees of Btrfs of the field.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use xunjian_agent::host::Given;

use super::{Share, collect, corpus, files};

#[test]
fn lvs_reports_of_the_field_are_understood() {
    let Some(corpus) = corpus("volmgr") else { return };
    let mut share = Share::default();
    for file in files(&corpus) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let Ok(json) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
        let Some(rows) = json["report"][0]["lv"].as_array() else { continue };
        let mut host = Given::default();
        host.answer(&["lvs"], 0, text);
        let found = collect("lvm", &host);
        let good = found.as_ref().is_ok_and(|it| {
            let seen = it.states.iter().filter(|it| it.metric == "lvm.lv.health").count();
            seen == rows.len() && it.problems.is_empty()
        });
        share.count(&file, good, found.map_or(true, |it| !it.problems.is_empty()));
    }
    share.report("lvm", "lvs --reportformat json", 0.98);
}

#[test]
fn trees_of_btrfs_of_the_field_are_understood() {
    let mut share = Share::default();
    for kind in ["volmgr", "hostinv"] {
        let Some(corpus) = corpus(kind) else { return };
        let mut trees: BTreeMap<PathBuf, Given> = BTreeMap::new();
        for file in files(&corpus) {
            let path = file.to_string_lossy().into_owned();
            let Some(at) = path.find("/sys/fs/btrfs/") else { continue };
            let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
            trees.entry(PathBuf::from(&path[..at])).or_default().file(&path[at + 1..], text);
        }
        for (tree, host) in &trees {
            let found = collect("btrfs", host).unwrap();
            let dir: &Path = &tree.join("sys/fs/btrfs");
            let wanted = crate::fixtures::names(dir)
                .into_iter()
                .filter(|it| dir.join(it).join("devices").is_dir())
                .count();
            let sets = found.components.iter().filter(|it| it.set.is_some()).count();
            let strange = found.problems.iter().any(|it| it.text.contains("known"));
            share.count(tree, sets == wanted && !strange, !found.problems.is_empty());
        }
    }
    share.report("btrfs", "trees of Btrfs", 0.98);
}
