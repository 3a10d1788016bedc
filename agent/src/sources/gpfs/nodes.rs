//! The cluster and its nodes: the daemon of this host, the quorum, roles.
//!
//! Facts: mmgetstate, mmlscluster. `mmgetstate -Y` asks only the daemon of this host. The quorum nodes are asked only by
//! quorum nodes, so that a thousand clients do not ask them all.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Member, MemberState, Reason, Set};

use super::{
    ask::{Asker, Question},
    metrics,
    table::{Row, Table},
};
use crate::source::Collect;

/// Quorum nodes at most (IBM allows 128, and recommends 3 to 7).
const QUORUM_MAX: usize = 128;

const QUICK: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);
const STATE_COLUMNS: &[&str] = &[
    "nodeName",
    "nodeNumber",
    "state",
    "quorum",
    "nodesUp",
    "totalNodes",
    "remarks",
    "daemonNodeName",
];
const CLUSTER_COLUMNS: &[&str] =
    &["clusterName", "clusterId", "nodeNumber", "daemonNodeName", "adminNodeName", "designation"];

/// What is known of the cluster.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// Its component; none if its name could not be read.
    pub(super) id: Option<ComponentId>,
    /// The component of this host's node.
    pub(super) here: Option<ComponentId>,
    /// Whether this host's node votes.
    pub(super) is_quorum: bool,
}

/// Emits the cluster and its nodes. `words` gathers what evidence must be kept for.
pub(super) fn emit(c: &mut Collect<'_>, asker: &mut Asker, words: &mut String) -> Cluster {
    let local = asker
        .tables(c, Question { argv: &["mmgetstate", "-Y"], every: QUICK, columns: STATE_COLUMNS });
    let listed = asker.tables(
        c,
        Question { argv: &["mmlscluster", "-Y"], every: TEN_MINUTES, columns: CLUSTER_COLUMNS },
    );
    let nodes: Vec<Row<'_>> = rows(&listed, "clusterNode").collect();
    let summary = rows(&listed, "clusterSummary").next();
    let mut cluster = Cluster::default();
    let here = local.iter().flat_map(Table::rows).next();
    if let Some(row) = here {
        cluster.here = this_node(c, &row, &nodes, words);
        cluster.is_quorum = is_quorum(&row, &nodes);
    }
    let name = summary.and_then(|it| it.get(&["clusterName"]));
    let key = summary.and_then(|it| it.get(&["clusterId"])).or(name);
    if let Some(key) = key {
        let id = ComponentId::new("gpfs_cluster", key);
        let states = match cluster.is_quorum {
            true => {
                let argv = &["mmgetstate", "-N", "quorumNodes", "-Y"];
                asker.tables(c, Question { argv, every: TEN_MINUTES, columns: STATE_COLUMNS })
            }
            false => Vec::new(),
        };
        cluster_component(
            c,
            (&id, name.unwrap_or(key)),
            &nodes,
            &states,
            cluster.here.as_ref(),
            words,
        );
        counts(c, &id, here.as_ref(), nodes.len());
        cluster.id = Some(id);
    }
    cluster
}

fn rows<'a>(tables: &'a [Table], section: &'a str) -> impl Iterator<Item = Row<'a>> {
    tables.iter().filter(move |it| it.section == section).flat_map(Table::rows)
}

/// The word of a state; others are named.
fn state(c: &mut Collect<'_>, id: &ComponentId, said: &str) -> String {
    const KNOWN: [&str; 5] = ["active", "arbitrating", "down", "unknown", "unresponsive"];
    if KNOWN.contains(&said) {
        return said.to_owned();
    }
    let said: String = said.chars().take(40).collect();
    c.problem(Reason::Unparsable, Some(id), format!("state of the node not understood: {said:?}"));
    "unknown".to_owned()
}

fn votes(designation: &str) -> bool {
    designation.to_ascii_lowercase().contains("quorum")
        && !designation.eq_ignore_ascii_case("nonquorum")
}

/// A node's component is its daemon's name, in full where the cluster's list has it.
fn node_id(name: &str, nodes: &[Row<'_>]) -> ComponentId {
    let short = |it: &str| it.split('.').next().unwrap_or(it).to_owned();
    let full = nodes
        .iter()
        .filter_map(|it| it.get(&["daemonNodeName"]))
        .find(|it| *it == name || short(it) == short(name));
    ComponentId::new("gpfs_node", full.unwrap_or(name))
}

fn is_quorum(row: &Row<'_>, nodes: &[Row<'_>]) -> bool {
    let name = row.get(&["nodeName"]).unwrap_or_default();
    let id = node_id(name, nodes);
    let listed = nodes.iter().find(|it| it.get(&["daemonNodeName"]) == Some(id.key()));
    let designation = listed.and_then(|it| it.get(&["designation"]));
    designation.is_some_and(votes)
        || row.get(&["remarks"]).is_some_and(|it| it.contains("quorum node"))
}

fn this_node(
    c: &mut Collect<'_>,
    row: &Row<'_>,
    nodes: &[Row<'_>],
    words: &mut String,
) -> Option<ComponentId> {
    let name = row.get(&["daemonNodeName", "nodeName"])?;
    let id = node_id(name, nodes);
    let role = if is_quorum(row, nodes) { "quorum" } else { "client" };
    let attrs = BTreeMap::from([
        ("gpfs.node.local".to_owned(), "true".to_owned()),
        ("gpfs.node.role".to_owned(), role.to_owned()),
    ]);
    plain(c, &id, attrs);
    match row.get(&["state"]) {
        Some(said) => {
            let word = state(c, &id, said);
            words.push_str(&format!("{name} {word}\n"));
            c.state(&metrics::DAEMON, &id, &word);
            c.state(&metrics::NODE, &id, &word);
        }
        None => {
            c.problem(Reason::Missing, Some(&id), "mmgetstate does not say the state of this node")
        }
    }
    Some(id)
}

/// The cluster as a set of its quorum nodes, if their states were asked.
fn cluster_component(
    c: &mut Collect<'_>,
    (id, name): (&ComponentId, &str),
    nodes: &[Row<'_>],
    states: &[Table],
    here: Option<&ComponentId>,
    words: &mut String,
) {
    let mut members: Vec<Member> = Vec::new();
    let mut needed = None;
    for row in states.iter().flat_map(Table::rows).take(QUORUM_MAX) {
        let Some(node) = row.get(&["daemonNodeName", "nodeName"]) else { continue };
        let node = node_id(node, nodes);
        if members.iter().any(|it| it.component.as_ref() == Some(&node)) {
            continue;
        }
        // With tiebreaker disks fewer votes do than a majority; `1*` says so.
        let votes =
            row.get(&["quorum"]).and_then(|it| it.trim_end_matches('*').parse::<u32>().ok());
        needed = needed.max(votes.filter(|it| *it > 0));
        let word = state(c, &node, row.get(&["state"]).unwrap_or("unknown"));
        words.push_str(&format!("{} {word}\n", node.key()));
        members.push(Member {
            slot: None,
            component: Some(node.clone()),
            name: node.key().to_owned(),
            state: match word.as_str() {
                "active" => MemberState::Active,
                "unknown" => MemberState::Unknown,
                _ => MemberState::Missing,
            },
        });
        if here != Some(&node) {
            let role = [("gpfs.node.role".to_owned(), "quorum".to_owned())];
            plain(c, &node, role.into());
            c.state(&metrics::NODE, &node, &word);
        }
    }
    let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let scheme = match needed.filter(|it| *it <= width) {
        Some(needed) => format!("n_of_m:{needed}"),
        None => "quorum".to_owned(),
    };
    let set = (!members.is_empty()).then_some(Set { scheme, width, copies: 1, members });
    let (name, attrs) = (name.to_owned(), BTreeMap::new());
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set });
}

fn plain(c: &mut Collect<'_>, id: &ComponentId, attrs: BTreeMap<String, String>) {
    let (id, name) = (id.clone(), id.key().to_owned());
    c.component(Component { id, name, attrs, links: Vec::new(), set: None });
}

/// How many nodes there are, vote and are needed, as the daemon of this host knows it.
fn counts(c: &mut Collect<'_>, id: &ComponentId, here: Option<&Row<'_>>, listed: usize) {
    let number = |name: &str| {
        let said = here?.get(&[name])?;
        said.trim_end_matches('*').parse::<u32>().ok().map(f64::from)
    };
    let listed = u32::try_from(listed).ok().filter(|it| *it > 0).map(f64::from);
    for (count, value) in [
        ("quorum_needed", number("quorum")),
        ("quorum_up", number("nodesUp")),
        ("total", number("totalNodes").or(listed)),
    ] {
        if let Some(value) = value {
            c.sample_with(&metrics::NODES, id, &[("gpfs.node.count", count)], value);
        }
    }
}
