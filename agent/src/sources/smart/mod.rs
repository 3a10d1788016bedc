//! What drives say about themselves, asked through smartctl: ATA, NVMe and SCSI, also behind RAID controllers.
//!
//! Facts: `smartctl(8)` and its JSON. Invariants: a sleeping drive is left asleep; one drive is one component however
//! many paths lead to it; exit bits 0 to 2 mean that the verdict was not fully read, so they never end in "passed".

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use xunjian_proto::{Component, ComponentId, Reason};

use crate::{
    devices,
    host::SMARTCTL,
    saved::Saved,
    source::{Collect, Need, Source, SourceError, Words, check_options, fingerprint},
};

mod metrics;

mod reading;

mod drive;

mod saved;

mod ata;

mod nvme;

mod scsi;

use drive::Drive;

/// See the module.
pub const SOURCE: Source = Source {
    name: "smart",
    title: Words { zh: "磁盘健康（SMART）", en: "disk health (SMART)" },
    about: Words {
        zh: "磁盘自身报告的健康状况（SMART、NVMe、SAS）",
        en: "health of drives in their own words (SMART, NVMe, SAS)",
    },
    needs: &[Need::Program("smartctl")],
    programs: &[SMARTCTL],
    runs: &[
        "smartctl --json=c --scan-open",
        "smartctl --json=c --xall -n standby -d {word} {device}",
    ],
    harmless: Words {
        zh: "逐块读取磁盘本来就保存的日志；不唤醒休眠的磁盘，也不启动自检。",
        en: "Reads logs that the drive keeps anyway, one drive after the other. A sleeping drive is not woken, and no \
               self-test is started.",
    },
    every: Duration::from_secs(30 * 60),
    deadline: Duration::from_secs(10 * 60),
    metrics: metrics::METRICS,
    states: metrics::STATES,
    events: &[],
    saved: Saved::Own {
        what: &["output of `smartctl --json -x DEVICE`, one file per disk"],
        host: saved::host,
    },
    check: check_options::<Options>,
    collect,
};

/// The source's config section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Drives that the scan does not find, as smartctl wants them.
    devices: Vec<Asked>,
    /// Devices to leave alone: `/dev/sdx`.
    skip: Vec<String>,
}

/// A drive to be asked, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// `/dev/sda`, `/dev/bus/0`.
    device: String,
    /// `sat`, `nvme`, `megaraid,4`.
    #[serde(rename = "type")]
    kind: String,
}

/// More drives than any host has; a longer scan is a broken one.
const DRIVES_MAX: usize = 512;

fn collect(c: &mut Collect<'_>) -> Result<(), SourceError> {
    let options: Options = c.options.clone().try_into().unwrap_or_default();
    let mut asked = scan(c)?;
    asked.extend(options.devices.into_iter().map(|it| (it, None)));
    asked.retain(|(it, _)| !options.skip.contains(&it.device));
    if asked.len() > DRIVES_MAX {
        c.problem(
            Reason::Truncated,
            None,
            format!("{} drives found, {DRIVES_MAX} asked", asked.len()),
        );
        asked.truncate(DRIVES_MAX);
    }
    let mut drives: BTreeMap<ComponentId, Drive> = BTreeMap::new();
    for (one, error) in &asked {
        let drive = match error {
            Some(error) => drive::cannot_open(c.host, one, error),
            None => drive::ask(c.host, one),
        };
        match drives.entry(drive.id.clone()) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(drive);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => place.get_mut().merge(drive),
        }
    }
    let names: Vec<String> =
        asked.iter().map(|(it, _)| drive::kernel_name(c.host, &it.device)).collect();
    not_asked(c, &drives, &names, &options.skip);
    let mut known: BTreeMap<String, String> =
        c.cursor.as_deref().and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    known.retain(|id, _| drives.contains_key(&ComponentId::parse(id)));
    for drive in drives.into_values() {
        emit(c, drive, &mut known);
    }
    *c.cursor = serde_json::to_string(&known).ok();
    Ok(())
}

/// The drives of smartctl's scan, with the reason of those that it cannot open.
fn scan(c: &mut Collect<'_>) -> Result<Vec<(Asked, Option<String>)>, SourceError> {
    let argv = ["smartctl", "--json=c", "--scan-open"];
    let output = c.host.run(&argv)?;
    let json: Value = serde_json::from_str(&output.stdout).map_err(|error| {
        let start: String = output.stdout.chars().take(80).collect();
        let old = if start.contains("UNRECOGNIZED OPTION") || start.contains("smartctl 6") {
            "; smartmontools 7.0 or later is needed"
        } else {
            ""
        };
        SourceError::Parse { what: argv.join(" "), why: format!("{error} in {start:?}{old}") }
    })?;
    let mut found = Vec::new();
    for device in reading::list(&json, &["devices"]) {
        let (Some(name), Some(kind)) =
            (reading::text(device, &["name"]), reading::text(device, &["type"]))
        else {
            c.problem(
                Reason::Unparsable,
                None,
                format!("smartctl's scan has a device without name or type: {device}"),
            );
            continue;
        };
        let error = reading::text(device, &["open_error"]).map(str::to_owned);
        found.push((Asked { device: name.to_owned(), kind: kind.to_owned() }, error));
    }
    Ok(found)
}

/// Disks that smartctl's scan does not know: their health is unknown, and that is said.
fn not_asked(
    c: &mut Collect<'_>,
    drives: &BTreeMap<ComponentId, Drive>,
    names: &[String],
    skip: &[String],
) {
    for name in c.host.list("sys/block").unwrap_or_default() {
        let id = devices::disk(c.host, &name).id;
        if !devices::is_disk(&name) || drives.contains_key(&id) {
            continue;
        }
        // A further namespace or path of a drive that was asked.
        let namespace = |it: &ComponentId| id.key().starts_with(&format!("{}-ns", it.key()));
        if names.contains(&name) || drives.keys().any(namespace) {
            continue;
        }
        let why = if skip.iter().any(|it| it.trim_start_matches("/dev/") == name) {
            "is left out by the configuration"
        } else if ["vd", "xvd"].iter().any(|it| name.starts_with(it)) {
            let (key, device) = (drive::VIRTUAL, format!("/dev/{name}"));
            let attrs = [(key, "true"), ("system.device", &device)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
            c.component(Component {
                id: id.clone(),
                name: name.clone(),
                attrs: attrs.into(),
                links: Vec::new(),
                set: None,
            });
            "is a virtual disk and has no SMART"
        } else {
            "is not found by smartctl's scan"
        };
        c.problem(Reason::Unsupported, Some(&id), format!("{name} {why}"));
    }
}

fn emit(c: &mut Collect<'_>, drive: Drive, known: &mut BTreeMap<String, String>) {
    let Drive { id, name, attrs, reading, evidence, day, .. } = drive;
    let print = fingerprint(&format!("{day} {}", reading.lasting()));
    let changed = known.insert(id.as_str().to_owned(), print.clone()) != Some(print);
    if let Some((command, content)) = evidence.filter(|_| changed) {
        c.evidence(command, &content);
    }
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    reading.emit(c, &id);
}
