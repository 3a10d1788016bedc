//! Ports of InfiniBand and Omni-Path adapters (and of RoCE ones, as far as RDMA goes), from sysfs.
//!
//! Facts: kernel documents `sysfs-class-infiniband` and `infiniband/sysfs`, InfiniBand architecture specification volume
//! 1 (PortInfo, PortCounters). Data counters count four octets each. The error counters are a few bits wide and stay at
//! their end until somebody clears them: one at its end sees no further errors, and that is said. The rate means nothing
//! while there is no link.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use crate::{
    devices::{plausible_key, word},
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod counters;

/// See the module.
pub const SOURCE: Source = Source {
    name: "infiniband",
    title: Words { zh: "InfiniBand 端口", en: "InfiniBand ports" },
    about: Words {
        zh: "InfiniBand/Omni-Path/RoCE 端口：链路状态、速率、通道数与错误计数",
        en: "InfiniBand, Omni-Path and RoCE ports: link, rate, width, error counters",
    },
    needs: &[Need::Path("sys/class/infiniband")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取本机网卡驱动在 sysfs 中给出的状态和计数，不向网络发送任何报文，也不清零计数器。",
        en: "Reads states and counters of this host's own adapters from sysfs. Nothing is sent over the fabric, and no \
             counter is cleared.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(30),
    metrics: &[
        RATE,
        WIDTH,
        counters::IO,
        counters::PACKETS,
        counters::ERRORS,
        counters::WAIT,
        counters::RDMA_ERRORS,
    ],
    states: &[STATE, PHYSICAL, SPEED, LAYER],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const RATE: Metric = Metric::gauge(
    "hw.infiniband.port.bandwidth",
    "By/s",
    "IB 端口速率",
    "Speed of the link as negotiated: lanes times the speed of one.",
);
const WIDTH: Metric = Metric::gauge(
    "hw.infiniband.port.width",
    "{lane}",
    "IB 端口通道数",
    "Lanes of the link: 4 for nearly all ports.",
);
const STATE: Metric = Metric::word(
    "hw.infiniband.port.state",
    "IB 端口逻辑状态",
    "down, initialize (waits for the subnet manager), armed, active, active_deferred, never_up (down, and had no link since \
     the counters began).",
);
const PHYSICAL: Metric = Metric::word(
    "hw.infiniband.port.physical_state",
    "IB 端口物理状态",
    "sleep, polling (looks for a partner), disabled, training, link_up, error_recovery, test.",
);
const SPEED: Metric = Metric::word(
    "hw.infiniband.port.speed",
    "IB 端口速率等级",
    "What one lane runs at: sdr, ddr, qdr, fdr10, fdr, edr, hdr, ndr, xdr.",
);
const LAYER: Metric = Metric::word(
    "hw.infiniband.port.link_layer",
    "端口链路层",
    "infiniband, or ethernet (RoCE, iWARP).",
);

/// Kind of component.
const PORT: &str = "ibport";

/// Ports of all adapters; a switch-like adapter has 36, real ones 1 or 2.
const PORTS_MAX: usize = 256;

const STATES: [&str; 6] = ["unknown", "down", "initialize", "armed", "active", "active_deferred"];

const PHYSICAL_STATES: [&str; 8] =
    ["unknown", "sleep", "polling", "disabled", "training", "link_up", "error_recovery", "test"];

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut ports = Vec::new();
    for device in c.host.list("sys/class/infiniband")? {
        match c.host.list(&format!("sys/class/infiniband/{device}/ports")) {
            Ok(numbers) => ports.extend(numbers.into_iter().map(|it| (device.clone(), it))),
            Err(error) => c.problem(error.reason(), None, format!("ports of {device}: {error}")),
        }
    }
    if ports.len() > PORTS_MAX {
        let text = format!("{} InfiniBand ports, {PORTS_MAX} read", ports.len());
        c.problem(Reason::Truncated, None, text);
        ports.truncate(PORTS_MAX);
    }
    let mut seen = Vec::new();
    for (device, number) in ports {
        one(c, &device, &number, &mut seen);
    }
    Ok(())
}

fn one(c: &mut Collect<'_>, device: &str, number: &str, seen: &mut Vec<ComponentId>) {
    let dir = format!("sys/class/infiniband/{device}/ports/{number}");
    let guid = word(c.host, &format!("sys/class/infiniband/{device}/node_guid"));
    let guid = guid.filter(|it| is_guid(it)).and_then(|it| plausible_key(&it));
    let mut id = ComponentId::new(PORT, &format!("{}/{number}", guid.as_deref().unwrap_or(device)));
    let mut attrs = attributes(c, device, &dir);
    // Two adapters with one GUID are a wrong firmware image: they still are two.
    if guid.is_none() || seen.contains(&id) {
        id = ComponentId::new(PORT, &format!("{device}/{number}"));
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    seen.push(id.clone());
    let file = |name: &str| word(c.host, &format!("{dir}/{name}"));
    let (state, physical) = (file("state"), file("phys_state"));
    let (rate, layer) = (file("rate"), file("link_layer"));
    let name = format!("{device}/{number}");
    c.component(Component {
        id: id.clone(),
        name: name.clone(),
        attrs,
        links: pci(c, device),
        set: None,
    });
    if let Some(layer) =
        layer.as_deref().and_then(|it| it.split(|it: char| !it.is_alphanumeric()).next())
    {
        c.state(&LAYER, &id, layer);
    }
    let said = state.as_deref().map(|it| numbered(it, &STATES));
    let downs = word(c.host, &format!("{dir}/counters/link_downed"));
    match said {
        // A port that never had a link since the counters began is an empty socket.
        Some(Some("down")) if downs.as_deref() == Some("0") => c.state(&STATE, &id, "never_up"),
        Some(Some(word)) => c.state(&STATE, &id, word),
        Some(None) => c.problem(
            Reason::Unparsable,
            Some(&id),
            format!("{name}: state {:?} is not known", state.unwrap_or_default()),
        ),
        None => c.problem(
            Reason::Missing,
            Some(&id),
            format!("{name}: the driver does not tell the port's state"),
        ),
    }
    match physical.as_deref().map(|it| (it, numbered(it, &PHYSICAL_STATES))) {
        Some((_, Some(word))) => c.state(&PHYSICAL, &id, word),
        Some((text, None)) => {
            c.problem(
                Reason::Unparsable,
                Some(&id),
                format!("{name}: physical state {text:?} is not known"),
            );
        }
        None => {}
    }
    let linked = matches!(said, Some(Some("active" | "active_deferred" | "armed" | "initialize")));
    if let Some(rate) = rate.filter(|_| linked) {
        speed(c, &id, &name, &rate);
    }
    counters::read(c, &id, &name, &dir);
}

/// `100 Gb/sec (4X EDR)`.
fn speed(c: &mut Collect<'_>, id: &ComponentId, name: &str, text: &str) {
    let number = text.split_whitespace().next().and_then(|it| it.parse::<f64>().ok());
    let unit = text.split_whitespace().nth(1);
    match (number, unit) {
        (Some(gigabits), Some("Gb/sec")) if gigabits > 0.0 && gigabits < 1e6 => {
            c.sample(&RATE, id, gigabits * 125_000_000.0);
        }
        _ => {
            c.problem(Reason::Unparsable, Some(id), format!("{name}: rate {text:?} not understood"))
        }
    }
    let inner = text.split_once('(').map_or("", |(_, it)| it.trim_end_matches(')'));
    let mut words = inner.split_whitespace();
    let lanes = words.next().and_then(|it| it.strip_suffix('X')?.parse::<u32>().ok());
    if let Some(lanes) = lanes.filter(|it| (1..=64).contains(it)) {
        c.sample(&WIDTH, id, f64::from(lanes));
    }
    if let Some(word) = words.next().filter(|it| it.bytes().all(|it| it.is_ascii_alphanumeric())) {
        c.state(&SPEED, id, word);
    }
}

fn attributes(c: &Collect<'_>, device: &str, dir: &str) -> BTreeMap<String, String> {
    let of_device = |file: &str| word(c.host, &format!("sys/class/infiniband/{device}/{file}"));
    let known = [
        ("hw.firmware_version", of_device("fw_ver")),
        ("hw.infiniband.board", of_device("board_id")),
        ("hw.infiniband.node_guid", of_device("node_guid")),
        ("hw.infiniband.lid", word(c.host, &format!("{dir}/lid"))),
        ("hw.infiniband.subnet_manager_lid", word(c.host, &format!("{dir}/sm_lid"))),
        ("hw.model", of_device("hca_type")),
        ("network.interface.name", word(c.host, &format!("{dir}/gid_attrs/ndevs/0"))),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn pci(c: &Collect<'_>, device: &str) -> Vec<Link> {
    let link = c.host.link(&format!("sys/class/infiniband/{device}/device")).ok();
    let address = link.as_deref().and_then(|it| it.rsplit('/').next()).map(str::to_owned);
    let to = address.filter(|it| it.contains(':')).map(|it| ComponentId::new("pci", &it));
    to.map(|to| Link { relation: Relation::Via, to }).into_iter().collect()
}

/// `4: ACTIVE`: number and word must agree, because a damaged line must not pass for a good port.
fn numbered(text: &str, words: &[&'static str]) -> Option<&'static str> {
    let (number, said) = text.split_once(':')?;
    let word = words.get(number.trim().parse::<usize>().ok()?)?;
    let plain = |text: &str| {
        text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
    };
    let said = plain(said);
    let same = match *word {
        "unknown" => false,
        // The kernel's own words are longer: `INIT`, `PortConfigurationTraining`, `ACTIVE_DEFER`, `Phy Test`.
        "initialize" => said.starts_with("init"),
        "training" | "test" => said.ends_with(word),
        "active_deferred" => said == "activedefer",
        "error_recovery" => said == "linkerrorrecovery",
        other => said == plain(other),
    };
    same.then_some(*word)
}

fn is_guid(text: &str) -> bool {
    let hex = |it: &str| it.len() == 4 && it.bytes().all(|it| it.is_ascii_hexdigit());
    text.split(':').count() == 4 && text.split(':').all(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_word_must_agree() {
        for (text, wanted) in [
            ("4: ACTIVE", Some("active")),
            ("2: INIT", Some("initialize")),
            ("5: ACTIVE_DEFER", Some("active_deferred")),
            ("1: ACTIVE", None),
            ("9: ACTIVE", None),
            ("ACTIVE", None),
        ] {
            assert_eq!(numbered(text, &STATES), wanted, "{text}");
        }
        for (text, wanted) in [
            ("5: LinkUp", Some("link_up")),
            ("4: PortConfigurationTraining", Some("training")),
            ("6: LinkErrorRecovery", Some("error_recovery")),
            ("7: Phy Test", Some("test")),
            ("4: ACTIVE", None),
        ] {
            assert_eq!(numbered(text, &PHYSICAL_STATES), wanted, "{text}");
        }
    }
}
