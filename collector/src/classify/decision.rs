//! The level is decided, not declared: the steps of the level decision in their order, over every fact of a case; the
//! gravest outcome wins, and the next one is kept as the runner-up.
//!
//! Steps: 1 impact total · 2 data or service gone · 3 redundancy used up · 4 a suspect whose loss interrupts · 5 impact
//! partial · 6 suspects would use up the redundancy · 7 other evidence · 8 advice · 0 a gap of coverage.
//!
//! What facts mean: `lost` on a member says that its set has lost it; `lost` on a set says that the set itself is down;
//! a degraded set states class `redundancy` with `suspect` or `latent`, and its level comes from its members.

use xunjian_proto::{ComponentId, Time};
use xunjian_rules::{EvidenceKind, Text};

use super::{
    Decision, Grade, Level,
    incident::{Conditions, Impact, REDUNDANCY, record},
    partners::{Partner, Takeover},
    redundancy::Margin,
    sets, single, texts,
    topology::{Topology, Use},
};
use crate::{
    contract::{Asset, Contract},
    evaluate::Fact,
};

/// What a decision is made from, beside the facts of the case.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The host's components.
    pub topology: &'a Topology,
    /// What holds on the host now.
    pub conditions: &'a Conditions,
    /// The customer's contract.
    pub contract: &'a Contract,
    /// The host in the contract, if it is listed.
    pub asset: Option<&'a Asset>,
    /// The machines that the contract names as taking over from it.
    pub partners: &'a [Partner],
    /// Event time of the decision.
    pub at: Time,
}

impl Context<'_> {
    /// Use of a component as the decision takes it: what could not be read counts as production if the contract says so.
    pub(super) fn settle(&self, found: Use) -> Usage {
        match found {
            Use::Production(_) => Usage::Production { assumed: false },
            Use::Scratch(_) => Usage::Scratch,
            Use::Unused => Usage::Unused,
            Use::Unknown if self.contract.policy.unknown_use_is_production => {
                Usage::Production { assumed: true }
            }
            Use::Unknown => Usage::Unused,
        }
    }

    /// Who takes over if the host fails.
    pub(super) fn takeover(&self) -> Takeover {
        Takeover::of(self.asset.is_some_and(|it| it.clustered), self.partners)
    }

    pub(super) fn clustered(&self) -> bool {
        self.takeover().is_there()
    }
}

/// Use of a component as the decision takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// In service; `assumed`: its use could not be read.
    Production {
        assumed: bool,
    },
    Scratch,
    Unused,
}

/// One step that matched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) step: u8,
    pub(super) grade: Grade,
    pub(super) because: Text,
    pub(super) worse_if: Text,
    pub(super) better_if: Text,
    pub(super) policies: Vec<String>,
    /// It holds for any evidence: whatever says more of this one is told instead.
    pub(super) general: bool,
}

impl Candidate {
    pub(super) fn fault(step: u8, level: Level, because: Text) -> Candidate {
        let (worse_if, better_if) = texts::general_outlook(level);
        Candidate {
            step,
            grade: Grade::Fault(level),
            because,
            worse_if,
            better_if,
            policies: Vec::new(),
            general: false,
        }
    }

    pub(super) fn by_policy(mut self, key: &str, value: impl std::fmt::Display) -> Candidate {
        self.policies.push(format!("{key} = {value}"));
        self
    }

    pub(super) fn outlook(mut self, worse_if: Text, better_if: Text) -> Candidate {
        self.worse_if = worse_if;
        self.better_if = better_if;
        self
    }
}

/// Decides the grade of one case. `facts` are those that hold; an empty list is a gap of coverage.
pub fn decide(facts: &[Fact], context: &Context<'_>) -> Decision {
    let mut candidates: Vec<Candidate> =
        facts.iter().flat_map(|it| candidates(it, context)).collect();
    // The gravest wins; of equals the earlier step, then what says more, then the text, so that the order of facts does not matter.
    candidates.sort_by(|a, b| {
        (rank(a.grade), a.step, a.general, &a.because).cmp(&(
            rank(b.grade),
            b.step,
            b.general,
            &b.because,
        ))
    });
    candidates.dedup_by(|a, b| a.step == b.step && a.grade == b.grade);
    let mut candidates = candidates.into_iter();
    let winner = candidates.next().unwrap_or_else(texts::nothing_known);
    let runner_up = candidates.find(|it| it.grade != winner.grade).map(|it| (it.grade, it.because));
    Decision {
        grade: winner.grade,
        step: winner.step,
        because: winner.because,
        clause: texts::clause(winner.grade),
        runner_up,
        worse_if: winner.worse_if,
        better_if: winner.better_if,
        redundancy: records(facts, context),
        impact: impact(facts, context).to_owned(),
        policies: winner.policies,
        at: context.at,
    }
}

/// Order of grades, gravest first: fault levels, gaps of coverage, advice.
pub fn rank(grade: Grade) -> u8 {
    match grade {
        Grade::Fault(level) => level.number(),
        Grade::Blind => 5,
        Grade::Advice => 6,
    }
}

/// A level by its number; numbers outside 1 to 4 (which the contract's check refuses) become the nearest.
pub fn level(number: u8) -> Level {
    match number {
        0 | 1 => Level::One,
        2 => Level::Two,
        3 => Level::Three,
        _ => Level::Four,
    }
}

fn candidates(fact: &Fact, context: &Context<'_>) -> Vec<Candidate> {
    match fact.evidence {
        EvidenceKind::Blind => return vec![texts::blind(fact)],
        EvidenceKind::Advice => return vec![texts::advice(fact)],
        _ => {}
    }
    let mut found = vec![texts::other_evidence(fact)];
    found.extend(impact_steps(fact, context));
    let topology = context.topology;
    if let Some(set) = topology.get(&fact.component).filter(|it| it.set.is_some()) {
        let about_redundancy = fact.class == REDUNDANCY || fact.evidence != EvidenceKind::Latent;
        if about_redundancy
            && let Some(margin) = context.conditions.margin(topology, &fact.component)
        {
            found.extend(sets::of_set(fact, set, &margin, context));
        }
    } else if matches!(fact.evidence, EvidenceKind::Lost | EvidenceKind::Suspect) {
        for set in topology.sets_over(&fact.component) {
            if let Some(margin) = context.conditions.margin(topology, &set.id) {
                found.extend(sets::of_member(fact, set, &margin, context));
            }
        }
        found.extend(single::by_design(fact, context));
    }
    found
}

/// Steps 1 and 5 for a measured effect.
fn impact_steps(fact: &Fact, context: &Context<'_>) -> Option<Candidate> {
    match fact.evidence {
        EvidenceKind::ImpactTotal => Some(single::impact_total(fact, context)),
        EvidenceKind::ImpactPartial => Some(texts::impact_partial(fact)),
        _ => None,
    }
}

/// The sets that the facts of a case speak of: the component itself or the sets it belongs to.
fn records(facts: &[Fact], context: &Context<'_>) -> Vec<super::Redundancy> {
    let mut sets: Vec<_> = facts.iter().flat_map(|it| concerned(&it.component, context)).collect();
    sets.sort_by(|a, b| a.0.set.cmp(&b.0.set));
    sets.dedup_by(|a, b| a.0.set == b.0.set);
    sets.into_iter().map(|it| it.0).collect()
}

fn concerned(id: &ComponentId, context: &Context<'_>) -> Vec<(super::Redundancy, Margin)> {
    let topology = context.topology;
    let own = topology.get(id).filter(|it| it.set.is_some());
    let all = own.into_iter().chain(topology.sets_over(id));
    all.filter_map(|set| {
        let margin = context.conditions.margin(topology, &set.id)?;
        Some((record(set, &margin), margin))
    })
    .collect()
}

/// The measured effect on what stands on the components of a case. `unknown` where nothing would measure it.
fn impact(facts: &[Fact], context: &Context<'_>) -> &'static str {
    let mut measured = false;
    let mut worst = None;
    for fact in facts {
        let mut ids = context.topology.above(&fact.component);
        ids.insert(fact.component.clone());
        measured |= ids.iter().any(|it| matches!(it.kind(), "filesystem" | "unit"));
        worst = worst.max(context.conditions.impact_on(&ids));
    }
    match (worst, measured) {
        (Some(Impact::Total), _) => "total",
        (Some(Impact::Partial), _) => "partial",
        (None, true) => "none",
        (None, false) => "unknown",
    }
}
