//! What sources, metrics and states are called. English readers get the technical name, which is English, and the
//! agent's own help text; the Chinese names stand in the agent's table.

use xunjian_rules::Lang;

/// The Chinese name of a metric or state for Chinese readers; `None` where the technical name must do.
pub(super) fn metric(name: &str, lang: Lang) -> Option<&'static str> {
    match lang {
        Lang::Zh => xunjian_agent::names::zh(name),
        Lang::En => None,
    }
}

/// What a source is called; its technical name where there is no better one.
pub(super) fn source(name: &str, lang: Lang) -> &str {
    let (zh, en) = match name {
        "agent" => ("采集器自身", "the agent itself"),
        "block" => ("磁盘 I/O", "disk I/O"),
        "fs" => ("文件系统", "filesystems"),
        "host" => ("主机基本状态", "host basics"),
        "kmsg" => ("内核日志", "kernel log"),
        "md" => ("软件 RAID", "software RAID"),
        "net" => ("网络接口", "network interfaces"),
        "smart" => ("磁盘健康（SMART）", "disk health (SMART)"),
        "systemd" => ("系统服务", "system services"),
        other => (other, other),
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}
