//! Drives day by day, as few numbers as the rules need, equal days folded together.
//!
//! Invariant: a drive's stretches are in the order of time and do not overlap; no row is of the day on which it failed.

use std::collections::HashMap;

use xunjian_agent::drives::{self, Family};

/// Raw attributes that are read, with the metric that each stands for.
pub const ATTRIBUTES: [(u64, &str); 12] = [
    (5, "hw.smart.reallocated_sectors"),
    (10, "hw.smart.spin_retries"),
    (183, "hw.smart.link_downshifts"),
    (184, "hw.smart.end_to_end_errors"),
    (187, "hw.smart.reported_uncorrect"),
    (188, "hw.smart.command_timeouts"),
    (189, "hw.smart.high_fly_writes"),
    (196, "hw.smart.reallocation_events"),
    (197, "hw.smart.pending_sectors"),
    (198, "hw.smart.offline_uncorrectable"),
    (199, "hw.smart.crc_errors"),
    (201, "hw.smart.soft_read_errors"),
];

/// Place of the normalised value of 184, which one of the baselines asks for.
pub const NORMALIZED_184: usize = ATTRIBUTES.len();

/// One day's numbers in the order of [`ATTRIBUTES`], then [`NORMALIZED_184`]; [`MISSING`] where the row has none.
pub type Values = [u64; ATTRIBUTES.len() + 1];

/// No number in the row.
pub const MISSING: u64 = u64::MAX;

/// A day, counted from 1970-01-01.
pub type Day = i32;

/// Days in a row with the same numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// The numbers.
    pub values: Values,
}

/// One drive.
#[derive(Debug, Clone)]
pub struct Drive {
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// How its model packs values; `None` for one that the table does not know.
    pub family: Option<&'static Family>,
    /// The day on which it failed.
    pub failed: Option<Day>,
    /// Its days, oldest first.
    pub stretches: Vec<Stretch>,
}

impl Drive {
    /// Days on which it was read.
    pub fn days(&self) -> u64 {
        self.stretches.iter().map(|it| u64::from((it.last - it.first).unsigned_abs()) + 1).sum()
    }

    /// Its maker by the table of drives.
    pub fn maker(&self) -> &str {
        self.family.map_or(drives::UNKNOWN, |it| it.maker.as_str())
    }
}

/// Rows that were not used, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Left {
    /// Without a serial number or with one that tells nothing apart.
    pub without_serial: u64,
    /// A second row of the same drive and day.
    pub repeated: u64,
    /// Not understood: too few columns, no date.
    pub unreadable: u64,
    /// Of the day of the failure, or later.
    pub failure_day: u64,
    /// Without any of the values that are looked at: nothing was read on that day.
    pub without_values: u64,
    /// Failed drives of which no row is left.
    pub failed_unread: u64,
}

/// All drives.
#[derive(Debug, Default)]
pub struct Histories {
    /// In the order in which they were first seen.
    pub drives: Vec<Drive>,
    /// Rows read.
    pub rows: u64,
    /// Rows left out.
    pub left: Left,
    index: HashMap<Box<[u8]>, usize>,
    key: Vec<u8>,
    unsorted: bool,
}

impl Histories {
    /// Place of a drive that was seen before; serial numbers may repeat among models.
    pub fn known(&mut self, model: &[u8], serial: &[u8]) -> Option<usize> {
        self.key.clear();
        self.key.extend_from_slice(model);
        self.key.push(0);
        self.key.extend_from_slice(serial);
        self.index.get(self.key.as_slice()).copied()
    }

    /// Place of a drive, a new one if it was not seen before.
    pub fn place(&mut self, model: &[u8], serial: &[u8]) -> usize {
        if let Some(found) = self.known(model, serial) {
            return found;
        }
        let text = |it: &[u8]| String::from_utf8_lossy(it).trim().to_owned();
        let (model, serial) = (text(model), text(serial));
        let family = drives::family(&model);
        self.drives.push(Drive { model, serial, family, failed: None, stretches: Vec::new() });
        self.index.insert(self.key.as_slice().into(), self.drives.len() - 1);
        self.drives.len() - 1
    }

    /// Adds one day of a drive.
    pub fn add(&mut self, drive: usize, day: Day, values: &Values) {
        let stretches = &mut self.drives[drive].stretches;
        match stretches.last_mut() {
            Some(last) if last.last + 1 == day && last.values == *values => last.last = day,
            Some(last) if last.first <= day && day <= last.last => self.left.repeated += 1,
            last => {
                self.unsorted |= last.is_some_and(|it| day < it.first);
                // Most drives have one stretch for good; the usual growth would hold room for four.
                if stretches.is_empty() {
                    stretches.reserve_exact(1);
                }
                stretches.push(Stretch { first: day, last: day, values: *values });
            }
        }
    }

    /// Puts every drive's days in order and takes out what may not be looked at: repeated days, the day of the failure.
    pub fn finish(&mut self) {
        for drive in &mut self.drives {
            if self.unsorted {
                self.left.repeated += sort(&mut drive.stretches);
            }
            let Some(failed) = drive.failed else { continue };
            for stretch in &mut drive.stretches {
                let cut = stretch.last.min(failed - 1);
                let kept = cut.max(stretch.first - 1);
                self.left.failure_day += u64::from((stretch.last - kept).unsigned_abs());
                stretch.last = kept;
            }
            drive.stretches.retain(|it| it.first <= it.last);
        }
        let unread = self.drives.iter().filter(|it| it.stretches.is_empty() && it.failed.is_some());
        self.left.failed_unread = unread.count() as u64;
        self.drives.retain(|it| !it.stretches.is_empty());
        self.index = HashMap::new();
    }
}

/// Sorts stretches and cuts what overlaps; says how many days that were.
fn sort(stretches: &mut Vec<Stretch>) -> u64 {
    stretches.sort_by_key(|it| (it.first, it.last));
    let mut cut = 0;
    let mut before = Day::MIN;
    for it in stretches.iter_mut() {
        let first = it.first.max(before.saturating_add(1)).min(it.last + 1);
        cut += u64::from((first - it.first).unsigned_abs());
        it.first = first;
        before = before.max(it.last);
    }
    stretches.retain(|it| it.first <= it.last);
    cut
}
