//! Title page, and how to read the report.

use std::collections::BTreeMap;

use chrono::Datelike;
use std::time::Duration;
use xunjian_rules::Lang;

use super::{Build, cell, column, toned};
use crate::report::{
    model::{Block, Cover, Section, Table, Tone},
    words::{self, LEVELS},
};

/// Title page.
pub(crate) fn cover(build: &Build<'_>) -> Cover {
    let input = build.input;
    let contract = &input.contract;
    let version = build.pick(
        format!("第 {} 版（草稿，待审核）", input.version),
        format!("{} (draft, not reviewed)", input.version),
    );
    let number = if contract.number.is_empty() {
        build.pick("—（未填写）", "— (not given)")
    } else {
        words::clean(&contract.number)
    };
    let facts = vec![
        (build.pick("客户名称", "Customer"), words::clean(contract.customer_title(build.lang))),
        (build.pick("合同编号", "Contract number"), number),
        (build.pick("巡检周期", "Period"), period(build)),
        (build.pick("报告编号", "Report number"), input.id.clone()),
        (build.pick("报告版本", "Version"), version),
        (build.pick("编制日期", "Drafted on"), words::day(build.lang, build.zone, input.now)),
    ];
    let signatures = match build.lang {
        Lang::Zh => ["编制", "审核", "批准", "客户签字"],
        Lang::En => ["Prepared by", "Reviewed by", "Approved by", "Customer"],
    };
    let labels = [
        ("contents", build.pick("目录", "Contents")),
        ("signature", build.pick("签字", "Signature")),
        ("date", build.pick("日期", "Date")),
        ("evidence", build.pick("证据", "Evidence")),
        ("deadline", build.pick("期限", "Deadline")),
    ];
    Cover {
        title: title(build),
        customer: words::clean(contract.customer_title(build.lang)),
        provider: words::clean(&contract.provider_name),
        facts,
        signatures: signatures.map(str::to_owned).to_vec(),
        header: format!("{} · {}", words::clean(contract.customer_title(build.lang)), title(build)),
        mark: build.pick("草稿 · 待审核", "Draft · not reviewed"),
        page: match build.lang {
            Lang::Zh => ["第 ".to_owned(), " 页 / 共 ".to_owned(), " 页".to_owned()],
            Lang::En => ["Page ".to_owned(), " of ".to_owned(), String::new()],
        },
        labels: labels.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<BTreeMap<_, _>>(),
    }
}

/// `2026 年第四季度巡检报告`.
fn title(build: &Build<'_>) -> String {
    // The last instant belongs to the period; its end may already lie in the next quarter.
    let last = words::local(build.zone, build.input.to - Duration::from_millis(1));
    let quarter = last.month0() as usize / 3;
    let name = ["一", "二", "三", "四"][quarter];
    build.pick(
        format!("{} 年第{name}季度巡检报告", last.year()),
        format!("Inspection Report, Quarter {} of {}", quarter + 1, last.year()),
    )
}

/// `2026年10月1日 至 2026年12月31日`.
pub(crate) fn period(build: &Build<'_>) -> String {
    let first = words::day(build.lang, build.zone, build.input.from);
    let last = words::day(build.lang, build.zone, build.input.to - Duration::from_millis(1));
    if build.input.now < build.input.to {
        let now = words::day(build.lang, build.zone, build.input.now);
        return build.pick(
            format!("{first} 至 {last}（数据截至 {now}）"),
            format!("{first} to {last} (readings until {now})"),
        );
    }
    build.pick(format!("{first} 至 {last}"), format!("{first} to {last}"))
}

/// How to read the report: the words for states, and how sentences name their evidence.
pub(crate) fn guide(build: &Build<'_>) -> Section {
    let text = |zh: &str, en: &str| Block::Text { text: build.pick(zh, en) };
    let mut blocks = vec![
        text(
            "本报告由巡检系统依据采集到的读数、合同约定和规则库自动起草，经工程师审核、签字后生效。正文中方括号内的数字是证据编号，对应附录中的证据索引；每一句结论、每一个数字均可追溯到原始读数或记录。",
            "This report was drafted from readings, the contract and the rule set; it takes effect once engineers have reviewed and signed it. Numbers in brackets name the evidence listed in the appendix: each conclusion and each figure can be traced to readings or records.",
        ),
        text(
            "“执行状态”与“巡检结果”分开记录：执行状态说明是否取得了结果；只有执行状态为“正常”时，巡检结果才有意义。未读到的内容一律不按正常处理。",
            "Execution and result are recorded apart: execution says whether a result was obtained, and only then does the result mean anything. What was not read is never shown as normal.",
        ),
        Block::Table(states(build)),
        Block::Table(levels(build)),
    ];
    if build.input.contract.starts.is_none() && build.input.contract.number.is_empty() {
        blocks.push(text(
            "尚未配置客户合同，本报告采用缺省合同条款及服务时限。",
            "No customer contract has been configured; the default clauses and service times apply.",
        ));
    }
    Section {
        id: "guide".to_owned(),
        heading: build.pick("阅读说明", "How to read this report"),
        blocks,
    }
}

fn states(build: &Build<'_>) -> Table {
    let (execution, result, state) = (
        build.pick("执行状态", "Execution"),
        build.pick("巡检结果", "Result"),
        build.pick("隐患状态", "State of a danger"),
    );
    let normal = build.pick("正常", "normal");
    let abnormal = build.pick("异常", "abnormal");
    let row = |of: &str, word: String, tone, zh: &str, en: &str| {
        vec![cell(of), toned(word, tone), cell(build.pick(zh, en))]
    };
    let rows = vec![
        row(
            &execution,
            normal.clone(),
            Tone::Good,
            "已取得读数，可以判定",
            "a reading was obtained and can be judged",
        ),
        row(
            &execution,
            abnormal.clone(),
            Tone::Unknown,
            "已尝试读取但未取得结果（超时、权限不足、工具失败等）",
            "it was tried and gave no result (no answer in time, no permission, tool failed ..)",
        ),
        row(
            &execution,
            build.pick("未执行", "not executed"),
            Tone::Unknown,
            "未读取（磁盘休眠不唤醒、缺少工具、主机失联、为避让业务而推迟等）",
            "it was not tried (disk asleep and left so, tool missing, host silent, put off to spare the service ..)",
        ),
        row(&result, normal, Tone::Good, "读数符合判断标准", "the readings meet the criterion"),
        row(
            &result,
            abnormal,
            Tone::Bad,
            "读数不符合判断标准，详见“安全隐患”",
            "the readings do not meet the criterion; see hidden dangers",
        ),
        row(
            &result,
            build.pick("待确认", "to be confirmed"),
            Tone::Unknown,
            "读数不符合判断标准，但持续时间尚不足以确认或解除",
            "the readings miss the criterion, not yet for long enough to confirm it or to lift it",
        ),
        row(&result, "—".to_owned(), Tone::Muted, "没有结果，不作判断", "no result, not judged"),
        row(
            &state,
            build.pick("新增 / 遗留 / 恶化 / 关闭", "new / carried over / worse / closed"),
            Tone::Plain,
            "本期首次发现 / 上期延续至今 / 延续且级别升高 / 本期经读数确认已消除",
            "first seen in this period / standing since before it / standing and graver than before / gone by good readings",
        ),
    ];
    Table {
        caption: build.pick("状态用语", "Words for states"),
        columns: vec![
            column(build.pick("类别", "Kind"), 0),
            column(build.pick("用语", "Word"), 0),
            column(build.pick("含义", "Meaning"), 1),
        ],
        rows,
    }
}

fn levels(build: &Build<'_>) -> Table {
    let row = |level| {
        vec![
            toned(words::level(build.lang, level), words::level_tone(level)),
            cell(words::level_meaning(build.lang, level)),
        ]
    };
    Table {
        caption: build.pick("故障级别（依据服务合同）", "Fault levels (by the service contract)"),
        columns: vec![
            column(build.pick("级别", "Level"), 0),
            column(build.pick("定义", "Definition"), 1),
        ],
        rows: LEVELS.into_iter().map(row).collect(),
    }
}
