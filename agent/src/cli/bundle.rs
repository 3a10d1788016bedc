//! `bundle`: one inspection in a signed file, for sites from which nothing can be sent.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{Console, Target, once};
use crate::{Progress, bundle, identity::Identity, inspect};

/// Arguments of `bundle`.
#[derive(Debug, Args)]
#[command(
    after_help = "The file is carried to the collector and taken in with `xunjian-collector import`. It is signed \
if this host is enrolled."
)]
pub(super) struct Bundle {
    /// The file to write
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

impl Bundle {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = self.target.config()?;
        let only = self.target.only()?;
        let host = self.target.host(&config)?;
        let now = self.target.time();
        let (err, watched) = (&mut *console.err, console.progress);
        let mut progress = |it: Progress<'_>| once::show_progress(err, watched, &it);
        let readings = inspect(host, &config, now, only, &mut progress);
        // A recording is somebody else's host: this host's name does not go under it.
        let identity = match self.target.host_dir {
            Some(_) => None,
            None => Identity::load(&config.folder)?,
        };
        let credentials = identity.map(|it| it.credentials());
        bundle::write(&self.file, &readings.host, &readings.runs, credentials.as_deref(), now)
            .with_context(|| format!("cannot write {}", self.file.display()))?;
        let signed = if credentials.is_some() { "signed" } else { "not signed: not enrolled" };
        writeln!(console.out, "{} ({} runs, {signed})", self.file.display(), readings.runs.len())?;
        Ok(once::exit_code(&readings))
    }
}
