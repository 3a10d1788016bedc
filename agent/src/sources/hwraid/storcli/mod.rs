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
    model::{Card, Drive, DriveState, Pack, Place, VolumeState, WriteCache, card},
    text,
};

use crate::{host::Host, typed};

mod drives;

mod printed;

mod section;

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

/// What bears names.
const NAMES: &[&str] = &[
    "Controller",
    "Ctl",
    "Ctrl",
    "DG/VD",
    "EID",
    "EID:Slot",
    "EID:Slt",
    "Model",
    "Name",
    "Product Name",
    "SAS Address",
    "SASAddress",
    "SCSI NAA Id",
    "SN",
    "Serial Number",
    "SerialNumber",
    "WWN",
];

/// Takes in one answer, which a problem names `what`. The error is for an answer that says nothing of any controller.
pub(super) fn read(
    host: &dyn Host,
    what: &str,
    answer: &str,
    cards: &mut Vec<Card>,
) -> Result<(), (Reason, String)> {
    let mut json = json(answer)?;
    if let Some(strange) = typed::only_names(&mut json, NAMES) {
        host.misread(what, &strange);
    }
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
            section::read(card, data);
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

/// A JSON value as people would write it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
