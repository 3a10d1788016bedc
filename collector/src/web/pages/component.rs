//! One component: what it is, what it says about itself, what is measured on it now and was measured before.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use xunjian_proto::{Component, ComponentId, SeriesKey, State, Time};

use super::Page;
use crate::{
    classify::Case,
    store::{AgentRow, Point},
    web::{
        ask::Ask,
        catalog,
        chart::{self, Chart},
        ctx::Ctx,
        desk::Desk,
        failure::Failure,
        format, html, text,
    },
};

/// The page; the component's id is in the query, because it has slashes.
pub(super) const PAGE: Page = Page::read("/hosts/{agent}/component", show);

#[derive(Template)]
#[template(path = "component.html")]
struct ComponentPage {
    c: Ctx,
    row: AgentRow,
    component: Component,
    seen: Time,
    cases: Vec<Case>,
    states: Vec<(State, Time)>,
    readings: Vec<Reading>,
    periods: Vec<(&'static str, bool)>,
    charts_left_out: usize,
    base: String,
    why: String,
}

/// One series with its newest value and its history.
struct Reading {
    metric: String,
    name: String,
    help: &'static str,
    value: String,
    at: Time,
    rate: bool,
    chart: Option<String>,
}

/// Periods to choose from: name in the address, length, step of a point. Steps keep charts at 96 to 180 points.
const PERIODS: &[(&str, Duration, Duration)] = &[
    ("24h", Duration::from_secs(86_400), Duration::from_secs(600)),
    ("7d", Duration::from_secs(7 * 86_400), Duration::from_secs(3600)),
    ("90d", Duration::from_secs(90 * 86_400), Duration::from_secs(86_400)),
];
/// Charts drawn on one page; a disk has about twenty series, a network interface a dozen.
const CHARTS_MAX: usize = 24;
/// Longest id that is looked up.
const ID_BYTES_MAX: usize = 512;

fn show(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let row = desk.agent(ask.id("agent")?)?;
    let id = ask.query("id")?.filter(|id| id.len() <= ID_BYTES_MAX).ok_or(Failure::NotFound)?;
    let id = ComponentId::parse(id);
    let known = desk.store.components(&row.agent)?;
    let (component, seen) =
        known.into_iter().find(|(it, _)| it.id == id).ok_or(Failure::NotFound)?;
    let wanted = ask.query("period")?.unwrap_or("24h");
    let period = PERIODS
        .iter()
        .find(|(name, ..)| *name == wanted)
        .ok_or(Failure::BadRequest(text::both().bad_period))?;
    let mut cases = desk.cases(Some(ask.now - Duration::from_secs(90 * 86_400)))?;
    cases.retain(|case| case.agent == row.agent.0 && case.component == id);
    let mut states = desk.store.states(&row.agent)?;
    states.retain(|(state, _)| state.component == id);
    let mut series = desk.store.series(&row.agent, Some(&id))?;
    series.sort_by(|a, b| a.0.cmp(&b.0));
    let charts_left_out = series.len().saturating_sub(CHARTS_MAX);
    let mut readings = Vec::new();
    for (index, newest) in series.iter().enumerate() {
        let drawn = index < CHARTS_MAX;
        readings.push(reading(ask, &desk, &row, newest, drawn.then_some(period))?);
    }
    let why = format!("/hosts/{}/why?id={}", row.agent.0, format::encode(id.as_str()));
    let base = format!("/hosts/{}/component?id={}", row.agent.0, format::encode(id.as_str()));
    html(&ComponentPage {
        c: ask.ctx(format!("{} · {}", component.name, row.host.hostname)),
        row,
        component,
        seen,
        cases,
        states,
        readings,
        periods: PERIODS.iter().map(|(name, ..)| (*name, *name == period.0)).collect(),
        charts_left_out,
        base,
        why,
    })
}

fn reading(
    ask: &Ask,
    desk: &Desk<'_>,
    row: &AgentRow,
    (key, at, value): &(SeriesKey, Time, f64),
    period: Option<&(&'static str, Duration, Duration)>,
) -> Result<Reading, Failure> {
    let entry = catalog::metric(&key.metric);
    let unit = entry.map_or("", |metric| metric.unit);
    let rate = entry.is_some_and(|metric| metric.counter);
    let name = series_name(key);
    let mut drawn = None;
    if let Some((_, length, step)) = period {
        let points = desk.store.points(&row.agent, key, ask.now - *length, ask.now, *step)?;
        let (points, unit) = if rate {
            (chart::rates(&points), format!("{unit}/s"))
        } else {
            (points, unit.to_owned())
        };
        drawn = draw(ask, &points, *length, *step, &key.metric, &unit, &name);
    }
    let help = entry.map_or("", |metric| metric.help);
    Ok(Reading {
        value: format::value(*value, unit, &key.metric),
        name,
        metric: key.metric.clone(),
        help,
        at: *at,
        rate,
        chart: drawn,
    })
}

fn draw(
    ask: &Ask,
    points: &[Point],
    length: Duration,
    step: Duration,
    metric: &str,
    unit: &str,
    label: &str,
) -> Option<String> {
    let from = ask.now - length;
    chart::svg(&Chart {
        points,
        from,
        to: ask.now,
        step,
        metric,
        unit,
        zone: ask.home().timezone,
        label,
    })
}

/// `system.disk.io{disk.io.direction=read}`.
fn series_name(key: &SeriesKey) -> String {
    if key.attrs.is_empty() {
        return key.metric.clone();
    }
    let attrs: Vec<String> =
        key.attrs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}{{{}}}", key.metric, attrs.join(", "))
}
