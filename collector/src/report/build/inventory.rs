//! The inventory: machines, disks, arrays as they were seen, with the place that the contract gives them.

use xunjian_proto::{Component, KINDS, MemberState, Time};

use super::{Build, cell, column, number_column, toned};
use crate::report::{
    input::{Got, HostInput},
    model::{Block, Cell, Table, Tone},
    words,
};

const MOST_HOSTS: usize = 60;
const MOST_DISKS: usize = 120;

pub(crate) fn write(build: &mut Build<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    blocks.extend(hosts(build).map(Block::Table));
    blocks.extend(disks(build).map(Block::Table));
    blocks.extend(arrays(build).map(Block::Table));
    if blocks.is_empty() {
        let source = build.hosts();
        let text = build.pick("没有登记的主机。", "No host is enrolled.");
        blocks.push(Block::Para { items: vec![build.index.say(text, &[source])] });
    }
    blocks
}

fn hosts(build: &mut Build<'_>) -> Option<Table> {
    let input = build.input;
    let mut rows = Vec::new();
    for host in input.hosts.iter().take(MOST_HOSTS) {
        let source = build.inventory(host);
        let refs = build.index.numbers(&[source]);
        let attr = |name: &str| host.facts.attrs.get(name).map(|it| words::clean(it));
        let os = attr("os.description").or(attr("os.name"));
        let kernel = attr("os.version").or(attr("os.kernel")).or(attr("host.kernel"));
        let unknown = || build.pick("未读到", "not read");
        let seen = match host.last_seen {
            Some(at) if at >= input.from => cell(build.time(at)),
            Some(at) => toned(
                build.pick(
                    format!("失联，最后 {}", build.time(at)),
                    format!("silent since {}", build.time(at)),
                ),
                Tone::Unknown,
            ),
            None => toned(build.pick("从未上报", "never sent any"), Tone::Unknown),
        };
        let kernel = kernel.unwrap_or_default();
        let place = place(build, &host.facts.hostname);
        rows.push(vec![
            Cell { refs, small: place, ..cell(build.host_name(host)) },
            Cell { small: kernel, ..cell(os.unwrap_or_else(unknown)) },
            cell(parts(build, host)),
            seen,
        ]);
    }
    for name in input.without_agent() {
        let place = place(build, name);
        rows.push(vec![
            Cell { small: place, ..cell(words::clean(name)) },
            cell("—"),
            cell("—"),
            toned(build.pick("合同内，未接入", "in the contract, no agent"), Tone::Unknown),
        ]);
        if rows.len() >= 2 * MOST_HOSTS {
            break;
        }
    }
    let total = input.hosts.len();
    let caption = if total > MOST_HOSTS {
        build.pick(
            format!("主机（共 {total} 台，列出 {MOST_HOSTS} 台）"),
            format!("Hosts ({MOST_HOSTS} of {total})"),
        )
    } else {
        build.pick("主机", "Hosts")
    };
    (!rows.is_empty()).then(|| Table {
        caption,
        columns: vec![
            column(build.pick("主机 / 位置", "Host / place"), 2),
            column(build.pick("操作系统 / 内核", "System / kernel"), 3),
            column(build.pick("部件", "Components"), 3),
            column(build.pick("最新数据", "Newest reading"), 0),
        ],
        rows,
    })
}

/// Site and rack, as the contract gives them.
fn place(build: &Build<'_>, hostname: &str) -> String {
    let contract = &build.input.contract;
    let Some(asset) = contract.assets.get(hostname) else { return String::new() };
    let site = contract.sites.get(&asset.site).map_or(asset.site.as_str(), |it| it.name.as_str());
    let parts = [site, asset.location.as_str()];
    let parts: Vec<String> =
        parts.into_iter().filter(|it| !it.is_empty()).map(words::clean).collect();
    parts.join(" ")
}

fn parts(build: &Build<'_>, host: &HostInput) -> String {
    let counts: Vec<String> = KINDS
        .iter()
        .filter(|it| it.counted)
        .filter_map(|kind| {
            let kind = kind.name;
            let n = host.components.iter().filter(|(it, _)| it.id.kind() == kind).count();
            (n > 0).then(|| words::count_of(build.lang, kind, super::figures::len(n)))
        })
        .collect();
    if counts.is_empty() { "—".to_owned() } else { words::list(build.lang, &counts) }
}

fn of_kind<'a>(
    build: &Build<'a>,
    kind: &'static str,
) -> impl Iterator<Item = (&'a HostInput, &'a Component, Time)> {
    build.input.hosts.iter().flat_map(move |host| {
        let parts = host.components.iter().filter(move |(it, _)| it.id.kind() == kind);
        parts.map(move |(it, at)| (host, it, *at))
    })
}

fn disks(build: &mut Build<'_>) -> Option<Table> {
    let all: Vec<_> = of_kind(build, "disk").collect();
    let mut rows = Vec::new();
    for (host, disk, _) in all.iter().take(MOST_DISKS) {
        let attr = |name: &str| {
            disk.attrs.get(name).map(|it| words::clean(it)).filter(|it| !it.is_empty())
        };
        let unknown = || "—".to_owned();
        let source = build.inventory(host);
        let refs = build.index.numbers(&[source]);
        let slot = attr("hw.slot").unwrap_or_else(unknown);
        rows.push(vec![
            Cell {
                refs,
                ..cell(format!("{} {}", build.host_name(host), words::clean(&disk.name)))
            },
            cell(slot),
            cell(attr("hw.model").unwrap_or_else(unknown)),
            cell(attr("hw.serial_number").unwrap_or_else(unknown)),
            cell(attr("hw.firmware_version").unwrap_or_else(unknown)),
            health_read(build, host, disk),
        ]);
    }
    let total = all.len();
    let caption = if total > MOST_DISKS {
        build.pick(
            format!("磁盘（共 {total} 块，列出 {MOST_DISKS} 块）"),
            format!("Disks ({MOST_DISKS} of {total})"),
        )
    } else {
        build.pick("磁盘", "Disks")
    };
    (!rows.is_empty()).then(|| Table {
        caption,
        columns: vec![
            column(build.pick("主机 / 磁盘", "Host / disk"), 3),
            column(build.pick("槽位", "Slot"), 0),
            column(build.pick("型号", "Model"), 3),
            column(build.pick("序列号", "Serial number"), 3),
            column(build.pick("固件", "Firmware"), 2),
            column(build.pick("健康信息", "Health data"), 2),
        ],
        rows,
    })
}

/// Whether the disk's health was read; says nothing about what it is.
fn health_read(build: &Build<'_>, host: &HostInput, disk: &Component) -> Cell {
    let smart: Vec<&str> = build
        .input
        .checks
        .iter()
        .filter(|it| it.source == "smart")
        .map(|it| it.rule.as_str())
        .collect();
    let mine = || {
        host.checked
            .iter()
            .filter(|it| it.component == disk.id && smart.contains(&it.rule.as_str()))
    };
    let read = mine().filter(|it| it.got.is_read()).count();
    let gaps = mine().filter(|it| matches!(it.got, Got::Failed(_) | Got::NotRun(_))).count();
    if read > 0 && gaps == 0 {
        return toned(build.pick("已读取", "read"), Tone::Good);
    }
    // That a disk is there is read of each, also of one that tells nothing of its health.
    if read > gaps {
        return toned(build.pick("部分读取", "read in part"), Tone::Unknown);
    }
    let why = mine().find_map(|it| match &it.got {
        Got::Failed(why) | Got::NotRun(why) => Some(super::content::reason(build, why)),
        _ => None,
    });
    Cell {
        small: why.unwrap_or_default(),
        ..toned(build.pick("未读到", "not read"), Tone::Unknown)
    }
}

fn arrays(build: &mut Build<'_>) -> Option<Table> {
    let all: Vec<_> = of_kind(build, "md").collect();
    let mut rows = Vec::new();
    for (host, array, at) in all {
        let Some(set) = &array.set else { continue };
        let source = build.inventory(host);
        let refs = build.index.numbers(&[source]);
        let count = |state| set.members.iter().filter(|it| it.state == state).count();
        let active = count(MemberState::Active);
        let lost = count(MemberState::Failed) + count(MemberState::Missing);
        let (spare, rebuilding) = (count(MemberState::Spare), count(MemberState::Rebuilding));
        let unknown = count(MemberState::Unknown);
        let mut words = vec![build.pick(
            format!("在线 {active}/{}", set.width),
            format!("{active} of {} active", set.width),
        )];
        let mut add = |n: usize, zh: &str, en: &str| {
            if n > 0 {
                words.push(build.pick(format!("{zh} {n}"), format!("{n} {en}")));
            }
        };
        add(rebuilding, "重建中", "rebuilding");
        add(lost, "失效或缺失", "lost");
        add(unknown, "未知", "unknown");
        add(spare, "热备", "spare");
        let whole = active as u64 == u64::from(set.width);
        let old = at < build.input.from;
        if old {
            words.push(build.pick(
                format!("读数停在 {}，当前状态未知", build.time(at)),
                format!("last read {}, present state not known", build.time(at)),
            ));
        }
        let tone = match (old, whole) {
            (true, _) => Tone::Unknown,
            (false, true) => Tone::Good,
            (false, false) => Tone::Bad,
        };
        let joint = build.pick("，", ", ");
        rows.push(vec![
            Cell {
                refs,
                ..cell(format!("{} {}", build.host_name(host), words::clean(&array.name)))
            },
            cell(words::clean(&set.scheme).to_uppercase()),
            cell(set.width.to_string()),
            toned(words.join(&joint), tone),
        ]);
    }
    (!rows.is_empty()).then(|| Table {
        caption: build.pick("软件 RAID 阵列", "Software RAID arrays"),
        columns: vec![
            column(build.pick("主机 / 阵列", "Host / array"), 2),
            column(build.pick("类型", "Scheme"), 1),
            number_column(build.pick("成员数", "Members")),
            column(build.pick("成员状态", "State of members"), 3),
        ],
        rows,
    })
}
