//! From records to components, sets and readings.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    metrics::{DISK, KERNEL, MISSING, SIZE, SPARES, STATE},
    print::{Disk, Group, Part, Plex, Volume},
    volume_id,
};
use crate::{source::Collect, volumes};

/// Emits the disks that VxVM knows.
pub(super) fn disks(c: &mut Collect<'_>, disks: &[Disk]) {
    let mut seen = BTreeSet::new();
    for disk in disks {
        let group = disk.group.as_deref().map(|it| it.trim_matches(['(', ')']));
        // What is in no group is nobody's of VxVM: the system disk, foreign ones.
        let Some((group, media)) = group.zip(disk.media.as_deref().or(disk.device.as_deref()))
        else {
            continue;
        };
        let id = ComponentId::new("vxdisk", &format!("{group}/{media}"));
        if !seen.insert(id.clone()) {
            continue;
        }
        let under = disk.device.as_deref().map(|it| volumes::below(c.host, it)).unwrap_or_default();
        let mut attrs = BTreeMap::from([("vxvm.group".to_owned(), group.to_owned())]);
        if let Some(device) = &disk.device {
            attrs.insert("system.device".to_owned(), format!("/dev/{device}"));
        }
        let was = disk.status.iter().find_map(|it| it.strip_prefix("was:"));
        if let Some(was) = was {
            attrs.insert("vxvm.disk.was".to_owned(), was.to_owned());
        }
        if let [one] = &under[..]
            && one.kind() == "disk"
            && Some(one.key()) != disk.device.as_deref()
        {
            attrs.insert("hw.serial_number".to_owned(), one.key().to_owned());
        }
        let links = under.into_iter().map(|to| Link { relation: Relation::On, to }).collect();
        let name = media.to_owned();
        c.component(Component { id: id.clone(), name, attrs, links, set: None });
        let foreign = disk.group.as_deref().is_some_and(|it| it.starts_with('('));
        let state = state(&disk.status, foreign);
        c.state(&DISK, &id, state);
        if state == "unknown" {
            let text = format!("{media}: no state that is known: {:?}", disk.status.join(" "));
            c.problem(Reason::Unparsable, Some(&id), text);
        }
    }
}

fn state(status: &[String], foreign: bool) -> &'static str {
    let has = |word: &str| status.iter().any(|it| it == word);
    match () {
        () if has("failed") || has("removed") => "failed",
        () if has("failing") => "failing",
        () if has("error") || has("dgdisabled") || has("lfailed") => "error",
        () if has("offline") => "offline",
        () if has("spare") => "spare",
        () if foreign => "foreign",
        () if has("online") => "online",
        () => "unknown",
    }
}

/// Emits one group with its volumes, at most `left` of them; gives how many are left then.
pub(super) fn group(c: &mut Collect<'_>, group: &Group, disks: &[Disk], left: usize) -> usize {
    let id = ComponentId::new("vxdg", &group.name);
    let attrs = BTreeMap::new();
    let name = group.name.clone();
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    let media = group.disks.values().filter(|it| it.state == "SPARE").count();
    let listed = disks.iter().filter(|it| {
        it.group.as_deref() == Some(&group.name) && it.status.iter().any(|it| it == "spare")
    });
    c.sample(&SPARES, &id, count(media.max(listed.count())));
    let mut seen = BTreeSet::new();
    let volumes = group.volumes.iter().filter(|it| seen.insert(it.name.clone()));
    let mut told = 0;
    for one in volumes.take(left) {
        volume(c, group, one);
        told += 1;
    }
    left - told
}

fn volume(c: &mut Collect<'_>, group: &Group, volume: &Volume) {
    let id = volume_id(&group.name, &volume.name);
    let attrs = BTreeMap::from([
        ("system.device".to_owned(), format!("/dev/vx/dsk/{}/{}", group.name, volume.name)),
        ("vxvm.group".to_owned(), group.name.clone()),
        ("vxvm.volume.usage".to_owned(), volume.usage.clone()),
    ]);
    // Plexes that only log changes hold no copy.
    let copies: Vec<&Plex> =
        volume.plexes.iter().filter(|it| !matches!(it.state.as_str(), "LOG" | "DCOSNP")).collect();
    let raid = copies.iter().find(|it| it.layout == "RAID");
    let set = match raid {
        Some(plex) => columns(c, group, plex),
        None => mirror(c, group, &copies),
    };
    if let Some(set) = &set {
        let lost = |it: &&Member| !matches!(it.state, MemberState::Active | MemberState::Unknown);
        c.sample(&MISSING, &id, count(set.members.iter().filter(lost).count()));
    }
    let name = format!("{}/{}", group.name, volume.name);
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set });
    if let Some(length) = volume.length {
        c.sample(&SIZE, &id, length * 512.0);
    }
    let kernel = volume.kernel.to_lowercase();
    if ["enabled", "detached", "disabled"].contains(&kernel.as_str()) {
        c.state(&KERNEL, &id, &kernel);
    } else {
        c.state(&KERNEL, &id, "unknown");
        let text = format!("{}: no kernel state that is known: {:?}", volume.name, volume.kernel);
        c.problem(Reason::Unparsable, Some(&id), text);
    }
    c.state(&STATE, &id, &volume.state);
}

/// Copies of each other.
fn mirror(c: &mut Collect<'_>, group: &Group, copies: &[&Plex]) -> Option<Set> {
    let width = u32::try_from(copies.len()).ok().filter(|it| *it > 0)?;
    let mut members = Vec::new();
    for plex in copies {
        let slot = u32::try_from(members.len()).ok();
        let component = plex_component(c, group, plex);
        members.push(Member { slot, component, name: plex.name.clone(), state: plex_state(plex) });
    }
    let scheme = if width > 1 { "raid1" } else { "single" };
    Some(Set { scheme: scheme.to_owned(), width, copies: width, members })
}

/// Columns of a RAID-5 plex, each on its disk.
fn columns(c: &Collect<'_>, group: &Group, plex: &Plex) -> Option<Set> {
    let listed = plex.parts.iter().map(|it| it.column + 1).max();
    // No plex has a thousand columns: a larger number is a damaged one.
    let width = plex.columns.or(listed).filter(|it| (1..1000).contains(it))?;
    let member = |column: u32| {
        let parts: Vec<&Part> = plex.parts.iter().filter(|it| it.column == column).collect();
        let bad = parts.iter().any(|it| is_bad(it)) || parts.is_empty();
        let state = match plex_state(plex) {
            MemberState::Active if bad => MemberState::Missing,
            state => state,
        };
        let on = parts.first().map(|it| it.on.clone());
        let component = on.as_deref().and_then(|it| disk_of(c, group, it));
        let name = on.unwrap_or_else(|| format!("column {column}"));
        Member { slot: Some(column), component, name, state }
    };
    let members = (0..width).map(member).collect();
    Some(Set { scheme: "raid5".to_owned(), width, copies: 1, members })
}

/// The disk or volume of a plex that lies on one, else the plex itself, which needs all of its disks.
fn plex_component(c: &mut Collect<'_>, group: &Group, plex: &Plex) -> Option<ComponentId> {
    let mut under: BTreeMap<ComponentId, MemberState> = BTreeMap::new();
    for part in &plex.parts {
        let id = match part.is_volume {
            true => Some(volume_id(&group.name, &part.on)),
            false => disk_of(c, group, &part.on),
        };
        let state = if is_bad(part) { MemberState::Missing } else { MemberState::Active };
        if let Some(id) = id {
            under.insert(id, state);
        }
    }
    if under.len() <= 1 {
        return under.into_keys().next();
    }
    let id = ComponentId::new("vxplex", &format!("{}/{}", group.name, plex.name));
    let width = u32::try_from(under.len()).unwrap_or(u32::MAX);
    let members = under
        .into_iter()
        .map(|(id, state)| Member {
            slot: None,
            name: id.key().to_owned(),
            component: Some(id),
            state,
        })
        .collect();
    let set = Some(Set { scheme: "raid0".to_owned(), width, copies: 1, members });
    let attrs = BTreeMap::from([("vxvm.plex.layout".to_owned(), plex.layout.clone())]);
    let name = plex.name.clone();
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set });
    Some(id)
}

fn disk_of(c: &Collect<'_>, group: &Group, media: &str) -> Option<ComponentId> {
    let device = group.disks.get(media)?.device.as_deref()?;
    match &volumes::below(c.host, device)[..] {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn is_bad(part: &Part) -> bool {
    matches!(part.mode.as_str(), "NDEV" | "FAIL" | "RMOV" | "DIS" | "KDET" | "RCOV")
}

/// How a copy is: only an enabled one that is read serves.
fn plex_state(plex: &Plex) -> MemberState {
    match (plex.kernel.as_str(), plex.state.as_str()) {
        (_, "NODEVICE" | "REMOVED") => MemberState::Missing,
        (_, "IOFAIL" | "RECOVER") => MemberState::Failed,
        ("ENABLED", "STALE" | "TEMP" | "TEMPRM" | "TEMPRMSD" | "SNAPATT") => {
            MemberState::Rebuilding
        }
        ("ENABLED", _) if plex.mode == "WO" => MemberState::Rebuilding,
        ("ENABLED", _) => MemberState::Active,
        ("DISABLED" | "DETACHED", _) => MemberState::Failed,
        _ => MemberState::Unknown,
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
