//! What is said of a trusted pool: its nodes, and its volumes as sets of bricks.
//!
//! Facts: GlusterFS's administration guide. A replicated volume of three or more copies serves as long as more than half
//! of each group's bricks do (`cluster.quorum-type` auto, the default there); an arbiter votes and holds no data, which
//! the same arithmetic covers. A dispersed group of k+m bricks serves without any m of them. A distributed volume has no
//! redundancy among its groups.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    metrics::{
        BRICKS, BRICKS_DOWN, CONNECTED, INODES, IO, ONLINE, PEER_STATE, PEERS, PEERS_AWAY, PENDING,
        QUOTA, QUOTA_LIMIT, QUOTA_USED, SIZE, SPLIT_BRAIN, STATUS, UTILIZATION,
    },
    pool::{Brick, Pool, Volume},
};
use crate::source::Collect;

/// Most limits of one volume that are told; more are counted in a problem.
const LIMITS_MAX: usize = 1_000;

impl Pool {
    /// The pool has no name of its own: the lowest of its nodes' UUIDs stands for it.
    pub(super) fn key(&self) -> String {
        self.peers.keys().next().cloned().unwrap_or_else(|| "gluster".to_owned())
    }

    /// Everything that is known. Returns the pool's component.
    pub(super) fn tell(&self, c: &mut Collect<'_>) -> ComponentId {
        let id = self.tell_peers(c);
        let mounts = mounts(c);
        for (name, volume) in &self.volumes {
            self.tell_volume(c, name, volume, &mounts);
        }
        id
    }

    fn tell_peers(&self, c: &mut Collect<'_>) -> ComponentId {
        let mut members = Vec::new();
        let (mut away, mut told) = (0, false);
        for (uuid, peer) in &self.peers {
            let id = ComponentId::new("gluster_peer", uuid);
            let own = self.own.as_ref() == Some(uuid);
            let name = if own { self.own_name(&peer.name) } else { &peer.name };
            c.component(component(&id, name, BTreeMap::new()));
            if let Some(connected) = peer.connected {
                told = true;
                away += u32::from(!connected);
                c.sample(&CONNECTED, &id, if connected { 1.0 } else { 0.0 });
            }
            if let Some(state) = &peer.state {
                c.state(&PEER_STATE, &id, state);
            }
            let state = match peer.connected {
                Some(true) => MemberState::Active,
                _ if own => MemberState::Active,
                Some(false) => MemberState::Missing,
                None => MemberState::Unknown,
            };
            members.push(Member {
                slot: None,
                component: Some(id),
                name: peer.name.clone(),
                state,
            });
        }
        let id = ComponentId::new("gluster", &self.key());
        // Only volumes that ask for it stop when the nodes lose their majority.
        let asks = |it: &Volume| {
            it.options.get("cluster.server-quorum-type").is_some_and(|it| it == "server")
        };
        let quorum = self.volumes.values().any(asks) && !members.is_empty();
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let set = quorum.then(|| Set { scheme: "quorum".to_owned(), width, copies: 1, members });
        let mut pool = component(&id, "gluster", BTreeMap::new());
        if set.is_some() {
            pool.attrs.insert("gluster.server_quorum".to_owned(), "on".to_owned());
        }
        pool.set = set;
        if self.peers.is_empty() {
            pool.attrs.insert("identity".to_owned(), "unstable".to_owned());
        }
        c.component(pool);
        if told {
            c.sample(&PEERS, &id, f64::from(width));
            c.sample(&PEERS_AWAY, &id, f64::from(away));
        }
        id
    }

    /// A node calls itself `localhost`; its bricks bear the name that the others know.
    fn own_name<'a>(&'a self, fallback: &'a str) -> &'a str {
        let bricks = self.volumes.values().flat_map(|it| &it.bricks);
        let mine = bricks.filter(|it| it.node.is_some() && it.node == self.own);
        mine.filter_map(|it| it.name.split_once(':')).map(|it| it.0).next().unwrap_or(fallback)
    }

    fn tell_volume(&self, c: &mut Collect<'_>, name: &str, volume: &Volume, mounts: &[String]) {
        let key = volume.id.clone().unwrap_or_else(|| name.to_owned());
        let id = ComponentId::new("gluster_volume", &key);
        let mut whole = component(&id, name, BTreeMap::new());
        match &volume.id {
            Some(_) => {}
            None => drop(whole.attrs.insert("identity".to_owned(), "unstable".to_owned())),
        }
        if let Some(kind) = &volume.kind {
            whole.attrs.insert("gluster.volume.type".to_owned(), kind.clone());
        }
        let states: Vec<MemberState> =
            volume.bricks.iter().map(|it| self.brick_state(volume, it)).collect();
        let groups = groups(volume, &key, &states);
        let mut parts = Vec::new();
        if groups.len() == 1 {
            whole.set = groups.into_iter().next();
        } else if !groups.is_empty() {
            let mut members = Vec::new();
            for (number, set) in groups.into_iter().enumerate() {
                let part = ComponentId::new("gluster_subvolume", &format!("{key}/{number}"));
                let label = format!("{name}-{number}");
                members.push(Member {
                    slot: None,
                    component: Some(part.clone()),
                    name: label.clone(),
                    state: MemberState::Active,
                });
                parts.push(Component {
                    set: Some(set),
                    ..component(&part, &label, BTreeMap::new())
                });
            }
            let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
            whole.set = Some(Set { scheme: "targets".to_owned(), width, copies: 1, members });
        }
        c.component(whole);
        parts.into_iter().for_each(|it| c.component(it));
        if let Some(status) = &volume.status {
            c.state(&STATUS, &id, status);
        }
        self.tell_counts(c, &id, name, volume, &states);
        for (brick, state) in volume.bricks.iter().zip(&states) {
            self.tell_brick(c, &key, brick, *state, mounts);
        }
        tell_limits(c, &id, name, volume);
    }

    fn tell_counts(
        &self,
        c: &mut Collect<'_>,
        id: &ComponentId,
        name: &str,
        volume: &Volume,
        states: &[MemberState],
    ) {
        if !states.is_empty() {
            c.sample(&BRICKS, id, count(states.len()));
        }
        let unknown = states.iter().filter(|it| **it == MemberState::Unknown).count();
        if volume.is_started() && self.has_status && !states.is_empty() {
            let down = states
                .iter()
                .filter(|it| matches!(it, MemberState::Failed | MemberState::Missing))
                .count();
            // With a brick of which nothing is known, only a loss is certain.
            if down > 0 || unknown == 0 {
                c.sample(&BRICKS_DOWN, id, count(down));
            }
            if unknown > 0 {
                let text = format!("volume {name}: the state of {unknown} bricks was not told");
                c.problem(Reason::Missing, Some(id), text);
            }
        }
        for (metric, value) in [(&PENDING, volume.pending), (&SPLIT_BRAIN, volume.split_brain)] {
            if let Some(value) = value {
                c.sample(metric, id, value);
            }
        }
    }

    /// A node that is away takes its bricks with it, and the status leaves them out.
    fn brick_state(&self, volume: &Volume, brick: &Brick) -> MemberState {
        let node = brick.node.as_ref().and_then(|it| self.peers.get(it));
        match brick.online {
            _ if !volume.is_started() => MemberState::Unknown,
            Some(true) => MemberState::Active,
            Some(false) => MemberState::Failed,
            None if node.is_some_and(|it| it.connected == Some(false)) => MemberState::Missing,
            None => MemberState::Unknown,
        }
    }

    fn tell_brick(
        &self,
        c: &mut Collect<'_>,
        volume: &str,
        brick: &Brick,
        state: MemberState,
        mounts: &[String],
    ) {
        let id = brick_id(volume, brick);
        let mut attrs = BTreeMap::new();
        for (name, value) in
            [("system.device", &brick.device), ("system.filesystem.type", &brick.filesystem)]
        {
            if let Some(value) = value {
                attrs.insert(name.to_owned(), value.clone());
            }
        }
        let role = if brick.arbiter { "arbiter" } else { "data" };
        attrs.insert("gluster.brick.role".to_owned(), role.to_owned());
        let mut links = Vec::new();
        if brick.node.is_some() && brick.node == self.own {
            let path = brick.name.split_once(':').map_or("", |it| it.1);
            let below = |it: &&String| {
                path == it.as_str()
                    || path.strip_prefix(it.as_str()).is_some_and(|it| it.starts_with('/'))
            };
            // The root file system has other users than the brick.
            if let Some(mount) = mounts.iter().filter(below).max_by_key(|it| it.len()) {
                links.push(Link {
                    relation: Relation::On,
                    to: ComponentId::new("filesystem", mount),
                });
            }
        }
        c.component(Component { links, ..component(&id, &brick.name, attrs) });
        match state {
            MemberState::Active => c.sample(&ONLINE, &id, 1.0),
            MemberState::Failed | MemberState::Missing => c.sample(&ONLINE, &id, 0.0),
            _ => {}
        }
        let used = |size: Option<f64>, free: Option<f64>| {
            let size = size.filter(|it| *it > 0.0)?;
            Some(((size - free?) / size).clamp(0.0, 1.0))
        };
        for (metric, value) in [
            (&SIZE, brick.size),
            (&UTILIZATION, used(brick.size, brick.free)),
            (&INODES, used(brick.inodes, brick.inodes_free)),
        ] {
            if let Some(value) = value {
                c.sample(metric, &id, value);
            }
        }
        for (direction, value) in [("read", brick.read), ("write", brick.written)] {
            if let Some(value) = value {
                c.sample_with(&IO, &id, &[("disk.io.direction", direction)], value);
            }
        }
    }
}

/// The groups of bricks that protect each other; one for a volume without redundancy.
fn groups(volume: &Volume, key: &str, states: &[MemberState]) -> Vec<Set> {
    let member = |(brick, state): (&Brick, &MemberState)| Member {
        slot: None,
        component: Some(brick_id(key, brick)),
        name: brick.name.clone(),
        state: *state,
    };
    let all: Vec<Member> = volume.bricks.iter().zip(states).map(member).collect();
    let known = volume.replica > 0 || volume.disperse > 0;
    if all.is_empty() || !known || volume.stripe > 1 {
        return Vec::new();
    }
    let set = |scheme: String, members: &[Member]| {
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        Set { scheme, width, copies: volume.replica.max(1), members: members.to_vec() }
    };
    if !volume.heals() {
        return vec![set("targets".to_owned(), &all)];
    }
    let scheme = if volume.disperse > 1 {
        let data = volume.disperse.saturating_sub(volume.redundancy);
        format!("erasure:{data}+{}", volume.redundancy)
    } else {
        format!("replica:{}", needed(volume))
    };
    all.chunks(volume.group()).map(|it| set(scheme.clone(), it)).collect()
}

/// Copies that must be there for a replicated group to serve writes.
fn needed(volume: &Volume) -> u32 {
    let option = |name: &str| volume.options.get(name).map(String::as_str);
    match option("cluster.quorum-type") {
        Some("none") => 1,
        Some("fixed") => option("cluster.quorum-count").and_then(|it| it.parse().ok()).unwrap_or(1),
        // Of two copies the first one must be there, and which one fails nobody chooses.
        Some("auto") => volume.replica / 2 + 1,
        _ if volume.replica > 2 => volume.replica / 2 + 1,
        _ => 1,
    }
}

fn tell_limits(c: &mut Collect<'_>, id: &ComponentId, name: &str, volume: &Volume) {
    for limit in volume.limits.iter().take(LIMITS_MAX) {
        let attrs = [("gluster.quota.path", limit.path.as_str())];
        c.sample_with(&QUOTA_LIMIT, id, &attrs, limit.hard);
        c.sample_with(&QUOTA_USED, id, &attrs, limit.used);
        if limit.hard > 0.0 {
            c.sample_with(&QUOTA, id, &attrs, limit.used / limit.hard);
        }
    }
    if volume.limits.len() > LIMITS_MAX {
        let text = format!("volume {name}: {} limits, {LIMITS_MAX} are told", volume.limits.len());
        c.problem(Reason::Truncated, Some(id), text);
    }
}

/// Mount points of this host but the root.
fn mounts(c: &Collect<'_>) -> Vec<String> {
    let text = c.host.read("proc/self/mounts").unwrap_or_default();
    let points = text
        .lines()
        .filter_map(|it| it.split(' ').nth(1))
        .filter(|it| it.starts_with('/') && it.len() > 1);
    points.map(|it| it.replace("\\040", " ")).collect()
}

fn brick_id(volume: &str, brick: &Brick) -> ComponentId {
    ComponentId::new("gluster_brick", &format!("{volume}/{}", brick.name))
}

fn component(id: &ComponentId, name: &str, attrs: BTreeMap<String, String>) -> Component {
    Component { id: id.clone(), name: name.to_owned(), attrs, links: Vec::new(), set: None }
}

fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
