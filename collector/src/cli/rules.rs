//! `rules list`, `rules explain ID`, `rules test [DIR]`; `rules why` is in `why`.

use std::{
    fmt::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use xunjian_rules::{
    Condition, EventTest, How, Lang, Measure, NumberTest, Operand, Rule, RuleSet, StateTest, Text,
    Threshold, Word, duration_text, nearest, plural,
};

use super::{LangArg, score, why};
use crate::{evaluate, rulebook};

/// Arguments of `rules`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// All rules, one a line
    List(Shown),
    /// Everything about one rule: check item, condition, hold times, where it stands
    Explain {
        /// The rule's id, as `list` shows it
        id: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Check rule files and run their examples; of the built-in library without a folder
    Test {
        /// Folder of rule files
        folder: Option<PathBuf>,
    },
    /// Every rule that is judged on one component: why it fired, stayed quiet, waits or could not be judged
    Why(why::Args),
}

#[derive(Debug, clap::Args)]
struct Shown {
    /// Folder of rule files instead of the built-in library
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Language of the output
    #[arg(long, value_enum, default_value_t)]
    lang: LangArg,
}

/// Runs it; the exit code is 0 if all is well, 1 if a rule was not found, 2 if files are mistaken or examples fail.
pub(super) fn run(args: &Args, out: &mut String) -> anyhow::Result<u8> {
    Ok(match &args.command {
        Command::List(shown) => {
            list(&rulebook::load(shown.rules.as_deref())?, shown.lang.into(), out)?;
            0
        }
        Command::Explain { id, shown } => {
            explain(&rulebook::load(shown.rules.as_deref())?, id, shown.lang.into(), out)?
        }
        Command::Test { folder } => test(folder.as_deref(), out)?,
        Command::Why(args) => why::run(args, out)?,
    })
}

/// All rules: id, kind of component, evidence, check item.
pub(super) fn list(rules: &RuleSet, lang: Lang, out: &mut String) -> fmt::Result {
    let width = |text: fn(&Rule) -> usize| rules.rules.iter().map(text).max().unwrap_or(0);
    let (ids, kinds) = (width(|it| it.id.len()), width(|it| it.on.len()));
    for rule in &rules.rules {
        let (id, on, evidence) = (&rule.id, &rule.on, evidence(rule));
        writeln!(out, "{id:ids$}  {on:kinds$}  {evidence:14}  {}", rule.item.name.in_lang(lang))?;
    }
    Ok(())
}

/// Everything about one rule; for an unknown id the nearest known one.
pub(super) fn explain(
    rules: &RuleSet,
    id: &str,
    lang: Lang,
    out: &mut String,
) -> Result<u8, fmt::Error> {
    let Some(rule) = rules.rule(id) else {
        let near = nearest(id, rules.rules.iter().map(|it| &*it.id));
        let hint = near.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
        writeln!(out, "no rule `{id}`{hint}")?;
        return Ok(1);
    };
    let zh = lang == Lang::Zh;
    let mut line = |label: Text, text: &str| match lang {
        Lang::Zh => writeln!(out, "{}：{text}", label.zh),
        Lang::En => writeln!(out, "{}: {text}", label.en),
    };
    line(Text::new("规则", "rule"), &rule.id)?;
    line(Text::new("检查项", "item"), rule.item.name.in_lang(lang))?;
    line(Text::new("检查方法", "method"), rule.item.method.in_lang(lang))?;
    line(Text::new("判断标准", "criterion"), rule.item.criterion.in_lang(lang))?;
    line(Text::new("影响", "impact"), rule.item.impact.in_lang(lang))?;
    line(Text::new("建议", "advice"), rule.item.advice.in_lang(lang))?;
    line(Text::new("告警文字", "message"), &plural::before_numbers(rule.message.in_lang(lang)))?;
    line(Text::new("对象", "on"), &on(rule))?;
    line(Text::new("证据类别", "evidence"), &format!("{} ({})", evidence(rule), rule.class))?;
    line(Text::new("条件", "when"), &condition(rules, &rule.when))?;
    score::explain(rules, &rule.when, lang, &mut line)?;
    if rule.by_model {
        line(Text::new("型号", "model"), score::by_model().in_lang(lang))?;
    }
    if let Some(clear) = &rule.clear_when {
        line(Text::new("恢复条件", "clear when"), &condition(rules, clear))?;
    }
    let (hold, samples) = (duration_text(rule.hold), rule.samples);
    let (clear, clear_samples) = (duration_text(rule.clear), rule.clear_samples);
    let times = match zh {
        true => format!(
            "持续 {hold} 且 {samples} 次读数成立；恢复需 {clear} 且 {clear_samples} 次正常读数"
        ),
        false => format!(
            "for {hold} and {samples} readings; over after {clear} and {clear_samples} good readings"
        ),
    };
    line(Text::new("保持时间", "hold"), &times)?;
    if let Some(age) = rule.age {
        let age = duration_text(age);
        let text = Text::new(
            format!("{age} 未再增加则仅作建议"),
            format!("advice only after {age} without a rise"),
        );
        line(Text::new("老化", "ageing"), text.in_lang(lang))?;
    }
    line(Text::new("阈值依据", "threshold from"), &rule.threshold_source)?;
    line(Text::new("出处", "file"), &format!("{}:{}", rule.file, rule.line))?;
    line(
        Text::new("级别", "level"),
        Text::new(
            "由拓扑、冗余与合同决定，规则不声明级别",
            "decided from topology, redundancy and contract; never declared by a rule",
        )
        .in_lang(lang),
    )?;
    Ok(0)
}

/// Reads the files, tells all mistakes, and runs the examples.
pub(super) fn test(folder: Option<&Path>, out: &mut String) -> Result<u8, fmt::Error> {
    let (rules, mistakes) = match folder {
        None => evaluate::library(),
        Some(path) => match xunjian_rules::load_folder(path) {
            Ok(files) => xunjian_rules::load(&files, &evaluate::known_metrics()),
            Err(error) => {
                writeln!(out, "cannot read the rules' folder {}: {error}", path.display())?;
                return Ok(2);
            }
        },
    };
    for mistake in &mistakes {
        writeln!(out, "{mistake}")?;
    }
    let rules = Arc::new(rules);
    let (count, failures) = evaluate::run_examples(&rules);
    for failure in &failures {
        writeln!(out, "{}:{}: {}: {}", failure.file, failure.line, failure.rule, failure.text)?;
    }
    let (rules, wrong, failed) = (rules.rules.len(), mistakes.len(), failures.len());
    writeln!(out, "{rules} rules, {count} examples: {wrong} mistakes, {failed} examples fail")?;
    Ok(if wrong + failed > 0 || rules == 0 { 2 } else { 0 })
}

fn evidence(rule: &Rule) -> &'static str {
    use xunjian_rules::EvidenceKind as Kind;
    match rule.evidence {
        Kind::ImpactTotal => "impact_total",
        Kind::ImpactPartial => "impact_partial",
        Kind::Lost => "lost",
        Kind::Suspect => "suspect",
        Kind::Latent => "latent",
        Kind::Advice => "advice",
        Kind::Blind => "blind",
    }
}

fn on(rule: &Rule) -> String {
    let mut text = format!("{} ({})", rule.on, rule.source);
    for (attr, values) in &rule.only {
        let values: Vec<String> = values.iter().map(|it| format!("`{it}`")).collect();
        text.push_str(&format!(", {attr} = {}", values.join(" | ")));
    }
    text
}

/// A condition as one line.
pub(super) fn condition(rules: &RuleSet, condition_: &Condition) -> String {
    let name = |id| rules.metric(id).name.as_str();
    let join = |parts: &[Condition], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| condition(rules, part)).collect();
        format!("({})", parts.join(word))
    };
    match condition_ {
        Condition::All(parts) => join(parts, " and "),
        Condition::Any(parts) => join(parts, " or "),
        Condition::Not(part) => format!("not {}", condition(rules, part)),
        Condition::Number(NumberTest { measure: left, compare, against }) => {
            let right = match against {
                Operand::Const(value) => value.to_string(),
                Operand::Measure { measure: right, times, plus, peers } => {
                    let of = if *peers { "median of the set's other members: " } else { "" };
                    format!("{times} × {of}{} + {plus}", measure(rules, right))
                }
            };
            format!("{} {} {right}", measure(rules, left), compare.sign())
        }
        Condition::State(StateTest { metric, word }) => {
            format!("{} {}", name(*metric), word_text(word))
        }
        Condition::Event(EventTest { metrics, window, at_least, .. }) => {
            let names: Vec<&str> = metrics.iter().map(|id| name(*id)).collect();
            format!("count of {} in {} ≥ {at_least}", names.join(" | "), duration_text(*window))
        }
        Condition::Attr(test) => score::attribute(test),
        Condition::Score(test) => score::compared(rules, test),
        Condition::Gone(runs) => format!("not seen in {runs} runs"),
        Condition::Silent(Threshold::Time(time)) => format!("silent for {}", duration_text(*time)),
        Condition::Silent(Threshold::Periods(periods)) => format!("silent for {periods} periods"),
    }
}

fn measure(rules: &RuleSet, measure: &Measure) -> String {
    let mut text = rules.metric(measure.metric).name.clone();
    if !measure.attrs.is_empty() {
        let attrs: Vec<String> = measure.attrs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        text.push_str(&format!("{{{}}}", attrs.join(",")));
    }
    match measure.how {
        How::Value => text,
        How::Rise(window) => {
            let before = measure.before.map(|it| format!(", before the first look {it},"));
            let before = before.unwrap_or_default();
            format!("rise of {text} in {}{before}", duration_text(window))
        }
        How::Rate(window) => format!("rate of {text} in {}", duration_text(window)),
        How::Mean(window) => format!("mean of {text} in {}", duration_text(window)),
        How::Max(window) => format!("maximum of {text} in {}", duration_text(window)),
        How::Forecast { ahead, over } => {
            let (ahead, over) = (duration_text(ahead), duration_text(over));
            format!("forecast of {text} in {ahead}, from {over},")
        }
        How::Share { of, window, .. } => {
            let (of, window) = (&rules.metric(of).name, duration_text(window));
            format!("rise of {text} per {of} in {window}")
        }
    }
}

fn word_text(word: &Word) -> String {
    match word {
        Word::In(list) => format!("is {}", list.join(" | ")),
        Word::NotIn(list) => format!("is not {}", list.join(" | ")),
        Word::Begins(list) => format!("begins with {}", list.join(" | ")),
        Word::ChangedIn { window, at_least } => {
            format!("changed {at_least} times in {}", duration_text(*window))
        }
        Word::FellFrom { before, now, window } => {
            let (before, now) = (before.join(" | "), now.join(" | "));
            format!("is {now} and was {before} within {}", duration_text(*window))
        }
    }
}
