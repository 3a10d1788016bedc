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
    typed,
};

mod metrics;

mod reading;

mod drive;

mod behind;

mod memory;

mod farm;

mod printed;

mod printed_logs;

mod saved;

mod ata;

mod nvme;

mod scsi;

use drive::Drive;
use memory::Memory;

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
        "smartctl --json=c -i -n standby -d {word} {device}",
        "smartctl --json=c -l farm -n standby -d {word} {device}",
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
        what: &[
            "output of `smartctl --json -x DEVICE` or of `smartctl -x DEVICE`, one file per disk",
        ],
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
    let mut memory = Memory::read(c.cursor.as_deref());
    let mut asked = scan(c)?;
    asked.extend(options.devices.into_iter().map(|it| (it, None)));
    asked.retain(|(it, _)| !options.skip.contains(&it.device));
    let scanned: Vec<Asked> = asked.iter().map(|it| it.0.clone()).collect();
    let more = behind::drives(c.host, &scanned, &mut memory);
    asked.extend(
        more.into_iter().filter(|it| !options.skip.contains(&it.device)).map(|it| (it, None)),
    );
    if asked.len() > DRIVES_MAX {
        c.problem(
            Reason::Truncated,
            None,
            format!("{} drives found, {DRIVES_MAX} asked", asked.len()),
        );
        asked.truncate(DRIVES_MAX);
    }
    let names: Vec<String> =
        asked.iter().map(|(it, _)| drive::kernel_name(c.host, &it.device)).collect();
    let volumes = volumes(c, &mut asked);
    let drives = ask_all(c, &asked, &mut memory);
    not_asked(c, &drives, &names, &options.skip);
    memory.keep_proof_of(|it| drives.contains_key(it));
    for volume in volumes.into_iter().filter(|it| !drives.contains_key(&it.id)) {
        c.component(volume);
    }
    for drive in drives.into_values() {
        emit(c, drive, &mut memory);
    }
    *c.cursor = memory.write();
    Ok(())
}

/// Asks every drive; one that is reached by several ways is one.
fn ask_all(
    c: &Collect<'_>,
    asked: &[(Asked, Option<String>)],
    memory: &mut Memory,
) -> BTreeMap<ComponentId, Drive> {
    let mut drives: BTreeMap<ComponentId, Drive> = BTreeMap::new();
    for (one, error) in asked {
        let mut drive = match error {
            // A bridge that smartctl does not know understands SAT more often than not.
            Some(error) if error.contains("Unknown USB bridge") => {
                drive::ask(c.host, &Asked { kind: "sat".to_owned(), ..one.clone() }, memory)
            }
            Some(error) => drive::cannot_open(c.host, one, error),
            None => drive::ask(c.host, one, memory),
        };
        drive.settle(one, memory);
        let name = drive::kernel_name(c.host, &one.device);
        if !drive::is_behind(&one.kind) && behind::is_volume(c.host, &name) {
            let text = "it is a RAID controller's volume and none of its drives could be asked; name them in the \
                        configuration, for example { device = \"/dev/bus/0\", type = \"megaraid,0\" }";
            drive.reading.problem(Reason::Unsupported, text);
        }
        match drives.entry(drive.id.clone()) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(drive);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => place.get_mut().merge(drive),
        }
    }
    drives
}

/// Takes the volumes of RAID controllers out of what is asked, where their members are asked: they have no health of
/// their own. Where no member is known the volume is asked all the same, so that the gap is told.
fn volumes(c: &Collect<'_>, asked: &mut Vec<(Asked, Option<String>)>) -> Vec<Component> {
    if !asked.iter().any(|(it, _)| drive::is_behind(&it.kind)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    asked.retain(|(it, _)| {
        let name = drive::kernel_name(c.host, &it.device);
        let volume = !drive::is_behind(&it.kind) && behind::is_volume(c.host, &name);
        if volume {
            let attrs = [(drive::VIRTUAL, "raid"), ("system.device", it.device.as_str())]
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
            let id = behind::volume(c.host, &name);
            found.push(Component { id, name, attrs: attrs.into(), links: Vec::new(), set: None });
        }
        !volume
    });
    found.dedup_by(|a, b| a.id == b.id);
    found
}

/// The drives of smartctl's scan, with the reason of those that it cannot open.
fn scan(c: &mut Collect<'_>) -> Result<Vec<(Asked, Option<String>)>, SourceError> {
    let argv = ["smartctl", "--json=c", "--scan-open"];
    let output = c.host.run(&argv)?;
    let json: Value =
        typed::parse(c.host, &format!("`{}`", argv.join(" ")), &output.stdout, reading::SCAN_NAMES)
            .map_err(|error| {
                let start: String = output.stdout.chars().take(80).collect();
                let old = if start.contains("UNRECOGNIZED OPTION") || start.contains("smartctl 6") {
                    "; smartmontools 7.0 or later is needed"
                } else {
                    ""
                };
                SourceError::Parse {
                    what: argv.join(" "),
                    why: format!("{error} in {start:?}{old}"),
                }
            })?;
    // Without a drive it has no list of them, but always tells which smartctl it is.
    if json.get("smartctl").is_none() && json.get("devices").is_none() {
        let start: String = output.stdout.trim().chars().take(80).collect();
        let why = format!("nothing known in {start:?}");
        return Err(SourceError::Parse { what: argv.join(" "), why });
    }
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

fn emit(c: &mut Collect<'_>, drive: Drive, memory: &mut Memory) {
    let Drive { id, name, attrs, reading, evidence, day, .. } = drive;
    let print = fingerprint(&format!("{day} {}", reading.lasting()));
    let changed = memory.is_new_proof(&id, &print);
    if let Some((command, content)) = evidence.filter(|_| changed) {
        c.evidence(command, &content);
    }
    c.component(Component { id: id.clone(), name, attrs, links: Vec::new(), set: None });
    reading.emit(c, &id);
}
