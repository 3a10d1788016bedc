//! The level decision for what no set protects: single disks, filesystems, units, links, power supplies, the host.

use xunjian_proto::{ComponentId, Kind};
use xunjian_rules::{EvidenceKind, Text};

use super::{
    Level,
    decision::{Candidate, Context, Usage, level},
    sets::assumed_text,
    texts::{name_of, outlook_single},
    topology::is_scratch,
    whole_host,
};
use crate::evaluate::Fact;

/// Step 1: the service is measurably gone for its users.
pub(super) fn impact_total(fact: &Fact, context: &Context<'_>) -> Candidate {
    let (policy, asset) = (&context.contract.policy, context.asset);
    let (id, name) = (&fact.component, name_of(&fact.component, context));
    if is_scratch(id, asset) {
        let because = Text::new(
            format!("挂载点 {name} 已不可用，但合同约定其为临时空间，不属生产用途"),
            format!("mount point {name} is unusable, but the contract calls it scratch space"),
        );
        return Candidate::fault(5, level(policy.scratch_lost), because)
            .by_policy("scratch_lost", policy.scratch_lost);
    }
    if is_service(id) && !is_critical(id, context) {
        return ordinary_unit(&name, context);
    }
    if is_link(id) {
        return link_lost(id, &name, context);
    }
    let because = match id.kind() {
        _ if is_service(id) => Text::new(
            format!("{name} 是合同列明的关键服务，现已中断"),
            format!("{name} is one of the critical services named in the contract, and it is down"),
        ),
        "filesystem" => Text::new(
            format!("文件系统 {name} 对使用者已不可用"),
            format!("filesystem {name} is unusable for its users"),
        ),
        _ => Text::new(
            format!("{name} 承载的服务已中断"),
            format!("the service that stands on {name} is interrupted"),
        ),
    };
    Candidate::fault(1, Level::One, because)
        .outlook(outlook_single::worst(), outlook_single::restored())
}

/// Steps 2, 4 and 7 for something that is lost or suspect and stands alone.
pub(super) fn by_design(fact: &Fact, context: &Context<'_>) -> Option<Candidate> {
    let id = &fact.component;
    let name = name_of(id, context);
    let in_set = !context.topology.sets_over(id).is_empty();
    match id.kind() {
        _ if is_service(id) && is_critical(id, context) && fact.evidence == EvidenceKind::Lost => {
            Some(impact_total(fact, context))
        }
        _ if is_service(id) => Some(ordinary_unit(&name, context)),
        "psu" if !in_set => Some(whole_host::power(&name, context)),
        _ if is_link(id) && !in_set && fact.evidence == EvidenceKind::Lost => {
            Some(link_lost(id, &name, context))
        }
        _ if is_link(id) => None,
        "temperature" => Some(whole_host::too_hot(&name, context)),
        // Parts that hold no data: what they endanger is decided where it is measured, or in their sets.
        "battery" | "bay" | "bmc" | "cache" | "cooling" | "enclosure" | "fan" | "nic" | "part"
        | "port" | "power" | "psu" | "sensor" | "source" | "system" | "voltage" => None,
        "host" | "cpu" | "memory" => Some(whole_host::failing(fact, &name, context)),
        // A brick's filesystem: its part in the volume is decided there.
        "filesystem" if in_set => None,
        "filesystem" => {
            let usage = if is_scratch(id, context.asset) {
                Usage::Scratch
            } else {
                Usage::Production { assumed: false }
            };
            by_use(fact, &name, usage, context)
        }
        _ => {
            let found = context.topology.direct_use(id, context.asset);
            if let Some(candidate) = whole_host::system_disk(fact, &name, &found, context) {
                return Some(candidate);
            }
            let usage = context.settle(found);
            match (usage, in_set) {
                // Its part in the sets is decided there.
                (Usage::Unused, true) => None,
                _ => by_use(fact, &name, usage, context),
            }
        }
    }
}

fn by_use(fact: &Fact, name: &str, usage: Usage, context: &Context<'_>) -> Option<Candidate> {
    let policy = &context.contract.policy;
    let aside = assumed_text(usage);
    let candidate = match (fact.evidence, usage) {
        (EvidenceKind::Lost, Usage::Production { .. }) => Candidate::fault(
            2,
            Level::One,
            Text::new(
                format!("{name} 无冗余保护且承载生产数据，现已失效{}", aside.zh),
                format!("{name} has no redundancy, holds production data and is lost{}", aside.en),
            ),
        )
        .outlook(outlook_single::worst(), outlook_single::restored()),
        (EvidenceKind::Lost, Usage::Scratch) => Candidate::fault(
            5,
            level(policy.scratch_lost),
            Text::new(
                format!("{name} 已失效，其上只有合同约定的临时空间"),
                format!("{name} is lost; only scratch space of the contract stands on it"),
            ),
        )
        .by_policy("scratch_lost", policy.scratch_lost),
        (EvidenceKind::Suspect, Usage::Production { .. })
            if let Some(found) = not_a_part(fact, name, &aside) =>
        {
            found
        }
        (EvidenceKind::Suspect, Usage::Production { .. }) => Candidate::fault(
            4,
            Level::Two,
            Text::new(
                format!("{name} 有失效征兆且无冗余保护，一旦失效，其承载的生产服务即中断{}", aside.zh),
                format!(
                    "{name} shows signs of failing and has no redundancy: if it fails, the production service on it stops{}",
                    aside.en
                ),
            ),
        )
        .outlook(outlook_single::suspect_worse(), outlook_single::suspect_better()),
        (_, Usage::Unused | Usage::Scratch) => Candidate::fault(
            7,
            Level::Four,
            Text::new(
                format!("{name} 未承载生产数据，对服务无直接影响"),
                format!("{name} holds no production data; the service is not affected directly"),
            ),
        )
        .outlook(outlook_single::unused_worse(), outlook_single::suspect_better()),
        _ => return None,
    };
    Some(match usage {
        Usage::Production { assumed: true } => {
            candidate.by_policy("unknown_use_is_production", true)
        }
        _ => candidate,
    })
}

/// Step 4 for what threatens the service without a part that fails: space that runs out, a cache that a power cut empties.
fn not_a_part(fact: &Fact, name: &str, aside: &Text) -> Option<Candidate> {
    let (because, worse, better) = match fact.class.as_str() {
        "capacity" => (
            Text::new(
                format!("{name} 的空间即将用尽，用尽后其承载的生产业务无法写入{}", aside.zh),
                format!(
                    "{name} is about to run out of space, and then the production service on it cannot write{}",
                    aside.en
                ),
            ),
            Text::new("若空间用尽、写入失败，升为一级", "level 1 if it is used up and writes fail"),
            Text::new(
                "扩容或清理、使用率回落后关闭",
                "it closes once space is added or freed and usage has fallen",
            ),
        ),
        "cache_protection" | "preserved_cache" => (
            Text::new(
                format!(
                    "{}；断电或故障时，缓存中未写入磁盘的生产数据会丢失{}",
                    fact.message.zh, aside.zh
                ),
                format!(
                    "{}; production data that are only in the cache are lost at a power cut or failure{}",
                    fact.message.en, aside.en
                ),
            ),
            Text::new(
                "若缓存数据丢失致数据或服务不可用，升为一级",
                "level 1 if the cache is lost and data or service with it",
            ),
            outlook_single::suspect_better(),
        ),
        _ => return None,
    };
    Some(Candidate::fault(4, Level::Two, because).outlook(worse, better))
}

/// Something that serves, by whatever name it is watched.
fn is_service(id: &ComponentId) -> bool {
    matches!(id.kind(), "endpoint" | "process" | "unit")
}

/// A way to others: to the network, to storage.
fn is_link(id: &ComponentId) -> bool {
    matches!(id.kind(), "fcport" | "ibport" | "netif" | "nvme")
}

/// The host still reports, so it is reached by another way: a direct, partial effect.
fn link_lost(id: &ComponentId, name: &str, context: &Context<'_>) -> Candidate {
    let (zh, en) = Kind::named(id.kind()).map_or(("链路", "link"), |it| (it.zh, it.one));
    let (zh, en) = if id.kind() == "netif" { ("网口", "link") } else { (zh, en) };
    let others = match context.clustered() {
        true => Text::new("，有其他节点可分担", "; other nodes share the load"),
        false => Text::default(),
    };
    Candidate::fault(
        5,
        Level::Three,
        Text::new(
            format!(
                "{zh} {name} 链路中断且未做绑定，经此链路的业务受影响；主机仍可达{}",
                others.zh
            ),
            format!(
                "{en} {name} is down and not part of a bond: traffic over it is affected, the host itself is still reached{}",
                others.en
            ),
        ),
    )
}

fn ordinary_unit(name: &str, context: &Context<'_>) -> Candidate {
    let policy = &context.contract.policy;
    Candidate::fault(
        7,
        level(policy.unit_failed),
        Text::new(
            format!("服务 {name} 异常，合同未将其列为关键服务"),
            format!("service {name} has failed; the contract does not list it as critical"),
        ),
    )
    .by_policy("unit_failed", policy.unit_failed)
    .outlook(
        Text::new(
            "若该服务在合同中列为关键服务（critical_units），则为一级",
            "level 1 if the contract lists the service under critical_units",
        ),
        outlook_single::suspect_better(),
    )
}

fn is_critical(id: &ComponentId, context: &Context<'_>) -> bool {
    context.asset.is_some_and(|it| it.critical_units.iter().any(|unit| unit == id.key()))
}
