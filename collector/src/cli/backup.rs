//! `backup` and `restore`: a consistent copy of everything the collector keeps, while it runs.

use std::{fmt::Write, fs, path::PathBuf};

use anyhow::{Context, bail};

use super::WithConfig;
use crate::store::Store;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
    /// Folder to make; it must not exist or be empty.
    to: PathBuf,
}

/// Runs `backup`: the store and the certificate authority. The copy holds private keys.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<()> {
    let config = args.config.load()?;
    if args.to.exists() && fs::read_dir(&args.to)?.next().is_some() {
        bail!("{} is not empty: wanted a new or an empty folder", args.to.display());
    }
    fs::create_dir_all(&args.to)?;
    Store::open(&config.store())?.backup(&args.to.join("store"))?;
    copy(&config.identity(), &args.to.join("identity"))?;
    writeln!(
        out,
        "copied to {}; it holds private keys, keep it as safe as the original",
        args.to.display()
    )?;
    Ok(())
}

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    config: WithConfig,
    /// A folder that `backup` made.
    from: PathBuf,
}

/// Runs `restore` into the configuration's folder, which must hold no store.
pub(super) fn restore(args: &RestoreArgs, out: &mut String) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let identity = config.identity();
    if identity.exists() {
        bail!(
            "{} exists: restore into a folder without a collector, or move this one away",
            identity.display()
        );
    }
    let store = Store::restore(&args.from.join("store"), &config.store())?;
    copy(&args.from.join("identity"), &identity)?;
    writeln!(out, "restored {} agents into {}", store.agents()?.len(), config.folder.display())?;
    Ok(())
}

/// Copies a flat folder of small files; modes come along.
fn copy(from: &std::path::Path, to: &std::path::Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in entries {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))
            .with_context(|| format!("cannot copy {}", entry.path().display()))?;
    }
    Ok(())
}
