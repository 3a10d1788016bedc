//! GlusterFS: nodes, bricks, volumes as protected sets, healing, split-brain, quotas.
//!
//! Facts: the administration guide, the CLI's XML, and recordings of release 10. `gluster volume status` takes a lock on
//! the whole pool, and two of them at once refuse each other; so one node asks it: the one with the lowest UUID of those
//! that are connected, which each node tells from its own daemon.

use std::time::Duration;

use serde::Deserialize;
use xunjian_proto::Reason;

use crate::{
    host::Program,
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, check_options},
};

mod metrics;

mod pool;

mod saved;

mod tell;

mod xml;

use metrics::READER;
use pool::Pool;
use xml::ask;

/// The command line of GlusterFS. It talks to the daemon of this node through a socket that belongs to root.
const GLUSTER: Program = Program {
    name: "gluster",
    places: &["/usr/sbin/gluster", "/usr/bin/gluster", "/usr/local/sbin/gluster"],
    root: true,
};

/// Limit of a question that the daemon of this node answers alone.
const QUICK: Duration = Duration::from_secs(15);

/// Limit of a question to all nodes; healing is told by a program that reads the indices of all bricks.
const LONG: Duration = Duration::from_secs(30);

/// Most volumes that are asked about healing, and about quotas, in one run.
const ASKED_MAX: usize = 20;

/// See the module.
pub const SOURCE: Source = Source {
    name: "gluster",
    title: Words { zh: "GlusterFS", en: "GlusterFS" },
    about: Words {
        zh: "GlusterFS：节点、砖块、卷冗余、待修复与脑裂、目录配额",
        en: "GlusterFS: nodes, bricks, redundancy of volumes, healing, split-brain, quotas",
    },
    needs: &[Need::Program("gluster"), Need::Path("var/lib/glusterd")],
    programs: &[GLUSTER],
    runs: &[
        "gluster --mode=script --log-file=/dev/null --xml pool list",
        "gluster --mode=script --log-file=/dev/null --xml volume info",
        "gluster --mode=script --log-file=/dev/null --xml volume status all detail",
        "gluster --mode=script --log-file=/dev/null --xml volume heal {word} info summary",
        "gluster --mode=script --log-file=/dev/null --xml volume quota {word} list",
    ],
    harmless: Words {
        zh: "只读查询，每 5 分钟一轮，逐条执行，每条最长 30 秒。默认（reader = \"auto\"）各节点只向本机 glusterd 询问节点列表和卷信息（不加锁），\
             只有已连接节点中 UUID 最小的一个询问卷状态、待修复条目和配额，避免多个节点同时加锁而使管理命令报\
             “Another transaction is in progress”；该节点未装代理时，在另一节点上设 reader = \"always\"。查询会记入 glusterd 的命令历史。",
        en: "Queries only, every 5 minutes, one after the other, 30 s each at most. By default (reader = \"auto\") each node \
             asks only its own glusterd for peers and volumes, which takes no lock; of the connected nodes the one with the \
             lowest UUID alone asks for the status of volumes, for healing and quotas, so that no administrator's command \
             is refused with \"Another transaction is in progress\". Where that node has no agent, set reader = \"always\" on \
             another one. glusterd notes the queries in its command history.",
    },
    every: Duration::from_secs(300),
    deadline: Duration::from_secs(240),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own { what: saved::WHAT, host: saved::host },
    check: check_options::<Options>,
    collect,
};

/// The source's options.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Whether this node asks for what takes a lock: `auto`, `always` or `never`.
    reader: Reader,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reader {
    Auto,
    Always,
    Never,
}

impl Default for Options {
    fn default() -> Options {
        Options { reader: Reader::Auto }
    }
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options: Options = c.options.clone().try_into().map_err(|error: toml::de::Error| {
        SourceError::Parse { what: "options of gluster".to_owned(), why: error.to_string() }
    })?;
    let mut pool = Pool::default();
    let mut answers = 0;
    for words in [&["pool", "list"][..], &["volume", "info"]] {
        answers += usize::from(question(c, &mut pool, words, None, QUICK));
    }
    let reads = match options.reader {
        Reader::Always => true,
        Reader::Never => false,
        Reader::Auto => is_first(&pool),
    };
    if reads {
        answers += usize::from(read(c, &mut pool));
    }
    if answers == 0 {
        let why = "neither peers nor volumes were told".to_owned();
        return Err(SourceError::Parse { what: "gluster".to_owned(), why });
    }
    let print: Vec<String> = pool.volumes.values().map(pool::Volume::print).collect();
    if c.changed(&print.join("\n")) {
        for (what, answer) in std::mem::take(&mut pool.proofs) {
            c.evidence(what, &answer);
        }
    }
    let id = pool.tell(c);
    c.state(&READER, &id, if reads { "reader" } else { "standby" });
    Ok(())
}

/// Whether this node is the one that reads: no connected one has a lower UUID. A node that does not know itself reads,
/// rather than nobody.
fn is_first(pool: &Pool) -> bool {
    let connected =
        |it: &&String| pool.peers.get(*it).is_some_and(|it| it.connected != Some(false));
    let first = pool.peers.keys().find(|it| connected(it) || pool.own.as_ref() == Some(it));
    pool.own.is_none() || pool.own.as_ref() == first
}

/// What takes a lock or work on all nodes.
fn read(c: &mut Collect<'_>, pool: &mut Pool) -> bool {
    let any = pool.volumes.values().any(|it| it.is_started()) || pool.volumes.is_empty();
    let mut told = any && question(c, pool, &["volume", "status", "all", "detail"], None, LONG);
    let started = pool.volumes.iter().filter(|it| it.1.is_started() && it.1.status.is_some());
    let heal: Vec<String> =
        started.clone().filter(|it| it.1.heals()).map(|it| it.0.clone()).collect();
    let on = |name: &str| matches!(name, "on" | "enable" | "true");
    let limits = started.filter(|it| it.1.options.get("features.quota").is_some_and(|it| on(it)));
    let limits: Vec<String> = limits.map(|it| it.0.clone()).collect();
    for (what, names) in [("heal", &heal), ("quota", &limits)] {
        for name in names.iter().take(ASKED_MAX) {
            let words: &[&str] = match what {
                "heal" => &["volume", "heal", name, "info", "summary"],
                _ => &["volume", "quota", name, "list"],
            };
            told |= question(c, pool, words, Some(name), LONG);
        }
        if names.len() > ASKED_MAX {
            let text = format!("{what}: {} volumes, {ASKED_MAX} are asked", names.len());
            c.problem(Reason::Truncated, None, text);
        }
    }
    told
}

/// Asks and takes in the answer. Answers about the state of bricks and copies are kept as proof.
fn question(
    c: &mut Collect<'_>,
    pool: &mut Pool,
    words: &[&str],
    about: Option<&str>,
    limit: Duration,
) -> bool {
    let Some(answer) = ask(c, words, limit) else { return false };
    match pool.absorb(&answer, about) {
        Ok(()) => {
            if matches!(words, ["volume", "status" | "heal", ..]) {
                pool.proofs.push((format!("gluster {}", words.join(" ")), answer));
            }
            true
        }
        Err(why) => {
            let refused = answer.contains("<opErrstr>");
            let reason = if refused { Reason::ToolFailed } else { Reason::Unparsable };
            c.problem(reason, None, format!("gluster {}: {why}", words.join(" ")));
            false
        }
    }
}
