//! How Redfish's JSON is asked, and the words of its `Status`.
//!
//! Facts: DMTF DSP0266 (Redfish specification), schema `Resource.Status`. Invariant: a word that the schema does not
//! know is "unknown" and named, never taken for good.

use serde_json::Value;

/// What bears names.
pub(super) const NAMES: &[&str] = &[
    "@odata.id",
    "@odata.nextLink",
    "@odata.type",
    "BackupPowerSourceStatus",
    "DeviceName",
    "DurableName",
    "FanName",
    "Id",
    "MemberId",
    "Members@odata.nextLink",
    "Name",
    "PowerConsumedWatts#",
    "Reading#",
    "ReadingCelsius#",
    "ReadingType",
    "ReadingVolts#",
    "SerialNumber",
    "UUID",
    "VolumeUniqueIdentifier",
];

/// The words of `Health`, best first.
pub(super) const HEALTHS: [&str; 3] = ["ok", "warning", "critical"];

/// The words of `State` (Resource v1.20), in small letters.
const STATES: [&str; 14] = [
    "enabled",
    "disabled",
    "standbyoffline",
    "standbyspare",
    "intest",
    "starting",
    "absent",
    "unavailableoffline",
    "deferring",
    "quiesced",
    "updating",
    "qualified",
    "degraded",
    "unknown",
];

/// What a resource says of how it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// `ok`, `warning`, `critical`, `unknown` for a word that is none of these; none if it does not say.
    pub(super) health: Option<&'static str>,
    /// The same with all that is below it.
    pub(super) rollup: Option<&'static str>,
    /// A word of the schema, or `unknown`.
    pub(super) state: Option<&'static str>,
    /// Words that the schema does not know.
    pub(super) strange: Vec<String>,
}

impl Status {
    /// Reads `Status`, wherever the resource has one.
    pub(super) fn of(resource: &Value) -> Status {
        let mut status = Status::default();
        let Some(found) = resource.get("Status").filter(|it| !it.is_null()) else { return status };
        if !found.is_object() {
            status.strange.push(format!("Status = {}", short(found)));
            return status;
        }
        let mut strange = Vec::new();
        let mut word = |key: &str, known: &'static [&'static str]| match found.get(key) {
            Some(Value::String(text)) if key != "State" && old_word(text).is_some() => {
                old_word(text)
            }
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(value) => {
                let word = value.as_str().map(|it| it.trim().to_ascii_lowercase());
                let known = known.iter().find(|it| Some(**it) == word.as_deref());
                if known.is_none() {
                    strange.push(format!("Status.{key} = {}", short(value)));
                }
                Some(known.copied().unwrap_or("unknown"))
            }
        };
        status.health = word("Health", &HEALTHS);
        status.rollup = word("HealthRollup", &HEALTHS);
        status.state = word("State", &STATES);
        status.strange = strange;
        status
    }

    /// Nothing is there, which is no fault by itself.
    pub(super) fn is_absent(&self) -> bool {
        self.state == Some("absent")
    }

    /// How grave a health is; 0 for good and for not known.
    pub(super) fn gravity(health: Option<&str>) -> usize {
        HEALTHS.iter().position(|it| Some(*it) == health).unwrap_or(0)
    }
}

/// Words of services that are older than the standard; they say no less than theirs.
fn old_word(health: &str) -> Option<&'static str> {
    match health.trim().to_ascii_lowercase().as_str() {
        "degraded" | "caution" => Some("warning"),
        "error" | "failed" | "fatal" | "nonrecoverable" => Some("critical"),
        _ => None,
    }
}

/// The resource's type without version: `Drive` of `#Drive.v1_17_0.Drive`. Vendors' misspellings before the last dot
/// are no harm.
pub(super) fn kind(resource: &Value) -> Option<&str> {
    text(resource, "@odata.type")?.rsplit('.').next().map(|it| it.trim_start_matches('#'))
}

/// A text that is not blank.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().map(str::trim).filter(|it| !it.is_empty())
}

/// A number, also one that stands in quotes (older services do that), that is not a sentinel.
pub(super) fn number(value: &Value, key: &str) -> Option<f64> {
    plain_number(value.get(key)?)
}

/// See [`number`].
pub(super) fn plain_number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(it) => it.as_f64(),
        Value::String(it) => it.trim().parse().ok(),
        _ => None,
    };
    number.filter(|it: &f64| it.is_finite())
}

/// What is below a chain of keys.
pub(super) fn at<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value, |it, key| it.get(key))
}

/// An array's items; none if there is none.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The paths that an array of links names.
pub(super) fn links(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(path_of).collect()
}

/// A resource's or link's own path.
pub(super) fn path_of(value: &Value) -> Option<String> {
    text(value, "@odata.id").map(normal)
}

/// One spelling of a path: without a slash at its end, members of a resource behind `#/`.
pub(super) fn normal(path: &str) -> String {
    let (head, fragment) = path.split_once('#').unwrap_or((path, ""));
    let head = head.trim_end_matches('/');
    match fragment.trim_matches('/') {
        "" => head.to_owned(),
        fragment => format!("{head}#/{fragment}"),
    }
}

/// The path without the service's root, for keys and texts.
pub(super) fn relative(path: &str) -> &str {
    path.strip_prefix("/redfish/v1/").unwrap_or(path).trim_matches('/')
}

/// A value for a text, cut.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_of_a_status_are_known_or_named() {
        let status = Status::of(
            &json!({"Status": {"Health": "OK", "State": "Enabled", "HealthRollup": "Bad"}}),
        );
        assert_eq!((status.health, status.state), (Some("ok"), Some("enabled")));
        assert_eq!(status.rollup, Some("unknown"));
        assert_eq!(status.strange, ["Status.HealthRollup = \"Bad\""]);
        assert_eq!(Status::of(&json!({"Status": {"Health": null}})), Status::default());
        assert_eq!(Status::of(&json!({"Status": {"Health": 1}})).health, Some("unknown"));
        assert!(!Status::of(&json!({"Status": "OK"})).strange.is_empty());
    }

    #[test]
    fn one_path_has_one_spelling() {
        assert_eq!(normal("/redfish/v1/Chassis/1/Power/"), "/redfish/v1/Chassis/1/Power");
        assert_eq!(normal("/a/Power#PowerSupplies/0"), "/a/Power#/PowerSupplies/0");
        assert_eq!(normal("/a/Power/#/PowerSupplies/0"), "/a/Power#/PowerSupplies/0");
    }
}
