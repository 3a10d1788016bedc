//! Saved reports, as `repquota -a` and `xfs_quota -x -c report` print them.

use xunjian_proto::Time;

use super::report::{Line, read};
use crate::{
    host::{Given, Vitals},
    saved::{File, SavedHost},
};

/// What can be given.
pub(super) const WHAT: &[&str] = &[
    "output of `repquota -a -p` with any of -u, -g, -P, -n, -v",
    "output of `xfs_quota -x -c 'report -u -g -p -b -i' MOUNT`",
];

/// The host that gives these reports, one after the other.
pub(super) fn host(files: &[File], made: Time) -> Result<SavedHost, String> {
    let mut all = String::new();
    for file in files {
        let is_report = |line| matches!(read(line, None), Line::Report(..));
        if !file.content.lines().any(is_report) {
            return Err(format!("{}: want {}", file.name, WHAT.join(", or ")));
        }
        all.push_str(file.content.trim_end());
        all.push('\n');
    }
    let mut host = Given::default();
    host.file("proc/self/mountinfo", "");
    host.answer(&["repquota"], 0, all);
    // Graces are told by the end of their time.
    host.vitals = Some(Vitals { boot_secs: made.secs() - 1, uptime_secs: 1, ..Vitals::default() });
    Ok(SavedHost { host, at: None })
}
