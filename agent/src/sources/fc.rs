//! Ports of Fibre Channel adapters and the remote ports that they see, from sysfs.
//!
//! Facts: drivers/scsi/scsi_transport_fc.c and its document `scsi/scsi_fc_transport`. A counter of all ones is one that
//! the adapter does not have. Remote ports are counted only as targets: other hosts in the same zone come and go.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use crate::{
    devices::{known, number, plausible_key, word},
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "fc",
    title: Words { zh: "光纤通道（FC）端口", en: "Fibre Channel ports" },
    about: Words {
        zh: "FC HBA 端口：链路状态、速率、错误计数与可见的目标端口",
        en: "ports of FC adapters: link, speed, error counters, target ports seen",
    },
    needs: &[Need::Path("sys/class/fc_host")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取 sysfs；读取错误计数时驱动向本机 HBA 固件查询，不在光纤网络上发送报文，也不触发 LIP 或重新登录。",
        en: "Reads sysfs. For the error counters the driver asks the adapter's firmware; nothing is sent over the fabric, \
             and no LIP or login is caused.",
    },
    every: Duration::from_secs(120),
    deadline: Duration::from_secs(60),
    metrics: &[SPEED, SPEED_MAX, ERRORS, FRAMES, REMOTE],
    states: &[STATE],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const SPEED: Metric = Metric::gauge(
    "hw.fc.port.bandwidth",
    "By/s",
    "FC 端口速率",
    "Speed of the link as negotiated.",
);
const SPEED_MAX: Metric = Metric::gauge(
    "hw.fc.port.bandwidth.supported",
    "By/s",
    "FC 端口支持的最高速率",
    "Highest speed that the adapter supports.",
);
const ERRORS: Metric = Metric::counter(
    "hw.fc.port.errors",
    "{error}",
    "FC 端口错误",
    "Errors of the link by error.type: link_failure, loss_of_sync, loss_of_signal, protocol, invalid_word, crc, frame, \
     dumped, abort, nos, integrity, congestion.",
);
const FRAMES: Metric = Metric::counter(
    "hw.fc.port.frames",
    "{frame}",
    "FC 端口帧数",
    "Frames of the link by network.io.direction.",
);
const REMOTE: Metric = Metric::gauge(
    "hw.fc.port.targets",
    "{port}",
    "FC 目标端口数",
    "Target ports behind this port by hw.fc.target.state: online, blocked, not_present, marginal, other.",
);
const STATE: Metric = Metric::word(
    "hw.fc.port.state",
    "FC 端口状态",
    "online, linkdown, offline, blocked, bypassed, diagnostics, error, loopback, deleted, marginal.",
);

/// Kind of component.
const PORT: &str = "fcport";

/// Ports, virtual ones (NPIV) included.
const PORTS_MAX: usize = 512;

/// Remote ports that are looked at.
const REMOTE_MAX: usize = 4096;

/// `fc_port_state_names` of the kernel, in lower case.
const STATES: &[&str] = &[
    "blocked",
    "bypassed",
    "deleted",
    "diagnostics",
    "error",
    "linkdown",
    "loopback",
    "marginal",
    "not present",
    "offline",
    "online",
    "unknown",
];

/// What `fc_port_role_names` of the kernel have in them, in lower case.
const ROLES: &[&str] = &["discovery", "initiator", "ip port", "target", "unknown"];

/// States of remote ports that we tell apart.
const TARGET_STATES: [&str; 5] = ["blocked", "marginal", "not_present", "online", "other"];

/// Files of `statistics`, and our names.
const STATISTICS: &[(&str, &str)] = &[
    ("cn_sig_warn", "congestion"),
    ("dumped_frames", "dumped"),
    ("error_frames", "frame"),
    ("fcp_packet_aborts", "abort"),
    ("fpin_li", "integrity"),
    ("invalid_crc_count", "crc"),
    ("invalid_tx_word_count", "invalid_word"),
    ("link_failure_count", "link_failure"),
    ("loss_of_signal_count", "loss_of_signal"),
    ("loss_of_sync_count", "loss_of_sync"),
    ("nos_count", "nos"),
    ("prim_seq_protocol_err_count", "protocol"),
];

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut names = c.host.list("sys/class/fc_host")?;
    if names.len() > PORTS_MAX {
        let text = format!("{} Fibre Channel ports, {PORTS_MAX} read", names.len());
        c.problem(Reason::Truncated, None, text);
        names.truncate(PORTS_MAX);
    }
    let targets = targets(c);
    let mut seen = Vec::new();
    for name in &names {
        one(c, name, targets.get(name), &mut seen);
    }
    Ok(())
}

fn one(
    c: &mut Collect<'_>,
    name: &str,
    targets: Option<&BTreeMap<&'static str, u32>>,
    seen: &mut Vec<ComponentId>,
) {
    let dir = format!("sys/class/fc_host/{name}");
    let file = |file: &str| word(c.host, &format!("{dir}/{file}"));
    let wwpn = file("port_name").and_then(|it| wwn(&it));
    let mut id = ComponentId::new(PORT, wwpn.as_deref().unwrap_or(name));
    let known = [
        ("hw.fc.fabric", file("fabric_name").and_then(|it| wwn(&it))),
        ("hw.fc.port.id", file("port_id")),
        ("hw.fc.port.type", file("port_type")),
        ("hw.fc.wwnn", file("node_name").and_then(|it| wwn(&it))),
        ("hw.fc.wwpn", wwpn.clone()),
        ("hw.model", file("symbolic_name")),
    ];
    let mut attrs: BTreeMap<String, String> =
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    if wwpn.is_none() || seen.contains(&id) {
        id = ComponentId::new(PORT, name);
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    seen.push(id.clone());
    let (state, speed, supported) = (file("port_state"), file("speed"), file("supported_speeds"));
    let links = pci(c, name);
    c.component(Component { id: id.clone(), name: name.to_owned(), attrs, links, set: None });
    let state = state.map(|it| it.to_lowercase());
    match state.as_deref() {
        Some(word) if STATES.contains(&word) => c.state(&STATE, &id, &word.replace(' ', "_")),
        other => {
            let text = format!("{name}: state {:?} is not known", other.unwrap_or_default());
            c.problem(Reason::Unparsable, Some(&id), text);
        }
    }
    if let Some(value) = speed.as_deref().and_then(bytes_per_second) {
        // Without a link, drivers show the last speed or the best one.
        if state.as_deref() == Some("online") {
            c.sample(&SPEED, &id, value);
        }
    }
    let best = supported.iter().flat_map(|it| it.split(',')).filter_map(bytes_per_second);
    if let Some(best) = best.max_by(f64::total_cmp) {
        c.sample(&SPEED_MAX, &id, best);
    }
    for (word, count) in targets.into_iter().flatten() {
        c.sample_with(&REMOTE, &id, &[("hw.fc.target.state", word)], f64::from(*count));
    }
    statistics(c, &id, name, &dir);
}

fn statistics(c: &mut Collect<'_>, id: &ComponentId, name: &str, dir: &str) {
    for (file, kind) in STATISTICS {
        if let Some(value) = counter(c, id, name, &format!("{dir}/statistics/{file}")) {
            c.sample_with(&ERRORS, id, &[("error.type", kind)], value);
        }
    }
    for (file, direction) in [("rx_frames", "receive"), ("tx_frames", "transmit")] {
        if let Some(value) = counter(c, id, name, &format!("{dir}/statistics/{file}")) {
            c.sample_with(&FRAMES, id, &[("network.io.direction", direction)], value);
        }
    }
}

/// `0x1f`; all ones mean that the adapter does not count it. Some drivers widen 32 bits of ones.
fn counter(c: &mut Collect<'_>, id: &ComponentId, name: &str, path: &str) -> Option<f64> {
    let text = word(c.host, path)?;
    match text.strip_prefix("0x").and_then(|it| u64::from_str_radix(it, 16).ok()) {
        Some(u64::MAX | 0xffff_ffff) => None,
        #[expect(clippy::cast_precision_loss, reason = "above 2^53 the last ones do not matter")]
        Some(value) => Some(value as f64),
        None => {
            c.problem(Reason::Unparsable, Some(id), format!("{name}: /{path} holds {text:?}"));
            None
        }
    }
}

/// By local port: target ports by their state.
fn targets(c: &mut Collect<'_>) -> BTreeMap<String, BTreeMap<&'static str, u32>> {
    let mut all: BTreeMap<String, BTreeMap<&'static str, u32>> = BTreeMap::new();
    let before = c.host.kept_back();
    let names = c.host.list("sys/class/fc_remote_ports").unwrap_or_default();
    if names.len() > REMOTE_MAX {
        let text = format!("{} remote ports, {REMOTE_MAX} read", names.len());
        c.problem(Reason::Truncated, None, text);
    }
    for name in names.iter().take(REMOTE_MAX) {
        // `rport-3:0-7`: host 3, channel 0, the seventh one.
        let Some(host) = name.strip_prefix("rport-").and_then(|it| it.split(':').next()) else {
            continue;
        };
        let dir = format!("sys/class/fc_remote_ports/{name}");
        let one_of = |file: &str, all: &[&str]| {
            let known_word = |it: &str| {
                let word = it.to_lowercase();
                all.iter().any(|it| word.contains(it)).then_some(word)
            };
            known(c.host, &format!("{dir}/{file}"), known_word).unwrap_or_default()
        };
        let roles = one_of("roles", ROLES);
        let state = one_of("port_state", STATES);
        // One that is not there any more has lost its roles, and keeps its place as a target.
        let was_target =
            number::<i64>(c.host, &format!("{dir}/scsi_target_id")).is_some_and(|it| it != -1);
        if !roles.contains("target") && !was_target {
            continue;
        }
        let word = match state.as_str() {
            "online" => "online",
            "blocked" => "blocked",
            "not present" => "not_present",
            "marginal" => "marginal",
            _ => "other",
        };
        // All of them, so that a target that comes back is seen to be gone from where it was.
        let none = || TARGET_STATES.map(|it| (it, 0)).into();
        let counts: &mut BTreeMap<&'static str, u32> =
            all.entry(format!("host{host}")).or_insert_with(none);
        *counts.entry(word).or_default() += 1;
    }
    // A target whose state was kept is neither there nor away.
    if c.host.kept_back() > before { BTreeMap::new() } else { all }
}

/// The PCI function that a port is: the folder above `hostN`.
fn pci(c: &Collect<'_>, name: &str) -> Vec<Link> {
    let link = c.host.link(&format!("sys/class/fc_host/{name}")).unwrap_or_default();
    let parts: Vec<&str> = link.split('/').collect();
    let at = parts.iter().position(|it| *it == name);
    let address = at.and_then(|at| parts.get(at.checked_sub(1)?)).filter(|it| it.contains(':'));
    let to = address.map(|it| ComponentId::new("pci", it));
    to.map(|to| Link { relation: Relation::Via, to }).into_iter().collect()
}

/// `16 Gbit`; `unknown` and `Not Negotiated` are no speed.
fn bytes_per_second(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let gigabits: f64 = number.parse().ok()?;
    (unit.trim() == "Gbit" && gigabits > 0.0 && gigabits < 1e4).then_some(gigabits * 125_000_000.0)
}

/// `0x2100000000000001`, as people write it: `21:00:00:00:00:00:00:01`.
fn wwn(text: &str) -> Option<String> {
    let hex = text.strip_prefix("0x").filter(|it| it.len() == 16)?;
    let pairs: Option<Vec<&str>> = (0..8).map(|it| hex.get(it * 2..it * 2 + 2)).collect();
    let is_hex = hex.bytes().all(|it| it.is_ascii_hexdigit());
    let key = pairs.filter(|_| is_hex)?.join(":").to_lowercase();
    let told = hex.bytes().any(|it| !matches!(it, b'0' | b'f' | b'F'));
    plausible_key(&key).filter(|_| told)
}
