//! The kinds of components, and what people call them: one table for agent, rules, pages and reports.

/// A kind of component, the part of a [`super::ComponentId`] before the colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Technical name: `disk`.
    pub name: &'static str,
    /// Chinese name: `磁盘`.
    pub zh: &'static str,
    /// Chinese measure word: `块`.
    pub measure: &'static str,
    /// English name of one: `disk`.
    pub one: &'static str,
    /// English name of several: `disks`.
    pub many: &'static str,
    /// Whether lists of a host's parts count them: disks, not processors.
    pub counted: bool,
}

/// Every kind, in the order in which pages and reports show them.
pub const KINDS: &[Kind] = &[
    part("site", "站点", "个", "site", "sites", false),
    part("host", "主机", "台", "host", "hosts", false),
    part("cpu", "处理器", "个", "processor", "processors", false),
    part("memory", "内存", "条", "memory module", "memory modules", false),
    part("psu", "电源", "个", "power supply", "power supplies", true),
    part("fan", "风扇", "个", "fan", "fans", true),
    part("power", "供电", "组", "set of power supplies", "sets of power supplies", false),
    part("cooling", "散热", "组", "set of fans", "sets of fans", false),
    part("temperature", "温度传感器", "个", "temperature sensor", "temperature sensors", false),
    part("voltage", "电压传感器", "个", "voltage sensor", "voltage sensors", false),
    part("sensor", "硬件传感器", "个", "hardware sensor", "hardware sensors", false),
    part("bmc", "管理控制器", "个", "management controller", "management controllers", true),
    part("enclosure", "磁盘机箱", "台", "disk enclosure", "disk enclosures", true),
    part("bay", "槽位", "个", "drive bay", "drive bays", false),
    part("disk", "磁盘", "块", "disk", "disks", true),
    part("device", "设备", "台", "device", "devices", true),
    part("controller", "RAID 卡", "块", "RAID controller", "RAID controllers", true),
    part("vd", "逻辑盘", "个", "logical drive", "logical drives", true),
    part("battery", "缓存电池", "块", "cache battery", "cache batteries", true),
    part("module", "模块", "个", "module", "modules", false),
    part("port", "端口", "个", "port", "ports", true),
    part("pool", "存储池", "个", "storage pool", "storage pools", true),
    part("volume", "卷", "个", "volume", "volumes", true),
    part("disks", "磁盘总数", "组", "disks as a whole", "disks as a whole", false),
    part("group", "冗余组", "组", "redundancy group", "redundancy groups", false),
    part("system", "服务器", "台", "server", "servers", true),
    part("cache", "控制器缓存", "个", "controller cache", "controller caches", false),
    part("nic", "网络适配器", "块", "network adapter", "network adapters", false),
    part("part", "其他部件", "个", "other part", "other parts", false),
    part("md", "软件 RAID 阵列", "组", "software RAID array", "software RAID arrays", true),
    part("multipath", "多路径设备", "个", "multipath unit", "multipath units", true),
    part("lv", "逻辑卷", "个", "logical volume", "logical volumes", true),
    part("vg", "卷组", "个", "volume group", "volume groups", true),
    part("vxdg", "VxVM 磁盘组", "个", "VxVM disk group", "VxVM disk groups", true),
    part("vxvol", "VxVM 卷", "个", "VxVM volume", "VxVM volumes", true),
    part("vxplex", "VxVM plex", "个", "VxVM plex", "VxVM plexes", false),
    part("vxdisk", "VxVM 磁盘", "块", "VxVM disk", "VxVM disks", false),
    part("dm", "映射设备", "个", "mapped device", "mapped devices", true),
    part("btrfs", "Btrfs", "个", "Btrfs", "Btrfs", true),
    part("zpool", "ZFS 存储池", "个", "ZFS pool", "ZFS pools", true),
    part("vdev", "ZFS 设备", "个", "ZFS device", "ZFS devices", false),
    part("nvme", "NVMe 路径（控制器）", "条", "NVMe path", "NVMe paths", true),
    part("filesystem", "文件系统", "个", "file system", "file systems", true),
    part("quota", "配额", "项", "quota", "quotas", false),
    part("quota_subject", "配额对象", "个", "subject of a quota", "subjects of quotas", false),
    part("lustre_fs", "Lustre 文件系统", "个", "Lustre file system", "Lustre file systems", true),
    part("lustre_target", "Lustre 存储目标", "个", "Lustre target", "Lustre targets", true),
    part("lustre_net", "LNet 网络", "个", "LNet network", "LNet networks", false),
    part("lustre_ni", "LNet 接口", "个", "LNet interface", "LNet interfaces", false),
    part("gpfs_cluster", "GPFS 集群", "个", "GPFS cluster", "GPFS clusters", false),
    part("gpfs_node", "GPFS 节点", "个", "GPFS node", "GPFS nodes", false),
    part("gpfs_fs", "GPFS 文件系统", "个", "GPFS file system", "GPFS file systems", true),
    part("gpfs_pool", "GPFS 存储池", "个", "GPFS storage pool", "GPFS storage pools", false),
    part("gpfs_quota", "GPFS 配额对象", "个", "GPFS quota", "GPFS quotas", false),
    part("gpfs_fileset", "GPFS 文件集", "个", "GPFS fileset", "GPFS filesets", false),
    part("gpfs_replicas", "GPFS 副本组", "组", "GPFS replica set", "GPFS replica sets", false),
    part(
        "gpfs_failure_group",
        "GPFS 故障组",
        "个",
        "GPFS failure group",
        "GPFS failure groups",
        false,
    ),
    part("gpfs_nsd", "GPFS NSD", "个", "GPFS NSD", "GPFS NSDs", true),
    part(
        "gpfs_array",
        "GPFS 分散阵列",
        "组",
        "GPFS declustered array",
        "GPFS declustered arrays",
        true,
    ),
    part(
        "gpfs_service",
        "GPFS 健康组件",
        "项",
        "GPFS health component",
        "GPFS health components",
        false,
    ),
    part("beegfs", "BeeGFS 文件系统", "个", "BeeGFS file system", "BeeGFS file systems", true),
    part("beegfs_metadata", "BeeGFS 元数据", "组", "BeeGFS metadata", "BeeGFS metadata", false),
    part("beegfs_target", "BeeGFS 存储目标", "个", "BeeGFS target", "BeeGFS targets", true),
    part("beegfs_group", "BeeGFS 镜像组", "组", "BeeGFS buddy group", "BeeGFS buddy groups", true),
    part("ceph", "Ceph 集群", "个", "Ceph cluster", "Ceph clusters", true),
    part("ceph_quorum", "Ceph 监视器仲裁组", "组", "Ceph quorum", "Ceph quorums", false),
    part("ceph_mon", "Ceph 监视器", "个", "Ceph monitor", "Ceph monitors", true),
    part("ceph_osd", "Ceph OSD", "个", "Ceph OSD", "Ceph OSDs", true),
    part("ceph_bucket", "Ceph 故障域", "个", "Ceph failure domain", "Ceph failure domains", false),
    part("ceph_pool", "Ceph 存储池", "个", "Ceph pool", "Ceph pools", true),
    part("ceph_fs", "CephFS 文件系统", "个", "CephFS file system", "CephFS file systems", true),
    part("gluster", "GlusterFS 存储池", "个", "GlusterFS pool", "GlusterFS pools", true),
    part("gluster_peer", "GlusterFS 节点", "个", "GlusterFS node", "GlusterFS nodes", true),
    part("gluster_volume", "GlusterFS 卷", "个", "GlusterFS volume", "GlusterFS volumes", true),
    part(
        "gluster_subvolume",
        "GlusterFS 子卷",
        "个",
        "GlusterFS subvolume",
        "GlusterFS subvolumes",
        false,
    ),
    part("gluster_brick", "GlusterFS 砖块", "个", "GlusterFS brick", "GlusterFS bricks", true),
    part("netif", "网络接口", "个", "network interface", "network interfaces", true),
    part("ibport", "InfiniBand 端口", "个", "InfiniBand port", "InfiniBand ports", true),
    part("fcport", "光纤通道端口", "个", "Fibre Channel port", "Fibre Channel ports", true),
    part("pci", "PCIe 设备", "个", "PCIe device", "PCIe devices", false),
    part("unit", "系统服务", "项", "system service", "system services", true),
    part("process", "关键进程", "个", "watched process", "watched processes", true),
    part("endpoint", "服务端点", "个", "endpoint", "endpoints", true),
    part("package", "软件包", "个", "package", "packages", false),
    part("source", "采集项", "项", "source of readings", "sources of readings", false),
];

const fn part(
    name: &'static str,
    zh: &'static str,
    measure: &'static str,
    one: &'static str,
    many: &'static str,
    counted: bool,
) -> Kind {
    Kind { name, zh, measure, one, many, counted }
}

impl Kind {
    /// The kind of this technical name; none for one that a newer agent may know.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|it| it.name == name)
    }

    /// Where lists show it: unknown kinds come last.
    pub fn place(name: &str) -> usize {
        KINDS.iter().position(|it| it.name == name).unwrap_or(KINDS.len())
    }

    /// The English name of several, as a heading: `File systems`.
    pub fn heading(&self) -> String {
        let mut letters = self.many.chars();
        letters.next().map(|it| it.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}
