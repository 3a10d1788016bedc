//! The list of tickets, the pressing ones first.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use xunjian_proto::Time;

use super::Page;
use crate::{
    ticket::{self, Ticket, TicketState},
    web::{
        ask::Ask,
        ctx::{Ctx, TicketLine},
        failure::Failure,
        html,
    },
};

/// The page.
pub(super) const PAGE: Page = Page::read("/tickets", show);

#[derive(Template)]
#[template(path = "tickets.html")]
struct TicketsPage {
    c: Ctx,
    open: Vec<TicketLine>,
    done: Vec<TicketLine>,
}

/// How far back confirmed tickets are listed: a quarter, as long as a report covers.
const BACK: Duration = Duration::from_secs(92 * 86_400);

fn show(ask: &Ask) -> Result<Response, Failure> {
    let tickets = ask.desk()?.tickets(Some(ask.now - BACK))?;
    let (done, open) =
        lines(ask, &tickets).into_iter().partition(|line| line.state == TicketState::Confirmed);
    html(&TicketsPage { c: ask.ctx(ask.text().tickets), open, done })
}

/// Lines for a list, the clock that presses most first, then the gravest, then the newest.
pub(super) fn lines(ask: &Ask, tickets: &[Ticket]) -> Vec<TicketLine> {
    let mut lines: Vec<TicketLine> = tickets.iter().map(|ticket| line(ask, ticket)).collect();
    let never = Time::from_millis(i64::MAX);
    lines.sort_by_key(|line| {
        let due = line.clock.as_ref().map_or(never, |clock| clock.due);
        (due, line.level, std::cmp::Reverse(line.ticket.id.clone()))
    });
    lines
}

fn line(ask: &Ask, it: &Ticket) -> TicketLine {
    let clocks = ticket::clocks(it, ask.contracts.customer(&it.customer), ask.now);
    TicketLine {
        state: ticket::state(it),
        level: ticket::level(it),
        clock: ticket::clocks::next_due(&clocks).cloned(),
        clocks,
        ticket: it.clone(),
    }
}
