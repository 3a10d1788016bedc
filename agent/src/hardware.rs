//! Numbers that several sources read from hardware, declared once: names and units of the OpenTelemetry conventions
//! for hardware.

use crate::source::Metric;

/// Degrees Celsius of a drive, a sensor or a module.
pub const TEMPERATURE: Metric = Metric::gauge(
    "hw.temperature",
    "Cel",
    "温度",
    "Temperature of the drive or of the place where the sensor is.",
);

/// The hardware's own limits of a temperature.
pub const TEMPERATURE_LIMIT: Metric = Metric::gauge(
    "hw.temperature.limit",
    "Cel",
    "温度上限",
    "The hardware's own limit, by hw.limit_type: high.degraded, high.critical and so on.",
);

/// Turns a minute.
pub const FAN_SPEED: Metric = Metric::gauge("hw.fan.speed", "rpm", "风扇转速", "Speed of the fan.");

/// The hardware's own limits of a fan's speed.
pub const FAN_SPEED_LIMIT: Metric = Metric::gauge(
    "hw.fan.speed.limit",
    "rpm",
    "风扇转速限值",
    "The hardware's own limit of the speed, by hw.limit_type: low.critical and so on.",
);

/// Share of a fan's full speed.
pub const FAN_SPEED_RATIO: Metric = Metric::gauge(
    "hw.fan.speed_ratio",
    "1",
    "风扇转速比例",
    "Speed of the fan as a share of its full speed.",
);

/// Volts.
pub const VOLTAGE: Metric =
    Metric::gauge("hw.voltage", "V", "电压", "Voltage that the sensor measures.");

/// The hardware's own limits of a voltage.
pub const VOLTAGE_LIMIT: Metric = Metric::gauge(
    "hw.voltage.limit",
    "V",
    "电压限值",
    "The hardware's own limit of the voltage, by hw.limit_type: low.critical, high.critical and so on.",
);

/// Amperes.
pub const CURRENT: Metric =
    Metric::gauge("hw.current", "A", "电流", "Current that the sensor measures.");

/// Watts.
pub const POWER: Metric =
    Metric::gauge("hw.power", "W", "功率", "Power that the part or the whole chassis takes now.");
