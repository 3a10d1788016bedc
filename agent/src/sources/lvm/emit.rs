//! From reports to components, sets and readings.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    metrics::{
        ACTION, DATA, HEALTH, METADATA, MISMATCHES, MISSING, SIZE, SYNC, TOLERANCE, VG_FREE,
        VG_MISSING, VG_SIZE,
    },
    report::Row,
    volume::{Volume, Volumes, is_unknown},
};
use crate::{host::Host, source::Collect, volumes};

/// Volumes within volumes are followed so deep.
const DEPTH_MAX: usize = 8;

/// Emits every volume that people know, and the RAIDs inside others.
pub(super) fn volumes(c: &mut Collect<'_>, all: &Volumes, seen: &mut BTreeSet<ComponentId>) {
    for volume in all.iter().filter(|it| is_shown(it)) {
        let (id, stable) = id(volume);
        if !seen.insert(id.clone()) {
            let text = format!("{} is there twice", volume.label());
            c.problem(Reason::Implausible, Some(&id), text);
            continue;
        }
        component(c, all, volume, &id, stable);
        readings(c, all, volume, &id);
    }
}

/// People's own volumes; of the hidden ones the RAIDs that others stand on.
fn is_shown(volume: &Volume) -> bool {
    !volume.hidden || volume.scheme().is_some()
}

/// By UUID; by name where a report has none.
fn id(volume: &Volume) -> (ComponentId, bool) {
    match volume.row.word("lv_uuid").and_then(volumes::lv) {
        Some(id) => (id, true),
        None => (ComponentId::new("lv", &volume.label()), false),
    }
}

fn component(c: &mut Collect<'_>, all: &Volumes, volume: &Volume, id: &ComponentId, stable: bool) {
    let mut attrs = BTreeMap::from([("lvm.vg.name".to_owned(), volume.group.clone())]);
    // Of a RAID or mirror that does not say its type only the letter is known, and RAID 0 has the same.
    if !(volume.segment.is_empty() && matches!(volume.letter(0), Some('r' | 'R' | 'm' | 'M'))) {
        let redundant = if all.tolerance(volume).is_some() { "yes" } else { "no" };
        attrs.insert("lvm.lv.redundant".to_owned(), redundant.to_owned());
    }
    if let Some(kind) = volume.kind() {
        attrs.insert("lvm.lv.type".to_owned(), kind.to_owned());
    }
    if let Some(path) = volume.row.word("lv_path") {
        attrs.insert("system.device".to_owned(), path.to_owned());
    }
    if !stable {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    let set = set(c.host, all, volume);
    let links = match &set {
        Some(_) => Vec::new(),
        None => {
            let mut under = BTreeSet::new();
            below(c.host, all, volume, DEPTH_MAX, &mut under);
            under.remove(id);
            under.into_iter().map(|to| Link { relation: Relation::On, to }).collect()
        }
    };
    let name = volume.label();
    c.component(Component { id: id.clone(), name, attrs, links, set });
}

fn set(host: &dyn Host, all: &Volumes, volume: &Volume) -> Option<Set> {
    if volume.misses_unlisted() {
        let name = "an image that is not listed".to_owned();
        let member = Member { slot: None, component: None, name, state: MemberState::Missing };
        let scheme = "unknown".to_owned();
        return Some(Set { scheme, width: 1, copies: 1, members: vec![member] });
    }
    let scheme = volume.scheme()?;
    let images = all.images(volume);
    let width = u32::try_from(images.len()).ok().filter(|it| *it > 0)?;
    let member = |(slot, (name, image)): (usize, (String, Option<&Volume>))| {
        let mut under = BTreeSet::new();
        if let Some(image) = image {
            below(host, all, image, DEPTH_MAX, &mut under);
        }
        let one = (under.len() == 1).then(|| under.first().cloned()).flatten();
        let state = all.image_state(image, &name);
        Member { slot: u32::try_from(slot).ok(), component: one, name, state }
    };
    let members = images.into_iter().enumerate().map(member).collect();
    let copies = match scheme {
        "raid1" => width,
        "raid10" => 2,
        _ => 1,
    };
    Some(Set { scheme: scheme.to_owned(), width, copies, members })
}

/// What a volume lies on: shown volumes as they are, hidden ones looked through, devices by their disks.
fn below(
    host: &dyn Host,
    all: &Volumes,
    volume: &Volume,
    depth: usize,
    found: &mut BTreeSet<ComponentId>,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let others = [volume.row.word("pool_lv"), volume.row.word("origin")].into_iter().flatten();
    let names = volume.devices.iter().map(String::as_str).chain(others);
    for name in names.filter(|it| !is_unknown(it)) {
        match all.get(volume, name) {
            Some(inner) if is_shown(inner) => {
                found.insert(id(inner).0);
            }
            Some(inner) => below(host, all, inner, depth, found),
            None if name.starts_with('/') => found.extend(volumes::below(host, name)),
            None => {}
        }
    }
}

fn readings(c: &mut Collect<'_>, all: &Volumes, volume: &Volume, id: &ComponentId) {
    let row = &volume.row;
    if let Some(size) = row.bytes("lv_size") {
        c.sample(&SIZE, id, size);
    }
    if volume.can_run_full() {
        let data = row.share("data_percent").or_else(|| row.share("snap_percent"));
        if let Some(share) = data {
            c.sample(&DATA, id, share);
        }
        if let Some(share) = row.share("metadata_percent") {
            c.sample(&METADATA, id, share);
        }
    }
    if let Some(tolerance) = all.tolerance(volume) {
        let states: Vec<MemberState> =
            all.images(volume).iter().map(|(name, image)| all.image_state(*image, name)).collect();
        let lost = |it: &&MemberState| !matches!(it, MemberState::Active | MemberState::Unknown);
        let missing = states.iter().filter(lost).count();
        // Without the hidden volumes nothing is known of the images.
        if states.iter().any(|it| *it != MemberState::Unknown) {
            c.sample(&MISSING, id, u32::try_from(missing).map_or(f64::MAX, f64::from));
        }
        c.sample(&TOLERANCE, id, f64::from(tolerance));
        let sync = row.share("sync_percent").or_else(|| row.share("copy_percent"));
        if let Some(share) = sync {
            c.sample(&SYNC, id, share);
        }
        if let Some(count) = row.number("raid_mismatch_count") {
            c.sample(&MISMATCHES, id, count);
        }
        if let Some(action) = row.word("raid_sync_action") {
            c.state(&ACTION, id, action);
        }
    }
    let unlisted = volume.misses_unlisted();
    if unlisted {
        c.sample(&MISSING, id, 1.0);
        let text = format!(
            "{}: an image of it is missing, and how many it can lose is not said; it takes `lvs -a -o +segtype,devices`",
            volume.label()
        );
        c.problem(Reason::Unsupported, Some(id), text);
    }
    if volume.attr.is_empty() && row.word("lv_health_status").is_none() {
        let text = format!("{}: the report has no lv_attr", volume.label());
        return c.problem(Reason::Unsupported, Some(id), text);
    }
    let health = volume.health(all.lost(volume));
    if health == "unknown" {
        let attr: String = volume.attr.iter().collect();
        c.problem(
            Reason::Unparsable,
            Some(id),
            format!("{}: no health that is known: {attr:?}", volume.label()),
        );
    }
    c.state(&HEALTH, id, health);
}

/// Emits the groups, with the devices that they lack.
pub(super) fn groups(c: &mut Collect<'_>, groups: &[Row], devices: &[Row]) {
    let mut seen = BTreeSet::new();
    for row in groups {
        let Some(name) = row.word("vg_name") else { continue };
        let (key, stable) = match row.word("vg_uuid") {
            Some(uuid) => (uuid, true),
            None => (name, false),
        };
        let id = ComponentId::new("vg", key);
        if !seen.insert(id.clone()) {
            continue;
        }
        let own: Vec<&Row> = devices.iter().filter(|it| it.word("vg_name") == Some(name)).collect();
        let gone: Vec<&str> =
            own.iter().filter(|it| is_missing(it)).filter_map(|it| it.word("pv_uuid")).collect();
        let mut attrs = BTreeMap::new();
        if !gone.is_empty() {
            let names = gone.iter().take(8).copied().collect::<Vec<_>>().join(", ");
            attrs.insert("lvm.vg.missing".to_owned(), names);
        }
        if !stable {
            attrs.insert("identity".to_owned(), "unstable".to_owned());
        }
        let under: BTreeSet<ComponentId> = own
            .iter()
            .filter_map(|it| it.word("pv_name"))
            .filter(|it| it.starts_with('/'))
            .flat_map(|it| volumes::below(c.host, it))
            .collect();
        let links = under.into_iter().map(|to| Link { relation: Relation::On, to }).collect();
        c.component(Component { id: id.clone(), name: name.to_owned(), attrs, links, set: None });
        if let Some(size) = row.bytes("vg_size") {
            c.sample(&VG_SIZE, &id, size);
        }
        if let Some(free) = row.bytes("vg_free") {
            c.sample(&VG_FREE, &id, free);
        }
        let partial = row.word("vg_attr").is_some_and(|it| it.chars().nth(3) == Some('p'));
        let counted = row.number("vg_missing_pv_count");
        let listed = u32::try_from(gone.len()).map_or(0.0, f64::from);
        let missing = counted.unwrap_or(0.0).max(listed).max(f64::from(u8::from(partial)));
        if counted.is_some() || row.word("vg_attr").is_some() || !own.is_empty() {
            c.sample(&VG_MISSING, &id, missing);
        }
    }
}

fn is_missing(row: &Row) -> bool {
    row.word("pv_attr").is_some_and(|it| it.ends_with('m'))
        || row.word("pv_missing").is_some_and(|it| !matches!(it, "0" | "-1"))
        || row.word("pv_name").is_some_and(is_unknown)
}
