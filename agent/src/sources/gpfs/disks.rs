//! File systems, their disks (NSDs), failure groups and replicas.
//!
//! Facts: mmlsfs, mmlsdisk, IBM's description of replication: every block has its copies in different failure groups, so
//! a file system with two replicas survives the loss of one failure group, whichever disks of it are lost; one without
//! replicas loses the files on any disk that is down.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use super::{
    ask::{Asker, Question},
    metrics,
    table::{Row, Table},
};
use crate::source::Collect;

const TEN_MINUTES: Duration = Duration::from_secs(600);
const FS_COLUMNS: &[&str] = &["deviceName", "fieldName", "data"];
const DISK_COLUMNS: &[&str] = &[
    "nsdName",
    "failureGroup",
    "metadata",
    "data",
    "status",
    "availability",
    "storagePool",
    "diskUID",
    "remarks",
    "diskSizeKB",
];

/// File systems of a cluster at most (IBM allows 256).
const FILE_SYSTEMS_MAX: usize = 256;

/// Disks of one file system at most (IBM allows 2,048).
const DISKS_MAX: usize = 4096;

/// What mmlsdisk says of a disk's part in the file system.
const STATUSES: [&str; 9] = [
    "ready",
    "suspended",
    "to be emptied",
    "being emptied",
    "emptied",
    "replacing",
    "replacement",
    "allocmap delp",
    "allocmap delc",
];

/// Name of a file system that is not known.
pub(super) const UNNAMED: &str = "unnamed";

/// A file system.
#[derive(Debug, Default)]
pub(super) struct FileSystem {
    pub(super) name: String,
    /// Attributes that mmlsfs prints: `defaultDataReplicas`, `defaultMountPoint`.
    fields: BTreeMap<String, String>,
}

impl FileSystem {
    /// The one of saved outputs that do not name it.
    pub(super) fn unnamed() -> FileSystem {
        FileSystem { name: UNNAMED.to_owned(), fields: BTreeMap::new() }
    }

    /// Its component.
    pub(super) fn id(&self) -> ComponentId {
        fs_id(&self.name)
    }

    fn replicas(&self, names: [&str; 2]) -> Option<u32> {
        names
            .iter()
            .find_map(|it| self.fields.get(*it)?.parse().ok())
            .filter(|it| (1..=3).contains(it))
    }
}

/// The component of a file system.
pub(super) fn fs_id(name: &str) -> ComponentId {
    ComponentId::new("gpfs_fs", name)
}

/// The component of a disk.
pub(super) fn nsd_id(name: &str) -> ComponentId {
    ComponentId::new("gpfs_nsd", name)
}

/// The file systems of this cluster.
pub(super) fn file_systems(c: &mut Collect<'_>, asker: &mut Asker) -> Vec<FileSystem> {
    let argv = &["mmlsfs", "all_local", "-Y"];
    let tables = asker.tables(c, Question { argv, every: TEN_MINUTES, columns: FS_COLUMNS });
    let mut all: BTreeMap<String, FileSystem> = BTreeMap::new();
    for row in tables.iter().flat_map(Table::rows) {
        let (Some(name), Some(field), Some(data)) =
            (row.get(&["deviceName"]), row.get(&["fieldName"]), row.get(&["data"]))
        else {
            continue;
        };
        if all.len() >= FILE_SYSTEMS_MAX && !all.contains_key(name) {
            c.problem(
                Reason::Truncated,
                None,
                format!("more than {FILE_SYSTEMS_MAX} file systems"),
            );
            break;
        }
        let fs = all.entry(name.to_owned()).or_default();
        fs.name = name.to_owned();
        fs.fields.insert(field.to_owned(), data.to_owned());
    }
    all.into_values().collect()
}

/// Emits the file systems with their disks. `arrays` says on which array of native RAID a disk lies.
pub(super) fn emit(
    c: &mut Collect<'_>,
    asker: &mut Asker,
    systems: &[FileSystem],
    arrays: &BTreeMap<String, ComponentId>,
    words: &mut String,
) {
    let mounts = mounts(c);
    for fs in systems {
        let argv = &["mmlsdisk", fs.name.as_str(), "-Y"];
        let tables = asker.tables(c, Question { argv, every: TEN_MINUTES, columns: DISK_COLUMNS });
        let rows: Vec<Row<'_>> =
            tables.iter().filter(|it| it.has(&["nsdName"])).flat_map(Table::rows).collect();
        if rows.is_empty() && fs.name == UNNAMED {
            continue;
        }
        if rows.len() > DISKS_MAX {
            let text = format!("{}: {} disks, {DISKS_MAX} read", fs.name, rows.len());
            c.problem(Reason::Truncated, Some(&fs.id()), text);
        }
        let mut groups = Groups::default();
        for row in rows.iter().take(DISKS_MAX) {
            disk(c, fs, row, arrays, &mut groups, words);
        }
        groups.count(c, &fs.id());
        let data = (fs.replicas(["defaultDataReplicas", "dataReplicas"]), "data");
        let metadata = (fs.replicas(["defaultMetadataReplicas", "metadataReplicas"]), "metadata");
        let links: Vec<Link> = [(data, &groups.data), (metadata, &groups.metadata)]
            .into_iter()
            .filter_map(|((replicas, content), groups)| {
                replica_set(c, fs, content, replicas, groups)
            })
            .map(|to| Link { relation: Relation::On, to })
            .collect();
        file_system(c, fs, links, &mounts);
    }
    for (point, name) in mounts {
        let attrs = [("system.filesystem.type".to_owned(), "gpfs".to_owned())].into();
        let links = vec![Link { relation: Relation::On, to: fs_id(&name) }];
        let id = ComponentId::new("filesystem", &point);
        c.component(Component { id, name: point, attrs, links, set: None });
    }
}

/// Mount points of type `gpfs` and their file systems.
fn mounts(c: &Collect<'_>) -> BTreeMap<String, String> {
    let text = c.host.read("proc/self/mountinfo").unwrap_or_default();
    if let Some(line) = crate::mounts::parse(&text).1.first() {
        c.host.misread("/proc/self/mountinfo", line);
    }
    let one = |line: &str| {
        let (front, back) = line.split_once(" - ")?;
        let point = front.split(' ').nth(4)?;
        let mut back = back.split(' ');
        let (kind, source) = (back.next()?, back.next()?);
        let name = source.rsplit('/').next()?;
        (kind == "gpfs" && !point.contains('\\')).then(|| (point.to_owned(), name.to_owned()))
    };
    text.lines().filter_map(one).collect()
}

fn file_system(
    c: &mut Collect<'_>,
    fs: &FileSystem,
    links: Vec<Link>,
    mounts: &BTreeMap<String, String>,
) {
    let id = fs.id();
    let mut attrs = BTreeMap::new();
    for (field, name) in [
        ("defaultMountPoint", "gpfs.fs.mount_point"),
        ("UID", "gpfs.fs.uid"),
        ("filesystemVersion", "gpfs.fs.version"),
        ("defaultDataReplicas", "gpfs.fs.data_replicas"),
        ("defaultMetadataReplicas", "gpfs.fs.metadata_replicas"),
    ] {
        if let Some(value) = fs.fields.get(field) {
            attrs.insert(name.to_owned(), value.clone());
        }
    }
    // On a host whose mounts were read, and where any file system of GPFS could be mounted.
    if c.host.read("proc/self/mountinfo").is_ok() {
        let word = if mounts.values().any(|it| *it == fs.name) { "yes" } else { "no" };
        let automatic = fs.fields.get("automaticMountOption").map(String::as_str);
        if word == "yes" || matches!(automatic, Some("yes")) {
            c.state(&metrics::MOUNTED, &id, word);
        }
    }
    c.component(Component { id, name: fs.name.clone(), attrs, links, set: None });
}

/// A failure group.
#[derive(Debug)]
struct Group {
    /// The worst state of its disks.
    state: MemberState,
    disks: Vec<ComponentId>,
}

impl Group {
    fn new() -> Group {
        Group { state: MemberState::Active, disks: Vec::new() }
    }
}

/// Failure groups with the worst state of their disks, by content.
#[derive(Debug, Default)]
struct Groups {
    data: BTreeMap<String, Group>,
    metadata: BTreeMap<String, Group>,
    by_word: BTreeMap<String, f64>,
}

impl Groups {
    fn note(&mut self, row: &Row<'_>, word: &str, state: MemberState) {
        *self.by_word.entry(word.to_owned()).or_default() += 1.0;
        let group = row.get(&["failureGroup"]).unwrap_or("-1").to_owned();
        let holds =
            |column: &str| row.get(&[column]).is_some_and(|it| it.eq_ignore_ascii_case("yes"));
        for (content, groups) in [("data", &mut self.data), ("metadata", &mut self.metadata)] {
            if holds(content) {
                let of = groups.entry(group.clone()).or_insert(Group::new());
                of.state = worse(of.state, state);
                of.disks.extend(row.get(&["nsdName"]).map(nsd_id));
            }
        }
    }

    fn count(&self, c: &mut Collect<'_>, id: &ComponentId) {
        for (word, count) in &self.by_word {
            c.sample_with(&metrics::DISKS, id, &[("gpfs.nsd.availability", word)], *count);
        }
    }
}

fn worse(one: MemberState, other: MemberState) -> MemberState {
    let place = |it: MemberState| match it {
        MemberState::Active | MemberState::Spare => 0,
        MemberState::Unknown => 1,
        MemberState::Rebuilding => 2,
        MemberState::Missing | MemberState::Failed => 3,
    };
    if place(other) > place(one) { other } else { one }
}

fn disk(
    c: &mut Collect<'_>,
    fs: &FileSystem,
    row: &Row<'_>,
    arrays: &BTreeMap<String, ComponentId>,
    groups: &mut Groups,
    words: &mut String,
) {
    let Some(name) = row.get(&["nsdName"]) else { return };
    let id = nsd_id(name);
    let said = row.get(&["availability"]).unwrap_or("unknown");
    let state = match said {
        "up" => MemberState::Active,
        "down" => MemberState::Failed,
        // Its copies are not up to date, or could not be made so.
        "recovering" | "unrecovered" => MemberState::Rebuilding,
        other => {
            let other: String = other.chars().take(40).collect();
            c.problem(
                Reason::Unparsable,
                Some(&id),
                format!("availability of {name} not understood: {other:?}"),
            );
            MemberState::Unknown
        }
    };
    let word = if state == MemberState::Unknown { "unknown" } else { said };
    groups.note(row, word, state);
    let mut attrs = BTreeMap::from([("gpfs.fs.name".to_owned(), fs.name.clone())]);
    for (column, attr) in [
        ("failureGroup", "gpfs.nsd.failure_group"),
        ("storagePool", "gpfs.pool.name"),
        ("diskUID", "gpfs.nsd.uid"),
    ] {
        if let Some(value) = row.get(&[column]) {
            attrs.insert(attr.to_owned(), value.to_owned());
        }
    }
    let links = arrays.get(name).map(|to| Link { relation: Relation::On, to: to.clone() });
    c.component(Component {
        id: id.clone(),
        name: name.to_owned(),
        attrs,
        links: links.into_iter().collect(),
        set: None,
    });
    c.state(&metrics::DISK_AVAILABILITY, &id, word);
    let status = row.get(&["status"]).unwrap_or("unknown");
    let status = match STATUSES.contains(&status) {
        true => status,
        false => {
            let said: String = status.chars().take(40).collect();
            c.problem(
                Reason::Unparsable,
                Some(&id),
                format!("status of {name} not understood: {said:?}"),
            );
            "unknown"
        }
    };
    c.state(&metrics::DISK_STATUS, &id, status);
    words.push_str(&format!("{name} {word} {status}\n"));
    let holds = |column: &str| row.get(&[column]).is_some_and(|it| it.eq_ignore_ascii_case("yes"));
    let usage = match (holds("data"), holds("metadata")) {
        (true, true) => "data and metadata",
        (true, false) => "data",
        (false, true) => "metadata",
        (false, false) => "descriptor",
    };
    c.state(&metrics::DISK_METADATA_STATUS, &id, usage);
}

/// The failure groups of one content as a set that survives the loss of as many as there are further replicas.
fn replica_set(
    c: &mut Collect<'_>,
    fs: &FileSystem,
    content: &str,
    replicas: Option<u32>,
    groups: &BTreeMap<String, Group>,
) -> Option<ComponentId> {
    let width = u32::try_from(groups.len()).ok().filter(|it| *it > 0)?;
    let id = ComponentId::new("gpfs_replicas", &format!("{}/{content}", fs.name));
    let group_id = |group: &str| {
        ComponentId::new("gpfs_failure_group", &format!("{}/{content}/{group}", fs.name))
    };
    let member = |(name, group): (&String, &Group)| Member {
        slot: None,
        component: Some(group_id(name)),
        name: name.clone(),
        state: group.state,
    };
    let members: Vec<Member> = groups.iter().map(member).collect();
    for (number, group) in groups {
        let attrs = BTreeMap::from([("gpfs.fs.name".to_owned(), fs.name.clone())]);
        let on = |it: &ComponentId| Link { relation: Relation::On, to: it.clone() };
        let links = group.disks.iter().map(on).collect();
        let (id, name) = (group_id(number), format!("{} {content} {number}", fs.name));
        c.component(Component { id, name, attrs, links, set: None });
    }
    let gone = |it: &&Group| {
        matches!(it.state, MemberState::Failed | MemberState::Missing | MemberState::Rebuilding)
    };
    let lost = u32::try_from(groups.values().filter(gone).count()).unwrap_or(u32::MAX);
    let is_unknown = groups.values().any(|it| it.state == MemberState::Unknown);
    if lost > 0 || !is_unknown {
        c.sample(&metrics::REPLICAS_LOST, &id, f64::from(lost));
    }
    let tolerance = match replicas {
        Some(replicas) => (replicas - 1).min(width - 1),
        None => {
            let text =
                format!("{}: mmlsfs does not say how many copies of {content} there are", fs.name);
            c.problem(Reason::Missing, Some(&id), text);
            0
        }
    };
    let scheme = match replicas {
        Some(_) => format!("n_of_m:{}", width - tolerance),
        // Known to hold data, and not how it breaks.
        None => "n_of_m".to_owned(),
    };
    if replicas.is_some() {
        c.sample(&metrics::REPLICAS_TOLERANCE, &id, f64::from(tolerance));
    }
    let attrs = BTreeMap::from([("gpfs.fs.name".to_owned(), fs.name.clone())]);
    let (name, copies) = (format!("{} {content}", fs.name), replicas.unwrap_or(0));
    let set = Some(Set { scheme, width, copies, members });
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set });
    Some(id)
}
