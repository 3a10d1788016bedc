//! One ticket: its clocks, who goes with what, what was done, and the buttons for what comes next.

use askama::Template;
use axum::response::Response;
use xunjian_rules::Text;

use super::{Access, Page};
use crate::{
    classify::{Case, Level},
    contract::{Contract, Person},
    ticket::{self, ActError, Clock, Ticket, TicketEventKind, TicketState},
    web::{
        ask::Ask,
        ctx::{Ctx, pressed},
        failure::Failure,
        html, see_other, text,
        text::Texts,
    },
};

/// The page, and the actions of engineers and managers.
pub(super) const PAGE: Page = Page {
    path: "/tickets/{ticket}",
    get: (Access::Reader, show),
    post: Some((Access::Staff, act)),
};

#[derive(Template)]
#[template(path = "ticket.html")]
struct TicketPage {
    c: Ctx,
    ticket: Ticket,
    case: Option<Case>,
    state: TicketState,
    level: Level,
    clocks: Vec<Clock>,
    overdue: usize,
    duties: Vec<Text>,
    people: Vec<Person>,
    actions: Vec<Action>,
}

/// One thing a person can do to a ticket.
struct Action {
    /// In the form.
    name: &'static str,
    /// On the button.
    label: &'static str,
    /// The next ordinary step: the large button.
    next: bool,
}

/// What can be pressed: name in the form, kind of event, words.
type Deed = (&'static str, TicketEventKind, fn(&'static Texts) -> &'static str);

const DEEDS: &[Deed] = &[
    ("respond", TicketEventKind::Responded, |t| t.do_respond),
    ("en-route", TicketEventKind::EnRoute, |t| t.do_en_route),
    ("on-site", TicketEventKind::OnSite, |t| t.do_on_site),
    ("strategy", TicketEventKind::StrategyOffered, |t| t.do_strategy),
    ("solution", TicketEventKind::SolutionOffered, |t| t.do_solution),
    ("restore", TicketEventKind::Restored, |t| t.do_restore),
    ("resolve", TicketEventKind::Resolved, |t| t.do_resolve),
    ("confirm", TicketEventKind::Confirmed, |t| t.do_confirm),
    ("reopen", TicketEventKind::Reopened, |t| t.do_reopen),
    ("note", TicketEventKind::Noted, |t| t.do_note),
];

/// Longest remark, in characters.
const NOTE_CHARS_MAX: usize = 4000;

fn show(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let ticket = desk.ticket(ask.id("ticket")?)?;
    let state = ticket::state(&ticket);
    let contract = ask.contracts.customer(&ticket.customer);
    let clocks = ticket::clocks(&ticket, contract, ask.now);
    let level = ticket::level(&ticket);
    let case = desk.case(&ticket.case.0).ok();
    let c = ask.ctx(format!("{} · {}", ticket.id.0, ask.text().ticket));
    html(&TicketPage {
        actions: if c.staff { actions(&ticket, c.t) } else { Vec::new() },
        overdue: pressed(&clocks).0,
        duties: ticket::dispatch(level, contract),
        people: if c.staff { called(level, contract) } else { Vec::new() },
        c,
        ticket,
        case,
        state,
        level,
        clocks,
    })
}

fn called(level: Level, contract: &Contract) -> Vec<Person> {
    ticket::dispatch::on_call(level, contract).into_iter().cloned().collect()
}

/// Why an action was refused, for people.
fn refusal(error: &ActError) -> Text {
    let zh = match error {
        ActError::NotNow { .. } => {
            "工单当前状态下不能执行该操作，可能已有人先行处理。请返回工单页面查看最新进展。"
        }
        ActError::Nobody { .. } => "操作需要登录人员的姓名。",
        ActError::NoReason { .. } => "该操作需要填写原因，请在备注中说明。",
        ActError::TooLong { .. } => "备注过长。",
    };
    Text::new(zh, error.to_string())
}

/// What may be done now, the next ordinary step first.
fn actions(ticket: &Ticket, t: &'static Texts) -> Vec<Action> {
    let allowed = ticket::allowed(ticket);
    let next = ordinary_next(ticket::state(ticket));
    let mut actions: Vec<Action> = DEEDS
        .iter()
        .filter(|(_, kind, _)| allowed.contains(kind))
        .map(|(name, kind, label)| Action { name, label: label(t), next: Some(*kind) == next })
        .collect();
    actions.sort_by_key(|action| !action.next);
    actions
}

/// The step that usually comes next.
fn ordinary_next(state: TicketState) -> Option<TicketEventKind> {
    match state {
        TicketState::Detected | TicketState::Notified => Some(TicketEventKind::Responded),
        TicketState::Responded => Some(TicketEventKind::EnRoute),
        TicketState::EnRoute => Some(TicketEventKind::OnSite),
        TicketState::OnSite => Some(TicketEventKind::Restored),
        TicketState::Restored => Some(TicketEventKind::Resolved),
        TicketState::Resolved => Some(TicketEventKind::Confirmed),
        TicketState::Confirmed => None,
    }
}

fn act(ask: &Ask) -> Result<Response, Failure> {
    let ticket = ask.desk()?.ticket(ask.id("ticket")?)?;
    let name = ask.field("act");
    let Some((_, kind, _)) = DEEDS.iter().find(|(known, ..)| *known == name) else {
        return Err(Failure::BadRequest(text::both().bad_form));
    };
    let note = ask.field("note");
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(Failure::BadRequest(text::both().long_note));
    }
    if *kind == TicketEventKind::Noted && note.is_empty() {
        return Err(Failure::BadRequest(text::both().empty_note));
    }
    let actor = &ask.viewer()?.login;
    let event = ticket::act(&ticket, *kind, actor, note, ask.now)
        .map_err(|error| Failure::Conflict(refusal(&error)))?;
    // The store writes the audit line in the same transaction as the event.
    ask.state().store.add_ticket_event(&ticket.id, &event)?;
    Ok(see_other(&format!("/tickets/{}", ticket.id.0)))
}
