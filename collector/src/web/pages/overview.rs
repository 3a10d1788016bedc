//! The first page: how many faults of which level, which clocks press, which hosts are seen how well.

use std::{collections::BTreeMap, time::Duration};

use askama::Template;
use axum::response::Response;
use xunjian_proto::Time;
use xunjian_rules::Text;

use super::{Page, folded::fold, health::HostHealth, maintenance, tickets};
use crate::{
    classify::{Case, Grade, Level},
    contract::{Appointment, Window},
    ticket::TicketState,
    web::{
        ask::Ask,
        ctx::{Ctx, TicketLine, pressed},
        failure::Failure,
        format, html,
    },
};

/// The page.
pub(super) const PAGE: Page = Page::read("/", show);

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    c: Ctx,
    levels: Vec<(Level, usize)>,
    advice: usize,
    blind: usize,
    hosts: Vec<(HostHealth, String)>,
    silent: usize,
    coverage: Option<usize>,
    overdue: usize,
    at_risk: usize,
    lines: Vec<TicketLine>,
    cases: Vec<(Case, usize)>,
    more_cases: usize,
    dates: Vec<(String, Appointment)>,
    /// Those that run: what they are for, and until when.
    windows: Vec<(Text, Window, Time)>,
    mistakes: Vec<String>,
}

/// Cases listed on the overview; the rest are behind their hosts and tickets, and their number is said.
const CASES_SHOWN: usize = 50;
/// Dates of the service calendar looked ahead for.
const CALENDAR_AHEAD: Duration = Duration::from_secs(100 * 86_400);

fn show(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let mut cases = desk.cases(None)?;
    cases.retain(|case| case.closed_at.is_none());
    cases.sort_by(|a, b| (a.decision.grade, &a.id).cmp(&(b.decision.grade, &b.id)));
    let hosts = hosts(ask, &cases)?;
    // Consequences stay listed under their cause, on its page.
    let cases = fold(cases, |_| true).roots;
    let count = |grade| cases.iter().filter(|(case, _)| case.decision.grade == grade).count();
    let mut lines = tickets::lines(ask, &desk.tickets(None)?);
    lines.retain(|line| line.state != TicketState::Confirmed);
    let clocks: Vec<_> = lines.iter().flat_map(|line| line.clocks.clone()).collect();
    let (overdue, at_risk) = pressed(&clocks);
    let seen = |of: fn(&HostHealth) -> usize| hosts.iter().map(|(host, _)| of(host)).sum::<usize>();
    let read = seen(|host| if host.silent { 0 } else { host.read });
    let c = ask.ctx(ask.text().overview);
    let page = OverviewPage {
        mistakes: if c.staff { (ask.state().mistakes)() } else { Vec::new() },
        levels: [Level::One, Level::Two, Level::Three, Level::Four]
            .map(|level| (level, count(Grade::Fault(level))))
            .to_vec(),
        advice: count(Grade::Advice),
        blind: count(Grade::Blind),
        silent: hosts.iter().filter(|(host, _)| host.silent).count(),
        coverage: (read * 100).checked_div(seen(|host| host.read + host.unknown)),
        hosts,
        overdue,
        at_risk,
        lines,
        more_cases: cases.len().saturating_sub(CASES_SHOWN),
        cases: cases.into_iter().take(CASES_SHOWN).collect(),
        dates: dates(ask)?,
        windows: maintenance::running(ask)?,
        c,
    };
    html(&page)
}

/// All hosts with their health and place.
pub(super) fn hosts(ask: &Ask, cases: &[Case]) -> Result<Vec<(HostHealth, String)>, Failure> {
    let desk = ask.desk()?;
    let (mut hosts, contracts) = (Vec::new(), ask.agreed()?);
    for row in desk.agents()? {
        if row.revoked_at.is_some() {
            continue;
        }
        let sources = desk.store.sources(&row.agent)?;
        let place = place(ask, &row.host.hostname);
        let window = maintenance::of_host(&contracts, &row.host.hostname, ask.now);
        let health = HostHealth::new(row, &sources, cases, ask.now);
        hosts.push((HostHealth { in_maintenance: window.is_some(), ..health }, place));
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (host, _) in &hosts {
        *names.entry(host.row.host.hostname.clone()).or_default() += 1;
    }
    for (host, _) in &mut hosts {
        host.has_namesakes = names.get(&host.row.host.hostname).is_some_and(|it| *it > 1);
    }
    Ok(hosts)
}

/// Site and rack of a host, by the contract.
pub(super) fn place(ask: &Ask, hostname: &str) -> String {
    let contract = ask.contracts.of(hostname);
    let Some(asset) = contract.assets.get(hostname) else { return String::new() };
    let site = contract.sites.get(&asset.site).map_or(asset.site.as_str(), |site| &site.name);
    [site, asset.location.as_str()]
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

fn dates(ask: &Ask) -> Result<Vec<(String, Appointment)>, Failure> {
    let viewer = ask.viewer()?;
    let mut dates = Vec::new();
    for contract in ask.contracts.iter().filter(|contract| viewer.sees(&contract.customer)) {
        let day = |at: Time| format::moment_as(at, contract.timezone, "%Y-%m-%d");
        // ISO days compare as text.
        let near = day(ask.now)..=day(ask.now + CALENDAR_AHEAD);
        let ahead = contract.calendar.iter().filter(|date| near.contains(&date.date.to_string()));
        dates.extend(
            ahead.map(|date| (contract.customer_title(ask.head.lang).to_owned(), date.clone())),
        );
    }
    dates.sort_by_key(|(_, date)| date.date);
    Ok(dates)
}
