//! Tests of absence: a component that its source no longer sees, and silence.

use std::time::Duration;

use xunjian_proto::{Outcome as RunOutcome, Reason};
use xunjian_rules::Threshold;

use super::{
    fresh::outcome_gap,
    gap::Gap,
    known::SELF,
    notes,
    truth::{Notes, Scope, Truth},
};

impl Scope<'_> {
    pub(super) fn gone(&self, runs: u32, notes: Option<&mut Notes>) -> Truth {
        // A name that another thing may bear tomorrow is no identity: nobody can say that this thing is gone.
        if self.part.attrs.get("identity").is_some_and(|it| it == "unstable") {
            return Truth::None;
        }
        let view = &self.view.sources[self.source];
        let Some(seen) = self.part.seen_by(self.source, self.at) else { return Truth::None };
        let mut missed = 0;
        let mut unsure = None;
        for run in view.runs.iter().filter(|run| run.at > seen && run.at <= self.at) {
            match self.part.problem(self.source, run.at) {
                _ if run.outcome != RunOutcome::Collected => unsure = outcome_gap(view, run),
                Some(problem) if problem.reason != Reason::Missing => {
                    unsure = Some(Gap::Problem(problem));
                }
                _ if run.partial => unsure = Some(Gap::Partial(view, run)),
                _ => missed += 1,
            }
        }
        let truth = match (missed >= runs, &unsure) {
            (true, _) => Truth::True,
            (false, Some(_)) => Truth::Unknown,
            (false, None) => Truth::False,
        };
        if let Some(notes) = notes {
            notes::gone(self, notes, seen, missed, runs, truth);
            notes.unknown = notes.unknown.take().or(unsure.map(Gap::told));
        }
        truth
    }

    /// `at` is the time of asking here.
    pub(super) fn silent(&self, threshold: Threshold, notes: Option<&mut Notes>) -> Truth {
        let host = self.part.id.kind() != SELF;
        let view = &self.view.sources[self.source];
        let last = if host { self.view.newest } else { view.runs.last().map(|run| run.at) };
        let Some(last) = last else { return Truth::None };
        let limit = match threshold {
            Threshold::Time(limit) => limit,
            Threshold::Periods(periods) if view.every > Duration::ZERO => {
                view.fresh_for() / 3 * periods
            }
            // A source that no rule reads has no period that is known.
            Threshold::Periods(_) => return Truth::None,
        };
        let silence = self.at.since(last);
        let truth = if silence > limit { Truth::True } else { Truth::False };
        if let Some(notes) = notes {
            notes::silent(notes, last, silence, limit, truth);
        }
        truth
    }
}
