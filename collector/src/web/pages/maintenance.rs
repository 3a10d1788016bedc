//! What is agreed with the customer for a time: maintenance windows with what remains of them, and accepted risks. Staff
//! declare windows and end them early; customers read what is theirs.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use askama::Template;
use axum::response::Response;
use xunjian_proto::{ComponentId, Time, nearest};
use xunjian_rules::Text;

use super::{Access, Page};
use crate::{
    classify::{Case, agreed::remaining},
    contract::{Accepted, Agreement, Contract, Contracts, Window},
    web::{ask::Ask, ctx::Ctx, failure::Failure, html, see_other, text},
};

/// The page.
pub(super) const PAGE: Page =
    Page { path: "/maintenance", get: (Access::Reader, show), post: Some((Access::Staff, change)) };

#[derive(Template)]
#[template(path = "maintenance.html")]
struct MaintenancePage {
    c: Ctx,
    windows: Vec<Line>,
    risks: Vec<RiskLine>,
    customers: Vec<(String, String)>,
    sites: Vec<(String, String)>,
    hosts: BTreeSet<String>,
    zones: String,
    asked: String,
    /// The component that a page sent here for.
    component: String,
}

/// One window.
struct Line {
    window: Window,
    customer: String,
    scope: Text,
    from: Time,
    to: Time,
    stage: Stage,
    /// Open cases that are in it, or that it left behind.
    cases: Vec<Case>,
    more: usize,
    /// People entered it here or on the command line, so that they may end it.
    entered: bool,
}

/// Where a window stands, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Runs,
    ToCome,
    Over,
}

/// One accepted risk.
struct RiskLine {
    risk: Accepted,
    case: Option<Case>,
    holds: bool,
}

/// Windows that are over are listed for so long: a quarter, as long as a report covers.
const BACK: Duration = Duration::from_secs(92 * 86_400);
/// Cases listed under one window; more are counted.
const CASES_SHOWN: usize = 20;
/// Hosts offered for choosing; others can be typed.
const HOSTS_OFFERED: usize = 1000;
/// Longest of each text, in characters.
const TEXT_CHARS_MAX: usize = 1000;

fn show(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let (contracts, cases) = (ask.agreed()?, desk.cases(None)?);
    let mut windows = Vec::new();
    let mut hosts = BTreeSet::new();
    let mut page = (Vec::new(), Vec::new(), BTreeSet::new());
    for contract in contracts.iter().filter(|it| desk.viewer.sees(&it.customer)) {
        windows
            .extend(contract.maintenance.iter().filter_map(|it| line(ask, it, contract, &cases)));
        let title = contract.customer_title(ask.head.lang);
        page.0.push((contract.customer.clone(), title.to_owned()));
        for (key, site) in &contract.sites {
            let name = if site.name.is_empty() { key } else { &site.name };
            page.1.push((format!("{}/{key}", contract.customer), format!("{title} · {name}")));
        }
        page.2.insert(contract.timezone.to_string());
        hosts.extend(contract.assets.keys().take(HOSTS_OFFERED).cloned());
    }
    hosts.extend(desk.agents()?.into_iter().take(HOSTS_OFFERED).map(|it| it.host.hostname));
    windows.sort_by_key(|it| (it.stage, it.from.max(it.to), it.window.name()));
    let over = windows.iter().position(|it| it.stage == Stage::Over).unwrap_or(windows.len());
    windows[over..].reverse();
    html(&MaintenancePage {
        c: ask.ctx(ask.text().maintenance),
        windows,
        risks: risks(ask, &contracts)?,
        customers: page.0,
        sites: page.1,
        hosts,
        zones: page.2.into_iter().collect::<Vec<_>>().join(", "),
        asked: ask.query("host")?.unwrap_or_default().to_owned(),
        component: ask.query("component")?.unwrap_or_default().to_owned(),
    })
}

fn line(ask: &Ask, window: &Window, contract: &Contract, cases: &[Case]) -> Option<Line> {
    let (from, to) = window.span(contract.timezone)?;
    let stage = match ask.now {
        now if now < from => Stage::ToCome,
        now if now < to => Stage::Runs,
        now if now.since(to) > BACK => return None,
        _ => Stage::Over,
    };
    // Withdrawn before it began: nothing ever was in it.
    if to <= from {
        return None;
    }
    let mut inside: Vec<Case> =
        remaining(window, contract, cases, ask.now).into_iter().cloned().collect();
    let more = inside.len().saturating_sub(CASES_SHOWN);
    inside.truncate(CASES_SHOWN);
    Some(Line {
        customer: contract.customer_title(ask.head.lang).to_owned(),
        scope: scope(window, contract),
        from,
        to,
        stage,
        cases: inside,
        more,
        entered: !window.id.is_empty(),
        window: window.clone(),
    })
}

fn scope(window: &Window, contract: &Contract) -> Text {
    let site = window.site.as_ref().map(|key| {
        let named = contract.sites.get(key).filter(|it| !it.name.is_empty());
        named.map_or(key.as_str(), |it| it.name.as_str())
    });
    let parts: Vec<&str> =
        [site, window.host.as_deref(), window.component.as_deref()].into_iter().flatten().collect();
    match parts.is_empty() {
        true => Text::new("合同范围内全部", "everything of the contract"),
        false => Text::new(parts.join(" · "), parts.join(" · ")),
    }
}

fn risks(ask: &Ask, contracts: &Contracts) -> Result<Vec<RiskLine>, Failure> {
    let desk = ask.desk()?;
    let seen = contracts.iter().filter(|it| desk.viewer.sees(&it.customer));
    let mut risks = Vec::new();
    for risk in seen.flat_map(|it| &it.accepted) {
        let case = desk.case(&risk.case).ok();
        let of_case = case.as_ref().filter(|it| it.closed_at.is_none());
        let held = of_case.and_then(|it| it.agreed.risk.as_ref());
        let holds = held.is_some_and(|it| it.id == risk.id);
        risks.push(RiskLine { risk: risk.clone(), case, holds });
    }
    risks.sort_by_key(|it| (!it.holds, it.risk.until, it.risk.id.clone()));
    Ok(risks)
}

fn change(ask: &Ask) -> Result<Response, Failure> {
    let login = &ask.viewer()?.login;
    match ask.field("act") {
        "add" => {
            let (customer, window) = declared(ask)?;
            let agreement = Agreement::Window(window);
            ask.state().store.put_agreement(&customer, &agreement, login, ask.now)?;
        }
        "end" => {
            let contracts = ask.agreed()?;
            let mut windows = contracts.iter().flat_map(|it| {
                it.maintenance.iter().filter_map(|window| Some((window, window.span(it.timezone)?)))
            });
            let id = ask.field("id");
            let known = windows.any(|(it, span)| !id.is_empty() && it.id == id && ask.now < span.1);
            if !known {
                return Err(Failure::Conflict(text::both().window_over));
            }
            ask.state().store.end_agreement(id, login, ask.now)?;
        }
        _ => return Err(Failure::BadRequest(text::both().bad_form)),
    }
    Ok(see_other("/maintenance"))
}

/// The window that a form declares, and whose it is.
fn declared(ask: &Ask) -> Result<(String, Window), Failure> {
    let refused = || Failure::BadRequest(text::both().bad_window);
    let given = |name: &str| Some(ask.field(name)).filter(|it| !it.is_empty()).map(str::to_owned);
    let texts = [ask.field("who"), ask.field("why"), ask.field("component")];
    if texts.iter().any(|it| it.chars().count() > TEXT_CHARS_MAX) {
        return Err(refused());
    }
    let (host, place) = (given("host"), given("site"));
    let place = place.as_deref().and_then(|it| it.split_once('/'));
    let contract = match (&host, place) {
        (Some(host), _) => {
            known_host(ask, host)?;
            known_component(ask, host, ask.field("component"))?;
            ask.contracts.of(host)
        }
        (None, _) if !ask.field("component").is_empty() => return Err(refused()),
        (None, Some((customer, _))) => ask.contracts.customer(customer),
        (None, None) => ask.contracts.customer(ask.field("customer")),
    };
    let window = Window {
        site: place.map(|it| it.1.to_owned()),
        host,
        component: given("component"),
        from: ask.field("from").to_owned(),
        to: ask.field("to").to_owned(),
        who: ask.field("who").to_owned(),
        why: ask.field("why").to_owned(),
        ..Window::default()
    };
    let whole = Contract { maintenance: vec![window.clone()], ..contract.clone() };
    let ends = window.span(contract.timezone).map(|it| it.1);
    if !whole.window_mistakes().is_empty() || ends.is_none_or(|it| it <= ask.now) {
        return Err(refused());
    }
    Ok((contract.customer.clone(), window.named(ask.now)))
}

/// A component that the host has, by its identity; empty: the whole host.
fn known_component(ask: &Ask, host: &str, component: &str) -> Result<(), Failure> {
    if component.is_empty() {
        return Ok(());
    }
    let desk = ask.desk()?;
    let mut known = Vec::new();
    for row in desk.agents()?.into_iter().filter(|it| it.host.hostname == host) {
        let components = desk.store.components(&row.agent)?;
        known.extend(components.into_iter().map(|it| it.0.id.as_str().to_owned()));
    }
    if known.iter().any(|it| it == component) {
        return Ok(());
    }
    let near = nearest(component, known.iter().map(String::as_str));
    let (zh, en) = match near {
        Some(near) => (format!("，是否指 {near}？"), format!(": did you mean {near}?")),
        None => ("。".to_owned(), ".".to_owned()),
    };
    Err(Failure::BadRequest(Text::new(
        format!("主机 {host} 没有部件 {component}{zh}"),
        format!("Host {host} has no component {component}{en}"),
    )))
}

/// A slip of the pen would be a window that holds nothing.
fn known_host(ask: &Ask, host: &str) -> Result<(), Failure> {
    let mut known: Vec<String> =
        ask.desk()?.agents()?.into_iter().map(|it| it.host.hostname).collect();
    known.extend(ask.contracts.iter().flat_map(|it| it.assets.keys().cloned()));
    if known.iter().any(|it| it == host) {
        return Ok(());
    }
    let near = nearest(host, known.iter().map(String::as_str));
    let (zh, en) = match near {
        Some(near) => (format!("，是否指 {near}？"), format!(": did you mean {near}?")),
        None => ("。".to_owned(), ".".to_owned()),
    };
    let (zh, en) = (format!("没有主机 {host}{zh}"), format!("There is no host {host}{en}"));
    Err(Failure::BadRequest(Text::new(zh, en)))
}

impl Ask {
    /// The contracts with what people agreed since.
    pub(super) fn agreed(&self) -> Result<Arc<Contracts>, Failure> {
        let agreed = self.state().store.agreements()?;
        Ok(match agreed.is_empty() {
            true => Arc::clone(&self.contracts),
            false => Arc::new(self.contracts.with(&agreed)),
        })
    }

    /// A customer's window by its name, and its end.
    pub(super) fn window(
        &self,
        customer: &str,
        name: &str,
    ) -> Result<Option<(Window, Time)>, Failure> {
        let contracts = self.agreed()?;
        let contract = contracts.customer(customer);
        let window = contract.maintenance.iter().find(|it| it.name() == name);
        Ok(window.and_then(|it| Some((it.clone(), it.span(contract.timezone)?.1))))
    }
}

/// The window that a host as a whole is in now, and its end.
pub(super) fn of_host(contracts: &Contracts, hostname: &str, now: Time) -> Option<(Window, Time)> {
    let contract = contracts.of(hostname);
    let window = contract.window(hostname, &ComponentId::host(), now)?;
    Some((window.clone(), window.span(contract.timezone)?.1))
}

/// Windows that run now, what each is for, and its end.
pub(super) fn running(ask: &Ask) -> Result<Vec<(Text, Window, Time)>, Failure> {
    let (contracts, viewer) = (ask.agreed()?, ask.viewer()?);
    let mut windows = Vec::new();
    for contract in contracts.iter().filter(|it| viewer.sees(&it.customer)) {
        for window in &contract.maintenance {
            let span =
                window.span(contract.timezone).filter(|it| it.0 <= ask.now && ask.now < it.1);
            if let Some((_, to)) = span {
                windows.push((scope(window, contract), window.clone(), to));
            }
        }
    }
    windows.sort_by_key(|it| (it.2, it.1.name()));
    Ok(windows)
}
