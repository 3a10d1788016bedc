//! An input as a reader of Chinese sees it. What is kept stays in the form of the rules, so that it can be traced.

use std::borrow::Cow;

use xunjian_agent::names;
use xunjian_rules::Lang;

use super::{
    Input,
    known::{OUTCOME, PROBLEM, PROBLEMS},
};

impl Input {
    /// What was read: for Chinese readers the Chinese name stands before the technical one.
    pub fn name_in(&self, lang: Lang) -> Cow<'_, str> {
        if lang == Lang::En {
            return Cow::Borrowed(&self.name);
        }
        if self.name == SILENCE {
            return Cow::Borrowed("距最近一次读数的时间");
        }
        if let Some(source) = self.name.strip_suffix(" runs without the component") {
            return Cow::Owned(format!("采集项 {source} 连续未见该部件的次数"));
        }
        let metric = self.name.split(['{', ' ']).next().unwrap_or_default();
        let own = match metric {
            OUTCOME => Some("采集结果"),
            PROBLEM => Some("未能读取的原因"),
            PROBLEMS => Some("未能读取的项数"),
            _ => None,
        };
        match own.or_else(|| names::zh(metric)) {
            Some(zh) => Cow::Owned(format!("{zh} {}", self.name)),
            None => Cow::Borrowed(&self.name),
        }
    }

    /// Its value: lengths of time and the words for why something is unknown are told in Chinese, what devices say is not.
    pub fn value_in(&self, lang: Lang) -> Cow<'_, str> {
        match lang {
            Lang::En => Cow::Borrowed(&self.value),
            Lang::Zh if self.name == SILENCE => zh_time(&self.value),
            Lang::Zh => match self.name.as_str() {
                OUTCOME | PROBLEM => Cow::Borrowed(zh_word(&self.value)),
                _ => Cow::Borrowed(&self.value),
            },
        }
    }

    /// What it was compared with.
    pub fn test_in(&self, lang: Lang) -> Cow<'_, str> {
        if lang == Lang::En {
            return Cow::Borrowed(&self.test);
        }
        if self.name == SILENCE
            && let Some(limit) = self.test.strip_prefix("> ")
        {
            return Cow::Owned(format!("> {}", zh_time(limit)));
        }
        let test = zh_test(&self.test).map_or(Cow::Borrowed(&*self.test), Cow::Owned);
        match self.name.as_str() {
            OUTCOME | PROBLEM => {
                Cow::Owned(test.split(' ').map(zh_word).collect::<Vec<_>>().join(" "))
            }
            _ => test,
        }
    }
}

/// The name of the silence of a source among inputs.
pub(super) const SILENCE: &str = "time since the last reading";

/// A length of time as rules write it: `7d` is `7 天`; other texts stay.
pub(super) fn zh_time(text: &str) -> Cow<'_, str> {
    let number = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "s" => "秒",
        "m" => "分钟",
        "h" => "小时",
        "d" => "天",
        _ => return Cow::Borrowed(text),
    };
    match !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()) {
        true => Cow::Owned(format!("{number} {unit}")),
        false => Cow::Borrowed(text),
    }
}

/// How a run ended, or why a component could not be read, as rules write it.
fn zh_word(word: &str) -> &str {
    match word {
        "collected" => "已读取",
        "absent" => "不具备条件",
        "failed" => "执行失败",
        "stuck" => "超时未返回",
        "deferred" => "已推迟",
        "none" => "无",
        "asleep" => "休眠",
        "unsupported" => "不支持",
        "timed_out" => "读取超时",
        "permission_denied" => "权限不足",
        "unparsable" => "无法解析",
        "tool_failed" => "工具执行失败",
        "missing" => "已不存在",
        "implausible" => "读数不可信",
        "truncated" => "输出被截断",
        other => other,
    }
}

fn zh_test(test: &str) -> Option<String> {
    const OVER: [(&str, &str); 8] = [
        ("rise in ", "内增长"),
        ("rate in ", "内速率"),
        ("mean in ", "内均值"),
        ("max in ", "内最大值"),
        ("share in ", "内占比"),
        ("forecast in ", "后预计"),
        ("count in ", "内次数"),
        ("changes in ", "内变化次数"),
    ];
    for (start, zh) in OVER {
        if let Some((window, rest)) = test.strip_prefix(start).and_then(|it| it.split_once(' ')) {
            return Some(format!("{}{zh} {rest}", zh_time(window)));
        }
    }
    if let Some(list) = test.strip_prefix("begins with ") {
        return Some(format!("以 {list} 开头"));
    }
    if let Some(list) = test.strip_prefix("is not ") {
        return Some(format!("不为 {list}"));
    }
    let list = test.strip_prefix("is ")?;
    match list.split_once(", was ").and_then(|(now, it)| Some((now, it.rsplit_once(" within ")?))) {
        Some((now, (before, window))) => {
            Some(format!("现为 {now}，{}内曾为 {before}", zh_time(window)))
        }
        None => Some(format!("为 {list}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_read_as_chinese() {
        for (test, zh) in [
            ("rise in 7d ≥ 10", "7 天内增长 ≥ 10"),
            ("count in 24h ≥ 1", "24 小时内次数 ≥ 1"),
            ("is failed | stuck", "为 failed | stuck"),
            ("is not active", "不为 active"),
            ("is ro, was rw within 1d", "现为 ro，1 天内曾为 rw"),
        ] {
            assert_eq!(zh_test(test).as_deref(), Some(zh));
        }
        assert_eq!(zh_test("> 93 %"), None);
    }

    #[test]
    fn what_is_not_a_device_s_word_is_told_in_chinese() {
        let input = |name: &str, value: &str, test: &str| Input {
            name: name.to_owned(),
            value: value.to_owned(),
            test: test.to_owned(),
            at: xunjian_proto::Time::from_secs(0),
            evidence: None,
        };
        for (given, value, test) in [
            (input(SILENCE, "3h", "> 90m"), "3 小时", "> 90 分钟"),
            (
                input(PROBLEM, "timed_out", "is timed_out | asleep"),
                "读取超时",
                "为 读取超时 | 休眠",
            ),
            (input("md.array.state", "failed", "is failed"), "failed", "为 failed"),
        ] {
            assert_eq!((&*given.value_in(Lang::Zh), &*given.test_in(Lang::Zh)), (value, test));
            assert_eq!(&*given.value_in(Lang::En), given.value);
        }
        assert_eq!((&*zh_time("sdh"), &*zh_time("")), ("sdh", ""));
    }
}
