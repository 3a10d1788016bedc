//! Tickets of the period and how the contract's clocks were kept, each clock judged on its own.

use super::{Build, cell, column, toned};
use crate::{
    report::{
        input::TicketInput,
        model::{Block, Cell, Statement, Table, Tone},
        words,
    },
    ticket::{Clock, ClockState, TicketState},
};

const MOST: usize = 60;

/// Where a ticket stands.
pub(crate) fn state(build: &Build<'_>, state: TicketState) -> String {
    let (zh, en) = match state {
        TicketState::Detected => ("已发现", "detected"),
        TicketState::Notified => ("已通知", "notified"),
        TicketState::Responded => ("已响应", "responded"),
        TicketState::EnRoute => ("在途", "on the way"),
        TicketState::OnSite => ("已到现场", "on site"),
        TicketState::Restored => ("业务已恢复", "service restored"),
        TicketState::Resolved => ("故障已排除", "fault removed"),
        TicketState::Confirmed => ("客户已确认", "confirmed by the customer"),
    };
    build.pick(zh, en)
}

pub(crate) fn write(build: &mut Build<'_>) -> Vec<Block> {
    if build.input.tickets.is_empty() {
        return Vec::new();
    }
    vec![Block::Para { items: vec![overall(build)] }, Block::Table(table(build))]
}

/// How many clocks were kept.
pub(crate) fn overall(build: &mut Build<'_>) -> Statement {
    let figures = build.counted.figures.clone();
    let tickets = u64::from(figures.tickets);
    let (met, missed) = (figures.clocks_met, figures.clocks_missed);
    let running = figures.clocks_running;
    let mut text = build.pick(
        format!("本期工单 {tickets} 张。"),
        format!("{} of this period.", words::plural(tickets, "ticket", "tickets")),
    );
    let ended = met + missed;
    match (ended, missed) {
        (0, _) => {}
        (_, 0) => text.push_str(&build.pick(
            format!("已到期的服务时限 {ended} 项，全部按时达成。"),
            format!(" Of the service clocks that have ended, all {ended} were kept."),
        )),
        _ => text.push_str(&build.pick(
            format!("已到期的服务时限 {ended} 项，按时达成 {met} 项，未达成 {missed} 项。"),
            format!(
                " Of {ended} service clocks that have ended, {met} were kept and {missed} missed."
            ),
        )),
    }
    if running > 0 {
        text.push_str(
            &build
                .pick(format!("另有 {running} 项正在计时。"), format!(" {running} still running.")),
        );
    }
    let mut sources = vec![build.contract()];
    sources.extend(build.input.tickets.iter().take(6).map(|it| build.ticket(it)));
    build.index.say(text, &sources)
}

fn table(build: &mut Build<'_>) -> Table {
    let input = build.input;
    let mut rows = Vec::new();
    for ticket in input.tickets.iter().take(MOST) {
        let source = build.ticket(ticket);
        let refs = build.index.numbers(&[source]);
        let title = words::clean(ticket.ticket.title.in_lang(build.lang));
        let mut row = vec![
            Cell { refs, ..cell(ticket.ticket.id.0.as_str()) },
            Cell { small: state(build, ticket.state), ..cell(title) },
        ];
        row.extend(["response", "arrival", "repair"].map(|name| clock(build, ticket, name)));
        rows.push(row);
    }
    let total = input.tickets.len();
    let caption = if total > MOST {
        build.pick(
            format!("工单（共 {total} 张，列出 {MOST} 张）"),
            format!("Tickets ({MOST} of {total})"),
        )
    } else {
        build.pick("工单", "Tickets")
    };
    Table {
        caption,
        columns: vec![
            column(build.pick("工单号", "Ticket"), 0),
            column(build.pick("内容 / 状态", "Subject / state"), 1),
            column(build.pick("响应", "Response"), 0),
            column(build.pick("到达现场", "Arrival"), 0),
            column(build.pick("故障排除", "Repair"), 0),
        ],
        rows,
    }
}

fn clock(build: &Build<'_>, ticket: &TicketInput, name: &str) -> Cell {
    let Some(clock) = ticket.clocks.iter().find(|it| it.name == name) else {
        return toned("—", Tone::Muted);
    };
    let (zh, en, tone) = match clock.state {
        ClockState::Running => ("计时中", "running", Tone::Plain),
        ClockState::AtRisk => ("即将超时", "at risk", Tone::Unknown),
        ClockState::Met => ("按时", "met", Tone::Good),
        ClockState::Breached => ("已超时", "overdue", Tone::Bad),
        ClockState::MetLate => ("超时完成", "met late", Tone::Bad),
    };
    Cell { small: took(build, clock), ..toned(build.pick(zh, en), tone) }
}

/// How long it took, or how long it may take.
fn took(build: &Build<'_>, clock: &Clock) -> String {
    let minutes = |secs: u64| secs.div_ceil(60);
    let allowed = minutes(clock.due.since(clock.from).as_secs());
    match clock.met_at {
        Some(at) => {
            let used = minutes(at.since(clock.from).as_secs());
            build.pick(format!("{used} / {allowed} 分钟"), format!("{used} / {allowed} min"))
        }
        None => build.pick(format!("限 {allowed} 分钟"), format!("limit {allowed} min")),
    }
}
