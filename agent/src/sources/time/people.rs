//! What `chronyc tracking` and `chronyc sources` print for people, as it is pasted into tickets.
//!
//! Facts: `chronyc(1)`. `System time : 0.000006523 seconds slow of NTP time` is a clock that is behind. The sources come
//! after a heading and a rule, one a line: mode, state, name, stratum, poll, reach and samples.

use std::collections::BTreeMap;

use super::reports::{Clock, leap_word, none_yet};

/// Whether a text is the report on the clock.
pub(super) fn is_tracking(text: &str) -> bool {
    value(text, "Reference ID").is_some() && value(text, "Leap status").is_some()
}

/// Whether a text is the list of sources.
pub(super) fn is_sources(text: &str) -> bool {
    text.lines().any(is_heading)
}

/// The clock; none for a text that is no such report or is cut short.
pub(super) fn tracking(text: &str) -> Option<Clock> {
    let leap = leap_word(value(text, "Leap status")?)?;
    let synchronized = leap != "not_synchronised";
    let stratum =
        value(text, "Stratum")?.parse::<f64>().ok().filter(|it| (0.0..=16.0).contains(it))?;
    let seconds = |name: &str| seconds(value(text, name)?).map(|it| it.0);
    let offset = value(text, "System time").and_then(self::seconds).and_then(|(number, rest)| {
        match rest.split_whitespace().next()? {
            "slow" => Some(-number),
            "fast" => Some(number),
            _ => None,
        }
    });
    Some(Clock {
        service: "chrony",
        // Without a source these numbers are zeros and remainders.
        offset: offset.filter(|_| synchronized),
        stratum: Some(if synchronized { stratum } else { 16.0 }),
        delay: seconds("Root delay").filter(|_| synchronized),
        dispersion: seconds("Root dispersion").filter(|_| synchronized),
        leap: Some(leap),
        synchronized: Some(synchronized),
        sources: BTreeMap::new(),
    })
}

/// Sources by state, and the lines that were not understood.
pub(super) fn sources(text: &str) -> (BTreeMap<&'static str, u32>, Vec<&str>) {
    let mut sources = none_yet();
    let mut strange = Vec::new();
    let lines = text.lines().skip_while(|it| !is_heading(it)).skip(1);
    for line in lines.filter(|it| !it.trim().is_empty() && !it.trim().starts_with("===")) {
        let mut characters = line.trim_start().chars();
        let mode = characters.next();
        let columns = characters.as_str().split_whitespace().count();
        let state = match (mode, characters.next()) {
            // What comes after the list in a paste is the next prompt or command.
            _ if columns < 6 => break,
            (Some('^' | '=' | '#'), Some('*')) => "selected",
            (Some('^' | '=' | '#'), Some('+')) => "usable",
            (Some('^' | '=' | '#'), Some('-')) => "outlier",
            (Some('^' | '=' | '#'), Some('?')) => "unreachable",
            (Some('^' | '=' | '#'), Some('x')) => "false",
            (Some('^' | '=' | '#'), Some('~')) => "variable",
            _ => {
                strange.push(line);
                continue;
            }
        };
        *sources.entry(state).or_default() += 1;
    }
    (sources, strange)
}

fn is_heading(line: &str) -> bool {
    line.trim_start().starts_with("MS Name/IP address") && line.contains("Reach")
}

/// The value of a line `Name      : value`.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// `0.013639022 seconds slow of NTP time`: the number, and what follows its unit.
fn seconds(text: &str) -> Option<(f64, &str)> {
    let (number, rest) = text.split_once(" seconds")?;
    number.trim().parse::<f64>().ok().filter(|it| it.is_finite()).map(|it| (it, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_for_people_says_what_the_columns_say() {
        let text = "Reference ID    : C0000201 (ntp.example.net)\nStratum         : 4\n\
                    System time     : 0.250000000 seconds slow of NTP time\n\
                    Root delay      : 0.004000000 seconds\nRoot dispersion : 0.002000000 seconds\n\
                    Leap status     : Normal\n";
        assert!(is_tracking(text));
        let clock = tracking(text).unwrap();
        assert_eq!((clock.offset, clock.stratum), (Some(-0.25), Some(4.0)));
        assert_eq!((clock.delay, clock.dispersion), (Some(0.004), Some(0.002)));
        assert_eq!(clock.synchronized, Some(true));
        let fast = tracking(&text.replace("slow", "fast")).unwrap();
        assert_eq!(fast.offset, Some(0.25));
        let lost = tracking(&text.replace("Normal", "Not synchronised")).unwrap();
        assert_eq!((lost.synchronized, lost.offset), (Some(false), None));
        assert_eq!(tracking("Leap status : Sunny"), None);
    }

    #[test]
    fn sources_for_people_are_counted_by_their_state() {
        let text = "210 Number of sources = 3\nMS Name/IP address         Stratum Poll Reach LastRx Last sample\n\
                    =====\n^* 10.0.0.1   2   6   377    42  -447ns[  -13us] +/-  204us\n\
                    ^? 10.0.0.2   0   6     0     -    +0ns[   +0ns] +/-    0ns\n\
                    #x PPS0       0   4   377    12    +1ns[   +1ns] +/-   10ns\n[root@a ~]#\n";
        assert!(is_sources(text));
        let (sources, strange) = sources(text);
        assert_eq!((sources["selected"], sources["unreachable"], sources["false"]), (1, 1, 1));
        assert!(strange.is_empty(), "{strange:?}");
    }
}
