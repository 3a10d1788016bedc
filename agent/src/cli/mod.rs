//! The command line, one file per command. A command writes to the [`Console`] it is given and returns the exit code.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    config::{CONFIG_PATH, Config, ConfigError},
    host::{Allowed, HELPER_COMMAND, Host, Live, PROBE_COMMAND, Recorded, help, probe_mount},
    runner::chain,
    sources,
    targets::Targets,
};

mod run;

mod enrol;

mod once;

mod read;

mod record;

mod bundle;

mod list;

mod drives;

mod check;

mod text;

mod lang;

pub use lang::Lang;

/// Something was read, or done as asked.
pub const EXIT_OK: u8 = 0;

/// Nothing could be read, or the task failed.
pub const EXIT_NOTHING: u8 = 1;

/// The command line or the configuration has mistakes.
pub const EXIT_USAGE: u8 = 2;

/// Where a command writes.
pub struct Console<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Errors and progress.
    pub err: &'a mut dyn Write,
    /// Whether somebody watches `err` as it is written.
    pub progress: bool,
    /// The language of texts for people where the command line does not say it.
    pub lang: Lang,
}

/// Reads the health of this host without changing anything on it, and hands it to a collector.
#[derive(Debug, Parser)]
#[command(
    name = "xunjian-agent",
    version,
    after_help = "Exit status: 0 something was read, or done as asked; 1 nothing could be read, or the task failed; \
                  2 mistakes in the command line or the configuration."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Inspect again and again, each source in its own period, and send to the collector
    Run(run::Run),
    /// Get this host its certificate from a collector
    Enrol(enrol::Enrol),
    /// Inspect this host (or a recording) once and show what was found; needs no collector
    Once(once::Once),
    /// Turn saved outputs of tools into readings: `read smart disk1.json disk2.json`
    Read(read::Read),
    /// Inspect this host once and keep every answer in a folder, which `--host-dir` takes instead of a host
    Record(record::Record),
    /// Inspect this host once into a signed file, for sites from which nothing can be sent
    Bundle(bundle::Bundle),
    /// Say what the agent reads, how often, with which programs, and why that harms nobody
    List(list::List),
    /// Say how models of drives are decoded, and by which version of the table
    Drives(drives::Drives),
    /// Check the configuration and tell all mistakes at once
    Check(check::Check),
    /// Answer one question of the agent about what only root may ask, on standard input and output
    #[command(name = HELPER_COMMAND, hide = true)]
    Helper,
    #[command(name = PROBE_COMMAND, hide = true)]
    ProbeMount {
        /// The mount point.
        path: String,
    },
}

/// Which host, and how it is configured.
#[derive(Debug, Args)]
struct Target {
    /// Look at a recording (made by `record`) instead of this host
    #[arg(long, value_name = "DIR")]
    host_dir: Option<PathBuf>,
    /// Configuration file; by default /etc/xunjian/agent.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only these sources, separated by commas: `--only smart,md`
    #[arg(long, value_delimiter = ',', value_name = "SOURCES")]
    only: Option<Vec<String>>,
}

/// Form of readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// Readings for `xunjian-collector judge`
    Json,
}

/// Runs the command line and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>, console: &mut Console<'_>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render();
            let asked = !error.use_stderr();
            let stream = if asked { &mut console.out } else { &mut console.err };
            let _ = write!(stream, "{text}");
            return if asked { EXIT_OK } else { EXIT_USAGE };
        }
    };
    let done = match cli.command {
        Command::Run(it) => it.run(console),
        Command::Enrol(it) => it.run(console),
        Command::Once(it) => it.run(console),
        Command::Read(it) => it.run(console),
        Command::Record(it) => it.run(console),
        Command::Bundle(it) => it.run(console),
        Command::List(it) => it.run(console),
        Command::Drives(it) => it.run(console),
        Command::Check(it) => it.run(console),
        Command::Helper => help(io::stdin(), &mut *console.out, &Allowed::of(sources::ALL))
            .map(|()| EXIT_OK)
            .map_err(Into::into),
        Command::ProbeMount { path } => {
            writeln!(console.out, "{}", probe_mount(&path)).map(|()| EXIT_OK).map_err(Into::into)
        }
    };
    done.unwrap_or_else(|error| failed(&error, console))
}

/// Logs to standard error: warnings and errors, or what `XUNJIAN_LOG` says (`info`, `warn,xunjian_agent::upload=error`).
/// One-shot commands are silent otherwise.
pub fn log_to_stderr() {
    use tracing_subscriber::{
        filter::{LevelFilter, Targets},
        layer::SubscriberExt as _,
        util::SubscriberInitExt as _,
    };
    let wanted = std::env::var("XUNJIAN_LOG").ok().and_then(|it| it.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let colours = io::IsTerminal::is_terminal(&io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(io::stderr);
    // Fails only if there is a subscriber already, which then does.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}

fn failed(error: &anyhow::Error, console: &mut Console<'_>) -> u8 {
    let broken_pipe = |it: &io::Error| it.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref::<io::Error>().is_some_and(broken_pipe) {
        return EXIT_OK;
    }
    let _ = writeln!(console.err, "xunjian-agent: {}", chain(error.as_ref()));
    let usage = error.downcast_ref::<Usage>().is_some();
    if usage || error.downcast_ref::<ConfigError>().is_some() { EXIT_USAGE } else { EXIT_NOTHING }
}

/// A mistake in the command line that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

impl Target {
    /// The host to look at.
    fn host(&self, config: &Config) -> anyhow::Result<Arc<dyn Host>> {
        host(self.host_dir.as_deref(), config)
    }

    /// When the readings are taken: a recording's own time, if it says so, else now.
    fn time(&self) -> xunjian_proto::Time {
        let recorded = self.host_dir.as_ref().and_then(|dir| Recorded::open(dir).meta().ok());
        recorded.map_or_else(crate::clock::now, |meta| meta.recorded_at)
    }

    fn config(&self) -> Result<Config, ConfigError> {
        load_config(self.config.as_deref())
    }

    /// The chosen sources. A name that no source has is a mistake.
    fn only(&self) -> anyhow::Result<Option<&[String]>> {
        for name in self.only.iter().flatten() {
            source_named(name)?;
        }
        Ok(self.only.as_deref())
    }
}

/// This host, or a recording.
fn host(recording: Option<&Path>, config: &Config) -> anyhow::Result<Arc<dyn Host>> {
    let Some(dir) = recording else {
        let live = Live::new(Allowed::of(sources::ALL));
        return Ok(Arc::new(live.with_targets(Targets::of(config))));
    };
    let recorded = Recorded::open(dir);
    if !recorded.is_recording() {
        let text = format!(
            "{} is not a recording: want folders `root`, `cmd` or `targets`",
            dir.display()
        );
        return Err(Usage(text).into());
    }
    Ok(Arc::new(recorded))
}

/// The configuration of the file, or of the usual place, or the default.
fn load_config(path: Option<&Path>) -> Result<Config, ConfigError> {
    match path {
        Some(path) => Config::load(path, sources::ALL),
        None if Path::new(CONFIG_PATH).exists() => {
            Config::load(Path::new(CONFIG_PATH), sources::ALL)
        }
        None => Ok(Config::default()),
    }
}

/// One thread is enough for one connection.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn source_named(name: &str) -> anyhow::Result<&'static crate::source::Source> {
    sources::ALL.iter().find(|it| it.name == name).with_context(|| {
        let names: Vec<_> = sources::ALL.iter().map(|it| it.name).collect();
        let hint = xunjian_proto::nearest(name, names.iter().copied());
        let hint = hint.map(|it| format!("did you mean `{it}`? ")).unwrap_or_default();
        Usage(format!("no source `{name}`: {hint}there are {}", names.join(", ")))
    })
}
