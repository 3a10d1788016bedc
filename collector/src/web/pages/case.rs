//! One finding: the level and why, what it rests on, what happened to it, and what hangs together with it.

use std::borrow::Cow;

use askama::Template;
use axum::response::Response;

use super::Page;
use crate::{
    classify::{Case, Level, Redundancy},
    evaluate::Input,
    ticket::Ticket,
    web::{ask::Ask, ctx::Ctx, failure::Failure, html},
};

/// The page.
pub(super) const PAGE: Page = Page::read("/cases/{case}", show);

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    c: Ctx,
    case: Case,
    parent: Option<Case>,
    children: Vec<Case>,
    ticket: Option<Ticket>,
    host_known: bool,
    level: Option<Level>,
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
    html(&CasePage { c, case, parent, children, ticket, host_known, level })
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

/// Whether a spare is ready, for people.
fn spare(set: &Redundancy, c: &Ctx) -> &'static str {
    match set.spare {
        None => c.t.unknown,
        Some(true) => c.t.yes,
        Some(false) => c.t.no,
    }
}
