//! The inspection report: five parts in order, figures and sentences from the input, evidence behind each of them.

mod faults;
mod sample;
mod stored;

use std::collections::BTreeSet;

use xunjian_collector::report::{
    Block, Figures, Got, Input, Report, Statement, Tone, build, html, pdf,
};
use xunjian_rules::Lang;

use crate::typeset::text_of;

const PARTS: [[&str; 2]; 5] = [
    ["一、巡检目的及侧重点", "1 Purpose and focus of the inspection"],
    ["二、对现运行系统的冲击和影响", "2 Impact of the inspection on the running systems"],
    ["三、巡检内容", "3 What was inspected"],
    ["四、安全隐患", "4 Hidden dangers"],
    ["五、结论", "5 Conclusion"],
];

/// Writes what a person may want to look at, where asked to (`XUNJIAN_REPORT_OUT=folder`).
fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("XUNJIAN_REPORT_OUT") {
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn typeset(name: &str, report: &Report) -> Vec<u8> {
    let made = pdf(report).unwrap();
    assert_eq!(made.warnings, Vec::<String>::new(), "{name}");
    assert_eq!(made.missing_glyphs, Vec::<char>::new(), "{name}");
    keep(&format!("{name}.pdf"), &made.bytes);
    keep(&format!("{name}.html"), html(report).as_bytes());
    made.bytes
}

fn statements(block: &Block) -> Vec<&Statement> {
    match block {
        Block::Para { items } | Block::List { items, .. } | Block::Callout { items, .. } => {
            items.iter().collect()
        }
        Block::Danger(it) => it.fields.iter().flat_map(|(_, items)| items).collect(),
        _ => Vec::new(),
    }
}

fn blocks(report: &Report) -> impl Iterator<Item = &Block> {
    report.sections.iter().flat_map(|it| &it.blocks)
}

/// Every number of evidence that the report mentions, and the rule that nothing is said without one.
fn references(report: &Report) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    for block in blocks(report) {
        for it in statements(block) {
            assert!(!it.refs.is_empty(), "a sentence without evidence: {}", it.text);
            assert!(!it.text.trim().is_empty(), "an empty sentence");
            seen.extend(&it.refs);
        }
        match block {
            Block::Tiles { tiles } => tiles.iter().for_each(|it| {
                assert!(!it.refs.is_empty(), "a number without evidence: {}", it.label);
                seen.extend(&it.refs);
            }),
            Block::Chart { refs, caption, .. } => {
                assert!(!refs.is_empty(), "a chart without evidence: {caption}");
                seen.extend(refs);
            }
            Block::Table(table) => {
                assert!(!table.rows.is_empty(), "an empty table: {}", table.caption);
                for row in &table.rows {
                    assert_eq!(row.len(), table.columns.len(), "{}", table.caption);
                    seen.extend(row.iter().flat_map(|it| &it.refs));
                }
            }
            _ => {}
        }
    }
    seen
}

#[test]
fn the_five_parts_stand_in_order_in_both_languages() {
    for (at, lang) in [Lang::Zh, Lang::En].into_iter().enumerate() {
        for (name, input) in
            [("quarter", sample::quarter(lang)), ("first", sample::first_round(lang))]
        {
            let report = build(&input);
            let name = format!("{name}-{}", if at == 0 { "zh" } else { "en" });
            let headings: Vec<&str> = report
                .sections
                .iter()
                .filter(|it| it.id.starts_with("part"))
                .map(|it| it.heading.as_str())
                .collect();
            assert_eq!(headings, PARTS.map(|it| it[at]), "{name}");
            let pdf = typeset(&name, &report);
            let page = html(&report);
            let Some(text) = text_of(&pdf) else { continue };
            let text = squeezed(&text);
            // Past the table of contents, where every heading stands once before.
            let last = squeezed(PARTS[4][at]);
            let body = text.find(&last).unwrap() + last.len();
            let mut from = body;
            for part in PARTS {
                let wanted = squeezed(part[at]);
                from += text[from..].find(&wanted).unwrap_or_else(|| panic!("{name}: {wanted}"));
                assert!(page.contains(part[at]), "{name}: the HTML lacks {}", part[at]);
            }
        }
    }
}

#[test]
fn chinese_sentences_can_be_searched_in_the_pdf() {
    let bytes = typeset("search", &build(&sample::quarter(Lang::Zh)));
    let Some(text) = text_of(&bytes) else { return };
    let text = squeezed(&text);
    for wanted in [
        "华东某超级计算中心",
        "HT-2026-0417",
        "2026年第四季度巡检报告",
        "总体评价：严重",
        "客户签字",
        "剩余冗余R=0，再失效一个成员即中断",
        "磁盘休眠，未唤醒",
        "软件RAIDmd0（RAID5，4个成员）缺失1个成员",
        "T20261230-0001",
        "下次定期巡检：2027-03-20",
    ] {
        assert!(text.contains(wanted), "not found: {wanted}");
    }
}

#[test]
fn figures_come_from_the_input() {
    let report = build(&sample::quarter(Lang::Zh));
    let figures = &report.figures;
    // The case that is a consequence of another is folded under it and not counted.
    assert_eq!(figures.open, [1, 1, 1, 1]);
    assert_eq!(figures.closed, [0, 1, 0, 0]);
    assert_eq!((figures.new, figures.carried, figures.worse), (2, 2, 1));
    assert_eq!((figures.hosts, figures.hosts_read), (3, 2));
    assert_eq!(
        (figures.tickets, figures.clocks_met, figures.clocks_missed, figures.clocks_running),
        (2, 3, 2, 1)
    );
    assert_eq!(figures.runs_failed, 8);
    assert_eq!(figures.runs_deferred, 24);
    assert_eq!(figures.components["disk"], 12);
    assert!(!figures.single_round);
    let checked: Vec<&Got> = sample_checks();
    let due = checked.iter().filter(|it| !matches!(it, Got::NotOffered)).count();
    let read = checked.iter().filter(|it| it.is_read()).count();
    assert_eq!((figures.checks as usize, figures.checks_read as usize), (due, read));
    assert_eq!(figures.coverage_percent, Some((read * 100 / due) as u32));
}

#[test]
fn a_silent_host_is_not_hidden_by_another_of_its_name() {
    let mut input = sample::quarter(Lang::Zh);
    let silent = input.hosts.iter().position(|it| it.facts.hostname == "node03").unwrap();
    input.hosts[silent].facts.hostname = "store01".to_owned();
    let agent = input.hosts[silent].agent.clone();
    let report = build(&input);
    // The contract's node03 has no agent now, and the clone that calls itself store01 sent nothing.
    assert_eq!((report.figures.hosts, report.figures.hosts_read), (4, 2));
    let Some(text) = text_of(&typeset("namesakes", &report)) else { return };
    let text = squeezed(&text);
    assert!(text.contains("node03"), "{text}");
    assert!(text.contains(&format!("store01({})", &agent[..8])), "{text}");
}

fn sample_checks() -> Vec<&'static Got> {
    let input: &'static Input = Box::leak(Box::new(sample::quarter(Lang::Zh)));
    input.hosts.iter().flat_map(|it| &it.checked).map(|it| &it.got).collect()
}

#[test]
fn everything_that_is_said_names_its_evidence() {
    for lang in [Lang::Zh, Lang::En] {
        for input in [sample::quarter(lang), sample::first_round(lang)] {
            let report = build(&input);
            let seen = references(&report);
            let known: BTreeSet<u32> = report.evidence.iter().map(|it| it.n).collect();
            assert_eq!(known, (1..=report.evidence.len() as u32).collect());
            assert!(seen.is_subset(&known), "numbers without entry: {:?}", seen.difference(&known));
            assert_eq!(seen, known, "entries that nothing rests on");
        }
    }
}

#[test]
fn what_was_not_read_is_never_normal() {
    let mut input = sample::first_round(Lang::Zh);
    let report = build(&input);
    assert_eq!(report.figures.coverage_percent, Some(100));
    assert_eq!(overall(&report), (Tone::Good, "总体评价：正常".to_owned()));

    // One reading less, and the word is gone from the overall assessment.
    input.hosts[0].checked[0].got = Got::Failed(xunjian_collector::report::Why {
        reason: Some(xunjian_proto::Reason::TimedOut),
        text: xunjian_rules::Text::new("未返回", "no answer"),
    });
    let report = build(&input);
    assert_eq!(overall(&report), (Tone::Unknown, "总体评价：已检部分未见故障".to_owned()));
    assert!(report.figures.coverage_percent < Some(100));
    let page = html(&report);
    assert!(page.contains("读取超时"), "the reason is not shown");

    // Nothing read at all.
    for it in &mut input.hosts[0].checked {
        it.got = Got::NotRun(xunjian_collector::report::Why {
            reason: None,
            text: xunjian_rules::Text::new("从未运行", "never run"),
        });
    }
    let report = build(&input);
    assert_eq!(overall(&report), (Tone::Unknown, "总体评价：无法评价".to_owned()));
    for block in blocks(&report).skip_while(|it| !matches!(it, Block::Callout { .. })) {
        let Block::Table(table) = block else { continue };
        let at = table.columns.iter().position(|it| it.head == "巡检结果");
        for row in at.iter().flat_map(|at| table.rows.iter().map(move |row| &row[*at])) {
            assert_eq!(row.text, "—", "a result without a reading in {}", table.caption);
        }
    }
}

fn overall(report: &Report) -> (Tone, String) {
    blocks(report)
        .find_map(|it| match it {
            Block::Callout { tone, title, .. } => Some((*tone, title.clone())),
            _ => None,
        })
        .unwrap()
}

#[test]
fn a_single_round_says_so_and_has_no_hollow_sentences() {
    for lang in [Lang::Zh, Lang::En] {
        let report = build(&sample::first_round(lang));
        assert!(report.figures.single_round);
        let page = html(&report);
        let plain =
            ["0 / 0", "0 of 0", "NaN", "inf", "（0）", "1 hosts", "1 disks", "1 runs", "1 checks"];
        for hollow in plain {
            assert!(!page.contains(hollow), "{lang:?}: {hollow}");
        }
        let wanted = match lang {
            Lang::Zh => "本报告基于一次巡检",
            Lang::En => "one inspection round",
        };
        assert!(page.contains(wanted), "{lang:?}: {wanted}");
    }
}

#[test]
fn nothing_at_all_still_makes_an_honest_report() {
    let mut input = sample::first_round(Lang::Zh);
    input.hosts.clear();
    input.checks.clear();
    let report = build(&input);
    references(&report);
    assert_eq!(report.figures, Figures { single_round: true, ..Figures::default() });
    let text = html(&report);
    assert!(text.contains("本期没有收到任何主机的读数"));
    assert!(text.contains("不能说明是否存在安全隐患"));
    typeset("nothing", &report);
}

#[test]
fn hostile_names_stay_text() {
    let mut input = sample::quarter(Lang::Zh);
    let evil = "<script>alert(1)</script> #import \"x\" \\ $x$ *b* \u{202e}rtl\u{0}";
    input.hosts[0].facts.hostname = evil.to_owned();
    input.hosts[0].components[1].0.name = format!("{evil}]]>");
    input.hosts[0].trends[0].name = evil.to_owned();
    input.cases[0].facts[0].message.zh = evil.to_owned();
    let report = build(&input);
    let page = html(&report);
    assert!(!page.contains("<script"), "markup of a host went through");
    assert!(!page.contains('\u{202e}'), "a direction mark went through");
    let bytes = typeset("hostile", &report);
    if let Some(text) = text_of(&bytes) {
        assert!(text.contains("#import"), "typst took a name for markup");
    }
}

#[test]
fn the_model_survives_being_stored() {
    let report = build(&sample::quarter(Lang::Zh));
    let stored = serde_json::to_string(&report).unwrap();
    let back: Report = serde_json::from_str(&stored).unwrap();
    assert_eq!(back, report);
    assert_eq!(html(&back), html(&report));
    let (a, b) = (pdf(&report).unwrap().bytes, pdf(&back).unwrap().bytes);
    assert!(a == b, "the same report gave two different files");
}
