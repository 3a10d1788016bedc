//! What the store's tests share: a folder, a host and runs of it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use xunjian_collector::store::{AgentId, Appended, Store, StoredBatch};
use xunjian_proto::{
    ComponentId, Cost, HostFacts, Outcome, Run, Sample, SeriesKey, State, Time, wire,
};

/// A folder of its own that goes away with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.0).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// 2026-11-20T00:00:00Z, the start of a window.
pub(crate) const START: i64 = 1_795_132_800;

pub(crate) fn at(secs: i64) -> Time {
    Time::from_secs(START + secs)
}

pub(crate) fn agent() -> AgentId {
    AgentId("00112233445566778899aabbccddeeff".to_owned())
}

pub(crate) fn disk() -> ComponentId {
    ComponentId::new("disk", "ZA1")
}

pub(crate) fn key(metric: &str) -> SeriesKey {
    SeriesKey { metric: metric.to_owned(), component: disk(), attrs: Vec::new() }
}

pub(crate) fn run(source: &str, secs: i64) -> Run {
    Run {
        source: source.to_owned(),
        at: at(secs),
        took_ms: 7,
        outcome: Outcome::Collected,
        components: Vec::new(),
        samples: Vec::new(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: Cost::default(),
    }
}

pub(crate) fn with_sample(mut run: Run, metric: &str, value: f64) -> Run {
    run.samples.push(Sample { series: Arc::new(key(metric)), value });
    run
}

pub(crate) fn with_state(mut run: Run, value: &str) -> Run {
    run.states.push(State {
        metric: "hw.status".to_owned(),
        component: disk(),
        value: value.to_owned(),
    });
    run
}

pub(crate) fn batch(sequence: u64, runs: &[Run]) -> StoredBatch {
    let packed = wire::pack(runs).unwrap();
    StoredBatch {
        agent: agent(),
        boot_id: "boot-1".to_owned(),
        sequence,
        at: packed.first_at,
        until: packed.last_at,
        definitions: packed.definitions.into_iter().map(|it| (it.hash, it.body)).collect(),
        body: packed.body,
        samples: packed.samples,
        received: at(0),
    }
}

pub(crate) fn keep(store: &Store, sequence: u64, runs: &[Run]) {
    assert_eq!(store.append(&[batch(sequence, runs)]).unwrap(), [Appended::Stored]);
    store.absorb(&agent(), runs).unwrap();
}

pub(crate) fn counter(store: &Store, name: &str) -> u64 {
    store.counters().unwrap().into_iter().find(|it| it.0 == name).unwrap().1
}

pub(crate) fn facts() -> HostFacts {
    HostFacts {
        hostname: "node1".to_owned(),
        boot_id: "boot-1".to_owned(),
        agent_version: "0.1.0".to_owned(),
        attrs: Default::default(),
    }
}
