//! How the components of one host hold together: disk ▸ protected set ▸ filesystem ▸ unit, and what they are used for.
//!
//! Facts: `links` and `set` of each [`Component`], as the sources read them. Invariant: a use that could not be read is
//! [`Use::Unknown`], never "unused".

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Member, MemberState, Relation, Set};

use crate::contract::Asset;

/// Filesystem types that stand on no disk of this host: they say nothing about what the disks are used for.
const DISKLESS: &[&str] = &[
    "9p",
    "afs",
    "autofs",
    "beegfs",
    "beegfs_metadata",
    "ceph",
    "cifs",
    "devtmpfs",
    "fuse",
    "glusterfs",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "overlay",
    "ramfs",
    "smb3",
    "squashfs",
    "tmpfs",
    "virtiofs",
];

/// Kinds that are a use by themselves: what people work with on this host, and what serves other hosts, whether or not
/// it is mounted here.
const USERS: &[&str] = &[
    "beegfs",
    "ceph",
    "ceph_fs",
    "ceph_pool",
    "ceph_quorum",
    "filesystem",
    "gluster_volume",
    "gpfs_cluster",
    "gpfs_fs",
    "lustre_fs",
    "lustre_net",
    "swap",
    "unit",
];

/// Attribute of a drive that the device has given to no volume: `no`.
const ASSIGNED: &str = "hw.disk.assigned";

/// Nested sets are followed so deep; real ones have two layers (RAID 50 of software arrays on hardware arrays: three).
const DEPTH_MAX: usize = 16;

/// What a component is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// Mounted and in service: the mount points (or other users) that stand on it.
    Production(Vec<ComponentId>),
    /// Only mount points that the contract calls scratch stand on it.
    Scratch(Vec<ComponentId>),
    /// Everything mounted says what it stands on, and it is not this.
    Unused,
    /// Could not be read in full.
    Unknown,
}

/// The components of one host and their relations, indexed both ways.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    components: BTreeMap<ComponentId, Component>,
    above: BTreeMap<ComponentId, BTreeSet<ComponentId>>,
}

impl Topology {
    /// Indexes the components of a host. The same component twice: the later one counts.
    pub fn new(components: impl IntoIterator<Item = Component>) -> Topology {
        let components: BTreeMap<_, _> =
            components.into_iter().map(|it| (it.id.clone(), it)).collect();
        let mut above: BTreeMap<ComponentId, BTreeSet<ComponentId>> = BTreeMap::new();
        for component in components.values() {
            let on =
                component.links.iter().filter(|it| it.relation == Relation::On).map(|it| &it.to);
            let members = component
                .set
                .iter()
                .flat_map(|set| &set.members)
                .filter_map(|it| it.component.as_ref());
            for below in on.chain(members).filter(|it| **it != component.id) {
                above.entry(below.clone()).or_default().insert(component.id.clone());
            }
        }
        Topology { components, above }
    }

    /// A component, if it was seen.
    pub fn get(&self, id: &ComponentId) -> Option<&Component> {
        self.components.get(id)
    }

    /// The protected set that a component is, if it is one.
    pub fn set(&self, id: &ComponentId) -> Option<&Set> {
        self.get(id)?.set.as_ref()
    }

    /// The device through which a component is reached: an array or server that a proxy agent reads, whose parts are not
    /// this host's own. A device itself is its own.
    pub fn device(&self, id: &ComponentId) -> Option<&Component> {
        let ways = |it: &ComponentId| {
            let links = self.get(it).into_iter().flat_map(|it| &it.links);
            let via = links.filter(|it| it.relation == Relation::Via);
            via.map(|it| it.to.clone()).collect()
        };
        let is_device = |it: &&ComponentId| it.kind() == "device";
        let around = closure(id, ways);
        self.get([id].into_iter().chain(&around).find(is_device)?)
    }

    /// Sets that have this component as a member (spare or lost ones included).
    pub fn sets_of(&self, id: &ComponentId) -> Vec<&Component> {
        let above = self.above.get(id).into_iter().flatten();
        above.filter_map(|it| self.get(it)).filter(|it| member(it, id).is_some()).collect()
    }

    /// Sets that it serves: those that have it as a member, and those that have something as a member that stands on
    /// it (an OSD on a disk, a brick on a filesystem on a disk), unless a set of its own is between.
    pub fn sets_over(&self, id: &ComponentId) -> Vec<&Component> {
        let mut sets = self.sets_of(id);
        sets.extend(self.carriers(id).iter().flat_map(|it| self.sets_of(it)));
        sets.sort_by(|a, b| a.id.cmp(&b.id));
        sets.dedup_by(|a, b| a.id == b.id);
        sets
    }

    /// What stands on it and brings it into a set that it is no member of.
    fn carriers(&self, id: &ComponentId) -> BTreeSet<ComponentId> {
        let stands_on = |it: &ComponentId| -> Vec<ComponentId> {
            let above = self.directly_above(it).filter_map(|above| self.get(above));
            let on = |above: &&Component| {
                let mut links = above.links.iter();
                links.any(|link| link.relation == Relation::On && link.to == *it)
            };
            above.filter(on).map(|above| above.id.clone()).collect()
        };
        let all = closure(id, stands_on);
        let in_sets = |it: &ComponentId| {
            !self.sets_of(it).is_empty()
                || closure(it, stands_on).iter().any(|above| !self.sets_of(above).is_empty())
        };
        all.into_iter().filter(in_sets).collect()
    }

    /// What stands directly on it, members of sets included.
    pub fn directly_above(&self, id: &ComponentId) -> impl Iterator<Item = &ComponentId> {
        self.above.get(id).into_iter().flatten()
    }

    /// Everything that stands on it, directly or not; not itself.
    pub fn above(&self, id: &ComponentId) -> BTreeSet<ComponentId> {
        closure(id, |it| self.above.get(it).into_iter().flatten().cloned().collect())
    }

    /// Everything that it stands on, directly or not; not itself. Members that are spare are left out.
    pub fn below(&self, id: &ComponentId) -> BTreeSet<ComponentId> {
        closure(id, |it| {
            let Some(component) = self.get(it) else { return Vec::new() };
            let on = component
                .links
                .iter()
                .filter(|it| it.relation == Relation::On)
                .map(|it| it.to.clone());
            let members = component.set.iter().flat_map(|set| &set.members);
            let members = members
                .filter(|it| it.state != MemberState::Spare)
                .filter_map(|it| it.component.clone());
            on.chain(members).collect()
        })
    }

    /// What a component and all that stands on it is used for.
    pub fn use_of(&self, id: &ComponentId, asset: Option<&Asset>) -> Use {
        let mut users = self.above(id);
        users.insert(id.clone());
        self.elsewhere(id, self.judge_use(users, asset))
    }

    /// What a component is used for apart from the sets it is a member of.
    pub fn direct_use(&self, id: &ComponentId, asset: Option<&Asset>) -> Use {
        let sets: BTreeSet<_> = self.sets_over(id).into_iter().map(|it| it.id.clone()).collect();
        let carriers = self.carriers(id);
        let own = |it: &ComponentId| !sets.contains(it) && !carriers.contains(it);
        let mut users =
            closure(id, |it| self.directly_above(it).filter(|it| own(it)).cloned().collect());
        users.remove(id);
        match self.elsewhere(id, self.judge_use(users, asset)) {
            // Being a member of a set is a use that is known.
            Use::Unknown if !sets.is_empty() => Use::Unused,
            other => other,
        }
    }

    /// What people call it, with where to find it: `sdb (serial ZA1, slot 3)`.
    pub fn name(&self, id: &ComponentId) -> String {
        let Some(component) = self.get(id) else { return id.to_string() };
        let place = [("hw.serial_number", "S/N "), ("hw.slot", "slot ")];
        let place: Vec<String> = place
            .iter()
            .filter_map(|(key, word)| {
                component.attrs.get(*key).map(|value| format!("{word}{value}"))
            })
            .collect();
        match (component.name.is_empty(), place.is_empty()) {
            (true, _) => id.to_string(),
            (false, true) => component.name.clone(),
            (false, false) => format!("{} ({})", component.name, place.join(", ")),
        }
    }

    /// What a device's parts are used for is seen on other hosts, not on the one that reads it: that nothing here stands
    /// on them says nothing, unless the device itself says that nothing does.
    fn elsewhere(&self, id: &ComponentId, found: Use) -> Use {
        let said = |it: &Component| it.attrs.get(ASSIGNED).is_some_and(|it| it == "no");
        match found {
            Use::Unused | Use::Unknown if self.device(id).is_some() => {
                if self.get(id).is_some_and(said) { Use::Unused } else { Use::Unknown }
            }
            other => other,
        }
    }

    fn judge_use(&self, users: BTreeSet<ComponentId>, asset: Option<&Asset>) -> Use {
        let (scratch, production): (Vec<_>, Vec<_>) = users
            .into_iter()
            .filter(|it| USERS.contains(&it.kind()))
            .partition(|it| is_scratch(it, asset));
        match (production.is_empty(), scratch.is_empty()) {
            (false, _) => Use::Production(production),
            (true, false) => Use::Scratch(scratch),
            (true, true) if self.uses_are_complete() => Use::Unused,
            (true, true) => Use::Unknown,
        }
    }

    /// Whether "nothing stands on it" can be believed: filesystems were read, and each that needs a disk names one.
    fn uses_are_complete(&self) -> bool {
        let mut on_disks = self
            .components
            .values()
            .filter(|it| it.id.kind() == "filesystem" && !is_diskless(it))
            .peekable();
        on_disks.peek().is_some()
            && on_disks.all(|it| it.links.iter().any(|link| link.relation == Relation::On))
    }
}

/// The membership of a component in a set.
pub fn member<'a>(set: &'a Component, id: &ComponentId) -> Option<&'a Member> {
    set.set.as_ref()?.members.iter().find(|it| it.component.as_ref() == Some(id))
}

/// Whether the contract calls this mount point scratch.
pub fn is_scratch(id: &ComponentId, asset: Option<&Asset>) -> bool {
    id.kind() == "filesystem"
        && asset.is_some_and(|it| it.scratch.iter().any(|path| path == id.key()))
}

fn is_diskless(filesystem: &Component) -> bool {
    let kind = filesystem.attrs.get("system.filesystem.type").map_or("", String::as_str);
    DISKLESS
        .iter()
        .any(|it| kind == *it || kind.strip_prefix(it).is_some_and(|rest| rest.starts_with('.')))
}

/// All that is reached from `start`, which itself is left out; cycles and absurd depths end the walk.
fn closure(
    start: &ComponentId,
    next: impl Fn(&ComponentId) -> Vec<ComponentId>,
) -> BTreeSet<ComponentId> {
    let mut seen = BTreeSet::new();
    let mut layer = vec![start.clone()];
    for _ in 0..DEPTH_MAX {
        layer = layer
            .iter()
            .flat_map(&next)
            .filter(|it| it != start && seen.insert(it.clone()))
            .collect();
        if layer.is_empty() {
            break;
        }
    }
    seen
}
