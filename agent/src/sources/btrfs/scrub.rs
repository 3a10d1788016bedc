//! The last scrub, from the file in which btrfs-progs keeps its result.
//!
//! Facts: btrfs-progs `cmds/scrub.c`: one line a device, `UUID:NUMBER|key:value|…`; a scrub that neither finished nor was
//! canceled is running or was cut off by a reboot.

use xunjian_proto::{ComponentId, Reason};

use super::metrics::{SCRUB, SCRUB_AGE, SCRUB_ERRORS, SCRUB_FIXED};
use crate::source::Collect;

/// What the file says of all devices together.
#[derive(Debug, Default, PartialEq)]
struct Scrub {
    devices: u32,
    finished: u32,
    canceled: u32,
    uncorrectable: f64,
    corrected: f64,
    /// When the first device was done: the data of that one are the oldest that were verified.
    ended: Option<f64>,
}

/// Emits what is known of the last scrub.
pub(super) fn emit(c: &mut Collect<'_>, id: &ComponentId, uuid: &str, now: Option<f64>) {
    let text = match c.host.read(&format!("var/lib/btrfs/scrub.status.{uuid}")) {
        Ok(text) => text,
        Err(error) if error.reason() == Reason::Missing => return c.state(&SCRUB, id, "none"),
        Err(error) => {
            return c.problem(error.reason(), Some(id), format!("the last scrub: {error}"));
        }
    };
    let scrub = read(&text, uuid);
    if scrub.devices == 0 {
        return c.problem(
            Reason::Unparsable,
            Some(id),
            "the result of the last scrub has no device",
        );
    }
    let state = match scrub {
        Scrub { canceled, .. } if canceled > 0 => "canceled",
        Scrub { finished, devices, .. } if finished == devices => "finished",
        _ => "running",
    };
    c.state(&SCRUB, id, state);
    if state != "finished" {
        return;
    }
    c.sample(&SCRUB_ERRORS, id, scrub.uncorrectable);
    c.sample(&SCRUB_FIXED, id, scrub.corrected);
    if let Some((now, ended)) = now.zip(scrub.ended) {
        c.sample(&SCRUB_AGE, id, (now - ended).max(0.0));
    }
}

fn read(text: &str, uuid: &str) -> Scrub {
    let mut scrub = Scrub::default();
    for line in text.lines() {
        let Some((head, rest)) = line.split_once('|') else { continue };
        if head.split(':').next() != Some(uuid) {
            continue;
        }
        let value = |key: &str| -> Option<f64> {
            let pairs = rest.split('|').filter_map(|it| it.split_once(':'));
            pairs.filter(|(name, _)| *name == key).find_map(|(_, it)| it.trim().parse().ok())
        };
        let is = |key: &str| u32::from(value(key) == Some(1.0));
        scrub.devices += 1;
        scrub.finished += is("finished");
        scrub.canceled += is("canceled");
        scrub.uncorrectable += value("uncorrectable_errors").unwrap_or(0.0);
        scrub.corrected += value("corrected_errors").unwrap_or(0.0);
        let start = value("t_resumed").filter(|it| *it > 0.0).or_else(|| value("t_start"));
        let ended = start.map(|it| it + value("duration").unwrap_or(0.0));
        scrub.ended = match (scrub.ended, ended) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    scrub
}
