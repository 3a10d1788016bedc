//! One file per source, and the list of them.

use crate::source::Source;

/// Every source the agent has, in the order of the alphabet.
pub const ALL: &[Source] = &[];
