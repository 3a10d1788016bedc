//! Everything that a drive can tell about itself, by meaning and not by attribute number.
//!
//! Counters are the drive's own and live as long as it does: rises, rates and ageing are judged by the collector.

pub(super) use crate::hardware::{TEMPERATURE, TEMPERATURE_LIMIT};
use crate::source::Metric;

pub(super) const METRICS: &[Metric] = &[
    TEMPERATURE,
    TEMPERATURE_LIMIT,
    SIZE,
    ENDURANCE,
    HOURS,
    CYCLES,
    REALLOCATED,
    REALLOCATIONS,
    PENDING,
    OFFLINE,
    REPORTED,
    TIMEOUTS,
    CRC,
    SPIN_RETRIES,
    END_TO_END,
    SOFT_READ,
    DOWNSHIFTS,
    HIGH_FLY,
    PROGRAM_FAILS,
    ERASE_FAILS,
    HELIUM,
    NORMALIZED,
    THRESHOLD,
    ERROR_LOG,
    ERROR_CLASS,
    TEST_LBA,
    TEST_AGE,
    SPARE,
    SPARE_LIMIT,
    MEDIA_ERRORS,
    LOG_ENTRIES,
    UNSAFE,
    WARM_TIME,
    HOT_TIME,
    THROTTLED,
    GROWN,
    UNCORRECTED,
    NON_MEDIUM,
    SCAN_FINDS,
    PENDING_DEFECTS,
    FARM_READ,
    FARM_WRITE,
    FARM_REALLOCATED,
    FARM_CANDIDATES,
];

pub(super) const STATES: &[Metric] = &[
    STATUS,
    FAILING,
    FAILED_PAST,
    SELF_TEST,
    ERROR_LOG_STATE,
    CAPACITOR,
    SMART_SUPPORT,
    EXCEPTION,
    SCAN,
    WARN_SPARE,
    WARN_TEMPERATURE,
    WARN_RELIABILITY,
    WARN_READ_ONLY,
    WARN_BACKUP,
    WARN_PMR,
];

pub(super) const SIZE: Metric =
    Metric::gauge("hw.physical_disk.size", "By", "容量", "Capacity of the drive.");
pub(super) const ENDURANCE: Metric = Metric::gauge(
    "hw.physical_disk.endurance_utilization",
    "1",
    "寿命消耗",
    "Share of the rated writes that is used up; 1 is no failure but the end of the warranty.",
);
pub(super) const HOURS: Metric =
    Metric::counter("hw.smart.power_on_time", "h", "通电时间", "Hours under power.");
pub(super) const CYCLES: Metric =
    Metric::counter("hw.smart.power_cycles", "{cycle}", "通电次数", "Times it was switched on.");
pub(super) const REALLOCATED: Metric = Metric::counter(
    "hw.smart.reallocated_sectors",
    "{sector}",
    "重映射扇区",
    "Sectors that were replaced by spare ones (ATA 5).",
);
pub(super) const REALLOCATIONS: Metric = Metric::counter(
    "hw.smart.reallocation_events",
    "{event}",
    "重映射事件",
    "Attempts to replace sectors (ATA 196).",
);
pub(super) const PENDING: Metric = Metric::gauge(
    "hw.smart.pending_sectors",
    "{sector}",
    "待映射扇区",
    "Unstable sectors that wait to be replaced (ATA 197); falls back to 0 after a rewrite.",
);
pub(super) const OFFLINE: Metric = Metric::gauge(
    "hw.smart.offline_uncorrectable",
    "{sector}",
    "离线不可纠正扇区",
    "Sectors that the offline scan could not read (ATA 198).",
);
pub(super) const REPORTED: Metric = Metric::counter(
    "hw.smart.reported_uncorrect",
    "{error}",
    "已报告的不可纠正错误",
    "Reads that failed for good and were reported to the host (ATA 187).",
);
pub(super) const TIMEOUTS: Metric = Metric::counter(
    "hw.smart.command_timeouts",
    "{command}",
    "命令超时",
    "Commands that were given up because of time (ATA 188, decoded).",
);
pub(super) const CRC: Metric = Metric::counter(
    "hw.smart.crc_errors",
    "{error}",
    "接口 CRC 错误",
    "Transfers that the cable or backplane damaged (ATA 199); never falls back.",
);
pub(super) const SPIN_RETRIES: Metric = Metric::counter(
    "hw.smart.spin_retries",
    "{retry}",
    "起转重试",
    "Times the motor needed another try (ATA 10).",
);
pub(super) const END_TO_END: Metric = Metric::counter(
    "hw.smart.end_to_end_errors",
    "{error}",
    "端到端错误",
    "Parity errors on the drive's internal way (ATA 184): danger of silent damage.",
);
pub(super) const SOFT_READ: Metric = Metric::counter(
    "hw.smart.soft_read_errors",
    "{error}",
    "软读取错误",
    "Reads off the track (ATA 201).",
);
pub(super) const DOWNSHIFTS: Metric = Metric::counter(
    "hw.smart.link_downshifts",
    "{event}",
    "链路降速次数",
    "Times the link fell back to a lower speed (ATA 183).",
);
pub(super) const HIGH_FLY: Metric = Metric::counter(
    "hw.smart.high_fly_writes",
    "{event}",
    "磁头飞高写入",
    "Writes with the head too high (ATA 189).",
);
pub(super) const PROGRAM_FAILS: Metric = Metric::counter(
    "hw.smart.program_failures",
    "{event}",
    "编程失败",
    "Flash pages that could not be written (ATA 171 or 181).",
);
pub(super) const ERASE_FAILS: Metric = Metric::counter(
    "hw.smart.erase_failures",
    "{event}",
    "擦除失败",
    "Flash blocks that could not be erased (ATA 172 or 182).",
);
pub(super) const HELIUM: Metric = Metric::gauge(
    "hw.smart.helium_level",
    "1",
    "氦气余量",
    "Helium left, normalised by the drive (ATA 22): below 1 it leaks.",
);
pub(super) const NORMALIZED: Metric = Metric::gauge(
    "hw.smart.attribute.normalized",
    "{score}",
    "SMART 属性归一化值",
    "Normalised value of an attribute that failed now or in the past.",
);
pub(super) const THRESHOLD: Metric = Metric::gauge(
    "hw.smart.attribute.threshold",
    "{score}",
    "SMART 属性阈值",
    "Threshold of an attribute that failed now or in the past.",
);
pub(super) const ERROR_LOG: Metric = Metric::counter(
    "hw.smart.error_log.count",
    "{error}",
    "错误日志累计",
    "Errors that the drive's error log has counted in its life.",
);
pub(super) const ERROR_CLASS: Metric = Metric::gauge(
    "hw.smart.error_log.entries",
    "{error}",
    "错误日志条数",
    "Errors still in the log by hw.smart.error.class: medium, address, link, abort, other. Aborts alone are benign.",
);
pub(super) const TEST_LBA: Metric = Metric::gauge(
    "hw.smart.self_test.failed_lba",
    "{block}",
    "自检失败的 LBA",
    "First block that the last failed self-test could not read.",
);
pub(super) const TEST_AGE: Metric = Metric::gauge(
    "hw.smart.self_test.age",
    "h",
    "距上次自检",
    "Hours under power since the last self-test that came to a verdict.",
);
pub(super) const SPARE: Metric =
    Metric::gauge("hw.nvme.available_spare", "1", "剩余备用空间", "Spare blocks left.");
pub(super) const SPARE_LIMIT: Metric = Metric::gauge(
    "hw.nvme.available_spare_threshold",
    "1",
    "备用空间阈值",
    "Below this share of spare blocks the drive calls itself worn.",
);
pub(super) const MEDIA_ERRORS: Metric = Metric::counter(
    "hw.nvme.media_errors",
    "{error}",
    "介质与数据完整性错误",
    "Data that could not be recovered: any rise matters.",
);
pub(super) const LOG_ENTRIES: Metric = Metric::counter(
    "hw.nvme.error_log_entries",
    "{entry}",
    "错误日志条数",
    "Entries ever made in the error log; rises with unsupported commands too.",
);
pub(super) const UNSAFE: Metric = Metric::counter(
    "hw.nvme.unsafe_shutdowns",
    "{event}",
    "异常断电次数",
    "Times the power went without notice.",
);
pub(super) const WARM_TIME: Metric = Metric::counter(
    "hw.nvme.warning_temperature_time",
    "min",
    "超告警温度时长",
    "Minutes above the warning temperature.",
);
pub(super) const HOT_TIME: Metric = Metric::counter(
    "hw.nvme.critical_temperature_time",
    "min",
    "超临界温度时长",
    "Minutes above the critical temperature.",
);
pub(super) const THROTTLED: Metric = Metric::counter(
    "hw.nvme.throttle_events",
    "{event}",
    "过热降速次数",
    "Times the drive slowed down because of heat.",
);
pub(super) const GROWN: Metric = Metric::counter(
    "hw.scsi.grown_defects",
    "{sector}",
    "增长缺陷表",
    "Entries of the grown defect list: growth matters more than the level.",
);
pub(super) const UNCORRECTED: Metric = Metric::counter(
    "hw.scsi.uncorrected_errors",
    "{error}",
    "未纠正错误",
    "Errors that could not be corrected, by hw.scsi.operation.",
);
pub(super) const NON_MEDIUM: Metric = Metric::counter(
    "hw.scsi.non_medium_errors",
    "{error}",
    "非介质错误",
    "Errors of link, transport or commands.",
);
pub(super) const SCAN_FINDS: Metric = Metric::gauge(
    "hw.scsi.background_scan.findings",
    "{sector}",
    "后台扫描发现的缺陷",
    "Bad blocks that the background scan lists.",
);
pub(super) const PENDING_DEFECTS: Metric = Metric::gauge(
    "hw.scsi.pending_defects",
    "{sector}",
    "待处理缺陷",
    "Blocks that wait to be reassigned.",
);

pub(super) const STATUS: Metric = Metric::word(
    "hw.smart.status",
    "SMART 健康状态",
    "The drive's own verdict: passed, failed, or unconfirmed if a command behind it failed.",
);
pub(super) const FAILING: Metric = Metric::word(
    "hw.smart.attributes.failing",
    "当前低于阈值的属性",
    "Attributes below their threshold now, by number and name; none.",
);
pub(super) const FAILED_PAST: Metric = Metric::word(
    "hw.smart.attributes.failed_past",
    "曾低于阈值的属性",
    "Attributes that were below their threshold once; none.",
);
pub(super) const SELF_TEST: Metric = Metric::word(
    "hw.smart.self_test.result",
    "自检结果",
    "Last verdict of a self-test that a newer one did not outdate: passed, failed, none.",
);
pub(super) const ERROR_LOG_STATE: Metric = Metric::word(
    "hw.smart.error_log.state",
    "错误日志",
    "Whether the error log has entries: empty, errors.",
);
pub(super) const CAPACITOR: Metric = Metric::word(
    "hw.smart.power_loss_capacitor",
    "掉电保护电容",
    "Power-loss protection of an SSD (ATA 175): good, failing.",
);
pub(super) const SMART_SUPPORT: Metric = Metric::word(
    "hw.smart.support",
    "SMART 支持",
    "Whether the drive watches itself: enabled, disabled, unavailable.",
);
pub(super) const EXCEPTION: Metric = Metric::word(
    "hw.scsi.informational_exception",
    "磁盘预警（IE）",
    "What the drive warns of: none, or the additional sense code as four digits, 5dxx for a predicted failure.",
);
pub(super) const SCAN: Metric = Metric::word(
    "hw.scsi.background_scan.state",
    "后台扫描状态",
    "What the background scan does, in the words of smartctl.",
);
pub(super) const WARN_SPARE: Metric = Metric::word(
    "hw.nvme.critical_warning.spare",
    "严重告警：备用空间不足",
    "Spare blocks below the threshold: set, clear.",
);
pub(super) const WARN_TEMPERATURE: Metric = Metric::word(
    "hw.nvme.critical_warning.temperature",
    "严重告警：温度越限",
    "Temperature outside the limits: set, clear.",
);
pub(super) const WARN_RELIABILITY: Metric = Metric::word(
    "hw.nvme.critical_warning.reliability",
    "严重告警：可靠性下降",
    "Reliability degraded by media or internal errors: set, clear.",
);
pub(super) const WARN_READ_ONLY: Metric = Metric::word(
    "hw.nvme.critical_warning.read_only",
    "严重告警：介质只读",
    "The medium takes no more writes: set, clear.",
);
pub(super) const WARN_BACKUP: Metric = Metric::word(
    "hw.nvme.critical_warning.backup",
    "严重告警：掉电保护失效",
    "The backup of the volatile memory (power-loss protection) failed: set, clear.",
);
pub(super) const WARN_PMR: Metric = Metric::word(
    "hw.nvme.critical_warning.persistent_memory",
    "严重告警：持久内存不可靠",
    "The persistent memory region is unreliable: set, clear.",
);

pub(super) const FARM_READ: Metric = Metric::counter(
    "hw.smart.farm.unrecoverable_read_errors",
    "{error}",
    "FARM 不可恢复读错误数",
    "Reads that failed for good in the drive's life, by Seagate's own log; read once a day.",
);
pub(super) const FARM_WRITE: Metric = Metric::counter(
    "hw.smart.farm.unrecoverable_write_errors",
    "{error}",
    "FARM 不可恢复写错误数",
    "Writes that failed for good in the drive's life, by Seagate's own log; read once a day.",
);
pub(super) const FARM_REALLOCATED: Metric = Metric::counter(
    "hw.smart.farm.reallocated_sectors",
    "{sector}",
    "FARM 重映射扇区数",
    "Sectors that were replaced by spare ones in the drive's life, by Seagate's own log; read once a day.",
);
pub(super) const FARM_CANDIDATES: Metric = Metric::gauge(
    "hw.smart.farm.reallocation_candidates",
    "{sector}",
    "FARM 待重映射扇区数",
    "Sectors that may have to be replaced, by Seagate's own log; read once a day.",
);
