//! Lustre, on servers (MGS, MDS, OSS) and clients, versions 2.10 to 2.16: health, recovery, targets, connections, space,
//! evictions, jobs, LNet.
//!
//! Facts: Lustre Operations Manual, lctl(8), lnetctl(8), kernel document `sysfs-fs-lustre`. Parameters are read from the
//! kernel's trees; `lctl` is asked only where those are not let be read. A server knows the targets that it serves; an
//! MDS and a client know all targets of the file system by their connections, and only they can tell a lost target from
//! one that moved to the partner.

use std::time::Duration;

use xunjian_proto::{ComponentId, Reason};

use crate::{
    host::Program,
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, no_options},
};

mod params;

mod names;

mod stats;

mod lnetctl;

mod metrics;

mod served;

mod counted;

mod reached;

mod lnet;

mod mounted;

mod saved;

pub(crate) use names::target_in;
use params::Params;

/// There as soon as any part of Lustre is loaded.
const MODULE: &str = "sys/module/lnet";

const LCTL: Program =
    Program { name: "lctl", places: &["/usr/sbin/lctl", "/sbin/lctl"], root: true };
const LNETCTL: Program =
    Program { name: "lnetctl", places: &["/usr/sbin/lnetctl", "/sbin/lnetctl"], root: true };

/// See the module.
pub const SOURCE: Source = Source {
    name: "lustre",
    title: Words { zh: "Lustre 并行文件系统", en: "Lustre" },
    about: Words {
        zh: "Lustre：自检、恢复、目标与连接、驱逐、空间、作业统计、LNet 网络",
        en: "Lustre: health, recovery, targets and connections, evictions, space, jobs, LNet",
    },
    needs: &[Need::Path(MODULE)],
    programs: &[LCTL, LNETCTL],
    runs: &[
        "lctl get_param {name}...",
        "lnetctl net show -v {number}",
        "lnetctl peer show -v {number}",
        "lnetctl stats show",
    ],
    harmless: Words {
        zh: "只读取内核模块保存在内存中的参数与计数器；不读各 OST 的远端用量，不向服务器发请求，不访问挂载点；\
             作业统计过大时只读到上限为止。",
        en: "Reads parameters and counters that the kernel modules keep in memory. No server is asked anything and no \
             mount point is touched; a very large list of jobs is read up to a limit only.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(50),
    metrics: metrics::ALL,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own { what: saved::WHAT, host: saved::host },
    check: no_options,
    collect,
};

/// What is read, in groups, so that one that hangs costs only its own.
const STATE: &[&str] = &[
    "health_check",
    "version",
    "memused",
    "lnet_memused",
    "obdfilter.*.recovery_status",
    "mdt.*.recovery_status",
    "obdfilter.*.num_exports",
    "mdt.*.num_exports",
    "mgs.*.num_exports",
    "obdfilter.*.eviction_count",
    "mdt.*.eviction_count",
    "mgs.*.eviction_count",
    "obdfilter.*.degraded",
    "osd-*.*.mntdev",
    "mdd.*.changelog_users",
];
const CONNECTIONS: &[&str] = &[
    "osc.*.import",
    "osc.*.state",
    "osc.*.active",
    "mdc.*.import",
    "mdc.*.state",
    "mdc.*.active",
    "mgc.*.import",
    "mgc.*.state",
    "osp.*.import",
    "osp.*.state",
    "osp.*.active",
    "osp.*.max_create_count",
    "osp.*.prealloc_status",
    "lod.*.target_obd",
    "lov.*.target_obd",
];
/// Not those of `osc`: reading them on a client asks every OST, and there are many clients.
const SPACE: &[&str] = &[
    "osd-*.*.kbytestotal",
    "osd-*.*.kbytesfree",
    "osd-*.*.kbytesavail",
    "osd-*.*.filestotal",
    "osd-*.*.filesfree",
    "obdfilter.*.kbytestotal",
    "obdfilter.*.kbytesfree",
    "obdfilter.*.kbytesavail",
    "obdfilter.*.filestotal",
    "obdfilter.*.filesfree",
    "osp.*.kbytestotal",
    "osp.*.kbytesfree",
    "osp.*.kbytesavail",
    "osp.*.filestotal",
    "osp.*.filesfree",
];
const COUNTERS: &[&str] = &[
    "obdfilter.*.stats",
    "mdt.*.md_stats",
    "osd-*.*.brw_stats",
    "obdfilter.*.brw_stats",
    "ost.OSS.*.stats",
    "mds.MDS.*.stats",
    "mgs.MGS.mgs.stats",
    "ldlm.services.*.stats",
    "ldlm.namespaces.filter-*.lock_timeouts",
    "ldlm.namespaces.mdt-*.lock_timeouts",
    "qmt.*.*.glb-usr",
    "qmt.*.*.glb-grp",
    "qmt.*.*.glb-prj",
];
/// Lines of lctl that were not understood and are shown.
const STRANGE_MAX: usize = 3;

const JOBS: &[&str] = &["obdfilter.*.job_stats", "mdt.*.job_stats"];

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let before = c.host.kept_back();
    let params = read(c);
    let whole = c.host.kept_back() == before;
    if !params.is_empty() {
        evidence(c, &params);
        host(c, &params);
        served::emit(c, &params);
        counted::emit(c, &params);
        reached::emit(c, &params, whole);
    }
    lnet::emit(c, params.is_empty());
    mounted::emit(c);
    Ok(())
}

/// The parameters, from the trees or, where those are not there or not let be read, from `lctl`.
fn read(c: &mut Collect<'_>) -> Params {
    let mut params = Params::default();
    let groups = [STATE, CONNECTIONS, SPACE, COUNTERS, JOBS];
    let before = c.host.kept_back();
    for patterns in groups {
        params.read_trees(c, patterns);
    }
    if let Some(denied) = &params.denied {
        let text = format!("parts of Lustre's parameters may not be read: {denied}");
        if !c.host.has(Need::Program("lctl")) {
            c.problem(Reason::PermissionDenied, None, text);
        }
    }
    if c.host.has(Need::Program("lctl")) && (params.is_empty() || params.denied.is_some()) {
        let mut strange = Vec::new();
        // It tells what the trees do not let everybody read.
        c.host.made_up_for(before);
        for patterns in groups {
            if !params.ask_lctl(c, patterns, &mut strange) {
                break;
            }
        }
        strange.sort();
        strange.dedup();
        for line in strange.iter().take(STRANGE_MAX) {
            let text = format!("line of lctl get_param not understood: {:?}", params::clip(line));
            c.problem(Reason::Unparsable, None, text);
        }
    }
    params.check(c);
    params
}

/// Keeps what the states were read from, when it changed. Numbers change all the time and prove nothing alone.
fn evidence(c: &mut Collect<'_>, params: &Params) {
    let mut text = String::new();
    for name in ["version", "health_check"] {
        if let Some(value) = params.plain(name) {
            text.push_str(&format!("{name}={value}\n"));
        }
    }
    for group in ["mdt", "obdfilter"] {
        for device in params.devices(group) {
            if let Some(value) = params.get(group, device, "recovery_status") {
                text.push_str(&format!("{group}.{device}.recovery_status=\n{value}\n"));
            }
        }
    }
    for group in ["mdc", "mgc", "osc", "osp"] {
        for device in params.devices(group) {
            let import = params.get(group, device, "import").or(params.get(group, device, "state"));
            let said = |it: &&str| {
                ["state:", "current_state:", "current_connection:"]
                    .iter()
                    .any(|word| it.trim().starts_with(word))
            };
            let lines: Vec<&str> = import.unwrap_or_default().lines().filter(said).collect();
            text.push_str(&format!("{group}.{device}.import=\n{}\n", lines.join("\n")));
        }
    }
    let lasting: String = text.lines().filter(|it| !it.contains("time_remaining")).collect();
    if !text.is_empty() && c.changed(&lasting) {
        c.evidence("lctl get_param", &text);
    }
}

/// What is said of the whole host.
fn host(c: &mut Collect<'_>, params: &Params) {
    let id = ComponentId::host();
    if let Some(version) = params.plain("version") {
        // 2.10: `lustre: 2.10.1`, then the kernel's.
        let line = version.lines().find(|it| !it.starts_with("kernel")).unwrap_or_default();
        c.state(&metrics::VERSION, &id, line.strip_prefix("lustre:").unwrap_or(line));
    }
    match params.plain("health_check").filter(|it| !it.is_empty()) {
        None => {
            let text = "health_check, Lustre's own verdict, could not be read";
            c.problem(Reason::Missing, Some(&id), text);
        }
        Some(text) => {
            let word = match text {
                _ if text.contains("LBUG") => "lbug",
                _ if text.contains("NOT HEALTHY") || text.contains("unhealthy") => "not_healthy",
                "healthy" => "healthy",
                other => {
                    let text = format!("health_check says {:?}", params::clip(other));
                    c.problem(Reason::Unparsable, Some(&id), text);
                    "unknown"
                }
            };
            c.state(&metrics::HEALTH, &id, word);
        }
    }
    for (name, module) in [("lnet_memused", "lnet"), ("memused", "lustre")] {
        if let Some(bytes) = params.plain(name).and_then(params::plausible) {
            c.sample_with(&metrics::MEMORY, &id, &[("lustre.module", module)], bytes);
        }
    }
}
