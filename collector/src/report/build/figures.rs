//! The numbers behind the sentences: which dangers stand, which checks gave a result, how long hosts were seen.

use std::collections::{BTreeMap, HashMap, HashSet};

use xunjian_proto::Time;

use crate::{
    classify::{Case, CaseChange, CaseId, Grade, Level},
    report::{
        input::{CheckItem, Got, Input, Why},
        model::Figures,
    },
    ticket::ClockState,
};

/// A case as part 4 shows it, with those that are its consequence.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) case: &'a Case,
    pub(crate) level: Level,
    pub(crate) standing: Standing,
    pub(crate) children: Vec<&'a Case>,
}

/// How a danger stands against the previous period (新增, 遗留, 恶化, 关闭).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    New,
    Carried,
    Worse,
    Closed,
}

/// What became of one check item over all its components.
#[derive(Debug)]
pub(crate) struct ItemTally<'a> {
    pub(crate) item: &'a CheckItem,
    pub(crate) read: u32,
    pub(crate) abnormal: u32,
    pub(crate) pending: u32,
    pub(crate) failed: u32,
    pub(crate) not_run: u32,
    pub(crate) not_offered: u32,
    /// Why there was no result, and how often.
    pub(crate) whys: BTreeMap<Why, u32>,
}

impl ItemTally<'_> {
    /// Components that should have given a result.
    pub(crate) fn applies(&self) -> u32 {
        self.read + self.failed + self.not_run
    }
}

/// Everything that was counted.
#[derive(Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) findings: Vec<Finding<'a>>,
    pub(crate) closed: Vec<Finding<'a>>,
    pub(crate) advice: Vec<&'a Case>,
    pub(crate) blind: Vec<&'a Case>,
    pub(crate) items: Vec<ItemTally<'a>>,
    pub(crate) silent: Vec<String>,
    /// Names that several machines have: clones that were never given one of their own.
    pub(crate) namesakes: HashSet<&'a str>,
    pub(crate) figures: Figures,
    /// First and last reading of the period.
    pub(crate) span: Option<(Time, Time)>,
}

/// Counts everything.
pub(crate) fn count(input: &Input) -> Counted<'_> {
    let (mut findings, closed) = findings(input);
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    let graded = |grade: Grade| {
        let it = input.cases.iter().filter(move |case| case.decision.grade == grade);
        it.filter(|case| open_at_end(input, case)).collect::<Vec<_>>()
    };
    let items = tally(input);
    let namesakes = namesakes(input);
    let silent = silent(input, &namesakes);
    let (span, host_hours) = observed(input);
    let mut figures = Figures { host_hours, ..Figures::default() };
    count_hosts(input, &silent, &mut figures);
    count_cases(&findings, &closed, &mut figures);
    count_checks(&items, &mut figures);
    count_service(input, &mut figures);
    let advice = graded(Grade::Advice);
    figures.advice = len(advice.len());
    figures.single_round = span.is_none_or(|(first, last)| last.since(first).as_secs() < 24 * 3600);
    Counted {
        findings,
        closed,
        advice,
        blind: graded(Grade::Blind),
        items,
        silent,
        namesakes,
        figures,
        span,
    }
}

fn findings(input: &Input) -> (Vec<Finding<'_>>, Vec<Finding<'_>>) {
    let ids: HashSet<&CaseId> = input.cases.iter().map(|case| &case.id).collect();
    let mut children: HashMap<&CaseId, Vec<&Case>> = HashMap::new();
    for case in &input.cases {
        if let Some(parent) = case.parent.as_ref().filter(|it| ids.contains(it)) {
            children.entry(parent).or_default().push(case);
        }
    }
    let mut open = Vec::new();
    let mut closed = Vec::new();
    for case in &input.cases {
        let Grade::Fault(level) = case.decision.grade else { continue };
        if case.parent.as_ref().is_some_and(|it| ids.contains(it)) || case.opened_at >= input.to {
            continue;
        }
        let standing = standing(input, case);
        let mut children = children.remove(&case.id).unwrap_or_default();
        children.sort_by(|a, b| a.id.cmp(&b.id));
        let finding = Finding { case, level, standing, children };
        if standing == Standing::Closed { closed.push(finding) } else { open.push(finding) }
    }
    closed.sort_by(|a, b| (a.case.closed_at, &a.case.id).cmp(&(b.case.closed_at, &b.case.id)));
    (open, closed)
}

/// Gravest first, then the oldest; the id decides between equals, so that the order is always the same.
fn order<'a>(finding: &'a Finding<'_>) -> (Level, Time, &'a CaseId) {
    (finding.level, finding.case.opened_at, &finding.case.id)
}

fn open_at_end(input: &Input, case: &Case) -> bool {
    case.opened_at < input.to && case.closed_at.is_none_or(|at| at >= input.to)
}

fn standing(input: &Input, case: &Case) -> Standing {
    let worse = case.log.iter().any(|entry| {
        let graver = matches!(entry.kind, CaseChange::Regraded { from, to } if to < from);
        graver && entry.at >= input.from && entry.at < input.to
    });
    match () {
        () if !open_at_end(input, case) => Standing::Closed,
        () if case.opened_at >= input.from => Standing::New,
        () if worse => Standing::Worse,
        () => Standing::Carried,
    }
}

/// Each check item with what became of it.
fn tally(input: &Input) -> Vec<ItemTally<'_>> {
    let mut items: Vec<ItemTally<'_>> = input.checks.iter().map(empty).collect();
    let place: HashMap<&str, usize> =
        input.checks.iter().enumerate().map(|(at, item)| (item.rule.as_str(), at)).collect();
    for host in &input.hosts {
        for checked in &host.checked {
            let Some(item) = place.get(checked.rule.as_str()).map(|at| &mut items[*at]) else {
                continue;
            };
            match &checked.got {
                Got::Normal | Got::Abnormal | Got::Pending => {
                    item.read += 1;
                    item.abnormal += u32::from(checked.got == Got::Abnormal);
                    item.pending += u32::from(checked.got == Got::Pending);
                }
                Got::NotOffered => item.not_offered += 1,
                Got::Failed(why) => {
                    item.failed += 1;
                    *item.whys.entry(why.clone()).or_default() += 1;
                }
                Got::NotRun(why) => {
                    item.not_run += 1;
                    *item.whys.entry(why.clone()).or_default() += 1;
                }
            }
        }
    }
    items
}

fn empty(item: &CheckItem) -> ItemTally<'_> {
    let whys = BTreeMap::new();
    ItemTally {
        item,
        read: 0,
        abnormal: 0,
        pending: 0,
        failed: 0,
        not_run: 0,
        not_offered: 0,
        whys,
    }
}

/// Machines that should be read and were not: those that fell silent, and those of the contract without an agent.
fn silent(input: &Input, namesakes: &HashSet<&str>) -> Vec<String> {
    let unread = input.hosts.iter().filter(|host| host.last_seen.is_none_or(|at| at < input.from));
    let mut names: Vec<String> =
        unread.map(|host| called(namesakes, &host.agent, &host.facts.hostname)).collect();
    names.extend(input.without_agent().map(str::to_owned));
    names.sort();
    names
}

fn namesakes(input: &Input) -> HashSet<&str> {
    let mut seen = HashSet::new();
    let names = input.hosts.iter().map(|host| host.facts.hostname.as_str());
    names.filter(|name| !seen.insert(*name)).collect()
}

/// What a machine is called: its name, and its agent where several have that name.
pub(crate) fn called(namesakes: &HashSet<&str>, agent: &str, hostname: &str) -> String {
    match namesakes.contains(hostname) {
        true => format!("{hostname} ({})", agent.get(..8).unwrap_or(agent)),
        false => hostname.to_owned(),
    }
}

/// First and last reading in the period, and the hours with readings summed over the hosts.
fn observed(input: &Input) -> (Option<(Time, Time)>, f64) {
    let mut span: Option<(Time, Time)> = None;
    let mut hours = 0.0;
    for host in &input.hosts {
        let Some(last) = host.last_seen.filter(|at| *at >= input.from) else { continue };
        let first = host.enrolled_at.max(input.from).min(last);
        let last = last.min(input.to);
        hours += last.since(first).as_secs_f64() / 3600.0;
        span = Some(span.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
    }
    (span, hours)
}

fn count_hosts(input: &Input, silent: &[String], figures: &mut Figures) {
    figures.hosts = len(input.hosts.len() + input.without_agent().count());
    figures.hosts_read = figures.hosts - len(silent.len()).min(figures.hosts);
    for host in &input.hosts {
        for (component, _) in &host.components {
            *figures.components.entry(component.id.kind().to_owned()).or_default() += 1;
        }
    }
}

fn count_cases(open: &[Finding<'_>], closed: &[Finding<'_>], figures: &mut Figures) {
    for finding in open {
        figures.open[usize::from(finding.level.number() - 1)] += 1;
        match finding.standing {
            Standing::New => figures.new += 1,
            Standing::Worse => {
                figures.carried += 1;
                figures.worse += 1;
            }
            Standing::Carried | Standing::Closed => figures.carried += 1,
        }
    }
    for finding in closed {
        figures.closed[usize::from(finding.level.number() - 1)] += 1;
    }
}

fn count_checks(items: &[ItemTally<'_>], figures: &mut Figures) {
    for item in items {
        figures.checks += item.applies();
        figures.checks_read += item.read;
        figures.checks_abnormal += item.abnormal;
        figures.checks_pending += item.pending;
    }
    // Rounded down: 100 % must mean all.
    figures.coverage_percent = (figures.checks_read * 100).checked_div(figures.checks);
}

fn count_service(input: &Input, figures: &mut Figures) {
    figures.tickets = len(input.tickets.len());
    for clock in input.tickets.iter().flat_map(|it| &it.clocks) {
        match clock.state {
            ClockState::Met => figures.clocks_met += 1,
            ClockState::MetLate | ClockState::Breached => figures.clocks_missed += 1,
            ClockState::Running | ClockState::AtRisk => figures.clocks_running += 1,
        }
    }
    for row in input.hosts.iter().flat_map(|host| &host.ledger) {
        figures.runs += row.collected + row.absent + row.failed + row.stuck + row.deferred;
        figures.runs_failed += row.failed + row.stuck;
        figures.runs_deferred += row.deferred;
        figures.read_bytes += row.read_bytes;
        #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
        let secs = row.cpu_us as f64 / 1e6;
        figures.cpu_seconds += secs;
    }
}

pub(crate) fn len(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
