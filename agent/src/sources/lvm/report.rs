//! LVM's reports in JSON: rows of named fields.
//!
//! Facts: `lvmreport(7)`, `lvs(8)`. `--reportformat json` writes every value as text, `json_std` writes numbers as
//! numbers; sizes bear a unit unless asked not to. A volume of several segments has several rows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::printed;

/// What bears names.
pub(super) const NAMES: &[&str] = &[
    "lv_name", "lv_path", "lv_uuid", "pool_lv", "pv_name", "pv_uuid", "segtype", "vg_name",
    "vg_uuid",
];

/// One row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row(BTreeMap<String, String>);

impl Row {
    /// A field that is there and not empty.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// A number: a count or a percentage.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        let value: f64 = self.word(name)?.trim_end_matches('%').parse().ok()?;
        (value >= 0.0 && value.is_finite()).then_some(value)
    }

    /// A percentage as a share.
    pub(super) fn share(&self, name: &str) -> Option<f64> {
        self.number(name).filter(|it| *it <= 100.0).map(|it| it / 100.0)
    }

    /// A size in bytes, with or without its unit: `4194304`, `4194304B`, `<4.00g`.
    pub(super) fn bytes(&self, name: &str) -> Option<f64> {
        let text = self.word(name)?.trim_start_matches('<');
        let at = text.find(|it: char| it.is_ascii_alphabetic()).unwrap_or(text.len());
        let value: f64 = text.get(..at)?.trim().parse().ok()?;
        let power = match text.get(at..)?.chars().next() {
            None | Some('b' | 'B') => 0,
            Some('k' | 'K') => 1,
            Some('m' | 'M') => 2,
            Some('g' | 'G') => 3,
            Some('t' | 'T') => 4,
            Some('p' | 'P') => 5,
            Some(_) => return None,
        };
        (value >= 0.0).then(|| value * 1024_f64.powi(power))
    }
}

/// The rows of one kind (`lv`, `vg`, `pv`); an error says what was found instead.
pub(super) fn rows(json: &Value, kind: &str) -> Result<Vec<Row>, String> {
    let reports = json.get("report").and_then(Value::as_array).ok_or("no `report` in it")?;
    let mut found = None;
    for report in reports {
        let Some(rows) = report.get(kind).and_then(Value::as_array) else { continue };
        found.get_or_insert_with(Vec::new).extend(rows.iter().filter_map(row));
    }
    found.ok_or_else(|| format!("no `{kind}` in its report"))
}

/// The rows of a table as it is printed.
pub(super) fn printed_rows(text: &str, kind: &str) -> Result<Vec<Row>, String> {
    Ok(printed::rows(text, kind)?.into_iter().map(Row).collect())
}

/// The groups that devices name, each once; nothing but their names.
pub(super) fn groups(devices: &[Row]) -> Vec<Row> {
    let names: BTreeSet<&str> = devices.iter().filter_map(|it| it.word("vg_name")).collect();
    let row = |name: &str| Row(BTreeMap::from([("vg_name".to_owned(), name.to_owned())]));
    names.into_iter().map(row).collect()
}

fn row(value: &Value) -> Option<Row> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(parts) => {
            Some(parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
        }
        _ => None,
    };
    let fields = value.as_object()?.iter();
    Some(Row(fields.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_of_all_forms() {
        let json = serde_json::json!({"report":[{"lv":[{"a":"<4.00g","b":"1024","c":2048,"d":"78.89","e":"","f":["x","y"]}]}]});
        let rows = rows(&json, "lv").unwrap();
        let row = &rows[0];
        assert_eq!(row.bytes("a"), Some(4_294_967_296.0));
        assert_eq!((row.bytes("b"), row.bytes("c")), (Some(1024.0), Some(2048.0)));
        assert_eq!(row.share("d"), Some(0.7889));
        assert_eq!((row.word("e"), row.word("f")), (None, Some("x,y")));
        assert!(super::rows(&json, "pv").is_err() && super::rows(&Value::Null, "lv").is_err());
    }
}
