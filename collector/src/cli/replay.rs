//! `replay`: a stored or recorded period again through evaluate, classify and ticket, with its own clock. Writes nothing.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use chrono::DateTime;
use xunjian_proto::{HostFacts, Readings, Run, Time};
use xunjian_rules::{Lang, RuleSet};

use super::{Format, LangArg, WithConfig, render};
use crate::{
    classify::{Case, CaseId},
    contract::Contracts,
    evaluate::Overrides,
    round::Round,
    rulebook,
    store::Store,
    ticket::{self, Ticket, TicketId},
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

/// The pipeline ticks at whole minutes; so does the replay.
const TICK: Duration = Duration::from_secs(60);

/// Longest silence that is replayed minute by minute; a longer one brings nothing new.
const SILENCE_MAX: Duration = Duration::from_secs(6 * 3600);

/// Runs it.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let contracts = Contracts::load(config.contracts.as_deref())?;
    let rules = Arc::new(rulebook::load(args.rules.as_deref().or(config.rules.as_deref()))?);
    let (from, to) =
        (instant(args.from.as_deref(), i64::MIN)?, instant(args.to.as_deref(), i64::MAX)?);
    let mut contracts = contracts;
    let mut hosts = if args.readings.is_empty() {
        let store = Store::open(&config.store())?;
        contracts = contracts.with(&store.agreements()?);
        stored(&store, from, to)?
    } else {
        given(&args.readings)?
    };
    if let Some(wanted) = &args.host {
        hosts.retain(|it| it.1.hostname == *wanted);
    }
    if hosts.is_empty() {
        bail!("there is nothing to replay: no host of that name, or no readings in that period");
    }
    let mut replayed = Replayed::default();
    for (agent, host, mut runs) in hosts {
        runs.retain(|it| it.at >= from && it.at < to);
        replayed.host(&agent, host, &runs, &contracts, &rules);
    }
    replayed.print(&contracts, args.format, args.lang.into(), out)
}

pub(super) fn instant(text: Option<&str>, otherwise: i64) -> anyhow::Result<Time> {
    let Some(text) = text else { return Ok(Time::from_millis(otherwise)) };
    let at = DateTime::parse_from_rfc3339(text).with_context(|| {
        format!("`{text}` is no time: wanted RFC 3339, for example 2026-11-01T00:00:00+08:00")
    })?;
    Ok(Time::from_millis(at.timestamp_millis()))
}

type Host = (String, HostFacts, Vec<Run>);

fn stored(store: &Store, from: Time, to: Time) -> anyhow::Result<Vec<Host>> {
    let mut hosts = Vec::new();
    for row in store.agents()? {
        let runs = store.runs(&row.agent, from, to)?;
        hosts.push((row.agent.0, row.host, runs));
    }
    Ok(hosts)
}

fn given(files: &[PathBuf]) -> anyhow::Result<Vec<Host>> {
    let mut hosts: BTreeMap<String, (HostFacts, Vec<Run>)> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let one: Readings = serde_json::from_str(&text)
            .with_context(|| format!("{} holds no readings", file.display()))?;
        let entry = hosts
            .entry(one.host.hostname.clone())
            .or_insert_with(|| (one.host.clone(), Vec::new()));
        entry.1.extend(one.runs);
    }
    let mut all: Vec<Host> =
        hosts.into_iter().map(|(name, (host, runs))| (name, host, runs)).collect();
    for (_, _, runs) in &mut all {
        runs.sort_by(|a, b| (a.at, &a.source).cmp(&(b.at, &b.source)));
    }
    Ok(all)
}

/// What the replay brought.
#[derive(Default)]
struct Replayed {
    cases: BTreeMap<CaseId, Case>,
    tickets: BTreeMap<TicketId, Ticket>,
    numbers: BTreeMap<String, u32>,
}

impl Replayed {
    fn host(
        &mut self,
        agent: &str,
        host: HostFacts,
        runs: &[Run],
        contracts: &Contracts,
        rules: &Arc<RuleSet>,
    ) {
        let name = host.hostname.clone();
        let contract = contracts.of(&name);
        let overrides = Overrides::of(contract, &name);
        let mut round = Round::new(agent, host, Arc::clone(rules));
        let mut before: Option<Time> = None;
        for together in runs.chunk_by(|a, b| a.at == b.at) {
            let Some(at) = together.first().map(|it| it.at) else { continue };
            let mut minute = before.map_or(at, |it| it.floor(TICK) + TICK);
            while minute < at && at.since(minute) <= SILENCE_MAX {
                let cases = round.tick(contract, &overrides, minute);
                self.follow(cases, contract, minute);
                minute = minute + TICK;
            }
            let cases = round.take(together, contract, &overrides, at);
            self.follow(cases, contract, at);
            before = Some(at);
        }
    }

    fn follow(&mut self, cases: Vec<Case>, contract: &crate::contract::Contract, now: Time) {
        let tickets: Vec<Ticket> = self.tickets.values().cloned().collect();
        let numbers = &mut self.numbers;
        let mut number = |day: &str| {
            let next = numbers.entry(day.to_owned()).or_insert(0);
            *next += 1;
            *next
        };
        for ticket in ticket::reconcile(&cases, &tickets, contract, now, &mut number) {
            self.tickets.insert(ticket.id.clone(), ticket);
        }
        self.cases.extend(cases.into_iter().map(|it| (it.id.clone(), it)));
    }

    fn print(
        &self,
        contracts: &Contracts,
        format: Format,
        lang: Lang,
        out: &mut String,
    ) -> anyhow::Result<()> {
        if format == Format::Json {
            let all = serde_json::json!({
                "cases": self.cases.values().collect::<Vec<_>>(),
                "tickets": self.tickets.values().collect::<Vec<_>>(),
            });
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
            return Ok(());
        }
        for case in self.cases.values() {
            let contract = contracts.of(&case.hostname);
            render::cases(out, &[case], contract, lang)?;
            for entry in &case.log {
                writeln!(
                    out,
                    "    {} {}",
                    render::time(entry.at, contract),
                    entry.why.in_lang(lang)
                )?;
            }
        }
        for ticket in self.tickets.values() {
            writeln!(out, "{}  {}", ticket.id.0, ticket.title.in_lang(lang))?;
        }
        Ok(())
    }
}
