//! What a Chinese report of about ten pages costs: `cargo bench -p xunjian-collector --bench report`.
//!
//! Prints a table of pages, wall and CPU time, resident memory at its peak and the file's size. CPU time and memory are
//! the whole process's own, from /proc (proc_pid_stat(5), proc_pid_status(5)); ticks are 10 ms.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::{collections::BTreeMap, fs, time::Instant};

use std::time::Duration;
use xunjian_collector::{
    contract::Contract,
    report::{CheckItem, Checked, Got, HostInput, Input, Trend, Why, build, html, pdf},
    store::{LedgerRow, Point},
};
use xunjian_proto::{Component, ComponentId, HostFacts, Reason, SeriesKey, Time};
use xunjian_rules::{Lang, Text};

const FROM: Time = Time::from_secs(1_790_784_000);
const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    println!(
        "{:<26} {:>6} {:>9} {:>9} {:>11} {:>9}",
        "what", "pages", "wall s", "CPU s", "peak MiB", "KiB"
    );
    for (name, hosts, disks) in
        [("first report (cold)", 3, 12), ("again (warm)", 3, 12), ("20 hosts, 240 disks", 20, 12)]
    {
        let input = input(hosts, disks);
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        let report = build(&input);
        let made = pdf(&report).expect("the sample report can be typeset");
        let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        row(name, made.pages, wall, cpu, made.bytes.len());
    }
    let report = build(&input(3, 12));
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let page = html(&report);
    row("the same as HTML", 0, wall.elapsed().as_secs_f64(), cpu_seconds() - cpu, page.len());
}

fn row(name: &str, pages: usize, wall: f64, cpu: f64, bytes: usize) {
    let peak = peak_kib() / 1024;
    println!("{name:<26} {pages:>6} {wall:>9.2} {cpu:>9.2} {peak:>11} {:>9}", bytes / 1024);
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|it| it.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// A customer with so many hosts and disks a host; some disks asleep. Made up.
fn input(hosts: usize, disks: usize) -> Input {
    let from = FROM;
    let to = FROM + DAY * 92;
    Input {
        id: "R2026Q4-bench-1".to_owned(),
        version: 1,
        lang: Lang::Zh,
        contract: Contract {
            customer_name: "某超级计算中心".to_owned(), ..Contract::default()
        },
        from,
        to,
        now: to,
        hosts: (0..hosts).map(|n| host(n, disks, to)).collect(),
        cases: Vec::new(),
        tickets: Vec::new(),
        checks: checks(),
        rule_set: "bench".to_owned(),
    }
}

fn checks() -> Vec<CheckItem> {
    let text = |zh: &str| Text::new(zh, zh);
    let item = |n: usize| CheckItem {
        rule: format!("rule-{n}"),
        source: ["smart", "block", "md", "fs"][n % 4].to_owned(),
        kind: if n.is_multiple_of(3) { "filesystem" } else { "disk" }.to_owned(),
        item: text("磁盘介质错误增长情况"),
        method: text("读取 SMART 属性 5、187、197、198，与本期初的基线比较"),
        criterion: text("三十天内没有新增的重映射扇区和不可纠正错误"),
        impact: text("读写可能失败，阵列重建可能中断"),
        advice: text("安排备件，在业务低峰更换"),
    };
    (0..25).map(item).collect()
}

fn host(n: usize, disks: usize, to: Time) -> HostInput {
    let part = |kind: &str, key: String, name: String| {
        let attrs = BTreeMap::from([
            ("hw.model".to_owned(), "ST12000NM0127".to_owned()),
            ("hw.serial_number".to_owned(), key.clone()),
        ]);
        (
            Component {
                id: ComponentId::new(kind, &key),
                name,
                attrs,
                links: Vec::new(),
                set: None,
            },
            to,
        )
    };
    let mut components: Vec<_> =
        (0..disks).map(|it| part("disk", format!("ZA{n:03}{it:03}"), format!("sd{it}"))).collect();
    components
        .extend(["/", "/data", "/home"].map(|it| part("filesystem", it.to_owned(), it.to_owned())));
    let mut checked = Vec::new();
    for item in checks() {
        let of_kind = components.iter().filter(|(it, _)| it.id.kind() == item.kind);
        for (at, (component, _)) in of_kind.enumerate() {
            let why =
                || Why { reason: Some(Reason::Asleep), text: Text::new("磁盘休眠", "asleep") };
            let got = if at % 7 == 3 { Got::NotRun(why()) } else { Got::Normal };
            checked.push(Checked { rule: item.rule.clone(), component: component.id.clone(), got });
        }
    }
    let trends = components.iter().map(|(it, _)| trend(it)).collect();
    let row = |source: &str| LedgerRow {
        source: source.to_owned(),
        collected: 132_480,
        took_ms_p50: 3,
        took_ms_p99: 40,
        cpu_us: 52_000_000,
        read_bytes: 700_000_000,
        ..LedgerRow::default()
    };
    HostInput {
        agent: format!("{n:032x}"),
        facts: HostFacts {
            hostname: format!("node{n:03}"),
            boot_id: String::new(),
            agent_version: "0.1.0".to_owned(),
            attrs: BTreeMap::new(),
        },
        enrolled_at: FROM,
        last_seen: Some(to),
        sources: Vec::new(),
        ledger: ["host", "fs", "block", "smart", "md", "net", "systemd", "kmsg"].map(row).to_vec(),
        checked,
        trends,
        components,
    }
}

fn trend(part: &Component) -> Trend {
    let (metric, base, wave) = match part.id.kind() {
        "disk" => ("hw.temperature", 36.0, 3.0),
        _ => ("system.filesystem.utilization", 0.5, 0.05),
    };
    let point = |day: u32| {
        let mean = base + wave * (f64::from(day) * 0.3).sin();
        Point { at: FROM + DAY * day, min: mean, mean, max: mean }
    };
    let series =
        SeriesKey { metric: metric.to_owned(), component: part.id.clone(), attrs: Vec::new() };
    Trend { series, name: part.name.clone(), points: (0..92).map(point).collect() }
}
