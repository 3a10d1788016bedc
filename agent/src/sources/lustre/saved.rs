//! Saved outputs of Lustre's tools, told apart by their content.

use xunjian_proto::Time;

use super::{MODULE, params};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// What people call them.
pub(super) const WHAT: &[&str] = &[
    "output of `lctl get_param …`, one file or several",
    "output of `lnetctl net show -v 3`, `lnetctl peer show -v 3`, `lnetctl stats show` or `lnetctl export`",
    "/proc/sys/lnet/stats, nis or peers",
];

/// A host that answers with these files.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    // Whatever was saved, Lustre was there.
    host.file(&format!("{MODULE}/refcnt"), "");
    let mut parameters = String::new();
    for file in files {
        let text = file.content.as_str();
        let first = text.lines().map(str::trim_end).find(|it| !it.is_empty() && *it != "---");
        match first.unwrap_or_default() {
            "net:" => host.answer(&["lnetctl", "net"], 0, text),
            "peer:" => host.answer(&["lnetctl", "peer"], 0, text),
            "statistics:" => host.answer(&["lnetctl", "stats"], 0, text),
            line if line.starts_with("nid") && line.contains("status") => {
                host.file("proc/sys/lnet/nis", text);
            }
            line if line.starts_with("nid") && line.contains("refs") => {
                host.file("proc/sys/lnet/peers", text);
            }
            line if is_stats(line) => host.file("proc/sys/lnet/stats", text),
            _ if text.lines().any(params::is_parameter) => {
                parameters.push_str(text);
                parameters.push('\n');
            }
            _ => return Err(format!("{}: want {}", file.name, WHAT.join(", or "))),
        }
    }
    if !parameters.is_empty() {
        host.answer(&["lctl", "get_param"], 0, parameters);
    }
    Ok(SavedHost { host, at: None })
}

/// Eleven numbers in a row.
fn is_stats(line: &str) -> bool {
    line.split_whitespace().count() == 11
        && line.bytes().all(|it| it.is_ascii_digit() || it == b' ')
}
