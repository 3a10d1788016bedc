//! The targets that this host reaches as a client or as an MDS, and the file systems that they make up.
//!
//! Facts: ptlrpc_import_state_name, Lustre Operations Manual (imports). `IDLE` is a connection that was closed because
//! nobody used it (since 2.12), no fault. A connection that an administrator closed (`active` 0) is not counted.

use std::collections::BTreeMap;

use xunjian_proto::{Component, ComponentId, Member, MemberState, Reason, Set};

use super::{
    metrics,
    names::{Role, Target, fs_id},
    params::{Params, clip, plausible},
    served::{self, Space},
};
use crate::source::Collect;

/// Groups of parameters whose devices are connections to targets.
const GROUPS: [&str; 4] = ["mdc", "mgc", "osc", "osp"];

/// OSTs whose state is kept in a set at most: the largest file systems have some 2,000.
const TARGETS_MAX: usize = 4096;

/// One target as this host reaches it; several connections (mounts, MDTs) taken together.
#[derive(Debug, Default)]
struct Reached {
    /// The worst word.
    state: Option<&'static str>,
    inactive: bool,
    nids: Vec<String>,
    timeouts: Option<f64>,
    generation: Option<f64>,
    disconnections: Option<f64>,
    wait_secs: Option<f64>,
    prealloc: Option<f64>,
    create_max: Option<f64>,
    space: Option<Space>,
}

/// Emits every target that this host reaches, and the file systems.
pub(super) fn emit(c: &mut Collect<'_>, params: &Params, whole: bool) {
    let mut all: BTreeMap<Target, Reached> = BTreeMap::new();
    for group in GROUPS {
        for device in params.devices(group) {
            let target = match group {
                "mgc" => Target::parse("MGS"),
                _ => Target::parse(device),
            };
            let Some(target) = target else { continue };
            let reached = all.entry(target.clone()).or_default();
            one(c, params, (group, device), &target, reached);
        }
    }
    listed(params, &mut all);
    let here = served::targets(params);
    for (target, reached) in &all {
        target_of(c, target, reached, !here.contains_key(&target.name));
    }
    file_systems(c, &all, whole);
}

/// Takes one connection into account.
fn one(
    c: &mut Collect<'_>,
    params: &Params,
    (group, device): (&str, &str),
    target: &Target,
    reached: &mut Reached,
) {
    let import = params.get(group, device, "import").unwrap_or_default();
    let field = |name: &str| {
        import
            .lines()
            .find_map(|it| it.split_once(':').filter(|it| it.0.trim() == name))
            .map(|it| it.1.trim())
    };
    let history = params.get(group, device, "state").unwrap_or_default();
    let current = history.lines().find_map(|it| it.trim().strip_prefix("current_state:"));
    if let Some(word) = field("state").or(current).map(str::trim).filter(|it| !it.is_empty()) {
        let known = STATES.iter().find(|it| it.0 == word);
        if known.is_none() {
            let text =
                format!("{device}: state of the connection not understood: {:?}", clip(word));
            c.problem(Reason::Unparsable, Some(&target.id()), text);
        }
        worse(&mut reached.state, known.map_or("unknown", |it| it.1));
    }
    // ` - [ 1510766261, DISCONN ]`
    let bad =
        |it: &&str| ["DISCONN ]", "EVICTED ]"].iter().any(|word| it.trim_end().ends_with(word));
    let count = u32::try_from(history.lines().filter(bad).count()).unwrap_or(u32::MAX);
    add(&mut reached.disconnections, current.map(|_| f64::from(count)));
    if params.number(group, device, "active") == Some(0.0) {
        reached.inactive = true;
    }
    if let Some(nids) = field("failover_nids") {
        for nid in nids.trim_matches(['[', ']']).split(',').map(str::trim) {
            if !nid.is_empty()
                && !reached.nids.iter().any(|it| it == nid)
                && reached.nids.len() < 16
            {
                reached.nids.push(nid.to_owned());
            }
        }
    }
    let number = |name: &str| field(name).and_then(plausible);
    add(&mut reached.timeouts, number("timeouts"));
    add(&mut reached.generation, number("generation"));
    // `avg_waittime: 331 usec`; newer ones say `usecs`.
    let wait = field("avg_waittime").and_then(|it| plausible(it.split_whitespace().next()?));
    reached.wait_secs =
        wait.map(|it| it / 1e6).into_iter().chain(reached.wait_secs).reduce(f64::max);
    let own = |name: &str| params.number(group, device, name);
    reached.prealloc = own("prealloc_status").or(reached.prealloc);
    reached.create_max = own("max_create_count").or(reached.create_max);
    if reached.space.is_none() {
        reached.space = Space::of(params, group, device);
    }
}

fn add(sum: &mut Option<f64>, value: Option<f64>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0.0) + value);
    }
}

/// States of a connection: Lustre's word, ours, and how bad it is by its place: the later, the worse.
const STATES: [(&str, &str); 12] = [
    ("FULL", "full"),
    ("IDLE", "idle"),
    ("NEW", "new"),
    ("<UNKNOWN>", "unknown"),
    ("RECOVER", "recover"),
    ("REPLAY_WAIT", "replay_wait"),
    ("REPLAY_LOCKS", "replay_locks"),
    ("REPLAY", "replay"),
    ("CONNECTING", "connecting"),
    ("DISCONN", "disconn"),
    ("EVICTED", "evicted"),
    ("CLOSED", "closed"),
];

fn worse(now: &mut Option<&'static str>, other: &'static str) {
    let place = |word: &str| STATES.iter().position(|it| it.1 == word).unwrap_or(3);
    if now.is_none_or(|it| place(it) < place(other)) {
        *now = Some(other);
    }
}

/// Adds the targets that only the volume's list names: `3: lfs-OST0003_UUID INACTIVE`.
fn listed(params: &Params, all: &mut BTreeMap<Target, Reached>) {
    for group in ["lod", "lov"] {
        for device in params.devices(group) {
            for line in params.get(group, device, "target_obd").unwrap_or_default().lines() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [_, name, state, ..] = &words[..] else { continue };
                if let Some(target) = Target::parse(name)
                    && all.len() < TARGETS_MAX
                {
                    let reached = all.entry(target).or_default();
                    reached.inactive |= *state == "INACTIVE" && reached.state.is_none();
                }
            }
        }
    }
}

fn target_of(c: &mut Collect<'_>, target: &Target, reached: &Reached, is_remote: bool) {
    let id = target.id();
    // One that is served here has been told already, with its space.
    if is_remote {
        let mut attrs = served::attrs(target);
        if !reached.nids.is_empty() {
            attrs.insert("lustre.target.nids".to_owned(), reached.nids.join(", "));
        }
        c.component(Component {
            id: id.clone(),
            name: target.name.clone(),
            attrs,
            links: Vec::new(),
            set: None,
        });
        if let Some(space) = &reached.space {
            space.emit(c, &id);
        }
    }
    let active = if reached.inactive { "inactive" } else { "active" };
    c.state(&metrics::ACTIVE, &id, active);
    match reached.state {
        Some(word) => c.state(&metrics::IMPORT, &id, word),
        None if reached.inactive => {}
        None => {
            let text = format!("state of the connection to {} could not be read", target.name);
            c.problem(Reason::Missing, Some(&id), text);
        }
    }
    for (metric, value) in [
        (&metrics::TIMEOUTS, reached.timeouts),
        (&metrics::CONNECTIONS, reached.generation),
        (&metrics::DISCONNECTIONS, reached.disconnections),
        (&metrics::AVERAGE_WAIT, reached.wait_secs),
        (&metrics::PREALLOC, reached.prealloc),
        (&metrics::CREATE_MAX, reached.create_max),
    ] {
        if let Some(value) = value {
            c.sample(metric, &id, value);
        }
    }
}

fn member_state(reached: &Reached) -> MemberState {
    match reached.state {
        Some("full" | "idle") => MemberState::Active,
        Some("recover" | "replay" | "replay_locks" | "replay_wait") => MemberState::Rebuilding,
        Some("connecting" | "disconn" | "closed") => MemberState::Missing,
        Some("evicted") => MemberState::Failed,
        _ => MemberState::Unknown,
    }
}

/// The OSTs of each file system as a set of targets without redundancy among them.
fn file_systems(c: &mut Collect<'_>, all: &BTreeMap<Target, Reached>, whole: bool) {
    let mut systems: BTreeMap<&str, Vec<(&Target, &Reached)>> = BTreeMap::new();
    for (target, reached) in all {
        if let Some(fs) = &target.fs {
            systems.entry(fs).or_default().push((target, reached));
        }
    }
    for (fs, targets) in systems {
        let id = fs_id(fs);
        let osts: Vec<_> = targets.into_iter().filter(|it| it.0.role == Role::Ost).collect();
        let used: Vec<_> = osts.iter().filter(|it| !it.1.inactive).collect();
        let members: Vec<Member> = used
            .iter()
            .take(TARGETS_MAX)
            .map(|(target, reached)| Member {
                slot: None,
                component: Some(target.id()),
                name: target.name.clone(),
                state: member_state(reached),
            })
            .collect();
        let count = |wanted: &[MemberState]| {
            let count = members.iter().filter(|it| wanted.contains(&it.state)).count();
            u32::try_from(count).map_or(f64::MAX, f64::from)
        };
        let recovering = count(&[MemberState::Rebuilding]);
        let gone = count(&[MemberState::Missing, MemberState::Failed]);
        let inactive = u32::try_from(osts.len() - used.len()).map_or(f64::MAX, f64::from);
        let counts = [
            ("available", count(&[MemberState::Active])),
            ("inactive", inactive),
            ("recovering", recovering),
            ("unavailable", gone),
            ("unknown", count(&[MemberState::Unknown])),
        ];
        let shares: Vec<f64> =
            used.iter().filter_map(|it| it.1.space.and_then(|it| it.share())).collect();
        let members_unknown = members.iter().any(|it| it.state == MemberState::Unknown);
        file_system(c, &id, fs, members);
        // Targets of which nothing could be read are not among those counted.
        if osts.is_empty() || !whole || used.iter().any(|it| it.1.state.is_none()) {
            continue;
        }
        for (state, count) in counts {
            c.sample_with(&metrics::TARGETS, &id, &[("lustre.target.state", state)], count);
        }
        // None lost among those that could be read says nothing of the others.
        if gone + recovering > 0.0 || !members_unknown {
            c.sample(&metrics::UNAVAILABLE, &id, gone + recovering);
        }
        let (low, high) = shares
            .iter()
            .fold((1.0, 0.0), |it, share| (f64::min(it.0, *share), f64::max(it.1, *share)));
        if shares.len() >= 2 {
            c.sample(&metrics::IMBALANCE, &id, high - low);
        }
    }
}

fn file_system(c: &mut Collect<'_>, id: &ComponentId, fs: &str, members: Vec<Member>) {
    let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let set = (!members.is_empty()).then(|| Set {
        scheme: "targets".to_owned(),
        width,
        copies: 1,
        members,
    });
    c.component(Component {
        id: id.clone(),
        name: fs.to_owned(),
        attrs: [("lustre.fsname".to_owned(), fs.to_owned())].into(),
        links: Vec::new(),
        set,
    });
}
