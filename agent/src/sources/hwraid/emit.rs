//! Hands over what the tools told: components with identities, sets, numbers, words and gaps.
//!
//! Invariants: a drive is known by its serial number, so that it is the same component that `smart` sees; a serial
//! number that two drives share tells neither. A volume is known by its controller and number, its disk of the
//! operating system stands on it, and it stands on its controller.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use super::{
    metrics as m,
    model::{Card, Drive, DriveState, PackState, Volume, VolumeState, WriteCache},
    osdisk::Disks,
    parts::{enclosures, one_drive, packs},
    sets, text, unread,
};
use crate::{devices, source::Collect};

/// More of anything than a controller has; the rest is counted in a problem.
const ITEMS_MAX: usize = 1024;

/// What people call a drive by its place: `PD 252:3`, without enclosure `PD slot 3`.
pub(super) fn drive_name(key: &str) -> String {
    match key.strip_prefix(':') {
        Some(slot) => format!("PD slot {slot}"),
        None => format!("PD {key}"),
    }
}

/// Hands over all controllers of a run.
pub(super) fn all(c: &mut Collect<'_>, cards: Vec<(&'static str, Card)>) {
    let disks = Disks::of(c.host);
    let mut taken = BTreeSet::new();
    let repeated = repeated_serials(&cards);
    let with_volumes = cards.iter().filter(|it| !it.1.volumes.is_empty()).count();
    for (tool, card) in cards {
        let (key, stable) = controller_key(tool, &card, &mut taken);
        let id = ComponentId::new("controller", &key);
        let ids = drive_ids(&card, &key, &repeated);
        controller(c, tool, &card, &id, stable);
        for volume in card.volumes.iter().take(ITEMS_MAX) {
            one_volume(c, &card, volume, &key, &ids, &disks, with_volumes == 1);
        }
        unread::groups(c, &card, &key, &|drive| ids.get(drive).map(|it| it.0.clone()));
        for drive in card.drives.iter().take(ITEMS_MAX) {
            one_drive(c, drive, &id, &ids, &mut taken);
        }
        if card.volumes.len().max(card.drives.len()) > ITEMS_MAX {
            c.problem(
                Reason::Truncated,
                Some(&id),
                format!("more than {ITEMS_MAX} volumes or drives"),
            );
        }
        packs(c, &card, &key, &id);
        enclosures(c, &card, &key, &id);
    }
}

/// What makes new proof worth keeping; not what changes all the time.
pub(super) fn lasting(cards: &[(&'static str, Card)]) -> String {
    let mut text = String::new();
    for (_, card) in cards {
        text.push_str(&format!("{} {:?};", card.index, card.status));
        for it in &card.volumes {
            text.push_str(&format!(
                "v{} {} {} {:?};",
                it.number,
                it.said,
                it.places.len(),
                it.cache
            ));
        }
        for it in &card.drives {
            let counters = (it.media_errors, it.other_errors, it.predictive, it.alert);
            text.push_str(&format!("d{} {:?} {} {counters:?};", it.key, it.serial, it.said));
        }
        for it in &card.packs {
            text.push_str(it.state.word());
        }
    }
    text
}

fn repeated_serials(cards: &[(&'static str, Card)]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let drives = cards.iter().flat_map(|it| &it.1.drives);
    let keys = drives.flat_map(|it| it.serial.iter().chain(&it.wwn));
    keys.filter(|it| !seen.insert((*it).clone())).cloned().collect()
}

fn controller_key(tool: &str, card: &Card, taken: &mut BTreeSet<String>) -> (String, bool) {
    let serial = card.serial.as_deref().and_then(devices::plausible_key);
    let plain = format!("{tool} {}", card.index);
    let (key, stable) = serial.map_or((plain.clone(), false), |it| (it, true));
    if taken.insert(format!("controller:{key}")) {
        return (key, stable);
    }
    taken.insert(format!("controller:{plain}"));
    (plain, false)
}

/// The component of each drive of a card, by its place.
fn drive_ids(
    card: &Card,
    key: &str,
    repeated: &BTreeSet<String>,
) -> BTreeMap<String, (ComponentId, bool)> {
    let id = |it: &Drive| {
        let single = |key: &Option<String>| key.clone().filter(|it| !repeated.contains(it));
        let (serial, wwn) = (single(&it.serial), single(&it.wwn));
        let identity = devices::disk_identity(
            serial.as_deref(),
            wwn.as_deref(),
            &format!("{key} {}", drive_name(&it.key)),
        );
        (it.key.clone(), (identity.id, identity.stable))
    };
    card.drives.iter().map(id).collect()
}

fn controller(c: &mut Collect<'_>, tool: &str, card: &Card, id: &ComponentId, stable: bool) {
    let model = card.attrs.get("hw.model").cloned().unwrap_or_else(|| "RAID controller".to_owned());
    let name = card.name.clone().unwrap_or_else(|| format!("{model} #{}", card.index));
    let mut attrs = card.attrs.clone();
    attrs.insert("hw.raid.tool".to_owned(), tool.to_owned());
    if !stable {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    if let Some(said) = &card.status {
        attrs.insert("hw.raid.said".to_owned(), said.clone());
    }
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    if let Some(said) = &card.status {
        let word = text::status(said);
        c.state(&m::STATUS, id, word);
        if word == "unknown" {
            c.problem(
                Reason::Unparsable,
                Some(id),
                format!("controller status {said:?} is not known"),
            );
        }
    }
    let foreign = card.drives.iter().filter(|it| it.foreign).count();
    if !card.drives.is_empty() && (foreign > 0 || !card.partial) {
        c.sample(&m::FOREIGN, id, u32::try_from(foreign).map_or(f64::MAX, f64::from));
    }
    let mut seen = BTreeSet::new();
    for (metric, attrs, value) in &card.numbers {
        if seen.insert((metric.name, attrs.clone())) {
            let attrs: Vec<(&str, &str)> = attrs.iter().map(|it| (it.0, it.1.as_str())).collect();
            c.sample_with(metric, id, &attrs, *value);
        }
    }
    let mut words: BTreeMap<&str, (&crate::source::Metric, &str)> = BTreeMap::new();
    for (metric, word) in &card.words {
        words.insert(metric.name, (metric, word));
    }
    if let Some(word) = configuration(card) {
        words.entry(m::CONFIGURATION.name).or_insert((&m::CONFIGURATION, word));
    }
    if let Some(word) = cache(card) {
        words.insert(m::CACHE.name, (&m::CACHE, word));
    }
    for (metric, word) in words.into_values() {
        c.state(metric, id, word);
    }
    let mut told = BTreeSet::new();
    for (reason, text) in card.gaps.iter().filter(|it| told.insert(&it.1)).take(32) {
        c.problem(*reason, Some(id), text);
    }
}

/// Whether there are volumes; none if that was not told.
fn configuration(card: &Card) -> Option<&'static str> {
    if !card.volumes.is_empty() {
        return Some("volumes");
    }
    let hba = card.attrs.get("hw.driver").is_some_and(|it| it.starts_with("mpt"))
        || (!card.drives.is_empty() && card.drives.iter().all(|it| it.state == DriveState::Jbod));
    if hba {
        return Some("hba");
    }
    (card.lists_volumes && card.groups.is_empty()).then_some("none")
}

/// Whether what the cache holds back survives a power cut; none if that was not told.
fn cache(card: &Card) -> Option<&'static str> {
    let caches: Vec<WriteCache> = card.volumes.iter().filter_map(|it| it.cache).collect();
    if caches.is_empty() || card.packs.is_empty() {
        return None;
    }
    let bad = card.packs.iter().any(|it| {
        matches!(
            it.state,
            PackState::Failed | PackState::Missing | PackState::Absent | PackState::Degraded
        )
    });
    // A volume that only holds back with a good battery writes through by now, whatever its setting says.
    let back = caches.contains(&WriteCache::Forced) || !bad && caches.contains(&WriteCache::Back);
    Some(match (back, bad) {
        (false, _) => "unused",
        (true, true) => "unprotected",
        (true, false) => "protected",
    })
}

fn one_volume(
    c: &mut Collect<'_>,
    card: &Card,
    volume: &Volume,
    key: &str,
    ids: &BTreeMap<String, (ComponentId, bool)>,
    disks: &Disks,
    only: bool,
) {
    let id = ComponentId::new("vd", &format!("{key}/{}", volume.number));
    let set = sets::set(card, volume, &|drive| ids.get(drive).map(|it| it.0.clone()));
    let device = disks.find(volume, only);
    let mut attrs = BTreeMap::new();
    let mut attr = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            attrs.insert(name.to_owned(), value);
        }
    };
    let level = set
        .as_ref()
        .map(|it| it.scheme.to_uppercase())
        .filter(|it| !it.eq_ignore_ascii_case(sets::UNKNOWN));
    attr("hw.raid.level", Some(level.unwrap_or_else(|| volume.level.clone())));
    attr("hw.raid.said", Some(volume.said.clone()));
    attr("hw.wwn", volume.unique_id.clone());
    attr("system.device", device.as_ref().map(|it| format!("/dev/{}", it.replace('!', "/"))));
    let numbered = volume.number.starts_with(|it: char| it.is_ascii_digit());
    let number = if numbered { format!("VD{}", volume.number) } else { volume.number.clone() };
    let name = match volume.name.as_deref().filter(|it| !it.is_empty()) {
        Some(name) => format!("{number} {name}"),
        None => number,
    };
    let members: BTreeSet<ComponentId> =
        set.iter().flat_map(|it| &it.members).filter_map(|it| it.component.clone()).collect();
    if set.as_ref().is_some_and(|it| it.scheme == sets::UNKNOWN) {
        let (reason, text) = match volume.level.is_empty() {
            true => (Reason::Unsupported, format!("{name}: the RAID level is not told")),
            false => (
                Reason::Unparsable,
                format!("{name}: RAID level {:?} is not understood", volume.level),
            ),
        };
        c.problem(reason, Some(&id), text);
    }
    volume_numbers(c, volume, card.partial, &id, set.as_ref());
    let links = vec![Link { relation: Relation::On, to: ComponentId::new("controller", key) }];
    c.component(Component { id: id.clone(), name, attrs, links, set });
    let Some(device) = device else { return };
    let devices::Identity { id: disk, stable, .. } = devices::disk(c.host, &device);
    // A card may hand on the serial number of the only drive: that is then one component already.
    if !members.contains(&disk) {
        let mut attrs = BTreeMap::from([
            ("system.device".to_owned(), format!("/dev/{}", device.replace('!', "/"))),
            ("hw.virtual".to_owned(), "raid".to_owned()),
        ]);
        if !stable {
            attrs.insert("identity".to_owned(), "unstable".to_owned());
        }
        let links = vec![Link { relation: Relation::On, to: id }];
        c.component(Component { id: disk, name: device, attrs, links, set: None });
    }
}

fn volume_numbers(
    c: &mut Collect<'_>,
    volume: &Volume,
    partial: bool,
    id: &ComponentId,
    set: Option<&xunjian_proto::Set>,
) {
    use xunjian_proto::MemberState as State;
    c.state(&m::VOLUME_STATE, id, volume.state.word());
    if volume.state == VolumeState::Unknown {
        let said = &volume.said;
        c.problem(
            Reason::Unparsable,
            Some(id),
            format!("state {said:?} of volume {} is not known", volume.number),
        );
    }
    if let Some(size) = volume.size {
        c.sample(&m::VOLUME_SIZE, id, size);
    }
    if let Some(set) = set {
        let lost = |it: &&xunjian_proto::Member| {
            matches!(it.state, State::Failed | State::Missing | State::Rebuilding)
        };
        let count = set.members.iter().filter(lost).count();
        c.sample(&m::VOLUME_LOST, id, u32::try_from(count).map_or(f64::MAX, f64::from));
        if sets::scheme(&volume.level, volume.legs).is_some_and(|it| it.is_redundant()) {
            let spares = set.members.iter().filter(|it| it.state == State::Spare).count();
            // Spares stand in another list than the volume's members.
            if spares > 0 || !partial {
                c.sample(&m::VOLUME_SPARES, id, u32::try_from(spares).map_or(f64::MAX, f64::from));
            }
        }
    }
    c.state(&m::ACTIVITY, id, volume.activity.as_deref().unwrap_or("none"));
    if let Some(done) = volume.progress {
        c.sample(&m::PROGRESS, id, done);
    }
    if let Some(cache) = volume.cache {
        c.state(&m::WRITE_CACHE, id, cache.word());
    }
    let yes = |it: bool| if it { "yes" } else { "no" };
    if let Some(consistent) = volume.consistent {
        c.state(&m::CONSISTENT, id, yes(consistent));
    }
    if let Some(bad) = volume.bad_blocks {
        c.state(&m::BAD_BLOCKS, id, yes(bad));
    }
}
