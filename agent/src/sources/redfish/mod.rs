//! Servers' controllers of management, arrays and Swordfish services, asked over HTTPS by an agent on another machine.
//!
//! Facts: DMTF DSP0266 and DSP0268, SNIA Swordfish, and what iDRAC, iLO, XCC, iBMC, Inspur, Supermicro, Sugon and
//! OpenBMC make of them. Invariants: a session that was opened is closed, whatever befell; a target that does not
//! answer hides no other; what was not read is said.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use xunjian_proto::{Reason, Time};

use crate::{
    aside,
    host::{Host, HostError},
    runner::chain,
    saved::Saved,
    source::{Collect, Found, Need, Source, SourceError, Words, fingerprint},
    targets::{self, Device, REACHED, Target},
};

mod client;

mod cooling;

mod hpe;

mod json;

mod logs;

mod memory;

mod merge;

mod metrics;

mod part;

mod power;

mod saved;

mod storage;

mod swordfish;

mod system;

mod walk;

mod whole;

use client::Client;
use json::text;
use memory::{Known, Memory};
use walk::Walk;
use whole::Whole;

/// See the module.
pub const SOURCE: Source = Source {
    name: NAME,
    title: Words {
        zh: "带外管理与存储阵列（Redfish）",
        en: "out-of-band management and arrays (Redfish)",
    },
    about: Words {
        zh: "通过 Redfish/Swordfish 读取服务器管理控制器和存储阵列：电源、风扇、温度、内存、处理器、磁盘、卷、存储池和硬件日志",
        en: "servers' management controllers and storage arrays over Redfish and Swordfish: power, fans, temperatures, \
             memory, processors, drives, volumes, pools and hardware logs",
    },
    needs: &[Need::Targets(NAME)],
    programs: &[],
    runs: &[],
    harmless: Words {
        zh: "只发送 GET 请求；另有一次登录（POST 会话）和结束时的注销（DELETE 该会话）。逐个请求，每轮数量有上限，不改动任何设置。",
        en: "Sends nothing but GET requests, beside one log-in (POST of a session) and its log-out (DELETE of that \
             session). One question at a time, a bounded number in each run; no setting is touched.",
    },
    every: Duration::from_secs(10 * 60),
    deadline: Duration::from_secs(8 * 60),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: metrics::EVENTS,
    saved: Saved::Own {
        what: &[
            "JSON of Redfish resources, one file each (with `@odata.id`, or known by its type)",
        ],
        host: saved::host,
    },
    check,
    collect,
};

const NAME: &str = "redfish";

/// Keys of a target that are the source's own.
const OWN: [&str; 2] = ["requests", "start"];

/// Questions in one run of one target, by default: a server with 24 drives and 32 memory modules needs some 110 one by
/// one, some 30 where the service gives collections whole.
const REQUESTS: u32 = 300;

/// Bounds of that number.
const REQUESTS_RANGE: std::ops::RangeInclusive<i64> = 10..=5000;

/// Targets that are asked at the same time: each waits for its own network and controller, not for the others.
const AT_ONCE: usize = 4;

fn check(options: &toml::Table) -> Result<(), String> {
    let mut mistakes = Vec::new();
    if let Err(text) = targets::check(options, &[], &OWN, crate::host::check_https) {
        mistakes.push(text);
    }
    let list = options.get("target").and_then(toml::Value::as_array).into_iter().flatten();
    for (index, target) in list.filter_map(toml::Value::as_table).enumerate() {
        let name = target.get("name").and_then(toml::Value::as_str);
        let name = name.map_or_else(|| format!("target {}", index + 1), str::to_owned);
        let requests = target.get("requests");
        if requests
            .is_some_and(|it| !it.as_integer().is_some_and(|it| REQUESTS_RANGE.contains(&it)))
        {
            mistakes.push(format!("{name}: `requests`: want a whole number from 10 to 5000"));
        }
        let path = |it: &toml::Value| it.as_str().is_some_and(|it| it.starts_with("/redfish/"));
        let start = target.get("start");
        if start.is_some_and(|it| !it.as_array().is_some_and(|it| it.iter().all(path))) {
            mistakes
                .push(format!("{name}: `start`: want a list of paths that begin with /redfish/"));
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.join(";\n")) }
}

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let targets = c.host.targets(NAME, &OWN);
    let mut memory = Memory::read(c.cursor.as_deref());
    let work: Vec<(Target, Known)> = targets
        .into_iter()
        .map(|it| (it.clone(), memory.targets.remove(&it.name).unwrap_or_default()))
        .collect();
    let host = c.host;
    let done =
        aside::each(host, AT_ONCE, &work, |(target, known)| one(host, target, known.clone()));
    let mut found = Vec::new();
    for ((target, before), done) in work.iter().zip(done) {
        match done {
            Ok((one, known)) => {
                found.push(one);
                memory.targets.insert(target.name.clone(), known);
            }
            Err(panic) => {
                c.problem(Reason::ToolFailed, None, format!("{}: {panic}", target.name));
                memory.targets.insert(target.name.clone(), before.clone());
            }
        }
    }
    merge::into(c, found);
    let names: Vec<&str> = work.iter().map(|(it, _)| it.name.as_str()).collect();
    *c.cursor = memory.write(&names);
    Ok(())
}

/// Logs out when it goes, whatever made it go.
struct Session<'a> {
    host: &'a dyn Host,
    target: &'a str,
    open: bool,
}

impl Session<'_> {
    fn close(mut self) -> Result<(), HostError> {
        self.open = false;
        self.host.logout(NAME, self.target)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(error) = self.host.logout(NAME, self.target)
        {
            tracing::warn!(
                target = self.target,
                error = chain(&error),
                "a session may be left open"
            );
        }
    }
}

/// One target from log-in to log-out.
fn one(host: &dyn Host, target: &Target, mut known: Known) -> (Found, Known) {
    let (options, mut cursor) = (toml::Table::new(), None);
    let mut c = Collect::new(host, &options, &mut cursor);
    let budget = target.options.get("requests").and_then(toml::Value::as_integer);
    let budget = budget.and_then(|it| u32::try_from(it).ok()).unwrap_or(REQUESTS);
    let session = Session { host, target: &target.name, open: true };
    let client = Client::new(host, NAME, &target.name, budget);
    let answer = ask(client, target, &mut known);
    let closed = session.close();
    let name = &target.name;
    if let Err(error) = closed {
        c.problem(error.reason(), None, format!("{name}: {}", chain(&error)));
    }
    match answer {
        Ok(walk) => tell(&mut c, target, walk, &mut known),
        Err(error) => {
            // Nobody names the component here: that it cannot be reached is known of it, and judged.
            let device = Device::new(name, known.serial.as_deref());
            c.component(device.component(&target.address, of_redfish(BTreeMap::new())));
            c.state(&REACHED, &device.id(), "no");
            c.problem(error.reason(), None, format!("{name}: {}", chain(&error)));
        }
    }
    (c.finish(), known)
}

/// Walks through the tree of a target.
fn ask<'a>(
    mut client: Client<'a>,
    target: &Target,
    known: &mut Known,
) -> Result<Walk<'a>, HostError> {
    let start: Vec<&str> = target
        .options
        .get("start")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    let root = match client.first("/redfish/v1/")? {
        Some(root) => Some(root),
        // Some services know only one of the two spellings.
        None => {
            let before = client.gaps.len();
            let root = client.first("/redfish/v1")?;
            if root.is_some() {
                client.gaps.drain(..before);
            }
            root
        }
    };
    let sessions = root.as_ref().and_then(|it| json::at(it, &["Links", "Sessions"]));
    let sessions = sessions.and_then(json::path_of);
    let sessions = sessions.unwrap_or_else(|| "/redfish/v1/SessionService/Sessions".to_owned());
    client.login(&sessions)?;
    if let Some(root) = &root {
        client.learn(root);
    }
    let mut walk = Walk::new(client);
    walk.root_id = root.as_ref().and_then(|it| text(it, "UUID")).map(str::to_owned);
    if let Some(root) = root {
        walk.through(root, "ServiceRoot");
    }
    for path in start {
        walk.also(path);
    }
    for service in std::mem::take(&mut walk.logs) {
        if logs::is_hardware(&service) {
            let path = json::path_of(&service).unwrap_or_default();
            let mut mark = known.logs.remove(&path).unwrap_or_default();
            let entries = logs::news(&mut walk, &service, &mut mark);
            walk.entries.extend(entries);
            known.logs.insert(path, mark);
        }
    }
    Ok(walk)
}

/// Tells what the walk has found.
fn tell(c: &mut Collect<'_>, target: &Target, walk: Walk<'_>, known: &mut Known) {
    let name = &target.name;
    let (serial, attrs) = walk.who();
    if let (Some(before), Some(now)) = (&known.serial, &serial)
        && before != now
    {
        let text = format!("{name}: another device answers here: it was {before}, it is {now}");
        c.problem(Reason::Implausible, None, text);
    }
    // A run that did not get so far keeps the identity that the device has.
    known.serial = serial.or(known.serial.take());
    let device = Device::new(name, known.serial.as_deref());
    c.component(device.component(&target.address, of_redfish(attrs)));
    let Walk { client, mut parts, entries, .. } = walk;
    if client.is_complete() {
        whole::mark_unassigned(&mut parts);
    }
    let partial = !client.is_complete() || !client.gaps.is_empty();
    let whole = Whole::new(&device, parts, partial);
    whole.tell(c, name, known);
    let asked = f64::from(client.asked);
    c.sample(&metrics::REQUESTS, &device.id(), asked);
    c.state(&REACHED, &device.id(), if client.is_complete() { "yes" } else { "partly" });
    if client.left_out > 0 {
        let text =
            format!("{name}: {} questions were not asked: {}", client.left_out, client.why_not());
        c.problem(Reason::Truncated, None, text);
    }
    for (reason, text) in &client.gaps {
        c.problem(*reason, None, format!("{name}: {text}"));
    }
    let now = now(c.host);
    for entry in entries {
        let about = entry.origin.as_deref().and_then(|it| whole.id_of(it)).cloned();
        c.event(entry.event(about.unwrap_or_else(|| device.id()), now));
    }
    evidence(c, name, &client, known);
}

/// Devices may be read in other ways too: the rules about this one speak of those that bear this mark.
fn of_redfish(mut attrs: BTreeMap<String, String>) -> BTreeMap<String, String> {
    attrs.insert("redfish.type".to_owned(), "ServiceRoot".to_owned());
    attrs
}

/// What was answered where something was not well goes along when it has changed in kind.
fn evidence(c: &mut Collect<'_>, name: &str, client: &Client<'_>, known: &mut Known) {
    let words: Vec<String> =
        client.raw.iter().map(|(path, raw)| path.clone() + &statuses(raw)).collect();
    let print = fingerprint(&words.join("\n"));
    if print == known.print {
        return;
    }
    known.print = print;
    for (path, raw) in &client.raw {
        c.evidence(format!("{name} GET {path}"), raw);
    }
}

/// The words of a resource that do not change with every look.
fn statuses(raw: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(raw) else { return String::new() };
    let inner = value.as_object().into_iter().flat_map(|it| it.values());
    let inner = inner.filter_map(Value::as_array).flatten();
    let all = std::iter::once(&value).chain(inner);
    all.filter_map(|it| it.get("Status")).map(Value::to_string).collect()
}

/// The host's time: events of a controller whose clock runs ahead are put there.
fn now(host: &dyn Host) -> Option<Time> {
    let vitals = host.vitals().ok()?;
    let uptime = i64::try_from(vitals.uptime_secs).ok()?;
    vitals.boot_secs.checked_add(uptime).filter(|it| *it > 0).map(Time::from_secs)
}
