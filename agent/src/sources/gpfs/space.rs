//! Space: file systems, pools, disks, filesets, quotas.
//!
//! Facts: mmdf, mmlspool, mmlsfileset, mmrepquota. A full metadata pool stops a file system that df shows as half empty,
//! so pools are read apart. `mmdf` reads allocation maps of the file system manager: once an hour.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use super::{
    ask::{Asker, Question},
    disks::{UNNAMED, fs_id, nsd_id},
    metrics,
    table::{Row, Table},
};
use crate::source::{Collect, Metric};

const TEN_MINUTES: Duration = Duration::from_secs(600);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

const DF_COLUMNS: &[&str] = &[
    "nsdName",
    "diskSize",
    "freeBlocks",
    "freeBlocksPct",
    "poolName",
    "poolSize",
    "totalData",
    "totalMetadata",
    "fsSize",
    "usedInodes",
    "freeInodes",
    "allocatedInodes",
    "maxInodes",
];
const FILESET_COLUMNS: &[&str] = &[
    "filesystemName",
    "filesetName",
    "status",
    "path",
    "maxInodes",
    "allocInodes",
    "freeInodes",
    "isInodeSpaceOwner",
];
const QUOTA_COLUMNS: &[&str] = &[
    "filesystemName",
    "quotaType",
    "name",
    "blockUsage",
    "blockLimit",
    "filesUsage",
    "filesLimit",
];

/// Filesets of one file system at most.
const FILESETS_MAX: usize = 1000;

const KIB: f64 = 1024.0;

/// Emits the space of one file system.
pub(super) fn emit(c: &mut Collect<'_>, asker: &mut Asker, fs: &str) {
    let pools =
        asker.text(c, Question { argv: &["mmlspool", fs], every: TEN_MINUTES, columns: &[] });
    if !pools.is_empty() && !pools.contains("torage pools in file system") {
        c.host.misread(&format!("`mmlspool {fs}`"), &pools);
    }
    // `Storage pools in file system at '/gpfs/scratch':`
    let mounted = pools.lines().next().and_then(|it| it.split('\'').nth(1)?.rsplit('/').next());
    let of = mounted.filter(|it| fs == UNNAMED && !it.is_empty()).unwrap_or(fs);
    pools_of(c, of, &pools);
    let df =
        asker.tables(c, Question { argv: &["mmdf", fs, "-Y"], every: HOUR, columns: DF_COLUMNS });
    whole(c, fs, &df, pools.is_empty());
    let filesets = asker.tables(
        c,
        Question { argv: &["mmlsfileset", fs, "-Y"], every: HOUR, columns: FILESET_COLUMNS },
    );
    let quotas = asker.tables(
        c,
        Question { argv: &["mmrepquota", "-j", "-Y", fs], every: HOUR, columns: QUOTA_COLUMNS },
    );
    filesets_of(c, fs, &filesets, &quotas);
}

fn number(c: &mut Collect<'_>, id: &ComponentId, row: &Row<'_>, column: &str) -> Option<f64> {
    match row.sure(&[column]) {
        Ok(value) => value.filter(|it| *it >= 0.0),
        Err(why) => {
            c.problem(Reason::Unparsable, Some(id), why);
            None
        }
    }
}

fn share(
    c: &mut Collect<'_>,
    id: &ComponentId,
    metric: &Metric,
    attrs: &[(&str, &str)],
    (total, free): (f64, f64),
) {
    if free > total {
        let text = format!("{}: {free} free of {total}", metric.name);
        c.problem(Reason::Implausible, Some(id), text);
    } else if total > 0.0 {
        c.sample_with(metric, id, attrs, (total - free) / total);
    }
}

/// The tables of mmdf.
fn whole(c: &mut Collect<'_>, fs: &str, tables: &[Table], pools_too: bool) {
    let id = fs_id(fs);
    for table in tables {
        for row in table.rows() {
            match table.section.as_str() {
                "fsTotal" => {
                    let size = number(c, &id, &row, "fsSize");
                    let free = number(c, &id, &row, "freeBlocks");
                    if let Some(size) = size {
                        c.sample(&metrics::FS_LIMIT, &id, size * KIB);
                    }
                    if let Some(free) = free {
                        c.sample(&metrics::FS_FREE, &id, free * KIB);
                    }
                    if let (Some(size), Some(free)) = (size, free) {
                        share(c, &id, &metrics::FS_SHARE, &[], (size, free));
                    }
                }
                "inode" => {
                    let used = number(c, &id, &row, "usedInodes");
                    let most = number(c, &id, &row, "maxInodes");
                    if let Some(used) = used {
                        c.sample(&metrics::INODES, &id, used);
                    }
                    if let Some(most) = most {
                        c.sample(&metrics::INODES_LIMIT, &id, most);
                    }
                    if let (Some(used), Some(most)) = (used, most.filter(|it| *it > 0.0)) {
                        c.sample(&metrics::INODES_SHARE, &id, used / most);
                    }
                }
                "nsd" => {
                    let Some(name) = row.get(&["nsdName"]) else { continue };
                    let nsd = nsd_id(name);
                    let size = number(c, &nsd, &row, "diskSize");
                    if let (Some(size), Some(free)) = (size, number(c, &nsd, &row, "freeBlocks")) {
                        share(c, &nsd, &metrics::NSD_SHARE, &[], (size, free));
                    }
                }
                "poolTotal" if pools_too => {
                    let Some(name) = row.get(&["poolName"]) else { continue };
                    let pool = pool(c, fs, name);
                    let size = number(c, &pool, &row, "poolSize");
                    if let (Some(size), Some(free)) = (size, number(c, &pool, &row, "freeBlocks")) {
                        pool_space(c, &pool, "all", (size, free));
                    }
                }
                _ => {}
            }
        }
    }
}

fn pool(c: &mut Collect<'_>, fs: &str, name: &str) -> ComponentId {
    let id = ComponentId::new("gpfs_pool", &format!("{fs}/{name}"));
    c.component(Component {
        id: id.clone(),
        name: format!("{fs} {name}"),
        attrs: BTreeMap::from([("gpfs.fs.name".to_owned(), fs.to_owned())]),
        links: vec![Link { relation: Relation::Via, to: fs_id(fs) }],
        set: None,
    });
    id
}

fn pool_space(c: &mut Collect<'_>, id: &ComponentId, content: &str, (total, free): (f64, f64)) {
    let attrs = [("gpfs.pool.content", content)];
    c.sample_with(&metrics::POOL_LIMIT, id, &attrs, total * KIB);
    if free <= total {
        c.sample_with(&metrics::POOL_USAGE, id, &attrs, (total - free) * KIB);
    }
    share(c, id, &metrics::POOL_SHARE, &attrs, (total, free));
}

/// `system  0  8 MB  yes  yes  783308292096  143079555072 ( 18%)  783308292096  205366984704 ( 26%)`.
fn pools_of(c: &mut Collect<'_>, fs: &str, text: &str) {
    let mut lines = text.lines().skip_while(|it| !it.trim_start().starts_with("Name")).skip(1);
    let lines = lines.by_ref().filter(|it| !it.trim().is_empty());
    for line in lines {
        // The percentages say what the numbers say.
        let plain: String =
            line.split('(').map(|it| it.split_once(')').map_or(it, |it| it.1)).collect();
        let words: Vec<&str> = plain.split_whitespace().collect();
        let Some(name) = words.first() else { continue };
        let id = pool(c, fs, name);
        let [_, _, _, _, data, metadata, rest @ ..] = &words[..] else {
            c.problem(
                Reason::Unparsable,
                Some(&id),
                format!("pool {name}: too few columns in mmlspool"),
            );
            continue;
        };
        let number = |it: &&str| it.parse().ok().filter(|it: &f64| it.is_finite());
        let numbers: Vec<Option<f64>> = rest.iter().take(4).map(number).collect();
        for (content, holds, at) in [("data", data, 0), ("metadata", metadata, 2)] {
            match (
                *holds,
                numbers.get(at).copied().flatten(),
                numbers.get(at + 1).copied().flatten(),
            ) {
                ("yes", Some(total), Some(free)) => pool_space(c, &id, content, (total, free)),
                ("yes", _, _) => {
                    let text = format!("pool {name}: space for {content} not understood");
                    c.problem(Reason::Unparsable, Some(&id), text);
                }
                ("no", _, _) => {}
                (other, _, _) => {
                    let text = format!(
                        "pool {name}: whether it holds {content} not understood: {other:?}"
                    );
                    c.problem(Reason::Unparsable, Some(&id), text);
                }
            }
        }
    }
}

fn fileset_id(fs: &str, name: &str) -> ComponentId {
    ComponentId::new("gpfs_fileset", &format!("{fs}/{name}"))
}

fn filesets_of(c: &mut Collect<'_>, fs: &str, filesets: &[Table], quotas: &[Table]) {
    let mut seen = Vec::new();
    let rows: Vec<Row<'_>> =
        filesets.iter().filter(|it| it.has(&["filesetName"])).flat_map(Table::rows).collect();
    if rows.len() > FILESETS_MAX {
        let text = format!("{fs}: {} filesets, {FILESETS_MAX} read", rows.len());
        c.problem(Reason::Truncated, Some(&fs_id(fs)), text);
    }
    for row in rows.iter().take(FILESETS_MAX) {
        let Some(name) = row.get(&["filesetName"]) else { continue };
        let system = row.get(&["filesystemName"]).unwrap_or(fs);
        let id = fileset_id(system, name);
        if !seen.contains(&id) {
            fileset(c, system, name, row, &id);
            seen.push(id);
        }
    }
    let rows = quotas.iter().filter(|it| it.has(&["blockLimit"])).flat_map(Table::rows);
    let of_filesets = rows.filter(|it| it.get(&["quotaType"]) == Some("FILESET"));
    for row in of_filesets.take(FILESETS_MAX) {
        let Some(name) = row.get(&["name"]) else { continue };
        let system = row.get(&["filesystemName"]).unwrap_or(fs);
        let id = fileset_id(system, name);
        if !seen.contains(&id) {
            component(c, system, name, &id, BTreeMap::new());
            seen.push(id.clone());
        }
        quota(c, &row, &id);
    }
}

fn component(
    c: &mut Collect<'_>,
    fs: &str,
    name: &str,
    id: &ComponentId,
    mut attrs: BTreeMap<String, String>,
) {
    attrs.insert("gpfs.fs.name".to_owned(), fs.to_owned());
    let links = vec![Link { relation: Relation::Via, to: fs_id(fs) }];
    c.component(Component {
        id: id.clone(),
        name: format!("{fs} {name}"),
        attrs,
        links,
        set: None,
    });
}

fn fileset(c: &mut Collect<'_>, fs: &str, name: &str, row: &Row<'_>, id: &ComponentId) {
    let path = row.get(&["path"]).filter(|it| it.starts_with('/'));
    let attrs = path.map(|it| ("gpfs.fileset.path".to_owned(), it.to_owned()));
    component(c, fs, name, id, attrs.into_iter().collect());
    if let Some(word) = row.get(&["status"]) {
        c.state(&metrics::FILESET, id, word);
    }
    // A dependent fileset shares the inodes of the one above it.
    if row.get(&["isInodeSpaceOwner"]) == Some("0") {
        return;
    }
    let most = number(c, id, row, "maxInodes").filter(|it| *it > 0.0);
    let allocated = number(c, id, row, "allocInodes");
    let free = number(c, id, row, "freeInodes");
    if let Some(most) = most {
        c.sample(&metrics::FILESET_INODES_LIMIT, id, most);
    }
    if let (Some(allocated), Some(free)) = (allocated, free)
        && free <= allocated
    {
        c.sample(&metrics::FILESET_INODES, id, allocated - free);
        if let Some(most) = most {
            c.sample(&metrics::FILESET_INODES_SHARE, id, (allocated - free) / most);
        }
    }
}

fn quota(c: &mut Collect<'_>, row: &Row<'_>, id: &ComponentId) {
    let usage = number(c, id, row, "blockUsage");
    let limit = number(c, id, row, "blockLimit").filter(|it| *it > 0.0);
    if let Some(usage) = usage {
        c.sample(&metrics::QUOTA_USAGE, id, usage * KIB);
    }
    if let Some(limit) = limit {
        c.sample(&metrics::QUOTA_LIMIT, id, limit * KIB);
        if let Some(usage) = usage {
            c.sample(&metrics::QUOTA_SHARE, id, usage / limit);
        }
    }
    let files = number(c, id, row, "filesUsage");
    let limit = number(c, id, row, "filesLimit").filter(|it| *it > 0.0);
    if let (Some(files), Some(limit)) = (files, limit) {
        c.sample(&metrics::QUOTA_FILES_SHARE, id, files / limit);
    }
}

/// Counters of `mmpmon` (`fs_io_s`): `_fs_io_s_ _n_ 10.0.0.1 … _fs_ scratch _br_ 205607400434 …`.
pub(super) fn io(c: &mut Collect<'_>, text: &str) {
    for line in text.lines().filter(|it| it.starts_with("_fs_io_s_")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let field = |name: &str| {
            words.iter().position(|it| *it == name).and_then(|at| words.get(at + 1)).copied()
        };
        let Some(fs) = field("_fs_") else {
            c.problem(Reason::Unparsable, None, "mmpmon: a line without a file system");
            continue;
        };
        let id = fs_id(fs);
        let attrs = BTreeMap::new();
        c.component(Component {
            id: id.clone(),
            name: fs.to_owned(),
            attrs,
            links: Vec::new(),
            set: None,
        });
        let count = |name: &str| field(name).and_then(|it| it.parse::<f64>().ok());
        for (name, direction) in [("_br_", "read"), ("_bw_", "write")] {
            if let Some(bytes) = count(name) {
                c.sample_with(&metrics::IO, &id, &[("disk.io.direction", direction)], bytes);
            }
        }
        for (name, operation) in [
            ("_cc_", "close"),
            ("_iu_", "inode_update"),
            ("_oc_", "open"),
            ("_rdc_", "read"),
            ("_dir_", "readdir"),
            ("_wc_", "write"),
        ] {
            if let Some(count) = count(name) {
                c.sample_with(&metrics::OPERATIONS, &id, &[("gpfs.operation", operation)], count);
            }
        }
    }
}
