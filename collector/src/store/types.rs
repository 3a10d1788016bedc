//! What goes into the store and comes out of it. Only these types and the judged ones (cases, tickets) cross its border.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xunjian_proto::{ComponentId, HostFacts, Outcome, Problem, Time, wire};

use crate::{classify::Case, ticket::Ticket};

/// Identity of an enrolled agent: from its client certificate, never from a message. 16 bytes in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentId(pub String);

/// A batch as it came from the wire, checked, to be made durable.
#[derive(Debug, Clone)]
pub struct StoredBatch {
    /// From whom.
    pub agent: AgentId,
    /// Boot of the agent's host.
    pub boot_id: String,
    /// Rises by one with each batch of an agent for as long as its spool lives.
    pub sequence: u64,
    /// Time of the first run in it (event time).
    pub at: Time,
    /// Time of the last run in it.
    pub until: Time,
    /// Definitions that came with it: (content hash, packed body), kept once per agent.
    pub definitions: Vec<(wire::Hash, Vec<u8>)>,
    /// The packed body, as `xunjian_proto::wire` reads it.
    pub body: Vec<u8>,
    /// Samples in it, for the counters.
    pub samples: u32,
    /// When it arrived, by the collector's clock.
    pub received: Time,
}

/// What became of an appended batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// New, and durable now.
    Stored,
    /// Seen before: (agent, boot, sequence) is known; dropped and counted.
    Duplicate,
}

/// An enrolled agent and what is known of its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentRow {
    /// Identity.
    pub agent: AgentId,
    /// As it last said.
    pub host: HostFacts,
    /// First enrolment.
    pub enrolled_at: Time,
    /// Event time of the newest run.
    pub last_seen: Option<Time>,
    /// Set when it was shut out.
    pub revoked_at: Option<Time>,
}

/// The newest run of a source on a host, with what it knew: the base of coverage and of the "now" pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// The source.
    pub source: String,
    /// When it last ran.
    pub at: Time,
    /// How that ended.
    pub outcome: Outcome,
    /// Its gaps.
    pub problems: Vec<Problem>,
    /// When it last ended as `Collected`.
    pub collected_at: Option<Time>,
}

/// Sums over the runs of one source on one host in a period: the non-intrusion ledger and the coverage figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The source.
    pub source: String,
    /// Runs that collected / found the host lacking / failed / stuck / deferred.
    pub collected: u64,
    /// Absent runs.
    pub absent: u64,
    /// Failed runs.
    pub failed: u64,
    /// Stuck runs.
    pub stuck: u64,
    /// Deferred runs.
    pub deferred: u64,
    /// Wall milliseconds, median.
    pub took_ms_p50: u32,
    /// Wall milliseconds, 99th percentile.
    pub took_ms_p99: u32,
    /// Sum of the agent's own CPU, microseconds.
    pub cpu_us: u64,
    /// Sum of bytes read.
    pub read_bytes: u64,
    /// Programs started: command pattern, how often, longest wall milliseconds.
    pub programs: Vec<(String, u64, u32)>,
}

/// One point of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Start of the step.
    pub at: Time,
    /// Smallest, mean and largest value in the step.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Largest.
    pub max: f64,
}

/// A drafted or published report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportRow {
    /// `R2026Q4-default-1`.
    pub id: String,
    /// Customer key.
    pub customer: String,
    /// First instant covered.
    pub from: Time,
    /// First instant not covered.
    pub to: Time,
    /// When it was drafted.
    pub drafted_at: Time,
    /// `draft` now; `signed`, `published` later.
    pub state: String,
    /// The figures and texts (JSON of the report model).
    pub model: String,
}

/// A person who may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Login.
    pub login: String,
    /// argon2 PHC string.
    pub password_hash: String,
    /// `engineer`, `manager`, `customer`.
    pub role: String,
    /// For role `customer`: whose data they see.
    pub customer: Option<String>,
}

/// Why the store could not do it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The engine refused.
    #[error("cannot {operation}")]
    Engine {
        /// What was wanted.
        operation: &'static str,
        /// What the engine said.
        source: rusqlite::Error,
    },
    /// The folder could not be used.
    #[error("cannot use the store folder {path}")]
    Folder {
        /// Which.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stored value could not be read back.
    #[error("{what} in the store cannot be read: {why}")]
    Corrupt {
        /// Which value.
        what: String,
        /// What was wrong.
        why: String,
    },
    /// There is nothing of that name.
    #[error("there is no {what} in the store")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The target of a backup or restore is in use.
    #[error("the folder {path} is not empty; name a new or empty one")]
    NotEmpty {
        /// Which.
        path: String,
    },
    /// The store was written by a newer version.
    #[error(
        "the store has format {found}, this program reads up to {known}; use a newer xunjian-collector"
    )]
    Newer {
        /// Found.
        found: u32,
        /// Known.
        known: u32,
    },
}

/// What is written together after a batch was judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// Cases that are new or changed.
    pub cases: Vec<Case>,
    /// Tickets that are new or have new events.
    pub tickets: Vec<Ticket>,
    /// How far each agent's batches have been judged, in order of arrival: (agent, sequence of the last one).
    pub upto: Vec<(AgentId, u64)>,
    /// Evaluation state per agent (opaque to the store), for a warm restart.
    pub holds: Vec<(AgentId, Vec<u8>)>,
    /// Messages for the outbox (JSON), with the time they were composed.
    pub messages: Vec<(Time, String)>,
}

/// One change of a word that a component says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// Whose.
    pub component: ComponentId,
    /// Which word: `md.array.state`.
    pub metric: String,
    /// Before; `None`: first seen.
    pub from: Option<String>,
    /// After.
    pub to: String,
    /// When it was read so for the first time (event time).
    pub at: Time,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When.
    pub at: Time,
    /// Who: a login, or `system`.
    pub actor: String,
    /// What: `ticket.responded`.
    pub action: String,
    /// On what: an id.
    pub object: String,
}

impl StoreError {
    /// Whether there is no room left, on the disk or below the store's limit.
    pub fn is_full(&self) -> bool {
        match self {
            StoreError::Engine { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            StoreError::Folder { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}
