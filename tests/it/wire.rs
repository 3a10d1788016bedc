//! The packed form: round trips, hostile bytes, limits, and a batch of the first version that must stay readable.

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc};

use proptest::prelude::*;
use xunjian_proto::{
    Component, ComponentId, Cost, Event, Evidence, Link, Member, MemberState, Outcome, Problem,
    Reason, Relation, Run, Sample, SeriesKey, Set, State, Time, check,
    wire::{self, Definition, Dictionary, Hash, Known, Packed, WireError},
};

/// One run of every kind of thing that a run can hold.
pub(crate) fn full_run(at: Time, tick: u32) -> Run {
    let disk = ComponentId::new("disk", "WD-1234");
    let series = |metric: &str, attrs: &[(&str, &str)]| {
        let attrs = attrs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Arc::new(SeriesKey { metric: metric.into(), component: disk.clone(), attrs })
    };
    Run {
        source: "smart".into(),
        at,
        took_ms: 120 + tick,
        outcome: Outcome::Collected,
        components: components(&disk),
        samples: vec![
            Sample { series: series("hw.temperature", &[]), value: 36.5 + f64::from(tick % 3) },
            Sample {
                series: series("system.disk.io", &[("disk.io.direction", "read")]),
                value: 1e12 + f64::from(tick) * 4096.0,
            },
            Sample { series: series("system.disk.utilization", &[]), value: f64::from(tick) / 7.0 },
        ],
        states: vec![State {
            metric: "hw.status".into(),
            component: disk.clone(),
            value: "ok".into(),
        }],
        events: vec![Event {
            kind: "kernel.io_error.medium".into(),
            component: disk.clone(),
            at,
            text: format!("blk_update_request: critical medium error, tick {tick}"),
            attrs: [("sector".to_owned(), tick.to_string())].into(),
        }],
        problems: vec![Problem {
            reason: Reason::Asleep,
            component: Some(disk),
            text: "the disk sleeps".into(),
        }],
        evidence: vec![Evidence {
            name: "smartctl --json --xall /dev/sda".into(),
            content: "{ \"smart\": true }".into(),
        }],
        cost: Cost {
            cpu_us: 900,
            read_bytes: 4096,
            programs: vec![("smartctl --json --xall".into(), 110)],
        },
    }
}

fn components(disk: &ComponentId) -> Vec<Component> {
    vec![
        Component {
            id: disk.clone(),
            name: "sda".into(),
            attrs: [("hw.model".to_owned(), "某某 4TB".to_owned())].into(),
            links: vec![Link { relation: Relation::Via, to: ComponentId::host() }],
            set: None,
        },
        Component {
            id: ComponentId::new("md", "a1b2"),
            name: "md0".into(),
            attrs: Default::default(),
            links: vec![Link { relation: Relation::On, to: disk.clone() }],
            set: Some(Set {
                scheme: "raid5".into(),
                width: 3,
                copies: 1,
                members: vec![
                    Member {
                        slot: Some(0),
                        component: Some(disk.clone()),
                        name: "sda1".into(),
                        state: MemberState::Active,
                    },
                    Member {
                        slot: None,
                        component: None,
                        name: String::new(),
                        state: MemberState::Missing,
                    },
                ],
            }),
        },
    ]
}

pub(crate) fn full_runs(ticks: u32) -> Vec<Run> {
    let at = |tick: u32| Time::from_millis(1_790_000_000_000 + i64::from(tick) * 10_007);
    let mut runs: Vec<Run> = (0..ticks).map(|tick| full_run(at(tick), tick)).collect();
    let bare = |source: &str, outcome| Run {
        source: source.into(),
        outcome,
        components: vec![],
        samples: vec![],
        states: vec![],
        events: vec![],
        problems: vec![],
        evidence: vec![],
        cost: Cost::default(),
        ..full_run(at(1), 1)
    };
    runs.insert(0, bare("md", Outcome::Absent("no /proc/mdstat".into())));
    runs.push(bare("net", Outcome::Failed("no answer".into())));
    runs.push(bare("fs", Outcome::Stuck));
    runs.push(bare("smart", Outcome::Deferred("the host is loaded".into())));
    runs
}

pub(crate) fn learnt(packed: &Packed) -> HashMap<Hash, Known> {
    let learn = |it: &Definition| (it.hash, wire::learn(it).unwrap());
    packed.definitions.iter().map(learn).collect()
}

fn there_and_back(runs: &[Run]) -> Packed {
    let packed = wire::pack(runs).unwrap();
    let known = learnt(&packed);
    let back = wire::unpack(&packed.body, &|hash| known.get(hash).cloned()).unwrap();
    assert_eq!(runs, back);
    packed
}

#[test]
fn runs_come_back_as_they_were() {
    let packed = there_and_back(&full_runs(6));
    assert_eq!(packed.samples, 18);
    assert_eq!(packed.first_at, Time::from_millis(1_790_000_000_000));
    // A layout, an inventory and a raw output, each once for six runs.
    assert_eq!(packed.definitions.len(), 3);
    there_and_back(&[]);
}

#[test]
fn what_the_other_side_knows_is_not_packed_again() {
    let first = wire::pack(&full_runs(2)).unwrap();
    let known = learnt(&first);
    let second = wire::pack_new(&full_runs(3), &|hash| known.contains_key(hash)).unwrap();
    assert!(second.definitions.is_empty());
    assert!(wire::unpack(&second.body, &|hash| known.get(hash).cloned()).is_ok());
}

#[test]
fn a_missing_definition_is_named() {
    let packed = wire::pack(&full_runs(2)).unwrap();
    let Err(WireError::Missing(hashes)) = wire::unpack(&packed.body, &|_| None) else {
        panic!("unpacked without definitions")
    };
    let expected: Vec<Hash> = packed.definitions.iter().map(|it| it.hash).collect();
    assert_eq!(hashes, expected);
}

#[test]
fn steady_ticks_cost_at_most_two_bytes_a_sample() {
    // 300 series like a real host's: a third constant, a third counters, a third ratios with a few places.
    let keys: Vec<Arc<SeriesKey>> = (0..300)
        .map(|at| {
            let component = ComponentId::new("disk", &format!("serial-{at}"));
            Arc::new(SeriesKey { metric: "system.disk.io".into(), component, attrs: vec![] })
        })
        .collect();
    let tick = |tick: u32| {
        let value = |at: usize| match (at % 3, at as u32) {
            (0, at) => f64::from(at),
            (1, at) => f64::from(at * 100_000 + tick * (at * 37 % 4096)),
            (_, at) => f64::from((at * 31 + tick * tick * 17) % 1000) / 1000.0,
        };
        let samples = keys.iter().enumerate();
        let samples = samples.map(|(at, key)| Sample { series: key.clone(), value: value(at) });
        let at = Time::from_secs(1_790_000_000 + i64::from(tick) * 10);
        let blank = full_runs(0).remove(0);
        Run {
            source: "block".into(),
            outcome: Outcome::Collected,
            at,
            samples: samples.collect(),
            ..blank
        }
    };
    let runs: Vec<Run> = (0..6).map(tick).collect();
    let packed = there_and_back(&runs);
    let per_sample = packed.body.len() as f64 / f64::from(packed.samples);
    assert!(per_sample <= 2.0, "{per_sample} bytes a sample");
}

#[test]
fn the_id_of_evidence_names_its_definition() {
    let run = full_run(Time::from_secs(1_790_000_000), 0);
    let packed = wire::pack(std::slice::from_ref(&run)).unwrap();
    let id = wire::evidence_id(&run.evidence[0]);
    assert_eq!(id.len(), 64);
    let hex = |hash: &Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(packed.definitions.iter().any(|it| id.starts_with(&hex(&it.hash))));
}

#[test]
fn a_definition_that_is_not_what_its_hash_says_is_refused() {
    let packed = wire::pack(&full_runs(1)).unwrap();
    let forged =
        Definition { hash: packed.definitions[0].hash, body: packed.definitions[1].body.clone() };
    assert_eq!(wire::learn(&forged).unwrap_err().kind(), "malformed");
}

/// Ten thousand cut and flipped bodies and definitions: an error or a value, never a panic.
#[test]
fn damaged_bytes_are_refused_or_give_a_valid_value() {
    let packed = wire::pack(&full_runs(6)).unwrap();
    let known = learnt(&packed);
    let plain = zstd_plain(&packed.body);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let (mut refused, mut taken) = (0, 0);
    for round in 0..10_000 {
        // Flips inside the frame are mostly caught by zstd; flips of the plain bytes reach the decoder.
        let mut body = if round % 2 == 0 { packed.body.clone() } else { plain.clone() };
        match next(3) {
            0 => body.truncate(next(body.len())),
            1 => body.extend((0..next(40)).map(|_| 0x1a)),
            _ => (0..=next(3)).for_each(|_| {
                let at = next(body.len());
                body[at] ^= 1 << next(8);
            }),
        }
        let body = if round % 2 == 0 { body } else { zstd_frame(&body) };
        match wire::unpack(&body, &|hash| known.get(hash).cloned()) {
            Ok(runs) => {
                taken += 1;
                runs.iter().for_each(|run| check::run(run).unwrap());
            }
            Err(_) => refused += 1,
        }
        let mut definition = packed.definitions[next(3)].clone();
        let at = next(definition.body.len());
        definition.body[at] ^= 1 << next(8);
        let _ = wire::learn(&definition);
    }
    assert!(refused > 5_000 && taken > 10, "{refused} refused, {taken} taken");
}

fn zstd_plain(body: &[u8]) -> Vec<u8> {
    zstd::bulk::decompress(body, check::UNPACKED_BYTES_MAX).unwrap()
}

fn zstd_frame(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 1).unwrap()
}

#[test]
fn a_small_body_cannot_unpack_to_much() {
    let huge = zstd_frame(&vec![0; check::UNPACKED_BYTES_MAX + 1]);
    assert!(huge.len() < 10_000);
    assert_eq!(wire::open(&huge).unwrap_err().kind(), "too_large");
    // Empty groups: two bytes each, some 300 in memory.
    let groups = zstd_frame(&[0x1a, 0x00].repeat(8 * 1024 * 1024));
    assert_eq!(wire::open(&groups).unwrap_err().kind(), "too_large");
}

#[test]
fn a_large_definition_cannot_be_repeated_without_end() {
    let mut run = full_run(Time::from_secs(1_790_000_000), 0);
    run.evidence = vec![Evidence { name: "x".into(), content: "y".repeat(250_000) }; 1000];
    assert_eq!(wire::pack(&[run]).unwrap_err().kind(), "too_large");
}

#[test]
fn values_and_names_outside_their_bounds_are_refused() {
    let refuses = |change: fn(&mut Run), kind: &str| {
        let mut run = full_run(Time::from_secs(1_790_000_000), 0);
        change(&mut run);
        assert_eq!(wire::pack(&[run]).unwrap_err().kind(), kind);
    };
    refuses(|run| run.samples[0].value = f64::NAN, "bad_value");
    refuses(|run| run.samples[0].value = f64::INFINITY, "bad_value");
    refuses(|run| run.source = "with space".into(), "bad_value");
    refuses(|run| run.source = "s".repeat(200), "too_large");
    refuses(|run| Arc::make_mut(&mut run.samples[0].series).metric.clear(), "bad_value");
    refuses(
        |run| {
            Arc::make_mut(&mut run.samples[0].series).attrs =
                vec![("b".into(), "1".into()), ("a".into(), "2".into())];
        },
        "bad_value",
    );
    refuses(|run| run.problems[0].text = "t".repeat(100_000), "too_large");
    refuses(|run| run.events[0].component = ComponentId::parse(""), "bad_value");
}

#[test]
fn times_before_2000_and_after_tomorrow_are_refused() {
    let now = Time::from_secs(1_790_000_000);
    let at = |secs| check::times(&[full_run(Time::from_secs(secs), 0)], now);
    assert!(at(1_790_000_000 + 23 * 3600).is_ok());
    assert_eq!(at(1_790_000_000 + 25 * 3600).unwrap_err().kind(), "bad_time");
    assert_eq!(at(100).unwrap_err().kind(), "bad_time");
    assert!(at(946_684_800).is_ok());
}

#[test]
fn a_dictionary_forgets_the_oldest() {
    let mut dictionary = Dictionary::default();
    let known = wire::learn(&wire::pack(&full_runs(1)).unwrap().definitions[0]).unwrap();
    let hash = |at: u32| {
        let mut hash = Hash::default();
        hash[..4].copy_from_slice(&at.to_le_bytes());
        hash
    };
    for at in 0..check::LAYOUTS_MAX as u32 + 10 {
        dictionary.insert(hash(at), known.clone());
    }
    assert!(dictionary.len() <= check::LAYOUTS_MAX);
    assert!(dictionary.get(&hash(0)).is_none());
    assert!(dictionary.get(&hash(check::LAYOUTS_MAX as u32 + 9)).is_some());
}

/// A batch as version 0.1.0 wrote it. Never rewrite it: old agents send such batches for years.
#[test]
fn a_batch_of_the_first_version_still_unpacks() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire/v1");
    let bytes = fs::read(folder.join("batch.bin")).unwrap();
    let mut known = HashMap::new();
    let mut rest = &bytes[..];
    let mut part = || {
        let (length, tail) = rest.split_at(4);
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let (part, tail) = tail.split_at(length);
        rest = tail;
        part.to_vec()
    };
    let body = part();
    for _ in 0..3 {
        let definition = Definition { hash: part().try_into().unwrap(), body: part() };
        known.insert(definition.hash, wire::learn(&definition).unwrap());
    }
    let runs = wire::unpack(&body, &|hash| known.get(hash).cloned()).unwrap();
    let expect = fs::read_to_string(folder.join("expect.json")).unwrap();
    assert_eq!(serde_json::to_string_pretty(&runs).unwrap(), expect.trim_end());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_values_and_times_come_back(
        ticks in prop::collection::vec(
            (0_i64..4_000_000_000_000, 0_u32.., prop::num::u64::ANY, value_rows()), 0..8),
    ) {
        let runs: Vec<Run> = ticks.into_iter().map(|(at, took_ms, cost, values)| {
            let blank = full_runs(0).remove(0);
            let mut run = full_run(Time::from_millis(at), 0);
            run.took_ms = took_ms;
            run.cost.cpu_us = cost;
            for (sample, value) in run.samples.iter_mut().zip(values) {
                sample.value = value;
            }
            if took_ms % 5 == 0 { Run { at: run.at, ..blank } } else { run }
        }).collect();
        there_and_back(&runs);
    }
}

fn value_rows() -> impl Strategy<Value = Vec<f64>> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let any = (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO)
        .prop_filter("finite", |value| value.is_finite());
    let value = prop_oneof![
        any,
        (-1_000_000_i32..1_000_000).prop_map(f64::from),
        (0_u32..100_000).prop_map(|value| f64::from(value) / 1000.0),
    ];
    prop::collection::vec(value, 3)
}
