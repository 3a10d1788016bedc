//! Reads from the store what a report needs. The only part of this stage that touches it.
//!
//! Whether a check gave a result is asked of the rules themselves, at the time of each host's newest reading: a bundle
//! of an isolated site that is judged days later is as complete as it was on the day.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ring::digest;
use thiserror::Error;
use xunjian_agent::spoken;
use xunjian_proto::{ComponentId, Outcome, Reason, SeriesKey, Time};
use xunjian_rules::{EvidenceKind, Lang, Rule, RuleSet, Text};

use crate::{
    contract::Contract,
    evaluate::{HostView, Overrides, Unknown, Verdict, why},
    report::{
        build::chart,
        input::{CheckItem, Checked, Got, HostInput, Input, TicketInput, Trend, Why},
        words,
    },
    store::{AgentId, AgentRow, SourceStatus, Store, StoreError},
    ticket,
    warm::Warm,
};

/// What a report is wanted of.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The contract with the customer.
    pub contract: &'a Contract,
    /// Whether a machine, by its name, is covered by that contract.
    pub covers: &'a dyn Fn(&str) -> bool,
    /// The rules in force.
    pub rules: &'a Arc<RuleSet>,
    /// First instant covered.
    pub from: Time,
    /// First instant not covered.
    pub to: Time,
    /// When the report is drafted.
    pub now: Time,
}

/// Why the input could not be gathered.
#[derive(Debug, Error)]
pub enum GatherError {
    /// The store could not be read.
    #[error("cannot read the store for the report")]
    Store(#[from] StoreError),
}

/// Lines of a chart, and so series that are read, of one metric.
const MOST_TRENDS: usize = 6;
/// Points of a line: more than a page is wide are not seen.
const POINTS: u32 = 120;

/// Reads everything a report needs.
pub fn gather(store: &Store, wanted: &Wanted<'_>, lang: Lang) -> Result<Input, GatherError> {
    let customer = &wanted.contract.customer;
    let warm = Warm::new(store, wanted.rules)?;
    let mut hosts = Vec::new();
    for row in store.agents()? {
        if row.revoked_at.is_none() && (wanted.covers)(&row.host.hostname) {
            hosts.push(host(store, wanted, row, &warm)?);
        }
    }
    hosts.sort_by(|a, b| (&a.facts.hostname, &a.agent).cmp(&(&b.facts.hostname, &b.agent)));
    add_trends(store, wanted, &mut hosts)?;
    // One millisecond earlier: the store's "after" is without its bound, a period with it.
    let after = wanted.from - Duration::from_millis(1);
    let mut cases = store.cases(Some(after))?;
    cases.retain(|it| it.customer == *customer && it.opened_at < wanted.to);
    let mut tickets = store.tickets(Some(after))?;
    tickets.retain(|it| {
        it.customer == *customer && it.events.first().is_none_or(|first| first.at < wanted.to)
    });
    let tickets = tickets
        .into_iter()
        .map(|it| TicketInput {
            state: ticket::state(&it),
            clocks: ticket::clocks(&it, wanted.contract, wanted.now),
            ticket: it,
        })
        .collect();
    let drafts = store.reports()?;
    let same = |it: &&crate::store::ReportRow| it.customer == *customer && it.from == wanted.from;
    let version = u32::try_from(drafts.iter().filter(same).count()).unwrap_or(u32::MAX - 1) + 1;
    Ok(Input {
        id: report_id(wanted, version),
        version,
        lang,
        contract: wanted.contract.clone(),
        from: wanted.from,
        to: wanted.to,
        now: wanted.now,
        hosts,
        cases,
        tickets,
        checks: checks(wanted.rules),
        rule_set: rule_set(wanted.rules),
    })
}

/// `R2026Q4-default-1`.
fn report_id(wanted: &Wanted<'_>, version: u32) -> String {
    use chrono::Datelike;
    let zone = wanted.contract.timezone;
    let last = words::local(zone, wanted.to - Duration::from_millis(1));
    // It becomes a file name: only what is harmless in one.
    let harmless = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_');
    let customer: String = wanted.contract.customer.chars().filter(|it| harmless(*it)).collect();
    format!("R{}Q{}-{customer}-{version}", last.year(), last.month0() / 3 + 1)
}

/// The check items of a rule set, in its order.
pub fn checks(rules: &RuleSet) -> Vec<CheckItem> {
    let item = |rule: &Rule| CheckItem {
        rule: rule.id.to_string(),
        source: rule.source.clone(),
        kind: rule.on.clone(),
        item: rule.item.name.clone(),
        method: rule.item.method.clone(),
        criterion: rule.item.criterion.clone(),
        impact: rule.item.impact.clone(),
        advice: rule.item.advice.clone(),
    };
    rules.rules.iter().map(item).collect()
}

/// `0.1.0+1f2e3d4c`: the program's version and a digest of the rules in force.
fn rule_set(rules: &RuleSet) -> String {
    let mut all = digest::Context::new(&digest::SHA256);
    for rule in &rules.rules {
        all.update(format!("{} {:?} {:?}\n", rule.id, rule.when, rule.hold).as_bytes());
    }
    let digest: String =
        all.finish().as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}+{digest}", env!("CARGO_PKG_VERSION"))
}

fn host(
    store: &Store,
    wanted: &Wanted<'_>,
    row: AgentRow,
    warm: &Warm<'_>,
) -> Result<HostInput, GatherError> {
    let components = store.components(&row.agent)?;
    let sources = store.sources(&row.agent)?;
    let ids: Vec<ComponentId> = components
        .iter()
        .map(|(it, _)| it.id.clone())
        .chain(sources.iter().map(|it| ComponentId::new("source", &it.source)))
        .collect();
    let overrides = Overrides::of(wanted.contract, &row.host.hostname);
    let view = warm.view(&row, &overrides, wanted.now)?;
    let silent = row.last_seen.is_none_or(|at| at < wanted.from);
    let mut checked = Vec::new();
    for id in ids {
        if silent {
            checked.extend(unseen(wanted.rules, &id));
        } else {
            checked.extend(judged(wanted, &row, &view, &sources, id));
        }
    }
    Ok(HostInput {
        ledger: store.ledger(&row.agent, wanted.from, wanted.to)?,
        agent: row.agent.0,
        facts: row.host,
        enrolled_at: row.enrolled_at,
        last_seen: row.last_seen,
        components,
        sources,
        checked,
        trends: Vec::new(),
    })
}

/// Every check of a machine that sent nothing in the period.
fn unseen(rules: &RuleSet, id: &ComponentId) -> Vec<Checked> {
    let text = Text::new("主机本期没有读数", "the host sent no readings in this period");
    let of_kind = rules.rules.iter().filter(|rule| rule.on == id.kind());
    of_kind
        .map(|rule| Checked {
            rule: rule.id.to_string(),
            component: id.clone(),
            got: Got::NotRun(Why { reason: None, text: text.clone() }),
        })
        .collect()
}

/// What the rules say about one component at the time of the host's newest reading.
fn judged(
    wanted: &Wanted<'_>,
    row: &AgentRow,
    view: &HostView,
    sources: &[SourceStatus],
    id: ComponentId,
) -> Vec<Checked> {
    let at = view.newest().unwrap_or(wanted.now).min(wanted.now);
    let overrides = Overrides::of(wanted.contract, &row.host.hostname);
    let all = why(view, &id, &overrides, at);
    let mut checked: Vec<(&Rule, Got)> = Vec::new();
    for rule in wanted.rules.rules.iter().filter(|rule| rule.on == id.kind()) {
        let found = all.iter().find(|it| *it.rule == *rule.id);
        let got = match found.and_then(|it| it.judgement.as_ref()) {
            Some(_) if lacks(sources, rule) => Got::NotOffered,
            Some(it) if it.at < wanted.from => Got::NotRun(Why {
                reason: None,
                text: Text::new("本期没有新读数", "no new reading in this period"),
            }),
            Some(it) => verdict(&it.verdict),
            // Rules about sources are read from each source's own runs; one without a period of its own is not overdue.
            None if rule.on == "source" => Got::NotOffered,
            // The view leaves out what a component has no part in; that is a gap only if the source could not tell.
            None => no_verdict(sources, rule, wanted.from),
        };
        checked.push((rule, got));
    }
    readable(&mut checked);
    let item = |(rule, got): (&Rule, Got)| Checked {
        rule: rule.id.to_string(),
        component: id.clone(),
        got,
    };
    checked.into_iter().map(item).collect()
}

/// A rule that proves a blind spot stays quiet where there is none to complain of: a disk may sleep. That is no proof
/// that the component was read, so it has a result only if the source's other checks have one.
fn readable(checked: &mut [(&Rule, Got)]) {
    let gaps: Vec<(String, Got)> = checked
        .iter()
        .filter(|(_, got)| matches!(got, Got::Failed(_) | Got::NotRun(_)))
        .map(|(rule, got)| (rule.source.clone(), got.clone()))
        .collect();
    for (rule, got) in checked {
        let blind = rule.evidence == EvidenceKind::Blind && *got == Got::Normal;
        let gap = gaps.iter().find(|(source, _)| blind && *source == rule.source);
        if let Some((_, gap)) = gap {
            *got = gap.clone();
        }
    }
}

fn verdict(verdict: &Verdict) -> Got {
    match verdict {
        // A rule that proves a blind spot has found that something cannot be read: no result, never 正常.
        Verdict::Firing(fact) if fact.evidence == EvidenceKind::Blind => {
            Got::Failed(Why { reason: None, text: fact.message.clone() })
        }
        Verdict::Firing(_) => Got::Abnormal,
        Verdict::Pending => Got::Pending,
        // The rule does not speak of the component any more: nothing was read for it.
        Verdict::Lapsed(why) => Got::NotRun(Why { reason: None, text: why.clone() }),
        Verdict::Quiet => Got::Normal,
        Verdict::Unknown(it) => unknown(it),
    }
}

fn unknown(it: &Unknown) -> Got {
    let why = Why { reason: it.reason, text: it.text.clone() };
    if it.reason.is_some_and(tried) { Got::Failed(why) } else { Got::NotRun(why) }
}

/// Whether the reason says that it was tried in vain, not that it was left alone or is not there.
fn tried(reason: Reason) -> bool {
    match reason {
        Reason::Asleep | Reason::Unsupported | Reason::Missing => false,
        Reason::TimedOut
        | Reason::PermissionDenied
        | Reason::Unparsable
        | Reason::ToolFailed
        | Reason::Implausible
        | Reason::Truncated => true,
    }
}

/// A source and the kind of which it has to be able to read every component: without it their state is a gap. What any
/// other absent source reads is not on the host: where there is no `lctl`, there is no Lustre.
const ESSENTIAL: [(&str, &str); 1] = [("smart", "disk")];

/// Whether the host lacks what the rule's source reads, and never had it.
fn lacks(sources: &[SourceStatus], rule: &Rule) -> bool {
    let absent = |it: &SourceStatus| {
        it.source == rule.source
            && it.collected_at.is_none()
            && matches!(it.outcome, Outcome::Absent(_))
    };
    sources.iter().any(absent) && !ESSENTIAL.contains(&(rule.source.as_str(), rule.on.as_str()))
}

/// No judgement: not for this component if its source was read, a gap if the source itself has nothing to show.
fn no_verdict(sources: &[SourceStatus], rule: &Rule, from: Time) -> Got {
    let Some(status) = sources.iter().find(|it| it.source == rule.source) else {
        let name = |lang| words::source(lang, &rule.source);
        let text = Text::new(
            format!("{}未采集", name(Lang::Zh)),
            format!("{} was not collected", name(Lang::En)),
        );
        return Got::NotRun(Why { reason: None, text });
    };
    if status.collected_at.is_some_and(|at| at >= from) {
        return Got::NotOffered;
    }
    match &status.outcome {
        Outcome::Absent(_) if lacks(sources, rule) => Got::NotOffered,
        Outcome::Absent(what) => Got::NotRun(Why {
            reason: None,
            text: Text::new(
                format!("主机不具备采集条件：{what}"),
                format!("the host lacks {what}"),
            ),
        }),
        Outcome::Deferred(what) => Got::NotRun(Why {
            reason: None,
            text: Text::new(
                format!("为避让业务而推迟：{}", spoken::zh(what)),
                format!("put off to spare the host: {what}"),
            ),
        }),
        Outcome::Stuck => Got::Failed(Why {
            reason: Some(Reason::TimedOut),
            text: Text::new(status.source.as_str(), status.source.as_str()),
        }),
        Outcome::Failed(what) => Got::Failed(Why {
            reason: Some(Reason::ToolFailed),
            text: Text::new(spoken::zh(what).into_owned(), what.as_str()),
        }),
        Outcome::Collected => Got::NotOffered,
    }
}

/// Reads the points of the few series that the charts show, not of all.
fn add_trends(
    store: &Store,
    wanted: &Wanted<'_>,
    hosts: &mut [HostInput],
) -> Result<(), StoreError> {
    let mut found: BTreeMap<String, Vec<(f64, usize, SeriesKey)>> = BTreeMap::new();
    for (place, host) in hosts.iter().enumerate() {
        let agent = AgentId(host.agent.clone());
        for (key, at, value) in store.series(&agent, None)? {
            if at >= wanted.from && chart::wanted(&key.metric, key.component.kind()) {
                found.entry(key.metric.clone()).or_default().push((value, place, key));
            }
        }
    }
    for (_, mut series) in found {
        series.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, &a.2).cmp(&(b.1, &b.2))));
        series.truncate(MOST_TRENDS);
        for (_, place, series) in series {
            let host = &mut hosts[place];
            let from = host.enrolled_at.max(wanted.from);
            let to = host.last_seen.unwrap_or(wanted.now).min(wanted.to) + Duration::from_secs(1);
            let step = (to.since(from) / POINTS).max(Duration::from_secs(60));
            let agent = AgentId(host.agent.clone());
            let points = store.points(&agent, &series, from, to, step)?;
            let part = host.components.iter().find(|(it, _)| it.id == series.component);
            let name = part.map_or_else(|| series.component.key(), |(it, _)| it.name.as_str());
            let name = name.to_owned();
            host.trends.push(Trend { series, name, points });
        }
    }
    Ok(())
}
