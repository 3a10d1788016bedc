//! The inspection report: gathered from the store, built as data, rendered as PDF and HTML.
//!
//! [`gather()`] is the only part that reads the store; [`build()`] is pure, so a stored period gives the same report again.
//! The five parts and their order come from the service policy; the model keeps the evidence of every sentence.

mod input;

mod gather;

mod model;

mod words;

mod evidence;

mod build;

mod typst;

mod html;

mod draft;

pub use build::build;
pub use draft::{DraftError, Drafted, Stored, draft, quarter, stored_html, stored_pdf};
pub use gather::{GatherError, Wanted, checks, gather};
pub use html::html;
pub use input::{CheckItem, Checked, Got, HostInput, Input, TicketInput, Trend, Why};
pub use model::*;
pub use typst::{pdf, typst};
