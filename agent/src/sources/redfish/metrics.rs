//! Everything that the source can emit.

pub(super) use crate::hardware::{
    FAN_SPEED, FAN_SPEED_LIMIT as FAN_LIMIT, FAN_SPEED_RATIO as FAN_RATIO, POWER, TEMPERATURE,
    TEMPERATURE_LIMIT, VOLTAGE, VOLTAGE_LIMIT,
};
use crate::source::Metric;

pub(super) const METRICS: &[Metric] = &[
    TEMPERATURE,
    TEMPERATURE_LIMIT,
    FAN_SPEED,
    FAN_RATIO,
    FAN_LIMIT,
    VOLTAGE,
    VOLTAGE_LIMIT,
    POWER,
    CAPACITY,
    PREDICTED,
    LIFE_LEFT,
    SIZE,
    USED,
    UTILIZATION,
    LOW_SPACE,
    PROGRESS,
    UNEXPLAINED,
    REQUESTS,
];

pub(super) const STATES: &[Metric] =
    &[HEALTH, STATE, ROLLUP, POWER_STATE, LINK, OPERATION, crate::targets::REACHED];

pub(super) const EVENTS: &[Metric] = &[LOG_CRITICAL, LOG_WARNING];

pub(super) const CAPACITY: Metric =
    Metric::gauge("redfish.power.capacity", "W", "额定功率", "What a power supply can give.");
pub(super) const PREDICTED: Metric = Metric::gauge(
    "redfish.drive.failure_predicted",
    "{flag}",
    "磁盘预测性故障",
    "1 if the drive or its controller predicts its failure.",
);
pub(super) const LIFE_LEFT: Metric = Metric::gauge(
    "redfish.drive.life_left",
    "1",
    "介质剩余寿命",
    "Share of the medium's rated life that is left, as the drive predicts it.",
);
pub(super) const SIZE: Metric = Metric::gauge(
    "redfish.size",
    "By",
    "容量",
    "Capacity of the drive, volume, pool, file system or memory module.",
);
pub(super) const USED: Metric =
    Metric::gauge("redfish.pool.used", "By", "已用容量", "Used part of a pool or file system.");
pub(super) const UTILIZATION: Metric = Metric::gauge(
    "redfish.pool.utilization",
    "1",
    "容量使用率",
    "Used share of a pool or file system.",
);
pub(super) const LOW_SPACE: Metric = Metric::gauge(
    "redfish.pool.warning_threshold",
    "1",
    "容量告警阈值",
    "The array's own threshold of use, the lowest of LowSpaceWarningThresholdPercents.",
);
pub(super) const PROGRESS: Metric = Metric::gauge(
    "redfish.operation.completed",
    "1",
    "操作进度",
    "Share of the running operation (rebuild, check) that is done.",
);
pub(super) const UNEXPLAINED: Metric = Metric::gauge(
    "redfish.rollup.unexplained",
    "{flag}",
    "未能解释的总体告警",
    "1 if the target calls a whole worse than the worst of all its parts that were read.",
);
pub(super) const REQUESTS: Metric = Metric::gauge(
    "redfish.requests",
    "{request}",
    "请求数",
    "Questions that this run asked of the target.",
);

pub(super) const HEALTH: Metric = Metric::word(
    "redfish.health",
    "健康状态",
    "What a part says of its own health: ok, warning, critical; unknown for a word that the standard does not know.",
);
pub(super) const STATE: Metric = Metric::word(
    "redfish.state",
    "运行状态",
    "What a part says of its being in service: enabled, disabled, standbyspare, unavailableoffline, absent and so on.",
);
pub(super) const ROLLUP: Metric = Metric::word(
    "redfish.health_rollup",
    "总体健康状态",
    "The worst health of a whole and of all that it holds, as the target says; only compared with its parts.",
);
pub(super) const POWER_STATE: Metric = Metric::word(
    "redfish.power_state",
    "开机状态",
    "Whether a server is powered: on, off, poweringon, poweringoff, paused.",
);
pub(super) const LINK: Metric = Metric::word(
    "redfish.link",
    "链路状态",
    "Whether a port has a link: linkup, linkdown, nolink and so on.",
);
pub(super) const OPERATION: Metric = Metric::word(
    "redfish.operation",
    "进行中的操作",
    "What goes on in a volume or drive: none, rebuild, checkconsistency, initialize and so on.",
);

pub(super) const LOG_CRITICAL: Metric = Metric::word(
    "redfish.log.critical",
    "日志：严重",
    "An entry of severity Critical in a hardware log.",
);
pub(super) const LOG_WARNING: Metric = Metric::word(
    "redfish.log.warning",
    "日志：警告",
    "An entry of severity Warning in a hardware log.",
);
