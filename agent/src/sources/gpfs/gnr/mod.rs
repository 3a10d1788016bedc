//! GPFS native RAID (ESS, Erasure Code Edition): recovery groups, declustered arrays, vdisks, pdisks.
//!
//! Facts: IBM Storage Scale RAID administration: pdisk states, vdisk states (`ok`, `1/2-degraded`, `critical`, `offline`),
//! mmlspdisk, mmlsrecoverygroup -L, mmvdisk. An array rebuilds what a dead disk held into its spare space: once that is
//! done, the disk holds no place any more and the array bears as many failures as before. So what counts is what the
//! vdisks say, and the dead disks are only named. Columns are found by any of the names that versions gave them.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Member, MemberState, Reason, Set};

use super::{
    ask::{Asker, Question},
    metrics,
    table::{Row, Table},
};
use crate::source::Collect;

mod code;

mod pdisk;

use code::{failures, tolerance};
use pdisk::pdisk;

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

/// Disks of native RAID at most: the largest building blocks have some 500.
const PDISKS_MAX: usize = 4096;

/// Recovery groups at most.
const GROUPS_MAX: usize = 64;

const GROUP: &[&str] = &["recoveryGroup", "recoveryGroupName", "rgName", "name"];
const ARRAY: &[&str] = &["declusteredArray", "declusteredArrayName", "daName", "array"];
const PDISK: &[&str] = &["pdiskName", "pdisk", "name"];
const VDISK: &[&str] = &["vdiskName", "vdisk"];
const STATE: &[&str] = &["state", "pdiskState", "vdiskState"];
const CODE: &[&str] = &["raidCode", "vdiskRaidCode", "code"];

const PDISK_COLUMNS: &[&str] = &[
    "recoveryGroup",
    "recoveryGroupName",
    "rgName",
    "declusteredArray",
    "declusteredArrayName",
    "daName",
    "pdiskName",
    "pdisk",
    "name",
    "state",
    "pdiskState",
    "WWN",
    "wwn",
    "hardware",
    "fru",
    "location",
    "userLocation",
    "server",
    "IOErrors",
    "IOTimeouts",
    "mediaErrors",
    "checksumErrors",
    "pathErrors",
    "relativePerformance",
    "activePaths",
    "nActivePaths",
    "totalPaths",
    "nTotalPaths",
    "nPathsActive",
    "nPathsTotal",
    "ssdEndurancePercentage",
];
const GROUP_COLUMNS: &[&str] = &["recoveryGroup", "recoveryGroupName", "rgName", "name"];
const DETAIL_COLUMNS: &[&str] = &[
    "recoveryGroup",
    "recoveryGroupName",
    "rgName",
    "declusteredArray",
    "declusteredArrayName",
    "daName",
    "array",
    "needsService",
    "daNeedsService",
    "task",
    "backgroundTask",
    "scrubTask",
    "vdiskName",
    "vdisk",
    "raidCode",
    "vdiskRaidCode",
    "code",
    "state",
    "vdiskState",
    "remarks",
    "activeRecoveryGroupServer",
    "activeServer",
    "servers",
];

/// What is known of one declustered array.
#[derive(Debug, Default)]
struct Array {
    members: Vec<Member>,
    needs_service: Option<String>,
    task: Option<String>,
    /// Failures and tolerance of its weakest vdisk, and its word.
    weakest: Option<(u32, u32, &'static str)>,
    /// A vdisk's state was not understood.
    vague: bool,
}

/// Emits the arrays and their disks; gives the array of each vdisk, which is the disk (NSD) of that name.
pub(super) fn emit(
    c: &mut Collect<'_>,
    asker: &mut Asker,
    words: &mut String,
) -> BTreeMap<String, ComponentId> {
    let mut arrays: BTreeMap<(String, String), Array> = BTreeMap::new();
    let argv = &["mmlspdisk", "all", "-Y"];
    let tables = asker.tables(c, Question { argv, every: FIVE_MINUTES, columns: PDISK_COLUMNS });
    let rows: Vec<Row<'_>> =
        tables.iter().filter(|it| it.has(STATE)).flat_map(Table::rows).collect();
    if rows.len() > PDISKS_MAX {
        c.problem(Reason::Truncated, None, format!("{} pdisks, {PDISKS_MAX} read", rows.len()));
    }
    for row in rows.iter().take(PDISKS_MAX) {
        pdisk(c, row, &mut arrays, words);
    }
    let argv = &["mmlsrecoverygroup", "-Y"];
    let listed = asker.tables(c, Question { argv, every: HOUR, columns: GROUP_COLUMNS });
    let mut groups: Vec<String> = listed
        .iter()
        .flat_map(Table::rows)
        .filter_map(|it| it.get(GROUP).map(str::to_owned))
        .chain(arrays.keys().map(|it| it.0.clone()))
        .collect();
    groups.sort();
    groups.dedup();
    let mut of_vdisk = BTreeMap::new();
    for group in groups.iter().filter(|it| !it.is_empty()).take(GROUPS_MAX) {
        let argv = &["mmlsrecoverygroup", group.as_str(), "-L", "-Y"];
        let tables =
            asker.tables(c, Question { argv, every: FIVE_MINUTES, columns: DETAIL_COLUMNS });
        details(c, group, &tables, &mut arrays, &mut of_vdisk, words);
    }
    for ((group, name), array) in arrays {
        array_component(c, &group, &name, array);
    }
    of_vdisk
}

fn array_id(group: &str, name: &str) -> ComponentId {
    ComponentId::new("gpfs_array", &format!("{group}/{name}"))
}

fn details(
    c: &mut Collect<'_>,
    group: &str,
    tables: &[Table],
    arrays: &mut BTreeMap<(String, String), Array>,
    of_vdisk: &mut BTreeMap<String, ComponentId>,
    words: &mut String,
) {
    for table in tables {
        for row in table.rows() {
            if let Some(vdisk) = row.get(VDISK) {
                let Some(name) = row.get(ARRAY) else { continue };
                let array = arrays.entry((group.to_owned(), name.to_owned())).or_default();
                of_vdisk.insert(vdisk.to_owned(), array_id(group, name));
                vdisk_of(c, group, name, vdisk, &row, array, words);
            } else if let Some(name) = row.get(ARRAY) {
                let array = arrays.entry((group.to_owned(), name.to_owned())).or_default();
                if let Some(said) = row.get(&["needsService", "daNeedsService"]) {
                    array.needs_service = Some(said.to_owned());
                }
                if let Some(task) = row.get(&["task", "backgroundTask", "scrubTask"]) {
                    array.task = Some(task.to_owned());
                }
            } else if let Some(active) = row.get(&["activeRecoveryGroupServer", "activeServer"]) {
                let first = row.get(&["servers"]).and_then(|it| it.split(',').next());
                let word = match first {
                    Some(first) if first == active => "primary",
                    Some(_) => "backup",
                    None => continue,
                };
                words.push_str(&format!("{group} served by {active}\n"));
                let id = ComponentId::new("gpfs_service", &format!("recovery_group/{group}"));
                let attrs = BTreeMap::from([(
                    "gpfs.health.component".to_owned(),
                    "RECOVERY_GROUP".to_owned(),
                )]);
                c.component(Component {
                    id: id.clone(),
                    name: group.to_owned(),
                    attrs,
                    links: Vec::new(),
                    set: None,
                });
                c.state(&metrics::RG_SERVER, &id, word);
            }
        }
    }
}

fn vdisk_of(
    c: &mut Collect<'_>,
    group: &str,
    name: &str,
    vdisk: &str,
    row: &Row<'_>,
    array: &mut Array,
    words: &mut String,
) {
    let id = array_id(group, name);
    let code = row.get(CODE).unwrap_or_default();
    // Some tables list vdisks without their state.
    let Some(state) = row.get(STATE) else { return };
    words.push_str(&format!("{vdisk} {state}\n"));
    let Some(bears) = tolerance(code) else {
        array.vague = true;
        let code: String = code.chars().take(40).collect();
        return c.problem(
            Reason::Unparsable,
            Some(&id),
            format!("RAID code of vdisk {vdisk} not understood: {code:?}"),
        );
    };
    let Some((lost, word)) = failures(state, bears) else {
        array.vague = true;
        let state: String = state.chars().take(40).collect();
        return c.problem(
            Reason::Unparsable,
            Some(&id),
            format!("state of vdisk {vdisk} not understood: {state:?}"),
        );
    };
    // A copy of the log tip on one SSD has no redundancy by design, and is only a second copy.
    if bears == 0 && word == "ok" {
        return;
    }
    let left = |it: (u32, u32, &str)| i64::from(it.1) - i64::from(it.0);
    let this = (lost, bears, word);
    if array.weakest.is_none_or(|it| left(this) < left(it)) {
        array.weakest = Some(this);
    }
}

/// The array as a set that bears what its weakest vdisk bears. Disks whose data are rebuilt hold no place any more.
fn array_component(c: &mut Collect<'_>, group: &str, name: &str, array: Array) {
    let id = array_id(group, name);
    let count = |wanted: &[MemberState]| {
        array.members.iter().filter(|it| wanted.contains(&it.state)).count()
    };
    let gone = count(&[MemberState::Failed, MemberState::Missing]);
    let listed = !array.members.is_empty();
    let number = |it: usize| u32::try_from(it).map_or(f64::MAX, f64::from);
    for (condition, count) in [
        ("lost", gone),
        ("unknown", count(&[MemberState::Unknown])),
        ("working", count(&[MemberState::Active])),
    ]
    .into_iter()
    .filter(|_| listed)
    {
        c.sample_with(
            &metrics::ARRAY_PDISKS,
            &id,
            &[("gpfs.pdisk.condition", condition)],
            number(count),
        );
    }
    let mut set = None;
    if let Some((lost, bears, word)) = array.weakest {
        c.sample(&metrics::ARRAY_FAILURES, &id, f64::from(lost));
        c.sample(&metrics::ARRAY_TOLERANCE, &id, f64::from(bears));
        c.state(&metrics::VDISKS, &id, word);
        let places = array.members.len() - gone + usize::try_from(lost).unwrap_or(0);
        let width = u32::try_from(places).unwrap_or(u32::MAX);
        if width > bears {
            let mut members = array.members;
            // Failures of which no disk is known: a disk that answers again and is not up to date.
            for number in gone..usize::try_from(lost).unwrap_or(0).min(PDISKS_MAX) {
                let name = format!("failure {}", number + 1);
                members.push(Member {
                    slot: None,
                    component: None,
                    name,
                    state: MemberState::Missing,
                });
            }
            set = Some(Set {
                scheme: format!("n_of_m:{}", width - bears),
                width,
                copies: 1,
                members,
            });
        }
    } else if array.vague {
        c.state(&metrics::VDISKS, &id, "unknown");
    }
    if let Some(said) = array.needs_service {
        c.state(&metrics::ARRAY_SERVICE, &id, &said);
    }
    if let Some(task) = array.task {
        c.state(&metrics::ARRAY_TASK, &id, &task);
    }
    let attrs = BTreeMap::from([("gpfs.recovery_group".to_owned(), group.to_owned())]);
    let full = format!("{group} {name}");
    c.component(Component { id, name: full, attrs, links: Vec::new(), set });
}
