//! Which parts stand in for each other: controllers, power supplies, and the disks that the device protects itself.
//!
//! SNMP rarely says how disks are bound together, so the disks of a device are one group of a scheme of its own
//! (`array`): the device protects them, and how many more it can lose is not known. Its pools say whether they are
//! degraded. Controllers take over for each other; of power supplies half are needed (N+N, as arrays and switches are
//! built); both are told apart by the enclosure where it is known.

use std::collections::BTreeMap;

use xunjian_proto::{Component, Member, MemberState, Set};

use super::{part::Part, profile::Meaning};
use crate::targets::Device;

/// Kinds that form groups, with the name of the group.
const GROUPS: [(&str, &str); 3] =
    [("controller", "controllers"), ("disk", "disks"), ("psu", "power supplies")];

/// The groups of a device's parts. A part that stands alone has none to stand in for it.
pub(super) fn groups(device: &Device, target: &str, parts: &[Part]) -> Vec<Component> {
    let mut groups: BTreeMap<(&str, String), Vec<&Part>> = BTreeMap::new();
    for part in parts {
        let kind = part.component.id.kind();
        let Some((kind, _)) = GROUPS.iter().find(|(it, _)| *it == kind) else { continue };
        let enclosure = match *kind {
            "psu" => part.component.attrs.get("hw.enclosure").cloned().unwrap_or_default(),
            _ => String::new(),
        };
        groups.entry((kind, enclosure)).or_default().push(part);
    }
    groups
        .into_iter()
        .filter(|(_, members)| members.len() > 1)
        .map(|((kind, enclosure), members)| group(device, target, kind, &enclosure, &members))
        .collect()
}

fn group(device: &Device, target: &str, kind: &str, enclosure: &str, parts: &[&Part]) -> Component {
    let members: Vec<Member> = parts.iter().map(|it| member(it)).collect();
    let spares = members.iter().filter(|it| it.state == MemberState::Spare).count();
    let width = u32::try_from(members.len() - spares).unwrap_or(u32::MAX);
    let scheme = match kind {
        "controller" => "controllers".to_owned(),
        "psu" => format!("n_of_m:{}", width.div_ceil(2)),
        _ => "array".to_owned(),
    };
    let name = GROUPS.iter().find(|(it, _)| *it == kind).map_or(kind, |(_, name)| name);
    let place = if enclosure.is_empty() { name.to_owned() } else { format!("{name}/{enclosure}") };
    Component {
        id: device.part(if kind == "psu" { "power" } else { "group" }, &place),
        name: format!("{target} {place}"),
        attrs: BTreeMap::new(),
        links: vec![device.via()],
        set: Some(Set { scheme, width, copies: 1, members }),
    }
}

fn member(part: &Part) -> Member {
    let disk = part.component.id.kind() == "disk";
    let state = match part.health {
        Some(Meaning::Ok | Meaning::Idle | Meaning::Degraded | Meaning::Predicted) => {
            MemberState::Active
        }
        Some(Meaning::Busy) if disk => MemberState::Rebuilding,
        Some(Meaning::Spare) => MemberState::Spare,
        Some(Meaning::Failed | Meaning::Off) => MemberState::Failed,
        Some(Meaning::Missing | Meaning::Absent) => MemberState::Missing,
        Some(Meaning::Busy | Meaning::Unknown | Meaning::Nothing) | None => MemberState::Unknown,
    };
    let component = Some(part.component.id.clone());
    Member { slot: None, component, name: part.component.name.clone(), state }
}
