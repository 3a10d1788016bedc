//! One finding: the level and why, what it rests on, what happened to it, and what hangs together with it.

use std::borrow::Cow;

use askama::Template;
use axum::response::Response;
use chrono::NaiveDate;
use xunjian_proto::Time;

use super::{Access, Page};
use crate::{
    classify::{Case, Level, Redundancy, accept},
    contract::{Agreement, Window},
    evaluate::Input,
    ticket::Ticket,
    web::{ask::Ask, ctx::Ctx, failure::Failure, html, see_other, text},
};

/// The page, and how staff note that the customer accepts the risk.
pub(super) const PAGE: Page =
    Page { path: "/cases/{case}", get: (Access::Reader, show), post: Some((Access::Staff, act)) };

/// Longest name and reason, in characters.
const TEXT_CHARS_MAX: usize = 1000;

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    c: Ctx,
    case: Case,
    parent: Option<Case>,
    children: Vec<Case>,
    ticket: Option<Ticket>,
    host_known: bool,
    /// The maintenance window that it is in, and until when.
    window: Option<(Window, Time)>,
    level: Option<Level>,
    /// A fault that is open and whose risk may be accepted.
    acceptable: bool,
}

fn show(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let case = desk.case(ask.id("case")?)?;
    let parent = match &case.parent {
        Some(id) => desk.case(&id.0).ok(),
        None => None,
    };
    let mut children = desk.cases(Some(case.opened_at))?;
    children.retain(|other| other.parent.as_ref() == Some(&case.id));
    let ticket =
        desk.tickets(Some(case.opened_at))?.into_iter().find(|ticket| ticket.case == case.id);
    let host_known = desk.agent(&case.agent).is_ok();
    let level = match case.decision.grade {
        crate::classify::Grade::Fault(level) => Some(level),
        _ => None,
    };
    let c = ask.ctx(format!("{} · {}", case.component_name, case.hostname));
    let acceptable = c.staff && level.is_some() && case.closed_at.is_none();
    let window = case.agreed.window.as_ref().map(|name| ask.window(&case.customer, name));
    let window = window.transpose()?.flatten();
    html(&CasePage { c, case, parent, children, ticket, host_known, window, level, acceptable })
}

fn act(ask: &Ask) -> Result<Response, Failure> {
    let case = ask.desk()?.case(ask.id("case")?)?;
    let (login, store) = (ask.viewer()?.login.clone(), &ask.state().store);
    match (ask.field("act"), &case.agreed.risk) {
        ("accept", None) if case.closed_at.is_none() => {
            let (signer, why) = (ask.field("signer").trim(), ask.field("why").trim());
            let until: Option<NaiveDate> = ask.field("until").parse().ok();
            let contract = ask.contracts.customer(&case.customer);
            let ends = until.and_then(|it| contract.day_after(it)).filter(|end| *end > ask.now);
            let fits = |it: &str| !it.is_empty() && it.chars().count() <= TEXT_CHARS_MAX;
            let (Some(until), Some(_), true) = (until, ends, fits(signer) && fits(why)) else {
                return Err(Failure::BadRequest(text::both().bad_risk));
            };
            let risk = accept(&case, signer, why, until, &login, ask.now);
            store.put_agreement(&case.customer, &Agreement::Risk(risk), &login, ask.now)?;
        }
        ("withdraw", Some(risk)) => store.end_agreement(&risk.id, &login, ask.now)?,
        _ => return Err(Failure::BadRequest(text::both().bad_form)),
    }
    Ok(see_other(&format!("/cases/{}", case.id.0)))
}

/// A number of losses for people; what is not known is said so.
fn losses(number: &Option<i32>, c: &Ctx) -> String {
    match number {
        None => c.t.unknown.to_owned(),
        Some(-1) => c.t.redundancy_gone.to_owned(),
        Some(number) => number.to_string(),
    }
}

/// What was read, with its name in the reader's language.
fn read<'a>(input: &'a Input, c: &Ctx) -> Cow<'a, str> {
    input.name_in(c.lang)
}

/// What it was compared with.
fn compared<'a>(input: &'a Input, c: &Ctx) -> Cow<'a, str> {
    input.test_in(c.lang)
}

/// What people call the set.
fn called<'a>(set: &'a Redundancy, c: &Ctx) -> &'a str {
    set.called(c.lang)
}

/// Whether a spare is ready, for people.
fn spare(set: &Redundancy, c: &Ctx) -> &'static str {
    match set.spare {
        Some(false) | None if !set.spares => "–",
        None => c.t.unknown,
        Some(true) => c.t.yes,
        Some(false) => c.t.no,
    }
}
