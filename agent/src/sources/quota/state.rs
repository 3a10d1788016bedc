//! Whether limits hold, and whether they should.
//!
//! Facts: quotaon.c (`user quota on /home (/dev/sdb1) is on`, newer ones `is on (enforced)` or `(accounting)`), `mount(8)`,
//! `xfs(5)` and the kernel's `xfs_super.c` for what XFS shows of itself.

use std::collections::BTreeMap;

use super::report::Class;
use crate::mounts::Mount;

/// Whether limits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// They do.
    On,
    /// Use is counted, and that is all.
    Accounting,
    /// Nothing is counted.
    Off,
}

/// What `quotaon` said, by mount point.
pub(super) type Known = BTreeMap<(String, Class), State>;

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            State::On => "on",
            State::Accounting => "accounting",
            State::Off => "off",
        }
    }
}

/// Options that ask for quotas of this class: of ext4 and others, of XFS, and those that only count.
fn options(class: Class) -> (&'static [&'static str], &'static [&'static str]) {
    match class {
        Class::User => (&["quota", "uquota", "usrquota"], &["qnoenforce", "uqnoenforce"]),
        Class::Group => (&["gquota", "grpquota"], &["gqnoenforce"]),
        Class::Project => (&["pquota", "prjquota"], &["pqnoenforce"]),
    }
}

/// Whether these mount options want limits of this class to hold.
pub(super) fn is_wanted(all: &str, class: Class) -> bool {
    let named = match class {
        Class::User => "usrjquota=",
        Class::Group => "grpjquota=",
        Class::Project => "prjjquota=",
    };
    all.split(',').any(|it| {
        options(class).0.contains(&it) || it.strip_prefix(named).is_some_and(|it| !it.is_empty())
    })
}

/// What a mounted XFS says of itself. It shows `usrquota` for limits that hold, `uqnoenforce` for those that do not.
pub(super) fn of_xfs(mount: &Mount, class: Class) -> State {
    let has = |names: &[&str]| mount.super_options.split(',').any(|it| names.contains(&it));
    let (hold, count) = options(class);
    if has(count) {
        State::Accounting
    } else if has(hold) {
        State::On
    } else {
        State::Off
    }
}

/// Takes in what `quotaon -p` printed: `group quota on /home (/dev/sdb1) is off`.
pub(super) fn read(text: &str) -> Known {
    let one = |line: &str| {
        let (class, rest) = line.trim().split_once(" quota on ")?;
        let (place, state) = rest.rsplit_once(") is ")?;
        let (place, _) = place.rsplit_once(" (")?;
        let class = match class {
            "user" => Class::User,
            "group" => Class::Group,
            "project" => Class::Project,
            _ => return None,
        };
        let state = match state {
            "on" | "on (enforced)" => State::On,
            "on (accounting)" => State::Accounting,
            "off" => State::Off,
            _ => return None,
        };
        Some(((place.to_owned(), class), state))
    };
    text.lines().filter_map(one).collect()
}
