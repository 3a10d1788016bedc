//! What the decision says of every kind of set, kept readable in `rules/LEVELS.md`, and what must hold for all of them.

use std::fmt::Write as _;

use proptest::prelude::*;
use xunjian_collector::{
    classify::{
        Decision,
        decision::{Context, decide, rank},
        incident::Conditions,
        redundancy::redundancy,
        topology::Topology,
    },
    contract::{Asset, Contract},
    evaluate::Fact,
};
use xunjian_proto::{Component, ComponentId, MemberState, Time};
use xunjian_rules::EvidenceKind;

use crate::classify_kit::{disk, fact, host_with, set_of, t0};

/// A kind of set: scheme, width, kind of component, what people call it.
type Kind = (&'static str, u32, &'static str, &'static str, &'static str);

const KINDS: &[Kind] = &[
    ("raid0", 4, "md", "RAID 0（4 盘）", "RAID 0, 4 disks"),
    ("linear", 2, "md", "线性拼接（2 盘）", "linear, 2 disks"),
    ("raid1", 2, "md", "RAID 1（2 盘）", "RAID 1, 2 disks"),
    ("raid1", 3, "md", "RAID 1（3 盘）", "RAID 1, 3 disks"),
    ("raid5", 4, "md", "RAID 5（4 盘）", "RAID 5, 4 disks"),
    ("raid6", 6, "md", "RAID 6（6 盘）", "RAID 6, 6 disks"),
    (
        "raid10",
        4,
        "md",
        "RAID 10（4 盘，失效在同一镜像对）",
        "RAID 10, 4 disks, losses in one mirror",
    ),
    ("raid10", 3, "md", "RAID 10（3 盘）", "RAID 10, 3 disks"),
    (
        "raid50:2",
        6,
        "md",
        "RAID 50（2×3 盘，失效在同一组）",
        "RAID 50, 2×3 disks, losses in one leg",
    ),
    (
        "raid60:2",
        8,
        "md",
        "RAID 60（2×4 盘，失效在同一组）",
        "RAID 60, 2×4 disks, losses in one leg",
    ),
    ("raidz1", 4, "vdev", "raidz1（4 盘）", "raidz1, 4 disks"),
    ("raidz2", 6, "vdev", "raidz2（6 盘）", "raidz2, 6 disks"),
    ("raidz3", 8, "vdev", "raidz3（8 盘）", "raidz3, 8 disks"),
    ("replica:1", 3, "ceph_pool", "三副本（1 份可用即可服务）", "3 copies, 1 serves"),
    ("replica:2", 3, "ceph_pool", "三副本（须有 2 份才能服务）", "3 copies, 2 needed to serve"),
    ("erasure:8+2", 10, "ceph_pool", "纠删码 8+2", "erasure code 8+2"),
    ("quorum", 3, "ceph_quorum", "仲裁（3 个成员）", "quorum of 3"),
    ("quorum", 5, "ceph_quorum", "仲裁（5 个成员）", "quorum of 5"),
    ("multipath", 2, "multipath", "多路径（2 条）", "multipath, 2 paths"),
    ("multipath", 4, "multipath", "多路径（4 条）", "multipath, 4 paths"),
    ("controllers", 2, "array", "双控制器", "controller pair"),
    ("bond", 2, "netif", "网卡绑定（2 口）", "bond, 2 links"),
    ("n_of_m:1", 2, "power", "冗余电源（2 只，1 只够用）", "2 power supplies, 1 needed"),
    ("n_of_m:3", 4, "cooling", "风扇组（4 只，3 只够用）", "4 fans, 3 needed"),
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Effect {
    None,
    Partial,
    Total,
}

/// One situation of a set.
#[derive(Debug, Clone)]
pub(crate) struct Situation {
    pub(crate) scheme: String,
    pub(crate) width: u32,
    pub(crate) kind: &'static str,
    pub(crate) lost: usize,
    pub(crate) suspects: usize,
    pub(crate) spare: bool,
    pub(crate) effect: Effect,
    pub(crate) hours: i64,
}

impl Situation {
    fn set(&self) -> Component {
        let width = usize::try_from(self.width).unwrap();
        let mut states = vec![MemberState::Active; width];
        states.iter_mut().take(self.lost).for_each(|it| *it = MemberState::Missing);
        if self.spare {
            states.push(MemberState::Spare);
        }
        let set = set_of("md0", &self.scheme, self.width, 0, &states);
        let key = if matches!(self.kind, "power" | "cooling") { "chassis" } else { "md0" };
        Component { id: ComponentId::new(self.kind, key), ..set }
    }

    fn facts(&self, set: &ComponentId) -> Vec<Fact> {
        let width = usize::try_from(self.width).unwrap();
        let mut facts = Vec::new();
        if self.lost > 0 {
            facts.push(fact("set-degraded", "redundancy", EvidenceKind::Latent, set, t0()));
        }
        for index in (self.lost..width).take(self.suspects) {
            facts.push(fact("disk-prefail", "media", EvidenceKind::Suspect, &disk(index), t0()));
        }
        let effect = match self.effect {
            Effect::None => return facts,
            Effect::Partial => EvidenceKind::ImpactPartial,
            Effect::Total => EvidenceKind::ImpactTotal,
        };
        facts.push(fact(
            "fs-effect",
            "service",
            effect,
            &ComponentId::new("filesystem", "/data"),
            t0(),
        ));
        facts
    }

    pub(crate) fn decide(&self, contract: &Contract) -> Option<Decision> {
        let set = self.set();
        let facts = self.facts(&set.id);
        (!facts.is_empty()).then(|| decided(host_with(set), &facts, contract, None, self.hours))
    }
}

pub(crate) fn decided(
    components: Vec<Component>,
    facts: &[Fact],
    contract: &Contract,
    asset: Option<&Asset>,
    hours: i64,
) -> Decision {
    let topology = Topology::new(components);
    let conditions = Conditions::new(facts, &topology);
    let at = Time::from_secs(t0().secs() + hours * 3600);
    let context = Context {
        topology: &topology,
        conditions: &conditions,
        contract,
        asset,
        partners: &[],
        at,
    };
    decide(facts, &context)
}

pub(crate) fn level(decision: &Decision) -> u8 {
    rank(decision.grade)
}

pub(crate) fn situation(scheme: &str, width: u32) -> Situation {
    Situation {
        scheme: scheme.to_owned(),
        width,
        kind: "md",
        lost: 0,
        suspects: 0,
        spare: false,
        effect: Effect::None,
        hours: 1,
    }
}

/// ① to ⑧, the steps of the decision.
const STEPS: &[(&str, &str, &str)] = &[
    ("①", "实测服务中断", "measured: the service is down"),
    ("②", "成员失效超出冗余，数据或服务已失", "more is lost than the set bears"),
    ("③", "冗余已耗尽，再失效一个即中断", "redundancy is used up, the next loss interrupts"),
    ("④", "有征兆的成员一旦失效即中断", "if the suspects fail, it interrupts"),
    ("⑤", "实测服务变慢，或长时间无热备", "measured slower, or without a spare for long"),
    ("⑥", "有征兆的成员都失效则冗余耗尽", "if the suspects fail, redundancy is used up"),
    ("⑦", "有故障迹象，冗余仍在", "a fault, and redundancy is left"),
    ("⑧", "仅为建议", "advice only"),
];

const LEVELS: [&str; 4] = ["一级", "二级", "三级", "四级"];

fn cell(it: &Situation, contract: &Contract) -> String {
    let Some(decision) = it.decide(contract) else { return "–".to_owned() };
    let level = LEVELS[usize::from(level(&decision)) - 1];
    format!("{level}{}", STEPS[usize::from(decision.step) - 1].0)
}

/// What the decision says of a set with so many lost and suspect: without a spare at once and after 25 h, with one,
/// slower, down.
fn cells(kind: &Kind, lost: usize, suspects: usize, contract: &Contract) -> Vec<String> {
    let base = Situation { kind: kind.2, lost, suspects, ..situation(kind.0, kind.1) };
    let at_once = cell(&base, contract);
    let later = cell(&Situation { hours: 25, ..base.clone() }, contract);
    let without =
        if at_once == later { at_once } else { format!("{at_once}，24 小时后{later}") };
    vec![
        without,
        cell(&Situation { spare: true, ..base.clone() }, contract),
        cell(&Situation { effect: Effect::Partial, ..base.clone() }, contract),
        cell(&Situation { effect: Effect::Total, ..base }, contract),
    ]
}

/// Lost, suspects, cells.
type Row = (String, String, Vec<String>);

/// Rows of a kind's table; rows with the same cells that follow each other are one.
fn rows(kind: &Kind, contract: &Contract) -> Vec<Row> {
    let mut rows: Vec<(usize, Vec<usize>, Vec<String>)> = Vec::new();
    for lost in 0..=3 {
        for suspects in 0..=2 {
            let all = usize::try_from(kind.1).unwrap();
            if lost + suspects > all {
                continue;
            }
            let cells = cells(kind, lost, suspects, contract);
            match rows.last_mut() {
                Some(last) if last.0 == lost && last.2 == cells => last.1.push(suspects),
                _ => rows.push((lost, vec![suspects], cells)),
            }
        }
    }
    let span = |list: &[usize]| match list {
        [one] => one.to_string(),
        list => format!("{}–{}", list[0], list[list.len() - 1]),
    };
    let mut folded: Vec<(Vec<usize>, String, Vec<String>)> = Vec::new();
    for (lost, suspects, cells) in rows {
        let suspects = span(&suspects);
        let alike = |last: &(Vec<usize>, String, Vec<String>)| {
            let several = last.1 == suspects || (last.0[0] > 0 && lost > last.0[0]);
            several && last.2 == cells
        };
        match folded.last_mut() {
            Some(last) if alike(last) => {
                if !last.0.contains(&lost) {
                    last.0.push(lost);
                }
            }
            _ => folded.push((vec![lost], suspects, cells)),
        }
    }
    folded.into_iter().map(|(lost, suspects, cells)| (span(&lost), suspects, cells)).collect()
}

fn document(contract: &Contract) -> String {
    let mut text = String::from(
        "# 故障级别判定表 / Levels as decided\n\n\
         由测试 `the_table_of_levels_is_fresh` 按默认合同生成，请勿手改；`UPDATE=1 cargo test -p xunjian-tests levels_is_fresh` 重写。\n\
         Generated from the default contract by that test; do not edit.\n\n\
         各表针对承载生产数据、无其他节点接管的组；判定相同的组合并为一张表，判定相同的行合并为一行。\n\
         Sets in production on a host that nothing takes over from; kinds that are decided alike share a table.\n\n\
         级别后的序号是判定依据 / the sign after a level is the reason:\n\n",
    );
    for (sign, zh, en) in STEPS {
        writeln!(text, "- {sign} {zh} / {en}").unwrap();
    }
    text.push_str("\n同一故障有多项依据时取最高级别。合同的 `policy` 可改：`prefail_no_spare`、`suspects_exhaust`、`no_spare_hours`、`psu_lost`、`bond_clustered` 等。\n\
         Of several reasons the gravest counts. The contract's `policy` changes some of these levels.\n");
    let mut groups: Vec<(Vec<Row>, Vec<&Kind>)> = Vec::new();
    for kind in KINDS {
        let rows = rows(kind, contract);
        match groups.iter_mut().find(|it| it.0 == rows) {
            Some(group) => group.1.push(kind),
            None => groups.push((rows, vec![kind])),
        }
    }
    for (rows, kinds) in groups {
        let join = |pick: fn(&Kind) -> &'static str, mark: &str| {
            kinds.iter().map(|it| pick(it)).collect::<Vec<_>>().join(mark)
        };
        writeln!(text, "\n## {}\n\n{}\n", join(|it| it.3, "、"), join(|it| it.4, " · ")).unwrap();
        text.push_str("| 已失效 lost | 有征兆 suspect | 无热备 no spare | 有热备 spare | 服务变慢 slower | 服务中断 down |\n|---|---|---|---|---|---|\n");
        for (lost, suspects, cells) in rows {
            writeln!(text, "| {lost} | {suspects} | {} |", cells.join(" | ")).unwrap();
        }
    }
    text
}

#[test]
fn the_table_of_levels_is_fresh() {
    let text = document(&Contract::default());
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/LEVELS.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "rules/LEVELS.md is stale; UPDATE=1 rewrites it\n{text}");
}

fn any_situation() -> impl Strategy<Value = Situation> {
    let effect = prop_oneof![Just(Effect::None), Just(Effect::Partial), Just(Effect::Total)];
    let shape = proptest::sample::select(KINDS.to_vec());
    (shape, 0..4usize, 0..3usize, any::<bool>(), effect, 0..80i64).prop_map(
        |((scheme, width, kind, ..), lost, suspects, spare, effect, hours)| {
            let lost = lost.min(usize::try_from(width).unwrap());
            Situation { kind, lost, suspects, spare, effect, hours, ..situation(scheme, width) }
        },
    )
}

proptest! {
    #[test]
    fn one_more_lost_member_is_never_milder(case in any_situation()) {
        prop_assume!(case.lost < usize::try_from(case.width).unwrap());
        let contract = Contract::default();
        // The next one lost is a suspect where there is one.
        let worse = Situation { lost: case.lost + 1, suspects: case.suspects.saturating_sub(1), ..case.clone() };
        let fresh = Situation { lost: case.lost + 1, ..case.clone() };
        if let Some(before) = case.decide(&contract) {
            for worse in [worse, fresh] {
                let after = worse.decide(&contract).unwrap();
                prop_assert!(level(&after) <= level(&before), "{case:?} {before:#?} {worse:?} {after:#?}");
            }
        }
    }

    #[test]
    fn a_spare_is_never_graver(case in any_situation()) {
        let contract = Contract::default();
        let without = Situation { spare: false, ..case.clone() };
        let with = Situation { spare: true, ..case };
        if let (Some(without), Some(with)) = (without.decide(&contract), with.decide(&contract)) {
            prop_assert!(level(&with) >= level(&without), "{without:#?} {with:#?}");
        }
    }

    /// What could not be read is neither better than a loss nor good: R counts it as there and says so, the level is
    /// never milder than with the member known to serve, and no set of which nothing is known has a margin.
    #[test]
    fn unknown_never_means_good(case in any_situation(), unread in 1..3usize) {
        let contract = Contract::default();
        prop_assume!(case.lost > 0);
        let set = case.set();
        let facts = case.facts(&set.id);
        let mut blurred = set.clone();
        let members = &mut blurred.set.as_mut().unwrap().members;
        let serving = members.iter_mut().filter(|it| it.state == MemberState::Active);
        let count = serving.take(unread).map(|it| it.state = MemberState::Unknown).count();
        let known = decided(host_with(set), &facts, &contract, None, case.hours);
        let unknown = decided(host_with(blurred.clone()), &facts, &contract, None, case.hours);
        let said: u32 = unknown.redundancy.iter().map(|it| it.unknown).max().unwrap_or_default();
        prop_assert!(count == 0 || said >= 1, "{unknown:#?}");
        let none_known = blurred.set.iter().flat_map(|it| &it.members).all(|it| it.state != MemberState::Active);
        // Suspects that are unread are not counted as serving; all else must not soften.
        if case.suspects == 0 && !none_known {
            prop_assert!(level(&unknown) <= level(&known), "{known:#?} {unknown:#?}");
        }
        prop_assert!(level(&unknown) <= 4, "a set with a known loss stays a fault: {unknown:#?}");
    }

    #[test]
    fn the_order_of_facts_does_not_matter(case in any_situation(), seed in any::<u64>()) {
        let set = case.set();
        let mut facts = case.facts(&set.id);
        prop_assume!(!facts.is_empty());
        let forward = decided(host_with(set.clone()), &facts, &Contract::default(), None, case.hours);
        let by = usize::try_from(seed % 7).unwrap() % facts.len();
        facts.rotate_left(by);
        facts.reverse();
        let shuffled = decided(host_with(set), &facts, &Contract::default(), None, case.hours);
        prop_assert_eq!(forward, shuffled);
    }

    #[test]
    fn hostile_sets_are_survived(
        scheme in "[a-z0-9:+]{0,12}", width in any::<u32>(), copies in any::<u32>(),
        slots in proptest::collection::vec(proptest::option::of(any::<u32>()), 0..12),
    ) {
        use xunjian_proto::{Member, Set};
        let states = [MemberState::Active, MemberState::Failed, MemberState::Unknown, MemberState::Rebuilding];
        let members = slots.iter().enumerate().map(|(index, slot)| Member {
            slot: *slot, component: Some(disk(index)), name: String::new(), state: states[index % 4],
        });
        let set = Set { scheme, width, copies, members: members.collect() };
        let margin = redundancy(&set, &std::collections::BTreeSet::new());
        prop_assert!(margin.r.is_none_or(|it| it >= -1));
    }
}
