//! The switch at the other end, from lldpd.
//!
//! Facts: `lldpcli(8)`. Its JSON names things by their values (`"chassis": {"sw1": {…}}`), and has an object in place of
//! a list of one; `json0` has lists everywhere. Both are read.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;
use xunjian_proto::Reason;

use crate::source::{Collect, Metric, Need};

pub(super) const PEER: Metric = Metric::word(
    "hw.network.port.peer",
    "对端设备与端口",
    "Switch and port at the other end, as LLDP tells them.",
);

/// What is known of the other end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Peer {
    device: String,
    port: String,
}

impl Peer {
    /// Attributes of our port.
    pub(super) fn attrs(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = [("hw.network.peer.name", &self.device), ("hw.network.peer.port", &self.port)];
        pairs
            .into_iter()
            .filter(|it| !it.1.is_empty())
            .map(|(name, it)| (name.to_owned(), it.clone()))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(format!("{} {}", self.device, self.port).trim())
    }
}

/// Neighbours by our port; none where lldpd is not there.
pub(super) fn read(c: &mut Collect<'_>) -> BTreeMap<String, Peer> {
    let argv = ["lldpcli", "-f", "json", "show", "neighbors"];
    if !c.host.has(Need::Program("lldpcli")) {
        return BTreeMap::new();
    }
    // lldpd that does not run is its own choice: no gap.
    let output = match c.host.run(&argv) {
        Ok(output) if output.status == 0 => output.stdout,
        Ok(_) => return BTreeMap::new(),
        Err(error) => {
            c.problem(error.reason(), None, error);
            return BTreeMap::new();
        }
    };
    match serde_json::from_str::<Value>(&output) {
        Ok(json) if json.get("lldp").is_none() => {
            c.host.misread(&format!("`{}`", argv.join(" ")), &output);
            BTreeMap::new()
        }
        Ok(json) => parse(&json),
        Err(error) => {
            c.problem(Reason::Unparsable, None, format!("`{}`: {error}", argv.join(" ")));
            BTreeMap::new()
        }
    }
}

fn parse(json: &Value) -> BTreeMap<String, Peer> {
    let mut found = BTreeMap::new();
    for interface in items(&json["lldp"]).iter().flat_map(|it| items(&it["interface"])) {
        let Some(object) = interface.as_object() else { continue };
        match object.get("name").and_then(Value::as_str) {
            Some(name) => {
                found.insert(name.to_owned(), peer(interface));
            }
            None => found.extend(object.iter().map(|(name, it)| (name.clone(), peer(it)))),
        }
    }
    found.retain(|_, it: &mut Peer| *it != Peer::default());
    found
}

fn peer(interface: &Value) -> Peer {
    let chassis = items(&interface["chassis"]).first().copied().unwrap_or(&Value::Null);
    let port = items(&interface["port"]).first().copied().unwrap_or(&Value::Null);
    // `{"sw1": {"id": …}}` or `{"id": …}` or `{"name": [{"value": "sw1"}]}`.
    let by_key = chassis.as_object().and_then(|it| it.iter().next()).filter(|(key, value)| {
        value.is_object()
            && !matches!(key.as_str(), "id" | "name" | "descr" | "mgmt-ip" | "capability")
    });
    let named = first_value(&chassis["name"]).or_else(|| by_key.map(|it| it.0.clone()));
    let device = named.or_else(|| first_value(&chassis["id"])).unwrap_or_default();
    let port = first_value(&port["id"]).or_else(|| first_value(&port["descr"])).unwrap_or_default();
    Peer { device: short(&device), port: short(&port) }
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn first_value(value: &Value) -> Option<String> {
    let first = items(value).first().copied()?;
    let text = first.as_str().or_else(|| first["value"].as_str())?;
    Some(text.to_owned()).filter(|it| !it.trim().is_empty())
}

/// What a neighbour says of itself is not ours to trust: bounded, and without control characters.
fn short(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(128).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_json_are_read() {
        let one = serde_json::json!({"lldp": {"interface": {"eth0": {"via": "LLDP", "chassis": {"sw1": {"id": {"type": "mac", "value": "02:00:00:00:00:01"}}}, "port": {"id": {"type": "ifname", "value": "Eth1/7"}}}}}});
        let plain = serde_json::json!({"lldp": [{"interface": [{"name": "eth0", "chassis": [{"id": [{"type": "mac", "value": "02:00:00:00:00:01"}], "name": [{"value": "sw1"}]}], "port": [{"id": [{"type": "ifname", "value": "Eth1/7"}]}]}]}]});
        for json in [one, plain] {
            assert_eq!(parse(&json)["eth0"].to_string(), "sw1 Eth1/7");
        }
        let nameless = serde_json::json!({"lldp": {"interface": [{"eth1": {"chassis": {"id": {"type": "mac", "value": "02:00:00:00:00:02"}}, "port": {}}}]}});
        assert_eq!(parse(&nameless)["eth1"].to_string(), "02:00:00:00:00:02");
    }
}
