//! `ethtool -m PORT`: what the module is, its light, and what it warns of.
//!
//! Facts: SFF-8472 (SFP), SFF-8636 (QSFP), CMIS (QSFP-DD, OSFP) as ethtool prints them. One lane is written without a
//! channel. Modules without diagnostics (copper cables) say only what they are.

use std::collections::BTreeMap;

use xunjian_proto::{ComponentId, Reason};

use crate::source::{Collect, Metric};

pub(super) const TEMPERATURE: Metric = Metric::gauge(
    "hw.network.module.temperature",
    "Cel",
    "光模块温度",
    "Temperature of the optical module.",
);
pub(super) const TEMPERATURE_LIMIT: Metric = Metric::gauge(
    "hw.network.module.temperature.limit",
    "Cel",
    "光模块温度限值",
    "The module's own limit by hw.limit_type.",
);
pub(super) const VOLTAGE: Metric =
    Metric::gauge("hw.network.module.voltage", "V", "光模块电压", "Supply voltage of the module.");
pub(super) const BIAS: Metric = Metric::gauge(
    "hw.network.module.bias",
    "mA",
    "激光器偏置电流",
    "Current of the laser by network.lane; rises as the laser ages.",
);
pub(super) const SENT: Metric = Metric::gauge(
    "hw.network.module.transmit_power",
    "dBm",
    "发送光功率",
    "Light sent, by network.lane.",
);
pub(super) const SENT_LIMIT: Metric = Metric::gauge(
    "hw.network.module.transmit_power.limit",
    "dBm",
    "发送光功率限值",
    "The module's own limit by hw.limit_type.",
);
pub(super) const RECEIVED: Metric = Metric::gauge(
    "hw.network.module.receive_power",
    "dBm",
    "接收光功率",
    "Light received, by network.lane.",
);
pub(super) const RECEIVED_LIMIT: Metric = Metric::gauge(
    "hw.network.module.receive_power.limit",
    "dBm",
    "接收光功率限值",
    "The module's own limit by hw.limit_type.",
);
pub(super) const ALARMS: Metric = Metric::word(
    "hw.network.module.alarms",
    "光模块告警",
    "Alarms that the module raises by itself, such as `laser rx power low`; none.",
);
pub(super) const WARNINGS: Metric = Metric::word(
    "hw.network.module.warnings",
    "光模块预警",
    "Warnings that the module raises by itself; none.",
);

/// Darkness: what modules print for no light at all.
const DARK: f64 = -40.0;

/// A module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// What it is.
    pub(super) attrs: BTreeMap<String, String>,
    samples: Vec<(&'static Metric, &'static str, String, f64)>,
    alarms: Vec<String>,
    warnings: Vec<String>,
    has_flags: bool,
    strange: Vec<String>,
}

/// Reads a module; none if the text is not about one.
pub(super) fn parse(text: &str) -> Option<Module> {
    let mut module = Module::default();
    let mut known = false;
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim(), value.trim());
        known |= name == "Identifier";
        module.line(name, value);
    }
    known.then_some(module)
}

impl Module {
    fn line(&mut self, name: &str, value: &str) {
        let attr = match name {
            "Identifier" => "hw.network.module.form",
            "Vendor name" => "hw.network.module.vendor",
            "Vendor PN" => "hw.network.module.model",
            "Vendor SN" => "hw.network.module.serial_number",
            "Transceiver type" if !self.attrs.contains_key("hw.network.module.type") => {
                "hw.network.module.type"
            }
            _ => "",
        };
        if !attr.is_empty() {
            // `0x03 (SFP)`: the words say more.
            let inner = value.split_once('(').map_or(value, |(_, it)| it.trim_end_matches(')'));
            let text = if name == "Identifier" { inner } else { value };
            if !text.is_empty() {
                self.attrs.insert(attr.to_owned(), text.to_owned());
            }
            return;
        }
        let lower = name.to_lowercase();
        let (plain, lane) = without_lane(&lower);
        if let Some(quantity) = plain.strip_suffix(" threshold") {
            return self.limit(quantity, value);
        }
        if let Some(flag) = plain.strip_suffix(" alarm").or_else(|| plain.strip_suffix(" warning"))
        {
            return self.flag(flag, plain.ends_with("alarm"), lane, value);
        }
        self.reading(plain, lane, value);
    }

    fn reading(&mut self, name: &str, lane: &str, value: &str) {
        let metric = match name {
            "module temperature" => &TEMPERATURE,
            "module voltage" => &VOLTAGE,
            "laser bias current" | "laser tx bias current" => &BIAS,
            "laser output power" | "transmit avg optical power" => &SENT,
            "receiver signal average optical power"
            | "rcvr signal avg optical power"
            | "receiver signal oma" => &RECEIVED,
            _ => return,
        };
        match number(metric, value) {
            Some(value) => {
                let lane = if matches!(metric.name, n if n == TEMPERATURE.name || n == VOLTAGE.name)
                {
                    ""
                } else {
                    lane
                };
                self.samples.push((metric, "network.lane", lane.to_owned(), value));
            }
            None => self.strange.push(format!("{name}: {value}")),
        }
    }

    /// `laser rx power low alarm`, without the last word.
    fn limit(&mut self, name: &str, value: &str) {
        let kinds = [
            (" high alarm", "high.critical"),
            (" high warning", "high.degraded"),
            (" low alarm", "low.critical"),
            (" low warning", "low.degraded"),
        ];
        let found = kinds.iter().find_map(|(end, kind)| Some((name.strip_suffix(end)?, *kind)));
        let Some((quantity, kind)) = found else { return };
        let metric = match quantity {
            "module temperature" => &TEMPERATURE_LIMIT,
            "laser output power" | "laser tx power" => &SENT_LIMIT,
            "laser rx power" => &RECEIVED_LIMIT,
            _ => return,
        };
        // A limit of nothing was never set.
        if let Some(value) = number(metric, value).filter(|it| *it > DARK && *it < 200.0) {
            self.samples.push((metric, "hw.limit_type", kind.to_owned(), value));
        }
    }

    fn flag(&mut self, name: &str, alarm: bool, lane: &str, value: &str) {
        let set = match value {
            "Off" | "No" | "None" => false,
            "On" | "Yes" => true,
            // CMIS: one word for each lane.
            list if list.starts_with('[') => list.contains("Yes"),
            _ => return,
        };
        self.has_flags = true;
        if set {
            let lane = if lane.is_empty() { String::new() } else { format!(" (lane {lane})") };
            let list = if alarm { &mut self.alarms } else { &mut self.warnings };
            list.push(format!("{name}{lane}"));
        }
    }

    /// Hands it all over.
    pub(super) fn emit(self, c: &mut Collect<'_>, id: &ComponentId) {
        let mut seen = Vec::new();
        for (metric, attr, text, value) in &self.samples {
            let key = (metric.name, text.clone());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let attrs = [(*attr, text.as_str())];
            let attrs = if text.is_empty() { &[][..] } else { &attrs[..] };
            c.sample_with(metric, id, attrs, *value);
        }
        if self.has_flags {
            let words = |list: &[String]| match list.is_empty() {
                true => "none".to_owned(),
                false => list.join(", "),
            };
            c.state(&ALARMS, id, &words(&self.alarms));
            c.state(&WARNINGS, id, &words(&self.warnings));
        }
        for line in self.strange {
            c.problem(Reason::Unparsable, Some(id), format!("module: {line:?} not understood"));
        }
    }
}

/// `rcvr signal avg optical power(channel 2)` and `laser bias current high alarm   (chan 2)`: the name, and the lane.
fn without_lane(name: &str) -> (&str, &str) {
    match name.split_once('(') {
        Some((front, rest)) => {
            let rest = rest.trim_end_matches(')');
            let lane = rest.strip_prefix("channel ").or_else(|| rest.strip_prefix("chan "));
            (front.trim_end(), lane.map_or("", str::trim))
        }
        None => (name, ""),
    }
}

/// `3.0487 mW / 4.84 dBm`, `36.75 degrees C / 98.15 degrees F`, `3.4860 V`, `12.768 mA`: the part in the metric's unit.
fn number(metric: &Metric, text: &str) -> Option<f64> {
    let unit = if metric.unit == "Cel" { "degrees C" } else { metric.unit };
    let part = text.split('/').map(str::trim).find_map(|it| it.strip_suffix(unit))?;
    match part.trim() {
        "-inf" => Some(DARK),
        number => number.parse::<f64>().ok().filter(|it| it.is_finite()),
    }
}
