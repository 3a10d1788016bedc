//! Cases and coverage as text for a terminal, in the reader's language.

use std::fmt::{self, Write};

use xunjian_agent::spoken;
use xunjian_proto::{Outcome, Problem, Reason, Run};
use xunjian_rules::{Class, Lang, Text};

use crate::{
    classify::{Case, Grade, Level, Redundancy},
    contract::Contract,
    evaluate::Input,
};

/// `一级故障` / `level 1`.
pub(super) fn grade(grade: Grade, lang: Lang) -> &'static str {
    match (grade, lang) {
        (Grade::Fault(Level::One), Lang::Zh) => "一级故障",
        (Grade::Fault(Level::Two), Lang::Zh) => "二级故障",
        (Grade::Fault(Level::Three), Lang::Zh) => "三级故障",
        (Grade::Fault(Level::Four), Lang::Zh) => "四级故障",
        (Grade::Advice, Lang::Zh) => "建议",
        (Grade::Blind, Lang::Zh) => "未知（无法读取）",
        (Grade::Fault(Level::One), Lang::En) => "level 1",
        (Grade::Fault(Level::Two), Lang::En) => "level 2",
        (Grade::Fault(Level::Three), Lang::En) => "level 3",
        (Grade::Fault(Level::Four), Lang::En) => "level 4",
        (Grade::Advice, Lang::En) => "advice",
        (Grade::Blind, Lang::En) => "unknown (cannot be read)",
    }
}

/// A time in the contract's zone, to the second.
pub(super) fn time(at: xunjian_proto::Time, contract: &Contract) -> String {
    chrono::DateTime::from_timestamp_millis(at.millis()).map_or_else(
        || at.to_string(),
        |it| it.with_timezone(&contract.timezone).format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Cases gravest first, each followed by its consequences in two lines each.
pub(super) fn cases(
    out: &mut String,
    all: &[&Case],
    contract: &Contract,
    lang: Lang,
) -> fmt::Result {
    let is_cause =
        |it: &&&Case| it.parent.as_ref().is_none_or(|parent| all.iter().all(|it| it.id != *parent));
    let mut causes: Vec<&Case> = all.iter().filter(is_cause).copied().collect();
    causes.sort_by(|a, b| order(a).cmp(&order(b)));
    for cause in causes {
        case(out, cause, contract, lang)?;
        let mut consequences: Vec<&Case> =
            all.iter().filter(|it| it.parent.as_ref() == Some(&cause.id)).copied().collect();
        consequences.sort_by(|a, b| order(a).cmp(&order(b)));
        for it in consequences {
            writeln!(
                out,
                "    ↳ {}  {}  [{}]",
                grade(it.decision.grade, lang),
                it.component_name,
                Class::called(&it.class, lang)
            )?;
            for fact in &it.facts {
                writeln!(out, "      {}", fact.message.in_lang(lang))?;
            }
        }
    }
    Ok(())
}

fn order(case: &Case) -> (Grade, &str, &str) {
    (case.decision.grade, case.component.as_str(), &case.class)
}

/// One case with its reason, the clause, what would change the level, and the readings behind it.
fn case(out: &mut String, case: &Case, contract: &Contract, lang: Lang) -> fmt::Result {
    let decision = &case.decision;
    writeln!(
        out,
        "● {}  {}  [{}]",
        grade(decision.grade, lang),
        case.component_name,
        Class::called(&case.class, lang)
    )?;
    let mut row = |label: Text, value: &str| -> fmt::Result {
        match (value.is_empty(), lang) {
            (true, _) => Ok(()),
            // The full-width colon brings its own space.
            (false, Lang::Zh) => writeln!(out, "    {}{value}", label.zh),
            (false, Lang::En) => writeln!(out, "    {} {value}", label.en),
        }
    };
    for fact in &case.facts {
        row(Text::new("现象：", "what:     "), fact.message.in_lang(lang))?;
    }
    row(Text::new("定级理由：", "because:  "), decision.because.in_lang(lang))?;
    row(Text::new("合同条款：", "clause:   "), decision.clause.in_lang(lang))?;
    for set in &decision.redundancy {
        row(Text::new("冗余：", "sets:     "), &redundancy(set, lang))?;
    }
    if let Some((other, why)) = &decision.runner_up {
        let text = match lang {
            Lang::Zh => format!("{}，{}", grade(*other, lang), why.zh),
            Lang::En => format!("{}: {}", grade(*other, lang), why.en),
        };
        row(Text::new("次选级别：", "runner-up:"), &text)?;
    }
    row(Text::new("加重条件：", "worse if: "), decision.worse_if.in_lang(lang))?;
    row(Text::new("减轻条件：", "better if:"), decision.better_if.in_lang(lang))?;
    for fact in &case.facts {
        row(Text::new("建议：", "do:       "), fact.advice.in_lang(lang))?;
        for input in &fact.inputs {
            row(Text::new("依据：", "evidence: "), &reading(input, contract, lang))?;
        }
        let adjusted = fact.adjusted.as_ref().map_or("", |it| it.in_lang(lang));
        row(Text::new("", "override: "), adjusted)?;
    }
    Ok(())
}

/// One reading with what it was compared with.
pub(super) fn reading(input: &Input, contract: &Contract, lang: Lang) -> String {
    let (name, test) = (input.name_in(lang), input.test_in(lang));
    // A recording that does not say when it was made is read at the epoch, which is no time to show.
    let at = match input.at.secs() {
        0..86_400 => String::new(),
        _ => format!(" @ {}", time(input.at, contract)),
    };
    let value = input.value_in(lang);
    match lang {
        // Not read: there was nothing to compare.
        _ if test.trim().is_empty() => format!("{name} = {value}{at}"),
        Lang::Zh => format!("{name} = {value}（{test}）{}", at.trim_start()),
        Lang::En => format!("{name} = {value} ({test}){at}"),
    }
}

/// One gap with its reason.
pub(super) fn problem(problem: &Problem, lang: Lang) -> String {
    let reason = reason(problem.reason, lang);
    match lang {
        Lang::Zh => format!("{reason}：{}", spoken::zh(&problem.text)),
        Lang::En => format!("{reason}: {}", problem.text),
    }
}

/// How much redundancy is left in one set.
fn redundancy(set: &Redundancy, lang: Lang) -> String {
    let Text { zh, en } = match (set.r, set.r_design) {
        (Some(..0), design) => match design.filter(|it| *it > 0) {
            Some(design) => Text::new(
                format!("已超出冗余承受范围（完好时可再承受 {design} 个成员失效）"),
                format!("beyond what its redundancy bears ({design} when whole)"),
            ),
            None => Text::new("设计上无冗余，已不完整", "no redundancy by design, and not whole"),
        },
        (Some(_), Some(0)) => Text::new("设计上无冗余", "no redundancy by design"),
        (Some(0), design) => Text::new(
            format!("冗余已耗尽{}", when_whole(design).zh),
            format!("redundancy is used up{}", when_whole(design).en),
        ),
        (Some(now), design) => Text::new(
            format!("还能承受 {now} 个成员失效{}", when_whole(design).zh),
            format!("survives {now} more losses{}", when_whole(design).en),
        ),
        (None, design) => Text::new(
            format!("剩余冗余未知{}", when_whole(design).zh),
            format!("redundancy left is not known{}", when_whole(design).en),
        ),
    };
    let mut parts = match lang {
        Lang::Zh => vec![zh],
        Lang::En => vec![en],
    };
    let mut add = |zh: String, en: String| parts.push(if lang == Lang::Zh { zh } else { en });
    if set.lost > 0 {
        add(format!("已失效 {} 个", set.lost), format!("{} lost", set.lost));
    }
    if !set.suspects.is_empty() {
        let count = set.suspects.len();
        add(format!("有失效征兆 {count} 个"), format!("{count} suspect"));
    }
    if set.unknown > 0 {
        let count = set.unknown;
        add(format!("{count} 个状态未能读到"), format!("{count} not read"));
    }
    if set.r_design != Some(0) && (set.spares || set.spare == Some(true)) {
        let (zh, en) = match set.spare {
            Some(true) => ("有热备或正在重建", "spare ready or rebuilding"),
            Some(false) => ("无热备", "no spare"),
            None => ("热备情况未知", "spare not known"),
        };
        add(zh.to_owned(), en.to_owned());
    }
    let name = set.called(lang);
    match lang {
        Lang::Zh => format!("{name}：{}", parts.join("，")),
        Lang::En => format!("{name}: {}", parts.join(", ")),
    }
}

fn when_whole(design: Option<i32>) -> Text {
    match design {
        Some(design) => {
            Text::new(format!("（完好时 {design}）"), format!(" ({design} when whole)"))
        }
        None => Text::default(),
    }
}

/// What was inspected and what could not be: the newest run of each source, with every gap and its reason.
pub(super) fn coverage(out: &mut String, runs: &[&Run], lang: Lang) -> fmt::Result {
    for run in runs {
        let (mark, word) = outcome(&run.outcome, lang);
        writeln!(out, "  {mark} {:<9} {word}", run.source)?;
        for problem in &run.problems {
            writeln!(out, "      ? {}", self::problem(problem, lang))?;
        }
    }
    Ok(())
}

/// A mark and a sentence for how a run ended.
pub(super) fn outcome(outcome: &Outcome, lang: Lang) -> (&'static str, String) {
    let zh = lang == Lang::Zh;
    match outcome {
        Outcome::Collected => ("✓", if zh { "已读取" } else { "read" }.to_owned()),
        Outcome::Absent(section) if section.starts_with('[') => {
            ("–", if zh { "未配置采集目标" } else { "no target is configured" }.to_owned())
        }
        Outcome::Absent(what) => (
            "–",
            if zh { format!("本机没有：{what}") } else { format!("not on this host: {what}") },
        ),
        Outcome::Failed(why) => (
            "✗",
            if zh {
                format!("读取失败：{}", spoken::zh(why))
            } else {
                format!("failed: {why}")
            },
        ),
        Outcome::Stuck => ("✗", if zh { "超时未返回" } else { "did not end in time" }.to_owned()),
        Outcome::Deferred(why) => (
            "…",
            if zh {
                format!("为避免影响业务而推迟：{}", spoken::zh(why))
            } else {
                format!("deferred to spare the host: {why}")
            },
        ),
    }
}

/// The closed reasons of unknown, for people.
pub(super) fn reason(reason: Reason, lang: Lang) -> &'static str {
    let (zh, en) = match reason {
        Reason::Asleep => ("休眠中，未唤醒", "asleep, left asleep"),
        Reason::Unsupported => ("不支持", "unsupported"),
        Reason::TimedOut => ("超时", "timed out"),
        Reason::PermissionDenied => ("权限不足", "permission denied"),
        Reason::Unparsable => ("无法解析", "cannot be understood"),
        Reason::ToolFailed => ("工具出错", "the tool failed"),
        Reason::Missing => ("缺失", "missing"),
        Reason::Implausible => ("数值不可信", "implausible value"),
        Reason::Truncated => ("已截断", "cut"),
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}
