//! Lengths of time as rules write them: `30s`, `5m`, `24h`, `30d`.

use std::time::Duration;

/// A whole number of days.
pub const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

/// `90s` as `90s`, one day as `24h`, thirty days as `30d`: the largest unit that divides it, days from two on.
pub fn duration_text(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0 => "0s".to_owned(),
        _ if secs.is_multiple_of(86_400) && secs > 86_400 => format!("{}d", secs / 86_400),
        _ if secs.is_multiple_of(3_600) => format!("{}h", secs / 3_600),
        _ if secs.is_multiple_of(60) => format!("{}m", secs / 60),
        _ => format!("{secs}s"),
    }
}

/// Reads a length of time; the error says what would be right.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|count| count.checked_mul(factor)) {
        Some(secs) if factor > 0 => Ok(Duration::from_secs(secs)),
        _ => Err(format!(
            "`{text}` is no length of time; write a whole number with s, m, h or d: `30s`, `24h`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["0s", "30s", "5m", "24h", "30d", "90s"] {
            assert_eq!(duration_text(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn refuses_what_is_no_length() {
        for text in
            ["", "5", "m", "-1m", "1.5h", "5 m", "99999999999999999999d", "999999999999999999d"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
