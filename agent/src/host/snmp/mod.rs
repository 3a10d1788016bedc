//! SNMP as the `walk` door uses it: only questions, versions 2c and 3, bounded in time, bytes, variables and requests.
//!
//! Written here and not taken from a crate: what is needed (a blocking client that keeps its deadline against late,
//! doubled and forged answers, walks several columns at once, and whose secrets are never printed) is little more than
//! the encoding; the ciphers and hashes are those of the RustCrypto crates.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use thiserror::Error;
use xunjian_proto::Reason;

mod oid;

mod value;

mod ber;

mod usm;

mod message;

mod access;

mod session;

mod walk;

mod text;

mod kept;

pub(super) mod heard;

pub use access::Access;
pub(super) use kept::{Kept, recorded_walk};
pub use oid::Oid;
use session::{Engine, Session};
pub use text::{Read, read_walk, write_walk};
pub use value::{Value, hexadecimal};
use walk::Bounds;

use crate::targets::SecretError;

/// Longest time of one walk: an array with a thousand disks and a slow agent needs about a minute.
const WALK_TIME_MAX: Duration = Duration::from_secs(180);

/// Most bytes on the wire of one walk, both ways: forged or endless answers end there.
const WALK_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most variables of one walk: a thousand disks with thirty columns, and as much again.
const WALK_BINDINGS_MAX: usize = 60_000;

/// Most questions of one walk: all its variables one by one would be more, but no agent needs that.
const WALK_REQUESTS_MAX: u32 = 10_000;

/// What is to be walked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Everything below these is wanted; none of them lies below another.
    pub roots: &'a [Oid],
    /// Only the first variable below each: whether it is there at all.
    pub first: bool,
}

impl Ask<'_> {
    /// What a walk of an agent with these variables brings.
    pub(super) fn of(self, all: &BTreeMap<Oid, Value>) -> Walked {
        let mut bindings = BTreeMap::new();
        for root in self.roots {
            let below = all.range(root.clone()..).take_while(|(oid, _)| oid.is_below(root));
            let count = if self.first { 1 } else { usize::MAX };
            bindings.extend(below.take(count).map(|(oid, value)| (oid.clone(), value.clone())));
        }
        Walked { bindings, ..Walked::default() }
    }
}

/// What a walk brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Walked {
    /// Names and values, in order.
    pub bindings: BTreeMap<Oid, Value>,
    /// Roots of which something may be missing.
    pub cuts: Vec<Cut>,
    /// Bytes on the wire, both ways.
    pub bytes: u64,
}

/// A root whose walk did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Which.
    pub root: Oid,
    /// Why not.
    pub why: WhyCut,
}

/// Why a walk did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyCut {
    /// The agent went backwards, to this name.
    Loop(Oid),
    /// The agent reported this error (RFC 3416, `error-status`).
    Error(i64),
    /// The agent answered before and did not any more.
    Silent,
    /// The agent answered without anything in it.
    Empty,
    /// A bound of bytes, variables or requests.
    Full,
    /// The time was over.
    Late,
}

impl WhyCut {
    /// The closed reason of unknown that this amounts to.
    pub fn reason(&self) -> Reason {
        match self {
            WhyCut::Loop(_) | WhyCut::Empty => Reason::Unparsable,
            WhyCut::Error(6 | 16) => Reason::PermissionDenied,
            WhyCut::Error(_) => Reason::ToolFailed,
            WhyCut::Silent | WhyCut::Late => Reason::TimedOut,
            WhyCut::Full => Reason::Truncated,
        }
    }
}

impl fmt::Display for WhyCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhyCut::Loop(oid) => write!(f, "the agent goes backwards, to {oid}"),
            WhyCut::Error(1) => f.write_str("the agent says tooBig even for one variable"),
            WhyCut::Error(5) => f.write_str("the agent says genErr"),
            WhyCut::Error(status) => write!(f, "the agent says error {status}"),
            WhyCut::Silent => f.write_str("the agent stopped answering"),
            WhyCut::Empty => f.write_str("the agent's answer is empty"),
            WhyCut::Full => {
                f.write_str("a limit of the agent on bytes, variables or requests is reached")
            }
            WhyCut::Late => f.write_str("the time is over"),
        }
    }
}

/// Why a target gave nothing at all.
#[derive(Debug, Error)]
pub enum WalkError {
    /// No answer, as often as it was asked.
    #[error("no answer; address, community, user or an access list may be wrong, or it is down")]
    Silent,
    /// It answered that it will not, or cannot be believed.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The network said no.
    #[error("the network said: {0}")]
    Network(io::Error),
    /// There is no secret to ask with.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What was recorded in place of an answer.
    #[error("{text}")]
    Recorded {
        /// Its reason.
        reason: Reason,
        /// Its text.
        text: String,
    },
}

impl WalkError {
    /// The closed reason of unknown that this amounts to.
    pub fn reason(&self) -> Reason {
        match self {
            WalkError::Silent => Reason::TimedOut,
            WalkError::Refused(_) | WalkError::Secret(_) => Reason::PermissionDenied,
            WalkError::Network(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Reason::PermissionDenied
            }
            WalkError::Network(_) => Reason::ToolFailed,
            WalkError::Recorded { reason, .. } => *reason,
        }
    }
}

/// The live door: knows each target's engine from earlier walks.
#[derive(Default)]
pub(super) struct Door {
    engines: Mutex<BTreeMap<String, Engine>>,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    /// Walks a target within `limit`.
    pub(super) fn walk(
        &self,
        name: &str,
        address: &str,
        access: &Access,
        ask: Ask<'_>,
        limit: Duration,
    ) -> Result<Walked, WalkError> {
        let deadline = Instant::now() + limit.min(WALK_TIME_MAX);
        let known = self.engines().remove(name);
        let mut session = Session::open(address, access, known)?;
        let bounds = Bounds {
            bindings: WALK_BINDINGS_MAX,
            bytes: WALK_BYTES_MAX,
            at_once: access.at_once(),
            first: ask.first,
        };
        let harvest = walk::walk(ask.roots, bounds, &mut |question, names, patient| {
            if Instant::now() >= deadline {
                return Ok(Err(WhyCut::Late));
            }
            let spent = session.spent;
            if spent.bytes >= WALK_BYTES_MAX || spent.requests >= WALK_REQUESTS_MAX {
                return Ok(Err(WhyCut::Full));
            }
            let tries = if patient { session.tries() } else { 1 };
            session.ask(question, names, tries, deadline).map(Ok)
        });
        let bytes = session.spent.bytes;
        // An engine is kept only while all is well: whatever went wrong, the next walk asks anew who answers.
        if let (Ok(_), Some(engine)) = (&harvest, session.engine()) {
            self.engines().insert(name.to_owned(), engine);
        }
        harvest.map(|it| Walked { bindings: it.bindings, cuts: it.cuts, bytes })
    }

    fn engines(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Engine>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
