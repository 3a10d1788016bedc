//! Part 1: why this inspection was made, and what it paid special attention to.

use xunjian_proto::KINDS;

use super::{Build, figures::Standing, front};
use crate::report::{
    evidence::Source,
    model::{Block, Section, Statement},
    words,
};

const MOST_FOCUS: usize = 6;

pub(crate) fn write(build: &mut Build<'_>) -> Section {
    let mut blocks = vec![
        Block::Heading { text: build.pick("1.1 巡检目的", "1.1 Purpose") },
        Block::Para { items: purpose(build) },
        Block::Heading { text: build.pick("1.2 巡检范围", "1.2 Scope") },
        Block::Para { items: scope(build) },
        Block::Heading { text: build.pick("1.3 本期侧重点", "1.3 Focus of this period") },
    ];
    blocks.push(Block::List { items: focus(build), numbered: true });
    let heading = build.pick("一、巡检目的及侧重点", "1 Purpose and focus of the inspection");
    Section { id: "part1".to_owned(), heading, blocks }
}

fn purpose(build: &mut Build<'_>) -> Vec<Statement> {
    let contract = build.contract();
    let period = front::period(build);
    let customer = words::clean(build.input.contract.customer_title(build.lang));
    let text = build.pick(
        format!("依据服务合同的定期巡检条款，对{customer}所属的服务器与存储系统进行季度深度巡检，周期为{period}，目的是掌握设备的真实运行状况，在故障影响业务之前发现隐患，核对冗余与备件条件，并给出可执行的处理建议。"),
        format!("By the contract's clause on periodic inspection, the servers and storage systems of {customer} were inspected in depth for the quarter ({period}): to know how they really run, to find dangers before they reach the service, to check redundancy and spares, and to give advice that can be acted on."),
    );
    vec![build.index.say(text, &[contract])]
}

fn scope(build: &mut Build<'_>) -> Vec<Statement> {
    let figures = build.counted.figures.clone();
    let lang = build.lang;
    let kinds: Vec<String> = KINDS
        .iter()
        .filter(|it| it.counted)
        .filter_map(|kind| Some((kind.name, *figures.components.get(kind.name)?)))
        .map(|(kind, n)| words::count_of(lang, kind, n))
        .collect();
    let hosts = words::count_of(lang, "host", figures.hosts);
    let parts = words::list(lang, &kinds);
    let text = if kinds.is_empty() {
        build.pick(format!("范围：{hosts}。"), format!("Scope: {hosts}."))
    } else {
        build.pick(
            format!("范围：{hosts}，已识别的部件包括 {parts}。"),
            format!("Scope: {hosts}, with {parts} recognised."),
        )
    };
    let mut sources = vec![build.hosts()];
    sources.extend(build.input.hosts.iter().take(6).map(|host| build.inventory(host)));
    let mut items = vec![build.index.say(text, &sources)];
    let rules = build.rules();
    let n = build.input.checks.len() as u64;
    if n > 0 {
        let text = build.pick(
            format!("检查依据为规则库 {} 的 {n} 个检查项。", build.input.rule_set),
            format!(
                "Judged by {} of rule set {}.",
                words::plural(n, "check item", "check items"),
                build.input.rule_set
            ),
        );
        items.push(build.index.say(text, &[rules]));
    }
    if !build.counted.silent.is_empty() {
        items.push(silent(build));
    }
    items
}

/// Machines in scope without readings, by name.
pub(crate) fn silent(build: &mut Build<'_>) -> Statement {
    const MOST: usize = 12;
    let names = &build.counted.silent;
    let shown: Vec<String> = names.iter().take(MOST).map(|it| words::clean(it)).collect();
    let more = names.len() - shown.len();
    let list = words::list(build.lang, &shown);
    let text = build.pick(
        format!(
            "其中 {} 台主机本期没有数据，未作判断：{list}{}。",
            names.len(),
            if more > 0 { format!(" 等（另有 {more} 台）") } else { String::new() }
        ),
        format!(
            "{} sent no readings in this period and {} not judged: {list}{}.",
            words::plural(names.len() as u64, "host", "hosts"),
            if names.len() == 1 { "is" } else { "are" },
            if more > 0 { format!(" and {more} more") } else { String::new() }
        ),
    );
    let (hosts, contract) = (build.hosts(), build.contract());
    build.index.say(text, &[hosts, contract])
}

/// What was looked at first: what was left over, what the gravest evidence is about, what could not be read before.
fn focus(build: &mut Build<'_>) -> Vec<Statement> {
    let mut wanted: Vec<(String, Vec<Source>)> = Vec::new();
    for finding in build.counted.findings.iter().filter(|it| it.standing != Standing::New) {
        let level = words::level(build.lang, finding.level);
        let name = words::clean(&finding.case.component_name);
        let host = build.place_name(finding.case);
        let text = build.pick(
            format!("上期遗留问题的复核：{host} {name}（{level}）。"),
            format!("Review of what was left over: {name} on {host} ({level})."),
        );
        wanted.push((text, vec![build.case(finding.case)]));
    }
    let left = wanted.len();
    wanted.truncate(MOST_FOCUS);
    if left > MOST_FOCUS {
        let more = left - MOST_FOCUS;
        let text = build.pick(
            format!("其余 {more} 项遗留问题的复核。"),
            format!("Review of {more} more that were left over."),
        );
        wanted.push((text, vec![build.cases()]));
    }
    if build.counted.figures.components.contains_key("md") {
        wanted.push((build.pick("磁盘阵列的剩余冗余：再失效几块盘会造成数据或服务丢失，热备是否就绪。", "Redundancy left in the arrays: how many more losses they survive, and whether a spare is ready."), vec![build.rules()]));
    }
    if build.counted.figures.components.contains_key("disk") {
        wanted.push((build.pick("磁盘的介质健康与预失效迹象，以计数的增长而非绝对值判断。", "Media health and signs of coming failure of the disks, judged by growth of the counters, not by their totals."), vec![build.rules()]));
    }
    wanted.push((build.pick("文件系统容量、系统服务和内核日志中直接影响业务的异常。", "Space of the file systems, system services and kernel messages that bear directly on the service."), vec![build.rules()]));
    wanted.push((build.pick("数据是否完整：没有读到的内容逐项列出原因，不以“正常”代替。", "Completeness: whatever was not read is listed with the reason, never taken for normal."), vec![build.coverage()]));
    wanted.into_iter().map(|(text, sources)| build.index.say(text, &sources)).collect()
}
