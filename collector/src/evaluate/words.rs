//! Sentences for people: what was compared, values with their units. Why there is no reading: see [`super::gap`].

use std::time::Duration;

use xunjian_agent::spoken;
use xunjian_proto::{Outcome as RunOutcome, Reason};
use xunjian_rules::{
    Condition, Lang, MetricId, Rule, RuleSet, Text, Threshold, duration_text, plural,
};

use super::{
    Unknown,
    absorb::cut,
    spoken::zh_time,
    state_words,
    truth::{Notes, Scope},
    view::{RunMark, SourceView},
};

/// Longest part of a sentence that the agent or a tool has said.
const SAID_MAX: usize = 300;

/// What the agent said, for readers of both languages.
pub(super) fn said(text: &str) -> Text {
    Text::new(cut(&spoken::zh(text), SAID_MAX), cut(text, SAID_MAX))
}

pub(super) fn stale(source: &SourceView, silence: Duration) -> Unknown {
    let (zh, en) = length(silence);
    let text = Text::new(
        format!("采集项 {} 已有 {zh} 没有新读数", source.name),
        format!("no new reading of source {} for {en}", source.name),
    );
    Unknown { reason: Some(Reason::Missing), text }
}

/// A limit of a rule as people write it: with the unit of what it limits.
pub(super) fn limit(rules: &RuleSet, rule: &Rule, limit: f64) -> String {
    match rule.when.first_limited() {
        Some(Condition::Number(test)) => value(&rules.unit_of(&test.measure), limit),
        Some(Condition::Silent(Threshold::Time(_))) => {
            Duration::try_from_secs_f64(limit.round()).map_or_else(|_| digits(limit), duration_text)
        }
        _ => digits(limit),
    }
}

/// The rule is about parts with another attribute.
pub(super) fn not_meant(attr: &str, value: &str, wanted: &[String]) -> Text {
    let wanted = wanted.iter().map(|it| if it.is_empty() { "–" } else { it });
    let wanted = wanted.collect::<Vec<_>>().join(" | ");
    let value = if value.is_empty() { "–" } else { value };
    Text::new(
        format!("该规则只针对 {attr} 为 {wanted} 的部件，此部件为 {value}"),
        format!("the rule is about parts whose {attr} is {wanted}; here it is {value}"),
    )
}

/// A reason as a person says it.
pub(crate) fn reason_text(reason: Reason) -> Text {
    let (zh, en) = match reason {
        Reason::Asleep => ("磁盘处于休眠，未唤醒", "the disk sleeps and was left asleep"),
        Reason::Unsupported => ("设备或工具不支持", "the device or tool does not offer it"),
        Reason::TimedOut => ("读取超时", "no answer in time"),
        Reason::PermissionDenied => ("权限不足", "permission denied"),
        Reason::Unparsable => ("输出无法解析", "the answer could not be understood"),
        Reason::ToolFailed => ("工具执行失败", "the tool ended badly"),
        Reason::Missing => ("已不存在", "it is not there any more"),
        Reason::Implausible => ("读数不可信", "the value is absurd"),
        Reason::Truncated => ("输出过长被截断", "the output was cut"),
    };
    Text::new(zh, en)
}

/// A reason as rules write it.
pub(super) fn reason_key(reason: Reason) -> &'static str {
    match reason {
        Reason::Asleep => "asleep",
        Reason::Unsupported => "unsupported",
        Reason::TimedOut => "timed_out",
        Reason::PermissionDenied => "permission_denied",
        Reason::Unparsable => "unparsable",
        Reason::ToolFailed => "tool_failed",
        Reason::Missing => "missing",
        Reason::Implausible => "implausible",
        Reason::Truncated => "truncated",
    }
}

/// A length of time for people: Chinese, English.
pub(super) fn length(duration: Duration) -> (String, String) {
    let secs = duration.as_secs();
    match secs {
        0..120 => (format!("{secs} 秒"), format!("{secs} s")),
        120..7_200 => (format!("{} 分钟", secs / 60), format!("{} min", secs / 60)),
        7_200..172_800 => (format!("{} 小时", secs / 3_600), format!("{} h", secs / 3_600)),
        _ => (format!("{} 天", secs / 86_400), format!("{} days", secs / 86_400)),
    }
}

/// A value with its unit, the same in both languages.
pub(super) fn value(unit: &str, value: f64) -> String {
    match unit {
        "1" => format!("{} %", digits(value * 100.0)),
        "By" => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]),
        "By/s" => scaled(value, 1000.0, &["B/s", "kB/s", "MB/s", "GB/s"]),
        "bit/s" => scaled(value, 1000.0, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]),
        "Cel" => format!("{} °C", digits(value)),
        "s" if value.abs() < 1.0 && value != 0.0 => format!("{} ms", digits(value * 1000.0)),
        "s" if value.abs() >= 7_200.0 => format!("{} h", digits(value / 3_600.0)),
        "" => digits(value),
        unit if unit.starts_with('{') => match unit.split_once("}/") {
            Some((_, per)) => format!("{}/{per}", digits(value)),
            None => digits(value),
        },
        unit => format!("{} {unit}", digits(value)),
    }
}

fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut at = 0;
    while value.abs() >= step && at + 1 < units.len() {
        value /= step;
        at += 1;
    }
    format!("{} {}", digits(value), units[at])
}

/// At most two decimals, none that are zero.
pub(super) fn digits(value: f64) -> String {
    let text = if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Fills a message's placeholders.
pub(super) fn message(scope: &Scope<'_>, notes: &Notes, template: &Text) -> Text {
    let fill = |lang: Lang, unknown| fill(scope, notes, template.in_lang(lang), lang, unknown);
    Text::new(fill(Lang::Zh, "未知"), fill(Lang::En, "unknown"))
}

fn fill(scope: &Scope<'_>, notes: &Notes, template: &str, lang: Lang, unknown: &str) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((head, tail)) = rest.split_once('{') {
        text.push_str(head);
        let Some((name, tail)) = tail.split_once('}') else { break };
        if let Some(plural) = plural::parse(name) {
            let number = filled(scope, notes, plural.number, lang);
            text.push_str(plural.word(number.as_deref()));
            rest = tail;
            continue;
        }
        let said = filled(scope, notes, name, lang).unwrap_or_else(|| unknown.to_owned());
        // Names, and what a device says in its own words, are quoted.
        let quoted = name == "name" || name.starts_with('@') || name.ends_with(".reported");
        let zh = state_words::zh(&said).filter(|_| lang == Lang::Zh && !quoted);
        rest = match zh {
            Some(zh) => state_words::append(&mut text, &said, zh, tail),
            None => {
                text.push_str(&said);
                tail
            }
        };
    }
    text.push_str(rest);
    text
}

/// What a placeholder stands for; none if it is not known.
fn filled(scope: &Scope<'_>, notes: &Notes, name: &str, lang: Lang) -> Option<String> {
    let shown = notes.shown.as_ref();
    match name {
        "name" => Some(scope.part.name.clone()),
        "value" => shown.map(|(_, value, _)| time_in(value, lang)),
        "limit" => shown.map(|(_, _, limit)| time_in(limit, lang)),
        "points" => Some(notes.points.in_lang(lang).to_owned()).filter(|it| !it.is_empty()),
        "text" => Some(notes.text.clone()).filter(|it| !it.is_empty()),
        _ => named(scope, name, lang),
    }
}

/// A value or a limit; lengths of time are written out in Chinese.
fn time_in(text: &str, lang: Lang) -> String {
    match lang {
        Lang::Zh => zh_time(text).into_owned(),
        Lang::En => text.to_owned(),
    }
}

fn named(scope: &Scope<'_>, name: &str, lang: Lang) -> Option<String> {
    if let Some(attr) = name.strip_prefix('@') {
        return scope.part.attrs.get(attr).cloned();
    }
    let (rise, name) = match name.strip_prefix('+') {
        Some(name) => (true, name),
        None => (false, name),
    };
    let id = scope.view.rules.id(name)?;
    let metric = scope.view.rules.metric(id);
    if let Some(word) = scope.part.words.iter().find(|it| it.metric == id) {
        return word.recent.last().map(|(_, word)| word.clone());
    }
    let run = scope.view.sources[scope.source].run(scope.at);
    match (name, run) {
        (super::known::PROBLEM, Some(run)) => {
            let problem = scope.part.problem(scope.source, run.at)?;
            return Some(said(&problem.text).in_lang(lang).to_owned());
        }
        (super::known::OUTCOME, Some(RunMark { outcome: RunOutcome::Failed(why), .. })) => {
            return Some(said(why).in_lang(lang).to_owned());
        }
        (super::known::OUTCOME, Some(_)) => {
            return Some(said("timed out").in_lang(lang).to_owned());
        }
        (super::known::PROBLEMS, Some(run)) => {
            return Some(said(&run.problem).in_lang(lang).to_owned());
        }
        _ => {}
    }
    let slot = scope.part.slots.iter().find(|it| it.metric == id)?;
    let number = if rise {
        let longest = scope.view.rules.windows[usize::from(id.0)].last().copied();
        let window = own_window(scope.rule, id).or(longest)?;
        slot.series.rise(scope.at, window, super::known::fall(metric))?
    } else {
        slot.series.latest(scope.at)?.value
    };
    Some(value(&metric.unit, number))
}

/// The longest window that a rule itself looks back over: the sentence speaks of that one.
fn own_window(rule: &Rule, id: MetricId) -> Option<Duration> {
    let mut longest = None;
    rule.when.each(&mut |test| {
        if let Condition::Number(number) = test
            && number.measure.metric == id
        {
            longest = longest.max(number.measure.how.window());
        }
    });
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        for (unit, number, text) in [
            ("1", 0.934, "93.4 %"),
            ("By", 1_610_612_736.0, "1.5 GiB"),
            ("s", 0.0125, "12.5 ms"),
            ("Cel", 52.0, "52 °C"),
            ("{sector}", 8.0, "8"),
            ("{packet}/s", 2.5, "2.5/s"),
            ("bit/s", 1e9, "1 Gbit/s"),
            ("", 1234.0, "1234"),
        ] {
            assert_eq!(value(unit, number), text);
        }
    }
}
