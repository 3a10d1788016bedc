//! Network ports and bonds: link, speed, traffic, errors.
//!
//! Facts: kernel document `sysfs-class-net`, `networking/bonding`. Virtual interfaces (bridges, containers, VLANs,
//! tunnels, virtual functions) are left out: their faults are those of the ports below. A port that has never had a
//! link is not a fault, but an empty socket.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::{number, word},
    host::Host,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod bond;

/// See the module.
pub const SOURCE: Source = Source {
    name: "net",
    title: Words { zh: "网络接口", en: "network interfaces" },
    about: Words {
        zh: "网口与绑定：链路、速率、流量、错误",
        en: "network ports and bonds: link, speed, traffic, errors",
    },
    needs: &[Need::Path("sys/class/net")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取内核保存在内存中的计数和状态，不发送任何报文。",
        en: "Reads counters and states that the kernel keeps in memory; nothing is sent.",
    },
    every: Duration::from_secs(10),
    deadline: Duration::from_secs(5),
    metrics: &[IO, PACKETS, ERRORS, DROPPED, SPEED, CHANGES, FAILURES],
    states: &[LINK, OPERSTATE, DUPLEX, MODE, ACTIVE, bond::LACP],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const IO: Metric =
    Metric::counter("system.network.io", "By", "网络流量", "Bytes by network.io.direction.");
const PACKETS: Metric = Metric::counter(
    "system.network.packet.count",
    "{packet}",
    "报文数",
    "Packets by network.io.direction.",
);
const ERRORS: Metric = Metric::counter(
    "system.network.errors",
    "{error}",
    "网络错误",
    "Damaged or lost frames by network.io.direction.",
);
const DROPPED: Metric = Metric::counter(
    "system.network.packet.dropped",
    "{packet}",
    "丢弃报文",
    "Good packets that were dropped, by network.io.direction.",
);
const SPEED: Metric =
    Metric::gauge("hw.network.bandwidth.limit", "By/s", "链路速率", "Speed of the link.");
const CHANGES: Metric = Metric::counter(
    "system.network.link.changes",
    "{change}",
    "链路变化次数",
    "Times the link came or went since boot.",
);
const FAILURES: Metric = Metric::counter(
    "system.network.bond.link_failures",
    "{failure}",
    "链路失效次数",
    "Times the bond lost this port.",
);
const LINK: Metric = Metric::word(
    "system.network.link",
    "链路状态",
    "up, down, never_up (no link since boot), disabled (by the administrator).",
);
const OPERSTATE: Metric = Metric::word(
    "system.network.operstate",
    "接口运行状态",
    "The kernel's word (RFC 2863): up, down, dormant.",
);
const DUPLEX: Metric = Metric::word("system.network.duplex", "双工模式", "full or half.");
const MODE: Metric = Metric::word(
    "system.network.bond.mode",
    "绑定模式",
    "How the bond uses its ports: active-backup, 802.3ad.",
);
const ACTIVE: Metric = Metric::word(
    "system.network.bond.active_member",
    "当前主用端口",
    "The port that an active-backup bond uses now.",
);

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let names = c.host.list("sys/class/net")?;
    let traffic = match c.host.read("proc/net/dev") {
        Ok(text) => traffic(c, &text),
        Err(error) => {
            c.problem(error.reason(), None, format!("traffic and errors of all ports: {error}"));
            BTreeMap::new()
        }
    };
    for name in &names {
        let bond = c.host.list(&format!("sys/class/net/{name}/bonding")).is_ok();
        if bond || is_port(c.host, name) {
            one(c, name, bond, traffic.get(name.as_str()));
        }
    }
    Ok(())
}

/// A port has a device behind it that is not a virtual function of another port.
pub(super) fn is_port(host: &dyn Host, name: &str) -> bool {
    let device = format!("sys/class/net/{name}/device");
    let there = host.link(&device).is_ok() || host.list(&device).is_ok();
    there && host.link(&format!("{device}/physfn")).is_err()
}

fn one(c: &mut Collect<'_>, name: &str, bond: bool, traffic: Option<&[f64; 8]>) {
    let id = ComponentId::new("netif", name);
    let set = bond.then(|| bond::set(c.host, name));
    let sys = |file: &str| word(c.host, &format!("sys/class/net/{name}/{file}"));
    let mut attrs = BTreeMap::from([("network.interface.name".to_owned(), name.to_owned())]);
    let address = sys("bonding_slave/perm_hwaddr").or_else(|| sys("address"));
    if let Some(address) = address {
        attrs.insert("hw.network.physical_address".to_owned(), address);
    }
    let driver = c.host.link(&format!("sys/class/net/{name}/device/driver")).ok();
    if let Some(driver) = driver.as_deref().and_then(|it| it.rsplit('/').next()) {
        attrs.insert("hw.driver.name".to_owned(), driver.to_owned());
    }
    let failures =
        number(c.host, &format!("sys/class/net/{name}/bonding_slave/link_failure_count"));
    let link = link(&sys);
    let (operstate, duplex, speed) = (sys("operstate"), sys("duplex"), sys("speed"));
    let changes = number(c.host, &format!("sys/class/net/{name}/carrier_changes"));
    let (mode, active) = (sys("bonding/mode"), sys("bonding/active_slave"));
    c.component(Component { id: id.clone(), name: name.to_owned(), attrs, links: Vec::new(), set });

    match link {
        Some(link) => c.state(&LINK, &id, link),
        None => c.problem(
            Reason::Unsupported,
            Some(&id),
            format!("{name}: the driver does not tell the link"),
        ),
    }
    let up = link == Some("up");
    if let Some(word) = operstate.filter(|it| it != "unknown") {
        c.state(&OPERSTATE, &id, &word);
    }
    if let Some(word) = duplex.filter(|it| up && it != "unknown") {
        c.state(&DUPLEX, &id, &word);
    }
    // Mbit/s; -1 where there is no link or no such thing as a speed.
    if let Some(mbits) =
        speed.and_then(|it| it.parse::<f64>().ok()).filter(|it| up && *it > 0.0 && *it < 4e9)
    {
        c.sample(&SPEED, &id, mbits * 125_000.0);
    }
    for (metric, value) in [(&CHANGES, changes), (&FAILURES, failures)] {
        if let Some(value) = value {
            c.sample(metric, &id, value);
        }
    }
    // `802.3ad 4`: the word and its number.
    if let Some(mode) = mode.as_deref().and_then(|it| it.split_whitespace().next()) {
        c.state(&MODE, &id, mode);
    }
    if let Some(active) = active {
        c.state(&ACTIVE, &id, &active);
    }
    if let Some(word) = bond::lacp(c.host, name) {
        c.state(&bond::LACP, &id, word);
    }
    for (metric, [receive, transmit]) in traffic.into_iter().flat_map(pairs) {
        c.sample_with(metric, &id, &[("network.io.direction", "receive")], receive);
        c.sample_with(metric, &id, &[("network.io.direction", "transmit")], transmit);
    }
}

fn link(sys: &dyn Fn(&str) -> Option<String>) -> Option<&'static str> {
    let flags = sys("flags").and_then(|it| u32::from_str_radix(it.strip_prefix("0x")?, 16).ok());
    if flags.is_some_and(|it| it & 1 == 0) {
        return Some("disabled");
    }
    match sys("carrier")?.as_str() {
        "1" => Some("up"),
        "0" => {
            let number = |file: &str| sys(file).and_then(|it| it.parse::<u64>().ok());
            // Kernels before 4.16 count changes only; going down at the driver's start is one.
            let never = match (number("carrier_up_count"), number("carrier_changes")) {
                (Some(ups), _) => ups == 0,
                (None, Some(changes)) => changes <= 1,
                (None, None) => false,
            };
            Some(if never { "never_up" } else { "down" })
        }
        _ => None,
    }
}

/// By interface: received bytes, packets, errors, drops, and the same of sent ones.
fn traffic(c: &mut Collect<'_>, text: &str) -> BTreeMap<String, [f64; 8]> {
    let mut all = BTreeMap::new();
    if !text.starts_with("Inter-") {
        c.host.misread("/proc/net/dev", text);
    }
    for line in text.lines().filter(|it| it.contains(':')) {
        let (name, rest) = line.split_once(':').unwrap_or((line, ""));
        let columns: Option<Vec<f64>> = rest
            .split_whitespace()
            .map(|it| it.parse::<f64>().ok().filter(|it| it.is_finite() && *it >= 0.0))
            .collect();
        match columns.as_deref() {
            Some(
                &[
                    bytes,
                    packets,
                    errors,
                    drops,
                    _,
                    _,
                    _,
                    _,
                    tx_bytes,
                    tx_packets,
                    tx_errors,
                    tx_drops,
                    ..,
                ],
            ) => {
                let row =
                    [bytes, packets, errors, drops, tx_bytes, tx_packets, tx_errors, tx_drops];
                all.insert(name.trim().to_owned(), row);
            }
            _ => c.problem(
                Reason::Unparsable,
                None,
                format!("line of /proc/net/dev not understood: {line:?}"),
            ),
        }
    }
    all
}

fn pairs(row: &[f64; 8]) -> [(&'static Metric, [f64; 2]); 4] {
    let [bytes, packets, errors, drops, tx_bytes, tx_packets, tx_errors, tx_drops] = *row;
    [
        (&IO, [bytes, tx_bytes]),
        (&PACKETS, [packets, tx_packets]),
        (&ERRORS, [errors, tx_errors]),
        (&DROPPED, [drops, tx_drops]),
    ]
}
