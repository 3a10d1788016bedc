//! What the log of a case says, in Chinese and English: one sentence why, for each thing that happened.

use xunjian_rules::Text;

use super::{Case, Decision, Grade, texts};
use crate::evaluate::Fact;

pub(super) fn opened(fact: &Fact) -> Text {
    Text::new(format!("首次发现：{}", fact.message.zh), format!("first seen: {}", fact.message.en))
}

pub(super) fn reopened(fact: &Fact) -> Text {
    Text::new(
        format!("关闭不久后再次出现：{}", fact.message.zh),
        format!("came back soon after it was closed: {}", fact.message.en),
    )
}

pub(super) fn regraded(from: Grade, to: Grade, decision: &Decision) -> Text {
    let (from, to) = (texts::grade_name(from), texts::grade_name(to));
    Text::new(
        format!("由{}调整为{}：{}", from.zh, to.zh, decision.because.zh),
        format!("from {} to {}: {}", from.en, to.en, decision.because.en),
    )
}

pub(super) fn added(case: &Case, rules: &[String]) -> Text {
    let new: Vec<&Fact> = case.facts.iter().filter(|it| rules.contains(&it.rule)).collect();
    let join = |pick: fn(&Fact) -> &str, mark: &str| {
        new.iter().map(|it| pick(it)).collect::<Vec<_>>().join(mark)
    };
    Text::new(
        format!("新增迹象：{}", join(|it| &it.message.zh, "；")),
        format!("new evidence: {}", join(|it| &it.message.en, "; ")),
    )
}

pub(super) fn ended(rules: &[&str], lapsed: &[Text]) -> Text {
    let (zh, en) = (rules.join("、"), rules.join(", "));
    let why = reasons(lapsed);
    match lapsed.is_empty() {
        true => Text::new(
            format!("规则 {zh} 的读数已恢复正常，其余迹象仍在"),
            format!("readings of {en} are good again; other evidence holds"),
        ),
        false => Text::new(
            format!("规则 {zh} 不再适用（{}），其余迹象仍在", why.zh),
            format!("{en} no longer applies ({}); other evidence holds", why.en),
        ),
    }
}

pub(super) fn closed(case: &Case, lapsed: &[Text]) -> Text {
    let rules: Vec<&str> = case.facts.iter().map(|it| it.rule.as_str()).collect();
    let (zh, en) = (rules.join("、"), rules.join(", "));
    let why = reasons(lapsed);
    match lapsed.is_empty() {
        true => Text::new(
            format!("规则 {zh} 的读数持续正常，关闭"),
            format!("readings of {en} have been good for long enough"),
        ),
        false => Text::new(
            format!("规则 {zh} 不再适用，关闭：{}", why.zh),
            format!("{en} no longer applies: {}", why.en),
        ),
    }
}

fn reasons(lapsed: &[Text]) -> Text {
    let join = |pick: fn(&Text) -> &str, mark: &str| {
        lapsed.iter().map(pick).collect::<Vec<_>>().join(mark)
    };
    Text::new(join(|it| &it.zh, "；"), join(|it| &it.en, "; "))
}

pub(super) fn stale(why: &Text) -> Text {
    Text::new(
        format!("读数中断，保持未关闭：{}", why.zh),
        format!("readings stopped, it stays open: {}", why.en),
    )
}

pub(super) fn fresh() -> Text {
    Text::new("读数恢复", "readings are back")
}

pub(super) fn flapping(changes: u32, of: u32) -> Text {
    Text::new(
        format!("最近 {of} 次判定中变化 {changes} 次，标为间歇性故障"),
        format!("{changes} changes in the last {of} verdicts: marked as intermittent"),
    )
}

pub(super) fn steady() -> Text {
    Text::new("近期判定趋于稳定，取消间歇标记", "verdicts are steady again: no longer intermittent")
}

pub(super) fn no_longer_late() -> Text {
    Text::new(
        "实时数据证实故障仍在，不再按补传数据处理",
        "live readings show that it still holds: no longer late data",
    )
}

pub(super) fn consequence(name: &str, because: &Text) -> Text {
    Text::new(
        format!("已造成后果（{name}）：{}", because.zh),
        format!("it has a consequence, {name}: {}", because.en),
    )
}

pub(super) fn overflow(count: u32, most: usize) -> Text {
    Text::new(
        format!("该主机的故障条目超过上限 {most}，另有 {count} 条未建"),
        format!("this host has more than {most} cases; {count} more were not opened"),
    )
}

pub(super) fn overflow_advice() -> Text {
    Text::new("检查采集数据是否异常", "check whether the readings of this host make sense")
}
