//! Which profile a device is read by: `sysObjectID` first, and for agents that many makers use (net-snmp) whether the
//! family's own variables are there.

use std::collections::BTreeMap;

use super::{
    WALK_LIMIT,
    catalog::all,
    profile::{Match, Profile},
};
use crate::host::{Ask, Host, HostError, Oid, Value};

/// `system`, RFC 3418. Contact and location are nobody's business here.
const SYSTEM: [u32; 8] = [1, 3, 6, 1, 2, 1, 1, 0];

/// What every agent says of itself.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct About {
    pub(super) description: String,
    pub(super) object_id: Oid,
    /// Hundredths of a second.
    pub(super) uptime: Option<f64>,
    pub(super) name: String,
}

/// Asks an agent who it is. An answer with nothing in it is none of an SNMP agent that can be read.
pub(super) fn about(host: &dyn Host, target: &str) -> Result<About, HostError> {
    let root = |number: u32| Oid::new(&SYSTEM[..7]).with(&[number]);
    let roots = [root(1), root(2), root(3), root(5)];
    let walked = host.walk(target, Ask { roots: &roots, first: true }, WALK_LIMIT)?;
    let text = |at: usize| {
        let below = walked.bindings.iter().find(|(oid, _)| oid.is_below(&roots[at]));
        below.map(|(_, value)| value.clone())
    };
    let object_id = match text(1) {
        Some(Value::Oid(oid)) => oid,
        Some(other) => other.text().parse().unwrap_or_default(),
        None => Oid::default(),
    };
    Ok(About {
        description: text(0).map(|it| it.text()).unwrap_or_default(),
        object_id,
        uptime: text(2).and_then(|it| it.number()),
        name: text(3).map(|it| it.text()).unwrap_or_default(),
    })
}

/// The profile for a device. `wanted` is the configured one, `auto` or nothing to choose.
pub(super) fn profile(
    host: &dyn Host,
    target: &str,
    wanted: Option<&str>,
    about: &About,
) -> Result<&'static Profile, HostError> {
    if let Some(profile) = wanted.filter(|it| *it != "auto").and_then(Profile::named) {
        return Ok(profile);
    }
    let candidates: Vec<(&Profile, &Match)> = all()
        .iter()
        .flat_map(|profile| profile.matches.iter().map(move |it| (profile, it)))
        .filter(|(_, it)| fits(it, about))
        .collect();
    let mut probes: Vec<Oid> = candidates
        .iter()
        .filter_map(|(_, it)| it.present.as_ref())
        .map(|it| it.0.clone())
        .collect();
    probes.sort();
    probes.dedup();
    let there: BTreeMap<Oid, Value> = if probes.is_empty() {
        BTreeMap::new()
    } else {
        host.walk(target, Ask { roots: &probes, first: true }, WALK_LIMIT)?.bindings
    };
    let is_there = |root: &Oid| there.keys().any(|it| it.is_below(root));
    let held =
        candidates.iter().filter(|(_, it)| it.present.as_ref().is_none_or(|it| is_there(&it.0)));
    // The best match counts; of equal ones the first, which `max_by_key` would make the last.
    let best = held.rev().max_by_key(|(_, it)| weight(it)).map(|(profile, _)| *profile);
    let generic = || Profile::named("generic").expect("there is a generic profile, as a test says");
    Ok(best.unwrap_or_else(generic))
}

fn fits(it: &Match, about: &About) -> bool {
    let description = about.description.to_lowercase();
    it.object_id.as_ref().is_none_or(|wanted| about.object_id.is_below(&wanted.0))
        && it.described.as_ref().is_none_or(|wanted| description.contains(&wanted.to_lowercase()))
}

/// How much a match says: the length of the identifier, then whether the description or a table agrees.
fn weight(it: &Match) -> usize {
    let oid = it.object_id.as_ref().map_or(0, |it| it.0.parts().len() * 10);
    oid + it.described.as_ref().map_or(0, |_| 6) + it.present.as_ref().map_or(0, |_| 5)
}
