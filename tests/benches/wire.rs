//! Bytes on the wire for this machine's own readings: `cargo bench -p xunjian-tests --bench wire [-- SECONDS]`.
//!
//! Reads the sources that run every ten seconds for as long as told (ten minutes), in their real rhythm, and packs the
//! ticks as the agent does. No test: the figures depend on the machine.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

use std::{
    collections::HashSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use xunjian_agent::{
    clock,
    config::Config,
    host::{Allowed, Live},
    inspect::inspect_with,
    sources,
};
use xunjian_proto::{Run, wire};

const TICK: Duration = Duration::from_secs(10);

fn main() {
    let seconds = std::env::args().filter_map(|it| it.parse::<u64>().ok()).next().unwrap_or(600);
    let often: Vec<_> = sources::ALL.iter().filter(|it| it.every <= TICK).copied().collect();
    let ticks = (seconds / TICK.as_secs()).max(2);
    println!("{} sources, {ticks} ticks of {} s", often.len(), TICK.as_secs());
    // One host, as in a running agent: the kernel's log is told once.
    let host = Arc::new(Live::new(Allowed::of(sources::ALL)));
    let begun = Instant::now();
    let mut read: Vec<Vec<Run>> = Vec::new();
    for tick in 0..ticks {
        let due = TICK * u32::try_from(tick).unwrap_or(u32::MAX);
        thread::sleep(due.saturating_sub(begun.elapsed()));
        let now = clock::now();
        read.push(
            inspect_with(&often, host.clone(), &Config::default(), now, None, &mut |_| {}).runs,
        );
    }
    println!(
        "{:>14} {:>9} {:>12} {:>12} {:>16}",
        "ticks a batch", "samples", "bytes", "defined", "bytes a sample"
    );
    for together in [1, 3, 6, 12] {
        let (mut samples, mut bodies, mut defined) = (0_u64, 0, 0);
        let mut known = HashSet::new();
        for ticks in read.chunks(together) {
            let runs: Vec<Run> = ticks.concat();
            let packed = match wire::pack_new(&runs, &|hash| known.contains(hash)) {
                Ok(packed) => packed,
                Err(error) => {
                    println!("cannot pack: {error}");
                    return;
                }
            };
            samples += u64::from(packed.samples);
            bodies += packed.body.len();
            for definition in packed.definitions {
                defined += definition.body.len();
                known.insert(definition.hash);
            }
        }
        let per_sample = bodies as f64 / samples.max(1) as f64;
        println!("{together:>14} {samples:>9} {bodies:>12} {defined:>12} {per_sample:>16.2}");
    }
}
