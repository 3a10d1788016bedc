//! A drive beside the others of its set, the whole way: the array's source tells who they are, `block` how long they take.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_collector::evaluate::{HostView, Overrides, Verdict, judge, library};
use xunjian_proto::{
    Component, ComponentId, Cost, Member, MemberState, Outcome, Run, Sample, SeriesKey, Set, State,
    Time,
};

const MINUTE: i64 = 60;

fn disk(number: usize) -> ComponentId {
    ComponentId::new("disk", &format!("S{number}"))
}

fn component(id: ComponentId, set: Option<Set>) -> Component {
    let name = id.key().to_owned();
    Component { id, name, attrs: BTreeMap::new(), links: Vec::new(), set }
}

fn run(source: &str, secs: i64) -> Run {
    Run {
        source: source.to_owned(),
        at: Time::from_secs(1_700_000_000 + secs),
        took_ms: 1,
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

fn md(secs: i64, states: &[MemberState], action: &str) -> Run {
    let id = ComponentId::new("md", "uuid");
    let member = |(at, state): (usize, &MemberState)| Member {
        slot: None,
        component: Some(disk(at)),
        name: format!("sd{at}1"),
        state: *state,
    };
    let members: Vec<Member> = states.iter().enumerate().map(member).collect();
    let width = u32::try_from(members.len()).unwrap();
    let mut run = run("md", secs);
    let set = Set { scheme: "raid6".to_owned(), width, copies: 1, members };
    run.components.push(component(id.clone(), Some(set)));
    run.states.push(State {
        metric: "md.sync.action".to_owned(),
        component: id,
        value: action.to_owned(),
    });
    run
}

/// Every disk has made so many reads a minute, which took so many seconds each.
fn block(minute: i64, disks: &[(f64, f64)]) -> Run {
    let mut run = run("block", minute * MINUTE);
    #[allow(clippy::cast_precision_loss, reason = "minutes of a test")]
    let minutes = minute as f64;
    for (at, (reads, latency)) in disks.iter().enumerate() {
        run.components.push(component(disk(at), None));
        let values = [
            ("system.disk.operations", reads * minutes),
            ("system.disk.operation_time", reads * minutes * latency),
        ];
        run.samples.extend(values.map(|(metric, value)| Sample {
            series: Arc::new(SeriesKey {
                metric: metric.to_owned(),
                component: disk(at),
                attrs: vec![("disk.io.direction".to_owned(), "read".to_owned())],
            }),
            value,
        }));
    }
    run
}

/// Whether the first disk is called slow after two hours.
fn slow(states: &[MemberState], action: &str, disks: &[(f64, f64)]) -> bool {
    slow_in(&|secs| md(secs, states, action), disks)
}

/// The same in the sets that a source tells of.
fn slow_in(sets: &dyn Fn(i64) -> Run, disks: &[(f64, f64)]) -> bool {
    let mut view = HostView::new(Arc::new(library().0));
    for minute in 0..=120 {
        let mut runs = vec![block(minute, disks)];
        if minute % 5 == 0 {
            runs.insert(0, sets(minute * MINUTE - 1));
        }
        for run in runs {
            view.absorb(&run, &Overrides::default(), run.at);
        }
        if minute == 60 {
            // What is known of the set survives a restart.
            view = HostView::restore(Arc::clone(view.rules()), &view.save()).unwrap();
        }
    }
    let now = view.newest().unwrap();
    let judged = judge(&view, &Overrides::default(), now);
    judged.iter().any(|it| {
        let fires = matches!(it.verdict, Verdict::Firing(_));
        &*it.rule == "disk-slow-in-set" && it.component == disk(0) && fires
    })
}

const GOOD: [MemberState; 4] = [MemberState::Active; 4];
const BUSY: (f64, f64) = (600.0, 0.008);
const SLOW: (f64, f64) = (600.0, 0.060);

#[test]
fn a_drive_far_slower_than_the_others_of_its_set_is_a_suspect() {
    assert!(slow(&GOOD, "idle", &[SLOW, BUSY, BUSY, BUSY]));
}

#[test]
fn a_set_that_is_slow_as_a_whole_has_no_slow_member() {
    assert!(!slow(&GOOD, "idle", &[SLOW, (600.0, 0.05), (600.0, 0.04), BUSY]));
}

#[test]
fn nothing_is_compared_while_the_set_moves_data_by_itself() {
    let mut rebuilding = GOOD;
    rebuilding[3] = MemberState::Rebuilding;
    assert!(!slow(&rebuilding, "idle", &[SLOW, BUSY, BUSY, BUSY]));
    assert!(!slow(&GOOD, "check", &[SLOW, BUSY, BUSY, BUSY]));
}

#[test]
fn a_single_other_and_idle_others_are_nobody_to_compare_with() {
    assert!(!slow(&GOOD[..2], "idle", &[SLOW, BUSY, BUSY, BUSY]));
    // 30 reads in half an hour say nothing of a disk.
    assert!(!slow(&GOOD, "idle", &[SLOW, (1.0, 0.008), (1.0, 0.008), BUSY]));
}

#[test]
fn drives_of_other_sets_and_of_none_are_no_peers() {
    // The last two work hard, but the array knows only the first two.
    let three = [MemberState::Active, MemberState::Active, MemberState::Spare, MemberState::Failed];
    assert!(!slow(&three, "idle", &[SLOW, BUSY, BUSY, BUSY]));
}

/// A group in a pool that does this.
fn zfs(secs: i64, scan: &str) -> Run {
    let (group, tank) =
        (ComponentId::new("vdev", "tank/raidz2-0"), ComponentId::new("zpool", "tank"));
    let member = |id: ComponentId| Member {
        slot: None,
        name: id.key().to_owned(),
        component: Some(id),
        state: MemberState::Active,
    };
    let set = |scheme: &str, members: Vec<Member>| {
        let width = u32::try_from(members.len()).unwrap();
        Some(Set { scheme: scheme.to_owned(), width, copies: 1, members })
    };
    let mut run = run("zfs", secs);
    let disks = (0..4).map(|it| member(disk(it))).collect();
    run.components.push(component(group.clone(), set("raidz2", disks)));
    run.components.push(component(tank.clone(), set("raid0", vec![member(group)])));
    run.states.push(State {
        metric: "zfs.pool.scan".to_owned(),
        component: tank,
        value: scan.to_owned(),
    });
    run
}

#[test]
fn nothing_is_compared_while_the_pool_above_the_set_scrubs_or_resilvers() {
    let disks = [SLOW, BUSY, BUSY, BUSY];
    assert!(slow_in(&|secs| zfs(secs, "idle"), &disks));
    for scan in ["scrub", "resilver"] {
        assert!(!slow_in(&|secs| zfs(secs, scan), &disks), "{scan}");
    }
}
