//! History charts as SVG, made here: a band from smallest to largest, a line through the means, gaps where nothing was
//! read. Pure. A gap stays a gap: no line is drawn over hours without readings.

use std::{fmt::Write as _, time::Duration};

use chrono_tz::Tz;
use xunjian_proto::Time;

use super::format;
use crate::store::Point;

/// What is drawn.
pub(super) struct Chart<'a> {
    /// In order of time.
    pub(super) points: &'a [Point],
    /// First instant shown.
    pub(super) from: Time,
    /// First instant not shown.
    pub(super) to: Time,
    /// Width of a point in time.
    pub(super) step: Duration,
    /// The metric's name and unit, for the numbers at the axis.
    pub(super) metric: &'a str,
    /// UCUM.
    pub(super) unit: &'a str,
    /// For the hours and days at the axis.
    pub(super) zone: Tz,
    /// For readers who do not see the picture: already in the reader's language.
    pub(super) label: &'a str,
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;

/// For counters: the rise per second between neighbouring points. A fall is a reset and leaves a gap.
pub(super) fn rates(points: &[Point]) -> Vec<Point> {
    points
        .windows(2)
        .filter_map(|pair| {
            let secs = pair[1].at.since(pair[0].at).as_secs_f64();
            let rise = pair[1].max - pair[0].max;
            if secs <= 0.0 || rise < 0.0 {
                return None;
            }
            let rate = rise / secs;
            Some(Point { at: pair[1].at, min: rate, mean: rate, max: rate })
        })
        .collect()
}

/// The picture; `None` if there is nothing to show.
pub(super) fn svg(chart: &Chart<'_>) -> Option<String> {
    let shown: Vec<&Point> = chart
        .points
        .iter()
        .filter(|point| point.min.is_finite() && point.mean.is_finite() && point.max.is_finite())
        .filter(|point| chart.from <= point.at && point.at < chart.to)
        .collect();
    let low = shown.iter().map(|point| point.min).reduce(f64::min)?;
    let high = shown.iter().map(|point| point.max).reduce(f64::max)?;
    let ticks = ticks(low, high, chart.unit == "1" && chart.metric.ends_with("utilization"));
    let (floor, ceiling) = (*ticks.first()?, *ticks.last()?);
    let width_ms = chart.to.since(chart.from).as_millis() as f64;
    let x = |at: Time| {
        LEFT + at.since(chart.from).as_millis() as f64 / width_ms.max(1.0) * (WIDTH - LEFT - RIGHT)
    };
    let y = |value: f64| TOP + (ceiling - value) / (ceiling - floor) * (HEIGHT - TOP - BOTTOM);

    let mut out = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        escape(chart.label)
    );
    for tick in &ticks {
        let (at, text) = (y(*tick), format::value(*tick, chart.unit, chart.metric));
        let _ = write!(
            out,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/><text class="axis" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            escape(&text)
        );
    }
    time_axis(&mut out, chart, x);
    for piece in pieces(&shown, chart.step) {
        draw(&mut out, piece, x, y);
    }
    out.push_str("</svg>");
    Some(out)
}

/// One unbroken piece: band and line; a single point as a dot.
fn draw(out: &mut String, piece: &[&Point], x: impl Fn(Time) -> f64, y: impl Fn(f64) -> f64) {
    if let [point] = piece {
        let _ = write!(
            out,
            r#"<circle class="dot" cx="{:.1}" cy="{:.1}" r="2.5"/>"#,
            x(point.at),
            y(point.mean)
        );
        return;
    }
    let path = |points: &mut dyn Iterator<Item = (Time, f64)>| {
        points
            .map(|(at, value)| format!("{:.1},{:.1}", x(at), y(value)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let top = path(&mut piece.iter().map(|point| (point.at, point.max)));
    let bottom = path(&mut piece.iter().rev().map(|point| (point.at, point.min)));
    let mean = path(&mut piece.iter().map(|point| (point.at, point.mean)));
    let _ = write!(
        out,
        r#"<polygon class="band" points="{top} {bottom}"/><polyline class="line" points="{mean}"/>"#
    );
}

/// Splits where more than two steps and a half lie between neighbours.
fn pieces<'p>(points: &'p [&'p Point], step: Duration) -> Vec<&'p [&'p Point]> {
    let gap = step.mul_f64(2.5);
    points.chunk_by(|a, b| b.at.since(a.at) <= gap).collect()
}

/// Round numbers from below the smallest to above the largest value: three to six of them.
fn ticks(low: f64, high: f64, ratio: bool) -> Vec<f64> {
    // Ratios of filesystems and processors read best against their whole; zero belongs to a chart that is near it.
    let low = if low >= 0.0 && (ratio || low < high * 0.5) { 0.0 } else { low };
    let high = if ratio && high <= 1.0 && high > 0.5 { 1.0 } else { high };
    let range = if high > low { high - low } else { (high.abs() * 0.1).max(1.0) };
    let raw = range / 4.0;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .iter()
        .map(|factor| factor * magnitude)
        .find(|step| *step >= raw)
        .unwrap_or(magnitude * 10.0);
    let first = (low / step).floor();
    (0..8_u8)
        .map(|index| (first + f64::from(index)) * step)
        .scan(false, |done, tick| {
            if *done {
                return None;
            }
            *done = tick >= high && tick > first * step;
            Some(tick)
        })
        .collect()
}

fn time_axis(out: &mut String, chart: &Chart<'_>, x: impl Fn(Time) -> f64) {
    let length = chart.to.since(chart.from);
    let hours = length.as_secs() / 3600;
    let (marks, form) = if hours <= 48 { (4_u32, "%H:%M") } else { (5_u32, "%m-%d") };
    for mark in 0..=marks {
        let at = chart.from + length.mul_f64(f64::from(mark) / f64::from(marks));
        let anchor = match mark {
            0 => "start",
            mark if mark == marks => "end",
            _ => "middle",
        };
        let _ = write!(
            out,
            r#"<text class="axis" x="{:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
            x(at),
            HEIGHT - 6.0,
            format::moment_as(at, chart.zone, form)
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(secs: i64, value: f64) -> Point {
        Point { at: Time::from_secs(secs), min: value, mean: value, max: value }
    }

    fn chart(points: &[Point]) -> Chart<'_> {
        Chart {
            points,
            from: Time::from_secs(0),
            to: Time::from_secs(86_400),
            step: Duration::from_secs(600),
            metric: "hw.temperature",
            unit: "Cel",
            zone: chrono_tz::Asia::Shanghai,
            label: "温度 <b>\"",
        }
    }

    #[test]
    fn a_gap_in_the_readings_is_a_gap_in_the_line() {
        let points = [point(0, 30.0), point(600, 31.0), point(7200, 33.0), point(7800, 34.0)];
        let drawn = svg(&chart(&points)).unwrap();
        assert_eq!(drawn.matches("<polyline").count(), 2);
    }

    #[test]
    fn labels_cannot_leave_their_attribute() {
        let drawn = svg(&chart(&[point(0, 30.0)])).unwrap();
        assert!(drawn.contains("温度 &lt;b&gt;&quot;"));
    }

    #[test]
    fn absurd_values_neither_panic_nor_show() {
        assert_eq!(svg(&chart(&[])), None);
        assert_eq!(svg(&chart(&[point(0, f64::NAN), point(600, f64::INFINITY)])), None);
        for value in [f64::MAX, f64::MIN, 1e300, -1e-300, 0.0] {
            svg(&chart(&[point(0, value), point(600, 1.0)]));
        }
    }

    #[test]
    fn ticks_enclose_the_values_and_are_few() {
        for (low, high) in
            [(30.0, 34.0), (0.0, 0.0), (5.0, 5.0), (-3.0, 8.0), (0.01, 0.87), (1e9, 1.1e9)]
        {
            let ticks = ticks(low, high, false);
            assert!(ticks[0] <= low && ticks[ticks.len() - 1] >= high, "{low} {high} {ticks:?}");
            assert!((2..=7).contains(&ticks.len()), "{ticks:?}");
        }
    }

    #[test]
    fn a_counter_that_starts_over_has_no_negative_rate() {
        let rates = rates(&[point(0, 100.0), point(10, 200.0), point(20, 5.0), point(30, 15.0)]);
        let values: Vec<f64> = rates.iter().map(|point| point.mean).collect();
        assert_eq!(values, [10.0, 1.0]);
    }
}
