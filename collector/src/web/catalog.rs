//! What the agent's own list of sources says about a source or a metric: period, unit, meaning.

use std::time::Duration;

use xunjian_agent::{source::Metric, sources};

/// How often a source runs by default; `None` for one this collector does not know (a newer agent's).
pub(super) fn period(source: &str) -> Option<Duration> {
    sources::ALL.iter().find(|known| known.name == source).map(|known| known.every)
}

/// A metric's entry; `None` for one this collector does not know.
pub(super) fn metric(name: &str) -> Option<&'static Metric> {
    sources::ALL.iter().flat_map(|source| source.metrics).find(|metric| metric.name == name)
}
