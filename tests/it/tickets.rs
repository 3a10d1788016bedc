//! Tickets: opened by cases, moved by people, timed by the contract; and the messages that follow.

use xunjian_collector::{
    classify::{Case, CaseId, Grade, Level, Step, step, topology::Topology},
    contract::{Clocks, Contract, Person},
    evaluate::{Judgement, Verdict},
    notify::{MessageKind, clock_messages, messages},
    ticket::{
        Clock, ClockState, Ticket, TicketEventKind, TicketState, act, allowed, clocks, dispatch,
        dispatch::on_call, level, lifecycle, reconcile, reconcile::title, state,
    },
};
use xunjian_proto::{ComponentId, MemberState, Time};
use xunjian_rules::{EvidenceKind, Text};

use crate::classify_kit::{fact, firing, host_with, set_of, t0, verdict};

fn after(minutes: i64) -> Time {
    Time::from_secs(t0().secs() + minutes * 60)
}

/// A RAID 5 whose state the test sets, with its cases and tickets.
pub(crate) struct Desk {
    pub(crate) contract: Contract,
    lost: usize,
    pub(crate) cases: Vec<Case>,
    pub(crate) tickets: Vec<Ticket>,
    numbers: u32,
}

impl Desk {
    fn new() -> Desk {
        Desk {
            contract: Contract::default(),
            lost: 0,
            cases: Vec::new(),
            tickets: Vec::new(),
            numbers: 0,
        }
    }

    fn md() -> ComponentId {
        ComponentId::new("md", "md0")
    }

    fn degraded(at: Time) -> Judgement {
        firing(fact("md-degraded", "redundancy", EvidenceKind::Suspect, &Desk::md(), at), at)
    }

    /// Judges and brings the tickets into line; returns the tickets that changed.
    fn judge(&mut self, judgements: &[Judgement], now: Time) -> Vec<Ticket> {
        let mut states = vec![MemberState::Active; 4];
        states.iter_mut().take(self.lost).for_each(|it| *it = MemberState::Missing);
        let topology = Topology::new(host_with(set_of("md0", "raid6", 4, 0, &states)));
        let (agent, hostname) = ("a1", "node1");
        let (contract, open) = (&self.contract, &self.cases[..]);
        let changed = step(&Step {
            agent,
            hostname,
            judgements,
            topology: &topology,
            contract,
            partners: &[],
            open,
            now,
        });
        for case in &changed {
            self.cases.retain(|it| it.id != case.id);
            self.cases.push(case.clone());
        }
        self.reconcile(&changed, now)
    }

    fn reconcile(&mut self, cases: &[Case], now: Time) -> Vec<Ticket> {
        let numbers = &mut self.numbers;
        let mut number = |_: &str| {
            *numbers += 1;
            *numbers
        };
        let changed = reconcile(cases, &self.tickets, &self.contract, now, &mut number);
        for ticket in &changed {
            self.tickets.retain(|it| it.id != ticket.id);
            self.tickets.push(ticket.clone());
        }
        changed
    }

    fn act(&mut self, kind: TicketEventKind, now: Time) {
        let event = act(&self.tickets[0], kind, "li", "好", now).unwrap();
        self.tickets[0].events.push(event);
    }

    fn ticket(&self) -> &Ticket {
        &self.tickets[0]
    }

    fn clock(&self, name: &str, now: Time) -> Clock {
        let all = clocks(self.ticket(), &self.contract, now);
        all.into_iter().rfind(|it| it.name == name).unwrap_or_else(|| panic!("no clock {name}"))
    }

    fn has_clock(&self, name: &str, now: Time) -> bool {
        clocks(self.ticket(), &self.contract, now).iter().any(|it| it.name == name)
    }
}

/// A desk with one level 4 ticket (RAID 6 minus one).
pub(crate) fn opened() -> Desk {
    let mut desk = Desk::new();
    desk.lost = 1;
    assert_eq!(desk.judge(&[Desk::degraded(t0())], t0()).len(), 1);
    desk
}

#[test]
fn a_fault_opens_one_ticket() {
    let mut desk = opened();
    let ticket = desk.ticket();
    assert_eq!(ticket.id.0, "T20261122-0001");
    assert_eq!((level(ticket), state(ticket)), (Level::Four, TicketState::Detected));
    assert!(ticket.title.zh.starts_with("node1："), "{}", ticket.title.zh);
    let cases = desk.cases.clone();
    assert_eq!(desk.reconcile(&cases, after(1)), [], "the same again changes nothing");
}

#[test]
fn advice_blind_spots_consequences_and_what_is_over_open_none() {
    let case = opened().cases[0].clone();
    let with = |change: &dyn Fn(&mut Case)| {
        let mut case = case.clone();
        change(&mut case);
        case
    };
    let none = [
        with(&|it| it.decision.grade = Grade::Advice),
        with(&|it| it.decision.grade = Grade::Blind),
        with(&|it| it.parent = Some(CaseId("C1".to_owned()))),
        with(&|it| it.closed_at = Some(t0())),
        with(&|it| it.customer = "another".to_owned()),
    ];
    assert_eq!(Desk::new().reconcile(&none, t0()), []);
}

#[test]
fn a_level_is_raised_and_lowered_in_the_same_ticket_with_the_reason() {
    let mut desk = opened();
    desk.lost = 2;
    let raised = desk.judge(&[Desk::degraded(after(5))], after(5));
    assert_eq!((raised.len(), level(&raised[0])), (1, Level::Two));
    let last = raised[0].events.last().unwrap();
    assert!(last.note.zh.contains("冗余已耗尽"), "{}", last.note.zh);
    desk.lost = 1;
    desk.judge(&[Desk::degraded(after(10))], after(10));
    assert_eq!((desk.tickets.len(), level(desk.ticket())), (1, Level::Four));
}

#[test]
fn good_readings_are_noted_and_people_resolve() {
    let mut desk = opened();
    let quiet = verdict("md-degraded", &Desk::md(), Verdict::Quiet, after(30));
    let noted = desk.judge(&[quiet], after(30));
    assert_eq!(noted[0].events.last().unwrap().kind, TicketEventKind::Noted);
    assert_eq!(state(desk.ticket()), TicketState::Detected);
    let cases = desk.cases.clone();
    assert_eq!(desk.reconcile(&cases, after(31)), []);

    desk.act(TicketEventKind::Resolved, after(40));
    let back = desk.judge(&[Desk::degraded(after(50))], after(50));
    assert_eq!(back[0].events.last().unwrap().kind, TicketEventKind::Reopened);
    assert_eq!(state(desk.ticket()), TicketState::Detected);

    let again = verdict("md-degraded", &Desk::md(), Verdict::Quiet, after(60));
    assert_eq!(desk.judge(&[again], after(60)).len(), 1, "said again in the new round");
    assert_eq!(desk.judge(&[Desk::degraded(after(70))], after(70)).len(), 1);
    assert_eq!(
        desk.ticket().events.last().unwrap().kind,
        TicketEventKind::Noted,
        "it was open still"
    );
}

#[test]
fn the_way_of_a_ticket() {
    use TicketEventKind::{
        Confirmed, EnRoute, Noted, OnSite, Reopened, Resolved, Responded, Restored,
    };
    let mut desk = opened();
    assert_eq!(allowed(desk.ticket()), [Responded, EnRoute, OnSite, Restored, Resolved, Noted]);
    desk.act(Responded, after(5));
    desk.act(OnSite, after(50));
    assert_eq!(allowed(desk.ticket()), [Restored, Resolved, Noted]);
    desk.act(Restored, after(60));
    desk.act(Resolved, after(70));
    assert_eq!(allowed(desk.ticket()), [Confirmed, Reopened, Noted]);
    desk.act(Confirmed, after(80));
    assert_eq!(state(desk.ticket()), TicketState::Confirmed);
    assert!(!lifecycle::is_open(desk.ticket()));
    let error = act(desk.ticket(), Responded, "li", "", after(81)).unwrap_err().to_string();
    assert_eq!(
        error,
        "ticket T20261122-0001 is confirmed: `responded` is not possible, but one of: reopened, noted"
    );
}

#[test]
fn actions_need_a_person_and_some_a_reason() {
    let desk = opened();
    let ticket = desk.ticket();
    let told = |kind, actor: &str, note: &str| {
        act(ticket, kind, actor, note, after(1)).unwrap_err().to_string()
    };
    assert!(told(TicketEventKind::Responded, " ", "").contains("needs a person"));
    assert!(told(TicketEventKind::Noted, "li", " ").contains("needs a reason"));
    assert!(told(TicketEventKind::Noted, "li", &"x".repeat(9000)).contains("at most 8192"));
    assert!(told(TicketEventKind::Notified, "li", "x").contains("not possible"));
    let early = act(ticket, TicketEventKind::Responded, "li", "", Time::from_secs(0)).unwrap();
    assert_eq!(early.at, t0(), "the log never runs backwards");
    assert_eq!(lifecycle::kind_of("on_site"), Some(TicketEventKind::OnSite));
    assert_eq!(lifecycle::kind_of("detected"), None);
}

#[test]
fn each_leg_is_judged_on_its_own() {
    let mut desk = opened();
    assert_eq!(desk.clock("response", after(5)).state, ClockState::Running);
    assert_eq!(desk.clock("response", after(12)).state, ClockState::AtRisk);
    assert_eq!(desk.clock("response", after(15)).state, ClockState::AtRisk, "due is still in time");
    assert_eq!(desk.clock("response", after(16)).state, ClockState::Breached);
    desk.act(TicketEventKind::Responded, after(20));
    desk.act(TicketEventKind::OnSite, after(40));
    desk.act(TicketEventKind::Resolved, after(100));
    let later = after(5000);
    let response = desk.clock("response", later);
    assert_eq!((response.state, response.met_at), (ClockState::MetLate, Some(after(20))));
    assert_eq!(desk.clock("arrival", later).state, ClockState::Met);
    assert_eq!(desk.clock("repair", later).state, ClockState::Met);
    assert!(!desk.has_clock("strategy", later), "only at levels 1 and 2");
}

#[test]
fn a_graver_level_adds_strategy_and_solution_from_then_on() {
    let mut desk = opened();
    desk.lost = 2;
    desk.judge(&[Desk::degraded(after(30))], after(30));
    let strategy = desk.clock("strategy", after(31));
    assert_eq!((strategy.from, strategy.due), (after(30), after(90)));
    assert_eq!(desk.clock("arrival", after(31)).due, after(60), "the same table: runs on");
    desk.act(TicketEventKind::StrategyOffered, after(80));
    assert_eq!(desk.clock("strategy", after(99)).state, ClockState::Met);
    desk.lost = 1;
    desk.judge(&[Desk::degraded(after(100))], after(100));
    assert!(!desk.has_clock("solution", after(101)), "no longer asked for");
    assert!(desk.has_clock("strategy", after(101)), "what was met stays");
}

#[test]
fn another_table_counts_from_the_change_and_forgives_nothing() {
    let mut desk = opened();
    desk.contract.emergency_levels = vec![1, 2];
    desk.lost = 2;
    desk.judge(&[Desk::degraded(after(30))], after(30));
    let arrival = desk.clock("arrival", after(31));
    assert_eq!((arrival.from, arrival.due), (after(30), after(150)));
    let response = desk.clock("response", after(31));
    assert_eq!(
        (response.due, response.state),
        (after(15), ClockState::Breached),
        "overdue stays overdue"
    );
}

#[test]
fn a_reopened_ticket_starts_a_new_round_and_keeps_the_old_one() {
    let mut desk = opened();
    desk.act(TicketEventKind::Resolved, after(10));
    desk.act(TicketEventKind::Reopened, after(100));
    let all = clocks(desk.ticket(), &desk.contract, after(101));
    let responses: Vec<_> = all.iter().filter(|it| it.name == "response").collect();
    assert_eq!(responses.len(), 2);
    assert_eq!((responses[0].state, responses[1].state), (ClockState::Met, ClockState::Running));
    assert_eq!(responses[1].from, after(100));
    assert_eq!(responses[1].label.zh, "响应时间（第 2 次）");
}

#[test]
fn dispatch_says_who_goes_and_who_is_told() {
    let mut contract = Contract::default();
    let texts = |level, contract: &Contract| {
        dispatch(level, contract).into_iter().map(|it| it.zh).collect::<Vec<_>>().join("/")
    };
    assert_eq!(
        texts(Level::One, &contract),
        "派 2 名工程师到现场（1+1）/持证的存储软件高级工程师到现场/向客户提交故障报告"
    );
    assert!(texts(Level::Two, &contract).contains("远程支持小组"));
    assert!(texts(Level::Three, &contract).contains("应急工程师（第二人）2 小时内到达"));
    assert!(texts(Level::Four, &contract).contains("通知应急工程师"));
    for role in ["support", "engineer", "manager"] {
        let (name, phone) = (role.to_owned(), "1".to_owned());
        contract.people.push(Person { name, role: role.to_owned(), phone, ..Person::default() });
    }
    let names =
        |level| on_call(level, &contract).iter().map(|it| it.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(Level::Two), ["engineer", "support", "manager"]);
    assert_eq!(names(Level::Four), ["engineer"]);
}

#[test]
fn a_title_names_the_component_once() {
    let mut desk = opened();
    let case = &mut desk.cases[0];
    case.component_name = "md0 (S/N A1)".to_owned();
    let titled = |case: &mut Case, message: &str| {
        case.facts[0].message = Text::new(message, message);
        title(case).zh
    };
    assert_eq!(titled(case, "阵列 md0 已降级"), "node1：阵列 md0 已降级");
    assert_eq!(titled(case, "阵列已降级"), "node1 md0 (S/N A1)：阵列已降级");
    case.hostname.clear();
    assert_eq!(titled(case, "阵列 md0 已降级"), "阵列 md0 已降级");
    assert_eq!(titled(case, "阵列已降级"), "md0 (S/N A1)：阵列已降级");
    case.hostname = "md0".to_owned();
    case.component_name = "md0".to_owned();
    assert_eq!(titled(case, "没有上报数据"), "md0：没有上报数据");
}

#[test]
fn a_change_is_told_once_with_all_that_the_engineer_needs() {
    let mut desk = opened();
    desk.contract.clocks = Clocks { response_minutes: 10, ..Clocks::default() };
    let first = messages(None, desk.ticket(), &desk.cases[0], &desk.contract, t0());
    assert_eq!((first.len(), first[0].kind, first[0].level), (1, MessageKind::Opened, 4));
    assert_eq!(first[0].id, "T20261122-0001/0");
    assert!(
        first[0].subject.zh.starts_with("【四级故障】新故障：node1："),
        "{}",
        first[0].subject.zh
    );
    assert!(first[0].clause.zh.starts_with("四级故障"));
    assert_eq!((first[0].place.host.as_str(), first[0].advice.len()), ("node1", 1));
    let before = desk.ticket().clone();
    desk.act(TicketEventKind::Responded, after(5));
    assert_eq!(
        messages(Some(&before), desk.ticket(), &desk.cases[0], &desk.contract, after(5)),
        []
    );
    let before = desk.ticket().clone();
    desk.lost = 2;
    desk.judge(&[Desk::degraded(after(6))], after(6));
    let told = messages(Some(&before), desk.ticket(), &desk.cases[0], &desk.contract, after(6));
    assert_eq!((told.len(), told[0].kind, told[0].level), (1, MessageKind::Regraded, 2));
}

#[test]
fn late_data_page_nobody_until_live_readings_confirm() {
    let mut desk = Desk::new();
    desk.lost = 1;
    desk.judge(&[Desk::degraded(t0())], after(600));
    assert_eq!(desk.tickets.len(), 1);
    assert_eq!(messages(None, desk.ticket(), &desk.cases[0], &desk.contract, after(600)), []);
    assert_eq!(clock_messages(desk.ticket(), &desk.cases[0], &desk.contract, t0(), after(900)), []);
    let before = desk.ticket().clone();
    desk.judge(&[Desk::degraded(after(601))], after(601));
    let told = messages(Some(&before), desk.ticket(), &desk.cases[0], &desk.contract, after(601));
    assert_eq!((told.len(), told[0].kind), (1, MessageKind::Opened));
}

#[test]
fn clocks_warn_before_and_when_they_are_over_once_each() {
    let desk = opened();
    let told = |from, to| {
        let all =
            clock_messages(desk.ticket(), &desk.cases[0], &desk.contract, after(from), after(to));
        all.into_iter().map(|it| (it.id, it.kind)).collect::<Vec<_>>()
    };
    assert_eq!(told(1, 2), []);
    assert_eq!(told(11, 12)[0].1, MessageKind::ClockAtRisk);
    assert_eq!(told(12, 13), []);
    assert_eq!(
        told(15, 16),
        [(format!("T20261122-0001/response/{}/breach", t0().secs()), MessageKind::ClockBreached)]
    );
}
