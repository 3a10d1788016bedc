//! Everything that the source emits.

use crate::source::Metric;

pub(super) const PATHS: Metric = Metric::gauge(
    "multipath.paths",
    "{path}",
    "路径数",
    "Paths to the unit by multipath.path.state: up, ghost (standby controller, normal), down, unknown.",
);
pub(super) const DOWN: Metric =
    Metric::gauge("multipath.paths.down", "{path}", "失效路径数", "Paths that are broken.");
pub(super) const USABLE: Metric = Metric::gauge(
    "multipath.paths.usable",
    "{path}",
    "可用路径数",
    "Paths that carry I/O or stand ready to.",
);
pub(super) const ROUTES: Metric = Metric::gauge(
    "multipath.routes",
    "{route}",
    "独立路径数",
    "Independent ways to the unit: the fewer of the host's ports and the array's controllers that lead to it.",
);
pub(super) const MISSING: Metric = Metric::gauge(
    "multipath.routes.missing",
    "{route}",
    "消失的独立路径数",
    "Independent ways that were there within the last 30 days and are not even listed any more.",
);
pub(super) const FAULTS: Metric = Metric::counter(
    "multipath.path.faults",
    "{fault}",
    "路径故障次数",
    "Failures of paths of the unit since the daemon began to watch it.",
);
pub(super) const QUEUEING: Metric = Metric::word(
    "multipath.queueing",
    "无路径时的处理方式",
    "What happens without a path: on (I/O waits for ever), off (I/O fails).",
);
