//! Disk enclosures and backplanes (SES): slots with their disks, power supplies, fans, temperatures, controllers.
//!
//! Facts: kernel `drivers/misc/enclosure.c` and `drivers/scsi/ses.c` (`/sys/class/enclosure`), SES-3 for what `sg_ses`
//! reads beyond. Invariants: an enclosure seen over two paths is one, by its logical id; a slot never occupied and a bay
//! never filled are no faults.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use crate::{
    devices::{self, known, number, plausible_key, word},
    hardware as hw,
    host::{HostError, Program},
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, fingerprint, no_options},
};

mod elements;

mod saved;

mod ses;

use ses::Status;

/// See the module.
pub const SOURCE: Source = Source {
    name: "enclosure",
    title: Words { zh: "磁盘机箱与背板（SES）", en: "Disk enclosures (SES)" },
    about: Words {
        zh: "磁盘机箱的槽位、电源、风扇、温度与控制模块",
        en: "slots, power supplies, fans, temperatures and controllers of disk enclosures",
    },
    needs: &[Need::Path(ENCLOSURES)],
    programs: &[SG_SES],
    runs: &["sg_ses --readonly --join {device}"],
    harmless: Words {
        zh: "读取内核已有的槽位状态；sg_ses 以只读方式查询状态页，每五分钟每个机箱一次，不点灯、不改设置。",
        en: "Reads what the kernel keeps of the slots; sg_ses asks read-only for status pages, once in five minutes for \
             each enclosure, and switches nothing.",
    },
    every: Duration::from_secs(300),
    deadline: Duration::from_secs(120),
    metrics: &[SLOTS, FAULT, LOCATE, hw::TEMPERATURE, hw::FAN_SPEED, hw::VOLTAGE, hw::CURRENT],
    states: &[STATUS],
    events: &[],
    saved: Saved::Own {
        what: &["output of `sg_ses --join`, `sg_ses --page=es` or `midclt call enclosure2.query`"],
        host: saved::host,
    },
    check: no_options,
    collect,
};

const ENCLOSURES: &str = "sys/class/enclosure";

const SG_SES: Program =
    Program { name: "sg_ses", places: &["/usr/bin/sg_ses", "/usr/sbin/sg_ses"], root: true };

const SLOTS: Metric = Metric::gauge(
    "enclosure.slots",
    "{slot}",
    "机箱槽位数",
    "Slots of the enclosure by enclosure.slot.state: occupied or empty.",
);
const FAULT: Metric = Metric::gauge(
    "enclosure.slot.fault",
    "{flag}",
    "槽位故障灯",
    "Whether the slot's fault lamp is on or the enclosure senses a fault there.",
);
const LOCATE: Metric = Metric::gauge(
    "enclosure.slot.locate",
    "{flag}",
    "槽位定位灯",
    "Whether the slot's locate lamp is on.",
);
const STATUS: Metric = Metric::word(
    "enclosure.element.status",
    "机箱部件状态",
    "What the enclosure says of the part: ok, noncritical, critical, unrecoverable, not installed, unknown, \
     not available.",
);

/// `enclosure_type` of the kernel.
const TYPES: [&str; 2] = ["array device", "device"];

/// Enclosures of one host; a path each.
const ENCLOSURES_MAX: usize = 128;

/// Parts that are remembered.
const SEEN_MAX: usize = 4000;

/// What is kept between runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// Parts that were installed once.
    seen: BTreeSet<String>,
    /// Fingerprints of the evidence that the collector has, by enclosure.
    evidence: BTreeMap<String, String>,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let stored = c.cursor.as_deref().and_then(|it| serde_json::from_str::<Cursor>(it).ok());
    let mut cursor = stored.unwrap_or_default();
    let mut names = c.host.list(ENCLOSURES)?;
    names.retain(|it| !it.starts_with('.'));
    if names.len() > ENCLOSURES_MAX {
        let text = format!("only {ENCLOSURES_MAX} of {} enclosures", names.len());
        c.problem(Reason::Truncated, None, text);
        names.truncate(ENCLOSURES_MAX);
    }
    let mut done = BTreeSet::new();
    let has_tool = c.host.has(Need::Program("sg_ses"));
    for name in &names {
        let before = c.host.kept_back();
        let status = if has_tool { ask(c, name) } else { None };
        let whole = c.host.kept_back() == before;
        let id = identity(c, name, status.as_ref());
        if done.insert(id.clone()) {
            one(c, name, &id, status.as_ref(), &mut cursor, whole);
        }
    }
    if !has_tool && !names.is_empty() {
        let text = "power supplies, fans and temperatures of the enclosures are not read: sg_ses (package sg3_utils) \
                    is not installed";
        c.problem(Reason::Unsupported, None, text);
    }
    *c.cursor = serde_json::to_string(&cursor).ok();
    Ok(())
}

/// Asks the enclosure itself.
fn ask(c: &mut Collect<'_>, name: &str) -> Option<Status> {
    let generic = c.host.list(&format!("{ENCLOSURES}/{name}/device/scsi_generic"));
    let Some(device) = generic.ok().and_then(|it| it.into_iter().find(|it| it.starts_with("sg")))
    else {
        let text = format!("{name}: no device /dev/sgN, through which its elements could be read");
        c.problem(Reason::Missing, None, text);
        return None;
    };
    let device = format!("/dev/{device}");
    let argv = ["sg_ses", "--readonly", "--join", device.as_str()];
    let output = match c.host.run(&argv) {
        Ok(output) => output,
        Err(error) => return unread(c, name, &error),
    };
    let status = ses::parse(&output.stdout);
    if status.elements.is_empty() {
        let output_start: String = output.stdout.chars().take(80).collect();
        let why = match output.ok(&argv) {
            Ok(_) => format!("`{}` names no elements", argv.join(" ")),
            Err(error) => return unread(c, name, &error),
        };
        c.host.misread(&format!("`{}`", argv.join(" ")), &output_start);
        c.problem(Reason::Unparsable, None, format!("elements of enclosure {name}: {why}"));
        return None;
    }
    Some(status)
}

fn unread(c: &mut Collect<'_>, name: &str, error: &HostError) -> Option<Status> {
    c.problem(error.reason(), None, format!("elements of enclosure {name}: {error}"));
    None
}

/// The logical id; the SCSI address, which changes, as a last resort.
fn identity(c: &Collect<'_>, name: &str, status: Option<&Status>) -> ComponentId {
    let key = word(c.host, &format!("{ENCLOSURES}/{name}/id"))
        .or_else(|| status.and_then(|it| it.id.clone()))
        .map(|it| it.trim_start_matches("0x").to_lowercase())
        .and_then(|it| plausible_key(&it));
    ComponentId::new("enclosure", key.as_deref().unwrap_or(name))
}

fn one(
    c: &mut Collect<'_>,
    name: &str,
    id: &ComponentId,
    status: Option<&Status>,
    cursor: &mut Cursor,
    whole: bool,
) {
    let device = |file: &str| word(c.host, &format!("{ENCLOSURES}/{name}/device/{file}"));
    let (vendor, model) = (device("vendor"), device("model"));
    let mut attrs = BTreeMap::from([("enclosure.address".to_owned(), name.to_owned())]);
    if id.key() == name {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    for (name, value) in
        [("hw.vendor", &vendor), ("hw.model", &model), ("hw.firmware_version", &device("rev"))]
    {
        if let Some(value) = value {
            attrs.insert(name.to_owned(), value.clone());
        }
    }
    let said = status.and_then(|it| it.model.clone());
    let people = [vendor, model].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let people = if people.is_empty() { said.unwrap_or_else(|| name.to_owned()) } else { people };
    c.component(Component { id: id.clone(), name: people, attrs, links: Vec::new(), set: None });
    slots(c, name, id, status, cursor, whole);
    if let Some(status) = status {
        elements::emit(c, id, status, &mut cursor.seen);
        evidence(c, id, status, cursor);
    }
}

/// Kept when a status changed; temperatures and speeds change all the time.
fn evidence(c: &mut Collect<'_>, id: &ComponentId, status: &Status, cursor: &mut Cursor) {
    let line = |it: &ses::Element| format!("{} {} {}: {}\n", it.kind, it.index, it.name, it.status);
    let text: String = status.elements.iter().map(line).collect();
    let now = fingerprint(&text);
    let known = cursor.evidence.insert(id.key().to_owned(), now.clone());
    if known.as_ref() != Some(&now) {
        c.evidence(format!("sg_ses --join ({})", id.key()), &text);
    }
}

/// A place for a drive.
struct Slot {
    key: String,
    number: Option<u32>,
    status: Option<String>,
    fault: Option<f64>,
    locate: Option<f64>,
    disk: Option<String>,
}

fn slots(
    c: &mut Collect<'_>,
    name: &str,
    id: &ComponentId,
    status: Option<&Status>,
    cursor: &mut Cursor,
    whole: bool,
) {
    let before = c.host.kept_back();
    let mut slots = from_sysfs(c, name);
    elements::complete(c, status, &mut slots);
    let whole = whole && c.host.kept_back() == before;
    if !whole {
        // The kernel and the enclosure may differ: what one of them did not say may be the fault.
        slots.iter_mut().for_each(|it| it.status = it.status.take().filter(|word| word != "ok"));
    }
    let (mut occupied, mut empty) = (0.0, 0.0);
    for slot in &slots {
        let bay = ComponentId::new("bay", &format!("{}/{}", id.key(), slot.key));
        let there = slot.disk.is_some()
            || slot
                .status
                .as_deref()
                .is_some_and(|it| !matches!(it, "not installed" | "unsupported"));
        if there {
            occupied += 1.0;
        } else {
            empty += 1.0;
        }
        let known = cursor.seen.contains(bay.as_str());
        let lit = slot.fault == Some(1.0) || slot.locate == Some(1.0);
        if !there && !known && !lit {
            continue;
        }
        if there && !known && cursor.seen.len() < SEEN_MAX {
            cursor.seen.insert(bay.to_string());
        }
        bay_of(c, id, slot, &bay);
        if let Some(disk) = &slot.disk {
            disk_of(c, id, slot, disk);
        }
    }
    // A drive whose place was kept from us would leave an empty slot behind.
    for (word, count) in [("occupied", occupied), ("empty", empty)].into_iter().filter(|_| whole) {
        c.sample_with(&SLOTS, id, &[("enclosure.slot.state", word)], count);
    }
}

fn bay_of(c: &mut Collect<'_>, id: &ComponentId, slot: &Slot, bay: &ComponentId) {
    let mut attrs = BTreeMap::from([("hw.enclosure".to_owned(), id.key().to_owned())]);
    attrs.insert("hw.slot".to_owned(), slot.number.map_or(slot.key.clone(), |it| it.to_string()));
    let links = vec![Link { relation: Relation::Via, to: id.clone() }];
    c.component(Component { id: bay.clone(), name: slot.key.clone(), attrs, links, set: None });
    if let Some(status) = slot.status.as_deref().filter(|it| *it != "unsupported") {
        c.state(&STATUS, bay, status);
    }
    for (metric, value) in [(&FAULT, slot.fault), (&LOCATE, slot.locate)] {
        if let Some(value) = value {
            c.sample(metric, bay, value);
        }
    }
}

/// Says where the disk is; what it is, other sources say.
fn disk_of(c: &mut Collect<'_>, id: &ComponentId, slot: &Slot, disk: &str) {
    let identity = devices::disk(c.host, disk);
    let mut attrs = BTreeMap::from([
        ("hw.enclosure".to_owned(), id.key().to_owned()),
        ("hw.slot".to_owned(), slot.number.map_or(slot.key.clone(), |it| it.to_string())),
    ]);
    if !identity.stable {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    let links = vec![Link { relation: Relation::Via, to: id.clone() }];
    c.component(Component { id: identity.id, name: disk.to_owned(), attrs, links, set: None });
}

fn from_sysfs(c: &Collect<'_>, name: &str) -> Vec<Slot> {
    let dir = format!("{ENCLOSURES}/{name}");
    let names = c.host.list(&dir).unwrap_or_default();
    let own = |it: &&String| !matches!(it.as_str(), "device" | "power" | "subsystem");
    names
        .iter()
        .filter(own)
        .filter_map(|slot| {
            let of_ses = |it: &str| TYPES.contains(&it).then(|| it.contains("device"));
            if !known(c.host, &format!("{dir}/{slot}/type"), of_ses)? {
                return None;
            }
            let blocks = c.host.list(&format!("{dir}/{slot}/device/block")).unwrap_or_default();
            let flag = |name: &str| number::<f64>(c.host, &format!("{dir}/{slot}/{name}"));
            Some(Slot {
                key: slot.trim().to_owned(),
                number: number(c.host, &format!("{dir}/{slot}/slot")).or_else(|| digits(slot)),
                status: known(c.host, &format!("{dir}/{slot}/status"), ses::known),
                fault: flag("fault").map(|it| if it == 0.0 { 0.0 } else { 1.0 }),
                locate: flag("locate").map(|it| if it == 0.0 { 0.0 } else { 1.0 }),
                disk: blocks.into_iter().find(|it| devices::is_disk(it)),
            })
        })
        .collect()
}

/// `Slot 05`, `ArrayDevice05`, `5` give 5.
fn digits(name: &str) -> Option<u32> {
    let tail: String = name.chars().rev().take_while(char::is_ascii_digit).collect();
    tail.chars().rev().collect::<String>().parse().ok()
}
