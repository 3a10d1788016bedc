//! Hands over the parts of a card: physical drives, batteries, enclosures.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use super::{
    emit::drive_name,
    metrics as m,
    model::{Card, Drive, DriveState, PackState},
};
use crate::source::Collect;

/// Hands over a physical drive.
pub(super) fn one_drive(
    c: &mut Collect<'_>,
    drive: &Drive,
    controller: &ComponentId,
    ids: &BTreeMap<String, (ComponentId, bool)>,
    taken: &mut BTreeSet<String>,
) {
    let Some((id, stable)) = ids.get(&drive.key) else { return };
    if !taken.insert(id.as_str().to_owned()) {
        return c.problem(
            Reason::Implausible,
            Some(id),
            format!("{} comes twice", drive_name(&drive.key)),
        );
    }
    let mut attrs = drive.attrs.clone();
    let mut attr = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            attrs.insert(name.to_owned(), value.to_owned());
        }
    };
    attr("hw.serial_number", drive.serial.as_deref());
    attr("hw.wwn", drive.wwn.as_deref());
    attr("hw.enclosure", drive.enclosure.as_deref());
    // A mere number in a list is no place.
    let listed = drive.key.starts_with('#');
    let place = [&drive.enclosure, &drive.slot].map(|it| it.clone().unwrap_or_default()).join(":");
    let slot = if listed { &place } else { &drive.key };
    attr("hw.slot", Some(slot.trim_matches(':')));
    attr("hw.raid.said", Some(&drive.said));
    attr("system.device", drive.device.as_deref());
    attr("identity", (!stable).then_some("unstable"));
    let links = vec![Link { relation: Relation::Via, to: controller.clone() }];
    let name = drive_name(&drive.key);
    c.component(Component { id: id.clone(), name, attrs, links, set: None });
    c.state(&m::DRIVE_STATE, id, drive.state.word());
    if drive.state == DriveState::Unknown {
        c.problem(
            Reason::Unparsable,
            Some(id),
            format!("state {:?} of the drive is not known", drive.said),
        );
    }
    for (metric, value) in [
        (&m::DRIVE_SIZE, drive.size),
        (&m::MEDIA_ERRORS, drive.media_errors),
        (&m::OTHER_ERRORS, drive.other_errors),
        (&m::PREDICTIVE, drive.predictive),
        (&m::DRIVE_PROGRESS, drive.progress),
    ] {
        if let Some(value) = value {
            c.sample(metric, id, value);
        }
    }
    if let Some(value) = drive.temperature {
        c.sample_with(&m::TEMPERATURE, id, &[("hw.sensor_location", "drive")], value);
    }
    if let Some(alert) = drive.alert {
        c.state(&m::ALERT, id, if alert { "yes" } else { "no" });
    }
}

/// Hands over the batteries of a card.
pub(super) fn packs(c: &mut Collect<'_>, card: &Card, key: &str, controller: &ComponentId) {
    for pack in card.packs.iter().take(8) {
        let suffix = if pack.index.is_empty() { String::new() } else { format!(" {}", pack.index) };
        let id = ComponentId::new("battery", &format!("{key}{suffix}"));
        let model = pack.model.clone().filter(|it| !it.is_empty());
        let name = model.clone().unwrap_or_else(|| "cache battery".to_owned());
        let mut attrs = BTreeMap::from([("hw.raid.said".to_owned(), pack.said.clone())]);
        if let Some(model) = model {
            attrs.insert("hw.model".to_owned(), model);
        }
        let links = vec![Link { relation: Relation::Via, to: controller.clone() }];
        c.component(Component {
            id: id.clone(),
            name: format!("{name}{suffix}"),
            attrs,
            links,
            set: None,
        });
        if !card.cut || pack.state != PackState::Good {
            c.state(&m::PACK_STATE, &id, pack.state.word());
        }
        if pack.state == PackState::Unknown {
            c.problem(
                Reason::Unparsable,
                Some(&id),
                format!("state {:?} of the battery is not known", pack.said),
            );
        }
        if let Some(value) = pack.temperature {
            c.sample_with(&m::TEMPERATURE, &id, &[("hw.sensor_location", "battery")], value);
        }
        if let Some(value) = pack.charge {
            c.sample(&m::CHARGE, &id, value);
        }
        if let Some(tested) = &pack.tested {
            c.state(&m::CAPACITY_TEST, &id, tested);
        }
    }
}

/// Hands over the enclosures of a card.
pub(super) fn enclosures(c: &mut Collect<'_>, card: &Card, key: &str, controller: &ComponentId) {
    let mut seen = BTreeSet::new();
    for enclosure in card.enclosures.iter().take(64) {
        let Some(good) = enclosure.good else { continue };
        if !seen.insert(&enclosure.index) {
            continue;
        }
        let place = enclosure.index.trim_start_matches('/');
        let id = ComponentId::new("enclosure", &format!("{key}/{place}"));
        let name = match &enclosure.name {
            Some(name) => format!("{} {}", name.trim(), enclosure.index),
            None => format!("enclosure {}", enclosure.index),
        };
        let links = vec![Link { relation: Relation::Via, to: controller.clone() }];
        c.component(Component { id: id.clone(), name, attrs: BTreeMap::new(), links, set: None });
        if !card.cut || !good {
            c.state(&m::ENCLOSURE, &id, if good { "ok" } else { &enclosure.said });
        }
    }
}
