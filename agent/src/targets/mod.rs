//! Targets: devices (storage arrays, switches, servers' controllers) that a proxy source reads over the network.
//!
//! `[[sources.NAME.target]]` has a `name`, an `address` and keys of the source's door (`walk` for SNMP, `get` for HTTPS).
//! The live host holds them, so that a source asks by a target's name and never sees a credential; a recording holds
//! what was answered. Secrets come from files that nobody else can read, or from systemd's credentials
//! (systemd.exec(5), `LoadCredential=`), never from the configuration itself, arguments or the environment.
//!
//! A target appears as one component `device:KEY`; the key is its serial number, or its name as long as it has told
//! none. Its parts are `KIND:KEY/PART`, but disks with a serial number of their own: those are `disk:SERIAL` as
//! everywhere, whoever sees them. Every part is reached `via` its device.

use std::collections::BTreeMap;

use toml::{Table, Value};
use xunjian_proto::{Component, ComponentId, Link, Relation};

use crate::{config::Config, devices, source::Metric};

mod secret;

pub use secret::{Secret, SecretError, check_secret_file, secret};

/// Longest name of a target: it becomes part of file names and of identities.
const NAME_BYTES_MAX: usize = 64;

/// Most targets of one source: a proxy that reads more in one period needs a second proxy.
const TARGETS_MAX: usize = 256;

/// Whether a target answered at all, for proxy sources that have no state of their own for it.
pub const REACHED: Metric = Metric::word(
    "target.reached",
    "设备应答情况",
    "Whether the device answered: yes, partly (some of what was asked for is missing), no.",
);

/// A target as a source may know it: without what opens its door.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What people call it; unique within its source.
    pub name: String,
    /// Host name or address, with or without a port.
    pub address: String,
    /// Keys that are the source's own, not the door's: `profile`.
    pub options: Table,
}

impl Target {
    /// A recorded target; `own` are the keys that the source may see.
    pub fn parse(name: &str, text: &str, own: &[&str]) -> Option<Target> {
        let mut table: Table = text.parse().ok()?;
        table.insert("name".to_owned(), Value::String(name.to_owned()));
        target(&table, own).filter(|it| is_name(&it.name))
    }

    /// What a recording keeps of it.
    pub fn text(&self) -> String {
        let mut table = self.options.clone();
        table.insert("address".to_owned(), Value::String(self.address.clone()));
        table.to_string()
    }
}

/// The targets of all sources, as configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Targets(BTreeMap<String, Vec<Table>>);

impl Targets {
    /// The targets of a configuration that was checked.
    pub fn of(config: &Config) -> Targets {
        let sections = config.sources.iter().filter(|(_, it)| it.enabled);
        let tables = sections.map(|(name, it)| (name.clone(), tables(&it.options)));
        Targets(tables.filter(|(_, it)| !it.is_empty()).collect())
    }

    /// The targets of a source; `own` are the keys that the source may see.
    pub fn all(&self, source: &str, own: &[&str]) -> Vec<Target> {
        let tables = self.0.get(source).into_iter().flatten();
        tables.filter_map(|it| target(it, own)).collect()
    }

    /// Whether the source has any.
    pub fn has(&self, source: &str) -> bool {
        self.0.get(source).is_some_and(|it| !it.is_empty())
    }

    /// Address and door keys of one target: its section without `name` and `address`; keys that are the source's own
    /// must be taken out by the door.
    pub fn door(&self, source: &str, name: &str) -> Option<(String, Table)> {
        let section = self.0.get(source)?.iter().find(|it| text(it, "name") == Some(name))?;
        let mut door = section.clone();
        let address = text(&door, "address")?.to_owned();
        for key in ["name", "address"] {
            door.remove(key);
        }
        Some((address, door))
    }
}

/// Checks a source's options: `target` sections and no other key but `others`. `own` are the keys of a target that are
/// the source's, `door` checks one section with those and `name` and `address` taken out. All mistakes at once.
pub fn check(
    options: &Table,
    others: &[&str],
    own: &[&str],
    door: fn(&Table) -> Result<(), String>,
) -> Result<(), String> {
    let mut mistakes: Vec<String> = options
        .keys()
        .filter(|key| *key != "target" && !others.contains(&key.as_str()))
        .map(|key| format!("unknown option `{key}`"))
        .collect();
    let list = options.get("target").map(|it| it.as_array().map(Vec::as_slice));
    if list == Some(None) {
        mistakes.push("`target`: want sections [[…target]]".to_owned());
    }
    let list = list.flatten().unwrap_or_default();
    if list.len() > TARGETS_MAX {
        mistakes
            .push(format!("{} targets; at most {TARGETS_MAX} are read by one agent", list.len()));
    }
    let mut names: Vec<&str> = Vec::new();
    for (index, value) in list.iter().take(TARGETS_MAX).enumerate() {
        let Some(table) = value.as_table() else {
            mistakes.push(format!("target {}: want a section", index + 1));
            continue;
        };
        let name = text(table, "name").unwrap_or_default();
        let called =
            if name.is_empty() { format!("target {}", index + 1) } else { name.to_owned() };
        let mut wrong = |what: String| mistakes.push(format!("{called}: {what}"));
        if !is_name(name) {
            wrong(format!(
                "want a `name` of letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX}, that begins with a letter or digit"
            ));
        } else if names.contains(&name) {
            wrong("the name is there twice".to_owned());
        }
        names.push(name);
        match text(table, "address") {
            Some(it) if !it.is_empty() && !it.contains(char::is_whitespace) => {}
            _ => wrong(
                "want an `address`: host name or IP address, with or without `:PORT`".to_owned(),
            ),
        }
        let kept = |key: &String| {
            !["name", "address"].contains(&key.as_str()) && !own.contains(&key.as_str())
        };
        let rest = table.clone().into_iter().filter(|(key, _)| kept(key)).collect();
        if let Err(what) = door(&rest) {
            wrong(what);
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.join(";\n")) }
}

fn tables(options: &Table) -> Vec<Table> {
    let list = options.get("target").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_table).cloned().collect()
}

fn target(table: &Table, own: &[&str]) -> Option<Target> {
    let own = table.iter().filter(|(key, _)| own.contains(&key.as_str()));
    Some(Target {
        name: text(table, "name")?.to_owned(),
        address: text(table, "address")?.to_owned(),
        options: own.map(|(key, value)| (key.clone(), value.clone())).collect(),
    })
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

/// Whether this can be a target's name: it also names files of recordings.
pub fn is_name(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-');
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|it: char| it.is_ascii_alphanumeric())
        && name.bytes().all(plain)
}

/// A device as a component, and the identities of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    key: String,
    stable: bool,
    name: String,
}

impl Device {
    /// The device behind a target: known by its serial number (or WWN), else by the target's name.
    pub fn new(target: &str, serial: Option<&str>) -> Device {
        let serial = serial.and_then(devices::plausible_key);
        let stable = serial.is_some();
        Device { key: serial.unwrap_or_else(|| target.to_owned()), stable, name: target.to_owned() }
    }

    /// Its component's id.
    pub fn id(&self) -> ComponentId {
        ComponentId::new("device", &self.key)
    }

    /// What people call it: the target's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its component.
    pub fn component(&self, address: &str, mut attrs: BTreeMap<String, String>) -> Component {
        attrs.insert("server.address".to_owned(), address.to_owned());
        if !self.stable {
            attrs.insert("identity".to_owned(), "unstable".to_owned());
        }
        Component { id: self.id(), name: self.name.clone(), attrs, links: Vec::new(), set: None }
    }

    /// The id of a part, by its place or name within the device.
    pub fn part(&self, kind: &str, place: &str) -> ComponentId {
        ComponentId::new(kind, &format!("{}/{}", self.key, place.trim()))
    }

    /// The id of a disk: by its serial number or WWN wherever it has one, else by its place in the device.
    pub fn disk(&self, serial: Option<&str>, wwn: Option<&str>, place: &str) -> ComponentId {
        let own = devices::disk_identity(serial, wwn, "");
        if own.stable { own.id } else { self.part("disk", place) }
    }

    /// That a part is reached through the device.
    pub fn via(&self) -> Link {
        Link { relation: Relation::Via, to: self.id() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_of_all_targets_are_told() {
        let options: Table = "other = 1\n[[target]]\nname = 'a'\naddress = '10.0.0.1'\n[[target]]\nname = 'a'\naddress = ''\nuser = 'x'"
            .parse()
            .unwrap();
        let door = |it: &Table| if it.is_empty() { Ok(()) } else { Err(format!("door: {it:?}")) };
        let text = check(&options, &[], &["profile"], door).unwrap_err();
        for wanted in [
            "unknown option `other`",
            "a: the name is there twice",
            "want an `address`",
            "a: door:",
        ] {
            assert!(text.contains(wanted), "{text}");
        }
    }

    #[test]
    fn parts_are_known_by_their_device_and_disks_by_themselves() {
        let device = Device::new("array1", Some("CKM001"));
        assert_eq!(device.id().as_str(), "device:CKM001");
        assert_eq!(device.part("psu", "A0").as_str(), "psu:CKM001/A0");
        assert_eq!(device.disk(Some("ZA1"), None, "0.1").as_str(), "disk:ZA1");
        assert_eq!(device.disk(Some("n/a"), None, "0.1").as_str(), "disk:CKM001/0.1");
        assert_eq!(Device::new("array1", None).id().as_str(), "device:array1");
    }
}
