//! One host: who it is, what could be read of it and what not, its components, its open cases, what happened lately.

use std::{collections::BTreeMap, time::Duration};

use askama::Template;
use axum::response::Response;
use xunjian_proto::{Component, Event, Outcome, Problem, Time};

use super::{
    Access, Page,
    folded::{Folded, fold},
    health::{HostHealth, Sight, sight},
    maintenance,
    overview::place,
};
use crate::{
    classify::{Case, Grade},
    contract::Window,
    store::SourceStatus,
    web::{ask::Ask, ctx::Ctx, failure::Failure, format, html, see_other, text},
};

/// The page.
pub(super) const PAGE: Page = Page {
    path: "/hosts/{agent}",
    get: (Access::Reader, show),
    post: Some((Access::Staff, inspect)),
};

#[derive(Template)]
#[template(path = "host.html")]
struct HostPage {
    c: Ctx,
    host: HostHealth,
    place: String,
    /// An inspection was asked for just now.
    asked: bool,
    sources: Vec<SourceLine>,
    /// Those whose object the host lacks.
    absent: Vec<SourceLine>,
    problems: Vec<(String, Problem, Time)>,
    more_problems: usize,
    kinds: BTreeMap<String, Vec<ComponentLine>>,
    cases: Vec<(Case, usize)>,
    /// What another fault brought about, here or elsewhere.
    consequences: Vec<Case>,
    /// The maintenance window that it is in, and until when.
    window: Option<(Window, Time)>,
    events: Vec<Event>,
}

struct SourceLine {
    status: SourceStatus,
    gaps: usize,
    old: bool,
    words: String,
    evidence: Vec<(String, String, Time)>,
}

struct ComponentLine {
    component: Component,
    seen: Time,
    worst: Option<Grade>,
}

/// Gaps listed on the page; more are counted.
const PROBLEMS_SHOWN: usize = 100;
/// Raw outputs offered per source.
const EVIDENCE_SHOWN: usize = 8;
/// Happenings shown.
const EVENTS_SHOWN: usize = 50;
/// How far back happenings are looked for.
const EVENTS_BACK: Duration = Duration::from_secs(7 * 86_400);

fn show(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let row = desk.agent(ask.id("agent")?)?;
    let (agent, hostname) = (row.agent.clone(), row.host.hostname.clone());
    let mut open = desk.cases(None)?;
    open.retain(|case| case.closed_at.is_none());
    let cases: Vec<Case> = open.iter().filter(|case| case.agent == agent.0).cloned().collect();
    let Folded { roots, consequences } = fold(open, |case| case.agent == agent.0);
    let sources = desk.store.sources(&agent)?;
    let mut problems: Vec<(String, Problem, Time)> = sources
        .iter()
        .flat_map(|source| {
            source.problems.iter().map(|it| (source.source.clone(), it.clone(), source.at))
        })
        .collect();
    let more_problems = problems.len().saturating_sub(PROBLEMS_SHOWN);
    problems.truncate(PROBLEMS_SHOWN);
    let mut kinds: BTreeMap<String, Vec<ComponentLine>> = BTreeMap::new();
    for (component, seen) in desk.store.components(&agent)? {
        let worst = cases
            .iter()
            .filter(|case| case.component == component.id)
            .map(|case| case.decision.grade)
            .min();
        kinds.entry(component.id.kind().to_owned()).or_default().push(ComponentLine {
            component,
            seen,
            worst,
        });
    }
    for lines in kinds.values_mut() {
        lines.sort_by(|a, b| a.component.name.cmp(&b.component.name));
    }
    let mut lines = Vec::new();
    for status in &sources {
        let mut evidence = desk.store.evidence_of(&agent, &status.source)?;
        evidence.truncate(EVIDENCE_SHOWN);
        lines.push(source_line(status, evidence, ask.now));
    }
    let (absent, lines): (Vec<SourceLine>, Vec<SourceLine>) =
        lines.into_iter().partition(|it| matches!(it.status.outcome, Outcome::Absent(_)));
    let page = HostPage {
        c: ask.ctx(row.host.hostname.clone()),
        place: place(ask, &row.host.hostname),
        asked: ask.query("asked")?.is_some(),
        events: desk.store.events(
            &agent,
            ask.now - EVENTS_BACK,
            ask.now + Duration::from_secs(60),
            EVENTS_SHOWN,
        )?,
        host: HostHealth::new(row, &sources, &cases, ask.now),
        window: maintenance::of_host(ask.agreed()?.as_ref(), &hostname, ask.now),
        sources: lines,
        absent,
        problems,
        more_problems,
        kinds,
        cases: roots,
        consequences,
    };
    html(&page)
}

/// Asks the agent to inspect now, all or one `source`: after a repair nobody wants to wait for the next turn.
fn inspect(ask: &Ask) -> Result<Response, Failure> {
    let agent = ask.desk()?.agent(ask.id("agent")?)?.agent;
    let sources: Vec<String> = match ask.field("source") {
        "" => Vec::new(),
        name if format::is_id(name) => vec![name.to_owned()],
        _ => return Err(Failure::BadRequest(text::both().bad_form)),
    };
    let state = ask.state();
    if !(state.inspect)(&agent, sources) {
        return Err(Failure::Conflict(text::both().not_connected));
    }
    state.store.audit(ask.now, &ask.viewer()?.login, "host.inspect", &agent.0)?;
    Ok(see_other(&format!("/hosts/{}?asked=1", agent.0)))
}

fn source_line(
    status: &SourceStatus,
    evidence: Vec<(String, String, Time)>,
    now: Time,
) -> SourceLine {
    let words = match &status.outcome {
        Outcome::Absent(why) | Outcome::Failed(why) | Outcome::Deferred(why) => why.clone(),
        Outcome::Collected | Outcome::Stuck => String::new(),
    };
    SourceLine {
        gaps: status.problems.len(),
        old: sight(status, now) == Sight::Old,
        words,
        evidence,
        status: status.clone(),
    }
}
