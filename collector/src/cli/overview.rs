//! `overview`: what was inspected and what could not be, the open cases, the tickets with their clocks; from the store.

use std::{fmt::Write, thread, time::Duration};

use anyhow::{Context, bail};
use xunjian_proto::Time;
use xunjian_rules::Lang;

use super::{LangArg, WithConfig, render};
use crate::{
    classify::{Case, Grade},
    clock,
    contract::Contracts,
    store::{AgentRow, SourceStatus, Store},
    ticket::{self, ClockState, Ticket},
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
    overview(&store, &contracts, args.lang.into(), clock::now(), out)
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
    lang: Lang,
    now: Time,
    out: &mut String,
) -> anyhow::Result<()> {
    let zh = lang == Lang::Zh;
    let agents = store.agents().context("cannot list the agents")?;
    let cases = store.cases(None)?;
    if agents.is_empty() {
        writeln!(out, "{}", if zh { "还没有登记任何主机" } else { "no host is enrolled yet" })?;
    }
    for agent in &agents {
        host(store, contracts, agent, &cases, lang, out)?;
    }
    tickets(&store.tickets(None)?, contracts, lang, now, out)
}

fn host(
    store: &Store,
    contracts: &Contracts,
    agent: &AgentRow,
    cases: &[Case],
    lang: Lang,
    out: &mut String,
) -> anyhow::Result<()> {
    let zh = lang == Lang::Zh;
    let contract = contracts.of(&agent.host.hostname);
    let name = &agent.host.hostname;
    writeln!(out, "\n{} {name}", if zh { "主机" } else { "host" })?;
    for status in store.sources(&agent.agent)? {
        source(&status, lang, out)?;
    }
    let mine: Vec<&Case> = cases.iter().filter(|it| it.agent == agent.agent.0).collect();
    let count =
        |wanted: fn(Grade) -> bool| mine.iter().filter(|it| wanted(it.decision.grade)).count();
    let (faults, advice, blind) = (
        count(|it| matches!(it, Grade::Fault(_))),
        count(|it| it == Grade::Advice),
        count(|it| it == Grade::Blind),
    );
    if zh {
        writeln!(out, "\n发现：故障 {faults} 项，建议 {advice} 项，未能读取 {blind} 项")?;
    } else {
        writeln!(out, "\nfindings: {faults} faults, {advice} pieces of advice, {blind} gaps")?;
    }
    for case in mine {
        render::case(out, case, contract, lang)?;
    }
    Ok(())
}

fn source(status: &SourceStatus, lang: Lang, out: &mut String) -> anyhow::Result<()> {
    let (mark, word) = render::outcome(&status.outcome, lang);
    writeln!(out, "  {mark} {:<9} {word}", status.source)?;
    for problem in &status.problems {
        writeln!(out, "      ? {}: {}", render::reason(problem.reason, lang), problem.text)?;
    }
    Ok(())
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
            writeln!(
                out,
                "      {} {}: {state}",
                clock.label.in_lang(lang),
                render::time(clock.due, contract)
            )?;
        }
    }
    Ok(())
}
