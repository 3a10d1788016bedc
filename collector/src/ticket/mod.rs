//! Tickets: an append-only log of events per ticket; state and clocks are computed from it on read.
//! Pure: log, contract and *now* are arguments.

use serde::{Deserialize, Serialize};
use xunjian_proto::Time;
use xunjian_rules::Text;

use crate::classify::{CaseId, Level};

pub mod reconcile;

mod agreed;

pub mod lifecycle;

pub mod clocks;

pub mod dispatch;

pub use clocks::clocks;
pub use dispatch::dispatch;
pub use lifecycle::{ActError, act, allowed, is_open, level, state};
pub use reconcile::reconcile;

/// Identity of a ticket, readable: `T20261122-0001`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub String);

/// A ticket: what it is about and what has happened to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Identity.
    pub id: TicketId,
    /// The case it was opened for.
    pub case: CaseId,
    /// The contract's customer.
    pub customer: String,
    /// One line: what is wrong where.
    pub title: Text,
    /// Everything that happened, oldest first; never changed, only added to.
    pub events: Vec<TicketEvent>,
}

/// One entry of a ticket's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketEvent {
    /// When.
    pub at: Time,
    /// Who: a person's login, or `system`.
    pub actor: String,
    /// What.
    pub kind: TicketEventKind,
    /// A remark, the reason of a change.
    pub note: Text,
}

/// What can happen to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketEventKind {
    /// Opened by a case, at this level.
    Detected(Level),
    /// People on call were told.
    Notified,
    /// An engineer responded: stops the response clock (响应).
    Responded,
    /// On the way.
    EnRoute,
    /// Arrived: stops the arrival clock (到达现场).
    OnSite,
    /// An emergency strategy was offered (应急方案).
    StrategyOffered,
    /// A solution was offered (解决方案).
    SolutionOffered,
    /// The service works again (恢复).
    Restored,
    /// The fault is removed: stops the repair clock (故障排除).
    Resolved,
    /// The customer confirmed.
    Confirmed,
    /// It came back.
    Reopened,
    /// The case's level changed.
    Regraded {
        /// Before.
        from: Level,
        /// After.
        to: Level,
    },
    /// A remark only.
    Noted,
}

/// Where a ticket stands, by its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// Seen, nobody told.
    Detected,
    /// Told.
    Notified,
    /// Somebody works on it.
    Responded,
    /// On the way.
    EnRoute,
    /// On site.
    OnSite,
    /// Service restored.
    Restored,
    /// Fault removed.
    Resolved,
    /// Confirmed by the customer.
    Confirmed,
}

/// One of the contract's clocks on one ticket, judged on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// `response`, `arrival`, `repair`, `strategy`, `solution`.
    pub name: String,
    /// 响应时间 / response.
    pub label: Text,
    /// When it began.
    pub from: Time,
    /// When it must be met.
    pub due: Time,
    /// When it was met.
    pub met_at: Option<Time>,
    /// Whether it is, was or will be kept.
    pub state: ClockState,
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// Running, with time left.
    Running,
    /// Running, and less than a quarter of the time is left.
    AtRisk,
    /// Met in time.
    Met,
    /// Overdue and still open.
    Breached,
    /// Met, but late.
    MetLate,
}
