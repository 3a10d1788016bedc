//! `check`: the configuration, all mistakes at once.

use std::path::PathBuf;

use clap::Args;

use super::{Console, EXIT_OK, load_config};
use crate::{
    config::{CONFIG_PATH, duration_text},
    sources,
};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Configuration file; by default /etc/xunjian/agent.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = load_config(self.config.as_deref())?;
        let place = self.config.unwrap_or_else(|| CONFIG_PATH.into());
        let what = if place.exists() { "is good" } else { "is not there; the defaults are" };
        writeln!(console.out, "{} {what}:", place.display())?;
        let collector =
            config.collector.as_deref().unwrap_or("none (enrol, or set `collector.address`)");
        writeln!(console.out, "  collector  {collector}")?;
        writeln!(console.out, "  folder     {}", config.folder.display())?;
        for source in sources::ALL {
            let section = config.source(source);
            let every = match section.enabled {
                true => format!("every {}", duration_text(section.every)),
                false => "off".to_owned(),
            };
            writeln!(console.out, "  {:9}  {every}", source.name)?;
        }
        Ok(EXIT_OK)
    }
}
