//! Appendix: what is missing and why, what judged, glossary. The evidence index follows it in every rendering.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_agent::drives::TABLE_ATTR;

use super::{Build, cell, column, content, toned};
use crate::{
    evaluate::reason_text,
    report::{
        input::{Got, Why},
        model::{Block, Cell, Section, Table, Tone},
        words,
    },
};

const MOST_ROWS: usize = 150;

pub(crate) fn write(build: &mut Build<'_>) -> Section {
    let mut blocks = Vec::new();
    blocks.push(Block::Heading {
        text: build.pick("附录 A 缺失数据清单", "Appendix A Missing data"),
    });
    blocks.extend(missing(build));
    blocks.push(Block::Heading {
        text: build.pick("附录 B 判断依据", "Appendix B What judged")
    });
    let rules = build.rules();
    let text = build.pick(
        format!("规则库版本：{}。相同的读数、合同与规则库得到相同的结论。", build.input.rule_set),
        format!(
            "Rule set: {}. The same readings, contract and rules give the same conclusions.",
            build.input.rule_set
        ),
    );
    blocks.push(Block::Para { items: vec![build.index.say(text, &[rules])] });
    if let Some(versions) = drive_tables(build) {
        let text = build.pick(
            format!("磁盘 SMART 属性解码表版本：{versions}。型号不在表中的磁盘按标准解读，可信度较低。"),
            format!(
                "Decoding table of drives' SMART attributes: {versions}. Models that are not in it are read by the standard, with less confidence."
            ),
        );
        let rules = build.rules();
        blocks.push(Block::Para { items: vec![build.index.say(text, &[rules])] });
    }
    blocks.push(Block::Heading { text: build.pick("附录 C 术语", "Appendix C Glossary") });
    blocks.push(Block::Table(glossary(build)));
    blocks.push(Block::Heading {
        text: build.pick("附录 D 证据索引", "Appendix D Evidence index"),
    });
    Section { id: "appendix".to_owned(), heading: build.pick("附录", "Appendix"), blocks }
}

/// Versions of the table by which agents decoded the drives; none without drives that need it.
fn drive_tables(build: &Build<'_>) -> Option<String> {
    let components = build.input.hosts.iter().flat_map(|it| &it.components);
    let versions: BTreeSet<&str> =
        components.filter_map(|(it, _)| it.attrs.get(TABLE_ATTR).map(String::as_str)).collect();
    (!versions.is_empty()).then(|| versions.into_iter().collect::<Vec<_>>().join(", "))
}

/// Gaps, one row per machine, component and reason.
fn missing(build: &mut Build<'_>) -> Vec<Block> {
    let mut found: BTreeMap<(String, String, bool, Why), Vec<&str>> = BTreeMap::new();
    for host in &build.input.hosts {
        let hostname = build.host_name(host);
        for checked in &host.checked {
            let (failed, why) = match &checked.got {
                Got::Failed(why) => (true, why),
                Got::NotRun(why) => (false, why),
                _ => continue,
            };
            let name = host.components.iter().find(|(it, _)| it.id == checked.component);
            let name =
                name.map_or_else(|| checked.component.to_string(), |(it, _)| it.name.clone());
            let name = words::clean(&name);
            let gap = (hostname.clone(), name, failed, why.clone());
            found.entry(gap).or_default().push(&checked.rule);
        }
    }
    let source = build.coverage();
    if found.is_empty() && build.counted.silent.is_empty() {
        let text = build.pick(
            "没有缺失：应检项次全部取得结果。",
            "None: every check that was due gave a result.",
        );
        return vec![Block::Para { items: vec![build.index.say(text, &[source])] }];
    }
    let mut blocks = Vec::new();
    if !build.counted.silent.is_empty() {
        blocks.push(Block::Para { items: vec![super::purpose::silent(build)] });
    }
    let total = found.len();
    let refs = build.index.numbers(&[source]);
    let rows: Vec<Vec<Cell>> = found
        .into_iter()
        .take(MOST_ROWS)
        .map(|((host, name, failed, why), rules)| {
            let whole =
                if name == host || name.is_empty() { host } else { format!("{host} {name}") };
            row(build, whole, failed, &why, &rules, &refs)
        })
        .collect();
    if rows.is_empty() {
        return blocks;
    }
    let caption = if total > MOST_ROWS {
        build.pick(
            format!("未取得结果的检查（共 {total} 条，列出 {MOST_ROWS} 条）"),
            format!("Checks without a result ({MOST_ROWS} of {total})"),
        )
    } else {
        build.pick("未取得结果的检查", "Checks without a result")
    };
    blocks.push(Block::Table(Table {
        caption,
        columns: vec![
            column(build.pick("主机 / 部件", "Host / component"), 2),
            column(build.pick("执行状态", "Execution"), 0),
            column(build.pick("原因", "Reason"), 3),
            column(build.pick("涉及检查项", "Check items"), 3),
        ],
        rows,
    }));
    blocks
}

fn row(
    build: &Build<'_>,
    whole: String,
    failed: bool,
    why: &Why,
    rules: &[&str],
    refs: &[u32],
) -> Vec<Cell> {
    const MOST: usize = 6;
    let items: Vec<String> = rules
        .iter()
        .take(MOST)
        .filter_map(|rule| build.input.checks.iter().find(|it| it.rule == **rule))
        .map(|item| words::clean(item.item.in_lang(build.lang)))
        .collect();
    let mut text = words::list(build.lang, &items);
    if rules.len() > MOST {
        text.push_str(
            &build.pick(
                format!(" 等 {} 项", rules.len()),
                format!(" and {} more", rules.len() - MOST),
            ),
        );
    }
    let reason = content::reason(build, why);
    // The reason stands above it, in the report's own words.
    let told = why.text.in_lang(build.lang);
    let known = why.reason.map(reason_text);
    let known = known.as_ref().and_then(|it| told.strip_prefix(it.in_lang(build.lang)));
    let detail = words::clean(known.unwrap_or(told).trim_start_matches(['：', ':', ' ']));
    let small = if detail == reason { String::new() } else { detail };
    let state = if failed {
        build.pick("异常", "abnormal")
    } else {
        build.pick("未执行", "not executed")
    };
    vec![
        Cell { refs: refs.to_vec(), ..cell(whole) },
        toned(state, Tone::Unknown),
        Cell { small, ..cell(reason) },
        cell(text),
    ]
}

fn glossary(build: &Build<'_>) -> Table {
    let rows = [
        (
            "剩余冗余 R",
            "Redundancy left R",
            "在最坏情况下还能承受的成员失效次数；R = 0 表示再失效一个即中断，R < 0 表示已丢失",
            "losses of members still survivable in the worst case; R = 0: the next one interrupts, R < 0: gone",
        ),
        (
            "可疑成员",
            "Suspect",
            "仍在工作但有预失效迹象的部件",
            "a component that serves and shows signs of coming failure",
        ),
        (
            "热备",
            "Spare",
            "能自动接替失效成员的备用盘",
            "a disk that takes a lost member's place by itself",
        ),
        ("项次", "Check", "一个检查项在一个部件上的一次检查", "one check item on one component"),
        (
            "覆盖率",
            "Coverage",
            "取得结果的项次占应检项次的比例，向下取整",
            "checks with a result out of those due, rounded down",
        ),
        (
            "SMART",
            "SMART",
            "磁盘自我监测、分析与报告技术",
            "Self-Monitoring, Analysis and Reporting Technology of disks",
        ),
        (
            "P50 / P99",
            "P50 / P99",
            "中位数 / 99% 的值不超过该数",
            "median / 99 % of the values lie below",
        ),
    ];
    Table {
        caption: build.pick("本报告使用的术语", "Terms of this report"),
        columns: vec![
            column(build.pick("术语", "Term"), 0),
            column(build.pick("含义", "Meaning"), 1),
        ],
        rows: rows
            .into_iter()
            .map(|(zh, en, zh_text, en_text)| {
                vec![cell(build.pick(zh, en)), cell(build.pick(zh_text, en_text))]
            })
            .collect(),
    }
}
