//! Saved outputs of Ceph: any of the questions that are asked, and the answers of its dashboard.

use serde_json::Value;
use xunjian_proto::Time;

use super::{cluster::Cluster, plain};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// What can be given.
pub(super) const WHAT: &[&str] = &[
    "output of `ceph status`, `health detail`, `osd dump`, `osd tree`, `osd df tree`, `osd crush rule dump`, `pg stat`, \
     `pg dump pgs_brief`, `df`, `device ls`, `quorum_status`, `mon_status`, `time-sync-status` or `crash ls` with \
     `--format json`, one file each",
    "text of `ceph status` or `ceph health detail`",
    "answers of the dashboard's API (`/api/health/minimal`, `/api/osd`, `/api/pool`, `/api/monitor`)",
];

/// All answers are put into one: what each of them is, is told from its content.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut all = serde_json::Map::new();
    for file in files {
        let wanted = || format!("{}: want {}", file.name, WHAT.join(", or "));
        let value: Value = match (serde_json::from_str(&file.content), plain::read(&file.content)) {
            (Ok(value), _) | (Err(_), Some(value)) => value,
            (Err(error), None) => return Err(format!("{}: {error}", wanted())),
        };
        let known = Cluster::default().absorb(&value);
        if !known {
            return Err(wanted());
        }
        all.insert(file.name.clone(), value);
    }
    let answer = match all.len() {
        1 => all.into_iter().next().map_or(Value::Null, |it| it.1),
        _ => Value::Object(all),
    };
    let mut host = Given::default();
    host.file("etc/ceph/ceph.conf", "");
    // Whoever made the files was the reader.
    host.file("run/ceph/ceph-mon.saved.asok", "");
    host.answer(&["ceph", "--admin-daemon"], 0, r#"{"name": "saved", "state": "leader"}"#);
    host.answer(&["ceph", "status"], 0, answer.to_string());
    Ok(SavedHost { host, at: None })
}
