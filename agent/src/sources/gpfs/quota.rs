//! Quotas of users and groups: of what may be a hundred thousand, those that are near a limit.
//!
//! Facts: mmrepquota(1). Space is in KiB; a limit of 0 is none. The grace column says `none`, the time that is left, or
//! `expired`. With quotas by fileset, a user has one row for each fileset.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Link, Reason, Relation};

use super::{
    ask::{Asker, Question},
    disks::fs_id,
    metrics,
    table::{Row, Table},
};
use crate::source::Collect;

const COLUMNS: &[&str] = &[
    "filesystemName",
    "quotaType",
    "id",
    "name",
    "blockUsage",
    "blockQuota",
    "blockLimit",
    "blockGrace",
    "filesUsage",
    "filesQuota",
    "filesLimit",
    "filesGrace",
    "filesetname",
];

/// Those that are told of, of each file system: the worst.
const TOLD_MAX: usize = 32;

/// Of those that have reached no limit, these are told of: above this share of it.
const NEAR: f64 = 0.8;

/// Runs for which one that is well again is told of: rules want two good readings, and some runs may fail.
const TOLD_AGAIN: u32 = 6;

/// How one stands to its limits; the later the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Ok,
    /// Over the soft limit, with time left.
    Over,
    /// Over the soft limit, and the time is up: it cannot write.
    Expired,
    /// At the hard limit: it cannot write.
    Full,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Standing::Ok => "ok",
            Standing::Over => "over",
            Standing::Expired => "expired",
            Standing::Full => "full",
        }
    }
}

/// Columns of a resource: usage, soft limit, hard limit, grace.
const RESOURCES: [(&str, [&str; 4]); 2] = [
    ("space", ["blockUsage", "blockQuota", "blockLimit", "blockGrace"]),
    ("files", ["filesUsage", "filesQuota", "filesLimit", "filesGrace"]),
];

/// How much of a resource is used of what may be in the end, and what follows; none without a limit.
fn resource(row: &Row<'_>, columns: [&str; 4]) -> Option<(f64, Standing)> {
    let [used, soft, hard] = [0, 1, 2].map(|at| row.number(&[columns[at]]).unwrap_or(0.0));
    let limit = if hard > 0.0 { hard } else { soft };
    if limit <= 0.0 {
        return None;
    }
    let expired = row.get(&[columns[3]]).is_some_and(|it| it.eq_ignore_ascii_case("expired"));
    let standing = match () {
        () if hard > 0.0 && used >= hard => Standing::Full,
        () if soft > 0.0 && used > soft && expired => Standing::Expired,
        () if soft > 0.0 && used > soft => Standing::Over,
        () => Standing::Ok,
    };
    Some((used / limit, standing))
}

/// The worst of both resources; none without a limit.
fn standing(row: &Row<'_>) -> Option<(Standing, f64)> {
    let all = RESOURCES.into_iter().filter_map(|(_, columns)| resource(row, columns));
    all.fold(None, |worst: Option<(Standing, f64)>, (share, standing)| {
        let (before, most) = worst.unwrap_or((Standing::Ok, 0.0));
        Some((before.max(standing), most.max(share)))
    })
}

fn class(row: &Row<'_>) -> Option<&'static str> {
    match row.get(&["quotaType"])? {
        "USR" => Some("user"),
        "GRP" => Some("group"),
        _ => None,
    }
}

/// `fs1/user/alice`, with quotas by fileset `fs1/user/alice@proj`.
fn key(fs: &str, row: &Row<'_>) -> Option<String> {
    let class = class(row)?;
    let name = row.get(&["name"]).or_else(|| row.get(&["id"]))?;
    let fs = row.get(&["filesystemName"]).unwrap_or(fs);
    let fileset = row.get(&["filesetname"]).map(|it| format!("@{it}")).unwrap_or_default();
    Some(format!("{fs}/{class}/{name}{fileset}"))
}

/// Leaves the rows that are told of, the worst first: what is kept between runs must be small.
fn narrow(fs: &str, table: &mut Table, known: &BTreeMap<String, u32>) {
    let worst = |row: &Row<'_>| standing(row).unwrap_or((Standing::Ok, 0.0));
    let mut order: Vec<(bool, Standing, f64, usize)> = Vec::new();
    for (at, row) in table.rows().enumerate() {
        let Some(key) = key(fs, &row) else { continue };
        let (standing, share) = worst(&row);
        let known = known.contains_key(&key);
        if known || standing != Standing::Ok || share >= NEAR {
            order.push((known, standing, share, at));
        }
    }
    order.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(b.2.total_cmp(&a.2)));
    let rows = std::mem::take(&mut table.rows);
    // One more than is told of says that there are more.
    table.rows = order.iter().take(TOLD_MAX + 1).map(|it| rows[it.3].clone()).collect();
}

/// Emits the users and groups of one file system that are near a limit or beyond it.
pub(super) fn emit(c: &mut Collect<'_>, asker: &mut Asker, fs: &str) {
    let known = asker.memory().quotas.clone();
    let argv = ["mmrepquota", "-u", "-g", "-Y", fs];
    let question = Question { argv: &argv, every: super::space::HOUR, columns: COLUMNS };
    let reduce = |tables: &mut Vec<Table>| {
        tables.iter_mut().for_each(|it| narrow(fs, it, &known));
    };
    let tables = asker.reduced(c, question, &reduce);
    let mut told = BTreeMap::new();
    let rows: Vec<Row<'_>> = tables.iter().flat_map(Table::rows).collect();
    for row in rows.iter().take(TOLD_MAX) {
        let Some(key) = key(fs, row) else { continue };
        let standing = standing(row).map_or(Standing::Ok, |it| it.0);
        let runs = match standing {
            Standing::Ok => known.get(&key).copied().unwrap_or(0).saturating_sub(1),
            _ => TOLD_AGAIN,
        };
        if runs > 0 {
            told.insert(key.clone(), runs);
        }
        one(c, fs, &key, row, standing);
    }
    if rows.len() > TOLD_MAX {
        let text =
            format!("{fs}: more users and groups near their quota than the {TOLD_MAX} told of");
        c.problem(Reason::Truncated, Some(&fs_id(fs)), text);
    }
    let memory = &mut asker.memory().quotas;
    memory.retain(|key, _| !key.starts_with(&format!("{fs}/")));
    memory.extend(told);
}

fn one(c: &mut Collect<'_>, fs: &str, key: &str, row: &Row<'_>, standing: Standing) {
    let id = ComponentId::new("gpfs_quota", key);
    let class = class(row).unwrap_or_default();
    let subject = key.rsplit('/').next().unwrap_or(key);
    let system = row.get(&["filesystemName"]).unwrap_or(fs);
    let mut attrs = BTreeMap::from([
        ("gpfs.fs.name".to_owned(), system.to_owned()),
        ("quota.class".to_owned(), class.to_owned()),
    ]);
    if let Some(number) = row.get(&["id"]) {
        attrs.insert("quota.subject".to_owned(), number.to_owned());
    }
    let name = format!("{system} {class} {subject}");
    let links = vec![Link { relation: Relation::On, to: fs_id(system) }];
    c.component(Component { id: id.clone(), name, attrs, links, set: None });
    c.state(&metrics::QUOTA_STANDING, &id, standing.word());
    for (resource_name, columns) in RESOURCES {
        if let Some((share, _)) = resource(row, columns) {
            let attr = [("quota.resource", resource_name)];
            c.sample_with(&metrics::SUBJECT_SHARE, &id, &attr, share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::table, *};

    const HEADER: &str = "mmrepquota::HEADER:version:reserved:reserved:filesystemName:quotaType:id:name:blockUsage:\
                          blockQuota:blockLimit:blockInDoubt:blockGrace:filesUsage:filesQuota:filesLimit:filesInDoubt:\
                          filesGrace:remarks:quota:defQuota:fid:filesetname:";

    fn read(rows: &[&str], known: &[&str]) -> Vec<(String, Standing)> {
        let text = format!("*** Report for USR GRP quotas on fs1\n{HEADER}\n{}\n", rows.join("\n"));
        let (mut tables, strange) = table::parse(&text);
        assert!(strange.is_empty(), "{strange:?}");
        let known = known.iter().map(|it| ((*it).to_owned(), 3)).collect();
        narrow("fs1", &mut tables[0], &known);
        let told = |row: Row<'_>| (key("fs1", &row).unwrap(), standing(&row).unwrap().0);
        tables[0].rows().map(told).collect()
    }

    #[test]
    fn those_near_a_limit_are_told_and_the_worst_first() {
        let told = read(
            &[
                "mmrepquota::0:1:::fs1:USR:0:root:999999:0:0:0:none:5:0:0:0:none:i:on:off:0:root:",
                "mmrepquota::0:1:::fs1:USR:1001:alice:100:90:100:0:expired:5:0:0:0:none:e:on:off:1:proj:",
                "mmrepquota::0:1:::fs1:USR:1002:bob:95:90:100:0:6 days:5:0:0:0:none:e:on:off:1:proj:",
                "mmrepquota::0:1:::fs1:USR:1003:carol:10:90:100:0:none:5:0:0:0:none:e:on:off:1:proj:",
                "mmrepquota::0:1:::fs1:GRP:500:lab:95:90:0:0:expired:5:0:0:0:none:e:on:off:::",
                "mmrepquota::0:1:::fs1:GRP:501:web:10:0:0:0:none:85:0:100:0:none:e:on:off:::",
                "mmrepquota::0:1:::fs1:FILESET:1:proj:100:90:100:0:none:5:0:0:0:none:e:on:off:::",
            ],
            &[],
        );
        let expected = [
            ("fs1/user/alice@proj", Standing::Full),
            ("fs1/group/lab", Standing::Expired),
            ("fs1/user/bob@proj", Standing::Over),
            ("fs1/group/web", Standing::Ok),
        ];
        assert_eq!(told, expected.map(|(key, standing)| (key.to_owned(), standing)));
    }

    #[test]
    fn one_that_is_well_again_is_told_of_and_many_are_cut() {
        let carol =
            "mmrepquota::0:1:::fs1:USR:1003:carol:10:90:100:0:none:5:0:0:0:none:e:on:off:::";
        assert_eq!(read(&[carol], &[]), []);
        assert_eq!(read(&[carol], &["fs1/user/carol"]).len(), 1);
        let row = |id: usize| {
            format!(
                "mmrepquota::0:1:::fs1:USR:{id}:u{id}:100:90:100:0:none:5:0:0:0:none:e:on:off:::"
            )
        };
        let rows: Vec<String> = (0..1000).map(row).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(read(&rows, &[]).len(), TOLD_MAX + 1);
    }
}
