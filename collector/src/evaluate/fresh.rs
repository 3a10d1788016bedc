//! Whether a reading may still be judged by, and why not.

use xunjian_proto::{Outcome as RunOutcome, Time};
use xunjian_rules::MetricId;

use super::{
    gap::{Gap, Lack},
    truth::{Read, Scope},
    view::{RunMark, SourceView},
    words,
};

impl<'a> Scope<'a> {
    /// Whether a reading of that time is still good to judge by.
    pub(super) fn fresh(&self, source: usize, read_at: Option<Time>, strict: bool) -> Read<'a, ()> {
        let view = &self.view.sources[source];
        let Some(run) = view.run(self.at) else { return Read::Unknown(Gap::Never(&view.name)) };
        if read_at == Some(run.at) {
            return Read::Value(());
        }
        if let Some(gap) = outcome_gap(view, run) {
            return Read::Unknown(gap);
        }
        if let Some(problem) = self.part.problem(source, run.at) {
            return Read::Unknown(Gap::Problem(problem));
        }
        let young = read_at.is_some_and(|it| self.at.since(it) <= view.fresh_for());
        let seen = self.part.seen_by(source, run.at);
        if let RunOutcome::Deferred(why) = &run.outcome {
            return if young { Read::Value(()) } else { Read::Unknown(Gap::Deferred(view, why)) };
        }
        match (seen == Some(run.at), read_at, seen) {
            (true, Some(_), _) if young && !strict => Read::Value(()),
            (true, _, _) => Read::None(Lack::LeftOut(&view.name)),
            (false, None, None) => Read::None(Lack::NotCovered(&view.name)),
            (false, ..) if young => Read::Value(()),
            (false, ..) => Read::Unknown(Gap::Gone(&view.name)),
        }
    }

    /// Whether silence of a source of happenings means that nothing happened.
    pub(super) fn listening(&self, metric: Option<MetricId>) -> Read<'a, ()> {
        let source = metric.map_or(self.source, |metric| self.source_of(metric));
        let view = &self.view.sources[source];
        let Some(run) = view.run(self.at) else { return Read::Unknown(Gap::Never(&view.name)) };
        if let Some(gap) = outcome_gap(view, run) {
            return Read::Unknown(gap);
        }
        if let RunOutcome::Deferred(why) = &run.outcome {
            let young = view.collected_at.is_some_and(|it| self.at.since(it) <= view.fresh_for());
            return if young { Read::Value(()) } else { Read::Unknown(Gap::Deferred(view, why)) };
        }
        Read::Value(())
    }

    pub(super) fn problem_word(&self, source: usize, run: &RunMark) -> Option<(Time, String)> {
        if run.outcome != RunOutcome::Collected {
            return None;
        }
        if let Some(problem) = self.part.problem(source, run.at) {
            // A component with samples beside its problem was read in part, which is not what is asked here.
            let read = self.part.slots.iter().any(|slot| {
                self.view.metric_sources[usize::from(slot.metric.0)].contains(&source)
                    && slot.series.latest(self.at).is_some_and(|it| it.at == run.at)
            });
            let word = if read { "none" } else { words::reason_key(problem.reason) };
            return Some((run.at, word.to_owned()));
        }
        (self.part.seen_by(source, run.at) == Some(run.at)).then(|| (run.at, "none".to_owned()))
    }
}

/// What a run that came to nothing leaves unknown.
pub(super) fn outcome_gap<'a>(view: &'a SourceView, run: &'a RunMark) -> Option<Gap<'a>> {
    match &run.outcome {
        RunOutcome::Collected | RunOutcome::Deferred(_) => None,
        RunOutcome::Absent(why) => Some(Gap::Absent(view, why)),
        RunOutcome::Failed(why) => Some(Gap::Failed(view, why)),
        RunOutcome::Stuck => Some(Gap::Stuck(view)),
    }
}

/// An outcome as rules write it.
pub(super) fn outcome_word(outcome: &RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Collected => "collected",
        RunOutcome::Absent(_) => "absent",
        RunOutcome::Failed(_) => "failed",
        RunOutcome::Stuck => "stuck",
        RunOutcome::Deferred(_) => "deferred",
    }
}
