//! Consequences fold under their cause, by topology: a lost array holds its failed disks and its filesystem, a lost
//! filesystem its units, a host that went silent its sources. Children stay listed with their own record; the incident's
//! level is the gravest of them.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{ComponentId, MemberState, Time};
use xunjian_rules::EvidenceKind;

use super::{
    Case, CaseId, Grade, case_texts as say, common,
    decision::rank,
    incident::{Conditions, Impact, REDUNDANCY},
    shared::Losses,
    texts,
    topology::{Topology, member},
};
use crate::evaluate::Fact;

/// Sets the parents of a host's open cases anew and raises each cause to the level of its gravest consequence.
pub(super) fn fold(cases: &mut [Case], topology: &Topology, conditions: &Conditions, at: Time) {
    let faults = |it: &&Case| matches!(it.decision.grade, Grade::Fault(_));
    let losses = Losses::new(&cases.iter().filter(faults).collect::<Vec<_>>(), topology);
    let parents: Vec<Option<CaseId>> = cases
        .iter()
        .map(|it| {
            let own =
                cause(it, cases, topology, (conditions, &losses)).map(|cause| cause.id.clone());
            own.or_else(|| from_outside(it))
        })
        .collect();
    for (case, parent) in cases.iter_mut().zip(parents) {
        case.parent = parent;
    }
    raise(cases, at);
}

/// The cause that only a look at several hosts can find; it is set and cleared there.
fn from_outside(case: &Case) -> Option<CaseId> {
    case.parent.clone().filter(|it| case.agent.is_empty() || it.is_of_site())
}

/// The case that this one is a consequence of.
fn cause<'a>(
    case: &Case,
    cases: &'a [Case],
    topology: &Topology,
    (conditions, losses): (&Conditions, &Losses),
) -> Option<&'a Case> {
    if case.decision.grade == Grade::Blind {
        return blind_cause(case, cases);
    }
    if !matches!(case.decision.grade, Grade::Fault(_)) || case.class == CAPACITY {
        return None;
    }
    let is_cause = |it: &&Case| it.id != case.id && matches!(it.decision.grade, Grade::Fault(_));
    let is_set = topology.set(&case.component).is_some();
    let below = topology.below(&case.component);
    let lost_from = |set: &ComponentId| {
        !is_set
            && (losses.follows(case, set, topology)
                || !losses.is_shared(&case.component)
                    && is_lost_from(&case.component, set, topology, conditions, DEPTH_MAX))
    };
    let causes = cases.iter().filter(is_cause).filter(|it| {
        let over_sets = !is_set || topology.set(&it.component).is_some();
        let stands_on =
            || below.contains(&it.component) && is_gone(&it.component, topology, conditions);
        (it.component == case.component && hides(it, case))
            || (is_set && speaks_of_loss(case) && losses.leads(it, &case.component))
            || common::explains(it, case, topology)
            || (lost_from(&it.component) && speaks_of_redundancy(it))
            || (over_sets && stands_on() && explains(it))
    });
    // The set before its disks: it is what the engineer is sent for. The lost set before the degraded one.
    causes.min_by_key(|it| {
        (
            topology.set(&it.component).is_none(),
            !says_lost(it),
            rank(it.decision.grade),
            it.id.clone(),
        )
    })
}

/// Why nothing is seen: a host that fell silent hides its parts and sources, and a link that went down just before hides
/// the host.
fn blind_cause<'a>(case: &Case, cases: &'a [Case]) -> Option<&'a Case> {
    let host = ComponentId::host();
    if case.component != host {
        let silent = |it: &&Case| it.facts.iter().any(|it| it.rule == SILENT);
        let mut blind = cases.iter().filter(|it| it.decision.grade == Grade::Blind).filter(silent);
        return blind.find(|it| it.component == host);
    }
    let last_heard = case.facts.iter().find(|it| it.rule == SILENT)?.since;
    let cut = |it: &&Case| {
        let just_before = |fact: &Fact| {
            let gone = matches!(fact.evidence, EvidenceKind::Lost | EvidenceKind::ImpactTotal);
            gone && last_heard.since(fact.since) <= SHORTLY && fact.since <= last_heard
        };
        matches!(it.component.kind(), "netif" | "ibport")
            && matches!(it.decision.grade, Grade::Fault(_))
            && it.facts.iter().any(just_before)
    };
    let newest = |it: &&Case| (it.facts.iter().map(|it| it.since).max(), it.id.clone());
    cases.iter().filter(cut).max_by_key(newest)
}

/// The rule that says that nothing is heard from a host.
pub(super) const SILENT: &str = "host-silent";

/// A link that goes down cuts the host off at once; what is read is sent within a minute, and spooled runs come later.
pub(super) const SHORTLY: Duration = Duration::from_secs(600);

/// Whether one case of a component is what the other one is a consequence or a part of.
fn hides(cause: &Case, case: &Case) -> bool {
    let out_of_service = cause.class != CAPACITY
        && cause.facts.iter().any(|it| it.evidence == EvidenceKind::ImpactTotal);
    !says_lost(case)
        && (says_lost(cause)
            || out_of_service && case.class == REDUNDANCY && cause.class != REDUNDANCY)
}

fn speaks_of_loss(case: &Case) -> bool {
    speaks_of_redundancy(case) || explains(case)
}

fn says_lost(case: &Case) -> bool {
    case.facts.iter().any(|it| it.evidence == EvidenceKind::Lost)
}

/// A full filesystem is a fault of its own, whatever it stands on.
const CAPACITY: &str = "capacity";

fn speaks_of_redundancy(case: &Case) -> bool {
    says_lost(case) || case.facts.iter().any(|it| it.class == REDUNDANCY)
}

fn explains(case: &Case) -> bool {
    let strong = |it: EvidenceKind| matches!(it, EvidenceKind::Lost | EvidenceKind::ImpactTotal);
    speaks_of_redundancy(case) || case.facts.iter().any(|it| strong(it.evidence))
}

/// Sets in sets are followed so deep.
const DEPTH_MAX: u32 = 8;

/// Whether a component is one of the lost members of a set, or of a set in it.
fn is_lost_from(
    id: &ComponentId,
    set: &ComponentId,
    topology: &Topology,
    conditions: &Conditions,
    depth: u32,
) -> bool {
    let Some(component) = topology.get(set) else { return false };
    let Some(state) = member(component, id).map(|it| it.state) else {
        let Some(deeper) = depth.checked_sub(1) else { return false };
        let members = component.set.iter().flat_map(|it| &it.members);
        let inner = members.filter_map(|it| it.component.as_ref());
        let mut sets = inner.filter(|it| topology.set(it).is_some());
        return sets.any(|it| is_lost_from(id, it, topology, conditions, deeper));
    };
    let gone =
        matches!(state, MemberState::Failed | MemberState::Missing | MemberState::Rebuilding);
    let counts = conditions.margin(topology, set).is_some_and(|it| it.lost > 0 || it.r == Some(-1));
    counts && (gone || conditions.lost.contains(id))
}

/// Whether what stands on it cannot work any more.
fn is_gone(id: &ComponentId, topology: &Topology, conditions: &Conditions) -> bool {
    match conditions.margin(topology, id) {
        Some(margin) => margin.r == Some(-1),
        None => conditions.lost.contains(id) || conditions.impact.get(id) == Some(&Impact::Total),
    }
}

/// The incident's level is the gravest over its findings.
fn raise(cases: &mut [Case], at: Time) {
    let parents: BTreeMap<CaseId, CaseId> =
        cases.iter().filter_map(|it| Some((it.id.clone(), it.parent.clone()?))).collect();
    let mut worst: BTreeMap<CaseId, (u8, usize)> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let Some(root) = root(&case.id, &parents) else { continue };
        let this = (rank(case.decision.grade), index);
        let known = worst.entry(root).or_insert(this);
        *known = (*known).min(this);
    }
    for (root, (grave, index)) in worst {
        let Some(child) = cases.get(index).cloned() else { continue };
        let Some(cause) = cases.iter_mut().find(|it| it.id == root) else { continue };
        if grave < rank(cause.decision.grade) {
            let decision = &mut cause.decision;
            decision.runner_up = Some((decision.grade, decision.because.clone()));
            decision.because = say::consequence(&child.component_name, &child.decision.because);
            decision.grade = child.decision.grade;
            decision.step = child.decision.step;
            decision.clause = texts::clause(decision.grade);
            decision.impact.clone_from(&child.decision.impact);
            decision.worse_if.clone_from(&child.decision.worse_if);
            decision.better_if.clone_from(&child.decision.better_if);
            decision.at = at;
        }
    }
}

/// The outermost cause; `None` for a case without one.
fn root(id: &CaseId, parents: &BTreeMap<CaseId, CaseId>) -> Option<CaseId> {
    let mut current = parents.get(id)?;
    for _ in 0..parents.len() {
        match parents.get(current) {
            Some(next) => current = next,
            None => break,
        }
    }
    Some(current.clone())
}
