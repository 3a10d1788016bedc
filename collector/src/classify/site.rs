//! What several hosts of one site have in common: those that fall silent together point to what they share (uplink, switch,
//! power). The site gets a case of its own, under which theirs fold; a link of a device there that went down at that time
//! is its cause. Pure, like everything that makes cases.
//!
//! Invariant: nothing is closed here because nothing is read. A host's own case ends by its own readings; the site's ends
//! when its hosts are heard again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use xunjian_proto::{Component, ComponentId, Time};
use xunjian_rules::{EvidenceKind, Text};

use super::{
    Case, CaseId, Grade, Step,
    common::LINK,
    fold::{SHORTLY, SILENT},
    step,
    topology::Topology,
};
use crate::{
    contract::Contract,
    evaluate::{Fact, Input, Judgement, Verdict},
};

/// Rule of the derived facts.
pub(super) const RULE: &str = "site-silent";

/// Fault class of what cannot be heard.
const VISIBILITY: &str = "visibility";

/// So many that fall silent together are no chance; where a site has fewer, all of them.
const HOSTS_MIN: usize = 3;

/// A site's case stands while at least so many of its hosts are silent: one alone is its own matter.
const HOSTS_LEFT: usize = 2;

/// Hosts read something at least once a minute, devices every few: what is cut off at one moment was last heard within
/// this time of its neighbour.
const TOGETHER: Duration = Duration::from_secs(180);

/// Hosts that are named in a sentence, and quoted with their reading.
const NAMED: usize = 8;

/// Key of the site of machines that the contract puts nowhere.
const NOWHERE: &str = "*";

/// All hosts of one customer at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Gathering<'a> {
    /// The customer's contract.
    pub contract: &'a Contract,
    /// Names of the hosts that are followed.
    pub hosts: &'a [&'a str],
    /// Their cases, and those of their sites.
    pub cases: &'a [&'a Case],
    /// When this is judged.
    pub now: Time,
}

/// Judges what a customer's sites have in common. Returns the cases that are new or changed: those of sites (their
/// `agent` is empty), and hosts' cases that found or lost their cause.
pub fn together(input: &Gathering<'_>) -> Vec<Case> {
    let silent: Vec<Silent<'_>> = input.cases.iter().filter_map(|it| Silent::of(it)).collect();
    let sites: Vec<&Case> = input.cases.iter().copied().filter(|it| it.agent.is_empty()).collect();
    if silent.len() < HOSTS_LEFT && sites.is_empty() {
        return Vec::new();
    }
    let groups = groups(input, &silent, &sites);
    let mut changed = judged(input, &groups, &sites);
    // The site's case as it is after this step, for the links of hosts to it.
    let mut open: BTreeMap<ComponentId, Case> = BTreeMap::new();
    for case in sites.iter().copied().chain(&changed) {
        open.insert(case.component.clone(), case.clone());
    }
    open.retain(|_, case| case.closed_at.is_none());
    for (site, members) in &groups {
        let Some(case) = open.get(&id(site)) else { continue };
        let parent = cut(site, members, input.cases);
        if case.parent != parent {
            changed.retain(|it| it.id != case.id);
            changed.push(Case { parent, ..case.clone() });
        }
    }
    changed.extend(children(input, &groups, &open));
    changed.sort_by(|a, b| a.id.cmp(&b.id));
    changed
}

impl CaseId {
    /// Whether it is the case of a whole site, which no host's own judging sets or clears as a cause.
    pub(super) fn is_of_site(&self) -> bool {
        self.0.starts_with('S')
    }
}

/// An open case that says that nothing is heard from a host or device.
#[derive(Debug, Clone, Copy)]
struct Silent<'a> {
    case: &'a Case,
    fact: &'a Fact,
}

impl<'a> Silent<'a> {
    fn of(case: &'a Case) -> Option<Silent<'a>> {
        let host = case.component == ComponentId::host();
        let device = case.component.kind() == "device" && case.class == VISIBILITY;
        let own = case.parent.as_ref().is_none_or(CaseId::is_of_site);
        if case.closed_at.is_some() || case.decision.grade != Grade::Blind || case.late || !own {
            return None;
        }
        let speaks = |it: &&Fact| match host {
            true => it.rule == SILENT,
            false => device && it.evidence == EvidenceKind::Blind,
        };
        let fact = case.facts.iter().find(speaks)?;
        Some(Silent { case, fact })
    }

    fn site(&self) -> &'a str {
        if self.case.site.is_empty() { NOWHERE } else { &self.case.site }
    }
}

fn id(site: &str) -> ComponentId {
    ComponentId::new("site", site)
}

/// What fell silent together, by site: what a standing case holds and what joins it, or a new group that is large enough.
fn groups<'a>(
    input: &Gathering<'_>,
    silent: &[Silent<'a>],
    sites: &[&Case],
) -> BTreeMap<&'a str, Vec<Silent<'a>>> {
    let mut by_site: BTreeMap<&str, Vec<Silent<'_>>> = BTreeMap::new();
    for it in silent {
        by_site.entry(it.site()).or_default().push(*it);
    }
    let mut groups = BTreeMap::new();
    for (site, mut all) in by_site {
        all.sort_by(|a, b| (a.fact.since, &a.case.id).cmp(&(b.fact.since, &b.case.id)));
        let known = sites.iter().find(|it| it.component == id(site) && it.closed_at.is_none());
        let mut members = Vec::new();
        for chain in all.chunk_by(|a, b| b.fact.since.since(a.fact.since) <= TOGETHER) {
            let held = known.is_some_and(|known| {
                chain.iter().any(|it| it.case.parent.as_ref() == Some(&known.id))
            });
            if held || chain.len() >= enough(input, site) {
                members.extend_from_slice(chain);
            }
        }
        if members.len() >= HOSTS_LEFT {
            groups.insert(site, members);
        }
    }
    groups
}

fn enough(input: &Gathering<'_>, site: &str) -> usize {
    let of_site = |it: &&&str| {
        let named = input.contract.assets.get(**it).map_or("", |it| it.site.as_str());
        if named.is_empty() { site == NOWHERE } else { named == site }
    };
    input.hosts.iter().filter(of_site).count().clamp(HOSTS_LEFT, HOSTS_MIN)
}

/// The sites' own cases, through the same steps as any other.
fn judged(
    input: &Gathering<'_>,
    groups: &BTreeMap<&str, Vec<Silent<'_>>>,
    sites: &[&Case],
) -> Vec<Case> {
    let mut judgements: Vec<Judgement> = groups
        .iter()
        .map(|(site, members)| {
            let fact = fact(input.contract, site, members);
            let (component, at) = (fact.component.clone(), fact.at);
            judgement(component, Verdict::Firing(Box::new(fact)), at)
        })
        .collect();
    let standing = |it: &&&Case| groups.contains_key(it.component.key());
    for case in sites.iter().filter(|it| it.closed_at.is_none() && !standing(it)) {
        let verdict = Verdict::Lapsed(Text::new(
            "该站点不再有两台以上主机同时失联",
            "no two hosts of the site are silent any more",
        ));
        judgements.push(judgement(case.component.clone(), verdict, input.now));
    }
    let names = groups.keys().copied().chain(sites.iter().map(|it| it.component.key()));
    let names: BTreeSet<&str> = names.collect();
    let components = names.into_iter().map(|site| Component {
        id: id(site),
        name: title(input.contract, site),
        attrs: BTreeMap::new(),
        links: Vec::new(),
        set: None,
    });
    let open: Vec<Case> = sites.iter().map(|it| (*it).clone()).collect();
    let mut cases = step(&Step {
        agent: "",
        hostname: "",
        judgements: &judgements,
        topology: &Topology::new(components),
        contract: input.contract,
        partners: &[],
        open: &open,
        now: input.now,
    });
    for case in &mut cases {
        let key = case.component.key();
        case.site = if key == NOWHERE { String::new() } else { key.to_owned() };
    }
    cases
}

fn judgement(component: ComponentId, verdict: Verdict, at: Time) -> Judgement {
    Judgement { rule: RULE.into(), component, verdict, at, inputs: Vec::new() }
}

/// What people call a site; the customer's name for machines that stand nowhere by the contract.
fn title(contract: &Contract, site: &str) -> String {
    let named = contract.sites.get(site).map_or("", |it| it.name.as_str());
    let customer = [contract.customer_name.as_str(), contract.customer.as_str()];
    let names = match site {
        NOWHERE => customer,
        _ => [named, site],
    };
    names.into_iter().find(|it| !it.is_empty()).unwrap_or_default().to_owned()
}

fn fact(contract: &Contract, site: &str, members: &[Silent<'_>]) -> Fact {
    let since = members.iter().map(|it| it.fact.since).min().unwrap_or_default();
    let at = members.iter().map(|it| it.fact.at).max().unwrap_or(since);
    let mut names: Vec<&str> = members.iter().map(|it| it.case.component_name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len() > NAMED;
    names.truncate(NAMED);
    let (count, title) = (members.len(), title(contract, site));
    let (zh, en) = (names.join("、"), names.join(", "));
    let mut inputs: Vec<Input> = members.iter().filter_map(quoted).collect();
    inputs.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    inputs.truncate(NAMED);
    Fact {
        rule: RULE.to_owned(),
        class: VISIBILITY.to_owned(),
        evidence: EvidenceKind::Blind,
        component: id(site),
        since,
        at,
        message: Text::new(
            format!(
                "{title} 有 {count} 台主机或设备几乎同时失联（{zh}{}），应先怀疑公共的网络或供电",
                if more { " 等" } else { "" }
            ),
            format!(
                "{count} hosts or devices of {title} fell silent together ({en}{}): suspect the network or power that they share first",
                if more { ", …" } else { "" }
            ),
        ),
        advice: Text::new(
            "先检查该站点的出口链路、接入交换机和供电，再逐台检查主机；若其他站点也同时失联，检查采集端自身的网络",
            "check the site's uplink, access switches and power before single hosts; if other sites fell silent too, check the collector's own network",
        ),
        inputs,
        adjusted: None,
    }
}

/// What was read of one member, under its name.
fn quoted(member: &Silent<'_>) -> Option<Input> {
    let input = member.fact.inputs.first()?;
    Some(Input { name: member.case.component_name.clone(), evidence: None, ..input.clone() })
}

/// The link of a device of the site that went down when its hosts fell silent. As many links as hosts are the hosts'
/// own: they went down because the hosts did.
fn cut(site: &str, members: &[Silent<'_>], cases: &[&Case]) -> Option<CaseId> {
    let began = members.iter().map(|it| it.fact.since).min()?;
    let near = |fact: &Fact| {
        let down = !matches!(fact.evidence, EvidenceKind::Advice | EvidenceKind::Blind);
        down && began.since(fact.since).max(fact.since.since(began)) <= SHORTLY
    };
    let down: Vec<&&Case> = cases
        .iter()
        .filter(|it| it.closed_at.is_none() && it.class == LINK && it.component.kind() == "port")
        .filter(|it| it.site == site || (site == NOWHERE && it.site.is_empty()))
        .filter(|it| matches!(it.decision.grade, Grade::Fault(_)) && it.facts.iter().any(near))
        .collect();
    if down.len() * 2 > members.len() {
        return None;
    }
    down.into_iter().min_by_key(|it| (it.opened_at, &it.id)).map(|it| it.id.clone())
}

/// Hosts' cases whose cause is another than they know.
fn children(
    input: &Gathering<'_>,
    groups: &BTreeMap<&str, Vec<Silent<'_>>>,
    open: &BTreeMap<ComponentId, Case>,
) -> Vec<Case> {
    let mut causes: BTreeMap<&CaseId, &CaseId> = BTreeMap::new();
    for (site, members) in groups {
        if let Some(cause) = open.get(&id(site)) {
            causes.extend(members.iter().map(|it| (&it.case.id, &cause.id)));
        }
    }
    let of_hosts = input.cases.iter().filter(|it| !it.agent.is_empty() && it.closed_at.is_none());
    let turned = of_hosts.filter_map(|case| {
        let cause = causes.get(&case.id).copied();
        let held = case.parent.as_ref().filter(|it| it.is_of_site());
        if cause == held || (cause.is_none() && held.is_none()) {
            return None;
        }
        Some(Case { parent: cause.cloned(), updated_at: input.now, ..(**case).clone() })
    });
    turned.collect()
}
