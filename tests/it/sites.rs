//! Hosts of one site that fall silent together: one case of the site with the hosts under it, under the link that cut them
//! off where a device told of it. The whole way, from readings to cases.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_collector::{
    classify::{Case, Grade},
    contract::{Asset, Contract, Contracts, Site, Window},
    evaluate::library,
    replay::{Recorded, Replay},
    store::AgentId,
};
use xunjian_proto::{Component, ComponentId, HostFacts, Link, Relation, Run, State};

use crate::store_kit::{at, run};

const MINUTES: i64 = 60;

/// Silent from this minute to that one, in half minutes with a second more for each host.
type Gap = (i64, i64);

fn recorded(name: &str, runs: Vec<Run>) -> Recorded {
    let host = HostFacts {
        hostname: name.to_owned(),
        boot_id: "b1".to_owned(),
        agent_version: "0.1.0".to_owned(),
        attrs: BTreeMap::new(),
    };
    Recorded { agent: AgentId(format!("agent-{name}")), host, runs }
}

fn node(index: usize, gaps: &[Gap]) -> Recorded {
    let looks =
        (0..MINUTES * 2).filter(|it| !gaps.iter().any(|gap| (gap.0 * 2..gap.1 * 2).contains(it)));
    let secs = |look: i64| look * 30 + i64::try_from(index).unwrap();
    let runs = looks.flat_map(|it| [run("host", secs(it)), run("net", secs(it))]).collect();
    recorded(&format!("node{index}"), runs)
}

/// A host elsewhere that reads the site's switch; ports with these numbers go down at minute 20.
fn watcher(down: &[usize]) -> Recorded {
    let device = ComponentId::new("device", "SW1");
    let part = |id: ComponentId, name: &str, links| Component {
        id,
        name: name.to_owned(),
        attrs: BTreeMap::new(),
        links,
        set: None,
    };
    let mut runs = Vec::new();
    for minute in 0..MINUTES {
        runs.push(run("host", minute * 60));
        let mut snmp = run("snmp", minute * 60 + 10);
        snmp.components.push(part(device.clone(), "core-sw", Vec::new()));
        for port in 0..6 {
            let id = ComponentId::new("port", &format!("SW1/{port}"));
            let links = vec![Link { relation: Relation::Via, to: device.clone() }];
            snmp.components.push(part(id.clone(), &format!("Eth1/{port}"), links));
            let oper = if down.contains(&port) && minute >= 20 { "down" } else { "up" };
            for (metric, word) in [("snmp.port.admin", "up"), ("snmp.port.oper", oper)] {
                let (metric, value) = (metric.to_owned(), word.to_owned());
                snmp.states.push(State { metric, component: id.clone(), value });
            }
        }
        runs.push(snmp);
    }
    recorded("watcher", runs)
}

fn contract() -> Contract {
    let mut contract = Contract::default();
    let site = Site { name: "广州机房".to_owned(), ..Site::default() };
    contract.sites.insert("gz".to_owned(), site);
    contract.sites.insert("hq".to_owned(), Site::default());
    for name in ["node0", "node1", "node2", "node3", "core-sw"] {
        let asset = Asset { site: "gz".to_owned(), ..Asset::default() };
        contract.assets.insert(name.to_owned(), asset);
    }
    let asset = Asset { site: "hq".to_owned(), ..Asset::default() };
    contract.assets.insert("watcher".to_owned(), asset);
    contract
}

/// Cases as they stand at this minute.
fn judged(contract: Contract, hosts: &[Recorded], minute: i64) -> Vec<Case> {
    let contracts = Contracts::only(contract);
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

fn of_site(cases: &[Case]) -> Option<&Case> {
    cases.iter().find(|it| it.component.as_str() == "site:gz")
}

fn silent(cases: &[Case]) -> Vec<&Case> {
    let hosts = cases.iter().filter(|it| it.component == ComponentId::host());
    hosts.filter(|it| it.closed_at.is_none()).collect()
}

fn four(gaps: [Gap; 4]) -> Vec<Recorded> {
    (0..4).map(|index| node(index, &[gaps[index]])).collect()
}

#[test]
fn hosts_that_fall_silent_together_are_one_gap_under_the_link_that_cut_them_off() {
    let mut hosts = four([(20, 40); 4]);
    hosts.push(watcher(&[5]));
    let cases = judged(contract(), &hosts, 35);
    let site = of_site(&cases).unwrap();
    assert_eq!((site.decision.grade, site.closed_at), (Grade::Blind, None));
    assert_eq!((site.agent.as_str(), site.site.as_str()), ("", "gz"));
    let because = &site.decision.because;
    assert!(
        because.zh.contains("广州机房 有 4 台主机或设备几乎同时失联（node0、node1、node2、node3）"),
        "{because:?}"
    );
    assert_eq!(site.facts[0].inputs.len(), 4);
    let children = silent(&cases);
    assert_eq!(children.len(), 4);
    for child in children {
        assert_eq!(child.parent.as_ref(), Some(&site.id), "{}", child.hostname);
    }
    let uplink = cases.iter().find(|it| it.component.as_str() == "port:SW1/5").unwrap();
    assert!(matches!(uplink.decision.grade, Grade::Fault(_)) && uplink.parent.is_none());
    assert_eq!(site.parent.as_ref(), Some(&uplink.id));
    let top = cases.iter().filter(|it| it.closed_at.is_none() && it.parent.is_none());
    assert_eq!(top.count(), 1, "one thing to look at: {cases:#?}");

    let cases = judged(contract(), &hosts, 59);
    let site = of_site(&cases).unwrap();
    assert!(site.closed_at.is_some() && silent(&cases).is_empty());
    assert!(site.log.last().unwrap().why.zh.contains("不再有两台以上主机同时失联"), "{site:#?}");
}

#[test]
fn hosts_that_fall_silent_one_after_the_other_are_each_their_own_matter() {
    let cases = judged(contract(), &four([(10, 50), (20, 50), (30, 50), (60, 60)]), 40);
    assert_eq!(of_site(&cases), None);
    assert!(silent(&cases).len() == 3 && silent(&cases).iter().all(|it| it.parent.is_none()));
}

#[test]
fn two_hosts_of_four_are_no_site_but_two_of_two_are() {
    let hosts = four([(20, 50), (20, 50), (60, 60), (60, 60)]);
    assert_eq!(of_site(&judged(contract(), &hosts, 40)), None);
    let two = judged(contract(), &hosts[..2], 40);
    assert!(of_site(&two).is_some_and(|it| it.closed_at.is_none()));
}

#[test]
fn ports_that_go_down_with_their_hosts_are_no_cause() {
    let mut hosts = four([(20, 50); 4]);
    hosts.push(watcher(&[0, 1, 2, 3]));
    let cases = judged(contract(), &hosts, 40);
    assert_eq!(of_site(&cases).unwrap().parent, None);
}

#[test]
fn the_last_host_that_stays_silent_stands_for_itself() {
    let cases = judged(contract(), &four([(20, 60), (20, 30), (20, 30), (20, 30)]), 45);
    assert!(of_site(&cases).unwrap().closed_at.is_some());
    let left = silent(&cases);
    assert_eq!((left.len(), left[0].hostname.as_str()), (1, "node0"));
    assert_eq!(left[0].parent, None);
}

#[test]
fn a_host_that_follows_soon_after_joins_and_one_much_later_does_not() {
    let mut late = vec![node(0, &[(20, 60)]), node(1, &[(20, 60)]), node(2, &[(21, 60)])];
    late.push(node(3, &[(23, 60)]));
    let cases = judged(contract(), &late, 40);
    assert!(silent(&cases).iter().all(|it| it.parent.is_some()), "three minutes apart");
    late[3] = node(3, &[(30, 60)]);
    let cases = judged(contract(), &late, 45);
    let alone = silent(&cases).into_iter().find(|it| it.hostname == "node3").unwrap();
    assert_eq!(alone.parent, None);
}

#[test]
fn a_window_for_the_site_covers_the_sites_case() {
    let mut contract = contract();
    contract.timezone = "UTC".parse().unwrap();
    contract.maintenance = vec![Window {
        site: Some("gz".to_owned()),
        from: "2026-11-20T00:10:00".to_owned(),
        to: "2026-11-20T02:00:00".to_owned(),
        who: "李工".to_owned(),
        why: "更换交换机".to_owned(),
        ..Window::default()
    }];
    let cases = judged(contract, &four([(20, 50); 4]), 40);
    assert!(of_site(&cases).unwrap().agreed.window.is_some());
}
