//! What would make the level of a protected set graver or milder, in Chinese and English.

use xunjian_proto::Component;
use xunjian_rules::Text;

use super::{
    Level,
    decision::Usage,
    redundancy::Margin,
    set_texts::left,
    set_words::{Means, means_of},
};

pub(super) fn gone_worse() -> Text {
    Text::new(
        "已是最高级别或无更多冗余可失；切勿盲目重建",
        "nothing more can be lost; do not rebuild blindly",
    )
}

pub(super) fn gone_better() -> Text {
    Text::new(
        "恢复成员、核对数据并使服务恢复后关闭",
        "it closes once members are back, the data are verified and the service works",
    )
}

/// What makes the loss of targets graver or milder.
pub(super) fn targets_outlook(share: f64, limit: f64) -> (Text, Text) {
    let percent = limit * 100.0;
    let worse = match share >= limit {
        true => Text::new("已是最高级别", "nothing is graver"),
        false => Text::new(
            format!("不可用的存储目标达到 {percent:.0}%，视为基本功能丧失，升为一级"),
            format!(
                "level 1 if {percent:.0}% of the targets are unavailable: the basic function counts as lost"
            ),
        ),
    };
    let better = Text::new("存储目标全部恢复在线后关闭", "it closes once all targets are back");
    (worse, better)
}

pub(super) fn used_up_aside_worse(usage: Usage, scratch_lost: u8) -> Text {
    match usage {
        Usage::Scratch => Text::new(
            format!(
                "再失效一个成员，临时空间不可用，按 {scratch_lost} 级处理；改作生产用途，升为二级"
            ),
            format!(
                "level {scratch_lost} if one more member is lost and the scratch space with it; level 2 if it is put into production"
            ),
        ),
        _ => Text::new(
            "再失效一个成员致数据丢失，或投入生产使用，升为二级",
            "level 2 if one more member is lost and its data with it, or if it is put into production",
        ),
    }
}

pub(super) fn used_up_worse(set: &Component) -> Text {
    let (zh, en) = interrupted(set);
    Text::new(
        format!("再失效一个成员，{zh}，升为一级"),
        format!("level 1 if one more member is lost: {en}"),
    )
}

/// What the loss of a set means.
fn interrupted(set: &Component) -> (&'static str, &'static str) {
    let scheme = set.set.as_ref().map_or("", |it| it.scheme.as_str());
    match (scheme, means_of(set)) {
        ("bond", _) => ("网络中断", "the network is cut"),
        ("multipath", _) => ("到存储的访问中断", "access to the storage is cut"),
        ("quorum", _) => ("失去多数、集群停止服务", "the majority is gone and the cluster stops"),
        (_, Means::None) => ("服务中断", "the service stops"),
        (_, Means::Copies) => ("服务中断，数据可能丢失", "the service stops and data may be lost"),
        (_, Means::Spares) => ("数据丢失、服务中断", "data are lost and the service stops"),
    }
}

pub(super) fn used_up_better(set: &Component) -> Text {
    let scheme = set.set.as_ref().map_or("", |it| it.scheme.as_str());
    let (zh, en) = match (scheme, means_of(set)) {
        ("bond", _) => ("链路全部恢复后关闭", "it closes once all links are back"),
        ("multipath", _) => ("路径全部恢复后关闭", "it closes once all paths are back"),
        (_, Means::None) => ("失效成员全部恢复后关闭", "it closes once all lost members are back"),
        (_, Means::Copies) => (
            "失效成员恢复或副本补齐后降级或关闭",
            "milder or closed once the lost member is back or its copies are made anew",
        ),
        (_, Means::Spares) => (
            "更换失效成员且重建完成、冗余恢复后降级或关闭",
            "milder or closed once the lost member is replaced and the rebuild has restored redundancy",
        ),
    };
    Text::new(zh, en)
}

/// `level`: the one that the suspects have now.
pub(super) fn suspects_worse(set: &Component, margin: &Margin, level: Level) -> Text {
    match margin.r_if {
        Some(r_if) if r_if < 0 => used_up_worse(set),
        _ if level <= Level::Two => {
            let (zh, en) = interrupted(set);
            Text::new(
                format!("有征兆的成员都失效后再失效一个，{zh}，升为一级"),
                format!("level 1 if the suspects fail and one more is lost: {en}"),
            )
        }
        _ => Text::new(
            "若该成员失效致冗余耗尽，或再有成员出现失效征兆，升为二级",
            "level 2 if it fails and redundancy is used up, or if another member shows signs of failing",
        ),
    }
}

pub(super) fn suspects_better(set: &Component) -> Text {
    if means_of(set) == Means::None {
        return Text::new(
            "更换或修复有征兆的成员后关闭",
            "it closes once the suspect member is replaced or repaired",
        );
    }
    Text::new(
        "更换有征兆的成员且重建完成后关闭",
        "it closes once the suspect member is replaced and rebuilt",
    )
}

pub(super) fn protected_worse(set: &Component, margin: &Margin) -> Text {
    let left = left(margin).max(1);
    if means_of(set) == Means::None {
        return Text::new(
            format!("再失效 {left} 个成员，冗余耗尽，升为二级；服务实测变慢，升为三级"),
            format!(
                "level 2 if {left} more are lost and redundancy is used up; level 3 if the service is measurably slower"
            ),
        );
    }
    Text::new(
        format!("再失效 {left} 个成员，冗余耗尽，升为二级；长时间无热备或重建拖慢服务，升为三级"),
        format!(
            "level 2 if {left} more are lost and redundancy is used up; level 3 if no spare is there for long or the rebuild slows the service"
        ),
    )
}
