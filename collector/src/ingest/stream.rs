//! One agent's stream: hello, then definitions and batches in order; back go acknowledgements and commands.
//!
//! Acknowledgements leave in the order of the batches, each only after its commit. A batch that can never be taken is
//! refused in the same order, so that the agent can forget it; a broken protocol ends the stream.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tonic::{Code, Status, Streaming};
use xunjian_proto::{
    check::{Batch, FromAgent, FromCollector, Hello},
    v1,
    wire::WireError,
};

use super::{
    Counters, OpenStream, Refused, Shared,
    accept::stopped,
    counters::Open,
    defined::{Defined, Missing},
    limits::Bucket,
    on_blocking_thread,
    tell::{Fate, UNTOLD, tell},
    writer::{Job, Line},
};
use crate::store::{AgentId, StoredBatch};

/// The hello comes with the first packet.
const HELLO: Duration = Duration::from_secs(10);

/// Definitions are sent right before the batch that needs them.
const DEFINITIONS_WAIT: Duration = Duration::from_secs(60);

/// A batch may be set back this often for lack of definitions before it is refused.
const SET_BACK_MAX: u32 = 3;

pub(super) type Out = mpsc::Sender<Result<v1::FromCollector, Status>>;

pub(super) struct Session {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    agent: AgentId,
    out: Out,
    line: Arc<Line>,
    defined: Defined,
    /// The highest sequence of this stream so far.
    highest: u64,
    /// Set back: everything but this sequence is ignored until it comes again.
    expect: Option<(u64, u32)>,
    messages: Bucket,
    bytes: Bucket,
    pause_until: Instant,
}

impl Session {
    pub(super) fn new(
        shared: Arc<Shared>,
        jobs: mpsc::Sender<Job>,
        agent: AgentId,
        out: Out,
    ) -> Session {
        let now = Instant::now();
        Session {
            jobs,
            agent,
            out,
            line: Arc::default(),
            defined: Defined::new(shared.defining.clone()),
            highest: 0,
            expect: None,
            messages: Bucket::new(shared.limits.messages, now),
            bytes: Bucket::new(shared.limits.bytes, now),
            pause_until: now,
            shared,
        }
    }

    pub(super) async fn run(
        mut self,
        mut inbound: Streaming<v1::FromAgent>,
        stop: watch::Receiver<bool>,
    ) {
        let shared = self.shared.clone();
        let _open = Open::one(&shared.counters.streams);
        let out = self.out.clone();
        if let Err(status) = self.talk(&mut inbound, stop).await {
            tracing::warn!(agent = self.agent.0, error = status.message(), "ended a stream");
            let _ = tokio::time::timeout(Duration::from_secs(1), out.send(Err(status))).await;
        }
    }

    async fn talk(
        &mut self,
        inbound: &mut Streaming<v1::FromAgent>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Status> {
        let Ok(first) = tokio::time::timeout(HELLO, inbound.message()).await else {
            return Err(Status::deadline_exceeded("no hello came"));
        };
        let Some(first) = first? else { return Ok(()) };
        let FromAgent::Hello(hello) = self.checked(first)? else {
            self.shared.counters.refuse(Refused::Malformed);
            return Err(Status::invalid_argument("the first message must be a hello"));
        };
        self.hello(hello).await?;

        let (fates, told) = mpsc::channel(UNTOLD);
        let mut teller = tokio::spawn(tell(told, self.out.clone()));
        let id = self.shared.next_id.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (sender, mut commands) = mpsc::channel(8);
        let entry = OpenStream { id, commands: sender };
        self.shared.lock_streams().insert(self.agent.clone(), entry);
        let mut revoked = self.shared.revoked.subscribe();
        let agent = self.agent.clone();
        let ended = loop {
            let pause = self.pause_until;
            let patience = if self.defined.waits() { DEFINITIONS_WAIT } else { Duration::MAX };
            tokio::select! {
                biased;
                () = listed(&mut revoked, &agent) => {
                    self.shared.counters.refuse(Refused::Revoked);
                    break Err(Status::permission_denied("this agent was revoked"));
                }
                () = stopped(&mut stop) => {
                    break Err(Status::unavailable("the collector is stopping"));
                }
                _ = &mut teller => break Err(Status::unavailable("the store cannot keep batches now")),
                command = commands.recv() => match command {
                    Some(command) => {
                        if let Err(status) = self.send(FromCollector::Command(command)).await {
                            break Err(status);
                        }
                    }
                    None => break Err(Status::aborted("a newer stream of this agent took over")),
                },
                message = tokio::time::timeout(patience, next(inbound, pause)) => {
                    let Ok(message) = message else {
                        break Err(Status::deadline_exceeded("definitions came and no batch"));
                    };
                    match message {
                        Ok(Some(message)) => {
                            if let Err(status) = self.take(message, &fates).await {
                                break Err(status);
                            }
                        }
                        Ok(None) => break Ok(()),
                        Err(status) => break self.broken(status),
                    }
                }
            }
        };
        let mut streams = self.shared.lock_streams();
        if streams.get(&self.agent).is_some_and(|entry| entry.id == id) {
            streams.remove(&self.agent);
        }
        drop(streams);
        drop(fates);
        ended
    }

    /// The stream broke. An agent that goes away is nothing special; a message beyond the limit is.
    fn broken(&self, status: Status) -> Result<(), Status> {
        if status.code() == Code::OutOfRange {
            self.shared.counters.refuse(Refused::TooLarge);
            return Err(status);
        }
        tracing::debug!(agent = self.agent.0, error = status.message(), "an agent went away");
        Ok(())
    }

    async fn hello(&mut self, hello: Hello) -> Result<(), Status> {
        let (shared, agent) = (self.shared.clone(), self.agent.clone());
        let last = on_blocking_thread(move || {
            shared.store.hello(&agent, &hello.host, shared.now())?;
            shared.store.last_sequence(&agent)
        });
        let last_sequence = last.await.map_err(store_error)?.unwrap_or(0);
        self.send(FromCollector::HelloAck { last_sequence, now: self.shared.now() }).await
    }

    async fn take(
        &mut self,
        message: v1::FromAgent,
        fates: &mpsc::Sender<(u64, Fate)>,
    ) -> Result<(), Status> {
        let message = self.checked(message)?;
        self.pace(&message);
        match message {
            FromAgent::Hello(_) => {
                self.shared.counters.refuse(Refused::Malformed);
                Err(Status::invalid_argument("a second hello"))
            }
            FromAgent::Definitions(definitions) => {
                Counters::add(&self.shared.counters.definitions, definitions.len());
                for definition in definitions {
                    self.defined.learn(definition).map_err(|error| match error {
                        Some(error) => self.refuse(&error),
                        None => {
                            self.shared.counters.refuse(Refused::Busy);
                            Status::unavailable("too many definitions wait; try again")
                        }
                    })?;
                }
                Ok(())
            }
            FromAgent::Batch(batch) => self.batch(batch, fates).await,
            FromAgent::Done { id, error } => {
                if !error.is_empty() {
                    tracing::warn!(agent = self.agent.0, id, error, "an agent refused a command");
                }
                Ok(())
            }
        }
    }

    async fn batch(
        &mut self,
        batch: Batch,
        fates: &mpsc::Sender<(u64, Fate)>,
    ) -> Result<(), Status> {
        let sequence = batch.sequence;
        let set_back = match self.expect {
            Some((expected, _)) if expected != sequence => return Ok(()),
            Some((_, times)) => times,
            None if sequence <= self.highest => {
                self.shared.counters.refuse(Refused::Reordered);
                let text = format!("batch {sequence} came after batch {}", self.highest);
                return Err(Status::invalid_argument(text));
            }
            None => 0,
        };
        let fate = match self.checked_batch(batch).await? {
            Ok(stored) => self.queue(stored).await?,
            Err(WireError::Missing(hashes)) if set_back < SET_BACK_MAX => {
                self.expect = Some((sequence, set_back + 1));
                Counters::add(&self.shared.counters.need_definitions, 1);
                return self.send(FromCollector::Need { sequence, hashes }).await;
            }
            Err(error) => {
                self.refuse(&error);
                Fate::Refused(error)
            }
        };
        self.expect = None;
        self.highest = sequence;
        let told = fates.send((sequence, fate)).await;
        told.map_err(|_| Status::unavailable("the store cannot keep batches now"))
    }

    /// Unpacks the batch, so that nothing is stored that cannot be read.
    async fn checked_batch(
        &mut self,
        batch: Batch,
    ) -> Result<Result<StoredBatch, WireError>, Status> {
        let opened = match xunjian_proto::wire::open(&batch.body) {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        let needed = match self.defined.needed(opened.references(), Instant::now()) {
            Ok(needed) => needed,
            Err(Missing::Unknown(hashes)) => return Ok(Err(WireError::Missing(hashes))),
            Err(Missing::Unsure(hashes)) => {
                let (shared, agent) = (self.shared.clone(), self.agent.clone());
                let asked = hashes.clone();
                let call = move || shared.store.missing_definitions(&agent, &asked);
                let missing = on_blocking_thread(call).await.map_err(store_error)?;
                if !missing.is_empty() {
                    return Ok(Err(WireError::Missing(missing)));
                }
                self.defined.sure(&hashes, Instant::now());
                self.defined.needed(opened.references(), Instant::now()).unwrap_or_default()
            }
        };
        let received = self.shared.now();
        let runs = opened.runs(&|hash| self.defined.get(hash)).and_then(|runs| {
            xunjian_proto::check::times(&runs, received)?;
            Ok(runs)
        });
        let runs = match runs {
            Ok(runs) => runs,
            Err(error) => return Ok(Err(error)),
        };
        let samples: usize = runs.iter().map(|run| run.samples.len()).sum();
        Ok(Ok(StoredBatch {
            agent: self.agent.clone(),
            boot_id: batch.boot_id,
            sequence: batch.sequence,
            at: runs.iter().map(|run| run.at).min().unwrap_or(received),
            until: runs.iter().map(|run| run.at).max().unwrap_or(received),
            definitions: self.defined.attach(&needed, Instant::now()),
            body: batch.body,
            samples: u32::try_from(samples).unwrap_or(u32::MAX),
            received,
        }))
    }

    async fn queue(&self, batch: StoredBatch) -> Result<Fate, Status> {
        let bytes = batch.definitions.iter().map(|(_, body)| body.len()).sum::<usize>();
        let bytes = u32::try_from(bytes + batch.body.len() + 1024).unwrap_or(u32::MAX);
        let stopping = |_| Status::unavailable("the collector is stopping");
        let permit = self
            .shared
            .waiting
            .clone()
            .acquire_many_owned(bytes)
            .await
            .map_err(|_| stopping(()))?;
        let (done, answer) = oneshot::channel();
        let job = Job { batch, line: self.line.clone(), done, permit };
        self.jobs.send(job).await.map_err(|_| stopping(()))?;
        Ok(Fate::Queued(answer))
    }

    fn checked(&self, message: v1::FromAgent) -> Result<FromAgent, Status> {
        FromAgent::try_from(message).map_err(|error| self.refuse(&error))
    }

    fn refuse(&self, error: &WireError) -> Status {
        self.shared.counters.refuse(Refused::of(error));
        tracing::warn!(agent = self.agent.0, kind = error.kind(), error = %error, "refused input");
        Status::invalid_argument(error.to_string())
    }

    /// Notes how much came; the next message is read when the agent's share allows it.
    fn pace(&mut self, message: &FromAgent) {
        let bytes = match message {
            FromAgent::Batch(batch) => batch.body.len(),
            FromAgent::Definitions(list) => list.iter().map(|it| it.body.len()).sum(),
            FromAgent::Hello(_) | FromAgent::Done { .. } => 0,
        };
        Counters::add(&self.shared.counters.bytes, bytes);
        let now = Instant::now();
        let pause = self.messages.take(1.0, now).max(self.bytes.take(bytes as f64, now));
        if !pause.is_zero() {
            Counters::add(&self.shared.counters.throttled, 1);
        }
        self.pause_until = now + pause;
    }

    async fn send(&self, message: FromCollector) -> Result<(), Status> {
        let sent = self.out.send(Ok(message.into())).await;
        sent.map_err(|_| Status::cancelled("the agent went away"))
    }
}

/// Returns when the agent is revoked.
async fn listed(revoked: &mut watch::Receiver<Arc<HashSet<AgentId>>>, agent: &AgentId) {
    let _ = revoked.wait_for(|list| list.contains(agent)).await.is_ok();
}

async fn next(
    inbound: &mut Streaming<v1::FromAgent>,
    pause_until: Instant,
) -> Result<Option<v1::FromAgent>, Status> {
    tokio::time::sleep_until(pause_until).await;
    inbound.message().await
}

fn store_error(error: crate::store::StoreError) -> Status {
    tracing::error!(error = %error, "the store does not answer an agent's stream");
    Status::unavailable("the store does not answer now")
}
