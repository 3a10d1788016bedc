//! Hands over what was read of quotas.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use super::{
    Answers, Look, Memory,
    metrics::{LIMIT, LIMITED, REACHED, SHARE, STANDING, STATE, UNTOLD, USAGE},
    report::{self, Class, Standing, Subject, Used},
    state::{self, Known, State},
    tally::Tally,
};
use crate::{
    mounts::Mount,
    source::{Collect, fingerprint},
};

/// Runs for which a subject that is well again is told of: rules want two good readings, and some runs may fail.
const TOLD_AGAIN: u32 = 6;

/// Subjects that are remembered on the whole host.
const KNOWN_MAX: usize = 1024;

/// Hands over all quotas, and gives what the next run must know. `states`: what `quotaon` says; none without quota-tools.
pub(super) fn all(
    c: &mut Collect<'_>,
    look: &Look<'_>,
    states: Option<&Known>,
    answers: &Answers,
) -> Memory {
    let old = look.memory;
    let mut told = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let (mut proof, mut lasting) = (String::new(), String::new());
    for (place, class) in places(look, answers) {
        let mount = look.mounts.iter().find(|it| it.point == place);
        let id = quota(&place, class);
        let tally = answers.tallies.get(&(place.clone(), class));
        component(c, &id, &place, class, mount, tally);
        let state = state_of(c, states, &id, mount, class);
        let Some(tally) = tally else {
            no_report(c, &id, class, state);
            continue;
        };
        if !answers.cut {
            counts(c, &id, tally);
        }
        for subject in tally.told() {
            let standing = subject.standing();
            let key = format!("{}/{}", id.key(), subject.id);
            one(c, &id, &key, subject);
            proof.push_str(&format!("{} {standing}: {}\n", id.key(), subject.line));
            lasting.push_str(&format!("{key} {standing};"));
            if let Some(runs) = again(old, &key, standing) {
                told.insert(key.clone(), runs);
            }
            seen.insert(key);
        }
    }
    for (key, runs) in vanished(old, &seen, answers) {
        let Some((quota, id)) = key.rsplit_once('/') else { continue };
        let (space, files) = (Used::NOTHING, Used::NOTHING);
        let line = String::new();
        one(
            c,
            &ComponentId::new("quota", quota),
            &key,
            &Subject { id: id.to_owned(), space, files, line },
        );
        if runs > 1 {
            told.insert(key, runs - 1);
        }
    }
    let told = told.into_iter().take(KNOWN_MAX).collect();
    let new = fingerprint(&lasting);
    if !proof.is_empty() && new != old.proof {
        c.evidence("repquota", &proof);
    }
    Memory { told, proof: new }
}

fn quota(place: &str, class: Class) -> ComponentId {
    ComponentId::new("quota", &format!("{place}:{}", class.word()))
}

/// Quotas that there are or should be.
fn places(look: &Look<'_>, answers: &Answers) -> BTreeSet<(String, Class)> {
    let mut places: BTreeSet<(String, Class)> = answers.tallies.keys().cloned().collect();
    for mount in look.mounts {
        let fstab = look.wanted.iter().find(|it| it.point == mount.point);
        let wants = |class: &Class| {
            let by_fstab = fstab.is_some_and(|it| state::is_wanted(&it.options, *class));
            by_fstab || state::is_wanted(&mount.super_options, *class)
        };
        let wanted = report::CLASSES.into_iter().filter(wants);
        places.extend(wanted.map(|class| (mount.point.clone(), class)));
    }
    places
}

fn component(
    c: &mut Collect<'_>,
    id: &ComponentId,
    place: &str,
    class: Class,
    mount: Option<&Mount>,
    tally: Option<&Tally>,
) {
    let device = mount.map(|it| &it.source).or(tally.map(|it| &it.device));
    let mut attrs = BTreeMap::from([("quota.class".to_owned(), class.word().to_owned())]);
    attrs.extend(device.map(|it| ("system.device".to_owned(), it.clone())));
    if mount.is_none() {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    let on = mount.map(|it| ComponentId::new("filesystem", &it.point));
    let links = on.into_iter().map(|to| Link { relation: Relation::On, to }).collect();
    let name = format!("{place} ({})", class.word());
    c.component(Component { id: id.clone(), name, attrs, links, set: None });
}

/// XFS says in its mount options whether limits hold; of the others `quotaon` knows.
fn state_of(
    c: &mut Collect<'_>,
    states: Option<&Known>,
    id: &ComponentId,
    mount: Option<&Mount>,
    class: Class,
) -> Option<State> {
    let mount = mount?;
    let state = match states {
        _ if mount.kind == "xfs" => Some(state::of_xfs(mount, class)),
        Some(known) => known.get(&(mount.point.clone(), class)).copied(),
        None => {
            let text = format!("quotas of {} are read by repquota (package quota)", mount.point);
            c.problem(Reason::Missing, Some(id), text);
            return None;
        }
    };
    match state {
        Some(state) => c.state(&STATE, id, state.word()),
        None => {
            let text = format!("quotaon does not say whether limits hold on {}", mount.point);
            c.problem(Reason::Unsupported, Some(id), text);
        }
    }
    state
}

/// Of what is counted there is a report, with root in it at the least.
fn no_report(c: &mut Collect<'_>, id: &ComponentId, class: Class, state: Option<State>) {
    let (reason, text) = match (state, class) {
        (None | Some(State::Off), _) => return,
        (Some(_), Class::Project) => {
            (Reason::Unsupported, "the tool that is installed reports no projects")
        }
        (Some(_), _) => (Reason::ToolFailed, "there is no report of its use"),
    };
    c.problem(reason, Some(id), format!("{}: {text}", id.key()));
}

fn counts(c: &mut Collect<'_>, id: &ComponentId, tally: &Tally) {
    c.sample(&LIMITED, id, f64::from(tally.limited));
    for standing in [Standing::Expired, Standing::Full, Standing::Over] {
        let count = tally.reached.get(&standing).copied().unwrap_or_default();
        let word = standing.to_string();
        c.sample_with(&REACHED, id, &[("quota.standing", word.as_str())], f64::from(count));
    }
    c.sample(&UNTOLD, id, f64::from(tally.untold()));
}

fn one(c: &mut Collect<'_>, quota: &ComponentId, key: &str, subject: &Subject) {
    let id = ComponentId::new("quota_subject", key);
    let class = quota.key().rsplit_once(':').map_or("", |it| it.1).to_owned();
    let place = quota.key().rsplit_once(':').map_or("", |it| it.0).to_owned();
    let name = format!("{place} {class} {}", subject.id);
    let attrs = BTreeMap::from([
        ("quota.class".to_owned(), class),
        ("quota.subject".to_owned(), subject.id.clone()),
    ]);
    let links = vec![Link { relation: Relation::On, to: quota.clone() }];
    c.component(Component { id: id.clone(), name, attrs, links, set: None });
    c.state(&STANDING, &id, &subject.standing().to_string());
    for (resource, used) in [("files", &subject.files), ("space", &subject.space)] {
        if let Some(share) = used.share() {
            c.sample_with(&SHARE, &id, &[("quota.resource", resource)], share);
        }
    }
    if subject.space.share().is_some() {
        let limit = if subject.space.hard > 0.0 { subject.space.hard } else { subject.space.soft };
        c.sample(&USAGE, &id, subject.space.used * 1024.0);
        c.sample(&LIMIT, &id, limit * 1024.0);
    }
}

/// For how many runs a subject must still be told of; none: no longer.
fn again(old: &Memory, key: &str, standing: Standing) -> Option<u32> {
    if standing != Standing::Ok {
        return Some(TOLD_AGAIN);
    }
    old.told.get(key).map(|it| it.saturating_sub(1)).filter(|it| *it > 0)
}

/// Those told of before that the reports leave out now: they use nothing any more. Only where the whole report was read.
fn vanished(old: &Memory, seen: &BTreeSet<String>, answers: &Answers) -> Vec<(String, u32)> {
    let whole = |key: &str| {
        let of = key.rsplit_once('/').map_or("", |it| it.0);
        answers.tallies.keys().any(|(place, class)| quota(place, *class).key() == of)
    };
    let gone = old.told.iter().filter(|(key, _)| !seen.contains(*key) && whole(key));
    if answers.cut { Vec::new() } else { gone.map(|(key, runs)| (key.clone(), *runs)).collect() }
}
