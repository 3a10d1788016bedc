//! From what is stored to cases and back to the raw output; and what a host that falls silent leaves.

use std::sync::Arc;

use xunjian_collector::{
    classify::{Case, Grade},
    contract::Contracts,
    evaluate::library,
    pipeline::Pipeline,
    store::{Store, StoredBatch},
};
use xunjian_proto::{Component, ComponentId, Evidence, Run, Sample, SeriesKey, State};

use crate::store_kit::{Folder, agent, at, batch, facts, run};

fn array() -> ComponentId {
    ComponentId::new("md", "u1")
}

/// A look at an array of which this many members are missing, with the file that was read.
fn degraded(secs: i64, missing: u32) -> Run {
    let mut run = run("md", secs);
    run.components.push(Component {
        id: array(),
        name: "md0".to_owned(),
        attrs: [("system.device".to_owned(), "/dev/md0".to_owned())].into(),
        links: Vec::new(),
        set: None,
    });
    let key =
        SeriesKey { metric: "md.array.degraded".to_owned(), component: array(), attrs: Vec::new() };
    run.samples.push(Sample { series: Arc::new(key), value: f64::from(missing) });
    run.states.push(State {
        metric: "md.array.state".to_owned(),
        component: array(),
        value: "active".to_owned(),
    });
    run.evidence.push(Evidence {
        name: "/proc/mdstat".to_owned(),
        content: format!("md0 : {missing} missing"),
    });
    run
}

fn open(store: &Store) -> Pipeline {
    store.enrol(&agent(), &facts(), at(0)).unwrap();
    let contracts = Arc::new(Contracts::load(None).unwrap());
    Pipeline::open(store.clone(), Arc::new(library().0), contracts, at(0)).unwrap()
}

fn take(store: &Store, pipeline: &mut Pipeline, sequence: u64, secs: i64, runs: &[Run]) {
    let batch = StoredBatch { received: at(secs), ..batch(sequence, runs) };
    store.append(&[batch]).unwrap();
    pipeline.advance(at(secs)).unwrap();
}

fn open_cases(store: &Store) -> Vec<Case> {
    store.cases(None).unwrap().into_iter().filter(|it| it.closed_at.is_none()).collect()
}

#[test]
fn a_fact_leads_to_the_output_that_held_when_it_was_read() {
    let folder = Folder::new();
    let store = folder.open();
    let mut pipeline = open(&store);
    for step in 0..6_i64 {
        let runs = [degraded(step * 30, u32::from(step > 1))];
        take(&store, &mut pipeline, u64::try_from(step).unwrap() + 1, step * 30, &runs);
    }
    let cases = open_cases(&store);
    let case = cases.iter().find(|it| it.component == array()).unwrap();
    let input = &case.facts[0].inputs[0];
    let evidence = store.evidence(input.evidence.as_deref().unwrap()).unwrap().unwrap();
    assert_eq!(
        (evidence.name.as_str(), evidence.content.as_str()),
        ("/proc/mdstat", "md0 : 1 missing")
    );
}

#[test]
fn ten_minutes_of_silence_are_one_gap() {
    let folder = Folder::new();
    let store = folder.open();
    let mut pipeline = open(&store);
    let looks =
        |secs: i64| [degraded(secs, 0), run("host", secs), run("net", secs), run("block", secs)];
    for step in 0..4_i64 {
        take(&store, &mut pipeline, u64::try_from(step).unwrap() + 1, step * 30, &looks(step * 30));
    }
    assert_eq!(open_cases(&store), []);
    for minute in 2..=12 {
        pipeline.tick(at(minute * 60)).unwrap();
    }
    let cases = open_cases(&store);
    let top: Vec<_> = cases.iter().filter(|it| it.parent.is_none()).collect();
    assert_eq!(top.len(), 1, "{cases:#?}");
    assert_eq!((&top[0].component, top[0].decision.grade), (&ComponentId::host(), Grade::Blind));
    assert!(cases.len() > 1, "its sources stay listed");
    // It speaks again: the gap closes.
    take(&store, &mut pipeline, 9, 800, &looks(790));
    for minute in 14..=16 {
        take(
            &store,
            &mut pipeline,
            10 + minute,
            60 * i64::try_from(minute).unwrap(),
            &looks(60 * i64::try_from(minute).unwrap()),
        );
        pipeline.tick(at(60 * i64::try_from(minute).unwrap())).unwrap();
    }
    assert_eq!(open_cases(&store), []);
}

/// A host that comes and goes is told each time it goes.
#[test]
fn every_silence_is_told_not_only_the_first() {
    let folder = Folder::new();
    let store = folder.open();
    let mut pipeline = open(&store);
    let mut sequence = 0;
    let silent = |store: &Store| {
        open_cases(store)
            .iter()
            .any(|it| it.component == ComponentId::host() && it.parent.is_none())
    };
    // The last time the reading that ends the silence is the only one before the next.
    for (round, speaks) in [(0, 40), (1, 40), (2, 8), (3, 1), (4, 1)] {
        let begun = round * 3_600;
        for step in 0..speaks {
            let secs = begun + step * 30;
            sequence += 1;
            let looks =
                [degraded(secs, 0), run("host", secs), run("net", secs), run("block", secs)];
            take(&store, &mut pipeline, sequence, secs, &looks);
            pipeline.tick(at(secs)).unwrap();
        }
        assert!(!silent(&store), "round {round}: it speaks");
        for step in 0..30_i64 {
            pipeline.tick(at(begun + speaks * 30 + step * 60)).unwrap();
        }
        assert!(silent(&store), "round {round}: it is silent");
    }
}

/// A look at so many degraded arrays that their cases need more room than the last page of the store has.
fn many_degraded(secs: i64, missing: u32) -> Run {
    let mut all = degraded(secs, missing);
    for number in 2..100 {
        let id = ComponentId::new("md", &format!("u{number}"));
        let mut one = degraded(secs, missing);
        one.components[0].id = id.clone();
        let key = SeriesKey { component: id.clone(), ..(*one.samples[0].series).clone() };
        one.samples[0].series = Arc::new(key);
        one.states[0].component = id;
        all.components.append(&mut one.components);
        all.samples.append(&mut one.samples);
        all.states.append(&mut one.states);
    }
    all
}

#[test]
fn what_could_not_be_kept_on_a_full_disk_is_judged_again() {
    let folder = Folder::new();
    let store = folder.open();
    let mut pipeline = open(&store);
    take(&store, &mut pipeline, 1, 0, &[many_degraded(0, 0)]);
    for step in 1..6_u32 {
        let secs = i64::from(step) * 30;
        let runs = [many_degraded(secs, 1)];
        let batch = StoredBatch { received: at(secs), ..batch(u64::from(step) + 1, &runs) };
        store.append(&[batch]).unwrap();
    }
    store.limit_pages(1).unwrap();
    let failed = pipeline.advance(at(150));
    assert!(failed.is_err(), "{failed:?}: the disk was to be full");
    assert_eq!(open_cases(&store), []);
    store.limit_pages(1_000_000).unwrap();
    pipeline.advance(at(150)).unwrap();
    assert_eq!(open_cases(&store).iter().filter(|it| it.component.kind() == "md").count(), 99);
    assert!(store.unjudged(1).unwrap().is_empty());
}
