//! What decisions say about protected sets, in Chinese and English.

use xunjian_proto::Component;
use xunjian_rules::Text;

use super::{
    decision::Usage,
    redundancy::Margin,
    set_words::{Means, label, means_of, members_en, recovery, spare, state},
    sets::assumed_text,
};
use crate::evaluate::Fact;

pub(super) fn left(margin: &Margin) -> i32 {
    margin.r.unwrap_or(0).max(0)
}

fn suspect_count(margin: &Margin) -> usize {
    margin.suspects.len().max(1)
}

pub(super) fn gone(set: &Component, margin: &Margin, usage: Usage) -> Text {
    let (label, mut state) = (label(set, margin), state(set, margin));
    if margin.lost == 0 && margin.unknown == 0 {
        state = Text::new("该组自报已停止工作", "it says so itself");
    } else if margin.lost == 0 {
        let unread = margin.unknown;
        state = Text::new(
            format!("该组自报已停止工作，{unread} 个成员状态未能读到"),
            format!(
                "it says so itself, the state of {unread} {} could not be read",
                members_en(unread)
            ),
        );
    }
    let tail = match usage {
        Usage::Production { .. } => {
            Text::new("其承载的生产数据已不可用", "the production data on it are unavailable")
        }
        Usage::Scratch => Text::new(
            "其上只有合同约定的临时空间",
            "only scratch space of the contract stands on it",
        ),
        Usage::Unused => Text::new(
            "其上当前没有挂载的文件系统，但数据已失去保护",
            "nothing mounted stands on it now, but its data are gone",
        ),
    };
    let aside = assumed_text(usage);
    Text::new(
        format!("{}已不能工作（{}），{}{}", label.zh, state.zh, tail.zh, aside.zh),
        format!("{} is down ({}); {}{}", label.en, state.en, tail.en, aside.en),
    )
}

pub(super) fn targets(set: &Component, margin: &Margin, limit: f64) -> Text {
    let name = if set.name.is_empty() { set.id.as_str() } else { &set.name };
    let (lost, width, percent) = (margin.lost, margin.width, limit * 100.0);
    Text::new(
        format!(
            "{name} 的 {width} 个存储目标中有 {lost} 个不可用（达到 {percent:.0}% 视为基本功能丧失）"
        ),
        format!(
            "{lost} of the {width} storage targets of {name} are unavailable ({percent:.0}% count as the basic function lost)"
        ),
    )
}

pub(super) fn used_up(set: &Component, margin: &Margin, usage: Usage) -> Text {
    let (label, state, spare, aside) =
        (label(set, margin), state(set, margin), recovery(set, margin), assumed_text(usage));
    Text::new(
        format!(
            "{}{}，冗余已耗尽，再失效一个成员服务即中断{}{}",
            label.zh, state.zh, spare.zh, aside.zh
        ),
        format!(
            "{}: {}, redundancy is used up and the next loss interrupts{}{}",
            label.en, state.en, spare.en, aside.en
        ),
    )
}

/// The same for a set that no production stands on.
pub(super) fn used_up_aside(set: &Component, margin: &Margin, usage: Usage) -> Text {
    let (label, state, spare) = (label(set, margin), state(set, margin), recovery(set, margin));
    let (zh, en) = match usage {
        Usage::Scratch => {
            ("其上只有合同约定的临时空间", "only scratch space of the contract stands on it")
        }
        _ => ("其上未承载生产数据", "it holds no production data"),
    };
    Text::new(
        format!("{}{}，冗余已耗尽；{zh}{}", label.zh, state.zh, spare.zh),
        format!("{}: {}, redundancy is used up; {en}{}", label.en, state.en, spare.en),
    )
}

/// `1 serving member shows signs of failing; if it fails` / `2 serving members show signs of failing; if they fail`.
fn suspects_en(margin: &Margin, all: &str) -> String {
    match suspect_count(margin) {
        1 => "1 serving member shows signs of failing; if it fails".to_owned(),
        count => format!("{count} serving members show signs of failing; if they {all}fail"),
    }
}

pub(super) fn suspect_interrupts(set: &Component, margin: &Margin, usage: Usage) -> Text {
    let (label, state, aside) = (label(set, margin), state(set, margin), assumed_text(usage));
    let count = suspect_count(margin);
    if margin.lost == 0 && margin.unknown == 0 {
        let (zh, en) = match margin.r_design {
            Some(0) => ("该组没有冗余", "there is no redundancy"),
            _ => ("现有冗余承受不了", "that is more than the redundancy bears"),
        };
        return Text::new(
            format!(
                "{}有 {count} 个成员有失效征兆，{zh}；一旦失效，服务即中断，应先备份数据{}",
                label.zh, aside.zh
            ),
            format!(
                "{}: {}, the service stops ({en}): copy the data off first{}",
                label.en,
                suspects_en(margin, "all "),
                aside.en
            ),
        );
    }
    Text::new(
        format!(
            "{}{}，另有 {count} 个成员有失效征兆；一旦失效，服务即中断，应先备份数据{}",
            label.zh, state.zh, aside.zh
        ),
        format!(
            "{}: {}, and {}, the service stops: copy the data off first{}",
            label.en,
            state.en,
            suspects_en(margin, ""),
            aside.en
        ),
    )
}

pub(super) fn suspects_exhaust(set: &Component, margin: &Margin) -> Text {
    let (label, mut state) = (label(set, margin), state(set, margin));
    let count = suspect_count(margin);
    if margin.lost == 0 && margin.unknown == 0 {
        state = Text::new("目前无成员失效", "no member is lost");
    }
    Text::new(
        format!("{}{}，{count} 个在用成员有失效征兆；若都失效，冗余即耗尽", label.zh, state.zh),
        format!(
            "{}: {}, {}, redundancy is used up",
            label.en,
            state.en,
            suspects_en(margin, "all ")
        ),
    )
}

pub(super) fn suspect_with_spare(set: &Component, margin: &Margin) -> Text {
    let (label, spare) = (label(set, margin), spare(margin));
    Text::new(
        format!("{}的一个成员有失效征兆，失效后冗余耗尽，但{}，可立即重建", label.zh, spare.zh),
        format!(
            "a member of {} shows signs of failing, which would use up the redundancy, but {}",
            label.en, spare.en
        ),
    )
}

pub(super) fn suspect_no_spare(set: &Component, margin: &Margin) -> Text {
    let (label, spare) = (label(set, margin), spare(margin));
    if means_of(set) != Means::Spares {
        return Text::new(
            format!("{}的一个成员有失效征兆，失效后冗余耗尽；请安排备件", label.zh),
            format!(
                "a member of {} shows signs of failing, which would use up the redundancy: arrange a part",
                label.en
            ),
        );
    }
    Text::new(
        format!("{}的一个成员有失效征兆，失效后冗余耗尽，且{}；请安排备件", label.zh, spare.zh),
        format!(
            "a member of {} shows signs of failing, which would use up the redundancy, and {}: arrange a part",
            label.en, spare.en
        ),
    )
}

pub(super) fn suspects_not_in_service(set: &Component, margin: &Margin) -> Text {
    let label = label(set, margin);
    Text::new(
        format!("{}的成员有失效征兆，该组未承载生产数据", label.zh),
        format!(
            "a member of {} shows signs of failing; the set holds no production data",
            label.en
        ),
    )
}

pub(super) fn degraded_slow(set: &Component, margin: &Margin) -> Text {
    let (label, state) = (label(set, margin), state(set, margin));
    Text::new(
        format!("{}{}，尚可再失效 {} 个成员，但实测服务变慢", label.zh, state.zh, left(margin)),
        format!(
            "{}: {}, {} more could be lost, but the service is measurably slower",
            label.en,
            state.en,
            left(margin)
        ),
    )
}

pub(super) fn rebuild_long(set: &Component, margin: &Margin, hours: u32) -> Text {
    let (label, state) = (label(set, margin), state(set, margin));
    Text::new(
        format!("{}{}，重建已超过 {hours} 小时仍未完成，视同无热备", label.zh, state.zh),
        format!(
            "{}: {}, the rebuild has run for more than {hours} h and counts as no spare",
            label.en, state.en
        ),
    )
}

pub(super) fn no_spare_long(set: &Component, margin: &Margin, hours: u32) -> Text {
    let (label, state) = (label(set, margin), state(set, margin));
    let (zh, en) = match (means_of(set), margin.spare) {
        (Means::Copies, _) => ("未开始恢复副本", "nothing has been recovering"),
        (_, None) => ("未能确认有热备可用", "no spare could be confirmed"),
        (_, Some(_)) => ("没有热备可用", "there has been no spare"),
    };
    Text::new(
        format!("{}{}，且已超过 {hours} 小时{zh}", label.zh, state.zh),
        format!("{}: {}, and {en} for more than {hours} h", label.en, state.en),
    )
}

pub(super) fn still_protected(set: &Component, margin: &Margin) -> Text {
    let (label, state, spare) = (label(set, margin), state(set, margin), recovery(set, margin));
    match margin.r {
        Some(r) => Text::new(
            format!("{}{}，还能承受 {r} 个成员失效{}", label.zh, state.zh, spare.zh),
            format!("{}: {}, {r} more can be lost{}", label.en, state.en, spare.en),
        ),
        None if margin.r_design.is_none() => Text::new(
            format!("{}{}；设备未给出冗余方式，剩余冗余无法算出", label.zh, state.zh),
            format!(
                "{}: {}; the redundancy left is not known, because the device does not tell its scheme",
                label.en, state.en
            ),
        ),
        None => Text::new(
            format!("{}的剩余冗余无法算出（成员状态未能读全），按已知情况判级", label.zh),
            format!(
                "the redundancy left in {} is not known (its members were not read in full); decided on what is known",
                label.en
            ),
        ),
    }
}

pub(super) fn spare_bad(fact: &Fact, set: &Component) -> Text {
    let name = if set.name.is_empty() { set.id.as_str() } else { &set.name };
    Text::new(
        format!("{name} 的热备或已换下的成员异常，不影响现有冗余：{}", fact.message.zh),
        format!(
            "a spare or an already replaced member of {name} is bad; redundancy is not affected: {}",
            fact.message.en
        ),
    )
}
