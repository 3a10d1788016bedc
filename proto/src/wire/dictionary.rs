//! Definitions kept decoded in memory, bounded.

use std::collections::{HashMap, VecDeque};

use super::{Hash, Known};
use crate::check::LAYOUTS_MAX;

/// Most content that one agent's dictionary keeps in memory: the layouts and inventories of a big host take 2 MiB.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Definitions of one agent that are known to be durable or on their way. When it is full, the oldest are forgotten;
/// they can be learnt again from the store.
#[derive(Debug, Default)]
pub struct Dictionary {
    known: HashMap<Hash, Known>,
    order: VecDeque<Hash>,
    bytes: usize,
}

impl Dictionary {
    /// The definition of this name, if it is still in memory.
    pub fn get(&self, hash: &Hash) -> Option<&Known> {
        self.known.get(hash)
    }

    /// Keeps a definition; forgets the oldest ones if it must.
    pub fn insert(&mut self, hash: Hash, known: Known) {
        if self.known.contains_key(&hash) {
            return;
        }
        self.bytes = self.bytes.saturating_add(known.weight);
        self.known.insert(hash, known);
        self.order.push_back(hash);
        while self.known.len() > LAYOUTS_MAX || (self.bytes > BYTES_MAX && self.known.len() > 1) {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(known) = self.known.remove(&oldest) {
                self.bytes -= known.weight;
            }
        }
    }

    /// How many are in memory.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}
