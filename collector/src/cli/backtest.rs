//! `backtest`: how well the rules foretell failures, on histories of drives. Reads files or a store, writes nothing.

use std::{fmt::Write, path::PathBuf, sync::Arc};

use anyhow::{Context, bail};

use super::{Format, LangArg};
use crate::{
    backtest::{self, csv, history::Histories, stored},
    rulebook,
    store::Store,
};

/// Arguments of `backtest`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Backblaze Drive Stats: CSV files (plain, .gz, .zst) and folders of them.
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    drive_stats: Vec<PathBuf>,
    /// The folder of a collector's store, with --failed.
    #[arg(long, value_name = "DIR", requires = "failed")]
    store: Option<PathBuf>,
    /// Which of the store's drives failed and when: a line `SERIAL,YYYY-MM-DD` each.
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,
    /// First day whose alarms count (YYYY-MM-DD); days before it are history only.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Folder of rule files instead of the built-in library.
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
    let rules = Arc::new(rulebook::load(args.rules.as_deref())?);
    let from = match &args.from {
        None => None,
        Some(text) => {
            let day = csv::date(text.as_bytes());
            Some(day.with_context(|| format!("`{text}` is no day: wanted YYYY-MM-DD"))?)
        }
    };
    let mut histories = Histories::default();
    csv::read(&args.drive_stats, &mut histories)?;
    if let (Some(store), Some(failed)) = (&args.store, &args.failed) {
        let text = std::fs::read_to_string(failed)
            .with_context(|| format!("cannot read {}", failed.display()))?;
        let (failed, strange) = stored::failures(&text);
        if let Some(line) = strange.first() {
            bail!("`{line}` does not say which drive failed: wanted SERIAL,YYYY-MM-DD");
        }
        stored::read(&Store::open(store)?, &failed, &mut histories)?;
    }
    histories.finish();
    if histories.drives.is_empty() {
        bail!("there is no history of any drive: give --drive-stats or --store");
    }
    let outcome = backtest::run(&histories, &rules, from);
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&outcome)?)?,
        Format::Text => out.push_str(&backtest::text(&outcome, args.lang.into())),
    }
    Ok(())
}
