//! The names that rules may use: what the agent's sources declare, and what the collector itself knows of them.

use std::time::Duration;

use xunjian_agent::{source::Metric, sources};
use xunjian_rules::{KnownMetric, MetricKind};

use super::series::Fall;

/// How the newest run of a source ended: `collected`, `absent`, `failed`, `stuck`, `deferred`. On components of kind
/// `source`.
pub(super) const OUTCOME: &str = "xunjian.source.outcome";

/// Gaps in the newest run of a source. On components of kind `source`.
pub(super) const PROBLEMS: &str = "xunjian.source.problems";

/// Why the rule's source could not read this component in its newest run: `none`, or a reason in snake case.
pub(super) const PROBLEM: &str = "xunjian.component.problem";

/// Everything that rules may speak of.
pub fn known_metrics() -> Vec<KnownMetric> {
    let mut known: Vec<KnownMetric> = Vec::new();
    for source in sources::ALL {
        let mut add = |metric: &Metric, kind| {
            let same = |it: &&mut KnownMetric| it.name == metric.name && it.kind == kind;
            if let Some(known) = known.iter_mut().find(same) {
                return known.also.push((source.name.to_owned(), source.every));
            }
            known.push(KnownMetric {
                name: metric.name.to_owned(),
                unit: metric.unit.to_owned(),
                kind,
                source: source.name.to_owned(),
                every: source.every,
                also: Vec::new(),
            });
        };
        for metric in source.metrics {
            add(metric, if metric.counter { MetricKind::Counter } else { MetricKind::Gauge });
        }
        source.states.iter().for_each(|metric| add(metric, MetricKind::State));
        source.events.iter().for_each(|metric| add(metric, MetricKind::Event));
    }
    let own = [
        (OUTCOME, "", MetricKind::State),
        (PROBLEMS, "{problem}", MetricKind::Gauge),
        (PROBLEM, "", MetricKind::State),
    ];
    known.extend(own.map(|(name, unit, kind)| KnownMetric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        kind,
        source: SELF.to_owned(),
        // Never used: these are as fresh as the run they speak of.
        every: Duration::from_secs(60),
        also: Vec::new(),
    }));
    known
}

/// What a fall of a metric means.
pub(super) fn fall(metric: &KnownMetric) -> Fall {
    // Kept by the drive itself, or by a controller for as long as it knows the drive.
    const OF_DRIVES: [&str; 3] = ["hw.nvme.", "hw.scsi.", "hw.smart."];
    match metric.kind {
        MetricKind::Counter if OF_DRIVES.iter().any(|it| metric.name.starts_with(it)) => {
            Fall::Error
        }
        MetricKind::Counter => Fall::Reset,
        _ => Fall::Real,
    }
}

/// Name of the rule file whose rules are about sources as such and are judged on the runs of each.
pub(super) const SELF: &str = "source";
