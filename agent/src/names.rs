//! What metrics and states are called in Chinese: one table for the agent's own output and for the collector's pages.
//! A test holds that every name here is one that a source really has.

/// Chinese names, by technical name, sorted.
const ZH: &[(&str, &str)] = &[
    ("host.boot.id", "启动标识"),
    ("hw.network.bandwidth.limit", "链路速率"),
    ("hw.nvme.available_spare", "剩余备用空间"),
    ("hw.nvme.available_spare_threshold", "备用空间阈值"),
    ("hw.nvme.critical_temperature_time", "超临界温度时长"),
    ("hw.nvme.critical_warning.backup", "严重告警：掉电保护失效"),
    ("hw.nvme.critical_warning.persistent_memory", "严重告警：持久内存不可靠"),
    ("hw.nvme.critical_warning.read_only", "严重告警：介质只读"),
    ("hw.nvme.critical_warning.reliability", "严重告警：可靠性下降"),
    ("hw.nvme.critical_warning.spare", "严重告警：备用空间不足"),
    ("hw.nvme.critical_warning.temperature", "严重告警：温度越限"),
    ("hw.nvme.error_log_entries", "错误日志条数"),
    ("hw.nvme.media_errors", "介质与数据完整性错误"),
    ("hw.nvme.throttle_events", "过热降速次数"),
    ("hw.nvme.unsafe_shutdowns", "异常断电次数"),
    ("hw.nvme.warning_temperature_time", "超告警温度时长"),
    ("hw.physical_disk.endurance_utilization", "寿命消耗"),
    ("hw.physical_disk.size", "容量"),
    ("hw.scsi.background_scan.findings", "后台扫描发现的缺陷"),
    ("hw.scsi.background_scan.state", "后台扫描状态"),
    ("hw.scsi.grown_defects", "增长缺陷表"),
    ("hw.scsi.informational_exception", "磁盘预警（IE）"),
    ("hw.scsi.non_medium_errors", "非介质错误"),
    ("hw.scsi.pending_defects", "待处理缺陷"),
    ("hw.scsi.uncorrected_errors", "未纠正错误"),
    ("hw.smart.attributes.failed_past", "曾低于阈值的属性"),
    ("hw.smart.attributes.failing", "当前低于阈值的属性"),
    ("hw.smart.attribute.normalized", "SMART 属性归一化值"),
    ("hw.smart.attribute.threshold", "SMART 属性阈值"),
    ("hw.smart.command_timeouts", "命令超时"),
    ("hw.smart.crc_errors", "接口 CRC 错误"),
    ("hw.smart.end_to_end_errors", "端到端错误"),
    ("hw.smart.erase_failures", "擦除失败"),
    ("hw.smart.error_log.count", "错误日志累计"),
    ("hw.smart.error_log.entries", "错误日志条数"),
    ("hw.smart.error_log.state", "错误日志"),
    ("hw.smart.helium_level", "氦气余量"),
    ("hw.smart.high_fly_writes", "磁头飞高写入"),
    ("hw.smart.link_downshifts", "链路降速次数"),
    ("hw.smart.offline_uncorrectable", "离线不可纠正扇区"),
    ("hw.smart.pending_sectors", "待映射扇区"),
    ("hw.smart.power_cycles", "通电次数"),
    ("hw.smart.power_loss_capacitor", "掉电保护电容"),
    ("hw.smart.power_on_time", "通电时间"),
    ("hw.smart.program_failures", "编程失败"),
    ("hw.smart.reallocated_sectors", "重映射扇区"),
    ("hw.smart.reallocation_events", "重映射事件"),
    ("hw.smart.reported_uncorrect", "已报告的不可纠正错误"),
    ("hw.smart.self_test.age", "距上次自检"),
    ("hw.smart.self_test.failed_lba", "自检失败的 LBA"),
    ("hw.smart.self_test.result", "自检结果"),
    ("hw.smart.soft_read_errors", "软读取错误"),
    ("hw.smart.spin_retries", "起转重试"),
    ("hw.smart.status", "SMART 健康状态"),
    ("hw.smart.support", "SMART 支持"),
    ("hw.temperature", "温度"),
    ("hw.temperature.limit", "温度上限"),
    ("md.array.degraded", "缺失成员数"),
    ("md.array.members", "成员数"),
    ("md.array.mismatches", "校验不一致扇区"),
    ("md.array.size", "阵列容量"),
    ("md.array.state", "阵列状态"),
    ("md.array.tolerance", "可承受失效数"),
    ("md.array.tolerance", "还能承受的成员失效数"),
    ("md.member.bad_blocks", "成员盘坏块"),
    ("md.member.corrected_errors", "成员盘已纠正错误"),
    ("md.member.suspect", "疑似成员"),
    ("md.sync.action", "同步动作"),
    ("md.sync.completed", "同步进度"),
    ("md.sync.speed", "同步速度"),
    ("system.cpu.load_average.15m", "15 分钟平均负载"),
    ("system.cpu.load_average.1m", "1 分钟平均负载"),
    ("system.cpu.load_average.5m", "5 分钟平均负载"),
    ("system.cpu.logical.count", "逻辑 CPU 数"),
    ("system.cpu.time", "CPU 时间"),
    ("system.disk.access", "读写属性"),
    ("system.disk.io", "磁盘读写量"),
    ("system.disk.io_errors", "磁盘 I/O 错误"),
    ("system.disk.io_time", "磁盘忙时间"),
    ("system.disk.limit", "磁盘容量"),
    ("system.disk.operation_time", "读写耗时"),
    ("system.disk.operations", "读写次数"),
    ("system.disk.pending_operations", "排队请求"),
    ("system.disk.state", "设备状态"),
    ("system.disk.weighted_io_time", "加权 I/O 时间"),
    ("system.filesystem.device_errors", "底层设备错误"),
    ("system.filesystem.errors", "文件系统错误"),
    ("system.filesystem.inodes.limit", "inode 总数"),
    ("system.filesystem.inodes.usage", "inode 用量"),
    ("system.filesystem.inodes.utilization", "inode 使用率"),
    ("system.filesystem.limit", "文件系统容量"),
    ("system.filesystem.mode", "挂载方式"),
    ("system.filesystem.mode.wanted", "应有挂载方式"),
    ("system.filesystem.mounted", "是否已挂载"),
    ("system.filesystem.on_error", "出错时的动作"),
    ("system.filesystem.probe", "响应探测"),
    ("system.filesystem.usage", "空间用量"),
    ("system.filesystem.utilization", "空间使用率"),
    ("system.linux.conntrack.limit", "连接跟踪上限"),
    ("system.linux.conntrack.usage", "连接跟踪用量"),
    ("system.linux.file_handles.limit", "文件句柄上限"),
    ("system.linux.file_handles.usage", "文件句柄用量"),
    ("system.linux.oom_kills", "内存不足杀进程次数"),
    ("system.linux.processes.blocked", "阻塞进程数"),
    ("system.linux.psi.time", "资源压力时间（PSI）"),
    ("system.memory.limit", "内存容量"),
    ("system.memory.linux.available", "可用内存"),
    ("system.memory.linux.hardware_corrupted", "硬件损坏的内存"),
    ("system.memory.usage", "内存用量"),
    ("system.memory.utilization", "内存使用率"),
    ("system.network.bond.active_member", "当前主用端口"),
    ("system.network.bond.link_failures", "链路失效次数"),
    ("system.network.bond.mode", "绑定模式"),
    ("system.network.duplex", "双工模式"),
    ("system.network.errors", "网络错误"),
    ("system.network.io", "网络流量"),
    ("system.network.link", "链路状态"),
    ("system.network.link.changes", "链路变化次数"),
    ("system.network.operstate", "接口运行状态"),
    ("system.network.packet.count", "报文数"),
    ("system.network.packet.dropped", "丢弃报文"),
    ("system.paging.faults", "缺页次数"),
    ("system.paging.usage", "交换空间用量"),
    ("system.paging.utilization", "交换空间使用率"),
    ("system.uptime", "运行时间"),
    ("systemd.manager.state", "systemd 总体状态"),
    ("systemd.unit.active_state", "服务状态"),
    ("systemd.unit.exit_status", "退出码"),
    ("systemd.unit.file_state", "开机启动"),
    ("systemd.unit.load_state", "加载状态"),
    ("systemd.unit.restarts", "重启次数"),
    ("systemd.unit.result", "结束结果"),
    ("systemd.unit.sub_state", "服务子状态"),
    ("systemd.units", "服务单元数"),
];

/// The Chinese name of a metric or state; `None` where the technical name must do.
pub fn zh(name: &str) -> Option<&'static str> {
    ZH.iter().find(|(known, _)| *known == name).map(|(_, zh)| *zh)
}

/// Chinese for the words that tell the series of one metric apart; others stay as they are.
pub fn zh_attr(value: &str) -> &str {
    match value {
        "read" => "读",
        "write" => "写",
        "receive" => "接收",
        "transmit" => "发送",
        "used" => "已用",
        "free" => "空闲",
        "reserved" => "保留",
        "cached" => "缓存",
        "buffers" => "缓冲",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources;

    #[test]
    fn every_name_here_is_one_that_a_source_has() {
        let known = |name: &str| {
            sources::ALL.iter().any(|source| {
                source.metrics.iter().chain(source.states).any(|metric| metric.name == name)
            })
        };
        let stale: Vec<&str> =
            ZH.iter().map(|(name, _)| *name).filter(|name| !known(name)).collect();
        assert_eq!(stale, Vec::<&str>::new());
    }
}
