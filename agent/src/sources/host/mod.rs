//! The host as a whole: processors, memory, swap, load, pressure, limits, and who it is.
//!
//! Facts: sysinfo, `proc(5)`, kernel documents `accounting/psi` and `filesystems/proc`. What an old kernel lacks (PSI
//! before 4.20, `oom_kill` before 4.13) is simply not there.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::{known, word},
    host::{HostError, Vitals},
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod hardware;

use hardware::{CPUS_OFFLINE, NUMA_FREE, NUMA_LIMIT};

/// See the module.
pub const SOURCE: Source = Source {
    name: "host",
    title: Words { zh: "主机基本状态", en: "host basics" },
    about: Words {
        zh: "处理器、内存、交换空间、负载、资源压力、运行时间、系统版本",
        en: "processors, memory, swap, load, pressure, uptime, system",
    },
    needs: &[Need::Path("proc/stat")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取十几个由内核即时生成的小文件。",
        en: "Reads a dozen small files that the kernel makes up on the spot.",
    },
    every: Duration::from_secs(10),
    deadline: Duration::from_secs(5),
    metrics: &[
        CPU_TIME,
        CPUS,
        CPUS_OFFLINE,
        MEMORY,
        MEMORY_LIMIT,
        MEMORY_SHARE,
        MEMORY_LEFT,
        NUMA_LIMIT,
        NUMA_FREE,
        CORRUPTED,
        PAGING,
        PAGING_SHARE,
        LOAD_1,
        LOAD_5,
        LOAD_15,
        PRESSURE,
        UPTIME,
        FAULTS,
        OOM,
        FILES,
        FILES_LIMIT,
        CONNTRACK,
        CONNTRACK_LIMIT,
        BLOCKED,
    ],
    states: &[BOOT],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const CPU_TIME: Metric = Metric::counter(
    "system.cpu.time",
    "s",
    "CPU 时间",
    "Time of all processors together, by cpu.mode.",
);
const CPUS: Metric =
    Metric::gauge("system.cpu.logical.count", "{cpu}", "逻辑 CPU 数", "Logical processors.");
const MEMORY: Metric = Metric::gauge(
    "system.memory.usage",
    "By",
    "内存用量",
    "Memory by system.memory.state; used is what cannot be had without swapping.",
);
const MEMORY_LIMIT: Metric =
    Metric::gauge("system.memory.limit", "By", "内存容量", "Memory of the host.");
const MEMORY_SHARE: Metric = Metric::gauge(
    "system.memory.utilization",
    "1",
    "内存使用率",
    "Share of the memory that is used.",
);
const MEMORY_LEFT: Metric = Metric::gauge(
    "system.memory.linux.available",
    "By",
    "可用内存",
    "Memory that programs can still get without swapping.",
);
const CORRUPTED: Metric = Metric::gauge(
    "system.memory.linux.hardware_corrupted",
    "By",
    "硬件损坏的内存",
    "Memory that the kernel has put out of use because of uncorrectable errors.",
);
const PAGING: Metric =
    Metric::gauge("system.paging.usage", "By", "交换空间用量", "Swap by system.paging.state.");
const PAGING_SHARE: Metric = Metric::gauge(
    "system.paging.utilization",
    "1",
    "交换空间使用率",
    "Share of the swap that is used.",
);
const LOAD_1: Metric = Metric::gauge(
    "system.cpu.load_average.1m",
    "{thread}",
    "1 分钟平均负载",
    "Load average over 1 minute.",
);
const LOAD_5: Metric = Metric::gauge(
    "system.cpu.load_average.5m",
    "{thread}",
    "5 分钟平均负载",
    "Load average over 5 minutes.",
);
const LOAD_15: Metric = Metric::gauge(
    "system.cpu.load_average.15m",
    "{thread}",
    "15 分钟平均负载",
    "Load average over 15 minutes.",
);
const PRESSURE: Metric = Metric::counter(
    "system.linux.psi.time",
    "s",
    "资源压力时间（PSI）",
    "Time in which some or all tasks (system.linux.psi.stall) waited for a resource (system.linux.psi.resource).",
);
const UPTIME: Metric = Metric::gauge("system.uptime", "s", "运行时间", "Time since boot.");
const FAULTS: Metric = Metric::counter(
    "system.paging.faults",
    "{fault}",
    "缺页次数",
    "Page faults that read from a disk.",
);
const OOM: Metric = Metric::counter(
    "system.linux.oom_kills",
    "{process}",
    "内存不足杀进程次数",
    "Processes that the kernel killed for want of memory.",
);
const FILES: Metric = Metric::gauge(
    "system.linux.file_handles.usage",
    "{file}",
    "文件句柄用量",
    "Open file handles.",
);
const FILES_LIMIT: Metric = Metric::gauge(
    "system.linux.file_handles.limit",
    "{file}",
    "文件句柄上限",
    "Most open file handles.",
);
const CONNTRACK: Metric = Metric::gauge(
    "system.linux.conntrack.usage",
    "{connection}",
    "连接跟踪用量",
    "Connections that the firewall tracks.",
);
const CONNTRACK_LIMIT: Metric = Metric::gauge(
    "system.linux.conntrack.limit",
    "{connection}",
    "连接跟踪上限",
    "Most connections that the firewall can track.",
);
const BLOCKED: Metric = Metric::gauge(
    "system.linux.processes.blocked",
    "{process}",
    "阻塞进程数",
    "Processes that wait for a disk or a server.",
);
const BOOT: Metric = Metric::word(
    "host.boot.id",
    "启动标识",
    "The kernel's boot id; a new one means that the host was booted.",
);

/// Ticks a second in `/proc/stat`: USER_HZ, which is 100 on every architecture the agent is built for.
const TICKS: f64 = 100.0;

/// A limit above this is none: the kernel's default is 2^63.
const LIMIT_MAX: f64 = 1e15;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let id = ComponentId::host();
    let vitals = match c.host.vitals() {
        Ok(vitals) => Some(vitals),
        Err(error) => {
            c.problem(
                error.reason(),
                Some(&id),
                format!("memory, load and uptime: {}", chain(&error)),
            );
            None
        }
    };
    component(c, &id, vitals.as_ref());
    if let Some(vitals) = &vitals {
        from_vitals(c, &id, vitals);
    }
    let stat = c.host.read("proc/stat")?;
    from_stat(c, &id, &stat);
    from_vmstat(c, &id);
    pressure(c, &id);
    limits(c, &id);
    hardware::read(c, &id);
    if let Some(boot) = word(c.host, "proc/sys/kernel/random/boot_id") {
        c.state(&BOOT, &id, &boot);
    }
    Ok(())
}

fn chain(error: &HostError) -> String {
    let cause = std::error::Error::source(error).map(|it| format!(": {it}")).unwrap_or_default();
    format!("{error}{cause}")
}

fn component(c: &mut Collect<'_>, id: &ComponentId, vitals: Option<&Vitals>) {
    let mut attrs = BTreeMap::from([("os.type".to_owned(), "linux".to_owned())]);
    let mut attr = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            attrs.insert(name.to_owned(), value);
        }
    };
    let dmi = |file: &str| word(c.host, &format!("sys/class/dmi/id/{file}"));
    attr("hw.vendor", dmi("sys_vendor"));
    attr("hw.model", dmi("product_name"));
    // Only root may read it (0400), and the service's list of machines has it all the same.
    let before = c.host.kept_back();
    attr("hw.serial_number", dmi("product_serial"));
    c.host.made_up_for(before);
    let mut name = word(c.host, "proc/sys/kernel/hostname").unwrap_or_default();
    if let Some(vitals) = vitals {
        attr("os.description", Some(vitals.os.clone()));
        attr("system.linux.kernel.release", Some(vitals.kernel.clone()));
        attr("host.arch", Some(vitals.arch.clone()));
        attr("host.cpu.model.name", Some(vitals.cpu_model.clone()));
        if !vitals.hostname.is_empty() {
            name.clone_from(&vitals.hostname);
        }
    }
    attr("host.name", Some(name.clone()));
    let name = if name.is_empty() { "host".to_owned() } else { name };
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
}

#[expect(clippy::cast_precision_loss, reason = "bytes and seconds are below 2^52")]
fn from_vitals(c: &mut Collect<'_>, id: &ComponentId, vitals: &Vitals) {
    if vitals.cpus > 0 {
        c.sample(&CPUS, id, f64::from(vitals.cpus));
    }
    let (total, available) = (vitals.memory_total as f64, vitals.memory_available as f64);
    if total > 0.0 && available <= total {
        c.sample_with(&MEMORY, id, &[("system.memory.state", "used")], total - available);
        c.sample(&MEMORY_LIMIT, id, total);
        c.sample(&MEMORY_SHARE, id, share(total - available, total));
        c.sample(&MEMORY_LEFT, id, available);
    } else {
        c.problem(
            Reason::Implausible,
            Some(id),
            format!("memory: {available} of {total} bytes available"),
        );
    }
    let (total, used) = (vitals.swap_total as f64, vitals.swap_used as f64);
    if total > 0.0 && used <= total {
        c.sample_with(&PAGING, id, &[("system.paging.state", "used")], used);
        c.sample(&PAGING_SHARE, id, share(used, total));
    }
    for (metric, load) in [&LOAD_1, &LOAD_5, &LOAD_15].into_iter().zip(vitals.load) {
        c.sample(metric, id, load);
    }
    c.sample(&UPTIME, id, vitals.uptime_secs as f64);
}

/// To the hundredth of a percent: what is beyond it is noise, and 17 digits of noise do not pack.
fn share(part: f64, whole: f64) -> f64 {
    (part / whole * 1e4).round() / 1e4
}

fn from_stat(c: &mut Collect<'_>, id: &ComponentId, stat: &str) {
    const MODES: [&str; 8] =
        ["user", "nice", "system", "idle", "iowait", "interrupt", "softirq", "steal"];
    let line = |start: &str| stat.lines().find_map(|line| line.strip_prefix(start));
    let Some(times) = line("cpu ") else {
        return c.problem(Reason::Unparsable, Some(id), "no line `cpu` in /proc/stat");
    };
    let times = times.split_whitespace().map(str::parse::<f64>);
    for (mode, ticks) in MODES.into_iter().zip(times) {
        match ticks {
            Ok(ticks) => c.sample_with(&CPU_TIME, id, &[("cpu.mode", mode)], ticks / TICKS),
            Err(error) => {
                c.problem(Reason::Unparsable, Some(id), format!("cpu time of {mode}: {error}"))
            }
        }
    }
    if let Some(blocked) = line("procs_blocked ").and_then(|it| it.trim().parse().ok()) {
        c.sample(&BLOCKED, id, blocked);
    }
}

fn from_vmstat(c: &mut Collect<'_>, id: &ComponentId) {
    if let Ok(text) = c.host.read("proc/vmstat") {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|it| it.trim().parse().ok())
        };
        if value("pgmajfault").is_none() {
            c.host.misread("/proc/vmstat", &text);
        }
        if let Some(faults) = value("pgmajfault") {
            c.sample_with(&FAULTS, id, &[("system.paging.fault.type", "major")], faults);
        }
        if let Some(kills) = value("oom_kill") {
            c.sample(&OOM, id, kills);
        }
    }
    if let Ok(text) = c.host.read("proc/meminfo") {
        if !text.starts_with("MemTotal:") {
            c.host.misread("/proc/meminfo", &text);
        }
        let line = text.lines().find_map(|line| line.strip_prefix("HardwareCorrupted:"));
        let kib = line.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        if let Some(kib) = kib {
            c.sample(&CORRUPTED, id, kib * 1024.0);
        }
    }
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=179133`, in microseconds.
fn pressure(c: &mut Collect<'_>, id: &ComponentId) {
    for resource in ["cpu", "io", "memory"] {
        // Not there before 4.20, and refused where it is switched off: both are no gap.
        let Ok(text) = c.host.read(&format!("proc/pressure/{resource}")) else { continue };
        for line in text.lines() {
            let Some((stall @ ("some" | "full"), rest)) = line.split_once(' ') else {
                c.host.misread(&format!("/proc/pressure/{resource}"), line);
                continue;
            };
            // For processors, `full` means nothing and is always 0.
            if resource == "cpu" && stall == "full" {
                continue;
            }
            let total = rest.split_whitespace().find_map(|it| it.strip_prefix("total="));
            if let Some(micros) = total.and_then(|it| it.parse::<f64>().ok()) {
                let attrs =
                    [("system.linux.psi.resource", resource), ("system.linux.psi.stall", stall)];
                // To the millisecond: more digits are noise, which does not pack.
                c.sample_with(&PRESSURE, id, &attrs, (micros / 1e3).round() / 1e3);
            }
        }
    }
}

fn limits(c: &mut Collect<'_>, id: &ComponentId) {
    let numbers = |path: &str| -> Vec<f64> {
        let all = |it: &str| it.split_whitespace().map(|it| it.parse().ok()).collect();
        known(c.host, path, all).unwrap_or_default()
    };
    // Allocated, free among them, limit.
    let files = numbers("proc/sys/fs/file-nr");
    let tracked = numbers("proc/sys/net/netfilter/nf_conntrack_count");
    let tracked_limit = numbers("proc/sys/net/netfilter/nf_conntrack_max");
    if let [allocated, free, limit] = files[..] {
        c.sample(&FILES, id, (allocated - free).max(0.0));
        if limit < LIMIT_MAX {
            c.sample(&FILES_LIMIT, id, limit);
        }
    }
    if let ([count], [limit]) = (&tracked[..], &tracked_limit[..]) {
        c.sample(&CONNTRACK, id, *count);
        c.sample(&CONNTRACK_LIMIT, id, *limit);
    }
}
