//! Sets that keep the whole host running, whatever stands on its disks: power supplies and fans.
//!
//! What is needed is seldom known exactly, and as long as the host reports, it runs: less than needed is the gravest
//! danger (level 2), not an interruption.

use xunjian_proto::{Component, ComponentId, Kind};
use xunjian_rules::Text;

use super::{
    Level,
    decision::{Candidate, Context, level},
    partners::Takeover,
    redundancy::Margin,
    set_words as say,
};

/// Whether a set is one of these.
pub(super) fn carries_host(id: &ComponentId) -> bool {
    matches!(id.kind(), "power" | "cooling")
}

/// What people call such a set: by its kind.
pub(super) fn name(set: &Component, own: &str) -> Option<Text> {
    let kind = Kind::named(set.id.kind()).filter(|_| carries_host(&set.id))?;
    Some(match set.id.key() {
        "chassis" => Text::new(kind.zh, own),
        // Its own name tells more than its path.
        _ if of_device(set) => Text::new(format!("{own}（{}）", kind.zh), own),
        enclosure => Text::new(format!("磁盘机箱 {enclosure} 的{}", kind.zh), own),
    })
}

/// Steps 3 and 7: redundancy is used up, or less than needed is left.
pub(super) fn danger(set: &Component, margin: &Margin, context: &Context<'_>) -> Candidate {
    let policy = &context.contract.policy;
    let because = because(set, margin, &context.takeover());
    let candidate = match (margin.r, set.id.kind(), context.clustered()) {
        (Some(..0), ..) => Candidate::fault(3, Level::Two, because),
        (_, "power", true) => Candidate::fault(7, level(policy.psu_lost_clustered), because)
            .by_policy("psu_lost_clustered", policy.psu_lost_clustered),
        (_, "power", false) => Candidate::fault(3, level(policy.psu_lost), because)
            .by_policy("psu_lost", policy.psu_lost),
        (_, _, true) => Candidate::fault(7, Level::Four, because),
        _ => Candidate::fault(3, Level::Two, because),
    };
    candidate.outlook(
        Text::new(
            format!("再失效一个部件，{}停机，升为一级", whole(set).0),
            format!("level 1 if one more is lost and {} stops", whole(set).1),
        ),
        Text::new(
            "更换失效部件、冗余恢复后关闭",
            "it closes once the lost part is replaced and redundancy is back",
        ),
    )
}

/// What stops with the set.
fn whole(set: &Component) -> (&'static str, &'static str) {
    match set.id.key() {
        "chassis" => ("整机", "the host"),
        _ if of_device(set) => ("该设备", "the device"),
        _ => ("该磁盘机箱", "the enclosure"),
    }
}

/// Of a device that a proxy reads.
fn of_device(set: &Component) -> bool {
    set.links.iter().any(|it| it.to.kind() == "device")
}

fn because(set: &Component, margin: &Margin, takeover: &Takeover) -> Text {
    let (label, state) = (say::label(set, margin), say::state(set, margin));
    let others = match takeover.is_there() {
        true => Text::new("该主机有其他节点可接管", "another node takes over from this host"),
        false => Text::new(format!("且{}", takeover.nobody().zh), takeover.nobody().en),
    };
    let (zh, en) = whole(set);
    let left = match margin.r {
        Some(..0) => Text::new(
            format!("已不足以承担负载，{zh}随时可能停机"),
            format!("what is left does not suffice and {en} may stop at any time"),
        ),
        _ => Text::new(
            format!("冗余已耗尽，再失效一个{zh}可能停机"),
            format!("redundancy is used up and one more loss may stop {en}"),
        ),
    };
    Text::new(
        format!("{}{}，{}，{}", label.zh, state.zh, left.zh, others.zh),
        format!("{}: {}, {}; {}", label.en, state.en, left.en, others.en),
    )
}
