//! Compaction, hourly sums and retention: blocks say what the batches said.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use xunjian_collector::store::{Judged, Point, Store};
use xunjian_proto::{ComponentId, Evidence, Run, Sample, SeriesKey, Time};

use crate::store_kit::{
    Folder, agent, at, batch, counter, facts, keep, key, run, with_sample, with_state,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const WINDOW: i64 = 7200;

/// All is judged, so that windows may be compacted.
fn judged(store: &Store, sequence: u64) {
    let upto = vec![(agent(), sequence)];
    store.commit_judged(&Judged { upto, ..Judged::default() }).unwrap();
}

/// A host of `ticks` batches, ten seconds apart, with a counter, a gauge, a flat value and a health attribute.
fn fill(store: &Store, from: i64, ticks: i64, first_sequence: u64) -> Vec<Run> {
    let mut all = Vec::new();
    for tick in 0..ticks {
        let secs = from + tick * 10;
        let mut host = run("host", secs);
        host.took_ms = 2 + (tick % 5) as u32;
        host.cost.cpu_us = 100 + tick as u64;
        let mut host = with_sample(host, "system.cpu.time", (tick * 37) as f64);
        host = with_sample(host, "system.load", (secs as f64 / 700.0).sin());
        host = with_sample(host, "flat", 5.0);
        let mut runs = vec![host];
        if tick % 6 == 0 {
            let smart = with_sample(run("smart", secs + 1), "hw.temperature", (tick % 9) as f64);
            let mut smart = with_state(smart, if tick % 60 == 0 { "ok" } else { "failed" });
            smart
                .evidence
                .push(Evidence { name: "smartctl".into(), content: format!("t {}", tick % 3) });
            runs.push(smart);
        }
        keep(store, first_sequence + tick as u64, &runs);
        all.extend(runs);
    }
    judged(store, first_sequence + ticks as u64 - 1);
    all.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.source.cmp(&b.source)));
    all
}

fn points(store: &Store, metric: &str, from: i64, to: i64, step: Duration) -> Vec<Point> {
    store.points(&agent(), &key(metric), at(from), at(to), step).unwrap()
}

const METRICS: [&str; 4] = ["system.cpu.time", "system.load", "flat", "hw.temperature"];

#[test]
fn a_compacted_window_reads_the_same() {
    let folder = Folder::new();
    let store = folder.open();
    store.enrol(&agent(), &facts(), at(0)).unwrap();
    let runs = fill(&store, 0, 800, 1);
    let read = |store: &Store| {
        METRICS.map(|it| (points(store, it, 5, 7900, SECOND), points(store, it, 0, 8000, HOUR)))
    };
    let before = read(&store);
    assert_eq!(before[0].0.len(), 789);
    assert_eq!(store.compact(at(WINDOW + 60)).unwrap(), 1);
    assert_eq!(counter(&store, "store_raw_windows"), 1);
    assert_eq!(store.compact(at(2 * WINDOW)).unwrap(), 1);
    for store in [store, folder.open()] {
        assert_eq!(read(&store), before);
        assert_eq!(store.runs(&agent(), at(0), at(20_000)).unwrap(), runs);
        assert_eq!(
            store.runs(&agent(), at(500), at(510)).unwrap(),
            &runs_between(&runs, 500, 510)[..]
        );
        assert_eq!(store.compact(at(90_000)).unwrap(), 0);
    }
}

/// Only what is asked for is unpacked, bit by bit; what was left packed may be compacted away before somebody asks.
#[test]
fn a_window_read_in_parts_reads_the_same() {
    let folder = Folder::new();
    let store = folder.open();
    store.enrol(&agent(), &facts(), at(0)).unwrap();
    fill(&store, 0, 700, 1);
    let read = |store: &Store, from: i64, to: i64| {
        METRICS.map(|it| (points(store, it, from, to, SECOND), points(store, it, from, to, HOUR)))
    };
    for (from, to) in [(5000, 5600), (100, 150), (5590, 7000), (0, 7200)] {
        assert!(read(&store, from, to) == read(&folder.open(), from, to), "{from} to {to}");
    }
    let reader = folder.open();
    let part = read(&reader, 100, 150);
    let whole = read(&store, 0, 7200);
    assert_eq!(store.compact(at(WINDOW)).unwrap(), 1);
    assert!(read(&reader, 100, 150) == part);
    // A straggler makes the window's table anew; what the reader knew of the old one is gone.
    let late = with_sample(run("host", 7105), "system.load", 0.25);
    keep(&store, 9000, &[late]);
    let found = points(&reader, "system.load", 0, 7200, SECOND);
    assert_eq!(found.len(), whole[1].0.len() + 1);
    assert!(found == points(&folder.open(), "system.load", 0, 7200, SECOND));
}

fn runs_between(runs: &[Run], from: i64, to: i64) -> Vec<Run> {
    runs.iter().filter(|run| run.at >= at(from) && run.at < at(to)).cloned().collect()
}

#[test]
fn windows_that_wait_for_judgement_are_left() {
    let folder = Folder::new();
    let store = folder.open();
    keep(&store, 1, &[with_sample(run("host", 0), "x", 1.0)]);
    assert_eq!(store.compact(at(WINDOW * 3)).unwrap(), 0);
    assert_eq!(store.unjudged(10).unwrap().len(), 1);
    judged(&store, 1);
    assert_eq!(store.compact(at(WINDOW * 3)).unwrap(), 1);
}

#[test]
fn series_that_were_never_absorbed_are_compacted_too() {
    let folder = Folder::new();
    let store = folder.open();
    store.append(&[batch(1, &[with_sample(run("host", 0), "x", 1.5)])]).unwrap();
    judged(&store, 1);
    assert_eq!(store.compact(at(WINDOW * 3)).unwrap(), 1);
    assert_eq!(points(&store, "x", 0, 10, SECOND)[0].mean, 1.5);
}

#[test]
fn what_was_only_in_batches_is_kept_when_they_go() {
    let folder = Folder::new();
    let store = folder.open();
    fill(&store, 0, 40, 1);
    let now = |store: &Store| {
        let ledger = store.ledger(&agent(), at(0), at(7200)).unwrap();
        (store.series(&agent(), None).unwrap(), store.sources(&agent()).unwrap(), ledger)
    };
    let before = now(&store);
    // After a crash nobody asks for this host before its window is compacted.
    let after = folder.open();
    assert_eq!(after.compact(at(WINDOW + 60)).unwrap(), 1);
    assert_eq!(now(&folder.open()), before);
}

#[test]
fn late_data_are_merged_into_blocks_and_sums() {
    let folder = Folder::new();
    let store = folder.open();
    fill(&store, 0, 60, 1);
    store.compact(at(WINDOW + 60)).unwrap();
    let late = with_sample(run("host", 3), "flat", 50.0);
    keep(&store, 900, std::slice::from_ref(&late));
    judged(&store, 900);
    let read = |store: &Store| {
        (points(store, "flat", 0, 20, SECOND), points(store, "flat", 0, 3600, HOUR))
    };
    let before = read(&store);
    assert_eq!(before.0.iter().map(|it| it.mean).collect::<Vec<_>>(), [5.0, 50.0, 5.0]);
    assert_eq!((before.1[0].min, before.1[0].max), (5.0, 50.0));
    assert_eq!(store.compact(at(WINDOW + 60)).unwrap(), 1);
    assert_eq!(read(&store), before);
    assert_eq!(store.runs(&agent(), at(3), at(4)).unwrap(), [late]);
    // Later still: the window's rows are gone, and their ids do not come again.
    keep(&store, 901, &[with_sample(run("host", 4), "flat", 60.0)]);
    assert_eq!(points(&store, "flat", 0, 10, SECOND).len(), 3);
    judged(&store, 901);
    store.compact(at(WINDOW + 60)).unwrap();
    assert_eq!(points(&store, "flat", 0, 10, SECOND).len(), 3);
    assert_eq!(points(&store, "flat", 0, 3600, HOUR)[0].max, 60.0);
}

#[test]
fn hourly_sums_outlive_the_detail() {
    let folder = Folder::new();
    let store = folder.open();
    // Two days, a reading each five minutes, and a part for each window: enough for merging.
    for tick in 0..576 {
        let host = with_sample(run("host", tick * 300), "x", (tick % 12) as f64);
        let smart = with_sample(run("smart", tick * 300), "hw.y", tick as f64);
        keep(&store, tick as u64 + 1, &[host, smart]);
    }
    judged(&store, 576);
    let end = 576 * 300;
    let read = |store: &Store| points(store, "x", 0, end, HOUR);
    let before = read(&store);
    assert_eq!(store.compact(at(end + 60)).unwrap(), 24);
    assert_eq!(read(&store), before);
    assert_eq!(before.len(), 48);
    assert_eq!((before[0].min, before[0].mean, before[0].max), (0.0, 5.5, 11.0));
    store.retain(at(end) + Duration::from_secs(15 * 86_400)).unwrap();
    let store = folder.open();
    assert_eq!(read(&store), before);
    // Finer steps give what is left: the hours; of health attributes each reading.
    assert_eq!(points(&store, "x", 0, end, SECOND), before);
    assert_eq!(points(&store, "hw.y", 0, end, SECOND).len(), 576);
    store.retain(at(end) + Duration::from_secs(401 * 86_400)).unwrap();
    assert_eq!(
        folder.open().points(&agent(), &key("hw.y"), at(0), at(end), SECOND).unwrap().len(),
        48
    );
    store.retain(at(end) + Duration::from_secs(3 * 366 * 86_400 + 32 * 86_400)).unwrap();
    assert!(read(&store).is_empty());
}

/// Raw outputs are definitions too, and change all the time: they must not pile up, nor go while they are needed.
#[test]
fn definitions_go_when_no_batch_has_needed_them_for_days() {
    let folder = Folder::new();
    let store = folder.open();
    let hash_of = |day: i64| {
        let mut run = with_sample(run("smart", day * 86_400), "x", 1.0);
        run.evidence.push(Evidence { name: "smartctl".into(), content: format!("day {day}") });
        let mut batch = batch(day as u64 + 1, &[run]);
        batch.received = at(day * 86_400);
        let hashes: Vec<_> = batch.definitions.iter().map(|it| it.0).collect();
        store.append(&[batch]).unwrap();
        hashes
    };
    let hashes: Vec<_> = (0..8).map(hash_of).collect();
    let missing = |day: usize| store.missing_definitions(&agent(), &hashes[day]).unwrap().len();
    assert_eq!(
        (hashes[0].len(), missing(0), missing(7)),
        (2, 1, 0),
        "one is the layout that all need"
    );
    store.retain(at(8 * 86_400)).unwrap();
    assert_eq!(
        store.runs(&agent(), at(0), at(86_400 * 9)).unwrap().len(),
        8,
        "batches wait: all stay"
    );
    judged(&store, 8);
    store.compact(at(8 * 86_400)).unwrap();
    store.retain(at(8 * 86_400)).unwrap();
    assert_eq!((missing(0), missing(7)), (1, 0));
    let file = rusqlite::Connection::open(folder.0.join("xunjian.db")).unwrap();
    let left: u32 =
        file.query_row("SELECT count(*) FROM definitions", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1 + 5, "the layout and the outputs of the last days");
}

#[test]
fn retention_keeps_the_word_that_was_in_force() {
    let folder = Folder::new();
    let store = folder.open();
    for (place, (secs, word)) in [(0, "ok"), (100, "failed"), (200, "ok")].iter().enumerate() {
        keep(&store, place as u64 + 1, &[with_state(run("md", *secs), word)]);
    }
    store.retain(at(150) + Duration::from_secs(400 * 86_400)).unwrap();
    let changes = store.state_changes(&agent(), None, at(0), at(1000)).unwrap();
    let seen: Vec<_> =
        changes.iter().map(|it| (it.at, it.from.as_deref(), it.to.as_str())).collect();
    assert_eq!(seen, [(at(100), None, "failed"), (at(200), Some("failed"), "ok")]);
    assert_eq!(store.states(&agent()).unwrap().len(), 1);
}

/// Cut anywhere between the blocks' commit and the drop of the window, compaction goes on where it was.
#[test]
fn a_crash_between_blocks_and_drop_counts_nothing_twice() {
    let folder = Folder::new();
    let store = folder.open();
    fill(&store, 0, 30, 1);
    let before = points(&store, "system.cpu.time", 0, 3600, HOUR);
    let copy = folder.0.join("xunjian.db");
    store.compact(at(WINDOW + 60)).unwrap();
    drop(store);
    // As if the table had not been dropped: rows again, but no host that wants them.
    let database = rusqlite::Connection::open(copy).unwrap();
    let hours = at(0).secs() / 3600;
    let sql = format!(
        "CREATE TABLE raw_{hours}(id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, before INTEGER,
         boot TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, received INTEGER NOT NULL,
         samples INTEGER NOT NULL, body BLOB NOT NULL);
         INSERT INTO raw_{hours} VALUES(1, 1, NULL, 'boot-1', 1, 0, 0, 0, x'00')"
    );
    database.execute_batch(&sql).unwrap();
    let store = folder.open();
    assert_eq!(store.compact(at(WINDOW + 60)).unwrap(), 1, "the orphan is dropped");
    assert_eq!(points(&store, "system.cpu.time", 0, 3600, HOUR), before);
    let left: u32 = database
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'raw_%'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(left, 0);
}

fn a_series() -> impl Strategy<Value = SeriesKey> {
    ("(hw\\.)?[ab]", 0_u8..3).prop_map(|(metric, disk)| SeriesKey {
        metric,
        component: ComponentId::new("disk", &disk.to_string()),
        attrs: Vec::new(),
    })
}

fn a_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        (-5_i64..5).prop_map(|value| value as f64),
        Just(-0.0),
    ]
}

/// Runs of three hours: sources at any millisecond, any of the series, any values.
fn some_runs() -> impl Strategy<Value = Vec<Run>> {
    let samples = prop::collection::btree_map(a_series(), a_value(), 0..5);
    let one = ("[pq]", 0_i64..3 * 3_600_000, samples).prop_map(|(source, millis, samples)| {
        let mut run = run(&source, 0);
        run.at = Time::from_millis(at(0).millis() + millis);
        run.samples = samples
            .into_iter()
            .map(|(series, value)| Sample { series: Arc::new(series), value })
            .collect();
        run
    });
    prop::collection::vec(one, 1..40).prop_map(|mut runs| {
        runs.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.source.cmp(&b.source)));
        runs.dedup_by(|a, b| a.at == b.at && a.source == b.source);
        runs
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn compaction_in_any_steps_equals_the_batches(runs in some_runs(), cut in 0_usize..40) {
        let folder = Folder::new();
        let store = folder.open();
        let sorted = |mut run: Run| {
            run.samples.sort_by(|a, b| a.series.cmp(&b.series));
            run
        };
        let cut = cut.min(runs.len());
        let mut sequence = 0;
        for part in [&runs[cut..], &runs[..cut]] {
            for runs in part.chunks(3) {
                sequence += 1;
                keep(&store, sequence, runs);
                judged(&store, sequence);
            }
            store.compact(at(30 * 3600)).unwrap();
            // The second part is late for the first one's windows.
        }
        let read: Vec<Run> = store
            .runs(&agent(), at(0), at(30 * 3600))
            .unwrap()
            .into_iter()
            .map(sorted)
            .collect();
        prop_assert_eq!(&read, &runs.iter().cloned().map(sorted).collect::<Vec<_>>());
        let mut series: Vec<_> = runs.iter().flat_map(|run| &run.samples).collect();
        series.sort_by(|a, b| a.series.cmp(&b.series));
        series.dedup_by(|a, b| a.series == b.series);
        for sample in series {
            let values: Vec<f64> = runs
                .iter()
                .flat_map(|run| &run.samples)
                .filter(|it| it.series == sample.series)
                .map(|it| it.value)
                .collect();
            let (from, to) = (at(0), at(30 * 3600));
            let hours = store.points(&agent(), &sample.series, from, to, HOUR).unwrap();
            let largest = values.iter().copied().fold(f64::MIN, f64::max);
            let smallest = values.iter().copied().fold(f64::MAX, f64::min);
            prop_assert_eq!(hours.iter().map(|it| it.max).fold(f64::MIN, f64::max), largest);
            prop_assert_eq!(hours.iter().map(|it| it.min).fold(f64::MAX, f64::min), smallest);
        }
    }
}
