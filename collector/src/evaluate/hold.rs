//! Hold times: how outcomes in a row become firing and quiet.
//!
//! Invariant: only good readings end what fired. Unknown changes nothing, in neither direction.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use xunjian_proto::Time;
use xunjian_rules::{Rule, Text, plural::counted};

use super::words::length;

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
    /// How often it came back soon after it was over: each time it must be good for twice as long.
    #[serde(default)]
    returns: u8,
    /// When it was over last.
    #[serde(default)]
    ended: Option<Time>,
}

/// It came back soon: within this time after it was over. After so long without it, it starts afresh.
const SOON: Duration = xunjian_rules::days(1);

/// The hold grows to eight times its length and not further: what flaps is marked as such, and must still be able to end.
const RETURNS_MAX: u8 = 3;

/// Where the hold times of a rule stand on one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// It has fired and is not over.
    pub firing: bool,
    /// Since when the condition holds.
    pub since: Option<Time>,
    /// Readings in a row that say so.
    pub readings: u32,
    /// How many are needed.
    pub readings_needed: u32,
    /// How long it must hold, seconds.
    pub hold_secs: u64,
    /// Since when readings are good again.
    pub good_since: Option<Time>,
    /// Good readings in a row.
    pub good_readings: u32,
    /// How many are needed, with what was added because it came back.
    pub good_readings_needed: u32,
    /// How long readings must be good, seconds, with what was added because it came back.
    pub clear_secs: u64,
    /// How often it came back within a day after it was over.
    pub returns: u8,
}

impl Holding {
    /// One sentence; none where nothing is being waited for. `at`: the newest reading.
    pub fn text(&self, at: Time) -> Option<Text> {
        let so_far = |since: Time| length(at.since(since));
        let (hold, clear) = (
            length(Duration::from_secs(self.hold_secs)),
            length(Duration::from_secs(self.clear_secs)),
        );
        let returns = match self.returns {
            0 => Text::default(),
            times => Text::new(
                format!("；一天内复发 {times} 次，恢复时间已加倍延长"),
                format!(
                    "; it came back {} within a day, so the wait was doubled each time",
                    counted(times.into(), "time", "times")
                ),
            ),
        };
        match (self.firing, self.since, self.good_since) {
            (true, _, Some(good)) => {
                let (zh, en) = so_far(good);
                let (seen, needed) = (self.good_readings, self.good_readings_needed);
                Some(Text::new(
                    format!(
                        "已恢复 {zh}（需 {}），连续 {seen} 次正常读数（需 {needed} 次）{}",
                        clear.0, returns.zh
                    ),
                    format!(
                        "good for {en} ({} needed), {} in a row ({needed} needed){}",
                        clear.1,
                        counted(seen.into(), "good reading", "good readings"),
                        returns.en
                    ),
                ))
            }
            (true, Some(since), None) => {
                let (zh, en) = so_far(since);
                Some(Text::new(
                    format!("已持续 {zh}{}", returns.zh),
                    format!("for {en}{}", returns.en),
                ))
            }
            (false, Some(since), _) => {
                let (zh, en) = so_far(since);
                let (seen, needed) = (self.readings, self.readings_needed);
                Some(Text::new(
                    format!(
                        "条件已成立 {zh}（需 {}），连续 {seen} 次读数（需 {needed} 次）",
                        hold.0
                    ),
                    format!(
                        "it has held for {en} ({} needed), on {} in a row ({needed} needed)",
                        hold.1,
                        counted(seen.into(), "reading", "readings")
                    ),
                ))
            }
            _ => None,
        }
    }
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
                let begins = enough && !self.firing;
                let soon = self.ended.is_some_and(|ended| at.since(ended) <= SOON);
                let returns = match (begins, soon) {
                    (true, true) => (self.returns + 1).min(RETURNS_MAX),
                    (true, false) => 0,
                    (false, _) => self.returns,
                };
                Hold {
                    firing: self.firing || enough,
                    since: Some(since),
                    trues,
                    good_since: None,
                    goods: 0,
                    returns,
                    ended: self.ended,
                }
            }
            Outcome::Between if self.firing => Hold { good_since: None, goods: 0, ..self },
            Outcome::False if self.firing => {
                let good_since = self.good_since.unwrap_or(at);
                let goods = self.goods.saturating_add(1);
                let (clear, samples) = self.needs(rule);
                if goods >= samples && at.since(good_since) >= clear {
                    return Hold { returns: self.returns, ended: Some(at), ..Hold::default() };
                }
                Hold { trues: 0, good_since: Some(good_since), goods, ..self }
            }
            Outcome::Between | Outcome::False => {
                Hold { returns: self.returns, ended: self.ended, ..Hold::default() }
            }
        }
    }

    /// How long and on how many readings it must be good.
    fn needs(&self, rule: &Rule) -> (Duration, u32) {
        let factor = 1_u32 << self.returns.min(RETURNS_MAX);
        (rule.clear.saturating_mul(factor), rule.clear_samples.saturating_mul(factor))
    }

    /// Where it stands, for people.
    pub(super) fn told(&self, rule: &Rule) -> Holding {
        let (clear, samples) = self.needs(rule);
        Holding {
            firing: self.firing,
            since: self.since,
            readings: self.trues,
            readings_needed: rule.samples,
            hold_secs: rule.hold.as_secs(),
            good_since: self.good_since,
            good_readings: self.goods,
            good_readings_needed: samples,
            clear_secs: clear.as_secs(),
            returns: self.returns,
        }
    }
}
