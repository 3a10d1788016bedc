//! The cases and tickets of the small customer. Synthetic.

use xunjian_collector::{
    classify::{Agreed, Case, CaseChange, CaseId, CaseLog, Decision, Grade, Level, Redundancy},
    evaluate::{Fact, Input},
    ticket::{Ticket, TicketEvent, TicketEventKind, TicketId},
};
use xunjian_proto::ComponentId;
use xunjian_rules::{EvidenceKind, Text};

use super::world::{SICK, ago, disk};

fn text(zh: &str, en: &str) -> Text {
    Text::new(zh, en)
}

fn fact(component: &ComponentId, evidence: Option<&str>, message: Text, advice: Text) -> Fact {
    Fact {
        rule: "md-degraded".to_owned(),
        class: "redundancy".to_owned(),
        evidence: EvidenceKind::Lost,
        component: component.clone(),
        since: ago(4000),
        at: ago(45),
        message,
        advice,
        inputs: vec![Input {
            name: "md.array.disks.missing".to_owned(),
            value: "1".to_owned(),
            test: "> 0".to_owned(),
            at: ago(45),
            evidence: evidence.map(str::to_owned),
        }],
        adjusted: None,
    }
}

fn case(id: &str, component: ComponentId, name: &str, grade: Grade, because: Text) -> Case {
    Case {
        id: CaseId(id.to_owned()),
        customer: "acme".to_owned(),
        site: "gz".to_owned(),
        agent: SICK.to_owned(),
        hostname: "storage-02".to_owned(),
        component_name: name.to_owned(),
        class: "redundancy".to_owned(),
        facts: vec![fact(
            &component,
            None,
            text(
                "磁盘 sdd 重映射扇区 24 小时内增加 16 个",
                "sdd remapped 16 more sectors in 24 hours",
            ),
            text(
                "安排备件，择机更换该盘；更换前先确认阵列重建完成。",
                "Arrange a spare and replace the disk once the rebuild is done.",
            ),
        )],
        component,
        decision: Decision {
            grade,
            step: 3,
            because,
            clause: text(
                "二级故障：存在系统瘫痪或业务中断隐患，可能导致基本功能丧失或全面降级",
                "level 2: latent danger of paralysis or interruption",
            ),
            runner_up: Some((
                Grade::Fault(Level::Four),
                text("若有热备盘正在重建，则为四级", "level 4 if a spare were rebuilding"),
            )),
            worse_if: text(
                "再有一块成员盘失效：数据丢失，升为一级",
                "one more member fails: data are lost, level 1",
            ),
            better_if: text(
                "更换故障盘并完成重建：冗余恢复，关闭",
                "the failed disk is replaced and rebuilt: closed",
            ),
            redundancy: vec![Redundancy {
                set: ComponentId::new("md", "6d0a"),
                label: "md0 (raid5, 4)".to_owned(),
                r: Some(0),
                r_if: Some(-1),
                r_design: Some(1),
                spare: Some(false),
                title: xunjian_rules::Text::default(),
                spares: true,
                suspects: vec![disk(2)],
                lost: 1,
                unknown: 0,
            }],
            impact: "unknown".to_owned(),
            policies: vec!["prefail_no_spare = 4".to_owned()],
            at: ago(4000),
        },
        parent: None,
        opened_at: ago(4000),
        updated_at: ago(45),
        closed_at: None,
        intermittent: false,
        late: false,
        stale_since: None,
        recent: 1,
        agreed: Agreed::default(),
        log: vec![CaseLog {
            at: ago(4000),
            kind: CaseChange::Opened,
            why: text("阵列缺少一个成员", "the array lacks a member"),
        }],
    }
}

pub(super) fn cases(evidence: &str) -> Vec<Case> {
    let array = ComponentId::new("md", "6d0a");
    let mut degraded = case(
        "c-degraded",
        array.clone(),
        "md0 (RAID 5, 4 盘)",
        Grade::Fault(Level::Two),
        text(
            "RAID 5 阵列 md0 已失去一块成员盘，无热备，再坏一块即丢失数据",
            "RAID 5 array md0 lost a member and has no spare: the next loss takes the data",
        ),
    );
    degraded.facts.insert(
        0,
        fact(
            &array,
            Some(evidence),
            text("阵列 md0 应有 4 个成员，实有 3 个", "array md0 has 3 of 4 members"),
            text(
                "更换槽位 2 的磁盘 sdd（序列号 ZA3），加入阵列并观察重建。",
                "Replace sdd in slot 2 (serial ZA3), add it and watch the rebuild.",
            ),
        ),
    );
    let mut child = case(
        "c-child",
        disk(2),
        "sdd（序列号 ZA3，槽位 2）",
        Grade::Fault(Level::Four),
        text("磁盘 sdd 出现介质错误", "disk sdd has medium errors"),
    );
    child.parent = Some(degraded.id.clone());
    child.intermittent = true;
    let mut stale = case(
        "c-stale",
        ComponentId::new("filesystem", "/"),
        "/ 根文件系统",
        Grade::Advice,
        text("根文件系统使用率 86 %，约 40 天后写满", "/ is 86 % full, full in about 40 days"),
    );
    stale.stale_since = Some(ago(9000));
    stale.hostname = "node-07".to_owned();
    stale.agent = format!("{:032x}", 3);
    let mut foreign = case(
        "c-foreign",
        disk(9),
        "别家的盘",
        Grade::Fault(Level::One),
        text("别家的故障", "not yours"),
    );
    foreign.customer = "elsewhere".to_owned();
    foreign.hostname = "foreign-01".to_owned();
    foreign.agent = format!("{:032x}", 9);
    vec![degraded, child, stale, foreign]
}

pub(super) fn tickets() -> Vec<Ticket> {
    let event = |age, actor: &str, kind, note: Text| TicketEvent {
        at: ago(age),
        actor: actor.to_owned(),
        kind,
        note,
    };
    let ticket = |id: &str, case: &str, customer: &str, title: Text, events| Ticket {
        id: TicketId(id.to_owned()),
        case: CaseId(case.to_owned()),
        customer: customer.to_owned(),
        title,
        events,
    };
    let none = || text("", "");
    vec![
        ticket(
            "T20261122-0001",
            "c-degraded",
            "acme",
            text(
                "storage-02：阵列 md0 降级，无冗余",
                "storage-02: array md0 degraded, no redundancy",
            ),
            vec![
                event(500, "system", TicketEventKind::Detected(Level::Two), none()),
                event(
                    495,
                    "system",
                    TicketEventKind::Notified,
                    text("已通知王工", "Wang was told"),
                ),
            ],
        ),
        ticket(
            "T20261122-0002",
            "c-foreign",
            "elsewhere",
            text("别家的工单", "not your ticket"),
            vec![event(500, "system", TicketEventKind::Detected(Level::One), none())],
        ),
    ]
}
