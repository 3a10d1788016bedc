//! Boots: whether the host went down in good order the last time, and what crashes left behind.
//!
//! Facts: `last(1)` on wtmp (util-linux and sysvinit), kernel documents `admin-guide/pstore-blk` and `kdump`. A boot
//! without a shutdown before it was a crash, a reset or a loss of power. Where there is no wtmp any more (Debian 13), the
//! traces of crashes are all that is read.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{ComponentId, Reason};

use crate::{
    devices::known,
    host::{HostError, Program},
    saved::{Form, Saved, Serves},
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

const LAST: Program =
    Program { name: "last", places: &["/usr/bin/last", "/bin/last"], root: false };

/// See the module.
pub const SOURCE: Source = Source {
    name: "boot",
    title: Words { zh: "启动与重启", en: "boots" },
    about: Words {
        zh: "上次关机是否正常、异常重启次数、崩溃转储",
        en: "whether the last shutdown was clean, unclean reboots, crash dumps",
    },
    needs: &[Need::Path("proc/sys/kernel/random/boot_id")],
    programs: &[LAST],
    runs: &["last -x -n 100 reboot shutdown"],
    harmless: Words {
        zh: "读取登录记录（wtmp）中的开关机条目，以及 pstore 和崩溃转储目录中的文件名，不读取内容。",
        en: "Reads the boots of the log of logins (wtmp), and the names of files in pstore and in the folder of crash dumps; \
             not what is in them.",
    },
    every: Duration::from_secs(3600),
    deadline: Duration::from_secs(30),
    metrics: &[UNCLEAN, BOOTS, AGE, DUMPS],
    states: &[LAST_SHUTDOWN],
    events: &[],
    saved: Saved::Forms(&[Form {
        what: "`last -x reboot shutdown`",
        is: |text| text.contains("system boot"),
        serves: Serves::Command(&["last", "-x"]),
    }]),
    check: no_options,
    collect,
};

const UNCLEAN: Metric = Metric::gauge(
    "system.boot.unclean",
    "{boot}",
    "异常重启次数",
    "Boots without a shutdown before them, among those that the log still has.",
);
const BOOTS: Metric =
    Metric::gauge("system.boot.count", "{boot}", "启动次数", "Boots that the log still has.");
const AGE: Metric = Metric::gauge(
    "system.boot.age",
    "s",
    "距上次启动",
    "Time since the boot, as of the last look at the log of boots.",
);
const DUMPS: Metric = Metric::gauge(
    "system.crash.dumps",
    "{dump}",
    "崩溃转储",
    "Traces of crashes of the kernel by system.crash.store: pstore, kdump.",
);
const LAST_SHUTDOWN: Metric = Metric::word(
    "system.boot.last_shutdown",
    "上次关机",
    "How the host went down before this boot: clean, unclean (crash, reset, loss of power).",
);

/// Where kdump keeps its dumps.
const KDUMP: [&str; 2] = ["var/crash", "var/spool/kdump"];

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let host = ComponentId::host();
    dumps(c, &host);
    let secs = |text: &str| {
        let secs = text.split_whitespace().next()?.parse::<f64>().ok();
        secs.filter(|it| (0.0..1e10).contains(it))
    };
    if let Some(uptime) = known(c.host, "proc/uptime", secs) {
        c.sample(&AGE, &host, uptime.round());
    }
    if !c.host.has(Need::Program("last")) {
        let text = "`last` is not installed: how the host went down is not known";
        c.problem(Reason::Unsupported, Some(&host), text);
        return Ok(());
    }
    let argv = ["last", "-x", "-n", "100", "reboot", "shutdown"];
    let text = match c.host.run(&argv).and_then(|it| it.ok(&argv)) {
        Ok(text) => text,
        Err(HostError::Status { stderr, .. }) => {
            c.problem(Reason::ToolFailed, Some(&host), format!("`last`: {stderr}"));
            return Ok(());
        }
        Err(error) => {
            c.problem(error.reason(), Some(&host), error);
            return Ok(());
        }
    };
    let boots = boots(&text);
    if boots.is_empty() {
        c.problem(Reason::Unsupported, Some(&host), "the log of logins (wtmp) knows no boot");
        return Ok(());
    }
    let kept = boots.iter().filter(|it| **it == Some(false)).count();
    c.sample(&UNCLEAN, &host, count(kept));
    c.sample(&BOOTS, &host, count(boots.len()));
    if let Some(Some(clean)) = boots.first() {
        c.state(&LAST_SHUTDOWN, &host, if *clean { "clean" } else { "unclean" });
    }
    // The first line of a running system changes with every look; the rest is proof.
    let lasting: String = text.lines().filter(|it| !it.contains("still running")).collect();
    if c.changed(&lasting) {
        c.evidence(argv.join(" "), &text);
    }
    Ok(())
}

/// Every boot, the newest first: whether a shutdown came before it; not known for the oldest in the log.
fn boots(text: &str) -> Vec<Option<bool>> {
    let is = |line: &str, what: &str| line.split_whitespace().take(4).any(|it| it == what);
    let lines: Vec<bool> = text
        .lines()
        .filter_map(|line| match () {
            () if line.starts_with("reboot") && is(line, "boot") => Some(true),
            () if line.starts_with("shutdown") && is(line, "down") => Some(false),
            () => None,
        })
        .collect();
    let mut found = Vec::new();
    for (index, is_boot) in lines.iter().enumerate() {
        if *is_boot {
            // The line below is what happened before.
            found.push(lines.get(index + 1).map(|next_is_boot| !next_is_boot));
        }
    }
    found
}

fn dumps(c: &mut Collect<'_>, host: &ComponentId) {
    let mut stores: BTreeMap<&str, usize> = BTreeMap::new();
    if let Ok(names) = c.host.list("sys/fs/pstore") {
        // A crash may leave several parts, and their names do not tell which belong together.
        stores.insert("pstore", names.iter().filter(|it| it.contains("dmesg")).count());
    }
    for folder in KDUMP {
        if let Ok(names) = c.host.list(folder) {
            // `127.0.0.1-2026-11-22-10:00:00`, `202611221000`: a folder for each crash begins with a digit.
            let dated = names.iter().filter(|it| it.starts_with(|it: char| it.is_ascii_digit()));
            *stores.entry("kdump").or_default() += dated.count();
        }
    }
    for (store, found) in stores {
        c.sample_with(&DUMPS, host, &[("system.crash.store", store)], count(found));
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_after_a_boot_was_unclean() {
        let text = "reboot   system boot  6.1.0-18-amd64   Sun Nov 22 16:00   still running\n\
                    shutdown system down  6.1.0-18-amd64   Sun Nov 22 15:59 - 16:00  (00:01)\n\
                    reboot   system boot  6.1.0-18-amd64   Sun Nov 15 09:00 - 15:59 (7+06:59)\n\
                    reboot   system boot  6.1.0-17-amd64   Sat Nov 14 09:00 - 15:59 (8+06:59)\n\n\
                    wtmp begins Sat Nov 14 09:00:00 2026\n";
        assert_eq!(boots(text), [Some(true), Some(false), None]);
    }
}
