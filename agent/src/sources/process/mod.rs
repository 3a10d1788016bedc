//! Processes: how many in which state, those that hang in the kernel, and those that the configuration names.
//!
//! Facts: `proc_pid_stat(5)`, `proc_pid_status(5)`, `proc_pid_limits(5)`. A process is told by its number and its start,
//! because numbers are used again. One that is in uninterruptible sleep (D) at two looks in a row is counted as stuck;
//! threads of the kernel are not, because some sleep so by nature.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Reason};

use crate::{
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words},
};

mod stat;

mod watched;

use stat::Stat;

/// See the module.
pub const SOURCE: Source = Source {
    name: "process",
    title: Words { zh: "进程", en: "processes" },
    about: Words {
        zh: "进程数、僵尸与 D 状态进程，以及配置中列出的关键进程",
        en: "processes by state, zombies, processes stuck in the kernel, and those that the configuration names",
    },
    needs: &[Need::Path("proc/stat")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "每分钟读取一次 /proc 中各进程的状态行；仅对配置中列出的进程读取命令行、内存与句柄数，不读取环境变量和任何文件内容。",
        en: "Reads the state line of each process from /proc once a minute. Only of processes that the configuration names \
             it reads command line, memory and number of open files; never an environment or the content of a file.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(30),
    metrics: &[
        COUNT,
        STUCK,
        watched::RUNNING,
        watched::WANTED,
        watched::RESTARTS,
        watched::FILES,
        watched::FILES_LIMIT,
        watched::MEMORY,
        watched::THREADS,
    ],
    states: &[STUCK_NAMES],
    events: &[],
    saved: Saved::Nothing,
    check: watched::check,
    collect,
};

const COUNT: Metric = Metric::gauge(
    "system.process.count",
    "{process}",
    "进程数",
    "Processes by process.status: running, sleeping, uninterruptible, stopped, zombie, other.",
);
const STUCK: Metric = Metric::gauge(
    "system.process.stuck",
    "{process}",
    "卡在内核中的进程",
    "Processes that were in uninterruptible sleep at this look and at the one before.",
);
const STUCK_NAMES: Metric = Metric::word(
    "system.process.stuck.names",
    "卡住的进程",
    "Names of the stuck processes, the most frequent first; none.",
);

/// Processes looked at: the kernel's own limit is 32,768 on most machines, four million at most.
const PROCESSES_MAX: usize = 40_000;

/// Names of stuck processes that are told.
const NAMES_MAX: usize = 5;

/// What is kept between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// Processes in state D at the last look: number and start.
    waiting: Vec<(u32, u64)>,
    /// Watched ones.
    watched: BTreeMap<String, watched::Before>,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let watches = watched::options(c.options);
    let stored = c.cursor.as_deref().and_then(|it| serde_json::from_str::<Cursor>(it).ok());
    let before = stored.unwrap_or_default();
    let mut numbers: Vec<u32> =
        c.host.list("proc")?.iter().filter_map(|it| it.parse().ok()).collect();
    numbers.sort_unstable();
    if numbers.len() > PROCESSES_MAX {
        let text = format!("{} processes, {PROCESSES_MAX} looked at", numbers.len());
        c.problem(Reason::Truncated, None, text);
        numbers.truncate(PROCESSES_MAX);
    }
    let mut all = Vec::new();
    let mut strange = 0_u32;
    let kept_before = c.host.kept_back();
    for number in numbers {
        // One that is gone meanwhile is no gap.
        let Ok(text) = c.host.read(&format!("proc/{number}/stat")) else { continue };
        match stat::parse(&text) {
            Some(stat) => all.push(stat),
            None => strange += 1,
        }
    }
    if strange > 0 {
        c.problem(
            Reason::Unparsable,
            None,
            format!("{strange} lines of /proc/PID/stat not understood"),
        );
    }
    let whole = c.host.kept_back() == kept_before && strange == 0;
    if whole {
        totals(c, &all, &before.waiting);
    }
    let watched = watched::collect(c, &watches, &all, whole, before.watched);
    let waiting = all.iter().filter(|it| it.waits()).map(|it| (it.number, it.start)).collect();
    *c.cursor = serde_json::to_string(&Cursor { waiting, watched }).ok();
    Ok(())
}

fn totals(c: &mut Collect<'_>, all: &[Stat], waited: &[(u32, u64)]) {
    let host = ComponentId::host();
    let words = ["other", "running", "sleeping", "stopped", "uninterruptible", "zombie"];
    let mut counts: BTreeMap<&str, u32> = words.map(|it| (it, 0)).into();
    for stat in all {
        *counts.entry(stat.status()).or_default() += 1;
    }
    for (word, count) in counts {
        c.sample_with(&COUNT, &host, &[("process.status", word)], f64::from(count));
    }
    let stuck: Vec<&Stat> =
        all.iter().filter(|it| it.waits() && waited.contains(&(it.number, it.start))).collect();
    c.sample(&STUCK, &host, u32::try_from(stuck.len()).map_or(f64::MAX, f64::from));
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    for stat in &stuck {
        *names.entry(&stat.name).or_default() += 1;
    }
    let mut names: Vec<(u32, &str)> =
        names.into_iter().map(|(name, count)| (count, name)).collect();
    names.sort_by(|a, b| b.cmp(a));
    let list: Vec<&str> = names.iter().take(NAMES_MAX).map(|it| it.1).collect();
    c.state(
        &STUCK_NAMES,
        &host,
        &if list.is_empty() { "none".to_owned() } else { list.join(", ") },
    );
}
