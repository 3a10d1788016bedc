//! The contract's clocks on a ticket, computed on read from its log: each leg is judged on its own, so a late response
//! stays late however fast the repair was.
//!
//! A ticket that is re-opened starts a new round of clocks; those of earlier rounds stay listed. A change of level that
//! changes the table of times (routine ▸ emergency) gives the legs still running the new times from then on; what was
//! overdue by then stays overdue.

use std::time::Duration;

use xunjian_proto::Time;
use xunjian_rules::Text;

use super::{Clock, ClockState, Ticket, TicketEvent, TicketEventKind};
use crate::{
    classify::Level,
    contract::{Clocks, Contract},
};

/// All clocks of a ticket as they stand: response, arrival, repair; emergency strategy and solution at levels 1 and 2.
pub fn clocks(ticket: &Ticket, contract: &Contract, now: Time) -> Vec<Clock> {
    let mut level = Level::Four;
    let rounds = rounds(&ticket.events);
    let many = rounds.len() > 1;
    let mut all = Vec::new();
    for (index, events) in rounds.iter().enumerate() {
        let grades = grades(events, &mut level);
        // An earlier round ended when the ticket was re-opened.
        let until = rounds.get(index + 1).and_then(|it| it.first()).map_or(now, |it| it.at);
        for leg in LEGS {
            all.extend(run(leg, events, &grades, contract, until).map(|mut clock| {
                if many {
                    clock.label = numbered(&clock.label, index + 1);
                }
                clock
            }));
        }
    }
    all
}

/// The most urgent clock that still runs, for lists.
pub fn next_due(clocks: &[Clock]) -> Option<&Clock> {
    clocks.iter().filter(|it| it.met_at.is_none()).min_by_key(|it| it.due)
}

/// The table of times at a level.
pub fn table(contract: &Contract, level: Level) -> &Clocks {
    match contract.emergency_levels.contains(&level.number()) {
        true => &contract.emergency_clocks,
        false => &contract.clocks,
    }
}

struct Leg {
    name: &'static str,
    zh: &'static str,
    en: &'static str,
    minutes: fn(&Clocks) -> u32,
    /// Only at levels 1 and 2 (重大紧急情况).
    grave_only: bool,
    /// What stops it. A fault that is removed needs nobody to arrive or to offer anything any more.
    stops: fn(TicketEventKind) -> bool,
}

const LEGS: &[Leg] = &[
    Leg {
        name: "response",
        zh: "响应时间",
        en: "response",
        minutes: |it| it.response_minutes,
        grave_only: false,
        stops: |it| {
            use TicketEventKind::{
                EnRoute, OnSite, Responded, Restored, SolutionOffered, StrategyOffered,
            };
            matches!(
                it,
                Responded | EnRoute | OnSite | StrategyOffered | SolutionOffered | Restored
            ) || is_over(it)
        },
    },
    Leg {
        name: "arrival",
        zh: "到达现场时间",
        en: "arrival on site",
        minutes: |it| it.arrival_minutes,
        grave_only: false,
        stops: |it| it == TicketEventKind::OnSite || is_over(it),
    },
    Leg {
        name: "repair",
        zh: "故障排除时间",
        en: "fault removed",
        minutes: |it| it.repair_minutes,
        grave_only: false,
        stops: is_over,
    },
    Leg {
        name: "strategy",
        zh: "应急方案",
        en: "emergency strategy",
        minutes: |it| it.strategy_minutes,
        grave_only: true,
        stops: |it| {
            use TicketEventKind::{Restored, SolutionOffered, StrategyOffered};
            matches!(it, StrategyOffered | SolutionOffered | Restored) || is_over(it)
        },
    },
    Leg {
        name: "solution",
        zh: "解决方案",
        en: "solution",
        minutes: |it| it.solution_minutes,
        grave_only: true,
        stops: |it| it == TicketEventKind::SolutionOffered || is_over(it),
    },
];

fn is_over(kind: TicketEventKind) -> bool {
    matches!(kind, TicketEventKind::Resolved | TicketEventKind::Confirmed)
}

fn rounds(events: &[TicketEvent]) -> Vec<&[TicketEvent]> {
    let mut starts: Vec<usize> = vec![0];
    starts.extend(
        events
            .iter()
            .enumerate()
            .filter(|it| it.1.kind == TicketEventKind::Reopened)
            .map(|it| it.0),
    );
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([events.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(from, to)| events.get(*from..to))
        .filter(|it| !it.is_empty())
        .collect()
}

/// The levels of a round and since when each held; the level is carried into the next round.
fn grades(events: &[TicketEvent], level: &mut Level) -> Vec<(Time, Level)> {
    let mut all = Vec::new();
    for event in events {
        match event.kind {
            TicketEventKind::Detected(to) | TicketEventKind::Regraded { to, .. } => *level = to,
            TicketEventKind::Reopened => {}
            _ => continue,
        }
        all.push((event.at, *level));
    }
    all
}

fn run(
    leg: &Leg,
    events: &[TicketEvent],
    grades: &[(Time, Level)],
    contract: &Contract,
    until: Time,
) -> Option<Clock> {
    let met_at = events.iter().find(|it| (leg.stops)(it.kind)).map(|it| it.at);
    let minutes =
        |level| Duration::from_secs(u64::from((leg.minutes)(table(contract, level))) * 60);
    let applies = |level| !leg.grave_only || level <= Level::Two;
    let mut running: Option<(Time, Time, Duration)> = None;
    for (at, level) in grades.iter().copied() {
        if met_at.is_some_and(|met| met <= at) && running.is_some() {
            break;
        }
        running = match running {
            // Overdue stays overdue.
            Some((from, due, allowed)) if due < at => Some((from, due, allowed)),
            Some(_) | None if !applies(level) => None,
            Some((from, due, allowed)) if allowed == minutes(level) => Some((from, due, allowed)),
            Some(_) | None => Some((at, at + minutes(level), minutes(level))),
        };
    }
    let (from, due, allowed) = running?;
    let state = match met_at {
        Some(met) if met <= due => ClockState::Met,
        Some(_) => ClockState::MetLate,
        None if until > due => ClockState::Breached,
        None if due.since(until) * 4 < allowed => ClockState::AtRisk,
        None => ClockState::Running,
    };
    Some(Clock {
        name: leg.name.to_owned(),
        label: Text::new(leg.zh, leg.en),
        from,
        due,
        met_at,
        state,
    })
}

fn numbered(label: &Text, round: usize) -> Text {
    Text::new(format!("{}（第 {round} 次）", label.zh), format!("{} (round {round})", label.en))
}
