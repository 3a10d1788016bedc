//! Processes that the configuration names: whether they run, how often they began anew, what they use.
//!
//! `[[sources.process.watch]]` with `name`, `command` (the program's file name, or the process's name), optionally
//! `argument` (a part of the command line that must be there) and `at_least` (how many must run; 1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xunjian_proto::{Component, ComponentId, Reason};

use super::stat::Stat;
use crate::source::{Collect, Metric, check_options};

pub(super) const RUNNING: Metric = Metric::gauge(
    "process.count",
    "{process}",
    "运行中的进程数",
    "Processes of this name that run.",
);
pub(super) const WANTED: Metric = Metric::gauge(
    "process.count.wanted",
    "{process}",
    "应有进程数",
    "Processes of this name that must run.",
);
pub(super) const RESTARTS: Metric = Metric::counter(
    "process.restarts",
    "{restart}",
    "进程重启次数",
    "Times that all processes of this name were replaced by new ones, as far as the agent saw.",
);
pub(super) const FILES: Metric = Metric::gauge(
    "process.open_file_descriptor.count",
    "{file}",
    "打开的文件句柄",
    "Open files of the process that has most of them.",
);
pub(super) const FILES_LIMIT: Metric = Metric::gauge(
    "process.open_file_descriptor.limit",
    "{file}",
    "文件句柄上限",
    "Files that this process may open.",
);
pub(super) const MEMORY: Metric = Metric::gauge(
    "process.memory.usage",
    "By",
    "进程内存",
    "Memory of all processes of this name that is not swapped out.",
);
pub(super) const THREADS: Metric = Metric::gauge(
    "process.thread.count",
    "{thread}",
    "线程数",
    "Threads of all processes of this name.",
);

/// A process to watch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watch {
    name: String,
    command: String,
    #[serde(default)]
    argument: Option<String>,
    #[serde(default = "one")]
    at_least: u32,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    watch: Vec<Watch>,
}

/// What was seen of a watched name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Before {
    running: Vec<(u32, u64)>,
    restarts: u32,
}

/// Names in one configuration.
const WATCHES_MAX: usize = 64;

/// Processes of one name that are looked at closely.
const CLOSE_MAX: usize = 256;

/// Checks the source's config section.
pub(super) fn check(table: &toml::Table) -> Result<(), String> {
    check_options::<Options>(table)?;
    let watches = options(table);
    let mut wrong = Vec::new();
    if watches.len() > WATCHES_MAX {
        wrong.push(format!("{} processes to watch; at most {WATCHES_MAX}", watches.len()));
    }
    for (index, it) in watches.iter().enumerate() {
        if it.name.trim().is_empty() || it.command.trim().is_empty() {
            wrong.push(format!("watch {}: `name` and `command` must not be empty", index + 1));
        }
        if it.command.contains('/') {
            wrong.push(format!(
                "{}: want `command` without folders, found {:?}",
                it.name, it.command
            ));
        }
        if watches[..index].iter().any(|other| other.name == it.name) {
            wrong.push(format!("{}: the name is there twice", it.name));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

pub(super) fn options(table: &toml::Table) -> Vec<Watch> {
    table.clone().try_into::<Options>().unwrap_or_default().watch
}

/// Reads out every watched name; gives what to remember.
pub(super) fn collect(
    c: &mut Collect<'_>,
    watches: &[Watch],
    all: &[Stat],
    whole: bool,
    mut before: BTreeMap<String, Before>,
) -> BTreeMap<String, Before> {
    let mut now = BTreeMap::new();
    for watch in watches {
        let kept = c.host.kept_back();
        let found: Vec<&Stat> = all.iter().filter(|it| fits(c, watch, it)).collect();
        let whole = whole && c.host.kept_back() == kept;
        let running: Vec<(u32, u64)> = found.iter().map(|it| (it.number, it.start)).collect();
        let mut known = before.remove(&watch.name).unwrap_or_default();
        let replaced = !known.running.is_empty()
            && !running.is_empty()
            && !known.running.iter().any(|it| running.contains(it));
        known.restarts = known.restarts.saturating_add(u32::from(replaced));
        // One that is gone is remembered, so that its return is seen to be a new one.
        if !running.is_empty() {
            known.running = running;
            known.running.truncate(CLOSE_MAX);
        }
        emit(c, watch, &found, whole, known.restarts);
        now.insert(watch.name.clone(), known);
    }
    now
}

/// By name or by the file name of the first argument; zombies run no more.
fn fits(c: &Collect<'_>, watch: &Watch, stat: &Stat) -> bool {
    if stat.status() == "zombie" {
        return false;
    }
    // The kernel keeps 15 bytes of a name.
    let short: String = watch.command.chars().take(15).collect();
    let by_name = stat.name == short;
    if by_name && watch.command.len() <= 15 && watch.argument.is_none() {
        return true;
    }
    // Names are changed by programs (`java` threads, interpreters), command lines seldom are: they are asked only where
    // the name leaves it open.
    let may_be = by_name || watch.argument.is_some() || stat.name.len() == 15;
    let line = match may_be {
        true => c.host.read(&format!("proc/{}/cmdline", stat.number)).unwrap_or_default(),
        false => return false,
    };
    let arguments: Vec<&str> = line.split('\0').collect();
    let program = arguments.first().and_then(|it| it.rsplit('/').next()).unwrap_or_default();
    let is_it = by_name || program == watch.command;
    let wanted = watch.argument.as_deref();
    is_it && wanted.is_none_or(|wanted| arguments.join(" ").contains(wanted))
}

fn emit(c: &mut Collect<'_>, watch: &Watch, found: &[&Stat], whole: bool, restarts: u32) {
    let id = ComponentId::new("process", &watch.name);
    let attrs = [("process.executable.name".to_owned(), watch.command.clone())];
    c.component(Component {
        id: id.clone(),
        name: watch.name.clone(),
        attrs: attrs.into(),
        links: Vec::new(),
        set: None,
    });
    // One whose name could not be read may be what is looked for.
    if whole {
        c.sample(&RUNNING, &id, u32::try_from(found.len()).map_or(f64::MAX, f64::from));
    }
    c.sample(&WANTED, &id, f64::from(watch.at_least));
    c.sample(&RESTARTS, &id, f64::from(restarts));
    if found.is_empty() {
        return;
    }
    let threads: u32 = found.iter().map(|it| it.threads).fold(0, u32::saturating_add);
    if whole {
        c.sample(&THREADS, &id, f64::from(threads));
    }
    let close = &found[..found.len().min(CLOSE_MAX)];
    if close.len() < found.len() {
        let text = format!("{} processes, files and memory of {CLOSE_MAX}", found.len());
        c.problem(Reason::Truncated, Some(&id), text);
    }
    let memory: f64 = close.iter().filter_map(|it| memory(c, it.number)).sum();
    if whole && memory > 0.0 {
        c.sample(&MEMORY, &id, memory);
    }
    let mut most: Option<(f64, Option<f64>)> = None;
    let mut denied = false;
    let before = c.host.kept_back();
    for stat in close {
        match c.host.list(&format!("proc/{}/fd", stat.number)) {
            Ok(files) => {
                let count = u32::try_from(files.len()).map_or(f64::MAX, f64::from);
                if most.is_none_or(|it| count > it.0) {
                    most = Some((count, files_limit(c, stat.number)));
                }
            }
            Err(error) => denied |= error.reason() == Reason::PermissionDenied,
        }
    }
    // What is denied is told below.
    if denied {
        c.host.made_up_for(before);
    }
    match most {
        Some((count, limit)) => {
            c.sample(&FILES, &id, count);
            if let Some(limit) = limit {
                c.sample(&FILES_LIMIT, &id, limit);
            }
        }
        None if denied => {
            let text = "open files of other users' processes need CAP_SYS_PTRACE";
            c.problem(Reason::PermissionDenied, Some(&id), text);
        }
        None => {}
    }
}

/// `VmRSS:     1234 kB`.
fn memory(c: &Collect<'_>, number: u32) -> Option<f64> {
    let text = c.host.read(&format!("proc/{number}/status")).ok()?;
    if !text.starts_with("Name:") {
        c.host.misread(&format!("/proc/{number}/status"), &text);
    }
    let line = text.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0).filter(|it| (0.0..1e18).contains(it))
}

/// `Max open files            1024                 524288               files`: the first one is in force.
fn files_limit(c: &Collect<'_>, number: u32) -> Option<f64> {
    let text = c.host.read(&format!("proc/{number}/limits")).ok()?;
    if !text.starts_with("Limit") {
        c.host.misread(&format!("/proc/{number}/limits"), &text);
    }
    let line = text.lines().find_map(|it| it.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
