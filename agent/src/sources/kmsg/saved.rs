//! Saved kernel logs, in the forms that people save.

use chrono::{DateTime, Datelike, NaiveDateTime};
use xunjian_proto::Time;

use super::table;
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
            let Some(parsed) = kernel_line(line, sequence, made) else { continue };
            absolute |= parsed.absolute;
            last_us = last_us.max(parsed.micros);
            sequence += 1;
            records.push_str(&parsed.record);
            records.push('\n');
        }
    }
    if records.is_empty() {
        return Err(format!(
            "want a kernel log (`dmesg`, `journalctl -k` or /var/log/messages); none of {lines} line(s) is one"
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
fn kernel_line(line: &str, sequence: u64, made: Time) -> Option<KernelLine> {
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
            match rest.split_once("kernel: ").filter(|it| !it.0.is_empty()) {
                // `1700000000.123456 host kernel: text`; syslog may repeat the kernel's own stamp after that.
                Some((head, text)) => (head_micros(head, made)?, true, without_stamp(text)),
                // A line cut out of a log, or of a kernel that puts no times: only what is surely the kernel's.
                None if table::find(rest).is_some() => {
                    (0, false, rest.strip_prefix("kernel: ").unwrap_or(rest))
                }
                None => return None,
            }
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

/// Microseconds since 1970 of what stands before `kernel: `: seconds, RFC 3339, or `Nov  2 14:22:22`, whose year is the
/// last in which that was not after the file was made (a day is left for time zones).
fn head_micros(head: &str, made: Time) -> Option<i64> {
    let first = head.split_whitespace().next()?;
    if let Some((micros, _)) = stamp_micros(first) {
        return Some(micros);
    }
    let words: Vec<&str> = head.split_whitespace().take(3).collect();
    let latest = made.millis().saturating_mul(1000).saturating_add(86_400_000_000);
    let year = DateTime::from_timestamp_millis(made.millis())?.year();
    [year + 1, year, year - 1, year - 2, year - 3, year - 4].into_iter().find_map(|year| {
        let text = format!("{} {year}", words.join(" "));
        let time = NaiveDateTime::parse_from_str(&text, "%b %e %H:%M:%S %Y").ok()?;
        let micros = time.and_utc().timestamp_micros();
        (micros <= latest).then_some(micros)
    })
}

/// `[  12.345678] text` gives the text.
fn without_stamp(text: &str) -> &str {
    let rest = text.strip_prefix('[').and_then(|it| it.split_once("] "));
    rest.filter(|(stamp, _)| stamp_micros(stamp.trim()).is_some()).map_or(text, |(_, it)| it)
}

/// Microseconds of `12.345678` (since the boot) or of `Sun Nov 22 14:22:22 2026` (taken as UTC), and whether it is
/// a time of day.
fn stamp_micros(stamp: &str) -> Option<(i64, bool)> {
    let since_boot =
        stamp.split_once('.').filter(|(secs, _)| secs.bytes().all(|it| it.is_ascii_digit()));
    if let Some((secs, fraction)) = since_boot {
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
        let made = Time::from_millis(1_795_400_000_000);
        let record = |line: &str| kernel_line(line, 7, made).map(|it| it.record);
        let want = Some("3,7,12345678,-;I/O error, dev sda".to_owned());
        assert_eq!(record("<3>[   12.345678] I/O error, dev sda"), want);
        assert_eq!(record("kern  :err   : [   12.345678] I/O error, dev sda"), want);
        assert_eq!(record("[   12.345678] I/O error, dev sda"), want);
        let unix = record("1700000000.000001 node1 kernel: oops").unwrap();
        assert_eq!(unix, "3,7,1700000000000001,-;oops");
        let date = record("[Sun Nov 22 14:22:22 2026] oops").unwrap();
        assert_eq!(date, "3,7,1795357342000000,-;oops");
        assert_eq!(record("Nov 22 14:22:22 node1 sshd: hello"), None);
        let date = Some("3,7,1795357342000000,-;oops".to_owned());
        assert_eq!(record("Nov 22 14:22:22 node1 kernel: oops"), date);
        assert_eq!(record("Nov 22 14:22:22 node1 kernel: [   12.345678] oops"), date);
        assert_eq!(record("2026-11-22T22:22:22.000000+08:00 node1 kernel: oops"), date);
        // A day that was not yet this year is of the year before; 29 February of the last leap year.
        let year = 365 * 86_400 * 1_000_000_i64;
        let later = record("Dec  2 14:22:22 node1 kernel: oops").unwrap();
        assert_eq!(
            later,
            format!("3,7,{},-;oops", 1_795_357_342_000_000 + 10 * 86_400_000_000 - year)
        );
        assert!(record("Feb 29 14:22:22 node1 kernel: oops").is_some());
        let bare = record("end_request: I/O error, dev sdb, sector 8");
        assert_eq!(bare.as_deref(), Some("3,7,0,-;end_request: I/O error, dev sdb, sector 8"));
        let bare = record("kernel: end_request: I/O error, dev sdb, sector 8");
        assert_eq!(bare.as_deref(), Some("3,7,0,-;end_request: I/O error, dev sdb, sector 8"));
        assert_eq!(record("no line of a kernel"), None);
    }
}
