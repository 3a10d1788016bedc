//! When which source runs. Pure: time comes in as the duration since the agent started.
//!
//! Every source keeps its period, from a place in it that depends on the host, so that a thousand hosts that were
//! switched on together do not all read their disks together. All places of one host are on one beat: it is woken once
//! for all that is due. Sources that ask devices through programs are *expensive*: put off a bounded number of times
//! while the host is busy, and stretched while they take too large a share of their period.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// All first runs are made within this time, so that a new agent shows something soon.
const FIRST_WITHIN: Duration = Duration::from_secs(20);

/// The first runs are made in this many groups.
const FIRST_GROUPS: u32 = 4;

/// The beat: the shortest default period of a source.
const BEAT: Duration = Duration::from_secs(10);

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
    /// Whether devices feel it.
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
        let beat = BEAT / 1024 * u32::try_from(hash(host, "") % 1024).unwrap_or(0);
        for (index, entry) in entries.into_iter().enumerate() {
            let hash = hash(host, &entry.name);
            let group = u32::try_from(hash % u64::from(FIRST_GROUPS)).unwrap_or(0);
            wheel.push(Reverse((FIRST_WITHIN.min(entry.every) / FIRST_GROUPS * group, index)));
            let place = place(beat, hash.rotate_left(32), entry.every);
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
        let slot = &mut self.slots[index];
        match slot.state {
            State::Stuck => return (Some(Step::StillStuck(index)), now + slot.period()),
            // Its deadline is longer than its period: this turn is left out.
            State::Running => return (None, now + slot.period()),
            State::Idle => {}
        }
        if slot.entry.expensive
            && slot.deferrals < self.deferrals_max
            && *answer.get_or_insert_with(busy)
        {
            slot.deferrals += 1;
            let wait = slot.entry.every / RETRY_PARTS;
            return (Some(Step::Defer(index)), now + wait.clamp(RETRY_MIN, RETRY_MAX));
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

    /// Makes these sources due at `now`, every one if none is named: somebody asked for an inspection.
    pub fn run_now(&mut self, now: Duration, names: &[String]) {
        let asked =
            |index: usize| names.is_empty() || names.contains(&self.slots[index].entry.name);
        let times = std::mem::take(&mut self.wheel).into_iter();
        self.wheel = times
            .map(|Reverse((at, index))| Reverse((if asked(index) { now } else { at }, index)))
            .collect();
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

/// A place in a period: on the host's beat, and on one of the beats of the period.
fn place(beat: Duration, hash: u64, every: Duration) -> Duration {
    let beats = every.as_secs() / BEAT.as_secs();
    beat.min(every) + BEAT * u32::try_from(hash % beats.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);

    fn entry(name: &str, every: Duration, expensive: bool) -> Entry {
        Entry { name: name.to_owned(), every, expensive }
    }

    /// Runs the timetable until `end`; every run takes `took`. Gives the times of all steps.
    fn play(
        schedule: &mut Schedule,
        end: Duration,
        took: Duration,
        busy: bool,
    ) -> Vec<(Duration, Step)> {
        let mut all = Vec::new();
        let mut ends: Vec<(Duration, usize)> = Vec::new();
        while let Some(now) = schedule.next().filter(|it| *it < end) {
            ends.retain(|(at, index)| {
                let over = *at <= now;
                if over {
                    schedule.ended(*index, took);
                }
                !over
            });
            for step in schedule.due(now, &mut || busy) {
                all.push((now, step));
                if let Step::Start(index) = step {
                    ends.push((now + took, index));
                }
            }
        }
        all
    }

    fn starts(steps: &[(Duration, Step)]) -> Vec<Duration> {
        let start = |it: &&(Duration, Step)| matches!(it.1, Step::Start(_));
        steps.iter().filter(start).map(|(at, _)| *at).collect()
    }

    #[test]
    fn the_first_run_is_soon_and_the_period_is_kept() {
        let mut schedule = Schedule::new("h", vec![entry("md", 10 * MINUTE, false)], 3);
        let times = starts(&play(&mut schedule, 10 * HOUR, Duration::ZERO, false));
        assert!(times[0] <= FIRST_WITHIN && times[1] <= times[0] + 10 * MINUTE);
        assert!(times[1..].windows(2).all(|it| it[1] - it[0] == 10 * MINUTE), "{times:?}");
    }

    #[test]
    fn hosts_that_start_together_do_not_stay_together() {
        let mut places = std::collections::BTreeSet::new();
        for host in 0..200 {
            let entries = vec![entry("smart", HOUR, true)];
            let mut schedule = Schedule::new(&format!("node{host}"), entries, 3);
            let times = starts(&play(&mut schedule, 3 * HOUR, Duration::ZERO, false));
            places.insert(times[1].as_secs() % 3600 / 60);
        }
        assert!(places.len() > 50, "200 hosts in {} of 60 minutes", places.len());
    }

    #[test]
    fn a_busy_host_defers_what_is_expensive_but_not_for_ever() {
        let entries = vec![entry("smart", 10 * MINUTE, true), entry("host", 10 * MINUTE, false)];
        let mut schedule = Schedule::new("h", entries, 3);
        let steps = play(&mut schedule, HOUR, Duration::ZERO, true);
        let smart: Vec<_> = steps
            .iter()
            .map(|it| it.1)
            .filter(|it| matches!(it, Step::Start(0) | Step::Defer(0)))
            .take(5)
            .collect();
        assert_eq!(smart[..4], [Step::Defer(0), Step::Defer(0), Step::Defer(0), Step::Start(0)]);
        assert!(!steps.iter().any(|it| it.1 == Step::Defer(1)));
    }

    #[test]
    fn a_host_is_woken_on_one_beat_for_all_its_sources() {
        let periods = [10, 30, 60, 120, 180, 300, 600, 1800, 3600];
        let entries = (0..45).map(|it| entry(&format!("s{it}"), periods[it % 9] * SECOND, false));
        let mut schedule = Schedule::new("h", entries.collect(), 3);
        let mut times = starts(&play(&mut schedule, 2 * HOUR, Duration::ZERO, false));
        times.dedup();
        let hour = times.iter().filter(|it| **it >= HOUR).count();
        assert_eq!(hour, 360, "wake-ups an hour");
    }

    #[test]
    fn a_source_that_takes_long_runs_less_often_until_it_is_quick_again() {
        let mut schedule = Schedule::new("h", vec![entry("smart", 10 * MINUTE, true)], 3);
        play(&mut schedule, 2 * HOUR, 2 * MINUTE, false);
        assert_eq!(schedule.period(0), 40 * MINUTE);
        for _ in 0..3 {
            schedule.ended(0, Duration::from_secs(1));
        }
        assert_eq!(schedule.period(0), 10 * MINUTE);
    }

    #[test]
    fn a_stuck_source_is_not_started_again_and_holds_nobody_up() {
        let entries = vec![entry("one", MINUTE, true), entry("two", MINUTE, true)];
        let mut schedule = Schedule::new("h", entries, 3);
        while !schedule.due(schedule.next().unwrap(), &mut || false).contains(&Step::Start(0)) {
            schedule.ended(1, Duration::ZERO);
        }
        schedule.stuck(0);
        let steps = play(&mut schedule, HOUR, Duration::ZERO, false);
        let count = |step: Step| steps.iter().filter(|it| it.1 == step).count();
        assert_eq!(count(Step::Start(0)), 0);
        assert!(count(Step::StillStuck(0)) > 50 && count(Step::Start(1)) > 50);
    }

    #[test]
    fn an_inspection_that_is_asked_for_is_made_now() {
        let mut schedule = Schedule::new("h", vec![entry("smart", 24 * HOUR, false)], 3);
        play(&mut schedule, HOUR, Duration::ZERO, false);
        schedule.ended(0, Duration::ZERO);
        schedule.run_now(HOUR, &[]);
        assert_eq!(schedule.due(HOUR, &mut || false), [Step::Start(0)]);
    }
}
