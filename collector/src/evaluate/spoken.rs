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
        if self.name == "time since the last reading" {
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

    /// What it was compared with.
    pub fn test_in(&self, lang: Lang) -> Cow<'_, str> {
        match lang {
            Lang::En => Cow::Borrowed(&self.test),
            Lang::Zh => zh_test(&self.test).map_or(Cow::Borrowed(&*self.test), Cow::Owned),
        }
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
            return Some(format!("{window} {zh} {rest}"));
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
        Some((now, (before, window))) => Some(format!("现为 {now}，{window} 内曾为 {before}")),
        None => Some(format!("为 {list}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_read_as_chinese() {
        for (test, zh) in [
            ("rise in 7d ≥ 10", "7d 内增长 ≥ 10"),
            ("count in 24h ≥ 1", "24h 内次数 ≥ 1"),
            ("is failed | stuck", "为 failed | stuck"),
            ("is not active", "不为 active"),
            ("is ro, was rw within 1d", "现为 ro，1d 内曾为 rw"),
        ] {
            assert_eq!(zh_test(test).as_deref(), Some(zh));
        }
        assert_eq!(zh_test("> 93 %"), None);
    }
}
