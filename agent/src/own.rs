//! The agent looks at itself: what it takes from the host, and what it had to leave out.
//!
//! Facts: proc_pid_stat(5) and proc_pid_status(5). Not one of [`crate::sources::ALL`], because it says nothing of the
//! host's health; only a running agent adds it.

use std::time::Duration;

use xunjian_proto::{Component, ComponentId, Reason, Run, Sample, SeriesKey};

use crate::{
    saved::Saved,
    source::{Collect, Metric, Source, SourceError, Words, no_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "agent",
    title: Words { zh: "采集器自身", en: "the agent itself" },
    about: Words {
        zh: "代理自身：内存、处理器时间、待上传数据",
        en: "the agent itself: memory, processor time, spool",
    },
    needs: &[],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取自身进程的两个文件。", en: "Reads two files of its own process."
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(5),
    metrics: &[
        MEMORY,
        CPU,
        CHILDREN_CPU,
        THREADS,
        LEFT_BEHIND,
        PERIOD,
        SPOOL_SIZE,
        SPOOL_BATCHES,
        SPOOL_DROPPED,
    ],
    states: &[],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const MEMORY: Metric =
    Metric::gauge("process.memory.usage", "By", "进程常驻内存", "Resident memory of the agent.");
const CPU: Metric = Metric::counter(
    "process.cpu.time",
    "s",
    "进程处理器时间",
    "Processor time of the agent, without its children.",
);
const CHILDREN_CPU: Metric = Metric::counter(
    "xunjian.agent.children.cpu.time",
    "s",
    "外部程序处理器时间",
    "Processor time of the programs that the agent started and that have ended.",
);
const THREADS: Metric =
    Metric::gauge("process.thread.count", "{thread}", "线程数", "Threads of the agent.");
const LEFT_BEHIND: Metric = Metric::gauge(
    "xunjian.agent.programs.left_behind",
    "{process}",
    "未能回收的程序",
    "Killed programs that hang in the kernel, most likely on a dead device.",
);
const PERIOD: Metric = Metric::gauge(
    "xunjian.agent.source.period",
    "s",
    "采集周期",
    "Period of a source now; longer than configured while its runs take long.",
);
const SPOOL_SIZE: Metric = Metric::gauge(
    "xunjian.agent.spool.size",
    "By",
    "待上传数据量",
    "Bytes that wait for the collector.",
);
const SPOOL_BATCHES: Metric = Metric::gauge(
    "xunjian.agent.spool.batches",
    "{batch}",
    "待上传批次",
    "Batches that wait for the collector.",
);
const SPOOL_DROPPED: Metric = Metric::counter(
    "xunjian.agent.spool.dropped",
    "{batch}",
    "丢弃的批次",
    "Batches that lost detail, or were lost, because the spool was full.",
);

/// Clock ticks per second in `/proc/self/stat`: USER_HZ, 100 on every Linux architecture but Alpha and IA-64.
const TICKS_PER_SECOND: f64 = 100.0;

/// `VmRSS` is in KiB whatever the size of a page is; `statm` counts pages, which are 64 KiB on some aarch64 kernels.
const KIB: f64 = 1024.0;

/// What the service knows and no file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Bytes in the spool.
    pub spool_bytes: u64,
    /// Batches in the spool.
    pub spool_batches: u64,
    /// Batches that the full spool dropped or thinned since the agent started.
    pub spool_dropped: u64,
    /// Killed programs that do not die.
    pub left_behind: usize,
    /// Every source with its period now.
    pub periods: Vec<(String, Duration)>,
}

fn id() -> ComponentId {
    ComponentId::new("source", SOURCE.name)
}

fn collect(run: &mut Collect<'_>) -> Result<(), SourceError> {
    let id = id();
    let attrs = [("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into();
    let name = "xunjian-agent".to_owned();
    run.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    let status = run.host.read("proc/self/status")?;
    for (key, metric, factor) in [("VmRSS:", &MEMORY, KIB), ("Threads:", &THREADS, 1.0)] {
        let line = status.lines().find_map(|it| it.strip_prefix(key));
        let value = line.and_then(|it| it.split_whitespace().next()?.parse::<f64>().ok());
        match value {
            Some(value) => run.sample(metric, &id, value * factor),
            None => {
                run.problem(Reason::Unparsable, Some(&id), format!("no {key} in /proc/self/status"))
            }
        }
    }
    let stat = run.host.read("proc/self/stat")?;
    // The name in brackets may hold blanks; numbers begin behind the last bracket, with field 3.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    for (metric, first) in [(&CPU, 14), (&CHILDREN_CPU, 16)] {
        let field = |number: usize| fields.get(number - 3).and_then(|it| it.parse::<f64>().ok());
        match (field(first), field(first + 1)) {
            (Some(user), Some(system)) => {
                run.sample(metric, &id, (user + system) / TICKS_PER_SECOND)
            }
            _ => run.problem(
                Reason::Unparsable,
                Some(&id),
                format!("no field {first} in /proc/self/stat"),
            ),
        }
    }
    Ok(())
}

/// Adds to a run of this source what the service knows.
pub fn add(run: &mut Run, figures: &Figures) {
    let mut sample = |metric: &Metric, component: ComponentId, value: f64| {
        let series = SeriesKey { metric: metric.name.to_owned(), component, attrs: Vec::new() };
        run.samples.push(Sample { series: series.into(), value });
    };
    sample(&SPOOL_SIZE, id(), float(figures.spool_bytes));
    sample(&SPOOL_BATCHES, id(), float(figures.spool_batches));
    sample(&SPOOL_DROPPED, id(), float(figures.spool_dropped));
    sample(&LEFT_BEHIND, id(), float(figures.left_behind as u64));
    for (source, period) in &figures.periods {
        sample(&PERIOD, ComponentId::new("source", source), period.as_secs_f64());
    }
}

#[allow(clippy::cast_precision_loss, reason = "exact up to 2^53, far beyond any of these")]
fn float(value: u64) -> f64 {
    value as f64
}
