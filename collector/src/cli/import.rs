//! `import`: takes in a signed bundle that an engineer carried from an isolated site, as if its agent had sent it.

use std::{fmt::Write, path::PathBuf};

use super::WithConfig;
use crate::{clock, identity::Authority, ingest::bundle, store::Store};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: WithConfig,
    /// Bundles that `xunjian-agent bundle` wrote.
    #[arg(required = true, value_name = "FILE")]
    bundles: Vec<PathBuf>,
}

/// Runs it. The running collector judges what was taken in; without one it is judged at the next start.
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
    for path in &args.bundles {
        let loaded = bundle::load(path, now)?;
        let hostname = loaded.host.hostname.clone();
        let done = bundle::import(&store, &authority, loaded, now)?;
        store.audit(now, "command line", "import", &path.display().to_string())?;
        writeln!(
            out,
            "{}: {hostname}: {} batches with {} samples are new, {} were known",
            path.display(),
            done.stored,
            done.samples,
            done.duplicates
        )?;
    }
    Ok(())
}
