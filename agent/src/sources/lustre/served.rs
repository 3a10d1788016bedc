//! The targets that this host serves: recovery, clients, evictions, health, space, what they lie on.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use super::{
    metrics,
    names::{Role, Target},
    params::{Params, clip, plausible},
};
use crate::{devices, source::Collect, volumes};

/// Groups of parameters whose devices are targets of this host.
const GROUPS: [&str; 3] = ["mdt", "mgs", "obdfilter"];

/// Emits every target that this host serves.
pub(super) fn emit(c: &mut Collect<'_>, params: &Params) {
    for target in targets(params).values() {
        component(c, params, target);
        let id = target.id();
        health(c, params, target, &id);
        recovery(c, params, target, &id);
        let own = |name: &str| {
            GROUPS.iter().find_map(|it| {
                params.number(it, &target.device, name).filter(|_| group(target, it))
            })
        };
        for (metric, name) in [
            (&metrics::EXPORTS, "num_exports"),
            (&metrics::EVICTIONS, "eviction_count"),
            (&metrics::DEGRADED, "degraded"),
        ] {
            if let Some(value) = own(name) {
                c.sample(metric, &id, value);
            }
        }
        if let Some(space) = Space::of_served(params, target) {
            space.emit(c, &id);
        }
        if let Some(text) = params.get("mdd", &target.device, "changelog_users") {
            match super::stats::changelog(text) {
                Some((users, backlog)) => {
                    c.sample(&metrics::CHANGELOG_USERS, &id, f64::from(users));
                    c.sample(&metrics::CHANGELOG_BACKLOG, &id, backlog);
                }
                None => unread(c, &id, "changelog_users", text),
            }
        }
    }
}

fn unread(c: &mut Collect<'_>, id: &ComponentId, name: &str, text: &str) {
    let line = text.lines().next().unwrap_or_default();
    c.problem(Reason::Unparsable, Some(id), format!("{name} not understood: {:?}", clip(line)));
}

/// A target of this host, with the name of its devices.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) target: Target,
    pub(super) device: String,
}

impl Served {
    pub(super) fn id(&self) -> ComponentId {
        self.target.id()
    }
}

/// All targets of this host, by name.
pub(super) fn targets(params: &Params) -> BTreeMap<String, Served> {
    let mut all = BTreeMap::new();
    let osds = params.groups("osd-");
    for group in GROUPS.iter().chain(&["mdd"]).copied().chain(osds) {
        for device in params.devices(group) {
            if let Some(target) = Target::parse(device) {
                all.entry(target.name.clone())
                    .or_insert_with(|| Served { target, device: device.to_owned() });
            }
        }
    }
    all
}

/// Whether the parameters of this group speak of the target: an OST has none below `mdt`.
fn group(served: &Served, group: &str) -> bool {
    match served.target.role {
        Role::Mgt => group == "mgs",
        Role::Mdt | Role::RootMdt => group == "mdt",
        // Some exporters' trees have an OST below `mdt`.
        Role::Ost => group != "mgs",
    }
}

fn component(c: &mut Collect<'_>, params: &Params, served: &Served) {
    let mut attrs = attrs(&served.target);
    attrs.insert("lustre.target.local".to_owned(), "true".to_owned());
    let mut links = Vec::new();
    for osd in params.groups("osd-") {
        if params.devices(osd).contains(&served.device.as_str()) {
            attrs.insert("lustre.backend".to_owned(), osd["osd-".len()..].to_owned());
        }
        let Some(device) = params.get(osd, &served.device, "mntdev").filter(|it| !it.is_empty())
        else {
            continue;
        };
        attrs.insert("system.device".to_owned(), device.to_owned());
        let under = match device.strip_prefix("/dev/") {
            Some(name) => devices::stands_on(c.host, name),
            // `pool/dataset`: the pool is what can fail.
            None => device.split('/').next().map(|it| vec![volumes::zpool(it)]).unwrap_or_default(),
        };
        links.extend(under.into_iter().map(|to| Link { relation: Relation::On, to }));
    }
    c.component(Component {
        id: served.id(),
        name: served.target.name.clone(),
        attrs,
        links,
        set: None,
    });
}

/// What is known of a target by its name.
pub(super) fn attrs(target: &Target) -> BTreeMap<String, String> {
    let mut attrs =
        BTreeMap::from([("lustre.target.role".to_owned(), target.role.word().to_owned())]);
    match &target.fs {
        Some(fs) => {
            attrs.insert("lustre.fsname".to_owned(), fs.clone());
        }
        None if target.role != Role::Mgt => {
            attrs.insert("identity".to_owned(), "unstable".to_owned());
        }
        None => {}
    }
    attrs
}

/// `device lfs-OST0000 reported unhealthy`.
fn health(c: &mut Collect<'_>, params: &Params, served: &Served, id: &ComponentId) {
    let Some(text) = params.plain("health_check").filter(|it| !it.is_empty()) else { return };
    let bad = text.lines().any(|line| {
        let device = line.split_whitespace().skip_while(|it| *it != "device").nth(1);
        device.and_then(Target::parse).is_some_and(|it| it.name == served.target.name)
    });
    // `NOT HEALTHY` without this target's name, or `healthy`: it is not the one. Other words say nothing of it.
    match (bad, text == "healthy" || text.contains("NOT HEALTHY")) {
        (true, _) => c.state(&metrics::TARGET_HEALTH, id, "unhealthy"),
        (false, true) => c.state(&metrics::TARGET_HEALTH, id, "healthy"),
        (false, false) => {}
    }
}

fn recovery(c: &mut Collect<'_>, params: &Params, served: &Served, id: &ComponentId) {
    let text = GROUPS.iter().find_map(|it| params.get(it, &served.device, "recovery_status"));
    let Some(text) = text else { return };
    let field = |name: &str| {
        text.lines()
            .find_map(|it| it.split_once(':').filter(|it| it.0.trim() == name))
            .map(|it| it.1.trim())
    };
    let Some(status) = field("status").filter(|it| !it.is_empty()) else {
        return unread(c, id, "recovery_status", text);
    };
    const KNOWN: [&str; 5] =
        ["COMPLETE", "INACTIVE", "RECOVERING", "WAITING", "WAITING_FOR_CLIENTS"];
    if KNOWN.contains(&status) {
        c.state(&metrics::RECOVERY, id, status);
    } else {
        c.state(&metrics::RECOVERY, id, "unknown");
        unread(c, id, "recovery status", status);
    }
    // `completed_clients: 4/5`: of so many that were there before.
    let pair = |name: &str| {
        let (done, all) = field(name)?.split_once('/')?;
        Some((plausible(done)?, plausible(all)?))
    };
    let one = |name: &str| field(name).and_then(plausible);
    let done = pair("completed_clients");
    let there = pair("connected_clients");
    let counts = [
        ("completed", done.map(|it| it.0)),
        ("connected", there.map(|it| it.0)),
        ("evicted", one("evicted_clients")),
        ("expected", done.or(there).map(|it| it.1)),
    ];
    for (state, count) in counts {
        if let Some(count) = count {
            let attrs = [("lustre.recovery.client.state", state)];
            c.sample_with(&metrics::RECOVERY_CLIENTS, id, &attrs, count);
        }
    }
    if let Some(secs) = one("time_remaining") {
        c.sample(&metrics::RECOVERY_LEFT, id, secs);
    }
}

/// Space of a target: bytes in KiB and inodes, as the kernel prints them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Space {
    total: Option<f64>,
    free: Option<f64>,
    available: Option<f64>,
    inodes: Option<f64>,
    inodes_free: Option<f64>,
}

impl Space {
    /// Of a target of this host: from its backend, or from the target itself.
    fn of_served(params: &Params, served: &Served) -> Option<Space> {
        let osds = params.groups("osd-");
        osds.into_iter().chain(["obdfilter"]).find_map(|it| Space::of(params, it, &served.device))
    }

    /// Of one device.
    pub(super) fn of(params: &Params, group: &str, device: &str) -> Option<Space> {
        let number = |name: &str| params.number(group, device, name);
        let space = Space {
            total: number("kbytestotal"),
            free: number("kbytesfree"),
            available: number("kbytesavail"),
            inodes: number("filestotal"),
            inodes_free: number("filesfree"),
        };
        (space != Space::default()).then_some(space)
    }

    /// Share of the space for users that is used, as df counts it.
    pub(super) fn share(&self) -> Option<f64> {
        let (total, free) = (self.total?, self.free?);
        let available = self.available.unwrap_or(free);
        let used = total - free;
        let sound = total > 0.0 && used >= 0.0 && free >= 0.0 && (0.0..=free).contains(&available);
        (sound && used + available > 0.0).then(|| used / (used + available))
    }

    /// Emits it.
    pub(super) fn emit(&self, c: &mut Collect<'_>, id: &ComponentId) {
        const KIB: f64 = 1024.0;
        if let Some(total) = self.total {
            c.sample(&metrics::LIMIT, id, total * KIB);
        }
        if let (Some(total), Some(free)) = (self.total, self.free) {
            let available = self.available.unwrap_or(free);
            let used = total - free;
            if let Some(share) = self.share() {
                for (state, kib) in
                    [("free", available), ("reserved", free - available), ("used", used)]
                {
                    let attrs = [("lustre.space.state", state)];
                    c.sample_with(&metrics::USAGE, id, &attrs, kib * KIB);
                }
                c.sample(&metrics::SHARE, id, share);
            } else if total > 0.0 {
                let text = format!("{free} of {total} KiB free, {available} for users");
                c.problem(Reason::Implausible, Some(id), text);
            }
        } else if let Some(kib) = self.available.or(self.free) {
            c.sample_with(&metrics::USAGE, id, &[("lustre.space.state", "free")], kib * KIB);
        }
        if let Some(inodes) = self.inodes {
            c.sample(&metrics::INODES_LIMIT, id, inodes);
            if let Some(free) = self.inodes_free.filter(|it| (0.0..=inodes).contains(it))
                && inodes > 0.0
            {
                c.sample(&metrics::INODES, id, inodes - free);
                c.sample(&metrics::INODES_SHARE, id, (inodes - free) / inodes);
            }
        }
    }
}
