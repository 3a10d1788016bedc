//! How well the shipped rules foretell the failure of drives, measured on histories: Backblaze Drive Stats, or what the
//! collector has stored. The rules are the ones in force, judged by the code that judges hosts.
//!
//! Honest by construction: a day is judged by what was read up to that day; no row of the day of the failure is looked at;
//! nothing is fitted here, so no drive can be in a training set; alarms that stand when a drive is first seen are told
//! apart from new ones; every baseline is measured by the same code. See [`measure`] for the definitions.

use std::sync::Arc;

use serde::Serialize;
use xunjian_rules::RuleSet;

pub mod history;

pub mod csv;

pub mod stored;

pub mod follow;

pub mod measure;

mod baselines;

mod print;

pub use print::text;

use follow::{Follower, Predictor};
use history::{Day, Histories, Left};
use measure::{Counted, Figures, Tally, Trail, figures};

/// One line of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Stable name: `fault`, `suspect`, `rule:drive-failing`, `score>=7`, `baseline:any-of-five`.
    pub name: String,
    /// What it came to.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A baseline, and what the rules do at its own rate of false alarms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The baseline's line.
    pub baseline: String,
    /// The line of ours that catches the most without more new false alarms; none if each has more.
    pub ours: Option<String>,
    /// Caught a day ahead: the baseline's share, ours.
    pub caught: [f64; 2],
    /// New false alarms per drive-month: the baseline's, ours.
    pub false_alarms: [f64; 2],
}

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Drives and months.
    pub counted: Counted,
    /// Days of drives that were judged.
    pub drive_days: u64,
    /// Rows that were not used.
    pub left: Left,
    /// Version of the table by which raw values were decoded.
    pub drive_table: &'static str,
    /// The whole, every rule, the score at every limit, the baselines.
    pub lines: Vec<Line>,
    /// The whole and the baselines by maker.
    pub makers: Vec<(String, Counted, Vec<Line>)>,
    /// Ours beside each baseline.
    pub compared: Vec<Compared>,
}

/// Judges all drives. `from`: the first day on which alarms count; days before are history only.
pub fn run(histories: &Histories, rules: &Arc<RuleSet>, from: Option<Day>) -> Outcome {
    let mut follower = Follower::new(rules, true);
    let predictors = follower.predictors().to_vec();
    let mut makers: Vec<&str> = histories.drives.iter().map(|it| it.maker()).collect();
    makers.sort_unstable();
    makers.dedup();
    let mut tallies: Vec<Tally> = Vec::with_capacity(histories.drives.len());
    for drive in &histories.drives {
        let maker = makers.binary_search(&drive.maker()).unwrap_or_default();
        let maker = u16::try_from(maker).unwrap_or(u16::MAX);
        let mut trail = Trail::new(drive, maker, from.unwrap_or(Day::MIN));
        follower.follow(drive, &mut |first, last, alarms| trail.told(first, last, alarms));
        tallies.extend(trail.end());
    }
    let (counted, all) = figures(tallies.iter(), predictors.len());
    let lines = lines_of(&predictors, all);
    let by_maker = |(at, name): (usize, &&str)| {
        let own = tallies.iter().filter(move |it| usize::from(it.maker) == at);
        let (counted, all) = figures(own, predictors.len());
        let mut lines = lines_of(&predictors, all);
        lines.retain(|it| !it.name.starts_with("rule:") && !it.name.starts_with("score"));
        ((*name).to_owned(), counted, lines)
    };
    Outcome {
        counted,
        drive_days: histories.drives.iter().map(history::Drive::days).sum(),
        left: histories.left,
        drive_table: &xunjian_agent::drives::table().version,
        compared: compared(&lines),
        makers: makers.iter().enumerate().map(by_maker).collect(),
        lines,
    }
}

/// Names the figures, and keeps of the ranks the one with the budget of the whole.
fn lines_of(predictors: &[Predictor], figures: Vec<Figures>) -> Vec<Line> {
    let budget = figures.first().map_or(0.0, |it| it.false_alarms.value);
    let ranks = || predictors.iter().zip(&figures).filter(|it| matches!(it.0, Predictor::Rank(_)));
    let fits = ranks().find(|it| it.1.false_alarms.value <= budget).or(ranks().next_back());
    let chosen = fits.map(|it| it.0.clone());
    let named = predictors.iter().zip(figures.iter().cloned());
    let mut lines: Vec<Line> = named
        .filter(|(it, _)| !matches!(it, Predictor::Rank(_)) || Some(*it) == chosen.as_ref())
        .map(|(predictor, figures)| Line { name: name(predictor), figures })
        .collect();
    // A limit that no sum falls short of and the one below it are one line.
    let is_score = |it: &Line| it.name.starts_with("score");
    lines.dedup_by(|it, before| is_score(it) && is_score(before) && it.figures == before.figures);
    lines
}

fn name(predictor: &Predictor) -> String {
    match predictor {
        Predictor::Fault => "fault".to_owned(),
        Predictor::Suspect => "suspect".to_owned(),
        Predictor::Rule(id) => format!("rule:{id}"),
        Predictor::Score(least) => format!("score>={least}"),
        Predictor::AnyOfFive => "baseline:any-of-five".to_owned(),
        Predictor::AnyOfThree => "baseline:187/197/198".to_owned(),
        Predictor::Buckets => "baseline:dashboard-buckets".to_owned(),
        Predictor::Rank(least) => format!("baseline:197+198>={least}"),
    }
}

fn compared(lines: &[Line]) -> Vec<Compared> {
    let is_baseline = |it: &&Line| it.name.starts_with("baseline:");
    let baselines = lines.iter().filter(is_baseline);
    baselines
        .map(|baseline| {
            let rate = baseline.figures.false_alarms.value;
            let own = lines.iter().filter(|it| !is_baseline(it));
            let ours = own
                .filter(|it| it.figures.false_alarms.value <= rate)
                .max_by(|a, b| a.figures.caught[0].value.total_cmp(&b.figures.caught[0].value));
            let figures = ours.map(|it| &it.figures);
            Compared {
                baseline: baseline.name.clone(),
                ours: ours.map(|it| it.name.clone()),
                caught: [
                    baseline.figures.caught[0].value,
                    figures.map_or(0.0, |it| it.caught[0].value),
                ],
                false_alarms: [rate, figures.map_or(0.0, |it| it.false_alarms.value)],
            }
        })
        .collect()
}
