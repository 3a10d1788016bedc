//! `enrol`: gets this host its certificate, once.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{Console, EXIT_OK, Usage, load_config, runtime};
use crate::{
    host::{Allowed, Live},
    identity, inspect, sources,
};

/// Arguments of `enrol`.
#[derive(Debug, Args)]
#[command(
    after_help = "The collector makes a token with `xunjian-collector enrol-token`. It can be used once, and only \
for a short time. With it the agent also knows the collector it must find."
)]
pub(super) struct Enrol {
    /// Address of the collector, HOST:PORT; by default `collector.address` of the configuration
    #[arg(long, value_name = "ADDR")]
    collector: Option<String>,
    /// The token
    #[arg(long, value_name = "TOKEN")]
    token: String,
    /// Configuration file; by default /etc/xunjian/agent.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Enrol {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = load_config(self.config.as_deref())?;
        let Some(collector) = self.collector.or(config.collector) else {
            let text = "which collector? give --collector HOST:PORT, or set collector.address";
            return Err(Usage(text.to_owned()).into());
        };
        let facts = inspect::facts(&Live::new(Allowed::of(sources::ALL)));
        let enrolled = identity::enrol(&config.folder, &collector, &self.token, &facts);
        let identity = runtime()?
            .block_on(enrolled)
            .with_context(|| format!("cannot enrol at {collector}"))?;
        let credentials = identity.credentials();
        writeln!(console.out, "enrolled at {} as {}", credentials.collector, credentials.agent_id)?;
        Ok(EXIT_OK)
    }
}
