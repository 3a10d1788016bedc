//! BeeGFS: targets, buddy groups, capacity pools, as the management service sees them.
//!
//! Facts: BeeGFS's documents and the output code of `beegfs-ctl` 7 and `beegfs` 8. The host that runs the management
//! service reads; every client has the tools, and a thousand clients that ask would be a load.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices::word,
    host::{HostError, Program},
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, check_options},
};

mod metrics;

mod saved;

mod system;

mod table;

mod tell;

use metrics::{ANSWERS, READER};
use system::System;
use table::Table;

/// The command line of version 7. What it needs for a connection (`connAuthFile`) belongs to root.
const BEEGFS_CTL: Program = Program {
    name: "beegfs-ctl",
    places: &["/usr/bin/beegfs-ctl", "/opt/beegfs/sbin/beegfs-ctl"],
    root: true,
};

/// The command line of version 8.
const BEEGFS: Program =
    Program { name: "beegfs", places: &["/usr/bin/beegfs", "/opt/beegfs/sbin/beegfs"], root: true };

/// Limit of a question. `--spaceinfo` asks every server, and one that is gone costs its connection timeout.
const LIMIT: Duration = Duration::from_secs(30);

/// See the module.
pub const SOURCE: Source = Source {
    name: "beegfs",
    title: Words { zh: "BeeGFS", en: "BeeGFS" },
    about: Words {
        zh: "BeeGFS：存储目标与元数据服务器的可达性和一致性、镜像组、容量池",
        en: "BeeGFS: reachability and consistency of targets, buddy groups, capacity pools",
    },
    needs: &[
        Need::Any(&[Need::Program("beegfs-ctl"), Need::Program("beegfs")]),
        Need::Path("etc/beegfs"),
    ],
    programs: &[BEEGFS, BEEGFS_CTL],
    runs: &[
        "beegfs-ctl --sysMgmtdHost={word} --listtargets --nodetype={word} --state --longnodes --pools --spaceinfo",
        "beegfs-ctl --sysMgmtdHost={word} --listmirrorgroups --nodetype={word}",
        "beegfs --mgmtd-addr {word} --raw --output json target list --state --capacity",
        "beegfs --mgmtd-addr {word} --raw --output json mirror list",
    ],
    harmless: Words {
        zh: "只读列表命令，每 3 分钟一轮，逐条执行，每条最长 30 秒。默认（reader = \"auto\"）只有运行管理服务（beegfs-mgmtd，\
             以其数据目录可见为准，主备切换后随之转移）的主机读取；其他服务器和客户端不询问。管理服务所在主机未装代理时，\
             在一台主机上设 reader = \"always\" 和 management = \"管理服务地址\"。不运行 beegfs-check-servers、beegfs-fsck，不查询全部用户配额。",
        en: "Lists only, every 3 minutes, one after the other, 30 s each at most. By default (reader = \"auto\") only the host \
             reads that runs the management service (beegfs-mgmtd: where its data folder is to be seen, so that a failover \
             takes reading along); other servers and clients ask nothing. Where that host has no agent, set \
             reader = \"always\" and management = \"ADDRESS\" on one host. No beegfs-check-servers, no beegfs-fsck, no quotas \
             of all users.",
    },
    every: Duration::from_secs(180),
    deadline: Duration::from_secs(150),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own { what: saved::WHAT, host: saved::host },
    check: check_options::<Options>,
    collect,
};

/// The source's options.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Whether this host reads: `auto`, `always` or `never`.
    reader: Reader,
    /// Where the management service listens; by default this host.
    management: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reader {
    #[default]
    Auto,
    Always,
    Never,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options: Options = c.options.clone().try_into().map_err(|error: toml::de::Error| {
        SourceError::Parse { what: "options of beegfs".to_owned(), why: error.to_string() }
    })?;
    let name = name(c, &options);
    let reads = match options.reader {
        Reader::Always => true,
        Reader::Never => false,
        Reader::Auto => manages(c),
    };
    if !reads {
        bare(c, &name, "standby");
        return Ok(());
    }
    let mut system = System::default();
    let mut asked = Asked::default();
    if c.host.has(Need::Program("beegfs-ctl")) {
        let at = format!("--sysMgmtdHost={}", options.management.as_deref().unwrap_or("localhost"));
        for kind in ["storage", "meta"] {
            let of = format!("--nodetype={kind}");
            let list = [
                "beegfs-ctl",
                &at,
                "--listtargets",
                &of,
                "--state",
                "--longnodes",
                "--pools",
                "--spaceinfo",
            ];
            asked.ask(c, &mut system, &list, kind);
            asked.ask(c, &mut system, &["beegfs-ctl", &at, "--listmirrorgroups", &of], kind);
        }
    } else {
        let at = options.management.as_deref().unwrap_or("localhost:8010");
        let head = ["beegfs", "--mgmtd-addr", at, "--raw", "--output", "json"];
        for words in [&["target", "list", "--state", "--capacity"][..], &["mirror", "list"]] {
            let argv: Vec<&str> = head.iter().chain(words).copied().collect();
            asked.ask(c, &mut system, &argv, "storage");
        }
    }
    if asked.answers == 0 {
        // Only silence is a fault of the management service; a refusal is a gap.
        if !asked.silent {
            let why = "no list was given; see the problems".to_owned();
            return Err(SourceError::Parse { what: "beegfs".to_owned(), why });
        }
        let id = bare(c, &name, "reader");
        c.sample(&ANSWERS, &id, 0.0);
        return Ok(());
    }
    let id = system.tell(c, &name);
    c.state(&READER, &id, "reader");
    c.sample(&ANSWERS, &id, 1.0);
    if c.changed(&asked.print) {
        for (what, text) in asked.proofs {
            c.evidence(what, &text);
        }
    }
    Ok(())
}

/// The file system with nothing but the role that this host has in reading it.
fn bare(c: &mut Collect<'_>, name: &str, role: &str) -> ComponentId {
    let id = ComponentId::new("beegfs", name);
    let attrs = BTreeMap::new();
    c.component(Component {
        id: id.clone(),
        name: "beegfs".to_owned(),
        attrs,
        links: Vec::new(),
        set: None,
    });
    c.state(&READER, &id, role);
    id
}

/// What the questions brought, beside the lists themselves.
#[derive(Debug, Default)]
struct Asked {
    answers: usize,
    /// Nobody answered some question.
    silent: bool,
    /// States without sizes, which change with every look.
    print: String,
    proofs: Vec<(String, String)>,
}

impl Asked {
    fn ask(&mut self, c: &mut Collect<'_>, system: &mut System, argv: &[&str], kind: &'static str) {
        let what = argv.join(" ");
        let output = match c.host.run_within(argv, LIMIT) {
            Ok(output) => output,
            Err(HostError::Run { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return;
            }
            Err(error) => {
                system.lacks(argv, kind);
                self.silent |= error.reason() == Reason::TimedOut;
                return c.problem(error.reason(), None, error);
            }
        };
        if output.truncated {
            system.lacks(argv, kind);
            return c.problem(
                Reason::Truncated,
                None,
                format!("{what}: more output than is taken"),
            );
        }
        let said = format!("{}\n{}", output.stdout, output.stderr).to_lowercase();
        // That there are no mirrors is an answer, which version 8 gives as an error.
        if said.contains("no mirror buddy groups") || said.contains("no mirrors configured") {
            self.answers += 1;
            return;
        }
        let table = table::read(&output.stdout);
        let known = system.absorb(&table, kind);
        if known == 0 && output.status != 0 {
            system.lacks(argv, kind);
            let line =
                said.lines().find(|it| !it.trim().is_empty()).unwrap_or_default().trim().to_owned();
            let words =
                ["reachable", "timed out", "timeout", "refused", "unavailable", "communication"];
            self.silent |= words.iter().any(|it| line.contains(it));
            let denied = line.contains("permission") || line.contains("auth");
            let reason = if denied { Reason::PermissionDenied } else { Reason::ToolFailed };
            return c.problem(reason, None, format!("{what}: status {}: {line}", output.status));
        }
        self.answers += 1;
        let targets = argv.contains(&"--listtargets") || argv.contains(&"target");
        let nothing = matches!(output.stdout.trim(), "" | "{}");
        if known == 0 && (targets || nothing) && table.strange.is_empty() {
            let start: String = output.stdout.trim().chars().take(80).collect();
            system.lacks(argv, kind);
            return c.problem(
                Reason::Unparsable,
                None,
                format!("{what}: not understood: {start:?}"),
            );
        }
        if !table.strange.is_empty() {
            system.lacks(argv, kind);
        }
        for line in table.strange.iter().take(20) {
            c.problem(Reason::Unparsable, None, format!("{what}: not understood: {line:?}"));
        }
        // A server that does not answer is named on standard error, beside its row of zeros.
        for line in output.stderr.lines().filter(|it| it.contains("[ERROR")).take(20) {
            c.problem(Reason::ToolFailed, None, format!("{what}: {}", line.trim()));
        }
        self.note(&table);
        self.proofs.push((what, output.stdout));
    }

    /// The states of a list, for what is proof.
    fn note(&mut self, table: &Table) {
        for row in &table.rows {
            let state = [
                "targetid",
                "id",
                "reachability",
                "consistency",
                "primarytargetid",
                "primary_target",
            ];
            let cells: Vec<&str> =
                state.iter().filter_map(|it| row.get(*it)).map(String::as_str).collect();
            self.print.push_str(&cells.join(" "));
            self.print.push('\n');
        }
    }
}

/// The file system's name: the host of its management service, which clients know it by.
fn name(c: &Collect<'_>, options: &Options) -> String {
    let client = || setting(c, "etc/beegfs/beegfs-client.conf", "sysMgmtdHost");
    let own = || word(c.host, "proc/sys/kernel/hostname");
    options.management.clone().or_else(client).or_else(own).unwrap_or_else(|| "beegfs".to_owned())
}

/// Whether the management service's data are to be seen here; on a pair of servers the active one has them mounted.
fn manages(c: &Collect<'_>) -> bool {
    let store = setting(c, "etc/beegfs/beegfs-mgmtd.conf", "storeMgmtdDirectory");
    let seven = store
        .is_some_and(|it| c.host.list(it.trim_start_matches('/')).is_ok_and(|it| !it.is_empty()));
    let eight = c.host.has(Need::Path("etc/beegfs/beegfs-mgmtd.toml")) && {
        let file = setting(c, "etc/beegfs/beegfs-mgmtd.toml", "db-file")
            .map(|it| it.trim_matches('"').to_owned());
        let file = file.unwrap_or_else(|| "/var/lib/beegfs/mgmtd.sqlite".to_owned());
        let (folder, base) = file.rsplit_once('/').unwrap_or(("", &file));
        c.host.list(folder.trim_start_matches('/')).is_ok_and(|it| it.iter().any(|it| it == base))
    };
    seven || eight
}

/// `key = value` of a configuration file; none if it is not there or empty.
fn setting(c: &Collect<'_>, file: &str, key: &str) -> Option<String> {
    let text = c.host.read(file).ok()?;
    let value = |line: &str| {
        Some(line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim().to_owned())
    };
    // Neither a comment, a section nor a setting: it is no configuration, and the setting may be in what it was.
    let section = |it: &str| it.len() > 2 && it.starts_with('[') && it.ends_with(']');
    let plain =
        |it: &&str| !(it.is_empty() || it.starts_with('#') || section(it) || it.contains('='));
    if let Some(line) = text.lines().map(str::trim).find(plain) {
        c.host.misread(&format!("/{file}"), line);
    }
    text.lines().find_map(value).filter(|it| !it.is_empty())
}
