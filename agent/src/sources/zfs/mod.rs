//! ZFS pools: `zpool status` in JSON or text, `zpool list`, and the kernel's own word where the tool does not answer.
//!
//! Facts: `zpool-status(8)`, `zpool-list(8)`, OpenZFS `cmd/zpool/zpool_main.c`, `/proc/spl/kstat/zfs`. A pool says ONLINE
//! while its devices count checksum errors: only the counters of each device show that. A suspended pool can block every
//! question to it, but not the kstat of its state.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use xunjian_proto::Reason;

use crate::{
    devices::{self, word},
    host::{HostError, MDADM, Output, Program},
    runner::chain,
    saved::{Form, Saved, Serves},
    source::{Collect, Need, Source, SourceError, Words, fingerprint, no_options},
    typed, volumes,
};

mod emit;

mod json;

mod leaf;

mod list;

mod metrics;

mod pool;

mod scan;

mod text;

use metrics::{
    DATA_ERRORS, DEDUP, ERRORS, FRAGMENTATION, HEALTH, MISSING, ON_SPARE, SCAN, SCAN_DONE,
    SCAN_ERRORS, SCAN_REPAIRED, SCRUB_AGE, SHARE, SIZE, SLOW, TOLERANCE, UNPROTECTED, USED,
    VDEV_HEALTH,
};
use pool::Pool;

const ZPOOL: Program = Program {
    name: "zpool",
    places: &["/usr/sbin/zpool", "/sbin/zpool", "/usr/local/sbin/zpool"],
    root: false,
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "zfs",
    title: Words { zh: "ZFS 存储池", en: "ZFS pools" },
    about: Words {
        zh: "存储池、vdev、scrub 与 resilver、各设备错误计数",
        en: "pools, vdevs, scrubs and resilvers, errors of each device",
    },
    needs: &[Need::Program("zpool")],
    programs: &[MDADM, ZPOOL],
    runs: &[
        "zpool status -j -P --json-int",
        "zpool status -p -P -s",
        "zpool status -P",
        "zpool status",
        "zpool list -H -p -o {word}",
        devices::MDADM_EXPORT,
    ],
    harmless: Words {
        zh: "只查询内核已有的存储池配置与计数，不读写磁盘数据，不启动 scrub，不清除错误。",
        en: "Asks the kernel for the configuration and counters that it keeps in memory; reads and writes no data, starts \
             no scrub and clears no error.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(40),
    metrics: &[
        SIZE,
        USED,
        SHARE,
        FRAGMENTATION,
        DEDUP,
        DATA_ERRORS,
        SCRUB_AGE,
        SCAN_DONE,
        SCAN_ERRORS,
        SCAN_REPAIRED,
        MISSING,
        ON_SPARE,
        TOLERANCE,
        UNPROTECTED,
        ERRORS,
        SLOW,
    ],
    states: &[HEALTH, SCAN, VDEV_HEALTH],
    events: &[],
    saved: Saved::Forms(&[
        Form {
            what: "`zpool status`, `zpool status -j`",
            is: |text| {
                text.contains("pool: ") && text.contains("state:")
                    || text.contains("\"pools\"") && text.contains("\"vdevs\"")
            },
            serves: Serves::Command(&["zpool", "status"]),
        },
        Form {
            what: "`zpool list`",
            is: |text| text.contains("ALLOC") && text.contains("HEALTH"),
            serves: Serves::Command(&["zpool", "list"]),
        },
    ]),
    check: no_options,
    collect,
};

/// The ways to ask, best first; which one works is remembered.
const WAYS: [&[&str]; 4] = [
    &["zpool", "status", "-j", "-P", "--json-int"],
    &["zpool", "status", "-p", "-P", "-s"],
    &["zpool", "status", "-P"],
    &["zpool", "status"],
];

/// Where the kernel's own words on its pools are.
const KSTAT: &str = "proc/spl/kstat/zfs";

/// Pools of one host that are told of.
const POOLS_MAX: usize = 128;

/// What is remembered from run to run.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Which of the ways works.
    way: usize,
    /// Fingerprint of the evidence that was sent last.
    print: String,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut memory: Memory =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let status = status(c, &mut memory);
    let some = status.as_ref().is_ok_and(|it| !it.is_empty());
    let rows = rows(c, some);
    let mut pools = match status {
        Ok(pools) => pools,
        Err(error) => {
            let known: Vec<Pool> = kernel(c);
            if known.is_empty() && rows.is_empty() {
                *c.cursor = serde_json::to_string(&memory).ok();
                return match &error {
                    SourceError::Host(error) if no_module(error) => Ok(()),
                    _ => Err(error),
                };
            }
            let reason = match &error {
                SourceError::Host(error) => error.reason(),
                SourceError::Parse { .. } => Reason::Unparsable,
            };
            let text = format!("the devices of the pools could not be read: {}", chain(&error));
            c.problem(reason, None, text);
            known
        }
    };
    for row in &rows {
        if !pools.iter().any(|it| it.name == row.name) {
            pools.push(row.clone().into());
        }
    }
    if pools.len() > POOLS_MAX {
        c.problem(Reason::Truncated, None, format!("{} pools, {POOLS_MAX} read", pools.len()));
        pools.truncate(POOLS_MAX);
    }
    let now = c.host.vitals().ok().and_then(|it| it.now_secs());
    for pool in &mut pools {
        pool.guid =
            pool.guid.take().or_else(|| word(c.host, &format!("{KSTAT}/{}/guid", pool.name)));
        emit::pool(c, pool, now);
    }
    for row in rows.iter().filter(|row| pools.iter().any(|it| it.name == row.name)) {
        space(c, row);
    }
    *c.cursor = serde_json::to_string(&memory).ok();
    Ok(())
}

/// The pools by the first way of asking that the installed version knows.
fn status(c: &mut Collect<'_>, memory: &mut Memory) -> Result<Vec<Pool>, SourceError> {
    let from = memory.way.min(WAYS.len() - 1);
    for (way, argv) in WAYS.iter().enumerate().skip(from) {
        let output = c.host.run(argv)?;
        // Usage errors end with 2: an option that this version does not have.
        let last = way + 1 == WAYS.len();
        if output.status == 2 && output.stdout.trim().is_empty() && !last {
            continue;
        }
        memory.way = way;
        return read(c, argv, output, memory);
    }
    Ok(Vec::new())
}

fn read(
    c: &mut Collect<'_>,
    argv: &[&str],
    output: Output,
    memory: &mut Memory,
) -> Result<Vec<Pool>, SourceError> {
    let truncated = output.truncated;
    let said = output.stdout.clone();
    if said.trim().is_empty() {
        // "no pools available" stands on standard error.
        let told = output.stderr.contains("no pools");
        output.ok(argv)?;
        if !told {
            c.host.misread(&format!("`{}`", argv.join(" ")), "");
        }
        return Ok(Vec::new());
    }
    let parse_error = |why: String| SourceError::Parse { what: argv.join(" "), why };
    let pools = if said.trim_start().starts_with('{') {
        typed::parse(c.host, &format!("`{}`", argv.join(" ")), &said, json::NAMES)
            .map_err(|error| error.to_string())
            .and_then(|json| json::parse(&json))
            .map_err(parse_error)?
    } else {
        text::parse(&said)
    };
    if pools.is_empty() && !said.contains("\"pools\"") && !said.contains("no pools available") {
        let start: String = said.chars().take(80).collect();
        return Err(parse_error(format!("no pool in {start:?}")));
    }
    if truncated {
        c.problem(Reason::Truncated, None, "the output of zpool status was cut");
    }
    let print = fingerprint(&format!("{:?}", lasting(&pools)));
    if !pools.is_empty() && print != memory.print {
        memory.print = print;
        c.evidence(argv.join(" "), &said);
    }
    Ok(pools)
}

/// What of the pools is worth keeping the raw output for: not the progress of a scan.
fn lasting(pools: &[Pool]) -> Vec<Pool> {
    let mut pools = pools.to_vec();
    for scan in pools.iter_mut().flat_map(|it| &mut it.scans) {
        scan.done = None;
    }
    pools
}

/// What the kernel says by itself: names and states.
fn kernel(c: &Collect<'_>) -> Vec<Pool> {
    let names = c.host.list(KSTAT).unwrap_or_default();
    let pool = |name: String| {
        let state = word(c.host, &format!("{KSTAT}/{name}/state"))?;
        Some(Pool { name, state: state.to_uppercase(), ..Pool::default() })
    };
    names.into_iter().filter_map(pool).collect()
}

/// Tools without the kernel module: there are no pools to speak of.
fn no_module(error: &HostError) -> bool {
    let HostError::Status { stderr, .. } = error else { return false };
    stderr.contains("modules are not loaded") || stderr.contains("modules cannot be auto-loaded")
}

/// Sizes and use. `some`: there are pools.
fn rows(c: &mut Collect<'_>, some: bool) -> Vec<list::Row> {
    let argv = ["zpool", "list", "-H", "-p", "-o", list::COLUMNS];
    let text = match c.host.run(&argv).and_then(|it| it.ok(&argv)) {
        Ok(text) => text,
        Err(error) if error.reason() == Reason::Missing || no_module(&error) => return Vec::new(),
        Err(error) => {
            c.problem(error.reason(), None, format!("the sizes of the pools: {error}"));
            return Vec::new();
        }
    };
    let (rows, strange) = list::parse(&text);
    if some && text.trim().is_empty() {
        c.host.misread("`zpool list`", "");
    }
    for line in strange.iter().take(8) {
        c.problem(Reason::Unparsable, None, format!("line of zpool list not understood: {line:?}"));
    }
    rows
}

fn space(c: &mut Collect<'_>, row: &list::Row) {
    let id = volumes::zpool(&row.name);
    if let Some((size, used)) = row.size.zip(row.allocated) {
        c.sample(&SIZE, &id, size);
        c.sample(&USED, &id, used);
        if size > 0.0 {
            c.sample(&SHARE, &id, used / size);
        }
    }
    if let Some(share) = row.fragmentation {
        c.sample(&FRAGMENTATION, &id, share);
    }
    if let Some(ratio) = row.dedup {
        c.sample(&DEDUP, &id, ratio);
    }
}
