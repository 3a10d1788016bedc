//! LNet: the interfaces of this host, the networks that they make up, the peers, and counters.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    lnetctl::{Interface, Lnet},
    metrics,
    params::clip,
};
use crate::{
    host::{HostError, Output},
    source::{Collect, Need},
};

/// Health of an interface that has never failed (LNET_MAX_HEALTH_VALUE).
const HEALTH_MAX: f64 = 1000.0;

/// Files of versions without `lnetctl`, and of hosts where it does not answer.
const DIRS: [&str; 2] = ["proc/sys/lnet", "sys/kernel/debug/lnet"];

/// Emits all there is of LNet. `quietly`: the host has no Lustre, and LNet's absence is none either.
pub(super) fn emit(c: &mut Collect<'_>, quietly: bool) {
    let mut lnet = Lnet::default();
    if c.host.has(Need::Program("lnetctl")) {
        for argv in [
            &["lnetctl", "net", "show", "-v", "3"][..],
            &["lnetctl", "peer", "show", "-v", "3"],
            &["lnetctl", "stats", "show"],
        ] {
            ask(c, &mut lnet, argv, quietly);
        }
    }
    for dir in DIRS {
        files(c, &mut lnet, dir);
    }
    if lnet.strange > 0 {
        let text = format!("{} lines about LNet not understood", lnet.strange);
        c.problem(Reason::Unparsable, None, text);
    }
    if let Some(local) = &lnet.local {
        networks(c, local);
    }
    // A line that was not understood may be a peer.
    if let Some(peers) = lnet.peers.as_ref().filter(|_| lnet.strange == 0) {
        count_peers(c, peers);
    }
    counters(c, &lnet.counters);
}

fn ask(c: &mut Collect<'_>, lnet: &mut Lnet, argv: &[&str], quietly: bool) {
    let Output { stdout, stderr, status, truncated } = match c.host.run(argv) {
        Ok(output) => output,
        // Of a few saved outputs, those that were not given.
        Err(HostError::Run { .. }) if !c.host.is_live() => return,
        Err(error) => return c.problem(error.reason(), None, error),
    };
    // A host may have no peers; it always has a network and counters.
    if status == 0 && stdout.trim().is_empty() && !argv.contains(&"peer") {
        c.host.misread(&format!("`{}`", argv.join(" ")), "");
    }
    lnet.add_yaml(&stdout);
    if truncated {
        let text = format!("`{}` said too much and was cut", argv.join(" "));
        c.problem(Reason::Truncated, None, text);
    } else if status != 0 && !quietly {
        let mut lines =
            stderr.lines().chain(stdout.lines()).map(str::trim).filter(|it| !it.is_empty());
        // `descr: "cannot get networks: Invalid argument"` stands at the end.
        let line = lines.clone().find(|it| it.starts_with("descr:")).or_else(|| lines.next());
        let line = clip(line.unwrap_or("it said nothing"));
        let text = format!("`{}` ended with status {status}: {line}", argv.join(" "));
        c.problem(Reason::ToolFailed, None, text);
    }
}

fn files(c: &mut Collect<'_>, lnet: &mut Lnet, dir: &str) {
    let read = |name: &str| c.host.read(&format!("{dir}/{name}")).ok();
    if lnet.local.is_none()
        && let Some(text) = read("nis")
    {
        lnet.add_nis(&text);
    }
    if lnet.peers.is_none()
        && let Some(text) = read("peers")
    {
        lnet.add_peers(&text);
    }
    if lnet.counters.is_empty()
        && let Some(text) = read("stats")
    {
        lnet.add_stats(&text);
    }
}

/// The interfaces of this host, each network of them a set of which one is enough.
fn networks(c: &mut Collect<'_>, local: &[Interface]) {
    let mut networks: BTreeMap<&str, Vec<Member>> = BTreeMap::new();
    let mut seen = Vec::new();
    for interface in local.iter().filter(|it| it.network() != "lo") {
        let id = ComponentId::new("lustre_ni", &interface.nid);
        if interface.nid.is_empty() || seen.contains(&id) {
            continue;
        }
        seen.push(id.clone());
        let status = interface.get("status").unwrap_or_default();
        let (word, state) = match status {
            "up" => ("up", MemberState::Active),
            "down" => ("down", MemberState::Failed),
            other => {
                let text = format!("{}: status not understood: {:?}", interface.nid, clip(other));
                c.problem(Reason::Unparsable, Some(&id), text);
                ("unknown", MemberState::Unknown)
            }
        };
        networks.entry(interface.network()).or_default().push(Member {
            slot: None,
            component: Some(id.clone()),
            name: interface.nid.clone(),
            state,
        });
        let port = interface.get("interfaces.0").map(|it| it.to_owned());
        let links = port
            .iter()
            .map(|it| Link { relation: Relation::Via, to: ComponentId::new("netif", it) })
            .collect();
        let attrs = port.map(|it| ("network.interface.name".to_owned(), it));
        c.component(Component {
            id: id.clone(),
            name: interface.nid.clone(),
            attrs: attrs.into_iter().collect(),
            links,
            set: None,
        });
        c.state(&metrics::NI_STATUS, &id, word);
        numbers(c, interface, &id);
    }
    for (network, members) in networks {
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        c.component(Component {
            id: ComponentId::new("lustre_net", network),
            name: network.to_owned(),
            attrs: BTreeMap::new(),
            links: Vec::new(),
            set: Some(Set { scheme: "n_of_m:1".to_owned(), width, copies: 1, members }),
        });
    }
}

fn numbers(c: &mut Collect<'_>, interface: &Interface, id: &ComponentId) {
    if let Some(health) = interface.number("health stats.health value") {
        c.sample(&metrics::NI_HEALTH, id, health);
    }
    for (field, direction) in [("recv_count", "receive"), ("send_count", "transmit")] {
        if let Some(count) = interface.number(&format!("statistics.{field}")) {
            let attrs = [("network.io.direction", direction)];
            c.sample_with(&metrics::NI_MESSAGES, id, &attrs, count);
        }
    }
    if let Some(count) = interface.number("statistics.drop_count") {
        c.sample(&metrics::NI_DROPPED, id, count);
    }
    for kind in ["aborted", "dropped", "error", "interrupts", "no route", "timeouts"] {
        if let Some(count) = interface.number(&format!("health stats.{kind}")) {
            let kind = kind.replace(' ', "_");
            c.sample_with(&metrics::NI_ERRORS, id, &[("error.type", &kind)], count);
        }
    }
}

/// Peers are counted, not listed: those of a server are its clients, thousands of them.
fn count_peers(c: &mut Collect<'_>, peers: &[Interface]) {
    let mut counts =
        BTreeMap::from([("down", 0.0), ("unhealthy", 0.0), ("unknown", 0.0), ("up", 0.0)]);
    for peer in peers.iter().filter(|it| it.network() != "lo") {
        let health = peer.number("health stats.health value");
        let word = match peer.get("state") {
            Some("down") => "down",
            _ if health.is_some_and(|it| it < HEALTH_MAX) => "unhealthy",
            Some("up") => "up",
            // `NA`: nobody has asked it, because it is no router.
            _ if health.is_some() => "up",
            _ => "unknown",
        };
        *counts.entry(word).or_default() += 1.0;
    }
    let id = ComponentId::host();
    for (state, count) in counts {
        c.sample_with(&metrics::LNET_PEERS, &id, &[("lustre.peer.state", state)], count);
    }
}

fn counters(c: &mut Collect<'_>, counters: &BTreeMap<String, f64>) {
    let id = ComponentId::host();
    for (name, count) in counters {
        let direction = |it: &str| match it {
            "recv" => Some("receive"),
            "send" => Some("transmit"),
            "route" => Some("forward"),
            _ => None,
        };
        if name == "drop_count" {
            c.sample(&metrics::LNET_DROPPED, &id, *count);
        } else if let Some(direction) = name.strip_suffix("_length").and_then(direction) {
            c.sample_with(&metrics::LNET_IO, &id, &[("network.io.direction", direction)], *count);
        } else if let Some(direction) = name.strip_suffix("_count").and_then(direction) {
            let attrs = [("network.io.direction", direction)];
            c.sample_with(&metrics::LNET_MESSAGES, &id, &attrs, *count);
        } else if name == "errors" {
            c.sample_with(&metrics::LNET_ERRORS, &id, &[("error.type", "errors")], *count);
        } else if let Some(kind) = name.strip_suffix("_count") {
            c.sample_with(&metrics::LNET_ERRORS, &id, &[("error.type", kind)], *count);
        }
    }
}
