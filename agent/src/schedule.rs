//! When which source runs. Pure: time comes in as the duration since the agent started.
//!
//! Every source keeps its period, from a place in it that depends on the host, so that a thousand hosts that were
//! switched on together do not all read their disks together. Sources that start programs are *expensive*: one at a
//! time, put off a bounded number of times while the host is busy, and stretched while they take too large a share of
//! their period.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// All first runs are made within this time, so that a new agent shows something soon.
const FIRST_WITHIN: Duration = Duration::from_secs(20);

/// A source may take this share of its period: one part in this many.
const BUDGET_PARTS: u32 = 20;

/// A period is stretched at most this many times.
const STRETCH_MAX: u32 = 8;

/// A run that was put off is tried again after this part of its period, but within these bounds.
const RETRY_PARTS: u32 = 10;
const RETRY_MIN: Duration = Duration::from_secs(30);
const RETRY_MAX: Duration = Duration::from_secs(300);

/// What the schedule knows of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; gives the place in the period, together with the host.
    pub name: String,
    /// Its period.
    pub every: Duration,
    /// Whether it starts programs.
    pub expensive: bool,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Start the source with this index.
    Start(usize),
    /// Do not start it, because the host is busy; say so.
    Defer(usize),
    /// Its last run has still not ended; say so.
    StillStuck(usize),
}

/// The timetable of all sources.
#[derive(Debug)]
pub struct Schedule {
    slots: Vec<Slot>,
    /// One wheel for all: the next time and the slot; a slot is in it exactly once.
    wheel: BinaryHeap<Reverse<(Duration, usize)>>,
    deferrals_max: u32,
}

#[derive(Debug)]
struct Slot {
    entry: Entry,
    state: State,
    stretch: u32,
    deferrals: u32,
    /// Runs that were made, to find the second, which moves to the host's place in the period.
    runs: u64,
    /// Where in its period this host runs this source.
    place: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Running,
    Stuck,
}

impl Schedule {
    /// A timetable that begins now. `host` is anything that tells this host from others.
    pub fn new(host: &str, entries: Vec<Entry>, deferrals_max: u32) -> Schedule {
        let mut wheel = BinaryHeap::new();
        let mut slots = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let hash = hash(host, &entry.name);
            wheel.push(Reverse((part(hash, FIRST_WITHIN.min(entry.every)), index)));
            let place = part(hash.rotate_left(32), entry.every);
            slots.push(Slot {
                entry,
                state: State::Idle,
                stretch: 1,
                deferrals: 0,
                runs: 0,
                place,
            });
        }
        Schedule { slots, wheel, deferrals_max }
    }

    /// When [`Schedule::due`] has to be asked next.
    pub fn next(&self) -> Option<Duration> {
        self.wheel.peek().map(|Reverse((at, _))| *at)
    }

    /// What is due at `now`. `busy` is asked at most once, and only if an expensive source is due.
    pub fn due(&mut self, now: Duration, busy: &mut dyn FnMut() -> bool) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut answer = None;
        while let Some(Reverse((at, index))) = self.wheel.peek().copied() {
            if at > now {
                break;
            }
            self.wheel.pop();
            let (step, again) = self.decide(index, now, &mut answer, busy);
            steps.extend(step);
            self.wheel.push(Reverse((again.max(now + Duration::from_millis(1)), index)));
        }
        steps
    }

    /// The step for a source whose time has come, and when its time comes next.
    fn decide(
        &mut self,
        index: usize,
        now: Duration,
        answer: &mut Option<bool>,
        busy: &mut dyn FnMut() -> bool,
    ) -> (Option<Step>, Duration) {
        let one_runs = self.slots.iter().any(|it| it.entry.expensive && it.state == State::Running);
        let slot = &mut self.slots[index];
        match slot.state {
            State::Stuck => return (Some(Step::StillStuck(index)), now + slot.period()),
            // Its deadline is longer than its period: this turn is left out.
            State::Running => return (None, now + slot.period()),
            State::Idle => {}
        }
        if slot.entry.expensive {
            if one_runs {
                return (None, now + Duration::from_secs(1));
            }
            if slot.deferrals < self.deferrals_max && *answer.get_or_insert_with(busy) {
                slot.deferrals += 1;
                let wait = slot.entry.every / RETRY_PARTS;
                return (Some(Step::Defer(index)), now + wait.clamp(RETRY_MIN, RETRY_MAX));
            }
        }
        slot.state = State::Running;
        slot.deferrals = 0;
        slot.runs += 1;
        (Some(Step::Start(index)), slot.next_after(now))
    }

    /// A run has ended after `took`, be it in time or not.
    pub fn ended(&mut self, index: usize, took: Duration) {
        let slot = &mut self.slots[index];
        slot.state = State::Idle;
        let budget = slot.entry.every / BUDGET_PARTS * slot.stretch;
        if took > budget {
            slot.stretch = (slot.stretch * 2).min(STRETCH_MAX);
        } else if took < budget / 4 {
            slot.stretch = (slot.stretch / 2).max(1);
        }
    }

    /// A run has not ended by its deadline.
    pub fn stuck(&mut self, index: usize) {
        self.slots[index].state = State::Stuck;
    }

    /// Makes every idle source due at `now`: somebody asked for an inspection.
    pub fn all_now(&mut self, now: Duration) {
        let times = std::mem::take(&mut self.wheel).into_iter();
        self.wheel = times.map(|Reverse((_, index))| Reverse((now, index))).collect();
    }

    /// The period a source has now, stretched or not.
    pub fn period(&self, index: usize) -> Duration {
        self.slots[index].period()
    }
}

impl Slot {
    fn period(&self) -> Duration {
        self.entry.every * self.stretch
    }

    /// The next time after a run begun at `now`: on the host's place in the period, wherever the run itself was.
    fn next_after(&self, now: Duration) -> Duration {
        if self.runs == 1 {
            // The first run was made early; the second comes at the host's place, at most one period later.
            let shortest = self.entry.every.min(Duration::from_secs(1));
            return (now + shortest).max(self.on_place(now));
        }
        // A late start moves the next one back to its place instead of shifting all later ones.
        self.on_place(now + self.period() - self.entry.every / 2)
    }

    /// The first time after `after` that is on the host's place in the period.
    fn on_place(&self, after: Duration) -> Duration {
        let every = self.entry.every.as_nanos().max(1);
        let beyond = after.as_nanos().saturating_sub(self.place.as_nanos());
        let turns = beyond / every + 1;
        let nanos = self.place.as_nanos() + turns * every;
        let nanos = if after < self.place { self.place.as_nanos() } else { nanos };
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// FNV-1a over both names with a final mix, because the high bits of FNV of short strings are poor.
fn hash(host: &str, name: &str) -> u64 {
    let bytes = host.bytes().chain([0]).chain(name.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |it, byte| {
        (it ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// A place in a span.
fn part(hash: u64, span: Duration) -> Duration {
    span / 1024 * u32::try_from(hash % 1024).unwrap_or(0)
}
