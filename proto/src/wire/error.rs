//! Why something from the wire, a spool or a bundle is refused.

use thiserror::Error;

use super::Hash;

/// Why bytes were refused. [`WireError::kind`] is the closed name that counters use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WireError {
    /// The bytes do not have the form that was expected.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// Which part.
        what: &'static str,
        /// What was wrong with it.
        why: String,
    },
    /// A limit is exceeded.
    #[error("{what} is too large: {found}, at most {limit} allowed")]
    TooLarge {
        /// What there is too much of, with its unit.
        what: &'static str,
        /// How much was found (a lower bound, where counting stopped).
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// A value is outside what is possible.
    #[error("{what} is not acceptable: {found}")]
    BadValue {
        /// Which value, with what was wanted.
        what: &'static str,
        /// What was found, shortened.
        found: String,
    },
    /// A time is outside what is possible: some clock is wrong.
    #[error("{what} is {found}, wanted a time between 2000 and tomorrow; check the host's clock")]
    BadTime {
        /// Whose time.
        what: &'static str,
        /// Unix seconds.
        found: i64,
    },
    /// The batch refers to definitions that are not known here.
    #[error("{} definitions are not known", .0.len())]
    Missing(Vec<Hash>),
}

impl WireError {
    /// The closed name of the kind, for counters and for the agent: `malformed`, `too_large`, `bad_value`, `bad_time`,
    /// `missing_definitions`.
    pub fn kind(&self) -> &'static str {
        match self {
            WireError::Malformed { .. } => "malformed",
            WireError::TooLarge { .. } => "too_large",
            WireError::BadValue { .. } => "bad_value",
            WireError::BadTime { .. } => "bad_time",
            WireError::Missing(_) => "missing_definitions",
        }
    }

    pub(crate) fn malformed(what: &'static str, why: impl ToString) -> WireError {
        WireError::Malformed { what, why: why.to_string() }
    }

    /// Fails if `found` exceeds `limit`.
    pub(crate) fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), WireError> {
        if found <= limit {
            return Ok(());
        }
        Err(WireError::TooLarge { what, found: found as u64, limit: limit as u64 })
    }
}
