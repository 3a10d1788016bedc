//! Reports: the list, one draft with its figures, and the same as HTML and PDF.

use askama::Template;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::Page;
use crate::{
    store::ReportRow,
    web::{ask::Ask, ctx::Ctx, failure::Failure, headers::DOCUMENT_POLICY, html},
};

/// The list.
pub(super) const LIST: Page = Page::read("/reports", list);
/// One report.
pub(super) const PAGE: Page = Page::read("/reports/{report}", show);
/// Its text, as a document of its own.
pub(super) const HTML: Page = Page::read("/reports/{report}/html", document);
/// Its PDF.
pub(super) const PDF: Page = Page::read("/reports/{report}/pdf", pdf);

#[derive(Template)]
#[template(path = "reports.html")]
struct ReportsPage {
    c: Ctx,
    reports: Vec<ReportRow>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    c: Ctx,
    report: ReportRow,
}

fn list(ask: &Ask) -> Result<Response, Failure> {
    html(&ReportsPage { reports: ask.desk()?.reports()?, c: ask.ctx(ask.text().reports) })
}

fn show(ask: &Ask) -> Result<Response, Failure> {
    let report = ask.desk()?.report(ask.id("report")?)?;
    html(&ReportPage { c: ask.ctx(format!("{} · {}", report.id, ask.text().report)), report })
}

fn document(ask: &Ask) -> Result<Response, Failure> {
    let report = ask.desk()?.report(ask.id("report")?)?;
    let text = (ask.state().reports.html)(&report, ask.head.lang).map_err(Failure::Broken)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, DOCUMENT_POLICY),
    ];
    Ok((headers, text).into_response())
}

fn pdf(ask: &Ask) -> Result<Response, Failure> {
    let report = ask.desk()?.report(ask.id("report")?)?;
    let content = (ask.state().reports.pdf)(&report, ask.head.lang).map_err(Failure::Broken)?;
    // The id was checked to be plain letters and digits when it came as part of the path.
    let name = format!("attachment; filename=\"{}.pdf\"", report.id);
    let headers =
        [(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, content).into_response())
}
