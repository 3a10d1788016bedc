//! Disks as the kernel serves them: reads, writes, times, queue, state.
//!
//! Facts: kernel documents `admin-guide/iostats` and `sysfs-block`. Paths that lead to one disk (multipath without a
//! common name) are one component whose counters are added up; the hidden paths of a multipath NVMe, partitions,
//! mappings and arrays are left out, because their I/O is that of the disks below.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use crate::{
    devices::{self, Identity, word},
    host::MDADM,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "block",
    title: Words { zh: "磁盘 I/O", en: "disk I/O" },
    about: Words {
        zh: "磁盘：读写量、时延、队列、状态、型号与序列号",
        en: "disks: I/O, latency, queue, state, model and serial number",
    },
    needs: &[Need::Path("proc/diskstats")],
    programs: &[MDADM],
    runs: &[devices::MDADM_EXPORT],
    harmless: Words {
        zh: "只读取内核保存在内存中的计数和名称，不访问任何磁盘。",
        en: "Reads counters and names that the kernel keeps in memory; no disk is touched.",
    },
    every: Duration::from_secs(10),
    deadline: Duration::from_secs(5),
    metrics: &[
        IO,
        OPERATIONS,
        OPERATION_TIME,
        UPKEEP,
        IO_TIME,
        WEIGHTED,
        IN_FLIGHT,
        SIZE,
        IO_ERRORS,
    ],
    states: &[STATE, ACCESS],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const IO: Metric =
    Metric::counter("system.disk.io", "By", "磁盘读写量", "Bytes by disk.io.direction.");
const OPERATIONS: Metric = Metric::counter(
    "system.disk.operations",
    "{operation}",
    "读写次数",
    "Finished operations by disk.io.direction.",
);
const OPERATION_TIME: Metric = Metric::counter(
    "system.disk.operation_time",
    "s",
    "读写耗时",
    "Time of all operations together by disk.io.direction; by the operations, their latency.",
);
const UPKEEP: Metric = Metric::counter(
    "system.disk.upkeep_operations",
    "{operation}",
    "丢弃与刷新次数",
    "Finished discards and flushes, from kernels that count them (discards from 4.18, flushes from 5.5).",
);
const IO_TIME: Metric = Metric::counter(
    "system.disk.io_time",
    "s",
    "磁盘忙时间",
    "Time in which the disk had something to do.",
);
const WEIGHTED: Metric = Metric::counter(
    "system.disk.weighted_io_time",
    "s",
    "加权 I/O 时间",
    "Time multiplied by the operations in flight; its rate is the mean length of the queue.",
);
const IN_FLIGHT: Metric = Metric::gauge(
    "system.disk.pending_operations",
    "{operation}",
    "排队请求",
    "Operations that wait or run now.",
);
const SIZE: Metric =
    Metric::gauge("system.disk.limit", "By", "磁盘容量", "Size of the disk as the kernel sees it.");
const IO_ERRORS: Metric = Metric::counter(
    "system.disk.io_errors",
    "{command}",
    "磁盘 I/O 错误",
    "Commands that ended with an error (SCSI midlayer).",
);
const STATE: Metric = Metric::word(
    "system.disk.state",
    "设备状态",
    "The kernel's word for the device: running, live, offline, blocked, dead.",
);
const ACCESS: Metric =
    Metric::word("system.disk.access", "读写属性", "Whether the device takes writes: rw, ro.");

/// Counters of one line of diskstats, in its order from the fourth column on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counters {
    reads: f64,
    read_sectors: f64,
    read_ms: f64,
    writes: f64,
    written_sectors: f64,
    write_ms: f64,
    in_flight: f64,
    busy_ms: f64,
    weighted_ms: f64,
    /// Discards and flushes; `None` from a kernel that does not count them.
    upkeep: Option<f64>,
}

/// One disk with all names that lead to it.
struct Disk {
    identity: Identity,
    names: Vec<String>,
    counters: Counters,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let text = c.host.read("proc/diskstats")?;
    let known = c.host.list("sys/block").unwrap_or_default();
    let mut disks: BTreeMap<ComponentId, Disk> = BTreeMap::new();
    let (mut unsure, mut went_away) = (BTreeSet::new(), false);
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        let Some((name, counters)) = parse(line) else {
            c.problem(
                Reason::Unparsable,
                None,
                format!("line of /proc/diskstats not understood: {line:?}"),
            );
            continue;
        };
        let whole = if known.is_empty() {
            devices::whole(c.host, name) == name
        } else {
            known.iter().any(|it| it == name)
        };
        let before = c.host.kept_back();
        let size = word(c.host, &format!("sys/block/{name}/size"));
        // A card reader without a card is there, with size 0.
        if !whole || !devices::is_disk(name) || size.as_deref() == Some("0") {
            continue;
        }
        let identity = devices::disk(c.host, name);
        if !identity.stable {
            // The kernel gives both for every disk.
            if size.is_none() && word(c.host, &format!("sys/block/{name}/dev")).is_none() {
                c.problem(Reason::Missing, None, format!("{name} went away while it was read"));
                went_away = true;
                continue;
            }
            unsure.extend(identity.serial.clone().filter(|_| c.host.kept_back() > before));
        }
        let disk = disks.entry(identity.id.clone()).or_insert_with(|| Disk {
            identity,
            names: Vec::new(),
            counters: Counters::default(),
        });
        disk.names.push(name.to_owned());
        disk.counters = disk.counters.and(counters);
    }
    for disk in disks.values() {
        component(c, disk);
        if went_away && disk.names.iter().all(|it| it.starts_with("sd")) {
            // What went away may have been a path to this one, and the worse one.
            continue;
        }
        // A sum over paths is told only if none may be missing in it.
        if disk.identity.serial.as_ref().is_none_or(|it| !unsure.contains(it)) {
            numbers(c, disk);
        }
        states(c, disk);
    }
    Ok(())
}

/// `254 0 vda 306367 20482 19594546 351084 30422 151201 65595576 260367 0 35040 613014 ...`; newer kernels add columns.
fn parse(line: &str) -> Option<(&str, Counters)> {
    let mut words = line.split_whitespace().skip(2);
    let name = words.next()?;
    let columns: Vec<f64> =
        words.map(|it| it.parse::<u64>().ok()).map(|it| it.map(float)).collect::<Option<_>>()?;
    let [
        reads,
        _,
        read_sectors,
        read_ms,
        writes,
        _,
        written_sectors,
        write_ms,
        in_flight,
        busy_ms,
        weighted_ms,
        ref more @ ..,
    ] = columns[..]
    else {
        return None;
    };
    // Discards: done, merged, sectors, ms; flushes: done, ms.
    let upkeep = more.first().map(|discards| discards + more.get(4).unwrap_or(&0.0));
    let counters = Counters {
        reads,
        read_sectors,
        read_ms,
        writes,
        written_sectors,
        write_ms,
        in_flight,
        busy_ms,
        weighted_ms,
        upkeep,
    };
    Some((name, counters))
}

#[expect(clippy::cast_precision_loss, reason = "counters lose their last bits only above 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

impl Counters {
    /// Two paths to one disk: operations add up; the disk is busy at least as long as the busier path.
    fn and(self, other: Counters) -> Counters {
        Counters {
            reads: self.reads + other.reads,
            read_sectors: self.read_sectors + other.read_sectors,
            read_ms: self.read_ms + other.read_ms,
            writes: self.writes + other.writes,
            written_sectors: self.written_sectors + other.written_sectors,
            write_ms: self.write_ms + other.write_ms,
            in_flight: self.in_flight + other.in_flight,
            busy_ms: self.busy_ms.max(other.busy_ms),
            weighted_ms: self.weighted_ms + other.weighted_ms,
            upkeep: match (self.upkeep, other.upkeep) {
                (Some(one), Some(two)) => Some(one + two),
                (one, two) => one.or(two),
            },
        }
    }
}

fn component(c: &mut Collect<'_>, disk: &Disk) {
    let name = &disk.names[0];
    let sys = |file: &str| word(c.host, &format!("sys/block/{name}/{file}"));
    let paths: Vec<String> = disk.names.iter().map(|it| format!("/dev/{it}")).collect();
    let mut attrs = BTreeMap::from([("system.device".to_owned(), paths.join(" "))]);
    let mut attr = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            attrs.insert(name.to_owned(), value);
        }
    };
    attr("hw.model", sys("device/model"));
    attr("hw.vendor", sys("device/vendor").filter(|it| !it.starts_with("0x")));
    attr("hw.firmware_version", sys("device/firmware_rev").or_else(|| sys("device/rev")));
    attr("hw.serial_number", disk.identity.serial.clone());
    attr(
        "hw.wwn",
        disk.identity.key.clone().filter(|it| Some(it) != disk.identity.serial.as_ref()),
    );
    let kind = match sys("queue/rotational").as_deref() {
        _ if name.starts_with("nvme") => Some("nvme"),
        // A virtual disk says that it turns, and does not.
        _ if name.starts_with("vd") || name.starts_with("xvd") => Some("virtual"),
        Some("1") => Some("hdd"),
        Some("0") => Some("ssd"),
        _ => None,
    };
    attr("hw.physical_disk.type", kind.map(str::to_owned));
    if !disk.identity.stable {
        attr("identity", Some("unstable".to_owned()));
    }
    let id = disk.identity.id.clone();
    let target = c.host.link(&format!("sys/block/{name}")).unwrap_or_default();
    let links = controller(&target).map(|to| Link { relation: Relation::Via, to });
    let links = links.into_iter().collect();
    c.component(Component { id, name: name.clone(), attrs, links, set: None });
}

/// The PCI function that a disk is reached through: the last one on the way to it in sysfs. Several disks behind one
/// whose links fail together point to it. None for virtual and platform devices.
fn controller(target: &str) -> Option<ComponentId> {
    let address = target.split('/').rev().find(|it| {
        let signs = [(4, b':'), (7, b':'), (10, b'.')];
        it.len() == 12 && signs.iter().all(|(at, sign)| it.as_bytes()[*at] == *sign)
    })?;
    Some(ComponentId::new("pci", address))
}

fn numbers(c: &mut Collect<'_>, disk: &Disk) {
    // Sectors of diskstats have 512 bytes whatever the disk's own are.
    const SECTOR: f64 = 512.0;
    let (id, it) = (&disk.identity.id, disk.counters);
    let read = [("disk.io.direction", "read")];
    let write = [("disk.io.direction", "write")];
    c.sample_with(&IO, id, &read, it.read_sectors * SECTOR);
    c.sample_with(&IO, id, &write, it.written_sectors * SECTOR);
    c.sample_with(&OPERATIONS, id, &read, it.reads);
    c.sample_with(&OPERATIONS, id, &write, it.writes);
    c.sample_with(&OPERATION_TIME, id, &read, it.read_ms / 1e3);
    c.sample_with(&OPERATION_TIME, id, &write, it.write_ms / 1e3);
    if let Some(upkeep) = it.upkeep {
        c.sample(&UPKEEP, id, upkeep);
    }
    c.sample(&IO_TIME, id, it.busy_ms / 1e3);
    c.sample(&WEIGHTED, id, it.weighted_ms / 1e3);
    c.sample(&IN_FLIGHT, id, it.in_flight);
    let sys = |file: &str| word(c.host, &format!("sys/block/{}/{file}", disk.names[0]));
    let size = devices::number::<f64>(c.host, &format!("sys/block/{}/size", disk.names[0]));
    // `0x1f`: hexadecimal, counted by the SCSI midlayer since boot.
    let errors =
        sys("device/ioerr_cnt").and_then(|it| u32::from_str_radix(it.strip_prefix("0x")?, 16).ok());
    if let Some(sectors) = size {
        c.sample(&SIZE, id, sectors * SECTOR);
    }
    if let Some(errors) = errors {
        c.sample(&IO_ERRORS, id, f64::from(errors));
    }
}

/// Of several paths the worst word counts: any that is not the good one.
fn states(c: &mut Collect<'_>, disk: &Disk) {
    let before = c.host.kept_back();
    let words = |file: &str| -> Vec<String> {
        disk.names.iter().filter_map(|it| word(c.host, &format!("sys/block/{it}/{file}"))).collect()
    };
    let states = words("device/state");
    let worst =
        states.iter().find(|it| !matches!(it.as_str(), "running" | "live")).or(states.first());
    let locks = words("ro");
    // That one path runs says nothing of another whose state was kept.
    let whole = c.host.kept_back() == before;
    let told = worst.filter(|it| whole || !matches!(it.as_str(), "running" | "live"));
    if let Some(state) = told {
        c.state(&STATE, &disk.identity.id, state);
    }
    if let Some(lock) = locks.iter().max() {
        c.state(&ACCESS, &disk.identity.id, if lock == "0" { "rw" } else { "ro" });
    }
}

#[cfg(test)]
mod tests {
    use super::controller;

    #[test]
    fn a_disk_knows_the_controller_it_is_reached_through() {
        for (target, found) in [
            (
                "../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sda",
                Some("pci:0000:3b:00.0"),
            ),
            (
                "../devices/pci0000:00/0000:00:17.0/ata1/host1/target1:0:0/1:0:0:0/block/sdb",
                Some("pci:0000:00:17.0"),
            ),
            (
                "../devices/pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1",
                Some("pci:0000:01:00.0"),
            ),
            ("../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", None),
            ("", None),
        ] {
            let id = controller(target);
            assert_eq!(id.as_ref().map(xunjian_proto::ComponentId::as_str), found, "{target}");
        }
    }
}
