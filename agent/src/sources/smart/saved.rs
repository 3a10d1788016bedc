//! Saved outputs of smartctl, as customers mail them: JSON, or what it prints for people.

use serde_json::{Value, json};
use xunjian_proto::Time;

use super::printed;
use crate::{
    host::{Given, fitting},
    saved::{File, SavedHost},
};

/// One `smartctl --json -x` per disk. The names in them tell the disks apart for the source; disks of several hosts
/// may share a name, so a name that is taken gets a number.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    let (mut devices, mut names, mut at) = (Vec::new(), Vec::<String>::new(), None);
    for file in files {
        let wanted = || {
            let wanted = "want the output of `smartctl --json -x DEVICE`, or what `smartctl -x DEVICE` prints";
            format!("{}: {wanted}", file.name)
        };
        let mut value: Value = match serde_json::from_str(&file.content) {
            Ok(value) => value,
            Err(error) => {
                printed::json(&file.content).ok_or_else(|| format!("{}: {error}", wanted()))?
            }
        };
        if value.get("smartctl").is_none() {
            return Err(wanted());
        }
        let device = value.get("device").cloned().unwrap_or_else(|| json!({}));
        let text = |key: &str| device.get(key).and_then(Value::as_str).map(str::to_owned);
        // Other systems than Linux call their disks otherwise (`IOService:/...`).
        let plain = text("name")
            .filter(|it| fitting(&["{device}"], &[it]).is_some())
            .unwrap_or_else(|| format!("/dev/saved{}", names.len()));
        let mut name = plain.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{plain}#{number}");
            number += 1;
        }
        let made = value.pointer("/local_time/time_t").and_then(Value::as_i64);
        at = at.max(made.map(Time::from_secs));
        let status = value.pointer("/smartctl/exit_status").and_then(Value::as_i64).unwrap_or(0);
        if text("name").as_ref() != Some(&name)
            && let Some(it) = value.pointer_mut("/device/name")
        {
            *it = json!(name);
        }
        let content = if text("name").as_ref() == Some(&name) {
            file.content.clone()
        } else {
            value.to_string()
        };
        host.answer(&["smartctl", &name], i32::try_from(status).unwrap_or(0), content);
        devices.push(json!({
            "name": name,
            "info_name": text("info_name").unwrap_or_else(|| name.clone()),
            "type": text("type").unwrap_or_else(|| "auto".to_owned()),
            "protocol": text("protocol").unwrap_or_default(),
        }));
        names.push(name);
    }
    host.answer(&["smartctl", "--scan*"], 0, json!({ "devices": devices }).to_string());
    Ok(SavedHost { host, at })
}
