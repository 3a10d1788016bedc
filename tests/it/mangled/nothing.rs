//! Hosts whose every answer is one and the same text in which there is nothing to read: a wrapper that failed, a proxy's
//! error page, a tool of another name. What was asked and is lost is told; no number and no good word comes of it.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Outcome, Run, Sample, State};

use super::{How, RUN_TIME_MAX, all};
use crate::faults::{GOOD, look};

/// Answers in which there is nothing to read, each with a name.
const NOTHING: [(&str, &str); 12] = [
    ("nothing", ""),
    ("a word", "xyzzy\n"),
    ("a blob", "\u{fffd}ELF\u{2}\u{1}\0\0\u{fffd}\u{fffd}\n\0>\u{fffd}\n"),
    (
        "a proxy",
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx/1.18.0</body>\r\n</html>\r\n",
    ),
    (
        "usage",
        "Usage: tool [OPTION]... FILE\n  -h, --help     show this help\n  -v, --version  show version 1.2.3\n",
    ),
    ("denied", "Permission denied\n"),
    ("German", "Fehler: Vorgang nicht zulässig (Rückgabewert 1)\n"),
    ("Chinese", "错误：无法打开设备，没有那个文件或目录\n"),
    ("null", "null\n"),
    ("a map", "{}\n"),
    ("a list", "[]\n"),
    ("a shell", "sh: 1: tool: not found\n"),
];

#[test]
fn of_answers_in_which_there_is_nothing_nothing_is_made_and_what_is_lost_is_told() {
    all(|case| {
        let base = look(case.source, &case.dir, RUN_TIME_MAX, case.kept.clone());
        let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, text) in NOTHING {
            let judge =
                |run: &Run| made(&base, run).filter(|it| !is_tolerated(case.source.name, name, it));
            if let Some(it) = case.wrong(How::Says(text), &judge) {
                found.entry(it).or_default().push(name);
            }
        }
        let mut wrong: Vec<String> =
            found.iter().map(|(what, of)| format!("{what} ({})", of.join(", "))).collect();
        wrong.extend(case.unspoken());
        (NOTHING.len(), wrong)
    });
}

/// What a run says that it cannot know, or does not say that it should.
fn made(base: &Run, run: &Run) -> Option<String> {
    // A name that could not be read is another's, so numbers are compared whosever they are.
    let number =
        |it: &&Sample| (it.series.metric.clone(), it.series.attrs.clone(), it.value.to_bits());
    let numbers: BTreeSet<_> = base.samples.iter().map(|it| number(&it)).collect();
    // What the agent itself did, it knows.
    let own = |it: &&Sample| it.series.metric == "redfish.requests";
    if let Some(it) = run.samples.iter().find(|it| !own(it) && !numbers.contains(&number(it))) {
        return Some(format!("made {} {:?} {}", it.series.metric, it.series.attrs, it.value));
    }
    let words: BTreeSet<_> = base.states.iter().map(|it| (&it.metric, &it.value)).collect();
    let good = |it: &&State| {
        GOOD.contains(&it.value.as_str()) && !words.contains(&(&it.metric, &it.value))
    };
    if let Some(it) = run.states.iter().find(good) {
        return Some(format!("made {} {}", it.metric, it.value));
    }
    let parts = |run: &Run| run.samples.len() + run.states.len() + run.components.len();
    let told = run.outcome != Outcome::Collected
        || run.problems.iter().any(|it| !base.problems.contains(it));
    (parts(base) > parts(run) && !told).then(|| "lost readings without a word".to_owned())
}

fn is_tolerated(source: &str, name: &str, finding: &str) -> bool {
    TOLERATED
        .iter()
        .any(|it| source == it.0 && it.1.is_none_or(|of| of == name) && finding.contains(it.2))
}

/// What is found there and is right as it is: source, which answer if not any, part of the finding, and why.
const TOLERATED: &[(&str, Option<&str>, &str, &str)] = &[
    ("btrfs", None, "btrfs.device.errors", "a device whose name is not known bears its number"),
    ("journal", None, "xunjian.journal.events", "it counts the lines that were understood"),
    ("kmsg", None, "xunjian.kernel.events", "it counts the lines that were understood"),
    (
        "multipath",
        Some("nothing"),
        "lost",
        "the lesser ways show no unit like that, and these recordings lack the kernel's own word",
    ),
    ("process", None, "process.restarts", "it keeps what was counted before"),
    ("snmp", None, "snmp.capacity", "which rows are snapshots, only their names tell"),
    ("snmp", Some("nothing"), "lost", "an empty text is how a device says that there is none"),
    ("snmp", Some("German"), "lost", BEHIND_A_COLON),
    ("snmp", Some("a shell"), "lost", BEHIND_A_COLON),
    ("snmp", Some("usage"), "lost", BEHIND_A_COLON),
    ("snmp", None, "snmp.unknown_values", "it counts the values that were not understood"),
];

const BEHIND_A_COLON: &str = "what stands behind a colon there may be a sensor's of another kind";
