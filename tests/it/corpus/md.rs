//! Linux software RAID.

use std::fs;

use xunjian_agent::host::Given;

use super::{Share, collect, corpus, files};

#[test]
fn mdstat_of_the_field_is_understood() {
    let Some(corpus) = corpus("raid") else { return };
    let mut share = Share::default();
    for file in files(&corpus).into_iter().filter(|it| it.to_string_lossy().contains("mdstat")) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let arrays = text.lines().filter(|it| it.starts_with("md") && it.contains(" : ")).count();
        let mut host = Given::default();
        host.file("proc/mdstat", text);
        let found = collect("md", &host);
        let good = found.as_ref().is_ok_and(|it| it.components.len() == arrays);
        let named = found.as_ref().map_or(true, |it| !it.problems.is_empty());
        share.count(&file, good, named);
    }
    share.report("md", "/proc/mdstat", 0.98);
}
