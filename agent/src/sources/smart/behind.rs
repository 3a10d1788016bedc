//! Drives behind RAID controllers that smartctl's scan does not list, and the disks that are such controllers' volumes.
//!
//! Facts: `smartctl(8)` option `-d` and kernel document sysfs-class-scsi_host. The scan lists drives behind `megaraid_sas`
//! and `sssraid`; behind `hpsa`, `smartpqi`, `cciss`, `aacraid`, `arcmsr` and `3w-*` one has to ask place by place. That is
//! done at the first run and then once a day; between, only the places that held a drive are asked. `jmb39x` is never
//! tried: smartctl has to write to the disk for it, so it is only asked where the configuration names it.

use xunjian_proto::ComponentId;

use super::{Asked, memory::Memory, reading::text};
use crate::{
    devices::{self, word},
    host::Host,
};

/// Places in a row without a drive after which the rest is taken as empty: a row of bays is seldom emptier.
const MISSES_MAX: usize = 16;

/// Most places that are tried in one run, for all controllers together.
const TRIES_MAX: usize = 256;

/// A controller, and how its places are named.
#[derive(Debug)]
struct Controller {
    /// Device that smartctl asks through.
    device: String,
    /// Types by place: `cciss,0`, `cciss,1`, …
    kinds: Vec<String>,
}

/// Drives behind controllers that are not in the scan.
pub(super) fn drives(host: &dyn Host, scanned: &[Asked], memory: &mut Memory) -> Vec<Asked> {
    let mut found = Vec::new();
    let mut tries = 0;
    for Controller { device, kinds } in controllers(host) {
        let family =
            kinds.first().and_then(|it| it.split(',').next()).unwrap_or_default().to_owned();
        let asked = |it: &Asked| it.device == device && it.kind.starts_with(&family);
        if kinds.is_empty() || scanned.iter().any(asked) {
            continue;
        }
        let key = format!("{device} {family}");
        let known = memory.places(&key).unwrap_or_else(|| {
            let there = places(host, &device, &kinds, &mut tries);
            memory.remember_places(&key, &there);
            there
        });
        found.extend(known.into_iter().map(|kind| Asked { device: device.clone(), kind }));
    }
    found
}

/// The places that hold a drive.
fn places(host: &dyn Host, device: &str, kinds: &[String], tries: &mut usize) -> Vec<String> {
    let mut there = Vec::new();
    let mut misses = 0;
    for kind in kinds {
        if misses >= MISSES_MAX || *tries >= TRIES_MAX {
            break;
        }
        *tries += 1;
        let argv = ["smartctl", "--json=c", "-i", "-n", "standby", "-d", kind, device];
        let Ok(output) = host.run(&argv) else {
            misses += 1; // a place that does not answer is asked again in a day, and its drive is missed by its set
            continue;
        };
        if serde_json::from_str::<serde_json::Value>(&output.stdout)
            .map_or(true, |it| it.get("smartctl").is_none())
        {
            host.misread(&format!("`{}`", argv.join(" ")), &output.stdout);
        }
        if is_drive(&output.stdout) {
            misses = 0;
            there.push(kind.clone());
        } else {
            misses += 1;
        }
    }
    there
}

/// Whether smartctl found a drive: it names one, or it left one asleep.
fn is_drive(answer: &str) -> bool {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(answer) else { return false };
    let named = ["serial_number", "model_name", "scsi_model_name", "scsi_product"];
    named.iter().any(|key| text(&json, &[key]).is_some())
        || super::drive::is_asleep(&json, &super::scsi::messages(&json))
}

fn controllers(host: &dyn Host) -> Vec<Controller> {
    let mut found = Vec::new();
    for name in host.list("sys/class/scsi_generic").unwrap_or_default() {
        let dir = format!("sys/class/scsi_generic/{name}/device");
        let Some(kind) = word(host, &format!("{dir}/type")) else { continue };
        let address = host.link(&dir).unwrap_or_default();
        let driver = driver(host, &address).unwrap_or_default();
        let numbered = |family: &str, from: u32, to: u32| Controller {
            device: format!("/dev/{name}"),
            kinds: (from..=to).map(|it| format!("{family},{it}")).collect(),
        };
        // SCSI types: 12 is a RAID controller, 3 a processor.
        match (kind.as_str(), driver.as_str()) {
            ("12", "hpsa" | "cciss" | "smartpqi") => found.push(numbered("cciss", 0, 127)),
            ("3", "arcmsr") => found.push(numbered("areca", 1, 24)),
            _ => {}
        }
    }
    found.extend(by_host(host));
    found
}

/// Controllers with device nodes of their own, numbered in the order of their SCSI hosts.
fn by_host(host: &dyn Host) -> Vec<Controller> {
    let mut found: Vec<Controller> = Vec::new();
    let mut hosts = host.list("sys/class/scsi_host").unwrap_or_default();
    hosts.sort_by_key(|it| it.trim_start_matches("host").parse::<u32>().unwrap_or(u32::MAX));
    for name in hosts {
        let number = name.trim_start_matches("host").to_owned();
        let driver = word(host, &format!("sys/class/scsi_host/{name}/proc_name"));
        let node = match driver.as_deref() {
            Some("aacraid") => "/dev/aac",
            Some("3w-9xxx") => "/dev/twa",
            Some("3w-sas") => "/dev/twl",
            Some("3w-xxxx") => "/dev/twe",
            _ => continue,
        };
        let kinds = match node {
            "/dev/aac" => exposed(host, &number),
            _ => (0..128).map(|it| format!("3ware,{it}")).collect(),
        };
        let same = found.iter().filter(|it| it.device.starts_with(node)).count();
        found.push(Controller { device: format!("{node}{same}"), kinds });
    }
    found
}

/// Physical drives of an Adaptec controller stand on its channels from 1 on.
fn exposed(host: &dyn Host, number: &str) -> Vec<String> {
    let devices = host.list("sys/class/scsi_device").unwrap_or_default();
    let kind = |it: &String| {
        let mut parts = it.split(':');
        let (on, channel, target) = (parts.next()?, parts.next()?, parts.next()?);
        (on == number && channel != "0").then(|| format!("aacraid,{on},{channel},{target}"))
    };
    devices.iter().filter_map(kind).take(128).collect()
}

/// The driver of the SCSI host in an address such as `../../../0:3:0:0`.
fn driver(host: &dyn Host, address: &str) -> Option<String> {
    let number = address.rsplit('/').next()?.split(':').next()?;
    let plain = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| word(host, &format!("sys/class/scsi_host/host{number}/proc_name"))).flatten()
}

/// Whether a disk is a RAID controller's volume: it has no health of its own, its members have.
pub(super) fn is_volume(host: &dyn Host, name: &str) -> bool {
    let address = host.link(&format!("sys/block/{name}/device")).unwrap_or_default();
    let channel =
        address.rsplit('/').next().and_then(|it| it.split(':').nth(1)?.parse::<u32>().ok());
    let said = |file: &str| {
        word(host, &format!("sys/block/{name}/device/{file}")).unwrap_or_default().to_uppercase()
    };
    let model = said("model");
    let named = [
        "LOGICAL VOLUME",
        "LOGICAL VIRTUAL",
        "VIRTUAL DISK",
        "DELLBOSS VD",
        "RAID 5",
        "RAID 1",
        "PERC ",
    ];
    match driver(host, &address).as_deref() {
        Some("megaraid_sas") => channel.is_some_and(|it| it >= 2),
        Some("3w-9xxx" | "3w-sas" | "3w-xxxx" | "cciss" | "ips") => true,
        Some("aacraid") => channel == Some(0),
        Some(
            "hpsa" | "smartpqi" | "mpt2sas" | "mpt3sas" | "mptsas" | "mptspi" | "arcmsr" | "mpi3mr",
        ) => named.iter().any(|it| model.contains(it)) || said("vendor").starts_with("ARECA"),
        _ => model.starts_with("DELLBOSS VD"),
    }
}

/// The component of a volume's disk.
pub(super) fn volume(host: &dyn Host, name: &str) -> ComponentId {
    devices::disk(host, name).id
}
