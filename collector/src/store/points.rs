//! A series over time, from raw batches, blocks and hourly sums, whichever has it.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use rusqlite::Transaction;
use xunjian_proto::{SeriesKey, Time, wire};

use super::{
    AgentId, Point, Store, StoreError, column,
    compact::{DETAIL, HEALTH, compacted},
    open::{During, lock},
    packed, raw,
    rollup::{self, Bin},
    unpack::Unpacker,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Windows of hosts that are kept for the next reader: a page asks for some hundred series of one host at once.
const KEPT: usize = 32;

/// Packed blocks kept for the next reader, in bytes.
const KEPT_BYTES: usize = 64 << 20;

/// What was read lately, oldest use first.
#[derive(Default)]
pub(super) struct PointCache {
    windows: VecDeque<((i64, i64), Arc<RawWindow>)>,
    blocks: VecDeque<(BlockKey, Arc<[u8]>)>,
    block_bytes: usize,
}

/// A packed block and the row it is; a block that is written anew gets a new row number.
type BlockKey = i64;

/// One host's raw window, by series: as much of it as was asked for so far.
#[derive(Default, Clone)]
struct RawWindow {
    /// The newest row that is known.
    last: i64,
    /// Known rows that were not unpacked yet, because nobody asked for their time.
    packed: Vec<raw::RowInfo>,
    places: HashMap<Arc<SeriesKey>, usize>,
    columns: Vec<Vec<(i64, f64)>>,
}

/// Adds the numbers of batches to a window.
struct Filler<'a> {
    window: &'a mut RawWindow,
    /// Layouts met so far, with the places of their series.
    layouts: Vec<(wire::Layout, Arc<[usize]>)>,
    places: Arc<[usize]>,
    times: Vec<i64>,
}

impl wire::Numbers for Filler<'_> {
    fn group(&mut self, series: &wire::Layout, times: &[Time]) {
        self.times.clear();
        self.times.extend(times.iter().map(|it| it.millis()));
        if let Some((_, places)) = self.layouts.iter().find(|(it, _)| Arc::ptr_eq(it, series)) {
            self.places = places.clone();
            return;
        }
        self.places = series.iter().map(|it| self.window.place(it)).collect();
        self.layouts.push((series.clone(), self.places.clone()));
    }

    fn value(&mut self, series: usize, run: usize, value: f64) {
        self.window.columns[self.places[series]].push((self.times[run], value));
    }
}

impl RawWindow {
    fn values(&self, series: &SeriesKey) -> &[(i64, f64)] {
        self.places.get(series).map_or(&[], |place| &self.columns[*place])
    }

    fn place(&mut self, series: &Arc<SeriesKey>) -> usize {
        if let Some(place) = self.places.get(series) {
            return *place;
        }
        self.columns.push(Vec::new());
        self.places.insert(series.clone(), self.columns.len() - 1);
        self.columns.len() - 1
    }
}

/// What is wanted.
struct Wanted<'a> {
    agent: i64,
    series: &'a SeriesKey,
    number: Option<u32>,
    from: Time,
    to: Time,
}

impl Store {
    /// A series over a period (`from` included, `to` not) in steps aligned to the epoch; steps without a reading are
    /// left out. Counters come as they were read. For steps of an hour and more, hours that the period touches count
    /// in full; where detail is gone by its age, hours are what there is.
    pub fn points(
        &self,
        agent: &AgentId,
        series: &SeriesKey,
        from: Time,
        to: Time,
        step: Duration,
    ) -> Result<Vec<Point>, StoreError> {
        let step = step.max(Duration::from_millis(1));
        let number = self.series_number(agent, series)?;
        let mut bins: Vec<(Time, Bin)> = Vec::new();
        self.read("read a series", |tx| {
            let Some(agent) = super::agents::agent_no(tx, agent)? else { return Ok(()) };
            let wanted = Wanted { agent, series, number, from, to };
            let mut add = |at: Time, bin: Bin| {
                let at = at.floor(step);
                match bins.last_mut() {
                    Some((last, known)) if *last == at => known.merge(bin),
                    _ => bins.push((at, bin)),
                }
            };
            if step >= HOUR {
                self.hours(tx, &wanted, &mut add)
            } else {
                self.details(tx, &wanted, &mut add)
            }
        })?;
        // Nearly always they come in order.
        if !bins.is_sorted_by(|left, right| left.0 < right.0) {
            bins.sort_by_key(|(at, _)| *at);
            bins.dedup_by(|later, known| {
                let same = later.0 == known.0;
                if same {
                    known.1.merge(later.1);
                }
                same
            });
        }
        let point =
            |(at, bin): (Time, Bin)| Point { at, min: bin.min, mean: bin.mean(), max: bin.max };
        Ok(bins.into_iter().map(point).collect())
    }

    fn series_number(
        &self,
        agent: &AgentId,
        series: &SeriesKey,
    ) -> Result<Option<u32>, StoreError> {
        self.with_now(agent, |_, now| Ok(now.book.find(series)))
    }

    /// Hourly sums, and the raw batches that are not in them yet.
    fn hours(
        &self,
        tx: &Transaction<'_>,
        wanted: &Wanted<'_>,
        add: &mut impl FnMut(Time, Bin),
    ) -> Result<(), StoreError> {
        if let Some(number) = wanted.number {
            let hours = rollup::read_hours(tx, wanted.agent, number, wanted.from, wanted.to)?;
            for (hour, bin) in hours {
                add(Time::from_secs(hour.saturating_mul(3600)), bin);
            }
        }
        let (from, to) = (wanted.from.floor(HOUR), hour_after(wanted.to));
        for tail in tails(tx, wanted)? {
            let window = self.raw_window(tx, wanted.agent, tail, from, to)?;
            let known = match wanted.number {
                Some(number) => self.block_values(tx, wanted.agent, tail.hours, number)?,
                None => Vec::new(),
            };
            for (at, value) in window.values(wanted.series) {
                let at_time = Time::from_millis(*at);
                let summed = known.binary_search_by_key(at, |(at, _)| *at).is_ok();
                if at_time >= from && at_time < to && !summed {
                    add(at_time, Bin::of(*value));
                }
            }
        }
        Ok(())
    }

    /// Every reading; hours where there are only sums.
    fn details(
        &self,
        tx: &Transaction<'_>,
        wanted: &Wanted<'_>,
        add: &mut impl FnMut(Time, Bin),
    ) -> Result<(), StoreError> {
        let mut windows: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
        for tail in tails(tx, wanted)? {
            let window = self.raw_window(tx, wanted.agent, tail, wanted.from, wanted.to)?;
            windows.insert(tail.hours, window.values(wanted.series).to_vec());
        }
        let mut sums = rollup::Hours::new();
        if let Some(number) = wanted.number {
            sums = rollup::read_hours(tx, wanted.agent, number, wanted.from, wanted.to)?;
            for hours in compacted(tx, wanted.agent, wanted.from, wanted.to)? {
                let values = self.block_values(tx, wanted.agent, hours, number)?;
                windows.entry(hours).or_default().extend(values);
            }
        }
        let mut detailed = None;
        for values in windows.values_mut() {
            values.sort_by_key(|(at, _)| *at);
            values.dedup_by_key(|(at, _)| *at);
            for (at, value) in values {
                let hour = at.div_euclid(3_600_000);
                if detailed.replace(hour) != Some(hour) {
                    sums.remove(&hour);
                }
                let at = Time::from_millis(*at);
                if at >= wanted.from && at < wanted.to {
                    add(at, Bin::of(*value));
                }
            }
        }
        for (hour, bin) in sums {
            add(Time::from_secs(hour.saturating_mul(3600)), bin);
        }
        Ok(())
    }

    /// One series of a host's compacted window, by time.
    fn block_values(
        &self,
        tx: &Transaction<'_>,
        agent: i64,
        hours: i64,
        number: u32,
    ) -> Result<Vec<(i64, f64)>, StoreError> {
        let operation = "read a block";
        let mut values = Vec::new();
        for kind in [DETAIL, HEALTH] {
            let sql = "SELECT id FROM blocks WHERE agent = ? AND hours = ? AND kind = ?";
            let rows: Vec<i64> = tx
                .prepare_cached(sql)
                .and_then(|mut it| it.query_map([agent, hours, kind], |row| row.get(0))?.collect())
                .during(operation)?;
            for row in rows {
                values.extend(packed::one_series(&self.block(tx, row)?, number)?);
            }
        }
        values.sort_by_key(|(at, _)| *at);
        Ok(values)
    }

    /// A block without its check sum, which is looked at once, when the block is read.
    fn block(&self, tx: &Transaction<'_>, row: BlockKey) -> Result<Arc<[u8]>, StoreError> {
        let mut cache = lock(&self.inner.points);
        if let Some(place) = cache.blocks.iter().position(|(it, _)| *it == row)
            && let Some(entry) = cache.blocks.remove(place)
        {
            cache.blocks.push_back(entry.clone());
            return Ok(entry.1);
        }
        drop(cache);
        let body: Arc<[u8]> = tx
            .prepare_cached("SELECT body FROM blocks WHERE id = ?")
            .and_then(|mut it| it.query_row([row], |row| row.get::<_, Vec<u8>>(0)))
            .during("read a block")
            .and_then(|packed| Ok(Arc::from(column::unseal("a block", &packed)?)))?;
        let mut cache = lock(&self.inner.points);
        cache.block_bytes += body.len();
        cache.blocks.push_back((row, body.clone()));
        while cache.block_bytes > KEPT_BYTES {
            let Some((_, oldest)) = cache.blocks.pop_front() else { break };
            cache.block_bytes -= oldest.len();
        }
        Ok(body)
    }

    /// A window with at least a period of it unpacked; what was unpacked before is used again.
    fn raw_window(
        &self,
        tx: &Transaction<'_>,
        agent: i64,
        tail: raw::Tail,
        from: Time,
        to: Time,
    ) -> Result<Arc<RawWindow>, StoreError> {
        let key = (agent, tail.hours);
        let known = {
            let mut cache = lock(&self.inner.points);
            let place = cache.windows.iter().position(|(it, _)| *it == key);
            place.and_then(|place| cache.windows.remove(place)).map(|(_, window)| window)
        };
        let mut window = known.unwrap_or_default();
        if window.last < tail.last || window.packed.iter().any(|row| row.touches(from, to)) {
            let window = Arc::make_mut(&mut window);
            let mut rows = raw::rows(tx, tail, window.last)?;
            // Rows that do not follow the known ones: these were compacted meanwhile, and may be gone.
            if rows.first().is_some_and(|row| row.before.unwrap_or(0) != window.last) {
                *window = RawWindow::default();
                rows = raw::rows(tx, tail, 0)?;
            }
            window.packed.extend(rows);
            window.last = tail.last;
            let wanted: Vec<_> =
                window.packed.extract_if(.., |row| row.touches(from, to)).collect();
            let mut unpacker = Unpacker::new(tx, agent);
            let (layouts, places, times) = (Vec::new(), Arc::default(), Vec::new());
            let mut filler = Filler { window: &mut *window, layouts, places, times };
            for row in wanted {
                let row = raw::raw_row(tx, tail.hours, row.id)?;
                unpacker.numbers(&row.body, &mut filler)?;
            }
            // Whoever asked first for later and then for earlier times reads the same, to the last bit of a mean.
            for column in window.columns.iter_mut().filter(|it| !it.is_sorted_by_key(|(at, _)| at))
            {
                column.sort_by_key(|(at, _)| *at);
            }
        }
        let mut cache = lock(&self.inner.points);
        cache.windows.push_back((key, window.clone()));
        if cache.windows.len() > KEPT {
            cache.windows.pop_front();
        }
        Ok(window)
    }
}

/// The end of the hour that an end of a period cuts.
fn hour_after(to: Time) -> Time {
    (to + (HOUR - Duration::from_millis(1))).floor(HOUR)
}

/// Raw windows that a period touches. A batch lies where its first run lies, so the window before may reach into it.
fn tails(tx: &Transaction<'_>, wanted: &Wanted<'_>) -> Result<Vec<raw::Tail>, StoreError> {
    let first = raw::hours_of(wanted.from - raw::WINDOW);
    raw::tails(tx, wanted.agent, first, raw::hours_of(wanted.to))
}
