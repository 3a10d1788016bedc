//! In which order the judgements of one step are taken in, so that the order of their arrival does not matter.

use std::cmp::Reverse;

use crate::evaluate::{Judgement, Verdict};

/// By time, then the graver last, then by everything else that could differ.
pub(super) fn order(it: &Judgement) -> impl Ord + '_ {
    let fact = match &it.verdict {
        Verdict::Firing(fact) => Some((Reverse(fact.evidence), fact.since, fact.at, &fact.message)),
        _ => None,
    };
    (it.at, weight(&it.verdict), &it.component, &it.rule, fact)
}

fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Unknown(_) => 0,
        Verdict::Quiet | Verdict::Lapsed(_) => 1,
        Verdict::Pending => 2,
        Verdict::Firing(_) => 3,
    }
}
