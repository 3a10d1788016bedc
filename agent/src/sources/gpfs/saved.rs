//! Saved outputs of the `mm…` commands, told apart by their content.

use xunjian_proto::Time;

use super::{BIN, table};
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// What people call them.
pub(super) const WHAT: &[&str] = &[
    "output of `mmgetstate`, `mmlscluster`, `mmhealth node show`, `mmhealth cluster show`, `mmdiag --waiters`, `mmlsfs \
     all_local`, `mmlsdisk FS`, `mmdf FS`, `mmlsfileset FS`, `mmrepquota FS`, `mmlsquota`, `mmlspdisk all` or `mmlsrecoverygroup RG \
     -L`, with -Y",
    "output of `mmlspool FS` or of `mmpmon -p` with fs_io_s",
    "/proc/self/mountinfo",
];

/// A host that answers with these files.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    // Whatever was saved, GPFS was there.
    host.file(&format!("{BIN}/mmgetstate"), "");
    let mut pools = String::new();
    for file in files {
        let text = file.content.as_str();
        if text.trim_start().starts_with("Storage pools in file system at ") {
            pools.push_str(text);
            host.answer(&["mmlspool"], 0, text);
        } else if text.trim_start().starts_with("_fs_io_s_") {
            host.file(super::SAVED_IO, text);
        } else if text.lines().any(|it| it.contains(" - gpfs ")) {
            host.file("proc/self/mountinfo", text);
        } else {
            table_file(&mut host, text)
                .ok_or_else(|| format!("{}: want {}", file.name, WHAT.join(", or ")))?;
        }
    }
    Ok(SavedHost { host, at: None })
}

fn table_file(host: &mut Given, text: &str) -> Option<()> {
    let (tables, _) = table::parse(text);
    let first = tables.first()?;
    let command = tables
        .iter()
        .flat_map(|it| command_of(text, &it.command))
        .next()
        .unwrap_or(first.command.clone());
    let has = |section: &str| tables.iter().any(|it| it.section == section);
    match command.as_str() {
        "mmgetstate" => {
            host.answer(&["mmgetstate", "-N"], 0, text);
            host.answer(&["mmgetstate"], 0, text);
        }
        "mmhealth" if has("Summary") => host.answer(&["mmhealth", "cluster"], 0, text),
        "mmhealth" => host.answer(&["mmhealth", "node"], 0, text),
        // What one user sees of the same.
        "mmlsquota" => host.answer(&["mmrepquota"], 0, text),
        "mmlsrecoverygroup" => host.answer(&["mmlsrecoverygroup"], 0, text),
        name if super::PROGRAMS.iter().any(|it| it.name == name) => host.answer(&[name], 0, text),
        _ => return None,
    }
    Some(())
}

/// Some versions write another command in the header than in the rows: the rows' name is the program's.
fn command_of(text: &str, header: &str) -> Option<String> {
    let names = text.lines().filter_map(|it| it.trim().split_once(':')).map(|it| it.0);
    let mut programs = names.filter(|it| super::PROGRAMS.iter().any(|program| program.name == *it));
    programs
        .next()
        .map(str::to_owned)
        .or_else(|| super::PROGRAMS.iter().any(|it| it.name == header).then(|| header.to_owned()))
}
