//! One loss that several sets feel: a disk with parts in three arrays, an OSD under every pool, a storage port behind every
//! multipath unit. The engineer is sent for what was lost, once; the sets fold under it.
//!
//! Fact: partitions of one disk in several md arrays, placement groups of many pools on one OSD, and paths of many units
//! through one target port are what such hosts usually look like.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, MemberState, Relation};
use xunjian_rules::{EvidenceKind, Text};

use super::{
    Case, CaseId,
    common::{LINK, RULE},
    decision::rank,
    incident::REDUNDANCY,
    topology::{Topology, member},
};
use crate::evaluate::{Fact, Input};

/// From so many sets on, the loss and not the set is the matter.
const SETS_MIN: usize = 2;

/// Sets that are named in a sentence, and quoted with their reading.
const NAMED: usize = 8;

/// What the sets of open cases have lost, and which of it several of them share.
#[derive(Debug, Default)]
pub(super) struct Losses {
    of_set: BTreeMap<ComponentId, BTreeSet<ComponentId>>,
    sets: BTreeMap<ComponentId, usize>,
    /// Of several shared losses of one set the one that it folds under.
    leaders: BTreeMap<ComponentId, Place>,
}

/// Order of causes: one for all sets, so that no two losses fold under each other.
type Place = (bool, u8, CaseId);

/// The place of a case among causes: what is lost for certain first, then the graver one.
fn place(case: &Case) -> Place {
    let lost = case.facts.iter().any(|it| it.evidence == EvidenceKind::Lost);
    (!lost, rank(case.decision.grade), case.id.clone())
}

impl Losses {
    pub(super) fn new(cases: &[&Case], topology: &Topology) -> Losses {
        let mut all = Losses::default();
        for case in cases.iter().filter(|it| is_of_set(it, topology)) {
            let Some(set) = topology.get(&case.component) else { continue };
            if all.of_set.contains_key(&set.id) {
                continue;
            }
            let lost = lost(set, topology);
            for id in &lost {
                *all.sets.entry(id.clone()).or_default() += 1;
            }
            all.of_set.insert(set.id.clone(), lost);
        }
        for (set, lost) in &all.of_set {
            let shared = |it: &&&Case| lost.contains(&it.component) && all.is_shared(&it.component);
            if let Some(leader) = cases.iter().filter(shared).map(|it| place(it)).min() {
                all.leaders.insert(set.clone(), leader);
            }
        }
        all
    }

    /// Whether several sets have lost it.
    pub(super) fn is_shared(&self, id: &ComponentId) -> bool {
        self.sets.get(id).is_some_and(|it| *it >= SETS_MIN)
    }

    /// Whether a set has lost what others have lost too.
    pub(super) fn explains(&self, loss: &ComponentId, set: &ComponentId) -> bool {
        self.is_shared(loss) && self.has_lost(set, loss)
    }

    /// Whether a case is the cause of that of a set.
    pub(super) fn leads(&self, case: &Case, set: &ComponentId) -> bool {
        self.leaders.get(set).is_some_and(|it| it.2 == case.id)
    }

    /// Whether a loss folds under a set that has it: a shared one under a set that a graver one leads, and a part of a
    /// lost member under the set whose only one it is.
    pub(super) fn follows(&self, case: &Case, set: &ComponentId, topology: &Topology) -> bool {
        let id = &case.component;
        let graver = || self.leaders.get(set).is_some_and(|it| *it < place(case));
        let is_part = || topology.get(set).is_some_and(|it| member(it, id).is_none());
        self.has_lost(set, id) && if self.is_shared(id) { graver() } else { is_part() }
    }

    fn has_lost(&self, set: &ComponentId, loss: &ComponentId) -> bool {
        self.of_set.get(set).is_some_and(|it| it.contains(loss))
    }
}

/// A case that tells of what a set has lost, or that it is gone.
fn is_of_set(case: &Case, topology: &Topology) -> bool {
    let real = |it: &Fact| !matches!(it.evidence, EvidenceKind::Advice | EvidenceKind::Blind);
    let gone = |it: &Fact| matches!(it.evidence, EvidenceKind::Lost | EvidenceKind::ImpactTotal);
    case.closed_at.is_none()
        && topology.set(&case.component).is_some()
        && case.facts.iter().any(|it| real(it) && (it.class == REDUNDANCY || gone(it)))
}

/// Lost members, and what those are made of in the words of the same source (a failure domain of its OSDs).
fn lost(set: &Component, topology: &Topology) -> BTreeSet<ComponentId> {
    let mut found = BTreeSet::new();
    let Some(inner) = &set.set else { return found };
    let gone = |it: MemberState| matches!(it, MemberState::Failed | MemberState::Missing);
    for member in inner.members.iter().filter(|it| gone(it.state)) {
        let Some(id) = &member.component else {
            found.extend(port(&inner.scheme, &member.name));
            continue;
        };
        if topology.set(id).is_none() {
            found.extend(parts(id, topology));
            found.insert(id.clone());
        }
    }
    found
}

fn parts(id: &ComponentId, topology: &Topology) -> Vec<ComponentId> {
    let family = |it: &ComponentId| it.kind().split_once('_').map(|it| it.0.to_owned());
    let links = topology.get(id).into_iter().flat_map(|it| &it.links);
    let on = links.filter(|it| it.relation == Relation::On).map(|it| it.to.clone());
    on.filter(|it| family(it).is_some() && family(it) == family(id)).collect()
}

/// The target port that a lost path goes through: `port 0x21000024ff000002: sdc`.
fn port(scheme: &str, name: &str) -> Option<ComponentId> {
    let (port, _) =
        name.strip_prefix("port ").filter(|_| scheme == "multipath")?.split_once(':')?;
    Some(ComponentId::new("port", port))
}

/// One fact for each disk or port that several sets have lost and of which nothing else tells.
pub(super) fn facts(cases: &[&Case], topology: &Topology) -> Vec<Fact> {
    let losses = Losses::new(cases, topology);
    let own = |id: &ComponentId| {
        cases.iter().any(|it| it.component == *id && it.facts.iter().any(|it| it.rule != RULE))
    };
    let told = losses.sets.keys().filter(|it| matches!(it.kind(), "disk" | "port"));
    let shared = told.filter(|it| losses.is_shared(it) && !own(it));
    shared.map(|id| fact(id, cases, &losses, topology)).collect()
}

fn fact(id: &ComponentId, cases: &[&Case], losses: &Losses, topology: &Topology) -> Fact {
    let speaks = |it: &&&Case| {
        losses.explains(id, &it.component) && it.facts.iter().any(|it| it.class == REDUNDANCY)
    };
    let mut of: Vec<&Case> = cases.iter().filter(speaks).copied().collect();
    if of.is_empty() {
        of = cases.iter().filter(|it| losses.explains(id, &it.component)).copied().collect();
    }
    let mut began: Vec<_> = of.iter().map(|it| it.opened_at).collect();
    began.sort_unstable();
    let since = began.get(SETS_MIN - 1).or(began.first()).copied().unwrap_or_default();
    let facts = of.iter().flat_map(|it| &it.facts);
    let mut names: Vec<&str> = of.iter().map(|it| it.component_name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let count = names.len();
    names.truncate(NAMED);
    let etc = if count > NAMED { (" 等", ", …") } else { ("", "") };
    let (zh, en) = (names.join("、") + etc.0, names.join(", ") + etc.1);
    let inputs: Vec<Input> = facts.clone().filter_map(|it| it.inputs.first().cloned()).collect();
    let (message, advice) = match id.kind() {
        "port" => said_of_port(id.key(), count, (&zh, &en)),
        _ => said_of_disk(&topology.name(id), count, (&zh, &en)),
    };
    Fact {
        rule: RULE.to_owned(),
        class: LINK.to_owned(),
        evidence: EvidenceKind::Latent,
        component: id.clone(),
        since,
        at: facts.map(|it| it.at).max().unwrap_or(since),
        message,
        advice,
        inputs: inputs.into_iter().take(NAMED).collect(),
        adjusted: None,
    }
}

fn said_of_port(port: &str, count: usize, (zh, en): (&str, &str)) -> (Text, Text) {
    (
        Text::new(
            format!("{count} 个多路径设备都失去了经存储端口 {port} 的路径（{zh}）"),
            format!(
                "{count} multipath units have all lost their path through storage port {port} ({en})"
            ),
        ),
        Text::new(
            "这些路径同时失效，应先检查它们共用的部分：存储控制器端口、光模块与光纤、交换机端口、主机 HBA",
            "these paths failed together: check what they share first, from the storage controller's port over transceiver, fibre and switch port to the HBA",
        ),
    )
}

fn said_of_disk(name: &str, count: usize, (zh, en): (&str, &str)) -> (Text, Text) {
    (
        Text::new(
            format!("磁盘 {name} 已同时从 {count} 个阵列中失效（{zh}）"),
            format!("disk {name} is lost from {count} arrays at once ({en})"),
        ),
        Text::new(
            "这些阵列失去的是同一块盘，更换该盘并按各阵列分别重建；更换前核对序列号，不要拔错其他成员",
            "the arrays have lost one and the same drive: replace it and rebuild each of them; check the serial number first and pull no other member",
        ),
    )
}
