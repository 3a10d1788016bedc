//! Tickets follow the cases: opened, regraded, noted, re-opened. People resolve them; readings never do.

use chrono::{DateTime, Utc};
use xunjian_proto::Time;
use xunjian_rules::Text;

use super::{
    Ticket, TicketEvent, TicketEventKind, TicketId, TicketState, agreed::IN_WINDOW, level, state,
};
use crate::{
    classify::{Case, CaseChange, Grade, Level, agreed::AFTER_WINDOW, texts},
    contract::Contract,
};

/// Who writes what no person wrote.
pub const SYSTEM: &str = "system";

/// Brings the tickets into line with the cases. Returns those that are new or have new events; the same input again gives
/// none. `cases`: those that changed (others do no harm); `tickets`: at least those of these cases; `number`: the next
/// free number of a day (`20261122`).
///
/// A consequence gets no ticket of its own, nor does a case that was over before anybody could know of it. A case from
/// late data gets one, and `notify` does not page for it until live readings confirm it.
pub fn reconcile(
    cases: &[Case],
    tickets: &[Ticket],
    contract: &Contract,
    now: Time,
    number: &mut dyn FnMut(&str) -> u32,
) -> Vec<Ticket> {
    let mut cases: Vec<&Case> =
        cases.iter().filter(|it| it.customer == contract.customer).collect();
    cases.sort_by(|a, b| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
    let mut changed = Vec::new();
    for case in cases {
        let known = tickets.iter().filter(|it| it.case == case.id).max_by(|a, b| a.id.cmp(&b.id));
        match known {
            Some(ticket) => changed.extend(follow(ticket, case, now)),
            None => changed.extend(open(case, contract, now, number)),
        }
    }
    changed
}

/// One line: what is wrong where.
pub fn title(case: &Case) -> Text {
    let gravest = case.facts.iter().min_by_key(|it| (it.evidence, &it.rule));
    let message = gravest.map_or_else(|| case.decision.because.clone(), |it| it.message.clone());
    let place = |message: &str, colon: &str| match place(case, message) {
        place if place.is_empty() => message.to_owned(),
        place => format!("{place}{colon}{message}"),
    };
    Text::new(place(&message.zh, "："), place(&message.en, ": "))
}

/// Host and component, as far as the message does not name the component itself.
fn place(case: &Case, message: &str) -> String {
    let (name, host) = (case.component_name.as_str(), case.hostname.as_str());
    let bare = name.split_once(" (").map_or(name, |(bare, _)| bare);
    let said = message.contains(bare);
    match (said, host.is_empty() || name == host) {
        (true, true) if name != host => String::new(),
        (_, true) => name.to_owned(),
        (true, false) => host.to_owned(),
        (false, false) => format!("{host} {name}"),
    }
}

fn open(
    case: &Case,
    contract: &Contract,
    now: Time,
    number: &mut dyn FnMut(&str) -> u32,
) -> Option<Ticket> {
    let Grade::Fault(level) = case.decision.grade else { return None };
    if case.parent.is_some() || case.closed_at.is_some() {
        return None;
    }
    let day = DateTime::<Utc>::from_timestamp_millis(now.millis()).unwrap_or_default();
    let day = day.with_timezone(&contract.timezone).format("%Y%m%d").to_string();
    let because = &case.decision.because;
    let note = match case.late {
        true => Text::new(
            format!("{}\u{ff08}{LATE}\u{ff0c}不单独通知\u{ff09}", because.zh),
            format!("{} (from late data: nobody is paged)", because.en),
        ),
        false if case.agreed.window.is_some() => super::agreed::opened_in_window(because),
        false => because.clone(),
    };
    Some(Ticket {
        id: TicketId(format!("T{day}-{:04}", number(&day))),
        case: case.id.clone(),
        customer: case.customer.clone(),
        title: title(case),
        events: vec![event(now, TicketEventKind::Detected(level), note)],
    })
}

fn follow(ticket: &Ticket, case: &Case, now: Time) -> Option<Ticket> {
    let mut next = ticket.clone();
    confirmed_live(&mut next, case, now);
    super::agreed::follow(&mut next, case, now);
    came_back(&mut next, case, now);
    if state(&next) != TicketState::Confirmed {
        regrade(&mut next, case, now);
        went_away(&mut next, case, now);
        folded(&mut next, case, now);
    }
    (next.events.len() != ticket.events.len()).then_some(next)
}

/// Starts the remark that live readings confirm what late data had shown; from then on people are told.
pub const LIVE: &str = "实时数据证实故障仍在";

const LATE: &str = "由补传数据发现";

/// Whether people are told about a ticket: not while it rests on late data alone, nor while maintenance holds it back.
pub fn is_paged(ticket: &Ticket) -> bool {
    !is_held(ticket, LATE, LIVE) && !is_held(ticket, IN_WINDOW, AFTER_WINDOW)
}

/// Whether the first entry says what holds people back, and none since says that it is over.
fn is_held(ticket: &Ticket, why: &str, over: &str) -> bool {
    let begun = ticket.events.first().is_some_and(|it| it.note.zh.contains(why));
    begun && !ticket.events.iter().any(|it| it.actor == SYSTEM && it.note.zh.starts_with(over))
}

fn confirmed_live(ticket: &mut Ticket, case: &Case, now: Time) {
    if case.late || case.closed_at.is_some() || !is_held(ticket, LATE, LIVE) {
        return;
    }
    let because = &case.decision.because;
    let note = Text::new(
        format!("{LIVE}\u{ff1a}{}", because.zh),
        format!("live readings show that it still holds: {}", because.en),
    );
    ticket.events.push(event(now, TicketEventKind::Noted, note));
}

/// What the log last said of the readings or of the work being over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    WentAway,
    CameBack,
    Resolved(Time),
}

const WENT_AWAY: &str = "读数已恢复正常";
const CAME_BACK: &str = "故障再次出现";

fn last_marker(ticket: &Ticket) -> Option<Marker> {
    ticket.events.iter().rev().find_map(|it| match it.kind {
        TicketEventKind::Resolved | TicketEventKind::Confirmed => Some(Marker::Resolved(it.at)),
        TicketEventKind::Reopened => Some(Marker::CameBack),
        TicketEventKind::Noted if it.actor != SYSTEM => None,
        TicketEventKind::Noted if it.note.zh.starts_with(WENT_AWAY) => Some(Marker::WentAway),
        TicketEventKind::Noted if it.note.zh.starts_with(CAME_BACK) => Some(Marker::CameBack),
        _ => None,
    })
}

/// Readings are bad again after they had been good: a resolved ticket is re-opened, an open one gets a remark.
fn came_back(ticket: &mut Ticket, case: &Case, now: Time) {
    let Some(back) = case.log.iter().rev().find(|it| it.kind == CaseChange::Reopened) else {
        return;
    };
    let is_news = match last_marker(ticket) {
        Some(Marker::WentAway) => true,
        Some(Marker::Resolved(at)) => back.at > at,
        Some(Marker::CameBack) | None => false,
    };
    if case.closed_at.is_some() || !is_news {
        return;
    }
    let kind = match state(ticket) >= TicketState::Resolved {
        true => TicketEventKind::Reopened,
        false => TicketEventKind::Noted,
    };
    let note = Text::new(
        format!("{CAME_BACK}:{}", back.why.zh),
        format!("the fault is back: {}", back.why.en),
    );
    ticket.events.push(event(now, kind, note));
}

fn regrade(ticket: &mut Ticket, case: &Case, now: Time) {
    let from = level(ticket);
    match case.decision.grade {
        Grade::Fault(to) if to != from && case.closed_at.is_none() => {
            ticket.events.push(event(
                now,
                TicketEventKind::Regraded { from, to },
                reason(from, to, case),
            ));
        }
        Grade::Advice | Grade::Blind if case.closed_at.is_none() => {
            let (name, because) = (texts::grade_name(case.decision.grade), &case.decision.because);
            let note = Text::new(
                format!("现判为{}，请工程师确认：{}", name.zh, because.zh),
                format!("now judged as {}; an engineer confirms: {}", name.en, because.en),
            );
            note_once(ticket, note, now);
        }
        _ => {}
    }
}

fn reason(from: Level, to: Level, case: &Case) -> Text {
    let (from, to, because) =
        (texts::level_name(from), texts::level_name(to), &case.decision.because);
    Text::new(
        format!("由{}调整为{}：{}", from.zh, to.zh, because.zh),
        format!("from {} to {}: {}", from.en, to.en, because.en),
    )
}

/// The case closed by itself: said, not resolved.
fn went_away(ticket: &mut Ticket, case: &Case, now: Time) {
    if case.closed_at.is_none() || state(ticket) >= TicketState::Resolved {
        return;
    }
    if last_marker(ticket) == Some(Marker::WentAway) {
        return;
    }
    let why = case.log.iter().rev().find(|it| it.kind == CaseChange::Closed).map(|it| &it.why);
    let note = Text::new(
        format!("{WENT_AWAY}，请工程师核实后再结单。{}", why.map_or("", |it| &it.zh)),
        format!(
            "readings are good again; an engineer checks before it is resolved. {}",
            why.map_or("", |it| &it.en)
        ),
    );
    ticket.events.push(event(now, TicketEventKind::Noted, note));
}

/// It turned out to be a consequence of something else.
fn folded(ticket: &mut Ticket, case: &Case, now: Time) {
    let Some(parent) = &case.parent else { return };
    let note = Text::new(
        format!("判明为另一故障（{}）的后果，并案处理", parent.0),
        format!(
            "found to be a consequence of another fault ({}); handled together with it",
            parent.0
        ),
    );
    note_once(ticket, note, now);
}

/// Adds a remark unless it is the system's last one in this round already.
fn note_once(ticket: &mut Ticket, note: Text, now: Time) {
    let start =
        ticket.events.iter().rposition(|it| it.kind == TicketEventKind::Reopened).unwrap_or(0);
    let mut round = ticket.events.iter().skip(start).filter(|it| it.actor == SYSTEM);
    if !round.any(|it| it.kind == TicketEventKind::Noted && it.note == note) {
        ticket.events.push(event(now, TicketEventKind::Noted, note));
    }
}

pub(super) fn event(at: Time, kind: TicketEventKind, note: Text) -> TicketEvent {
    TicketEvent { at, actor: SYSTEM.to_owned(), kind, note }
}
