//! Profiles: which variables of a family of devices say what. Data files in `profiles/`, one a family, compiled in.
//!
//! A profile names the MIB that it follows, how a device of the family is recognised, its tables with the columns that
//! are read, and for each enumeration what every value means for the health of a part. What a profile does not know is
//! *unknown*, never good.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::catalog::all;
use crate::host::Oid;

/// A family of devices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// Also the file's name, and what `profile = "…"` takes.
    pub(super) name: String,
    /// What people call the family.
    pub(super) title: String,
    /// MIB and revision that it follows, and what was left out.
    pub(super) follows: String,
    /// How a device is recognised: one of these is enough.
    #[serde(default, rename = "match")]
    pub(super) matches: Vec<Match>,
    /// Profiles of parts that are read besides: `interfaces`.
    #[serde(default)]
    pub(super) parts: Vec<String>,
    /// Another family whose MIB is the same below another number: its enumerations and tables are read too.
    #[serde(default)]
    pub(super) like: Option<Like>,
    /// Whether it only stands for parts of others.
    #[serde(default)]
    pub(super) part: bool,
    /// Said of devices that tell nothing of their health over SNMP.
    #[serde(default)]
    pub(super) silent: Option<String>,
    /// Where the device itself says who it is.
    #[serde(default)]
    pub(super) device: Facts,
    /// Meanings of enumerations.
    #[serde(default)]
    pub(super) enums: BTreeMap<String, Enumeration>,
    /// Tables, and groups of single variables (tables with the one row `0`).
    #[serde(default, rename = "table")]
    pub(super) tables: Vec<Table>,
}

/// A family whose tables lie elsewhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Like {
    /// The other profile, which is like none itself.
    pub(super) profile: String,
    /// What its identifiers begin with.
    pub(super) from: OidText,
    /// What they begin with here.
    pub(super) to: OidText,
}

/// A way to recognise a device: everything that is given must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    /// `sysObjectID` is this or below it.
    pub(super) object_id: Option<OidText>,
    /// `sysDescr` holds this.
    pub(super) described: Option<String>,
    /// Something is below this.
    pub(super) present: Option<OidText>,
}

/// An identifier in a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct OidText(pub(super) Oid);

impl TryFrom<String> for OidText {
    type Error = String;

    fn try_from(text: String) -> Result<OidText, String> {
        text.parse().map(OidText)
    }
}

/// Values as text, each with the vendor's word and what it means.
pub(super) type Enumeration = BTreeMap<String, (String, Meaning)>;

/// What a value says of a part. The order is that of what outweighs what, where a part has several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meaning {
    /// The value says nothing of health.
    Nothing,
    /// Well and serving.
    Ok,
    /// Well, and nothing is connected to it.
    Idle,
    /// Well and waiting to take another's place.
    Spare,
    /// Switched off by will.
    Off,
    /// At work on itself: starting, rebuilding, formatting.
    Busy,
    /// The device does not know.
    Unknown,
    /// Serves with less than it should.
    Degraded,
    /// Serves and will fail.
    Predicted,
    /// Should be there and is not.
    Missing,
    /// Does not serve.
    Failed,
    /// There is no part at this place, and there need not be.
    Absent,
}

impl Meaning {
    /// The word of the state `snmp.health`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Meaning::Nothing | Meaning::Unknown => "unknown",
            Meaning::Ok => "ok",
            Meaning::Idle => "idle",
            Meaning::Spare => "spare",
            Meaning::Off => "off",
            Meaning::Busy => "busy",
            Meaning::Degraded => "degraded",
            Meaning::Predicted => "predicted",
            Meaning::Missing | Meaning::Absent => "missing",
            Meaning::Failed => "failed",
        }
    }
}

/// Where a device says who it is: `TABLE.COLUMN`, the first that says something counts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// The maker.
    #[serde(default)]
    pub(super) vendor: Option<String>,
    #[serde(default)]
    pub(super) model: Vec<String>,
    #[serde(default)]
    pub(super) serial: Vec<String>,
    #[serde(default)]
    pub(super) firmware: Vec<String>,
}

/// A table and the part that each row is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// For references and messages.
    pub(super) name: String,
    /// The entry, without the column.
    pub(super) entry: OidText,
    /// Columns that are read, by their names in the MIB.
    pub(super) columns: BTreeMap<String, u32>,
    /// Columns of other tables with the same index, by their full identifiers: a sensor's name.
    #[serde(default)]
    pub(super) beside: BTreeMap<String, OidText>,
    /// Kind of component that a row is; without one the table only serves the device's facts.
    #[serde(default)]
    pub(super) kind: Option<String>,
    /// What tells a row apart within the device: a pattern of `{column}` and `{index}`.
    #[serde(default)]
    pub(super) place: Option<String>,
    /// What people call it; by default the place.
    #[serde(default)]
    pub(super) label: Option<String>,
    /// Columns of a serial number and a WWN of its own, for disks.
    #[serde(default)]
    pub(super) serial: Option<String>,
    #[serde(default)]
    pub(super) wwn: Option<String>,
    /// Attributes: patterns.
    #[serde(default)]
    pub(super) attrs: BTreeMap<String, String>,
    /// Rows that are parts: those for which all of these hold.
    #[serde(default)]
    pub(super) only: Vec<Filter>,
    /// Rows that are none: those for which one of these holds.
    #[serde(default)]
    pub(super) unless: Vec<Filter>,
    /// A table that tells the same better: if it has rows, this one is left out.
    #[serde(default)]
    pub(super) instead_of: Option<String>,
    /// Rows that say nothing of health are no parts.
    #[serde(default)]
    pub(super) only_with_health: bool,
    #[serde(default)]
    pub(super) health: Vec<Health>,
    #[serde(default)]
    pub(super) numbers: Vec<Number>,
    #[serde(default)]
    pub(super) words: Vec<Word>,
}

/// A test of a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    pub(super) column: String,
    /// The value is one of these; small letters.
    #[serde(default)]
    pub(super) is: Vec<String>,
    /// The value holds one of these; small letters.
    #[serde(default)]
    pub(super) has: Vec<String>,
}

/// A column that says how the part is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Health {
    pub(super) column: String,
    /// The enumeration.
    #[serde(rename = "enum")]
    pub(super) map: String,
    /// The value begins behind this text.
    #[serde(default)]
    pub(super) after: Option<String>,
}

/// A column that holds a number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Number {
    /// Short name of a metric of the source.
    pub(super) metric: String,
    pub(super) column: String,
    /// What the value is multiplied by.
    #[serde(default = "one")]
    pub(super) scale: f64,
    /// A column whose value is multiplied too.
    #[serde(default)]
    pub(super) times: Option<String>,
    /// Columns of scale and decimals, as in ENTITY-SENSOR-MIB.
    #[serde(default)]
    pub(super) sensor: Option<(String, String)>,
    /// Values that stand for "not measured".
    #[serde(default)]
    pub(super) skip: Vec<f64>,
    /// Bounds of what can be; what is outside is left out. In the metric's unit.
    #[serde(default)]
    pub(super) within: Option<(f64, f64)>,
    /// The number stands in text, between these.
    #[serde(default)]
    pub(super) between: Option<(String, String)>,
    /// The series' attribute: `hw.limit_type`, `network.io.direction`.
    #[serde(default)]
    pub(super) attr: Option<(String, String)>,
}

fn one() -> f64 {
    1.0
}

/// A column that becomes a word of a state of its own: a port's admin and oper status.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Word {
    /// Short name of a state of the source.
    pub(super) state: String,
    pub(super) column: String,
    #[serde(rename = "enum")]
    pub(super) map: String,
}

impl Profile {
    /// The profile of this name.
    pub(super) fn named(name: &str) -> Option<&'static Profile> {
        all().iter().find(|it| it.name == name)
    }

    /// The names that a target's `profile` may have.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        all().iter().filter(|it| !it.part).map(|it| it.name.as_str())
    }

    /// This and the profiles of parts that go with it.
    pub(super) fn with_parts(&'static self) -> Vec<&'static Profile> {
        let parts = self.parts.iter().filter_map(|it| Profile::named(it));
        std::iter::once(self).chain(parts).collect()
    }
}

impl Table {
    /// The identifier of a column.
    pub(super) fn column(&self, name: &str) -> Option<Oid> {
        self.columns.get(name).map(|number| self.entry.0.with(&[*number]))
    }
}
