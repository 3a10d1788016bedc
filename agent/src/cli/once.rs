//! `once`: one inspection, shown.

use std::io;

use clap::Args;
use xunjian_proto::{Outcome, Readings};

use super::{Console, EXIT_NOTHING, EXIT_OK, Format, Lang, Target, text};
use crate::{Progress, inspect};

/// Arguments of `once`.
#[derive(Debug, Args)]
pub(super) struct Once {
    #[command(flatten)]
    target: Target,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Language of the table; by default as LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Show every reading of every component, not only the first ones
    #[arg(long)]
    all: bool,
}

impl Once {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = self.target.config()?;
        let only = self.target.only()?;
        let host = self.target.host(&config)?;
        let live = host.is_live();
        let (err, watched) = (&mut *console.err, console.progress);
        let mut progress = |it: Progress<'_>| show_progress(err, watched, &it);
        let readings = inspect(host, &config, self.target.time(), only, &mut progress);
        let root = !live || rustix::process::geteuid().is_root();
        let view = text::View { lang: self.lang.unwrap_or(console.lang), all: self.all, root };
        show(console, &readings, self.format, &view)?;
        Ok(exit_code(&readings))
    }
}

/// Writes readings in the form that was asked for.
pub(super) fn show(
    console: &mut Console<'_>,
    readings: &Readings,
    format: Format,
    view: &text::View,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *console.out, readings).map_err(io::Error::from)?;
            writeln!(console.out)?;
        }
        Format::Text => write!(console.out, "{}", view.readings(readings))?,
    }
    Ok(())
}

/// 0 if any source could be read.
pub(super) fn exit_code(readings: &Readings) -> u8 {
    let any = readings.runs.iter().any(|it| it.outcome == Outcome::Collected);
    if any { EXIT_OK } else { EXIT_NOTHING }
}

/// One line that is written over, for somebody who watches.
pub(super) fn show_progress(err: &mut dyn io::Write, watched: bool, progress: &Progress<'_>) {
    if !watched {
        return;
    }
    let _ = match progress {
        Progress::Begins { source, index, total } => {
            write!(err, "\r\x1b[K[{}/{total}] {source} …", index + 1)
        }
        Progress::Ended { .. } => write!(err, "\r\x1b[K"),
    };
    let _ = err.flush();
}
