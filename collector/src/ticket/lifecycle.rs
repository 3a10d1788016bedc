//! Where a ticket stands and what a person may do to it next. The log decides; nothing else is stored.

use thiserror::Error;
use xunjian_proto::Time;
use xunjian_rules::Text;

use super::{Ticket, TicketEvent, TicketEventKind, TicketState};
use crate::classify::Level;

/// Longest remark, in bytes: a page of text. Longer ones belong into a report.
pub const NOTE_BYTES_MAX: usize = 8 * 1024;

/// Why something cannot be done to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ActError {
    /// Not from where the ticket stands.
    #[error("ticket {ticket} is {state}: `{wanted}` is not possible, but one of: {allowed}")]
    NotNow {
        /// Which ticket.
        ticket: String,
        /// Where it stands.
        state: &'static str,
        /// What was asked for.
        wanted: &'static str,
        /// What could be done.
        allowed: String,
    },
    /// Nobody said who does it.
    #[error("ticket {ticket}: an action needs a person, but no name was given")]
    Nobody {
        /// Which ticket.
        ticket: String,
    },
    /// A remark that says nothing, where one is needed.
    #[error("ticket {ticket}: `{wanted}` needs a reason; write one line")]
    NoReason {
        /// Which ticket.
        ticket: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// A remark that is too long.
    #[error("ticket {ticket}: the remark has {bytes} bytes, at most {NOTE_BYTES_MAX} are kept")]
    TooLong {
        /// Which ticket.
        ticket: String,
        /// Its length.
        bytes: usize,
    },
}

/// Where a ticket stands: the furthest it came since it was opened or re-opened.
pub fn state(ticket: &Ticket) -> TicketState {
    let round = round(ticket);
    round.iter().filter_map(|it| reached(it.kind)).max().unwrap_or(TicketState::Detected)
}

/// The level in force.
pub fn level(ticket: &Ticket) -> Level {
    let levels = ticket.events.iter().rev().filter_map(|it| match it.kind {
        TicketEventKind::Detected(level) => Some(level),
        TicketEventKind::Regraded { to, .. } => Some(to),
        _ => None,
    });
    // A log without its first event is damaged; the mildest level claims least.
    levels.into_iter().next().unwrap_or(Level::Four)
}

/// Whether work is left: neither resolved nor confirmed.
pub fn is_open(ticket: &Ticket) -> bool {
    state(ticket) < TicketState::Resolved
}

/// What a person may do now, in the order of the way.
pub fn allowed(ticket: &Ticket) -> Vec<TicketEventKind> {
    use TicketEventKind::{
        Confirmed, EnRoute, Noted, OnSite, Reopened, Resolved, Responded, Restored,
        SolutionOffered, StrategyOffered,
    };
    let state = state(ticket);
    if state == TicketState::Confirmed {
        return vec![Reopened, Noted];
    }
    if state == TicketState::Resolved {
        return vec![Confirmed, Reopened, Noted];
    }
    let way = [
        (Responded, TicketState::Responded),
        (EnRoute, TicketState::EnRoute),
        (OnSite, TicketState::OnSite),
        (Restored, TicketState::Restored),
        (Resolved, TicketState::Resolved),
    ];
    let mut kinds: Vec<_> = way.into_iter().filter(|it| it.1 > state).map(|it| it.0).collect();
    let offered = |kind| round(ticket).iter().any(|it| it.kind == kind);
    if level(ticket) <= Level::Two {
        kinds.extend([StrategyOffered, SolutionOffered].into_iter().filter(|it| !offered(*it)));
    }
    kinds.push(Noted);
    kinds
}

/// Makes the event for a person's action. It is not in the ticket yet: the store adds it.
pub fn act(
    ticket: &Ticket,
    kind: TicketEventKind,
    actor: &str,
    note: &str,
    now: Time,
) -> Result<TicketEvent, ActError> {
    let (id, note) = (ticket.id.0.clone(), note.trim());
    let allowed = allowed(ticket);
    if !allowed.contains(&kind) {
        let allowed: Vec<&str> = allowed.into_iter().map(word).collect();
        let state = state_word(state(ticket));
        return Err(ActError::NotNow {
            ticket: id,
            state,
            wanted: word(kind),
            allowed: allowed.join(", "),
        });
    }
    if actor.trim().is_empty() {
        return Err(ActError::Nobody { ticket: id });
    }
    if note.is_empty() && matches!(kind, TicketEventKind::Noted | TicketEventKind::Reopened) {
        return Err(ActError::NoReason { ticket: id, wanted: word(kind) });
    }
    if note.len() > NOTE_BYTES_MAX {
        return Err(ActError::TooLong { ticket: id, bytes: note.len() });
    }
    // The log never runs backwards, even if the clock was set back.
    let at = ticket.events.last().map_or(now, |it| it.at.max(now));
    Ok(TicketEvent { at, actor: actor.trim().to_owned(), kind, note: Text::new(note, note) })
}

/// The kind by its word in addresses and forms (`on_site`); only kinds that people may use.
pub fn kind_of(wanted: &str) -> Option<TicketEventKind> {
    use TicketEventKind::{
        Confirmed, EnRoute, Noted, OnSite, Reopened, Resolved, Responded, Restored,
        SolutionOffered, StrategyOffered,
    };
    [
        Responded,
        EnRoute,
        OnSite,
        StrategyOffered,
        SolutionOffered,
        Restored,
        Resolved,
        Confirmed,
        Reopened,
        Noted,
    ]
    .into_iter()
    .find(|it| word(*it) == wanted)
}

/// The word of a kind, as it is stored and used in addresses.
pub fn word(kind: TicketEventKind) -> &'static str {
    match kind {
        TicketEventKind::Detected(_) => "detected",
        TicketEventKind::Notified => "notified",
        TicketEventKind::Responded => "responded",
        TicketEventKind::EnRoute => "en_route",
        TicketEventKind::OnSite => "on_site",
        TicketEventKind::StrategyOffered => "strategy_offered",
        TicketEventKind::SolutionOffered => "solution_offered",
        TicketEventKind::Restored => "restored",
        TicketEventKind::Resolved => "resolved",
        TicketEventKind::Confirmed => "confirmed",
        TicketEventKind::Reopened => "reopened",
        TicketEventKind::Regraded { .. } => "regraded",
        TicketEventKind::Noted => "noted",
    }
}

/// What an event or action is called for people.
pub fn kind_label(kind: TicketEventKind) -> Text {
    let (zh, en) = match kind {
        TicketEventKind::Detected(_) => ("发现", "detected"),
        TicketEventKind::Notified => ("已通知", "notified"),
        TicketEventKind::Responded => ("响应", "responded"),
        TicketEventKind::EnRoute => ("出发", "en route"),
        TicketEventKind::OnSite => ("到达现场", "on site"),
        TicketEventKind::StrategyOffered => ("提出应急方案", "emergency strategy offered"),
        TicketEventKind::SolutionOffered => ("提出解决方案", "solution offered"),
        TicketEventKind::Restored => ("恢复服务", "service restored"),
        TicketEventKind::Resolved => ("故障排除", "resolved"),
        TicketEventKind::Confirmed => ("客户确认", "confirmed by the customer"),
        TicketEventKind::Reopened => ("重新打开", "re-opened"),
        TicketEventKind::Regraded { .. } => ("级别调整", "level changed"),
        TicketEventKind::Noted => ("备注", "noted"),
    };
    Text::new(zh, en)
}

/// What a state is called for people.
pub fn state_label(state: TicketState) -> Text {
    let zh = match state {
        TicketState::Detected => "已发现",
        TicketState::Notified => "已通知",
        TicketState::Responded => "已响应",
        TicketState::EnRoute => "前往现场",
        TicketState::OnSite => "已到现场",
        TicketState::Restored => "服务已恢复",
        TicketState::Resolved => "故障已排除",
        TicketState::Confirmed => "客户已确认",
    };
    Text::new(zh, state_word(state))
}

fn state_word(state: TicketState) -> &'static str {
    match state {
        TicketState::Detected => "detected",
        TicketState::Notified => "notified",
        TicketState::Responded => "responded",
        TicketState::EnRoute => "en route",
        TicketState::OnSite => "on site",
        TicketState::Restored => "restored",
        TicketState::Resolved => "resolved",
        TicketState::Confirmed => "confirmed",
    }
}

/// The events since the ticket was opened, or re-opened last.
fn round(ticket: &Ticket) -> &[TicketEvent] {
    let start =
        ticket.events.iter().rposition(|it| it.kind == TicketEventKind::Reopened).unwrap_or(0);
    ticket.events.get(start..).unwrap_or_default()
}

fn reached(kind: TicketEventKind) -> Option<TicketState> {
    match kind {
        TicketEventKind::Detected(_) | TicketEventKind::Reopened => Some(TicketState::Detected),
        TicketEventKind::Notified => Some(TicketState::Notified),
        TicketEventKind::Responded
        | TicketEventKind::StrategyOffered
        | TicketEventKind::SolutionOffered => Some(TicketState::Responded),
        TicketEventKind::EnRoute => Some(TicketState::EnRoute),
        TicketEventKind::OnSite => Some(TicketState::OnSite),
        TicketEventKind::Restored => Some(TicketState::Restored),
        TicketEventKind::Resolved => Some(TicketState::Resolved),
        TicketEventKind::Confirmed => Some(TicketState::Confirmed),
        TicketEventKind::Regraded { .. } | TicketEventKind::Noted => None,
    }
}
