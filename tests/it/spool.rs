//! The agent's spool: what is in it survives being cut, flipped, filled up and opened again.

use std::{fs, path::PathBuf, time::Duration};

use proptest::prelude::*;
use xunjian_agent::{
    config::SpoolLimits,
    spool::{Spool, SpoolError},
};
use xunjian_proto::{
    Outcome, Run, Time,
    wire::{self, Known},
};

use crate::{recorder::Folder, wire::full_run};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn limits() -> SpoolLimits {
    SpoolLimits { bytes_max: 64 * 1024 * 1024, age_max: 14 * DAY }
}

pub(crate) fn at(seconds: i64) -> Time {
    Time::from_secs(1_790_000_000 + seconds)
}

fn run(tick: u32) -> Run {
    full_run(at(i64::from(tick) * 10), tick)
}

/// Everything that waits after a sequence, unpacked.
pub(crate) fn waiting(spool: &Spool, mut after: u64) -> Vec<(u64, Vec<Run>)> {
    let mut all = Vec::new();
    while let Some(spooled) = spool.next_after(after) {
        after = spooled.batch.sequence;
        let definitions = spool.definitions(after, &spooled.references);
        let known = |hash: &wire::Hash| -> Option<Known> {
            let found = definitions.iter().find(|it| it.hash == *hash)?;
            Some(wire::learn(found).unwrap())
        };
        all.push((after, wire::unpack(&spooled.batch.body, &known).unwrap()));
    }
    all
}

fn segments(folder: &Folder) -> Vec<PathBuf> {
    let is_segment =
        |path: &PathBuf| path.extension().is_some_and(|it| it == "seg" || it == "thin");
    let entries = fs::read_dir(folder.path("spool")).unwrap().map(|it| it.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(is_segment).collect();
    paths.sort();
    paths
}

#[test]
fn what_was_pushed_is_there_after_opening_again_until_it_is_acknowledged() {
    let folder = Folder::new("spool-again");
    let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
    (0..5).for_each(|tick| spool.push("boot", vec![run(tick)], at(i64::from(tick))));
    let before = waiting(&spool, 0);
    assert_eq!(before.len(), 5);
    assert_eq!(before[3].1, [run(3)]);
    spool.acknowledge(before[1].0);
    assert_eq!(waiting(&spool, 0), before[2..]);
    drop(spool);
    let spool = Spool::open(&folder.path("spool"), limits(), at(60)).unwrap();
    // What was acknowledged in a segment that still holds more is offered again; the collector says what it has.
    assert_eq!(waiting(&spool, 0), before);
    spool.acknowledge(before[4].0);
    assert_eq!(waiting(&spool, 0), []);
    assert!(segments(&folder).is_empty());
}

#[test]
fn a_sequence_never_comes_twice_even_if_the_clock_goes_back() {
    let folder = Folder::new("spool-sequence");
    let mut last = 0;
    for clock in [at(1000), at(0), Time::from_secs(5), at(500)] {
        let spool = Spool::open(&folder.path("spool"), limits(), clock).unwrap();
        spool.push("boot", vec![run(0)], clock);
        spool.push("boot", vec![run(1)], clock);
        // What was acknowledged before may be offered again; what is new comes after it.
        let new = waiting(&spool, last);
        assert_eq!(new.len(), 2);
        last = new[1].0;
        spool.acknowledge(last);
    }
    let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
    spool.acknowledge(last + 1_000_000);
    spool.push("boot", vec![run(0)], at(0));
    assert_eq!(waiting(&spool, last)[0].0, last + 1_000_001);
}

#[test]
fn a_second_agent_is_kept_out() {
    let folder = Folder::new("spool-lock");
    let _spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
    let second = Spool::open(&folder.path("spool"), limits(), at(0));
    assert!(matches!(second, Err(SpoolError::Locked { .. })));
}

/// As after kill -9 or loss of power at any byte of a write.
#[test]
fn a_segment_cut_anywhere_keeps_what_was_whole() {
    let folder = Folder::new("spool-cut");
    let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
    let mut ends = Vec::new();
    for tick in 0..4 {
        spool.push("boot", vec![run(tick)], at(0));
        ends.push(fs::metadata(&segments(&folder)[0]).unwrap().len());
    }
    let whole = waiting(&spool, 0);
    drop(spool);
    let path = segments(&folder)[0].clone();
    let bytes = fs::read(&path).unwrap();
    for cut in 0..=bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
        let kept = ends.iter().filter(|end| **end <= cut as u64).count();
        assert_eq!(waiting(&spool, 0), whole[..kept], "cut at {cut}");
        let clean = cut == 0 || ends.contains(&(cut as u64));
        assert!(spool.stats().damaged == 0 || !clean, "cut at {cut}");
    }
}

#[test]
fn a_flipped_byte_costs_one_record_and_is_counted() {
    let folder = Folder::new("spool-flip");
    let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
    (0..6).for_each(|tick| spool.push("boot", vec![bare(tick)], at(0)));
    let whole = waiting(&spool, 0);
    drop(spool);
    let path = segments(&folder)[0].clone();
    let bytes = fs::read(&path).unwrap();
    for place in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x10;
        fs::write(&path, &flipped).unwrap();
        let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
        let left = waiting(&spool, 0);
        assert_eq!(left.len(), 5, "flipped at {place}");
        assert!(left.iter().all(|batch| whole.contains(batch)));
        assert_eq!(spool.stats().damaged, 1);
        // The loss is said in a run of its own.
        spool.push("boot", vec![bare(9)], at(1));
        let said = waiting(&spool, left[4].0);
        assert!(said[0].1.iter().any(|run| run.source == "spool" && !run.problems.is_empty()));
        drop(spool);
        segments(&folder).iter().for_each(|path| fs::remove_file(path).unwrap());
    }
}

/// A run without definitions, so that each batch stands alone.
fn bare(tick: u32) -> Run {
    Run {
        components: vec![],
        samples: vec![],
        states: vec![],
        problems: vec![],
        evidence: vec![],
        ..run(tick)
    }
}

#[test]
fn a_full_spool_drops_old_samples_and_keeps_events() {
    let folder = Folder::new("spool-full");
    let limits = SpoolLimits { bytes_max: 1024 * 1024, age_max: DAY };
    let spool = Spool::open(&folder.path("spool"), limits, at(0)).unwrap();
    let mut random = 1_u64;
    let mut pushed = 0;
    while spool.stats().samples_dropped == 0 || pushed < 60 {
        let mut it = run(pushed);
        let series = it.samples[0].clone();
        // Noise does not compress: 40 KiB a batch.
        it.samples = (0..6000)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let value = f64::from_bits(random >> 12 | 0x3ff0_0000_0000_0000);
                xunjian_proto::Sample { value, ..series.clone() }
            })
            .collect();
        spool.push("boot", vec![it], at(i64::from(pushed)));
        pushed += 1;
        assert!(spool.stats().bytes <= limits.bytes_max);
        assert!(pushed < 200);
    }
    let stats = spool.stats();
    assert_eq!(stats.batches_dropped, 0);
    assert!(stats.last_reason.unwrap().contains("samples dropped"));
    let left = waiting(&spool, 0);
    let runs: Vec<&Run> =
        left.iter().flat_map(|(_, runs)| runs).filter(|run| run.source == "smart").collect();
    assert_eq!(runs.len(), pushed as usize);
    let kept: u64 = runs.iter().map(|run| run.samples.len() as u64).sum();
    assert_eq!(kept + stats.samples_dropped, u64::from(pushed) * 6000);
    for (tick, run) in (0_u32..).zip(&runs) {
        let full = full_run(run.at, tick);
        assert_eq!((&run.events, &run.components), (&full.events, &full.components));
        assert_eq!((&run.states, &run.problems), (&full.states, &full.problems));
    }
    // Oldest first.
    assert!(runs[0].samples.is_empty() && !runs.last().unwrap().samples.is_empty());
    drop(spool);
    let spool = Spool::open(&folder.path("spool"), limits, at(1000)).unwrap();
    assert_eq!(waiting(&spool, 0), left);
}

#[test]
fn what_is_too_old_is_dropped_and_counted() {
    let folder = Folder::new("spool-old");
    let limits = SpoolLimits { bytes_max: 1024 * 1024, age_max: DAY };
    let spool = Spool::open(&folder.path("spool"), limits, at(0)).unwrap();
    spool.push("boot", vec![run(0)], at(0));
    spool.push("boot", vec![run(1)], at(2 * 3600));
    spool.push("boot", vec![run(2)], at(25 * 3600));
    assert_eq!(spool.stats().batches_dropped, 1);
    assert_eq!(waiting(&spool, 0).len(), 2);
}

#[test]
fn readings_beyond_the_limits_become_a_failed_run() {
    let folder = Folder::new("spool-limits");
    let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
    let mut bad = run(1);
    bad.samples[0].value = f64::NAN;
    spool.push("boot", vec![run(0), bad, run(2)], at(0));
    let runs: Vec<Run> = waiting(&spool, 0).into_iter().flat_map(|(_, runs)| runs).collect();
    assert_eq!((&runs[0], &runs[2]), (&run(0), &run(2)));
    assert!(matches!(&runs[1].outcome, Outcome::Failed(why) if why.contains("NaN")));
    assert!(runs[1].samples.is_empty());
}

/// /dev/full cannot be a folder, so the folder is taken away: the next segment cannot be made.
#[test]
fn without_a_disk_readings_stay_in_memory_and_the_agent_goes_on() {
    let folder = Folder::new("spool-nodisk");
    let spool = Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
    fs::remove_dir_all(folder.path("spool")).unwrap();
    spool.push("boot", vec![run(0)], at(0));
    spool.push("boot", vec![run(1)], at(1));
    assert!(spool.stats().write_errors >= 2);
    let all = waiting(&spool, 0);
    assert_eq!(
        all.iter().flat_map(|(_, runs)| runs.clone()).filter(|it| it.source == "smart").count(),
        2
    );
    spool.acknowledge(all.last().unwrap().0);
    assert_eq!(waiting(&spool, 0), []);
    fs::create_dir_all(folder.path("spool")).unwrap();
    spool.push("boot", vec![run(2)], at(2));
    assert_eq!(segments(&folder).len(), 1);
}

#[derive(Debug, Clone)]
enum Step {
    Push(u8),
    Acknowledge(usize),
    Reopen,
    Cut(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u8..4).prop_map(Step::Push),
        2 => (0_usize..8).prop_map(Step::Acknowledge),
        1 => Just(Step::Reopen),
        1 => (1_u16..300).prop_map(Step::Cut),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, what was pushed and neither acknowledged nor cut off is there, in order, once.
    #[test]
    fn nothing_is_lost_or_doubled(steps in steps()) {
        let folder = Folder::new("spool-any");
        let open = || Spool::open(&folder.path("spool"), limits(), at(0)).unwrap();
        let mut spool = Some(open());
        let (mut tick, mut acknowledged) = (0, 0);
        let mut expected: Vec<(u64, Vec<Run>)> = Vec::new();
        for step in steps {
            let current = spool.take().unwrap();
            spool = Some(match step {
                Step::Push(count) => {
                    let runs = (0..count).map(|_| { tick += 1; bare(tick) }).collect();
                    current.push("boot", runs, at(0));
                    let last = expected.last().map_or(acknowledged, |(last, _)| *last);
                    expected.extend(waiting(&current, last));
                    current
                }
                Step::Acknowledge(index) => {
                    if let Some((sequence, _)) = expected.get(index) {
                        acknowledged = *sequence;
                        current.acknowledge(acknowledged);
                        expected.drain(..=index);
                    }
                    current
                }
                Step::Reopen => {
                    drop(current);
                    open()
                }
                Step::Cut(bytes) => {
                    drop(current);
                    if let Some(path) = segments(&folder).last() {
                        let whole = fs::read(path).unwrap();
                        let end = whole.len().saturating_sub(usize::from(bytes));
                        fs::write(path, &whole[..end]).unwrap();
                    }
                    let spool = open();
                    // Only the end may be gone.
                    let left = waiting(&spool, acknowledged);
                    prop_assert_eq!(&expected[..left.len()], &left[..]);
                    expected = left;
                    spool
                }
            });
            let now = waiting(spool.as_ref().unwrap(), acknowledged);
            prop_assert_eq!(&now, &expected);
        }
    }
}
