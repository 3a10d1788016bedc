//! Multipath storage: units, paths and what of them is independent, from multipathd.
//!
//! Facts: `multipathd(8)`, `multipath(8)`, `multipath.conf(5)`. Paths to a standby controller are GHOST, which is normal.
//! A path whose port or cable died for good disappears from all lists; so the source remembers for 30 days how many
//! independent ways there were.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use crate::{
    devices,
    host::{Host, MDADM, Program},
    saved::{Form, Saved, Serves},
    source::{Collect, Need, Source, SourceError, Words, fingerprint, no_options},
    typed, volumes,
};

mod map;

mod metrics;

mod read;

use map::{Map, Route, State};
use metrics::{DOWN, FAULTS, MISSING, PATHS, QUEUEING, ROUTES, USABLE};

const MULTIPATH: Program =
    Program { name: "multipath", places: &["/usr/sbin/multipath", "/sbin/multipath"], root: true };
const MULTIPATHD: Program = Program {
    name: "multipathd",
    places: &["/usr/sbin/multipathd", "/sbin/multipathd"],
    root: true,
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "multipath",
    title: Words { zh: "多路径存储", en: "multipath storage" },
    about: Words {
        zh: "多路径设备的路径状态与独立路径数",
        en: "multipath units: states of paths, independent ways to each unit",
    },
    needs: &[Need::Program("multipathd")],
    programs: &[MDADM, MULTIPATH, MULTIPATHD],
    runs: &[
        "multipathd show maps json",
        "multipathd show topology",
        "multipath -l",
        devices::MDADM_EXPORT,
    ],
    harmless: Words {
        zh: "只向 multipathd 查询它已知的路径状态，不触发路径检查，不切换、不重载路径。",
        en: "Asks multipathd what it knows already; starts no check, switches and reloads nothing.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(30),
    metrics: &[PATHS, DOWN, USABLE, ROUTES, MISSING, FAULTS],
    states: &[QUEUEING],
    events: &[],
    saved: Saved::Forms(&[
        Form {
            what: "`multipathd show maps json`",
            is: |text| text.contains("\"path_groups\""),
            serves: Serves::Command(&["multipathd"]),
        },
        Form {
            what: "`multipath -ll`",
            is: |text| text.contains(" dm-") && (text.contains("prio=") || text.contains("size=")),
            serves: Serves::Command(&["multipathd"]),
        },
    ]),
    check: no_options,
    collect,
};

/// The ways to ask, best first.
const WAYS: [&[&str]; 3] = [
    &["multipathd", "show", "maps", "json"],
    &["multipathd", "show", "topology"],
    &["multipath", "-l"],
];

/// Units of one host that are told of.
const MAPS_MAX: usize = 2048;

/// How long a way that disappeared is missed.
const REMEMBERED_SECS: f64 = 30.0 * 86_400.0;

/// What is remembered from run to run.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Fingerprint of the evidence that was sent last.
    print: String,
    /// By WWID.
    maps: BTreeMap<String, Remembered>,
}

/// The most independent ways that a unit had lately.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Remembered {
    ports: usize,
    controllers: usize,
    /// When it last had so many, seconds since 1970.
    at: f64,
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let mut memory: Memory =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let mut maps = ask(c, &mut memory)?;
    if maps.len() > MAPS_MAX {
        c.problem(Reason::Truncated, None, format!("{} units, {MAPS_MAX} read", maps.len()));
        maps.truncate(MAPS_MAX);
    }
    let now = c.host.vitals().ok().and_then(|it| it.now_secs());
    if let Some(now) = now {
        memory.maps.retain(|_, it| now - it.at < REMEMBERED_SECS && it.at <= now);
    }
    let mut seen = std::collections::BTreeSet::new();
    for mut map in maps {
        for path in map.groups.iter_mut().flatten() {
            complete(c, path);
        }
        if map.wwid.is_empty() || !seen.insert(map.wwid.clone()) {
            let text = format!("unit {:?} without a WWID of its own", map.name);
            c.problem(Reason::Unparsable, None, text);
            continue;
        }
        one(c, &map, now, &mut memory);
    }
    while memory.maps.len() > MAPS_MAX {
        memory.maps.pop_last();
    }
    *c.cursor = serde_json::to_string(&memory).ok();
    Ok(())
}

fn ask(c: &mut Collect<'_>, memory: &mut Memory) -> Result<Vec<Map>, SourceError> {
    let mut first: Option<SourceError> = None;
    let mut silent = false;
    for argv in WAYS {
        let output = match c.host.run(argv) {
            Ok(output) => output,
            Err(error) => {
                first.get_or_insert(error.into());
                continue;
            }
        };
        let said = output.stdout.clone();
        if output.truncated {
            c.problem(Reason::Truncated, None, format!("the output of {} was cut", argv.join(" ")));
        }
        let json = said.trim_start().starts_with('{');
        let refused =
            said.trim() == "fail" || said.starts_with("error") || said.starts_with("timeout");
        if refused || said.trim().is_empty() && output.status != 0 {
            let why = format!("it says {:?}, {}", said.trim(), output.stderr.trim());
            first.get_or_insert(SourceError::Parse { what: argv.join(" "), why });
            continue;
        }
        if said.trim().is_empty() && argv.contains(&"json") {
            // Without a unit it is a list without one.
            silent = true;
            continue;
        }
        let (maps, strange) = if json {
            let what = format!("`{}`", argv.join(" "));
            let parsed = typed::parse(c.host, &what, &said, read::NAMES)
                .map_err(|error| error.to_string())
                .and_then(|json| read::json(&json));
            (parsed.map_err(|why| SourceError::Parse { what: argv.join(" "), why })?, Vec::new())
        } else {
            read::tree(&said)
        };
        if maps.is_empty() && !json && !said.trim().is_empty() && !said.contains("ok") {
            let start: String = said.chars().take(80).collect();
            let why = format!("no unit in {start:?}");
            first.get_or_insert(SourceError::Parse { what: argv.join(" "), why });
            continue;
        }
        if maps.is_empty() && (silent || has_maps(c.host)) {
            c.host.misread(&format!("`{}`", argv.join(" ")), &said);
        }
        for line in strange.iter().take(8) {
            c.problem(Reason::Unparsable, None, format!("line not understood: {line:?}"));
        }
        let lasting: Vec<Map> = maps.iter().map(|it| Map { faults: None, ..it.clone() }).collect();
        let print = fingerprint(&format!("{lasting:?}"));
        if !maps.is_empty() && print != memory.print {
            memory.print = print;
            c.evidence(argv.join(" "), &said);
        }
        return Ok(maps);
    }
    first.map_or(Ok(Vec::new()), Err)
}

/// Whether the kernel has a unit of multipath, whatever the daemon says.
fn has_maps(host: &dyn Host) -> bool {
    let names = host.list("sys/block").unwrap_or_default();
    let uuid = |name: &String| devices::word(host, &format!("sys/block/{name}/dm/uuid"));
    let mut mapped = names.iter().filter(|it| it.starts_with("dm-")).filter_map(uuid);
    mapped.any(|it| it.starts_with("mpath-"))
}

/// What the output leaves out and sysfs knows: the address of a path.
fn complete(c: &Collect<'_>, path: &mut map::Path) {
    if path.hctl.is_some() {
        return;
    }
    let target = c.host.link(&format!("sys/block/{}/device", path.device)).ok();
    let hctl = target.as_deref().and_then(|it| it.trim().rsplit('/').next()).unwrap_or_default();
    let parts: Vec<&str> = hctl.split(':').collect();
    if let [host, channel, unit, _] = parts[..] {
        path.hctl = Some(hctl.to_owned());
        path.port.get_or_insert_with(|| format!("host{host}"));
        path.target.get_or_insert_with(|| format!("{channel}:{unit}"));
    }
}

fn one(c: &mut Collect<'_>, map: &Map, now: Option<f64>, memory: &mut Memory) {
    let id = volumes::multipath(&map.wwid);
    let routes = map.routes();
    let known = memory.maps.get(&map.wwid).copied();
    let most = |now: usize, before: Option<usize>| now.max(before.unwrap_or(0));
    let ports = most(routes.ports.len(), known.map(|it| it.ports));
    let controllers = most(routes.controllers.len(), known.map(|it| it.controllers));
    if let Some(now) = now
        && ports == routes.ports.len()
        && controllers == routes.controllers.len()
    {
        memory.maps.insert(map.wwid.clone(), Remembered { ports, controllers, at: now });
    }
    // What falls first counts: the fewer ways that still lead; of equals those that there should be more of.
    let views = [(&routes.ports, ports), (&routes.controllers, controllers)];
    let leading = |routes: &[Route]| routes.iter().filter(|it| it.leads()).count();
    let (routes, width) = views
        .into_iter()
        .min_by_key(|(routes, width)| (leading(routes), usize::MAX - width))
        .unwrap_or((&routes.ports, ports));
    let missing = width.saturating_sub(routes.len());
    let mut members: Vec<Member> = routes.iter().map(member).collect();
    for _ in 0..missing {
        let name = "disappeared".to_owned();
        members.push(Member { slot: None, component: None, name, state: MemberState::Missing });
    }
    let set = (width > 0).then(|| Set {
        scheme: "multipath".to_owned(),
        width: u32::try_from(width).unwrap_or(u32::MAX),
        copies: 1,
        members,
    });
    component(c, map, &id, set);
    if routes.iter().all(|it| it.state != State::Unknown) {
        c.sample(&ROUTES, &id, count(leading(routes)));
    }
    c.sample(&MISSING, &id, count(missing));
    readings(c, map, &id);
}

fn member(route: &Route) -> Member {
    let state = match route.state {
        State::Up | State::Ghost => MemberState::Active,
        State::Down => MemberState::Failed,
        State::Unknown => MemberState::Unknown,
    };
    Member { slot: None, component: None, name: route.name.clone(), state }
}

fn component(c: &mut Collect<'_>, map: &Map, id: &ComponentId, set: Option<Set>) {
    let mut attrs = BTreeMap::from([("hw.wwn".to_owned(), map.wwid.clone())]);
    if !map.device.is_empty() {
        attrs.insert("system.device".to_owned(), format!("/dev/{}", map.device));
    }
    if !map.model.is_empty() {
        attrs.insert("hw.model".to_owned(), map.model.clone());
    }
    let down: Vec<String> =
        map.paths().filter(|it| it.state() == State::Down).take(16).map(map::Path::label).collect();
    attrs.insert(
        "multipath.paths.failed".to_owned(),
        if down.is_empty() { "-".to_owned() } else { down.join(", ") },
    );
    let disk = map.paths().map(|it| devices::disk(c.host, &it.device)).find(|it| it.stable);
    let links = disk.map(|it| Link { relation: Relation::On, to: it.id }).into_iter().collect();
    let name = if map.name.is_empty() { map.wwid.clone() } else { map.name.clone() };
    c.component(Component { id: id.clone(), name, attrs, links, set });
}

fn readings(c: &mut Collect<'_>, map: &Map, id: &ComponentId) {
    let of = |wanted: State| map.paths().filter(|it| it.state() == wanted).count();
    for (state, word) in [
        (State::Down, "down"),
        (State::Ghost, "ghost"),
        (State::Unknown, "unknown"),
        (State::Up, "up"),
    ] {
        c.sample_with(&PATHS, id, &[("multipath.path.state", word)], count(of(state)));
    }
    c.sample(&DOWN, id, count(of(State::Down)));
    // With a path of which nothing is known, "none usable" would be a guess.
    if of(State::Unknown) == 0 || of(State::Up) + of(State::Ghost) > 0 {
        c.sample(&USABLE, id, count(of(State::Up) + of(State::Ghost)));
    }
    if let Some(faults) = map.faults {
        c.sample(&FAULTS, id, faults);
    }
    if let Some(queues) = map.queues {
        c.state(&QUEUEING, id, if queues { "on" } else { "off" });
    }
    for path in map.paths().filter(|it| !it.is_known()) {
        let text =
            format!("{} {}: no state that is known: {:?}", map.name, path.device, path.checker);
        c.problem(Reason::Unparsable, Some(id), text);
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
