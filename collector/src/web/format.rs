//! Numbers, times and ids as people read them. Pure; what cannot be shown well is shown raw, never guessed.

use std::{fmt::Write as _, time::Duration};

use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use xunjian_proto::Time;
use xunjian_rules::Lang;

/// Letters, digits, `-`, `_`, `.`; at most 128: the form all our ids have.
pub(super) fn is_id(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=128).contains(&text.len()) && text.bytes().all(fine) && !text.starts_with('.')
}

/// Percent-encodes a value for a query.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `2026-11-22 14:20:33` in a zone; milliseconds since the epoch if the calendar does not reach that far.
pub(super) fn moment(at: Time, zone: Tz) -> String {
    match DateTime::from_timestamp_millis(at.millis()) {
        Some(time) => time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string(),
        None => format!("{} ms", at.millis()),
    }
}

/// In another form (chrono's `strftime`), or nothing.
pub(super) fn moment_as(at: Time, zone: Tz, form: &str) -> String {
    DateTime::from_timestamp_millis(at.millis())
        .map_or_else(String::new, |time| time.with_timezone(&zone).format(form).to_string())
}

/// For machines: RFC 3339 in UTC.
pub(super) fn machine(at: Time) -> String {
    DateTime::from_timestamp_millis(at.millis())
        .map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A length of time in its two largest parts: `2 小时 5 分`, `3 d 4 h`.
pub(super) fn span(length: Duration, lang: Lang) -> String {
    let secs = length.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    let parts = match lang {
        Lang::Zh => ["天", "小时", "分钟", "秒"],
        Lang::En => ["d", "h", "min", "s"],
    };
    let two = |a: u64, unit: usize, b: u64| {
        let tail = if b > 0 { format!(" {b} {}", parts[unit + 1]) } else { String::new() };
        format!("{a} {}{tail}", parts[unit])
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs} {}", parts[3]),
        (0, 0, minutes) if minutes < 10 => two(minutes, 2, secs % 60),
        (0, 0, minutes) => two(minutes, 2, 0),
        (0, hours, minutes) => two(hours, 1, minutes),
        (days, hours, _) => two(days, 0, hours),
    }
}

/// How long ago something was: `3 分钟前`; a time to come says so, because a host's clock may be wrong.
pub(super) fn age(at: Time, now: Time, lang: Lang) -> String {
    let ahead = at.since(now);
    if ahead > Duration::from_secs(60) {
        let ahead = coarse(ahead, lang);
        return match lang {
            Lang::Zh => format!("{ahead}后"),
            Lang::En => format!("in {ahead}"),
        };
    }
    let past = now.since(at);
    match (past.as_secs() < 60, lang) {
        (true, Lang::Zh) => "刚刚".to_owned(),
        (true, Lang::En) => "just now".to_owned(),
        (false, Lang::Zh) => format!("{}前", coarse(past, lang)),
        (false, Lang::En) => format!("{} ago", coarse(past, lang)),
    }
}

fn coarse(length: Duration, lang: Lang) -> String {
    let whole = match length.as_secs() {
        secs if secs < 3600 => secs / 60 * 60,
        secs if secs < 86_400 => secs / 60 * 60,
        secs => secs / 3600 * 3600,
    };
    span(Duration::from_secs(whole), lang)
}

/// A number with its unit (UCUM, as OpenTelemetry writes it): `1` is a ratio for names that say so.
pub(super) fn value(number: f64, unit: &str, metric: &str) -> String {
    let ratio = RATIOS.iter().any(|end| metric.ends_with(end));
    match unit {
        "1" | "" if ratio => format!("{} %", short(number * 100.0)),
        "1" | "" => short(number),
        "By" => bytes(number, ""),
        "By/s" => bytes(number, "/s"),
        "s" => seconds(number),
        "Cel" => format!("{} °C", short(number)),
        // What is counted is said by the name already.
        other if other.starts_with('{') => match other.split_once("}/") {
            Some((_, per)) => format!("{}/{per}", short(number)),
            None => short(number),
        },
        other => format!("{} {other}", short(number)),
    }
}

/// How the names of ratios end; other numbers without a unit are no shares of a whole.
const RATIOS: &[&str] = &[
    "utilization",
    "ratio",
    "available_spare",
    "available_spare_threshold",
    "helium_level",
    "sync.completed",
];

fn seconds(number: f64) -> String {
    match number.abs() {
        0.0 => "0 s".to_owned(),
        size if size < 0.001 => format!("{} µs", short(number * 1e6)),
        size if size < 1.0 => format!("{} ms", short(number * 1e3)),
        size if size < 7200.0 => format!("{} s", short(number)),
        size if size < 172_800.0 => format!("{} h", short(number / 3600.0)),
        _ => format!("{} d", short(number / 86_400.0)),
    }
}

fn bytes(number: f64, tail: &str) -> String {
    let mut size = number;
    let mut unit = 0;
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    while size.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{} {}{tail}", short(size), UNITS[unit])
}

/// At most four significant digits after the whole part is kept; whole numbers grouped by thousands.
pub(super) fn short(number: f64) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let size = number.abs();
    let digits = match size {
        _ if number.fract() == 0.0 || size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    if size >= 1e15 {
        return format!("{number:e}");
    }
    let text = format!("{number:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let (whole, rest) =
        text.split_once('.').map_or((text, ""), |(whole, _)| (whole, &text[whole.len()..]));
    format!("{}{rest}", grouped(whole))
}

fn grouped(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    if digits.len() < 5 {
        return whole.to_owned();
    }
    let mut out = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        let cases = [
            (0.123_456, "1", "system.filesystem.utilization", "12.35 %"),
            (1_610_612_736.0, "By", "system.memory.usage", "1.5 GiB"),
            (34.0, "Cel", "hw.temperature", "34 °C"),
            (12_345.0, "{error}", "hw.errors", "12,345"),
            (12.0, "{operation}/s", "system.disk.operations", "12/s"),
            (0.0021, "s", "x", "2.1 ms"),
            (90_000.0, "s", "x", "25 h"),
            (-1_234_567.0, "1", "x", "-1,234,567"),
            (0.0, "s", "x", "0 s"),
            (f64::NAN, "1", "x", "–"),
        ];
        for (number, unit, metric, expected) in cases {
            assert_eq!(value(number, unit, metric), expected);
        }
    }

    #[test]
    fn ages_are_said_in_both_languages_and_never_negative() {
        let now = Time::from_secs(1_000_000);
        let back = |secs| now - Duration::from_secs(secs);
        assert_eq!(age(back(5), now, Lang::Zh), "刚刚");
        assert_eq!(age(back(200), now, Lang::Zh), "3 分钟前");
        assert_eq!(age(back(7500), now, Lang::Zh), "2 小时 5 分钟前");
        assert_eq!(age(back(100_000), now, Lang::En), "1 d 3 h ago");
        assert_eq!(age(now + Duration::from_secs(600), now, Lang::En), "in 10 min");
    }

    #[test]
    fn absurd_times_are_shown_and_do_not_panic() {
        for millis in [i64::MIN, i64::MAX, 0] {
            let at = Time::from_millis(millis);
            moment(at, chrono_tz::Asia::Shanghai);
            machine(at);
            age(at, Time::from_secs(0), Lang::Zh);
        }
    }

    #[test]
    fn ids_are_plain_and_bounded() {
        assert!(is_id("T20261122-0001"));
        for bad in ["", "../x", ".hidden", "a b", "a/b", "é", &"x".repeat(129)] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn encoding_leaves_nothing_that_ends_a_value() {
        assert_eq!(encode("filesystem:/数 &="), "filesystem%3A%2F%E6%95%B0%20%26%3D");
    }
}
