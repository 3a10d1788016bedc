//! Builds small hosts and facts for the tests of classification and tickets.

use std::collections::BTreeMap;

use xunjian_collector::evaluate::{Fact, Judgement, Unknown, Verdict};
use xunjian_proto::{Component, ComponentId, Link, Member, MemberState, Relation, Set, Time};
use xunjian_rules::{EvidenceKind, Text};

/// 2026-11-22T00:00:00Z.
pub(crate) fn t0() -> Time {
    Time::from_secs(1_795_305_600)
}

pub(crate) fn disk(index: usize) -> ComponentId {
    ComponentId::new("disk", &format!("S{index}"))
}

pub(crate) fn component(id: ComponentId, name: &str, on: &[ComponentId]) -> Component {
    let links = on.iter().map(|to| Link { relation: Relation::On, to: to.clone() }).collect();
    Component { id, name: name.to_owned(), attrs: BTreeMap::new(), links, set: None }
}

/// A set `md:KEY` over members in these states; disks are numbered from `first`.
pub(crate) fn set_of(
    key: &str,
    scheme: &str,
    width: u32,
    first: usize,
    states: &[MemberState],
) -> Component {
    let copies = if scheme == "raid10" { 2 } else { 1 };
    let placed = |state: MemberState| !matches!(state, MemberState::Spare | MemberState::Failed);
    let members = states.iter().enumerate().map(|(index, state)| Member {
        slot: placed(*state).then(|| u32::try_from(index).unwrap()),
        component: (*state != MemberState::Missing).then(|| disk(first + index)),
        name: format!("sd{}", char::from(b'a' + u8::try_from(first + index).unwrap())),
        state: *state,
    });
    let set = Set { scheme: scheme.to_owned(), width, copies, members: members.collect() };
    let id = ComponentId::new("md", key);
    Component { set: Some(set), ..component(id, key, &[]) }
}

/// A host with `md0` over its disks, mounted on `/data`.
pub(crate) fn host_with(set: Component) -> Vec<Component> {
    let members = set.set.iter().flat_map(|it| &it.members);
    let mut all: Vec<Component> =
        members.filter_map(|it| Some(component(it.component.clone()?, &it.name, &[]))).collect();
    all.push(component(
        ComponentId::new("filesystem", "/data"),
        "/data",
        std::slice::from_ref(&set.id),
    ));
    all.push(set);
    all
}

pub(crate) fn fact(
    rule: &str,
    class: &str,
    evidence: EvidenceKind,
    component: &ComponentId,
    since: Time,
) -> Fact {
    Fact {
        rule: rule.to_owned(),
        class: class.to_owned(),
        evidence,
        component: component.clone(),
        since,
        at: since,
        message: Text::new(format!("{component} 触发 {rule}"), format!("{component} fires {rule}")),
        advice: Text::new("处理", "act"),
        inputs: Vec::new(),
        adjusted: None,
    }
}

pub(crate) fn firing(fact: Fact, at: Time) -> Judgement {
    let fact = Fact { at, ..fact };
    Judgement {
        rule: fact.rule.as_str().into(),
        component: fact.component.clone(),
        verdict: Verdict::Firing(Box::new(fact)),
        at,
        inputs: Vec::new(),
    }
}

pub(crate) fn verdict(
    rule: &str,
    component: &ComponentId,
    verdict: Verdict,
    at: Time,
) -> Judgement {
    Judgement { rule: rule.into(), component: component.clone(), verdict, at, inputs: Vec::new() }
}

pub(crate) fn unknown() -> Verdict {
    Verdict::Unknown(Unknown { reason: None, text: Text::new("没有读到", "not read") })
}
