//! Part 2: what the inspection did to the running systems, from the ledger of what was run.

use std::collections::BTreeMap;

use super::{Build, cell, column, number_column, toned};
use crate::report::{
    model::{Block, Cell, Section, Statement, Table, Tone},
    words,
};

/// One source over all machines.
#[derive(Default)]
struct Sum {
    runs: u64,
    collected: u64,
    absent: u64,
    failed: u64,
    deferred: u64,
    p50: u32,
    p99: u32,
    cpu_us: u64,
    bytes: u64,
}

/// Share of one core below which the inspection counts as without effect.
const SMALL_SHARE: f64 = 0.01;

pub(crate) fn write(build: &mut Build<'_>) -> Section {
    let heading = build
        .pick("二、对现运行系统的冲击和影响", "2 Impact of the inspection on the running systems");
    let mut blocks = Vec::new();
    if build.counted.figures.runs == 0 {
        let source = build.ledgers();
        let text = build.pick(
            "本期没有采集台账记录，无法说明巡检对运行系统的影响。",
            "The ledger holds no runs of this period; the impact on the running systems cannot be stated.",
        );
        blocks.push(Block::Para { items: vec![build.index.say(text, &[source])] });
        return Section { id: "part2".to_owned(), heading, blocks };
    }
    blocks.push(Block::Para { items: overall(build) });
    blocks.push(Block::Heading { text: build.pick("2.1 采集台账", "2.1 What was run") });
    blocks.push(Block::Table(runs(build)));
    blocks.extend(looked_for(build).map(|it| Block::Para { items: vec![it] }));
    if let Some(table) = programs(build) {
        let text = build.pick("2.2 启动的外部程序", "2.2 Programs started");
        blocks.push(Block::Heading { text });
        blocks.push(Block::Table(table));
    }
    blocks.push(Block::Heading { text: build.pick("避让与异常", "Put off and failed") });
    blocks.push(Block::List { items: exceptions(build), numbered: false });
    Section { id: "part2".to_owned(), heading, blocks }
}

/// CPU share of one core per host, where the time is long enough to divide by.
pub(crate) fn cpu_share(build: &Build<'_>) -> Option<f64> {
    let figures = &build.counted.figures;
    (figures.host_hours >= 1.0).then(|| figures.cpu_seconds / (figures.host_hours * 3600.0))
}

/// The sentence that part 5 repeats: what the inspection cost, and whether anything speaks for an effect.
pub(crate) fn verdict(build: &mut Build<'_>) -> Statement {
    let figures = build.counted.figures.clone();
    let stuck: u64 = build.input.hosts.iter().flat_map(|it| &it.ledger).map(|row| row.stuck).sum();
    let small = cpu_share(build).is_none_or(|share| share < SMALL_SHARE);
    let text = match (figures.runs, stuck, small) {
        (0, _, _) => build.pick("没有采集台账，巡检的影响无法说明。", "Without a ledger the impact of the inspection cannot be stated."),
        (_, 0, true) => build.pick("采集方式为只读，未修改业务数据和系统配置；台账中没有超时未返回的采集，未见巡检对现运行系统造成冲击。", "The inspection only reads; no data and no configuration were changed. No run overstayed its deadline, and nothing in the ledger speaks for an effect on the running systems."),
        (_, 0, false) => build.pick("采集方式为只读；采集程序的 CPU 占用高于预期（单核 1%），建议调整采集周期。", "The inspection only reads; its CPU use was above the expected 1 % of a core, and longer periods are advised."),
        (_, n, _) => build.pick(
            format!("采集方式为只读；有 {n} 次采集到期未返回，已被隔离，其余采集未受影响。未返回的原因见“缺失数据清单”，需要复核。"),
            format!("The inspection only reads; {} did not end by the deadline and {} isolated without holding up the others. The reasons are in the list of missing data and need a review.", words::plural(n, "run", "runs"), if n == 1 { "was" } else { "were" }),
        ),
    };
    let source = build.ledgers();
    build.index.say(text, &[source])
}

fn overall(build: &mut Build<'_>) -> Vec<Statement> {
    let figures = build.counted.figures.clone();
    let lang = build.lang;
    let runs = words::number(figures.runs);
    let cpu = words::seconds(lang, figures.cpu_seconds);
    let read = words::bytes(figures.read_bytes);
    let share = cpu_share(build).map(|share| share * 100.0);
    let each = match share {
        Some(percent) if percent < 0.01 => build.pick(
            "，平均每台主机不足单核的 0.01%",
            ", on average less than 0.01 % of one core a host",
        ),
        Some(percent) => build.pick(
            format!("，平均每台主机占单核的 {percent:.2}%"),
            format!(", on average {percent:.2} % of one core a host"),
        ),
        None => String::new(),
    };
    let text = build.pick(
        format!("巡检程序共采集 {runs} 次，自身消耗 CPU {cpu}{each}；读取系统接口与工具输出 {read}。"),
        format!("The agents made {} of sources, used {cpu} of CPU themselves{each}, and read {read} from system interfaces and tools.", words::plural(figures.runs, "run", "runs")),
    );
    let source = build.ledgers();
    let first = build.index.say(text, &[source]);
    vec![first, verdict(build)]
}

fn runs(build: &mut Build<'_>) -> Table {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for row in build.input.hosts.iter().flat_map(|host| &host.ledger) {
        let sum = sums.entry(row.source.as_str()).or_default();
        sum.runs += row.collected + row.absent + row.failed + row.stuck + row.deferred;
        sum.collected += row.collected;
        sum.absent += row.absent;
        sum.failed += row.failed + row.stuck;
        sum.deferred += row.deferred;
        sum.p50 = sum.p50.max(row.took_ms_p50);
        sum.p99 = sum.p99.max(row.took_ms_p99);
        sum.cpu_us += row.cpu_us;
        sum.bytes += row.read_bytes;
    }
    let mut rows = Vec::new();
    // What was only looked for, and is not there, is told in a sentence.
    sums.retain(|_, sum| sum.absent < sum.runs);
    for (name, sum) in sums {
        let source = build.ledger(name);
        let refs = build.index.numbers(&[source]);
        let tone = if sum.failed > 0 { Tone::Unknown } else { Tone::Plain };
        #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
        let cpu = sum.cpu_us as f64 / 1e6;
        rows.push(vec![
            Cell { refs, ..cell(words::source(build.lang, name)) },
            cell(words::number(sum.runs)),
            cell(words::number(sum.collected)),
            toned(words::number(sum.failed), tone),
            cell(words::number(sum.deferred)),
            cell(format!("{} / {}", words::millis(sum.p50), words::millis(sum.p99))),
            cell(words::seconds(build.lang, cpu)),
            cell(words::bytes(sum.bytes)),
        ]);
    }
    Table {
        caption: build.pick(
            "采集台账（耗时为各主机 P50 / P99 的最大值；CPU 与读取量为合计）",
            "Run ledger (times: the largest P50 / P99 of any host; CPU and bytes: sums)",
        ),
        columns: vec![
            column(build.pick("采集项", "Source"), 1),
            number_column(build.pick("次数", "Runs")),
            number_column(build.pick("取得结果", "With result")),
            number_column(build.pick("未取得", "Without")),
            number_column(build.pick("推迟", "Put off")),
            number_column(build.pick("耗时 P50 / P99", "Time P50 / P99")),
            number_column("CPU".to_owned()),
            number_column(build.pick("读取", "Read")),
        ],
        rows,
    }
}

/// Sources that were only looked for: no host has what they read.
fn looked_for(build: &mut Build<'_>) -> Option<Statement> {
    let mut names = BTreeMap::new();
    for row in build.input.hosts.iter().flat_map(|host| &host.ledger) {
        let there = row.collected + row.failed + row.stuck + row.deferred > 0;
        *names.entry(row.source.as_str()).or_insert(false) |= there;
    }
    let names = names.into_iter().filter(|(_, there)| !there);
    let names: Vec<String> = names.map(|(name, _)| words::source(build.lang, name)).collect();
    if names.is_empty() {
        return None;
    }
    let list = words::list(build.lang, &names);
    let text = build.pick(
        format!("以下采集项只做了存在性检查，受检主机上没有相应的设备，或没有读取所需的软件：{list}。"),
        format!("These were only looked for; no host has what they read, or the software to read it: {list}."),
    );
    let source = build.ledgers();
    Some(build.index.say(text, &[source]))
}

fn programs(build: &mut Build<'_>) -> Option<Table> {
    const MOST: usize = 30;
    let mut sums: BTreeMap<&str, (u64, u32, &str)> = BTreeMap::new();
    for row in build.input.hosts.iter().flat_map(|host| &host.ledger) {
        for (command, times, longest) in &row.programs {
            let sum = sums.entry(command.as_str()).or_insert((0, 0, row.source.as_str()));
            sum.0 += times;
            sum.1 = sum.1.max(*longest);
        }
    }
    if sums.is_empty() {
        return None;
    }
    let total = sums.len();
    let mut rows = Vec::new();
    for (command, (times, longest, source)) in sums.into_iter().take(MOST) {
        let source = build.ledger(source);
        let refs = build.index.numbers(&[source]);
        rows.push(vec![
            Cell { refs, ..cell(words::clean(command)) },
            cell(words::number(times)),
            cell(words::millis(longest)),
        ]);
    }
    let caption = if total > MOST {
        build.pick(
            format!("外部程序（共 {total} 种，列出 {MOST} 种）"),
            format!("Programs ({MOST} of {total})"),
        )
    } else {
        build.pick("外部程序（巡检期间启动的全部程序）", "Programs (all that were started)")
    };
    Some(Table {
        caption,
        columns: vec![
            column(build.pick("命令", "Command"), 1),
            number_column(build.pick("次数", "Times")),
            number_column(build.pick("最长耗时", "Longest")),
        ],
        rows,
    })
}

fn exceptions(build: &mut Build<'_>) -> Vec<Statement> {
    let figures = build.counted.figures.clone();
    let deferred = match figures.runs_deferred {
        0 => {
            build.pick("没有采集因主机繁忙而推迟。", "No run was put off because a host was busy.")
        }
        n => build.pick(
            format!(
                "为避让业务，{} 次采集被推迟；推迟期间的数据按“未执行”处理。",
                words::number(n)
            ),
            format!(
                "{} put off to spare busy hosts; what they would have read counts as not executed.",
                if n == 1 {
                    "1 run was".to_owned()
                } else {
                    format!("{} runs were", words::number(n))
                }
            ),
        ),
    };
    let failed = match figures.runs_failed {
        0 => build.pick("没有采集以失败或超时告终。", "No run failed or overstayed its deadline."),
        n => build.pick(
            format!("{} 次采集失败或超时，未取得结果；相应检查项的执行状态记为“异常”。", words::number(n)),
            format!("{} failed or overstayed the deadline; the checks concerned are marked as executed abnormally.", words::plural(n, "run", "runs")),
        ),
    };
    let standby = build.pick(
        "读取磁盘健康信息时不唤醒休眠磁盘；同一控制器同一时间只有一个读取操作。",
        "Sleeping disks are not woken to read their health; a controller serves one probe at a time.",
    );
    let (ledger, smart) = (build.ledgers(), build.ledger("smart"));
    let has_smart =
        build.input.hosts.iter().flat_map(|it| &it.ledger).any(|it| it.source == "smart");
    let mut items = vec![
        build.index.say(deferred, std::slice::from_ref(&ledger)),
        build.index.say(failed, std::slice::from_ref(&ledger)),
    ];
    if has_smart {
        items.push(build.index.say(standby, &[smart]));
    }
    items
}
