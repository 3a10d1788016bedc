//! Keeping the spool within its bounds: new segments, dropping samples, dropping segments.

use std::{collections::HashMap, io, time::Duration};

use xunjian_proto::{
    Time,
    check::Batch,
    frame::Record,
    wire::{self, Definition, Hash, Known, WireError},
};

use super::{Inner, MEMORY_BYTES_MAX, segment};

/// A segment is closed after this long, so that what was acknowledged can be removed.
const SEGMENT_AGE_MAX: Duration = Duration::from_secs(3600);

/// A segment is closed at a sixteenth of the spool's bound, within these: then dropping the oldest is a small step.
const SEGMENT_BYTES_MIN: u64 = 64 * 1024;
const SEGMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

impl Inner {
    pub(super) fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// Writes a batch with the definitions that its segment does not have yet.
    pub(super) fn write(
        &mut self,
        batch: &Batch,
        definitions: &[Definition],
        now: Time,
    ) -> io::Result<()> {
        if self.active.is_none() {
            let (segment, active) = segment::create(&self.folder, batch.sequence, now)?;
            self.segments.insert(batch.sequence, segment);
            self.active = Some(active);
        }
        let Some(active) = &self.active else { return Ok(()) };
        let Some(segment) = self.segments.get_mut(&active.first) else {
            return Err(io::Error::other("the segment that is written to is gone"));
        };
        let mut records: Vec<Record> =
            definitions.iter().cloned().map(Record::Definition).collect();
        records.push(Record::Batch(batch.clone()));
        segment::append(segment, active, &records)
    }

    /// Closes the segment that is written to when it is large or old. Before a push, because a batch leaves out the
    /// definitions that its segment has.
    pub(super) fn turn(&mut self, now: Time) {
        let most = (self.limits.bytes_max / 16).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        let active = self.active.as_ref().and_then(|it| self.segments.get(&it.first));
        let close = active.is_some_and(|segment| {
            let old = now.since(segment.created) >= SEGMENT_AGE_MAX || now < segment.created;
            segment.bytes >= most || old
        });
        if close {
            self.active = None;
            self.remove_empty(None);
        }
    }

    /// Drops what is too old and what is too much.
    pub(super) fn bound(&mut self, now: Time) {
        let oldest = now - self.limits.age_max;
        let too_old = |inner: &Inner| {
            let first = inner.closed().next()?;
            inner.segments.get(&first).filter(|it| it.created < oldest).map(|_| first)
        };
        while let Some(first) = too_old(self) {
            self.drop_segment(first, "older than the spool may keep it");
        }
        while self.bytes() > self.limits.bytes_max {
            if !self.make_room() {
                // Only the segment that is written to is left: it is closed, and is next.
                if self.active.take().is_none() {
                    return;
                }
            }
        }
    }

    /// Makes the oldest closed segment that still has samples thin, or else drops the oldest one. False if there is
    /// no closed segment.
    pub(super) fn make_room(&mut self) -> bool {
        let thick = |first: &u64| self.segments.get(first).is_some_and(|it| !it.thin);
        let Some(first) = self.closed().find(thick) else {
            let Some(first) = self.closed().next() else { return false };
            self.drop_segment(first, "no room in the spool");
            return true;
        };
        if let Err(error) = self.thin(first) {
            // A full disk may not even have room for the small copy.
            self.drop_segment(first, &format!("no room in the spool ({error})"));
        }
        true
    }

    /// Drops the oldest batches in memory beyond the bound.
    pub(super) fn bound_memory(&mut self) {
        let size = |(batch, definitions): &(Batch, Vec<Definition>)| {
            batch.body.len() + definitions.iter().map(|it| it.body.len()).sum::<usize>()
        };
        let mut total: usize = self.memory.values().map(size).sum();
        while total > MEMORY_BYTES_MAX
            && let Some((sequence, dropped)) = self.memory.pop_first()
        {
            total -= size(&dropped);
            self.stats.batches_dropped += 1;
            self.stats.last_reason =
                Some(format!("batch {sequence}: the disk takes none and the memory is full"));
        }
    }

    fn closed(&self) -> impl Iterator<Item = u64> + '_ {
        let active = self.active.as_ref().map(|it| it.first);
        self.segments.keys().copied().filter(move |first| Some(*first) != active)
    }

    fn drop_segment(&mut self, first: u64, reason: &str) {
        let Some(segment) = self.segments.remove(&first) else { return };
        tracing::error!(batches = segment.batches(), reason, "dropped batches of the spool");
        self.stats.batches_dropped += segment.batches() as u64;
        self.stats.last_reason = Some(format!("{} batches: {reason}", segment.batches()));
        segment.remove();
    }

    /// Rewrites a segment without samples and raw outputs; what happened and what was seen stays.
    fn thin(&mut self, first: u64) -> io::Result<()> {
        let Some(segment) = self.segments.get(&first) else { return Ok(()) };
        let (mut records, mut dropped, mut lost) = (Vec::new(), 0, 0);
        let mut kept: HashMap<Hash, ()> = HashMap::new();
        for sequence in segment.sequences() {
            match thinned(segment, sequence, &kept) {
                Ok((definitions, batch, samples)) => {
                    dropped += samples;
                    kept.extend(definitions.iter().map(|it| (it.hash, ())));
                    records.extend(definitions.into_iter().map(Record::Definition));
                    records.push(Record::Batch(batch));
                }
                Err(_) => lost += 1,
            }
        }
        let thin = segment::rewrite(segment, &records)?;
        let thinned_batches = thin.batches() as u64;
        self.segments.insert(first, thin);
        self.stats.samples_dropped += dropped;
        self.stats.batches_thinned += thinned_batches;
        self.stats.batches_dropped += lost;
        self.stats.last_reason =
            Some(format!("no room in the spool: {dropped} old samples dropped"));
        tracing::error!(samples = dropped, "dropped old samples, because the spool is full");
        Ok(())
    }
}

fn thinned(
    segment: &segment::Segment,
    sequence: u64,
    kept: &HashMap<Hash, ()>,
) -> Result<(Vec<Definition>, Batch, u64), WireError> {
    let batch = segment.batch(sequence)?;
    let known = |hash: &Hash| -> Option<Known> {
        segment.definition(hash).and_then(|it| wire::learn(&it).ok())
    };
    let mut runs = wire::unpack(&batch.body, &known)?;
    let mut samples = 0;
    for run in &mut runs {
        samples += run.samples.len() as u64;
        run.samples = Vec::new();
        run.evidence = Vec::new();
    }
    let packed = wire::pack_new(&runs, &|hash| kept.contains_key(hash))?;
    Ok((packed.definitions, Batch { body: packed.body, ..batch }, samples))
}
