//! The report as data: what every rendering (PDF, HTML, Word) shows, and what is kept of a drafted report.
//!
//! Invariants: plain text only (no markup of any output format, no control characters); every statement, tile, chart
//! and danger names the evidence it rests on by its number in [`Report::evidence`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xunjian_proto::Time;
use xunjian_rules::Lang;

/// A report, ready to be rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `R2026Q4-default-1`.
    pub id: String,
    /// `draft`, `signed`, `published`.
    pub state: String,
    /// Language of all texts.
    pub lang: Lang,
    /// Title page.
    pub cover: Cover,
    /// Guide, summary, the five parts in their order, appendix.
    pub sections: Vec<Section>,
    /// What the numbers in brackets stand for; entry `n` is at place `n - 1`.
    pub evidence: Vec<EvidenceEntry>,
    /// Pictures by id, as SVG.
    pub charts: BTreeMap<String, String>,
    /// The numbers that the sentences are made from.
    pub figures: Figures,
    /// When it was drafted.
    pub drafted_at: Time,
}

/// Title page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// 季度巡检报告.
    pub title: String,
    /// Customer's full name.
    pub customer: String,
    /// Who provides the service; may be empty.
    pub provider: String,
    /// Label and value: contract number, period, version, date.
    pub facts: Vec<(String, String)>,
    /// Who signs: 编制, 审核, 批准, 客户签字.
    pub signatures: Vec<String>,
    /// Header of every page.
    pub header: String,
    /// `草稿`, on every page while the report is not signed.
    pub mark: String,
    /// Words around the page number: before, between, after (`第 `, ` 页 共 `, ` 页`).
    pub page: [String; 3],
    /// Words that the renderings need: `contents`, `date`, `signature`.
    pub labels: BTreeMap<String, String>,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// `guide`, `summary`, `part1` to `part5`, `appendix`.
    pub id: String,
    /// Heading.
    pub heading: String,
    /// Content, in order.
    pub blocks: Vec<Block>,
}

/// A sentence (or a few) with the evidence it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Plain text.
    pub text: String,
    /// Numbers in the evidence index, rising; never empty.
    pub refs: Vec<u32>,
}

/// A piece of a chapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// A heading below the chapter's.
    Heading {
        /// Text with its number: `3.1 磁盘`.
        text: String,
    },
    /// Explanation of the report itself; says nothing about the inspected systems.
    Text {
        /// Plain text.
        text: String,
    },
    /// Sentences that form one paragraph.
    Para {
        /// In order.
        items: Vec<Statement>,
    },
    /// Sentences, one a line.
    List {
        /// In order.
        items: Vec<Statement>,
        /// With numbers instead of dots.
        numbered: bool,
    },
    /// A framed remark.
    Callout {
        /// Its colour.
        tone: Tone,
        /// Heading of the frame.
        title: String,
        /// In order.
        items: Vec<Statement>,
    },
    /// Big numbers side by side.
    Tiles {
        /// Two to six.
        tiles: Vec<Tile>,
    },
    /// A table; never without rows.
    Table(Table),
    /// A picture of [`Report::charts`].
    Chart {
        /// Its key.
        id: String,
        /// What it shows.
        caption: String,
        /// Its evidence.
        refs: Vec<u32>,
    },
    /// One hidden danger.
    Danger(Danger),
}

/// One big number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// What is counted.
    pub label: String,
    /// The number with its unit.
    pub value: String,
    /// A few words below it.
    pub note: String,
    /// Its colour.
    pub tone: Tone,
    /// Its evidence.
    pub refs: Vec<u32>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Heading.
    pub head: String,
    /// Share of the width that is left after the `fit` columns; 0: as wide as its content.
    pub share: u8,
    /// Numbers stand right.
    pub right: bool,
}

/// A cell of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Text.
    pub text: String,
    /// A second line, smaller; may be empty.
    #[serde(default)]
    pub small: String,
    /// Colour.
    #[serde(default)]
    pub tone: Tone,
    /// Its evidence; may be empty where the row's last cell carries it.
    #[serde(default)]
    pub refs: Vec<u32>,
}

/// A hidden danger, as part 4 shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Danger {
    /// `H-01`.
    pub number: String,
    /// What is wrong where.
    pub title: String,
    /// `二级故障`.
    pub level: String,
    /// Colour of the level.
    pub tone: Tone,
    /// 新增, 遗留, 恶化.
    pub state: String,
    /// Label and statements, in order.
    pub fields: Vec<(String, Vec<Statement>)>,
}

/// What a colour means. No meaning is carried by colour alone.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// None.
    #[default]
    Plain,
    /// Read and in order.
    Good,
    /// Read and not in order, without a level.
    Bad,
    /// Not known.
    Unknown,
    /// Of less weight.
    Muted,
    /// 一级故障.
    Level1,
    /// 二级故障.
    Level2,
    /// 三级故障.
    Level3,
    /// 四级故障.
    Level4,
}

/// One entry of the evidence index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceEntry {
    /// Its number.
    pub n: u32,
    /// What sort of proof: `reading`, `case`, `ticket`, `ledger`, `inventory`, `series`, `contract`, `rules`.
    pub kind: String,
    /// Its identity in the store (SHA-256 of the raw output, case id, ticket id ..).
    pub id: String,
    /// What it says.
    pub what: String,
    /// Which host; empty if it is not about one.
    pub host: String,
    /// When it was read, in the contract's time zone; empty if it has no time of its own.
    pub at: String,
}

/// The numbers that the sentences are made from. Counts of cases are of those that are not folded under another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Machines that the contract names, or that have sent readings.
    pub hosts: u32,
    /// Of these, machines with readings in the period.
    pub hosts_read: u32,
    /// Components seen, by kind.
    pub components: BTreeMap<String, u32>,
    /// Faults that stand at the end of the period, by level (first: level 1).
    pub open: [u32; 4],
    /// Faults of the period that have been closed, by level.
    pub closed: [u32; 4],
    /// Standing faults that are new in this period.
    pub new: u32,
    /// Standing faults from before this period.
    pub carried: u32,
    /// Of the carried ones, those that have become graver.
    pub worse: u32,
    /// Pieces of advice.
    pub advice: u32,
    /// Checks that should have given a result: check item times component.
    pub checks: u32,
    /// Checks that gave one.
    pub checks_read: u32,
    /// Checks with the result 异常.
    pub checks_abnormal: u32,
    /// Checks with the result 待确认.
    pub checks_pending: u32,
    /// `checks_read` of `checks` in per cent, rounded down; none without checks.
    pub coverage_percent: Option<u32>,
    /// Clocks of tickets: met in time.
    pub clocks_met: u32,
    /// Met late or overdue.
    pub clocks_missed: u32,
    /// Still running.
    pub clocks_running: u32,
    /// Tickets of the period.
    pub tickets: u32,
    /// Runs of sources.
    pub runs: u64,
    /// Runs without a result: failed or stuck.
    pub runs_failed: u64,
    /// Runs put off to spare the host.
    pub runs_deferred: u64,
    /// The agents' own CPU time, seconds.
    pub cpu_seconds: f64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Hours with readings, summed over the hosts.
    pub host_hours: f64,
    /// The readings span less than a day: one inspection round, no trend.
    pub single_round: bool,
}
