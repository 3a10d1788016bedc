//! The words of the table, in both languages.

use xunjian_proto::{Kind, MemberState, Reason};

use crate::{cli::Lang, names};

/// Words of one language.
pub(super) struct Labels {
    lang: Lang,
    pub(super) host: &'static str,
    pub(super) unnamed: &'static str,
    pub(super) not_root: &'static str,
    pub(super) inspected: &'static str,
    pub(super) unknown: &'static str,
    pub(super) collected: &'static str,
    pub(super) absent: &'static str,
    pub(super) failed: &'static str,
    pub(super) stuck: &'static str,
    pub(super) deferred: &'static str,
}

const ZH: Labels = Labels {
    lang: Lang::Zh,
    host: "主机",
    unnamed: "（未知名称）",
    not_root: "当前不是 root 用户：磁盘 SMART、内核日志等需要 root 权限才能读取，读不到的内容按“未知”列出，不视为正常。",
    inspected: "检查项",
    unknown: "未能读取的内容（状态未知，不视为正常）",
    collected: "已检查",
    absent: "不具备条件",
    failed: "检查失败",
    stuck: "超时无响应",
    deferred: "已推迟",
};

const EN: Labels = Labels {
    lang: Lang::En,
    host: "host",
    unnamed: "(no name)",
    not_root: "not run as root: SMART, the kernel log and some more can only be read by root; what could not be read is \
               listed as unknown, never as normal",
    inspected: "inspected",
    unknown: "could not be read (unknown, which is not normal)",
    collected: "read",
    absent: "absent",
    failed: "failed",
    stuck: "stuck",
    deferred: "deferred",
};

impl Labels {
    pub(super) fn of(lang: Lang) -> Labels {
        match lang {
            Lang::Zh => ZH,
            Lang::En => EN,
        }
    }

    fn pick(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// Sorts kinds; unknown ones come last.
    pub(super) fn order(&self, kind: &str) -> String {
        format!("{:03}{kind}", Kind::place(kind))
    }

    pub(super) fn kind(&self, kind: &str) -> String {
        Kind::named(kind).map_or(kind, |it| self.pick(it.zh, it.many)).to_owned()
    }

    /// What a metric or state is called.
    pub(super) fn metric<'a>(&self, name: &'a str) -> &'a str {
        match self.lang {
            Lang::Zh => names::zh(name).unwrap_or(name),
            Lang::En => name,
        }
    }

    /// A word that tells the series of one metric apart.
    pub(super) fn attr<'a>(&self, value: &'a str) -> &'a str {
        match self.lang {
            Lang::Zh => names::zh_attr(value),
            Lang::En => value,
        }
    }

    /// A list behind a colon.
    pub(super) fn list(&self, items: &[String]) -> String {
        match self.lang {
            Lang::Zh => format!("：{}", items.join("，")),
            Lang::En => format!(": {}", items.join(", ")),
        }
    }

    /// Heading of the events.
    pub(super) fn events(&self, count: usize) -> String {
        match self.lang {
            Lang::Zh => format!("事件（{count} 条）"),
            Lang::En => format!("events ({count})"),
        }
    }

    pub(super) fn reason(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::Asleep => self.pick("休眠中", "asleep"),
            Reason::Unsupported => self.pick("不支持", "unsupported"),
            Reason::TimedOut => self.pick("超时", "timed out"),
            Reason::PermissionDenied => self.pick("权限不足", "no permission"),
            Reason::Unparsable => self.pick("无法解析", "unparsable"),
            Reason::ToolFailed => self.pick("读取出错", "failed"),
            Reason::Missing => self.pick("不存在", "missing"),
            Reason::Implausible => self.pick("数值不可信", "implausible"),
            Reason::Truncated => self.pick("内容被截断", "truncated"),
        }
    }

    pub(super) fn member(&self, state: MemberState) -> &'static str {
        match state {
            MemberState::Active => self.pick("正常", "active"),
            MemberState::Rebuilding => self.pick("重建中", "rebuilding"),
            MemberState::Spare => self.pick("热备", "spare"),
            MemberState::Failed => self.pick("故障", "failed"),
            MemberState::Missing => self.pick("缺失", "missing"),
            MemberState::Unknown => self.pick("未知", "unknown"),
        }
    }

    /// A source with the program that it lacks, or the section that it is not configured in.
    pub(super) fn lacking(&self, source: &str, what: &str) -> String {
        match self.lang {
            Lang::Zh if what.starts_with('[') => format!("{source}（未配置 {what}）"),
            Lang::Zh => format!("{source}（{what}）"),
            Lang::En => format!("{source} ({what})"),
        }
    }

    /// Why a source is absent: the file or program that the host lacks.
    pub(super) fn missing(&self, what: &str) -> String {
        match self.lang {
            Lang::Zh => format!("缺少 {what}"),
            Lang::En => format!("missing {what}"),
        }
    }

    pub(super) fn counts(&self, components: usize, readings: usize) -> String {
        match self.lang {
            Lang::Zh => format!("{components} 个对象，{readings} 项读数"),
            Lang::En => format!("{components} component(s), {readings} reading(s)"),
        }
    }

    pub(super) fn problems(&self, count: usize) -> String {
        match self.lang {
            Lang::Zh => format!("，{count} 处未能读取"),
            Lang::En => format!(", {count} part(s) unread"),
        }
    }

    pub(super) fn more(&self, count: usize) -> String {
        match self.lang {
            Lang::Zh => format!("……另有 {count} 项（--all 显示全部）"),
            Lang::En => format!("… {count} more (--all shows them)"),
        }
    }
}
