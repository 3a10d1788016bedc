//! `enrol-token` and `revoke`: letting an agent in, once, and shutting one out.

use std::{fmt::Write, time::Duration};

use anyhow::bail;

use super::WithConfig;
use crate::{
    clock,
    identity::{Authority, new_token},
    store::{AgentId, Store},
};

/// Arguments of `enrol-token`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
    /// How long the token is good; it is good once only.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=7 * 24 * 60))]
    minutes: u32,
}

/// Runs `enrol-token`: prints the token and nothing else.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let now = clock::now();
    let store = Store::open(&config.store())?;
    let authority = Authority::open(
        &config.identity(),
        &config.agents.names,
        config.agents.certificate_days,
        now,
    )?;
    let token =
        new_token(&store, &authority, now + Duration::from_secs(u64::from(args.minutes) * 60))?;
    store.audit(now, "command line", "enrol-token", &format!("good for {} min", args.minutes))?;
    writeln!(out, "{token}")?;
    Ok(())
}

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    config: WithConfig,
    /// The agent's id or its host's name.
    agent: String,
}

/// Runs `revoke`. Open streams end within seconds.
pub(super) fn revoke(args: &RevokeArgs, out: &mut String) -> anyhow::Result<()> {
    let store = Store::open(&args.config.load()?.store())?;
    let agents = store.agents()?;
    let found: Vec<&AgentId> = agents
        .iter()
        .filter(|it| it.agent.0 == args.agent || it.host.hostname == args.agent)
        .map(|it| &it.agent)
        .collect();
    let [agent] = found[..] else {
        bail!(
            "{} agents are called `{}`: wanted the id of one (`overview` lists hosts)",
            found.len(),
            args.agent
        );
    };
    let now = clock::now();
    let changed = store.revoke(agent, now)?;
    store.audit(now, "command line", "revoke", &agent.0)?;
    let said = if changed { "is shut out" } else { "was shut out before" };
    writeln!(out, "agent {} {said}", agent.0)?;
    Ok(())
}
