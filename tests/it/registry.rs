//! The folders are the architecture: these tests keep them, the tables and the recordings in step.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use xunjian_agent::{host::Allowed, sources};

use crate::{
    fixtures::{names, repo},
    support::program,
};

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
                let chinese = it.zh.chars().any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it));
                assert!(chinese, "{}: no Chinese name in {:?}", it.name, it.zh);
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
        let sentences = source.harmless.en.ends_with('.') && source.harmless.zh.ends_with('。');
        assert!(sentences, "{}: sentences", source.name);
        let allowed = Allowed::of([source]);
        for run in source.runs.iter().filter(|it| !it.starts_with("xunjian-agent ")) {
            let program = run.split(' ').next().and_then(|it| allowed.program(it));
            let found = program.is_some_and(|it| it.places.iter().all(|it| it.starts_with('/')));
            assert!(found, "{}: no place for the program of `{run}`", source.name);
        }
        assert!(!source.needs.is_empty(), "{}: what tells that it is absent?", source.name);
    }
}

#[test]
fn sources_reach_the_system_only_through_the_host() {
    let forbidden =
        ["std::fs", "std::process", "std::net", "SystemTime::now", "Instant::now", "std::env"];
    let src = repo().join("agent/src");
    let mut all = files(&src.join("sources"));
    all.extend([src.join("devices/mod.rs"), src.join("devices/shared.rs"), src.join("volumes.rs")]);
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

#[test]
fn the_document_of_the_sources_is_what_list_prints() {
    let file = repo().join("agent/SOURCES.md");
    let output = Command::new(program("xunjian-agent"))
        .args(["list", "--format", "markdown", "--lang", "en"])
        .output()
        .unwrap();
    let head = "# What the agent reads, and why that harms nobody\n\nMade by `xunjian-agent list --format markdown \
                --lang en`; a test keeps it fresh (`UPDATE=1` rewrites it).\n\n";
    let actual = format!("{head}{}", String::from_utf8(output.stdout).unwrap());
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, &actual).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(expected == actual, "{} is stale: UPDATE=1 rewrites it", file.display());
}
