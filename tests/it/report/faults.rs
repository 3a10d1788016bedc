//! The sample customer's faults and tickets: all four levels, one folded under another, one closed, advice, a blind
//! spot. synthetic: nothing here was read from a machine.

use std::time::Duration;

use xunjian_collector::{
    classify::{Agreed, Case, CaseChange, CaseId, CaseLog, Decision, Grade, Level, Redundancy},
    evaluate::{Fact, Input as Reading},
    report::TicketInput,
    ticket::{Clock, ClockState, Ticket, TicketEvent, TicketEventKind, TicketId, TicketState},
};
use xunjian_proto::{ComponentId, Time};
use xunjian_rules::{EvidenceKind, Text};

use super::sample::{DAY, FROM, TO, checks, disk};
pub(crate) fn fact(
    rule: &str,
    component: &ComponentId,
    since: Time,
    zh: &str,
    en: &str,
    value: &str,
) -> Fact {
    let item = checks().into_iter().find(|it| it.rule == rule);
    Fact {
        rule: rule.to_owned(),
        class: "x".to_owned(),
        evidence: EvidenceKind::Latent,
        component: component.clone(),
        since,
        at: TO - Duration::from_secs(300),
        message: Text::new(zh, en),
        advice: item.map(|it| it.advice).unwrap_or_default(),
        inputs: vec![Reading {
            name: format!("{}.reading", rule.replace('-', ".")),
            value: value.to_owned(),
            test: "> 0".to_owned(),
            at: TO - Duration::from_secs(300),
            evidence: Some(
                "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab".to_owned(),
            ),
        }],
        adjusted: None,
    }
}

pub(crate) fn case(id: &str, host: &str, grade: Grade, fact: Fact, opened_at: Time) -> Case {
    Case {
        id: CaseId(id.to_owned()),
        customer: "huadong".to_owned(),
        site: "idc1".to_owned(),
        agent: format!("{:032x}", host.bytes().map(usize::from).sum::<usize>() % 90 * 10 + 7),
        hostname: host.to_owned(),
        component_name: fact.component.key().to_owned(),
        component: fact.component.clone(),
        class: fact.class.clone(),
        decision: Decision {
            grade,
            step: 3,
            because: Text::new(
                "阵列冗余已经耗尽，再失效一个成员即丢失数据。",
                "The redundancy is used up: the next loss loses the data.",
            ),
            clause: Text::new(
                "存在导致系统瘫痪或服务中断的隐患",
                "a fault carrying the latent danger of paralysis or interruption",
            ),
            runner_up: None,
            worse_if: Text::new("阵列停止服务", "the array stops"),
            better_if: Text::new("重建完成", "the rebuild is done"),
            redundancy: Vec::new(),
            impact: "none".to_owned(),
            policies: Vec::new(),
            at: opened_at,
        },
        facts: vec![fact],
        parent: None,
        opened_at,
        updated_at: TO - Duration::from_secs(300),
        closed_at: None,
        intermittent: false,
        late: false,
        stale_since: None,
        recent: 1,
        agreed: Agreed::default(),
        log: vec![CaseLog {
            at: opened_at,
            kind: CaseChange::Opened,
            why: Text::new("首次发现", "first seen"),
        }],
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let md = ComponentId::new("md", "8f1c-77aa");
    let bad = disk(("store01".bytes().map(usize::from).sum::<usize>() % 90) * 10 + 3);
    let fs = ComponentId::new("filesystem", "/data");
    let unit = ComponentId::new("unit", "slurmctld.service");
    let mut two = case(
        "C-two",
        "store01",
        Grade::Fault(Level::Two),
        fact(
            "md-degraded",
            &md,
            FROM + DAY * 40,
            "软件 RAID md0（RAID5，4 个成员）缺失 1 个成员",
            "software RAID md0 (RAID5, 4 members) lacks 1 member",
            "1",
        ),
        FROM + DAY * 40,
    );
    two.component_name = "md0".to_owned();
    two.decision.redundancy = vec![Redundancy {
        set: md.clone(),
        label: "md0（RAID5，4 个成员）".to_owned(),
        r: Some(0),
        r_if: Some(-1),
        r_design: Some(1),
        spare: Some(false),
        title: xunjian_rules::Text::default(),
        spares: true,
        suspects: vec![disk(1)],
        lost: 1,
        unknown: 0,
    }];
    let mut child = case(
        "C-child",
        "store01",
        Grade::Fault(Level::Four),
        fact(
            "disk-failing",
            &bad,
            FROM + DAY * 39,
            "磁盘 sdd 已被阵列踢出",
            "disk sdd was thrown out of its array",
            "FAILED",
        ),
        FROM + DAY * 39,
    );
    child.parent = Some(two.id.clone());
    let mut one = case(
        "C-one",
        "store02",
        Grade::Fault(Level::One),
        fact(
            "unit-failed",
            &unit,
            TO - DAY * 2,
            "关键服务 slurmctld 已停止，作业调度中断",
            "the critical service slurmctld is down, no jobs are scheduled",
            "failed",
        ),
        TO - DAY * 2,
    );
    one.decision.impact = "total".to_owned();
    let mut three = case(
        "C-three",
        "store01",
        Grade::Fault(Level::Three),
        fact(
            "fs-space",
            &fs,
            TO - DAY * 9,
            "文件系统 /data 使用率 97%，写入变慢",
            "file system /data is 97 % full and writes are slow",
            "97 %",
        ),
        FROM - DAY * 9,
    );
    three.decision.impact = "partial".to_owned();
    three.log.push(CaseLog {
        at: TO - DAY * 9,
        kind: CaseChange::Regraded {
            from: Grade::Fault(Level::Four),
            to: Grade::Fault(Level::Three),
        },
        why: Text::new("写入延迟升高", "writes became slow"),
    });
    let mut four = case(
        "C-four",
        "store02",
        Grade::Fault(Level::Four),
        fact(
            "disk-media",
            &disk(2),
            FROM - DAY * 20,
            "磁盘 sdb 新增 24 个重映射扇区",
            "disk sdb has 24 new remapped sectors",
            "24",
        ),
        FROM - DAY * 20,
    );
    four.intermittent = true;
    let mut gone = case(
        "C-closed",
        "store02",
        Grade::Fault(Level::Two),
        fact(
            "md-degraded",
            &md,
            FROM + DAY * 3,
            "软件 RAID md0 缺失 1 个成员",
            "software RAID md0 lacks 1 member",
            "1",
        ),
        FROM + DAY * 3,
    );
    gone.closed_at = Some(FROM + DAY * 4);
    gone.log.push(CaseLog {
        at: FROM + DAY * 4,
        kind: CaseChange::Closed,
        why: Text::new(
            "更换磁盘并重建完成，连续读数正常",
            "the disk was replaced, the rebuild is done, readings stayed good",
        ),
    });
    let advice = case(
        "C-advice",
        "store01",
        Grade::Advice,
        fact("md-degraded", &disk(9), FROM, "阵列 md0 没有热备盘", "array md0 has no spare", "0"),
        FROM,
    );
    let mut blind = case(
        "C-blind",
        "node03",
        Grade::Blind,
        fact(
            "agent-silent",
            &ComponentId::host(),
            FROM - DAY * 3,
            "主机失联",
            "the host is silent",
            "3 d",
        ),
        FROM - DAY * 3,
    );
    blind.facts[0].evidence = EvidenceKind::Blind;
    blind.decision.because =
        Text::new("主机自 9 月 28 日起没有读数", "no readings since 28 September");
    vec![one, two, child, three, four, gone, advice, blind]
}

pub(crate) fn tickets() -> Vec<TicketInput> {
    let ticket = |id: &str, case: &str, level, zh: &str, en: &str, at: Time| Ticket {
        id: TicketId(id.to_owned()),
        case: CaseId(case.to_owned()),
        customer: "huadong".to_owned(),
        title: Text::new(zh, en),
        events: vec![TicketEvent {
            at,
            actor: "system".to_owned(),
            kind: TicketEventKind::Detected(level),
            note: Text::default(),
        }],
    };
    let clock = |name: &str, from: Time, limit: u64, met: Option<u64>, state| Clock {
        name: name.to_owned(),
        label: Text::default(),
        from,
        due: from + Duration::from_secs(60 * limit),
        met_at: met.map(|minutes| from + Duration::from_secs(60 * minutes)),
        state,
    };
    let first = TO - DAY * 2;
    let second = FROM + DAY * 40;
    vec![
        TicketInput {
            ticket: ticket(
                "T20261230-0001",
                "C-one",
                Level::One,
                "store02：关键服务 slurmctld 已停止",
                "store02: slurmctld is down",
                first,
            ),
            state: TicketState::OnSite,
            clocks: vec![
                clock("response", first, 15, Some(6), ClockState::Met),
                clock("arrival", first, 60, Some(48), ClockState::Met),
                clock("repair", first, 120, None, ClockState::Breached),
            ],
        },
        TicketInput {
            ticket: ticket(
                "T20261110-0001",
                "C-two",
                Level::Two,
                "store01：阵列 md0 冗余耗尽",
                "store01: no redundancy left in md0",
                second,
            ),
            state: TicketState::Responded,
            clocks: vec![
                clock("response", second, 15, Some(9), ClockState::Met),
                clock("arrival", second, 60, Some(75), ClockState::MetLate),
                clock("repair", second, 120, None, ClockState::Running),
            ],
        },
    ]
}
