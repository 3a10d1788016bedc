//! What the health monitor of GPFS says, and the threads that wait.
//!
//! Facts: mmhealth, mmdiag --waiters, IBM's lists of events. `mmhealth node show` gives the components of this node and
//! what belongs to them (interfaces, disks, file systems); the cluster's summary is asked by quorum nodes only.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use super::{
    ask::{Asker, Question},
    metrics,
    nodes::Cluster,
    table::{Row, Table},
};
use crate::source::Collect;

const QUICK: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);

const HEALTH_COLUMNS: &[&str] = &[
    "node",
    "component",
    "entityname",
    "entitytype",
    "status",
    "event",
    "activesince",
    "ishidden",
    "message",
    "severity",
    "total",
    "failed",
    "degraded",
    "healthy",
    "other",
];
const WAITER_COLUMNS: &[&str] =
    &["threadName", "waitTime", "condVarReason", "auxReason", "delayReason"];

/// Components and what belongs to them at most: those of a server with all its disks.
const ENTITIES_MAX: usize = 1024;

/// Active events at most.
const EVENTS_MAX: usize = 256;

/// Threads that wait by design: for events that may come or not.
const PATIENT: &[&str] = &["EventsExporterSenderThread", "FsckClientReaperThread", "MMFSCKThread"];

/// Ages of waiters that are counted: what is watched, what is acted on, what is a deadlock.
const AGES: [(f64, &str); 3] = [(30.0, "30"), (300.0, "300"), (1800.0, "1800")];

/// Emits the health of this node and, on quorum nodes, of the cluster.
pub(super) fn emit(c: &mut Collect<'_>, asker: &mut Asker, cluster: &Cluster, words: &mut String) {
    let node = asker.tables(
        c,
        Question {
            argv: &["mmhealth", "node", "show", "-Y"],
            every: QUICK,
            columns: HEALTH_COLUMNS,
        },
    );
    node_health(c, &node, words);
    let whole = match cluster.is_quorum {
        true => asker.tables(
            c,
            Question {
                argv: &["mmhealth", "cluster", "show", "-Y"],
                every: TEN_MINUTES,
                columns: HEALTH_COLUMNS,
            },
        ),
        false => Vec::new(),
    };
    cluster_health(c, &whole, cluster);
    let waiters = asker.tables(
        c,
        Question { argv: &["mmdiag", "--waiters", "-Y"], every: QUICK, columns: WAITER_COLUMNS },
    );
    if let Some(here) = &cluster.here {
        threads(c, here, &waiters);
    } else if !waiters.is_empty() {
        threads(c, &ComponentId::host(), &waiters);
    }
}

/// `gpfs_service:network` for the component, `gpfs_service:network/ib0` for what belongs to it.
fn service_id(row: &Row<'_>) -> Option<(ComponentId, String)> {
    let component = row.get(&["component"])?;
    let whole = row.get(&["entitytype"]).is_none_or(|it| it == "NODE");
    let entity = row.get(&["entityname"]).filter(|_| !whole);
    let name = match entity {
        Some(entity) => format!("{component}/{entity}"),
        None => component.to_owned(),
    };
    Some((ComponentId::new("gpfs_service", &name.to_lowercase()), name))
}

fn node_health(c: &mut Collect<'_>, tables: &[Table], words: &mut String) {
    let mut seen: BTreeMap<ComponentId, ()> = BTreeMap::new();
    let states = tables.iter().filter(|it| it.section == "State").flat_map(Table::rows);
    for row in states {
        let Some((id, name)) = service_id(&row) else { continue };
        if seen.len() >= ENTITIES_MAX {
            let text = format!("more than {ENTITIES_MAX} components in mmhealth, the first read");
            c.problem(Reason::Truncated, None, text);
            break;
        }
        if seen.insert(id.clone(), ()).is_some() {
            continue;
        }
        service(c, &row, &id, &name);
        let said = row.get(&["status"]).unwrap_or_default().to_lowercase();
        const KNOWN: [&str; 8] =
            ["healthy", "degraded", "failed", "depend", "checking", "unknown", "tips", "disabled"];
        let word = match KNOWN.contains(&said.as_str()) {
            true => said.as_str(),
            false => {
                let said: String = said.chars().take(40).collect();
                c.problem(
                    Reason::Unparsable,
                    Some(&id),
                    format!("{name}: status not understood: {said:?}"),
                );
                "unknown"
            }
        };
        words.push_str(&format!("{name} {word}\n"));
        c.state(&metrics::HEALTH, &id, word);
    }
    events(c, tables, &seen);
}

fn service(c: &mut Collect<'_>, row: &Row<'_>, id: &ComponentId, name: &str) {
    let component = row.get(&["component"]).unwrap_or_default();
    let mut attrs = BTreeMap::from([("gpfs.health.component".to_owned(), component.to_owned())]);
    if let Some(kind) = row.get(&["entitytype"]) {
        attrs.insert("gpfs.health.entity_type".to_owned(), kind.to_owned());
    }
    let (id, name) = (id.clone(), name.to_owned());
    c.component(Component { id, name, attrs, links: Vec::new(), set: None });
}

/// Active events; several of one name on one component are one reading.
fn events(c: &mut Collect<'_>, tables: &[Table], known: &BTreeMap<ComponentId, ()>) {
    let mut active = BTreeMap::new();
    for row in tables.iter().filter(|it| it.section == "Event").flat_map(Table::rows) {
        let (Some((id, _)), Some(event)) = (service_id(&row), row.get(&["event"])) else {
            continue;
        };
        let hidden = row.get(&["ishidden"]) == Some("yes");
        let severity = row.get(&["severity"]).unwrap_or("unknown").to_lowercase();
        // What is well is no event of trouble; versions that give no severity list what is wrong and what is well.
        if hidden || severity == "info" || !known.contains_key(&id) {
            continue;
        }
        active.insert((id, event.to_owned(), severity), ());
    }
    if active.len() > EVENTS_MAX {
        let text = format!("{} active events of mmhealth, {EVENTS_MAX} read", active.len());
        c.problem(Reason::Truncated, None, text);
    }
    for (id, event, severity) in active.into_keys().take(EVENTS_MAX) {
        let attrs = [
            ("gpfs.health.event.name", event.as_str()),
            ("gpfs.health.severity", severity.as_str()),
        ];
        c.sample_with(&metrics::HEALTH_EVENT, &id, &attrs, 1.0);
    }
}

fn cluster_health(c: &mut Collect<'_>, tables: &[Table], cluster: &Cluster) {
    let id = cluster.id.clone().unwrap_or_else(ComponentId::host);
    let mut seen = Vec::new();
    for row in
        tables.iter().filter(|it| it.section == "Summary").flat_map(Table::rows).take(ENTITIES_MAX)
    {
        let Some(component) = row.get(&["component"]) else { continue };
        if seen.contains(&component.to_owned()) {
            continue;
        }
        seen.push(component.to_owned());
        for status in ["degraded", "failed", "healthy", "other", "total"] {
            match row.sure(&[status]) {
                Ok(Some(count)) => {
                    let attrs =
                        [("gpfs.health.component", component), ("gpfs.health.status", status)];
                    c.sample_with(&metrics::ENTITIES, &id, &attrs, count);
                }
                Ok(None) => {}
                Err(why) => c.problem(Reason::Unparsable, Some(&id), format!("{component}: {why}")),
            }
        }
    }
}

fn threads(c: &mut Collect<'_>, id: &ComponentId, tables: &[Table]) {
    let waiters: Vec<&Table> = tables.iter().filter(|it| it.has(&["waitTime"])).collect();
    if waiters.is_empty() {
        return;
    }
    let mut longest = 0.0;
    let mut counts = [0.0; AGES.len()];
    for row in waiters.into_iter().flat_map(Table::rows) {
        if row.get(&["threadName"]).is_some_and(|it| PATIENT.contains(&it)) {
            continue;
        }
        match row.sure(&["waitTime"]) {
            Ok(Some(secs)) => {
                longest = f64::max(longest, secs);
                for (count, _) in counts.iter_mut().zip(AGES).filter(|it| secs >= it.1.0) {
                    *count += 1.0;
                }
            }
            Ok(None) => {}
            Err(why) => c.problem(Reason::Unparsable, Some(id), format!("a waiter: {why}")),
        }
    }
    c.sample(&metrics::LONGEST_WAITER, id, longest);
    for (count, (_, age)) in counts.into_iter().zip(AGES) {
        c.sample_with(&metrics::WAITERS, id, &[("gpfs.waiter.age", age)], count);
    }
}
