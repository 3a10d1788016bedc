//! What `repquota` and `xfs_quota` print, line by line: a host can have a hundred thousand users, of whom only the few
//! that are near a limit are kept.
//!
//! Facts: repquota.c of quota-tools 4.01 (EL7) to 4.09, quota/report.c of xfsprogs. Space is in KiB. `repquota` prints a
//! grace column only for those that are at their soft limit, but with `-p` always: there it is the second since 1970 at
//! which the grace ends. `xfs_quota` prints it in brackets: `[--------]`, `[6 days]`, `[00:59:56]`, `[0 days]` when it has ended.

use std::fmt;

/// Whose use is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Each user's.
    User,
    /// Each group's.
    Group,
    /// Of each project: a tree of directories.
    Project,
}

pub(super) const CLASSES: [Class; 3] = [Class::User, Class::Group, Class::Project];

/// How a subject stands to its limits; the later the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Below its limits, or without any.
    Ok,
    /// Over the soft limit, with time left.
    Over,
    /// Over the soft limit, and the time is up: it cannot write.
    Expired,
    /// At the hard limit: it cannot write.
    Full,
}

/// What is used of a resource, and how much may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Used {
    /// KiB, or files.
    pub(super) used: f64,
    /// The same; 0: none.
    pub(super) soft: f64,
    /// The same; 0: none.
    pub(super) hard: f64,
    /// The time over the soft limit is up.
    pub(super) expired: bool,
}

/// A user, a group or a project.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    /// Number, or name where the output has names.
    pub(super) id: String,
    /// Space in KiB.
    pub(super) space: Used,
    /// Files.
    pub(super) files: Used,
    /// The line.
    pub(super) line: String,
}

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// The lines that follow are about this.
    Report(Class, &'a str),
    /// One subject.
    Subject(Subject),
    /// Nothing of use.
    Chatter,
    /// Not understood.
    Strange(&'a str),
}

/// Space is given out in blocks: who may have 10 KiB more than a whole number of them is full below that.
const BLOCK_KIB: f64 = 4.0;

impl Class {
    pub(super) fn word(self) -> &'static str {
        match self {
            Class::User => "user",
            Class::Group => "group",
            Class::Project => "project",
        }
    }

    fn named(word: &str) -> Option<Class> {
        CLASSES.into_iter().find(|it| it.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Ok => "ok",
            Standing::Over => "over",
            Standing::Expired => "expired",
            Standing::Full => "full",
        })
    }
}

impl Used {
    /// Nothing used, no limit known.
    pub(super) const NOTHING: Used = Used { used: 0.0, soft: 0.0, hard: 0.0, expired: false };

    /// Share of what may be used in the end.
    pub(super) fn share(&self) -> Option<f64> {
        let limit = if self.hard > 0.0 { self.hard } else { self.soft };
        (limit > 0.0).then(|| self.used / limit)
    }

    fn standing(&self, block: f64) -> Standing {
        let over = self.soft > 0.0 && self.used > self.soft;
        if self.hard > 0.0 && self.used > 0.0 && self.used + block > self.hard {
            Standing::Full
        } else if over && self.expired {
            Standing::Expired
        } else if over {
            Standing::Over
        } else {
            Standing::Ok
        }
    }
}

impl Subject {
    /// The worse of both resources.
    pub(super) fn standing(&self) -> Standing {
        self.space.standing(BLOCK_KIB).max(self.files.standing(1.0))
    }

    /// Whether anything is limited.
    pub(super) fn is_limited(&self) -> bool {
        self.space.share().is_some() || self.files.share().is_some()
    }

    /// The larger share of both resources; 0 without limits.
    pub(super) fn share(&self) -> f64 {
        self.space.share().unwrap_or(0.0).max(self.files.share().unwrap_or(0.0))
    }
}

/// Understands a line of either tool. `now`: seconds since 1970.
pub(super) fn read(line: &str, now: Option<f64>) -> Line<'_> {
    let text = line.trim();
    if let Some(heading) = heading(text) {
        return heading;
    }
    match subject(text, now) {
        Some(subject) => Line::Subject(subject),
        None if is_chatter(text) => Line::Chatter,
        None => Line::Strange(text),
    }
}

/// `*** Report for user quotas on device /dev/sdb`, `User quota on /home (/dev/sdb)`.
fn heading(text: &str) -> Option<Line<'_>> {
    if let Some(rest) = text.strip_prefix("*** Report for ") {
        let (class, device) = rest.split_once(" quotas on device ")?;
        return Some(Line::Report(Class::named(class)?, device));
    }
    let (class, rest) = text.split_once(" quota on ")?;
    let (_, device) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    Some(Line::Report(Class::named(class)?, device))
}

/// Headings of columns, rulers, times and statistics.
fn is_chatter(text: &str) -> bool {
    const BEGINS: [&str; 12] = [
        "*** Status for",
        "Block grace time:",
        "Block limits",
        "Space limits",
        "Accounting:",
        "Statistics:",
        "Total blocks:",
        "Data blocks:",
        "Entries:",
        "Used average:",
        "Version:",
        "Blocks",
    ];
    let columns = ["User", "Group", "Project"].iter().any(|it| text.starts_with(it))
        && (text.contains(" used ") || text.contains(" Used "));
    let ruler = text.trim_start_matches(['-', ' ']).is_empty();
    columns || ruler || BEGINS.iter().any(|it| text.starts_with(it))
}

fn subject(text: &str, now: Option<f64>) -> Option<Subject> {
    let (id, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (space, files) = match text.contains('[') {
        true => bracketed(rest)?,
        false => plain(rest, now)?,
    };
    let id = id.strip_prefix('#').unwrap_or(id).to_owned();
    Some(Subject { id, space, files, line: text.to_owned() })
}

/// `--  20  0  0  0  2  0  0  0`: flags, then used, soft, hard and perhaps grace of space and of files.
fn plain(rest: &str, now: Option<f64>) -> Option<(Used, Used)> {
    let mut words = rest.split_whitespace().peekable();
    let flags = words.next()?;
    if flags.len() != 2 || !flags.chars().all(|it| "+-".contains(it)) {
        return None;
    }
    let all: Vec<&str> = words.collect();
    let is_number = |it: &&str| it.bytes().all(|byte| byte.is_ascii_digit());
    let (first, second) = match all.len() {
        6 => all.split_at(3),
        8 => all.split_at(4),
        // One grace, in words: numbers are on all sides of it.
        7 if !is_number(&all[3]) => all.split_at(4),
        7 => all.split_at(3),
        _ => return None,
    };
    Some((used(first, now)?, used(second, now)?))
}

fn used(words: &[&str], now: Option<f64>) -> Option<Used> {
    let number = |at: usize| -> Option<f64> {
        let word: &&str = words.get(at)?;
        word.parse::<u64>().ok().map(to_f64)
    };
    let expired = match words.get(3) {
        None => false,
        Some(&"none") => true,
        // In words as long as it runs: `6days`, `12:30`.
        Some(word) => match word.parse::<u64>() {
            Ok(0) | Err(_) => false,
            Ok(end) => now.is_some_and(|now| to_f64(end) <= now),
        },
    };
    Some(Used { used: number(0)?, soft: number(1)?, hard: number(2)?, expired })
}

/// `1024  512  2048  00 [6 days]  3  0  0  00 [--------]`; one half where only that was asked for.
fn bracketed(rest: &str) -> Option<(Used, Used)> {
    let mut halves = rest.split_inclusive(']').filter(|it| !it.trim().is_empty()).map(half);
    let first = halves.next()??;
    let second = match halves.next() {
        Some(half) => half?,
        None => Used::NOTHING,
    };
    halves.next().is_none().then_some((first, second))
}

fn half(text: &str) -> Option<Used> {
    let (numbers, grace) = text.trim().strip_suffix(']')?.split_once('[')?;
    let words: Vec<&str> = numbers.split_whitespace().collect();
    let expired = matches!(grace.trim_end_matches(']').trim(), "0 days" | "-none-");
    // The fourth is the number of warnings.
    let counted = words.len() == 4 && words[3].parse::<u32>().is_ok();
    let all = words.get(..3).filter(|_| counted)?;
    Some(Used { expired, ..used(all, None)? })
}

#[expect(clippy::cast_precision_loss, reason = "above 2^53 KiB the last ones do not matter")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(line: &str) -> Standing {
        match read(line, Some(1000.0)) {
            Line::Subject(subject) => subject.standing(),
            other => panic!("{line:?} is {other:?}"),
        }
    }

    #[test]
    fn graces_are_told_in_numbers_and_in_words() {
        use Standing::{Expired, Full, Ok, Over};
        for (line, wanted) in [
            ("#1001 --  40 100 200 0  2 0 0 0", Ok),
            ("#1001 +-  140 100 200 1500  2 0 0 0", Over),
            ("#1001 +-  140 100 200 900  2 0 0 0", Expired),
            ("#1001 +-  140 100 200 none  2 0 0", Expired),
            ("#1001 +-  140 100 200 6days  2 0 0", Over),
            ("#1001 -+  40 100 200  9 5 20 12:30", Over),
            ("#1001 ++  140 100 200 6days  9 5 20 none", Expired),
            ("#1001 --  200 0 200 0  2 0 0 0", Full),
            ("#1001 --  197 0 200 0  2 0 0 0", Full),
            ("#1001 --  40 0 200 0  7 0 7 0", Full),
            ("#1001 --  40 0 200  7 0 0", Ok),
            ("#1001  140 100 200 00 [6 days]  2 0 0 00 [--------]", Over),
            ("#1001  140 100 200 00 [00:59:56]  2 0 0 00 [--------]", Over),
            ("#1001  140 100 200 00  [0 days]  2 0 0 00 [--------]", Expired),
            ("#0  0 0 0 00  [0 days]  3 0 0 00 [--------]", Ok),
            ("#1001  200 100 200 00 [0 days]", Full),
        ] {
            assert_eq!(standing(line), wanted, "{line}");
        }
    }

    #[test]
    fn what_is_no_subject_is_chatter_or_strange() {
        for line in [
            "Block grace time: 7days; Inode grace time: 7days",
            "                        Block limits                File limits",
            "User            used    soft    hard  grace    used  soft  hard  grace",
            "----------------------------------------------------------------------",
            "User ID      Used   Soft   Hard Warn/Grace  Used Soft Hard Warn/ Grace",
            "",
        ] {
            assert_eq!(read(line, None), Line::Chatter, "{line}");
        }
        for line in ["#1001 --  40 100", "#1001 40 100 200 x [--------]", "#1 -- 1 2 3 4 5 6 7 8 9"]
        {
            assert!(matches!(read(line, None), Line::Strange(_)), "{line}");
        }
        let device = "/dev/mapper/vg0-home";
        let line = format!("*** Report for project quotas on device {device}");
        assert_eq!(read(&line, None), Line::Report(Class::Project, device));
        assert_eq!(
            read("Group quota on /a (b) (/dev/sdc)", None),
            Line::Report(Class::Group, "/dev/sdc")
        );
    }
}
