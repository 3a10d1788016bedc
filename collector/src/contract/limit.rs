//! A threshold as a contract writes it: a number in the metric's own unit, or one with a unit: `98 %`, `50 GiB`, `10m`.

use serde::{Deserialize, Serialize};
use xunjian_rules::unit;

/// A threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Limit {
    /// In the unit of the metric that it is compared with; of a silence in seconds, of an absence in runs.
    pub value: f64,
    /// With its unit as it was written; none for a plain number.
    written: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

impl Limit {
    /// The metric's unit that was written; none for a plain number.
    pub fn unit(&self) -> Option<&'static str> {
        Some(unit::quantity(self.written.as_deref()?)?.unit)
    }

    /// As it was written.
    pub fn text(&self) -> String {
        self.written.clone().unwrap_or_else(|| self.value.to_string())
    }
}

impl From<f64> for Limit {
    fn from(value: f64) -> Limit {
        Limit { value, written: None }
    }
}

impl TryFrom<Written> for Limit {
    type Error = String;

    fn try_from(written: Written) -> Result<Limit, String> {
        match written {
            Written::Number(value) => Ok(value.into()),
            Written::Text(text) => match unit::quantity(&text) {
                Some(it) => Ok(Limit { value: it.value, written: Some(text) }),
                None => Err(format!(
                    "threshold {text:?}: wanted a number, or a number with a unit like \"98 %\", \"50 GiB\", \"45 °C\" or \"10m\""
                )),
            },
        }
    }
}

impl From<Limit> for Written {
    fn from(limit: Limit) -> Written {
        match limit.written {
            Some(text) => Written::Text(text),
            None => Written::Number(limit.value),
        }
    }
}
