//! The JSON API, version 1: the same data as the pages, for the same person, by the same session; and its description.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use xunjian_proto::Time;

use super::{Access, Page, overview, tickets};
use crate::{
    classify::{Case, Grade},
    web::{ask::Ask, failure::Failure, format},
};

/// Hosts with their coverage.
pub(super) const HOSTS: Page = Page::read("/api/v1/hosts", hosts);
/// Open cases with their decisions.
pub(super) const CASES: Page = Page::read("/api/v1/cases", cases);
/// Tickets that are not confirmed, with their clocks.
pub(super) const TICKETS: Page = Page::read("/api/v1/tickets", list_tickets);
/// The description.
pub(super) const OPENAPI: Page =
    Page { path: "/api/openapi.json", get: (Access::Open, describe), post: None };

fn answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn moment(at: Time) -> Value {
    Value::String(format::machine(at))
}

fn grade(grade: Grade) -> Value {
    match grade {
        Grade::Fault(level) => json!({ "kind": "fault", "level": level.number() }),
        Grade::Advice => json!({ "kind": "advice" }),
        Grade::Blind => json!({ "kind": "blind" }),
    }
}

fn hosts(ask: &Ask) -> Result<Response, Failure> {
    let open = ask.desk()?.cases(None)?;
    let hosts: Vec<Value> = overview::hosts(ask, &open)?
        .iter()
        .map(|(host, place)| {
            json!({
                "agent": host.row.agent.0,
                "hostname": host.row.host.hostname,
                "place": place,
                "agent_version": host.row.host.agent_version,
                "last_seen": host.row.last_seen.map(moment),
                "silent": host.silent,
                "sound": host.is_sound(),
                "sources": { "read": host.read, "unknown": host.unknown, "absent": host.absent },
                "coverage_percent": host.coverage(),
                "open_cases": host.cases,
                "worst": host.worst.map(grade),
            })
        })
        .collect();
    Ok(answer(&json!({ "hosts": hosts })))
}

fn cases(ask: &Ask) -> Result<Response, Failure> {
    let cases: Vec<Value> = ask.desk()?.cases(None)?.iter().map(case).collect();
    Ok(answer(&json!({ "cases": cases })))
}

fn case(case: &Case) -> Value {
    json!({
        "id": case.id.0,
        "customer": case.customer,
        "site": case.site,
        "agent": case.agent,
        "hostname": case.hostname,
        "component": case.component.as_str(),
        "component_name": case.component_name,
        "class": case.class,
        "grade": grade(case.decision.grade),
        "because": case.decision.because,
        "clause": case.decision.clause,
        "worse_if": case.decision.worse_if,
        "better_if": case.decision.better_if,
        "impact": case.decision.impact,
        "facts": case.facts,
        "parent": case.parent.as_ref().map(|parent| &parent.0),
        "opened_at": moment(case.opened_at),
        "updated_at": moment(case.updated_at),
        "stale_since": case.stale_since.map(moment),
        "intermittent": case.intermittent,
        "late": case.late,
    })
}

fn list_tickets(ask: &Ask) -> Result<Response, Failure> {
    let tickets = ask.desk()?.tickets(None)?;
    let tickets: Vec<Value> = tickets::lines(ask, &tickets)
        .iter()
        .map(|line| {
            let clocks: Vec<Value> = line
                .clocks
                .iter()
                .map(|clock| {
                    json!({
                        "name": clock.name,
                        "from": moment(clock.from),
                        "due": moment(clock.due),
                        "met_at": clock.met_at.map(moment),
                        "state": clock.state,
                    })
                })
                .collect();
            json!({
                "id": line.ticket.id.0,
                "case": line.ticket.case.0,
                "customer": line.ticket.customer,
                "title": line.ticket.title,
                "state": line.state,
                "level": line.level.number(),
                "clocks": clocks,
            })
        })
        .collect();
    Ok(answer(&json!({ "tickets": tickets })))
}

fn describe(_: &Ask) -> Result<Response, Failure> {
    Ok(([(header::CONTENT_TYPE, "application/json")], include_str!("../../../static/openapi.json"))
        .into_response())
}
