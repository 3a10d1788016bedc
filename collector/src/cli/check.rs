//! `check`: the mistakes of the configuration, all contracts and all rules, at once.

use std::fmt::Write;

use super::WithConfig;
use crate::{clock, contract::Contracts, rulebook};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
}

/// Runs it; 2 if there are mistakes.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<u8> {
    let config = match args.config.load() {
        Ok(config) => config,
        Err(error) => {
            writeln!(out, "{error}")?;
            return Ok(2);
        }
    };
    let mut code = 0;
    let contracts = Contracts::load(config.contracts.as_deref());
    let rules = rulebook::load(config.rules.as_deref());
    match &contracts {
        Ok(contracts) => writeln!(out, "contracts: {}, no mistakes", contracts.iter().count() - 1)?,
        Err(error) => {
            code = 2;
            writeln!(out, "{error}")?;
        }
    }
    match &rules {
        Ok(rules) => writeln!(out, "rules: {}, no mistakes", rules.rules.len())?,
        Err(error) => {
            code = 2;
            writeln!(out, "{error}")?;
        }
    }
    if let (Ok(contracts), Ok(rules)) = (&contracts, &rules) {
        for mistake in contracts.rule_mistakes(rules) {
            code = 2;
            writeln!(out, "{mistake}")?;
        }
        for over in contracts.expired(clock::now()) {
            writeln!(out, "note: {over}")?;
        }
    }
    Ok(code)
}
