//! One file or folder per source, and the list of them.

use crate::source::Source;

pub mod md;

pub mod smart;

/// Every source the agent has, in the order of the alphabet.
pub const ALL: &[Source] = &[md::SOURCE, smart::SOURCE];
