//! The tables for people.

use std::fmt::Write;

use xunjian_rules::Lang;

use super::{
    Line, Outcome,
    measure::{Counted, Measured},
};

/// All tables, in Markdown, so that they may be put into a document as they are.
pub fn text(outcome: &Outcome, lang: Lang) -> String {
    let pick = |zh: &'static str, en: &'static str| if lang == Lang::Zh { zh } else { en };
    let mut out = String::new();
    heading(&mut out, outcome, lang);
    table(&mut out, &outcome.lines, lang);
    let _ = writeln!(
        out,
        "\n{}\n\n| {} | {} | {} | {} | {} | {} |\n|---|---|---|---|---|---|",
        pick(
            "与各基线在其自身误报率下的比较：",
            "Beside each baseline, at its own rate of new false alarms:"
        ),
        pick("基线", "baseline"),
        pick("误报/盘月", "false alarms a drive-month"),
        pick("提前 1 天", "caught 1 d"),
        pick("本产品", "ours"),
        pick("误报/盘月", "false alarms a drive-month"),
        pick("提前 1 天", "caught 1 d"),
    );
    for it in &outcome.compared {
        let _ = writeln!(
            out,
            "| {} | {:.3} % | {:.1} % | {} | {:.3} % | {:.1} % |",
            it.baseline,
            it.false_alarms[0] * 100.0,
            it.caught[0] * 100.0,
            it.ours.as_deref().unwrap_or("–"),
            it.false_alarms[1] * 100.0,
            it.caught[1] * 100.0,
        );
    }
    for (maker, Counted { failed, good, months }, lines) in &outcome.makers {
        let (zh, en) = (
            format!("厂商 {maker}：失效 {failed}，未失效 {good}（{months:.0} 盘月）"),
            format!("{maker}: {failed} failed, {good} good ({months:.0} drive-months)"),
        );
        let _ = writeln!(out, "\n{}\n", if lang == Lang::Zh { zh } else { en });
        table(&mut out, lines, lang);
    }
    out
}

/// What the tables rest on: drives, days, and rows that were left out.
fn heading(out: &mut String, outcome: &Outcome, lang: Lang) {
    let pick = |zh: &'static str, en: &'static str| if lang == Lang::Zh { zh } else { en };
    let counted = &outcome.counted;
    let left = &outcome.left;
    let _ = writeln!(
        out,
        "{}: {}; {}: {} ({:.0}); {}: {}; {}: {}\n{}: {} {}, {} {}, {} {}, {} {}, {} {}\n",
        pick("失效盘", "failed drives"),
        counted.failed,
        pick("未失效盘（盘月）", "good drives (drive-months)"),
        counted.good,
        counted.months,
        pick("盘日", "drive-days"),
        outcome.drive_days,
        pick("解码表", "table of drives"),
        outcome.drive_table,
        pick("未采用的行", "rows left out"),
        left.without_serial,
        pick("无序列号", "without serial number"),
        left.repeated,
        pick("重复", "repeated"),
        left.unreadable,
        pick("无法解析", "unreadable"),
        left.failure_day,
        pick("失效当日", "of the failure day"),
        left.without_values,
        pick("没有任何读数", "without any value"),
    );
    if left.failed_unread > 0 {
        let _ = writeln!(
            out,
            "{}: {}\n",
            pick(
                "失效前没有任何读数的失效盘（未计入上面的失效盘，任何规则都无从预警）",
                "failed drives without any reading before (not among those above; no rule can foretell them)"
            ),
            left.failed_unread,
        );
    }
}

fn table(out: &mut String, lines: &[Line], lang: Lang) {
    let heads = match lang {
        Lang::Zh => {
            "| 项 | 提前 ≥1 天 | ≥7 天 | ≥14 天 | 新误报/盘月 | 再次误报/盘月 | 首见即在报 | 新告警准确率 | 提前量中位 | 新告警 真/假 |"
        }
        Lang::En => {
            "| | caught ≥1 d | ≥7 d | ≥14 d | new false alarms a drive-month | repeated | standing | precision of new | median lead | new alarms right/wrong |"
        }
    };
    let _ = writeln!(out, "{heads}\n|---|---|---|---|---|---|---|---|---|---|");
    for Line { name, figures } in lines {
        let share = |it: Measured| {
            format!("{:.1} % ({:.0}–{:.0})", it.value * 100.0, it.low * 100.0, it.high * 100.0)
        };
        let rate = figures.false_alarms;
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {} | {:.3} % ({:.3}–{:.3}) | {:.3} % | {:.2} % | {} | {} | {}/{} |",
            share(figures.caught[0]),
            share(figures.caught[1]),
            share(figures.caught[2]),
            rate.value * 100.0,
            rate.low * 100.0,
            rate.high * 100.0,
            figures.repeats * 100.0,
            figures.standing * 100.0,
            share(figures.precision),
            figures.lead.map_or("–".to_owned(), |it| format!("{it} d")),
            figures.alarms[0],
            figures.alarms[1],
        );
    }
}
