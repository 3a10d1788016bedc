//! VDO and other volumes of device-mapper: `dmsetup status`, which asks only the kernel, and `vdostats`.
//!
//! Facts: kernel documents of the targets (see [`status`]), `dmsetup(8)`, `vdostats(8)`. Thin pools, RAID, snapshots and
//! multipath are read here only where the tools of LVM and multipath are not installed, so that nothing is told twice.
//! A VDO that ran full or lost its storage turns read-only, while its filesystem still looks well.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use crate::{
    devices::{self, word},
    host::{Host, MDADM, Program},
    saved::{Form, Saved, Serves},
    source::{Collect, Need, Source, SourceError, Words, no_options},
    volumes,
};

mod metrics;

mod status;

use metrics::{DATA, HEALTH, INDEX, METADATA, MISMATCHES, MISSING, PATHS, SAVING};
use status::{Line, Said};

const DMSETUP: Program =
    Program { name: "dmsetup", places: &["/usr/sbin/dmsetup", "/sbin/dmsetup"], root: true };
const VDOSTATS: Program =
    Program { name: "vdostats", places: &["/usr/bin/vdostats", "/usr/sbin/vdostats"], root: true };

/// See the module.
pub const SOURCE: Source = Source {
    name: "vdo",
    title: Words { zh: "VDO 与映射设备", en: "VDO and mapped devices" },
    about: Words {
        zh: "VDO 卷的空间与模式；无 LVM、多路径工具时的精简池、RAID、快照与路径",
        en: "space and mode of VDO; thin pools, RAID, snapshots and paths where their own tools are missing",
    },
    needs: &[Need::Program("dmsetup")],
    programs: &[DMSETUP, MDADM, VDOSTATS],
    runs: &["dmsetup status", "vdostats", devices::MDADM_EXPORT],
    harmless: Words {
        zh: "只查询内核中映射设备的状态，不修改映射表，不读写数据。",
        en: "Asks the kernel for the state of its mapped devices; changes no table and reads no data.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(30),
    metrics: &[DATA, METADATA, SAVING, MISSING, MISMATCHES, PATHS],
    states: &[HEALTH, INDEX],
    events: &[],
    saved: Saved::Forms(&[
        Form {
            what: "`dmsetup status`",
            is: |text| text.lines().any(|it| it.contains(": 0 ") && !it.starts_with(' ')),
            serves: Serves::Command(&["dmsetup"]),
        },
        Form {
            what: "`vdo status`",
            is: |text| text.contains("Device mapper status:") && text.contains("VDOs:"),
            serves: Serves::Command(&["dmsetup"]),
        },
        Form {
            what: "`vdostats`",
            is: |text| text.contains("1K-blocks") && text.contains("Space saving"),
            serves: Serves::Command(&["vdostats"]),
        },
    ]),
    check: no_options,
    collect,
};

/// Mapped devices of one host that are told of.
const DEVICES_MAX: usize = 2048;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let argv = ["dmsetup", "status"];
    let output = c.host.run(&argv)?;
    let stderr = output.stderr.clone();
    let text = match output.ok(&argv) {
        Ok(text) => text,
        // A kernel without device-mapper has no mapped devices.
        Err(_) if stderr.contains("No such device") || stderr.contains("not available") => {
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    // Where there is no device it says so.
    if text.trim().is_empty() {
        c.host.misread("`dmsetup status`", "");
    }
    let (mut lines, strange) = status::parse(&text);
    if lines.is_empty() && !strange.is_empty() && !text.contains(": 0 ") {
        let start: String = text.chars().take(80).collect();
        let why = format!("no device in {start:?}");
        return Err(SourceError::Parse { what: argv.join(" "), why });
    }
    for line in strange.iter().take(8) {
        c.problem(Reason::Unparsable, None, format!("line not understood: {line:?}"));
    }
    if lines.len() > DEVICES_MAX {
        c.problem(Reason::Truncated, None, format!("{} targets, {DEVICES_MAX} read", lines.len()));
        lines.truncate(DEVICES_MAX);
    }
    let names = devices_by_name(c.host);
    let others = [
        ("lvs", &["thin-pool", "raid", "mirror", "snapshot", "snapshot-merge", "cache"][..]),
        ("multipathd", &["multipath"][..]),
    ];
    for (program, targets) in others {
        if c.host.has(Need::Program(program)) {
            lines.retain(|it| {
                !targets.contains(&it.target.as_str()) || !is_theirs(c.host, &names, it)
            });
        }
    }
    let savings = savings(c, &lines);
    let mut told: BTreeMap<ComponentId, String> = BTreeMap::new();
    for line in &lines {
        let device = names.get(&line.name);
        let id = id(c.host, line, device);
        if told.insert(id.clone(), line.name.clone()).is_some() {
            continue; // a further segment of the same device
        }
        one(c, line, &id, device, savings.get(&line.name).copied());
    }
    if !lines.is_empty() && c.changed(&lasting(&lines)) {
        c.evidence(argv.join(" "), &text);
    }
    Ok(())
}

/// Kernel names by the names of mapped devices.
fn devices_by_name(host: &dyn Host) -> BTreeMap<String, String> {
    let all = host.list("sys/block").unwrap_or_default();
    let mapped = all.into_iter().filter(|it| it.starts_with("dm-"));
    mapped.filter_map(|it| Some((word(host, &format!("sys/block/{it}/dm/name"))?, it))).collect()
}

/// Whether the tool that is installed knows this device: LVM only its own.
fn is_theirs(host: &dyn Host, names: &BTreeMap<String, String>, line: &Line) -> bool {
    let uuid = names.get(&line.name).and_then(|it| word(host, &format!("sys/block/{it}/dm/uuid")));
    uuid.is_none_or(|it| it.starts_with("LVM-") || it.starts_with("mpath-"))
}

/// By the device's UUID, which the volume manager gave it; by name where it has none.
fn id(host: &dyn Host, line: &Line, device: Option<&String>) -> ComponentId {
    let uuid = device.and_then(|it| word(host, &format!("sys/block/{it}/dm/uuid")));
    ComponentId::new("dm", uuid.as_deref().unwrap_or(&line.name))
}

fn one(
    c: &mut Collect<'_>,
    line: &Line,
    id: &ComponentId,
    device: Option<&String>,
    saving: Option<f64>,
) {
    let said = line.said();
    let mut attrs = BTreeMap::from([
        ("dm.target".to_owned(), line.target.clone()),
        ("system.device".to_owned(), format!("/dev/mapper/{}", line.name)),
    ]);
    if !id.key().contains('-') || device.is_none() {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    let under = device.map(|it| volumes::under(c.host, it)).unwrap_or_default();
    let links = under.into_iter().map(|to| Link { relation: Relation::On, to }).collect();
    let set = said.as_ref().and_then(set);
    c.component(Component { id: id.clone(), name: line.name.clone(), attrs, links, set });
    // The volume that people know stands on it, so that what is used through the volume counts.
    for volume in device.map(|it| volumes::below(c.host, it)).unwrap_or_default() {
        if matches!(volume.kind(), "lv" | "multipath") {
            let links = vec![Link { relation: Relation::On, to: id.clone() }];
            let lv = volume.kind() == "lv";
            let name = if lv { volumes::plain(&line.name) } else { line.name.clone() };
            c.component(Component { id: volume, name, attrs: BTreeMap::new(), links, set: None });
        }
    }
    let Some(said) = said else {
        c.state(&HEALTH, id, "unknown");
        let text: String = line.args.join(" ").chars().take(200).collect();
        let text = format!("{}: status of {} not understood: {text:?}", line.name, line.target);
        return c.problem(Reason::Unparsable, Some(id), text);
    };
    readings(c, id, &said, saving);
}

fn set(said: &Said) -> Option<Set> {
    let scheme = said.scheme.clone()?;
    let width = u32::try_from(said.members.len()).ok()?;
    let member = |(slot, state): (usize, &MemberState)| Member {
        slot: u32::try_from(slot).ok(),
        component: None,
        name: format!("#{slot}"),
        state: *state,
    };
    let copies = match scheme.as_str() {
        "raid1" => width,
        "raid10" => 2,
        _ => 1,
    };
    Some(Set {
        scheme,
        width,
        copies,
        members: said.members.iter().enumerate().map(member).collect(),
    })
}

fn readings(c: &mut Collect<'_>, id: &ComponentId, said: &Said, saving: Option<f64>) {
    c.state(&HEALTH, id, said.health);
    if said.health == "unknown" {
        c.problem(Reason::Unparsable, Some(id), format!("{}: no mode that is known", id.key()));
    }
    if let Some(index) = &said.index {
        c.state(&INDEX, id, index);
    }
    let values = [(&DATA, said.data), (&METADATA, said.metadata), (&SAVING, saving)];
    for (metric, value) in values.into_iter().chain([(&MISMATCHES, said.mismatches)]) {
        if let Some(value) = value {
            c.sample(metric, id, value);
        }
    }
    if !said.members.is_empty() {
        let lost = |it: &&MemberState| !matches!(it, MemberState::Active | MemberState::Unknown);
        c.sample(&MISSING, id, count(said.members.iter().filter(lost).count()));
    }
    if let Some((up, down)) = said.paths {
        c.sample_with(&PATHS, id, &[("multipath.path.state", "down")], count(down));
        c.sample_with(&PATHS, id, &[("multipath.path.state", "up")], count(up));
    }
}

/// What VDOs save, by their names. Asked only where there is a VDO.
fn savings(c: &mut Collect<'_>, lines: &[Line]) -> BTreeMap<String, f64> {
    if !lines.iter().any(|it| it.target == "vdo") {
        return BTreeMap::new();
    }
    let argv = ["vdostats"];
    let text = match c.host.run(&argv).and_then(|it| it.ok(&argv)) {
        Ok(text) => text,
        Err(error) if error.reason() == Reason::Missing => return BTreeMap::new(),
        Err(error) => {
            c.problem(error.reason(), None, format!("what VDO saves: {error}"));
            return BTreeMap::new();
        }
    };
    // `/dev/mapper/vdo0  1048576  524288  524288  50%  62%`; N/A while it starts.
    let saving = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words.first()?.rsplit('/').next()?.to_owned();
        let share: f64 = words.get(5)?.strip_suffix('%')?.parse().ok()?;
        (0.0..=100.0).contains(&share).then_some((name, share / 100.0))
    };
    let mut lines = text.lines();
    if !lines.next().is_some_and(|it| it.trim_start().starts_with("Device")) {
        c.host.misread("`vdostats`", &text);
        return BTreeMap::new();
    }
    lines.filter_map(saving).collect()
}

/// The lines without what changes at every look.
fn lasting(lines: &[Line]) -> String {
    let kept = |it: &Line| match it.said() {
        Some(said) => format!("{} {} {:?} {:?}", it.name, said.health, said.members, said.paths),
        None => format!("{it:?}"),
    };
    lines.iter().map(kept).collect()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
