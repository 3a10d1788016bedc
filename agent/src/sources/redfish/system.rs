//! Servers, chassis, controllers of management, processors, memory modules and network adapters.
//!
//! Facts: schemas ComputerSystem, Chassis, Manager, Processor, Memory, NetworkAdapter, Port. Invariant: a server's,
//! chassis' or summary's health is that of a whole, and is only compared with that of its parts.

use serde_json::Value;

use super::{
    json::{Status, at, number, text},
    metrics,
    part::Part,
    power::redundancy,
    walk::Walk,
};

/// One mebibyte.
const MIB: f64 = 1024.0 * 1024.0;

/// A server, or an array's head.
pub(super) fn computer(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "system");
    part.container = true;
    part.attr("host.id", text(resource, "UUID"));
    part.attr("host.name", text(resource, "HostName"));
    part.attr("redfish.bios_version", text(resource, "BiosVersion"));
    if let Some(power) = text(resource, "PowerState") {
        part.words.push((&metrics::POWER_STATE, power.to_owned()));
    }
    // The summaries are wholes too: the worst of them counts as the server's.
    for key in ["ProcessorSummary", "MemorySummary"] {
        let Some(summary) = resource.get(key) else { continue };
        let status = Status::of(summary);
        for health in [status.health, status.rollup].into_iter().flatten() {
            if Status::gravity(Some(health)) > Status::gravity(part.status.rollup) {
                part.status.rollup = Some(health);
            }
        }
        part.status.strange.extend(status.strange);
    }
    let smart = ["Hpe", "Hp"].iter().flat_map(|vendor| {
        ["Links", "links"].map(|links| at(resource, &["Oem", vendor, links, "SmartStorage"]))
    });
    let smart = smart
        .flatten()
        .find_map(|it| super::json::path_of(it).or_else(|| text(it, "href").map(str::to_owned)));
    walk.smart_storage.extend(smart);
    let path = part.path.clone();
    walk.parts.push(part);
    // An array's heads, or servers that stand in for each other.
    redundancy(walk, resource, &path, "Redundancy", "group");
}

/// A chassis or enclosure.
pub(super) fn chassis(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "enclosure");
    part.container = true;
    part.attr("redfish.chassis.type", text(resource, "ChassisType"));
    walk.parts.push(part);
}

/// The controller of management itself.
pub(super) fn manager(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "bmc");
    // Its model is mostly its own product's name; its serial number the server's.
    part.serial = None;
    part.attr("redfish.manager.type", text(resource, "ManagerType"));
    walk.parts.push(part);
}

/// A processor; accelerators are processors too.
pub(super) fn processor(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "cpu");
    part.attr("hw.slot", text(resource, "Socket"));
    part.attr("redfish.processor.type", text(resource, "ProcessorType"));
    walk.parts.push(part);
}

/// A memory module.
pub(super) fn memory(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "memory");
    let size = number(resource, "CapacityMiB").or_else(|| number(resource, "SizeMB"));
    part.between(&metrics::SIZE, None, size.map(|it| it * MIB), 0.0..=1e15);
    // iLO 4 says it in a word of its own.
    if part.status.health.is_none()
        && let Some(word) = text(resource, "DIMMStatus")
    {
        part.status.health = match word {
            "GoodInUse" | "GoodPartiallyInUse" => Some("ok"),
            "NotPresent" => return,
            "Degraded" => Some("warning"),
            "Unknown" | "Other" | "PresentUnused" | "PresentSpare" => None,
            _ => Some("critical"),
        };
    }
    walk.parts.push(part);
}

/// A network adapter or fabric adapter.
pub(super) fn adapter(walk: &mut Walk<'_>, resource: &Value) {
    let mut part = Part::of(resource, "nic");
    let ports = resource.get("Controllers").and_then(|it| it.get(0));
    part.attr("hw.firmware_version", ports.and_then(|it| text(it, "FirmwarePackageVersion")));
    walk.parts.push(part);
}

/// A port of an adapter. That it has no link is no fault by itself.
pub(super) fn port(walk: &mut Walk<'_>, resource: &Value, from: &str) {
    let mut part = Part::of(resource, "port");
    part.serial = None;
    part.via = (!from.is_empty()).then(|| from.to_owned());
    if let Some(link) = text(resource, "LinkStatus") {
        part.words.push((&metrics::LINK, link.to_owned()));
    }
    walk.parts.push(part);
}

/// Whatever else tells how it is: a part without a kind of its own.
pub(super) fn other(walk: &mut Walk<'_>, resource: &Value, said: &str) {
    let status = Status::of(resource);
    if status == Status::default() {
        return;
    }
    let mut part = Part::of(resource, "part");
    part.attr("redfish.type", Some(said));
    walk.parts.push(part);
}
