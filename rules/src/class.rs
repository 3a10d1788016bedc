//! The classes of faults, and what people call them. A case is one component and one class: what a rule's `class` says
//! decides which findings are told together.

use crate::{Lang, Text};

/// A class of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Technical name, as rules have it: `media`.
    pub name: &'static str,
    /// Chinese name: `介质`.
    pub zh: &'static str,
    /// English name: `media`.
    pub en: &'static str,
}

impl Class {
    /// The class of this name, if there is one.
    pub fn named(name: &str) -> Option<&'static Class> {
        CLASSES.iter().find(|it| it.name == name)
    }

    /// What people call a class; the technical name of one that an older release knew.
    pub fn called(name: &str, lang: Lang) -> &str {
        let Some(class) = Class::named(name) else { return name };
        match lang {
            Lang::Zh => class.zh,
            Lang::En => class.en,
        }
    }

    /// Both names.
    pub fn text(&self) -> Text {
        Text::new(self.zh, self.en)
    }
}

const fn class(name: &'static str, zh: &'static str, en: &'static str) -> Class {
    Class { name, zh, en }
}

/// Every class, in the order of their names.
pub const CLASSES: &[Class] = &[
    class("availability", "可用性", "availability"),
    class("balance", "均衡", "balance"),
    class("cabling", "线缆", "cabling"),
    class("cache", "缓存", "cache"),
    class("cache_protection", "缓存保护", "cache protection"),
    class("capacity", "容量", "capacity"),
    class("capacity-loss", "规模减少", "loss of capacity"),
    class("cephfs", "CephFS", "CephFS"),
    class("cephfs-data", "CephFS 数据", "CephFS data"),
    class("certificate", "证书", "certificate"),
    class("certificate-name", "证书名称", "name in the certificate"),
    class("changelog", "变更日志", "changelog"),
    class("clock", "时钟", "clock"),
    class("cluster", "集群", "cluster"),
    class("config", "配置日志", "configuration log"),
    class("configuration", "配置", "configuration"),
    class("connection", "连接", "connection"),
    class("consistency", "数据一致性", "consistency"),
    class("controller", "控制器", "controller"),
    class("cooling", "散热", "cooling"),
    class("coverage", "盲区", "coverage"),
    class("crash", "崩溃", "crash"),
    class("crashes", "反复崩溃", "crashes"),
    class("create", "创建文件", "creation of files"),
    class("daemon", "守护进程", "daemon"),
    class("damage", "数据损坏", "damage"),
    class("data-loss", "数据丢失", "loss of data"),
    class("degraded", "降级", "degraded"),
    class("design", "设计", "design"),
    class("device", "设备", "device"),
    class("device-speed", "设备速度", "speed of devices"),
    class("enclosure", "机箱", "enclosure"),
    class("enclosure-fault", "机箱故障", "fault of the enclosure"),
    class("environment", "环境", "environment"),
    class("errors", "错误计数", "errors"),
    class("eviction", "驱逐", "eviction"),
    class("failover", "接管", "failover"),
    class("flags", "集群标志", "flags"),
    class("foreign", "外来配置", "foreign configuration"),
    class("gnr", "GNR 阵列", "native RAID"),
    class("gpfs", "GPFS 服务", "GPFS"),
    class("gpfs-answers", "GPFS 命令响应", "answers of GPFS"),
    class("grey", "疑似离线", "probably offline"),
    class("hardware", "硬件", "hardware"),
    class("healing", "修复", "healing"),
    class("health", "健康状态", "health"),
    class("hung", "任务停滞", "hung tasks"),
    class("integrity", "完整性", "integrity"),
    class("io", "I/O 错误", "I/O errors"),
    class("kernel", "内核", "kernel"),
    class("latency", "响应时间", "latency"),
    class("limits", "资源上限", "limits"),
    class("link", "链路", "link"),
    class("load", "负载", "load"),
    class("log", "日志", "log"),
    class("lustre", "Lustre 服务", "Lustre"),
    class("lustre-net", "LNet 网络", "LNet"),
    class("machine-check", "机器检查", "machine check"),
    class("management", "管理通道", "management"),
    class("manager", "管理守护进程", "manager"),
    class("mds", "元数据服务", "metadata service"),
    class("media", "介质", "media"),
    class("member", "成员", "member"),
    class("memory", "内存", "memory"),
    class("memory-load", "内存负载", "memory load"),
    class("memory-size", "内存容量", "size of memory"),
    class("memory_error", "内存错误", "memory errors"),
    class("mon-space", "监视器空间", "space of monitors"),
    class("mount", "挂载", "mount"),
    class("muted", "静默的检查项", "muted checks"),
    class("network", "网络", "network"),
    class("nodes", "节点", "nodes"),
    class("offline", "离线", "offline"),
    class("oom", "内存耗尽", "out of memory"),
    class("optics", "光模块", "optics"),
    class("orchestrator", "编排服务", "orchestrator"),
    class("other", "其他", "other"),
    class("overall", "总体状态", "overall state"),
    class("overflow", "条目溢出", "overflow"),
    class("path", "路径", "path"),
    class("patrol", "巡读", "patrol read"),
    class("paused", "暂停", "paused"),
    class("pcie", "PCIe", "PCIe"),
    class("performance", "性能", "performance"),
    class("power", "供电", "power"),
    class("power_loss", "掉电保护", "power loss protection"),
    class("prediction", "失效预测", "prediction"),
    class("presence", "在位", "presence"),
    class("preserved_cache", "保留缓存", "preserved cache"),
    class("processes", "进程数", "processes"),
    class("processor", "处理器", "processor"),
    class("protection", "保护", "protection"),
    class("quota", "配额", "quota"),
    class("quota-many", "多处配额", "many quotas"),
    class("rdma", "RDMA", "RDMA"),
    class("reboot", "重启", "reboot"),
    class("rebuild", "重建", "rebuild"),
    class("recovery", "恢复", "recovery"),
    class("redundancy", "冗余", "redundancy"),
    class("scrub", "数据巡检", "scrub"),
    class("security", "安全", "security"),
    class("service", "服务", "service"),
    class("service-due", "服务维护", "service due"),
    class("snapshot", "快照", "snapshot"),
    class("space", "空间", "space"),
    class("spare", "热备", "spare"),
    class("speed", "速率", "speed"),
    class("speed-design", "设计速率", "speed by design"),
    class("stall", "停顿", "stall"),
    class("status", "状态", "status"),
    class("targets", "目标端口", "targets"),
    class("temperature", "温度", "temperature"),
    class("time", "时间同步", "time"),
    class("time-source", "时间源", "time source"),
    class("upkeep", "例行维护", "upkeep"),
    class("visibility", "可见性", "visibility"),
    class("voltage", "电压", "voltage"),
    class("waiters", "等待线程", "waiters"),
    class("wear", "寿命", "wear"),
    class("write", "可写性", "writability"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_stand_once_and_in_order() {
        assert!(CLASSES.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
