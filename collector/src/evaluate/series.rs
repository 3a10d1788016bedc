//! What is kept of one series of numbers: the newest points as they are, and for each window that a rule looks back over
//! at most [`BUCKETS`] pairs of (largest, last).
//!
//! Invariant: what is kept depends on the set of points, not on the order of their arrival, as long as a point is not
//! older than the [`RECENT`] newest ones.

use std::time::Duration;

use xunjian_proto::Time;

/// Newest points kept as they are; so many late runs in a row change nothing.
pub(super) const RECENT: usize = 8;

/// Buckets of a window. 24 make whole hours of a day and 30 hours of a month; three full windows stay below 2 KiB.
pub(super) const BUCKETS: usize = 24;

/// What it means that a series falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fall {
    /// It went down, and what follows is a rise again.
    Real,
    /// A counter began anew at 0.
    Reset,
    /// The counter lives as long as the part that keeps it: somebody misread it, or its keeper changed its mind. Only what
    /// lies above the highest value within the window is a rise.
    Error,
}

impl Fall {
    /// Whether a counter that went from one value to a lower one began anew. One that fell by a little was misread: the
    /// whole of what it shows would count as a rise, and raise a case by itself.
    pub(super) fn is_reset(self, known: f64, value: f64) -> bool {
        self == Fall::Reset && value < known && value * 2.0 < known
    }
}

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: Time,
    pub(super) value: f64,
}

/// Points of one stretch of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    /// Time of the last point.
    pub(super) at: Time,
    pub(super) last: f64,
    /// The largest value; it stands before the last one.
    pub(super) max: f64,
}

/// A window's buckets, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    pub(super) length: Duration,
    pub(super) buckets: Vec<Bucket>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    /// Time of the oldest point ever: how long the history is.
    pub(super) first: Time,
    /// And its value: a rise in the first stretch of a window begins there.
    pub(super) origin: Option<f64>,
    /// Newest points, oldest first.
    pub(super) recent: Vec<Point>,
    pub(super) windows: Vec<Window>,
}

impl Series {
    /// An empty history with these windows.
    pub(super) fn new(first: Time, lengths: &[Duration]) -> Series {
        let windows =
            lengths.iter().map(|it| Window { length: *it, buckets: Vec::new() }).collect();
        Series { first, origin: None, recent: Vec::new(), windows }
    }

    /// Adds a point. A second one at the same time is dropped: the first one was judged already.
    pub(super) fn push(&mut self, point: Point) {
        if point.at < self.first || self.origin.is_none() {
            self.first = self.first.min(point.at);
            self.origin = Some(point.value);
        }
        let place = self.recent.partition_point(|it| it.at < point.at);
        if self.recent.get(place).is_some_and(|it| it.at == point.at) {
            return;
        }
        if place == 0 && self.recent.len() >= RECENT {
            return self.fold(point);
        }
        self.recent.insert(place, point);
        if self.recent.len() > RECENT {
            let oldest = self.recent.remove(0);
            self.fold(oldest);
        }
    }

    fn fold(&mut self, point: Point) {
        for window in &mut self.windows {
            window.fold(point);
        }
    }

    /// The newest point that is not after `at`.
    pub(super) fn latest(&self, at: Time) -> Option<Point> {
        self.recent.iter().rev().find(|it| it.at <= at).copied()
    }

    /// Rise up to `at` within `length`. `None` with fewer than two points.
    pub(super) fn rise(&self, at: Time, length: Duration, fall: Fall) -> Option<f64> {
        self.rise_from(at, length, fall, None)
    }

    /// The same with the value that it is taken to have had before the first point, if that lies within the window.
    pub(super) fn rise_from(
        &self,
        at: Time,
        length: Duration,
        fall: Fall,
        unseen: Option<f64>,
    ) -> Option<f64> {
        let mut rise = 0.0;
        let mut before = unseen.filter(|_| self.first > at - length);
        let mut points = u32::from(before.is_some());
        self.walk(at, length, |_, value| {
            points += 1;
            let Some(known) = before.replace(value) else { return };
            if value > known {
                rise += value - known;
            } else if fall.is_reset(known, value) {
                rise += value.max(0.0);
            } else if fall != Fall::Real {
                before = Some(known);
            }
        });
        (points >= 2).then_some(rise)
    }

    /// Rise per second of the points themselves.
    pub(super) fn rate(&self, at: Time, length: Duration, fall: Fall) -> Option<f64> {
        let rise = self.rise(at, length, fall)?;
        let (mut first, mut last) = (None, None);
        self.walk(at, length, |time, _| {
            first = first.or(Some(time));
            last = Some(time);
        });
        let span = last?.since(first?).as_secs_f64();
        (span > 0.0).then(|| rise / span)
    }

    /// Mean of the points kept.
    pub(super) fn mean(&self, at: Time, length: Duration) -> Option<f64> {
        let (mut sum, mut points) = (0.0, 0.0);
        self.walk(at, length, |_, value| {
            sum += value;
            points += 1.0;
        });
        (points > 0.0).then(|| sum / points)
    }

    /// Largest value.
    pub(super) fn max(&self, at: Time, length: Duration) -> Option<f64> {
        let mut max: Option<f64> = None;
        self.walk(at, length, |_, value| max = Some(max.map_or(value, |it| it.max(value))));
        max
    }

    /// Where the straight line through the window is after `ahead`. `None` with fewer than six points or less than half
    /// of the window covered: a line through two points foretells nothing.
    pub(super) fn forecast(&self, at: Time, ahead: Duration, over: Duration) -> Option<f64> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        self.walk(at, over, |time, value| points.push((-at.since(time).as_secs_f64(), value)));
        let span = points.last()?.0 - points.first()?.0;
        if points.len() < 6 || span < over.as_secs_f64() / 2.0 {
            return None;
        }
        let count = f64::from(u32::try_from(points.len()).unwrap_or(u32::MAX));
        let mean_x = points.iter().map(|it| it.0).sum::<f64>() / count;
        let mean_y = points.iter().map(|it| it.1).sum::<f64>() / count;
        let xx: f64 = points.iter().map(|it| (it.0 - mean_x).powi(2)).sum();
        let xy: f64 = points.iter().map(|it| (it.0 - mean_x) * (it.1 - mean_y)).sum();
        (xx > 0.0).then(|| mean_y + xy / xx * (ahead.as_secs_f64() - mean_x))
    }

    /// Calls for the values of the window that ends at `at`, oldest first. The one before the window comes first, where
    /// it is known: the rise within a window begins there.
    fn walk(&self, at: Time, length: Duration, mut call: impl FnMut(Time, f64)) {
        let start = at - length;
        let oldest = self.recent.first().map_or(at, |it| it.at);
        let buckets: &[Bucket] = self
            .windows
            .iter()
            .find(|it| it.length >= length)
            .or(self.windows.last())
            .map_or(&[], |it| it.buckets.as_slice());
        // Where the newest points reach back beyond the window, they hold the one before it too.
        let buckets = if oldest < start { &[] } else { buckets };
        let from = buckets.partition_point(|it| it.at < start).saturating_sub(1);
        if let (true, Some(bucket), Some(origin)) =
            (self.first >= start, buckets.first(), self.origin)
            && self.first < bucket.at
        {
            call(self.first, origin);
        }
        for bucket in buckets[from..].iter().filter(|it| it.at < oldest && it.at <= at) {
            if bucket.at >= start && bucket.max > bucket.last {
                call(bucket.at, bucket.max);
            }
            call(bucket.at, bucket.last);
        }
        let before = self.recent.iter().rposition(|it| it.at < start).unwrap_or(0);
        self.recent[before..].iter().filter(|it| it.at <= at).for_each(|it| call(it.at, it.value));
    }
}

impl Window {
    fn fold(&mut self, point: Point) {
        let width = self.length / u32::try_from(BUCKETS).unwrap_or(u32::MAX);
        let start = point.at.floor(width);
        let place = self.buckets.partition_point(|it| it.at < start);
        match self.buckets.get_mut(place) {
            Some(bucket) if bucket.at.floor(width) == start => {
                bucket.max = bucket.max.max(point.value);
                if point.at > bucket.at {
                    bucket.at = point.at;
                    bucket.last = point.value;
                }
            }
            _ => {
                let bucket = Bucket { at: point.at, last: point.value, max: point.value };
                self.buckets.insert(place, bucket);
            }
        }
        // One more than the window is long: the rise within it begins at the point before it.
        let excess = self.buckets.len().saturating_sub(BUCKETS + 2);
        self.buckets.drain(..excess);
    }
}

/// Values that mean "not read" in the fields that drives and drivers fill: they never count as readings.
#[allow(clippy::float_cmp, reason = "sentinels are exact")]
pub(super) fn is_sentinel(value: f64, unit: &str, counter: bool) -> bool {
    // 2^64-1 and 2^63-1, also after a trip through f64.
    const HUGE: f64 = 9.2e18;
    let count = unit.starts_with('{');
    !value.is_finite()
        || value >= HUGE
        || (counter && value < 0.0)
        || (count && (value == -1.0 || value == 65_535.0 || value == 4_294_967_295.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn series(values: &[f64]) -> Series {
        let mut series = Series::new(Time::from_secs(0), &[HOUR * 24]);
        for (hour, value) in (0..).zip(values) {
            series.push(Point { at: Time::from_secs(hour * 3_600), value: *value });
        }
        series
    }

    #[test]
    fn a_counter_that_runs_backwards_was_reset() {
        let series = series(&[100.0, 105.0, 3.0, 4.0]);
        assert_eq!(series.rise(Time::from_secs(4 * 3_600), HOUR * 24, Fall::Reset), Some(9.0));
        assert_eq!(series.rise(Time::from_secs(4 * 3_600), HOUR * 24, Fall::Real), Some(6.0));
    }

    #[test]
    fn a_counter_that_falls_by_a_little_was_misread() {
        let end = Time::from_secs(4 * 3_600);
        let rise = |values: &[f64]| series(values).rise(end, HOUR * 24, Fall::Reset);
        assert_eq!(rise(&[1e6, 999_999.0, 999_998.0, 999_997.0]), Some(0.0));
        assert_eq!(rise(&[1e6, 999_999.0, 1e6, 1_000_002.0]), Some(2.0));
        assert_eq!(rise(&[1e6, 499_999.0, 499_999.0, 500_000.0]), Some(500_000.0));
        assert_eq!(rise(&[3.0, 0.0, 0.0, 0.0]), Some(0.0));
    }

    #[test]
    fn a_counter_of_a_drive_that_runs_backwards_was_misread() {
        let end = Time::from_secs(4 * 3_600);
        let rise = |values: &[f64]| series(values).rise(end, HOUR * 24, Fall::Error);
        assert_eq!(rise(&[100.0, 0.0, 100.0, 100.0]), Some(0.0));
        assert_eq!(rise(&[100.0, 40.0, 41.0, 41.0]), Some(0.0));
        assert_eq!(rise(&[100.0, 0.0, 103.0, 105.0]), Some(5.0));
    }

    #[test]
    fn a_rise_in_the_first_stretch_of_a_long_window_is_kept() {
        let mut series = Series::new(Time::from_secs(0), &[HOUR * 24 * 180]);
        for hour in 0..2_000_u32 {
            let value = if hour < 2 { 0.0 } else { 3.0 };
            series.push(Point { at: Time::from_secs(i64::from(hour) * 3_600), value });
        }
        let rise = series.rise(Time::from_secs(1_999 * 3_600), HOUR * 24 * 180, Fall::Error);
        assert_eq!(rise, Some(3.0));
    }

    #[test]
    fn one_point_has_no_rise_and_a_window_ends() {
        assert_eq!(series(&[7.0]).rise(Time::from_secs(0), HOUR, Fall::Reset), None);
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let series = series(&values);
        let end = Time::from_secs(99 * 3_600);
        assert_eq!(
            series.rise(end, HOUR * 2, Fall::Reset),
            Some(3.0),
            "two hours and the point before"
        );
        let day = series.rise(end, HOUR * 24, Fall::Reset);
        assert!(day.is_some_and(|it| (24.0..=26.0).contains(&it)), "{day:?}");
    }

    #[test]
    fn remembers_a_peak_that_fell_back() {
        let mut values = vec![0.0; 30];
        values[3] = 8.0;
        values[20] = 5.0;
        let series = series(&values);
        let end = Time::from_secs(29 * 3_600);
        assert_eq!(series.rise(end, HOUR * 24, Fall::Real), Some(5.0));
    }

    #[test]
    fn a_full_window_stays_small() {
        let windows = [HOUR, HOUR * 24, HOUR * 720];
        let mut series = Series::new(Time::from_secs(0), &windows);
        for minute in 0..100_000 {
            series.push(Point { at: Time::from_secs(minute * 60), value: 1.0 });
        }
        let buckets: usize = series.windows.iter().map(|it| it.buckets.len()).sum();
        let bytes = size_of::<Series>()
            + series.recent.len() * size_of::<Point>()
            + buckets * size_of::<Bucket>()
            + series.windows.len() * size_of::<Window>();
        assert!(bytes <= 2_304, "{bytes}");
    }

    #[test]
    fn a_line_foretells_when_it_is_full() {
        let values: Vec<f64> = (0..24).map(|it| 0.5 + f64::from(it) * 0.01).collect();
        let end = Time::from_secs(23 * 3_600);
        let later = series(&values).forecast(end, HOUR * 24, HOUR * 24).unwrap();
        assert!((later - 0.97).abs() < 0.01, "{later}");
        assert_eq!(series(&values[..3]).forecast(end, HOUR, HOUR * 24), None);
    }
}
