//! What the store costs, on readings of a real host: ingest, absorb, compaction, queries. Prints tables; wall times
//! depend on who else uses the machine, CPU times do not.
//!
//! `cargo bench -p xunjian-collector --bench store`. The recording (`host.tsv.zst`, see ORIGIN beside it) has 720
//! readings of 300 series; other hosts are its clones with their counters moved, so nothing is compressed across hosts.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]
#![allow(clippy::unwrap_used, reason = "a benchmark that fails ends")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

use std::{fs, path::Path, time::Duration};

use xunjian_collector::store::{AgentId, Judged, Store, StoredBatch};
use xunjian_proto::{HostFacts, Run, Time, wire};

use recording::{Recording, SERIES};

mod recording;

const GROUP: usize = 50;
const START: i64 = 1_795_132_800;

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-store");
    let _ = fs::remove_dir_all(&folder);
    let recording = Recording::load();
    ingest(&folder.join("ingest"), &recording);
    compact(&folder.join("compact"), &recording);
    long_ago(&folder.join("rollups"), &recording);
    fs::remove_dir_all(&folder).unwrap();
}

fn agent(host: usize) -> AgentId {
    AgentId(format!("{host:032x}"))
}

fn batch(host: usize, sequence: usize, runs: &[Run]) -> StoredBatch {
    let packed = wire::pack(runs).unwrap();
    let first = sequence == 1;
    StoredBatch {
        agent: agent(host),
        boot_id: "boot".to_owned(),
        sequence: sequence as u64,
        at: packed.first_at,
        until: packed.last_at,
        definitions: packed
            .definitions
            .into_iter()
            .filter(|_| first)
            .map(|it| (it.hash, it.body))
            .collect(),
        body: packed.body,
        samples: packed.samples,
        received: packed.first_at,
    }
}

fn at(tick: usize, seconds: usize) -> Time {
    Time::from_secs(START + (tick * seconds) as i64)
}

/// CPU of this thread, seconds.
fn cpu() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Bytes that this process had written to the disk.
fn written() -> f64 {
    let text = fs::read_to_string("/proc/self/io").unwrap();
    let line = text.lines().find(|line| line.starts_with("write_bytes")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What `work` took: CPU seconds, wall seconds, bytes written.
fn measure<T>(work: impl FnOnce() -> T) -> (T, f64, f64, f64) {
    #[allow(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
    let wall = std::time::Instant::now();
    let (before, bytes) = (cpu(), written());
    let done = work();
    (done, cpu() - before, wall.elapsed().as_secs_f64(), written() - bytes)
}

fn ingest(folder: &Path, recording: &Recording) {
    let store = Store::open(folder).unwrap();
    let (hosts, ticks) = (1000, 60);
    for host in 0..hosts {
        let attrs = Default::default();
        let facts = HostFacts {
            hostname: format!("host{host}"),
            boot_id: "boot".to_owned(),
            agent_version: "0".to_owned(),
            attrs,
        };
        store.enrol(&agent(host), &facts, at(0, 10)).unwrap();
    }
    println!("ingest: {hosts} agents, {SERIES} samples a batch, {GROUP} batches a commit, synced");
    println!(
        "{:<26}{:>14}{:>14}{:>16}{:>14}",
        "", "samples/CPU-s", "CPU us/sample", "written B/sample", "wall s"
    );
    let (mut append, mut absorb, mut judge) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    let mut body = 0;
    for tick in 0..ticks {
        for first in (0..hosts).step_by(GROUP) {
            let group = first..first + GROUP;
            let runs: Vec<(AgentId, Vec<Run>)> = group
                .clone()
                .map(|host| (agent(host), vec![recording.run(host, tick, at(tick, 10))]))
                .collect();
            let batches: Vec<StoredBatch> =
                group.zip(&runs).map(|(host, (_, runs))| batch(host, tick + 1, runs)).collect();
            body += batches.iter().map(|batch| batch.body.len()).sum::<usize>();
            add(&mut append, measure(|| store.append(&batches).unwrap()));
            let told: Vec<_> = runs.iter().map(|(agent, runs)| (agent, runs.as_slice())).collect();
            add(&mut absorb, measure(|| store.absorb_many(&told).unwrap()));
            let upto = batches.iter().map(|it| (it.agent.clone(), it.sequence)).collect();
            let judged = Judged { upto, ..Judged::default() };
            add(&mut judge, measure(|| store.commit_judged(&judged).unwrap()));
        }
    }
    let samples = (hosts * ticks * SERIES) as f64;
    for (name, sum) in [("append", append), ("absorb", absorb), ("mark as judged", judge)] {
        let [cpu, wall, bytes] = sum;
        let (rate, each, bytes) = (samples / cpu, cpu * 1e6 / samples, bytes / samples);
        println!("{name:<26}{rate:>14.0}{each:>14.3}{bytes:>16.2}{wall:>14.1}");
    }
    println!("packed on the wire: {:.2} B/sample\n", body as f64 / samples);
}

fn add<T>(sum: &mut [f64; 3], it: (T, f64, f64, f64)) {
    sum[0] += it.1;
    sum[1] += it.2;
    sum[2] += it.3;
}

/// Appends `ticks` runs of some hosts, `each` runs a batch, taken in and judged as in a running collector.
fn fill(
    store: &Store,
    recording: &Recording,
    hosts: usize,
    ticks: usize,
    seconds: usize,
    each: usize,
) {
    for host in 0..hosts {
        let ticks: Vec<usize> = (0..ticks).collect();
        let mut batches = Vec::new();
        for (place, ticks) in ticks.chunks(each).enumerate() {
            let runs: Vec<Run> =
                ticks.iter().map(|tick| recording.run(host, *tick, at(*tick, seconds))).collect();
            batches.push(batch(host, place + 1, &runs));
            store.absorb(&agent(host), &runs).unwrap();
        }
        for group in batches.chunks(200) {
            store.append(group).unwrap();
        }
        let upto = vec![(agent(host), batches.len() as u64)];
        store.commit_judged(&Judged { upto, ..Judged::default() }).unwrap();
    }
}

fn compact(folder: &Path, recording: &Recording) {
    let store = Store::open(folder).unwrap();
    let hosts = 20;
    // Agents gather for a minute by default.
    fill(&store, recording, hosts, 720, 10, 6);
    let hour = |from: usize| (at(from, 10), at(from + 360, 10));
    println!("one host, {SERIES} series over one hour, every reading");
    let read = |store: &Store, what: &str, host: usize| {
        let (from, to) = hour(200);
        let (points, cpu, ..) = measure(|| {
            let each = recording.series.iter().map(|series| {
                store.points(&agent(host), series, from, to, Duration::from_secs(1)).unwrap().len()
            });
            each.sum::<usize>()
        });
        println!("{what:<40}{:>10.2} ms CPU{points:>12} points", cpu * 1e3);
    };
    read(&store, "from raw batches, first time", 1);
    read(&store, "from raw batches, again", 1);
    let alone = Store::open(&folder.join("alone")).unwrap();
    fill(&alone, recording, 2, 720, 10, 1);
    read(&alone, "from batches of one reading, first time", 1);
    let (_, cpu, wall, bytes) = measure(|| store.compact(at(2000, 10)).unwrap());
    read(&store, "from a block, first time", 2);
    read(&store, "from a block, again", 2);
    let database = rusqlite::Connection::open(folder.join("xunjian.db")).unwrap();
    let sum = |table: &str| -> f64 {
        let sql = format!("SELECT sum(length(body)) FROM {table}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let samples = (hosts * 720 * SERIES) as f64;
    println!("\ncompaction: {hosts} hosts, 720 x {SERIES}");
    println!("{:<40}{:>10.3} B/sample", "blocks", sum("blocks") / samples);
    println!(
        "{:<40}{:>10.3} B/sample",
        "hourly sums until the day's merge",
        sum("rollup_parts") / samples
    );
    println!("{:<40}{:>10.3} us CPU/sample", "all", cpu * 1e6 / samples);
    println!("{:<40}{:>10.3} B/sample", "written", bytes / samples);
    println!("{:<40}{wall:>10.1} s wall\n", "");
}

fn long_ago(folder: &Path, recording: &Recording) {
    let store = Store::open(folder).unwrap();
    let (hosts, days) = (10, 90);
    // A reading every twenty minutes: the sums are as many, and as uneven, as with one every ten seconds.
    fill(&store, recording, hosts, days * 72, 1200, 6);
    store.compact(at(days * 72 + 100, 1200)).unwrap();
    let store = Store::open(folder).unwrap();
    let (from, to) = (at(0, 1200), at(days * 72, 1200));
    let (points, cpu, ..) = measure(|| {
        let mut points = 0;
        for host in 0..hosts {
            // Ten series far from each other: as much to read as ten hosts.
            for place in (0..SERIES).step_by(SERIES / 10) {
                let series = &recording.series[place];
                let hourly = Duration::from_secs(3600);
                points += store.points(&agent(host), series, from, to, hourly).unwrap().len();
            }
        }
        points
    });
    let database = rusqlite::Connection::open(folder.join("xunjian.db")).unwrap();
    let sums: f64 =
        database.query_row("SELECT sum(length(body)) FROM rollups", [], |row| row.get(0)).unwrap();
    println!("90 days of hourly means, {hosts} hosts x 10 series");
    println!("{:<40}{:>10.2} ms CPU{points:>12} points", "", cpu * 1e3);
    println!(
        "{:<40}{:>10.2} B per series and hour",
        "hourly sums, merged",
        sums / (hosts * days * 24 * SERIES) as f64
    );
}
