//! The sources. One is given a whole host: its input is pieces that begin with `\x01`, each a question, `\x02` and the
//! answer. A question is the path of a file, `$` and a command line, `~`, target and path of a web service, `@` and an
//! SNMP target, or empty for saved outputs as `xunjian-agent read` takes them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    slice,
    sync::Arc,
    time::Duration,
};

use xunjian_agent::{
    host::{Given, Host, Recorded, Request, read_walk},
    runner::{self, Job},
    saved::File,
    source::{Metric, Source},
    sources,
};
use xunjian_proto::{Outcome, Run, Time, wire};

use crate::Seeds;

/// Below the fuzzer's own patience with an input.
const DEADLINE: Duration = Duration::from_secs(8);

/// Gives an input to the source at this place of the registry; nothing happens if there is none.
pub(crate) fn read(index: usize, bytes: &[u8]) {
    if let Some(source) = sources::ALL.get(index) {
        give(source, &String::from_utf8_lossy(bytes));
    }
}

fn give(source: &Source, text: &str) {
    let mut host = Given::default();
    let mut saved = Vec::new();
    for piece in text.split('\x01').filter(|it| !it.is_empty()) {
        let (question, answer) = piece.split_once('\x02').unwrap_or(("", piece));
        if question.is_empty() {
            saved.push(File { name: "saved".to_owned(), content: answer.to_owned() });
        } else if let Some(command) = question.strip_prefix('$') {
            let words: Vec<&str> = command.split('\t').collect();
            host.answer(&words, 0, answer);
        } else if let Some((target, path)) =
            question.strip_prefix('~').and_then(|it| it.split_once('\t'))
        {
            host.web(source.name, target, path, answer);
        } else if let Some(target) = question.strip_prefix('@') {
            host.target(target, read_walk(answer, &|_| None).bindings);
        } else {
            host.file(question, answer);
        }
    }
    look(source, host);
    if !saved.is_empty()
        && let Ok(given) = source.saved.host(&saved, Time::from_secs(1_800_000_000))
    {
        look(source, given.host);
    }
}

fn look(source: &Source, host: Given) {
    let host: Arc<dyn Host> = Arc::new(host);
    let mut cursor = None;
    for second in [0, 60] {
        let job = Job {
            source: *source,
            options: toml::Table::new(),
            deadline: DEADLINE,
            cursor,
            at: Time::from_secs(1_800_000_000 + second),
        };
        let finished = runner::run(job, host.clone());
        check(source, &finished.run);
        cursor = finished.cursor;
    }
}

/// What holds of every run of a source as it is handed on, whatever it was given to read. Panics if it does not.
pub fn check(source: &Source, run: &Run) {
    assert!(run.outcome != Outcome::Stuck, "it does not end");
    if let Outcome::Failed(why) = &run.outcome {
        assert!(!why.contains("panicked") && !why.trim().is_empty(), "{why}");
    }
    if let Err(error) = wire::pack(slice::from_ref(run)) {
        panic!("it cannot be packed: {error}");
    }
    let declared = |of: &[Metric], name: &str| of.iter().any(|it| it.name == name);
    let mut seen = BTreeSet::new();
    for it in &run.samples {
        assert!(it.value.is_finite(), "{it:?}");
        assert!(
            declared(source.metrics, &it.series.metric),
            "{} is not declared",
            it.series.metric
        );
        assert!(seen.insert(&it.series), "{:?} comes twice", it.series);
    }
    let mut seen = BTreeSet::new();
    for it in &run.states {
        assert!(declared(source.states, &it.metric), "{} is not declared", it.metric);
        assert!(seen.insert((&it.metric, &it.component)), "{it:?} comes twice");
    }
    for it in &run.events {
        assert!(declared(source.events, &it.kind), "{} is not declared", it.kind);
    }
    let mut seen = BTreeSet::new();
    for it in &run.components {
        assert!(seen.insert(&it.id), "{} comes twice", it.id);
    }
    for it in &run.problems {
        assert!(!it.text.trim().is_empty(), "a problem without a sentence: {it:?}");
    }
}

/// Of each source its name and its recordings.
pub(crate) fn seeds(root: &Path) -> impl Iterator<Item = (&'static str, Seeds)> {
    sources::ALL.iter().map(|source| {
        let cases = fs::read_dir(root.join("tests/fixtures").join(source.name));
        let cases = cases.into_iter().flatten().filter_map(Result::ok).map(|it| it.path());
        let mut seeds: Vec<_> = cases.map(|case| seed(source.name, &case)).collect();
        seeds.sort();
        (source.name, seeds)
    })
}

fn seed(source: &str, case: &Path) -> (String, Vec<u8>) {
    let mut seed = Vec::new();
    files(&case.join("root"), "", &mut seed);
    commands(&case.join("cmd"), &mut seed);
    pages(source, case, &mut seed);
    (case.file_name().unwrap_or_default().to_string_lossy().into_owned(), seed)
}

fn piece(question: &str, answer: &str, seed: &mut Vec<u8>) {
    for part in ["\x01", question, "\x02", answer] {
        seed.extend(part.as_bytes());
    }
}

fn paths(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|it| it.path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn files(dir: &Path, path: &str, seed: &mut Vec<u8>) {
    for entry in paths(dir) {
        let name = format!("{path}{}", name(&entry));
        if entry.is_dir() {
            files(&entry, &format!("{name}/"), seed);
        } else if let Ok(text) = fs::read_to_string(entry) {
            piece(&name, &text, seed);
        }
    }
}

/// `smartctl+--json+-x+@dev@sda.out`. Arguments that hold a `+` or `@` of their own come out otherwise, which harms nobody.
fn commands(dir: &Path, seed: &mut Vec<u8>) {
    for entry in paths(dir) {
        let name = name(&entry);
        let Some(command) = name.strip_suffix(".out") else { continue };
        if let Ok(text) = fs::read_to_string(entry) {
            piece(&format!("${}", command.replace('+', "\t").replace('@', "/")), &text, seed);
        }
    }
}

/// Walks and pages of targets, asked through the recording itself.
fn pages(source: &str, case: &Path, seed: &mut Vec<u8>) {
    let recorded = Recorded::open(case);
    for target in recorded.targets(source, &[]) {
        let dir = case.join("targets").join(source);
        if let Ok(text) = fs::read_to_string(dir.join(format!("{}.snmprec", target.name))) {
            piece(&format!("@{}", target.name), &text, seed);
        }
        for entry in paths(&dir.join(&target.name)) {
            let name = name(&entry);
            let Some(path) = name.strip_suffix(".json") else { continue };
            let path = path.replace('@', "/");
            let limit = Duration::from_secs(1);
            let ask = Request { source, target: &target.name, path: &path, limit };
            if let Ok(reply) = recorded.get(&ask) {
                piece(&format!("~{}\t{path}", target.name), &reply.body, seed);
            }
        }
    }
}
