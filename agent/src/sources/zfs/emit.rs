//! From a pool to components, sets and readings.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    leaf::{self, Leaf},
    metrics::{
        DATA_ERRORS, ERRORS, HEALTH, MISSING, ON_SPARE, SCAN, SCAN_DONE, SCAN_ERRORS,
        SCAN_REPAIRED, SCRUB_AGE, SLOW, TOLERANCE, UNPROTECTED, VDEV_HEALTH,
    },
    pool::{Class, Pool, Vdev},
};
use crate::{source::Collect, volumes};

/// States of pools and devices that OpenZFS has.
const STATES: [&str; 10] = [
    "online",
    "degraded",
    "faulted",
    "offline",
    "removed",
    "unavail",
    "suspended",
    "avail",
    "inuse",
    "split",
];

/// Devices of one pool that are told of: draid pools have 250.
const DEVICES_MAX: usize = 2000;

/// Emits one pool and all below it. `now`: the host's time in seconds, where it is known.
pub(super) fn pool(c: &mut Collect<'_>, pool: &Pool, now: Option<f64>) {
    let id = volumes::zpool(&pool.name);
    let mut attrs = BTreeMap::new();
    for (key, value) in [
        ("zfs.pool.guid", &pool.guid),
        ("zfs.pool.status", &pool.status),
        ("zfs.message", &pool.message),
    ] {
        if let Some(value) = value {
            attrs.insert(key.to_owned(), value.clone());
        }
    }
    let mut tree = Devices { pool, seen: BTreeSet::new() };
    let spares = tree.spares(c);
    let mut members = Vec::new();
    for top in pool.tops.iter().filter(|it| !it.is_ghost()) {
        let member = tree.top(c, top, &spares);
        if top.class.bears_data() {
            members.push(member);
        }
    }
    for (slot, member) in members.iter_mut().enumerate() {
        member.slot = u32::try_from(slot).ok();
    }
    let set = (!members.is_empty()).then(|| Set {
        scheme: "raid0".to_owned(),
        width: u32::try_from(members.len()).unwrap_or(u32::MAX),
        copies: 1,
        members,
    });
    c.component(Component {
        id: id.clone(),
        name: pool.name.clone(),
        attrs,
        links: Vec::new(),
        set,
    });
    health(c, &id, &pool.name, &pool.state, &HEALTH);
    unprotected(c, &id, pool);
    if let Some(errors) = pool.errors {
        c.sample(&DATA_ERRORS, &id, errors);
    }
    scans(c, &id, pool, now);
    for line in pool.strange.iter().take(8) {
        let line: String = line.chars().take(200).collect();
        c.problem(
            Reason::Unparsable,
            Some(&id),
            format!("line of zpool status not understood: {line:?}"),
        );
    }
}

/// How many devices hold data alone, where others of the pool are protected: a pool that has no redundancy anywhere is
/// meant to be so.
fn unprotected(c: &mut Collect<'_>, id: &ComponentId, pool: &Pool) {
    let data = || pool.tops.iter().filter(|it| it.class.bears_data() && !it.is_ghost());
    let alone = |it: &&Vdev| it.shape().is_none_or(|shape| shape.tolerance == 0);
    if data().count() == 0 {
        return;
    }
    let mixed = data().any(|it| !alone(&it));
    let count = if mixed { data().filter(alone).count() } else { 0 };
    c.sample(&UNPROTECTED, id, u32::try_from(count).map_or(f64::MAX, f64::from));
}

/// A word of health; one that ZFS does not have is "unknown" and named.
fn health(
    c: &mut Collect<'_>,
    id: &ComponentId,
    name: &str,
    state: &str,
    metric: &crate::source::Metric,
) {
    let word = state.to_lowercase();
    if STATES.contains(&word.as_str()) {
        return c.state(metric, id, &word);
    }
    c.state(metric, id, "unknown");
    c.problem(Reason::Unparsable, Some(id), format!("{name}: no state that is known: {state:?}"));
}

fn scans(c: &mut Collect<'_>, id: &ComponentId, pool: &Pool, now: Option<f64>) {
    let running = pool.scans.iter().find(|it| matches!(it.state.as_str(), "running" | "paused"));
    let never = pool.scans.iter().any(|it| it.state == "none");
    let word = match running {
        Some(scan) if scan.state == "paused" => format!("{}_paused", scan.function),
        Some(scan) => scan.function.clone(),
        None if never || pool.scans.is_empty() => "none".to_owned(),
        None => "idle".to_owned(),
    };
    if !pool.scans.is_empty() || !pool.tops.is_empty() {
        c.state(&SCAN, id, &word);
    }
    if let Some(done) = running.and_then(|it| it.done) {
        c.sample(&SCAN_DONE, id, done);
    }
    let finished = |function: &str| {
        pool.scans.iter().find(|it| it.function == function && it.state == "finished")
    };
    let ended = finished("scrub").and_then(|it| it.ended);
    if let Some((ended, now)) = ended.zip(now) {
        // Local time taken as UTC may lie a few hours ahead.
        c.sample(&SCRUB_AGE, id, (now - ended).max(0.0));
    }
    if let Some(repaired) = finished("scrub").and_then(|it| it.repaired) {
        c.sample(&SCAN_REPAIRED, id, repaired);
    }
    let errors = pool.scans.iter().filter(|it| it.state == "finished").filter_map(|it| it.errors);
    if let Some(errors) = errors.fold(None, |sum: Option<f64>, it| Some(sum.unwrap_or(0.0) + it)) {
        c.sample(&SCAN_ERRORS, id, errors);
    }
}

/// The devices of one pool; each is told of once.
struct Devices<'a> {
    pool: &'a Pool,
    seen: BTreeSet<ComponentId>,
}

impl Devices<'_> {
    /// Free spares, as members of the groups that they may come to stand in, by the draid that they belong to.
    fn spares(&self, c: &Collect<'_>) -> Vec<(Option<String>, Member)> {
        let free = |it: &&Vdev| it.class == Class::Spare && it.member() == MemberState::Spare;
        let member = |it: &Vdev| {
            // draid2-0-1: the second distributed spare of the draid vdev number 0.
            let draid = it.name.strip_prefix("draid").and_then(|rest| rest.split('-').nth(1));
            let leaf = leaf::of(c.host, &self.pool.name, it);
            let component = draid.is_none().then(|| leaf.member());
            let member =
                Member { slot: None, component, name: leaf.name, state: MemberState::Spare };
            (draid.map(str::to_owned), member)
        };
        self.pool.tops.iter().filter(free).map(member).collect()
    }

    /// One device or group directly below the pool; gives its place in the pool.
    fn top(
        &mut self,
        c: &mut Collect<'_>,
        top: &Vdev,
        spares: &[(Option<String>, Member)],
    ) -> Member {
        let Some(shape) = top.shape() else {
            let (state, leaf) = self.place(c, top, None);
            let leaf = leaf::of(c.host, &self.pool.name, leaf);
            return Member { slot: None, component: Some(leaf.member()), name: leaf.name, state };
        };
        let id = ComponentId::new("vdev", &format!("{}/{}", self.pool.name, top.name));
        let mut members = Vec::new();
        for (slot, child) in top.children.iter().enumerate() {
            let (state, holder) = self.place(c, child, Some(&top.name));
            let leaf = leaf::of(c.host, &self.pool.name, holder);
            let slot = u32::try_from(slot).ok();
            members.push(Member { slot, component: Some(leaf.member()), name: leaf.name, state });
        }
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let serving = members
            .iter()
            .filter(|it| matches!(it.state, MemberState::Active | MemberState::Unknown));
        let missing = f64::from(width) - u32::try_from(serving.count()).map_or(0.0, f64::from);
        if matches!(top.class, Class::Data | Class::Special | Class::Dedup) {
            let draid = top.name.starts_with("draid");
            let number = top.name.rsplit('-').next();
            let fits = |of: &Option<String>| of.is_none() || draid && of.as_deref() == number;
            members.extend(spares.iter().filter(|(of, _)| fits(of)).map(|it| it.1.clone()));
        }
        let set = Set { scheme: shape.scheme, width, copies: shape.copies, members };
        if self.seen.insert(id.clone()) {
            c.component(Component {
                id: id.clone(),
                name: format!("{} {}", self.pool.name, top.name),
                attrs: self.attrs(top, None),
                links: Vec::new(),
                set: Some(set),
            });
            c.sample(&MISSING, &id, missing);
            let replaced = top.children.iter().filter(|it| it.is_on_spare()).count();
            c.sample(&ON_SPARE, &id, u32::try_from(replaced).map_or(0.0, f64::from));
            c.sample(&TOLERANCE, &id, f64::from(shape.tolerance));
            self.readings(c, &id, top);
        }
        Member { slot: None, component: Some(id), name: top.name.clone(), state: top.member() }
    }

    /// Tells of the devices in one place, and gives the one that stands for it.
    fn place<'v>(
        &mut self,
        c: &mut Collect<'_>,
        vdev: &'v Vdev,
        group: Option<&str>,
    ) -> (MemberState, &'v Vdev) {
        for device in vdev.leaves() {
            self.device(c, device, group);
        }
        let (state, holder) = vdev.place();
        (state, holder.leaves().first().copied().unwrap_or(holder))
    }

    fn device(&mut self, c: &mut Collect<'_>, vdev: &Vdev, group: Option<&str>) {
        let leaf = leaf::of(c.host, &self.pool.name, vdev);
        if self.seen.len() >= DEVICES_MAX || !self.seen.insert(leaf.id.clone()) {
            return;
        }
        let Leaf { id, stable, under, serial, name, path } = leaf;
        let mut attrs = self.attrs(vdev, group);
        attrs.insert("system.device".to_owned(), path);
        if let Some(serial) = serial {
            attrs.insert("hw.serial_number".to_owned(), serial);
        }
        if !stable {
            attrs.insert("identity".to_owned(), "unstable".to_owned());
        }
        let links = under.into_iter().map(|to| Link { relation: Relation::On, to }).collect();
        c.component(Component { id: id.clone(), name, attrs, links, set: None });
        self.readings(c, &id, vdev);
    }

    fn attrs(&self, vdev: &Vdev, group: Option<&str>) -> BTreeMap<String, String> {
        let mut attrs = BTreeMap::from([
            ("zfs.pool".to_owned(), self.pool.name.clone()),
            ("zfs.vdev.class".to_owned(), vdev.class.word().to_owned()),
        ]);
        if let Some(group) = group {
            attrs.insert("zfs.vdev.group".to_owned(), group.to_owned());
        }
        if !vdev.note.is_empty() {
            attrs.insert("zfs.vdev.note".to_owned(), vdev.note.chars().take(200).collect());
        }
        attrs
    }

    fn readings(&self, c: &mut Collect<'_>, id: &ComponentId, vdev: &Vdev) {
        health(c, id, &vdev.name, &vdev.state, &VDEV_HEALTH);
        let counts = vdev.counts;
        for (kind, count) in
            [("checksum", counts.checksum), ("read", counts.read), ("write", counts.write)]
        {
            if let Some(count) = count {
                c.sample_with(&ERRORS, id, &[("error.type", kind)], count);
            }
        }
        if let Some(slow) = counts.slow.filter(|_| vdev.children.is_empty()) {
            c.sample(&SLOW, id, slow);
        }
    }
}
