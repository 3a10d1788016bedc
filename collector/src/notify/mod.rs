//! Who is told what, and when: messages are composed purely from a ticket's change, stored in the outbox, and delivered
//! at least once. The change is stored before anyone is told; a receiver drops repeats by [`Message::id`].

use serde::{Deserialize, Serialize};
use xunjian_proto::Time;
use xunjian_rules::Text;

use crate::{
    classify::{Case, agreed::AFTER_WINDOW, texts},
    contract::Contract,
    ticket::{
        Clock, ClockState, Ticket, TicketEvent, TicketEventKind, clocks, dispatch,
        dispatch::on_call,
        level,
        reconcile::{LIVE, SYSTEM, is_paged},
    },
};

pub mod deliver;

pub mod webhook;

pub use deliver::{Channel, deliver};
pub use webhook::{Webhook, WebhookError};

/// One message, as it lies in the outbox and goes to webhooks (JSON).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The same for every delivery of the same message: `T20261122-0001/0`.
    pub id: String,
    /// What happened.
    pub kind: MessageKind,
    /// When it was composed.
    pub at: Time,
    /// The ticket.
    pub ticket: String,
    /// The contract's customer.
    pub customer: String,
    /// The level now, 1 to 4.
    pub level: u8,
    /// One line for a pager: level, what happened, what is wrong where.
    pub subject: Text,
    /// What is wrong where.
    pub title: Text,
    /// Why this level, or what changed.
    pub because: Text,
    /// The contract's definition of the level.
    pub clause: Text,
    /// Host, site, rack, component.
    pub place: Place,
    /// What to do, by the rules that fired.
    pub advice: Vec<Text>,
    /// Who is sent, what follows.
    pub dispatch: Vec<Text>,
    /// Whom to call.
    pub call: Vec<Call>,
    /// The contract's clocks as they stand.
    pub clocks: Vec<Clock>,
}

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// A new ticket.
    Opened,
    /// Its level changed.
    Regraded,
    /// It is open again.
    Reopened,
    /// The system added a remark.
    Updated,
    /// A clock has less than a quarter of its time left.
    ClockAtRisk,
    /// A clock is overdue.
    ClockBreached,
}

/// Where the engineer has to go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Host name.
    pub host: String,
    /// Site: full name, or its key where it has none.
    pub site: String,
    /// Postal address.
    pub address: String,
    /// Rack and height unit.
    pub location: String,
    /// The component, with serial number and slot where they are known.
    pub component: String,
}

/// A person to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Telephone.
    pub phone: String,
}

/// The messages that a ticket's change is worth: `before` is the ticket as it was, none if it is new. What people did
/// themselves, consequences, and what was over or late when it arrived, are not told.
pub fn messages(
    before: Option<&Ticket>,
    after: &Ticket,
    case: &Case,
    contract: &Contract,
    now: Time,
) -> Vec<Message> {
    if case.parent.is_some() || case.agreed.is_held() || (case.late && !is_paged(after)) {
        return Vec::new();
    }
    let known = before.map_or(0, |it| it.events.len());
    let new = after.events.iter().enumerate().skip(known).filter(|it| it.1.actor == SYSTEM);
    new.filter_map(|(index, event)| {
        let kind = kind(event)?;
        if kind == MessageKind::Opened && case.closed_at.is_some() {
            return None;
        }
        let id = format!("{}/{index}", after.id.0);
        Some(compose(id, kind, event.note.clone(), after, case, contract, now))
    })
    .collect()
}

/// The messages for clocks that came near their end or passed it after `since` and until `now` (both given by the
/// caller's ticks), while nobody met them.
pub fn clock_messages(
    ticket: &Ticket,
    case: &Case,
    contract: &Contract,
    since: Time,
    now: Time,
) -> Vec<Message> {
    if case.parent.is_some() || case.agreed.is_held() || !is_paged(ticket) {
        return Vec::new();
    }
    let then = clocks(ticket, contract, since);
    let of =
        |clock: &Clock| then.iter().find(|it| (&it.name, it.from) == (&clock.name, clock.from));
    clocks(ticket, contract, now)
        .iter()
        .filter_map(|clock| {
            let kind = match clock.state {
                ClockState::AtRisk => MessageKind::ClockAtRisk,
                ClockState::Breached => MessageKind::ClockBreached,
                ClockState::Running | ClockState::Met | ClockState::MetLate => return None,
            };
            if of(clock).is_some_and(|it| it.state == clock.state) {
                return None;
            }
            let word = if kind == MessageKind::ClockAtRisk { "risk" } else { "breach" };
            let id = format!("{}/{}/{}/{word}", ticket.id.0, clock.name, clock.from.secs());
            Some(compose(id, kind, clock_text(clock, kind), ticket, case, contract, now))
        })
        .collect()
}

fn kind(event: &TicketEvent) -> Option<MessageKind> {
    match event.kind {
        TicketEventKind::Detected(_) => Some(MessageKind::Opened),
        TicketEventKind::Regraded { .. } => Some(MessageKind::Regraded),
        TicketEventKind::Reopened => Some(MessageKind::Reopened),
        TicketEventKind::Noted
            if event.note.zh.starts_with(LIVE) || event.note.zh.starts_with(AFTER_WINDOW) =>
        {
            Some(MessageKind::Opened)
        }
        TicketEventKind::Noted => Some(MessageKind::Updated),
        _ => None,
    }
}

fn compose(
    id: String,
    kind: MessageKind,
    because: Text,
    ticket: &Ticket,
    case: &Case,
    contract: &Contract,
    now: Time,
) -> Message {
    let level = level(ticket);
    let (name, what) = (texts::level_name(level), label(kind));
    let mut advice: Vec<Text> = case.facts.iter().map(|it| it.advice.clone()).collect();
    advice.dedup();
    let asset = contract.assets.get(&case.hostname);
    let site = contract.sites.get(&case.site);
    Message {
        id,
        kind,
        at: now,
        ticket: ticket.id.0.clone(),
        customer: ticket.customer.clone(),
        level: level.number(),
        subject: Text::new(
            format!("【{}】{}：{}", name.zh, what.zh, ticket.title.zh),
            format!("[{}] {}: {}", name.en, what.en, ticket.title.en),
        ),
        title: ticket.title.clone(),
        because,
        clause: texts::clause(crate::classify::Grade::Fault(level)),
        place: Place {
            host: case.hostname.clone(),
            site: site
                .map(|it| it.name.clone())
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| case.site.clone()),
            address: site.map(|it| it.address.clone()).unwrap_or_default(),
            location: asset.map(|it| it.location.clone()).unwrap_or_default(),
            component: case.component_name.clone(),
        },
        advice,
        dispatch: dispatch(level, contract),
        call: on_call(level, contract)
            .into_iter()
            .map(|it| Call {
                name: it.name.clone(),
                role: it.role.clone(),
                phone: it.phone.clone(),
            })
            .collect(),
        clocks: clocks(ticket, contract, now),
    }
}

fn label(kind: MessageKind) -> Text {
    let (zh, en) = match kind {
        MessageKind::Opened => ("新故障", "new fault"),
        MessageKind::Regraded => ("级别调整", "level changed"),
        MessageKind::Reopened => ("再次出现", "back again"),
        MessageKind::Updated => ("进展", "update"),
        MessageKind::ClockAtRisk => ("时限将到", "time is running out"),
        MessageKind::ClockBreached => ("已超时限", "overdue"),
    };
    Text::new(zh, en)
}

fn clock_text(clock: &Clock, kind: MessageKind) -> Text {
    let label = &clock.label;
    match kind {
        MessageKind::ClockBreached => Text::new(
            format!("{}已超过合同时限；请升级：工程师 → 应急支持小组 → 原厂技术支持中心", label.zh),
            format!(
                "{}: the contract's time is over; escalate: engineer, emergency support team, manufacturer's support",
                label.en
            ),
        ),
        _ => Text::new(
            format!("{}剩余不足四分之一", label.zh),
            format!("{}: less than a quarter of the time is left", label.en),
        ),
    }
}
