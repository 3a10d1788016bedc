//! The folders are the architecture: these tests keep them, the tables and the recordings in step.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use xunjian_agent::sources;

use crate::fixtures::{names, repo};

#[test]
fn every_source_file_is_registered_under_its_own_name() {
    let files: Vec<String> = names(&repo().join("agent/src/sources"))
        .iter()
        .map(|it| it.strip_suffix(".rs").unwrap_or(it).to_owned())
        .filter(|it| it != "mod")
        .collect();
    let listed: Vec<String> = sources::ALL.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(files, listed, "files on the left, sources::ALL on the right");
}

#[test]
fn every_source_has_a_good_a_bad_and_an_absent_recording() {
    for source in sources::ALL {
        let cases = names(&repo().join("tests/fixtures").join(source.name));
        for wanted in ["absent", "broken", "healthy"] {
            let found = cases.iter().any(|it| it.starts_with(wanted));
            assert!(found, "{} has no `{wanted}*` case, only {cases:?}", source.name);
        }
    }
}

#[test]
fn every_recording_says_where_it_comes_from() {
    for source in sources::ALL {
        let dir = repo().join("tests/fixtures").join(source.name);
        for case in names(&dir) {
            let origin = fs::read_to_string(dir.join(&case).join("ORIGIN")).unwrap_or_default();
            let known = ["recorded:", "synthetic:"];
            let good = known.iter().any(|it| origin.starts_with(it));
            assert!(good, "{}/{case}/ORIGIN starts with one of {known:?}", source.name);
        }
    }
}

#[test]
fn names_have_the_open_telemetry_form_and_one_meaning() {
    let mut meanings = BTreeMap::new();
    for source in sources::ALL {
        let tables =
            [("metric", source.metrics), ("state", source.states), ("event", source.events)];
        for (kind, table) in tables {
            for it in table {
                let form = it.name.split('.').all(|part| {
                    !part.is_empty()
                        && part.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_'))
                });
                assert!(form && it.name.contains('.'), "{} is no name", it.name);
                assert!(it.help.ends_with('.'), "{}: help is a sentence", it.name);
                assert_eq!(it.unit.is_empty(), kind != "metric", "{}: unit {:?}", it.name, it.unit);
                if let Some(other) = meanings.insert((kind, it.name), it) {
                    assert_eq!(other, it, "{} means two things", it.name);
                }
            }
        }
    }
}

#[test]
fn sources_cannot_overlap_themselves_and_say_why_they_harm_nobody() {
    for source in sources::ALL {
        assert!(source.deadline < source.every, "{} can overlap itself", source.name);
        assert!(source.harmless.ends_with('.'), "{}: a sentence", source.name);
        assert!(!source.needs.is_empty(), "{}: what tells that it is absent?", source.name);
    }
}

#[test]
fn sources_reach_the_system_only_through_the_host() {
    let forbidden =
        ["std::fs", "std::process", "std::net", "SystemTime::now", "Instant::now", "std::env"];
    let src = repo().join("agent/src");
    let mut all = files(&src.join("sources"));
    all.push(src.join("devices.rs"));
    for file in all {
        let text = fs::read_to_string(&file).unwrap();
        for forbidden in forbidden {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", file.display());
        }
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines; make it a folder", file.display());
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for name in names(dir) {
        let path = dir.join(name);
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}
