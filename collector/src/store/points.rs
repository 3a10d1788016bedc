//! A series over time.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use rusqlite::Transaction;
use xunjian_proto::{SeriesKey, Time};

use super::{AgentId, Point, Store, StoreError, open::lock, raw, unpack::Unpacker};

/// Windows of hosts whose raw batches are kept unpacked: a page asks for some hundred series of one host at once.
const KEPT: usize = 16;

/// What was unpacked for reading lately, oldest use first.
#[derive(Default)]
pub(super) struct PointCache {
    windows: VecDeque<((i64, i64), Arc<RawWindow>)>,
}

/// One host's raw window, by series.
#[derive(Default, Clone)]
struct RawWindow {
    /// The newest row in it.
    last: i64,
    series: HashMap<Arc<SeriesKey>, Vec<(Time, f64)>>,
}

/// What a step sums up to.
#[derive(Clone, Copy)]
pub(super) struct Bin {
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) sum: f64,
    pub(super) count: f64,
}

impl Bin {
    pub(super) fn of(value: f64) -> Bin {
        Bin { min: value, max: value, sum: value, count: 1.0 }
    }

    pub(super) fn merge(&mut self, other: Bin) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }
}

impl Store {
    /// A series over a period (`from` included, `to` not) in steps aligned to the epoch; steps without a reading are
    /// left out. Counters come as they were read.
    pub fn points(
        &self,
        agent: &AgentId,
        series: &SeriesKey,
        from: Time,
        to: Time,
        step: Duration,
    ) -> Result<Vec<Point>, StoreError> {
        let mut bins: BTreeMap<Time, Bin> = BTreeMap::new();
        let step = step.max(Duration::from_millis(1));
        let mut add = |at: Time, bin: Bin| {
            bins.entry(at.floor(step)).and_modify(|known| known.merge(bin)).or_insert(bin);
        };
        self.read("read a series", |tx| {
            let Some(no) = super::agents::agent_no(tx, agent)? else { return Ok(()) };
            let first = raw::hours_of(from - raw::WINDOW);
            for tail in raw::tails(tx, no, first, raw::hours_of(to))? {
                let window = self.raw_window(tx, no, tail)?;
                for (at, value) in window.series.get(series).into_iter().flatten() {
                    if *at >= from && *at < to {
                        add(*at, Bin::of(*value));
                    }
                }
            }
            Ok(())
        })?;
        let point = |(at, bin): (Time, Bin)| Point {
            at,
            min: bin.min,
            mean: (bin.sum / bin.count).clamp(bin.min, bin.max),
            max: bin.max,
        };
        Ok(bins.into_iter().map(point).collect())
    }

    /// A window unpacked as far as its newest row; what was unpacked before is used again.
    fn raw_window(
        &self,
        tx: &Transaction<'_>,
        agent: i64,
        tail: raw::Tail,
    ) -> Result<Arc<RawWindow>, StoreError> {
        let key = (agent, tail.hours);
        let known = {
            let mut cache = lock(&self.inner.points);
            let place = cache.windows.iter().position(|(it, _)| *it == key);
            place.and_then(|place| cache.windows.remove(place)).map(|(_, window)| window)
        };
        let mut window = known.unwrap_or_default();
        // An id that went back is another table of the same name, made for late data.
        if window.last > tail.last {
            window = Arc::default();
        }
        if window.last < tail.last {
            let mut unpacker = Unpacker::new(tx, agent);
            let grown = Arc::make_mut(&mut window);
            for row in raw::chain(tx, tail, grown.last)? {
                for run in unpacker.unpack(&row.body)? {
                    for sample in run.samples {
                        grown.series.entry(sample.series).or_default().push((run.at, sample.value));
                    }
                }
            }
            grown.last = tail.last;
        }
        let mut cache = lock(&self.inner.points);
        cache.windows.push_back((key, window.clone()));
        if cache.windows.len() > KEPT {
            cache.windows.pop_front();
        }
        Ok(window)
    }
}
