//! The summary on one page: overall assessment, faults by level, clocks, coverage, the gravest dangers.

use super::{Build, assess::assess, dangers};
use crate::report::{
    model::{Block, Section, Statement, Tile, Tone},
    words::{self, LEVELS},
};

const MOST_DANGERS: usize = 5;

pub(crate) fn write(build: &mut Build<'_>) -> Section {
    let overall = assess(build);
    let basis = [build.cases(), build.coverage()];
    let title =
        build.pick(format!("总体评价：{}", overall.word), format!("Overall: {}", overall.word));
    let mut items = vec![build.index.say(overall.sentence, &basis)];
    items.push(span(build));
    let mut blocks = vec![
        Block::Callout { tone: overall.tone, title, items },
        Block::Tiles { tiles: level_tiles(build) },
        Block::Tiles { tiles: other_tiles(build) },
    ];
    blocks.extend(top_dangers(build));
    Section { id: "summary".to_owned(), heading: build.pick("巡检摘要", "Summary"), blocks }
}

/// What the report covers in time; says plainly when it is a single round.
pub(crate) fn span(build: &mut Build<'_>) -> Statement {
    let hosts = build.hosts();
    let figures = &build.counted.figures;
    let read = figures.hosts_read;
    let text = match build.counted.span {
        None => build.pick(
            "本期没有收到任何主机的读数。",
            "No readings of any host arrived in this period.",
        ),
        Some((first, last)) if figures.single_round => {
            let (first, last) = (build.time(first), build.time(last));
            let when = if first == last {
                build.pick(format!("（{first}）"), format!(" ({first})"))
            } else {
                build.pick(format!("（{first} 至 {last}）"), format!(" ({first} to {last})"))
            };
            build.pick(
                format!("本报告基于一次巡检{when}，覆盖 {}；反映巡检时刻的状态，不含趋势判断。", words::count_of(build.lang, "host", read)),
                format!("This report rests on one inspection round{when} of {}; it shows the state at that time and judges no trend.", words::count_of(build.lang, "host", read)),
            )
        }
        Some((first, last)) => {
            let (first, last) = (build.time(first), build.time(last));
            build.pick(
                format!(
                    "本期读数自 {first} 至 {last}，来自 {}。",
                    words::count_of(build.lang, "host", read)
                ),
                format!(
                    "Readings of this period run from {first} to {last} and come from {}.",
                    words::count_of(build.lang, "host", read)
                ),
            )
        }
    };
    build.index.say(text, &[hosts])
}

fn level_tiles(build: &mut Build<'_>) -> Vec<Tile> {
    let source = build.cases();
    let refs = build.index.numbers(&[source]);
    let figures = &build.counted.figures;
    let tile = |level: crate::classify::Level| {
        let at = usize::from(level.number() - 1);
        let (open, closed) = (figures.open[at], figures.closed[at]);
        let note = match closed {
            0 => build.pick("未关闭", "open"),
            n => build.pick(format!("未关闭；已关闭 {n}"), format!("open; {n} closed")),
        };
        let tone = if open > 0 { words::level_tone(level) } else { Tone::Muted };
        let refs = refs.clone();
        Tile { label: words::level(build.lang, level), value: open.to_string(), note, tone, refs }
    };
    LEVELS.into_iter().map(tile).collect()
}

fn other_tiles(build: &mut Build<'_>) -> Vec<Tile> {
    let mut tiles = vec![hosts_tile(build), coverage_tile(build)];
    tiles.extend(clocks_tile(build));
    let source = build.cases();
    let refs = build.index.numbers(&[source]);
    let advice = build.counted.figures.advice;
    if advice > 0 {
        tiles.push(Tile {
            label: build.pick("改进建议", "Advice"),
            value: advice.to_string(),
            note: build.pick("不计故障", "no fault"),
            tone: Tone::Plain,
            refs,
        });
    }
    tiles
}

fn hosts_tile(build: &mut Build<'_>) -> Tile {
    let source = build.hosts();
    let refs = build.index.numbers(&[source]);
    let figures = &build.counted.figures;
    let (read, all) = (figures.hosts_read, figures.hosts);
    let (value, note, tone) = if read == all {
        (all.to_string(), build.pick("全部有数据", "all with readings"), Tone::Good)
    } else {
        let missing = all - read;
        (
            format!("{read} / {all}"),
            build.pick(format!("{missing} 台无数据"), format!("{missing} without readings")),
            Tone::Unknown,
        )
    };
    Tile { label: build.pick("已巡检主机", "Hosts inspected"), value, note, tone, refs }
}

fn coverage_tile(build: &mut Build<'_>) -> Tile {
    let source = build.coverage();
    let refs = build.index.numbers(&[source]);
    let figures = &build.counted.figures;
    let (read, all) = (u64::from(figures.checks_read), u64::from(figures.checks));
    let (value, note, tone) = match figures.coverage_percent {
        None => ("—".to_owned(), build.pick("无检查结果", "no checks"), Tone::Unknown),
        Some(percent) => (
            format!("{percent}%"),
            build.pick(
                format!("{} / {} 项次取得结果", words::number(read), words::number(all)),
                format!("{} of {} checks", words::number(read), words::number(all)),
            ),
            if read == all { Tone::Good } else { Tone::Unknown },
        ),
    };
    Tile { label: build.pick("数据覆盖率", "Coverage"), value, note, tone, refs }
}

fn clocks_tile(build: &mut Build<'_>) -> Option<Tile> {
    let sources: Vec<_> = build.input.tickets.iter().take(6).map(|it| build.ticket(it)).collect();
    let figures = &build.counted.figures;
    let (met, missed) = (figures.clocks_met, figures.clocks_missed);
    let running = figures.clocks_running;
    if met + missed + running == 0 {
        return None;
    }
    let (value, tone) = match (met + missed, missed) {
        (0, _) => ("—".to_owned(), Tone::Plain),
        (all, 0) => (format!("{met} / {all}"), Tone::Good),
        (all, _) => (format!("{met} / {all}"), Tone::Bad),
    };
    let note = match running {
        0 => build.pick("按时达成", "met in time"),
        n => build.pick(format!("按时达成；{n} 项计时中"), format!("met in time; {n} running")),
    };
    let label = build.pick("服务时限", "Service clocks");
    Some(Tile { label, value, note, tone, refs: build.index.numbers(&sources) })
}

fn top_dangers(build: &mut Build<'_>) -> Vec<Block> {
    let n = build.counted.findings.len();
    if n == 0 {
        return Vec::new();
    }
    let items = (0..n.min(MOST_DANGERS)).map(|at| dangers::headline(build, at)).collect();
    let heading = build.pick("主要隐患", "Main dangers");
    let mut blocks = vec![Block::Heading { text: heading }, Block::List { items, numbered: true }];
    if n > MOST_DANGERS {
        let text = build.pick(
            format!("其余 {} 项见“安全隐患”一章。", n - MOST_DANGERS),
            format!("The other {} are in the chapter on hidden dangers.", n - MOST_DANGERS),
        );
        blocks.push(Block::Text { text });
    }
    blocks
}
