//! Cases of whole sites, which a look at all hosts together makes. Pure, like the rounds that they stand over.

use std::collections::BTreeMap;

use xunjian_proto::Time;

use super::Round;
use crate::{
    classify::{
        Case, CaseId, is_live,
        site::{Gathering, together},
    },
    contract::Contracts,
    store::AgentId,
};

/// Hosts that are followed, by their agents.
pub type Rounds = BTreeMap<AgentId, Round>;

/// Cases of sites that are open or were closed lately.
#[derive(Debug, Clone, Default)]
pub struct Sites {
    cases: BTreeMap<CaseId, Case>,
}

impl Sites {
    /// Those that were followed before; cases of hosts are passed over.
    pub fn resume(cases: impl IntoIterator<Item = Case>) -> Sites {
        let of_sites = cases.into_iter().filter(|it| it.agent.is_empty());
        Sites { cases: of_sites.map(|it| (it.id.clone(), it)).collect() }
    }

    /// Judges what the hosts have in common. Returns the cases that are new or changed, of sites and of hosts; the
    /// hosts' own rounds know of theirs.
    pub fn tick(&mut self, rounds: &mut Rounds, contracts: &Contracts, now: Time) -> Vec<Case> {
        self.cases.retain(|_, it| is_live(it, contracts.customer(&it.customer), now));
        let mut changed = Vec::new();
        for customer in self.concerned(rounds, contracts) {
            let contract = contracts.customer(&customer);
            let own = |it: &&Round| contracts.of(&it.host().hostname).customer == customer;
            let hosts: Vec<&str> =
                rounds.values().filter(own).map(|it| it.host().hostname.as_str()).collect();
            let of_sites = self
                .cases
                .values()
                .filter(|it| contracts.customer(&it.customer).customer == customer);
            let of_hosts = rounds.values().filter(own).flat_map(Round::cases);
            let cases: Vec<&Case> =
                of_sites.chain(of_hosts.filter(|it| it.customer == customer)).collect();
            changed.extend(together(&Gathering { contract, hosts: &hosts, cases: &cases, now }));
        }
        for case in &changed {
            match rounds.get_mut(&AgentId(case.agent.clone())) {
                Some(round) => round.put(case.clone()),
                None => {
                    self.cases.insert(case.id.clone(), case.clone());
                }
            }
        }
        changed
    }

    /// Customers with a silent host or a case of a site: on most days nobody.
    fn concerned(&self, rounds: &Rounds, contracts: &Contracts) -> Vec<String> {
        let sites = self.cases.values().map(|it| contracts.customer(&it.customer).customer.clone());
        let silent = rounds.values().filter(|it| it.is_cut_off());
        let silent = silent.map(|it| contracts.of(&it.host().hostname).customer.clone());
        let mut all: Vec<String> = sites.chain(silent).collect();
        all.sort();
        all.dedup();
        all
    }
}
