//! Temperatures of a controller, from the kernel's hwmon device of it.
//!
//! Facts: drivers/nvme/host/hwmon.c (kernel 5.5 on): millidegrees; temp1 is the composite temperature with the drive's
//! own limits (WCTEMP as max, CCTEMP as crit) and an alarm, temp2 to temp9 are its sensors. A limit that was never set
//! reads as the largest or smallest Kelvin.

use xunjian_proto::{ComponentId, Reason};

use super::tree::Controller;
use crate::{
    devices::word,
    source::{Collect, Metric},
};

pub(super) const TEMPERATURE: Metric = Metric::gauge(
    "hw.nvme.temperature",
    "Cel",
    "NVMe 温度",
    "Temperature by hw.sensor_location: composite, which is the drive's verdict, and its single sensors.",
);
pub(super) const LIMIT: Metric = Metric::gauge(
    "hw.nvme.temperature.limit",
    "Cel",
    "NVMe 温度上限",
    "The drive's own limit of the composite temperature by hw.limit_type: high.degraded, high.critical.",
);
pub(super) const ALARM: Metric = Metric::word(
    "hw.nvme.temperature.alarm",
    "NVMe 温度告警",
    "Whether the drive warns of its temperature: set, clear.",
);

/// Sensors of a controller.
const SENSORS: u32 = 9;

/// Reads the temperatures; a controller without them (older kernels) says nothing.
pub(super) fn read(c: &mut Collect<'_>, id: &ComponentId, controller: &Controller) {
    let Some(dir) = folder(c, controller) else { return };
    let file = |c: &Collect<'_>, name: &str| word(c.host, &format!("{dir}/{name}"));
    let degrees = |c: &Collect<'_>, name: &str| Some(file(c, name)?.parse::<f64>().ok()? / 1000.0);
    for sensor in 1..=SENSORS {
        let location = match sensor {
            1 => "composite".to_owned(),
            _ => format!("sensor_{}", sensor - 1),
        };
        let path = format!("{dir}/temp{sensor}_input");
        let value = match c.host.read(&path) {
            Ok(text) => text.trim().parse::<f64>().ok().map(|it| it / 1000.0),
            Err(_) if sensor > 1 => continue,
            Err(error) => {
                c.problem(
                    error.reason(),
                    Some(id),
                    format!("{}: temperature: {error}", controller.name),
                );
                return;
            }
        };
        match value.filter(|it| (-40.0..=150.0).contains(it)) {
            // To the tenth: the kernel turns whole Kelvins into fractions.
            Some(value) => {
                let value = (value * 10.0).round() / 10.0;
                c.sample_with(&TEMPERATURE, id, &[("hw.sensor_location", &location)], value);
            }
            None => c.problem(
                Reason::Implausible,
                Some(id),
                format!("{}: temperature of {location} cannot be", controller.name),
            ),
        }
    }
    for (name, kind) in [("temp1_crit", "high.critical"), ("temp1_max", "high.degraded")] {
        if let Some(value) = degrees(c, name).filter(|it| (30.0..=150.0).contains(it)) {
            let value = (value * 10.0).round() / 10.0;
            c.sample_with(&LIMIT, id, &[("hw.limit_type", kind)], value);
        }
    }
    match file(c, "temp1_alarm").as_deref() {
        Some("0") => c.state(&ALARM, id, "clear"),
        Some("1") => c.state(&ALARM, id, "set"),
        _ => {}
    }
}

/// Below the controller (5.8 on) or below its PCI device.
fn folder(c: &Collect<'_>, controller: &Controller) -> Option<String> {
    let parents = ["", "/hwmon", "/device/hwmon"].map(|it| format!("{}{it}", controller.dir));
    parents.iter().find_map(|parent| {
        let names = c.host.list(parent).ok()?;
        let name = names
            .into_iter()
            .find(|it| it.strip_prefix("hwmon").is_some_and(|it| !it.is_empty()))?;
        Some(format!("{parent}/{name}"))
    })
}
