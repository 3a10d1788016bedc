//! Raw evidence: what a tool printed or a file held, word for word.

use askama::Template;
use axum::response::Response;
use xunjian_proto::{Evidence, Time};

use super::Page;
use crate::web::{ask::Ask, ctx::Ctx, failure::Failure, html};

/// Reached from a finding that quotes it.
pub(super) const OF_CASE: Page = Page::read("/cases/{case}/evidence/{evidence}", of_case);
/// Reached from a host's source that left it.
pub(super) const OF_SOURCE: Page =
    Page::read("/hosts/{agent}/sources/{source}/evidence/{evidence}", of_source);

#[derive(Template)]
#[template(path = "evidence.html")]
struct EvidencePage {
    c: Ctx,
    evidence: Evidence,
    id: String,
    at: Option<Time>,
    up: String,
    up_words: String,
}

fn of_case(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let case = desk.case(ask.id("case")?)?;
    let id = ask.id("evidence")?;
    let evidence = desk.evidence_of_case(&case, id)?;
    let quoting = case.facts.iter().flat_map(|fact| &fact.inputs);
    let at =
        quoting.filter(|input| input.evidence.as_deref() == Some(id)).map(|input| input.at).max();
    html(&EvidencePage {
        c: ask.ctx(ask.text().evidence),
        evidence,
        id: id.to_owned(),
        at,
        up: format!("/cases/{}", case.id.0),
        up_words: format!("{} · {}", case.component_name, case.hostname),
    })
}

fn of_source(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let row = desk.agent(ask.id("agent")?)?;
    let (source, id) = (ask.id("source")?, ask.id("evidence")?);
    let (evidence, at) = desk.evidence_of_source(&row.agent, source, id)?;
    html(&EvidencePage {
        c: ask.ctx(ask.text().evidence),
        evidence,
        id: id.to_owned(),
        at: Some(at),
        up: format!("/hosts/{}", row.agent.0),
        up_words: row.host.hostname,
    })
}
