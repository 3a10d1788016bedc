//! Saved lists of both command lines.

use xunjian_proto::Time;

use super::{system::System, table};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// What can be given.
pub(super) const WHAT: &[&str] = &[
    "output of `beegfs-ctl --listtargets` (with `--state`, `--spaceinfo`, `--pools`), `--listmirrorgroups`, `beegfs-df`, or \
     of `beegfs target list` and `beegfs mirror list` as table or JSON, one file each",
];

/// The lists of one file system.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    host.file("etc/beegfs/beegfs-mgmtd.conf", "storeMgmtdDirectory = /saved\n");
    host.file("saved/format.conf", "");
    for file in files {
        let read = table::read(&file.content);
        if System::default().absorb(&read, "storage") == 0 {
            return Err(format!("{}: want {}", file.name, WHAT.join(", or ")));
        }
        let groups = file.content.to_lowercase().contains("primary");
        let meta = !groups && file.content.contains("beegfs-meta")
            || file.content.contains("PrimaryNodeID");
        let kind = if meta { "--nodetype=meta" } else { "--nodetype=storage" };
        let list = if groups { "--listmirrorgroups" } else { "--listtargets" };
        host.answer(&["beegfs-ctl", list, kind], 0, &*file.content);
    }
    Ok(SavedHost { host, at: None })
}
