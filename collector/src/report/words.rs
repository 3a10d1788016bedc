//! The report's words: levels, kinds, reasons, sources in both languages, and how numbers, sizes and times are written.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use xunjian_proto::{Kind, Reason, Time};
use xunjian_rules::Lang;

use crate::{classify::Level, report::model::Tone};

/// One of two texts; both are short, so that making both costs nothing.
pub(crate) fn pick(lang: Lang, zh: impl Into<String>, en: impl Into<String>) -> String {
    match lang {
        Lang::Zh => zh.into(),
        Lang::En => en.into(),
    }
}

/// `一级故障`.
pub(crate) fn level(lang: Lang, level: Level) -> String {
    let zh = ["一级故障", "二级故障", "三级故障", "四级故障"];
    let en = ["Level 1", "Level 2", "Level 3", "Level 4"];
    let at = usize::from(level.number() - 1);
    pick(lang, zh[at], en[at])
}

/// Colour of a level.
pub(crate) fn level_tone(level: Level) -> Tone {
    match level {
        Level::One => Tone::Level1,
        Level::Two => Tone::Level2,
        Level::Three => Tone::Level3,
        Level::Four => Tone::Level4,
    }
}

/// All levels, gravest first.
pub(crate) const LEVELS: [Level; 4] = [Level::One, Level::Two, Level::Three, Level::Four];

/// What a level means, from the service policy.
pub(crate) fn level_meaning(lang: Lang, level: Level) -> String {
    let (zh, en) = match level {
        Level::One => (
            "现运行系统瘫痪或服务中断，基本功能丧失或全面降级",
            "the running system is paralysed or the service interrupted; basic functions are lost or wholly degraded",
        ),
        Level::Two => (
            "存在导致系统瘫痪或服务中断的隐患，可能造成基本功能丧失或全面降级",
            "a latent danger of paralysis or interruption, which may lead to the loss or whole degradation of basic functions",
        ),
        Level::Three => (
            "直接影响服务，性能或服务部分下降",
            "a direct effect on the service: performance or service degraded in part",
        ),
        Level::Four => (
            "间歇性或间接影响系统功能和服务",
            "an intermittent or indirect effect on functions and service",
        ),
    };
    pick(lang, zh, en)
}

/// A kind of component, as a class of the report.
pub(crate) fn kind(lang: Lang, kind: &str) -> String {
    match Kind::named(kind) {
        Some(known) => pick(lang, known.zh, known.heading()),
        None => kind.to_owned(),
    }
}

/// `12 块磁盘`, `1 disk`.
pub(crate) fn count_of(lang: Lang, kind: &str, n: u32) -> String {
    let (measure, zh, one, many) = match Kind::named(kind) {
        Some(it) => (it.measure, it.zh, it.one, it.many),
        None => ("个", kind, kind, kind),
    };
    pick(lang, format!("{n} {measure}{zh}"), format!("{n} {}", if n == 1 { one } else { many }))
}

/// A source of the agent, for people.
pub(crate) fn source(lang: Lang, name: &str) -> String {
    match xunjian_agent::names::source(name) {
        Some(title) => pick(lang, title.zh, title.en),
        None => name.to_owned(),
    }
}

/// Why something is unknown.
pub(crate) fn reason(lang: Lang, reason: Reason) -> String {
    let (zh, en) = match reason {
        Reason::Asleep => ("磁盘休眠，未唤醒", "the disk sleeps and was not woken"),
        Reason::Unsupported => ("设备或工具不支持", "not supported by the device or tool"),
        Reason::TimedOut => ("读取超时", "no answer in time"),
        Reason::PermissionDenied => ("权限不足", "no permission"),
        Reason::Unparsable => ("输出无法识别", "the output could not be understood"),
        Reason::ToolFailed => ("工具执行失败", "the tool failed"),
        Reason::Missing => ("对象已不存在", "it is not there any more"),
        Reason::Implausible => ("数值不可信，已剔除", "the value is implausible and was left out"),
        Reason::Truncated => ("超出采集上限，已截断", "cut by a limit of the agent"),
    };
    pick(lang, zh, en)
}

/// A name of software or hardware as it came from a host: bounded, without control or direction characters.
pub(crate) fn clean(text: &str) -> String {
    const MOST: usize = 300;
    let steers = |char: char| {
        char.is_control()
            || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut out: String =
        text.chars().take(MOST).map(|char| if steers(char) { ' ' } else { char }).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out.trim().to_owned()
}

/// `2026-11-22 14:30` in the contract's time zone.
pub(crate) fn time(zone: Tz, at: Time) -> String {
    local(zone, at).format("%Y-%m-%d %H:%M").to_string()
}

/// `2026年11月22日`, `2026-11-22`.
pub(crate) fn day(lang: Lang, zone: Tz, at: Time) -> String {
    let at = local(zone, at);
    pick(
        lang,
        format!("{}年{}月{}日", at.year(), at.month(), at.day()),
        at.format("%Y-%m-%d").to_string(),
    )
}

/// The same moment on the wall clock of a zone.
pub(crate) fn local(zone: Tz, at: Time) -> DateTime<Tz> {
    DateTime::<Utc>::from_timestamp_millis(at.millis()).unwrap_or_default().with_timezone(&zone)
}

/// `1,234`.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `12.3 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `0.8 秒`, `3 分 20 秒`: CPU time.
pub(crate) fn seconds(lang: Lang, secs: f64) -> String {
    if secs > 0.0 && secs < 0.01 {
        return pick(lang, "不足 0.01 秒", "less than 0.01 s");
    }
    if secs < 100.0 {
        let digits = if secs < 10.0 { 2 } else { 1 };
        return pick(lang, format!("{secs:.digits$} 秒"), format!("{secs:.digits$} s"));
    }
    let minutes = (secs / 60.0).floor();
    let rest = (secs - minutes * 60.0).floor();
    pick(lang, format!("{minutes:.0} 分 {rest:.0} 秒"), format!("{minutes:.0} min {rest:.0} s"))
}

/// `18 ms`, `2.4 s`.
pub(crate) fn millis(ms: u32) -> String {
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", f64::from(ms) / 1000.0) }
}

/// Words joined as a person writes a list.
pub(crate) fn list(lang: Lang, words: &[String]) -> String {
    match (lang, words) {
        (_, []) => String::new(),
        (_, [one]) => one.clone(),
        (Lang::Zh, many) => many.join("、"),
        (Lang::En, [most @ .., last]) => format!("{} and {last}", most.join(", ")),
    }
}

/// `1 run`, `2 runs`.
pub(crate) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1234567), "1,234,567");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(seconds(Lang::Zh, 200.4), "3 分 20 秒");
        assert_eq!(seconds(Lang::En, 0.812), "0.81 s");
        assert_eq!(plural(1, "run", "runs"), "1 run");
        assert_eq!(list(Lang::En, &["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(list(Lang::Zh, &["甲".into(), "乙".into()]), "甲、乙");
    }

    #[test]
    fn hostile_names_are_made_harmless() {
        assert_eq!(clean("a\u{202e}b\n\u{7}c"), "a b  c");
        assert_eq!(clean(&"x".repeat(400)).chars().count(), 301);
    }

    #[test]
    fn times_are_in_the_contracts_zone() {
        let at = Time::from_secs(1_795_502_400);
        assert_eq!(time(chrono_tz::Asia::Shanghai, at), "2026-11-24 14:40");
        assert_eq!(day(Lang::Zh, chrono_tz::Asia::Shanghai, at), "2026年11月24日");
    }
}
