//! From parts to components: identities, sets, and whether the whole is explained by its parts.
//!
//! Facts: DMTF DSP2046 on `Status`: `Health` is a part's own, `HealthRollup` counts what is below it too; many services
//! write the rolled-up one into both. Invariants: no fault is counted at the part and again at the whole; what a set
//! lacks and nobody names is lost, not healthy.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    json::{HEALTHS, Status, relative},
    memory::Known,
    metrics,
    part::{Mark, Part, Plan},
};
use crate::{devices::plausible_key, source::Collect, targets::Device};

/// Kinds that are only compared, never shown.
const HIDDEN: [&str; 1] = ["storage"];

/// Kinds that are known by their place: what serial number they bear, if any, is their board's.
const BY_PLACE: [&str; 6] = ["fan", "part", "port", "sensor", "temperature", "voltage"];

/// All parts of a target, with who they are.
pub(super) struct Whole<'a> {
    device: &'a Device,
    parts: Vec<Part>,
    /// Every path that was told of; none for what is not there.
    ids: BTreeMap<String, Option<ComponentId>>,
    /// The part behind each component.
    first: BTreeMap<ComponentId, usize>,
    /// Some resource was asked for and not read.
    partial: bool,
}

impl<'a> Whole<'a> {
    /// Finds out who everybody is.
    pub(super) fn new(device: &'a Device, parts: Vec<Part>, partial: bool) -> Whole<'a> {
        let (ids, first) = (BTreeMap::new(), BTreeMap::new());
        let mut whole = Whole { device, parts: Vec::new(), ids, first, partial };
        for part in parts {
            if part.status.is_absent() || HIDDEN.contains(&part.kind) {
                whole.ids.insert(part.path.clone(), None);
                whole.parts.push(part);
                continue;
            }
            let id = whole.identity(&part);
            whole.ids.insert(part.path.clone(), Some(id.clone()));
            let index = whole.parts.len();
            whole.first.entry(id).or_insert(index);
            whole.parts.push(part);
        }
        whole
    }

    fn identity(&self, part: &Part) -> ComponentId {
        let serial = part.serial.as_deref();
        if part.kind == "disk" {
            return self.device.disk(serial, part.wwn.as_deref(), &part.place);
        }
        let own = serial.or(part.wwn.as_deref()).and_then(plausible_key);
        // Sensors bear their board's number, if any, and wholes that of the device itself.
        let own = own.filter(|_| !part.container && !BY_PLACE.contains(&part.kind));
        let place = || if part.place.is_empty() { part.name.clone() } else { part.place.clone() };
        let id = self.device.part(part.kind, &own.unwrap_or_else(place));
        match self.first.contains_key(&id) {
            // Two parts with one number: both are told apart by their places.
            true if !part.path.is_empty() => self.device.part(part.kind, relative(&part.path)),
            _ => id,
        }
    }

    /// The component of a resource.
    pub(super) fn id_of(&self, path: &str) -> Option<&ComponentId> {
        self.ids.get(path)?.as_ref()
    }

    fn part_of(&self, path: &str) -> Option<&Part> {
        let id = self.id_of(path)?;
        self.parts.get(*self.first.get(id)?)
    }

    /// Tells of everything.
    pub(super) fn tell(&self, c: &mut Collect<'_>, target: &str, known: &mut Known) {
        let mut widths = std::mem::take(&mut known.widths);
        let paths: BTreeSet<&str> = self.parts.iter().map(|it| it.path.as_str()).collect();
        widths.retain(|path, _| paths.contains(path.as_str()));
        for (index, part) in self.parts.iter().enumerate() {
            self.strange(c, target, part);
            let Some(Some(id)) = self.ids.get(&part.path) else { continue };
            if self.first.get(id) != Some(&index) || is_mute(part) {
                continue; // told of already: one drive in two lists
            }
            let set = part.set.as_ref().and_then(|plan| self.set(part, plan, &mut widths));
            c.component(Component {
                id: id.clone(),
                name: part.name.clone(),
                attrs: part.attrs.clone(),
                links: self.links(part, id),
                set,
            });
            tell_one(c, id, part);
        }
        known.widths = widths;
        self.rollup(c);
    }

    fn links(&self, part: &Part, id: &ComponentId) -> Vec<Link> {
        let mut links = vec![self.device.via()];
        let via = part.via.as_deref().and_then(|it| self.way(it));
        links.extend(via.map(|to| Link { relation: Relation::Via, to: to.clone() }));
        let below = part.on.iter().filter_map(|it| self.id_of(it));
        links.extend(below.map(|to| Link { relation: Relation::On, to: to.clone() }));
        links.retain(|it| it.to != *id);
        links.sort();
        links.dedup();
        links
    }

    /// The controller behind a path: its own, or the only one of a storage subsystem.
    fn way(&self, path: &str) -> Option<&ComponentId> {
        if let Some(id) = self.id_of(path) {
            return Some(id);
        }
        let inside = |it: &&Part| {
            it.kind == "controller"
                && it.path.strip_prefix(path).is_some_and(|it| it.starts_with(['/', '#']))
        };
        let mut all = self.parts.iter().filter(inside);
        match (all.next(), all.next()) {
            (Some(one), None) => self.id_of(&one.path),
            _ => None,
        }
    }

    fn set(&self, part: &Part, plan: &Plan, widths: &mut BTreeMap<String, u32>) -> Option<Set> {
        let well = part.status.health == Some("ok");
        let mut members: Vec<Member> = Vec::new();
        for path in &plan.members {
            let gone = matches!(self.ids.get(path), Some(None));
            if gone && plan.bays && Status::gravity(part.status.health) == 0 {
                continue; // an empty bay, and nobody misses anything
            }
            members.push(self.member(path, gone, plan.bays));
        }
        for member in &mut members {
            // A spare that is listed among the drives of a volume serves nothing yet.
            if member.state == MemberState::Spare && plan.spares.is_empty() && plan.bays {
                member.state = MemberState::Active;
            }
        }
        if plan.bays && members.len() < 2 {
            return None;
        }
        let mut width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        if !plan.bays {
            width = self.volume_width(part, plan, &members, widths, well);
            gaps(part, &mut members, width);
            self.spares(part, plan, &mut members);
        }
        for (slot, member) in members.iter_mut().enumerate() {
            member.slot =
                (member.state != MemberState::Spare).then(|| u32::try_from(slot).ok()).flatten();
        }
        let copies = if plan.scheme == "raid1" { width } else { plan.copies };
        Some(Set { scheme: plan.scheme.clone(), width, copies, members })
    }

    /// How many drives a volume has when it is whole: what it says, else what it had when it was well. One that is not
    /// well, and names no drive that would explain it, lacks one.
    fn volume_width(
        &self,
        part: &Part,
        plan: &Plan,
        members: &[Member],
        widths: &mut BTreeMap<String, u32>,
        well: bool,
    ) -> u32 {
        let now = u32::try_from(members.len()).unwrap_or(u32::MAX);
        if let Some(width) = plan.width {
            return width.max(now);
        }
        if well {
            widths.insert(part.path.clone(), now);
            return now;
        }
        let before = widths.get(&part.path).copied().unwrap_or(now).max(now);
        let explained = members.iter().any(|it| it.state != MemberState::Active) || before > now;
        let redundant = plan.scheme != "raid0";
        let bad = Status::gravity(part.status.health) > 0;
        if bad && redundant && !explained { now + 1 } else { before }
    }

    fn member(&self, path: &str, gone: bool, bays: bool) -> Member {
        let part = self.part_of(path);
        let name = part.map_or_else(|| relative(path).to_owned(), |it| it.name.clone());
        let state = match part {
            _ if gone => MemberState::Missing,
            None => MemberState::Unknown,
            Some(part) => state_of(part, bays),
        };
        Member { slot: None, component: self.id_of(path).cloned(), name, state }
    }

    /// Dedicated spares, and free ones behind the same controller.
    fn spares(&self, part: &Part, plan: &Plan, members: &mut Vec<Member>) {
        let taken: BTreeSet<&String> = self
            .parts
            .iter()
            .filter_map(|it| it.set.as_ref())
            .flat_map(|it| it.members.iter().chain(&it.spares))
            .collect();
        let is_free = |it: &&Part| {
            it.kind == "disk"
                && it.mark == Mark::Spare
                && it.via.is_some()
                && it.via == part.via
                && Status::gravity(it.status.health) == 0
                && !taken.contains(&it.path)
        };
        let free = self.parts.iter().filter(is_free).map(|it| &it.path);
        for path in plan.spares.iter().chain(free) {
            let Some(id) = self.id_of(path) else { continue };
            if members.iter().any(|it| it.component.as_ref() == Some(id)) {
                continue;
            }
            let good = self.part_of(path).is_none_or(|it| Status::gravity(it.status.health) < 2);
            let state = if good { MemberState::Spare } else { MemberState::Failed };
            let name = self.part_of(path).map_or_else(String::new, |it| it.name.clone());
            members.push(Member { slot: None, component: Some(id.clone()), name, state });
        }
    }

    /// A word that is not known makes a component unknown only where it is its health: a fault must not hide behind
    /// a strange word beside it.
    fn strange(&self, c: &mut Collect<'_>, target: &str, part: &Part) {
        for text in &part.status.strange {
            let id = self.id_of(&part.path).filter(|_| part.status.health == Some("unknown"));
            let reason = match text.starts_with("redfish.") {
                true => Reason::Implausible,
                false => Reason::Unparsable,
            };
            let place = if part.place.is_empty() { &part.name } else { &part.place };
            c.problem(reason, id, format!("{target}: {place}: {text}"));
        }
    }

    /// Whether the worst of the wholes is explained by a part.
    fn rollup(&self, c: &mut Collect<'_>) {
        let mut leaf = 0;
        let mut whole = None;
        for part in &self.parts {
            let own = Status::gravity(part.status.health);
            let rolled = part.status.rollup.map(|it| Status::gravity(Some(it)));
            if part.container {
                let said = part.status.health.map(|_| own).max(rolled);
                whole = whole.max(said);
                continue;
            }
            whole = whole.max(rolled);
            let marked = match part.mark {
                Mark::Failed => 2,
                Mark::Rebuilding => 1,
                _ => 0,
            };
            let predicted = part
                .numbers
                .iter()
                .any(|(metric, _, value)| metric.name == metrics::PREDICTED.name && *value > 0.0);
            leaf = leaf.max(own).max(marked).max(usize::from(predicted));
        }
        let Some(whole) = whole else { return };
        c.state(&metrics::ROLLUP, &self.device.id(), HEALTHS[whole.min(2)]);
        // A part that was not read may be what explains it.
        if whole > leaf && self.partial {
            return;
        }
        let unexplained = f64::from(u8::from(whole > leaf));
        c.sample(&metrics::UNEXPLAINED, &self.device.id(), unexplained);
    }
}

/// Marks drives that a controller has given to none of its volumes: losing one loses nothing. Only where all was read,
/// and only behind controllers that have volumes; drives behind a plain one are used by the host as they are.
pub(super) fn mark_unassigned(parts: &mut [Part]) {
    let volumes: Vec<(Option<String>, Vec<String>)> = parts
        .iter()
        .filter_map(|it| Some((it.via.clone(), it.set.as_ref().filter(|it| !it.bays)?)))
        .map(|(via, plan)| (via, plan.members.iter().chain(&plan.spares).cloned().collect()))
        .collect();
    for part in parts.iter_mut().filter(|it| it.kind == "disk" && it.via.is_some()) {
        let mut behind = volumes.iter().filter(|(via, _)| *via == part.via).peekable();
        let raid = behind.peek().is_some();
        if raid && !behind.any(|(_, drives)| drives.contains(&part.path)) {
            part.attrs.insert("hw.disk.assigned".to_owned(), "no".to_owned());
        }
    }
}

/// A thing that says nothing: no health, no state, no number.
fn is_mute(part: &Part) -> bool {
    let said = part.status.health.is_some() || !part.numbers.is_empty() || !part.words.is_empty();
    match part.kind {
        "sensor" | "temperature" | "voltage" => {
            let off = part.numbers.is_empty() && Status::gravity(part.status.health) == 0;
            off || !said
        }
        _ => false,
    }
}

fn tell_one(c: &mut Collect<'_>, id: &ComponentId, part: &Part) {
    match (part.container, part.status.health) {
        (false, Some(health)) => c.state(&metrics::HEALTH, id, health),
        (true, health) => {
            let worst = health.into_iter().chain(part.status.rollup);
            if let Some(worst) = worst.max_by_key(|it| Status::gravity(Some(it))) {
                c.state(&metrics::ROLLUP, id, worst);
            }
        }
        (false, None) => {}
    }
    if let Some(state) = part.status.state {
        c.state(&metrics::STATE, id, state);
    }
    let mut told: Vec<&str> = Vec::new();
    for (metric, word) in &part.words {
        if !told.contains(&metric.name) {
            told.push(metric.name);
            c.state(metric, id, word);
        }
    }
    let mut told: Vec<(&str, super::part::Attr)> = Vec::new();
    for (metric, attr, value) in &part.numbers {
        if !told.contains(&(metric.name, *attr)) {
            told.push((metric.name, *attr));
            let attrs: Vec<(&str, &str)> = (*attr).into_iter().collect();
            c.sample_with(metric, id, &attrs, *value);
        }
    }
}

/// How a part serves in its set.
fn state_of(part: &Part, bays: bool) -> MemberState {
    match part.mark {
        Mark::Failed => return MemberState::Failed,
        Mark::Rebuilding => return MemberState::Rebuilding,
        Mark::Spare if !bays => return MemberState::Spare,
        _ => {}
    }
    match (part.status.state, part.status.health) {
        (_, Some("critical")) => MemberState::Failed,
        (Some("absent"), _) => MemberState::Missing,
        (Some("unavailableoffline"), _) => MemberState::Failed,
        // Ready to take over, as a member of its group should be.
        (Some("standbyspare"), _) if bays => MemberState::Active,
        (Some("standbyspare"), _) => MemberState::Spare,
        (Some("disabled" | "standbyoffline"), _) => MemberState::Missing,
        (_, Some("ok" | "warning")) => MemberState::Active,
        _ if part.mark == Mark::Good => MemberState::Active,
        _ => MemberState::Unknown,
    }
}

/// Places that no drive holds. While a rebuild runs they are being filled.
fn gaps(part: &Part, members: &mut Vec<Member>, width: u32) {
    let is_operation =
        |it: &&(&crate::source::Metric, String)| it.0.name == metrics::OPERATION.name;
    let word = part.words.iter().find(is_operation).map_or("", |it| &it.1);
    let rebuilding = word.to_ascii_lowercase().contains("rebuild");
    let told = members.iter().any(|it| it.state == MemberState::Rebuilding);
    while u32::try_from(members.len()).unwrap_or(u32::MAX) < width.min(WIDTH_MAX) {
        let state = match rebuilding && !told {
            true => MemberState::Rebuilding,
            false => MemberState::Missing,
        };
        let name = format!("place {} of {width}", members.len() + 1);
        members.push(Member { slot: None, component: None, name, state });
    }
}

/// More drives than any volume has.
const WIDTH_MAX: u32 = 1024;
