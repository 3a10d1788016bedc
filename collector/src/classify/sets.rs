//! The level decision for protected sets and their members: steps 2, 3, 4, 6 and 7 of the decision, by the margin.

use std::time::Duration;

use xunjian_proto::{Component, MemberState};
use xunjian_rules::{EvidenceKind, Text};

use super::{
    Level,
    decision::{Candidate, Context, Usage, level, rank},
    host_set::{self, carries_host},
    incident::Impact,
    redundancy::Margin,
    set_outlook as outlook, set_texts as say,
    set_words::{Means, means_of},
    topology::member,
};
use crate::evaluate::Fact;

/// Steps that match for a fact about the set itself.
pub(super) fn of_set(
    fact: &Fact,
    set: &Component,
    margin: &Margin,
    context: &Context<'_>,
) -> Vec<Candidate> {
    let usage = use_of(set, context);
    let mut found = Vec::new();
    found.extend(gone(set, margin, usage, context));
    found.extend(used_up(set, margin, usage, context));
    found.extend(suspects(set, margin, usage, context));
    found.extend(lingering(fact, set, margin, usage, context));
    found.extend(others_left(set, margin));
    found
}

/// Steps that match for a lost or suspect member of the set.
pub(super) fn of_member(
    fact: &Fact,
    set: &Component,
    margin: &Margin,
    context: &Context<'_>,
) -> Vec<Candidate> {
    let state = member(set, &fact.component).map(|it| it.state);
    let serves_nothing = match (fact.evidence, state) {
        (_, Some(MemberState::Spare)) => true,
        // Failed and replaced already: still listed, holds no place.
        (_, Some(MemberState::Failed)) => margin.lost == 0,
        _ => false,
    };
    if serves_nothing {
        return vec![Candidate::fault(7, Level::Four, say::spare_bad(fact, set))];
    }
    if fact.evidence == EvidenceKind::Lost {
        return of_set(fact, set, margin, context);
    }
    let usage = use_of(set, context);
    let mut found: Vec<Candidate> = others_left(set, margin).into_iter().collect();
    found.extend(suspects(set, margin, usage, context));
    found
}

/// What stands on a set; on power and cooling the whole host.
fn use_of(set: &Component, context: &Context<'_>) -> Usage {
    match carries_host(&set.id) {
        true => Usage::Production { assumed: false },
        false => context.settle(context.topology.use_of(&set.id, context.asset)),
    }
}

/// Step 2: more is lost than the set survives.
fn gone(
    set: &Component,
    margin: &Margin,
    usage: Usage,
    context: &Context<'_>,
) -> Option<Candidate> {
    if margin.r? >= 0 {
        return None;
    }
    if carries_host(&set.id) {
        return Some(host_set::danger(set, margin, context));
    }
    let policy = &context.contract.policy;
    if set.set.as_ref().is_some_and(|it| it.scheme == "targets") {
        return Some(targets_gone(set, margin, context));
    }
    let because = say::gone(set, margin, usage);
    let candidate = match usage {
        Usage::Production { .. } => Candidate::fault(2, Level::One, because),
        Usage::Scratch => Candidate::fault(2, level(policy.scratch_lost), because)
            .by_policy("scratch_lost", policy.scratch_lost),
        // Nothing mounted hangs on it now, but its data are gone all the same.
        Usage::Unused => Candidate::fault(2, Level::Two, because),
    };
    Some(assumed(candidate, usage).outlook(outlook::gone_worse(), outlook::gone_better()))
}

/// Targets of one file system have no redundancy among them: what counts is the share that is gone.
fn targets_gone(set: &Component, margin: &Margin, context: &Context<'_>) -> Candidate {
    let limit = context.contract.policy.ost_share_basic_function_lost;
    let share = f64::from(margin.lost) / f64::from(margin.width.max(1));
    let level = if share >= limit { Level::One } else { Level::Three };
    let (worse, better) = outlook::targets_outlook(share, limit);
    Candidate::fault(if share >= limit { 2 } else { 5 }, level, say::targets(set, margin, limit))
        .outlook(worse, better)
        .by_policy("ost_share_basic_function_lost", limit)
}

/// Step 3: the next loss interrupts, and the set was built to survive it.
fn used_up(
    set: &Component,
    margin: &Margin,
    usage: Usage,
    context: &Context<'_>,
) -> Option<Candidate> {
    if margin.r? != 0 || margin.r_design.unwrap_or(0) < 1 {
        return None;
    }
    if carries_host(&set.id) {
        return Some(host_set::danger(set, margin, context));
    }
    let policy = &context.contract.policy;
    let scheme = set.set.as_ref().map_or("", |it| it.scheme.as_str());
    let because = say::used_up(set, margin, usage);
    let candidate = match usage {
        _ if scheme == "bond" && context.clustered() => {
            Candidate::fault(3, level(policy.bond_clustered), because)
                .by_policy("bond_clustered", policy.bond_clustered)
        }
        // A bond carries the host's traffic whether or not anything says so.
        _ if scheme == "bond" => Candidate::fault(3, Level::Two, because),
        Usage::Production { .. } => Candidate::fault(3, Level::Two, because),
        Usage::Scratch | Usage::Unused => {
            let because = say::used_up_aside(set, margin, usage);
            let worse = outlook::used_up_aside_worse(usage, policy.scratch_lost);
            let candidate = Candidate::fault(7, Level::Four, because);
            return Some(candidate.outlook(worse, outlook::used_up_better(set)));
        }
    };
    Some(
        assumed(candidate, usage)
            .outlook(outlook::used_up_worse(set), outlook::used_up_better(set)),
    )
}

/// Steps 4 and 6: what happens if every suspect fails too.
fn suspects(
    set: &Component,
    margin: &Margin,
    usage: Usage,
    context: &Context<'_>,
) -> Option<Candidate> {
    let (r, r_if) = (margin.r?, margin.r_if?);
    if r < 0 || r_if > 0 || r_if == r {
        return None;
    }
    let policy = &context.contract.policy;
    if !matches!(usage, Usage::Production { .. }) {
        return Some(Candidate::fault(7, Level::Four, say::suspects_not_in_service(set, margin)));
    }
    let candidate = if r_if < 0 {
        Candidate::fault(4, Level::Two, say::suspect_interrupts(set, margin, usage))
    } else if margin.suspects.len() + usize::try_from(margin.lost).unwrap_or(usize::MAX) >= 2 {
        Candidate::fault(6, level(policy.suspects_exhaust), say::suspects_exhaust(set, margin))
            .by_policy("suspects_exhaust", policy.suspects_exhaust)
    } else if margin.spare == Some(true) {
        Candidate::fault(6, Level::Four, say::suspect_with_spare(set, margin))
    } else {
        Candidate::fault(6, level(policy.prefail_no_spare), say::suspect_no_spare(set, margin))
            .by_policy("prefail_no_spare", policy.prefail_no_spare)
    };
    let level = level(rank(candidate.grade));
    let worse = outlook::suspects_worse(set, margin, level);
    Some(assumed(candidate, usage).outlook(worse, outlook::suspects_better(set)))
}

/// Step 5 for a set that still survives a loss: degraded for long, or its rebuild slows the service.
fn lingering(
    fact: &Fact,
    set: &Component,
    margin: &Margin,
    usage: Usage,
    context: &Context<'_>,
) -> Option<Candidate> {
    let degraded = margin.lost > 0 && margin.r? >= 1;
    if !degraded || usage == Usage::Unused {
        return None;
    }
    let policy = &context.contract.policy;
    let mut near = context.topology.above(&set.id);
    near.extend(context.topology.below(&set.id));
    near.insert(set.id.clone());
    if context.conditions.impact_on(&near) >= Some(Impact::Partial) {
        return Some(Candidate::fault(5, Level::Three, say::degraded_slow(set, margin)));
    }
    let hours = |it: u32| Duration::from_secs(u64::from(it) * 3600);
    let lasted = context.at.since(fact.since);
    if margin.rebuilding && lasted >= hours(policy.rebuild_hours) {
        let because = say::rebuild_long(set, margin, policy.rebuild_hours);
        return Some(
            Candidate::fault(5, Level::Three, because)
                .by_policy("rebuild_hours", policy.rebuild_hours),
        );
    }
    // A spare that was not seen is none: unknown never means good.
    if means_of(set) != Means::None
        && margin.spare != Some(true)
        && lasted >= hours(policy.no_spare_hours)
    {
        let because = say::no_spare_long(set, margin, policy.no_spare_hours);
        return Some(
            Candidate::fault(5, Level::Three, because)
                .by_policy("no_spare_hours", policy.no_spare_hours),
        );
    }
    None
}

/// Step 7: the set survives more losses, or how many is not known.
fn others_left(set: &Component, margin: &Margin) -> Option<Candidate> {
    let survives = margin.r.is_none_or(|it| it >= 1);
    let candidate = Candidate::fault(7, Level::Four, say::still_protected(set, margin));
    survives.then(|| {
        candidate.outlook(outlook::protected_worse(set, margin), outlook::used_up_better(set))
    })
}

fn assumed(candidate: Candidate, usage: Usage) -> Candidate {
    match usage {
        Usage::Production { assumed: true } => {
            candidate.by_policy("unknown_use_is_production", true)
        }
        _ => candidate,
    }
}

/// Kept here so that texts and steps agree on what "assumed" says.
pub(super) fn assumed_text(usage: Usage) -> Text {
    match usage {
        Usage::Production { assumed: true } => Text::new(
            "（其用途未能读到，按生产用途判定）",
            " (its use could not be read and is taken as production)",
        ),
        _ => Text::default(),
    }
}
