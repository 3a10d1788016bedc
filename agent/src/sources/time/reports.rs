//! The reports of chrony, ntpd and systemd-timesyncd.
//!
//! Facts: `chronyc(1)`: `-c tracking` is one line of 14 columns, in which a positive correction means that the clock is
//! behind; `-c sources` is a line of 10 columns a source. `ntpq(8)`: the tally character before each peer, offsets in
//! milliseconds. `timedatectl(1)`.

use std::collections::BTreeMap;

/// What a time service says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Clock {
    /// `chrony`, `ntpd`, `timesyncd`.
    pub(super) service: &'static str,
    /// Seconds; positive is ahead.
    pub(super) offset: Option<f64>,
    /// Hops from a reference clock.
    pub(super) stratum: Option<f64>,
    /// Seconds.
    pub(super) dispersion: Option<f64>,
    /// Seconds.
    pub(super) delay: Option<f64>,
    /// In our words.
    pub(super) leap: Option<&'static str>,
    /// The service's own word.
    pub(super) synchronized: Option<bool>,
    /// Sources by their state.
    pub(super) sources: BTreeMap<&'static str, u32>,
}

/// Columns of `chronyc -c tracking`.
const COLUMNS: usize = 14;

/// Whether a saved text looks like `chronyc -c tracking`.
pub(super) fn is_tracking(text: &str) -> bool {
    text.lines().count() == 1 && text.trim().split(',').count() == COLUMNS
}

/// `C0000201,192.0.2.1,3,1700000000.1,0.000012,-0.000003,0.000021,-12.3,0.001,0.04,0.0012,0.0005,64.2,Normal`: reference
/// id and name, stratum, time, correction still to be made (positive: the clock is behind), last and mean offset,
/// frequency, its rest and skew, root delay and dispersion, interval, leap status.
pub(super) fn tracking(text: &str) -> Option<Clock> {
    let columns: Vec<&str> = text.trim().split(',').collect();
    if columns.len() < COLUMNS || text.trim().lines().count() != 1 {
        return None;
    }
    let number = |at: usize| columns[at].parse::<f64>().ok().filter(|it| it.is_finite());
    let leap = leap_word(columns[13])?;
    let synchronized = leap != "not_synchronised";
    let stratum = number(2).filter(|it| (0.0..=16.0).contains(it))?;
    Some(Clock {
        service: "chrony",
        // Without a source these numbers are zeros and remainders.
        offset: number(4).filter(|_| synchronized).map(|it| -it),
        stratum: Some(if synchronized { stratum } else { 16.0 }),
        delay: number(10).filter(|_| synchronized),
        dispersion: number(11).filter(|_| synchronized),
        leap: Some(leap),
        synchronized: Some(synchronized),
        sources: BTreeMap::new(),
    })
}

/// Our word for chrony's leap status.
pub(super) fn leap_word(text: &str) -> Option<&'static str> {
    match text {
        "Normal" => Some("normal"),
        "Insert second" => Some("insert"),
        "Delete second" => Some("delete"),
        "Not synchronised" => Some("not_synchronised"),
        _ => None,
    }
}

/// Sources by state, and the lines that were not understood.
pub(super) fn chrony_sources(text: &str) -> (BTreeMap<&'static str, u32>, Vec<&str>) {
    let mut sources = none_yet();
    let mut strange = Vec::new();
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        let columns: Vec<&str> = line.split(',').collect();
        let state = match (columns.len() >= 7, columns.get(1).copied()) {
            (true, Some("*")) => "selected",
            (true, Some("+")) => "usable",
            (true, Some("-")) => "outlier",
            (true, Some("?")) => "unreachable",
            (true, Some("x")) => "false",
            (true, Some("~")) => "variable",
            _ => {
                strange.push(line);
                continue;
            }
        };
        *sources.entry(state).or_default() += 1;
    }
    (sources, strange)
}

/// Every state with nothing in it: a source that leaves a state must be seen to be gone from there.
pub(super) fn none_yet() -> BTreeMap<&'static str, u32> {
    ["false", "outlier", "selected", "unreachable", "usable", "variable"].map(|it| (it, 0)).into()
}

/// `ntpq -pn`: a heading, a rule, and a line a peer; no clock where there is no peer at all.
pub(super) fn peers(text: &str) -> (Option<Clock>, Vec<&str>) {
    let mut clock = Clock {
        service: "ntpd",
        synchronized: Some(false),
        sources: none_yet(),
        ..Clock::default()
    };
    let mut strange = Vec::new();
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        if line.contains("refid") || line.starts_with("===") || line.starts_with("No association") {
            continue;
        }
        let mut characters = line.chars();
        let tally = characters.next().unwrap_or(' ');
        let columns: Vec<&str> = characters.as_str().split_whitespace().collect();
        let [_, _, stratum, _, _, _, reach, delay, offset, _] = columns[..] else {
            strange.push(line);
            continue;
        };
        let state = match tally {
            '*' | 'o' => "selected",
            '+' | '#' => "usable",
            'x' => "false",
            '-' | '.' => "outlier",
            _ if reach == "0" => "unreachable",
            ' ' => "outlier",
            _ => {
                strange.push(line);
                continue;
            }
        };
        *clock.sources.entry(state).or_default() += 1;
        if state == "selected" {
            let milliseconds = |text: &str| text.parse::<f64>().ok().map(|it| it / 1000.0);
            clock.synchronized = Some(true);
            // The peer's offset is how far the peer is ahead of us.
            clock.offset = milliseconds(offset).map(|it| -it);
            clock.delay = milliseconds(delay);
            clock.stratum = stratum.parse::<f64>().ok().map(|it| it + 1.0);
        }
    }
    let any = clock.sources.values().any(|it| *it > 0);
    (any.then_some(clock), strange)
}

/// `Name=yes`, or `   Name: yes` of the text for people; the first name that is there.
pub(super) fn flag(text: &str, names: &[&str]) -> Option<bool> {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (found, value) = line.split_once(['=', ':'])?;
            (found.trim() == name).then(|| value.trim())
        })
    };
    match names.iter().find_map(|name| value(name))? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// `timedatectl timesync-status`; nothing while it has not heard a server.
pub(super) fn timesync(text: &str) -> Option<Clock> {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            (found.trim() == name).then(|| value.trim())
        })
    };
    let stratum = value("Stratum").and_then(|it| it.parse().ok());
    let leap = match value("Leap") {
        Some("normal") => Some("normal"),
        Some("last minute of the day has 61 seconds") => Some("insert"),
        Some("last minute of the day has 59 seconds") => Some("delete"),
        Some("not synchronized") => Some("not_synchronised"),
        _ => None,
    };
    let server = value("Server")?;
    let heard = stratum.is_some();
    let state = if heard { "selected" } else { "unreachable" };
    let named = !server.starts_with('(') && !server.is_empty();
    Some(Clock {
        service: "timesyncd",
        offset: value("Offset").and_then(span).map(|it| -it),
        stratum: stratum.map(|it: f64| it + 1.0),
        delay: value("Delay").and_then(span),
        leap,
        sources: if named { BTreeMap::from([(state, 1)]) } else { BTreeMap::new() },
        ..Clock::default()
    })
}

/// `-1.234ms`, `+56us`, `1min 2.5s`: systemd's spans of time, in seconds.
fn span(text: &str) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut sum = 0.0;
    for part in text.split_whitespace() {
        let at = part.find(|it: char| it.is_ascii_alphabetic()).unwrap_or(part.len());
        let (number, unit) = part.split_at(at);
        let factor = match unit {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "" if number == "0" => 0.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok().filter(|it| it.is_finite())? * factor;
    }
    Some(sign * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_systemd_are_seconds() {
        for (text, seconds) in
            [("-1.5ms", -0.0015), ("+56us", 0.000_056), ("1min 2s", 62.0), ("0", 0.0)]
        {
            assert!((span(text).unwrap() - seconds).abs() < 1e-9, "{text}");
        }
        assert_eq!(span("soon"), None);
    }
}
