//! The rule library and what reads it: text in, compiled rules out. No clock, no store, no network.

use serde::{Deserialize, Serialize};

mod class;

mod known;

mod rule;

mod score;

mod example;

mod duration;

mod read;

mod library;

pub mod plural;

pub mod unit;

pub use class::{CLASSES, Class};
pub use duration::{days, duration_text};
pub use example::{Example, Expect, Reading};
pub use known::{KnownMetric, MetricKind};
pub use library::{LIBRARY, RuleFile};
pub use read::{Mistake, load, load_folder};
pub use rule::{
    Attrs, Compare, Condition, EventTest, How, Item, Measure, MetricId, NumberTest, Operand, Rule,
    RuleSet, StateTest, Threshold, Word,
};
pub use score::{AttrTest, Score, ScorePart, ScoreTest};
pub use xunjian_proto::nearest;

/// A text in both languages of the users, Chinese first.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// Both languages at once.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Text {
        Text { zh: zh.into(), en: en.into() }
    }

    /// The text in one language.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// A language of the users.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

/// What a firing rule proves about its component. The level is decided from this and from the topology,
/// never declared by the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The service that stands on it is gone for its users: measured, total.
    ImpactTotal,
    /// The service is slower or partly failing: measured, partial.
    ImpactPartial,
    /// The component is lost to its set (failed, missing, offline).
    Lost,
    /// It serves now and is likely to fail.
    Suspect,
    /// Evidence of a fault without effect so far.
    Latent,
    /// Advice or a standing old counter: reported, never a fault.
    Advice,
    /// Something cannot be seen: a gap of coverage, no fault level.
    Blind,
}
