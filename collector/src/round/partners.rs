//! What the hosts that take over from each other know of one another: looked at once a minute, before each is judged.

use std::collections::BTreeMap;

use super::Rounds;
use crate::{
    classify::partners::{Away, Partner, away},
    contract::Contracts,
};

/// Tells each host whose contract names machines that take over which of them can. Returns whether that changed for one.
pub fn look_at_partners(rounds: &mut Rounds, contracts: &Contracts) -> bool {
    let named = |hostname: &str| {
        let asset = contracts.of(hostname).assets.get(hostname);
        asset.map_or(&[][..], |it| it.partners.as_slice())
    };
    let wanted = rounds.values().flat_map(|it| named(&it.host().hostname));
    let mut states: BTreeMap<&str, Option<Away>> =
        wanted.map(|it| (it.as_str(), Some(Away::Unheard))).collect();
    if states.is_empty() && rounds.values().all(|it| it.partners.is_empty()) {
        return false;
    }
    for round in rounds.values() {
        if let Some(state) = states.get_mut(round.host().hostname.as_str()) {
            *state = away(round.cases());
        }
    }
    let mut changed = false;
    for round in rounds.values_mut() {
        let partners: Vec<Partner> = named(&round.host.hostname)
            .iter()
            .map(|it| Partner {
                name: it.clone(),
                away: states.get(it.as_str()).copied().flatten(),
            })
            .collect();
        changed |= round.partners != partners;
        round.partners = partners;
    }
    changed
}
