//! The kernel's log: what it says when disks, memory, filesystems, links or itself break.
//!
//! Facts: kernel document `ABI/testing/dev-kmsg`. Where the source left off is kept over restarts of the agent (boot id
//! and sequence number), so that nothing is told twice and a gap is seen. A storm is bounded: beyond some lines a kind
//! and component, only the counters go on.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Event, Reason, Time};

use crate::{
    devices::{self, word},
    host::Host,
    host::MDADM,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod record;

mod saved;

mod table;

mod rows;

mod controller;

mod adapters;

mod parallel;

mod who;

#[cfg(test)]
mod tests;

use record::Record;

/// See the module.
pub const SOURCE: Source = Source {
    name: "kmsg",
    title: Words { zh: "内核日志", en: "kernel log" },
    about: Words {
        zh: "内核日志：磁盘、内存、文件系统、链路与内核错误",
        en: "kernel log: disk, memory, filesystem, link and kernel errors",
    },
    needs: &[Need::Path("dev/kmsg")],
    programs: &[MDADM],
    runs: &[devices::MDADM_EXPORT],
    harmless: Words {
        zh: "与 dmesg 一样读取内核日志，不会取走其他程序要读的内容。",
        en: "Reads the kernel's log as dmesg does; nothing is taken out of it for others.",
    },
    every: Duration::from_secs(10),
    deadline: Duration::from_secs(8),
    metrics: &[EVENTS, DROPPED, LOST],
    states: &[],
    events: table::KINDS,
    saved: Saved::Own {
        what: &[
            "output of `dmesg`, `dmesg -x`, `journalctl -k` or of /dev/kmsg, /var/log/messages or kern.log",
        ],
        host: saved::host,
    },
    check: no_options,
    collect,
};

const EVENTS: Metric = Metric::counter(
    "xunjian.kernel.events",
    "{event}",
    "内核事件累计",
    "Lines by xunjian.kernel.event.kind since boot, those included that were not sent one by one.",
);
const DROPPED: Metric = Metric::counter(
    "xunjian.kernel.events.dropped",
    "{event}",
    "未逐条上报的内核事件",
    "Events since boot that were counted and not sent, because too many of one kind came at once.",
);
const LOST: Metric = Metric::counter(
    "xunjian.kernel.records.lost",
    "{record}",
    "未读到的内核日志行",
    "Lines since boot that the kernel overwrote before they were read.",
);

/// Events of one kind and component in one run; more of the same tell nothing new.
const SAME_MAX: u32 = 20;

/// Events in one run.
const EVENTS_MAX: usize = 200;

/// Characters of a line that are kept: the kernel's own lines are below 1,000.
const TEXT_MAX: usize = 400;

/// Names of disks that are remembered after they went.
const DISKS_MAX: usize = 512;

/// What is kept between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    boot: String,
    sequence: Option<u64>,
    counts: BTreeMap<String, u64>,
    dropped: u64,
    lost: u64,
    disks: Disks,
}

/// Which component a kernel name stood for: a disk that failed is often gone before its last lines are read.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Disks {
    /// What `/sys/block` listed when this was made.
    seen: Vec<String>,
    ids: BTreeMap<String, String>,
}

impl Disks {
    /// Looks at new names only.
    fn refresh(&mut self, host: &dyn Host) {
        let now = host.list("sys/block").unwrap_or_default();
        if now == self.seen {
            return;
        }
        let new = now.iter().filter(|it| devices::is_disk(it) && !self.seen.contains(it));
        for name in new {
            let identity = devices::disk(host, name);
            if identity.stable && self.ids.len() < DISKS_MAX {
                self.ids.insert(name.clone(), identity.id.to_string());
            }
        }
        self.seen = now;
    }

    fn id(&self, host: &dyn Host, name: &str) -> ComponentId {
        let live = devices::disk(host, name);
        match self.ids.get(name).filter(|_| !live.stable) {
            Some(id) => ComponentId::parse(id),
            None => live.id,
        }
    }
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let records = c.host.records("dev/kmsg")?;
    let boot = word(c.host, "proc/sys/kernel/random/boot_id").unwrap_or_default();
    let stored = c.cursor.as_deref().and_then(|it| serde_json::from_str::<Cursor>(it).ok());
    // After a boot the numbers begin anew, and so do the counts.
    let mut cursor = stored.filter(|it| it.boot == boot).unwrap_or_default();
    cursor.boot = boot;
    cursor.disks.refresh(c.host);
    let mut events = Vec::new();
    let mut strange = 0_u32;
    for record in &records {
        let Some(record) = record::parse(record) else {
            strange += 1;
            continue;
        };
        if !is_new(&mut cursor, &record) || !record.is_kernel {
            continue;
        }
        if let Some(event) = event(c.host, &cursor.disks, &record) {
            *cursor.counts.entry(event.kind.clone()).or_default() += 1;
            events.push(event);
        }
    }
    if strange > 0 {
        c.problem(
            Reason::Unparsable,
            None,
            format!("{strange} records of the kernel's log have no known form"),
        );
    }
    emit(c, bounded(events, &mut cursor.dropped));
    numbers(c, &cursor);
    *c.cursor = serde_json::to_string(&cursor).ok();
    Ok(())
}

/// Whether a record was not read before; notes the place and a gap before it.
fn is_new(cursor: &mut Cursor, record: &Record<'_>) -> bool {
    if let Some(last) = cursor.sequence {
        if record.sequence <= last {
            return false;
        }
        cursor.lost = cursor.lost.saturating_add(record.sequence - last - 1);
    }
    cursor.sequence = Some(record.sequence);
    true
}

/// The event of a record; its time is since boot yet.
fn event(host: &dyn Host, disks: &Disks, record: &Record<'_>) -> Option<Event> {
    let row = table::find(record.text)?;
    let (component, attrs) = who::find(host, disks, row.who, record.text)?;
    let kind = if row.kind.name == table::MCE.name { machine_check(record.text) } else { row.kind };
    let text = record.text.trim().chars().filter(|it| !it.is_control()).take(TEXT_MAX).collect();
    let at = Time::from_millis(i64::try_from(record.micros / 1000).unwrap_or(i64::MAX));
    Some(Event { kind: kind.name.to_owned(), component, at, text, attrs })
}

/// Hands the events over, with times of day. The host is asked for its boot only if there is something to date.
fn emit(c: &mut Collect<'_>, events: Vec<Event>) {
    if events.is_empty() {
        return;
    }
    let boot = match c.host.vitals() {
        Ok(vitals) => vitals.boot_secs.saturating_mul(1000),
        Err(error) => {
            let text = format!(
                "times of kernel events count from 1970, because the boot's is not known: {error}"
            );
            c.problem(error.reason(), None, text);
            0
        }
    };
    for event in events {
        let at = Time::from_millis(event.at.millis().saturating_add(boot));
        c.event(Event { at, ..event });
    }
}

/// `CPU 0: Machine Check: 0 Bank 4: b200000000070f0f`: bit 61 of the bank's status says that it was not corrected.
fn machine_check(text: &str) -> &'static Metric {
    let status = text.split(" Bank ").nth(1).and_then(|it| it.split_once(": "));
    let status =
        status.and_then(|(_, it)| u64::from_str_radix(it.split_whitespace().next()?, 16).ok());
    match status {
        Some(status) if status >> 61 & 1 == 1 => &table::MCE_UNCORRECTED,
        Some(_) => &table::MCE_CORRECTED,
        None => &table::MCE,
    }
}

fn bounded(events: Vec<Event>, dropped: &mut u64) -> Vec<Event> {
    let mut same: BTreeMap<(String, ComponentId), u32> = BTreeMap::new();
    let mut kept = Vec::new();
    for event in events {
        let count = same.entry((event.kind.clone(), event.component.clone())).or_default();
        *count += 1;
        if *count <= SAME_MAX && kept.len() < EVENTS_MAX {
            kept.push(event);
        } else {
            *dropped = dropped.saturating_add(1);
        }
    }
    kept
}

#[expect(clippy::cast_precision_loss, reason = "counts of lines are below 2^52")]
fn numbers(c: &mut Collect<'_>, cursor: &Cursor) {
    let host = ComponentId::host();
    for (kind, count) in &cursor.counts {
        c.sample_with(&EVENTS, &host, &[("xunjian.kernel.event.kind", kind)], *count as f64);
    }
    c.sample(&DROPPED, &host, cursor.dropped as f64);
    c.sample(&LOST, &host, cursor.lost as f64);
}
