//! Charts as SVG: levels of the period's faults, space of file systems, temperature of disks.
//!
//! Plain shapes and text that the PDF and any browser draw alike; colours by Okabe and Ito, told apart by colour-blind
//! readers too, and every line and bar carries its name and value in words.

use std::fmt::Write;

use chrono::Timelike;
use xunjian_proto::Time;

use super::{Build, figures};
use crate::report::{
    evidence::Source,
    input::{HostInput, Trend},
    model::Block,
    words::{self, LEVELS},
};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 190.0;
const MOST_LINES: usize = 6;
const COLOURS: [&str; 6] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A5C00", "#56B4E9"];
const DASHES: [&str; 6] = ["", "7 3", "2 2", "9 3 2 3", "", "4 4"];
/// Text colours of the levels; the same as in the stylesheets.
const LEVEL_COLOURS: [&str; 4] = ["#B42318", "#B54708", "#8A6100", "#175CD3"];

/// What a chart of series shows.
struct Subject {
    id: &'static str,
    metric: &'static str,
    kind: &'static str,
    /// Factor from the stored unit to the shown one.
    scale: f64,
    unit: &'static str,
    /// Where the axis ends, at least.
    top: f64,
}

const SUBJECTS: [Subject; 2] = [
    Subject {
        id: "filesystem",
        metric: "system.filesystem.utilization",
        kind: "filesystem",
        scale: 100.0,
        unit: "%",
        top: 100.0,
    },
    Subject {
        id: "temperature",
        metric: "hw.temperature",
        kind: "disk",
        scale: 1.0,
        unit: "℃",
        top: 60.0,
    },
];

/// Whether a series is worth a picture: asked by those who gather the input.
pub(crate) fn wanted(metric: &str, kind: &str) -> bool {
    SUBJECTS.iter().any(|it| it.metric == metric && it.kind == kind)
}

/// Draws what there is to draw, and puts it among the report's charts.
pub(crate) fn draw(build: &mut Build<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    blocks.extend(levels(build));
    for subject in &SUBJECTS {
        blocks.extend(series(build, subject));
    }
    blocks
}

fn put(build: &mut Build<'_>, id: &str, svg: String, caption: String, sources: &[Source]) -> Block {
    build.charts.insert(id.to_owned(), svg);
    Block::Chart { id: id.to_owned(), caption, refs: build.index.numbers(sources) }
}

fn levels(build: &mut Build<'_>) -> Option<Block> {
    let figures = &build.counted.figures;
    let most = (0..4).map(|at| figures.open[at] + figures.closed[at]).max().unwrap_or(0);
    if most == 0 {
        return None;
    }
    let mut svg = Svg::new(4.0 * 30.0 + 34.0);
    let room = WIDTH - 110.0 - RIGHT;
    for (at, level) in LEVELS.into_iter().enumerate() {
        let y = 8.0 + 30.0 * at as f64;
        let (open, closed) = (figures.open[at], figures.closed[at]);
        let wide = |n: u32| room * f64::from(n) / f64::from(most);
        svg.text(100.0, y + 15.0, "end", "#344054", &words::level(build.lang, level));
        svg.rect(110.0, y, wide(open), 20.0, LEVEL_COLOURS[at]);
        svg.rect(110.0 + wide(open), y, wide(closed), 20.0, "#C8CDD6");
        let label = build.pick(
            format!("未关闭 {open}，已关闭 {closed}"),
            format!("{open} open, {closed} closed"),
        );
        svg.text(118.0 + wide(open + closed), y + 15.0, "start", "#344054", &label);
    }
    let note = build
        .pick("彩色：未关闭　灰色：本期已关闭", "coloured: open   grey: closed in this period");
    svg.text(110.0, 4.0 * 30.0 + 22.0, "start", "#667085", &note);
    let caption = build.pick("本期故障按级别分布", "Faults of the period by level");
    let source = build.cases();
    Some(put(build, "levels", svg.end(), caption, &[source]))
}

/// The series with the highest newest values: those that a reader has to look at.
fn top<'a>(build: &Build<'a>, subject: &Subject) -> Vec<(&'a HostInput, &'a Trend, f64)> {
    let mut found: Vec<(&HostInput, &Trend, f64)> = Vec::new();
    for host in &build.input.hosts {
        for trend in &host.trends {
            let fits = trend.series.metric == subject.metric
                && trend.series.component.kind() == subject.kind;
            let Some(last) = trend.points.last().filter(|it| fits && it.max.is_finite()) else {
                continue;
            };
            found.push((host, trend, last.mean * subject.scale));
        }
    }
    found.sort_by(|a, b| {
        let names = |it: &(&HostInput, &Trend, f64)| {
            (it.0.facts.hostname.clone(), it.1.name.clone(), it.1.series.clone())
        };
        b.2.total_cmp(&a.2).then_with(|| names(a).cmp(&names(b)))
    });
    found
}

fn series(build: &mut Build<'_>, subject: &Subject) -> Option<Block> {
    let all = top(build, subject);
    let lines = &all[..all.len().min(MOST_LINES)];
    if lines.is_empty() {
        return None;
    }
    let span = build.counted.span?;
    let trend = !build.counted.figures.single_round
        && lines.iter().any(|(_, trend, _)| trend.points.len() >= 3);
    let svg = if trend {
        line_chart(build, subject, lines, span)
    } else {
        bar_chart(build, subject, lines)
    };
    let few = figures::len(lines.len());
    let rest = all.len() > lines.len();
    let (zh, en) = if subject.id == "filesystem" {
        ("文件系统空间使用率", "Space used of file systems")
    } else {
        ("磁盘温度", "Temperature of disks")
    };
    let mut caption = build.pick(zh, en);
    if rest {
        caption.push_str(&build.pick(
            format!("（最高的 {few} 个，共 {} 个）", all.len()),
            format!(" (the {few} highest of {})", all.len()),
        ));
    }
    if !trend {
        caption.push_str(&build.pick("，巡检时刻的值", ", at the time of the inspection"));
    }
    let sources: Vec<Source> = lines.iter().map(|(host, it, _)| build.series(host, it)).collect();
    Some(put(build, subject.id, svg, caption, &sources))
}

fn label(build: &Build<'_>, host: &HostInput, trend: &Trend) -> String {
    const MOST: usize = 22;
    let whole = format!("{} {}", build.host_name(host), words::clean(&trend.name));
    if whole.chars().count() <= MOST {
        return whole;
    }
    // The end tells more than the beginning: mount points and disk names stand there.
    let tail: String = whole.chars().skip(whole.chars().count() - (MOST - 1)).collect();
    format!("…{tail}")
}

fn bar_chart(build: &Build<'_>, subject: &Subject, lines: &[(&HostInput, &Trend, f64)]) -> String {
    let mut svg = Svg::new(28.0 * lines.len() as f64 + 12.0);
    let end = lines.iter().map(|it| it.2).fold(subject.top, f64::max);
    let room = WIDTH - 190.0 - 90.0;
    for (at, (host, trend, value)) in lines.iter().enumerate() {
        let y = 8.0 + 28.0 * at as f64;
        svg.text(182.0, y + 14.0, "end", "#344054", &label(build, host, trend));
        svg.rect(190.0, y, room, 18.0, "#EEF1F5");
        svg.rect(190.0, y, (room * value / end).clamp(0.0, room), 18.0, COLOURS[0]);
        let text = format!("{value:.0} {}", subject.unit);
        svg.text(198.0 + room, y + 14.0, "start", "#344054", &text);
    }
    svg.end()
}

fn line_chart(
    build: &Build<'_>,
    subject: &Subject,
    lines: &[(&HostInput, &Trend, f64)],
    (first, last): (Time, Time),
) -> String {
    const TOP: f64 = 12.0;
    const HEIGHT: f64 = 170.0;
    let mut svg = Svg::new(TOP + HEIGHT + 28.0);
    let peak = lines.iter().flat_map(|it| &it.1.points).map(|it| it.max * subject.scale);
    let end = peak.filter(|it| it.is_finite()).fold(subject.top, f64::max);
    let room = WIDTH - LEFT - RIGHT;
    let x = |at: Time| {
        let whole = last.since(first).as_secs_f64().max(1.0);
        LEFT + room * (at.since(first).as_secs_f64() / whole).min(1.0)
    };
    let y = |value: f64| TOP + HEIGHT * (1.0 - (value / end).clamp(0.0, 1.0));
    for step in 0..=4 {
        let value = end * f64::from(step) / 4.0;
        svg.line(LEFT, y(value), LEFT + room, y(value), "#E4E7EC");
        let text = format!("{value:.0} {}", subject.unit);
        svg.text(LEFT - 6.0, y(value) + 4.0, "end", "#667085", &text);
    }
    for step in 0..=4_u32 {
        let at = first + last.since(first) * step / 4;
        let local = words::local(build.zone, at);
        let text = if last.since(first).as_secs() < 4 * 24 * 3600 {
            format!("{} {:02}:{:02}", local.format("%m-%d"), local.hour(), local.minute())
        } else {
            local.format("%m-%d").to_string()
        };
        svg.text(x(at), TOP + HEIGHT + 18.0, "middle", "#667085", &text);
    }
    for (at, (_, trend, _)) in lines.iter().enumerate() {
        let points: Vec<(f64, f64)> =
            trend.points.iter().map(|it| (x(it.at), y(it.mean * subject.scale))).collect();
        svg.path(&points, COLOURS[at], DASHES[at]);
    }
    let mut below = f64::MIN;
    for (at, (host, trend, value)) in lines.iter().enumerate() {
        // Names keep their order and stand at least a line apart, next to where their curves end.
        let place =
            y(*value).max(below + 15.0).min(TOP + HEIGHT - 15.0 * (lines.len() - 1 - at) as f64);
        below = place;
        let text = format!("{} {value:.0}{}", label(build, host, trend), subject.unit);
        svg.text(LEFT + room + 8.0, place + 4.0, "start", COLOURS[at], &text);
    }
    svg.end()
}

/// Writes SVG; all text goes through escaping.
struct Svg(String, f64);

impl Svg {
    fn new(height: f64) -> Svg {
        Svg(String::new(), height)
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        if width > 0.0 {
            let _ = write!(
                self.0,
                r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
            );
        }
    }

    fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, stroke: &str) {
        let _ = write!(
            self.0,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{stroke}" stroke-width="1"/>"#
        );
    }

    fn path(&mut self, points: &[(f64, f64)], stroke: &str, dash: &str) {
        let joined: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let dash =
            if dash.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dash}""#) };
        let _ = write!(
            self.0,
            r#"<polyline points="{}" fill="none" stroke="{stroke}" stroke-width="1.8"{dash}/>"#,
            joined.join(" ")
        );
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, fill: &str, text: &str) {
        let text = crate::report::html::escape(text);
        let _ = write!(
            self.0,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{fill}">{text}</text>"#
        );
    }

    fn end(self) -> String {
        let (body, height) = (self.0, self.1);
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0} {height:.0}" width="{WIDTH:.0}" height="{height:.0}" font-family="'{}', sans-serif" font-size="12">{body}</svg>"#,
            xunjian_typeset::FAMILY
        )
    }
}
