//! What rules may speak of: the names that sources declare, with unit and kind. The loader is given the list, so this
//! crate needs to know neither the agent nor the collector.

use std::time::Duration;

/// One declared name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMetric {
    /// `system.filesystem.utilization`.
    pub name: String,
    /// UCUM unit as OpenTelemetry writes it; empty for states and events.
    pub unit: String,
    /// What it is.
    pub kind: MetricKind,
    /// The source that emits it.
    pub source: String,
    /// How often that source runs by default.
    pub every: Duration,
    /// Further sources that emit the same on other components (`hw.temperature` of drives and of sensors), with their
    /// periods. A rule reads it as fresh as its own source is, if that is among them.
    pub also: Vec<(String, Duration)>,
}

/// The four kinds of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A number that goes up and down.
    Gauge,
    /// A number that only rises, but for resets.
    Counter,
    /// A word.
    State,
    /// A happening.
    Event,
}

impl MetricKind {
    /// What a person calls it.
    pub fn label(self) -> &'static str {
        match self {
            MetricKind::Gauge => "gauge",
            MetricKind::Counter => "counter",
            MetricKind::State => "state",
            MetricKind::Event => "event",
        }
    }
}
