//! The management controller (BMC) over the host's own interface: sensors, power supplies and fans as protected sets,
//! the hardware event log, inventories.
//!
//! Facts: IPMI 2.0 specification, ipmitool(1). A list that says `ok` beside a failed power supply is not asked for:
//! asserted states are read. Invariants: a controller that does not answer makes everything unknown, never normal; a
//! sensor without a reading is named if it ever had one; what a state means is told by the sensor's type.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    hardware::POWER,
    host::{HostError, IPMITOOL, Output},
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, check_options, fingerprint},
};

mod board;

mod emit;

mod history;

mod log;

mod meaning;

mod metrics;

mod parts;

mod reading;

mod saved;

mod sdr;

mod sets;

mod table;

use board::Inventory;
use metrics as m;
use sets::Expected;

/// See the module.
pub const SOURCE: Source = Source {
    name: "ipmi",
    title: Words { zh: "BMC 与硬件传感器", en: "Management controller and sensors" },
    about: Words {
        zh: "BMC 传感器、电源与风扇冗余、硬件事件日志（SEL）、部件信息",
        en: "sensors, redundancy of power supplies and fans, hardware event log and inventories of the BMC",
    },
    needs: &[
        Need::Any(&[
            Need::Path("dev/ipmi0"),
            Need::Path("dev/ipmi/0"),
            Need::Path("dev/ipmidev/0"),
        ]),
        Need::Program("ipmitool"),
    ],
    programs: &[IPMITOOL],
    runs: &[
        "ipmitool mc info",
        "ipmitool -v sdr list all",
        "ipmitool chassis status",
        "ipmitool sel info",
        "ipmitool sel time get",
        "ipmitool sel elist",
        "ipmitool fru print",
        "ipmitool dcmi power reading",
    ],
    harmless: Words {
        zh: "只读取传感器、日志与部件信息，逐条执行，不设置任何参数、不清空日志；日志仅在有变化时读取，部件信息每小时读取一次。",
        en: "Only reads, one question at a time; sets nothing and never empties the log. The log is read only when it \
             changed, inventories once an hour.",
    },
    every: Duration::from_secs(180),
    deadline: Duration::from_secs(150),
    metrics: m::METRICS,
    states: m::STATES,
    events: m::EVENTS,
    saved: Saved::Own {
        what: &[
            "output of `ipmitool -v sdr list all`, `ipmitool sdr elist`, `ipmitool sensor` or `ipmi-sensors`",
            "output of `ipmitool sel elist` or `ipmi-sel`",
            "output of `ipmitool mc info`, `ipmitool sel info`, `ipmitool chassis status`, `ipmitool fru print`, \
             `ipmitool dcmi power reading` or `ipmi-dcmi --get-system-power-statistics`",
        ],
        host: saved::host,
    },
    check: check_options::<Options>,
    collect,
};

/// Runs between two looks at the inventories: one hour.
const INVENTORY_RUNS: u32 = 20;

/// What the administrator knows better than the controller: `[sources.ipmi]`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Power supplies that should be there.
    power_supplies: Option<u32>,
    /// Power supplies that it takes.
    power_supplies_needed: Option<u32>,
    /// Fans that should be there.
    fans: Option<u32>,
    /// Fans that it takes.
    fans_needed: Option<u32>,
}

/// What is kept between runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// Parts that were there once.
    seen: BTreeSet<String>,
    inventories: Vec<Inventory>,
    /// Runs since the inventories were read.
    inventory_age: Option<u32>,
    log: Option<history::Mark>,
    /// Fingerprint of the evidence that the collector has.
    evidence: String,
    /// The controller does not know the power question (DCMI); it is not asked again before the inventories are.
    no_dcmi: bool,
}

/// More parts than any chassis has: what is remembered is bounded.
const SEEN_MAX: usize = 2000;

/// The controller as a component.
fn controller() -> ComponentId {
    ComponentId::new("bmc", "chassis")
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options: Options = c.options.clone().try_into().unwrap_or_default();
    let stored = c.cursor.as_deref().and_then(|it| serde_json::from_str::<Cursor>(it).ok());
    let mut cursor = stored.unwrap_or_default();
    // Asked first: a controller that hangs costs half a minute once, and not once a question.
    let info = match ask(c, &["ipmitool", "mc", "info"])? {
        Some(output) => Some(output.ok(&["ipmitool", "mc", "info"])?),
        None => None,
    };
    let repository = sensors(c)?;
    inventories(c, &mut cursor);
    describe(c, info.as_deref(), &cursor);
    chassis(c);
    power(c, &mut cursor);
    let partial = repository.as_ref().is_some_and(|it| it.partial);
    let places = repository.as_ref().map(|it| it.inventories.clone()).unwrap_or_default();
    let parts = parts::of(repository.map(|it| it.sensors).unwrap_or_default());
    emit::parts(c, &parts, &cursor.seen, &cursor.inventories, &places);
    let there = parts.iter().filter(|it| it.is_there()).map(|it| it.id.to_string());
    cursor.seen.extend(there.take(SEEN_MAX.saturating_sub(cursor.seen.len())));
    let expected = [
        Expected { count: options.power_supplies, needed: options.power_supplies_needed },
        Expected { count: options.fans, needed: options.fans_needed },
    ];
    // Half a list makes no set: members that it lacks are not lost.
    if !partial {
        emit::sets(c, &sets::of(&parts, &cursor.seen, expected));
    }
    history::read(c, &mut cursor.log, &parts)?;
    evidence(c, &mut cursor, &parts);
    *c.cursor = serde_json::to_string(&cursor).ok();
    Ok(())
}

/// Longest time of one question: a slow controller takes a minute for its sensors. The run's own time bounds all.
const LIMIT: Duration = Duration::from_secs(100);

/// What the answers to these questions have in them, whatever the controller.
const MARKS: [(&[&str], &str); 5] = [
    (&["chassis", "status"], "System Power"),
    (&["dcmi", "power", "reading"], "ower"),
    (&["mc", "info"], "Device ID"),
    (&["sel", "info"], "Entries"),
    (&["sel", "time", "get"], ":"),
];

/// Asks ipmitool. None where only some saved outputs were given and this one was not among them.
fn ask(c: &Collect<'_>, argv: &[&str]) -> Result<Option<Output>, HostError> {
    match c.host.run_within(argv, LIMIT) {
        Ok(output) => {
            let marks = MARKS.iter().find(|(words, _)| argv.ends_with(words));
            let begins = marks.is_none_or(|(_, mark)| output.stdout.contains(mark));
            if output.status == 0 && !begins {
                c.host.misread(&format!("`{}`", argv.join(" ")), &output.stdout);
            }
            Ok(Some(output))
        }
        Err(HostError::Run { source, .. })
            if source.kind() == io::ErrorKind::NotFound && !c.host.is_live() =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

const SENSORS: [&str; 5] = ["ipmitool", "-v", "sdr", "list", "all"];

/// All sensors; a list that broke off is used as far as it goes, and that is said.
fn sensors(c: &mut Collect<'_>) -> Result<Option<sdr::Repository>, SourceError> {
    let Some(output) = ask(c, &SENSORS)? else { return Ok(None) };
    let mut repository = if sdr::is(&output.stdout) {
        sdr::parse(&output.stdout)
    } else {
        let (sensors, strange) = table::parse(&output.stdout);
        sdr::Repository { sensors, strange, ..sdr::Repository::default() }
    };
    if repository.sensors.is_empty() {
        let text = output.ok(&SENSORS)?;
        let start: String = text.trim().chars().take(80).collect();
        if start.is_empty() {
            c.problem(Reason::Missing, Some(&controller()), "the controller lists no sensors");
            return Ok(Some(repository));
        }
        let why = format!("no sensor in {start:?}");
        return Err(SourceError::Parse { what: SENSORS.join(" "), why });
    }
    if output.truncated || output.status != 0 {
        let said = output.stderr.lines().next().unwrap_or_default().trim();
        let reason = if output.truncated { Reason::Truncated } else { Reason::ToolFailed };
        let count = repository.sensors.len();
        let text = format!("the list of sensors broke off after {count}: {said}");
        c.problem(reason, Some(&controller()), text);
        repository.partial = true;
    }
    for line in repository.strange.drain(..).take(STRANGE_MAX) {
        let line: String = line.chars().take(120).collect();
        c.problem(Reason::Unparsable, None, format!("line about sensors not understood: {line:?}"));
    }
    if repository.sensors.len() > SENSORS_MAX {
        let text = format!("only {SENSORS_MAX} of {} sensors", repository.sensors.len());
        repository.sensors.truncate(SENSORS_MAX);
        c.problem(Reason::Truncated, Some(&controller()), text);
    }
    Ok(Some(repository))
}

/// Sensors that are read: the largest chassis have some 500.
const SENSORS_MAX: usize = 1000;

/// Lines that were not understood and are named one by one.
const STRANGE_MAX: usize = 5;

/// Inventories are slow to read and seldom change.
fn inventories(c: &mut Collect<'_>, cursor: &mut Cursor) {
    let age = cursor.inventory_age.map_or(INVENTORY_RUNS, |it| it.saturating_add(1));
    cursor.inventory_age = Some(age);
    if age < INVENTORY_RUNS {
        return;
    }
    match ask(c, &["ipmitool", "fru", "print"]) {
        // Some inventories of a chassis are often broken, which makes the status 1: what is readable counts.
        Ok(Some(output)) => {
            cursor.inventories = board::inventories(&output.stdout);
            cursor.inventory_age = Some(0);
        }
        Ok(None) => {}
        Err(error) => {
            c.problem(error.reason(), Some(&controller()), format!("inventories: {error}"));
            // Not asked again at once: it was slow.
            cursor.inventory_age = Some(0);
        }
    }
}

fn describe(c: &mut Collect<'_>, info: Option<&str>, cursor: &Cursor) {
    let mut attrs = BTreeMap::new();
    if let Some(chassis) = cursor.inventories.iter().find(|it| it.number == 0) {
        chassis.attrs(&mut attrs);
    }
    let fields = board::fields(info.unwrap_or_default());
    for (name, key) in [
        ("hw.firmware_version", "Firmware Revision"),
        ("ipmi.controller.vendor", "Manufacturer Name"),
        ("ipmi.controller.product", "Product Name"),
        ("ipmi.version", "IPMI Version"),
    ] {
        if let Some(value) = board::said(&fields, key) {
            attrs.insert(name.to_owned(), value.to_owned());
        }
    }
    let id = controller();
    let name = "BMC".to_owned();
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    match fields.get("Device Available").copied() {
        Some("yes") => c.state(&m::CONTROLLER, &id, "available"),
        Some("no") => c.state(&m::CONTROLLER, &id, "unavailable"),
        _ => {}
    }
}

/// What the whole chassis takes, where the controller knows DCMI.
fn power(c: &mut Collect<'_>, cursor: &mut Cursor) {
    if cursor.inventory_age == Some(0) {
        cursor.no_dcmi = false;
    }
    if cursor.no_dcmi {
        return;
    }
    match ask(c, &["ipmitool", "dcmi", "power", "reading"]) {
        Ok(Some(output)) if output.status == 0 => match board::watts(&output.stdout) {
            Some(watts) => c.sample(&POWER, &controller(), watts),
            None => cursor.no_dcmi = true,
        },
        Ok(Some(_)) => cursor.no_dcmi = true,
        Ok(None) => {}
        Err(error) => {
            c.problem(
                error.reason(),
                Some(&controller()),
                format!("power of the chassis: {error}"),
            );
        }
    }
}

fn chassis(c: &mut Collect<'_>) {
    const FLAGS: [(&str, &str); 6] = [
        ("Power Overload", "power_overload"),
        ("Main Power Fault", "main_power"),
        ("Power Control Fault", "power_control"),
        ("Drive Fault", "drive"),
        ("Cooling/Fan Fault", "cooling"),
        ("Chassis Intrusion", "intrusion"),
    ];
    let argv = ["ipmitool", "chassis", "status"];
    let text = match ask(c, &argv).and_then(|it| it.map(|it| it.ok(&argv)).transpose()) {
        Ok(Some(text)) => text,
        Ok(None) => return,
        Err(error) => {
            let text = format!("state of the chassis: {error}");
            return c.problem(error.reason(), Some(&controller()), text);
        }
    };
    let fields = board::fields(&text);
    for (key, word) in FLAGS {
        if let Some(flag) = fields.get(key).and_then(|it| board::flag(it)) {
            let value = if flag { 1.0 } else { 0.0 };
            let attrs = [("ipmi.chassis.fault.type", word)];
            c.sample_with(&m::CHASSIS_FAULT, &controller(), &attrs, value);
        }
    }
}

/// Kept when what the sensors say in words changed; readings change all the time.
fn evidence(c: &mut Collect<'_>, cursor: &mut Cursor, parts: &[parts::Part]) {
    let said = |it: &parts::Part| format!("{} {:?} {:?}", it.id, it.status, it.reading.states);
    let words: String = parts.iter().map(said).collect();
    let now = fingerprint(&words);
    if parts.is_empty() || cursor.evidence == now {
        return;
    }
    cursor.evidence = now;
    let lines: Vec<String> = parts.iter().map(emit::line).collect();
    c.evidence("ipmitool -v sdr list all (one line a sensor)", &(lines.join("\n") + "\n"));
}
