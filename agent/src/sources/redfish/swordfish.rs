//! Swordfish: storage services, pools, file systems and endpoints.
//!
//! Facts: SNIA Swordfish schemas StorageService, StoragePool, FileSystem, Capacity; DMTF Endpoint. Invariant: the
//! array's own threshold of space travels along, to be preferred to any other.

use serde_json::Value;

use super::{
    json::{at, links, list, number, plain_number, text},
    metrics,
    part::Part,
    power::redundancy,
    storage::BYTES,
    walk::Walk,
};

/// Reads one resource of Swordfish.
pub(super) fn read(walk: &mut Walk<'_>, resource: &Value, said: &str, from: &str) {
    match said {
        "StorageService" => {
            let mut part = Part::of(resource, "storage");
            part.container = true;
            let path = part.path.clone();
            walk.parts.push(part);
            redundancy(walk, resource, &path, "Redundancy", "group");
        }
        "Endpoint" => {
            let mut part = Part::of(resource, "port");
            part.attr("redfish.type", Some(said));
            part.attr("redfish.protocol", text(resource, "EndpointProtocol"));
            walk.parts.push(part);
        }
        _ => pool(walk, resource, said, from),
    }
}

fn pool(walk: &mut Walk<'_>, resource: &Value, said: &str, from: &str) {
    let mut part = Part::of(resource, "pool");
    part.attr("redfish.type", Some(said));
    part.via = (!from.is_empty()).then(|| from.to_owned());
    let data = |key: &str| at(resource, &["Capacity", "Data", key]).and_then(plain_number);
    let whole = data("AllocatedBytes")
        .or_else(|| data("GuaranteedBytes"))
        .or_else(|| data("ProvisionedBytes"))
        .or_else(|| number(resource, "CapacityBytes"));
    let used = data("ConsumedBytes");
    let free = number(resource, "RemainingCapacityPercent")
        .or_else(|| number(resource, "RemainingCapacity").filter(|_| said == "FileSystem"));
    part.between(&metrics::SIZE, None, whole, BYTES);
    part.between(&metrics::USED, None, used, BYTES);
    let share = match (used, whole) {
        (Some(used), Some(whole)) if whole > 0.0 => Some(used / whole),
        _ => free.map(|it| 1.0 - it / 100.0),
    };
    // A thin pool may be promised more than it has, but never filled so.
    part.between(&metrics::UTILIZATION, None, share, 0.0..=1.5);
    let limits = list(resource, "LowSpaceWarningThresholdPercents");
    let limits = limits.iter().filter_map(plain_number).filter(|it| (1.0..=100.0).contains(it));
    let lowest = limits.min_by(f64::total_cmp).map(|it| it / 100.0);
    part.number(&metrics::LOW_SPACE, None, lowest);
    let sources = list(resource, "CapacitySources");
    part.on = sources
        .iter()
        .flat_map(|it| {
            ["ProvidingPools", "ProvidingVolumes", "ProvidingDrives"]
                .into_iter()
                .flat_map(|key| links(it, key))
        })
        .collect();
    walk.parts.push(part);
}
