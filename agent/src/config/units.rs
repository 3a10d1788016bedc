//! Durations and sizes as people write them: `90s`, `5m`, `2h`, `7d`; `256MiB`, `1GiB`.

use std::time::Duration;

const TIMES: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads a duration: a whole number and one of `ms s m h d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse(text, &TIMES)
        .map(Duration::from_millis)
        .ok_or_else(|| "want a whole number and one of ms, s, m, h, d, such as \"90s\"".to_owned())
}

/// Reads a size in bytes: a whole number and one of `B KiB MiB GiB`.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    parse(text, &SIZES).ok_or_else(|| {
        "want a whole number and one of B, KiB, MiB, GiB, such as \"256MiB\"".to_owned()
    })
}

/// The shortest exact way to write a duration.
pub fn duration_text(duration: Duration) -> String {
    text(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &TIMES, "0s")
}

/// The shortest exact way to write a size.
pub fn bytes_text(bytes: u64) -> String {
    text(bytes, &SIZES, "0B")
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn text(value: u64, units: &[(&str, u64)], zero: &str) -> String {
    let unit = units.iter().find(|(_, factor)| value > 0 && value.is_multiple_of(*factor));
    unit.map_or(zero.to_owned(), |(name, factor)| format!("{}{name}", value / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        for millis in [1, 999, 1_000, 61_000, 3_600_000, 86_400_000 * 7] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&duration_text(duration)), Ok(duration));
        }
        assert_eq!(bytes_text(256 << 20), "256MiB");
        assert_eq!(parse_bytes("1 GiB"), Ok(1 << 30));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "-5m",
            "5 minutes",
            "1.5h",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
