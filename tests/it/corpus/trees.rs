//! Trees of /proc and /sys, for whichever sources read them.

use std::{collections::BTreeMap, fs, path::PathBuf};

use xunjian_agent::{
    host::{Given, Host},
    sources,
};

use super::{collect, corpus, files};

#[test]
fn trees_of_proc_and_sys_of_the_field_are_read() {
    let Some(corpus) = corpus("hostinv") else { return };
    let mut hosts: BTreeMap<PathBuf, Given> = BTreeMap::new();
    for file in files(&corpus) {
        let path = file.to_string_lossy().into_owned();
        // `.../proc/diskstats` belongs to the tree that ends before `proc`.
        let Some(at) = ["/proc/", "/sys/"].iter().filter_map(|it| path.find(it)).min() else {
            continue;
        };
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        hosts.entry(PathBuf::from(&path[..at])).or_default().file(&path[at + 1..], text);
    }
    assert!(!hosts.is_empty(), "no tree in {}", corpus.display());
    for (tree, host) in &hosts {
        for source in sources::ALL.iter().filter(|it| it.needs.iter().all(|need| host.has(*need))) {
            let found = collect(source.name, host)
                .unwrap_or_else(|error| panic!("{}: {error}", tree.display()));
            let (samples, problems) = (found.samples.len(), found.problems.len());
            eprintln!("{} {}: {samples} samples, {problems} problems", tree.display(), source.name);
            let said = samples + problems + found.states.len() + found.components.len();
            assert!(said > 0, "{} says nothing of {}", source.name, tree.display());
        }
    }
}
