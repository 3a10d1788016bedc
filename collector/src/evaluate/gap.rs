//! Why there is no reading to judge by: kept as what it is, and put into words only if somebody asks. A round of judging
//! finds thousands of them and says nothing of most.

use xunjian_proto::Reason;
use xunjian_rules::Text;

use super::{
    Unknown,
    view::{PartProblem, RunMark, SourceView},
    words::{reason_text, said},
};

/// Something that ought to be read was not.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gap<'a> {
    /// The source of this name has not reported yet.
    Never(&'a str),
    /// The host lacks what the source needs.
    Absent(&'a SourceView, &'a str),
    /// The source failed.
    Failed(&'a SourceView, &'a str),
    /// It did not end in time.
    Stuck(&'a SourceView),
    /// It was put off to spare the host.
    Deferred(&'a SourceView, &'a str),
    /// It read only a part, and nobody knows which.
    Partial(&'a SourceView, &'a RunMark),
    /// It told what it could not read of the component.
    Problem(&'a PartProblem),
    /// The metric came as a value that means "not read".
    Sentinel(&'a str),
    /// The source of this name does not see the component any more.
    Gone(&'a str),
}

/// There is nothing to read: the question does not arise.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lack<'a> {
    /// The component does not offer the metric.
    NotOffered(&'a str),
    /// The history of the metric is too short.
    TooShort(&'a str),
    /// The newest run of the source left the reading out.
    LeftOut(&'a str),
    /// The source does not cover the component.
    NotCovered(&'a str),
    /// The set moves data by itself.
    Busy(&'a str),
    /// Too few members to compare with.
    Alone,
}

impl Gap<'_> {
    /// For people, with the closed reason if a problem said one.
    pub(super) fn told(self) -> Unknown {
        let (reason, zh, en) = match self {
            Gap::Never(source) => (
                None,
                format!("采集项 {source} 尚无任何上报"),
                format!("source {source} has not reported yet"),
            ),
            Gap::Absent(source, why) => (
                Some(Reason::Unsupported),
                format!("主机不具备采集项 {} 的条件：{}", source.name, said(why).zh),
                format!("the host lacks what source {} needs: {}", source.name, said(why).en),
            ),
            Gap::Failed(source, why) => (
                Some(Reason::ToolFailed),
                format!("采集项 {} 执行失败：{}", source.name, said(why).zh),
                format!("source {} failed: {}", source.name, said(why).en),
            ),
            Gap::Stuck(source) => (
                Some(Reason::TimedOut),
                format!("采集项 {} 超时未返回", source.name),
                format!("source {} did not end in time", source.name),
            ),
            Gap::Deferred(source, why) => (
                None,
                format!("为避免影响业务，采集项 {} 已推迟：{}", source.name, said(why).zh),
                format!("source {} was put off to spare the host: {}", source.name, said(why).en),
            ),
            Gap::Partial(source, run) => (
                None,
                format!("采集项 {} 只读到一部分：{}", source.name, said(&run.problem).zh),
                format!("source {} read only a part: {}", source.name, said(&run.problem).en),
            ),
            Gap::Problem(problem) => {
                let (reason, text) = (reason_text(problem.reason), said(&problem.text));
                (
                    Some(problem.reason),
                    format!("{}：{}", reason.zh, text.zh),
                    format!("{}: {}", reason.en, text.en),
                )
            }
            Gap::Sentinel(metric) => (
                Some(Reason::Implausible),
                format!("{metric} 返回的是无效占位值"),
                format!("{metric} came as a placeholder, not as a reading"),
            ),
            Gap::Gone(source) => (
                Some(Reason::Missing),
                format!("采集项 {source} 已看不到该部件"),
                format!("source {source} does not see the component any more"),
            ),
        };
        Unknown { reason, text: Text::new(zh, en) }
    }
}

impl Lack<'_> {
    /// For people.
    pub(super) fn told(self) -> Text {
        let (zh, en) = match self {
            Lack::NotOffered(metric) => (
                format!("该部件不提供 {metric}"),
                format!("the component does not offer {metric}"),
            ),
            Lack::TooShort(metric) => (
                format!("{metric} 的历史读数还不够，暂不能判断变化"),
                format!("the history of {metric} is too short to speak of a change"),
            ),
            Lack::LeftOut(source) => (
                format!("采集项 {source} 最近一次没有给出该读数"),
                format!("source {source} left the reading out of its newest run"),
            ),
            Lack::NotCovered(source) => (
                format!("采集项 {source} 不涉及该部件"),
                format!("source {source} does not cover the component"),
            ),
            Lack::Busy(set) => (
                format!("{set} 正在重建或校验，成员之间不可比"),
                format!("{set} is being rebuilt or checked: its members cannot be compared"),
            ),
            Lack::Alone => (
                "同组可比的成员不足（少于 2 个，或读写太少）".to_owned(),
                "too few members of its set to compare with: fewer than 2 others, or too little work"
                    .to_owned(),
            ),
        };
        Text::new(zh, en)
    }
}
