//! From alarms to figures: caught ahead, new false alarms, precision, lead, with intervals.
//!
//! Definitions (the same for the rules and for every baseline): a failed drive is *caught k days ahead* if the alarm was in
//! force on some day from 30 to k days before the failure. An alarm in force on the first day on which a drive was seen is
//! *standing*; one that begins later is *new*. A *false* alarm is a new one on a drive that did not fail within the data; a
//! second one on the same drive is counted apart. *Precision*: of the drives with a new alarm, those that failed and were
//! caught. *Lead*: from the beginning of the alarm that caught it to the failure. Intervals: 95 % of 400 bootstrap samples
//! over drives (Poisson weights, fixed seed).

use serde::Serialize;

use super::{
    follow::Alarms,
    history::{Day, Drive},
};

/// A failure farther ahead is not what an alarm foretold.
const HORIZON: Day = 30;

/// Days ahead that are asked for.
pub const AHEAD: [Day; 3] = [1, 7, 14];

const DAYS_A_MONTH: f64 = 30.4375;

const SAMPLES: usize = 400;

const SEED: u64 = 0x5eed_2026_1122;

/// What one drive came to.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) maker: u16,
    failed: bool,
    months: f64,
    caught: [Alarms; AHEAD.len()],
    standing: Alarms,
    fresh: Alarms,
    repeats: Vec<(u8, u32)>,
    leads: Vec<(u8, Day)>,
}

/// Follows the alarms of one drive.
pub(super) struct Trail<'a> {
    drive: &'a Drive,
    from: Day,
    tally: Tally,
    days: u64,
    on: Alarms,
    ever: Alarms,
    starts: [Day; 64],
    repeats: [u32; 64],
    begun: bool,
}

impl<'a> Trail<'a> {
    /// Alarms before `from` are history and nothing else.
    pub(super) fn new(drive: &'a Drive, maker: u16, from: Day) -> Trail<'a> {
        let tally = Tally {
            maker,
            failed: drive.failed.is_some(),
            months: 0.0,
            caught: [0; AHEAD.len()],
            standing: 0,
            fresh: 0,
            repeats: Vec::new(),
            leads: Vec::new(),
        };
        Trail {
            drive,
            from,
            tally,
            days: 0,
            on: 0,
            ever: 0,
            starts: [0; 64],
            repeats: [0; 64],
            begun: false,
        }
    }

    /// A stretch of days with the alarms in force.
    pub(super) fn told(&mut self, first: Day, last: Day, alarms: Alarms) {
        let first = first.max(self.from);
        if first > last {
            return;
        }
        self.days += u64::from((last - first).unsigned_abs()) + 1;
        each(alarms & !self.on, |bit| {
            self.starts[bit] = first;
            if self.ever >> bit & 1 == 1 {
                self.repeats[bit] += 1;
            }
        });
        if self.begun {
            self.tally.fresh |= alarms & !self.ever;
        } else {
            self.begun = true;
            self.tally.standing = alarms;
        }
        self.on = alarms;
        self.ever |= alarms;
        let Some(failed) = self.drive.failed else { return };
        if last < failed - HORIZON {
            return;
        }
        let before = self.tally.caught[0];
        for (caught, ahead) in self.tally.caught.iter_mut().zip(AHEAD) {
            if first <= failed - ahead {
                *caught |= alarms;
            }
        }
        let leads = &mut self.tally.leads;
        let starts = &self.starts;
        each(self.tally.caught[0] & !before, |bit| {
            leads.push((u8::try_from(bit).unwrap_or(u8::MAX), failed - starts[bit]));
        });
    }

    /// The drive's sum; none for one that was not seen in the period.
    pub(super) fn end(mut self) -> Option<Tally> {
        #[allow(clippy::cast_precision_loss, reason = "days of a drive's life")]
        let days = self.days as f64;
        self.tally.months = days / DAYS_A_MONTH;
        let repeats = self.repeats.iter().enumerate().filter(|it| *it.1 > 0);
        self.tally.repeats =
            repeats.map(|it| (u8::try_from(it.0).unwrap_or(u8::MAX), *it.1)).collect();
        self.begun.then_some(self.tally)
    }
}

fn each(mut bits: Alarms, mut call: impl FnMut(usize)) {
    while bits != 0 {
        call(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// A value with the interval around it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What one predictor came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Share of failed drives caught, by [`AHEAD`].
    pub caught: [Measured; AHEAD.len()],
    /// New false alarms per drive-month.
    pub false_alarms: Measured,
    /// Further alarms on good drives that had one before, per drive-month.
    pub repeats: f64,
    /// Share of good drives in alarm when first seen.
    pub standing: f64,
    /// Share of new alarms that were followed by the failure.
    pub precision: Measured,
    /// Days from alarm to failure, median of the caught.
    pub lead: Option<Day>,
    /// Drives with a new alarm: failed and caught, others.
    pub alarms: [u64; 2],
}

/// Drives behind the figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Counted {
    /// Failed ones.
    pub failed: u64,
    /// Those that did not fail within the data.
    pub good: u64,
    /// Their months.
    pub months: f64,
}

/// Sums over drives with weights.
#[derive(Clone)]
struct Sums {
    failed: f64,
    months: f64,
    caught: Vec<[f64; AHEAD.len()]>,
    wrong: Vec<f64>,
    right: Vec<f64>,
    missed: Vec<f64>,
}

impl Sums {
    fn new(predictors: usize) -> Sums {
        let zero = vec![0.0; predictors];
        Sums {
            failed: 0.0,
            months: 0.0,
            caught: vec![[0.0; AHEAD.len()]; predictors],
            wrong: zero.clone(),
            right: zero.clone(),
            missed: zero,
        }
    }

    fn add(&mut self, tally: &Tally, weight: f64) {
        if !tally.failed {
            self.months += weight * tally.months;
            return each(tally.fresh, |bit| self.wrong[bit] += weight);
        }
        self.failed += weight;
        for (at, caught) in tally.caught.iter().enumerate() {
            each(*caught, |bit| self.caught[bit][at] += weight);
        }
        each(tally.fresh & tally.caught[0], |bit| self.right[bit] += weight);
        each(tally.fresh & !tally.caught[0], |bit| self.missed[bit] += weight);
    }

    fn values(&self, bit: usize) -> [f64; AHEAD.len() + 2] {
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let caught = self.caught[bit].map(|it| share(it, self.failed));
        let alarms = self.right[bit] + self.wrong[bit] + self.missed[bit];
        let (rate, precision) =
            (share(self.wrong[bit], self.months), share(self.right[bit], alarms));
        [caught[0], caught[1], caught[2], rate, precision]
    }
}

/// The figures of all predictors over these drives.
pub(super) fn figures<'a>(
    tallies: impl Iterator<Item = &'a Tally> + Clone,
    predictors: usize,
) -> (Counted, Vec<Figures>) {
    let mut sums = Sums::new(predictors);
    let mut counted = Counted::default();
    for tally in tallies.clone() {
        sums.add(tally, 1.0);
        counted.failed += u64::from(tally.failed);
        counted.good += u64::from(!tally.failed);
    }
    counted.months = sums.months;
    let spread = spread(tallies.clone(), predictors);
    let mut all = Vec::new();
    for bit in 0..predictors {
        let measured = |at: usize| {
            let mut sorted: Vec<f64> = spread.iter().map(|it| it[bit][at]).collect();
            sorted.sort_by(f64::total_cmp);
            let value = sums.values(bit)[at];
            let low = sorted.get(SAMPLES / 40).copied().unwrap_or(value);
            let high = sorted.get(SAMPLES - 1 - SAMPLES / 40).copied().unwrap_or(value);
            Measured { value, low, high }
        };
        let good = tallies.clone().filter(|it| !it.failed);
        let standing = good.clone().filter(|it| it.standing >> bit & 1 == 1).count();
        let repeats = good.flat_map(|it| &it.repeats).filter(|it| usize::from(it.0) == bit);
        let repeats = repeats.fold(0.0, |sum, it| sum + f64::from(it.1));
        let leads = tallies.clone().flat_map(|it| &it.leads).filter(|it| usize::from(it.0) == bit);
        let mut leads: Vec<Day> = leads.map(|it| it.1).collect();
        leads.sort_unstable();
        #[allow(clippy::cast_precision_loss, reason = "numbers of drives")]
        let standing = standing as f64 / counted.good.max(1) as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers")]
        let alarms = [sums.right[bit] as u64, (sums.wrong[bit] + sums.missed[bit]) as u64];
        all.push(Figures {
            caught: [measured(0), measured(1), measured(2)],
            false_alarms: measured(3),
            repeats: if sums.months > 0.0 { repeats / sums.months } else { 0.0 },
            standing,
            precision: measured(4),
            lead: leads.get(leads.len() / 2).copied(),
            alarms,
        });
    }
    (counted, all)
}

/// One value of each predictor per bootstrap sample.
fn spread<'a>(
    tallies: impl Iterator<Item = &'a Tally> + Clone,
    predictors: usize,
) -> Vec<Vec<[f64; AHEAD.len() + 2]>> {
    let mut samples = Vec::with_capacity(SAMPLES);
    let mut random = SEED;
    for _ in 0..SAMPLES {
        let mut sums = Sums::new(predictors);
        for tally in tallies.clone() {
            let weight = poisson(&mut random);
            if weight > 0.0 {
                sums.add(tally, weight);
            }
        }
        samples.push((0..predictors).map(|bit| sums.values(bit)).collect());
    }
    samples
}

/// A Poisson number with mean 1, from a xorshift generator.
fn poisson(state: &mut u64) -> f64 {
    // Cumulative probabilities of 0, 1, 2 ... times 2^32.
    const UP_TO: [u64; 8] = [
        1_580_030_169,
        3_160_060_337,
        3_950_075_422,
        4_213_413_783,
        4_279_248_373,
        4_292_415_291,
        4_294_609_778,
        4_294_923_276,
    ];
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let drawn = *state >> 32;
    let number = UP_TO.iter().position(|it| drawn < *it).unwrap_or(UP_TO.len());
    f64::from(u8::try_from(number).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstraps_weights_have_mean_and_variance_one() {
        let mut state = SEED;
        let drawn: Vec<f64> = (0..100_000).map(|_| poisson(&mut state)).collect();
        let mean = drawn.iter().sum::<f64>() / 100_000.0;
        let variance = drawn.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
