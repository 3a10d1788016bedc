//! Power supplies and fans: sets that carry the whole host, whatever is mounted.

use xunjian_collector::{
    classify::{
        Decision,
        decision::{Context, decide, rank},
        incident::Conditions,
        topology::Topology,
    },
    contract::{Asset, Contract},
};
use xunjian_proto::{
    Component, ComponentId, Member,
    MemberState::{self, Active, Failed, Missing, Unknown},
    Set,
};
use xunjian_rules::EvidenceKind;

use crate::classify_kit::{component, fact, t0};

/// `power:chassis` or `cooling:chassis` over members in these states.
fn set(kind: &str, scheme: &str, states: &[MemberState]) -> Component {
    let part = if kind == "power" { "psu" } else { "fan" };
    let member = |(at, state): (usize, &MemberState)| Member {
        slot: None,
        component: (*state != Missing).then(|| ComponentId::new(part, &format!("10.{at}"))),
        name: format!("{part} {at}"),
        state: *state,
    };
    let members: Vec<Member> = states.iter().enumerate().map(member).collect();
    let width = u32::try_from(members.len()).unwrap();
    let set = Set { scheme: scheme.to_owned(), width, copies: 1, members };
    let id = ComponentId::new(kind, "chassis");
    Component { set: Some(set), ..component(id, "PSU", &[]) }
}

/// The decision on a fact about the set, and on the same about its last member, which is the lost one.
fn decided(set: &Component, clustered: bool) -> [Decision; 2] {
    let members = set.set.iter().flat_map(|it| &it.members);
    let parts: Vec<Component> =
        members.filter_map(|it| Some(component(it.component.clone()?, &it.name, &[]))).collect();
    let last = parts.last().unwrap().id.clone();
    let mut host = parts;
    // A mounted filesystem on a disk: the set's use is known, and nothing stands on it.
    let disk = ComponentId::new("disk", "S0");
    host.push(component(disk.clone(), "sda", &[]));
    host.push(component(ComponentId::new("filesystem", "/"), "/", &[disk]));
    host.push(set.clone());
    let topology = Topology::new(host);
    let asset = Asset { clustered, ..Asset::default() };
    let contract = Contract::default();
    let of = |facts: &[xunjian_collector::evaluate::Fact]| {
        let conditions = Conditions::new(facts, &topology);
        let context = Context {
            topology: &topology,
            conditions: &conditions,
            contract: &contract,
            asset: Some(&asset),
            partners: &[],
            at: t0(),
        };
        decide(facts, &context)
    };
    [
        of(&[fact("redundancy", "redundancy", EvidenceKind::Suspect, &set.id, t0())]),
        of(&[fact("lost", "power", EvidenceKind::Lost, &last, t0())]),
    ]
}

#[test]
fn power_and_cooling_follow_the_redundancy_that_is_left() {
    for (kind, scheme, states, clustered, want) in [
        // One of two power supplies: the contract's psu_lost.
        ("power", "n_of_m:1", &[Active, Failed][..], false, 2),
        ("power", "n_of_m:1", &[Active, Failed][..], true, 4),
        // One of four of which two suffice.
        ("power", "n_of_m:2", &[Active, Active, Active, Failed][..], false, 4),
        // Less than needed, and the host still reports: the gravest danger, no interruption.
        ("power", "n_of_m:2", &[Active, Failed][..], false, 2),
        ("power", "n_of_m:2", &[Active, Failed][..], true, 2),
        ("cooling", "n_of_m:3", &[Active, Active, Active, Failed][..], false, 2),
        ("cooling", "n_of_m:3", &[Active, Active, Active, Failed][..], true, 4),
        // How many fans are needed is not known.
        ("cooling", "n_of_m", &[Active, Active, Active, Failed][..], false, 4),
    ] {
        let set = set(kind, scheme, states);
        for decision in decided(&set, clustered) {
            let what = format!("{kind} {scheme} {states:?} clustered {clustered}");
            assert_eq!(rank(decision.grade), want, "{what}: {decision:#?}");
        }
    }
}

#[test]
fn a_power_supply_of_which_nothing_is_known_counts_as_there_and_is_named() {
    let set = set("power", "n_of_m:1", &[Active, Unknown, Failed]);
    let [about_set, _] = decided(&set, false);
    assert_eq!(rank(about_set.grade), 4);
    assert_eq!(about_set.redundancy[0].unknown, 1, "{about_set:#?}");
    assert!(about_set.because.zh.contains("未能读到"), "{}", about_set.because.zh);
}

#[test]
fn the_texts_say_what_is_needed_and_whose_it_is() {
    let set = set("power", "n_of_m:1", &[Active, Failed]);
    let [about_set, _] = decided(&set, false);
    assert!(
        about_set.because.zh.starts_with("供电（至少需要 1 个，2 个成员）"),
        "{}",
        about_set.because.zh
    );
    assert!(about_set.because.en.contains("1 needed, 2 members"), "{}", about_set.because.en);
    assert_eq!(about_set.policies, ["psu_lost = 2"]);
}

#[test]
fn critical_heat_endangers_the_host() {
    let id = ComponentId::new("temperature", "CPU1 Temp");
    let facts = [fact("hot", "temperature", EvidenceKind::Suspect, &id, t0())];
    let topology = Topology::new([component(id, "CPU1 Temp", &[])]);
    let conditions = Conditions::new(&facts, &topology);
    let contract = Contract::default();
    for (clustered, want) in [(false, 2), (true, 4)] {
        let asset = Asset { clustered, ..Asset::default() };
        let context = Context {
            topology: &topology,
            conditions: &conditions,
            contract: &contract,
            asset: Some(&asset),
            partners: &[],
            at: t0(),
        };
        assert_eq!(rank(decide(&facts, &context).grade), want);
    }
}
