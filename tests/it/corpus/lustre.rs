//! Lustre of the field: trees below `/proc` and `/sys`, outputs of lctl and lnetctl.
//!
//! A file of a tree is understood if it makes a difference to what its directory gives, a saved output if it gives
//! readings. Files of kinds that the source leaves
//! out on purpose are not counted, nor what is no output of Lustre's tools at all (what other exporters made of it).

use std::{fs, path::Path};

use xunjian_agent::{host::Given, saved::File, source::Found, sources};
use xunjian_proto::Time;

use super::{Share, collect, corpus, files};

#[test]
fn lustre_of_the_field_is_understood() {
    let Some(corpus) = corpus("parallelfs") else { return };
    let source = sources::ALL.iter().find(|it| it.name == "lustre").unwrap();
    let mut share = Share::default();
    for file in files(&corpus).into_iter().filter(|it| it.to_string_lossy().contains("lustre")) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        if let Some(why) = no_output(&file, &text) {
            share.leave_out(why);
            continue;
        }
        let (good, named) = match in_tree(&file) {
            Some(path) => matters(&file, &path, text),
            None => {
                let name = file.to_string_lossy().into_owned();
                let files = [File { name, content: text }];
                let host = source.saved.host(&files, Time::from_secs(0));
                let found = host.ok().map(|it| collect("lustre", &it.host).unwrap());
                let good = |it: &Found| !it.samples.is_empty() || !it.states.is_empty();
                (found.as_ref().is_some_and(good), found.is_none_or(|it| !it.problems.is_empty()))
            }
        };
        share.count(&file, good, named);
    }
    share.report("lustre", "Lustre", 0.98);
}

/// Whether a file of a tree makes a difference beside the others of its directory, and whether anything was named.
fn matters(file: &Path, path: &str, text: String) -> (bool, bool) {
    let dir = Path::new(path).parent().unwrap().to_string_lossy().into_owned();
    let mut host = Given::default();
    let beside = file.parent().unwrap();
    for name in
        crate::fixtures::names(beside).iter().filter(|it| !path.ends_with(&format!("/{it}")))
    {
        if let Ok(bytes) = fs::read(beside.join(name)) {
            host.file(&format!("{dir}/{name}"), String::from_utf8_lossy(&bytes));
        }
    }
    let without = collect("lustre", &host).unwrap();
    host.file(path, text);
    let with = collect("lustre", &host).unwrap();
    let readings = |it: &Found| (it.samples.clone(), it.states.clone());
    (readings(&with) != readings(&without), !with.problems.is_empty())
}

/// `…/proc/fs/lustre/x` and `…/sys/fs/lustre/x` are files of a tree; some were saved without it.
fn in_tree(file: &Path) -> Option<String> {
    let path = file.to_string_lossy().into_owned();
    if file.file_name()?.to_string_lossy().starts_with("brw_stats") {
        return Some("sys/fs/lustre/osd-ldiskfs/lfs-OST0000/brw_stats".to_owned());
    }
    let at = ["/proc/", "/sys/", "/host_proc/"].iter().filter_map(|it| path.find(it)).min()?;
    Some(path[at + 1..].replace("host_proc/", "proc/"))
}

/// Why a file is not counted.
fn no_output(file: &Path, text: &str) -> Option<&'static str> {
    let path = file.to_string_lossy();
    let name = file.file_name().unwrap().to_string_lossy();
    let is = |names: &[&str]| names.contains(&&*name);
    if text.starts_with("version https://git-lfs") {
        return Some("the file itself is elsewhere");
    }
    if text.trim() == "disabled" || text.trim().lines().count() == 0 {
        return Some("nothing in it");
    }
    if path.ends_with(".snap") || path.ends_with(".json") || is(&["expected.out"]) {
        return Some("what another exporter made of it");
    }
    if path.contains("/exports/") {
        return Some("one client of a target");
    }
    if is(&["hash_stats", "ldlm_stats", "rename_stats", "site_stats", "ir_state", "timeouts"]) {
        return Some("inner workings");
    }
    let client = ["/osc/", "/mdc/", "/llite/", "/lov/", "/lod/", "/lmv/", "/lwp/"];
    let histories = [
        "stats",
        "md_stats",
        "osc_stats",
        "rpc_stats",
        "unstable_stats",
        "read_ahead_stats",
        "statahead_stats",
        "extents_stats",
        "offset_stats",
    ];
    if client.iter().any(|it| path.contains(it)) && is(&histories) {
        return Some("a client's own histories");
    }
    let space = ["kbytestotal", "kbytesfree", "kbytesavail", "filestotal", "filesfree"];
    if client.iter().any(|it| path.contains(it)) && is(&space) {
        return Some("space that every client would ask every OST for");
    }
    if path.contains("/osp/") && is(&["stats"]) {
        return Some("a client's own histories");
    }
    if path.contains("/osd-") && is(&["stats"]) {
        return Some("inner workings");
    }
    if name == "lock_timeouts" && !path.contains("/filter-") && !path.contains("/mdt-") {
        return Some("locks of this host at others");
    }
    (name == "mgs-fs.txt").then_some("names of parameters without their values")
}
