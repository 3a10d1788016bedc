//! Network ports in depth: what the link could do, what kind of errors it had, the optical module, and the neighbour.
//!
//! Facts: kernel documents `sysfs-class-net-statistics`, `ethtool(8)`, SFF-8472 and SFF-8636 (digital diagnostics),
//! `lldpcli(8)`. The module's own thresholds and alarm flags are what it is judged by; a port without a link has no light
//! by nature, so its module is not read. ethtool's settings are asked for one port after the other.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::word,
    host::{HostError, Program},
    saved::{Form, Saved, Serves},
    source::{Collect, Metric, Need, Source, SourceError, Words, check_options},
};

mod errors;

mod modes;

mod neighbour;

mod optics;

const ETHTOOL: Program = Program {
    name: "ethtool",
    places: &["/usr/sbin/ethtool", "/sbin/ethtool", "/usr/bin/ethtool"],
    root: true,
};
const LLDPCLI: Program =
    Program { name: "lldpcli", places: &["/usr/sbin/lldpcli", "/usr/bin/lldpcli"], root: true };

/// See the module.
pub const SOURCE: Source = Source {
    name: "port",
    title: Words { zh: "网口深度检查", en: "network ports in depth" },
    about: Words {
        zh: "网口的可协商速率、错误分类、光模块（DOM）与 LLDP 邻居",
        en: "network ports: negotiable speed, kinds of errors, optical modules, LLDP neighbours",
    },
    needs: &[Need::Path("sys/class/net")],
    programs: &[ETHTOOL, LLDPCLI],
    runs: &[
        "ethtool {word}",
        "ethtool -S {word}",
        "ethtool -m {word}",
        "lldpcli -f json show neighbors",
    ],
    harmless: Words {
        zh: "每个网口依次读取一次协商信息、计数和光模块诊断数据，不改变任何设置；光模块经 I2C 读取，每 10 分钟一次，可用 modules = false 关闭。",
        en: "Reads settings, counters and module diagnostics of one port after the other and changes nothing. Modules are \
             read over I2C every 10 minutes; `modules = false` leaves them alone.",
    },
    every: Duration::from_secs(600),
    deadline: Duration::from_secs(120),
    metrics: &[
        BANDWIDTH,
        COMMON,
        SUPPORTED,
        errors::ERRORS,
        errors::PAUSE,
        optics::TEMPERATURE,
        optics::TEMPERATURE_LIMIT,
        optics::VOLTAGE,
        optics::BIAS,
        optics::SENT,
        optics::SENT_LIMIT,
        optics::RECEIVED,
        optics::RECEIVED_LIMIT,
    ],
    states: &[NEGOTIATION, optics::ALARMS, optics::WARNINGS, neighbour::PEER],
    events: &[],
    saved: Saved::Forms(&[Form {
        what: "`ethtool -m`",
        is: |text| text.contains("Identifier") && text.contains("Connector"),
        serves: Serves::Command(&["ethtool", "-m"]),
    }]),
    check: check_options::<Options>,
    collect,
};

const BANDWIDTH: Metric = Metric::gauge(
    "hw.network.port.bandwidth",
    "By/s",
    "网口当前速率",
    "Speed of the link as ethtool gives it.",
);
const COMMON: Metric = Metric::gauge(
    "hw.network.port.bandwidth.common",
    "By/s",
    "两端均支持的最高速率",
    "Highest speed that the port and its partner both offer; only where the partner tells.",
);
const SUPPORTED: Metric = Metric::gauge(
    "hw.network.port.bandwidth.supported",
    "By/s",
    "网口支持的最高速率",
    "Highest speed that the port supports.",
);
const NEGOTIATION: Metric = Metric::word(
    "hw.network.port.negotiation",
    "自动协商",
    "Whether the port negotiates: on, off.",
);

/// The source's config section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Whether optical modules are read.
    modules: bool,
    /// Interfaces to leave alone.
    skip: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { modules: true, skip: Vec::new() }
    }
}

/// Ports of one host; more are virtual ones that look real.
const PORTS_MAX: usize = 64;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options: Options = c.options.clone().try_into().unwrap_or_default();
    let mut names = c.host.list("sys/class/net")?;
    names.retain(|it| super::net::is_port(c.host, it) && !options.skip.contains(it));
    if names.len() > PORTS_MAX {
        let text = format!("{} network ports, {PORTS_MAX} read in depth", names.len());
        c.problem(Reason::Truncated, None, text);
        names.truncate(PORTS_MAX);
    }
    if !names.is_empty() && !c.host.has(Need::Program("ethtool")) {
        let text = "ethtool is not installed: link modes and optical modules are not read";
        c.problem(Reason::Unsupported, None, text);
    }
    let neighbours = neighbour::read(c);
    for name in &names {
        one(c, name, neighbours.get(name), options.modules);
    }
    Ok(())
}

fn one(c: &mut Collect<'_>, name: &str, neighbour: Option<&neighbour::Peer>, modules: bool) {
    let id = ComponentId::new("netif", name);
    let up = word(c.host, &format!("sys/class/net/{name}/carrier")).as_deref() == Some("1");
    let mut attrs = BTreeMap::from([("network.interface.name".to_owned(), name.to_owned())]);
    if let Some(peer) = neighbour {
        attrs.extend(peer.attrs());
    }
    let settings = ask(c, &id, &["ethtool", name]).map(|it| modes::parse(&it));
    let before = c.host.kept_back();
    let statistics = ask(c, &id, &["ethtool", "-S", name]);
    let whole = c.host.kept_back() == before;
    let module = if modules && up { ask(c, &id, &["ethtool", "-m", name]) } else { None };
    let module = module.and_then(|text| optics::parse(&text));
    if let Some(module) = &module {
        attrs.extend(module.attrs.clone());
    }
    if let Some(port) = settings.as_ref().and_then(|it| it.port.clone()) {
        attrs.insert("hw.network.port.medium".to_owned(), port);
    }
    c.component(Component {
        id: id.clone(),
        name: name.to_owned(),
        attrs,
        links: Vec::new(),
        set: None,
    });
    if let Some(peer) = neighbour {
        c.state(&neighbour::PEER, &id, &peer.to_string());
    }
    if let Some(settings) = settings {
        speeds(c, &id, &settings, up);
    }
    // The driver counts more than the kernel: without it the same counter would go down and up again.
    if whole {
        errors::emit(c, &id, name, statistics.as_deref());
    }
    if let Some(module) = module {
        module.emit(c, &id);
    }
}

fn speeds(c: &mut Collect<'_>, id: &ComponentId, settings: &modes::Settings, up: bool) {
    if let Some(word) = settings.negotiates {
        c.state(&NEGOTIATION, id, if word { "on" } else { "off" });
    }
    for (metric, value) in [
        (&BANDWIDTH, settings.speed.filter(|_| up)),
        (&COMMON, settings.common().filter(|_| up)),
        (&SUPPORTED, settings.supported.iter().copied().max()),
    ] {
        if let Some(megabits) = value {
            c.sample(metric, id, f64::from(megabits) * 125_000.0);
        }
    }
}

/// What ethtool says of a port. What a driver does not offer is no gap; being refused, or hanging, is.
fn ask(c: &mut Collect<'_>, id: &ComponentId, argv: &[&str]) -> Option<String> {
    if !c.host.has(Need::Program("ethtool")) {
        return None;
    }
    let output = match c.host.run(argv) {
        Ok(output) => output,
        Err(error @ HostError::Run { .. }) if error.reason() == Reason::Missing => return None,
        Err(error) => {
            c.problem(error.reason(), Some(id), error);
            return None;
        }
    };
    let said = output.stderr.to_lowercase();
    if said.contains("not permitted") && argv.contains(&"-m") {
        let text = format!("`{}`: {}", argv.join(" "), output.stderr.trim());
        c.problem(Reason::PermissionDenied, Some(id), text);
        return None;
    }
    // Without root it says what it may, and ends with a status all the same.
    let begins = match argv {
        [_, "-S", _] => "statistics:",
        [_, "-m", _] => "Identifier",
        _ => "Settings for ",
    };
    let text = output.stdout;
    if !text.contains(begins) {
        if output.status == 0 {
            c.host.misread(&format!("`{}`", argv.join(" ")), &text);
        }
        return None;
    }
    Some(text).filter(|it| it.lines().count() > 1)
}
