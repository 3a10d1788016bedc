//! What definitions one stream has brought, and which of them are durable.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use xunjian_proto::wire::{self, Definition, Dictionary, Hash, Known, WireError};

/// Packed definitions that one stream may have waiting for their batch: 40 disks' raw outputs, ten times over.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The same in memory, unpacked.
const WAITING_WEIGHT_MAX: usize = xunjian_proto::check::EXPANDED_BYTES_MAX;

/// After this long the store is asked whether it still has a definition: retention may have dropped what no batch
/// has referred to. Shorter than any retention.
const SURE_FOR: Duration = Duration::from_secs(3600);

/// Names kept for [`SURE_FOR`]; more than the dictionary holds is of no use.
const ATTACHED_MAX: usize = 4 * xunjian_proto::check::LAYOUTS_MAX;

/// Definitions of one stream.
pub(super) struct Defined {
    dictionary: Dictionary,
    waiting: HashMap<Hash, Waiting>,
    waiting_bytes: usize,
    waiting_weight: usize,
    /// Went to the writer with a batch, or was seen in the store, at this time.
    attached: HashMap<Hash, Instant>,
    budget: Arc<Semaphore>,
}

struct Waiting {
    known: Known,
    body: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

/// Why a batch cannot be unpacked yet.
pub(super) enum Missing {
    /// These never came, or were forgotten.
    Unknown(Vec<Hash>),
    /// These came long ago: ask the store.
    Unsure(Vec<Hash>),
}

impl Defined {
    pub(super) fn new(budget: Arc<Semaphore>) -> Defined {
        Defined {
            dictionary: Dictionary::default(),
            waiting: HashMap::new(),
            waiting_bytes: 0,
            waiting_weight: 0,
            attached: HashMap::new(),
            budget,
        }
    }

    /// Takes in a definition. The error is none if there is no room for it now.
    pub(super) fn learn(&mut self, definition: Definition) -> Result<(), Option<WireError>> {
        if self.waiting.contains_key(&definition.hash) {
            return Ok(());
        }
        let known = wire::learn(&definition).map_err(Some)?;
        let bytes = definition.body.len();
        if self.waiting_bytes + bytes > WAITING_BYTES_MAX
            || self.waiting_weight + known.weight() > WAITING_WEIGHT_MAX
        {
            return Err(Some(WireError::TooLarge {
                what: "what is defined before a batch, in bytes,",
                found: (self.waiting_bytes + bytes) as u64,
                limit: WAITING_BYTES_MAX as u64,
            }));
        }
        let permits = u32::try_from(bytes + 64).unwrap_or(u32::MAX);
        let permit = self.budget.clone().try_acquire_many_owned(permits).map_err(|_| None)?;
        self.waiting_bytes += bytes;
        self.waiting_weight += known.weight();
        let waiting = Waiting { known, body: definition.body, _permit: permit };
        self.waiting.insert(definition.hash, waiting);
        Ok(())
    }

    /// Whether definitions wait for their batch.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Which of a batch's references must go to the store with it.
    pub(super) fn needed(&self, references: &[Hash], now: Instant) -> Result<Vec<Hash>, Missing> {
        let (mut needed, mut unknown, mut unsure) = (Vec::new(), Vec::new(), Vec::new());
        for hash in references {
            if self.waiting.contains_key(hash) {
                needed.push(*hash);
            } else if self.dictionary.get(hash).is_none() {
                unknown.push(*hash);
            } else {
                match self.attached.get(hash) {
                    Some(at) if now.duration_since(*at) < SURE_FOR => {}
                    _ => unsure.push(*hash),
                }
            }
        }
        match (unknown.is_empty(), unsure.is_empty()) {
            (false, _) => Err(Missing::Unknown(unknown)),
            (true, false) => Err(Missing::Unsure(unsure)),
            (true, true) => Ok(needed),
        }
    }

    /// The store has these.
    pub(super) fn sure(&mut self, hashes: &[Hash], now: Instant) {
        hashes.iter().for_each(|hash| self.attach_one(*hash, now));
    }

    pub(super) fn get(&self, hash: &Hash) -> Option<Known> {
        let waiting = self.waiting.get(hash).map(|waiting| &waiting.known);
        waiting.or_else(|| self.dictionary.get(hash)).cloned()
    }

    /// Hands out the bodies that go to the store with a batch. What was sent and not needed is dropped.
    pub(super) fn attach(&mut self, needed: &[Hash], now: Instant) -> Vec<(Hash, Vec<u8>)> {
        let mut attached = Vec::with_capacity(needed.len());
        for hash in needed {
            if let Some(waiting) = self.waiting.remove(hash) {
                self.dictionary.insert(*hash, waiting.known);
                self.attach_one(*hash, now);
                attached.push((*hash, waiting.body));
            }
        }
        self.waiting.clear();
        (self.waiting_bytes, self.waiting_weight) = (0, 0);
        attached
    }

    fn attach_one(&mut self, hash: Hash, now: Instant) {
        if self.attached.len() >= ATTACHED_MAX {
            self.attached.clear();
        }
        self.attached.insert(hash, now);
    }
}
