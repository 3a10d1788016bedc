//! The level decision for what stops a whole host: what counts is whether another machine takes over.

use xunjian_proto::ComponentId;
use xunjian_rules::{EvidenceKind, Text};

use super::{
    Level,
    decision::{Candidate, Context, level},
    texts::outlook_single,
    topology::Use,
};
use crate::evaluate::Fact;

/// A host (or its processor or memory) that is failing: what counts is whether another takes over.
pub(super) fn failing(fact: &Fact, name: &str, context: &Context<'_>) -> Candidate {
    let lost = fact.evidence == EvidenceKind::Lost;
    let (zh, en) =
        if lost { ("已失效", "is lost") } else { ("有失效征兆", "shows signs of failing") };
    // The host itself has no name here; who reads it sees which one it is.
    let (whole, part) = ("主机".to_owned(), format!("{name} "));
    let (named, name) = match fact.component.kind() == "host" {
        true => (whole, "the host"),
        false => (part, name),
    };
    let takeover = context.takeover();
    let nobody = takeover.nobody();
    match (takeover.is_there(), lost) {
        (true, true) if takeover.leaves_one() => Candidate::fault(
            3,
            Level::Two,
            Text::new(
                format!("{named}已失效，由其他节点接管后，接管节点再失效服务即中断"),
                format!(
                    "{name} is lost: another node takes over, and if that one fails the service stops"
                ),
            ),
        ),
        (true, _) => Candidate::fault(
            7,
            Level::Four,
            Text::new(
                format!("{named}{zh}，但该主机有其他节点可接管"),
                format!("{name} {en}, but another node takes over from this host"),
            ),
        ),
        (false, true) => Candidate::fault(
            2,
            Level::One,
            Text::new(
                format!("{named}{zh}，且{}", nobody.zh),
                format!("{name} {en} and {}", nobody.en),
            ),
        ),
        (false, false) => Candidate::fault(
            4,
            Level::Two,
            Text::new(
                format!("{named}{zh}，该主机{}，一旦失效服务即中断", nobody.zh),
                format!("{name} {en} and {}: if it fails, the service stops", nobody.en),
            ),
        ),
    }
}

/// A temperature at its critical limit: the host protects itself by switching off.
pub(super) fn too_hot(name: &str, context: &Context<'_>) -> Candidate {
    let nobody = context.takeover().nobody();
    match context.clustered() {
        true => Candidate::fault(
            7,
            Level::Four,
            Text::new(
                format!("{name} 温度达到临界值，该主机可能停机保护，但有其他节点可接管"),
                format!(
                    "{name} is critically hot: the host may switch itself off, but another node takes over"
                ),
            ),
        ),
        false => Candidate::fault(
            4,
            Level::Two,
            Text::new(
                format!("{name} 温度达到临界值，该主机可能停机保护，且{}", nobody.zh),
                format!(
                    "{name} is critically hot: the host may switch itself off and {}",
                    nobody.en
                ),
            ),
        ),
    }
}

pub(super) fn power(name: &str, context: &Context<'_>) -> Candidate {
    let policy = &context.contract.policy;
    let nobody = context.takeover().nobody();
    match context.clustered() {
        true => Candidate::fault(
            7,
            level(policy.psu_lost_clustered),
            Text::new(
                format!("电源 {name} 失效，该主机有其他节点可接管"),
                format!("power supply {name} is lost; another node takes over from this host"),
            ),
        )
        .by_policy("psu_lost_clustered", policy.psu_lost_clustered),
        false => Candidate::fault(
            3,
            level(policy.psu_lost),
            Text::new(
                format!("电源 {name} 失效，供电冗余耗尽，且{}", nobody.zh),
                format!(
                    "power supply {name} is lost: no power redundancy is left and {}",
                    nobody.en
                ),
            ),
        )
        .by_policy("psu_lost", policy.psu_lost),
    }
}

/// Mount points that hold the system and not what a host serves.
const SYSTEM: &[&str] = &[
    "/",
    "/boot",
    "/boot/efi",
    "/efi",
    "/opt",
    "/tmp",
    "/usr",
    "/var",
    "/var/log",
    "/var/log/audit",
    "/var/tmp",
];

/// A disk that holds nothing but the system of a host from which another takes over: losing it is losing the host.
pub(super) fn system_disk(
    fact: &Fact,
    name: &str,
    found: &Use,
    context: &Context<'_>,
) -> Option<Candidate> {
    let Use::Production(users) = found else { return None };
    let system = |it: &ComponentId| {
        it.kind() == "swap" || it.kind() == "filesystem" && SYSTEM.contains(&it.key())
    };
    let takeover = context.takeover();
    if !takeover.is_there() || !users.iter().all(system) {
        return None;
    }
    let policy = &context.contract.policy;
    let candidate = match fact.evidence {
        EvidenceKind::Lost if takeover.leaves_one() => Candidate::fault(
            3,
            Level::Two,
            Text::new(
                format!("系统盘 {name} 无冗余保护，现已失效；该主机由其他节点接管，接管节点再失效服务即中断"),
                format!("system disk {name} has no redundancy and is lost: another node takes over from this host, and if that one fails the service stops"),
            ),
        ),
        EvidenceKind::Lost => Candidate::fault(
            7,
            Level::Four,
            Text::new(
                format!("系统盘 {name} 无冗余保护，现已失效；该主机由其他节点接管"),
                format!("system disk {name} has no redundancy and is lost: other nodes take over from this host"),
            ),
        ),
        EvidenceKind::Suspect => Candidate::fault(
            6,
            level(policy.prefail_no_spare),
            Text::new(
                format!("系统盘 {name} 有失效征兆且无冗余保护；一旦失效该主机停机，由其他节点接管"),
                format!("system disk {name} shows signs of failing and has no redundancy: if it fails the host stops and another node takes over"),
            ),
        )
        .by_policy("prefail_no_spare", policy.prefail_no_spare),
        _ => return None,
    };
    let worse = Text::new(
        "若接管节点失联、失效，或服务实测中断，级别升高",
        "graver if the node that takes over is lost or silent, or if the service is measurably down",
    );
    Some(candidate.outlook(worse, outlook_single::suspect_better()))
}
