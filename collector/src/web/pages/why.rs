//! Every rule that is judged on one component and why it fired, stayed quiet, waits or could not be judged (规则判断).

use std::{borrow::Cow, sync::Arc};

use askama::Template;
use axum::response::Response;
use xunjian_proto::{Component, ComponentId};
use xunjian_rules::Text;

use super::Page;
use crate::{
    evaluate::{Input, Overrides, Why, why},
    store::AgentRow,
    warm,
    web::{ask::Ask, ctx::Ctx, failure::Failure, format, html},
};

/// The page; the component's id is in the query, because it has slashes.
pub(super) const PAGE: Page = Page::read("/hosts/{agent}/why", show);

#[derive(Template)]
#[template(path = "why.html")]
struct WhyPage {
    c: Ctx,
    row: AgentRow,
    component: Component,
    base: String,
    judged: Vec<Judged>,
    /// Rules about its kind that do not apply here: name and why.
    others: Vec<(String, Text, Text)>,
}

/// One rule's verdict.
struct Judged {
    rule: String,
    item: Text,
    class: &'static str,
    word: Text,
    because: Text,
    asides: Vec<Text>,
    inputs: Vec<Input>,
}

/// Longest id that is looked up.
const ID_BYTES_MAX: usize = 512;

fn show(ask: &Ask) -> Result<Response, Failure> {
    let desk = ask.desk()?;
    let row = desk.agent(ask.id("agent")?)?;
    let id = ask.query("id")?.filter(|id| id.len() <= ID_BYTES_MAX).ok_or(Failure::NotFound)?;
    let id = ComponentId::parse(id);
    let known = desk.store.components(&row.agent)?;
    let (component, _) = known.into_iter().find(|(it, _)| it.id == id).ok_or(Failure::NotFound)?;
    let host = &row.host.hostname;
    let overrides = Overrides::of(ask.contracts.of(host), host);
    let rules = ask.state().rules.load_full();
    let (view, _) =
        warm::past(desk.store, &Arc::clone(&rules), &row.agent, &overrides, id.kind(), ask.now)?;
    let mut all = why(&view, &id, &overrides, ask.now);
    all.sort_by_key(|it| (it.order(), it.rule.clone()));
    let item =
        |it: &Why| rules.rule(&it.rule).map_or_else(Text::default, |it| it.item.name.clone());
    let (judged, others): (Vec<Why>, Vec<Why>) =
        all.into_iter().partition(|it| it.judgement.is_some());
    let judged = judged.into_iter().map(|it| Judged {
        item: item(&it),
        class: class(&it),
        word: it.word().1,
        because: it.because(),
        asides: it.asides(),
        rule: it.rule,
        inputs: it.judgement.map(|it| it.inputs).unwrap_or_default(),
    });
    html(&WhyPage {
        c: ask.ctx(format!("{} · {} · {}", ask.text().rule_verdicts, component.name, host)),
        base: format!("/hosts/{}/component?id={}", row.agent.0, format::encode(id.as_str())),
        judged: judged.collect(),
        others: others.iter().map(|it| (it.rule.clone(), item(it), it.because())).collect(),
        row,
        component,
    })
}

/// The badge: only what was read and found good is green.
fn class(it: &Why) -> &'static str {
    match it.order() {
        0 => "l2",
        1 => "busy",
        2 => "unknown",
        3 => "ok",
        _ => "plain",
    }
}

/// What was read, with its name in the reader's language.
fn read<'a>(input: &'a Input, c: &Ctx) -> Cow<'a, str> {
    input.name_in(c.lang)
}

/// What it was compared with.
fn compared<'a>(input: &'a Input, c: &Ctx) -> Cow<'a, str> {
    input.test_in(c.lang)
}
