//! Hosts that take over from each other: a partner that is silent or failing itself takes nothing over. The whole way,
//! from readings to cases, and the decision alone.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_collector::{
    classify::{
        Case, Decision, Grade, Level,
        decision::{Context, decide},
        incident::Conditions,
        partners::{Away, Partner},
        topology::Topology,
    },
    contract::{Asset, Contract, Contracts},
    evaluate::library,
    replay::{Recorded, Replay},
    store::AgentId,
};
use xunjian_proto::{Component, ComponentId, HostFacts, State};
use xunjian_rules::EvidenceKind;

use crate::{
    classify_kit::{component, fact, t0},
    store_kit::{at, run},
};

const MINUTES: i64 = 60;

/// A storage server whose Lustre module gives up at minute `broken`, silent in these minutes.
fn server(name: &str, broken: i64, silent: std::ops::Range<i64>) -> Recorded {
    let mut runs = Vec::new();
    for minute in (0..MINUTES).filter(|it| !silent.contains(it)) {
        let mut lustre = run("lustre", minute * 60);
        let word = if minute >= broken { "lbug" } else { "healthy" };
        lustre.states.push(State {
            metric: "lustre.health".to_owned(),
            component: ComponentId::host(),
            value: word.to_owned(),
        });
        runs.extend([run("host", minute * 60), run("net", minute * 60), lustre]);
    }
    let host = HostFacts {
        hostname: name.to_owned(),
        boot_id: "b1".to_owned(),
        agent_version: "0.1.0".to_owned(),
        attrs: BTreeMap::new(),
    };
    Recorded { agent: AgentId(format!("agent-{name}")), host, runs }
}

fn pair() -> Contract {
    let mut contract = Contract::default();
    for (name, other) in [("oss0", "oss1"), ("oss1", "oss0")] {
        let asset = Asset { partners: vec![other.to_owned()], ..Asset::default() };
        contract.assets.insert(name.to_owned(), asset);
    }
    contract
}

/// Every case at this minute.
fn cases(hosts: &[Recorded], minute: i64) -> Vec<Case> {
    let contracts = Contracts::only(pair());
    let rules = Arc::new(library().0);
    let mut replay = Replay::new(&contracts, &rules, None);
    let until = |it: &Recorded| {
        let runs = it.runs.iter().filter(|it| it.at < at(minute * 60)).cloned().collect();
        Recorded { runs, ..it.clone() }
    };
    let hosts: Vec<Recorded> = hosts.iter().map(until).collect();
    replay.run(&hosts, Some(at(minute * 60))).unwrap();
    replay.cases.into_values().collect()
}

/// The case of the failed server at this minute.
fn lbug(hosts: &[Recorded], minute: i64) -> Case {
    let cases = cases(hosts, minute);
    cases.into_iter().find(|it| it.hostname == "oss0" && it.class == "lustre").unwrap()
}

#[test]
fn the_order_of_hosts_and_of_their_readings_does_not_matter() {
    let hosts = [server("oss0", 10, 45..50), server("oss1", 30, 20..28)];
    let mut turned = hosts.clone();
    turned.reverse();
    turned.iter_mut().for_each(|it| it.runs.reverse());
    for minute in [15, 26, 33, 48, 59] {
        let bytes = |hosts: &[Recorded]| serde_json::to_string(&cases(hosts, minute)).unwrap();
        assert_eq!(bytes(&hosts), bytes(&turned), "{minute}");
    }
}

#[test]
fn a_failed_server_is_graver_while_its_partner_is_silent() {
    let hosts = [server("oss0", 10, 0..0), server("oss1", MINUTES, 20..40)];
    for (minute, level, said) in [
        (15, Level::Two, "由其他节点接管后，接管节点再失效服务即中断"),
        (35, Level::One, "没有其他节点接管（合同约定的接管节点 oss1 已失联）"),
        (55, Level::Two, "由其他节点接管后，接管节点再失效服务即中断"),
    ] {
        let case = lbug(&hosts, minute);
        assert_eq!(case.decision.grade, Grade::Fault(level), "{minute}: {:#?}", case.decision);
        assert!(case.decision.because.zh.contains(said), "{minute}: {:?}", case.decision.because);
    }
    let log = lbug(&hosts, 55).log;
    assert!(log.iter().any(|it| it.why.zh.contains("oss1 已失联")), "{log:#?}");
}

#[test]
fn two_failed_servers_leave_nobody() {
    let hosts = [server("oss0", 10, 0..0), server("oss1", 20, 0..0)];
    assert_eq!(lbug(&hosts, 15).decision.grade, Grade::Fault(Level::Two));
    let both = lbug(&hosts, 30).decision;
    assert_eq!(both.grade, Grade::Fault(Level::One), "{both:#?}");
    assert!(both.because.zh.contains("oss1 自身已失效或有失效征兆"), "{:?}", both.because);
}

#[test]
fn a_partner_of_which_nothing_was_ever_read_is_not_counted_on() {
    let decision = lbug(&[server("oss0", 10, 0..0)], 30).decision;
    assert_eq!(decision.grade, Grade::Fault(Level::One), "{decision:#?}");
    assert!(decision.because.zh.contains("oss1 没有任何读数"), "{:?}", decision.because);
}

fn decided(
    (kind, key): (&str, &str),
    evidence: EvidenceKind,
    mounted: Option<&str>,
    clustered: bool,
    away: &[Option<Away>],
) -> Decision {
    let id = ComponentId::new(kind, key);
    let mut components: Vec<Component> = vec![component(id.clone(), key, &[])];
    if let Some(point) = mounted {
        let filesystem = ComponentId::new("filesystem", point);
        components.push(component(filesystem, point, std::slice::from_ref(&id)));
    }
    let facts = [fact("rule", "media", evidence, &id, t0())];
    let topology = Topology::new(components);
    let conditions = Conditions::new(&facts, &topology);
    let asset = Asset { clustered, ..Asset::default() };
    let partner =
        |(index, away): (usize, &Option<Away>)| Partner { name: format!("n{index}"), away: *away };
    let partners: Vec<Partner> = away.iter().enumerate().map(partner).collect();
    decide(
        &facts,
        &Context {
            topology: &topology,
            conditions: &conditions,
            contract: &Contract::default(),
            asset: Some(&asset),
            partners: &partners,
            at: t0(),
        },
    )
}

#[test]
fn what_stops_a_host_counts_by_who_is_left_to_take_over() {
    use EvidenceKind::{Lost, Suspect};
    let (up, silent, failing) = (None, Some(Away::Silent), Some(Away::Failing));
    let disk = ("disk", "S1");
    for (id, evidence, mounted, clustered, away, want) in [
        (("psu", "PS1"), Lost, None, false, &[up][..], Level::Four),
        (("psu", "PS1"), Lost, None, true, &[silent], Level::Two),
        (("psu", "PS1"), Lost, None, false, &[failing, up], Level::Four),
        (("memory", "A1"), Suspect, None, false, &[up], Level::Four),
        (("memory", "A1"), Suspect, None, false, &[failing], Level::Two),
        (("host", ""), Lost, None, true, &[], Level::Two),
        (("host", ""), Lost, None, false, &[up, up], Level::Four),
        (("host", ""), Lost, None, false, &[up, silent], Level::Two),
        (("host", ""), Lost, None, false, &[silent], Level::One),
        (disk, Suspect, Some("/"), true, &[], Level::Four),
        (disk, Suspect, Some("/"), false, &[up], Level::Four),
        (disk, Suspect, Some("/"), false, &[silent], Level::Two),
        (disk, Suspect, Some("/"), false, &[], Level::Two),
        // What it serves is not on the other node.
        (disk, Suspect, Some("/data"), true, &[], Level::Two),
        (disk, Lost, Some("/"), true, &[], Level::Two),
        (disk, Lost, Some("/"), false, &[up, up], Level::Four),
        (disk, Lost, Some("/"), false, &[failing], Level::One),
        (disk, Lost, Some("/data"), true, &[], Level::One),
    ] {
        let decision = decided(id, evidence, mounted, clustered, away);
        let what = format!("{id:?} {evidence:?} {mounted:?} {clustered} {away:?}");
        assert_eq!(decision.grade, Grade::Fault(want), "{what}: {decision:#?}");
        // Who takes over is said, not only that there is a fault.
        assert!(!decision.because.zh.starts_with("有故障迹象"), "{what}: {:?}", decision.because);
        assert!(!decision.because.zh.contains("host"), "{what}: {:?}", decision.because);
    }
}
