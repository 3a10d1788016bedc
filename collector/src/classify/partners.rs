//! Machines that the contract names as taking over from a host, and whether they can: a partner that is silent or failing
//! itself takes nothing over.
//!
//! Invariant: unknown is not able. A partner of which nothing is read is not counted on.

use xunjian_proto::ComponentId;
use xunjian_rules::{EvidenceKind, Text};

use super::{Case, Grade};

/// One partner that the contract names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Its host name.
    pub name: String,
    /// Why it cannot be counted on; none if it can.
    pub away: Option<Away>,
}

/// Why a partner cannot be counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// No agent of that name has ever reported.
    Unheard,
    /// Nothing is heard of it any more.
    Silent,
    /// It is lost or shows signs of failing itself.
    Failing,
}

/// What a partner's own cases say.
pub fn away<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Option<Away> {
    let mut found = None;
    for case in cases.into_iter().filter(|it| it.closed_at.is_none()) {
        if case.component == ComponentId::host() && case.decision.grade == Grade::Blind {
            return Some(Away::Silent);
        }
        if case.facts.iter().any(|it| endangers(it.evidence, &it.component)) {
            found = Some(Away::Failing);
        }
    }
    found
}

/// Whether evidence on a component puts the whole machine in doubt. One power supply or fan less does not.
fn endangers(evidence: EvidenceKind, id: &ComponentId) -> bool {
    match evidence {
        EvidenceKind::Lost | EvidenceKind::Suspect => {
            matches!(id.kind(), "cpu" | "host" | "memory" | "temperature")
        }
        EvidenceKind::ImpactTotal => id.kind() == "filesystem" && id.key() == "/",
        _ => false,
    }
}

/// What is left of a host's partners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Takeover {
    /// Machines that can take over: none, one, or so many; `None` within: the contract does not say how many.
    able: Able,
    /// Why the named ones cannot.
    away: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Able {
    Nobody,
    /// The contract says that there is another, and names none.
    Unnamed,
    Named(usize),
}

impl Takeover {
    /// By what the contract says of the host and what is seen of its partners.
    pub(super) fn of(clustered: bool, partners: &[Partner]) -> Takeover {
        if partners.is_empty() {
            let able = if clustered { Able::Unnamed } else { Able::Nobody };
            return Takeover { able, away: Text::default() };
        }
        let able = partners.iter().filter(|it| it.away.is_none()).count();
        let why = |it: &Partner| it.away.map(|away| reason(&it.name, away));
        let away: Vec<Text> = partners.iter().filter_map(why).collect();
        let join = |pick: fn(&Text) -> &str, mark: &str| {
            away.iter().map(pick).collect::<Vec<_>>().join(mark)
        };
        Takeover {
            able: if able == 0 { Able::Nobody } else { Able::Named(able) },
            away: Text::new(join(|it| &it.zh, "、"), join(|it| &it.en, ", ")),
        }
    }

    /// Whether another machine takes over.
    pub(super) fn is_there(&self) -> bool {
        self.able != Able::Nobody
    }

    /// Whether, once this host is lost, the one that took over may be the last: worst case where the contract does not
    /// say how many there are.
    pub(super) fn leaves_one(&self) -> bool {
        matches!(self.able, Able::Unnamed | Able::Named(1))
    }

    /// `没有其他节点接管`, with the reason where the contract names somebody.
    pub(super) fn nobody(&self) -> Text {
        match self.away.zh.is_empty() {
            true => Text::new("没有其他节点接管", "no other node takes over"),
            false => Text::new(
                format!("没有其他节点接管（合同约定的接管节点{}）", self.away.zh),
                format!(
                    "no other node takes over ({}, by contract the one to do so)",
                    self.away.en
                ),
            ),
        }
    }
}

fn reason(name: &str, away: Away) -> Text {
    match away {
        Away::Unheard => {
            Text::new(format!(" {name} 没有任何读数"), format!("nothing is read of {name}"))
        }
        Away::Silent => Text::new(format!(" {name} 已失联"), format!("{name} is silent")),
        Away::Failing => Text::new(
            format!(" {name} 自身已失效或有失效征兆"),
            format!("{name} is failing itself"),
        ),
    }
}
