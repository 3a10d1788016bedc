//! Walks in recordings: the variables as `.snmprec`, roots that were cut, and why a target gave nothing.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};
use xunjian_proto::Reason;

use super::{Ask, Cut, Oid, Value, WalkError, Walked, WhyCut, read_walk, write_walk};
use crate::host::HostError;

/// What a recording has of one target so far.
#[derive(Debug, Default)]
pub(in crate::host) struct Kept {
    bindings: BTreeMap<Oid, Value>,
    cuts: String,
    answered: bool,
}

/// Why a target gave nothing, in a file of its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    reason: Reason,
    text: String,
}

impl Kept {
    /// Adds a walk; gives the files, by suffix, as they are now. The first answer to a question is the one kept.
    pub(in crate::host) fn add(&mut self, walked: &Walked) -> Vec<(&'static str, String)> {
        self.answered = true;
        for (oid, value) in &walked.bindings {
            self.bindings.entry(oid.clone()).or_insert_with(|| value.clone());
        }
        for cut in &walked.cuts {
            // Writing to a string does not fail.
            let _ = writeln!(self.cuts, "{} {}", cut.root, word(&cut.why));
        }
        let mut files = vec![("snmprec", write_walk(&self.bindings))];
        if !self.cuts.is_empty() {
            files.push(("cuts", self.cuts.clone()));
        }
        files
    }

    /// A walk that gave nothing. After one that did, it is told by what is missing.
    pub(in crate::host) fn fail(&mut self, error: &HostError) -> Vec<(&'static str, String)> {
        if self.answered {
            return Vec::new();
        }
        let text = match error {
            HostError::Walk { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        let failure = Failure { reason: error.reason(), text };
        vec![("error", serde_json::to_string(&failure).unwrap_or_default())]
    }
}

fn word(why: &WhyCut) -> String {
    match why {
        WhyCut::Loop(oid) => format!("loop {oid}"),
        WhyCut::Error(status) => format!("error {status}"),
        WhyCut::Silent => "silent".to_owned(),
        WhyCut::Empty => "empty".to_owned(),
        WhyCut::Full => "full".to_owned(),
        WhyCut::Late => "late".to_owned(),
    }
}

fn cut(line: &str) -> Option<Cut> {
    let mut words = line.split_whitespace();
    let root = words.next()?.parse().ok()?;
    let why = match (words.next()?, words.next()) {
        ("loop", Some(oid)) => WhyCut::Loop(oid.parse().ok()?),
        ("error", Some(status)) => WhyCut::Error(status.parse().ok()?),
        ("silent", _) => WhyCut::Silent,
        ("empty", _) => WhyCut::Empty,
        ("full", _) => WhyCut::Full,
        ("late", _) => WhyCut::Late,
        _ => return None,
    };
    Some(Cut { root, why })
}

/// The answer of a recorded target; `file` gives the content of its file with a suffix. A walk that people saved in
/// another form than `.snmprec` may be called `.walk`.
pub(in crate::host) fn recorded_walk(
    ask: Ask<'_>,
    file: &dyn Fn(&str) -> Option<String>,
) -> Result<Walked, WalkError> {
    let Some(text) = file("snmprec").or_else(|| file("walk")) else {
        let failure = file("error").and_then(|it| serde_json::from_str::<Failure>(&it).ok());
        let Failure { reason, text } = failure.unwrap_or_else(|| Failure {
            reason: Reason::Missing,
            text: "no walk was recorded".to_owned(),
        });
        return Err(WalkError::Recorded { reason, text });
    };
    let mut walked = ask.of(&read_walk(&text, &|_| None).bindings);
    let cuts = file("cuts").unwrap_or_default();
    walked.cuts = cuts.lines().filter_map(cut).filter(|it| ask.roots.contains(&it.root)).collect();
    Ok(walked)
}
