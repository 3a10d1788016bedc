//! Hold times: how outcomes in a row become firing and quiet.
//!
//! Invariant: only good readings end what fired. Unknown changes nothing, in neither direction.

use serde::{Deserialize, Serialize};
use xunjian_proto::Time;
use xunjian_rules::Rule;

/// What a rule's condition came to on one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Does not apply: the component does not offer the reading, or the history is too short.
    #[default]
    None,
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It does not hold, but `clear_when` does not either.
    Between,
    /// Not fresh.
    Unknown,
}

/// The state after all outcomes so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    /// It has fired and is not over.
    pub(super) firing: bool,
    /// Since when the condition holds.
    pub(super) since: Option<Time>,
    /// Readings in a row that say so.
    trues: u32,
    /// Since when readings are good.
    good_since: Option<Time>,
    /// Good readings in a row.
    goods: u32,
}

impl Hold {
    /// The state after one more outcome.
    pub(super) fn step(self, at: Time, outcome: Outcome, rule: &Rule) -> Hold {
        match outcome {
            Outcome::None | Outcome::Unknown => self,
            Outcome::True => {
                let since = self.since.unwrap_or(at);
                let trues = self.trues.saturating_add(1);
                let enough = trues >= rule.samples && at.since(since) >= rule.hold;
                let firing = self.firing || enough;
                Hold { firing, since: Some(since), trues, good_since: None, goods: 0 }
            }
            Outcome::Between if self.firing => Hold { good_since: None, goods: 0, ..self },
            Outcome::False if self.firing => {
                let good_since = self.good_since.unwrap_or(at);
                let goods = self.goods.saturating_add(1);
                if goods >= rule.clear_samples && at.since(good_since) >= rule.clear {
                    return Hold::default();
                }
                Hold { trues: 0, good_since: Some(good_since), goods, ..self }
            }
            Outcome::Between | Outcome::False => Hold::default(),
        }
    }
}
