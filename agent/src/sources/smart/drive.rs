//! One drive: asking it, knowing who it is, and its verdict.

use std::collections::BTreeMap;

use serde_json::Value;
use xunjian_proto::{ComponentId, Reason};

use super::{
    Asked, ata, farm,
    memory::Memory,
    metrics as m, nvme,
    reading::{NAMES, Reading, at, number, text, truth},
    scsi,
};
use crate::{
    devices::{self, Identity},
    drives,
    host::Host,
    typed,
};

/// What one command said about one drive.
#[derive(Debug)]
pub(super) struct Drive {
    /// Who it is.
    pub(super) id: ComponentId,
    /// `sda`, `nvme0n1`, `bus/0 megaraid,2`.
    pub(super) name: String,
    /// What is known of it.
    pub(super) attrs: BTreeMap<String, String>,
    /// What it said.
    pub(super) reading: Reading,
    /// Command line and output.
    pub(super) evidence: Option<(String, String)>,
    /// Day of the reading, so that unchanged proof is kept once a day.
    pub(super) day: i64,
}

impl Drive {
    /// Takes in another path to the same drive: the one that tells more speaks, both are named.
    pub(super) fn merge(&mut self, other: Drive) {
        let paths =
            [self, &other].map(|it| it.attrs.get("hw.smart.path").cloned().unwrap_or_default());
        let paths = paths.join("; ");
        if other.reading.weight() > self.reading.weight() {
            *self = other;
        }
        self.attrs.insert("hw.smart.path".to_owned(), paths);
    }

    /// A drive behind a controller that sleeps or does not answer names nobody: it is whoever answered on that path
    /// last, and not a new drive while the known one vanishes.
    pub(super) fn settle(&mut self, asked: &Asked, memory: &mut Memory) {
        if !is_behind(&asked.kind) {
            return;
        }
        let path = format!("{} -d {}", asked.device, asked.kind);
        let unknown = self.attrs.get("identity").is_some_and(|it| it == "unstable");
        match (unknown, memory.on_path(&path)) {
            (true, Some(id)) => {
                self.id = id;
                self.attrs.remove("identity");
            }
            (false, _) => memory.remember_path(&path, &self.id),
            (true, None) => {}
        }
    }
}

/// The exit bits without a verdict: wrong command line; device not opened or asleep; a command failed.
const NOT_OPENED: u32 = 0x03;
const COMMAND_FAILED: u32 = 0x04;
const DISK_FAILING: u32 = 0x08;

/// Asks a drive. Whatever goes wrong is in the reading.
pub(super) fn ask(host: &dyn Host, asked: &Asked, memory: &mut Memory) -> Drive {
    let Asked { device, kind } = asked;
    let argv = ["smartctl", "--json=c", "--xall", "-n", "standby", "-d", kind, device];
    let path = format!("{device} -d {kind}");
    let output = match host.run(&argv) {
        Ok(output) => output,
        Err(error) => {
            let mut drive = unread(host, asked, path);
            drive.reading.problem(error.reason(), format!("{device}: {error}"));
            return drive;
        }
    };
    let evidence = Some((argv.join(" "), output.stdout.clone()));
    let what = format!("`{}`", argv.join(" "));
    match serde_json::from_str::<Value>(&output.stdout) {
        Ok(mut json) if json.is_object() => {
            let strange = typed::only_names(&mut json, NAMES);
            let status = u32::try_from(output.status).unwrap_or(0);
            let mut drive = understand(host, asked, &json, status);
            farm::read(host, asked, &json, drive.id.as_str(), memory, &mut drive.reading);
            if let Some(said) = strange {
                let text = format!("{what} not understood: {said:?}");
                drive.reading.problem(Reason::Unparsable, text);
            }
            Drive { evidence, ..drive }
        }
        other => {
            let mut drive = unread(host, asked, path);
            let why = other.err().map_or("no object".to_owned(), |it| it.to_string());
            let reason = if output.truncated { Reason::Truncated } else { Reason::Unparsable };
            let start: String = output.stdout.chars().take(80).collect();
            drive.reading.problem(reason, format!("{device}: smartctl's JSON: {why} in {start:?}"));
            Drive { evidence, ..drive }
        }
    }
}

/// A drive that smartctl's scan could not open.
pub(super) fn cannot_open(host: &dyn Host, asked: &Asked, error: &str) -> Drive {
    let mut drive = unread(host, asked, format!("{} -d {}", asked.device, asked.kind));
    let denied = error.to_lowercase().contains("permission denied");
    let reason = if denied { Reason::PermissionDenied } else { Reason::ToolFailed };
    drive.reading.problem(reason, format!("smartctl cannot open {}: {error}", asked.device));
    drive
}

/// Who a device is by its name alone. A name such as `/dev/sda` with a type such as `megaraid,2` means a drive behind
/// the controller and not the disk `sda`.
fn by_name(host: &dyn Host, device: &str, kind: &str) -> Identity {
    let name = kernel_name(host, device);
    if is_behind(kind) {
        return devices::disk_identity(None, None, &format!("{name} {kind}"));
    }
    devices::disk(host, &name)
}

/// Whether a type means a drive behind a controller.
pub(super) fn is_behind(kind: &str) -> bool {
    const CONTROLLERS: [&str; 9] = [
        "3ware",
        "aacraid",
        "areca",
        "cciss",
        "hpt",
        "intelliprop",
        "jmb39x",
        "megaraid",
        "sssraid",
    ];
    CONTROLLERS.iter().any(|it| kind.contains(it))
}

/// `/dev/sda` is `sda`; the controller `/dev/nvme0` is the disk `nvme0n1`.
pub(super) fn kernel_name(host: &dyn Host, device: &str) -> String {
    let name = device.strip_prefix("/dev/").unwrap_or(device);
    let namespace = format!("{name}n");
    if name.starts_with("nvme") && !name.trim_start_matches("nvme").contains('n') {
        let blocks = host.list("sys/block").unwrap_or_default();
        return blocks
            .into_iter()
            .find(|it| it.starts_with(&namespace))
            .unwrap_or(format!("{name}n1"));
    }
    name.to_owned()
}

fn unread(host: &dyn Host, asked: &Asked, path: String) -> Drive {
    let identity = by_name(host, &asked.device, &asked.kind);
    let mut attrs = BTreeMap::from([("hw.smart.path".to_owned(), path)]);
    if !identity.stable {
        attrs.insert("identity".to_owned(), "unstable".to_owned());
    }
    let behind = is_behind(&asked.kind);
    let kernel = kernel_name(host, &asked.device);
    let name = if behind { format!("{kernel} {}", asked.kind) } else { kernel };
    Drive { id: identity.id, name, attrs, reading: Reading::default(), evidence: None, day: 0 }
}

/// Makes a reading of smartctl's JSON.
fn understand(host: &dyn Host, asked: &Asked, json: &Value, status: u32) -> Drive {
    let mut drive = unread(host, asked, format!("{} -d {}", asked.device, asked.kind));
    identify(host, asked, json, &mut drive);
    let out = &mut drive.reading;
    let exit = at(json, &["smartctl", "exit_status"]).and_then(Value::as_u64);
    let exit = exit.and_then(|it| u32::try_from(it).ok()).unwrap_or(status);
    if let Some(seconds) = at(json, &["local_time", "time_t"]).and_then(Value::as_i64) {
        drive.day = seconds.div_euclid(86_400);
    }
    let messages = scsi::messages(json);
    if exit & NOT_OPENED != 0 && is_asleep(json, &messages) {
        out.problem(Reason::Asleep, format!("{} sleeps and was left asleep", drive.name));
        return drive;
    }
    common(json, out);
    match text(json, &["device", "protocol"]).map(str::to_lowercase).as_deref() {
        Some("nvme") => nvme::read(json, out),
        Some("scsi") => scsi::read(json, out),
        Some("ata") => ata::read(json, exit, out),
        // Cut or strange: whatever is there is read.
        _ => {
            nvme::read(json, out);
            ata::read(json, exit, out);
        }
    }
    verdict(json, exit, &messages, out);
    drive
}

fn identify(host: &dyn Host, asked: &Asked, json: &Value, drive: &mut Drive) {
    let serial = text(json, &["serial_number"]);
    let wwn = wwn(json);
    let namespace = number(json, &["nvme_controller_id"]).is_some();
    let identity = devices::disk_identity(serial, wwn.as_deref(), &drive.name);
    let behind = is_behind(&asked.kind);
    if identity.stable && (behind || !devices::is_shared(host, identity.id.key())) {
        drive.id = identity.id;
        drive.attrs.remove("identity");
    } else if !behind {
        drive.id = by_name(host, &asked.device, &asked.kind).id;
    }
    let mut attr = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            drive.attrs.insert(name.to_owned(), value.to_owned());
        }
    };
    attr("hw.serial_number", serial);
    attr("hw.model", text(json, &["model_name"]).or(text(json, &["scsi_model_name"])));
    attr("hw.model_family", text(json, &["model_family"]));
    attr("hw.vendor", text(json, &["scsi_vendor"]));
    let firmware = text(json, &["firmware_version"]).or(text(json, &["scsi_revision"]));
    attr("hw.firmware_version", firmware);
    attr("hw.wwn", wwn.as_deref());
    of_family(json, drive);
    let mut attr = |name: &str, value: &str| drive.attrs.insert(name.to_owned(), value.to_owned());
    if is_virtual(json) && !behind {
        attr(VIRTUAL, "true");
    }
    if !is_behind(&asked.kind) {
        let device = format!("/dev/{}", drive.name);
        drive.attrs.insert("system.device".to_owned(), device);
    }
    let kind = match number(json, &["rotation_rate"]) {
        Some(rate) if rate > 0.0 => "hdd",
        Some(_) => "ssd",
        None if namespace || json.get("nvme_smart_health_information_log").is_some() => "nvme",
        None => return in_database(json, drive),
    };
    drive.attrs.insert("hw.physical_disk.type".to_owned(), kind.to_owned());
    in_database(json, drive);
}

/// Whose ATA drive it is by the product's own table, and which version of it. NVMe and SCSI pack nothing.
fn of_family(json: &Value, drive: &mut Drive) {
    let attributes = at(json, &["ata_smart_attributes", "table"]).is_some();
    if !attributes {
        return;
    }
    let family = ata::family(json);
    let name = family.map_or(drives::UNKNOWN, |it| it.name.as_str());
    let maker = family.map(|it| (drives::MAKER_ATTR, it.maker.as_str()));
    let version = drives::table().version.as_str();
    let all = [(drives::FAMILY_ATTR, name), (drives::TABLE_ATTR, version)].into_iter().chain(maker);
    drive.attrs.extend(all.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

/// Attribute of a disk that a hypervisor or a cloud makes up: its health is its host's matter. `true` or not there.
pub(super) const VIRTUAL: &str = "hw.virtual";

/// Whether the disk names a hypervisor or a cloud as its maker.
fn is_virtual(json: &Value) -> bool {
    const MAKERS: [&str; 11] = [
        "qemu",
        "vmware",
        "vbox",
        "virtio",
        "xensrc",
        "msft virtual disk",
        "virtual disk",
        "google persistentdisk",
        "nvme_card-pd",
        "amazon elastic block store",
        "alibaba cloud elastic block storage",
    ];
    let (vendor, model) = (text(json, &["scsi_vendor"]), text(json, &["scsi_product"]));
    let scsi = [vendor.unwrap_or_default(), model.unwrap_or_default()].map(str::trim).join(" ");
    let names = [text(json, &["model_name"]), text(json, &["scsi_model_name"]), Some(&scsi)];
    names.into_iter().flatten().any(|it| {
        let name = it.trim().to_lowercase();
        MAKERS.iter().any(|maker| name.starts_with(maker))
    })
}

/// smartctl's database tells vendors' meanings of raw values: of a model that it does not know, they are less sure.
fn in_database(json: &Value, drive: &mut Drive) {
    if truth(json, &["in_smartctl_database"]) == Some(false) {
        drive.attrs.insert("hw.smart.in_database".to_owned(), "false".to_owned());
    }
}

/// `0x5000c500a1b2c3d4`, from ATA's parts or SCSI's text.
fn wwn(json: &Value) -> Option<String> {
    let part = |key: &str| at(json, &["wwn", key]).and_then(Value::as_u64);
    match (part("naa"), part("oui"), part("id")) {
        (Some(naa), Some(oui), Some(id)) => Some(format!("0x{naa:x}{oui:06x}{id:09x}")),
        _ => text(json, &["logical_unit_id"]).map(str::to_lowercase),
    }
}

/// Whether smartctl left a drive asleep.
pub(super) fn is_asleep(json: &Value, messages: &str) -> bool {
    let mode = ["string", "ata_string"].iter().find_map(|key| text(json, &["power_mode", key]));
    let mode = mode.unwrap_or_default().to_uppercase();
    let printed = super::reading::list(json, &["smartctl", "output"]);
    let says = |line: &str| line.contains("Device is in ") && line.contains(" mode");
    says(messages)
        || printed.iter().filter_map(Value::as_str).any(says)
        || ["STANDBY", "SLEEP"].iter().any(|it| mode.contains(it))
}

fn common(json: &Value, out: &mut Reading) {
    let temperature = number(json, &["temperature", "current"])
        .or_else(|| scsi::environmental_temperature(json))
        .or_else(|| number(json, &["nvme_smart_health_information_log", "temperature"]));
    // 0 and 255 are what drives without a sensor say.
    out.between(&m::TEMPERATURE, temperature, 1.0, 125.0);
    for (path, limit) in [
        (["nvme_composite_temperature_threshold", "critical"], "high.critical"),
        (["nvme_composite_temperature_threshold", "warning"], "high.degraded"),
        (["temperature", "drive_trip"], "high.critical"),
        (["temperature", "limit_max"], "high.critical"),
        (["temperature", "op_limit_max"], "high.degraded"),
    ] {
        // A limit of 0 or beyond what silicon bears is one that was not set.
        if let Some(value) = number(json, &path).filter(|it| (30.0..=125.0).contains(it)) {
            let attrs = vec![("hw.limit_type", limit.to_owned())];
            out.number_with(&m::TEMPERATURE_LIMIT, attrs, value);
        }
    }
    let size = number(json, &["user_capacity", "bytes"])
        .or_else(|| number(json, &["nvme_total_capacity"]))
        .filter(|it| *it > 0.0);
    out.between(&m::SIZE, size, 1.0, 1e18);
    // 300,000 hours are 34 years.
    out.between(&m::HOURS, number(json, &["power_on_time", "hours"]), 0.0, 300_000.0);
    out.count(&m::CYCLES, number(json, &["power_cycle_count"]));
}

fn verdict(json: &Value, exit: u32, messages: &str, out: &mut Reading) {
    let enabled = truth(json, &["smart_support", "enabled"]);
    let available = truth(json, &["smart_support", "available"]);
    if let Some(available) = available {
        let word = match (available, enabled) {
            (false, _) => "unavailable",
            (true, Some(false)) => "disabled",
            (true, _) => "enabled",
        };
        out.word(&m::SMART_SUPPORT, word);
    }
    let detail = if messages.is_empty() { String::new() } else { format!(": {messages}") };
    let passed = truth(json, &["smart_status", "passed"]);
    if passed == Some(false) || exit & DISK_FAILING != 0 {
        out.word(&m::STATUS, "failed");
    } else if passed == Some(true) && exit & COMMAND_FAILED != 0 {
        out.word(&m::STATUS, "unconfirmed");
        let text = "a command behind the verdict failed, or a log's checksum is wrong (exit bit 2)";
        out.problem(Reason::ToolFailed, format!("{text}{detail}"));
    } else if passed == Some(true) && enabled == Some(false) {
        out.word(&m::STATUS, "unconfirmed");
        out.problem(Reason::Unsupported, "the drive is set not to report predicted failures");
    } else if passed == Some(true) && exit & NOT_OPENED == 0 {
        out.word(&m::STATUS, "passed");
    } else if available == Some(false) {
        out.problem(Reason::Unsupported, format!("the device has no SMART{detail}"));
    } else if exit & NOT_OPENED != 0 {
        let text = "smartctl could not open or identify the device (exit bits 0 and 1)";
        out.problem(Reason::ToolFailed, format!("{text}{detail}"));
    } else if out.says_something() {
        out.problem(Reason::Unsupported, format!("the drive gives no verdict on itself{detail}"));
    } else {
        out.problem(
            Reason::Unparsable,
            format!("nothing in smartctl's answer was understood{detail}"),
        );
    }
}
