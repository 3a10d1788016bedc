//! Cases over time: opened once, regraded in place, folded under their cause, closed only by good readings.

use proptest::prelude::*;
use xunjian_collector::{
    classify::{
        Case, CaseChange, CaseId, Grade, Level, Step, partners::Partner, step, topology::Topology,
    },
    contract::{Asset, Contract},
    evaluate::{Judgement, Verdict},
};
use xunjian_proto::{Component, ComponentId, Link, MemberState, Relation, Time};
use xunjian_rules::{EvidenceKind, Text};

use crate::classify_kit::{component, disk, fact, firing, host_with, set_of, t0, unknown, verdict};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3600;

pub(crate) fn after(secs: i64) -> Time {
    Time::from_secs(t0().secs() + secs)
}

/// A host that keeps its cases between steps.
pub(crate) struct Host {
    pub(crate) topology: Topology,
    pub(crate) contract: Contract,
    pub(crate) partners: Vec<Partner>,
    pub(crate) cases: Vec<Case>,
}

impl Host {
    pub(crate) fn new(components: Vec<Component>) -> Host {
        Host {
            topology: Topology::new(components),
            contract: Contract::default(),
            partners: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// One step; returns what changed.
    pub(crate) fn step(&mut self, judgements: &[Judgement], now: Time) -> Vec<Case> {
        let changed = step(&Step {
            agent: "a1",
            hostname: "node1",
            judgements,
            topology: &self.topology,
            contract: &self.contract,
            partners: &self.partners,
            open: &self.cases,
            now,
        });
        for case in &changed {
            self.cases.retain(|it| it.id != case.id);
            self.cases.push(case.clone());
        }
        changed
    }

    pub(crate) fn open(&self) -> Vec<&Case> {
        self.cases.iter().filter(|it| it.closed_at.is_none()).collect()
    }

    pub(crate) fn of(&self, id: &ComponentId) -> &Case {
        self.cases.iter().find(|it| it.component == *id).unwrap()
    }
}

fn lone_disk() -> Host {
    let filesystem = component(ComponentId::new("filesystem", "/"), "/", &[disk(0)]);
    Host::new(vec![component(disk(0), "sda", &[]), filesystem])
}

fn prefail(at: Time) -> Judgement {
    firing(fact("smart-prefail", "media", EvidenceKind::Suspect, &disk(0), t0()), at)
}

fn quiet(at: Time) -> Judgement {
    verdict("smart-prefail", &disk(0), Verdict::Quiet, at)
}

#[test]
fn opens_once_and_is_idempotent() {
    let mut host = lone_disk();
    let opened = host.step(&[prefail(t0())], t0());
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].decision.grade, Grade::Fault(Level::Two));
    assert_eq!(opened[0].log[0].kind, CaseChange::Opened);
    assert_eq!(host.step(&[prefail(t0())], t0()), []);
    // New values alone are not written at once, and then without a line in the log.
    assert_eq!(host.step(&[prefail(after(MINUTE))], after(MINUTE)), []);
    let refreshed = host.step(&[prefail(after(HOUR))], after(HOUR));
    assert_eq!((refreshed.len(), refreshed[0].log.len()), (1, 1));
}

#[test]
fn merges_the_rules_of_one_class_and_keeps_classes_apart() {
    let mut host = lone_disk();
    let error = fact("kernel-medium-error", "media", EvidenceKind::Latent, &disk(0), t0());
    let link = fact("smart-crc", "link", EvidenceKind::Latent, &disk(0), t0());
    host.step(&[prefail(t0()), firing(error, t0()), firing(link, t0())], t0());
    assert_eq!(host.open().len(), 2);
    assert_eq!(host.open().iter().map(|it| it.facts.len()).max(), Some(2));
}

#[test]
fn absence_and_unknown_never_close() {
    let mut host = lone_disk();
    host.step(&[prefail(t0())], t0());
    assert_eq!(host.step(&[], after(400 * 24 * HOUR)), []);
    let gap = verdict("smart-prefail", &disk(0), unknown(), after(HOUR));
    let stale = host.step(std::slice::from_ref(&gap), after(HOUR));
    assert_eq!(stale[0].stale_since, Some(t0()));
    assert_eq!(stale[0].log.last().unwrap().kind, CaseChange::Stale);
    assert_eq!(stale[0].closed_at, None);
    assert_eq!(host.step(&[gap], after(2 * HOUR)), [], "said once");
    let fresh = host.step(&[prefail(after(3 * HOUR))], after(3 * HOUR));
    assert_eq!(
        (fresh[0].stale_since, fresh[0].log.last().unwrap().kind),
        (None, CaseChange::Fresh)
    );
}

#[test]
fn closes_on_good_readings_and_comes_back_as_the_same_case_within_a_day() {
    let mut host = lone_disk();
    let id = host.step(&[prefail(t0())], t0())[0].id.clone();
    let closed = host.step(&[quiet(after(HOUR))], after(HOUR));
    assert_eq!(closed[0].closed_at, Some(after(HOUR)));
    assert_eq!(closed[0].facts.len(), 1, "what it was about stays");

    let old = prefail(after(HOUR / 2));
    host.step(&[old], after(HOUR + 1));
    assert!(host.open().is_empty(), "readings from before the closing do not re-open it");

    let again = firing(
        fact("smart-prefail", "media", EvidenceKind::Suspect, &disk(0), after(2 * HOUR)),
        after(2 * HOUR),
    );
    let back = host.step(std::slice::from_ref(&again), after(2 * HOUR));
    assert_eq!((&back[0].id, back[0].closed_at), (&id, None));
    assert_eq!(back[0].log.last().unwrap().kind, CaseChange::Reopened);

    host.step(&[quiet(after(3 * HOUR))], after(3 * HOUR));
    let later = after(60 * HOUR);
    let anew =
        firing(fact("smart-prefail", "media", EvidenceKind::Suspect, &disk(0), later), later);
    assert_ne!(host.step(&[anew], later)[0].id, id);
}

#[test]
fn no_spare_for_a_day_raises_the_level_without_new_facts() {
    use MemberState::{Active, Missing};
    let mut host =
        Host::new(host_with(set_of("md0", "raid6", 4, 0, &[Active, Active, Active, Missing])));
    let md = ComponentId::new("md", "md0");
    let degraded =
        |at| firing(fact("md-degraded", "redundancy", EvidenceKind::Latent, &md, t0()), at);
    host.step(&[degraded(t0())], t0());
    let raised = host.step(&[degraded(after(25 * HOUR))], after(25 * HOUR));
    assert_eq!(raised[0].decision.grade, Grade::Fault(Level::Three));
    assert_eq!(raised[0].decision.policies, ["no_spare_hours = 24"]);
}

#[test]
fn unread_members_never_soften_a_level() {
    use MemberState::{Active, Missing, Unknown};
    let mut host = Host::new(host_with(set_of("md0", "raid5", 3, 0, &[Active, Active, Missing])));
    let md = ComponentId::new("md", "md0");
    let degraded =
        |at| firing(fact("md-degraded", "redundancy", EvidenceKind::Suspect, &md, t0()), at);
    host.step(&[degraded(t0())], t0());
    assert_eq!(host.of(&md).decision.grade, Grade::Fault(Level::Two));
    host.topology =
        Topology::new(host_with(set_of("md0", "raid5", 3, 0, &[Active, Active, Unknown])));
    host.step(&[degraded(after(HOUR))], after(HOUR));
    assert_eq!(host.of(&md).decision.grade, Grade::Fault(Level::Two));
}

#[test]
fn a_rule_that_no_longer_applies_lets_its_case_go_and_says_why() {
    let mut host = lone_disk();
    host.step(&[prefail(t0())], t0());
    let why = Text::new("合同中已停用该规则", "switched off by the contract");
    let lapsed = verdict("smart-prefail", &disk(0), Verdict::Lapsed(why), after(MINUTE));
    let closed = host.step(&[lapsed], after(MINUTE));
    assert_eq!(closed[0].closed_at, Some(after(MINUTE)));
    let last = closed[0].log.last().unwrap();
    assert_eq!(last.why.zh, "规则 smart-prefail 不再适用，关闭：合同中已停用该规则");
}

#[test]
fn what_comes_and_goes_is_one_intermittent_case() {
    let mut host = lone_disk();
    for round in 0..8 {
        let at = after(round * 10 * MINUTE);
        let since = fact("smart-prefail", "media", EvidenceKind::Suspect, &disk(0), at);
        let judgement = if round % 2 == 0 { firing(since, at) } else { quiet(at) };
        host.step(&[judgement], at);
    }
    assert_eq!(host.cases.len(), 1);
    assert!(
        host.cases[0].intermittent && host.cases[0].closed_at.is_none(),
        "{:#?}",
        host.cases[0].log
    );
    for round in 8..40 {
        let at = after(round * 10 * MINUTE);
        host.step(&[quiet(at)], at);
    }
    assert!(!host.cases[0].intermittent && host.cases[0].closed_at.is_some());
}

#[test]
fn late_data_are_marked_until_live_ones_confirm_them() {
    let mut host = lone_disk();
    let late = host.step(&[prefail(t0())], after(5 * HOUR));
    assert!(late[0].late);
    assert_eq!(late[0].decision.at, t0());
    let live = host.step(&[prefail(after(5 * HOUR))], after(5 * HOUR));
    assert!(!live[0].late);
}

#[test]
fn what_came_and_went_in_one_step_has_its_level() {
    let mut host = lone_disk();
    let done = host.step(&[prefail(t0()), quiet(after(HOUR))], after(9 * HOUR));
    assert_eq!(done[0].decision.grade, Grade::Fault(Level::Two));
    assert!(done[0].late && done[0].closed_at.is_some());
}

#[test]
fn a_host_that_another_contract_covers_by_now_takes_its_faults_along() {
    let mut host = lone_disk();
    host.step(&[prefail(t0())], t0());
    host.contract.customer = "acme".to_owned();
    let changed = host.step(&[prefail(after(MINUTE))], after(MINUTE));
    assert_eq!(changed.len(), 2, "{changed:#?}");
    let old = changed.iter().find(|it| it.customer == "default").unwrap();
    let new = changed.iter().find(|it| it.customer == "acme").unwrap();
    assert_eq!((old.closed_at, new.closed_at), (Some(after(MINUTE)), None));
    assert!(old.log.last().unwrap().why.zh.contains("已改由合同 acme 覆盖"), "{old:#?}");
    assert_eq!(host.step(&[prefail(after(MINUTE))], after(MINUTE)), [], "said once");
}

#[test]
fn others_cases_are_left_alone() {
    let mut host = lone_disk();
    let mut other = host.step(&[prefail(t0())], t0())[0].clone();
    other.agent = "a2".to_owned();
    other.id = CaseId("C-other".to_owned());
    host.cases = vec![other.clone()];
    let changed = host.step(&[prefail(after(MINUTE)), quiet(after(MINUTE))], after(MINUTE));
    assert_eq!(changed.len(), 1);
    assert_ne!(changed[0].id, other.id);
}

/// Random judgements on a RAID 5, its disks and its filesystem.
fn any_judgement() -> impl Strategy<Value = Judgement> {
    let on = prop_oneof![
        (0..3usize).prop_map(|it| (disk(it), "media")),
        Just((ComponentId::new("md", "md0"), "redundancy")),
        Just((ComponentId::new("filesystem", "/data"), "service")),
    ];
    let evidence = proptest::sample::select(vec![
        EvidenceKind::ImpactTotal,
        EvidenceKind::ImpactPartial,
        EvidenceKind::Lost,
        EvidenceKind::Suspect,
        EvidenceKind::Latent,
        EvidenceKind::Advice,
        EvidenceKind::Blind,
    ]);
    (on, evidence, 0..3usize, 0..5u8, 0..200i64).prop_map(
        |((on, class), evidence, rule, kind, minutes)| {
            let (rule, at) = (format!("rule-{rule}"), after(minutes * MINUTE));
            match kind {
                0 | 1 => firing(fact(&rule, class, evidence, &on, at), at),
                2 => verdict(&rule, &on, Verdict::Quiet, at),
                3 => verdict(&rule, &on, Verdict::Pending, at),
                _ => verdict(&rule, &on, unknown(), at),
            }
        },
    )
}

fn raid5() -> Host {
    Host::new(host_with(set_of("md0", "raid5", 3, 0, &[MemberState::Active; 3])))
}

proptest! {
    #[test]
    fn the_order_of_judgements_does_not_matter(
        judgements in proptest::collection::vec(any_judgement(), 1..20), by in any::<usize>(),
    ) {
        let now = after(200 * MINUTE);
        let forward = raid5().step(&judgements, now);
        let mut turned = judgements.clone();
        turned.rotate_left(by % judgements.len());
        turned.reverse();
        let turned = raid5().step(&turned, now);
        let json = |it: &[Case]| serde_json::to_string(it).unwrap();
        prop_assert_eq!(json(&forward), json(&turned));
    }

    #[test]
    fn only_good_readings_close(steps in proptest::collection::vec(any_judgement(), 1..40)) {
        let mut host = raid5();
        for (index, judgement) in steps.iter().enumerate() {
            let now = after((200 + i64::try_from(index).unwrap()) * MINUTE);
            let open = host.open().len();
            host.step(std::slice::from_ref(judgement), now);
            if judgement.verdict != Verdict::Quiet {
                prop_assert!(host.open().len() >= open, "{judgement:?} closed a case");
            }
        }
        // No two cases are about the same thing.
        let mut keys: Vec<_> = host.cases.iter().map(|it| (&it.component, &it.class)).collect();
        keys.sort();
        let all = keys.len();
        keys.dedup();
        prop_assert_eq!(keys.len(), all);
    }
}

#[test]
fn a_part_of_a_device_that_the_contract_lists_is_judged_as_that_machine() {
    let device = component(ComponentId::new("device", "ACM1"), "array-1", &[]);
    let via = Link { relation: Relation::Via, to: device.id.clone() };
    let supply = Component {
        links: vec![via],
        ..component(ComponentId::new("psu", "ACM1/P1"), "PSU 1", &[])
    };
    let lost = firing(fact("psu-lost", "power", EvidenceKind::Lost, &supply.id, t0()), t0());
    let mut host = Host::new(vec![device, supply.clone()]);
    host.step(std::slice::from_ref(&lost), t0());
    assert_eq!(
        (host.of(&supply.id).hostname.as_str(), host.of(&supply.id).decision.grade),
        ("node1", Grade::Fault(Level::Two))
    );

    let array = Asset { site: "dc2".to_owned(), clustered: true, ..Asset::default() };
    let mut host = Host { contract: Contract::default(), cases: Vec::new(), ..host };
    host.contract.assets.insert("array-1".to_owned(), array);
    host.step(&[lost], t0());
    let case = host.of(&supply.id);
    assert_eq!((case.hostname.as_str(), case.site.as_str()), ("array-1", "dc2"));
    assert_eq!(
        case.decision.grade,
        Grade::Fault(Level::Four),
        "another machine takes over from it"
    );
}

#[test]
fn that_nothing_here_stands_on_a_devices_drive_says_nothing_of_its_use() {
    let device = component(ComponentId::new("device", "ACM1"), "array-1", &[]);
    let via = Link { relation: Relation::Via, to: device.id.clone() };
    let drive = Component { links: vec![via], ..component(disk(70), "bay 7", &[]) };
    let local = host_with(set_of("md0", "raid1", 2, 0, &[MemberState::Active; 2]));
    let lost = firing(fact("disk-failed", "media", EvidenceKind::Lost, &drive.id, t0()), t0());
    for (assigned, level) in [(None, Level::One), (Some("no"), Level::Four)] {
        let mut drive = drive.clone();
        drive.attrs.extend(assigned.map(|it| ("hw.disk.assigned".to_owned(), it.to_owned())));
        let mut host =
            Host::new(local.iter().cloned().chain([device.clone(), drive.clone()]).collect());
        host.step(std::slice::from_ref(&lost), t0());
        assert_eq!(host.of(&drive.id).decision.grade, Grade::Fault(level), "{assigned:?}");
    }
}
