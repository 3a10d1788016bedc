//! The daemon's log, `/var/adm/ras/mmfs.log.latest`: what it says when nodes, disks and file systems go.
//!
//! Facts: IBM Storage Scale messages and their severity tags ([X], [A], [E]); the log begins anew when the daemon starts,
//! as a new file under the same name. Where the source left off is kept as the number of bytes read and a fingerprint of
//! the first line. Times are `2026-01-04_13:12:27.123+0800` (since 4.2); older ones, without a zone, count as now.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Event, Reason, Time};

use super::{disks::nsd_id, metrics};
use crate::source::{Collect, Metric, fingerprint};

const PATH: &str = "var/adm/ras/mmfs.log.latest";

/// Events of one run at most.
const EVENTS_MAX: usize = 100;

/// Events of one kind in one run; more of the same tell nothing new.
const SAME_MAX: u32 = 20;

/// Characters of a line that are kept.
const TEXT_MAX: usize = 400;

/// Kinds of lines.
pub(super) const EVENTS: &[Metric] = &[
    LOG_FATAL,
    LOG_QUORUM,
    LOG_MEMBERSHIP,
    LOG_UNMOUNT,
    LOG_EXPEL,
    LOG_LEASE,
    LOG_DISK,
    LOG_WAITERS,
    LOG_DAEMON,
    LOG_RDMA,
    LOG_PDISK,
    LOG_CORRUPTION,
];

const LOG_FATAL: Metric = Metric::word(
    "gpfs.log.fatal",
    "GPFS 致命错误",
    "The daemon wrote a line of its gravest kind ([X]).",
);
const LOG_QUORUM: Metric = Metric::word(
    "gpfs.log.quorum_lost",
    "GPFS 失去仲裁",
    "The node lost the quorum of the cluster.",
);
const LOG_MEMBERSHIP: Metric = Metric::word(
    "gpfs.log.membership_lost",
    "GPFS 失去集群成员资格",
    "The node is no member of its cluster any more, and unmounts its file systems.",
);
const LOG_UNMOUNT: Metric = Metric::word(
    "gpfs.log.forced_unmount",
    "GPFS 强制卸载",
    "A file system was unmounted by force, because it could not go on.",
);
const LOG_EXPEL: Metric =
    Metric::word("gpfs.log.expelled", "GPFS 节点被驱逐", "A node was expelled from the cluster.");
const LOG_LEASE: Metric = Metric::word(
    "gpfs.log.lease_overdue",
    "GPFS 租约超期",
    "A node did not renew its lease in time.",
);
const LOG_DISK: Metric = Metric::word(
    "gpfs.log.disk_failure",
    "GPFS 磁盘失效",
    "The daemon lost access to a disk and marks it down.",
);
const LOG_WAITERS: Metric = Metric::word(
    "gpfs.log.long_waiters",
    "GPFS 长等待（疑似死锁）",
    "The deadlock detector found threads that wait too long.",
);
const LOG_DAEMON: Metric = Metric::word(
    "gpfs.log.daemon_failed",
    "GPFS 守护进程异常退出",
    "The daemon ended by a signal or a failed assertion.",
);
const LOG_RDMA: Metric =
    Metric::word("gpfs.log.rdma_error", "GPFS RDMA 错误", "An RDMA connection failed.");
const LOG_PDISK: Metric = Metric::word(
    "gpfs.log.pdisk",
    "GNR 物理盘状态变化",
    "The disk hospital of native RAID put a disk into a bad state.",
);
const LOG_CORRUPTION: Metric = Metric::word(
    "gpfs.log.corruption",
    "GPFS 文件系统损坏",
    "The daemon found damage in a file system's structure.",
);

/// Where the log was left.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    first: String,
    #[serde(default)]
    bytes: usize,
    #[serde(default)]
    counts: BTreeMap<String, u64>,
    #[serde(default)]
    dropped: u64,
}

/// A kind of line: all of these parts are in it.
struct Row(&'static [&'static str], &'static Metric);

const ROWS: &[Row] = &[
    Row(&["[X]"], &LOG_FATAL),
    Row(&["Lost membership in cluster"], &LOG_MEMBERSHIP),
    Row(&["uorum loss"], &LOG_QUORUM),
    Row(&["Not enough quorum nodes"], &LOG_QUORUM),
    Row(&["orced unmount"], &LOG_UNMOUNT),
    Row(&["Unmounted ", " by the system with return code"], &LOG_UNMOUNT),
    Row(&["[E]", "xpelled from cluster"], &LOG_EXPEL),
    Row(&["xpelling"], &LOG_EXPEL),
    Row(&["is being expelled"], &LOG_EXPEL),
    Row(&["lease", "overdue"], &LOG_LEASE),
    Row(&["Disk failure. Volume "], &LOG_DISK),
    Row(&["Unexpected long waiters detected"], &LOG_WAITERS),
    Row(&["logAssertFailed"], &LOG_DAEMON),
    Row(&["mmfsd", "abnormally"], &LOG_DAEMON),
    Row(&["Signal ", "at location"], &LOG_DAEMON),
    Row(&["[E] VERBS RDMA"], &LOG_RDMA),
    Row(&["disk ", "state changed from", "/dead"], &LOG_PDISK),
    Row(&["disk ", "state changed from", "to dead"], &LOG_PDISK),
    Row(&["disk ", "state changed from", "to missing"], &LOG_PDISK),
    Row(&["disk ", "state changed from", "to failing"], &LOG_PDISK),
    Row(&["MMFS_FSSTRUCT"], &LOG_CORRUPTION),
    Row(&["[E]", "FSSTRUCT"], &LOG_CORRUPTION),
];

/// Emits the lines that are new since the last run. At the first run nothing is told: the log may be years old.
pub(super) fn emit(c: &mut Collect<'_>, place: &mut Place, here: Option<&ComponentId>) {
    let text = match c.host.read(PATH) {
        Ok(text) => text,
        Err(error) => {
            if error.reason() != Reason::Missing {
                c.problem(error.reason(), None, format!("the log of GPFS: {error}"));
            }
            return;
        }
    };
    let first = fingerprint(text.lines().next().unwrap_or_default());
    let is_known = !place.first.is_empty();
    let same = is_known && place.first == first && place.bytes <= text.len();
    // A new log of a daemon that was restarted is read from its beginning.
    let from = match (is_known, same) {
        (false, _) => text.len(),
        (true, true) => place.bytes,
        (true, false) => 0,
    };
    // Only whole lines: the last one may still be written.
    let end = text.rfind('\n').map_or(0, |it| it + 1);
    let new = text.get(from.min(end)..end).unwrap_or_default();
    place.first = first;
    place.bytes = end;
    let (mut sent, mut same_kind) = (0, BTreeMap::<&str, u32>::new());
    for line in new.lines() {
        let Some(row) = ROWS.iter().find(|it| it.0.iter().all(|part| line.contains(part))) else {
            continue;
        };
        let kind = row.1.name;
        *place.counts.entry(kind.to_owned()).or_default() += 1;
        let count = same_kind.entry(kind).or_default();
        *count += 1;
        if *count > SAME_MAX || sent >= EVENTS_MAX {
            place.dropped = place.dropped.saturating_add(1);
            continue;
        }
        sent += 1;
        let event = event(c, kind, line, here);
        c.event(event);
    }
    numbers(c, place);
}

fn event(c: &Collect<'_>, kind: &str, line: &str, here: Option<&ComponentId>) -> Event {
    let (stamp, rest) = line.split_once(' ').unwrap_or(("", line));
    let at = time(stamp.trim_end_matches(':')).unwrap_or_else(|| now(c));
    let mut attrs = BTreeMap::new();
    // `Disk failure. Volume gpfs1nsd. rc = 19. Physical volume sdx.`
    let volume = rest.split("Volume ").nth(1).and_then(|it| it.split([' ', ',']).next());
    let component = match volume.map(|it| it.trim_end_matches('.')) {
        Some(name) if kind == LOG_DISK.name && !name.is_empty() => nsd_id(name),
        _ => here.cloned().unwrap_or_else(ComponentId::host),
    };
    if let Some(code) = rest.split("rc = ").nth(1) {
        let code: String = code.chars().take_while(char::is_ascii_digit).collect();
        attrs.insert("error.type".to_owned(), code);
    }
    let text = rest.chars().filter(|it| !it.is_control()).take(TEXT_MAX).collect();
    Event { kind: kind.to_owned(), component, at, text, attrs }
}

/// `2026-01-04_13:12:27.123+0800`.
fn time(stamp: &str) -> Option<Time> {
    let parsed = DateTime::parse_from_str(stamp, "%Y-%m-%d_%H:%M:%S%.f%z").ok()?;
    Some(Time::from_millis(parsed.timestamp_millis()))
}

fn now(c: &Collect<'_>) -> Time {
    let secs = c
        .host
        .vitals()
        .map(|it| it.boot_secs.saturating_add(i64::try_from(it.uptime_secs).unwrap_or(0)));
    Time::from_secs(secs.unwrap_or(0))
}

#[expect(clippy::cast_precision_loss, reason = "counts of lines are below 2^52")]
fn numbers(c: &mut Collect<'_>, place: &Place) {
    let host = ComponentId::host();
    for (kind, count) in &place.counts {
        c.sample_with(&metrics::LOG_LINES, &host, &[("gpfs.log.kind", kind)], *count as f64);
    }
    c.sample(&metrics::LOG_DROPPED, &host, place.dropped as f64);
}
