//! Part 5: the conclusion, in sentences made from the figures, and what to do next.

use super::{Build, assess::assess, dangers, impact, service};
use crate::report::{
    model::{Block, Section, Statement},
    words,
};

const MOST_ADVICE: usize = 8;

pub(crate) fn write(build: &mut Build<'_>) -> Section {
    let heading = build.pick("五、结论", "5 Conclusion");
    let overall = assess(build);
    let basis = [build.cases(), build.coverage()];
    let text = build.pick(
        format!("总体评价为“{}”：{}", overall.word, overall.sentence),
        format!("Overall: {}. {}", overall.word.to_lowercase(), overall.sentence),
    );
    let mut items = vec![build.index.say(text, &basis)];
    items.push(dangers::overall(build));
    items.push(coverage(build));
    items.push(impact::verdict(build));
    if !build.input.tickets.is_empty() {
        items.push(service::overall(build));
    }
    let title = build.pick("5.1 巡检结论", "5.1 Findings");
    let mut blocks = vec![Block::Heading { text: title }, Block::List { items, numbered: true }];
    let next = next(build);
    if !next.is_empty() {
        blocks.push(Block::Heading { text: build.pick("5.2 后续安排", "5.2 What comes next") });
        blocks.push(Block::List { items: next, numbered: true });
    }
    Section { id: "part5".to_owned(), heading, blocks }
}

fn coverage(build: &mut Build<'_>) -> Statement {
    let figures = build.counted.figures.clone();
    let (read, all) = (figures.hosts_read, figures.hosts);
    let hosts = if read == all {
        build.pick(
            format!("应巡检主机 {all} 台，全部取得数据"),
            format!(
                "Readings came from {}",
                if all == 1 {
                    "the one host in scope".to_owned()
                } else {
                    format!("all {all} hosts in scope")
                }
            ),
        )
    } else {
        build.pick(
            format!("应巡检主机 {all} 台，{read} 台取得数据，{} 台无数据", all - read),
            format!("Readings came from {read} of {all} hosts in scope"),
        )
    };
    let checks = match figures.coverage_percent {
        None => build.pick("没有取得检查结果。", "no check gave a result."),
        Some(100) => build.pick("检查项全部取得结果。", "all checks gave a result."),
        Some(percent) => build.pick(
            format!("检查项覆盖率 {percent}%，未覆盖部分不作“正常”结论。"),
            format!("{percent} % of the checks gave a result, and the rest is not called normal."),
        ),
    };
    let joint = build.pick("；", "; ");
    let sources = [build.hosts(), build.coverage()];
    build.index.say(format!("{hosts}{joint}{checks}"), &sources)
}

/// What to do: the gravest dangers, the gaps, the agreed dates.
fn next(build: &mut Build<'_>) -> Vec<Statement> {
    let mut items = Vec::new();
    for at in 0..build.counted.findings.len().min(MOST_ADVICE) {
        let case = build.counted.findings[at].case;
        let Some(fact) = case.facts.first() else { continue };
        let advice = words::clean(fact.advice.in_lang(build.lang));
        if advice.is_empty() {
            continue;
        }
        let level = words::level(build.lang, build.counted.findings[at].level);
        let name = words::clean(&case.component_name);
        let number = dangers::number(at);
        let text = build.pick(
            format!("{number}（{level}，{name}）：{advice}"),
            format!("{number} ({level}, {name}): {advice}"),
        );
        let source = build.case(case);
        items.push(build.index.say(text, &[source]));
    }
    items.extend(gaps(build));
    items.extend(dates(build));
    items
}

fn gaps(build: &mut Build<'_>) -> Option<Statement> {
    let figures = build.counted.figures.clone();
    let missing = u64::from(figures.checks - figures.checks_read);
    if missing == 0 && build.counted.silent.is_empty() {
        return None;
    }
    let text = match (missing, build.counted.silent.len()) {
        (0, n) => build.pick(format!("恢复 {n} 台无数据主机的采集。"), format!("Restore collection on {} without readings.", words::plural(n as u64, "host", "hosts"))),
        (n, 0) => build.pick(format!("按“缺失数据清单”补齐 {} 项次未取得结果的检查。", words::number(n)), format!("Close the gaps in the list of missing data ({}).", words::plural(n, "check", "checks"))),
        (n, hosts) => build.pick(
            format!("恢复 {hosts} 台无数据主机的采集，并按“缺失数据清单”补齐 {} 项次未取得结果的检查。", words::number(n)),
            format!("Restore collection on {} without readings, and close the gaps in the list of missing data ({}).", words::plural(hosts as u64, "host", "hosts"), words::plural(n, "check", "checks")),
        ),
    };
    let source = build.coverage();
    Some(build.index.say(text, &[source]))
}

fn dates(build: &mut Build<'_>) -> Vec<Statement> {
    let today = words::local(build.zone, build.input.now).date_naive();
    let next = |kind: &str| {
        let all = build.input.contract.calendar.iter();
        all.filter(|it| it.kind == kind && it.date > today).map(|it| it.date).min()
    };
    let wanted = [
        (next("inspection"), "下次定期巡检", "Next periodic inspection"),
        (next("training"), "下次培训", "Next training"),
    ];
    let contract = build.contract();
    let mut items = Vec::new();
    for (date, zh, en) in wanted {
        let Some(date) = date else { continue };
        let day = date.format("%Y-%m-%d");
        let text = build.pick(format!("{zh}：{day}。"), format!("{en}: {day}."));
        items.push(build.index.say(text, std::slice::from_ref(&contract)));
    }
    items
}
