//! What agent and collector say to each other.
//!
//! [`reading`] holds the vocabulary that both sides work with; the wire form (`v1`) is generated from
//! `xunjian/v1/agent.proto` and stops at [`check`]: nothing else may touch a generated type.

pub mod time;

pub mod reading;

mod nearest;

pub use nearest::nearest;
pub use reading::*;
pub use time::Time;
