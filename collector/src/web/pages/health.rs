//! How far a host is seen: its sources, what is unread, whether it is silent. Pure; shared by the overview, the host's
//! page and the API. What is old counts as unread: nothing unread is ever shown as normal.

use std::time::Duration;

use xunjian_proto::{Outcome, Time};

use crate::{
    classify::{Case, Grade},
    store::{AgentRow, SourceStatus},
    web::catalog,
};

/// A host that has not been heard of for so long is silent. Agents upload every few seconds and run their quickest
/// source at least once a minute; ten minutes bridge a restart and a short loss of the network.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(600);

/// How one source stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Read, whole and fresh.
    Read,
    /// Read and fresh, with gaps.
    Gaps,
    /// The host lacks what it reads: nothing to see, no gap.
    Absent,
    /// Not read: failed, stuck or deferred.
    Unread,
    /// Read once, too long ago to speak for now.
    Old,
}

/// How one source stands.
pub(super) fn sight(source: &SourceStatus, now: Time) -> Sight {
    let old = now.since(source.at) > patience(&source.source);
    match &source.outcome {
        Outcome::Absent(_) => Sight::Absent,
        _ if old => Sight::Old,
        Outcome::Collected if source.problems.is_empty() => Sight::Read,
        Outcome::Collected => Sight::Gaps,
        Outcome::Failed(_) | Outcome::Stuck | Outcome::Deferred(_) => Sight::Unread,
    }
}

/// Three periods of the source, and never less than a host may be silent.
fn patience(source: &str) -> Duration {
    let period = catalog::period(source).unwrap_or(Duration::from_secs(3600));
    SILENT_AFTER.max(period * 3)
}

/// A host with what is known of its sight and faults.
pub(super) struct HostHealth {
    /// The host.
    pub(super) row: AgentRow,
    /// Nothing has been heard of it for [`SILENT_AFTER`], or ever.
    pub(super) silent: bool,
    /// Sources read, whole and fresh.
    pub(super) read: usize,
    /// Sources with gaps, unread or old.
    pub(super) unknown: usize,
    /// Sources whose object the host lacks.
    pub(super) absent: usize,
    /// The gravest open case.
    pub(super) worst: Option<Grade>,
    /// Other hosts have the same name.
    pub(super) has_namesakes: bool,
    /// Open cases that are no consequences of others.
    pub(super) cases: usize,
    /// The host as a whole is in a maintenance window.
    pub(super) in_maintenance: bool,
}

impl HostHealth {
    /// From what the store says.
    pub(super) fn new(
        row: AgentRow,
        sources: &[SourceStatus],
        cases: &[Case],
        now: Time,
    ) -> HostHealth {
        let silent = row.last_seen.is_none_or(|seen| now.since(seen) > SILENT_AFTER);
        let count = |wanted: &[Sight]| {
            sources.iter().filter(|source| wanted.contains(&sight(source, now))).count()
        };
        let own =
            || cases.iter().filter(|case| case.agent == row.agent.0 && case.closed_at.is_none());
        HostHealth {
            silent,
            read: count(&[Sight::Read]),
            unknown: count(&[Sight::Gaps, Sight::Unread, Sight::Old]),
            absent: count(&[Sight::Absent]),
            worst: own().map(|case| case.decision.grade).min(),
            cases: own().filter(|case| case.parent.is_none()).count(),
            has_namesakes: false,
            in_maintenance: false,
            row,
        }
    }

    /// Enough of the agent's id to tell namesakes apart.
    pub(super) fn short_agent(&self) -> &str {
        self.row.agent.0.get(..8).unwrap_or(&self.row.agent.0)
    }

    /// No fault is open, and everything that should be read was read: the only state that may be green.
    pub(super) fn is_sound(&self) -> bool {
        !self.silent && self.unknown == 0 && self.read > 0 && self.worst.is_none()
    }

    /// Share of the applicable sources that are read, in whole percent, rounded down; `None` without any.
    pub(super) fn coverage(&self) -> Option<usize> {
        let read = if self.silent { 0 } else { self.read };
        (read * 100).checked_div(self.read + self.unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use xunjian_proto::{HostFacts, Problem, Reason};

    use super::*;
    use crate::store::AgentId;

    fn source(outcome: Outcome, at: i64, problems: Vec<Problem>) -> SourceStatus {
        SourceStatus {
            source: "nosuch".to_owned(),
            at: Time::from_secs(at),
            outcome,
            problems,
            collected_at: None,
        }
    }

    fn row(seen: Option<i64>) -> AgentRow {
        AgentRow {
            agent: AgentId("00".repeat(16)),
            host: HostFacts {
                hostname: "node1".to_owned(),
                boot_id: String::new(),
                agent_version: String::new(),
                attrs: Default::default(),
            },
            enrolled_at: Time::from_secs(0),
            last_seen: seen.map(Time::from_secs),
            revoked_at: None,
        }
    }

    const NOW: i64 = 1_000_000;

    #[test]
    fn only_whole_and_fresh_reading_is_sound() {
        let now = Time::from_secs(NOW);
        let gap = Problem { reason: Reason::Asleep, component: None, text: String::new() };
        let of = |sources: &[SourceStatus], seen| HostHealth::new(row(seen), sources, &[], now);
        let good = source(Outcome::Collected, NOW, vec![]);
        assert!(of(slice::from_ref(&good), Some(NOW)).is_sound());
        assert!(!of(&[], Some(NOW)).is_sound());
        assert!(!of(slice::from_ref(&good), None).is_sound());
        assert!(!of(slice::from_ref(&good), Some(NOW - 601)).is_sound());
        assert!(
            !of(&[good.clone(), source(Outcome::Collected, NOW, vec![gap])], Some(NOW)).is_sound()
        );
        assert!(!of(&[good.clone(), source(Outcome::Stuck, NOW, vec![])], Some(NOW)).is_sound());
        assert!(!of(&[source(Outcome::Collected, NOW - 86_400, vec![])], Some(NOW)).is_sound());
        assert!(
            of(&[good, source(Outcome::Absent("no disks".to_owned()), NOW, vec![])], Some(NOW))
                .is_sound()
        );
    }

    #[test]
    fn a_silent_host_is_covered_by_nothing() {
        let now = Time::from_secs(NOW);
        let good = source(Outcome::Collected, NOW, vec![]);
        assert_eq!(HostHealth::new(row(None), &[good], &[], now).coverage(), Some(0));
        assert_eq!(HostHealth::new(row(None), &[], &[], now).coverage(), None);
    }
}
