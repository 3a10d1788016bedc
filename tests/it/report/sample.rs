//! A made-up customer for the report's tests: three hosts, twelve disks, an array, a host that has gone silent. synthetic: nothing here was read from a machine.

use std::{collections::BTreeMap, time::Duration};

use chrono::NaiveDate;
use xunjian_collector::{
    contract::{Appointment, Asset, Contract, Site},
    report::{CheckItem, Checked, Got, HostInput, Input, Trend, Why},
    store::{LedgerRow, Point},
};
use xunjian_proto::{
    Component, ComponentId, HostFacts, Member, MemberState, Reason, SeriesKey, Set, Time,
};
use xunjian_rules::{Lang, Text};

use super::faults::{cases, tickets};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);
/// 2026-10-01 and 2027-01-01, 00:00 in Shanghai.
pub(crate) const FROM: Time = Time::from_secs(1_790_784_000);
pub(crate) const TO: Time = Time::from_secs(1_798_732_800);

/// The whole quarter of the customer.
pub(crate) fn quarter(lang: Lang) -> Input {
    Input {
        id: "R2026Q4-huadong-1".to_owned(),
        version: 1,
        lang,
        contract: contract(),
        from: FROM,
        to: TO,
        now: TO + DAY,
        hosts: vec![
            host("store01", 6, Some(TO - Duration::from_secs(60))),
            host("store02", 4, Some(TO - Duration::from_secs(90))),
            host("node03", 2, Some(FROM - DAY * 3)),
        ],
        cases: cases(),
        tickets: tickets(),
        checks: checks(),
        rule_set: "0.1.0+3f2a".to_owned(),
    }
}

/// One machine, one round, nothing found: the first try of the product.
pub(crate) fn first_round(lang: Lang) -> Input {
    let now = Time::from_secs(1_795_336_200);
    let mut host = host("try-host", 1, Some(now - Duration::from_secs(5)));
    host.enrolled_at = now - Duration::from_secs(40);
    host.components.retain(|(it, _)| it.id.kind() != "md");
    host.checked.retain(|it| it.component.kind() != "md");
    for it in &mut host.checked {
        it.got = Got::Normal;
    }
    host.trends.iter_mut().for_each(|it| it.points.truncate(1));
    for row in &mut host.ledger {
        *row = LedgerRow {
            collected: 1,
            cpu_us: 900,
            failed: 0,
            stuck: 0,
            deferred: 0,
            ..row.clone()
        };
        row.programs.iter_mut().for_each(|it| it.1 = 1);
    }
    Input {
        id: "R2026Q4-default-1".to_owned(),
        version: 1,
        lang,
        contract: Contract::default(),
        from: FROM,
        to: TO,
        now,
        hosts: vec![host],
        cases: Vec::new(),
        tickets: Vec::new(),
        checks: checks(),
        rule_set: "0.1.0".to_owned(),
    }
}

fn contract() -> Contract {
    let asset = |location: &str| Asset {
        site: "idc1".to_owned(),
        location: location.to_owned(),
        ..Asset::default()
    };
    Contract {
        customer: "huadong".to_owned(),
        customer_name: "华东某超级计算中心".to_owned(),
        number: "HT-2026-0417".to_owned(),
        provider_name: "示例信息技术服务有限公司".to_owned(),
        sites: BTreeMap::from([(
            "idc1".to_owned(),
            Site { name: "一号机房".to_owned(), ..Site::default() },
        )]),
        assets: BTreeMap::from([
            ("store01".to_owned(), asset("A03 机柜 12U")),
            ("store02".to_owned(), asset("A03 机柜 16U")),
            ("node03".to_owned(), asset("B01 机柜 20U")),
        ]),
        calendar: vec![
            Appointment {
                date: NaiveDate::from_ymd_opt(2027, 3, 20).unwrap(),
                kind: "inspection".to_owned(),
                note: String::new(),
            },
            Appointment {
                date: NaiveDate::from_ymd_opt(2027, 4, 10).unwrap(),
                kind: "training".to_owned(),
                note: String::new(),
            },
        ],
        ..Contract::default()
    }
}

pub(crate) fn disk(n: usize) -> ComponentId {
    ComponentId::new("disk", &format!("ZA1B{n:04}"))
}

fn host(name: &str, disks: usize, last_seen: Option<Time>) -> HostInput {
    let at = last_seen.unwrap_or(FROM);
    let mut components = vec![(part(ComponentId::host(), name), at)];
    let base = name.bytes().map(usize::from).sum::<usize>() % 90 * 10;
    for n in 0..disks {
        let mut it = part(disk(base + n), &format!("sd{}", char::from(b'a' + n as u8)));
        it.attrs = BTreeMap::from([
            ("hw.model".to_owned(), "ST12000NM0127".to_owned()),
            ("hw.serial_number".to_owned(), it.id.key().to_owned()),
            ("hw.firmware_version".to_owned(), "SN04".to_owned()),
            ("hw.slot".to_owned(), n.to_string()),
        ]);
        components.push((it, at));
    }
    let mut array = part(ComponentId::new("md", "8f1c-77aa"), "md0");
    let member = |slot: u32, state| Member {
        slot: Some(slot),
        component: Some(disk(base + slot as usize)),
        name: format!("sd{}1", char::from(b'a' + slot as u8)),
        state,
    };
    let last = if name == "store01" { MemberState::Failed } else { MemberState::Active };
    array.set = Some(Set {
        scheme: "raid5".to_owned(),
        width: 4,
        copies: 1,
        members: vec![
            member(0, MemberState::Active),
            member(1, MemberState::Active),
            member(2, MemberState::Active),
            member(3, last),
        ],
    });
    components.push((array, at));
    for mount in ["/", "/data"] {
        components.push((part(ComponentId::new("filesystem", mount), mount), at));
    }
    let checked = checked(&components, name == "node03");
    HostInput {
        agent: format!("{:032x}", base + 7),
        facts: HostFacts {
            hostname: name.to_owned(),
            boot_id: "b".to_owned(),
            agent_version: "0.1.0".to_owned(),
            attrs: BTreeMap::from([
                ("os.description".to_owned(), "openEuler 22.03 (LTS-SP3)".to_owned()),
                ("os.kernel".to_owned(), "5.10.0-182.0.0.95.oe2203sp3.x86_64".to_owned()),
            ]),
        },
        enrolled_at: FROM - DAY * 30,
        last_seen,
        sources: Vec::new(),
        ledger: if name == "node03" { Vec::new() } else { ledger() },
        checked,
        trends: trends(name, &components),
        components,
    }
}

fn part(id: ComponentId, name: &str) -> Component {
    Component { id, name: name.to_owned(), attrs: BTreeMap::new(), links: Vec::new(), set: None }
}

fn checked(components: &[(Component, Time)], silent: bool) -> Vec<Checked> {
    let mut all = Vec::new();
    for item in checks() {
        let of_kind = components.iter().filter(|(it, _)| it.id.kind() == item.kind);
        for (n, (component, _)) in of_kind.enumerate() {
            let got = match (silent, item.rule.as_str(), n) {
                (true, ..) => Got::NotRun(Why {
                    reason: None,
                    text: Text::new("主机本期没有读数", "the host sent no readings in this period"),
                }),
                (_, "disk-failing", 2) => Got::NotRun(Why {
                    reason: Some(Reason::Asleep),
                    text: Text::new(
                        "磁盘休眠，未唤醒：standby",
                        "the disk sleeps and was not woken: standby",
                    ),
                }),
                (_, "disk-failing", 4) => Got::Failed(Why {
                    reason: Some(Reason::TimedOut),
                    text: Text::new("采集项 smart 超时未返回", "source smart did not end in time"),
                }),
                (_, "disk-media", 2) => Got::NotOffered,
                (_, "disk-failing", 3) | (_, "md-degraded", 0) => Got::Abnormal,
                (_, "fs-space", 1) => Got::Pending,
                _ => Got::Normal,
            };
            all.push(Checked { rule: item.rule.clone(), component: component.id.clone(), got });
        }
    }
    all
}

fn ledger() -> Vec<LedgerRow> {
    let row = |source: &str, runs, p50, p99, cpu_us| LedgerRow {
        source: source.to_owned(),
        collected: runs,
        took_ms_p50: p50,
        took_ms_p99: p99,
        cpu_us,
        read_bytes: runs * 5300,
        ..LedgerRow::default()
    };
    vec![
        row("host", 794_880, 2, 9, 410_000_000),
        row("fs", 132_480, 3, 40, 52_000_000),
        LedgerRow {
            failed: 3,
            stuck: 1,
            deferred: 12,
            programs: vec![
                ("smartctl --json --xall -n standby DEVICE".to_owned(), 13_248, 20_000),
                ("smartctl --json --scan-open".to_owned(), 2208, 310),
            ],
            ..row("smart", 2192, 640, 4200, 21_000_000)
        },
        row("md", 132_480, 1, 6, 30_000_000),
    ]
}

fn trends(name: &str, components: &[(Component, Time)]) -> Vec<Trend> {
    let mut all = Vec::new();
    let days = 92;
    let mut add = |metric: &str, it: &Component, base: f64, rise: f64, wave: f64| {
        let points = (0..days).map(|day| {
            let mean = base + rise * f64::from(day) + wave * (f64::from(day) * 0.7).sin();
            Point { at: FROM + DAY * day, min: mean, mean, max: mean }
        });
        all.push(Trend {
            series: SeriesKey {
                metric: metric.to_owned(),
                component: it.id.clone(),
                attrs: Vec::new(),
            },
            name: it.name.clone(),
            points: points.collect(),
        });
    };
    for (n, (it, _)) in components.iter().enumerate() {
        match it.id.kind() {
            "filesystem" => {
                let rise = if it.name == "/data" && name == "store01" { 0.0034 } else { 0.0004 };
                add("system.filesystem.utilization", it, 0.42 + 0.06 * n as f64 / 4.0, rise, 0.002);
            }
            "disk" => add("hw.temperature", it, 33.0 + 2.0 * n as f64, 0.02, 1.5),
            _ => {}
        }
    }
    all
}

fn item(rule: &str, source: &str, kind: &str, zh: [&str; 5], en: [&str; 5]) -> CheckItem {
    let text = |at: usize| Text::new(zh[at], en[at]);
    CheckItem {
        rule: rule.to_owned(),
        source: source.to_owned(),
        kind: kind.to_owned(),
        item: text(0),
        method: text(1),
        criterion: text(2),
        impact: text(3),
        advice: text(4),
    }
}

pub(crate) fn checks() -> Vec<CheckItem> {
    vec![
        item(
            "disk-failing",
            "smart",
            "disk",
            [
                "磁盘整体健康判定",
                "smartctl --json 读取 SMART 整体自评",
                "自评为 PASSED",
                "磁盘随时可能失效",
                "更换该磁盘",
            ],
            [
                "Overall health of the disk",
                "SMART self-assessment by smartctl --json",
                "the assessment is PASSED",
                "the disk may fail at any time",
                "replace the disk",
            ],
        ),
        item(
            "disk-media",
            "smart",
            "disk",
            [
                "磁盘介质错误",
                "读取属性 5、187、197、198，比较本期增量",
                "30 天内无新增坏扇区",
                "读写失败，重建可能中断",
                "安排备件并更换",
            ],
            [
                "Media errors of the disk",
                "attributes 5, 187, 197, 198, growth in the period",
                "no new bad sectors in 30 days",
                "reads fail, a rebuild may stop",
                "arrange a part and replace",
            ],
        ),
        item(
            "md-degraded",
            "md",
            "md",
            [
                "软件 RAID 成员完整性",
                "读取 /proc/mdstat 与 sysfs",
                "所有成员在线且已同步",
                "冗余耗尽后再坏一块盘即丢失数据",
                "更换失效成员并加入阵列",
            ],
            [
                "Members of the software RAID",
                "/proc/mdstat and sysfs",
                "all members are there and in sync",
                "once the redundancy is gone one more loss loses data",
                "replace the lost member",
            ],
        ),
        item(
            "fs-space",
            "fs",
            "filesystem",
            [
                "文件系统空间",
                "statvfs 读取",
                "使用率低于 90%，且 5 天内不会写满",
                "写满后业务写入失败",
                "清理或扩容",
            ],
            [
                "Space of the file system",
                "statvfs",
                "below 90 % and not full within 5 days",
                "writes fail when it is full",
                "clean up or extend",
            ],
        ),
        item(
            "unit-failed",
            "systemd",
            "unit",
            [
                "系统服务状态",
                "systemctl show",
                "无 failed 状态的服务",
                "该服务提供的功能不可用",
                "查看日志并恢复服务",
            ],
            [
                "State of system services",
                "systemctl show",
                "no unit is failed",
                "what the service offers is gone",
                "read its log and restore it",
            ],
        ),
    ]
}
