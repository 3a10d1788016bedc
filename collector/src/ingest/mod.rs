//! The agents' door: TLS, enrolment, streams, checks, and the one writer that makes batches durable.
//!
//! Way of a batch: connection ([`accept`]) ▸ stream with the identity of the client certificate ([`stream`]) ▸ checks
//! ▸ bounded queue ▸ group commit ([`writer`]) ▸ acknowledgement. Invariants: nothing is acknowledged before it is
//! durable; nothing that one agent sends can stop or slow another beyond its share; every refusal is counted.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, watch},
    time::MissedTickBehavior,
};
use xunjian_proto::{Time, check::Command};

use crate::{
    identity::{Authority, IdentityError},
    store::{AgentId, Store, StoreError},
};

mod limits;

mod counters;

mod accept;

mod service;

mod stream;

mod defined;

mod tell;

mod writer;

pub mod bundle;

pub use counters::{Counters, Refused};
pub use limits::{Limits, Rate};

/// How often the list of revoked agents is read: another process may have changed it.
const REVOKED_EVERY: Duration = Duration::from_secs(2);

/// Batches that wait for the writer; with the byte limit this bounds the queue.
const QUEUE: usize = 1024;

/// Why the agents' door cannot be opened or kept open.
#[derive(Debug, Error)]
pub enum IngestError {
    /// The certificates.
    #[error("cannot use the certificates")]
    Identity(#[from] IdentityError),
    /// The store.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// The writer's thread.
    #[error("cannot start the writer")]
    Thread(#[source] io::Error),
}

/// Why a command was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CommandError {
    /// The agent has no open stream.
    #[error("the agent is not connected")]
    NotConnected,
    /// It has not taken the last ones yet.
    #[error("the agent has too many commands waiting")]
    Busy,
}

/// The agents' door. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    shared: Arc<Shared>,
}

/// What all connections share.
struct Shared {
    authority: Arc<Authority>,
    store: Store,
    clock: fn() -> Time,
    limits: Limits,
    counters: Arc<Counters>,
    revoked: watch::Sender<Arc<HashSet<AgentId>>>,
    committed: watch::Sender<u64>,
    streams: Mutex<HashMap<AgentId, OpenStream>>,
    next_id: AtomicU64,
    /// Bytes of batches that wait to be stored.
    waiting: Arc<Semaphore>,
    /// Bytes of definitions that wait for the batch that needs them.
    defining: Arc<Semaphore>,
    enrolments: Mutex<limits::Bucket>,
}

/// The way to an agent's stream. Dropping it ends the stream.
struct OpenStream {
    id: u64,
    commands: mpsc::Sender<Command>,
}

impl Ingest {
    /// The door, not open yet. `clock` tells the present time.
    pub fn new(
        authority: Arc<Authority>,
        store: Store,
        limits: Limits,
        clock: fn() -> Time,
    ) -> Ingest {
        let bucket = limits::Bucket::new(limits.enrolments, tokio::time::Instant::now());
        let waiting = limits.waiting_bytes.clamp(8 * 1024 * 1024, u32::MAX as usize / 2);
        Ingest {
            shared: Arc::new(Shared {
                authority,
                store,
                clock,
                limits,
                counters: Arc::new(Counters::default()),
                revoked: watch::Sender::new(Arc::default()),
                committed: watch::Sender::new(0),
                streams: Mutex::default(),
                next_id: AtomicU64::new(1),
                waiting: Arc::new(Semaphore::new(waiting)),
                defining: Arc::new(Semaphore::new(waiting)),
                enrolments: Mutex::new(bucket),
            }),
        }
    }

    /// Rises with every commit: what the pipeline waits for before it asks the store for batches to judge. A change
    /// that nobody waited for is not lost.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.shared.committed.subscribe()
    }

    /// Counters for `/metrics`.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Agents with an open stream.
    pub fn connected(&self) -> Vec<AgentId> {
        let mut agents: Vec<_> = self.shared.lock_streams().keys().cloned().collect();
        agents.sort();
        agents
    }

    /// Asks an agent to inspect now: these sources, or all of them if none is named. The readings come as batches.
    /// Gives the id of the command.
    pub fn inspect_now(&self, agent: &AgentId, sources: Vec<String>) -> Result<u64, CommandError> {
        let id = self.shared.next_id.fetch_add(1, Relaxed);
        let streams = self.shared.lock_streams();
        let open = streams.get(agent).ok_or(CommandError::NotConnected)?;
        open.commands.try_send(Command { id, inspect_now: sources }).map_err(
            |error| match error {
                mpsc::error::TrySendError::Full(_) => CommandError::Busy,
                mpsc::error::TrySendError::Closed(_) => CommandError::NotConnected,
            },
        )?;
        Ok(id)
    }

    /// Shuts an agent out at once; false if it is not known or was shut out before. Blocks on the store.
    pub fn revoke(&self, agent: &AgentId) -> Result<bool, StoreError> {
        let changed = self.shared.store.revoke(agent, (self.shared.clock)())?;
        self.shared.read_revoked()?;
        Ok(changed)
    }

    /// Serves agents until `stop` turns true; then lets what is queued become durable.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> Result<(), IngestError> {
        let shared = self.shared.clone();
        on_blocking_thread({
            let shared = shared.clone();
            move || shared.read_revoked()
        })
        .await?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = writer::start(shared.clone(), queue).map_err(IngestError::Thread)?;
        let watcher = tokio::spawn(watch_revoked(shared.clone()));
        accept::run(shared, listener, jobs, stop).await;
        watcher.abort();
        // All senders are gone when the streams are: the writer ends after the last batch.
        let ended = tokio::task::spawn_blocking(move || writer.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("the writer of batches ended badly");
        }
        Ok(())
    }
}

impl Shared {
    fn lock_streams(&self) -> std::sync::MutexGuard<'_, HashMap<AgentId, OpenStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Time {
        (self.clock)()
    }

    fn is_revoked(&self, agent: &AgentId) -> bool {
        self.revoked.borrow().contains(agent)
    }

    fn read_revoked(&self) -> Result<(), StoreError> {
        let revoked: HashSet<AgentId> = self.store.revoked()?.into_iter().collect();
        self.revoked.send_if_modified(|known| {
            let changed = **known != revoked;
            if changed {
                *known = Arc::new(revoked);
            }
            changed
        });
        Ok(())
    }
}

async fn watch_revoked(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(REVOKED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let shared = shared.clone();
        if let Err(error) = on_blocking_thread(move || shared.read_revoked()).await {
            tracing::warn!(error = %error, "cannot read which agents are revoked; the last list holds");
        }
    }
}

/// Runs a call that blocks (the store) where it may.
async fn on_blocking_thread<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Corrupt {
            what: "what was asked for".to_owned(),
            why: format!("the store's call panicked: {error}"),
        }),
    }
}
