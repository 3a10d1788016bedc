//! The groups that a controller has once: what it is, its counters, tasks, packs and enclosures.

use serde_json::{Map, Value};

use super::{
    super::{
        metrics as m,
        model::{Card, Enclosure, Pack, PackState},
        text,
    },
    plain,
};

/// The groups that a controller has once.
pub(super) fn read(card: &mut Card, data: &Map<String, Value>) {
    let of = |group: &str, names: &[&str]| -> Option<String> {
        let group = data.get(group).and_then(Value::as_object);
        names.iter().find_map(|name| group?.get(*name)).map(plain).filter(|it| !it.is_empty())
    };
    // `show` has on the top level what `show all` has in groups.
    let top = |names: &[&str]| {
        names.iter().find_map(|it| data.get(*it)).map(plain).filter(|it| !it.is_empty())
    };
    let model = of("Basics", &["Model", "Product Name"]).or(top(&["Product Name", "Model"]));
    card.attr("hw.model", model.as_deref());
    let firmware =
        of("Version", &["Firmware Package Build", "Package Version", "Firmware Version"])
            .or(top(&["FW Package Build", "Package Version", "FW Version", "Firmware Version"]));
    card.attr("hw.firmware_version", firmware.as_deref());
    let driver = of("Version", &["Driver Name"]).or(top(&["Driver Name"]));
    card.attr("hw.driver", driver.as_deref());
    let driver = of("Version", &["Driver Version"]).or(top(&["Driver Version"]));
    card.attr("hw.driver_version", driver.as_deref());
    let pci = of("Basics", &["PCI Address"]).or(top(&["PCI Address"]));
    card.attr("hw.pci.address", pci.as_deref());
    let serial =
        of("Basics", &["Serial Number", "Board Tracer Number"]).or(top(&["Serial Number"]));
    let sas = of("Basics", &["SAS Address"]).or(top(&["SAS Address"]));
    card.attr("hw.serial_number", serial.as_deref());
    card.attr("hw.sas_address", sas.as_deref());
    let named =
        |it: &Option<String>| it.clone().filter(|it| !it.trim().eq_ignore_ascii_case("redacted"));
    card.serial = card.serial.take().or(named(&serial)).or(named(&sas));
    card.status =
        of("Status", &["Controller Status"]).or(top(&["Controller Status"])).or(card.status.take());
    for (name, kind) in
        [("Memory Correctable Errors", "corrected"), ("Memory Uncorrectable Errors", "uncorrected")]
    {
        let value = of("Status", &[name]).as_deref().and_then(text::count);
        card.number(&m::MEMORY_ERRORS, vec![("hw.error.type", kind.to_owned())], value);
    }
    let preserved =
        of("Status", &["Any Offline VD Cache Preserved"]).as_deref().and_then(text::truth);
    if let Some(preserved) = preserved {
        card.word(&m::PRESERVED, if preserved { "yes" } else { "no" });
    }
    if of("Status", &["Controller has booted into safe mode"]).as_deref().and_then(text::truth)
        == Some(true)
    {
        card.status = Some("Failed (booted into safe mode)".to_owned());
    }
    card.lists_volumes |= data.contains_key("Basics")
        || data.contains_key("VD LIST")
        || data.contains_key("Virtual Drives");
    temperatures(card, data);
    tasks(card, &of);
    packs(card, data);
    let absent = of("HwCfg", &["BBU"]).is_some_and(|it| it.eq_ignore_ascii_case("absent"));
    let cache =
        of("HwCfg", &["On Board Memory Size"]).as_deref().and_then(text::number).unwrap_or(0.0);
    if absent && card.packs.is_empty() && cache > 0.0 {
        let said = "Absent".to_owned();
        card.packs.push(Pack { state: PackState::Absent, said, ..Pack::default() });
    }
    enclosures(card, data);
}

fn temperatures(card: &mut Card, data: &Map<String, Value>) {
    for (name, value) in data.get("HwCfg").and_then(Value::as_object).into_iter().flatten() {
        // `ROC temperature(Degree Celsius)` (in old versions misspelt), `Chip temperature(C)`.
        let Some((place, _)) = name.split_once("emperature(") else { continue };
        let place = place.trim_end_matches(['T', 't', ' ']).to_lowercase();
        if let Some(value) = text::celsius(&plain(value)) {
            let place = if place.is_empty() { "controller".to_owned() } else { place };
            card.number(&m::TEMPERATURE, vec![("hw.sensor_location", place)], Some(value));
        }
    }
}

fn tasks(card: &mut Card, of: &dyn Fn(&str, &[&str]) -> Option<String>) {
    for (names, metric) in [
        (["Patrol Read Reoccurrence", "Patrol Read Recurrence"], &m::PATROL),
        (["Consistency Check Reoccurrence", "Consistency Check Recurrence"], &m::CHECK),
    ] {
        if let Some(every) = of("Scheduled Tasks", &names) {
            let runs =
                every.chars().any(|it| it.is_ascii_digit()) && text::number(&every) != Some(0.0);
            card.word(metric, if runs { "scheduled" } else { "off" });
        }
    }
}

/// `BBU_Info`, `Cachevault_Info` as rows or as `Property`/`Value` pairs, `Energy Pack Info`.
fn packs(card: &mut Card, data: &Map<String, Value>) {
    for (name, value) in data {
        let lower = name.to_lowercase();
        if !["bbu_info", "cachevault_info", "energy pack info"].contains(&lower.as_str()) {
            continue;
        }
        card.packs.clear();
        let rows = value.as_array().map_or(&[] as &[Value], Vec::as_slice);
        let paired: Map<String, Value> = rows
            .iter()
            .filter_map(|it| Some((plain(it.get("Property")?), it.get("Value")?.clone())))
            .collect();
        let whole: Vec<&Map<String, Value>> = match paired.is_empty() {
            true => rows.iter().filter_map(Value::as_object).collect(),
            false => vec![&paired],
        };
        for (at, row) in whole.into_iter().enumerate() {
            let of = |names: &[&str]| names.iter().find_map(|it| row.get(*it)).map(plain);
            let said = of(&["State", "Status"]).unwrap_or_default();
            card.packs.push(Pack {
                index: if at == 0 { String::new() } else { at.to_string() },
                model: of(&["Model", "SubType", "Type"]),
                state: text::pack(&said),
                said,
                temperature: of(&["Temp", "Temperature(C)", "Temperature"])
                    .as_deref()
                    .and_then(text::celsius),
                ..Pack::default()
            });
        }
    }
}

fn enclosures(card: &mut Card, data: &Map<String, Value>) {
    for (name, value) in data {
        if !name.eq_ignore_ascii_case("Enclosure LIST") {
            continue;
        }
        for row in value.as_array().into_iter().flatten() {
            let of = |name: &str| row.get(name).map(plain).filter(|it| !it.is_empty());
            let (Some(index), Some(said)) = (of("EID"), of("State")) else { continue };
            let name = of("ProdID").filter(|it| it != "-");
            let good = said.eq_ignore_ascii_case("ok");
            card.enclosures.push(Enclosure { index, name, good: Some(good), said });
        }
    }
}
