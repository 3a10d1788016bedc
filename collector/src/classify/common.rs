//! What several faults have in common: disks behind one controller or enclosure whose links fail together point to what
//! they share. The shared part gets a case of its own, under which theirs fold.

use std::collections::BTreeMap;

use xunjian_proto::{ComponentId, Relation};
use xunjian_rules::{EvidenceKind, Text};

use super::{Case, shared, topology::Topology};
use crate::evaluate::{Fact, Input};

/// Rule of the derived facts.
pub(super) const RULE: &str = "common-parent";

/// Fault class of links, and of what several links share.
pub(super) const LINK: &str = "link";

/// So many disks at once are no chance.
const TOGETHER: usize = 2;

/// Readings of the disks that are quoted.
const QUOTED: usize = 8;

/// One fact for each part through which at least two disks with failing links are reached.
pub(super) fn facts<'a>(cases: impl Iterator<Item = &'a Case>, topology: &Topology) -> Vec<Fact> {
    let cases: Vec<&Case> = cases.collect();
    let mut facts = of_links(&cases, topology);
    facts.extend(shared::facts(&cases, topology));
    facts
}

fn of_links(cases: &[&Case], topology: &Topology) -> Vec<Fact> {
    let mut shared: BTreeMap<&ComponentId, Vec<&Case>> = BTreeMap::new();
    let of_disks = |it: &&&Case| {
        let own = it.facts.iter().any(|it| it.rule != RULE);
        it.class == LINK && it.component.kind() == "disk" && own
    };
    for case in cases.iter().copied().filter(|it| of_disks(&it)) {
        let real = |it: EvidenceKind| !matches!(it, EvidenceKind::Advice | EvidenceKind::Blind);
        if case.closed_at.is_none() && case.facts.iter().any(|it| real(it.evidence)) {
            for parent in parents(&case.component, topology) {
                shared.entry(parent).or_default().push(case);
            }
        }
    }
    shared.retain(|_, cases| cases.len() >= TOGETHER);
    shared.into_iter().map(|(parent, cases)| fact(parent, &cases, topology)).collect()
}

/// Whether a case is one of those that a shared part explains.
pub(super) fn explains(cause: &Case, case: &Case, topology: &Topology) -> bool {
    case.class == LINK
        && cause.facts.iter().any(|it| it.rule == RULE)
        && parents(&case.component, topology).any(|it| *it == cause.component)
}

/// Controllers and enclosures through which a disk is reached. A device that is read from elsewhere is more than a path.
fn parents<'a>(
    disk: &ComponentId,
    topology: &'a Topology,
) -> impl Iterator<Item = &'a ComponentId> + use<'a> {
    let links = topology.get(disk).into_iter().flat_map(|it| &it.links);
    links.filter(|it| it.relation == Relation::Via && it.to.kind() != "device").map(|it| &it.to)
}

fn fact(parent: &ComponentId, cases: &[&Case], topology: &Topology) -> Fact {
    let facts = cases.iter().flat_map(|it| &it.facts);
    // It began when the second one joined.
    let mut began: Vec<_> = cases.iter().map(|it| it.opened_at).collect();
    began.sort_unstable();
    let since = began.get(TOGETHER - 1).or(began.first()).copied().unwrap_or_default();
    let names: Vec<&str> = cases.iter().map(|it| it.component_name.as_str()).take(QUOTED).collect();
    let (count, name) = (cases.len(), topology.name(parent));
    let inputs: Vec<Input> = facts.clone().flat_map(|it| it.inputs.first().cloned()).collect();
    Fact {
        rule: RULE.to_owned(),
        class: LINK.to_owned(),
        evidence: EvidenceKind::Latent,
        component: parent.clone(),
        since,
        at: facts.map(|it| it.at).max().unwrap_or(since),
        message: Text::new(
            format!(
                "经 {name} 连接的 {count} 块磁盘同时出现链路错误（{}），应先怀疑公共路径",
                names.join("、")
            ),
            format!(
                "{count} drives behind {name} show link errors together ({}): suspect what they share first",
                names.join(", ")
            ),
        ),
        advice: Text::new(
            "依次检查 HBA 或扩展卡、背板、线缆和供电，再判断磁盘；更换磁盘前先排除公共部件",
            "check HBA or expander, backplane, cables and power in turn before any of the drives is replaced",
        ),
        inputs: inputs.into_iter().take(QUOTED).collect(),
        adjusted: None,
    }
}

/// Why a derived case is over.
pub(super) fn over() -> Text {
    Text::new(
        "同时受影响的部件已不足两个，不再指向这一公共原因",
        "fewer than two parts are affected at the same time, which no longer points to what they share",
    )
}
