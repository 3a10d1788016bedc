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
        let fresh = || HostView::new(Arc::clone(self.rules));
        let Some(bytes) = self.kept.get(agent) else { return fresh() };
        HostView::restore(Arc::clone(self.rules), bytes).unwrap_or_else(|error| {
            warn!(agent = agent.0, error = %error, "a kept evaluation state cannot be used; starting it anew");
            fresh()
        })
    }
}
