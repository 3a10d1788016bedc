//! Counters that Lustre prints as text: `stats`, `md_stats`, `job_stats`, `brw_stats`, `changelog_users`, quota lists.
//!
//! Facts: Lustre Operations Manual, chapter "Lustre Parameters"; lprocfs_counter_header. Units grew from `[regs]` and
//! `[reqs]` to `[usecs]` over the versions; the columns did not change.

use super::params::plausible;

/// One line of a `stats` file: `write_bytes 25001 samples [bytes] 98304 4194304 104857600000`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counter<'a> {
    /// `write_bytes`.
    pub(super) name: &'a str,
    /// How often it was counted.
    pub(super) samples: f64,
    /// `bytes`, `usec`, `reqs`.
    pub(super) unit: &'a str,
    /// Sum of the values; none for mere counts.
    pub(super) sum: Option<f64>,
}

/// All counters of a `stats` file, and how many lines were none.
pub(super) fn counters(text: &str) -> (Vec<Counter<'_>>, usize) {
    let mut all: Vec<Counter<'_>> = Vec::new();
    let mut strange = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match &words[..] {
            [] => {}
            [stamp, ..] if stamp.ends_with("_time") || stamp.ends_with("_time:") => {}
            [name, samples, "samples", unit, rest @ ..] => {
                let unit = unit.trim_matches(['[', ']']);
                match plausible(samples) {
                    // Old servers print `statfs` twice: of the filter and of its device. The first is the filter's.
                    Some(_) if all.iter().any(|it| it.name == *name) => {}
                    Some(samples) => all.push(Counter {
                        name,
                        samples,
                        unit,
                        sum: rest.get(2).and_then(|it| plausible(it)),
                    }),
                    None => strange += 1,
                }
            }
            _ => strange += 1,
        }
    }
    (all, strange)
}

/// Sums over all jobs of a `job_stats` file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Jobs {
    /// Jobs in the list; the server drops them ten minutes after their last request.
    pub(super) jobs: u32,
    /// Bytes read by them.
    pub(super) read: f64,
    /// Bytes written by them.
    pub(super) written: f64,
    /// Requests of all other kinds.
    pub(super) requests: f64,
}

/// Sums a `job_stats` file; none if it is none.
pub(super) fn jobs(text: &str) -> Option<Jobs> {
    let mut lines = text.lines().skip_while(|it| it.trim().is_empty());
    if lines.next()?.trim() != "job_stats:" {
        return None;
    }
    let mut sums = Jobs::default();
    for line in lines {
        let line = line.trim_start();
        if line.starts_with("- job_id:") {
            sums.jobs = sums.jobs.saturating_add(1);
            continue;
        }
        // `read_bytes: { samples: 5, unit: bytes, min: 4096, max: 4096, sum: 20480, … }`
        let Some((name, rest)) = line.split_once(": ").filter(|it| it.1.trim().starts_with('{'))
        else {
            continue;
        };
        let field = |wanted: &str| {
            let (_, tail) = rest.split_once(&format!("{wanted}:"))?;
            plausible(tail.split([',', '}']).next()?)
        };
        match name.trim() {
            "read_bytes" => sums.read += field("sum").unwrap_or(0.0),
            "write_bytes" => sums.written += field("sum").unwrap_or(0.0),
            // The same requests again, with their times.
            "read" | "write" => {}
            _ => sums.requests += field("samples").unwrap_or(0.0),
        }
    }
    Some(sums)
}

/// Disk requests of a `brw_stats` file (`I/O time (1/1000s)`): how many there were, and how many took 1,024 ms or more.
pub(super) fn slow_requests(text: &str) -> Option<(f64, f64)> {
    let mut lines =
        text.lines().skip_while(|it| !it.trim_start().starts_with("I/O time (1/1000s)"));
    lines.next()?;
    let (mut all, mut slow) = (0.0, 0.0);
    // `16:   0   0   0   |    2   0 100`, `4K:` for 4,096
    for line in lines.map_while(|it| it.split_once(':')) {
        let millis = match line.0.trim().strip_suffix(['K', 'k']) {
            Some(thousands) => plausible(thousands)? * 1024.0,
            None => plausible(line.0)?,
        };
        let (reads, writes) = line.1.split_once('|')?;
        let first = |it: &str| it.split_whitespace().next().and_then(plausible);
        let count = first(reads)? + first(writes)?;
        all += count;
        if millis >= 1024.0 {
            slow += count;
        }
    }
    Some((all, slow))
}

/// What an MDT keeps for the readers of its change log: readers, and records that the slowest has not read yet.
pub(super) fn changelog(text: &str) -> Option<(u32, f64)> {
    let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    // `current_index: 42`; 2.10 says `current index: 42`.
    let (name, newest) = lines.next()?.split_once(':')?;
    if !matches!(name, "current_index" | "current index") {
        return None;
    }
    let newest = plausible(newest)?;
    let (mut readers, mut oldest) = (0_u32, newest);
    for line in lines.filter(|it| !it.starts_with("ID")) {
        let index = line.split_whitespace().nth(1).and_then(plausible)?;
        readers = readers.saturating_add(1);
        oldest = f64::min(oldest, index);
    }
    Some((readers, newest - oldest))
}

/// A list of quotas (`qmt.*.*.glb-usr`): ids in it, and those that have as much as their hard limit allows.
pub(super) fn quotas(text: &str) -> Option<(u32, u32)> {
    let (mut ids, mut full) = (0_u32, 0_u32);
    for line in text.lines().map(str::trim) {
        if line.starts_with("- id:") {
            ids = ids.saturating_add(1);
        } else if let Some((_, limits)) = line.split_once("limits:") {
            let field = |wanted: &str| {
                let (_, tail) = limits.split_once(&format!("{wanted}:"))?;
                plausible(tail.split([',', '}']).next()?)
            };
            let (hard, granted) = (field("hard")?, field("granted")?);
            if hard > 0.0 && granted >= hard {
                full = full.saturating_add(1);
            }
        }
    }
    (ids > 0 || text.contains('_')).then_some((ids, full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_old_and_new_versions_are_read() {
        let text = "snapshot_time 1.2 secs.nsecs\nwrite_bytes 3 samples [bytes] 4096 8192 20480 99\n\
                    open 10 samples [reqs]\nopen 12 samples [reqs]\nnonsense\n";
        let (all, strange) = counters(text);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].samples, all[0].sum, all[1].samples), (3.0, Some(20480.0), 10.0));
        assert_eq!(strange, 1);
    }

    #[test]
    fn slow_requests_are_told_from_quick_ones() {
        let text = "x\nI/O time (1/1000s)     ios   % cum % |  ios         % cum %\n1: 4 0 0 | 5 0 0\n\
                    512: 1 0 0 | 0 0 0\n1K: 2 0 0 | 1 0 0\n\nother\n";
        assert_eq!(slow_requests(text), Some((13.0, 3.0)));
        assert_eq!(slow_requests("nothing"), None);
    }

    #[test]
    fn the_slowest_reader_of_a_change_log_counts() {
        let text = "current_index: 90\nID index (idle) mask\ncl1 40 (3)\ncl2 88 (1)\n";
        assert_eq!(changelog(text), Some((2, 50.0)));
        assert_eq!(changelog("current_index: 90\nID index\n"), Some((0, 0.0)));
    }
}
