//! Saved kernel logs, in the forms that people save.

use chrono::{DateTime, NaiveDateTime};
use xunjian_proto::Time;

use crate::{
    host::{Given, Vitals},
    saved::{File, SavedHost},
};

/// Kernel logs in the forms that people save, turned into records of `/dev/kmsg`.
pub(super) fn host(files: &[File], made: Time) -> Result<SavedHost, String> {
    let mut records = String::new();
    let (mut lines, mut sequence, mut last_us, mut absolute) = (0, 0, 0, false);
    for file in files {
        for line in file.content.lines() {
            if line.trim().is_empty() {
                continue;
            }
            lines += 1;
            let Some(parsed) = kernel_line(line, sequence) else { continue };
            absolute |= parsed.absolute;
            last_us = last_us.max(parsed.micros);
            sequence += 1;
            records.push_str(&parsed.record);
            records.push('\n');
        }
    }
    if records.is_empty() {
        return Err(format!(
            "want a kernel log (`dmesg` or `journalctl -k -o short-unix`); none of {lines} line(s) is one"
        ));
    }
    let mut host = Given::default();
    host.file("dev/kmsg", records);
    // Kernel times count from the boot. A log with times of day counts from 1970 instead; for one without, the boot is
    // taken to be as long before the file was made as the last line says, which is at most too late.
    let since_1970 = made.millis().saturating_mul(1000).saturating_sub(last_us);
    let boot_secs = if absolute { 0 } else { since_1970.div_euclid(1_000_000) };
    host.vitals = Some(Vitals { boot_secs, ..Vitals::default() });
    let at = absolute.then(|| Time::from_millis(last_us / 1000));
    Ok(SavedHost { host, at })
}

struct KernelLine {
    record: String,
    micros: i64,
    absolute: bool,
}

/// One line of a saved kernel log. None if it is none.
fn kernel_line(line: &str, sequence: u64) -> Option<KernelLine> {
    if let Some((head, _)) = line.split_once(';') {
        let numbers: Vec<_> = head.split(',').collect();
        if numbers.len() >= 4 && numbers[..3].iter().all(|it| it.parse::<u64>().is_ok()) {
            let micros = numbers[2].parse().ok()?;
            return Some(KernelLine { record: line.to_owned(), micros, absolute: false });
        }
    }
    if line.starts_with(' ') && line.trim_start().split_once('=').is_some() {
        // A continuation line of /dev/kmsg; kept below the record before it.
        return Some(KernelLine { record: line.to_owned(), micros: 0, absolute: false });
    }
    let (level, rest) = level(line);
    let (micros, absolute, text) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (stamp, text) = rest.split_once(']')?;
            let (micros, absolute) = stamp_micros(stamp.trim())?;
            (micros, absolute, text.strip_prefix(' ').unwrap_or(text))
        }
        None => {
            // journalctl -o short-unix: `1700000000.123456 host kernel: text`
            let (stamp, rest) = rest.split_once(' ')?;
            let (_, text) = rest.split_once("kernel: ")?;
            let (micros, _) = stamp_micros(stamp)?;
            (micros, true, text)
        }
    };
    let record = format!("{level},{sequence},{micros},-;{text}");
    Some(KernelLine { record, micros, absolute })
}

/// The level at the beginning of a line, as number, and the rest: `<3>[…`, `kern  :err   : […`. Without one it is
/// taken to be an error, because nothing else lets the source look at it.
fn level(line: &str) -> (u8, &str) {
    const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    if let Some((number, rest)) = line.strip_prefix('<').and_then(|it| it.split_once('>')) {
        return (number.parse().unwrap_or(3), rest);
    }
    let mut parts = line.splitn(3, ':');
    if let (Some(_), Some(name), Some(rest)) = (parts.next(), parts.next(), parts.next())
        && let Some(level) = NAMES.iter().position(|it| *it == name.trim())
    {
        return (u8::try_from(level).unwrap_or(3), rest.trim_start());
    }
    (3, line)
}

/// Microseconds of `12.345678` (since the boot) or of `Sun Nov 22 14:22:22 2026` (taken as UTC), and whether it is
/// a time of day.
fn stamp_micros(stamp: &str) -> Option<(i64, bool)> {
    if let Some((secs, fraction)) = stamp.split_once('.') {
        let secs: i64 = secs.trim().parse().ok()?;
        let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
        return Some((secs.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)?, false));
    }
    let time = NaiveDateTime::parse_from_str(stamp, "%a %b %e %H:%M:%S %Y").ok();
    let time = time
        .map(|it| it.and_utc())
        .or_else(|| DateTime::parse_from_rfc3339(stamp).ok().map(|it| it.to_utc()))?;
    Some((time.timestamp_micros(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_of_kernel_logs_are_understood() {
        let record = |line: &str| kernel_line(line, 7).map(|it| it.record);
        let want = Some("3,7,12345678,-;I/O error, dev sda".to_owned());
        assert_eq!(record("<3>[   12.345678] I/O error, dev sda"), want);
        assert_eq!(record("kern  :err   : [   12.345678] I/O error, dev sda"), want);
        assert_eq!(record("[   12.345678] I/O error, dev sda"), want);
        let unix = record("1700000000.000001 node1 kernel: oops").unwrap();
        assert_eq!(unix, "3,7,1700000000000001,-;oops");
        let date = record("[Sun Nov 22 14:22:22 2026] oops").unwrap();
        assert_eq!(date, "3,7,1795357342000000,-;oops");
        assert_eq!(record("Nov 22 14:22:22 node1 sshd: hello"), None);
    }
}
