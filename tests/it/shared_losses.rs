//! One loss that several sets feel is one incident: the sets fold under what was lost, whether or not it has a case of
//! its own.

use xunjian_collector::classify::{Case, CaseId, Grade, Level, topology::Topology};
use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Relation, Set};
use xunjian_rules::EvidenceKind;

use crate::{
    cases::{Host, MINUTE, after},
    classify_kit::{component, disk, fact, firing, set_of, t0, verdict},
};

fn mounted(path: &str, on: &ComponentId) -> Component {
    component(ComponentId::new("filesystem", path), path, std::slice::from_ref(on))
}

/// Two arrays of parts of the same two disks; the second disk has left both.
fn two_arrays(second: MemberState) -> Vec<Component> {
    let states = [MemberState::Active, second];
    let with_parts = |key: &str| {
        let mut array = set_of(key, "raid1", 2, 0, &states);
        for (at, member) in array.set.iter_mut().flat_map(|it| &mut it.members).enumerate() {
            member.component = Some(disk(at));
        }
        array
    };
    let (boot, data) = (with_parts("md0"), with_parts("md1"));
    let mut all = vec![component(disk(0), "sda", &[]), component(disk(1), "sdb", &[])];
    all.extend([mounted("/boot", &boot.id), mounted("/data", &data.id), boot, data]);
    all
}

fn degraded(key: &str) -> xunjian_collector::evaluate::Judgement {
    let id = ComponentId::new("md", key);
    firing(fact("md-degraded", "redundancy", EvidenceKind::Suspect, &id, t0()), t0())
}

fn roots(host: &Host) -> Vec<&Case> {
    host.open().into_iter().filter(|it| it.parent.is_none()).collect()
}

#[test]
fn a_disk_that_left_two_arrays_is_one_incident_of_that_disk() {
    let mut host = Host::new(two_arrays(MemberState::Failed));
    host.step(&[degraded("md0"), degraded("md1")], t0());
    let all = roots(&host);
    let [root] = &all[..] else { panic!("{all:#?}") };
    assert_eq!((&root.component, root.decision.grade), (&disk(1), Grade::Fault(Level::Two)));
    let said = &root.facts[0].message;
    assert_eq!(said.zh, "磁盘 sdb 已同时从 2 个阵列中失效（md0、md1）");
    assert_eq!(host.open().len(), 3);

    // The disk's own case takes over once something tells of it.
    let gone = fact("disk-gone", "presence", EvidenceKind::Lost, &disk(1), t0());
    host.step(&[firing(gone, after(MINUTE))], after(MINUTE));
    let all = roots(&host);
    let [root] = &all[..] else { panic!("{all:#?}") };
    assert_eq!((&root.component, root.class.as_str()), (&disk(1), "presence"));
    assert_eq!(host.open().len(), 3, "the derived case is over");
}

#[test]
fn the_arrays_stand_for_themselves_once_they_share_nothing() {
    let mut host = Host::new(two_arrays(MemberState::Failed));
    host.step(&[degraded("md0"), degraded("md1")], t0());
    host.topology = Topology::new(two_arrays(MemberState::Active));
    let good = ["md0", "md1"].map(|key| {
        let quiet = xunjian_collector::evaluate::Verdict::Quiet;
        verdict("md-degraded", &ComponentId::new("md", key), quiet, after(MINUTE))
    });
    host.step(&good, after(MINUTE));
    assert!(host.open().is_empty(), "{:#?}", host.open());
}

#[test]
fn an_array_that_lost_its_own_disk_keeps_it() {
    let mut components = two_arrays(MemberState::Active);
    let apart = set_of("md2", "raid1", 2, 4, &[MemberState::Active, MemberState::Failed]);
    components.extend([component(disk(5), "sdf", &[]), mounted("/srv", &apart.id), apart]);
    let mut host = Host::new(components);
    let gone = fact("disk-gone", "presence", EvidenceKind::Lost, &disk(5), t0());
    host.step(&[degraded("md2"), firing(gone, t0())], t0());
    let md2 = host.of(&ComponentId::new("md", "md2")).id.clone();
    assert_eq!(host.of(&disk(5)).parent, Some(md2));
}

fn unit(index: usize, ports: &[(&str, MemberState)]) -> Component {
    let id = ComponentId::new("multipath", &format!("wwid{index}"));
    let member = |(at, (port, state)): (usize, &(&str, MemberState))| Member {
        slot: None,
        component: None,
        name: format!("port {port}: sd{index}{at}"),
        state: *state,
    };
    let members: Vec<Member> = ports.iter().enumerate().map(member).collect();
    let width = u32::try_from(members.len()).unwrap();
    let set = Set { scheme: "multipath".to_owned(), width, copies: 1, members };
    Component { set: Some(set), ..component(id, &format!("mpath{index}"), &[]) }
}

#[test]
fn a_storage_port_behind_many_units_is_one_incident_at_the_level_of_the_units() {
    let ports = [("0x21", MemberState::Active), ("0x22", MemberState::Failed)];
    let mut components: Vec<Component> = (0..12).map(|it| unit(it, &ports)).collect();
    let units: Vec<ComponentId> = components.iter().map(|it| it.id.clone()).collect();
    components.extend(units.iter().map(|it| mounted(&format!("/{}", it.key()), it)));
    let mut host = Host::new(components);
    let judgements: Vec<_> = units
        .iter()
        .map(|it| fact("multipath-path-down", "redundancy", EvidenceKind::Suspect, it, t0()))
        .map(|it| firing(it, t0()))
        .collect();
    host.step(&judgements, t0());
    let all = roots(&host);
    let [root] = &all[..] else { panic!("{:#?}", all.len()) };
    assert_eq!(root.component, ComponentId::new("port", "0x22"));
    assert_eq!(root.decision.grade, Grade::Fault(Level::Two));
    let said = &root.facts[0].message.zh;
    assert!(said.starts_with("12 个多路径设备都失去了经存储端口 0x22 的路径（"), "{said}");
    assert!(said.ends_with(" 等）"), "{said}");
    let unit = host.of(&units[0]);
    assert!(
        unit.decision.because.zh.contains("（多路径，2 个成员）"),
        "{}",
        unit.decision.because.zh
    );
    assert!(!unit.decision.because.zh.contains("热备"), "{}", unit.decision.because.zh);
}

fn id(kind: &str, key: &str) -> ComponentId {
    ComponentId::new(kind, key)
}

/// Three failure domains of one OSD each under two pools; the domains in `lost` are gone.
fn pools(lost: &[usize]) -> Vec<Component> {
    let mut all = Vec::new();
    let mut members = Vec::new();
    for node in 0..3 {
        let (osd, bucket) =
            (id("ceph_osd", &format!("c/{node}")), id("ceph_bucket", &format!("c/n{node}")));
        let state = if lost.contains(&node) { MemberState::Failed } else { MemberState::Active };
        let links = vec![Link { relation: Relation::On, to: osd.clone() }];
        all.push(component(osd, &format!("osd.{node}"), &[]));
        all.push(Component { links, ..component(bucket.clone(), &format!("node{node}"), &[]) });
        let name = format!("node{node}");
        members.push(Member { slot: None, component: Some(bucket), name, state });
    }
    for pool in ["a", "b"] {
        let scheme = "replica:2/3".to_owned();
        let set = Set { scheme, width: 3, copies: 3, members: members.clone() };
        all.push(Component { set: Some(set), ..component(id("ceph_pool", pool), pool, &[]) });
    }
    all
}

#[test]
fn pools_fold_under_the_osd_that_stopped_and_two_osds_are_one_incident() {
    let mut host = Host::new(pools(&[1, 2]));
    let mut facts = Vec::new();
    for pool in ["a", "b"] {
        let pool = id("ceph_pool", pool);
        facts.push(fact("ceph-pool-degraded", "redundancy", EvidenceKind::Suspect, &pool, t0()));
        facts.push(fact("ceph-pool-inactive", "service", EvidenceKind::ImpactTotal, &pool, t0()));
    }
    for osd in ["c/1", "c/2"] {
        let osd = id("ceph_osd", osd);
        facts.push(fact("ceph-osd-down", "service", EvidenceKind::Latent, &osd, t0()));
    }
    let judgements: Vec<_> = facts.into_iter().map(|it| firing(it, t0())).collect();
    host.step(&judgements, t0());
    let all = roots(&host);
    let [root] = &all[..] else { panic!("{all:#?}") };
    assert_eq!(
        (root.component.kind(), root.decision.grade),
        ("ceph_osd", Grade::Fault(Level::One))
    );
    let parent =
        |it: &CaseId| host.cases.iter().find(|case| case.id == *it).unwrap().parent.clone();
    for case in host.open() {
        let mut at = case.id.clone();
        for _ in 0..8 {
            match parent(&at) {
                Some(up) => at = up,
                None => break,
            }
        }
        assert_eq!(at, root.id, "{} leads nowhere else", case.component);
    }
}
