//! The reader's language.

use std::time::Duration;

use clap::ValueEnum;

use crate::config::duration_text;

/// Language of texts for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl Lang {
    /// What the environment asks for, by the first variable that is set (locale(7)). The locale of programs, `C`, asks for
    /// nothing, and then it is the users' first language.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Lang {
        let set = |name: &&str| variable(name).filter(|it| !it.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default();
        // `zh_CN.UTF-8`, `zh_CN.GB18030`, `C.UTF-8`.
        match locale.split(['_', '.', '@']).next() {
            Some("" | "C" | "POSIX" | "zh") | None => Lang::Zh,
            Some(_) => Lang::En,
        }
    }

    /// The words of this language.
    pub(super) fn pick(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// A length of time as a configuration has it: `10 分钟`, `10m`.
    pub(super) fn time(self, duration: Duration) -> String {
        let text = duration_text(duration);
        let unit = text.trim_start_matches(|it: char| it.is_ascii_digit());
        let number = &text[..text.len() - unit.len()];
        match (self, unit) {
            (Lang::Zh, "ms") => format!("{number} 毫秒"),
            (Lang::Zh, "s") => format!("{number} 秒"),
            (Lang::Zh, "m") => format!("{number} 分钟"),
            (Lang::Zh, "h") => format!("{number} 小时"),
            (Lang::Zh, "d") => format!("{number} 天"),
            _ => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_says_the_language() {
        for (all, messages, lang, wanted) in [
            ("", "", "zh_CN.UTF-8", Lang::Zh),
            ("", "", "zh", Lang::Zh),
            ("", "", "en_US.UTF-8", Lang::En),
            ("en_GB.UTF-8", "", "zh_CN.UTF-8", Lang::En),
            ("", "zh_TW.UTF-8", "en_US.UTF-8", Lang::Zh),
            ("", "", "C.UTF-8", Lang::Zh),
            ("POSIX", "", "en_US.UTF-8", Lang::Zh),
            ("", "", "", Lang::Zh),
        ] {
            let found = Lang::of_environment(|name| {
                let value = match name {
                    "LC_ALL" => all,
                    "LC_MESSAGES" => messages,
                    _ => lang,
                };
                Some(value.to_owned())
            });
            assert_eq!(found, wanted, "{all} {messages} {lang}");
        }
        assert_eq!(Lang::of_environment(|_| None), Lang::Zh);
    }

    #[test]
    fn times_are_written_out_in_chinese() {
        for (secs, zh, en) in
            [(90, "90 秒", "90s"), (600, "10 分钟", "10m"), (86_400, "1 天", "1d")]
        {
            let time = Duration::from_secs(secs);
            assert_eq!((&*Lang::Zh.time(time), &*Lang::En.time(time)), (zh, en));
        }
    }
}
