//! GPFS of the field: outputs of the `mm…` commands, whole or damaged on purpose.
//!
//! A file is understood if it gives what it speaks of: readings or components. What no tool printed (pieces of test
//! programs that a collector of texts took for outputs) and `/etc/fstab` (the source `fs` reads it) are not counted.

use std::{fs, path::Path};

use xunjian_agent::{saved::File, sources};
use xunjian_proto::Time;

use super::{Share, collect, corpus, files};

#[test]
fn gpfs_of_the_field_is_understood() {
    let Some(corpus) = corpus("parallelfs") else { return };
    let source = sources::ALL.iter().find(|it| it.name == "gpfs").unwrap();
    let mut share = Share::default();
    for file in files(&corpus).into_iter().filter(|it| it.to_string_lossy().contains("gpfs")) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        if let Some(why) = no_output(&file, &text) {
            share.leave_out(why);
            continue;
        }
        let files = [File { name: file.to_string_lossy().into_owned(), content: mountinfo(text) }];
        let host = source.saved.host(&files, Time::from_secs(0));
        let found = host.ok().map(|it| collect("gpfs", &it.host).unwrap());
        // Every run tells how old its answers are.
        let own = |it: &xunjian_proto::Sample| it.series.metric != "gpfs.answer.age";
        let good = found.as_ref().is_some_and(|it| {
            it.samples.iter().any(own)
                || !it.states.is_empty()
                || !it.components.is_empty()
                || is_empty_list(&files)
        });
        let named = found.as_ref().is_none_or(|it| !it.problems.is_empty());
        share.count(&file, good, named);
    }
    share.report("gpfs", "GPFS", 0.98);
}

/// A list without entries has nothing to tell.
fn is_empty_list(files: &[File]) -> bool {
    files
        .iter()
        .all(|it| it.content.starts_with("Storage pools in") && it.content.lines().count() <= 2)
}

/// `/proc/mounts` in the form of `/proc/self/mountinfo`.
fn mountinfo(text: String) -> String {
    if !text.lines().any(|it| it.contains(" gpfs rw")) {
        return text;
    }
    let lines = text.lines().enumerate().filter_map(|(number, line)| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [source, point, kind, options, ..] = &words[..] else { return None };
        Some(format!("{number} 1 0:{number} / {point} {options} - {kind} {source} {options}\n"))
    });
    lines.collect()
}

fn no_output(file: &Path, text: &str) -> Option<&'static str> {
    if text.contains("t.Errorf(") {
        return Some("a piece of a test program");
    }
    if text.contains("gpfs_mount_status{") {
        return Some("what another exporter made of it");
    }
    file.to_string_lossy().contains("Fstab").then_some("/etc/fstab")
}
