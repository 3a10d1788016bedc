//! Everything that a RAID controller can tell, in the words of this source.

use crate::source::Metric;

pub(super) const METRICS: &[Metric] = &[
    VOLUME_SIZE,
    VOLUME_LOST,
    VOLUME_SPARES,
    PROGRESS,
    DRIVE_SIZE,
    MEDIA_ERRORS,
    OTHER_ERRORS,
    PREDICTIVE,
    DRIVE_PROGRESS,
    TEMPERATURE,
    MEMORY_ERRORS,
    FOREIGN,
    CHARGE,
];

pub(super) const STATES: &[Metric] = &[
    VOLUME_STATE,
    ACTIVITY,
    WRITE_CACHE,
    CONSISTENT,
    BAD_BLOCKS,
    DRIVE_STATE,
    ALERT,
    STATUS,
    PRESERVED,
    CACHE,
    PATROL,
    CHECK,
    CONFIGURATION,
    PACK_STATE,
    CAPACITY_TEST,
    ENCLOSURE,
];

pub(super) const VOLUME_SIZE: Metric =
    Metric::gauge("hw.raid.volume.size", "By", "逻辑盘容量", "Usable size of the logical drive.");
pub(super) const VOLUME_LOST: Metric = Metric::gauge(
    "hw.raid.volume.lost",
    "{disk}",
    "逻辑盘缺失成员数",
    "Members of the logical drive that do not serve: failed, missing or being rebuilt.",
);
pub(super) const VOLUME_SPARES: Metric = Metric::gauge(
    "hw.raid.volume.spares",
    "{disk}",
    "可用热备盘数",
    "Hot spares that can take a lost member's place; not given for levels without redundancy.",
);
pub(super) const PROGRESS: Metric = Metric::gauge(
    "hw.raid.volume.progress",
    "1",
    "逻辑盘后台任务进度",
    "Share of the running background task of the logical drive that is done.",
);
pub(super) const DRIVE_SIZE: Metric = Metric::gauge(
    "hw.raid.drive.size",
    "By",
    "RAID 卡报告的磁盘容量",
    "Size of the drive as the controller sees it.",
);
pub(super) const MEDIA_ERRORS: Metric = Metric::counter(
    "hw.raid.drive.media_errors",
    "{error}",
    "RAID 卡记录的介质错误数",
    "Errors of the medium that the controller has counted for the drive since it was inserted or the host was started.",
);
pub(super) const OTHER_ERRORS: Metric = Metric::counter(
    "hw.raid.drive.other_errors",
    "{error}",
    "RAID 卡记录的链路与超时错误数",
    "Timeouts and errors of the link that the controller has counted for the drive.",
);
pub(super) const PREDICTIVE: Metric = Metric::counter(
    "hw.raid.drive.predictive_failures",
    "{event}",
    "RAID 卡记录的预失效告警次数",
    "Times that the drive predicted its own failure to the controller.",
);
pub(super) const DRIVE_PROGRESS: Metric = Metric::gauge(
    "hw.raid.drive.rebuild_progress",
    "1",
    "磁盘重建进度",
    "Share of the drive's rebuild or copyback that is done.",
);
pub(super) const TEMPERATURE: Metric = Metric::gauge(
    "hw.raid.temperature",
    "Cel",
    "RAID 卡报告的温度",
    "Temperature of the controller, its battery or a drive, as the controller tells it; by hw.sensor_location.",
);
pub(super) const MEMORY_ERRORS: Metric = Metric::counter(
    "hw.raid.controller.memory_errors",
    "{error}",
    "RAID 卡缓存内存错误数",
    "Errors of the controller's own memory, by hw.error.type: corrected or uncorrected.",
);
pub(super) const FOREIGN: Metric = Metric::gauge(
    "hw.raid.controller.foreign_drives",
    "{disk}",
    "带外来配置的磁盘数",
    "Drives that hold the configuration of another controller.",
);
pub(super) const CHARGE: Metric = Metric::gauge(
    "hw.raid.battery.charge",
    "1",
    "缓存电池电量",
    "Charge of the cache's battery or capacitor.",
);

pub(super) const VOLUME_STATE: Metric = Metric::word(
    "hw.raid.volume.state",
    "逻辑盘状态",
    "How the logical drive is: optimal, partially_degraded, degraded, rebuilding, failed, unknown.",
);
pub(super) const ACTIVITY: Metric = Metric::word(
    "hw.raid.volume.activity",
    "逻辑盘后台任务",
    "What goes on: none, rebuild, initialization, consistency_check, migration or the tool's own word.",
);
pub(super) const WRITE_CACHE: Metric = Metric::word(
    "hw.raid.volume.write_cache",
    "逻辑盘写缓存",
    "How writes are cached: write_back, always_write_back (even with a bad battery), write_through, or \
     fallen_to_write_through where it should be write_back.",
);
pub(super) const CONSISTENT: Metric = Metric::word(
    "hw.raid.volume.consistent",
    "逻辑盘一致性",
    "Whether copies and parity are known to agree: yes, no.",
);
pub(super) const BAD_BLOCKS: Metric = Metric::word(
    "hw.raid.volume.bad_blocks",
    "逻辑盘坏块",
    "Whether blocks of the logical drive are lost for good: yes, no.",
);
pub(super) const DRIVE_STATE: Metric = Metric::word(
    "hw.raid.drive.state",
    "RAID 卡报告的磁盘状态",
    "How the controller sees the drive: online, spare, unconfigured, jbod, rebuilding, copying, predicted_failure, \
     failed, bad, offline, missing, busy, unknown.",
);
pub(super) const ALERT: Metric = Metric::word(
    "hw.raid.drive.smart_alert",
    "磁盘 S.M.A.R.T. 告警",
    "Whether the drive predicts its own failure to the controller: yes, no.",
);
pub(super) const STATUS: Metric = Metric::word(
    "hw.raid.controller.status",
    "RAID 卡状态",
    "What the controller says of itself: optimal, needs_attention, degraded, failed, unknown.",
);
pub(super) const PRESERVED: Metric = Metric::word(
    "hw.raid.controller.preserved_cache",
    "RAID 卡保留缓存",
    "Whether the cache holds data of a volume that is gone: yes, no.",
);
pub(super) const CACHE: Metric = Metric::word(
    "hw.raid.controller.cache",
    "RAID 卡写缓存保护",
    "Whether data in the write cache survive a power cut: protected, unprotected, or unused if nothing is held back.",
);
pub(super) const PATROL: Metric = Metric::word(
    "hw.raid.controller.patrol_read",
    "巡读",
    "Whether the drives are read through regularly: scheduled, running, off.",
);
pub(super) const CHECK: Metric = Metric::word(
    "hw.raid.controller.consistency_check",
    "一致性校验",
    "Whether copies and parity are compared regularly: scheduled, running, off.",
);
pub(super) const CONFIGURATION: Metric = Metric::word(
    "hw.raid.controller.configuration",
    "RAID 卡配置",
    "Whether the controller has logical drives: volumes, none, or hba if it only hands drives on.",
);
pub(super) const PACK_STATE: Metric = Metric::word(
    "hw.raid.battery.state",
    "缓存电池状态",
    "How the battery or capacitor of the cache is: good, learning, charging, degraded, failed, missing, absent, \
     unknown.",
);
pub(super) const CAPACITY_TEST: Metric = Metric::word(
    "hw.raid.battery.capacity_test",
    "缓存电池容量测试",
    "When the capacity of the battery was last tested, in the tool's words; never.",
);
pub(super) const ENCLOSURE: Metric = Metric::word(
    "hw.raid.enclosure.status",
    "RAID 卡报告的机箱状态",
    "Whether all that the controller sees of the enclosure is well: ok, or what is not.",
);
