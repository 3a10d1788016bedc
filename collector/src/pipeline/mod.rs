//! The one place that knows all stages: what is durable is judged, cases become tickets, people are told.
//!
//! Runs on a thread of its own. Everything it decides is committed with the mark of how far each agent's batches have
//! been judged, so that a restart goes on where it stopped and judges nothing twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use thiserror::Error;
use tracing::warn;
use xunjian_proto::{Run, Time};
use xunjian_rules::RuleSet;

use crate::{
    classify::{Case, is_live},
    contain::contained,
    contract::Contracts,
    evaluate::Overrides,
    evidence, notify,
    round::{Inventory, Round, Rounds, Sites, look_at_partners},
    store::{AgentId, Judged, Store, StoreError, StoredBatch},
    ticket,
    warm::Warm,
};

mod stats;

pub use stats::Stats;

/// Batches that are judged in one go: bounds memory while catching up.
const BATCHES_MAX: usize = 256;

/// Evaluation states are kept this often; what lies between is read again from the store at a restart.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// A case that comes back finds its ticket if that was opened within this time.
const REMEMBERED: Duration = Duration::from_secs(90 * 86_400);

/// The stages after the store, in memory.
pub struct Pipeline {
    store: Store,
    rules: Arc<RuleSet>,
    /// As their files say.
    written: Arc<Contracts>,
    /// The same with what people agreed since.
    contracts: Arc<Contracts>,
    rounds: Rounds,
    sites: Sites,
    saved_at: Time,
    ticked_at: Time,
    stats: Stats,
    /// What is in memory has gone further than what could be kept: it must be made again from the store.
    ahead: bool,
    /// A panic was contained in this round of judging.
    torn: bool,
}

/// Why judging stopped.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// The store refused.
    #[error("cannot judge what was taken in")]
    Store(#[from] StoreError),
}

impl Pipeline {
    /// Takes up where the store left off.
    pub fn open(
        store: Store,
        rules: Arc<RuleSet>,
        contracts: Arc<Contracts>,
        now: Time,
    ) -> Result<Pipeline, PipelineError> {
        let mut pipeline = Pipeline {
            store,
            rules,
            written: Arc::clone(&contracts),
            contracts,
            rounds: Rounds::new(),
            sites: Sites::default(),
            saved_at: now,
            ticked_at: now,
            stats: Stats::default(),
            ahead: false,
            torn: false,
        };
        pipeline.take_agreements()?;
        pipeline.warm_up(now)?;
        Ok(pipeline)
    }

    fn warm_up(&mut self, now: Time) -> Result<(), PipelineError> {
        let since = now - Duration::from_secs(30 * 86_400);
        let mut cases: BTreeMap<String, Vec<Case>> = BTreeMap::new();
        for case in self.store.cases(Some(since))? {
            cases.entry(case.agent.clone()).or_default().push(case);
        }
        self.sites = Sites::resume(cases.remove("").unwrap_or_default());
        let warm = Warm::new(&self.store, &self.rules)?;
        for row in self.store.agents()? {
            let contract = self.contracts.of(&row.host.hostname);
            let view = warm.view(&row, &Overrides::of(contract, &row.host.hostname), now)?;
            let mut inventory = Inventory::default();
            for (source, component, _) in self.store.components_by_source(&row.agent)? {
                inventory.insert(&source, component);
            }
            let mut mine = cases.remove(&row.agent.0).unwrap_or_default();
            mine.retain(|it| is_live(it, contract, now));
            let round = Round::resume(&row.agent.0, row.host, view, inventory, mine);
            self.rounds.insert(row.agent, round);
        }
        look_at_partners(&mut self.rounds, &self.contracts);
        Ok(())
    }

    /// From now on judges by these. What is known of the hosts is kept as far as the new rules ask for it.
    pub fn reload(&mut self, rules: Arc<RuleSet>, contracts: Arc<Contracts>) {
        if !Arc::ptr_eq(&rules, &self.rules) {
            for round in self.rounds.values_mut() {
                round.set_rules(&rules);
            }
        }
        self.rules = rules;
        self.contracts = Arc::clone(&contracts);
        self.written = contracts;
    }

    /// Lays what people agreed (maintenance, accepted risks) over the contracts.
    fn take_agreements(&mut self) -> Result<(), PipelineError> {
        let agreed = self.store.agreements()?;
        self.contracts = match agreed.is_empty() {
            true => Arc::clone(&self.written),
            false => Arc::new(self.written.with(&agreed)),
        };
        Ok(())
    }

    /// Judges everything that is durable and not judged yet. Returns how many batches that were.
    ///
    /// # Errors
    /// The store's; what could not be kept is judged again at the next call.
    pub fn advance(&mut self, now: Time) -> Result<u64, PipelineError> {
        self.catch_up(now)?;
        self.ahead = true;
        let done = self.judge_all(now);
        self.ahead = done.is_err() || std::mem::take(&mut self.torn);
        done
    }

    /// After an error of the store, cases in memory may have moved on while nothing of it was kept.
    fn catch_up(&mut self, now: Time) -> Result<(), PipelineError> {
        if self.ahead {
            self.rounds.clear();
            self.warm_up(now)?;
            self.ahead = false;
        }
        Ok(())
    }

    fn judge_all(&mut self, now: Time) -> Result<u64, PipelineError> {
        let mut count = 0;
        loop {
            let batches = self.store.unjudged(BATCHES_MAX)?;
            if batches.is_empty() {
                return Ok(count);
            }
            count += batches.len() as u64;
            self.judge(&batches, now)?;
        }
    }

    fn judge(&mut self, batches: &[StoredBatch], now: Time) -> Result<(), PipelineError> {
        let mut changed = Vec::new();
        let mut upto = BTreeMap::new();
        let mut unpacked: Vec<(&AgentId, Vec<Run>)> = Vec::new();
        for batch in batches {
            upto.insert(batch.agent.clone(), batch.sequence);
            self.stats.batches += 1;
            match self.store.unpack(batch) {
                Ok(runs) => {
                    changed.extend(self.take(batch, &runs)?);
                    unpacked.push((&batch.agent, runs));
                }
                Err(error) => {
                    self.stats.unreadable += 1;
                    warn!(agent = batch.agent.0, sequence = batch.sequence, error = %error, "a stored batch cannot be read");
                }
            }
        }
        let borrowed: Vec<(&AgentId, &[Run])> =
            unpacked.iter().map(|(agent, runs)| (*agent, runs.as_slice())).collect();
        self.store.absorb_many(&borrowed)?;
        let upto = upto.into_iter().collect();
        self.commit(changed, Judged { upto, ..Judged::default() }, now)
    }

    fn take(&mut self, batch: &StoredBatch, runs: &[Run]) -> Result<Vec<Case>, PipelineError> {
        if !self.rounds.contains_key(&batch.agent) {
            self.meet(&batch.agent)?;
        }
        let Some(round) = self.rounds.get_mut(&batch.agent) else { return Ok(Vec::new()) };
        let contract = self.contracts.of(&round.host().hostname);
        let overrides = Overrides::of(contract, &round.host().hostname);
        let taken = contained("judging a batch", &batch.agent.0, || {
            round.take(runs, contract, &overrides, batch.received)
        });
        Ok(taken.unwrap_or_else(|| self.torn()))
    }

    /// A panic left a host half judged: what is in memory is made again from the store before anything else is judged.
    fn torn(&mut self) -> Vec<Case> {
        self.stats.panics += 1;
        self.torn = true;
        Vec::new()
    }

    fn meet(&mut self, agent: &AgentId) -> Result<(), PipelineError> {
        let row = self.store.agents()?.into_iter().find(|it| it.agent == *agent);
        if let Some(row) = row {
            self.rounds
                .insert(agent.clone(), Round::new(&agent.0, row.host, Arc::clone(&self.rules)));
        }
        Ok(())
    }

    /// Time has passed: judges every host again, which is how silence is noticed. `now` is a whole minute, so that a
    /// replay can do the same.
    ///
    /// # Errors
    /// The store's; the next call judges again.
    pub fn tick(&mut self, now: Time) -> Result<(), PipelineError> {
        self.catch_up(now)?;
        self.ahead = true;
        let done = self.judge_silence(now);
        self.ahead = done.is_err() || std::mem::take(&mut self.torn);
        done
    }

    fn judge_silence(&mut self, now: Time) -> Result<(), PipelineError> {
        self.take_agreements()?;
        for row in self.store.agents()? {
            if let Some(round) = self.rounds.get_mut(&row.agent) {
                round.set_host(row.host);
            }
        }
        look_at_partners(&mut self.rounds, &self.contracts);
        let mut changed = Vec::new();
        let mut torn = 0;
        for (agent, round) in &mut self.rounds {
            let contract = self.contracts.of(&round.host().hostname);
            let overrides = Overrides::of(contract, &round.host().hostname);
            let agent = agent.0.as_str();
            match contained("judging silence", agent, || round.tick(contract, &overrides, now)) {
                Some(cases) => changed.extend(cases),
                None => torn += 1,
            }
        }
        let (sites, rounds, contracts) = (&mut self.sites, &mut self.rounds, &self.contracts);
        match contained("judging sites", "", || sites.tick(rounds, contracts, now)) {
            Some(cases) => changed.extend(cases),
            None => torn += 1,
        }
        for _ in 0..torn {
            self.torn();
        }
        self.stats.left_out(self.rounds.values());
        let messages = self.clock_messages(self.ticked_at, now)?;
        self.commit(changed, Judged { messages, ..Judged::default() }, now)?;
        self.ticked_at = now;
        Ok(())
    }

    fn commit(
        &mut self,
        cases: Vec<Case>,
        mut judged: Judged,
        now: Time,
    ) -> Result<(), PipelineError> {
        // A case that changed twice in one go is written once, as it ended up.
        let mut newest: BTreeMap<_, Case> = BTreeMap::new();
        for case in cases {
            newest.insert(case.id.clone(), case);
        }
        judged.cases = newest.into_values().collect();
        for case in &mut judged.cases {
            let round = self.rounds.get(&AgentId(case.agent.clone()));
            let component = round.and_then(|it| it.component(&case.component));
            evidence::link(case, component, &self.rules, &self.store)?;
        }
        self.reconcile(&mut judged, now)?;
        if now.since(self.saved_at) >= SAVE_EVERY {
            judged.holds = self.holds();
            self.saved_at = now;
        }
        if judged == Judged::default() {
            return Ok(());
        }
        self.stats.cases += judged.cases.len() as u64;
        self.stats.tickets += judged.tickets.len() as u64;
        self.store.commit_judged(&judged)?;
        Ok(())
    }

    /// Tickets follow the changed cases; people read of it from the outbox, which is written in the same transaction.
    fn reconcile(&self, judged: &mut Judged, now: Time) -> Result<(), PipelineError> {
        if judged.cases.is_empty() {
            return Ok(());
        }
        // People write to tickets too, so they are read each time; changed cases are rare.
        let known = self.store.tickets(Some(now - REMEMBERED))?;
        let mut failed = None;
        let mut number = |day: &str| {
            self.store.next_ticket_number(day).unwrap_or_else(|error| {
                failed = Some(error);
                0
            })
        };
        let customers: BTreeSet<&str> =
            judged.cases.iter().map(|it| it.customer.as_str()).collect();
        for customer in customers {
            let contract = self.contracts.customer(customer);
            judged.tickets.extend(ticket::reconcile(
                &judged.cases,
                &known,
                contract,
                now,
                &mut number,
            ));
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        for after in &judged.tickets {
            let Some(case) = judged.cases.iter().find(|it| it.id == after.case) else { continue };
            let before = known.iter().find(|it| it.id == after.id);
            let contract = self.contracts.customer(&after.customer);
            judged
                .messages
                .extend(notify::messages(before, after, case, contract, now).iter().map(json));
        }
        Ok(())
    }

    /// Clocks that came near their end, or passed it, since the last tick.
    fn clock_messages(&self, since: Time, now: Time) -> Result<Vec<(Time, String)>, PipelineError> {
        let mut messages = Vec::new();
        for ticket in self.store.tickets(None)? {
            let contract = self.contracts.customer(&ticket.customer);
            if let Some(case) = self.store.case(&ticket.case)? {
                messages.extend(
                    notify::clock_messages(&ticket, &case, contract, since, now).iter().map(json),
                );
            }
        }
        Ok(messages)
    }

    /// Keeps the evaluation states; at a clean end nothing has to be read again.
    pub fn save(&mut self) -> Result<(), PipelineError> {
        let judged = Judged { holds: self.holds(), ..Judged::default() };
        Ok(self.store.commit_judged(&judged)?)
    }

    fn holds(&self) -> Vec<(AgentId, Vec<u8>)> {
        self.rounds.iter().map(|(agent, round)| (agent.clone(), round.view().save())).collect()
    }

    /// What has been done since the start.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}

fn json(message: &notify::Message) -> (Time, String) {
    (message.at, serde_json::to_string(message).expect("a message holds only strings and integers"))
}
