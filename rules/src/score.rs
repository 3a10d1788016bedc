//! Sums of points, and what a component is: conditions that look at neither one number nor one word.

use std::sync::Arc;

use crate::{
    Text,
    rule::{Compare, Condition},
};

/// An attribute of the component; a missing one is the empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttrTest {
    /// `hw.drive.maker`.
    pub name: String,
    /// The words.
    pub words: Vec<String>,
    /// Whether it must be one of them, or none of them.
    pub inside: bool,
}

/// `score compare limit`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreTest {
    /// Place in [`RuleSet::scores`].
    pub score: usize,
    /// How it is compared.
    pub compare: Compare,
    /// With what.
    pub limit: f64,
}

/// Signs of one thing to come, weighed: each part that holds adds its points. A sum can be explained part by part, which
/// a learned model cannot.
#[derive(Debug, Clone)]
pub struct Score {
    /// `disk-failure`.
    pub id: Arc<str>,
    /// What the sum says.
    pub title: Text,
    /// Parts in the order of the file.
    pub parts: Vec<ScorePart>,
    /// Where the weights come from.
    pub source: String,
    /// File it stands in.
    pub file: String,
    /// Line it begins on.
    pub line: usize,
}

/// One sign.
#[derive(Debug, Clone)]
pub struct ScorePart {
    /// What it adds; may be negative.
    pub points: i32,
    /// Of the parts of one group only the first that holds counts; the empty group is none.
    pub group: String,
    /// Counts only if a part of this group did.
    pub with: Option<String>,
    /// The sign.
    pub when: Condition,
    /// What it says, for people.
    pub say: Text,
}
