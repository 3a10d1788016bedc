//! Lines of service logs that mean trouble: multipath, clusters, time, arrays, drives' own daemons.
//!
//! Facts: `journalctl(1)`, `systemd.journal-fields(7)`. Only the services of the table are asked for, so that no other
//! log line leaves the host; the kernel's own lines are read by `kmsg`. The journal's cursor is kept over restarts of the
//! agent, so that nothing is told twice. Without one, the last hour is read.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xunjian_proto::{ComponentId, Event, Reason, Time};

use crate::{
    host::Program,
    saved::{Form, Saved, Serves},
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod table;

const JOURNALCTL: Program =
    Program { name: "journalctl", places: &["/usr/bin/journalctl", "/bin/journalctl"], root: true };

/// See the module.
pub const SOURCE: Source = Source {
    name: "journal",
    title: Words { zh: "服务日志", en: "service logs" },
    about: Words {
        zh: "服务日志中的异常：多路径、集群、时间、阵列与磁盘守护进程",
        en: "trouble in service logs: multipath, clusters, time, arrays, drives",
    },
    needs: &[Need::Path("run/systemd/system"), Need::Program("journalctl")],
    programs: &[JOURNALCTL],
    runs: &[
        "journalctl -q --no-pager -o json -n 2000 --since=-1h {name}...",
        "journalctl -q --no-pager -o json -n 2000 --after-cursor={name} {name}...",
    ],
    harmless: Words {
        zh: "只读取表中所列服务（multipathd、corosync、pacemaker、chronyd、mdadm、smartd 等）的新日志，每次至多 2000 行，不读取其他服务和用户的日志。",
        en: "Reads new lines of the listed services only (multipathd, corosync, pacemaker, chronyd, mdadm, smartd and the \
             like), at most 2,000 a time; no log of other services or of users.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(45),
    metrics: &[EVENTS],
    states: &[],
    events: table::KINDS,
    saved: Saved::Forms(&[Form {
        what: "`journalctl -o json`",
        is: |text| text.contains("\"__CURSOR\"") && text.contains("\"MESSAGE\""),
        serves: Serves::Command(&["journalctl"]),
    }]),
    check: no_options,
    collect,
};

const EVENTS: Metric = Metric::counter(
    "xunjian.journal.events",
    "{event}",
    "服务日志事件数",
    "Lines by xunjian.journal.event.kind since the agent began to read, those included that were not sent one by one.",
);

/// Lines of one answer: what journalctl is asked for.
const LINES_MAX: usize = 2000;

/// Events of one kind and component in one run.
const SAME_MAX: u32 = 20;

/// Characters of a line that are kept.
const TEXT_MAX: usize = 400;

/// What is kept between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// The journal's own cursor.
    place: Option<String>,
    counts: BTreeMap<String, u64>,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let stored = c.cursor.as_deref().and_then(|it| serde_json::from_str::<Cursor>(it).ok());
    let mut cursor = stored.unwrap_or_default();
    let from = match cursor.place.as_deref().filter(|it| is_place(it)) {
        Some(place) => format!("--after-cursor={place}"),
        None => "--since=-1h".to_owned(),
    };
    let mut argv = vec!["journalctl", "-q", "--no-pager", "-o", "json", "-n", "2000", &from];
    let names: Vec<String> =
        table::services().iter().map(|it| format!("SYSLOG_IDENTIFIER={it}")).collect();
    argv.extend(names.iter().map(String::as_str));
    let output = c.host.run(&argv)?;
    let truncated = output.truncated;
    let text = if truncated { output.stdout } else { output.ok(&argv[..6])? };
    let (events, lines) = read(c, &text, &mut cursor);
    if truncated || lines >= LINES_MAX {
        let text = format!("more than {LINES_MAX} lines at once: the older ones were passed over");
        c.problem(Reason::Truncated, None, text);
    }
    emit(c, events, &mut cursor);
    *c.cursor = serde_json::to_string(&cursor).ok();
    Ok(())
}

/// A cursor is letters, digits and `=;`, as systemd writes it; another one could be taken for something else.
fn is_place(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'=' | b';' | b'-' | b'_');
    !text.is_empty() && text.len() <= 512 && text.bytes().all(plain)
}

/// The events of all lines, and how many lines there were; notes the last place.
fn read(c: &mut Collect<'_>, text: &str, cursor: &mut Cursor) -> (Vec<Event>, usize) {
    let mut events = Vec::new();
    let mut strange = 0_u32;
    let mut lines = 0;
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        lines += 1;
        let Ok(json) = serde_json::from_str::<Value>(line) else {
            strange += 1;
            continue;
        };
        let Some(place) = json["__CURSOR"].as_str() else {
            strange += 1; // each entry has a place
            continue;
        };
        cursor.place = Some(place.to_owned());
        let (Some(service), Some(message), Some(at)) =
            (field(&json, "SYSLOG_IDENTIFIER"), field(&json, "MESSAGE"), time(&json))
        else {
            // A line without a message (too long for the journal) or a time says nothing.
            strange += u32::from(!json["MESSAGE"].is_null());
            continue;
        };
        if let Some(row) = table::find(&service, &message) {
            let text = message.chars().filter(|it| !it.is_control()).take(TEXT_MAX).collect();
            events.push(Event {
                kind: row.name.to_owned(),
                component: ComponentId::host(),
                at,
                text,
                attrs: BTreeMap::from([("log.service".to_owned(), service)]),
            });
        }
    }
    if strange > 0 {
        c.problem(
            Reason::Unparsable,
            None,
            format!("{strange} lines of the journal not understood"),
        );
    }
    (events, lines)
}

fn emit(c: &mut Collect<'_>, events: Vec<Event>, cursor: &mut Cursor) {
    let mut same: BTreeMap<String, u32> = BTreeMap::new();
    for event in events {
        *cursor.counts.entry(event.kind.clone()).or_default() += 1;
        let count = same.entry(event.kind.clone()).or_default();
        *count += 1;
        if *count <= SAME_MAX {
            c.event(event);
        }
    }
    for (kind, count) in &cursor.counts {
        #[expect(clippy::cast_precision_loss, reason = "counts of lines are below 2^52")]
        let count = *count as f64;
        let attrs = [("xunjian.journal.event.kind", kind.as_str())];
        c.sample_with(&EVENTS, &ComponentId::host(), &attrs, count);
    }
}

/// A field's text; one that is not UTF-8 comes as a list of bytes, one that is there twice as a list of texts.
fn field(json: &Value, name: &str) -> Option<String> {
    match &json[name] {
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => match all.first()? {
            Value::String(text) => Some(text.clone()),
            _ => {
                let bytes: Option<Vec<u8>> =
                    all.iter().map(|it| u8::try_from(it.as_u64()?).ok()).collect();
                Some(String::from_utf8_lossy(&bytes?).into_owned())
            }
        },
        _ => None,
    }
}

/// Microseconds since 1970, as text.
fn time(json: &Value) -> Option<Time> {
    let micros: i64 = json["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    Some(Time::from_millis(micros / 1000)).filter(|_| micros > 0)
}
