//! `zpool status`, `zpool list` and the kernel's kstat of the field.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use xunjian_agent::{host::Given, saved::Saved, sources};

use super::{Share, collect, corpus, files};

#[test]
fn zpool_status_of_the_field_is_understood() {
    let Some(corpus) = corpus("volmgr") else { return };
    let Saved::Forms(forms) = &sources::zfs::SOURCE.saved else { panic!("zfs takes files") };
    let mut share = Share::default();
    for file in files(&corpus) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        // Expectations of other programs' tests quote pools, too; only what the tool prints counts.
        let plain = text.lines().all(|it| !it.starts_with("# HELP"));
        let is_status = plain && text.contains("pool: ") && text.contains("state: ");
        let is_list = text.lines().any(|it| it.contains("ALLOC") && it.contains("HEALTH"))
            || file.ends_with("zpool.txt") && !text.trim().is_empty();
        if !is_status && !is_list {
            continue;
        }
        let pools = text
            .lines()
            .filter(|it| match is_status {
                true => it.trim_start().starts_with("pool: "),
                false => !it.starts_with([' ', '\t', 'N']) && it.split_whitespace().any(is_health),
            })
            .count();
        let known = forms.iter().any(|it| (it.is)(&text)) || is_list;
        let mut host = Given::default();
        host.answer(&["zpool", if is_status { "status" } else { "list" }], 0, text.clone());
        let found = collect("zfs", &host);
        let good = found.as_ref().is_ok_and(|it| {
            let seen = it.components.iter().filter(|it| it.id.kind() == "zpool").count();
            let strange = it.problems.iter().any(|it| it.text.contains("not understood"));
            known && seen == pools && !strange
        });
        let named = found.as_ref().map_or(true, |it| !it.problems.is_empty());
        share.count(&file, good, named);
    }
    share.report("zfs", "zpool", 0.98);
}

#[test]
fn kstat_of_the_field_gives_the_state_of_pools() {
    let Some(corpus) = corpus("volmgr") else { return };
    let mut trees: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files(&corpus).into_iter().filter(|it| it.ends_with("state")) {
        if let Some(tree) = file.parent().and_then(Path::parent).filter(|it| it.ends_with("zfs")) {
            trees.entry(tree.to_owned()).or_default().push(file);
        }
    }
    let mut share = Share::default();
    for (tree, states) in &trees {
        let mut host = Given::default();
        for file in files(tree) {
            let path = file.strip_prefix(tree).unwrap().to_string_lossy().into_owned();
            let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
            host.file(&format!("proc/spl/kstat/zfs/{path}"), text);
        }
        host.answer(&["zpool", "nothing"], 0, "");
        let found = collect("zfs", &host).unwrap();
        let pools = found.states.iter().filter(|it| it.metric == "zfs.pool.health").count();
        share.count(tree, pools == states.len(), !found.problems.is_empty());
    }
    share.report("zfs", "kstat of pools", 0.98);
}

fn is_health(word: &str) -> bool {
    ["ONLINE", "DEGRADED", "FAULTED", "UNAVAIL", "SUSPENDED"].contains(&word)
}
