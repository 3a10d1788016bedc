//! Small questions to a JSON value; what is not there or of another type is none.

use serde_json::Value;

/// What bears names.
pub(super) const NAMES: &[&str] = &[
    "children[]",
    "fsid",
    "id",
    "item_name",
    "name",
    "pool",
    "pool_id",
    "pool_name",
    "rule_id",
    "size",
    "type",
];

pub(super) fn number(value: &Value, key: &str) -> Option<f64> {
    let it = value.get(key)?;
    it.as_f64().or_else(|| it.as_str()?.trim().parse().ok()).filter(|it| it.is_finite())
}

pub(super) fn whole(value: &Value, key: &str) -> Option<i64> {
    let it = value.get(key)?;
    it.as_i64().or_else(|| it.as_str()?.trim().parse().ok())
}

pub(super) fn small(value: &Value, key: &str) -> Option<u32> {
    whole(value, key).and_then(|it| u32::try_from(it).ok())
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().map(str::trim).filter(|it| !it.is_empty())
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `true`, 1 or `"1"`.
pub(super) fn flag(value: &Value, key: &str) -> Option<bool> {
    let it = value.get(key)?;
    it.as_bool().or_else(|| whole(value, key).map(|it| it != 0))
}

/// The first of these keys that holds something.
pub(super) fn first<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| value.get(key)).filter(|it| !it.is_null())
}
