//! What one look at a host found, in checked types: a [`Run`] of a source with its samples, states,
//! events, components, problems and raw evidence.
//!
//! Invariant: what was not read is not in here. A missing reading is explained by a [`Problem`] or by the
//! run's [`Outcome`]; there is no "default" value for anything.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::time::Time;

mod component;

mod kind;

pub use component::{Component, ComponentId, Link, Member, MemberState, Relation, Set};
pub use kind::{KINDS, Kind};

/// One run of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The source's name: `smart`, `md`.
    pub source: String,
    /// When the run began.
    pub at: Time,
    /// Wall time in milliseconds.
    pub took_ms: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The things that were seen, with identity, attributes and relations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// Words: enumerations that the thing reports about itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    /// Things that happened at a point in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What could not be read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Raw outputs behind the readings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What the run cost the host.
    #[serde(default)]
    pub cost: Cost,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Read; single parts may still be missing, see the problems.
    Collected,
    /// The host lacks what the source needs: this file (`/proc/mdstat`) or program (`smartctl`). Not a fault.
    Absent(String),
    /// The run as a whole came to nothing.
    Failed(String),
    /// The run did not end by its deadline.
    Stuck,
    /// Not started, to spare the host; says why.
    Deferred(String),
}

/// Identity of a series of numbers: metric, component and attributes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesKey {
    /// Metric name, OpenTelemetry form: `system.filesystem.utilization`.
    pub metric: String,
    /// What it is measured on.
    pub component: ComponentId,
    /// Further attributes, sorted by name: `disk.io.direction = read`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attrs: Vec<(String, String)>,
}

/// One number. The unit is the metric's; the time is the run's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which series; shared, because the same key comes with every run.
    #[serde(flatten)]
    pub series: Arc<SeriesKey>,
    /// Always finite.
    pub value: f64,
}

/// One word that a component says about itself: `md.array.state = clean`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Name, in the same form as a metric's.
    pub metric: String,
    /// Whose state.
    pub component: ComponentId,
    /// The word as the tool prints it, lower case.
    pub value: String,
}

/// Something that happened: a kernel log line, a boot, a service that restarted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Closed kind: `kernel.io_error.medium`, `kernel.oom_kill`.
    pub kind: String,
    /// To whom it happened.
    pub component: ComponentId,
    /// When, by the host's clock.
    pub at: Time,
    /// The line or sentence it was read from, bounded.
    pub text: String,
    /// Decoded parts: `sector`, `process.pid`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
}

/// A part that could not be read. It makes readings *unknown*, never normal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Closed reason.
    pub reason: Reason,
    /// What it is about, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentId>,
    /// What was wanted and what was found, one line.
    pub text: String,
}

/// Why something is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The disk sleeps and was left asleep.
    Asleep,
    /// The device or tool does not offer it.
    Unsupported,
    /// No answer in time.
    TimedOut,
    /// The agent may not read it.
    PermissionDenied,
    /// The answer could not be understood, in whole or in part.
    Unparsable,
    /// The tool ended badly.
    ToolFailed,
    /// It was there and is not any more.
    Missing,
    /// The value is a sentinel or absurd and was left out.
    Implausible,
    /// Cut because of a limit of the agent.
    Truncated,
}

/// A raw output kept as proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What was read: a path or a command line.
    pub name: String,
    /// Its content, bounded.
    pub content: String,
}

/// What a run cost the host: the non-intrusion ledger's raw material.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// CPU time of the agent's own thread, microseconds; the agent rounds it by 3 % at most.
    #[serde(default)]
    pub cpu_us: u64,
    /// Bytes read from files and programs, rounded likewise.
    #[serde(default)]
    pub read_bytes: u64,
    /// Programs that were started: command line (without the device) and wall milliseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<(String, u32)>,
}

/// Who a recording, bundle or stream speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// Host name.
    pub hostname: String,
    /// The kernel's boot id: changes with every boot.
    pub boot_id: String,
    /// The agent's version.
    pub agent_version: String,
    /// Operating system, kernel, architecture and so on (OpenTelemetry `os.*`, `host.*` names).
    #[serde(default)]
    pub attrs: BTreeMap<String, String>,
}

/// Judge-ready readings of one host: what `once --format json`, `read` and `record` produce and `judge` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readings {
    /// Whose.
    pub host: HostFacts,
    /// In the order they were made.
    pub runs: Vec<Run>,
}
