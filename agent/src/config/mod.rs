//! `agent.toml`: every key has a working default, unknown keys are mistakes, and all mistakes are told at once.
//!
//! `deploy/agent.example.toml` shows every key with its default; a test compares the two.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use thiserror::Error;
use toml::{Table, Value};

use crate::source::Source;

mod reader;

mod units;

pub use reader::Mistake;
use reader::Section;
pub use units::{bytes_text, duration_text, parse_bytes, parse_duration};

/// Where the configuration is looked for if nobody says where.
pub const CONFIG_PATH: &str = "/etc/xunjian/agent.toml";

/// Largest configuration file.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// Shortest period of a source: below it the agent would be felt.
const EVERY_MIN: Duration = Duration::from_secs(5);

/// Longest period of a source: a quarter's inspection must see everything often enough to trust it.
const EVERY_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Longest deadline of a source.
const DEADLINE_MAX: Duration = Duration::from_secs(3600);

/// Longest time that a run waits for others to go with it: a batch of many runs packs far better than each alone. Readings
/// that come later than the collector takes for fresh would be no use, so it is the default too.
const GATHER_LONGEST: Duration = Duration::from_secs(60);

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the collector listens: `HOST:PORT`; none until the agent is enrolled or told.
    pub collector: Option<String>,
    /// Where the agent keeps its identity, spool and cursors.
    pub folder: PathBuf,
    /// How long a run waits for others to go with it. News never waits so long.
    pub gather: Duration,
    /// What is kept for the collector while it is away.
    pub spool: SpoolLimits,
    /// When a run that starts programs waits because the host is busy.
    pub load: LoadLimits,
    /// Sections of sources that are not all default, by name.
    pub sources: BTreeMap<String, SourceConfig>,
}

/// Bounds of the spool; beyond them the oldest detail goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolLimits {
    /// Bytes on disk.
    pub bytes_max: u64,
    /// Age of the oldest batch.
    pub age_max: Duration,
}

/// When the host counts as busy. Any of the three is enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadLimits {
    /// Whether runs wait at all.
    pub defer: bool,
    /// Percent of the last minute in which some task waited for a processor (PSI `cpu some avg60`).
    pub cpu_pressure_max: f64,
    /// Percent of the last minute in which some task waited for I/O (PSI `io some avg60`).
    pub io_pressure_max: f64,
    /// Load average over one minute per processor; asked where the kernel has no PSI (before 4.20).
    pub load_per_cpu_max: f64,
    /// How often in a row a run may wait before it is made all the same.
    pub deferrals_max: u32,
}

/// One source's section.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceConfig {
    /// Whether it runs.
    pub enabled: bool,
    /// How often.
    pub every: Duration,
    /// How long one run may take.
    pub deadline: Duration,
    /// The source's own keys.
    pub options: Table,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            collector: None,
            folder: PathBuf::from("/var/lib/xunjian-agent"),
            gather: GATHER_LONGEST,
            spool: SpoolLimits {
                bytes_max: 256 * 1024 * 1024,
                age_max: Duration::from_secs(14 * 24 * 3600),
            },
            load: LoadLimits {
                defer: true,
                cpu_pressure_max: 60.0,
                io_pressure_max: 40.0,
                load_per_cpu_max: 2.0,
                deferrals_max: 5,
            },
            sources: BTreeMap::new(),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has mistakes.
    #[error("{} has {} mistake(s):\n{}", path.display(), mistakes.len(), lines(mistakes))]
    Mistakes {
        /// Which file.
        path: PathBuf,
        /// All of them.
        mistakes: Vec<Mistake>,
    },
}

impl Config {
    /// Reads a file.
    pub fn load(path: &Path, sources: &[Source]) -> Result<Config, ConfigError> {
        let wrap = |source| ConfigError::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(wrap)?.len() > CONFIG_BYTES_MAX {
            let text = format!("larger than {CONFIG_BYTES_MAX} bytes");
            return Err(wrap(io::Error::new(io::ErrorKind::FileTooLarge, text)));
        }
        let text = fs::read_to_string(path).map_err(wrap)?;
        Config::parse(&text, sources)
            .map_err(|mistakes| ConfigError::Mistakes { path: path.to_owned(), mistakes })
    }

    /// Reads the text of a configuration for these sources; all mistakes at once.
    pub fn parse(text: &str, sources: &[Source]) -> Result<Config, Vec<Mistake>> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let problem = error.to_string().trim_end().to_owned();
            vec![Mistake { key: String::new(), value: String::new(), problem }]
        })?;
        let mut mistakes = Vec::new();
        let default = Config::default();
        let mut root = Section::root(&table);
        let folder = root.take("folder", default.folder, &mut mistakes, absolute_path);
        let mut section = root.section("collector", &mut mistakes);
        let collector = section.take("address", None, &mut mistakes, address);
        section.finish(&mut mistakes);
        let mut section = root.section("spool", &mut mistakes);
        let gather = section.take("gather", default.gather, &mut mistakes, gather);
        let spool = spool(section, default.spool, &mut mistakes);
        let load = load(root.section("load", &mut mistakes), default.load, &mut mistakes);
        let mut section = root.section("sources", &mut mistakes);
        let mut chosen = BTreeMap::new();
        for it in sources {
            let one = source(section.section(it.name, &mut mistakes), it, &mut mistakes);
            if one != SourceConfig::of(it) {
                chosen.insert(it.name.to_owned(), one);
            }
        }
        section.finish(&mut mistakes);
        root.finish(&mut mistakes);
        let config = Config { collector, folder, gather, spool, load, sources: chosen };
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    /// The section of a source, default or not.
    pub fn source(&self, source: &Source) -> SourceConfig {
        self.sources.get(source.name).cloned().unwrap_or_else(|| SourceConfig::of(source))
    }
}

impl SourceConfig {
    /// The default section of a source.
    pub fn of(source: &Source) -> SourceConfig {
        SourceConfig {
            enabled: true,
            every: source.every,
            deadline: source.deadline,
            options: Table::new(),
        }
    }
}

fn spool(
    mut section: Section<'_>,
    default: SpoolLimits,
    mistakes: &mut Vec<Mistake>,
) -> SpoolLimits {
    let bytes_max = section.take("bytes_max", default.bytes_max, mistakes, |value| {
        match parse_bytes(text(value)?)? {
            bytes if bytes >= 1024 * 1024 => Ok(bytes),
            _ => Err("want at least \"1MiB\"".to_owned()),
        }
    });
    let age_max = section.take("age_max", default.age_max, mistakes, |value| {
        between(parse_duration(text(value)?)?, Duration::from_secs(3600), Duration::MAX)
    });
    section.finish(mistakes);
    SpoolLimits { bytes_max, age_max }
}

fn load(mut section: Section<'_>, default: LoadLimits, mistakes: &mut Vec<Mistake>) -> LoadLimits {
    let percent = |value: &Value| number(value, 0.0, 100.0);
    let limits = LoadLimits {
        defer: section.take("defer", default.defer, mistakes, truth),
        cpu_pressure_max: section.take(
            "cpu_pressure_max",
            default.cpu_pressure_max,
            mistakes,
            percent,
        ),
        io_pressure_max: section.take(
            "io_pressure_max",
            default.io_pressure_max,
            mistakes,
            percent,
        ),
        load_per_cpu_max: section.take(
            "load_per_cpu_max",
            default.load_per_cpu_max,
            mistakes,
            |it| number(it, 0.0, 1000.0),
        ),
        deferrals_max: section.take("deferrals_max", default.deferrals_max, mistakes, |value| {
            let count = value.as_integer().and_then(|it| u32::try_from(it).ok());
            count
                .filter(|it| *it <= 100)
                .ok_or_else(|| "want a whole number from 0 to 100".to_owned())
        }),
    };
    section.finish(mistakes);
    limits
}

fn source(mut section: Section<'_>, source: &Source, mistakes: &mut Vec<Mistake>) -> SourceConfig {
    let default = SourceConfig::of(source);
    let enabled = section.take("enabled", default.enabled, mistakes, truth);
    let every = section.take("every", default.every, mistakes, |value| {
        between(parse_duration(text(value)?)?, EVERY_MIN, EVERY_MAX)
    });
    let deadline = section.take("deadline", default.deadline, mistakes, |value| {
        between(parse_duration(text(value)?)?, Duration::from_millis(100), DEADLINE_MAX)
    });
    let options = section.rest();
    if let Err(problem) = (source.check)(&options) {
        let name = section.full("").trim_end_matches('.').to_owned();
        let mut problems: Vec<String> =
            problem.split(";\n").map(|it| it.trim_end().to_owned()).collect();
        let known = ["enabled", "every", "deadline"];
        for key in options.keys() {
            let Some(it) = xunjian_proto::nearest(key, known.iter().copied()) else { continue };
            let said = problems.iter_mut().find(|it| it.contains(&format!("`{key}`")));
            match said {
                Some(problem) => problem.push_str(&format!("; did you mean `{it}`?")),
                None => problems.push(format!("instead of `{key}`, did you mean `{it}`?")),
            }
        }
        // Each target's mistakes on a line of their own.
        mistakes.extend(problems.into_iter().map(|problem| Mistake {
            key: name.clone(),
            value: String::new(),
            problem,
        }));
    }
    SourceConfig { enabled, every, deadline, options }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "want text in quotes".to_owned())
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "want true or false".to_owned())
}

fn number(value: &Value, min: f64, max: f64) -> Result<f64, String> {
    #[allow(clippy::cast_precision_loss, reason = "only small numbers pass the bounds below")]
    let number = value.as_float().or_else(|| value.as_integer().map(|it| it as f64));
    number
        .filter(|it| (min..=max).contains(it))
        .ok_or_else(|| format!("want a number from {min} to {max}"))
}

fn between(duration: Duration, min: Duration, max: Duration) -> Result<Duration, String> {
    if duration < min {
        return Err(format!("want at least \"{}\"", duration_text(min)));
    }
    if duration > max {
        return Err(format!("want at most \"{}\"", duration_text(max)));
    }
    Ok(duration)
}

fn gather(value: &Value) -> Result<Duration, String> {
    between(parse_duration(text(value)?)?, Duration::from_secs(1), GATHER_LONGEST)
}

/// An empty address is none, so that the example can show the key.
fn address(value: &Value) -> Result<Option<String>, String> {
    let address = text(value)?;
    if address.is_empty() {
        return Ok(None);
    }
    let authority = address.strip_prefix("https://").unwrap_or(address).trim_end_matches('/');
    let port = authority.rsplit_once(':').and_then(|(host, port)| {
        let plain = !host.is_empty() && !host.contains(['/', ' ', '@']);
        port.parse::<u16>().ok().filter(|it| plain && *it > 0)
    });
    match port {
        Some(_) => Ok(Some(authority.to_owned())),
        None => Err("want \"HOST:PORT\"".to_owned()),
    }
}

fn absolute_path(value: &Value) -> Result<PathBuf, String> {
    let path = PathBuf::from(text(value)?);
    if path.is_absolute() { Ok(path) } else { Err("want an absolute path".to_owned()) }
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|it| format!("  {it}")).collect::<Vec<_>>().join("\n")
}
