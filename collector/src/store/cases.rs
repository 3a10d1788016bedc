//! Cases and tickets: JSON documents with the columns that are searched by, and what judging commits as one.

use rusqlite::{OptionalExtension, Params, Transaction, params};
use xunjian_proto::Time;

use super::{
    AgentId, Judged, Store, StoreError,
    agents::{agent_no, agent_no_or_new, from_json, to_json},
    open::During,
    outbox::put_message,
    people::audit_line,
};
use crate::{
    classify::{Case, CaseId, Grade},
    ticket::{Ticket, TicketEvent, TicketEventKind, TicketId},
};

impl Store {
    /// Writes what judging brought, in one transaction. `upto` names the last judged batch of an agent: it and all
    /// that *arrived* before it are done. A ticket keeps the events that people added since it was read: its stored
    /// log is only ever added to.
    ///
    /// # Errors
    /// The engine's; then nothing of it is kept.
    pub fn commit_judged(&self, judged: &Judged) -> Result<(), StoreError> {
        let operation = "keep what was judged";
        self.write(operation, |tx, memory| {
            for case in &judged.cases {
                put_case(tx, case)?;
            }
            for ticket in &judged.tickets {
                merge_ticket(tx, ticket)?;
            }
            for (agent, sequence) in &judged.upto {
                if let Some(no) = agent_no(tx, agent)? {
                    done_upto(tx, no, *sequence)?;
                }
            }
            for (at, message) in &judged.messages {
                put_message(tx, message, *at)?;
            }
            for (agent, body) in &judged.holds {
                let no = agent_no_or_new(tx, memory, agent)?;
                tx.prepare_cached("INSERT OR REPLACE INTO holds(agent, body) VALUES(?, ?)")
                    .and_then(|mut it| it.execute(params![no, body]))
                    .during(operation)?;
            }
            Ok(())
        })
    }

    /// Evaluation states kept for a warm restart.
    pub fn holds(&self) -> Result<Vec<(AgentId, Vec<u8>)>, StoreError> {
        let operation = "read the evaluation states";
        self.read(operation, |tx| {
            let sql = "SELECT a.agent, h.body FROM holds h JOIN agents a ON a.no = h.agent ORDER BY a.agent";
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map([], |row| Ok((AgentId(row.get(0)?), row.get(1)?)))?.collect()
                })
                .during(operation)
        })
    }

    /// The evaluation state kept for one agent.
    pub fn hold(&self, agent: &AgentId) -> Result<Option<Vec<u8>>, StoreError> {
        let operation = "read an evaluation state";
        self.read(operation, |tx| {
            let sql =
                "SELECT h.body FROM holds h JOIN agents a ON a.no = h.agent WHERE a.agent = ?";
            tx.prepare_cached(sql)
                .and_then(|mut it| it.query_row([&agent.0], |row| row.get(0)).optional())
                .during(operation)
        })
    }

    /// Cases: open ones, and those closed after `closed_after` if given. Gravest first, then oldest.
    pub fn cases(&self, closed_after: Option<Time>) -> Result<Vec<Case>, StoreError> {
        let sql = "SELECT body FROM cases WHERE closed_at IS NULL OR closed_at > ?
                   ORDER BY rank, opened_at, id";
        self.documents("a case", sql, [closed_after.map_or(i64::MAX, Time::millis)])
    }

    /// One case.
    pub fn case(&self, id: &CaseId) -> Result<Option<Case>, StoreError> {
        let found = self.documents("a case", "SELECT body FROM cases WHERE id = ?", [&id.0])?;
        Ok(found.into_iter().next())
    }

    /// Tickets, newest first: those not confirmed, and those opened after `opened_after` if given.
    pub fn tickets(&self, opened_after: Option<Time>) -> Result<Vec<Ticket>, StoreError> {
        let sql = "SELECT body FROM tickets WHERE confirmed = 0 OR opened_at > ?
                   ORDER BY opened_at DESC, id DESC";
        self.documents("a ticket", sql, [opened_after.map_or(i64::MAX, Time::millis)])
    }

    /// One ticket.
    pub fn ticket(&self, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
        let found = self.documents("a ticket", "SELECT body FROM tickets WHERE id = ?", [&id.0])?;
        Ok(found.into_iter().next())
    }

    /// Adds one event to a ticket's log (a person's action), with its line in the audit log, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such ticket; the engine's.
    pub fn add_ticket_event(
        &self,
        id: &TicketId,
        event: &TicketEvent,
    ) -> Result<Ticket, StoreError> {
        self.write("add to a ticket's log", |tx, _| {
            let mut ticket = read_ticket(tx, id)?
                .ok_or_else(|| StoreError::NotFound { what: format!("ticket {}", id.0) })?;
            ticket.events.push(event.clone());
            put_ticket(tx, &ticket)?;
            let action = format!("ticket.{}", kind_name(&event.kind));
            audit_line(tx, event.at, &event.actor, &action, &id.0)?;
            Ok(ticket)
        })
    }

    /// The next free number for tickets of a day (`20261122` → 1); each number is given once.
    pub fn next_ticket_number(&self, day: &str) -> Result<u32, StoreError> {
        let operation = "number a ticket";
        self.write(operation, |tx, _| {
            let sql = "INSERT INTO ticket_days(day, last) VALUES(?, 1)
                       ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last";
            tx.query_row(sql, [day], |row| row.get(0)).during(operation)
        })
    }

    fn documents<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        sql: &str,
        values: impl Params,
    ) -> Result<Vec<T>, StoreError> {
        let operation = "read cases and tickets";
        let bodies: Vec<String> = self.read(operation, |tx| {
            tx.prepare_cached(sql)
                .and_then(|mut it| it.query_map(values, |row| row.get(0))?.collect())
                .during(operation)
        })?;
        bodies.iter().map(|body| from_json(what, body)).collect()
    }
}

fn put_case(tx: &Transaction<'_>, case: &Case) -> Result<(), StoreError> {
    let rank = match case.decision.grade {
        Grade::Fault(level) => level.number(),
        Grade::Blind => 5,
        Grade::Advice => 6,
    };
    let row = params![
        case.id.0,
        case.customer,
        case.agent,
        rank,
        case.opened_at.millis(),
        case.closed_at.map(Time::millis),
        to_json("a case", case)?,
    ];
    let sql = "INSERT OR REPLACE INTO cases(id, customer, agent, rank, opened_at, closed_at, body)
               VALUES(?, ?, ?, ?, ?, ?, ?)";
    tx.prepare_cached(sql).and_then(|mut it| it.execute(row)).during("keep a case").map(drop)
}

/// Judging reads a ticket, thinks, and writes it; a person may have answered meanwhile. Events are never taken away,
/// so the union of both logs is what happened.
fn merge_ticket(tx: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    let Some(stored) = read_ticket(tx, &ticket.id)? else { return put_ticket(tx, ticket) };
    let common = stored.events.iter().zip(&ticket.events).take_while(|(a, b)| a == b).count();
    let mut merged = ticket.clone();
    merged.events = stored.events.clone();
    let others = &stored.events[common..];
    merged
        .events
        .extend(ticket.events[common..].iter().filter(|event| !others.contains(event)).cloned());
    put_ticket(tx, &merged)
}

fn read_ticket(tx: &Transaction<'_>, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
    let body: Option<String> = tx
        .prepare_cached("SELECT body FROM tickets WHERE id = ?")
        .and_then(|mut it| it.query_row([&id.0], |row| row.get(0)).optional())
        .during("read a ticket")?;
    body.map(|body| from_json("a ticket", &body)).transpose()
}

fn put_ticket(tx: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    let opened = ticket.events.first().map_or(0, |event| event.at.millis());
    let ends = ticket.events.iter().rev().find_map(|event| match event.kind {
        TicketEventKind::Confirmed => Some(true),
        TicketEventKind::Reopened => Some(false),
        _ => None,
    });
    let row = params![
        ticket.id.0,
        ticket.case.0,
        ticket.customer,
        opened,
        ends.unwrap_or(false),
        to_json("a ticket", ticket)?,
    ];
    let sql = "INSERT OR REPLACE INTO tickets(id, case_id, customer, opened_at, confirmed, body)
               VALUES(?, ?, ?, ?, ?, ?)";
    tx.prepare_cached(sql).and_then(|mut it| it.execute(row)).during("keep a ticket").map(drop)
}

fn done_upto(tx: &Transaction<'_>, agent: i64, sequence: u64) -> Result<(), StoreError> {
    let operation = "mark batches as judged";
    let arrival: Option<i64> = tx
        .prepare_cached("SELECT max(arrival) FROM pending WHERE agent = ? AND sequence = ?")
        .and_then(|mut it| it.query_row([agent, sequence.cast_signed()], |row| row.get(0)))
        .during(operation)?;
    let Some(arrival) = arrival else { return Ok(()) };
    tx.prepare_cached("DELETE FROM pending WHERE agent = ? AND arrival <= ?")
        .and_then(|mut it| it.execute([agent, arrival]))
        .during(operation)
        .map(drop)
}

/// `on_site` for `OnSite`: the word that the audit log uses, the same as in the stored document.
fn kind_name(kind: &TicketEventKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}
