//! Cases as lists show them: causes first, with how many others they brought about. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::classify::{Case, CaseId};

/// Open cases, apart by whether another one is their cause.
pub(super) struct Folded {
    /// Those that stand for themselves, with the number of their consequences.
    pub(super) roots: Vec<(Case, usize)>,
    /// Consequences of a cause that is open, here or on another host.
    pub(super) consequences: Vec<Case>,
}

/// Parts those of `cases` that `listed` wants; a cause counts only while it is open itself.
pub(super) fn fold(cases: Vec<Case>, listed: impl Fn(&Case) -> bool) -> Folded {
    let open: BTreeSet<CaseId> = cases.iter().map(|case| case.id.clone()).collect();
    let cause = |case: &Case| case.parent.clone().filter(|parent| open.contains(parent));
    let mut numbers: BTreeMap<CaseId, usize> = BTreeMap::new();
    for parent in cases.iter().filter_map(cause) {
        *numbers.entry(parent).or_default() += 1;
    }
    let (roots, consequences): (Vec<Case>, Vec<Case>) =
        cases.into_iter().filter(listed).partition(|case| cause(case).is_none());
    let number = |case: &Case| numbers.get(&case.id).copied().unwrap_or(0);
    Folded {
        roots: roots.into_iter().map(|case| (case.clone(), number(&case))).collect(),
        consequences,
    }
}
