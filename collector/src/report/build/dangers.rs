//! Part 4: the hidden dangers, gravest first; what was closed; advice; blind spots; tickets and their clocks.

use super::{Build, cell, column, danger, service, toned};
use crate::{
    classify::Case,
    report::{
        model::{Block, Cell, Section, Statement, Table, Tone},
        words::{self, LEVELS},
    },
};

/// Dangers shown in full; the others stand in the table at the head of the chapter.
const MOST_CARDS: usize = 60;
const MOST_ROWS: usize = 200;

pub(crate) fn write(build: &mut Build<'_>) -> Section {
    let heading = build.pick("四、安全隐患", "4 Hidden dangers");
    let mut blocks = vec![Block::Para { items: vec![overall(build)] }];
    let n = build.counted.findings.len();
    if n > 1 {
        blocks.push(Block::Table(list(build)));
    }
    for at in 0..n.min(MOST_CARDS) {
        blocks.push(Block::Danger(danger::card(build, at)));
    }
    if n > MOST_CARDS {
        let text = build.pick(
            format!("以上详列最严重的 {MOST_CARDS} 项；其余 {} 项见上表及各自的工单。", n - MOST_CARDS),
            format!("The gravest {MOST_CARDS} are shown in full; the other {} are in the table and in their tickets.", n - MOST_CARDS),
        );
        blocks.push(Block::Text { text });
    }
    let mut number = 1;
    let mut part = |build: &Build<'_>, zh: &str, en: &str, content: Vec<Block>| {
        if content.is_empty() {
            return Vec::new();
        }
        let heading = build.pick(format!("4.{number} {zh}"), format!("4.{number} {en}"));
        number += 1;
        let mut blocks = vec![Block::Heading { text: heading }];
        blocks.extend(content);
        blocks
    };
    let content = closed(build);
    blocks.extend(part(build, "本期已关闭的隐患", "Dangers closed in this period", content));
    let content = advice(build);
    blocks.extend(part(build, "改进建议（不计故障）", "Advice (no faults)", content));
    let content = blind(build);
    blocks.extend(part(build, "未能看到的部分", "What could not be seen", content));
    let content = service::write(build);
    blocks.extend(part(build, "工单与服务时限", "Tickets and service clocks", content));
    Section { id: "part4".to_owned(), heading, blocks }
}

/// `H-01`.
pub(crate) fn number(at: usize) -> String {
    format!("H-{:02}", at + 1)
}

/// One line for the summary and the conclusion.
pub(crate) fn headline(build: &mut Build<'_>, at: usize) -> Statement {
    let case = build.counted.findings[at].case;
    let level = words::level(build.lang, build.counted.findings[at].level);
    let what = danger::title(build, case);
    let text = build
        .pick(format!("{} {level}：{what}", number(at)), format!("{} {level}: {what}", number(at)));
    let source = build.case(case);
    build.index.say(text, &[source])
}

/// How many dangers of which level; what carried over.
pub(crate) fn overall(build: &mut Build<'_>) -> Statement {
    let figures = build.counted.figures.clone();
    let lang = build.lang;
    let all: u32 = figures.open.iter().sum();
    let closed: u32 = figures.closed.iter().sum();
    let levels: Vec<String> = LEVELS
        .into_iter()
        .map(|it| (it, figures.open[usize::from(it.number() - 1)]))
        .filter(|(_, n)| *n > 0)
        .map(|(it, n)| {
            let word = words::level(lang, it);
            build.pick(format!("{word} {n} 项"), format!("{n} of {}", word.to_lowercase()))
        })
        .collect();
    let source = build.cases();
    if all == 0 {
        let read = figures.checks_read > 0;
        let mut text = if read {
            build.pick(
                "在已取得结果的检查项中，没有发现未关闭的安全隐患。",
                "The checks that gave a result show no standing danger.",
            )
        } else {
            build.pick(
                "本期没有取得检查结果，不能说明是否存在安全隐患。",
                "No check gave a result; whether there are dangers cannot be said.",
            )
        };
        if closed > 0 {
            text.push_str(&build.pick(
                format!("本期出现过的 {closed} 项已经关闭。"),
                format!(
                    " {} of this period {} been closed.",
                    words::plural(u64::from(closed), "danger", "dangers"),
                    if closed == 1 { "has" } else { "have" }
                ),
            ));
        }
        let coverage = build.coverage();
        return build.index.say(text, &[source, coverage]);
    }
    let levels = words::list(lang, &levels);
    let mut text = build.pick(
        format!("截至本期末，未关闭的安全隐患共 {all} 项：{levels}。"),
        format!(
            "At the end of the period {} standing: {levels}.",
            if all == 1 { "1 danger is".to_owned() } else { format!("{all} dangers are") }
        ),
    );
    if figures.carried > 0 {
        let worse = match figures.worse {
            0 => String::new(),
            n => build.pick(format!("（恶化 {n} 项）"), format!(" ({n} worse)")),
        };
        text.push_str(&build.pick(
            format!("其中新增 {} 项，遗留 {} 项{worse}。", figures.new, figures.carried),
            format!(" Of these {} new and {} carried over{worse}.", figures.new, figures.carried),
        ));
    }
    if closed > 0 {
        text.push_str(&build.pick(
            format!("本期已关闭 {closed} 项。"),
            format!(" {closed} closed in this period."),
        ));
    }
    build.index.say(text, &[source])
}

fn list(build: &mut Build<'_>) -> Table {
    let mut rows = Vec::new();
    for at in 0..build.counted.findings.len().min(MOST_ROWS) {
        let case = build.counted.findings[at].case;
        let level = build.counted.findings[at].level;
        let state = danger::standing(build, &build.counted.findings[at]);
        let source = build.case(case);
        let refs = build.index.numbers(&[source]);
        rows.push(vec![
            Cell { refs, ..cell(number(at)) },
            toned(words::level(build.lang, level), words::level_tone(level)),
            cell(danger::title(build, case)),
            cell(state),
            cell(build.time(case.opened_at)),
        ]);
    }
    Table {
        caption: build.pick("安全隐患一览", "Dangers at a glance"),
        columns: vec![
            column(build.pick("编号", "Number"), 0),
            column(build.pick("级别", "Level"), 0),
            column(build.pick("隐患", "Danger"), 1),
            column(build.pick("状态", "State"), 0),
            column(build.pick("发现时间", "Since"), 0),
        ],
        rows,
    }
}

fn closed(build: &mut Build<'_>) -> Vec<Block> {
    let mut rows = Vec::new();
    for at in 0..build.counted.closed.len().min(MOST_ROWS) {
        let case = build.counted.closed[at].case;
        let level = build.counted.closed[at].level;
        let why = case.log.iter().rev().find(|it| it.kind == crate::classify::CaseChange::Closed);
        let why = why.map(|it| words::clean(it.why.in_lang(build.lang))).unwrap_or_default();
        let source = build.case(case);
        let refs = build.index.numbers(&[source]);
        let ended = case.closed_at.map(|it| build.time(it)).unwrap_or_default();
        rows.push(vec![
            toned(words::level(build.lang, level), words::level_tone(level)),
            Cell { refs, small: why, ..cell(danger::title(build, case)) },
            cell(build.time(case.opened_at)),
            cell(ended),
        ]);
    }
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Block::Table(Table {
        caption: build
            .pick("经后续读数确认已消除的隐患", "Dangers that later readings showed to be gone"),
        columns: vec![
            column(build.pick("级别", "Level"), 0),
            column(build.pick("隐患 / 关闭依据", "Danger / why closed"), 1),
            column(build.pick("发现时间", "Since"), 0),
            column(build.pick("关闭时间", "Closed"), 0),
        ],
        rows,
    })]
}

fn advice(build: &mut Build<'_>) -> Vec<Block> {
    let cases = build.counted.advice.clone();
    let row = |case: &Case, build: &Build<'_>| {
        let fact = case.facts.first();
        fact.map(|it| words::clean(it.advice.in_lang(build.lang))).unwrap_or_default()
    };
    table_of(
        build,
        &cases,
        ("对不构成故障、但值得处理的情况的建议", "Advice on what is no fault and yet worth doing"),
        ("建议", "Advice"),
        row,
    )
}

fn blind(build: &mut Build<'_>) -> Vec<Block> {
    let cases = build.counted.blind.clone();
    // The first column has the finding already, which the sentence ends with.
    let row = |case: &Case, build: &Build<'_>| {
        let because = case.decision.because.in_lang(build.lang);
        let said = case.facts.iter().find_map(|it| {
            because.strip_suffix(it.message.in_lang(build.lang)).filter(|it| !it.is_empty())
        });
        words::clean(said.map_or(because, |it| it.trim_end_matches(['：', ':', ' '])))
    };
    table_of(
        build,
        &cases,
        (
            "采集盲区（不作判断，也不按正常处理）",
            "Blind spots (not judged, and not taken for normal)",
        ),
        ("原因", "Reason"),
        row,
    )
}

/// Cases without a level, one a row.
fn table_of(
    build: &mut Build<'_>,
    cases: &[&Case],
    caption: (&str, &str),
    last: (&str, &str),
    text: impl Fn(&Case, &Build<'_>) -> String,
) -> Vec<Block> {
    let mut rows = Vec::new();
    for case in cases.iter().take(MOST_ROWS) {
        let source = build.case(case);
        let refs = build.index.numbers(&[source]);
        rows.push(vec![
            Cell { refs, tone: Tone::Plain, ..cell(danger::title(build, case)) },
            cell(text(case, build)),
        ]);
    }
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Block::Table(Table {
        caption: build.pick(caption.0, caption.1),
        columns: vec![
            column(build.pick("对象与现象", "Object and finding"), 1),
            column(build.pick(last.0, last.1), 1),
        ],
        rows,
    })]
}
