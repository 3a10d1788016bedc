//! What the rules know of a host, made again from the store: the kept evaluation state, and on top of it the runs that
//! were judged since. For a restart, for the report, and for asking why.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tracing::warn;
use xunjian_proto::Time;
use xunjian_rules::RuleSet;

use crate::{
    contain::contained,
    evaluate::{HostView, Overrides},
    store::{AgentId, AgentRow, Store, StoreError},
};

/// Runs that are read again reach this far before the newest that the kept state knows: sources end out of order.
const OVERLAP: Duration = Duration::from_secs(3600);

/// Runs that are read for a host of which no state is kept: hold times and short windows.
const COLD: Duration = Duration::from_secs(6 * 3600);

/// Kept evaluation states, read once for all hosts.
pub struct Warm<'a> {
    store: &'a Store,
    rules: &'a Arc<RuleSet>,
    kept: BTreeMap<AgentId, Vec<u8>>,
    waiting: BTreeSet<(AgentId, Time, String)>,
}

impl<'a> Warm<'a> {
    /// Reads what is kept.
    pub fn new(store: &'a Store, rules: &'a Arc<RuleSet>) -> Result<Warm<'a>, StoreError> {
        let mut waiting = BTreeSet::new();
        for batch in store.unjudged(usize::MAX >> 1)? {
            // A batch that cannot be read is counted where it is judged.
            for run in store.unpack(&batch).unwrap_or_default() {
                waiting.insert((batch.agent.clone(), run.at, run.source));
            }
        }
        Ok(Warm { store, rules, kept: store.holds()?.into_iter().collect(), waiting })
    }

    /// A host as it was judged last; runs that wait to be judged are left for the judging.
    pub fn view(
        &self,
        host: &AgentRow,
        overrides: &Overrides,
        now: Time,
    ) -> Result<HostView, StoreError> {
        let mut view = self.restored(&host.agent);
        let from = match view.newest() {
            Some(newest) => newest - OVERLAP,
            None => host.last_seen.unwrap_or(now) - COLD,
        };
        for run in self.store.runs(&host.agent, from, Time::from_millis(i64::MAX))? {
            if !self.waiting.contains(&(host.agent.clone(), run.at, run.source.clone())) {
                // A run that panics here did so before, and was counted then.
                contained("taking in a run", &host.agent.0, || view.absorb(&run, overrides, now));
            }
        }
        Ok(view)
    }

    fn restored(&self, agent: &AgentId) -> HostView {
        restored(self.rules, agent, self.kept.get(agent).map(Vec::as_slice))
    }
}

fn restored(rules: &Arc<RuleSet>, agent: &AgentId, kept: Option<&[u8]>) -> HostView {
    let fresh = || HostView::new(Arc::clone(rules));
    let Some(bytes) = kept else { return fresh() };
    HostView::restore(Arc::clone(rules), bytes).unwrap_or_else(|error| {
        warn!(agent = agent.0, error = %error, "a kept evaluation state cannot be used; starting it anew");
        fresh()
    })
}

/// Readings before the time that is asked for are taken in this far back at most: longer windows are then not full.
const PAST_MAX: Duration = Duration::from_secs(30 * 86_400);

/// One host as the rules saw it at `at`, for asking why: the kept state if it is not newer than that, else made anew
/// from the stored runs before it, as far back as the rules about `kind` look. Gives the first instant that was read.
pub fn past(
    store: &Store,
    rules: &Arc<RuleSet>,
    agent: &AgentId,
    overrides: &Overrides,
    kind: &str,
    at: Time,
) -> Result<(HostView, Time), StoreError> {
    let kept = store.hold(agent)?;
    let mut view = restored(rules, agent, kept.as_deref());
    let mut from = match view.newest() {
        Some(newest) if newest <= at => newest - OVERLAP,
        _ => {
            view = HostView::new(Arc::clone(rules));
            at - reach(rules, kind)
        }
    };
    let began = from;
    // A day at a time: a month of a host's runs is more than memory should hold.
    while from <= at {
        let to = (from + Duration::from_secs(86_400)).min(at + Duration::from_millis(1));
        for run in store.runs(agent, from, to)? {
            contained("taking in a run", &agent.0, || view.absorb(&run, overrides, at));
        }
        from = to;
        if to > at {
            break;
        }
    }
    Ok((view, began))
}

/// How far back the rules about a kind of component look.
fn reach(rules: &RuleSet, kind: &str) -> Duration {
    let mut longest = COLD;
    for rule in rules.rules.iter().filter(|it| it.on == kind) {
        longest = longest.max(rule.hold.saturating_mul(2)).max(rule.clear.saturating_mul(2));
        rule.when.each(&mut |test| {
            if let Some(metric) = test.metric() {
                let windows = &rules.windows[usize::from(metric.0)];
                longest = longest.max(windows.last().copied().unwrap_or_default());
            }
        });
    }
    longest.min(PAST_MAX)
}
