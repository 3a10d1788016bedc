//! The command line: one file per command, one line per command in [`Command`].
//!
//! Exit codes that scripts can use: 0 done; 1 it could not be done; 2 mistakes in the call, the configuration, contracts
//! or rules; `judge --exit-level` gives 10 + the gravest level (11 to 14).

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;
use xunjian_rules::Lang;

use crate::config::{Config, ConfigError};

mod agreed;
mod backtest;
mod backup;
mod check;
mod enrol_token;
mod import;
mod judge;
mod overview;
mod render;
mod replay;
mod report;
mod rules;
mod score;
mod serve;
mod serve_web;
mod wait_ready;
mod why;

/// Takes in what the agents read, judges it, opens tickets and drafts the inspection report.
#[derive(Debug, Parser)]
#[command(name = "xunjian-collector", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure how well the rules foretell failures, on histories of drives
    Backtest(backtest::Args),
    /// Copy everything the collector keeps, while it runs
    Backup(backup::Args),
    /// Tell all mistakes of the configuration, the contracts and the rules at once
    Check(check::Args),
    /// Print a token that lets one agent enrol, once
    EnrolToken(enrol_token::Args),
    /// Take in a signed bundle that was carried here
    Import(import::Args),
    /// Decide fault levels from recordings, bundles or readings; no store, no network
    Judge(judge::Args),
    /// Declare maintenance windows in which nobody is paged, and list what remains
    Maintenance(agreed::MaintenanceArgs),
    /// Show what was inspected, the open cases and the tickets
    Overview(overview::Args),
    /// Run a stored or recorded period again through judging, with its own clock
    Replay(replay::Args),
    /// Draft the inspection report as PDF and HTML
    Report(report::Args),
    /// Put a backup back
    Restore(backup::RestoreArgs),
    /// Shut an agent out
    Revoke(enrol_token::RevokeArgs),
    /// Note faults that the customer accepts, with signer, reason and last day
    Risk(agreed::RiskArgs),
    /// List and explain the rules, check rule files and run their examples
    Rules(rules::Args),
    /// Take in, judge, open tickets, serve the pages
    Serve(serve::Args),
    /// Wait until a collector answers
    WaitReady(wait_ready::Args),
}

/// The configuration, for every command that uses the store.
#[derive(Debug, clap::Args)]
struct WithConfig {
    /// The collector's configuration (TOML); the defaults without one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl WithConfig {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref())
    }
}

/// Language of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LangArg {
    /// 中文
    #[default]
    Zh,
    /// English
    En,
}

impl From<LangArg> for Lang {
    fn from(arg: LangArg) -> Lang {
        match arg {
            LangArg::Zh => Lang::Zh,
            LangArg::En => Lang::En,
        }
    }
}

/// Form of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("XUNJIAN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
    let mut out = String::new();
    let done = dispatch(&cli.command, &mut out);
    // A reader that went away (`| head`) is no error of ours.
    let _ = std::io::stdout().write_all(out.as_bytes());
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "xunjian-collector: {error:#}");
            let mistake = error
                .chain()
                .any(|it| it.is::<ConfigError>() || it.is::<crate::rulebook::RulebookError>());
            ExitCode::from(if mistake { 2 } else { 1 })
        }
    }
}

fn dispatch(command: &Command, out: &mut String) -> anyhow::Result<u8> {
    match command {
        Command::Backtest(args) => backtest::run(args, out)?,
        Command::Backup(args) => backup::run(args, out)?,
        Command::Check(args) => return check::run(args, out),
        Command::EnrolToken(args) => enrol_token::run(args, out)?,
        Command::Import(args) => import::run(args, out)?,
        Command::Judge(args) => return judge::run(args, out),
        Command::Maintenance(args) => agreed::maintenance(args, out)?,
        Command::Overview(args) => overview::run(args, out)?,
        Command::Replay(args) => replay::run(args, out)?,
        Command::Report(args) => report::run(args, out)?,
        Command::Restore(args) => backup::restore(args, out)?,
        Command::Revoke(args) => enrol_token::revoke(args, out)?,
        Command::Risk(args) => agreed::risk(args, out)?,
        Command::Rules(args) => return rules::run(args, out),
        Command::Serve(args) => serve::run(args)?,
        Command::WaitReady(args) => wait_ready::run(args)?,
    }
    Ok(0)
}
