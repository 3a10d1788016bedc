//! The event log of a management controller: `ipmitool sel elist`, and FreeIPMI's `ipmi-sel`.
//!
//! Facts: ipmitool 1.8 (`ipmi_sel_print_std_entry`). A controller whose clock was never set writes seconds since its own
//! start, which ipmitool prints as `Pre-Init`. The clock may be set to local time or to anything: times are moved by
//! what it differs from the host's now.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::{
    meaning::{self, Redundancy, Verdict},
    reading,
};

/// A record of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Record {
    /// When, by the controller's clock.
    pub(super) at: Option<Clock>,
    /// Type of the sensor.
    pub(super) kind: Option<u8>,
    /// The sensor's name, or `#0x12`; empty if it has none.
    pub(super) sensor: String,
    /// What happened.
    pub(super) state: String,
    /// It began (and did not end).
    pub(super) asserted: bool,
    /// The line.
    pub(super) text: String,
}

/// A time of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// Seconds since 1970 in the controller's idea of the time.
    Set(i64),
    /// Seconds since the controller's start.
    SinceStart(i64),
}

/// What a record amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// The log was emptied.
    Cleared,
    /// Something is, or was, not as it should be.
    Bad(Bad),
    /// Nothing of concern, the end of something bad included.
    Telling,
    /// Not known.
    Unknown,
}

/// Kinds of bad records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    Failed,
    Critical,
    Warning,
    NoInput,
    Redundancy,
    MemoryCorrected,
    MemoryUncorrected,
    Intrusion,
    Watchdog,
}

/// The records, and lines that were not understood.
pub(super) fn parse(text: &str) -> (Vec<Record>, Vec<String>) {
    let mut records = Vec::new();
    let mut strange = Vec::new();
    let mut titles: Option<Vec<String>> = None;
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        let separator = if line.contains('|') { '|' } else { ',' };
        let cells: Vec<&str> = line.split(separator).map(str::trim).collect();
        let lower: Vec<String> = cells.iter().map(|it| it.to_lowercase()).collect();
        if is_heading(line) {
            titles = Some(lower);
            continue;
        }
        let record = match &titles {
            Some(titles) => by_titles(titles, &cells),
            None => by_shape(&cells),
        };
        match record {
            Some(record) => records.push(Record { text: line.trim().to_owned(), ..record }),
            None if line.contains("SEL has no entries") => {}
            None => strange.push(line.trim().to_owned()),
        }
    }
    (records, strange)
}

/// The heading of FreeIPMI's log: `ID | Date | Time | Name | Type | Event`, in CSV with commas.
pub(super) fn is_heading(line: &str) -> bool {
    let cell = |name: &str| line.split(['|', ',']).any(|it| it.trim().eq_ignore_ascii_case(name));
    cell("date") && cell("event")
}

/// ipmitool: `1 | 11/22/2026 | 17:19:06 | Power Supply PSU2 Status | Failure detected | Asserted`.
fn by_shape(cells: &[&str]) -> Option<Record> {
    let (number, rest) = cells.split_first()?;
    u32::from_str_radix(number, 16).ok()?;
    let (at, rest) = match rest {
        [date, seconds, rest @ ..] if date.eq_ignore_ascii_case("pre-init") => {
            (Some(Clock::SinceStart(seconds.parse().ok()?)), rest)
        }
        [date, time, rest @ ..] if date.contains('/') || date.contains('-') => {
            (moment(date, time).map(Clock::Set), rest)
        }
        rest => (None, rest),
    };
    let (what, rest) = rest.split_first()?;
    if what.starts_with("OEM record") {
        return Some(Record { at, kind: Some(reading::OEM), ..Record::default() });
    }
    let (kind, sensor) = match reading::type_in(what) {
        Some((kind, sensor)) => (Some(kind), sensor.to_owned()),
        None => (None, (*what).to_owned()),
    };
    let state = rest.first().map(|it| (*it).to_owned()).unwrap_or_default();
    let asserted = !rest.iter().any(|it| it.eq_ignore_ascii_case("deasserted"));
    Some(Record { at, kind, sensor, state, asserted, ..Record::default() })
}

/// FreeIPMI: `ID | Date | Time | Name | Type | Event`.
fn by_titles(titles: &[String], cells: &[&str]) -> Option<Record> {
    let cell = |wanted: &str| {
        let at = titles.iter().position(|it| it == wanted)?;
        cells.get(at).copied()
    };
    let date = cell("date")?;
    let at = match date.eq_ignore_ascii_case("postinit") || date.eq_ignore_ascii_case("preinit") {
        true => cell("time").and_then(|it| it.parse().ok()).map(Clock::SinceStart),
        false => moment(date, cell("time").unwrap_or_default()).map(Clock::Set),
    };
    let event = cell("event")?;
    Some(Record {
        at,
        kind: cell("type").and_then(reading::kind_of),
        sensor: cell("name").unwrap_or_default().to_owned(),
        state: event.split(" ; ").next().unwrap_or(event).trim_matches('\'').to_owned(),
        asserted: cell("event direction").is_none_or(|it| !it.starts_with("Deassert")),
        ..Record::default()
    })
}

/// Seconds since 1970 of `11/22/26` or `11/22/2026` or `Nov-22-2026` and `17:19:06 CST`; the zone is not looked at.
fn moment(date: &str, time: &str) -> Option<i64> {
    let time = NaiveTime::parse_from_str(time.split_whitespace().next()?, "%H:%M:%S").ok()?;
    // Two-digit years first: `%Y` would take 26 for the year 26.
    let forms = ["%m/%d/%y", "%m/%d/%Y", "%b-%d-%Y", "%Y-%m-%d"];
    let date = forms.iter().find_map(|it| NaiveDate::parse_from_str(date, it).ok())?;
    Some(NaiveDateTime::new(date, time).and_utc().timestamp())
}

/// The controller's clock: `sel time get`.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let text = text.trim();
    let mut words = text.split_whitespace();
    let first = words.next()?;
    if first == "S+" {
        // `S+ 03:22:11`, or with days: `S+ 70/001`, which says too little.
        // What the controller counts has 32 bits; more digits are damage.
        let parts: Option<Vec<u32>> = words.next()?.split(':').map(|it| it.parse().ok()).collect();
        return match parts?[..] {
            [hours, minutes, seconds] => Some(Clock::SinceStart(
                i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds),
            )),
            _ => None,
        };
    }
    moment(first, words.next()?).map(Clock::Set)
}

impl Record {
    /// What it amounts to.
    pub(super) fn weight(&self) -> Weight {
        let state = self.state.to_lowercase();
        if state.contains("log area reset") || state.contains("log cleared") {
            return Weight::Cleared;
        }
        if self.kind.is_some_and(|it| it >= reading::OEM) || self.state.is_empty() {
            return Weight::Unknown;
        }
        if let Some(bad) = crossed(&state) {
            return if self.asserted { Weight::Bad(bad) } else { Weight::Telling };
        }
        if let Some(redundancy) = meaning::redundancy(&state) {
            let bad = self.asserted
                && matches!(
                    redundancy,
                    Redundancy::Lost | Redundancy::Insufficient | Redundancy::Degraded
                );
            return if bad { Weight::Bad(Bad::Redundancy) } else { Weight::Telling };
        }
        let Some(verdict) = meaning::verdict(self.kind, &state) else { return Weight::Unknown };
        if !self.asserted {
            return Weight::Telling;
        }
        Weight::Bad(match (self.kind, verdict) {
            (_, Verdict::Ok | Verdict::Absent) => return Weight::Telling,
            (Some(0x0c), Verdict::Degraded | Verdict::Predicted)
                if state.contains("correctable") =>
            {
                Bad::MemoryCorrected
            }
            (Some(0x0c), Verdict::Failed) => Bad::MemoryUncorrected,
            (Some(0x11 | 0x23), _) => Bad::Watchdog,
            (_, Verdict::Open) => Bad::Intrusion,
            (_, Verdict::NoInput) => Bad::NoInput,
            (_, Verdict::Failed) => Bad::Failed,
            (_, Verdict::Degraded | Verdict::Predicted) => Bad::Warning,
        })
    }
}

/// `Upper Critical going high`, `At or Above (>=) Upper Critical Threshold`.
fn crossed(state: &str) -> Option<Bad> {
    let side = state.contains("upper ") || state.contains("lower ");
    let word = side && (state.contains("going") || state.contains("threshold"));
    if !word {
        return None;
    }
    let gentle = state.contains("non-critical") || state.contains("non critical");
    Some(if gentle { Bad::Warning } else { Bad::Critical })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_say_when_who_and_what() {
        let (records, strange) = parse(
            "   1 | 11/22/2026 | 08:00:00 | Power Supply PSU2 Status | Failure detected | Asserted\n\
             \x20  2 |  Pre-Init  |0000012131| Temperature CPU1 Temp | Upper Critical going high | Asserted | Reading 96 > Threshold 95 degrees C\n\
             \x20  a | 11/22/26 | 08:00:05 UTC | Event Logging Disabled SEL Fullness | Log area reset/cleared | Asserted\n\
             what is this\n",
        );
        assert_eq!(strange, ["what is this"]);
        assert_eq!(records[0].at, Some(Clock::Set(1_795_334_400)));
        assert_eq!((records[0].kind, records[0].sensor.as_str()), (Some(8), "PSU2 Status"));
        assert_eq!(records[0].weight(), Weight::Bad(Bad::Failed));
        assert_eq!(records[1].at, Some(Clock::SinceStart(12131)));
        assert_eq!(records[1].weight(), Weight::Bad(Bad::Critical));
        assert_eq!(records[2].weight(), Weight::Cleared);
    }

    #[test]
    fn clocks_are_read_set_and_not() {
        assert_eq!(clock("11/22/26 17:19:09 UTC\n"), Some(Clock::Set(1_795_367_949)));
        assert_eq!(clock("11/22/2026 17:19:09\n"), Some(Clock::Set(1_795_367_949)));
        assert_eq!(clock("S+ 03:22:11"), Some(Clock::SinceStart(12131)));
        assert_eq!(clock(""), None);
    }

    #[test]
    fn a_clock_with_too_many_digits_is_none() {
        assert_eq!(clock("S+ 9223372036854775807:22:11"), None);
        assert_eq!(clock("S+ 03:18446744073709551615:11"), None);
        assert_eq!(clock("S+ 4294967295:00:01"), Some(Clock::SinceStart(15_461_882_262_001)));
    }
}
