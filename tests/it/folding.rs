//! Consequences under their cause: disks under their array, everything under a silent host, a host under its link, disks
//! under the controller that they share.

use proptest::prelude::*;
use xunjian_collector::{
    classify::{CaseChange, Grade, Level, topology::Topology},
    contract::Asset,
    round::Inventory,
};
use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Relation, Set, Time};
use xunjian_rules::EvidenceKind;

use crate::{
    cases::{HOUR, Host, MINUTE, after},
    classify_kit::{component, disk, fact, firing, host_with, set_of, t0, verdict},
};

#[test]
fn a_degraded_array_holds_its_failed_disk_and_is_regraded_in_place() {
    use MemberState::{Active, Failed, Missing};
    let mut host =
        Host::new(host_with(set_of("md0", "raid6", 4, 0, &[Active, Active, Active, Failed])));
    let md = ComponentId::new("md", "md0");
    let degraded =
        |at| firing(fact("md-degraded", "redundancy", EvidenceKind::Latent, &md, t0()), at);
    let gone =
        |index, at| firing(fact("disk-gone", "media", EvidenceKind::Lost, &disk(index), t0()), at);
    host.step(&[degraded(t0()), gone(3, t0())], t0());
    assert_eq!(host.of(&md).decision.grade, Grade::Fault(Level::Four));
    assert_eq!(host.of(&disk(3)).parent.as_ref(), Some(&host.of(&md).id));
    assert_eq!(host.of(&md).parent, None);

    host.topology =
        Topology::new(host_with(set_of("md0", "raid6", 4, 0, &[Active, Active, Missing, Failed])));
    let id = host.of(&md).id.clone();
    let changed = host.step(&[degraded(after(MINUTE))], after(MINUTE));
    let set = changed.iter().find(|it| it.component == md).unwrap();
    assert_eq!((&set.id, set.decision.grade), (&id, Grade::Fault(Level::Two)));
    let last = set.log.last().unwrap();
    let (from, to) = (Grade::Fault(Level::Four), Grade::Fault(Level::Two));
    assert_eq!(last.kind, CaseChange::Regraded { from, to });
    assert!(last.why.zh.starts_with("由四级故障调整为二级故障："), "{}", last.why.zh);
}

#[test]
fn a_lost_array_holds_its_disks_its_filesystem_and_the_units_on_it() {
    use MemberState::{Active, Failed};
    let filesystem = ComponentId::new("filesystem", "/data");
    let unit = ComponentId::new("unit", "db.service");
    let md = ComponentId::new("md", "md0");
    let mut components = host_with(set_of("md0", "raid5", 3, 0, &[Active, Failed, Failed]));
    components.push(component(unit.clone(), "db.service", std::slice::from_ref(&filesystem)));
    let mut host = Host::new(components);
    let asset = Asset { critical_units: vec!["db.service".to_owned()], ..Asset::default() };
    host.contract.assets.insert("node1".to_owned(), asset);
    let facts = [
        fact("md-lost", "service", EvidenceKind::Lost, &md, t0()),
        fact("md-degraded", "redundancy", EvidenceKind::Suspect, &md, t0()),
        fact("disk-gone", "media", EvidenceKind::Lost, &disk(1), t0()),
        fact("disk-gone", "media", EvidenceKind::Lost, &disk(2), t0()),
        fact("fs-gone", "service", EvidenceKind::ImpactTotal, &filesystem, t0()),
        fact("fs-full", "capacity", EvidenceKind::Latent, &filesystem, t0()),
        fact("unit-failed", "service", EvidenceKind::ImpactTotal, &unit, t0()),
    ];
    let judgements: Vec<_> = facts.into_iter().map(|it| firing(it, t0())).collect();
    host.step(&judgements, t0());
    let lost = host.cases.iter().find(|it| it.component == md && it.class == "service").unwrap();
    let cause = lost.id.clone();
    assert_eq!((lost.decision.grade, &lost.parent), (Grade::Fault(Level::One), &None));
    let degraded = host.cases.iter().find(|it| it.component == md && it.class == "redundancy");
    assert_eq!(degraded.unwrap().parent.as_ref(), Some(&cause));
    for child in [&disk(1), &disk(2), &filesystem, &unit] {
        let services =
            host.cases.iter().filter(|it| it.component == *child && it.class != "capacity");
        let parents: Vec<_> = services.map(|it| it.parent.clone()).collect();
        assert_eq!(parents, [Some(cause.clone())], "{child}");
    }
    let full = host.cases.iter().find(|it| it.class == "capacity").unwrap();
    assert_eq!(full.parent, None, "a full filesystem is a fault of its own");
}

#[test]
fn the_cause_takes_the_level_of_its_gravest_consequence() {
    let filesystem = ComponentId::new("filesystem", "/scratch");
    let unit = ComponentId::new("unit", "db.service");
    let mut host = Host::new(vec![
        component(disk(0), "sda", &[]),
        component(filesystem.clone(), "/scratch", &[disk(0)]),
        component(unit.clone(), "db.service", std::slice::from_ref(&filesystem)),
    ]);
    let asset = Asset {
        scratch: vec!["/scratch".to_owned()],
        critical_units: vec!["db.service".to_owned()],
        ..Asset::default()
    };
    host.contract.assets.insert("node1".to_owned(), asset);
    let gone =
        firing(fact("fs-gone", "service", EvidenceKind::ImpactTotal, &filesystem, t0()), t0());
    host.step(&[gone], t0());
    assert_eq!(host.of(&filesystem).decision.grade, Grade::Fault(Level::Three));
    let down =
        firing(fact("unit-failed", "service", EvidenceKind::ImpactTotal, &unit, t0()), after(1));
    host.step(&[down], after(1));
    let cause = host.of(&filesystem);
    assert_eq!(cause.decision.grade, Grade::Fault(Level::One));
    assert!(cause.decision.because.zh.contains("db.service"), "{}", cause.decision.because.zh);
    assert_eq!(host.of(&unit).parent.as_ref(), Some(&cause.id));
}

fn inventory(components: Vec<Component>) -> Inventory {
    let mut inventory = Inventory::default();
    for it in components {
        inventory.insert("md", it);
    }
    inventory
}

#[test]
fn a_member_that_vanished_is_remembered_and_folds_under_its_array() {
    use MemberState::{Active, Missing};
    let whole = set_of("md0", "raid5", 3, 0, &[Active, Active, Active]);
    let mut inventory = inventory(host_with(whole));
    // The kernel drops the pulled disk from the array at once: only the gap is listed.
    let gap = set_of("md0", "raid5", 3, 0, &[Active, Active, Missing]);
    assert!(gap.set.as_ref().unwrap().members[2].component.is_none());
    inventory.insert("md", gap.clone());
    assert!(!inventory.insert("md", gap), "seen again it is no news");
    let mut host = Host::new(inventory.merged());
    let md = ComponentId::new("md", "md0");
    let degraded = fact("md-degraded", "redundancy", EvidenceKind::Suspect, &md, t0());
    let gone = fact("drive-gone", "presence", EvidenceKind::Lost, &disk(2), t0());
    host.step(&[firing(degraded, t0()), firing(gone, t0())], t0());
    assert_eq!(host.of(&disk(2)).parent.as_ref(), Some(&host.of(&md).id));
    let because = &host.of(&md).decision.because.zh;
    assert!(because.contains("已失效 1 个成员：sdc（S2）"), "{because}");
}

#[test]
fn a_place_that_is_held_again_is_forgotten_and_a_disk_at_work_elsewhere_is_not_missing() {
    use MemberState::{Active, Missing, Rebuilding};
    let mut inventory = inventory(host_with(set_of("md0", "raid5", 3, 0, &[Active; 3])));
    inventory.insert("md", set_of("md0", "raid5", 3, 0, &[Active, Active, Missing]));
    let missing = |inventory: &Inventory| {
        let all = inventory.merged();
        let md0 = all.iter().find(|it| it.id == ComponentId::new("md", "md0")).unwrap().clone();
        let members = md0.set.unwrap().members;
        let lost = members.into_iter().filter(|it| it.state == Missing);
        lost.map(|it| it.component).collect::<Vec<_>>()
    };
    assert_eq!(missing(&inventory), [Some(disk(2))]);
    // The disk serves another array now.
    inventory.insert("md", set_of("md1", "raid1", 2, 2, &[Active, Active]));
    assert_eq!(missing(&inventory), [None]);
    let mut replaced = set_of("md0", "raid5", 3, 0, &[Active, Active, Rebuilding]);
    replaced.set.as_mut().unwrap().members[2].component = Some(disk(9));
    inventory.insert("md", replaced);
    assert_eq!(missing(&inventory), []);
}

#[test]
fn a_silent_host_holds_its_sources_and_the_link_that_cut_it_off_holds_the_host() {
    let link = ComponentId::new("netif", "eth0");
    let mut host = Host::new(vec![component(link.clone(), "eth0", &[])]);
    let silent = fact("host-silent", "visibility", EvidenceKind::Blind, &ComponentId::host(), t0());
    let source = ComponentId::new("source", "smart");
    let quiet = fact("source-silent", "visibility", EvidenceKind::Blind, &source, t0());
    let asleep = fact("drive-unreadable", "reading", EvidenceKind::Blind, &disk(0), t0());
    let all = [silent.clone(), quiet, asleep];
    let now = after(10 * MINUTE);
    host.step(&all.map(|it| firing(it, now)), now);
    let parent = host.of(&ComponentId::host()).id.clone();
    assert_eq!(host.of(&source).parent.as_ref(), Some(&parent));
    assert_eq!(host.of(&disk(0)).parent.as_ref(), Some(&parent));
    assert_eq!(host.of(&ComponentId::host()).parent, None);

    // Late data tell that the link went down a minute before the host fell silent.
    let before = Time::from_secs(t0().secs() - MINUTE);
    let down = fact("net-link-down", "link", EvidenceKind::Lost, &link, before);
    host.step(&[firing(down, before)], now);
    assert_eq!(host.of(&ComponentId::host()).parent.as_ref(), Some(&host.of(&link).id));
    assert_eq!(host.of(&link).decision.grade, Grade::Fault(Level::Three));
}

#[test]
fn a_link_that_has_been_down_for_long_does_not_explain_the_silence() {
    let link = ComponentId::new("netif", "eth1");
    let mut host = Host::new(vec![component(link.clone(), "eth1", &[])]);
    let before = Time::from_secs(t0().secs() - 24 * HOUR);
    let down = fact("net-link-down", "link", EvidenceKind::Lost, &link, before);
    let silent = fact("host-silent", "visibility", EvidenceKind::Blind, &ComponentId::host(), t0());
    let now = after(10 * MINUTE);
    host.step(&[firing(down, t0()), firing(silent, now)], now);
    assert_eq!(host.of(&ComponentId::host()).parent, None);
}

#[test]
fn disks_whose_links_fail_together_point_to_what_they_share() {
    let hba = ComponentId::new("pci", "0000:3b:00.0");
    let behind = |index: usize| {
        let mut it = component(disk(index), &format!("sd{index}"), &[]);
        it.links.push(Link { relation: Relation::Via, to: hba.clone() });
        it
    };
    let mut host = Host::new(vec![
        component(hba.clone(), "host0 (0000:3b:00.0)", &[]),
        behind(0),
        behind(1),
        component(disk(2), "sdz", &[]),
    ]);
    let errors = |index: usize, at: Time| {
        firing(fact("kernel-disk-stalls", "link", EvidenceKind::Latent, &disk(index), at), at)
    };
    host.step(&[errors(0, t0()), errors(2, t0())], t0());
    assert!(host.cases.iter().all(|it| it.component != hba), "one disk alone is no pattern");
    let at = after(MINUTE);
    host.step(&[errors(0, at), errors(1, at), errors(2, at)], at);
    let cause = host.of(&hba).clone();
    assert_eq!(cause.decision.grade, Grade::Fault(Level::Four));
    assert!(cause.facts[0].message.zh.contains("2 块磁盘同时出现链路错误"), "{cause:#?}");
    for index in [0, 1] {
        assert_eq!(host.of(&disk(index)).parent.as_ref(), Some(&cause.id));
    }
    assert_eq!(host.of(&disk(2)).parent, None);
    assert_eq!(host.step(&[], after(2 * MINUTE)), [], "said once");

    let good = verdict(
        "kernel-disk-stalls",
        &disk(1),
        xunjian_collector::evaluate::Verdict::Quiet,
        after(HOUR),
    );
    host.step(&[good], after(HOUR));
    let over = host.of(&hba);
    assert_eq!(over.closed_at, Some(after(HOUR)));
    assert!(over.log.last().unwrap().why.zh.contains("受影响的部件已不足两个"), "{over:#?}");
    assert_eq!(host.of(&disk(0)).parent, None);
}

fn any_set() -> impl Strategy<Value = Set> {
    let state = proptest::sample::select(vec![
        MemberState::Active,
        MemberState::Failed,
        MemberState::Missing,
        MemberState::Rebuilding,
        MemberState::Spare,
        MemberState::Unknown,
    ]);
    let member = (proptest::option::of(0..6u32), proptest::option::of(0..6usize), state);
    (0..6u32, proptest::collection::vec(member, 0..6)).prop_map(|(width, members)| {
        let members = members.into_iter().map(|(slot, index, state)| Member {
            slot,
            component: index.map(disk),
            name: String::new(),
            state,
        });
        Set { scheme: "raid5".to_owned(), width, copies: 1, members: members.collect() }
    })
}

proptest! {
    #[test]
    fn remembering_adds_only_what_is_missing_and_does_so_once(before in any_set(), now in any_set()) {
        let mut once = now.clone();
        once.remember(&before);
        let served = |it: &Set| {
            it.members.iter().filter(|it| it.state != MemberState::Missing).cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(served(&once), served(&now), "what was read is left as it is");
        let width = usize::try_from(now.width).unwrap();
        prop_assert!(once.members.len() <= now.members.len().max(width + now.members.len()));
        let mut twice = now.clone();
        twice.remember(&once);
        prop_assert_eq!(&twice, &once, "the same reading again changes nothing");
    }
}
