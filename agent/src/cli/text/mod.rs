//! Readings as a table for people, in Chinese or English.

use std::collections::BTreeMap;

use chrono::DateTime;
use xunjian_proto::{Component, ComponentId, Event, Member, Outcome, Readings, Run};

use super::Lang;
use crate::{source::Metric, sources};

mod labels;

mod value;

use labels::Labels;
use value::{cell, value_text};

/// How many readings of a component are shown unless all are wanted.
const READINGS_SHOWN: usize = 8;

/// How many happenings are shown unless all are wanted.
const EVENTS_SHOWN: usize = 20;

/// Longest text in a line; what is longer is in the JSON form.
const TEXT_CHARS_MAX: usize = 160;

/// How readings are shown.
#[derive(Debug)]
pub(super) struct View {
    /// In which language.
    pub(super) lang: Lang,
    /// Every reading, not only the first ones of a component.
    pub(super) all: bool,
    /// Whether the agent could read everything that only root may read.
    pub(super) root: bool,
}

/// What is shown of one component.
#[derive(Default)]
struct Shown {
    component: Option<Component>,
    lines: Vec<(String, String)>,
}

impl View {
    /// The whole text.
    pub(super) fn readings(&self, readings: &Readings) -> String {
        let labels = Labels::of(self.lang);
        let mut text = self.heading(readings, &labels);
        text.push_str(&format!("\n{}\n", labels.inspected));
        let is_absent = |run: &&Run| matches!(run.outcome, Outcome::Absent(_));
        for run in readings.runs.iter().filter(|run| readings.runs.len() == 1 || !is_absent(run)) {
            text.push_str(&self.run(run, &labels));
        }
        // Some thirty sources look for hardware and file systems that a given host has none of.
        let absent: Vec<String> = readings
            .runs
            .iter()
            .filter_map(|run| match &run.outcome {
                // A program can be installed; a path of the kernel is there or not.
                Outcome::Absent(what) if what.starts_with('/') || *what == run.source => {
                    Some(run.source.clone())
                }
                Outcome::Absent(what) => Some(labels.lacking(&run.source, &short(what))),
                _ => None,
            })
            .collect();
        if readings.runs.len() > 1 && !absent.is_empty() {
            text.push_str(&format!("  {}{}\n", labels.absent, labels.list(&absent)));
        }
        let problems: Vec<_> = readings
            .runs
            .iter()
            .flat_map(|run| run.problems.iter().map(move |it| (run, it)))
            .collect();
        if !problems.is_empty() {
            text.push_str(&format!("\n{}\n", labels.unknown));
        }
        for (run, problem) in problems {
            let about = problem.component.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
            let reason = labels.reason(problem.reason);
            text.push_str(&format!(
                "  {} {} {about}{}\n",
                cell(&run.source, 10),
                cell(reason, 12),
                short(&problem.text)
            ));
        }
        text.push_str(&self.events(readings, &labels));
        text.push_str(&self.components(readings, &labels));
        text
    }

    /// What happened. Lines that differ in numbers only are told once, with the newest of them: a disk that fails says the
    /// same hundreds of times.
    fn events(&self, readings: &Readings, labels: &Labels) -> String {
        let events: Vec<_> = readings.runs.iter().flat_map(|it| &it.events).collect();
        if events.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{}\n", labels.events(events.len()));
        let mut alike: Vec<(Vec<&str>, &Event, usize)> = Vec::new();
        for event in events {
            let words: Vec<&str> = event.text.split(|it: char| it.is_ascii_digit()).collect();
            let words: Vec<&str> = words.into_iter().filter(|it| !it.is_empty()).collect();
            let known = alike.iter().position(|(known, it, _)| {
                !self.all
                    && it.kind == event.kind
                    && it.component == event.component
                    && *known == words
            });
            // The newest stands last.
            let before = known.map_or(0, |place| alike.remove(place).2);
            alike.push((words, event, before + 1));
        }
        let left_out = if self.all { 0 } else { alike.len().saturating_sub(EVENTS_SHOWN) };
        for (_, event, times) in &alike[left_out..] {
            let times = if *times > 1 { format!("  ×{times}") } else { String::new() };
            let (at, what) = (time(event.at.secs()), short(&event.text));
            text.push_str(&format!("  {at}  {}  {what}{times}\n", event.kind));
        }
        text
    }

    fn heading(&self, readings: &Readings, labels: &Labels) -> String {
        let host = &readings.host;
        let name = if host.hostname.is_empty() { labels.unnamed } else { &host.hostname };
        let mut text = format!("{} {name}", labels.host);
        for key in ["os.description", "os.kernel", "host.arch"] {
            if let Some(value) = host.attrs.get(key) {
                text.push_str(&format!("  {value}"));
            }
        }
        if let Some(run) = readings.runs.first() {
            text.push_str(&format!("  {} UTC", time(run.at.secs())));
        }
        text.push('\n');
        if !self.root {
            text.push_str(&format!("{}\n", labels.not_root));
        }
        text
    }

    fn run(&self, run: &Run, labels: &Labels) -> String {
        let (outcome, why) = match &run.outcome {
            Outcome::Collected => {
                let count =
                    labels.counts(run.components.len(), run.samples.len() + run.states.len());
                (labels.collected, count)
            }
            Outcome::Absent(why) => (labels.absent, labels.missing(why)),
            Outcome::Failed(why) => (labels.failed, short(why)),
            Outcome::Stuck => (labels.stuck, String::new()),
            Outcome::Deferred(why) => (labels.deferred, short(why)),
        };
        let problems = match run.problems.len() {
            0 => String::new(),
            count => labels.problems(count),
        };
        let took = format!("{} ms", run.took_ms);
        format!("  {} {} {:>9}  {why}{problems}\n", cell(&run.source, 10), cell(outcome, 10), took)
    }

    fn components(&self, readings: &Readings, labels: &Labels) -> String {
        let mut all: BTreeMap<(String, String), Shown> = BTreeMap::new();
        let key = |id: &ComponentId| (labels.order(id.kind()), id.to_string());
        for run in &readings.runs {
            for component in &run.components {
                let shown = all.entry(key(&component.id)).or_default();
                match &mut shown.component {
                    Some(known) => known.merge(component),
                    None => shown.component = Some(component.clone()),
                }
            }
            for state in &run.states {
                let shown = all.entry(key(&state.component)).or_default();
                shown.lines.push((labels.metric(&state.metric).to_owned(), state.value.clone()));
            }
            let mut samples: Vec<_> = run.samples.iter().collect();
            // Gauges say something by themselves, counters only to who compares; then as the source's table has them.
            samples.sort_by_key(|it| {
                let place = place(&run.source, &it.series.metric);
                (metrics(&run.source).get(place).is_none_or(|it| it.counter), place)
            });
            for sample in samples {
                let shown = all.entry(key(&sample.series.component)).or_default();
                let attrs: Vec<_> =
                    sample.series.attrs.iter().map(|(_, it)| labels.attr(it)).collect();
                let attrs =
                    if attrs.is_empty() { String::new() } else { format!(" {}", attrs.join(" ")) };
                let name = format!("{}{attrs}", labels.metric(&sample.series.metric));
                let unit = unit(&run.source, &sample.series.metric);
                shown.lines.push((name, value_text(sample.value, unit, self.lang)));
            }
        }
        let mut text = String::new();
        let mut kind = String::new();
        for ((_, id), shown) in &all {
            let id = ComponentId::parse(id);
            if id.kind() != kind {
                kind = id.kind().to_owned();
                text.push_str(&format!("\n{}\n", labels.kind(&kind)));
            }
            // Where the source that describes the host did not run, the host still has its name.
            let bare = if id.key().is_empty() { &*readings.host.hostname } else { id.key() };
            text.push_str(&self.component(bare, shown, labels));
        }
        text
    }

    /// One component; `bare` is what it is called if nothing describes it.
    fn component(&self, bare: &str, shown: &Shown, labels: &Labels) -> String {
        let name = shown.component.as_ref().map_or(bare, |it| it.name.as_str());
        let mut text = format!("  {name}");
        for key in ["hw.model", "hw.serial_number", "system.filesystem.type", "system.device"] {
            if let Some(value) = shown.component.as_ref().and_then(|it| it.attrs.get(key)) {
                text.push_str(&format!("  {value}"));
            }
        }
        if let Some(set) = shown.component.as_ref().and_then(|it| it.set.as_ref()) {
            let member = |it: &Member| format!("{} {}", it.name, labels.member(it.state));
            let members: Vec<_> = set.members.iter().map(member).collect();
            let members = labels.list(&members);
            text.push_str(&format!("  {} × {}{members}", set.scheme, set.width));
        }
        text.push('\n');
        let most = if self.all { usize::MAX } else { READINGS_SHOWN };
        for (name, value) in shown.lines.iter().take(most) {
            text.push_str(&format!("    {} {}\n", cell(name, 46), short(value)));
        }
        if shown.lines.len() > most {
            text.push_str(&format!("    {}\n", labels.more(shown.lines.len() - most)));
        }
        text
    }
}

fn unit(source: &str, metric: &str) -> &'static str {
    let metrics = metrics(source);
    metrics.get(place(source, metric)).map_or("", |it| it.unit)
}

/// Where a metric stands in its source's table; behind all others if it is not there.
fn place(source: &str, metric: &str) -> usize {
    let metrics = metrics(source);
    metrics.iter().position(|it| it.name == metric).unwrap_or(metrics.len())
}

fn metrics(source: &str) -> &'static [Metric] {
    sources::ALL.iter().find(|it| it.name == source).map_or(&[], |it| it.metrics)
}

fn short(text: &str) -> String {
    let line = text.replace('\n', " ");
    if line.chars().count() <= TEXT_CHARS_MAX {
        return line;
    }
    line.chars().take(TEXT_CHARS_MAX).chain("…".chars()).collect()
}

fn time(secs: i64) -> String {
    let time = DateTime::from_timestamp(secs, 0);
    time.map(|it| it.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_else(|| secs.to_string())
}
