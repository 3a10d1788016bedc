//! Veritas Volume Manager: disk groups, volumes, plexes and disks, from `vxprint`, `vxdisk` and `vxdg`.
//!
//! Facts: `vxprint(1M)`, `vxdisk(1M)`, `vxdg(1M)`, `vxinfo(1M)`. A volume serves while its kernel state is ENABLED; a
//! mirror loses a copy when a plex goes DISABLED or DETACHED, whatever the volume's own state says.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices,
    host::{MDADM, Program},
    saved::{Form, Saved, Serves},
    source::{Collect, Need, Source, SourceError, Words, no_options},
    volumes,
};

mod emit;

mod metrics;

mod print;

use metrics::{DISK, GROUP, KERNEL, MISSING, SIZE, SPARES, STATE};

const VXPRINT: Program = Program {
    name: "vxprint",
    places: &["/usr/sbin/vxprint", "/sbin/vxprint", "/opt/VRTS/bin/vxprint"],
    root: true,
};
const VXDISK: Program = Program {
    name: "vxdisk",
    places: &["/usr/sbin/vxdisk", "/sbin/vxdisk", "/opt/VRTS/bin/vxdisk"],
    root: true,
};
const VXDG: Program = Program {
    name: "vxdg",
    places: &["/usr/sbin/vxdg", "/sbin/vxdg", "/opt/VRTS/bin/vxdg"],
    root: true,
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "vxvm",
    title: Words { zh: "VxVM 卷管理", en: "Veritas Volume Manager" },
    about: Words {
        zh: "磁盘组、卷、plex 与磁盘状态",
        en: "disk groups, volumes, plexes and disks",
    },
    needs: &[Need::Program("vxprint")],
    programs: &[MDADM, VXDG, VXDISK, VXPRINT],
    runs: &["vxprint -Aht", "vxdisk -o alldgs list", "vxdg list", devices::MDADM_EXPORT],
    harmless: Words {
        zh: "只查询 vxconfigd 已有的配置与状态，不扫描设备，不导入或修改磁盘组。",
        en: "Asks vxconfigd for the configuration and state that it holds; scans no device, imports and changes no group.",
    },
    every: Duration::from_secs(120),
    deadline: Duration::from_secs(60),
    metrics: &[SIZE, MISSING, SPARES],
    states: &[KERNEL, STATE, DISK, GROUP],
    events: &[],
    saved: Saved::Forms(&[
        Form {
            what: "`vxprint -Aht`",
            is: |text| text.contains("Disk group:") || text.contains("PL NAME"),
            serves: Serves::Command(&["vxprint"]),
        },
        Form {
            what: "`vxdisk -o alldgs list`",
            is: |text| text.trim_start().starts_with("DEVICE") && text.contains("STATUS"),
            serves: Serves::Command(&["vxdisk"]),
        },
        Form {
            what: "`vxdg list`",
            is: |text| text.trim_start().starts_with("NAME") && text.contains("STATE"),
            serves: Serves::Command(&["vxdg"]),
        },
    ]),
    check: no_options,
    collect,
};

/// Volumes, and disks, of one host that are told of.
const ITEMS_MAX: usize = 4096;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let printed = ask(c, &["vxprint", "-Aht"]);
    let listed = ask(c, &["vxdisk", "-o", "alldgs", "list"]);
    let states = ask(c, &["vxdg", "list"]);
    let (groups, disks, states) = match (printed, listed, states) {
        (Err(error), Err(_), _) => return Err(error),
        (printed, listed, states) => (part(c, printed), part(c, listed), part(c, states)),
    };
    let evidence = format!("{groups}\n{disks}\n{states}");
    let (groups, strange) = print::print(&groups);
    let (mut disks, more) = print::disks(&disks);
    for line in strange.iter().chain(&more).take(16) {
        c.problem(Reason::Unparsable, None, format!("line not understood: {line:?}"));
    }
    let volumes: usize = groups.iter().map(|it| it.volumes.len()).sum();
    if volumes > ITEMS_MAX || disks.len() > ITEMS_MAX {
        let text = format!("{volumes} volumes and {} disks, {ITEMS_MAX} read", disks.len());
        c.problem(Reason::Truncated, None, text);
        disks.truncate(ITEMS_MAX);
    }
    emit::disks(c, &disks);
    let mut left = ITEMS_MAX;
    for group in &groups {
        left = emit::group(c, group, &disks, left);
    }
    group_states(c, &states, &groups);
    if (!groups.is_empty() || !disks.is_empty()) && c.changed(&evidence) {
        c.evidence("vxprint -Aht, vxdisk -o alldgs list, vxdg list", &evidence);
    }
    Ok(())
}

fn ask(c: &Collect<'_>, argv: &[&str]) -> Result<String, SourceError> {
    let output = c.host.run(argv)?;
    // Without any group vxprint ends with a status and an empty answer.
    let nothing = output.stdout.trim().is_empty()
        && (output.stderr.contains("no disk groups") || output.stderr.contains("No disk groups"));
    if nothing {
        return Ok(String::new());
    }
    let text = output.ok(argv)?;
    if text.trim().is_empty() {
        c.host.misread(&format!("`{}`", argv.join(" ")), "");
    }
    Ok(text)
}

/// An answer, or nothing and a problem.
fn part(c: &mut Collect<'_>, answer: Result<String, SourceError>) -> String {
    match answer {
        Ok(text) => text,
        Err(SourceError::Host(error)) if error.reason() == Reason::Missing => String::new(),
        Err(SourceError::Host(error)) => {
            c.problem(error.reason(), None, error.to_string());
            String::new()
        }
        Err(error) => {
            c.problem(Reason::Unparsable, None, error.to_string());
            String::new()
        }
    }
}

/// `datadg  enabled,cds  1283.9.host`.
fn group_states(c: &mut Collect<'_>, text: &str, groups: &[print::Group]) {
    if !text.trim().is_empty() && !text.trim_start().starts_with("NAME") {
        return c.host.misread("`vxdg list`", text);
    }
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines().filter(|it| !it.trim_start().starts_with("NAME")) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(state)) = (words.next(), words.next()) else { continue };
        let word = state.split(',').next().unwrap_or_default().to_lowercase();
        told.insert(name.to_owned(), word);
    }
    for (name, state) in &told {
        let id = ComponentId::new("vxdg", name);
        if !groups.iter().any(|it| it.name == *name) {
            let attrs = BTreeMap::new();
            let name = name.clone();
            c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
        }
        let known = ["enabled", "disabled", "deported"].contains(&state.as_str());
        c.state(&GROUP, &id, if known { state } else { "unknown" });
        if !known {
            c.problem(Reason::Unparsable, Some(&id), format!("no state that is known: {state:?}"));
        }
    }
}

/// The component of a volume; VxVM shows it as `/dev/vx/dsk/GROUP/VOLUME`, which mounts name too.
fn volume_id(group: &str, volume: &str) -> ComponentId {
    volumes::vxvm(group, volume)
}
