//! The embedded store: SQLite in one folder. What belongs together commits together; nothing outside this folder
//! knows which engine it is.
//!
//! Raw batches lie as they came (packed, zstd) in one table per two-hour window with key (time, agent); compaction
//! turns them into columnar pco blocks and drops the window's table. See ARCHITECTURE.md, "Store".

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xunjian_proto::{
    Component, ComponentId, HostFacts, Outcome, Problem, Run, SeriesKey, State, Time,
};

use crate::{
    classify::{Case, CaseId},
    ticket::{Ticket, TicketId},
};

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
    /// Definitions that came with it: (content hash, packed body), kept once per agent.
    pub definitions: Vec<([u8; 16], Vec<u8>)>,
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
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// Cases that are new or changed.
    pub cases: Vec<Case>,
    /// Tickets that are new or have new events.
    pub tickets: Vec<Ticket>,
    /// How far each agent's batches have been judged: (agent, sequence).
    pub upto: Vec<(AgentId, u64)>,
    /// Evaluation state per agent (opaque to the store), for a warm restart.
    pub holds: Vec<(AgentId, Vec<u8>)>,
}

/// The store. Cheap to clone; all methods block and are called from blocking threads.
#[derive(Clone)]
pub struct Store {
    _private: (),
}

/// Everything below is the store's whole surface.
#[allow(unused_variables, clippy::todo, reason = "replaced in the next commits")]
impl Store {
    /// Opens or makes the store in a folder and brings its format up to date.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        todo!()
    }

    // -- ingest
    /// Appends batches in one transaction (group commit, synchronous=FULL); on return they are durable.
    /// The runs' inventory (components, states, source status, ledger) is updated by `absorb`, not here.
    pub fn append(&self, batches: &[StoredBatch]) -> Result<Vec<Appended>, StoreError> {
        todo!()
    }
    /// The highest sequence that is durable for an agent; agents resume after it.
    pub fn last_sequence(&self, agent: &AgentId) -> Result<Option<u64>, StoreError> {
        todo!()
    }
    /// Which of these definitions are not known for this agent.
    pub fn missing_definitions(
        &self,
        agent: &AgentId,
        hashes: &[[u8; 16]],
    ) -> Result<Vec<[u8; 16]>, StoreError> {
        todo!()
    }
    /// Batches that are durable and not judged yet, oldest first, at most `limit`.
    pub fn unjudged(&self, limit: usize) -> Result<Vec<StoredBatch>, StoreError> {
        todo!()
    }
    /// Unpacked runs of an agent in a period, oldest first (for replay and warm start).
    pub fn runs(&self, agent: &AgentId, from: Time, to: Time) -> Result<Vec<Run>, StoreError> {
        todo!()
    }
    /// Makes readable what a batch's runs say now: components, states, source status, ledger, evidence, events.
    pub fn absorb(&self, agent: &AgentId, runs: &[Run]) -> Result<(), StoreError> {
        todo!()
    }
    /// Writes what judging brought, in one transaction.
    pub fn commit_judged(&self, judged: &Judged) -> Result<(), StoreError> {
        todo!()
    }
    /// Evaluation states kept for a warm restart.
    pub fn holds(&self) -> Result<Vec<(AgentId, Vec<u8>)>, StoreError> {
        todo!()
    }

    // -- agents
    /// Adds an agent at enrolment.
    pub fn enrol(&self, agent: &AgentId, host: &HostFacts, at: Time) -> Result<(), StoreError> {
        todo!()
    }
    /// Notes what an agent said of its host in its hello.
    pub fn hello(&self, agent: &AgentId, host: &HostFacts, at: Time) -> Result<(), StoreError> {
        todo!()
    }
    /// Shuts an agent out.
    pub fn revoke(&self, agent: &AgentId, at: Time) -> Result<bool, StoreError> {
        todo!()
    }
    /// All agents.
    pub fn agents(&self) -> Result<Vec<AgentRow>, StoreError> {
        todo!()
    }
    /// Keeps the hash of an enrolment token until it expires.
    pub fn put_token(&self, token_hash: &str, expires: Time) -> Result<(), StoreError> {
        todo!()
    }
    /// Uses up a token: true only once, and only before it expires.
    pub fn take_token(&self, token_hash: &str, now: Time) -> Result<bool, StoreError> {
        todo!()
    }

    // -- readings
    /// Components of a host as last seen, with the time each was last seen.
    pub fn components(&self, agent: &AgentId) -> Result<Vec<(Component, Time)>, StoreError> {
        todo!()
    }
    /// States of a host as last read.
    pub fn states(&self, agent: &AgentId) -> Result<Vec<(State, Time)>, StoreError> {
        todo!()
    }
    /// Series of a host, or of one component of it, with the newest value.
    pub fn series(
        &self,
        agent: &AgentId,
        component: Option<&ComponentId>,
    ) -> Result<Vec<(SeriesKey, Time, f64)>, StoreError> {
        todo!()
    }
    /// A series over a period in steps, from raw, blocks or rollups, whichever fits.
    pub fn points(
        &self,
        agent: &AgentId,
        series: &SeriesKey,
        from: Time,
        to: Time,
        step: Duration,
    ) -> Result<Vec<Point>, StoreError> {
        todo!()
    }
    /// Newest run per source of a host.
    pub fn sources(&self, agent: &AgentId) -> Result<Vec<SourceStatus>, StoreError> {
        todo!()
    }
    /// The ledger of a host over a period.
    pub fn ledger(
        &self,
        agent: &AgentId,
        from: Time,
        to: Time,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        todo!()
    }
    /// Events of a host in a period, newest first, at most `limit`.
    pub fn events(
        &self,
        agent: &AgentId,
        from: Time,
        to: Time,
        limit: usize,
    ) -> Result<Vec<xunjian_proto::Event>, StoreError> {
        todo!()
    }
    /// Raw evidence by its id (SHA-256 hex): name and content.
    pub fn evidence(&self, id: &str) -> Result<Option<xunjian_proto::Evidence>, StoreError> {
        todo!()
    }
    /// Newest evidence ids of a host's source: (id, name, time).
    pub fn evidence_of(
        &self,
        agent: &AgentId,
        source: &str,
    ) -> Result<Vec<(String, String, Time)>, StoreError> {
        todo!()
    }

    // -- cases, tickets
    /// Cases: open ones, and those closed after `closed_after` if given. Gravest first.
    pub fn cases(&self, closed_after: Option<Time>) -> Result<Vec<Case>, StoreError> {
        todo!()
    }
    /// One case.
    pub fn case(&self, id: &CaseId) -> Result<Option<Case>, StoreError> {
        todo!()
    }
    /// Tickets, newest first: those not confirmed, and those opened after `opened_after` if given.
    pub fn tickets(&self, opened_after: Option<Time>) -> Result<Vec<Ticket>, StoreError> {
        todo!()
    }
    /// One ticket.
    pub fn ticket(&self, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
        todo!()
    }
    /// Adds one event to a ticket's log (a person's action), with its line in the audit log.
    pub fn add_ticket_event(
        &self,
        id: &TicketId,
        event: &crate::ticket::TicketEvent,
    ) -> Result<Ticket, StoreError> {
        todo!()
    }
    /// The next free number for tickets of a day (`20261122` → 1).
    pub fn next_ticket_number(&self, day: &str) -> Result<u32, StoreError> {
        todo!()
    }

    // -- notify
    /// Messages not delivered yet: (id, JSON).
    pub fn outbox(&self, limit: usize) -> Result<Vec<(i64, String)>, StoreError> {
        todo!()
    }
    /// Puts a message in the outbox.
    pub fn put_outbox(&self, message: &str, at: Time) -> Result<i64, StoreError> {
        todo!()
    }
    /// Marks a message as delivered, or as tried.
    pub fn mark_outbox(&self, id: i64, delivered: bool, at: Time) -> Result<(), StoreError> {
        todo!()
    }

    // -- reports, people, audit
    /// Keeps a report.
    pub fn put_report(&self, report: &ReportRow) -> Result<(), StoreError> {
        todo!()
    }
    /// All reports, newest first, without their models.
    pub fn reports(&self) -> Result<Vec<ReportRow>, StoreError> {
        todo!()
    }
    /// One report.
    pub fn report(&self, id: &str) -> Result<Option<ReportRow>, StoreError> {
        todo!()
    }
    /// Adds or changes a person.
    pub fn put_user(&self, user: &UserRow) -> Result<(), StoreError> {
        todo!()
    }
    /// A person by login.
    pub fn user(&self, login: &str) -> Result<Option<UserRow>, StoreError> {
        todo!()
    }
    /// All people.
    pub fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        todo!()
    }
    /// Opens a session: the token's hash.
    pub fn put_session(
        &self,
        token_hash: &str,
        login: &str,
        expires: Time,
    ) -> Result<(), StoreError> {
        todo!()
    }
    /// Whose session that is, if it has not expired.
    pub fn session(&self, token_hash: &str, now: Time) -> Result<Option<UserRow>, StoreError> {
        todo!()
    }
    /// Ends a session.
    pub fn drop_session(&self, token_hash: &str) -> Result<(), StoreError> {
        todo!()
    }
    /// Adds a line to the audit log.
    pub fn audit(
        &self,
        at: Time,
        actor: &str,
        action: &str,
        object: &str,
    ) -> Result<(), StoreError> {
        todo!()
    }
    /// Small named values: `instance_id`, `web_first_password_shown`.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }
    /// Sets one.
    pub fn put_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        todo!()
    }

    // -- housekeeping
    /// Turns windows that ended before `before` into blocks and rollups and drops their tables; says how many.
    pub fn compact(&self, before: Time) -> Result<u32, StoreError> {
        todo!()
    }
    /// Drops what is older than the retention allows.
    pub fn retain(&self, now: Time) -> Result<(), StoreError> {
        todo!()
    }
    /// A consistent copy while running.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        todo!()
    }
    /// Counters for `/metrics`: (name, value).
    pub fn counters(&self) -> Result<Vec<(String, u64)>, StoreError> {
        todo!()
    }
}
