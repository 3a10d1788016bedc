//! One host followed through evaluate and classify: what the pipeline, `replay` and `judge` have in common. Pure: runs,
//! rules, contract and times are arguments.

use std::{collections::BTreeMap, sync::Arc};

use xunjian_proto::{Component, ComponentId, HostFacts, Run, Time};
use xunjian_rules::{RuleSet, Text};

use crate::{
    classify::{
        self, Case, CaseId, Grade, Step, is_live, partners::Partner, step, topology::Topology,
    },
    contract::Contract,
    evaluate::{self, HostView, Judgement, Overrides, Verdict},
};

mod inventory;

mod partners;

mod sites;

pub use inventory::Inventory;
pub use partners::look_at_partners;
pub use sites::{Rounds, Sites};

/// What is known of one host while it is followed.
pub struct Round {
    agent: String,
    host: HostFacts,
    view: HostView,
    inventory: Inventory,
    topology: Topology,
    cases: BTreeMap<CaseId, Case>,
    partners: Vec<Partner>,
}

impl Round {
    /// A host that nothing is known of yet.
    pub fn new(agent: &str, host: HostFacts, rules: Arc<RuleSet>) -> Round {
        Round::resume(agent, host, HostView::new(rules), Inventory::default(), Vec::new())
    }

    /// A host that was followed before.
    pub fn resume(
        agent: &str,
        host: HostFacts,
        view: HostView,
        inventory: Inventory,
        cases: Vec<Case>,
    ) -> Round {
        let topology = Topology::new(inventory.merged());
        let cases = cases.into_iter().map(|it| (it.id.clone(), it)).collect();
        let partners = Vec::new();
        Round { agent: agent.to_owned(), host, view, inventory, topology, cases, partners }
    }

    /// Takes runs in and judges them at their own times; `arrived` is when they came, by the collector's clock (for a
    /// replay: then). Returns the cases that are new or changed.
    pub fn take(
        &mut self,
        runs: &[Run],
        contract: &Contract,
        overrides: &Overrides,
        arrived: Time,
    ) -> Vec<Case> {
        let mut changed = false;
        // Rules look at what other sources read last: the order within a batch must not decide what that is.
        let mut sorted: Vec<&Run> = runs.iter().collect();
        sorted.sort_by(|a, b| (a.at, &a.source).cmp(&(b.at, &b.source)));
        for run in sorted {
            self.view.absorb(run, overrides, arrived);
            changed |= self.inventory.absorb(run);
        }
        if changed {
            self.topology = Topology::new(self.inventory.merged());
        }
        self.tick(contract, overrides, arrived)
    }

    /// Judges again what is known, because time has passed. Returns the cases that are new or changed.
    pub fn tick(&mut self, contract: &Contract, overrides: &Overrides, now: Time) -> Vec<Case> {
        let mut judgements = self.judgements(overrides, now);
        judgements.extend(self.without_rule(now));
        self.cases.retain(|_, case| is_live(case, contract, now));
        let open: Vec<Case> = self.cases.values().cloned().collect();
        let cases = step(&Step {
            agent: &self.agent,
            hostname: &self.host.hostname,
            judgements: &judgements,
            topology: &self.topology,
            contract,
            partners: &self.partners,
            open: &open,
            now,
        });
        for case in &cases {
            self.cases.insert(case.id.clone(), case.clone());
        }
        cases
    }

    /// Every rule's verdict on every component, firing or not.
    pub fn judgements(&self, overrides: &Overrides, now: Time) -> Vec<Judgement> {
        evaluate::judge(&self.view, overrides, now)
    }

    /// From now on judges by other rules; what they do not ask for is forgotten, what they ask for anew begins empty.
    pub fn set_rules(&mut self, rules: &Arc<RuleSet>) {
        let kept = HostView::restore(Arc::clone(rules), &self.view.save());
        self.view = kept.unwrap_or_else(|_| HostView::new(Arc::clone(rules)));
    }

    /// Facts of open cases whose rule is gone: nothing would ever end them.
    fn without_rule(&self, now: Time) -> Vec<Judgement> {
        let rules = self.view.rules();
        let open = self.cases.values().filter(|it| it.closed_at.is_none());
        let gone = open
            .flat_map(|it| &it.facts)
            .filter(|fact| rules.rule(&fact.rule).is_none() && !classify::is_derived(&fact.rule));
        gone.map(|fact| Judgement {
            rule: fact.rule.as_str().into(),
            component: fact.component.clone(),
            verdict: Verdict::Lapsed(Text::new(
                "规则库中已没有该规则",
                "the rule library no longer has this rule",
            )),
            at: now,
            inputs: Vec::new(),
        })
        .collect()
    }

    /// Whose rounds these are.
    pub fn host(&self) -> &HostFacts {
        &self.host
    }

    /// The host said something new of itself.
    pub fn set_host(&mut self, host: HostFacts) {
        self.host = host;
    }

    /// Cases that are open or were closed lately.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values()
    }

    /// Takes over a case that a look at several hosts changed.
    fn put(&mut self, case: Case) {
        self.cases.insert(case.id.clone(), case);
    }

    /// Whether nothing is heard of the host, or of a device that it reads.
    fn is_cut_off(&self) -> bool {
        let blind = |it: &&Case| it.closed_at.is_none() && it.decision.grade == Grade::Blind;
        let whole = |it: &Case| matches!(it.component.kind(), "host" | "device");
        self.cases.values().filter(blind).any(whole)
    }

    /// A component as its sources last described it together.
    pub fn component(&self, id: &ComponentId) -> Option<&Component> {
        self.topology.get(id)
    }

    /// What the rules have seen of the host.
    pub fn view(&self) -> &HostView {
        &self.view
    }
}
