//! What the source tells. Numbers of sensors have the names of [`crate::hardware`].

use crate::{
    hardware::{
        CURRENT, FAN_SPEED, FAN_SPEED_LIMIT, FAN_SPEED_RATIO, POWER, TEMPERATURE,
        TEMPERATURE_LIMIT, VOLTAGE, VOLTAGE_LIMIT,
    },
    source::Metric,
};

pub(super) const METRICS: &[Metric] = &[
    TEMPERATURE,
    TEMPERATURE_LIMIT,
    FAN_SPEED,
    FAN_SPEED_LIMIT,
    FAN_SPEED_RATIO,
    VOLTAGE,
    VOLTAGE_LIMIT,
    CURRENT,
    POWER,
    READING,
    CHASSIS_FAULT,
    CLOCK_OFFSET,
    LOG_ENTRIES,
    LOG_FREE,
    LOG_SHARE,
];

pub(super) const STATES: &[Metric] = &[STATUS, SAID, REDUNDANCY, LOG_OVERFLOW, CONTROLLER];

pub(super) const EVENTS: &[Metric] = &[
    FAILED,
    CRITICAL,
    WARNING,
    NO_INPUT,
    REDUNDANCY_LOST,
    MEMORY_CORRECTED,
    MEMORY_UNCORRECTED,
    INTRUSION,
    WATCHDOG,
    CLEARED,
    TELLING,
    UNKNOWN,
];

pub(super) const READING: Metric = Metric::gauge(
    "ipmi.sensor.reading",
    "1",
    "传感器读数",
    "Reading of a sensor whose unit is none of those above; ipmi.sensor.unit tells it.",
);
pub(super) const CHASSIS_FAULT: Metric = Metric::gauge(
    "ipmi.chassis.fault",
    "{flag}",
    "机箱故障标志",
    "Faults that the chassis itself reports, by ipmi.chassis.fault.type.",
);
pub(super) const CLOCK_OFFSET: Metric = Metric::gauge(
    "ipmi.clock.offset",
    "s",
    "BMC 时钟偏差",
    "How much the controller's clock is ahead of the host's; its time zone is not known, so that whole hours say little.",
);
pub(super) const LOG_ENTRIES: Metric = Metric::gauge(
    "ipmi.log.entries",
    "{entry}",
    "硬件日志条数",
    "Entries of the system event log.",
);
pub(super) const LOG_FREE: Metric =
    Metric::gauge("ipmi.log.free", "By", "硬件日志剩余空间", "Free space of the system event log.");
pub(super) const LOG_SHARE: Metric = Metric::gauge(
    "ipmi.log.utilization",
    "1",
    "硬件日志使用率",
    "Share of the system event log that is used.",
);
pub(super) const STATUS: Metric = Metric::word(
    "ipmi.sensor.status",
    "传感器状态",
    "By the sensor's own thresholds ok, warning, critical or fatal; by its asserted states ok, open, degraded, \
     predicted_failure, no_input, failed or absent; unknown where nobody can tell what they mean.",
);
pub(super) const SAID: Metric = Metric::word(
    "ipmi.sensor.state",
    "传感器原文",
    "What the sensor says in the words of the tool: the crossed threshold or the asserted states.",
);
pub(super) const REDUNDANCY: Metric = Metric::word(
    "ipmi.redundancy",
    "冗余状态",
    "What the redundancy sensor says: full, degraded, none, lost or insufficient.",
);
pub(super) const LOG_OVERFLOW: Metric = Metric::word(
    "ipmi.log.overflow",
    "硬件日志溢出",
    "Whether the system event log had to drop entries: true or false.",
);
pub(super) const CONTROLLER: Metric = Metric::word(
    "ipmi.controller.state",
    "BMC 状态",
    "Whether the controller is available or busy with an update or its start: available, unavailable.",
);
pub(super) const FAILED: Metric =
    Metric::word("ipmi.log.failed", "硬件日志：部件失效", "The log says that a part failed.");
pub(super) const CRITICAL: Metric = Metric::word(
    "ipmi.log.critical",
    "硬件日志：超过临界阈值",
    "The log says that a sensor crossed a critical threshold.",
);
pub(super) const WARNING: Metric = Metric::word(
    "ipmi.log.warning",
    "硬件日志：告警",
    "The log says that a part is not as it should be and still works.",
);
pub(super) const NO_INPUT: Metric = Metric::word(
    "ipmi.log.no_input",
    "硬件日志：电源输入丢失",
    "The log says that a power supply got no power from outside.",
);
pub(super) const REDUNDANCY_LOST: Metric = Metric::word(
    "ipmi.log.redundancy_lost",
    "硬件日志：冗余丢失",
    "The log says that power supplies, fans or memory lost their redundancy.",
);
pub(super) const MEMORY_CORRECTED: Metric = Metric::word(
    "ipmi.log.memory.corrected",
    "硬件日志：内存可纠正错误",
    "The log says that memory errors were corrected, or that their number passed the limit.",
);
pub(super) const MEMORY_UNCORRECTED: Metric = Metric::word(
    "ipmi.log.memory.uncorrected",
    "硬件日志：内存不可纠正错误",
    "The log says that a memory error could not be corrected.",
);
pub(super) const INTRUSION: Metric = Metric::word(
    "ipmi.log.intrusion",
    "硬件日志：机箱被打开",
    "The log says that the chassis was opened.",
);
pub(super) const WATCHDOG: Metric = Metric::word(
    "ipmi.log.watchdog",
    "硬件日志：看门狗",
    "The log says that the watchdog ran out or reset the host.",
);
pub(super) const CLEARED: Metric =
    Metric::word("ipmi.log.cleared", "硬件日志被清空", "The log was emptied.");
pub(super) const TELLING: Metric = Metric::word(
    "ipmi.log.information",
    "硬件日志：一般信息",
    "An entry of the log without concern, such as the end of a fault.",
);
pub(super) const UNKNOWN: Metric = Metric::word(
    "ipmi.log.unknown",
    "硬件日志：含义未知",
    "An entry of the log that only its manufacturer can read.",
);
