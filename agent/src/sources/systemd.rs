//! Units of systemd: failed, restarting and watched ones, and the manager itself.
//!
//! Facts: `systemctl(1)`, `systemd.service(5)`, `org.freedesktop.systemd1(5)`. Works from systemd 219 on (which has no
//! `NRestarts`). Only units with something to say are read out: and for a day after that, so that the collector sees
//! them get well, because silence would not close a case.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    host::SYSTEMCTL,
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
    needs: &[Need::Path("run/systemd/system"), Need::Program("systemctl")],
    programs: &[SYSTEMCTL],
    runs: &[
        "systemctl show --all --no-pager --property={word} {name}...",
        "systemctl is-system-running",
    ],
    harmless: Words {
        zh: "向 systemd 询问其保存在内存中的状态，不启动、停止或加载任何服务。",
        en: "Asks systemd for the states that it keeps in memory. No unit is started, stopped or loaded.",
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

const SHOW: [&str; 7] = [
    "systemctl",
    "show",
    "--all",
    "--no-pager",
    "--property=Id,LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,ExecMainStatus",
    "*.service",
    "*.mount",
];

/// Where the patterns begin in [`SHOW`].
const PATTERNS: usize = 5;

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
    manager(c);
    let output = c.host.run(&SHOW)?;
    let truncated = output.truncated;
    let text = if truncated { output.stdout } else { output.ok(&SHOW)? };
    let units = parse(&text);
    if units.is_empty() {
        let why = "no unit in systemctl's answer".to_owned();
        return Err(SourceError::Parse { what: SHOW[..4].join(" "), why });
    }
    if truncated {
        c.problem(
            Reason::Truncated,
            None,
            format!("systemctl's list of units was cut after {}", units.len()),
        );
    }
    totals(c, &units);
    proof(c, &text);

    let watched: Vec<String> = options.watch.iter().map(|it| full_name(it)).collect();
    let mut units = units;
    if !watched.is_empty() {
        units.extend(by_name(c, &watched));
    }
    let mut recent: BTreeMap<String, u32> =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
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

/// Units by their names: a pattern finds only those that systemd has in memory.
fn by_name(c: &mut Collect<'_>, names: &[String]) -> BTreeMap<String, Unit> {
    let argv: Vec<&str> =
        SHOW[..PATTERNS].iter().copied().chain(names.iter().map(String::as_str)).collect();
    let answer = c.host.run(&argv).and_then(|it| it.ok(&argv));
    match answer {
        Ok(text) => parse(&text),
        Err(error) => {
            c.problem(error.reason(), None, format!("watched units: {error}"));
            BTreeMap::new()
        }
    }
}

/// Names go to systemctl's command line, where a hyphen at the start would be an option and a star a pattern.
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

/// `degraded` comes with exit status 1: the word is the answer.
fn manager(c: &mut Collect<'_>) {
    match c.host.run(&["systemctl", "is-system-running"]) {
        Ok(output) => {
            let word = output.stdout.lines().next().unwrap_or_default().trim().to_owned();
            let known = [
                "initializing",
                "starting",
                "running",
                "degraded",
                "maintenance",
                "stopping",
                "offline",
            ];
            if known.contains(&word.as_str()) {
                c.state(&MANAGER, &ComponentId::host(), &word);
            } else {
                c.problem(
                    Reason::Unparsable,
                    None,
                    format!("systemctl is-system-running says {word:?}"),
                );
            }
        }
        Err(error) => c.problem(error.reason(), None, format!("state of systemd: {error}")),
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

/// Keeps what systemctl said of the units that failed; of the others nothing needs to be proved.
fn proof(c: &mut Collect<'_>, text: &str) {
    let failed: Vec<&str> = text
        .split("\n\n")
        .filter(|it| it.lines().any(|line| line.trim() == "ActiveState=failed"))
        .map(str::trim)
        .collect();
    if !failed.is_empty() {
        c.evidence(SHOW.join(" "), &failed.join("\n\n"));
    }
}

fn totals(c: &mut Collect<'_>, units: &BTreeMap<String, Unit>) {
    for state in ["activating", "active", "deactivating", "failed", "inactive"] {
        let count = units.values().filter(|it| it.get("ActiveState") == state).count();
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
