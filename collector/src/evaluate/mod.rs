//! Rules meet readings. Pure: host view, rules and *now* are arguments; the same input gives the same judgements.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Reason, Time};
use xunjian_rules::{EvidenceKind, Text};

mod known;

mod series;

mod hold;

mod overrides;

mod view;

mod absence;
mod absorb;

mod happen;

mod device;

mod truth;

mod states;

mod state_words;

mod score;

mod peers;

mod fresh;
mod gap;

mod notes;

mod words;

mod spoken;

mod judge;

mod why;

mod save;

mod lane;

mod examples;

pub use absorb::Absorbed;
pub use examples::{ExampleFailure, run_examples};
pub use hold::Holding;
pub use judge::judge;
pub use known::known_metrics;
pub use lane::Lane;
pub use overrides::{Adjusted, Overrides, Standing};
pub use save::RestoreError;
pub use view::{HostView, ViewStats};
pub use why::{Why, why};
pub(crate) use words::reason_text;

/// The rules built into the program. The mistakes are empty in any build that passed its tests.
pub fn library() -> (xunjian_rules::RuleSet, Vec<xunjian_rules::Mistake>) {
    let files: Vec<(String, String)> = xunjian_rules::LIBRARY
        .iter()
        .map(|file| (file.name.to_owned(), file.text.to_owned()))
        .collect();
    xunjian_rules::load(&files, &known_metrics())
}

/// What one rule says about one component at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The rule's id: `md-degraded`. Shared with the rule: a round makes a million judgements.
    pub rule: Arc<str>,
    /// On what.
    pub component: ComponentId,
    /// The verdict after hold times.
    pub verdict: Verdict,
    /// The newest reading that went into it (event time, not arrival).
    pub at: Time,
    /// What was compared with what.
    pub inputs: Vec<Input>,
}

/// Three-valued truth, after `for` and `clear`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The condition holds, and has held for long enough.
    Firing(Box<Fact>),
    /// The condition holds, but not for long enough yet; or it fired before and has not been clear for long enough.
    Pending,
    /// Good readings say that it does not hold.
    Quiet,
    /// Nothing fresh to judge by.
    Unknown(Unknown),
    /// It held before, and the rule no longer speaks of the component: it left the rule's reach, or a contract switched
    /// the rule off, or the rule is gone. With one sentence why.
    Lapsed(Text),
}

/// Why a rule could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Closed reason, where a problem said one.
    pub reason: Option<Reason>,
    /// One sentence.
    pub text: Text,
}

/// A firing rule's statement, ready for classification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The rule.
    pub rule: String,
    /// Fault class, half of a case's identity: `media`, `redundancy`, `capacity`, `service`.
    pub class: String,
    /// What it proves.
    pub evidence: EvidenceKind,
    /// On what.
    pub component: ComponentId,
    /// Since when the condition holds (event time).
    pub since: Time,
    /// The newest reading behind it.
    pub at: Time,
    /// One sentence with the values in it.
    pub message: Text,
    /// What to do.
    pub advice: Text,
    /// The readings that made it fire.
    pub inputs: Vec<Input>,
    /// The contract's override under which it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<Text>,
}

/// One reading that was compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Metric or state name, attributes included: `system.disk.io{disk.io.direction=read}`.
    pub name: String,
    /// The value as text, with its unit.
    pub value: String,
    /// What it was compared with: `> 0`, `rise >= 10 in 7d`.
    pub test: String,
    /// When it was read.
    pub at: Time,
    /// The store's id of the raw evidence, where there is one (SHA-256, hex).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}
