//! Temperatures, fans and voltages that the kernel reads itself: `/sys/class/hwmon`.
//!
//! Facts: kernel documents `hwmon/sysfs-interface` and those of the drivers. Much of it is not true: boards leave inputs
//! of their monitoring chips unconnected, firmware gives constants, limits are factory defaults. So a channel is told
//! only if its reading is possible, a limit only if it makes sense, an alarm only beside a limit of its own, a voltage
//! only if a driver or board file named it, and a fan only once it turns or has a lower limit.
//!
//! Drives' own sensors (`drivetemp`, `nvme`) are left to the sources of the drives.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::{self, word},
    hardware as hw,
    host::HostError,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "hwmon",
    title: Words { zh: "主板与芯片传感器", en: "Board and chip sensors" },
    about: Words {
        zh: "内核直接读取的处理器、内存、网卡、电源模块温度，以及风扇和电压",
        en: "temperatures of processors, memory, adapters and power modules, fans and voltages read by the kernel",
    },
    needs: &[Need::Path(HWMON)],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取内核的小文件，每分钟一次，不写入任何阈值。",
        en: "Reads small files of the kernel once a minute and sets no limits.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(30),
    metrics: &[
        CHIPS,
        hw::TEMPERATURE,
        hw::TEMPERATURE_LIMIT,
        hw::FAN_SPEED,
        hw::FAN_SPEED_LIMIT,
        hw::VOLTAGE,
        hw::VOLTAGE_LIMIT,
        hw::CURRENT,
        hw::POWER,
    ],
    states: &[ALARM],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const HWMON: &str = "sys/class/hwmon";

const CHIPS: Metric = Metric::gauge(
    "hwmon.chips",
    "{chip}",
    "监控芯片数",
    "Monitoring chips that the kernel knows, drives' own sensors included.",
);
const ALARM: Metric = Metric::word(
    "hwmon.alarm",
    "传感器告警",
    "What the chip itself says: ok, or the limit that is passed: min, max, crit, emergency, fault.",
);

/// Chips that sit in a drive.
const DRIVES: [&str; 2] = ["drivetemp", "nvme"];

/// Chips whose temperatures firmware makes up, or that only repeat another chip's.
const MADE_UP: [&str; 3] = ["acpitz", "pch_", "iwlwifi"];

/// Channels of one chip; the largest (a processor with 128 cores) has 130.
const CHANNELS_MAX: usize = 512;

/// A kind of channel: prefix of its files, component, unit, and which readings are possible.
struct Kind {
    prefix: &'static str,
    component: &'static str,
    metric: &'static Metric,
    limit: Option<&'static Metric>,
    /// Of the kernel's whole number.
    scale: f64,
    possible: std::ops::RangeInclusive<f64>,
}

const KINDS: [Kind; 5] = [
    Kind {
        prefix: "temp",
        component: "temperature",
        metric: &hw::TEMPERATURE,
        limit: Some(&hw::TEMPERATURE_LIMIT),
        scale: 1e-3,
        possible: -40.0..=150.0,
    },
    Kind {
        prefix: "fan",
        component: "fan",
        metric: &hw::FAN_SPEED,
        limit: Some(&hw::FAN_SPEED_LIMIT),
        scale: 1.0,
        possible: 0.0..=60_000.0,
    },
    Kind {
        prefix: "in",
        component: "voltage",
        metric: &hw::VOLTAGE,
        limit: Some(&hw::VOLTAGE_LIMIT),
        scale: 1e-3,
        possible: -60.0..=500.0,
    },
    Kind {
        prefix: "curr",
        component: "sensor",
        metric: &hw::CURRENT,
        limit: None,
        scale: 1e-3,
        possible: 0.0..=1_000.0,
    },
    Kind {
        prefix: "power",
        component: "sensor",
        metric: &hw::POWER,
        limit: None,
        scale: 1e-6,
        possible: 0.0..=20_000.0,
    },
];

/// Files of limits, gravest last, with the types of OpenTelemetry.
const LIMITS: [(&str, &str); 6] = [
    ("min", "low.degraded"),
    ("lcrit", "low.critical"),
    ("max", "high.degraded"),
    ("crit", "high.critical"),
    ("emergency", "high.non_recoverable"),
    ("cap", "max"),
];

/// A chip.
struct Chip {
    /// `sys/class/hwmon/hwmon3`.
    dir: String,
    /// The driver's name for it: `coretemp`.
    name: String,
    /// Where it is: `0000:00:18.3`, `coretemp.0`, `1-004c`; empty if the kernel does not say.
    place: String,
    files: Vec<String>,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let names = c.host.list(HWMON)?;
    let chips: Vec<Chip> =
        names.iter().filter(|it| it.starts_with("hwmon")).map(|it| chip(c, it)).collect();
    let number = u32::try_from(chips.len()).unwrap_or(u32::MAX);
    c.sample(&CHIPS, &ComponentId::host(), f64::from(number));
    let mut taken = BTreeMap::new();
    for chip in &chips {
        let skipped = DRIVES.contains(&chip.name.as_str())
            || MADE_UP.iter().any(|it| chip.name.starts_with(it));
        if !skipped {
            read(c, chip, &mut taken);
        }
    }
    Ok(())
}

fn chip(c: &Collect<'_>, name: &str) -> Chip {
    let mut dir = format!("{HWMON}/{name}");
    let mut files = c.host.list(&dir).unwrap_or_default();
    // Kernels before 3.13 keep the channels of some chips one folder deeper.
    if !files.iter().any(|it| it.ends_with("_input")) {
        let device = format!("{dir}/device");
        let deeper = c.host.list(&device).unwrap_or_default();
        if deeper.iter().any(|it| it.ends_with("_input")) {
            (dir, files) = (device, deeper);
        }
    }
    let link = c.host.link(&format!("{HWMON}/{name}/device")).unwrap_or_default();
    let place = link.rsplit('/').next().unwrap_or_default().to_owned();
    let driver = word(c.host, &format!("{dir}/name"))
        .or_else(|| word(c.host, &format!("{HWMON}/{name}/name")))
        .unwrap_or_else(|| "unknown".to_owned());
    Chip { dir, name: driver, place, files }
}

fn read(c: &mut Collect<'_>, chip: &Chip, taken: &mut BTreeMap<ComponentId, ()>) {
    let inputs: Vec<&str> = chip.files.iter().filter_map(|it| stem(it)).collect();
    if inputs.len() > CHANNELS_MAX {
        let text = format!("{}: only {CHANNELS_MAX} of {} channels", chip.name, inputs.len());
        c.problem(Reason::Truncated, None, text);
    }
    for stem in inputs.into_iter().take(CHANNELS_MAX) {
        let letters = stem.trim_end_matches(|it: char| it.is_ascii_digit());
        if let Some(kind) = KINDS.iter().find(|it| it.prefix == letters) {
            channel(c, chip, kind, stem, taken);
        }
    }
}

/// `temp1` of `temp1_input`; power meters give `power1_average` instead.
fn stem(file: &str) -> Option<&str> {
    file.strip_suffix("_input").or_else(|| file.strip_suffix("_average"))
}

fn channel(
    c: &mut Collect<'_>,
    chip: &Chip,
    kind: &Kind,
    stem: &str,
    taken: &mut BTreeMap<ComponentId, ()>,
) {
    let label = word(c.host, &format!("{}/{stem}_label", chip.dir));
    let limits = limits(c, chip, kind, stem);
    // Without a name a voltage is that behind an unknown divider.
    if kind.prefix == "in" && label.is_none() {
        return;
    }
    let what = label.clone().unwrap_or_else(|| stem.to_owned());
    let at = if chip.place.is_empty() {
        chip.name.clone()
    } else {
        format!("{} {}", chip.name, chip.place)
    };
    let mut id = ComponentId::new(kind.component, &format!("{at} {what}"));
    if taken.contains_key(&id) {
        id = ComponentId::new(kind.component, &format!("{at} {what} {stem}"));
    }
    if taken.insert(id.clone(), ()).is_some() {
        return; // two chips that the kernel does not tell apart
    }
    let value = match value(c, chip, stem) {
        Ok(value) => value * kind.scale,
        // A sensor without its part: an empty socket, a module that is switched off.
        Err(error) if absent(&error) => return,
        Err(error) => {
            component(c, &id, &what, chip);
            return c.problem(error.reason(), Some(&id), format!("{at} {what}: {error}"));
        }
    };
    let low = limits.iter().any(|(kind, _)| kind.starts_with("low"));
    if kind.prefix == "fan" && value == 0.0 && !low {
        return; // nothing is connected
    }
    if !kind.possible.contains(&value) && value.is_finite() && limits.is_empty() {
        return; // an input of a board's chip that nothing is connected to
    }
    component(c, &id, &what, chip);
    if !kind.possible.contains(&value) {
        let text = format!("{at} {what} reads {value}, which cannot be");
        let reason = if value.is_finite() { Reason::Implausible } else { Reason::Unparsable };
        return c.problem(reason, Some(&id), text);
    }
    c.sample(kind.metric, &id, tidy(value));
    if let Some(metric) = kind.limit {
        for (kind, value) in &limits {
            c.sample_with(metric, &id, &[("hw.limit_type", kind)], tidy(*value));
        }
    }
    if let Some(alarm) = alarm(c, chip, stem, !limits.is_empty()) {
        c.state(&ALARM, &id, alarm);
    }
}

fn component(c: &mut Collect<'_>, id: &ComponentId, name: &str, chip: &Chip) {
    let mut attrs = BTreeMap::from([("hwmon.chip".to_owned(), chip.name.clone())]);
    if chip.place.is_empty() {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    } else {
        attrs.insert("hwmon.device".to_owned(), chip.place.clone());
    }
    let name = format!("{} {name}", chip.name);
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
}

fn value(c: &Collect<'_>, chip: &Chip, stem: &str) -> Result<f64, HostError> {
    let text = match c.host.read(&format!("{}/{stem}_input", chip.dir)) {
        Err(_) if chip.files.contains(&format!("{stem}_average")) => {
            c.host.read(&format!("{}/{stem}_average", chip.dir))?
        }
        other => other?,
    };
    // What is no number is as good as no reading: the range check names it.
    Ok(text.trim().parse().unwrap_or(f64::INFINITY))
}

/// `ENODATA`, `ENXIO`, `ENODEV`: there is nothing to be read now.
fn absent(error: &HostError) -> bool {
    let HostError::Read { source, .. } = error else { return false };
    matches!(source.raw_os_error(), Some(6 | 19 | 61))
}

/// The channel's own limits, as far as they make sense.
fn limits(c: &Collect<'_>, chip: &Chip, kind: &Kind, stem: &str) -> Vec<(&'static str, f64)> {
    let number = |file: &str| {
        let name = format!("{stem}_{file}");
        // Read only what is listed: some chips answer slowly.
        let there = chip.files.contains(&name);
        there.then(|| devices::number::<f64>(c.host, &format!("{}/{name}", chip.dir)))?
    };
    let given =
        LIMITS.iter().filter_map(|(file, limit)| Some((*limit, number(file)? * kind.scale)));
    let sensible = |(limit, value): &(&str, f64)| match kind.prefix {
        // Below the freezing point a lower limit says nothing; 127 and more are registers at their end.
        "temp" => !limit.starts_with("low") && (20.0..127.0).contains(value),
        "fan" => limit.starts_with("low") && *value > 0.0 && kind.possible.contains(value),
        _ => *value != 0.0 && kind.possible.contains(value),
    };
    let all: Vec<(&str, f64)> = given.filter(sensible).collect();
    let one = |wanted: &str| all.iter().find(|(limit, _)| *limit == wanted).map(|it| it.1);
    // Both ends the same or crossed: never set.
    match (one("low.degraded"), one("high.degraded")) {
        (Some(low), Some(high)) if low >= high => Vec::new(),
        _ => all,
    }
}

/// The gravest alarm that the chip gives.
fn alarm(c: &Collect<'_>, chip: &Chip, stem: &str, limited: bool) -> Option<&'static str> {
    const ALARMS: [(&str, &str); 7] = [
        ("fault", "fault"),
        ("emergency_alarm", "emergency"),
        ("crit_alarm", "crit"),
        ("lcrit_alarm", "lcrit"),
        ("max_alarm", "max"),
        ("min_alarm", "min"),
        ("alarm", "alarm"),
    ];
    let mut given = false;
    for (file, word_of) in ALARMS {
        let name = format!("{stem}_{file}");
        if !chip.files.contains(&name) || (!limited && file != "fault") {
            continue;
        }
        match devices::number::<u32>(c.host, &format!("{}/{name}", chip.dir)) {
            Some(1) => return Some(word_of),
            Some(0) => given = true,
            _ => {}
        }
    }
    given.then_some("ok")
}

fn tidy(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
