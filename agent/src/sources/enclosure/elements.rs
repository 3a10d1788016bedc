//! Elements of an enclosure as parts and sets.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    SEEN_MAX, STATUS, Slot,
    ses::{Element, Status},
};
use crate::{
    devices::word,
    hardware as hw,
    source::{Collect, Metric},
};

/// Elements of one enclosure; the largest have some 300.
const ELEMENTS_MAX: usize = 2000;

/// Element types that are told, and the kinds of parts that they are.
const KINDS: [(&str, &str); 8] = [
    ("power supply", "psu"),
    ("cooling", "fan"),
    ("temperature sensor", "temperature"),
    ("voltage sensor", "voltage"),
    ("current sensor", "sensor"),
    ("enclosure services controller electronics", "sensor"),
    ("sas expander", "sensor"),
    ("uninterruptible power supply", "psu"),
];

/// Hands over all elements but the slots.
pub(super) fn emit(
    c: &mut Collect<'_>,
    enclosure: &ComponentId,
    status: &Status,
    seen: &mut BTreeSet<String>,
) {
    let (mut supplies, mut fans) = (Vec::new(), Vec::new());
    for element in status.elements.iter().take(ELEMENTS_MAX) {
        let Some((_, kind)) = KINDS.iter().find(|(name, _)| element.kind.starts_with(name)) else {
            continue;
        };
        // No status, by SES: the enclosure does not watch this one.
        if matches!(element.status.as_str(), "" | "unsupported") {
            continue;
        }
        let plain = match *kind {
            "sensor" => format!("{}/{} {}", enclosure.key(), element.kind, element.index),
            _ => format!("{}/{}", enclosure.key(), element.index),
        };
        let id = ComponentId::new(kind, &plain);
        let known = seen.contains(id.as_str());
        let there = element.status != "not installed";
        if !there && !known {
            continue;
        }
        if there && !known && seen.len() < SEEN_MAX {
            seen.insert(id.to_string());
        }
        part(c, enclosure, &id, element);
        let member = member(&id, element);
        match *kind {
            "psu" => supplies.push(member),
            "fan" => fans.push(member),
            _ => {}
        }
    }
    if status.elements.len() > ELEMENTS_MAX {
        let text = format!("only {ELEMENTS_MAX} of {} elements", status.elements.len());
        c.problem(Reason::Truncated, Some(enclosure), text);
    }
    // One more than needed is what enclosures are built with; of fans nothing is assumed.
    let needed = supplies.len().saturating_sub(1).max(1);
    set(c, enclosure, "power", "PSU", &format!("n_of_m:{needed}"), supplies);
    set(c, enclosure, "cooling", "FAN", "n_of_m", fans);
}

fn part(c: &mut Collect<'_>, enclosure: &ComponentId, id: &ComponentId, element: &Element) {
    let attrs = BTreeMap::from([("hw.enclosure".to_owned(), enclosure.key().to_owned())]);
    let links = vec![Link { relation: Relation::Via, to: enclosure.clone() }];
    let name = match element.name.is_empty() {
        true => format!("{} {}", element.kind, element.index),
        false => element.name.clone(),
    };
    c.component(Component { id: id.clone(), name, attrs, links, set: None });
    match element.status.as_str() {
        "unknown" | "not available" => {
            let text = format!("the enclosure says {:?} of {}", element.status, element.kind);
            c.problem(Reason::Unsupported, Some(id), text);
        }
        "ok" | "noncritical" | "critical" | "unrecoverable" | "not installed" => {}
        other => {
            let text = format!("status {other:?} of {} is not known", element.kind);
            c.problem(Reason::Unparsable, Some(id), text);
        }
    }
    let failed = is_failed(element) && element.status == "ok";
    c.state(&STATUS, id, if failed { "critical" } else { &element.status });
    let numbers: [(&str, &Metric); 4] = [
        ("temperature", &hw::TEMPERATURE),
        ("actual speed", &hw::FAN_SPEED),
        ("voltage", &hw::VOLTAGE),
        ("current", &hw::CURRENT),
    ];
    for (key, metric) in numbers {
        if let Some(value) = element.number(key) {
            c.sample(metric, id, value);
        }
    }
}

/// Flags count beside the status: some enclosures say OK and set one.
fn is_failed(element: &Element) -> bool {
    ["fail", "ac fail", "dc fail", "off", "disabled"].iter().any(|it| element.flag(it))
}

fn member(id: &ComponentId, element: &Element) -> Member {
    let state = match element.status.as_str() {
        "critical" | "unrecoverable" => MemberState::Failed,
        _ if is_failed(element) => MemberState::Failed,
        "ok" | "noncritical" => MemberState::Active,
        "not installed" => MemberState::Missing,
        _ => MemberState::Unknown,
    };
    let name = match element.name.is_empty() {
        true => format!("{} {}", element.kind, element.index),
        false => element.name.clone(),
    };
    Member { slot: Some(element.index), component: Some(id.clone()), name, state }
}

fn set(
    c: &mut Collect<'_>,
    enclosure: &ComponentId,
    kind: &str,
    what: &str,
    scheme: &str,
    mut members: Vec<Member>,
) {
    if members.len() < 2 {
        return; // single by design
    }
    // Places count from 0 without gaps: an empty bay holds none.
    for (at, member) in members.iter_mut().enumerate() {
        member.slot = u32::try_from(at).ok();
    }
    let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let set = Set { scheme: scheme.to_owned(), width, copies: 1, members };
    c.component(Component {
        id: ComponentId::new(kind, enclosure.key()),
        name: format!("{what} of enclosure {}", enclosure.key()),
        attrs: BTreeMap::new(),
        links: vec![Link { relation: Relation::Via, to: enclosure.clone() }],
        set: Some(set),
    });
}

/// Slots that only the enclosure itself tells of, and disks that only their address places.
pub(super) fn complete(c: &Collect<'_>, status: Option<&Status>, slots: &mut Vec<Slot>) {
    let Some(status) = status else { return };
    let mut by_address: Option<BTreeMap<String, String>> = None;
    let device =
        |it: &&Element| it.kind.starts_with("array device") || it.kind.starts_with("device");
    for element in status.elements.iter().filter(device).take(ELEMENTS_MAX) {
        let number = element.slot.or(Some(element.index));
        let key = match element.name.is_empty() {
            true => format!("slot {}", element.index),
            false => element.name.clone(),
        };
        let same = |it: &Slot| it.key == key || (it.number.is_some() && it.number == number);
        let at = slots.iter().position(same).unwrap_or_else(|| {
            slots.push(Slot { key, number, status: None, fault: None, locate: None, disk: None });
            slots.len() - 1
        });
        let slot = &mut slots[at];
        if slot.status.is_none() && !element.status.is_empty() {
            slot.status = Some(element.status.clone());
        }
        let lit = |name: &str| if element.flag(name) { 1.0_f64 } else { 0.0 };
        let fault = lit("fault sensed").max(lit("fault reqstd"));
        slot.fault = Some(slot.fault.unwrap_or(0.0).max(fault));
        slot.locate = slot.locate.or(Some(lit("ident")));
        if let (None, Some(address)) = (&slot.disk, &element.address) {
            let known = by_address.get_or_insert_with(|| addresses(c));
            slot.disk = known.get(address).cloned();
        }
    }
}

/// Disks by their SAS address.
fn addresses(c: &Collect<'_>) -> BTreeMap<String, String> {
    let names = c.host.list("sys/block").unwrap_or_default();
    let address = |name: &String| {
        let text = word(c.host, &format!("sys/block/{name}/device/sas_address"))?;
        Some((text.trim_start_matches("0x").to_lowercase(), name.clone()))
    };
    names.iter().filter(|it| it.starts_with("sd")).filter_map(address).collect()
}
