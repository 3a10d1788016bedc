//! `overview`: what was inspected and what could not be, the open cases, the tickets with their clocks; from the store.

use std::{fmt::Write, sync::Arc, thread, time::Duration};

use anyhow::{Context, bail};
use xunjian_proto::{Outcome, Time};
use xunjian_rules::{Lang, RuleSet, plural::counted};

use super::{LangArg, WithConfig, render};
use crate::{
    classify::{Case, Grade},
    clock,
    contract::{Contract, Contracts},
    evaluate::{self, HostView, Overrides, Verdict},
    rulebook,
    store::{SourceStatus, Store},
    ticket::{self, ClockState, Ticket},
    warm::Warm,
};

/// Arguments of `overview`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
    /// Language of the output.
    #[arg(long, value_enum, default_value_t)]
    lang: LangArg,
    /// First wait until everything that has been taken in is judged (at most a minute).
    #[arg(long)]
    settle: bool,
}

/// Runs it.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let store = Store::open(&config.store())?;
    if args.settle {
        settle(&store)?;
    }
    let contracts = Contracts::load(config.contracts.as_deref())?;
    let rules = Arc::new(rulebook::load(config.rules.as_deref())?);
    overview(&store, &contracts, &rules, args.lang.into(), clock::now(), out)
}

fn settle(store: &Store) -> anyhow::Result<()> {
    for _ in 0..300 {
        if store.unjudged(1)?.is_empty() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(200));
    }
    bail!(
        "batches are still waiting to be judged after 60 s: is `xunjian-collector serve` running?"
    )
}

fn overview(
    store: &Store,
    contracts: &Contracts,
    rules: &Arc<RuleSet>,
    lang: Lang,
    now: Time,
    out: &mut String,
) -> anyhow::Result<()> {
    let zh = lang == Lang::Zh;
    let agents = store.agents().context("cannot list the agents")?;
    let cases = store.cases(None)?;
    let warm = Warm::new(store, rules)?;
    if agents.is_empty() {
        writeln!(out, "{}", if zh { "还没有登记任何主机" } else { "no host is enrolled yet" })?;
    }
    for agent in &agents {
        let name = &agent.host.hostname;
        let contract = contracts.of(name);
        writeln!(out, "\n{} {name}", if zh { "主机" } else { "host" })?;
        let (absent, there): (Vec<_>, Vec<_>) = store
            .sources(&agent.agent)?
            .into_iter()
            .partition(|it| matches!(it.outcome, Outcome::Absent(_)) && it.problems.is_empty());
        for status in &there {
            source(status, lang, out)?;
        }
        let absent: Vec<String> = absent.iter().map(|it| lacking(it, lang)).collect();
        if !absent.is_empty() {
            let head = if zh { "本机没有：" } else { "not on this host: " };
            writeln!(out, "  – {head}{}", absent.join(if zh { "、" } else { ", " }))?;
        }
        findings(cases.iter().filter(|it| it.agent == agent.agent.0), contract, lang, out)?;
        let overrides = Overrides::of(contract, name);
        let view = warm.view(agent, &overrides, now)?;
        pending(&view, rules, contract, (&overrides, now, lang), out)?;
    }
    tickets(&store.tickets(None)?, contracts, lang, now, out)
}

fn findings<'a>(
    cases: impl Iterator<Item = &'a Case>,
    contract: &Contract,
    lang: Lang,
    out: &mut String,
) -> anyhow::Result<()> {
    let cases: Vec<&Case> = cases.collect();
    let count =
        |wanted: fn(Grade) -> bool| cases.iter().filter(|it| wanted(it.decision.grade)).count();
    let faults = count(|it| matches!(it, Grade::Fault(_)));
    let (advice, blind) = (count(|it| it == Grade::Advice), count(|it| it == Grade::Blind));
    match lang {
        Lang::Zh => {
            writeln!(out, "\n发现：故障 {faults} 项，建议 {advice} 项，巡检盲区 {blind} 项")?
        }
        Lang::En => writeln!(
            out,
            "\nfindings: {}, {}, {}",
            counted(faults as u64, "fault", "faults"),
            counted(advice as u64, "piece of advice", "pieces of advice"),
            counted(blind as u64, "gap", "gaps")
        )?,
    }
    render::cases(out, &cases, contract, lang)?;
    Ok(())
}

/// What holds on the newest reading and has not held for long enough: no finding yet, but nothing to keep silent about.
fn pending(
    view: &HostView,
    rules: &RuleSet,
    contract: &Contract,
    (overrides, now, lang): (&Overrides, Time, Lang),
    out: &mut String,
) -> anyhow::Result<()> {
    let mut waiting = evaluate::judge(view, overrides, now);
    waiting.retain(|it| it.verdict == Verdict::Pending);
    if waiting.is_empty() {
        return Ok(());
    }
    let count = waiting.len();
    match lang {
        Lang::Zh => {
            writeln!(out, "\n待确认（当前读数已越限，持续时间未到，尚不定级）：{count} 项")?
        }
        Lang::En => {
            writeln!(out, "\nto be confirmed (beyond the limit, not for long enough yet): {count}")?
        }
    }
    for judgement in waiting {
        let rule = rules.rule(&judgement.rule);
        let name = rule.map_or(&*judgement.rule, |it| it.item.name.in_lang(lang));
        let component = &judgement.component;
        let called = view.name_of(component).unwrap_or(component.key());
        writeln!(out, "  ○ {called}  {name}")?;
        // Judging leaves out what was compared where nothing fires; asking for the reason brings it.
        let asked = evaluate::why(view, component, overrides, now);
        let inputs = asked.into_iter().filter(|it| *it.rule == *judgement.rule);
        for input in inputs.filter_map(|it| it.judgement).flat_map(|it| it.inputs) {
            writeln!(out, "      {}", render::reading(&input, contract, lang))?;
        }
    }
    Ok(())
}

fn source(status: &SourceStatus, lang: Lang, out: &mut String) -> anyhow::Result<()> {
    let (mark, word) = render::outcome(&status.outcome, lang);
    writeln!(out, "  {mark} {:<10} {word}", status.source)?;
    for problem in &status.problems {
        writeln!(out, "      ? {}", render::problem(problem, lang))?;
    }
    Ok(())
}

/// A source that the host has nothing for, with the program that it lacks: that can be installed; or the section that it is
/// not configured in.
fn lacking(status: &SourceStatus, lang: Lang) -> String {
    let name = &status.source;
    match (&status.outcome, lang) {
        (Outcome::Absent(what), _) if what.starts_with('/') || what == name => name.clone(),
        (Outcome::Absent(what), Lang::Zh) if what.starts_with('[') => {
            format!("{name}（未配置 {what}）")
        }
        (Outcome::Absent(what), Lang::Zh) => format!("{name}（{what}）"),
        (Outcome::Absent(what), Lang::En) => format!("{name} ({what})"),
        _ => name.clone(),
    }
}

fn tickets(
    tickets: &[Ticket],
    contracts: &Contracts,
    lang: Lang,
    now: Time,
    out: &mut String,
) -> anyhow::Result<()> {
    let zh = lang == Lang::Zh;
    if tickets.is_empty() {
        writeln!(out, "\n{}", if zh { "没有未结工单" } else { "no open tickets" })?;
        return Ok(());
    }
    writeln!(out, "\n{}", if zh { "工单" } else { "tickets" })?;
    for ticket in tickets {
        let contract = contracts.customer(&ticket.customer);
        writeln!(out, "  {}  {}", ticket.id.0, ticket.title.in_lang(lang))?;
        for clock in ticket::clocks(ticket, contract, now) {
            let state = match (clock.state, zh) {
                (ClockState::Running, true) => "计时中",
                (ClockState::AtRisk, true) => "即将超时",
                (ClockState::Met, true) => "按时完成",
                (ClockState::Breached, true) => "已超时",
                (ClockState::MetLate, true) => "超时完成",
                (ClockState::Running, false) => "running",
                (ClockState::AtRisk, false) => "at risk",
                (ClockState::Met, false) => "met",
                (ClockState::Breached, false) => "breached",
                (ClockState::MetLate, false) => "met late",
            };
            let (label, due) = (clock.label.in_lang(lang), render::time(clock.due, contract));
            match lang {
                Lang::Zh => writeln!(out, "      {label} {due}：{state}")?,
                Lang::En => writeln!(out, "      {label} {due}: {state}")?,
            }
        }
    }
    Ok(())
}
