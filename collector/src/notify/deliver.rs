//! Delivery: the outbox is emptied into the channels, at least once each. A message that one channel did not take stays,
//! and is tried again in all; the receiver knows repeats by their id.

use std::time::Duration;

use tracing::{info, warn};
use xunjian_proto::Time;

use super::{Message, MessageKind, Webhook};
use crate::{
    store::{Store, StoreError},
    ticket::{TicketEvent, TicketEventKind, TicketId, TicketState, reconcile::SYSTEM, state},
};

/// Messages taken from the outbox in one go.
const AT_ONCE: usize = 32;

/// Pauses after failures double from the first to the last.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Where messages go.
pub enum Channel {
    /// The collector's own log.
    Log,
    /// An HTTP receiver.
    Webhook(Box<Webhook>),
}

/// Empties the outbox once. Returns (delivered, not taken).
pub async fn deliver(
    store: &Store,
    channels: &[Channel],
    now: fn() -> Time,
) -> Result<(u32, u32), StoreError> {
    let waiting = blocking(store, |store| store.outbox(AT_ONCE)).await?;
    let (mut delivered, mut refused) = (0, 0);
    for (row, text) in waiting {
        let message: Option<Message> = serde_json::from_str(&text).ok();
        let id = message.as_ref().map_or_else(|| row.to_string(), |it| it.id.clone());
        let taken = offer(channels, &id, &text, message.as_ref(), now()).await;
        let at = now();
        blocking(store, move |store| store.mark_outbox(row, taken, at)).await?;
        if taken {
            delivered += 1;
            if let Some(message) = message {
                blocking(store, move |store| note_notified(store, &message, at)).await?;
            }
        } else {
            refused += 1;
        }
    }
    Ok((delivered, refused))
}

/// Delivers until told to stop; pauses grow while receivers refuse. `stop` ends it when it turns true or its sender goes.
pub async fn run(
    store: Store,
    channels: Vec<Channel>,
    now: fn() -> Time,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    let mut pause = PAUSE.0;
    while !*stop.borrow() {
        pause = match deliver(&store, &channels, now).await {
            Ok((_, 0)) => PAUSE.0,
            Ok((_, _)) => (pause * 2).min(PAUSE.1),
            Err(error) => {
                warn!(error = %chain(&error), "the outbox cannot be read");
                (pause * 2).min(PAUSE.1)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = stop.changed() => if changed.is_err() { return },
        }
    }
}

async fn offer(
    channels: &[Channel],
    id: &str,
    text: &str,
    message: Option<&Message>,
    now: Time,
) -> bool {
    let mut taken = true;
    for channel in channels {
        match channel {
            Channel::Log => {}
            Channel::Webhook(webhook) => {
                if let Err(error) = webhook.send(id, text, now).await {
                    warn!(message = id, error = %chain(&error), "a webhook did not take a message");
                    taken = false;
                }
            }
        }
    }
    // Logged when it is through, so that repeats do not fill the log.
    if taken && channels.iter().any(|it| matches!(it, Channel::Log)) {
        let subject = message.map_or("", |it| it.subject.zh.as_str());
        info!(message = id, subject, "told");
    }
    taken
}

/// A ticket whose news got through is notified: its log says so, once.
fn note_notified(store: &Store, message: &Message, at: Time) -> Result<(), StoreError> {
    if !matches!(message.kind, MessageKind::Opened | MessageKind::Reopened) {
        return Ok(());
    }
    let id = TicketId(message.ticket.clone());
    let Some(ticket) = store.ticket(&id)? else { return Ok(()) };
    if state(&ticket) != TicketState::Detected {
        return Ok(());
    }
    let note = xunjian_rules::Text::new("已送达通知渠道", "delivered to the channels");
    let at = ticket.events.last().map_or(at, |it| it.at.max(at));
    let event = TicketEvent { at, actor: SYSTEM.to_owned(), kind: TicketEventKind::Notified, note };
    store.add_ticket_event(&id, &event).map(drop)
}

async fn blocking<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let store = store.clone();
    tokio::task::spawn_blocking(move || work(&store)).await.unwrap_or_else(|error| {
        Err(StoreError::Corrupt { what: "the outbox".to_owned(), why: error.to_string() })
    })
}

/// An error with its causes, for a log line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
