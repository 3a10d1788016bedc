//! The words for closed sets of values, in both languages. The Chinese terms of levels, clocks and states are those of
//! the service contracts (服务级别, 响应时限, 故障级别).

use xunjian_proto::{Kind, MemberState, Outcome, Reason};
use xunjian_rules::{EvidenceKind, Lang};

use crate::{
    classify::{CaseChange, Grade, Level},
    ticket::{ClockState, TicketEventKind, TicketState},
};

fn pick(lang: Lang, zh: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// 一级故障 / level 1.
pub(super) fn level(level: Level, lang: Lang) -> &'static str {
    match level {
        Level::One => pick(lang, "一级故障", "Level 1"),
        Level::Two => pick(lang, "二级故障", "Level 2"),
        Level::Three => pick(lang, "三级故障", "Level 3"),
        Level::Four => pick(lang, "四级故障", "Level 4"),
    }
}

/// What a level means, by the contract.
pub(super) fn level_meaning(level: Level, lang: Lang) -> &'static str {
    match level {
        Level::One => pick(
            lang,
            "系统瘫痪或业务中断，基本功能丧失",
            "paralysed or interrupted, basic functions lost",
        ),
        Level::Two => {
            pick(lang, "有瘫痪或中断的隐患", "latent danger of paralysis or interruption")
        }
        Level::Three => {
            pick(lang, "直接影响业务，性能或业务部分下降", "direct, partial effect on the service")
        }
        Level::Four => pick(lang, "间歇或间接影响", "intermittent or indirect effect"),
    }
}

/// A grade's words.
pub(super) fn grade(grade: Grade, lang: Lang) -> &'static str {
    match grade {
        Grade::Fault(of) => level(of, lang),
        Grade::Advice => pick(lang, "建议", "Advice"),
        Grade::Blind => pick(lang, "未知（巡检盲区）", "Unknown (blind spot)"),
    }
}

/// A grade's style class.
pub(super) fn grade_class(grade: Grade) -> &'static str {
    match grade {
        Grade::Fault(Level::One) => "l1",
        Grade::Fault(Level::Two) => "l2",
        Grade::Fault(Level::Three) => "l3",
        Grade::Fault(Level::Four) => "l4",
        Grade::Advice => "advice",
        Grade::Blind => "unknown",
    }
}

/// Why something is unknown.
pub(super) fn reason(reason: Reason, lang: Lang) -> &'static str {
    match reason {
        Reason::Asleep => pick(lang, "休眠中，未唤醒", "asleep, not woken"),
        Reason::Unsupported => pick(lang, "设备或工具不支持", "not supported"),
        Reason::TimedOut => pick(lang, "读取超时", "timed out"),
        Reason::PermissionDenied => pick(lang, "权限不足", "permission denied"),
        Reason::Unparsable => pick(lang, "结果无法解析", "answer not understood"),
        Reason::ToolFailed => pick(lang, "工具运行失败", "tool failed"),
        Reason::Missing => pick(lang, "先前存在，现已不见", "was there, is gone"),
        Reason::Implausible => pick(lang, "数值不可信，已舍弃", "implausible, left out"),
        Reason::Truncated => pick(lang, "超出采集上限，已截断", "cut at a limit"),
    }
}

/// 执行状态: whether a source's run brought a result at all.
pub(super) fn outcome(outcome: &Outcome, lang: Lang) -> &'static str {
    match outcome {
        Outcome::Collected => pick(lang, "已执行", "executed"),
        Outcome::Absent(_) => pick(lang, "不适用", "not applicable"),
        Outcome::Failed(_) => pick(lang, "执行异常", "failed"),
        Outcome::Stuck => pick(lang, "执行超时", "timed out"),
        Outcome::Deferred(_) => pick(lang, "已推迟", "deferred"),
    }
}

/// Where a ticket stands.
pub(super) fn ticket_state(state: TicketState, lang: Lang) -> &'static str {
    match state {
        TicketState::Detected => pick(lang, "已发现", "Detected"),
        TicketState::Notified => pick(lang, "已通知", "Notified"),
        TicketState::Responded => pick(lang, "已响应", "Responded"),
        TicketState::EnRoute => pick(lang, "赶赴现场", "En route"),
        TicketState::OnSite => pick(lang, "已到场", "On site"),
        TicketState::Restored => pick(lang, "业务已恢复", "Service restored"),
        TicketState::Resolved => pick(lang, "故障已排除", "Resolved"),
        TicketState::Confirmed => pick(lang, "客户已确认", "Confirmed"),
    }
}

/// What happened to a ticket.
pub(super) fn ticket_event(kind: TicketEventKind, lang: Lang) -> String {
    let plain = match kind {
        TicketEventKind::Detected(of) => {
            let word = pick(lang, "发现", "Detected");
            return format!("{word} · {}", level(of, lang));
        }
        TicketEventKind::Regraded { from, to } => {
            let word = pick(lang, "级别调整", "Regraded");
            return format!("{word} · {} → {}", level(from, lang), level(to, lang));
        }
        TicketEventKind::Notified => pick(lang, "通知值班人员", "People on call told"),
        TicketEventKind::Responded => pick(lang, "响应", "Responded"),
        TicketEventKind::EnRoute => pick(lang, "出发赶赴现场", "On the way"),
        TicketEventKind::OnSite => pick(lang, "到达现场", "Arrived on site"),
        TicketEventKind::StrategyOffered => {
            pick(lang, "提交应急方案", "Emergency strategy offered")
        }
        TicketEventKind::SolutionOffered => pick(lang, "提交解决方案", "Solution offered"),
        TicketEventKind::Restored => pick(lang, "业务恢复", "Service restored"),
        TicketEventKind::Resolved => pick(lang, "故障排除", "Fault removed"),
        TicketEventKind::Confirmed => pick(lang, "客户确认", "Confirmed by the customer"),
        TicketEventKind::Reopened => pick(lang, "重新打开", "Reopened"),
        TicketEventKind::Noted => pick(lang, "备注", "Note"),
    };
    plain.to_owned()
}

/// How a clock stands, and its style class.
pub(super) fn clock_state(state: ClockState, lang: Lang) -> (&'static str, &'static str) {
    match state {
        ClockState::Running => (pick(lang, "计时中", "running"), "run"),
        ClockState::AtRisk => (pick(lang, "即将超时", "at risk"), "risk"),
        ClockState::Met => (pick(lang, "按时", "met"), "met"),
        ClockState::Breached => (pick(lang, "已超时", "overdue"), "late"),
        ClockState::MetLate => (pick(lang, "超时完成", "met late"), "late"),
    }
}

/// What happened to a case.
pub(super) fn case_change(change: &CaseChange, lang: Lang) -> String {
    let plain = match change {
        CaseChange::Regraded { from, to } => {
            let word = pick(lang, "级别调整", "Regraded");
            return format!("{word}：{} → {}", grade(*from, lang), grade(*to, lang));
        }
        CaseChange::Opened => pick(lang, "发现", "Opened"),
        CaseChange::Updated => pick(lang, "事实更新", "Facts changed"),
        CaseChange::Stale => pick(lang, "读数中断，保持打开", "Readings stopped, kept open"),
        CaseChange::Fresh => pick(lang, "读数恢复", "Readings are back"),
        CaseChange::Closed => pick(lang, "关闭", "Closed"),
        CaseChange::Reopened => pick(lang, "重新打开", "Reopened"),
    };
    plain.to_owned()
}

/// How a member of a set is, and its style class.
pub(super) fn member(state: MemberState, lang: Lang) -> (&'static str, &'static str) {
    match state {
        MemberState::Active => (pick(lang, "在用", "active"), "ok"),
        MemberState::Rebuilding => (pick(lang, "重建中", "rebuilding"), "l3"),
        MemberState::Spare => (pick(lang, "热备", "spare"), "ok"),
        MemberState::Failed => (pick(lang, "故障", "failed"), "l2"),
        MemberState::Missing => (pick(lang, "缺失", "missing"), "l2"),
        MemberState::Unknown => (pick(lang, "未知", "unknown"), "unknown"),
    }
}

/// What a fact proves.
pub(super) fn evidence_kind(kind: EvidenceKind, lang: Lang) -> &'static str {
    match kind {
        EvidenceKind::ImpactTotal => pick(lang, "业务中断", "service gone"),
        EvidenceKind::ImpactPartial => pick(lang, "业务部分受影响", "service partly affected"),
        EvidenceKind::Lost => pick(lang, "部件失效", "component lost"),
        EvidenceKind::Suspect => pick(lang, "预兆：可能失效", "likely to fail"),
        EvidenceKind::Latent => pick(lang, "潜在故障", "latent fault"),
        EvidenceKind::Advice => pick(lang, "建议", "advice"),
        EvidenceKind::Blind => pick(lang, "无法读取", "cannot be seen"),
    }
}

/// Measured effect on the service.
pub(super) fn impact(impact: &str, lang: Lang) -> &str {
    match impact {
        "total" => pick(lang, "业务中断", "total"),
        "partial" => pick(lang, "部分受影响", "partial"),
        "none" => pick(lang, "未测得影响", "none measured"),
        "unknown" => pick(lang, "未知（没有测量手段）", "unknown (nothing measures it)"),
        other => other,
    }
}

/// A component's kind; the technical word where there is no better one.
pub(super) fn component_kind(kind: &str, lang: Lang) -> &str {
    match Kind::named(kind) {
        Some(known) => pick(lang, known.zh, known.many),
        None => kind,
    }
}

/// A person's role.
pub(super) fn role(role: &str, lang: Lang) -> &str {
    match role {
        "engineer" => pick(lang, "服务工程师", "engineer"),
        "senior" => pick(lang, "高级工程师", "senior engineer"),
        "support" => pick(lang, "远程支持小组", "remote support group"),
        "manager" => pick(lang, "服务经理", "service manager"),
        "emergency" => pick(lang, "应急工程师", "emergency engineer"),
        "customer" => pick(lang, "客户", "customer"),
        other => other,
    }
}

/// A known attribute's words; `None` for others, whose technical name is shown.
pub(super) fn attribute(name: &str, lang: Lang) -> Option<&'static str> {
    Some(match name {
        "hw.model" => pick(lang, "型号", "Model"),
        "hw.vendor" => pick(lang, "厂商", "Vendor"),
        "hw.serial_number" => pick(lang, "序列号", "Serial number"),
        "hw.firmware_version" => pick(lang, "固件版本", "Firmware"),
        "hw.slot" => pick(lang, "槽位", "Slot"),
        "hw.enclosure" => pick(lang, "机柜", "Enclosure"),
        "system.device" => pick(lang, "设备名", "Device"),
        "system.filesystem.type" => pick(lang, "文件系统类型", "Filesystem type"),
        "system.filesystem.mode" => pick(lang, "挂载方式", "Mount mode"),
        "os.description" => pick(lang, "操作系统", "Operating system"),
        "os.name" => pick(lang, "系统名称", "OS name"),
        "os.version" => pick(lang, "系统版本", "OS version"),
        "os.type" => pick(lang, "系统类型", "OS type"),
        "os.kernel" | "os.kernel.version" | "host.kernel.version" => {
            pick(lang, "内核版本", "Kernel")
        }
        "host.arch" => pick(lang, "架构", "Architecture"),
        "host.cpu.model.name" => pick(lang, "处理器型号", "Processor"),
        "hw.physical_disk.type" => pick(lang, "磁盘类型", "Kind of disk"),
        "hw.virtual" => pick(lang, "虚拟磁盘", "Virtual disk"),
        "hw.smart.path" => pick(lang, "读取路径", "Read by"),
        "hw.model_family" => pick(lang, "产品系列", "Model family"),
        "md.level" => pick(lang, "RAID 级别", "RAID level"),
        "host.id" => pick(lang, "主机标识", "Host id"),
        "host.name" => pick(lang, "主机名", "Host name"),
        "identity" => pick(lang, "标识", "Identity"),
        _ => return None,
    })
}
