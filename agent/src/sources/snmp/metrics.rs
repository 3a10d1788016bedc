//! Everything that the source can emit, and the short names by which profiles call it.

use crate::{
    hardware::{
        CURRENT, FAN_SPEED, FAN_SPEED_RATIO, POWER, TEMPERATURE, TEMPERATURE_LIMIT, VOLTAGE,
    },
    source::Metric,
};

pub(super) const METRICS: &[Metric] = &[
    TEMPERATURE,
    TEMPERATURE_LIMIT,
    FAN_SPEED,
    FAN_SPEED_RATIO,
    VOLTAGE,
    CURRENT,
    POWER,
    CHARGE,
    RUNTIME,
    ON_BATTERY,
    CAPACITY,
    FREE,
    USED,
    UTILIZATION,
    LIFE,
    BAD_SECTORS,
    COUNT,
    LIGHT,
    SPEED,
    BYTES,
    ERRORS,
    DISCARDS,
    UPTIME,
    UNKNOWN,
    MARGIN,
];

pub(super) const STATES: &[Metric] = &[REACHED, HEALTH, REPORTED, PROFILE, ADMIN, OPER, SOURCE];

const CHARGE: Metric =
    Metric::gauge("snmp.battery.charge", "1", "电池电量", "Charge of a battery or capacitor.");
const RUNTIME: Metric = Metric::gauge(
    "snmp.battery.time_left",
    "s",
    "电池可供电时间",
    "How long a UPS can go on without mains.",
);
const ON_BATTERY: Metric = Metric::gauge(
    "snmp.battery.time_used",
    "s",
    "电池已供电时间",
    "How long a UPS has been running on its battery; 0 on mains.",
);
const CAPACITY: Metric = Metric::gauge(
    "snmp.capacity",
    "By",
    "容量",
    "Capacity of a disk, pool, volume or file system.",
);
const USED: Metric =
    Metric::gauge("snmp.used", "By", "已用容量", "Used part of a pool, volume or file system.");
const FREE: Metric = Metric::gauge("snmp.free", "By", "空闲容量", "Free part of a pool.");
pub(super) const UTILIZATION: Metric = Metric::gauge(
    "snmp.utilization",
    "1",
    "容量使用率",
    "Used share of a pool, volume or file system.",
);
const LIFE: Metric = Metric::gauge(
    "snmp.disk.life_left",
    "1",
    "磁盘剩余寿命",
    "Share of a disk's life that is left, as the device says.",
);
const BAD_SECTORS: Metric = Metric::gauge(
    "snmp.disk.bad_sectors",
    "{sector}",
    "磁盘坏扇区",
    "Bad sectors of a disk, as the device counts them.",
);
const COUNT: Metric = Metric::gauge(
    "snmp.count",
    "{part}",
    "部件数量",
    "Parts that the device only counts, by snmp.count.of: failed disks, spare disks.",
);
const LIGHT: Metric = Metric::gauge(
    "snmp.port.optical_power",
    "dBm",
    "光功率",
    "Optical power of a port's module, by network.io.direction.",
);
const SPEED: Metric =
    Metric::gauge("snmp.port.speed", "bit/s", "端口速率", "Speed that a port has negotiated.");
const BYTES: Metric =
    Metric::counter("snmp.port.io", "By", "端口流量", "Bytes of a port, by network.io.direction.");
const ERRORS: Metric = Metric::counter(
    "snmp.port.errors",
    "{error}",
    "端口错误",
    "Errors of a port, by snmp.port.error: receive, transmit, crc, encoding, link_failure, sync_loss, signal_loss.",
);
const DISCARDS: Metric = Metric::counter(
    "snmp.port.discards",
    "{packet}",
    "端口丢弃",
    "Packets or frames that a port dropped, by network.io.direction.",
);
pub(super) const UPTIME: Metric = Metric::gauge(
    "snmp.uptime",
    "s",
    "SNMP 代理运行时间",
    "How long the device's SNMP agent runs; wraps after 497 days.",
);
pub(super) const UNKNOWN: Metric = Metric::gauge(
    "snmp.unknown_values",
    "{value}",
    "未能识别的取值",
    "Values of enumerations that the profile does not know; each is named in a problem.",
);

pub(super) const MARGIN: Metric = Metric::gauge(
    "snmp.temperature.margin",
    "Cel",
    "距温度限值的余量",
    "How far a temperature is below the device's own limit, by hw.limit_type; negative above it.",
);

pub(super) const REACHED: Metric = Metric::word(
    "snmp.reached",
    "设备应答情况",
    "Whether the device answered: yes, partly (some of what was asked for is missing), no.",
);
pub(super) const HEALTH: Metric = Metric::word(
    "snmp.health",
    "健康状态",
    "How a part is, in one vocabulary for all makers: ok, degraded, predicted (it will fail), failed, missing, spare, busy \
     (rebuilding, starting), idle (nothing is connected), off (by will), unknown.",
);
pub(super) const REPORTED: Metric = Metric::word(
    "snmp.reported",
    "设备上报状态",
    "What the part says of itself, in the maker's words.",
);
pub(super) const PROFILE: Metric =
    Metric::word("snmp.profile", "设备系列", "The profile by which the device is read.");
const ADMIN: Metric =
    Metric::word("snmp.port.admin", "端口管理状态", "What a port should be: up, down, testing.");
const OPER: Metric = Metric::word(
    "snmp.port.oper",
    "端口运行状态",
    "What a port is: up, down, testing, dormant, absent, unknown.",
);
const SOURCE: Metric = Metric::word(
    "snmp.ups.output",
    "UPS 输出来源",
    "What feeds the load behind a UPS: normal, bypass, battery, booster, reducer, none, other.",
);

/// Short names of numbers in profiles.
const NUMBERS: &[(&str, Metric)] = &[
    ("bad_sectors", BAD_SECTORS),
    ("bytes", BYTES),
    ("capacity", CAPACITY),
    ("charge", CHARGE),
    ("count", COUNT),
    ("current", CURRENT),
    ("discards", DISCARDS),
    ("errors", ERRORS),
    ("fan_ratio", FAN_SPEED_RATIO),
    ("fan_speed", FAN_SPEED),
    ("free", FREE),
    ("life", LIFE),
    ("light", LIGHT),
    ("on_battery", ON_BATTERY),
    ("power", POWER),
    ("runtime", RUNTIME),
    ("speed", SPEED),
    ("temperature", TEMPERATURE),
    ("temperature_limit", TEMPERATURE_LIMIT),
    ("used", USED),
    ("utilization", UTILIZATION),
    ("voltage", VOLTAGE),
];

/// Short names of states of their own in profiles.
const WORDS: &[(&str, Metric)] = &[("admin", ADMIN), ("oper", OPER), ("output", SOURCE)];

/// The metric that profiles call so.
pub(super) fn number(short: &str) -> Option<&'static Metric> {
    NUMBERS.iter().find(|(name, _)| *name == short).map(|(_, metric)| metric)
}

/// The state that profiles call so.
pub(super) fn state(short: &str) -> Option<&'static Metric> {
    WORDS.iter().find(|(name, _)| *name == short).map(|(_, metric)| metric)
}
