//! `judge`: recordings, bundles or readings in; cases with level and decision record out. No store, no network.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use serde::Serialize;
use xunjian_agent::host::Recorded;
use xunjian_proto::{HostFacts, Readings, Run, Time};
use xunjian_rules::{Lang, RuleSet};

use super::{Format, LangArg, render};
use crate::{
    classify::{Case, Grade},
    clock,
    contract::{Contract, Contracts},
    evaluate::Overrides,
    ingest::bundle::{self, BundleError},
    round::{Round, Rounds, look_at_partners},
    rulebook,
    store::AgentId,
};

/// Arguments of `judge`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Recordings (folders), bundles or readings (JSON of `xunjian-agent once` or `read`).
    #[arg(required = true, value_name = "FILE|DIR")]
    inputs: Vec<PathBuf>,
    /// The customer's contract; the default one otherwise.
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
    /// Folder of rule files instead of the built-in library.
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t)]
    lang: LangArg,
    /// Exit with 10 + the gravest level (11 to 14) if there is a fault.
    #[arg(long)]
    exit_level: bool,
}

/// What was judged of one host.
#[derive(Debug, Serialize)]
struct Judged {
    host: HostFacts,
    runs: Vec<Run>,
    cases: Vec<Case>,
}

/// Runs it; gives the exit code.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<u8> {
    let contract = match &args.contract {
        Some(file) => Contract::load(file)?,
        None => Contract::default(),
    };
    let contracts = Contracts::only(contract);
    let rules = Arc::new(rulebook::load(args.rules.as_deref())?);
    let mut all: Vec<Readings> = Vec::new();
    for input in &args.inputs {
        all.extend(
            readings(input).with_context(|| format!("{} cannot be judged", input.display()))?,
        );
    }
    let judged = judge(&all, &contracts, &rules);
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&judged)?)?,
        Format::Text => text(&judged, &contracts, args.lang.into(), out)?,
    }
    let gravest = judged.iter().flat_map(|it| &it.cases).filter_map(|it| match it.decision.grade {
        Grade::Fault(level) if it.parent.is_none() => Some(level.number()),
        _ => None,
    });
    Ok(match (args.exit_level, gravest.min()) {
        (true, Some(level)) => 10 + level,
        _ => 0,
    })
}

/// What a path holds.
pub(super) fn readings(path: &Path) -> anyhow::Result<Vec<Readings>> {
    if path.is_dir() {
        return folder(path);
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    match bundle::read(&bytes, clock::now()) {
        Ok(found) => return Ok(vec![Readings { host: found.host, runs: found.runs }]),
        Err(BundleError::NoBundle) => {}
        Err(broken) => return Err(broken.into()),
    }
    let text = String::from_utf8_lossy(&bytes);
    let one = serde_json::from_str::<Readings>(&text).context(
        "wanted a recording's folder, a bundle, or readings as `xunjian-agent once --format json` and \
         `xunjian-agent read SOURCE FILE` print them",
    )?;
    Ok(vec![one])
}

/// A recording, or a folder of recordings.
fn folder(path: &Path) -> anyhow::Result<Vec<Readings>> {
    if is_recording(path) {
        return Ok(vec![inspected(path)]);
    }
    let mut inner: Vec<PathBuf> =
        fs::read_dir(path)?.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>()?;
    inner.sort();
    inner.retain(|it| is_recording(it));
    if inner.is_empty() {
        bail!(
            "there is no recording in it: wanted the folders `root`, `cmd` or `targets` that `xunjian-agent record DIR` makes"
        );
    }
    Ok(inner.iter().map(|it| inspected(it)).collect())
}

fn is_recording(path: &Path) -> bool {
    ["root", "cmd", "targets"].iter().any(|it| path.join(it).is_dir())
}

fn inspected(path: &Path) -> Readings {
    let host = Recorded::open(path);
    let at = host.meta().map_or(Time::from_millis(0), |it| it.recorded_at);
    let config = xunjian_agent::config::Config::default();
    let mut found = xunjian_agent::inspect(Arc::new(host), &config, at, None, &mut |_| {});
    if found.host.hostname.is_empty() {
        found.host.hostname =
            path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    }
    found
}

/// One look each: rules' hold times are waived, because nothing follows. Several readings of one host are taken in the
/// order of their times.
fn judge(all: &[Readings], contracts: &Contracts, rules: &Arc<RuleSet>) -> Vec<Judged> {
    let mut hosts: BTreeMap<&str, (HostFacts, Vec<Run>)> = BTreeMap::new();
    for one in all {
        let entry =
            hosts.entry(&one.host.hostname).or_insert_with(|| (one.host.clone(), Vec::new()));
        entry.1.extend(one.runs.iter().cloned());
    }
    let mut rounds = Rounds::new();
    let mut read: BTreeMap<AgentId, (Vec<Run>, Time)> = BTreeMap::new();
    for (hostname, (host, mut runs)) in hosts {
        runs.sort_by_key(|it| it.at);
        let contract = contracts.of(hostname);
        let overrides = Overrides::of(contract, hostname).waiving_holds();
        let now = runs.last().map_or(Time::from_millis(0), |it| it.at);
        let mut round = Round::new(hostname, host.clone(), Arc::clone(rules));
        for together in runs.chunk_by(|a, b| a.at == b.at) {
            round.take(together, contract, &overrides, together.first().map_or(now, |it| it.at));
        }
        let agent = AgentId(hostname.to_owned());
        read.insert(agent.clone(), (runs, now));
        rounds.insert(agent, round);
    }
    let again = look_at_partners(&mut rounds, contracts);
    let mut judged = Vec::new();
    for (agent, mut round) in rounds {
        let (runs, now) = read.remove(&agent).unwrap_or_default();
        let host = round.host().clone();
        if again {
            let contract = contracts.of(&host.hostname);
            let overrides = Overrides::of(contract, &host.hostname).waiving_holds();
            round.tick(contract, &overrides, now);
        }
        let mut cases: Vec<Case> =
            round.cases().filter(|it| it.closed_at.is_none()).cloned().collect();
        cases.sort_by(|a, b| {
            (a.decision.grade, &a.component, &a.class).cmp(&(
                b.decision.grade,
                &b.component,
                &b.class,
            ))
        });
        judged.push(Judged { host, runs, cases });
    }
    judged
}

fn text(
    judged: &[Judged],
    contracts: &Contracts,
    lang: Lang,
    out: &mut String,
) -> anyhow::Result<()> {
    for host in judged {
        let zh = lang == Lang::Zh;
        let name = match (host.host.hostname.as_str(), zh) {
            ("", true) => "（读数中没有主机名）",
            ("", false) => "(the readings name none)",
            (name, _) => name,
        };
        writeln!(out, "{} {name}", if zh { "主机" } else { "host" })?;
        let mut newest: BTreeMap<&str, &Run> = BTreeMap::new();
        for run in &host.runs {
            newest.insert(&run.source, run);
        }
        render::coverage(out, &newest.values().copied().collect::<Vec<_>>(), lang)?;
        writeln!(out)?;
        if host.cases.is_empty() {
            let gaps = newest.values().map(|it| it.problems.len()).sum::<usize>();
            let said = match (zh, gaps) {
                (true, 0) => "已读取的内容中没有发现问题".to_owned(),
                (true, _) => {
                    format!("已读取的内容中没有发现问题；另有 {gaps} 处未能读取，状态未知")
                }
                (false, 0) => "nothing wrong in what was read".to_owned(),
                (false, _) => format!(
                    "nothing wrong in what was read; {gaps} things could not be read and are unknown"
                ),
            };
            writeln!(out, "{said}")?;
        }
        let cases: Vec<&Case> = host.cases.iter().collect();
        render::cases(out, &cases, contracts.of(&host.host.hostname), lang)?;
        writeln!(out)?;
    }
    Ok(())
}
