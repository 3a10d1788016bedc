//! Everything that reads what others wrote, in one fuzzer: the first byte of the input says who reads.
//!
//! Below [`OTHERS`] readers stand all sources of the registry in its order, so a new source is fuzzed by itself. A source is
//! given a whole host: its input is pieces that begin with `\x01`, each a question, `\x02` and the answer. A question is the
//! path of a file, `$` and a command line, `~`, target and path of a web service, or empty for saved outputs as `xunjian-agent read` takes
//! them. `XUNJIAN_SEEDS=DIR` writes the recordings of the tests in this form and ends.

#![no_main]

use std::{fs, path::Path, time::Duration};

use libfuzzer_sys::fuzz_target;
use xunjian_agent::{
    config::Config,
    host::{Given, Host, Recorded, Request, read_walk},
    saved::File,
    source::{Collect, Source},
    sources,
};
use xunjian_proto::{Time, frame, wire};

/// Readers that are no sources.
const OTHERS: &[fn(&[u8])] = &[batch, segment, rules, configuration, walk];

fuzz_target!(
    init: {
        if let Some(dir) = std::env::var_os("XUNJIAN_SEEDS") {
            write_seeds(Path::new(&dir)).expect("the folder of seeds can be written");
            std::process::exit(0);
        }
    },
    |data: &[u8]| {
        let Some((first, rest)) = data.split_first() else { return };
        let index = usize::from(*first);
        match OTHERS.get(index) {
            Some(read) => read(rest),
            None => {
                if let Some(of) = sources::ALL.get(index - OTHERS.len()) {
                    source(of, &String::from_utf8_lossy(rest));
                }
            }
        }
    }
);

fn source(of: &Source, text: &str) {
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
            host.web(of.name, target, path, answer);
        } else if let Some(target) = question.strip_prefix('@') {
            host.target(target, read_walk(answer, &|_| None).bindings);
        } else {
            host.file(question, answer);
        }
    }
    look(of, &host);
    if !saved.is_empty() {
        if let Ok(given) = of.saved.host(&saved, Time::from_secs(1_800_000_000)) {
            look(of, &given.host);
        }
    }
}

fn look(of: &Source, host: &Given) {
    if !of.needs.iter().all(|need| host.has(*need)) {
        return;
    }
    let (options, mut cursor) = (toml::Table::new(), None);
    for _ in 0..2 {
        let mut collect = Collect::new(host, &options, &mut cursor);
        let _ = (of.collect)(&mut collect);
        let found = collect.finish();
        assert!(found.samples.iter().all(|it| it.value.is_finite()));
    }
}

fn batch(bytes: &[u8]) {
    let _ = wire::unpack(bytes, &|_| None);
}

/// Segments of the spool and bundles are framed alike.
fn segment(bytes: &[u8]) {
    let _ = frame::pieces(bytes).len();
    let _ = frame::one(bytes);
}

fn rules(bytes: &[u8]) {
    let files = [("fuzzed.toml".to_owned(), String::from_utf8_lossy(bytes).into_owned())];
    let _ = xunjian_rules::load(&files, &[]);
}

fn configuration(bytes: &[u8]) {
    let _ = Config::parse(&String::from_utf8_lossy(bytes), sources::ALL);
}

fn walk(bytes: &[u8]) {
    let _ = read_walk(&String::from_utf8_lossy(bytes), &|_| None);
}

/// One file a recording and rule file.
fn write_seeds(dir: &Path) -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (index, of) in sources::ALL.iter().enumerate() {
        for case in fs::read_dir(root.join("tests/fixtures").join(of.name))?.filter_map(Result::ok)
        {
            let mut seed =
                vec![u8::try_from(index + OTHERS.len()).expect("fewer than 250 sources")];
            files(&case.path().join("root"), "", &mut seed);
            commands(&case.path().join("cmd"), &mut seed);
            pages(of.name, &case.path(), &mut seed);
            let name = format!("{}-{}", of.name, case.file_name().to_string_lossy());
            fs::write(dir.join(name), seed)?;
        }
    }
    for file in fs::read_dir(root.join("rules/library"))?.filter_map(Result::ok) {
        let Ok(text) = fs::read(file.path()) else { continue };
        fs::write(
            dir.join(format!("rules-{}", file.file_name().to_string_lossy())),
            [&[2], &text[..]].concat(),
        )?;
    }
    let example = fs::read(root.join("deploy/agent.example.toml"))?;
    fs::write(dir.join("configuration"), [&[3], &example[..]].concat())?;
    let walks = fs::read_dir(root.join("tests/fixtures/wire"))?.filter_map(Result::ok);
    for (number, file) in walks.filter(|it| it.path().is_file()).enumerate() {
        let bytes = fs::read(file.path())?;
        fs::write(dir.join(format!("batch-{number}")), [&[0], &bytes[..]].concat())?;
        fs::write(dir.join(format!("segment-{number}")), [&[1], &bytes[..]].concat())?;
    }
    Ok(())
}

fn piece(question: &str, answer: &str, seed: &mut Vec<u8>) {
    for part in ["\x01", question, "\x02", answer] {
        seed.extend(part.as_bytes());
    }
}

fn files(dir: &Path, path: &str, seed: &mut Vec<u8>) {
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        let name = format!("{path}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{name}/"), seed);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            piece(&name, &text, seed);
        }
    }
}

/// `smartctl+--json+-x+@dev@sda.out`. Arguments that hold a `+` or `@` of their own come out otherwise, which harms nobody.
fn commands(dir: &Path, seed: &mut Vec<u8>) {
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(command) = name.strip_suffix(".out") else { continue };
        if let Ok(text) = fs::read_to_string(entry.path()) {
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
        for entry in
            fs::read_dir(dir.join(&target.name)).into_iter().flatten().filter_map(Result::ok)
        {
            let name = entry.file_name().to_string_lossy().into_owned();
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
