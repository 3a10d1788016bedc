//! Maintenance windows and accepted risks: what is agreed marks a case, holds the pager back, and ends by itself.

use std::sync::Arc;

use xunjian_collector::{
    classify::{Case, accept, agreed::LAPSED},
    contract::{Agreement, Contract, Contracts, Window},
    evaluate::{Input, Judgement, library},
    notify::{MessageKind, messages},
    pipeline::Pipeline,
    store::StoredBatch,
    ticket::{Ticket, TicketState, reconcile, state},
};
use xunjian_proto::{ComponentId, MemberState, Sample, SeriesKey, Time};
use xunjian_rules::EvidenceKind;

use crate::{
    cases::{HOUR, Host, MINUTE, after},
    classify_kit::{component, disk, fact, firing, set_of, t0},
    store_kit::{Folder, agent, at, batch, facts, run},
};

/// t0 is 2026-11-22 08:00 in Shanghai.
fn window(from: &str, to: &str) -> Window {
    Window {
        from: from.to_owned(),
        to: to.to_owned(),
        who: "李工".to_owned(),
        why: "更换背板".to_owned(),
        ..Window::default()
    }
}

fn host() -> Host {
    let filesystem = component(ComponentId::new("filesystem", "/"), "/", &[disk(0)]);
    Host::new(vec![component(disk(0), "sda", &[]), filesystem])
}

/// Pending sectors on the disk under the root filesystem.
fn sectors(count: u32, at: Time) -> Judgement {
    let mut fact = fact("smart-pending", "media", EvidenceKind::Suspect, &disk(0), t0());
    fact.inputs.push(Input {
        name: "hw.smart.pending_sectors".to_owned(),
        value: count.to_string(),
        test: "> 0".to_owned(),
        at,
        evidence: None,
    });
    firing(fact, at)
}

/// The ticket of the only case, followed on.
fn follow(
    tickets: &mut Vec<Ticket>,
    cases: &[Case],
    contract: &Contract,
    now: Time,
) -> Vec<MessageKind> {
    let mut told = Vec::new();
    for ticket in reconcile(cases, tickets, contract, now, &mut |_| 1) {
        let before = tickets.iter().find(|it| it.id == ticket.id).cloned();
        let case = cases.iter().find(|it| it.id == ticket.case).unwrap();
        let new = messages(before.as_ref(), &ticket, case, contract, now);
        told.extend(new.into_iter().map(|it| it.kind));
        tickets.retain(|it| it.id != ticket.id);
        tickets.push(ticket);
    }
    told
}

#[test]
fn a_fault_in_a_window_is_judged_and_marked_and_told_when_the_window_ends() {
    let mut host = host();
    host.contract.maintenance = vec![window("2026-11-22T08:00:00", "2026-11-22T10:00:00")];
    let mut tickets = Vec::new();
    let opened = host.step(&[sectors(8, t0())], t0());
    assert!(opened[0].agreed.window.is_some() && opened[0].log.len() == 2, "{opened:#?}");
    assert_eq!(follow(&mut tickets, &opened, &host.contract, t0()), [], "nobody is paged");
    assert!(tickets[0].events[0].note.zh.contains("维护期内发现"), "{tickets:#?}");

    let inside = after(2 * HOUR - 1);
    assert_eq!(host.step(&[sectors(8, after(MINUTE))], after(MINUTE)), []);
    let still = host.step(&[sectors(9, inside)], inside);
    assert!(still.iter().all(|it| it.agreed.window.is_some()));
    let end = after(2 * HOUR);
    let over = host.step(&[sectors(9, end)], end);
    assert_eq!(over[0].agreed.window, None);
    assert!(over[0].log.last().unwrap().why.zh.starts_with("维护期结束，故障仍在"), "{over:#?}");
    assert_eq!(follow(&mut tickets, &over, &host.contract, end), [MessageKind::Opened]);
    assert_eq!(follow(&mut tickets, &over, &host.contract, end), [], "told once");
}

#[test]
fn a_window_holds_only_what_it_is_for() {
    let inside = after(MINUTE);
    let all = window("2026-11-22T08:00:00", "2026-11-22T10:00:00");
    for (window, held) in [
        (all.clone(), true),
        (Window { host: Some("node1".to_owned()), ..all.clone() }, true),
        (Window { host: Some("node2".to_owned()), ..all.clone() }, false),
        (Window { site: Some("dc1".to_owned()), ..all.clone() }, false),
        (Window { component: Some("disk:S0".to_owned()), ..all.clone() }, true),
        (Window { component: Some("disk:S1".to_owned()), ..all.clone() }, false),
        (window("2026-11-22T00:00:00Z", "2026-11-22T02:00:00Z"), true),
        (window("2026-11-22 06:00", "2026-11-22 08:00"), false),
    ] {
        let mut host = host();
        host.contract.maintenance = vec![window.clone()];
        let opened = host.step(&[sectors(8, inside)], inside);
        assert_eq!(opened[0].agreed.is_held(), held, "{window:?}");
    }
}

#[test]
fn windows_with_mistakes_are_told() {
    let text = "
[[maintenance]]
from = 'tonight'
to = '2026-11-22T10:00:00'
who = ''
why = 'x'
[[maintenance]]
from = 2026-11-22T10:00:00
to = 2026-11-22T09:00:00
who = 'a'
why = 'x'
site = 'dc9'
[[maintenance]]
from = 2026-11-22T10:00:00
to = 2027-11-22T09:00:00
who = 'a'
why = 'x'
";
    let told = Contract::parse(text, "a.toml").unwrap_err().to_string();
    for wanted in [
        "line 3: `maintenance[0].from`",
        "`maintenance[0].who`: empty",
        "line 9: `maintenance[1].to`: 2026-11-22T09:00:00 is not after",
        "`maintenance[1].site`: \"dc9\" is not known",
        "`maintenance[2].to`: longer than 31 days",
    ] {
        assert!(told.contains(wanted), "{wanted} is not in\n{told}");
    }
}

/// An accepted risk on the disk, with its resolved ticket.
fn accepted() -> (Host, Vec<Ticket>) {
    let (mut host, mut tickets) = (host(), Vec::new());
    let opened = host.step(&[sectors(8, t0())], t0());
    assert_eq!(follow(&mut tickets, &opened, &host.contract, t0()), [MessageKind::Opened]);
    let until = "2026-12-31".parse().unwrap();
    let risk = accept(&opened[0], "王经理", "下季度整机更换", until, "engineer", t0());
    host.contract.accepted = vec![risk];
    let marked = host.step(&[sectors(8, after(MINUTE))], after(MINUTE));
    assert!(marked[0].agreed.risk.is_some(), "{marked:#?}");
    assert!(marked[0].log.last().unwrap().why.zh.contains("王经理 签字，至 2026-12-31"));
    assert_eq!(follow(&mut tickets, &marked, &host.contract, after(MINUTE)), []);
    assert_eq!(state(&tickets[0]), TicketState::Resolved);
    (host, tickets)
}

fn comes_back(
    mut host: Host,
    mut tickets: Vec<Ticket>,
    judgement: Judgement,
    now: Time,
    why: &str,
) {
    let changed = host.step(&[judgement], now);
    let case = changed.iter().find(|it| it.component == disk(0)).unwrap();
    assert!(case.agreed.risk.is_none() && case.agreed.lapsed.is_some(), "{case:#?}");
    let last = case.log.iter().rev().find(|it| it.why.zh.starts_with(LAPSED)).unwrap();
    assert!(last.why.zh.contains(why), "{}", last.why.zh);
    let told = follow(&mut tickets, &changed, &host.contract, now);
    assert!(told.contains(&MessageKind::Reopened), "{told:?}");
    assert!(state(&tickets[0]) < TicketState::Resolved);
    // It does not flutter back.
    let later = Time::from_secs(now.secs() + HOUR);
    host.step(&[sectors(8, later)], later);
    assert!(host.of(&disk(0)).agreed.risk.is_none());
}

#[test]
fn an_accepted_risk_holds_while_nothing_gets_worse() {
    let (mut host, mut tickets) = accepted();
    let later = after(30 * 24 * HOUR);
    let same = host.step(&[sectors(8, later)], later);
    assert!(host.of(&disk(0)).agreed.risk.is_some());
    assert_eq!(follow(&mut tickets, &same, &host.contract, later), []);
}

#[test]
fn an_accepted_risk_comes_back_when_a_count_rises() {
    let (host, tickets) = accepted();
    comes_back(host, tickets, sectors(9, after(HOUR)), after(HOUR), "由 8 变为 9");
}

#[test]
fn an_accepted_risk_comes_back_when_its_time_is_over() {
    let (host, tickets) = accepted();
    let new_year = after(40 * 24 * HOUR);
    comes_back(host, tickets, sectors(8, new_year), new_year, "已于 2026-12-31 到期");
}

#[test]
fn an_accepted_risk_comes_back_with_new_evidence_or_a_graver_level() {
    let (host, tickets) = accepted();
    let now = after(HOUR);
    let other = fact("kernel-medium-error", "media", EvidenceKind::Suspect, &disk(0), now);
    comes_back(host, tickets, firing(other, now), now, "出现新的迹象");
    let (host, tickets) = accepted();
    let lost = fact("smart-pending", "media", EvidenceKind::Lost, &disk(0), now);
    comes_back(host, tickets, firing(lost, now), now, "级别升为一级故障");
}

#[test]
fn an_acceptance_that_is_withdrawn_holds_no_longer() {
    let (mut host, tickets) = accepted();
    host.contract.accepted.clear();
    comes_back(host, tickets, sectors(8, after(HOUR)), after(HOUR), "已撤回");
}

#[test]
fn what_people_enter_is_in_force_with_the_next_minute_and_stands_in_the_audit_log() {
    let folder = Folder::new();
    let store = folder.open();
    store.enrol(&agent(), &facts(), at(0)).unwrap();
    let contracts = Arc::new(Contracts::default());
    let rules = Arc::new(library().0);
    let mut pipeline = Pipeline::open(store.clone(), rules, contracts, at(0)).unwrap();
    let degraded = |secs: i64| {
        let mut run = run("md", secs);
        let array = set_of(
            "u1",
            "raid5",
            3,
            0,
            &[MemberState::Active, MemberState::Active, MemberState::Missing],
        );
        let metric = "md.array.degraded".to_owned();
        let key = SeriesKey { metric, component: array.id.clone(), attrs: Vec::new() };
        run.components.push(array);
        run.samples.push(Sample { series: Arc::new(key), value: 1.0 });
        run
    };
    for step in 0..5_i64 {
        let batch = batch(u64::try_from(step).unwrap() + 1, &[degraded(step * 30)]);
        store.append(&[StoredBatch { received: at(step * 30), ..batch }]).unwrap();
        pipeline.advance(at(step * 30)).unwrap();
    }
    let case = store.cases(None).unwrap().remove(0);
    assert_eq!(case.agreed.risk, None);
    let until = "2026-12-31".parse().unwrap();
    let risk = accept(&case, "王经理", "已备份", until, "engineer", at(130));
    let id = risk.id.clone();
    store.put_agreement(&case.customer, &Agreement::Risk(risk), "engineer", at(130)).unwrap();
    pipeline.tick(at(180)).unwrap();
    let case = store.case(&case.id).unwrap().unwrap();
    assert_eq!(case.agreed.risk.as_ref().map(|it| it.signer.as_str()), Some("王经理"));
    let audit = store.audit_lines(10).unwrap();
    let line = audit.iter().find(|it| it.action == "risk.accepted").unwrap();
    assert_eq!((line.actor.as_str(), line.object.as_str()), ("engineer", id.as_str()));

    store.end_agreement(&id, "manager", at(200)).unwrap();
    assert!(store.end_agreement(&id, "manager", at(201)).is_err(), "it is ended once");
    pipeline.tick(at(240)).unwrap();
    let case = store.case(&case.id).unwrap().unwrap();
    assert!(case.agreed.risk.is_none() && case.agreed.lapsed.is_some());
    assert!(store.audit_lines(10).unwrap().iter().any(|it| it.action == "agreement.ended"));
}
