//! Asking the `mm…` commands: each has a period of its own, and what it said is kept until then, with its age.
//!
//! Some of them ask other nodes and take seconds; `mmdf` reads allocation maps. One runs at a time (a source never
//! overlaps itself), a failed one leaves the old answer for a while, and every answer's age is a reading.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Reason};

use super::{
    metrics,
    table::{self, Table},
};
use crate::{
    host::{HostError, Output},
    source::Collect,
};

/// Bytes of answers that are kept at most; what is more is asked again every time.
const KEPT_BYTES_MAX: usize = 256 * 1024;

/// Lines that were not understood and are shown.
const STRANGE_MAX: usize = 3;

/// What is kept between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Answers by command line.
    #[serde(default)]
    answers: BTreeMap<String, Answer>,
    /// Command lines that failed last time.
    #[serde(default)]
    failures: BTreeMap<String, Failure>,
    /// Where the log was left.
    #[serde(default)]
    pub(super) log: super::log::Place,
    /// Users and groups that were told of, and for how many runs they still are.
    #[serde(default)]
    pub(super) quotas: BTreeMap<String, u32>,
    /// What was last kept as evidence.
    #[serde(default)]
    pub(super) evidence: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answer {
    /// Seconds since the boot.
    at: u64,
    tables: Vec<Table>,
    /// Of commands without `-Y`.
    #[serde(default)]
    text: String,
}

/// A command that failed: it is asked less and less often, so that no heap of hung commands grows in the cluster.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Failure {
    /// Seconds since the boot.
    at: u64,
    /// Times in a row.
    times: u32,
}

impl Failure {
    /// Seconds until it is asked again: 4, 8, 16 minutes and so on, at most an hour.
    fn pause(self) -> u64 {
        120_u64.saturating_mul(2_u64.saturating_pow(self.times)).min(3600)
    }
}

/// A command line, how often it is run, and the columns of its tables that are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) argv: &'a [&'a str],
    pub(super) every: Duration,
    pub(super) columns: &'a [&'a str],
}

/// Asks, and remembers.
pub(super) struct Asker {
    /// Seconds since the boot; none where they could not be read: then nothing is kept.
    now: Option<u64>,
    memory: Memory,
    raw: String,
}

impl Asker {
    pub(super) fn new(c: &mut Collect<'_>) -> Asker {
        let memory = c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok());
        let now = c.host.vitals().ok().map(|it| it.uptime_secs);
        Asker { now, memory: memory.unwrap_or_default(), raw: String::new() }
    }

    /// The log's place.
    pub(super) fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// The tables that a command printed, now or a while ago; none if there are none.
    pub(super) fn tables(&mut self, c: &mut Collect<'_>, question: Question<'_>) -> Vec<Table> {
        self.reduced(c, question, &|_| {})
    }

    /// The same of a command that may print far more than is needed: `reduce` leaves what is kept.
    pub(super) fn reduced(
        &mut self,
        c: &mut Collect<'_>,
        question: Question<'_>,
        reduce: &dyn Fn(&mut Vec<Table>),
    ) -> Vec<Table> {
        self.answer(c, question, reduce).map(|it| it.tables).unwrap_or_default()
    }

    /// What a command without `-Y` printed.
    pub(super) fn text(&mut self, c: &mut Collect<'_>, question: Question<'_>) -> String {
        self.answer(c, question, &|_| {}).map(|it| it.text).unwrap_or_default()
    }

    fn answer(
        &mut self,
        c: &mut Collect<'_>,
        question: Question<'_>,
        reduce: &dyn Fn(&mut Vec<Table>),
    ) -> Option<Answer> {
        let line = question.argv.join(" ");
        let kept = self.memory.answers.get(&line).cloned();
        let now = self.now;
        let age = |it: &Answer| now.and_then(|now| now.checked_sub(it.at));
        // A little earlier than due: runs are never exactly a period apart.
        let due = question.every.as_secs().saturating_sub(20);
        if let Some(kept) = &kept
            && let Some(age) = age(kept)
            && age < due
        {
            tell_age(c, &line, age);
            return Some(kept.clone());
        }
        let answer = match self.paused(&line) {
            Some(secs) => {
                let text = format!("`{line}` failed before; asked again in {secs} s");
                c.problem(Reason::TimedOut, None, text);
                None
            }
            None => self.run(c, question, &line).map(|mut it| {
                reduce(&mut it.tables);
                it
            }),
        };
        match answer {
            Some(answer) => {
                tell_age(c, &line, 0);
                self.keep(line, &answer);
                Some(answer)
            }
            None => {
                let limit = 3 * question.every.as_secs();
                let kept = kept.filter(|it| age(it).is_some_and(|age| age < limit));
                match &kept {
                    Some(kept) => tell_age(c, &line, age(kept).unwrap_or_default()),
                    None => drop(self.memory.answers.remove(&line)),
                }
                kept
            }
        }
    }

    /// Seconds that a command that failed is left alone for; none if it may be asked.
    fn paused(&self, line: &str) -> Option<u64> {
        let failure = self.memory.failures.get(line)?;
        let since = self.now?.checked_sub(failure.at)?;
        failure.pause().checked_sub(since).filter(|it| *it > 0)
    }

    fn note_failure(&mut self, line: &str) {
        if let Some(now) = self.now {
            let times = self.memory.failures.get(line).map_or(0, |it| it.times).saturating_add(1);
            self.memory.failures.insert(line.to_owned(), Failure { at: now, times });
        }
    }

    fn keep(&mut self, line: String, answer: &Answer) {
        if self.now.is_some() {
            self.memory.failures.remove(&line);
            self.memory.answers.insert(line, answer.clone());
        }
    }

    fn run(&mut self, c: &mut Collect<'_>, question: Question<'_>, line: &str) -> Option<Answer> {
        let output = match c.host.run(question.argv) {
            Ok(output) => output,
            Err(error) => {
                let absent = matches!(&error, HostError::Run { source, .. }
                    if source.kind() == std::io::ErrorKind::NotFound);
                // A part of the product that is not installed, or an output that was not saved.
                if !absent {
                    self.note_failure(line);
                    c.problem(error.reason(), None, &error);
                }
                return None;
            }
        };
        let Output { stdout, stderr, status, truncated } = output;
        if truncated {
            c.problem(Reason::Truncated, None, format!("`{line}` said too much and was cut"));
        }
        let (mut tables, strange) = match question.columns {
            [] => (Vec::new(), Vec::new()),
            _ => table::parse(&stdout),
        };
        let said_nothing = tables.iter().all(|it| it.rows.is_empty())
            && (question.columns.len() > 1 || stdout.trim().is_empty());
        if status != 0 && said_nothing {
            if nothing_there(&stderr) {
                return Some(Answer {
                    at: self.now.unwrap_or(0),
                    tables: Vec::new(),
                    text: String::new(),
                });
            }
            self.note_failure(line);
            refused(c, line, status, &stderr);
            return None;
        }
        for text in strange.iter().take(STRANGE_MAX) {
            let text: String = text.chars().take(80).collect();
            c.problem(
                Reason::Unparsable,
                None,
                format!("line of `{line}` not understood: {text:?}"),
            );
        }
        // `-Y` prints the row of its columns even where there is nothing below it.
        let said_none = stdout.trim().is_empty() && nothing_there(&stderr);
        if question.columns.len() > 1 && tables.is_empty() && !said_none {
            let first: String = stdout.trim().chars().take(80).collect();
            let text =
                format!("`{line}` printed no table that begins with a HEADER row: {first:?}");
            c.problem(Reason::Unparsable, None, text);
            return None;
        }
        // More than evidence may hold is cut there.
        if self.raw.len() < KEPT_BYTES_MAX {
            self.raw.push_str(&format!("$ {line}\n{stdout}"));
        }
        tables.iter_mut().for_each(|it| it.narrow(question.columns));
        let text = if question.columns.is_empty() { stdout } else { String::new() };
        Some(Answer { at: self.now.unwrap_or(0), tables, text })
    }

    /// Keeps what was printed if the words changed, and everything for the next run.
    pub(super) fn finish(mut self, c: &mut Collect<'_>, words: &str) {
        let now = crate::source::fingerprint(words);
        if !self.raw.is_empty() && self.memory.evidence != now {
            c.evidence("mm… -Y", &self.raw);
            self.memory.evidence = now;
        }
        if let Some(now) = self.now {
            // Those of file systems that are gone.
            self.memory
                .answers
                .retain(|_, it| now.saturating_sub(it.at) < 4 * 3600 && it.at <= now);
        }
        while let Ok(text) = serde_json::to_string(&self.memory) {
            if text.len() <= KEPT_BYTES_MAX || self.memory.answers.is_empty() {
                *c.cursor = Some(text);
                break;
            }
            let size = |it: &Answer| {
                it.text.len() + it.tables.iter().map(|it| it.rows.len()).sum::<usize>() * 100
            };
            let largest =
                self.memory.answers.iter().max_by_key(|it| size(it.1)).map(|it| it.0.clone());
            self.memory.answers.retain(|line, _| Some(line) != largest.as_ref());
        }
    }
}

fn tell_age(c: &mut Collect<'_>, line: &str, secs: u64) {
    #[expect(clippy::cast_precision_loss, reason = "ages are below 2^52 seconds")]
    let age = secs as f64;
    c.sample_with(&metrics::AGE, &ComponentId::host(), &[("gpfs.command", line)], age);
}

/// A cluster without file systems of its own, or without native RAID, is no failure.
fn nothing_there(stderr: &str) -> bool {
    let said = stderr.to_lowercase();
    ["no file systems", "no recovery group", "no pdisks", "no filesets", "no quota management"]
        .iter()
        .any(|it| said.contains(it))
}

fn refused(c: &mut Collect<'_>, line: &str, status: i32, stderr: &str) {
    let said = stderr.lines().map(str::trim).find(|it| !it.is_empty()).unwrap_or("it said nothing");
    let said: String = said.chars().take(160).collect();
    let reason = match said.contains("ermission denied") || said.contains("must be root") {
        true => Reason::PermissionDenied,
        false => Reason::ToolFailed,
    };
    c.problem(reason, None, format!("`{line}` ended with status {status}: {said}"));
}
