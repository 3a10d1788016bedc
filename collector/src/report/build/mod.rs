//! Makes the report from its input. Pure: the same input gives the same report, to the byte.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use xunjian_proto::Time;
use xunjian_rules::Lang;

use crate::{
    classify::Case,
    evaluate,
    report::{
        evidence::{Index, Source},
        input::{HostInput, Input, TicketInput, Trend},
        model::{Cell, Column, Report, Section, Tone},
        words::{self, pick},
    },
};

pub(crate) mod figures;

mod front;

mod assess;

mod summary;

mod purpose;

mod impact;

mod content;

mod inventory;

pub(crate) mod chart;

mod dangers;

mod danger;

mod service;

mod conclusion;

mod appendix;

use figures::Counted;

/// What the chapters share while they are written.
pub(crate) struct Build<'a> {
    input: &'a Input,
    counted: Counted<'a>,
    lang: Lang,
    zone: Tz,
    index: Index,
    charts: BTreeMap<String, String>,
}

/// Makes the report.
pub fn build(input: &Input) -> Report {
    let zone = input.contract.timezone;
    let mut build = Build {
        input,
        counted: figures::count(input),
        lang: input.lang,
        zone,
        index: Index::new(zone),
        charts: BTreeMap::new(),
    };
    let mut sections: Vec<Section> = vec![front::guide(&build)];
    sections.push(summary::write(&mut build));
    sections.push(purpose::write(&mut build));
    sections.push(impact::write(&mut build));
    sections.push(content::write(&mut build));
    sections.push(dangers::write(&mut build));
    sections.push(conclusion::write(&mut build));
    sections.push(appendix::write(&mut build));
    let cover = front::cover(&build);
    Report {
        id: input.id.clone(),
        state: "draft".to_owned(),
        lang: input.lang,
        cover,
        sections,
        evidence: build.index.into_entries(),
        charts: build.charts,
        figures: build.counted.figures,
        drafted_at: input.now,
    }
}

impl<'a> Build<'a> {
    /// The text in the report's language.
    fn pick(&self, zh: impl Into<String>, en: impl Into<String>) -> String {
        pick(self.lang, zh, en)
    }

    fn time(&self, at: Time) -> String {
        words::time(self.zone, at)
    }

    fn source(&self, kind: &'static str, id: impl Into<String>, what: String) -> Source {
        Source { kind, id: id.into(), what, host: String::new(), at: None }
    }

    /// The contract, as proof of what was agreed.
    fn contract(&self) -> Source {
        let number = &self.input.contract.number;
        let id = if number.is_empty() { &self.input.contract.customer } else { number };
        let name = words::clean(self.input.contract.customer_title(self.lang));
        let what =
            self.pick(format!("服务合同（{name}）"), format!("service contract with {name}"));
        self.source("contract", id.as_str(), what)
    }

    /// The rule set, as proof of what was checked.
    fn rules(&self) -> Source {
        let n = self.input.checks.len();
        let what = self.pick(
            format!("规则库，{n} 个检查项"),
            format!("rule set, {}", words::plural(n as u64, "check item", "check items")),
        );
        self.source("rules", self.input.rule_set.as_str(), what)
    }

    /// The ledger of one source over all machines.
    fn ledger(&self, name: &str) -> Source {
        // Rules about the sources themselves read the ledger of all.
        if name == "source" {
            return self.ledgers();
        }
        let hosts = self.input.hosts.iter();
        let n = hosts.filter(|it| it.ledger.iter().any(|row| row.source == name)).count();
        let label = words::source(self.lang, name);
        let what = self.pick(
            format!("采集台账：{label}，{n} 台主机"),
            format!("run ledger: {label}, {}", words::plural(n as u64, "host", "hosts")),
        );
        self.source("ledger", format!("ledger/{name}"), what)
    }

    /// The ledger as a whole.
    fn ledgers(&self) -> Source {
        let what = self.pick("采集台账：全部采集项", "run ledger: all sources");
        self.source("ledger", "ledger", what)
    }

    /// Which checks gave a result.
    fn coverage(&self) -> Source {
        let what = self.pick("检查项执行记录", "record of executed checks");
        self.source("coverage", "checks", what)
    }

    /// What a machine is called.
    fn host_name(&self, host: &HostInput) -> String {
        self.called(&host.agent, &host.facts.hostname)
    }

    /// The machine that a case is on.
    fn place_name(&self, case: &Case) -> String {
        self.called(&case.agent, &case.hostname)
    }

    fn called(&self, agent: &str, hostname: &str) -> String {
        words::clean(&figures::called(&self.counted.namesakes, agent, hostname))
    }

    /// What was seen on a machine.
    fn inventory(&self, host: &HostInput) -> Source {
        let what = self.pick(
            format!("资产清单：{} 个部件", host.components.len()),
            format!(
                "inventory: {}",
                words::plural(host.components.len() as u64, "component", "components")
            ),
        );
        let source = self.source("inventory", format!("host/{}", host.agent), what);
        Source { host: self.host_name(host), at: host.last_seen, ..source }
    }

    /// The list of machines.
    fn hosts(&self) -> Source {
        let what = self.pick("主机接入记录", "record of enrolled hosts");
        self.source("inventory", "hosts", what)
    }

    /// A case with its log.
    fn case(&self, case: &Case) -> Source {
        let name = &case.component_name;
        let what = self.pick(format!("事件记录：{name}"), format!("case record: {name}"));
        let source = self.source("case", case.id.0.as_str(), what);
        Source { host: self.place_name(case), at: Some(case.updated_at), ..source }
    }

    /// The list of cases as a whole.
    fn cases(&self) -> Source {
        let what = self.pick("事件记录：全部", "case records: all");
        self.source("case", "cases", what)
    }

    /// A ticket's log.
    fn ticket(&self, ticket: &TicketInput) -> Source {
        let title = ticket.ticket.title.in_lang(self.lang);
        let what = self.pick(format!("工单日志：{title}"), format!("ticket log: {title}"));
        let source = self.source("ticket", ticket.ticket.id.0.as_str(), what);
        Source { at: ticket.ticket.events.last().map(|it| it.at), ..source }
    }

    /// A reading that was compared; the raw output behind it where that is kept.
    fn reading(&self, case: &Case, input: &evaluate::Input) -> Source {
        let id = input
            .evidence
            .clone()
            .unwrap_or_else(|| format!("{}/{}@{}", case.agent, input.name, self.time(input.at)));
        let what = format!("{} = {}", input.name_in(self.lang), input.value_in(self.lang));
        let source = self.source("reading", id, what);
        Source { host: self.place_name(case), at: Some(input.at), ..source }
    }

    /// The series behind a line of a chart.
    fn series(&self, host: &HostInput, trend: &Trend) -> Source {
        let series = &trend.series;
        let id = format!("{}/{}/{}", host.agent, series.component, series.metric);
        let what = self.pick(
            format!("时间序列：{} {}", trend.name, series.metric),
            format!("series: {} {}", trend.name, series.metric),
        );
        let at = trend.points.last().map(|point| point.at);
        Source { host: self.host_name(host), at, ..self.source("series", id, what) }
    }
}

/// A column that shares the width; 0: as wide as its content.
fn column(head: String, share: u8) -> Column {
    Column { head, share, right: false }
}

/// A column of numbers.
fn number_column(head: String) -> Column {
    Column { head, share: 0, right: true }
}

fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), ..Cell::default() }
}

fn toned(text: impl Into<String>, tone: Tone) -> Cell {
    Cell { text: text.into(), tone, ..Cell::default() }
}
