//! Units of systemd: failed, restarting and watched ones, and the manager itself.
//!
//! Facts: `org.freedesktop.systemd1(5)`, `systemd.service(5)`. Works from systemd 219 on (which has no `NRestarts`). Only
//! units with something to say are read out: and for a day after that, so that the collector sees them get well, because
//! silence would not close a case.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    saved::Saved,
    source::{Collect, Metric, Need, Source, SourceError, Words, check_options},
};

/// See the module.
pub const SOURCE: Source = Source {
    name: "systemd",
    title: Words { zh: "系统服务", en: "system services" },
    about: Words {
        zh: "系统服务：失败、反复重启、重点关注的服务",
        en: "services: failed, restarting, watched",
    },
    needs: &[Need::Path("run/systemd/system")],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "经 D-Bus 读取 systemd 保存在内存中的单元状态（ListUnits 及少量属性），不运行任何程序，不启动或停止任何服务。",
        en: "Asks systemd over D-Bus for the states that it keeps in memory (ListUnits and a few properties). No program is run, no unit is started or stopped.",
    },
    every: Duration::from_secs(60),
    deadline: Duration::from_secs(45),
    metrics: &[UNITS, RESTARTS, STATUS],
    states: &[MANAGER, ACTIVE, SUB, LOAD, RESULT, ENABLED],
    events: &[],
    saved: Saved::Nothing,
    check,
    collect,
};

const UNITS: Metric = Metric::gauge(
    "systemd.units",
    "{unit}",
    "服务单元数",
    "Services and mounts by systemd.unit.active_state.",
);
const RESTARTS: Metric = Metric::counter(
    "systemd.unit.restarts",
    "{restart}",
    "重启次数",
    "Times systemd restarted the service by itself since it was last started by hand.",
);
const STATUS: Metric = Metric::gauge(
    "systemd.unit.exit_status",
    "{status}",
    "退出码",
    "Exit status or signal of a failed service's main process.",
);
const MANAGER: Metric = Metric::word(
    "systemd.manager.state",
    "systemd 总体状态",
    "What systemd says of the whole: running, degraded, maintenance, starting.",
);
const ACTIVE: Metric = Metric::word(
    "systemd.unit.active_state",
    "服务状态",
    "active, inactive, failed, activating, deactivating.",
);
const SUB: Metric = Metric::word(
    "systemd.unit.sub_state",
    "服务子状态",
    "The kind's own word: running, exited, dead, auto-restart.",
);
const LOAD: Metric = Metric::word(
    "systemd.unit.load_state",
    "加载状态",
    "loaded, masked, error; not-found for a watched unit that is not there.",
);
const RESULT: Metric = Metric::word(
    "systemd.unit.result",
    "结束结果",
    "How it ended: success, exit-code, signal, timeout, oom-kill.",
);
const ENABLED: Metric = Metric::word(
    "systemd.unit.file_state",
    "开机启动",
    "Whether it starts at boot: enabled, disabled, static.",
);

/// The source's config section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Units whose absence or rest is a fault: `nginx`, `lustre.mount`.
    watch: Vec<String>,
}

/// How long systemd may take for everything: it answers within milliseconds unless it is stuck itself.
const WAIT: Duration = Duration::from_secs(30);

/// Name of what is kept as proof.
const PROOF: &str = "org.freedesktop.systemd1 ListUnits";

/// Units read out in one run; more failures than that have one cause.
const UNITS_MAX: usize = 200;

/// Runs for which a unit that had something to say is read out: a day.
const AFTERMATH: u32 = 24 * 60;

/// Properties of one unit.
#[derive(Debug, Clone, Default, PartialEq)]
struct Unit(BTreeMap<String, String>);

impl Unit {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Worth reading out by itself.
    fn is_remarkable(&self) -> bool {
        let ended_badly =
            !matches!(self.get("Result"), "" | "success") && self.get("ActiveState") == "inactive";
        self.get("ActiveState") == "failed"
            || self.get("SubState") == "auto-restart"
            || self.get("NRestarts").parse::<u64>().is_ok_and(|it| it > 0)
            || ended_badly && self.get("UnitFileState").starts_with("enabled")
            || matches!(self.get("LoadState"), "error" | "bad-setting")
    }
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options: Options = c.options.clone().try_into().unwrap_or_default();
    let watched: Vec<String> = options.watch.iter().map(|it| full_name(it)).collect();
    let mut recent: BTreeMap<String, u32> =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let named: Vec<&str> = watched.iter().chain(recent.keys()).map(String::as_str).collect();
    let text = c.host.units(&named, WAIT)?;
    let units = parse(&text);
    if units.is_empty() {
        let why = "no unit in systemd's answer".to_owned();
        return Err(SourceError::Parse { what: PROOF.to_owned(), why });
    }
    manager(c, &text);
    totals(c, &units);
    proof(c, &text);
    recent.values_mut().for_each(|left| *left = left.saturating_sub(1));
    recent.retain(|_, left| *left > 0);
    for (name, unit) in &units {
        if unit.is_remarkable() {
            recent.insert(name.clone(), AFTERMATH);
        }
    }
    let mut names: Vec<&String> = watched.iter().collect();
    // The freshest first, if there are too many.
    let mut others: Vec<(&u32, &String)> = recent.iter().map(|(name, left)| (left, name)).collect();
    others.sort_by(|a, b| b.0.cmp(a.0).then(a.1.cmp(b.1)));
    names.extend(others.into_iter().map(|it| it.1).filter(|it| !watched.contains(it)));
    if names.len() > UNITS_MAX {
        c.problem(
            Reason::Truncated,
            None,
            format!("{} units have something to say, {UNITS_MAX} read out", names.len()),
        );
        names.truncate(UNITS_MAX);
    }
    for name in names {
        one(c, name, units.get(name), watched.contains(name));
    }
    *c.cursor = if recent.is_empty() { None } else { serde_json::to_string(&recent).ok() };
    Ok(())
}

/// Names are asked for one by one: a star would be no pattern, and what systemd cannot know is a mistake.
fn check(table: &toml::Table) -> Result<(), String> {
    check_options::<Options>(table)?;
    let options: Options = table.clone().try_into().unwrap_or_default();
    let fine = |it: char| it.is_ascii_alphanumeric() || "@:._\\-".contains(it);
    let wrong: Vec<String> = options
        .watch
        .iter()
        .filter(|it| it.is_empty() || it.starts_with('-') || !it.chars().all(fine))
        .map(|it| format!("watch: {it:?} is not the name of a unit; wanted is one like \"nginx\" or \"data.mount\""))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// What systemd says of the whole.
fn manager(c: &mut Collect<'_>, text: &str) {
    const KNOWN: [&str; 7] =
        ["initializing", "starting", "running", "degraded", "maintenance", "stopping", "offline"];
    match text.lines().find_map(|it| it.strip_prefix("SystemState=")).map(str::trim) {
        Some(word) if KNOWN.contains(&word) => c.state(&MANAGER, &ComponentId::host(), word),
        Some(word) => {
            let text = format!("systemd calls its own state {word:?}");
            c.problem(Reason::Unparsable, None, text);
        }
        None => c.problem(Reason::Missing, None, "systemd does not tell its own state"),
    }
}

/// Blocks of `Name=value` lines with an empty line between units; the order of the names differs by version.
fn parse(text: &str) -> BTreeMap<String, Unit> {
    let mut units = BTreeMap::new();
    let mut unit = Unit::default();
    for line in text.lines().chain([""]) {
        if let Some((name, value)) = line.split_once('=') {
            unit.0.insert(name.trim().to_owned(), value.trim().to_owned());
        } else if line.trim().is_empty() {
            let unit = std::mem::take(&mut unit);
            if !unit.get("Id").is_empty() {
                units.insert(unit.get("Id").to_owned(), unit);
            }
        }
    }
    units
}

fn full_name(name: &str) -> String {
    const KINDS: [&str; 7] =
        [".service", ".mount", ".socket", ".timer", ".target", ".path", ".slice"];
    if KINDS.iter().any(|it| name.ends_with(it)) {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

/// Keeps what systemd said of the units that failed; of the others nothing needs to be proved.
fn proof(c: &mut Collect<'_>, text: &str) {
    let failed: Vec<&str> = text
        .split("\n\n")
        .filter(|it| it.lines().any(|line| line.trim() == "ActiveState=failed"))
        .map(str::trim)
        .collect();
    if !failed.is_empty() {
        c.evidence(PROOF, &failed.join("\n\n"));
    }
}

fn totals(c: &mut Collect<'_>, units: &BTreeMap<String, Unit>) {
    // What others only mention, and a watched unit that is not there, are none.
    let counts = |(name, unit): &(&String, &Unit)| {
        (name.ends_with(".service") || name.ends_with(".mount"))
            && unit.get("LoadState") != "not-found"
    };
    for state in ["activating", "active", "deactivating", "failed", "inactive"] {
        let units = units.iter().filter(counts);
        let count = units.filter(|(_, it)| it.get("ActiveState") == state).count();
        let count = u32::try_from(count).map_or(f64::MAX, f64::from);
        c.sample_with(&UNITS, &ComponentId::host(), &[("systemd.unit.active_state", state)], count);
    }
}

fn one(c: &mut Collect<'_>, name: &str, unit: Option<&Unit>, watched: bool) {
    let id = ComponentId::new("unit", name);
    let attrs = [("systemd.unit.watched".to_owned(), "true".to_owned())]
        .into_iter()
        .filter(|_| watched)
        .collect();
    c.component(Component {
        id: id.clone(),
        name: name.to_owned(),
        attrs,
        links: Vec::new(),
        set: None,
    });
    let Some(unit) = unit else {
        // Gone from memory: systemd forgets units that are at rest and that nobody asks for.
        c.state(&LOAD, &id, "not-found");
        c.state(&ACTIVE, &id, "inactive");
        return;
    };
    for (metric, property) in [
        (&ACTIVE, "ActiveState"),
        (&SUB, "SubState"),
        (&LOAD, "LoadState"),
        (&RESULT, "Result"),
        (&ENABLED, "UnitFileState"),
    ] {
        if !unit.get(property).is_empty() {
            c.state(metric, &id, unit.get(property));
        }
    }
    if let Ok(restarts) = unit.get("NRestarts").parse() {
        c.sample(&RESTARTS, &id, restarts);
    }
    if let (true, Ok(status)) =
        (unit.get("ActiveState") == "failed", unit.get("ExecMainStatus").parse())
    {
        c.sample(&STATUS, &id, status);
    }
}
