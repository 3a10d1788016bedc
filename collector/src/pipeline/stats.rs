//! What the pipeline counts of itself.

use crate::round::Round;

/// What the pipeline has done, for `/metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Batches judged.
    pub batches: u64,
    /// Batches that could not be unpacked; kept, counted, passed over.
    pub unreadable: u64,
    /// Panics that were contained.
    pub panics: u64,
    /// Cases opened or changed.
    pub cases: u64,
    /// Tickets opened or changed.
    pub tickets: u64,
    /// Values that mean "not read" or are absurd, and counters that ran backwards: left out of judging.
    pub implausible: u64,
    /// Runs refused because they lie in the future.
    pub future: u64,
    /// Components, series and events that found no room.
    pub overflow: u64,
}

impl Stats {
    /// What the hosts' views left out of judging so far.
    pub(super) fn left_out<'a>(&mut self, rounds: impl Iterator<Item = &'a Round>) {
        (self.implausible, self.future, self.overflow) = (0, 0, 0);
        for stats in rounds.map(|it| it.view().stats()) {
            self.implausible += stats.sentinels + stats.backwards;
            self.future += stats.future;
            self.overflow += stats.overflow;
        }
    }
}
