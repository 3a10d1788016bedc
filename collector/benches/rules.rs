//! What judging costs: 200 rules over 1,000 hosts, one round, and the memory of the windows behind them.
//!
//! A round takes in one run of every source on every host and then judges all hosts. CPU seconds are those of this
//! process, which has one thread; the readings are made, not recorded.

use std::{fs, io::Write, sync::Arc};

use xunjian_collector::evaluate::{HostView, Overrides, judge, known_metrics, library};
use xunjian_proto::{Component, ComponentId, Cost, Outcome, Run, Sample, SeriesKey, State, Time};
use xunjian_rules::{LIBRARY, MetricKind, RuleSet, load};

const HOSTS: usize = 1_000;
const RULES: usize = 200;
const ROUNDS: i64 = 40;

fn main() -> std::io::Result<()> {
    let rules = Arc::new(many_rules());
    let mut views: Vec<HostView> = (0..HOSTS).map(|_| HostView::new(Arc::clone(&rules))).collect();
    let none = Overrides::default();
    let shape: Vec<Run> = runs(&rules);
    let series: usize = shape.iter().map(|run| run.samples.len()).sum();
    let (mut absorbed, mut judged, mut judgements) = (0.0, 0.0, 0);
    for round in 0..ROUNDS {
        let runs: Vec<Run> = shape.iter().map(|run| at(run, round)).collect();
        let start = cpu_seconds()?;
        for view in &mut views {
            for run in &runs {
                view.absorb(run, &none, run.at);
            }
        }
        let middle = cpu_seconds()?;
        let now = runs.iter().map(|run| run.at).max().unwrap_or_default();
        judgements = views.iter().map(|view| judge(view, &none, now).len()).sum();
        absorbed += middle - start;
        judged += cpu_seconds()? - middle;
    }
    let (bytes, kept) = views[0].window_bytes();
    let rounds = f64::from(u32::try_from(ROUNDS).unwrap_or(u32::MAX));
    let bytes_each = bytes / kept.max(1);
    let saved = views[0].save().len();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{RULES} rules, {HOSTS} hosts, {series} series a host, {judgements} judgements a round"
    )?;
    writeln!(out, "{:44} {:>10} {:>10}", "", "measured", "at most")?;
    writeln!(out, "{:44} {:>8.3} s {:>8.3} s", "judge one round, CPU", judged / rounds, 0.2)?;
    writeln!(
        out,
        "{:44} {:>8.3} s {:>10}",
        "take one run of every source in, CPU",
        absorbed / rounds,
        "-"
    )?;
    writeln!(out, "{:44} {:>8} B {:>8} B", "windows of a series in use", bytes_each, 2_048)?;
    writeln!(out, "{:44} {:>8} B {:>10}", "a host's saved state", saved, "-")
}

/// The library, and copies of it under other ids until there are enough.
fn many_rules() -> RuleSet {
    let known = known_metrics();
    let mut files: Vec<(String, String)> = Vec::new();
    let one = library().0.rules.len();
    for copy in 0..RULES.div_ceil(one.max(1)) {
        for file in LIBRARY {
            let text = file
                .text
                .replace("\nid = \"", &format!("\nid = \"c{copy}-"))
                .replace("{ score = \"", &format!("{{ score = \"c{copy}-"));
            files.push((format!("{copy}-{}", file.name), text));
        }
    }
    let (mut rules, mistakes) = load(&files, &known);
    assert!(mistakes.is_empty(), "the library has mistakes: {}", mistakes[0]);
    rules.rules.truncate(RULES);
    rules
}

/// One run of each source: 12 disks, 2 arrays, 6 filesystems, 4 ports, 3 units, the host, with every metric and state
/// that rules read.
fn runs(rules: &RuleSet) -> Vec<Run> {
    let counts =
        [("disk", 12), ("md", 2), ("filesystem", 6), ("netif", 4), ("unit", 3), ("host", 1)];
    let kinds = |source: &str| -> &[&str] {
        match source {
            "smart" | "block" => &["disk"],
            "md" => &["md"],
            "fs" => &["filesystem"],
            "net" => &["netif"],
            "systemd" => &["unit"],
            "host" => &["host"],
            _ => &[],
        }
    };
    let mut sources: Vec<&str> = rules.metrics.iter().map(|it| it.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources.retain(|it| *it != "source");
    let mut runs = Vec::new();
    for source in sources {
        let mut run = empty(source);
        for (kind, count) in counts.iter().filter(|(kind, _)| kinds(source).contains(kind)) {
            for number in 0..*count {
                let id = match *kind {
                    "host" => ComponentId::host(),
                    kind => ComponentId::new(kind, &format!("{kind}-{number}")),
                };
                fill(&mut run, rules, source, &id);
            }
        }
        runs.push(run);
    }
    runs
}

fn fill(run: &mut Run, rules: &RuleSet, source: &str, id: &ComponentId) {
    let name = id.as_str().to_owned();
    run.components.push(Component {
        id: id.clone(),
        name,
        attrs: Default::default(),
        links: Vec::new(),
        set: None,
    });
    for metric in rules.metrics.iter().filter(|it| it.source == source) {
        match metric.kind {
            MetricKind::Gauge | MetricKind::Counter => {
                let series = SeriesKey {
                    metric: metric.name.clone(),
                    component: id.clone(),
                    attrs: Vec::new(),
                };
                run.samples.push(Sample { series: Arc::new(series), value: 0.0 });
            }
            MetricKind::State => run.states.push(State {
                metric: metric.name.clone(),
                component: id.clone(),
                value: "clean".to_owned(),
            }),
            MetricKind::Event => {}
        }
    }
}

/// The same an hour later, so that the windows fill.
fn at(run: &Run, round: i64) -> Run {
    Run { at: Time::from_secs(1_700_000_000 + round * 3_600), ..run.clone() }
}

fn empty(source: &str) -> Run {
    Run {
        source: source.to_owned(),
        at: Time::from_secs(1_700_000_000),
        took_ms: 1,
        outcome: Outcome::Collected,
        components: Vec::new(),
        samples: Vec::new(),
        states: Vec::new(),
        events: Vec::new(),
        problems: Vec::new(),
        evidence: Vec::new(),
        cost: Cost::default(),
    }
}

/// User and system time of this process, from `/proc/self/schedstat`: nanoseconds on a processor.
fn cpu_seconds() -> std::io::Result<f64> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let nanos = text.split_whitespace().next().and_then(|it| it.parse::<f64>().ok());
    nanos.map(|it| it / 1e9).ok_or_else(|| std::io::Error::other("no CPU time in schedstat"))
}
