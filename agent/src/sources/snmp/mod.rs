//! Storage arrays, switches and other devices over SNMP, read by a proxy: `[[sources.snmp.target]]`.
//!
//! What a variable means is said by profiles (data files in `profiles/`), chosen by `sysObjectID` or by which variables
//! are there. Values that a profile does not know are unknown, counted and named. Nothing is ever written to a device,
//! and a device is asked by one walk at a time.
//!
//! The cursor remembers of each target the serial number that it is known by (a device that does not answer must keep
//! its identity) and the fingerprint of what it said last.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::{Reason, Time};

use crate::{
    host::{Ask, HostError, Oid, SnmpAccess, Value, Walked, read_walk},
    saved::{File, Saved, SavedHost},
    source::{Collect, Need, Source, SourceError, Words, fingerprint},
    targets::{self, Device, Target},
};

mod files;

mod catalog;

mod profile;

mod choose;

mod rows;

mod part;

mod sets;

mod metrics;

use choose::About;
use part::Parts;
use profile::Profile;

/// See the module.
pub const SOURCE: Source = Source {
    name: "snmp",
    title: Words { zh: "SNMP 设备", en: "SNMP devices" },
    about: Words {
        zh: "经 SNMP 读取存储阵列、交换机等设备的部件状态",
        en: "storage arrays, switches and other devices over SNMP: parts, pools, ports, sensors",
    },
    needs: &[Need::Targets("snmp")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只发送 SNMP 读请求（GETNEXT、GETBULK，v2c 或 v3），每台设备同一时间只有一个请求，每次读取的时间、字节数和请求数均有上限；从不写入。",
        en: "Sends nothing but SNMP read requests (GETNEXT, GETBULK; version 2c or 3), one at a time to a device, with \
             bounds on time, bytes and requests; never writes.",
    },
    every: Duration::from_secs(300),
    deadline: Duration::from_secs(280),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own {
        what: &[
            "a walk of one device from 1.3.6.1: `snmpwalk -On -v2c -c COMMUNITY HOST .1.3.6.1`, or a .snmprec file of snmpsim",
        ],
        host: saved,
    },
    check: |options| {
        let door = |door: &toml::Table| SnmpAccess::parse(door).map(drop);
        targets::check(options, &[], OWN, door).and(profiles_are_known(options))
    },
    collect,
};

/// Keys of a target that are the source's own.
const OWN: &[&str] = &["profile"];

/// Longest time of one walk: the metered host shortens it to what the run has left.
const WALK_LIMIT: Duration = Duration::from_secs(120);

/// What the cursor remembers of a target.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The serial number that it is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    /// Fingerprint of the proof that the collector has.
    #[serde(default)]
    print: String,
}

fn profiles_are_known(options: &toml::Table) -> Result<(), String> {
    let targets = options.get("target").and_then(toml::Value::as_array).into_iter().flatten();
    let mut mistakes = Vec::new();
    for target in targets {
        let Some(wanted) = target.get("profile") else { continue };
        let name = wanted.as_str().unwrap_or_default();
        if name != "auto" && !Profile::names().any(|it| it == name) {
            let known: Vec<&str> = Profile::names().collect();
            mistakes.push(format!("profile {wanted}: there are auto, {}", known.join(", ")));
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.join("; ")) }
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut known: BTreeMap<String, Known> =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let targets = c.host.targets("snmp", OWN);
    known.retain(|name, _| targets.iter().any(|it| it.name == *name));
    for target in &targets {
        let known = known.entry(target.name.clone()).or_default();
        one(c, target, known);
    }
    *c.cursor = serde_json::to_string(&known).ok();
    Ok(())
}

/// Reads one device. One that does not answer is a problem, and stops no other.
fn one(c: &mut Collect<'_>, target: &Target, known: &mut Known) {
    let silent = Device::new(&target.name, known.serial.as_deref());
    let about = match choose::about(c.host, &target.name) {
        Ok(about) => about,
        Err(error) => return unreached(c, target, &silent, &error),
    };
    let wanted = target.options.get("profile").and_then(toml::Value::as_str);
    let profile = match choose::profile(c.host, &target.name, wanted, &about) {
        Ok(profile) => profile,
        Err(error) => return unreached(c, target, &silent, &error),
    };
    let profiles = profile.with_parts();
    let walked =
        match c.host.walk(&target.name, Ask { roots: &roots(&profiles), first: false }, WALK_LIMIT)
        {
            Ok(walked) => walked,
            Err(error) => return unreached(c, target, &silent, &error),
        };
    let facts = facts(&profiles, &about, &walked.bindings);
    let serial = facts.get("hw.serial_number").or(known.serial.as_ref());
    let device = Device::new(&target.name, serial.map(String::as_str));
    known.serial = serial.cloned();
    c.component(device.component(&target.address, facts));
    c.state(&metrics::REACHED, &device.id(), if walked.cuts.is_empty() { "yes" } else { "partly" });
    c.state(&metrics::PROFILE, &device.id(), &profile.name);
    if let Some(uptime) = about.uptime {
        c.sample(&metrics::UPTIME, &device.id(), uptime / 100.0);
    }
    gaps(c, target, profile, &device, &walked);
    let parts = part::parts(&profiles, &device, &walked.bindings);
    if parts.rows == 0 && walked.cuts.is_empty() && profile.silent.is_none() {
        let text =
            format!("{}: nothing of what is read of {} is there", target.name, profile.title);
        c.problem(Reason::Unsupported, Some(&device.id()), text);
    }
    if profile.name == "generic" && parts.rows > 0 && !parts.says_of_hardware() {
        let text = format!(
            "{}: no profile knows this device: only its ports and volumes are read, not its power supplies, fans and disks",
            target.name
        );
        c.problem(Reason::Unsupported, Some(&device.id()), text);
    }
    let print = fingerprint(&parts.proof);
    if !parts.proof.is_empty() && known.print != print {
        let proof = format!("{}, by {}\n{}", profile.title, profile.follows, parts.proof);
        c.evidence(format!("SNMP walk of {}", target.name), &proof);
        known.print = print;
    }
    emit(c, target, &device, parts);
}

fn unreached(c: &mut Collect<'_>, target: &Target, device: &Device, error: &HostError) {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        let more = it.to_string();
        if !text.contains(&more) {
            text.push_str(&format!(": {more}"));
        }
        cause = it.source();
    }
    c.component(device.component(&target.address, BTreeMap::new()));
    c.state(&metrics::REACHED, &device.id(), "no");
    c.problem(error.reason(), Some(&device.id()), text);
}

/// What was not read to its end.
fn gaps(c: &mut Collect<'_>, target: &Target, profile: &Profile, device: &Device, walked: &Walked) {
    if let Some(silent) = &profile.silent {
        c.problem(Reason::Unsupported, Some(&device.id()), format!("{}: {silent}", target.name));
    }
    for cut in &walked.cuts {
        let text = format!("{}: {} was not read to its end: {}", target.name, cut.root, cut.why);
        c.problem(cut.why.reason(), Some(&device.id()), text);
    }
}

/// The columns that the profiles read, each once.
fn roots(profiles: &[&Profile]) -> Vec<Oid> {
    let mut roots: Vec<Oid> = Vec::new();
    for table in profiles.iter().flat_map(|it| &it.tables) {
        roots.extend(table.columns.keys().filter_map(|it| table.column(it)));
        roots.extend(table.beside.values().map(|it| it.0.clone()));
    }
    roots.sort();
    roots.dedup();
    roots
}

/// Who the device is.
fn facts(
    profiles: &[&Profile],
    about: &About,
    all: &BTreeMap<Oid, Value>,
) -> BTreeMap<String, String> {
    let mut attrs = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            attrs.entry(name.to_owned()).or_insert(value);
        }
    };
    for profile in profiles {
        let facts = &profile.device;
        let first = |names: &[String]| names.iter().find_map(|it| fact(profile, it, all));
        add("hw.vendor", facts.vendor.clone());
        add("hw.model", first(&facts.model));
        add("hw.serial_number", first(&facts.serial));
        add("hw.firmware_version", first(&facts.firmware));
    }
    let line: String =
        about.description.lines().next().unwrap_or_default().chars().take(120).collect();
    add("snmp.system.description", Some(line.trim().to_owned()));
    add("snmp.system.name", Some(about.name.chars().take(120).collect()));
    attrs
}

/// `TABLE.COLUMN` of the first row that says something.
fn fact(profile: &Profile, name: &str, all: &BTreeMap<Oid, Value>) -> Option<String> {
    let (table, column) = name.split_once('.')?;
    let table = profile.tables.iter().find(|it| it.name == table)?;
    rows::rows(table, all).iter().find_map(|row| row.text(column))
}

fn emit(c: &mut Collect<'_>, target: &Target, device: &Device, parts: Parts) {
    for group in sets::groups(device, &target.name, &parts.all) {
        c.component(group);
    }
    for part in parts.all {
        let id = part.component.id.clone();
        // What speaks of the whole device is the device's own.
        if id != device.id() {
            c.component(part.component);
        }
        if let Some(health) = part.health {
            c.state(&metrics::HEALTH, &id, health.word());
            c.state(&metrics::REPORTED, &id, &part.reported);
        }
        for (metric, word) in &part.words {
            c.state(metric, &id, word);
        }
        for (metric, attr, value) in &part.numbers {
            let attr: Vec<(&str, &str)> =
                attr.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            c.sample_with(metric, &id, &attr, *value);
        }
    }
    c.sample(&metrics::UNKNOWN, &device.id(), f64::from(parts.unknown));
    for (reason, id, text) in parts.problems {
        c.problem(reason, id.as_ref(), text);
    }
}

/// One saved walk per device; the file's name is the device's.
fn saved(files: &[File], _: Time) -> Result<SavedHost, String> {
    let mut host = crate::host::Given::default();
    for file in files {
        let read = read_walk(&file.content, &catalog::symbol);
        if read.bindings.is_empty() {
            let shown =
                read.examples.first().map(|it| format!("; found {it:?}")).unwrap_or_default();
            return Err(format!(
                "{}: want a walk (`snmpwalk -On …` or .snmprec){shown}",
                file.name
            ));
        }
        if read.more {
            return Err(format!("{}: more values than a walk of one device has", file.name));
        }
        let base = file.name.rsplit('/').next().unwrap_or(&file.name);
        let plain: String = base
            .chars()
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
            .take(60)
            .collect();
        let name = plain.trim_start_matches('-').to_owned();
        host.target(if name.is_empty() { "device" } else { &name }, read.bindings);
    }
    Ok(SavedHost { host, at: None })
}
