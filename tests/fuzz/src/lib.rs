//! Everything that reads what others wrote, as entries: functions of bytes that panic if what must hold does not.
//!
//! The first byte of an input says which entry reads the rest. Behind the entries of [`ENTRIES`] stand all sources of the
//! registry in its order, so a new source is fuzzed by itself. Seeds are the project's own recordings, read from the
//! repository when they are asked for.

#![allow(clippy::unwrap_used, reason = "a reader that fails is a test that fails")]

use std::path::{Path, PathBuf};

mod peers;

mod sources;

pub use sources::check;

mod texts;

mod wire;

/// Inputs of an entry, without their first byte, each with a name.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// One reader.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its name, with which its seeds begin.
    pub name: &'static str,
    /// What holds whatever it is given, besides that nothing panics: a sentence.
    pub holds: &'static str,
    /// Reads an input; panics if what must hold does not.
    pub read: fn(&[u8]),
    /// Inputs to begin with: a name, and the bytes.
    pub seeds: fn(&Path) -> Seeds,
}

/// Readers that are no sources, in the order of their names.
pub const ENTRIES: &[Entry] = &[
    wire::BATCH,
    wire::BUNDLE,
    texts::COLLECTOR_CONFIGURATION,
    texts::CONFIGURATION,
    texts::CONTRACT,
    wire::DEFINITION,
    texts::DRIVE_STATS,
    peers::BUS,
    peers::HTTP,
    wire::MESSAGE,
    wire::RECORDS,
    texts::RULES,
    peers::SNMP,
    peers::SNMP_USER,
    peers::SNMP_WALK,
    wire::SPOOL,
    texts::TARGET,
    texts::TOKEN,
    texts::WALK,
];

/// What holds of every source.
pub const SOURCES_HOLD: &str = "a run ends in time without a panic and can be packed; every value is a finite number, every \
                                reading is of a declared name and there once, every problem has a sentence; so does a second \
                                run with the cursor of the first one";

/// An input to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// A file name that no other seed has.
    pub name: String,
    /// The input, with its first byte.
    pub input: Vec<u8>,
}

/// Gives an input to the entry that its first byte names. Panics if what must hold does not.
pub fn read(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let index = usize::from(*first);
    match ENTRIES.get(index) {
        Some(entry) => (entry.read)(rest),
        None => sources::read(index - ENTRIES.len(), rest),
    }
}

/// All seeds, made of the fixtures, rules and examples of the repository.
pub fn seeds() -> Vec<Seed> {
    let root = root();
    let mut all = Vec::new();
    let own = ENTRIES.iter().map(|entry| (entry.name, (entry.seeds)(&root)));
    for (index, (name, seeds)) in own.chain(sources::seeds(&root)).enumerate() {
        let first = u8::try_from(index).expect("there are fewer than 256 entries and sources");
        all.extend(seeds.into_iter().map(|(seed, content)| {
            let mut input = vec![first];
            input.extend(content);
            Seed { name: format!("{name}-{seed}"), input }
        }));
    }
    all
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names and contents of the files of a folder that end so, in the order of their names; of folders below it too.
fn files(dir: &Path, end: &str) -> Seeds {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|it| it.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let below = files(&path, end).into_iter();
            found.extend(below.map(|(it, content)| (format!("{name}-{it}"), content)));
        } else if name.ends_with(end) {
            found.extend(std::fs::read(&path).map(|content| (name, content)));
        }
    }
    found
}
