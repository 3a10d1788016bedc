//! What a source is: a small table of facts and one function.

use std::{fmt, sync::Arc, time::Duration};

use thiserror::Error;
use xunjian_proto::{
    Component, ComponentId, Event, Evidence, Problem, Reason, Sample, SeriesKey, State,
};

use crate::{
    host::{Host, HostError, Program},
    saved::Saved,
};

/// One source of health readings. Plain data, so that the list of all sources can be read, tested and turned into
/// documentation.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Also the file's name, the fixture folder's and the config section's.
    pub name: &'static str,
    /// What pages and reports call it: `软件 RAID`, `software RAID`.
    pub title: Words,
    /// One line for `list` and the manual.
    pub about: Words,
    /// What must be on the host; without it the source is absent, which is no fault.
    pub needs: &'static [Need],
    /// Programs it starts. All sources' together are the allow-list of the live host.
    pub programs: &'static [Program],
    /// The command lines it starts, as patterns: `smartctl --json --xall -n standby {device}`. The live host refuses
    /// what fits none; see [`crate::host::Allowed`] for the placeholders.
    pub runs: &'static [&'static str],
    /// Why reading this harms nobody: one or two sentences for the customer's administrator.
    pub harmless: Words,
    /// How often it runs by default.
    pub every: Duration,
    /// How long one run may take before it counts as stuck.
    pub deadline: Duration,
    /// Everything it can emit as numbers.
    pub metrics: &'static [Metric],
    /// Everything it can emit as words.
    pub states: &'static [Metric],
    /// Kinds of events it can emit.
    pub events: &'static [Metric],
    /// Which saved outputs of tools it understands.
    pub saved: Saved,
    /// Checks the source's config section at start-up; all mistakes at once.
    pub check: fn(&toml::Table) -> Result<(), String>,
    /// Collects once.
    pub collect: fn(&mut Collect<'_>) -> Result<(), SourceError>,
}

/// A text in the users' two languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// A precondition, checked before every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A file or directory, relative to the root.
    Path(&'static str),
    /// A program of the allow-list.
    Program(&'static str),
    /// At least one of these: several tools that tell the same.
    Any(&'static [Need]),
    /// At least one target of this source in the configuration.
    Targets(&'static str),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Path(path) => write!(f, "/{path}"),
            Need::Program(name) => f.write_str(name),
            Need::Any(all) => {
                // A long list hides what it says: the first ones stand for it.
                let shown = if all.len() > 4 { 3 } else { all.len() };
                let names: Vec<String> = all.iter().take(shown).map(ToString::to_string).collect();
                f.write_str(&names.join(" | "))?;
                if shown < all.len() { write!(f, " | … ({})", all.len()) } else { Ok(()) }
            }
            Need::Targets(source) => write!(f, "[[sources.{source}.target]]"),
        }
    }
}

/// A thing that is measured, said or reported. Declared once, in the source's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// OpenTelemetry form: `system.filesystem.utilization`; counters end in `_total` only where no OTel name exists.
    pub name: &'static str,
    /// UCUM unit as OpenTelemetry writes it: `1` (ratio), `By`, `s`, `Cel`, `{error}`,
    /// `{flag}` (0 or 1); empty for states and events.
    pub unit: &'static str,
    /// Counter (only rises but for resets) or gauge.
    pub counter: bool,
    /// What Chinese pages and reports call it.
    pub zh: &'static str,
    /// What it means to an operator; a sentence in English.
    pub help: &'static str,
}

impl Metric {
    /// A value that goes up and down.
    pub const fn gauge(
        name: &'static str,
        unit: &'static str,
        zh: &'static str,
        help: &'static str,
    ) -> Metric {
        Metric { name, unit, counter: false, zh, help }
    }

    /// A value that only rises, but for resets.
    pub const fn counter(
        name: &'static str,
        unit: &'static str,
        zh: &'static str,
        help: &'static str,
    ) -> Metric {
        Metric { name, unit, counter: true, zh, help }
    }

    /// A word or an event kind.
    pub const fn word(name: &'static str, zh: &'static str, help: &'static str) -> Metric {
        Metric { name, unit: "", counter: false, zh, help }
    }
}

/// What a run is given and what it fills in.
pub struct Collect<'a> {
    /// The host to look at.
    pub host: &'a dyn Host,
    /// The source's config section.
    pub options: &'a toml::Table,
    /// Where the source left off last time (`kmsg`); survives restarts of the agent.
    pub cursor: &'a mut Option<String>,
    found: Found,
}

/// Everything that one run found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Things seen.
    pub components: Vec<Component>,
    /// Numbers.
    pub samples: Vec<Sample>,
    /// Words.
    pub states: Vec<State>,
    /// Happenings.
    pub events: Vec<Event>,
    /// Gaps.
    pub problems: Vec<Problem>,
    /// Raw outputs.
    pub evidence: Vec<Evidence>,
}

/// Why a whole run came to nothing. A single bad item is a [`Collect::problem`] instead: one bad disk must not hide
/// the others.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The host did not answer.
    #[error("the host did not answer")]
    Host(#[from] HostError),
    /// The answer could not be read.
    #[error("cannot parse {what}: {why}")]
    Parse {
        /// Which input.
        what: String,
        /// What was wrong, with the offending text.
        why: String,
    },
}

/// Longest raw output that is kept as evidence; smartctl's is below 64 KiB for all but disks with long logs.
const EVIDENCE_BYTES_MAX: usize = 256 * 1024;

/// 2^63: what registers show that are not set (2^63 - 1, 2^64 - 1) and what is beyond. A link of 800 Gbit/s counts bytes
/// for three years to come here.
pub const NUMBER_MAX: f64 = 9_223_372_036_854_775_808.0;

impl<'a> Collect<'a> {
    /// An empty run.
    pub fn new(
        host: &'a dyn Host,
        options: &'a toml::Table,
        cursor: &'a mut Option<String>,
    ) -> Collect<'a> {
        Collect { host, options, cursor, found: Found::default() }
    }

    /// Adds a thing that was seen.
    pub fn component(&mut self, component: Component) {
        self.found.components.push(component);
    }

    /// Adds a number. A value that is not finite or beyond [`NUMBER_MAX`] becomes a problem.
    pub fn sample(&mut self, metric: &Metric, component: &ComponentId, value: f64) {
        self.sample_with(metric, component, &[], value);
    }

    /// Adds a number with further attributes, given in the order of their names.
    pub fn sample_with(
        &mut self,
        metric: &Metric,
        component: &ComponentId,
        attrs: &[(&str, &str)],
        value: f64,
    ) {
        if !value.is_finite() || value.abs() >= NUMBER_MAX {
            return self.problem(
                Reason::Implausible,
                Some(component),
                // 1e308 in digits would be three lines.
                format!("{} is {value:e}", metric.name),
            );
        }
        let attrs =
            attrs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let series =
            SeriesKey { metric: metric.name.to_owned(), component: component.clone(), attrs };
        self.found.samples.push(Sample { series: Arc::new(series), value });
    }

    /// Adds a word.
    pub fn state(&mut self, metric: &Metric, component: &ComponentId, value: &str) {
        let value = value.trim().to_lowercase();
        self.found.states.push(State {
            metric: metric.name.to_owned(),
            component: component.clone(),
            value,
        });
    }

    /// Adds a happening.
    pub fn event(&mut self, event: Event) {
        self.found.events.push(event);
    }

    /// Notes that a part could not be read, and why; the run goes on.
    pub fn problem(
        &mut self,
        reason: Reason,
        component: Option<&ComponentId>,
        text: impl fmt::Display,
    ) {
        let text = text.to_string();
        self.found.problems.push(Problem { reason, component: component.cloned(), text });
    }

    /// Keeps a raw output as proof of what was read. Cut at a bound, which is said in it.
    pub fn evidence(&mut self, name: impl Into<String>, content: &str) {
        let mut end = content.len().min(EVIDENCE_BYTES_MAX);
        while !content.is_char_boundary(end) {
            end -= 1;
        }
        let cut = if end < content.len() { "\n[cut by the agent]" } else { "" };
        self.found
            .evidence
            .push(Evidence { name: name.into(), content: format!("{}{cut}", &content[..end]) });
    }

    /// Whether this text differs from the one that the cursor remembers; remembers it. For sources whose only memory
    /// is which evidence the collector has already.
    pub fn changed(&mut self, text: &str) -> bool {
        let now = fingerprint(text);
        let changed = self.cursor.as_deref() != Some(now.as_str());
        *self.cursor = Some(now);
        changed
    }

    /// Takes over what a part of the run found by itself (one of several targets).
    pub fn absorb(&mut self, other: Found) {
        let Found { components, samples, states, events, problems, evidence } = other;
        self.found.components.extend(components);
        self.found.samples.extend(samples);
        self.found.states.extend(states);
        self.found.events.extend(events);
        self.found.problems.extend(problems);
        self.found.evidence.extend(evidence);
    }

    /// What the run found.
    pub fn finish(self) -> Found {
        self.found
    }
}

/// A short form that differs when the text does (FNV-1a, 64 bits): to notice changes, not for security.
pub fn fingerprint(text: &str) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// For sources without options: any key is a mistake.
pub fn no_options(table: &toml::Table) -> Result<(), String> {
    let keys: Vec<String> = table.keys().map(|key| format!("unknown option `{key}`")).collect();
    if keys.is_empty() { Ok(()) } else { Err(keys.join("; ")) }
}

/// For sources with options: checks that the section deserializes.
pub fn check_options<T: serde::de::DeserializeOwned>(table: &toml::Table) -> Result<(), String> {
    table.clone().try_into::<T>().map(drop).map_err(|error| error.to_string())
}
