//! `replay`: a stored or recorded period again through evaluate, classify and ticket, with its own clock. Writes nothing.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use chrono::DateTime;
use xunjian_proto::{Readings, Time};
use xunjian_rules::Lang;

use super::{Format, LangArg, WithConfig, render};
use crate::{
    clock,
    contract::Contracts,
    replay::{Recorded, Replay},
    rulebook,
    store::{AgentId, Store},
};

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
    /// Readings (JSON) to replay instead of the store, in the order of their times.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    readings: Vec<PathBuf>,
    /// Only this host.
    #[arg(long)]
    host: Option<String>,
    /// First instant, RFC 3339 (`2026-11-01T00:00:00+08:00`); the store's beginning without it.
    #[arg(long)]
    from: Option<String>,
    /// First instant not replayed; the store's end without it.
    #[arg(long)]
    to: Option<String>,
    /// Rules to try instead of those in force.
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t)]
    lang: LangArg,
}

/// Runs it.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let contracts = Contracts::load(config.contracts.as_deref())?;
    let rules = Arc::new(rulebook::load(args.rules.as_deref().or(config.rules.as_deref()))?);
    let (from, to) =
        (instant(args.from.as_deref(), i64::MIN)?, instant(args.to.as_deref(), i64::MAX)?);
    let mut contracts = contracts;
    let mut store = None;
    let mut hosts = if args.readings.is_empty() {
        let store = store.insert(Store::open(&config.store())?);
        contracts = contracts.with(&store.agreements()?);
        stored(store, from, to)?
    } else {
        given(&args.readings)?
    };
    if let Some(wanted) = &args.host {
        hosts.retain(|it| it.host.hostname == *wanted);
    }
    for it in &mut hosts {
        it.runs.retain(|it| it.at >= from && it.at < to);
    }
    if hosts.iter().all(|it| it.runs.is_empty()) {
        bail!("there is nothing to replay: no host of that name, or no readings in that period");
    }
    // What falls silent before the end of a period that is over is part of it.
    let end = args.to.as_ref().map(|_| to.min(clock::now()));
    let mut replay = Replay::new(&contracts, &rules, store.as_ref());
    replay.run(&hosts, end)?;
    print(&replay, &contracts, args.format, args.lang.into(), out)
}

pub(super) fn instant(text: Option<&str>, otherwise: i64) -> anyhow::Result<Time> {
    let Some(text) = text else { return Ok(Time::from_millis(otherwise)) };
    let at = DateTime::parse_from_rfc3339(text).with_context(|| {
        format!("`{text}` is no time: wanted RFC 3339, for example 2026-11-01T00:00:00+08:00")
    })?;
    Ok(Time::from_millis(at.timestamp_millis()))
}

fn stored(store: &Store, from: Time, to: Time) -> anyhow::Result<Vec<Recorded>> {
    let mut hosts = Vec::new();
    for row in store.agents()? {
        let runs = store.runs(&row.agent, from, to)?;
        hosts.push(Recorded { agent: row.agent, host: row.host, runs });
    }
    Ok(hosts)
}

fn given(files: &[PathBuf]) -> anyhow::Result<Vec<Recorded>> {
    let mut hosts: BTreeMap<String, Recorded> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let one: Readings = serde_json::from_str(&text)
            .with_context(|| format!("{} holds no readings", file.display()))?;
        let name = one.host.hostname.clone();
        let new = || Recorded { agent: AgentId(name.clone()), host: one.host, runs: Vec::new() };
        hosts.entry(name.clone()).or_insert_with(new).runs.extend(one.runs);
    }
    Ok(hosts.into_values().collect())
}

fn print(
    replay: &Replay<'_>,
    contracts: &Contracts,
    format: Format,
    lang: Lang,
    out: &mut String,
) -> anyhow::Result<()> {
    if format == Format::Json {
        let all = serde_json::json!({
            "cases": replay.cases.values().collect::<Vec<_>>(),
            "tickets": replay.tickets.values().collect::<Vec<_>>(),
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    for case in replay.cases.values() {
        let contract = contracts.customer(&case.customer);
        render::cases(out, &[case], contract, lang)?;
        for entry in &case.log {
            writeln!(out, "    {} {}", render::time(entry.at, contract), entry.why.in_lang(lang))?;
        }
    }
    for ticket in replay.tickets.values() {
        writeln!(out, "{}  {}", ticket.id.0, ticket.title.in_lang(lang))?;
    }
    Ok(())
}
