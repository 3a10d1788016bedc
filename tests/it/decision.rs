//! The level decision: policies, what stands alone, nested and carried sets.

use xunjian_collector::{
    classify::{
        Grade, Level,
        incident::Conditions,
        redundancy::redundancy,
        topology::{Topology, Use},
    },
    contract::{Asset, Contract, Policy},
};
use xunjian_proto::{Component, ComponentId, MemberState};
use xunjian_rules::EvidenceKind;

use crate::{
    classify_kit::{component, disk, fact, host_with, set_of, t0},
    levels::{Situation, decided, level, situation},
};

/// (scheme, width, lost, suspects, spare, hours) → level.
#[test]
fn the_decided_policies_hold() {
    let contract = Contract::default();
    for (scheme, width, lost, suspects, spare, hours, want) in [
        ("raid5", 4, 1, 0, false, 1, 2),
        ("raid5", 4, 1, 0, true, 1, 2),
        ("raid5", 4, 2, 0, true, 1, 1),
        ("raid5", 4, 0, 1, true, 1, 4),
        ("raid5", 4, 0, 1, false, 1, 4),
        ("raid5", 4, 0, 2, true, 1, 2),
        ("raid5", 4, 1, 1, true, 1, 2),
        ("raid6", 6, 1, 0, true, 1, 4),
        ("raid6", 6, 1, 0, false, 1, 4),
        ("raid6", 6, 1, 0, false, 24, 3),
        ("raid6", 6, 2, 0, true, 1, 2),
        ("raid6", 6, 3, 0, true, 1, 1),
        ("raid6", 6, 0, 2, true, 1, 2),
        ("raid6", 6, 0, 1, false, 1, 4),
        ("raid1", 2, 1, 0, false, 1, 2),
        ("raid0", 2, 0, 1, false, 1, 2),
        ("raid0", 2, 1, 0, false, 1, 1),
    ] {
        let case = Situation { lost, suspects, spare, hours, ..situation(scheme, width) };
        let decision = case.decide(&contract).unwrap();
        assert_eq!(level(&decision), want, "{case:?}: {decision:#?}");
    }
}

#[test]
fn policy_keys_change_the_level_and_are_named_in_the_record() {
    let policy = Policy { prefail_no_spare: 2, ..Policy::default() };
    let contract = Contract { policy, ..Contract::default() };
    let case = Situation { suspects: 1, ..situation("raid5", 4) };
    let decision = case.decide(&contract).unwrap();
    assert_eq!(decision.grade, Grade::Fault(Level::Two));
    assert_eq!(decision.policies, ["prefail_no_spare = 2"]);
    assert!(decision.clause.zh.starts_with("二级故障"), "{decision:?}");
}

#[test]
fn the_record_says_why_and_what_would_change_it() {
    let decision =
        Situation { lost: 1, ..situation("raid5", 4) }.decide(&Contract::default()).unwrap();
    assert_eq!(decision.step, 3);
    assert!(decision.because.zh.contains("md0（RAID 5，4 个成员）"), "{}", decision.because.zh);
    assert!(decision.because.zh.contains("冗余已耗尽"), "{}", decision.because.zh);
    assert!(decision.because.en.contains("redundancy is used up"), "{}", decision.because.en);
    assert_eq!(decision.runner_up.as_ref().unwrap().0, Grade::Fault(Level::Four));
    assert!(decision.worse_if.zh.contains("升为一级"));
    let set = &decision.redundancy[0];
    assert_eq!((set.r, set.r_design, set.lost, set.unknown), (Some(0), Some(1), 1, 0));
    assert_eq!(decision.impact, "none");
}

#[test]
fn a_single_disk_is_judged_by_what_stands_on_it() {
    let filesystem = |path: &str, on| component(ComponentId::new("filesystem", path), path, &[on]);
    let host = vec![
        component(disk(0), "sda", &[]),
        component(disk(1), "sdb", &[]),
        component(disk(2), "sdc", &[]),
        filesystem("/", disk(0)),
        filesystem("/scratch", disk(1)),
    ];
    let asset = Asset { scratch: vec!["/scratch".to_owned()], ..Asset::default() };
    for (index, evidence, want) in [
        (0, EvidenceKind::Suspect, 2),
        (0, EvidenceKind::Lost, 1),
        (0, EvidenceKind::Latent, 4),
        (0, EvidenceKind::Advice, 6),
        (1, EvidenceKind::Suspect, 4),
        (1, EvidenceKind::Lost, 3),
        (2, EvidenceKind::Suspect, 4),
        (2, EvidenceKind::Lost, 4),
    ] {
        let facts = [fact("disk", "media", evidence, &disk(index), t0())];
        let decision = decided(host.clone(), &facts, &Contract::default(), Some(&asset), 1);
        assert_eq!(level(&decision), want, "disk {index} {evidence:?}: {decision:#?}");
    }
}

#[test]
fn an_unread_use_is_never_unused() {
    let facts = [fact("disk", "media", EvidenceKind::Suspect, &disk(0), t0())];
    let alone = vec![component(disk(0), "sda", &[])];
    let decision = decided(alone.clone(), &facts, &Contract::default(), None, 1);
    assert_eq!(decision.grade, Grade::Fault(Level::Two));
    assert!(decision.because.zh.contains("未能读到"), "{}", decision.because.zh);
    assert_eq!(decision.policies, ["unknown_use_is_production = true"]);

    // A filesystem that does not say what it stands on may stand on this disk.
    let mut vague = alone.clone();
    vague.push(component(ComponentId::new("filesystem", "/tank"), "/tank", &[]));
    assert_eq!(Topology::new(vague).use_of(&disk(0), None), Use::Unknown);

    let policy = Policy { unknown_use_is_production: false, ..Policy::default() };
    let contract = Contract { policy, ..Contract::default() };
    assert_eq!(level(&decided(alone, &facts, &contract, None, 1)), 4);
}

#[test]
fn a_lost_array_counts_by_what_stood_on_it() {
    let states = [MemberState::Active, MemberState::Missing, MemberState::Missing];
    let set = set_of("md0", "raid5", 3, 0, &states);
    let facts = [fact("md-down", "redundancy", EvidenceKind::Lost, &set.id, t0())];
    let mounted = decided(host_with(set.clone()), &facts, &Contract::default(), None, 0);
    assert_eq!((mounted.grade, mounted.step), (Grade::Fault(Level::One), 2));
    let elsewhere = component(ComponentId::new("filesystem", "/"), "/", &[disk(9)]);
    let unused = decided(vec![set, elsewhere], &facts, &Contract::default(), None, 0);
    assert_eq!(unused.grade, Grade::Fault(Level::Two));
}

#[test]
fn an_inactive_array_whose_members_were_not_read_is_lost_by_its_own_word() {
    let set =
        set_of("md0", "raid5", 3, 0, &[MemberState::Spare, MemberState::Spare, MemberState::Spare]);
    let facts = [fact("md-down", "redundancy", EvidenceKind::Lost, &set.id, t0())];
    let decision = decided(host_with(set), &facts, &Contract::default(), None, 0);
    assert_eq!(decision.grade, Grade::Fault(Level::One));
    assert_eq!(decision.redundancy[0].unknown, 3);
}

#[test]
fn units_are_judged_by_the_contract() {
    let unit = ComponentId::new("unit", "mysqld.service");
    let asset = Asset { critical_units: vec!["mysqld.service".to_owned()], ..Asset::default() };
    let host = vec![component(unit.clone(), "mysqld.service", &[])];
    for (evidence, critical, want) in [
        (EvidenceKind::ImpactTotal, true, 1),
        (EvidenceKind::Lost, true, 1),
        (EvidenceKind::ImpactPartial, true, 3),
        (EvidenceKind::ImpactTotal, false, 4),
        (EvidenceKind::Lost, false, 4),
        (EvidenceKind::Latent, false, 4),
    ] {
        let facts = [fact("unit", "service", evidence, &unit, t0())];
        let asset = critical.then_some(&asset);
        let decision = decided(host.clone(), &facts, &Contract::default(), asset, 0);
        assert_eq!(level(&decision), want, "{evidence:?} critical {critical}: {decision:#?}");
    }
}

#[test]
fn hosts_supplies_links_and_filesystems() {
    let clustered = Asset { clustered: true, ..Asset::default() };
    let scratch = Asset { scratch: vec!["/data".to_owned()], ..Asset::default() };
    let alone = Asset::default();
    for (kind, key, evidence, asset, want) in [
        ("psu", "PS1", EvidenceKind::Lost, &alone, 2),
        ("psu", "PS1", EvidenceKind::Lost, &clustered, 4),
        ("memory", "DIMM_A1", EvidenceKind::Suspect, &alone, 2),
        ("memory", "DIMM_A1", EvidenceKind::Suspect, &clustered, 4),
        ("netif", "eth0", EvidenceKind::Lost, &alone, 3),
        ("netif", "eth0", EvidenceKind::Latent, &alone, 4),
        ("filesystem", "/data", EvidenceKind::ImpactTotal, &alone, 1),
        ("filesystem", "/data", EvidenceKind::ImpactTotal, &scratch, 3),
        ("filesystem", "/data", EvidenceKind::ImpactPartial, &alone, 3),
        ("filesystem", "/data", EvidenceKind::Suspect, &alone, 2),
        ("filesystem", "/data", EvidenceKind::Latent, &alone, 4),
        ("source", "smart", EvidenceKind::Blind, &alone, 5),
    ] {
        let id = ComponentId::new(kind, key);
        let facts = [fact("rule", "class", evidence, &id, t0())];
        let host = vec![component(id, key, &[])];
        let decision = decided(host, &facts, &Contract::default(), Some(asset), 0);
        assert_eq!(level(&decision), want, "{kind} {evidence:?}: {decision:#?}");
    }
}

#[test]
fn bonds_follow_the_same_arithmetic() {
    let bond = set_of("bond0", "bond", 2, 0, &[MemberState::Active, MemberState::Failed]);
    let facts = [fact("bond-degraded", "redundancy", EvidenceKind::Latent, &bond.id, t0())];
    let clustered = Asset { clustered: true, ..Asset::default() };
    assert_eq!(level(&decided(vec![bond.clone()], &facts, &Contract::default(), None, 0)), 2);
    assert_eq!(level(&decided(vec![bond], &facts, &Contract::default(), Some(&clustered), 0)), 4);
}

#[test]
fn nested_sets_count_the_losses_of_their_parts() {
    use MemberState::{Active, Missing};
    let left = set_of("left", "raid1", 2, 0, &[Active, Active]);
    let right = set_of("right", "raid1", 2, 2, &[Active, Missing]);
    let mut top = set_of("top", "raid0", 2, 8, &[Active, Active]);
    let members = &mut top.set.as_mut().unwrap().members;
    members[0].component = Some(left.id.clone());
    members[1].component = Some(right.id.clone());
    let topology = Topology::new(vec![left, right, top.clone()]);
    let margin = Conditions::default().margin(&topology, &top.id).unwrap();
    assert_eq!((margin.r, margin.r_design, margin.lost), (Some(0), Some(1), 0));
}

#[test]
fn places_not_lists_are_counted() {
    use MemberState::{Active, Failed, Missing, Rebuilding, Spare, Unknown};
    let none = std::collections::BTreeSet::new();
    let r = |scheme: &str, width, states: &[MemberState]| {
        let set = set_of("md0", scheme, width, 0, states).set.unwrap();
        let margin = redundancy(&set, &none);
        (margin.r, margin.lost, margin.unknown, margin.spare)
    };
    // A failed disk that is still listed after the spare took over.
    assert_eq!(r("raid5", 3, &[Active, Active, Active, Failed]), (Some(1), 0, 0, Some(false)));
    // A failed disk and the gap that it left are one loss.
    assert_eq!(r("raid5", 3, &[Active, Active, Missing, Failed]), (Some(0), 1, 0, Some(false)));
    assert_eq!(r("raid6", 4, &[Active, Active, Active, Rebuilding]), (Some(1), 1, 0, Some(true)));
    assert_eq!(r("raid5", 3, &[Active, Active, Unknown]), (Some(1), 0, 1, None));
    assert_eq!(r("raid5", 3, &[Unknown, Unknown, Unknown]), (None, 0, 3, None));
    assert_eq!(r("raid5", 3, &[Active, Active, Active, Spare]), (Some(1), 0, 0, Some(true)));
    // RAID 10: two losses in different mirrors survive, two in one do not.
    assert_eq!(r("raid10", 4, &[Missing, Active, Missing, Active]).0, Some(0));
    assert_eq!(r("raid10", 4, &[Missing, Missing, Active, Active]).0, Some(-1));
    // Legs that are not known: two losses are in different ones as long as the set serves, four are too many.
    assert_eq!(r("raid50", 6, &[Missing, Active, Active, Missing, Active, Active]).0, Some(0));
    assert_eq!(r("raid50", 6, &[Missing, Missing, Missing, Missing, Active, Active]).0, Some(-1));
    assert_eq!(r("raid50:2", 6, &[Missing, Active, Active, Missing, Active, Active]).0, Some(0));
    assert_eq!(r("whatever", 3, &[Active, Active, Active]).0, None);
}

#[test]
fn what_is_carried_into_a_set_is_judged_there() {
    use MemberState::Active;
    // A replicated volume of three bricks; the first stands on a filesystem on a disk of this host.
    let brick = ComponentId::new("gluster_brick", "v/a");
    let filesystem = ComponentId::new("filesystem", "/bricks/a");
    let mut volume = set_of("volume", "replica:2", 3, 1, &[Active, Active, Active]);
    volume.set.as_mut().unwrap().members[0].component = Some(brick.clone());
    volume.id = ComponentId::new("gluster_volume", "v");
    let host = vec![
        component(disk(0), "sda", &[]),
        component(filesystem.clone(), "/bricks/a", &[disk(0)]),
        component(brick, "a", std::slice::from_ref(&filesystem)),
        volume,
    ];
    for (evidence, on, want) in [
        (EvidenceKind::Suspect, disk(0), 4),
        (EvidenceKind::Lost, disk(0), 2),
        (EvidenceKind::Suspect, filesystem.clone(), 4),
        (EvidenceKind::Latent, filesystem, 4),
    ] {
        let facts = [fact("disk", "media", evidence, &on, t0())];
        let decision = decided(host.clone(), &facts, &Contract::default(), None, 1);
        assert_eq!(level(&decision), want, "{on} {evidence:?}: {decision:#?}");
    }
    // The same disk with a filesystem of its own use is not protected by any volume.
    let mut shared = host;
    shared.push(component(ComponentId::new("filesystem", "/home"), "/home", &[disk(0)]));
    let facts = [fact("disk", "media", EvidenceKind::Suspect, &disk(0), t0())];
    assert_eq!(level(&decided(shared, &facts, &Contract::default(), None, 1)), 2);
}

#[test]
fn pools_that_are_spread_over_many_places_bear_no_more_than_their_copies() {
    use MemberState::{Active, Failed, Missing};
    let none = std::collections::BTreeSet::new();
    let r = |scheme: &str, states: &[MemberState]| {
        let width = u32::try_from(states.len()).unwrap();
        let set = set_of("pool", scheme, width, 0, states).set.unwrap();
        let margin = redundancy(&set, &none);
        (margin.r, margin.r_design)
    };
    assert_eq!(r("replica:2/3", &[Active; 10]), (Some(1), Some(1)));
    assert_eq!(r("replica:1/3", &[Active; 10]), (Some(2), Some(2)));
    let mut states = [Active; 10];
    states[4] = Failed;
    assert_eq!(r("replica:2/3", &states), (Some(0), Some(1)));
    states[7] = Missing;
    assert_eq!(r("replica:2/3", &states), (Some(-1), Some(1)));
    assert_eq!(r("erasure:4+2/5", &[Active; 8]), (Some(1), Some(1)));
    assert_eq!(r("erasure:4+2/4", &[Active; 8]), (Some(2), Some(2)));
    assert_eq!(r("erasure:4+2", &[Active; 8]), (Some(2), Some(2)));
    assert_eq!(r("erasure:4+2/9", &[Active; 8]).0, None);
    assert_eq!(r("replica:4/3", &[Active; 3]).0, None);
}

#[test]
fn space_that_runs_out_is_not_told_as_a_part_that_fails() {
    let root = component(ComponentId::new("filesystem", "/"), "/", &[disk(0)]);
    let facts = [fact("fs-space-critical", "capacity", EvidenceKind::Suspect, &root.id, t0())];
    let decision = decided(vec![root], &facts, &Contract::default(), None, 1);
    assert_eq!(decision.grade, Grade::Fault(Level::Two));
    assert_eq!(decision.because.zh, "/ 的空间即将用尽，用尽后其承载的生产业务无法写入");
    assert!(!decision.because.en.contains("signs of failing"), "{}", decision.because.en);
}

#[test]
fn spares_are_named_where_they_mean_something() {
    for (kind, scheme, spares) in [
        ("md", "raid1", true),
        ("vdev", "erasure:4+2", true),
        ("gpfs_array", "n_of_m:1", true),
        ("bond", "bond", false),
        ("ceph_quorum", "quorum", false),
        ("ceph_pool", "replica:1", false),
        ("gluster_volume", "erasure:1+1", false),
    ] {
        let states = [MemberState::Active, MemberState::Missing];
        let set =
            Component { id: ComponentId::new(kind, "k"), ..set_of("k", scheme, 2, 0, &states) };
        let facts = [fact("degraded", "redundancy", EvidenceKind::Suspect, &set.id, t0())];
        let decision = decided(host_with(set), &facts, &Contract::default(), None, 0);
        let said = &decision.because.zh;
        assert_eq!(said.contains("热备"), spares, "{kind} {scheme}: {said}");
        assert!(!said.contains("（bond"), "{said}");
    }
}

#[test]
fn a_degraded_set_that_nothing_in_service_stands_on_does_not_threaten_the_service() {
    let states = [MemberState::Active, MemberState::Missing, MemberState::Active];
    let set = set_of("md0", "raid5", 3, 0, &states);
    let facts = [fact("md-degraded", "redundancy", EvidenceKind::Suspect, &set.id, t0())];
    let elsewhere = component(ComponentId::new("filesystem", "/"), "/", &[disk(9)]);
    let unused = decided(vec![set.clone(), elsewhere], &facts, &Contract::default(), None, 0);
    let asset = Asset { scratch: vec!["/data".to_owned()], ..Asset::default() };
    let scratch = decided(host_with(set), &facts, &Contract::default(), Some(&asset), 0);
    for (decision, said) in [(unused, "其上未承载生产数据"), (scratch, "合同约定的临时空间")]
    {
        assert_eq!(decision.grade, Grade::Fault(Level::Four));
        assert!(decision.because.zh.contains(said), "{}", decision.because.zh);
        assert!(!decision.because.zh.contains("服务即中断"), "{}", decision.because.zh);
        assert!(!decision.worse_if.zh.contains("一级"), "{}", decision.worse_if.zh);
    }
}

#[test]
fn a_suspect_is_named_whatever_redundancy_is_left() {
    let whole = [MemberState::Active; 4];
    for (scheme, level, said) in [
        ("raid0", Level::Two, "有 1 个成员有失效征兆，该组没有冗余；一旦失效，服务即中断"),
        ("raid6", Level::Four, "有 1 个成员有失效征兆，目前无成员失效，还能承受 2 个成员失效"),
    ] {
        let facts = [fact("smart-failed", "media", EvidenceKind::Suspect, &disk(1), t0())];
        let host = host_with(set_of("md0", scheme, 4, 0, &whole));
        let decision = decided(host, &facts, &Contract::default(), None, 1);
        assert_eq!(decision.grade, Grade::Fault(level));
        assert!(decision.because.zh.contains(said), "{}", decision.because.zh);
    }
}
