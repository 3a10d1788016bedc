//! One stream, from connecting to its end.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};
use xunjian_proto::{
    check::{FromAgent, FromCollector, Hello, MESSAGE_BYTES_MAX},
    v1::{self, agent_client::AgentClient},
    wire::{Definition, Hash},
};

use super::{Ended, Standing, Uplink, UploadError};
use crate::{
    identity::{self, Credentials},
    spool::Spooled,
};

/// Batches that may be on their way at once: covers a satellite link, and is little to send again.
const WINDOW_BATCHES: usize = 32;

/// The same in bytes.
const WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// Definitions of one message.
const DEFINITIONS_BYTES: usize = 1024 * 1024;

/// Names of definitions that were sent on this stream; when there are more, they are sent again.
const SENT_MAX: usize = 16 * 1024;

/// The collector answers a hello when its store is free.
const HELLO: Duration = Duration::from_secs(30);

/// How often it is looked whether the certificate wants to be renewed.
const RENEWAL_EVERY: Duration = Duration::from_secs(600);

/// A difference of the clocks that is worth a warning.
const CLOCK_MS_MAX: u64 = 60_000;

struct Session<'a> {
    uplink: &'a Uplink,
    status: &'a watch::Sender<Standing>,
    channel: Channel,
    out: mpsc::Sender<v1::FromAgent>,
    /// The last batch that was sent.
    cursor: u64,
    /// Sequence and size of those that are on their way.
    flying: VecDeque<(u64, usize)>,
    sent: HashSet<Hash>,
}

/// Opens a stream and serves it until it breaks or the certificate was renewed.
pub(super) async fn run(
    uplink: &Uplink,
    status: &watch::Sender<Standing>,
    just_renewed: bool,
) -> Result<Ended, UploadError> {
    let credentials = uplink.identity.credentials();
    let channel = identity::connect(&credentials).await?;
    let (out, messages) = mpsc::channel(4);
    let mut session = Session {
        uplink,
        status,
        channel: channel.clone(),
        out,
        cursor: 0,
        flying: VecDeque::new(),
        sent: HashSet::new(),
    };
    session.send(FromAgent::Hello(Hello { host: uplink.host.clone() })).await?;
    let mut client = AgentClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let answer = async {
        let mut inbound = client.stream(ReceiverStream::new(messages)).await?.into_inner();
        let first = inbound.message().await?.ok_or(UploadError::Closed)?;
        Ok::<_, UploadError>((inbound, first))
    };
    let answered = tokio::time::timeout(HELLO, answer).await;
    let (inbound, first) = answered.map_err(|_| UploadError::NoHello(HELLO))??;
    session.take(first).await?;
    status.send_modify(|status| {
        status.connected = true;
        status.sessions += 1;
    });
    tracing::info!(collector = credentials.collector, after = session.cursor, "stream opened");
    // A certificate that is due again at once (a wrong clock) must not make the agent renew without end.
    let first_look = if just_renewed { RENEWAL_EVERY } else { Duration::ZERO };
    session.serve(inbound, &credentials, first_look).await
}

impl Session<'_> {
    async fn serve(
        &mut self,
        mut inbound: Streaming<v1::FromCollector>,
        credentials: &Credentials,
        first_look: Duration,
    ) -> Result<Ended, UploadError> {
        let mut renewal = tokio::time::interval_at(Instant::now() + first_look, RENEWAL_EVERY);
        loop {
            self.fill().await?;
            tokio::select! {
                message = inbound.message() => match message? {
                    Some(message) => self.take(message).await?,
                    None => return Err(UploadError::Closed),
                },
                () = self.uplink.spool.pushed() => {}
                _ = renewal.tick() => {
                    if credentials.renewal_due((self.uplink.clock)()) && self.renew().await {
                        return Ok(Ended::Renewed);
                    }
                }
            }
        }
    }

    /// Sends batches until the window is full or there are no more.
    async fn fill(&mut self) -> Result<(), UploadError> {
        let room = |flying: &VecDeque<(u64, usize)>| {
            let bytes: usize = flying.iter().map(|(_, bytes)| bytes).sum();
            flying.len() < WINDOW_BATCHES && bytes < WINDOW_BYTES
        };
        while room(&self.flying) {
            let Some(spooled) = self.uplink.spool.next_after(self.cursor) else { return Ok(()) };
            self.send_batch(spooled).await?;
        }
        Ok(())
    }

    async fn send_batch(&mut self, spooled: Spooled) -> Result<(), UploadError> {
        let Spooled { batch, references } = spooled;
        if self.sent.len() > SENT_MAX {
            self.sent.clear();
        }
        let new: Vec<Hash> =
            references.into_iter().filter(|hash| !self.sent.contains(hash)).collect();
        let definitions = self.uplink.spool.definitions(batch.sequence, &new);
        self.sent.extend(definitions.iter().map(|it| it.hash));
        for part in parts(definitions) {
            self.send(FromAgent::Definitions(part)).await?;
        }
        self.cursor = batch.sequence;
        self.flying.push_back((batch.sequence, batch.body.len()));
        self.send(FromAgent::Batch(batch)).await
    }

    async fn take(&mut self, message: v1::FromCollector) -> Result<(), UploadError> {
        match FromCollector::try_from(message)? {
            FromCollector::HelloAck { last_sequence, now } => {
                let ahead = (self.uplink.clock)().millis() - now.millis();
                if ahead.unsigned_abs() > CLOCK_MS_MAX {
                    tracing::warn!(
                        ahead_ms = ahead,
                        "this host's clock differs from the collector's"
                    );
                }
                self.status.send_modify(|status| status.clock_ahead_ms = ahead);
                self.acknowledged(last_sequence);
                self.cursor = self.cursor.max(last_sequence);
                Ok(())
            }
            FromCollector::Ack { sequence, refused } => {
                for refusal in refused {
                    let text = format!("{}: {}", refusal.kind, refusal.text);
                    tracing::error!(
                        sequence = refusal.sequence,
                        error = text,
                        "the collector refused a batch"
                    );
                    self.uplink.spool.refused(refusal.sequence, &text);
                }
                self.acknowledged(sequence);
                Ok(())
            }
            FromCollector::Need { sequence, hashes } => self.set_back(sequence, &hashes),
            FromCollector::Command(command) => {
                let error = (self.uplink.on_inspect)(command.inspect_now).err().unwrap_or_default();
                self.send(FromAgent::Done { id: command.id, error }).await
            }
        }
    }

    fn acknowledged(&mut self, sequence: u64) {
        self.uplink.spool.acknowledge(sequence);
        while self.flying.front().is_some_and(|(first, _)| *first <= sequence) {
            self.flying.pop_front();
        }
        self.status.send_modify(|status| status.acknowledged = status.acknowledged.max(sequence));
    }

    /// The collector lacks definitions: go back to the batch that needs them.
    fn set_back(&mut self, sequence: u64, hashes: &[Hash]) -> Result<(), UploadError> {
        let found = self.uplink.spool.definitions(sequence, hashes);
        if found.len() < hashes.len() {
            let text = format!("{} of its definitions are damaged", hashes.len() - found.len());
            self.uplink.spool.lost(sequence, &text);
            // The collector waits for this batch on this stream: begin another.
            return Err(UploadError::Incomplete);
        }
        hashes.iter().for_each(|hash| {
            self.sent.remove(hash);
        });
        self.flying.retain(|(flying, _)| *flying < sequence);
        self.cursor = sequence.saturating_sub(1);
        Ok(())
    }

    /// True if there is a new certificate. A failure is no reason to end the stream: it is tried again.
    async fn renew(&self) -> bool {
        match identity::renew(&self.uplink.identity, self.channel.clone()).await {
            Ok(()) => {
                tracing::info!("the certificate was renewed");
                true
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(error = %error, cause, "cannot renew the certificate; it is tried again");
                false
            }
        }
    }

    async fn send(&self, message: FromAgent) -> Result<(), UploadError> {
        self.out.send(message.into()).await.map_err(|_| UploadError::Closed)
    }
}

fn parts(definitions: Vec<Definition>) -> Vec<Vec<Definition>> {
    let mut parts: Vec<Vec<Definition>> = Vec::new();
    let mut bytes = usize::MAX;
    for definition in definitions {
        bytes = bytes.saturating_add(definition.body.len());
        match parts.last_mut() {
            Some(part) if bytes <= DEFINITIONS_BYTES => part.push(definition),
            _ => {
                bytes = definition.body.len();
                parts.push(vec![definition]);
            }
        }
    }
    parts
}
