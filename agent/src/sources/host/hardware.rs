//! Processors that are switched off, and the memory of NUMA nodes.
//!
//! Facts: kernel documents `core-api/cpu_hotplug` and `admin-guide/mm/numaperf`.

use xunjian_proto::ComponentId;

use crate::{
    devices::known,
    source::{Collect, Metric},
};

pub(super) const CPUS_OFFLINE: Metric = Metric::gauge(
    "system.cpu.offline.count",
    "{cpu}",
    "离线的逻辑 CPU 数",
    "Logical processors that are there and switched off.",
);
pub(super) const NUMA_LIMIT: Metric = Metric::gauge(
    "system.memory.numa.limit",
    "By",
    "NUMA 节点内存容量",
    "Memory of a NUMA node (system.memory.numa.node); a module that was switched off is missing here.",
);
pub(super) const NUMA_FREE: Metric = Metric::gauge(
    "system.memory.numa.free",
    "By",
    "NUMA 节点空闲内存",
    "Free memory of a NUMA node (system.memory.numa.node).",
);

/// Reads both.
pub(super) fn read(c: &mut Collect<'_>, id: &ComponentId) {
    offline(c, id);
    nodes(c, id);
}

/// Present and not online. `offline` itself also lists places without a processor.
fn offline(c: &mut Collect<'_>, id: &ComponentId) {
    let list = |name: &str| known(c.host, &format!("sys/devices/system/cpu/{name}"), ranges);
    if let (Some(present), Some(online)) = (list("present"), list("online")) {
        c.sample(&CPUS_OFFLINE, id, f64::from(present.saturating_sub(online)));
    }
}

/// How many numbers a list such as `0-3,8` has.
fn ranges(text: &str) -> Option<u32> {
    text.trim().split(',').try_fold(0_u32, |sum, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

/// NUMA nodes of one host; the largest have 64.
const NODES_MAX: usize = 256;

/// Memory by NUMA node. A host with one node says nothing beyond its memory.
fn nodes(c: &mut Collect<'_>, id: &ComponentId) {
    const NODES: &str = "sys/devices/system/node";
    let mut names = c.host.list(NODES).unwrap_or_default();
    names.retain(|it| it.strip_prefix("node").is_some_and(|it| it.parse::<u32>().is_ok()));
    if names.len() < 2 {
        return;
    }
    for name in names.iter().take(NODES_MAX) {
        let text = c.host.read(&format!("{NODES}/{name}/meminfo")).unwrap_or_default();
        // `Node 0 MemTotal:       65536 kB`
        let bytes = |key: &str| {
            let rest = text.lines().find_map(|it| it.split_once(key).map(|it| it.1))?;
            rest.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|it| it * 1024.0)
        };
        let attrs = [("system.memory.numa.node", name.trim_start_matches("node"))];
        for (metric, key) in [(&NUMA_LIMIT, " MemTotal:"), (&NUMA_FREE, " MemFree:")] {
            match bytes(key) {
                Some(bytes) => c.sample_with(metric, id, &attrs, bytes),
                None if text.is_empty() => {}
                None => c.host.misread(&format!("/{NODES}/{name}/meminfo"), &text),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_counted() {
        assert_eq!(ranges("0-3,8\n"), Some(5));
        assert_eq!(ranges("0"), Some(1));
        assert_eq!(ranges("3-1"), None);
        assert_eq!(ranges(""), None);
    }
}
