//! What is told of quotas.

use crate::source::Metric;

pub(super) const METRICS: &[Metric] = &[LIMITED, REACHED, UNTOLD, SHARE, USAGE, LIMIT];
pub(super) const STATES: &[Metric] = &[STATE, STANDING];

pub(super) const STATE: Metric = Metric::word(
    "system.quota.state",
    "配额状态",
    "Whether limits hold: on, accounting (use is counted, limits do not hold), off.",
);
pub(super) const LIMITED: Metric = Metric::gauge(
    "system.quota.limited",
    "{subject}",
    "有配额限制的对象数",
    "Users, groups or projects that use something and have a limit.",
);
pub(super) const REACHED: Metric = Metric::gauge(
    "system.quota.reached",
    "{subject}",
    "达到配额限制的对象数",
    "Users, groups or projects by quota.standing: full (at the hard limit), expired (too long over the soft limit), over \
     (over the soft limit).",
);
pub(super) const UNTOLD: Metric = Metric::gauge(
    "system.quota.untold",
    "{subject}",
    "未逐一列出的超限对象数",
    "Those that reached a limit beyond the ones that are told of one by one.",
);
pub(super) const STANDING: Metric = Metric::word(
    "system.quota.standing",
    "配额使用状况",
    "How a user, group or project stands to its limits: ok, over (over the soft limit), expired (too long so), full (at \
     the hard limit).",
);
pub(super) const SHARE: Metric = Metric::gauge(
    "system.quota.utilization",
    "1",
    "配额使用率",
    "Share of the hard limit that is used, of the soft one where there is no hard one, by quota.resource: files, space.",
);
pub(super) const USAGE: Metric =
    Metric::gauge("system.quota.usage", "By", "配额用量", "Space that counts against a quota.");
pub(super) const LIMIT: Metric = Metric::gauge(
    "system.quota.limit",
    "By",
    "配额上限",
    "Hard limit of space, the soft one where there is no hard one.",
);
