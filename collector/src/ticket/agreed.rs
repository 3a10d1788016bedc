//! What maintenance windows and accepted risks do to a ticket: nobody is paged inside a window, and what remains at its end
//! is told; an accepted risk resolves the ticket, and re-opens it when it lapses.

use xunjian_proto::Time;
use xunjian_rules::Text;

use super::{
    Ticket, TicketEventKind, TicketState,
    reconcile::{SYSTEM, event},
    state,
};
use crate::classify::{
    Case, CaseLog,
    agreed::{AFTER_WINDOW, LAPSED},
};

/// Marks the first entry of a ticket that was opened in a window.
pub(super) const IN_WINDOW: &str = "维护期内发现";

/// Begins the entry that resolves a ticket because its risk is accepted.
const ACCEPTED: &str = "风险已由客户接受";

/// The first entry of a ticket that is opened in a window.
pub(super) fn opened_in_window(because: &Text) -> Text {
    Text::new(
        format!("{}（{IN_WINDOW}，不单独通知）", because.zh),
        format!("{} (found in maintenance: nobody is paged)", because.en),
    )
}

/// Adds what the case's log says of windows and accepted risks.
pub(super) fn follow(ticket: &mut Ticket, case: &Case, now: Time) {
    if case.closed_at.is_some() {
        return;
    }
    if let Some(entry) = newest(case, AFTER_WINDOW).filter(|_| case.agreed.window.is_none())
        && state(ticket) < TicketState::Resolved
    {
        tell(ticket, TicketEventKind::Noted, entry.why.clone(), now);
    }
    if let Some(risk) = &case.agreed.risk
        && state(ticket) < TicketState::Resolved
    {
        let note = Text::new(
            format!("{ACCEPTED}：{} 签字，至 {}，理由：{}", risk.signer, risk.until, risk.why),
            format!(
                "the customer accepts the risk: signed by {}, until {}: {}",
                risk.signer, risk.until, risk.why
            ),
        );
        tell(ticket, TicketEventKind::Resolved, note, now);
    }
    let by_acceptance = ticket
        .events
        .iter()
        .rev()
        .find(|it| it.kind != TicketEventKind::Noted)
        .is_some_and(|it| it.actor == SYSTEM && it.note.zh.starts_with(ACCEPTED));
    if let Some(entry) = newest(case, LAPSED).filter(|_| case.agreed.risk.is_none())
        && by_acceptance
    {
        tell(ticket, TicketEventKind::Reopened, entry.why.clone(), now);
    }
}

fn newest<'a>(case: &'a Case, start: &str) -> Option<&'a CaseLog> {
    case.log.iter().rev().find(|it| it.why.zh.starts_with(start))
}

/// Once for each sentence.
fn tell(ticket: &mut Ticket, kind: TicketEventKind, note: Text, now: Time) {
    if !ticket.events.iter().any(|it| it.actor == SYSTEM && it.kind == kind && it.note == note) {
        ticket.events.push(event(now, kind, note));
    }
}
