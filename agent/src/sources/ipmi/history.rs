//! The hardware event log as events, each once: the place is kept over restarts of the agent, and found again after the
//! log was emptied or went round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xunjian_proto::{ComponentId, Event, Reason, Time};

use super::{
    ask, board, controller,
    log::{self, Bad, Clock, Record, Weight},
    metrics as m,
    parts::Part,
};
use crate::source::{Collect, Metric, SourceError, fingerprint};

/// Where the log was left.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Mark {
    /// What the controller said of the log: while that stays, the log is not read.
    said: String,
    /// Fingerprints of the last records: one of them is found again, unless the log was emptied.
    tail: Vec<String>,
}

/// Last records that are remembered.
const TAIL: usize = 8;

/// Events of one run; a log that is read for the first time may hold thousands.
const EVENTS_MAX: usize = 200;

/// Lines of the log that are kept as proof.
const PROOF_MAX: usize = 60;

const INFO: [&str; 3] = ["ipmitool", "sel", "info"];
const LIST: [&str; 3] = ["ipmitool", "sel", "elist"];
const TIME: [&str; 4] = ["ipmitool", "sel", "time", "get"];

/// Reads what is new in the log.
pub(super) fn read(
    c: &mut Collect<'_>,
    mark: &mut Option<Mark>,
    parts: &[Part],
) -> Result<(), SourceError> {
    let said = match ask(c, &INFO).and_then(|it| it.map(|it| it.ok(&INFO)).transpose()) {
        Ok(Some(text)) => fill(c, &text),
        Ok(None) => String::new(),
        Err(error) => {
            let text = format!("state of the event log: {error}");
            c.problem(error.reason(), Some(&controller()), text);
            return Ok(());
        }
    };
    let clock = clock(c);
    if mark.as_ref().is_some_and(|it| tells_changes(&said) && it.said == said) {
        return Ok(());
    }
    let text = match ask(c, &LIST).and_then(|it| it.map(|it| it.ok(&LIST)).transpose()) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(()),
        Err(error) => {
            c.problem(error.reason(), Some(&controller()), format!("event log: {error}"));
            return Ok(());
        }
    };
    let (records, strange) = log::parse(&text);
    if let Some(line) = strange.first() {
        let line: String = line.chars().take(120).collect();
        let text = format!("{} lines of the event log not understood: {line:?}", strange.len());
        c.problem(Reason::Unparsable, Some(&controller()), text);
    }
    let new = new(&records, mark.as_ref());
    if !new.is_empty() {
        let from = new.len().saturating_sub(PROOF_MAX);
        let lines: Vec<&str> = new[from..].iter().map(|it| it.text.as_str()).collect();
        c.evidence(LIST.join(" "), &(lines.join("\n") + "\n"));
    }
    emit(c, new, mark.is_some(), clock, parts);
    let from = records.len().saturating_sub(TAIL);
    let tail = records[from..].iter().map(|it| fingerprint(&it.text)).collect();
    *mark = Some(Mark { said, tail });
    Ok(())
}

/// Whether a change of the log shows in what the controller says of it: a full log whose additions bear no time stays
/// the same while records come and go.
fn tells_changes(said: &str) -> bool {
    let (entries, added) = said.split_once('|').unwrap_or_default();
    entries == "0"
        || added.split('|').next().is_some_and(|it| it.contains(|it: char| it.is_ascii_digit()))
}

/// The records behind the last one that is remembered; all of them if none of those is left.
fn new<'a>(records: &'a [Record], mark: Option<&Mark>) -> &'a [Record] {
    let Some(mark) = mark else { return records };
    let known = |it: &Record| mark.tail.contains(&fingerprint(&it.text));
    let from = records.iter().rposition(known).map_or(0, |it| it + 1);
    &records[from..]
}

/// Numbers of the log; gives the lines by which a change is noticed.
fn fill(c: &mut Collect<'_>, text: &str) -> String {
    let fields = board::fields(text);
    let number = |key: &str| {
        let text = fields.get(key)?;
        text.split([' ', '%']).next()?.parse::<f64>().ok().filter(|it| *it >= 0.0)
    };
    let (entries, free) = (number("Entries"), number("Free Space"));
    let id = controller();
    for (metric, value) in [(&m::LOG_ENTRIES, entries), (&m::LOG_FREE, free)] {
        if let Some(value) = value {
            c.sample(metric, &id, value);
        }
    }
    // An entry has 16 bytes. Some controllers say `unknown`, others 0 % for ever.
    let counted = entries.zip(free).filter(|(entries, free)| entries + free > 0.0);
    let share = counted
        .map(|(entries, free)| entries * 16.0 / (entries * 16.0 + free))
        .or_else(|| number("Percent Used").map(|it| it / 100.0));
    if let Some(share) = share {
        c.sample(&m::LOG_SHARE, &id, (share * 1e4).round() / 1e4);
    }
    if let Some(overflow) = fields.get("Overflow").filter(|it| board::flag(it).is_some()) {
        c.state(&m::LOG_OVERFLOW, &id, overflow);
    }
    ["Entries", "Last Add Time", "Last Del Time", "Overflow"]
        .iter()
        .map(|key| fields.get(key).copied().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("|")
}

/// The controller's clock and the host's at the same moment.
#[derive(Debug, Clone, Copy, Default)]
struct Clocks {
    controller: Option<Clock>,
    host: Option<i64>,
}

fn clock(c: &mut Collect<'_>) -> Clocks {
    let said = ask(c, &TIME).ok().flatten().filter(|it| it.status == 0);
    let controller = said.and_then(|it| log::clock(&it.stdout));
    let vitals = c.host.vitals().ok();
    let uptime = |secs: u64| i64::try_from(secs).unwrap_or(i64::MAX);
    let host = vitals.map(|it| it.boot_secs.saturating_add(uptime(it.uptime_secs)));
    if let (Some(Clock::Set(secs)), Some(host)) = (controller, host) {
        #[expect(clippy::cast_precision_loss, reason = "seconds are below 2^52")]
        c.sample(&m::CLOCK_OFFSET, &super::controller(), secs.saturating_sub(host) as f64);
    }
    Clocks { controller, host }
}

impl Clocks {
    /// When a record was made, by the host's clock. `None`: not known.
    fn when(self, at: Option<Clock>, seen_before: bool) -> Option<Time> {
        let secs = match (at, self.controller, self.host) {
            (Some(Clock::Set(at)), Some(Clock::Set(now)), Some(host))
            | (Some(Clock::SinceStart(at)), Some(Clock::SinceStart(now)), Some(host)) => {
                host.saturating_sub(now.saturating_sub(at).max(0))
            }
            (Some(Clock::Set(at)), ..) => at,
            // It came since the last look.
            (_, _, Some(host)) if seen_before => host,
            _ => return None,
        };
        Some(Time::from_secs(secs))
    }
}

fn emit(c: &mut Collect<'_>, records: &[Record], seen_before: bool, clock: Clocks, parts: &[Part]) {
    let mut by_name: BTreeMap<(&str, Option<u8>), Vec<&Part>> = BTreeMap::new();
    for part in parts {
        by_name.entry((part.reading.name.as_str(), part.reading.kind())).or_default().push(part);
    }
    let dropped = records.len().saturating_sub(EVENTS_MAX);
    if dropped > 0 {
        let text = format!("{dropped} older entries of the event log were not sent");
        c.problem(Reason::Truncated, None, text);
    }
    let mut undated = 0;
    for record in &records[dropped..] {
        let Some(at) = clock.when(record.at, seen_before) else {
            undated += 1;
            continue;
        };
        let named = by_name.get(&(record.sensor.as_str(), record.kind));
        let part = named.and_then(|it| the_one(it));
        let part = part.or_else(|| numbered(parts, &record.sensor));
        c.event(event(record, at, part.map(|it| &it.id)));
    }
    if undated > 0 {
        let text = format!(
            "{undated} entries of the event log bear no time (the controller's clock was not set) and are older than \
             the agent's first look"
        );
        c.problem(Reason::Implausible, None, text);
    }
}

/// Which of the sensors of one name it was: the log does not say. The only one, or the only one that is not well now.
fn the_one<'a>(parts: &[&'a Part]) -> Option<&'a Part> {
    let [part] = parts else {
        let unwell = |it: &&&Part| !matches!(it.status, None | Some("ok"));
        let mut unwell = parts.iter().filter(unwell);
        return unwell.next().filter(|_| unwell.next().is_none()).copied();
    };
    Some(part)
}

/// `#0x11`: a sensor without a description in the log's line.
fn numbered<'a>(parts: &'a [Part], text: &str) -> Option<&'a Part> {
    let number = u8::from_str_radix(text.strip_prefix("#0x")?, 16).ok()?;
    parts.iter().find(|it| it.reading.number == Some(number))
}

fn event(record: &Record, at: Time, part: Option<&ComponentId>) -> Event {
    let metric: &Metric = match record.weight() {
        Weight::Cleared => &m::CLEARED,
        Weight::Telling => &m::TELLING,
        Weight::Unknown => &m::UNKNOWN,
        Weight::Bad(bad) => match bad {
            Bad::Failed => &m::FAILED,
            Bad::Critical => &m::CRITICAL,
            Bad::Warning => &m::WARNING,
            Bad::NoInput => &m::NO_INPUT,
            Bad::Redundancy => &m::REDUNDANCY_LOST,
            Bad::MemoryCorrected => &m::MEMORY_CORRECTED,
            Bad::MemoryUncorrected => &m::MEMORY_UNCORRECTED,
            Bad::Intrusion => &m::INTRUSION,
            Bad::Watchdog => &m::WATCHDOG,
        },
    };
    let attrs = [("ipmi.sensor.name", &record.sensor), ("ipmi.sensor.state", &record.state)];
    let attrs = attrs.into_iter().filter(|(_, value)| !value.is_empty());
    Event {
        kind: metric.name.to_owned(),
        component: part.cloned().unwrap_or_else(controller),
        at,
        text: record.text.chars().filter(|it| !it.is_control()).take(300).collect(),
        attrs: attrs.map(|(name, value)| (name.to_owned(), value.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(lines: &[&str]) -> Vec<Record> {
        lines.iter().map(|it| Record { text: (*it).to_owned(), ..Record::default() }).collect()
    }

    fn mark(lines: &[&str]) -> Mark {
        let tail = lines.iter().map(|it| fingerprint(it)).collect();
        Mark { said: String::new(), tail }
    }

    #[test]
    fn each_record_comes_once_and_an_emptied_log_begins_anew() {
        let all = records(&["a", "b", "c"]);
        assert_eq!(new(&all, None).len(), 3);
        assert_eq!(new(&all, Some(&mark(&["a", "b"]))), &all[2..]);
        assert_eq!(new(&all, Some(&mark(&["b", "c"]))), &[]);
        // The newest known record is gone: an older one still tells the place.
        assert_eq!(new(&all, Some(&mark(&["b", "x"]))), &all[2..]);
        assert_eq!(new(&all, Some(&mark(&["x"]))).len(), 3);
    }

    #[test]
    fn a_log_that_tells_no_time_of_its_last_record_is_always_read() {
        assert!(tells_changes("13|11/22/26 17:19:08 UTC|Not Available|false"));
        assert!(tells_changes("13|S+ 03:22:11|Not Available|false"));
        assert!(tells_changes("0|Not Available|Not Available|false"));
        assert!(!tells_changes("3639|Not Available|Not Available|true"));
        assert!(!tells_changes(""));
    }

    #[test]
    fn times_are_moved_by_what_the_controllers_clock_is_off() {
        let clocks = Clocks { controller: Some(Clock::Set(30_000)), host: Some(1_200) };
        assert_eq!(clocks.when(Some(Clock::Set(29_990)), false), Some(Time::from_secs(1_190)));
        assert_eq!(clocks.when(Some(Clock::SinceStart(5)), false), None);
        assert_eq!(clocks.when(Some(Clock::SinceStart(5)), true), Some(Time::from_secs(1_200)));
        let unset = Clocks { controller: Some(Clock::SinceStart(100)), host: Some(1_200) };
        assert_eq!(unset.when(Some(Clock::SinceStart(90)), false), Some(Time::from_secs(1_190)));
    }
}
