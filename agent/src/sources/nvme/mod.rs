//! NVMe controllers, their namespaces and the paths to them, as the kernel keeps them in sysfs; no root needed.
//!
//! Facts: kernel documents `sysfs-nvme`, `nvme-multipath`, drivers/nvme/host/{core,sysfs,multipath,hwmon}.c. A local
//! drive is the same component as smart's (by serial number). A subsystem reached through several controllers (fabrics,
//! dual-ported drives) is a multipath set whose members are the controllers; one that went is remembered for a month,
//! because the kernel forgets it ten minutes after its path broke. A live controller whose namespace is `inaccessible`
//! is a standby path, which is normal as long as another one serves.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Reason, Relation, Set};

use crate::{
    devices,
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, no_options},
};

mod heat;

mod known;

mod tree;

use known::Known;
use tree::{Controller, Namespace, Subsystem};

/// See the module.
pub const SOURCE: Source = Source {
    name: "nvme",
    title: Words { zh: "NVMe 控制器与路径", en: "NVMe controllers and paths" },
    about: Words {
        zh: "NVMe 控制器状态、命名空间、多路径（ANA）与温度",
        en: "NVMe controllers: state, namespaces, paths (ANA), temperature",
    },
    needs: &[Need::Path("sys/class/nvme")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只读取内核在 sysfs 中保存的状态；仅对工作正常的控制器读取温度（内核为此读取一次 SMART 日志）。",
        en: "Reads the states that the kernel keeps in sysfs. Only controllers that are live are asked for their \
             temperature, for which the kernel reads their SMART log once.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(45),
    metrics: &[NAMESPACES, PATHS, USABLE, heat::TEMPERATURE, heat::LIMIT],
    states: &[STATE, heat::ALARM, IO_POLICY],
    events: &[],
    saved: Saved::Nothing,
    check: no_options,
    collect,
};

const NAMESPACES: Metric = Metric::gauge(
    "hw.nvme.namespaces",
    "{namespace}",
    "命名空间数",
    "Namespaces that the drive offers.",
);
const PATHS: Metric = Metric::gauge(
    "hw.nvme.paths",
    "{path}",
    "NVMe 路径数",
    "Paths to a namespace by hw.nvme.path.state: optimized, non_optimized, inaccessible (standby), change, \
     persistent_loss, unknown; down where the controller is not live, missing where it is gone.",
);
const USABLE: Metric = Metric::gauge(
    "hw.nvme.paths.usable",
    "{path}",
    "可用 NVMe 路径数",
    "Paths over which a namespace can be read and written now.",
);
const STATE: Metric = Metric::word(
    "hw.nvme.controller.state",
    "NVMe 控制器状态",
    "The kernel's word: live, new, resetting, connecting, deleting, dead; missing for a path that is gone.",
);
const IO_POLICY: Metric = Metric::word(
    "hw.nvme.io_policy",
    "NVMe 多路径策略",
    "How I/O is spread over the paths: numa, round-robin, queue-depth.",
);

/// Kind of a controller that is one of several ways to a subsystem.
const CONTROLLER: &str = "nvme";

/// What the kernel calls a controller (drivers/nvme/host/sysfs.c); `reconnecting` until 4.17.
const STATES: &[&str] = &[
    "connecting",
    "dead",
    "deleting",
    "deleting (no IO)",
    "live",
    "new",
    "only-admin live",
    "reconnecting",
    "resetting",
];

/// More controllers than any host has.
const CONTROLLERS_MAX: usize = 1024;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    c.host.list("sys/class/nvme")?;
    let before = c.host.kept_back();
    let mut subsystems = tree::read(c.host);
    let whole = c.host.kept_back() == before;
    let found = subsystems.iter().map(|it| it.controllers.len()).sum::<usize>();
    if found > CONTROLLERS_MAX {
        let text = format!("{found} NVMe controllers, {CONTROLLERS_MAX} at most are read");
        c.problem(Reason::Truncated, None, text);
        let mut room = CONTROLLERS_MAX;
        subsystems.retain(|it| {
            let fits = it.controllers.len() <= room;
            room = room.saturating_sub(it.controllers.len());
            fits
        });
    }
    let mut known = Known::load(c.cursor.as_deref());
    for subsystem in &subsystems {
        match &subsystem.controllers[..] {
            [one] if one.is_local() && !known.had_several(&subsystem.nqn) => {
                drive(c, subsystem, one, whole);
            }
            _ => shared(c, subsystem, &mut known, whole),
        }
    }
    known.keep_only(&subsystems);
    *c.cursor = known.save();
    // Last: the one question that goes to the devices themselves.
    for subsystem in &subsystems {
        let single = subsystem.controllers.len() == 1;
        for controller in subsystem.controllers.iter().filter(|it| it.state() == "live") {
            let own = if single && controller.is_local() {
                drive_id(subsystem, controller)
            } else {
                controller_id(subsystem, controller)
            };
            heat::read(c, &own, controller);
        }
    }
    Ok(())
}

/// A drive in this machine: controller and drive are one component.
fn drive(c: &mut Collect<'_>, subsystem: &Subsystem, controller: &Controller, whole: bool) {
    let id = drive_id(subsystem, controller);
    let mut attrs = attributes(subsystem, controller);
    let stable = devices::disk_identity(Some(&subsystem.serial), None, "").stable;
    if !stable {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    if let [one] = &subsystem.namespaces[..] {
        attrs.insert("system.device".to_owned(), format!("/dev/{}", one.name));
    }
    let name = match &subsystem.namespaces[..] {
        [one] => one.name.clone(),
        _ => controller.name.clone(),
    };
    let links = pci(controller);
    c.component(Component { id: id.clone(), name, attrs, links, set: None });
    state(c, &id, controller);
    if whole {
        c.sample(&NAMESPACES, &id, count(subsystem.namespaces.len()));
    }
    for namespace in &subsystem.namespaces {
        let own = namespace_id(subsystem, namespace);
        if own != id && stable {
            let attrs = [("system.device".to_owned(), format!("/dev/{}", namespace.name))];
            c.component(Component {
                id: own,
                name: namespace.name.clone(),
                attrs: attrs.into(),
                links: vec![Link { relation: Relation::On, to: id.clone() }],
                set: None,
            });
        }
    }
}

/// A subsystem with several controllers: each is a component, each namespace a set of paths.
fn shared(c: &mut Collect<'_>, subsystem: &Subsystem, known: &mut Known, whole: bool) {
    for controller in &subsystem.controllers {
        let id = controller_id(subsystem, controller);
        c.component(Component {
            id: id.clone(),
            name: path_name(controller),
            attrs: attributes(subsystem, controller),
            links: pci(controller),
            set: None,
        });
        state(c, &id, controller);
    }
    // A controller that could not be read is not gone.
    let gone = if whole { known.gone(subsystem) } else { Vec::new() };
    for (key, name) in &gone {
        let id = ComponentId::new(CONTROLLER, key);
        c.component(Component {
            id: id.clone(),
            name: name.clone(),
            attrs: BTreeMap::from([("hw.model".to_owned(), subsystem.model.clone())]),
            links: Vec::new(),
            set: None,
        });
        c.state(&STATE, &id, "missing");
    }
    for namespace in &subsystem.namespaces {
        paths(c, subsystem, namespace, &gone, whole);
    }
}

fn paths(
    c: &mut Collect<'_>,
    subsystem: &Subsystem,
    namespace: &Namespace,
    gone: &[(String, String)],
    whole: bool,
) {
    let id = namespace_id(subsystem, namespace);
    let found = namespace.paths(subsystem);
    let served = found.iter().any(|(_, word)| matches!(*word, "optimized" | "non_optimized"));
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut members = Vec::new();
    let mut usable = 0_u32;
    for (controller, word) in &found {
        let word = if controller.is_live() { word } else { "down" };
        let state = match word {
            "optimized" | "non_optimized" => MemberState::Active,
            // A standby path takes over when the others go.
            "inaccessible" if served => MemberState::Active,
            "change" | "unknown" => MemberState::Unknown,
            _ => MemberState::Failed,
        };
        *counts.entry(word).or_default() += 1;
        usable += u32::from(matches!(word, "optimized" | "non_optimized"));
        members.push(Member {
            slot: None,
            component: Some(controller_id(subsystem, controller)),
            name: path_name(controller),
            state,
        });
        if word == "unknown" {
            let text = format!("{}: ANA state of {} is not known", namespace.name, controller.name);
            c.problem(Reason::Unparsable, Some(&id), text);
        }
    }
    for (key, name) in gone {
        *counts.entry("missing").or_default() += 1;
        members.push(Member {
            slot: None,
            component: Some(ComponentId::new(CONTROLLER, key)),
            name: name.clone(),
            state: MemberState::Missing,
        });
    }
    let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let set = Set { scheme: "multipath".to_owned(), width, copies: 1, members };
    let mut attrs = BTreeMap::from([
        ("hw.model".to_owned(), subsystem.model.clone()),
        ("hw.serial_number".to_owned(), subsystem.serial.clone()),
        ("hw.nvme.subsystem".to_owned(), subsystem.nqn.clone()),
        ("system.device".to_owned(), format!("/dev/{}", namespace.name)),
    ]);
    attrs.retain(|_, it| !it.is_empty());
    let name = namespace.name.clone();
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: Some(set) });
    // A path that could not be read is neither usable nor lost.
    if !whole {
        return;
    }
    for (word, number) in counts {
        c.sample_with(&PATHS, &id, &[("hw.nvme.path.state", word)], f64::from(number));
    }
    c.sample(&USABLE, &id, f64::from(usable));
    if let Some(policy) = &subsystem.io_policy {
        c.state(&IO_POLICY, &id, policy);
    }
}

fn state(c: &mut Collect<'_>, id: &ComponentId, controller: &Controller) {
    match controller.state.as_deref() {
        Some(word) if STATES.contains(&word) => c.state(&STATE, id, controller.state()),
        Some(word) => {
            c.state(&STATE, id, "unknown");
            let text = format!("{}: /{}/state holds {word:?}", controller.name, controller.dir);
            c.problem(Reason::Unparsable, Some(id), text);
        }
        // Kernels before 4.12 do not tell.
        None => c.problem(
            Reason::Unsupported,
            Some(id),
            format!("{}: the kernel does not tell the controller's state", controller.name),
        ),
    }
}

fn attributes(subsystem: &Subsystem, controller: &Controller) -> BTreeMap<String, String> {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let mut attrs = BTreeMap::from([
        ("hw.firmware_version".to_owned(), text(&controller.firmware)),
        ("hw.model".to_owned(), subsystem.model.clone()),
        ("hw.nvme.address".to_owned(), text(&controller.address)),
        ("hw.nvme.controller".to_owned(), controller.name.clone()),
        ("hw.nvme.subsystem".to_owned(), subsystem.nqn.clone()),
        ("hw.nvme.transport".to_owned(), text(&controller.transport)),
        ("hw.serial_number".to_owned(), subsystem.serial.clone()),
    ]);
    attrs.retain(|_, it| !it.is_empty());
    attrs
}

/// The PCIe device that a local controller is.
fn pci(controller: &Controller) -> Vec<Link> {
    let address = controller.address.as_deref().filter(|_| controller.is_local());
    let to = address.map(|it| ComponentId::new("pci", it));
    to.map(|to| Link { relation: Relation::Via, to }).into_iter().collect()
}

/// The drive as a whole, in the same words as smart's.
fn drive_id(subsystem: &Subsystem, controller: &Controller) -> ComponentId {
    let first = subsystem.namespaces.first();
    let name = first.map_or(controller.name.as_str(), |it| it.name.as_str());
    let wwn = first.and_then(|it| it.wwid.as_deref());
    devices::disk_identity(Some(&subsystem.serial), wwn, name).id
}

fn namespace_id(subsystem: &Subsystem, namespace: &Namespace) -> ComponentId {
    let wwid = namespace.wwid.as_deref();
    let serial = Some(subsystem.serial.as_str());
    let identity = devices::disk_identity(serial, wwid, &namespace.name);
    devices::of_namespace(identity, namespace.nsid.as_deref()).id
}

fn controller_id(subsystem: &Subsystem, controller: &Controller) -> ComponentId {
    ComponentId::new(CONTROLLER, &known::key(subsystem, controller))
}

/// `nvme3 tcp 10.0.0.1:4420`.
fn path_name(controller: &Controller) -> String {
    let transport = controller.transport.as_deref().unwrap_or_default();
    format!("{} {transport} {}", controller.name, controller.short_address())
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
