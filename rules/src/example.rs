//! Examples that stand beside the rules and run as tests.

use std::{collections::BTreeMap, time::Duration};

use crate::{EvidenceKind, rule::Attrs};

/// A short time line with the verdict it must bring.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The verdict after the last reading.
    pub expect: Expect,
    /// What it shows, where that is said.
    pub why: String,
    /// Evidence kind of the fact, where that is not the rule's own.
    pub evidence: Option<EvidenceKind>,
    /// Attributes of the component.
    pub attrs: BTreeMap<String, String>,
    /// Oldest first.
    pub readings: Vec<Reading>,
    /// Judged so long after the first instant; at the last reading without it.
    pub now: Option<Duration>,
    /// Line it begins on.
    pub line: usize,
}

/// What an example expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expect {
    /// The rule fires.
    Firing,
    /// It is quiet.
    Quiet,
    /// It is not decided yet.
    Pending,
    /// It cannot know.
    Unknown,
}

impl Expect {
    /// As the file says it.
    pub fn key(self) -> &'static str {
        match self {
            Expect::Firing => "firing",
            Expect::Quiet => "quiet",
            Expect::Pending => "pending",
            Expect::Unknown => "unknown",
        }
    }
}

/// One run of the rule's source in an example.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// So long after the first instant.
    pub at: Duration,
    /// Numbers: name, attributes, value.
    pub samples: Vec<(String, Attrs, f64)>,
    /// Numbers of each of three other members of the same set.
    pub peers: Vec<(String, Attrs, f64)>,
    /// Words.
    pub states: Vec<(String, String)>,
    /// Happenings: kind, text; their time is the run's.
    pub events: Vec<(String, Attrs)>,
    /// The run's end: `collected`, `absent`, `failed`, `stuck`, `deferred`.
    pub outcome: String,
    /// A problem that names the component: a reason in snake case.
    pub problem: Option<String>,
    /// The source did not see the component.
    pub gone: bool,
}
