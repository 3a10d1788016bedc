//! What decisions say, in Chinese and English: the contract's level definitions and the sentences that fit any component.

use xunjian_proto::ComponentId;
use xunjian_rules::Text;

use super::{
    Grade, Level,
    decision::{Candidate, Context},
};
use crate::evaluate::Fact;

/// The clause of the service policy that a grade quotes.
pub fn clause(grade: Grade) -> Text {
    match grade {
        Grade::Fault(Level::One) => Text::new(
            "一级故障：运行系统瘫痪或服务中断，基本功能丧失或全面下降",
            "Level 1: the running system is paralysed or the service interrupted; basic functions are lost or wholly degraded",
        ),
        Grade::Fault(Level::Two) => Text::new(
            "二级故障：存在系统瘫痪或服务中断的潜在危险，可能导致基本功能丧失或全面下降",
            "Level 2: a fault carrying the latent danger of paralysis or interruption, which may lead to the loss or whole degradation of basic functions",
        ),
        Grade::Fault(Level::Three) => Text::new(
            "三级故障：直接影响服务，造成性能或服务部分下降",
            "Level 3: a fault which directly affects the service and degrades performance or service in part",
        ),
        Grade::Fault(Level::Four) => Text::new(
            "四级故障：间歇或间接地影响功能与服务",
            "Level 4: a fault which affects functions and service intermittently or indirectly",
        ),
        Grade::Advice => Text::new(
            "巡检建议：不构成故障，记入巡检报告，不开工单",
            "Advice: no fault; it goes into the inspection report and opens no ticket",
        ),
        Grade::Blind => Text::new(
            "巡检盲区：未能读到，不作正常也不作故障判定",
            "Gap of coverage: not read, so neither normal nor a fault",
        ),
    }
}

/// 一级故障 / level 1, 建议 / advice, 盲区 / coverage gap.
pub fn grade_name(grade: Grade) -> Text {
    match grade {
        Grade::Fault(level) => level_name(level),
        Grade::Advice => Text::new("巡检建议", "advice"),
        Grade::Blind => Text::new("巡检盲区", "coverage gap"),
    }
}

/// 一级故障 / level 1.
pub fn level_name(level: Level) -> Text {
    let zh = match level {
        Level::One => "一级故障",
        Level::Two => "二级故障",
        Level::Three => "三级故障",
        Level::Four => "四级故障",
    };
    Text::new(zh, format!("level {}", level.number()))
}

pub(super) fn name_of(id: &ComponentId, context: &Context<'_>) -> String {
    context.topology.name(id)
}

/// What raises and lowers a level in general.
pub(super) fn general_outlook(level: Level) -> (Text, Text) {
    let worse = match level {
        Level::One => outlook_single::worst(),
        Level::Two => Text::new(
            "若服务因此中断或数据不可用，升为一级",
            "level 1 if the service stops or data become unavailable because of it",
        ),
        Level::Three | Level::Four => Text::new(
            "若冗余耗尽或出现中断的潜在危险，升为二级；若服务中断，升为一级",
            "level 2 if redundancy is used up or interruption threatens; level 1 if the service stops",
        ),
    };
    (
        worse,
        Text::new(
            "故障排除且读数持续正常后关闭",
            "it closes once the fault is removed and readings stay good",
        ),
    )
}

pub(super) fn other_evidence(fact: &Fact) -> Candidate {
    let candidate = Candidate::fault(
        7,
        Level::Four,
        Text::new(
            format!("有故障迹象，未见对服务的直接影响：{}", fact.message.zh),
            format!(
                "evidence of a fault without direct effect on the service: {}",
                fact.message.en
            ),
        ),
    );
    Candidate { general: true, ..candidate }
}

pub(super) fn impact_partial(fact: &Fact) -> Candidate {
    Candidate::fault(
        5,
        Level::Three,
        Text::new(
            format!("实测服务受到部分影响：{}", fact.message.zh),
            format!("measured partial effect on the service: {}", fact.message.en),
        ),
    )
    .outlook(
        Text::new(
            "若服务完全中断，升为一级；若冗余耗尽，升为二级",
            "level 1 if the service stops altogether; level 2 if redundancy is used up",
        ),
        Text::new(
            "影响消除且读数持续正常后关闭",
            "it closes once the effect is gone and readings stay good",
        ),
    )
}

pub(super) fn advice(fact: &Fact) -> Candidate {
    Candidate {
        step: 8,
        grade: Grade::Advice,
        because: Text::new(
            format!("配置建议或长期未变的旧计数，不构成故障：{}", fact.message.zh),
            format!("advice or an old counter that no longer rises, no fault: {}", fact.message.en),
        ),
        worse_if: Text::new(
            "若计数再次上升或出现新的故障迹象，按故障重新判级",
            "judged as a fault if the counter rises again or new evidence appears",
        ),
        better_if: Text::new("按建议处理后消除", "it goes away once the advice is followed"),
        policies: Vec::new(),
        general: false,
    }
}

pub(super) fn blind(fact: &Fact) -> Candidate {
    Candidate {
        because: Text::new(
            format!("未能读到，无法判断是否正常：{}", fact.message.zh),
            format!("not read, so nothing can be said of its health: {}", fact.message.en),
        ),
        ..nothing_known()
    }
}

/// A decision without any fact: nothing is known.
pub(super) fn nothing_known() -> Candidate {
    Candidate {
        step: 0,
        grade: Grade::Blind,
        because: Text::new("没有可用读数，无法判断是否正常", "there are no readings to judge by"),
        worse_if: Text::new(
            "恢复采集后若发现故障，按故障判级",
            "judged as a fault if one shows once it can be read again",
        ),
        better_if: Text::new("恢复采集后消除", "it goes away once it can be read again"),
        policies: Vec::new(),
        general: false,
    }
}

/// What raises and lowers the level of things that stand alone.
pub(super) mod outlook_single {
    use xunjian_rules::Text;

    pub(in super::super) fn worst() -> Text {
        Text::new("已是最高级别", "this is the gravest level")
    }

    pub(in super::super) fn restored() -> Text {
        Text::new(
            "服务恢复且读数持续正常后关闭",
            "it closes once the service is back and readings stay good",
        )
    }

    pub(in super::super) fn suspect_worse() -> Text {
        Text::new("若其失效或服务中断，升为一级", "level 1 if it fails or the service stops")
    }

    pub(in super::super) fn suspect_better() -> Text {
        Text::new(
            "更换或修复且读数持续正常后关闭",
            "it closes once it is replaced or repaired and readings stay good",
        )
    }

    pub(in super::super) fn unused_worse() -> Text {
        Text::new(
            "若投入生产使用且无冗余保护，升为二级",
            "level 2 if it is put into production without redundancy",
        )
    }
}
