//! One drive after the other through the shipped rules, day by day as they would have run.
//!
//! A day's row stands for that day's readings: two runs half an hour apart, the source's own period, so that rules which
//! want two readings in a row are judged as they are in the field. Days are left out only where they cannot matter: while
//! no number has changed for longer than any rule looks back, except on the days on which a window or an age ends.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use xunjian_agent::drives::{FAMILY_ATTR, MAKER_ATTR, UNKNOWN};
use xunjian_proto::Time;
use xunjian_rules::{Condition, EvidenceKind, RuleSet};

use super::{
    baselines,
    history::{ATTRIBUTES, Day, Drive, MISSING, Stretch, Values},
};
use crate::evaluate::Lane;

/// What is measured: names, in the order of the bits of an [`Alarms`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predictor {
    /// Any rule that proves a suspect.
    Suspect,
    /// Any rule that opens a fault of any level.
    Fault,
    /// One rule.
    Rule(String),
    /// The score at so many points or more.
    Score(i32),
    /// Backblaze's five above 0.
    AnyOfFive,
    /// 187, 197 or 198 above 0.
    AnyOfThree,
    /// The dashboard's buckets.
    Buckets,
    /// 197 + 198 at so many sectors or more.
    Rank(u64),
}

/// Which predictors are in alarm, one bit each.
pub type Alarms = u64;

/// Most bits; the library has ten rules of the kind, and the others are fixed.
const PREDICTORS_MAX: usize = 64;

/// Limits of the score that are measured: each step from where most drives are told apart, wider ones beyond.
const SCORES: [i32; 30] = [
    2, 3, 10, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
    34, 36, 38, 40, 42, 45,
];

/// Since so many days after the first, these alarms.
type Timeline = Vec<(Day, Alarms)>;

/// Most timelines that are remembered.
const UNCHANGED_MAX: usize = 100_000;

const DAY: Duration = Duration::from_secs(86_400);

/// The follower.
pub struct Follower {
    lane: Lane,
    predictors: Vec<Predictor>,
    rules: usize,
    score: Option<usize>,
    /// Days after a change on which a verdict may change by itself, in days.
    turns: Vec<Day>,
    quiet_after: Day,
    skip: bool,
    /// What becomes of a drive that never changes, by its family and numbers: since so many days, these alarms. Most
    /// drives are of this kind.
    unchanged: BTreeMap<(String, Values), Timeline>,
}

impl Follower {
    /// For these rules. `skip`: leave out days that cannot matter; otherwise every day is judged.
    pub fn new(rules: &Arc<RuleSet>, skip: bool) -> Follower {
        let metrics: Vec<&str> = ATTRIBUTES.iter().map(|it| it.1).collect();
        let lane = Lane::new(rules, ("smart", "disk", "media"), &metrics);
        let mut predictors = vec![Predictor::Fault, Predictor::Suspect];
        let ids: Vec<String> = lane.rules().map(|it| it.id.to_string()).collect();
        let score = rules.scores.iter().position(|it| &*it.id == "disk-failure");
        let fixed = [Predictor::AnyOfFive, Predictor::AnyOfThree, Predictor::Buckets];
        let scores = SCORES.into_iter().map(Predictor::Score).filter(|_| score.is_some());
        let ranks = baselines::RANKS.into_iter().map(Predictor::Rank);
        predictors.extend(scores.chain(fixed).chain(ranks));
        let room = PREDICTORS_MAX - predictors.len();
        let count = ids.len().min(room);
        let own = ids.into_iter().take(room).map(Predictor::Rule);
        predictors.splice(2..2, own);
        let turns = turns(rules, &lane);
        // A bucket of the longest window may reach one twenty-fourth further back.
        let longest = turns.last().copied().unwrap_or_default();
        let quiet_after = longest + longest / 24 + 3;
        Follower {
            lane,
            predictors,
            rules: count,
            score,
            turns,
            quiet_after,
            skip,
            unchanged: BTreeMap::new(),
        }
    }

    /// What the bits stand for.
    pub fn predictors(&self) -> &[Predictor] {
        &self.predictors
    }

    /// Follows a drive from its first day; `told` gets each stretch of days with the alarms that were in force on them.
    pub fn follow(&mut self, drive: &Drive, told: &mut dyn FnMut(Day, Day, Alarms)) {
        let Some(start) = drive.stretches.first() else { return };
        let family = drive.family.map_or(UNKNOWN, |it| it.name.as_str());
        if self.skip && drive.stretches.iter().all(|it| it.values == start.values) {
            return self.unchanged(drive, family, told);
        }
        self.begin(drive, family);
        let mut changed = start.first;
        let mut before: Option<&Values> = None;
        let mut alarms = 0;
        for stretch in &drive.stretches {
            if before.is_some_and(|it| *it != stretch.values) {
                changed = stretch.first;
            }
            let constant = changed == start.first;
            before = Some(&stretch.values);
            let mut since = stretch.first;
            for day in stretch.first..=stretch.last {
                let edge = day == stretch.first || day == stretch.last;
                if self.skip && !edge && !self.matters(day - changed, constant) {
                    continue;
                }
                let now = self.day(day, stretch);
                if now != alarms && since < day {
                    told(since, day - 1, alarms);
                    since = day;
                }
                alarms = now;
            }
            told(since, stretch.last, alarms);
        }
    }

    /// A drive whose numbers never changed: all that turns its verdict is time.
    fn unchanged(&mut self, drive: &Drive, family: &str, told: &mut dyn FnMut(Day, Day, Alarms)) {
        let Some(start) = drive.stretches.first() else { return };
        let key = (family.to_owned(), start.values);
        if !self.unchanged.contains_key(&key) {
            self.begin(drive, family);
            let mut timeline = Timeline::new();
            for day in 0..=self.quiet_after {
                if !self.matters(day, true) {
                    continue;
                }
                let alarms = self.day(start.first + day, start);
                if timeline.last().is_none_or(|it| it.1 != alarms) {
                    timeline.push((day, alarms));
                }
            }
            if self.unchanged.len() >= UNCHANGED_MAX {
                self.unchanged.clear();
            }
            self.unchanged.insert(key.clone(), timeline);
        }
        let timeline = &self.unchanged[&key];
        for stretch in &drive.stretches {
            for (at, (since, alarms)) in timeline.iter().enumerate() {
                let until = timeline.get(at + 1).map_or(Day::MAX, |it| start.first + it.0 - 1);
                let (first, last) =
                    (stretch.first.max(start.first + since), stretch.last.min(until));
                if first <= last {
                    told(first, last, *alarms);
                }
            }
        }
    }

    fn begin(&mut self, drive: &Drive, family: &str) {
        let mut attrs = BTreeMap::from([(FAMILY_ATTR.to_owned(), family.to_owned())]);
        if let Some(family) = drive.family {
            attrs.insert(MAKER_ATTR.to_owned(), family.maker.clone());
        }
        self.lane.begin(attrs);
    }

    /// Whether a verdict may change so many days after the last change.
    fn matters(&self, days: Day, constant: bool) -> bool {
        let turns = || self.turns.iter().any(|it| (it - 1..=it + 1).contains(&days));
        days < 2 || !constant && days <= self.quiet_after || turns()
    }

    fn day(&mut self, day: Day, stretch: &Stretch) -> Alarms {
        let midnight = Time::from_secs(i64::from(day) * 86_400);
        let mut values = [None; ATTRIBUTES.len()];
        for (value, raw) in values.iter_mut().zip(stretch.values) {
            *value = (raw != MISSING).then(|| float(raw));
        }
        self.lane.read(midnight, &values);
        self.lane.read(midnight + Duration::from_secs(1_800), &values);
        let mut alarms = 0;
        for (rule, evidence) in self.lane.firing() {
            let bit = |at: usize| 1 << at;
            if rule < self.rules {
                alarms |= bit(2 + rule);
            }
            match evidence {
                EvidenceKind::Advice | EvidenceKind::Blind => {}
                EvidenceKind::Latent => alarms |= bit(0),
                _ => alarms |= bit(0) | bit(1),
            }
        }
        let points = self.score.map_or(0, |it| self.lane.points(it));
        for (at, predictor) in self.predictors.iter().enumerate().skip(2 + self.rules) {
            let on = match predictor {
                Predictor::Score(least) => points >= *least,
                Predictor::AnyOfFive => baselines::any_of_five(&stretch.values),
                Predictor::AnyOfThree => baselines::any_of_three(&stretch.values),
                Predictor::Buckets => baselines::buckets(&stretch.values),
                Predictor::Rank(least) => baselines::rank(&stretch.values) >= *least,
                _ => false,
            };
            alarms |= u64::from(on) << at;
        }
        alarms
    }
}

/// Raw values have 48 bits, which f64 holds exactly.
#[allow(clippy::cast_precision_loss, reason = "see above")]
fn float(raw: u64) -> f64 {
    raw as f64
}

/// Every length of time at whose end a rule may change its mind, in days, shortest first.
fn turns(rules: &RuleSet, lane: &Lane) -> Vec<Day> {
    let mut lengths: Vec<Duration> = lane.rules().filter_map(|it| it.age).collect();
    let mut note = |condition: &Condition| {
        condition.each(&mut |test| {
            if let Condition::Number(number) = test {
                lengths.extend(number.measure.how.window());
            }
        });
    };
    for rule in lane.rules() {
        note(&rule.when);
    }
    for part in rules.scores.iter().flat_map(|it| &it.parts) {
        note(&part.when);
    }
    let days = lengths.into_iter().map(|it| it.as_secs().div_ceil(DAY.as_secs()));
    let mut days: Vec<Day> = days.filter_map(|it| Day::try_from(it).ok()).collect();
    days.sort_unstable();
    days.dedup();
    days
}
