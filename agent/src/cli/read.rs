//! `read`: readings from saved outputs of tools, for example a smartctl JSON that a customer mailed.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use xunjian_proto::{HostFacts, Time};

use super::{Console, Format, Lang, Target, Usage, once, source_named, text};
use crate::{Progress, clock, config::Config, inspect, saved::File, sources};

/// Largest saved output: a whole walk of a large switch has some tens of megabytes.
const SAVED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Arguments of `read`.
#[derive(Debug, Args)]
#[command(after_help = what_can_be_read())]
pub(super) struct Read {
    /// Which source reads the files
    source: String,
    /// The saved outputs
    files: Vec<PathBuf>,
    /// Read the source from a recording instead
    #[arg(long, value_name = "DIR")]
    host_dir: Option<PathBuf>,
    /// Name of the host that the files are from
    #[arg(long, default_value = "")]
    host: String,
    /// When the files were made, seconds since 1970; by default what a file says of itself, else its change time
    #[arg(long, value_name = "UNIX")]
    at: Option<i64>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    /// Language of the table; by default as LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum)]
    lang: Option<Lang>,
}

impl Read {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let source = source_named(&self.source)?;
        let only = [source.name.to_owned()];
        let config = Config::default();
        let mut quiet = |_: Progress<'_>| {};
        let mut readings = match &self.host_dir {
            Some(dir) => {
                if !self.files.is_empty() {
                    return Err(Usage("give files or --host-dir, not both".to_owned()).into());
                }
                let target = Target { host_dir: Some(dir.clone()), config: None, only: None };
                let at = self.at.map_or_else(|| target.time(), Time::from_secs);
                inspect(target.host(&config)?, &config, at, Some(&only), &mut quiet)
            }
            None => {
                let files = self.contents()?;
                let made = self.at.map_or_else(|| self.changed(), Time::from_secs);
                let given = source.saved.host(&files, made);
                let given = given.map_err(|it| Usage(format!("{}: {it}", source.name)))?;
                let at = self.at.map(Time::from_secs).or(given.at).unwrap_or(made);
                inspect(Arc::new(given.host), &config, at, Some(&only), &mut quiet)
            }
        };
        if !self.host.is_empty() {
            readings.host = HostFacts { hostname: self.host.clone(), ..readings.host };
        }
        let view = text::View { lang: self.lang.unwrap_or(console.lang), all: true, root: true };
        once::show(console, &readings, self.format, &view)?;
        Ok(once::exit_code(&readings))
    }

    fn contents(&self) -> anyhow::Result<Vec<File>> {
        if self.files.is_empty() {
            return Err(Usage("which files? name them, or use --host-dir".to_owned()).into());
        }
        let mut files = Vec::new();
        for path in &self.files {
            let cannot = || format!("cannot read {}", path.display());
            let meta = fs::metadata(path).with_context(cannot)?;
            if !meta.is_file() || meta.len() > SAVED_BYTES_MAX {
                let text =
                    format!("{}: want a file of at most {SAVED_BYTES_MAX} bytes", path.display());
                return Err(Usage(text).into());
            }
            let bytes = fs::read(path).with_context(cannot)?;
            let content = String::from_utf8_lossy(&bytes).into_owned();
            files.push(File { name: path.display().to_string(), content });
        }
        Ok(files)
    }

    /// When the newest of the files was changed.
    fn changed(&self) -> Time {
        let times = self.files.iter().filter_map(|it| fs::metadata(it).ok()?.modified().ok());
        let since = times.filter_map(|it| it.duration_since(std::time::UNIX_EPOCH).ok()).max();
        let millis = since.and_then(|it| i64::try_from(it.as_millis()).ok());
        millis.map_or_else(clock::now, Time::from_millis)
    }
}

/// The forms of all sources, for the help.
fn what_can_be_read() -> String {
    let mut text = "What can be read:\n".to_owned();
    for source in sources::ALL {
        for what in source.saved.what() {
            text.push_str(&format!("  {:12} {what}\n", source.name));
        }
    }
    text + "  others       a recording's folder with --host-dir"
}
