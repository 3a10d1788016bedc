//! `maintenance` and `risk`: windows in which nobody is paged, and faults that the customer has decided to live with.

use std::fmt::Write;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use xunjian_proto::Time;
use xunjian_rules::Lang;

use super::{LangArg, WithConfig, render};
use crate::{
    classify::{Case, CaseId, accept, agreed},
    clock,
    contract::{Accepted, Agreement, Contract, Contracts, Window},
    store::Store,
};

/// Arguments of `maintenance`.
#[derive(Debug, clap::Args)]
pub(super) struct MaintenanceArgs {
    #[command(subcommand)]
    command: Maintenance,
}

#[derive(Debug, clap::Subcommand)]
enum Maintenance {
    /// Declare a window: faults are collected, judged and marked, nobody is paged
    Add(Add),
    /// End a window before its time
    End(End),
    /// The windows, and what is wrong in those that run or are over
    List(List),
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    config: WithConfig,
    /// First instant: RFC 3339, or local time of the contract's zone (`2026-11-22T22:00:00`)
    #[arg(long)]
    from: String,
    /// First instant after it
    #[arg(long)]
    to: String,
    /// Who answers for it
    #[arg(long)]
    who: String,
    /// What is done
    #[arg(long)]
    why: String,
    /// Only this host
    #[arg(long)]
    host: Option<String>,
    /// Only this site
    #[arg(long)]
    site: Option<String>,
    /// Only this component
    #[arg(long)]
    component: Option<String>,
    /// The customer, where no host says whose it is
    #[arg(long, default_value = "default")]
    customer: String,
}

#[derive(Debug, clap::Args)]
struct End {
    #[command(flatten)]
    config: WithConfig,
    /// As `list` shows it
    id: String,
    /// Who ends it
    #[arg(long)]
    who: String,
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    config: WithConfig,
    /// Language of the output
    #[arg(long, value_enum, default_value_t)]
    lang: LangArg,
}

/// Arguments of `risk`.
#[derive(Debug, clap::Args)]
pub(super) struct RiskArgs {
    #[command(subcommand)]
    command: Risk,
}

#[derive(Debug, clap::Subcommand)]
enum Risk {
    /// Note that the customer accepts a fault as it is; it comes back when it gets worse or the time is over
    Accept(Accept),
    /// Take an acceptance back
    Withdraw(End),
    /// What is accepted, by whom and until when
    List(List),
}

#[derive(Debug, clap::Args)]
struct Accept {
    #[command(flatten)]
    config: WithConfig,
    /// The case, as `overview` and the pages show it
    case: String,
    /// Who signed on the customer's side
    #[arg(long)]
    signer: String,
    /// Why it is accepted
    #[arg(long)]
    why: String,
    /// Last day it holds (`2026-12-31`)
    #[arg(long)]
    until: NaiveDate,
    /// Who enters it
    #[arg(long)]
    who: String,
}

/// Runs `maintenance`.
pub(super) fn maintenance(args: &MaintenanceArgs, out: &mut String) -> anyhow::Result<()> {
    match &args.command {
        Maintenance::Add(args) => add(args, out),
        Maintenance::End(args) => end(args, out),
        Maintenance::List(args) => windows(args, out),
    }
}

/// Runs `risk`.
pub(super) fn risk(args: &RiskArgs, out: &mut String) -> anyhow::Result<()> {
    match &args.command {
        Risk::Accept(args) => accepted(args, out),
        Risk::Withdraw(args) => end(args, out),
        Risk::List(args) => risks(args, out),
    }
}

fn open(config: &WithConfig) -> anyhow::Result<(Store, Contracts)> {
    let config = config.load()?;
    Ok((Store::open(&config.store())?, Contracts::load(config.contracts.as_deref())?))
}

fn add(args: &Add, out: &mut String) -> anyhow::Result<()> {
    let (store, contracts) = open(&args.config)?;
    let contract = match &args.host {
        Some(host) => contracts.of(host),
        None => contracts.customer(&args.customer),
    };
    let now = clock::now();
    let window = Window {
        site: args.site.clone(),
        host: args.host.clone(),
        component: args.component.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        who: args.who.clone(),
        why: args.why.clone(),
        ..Window::default()
    }
    .named(now);
    let whole = Contract { maintenance: vec![window.clone()], ..contract.clone() };
    if let Some((key, what)) = whole.window_mistakes().into_iter().next() {
        bail!("{key}: {what}");
    }
    let id = window.id.clone();
    store.put_agreement(&contract.customer, &Agreement::Window(window), &args.who, now)?;
    writeln!(out, "{id}")?;
    Ok(())
}

fn end(args: &End, out: &mut String) -> anyhow::Result<()> {
    let (store, _) = open(&args.config)?;
    store.end_agreement(&args.id, &args.who, clock::now())?;
    writeln!(out, "{}", args.id)?;
    Ok(())
}

fn accepted(args: &Accept, out: &mut String) -> anyhow::Result<()> {
    let (store, contracts) = open(&args.config)?;
    let id = CaseId(args.case.clone());
    let case = store.case(&id)?.with_context(|| format!("there is no case {}", args.case))?;
    let contract = contracts.customer(&case.customer);
    let now = clock::now();
    if case.closed_at.is_some() {
        bail!("case {} is closed: there is nothing to accept", args.case);
    }
    if contract.day_after(args.until).is_none_or(|end| end <= now) {
        bail!("--until {} is over", args.until);
    }
    let risk = accept(&case, &args.signer, &args.why, args.until, &args.who, now);
    let id = risk.id.clone();
    store.put_agreement(&case.customer, &Agreement::Risk(risk), &args.who, now)?;
    writeln!(out, "{id}")?;
    Ok(())
}

fn windows(args: &List, out: &mut String) -> anyhow::Result<()> {
    let (store, contracts) = open(&args.config)?;
    let lang: Lang = args.lang.into();
    let (now, cases) = (clock::now(), store.cases(None)?);
    let contracts = contracts.with(&store.agreements()?);
    for contract in contracts.iter() {
        for window in &contract.maintenance {
            window_line(window, contract, now, lang, out)?;
            remaining(window, contract, &cases, now, lang, out)?;
        }
    }
    Ok(())
}

fn window_line(
    window: &Window,
    contract: &Contract,
    now: Time,
    lang: Lang,
    out: &mut String,
) -> anyhow::Result<()> {
    let state = match (window.span(contract.timezone), lang) {
        (Some((from, _)), Lang::Zh) if now < from => "未开始",
        (Some((from, _)), Lang::En) if now < from => "to come",
        (Some((_, to)), Lang::Zh) if now < to => "进行中",
        (Some((_, to)), Lang::En) if now < to => "runs",
        (_, Lang::Zh) => "已结束",
        (_, Lang::En) => "over",
    };
    let scope = [&window.site, &window.host, &window.component];
    let scope: Vec<&str> = scope.into_iter().flatten().map(String::as_str).collect();
    let (name, customer) = (window.name(), &contract.customer);
    let (from, to, who, why) = (&window.from, &window.to, &window.who, &window.why);
    writeln!(out, "{name}  {state}  {customer} {}  {from} – {to}  {who}: {why}", scope.join(" "))?;
    Ok(())
}

/// What is wrong inside it, or remains once it is over.
fn remaining(
    window: &Window,
    contract: &Contract,
    cases: &[Case],
    now: Time,
    lang: Lang,
    out: &mut String,
) -> anyhow::Result<()> {
    for case in agreed::remaining(window, contract, cases, now) {
        let grade = render::grade(case.decision.grade, lang);
        let because = case.decision.because.in_lang(lang);
        let (id, name, host) = (&case.id.0, &case.component_name, &case.hostname);
        writeln!(out, "    {grade}  {host} {name}  {id}  {because}")?;
    }
    Ok(())
}

fn risks(args: &List, out: &mut String) -> anyhow::Result<()> {
    let (store, _) = open(&args.config)?;
    let lang: Lang = args.lang.into();
    for (customer, agreement) in store.agreements()? {
        let Agreement::Risk(Accepted { id, case, signer, why, until, by, .. }) = agreement else {
            continue;
        };
        let case = store.case(&CaseId(case))?;
        let holds = case.as_ref().is_some_and(|it| it.agreed.risk.is_some());
        let state = match (holds, lang) {
            (true, Lang::Zh) => "生效",
            (false, Lang::Zh) => "未生效或已失效",
            (true, Lang::En) => "holds",
            (false, Lang::En) => "does not hold",
        };
        let name =
            case.map_or_else(String::new, |it| format!("{} {}", it.hostname, it.component_name));
        writeln!(out, "{id}  {state}  {customer}  {name}  {signer} – {until}: {why} ({by})")?;
    }
    Ok(())
}
