//! A period of several hosts again through evaluate, classify and ticket, with its own clock: judged as the pipeline judges
//! live data that arrive at once, so that it gives the same cases. Writes nothing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use xunjian_proto::{HostFacts, Run, Time};
use xunjian_rules::RuleSet;

use crate::{
    classify::{Case, CaseId},
    contract::Contracts,
    evaluate::Overrides,
    evidence,
    round::{Round, Rounds, Sites, look_at_partners},
    store::{AgentId, Store, StoreError},
    ticket::{self, Ticket, TicketId},
};

/// The pipeline ticks at whole minutes; so does the replay.
const TICK: Duration = Duration::from_secs(60);

/// Longest time without a reading of any host that is replayed minute by minute; a longer one brings nothing new.
const SILENCE_MAX: Duration = Duration::from_secs(31 * 86_400);

/// One host's readings.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its agent.
    pub agent: AgentId,
    /// What it says of itself.
    pub host: HostFacts,
    /// Its runs, in any order.
    pub runs: Vec<Run>,
}

/// What a replay goes by, and what it brought.
pub struct Replay<'a> {
    contracts: &'a Contracts,
    rules: &'a Arc<RuleSet>,
    /// Where the raw outputs lie that the readings were taken from; none for readings from files.
    store: Option<&'a Store>,
    rounds: Rounds,
    sites: Sites,
    numbers: BTreeMap<String, u32>,
    /// Every case, as it ended up.
    pub cases: BTreeMap<CaseId, Case>,
    /// Every ticket, as it ended up.
    pub tickets: BTreeMap<TicketId, Ticket>,
}

impl<'a> Replay<'a> {
    /// Nothing replayed yet.
    pub fn new(
        contracts: &'a Contracts,
        rules: &'a Arc<RuleSet>,
        store: Option<&'a Store>,
    ) -> Replay<'a> {
        Replay {
            contracts,
            rules,
            store,
            rounds: Rounds::new(),
            sites: Sites::default(),
            numbers: BTreeMap::new(),
            cases: BTreeMap::new(),
            tickets: BTreeMap::new(),
        }
    }

    /// Judges all runs in the order of their times, every host at each whole minute between, and on until `end` if that
    /// is later than the last run.
    ///
    /// # Errors
    /// The store's, where it is asked for raw outputs.
    pub fn run(&mut self, hosts: &[Recorded], end: Option<Time>) -> Result<(), StoreError> {
        let mut sorted: Vec<(&Recorded, Vec<&Run>)> =
            hosts.iter().map(|it| (it, it.runs.iter().collect())).collect();
        let mut looks: Vec<(Time, usize, Vec<Run>)> = Vec::new();
        for (index, (_, runs)) in sorted.iter_mut().enumerate() {
            runs.sort_by(|a, b| (a.at, &a.source).cmp(&(b.at, &b.source)));
            for together in runs.chunk_by(|a, b| a.at == b.at) {
                let Some(at) = together.first().map(|it| it.at) else { continue };
                looks.push((at, index, together.iter().map(|it| (*it).clone()).collect()));
            }
        }
        looks.sort_by(|a, b| (a.0, &hosts[a.1].agent).cmp(&(b.0, &hosts[b.1].agent)));
        let mut before: Option<Time> = None;
        for moment in looks.chunk_by(|a, b| a.0 == b.0) {
            let Some(at) = moment.first().map(|it| it.0) else { continue };
            self.minutes(before, at)?;
            let mut changed = Vec::new();
            for (_, index, runs) in moment {
                changed.extend(self.look(&hosts[*index], runs, at));
            }
            self.follow(changed, at)?;
            before = Some(at);
        }
        match end.filter(|end| before.is_some_and(|before| before < *end)) {
            Some(end) => self.minutes(before, end),
            None => Ok(()),
        }
    }

    fn look(&mut self, of: &Recorded, runs: &[Run], at: Time) -> Vec<Case> {
        let contract = self.contracts.of(&of.host.hostname);
        let overrides = Overrides::of(contract, &of.host.hostname);
        let new = || Round::new(&of.agent.0, of.host.clone(), Arc::clone(self.rules));
        let round = self.rounds.entry(of.agent.clone()).or_insert_with(new);
        round.take(runs, contract, &overrides, at)
    }

    /// Judges every host at each whole minute after `before`, up to `until`.
    fn minutes(&mut self, before: Option<Time>, until: Time) -> Result<(), StoreError> {
        let Some(before) = before else { return Ok(()) };
        let mut minute = before.floor(TICK) + TICK;
        while minute <= until && minute.since(before) <= SILENCE_MAX {
            look_at_partners(&mut self.rounds, self.contracts);
            let mut changed = Vec::new();
            for round in self.rounds.values_mut() {
                let contract = self.contracts.of(&round.host().hostname);
                let overrides = Overrides::of(contract, &round.host().hostname);
                changed.extend(round.tick(contract, &overrides, minute));
            }
            changed.extend(self.sites.tick(&mut self.rounds, self.contracts, minute));
            self.follow(changed, minute)?;
            minute = minute + TICK;
        }
        Ok(())
    }

    /// Cases become tickets, as in the pipeline: of a case that changed twice the newest counts.
    fn follow(&mut self, changed: Vec<Case>, now: Time) -> Result<(), StoreError> {
        let newest: BTreeMap<CaseId, Case> =
            changed.into_iter().map(|it| (it.id.clone(), it)).collect();
        let mut cases: Vec<Case> = newest.into_values().collect();
        if cases.is_empty() {
            return Ok(());
        }
        for case in &mut cases {
            let round = self.rounds.get(&AgentId(case.agent.clone()));
            let component = round.and_then(|it| it.component(&case.component));
            if let Some(store) = self.store {
                evidence::link(case, component, self.rules, store)?;
            }
        }
        let tickets: Vec<Ticket> = self.tickets.values().cloned().collect();
        let numbers = &mut self.numbers;
        let mut number = |day: &str| {
            let next = numbers.entry(day.to_owned()).or_insert(0);
            *next += 1;
            *next
        };
        let mut customers: Vec<&str> = cases.iter().map(|it| it.customer.as_str()).collect();
        customers.sort_unstable();
        customers.dedup();
        for customer in customers {
            let contract = self.contracts.customer(customer);
            for ticket in ticket::reconcile(&cases, &tickets, contract, now, &mut number) {
                self.tickets.insert(ticket.id.clone(), ticket);
            }
        }
        self.cases.extend(cases.into_iter().map(|it| (it.id.clone(), it)));
        Ok(())
    }
}
