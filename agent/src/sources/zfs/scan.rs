//! What `zpool status` says of scrubs and resilvers, and its ways to write numbers and times.
//!
//! Facts: OpenZFS `cmd/zpool/zpool_main.c` (`print_scan_scrub_resilver_status`, `print_rebuild_status`). The wording
//! changed over the years (`0h15m`, `00:15:02`, `1 days 03:17:10`; `scrub:` before 2010), so words are looked for, not
//! whole sentences. Times are the host's local time; they are taken as UTC, which is at most 14 hours wrong and does not
//! matter for scrubs that are due every month.

use chrono::NaiveDate;

use super::pool::Scan;

/// Reads one `scan:` entry with the lines that belong to it. None if no word of it is known.
pub(super) fn parse(text: &str) -> Option<Scan> {
    let text = text.trim();
    if text.starts_with("none requested") || text.is_empty() {
        return Some(Scan { state: "none".to_owned(), ..Scan::default() });
    }
    let first = text.lines().next().unwrap_or_default();
    let head = first.to_lowercase();
    let function = if head.contains("resilver") {
        "resilver"
    } else if head.contains("rebuil") {
        "rebuild"
    } else if head.contains("scrub") {
        "scrub"
    } else {
        return None;
    };
    let state = if head.contains("in progress") {
        "running"
    } else if head.contains("paused") {
        "paused"
    } else if head.contains("canceled") || head.contains("stopped") {
        "canceled"
    } else if head.contains("repaired") || head.contains("resilvered") || head.contains("completed")
    {
        "finished"
    } else {
        return None;
    };
    let over = matches!(state, "finished" | "canceled");
    Some(Scan {
        function: function.to_owned(),
        state: state.to_owned(),
        ended: first.rsplit_once(" on ").filter(|_| over).and_then(|(_, rest)| time(rest)),
        done: text
            .split(&[' ', ',', '\n'][..])
            .zip(text.split(&[' ', ',', '\n'][..]).skip(1))
            .find_map(|(share, word)| {
                let share: f64 = share.strip_suffix('%')?.parse().ok()?;
                (word == "done" && (0.0..=100.0).contains(&share)).then_some(share / 100.0)
            }),
        errors: errors(first),
        repaired: (function == "scrub" && state == "finished").then(|| repaired(first)).flatten(),
    })
}

/// `scrub repaired 1.25M in`; before 2010 nothing was said of it.
fn repaired(line: &str) -> Option<f64> {
    let (_, after) = line.split_once("repaired ")?;
    number(after.split_whitespace().next()?)
}

/// `with 3 errors`.
fn errors(line: &str) -> Option<f64> {
    let (before, _) = line.split_once(" errors")?;
    number(before.rsplit(' ').next()?)
}

/// Seconds since 1970 of `Sun Feb 11 10:20:10 2024`, with or without a time zone's name, or of plain seconds.
pub(super) fn time(text: &str) -> Option<f64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if let Ok(secs) = text.trim().parse::<f64>() {
        return (secs > 0.0).then_some(secs);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|it| MONTHS.contains(it))?;
    let month = MONTHS.iter().position(|it| *it == words[at])?;
    let day = words.get(at + 1)?.parse().ok()?;
    let mut clock = words.get(at + 2)?.split(':').map(|it| it.parse::<u32>().ok());
    let (hour, minute, second) =
        (clock.next()??, clock.next()??, clock.next().flatten().unwrap_or(0));
    let hour = match words.get(at + 3).copied() {
        Some("PM") if hour < 12 => hour + 12,
        Some("AM") if hour == 12 => 0,
        _ => hour,
    };
    let year = words[at + 3..].iter().find_map(|it| it.parse().ok().filter(|it| *it > 1970))?;
    let date = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()? + 1, day)?;
    let secs = date.and_hms_opt(hour, minute, second)?.and_utc().timestamp();
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age are far below 2^52")]
    Some(secs as f64)
}

/// `0`, `1.25K`, `704G`, `0B`: the tools shorten by 1024 unless asked not to.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches('B');
    let (digits, power) = match text.char_indices().last()? {
        (at, letter) if letter.is_ascii_alphabetic() => {
            let power = ["K", "M", "G", "T", "P", "E"]
                .iter()
                .position(|it| it.starts_with(letter.to_ascii_uppercase()))?;
            (&text[..at], i32::try_from(power).ok()? + 1)
        }
        _ => (text, 0),
    };
    let value: f64 = digits.parse().ok()?;
    (value >= 0.0 && value.is_finite()).then(|| value * 1024_f64.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wordings_of_the_years_are_understood() {
        let short = |text: &str| {
            parse(text).map(|it| (it.function, it.state, it.errors, it.done, it.ended.is_some()))
        };
        let word = |it: &str| it.to_owned();
        for (text, function, state, errors, done, ended) in [
            ("none requested", "", "none", None, None, false),
            (
                "scrub repaired 0 in 2h15m with 0 errors on Sun Oct 12 02:39:05 2014",
                "scrub",
                "finished",
                Some(0.0),
                None,
                true,
            ),
            (
                "scrub repaired 1.5M in 1 days 03:17:10 with 3 errors on Sun Jun 28 11:44:18 2026",
                "scrub",
                "finished",
                Some(3.0),
                None,
                true,
            ),
            (
                "resilvered (mirror-0) 21K in 00:00:01 with 0 errors on Sat Feb 10 20:30:44 2024",
                "resilver",
                "finished",
                Some(0.0),
                None,
                true,
            ),
            (
                "resilver in progress since Sun Feb 11 11:54:20 2024\n\t704G / 1.66T scanned, 1.00G / 1.66T issued\n\t1.2G resilvered, 42.50% done, 01:02:03 to go",
                "resilver",
                "running",
                None,
                Some(0.425),
                false,
            ),
            (
                "scrub paused since Sun Feb 11 11:54:20 2024\n\tscrub started on Sun Feb 11 10:00:00 2024\n\t0B repaired, 12.00% done",
                "scrub",
                "paused",
                None,
                Some(0.12),
                false,
            ),
            ("scrub canceled on Sun Jan 18 12:18:11 2026", "scrub", "canceled", None, None, true),
            (
                "scrub completed after 0h15m with 0 errors on Wed Jul 14 10:20:30 2010",
                "scrub",
                "finished",
                Some(0.0),
                None,
                true,
            ),
        ] {
            assert_eq!(
                short(text),
                Some((word(function), word(state), errors, done, ended)),
                "{text}"
            );
        }
        assert_eq!(parse("something new"), None);
        let repaired = |text: &str| parse(text).and_then(|it| it.repaired);
        let made =
            "scrub repaired 1.5M in 1 days 03:17:10 with 0 errors on Sun Jun 28 11:44:18 2026";
        assert_eq!(repaired(made), Some(1.5 * 1024.0 * 1024.0));
        assert_eq!(repaired("scrub repaired 0B in 0h1m with 0 errors on x"), Some(0.0));
        assert_eq!(repaired("scrub completed after 0h15m with 0 errors on x"), None);
        assert_eq!(repaired("resilvered 21K in 00:00:01 with 0 errors on x"), None);
    }

    #[test]
    fn numbers_and_times_of_all_forms() {
        assert_eq!(number("1.5K"), Some(1536.0));
        assert_eq!(number("0B"), Some(0.0));
        assert_eq!(number("-"), None);
        assert_eq!(time("Thu Jan  1 00:01:00 1970"), None);
        assert_eq!(time("Sun Feb 11 04:00:01 2024"), Some(1_707_624_001.0));
        assert_eq!(time("Sun Feb 11 04:00:01 PM UTC 2024"), Some(1_707_667_201.0));
        assert_eq!(time("1707624001"), Some(1_707_624_001.0));
        assert_eq!(time("0"), None);
    }
}
