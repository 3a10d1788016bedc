//! The backtest: the short way judges as the long one does, days that cannot matter may be left out, tables of all years
//! are read, and the figures are what they say.

use std::{collections::BTreeMap, fs, io::Write, process::Command, sync::Arc};

use xunjian_agent::drives;
use xunjian_collector::{
    backtest::{
        csv,
        follow::{Alarms, Follower, Predictor},
        history::{ATTRIBUTES, Day, Drive, Histories, MISSING, Stretch, Values},
        run,
    },
    evaluate::{HostView, Overrides, Verdict, judge, library},
};
use xunjian_proto::{
    Component, ComponentId, Cost, HostFacts, Outcome, Run, Sample, SeriesKey, Time,
};
use xunjian_rules::{EvidenceKind, RuleSet};

use crate::{
    store_kit::{Folder, agent, at, keep, run as kit_run},
    support::{TempDir, program},
};

/// A small generator: the test needs many histories, not good randomness.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % limit
    }
}

/// A drive's life: counters that stand, rise, fall, are misread and vanish; days without a row.
fn life(dice: &mut Dice, number: u64) -> Drive {
    let model = ["ST4000DM000", "HGST HMS5C4040ALE640", "WDC WD30EFRX", "NEWBRAND 1"];
    let model = model[usize::try_from(dice.below(4)).unwrap()];
    let mut values: Values = [0; ATTRIBUTES.len() + 1];
    values[ATTRIBUTES.len()] = 100;
    if dice.below(3) == 0 {
        values[0] = dice.below(40);
        values[8] = dice.below(3) * 8;
    }
    if dice.below(6) == 0 {
        values[4] = MISSING;
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut day: Day = 16_000;
    let restless = dice.below(3);
    for _ in 0..dice.below(420) + 1 {
        day += if dice.below(40) == 0 { 2 + Day::try_from(dice.below(30)).unwrap() } else { 1 };
        let chance = [400, 60, 15][usize::try_from(restless).unwrap()];
        if dice.below(chance) == 0 {
            let at = [0, 1, 3, 4, 5, 8, 9][usize::try_from(dice.below(7)).unwrap()];
            values[at] = match dice.below(8) {
                0 => 0,
                1 => 65_535,
                2 => MISSING,
                _ => values[at].min(1 << 20) + dice.below(30),
            };
        }
        match stretches.last_mut() {
            Some(last) if last.last + 1 == day && last.values == values => last.last = day,
            _ => stretches.push(Stretch { first: day, last: day, values }),
        }
    }
    let family = drives::family(model);
    Drive { model: model.to_owned(), serial: format!("S{number}"), family, failed: None, stretches }
}

fn days(follower: &mut Follower, drive: &Drive) -> BTreeMap<Day, Alarms> {
    let mut found = BTreeMap::new();
    follower.follow(drive, &mut |first, last, alarms| {
        for day in first..=last {
            assert!(found.insert(day, alarms).is_none(), "{day} was told twice");
        }
    });
    found
}

/// What the host view says of the same days, fed with whole runs.
fn long_way(rules: &Arc<RuleSet>, drive: &Drive) -> BTreeMap<Day, BTreeMap<String, EvidenceKind>> {
    let id = ComponentId::new("disk", "other");
    let family = drive.family.map_or(drives::UNKNOWN, |it| it.name.as_str());
    let mut attrs = BTreeMap::from([(drives::FAMILY_ATTR.to_owned(), family.to_owned())]);
    attrs.extend(drive.family.map(|it| (drives::MAKER_ATTR.to_owned(), it.maker.clone())));
    let mut view = HostView::new(Arc::clone(rules));
    let mut found = BTreeMap::new();
    for stretch in &drive.stretches {
        for day in stretch.first..=stretch.last {
            for half in [0, 1_800] {
                let at = Time::from_secs(i64::from(day) * 86_400 + half);
                let samples = ATTRIBUTES.iter().zip(stretch.values).filter(|it| it.1 != MISSING);
                let run = Run {
                    source: "smart".to_owned(),
                    at,
                    took_ms: 1,
                    outcome: Outcome::Collected,
                    components: vec![Component {
                        id: id.clone(),
                        name: "sda".to_owned(),
                        attrs: attrs.clone(),
                        links: Vec::new(),
                        set: None,
                    }],
                    samples: samples
                        .map(|((_, metric), value)| Sample {
                            series: Arc::new(SeriesKey {
                                metric: (*metric).to_owned(),
                                component: id.clone(),
                                attrs: Vec::new(),
                            }),
                            value: f64::from(u32::try_from(value).unwrap()),
                        })
                        .collect(),
                    states: Vec::new(),
                    events: Vec::new(),
                    problems: Vec::new(),
                    evidence: Vec::new(),
                    cost: Cost::default(),
                };
                view.absorb(&run, &Overrides::default(), at);
            }
            let now = Time::from_secs(i64::from(day) * 86_400 + 1_800);
            let judged = judge(&view, &Overrides::default(), now);
            let fired = judged.into_iter().filter(|it| it.component == id);
            let fired = fired.filter_map(|it| match it.verdict {
                Verdict::Firing(fact) if fact.class == "media" => {
                    Some((it.rule.to_string(), fact.evidence))
                }
                _ => None,
            });
            found.insert(day, fired.collect());
        }
    }
    found
}

#[test]
fn the_short_way_judges_every_day_as_the_long_one_does() {
    let rules = Arc::new(library().0);
    let mut follower = Follower::new(&rules, true);
    let predictors = follower.predictors().to_vec();
    let mut dice = Dice(0x1234_5678_9abc);
    let mut fired = 0;
    for number in 0..40 {
        let drive = life(&mut dice, number);
        let short = days(&mut follower, &drive);
        let long = long_way(&rules, &drive);
        assert!(short.keys().eq(long.keys()), "not the same days");
        for (day, alarms) in short {
            let on = |wanted: &Predictor| {
                let at = predictors.iter().position(|it| it == wanted).unwrap();
                alarms >> at & 1 == 1
            };
            let expected = &long[&day];
            for predictor in &predictors {
                if let Predictor::Rule(id) = predictor {
                    assert_eq!(on(predictor), expected.contains_key(id), "{id} {day} {drive:?}");
                }
            }
            let any = |kinds: &[EvidenceKind]| expected.values().any(|it| kinds.contains(it));
            let (suspect, latent) = (EvidenceKind::Suspect, EvidenceKind::Latent);
            assert_eq!(on(&Predictor::Suspect), any(&[suspect]), "{day} {drive:?}");
            assert_eq!(on(&Predictor::Fault), any(&[suspect, latent]), "{day} {drive:?}");
            fired += expected.len();
        }
    }
    assert!(fired > 1_000, "only {fired} verdicts to compare");
}

#[test]
fn days_that_are_left_out_do_not_matter() {
    let rules = Arc::new(library().0);
    let (mut quick, mut whole) = (Follower::new(&rules, true), Follower::new(&rules, false));
    let mut dice = Dice(0xfeed_beef_1234);
    for number in 0..60 {
        let drive = life(&mut dice, number);
        assert_eq!(days(&mut quick, &drive), days(&mut whole, &drive), "{drive:?}");
    }
}

const TABLE: &str = "date,serial_number,model,capacity_bytes,failure,smart_5_raw,smart_188_raw,smart_197_raw,new_column
2016-03-26,A1,ST4000DM000,4000787030016,0,0,0,0,x
2016-03-26,B1,ST4000DM000,4000787030016,0,0,4295032833,0,x
2016-03-27,A1,ST4000DM000,4000787030016,0,0,0.0,48.0,x
2016-03-27,A1,ST4000DM000,4000787030016,0,0,0,48,x
2016-03-27,,ST4000DM000,4000787030016,0,9000,,9000,x
2016-03-27,B1,ST4000DM000,4000787030016,0,0,4295032833,,x
2016-03-28,A1,ST4000DM000,4000787030016,1,60000,0,60000,x
";

#[test]
fn repeated_and_nameless_rows_and_those_of_the_failure_day_are_left_out_and_counted() {
    let mut histories = Histories::default();
    csv::rows(TABLE.as_bytes(), &mut histories).unwrap();
    histories.finish();
    let left = histories.left;
    assert_eq!((left.repeated, left.without_serial, left.failure_day), (1, 1, 1));
    let outcome = run(&histories, &Arc::new(library().0), None);
    assert_eq!((outcome.counted.failed, outcome.counted.good, outcome.drive_days), (1, 1, 4));
    let line = |name: &str| outcome.lines.iter().find(|it| it.name == name).unwrap().clone();
    let fault = line("fault").figures;
    assert!((fault.caught[0].value - 1.0).abs() < 1e-9, "{fault:?}");
    assert_eq!((fault.caught[1].value, fault.lead), (0.0, Some(1)));
    let five = line("baseline:any-of-five").figures;
    assert!((five.standing - 1.0).abs() < 1e-9, "188 was taken apart: {five:?}");
    assert_eq!(fault.standing, 0.0);
}

#[test]
fn a_table_that_is_none_is_refused_with_what_was_wanted() {
    let error = csv::rows("a,b\n1,2\n".as_bytes(), &mut Histories::default()).unwrap_err();
    assert!(error.to_string().contains("serial_number"), "{error}");
}

/// Runs `backtest --format json` with these arguments.
fn told(args: &[&str]) -> serde_json::Value {
    let output = Command::new(program("xunjian-collector"))
        .args(["backtest", "--format", "json"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_command_reads_packed_files_and_folders() {
    let plain = told_of("csv", TABLE.as_bytes().to_vec());
    assert_eq!(plain["counted"]["failed"], 1);
    assert_eq!(plain["lines"][0]["name"], "fault");
    let zst = zstd::bulk::compress(TABLE.as_bytes(), 1).unwrap();
    assert_eq!(told_of("csv.zst", zst), plain);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(TABLE.as_bytes()).unwrap();
    assert_eq!(told_of("csv.gz", gz.finish().unwrap()), plain);
}

fn told_of(ending: &str, content: Vec<u8>) -> serde_json::Value {
    let dir = TempDir::new("backtest");
    fs::write(dir.path().join(format!("2016-03.{ending}")), content).unwrap();
    told(&["--drive-stats", dir.path().to_str().unwrap()])
}

#[test]
fn the_collectors_own_history_is_measured_like_a_table() {
    let folder = Folder::new();
    let store = folder.open();
    let facts = HostFacts {
        hostname: "a".to_owned(),
        boot_id: String::new(),
        agent_version: String::new(),
        attrs: BTreeMap::new(),
    };
    store.enrol(&agent(), &facts, at(0)).unwrap();
    for day in 0..20_i64 {
        let mut run = kit_run("smart", day * 86_400);
        let pending = if day < 10 { 0.0 } else { 24.0 };
        for (serial, value) in [("GOOD1", 0.0), ("BAD1", pending), ("", 9_999.0)] {
            let id = ComponentId::new("disk", serial);
            let attrs = [("hw.model", "ST4000DM000"), ("hw.serial_number", serial)];
            run.components.push(Component {
                id: id.clone(),
                name: "sda".to_owned(),
                attrs: attrs.map(|it| (it.0.to_owned(), it.1.to_owned())).into(),
                links: Vec::new(),
                set: None,
            });
            let metric = "hw.smart.pending_sectors".to_owned();
            let series = Arc::new(SeriesKey { metric, component: id, attrs: Vec::new() });
            run.samples.push(Sample { series, value });
        }
        keep(&store, u64::try_from(day).unwrap() + 1, &[run]);
    }
    drop(store);
    let failed = folder.0.join("failed.csv");
    // The first day is 2026-11-20.
    fs::write(&failed, "BAD1,2026-12-10\n").unwrap();
    let (folder, failed) = (folder.0.to_str().unwrap(), failed.to_str().unwrap());
    let json = told(&["--store", folder, "--failed", failed]);
    assert_eq!((&json["counted"]["failed"], &json["counted"]["good"]), (&1.into(), &1.into()));
    assert_eq!((&json["drive_days"], &json["left"]["without_serial"]), (&40.into(), &20.into()));
    let fault = &json["lines"][0];
    assert_eq!((&fault["caught"][1]["value"], &fault["lead"]), (&1.0.into(), &10.into()));
    assert_eq!(fault["false_alarms"]["value"], 0.0);
}

#[test]
fn days_on_which_nothing_was_read_are_no_days_and_failures_without_any_are_named() {
    let table = "\u{feff}date,serial_number,model,capacity_bytes,failure,smart_5_raw,smart_197_raw,datacenter
2024-01-01,N1,Micron 7300,-1,0,,,ams5
2024-01-01,A1,ST4000DM000,4000787030016,0,0,0,ams5
2024-01-02,N1,Micron 7300,-1,0,,,phx1
2024-01-02,A1,ST4000DM000,4000787030016,0,,,phx1
2024-01-03,N1,Micron 7300,-1,1,,,phx1
2024-01-03,A1,ST4000DM000,4000787030016,0,0,0,phx1
";
    let mut histories = Histories::default();
    csv::rows(table.as_bytes(), &mut histories).unwrap();
    histories.finish();
    let left = histories.left;
    assert_eq!((left.without_values, left.failed_unread, left.failure_day), (4, 1, 0));
    let outcome = run(&histories, &Arc::new(library().0), None);
    assert_eq!((outcome.counted.failed, outcome.counted.good, outcome.drive_days), (0, 1, 2));
    let said = xunjian_collector::backtest::text(&outcome, xunjian_rules::Lang::Zh);
    assert!(said.contains("4 没有任何读数"), "{said}");
    assert!(said.contains("未计入上面的失效盘，任何规则都无从预警）: 1"), "{said}");
}

#[test]
fn an_archive_unpacked_on_a_mac_is_read_and_one_not_unpacked_is_named() {
    let folder = TempDir::new("backtest-mac");
    fs::create_dir_all(folder.path().join("__MACOSX/data")).unwrap();
    fs::create_dir_all(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/2016-03-26.csv"), TABLE).unwrap();
    fs::write(folder.path().join("data/._2016-03-26.csv"), b"\x00\x05\x16\x07Mac OS X").unwrap();
    fs::write(folder.path().join("__MACOSX/data/2016-03-26.csv"), b"\x00\x05\x16\x07").unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(told(&["--drive-stats", path])["drive_days"], 4);
    let archive = folder.path().join("data.zip");
    fs::write(&archive, b"PK\x03\x04rest").unwrap();
    let error = csv::read(&[archive], &mut Histories::default()).unwrap_err();
    assert!(error.to_string().contains("zip archive: unpack it"), "{error}");
}
