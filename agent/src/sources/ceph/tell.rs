//! What is said of the cluster as a whole: health, monitors, manager, space, file systems.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Set};

use super::{
    cluster::{Cluster, Filesystem},
    health::{Health, words},
    metrics::{
        ACTIVE, CRASHES, FLAGS, GC, MGR, MGR_STANDBYS, MIRROR, MON_STATE, MONITORS, OBJECTS, OSDS,
        OUT_OF_QUORUM, PAUSED, PGS, SIZE, SKEW, STANDBYS, UNREAD, USED, UTILIZATION, WANTED,
    },
};
use crate::source::{Collect, Metric};

/// Flags that every cluster of some release has; the others are set by people.
const USUAL: &[&str] = &[
    "sortbitwise",
    "recovery_deletes",
    "purged_snapdirs",
    "pglog_hardlimit",
    "require_jewel_osds",
    "require_kraken_osds",
];

impl Cluster {
    /// Everything that is known.
    pub(super) fn tell(&self, c: &mut Collect<'_>) -> ComponentId {
        let fsid = self.fsid.clone().unwrap_or_else(|| "ceph".to_owned());
        let id = self.tell_cluster(c, &fsid);
        if let Some(health) = &self.health {
            health.tell(c, &id);
            self.tell_unread(c, &id, health);
        }
        self.tell_monitors(c, &fsid);
        self.tell_numbers(c, &id);
        self.tell_filesystems(c, &fsid);
        self.tell_osds(c, &fsid);
        self.tell_pools(c, &fsid);
        id
    }

    /// Checks about parts that judge themselves where they are read. A status alone, as it is saved or pasted, has no
    /// OSDs and no groups: what it says of them must not be lost.
    fn tell_unread(&self, c: &mut Collect<'_>, id: &ComponentId, health: &Health) {
        let osds = self.osds.values().any(|it| it.up.is_some());
        // Without a manager nobody counts groups: what is said of them is what was last known.
        let groups = self.pgs.is_some() || self.mgr_available == Some(false);
        let monitors = self.mons.values().any(|it| *it == Some(false))
            || self.quorum_count.zip(self.mon_count).is_some_and(|(inside, all)| inside < all);
        let ranks = self.filesystems.values().any(|it| it.wanted.is_some());
        for (code, read) in [
            ("MDS_INSUFFICIENT_STANDBY", ranks),
            ("MON_DOWN", monitors),
            ("OSD_DOWN", osds),
            ("PG_AVAILABILITY", groups),
            ("PG_DEGRADED", groups),
        ] {
            let value = if health.raises(code) && !read { 1.0 } else { 0.0 };
            c.sample_with(&UNREAD, id, &[("ceph.health.code", code)], value);
        }
    }

    pub(super) fn tell_cluster(&self, c: &mut Collect<'_>, fsid: &str) -> ComponentId {
        let id = ComponentId::new("ceph", fsid);
        let mut attrs = BTreeMap::new();
        match &self.fsid {
            Some(fsid) => attrs.insert("ceph.fsid".to_owned(), fsid.clone()),
            None => attrs.insert("identity".to_owned(), "unstable".to_owned()),
        };
        c.component(component(&id, "ceph", attrs, None));
        id
    }

    /// The monitors as a quorum set: the cluster serves as long as more than half of them agree.
    pub(super) fn tell_monitors(&self, c: &mut Collect<'_>, fsid: &str) {
        let named = self.mons.len();
        let count = self.mon_count.unwrap_or(named).max(named).min(64);
        if count == 0 {
            return;
        }
        let mut members: Vec<Member> = Vec::new();
        for (name, inside) in &self.mons {
            let id = ComponentId::new("ceph_mon", &format!("{fsid}/{name}"));
            c.component(component(&id, &format!("mon.{name}"), BTreeMap::new(), None));
            let state = match inside {
                Some(true) => MemberState::Active,
                Some(false) => MemberState::Failed,
                None => MemberState::Unknown,
            };
            if let Some(inside) = inside {
                c.state(&MON_STATE, &id, if *inside { "in" } else { "out" });
            }
            if let Some(skew) = self.skews.get(name) {
                c.sample(&SKEW, &id, *skew);
            }
            members.push(Member {
                slot: None,
                component: Some(id),
                name: format!("mon.{name}"),
                state,
            });
        }
        // Releases from 15 tell the number of monitors and the names of those that are in.
        let quorum = self.quorum_count.unwrap_or(0).min(count);
        for number in named..count {
            let state = match self.quorum_count {
                Some(_) if number < quorum => MemberState::Active,
                Some(_) => MemberState::Missing,
                None => MemberState::Unknown,
            };
            members.push(Member { slot: None, component: None, name: "mon".to_owned(), state });
        }
        let out = members
            .iter()
            .filter(|it| matches!(it.state, MemberState::Failed | MemberState::Missing))
            .count();
        let known = members.iter().any(|it| it.state != MemberState::Unknown);
        let id = ComponentId::new("ceph_quorum", fsid);
        let width = u32::try_from(count).unwrap_or(u32::MAX);
        let set = Set { scheme: "quorum".to_owned(), width, copies: 1, members };
        c.component(component(&id, "ceph monitors", BTreeMap::new(), Some(set)));
        c.sample(&MONITORS, &id, count_of(count));
        if known {
            c.sample(&OUT_OF_QUORUM, &id, count_of(out));
        }
    }

    fn tell_numbers(&self, c: &mut Collect<'_>, id: &ComponentId) {
        let mut say = |metric: &Metric, value: Option<f64>| {
            if let Some(value) = value {
                c.sample(metric, id, value);
            }
        };
        say(&MGR, self.mgr_available.map(|it| if it { 1.0 } else { 0.0 }));
        say(&MGR_STANDBYS, self.mgr_standbys.map(count_of));
        say(&SIZE, self.size);
        say(&USED, self.used);
        say(
            &UTILIZATION,
            self.size.filter(|it| *it > 0.0).and_then(|size| Some(self.used? / size)),
        );
        say(&GC, self.gc.map(count_of));
        if let Some(flags) = &self.flags {
            let set: Vec<&str> =
                flags.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
            let paused = set.iter().any(|it| matches!(*it, "pauserd" | "pausewr" | "pauserec"));
            say(&PAUSED, Some(if paused { 1.0 } else { 0.0 }));
            let unusual: Vec<&str> = set.into_iter().filter(|it| !USUAL.contains(it)).collect();
            c.state(&FLAGS, id, &words(&unusual));
        }
        for (state, count) in self.pg_states.iter().flatten().take(100) {
            c.sample_with(&PGS, id, &[("ceph.pg.state", state)], *count);
        }
        for (state, count) in &self.objects {
            c.sample_with(&OBJECTS, id, &[("ceph.object.state", state)], *count);
        }
        for (state, count) in &self.osd_counts {
            c.sample_with(&OSDS, id, &[("ceph.osd.state", state)], *count);
        }
        if let Some((new, archived)) = self.crashes {
            c.sample_with(&CRASHES, id, &[("ceph.crash.state", "archived")], count_of(archived));
            c.sample_with(&CRASHES, id, &[("ceph.crash.state", "new")], count_of(new));
        }
        if let Some(mirror) = &self.mirror {
            c.state(&MIRROR, id, mirror);
        }
    }

    fn tell_filesystems(&self, c: &mut Collect<'_>, fsid: &str) {
        // The cluster says itself whether it wants a standby that is not there: it remembers that there was one.
        let wants = self.standbys_wanted > 0
            || self.health.as_ref().is_some_and(|it| it.has("MDS_INSUFFICIENT_STANDBY"));
        for (number, it) in &self.filesystems {
            let id = ComponentId::new("ceph_fs", &format!("{fsid}/{number}"));
            let name = it.name.clone().unwrap_or_else(|| format!("cephfs {number}"));
            let set = self.ranks(it, wants);
            c.component(component(&id, &name, BTreeMap::new(), set));
            c.sample(&ACTIVE, &id, count_of(it.ranks.iter().filter(|it| serves(&it.1)).count()));
            // Of several file systems the status tells the ranks that some daemon holds.
            c.sample(&WANTED, &id, it.wanted.map_or_else(|| count_of(it.ranks.len()), f64::from));
            if let Some(standbys) = self.standbys {
                c.sample(&STANDBYS, &id, count_of(standbys));
            }
        }
    }

    /// The MDS daemons of a file system: as many as it has ranks must serve, the standbys can take over.
    fn ranks(&self, filesystem: &Filesystem, wants: bool) -> Option<Set> {
        let wanted = filesystem.wanted.filter(|it| (1..256).contains(it))?;
        let member = |name: &str, state| Member {
            slot: None,
            component: None,
            name: name.to_owned(),
            state,
        };
        let mut members: Vec<Member> = filesystem
            .ranks
            .iter()
            .map(|(name, state)| {
                let state =
                    if serves(state) { MemberState::Active } else { MemberState::Rebuilding };
                member(&format!("mds.{name}"), state)
            })
            .collect();
        let ranks = usize::try_from(wanted).unwrap_or(usize::MAX);
        while members.len() < ranks {
            members.push(member("mds", MemberState::Missing));
        }
        let standbys = self.standbys.unwrap_or(0).min(64);
        members.extend((0..standbys).map(|_| member("standby", MemberState::Active)));
        if standbys == 0 && wants {
            members.push(member("standby", MemberState::Missing));
        }
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        Some(Set { scheme: format!("n_of_m:{wanted}"), width, copies: 1, members })
    }
}

/// `up:replay`, `up:rejoin` and the like are on their way to serve.
fn serves(state: &str) -> bool {
    matches!(state, "up:active" | "up:clientreplay" | "up:stopping")
}

fn component(
    id: &ComponentId,
    name: &str,
    attrs: BTreeMap<String, String>,
    set: Option<Set>,
) -> Component {
    Component { id: id.clone(), name: name.to_owned(), attrs, links: Vec::<Link>::new(), set }
}

fn count_of(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
