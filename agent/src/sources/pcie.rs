//! PCI Express links of network, storage, InfiniBand and Fibre Channel adapters: width and speed against what both ends
//! can do, and the errors that the devices count (AER).
//!
//! Facts: kernel documents `sysfs-bus-pci` (current_link_width, max_link_width) and `sysfs-bus-pci-devices-aer_stats`,
//! PCI code and ID assignment specification (classes). The limit of a link is the lower one of its two ends, so that a
//! card of 16 lanes in a slot of 8 is no fault. Graphics cards are left out: they slow their links down at rest.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::{known, word},
    host::Host,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "pcie",
    title: Words { zh: "PCIe 链路", en: "PCIe links" },
    about: Words {
        zh: "网卡、HBA、RAID 卡与 NVMe 的 PCIe 链路宽度、速率与 AER 错误",
        en: "PCIe links of network and storage adapters: width, speed, AER errors",
    },
    needs: &[Need::Path("sys/bus/pci/devices")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取 sysfs 中的链路状态寄存器和错误计数，不改动设备。",
        en: "Reads link registers and error counters from sysfs; no device is changed.",
    },
    every: Duration::from_secs(300),
    deadline: Duration::from_secs(30),
    metrics: &[WIDTH, WIDTH_LIMIT, SPEED, SPEED_LIMIT, ERRORS],
    states: &[],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const WIDTH: Metric =
    Metric::gauge("hw.pcie.link.width", "{lane}", "PCIe 链路宽度", "Lanes that the link uses now.");
const WIDTH_LIMIT: Metric = Metric::gauge(
    "hw.pcie.link.width.limit",
    "{lane}",
    "PCIe 链路最大宽度",
    "Lanes that both ends of the link can use.",
);
const SPEED: Metric =
    Metric::gauge("hw.pcie.link.speed", "GT/s", "PCIe 链路速率", "Speed of one lane now.");
const SPEED_LIMIT: Metric = Metric::gauge(
    "hw.pcie.link.speed.limit",
    "GT/s",
    "PCIe 链路最高速率",
    "Speed of one lane that both ends of the link can run at.",
);
const ERRORS: Metric = Metric::counter(
    "hw.pcie.errors",
    "{error}",
    "PCIe 错误",
    "Errors that the device reported since boot (AER) by error.type: corrected, nonfatal, fatal.",
);

/// Devices looked at: a large server has some two hundred functions in all.
const DEVICES_MAX: usize = 1024;

/// What the width register of a device that is gone reads: all ones.
const GONE: f64 = 63.0;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let names = c.host.list("sys/bus/pci/devices")?;
    let slots = slots(c.host);
    let mut seen = 0;
    for name in &names {
        let class = known(c.host, &format!("sys/bus/pci/devices/{name}/class"), class_code);
        let Some(kind) = class.as_deref().and_then(kind_of) else { continue };
        // A virtual function has no link of its own.
        if c.host.link(&format!("sys/bus/pci/devices/{name}/physfn")).is_ok() {
            continue;
        }
        seen += 1;
        if seen > DEVICES_MAX {
            c.problem(
                Reason::Truncated,
                None,
                format!("more than {DEVICES_MAX} PCI devices, the others are not read"),
            );
            break;
        }
        one(c, name, kind, &slots);
    }
    Ok(())
}

/// `0x010802`: six hexadecimal digits.
fn class_code(text: &str) -> Option<String> {
    let code = text.strip_prefix("0x")?;
    let whole = code.len() == 6 && code.bytes().all(|it| it.is_ascii_hexdigit());
    whole.then(|| code.to_lowercase())
}

/// Adapters by class code: mass storage, network (InfiniBand included), Fibre Channel, InfiniBand (older).
fn kind_of(class: &str) -> Option<&'static str> {
    match (class.get(..2)?, class.get(..4)?) {
        (_, "0108") => Some("nvme"),
        ("01", _) => Some("storage"),
        (_, "0207" | "0c06") => Some("infiniband"),
        ("02", _) => Some("network"),
        (_, "0c04") => Some("fibre_channel"),
        _ => None,
    }
}

fn one(c: &mut Collect<'_>, name: &str, kind: &str, slots: &BTreeMap<String, String>) {
    let dir = format!("sys/bus/pci/devices/{name}");
    let widths = ends(c.host, name, "link_width", lanes);
    let speeds = ends(c.host, name, "link_speed", transfers);
    // Devices within the processor or a virtual machine have no link.
    if widths.is_none() && speeds.is_none() {
        return;
    }
    let id = ComponentId::new("pci", name);
    let users = users(c.host, &dir);
    let known = [
        ("hw.driver.name", driver(c.host, &dir)),
        ("hw.pci.class", Some(kind.to_owned())),
        ("hw.pci.device", word(c.host, &format!("{dir}/device"))),
        ("hw.pci.used_by", Some(users.join(" "))),
        ("hw.pci.vendor", word(c.host, &format!("{dir}/vendor"))),
        // Slots bear the address without the function.
        ("hw.slot", name.split('.').next().and_then(|it| slots.get(it)).cloned()),
    ];
    let attrs = known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.filter(|it| !it.is_empty())?)));
    let label = users.first().map_or(name.to_owned(), |it| format!("{it} ({name})"));
    c.component(Component {
        id: id.clone(),
        name: label,
        attrs: attrs.collect(),
        links: Vec::new(),
        set: None,
    });
    if widths.is_some_and(|(now, _)| now >= GONE) {
        let text = format!("{name} does not answer on the bus");
        return c.problem(Reason::Missing, Some(&id), text);
    }
    let pairs = [(widths, &WIDTH, &WIDTH_LIMIT), (speeds, &SPEED, &SPEED_LIMIT)];
    for (pair, metric, limit_metric) in pairs {
        let Some((now, limit)) = pair else { continue };
        c.sample(metric, &id, now);
        if let Some(limit) = limit {
            c.sample(limit_metric, &id, limit);
        }
    }
    errors(c, &id, &dir);
}

/// What the link does now, and the lower one of what its two ends can do.
fn ends(
    host: &dyn Host,
    name: &str,
    what: &str,
    read: fn(&str) -> Option<Option<f64>>,
) -> Option<(f64, Option<f64>)> {
    let file = |device: &str, which: &str| {
        known(host, &format!("sys/bus/pci/devices/{device}/{which}_{what}"), read).flatten()
    };
    let before = host.kept_back();
    let now = file(name, "current")?;
    let own = file(name, "max");
    // `../../../devices/pci0000:00/0000:00:02.1/0000:01:00.0`: the port above is the folder above.
    let link = host.link(&format!("sys/bus/pci/devices/{name}")).unwrap_or_default();
    let above =
        link.rsplit('/').nth(1).filter(|it| !it.starts_with("pci")).and_then(|it| file(it, "max"));
    let limit = match (own, above) {
        (Some(own), Some(above)) => Some(own.min(above)),
        (own, _) => own,
    };
    // An end that reads as less than what runs is wrong; of one that was kept nobody knows what it bears.
    let whole = host.kept_back() == before;
    Some((now, limit.filter(|it| whole && *it >= now)))
}

/// Lanes; 0 where there is no link, 255 where the kernel does not know.
fn lanes(text: &str) -> Option<Option<f64>> {
    let lanes: u8 = text.trim_start_matches('x').parse().ok()?;
    Some((1..=63).contains(&lanes).then(|| f64::from(lanes)))
}

/// `8.0 GT/s PCIe`, `16 GT/s`; `Unknown` or `Unknown speed` where there is no link.
fn transfers(text: &str) -> Option<Option<f64>> {
    if text.starts_with("Unknown") {
        return Some(None);
    }
    let (number, unit) = text.split_once(' ')?;
    let speed: f64 = number.parse().ok()?;
    (unit.starts_with("GT/s") && speed > 0.0 && speed < 1000.0).then_some(Some(speed))
}

/// What the kernel made of the device: `eth0`, `nvme0`, `host3`, `mlx5_0`.
fn users(host: &dyn Host, dir: &str) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["net", "nvme", "infiniband"] {
        found.extend(host.list(&format!("{dir}/{folder}")).unwrap_or_default());
    }
    let inside = host.list(dir).unwrap_or_default();
    let number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    found.extend(inside.into_iter().filter(|it| it.strip_prefix("host").is_some_and(number)));
    found.truncate(16);
    found
}

fn driver(host: &dyn Host, dir: &str) -> Option<String> {
    let link = host.link(&format!("{dir}/driver")).ok()?;
    link.rsplit('/').next().map(str::to_owned)
}

/// By address without the function: the slot's name on the machine.
fn slots(host: &dyn Host) -> BTreeMap<String, String> {
    let names = host.list("sys/bus/pci/slots").unwrap_or_default();
    let address = |name: &String| word(host, &format!("sys/bus/pci/slots/{name}/address"));
    names.iter().take(DEVICES_MAX).filter_map(|name| Some((address(name)?, name.clone()))).collect()
}

/// Since kernel 4.20: one line a kind of error, and the total at the end.
fn errors(c: &mut Collect<'_>, id: &ComponentId, dir: &str) {
    for (file, total, kind) in [
        ("aer_dev_correctable", "TOTAL_ERR_COR", "corrected"),
        ("aer_dev_fatal", "TOTAL_ERR_FATAL", "fatal"),
        ("aer_dev_nonfatal", "TOTAL_ERR_NONFATAL", "nonfatal"),
    ] {
        let Ok(text) = c.host.read(&format!("{dir}/{file}")) else { continue };
        let value = text.lines().find_map(|line| {
            let (name, count) = line.split_once(' ')?;
            (name == total).then(|| count.trim().parse::<f64>().ok()).flatten()
        });
        match value.filter(|it| (0.0..1e18).contains(it)) {
            Some(value) => c.sample_with(&ERRORS, id, &[("error.type", kind)], value),
            None => {
                c.problem(Reason::Unparsable, Some(id), format!("/{dir}/{file}: no line {total}"))
            }
        }
    }
}
