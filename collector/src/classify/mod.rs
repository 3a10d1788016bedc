//! From facts to cases: topology, redundancy left, the level decision with its record, one case per
//! (customer, component, fault class). Pure: facts, topology, contract, open cases and *now* are arguments.

use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Time};
use xunjian_rules::{Lang, Text};

use crate::evaluate::Fact;

pub mod topology;

pub mod redundancy;

pub mod incident;

pub mod decision;

pub mod partners;

mod sets;

mod host_set;

mod set_outlook;

mod set_texts;

mod set_words;

mod single;

mod whole_host;

pub mod texts;

pub mod cases;

mod order;

mod settle;

mod fold;

mod common;

mod shared;

mod handover;

pub mod site;

pub mod agreed;

mod case_texts;

pub use agreed::{Agreed, accept};
pub use cases::{Step, is_derived, is_live, step};

/// The contract's fault levels; `One` is the gravest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 一级故障: paralysed or interrupted.
    One,
    /// 二级故障: latent danger of paralysis or interruption.
    Two,
    /// 三级故障: direct, partial effect.
    Three,
    /// 四级故障: intermittent or indirect effect.
    Four,
}

impl Level {
    /// 1 to 4.
    pub fn number(self) -> u8 {
        match self {
            Level::One => 1,
            Level::Two => 2,
            Level::Three => 3,
            Level::Four => 4,
        }
    }
}

/// What a case amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// A fault with a level; has a ticket.
    Fault(Level),
    /// Advice: in the report, no ticket.
    Advice,
    /// A gap of coverage: in the report and the overview, no fault level.
    Blind,
}

/// Redundancy as it stands, in losses that the set still survives (worst case).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redundancy {
    /// The set.
    pub set: ComponentId,
    /// Its name and scheme: `md0 (raid5, 4)`.
    pub label: String,
    /// The same for people: `md0（RAID 5，4 个成员）`. Empty in records of older releases.
    #[serde(default)]
    pub title: Text,
    /// Losses survivable now; -1: data or service are gone; 0 with `r_design` 0: no redundancy by design;
    /// `None`: not known. Members whose state is not known ([`Redundancy::unknown`]) count as there.
    pub r: Option<i32>,
    /// The same, if every suspect failed too.
    pub r_if: Option<i32>,
    /// Losses survivable when whole.
    pub r_design: Option<i32>,
    /// A spare is ready or a rebuild is running; `None`: not known.
    pub spare: Option<bool>,
    /// Hot spares mean something to it; links, votes, controllers and copies know none.
    #[serde(default = "spares")]
    pub spares: bool,
    /// Suspect members.
    pub suspects: Vec<ComponentId>,
    /// Lost members (missing ones without identity have none).
    pub lost: u32,
    /// Members whose state is not known: the true redundancy may be lower by as many.
    #[serde(default)]
    pub unknown: u32,
}

/// What records of older releases say nothing of.
fn spares() -> bool {
    true
}

impl Redundancy {
    /// What people call the set, with its scheme and width.
    pub fn called(&self, lang: Lang) -> &str {
        match self.title.in_lang(lang) {
            "" => &self.label,
            title => title,
        }
    }
}

/// Why the level is what it is: stored with every case and shown to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The outcome.
    pub grade: Grade,
    /// Which step of the decision matched (1 to 8, domain order; 0 for coverage gaps).
    pub step: u8,
    /// One sentence: why this level.
    pub because: Text,
    /// The contract's clause that the level quotes.
    pub clause: Text,
    /// The level it would have been by the next matching step, and why.
    pub runner_up: Option<(Grade, Text)>,
    /// What would make it graver.
    pub worse_if: Text,
    /// What would make it milder.
    pub better_if: Text,
    /// Redundancy of the sets concerned.
    pub redundancy: Vec<Redundancy>,
    /// `total`, `partial` or `none`; `unknown` where nothing measures it.
    pub impact: String,
    /// Policy keys of the contract that were used: `prefail_no_spare = 4`.
    pub policies: Vec<String>,
    /// When it was decided (event time).
    pub at: Time,
}

/// Identity of a case; derived from (customer, agent, component, class, first event time), so that a replay gives the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub String);

/// One fault of one component: what a ticket is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Identity.
    pub id: CaseId,
    /// The contract's customer.
    pub customer: String,
    /// The contract's site; empty if the contract names none.
    pub site: String,
    /// The agent that saw it; empty for a case of a whole site.
    pub agent: String,
    /// The host's name; empty for a case of a whole site.
    pub hostname: String,
    /// What has the fault.
    pub component: ComponentId,
    /// Its name and place for people: `sdb (serial ZA1, slot 3)`.
    pub component_name: String,
    /// Fault class.
    pub class: String,
    /// The facts that hold now; on a closed case the last ones.
    pub facts: Vec<Fact>,
    /// The decision in force.
    pub decision: Decision,
    /// The case that this one is a consequence of.
    pub parent: Option<CaseId>,
    /// First event time.
    pub opened_at: Time,
    /// Last change.
    pub updated_at: Time,
    /// Set when good readings closed it.
    pub closed_at: Option<Time>,
    /// It comes and goes (间歇).
    pub intermittent: bool,
    /// Opened from data that were already old when they arrived: in the report, not paged.
    pub late: bool,
    /// Its readings have stopped: the case stays open, and this says since when.
    pub stale_since: Option<Time>,
    /// The last 21 verdicts, one bit each, newest lowest, 1 = firing: what flapping is judged by.
    #[serde(default)]
    pub recent: u32,
    /// Maintenance and accepted risk.
    #[serde(default)]
    pub agreed: Agreed,
    /// What happened to it, each with one sentence why.
    pub log: Vec<CaseLog>,
}

/// One entry of a case's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseLog {
    /// When (event time).
    pub at: Time,
    /// Opened, grade changed, closed, …
    pub kind: CaseChange,
    /// One sentence why.
    pub why: Text,
}

/// What can happen to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseChange {
    /// First seen.
    Opened,
    /// Level raised or lowered.
    Regraded {
        /// Before.
        from: Grade,
        /// After.
        to: Grade,
    },
    /// Facts were added or went away without a change of grade.
    Updated,
    /// Readings stopped; kept open.
    Stale,
    /// Readings are back.
    Fresh,
    /// Good readings for long enough.
    Closed,
    /// Seen again soon after closing.
    Reopened,
}
