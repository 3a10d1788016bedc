//! From judgements to cases: one per (customer, component, fault class), pure and repeatable to the byte.
//!
//! Invariants: only good readings close a case; what is absent or unknown never does. A milder level needs readings too:
//! a set of which members are unread, or a case whose readings stopped, keeps the graver level it had.

use std::{collections::BTreeMap, time::Duration};

use xunjian_proto::{ComponentId, Time};
use xunjian_rules::EvidenceKind;

use super::{
    Agreed, Case, CaseChange, CaseId, CaseLog, Decision, agreed, case_texts as say, common,
    decision::{Context, decide},
    fold, handover,
    incident::Conditions,
    order::order,
    partners::Partner,
    settle::{self, Seen, is_worth_writing, keep_graver, log, settle_one},
    site,
    topology::Topology,
};
use crate::{
    contract::{Asset, Contract},
    evaluate::{Fact, Judgement, Verdict},
};

/// Judgements of one host meet what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The agent that read the host.
    pub agent: &'a str,
    /// The host's name, as the contract lists it.
    pub hostname: &'a str,
    /// New judgements; those that are missing say nothing.
    pub judgements: &'a [Judgement],
    /// The host's components as last seen.
    pub topology: &'a Topology,
    /// The customer's contract.
    pub contract: &'a Contract,
    /// The machines that the contract names as taking over from the host.
    pub partners: &'a [Partner],
    /// Cases that [`is_live`]: open ones and those closed lately. Others are passed over.
    pub open: &'a [Case],
    /// When this is judged (arrival); event times come with the judgements.
    pub now: Time,
}

/// Rule of the case that tells that a host has more cases than are kept.
const OVERFLOW: &str = "cases-overflow";

/// Whether a fact comes from classification itself and not from a rule of the library.
pub fn is_derived(rule: &str) -> bool {
    rule == OVERFLOW || rule == common::RULE || rule == site::RULE
}

/// More cases than one host can have in earnest; beyond it one gap of coverage is reported instead.
const CASES_MAX: usize = 2000;

/// Whether a stored case belongs into [`Step::open`]: open, or closed so lately that it may come back.
pub fn is_live(case: &Case, contract: &Contract, now: Time) -> bool {
    let window = Duration::from_secs(u64::from(contract.policy.reopen_hours) * 3600);
    case.closed_at.is_none_or(|closed| now.since(closed) <= window)
}

/// Takes in one step of judgements. Returns the cases that are new or changed, by identity.
pub fn step(input: &Step<'_>) -> Vec<Case> {
    let mut working = Working::new(input);
    working.take_in();
    working.settle();
    working.find_common_causes();
    working.decide();
    working.changed()
}

type Key = (ComponentId, String);

struct Working<'a> {
    input: &'a Step<'a>,
    /// Event time of the step: the newest judgement, but never in the future.
    at: Time,
    before: BTreeMap<CaseId, &'a Case>,
    cases: BTreeMap<Key, Case>,
    seen: BTreeMap<Key, Seen>,
    overflow: u32,
}

impl<'a> Working<'a> {
    fn new(input: &'a Step<'a>) -> Working<'a> {
        let newest = input.judgements.iter().map(|it| it.at).max();
        let mut working = Working {
            input,
            at: newest.unwrap_or(input.now).min(input.now),
            before: BTreeMap::new(),
            cases: BTreeMap::new(),
            seen: BTreeMap::new(),
            overflow: 0,
        };
        let ours = |it: &&Case| {
            it.agent == input.agent
                && it.customer == input.contract.customer
                && is_live(it, input.contract, input.now)
        };
        for case in input.open.iter().filter(ours) {
            let key = (case.component.clone(), case.class.clone());
            // Of several with one key the open one counts, then the newest.
            let order = |it: &Case| (it.closed_at.is_none(), it.opened_at, it.id.clone());
            if working.cases.get(&key).is_none_or(|other| order(other) < order(case)) {
                working.cases.insert(key, case.clone());
            }
            working.before.insert(case.id.clone(), case);
        }
        working
    }

    fn take_in(&mut self) {
        let mut judgements: Vec<&Judgement> = self.input.judgements.iter().collect();
        // Of two that contradict each other at one time the graver comes last and holds.
        judgements.sort_by(|a, b| order(a).cmp(&order(b)));
        for judgement in judgements {
            match &judgement.verdict {
                Verdict::Firing(fact) => self.fire(fact),
                _ => self.note(judgement),
            }
        }
    }

    fn fire(&mut self, fact: &Fact) {
        let key = (fact.component.clone(), fact.class.clone());
        let is_new = match self.cases.get(&key) {
            // History: the case has been closed by newer readings.
            Some(case) if case.closed_at.is_some_and(|closed| fact.at <= closed) => return,
            Some(case) => case.closed_at.is_some_and(|closed| {
                fact.at.since(closed).as_secs()
                    > u64::from(self.input.contract.policy.reopen_hours) * 3600
            }),
            None => true,
        };
        if is_new {
            if self.cases.len() >= CASES_MAX {
                self.overflow += 1;
                return;
            }
            self.cases.insert(key.clone(), self.opened(fact));
        }
        let late = self.is_late(fact.at);
        let seen = self.seen.entry(key.clone()).or_default();
        let Some(case) = self.cases.get_mut(&key) else { return };
        seen.fresh = true;
        seen.quiet.retain(|it| *it != fact.rule);
        let reopened = case.closed_at.take().is_some();
        if reopened {
            case.late = late;
            case.facts.clear();
            log(case, fact.at, CaseChange::Reopened, say::reopened(fact));
        } else if case.late && !late {
            case.late = false;
            log(case, fact.at, CaseChange::Updated, say::no_longer_late());
        }
        match case.facts.iter_mut().find(|it| it.rule == fact.rule) {
            Some(known) if known.at > fact.at => {}
            Some(known) => *known = Fact { since: known.since.min(fact.since), ..fact.clone() },
            None => {
                case.facts.push(fact.clone());
                case.facts.sort_by(|a, b| a.rule.cmp(&b.rule));
                if !reopened {
                    seen.added.push(fact.rule.clone());
                }
            }
        }
    }

    fn note(&mut self, judgement: &Judgement) {
        let of_component = (judgement.component.clone(), String::new())
            ..=(judgement.component.clone(), LAST.to_owned());
        for (key, case) in self.cases.range(of_component) {
            let Some(fact) = case.facts.iter().find(|it| *it.rule == *judgement.rule) else {
                continue;
            };
            if judgement.at < fact.at {
                continue;
            }
            let seen = self.seen.entry(key.clone()).or_default();
            match &judgement.verdict {
                Verdict::Quiet => {
                    seen.fresh = true;
                    seen.quiet.push(judgement.rule.to_string());
                }
                Verdict::Lapsed(why) => {
                    seen.fresh = true;
                    seen.quiet.push(judgement.rule.to_string());
                    seen.lapsed.push(why.clone());
                }
                Verdict::Unknown(why) => seen.unknown = Some(why.text.clone()),
                Verdict::Pending | Verdict::Firing(_) => seen.fresh = true,
            }
        }
    }

    fn opened(&self, fact: &Fact) -> Case {
        let input = self.input;
        let (machine, asset) = self.machine(&fact.component);
        let name = match fact.component.kind() {
            "host" => input.hostname.to_owned(),
            "device" if machine != input.hostname => machine.to_owned(),
            _ => input.topology.name(&fact.component),
        };
        let opened = CaseLog { at: fact.at, kind: CaseChange::Opened, why: say::opened(fact) };
        Case {
            id: identity(&input.contract.customer, input.agent, fact),
            customer: input.contract.customer.clone(),
            site: asset.map_or_else(String::new, |it| it.site.clone()),
            agent: input.agent.to_owned(),
            hostname: machine.to_owned(),
            component: fact.component.clone(),
            component_name: name,
            class: fact.class.clone(),
            facts: Vec::new(),
            decision: self.decided(&[], &Conditions::default()),
            parent: None,
            opened_at: fact.since,
            updated_at: self.at,
            closed_at: None,
            intermittent: false,
            late: self.is_late(fact.at),
            stale_since: None,
            recent: settle::STEADY,
            agreed: Agreed::default(),
            log: vec![opened],
        }
    }

    /// Applies what was seen to each case: facts that ended, staleness, flapping, closing.
    fn settle(&mut self) {
        for (key, seen) in &self.seen {
            let Some(case) = self.cases.get_mut(key) else { continue };
            settle_one(case, seen, self.at);
        }
    }

    /// Opens and ends the cases of parts that several failing disks share.
    fn find_common_causes(&mut self) {
        let facts = common::facts(self.cases.values(), self.input.topology);
        let derived = |case: &Case| case.facts.iter().any(|it| it.rule == common::RULE);
        let stands = |case: &Case| facts.iter().any(|it| it.component == case.component);
        for case in self.cases.values_mut().filter(|it| it.closed_at.is_none()) {
            if derived(case) && !stands(case) {
                let quiet = vec![common::RULE.to_owned()];
                let seen =
                    Seen { quiet, lapsed: vec![common::over()], fresh: true, ..Seen::default() };
                settle_one(case, &seen, self.at);
            }
        }
        for fact in &facts {
            self.fire(fact);
            let key = (fact.component.clone(), fact.class.clone());
            if let (Some(case), Some(seen)) = (self.cases.get_mut(&key), self.seen.get(&key)) {
                settle_one(case, seen, self.at);
            }
        }
    }

    fn decide(&mut self) {
        let facts: Vec<Fact> = self
            .cases
            .values()
            .filter(|it| it.closed_at.is_none())
            .flat_map(|it| it.facts.clone())
            .collect();
        let conditions = Conditions::new(&facts, self.input.topology);
        let mut open: Vec<Case> = Vec::new();
        for key in self.cases.keys().cloned().collect::<Vec<_>>() {
            let Some(mut case) = self.cases.remove(&key) else { continue };
            if case.closed_at.is_none() {
                let decision = self.decided(&case.facts, &conditions);
                case.decision = keep_graver(&case, decision, self.before.contains_key(&case.id));
                open.push(case);
            } else {
                // Came and went within one step: judged alone, by its last facts.
                if !self.before.contains_key(&case.id) {
                    let alone = Conditions::new(&case.facts, self.input.topology);
                    case.decision = self.decided(&case.facts, &alone);
                }
                self.cases.insert(key, case);
            }
        }
        fold::fold(&mut open, self.input.topology, &conditions, self.at);
        for mut case in open {
            if let Some(before) = self.before.get(&case.id)
                && before.decision.grade != case.decision.grade
                && before.closed_at.is_none()
            {
                let (from, to) = (before.decision.grade, case.decision.grade);
                let why = say::regraded(from, to, &case.decision);
                log(&mut case, self.at, CaseChange::Regraded { from, to }, why);
            }
            agreed::apply(&mut case, self.input.contract, self.at, self.input.now);
            self.cases.insert((case.component.clone(), case.class.clone()), case);
        }
    }

    /// The machine that a component is part of, as the contract names it: a device that the contract lists, else the
    /// host that reads it.
    fn machine(&self, component: &ComponentId) -> (&'a str, Option<&'a Asset>) {
        let input = self.input;
        let device = input.topology.device(component);
        let listed = device.and_then(|it| input.contract.assets.get_key_value(&it.name));
        match listed {
            Some((name, asset)) => (name, Some(asset)),
            None => (input.hostname, input.contract.assets.get(input.hostname)),
        }
    }

    fn decided(&self, facts: &[Fact], conditions: &Conditions) -> Decision {
        let input = self.input;
        let context = Context {
            topology: input.topology,
            conditions,
            contract: input.contract,
            asset: match facts.first() {
                Some(fact) => self.machine(&fact.component).1,
                None => input.contract.assets.get(input.hostname),
            },
            partners: self.partners(facts),
            at: self.at,
        };
        decide(facts, &context)
    }

    /// Those of the host; a device that it reads has none of its own.
    fn partners(&self, facts: &[Fact]) -> &'a [Partner] {
        let other = |fact: &Fact| self.machine(&fact.component).0 != self.input.hostname;
        if facts.first().is_some_and(other) { &[] } else { self.input.partners }
    }

    fn is_late(&self, at: Time) -> bool {
        let limit = u64::from(self.input.contract.policy.late_minutes) * 60;
        self.input.now.since(at) > Duration::from_secs(limit)
    }

    fn changed(mut self) -> Vec<Case> {
        if self.overflow > 0 {
            let case = self.overflow_case();
            self.cases.entry((case.component.clone(), case.class.clone())).or_insert(case);
        }
        let mut changed = handover::closed(self.input, self.at);
        for mut case in self.cases.into_values() {
            match self.before.get(&case.id) {
                Some(before) if !is_worth_writing(before, &case, self.at) => continue,
                _ => {
                    case.updated_at = self.at;
                    changed.push(case);
                }
            }
        }
        changed.sort_by(|a, b| a.id.cmp(&b.id));
        changed
    }

    fn overflow_case(&self) -> Case {
        let fact = Fact {
            rule: OVERFLOW.to_owned(),
            class: "overflow".to_owned(),
            evidence: EvidenceKind::Blind,
            component: ComponentId::host(),
            since: self.at,
            at: self.at,
            message: say::overflow(self.overflow, CASES_MAX),
            advice: say::overflow_advice(),
            inputs: Vec::new(),
            adjusted: None,
        };
        let mut case = self.opened(&fact);
        case.facts.push(fact);
        case.decision = self.decided(&case.facts, &Conditions::default());
        case
    }
}

/// Sorts after every fault class.
const LAST: &str = "\u{10ffff}";

/// Derived from what the case is about and when it began, so that a replay gives the same.
fn identity(customer: &str, agent: &str, fact: &Fact) -> CaseId {
    let since = fact.since.millis().to_string();
    let text = [customer, agent, fact.component.as_str(), &fact.class, &since].join("\u{0}");
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let hex: String = digest.as_ref().iter().take(8).map(|it| format!("{it:02x}")).collect();
    let mark = if agent.is_empty() { 'S' } else { 'C' };
    CaseId(format!("{mark}{hex}"))
}
