//! The door for JSON of tools and controllers: what stands where a name should stand and is none becomes nothing and is
//! told, so that no component is ever called `true`, `[1,2]` or `1.5`.
//!
//! A name is a text or a whole number: tools write serial numbers and indices either way. Which keys bear names is said by
//! each source in a list. What is null is not there, which many tools say of what they do not know.

use serde_json::Value;

use crate::host::Host;

/// Most places that are named in one answer; the others are counted.
const NAMED_MAX: usize = 3;

/// Characters of one place with what stands there, of its end: the key is the part that matters.
const PLACE_MAX: usize = 60;

/// Parses an answer. `what` is how a problem names it, `names` the keys whose values are names; a key with `[]` at its end
/// has a list of them, one with `#` a number that need not be whole.
///
/// # Errors
/// The text is no JSON.
pub(crate) fn parse(
    host: &dyn Host,
    what: &str,
    text: &str,
    names: &[&str],
) -> serde_json::Result<Value> {
    let mut json = serde_json::from_str(text)?;
    if let Some(strange) = only_names(&mut json, names) {
        host.misread(what, &strange);
    }
    Ok(json)
}

/// Takes out what stands where a name should and is none, and says what stood where.
pub(crate) fn only_names(json: &mut Value, names: &[&str]) -> Option<String> {
    let mut found = Vec::new();
    look(json, "", names, &mut found);
    let more = found.len().saturating_sub(NAMED_MAX);
    found.truncate(NAMED_MAX);
    let told = found.join("; ");
    match more {
        0 => Some(told).filter(|it| !it.is_empty()),
        _ => Some(format!("{told}; +{more}")),
    }
}

/// Whether a value can be a name, or is not there.
pub(crate) fn is_name(value: &Value) -> bool {
    match value {
        Value::Null | Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn look(value: &mut Value, path: &str, names: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Array(all) => {
            for (at, it) in all.iter_mut().enumerate().filter(|it| is_deep(it.1)) {
                look(it, &format!("{path}[{at}]"), names, found);
            }
        }
        Value::Object(all) => {
            for (key, it) in all.iter_mut() {
                let path = || if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if names.contains(&key.as_str()) {
                    check(it, path, found);
                } else if names.iter().any(|name| name.strip_suffix("[]") == Some(key)) {
                    list(it, path, found);
                } else if names.iter().any(|name| name.strip_suffix('#') == Some(key)) {
                    if !it.is_number() {
                        check(it, path, found);
                    }
                } else if is_deep(it) {
                    look(it, &path(), names, found);
                }
            }
        }
        _ => {}
    }
}

fn is_deep(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn list(value: &mut Value, path: impl Fn() -> String, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => {
            for (at, it) in all.iter_mut().enumerate() {
                check(it, || format!("{}[{at}]", path()), found);
            }
        }
        Value::Null => {}
        other => strange(other, &path(), found),
    }
}

fn check(value: &mut Value, path: impl Fn() -> String, found: &mut Vec<String>) {
    if !is_name(value) {
        strange(value, &path(), found);
    }
}

fn strange(value: &mut Value, path: &str, found: &mut Vec<String>) {
    let said: String = value.to_string().chars().take(20).collect();
    let place = format!("{path} = {said}");
    let skip = place.chars().count().saturating_sub(PLACE_MAX);
    found.push(place.chars().skip(skip).collect());
    *value = Value::Null;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAMES: &[&str] = &["sn", "children[]", "volts#"];

    #[test]
    fn what_is_no_name_is_taken_out_and_said_with_its_place() {
        let mut json = json!({
            "disks": [{"sn": "A"}, {"sn": true}, {"sn": 7}, {"sn": null}],
            "tree": {"sn": 1.5, "children": [1, [2], "x"], "size": 1.5, "volts": 1.5},
            "other": {"volts": true},
        });
        let said = only_names(&mut json, NAMES).unwrap();
        assert_eq!(said, "disks[1].sn = true; other.volts = true; tree.children[1] = [2]; +1");
        let left = json!({
            "disks": [{"sn": "A"}, {"sn": null}, {"sn": 7}, {"sn": null}],
            "tree": {"sn": null, "children": [1, null, "x"], "size": 1.5, "volts": 1.5},
            "other": {"volts": null},
        });
        assert_eq!(json, left);
        assert_eq!(only_names(&mut json, NAMES), None);
    }

    #[test]
    fn many_of_them_are_counted_and_long_ones_cut() {
        let key = "k".repeat(500);
        let mut json =
            json!([{"sn": {&key: 1}}, {"sn": [key]}, {"sn": true}, {"sn": false}, {"children": 1}]);
        let said = only_names(&mut json, NAMES).unwrap();
        assert!(said.contains("[2].sn = true; +2") && said.len() < 4 * PLACE_MAX, "{said}");
        assert_eq!(json[0], json!({"sn": null}));
    }
}
