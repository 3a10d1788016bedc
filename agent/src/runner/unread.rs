//! What a run asked for and did not get, so that no source can pass it over in silence.
//!
//! Most files of sysfs are optional: kernels and drivers leave them out, and answer some of them by an error that means
//! the same. What was *kept* from the agent is another matter: it may hold the only sign of a fault, and what is missing
//! because of it must not count as gone. A source that says so itself says it better; what it did not say is added here.
//!
//! Errors of sysfs: kernel Documentation/filesystems/sysfs.rst and errno(3).

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use xunjian_proto::{Outcome, Problem, Reason};

use super::chain;
use crate::host::{HostError, Output};

/// Most kinds of gaps that are kept: a source asks for some hundred kinds of files.
const KINDS_MAX: usize = 200;

/// Characters of an answer that is none: enough to know an error page by.
const SAID_MAX: usize = 80;

/// What drivers answer for an attribute that they do not offer, or whose device has just gone: ENOENT, ENXIO, EAGAIN,
/// ENODEV, ENOTDIR, EISDIR, EINVAL, ENOSYS, ENODATA, EOPNOTSUPP.
const NOT_OFFERED: [i32; 10] = [2, 6, 11, 19, 20, 21, 22, 38, 61, 95];

/// Gaps of one run.
#[derive(Debug, Default)]
pub(super) struct Unread {
    gaps: Mutex<BTreeMap<(String, Reason), Gap>>,
    count: AtomicUsize,
}

#[derive(Debug)]
struct Gap {
    /// A text that has all these words tells of it; none tells of a half line.
    told_by: Option<String>,
    text: String,
    more: u32,
    /// The so-many-th of the run.
    number: usize,
}

impl Unread {
    /// Notes a question that was not answered, unless the error says that there is nothing to be read.
    pub(super) fn note(&self, error: &HostError) {
        let (kind, told_by) = match error {
            HostError::Read { path, source } if is_kept(source) => (shape(path), path.clone()),
            HostError::TimedOut { command, .. } | HostError::Signal { command, .. } => {
                (shape(command), command.clone())
            }
            // Targets are told of by name, and what is not allowed is a mistake of the source, which it says.
            _ => return,
        };
        self.add(kind, error.reason(), Some(told_by), chain(error));
    }

    /// Notes that a program gave no answer.
    pub(super) fn program(&self, argv: &[&str], error: &HostError) {
        match error {
            HostError::Run { source, .. } if is_kept(source) => {
                let command = argv.join(" ");
                let text = format!("`{command}`: {}", chain(error));
                self.add(shape(&command), error.reason(), Some(command), text);
            }
            other => self.note(other),
        }
    }

    /// Notes what a program left out: the second half of its last line, which was dropped; what was beyond the bound;
    /// everything, where it complains of rights and says nothing else.
    pub(super) fn output(&self, argv: &[&str], output: &Output, half: bool) {
        let command = argv.join(" ");
        let (reason, text) = if output.truncated {
            (Reason::Truncated, format!("the output of `{command}` is longer than is taken"))
        } else if half {
            (Reason::Truncated, format!("the output of `{command}` ends in the middle of a line"))
        } else if output.status != 0 && output.stdout.trim().is_empty() && is_denied(&output.stderr)
        {
            let said = output.stderr.lines().next().unwrap_or_default().trim();
            (
                Reason::PermissionDenied,
                format!("`{command}` ended with status {}: {said}", output.status),
            )
        } else {
            return;
        };
        let told_by = if half { None } else { Some(command.clone()) };
        self.add(shape(&command), reason, told_by, text);
    }

    /// Notes an answer that is none.
    pub(super) fn misread(&self, what: &str, said: &str) {
        let start: String = said.trim().chars().take(SAID_MAX).collect();
        let text = format!("{what} not understood: {start:?}");
        self.add(
            shape(what.trim_start_matches('/')),
            Reason::Unparsable,
            Some(what.to_owned()),
            text,
        );
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn add(&self, kind: String, reason: Reason, told_by: Option<String>, text: String) {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        let full = gaps.len() >= KINDS_MAX;
        match gaps.get_mut(&(kind.clone(), reason)) {
            // The same file twice is one gap.
            Some(gap) if gap.text == text => {}
            Some(gap) => gap.more += 1,
            None if full => {}
            None => {
                gaps.insert((kind, reason), Gap { told_by, text, more: 0, number });
            }
        }
    }

    /// Forgets what was noted since the count was `before`.
    pub(super) fn made_up_for(&self, before: usize) {
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        gaps.retain(|_, gap| gap.number <= before);
        self.count.store(before, Ordering::Relaxed);
    }

    /// A problem for each kind of gap that neither the outcome nor a problem tells of.
    pub(super) fn untold(self, outcome: &Outcome, problems: &[Problem]) -> Vec<Problem> {
        let gaps = self.gaps.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failure = match outcome {
            Outcome::Failed(why) => why.as_str(),
            _ => "",
        };
        let texts: Vec<&str> =
            problems.iter().map(|it| it.text.as_str()).chain([failure]).collect();
        let is_told = |gap: &Gap| {
            let Some(words) = &gap.told_by else { return false };
            texts.iter().any(|text| words.split(' ').all(|word| text.contains(word)))
        };
        let untold = gaps.into_iter().filter(|(_, gap)| !is_told(gap));
        untold
            .map(|((_, reason), Gap { text, more, .. })| {
                let text = match more {
                    0 => text,
                    _ => format!("{text} (and {more} more of its kind)"),
                };
                Problem { reason, component: None, text }
            })
            .collect()
    }
}

/// Whether something is there and was kept from the agent.
fn is_kept(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound, Unsupported};
    match error.raw_os_error() {
        Some(errno) => !NOT_OFFERED.contains(&errno),
        None => !matches!(
            error.kind(),
            NotFound | InvalidInput | IsADirectory | NotADirectory | Unsupported
        ),
    }
}

/// Whether a program complains of rights; programs run with `LC_ALL=C`.
fn is_denied(stderr: &str) -> bool {
    let said = stderr.to_lowercase();
    ["permission denied", "not permitted", "must be root", "superuser"]
        .iter()
        .any(|it| said.contains(it))
}

/// Names that differ in numbers only are of one kind: `sys/block/dm-3/size`, `dm-14`; so are disks.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for it in text.chars() {
        let it = if it.is_ascii_digit() { '0' } else { it };
        if it != '0' || !shape.ends_with('0') {
            shape.push(it);
        }
    }
    match shape.strip_prefix("sys/block/sd").and_then(|it| it.split_once('/')) {
        Some((_, file)) => format!("sys/block/sd/{file}"),
        None => shape,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(path: &str) -> HostError {
        HostError::Read { path: path.to_owned(), source: io::Error::from_raw_os_error(13) }
    }

    #[test]
    fn a_gap_that_nobody_tells_of_is_told_once_a_kind() {
        let unread = Unread::default();
        for path in
            ["sys/block/sda/size", "sys/block/sda/size", "sys/block/sdb/size", "proc/mdstat"]
        {
            unread.note(&denied(path));
        }
        let told = Problem {
            reason: Reason::PermissionDenied,
            component: None,
            text: "cannot read /proc/mdstat".to_owned(),
        };
        let added = unread.untold(&Outcome::Collected, &[told]);
        let texts: Vec<&str> = added.iter().map(|it| it.text.as_str()).collect();
        let wanted = "cannot read /sys/block/sda/size: Permission denied (os error 13) (and 1 more of its kind)";
        assert_eq!(texts, [wanted]);
    }

    #[test]
    fn what_was_not_understood_is_a_gap_unless_its_source_tells_of_it() {
        let unread = Unread::default();
        unread.misread("/sys/class/a/b", "<html>\n");
        unread.misread("/sys/class/a/c", "xyzzy");
        let told = Problem {
            reason: Reason::Unparsable,
            component: None,
            text: "/sys/class/a/c: \"xyzzy\"".to_owned(),
        };
        assert_eq!(unread.count(), 2);
        let added = unread.untold(&Outcome::Collected, &[told]);
        let texts: Vec<&str> = added.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["/sys/class/a/b not understood: \"<html>\""]);
    }

    #[test]
    fn what_a_kernel_does_not_offer_is_no_gap() {
        let unread = Unread::default();
        for errno in NOT_OFFERED {
            let source = io::Error::from_raw_os_error(errno);
            unread.note(&HostError::Read { path: "sys/a".to_owned(), source });
        }
        assert_eq!(unread.untold(&Outcome::Collected, &[]), []);
    }
}
