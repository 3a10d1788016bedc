//! Makes a host out of saved outputs of tools, so that the same sources read them that read a live host.
//!
//! Which file answers which question is told from its content, never from its name.

use chrono::{DateTime, NaiveDateTime};
use serde_json::{Value, json};
use xunjian_proto::Time;

use crate::host::{Given, Vitals};

/// A saved output.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// What to call it in errors.
    pub(super) name: String,
    /// Its text.
    pub(super) content: String,
}

/// A host that answers from saved outputs.
#[derive(Debug)]
pub(super) struct Saved {
    /// The host.
    pub(super) host: Given,
    /// When the outputs were made, if they say so.
    pub(super) at: Option<Time>,
}

/// The host on which this source finds these files, which were made at `made` at the latest. An error says what was
/// wanted.
pub(super) fn host(source: &str, files: &[File], made: Time) -> Result<Saved, String> {
    match source {
        "smart" => smart(files),
        "md" => one(files, "proc/mdstat", "Personalities", "/proc/mdstat"),
        "kmsg" => kmsg(files, made),
        other => Err(format!(
            "`{other}` has no saved output; smart, md and kmsg have. Make a recording with `record` and give it with \
             --host-dir"
        )),
    }
}

fn one(files: &[File], path: &str, beginning: &str, what: &str) -> Result<Saved, String> {
    let [file] = files else { return Err(format!("want one file: the content of {what}")) };
    if !file.content.starts_with(beginning) {
        return Err(format!(
            "{}: want the content of {what}, which begins with {beginning:?}",
            file.name
        ));
    }
    let mut host = Given::default();
    host.file(path, &*file.content);
    Ok(Saved { host, at: None })
}

/// One `smartctl --json -x` per disk. The names in them tell the disks apart for the source; disks of several hosts
/// may share a name, so a name that is taken gets a number.
fn smart(files: &[File]) -> Result<Saved, String> {
    let mut host = Given::default();
    let (mut devices, mut names, mut at) = (Vec::new(), Vec::<String>::new(), None);
    for file in files {
        let wanted = || format!("{}: want the output of `smartctl --json -x DEVICE`", file.name);
        let mut value: Value = serde_json::from_str(&file.content)
            .map_err(|error| format!("{}: {error}", wanted()))?;
        if value.get("smartctl").is_none() {
            return Err(wanted());
        }
        let device = value.get("device").cloned().unwrap_or_else(|| json!({}));
        let text = |key: &str| device.get(key).and_then(Value::as_str).map(str::to_owned);
        let plain = text("name").unwrap_or_else(|| format!("/dev/saved{}", names.len()));
        let mut name = plain.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{plain}#{number}");
            number += 1;
        }
        let made = value.pointer("/local_time/time_t").and_then(Value::as_i64);
        at = at.max(made.map(Time::from_secs));
        let status = value.pointer("/smartctl/exit_status").and_then(Value::as_i64).unwrap_or(0);
        if name != plain
            && let Some(it) = value.pointer_mut("/device/name")
        {
            *it = json!(name);
        }
        let content = if name == plain { file.content.clone() } else { value.to_string() };
        host.answer(&["smartctl", &name], i32::try_from(status).unwrap_or(0), content);
        devices.push(json!({
            "name": name,
            "info_name": text("info_name").unwrap_or_else(|| name.clone()),
            "type": text("type").unwrap_or_else(|| "auto".to_owned()),
            "protocol": text("protocol").unwrap_or_default(),
        }));
        names.push(name);
    }
    host.answer(&["smartctl", "--scan*"], 0, json!({ "devices": devices }).to_string());
    Ok(Saved { host, at })
}

/// Kernel logs in the forms that people save, turned into records of `/dev/kmsg`.
fn kmsg(files: &[File], made: Time) -> Result<Saved, String> {
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
    let at = absolute.then(|| Time::from_millis(last_us / 1000));
    Ok(Saved { host, at }).map(|it| it.with_boot(absolute, last_us, made))
}

impl Saved {
    /// Kernel times count from the boot. A log with times of day counts from 1970 instead; for one without, the boot
    /// is taken to be as long before the file was made as the last line says, which is at most too late.
    fn with_boot(mut self, absolute: bool, last_us: i64, made: Time) -> Saved {
        let since_1970 = made.millis().saturating_mul(1000).saturating_sub(last_us);
        let boot_secs = if absolute { 0 } else { since_1970.div_euclid(1_000_000) };
        self.host.vitals = Some(Vitals { boot_secs, ..Vitals::default() });
        self
    }
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
