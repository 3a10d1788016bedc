//! Saved outputs: sg_ses, and the lists of enclosures that TrueNAS gives as JSON (`midclt call enclosure2.query`),
//! which hold the same elements.

use std::fmt::Write as _;

use serde_json::Value;
use xunjian_proto::Time;

use super::ses;
use crate::{
    host::Given,
    saved::{File, SavedHost},
};

/// Enclosures of one file.
const ENCLOSURES_MAX: usize = 64;

/// The host on which the source finds these files.
pub(super) fn host(files: &[File], _made: Time) -> Result<SavedHost, String> {
    let mut host = Given::default();
    let mut number = 0;
    for file in files {
        let texts = match serde_json::from_str::<Value>(&file.content) {
            Ok(json) => enclosures(&json).into_iter().take(ENCLOSURES_MAX).map(text).collect(),
            Err(_) => vec![file.content.clone()],
        };
        for text in &texts {
            if ses::parse(text).elements.is_empty() {
                continue;
            }
            let dir = format!("sys/class/enclosure/saved{number}");
            host.file(&format!("{dir}/device/scsi_generic/sg{number}"), "");
            host.answer(&["sg_ses", &format!("/dev/sg{number}")], 0, text.as_str());
            number += 1;
        }
        if !texts.iter().any(|it| !ses::parse(it).elements.is_empty()) {
            let name = &file.name;
            let what = super::SOURCE.saved.what().join(", or ");
            return Err(format!("{name}: want {what}"));
        }
    }
    Ok(SavedHost { host, at: None })
}

/// A list of enclosures, one alone, or a list under `ses`.
fn enclosures(json: &Value) -> Vec<&Value> {
    let list = json.get("ses").unwrap_or(json);
    match list.as_array() {
        Some(list) => list.iter().filter(|it| it.get("elements").is_some()).collect(),
        None if list.get("elements").is_some() => vec![list],
        None => Vec::new(),
    }
}

/// The enclosure as `sg_ses --join` would print it.
fn text(enclosure: &Value) -> String {
    let mut text = String::new();
    let word = |key: &str| enclosure.get(key).and_then(Value::as_str).unwrap_or_default();
    let _ = writeln!(text, "  {}", word("name").replace([':', '='], " "));
    let _ = writeln!(text, "  Primary enclosure logical identifier (hex): {}", word("id"));
    let types = enclosure.get("elements").and_then(Value::as_object);
    for (at, (kind, elements)) in types.into_iter().flatten().enumerate() {
        let kind = match kind.strip_suffix("Sensors") {
            Some(head) => format!("{head}sensor"),
            None => kind.clone(),
        };
        // Numbers as texts: in the order of the numbers.
        let elements = elements.as_object().into_iter().flatten();
        let mut elements: Vec<(u32, &Value)> =
            elements.filter_map(|(number, it)| Some((number.parse().ok()?, it))).collect();
        elements.sort_by_key(|it| it.0);
        for (index, (_, element)) in elements.into_iter().enumerate() {
            one(&mut text, &kind, at, index, element);
        }
    }
    text
}

fn one(text: &mut String, kind: &str, at: usize, index: usize, element: &Value) {
    let word = |key: &str| element.get(key).and_then(Value::as_str).unwrap_or_default();
    // `OK, Swapped`: the status, then flags.
    let status = word("status").split(',').next().unwrap_or_default();
    let name = word("descriptor").replace(['[', ']'], " ");
    let _ = writeln!(text, "{name} [{at},{index}]  Element type: {kind}");
    let _ = writeln!(text, "    Predicted failure=0, Disabled=0, Swap=0, status: {status}");
    if let Some(slot) = element.pointer("/original/slot").and_then(Value::as_u64) {
        let _ = writeln!(text, "    number of phys: 1, device slot number: {slot}");
    }
    let value = word("value");
    let end = value.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let key = match unit.trim().to_lowercase().as_str() {
        "c" => "Temperature",
        "v" => "Voltage",
        "a" => "Current",
        "rpm" => "Actual speed",
        _ => return,
    };
    let _ = writeln!(text, "    {key}={number} {unit}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_json_gives_the_same_elements() {
        let content = r#"[{"name": "EXAMPLE JBOD 01", "id": "500a", "elements": {
            "Array Device Slot": {"1": {"descriptor": "slot01", "status": "OK, Swapped", "value": null, "original": {"slot": 1}}},
            "Cooling": {"9": {"descriptor": "FAN1", "status": "Critical", "value": "0 RPM"}},
            "Temperature Sensors": {"10": {"descriptor": "Die", "status": "OK", "value": "41C"},
                                    "2": {"descriptor": "Air", "status": "OK", "value": "24C"}}}}]"#;
        let json: Value = serde_json::from_str(content).unwrap();
        let status = ses::parse(&text(enclosures(&json)[0]));
        assert_eq!(status.id.as_deref(), Some("500a"));
        let kinds: Vec<&str> = status.elements.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["array device slot", "cooling", "temperature sensor", "temperature sensor"]
        );
        assert_eq!((status.elements[0].status.as_str(), status.elements[0].slot), ("ok", Some(1)));
        assert_eq!(status.elements[1].number("actual speed"), Some(0.0));
        assert_eq!(
            (status.elements[2].name.as_str(), status.elements[2].number("temperature")),
            ("Air", Some(24.0))
        );
    }
}
