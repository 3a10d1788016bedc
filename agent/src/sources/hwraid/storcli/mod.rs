//! Broadcom (LSI, Avago) MegaRAID and its brands (Dell PERC, Lenovo, Cisco, Supermicro …): `storcli64`, `perccli64`
//! and, for the generation of 2021 on, `storcli2` and `perccli2`, all with `J` for JSON; what they print for people is taken
//! where it was saved.
//!
//! Facts: StorCLI reference manual (12Gb/s MegaRAID), StorCLI2 user guide UG104. The two generations name and nest the
//! same tables differently (`Drive /c0/e252/s0 - Detailed Information` against `Drives List`), so rows are known by
//! their columns and not by where they stand.

use serde_json::{Map, Value};
use xunjian_proto::{MemberState, Reason};

use super::{
    metrics as m,
    model::{
        Card, Drive, DriveState, Enclosure, Pack, PackState, Place, VolumeState, WriteCache, card,
    },
    text,
};

mod drives;

mod printed;

mod volumes;

/// The first command: everything but the particulars of drives and volumes.
pub(super) const ALL: &[&str] = &["/call", "show", "all", "J", "nolog"];
/// Particulars of drives in enclosures and backplanes.
pub(super) const DRIVES: &[&str] = &["/call/eall/sall", "show", "all", "J", "nolog"];
/// Particulars of drives without enclosure.
pub(super) const LONE_DRIVES: &[&str] = &["/call/sall", "show", "all", "J", "nolog"];
/// Particulars of volumes.
pub(super) const VOLUMES: &[&str] = &["/call/vall", "show", "all", "J", "nolog"];
/// Progress of rebuilds; asked only while there is one.
pub(super) const REBUILDS: &[&str] = &["/call/eall/sall", "show", "rebuild", "J", "nolog"];

/// Whether a text is an answer of one of these tools.
pub(super) fn is_answer(text: &str) -> bool {
    (text.contains("\"Controllers\"") && text.contains("\"Command Status\"")) || printed::is(text)
}

/// Which of the commands gave this answer.
pub(super) fn command(text: &str) -> &'static [&'static str] {
    let printed = printed::is(text).then(|| printed::json(text).to_string());
    let text = printed.as_deref().unwrap_or(text);
    let has = |part: &str| text.contains(part);
    if has("\"Drives List\"") || has(" - Detailed Information\"") || has("Device attributes\"") {
        DRIVES
    } else if has("\"VD Properties\"") || has(" Properties\"") && has("/v") || has("\"PDs for VD") {
        VOLUMES
    } else if has("Progress%") && has("\"Drive-ID\"") {
        REBUILDS
    } else {
        ALL
    }
}

/// Takes in one answer. The error is for an answer that says nothing of any controller.
pub(super) fn read(answer: &str, cards: &mut Vec<Card>) -> Result<(), (Reason, String)> {
    let json = json(answer)?;
    let mut said = None;
    let mut understood = false;
    for controller in json.get("Controllers").and_then(Value::as_array).into_iter().flatten() {
        let status = controller.get("Command Status");
        let of = |key: &str| status.and_then(|it| it.get(key)).map(plain);
        let data = controller.get("Response Data");
        if let Some(rows) = data.and_then(|it| it.get("System Overview")).and_then(Value::as_array)
        {
            rows.iter().for_each(|row| overview(row, cards));
            understood = true;
            continue;
        }
        let failed = of("Status").is_some_and(|it| it.eq_ignore_ascii_case("failure"));
        let description = of("Description").unwrap_or_default();
        if failed && is_nothing_there(&description) {
            said = Some((Reason::Missing, description));
            continue;
        }
        let Some(index) = of("Controller").filter(|it| !it.is_empty()) else {
            said = said.or(Some((Reason::Unparsable, "an answer names no controller".to_owned())));
            continue;
        };
        let card = card(cards, &index);
        for row in data.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
        {
            walk(card, row); // `show rebuild` has no groups
            understood = true;
        }
        if let Some(data) = data.and_then(Value::as_object) {
            walk(card, data);
            section(card, data);
            understood = true;
        }
        if failed && !is_nothing_to_show(controller, &description) {
            card.gaps.push((Reason::ToolFailed, format!("the controller answers: {description}")));
            understood = true;
        }
    }
    cards.iter_mut().for_each(Card::share_groups);
    match (understood, said) {
        (true, _) => Ok(()),
        (false, Some(said)) => Err(said),
        (false, None) => Err((Reason::Unparsable, "no controller in the answer".to_owned())),
    }
}

/// The JSON of an answer. Some versions print a warning before it or put control characters of drives into it.
pub(super) fn json(answer: &str) -> Result<Value, (Reason, String)> {
    if printed::is(answer) {
        return Ok(printed::json(answer));
    }
    let start = answer.find('{').unwrap_or(0);
    let end = answer.rfind('}').map_or(answer.len(), |it| it + 1);
    let body = answer.get(start..end).unwrap_or(answer);
    serde_json::from_str(body)
        .or_else(|_| {
            let clean = |it: char| if it.is_control() { ' ' } else { it };
            serde_json::from_str(&body.chars().map(clean).collect::<String>())
        })
        .map_err(|error| {
            let start: String = answer.chars().take(60).collect();
            (Reason::Unparsable, format!("{error} in {start:?}"))
        })
}

/// `Controller 0 not found`, `No Controller found`.
fn is_nothing_there(description: &str) -> bool {
    let lower = description.to_lowercase();
    lower.contains("not found") || lower.contains("no controller")
}

/// A controller without drives or volumes, or one that does not know a command, is no failure of the tool.
fn is_nothing_to_show(controller: &Value, description: &str) -> bool {
    let all = format!("{description} {controller}").to_lowercase();
    [
        "no vd",
        "no drive",
        "no pd",
        "not found",
        "un-supported",
        "unsupported",
        "no virtual",
        "invalid enclosure",
    ]
    .iter()
    .any(|it| all.contains(it))
}

/// A row of `show`: `{"Ctl": 0, "Model": …, "Hlth": "Opt", "DNOpt": 0, "VNOpt": 0}`.
fn overview(row: &Value, cards: &mut Vec<Card>) {
    let of = |keys: &[&str]| {
        keys.iter().find_map(|key| row.get(*key)).map(plain).filter(|it| !it.is_empty())
    };
    let Some(index) = of(&["Ctl", "Ctrl"]) else { return };
    let card = card(cards, &index);
    card.attr("hw.model", of(&["Model", "Product Name"]).as_deref());
    card.serial = of(&["SerialNumber", "SASAddress"]);
    card.status = card.status.take().or(of(&["Hlth", "Status"]));
    if let Some(said) =
        of(&["BBU", "EPack"]).filter(|it| !matches!(it.as_str(), "-" | "N/A" | "Absent" | "NA"))
    {
        card.packs.push(Pack { state: text::pack(&said), said, ..Pack::default() });
    }
}

/// Hands each row and group of particulars to whoever knows it, wherever it stands.
fn walk(card: &mut Card, object: &Map<String, Value>) {
    if object.contains_key("Progress%") {
        return drives::rebuild(card, object);
    }
    if object.contains_key("DG/VD") {
        return volumes::row(card, object);
    }
    if object.contains_key("EID:Slt") || object.contains_key("EID:Slot") {
        return drives::row(card, object);
    }
    if let (Some(info), Some(more)) = (object.get("VD Info"), object.get("VD Properties")) {
        return volumes::entry(card, info, more, object);
    }
    for (name, value) in object {
        if let Some(key) =
            drives::key_of_path(name).filter(|_| name.contains("Detailed Information"))
        {
            let mut facts = Vec::new();
            leaves(value, &mut facts);
            drives::particulars(card.drive(&key), &facts);
        } else if name == "Drive Detailed Information" {
            let info = object.get("Drive Information").and_then(Value::as_object);
            let Some(key) = info.and_then(drives::key_of_row) else { continue };
            let mut facts = Vec::new();
            leaves(value, &mut facts);
            drives::particulars(card.drive(&key), &facts);
        } else if let Some(number) = volumes::number_of_properties(name) {
            if let Some(it) = value.as_object() {
                volumes::particulars(card, &number, it);
            }
        } else if let Some(number) = name.strip_prefix("PDs for VD ") {
            volumes::members(card, number.trim(), value);
        } else {
            match value {
                Value::Object(inner) => walk(card, inner),
                Value::Array(rows) => {
                    if name.eq_ignore_ascii_case("TOPOLOGY") {
                        card.groups.clear(); // another answer may have told it already
                    }
                    rows.iter().filter_map(Value::as_object).for_each(|it| {
                        if name.eq_ignore_ascii_case("TOPOLOGY") {
                            volumes::topology(card, it);
                        } else {
                            walk(card, it);
                        }
                    });
                }
                _ => {}
            }
        }
    }
}

/// All plain values below a value, with the names they stand under.
fn leaves<'a>(value: &'a Value, found: &mut Vec<(&'a str, String)>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => leaves(value, found),
            Value::Array(_) => {}
            _ => found.push((name, plain(value))),
        }
    }
}

/// The groups that a controller has once.
fn section(card: &mut Card, data: &Map<String, Value>) {
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

/// A JSON value as people would write it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
