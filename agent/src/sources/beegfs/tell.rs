//! What is said of a file system: its targets and buddy groups, and the sets they form.
//!
//! Facts: BeeGFS's documents on target states and mirroring. A buddy group serves with one of its two targets; a target
//! that needs a resync holds no second copy until it is done; *probably offline* is not decided yet, so it is unknown
//! and neither good nor lost. Among groups and single targets there is no redundancy.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Member, MemberState, Reason, Set};

use super::{
    metrics::{
        CAPACITY, CONSISTENCY, CONTACT, GROUP_LOST, INODES, REACHABILITY, SIZE, TARGETS,
        UTILIZATION,
    },
    system::{Key, System, Target},
};
use crate::source::{Collect, Metric};

const REACHABLE: &[&str] = &["online", "probably-offline", "offline"];
const CONSISTENT: &[&str] = &["good", "needs-resync", "resyncing", "bad"];
const POOLS: &[&str] = &["normal", "low", "emergency"];

impl System {
    /// Everything that is known. Returns the file system's component.
    pub(super) fn tell(&self, c: &mut Collect<'_>, name: &str) -> ComponentId {
        let mirrored: BTreeMap<Key, u32> = self
            .groups
            .iter()
            .flat_map(|((kind, id), it)| [((*kind, it.primary), *id), ((*kind, it.secondary), *id)])
            .collect();
        let whole = ComponentId::new("beegfs", name);
        c.component(Component {
            set: self.all(name, "storage", &mirrored),
            ..component(&whole, "beegfs", BTreeMap::new())
        });
        let meta = ComponentId::new("beegfs_metadata", name);
        let set = self.all(name, "meta", &mirrored);
        if set.is_some() {
            c.component(Component { set, ..component(&meta, "beegfs metadata", BTreeMap::new()) });
        }
        for (key, target) in &self.targets {
            tell_target(c, name, *key, target, mirrored.contains_key(key));
        }
        for (kind, id) in self.groups.keys() {
            self.tell_group(c, name, (*kind, *id));
        }
        self.tell_counts(c, &whole);
        whole
    }

    /// Groups and single targets of a kind, which protect nothing of each other.
    fn all(&self, name: &str, kind: &str, mirrored: &BTreeMap<Key, u32>) -> Option<Set> {
        let groups = self.groups.keys().filter(|it| it.0 == kind).map(|it| Member {
            slot: None,
            component: Some(group_id(name, *it)),
            name: self.group_label(*it),
            state: MemberState::Active,
        });
        let single =
            self.targets.iter().filter(|(key, _)| key.0 == kind && !mirrored.contains_key(*key));
        let single = single.map(|(key, it)| Member {
            slot: None,
            component: Some(target_id(name, *key)),
            name: label(*key, it),
            state: member_state(Some(it)),
        });
        let members: Vec<Member> = groups.chain(single).collect();
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        (width > 0).then(|| Set { scheme: "targets".to_owned(), width, copies: 1, members })
    }

    fn group_label(&self, key: Key) -> String {
        let alias = self.groups.get(&key).and_then(|it| it.alias.clone());
        alias.unwrap_or_else(|| format!("{} group {}", key.0, key.1))
    }

    fn tell_group(&self, c: &mut Collect<'_>, name: &str, key: Key) {
        let Some(group) = self.groups.get(&key) else { return };
        let mut members = Vec::new();
        for number in [group.primary, group.secondary] {
            let target = self.targets.get(&(key.0, number));
            let named = target.map_or_else(|| number.to_string(), |it| label((key.0, number), it));
            let component = Some(target_id(name, (key.0, number)));
            members.push(Member {
                slot: None,
                component,
                name: named,
                state: member_state(target),
            });
        }
        let id = group_id(name, key);
        let gone = |it: &&Member| matches!(it.state, MemberState::Failed | MemberState::Rebuilding);
        let lost = u32::try_from(members.iter().filter(gone).count()).unwrap_or(u32::MAX);
        let known = members.iter().all(|it| it.state != MemberState::Unknown);
        let attrs = BTreeMap::from([("beegfs.target.type".to_owned(), key.0.to_owned())]);
        let label = self.group_label(key);
        let set = Set { scheme: "replica:1".to_owned(), width: 2, copies: 2, members };
        c.component(Component { set: Some(set), ..component(&id, &label, attrs) });
        // With a member that is not decided yet, only a loss is certain.
        if known || lost > 0 {
            c.sample(&GROUP_LOST, &id, f64::from(lost));
        }
    }

    fn tell_counts(&self, c: &mut Collect<'_>, id: &ComponentId) {
        for kind in ["meta", "storage"].into_iter().filter(|it| !self.partial.contains(it)) {
            for word in REACHABLE {
                let of = |(key, it): &(&Key, &Target)| {
                    key.0 == kind && it.reachability.as_deref() == Some(*word)
                };
                let count = self.targets.iter().filter(of).count();
                let attrs = [("beegfs.target.reachability", *word), ("beegfs.target.type", kind)];
                c.sample_with(
                    &TARGETS,
                    id,
                    &attrs,
                    f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
                );
            }
        }
    }
}

fn tell_target(c: &mut Collect<'_>, name: &str, key: Key, target: &Target, mirrored: bool) {
    let id = target_id(name, key);
    let mut attrs = BTreeMap::from([
        ("beegfs.target.type".to_owned(), key.0.to_owned()),
        ("beegfs.target.mirrored".to_owned(), if mirrored { "yes" } else { "no" }.to_owned()),
    ]);
    for (attr, value) in [("beegfs.node", &target.node), ("beegfs.pool", &target.pool)] {
        if let Some(value) = value {
            attrs.insert(attr.to_owned(), value.clone());
        }
    }
    let label = label(key, target);
    c.component(component(&id, &label, attrs));
    let words: [(&Metric, &Option<String>, &[&str]); 3] = [
        (&REACHABILITY, &target.reachability, REACHABLE),
        (&CONSISTENCY, &target.consistency, CONSISTENT),
        (&CAPACITY, &target.capacity, POOLS),
    ];
    for (metric, word, known) in words {
        match word {
            Some(word) if known.contains(&word.as_str()) => c.state(metric, &id, word),
            Some(word) => {
                let word: String = word.chars().take(60).collect();
                c.problem(
                    Reason::Unsupported,
                    Some(&id),
                    format!("{label}: {} {word:?} is not known here", metric.name),
                );
            }
            None if *metric == REACHABILITY && target.consistency.is_some() => {
                c.problem(
                    Reason::Missing,
                    Some(&id),
                    format!("{label}: its reachability was not told"),
                );
            }
            None => {}
        }
    }
    let used = |size: Option<f64>, free: Option<f64>| {
        let size = size.filter(|it| *it > 0.0)?;
        Some(((size - free?) / size).clamp(0.0, 1.0))
    };
    for (metric, value) in [
        // A server that does not answer is printed with 0 of everything.
        (&SIZE, target.size.filter(|it| *it > 0.0)),
        (&UTILIZATION, used(target.size, target.free)),
        (&INODES, used(target.inodes, target.inodes_free)),
        (&CONTACT, target.contact),
    ] {
        if let Some(value) = value {
            c.sample(metric, &id, value);
        }
    }
}

fn member_state(target: Option<&Target>) -> MemberState {
    let Some(target) = target else { return MemberState::Unknown };
    match (target.reachability.as_deref(), target.consistency.as_deref()) {
        (Some("offline"), _) | (_, Some("bad")) => MemberState::Failed,
        (_, Some("needs-resync" | "resyncing")) => MemberState::Rebuilding,
        (Some("online"), _) => MemberState::Active,
        _ => MemberState::Unknown,
    }
}

fn label(key: Key, target: &Target) -> String {
    let place = target.alias.clone().unwrap_or_else(|| format!("{} {}", key.0, key.1));
    match &target.node {
        Some(node) => format!("{place} @ {node}"),
        None => place,
    }
}

fn target_id(name: &str, key: Key) -> ComponentId {
    ComponentId::new("beegfs_target", &format!("{name}/{}-{}", key.0, key.1))
}

fn group_id(name: &str, key: Key) -> ComponentId {
    ComponentId::new("beegfs_group", &format!("{name}/{}-{}", key.0, key.1))
}

fn component(id: &ComponentId, name: &str, attrs: BTreeMap<String, String>) -> Component {
    Component { id: id.clone(), name: name.to_owned(), attrs, links: Vec::new(), set: None }
}
