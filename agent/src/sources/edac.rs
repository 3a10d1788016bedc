//! Memory errors by module, as the kernel's EDAC drivers count them.
//!
//! Facts: kernel documents `admin-guide/ras` and `sysfs-devices-edac`. Three layouts are read: a folder a module
//! (`dimm0`), a folder a rank (`rank0`; ranks with one label are one module), and the old one of rows and channels
//! (`csrow0/ch0_ce_count`), which kernels before 4.10 alone fill. Counts begin anew with every boot.
//!
//! Invariant: errors whose module is not known are counted on the controller, never left out.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::{self, plausible_key, word},
    host::Host,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "edac",
    title: Words { zh: "内存 ECC（EDAC）", en: "Memory errors (EDAC)" },
    about: Words {
        zh: "逐条内存的可纠正与不可纠正错误计数",
        en: "corrected and uncorrected errors of each memory module",
    },
    needs: &[Need::Path(MC)],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取内核已有的计数文件，不清零计数。",
        en: "Reads counters that the kernel keeps anyway, and resets none.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(20),
    metrics: &[CONTROLLERS, CORRECTED, UNCORRECTED, SIZE],
    states: &[],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const MC: &str = "sys/devices/system/edac/mc";

const CONTROLLERS: Metric = Metric::gauge(
    "hw.memory.controllers",
    "{controller}",
    "内存控制器数",
    "Memory controllers whose errors the kernel counts; 0: it counts none.",
);
const CORRECTED: Metric = Metric::counter(
    "hw.memory.errors.corrected",
    "{error}",
    "可纠正内存错误",
    "Errors of the module that were corrected since boot.",
);
const UNCORRECTED: Metric = Metric::counter(
    "hw.memory.errors.uncorrected",
    "{error}",
    "不可纠正内存错误",
    "Errors of the module that could not be corrected since boot.",
);
const SIZE: Metric = Metric::gauge("hw.memory.size", "By", "内存容量", "Size of the module.");

/// Modules of one host; the largest have 192.
const MODULES_MAX: usize = 1024;

/// A module, or what is known of it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Module {
    /// As the board's maker calls its slot, or as the driver calls its place.
    label: Option<String>,
    /// `mc0 channel 0 slot 0`.
    place: String,
    corrected: Option<f64>,
    uncorrected: Option<f64>,
    /// Bytes.
    size: Option<f64>,
    kind: Option<String>,
    mode: Option<String>,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let names = c.host.list(MC)?;
    let controllers: Vec<&String> =
        names.iter().filter(|it| numbered(it, "mc").is_some()).collect();
    c.sample(&CONTROLLERS, &ComponentId::host(), count(controllers.len()));
    let mut modules = Vec::new();
    for controller in controllers {
        modules.extend(modules_of(c, controller));
        unplaced(c, controller);
    }
    let mut modules = together(modules);
    if modules.len() > MODULES_MAX {
        let text = format!("only {MODULES_MAX} of {} memory modules", modules.len());
        c.problem(Reason::Truncated, None, text);
        while modules.len() > MODULES_MAX {
            modules.pop_last();
        }
    }
    let slots = Slots::read(c.host);
    for (key, module) in modules {
        emit(c, &key, &module, &slots);
    }
    Ok(())
}

/// `dimm3` gives 3.
fn numbered(name: &str, prefix: &str) -> Option<u32> {
    name.strip_prefix(prefix)?.parse().ok()
}

fn modules_of(c: &mut Collect<'_>, controller: &str) -> Vec<Module> {
    let dir = format!("{MC}/{controller}");
    let names = c.host.list(&dir).unwrap_or_default();
    let own: Vec<Module> = names
        .iter()
        .filter(|it| numbered(it, "dimm").or_else(|| numbered(it, "rank")).is_some())
        .map(|it| module(c.host, controller, &format!("{dir}/{it}")))
        .filter(|it| it.size != Some(0.0))
        .collect();
    if own.iter().any(|it| it.corrected.is_some()) {
        return own;
    }
    let rows: Vec<Module> = names
        .iter()
        .filter(|it| numbered(it, "csrow").is_some())
        .flat_map(|it| row(c.host, controller, &dir, it))
        .collect();
    if own.is_empty() {
        return rows;
    }
    // An old kernel: the folders of modules say what they are, the rows count.
    with_counts(own, rows)
}

fn module(host: &dyn Host, controller: &str, dir: &str) -> Module {
    let file = |name: &str| word(host, &format!("{dir}/{name}"));
    let number = |name: &str| devices::number::<f64>(host, &format!("{dir}/{name}"));
    let location = file("dimm_location")
        .unwrap_or_else(|| dir.rsplit('/').next().unwrap_or_default().to_owned());
    Module {
        label: file("dimm_label"),
        place: format!("{controller} {location}"),
        corrected: number("dimm_ce_count"),
        uncorrected: number("dimm_ue_count"),
        // In MiB.
        size: number("size").map(|it| it * 1024.0 * 1024.0),
        kind: file("dimm_mem_type").filter(|it| it != "Unknown"),
        mode: file("dimm_edac_mode").filter(|it| it != "Unknown"),
    }
}

/// The channels of a row. Uncorrected errors are known by row only: they are told of each of its modules.
fn row(host: &dyn Host, controller: &str, dir: &str, name: &str) -> Vec<Module> {
    let file = |it: &str| word(host, &format!("{dir}/{name}/{it}"));
    let number = |it: &str| devices::number::<f64>(host, &format!("{dir}/{name}/{it}"));
    let channels: Vec<u32> = host
        .list(&format!("{dir}/{name}"))
        .unwrap_or_default()
        .iter()
        .filter_map(|it| it.strip_prefix("ch")?.strip_suffix("_ce_count")?.parse().ok())
        .collect();
    let base = Module {
        uncorrected: number("ue_count"),
        kind: file("mem_type"),
        mode: file("edac_mode"),
        ..Module::default()
    };
    if channels.is_empty() {
        let place = format!("{controller} {name}");
        return vec![Module { place, corrected: number("ce_count"), ..base }];
    }
    let of = |channel: u32| Module {
        label: file(&format!("ch{channel}_dimm_label")),
        place: format!("{controller} {name} channel {channel}"),
        corrected: number(&format!("ch{channel}_ce_count")),
        ..base.clone()
    };
    channels.into_iter().map(of).collect()
}

/// Counts of rows for modules of the same label; those that fit none stay as they are.
fn with_counts(own: Vec<Module>, rows: Vec<Module>) -> Vec<Module> {
    let named = |it: &Module| it.label.is_some() && own.iter().any(|own| own.label == it.label);
    let (mut counts, rest): (Vec<Module>, Vec<Module>) = rows.into_iter().partition(named);
    if counts.is_empty() {
        return rest;
    }
    for module in own {
        counts.push(Module { corrected: None, uncorrected: None, ..module });
    }
    counts.extend(rest);
    counts
}

/// Ranks and rows of one label are one module; without a label, each place stands for itself.
fn together(modules: Vec<Module>) -> BTreeMap<String, Module> {
    let mut all: BTreeMap<String, Module> = BTreeMap::new();
    for module in modules {
        let key = module.label.as_deref().and_then(plausible_key);
        let key = key.unwrap_or_else(|| module.place.clone());
        let Some(known) = all.get_mut(&key) else {
            all.insert(key, module);
            continue;
        };
        known.corrected = sum(known.corrected, module.corrected);
        known.uncorrected = sum(known.uncorrected, module.uncorrected);
        known.size = sum(known.size, module.size);
        known.kind = known.kind.take().or(module.kind);
        known.mode = known.mode.take().or(module.mode);
    }
    all
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

/// Errors of a controller whose module is not known.
fn unplaced(c: &mut Collect<'_>, controller: &str) {
    let number = |name: &str| devices::number::<f64>(c.host, &format!("{MC}/{controller}/{name}"));
    let (corrected, uncorrected) = (number("ce_noinfo_count"), number("ue_noinfo_count"));
    let (corrected, uncorrected) = match (corrected, uncorrected) {
        (None, None) => (number("ce_count"), number("ue_count")),
        known => known,
    };
    let id = ComponentId::new("memory", controller);
    let mut attrs = BTreeMap::new();
    if let Some(driver) = word(c.host, &format!("{MC}/{controller}/mc_name")) {
        attrs.insert("edac.controller".to_owned(), driver);
    }
    let name = format!("{controller} (module unknown)");
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    numbers(c, &id, corrected, uncorrected);
}

fn numbers(
    c: &mut Collect<'_>,
    id: &ComponentId,
    corrected: Option<f64>,
    uncorrected: Option<f64>,
) {
    for (metric, value) in [(&CORRECTED, corrected), (&UNCORRECTED, uncorrected)] {
        match value {
            Some(value) => c.sample(metric, id, value),
            None => {
                let text = format!("{id}: {} is not counted here", metric.name);
                c.problem(Reason::Unsupported, Some(id), text);
            }
        }
    }
}

fn emit(c: &mut Collect<'_>, key: &str, module: &Module, slots: &Slots) {
    let id = ComponentId::new("memory", key);
    let mut attrs = BTreeMap::from([("edac.location".to_owned(), module.place.clone())]);
    for (name, value) in [("hw.memory.type", &module.kind), ("edac.mode", &module.mode)] {
        if let Some(value) = value {
            attrs.insert(name.to_owned(), value.clone());
        }
    }
    slots.attrs(module.label.as_deref().unwrap_or_default(), &mut attrs);
    let name = key.to_owned();
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    numbers(c, &id, module.corrected, module.uncorrected);
    if let Some(size) = module.size {
        c.sample(&SIZE, &id, size);
    }
}

/// What the firmware says of the memory slots. udev (systemd 248 and later) keeps it where everybody can read it.
#[derive(Debug, Default)]
struct Slots {
    /// By the slot's name, `DIMM_A1`: properties without their prefix.
    by_locator: BTreeMap<String, BTreeMap<String, String>>,
}

impl Slots {
    fn read(host: &dyn Host) -> Slots {
        let text = host.read("run/udev/data/+dmi:id").unwrap_or_default();
        let mut devices: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("E:MEMORY_DEVICE_") else { continue };
            let Some((name, value)) = rest.split_once('=') else { continue };
            let Some((number, name)) = name.split_once('_') else { continue };
            let device = devices.entry(number).or_default();
            device.insert(name.to_owned(), value.trim().to_owned());
        }
        let named = devices.into_values().filter_map(|it| Some((it.get("LOCATOR")?.clone(), it)));
        Slots { by_locator: named.filter(|(locator, _)| locator.len() > 1).collect() }
    }

    /// Serial number and part of the module in the slot that the label names: `DIMM_A1`, or `CPU1 DIMM_A1`.
    fn attrs(&self, label: &str, attrs: &mut BTreeMap<String, String>) {
        let fits = |it: &&String| label == it.as_str() || label.ends_with(&format!(" {it}"));
        let Some(locator) = self.by_locator.keys().find(fits) else { return };
        let device = &self.by_locator[locator];
        attrs.insert("hw.slot".to_owned(), locator.clone());
        for (name, key) in [
            ("hw.serial_number", "SERIAL_NUMBER"),
            ("hw.part_number", "PART_NUMBER"),
            ("hw.vendor", "MANUFACTURER"),
        ] {
            if let Some(value) = device.get(key).and_then(|it| plausible_key(it)) {
                attrs.insert(name.to_owned(), value);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of folders")]
fn count(number: usize) -> f64 {
    number as f64
}
