//! `list`: what the agent reads and why that harms nobody, from the sources' own tables.

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Console, EXIT_OK, Lang, load_config};
use crate::{
    config::{Config, duration_text},
    host::Allowed,
    own,
    source::{Metric, Source, Words},
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
    /// Language; by default as LC_ALL, LC_MESSAGES or LANG says
    #[arg(long, value_enum)]
    lang: Option<Lang>,
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
        let lang = self.lang.unwrap_or(console.lang);
        match self.format {
            ListFormat::Text => {
                for source in all() {
                    write!(console.out, "{}", text(source, &config, lang)?)?;
                }
                let places = lang
                    .pick("只从下列位置启动程序：", "Programs are started from these places only:");
                writeln!(console.out, "{places}")?;
                for program in Allowed::of(all()).programs() {
                    writeln!(console.out, "  {:10} {}", program.name, program.places.join(" "))?;
                }
            }
            ListFormat::Markdown => {
                for source in all() {
                    write!(console.out, "{}", markdown(source, &config, lang)?)?;
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

fn words(lang: Lang, words: Words) -> &'static str {
    lang.pick(words.zh, words.en)
}

/// The period as configured: `every 10m`, `off`.
fn when(source: &Source, config: &Config, lang: Lang) -> String {
    let section = config.source(source);
    let (every, deadline) = (lang.time(section.every), lang.time(section.deadline));
    match (section.enabled, lang) {
        (true, Lang::Zh) => format!("每 {every}一次，单次最长 {deadline}"),
        (true, Lang::En) => format!("every {every}, at most {deadline} a run"),
        (false, _) => lang.pick("已关闭", "off").to_owned(),
    }
}

fn needs(source: &Source, lang: Lang) -> String {
    let needs: Vec<_> = source.needs.iter().map(ToString::to_string).collect();
    if needs.is_empty() { lang.pick("无", "nothing").to_owned() } else { needs.join(", ") }
}

fn text(source: &Source, config: &Config, lang: Lang) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let [when_is, needed, run, harmless] = match lang {
        Lang::Zh => ["周期    ", "前提    ", "运行    ", "无害    "],
        Lang::En => ["when    ", "needs   ", "runs    ", "harmless"],
    };
    writeln!(text, "{} {}", source.name, words(lang, source.about))?;
    writeln!(text, "  {when_is}  {}", when(source, config, lang))?;
    writeln!(text, "  {needed}  {}", needs(source, lang))?;
    if source.runs.is_empty() {
        writeln!(text, "  {run}  {}", lang.pick("不启动任何程序", "no program"))?;
    }
    for program in source.runs {
        writeln!(text, "  {run}  {program}")?;
    }
    writeln!(text, "  {harmless}  {}", words(lang, source.harmless))?;
    for (kind, metrics) in kinds(source) {
        for metric in metrics {
            let unit =
                if metric.unit.is_empty() { String::new() } else { format!(" [{}]", metric.unit) };
            let (kind, meaning) = (words(lang, kind), lang.pick(metric.zh, metric.help));
            writeln!(text, "  {kind}  {}{unit}: {meaning}", metric.name)?;
        }
    }
    writeln!(text)?;
    Ok(text)
}

fn markdown(source: &Source, config: &Config, lang: Lang) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let [when_is, needed, run, harmless] = match lang {
        Lang::Zh => ["周期", "前提", "运行", "为何无害"],
        Lang::En => ["When", "Needs", "Runs", "Harmless"],
    };
    writeln!(text, "## {}: {}\n", source.name, words(lang, source.title))?;
    writeln!(text, "{}\n", words(lang, source.about))?;
    writeln!(text, "- {when_is}: {}", when(source, config, lang))?;
    writeln!(text, "- {needed}: {}", needs(source, lang))?;
    let runs: Vec<_> = source.runs.iter().map(|it| format!("`{it}`")).collect();
    let none = lang.pick("不启动任何程序", "no program").to_owned();
    let runs = if runs.is_empty() { none } else { runs.join(", ") };
    writeln!(text, "- {run}: {runs}\n- {harmless}: {}\n", words(lang, source.harmless))?;
    let head = lang.pick("| 类别 | 名称 | 单位 | 含义 |", "| kind | name | unit | meaning |");
    writeln!(text, "{head}\n|---|---|---|---|")?;
    for (kind, metrics) in kinds(source) {
        for metric in metrics {
            let (kind, meaning) = (words(lang, kind), lang.pick(metric.zh, metric.help));
            writeln!(text, "| {kind} | `{}` | {} | {meaning} |", metric.name, metric.unit)?;
        }
    }
    writeln!(text)?;
    Ok(text)
}

fn json(source: &Source, config: &Config) -> serde_json::Value {
    let section = config.source(source);
    let metrics: Vec<_> = kinds(source)
        .into_iter()
        .flat_map(|(kind, metrics)| {
            metrics.iter().map(move |it| {
                json!({
                    "kind": kind.en, "name": it.name, "unit": it.unit, "counter": it.counter, "zh": it.zh,
                    "help": it.help,
                })
            })
        })
        .collect();
    json!({
        "name": source.name,
        "title": { "zh": source.title.zh, "en": source.title.en },
        "about": { "zh": source.about.zh, "en": source.about.en },
        "enabled": section.enabled,
        "every": duration_text(section.every),
        "deadline": duration_text(section.deadline),
        "needs": source.needs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "runs": source.runs,
        "harmless": { "zh": source.harmless.zh, "en": source.harmless.en },
        "emits": metrics,
    })
}

fn kinds(source: &Source) -> [(Words, &'static [Metric]); 3] {
    const NUMBER: Words = Words { zh: "数值", en: "number" };
    const STATE: Words = Words { zh: "状态", en: "state" };
    const EVENT: Words = Words { zh: "事件", en: "event" };
    [(NUMBER, source.metrics), (STATE, source.states), (EVENT, source.events)]
}
