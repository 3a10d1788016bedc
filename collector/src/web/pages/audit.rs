//! The audit log: who changed what, newest first.

use askama::Template;
use axum::response::Response;

use super::{Access, Page};
use crate::{
    store::AuditRow,
    web::{ask::Ask, ctx::Ctx, failure::Failure, html},
};

/// The page.
pub(super) const PAGE: Page = Page { path: "/audit", get: (Access::Manager, show), post: None };

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    c: Ctx,
    lines: Vec<AuditRow>,
}

/// Lines shown; older ones stay in the store.
const LINES_SHOWN: usize = 200;

fn show(ask: &Ask) -> Result<Response, Failure> {
    let lines = ask.state().store.audit_lines(LINES_SHOWN)?;
    html(&AuditPage { c: ask.ctx(ask.text().audit), lines })
}
