//! The inspection report: gathered from the store, built as data, rendered as PDF and HTML.
//!
//! `gather` is the only part that touches the store; [`build`] is pure, so a stored period gives the same report again.
//! The five parts and their order come from the service policy; the model keeps the evidence of every sentence.

mod input;

mod model;

mod words;

mod evidence;

mod build;

mod typst;

mod html;

pub use build::build;
pub use html::html;
pub use input::{CheckItem, Checked, Got, HostInput, Input, TicketInput, Trend, Why};
pub use model::*;
pub use typst::{pdf, typst};
