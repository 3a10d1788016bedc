//! The overall assessment: one word and one sentence, from the figures alone.
//!
//! Invariant: nothing but full coverage without a finding is called normal.

use super::Build;
use crate::report::{
    model::{Figures, Tone},
    words::LEVELS,
};

/// The overall assessment.
pub(crate) struct Assessment {
    pub(crate) tone: Tone,
    pub(crate) word: String,
    pub(crate) sentence: String,
}

/// Colour; word and sentence in Chinese, then in English.
type Grade = (Tone, [&'static str; 4]);

const CRITICAL: Grade = (
    Tone::Level1,
    [
        "严重",
        "存在一级故障，系统或服务已中断，须立即处置。",
        "Critical",
        "There is a level 1 fault: a system or service is down and needs action at once.",
    ],
);
const DANGER: Grade = (
    Tone::Level2,
    [
        "存在重大隐患",
        "存在可能导致系统瘫痪或服务中断的隐患，须尽快消除。",
        "Grave danger",
        "There is a latent danger of paralysis or interruption, to be removed soon.",
    ],
);
const AFFECTED: Grade = (
    Tone::Level3,
    [
        "服务受影响",
        "存在直接影响服务的故障，须按期排除。",
        "Service affected",
        "There is a fault that directly affects the service and must be removed in time.",
    ],
);
const MINOR: Grade = (
    Tone::Level4,
    [
        "基本正常，存在四级隐患",
        "全部检查项均取得结果，未发现直接影响服务的故障；所列四级隐患须按期处理。",
        "Sound, with minor dangers",
        "All checks gave a result and none shows a direct effect on the service; the level 4 dangers need to be dealt with in time.",
    ],
);
const MINOR_AND_GAPS: Grade = (
    Tone::Level4,
    [
        "存在四级隐患",
        "已取得结果的检查项中只发现四级隐患，须按期处理；未取得结果的部分不作判断。",
        "Minor dangers",
        "The checks that gave a result show level 4 dangers only, to be dealt with in time; what was not read is not judged.",
    ],
);
const NOT_ASSESSED: Grade = (
    Tone::Unknown,
    [
        "无法评价",
        "本期没有取得任何检查结果，不能评价系统状况。",
        "Not assessed",
        "No check gave a result in this period; the systems cannot be assessed.",
    ],
);
const GAPS: Grade = (
    Tone::Unknown,
    [
        "已检部分未见故障",
        "已取得结果的检查项未发现故障；未取得结果的部分不作判断。",
        "No fault where read",
        "The checks that gave a result show no fault; what was not read is not judged.",
    ],
);
const REMARKS: Grade = (
    Tone::Plain,
    [
        "未见故障，有改进项",
        "全部检查项均取得结果，未发现构成故障的问题；不符合标准或待确认的项目见“巡检内容”。",
        "No fault, some remarks",
        "All checks gave a result and none amounts to a fault; what misses its criterion or waits to be confirmed is listed.",
    ],
);
const NORMAL: Grade = (
    Tone::Good,
    [
        "正常",
        "全部检查项均取得结果，未发现故障。",
        "Normal",
        "All checks gave a result; no fault was found.",
    ],
);

/// The overall assessment of a report.
pub(crate) fn assess(build: &Build<'_>) -> Assessment {
    let (tone, [word_zh, zh, word_en, en]) = grade(&build.counted.figures);
    Assessment { tone, word: build.pick(word_zh, word_en), sentence: build.pick(zh, en) }
}

fn grade(figures: &Figures) -> Grade {
    let gravest = LEVELS.into_iter().map(|it| it.number()).find(|n| {
        let at = usize::from(n - 1);
        figures.open[at] > 0
    });
    let gaps = figures.checks_read < figures.checks || figures.hosts_read < figures.hosts;
    match gravest {
        Some(1) => CRITICAL,
        Some(2) => DANGER,
        Some(3) => AFFECTED,
        Some(_) if gaps || figures.checks_read == 0 => MINOR_AND_GAPS,
        Some(_) => MINOR,
        None if figures.checks_read == 0 => NOT_ASSESSED,
        None if gaps => GAPS,
        None if figures.checks_abnormal + figures.checks_pending > 0 => REMARKS,
        None => NORMAL,
    }
}
