//! A stored period judged again gives the same cases, decision records and tickets, to the byte: twice replayed, and live
//! against replayed, however the runs were cut into batches and whichever host's came first.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use xunjian_collector::{
    contract::{Asset, Contract, Contracts, Site},
    evaluate::library,
    pipeline::Pipeline,
    replay::{Recorded, Replay},
    store::{AgentId, Store, StoredBatch},
};
use xunjian_proto::{
    Component, ComponentId, Event, Evidence, HostFacts, Link, Member, MemberState, Outcome,
    Problem, Reason, Relation, Run, Sample, SeriesKey, Set, State, Time,
};
use xunjian_rules::RuleSet;

use crate::store_kit::{Folder, at, batch, run};

const HOSTS: usize = 4;
/// Looks at each host, half a minute apart.
const LOOKS: i64 = 90;

fn name(host: usize) -> String {
    format!("node{host}")
}

fn agent(host: usize) -> AgentId {
    AgentId(format!("{:032x}", host + 1))
}

fn contracts() -> Contracts {
    let mut contract = Contract::default();
    contract.sites.insert("dc1".to_owned(), Site::default());
    for host in 0..HOSTS {
        let asset = Asset { site: "dc1".to_owned(), ..Asset::default() };
        contract.assets.insert(name(host), asset);
    }
    Contracts::only(contract)
}

fn sample(run: &mut Run, metric: &str, component: &ComponentId, value: f64) {
    let key =
        SeriesKey { metric: metric.to_owned(), component: component.clone(), attrs: Vec::new() };
    run.samples.push(Sample { series: Arc::new(key), value });
}

/// Two disks in a mirror; what one of them is like comes from the story.
fn array(secs: i64, lost: bool) -> Run {
    use MemberState::{Active, Failed};
    let mut run = run("md", secs);
    let (id, states) = (ComponentId::new("md", "u1"), [Active, if lost { Failed } else { Active }]);
    let members = states.iter().enumerate().map(|(index, state)| Member {
        slot: u32::try_from(index).ok().filter(|_| *state == Active),
        component: Some(ComponentId::new("disk", &format!("S{index}"))),
        name: format!("sd{index}"),
        state: *state,
    });
    let set = Set { scheme: "raid1".to_owned(), width: 2, copies: 2, members: members.collect() };
    let part = |id: ComponentId, name: &str, on: &[&ComponentId], set| Component {
        id,
        name: name.to_owned(),
        attrs: BTreeMap::new(),
        links: on.iter().map(|to| Link { relation: Relation::On, to: (*to).clone() }).collect(),
        set,
    };
    run.components.push(part(id.clone(), "md0", &[], Some(set)));
    run.components.push(part(ComponentId::new("filesystem", "/data"), "/data", &[&id], None));
    sample(&mut run, "md.array.degraded", &id, f64::from(u8::from(lost)));
    run.states.push(State {
        metric: "md.array.state".to_owned(),
        component: id,
        value: "clean".to_owned(),
    });
    let content = format!("md0 : {lost}");
    run.evidence.push(Evidence { name: "/proc/mdstat".to_owned(), content });
    run
}

fn drive(secs: i64, pending: u8, asleep: bool) -> Run {
    let mut run = run("smart", secs);
    let id = ComponentId::new("disk", "S0");
    let attrs = [("hw.model".to_owned(), "ST16000NM001G".to_owned())].into();
    let links = Vec::new();
    run.components.push(Component { id: id.clone(), name: "sd0".into(), attrs, links, set: None });
    match asleep {
        true => run.problems.push(Problem {
            reason: Reason::Asleep,
            component: Some(id),
            text: "example".to_owned(),
        }),
        false => sample(&mut run, "hw.smart.pending_sectors", &id, f64::from(pending)),
    }
    run
}

fn kernel(secs: i64, errors: u8) -> Run {
    let mut run = run("kmsg", secs);
    for index in 0..errors {
        run.events.push(Event {
            kind: "kernel.io_error.medium".to_owned(),
            component: ComponentId::new("disk", "S1"),
            at: at(secs - i64::from(index)),
            text: "example".to_owned(),
            attrs: BTreeMap::new(),
        });
    }
    run
}

/// What each host reads: (kind, value) of each look; a host may fall silent for a while.
fn story(seed: &[(u8, u8)], silent: &[(usize, i64, i64)]) -> Vec<Recorded> {
    let host = |host: usize| {
        let mut runs = Vec::new();
        for look in 0..LOOKS {
            if silent.iter().any(|it| it.0 == host && (it.1..it.1 + it.2).contains(&look)) {
                continue;
            }
            let secs = look * 30;
            let pick = usize::try_from(look / 8).unwrap() * HOSTS + host;
            let (kind, value) = seed[pick % seed.len()];
            // Some are lost for good, some come and go.
            let mut array = array(secs, kind % 4 == 1 && (kind % 8 == 1 || look % 6 < 3));
            if kind % 8 == 6 {
                array.outcome = Outcome::Failed("example".to_owned());
                array.components.clear();
                array.samples.clear();
                array.states.clear();
            }
            runs.extend([run("host", secs), array]);
            if look % 4 == 0 {
                runs.push(drive(secs, value % 3, kind % 8 == 4));
                runs.push(kernel(secs, value % 2));
            }
        }
        let facts = HostFacts {
            hostname: name(host),
            boot_id: "b1".to_owned(),
            agent_version: "0.1.0".to_owned(),
            attrs: BTreeMap::new(),
        };
        Recorded { agent: agent(host), host: facts, runs }
    };
    (0..HOSTS).map(host).collect()
}

/// How what the agents read comes to the collector.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    /// Hosts' batches of one moment come from the last host to the first.
    backwards: bool,
    /// Batches of one moment are judged one by one, not in one go.
    single: bool,
    /// The collector is started again after this minute.
    restart: Option<i64>,
}

fn by_time(host: &Recorded) -> BTreeMap<Time, Vec<Run>> {
    let mut all: BTreeMap<Time, Vec<Run>> = BTreeMap::new();
    for run in &host.runs {
        all.entry(run.at).or_default().push(run.clone());
    }
    all
}

/// Judges as it comes in: cases and tickets as they lie in the store.
fn live(store: &Store, rules: &Arc<RuleSet>, hosts: &[Recorded], arrival: Arrival) {
    for it in hosts {
        store.enrol(&it.agent, &it.host, at(0)).unwrap();
    }
    let contracts = Arc::new(contracts());
    let open = |now| {
        let (store, rules) = (store.clone(), Arc::clone(rules));
        Pipeline::open(store, rules, Arc::clone(&contracts), now).unwrap()
    };
    let mut pipeline = open(at(0));
    let looks: Vec<BTreeMap<Time, Vec<Run>>> = hosts.iter().map(by_time).collect();
    for step in 0..LOOKS * 30 {
        let now = at(step);
        if step > 0 && step % 60 == 0 {
            pipeline.tick(now).unwrap();
            if arrival.restart == Some(step / 60) {
                pipeline.save().unwrap();
                pipeline = open(now);
            }
        }
        let mut order: Vec<usize> = (0..hosts.len()).collect();
        if arrival.backwards {
            order.reverse();
        }
        for host in order {
            let Some(runs) = looks[host].get(&now) else { continue };
            let mut runs = runs.clone();
            if arrival.backwards {
                runs.reverse();
            }
            let sequence = u64::try_from(step).unwrap() + 1;
            let one = batch(sequence, &runs);
            let agent = hosts[host].agent.clone();
            store.append(&[StoredBatch { agent, received: now, ..one }]).unwrap();
            if arrival.single {
                pipeline.advance(now).unwrap();
            }
        }
        pipeline.advance(now).unwrap();
    }
    pipeline.tick(at(LOOKS * 30)).unwrap();
}

fn told(store: &Store) -> String {
    let mut cases = store.cases(Some(Time::from_millis(0))).unwrap();
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    serde_json::to_string_pretty(&cases).unwrap()
}

fn replayed(store: &Store, rules: &Arc<RuleSet>) -> (String, String) {
    let contracts = contracts();
    let mut hosts = Vec::new();
    for row in store.agents().unwrap() {
        let mut runs = store.runs(&row.agent, at(0), at(LOOKS * 30)).unwrap();
        // The order in which the store gives them means nothing.
        runs.reverse();
        hosts.push(Recorded { agent: row.agent, host: row.host, runs });
    }
    hosts.reverse();
    let mut replay = Replay::new(&contracts, rules, Some(store));
    replay.run(&hosts, Some(at(LOOKS * 30))).unwrap();
    let cases: Vec<_> = replay.cases.values().collect();
    let tickets: Vec<_> = replay.tickets.values().collect();
    (serde_json::to_string_pretty(&cases).unwrap(), serde_json::to_string_pretty(&tickets).unwrap())
}

fn same(left: &str, right: &str) {
    let differs = left.lines().zip(right.lines()).enumerate().find(|(_, (a, b))| a != b);
    assert!(
        left == right,
        "{differs:?} of {} and {} lines",
        left.lines().count(),
        right.lines().count()
    );
}

const PLAIN: Arrival = Arrival { backwards: false, single: false, restart: None };

#[test]
fn a_period_with_every_kind_of_trouble_is_judged_the_same_live_and_replayed() {
    let seed: Vec<(u8, u8)> = (0..48_u8).map(|it| (it.wrapping_mul(37), it)).collect();
    let silent = [(0, 30, 40), (1, 31, 40), (2, 30, 38), (3, 5, 14)];
    let hosts = story(&seed, &silent);
    let rules = Arc::new(library().0);
    let folder = Folder::new();
    let store = folder.open();
    live(&store, &rules, &hosts, PLAIN);
    let cases = told(&store);
    for wanted in ["\"site:dc1\"", "\"md:u1\"", "host-silent", "\"disk:S"] {
        assert!(cases.contains(wanted), "the story has {wanted}: {cases}");
    }
    let (again, tickets) = replayed(&store, &rules);
    same(&cases, &again);
    let mut kept = store.tickets(Some(Time::from_millis(0))).unwrap();
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    assert!(!kept.is_empty());
    same(&serde_json::to_string_pretty(&kept).unwrap(), &tickets);
    let twice = replayed(&store, &rules);
    same(&again, &twice.0);
    same(&tickets, &twice.1);
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 12, ..ProptestConfig::with_cases(3) })]

    #[test]
    fn how_it_arrived_changes_nothing(
        seed in prop::collection::vec(any::<(u8, u8)>(), 8..48),
        silent in prop::collection::vec((0..HOSTS, 0..LOOKS, 1..60_i64), 0..5),
        backwards in any::<bool>(),
        single in any::<bool>(),
        restart in prop::option::of(1..40_i64),
    ) {
        let hosts = story(&seed, &silent);
        let rules = Arc::new(library().0);
        let (one, other) = (Folder::new(), Folder::new());
        let (plain, shuffled) = (one.open(), other.open());
        live(&plain, &rules, &hosts, PLAIN);
        live(&shuffled, &rules, &hosts, Arrival { backwards, single, restart });
        same(&told(&plain), &told(&shuffled));
        same(&told(&plain), &replayed(&shuffled, &rules).0);
    }
}
