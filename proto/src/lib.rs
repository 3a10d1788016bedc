//! What agent and collector say to each other.
//!
//! [`reading`] holds the vocabulary that both sides work with; the wire form (`v1`) is generated from
//! `xunjian/v1/agent.proto` and stops at [`check`]: nothing else may touch a generated type.

pub mod time;

pub mod reading;

mod nearest;

pub mod pem;

pub mod token;

pub mod check;

pub mod wire;

pub mod frame;

/// Generated from `xunjian/v1/agent.proto`. Untrusted; used only by [`check`], [`wire`] and the two ends of the stream.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
pub mod v1 {
    tonic::include_proto!("xunjian.v1");
}

pub use nearest::nearest;
pub use reading::*;
pub use time::Time;
