//! `record`: one inspection, with every answer of the host kept in a folder.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use clap::Args;

use super::{Console, Target, once};
use crate::{
    host::{Meta, Recorded, Recorder},
    inspect,
};

/// Arguments of `record`.
#[derive(Debug, Args)]
#[command(
    after_help = "A recording holds what the sources read: host, kernel and service names, serial numbers, mount \
points, the kernel's log, and the outputs of the programs that `list` names. No passwords, no keys, nobody's files. It \
is plain text: look before you send it."
)]
pub(super) struct Record {
    /// A new or empty folder
    dir: PathBuf,
    #[command(flatten)]
    target: Target,
}

impl Record {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = self.target.config()?;
        let only = self.target.only()?;
        let host = self.target.host(&config)?;
        let began = self.target.time();
        let into = || format!("cannot record into {}", self.dir.display());
        let recorder = Arc::new(Recorder::create(host, &self.dir).with_context(into)?);
        let (err, watched) = (&mut *console.err, console.progress);
        let mut progress = |it: crate::Progress<'_>| once::show_progress(err, watched, &it);
        let readings = inspect(recorder.clone(), &config, began, only, &mut progress);
        // A recording of a recording stays the first host's recording.
        let source = self.target.host_dir.as_ref().and_then(|dir| Recorded::open(dir).meta().ok());
        let meta =
            source.unwrap_or_else(|| Meta { recorded_at: began, host: readings.host.clone() });
        recorder.finish(&meta).with_context(into)?;
        writeln!(console.out, "{}", self.dir.display())?;
        Ok(once::exit_code(&readings))
    }
}
