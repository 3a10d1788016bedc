//! Part 3: what was inspected, class by class; execution kept apart from the result, gaps with their reasons.

use std::collections::BTreeMap;

use xunjian_proto::Kind;

use super::{Build, cell, chart, column, figures::ItemTally, inventory, number_column, toned};
use crate::report::{
    model::{Block, Cell, Section, Statement, Table, Tone},
    words,
};

pub(crate) fn write(build: &mut Build<'_>) -> Section {
    let heading = build.pick("三、巡检内容", "3 What was inspected");
    let mut blocks = vec![Block::Heading { text: build.pick("3.1 覆盖情况", "3.1 Coverage") }];
    blocks.push(Block::Para { items: coverage_words(build) });
    blocks.extend(coverage(build).map(Block::Table));
    blocks.push(Block::Heading { text: build.pick("3.2 资产清单", "3.2 Inventory") });
    blocks.extend(inventory::write(build));
    let mut number = 3;
    let (there, not_there): (Vec<String>, Vec<String>) =
        kinds(build).into_iter().partition(|kind| is_there(build, kind));
    for kind in there {
        let title = words::kind(build.lang, &kind);
        blocks.push(Block::Heading { text: format!("3.{number} {title}") });
        blocks.extend(class(build, &kind));
        number += 1;
    }
    if !not_there.is_empty() {
        let text = build.pick("未发现的设备类别", "What was not found");
        blocks.push(Block::Heading { text: format!("3.{number} {text}") });
        blocks.push(Block::Para { items: vec![not_found(build, &not_there)] });
        number += 1;
    }
    let charts = chart::draw(build);
    if !charts.is_empty() {
        let text = if build.counted.figures.single_round {
            build.pick("运行数据", "Readings")
        } else {
            build.pick("运行趋势", "Trends")
        };
        blocks.push(Block::Heading { text: format!("3.{number} {text}") });
        blocks.extend(charts);
    }
    Section { id: "part3".to_owned(), heading, blocks }
}

/// Kinds that are checked, in the report's order.
pub(crate) fn kinds(build: &Build<'_>) -> Vec<String> {
    let mut kinds: Vec<&str> = build.input.checks.iter().map(|item| item.kind.as_str()).collect();
    kinds.sort_by_key(|kind| (Kind::place(kind), *kind));
    kinds.dedup();
    kinds.into_iter().map(str::to_owned).collect()
}

/// Whether a check of the kind had something to look at.
fn is_there(build: &Build<'_>, kind: &str) -> bool {
    let seen = build.counted.figures.components.get(kind).is_some_and(|count| *count > 0);
    seen || build.counted.items.iter().any(|it| it.item.kind == kind && it.applies() > 0)
}

/// The kinds of which no host has any, all in one sentence: a heading for each would be most of the report.
fn not_found(build: &mut Build<'_>, kinds: &[String]) -> Statement {
    let items = build.counted.items.iter().filter(|it| kinds.contains(&it.item.kind)).count();
    let names: Vec<String> = kinds.iter().map(|kind| words::kind(build.lang, kind)).collect();
    let list = words::list(build.lang, &names);
    let text = build.pick(
        format!("受检主机上未发现下列设备（未安装读取软件的设备无法发现），相应的 {items} 个检查项不计入覆盖率：{list}。"),
        format!("None of the following was found on the hosts (where the software to read it is not installed, it cannot be found), so {} do not count in the coverage: {list}.", words::plural(items as u64, "check item", "check items")),
    );
    let sources = [build.coverage(), build.hosts()];
    build.index.say(text, &sources)
}

fn coverage_words(build: &mut Build<'_>) -> Vec<Statement> {
    let figures = build.counted.figures.clone();
    let (read, all) = (u64::from(figures.checks_read), u64::from(figures.checks));
    let source = build.coverage();
    let text = match figures.coverage_percent {
        None => build.pick("本期没有可执行的检查项。", "There was nothing to check in this period."),
        Some(100) => build.pick(
            format!("应检 {} 项次，全部取得结果，覆盖率 100%。", words::number(all)),
            format!("{} were due and all gave a result: coverage 100 %.", words::plural(all, "check", "checks")),
        ),
        Some(percent) => build.pick(
            format!("应检 {} 项次，{} 项次取得结果，覆盖率 {percent}%；其余 {} 项次未取得结果，原因逐项列出，不计为正常。", words::number(all), words::number(read), words::number(all - read)),
            format!("{} were due and {} gave a result: coverage {percent} %. The other {} are listed with the reason and do not count as normal.", words::plural(all, "check", "checks"), words::number(read), words::number(all - read)),
        ),
    };
    let mut items = vec![build.index.say(text, &[source])];
    if !build.counted.silent.is_empty() {
        items.push(super::purpose::silent(build));
    }
    items
}

/// Coverage by class of equipment.
fn coverage(build: &mut Build<'_>) -> Option<Table> {
    let source = build.coverage();
    let refs = build.index.numbers(&[source]);
    let mut rows = Vec::new();
    for kind in kinds(build) {
        let (mut read, mut all, mut abnormal, mut pending) = (0, 0, 0, 0);
        for tally in build.counted.items.iter().filter(|it| it.item.kind == kind) {
            read += tally.read;
            all += tally.applies();
            abnormal += tally.abnormal;
            pending += tally.pending;
        }
        let seen = build.counted.figures.components.get(&kind).copied().unwrap_or(0);
        if all == 0 {
            continue;
        }
        let percent = read * 100 / all;
        let tone = if read == all { Tone::Good } else { Tone::Unknown };
        let result = match (read, abnormal, pending) {
            (0, ..) => toned("—", Tone::Muted),
            (_, 0, 0) => toned(build.pick("正常", "normal"), Tone::Good),
            (_, 0, n) => toned(
                build.pick(format!("待确认 {n} 项次"), format!("{n} to be confirmed")),
                Tone::Unknown,
            ),
            (_, n, _) => {
                toned(build.pick(format!("异常 {n} 项次"), format!("{n} abnormal")), Tone::Bad)
            }
        };
        rows.push(vec![
            Cell { refs: refs.clone(), ..cell(words::kind(build.lang, &kind)) },
            cell(if seen == 0 { "—".to_owned() } else { words::number(u64::from(seen)) }),
            cell(words::number(u64::from(all))),
            cell(words::number(u64::from(read))),
            toned(format!("{percent}%"), tone),
            result,
        ]);
    }
    (!rows.is_empty()).then(|| Table {
        caption: build.pick(
            "各类设备的覆盖率（巡检结果仅就已取得结果的部分而言）",
            "Coverage by class (results speak only of what was read)",
        ),
        columns: vec![
            column(build.pick("设备类别", "Class"), 1),
            number_column(build.pick("部件数", "Components")),
            number_column(build.pick("应检项次", "Due")),
            number_column(build.pick("取得结果", "With result")),
            number_column(build.pick("覆盖率", "Coverage")),
            column(build.pick("巡检结果", "Result"), 0),
        ],
        rows,
    })
}

fn class(build: &mut Build<'_>, kind: &str) -> Vec<Block> {
    let mut places: Vec<usize> = (0..build.counted.items.len())
        .filter(|at| build.counted.items[*at].item.kind == kind)
        .collect();
    // What is read in the same way stands together.
    places.sort_by_key(|at| build.counted.items[*at].item.source.as_str());
    let mut rows = Vec::new();
    let (mut unused, mut unread) = (Vec::new(), BTreeMap::<String, Vec<usize>>::new());
    let mut method = String::new();
    for at in places {
        let source = {
            let name = &build.counted.items[at].item.source;
            build.ledger(name)
        };
        if build.counted.items[at].applies() == 0 {
            unused.push(words::clean(build.counted.items[at].item.item.in_lang(build.lang)));
            continue;
        }
        if let Some(why) = nowhere(build, &build.counted.items[at]) {
            unread.entry(why).or_default().push(at);
            continue;
        }
        let rules = build.rules();
        let refs = build.index.numbers(&[source, rules]);
        rows.push(row(build, &build.counted.items[at], refs, &mut method));
    }
    let mut blocks = Vec::new();
    if !rows.is_empty() {
        blocks.push(Block::Table(table(build, kind, rows)));
    }
    for (why, items) in unread {
        blocks.push(Block::Para { items: vec![not_executed(build, &why, &items)] });
    }
    if !unused.is_empty() {
        blocks.push(Block::Para { items: vec![not_applicable(build, &unused)] });
    }
    blocks
}

/// Why a check was not executed on any object, if one reason stands for all of them.
fn nowhere(build: &Build<'_>, tally: &ItemTally<'_>) -> Option<String> {
    let alone = tally.not_run == tally.applies() && tally.whys.len() == 1;
    let why = tally.whys.keys().next().filter(|_| alone)?;
    Some(reason(build, why))
}

/// Checks that share a reason why they were not executed are told together; they count as due.
fn not_executed(build: &mut Build<'_>, why: &str, items: &[usize]) -> Statement {
    let names: Vec<String> = items
        .iter()
        .map(|at| words::clean(build.counted.items[*at].item.item.in_lang(build.lang)))
        .collect();
    let list = words::list(build.lang, &names);
    let sources: Vec<String> =
        items.iter().map(|at| build.counted.items[*at].item.source.clone()).collect();
    let mut evidence = vec![build.coverage()];
    for source in sources {
        let ledger = build.ledger(&source);
        if !evidence.contains(&ledger) {
            evidence.push(ledger);
        }
    }
    let text = build.pick(
        format!("执行状态：未执行，原因：{why}（{} 个检查项，计入应检）：{list}。", items.len()),
        format!(
            "Not executed, reason: {why} ({}, counted as due): {list}.",
            words::plural(items.len() as u64, "check item", "check items")
        ),
    );
    build.index.say(text, &evidence)
}

fn table(build: &Build<'_>, kind: &str, rows: Vec<Vec<Cell>>) -> Table {
    let title = words::kind(build.lang, kind);
    Table {
        caption: build.pick(format!("{title}：检查项"), format!("{title}: check items")),
        columns: vec![
            column(build.pick("检查项 / 检查方法", "Check item / method"), 4),
            column(build.pick("判断标准", "Criterion"), 4),
            number_column(build.pick("对象", "Objects")),
            column(build.pick("执行状态", "Execution"), 2),
            column(build.pick("巡检结果", "Result"), 2),
        ],
        rows,
    }
}

/// `method` is that of the row before, which need not be said again.
fn row(build: &Build<'_>, tally: &ItemTally<'_>, refs: Vec<u32>, method: &mut String) -> Vec<Cell> {
    let item = tally.item;
    let text = |it: &xunjian_rules::Text| words::clean(it.in_lang(build.lang));
    let own = text(&item.method);
    let small = if own == *method { build.pick("方法同上", "as above") } else { own.clone() };
    *method = own;
    vec![
        Cell { small, refs, ..cell(text(&item.item)) },
        cell(text(&item.criterion)),
        cell(words::number(u64::from(tally.applies()))),
        execution(build, tally),
        result(build, tally),
    ]
}

/// 执行状态: whether there is a result, with the commonest reason why not.
fn execution(build: &Build<'_>, tally: &ItemTally<'_>) -> Cell {
    let mut words = Vec::new();
    let single = tally.read == tally.applies();
    if tally.read > 0 {
        let word = build.pick("正常", "normal");
        words.push(if single { word } else { format!("{word} {}", tally.read) });
    }
    let whole = tally.read == 0;
    let mut add = |n: u32, zh: &str, en: &str| {
        if n > 0 {
            let word = build.pick(zh, en);
            let alone = whole && n == tally.applies();
            words.push(if alone { word } else { format!("{word} {n}") });
        }
    };
    add(tally.failed, "异常", "abnormal");
    add(tally.not_run, "未执行", "not executed");
    let small = tally
        .whys
        .iter()
        .max_by_key(|(why, n)| (**n, std::cmp::Reverse(*why)))
        .map(|(why, _)| reason(build, why))
        .unwrap_or_default();
    let tone = if single { Tone::Good } else { Tone::Unknown };
    let joint = build.pick("，", ", ");
    Cell { text: words.join(&joint), small, tone, refs: Vec::new() }
}

/// 巡检结果: only of what was read.
fn result(build: &Build<'_>, tally: &ItemTally<'_>) -> Cell {
    let (abnormal, pending) = (tally.abnormal, tally.pending);
    let normal = tally.read - abnormal - pending;
    let words = [
        (abnormal, build.pick("异常", "abnormal")),
        (pending, build.pick("待确认", "to be confirmed")),
        (normal, build.pick("正常", "normal")),
    ];
    if tally.read == normal && normal > 0 {
        return toned(build.pick("正常", "normal"), Tone::Good);
    }
    let words: Vec<String> =
        words.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{word} {n}")).collect();
    match (words.is_empty(), abnormal) {
        (true, _) => toned("—", Tone::Muted),
        (false, 0) => toned(words.join(&build.pick("，", ", ")), Tone::Unknown),
        (false, _) => toned(words.join(&build.pick("，", ", ")), Tone::Bad),
    }
}

/// Why there is no result, in the report's language; the agent's own words only where no closed reason fits.
pub(crate) fn reason(build: &Build<'_>, why: &crate::report::input::Why) -> String {
    match why.reason {
        Some(reason) => words::reason(build.lang, reason),
        None => words::clean(why.text.in_lang(build.lang)),
    }
}

fn not_applicable(build: &mut Build<'_>, names: &[String]) -> Statement {
    const MOST: usize = 12;
    let list = match names.get(..MOST).filter(|_| names.len() > MOST) {
        None => words::list(build.lang, names),
        Some(first) => build.pick(
            format!("{} 等 {} 项", first.join("、"), names.len()),
            format!("{} and {} others", first.join(", "), names.len() - MOST),
        ),
    };
    let text = build.pick(
        format!("以下检查项未执行，因为没有发现适用的部件，不计入覆盖率：{list}。"),
        format!("Not executed, because no component was found that they apply to (not counted in the coverage): {list}."),
    );
    let sources = [build.coverage(), build.hosts()];
    build.index.say(text, &sources)
}
