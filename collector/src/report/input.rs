//! Everything a report is made from, as plain values: gathered from the store, or written down by a test.

use xunjian_proto::{Component, ComponentId, HostFacts, Reason, SeriesKey, Time};
use xunjian_rules::{Lang, Text};

use crate::{
    classify::Case,
    contract::Contract,
    store::{LedgerRow, Point, SourceStatus},
    ticket::{Clock, Ticket, TicketState},
};

/// Everything a report is made from.
#[derive(Debug, Clone)]
pub struct Input {
    /// `R2026Q4-default-1`.
    pub id: String,
    /// Rises with each draft for the same customer and period.
    pub version: u32,
    /// Language of the report.
    pub lang: Lang,
    /// The contract with the customer.
    pub contract: Contract,
    /// First instant covered.
    pub from: Time,
    /// First instant not covered.
    pub to: Time,
    /// When it is drafted.
    pub now: Time,
    /// Machines with an agent.
    pub hosts: Vec<HostInput>,
    /// Cases of the customer that are open or were closed in the period.
    pub cases: Vec<Case>,
    /// Tickets of the period.
    pub tickets: Vec<TicketInput>,
    /// What is checked, in the order of the report.
    pub checks: Vec<CheckItem>,
    /// Version of the rule set that judged.
    pub rule_set: String,
}

/// One machine.
#[derive(Debug, Clone)]
pub struct HostInput {
    /// The agent's id.
    pub agent: String,
    /// Name, operating system, agent's version.
    pub facts: HostFacts,
    /// When it was enrolled: there are no readings before.
    pub enrolled_at: Time,
    /// Event time of its newest run; none if it never sent one.
    pub last_seen: Option<Time>,
    /// What was seen on it, and when last.
    pub components: Vec<(Component, Time)>,
    /// Newest run of each source.
    pub sources: Vec<SourceStatus>,
    /// What was run in the period.
    pub ledger: Vec<LedgerRow>,
    /// What became of each check on each component that it applies to.
    pub checked: Vec<Checked>,
    /// Series worth a picture.
    pub trends: Vec<Trend>,
}

impl Input {
    /// Machines of the contract that no agent was ever on.
    pub fn without_agent(&self) -> impl Iterator<Item = &str> {
        let names = self.contract.assets.keys().map(String::as_str);
        names.filter(|name| self.hosts.iter().all(|host| host.facts.hostname != *name))
    }
}

/// One thing that is checked, as the rule library words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckItem {
    /// The rule's id.
    pub rule: String,
    /// The source that reads for it.
    pub source: String,
    /// Kind of component that it looks at.
    pub kind: String,
    /// 检查项.
    pub item: Text,
    /// 检查方法.
    pub method: Text,
    /// 判断标准.
    pub criterion: Text,
    /// 影响.
    pub impact: Text,
    /// 建议.
    pub advice: Text,
}

/// One check on one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The rule's id.
    pub rule: String,
    /// On what.
    pub component: ComponentId,
    /// Whether there is a result.
    pub got: Got,
}

/// Whether a check gave a result (执行状态), and which (巡检结果).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// It was read in the period and meets the criterion.
    Normal,
    /// It was read and does not meet the criterion.
    Abnormal,
    /// It was read; it does not meet the criterion yet, or has not met it for long enough (待确认).
    Pending,
    /// The component was read and does not offer this reading: the check does not apply to it.
    NotOffered,
    /// It was tried, and there is no result.
    Failed(Why),
    /// It was not tried, or left alone on purpose.
    NotRun(Why),
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Why {
    /// Closed reason, where there is one.
    pub reason: Option<Reason>,
    /// What was wanted and what was found.
    pub text: Text,
}

/// A ticket with its clocks, as they stand when the report is drafted.
#[derive(Debug, Clone)]
pub struct TicketInput {
    /// The ticket.
    pub ticket: Ticket,
    /// Where it stands.
    pub state: TicketState,
    /// Its clocks.
    pub clocks: Vec<Clock>,
}

/// A series over the period.
#[derive(Debug, Clone)]
pub struct Trend {
    /// Which.
    pub series: SeriesKey,
    /// What people call its component: `/data`, `sda`.
    pub name: String,
    /// Oldest first.
    pub points: Vec<Point>,
}

impl Got {
    /// There is a result.
    pub fn is_read(&self) -> bool {
        matches!(self, Got::Normal | Got::Abnormal | Got::Pending)
    }
}
