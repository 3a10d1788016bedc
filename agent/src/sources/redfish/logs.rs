//! Hardware logs (SEL, IML, fault lists): what is new since the last run, worse than "OK".
//!
//! Facts: schemas LogService, LogEntry. Logs of log-ins, operations and debugging are left alone. A log tells its
//! entries oldest or newest first, whole or in pages; of a long one only its newest page or pages are read.

use chrono::DateTime;
use serde_json::Value;
use xunjian_proto::{Event, Reason, Time};

use super::{
    json::{at, list, path_of, text},
    memory::LogMark,
    metrics,
    walk::Walk,
};

/// Pages of one log in one run.
const PAGES_MAX: usize = 4;

/// Entries that are asked one by one, where a service gives only links.
const LINKS_MAX: usize = 20;

/// Entries told at the first look at a log: what is older is history that nobody asked for.
const FIRST_MAX: usize = 50;

/// Entries told of one log in one run.
const ENTRIES_MAX: usize = 500;

/// Longest text of an entry.
const TEXT_CHARS_MAX: usize = 600;

/// Logs that say nothing of hardware, by what their names contain.
const OTHERS: [&str; 16] = [
    "audit",
    "security",
    "lclog",
    "iel",
    "journal",
    "hostlogger",
    "crashdump",
    "dump",
    "postcode",
    "operat",
    "runlog",
    "diag",
    "telemetry",
    "maintenance",
    "hostconsole",
    "debug",
];

/// An entry worse than "OK".
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The event without its component.
    pub(super) critical: bool,
    pub(super) at: Time,
    pub(super) text: String,
    pub(super) attrs: Vec<(String, String)>,
    /// The resource that it is about.
    pub(super) origin: Option<String>,
}

/// Whether a log is one of hardware.
pub(super) fn is_hardware(service: &Value) -> bool {
    let id = text(service, "Id").unwrap_or_default().to_ascii_lowercase();
    let name = text(service, "Name").unwrap_or_default().to_ascii_lowercase();
    id != "sl" && !OTHERS.iter().any(|it| id.contains(it) || name.contains(it))
}

/// What is new in a log; moves the mark on.
pub(super) fn news(walk: &mut Walk<'_>, service: &Value, mark: &mut LogMark) -> Vec<Entry> {
    let Some(path) = service.get("Entries").and_then(path_of) else { return Vec::new() };
    let first_look = *mark == LogMark::default();
    let before = mark.clone();
    let mut fresh: Vec<(Option<Time>, u64, Value)> = Vec::new();
    let mut next = Some(path.clone());
    for page in 0..PAGES_MAX {
        let Some(url) = next.take() else { break };
        let Some(answer) = walk.client.fresh(&url, false) else { break };
        let members = list(&answer, "Members");
        let entries = whole(walk, members, &before);
        let known = entries.iter().any(|it| !before.is_new(it.0, it.1));
        let falling = is_falling(&entries);
        fresh.extend(entries.into_iter().filter(|it| before.is_new(it.0, it.1)));
        let count = answer.get("Members@odata.count").and_then(Value::as_u64).unwrap_or(0);
        let shown = members.len() as u64;
        next = match super::client::next_link(&answer) {
            None => None,
            // Newest first: what follows is known, or history.
            Some(_) if falling && (known || first_look) => None,
            // Oldest first and long: its end is what matters.
            Some(link) if !falling && page == 0 && count > 2 * shown && link.contains("$skip=") => {
                Some(format!("{path}?$skip={}", count - shown))
            }
            Some(link) => Some(link),
        };
    }
    if let Some(left) = next {
        let text =
            format!("{path}: the log is longer than {PAGES_MAX} pages, from {left} it is left out");
        walk.client.gap(Reason::Truncated, text);
    }
    fresh.sort_by_key(|it| (it.0, it.1));
    for (at, id, _) in &fresh {
        mark.pass(*at, *id);
    }
    let mut entries: Vec<Entry> =
        fresh.iter().filter_map(|(at, _, value)| entry(service, value, (*at)?)).collect();
    let most = if first_look { FIRST_MAX } else { ENTRIES_MAX };
    if entries.len() > most {
        if !first_look {
            let text = format!("{path}: {} new entries, the newest {most} are told", entries.len());
            walk.client.gap(Reason::Truncated, text);
        }
        entries.drain(..entries.len() - most);
    }
    entries
}

/// An entry that was given by itself.
pub(super) fn alone(walk: &mut Walk<'_>, resource: &Value) {
    walk.entries.extend(created(resource).and_then(|at| entry(resource, resource, at)));
    walk.entries_read += 1;
}

/// The entries of a page with their times and numbers; those of which only links came are asked for, newest first.
fn whole(
    walk: &mut Walk<'_>,
    members: &[Value],
    before: &LogMark,
) -> Vec<(Option<Time>, u64, Value)> {
    let mut found = Vec::new();
    let mut links = Vec::new();
    for member in members {
        match (text(member, "Severity"), path_of(member)) {
            (None, Some(path)) if text(member, "Message").is_none() => links.push(path),
            _ => found.push((created(member), number(member), member.clone())),
        }
    }
    let id = |path: &String| trailing(path);
    links.sort_by_key(|it| std::cmp::Reverse(id(it)));
    links.retain(|it| before.id == 0 || id(it) > before.id);
    for path in links.into_iter().take(LINKS_MAX) {
        if let Some(member) = walk.client.fresh(&path, false) {
            found.push((created(&member), number(&member), member));
        }
    }
    found
}

fn is_falling(entries: &[(Option<Time>, u64, Value)]) -> bool {
    match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => (first.0, first.1) > (last.0, last.1),
        _ => false,
    }
}

fn created(entry: &Value) -> Option<Time> {
    let text = text(entry, "Created").or_else(|| text(entry, "EventTimestamp"))?;
    let time = DateTime::parse_from_rfc3339(text).or_else(|_| {
        // Without a colon in the zone, as some services write it.
        DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z")
    });
    let time = time.ok().or_else(|| {
        let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?;
        Some(naive.and_utc().fixed_offset())
    })?;
    // A controller whose clock has lost its battery begins in 1970.
    let at = Time::from_millis(time.timestamp_millis());
    (at >= Time::from_secs(TRUE_SINCE)).then_some(at)
}

/// 2001-01-01: no such log is older.
const TRUE_SINCE: i64 = 978_307_200;

fn number(entry: &Value) -> u64 {
    let id = text(entry, "Id").or_else(|| text(entry, "EntryCode")).unwrap_or_default();
    match trailing(id) {
        0 => path_of(entry).map_or(0, |it| trailing(&it)),
        id => id,
    }
}

/// The number at the end of a name.
fn trailing(text: &str) -> u64 {
    let digits: String = text.chars().rev().take_while(char::is_ascii_digit).take(18).collect();
    digits.chars().rev().collect::<String>().parse().unwrap_or(0)
}

fn entry(service: &Value, value: &Value, at_time: Time) -> Option<Entry> {
    let severity = text(value, "Severity")?.to_ascii_lowercase();
    let critical = match severity.as_str() {
        "critical" | "fatal" | "failure" | "error" => true,
        "warning" | "caution" | "degraded" => false,
        _ => return None,
    };
    let repaired = ["Hpe", "Hp"]
        .iter()
        .any(|it| at(value, &["Oem", it, "Repaired"]).and_then(Value::as_bool) == Some(true));
    if repaired || value.get("Resolved").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let message = text(value, "Message").or_else(|| text(value, "Name")).unwrap_or_default();
    let mut attrs = Vec::new();
    for (key, attr) in [
        ("MessageId", "redfish.log.message_id"),
        ("SensorType", "redfish.log.sensor_type"),
        ("EntryType", "redfish.log.entry_type"),
        ("Id", "redfish.log.entry"),
    ] {
        attrs.extend(text(value, key).map(|it| (attr.to_owned(), it.to_owned())));
    }
    let log = text(service, "Id").unwrap_or_default();
    attrs.push(("redfish.log".to_owned(), log.to_owned()));
    let origin = at(value, &["Links", "OriginOfCondition"]).and_then(path_of);
    let text: String = message.chars().take(TEXT_CHARS_MAX).collect();
    Some(Entry { critical, at: at_time, text, attrs, origin })
}

impl Entry {
    /// The event that it is.
    pub(super) fn event(self, component: xunjian_proto::ComponentId, now: Option<Time>) -> Event {
        let kind = if self.critical { &metrics::LOG_CRITICAL } else { &metrics::LOG_WARNING };
        let mut attrs: std::collections::BTreeMap<String, String> =
            self.attrs.into_iter().collect();
        let at = match now {
            // A controller's clock that runs ahead must not put events into the future.
            Some(now) if self.at > now => {
                attrs.insert("redfish.log.created".to_owned(), self.at.secs().to_string());
                now
            }
            _ => self.at,
        };
        Event { kind: kind.name.to_owned(), component, at, text: self.text, attrs }
    }
}
