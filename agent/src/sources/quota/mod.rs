//! Quotas of local filesystems, those that NFS exports included: whether limits hold, who has reached one.
//!
//! Facts: `repquota(8)`, `quotaon(8)` and `xfs_quota(8)`, see [`report`]; `mount(8)` for the options that ask for quotas.
//! `repquota` knows all filesystems, but EL installs it seldom where all of them are XFS: those are asked by `xfs_quota`
//! then. Lustre, GPFS, GlusterFS and Ceph have quotas of their own, which their sources read.
//!
//! Invariants: users are numbers here, no directory service is asked; a subject that was told of is told of until it has
//! been good for some runs, because one that is only left out would stay what it was.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::Reason;

use crate::{
    host::Program,
    mounts::{self, Mount, Wanted},
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, no_options},
};

mod metrics;

mod report;

mod saved;

mod state;

mod tally;

mod tell;

use report::{Class, Line};
use state::{Known, State};
use tally::Tally;

const REPQUOTA: Program =
    Program { name: "repquota", places: &["/usr/sbin/repquota", "/sbin/repquota"], root: true };
const QUOTAON: Program =
    Program { name: "quotaon", places: &["/usr/sbin/quotaon", "/sbin/quotaon"], root: true };
const XFS_QUOTA: Program =
    Program { name: "xfs_quota", places: &["/usr/sbin/xfs_quota", "/sbin/xfs_quota"], root: true };

/// See the module.
pub const SOURCE: Source = Source {
    name: "quota",
    title: Words { zh: "磁盘配额", en: "quotas" },
    about: Words {
        zh: "用户、用户组与项目的磁盘配额：是否生效，谁达到了软、硬限制",
        en: "quotas of users, groups and projects: whether they hold, who has reached a limit",
    },
    needs: &[Need::Path("proc/self/mountinfo")],
    programs: &[QUOTAON, REPQUOTA, XFS_QUOTA],
    runs: &[
        "quotaon -p -a -u -g -P",
        "quotaon -p -a -u -g",
        "repquota -a -n -p -u -g -P",
        "repquota -a -n -p -u -g",
        "xfs_quota -x -c 'report -u -g -p -b -i -n' {name}",
    ],
    harmless: Words {
        zh: "每 30 分钟读取一次内核中的配额用量与状态，不把编号解析为用户名（不查询 LDAP 等目录服务），不扫描文件，不修改配额。",
        en: "Every 30 minutes asks the kernel for use and state of quotas. Numbers are not resolved to names, so that no \
             directory service is asked; no file is scanned and no quota changed.",
    },
    every: Duration::from_secs(30 * 60),
    deadline: Duration::from_secs(2 * 60),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own { what: saved::WHAT, host: saved::host },
    check: no_options,
    collect,
};

/// Lines that are told of one by one when they are not understood.
const STRANGE_MAX: usize = 8;

/// What the tools say where no filesystem has quotas.
const NO_QUOTAS: [&str; 2] = ["not mounted with quota option", "using quotas"];

/// What is remembered between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Subjects that were told of, by the key of their component, and for how many runs they still are if they are well.
    #[serde(default)]
    told: BTreeMap<String, u32>,
    /// Of the evidence that the collector has.
    #[serde(default)]
    proof: String,
}

/// What a run knows before it asks.
struct Look<'a> {
    /// Filesystems that are mounted.
    mounts: &'a [Mount],
    /// Those that fstab wants.
    wanted: &'a [Wanted],
    memory: &'a Memory,
    /// Seconds since 1970.
    now: Option<f64>,
}

/// What was read.
#[derive(Debug, Default)]
struct Answers {
    /// By place and class.
    tallies: BTreeMap<(String, Class), Tally>,
    strange: usize,
    /// Something was left out, so that nothing may be counted and nobody taken for gone.
    cut: bool,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let text = c.host.read("proc/self/mountinfo")?;
    let (all, strange) = mounts::parse(&text);
    if let Some(line) = strange.first() {
        c.host.misread("/proc/self/mountinfo", line);
    }
    let real = mounts::real(&all);
    let wanted = match c.host.read("etc/fstab") {
        Ok(text) => {
            if let Some(line) = mounts::strange(&text) {
                c.host.misread("/etc/fstab", line);
            }
            mounts::wanted(&text)
        }
        Err(error) if error.reason() == Reason::Missing => Vec::new(),
        Err(error) => {
            c.problem(error.reason(), None, format!("which quotas are wanted: {error}"));
            Vec::new()
        }
    };
    let memory: Memory =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    // Without it nobody can say whose time over the soft limit is up.
    let now = match c.host.has(Need::Program("repquota")) {
        true => c.host.vitals()?.now_secs(),
        false => None,
    };
    let mut answers = Answers::default();
    let look = Look { mounts: &real, wanted: &wanted, memory: &memory, now };
    let states = by_repquota(c, &look, &mut answers);
    by_xfs_quota(c, &look, &mut answers);
    let memory = tell::all(c, &look, states.as_ref(), &answers);
    *c.cursor = serde_json::to_string(&memory).ok();
    Ok(())
}

/// Reads all reports of `repquota`, and what `quotaon` says of them; none where quota-tools are not installed.
fn by_repquota(c: &mut Collect<'_>, look: &Look<'_>, answers: &mut Answers) -> Option<Known> {
    if !c.host.has(Need::Program("repquota")) {
        return None;
    }
    match ask(c, &["repquota", "-a", "-n", "-p", "-u", "-g", "-P"]) {
        Some((text, cut)) => {
            answers.cut |= cut;
            take(c, &text, look, None, answers);
        }
        None => answers.cut = true,
    }
    if !c.host.has(Need::Program("quotaon")) {
        return Some(Known::new());
    }
    let said = ask(c, &["quotaon", "-p", "-a", "-u", "-g", "-P"]);
    Some(state::read(&said.unwrap_or_default().0))
}

/// XFS of which `repquota` did not tell all.
fn by_xfs_quota(c: &mut Collect<'_>, look: &Look<'_>, answers: &mut Answers) {
    if !c.host.has(Need::Program("xfs_quota")) {
        return;
    }
    for mount in look.mounts.iter().filter(|it| it.kind == "xfs") {
        let untold = |class: &Class| {
            let told = answers.tallies.contains_key(&(mount.point.clone(), *class));
            !told && state::of_xfs(mount, *class) != State::Off
        };
        if !report::CLASSES.iter().any(untold) {
            continue;
        }
        let argv = ["xfs_quota", "-x", "-c", "report -u -g -p -b -i -n", &mount.point];
        match ask(c, &argv) {
            Some((text, cut)) => {
                answers.cut |= cut;
                answers.tallies.retain(|it, _| it.0 != mount.point);
                take(c, &text, look, Some(&mount.point), answers);
            }
            None => answers.cut = true,
        }
    }
}

/// Asks a tool, and says whether something is left out. An old one that knows no projects is asked without them. These
/// tools end with a bad status wherever one of several filesystems has no quota; what they say counts.
fn ask(c: &mut Collect<'_>, argv: &[&str]) -> Option<(String, bool)> {
    let before = c.host.kept_back();
    let mut found = c.host.run(argv);
    if let (Ok(output), Some((&"-P", shorter))) = (&found, argv.split_last())
        && output.stderr.contains("invalid option")
    {
        found = c.host.run(shorter);
    }
    let output = match found {
        Ok(output) => output,
        Err(error) => {
            c.problem(error.reason(), None, format!("quotas: {error}"));
            return None;
        }
    };
    let cut = output.truncated || c.host.kept_back() > before;
    if cut {
        c.problem(Reason::Truncated, None, format!("the answer to `{}` is cut", argv.join(" ")));
    }
    let said = output.stderr.lines().map(str::trim).find(|it| !it.is_empty()).unwrap_or_default();
    let without = NO_QUOTAS.iter().any(|it| said.contains(it)) || said.is_empty();
    if output.status != 0 && output.stdout.trim().is_empty() && !without {
        c.problem(Reason::ToolFailed, None, format!("`{}`: {said}", argv.join(" ")));
        return None;
    }
    Some((output.stdout, cut))
}

/// Sums up the reports in a text. `place`: where it is from, if it is about one filesystem.
fn take(
    c: &mut Collect<'_>,
    text: &str,
    look: &Look<'_>,
    place: Option<&str>,
    answers: &mut Answers,
) {
    let mut at: Option<(String, Class)> = None;
    for line in text.lines() {
        match report::read(line, look.now) {
            Line::Report(class, device) => {
                let mount = look.mounts.iter().find(|it| it.source == device).map(|it| &*it.point);
                let key = (place.or(mount).unwrap_or(device).to_owned(), class);
                answers.tallies.entry(key.clone()).or_insert_with(|| Tally::new(class, device));
                at = Some(key);
            }
            Line::Subject(subject) => {
                let Some(tally) = at.as_ref().and_then(|it| answers.tallies.get_mut(it)) else {
                    continue;
                };
                let place = at.as_ref().map_or("", |it| &it.0);
                let key = format!("{place}:{}/{}", tally.class.word(), subject.id);
                tally.add(subject, look.memory.told.contains_key(&key));
            }
            Line::Chatter => {}
            Line::Strange(line) => {
                answers.cut = true;
                answers.strange += 1;
                if answers.strange <= STRANGE_MAX {
                    let line: String = line.chars().take(120).collect();
                    c.problem(Reason::Unparsable, None, format!("not understood: {line:?}"));
                }
            }
        }
    }
}
