//! `list`: what the agent reads and why that harms nobody, from the sources' own tables.

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Console, EXIT_OK, load_config};
use crate::{
    config::{Config, duration_text},
    host::PROGRAMS,
    own,
    source::{Metric, Source},
    sources,
};

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Form of the list
    #[arg(long, value_enum, default_value = "text")]
    format: ListFormat,
    /// Configuration file, for the periods; by default /etc/xunjian/agent.toml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Form of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people at a terminal
    Text,
    /// For programs
    Json,
    /// For documents
    Markdown,
}

impl List {
    pub(super) fn run(self, console: &mut Console<'_>) -> anyhow::Result<u8> {
        let config = load_config(self.config.as_deref())?;
        match self.format {
            ListFormat::Text => {
                for source in all() {
                    write!(console.out, "{}", text(source, &config)?)?;
                }
                writeln!(console.out, "Programs are started from these places only:")?;
                for program in PROGRAMS {
                    writeln!(console.out, "  {:10} {}", program.name, program.places.join(" "))?;
                }
            }
            ListFormat::Markdown => {
                for source in all() {
                    write!(console.out, "{}", markdown(source, &config)?)?;
                }
            }
            ListFormat::Json => {
                let all: Vec<_> = all().map(|it| json(it, &config)).collect();
                writeln!(console.out, "{}", serde_json::to_string_pretty(&all)?)?;
            }
        }
        Ok(EXIT_OK)
    }
}

/// The sources of the host's health, and the one that watches the agent itself.
fn all() -> impl Iterator<Item = &'static Source> {
    sources::ALL.iter().chain([&own::SOURCE])
}

/// The period as configured: `every 10m`, `off`.
fn when(source: &Source, config: &Config) -> String {
    let section = config.source(source);
    let (every, deadline) = (duration_text(section.every), duration_text(section.deadline));
    if section.enabled {
        format!("every {every}, at most {deadline} a run")
    } else {
        "off".to_owned()
    }
}

fn needs(source: &Source) -> String {
    let needs: Vec<_> = source.needs.iter().map(ToString::to_string).collect();
    if needs.is_empty() { "nothing".to_owned() } else { needs.join(", ") }
}

fn text(source: &Source, config: &Config) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{}: {}", source.name, source.about)?;
    writeln!(text, "  when      {}", when(source, config))?;
    writeln!(text, "  needs     {}", needs(source))?;
    if source.runs.is_empty() {
        writeln!(text, "  runs      no program")?;
    }
    for program in source.runs {
        writeln!(text, "  runs      {program}")?;
    }
    writeln!(text, "  harmless  {}", source.harmless)?;
    for (word, metrics) in kinds(source) {
        for metric in metrics {
            let unit =
                if metric.unit.is_empty() { String::new() } else { format!(" [{}]", metric.unit) };
            writeln!(text, "  {word:9} {}{unit}: {}", metric.name, metric.help)?;
        }
    }
    writeln!(text)?;
    Ok(text)
}

fn markdown(source: &Source, config: &Config) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "## {}\n\n{}\n", source.name, source.about)?;
    writeln!(text, "- When: {}", when(source, config))?;
    writeln!(text, "- Needs: {}", needs(source))?;
    let runs: Vec<_> = source.runs.iter().map(|it| format!("`{it}`")).collect();
    let runs = if runs.is_empty() { "no program".to_owned() } else { runs.join(", ") };
    writeln!(text, "- Runs: {runs}\n- Harmless: {}\n", source.harmless)?;
    writeln!(text, "| kind | name | unit | meaning |\n|---|---|---|---|")?;
    for (word, metrics) in kinds(source) {
        for metric in metrics {
            writeln!(text, "| {word} | `{}` | {} | {} |", metric.name, metric.unit, metric.help)?;
        }
    }
    writeln!(text)?;
    Ok(text)
}

fn json(source: &Source, config: &Config) -> serde_json::Value {
    let section = config.source(source);
    let metrics: Vec<_> = kinds(source)
        .into_iter()
        .flat_map(|(word, metrics)| {
            metrics.iter().map(move |it| {
                json!({ "kind": word, "name": it.name, "unit": it.unit, "counter": it.counter, "help": it.help })
            })
        })
        .collect();
    json!({
        "name": source.name,
        "about": source.about,
        "enabled": section.enabled,
        "every": duration_text(section.every),
        "deadline": duration_text(section.deadline),
        "needs": source.needs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "runs": source.runs,
        "harmless": source.harmless,
        "emits": metrics,
    })
}

fn kinds(source: &Source) -> [(&'static str, &'static [Metric]); 3] {
    [("number", source.metrics), ("state", source.states), ("event", source.events)]
}
