//! Sets that keep the whole host running, whatever stands on its disks: power supplies and fans.
//!
//! What is needed is seldom known exactly, and as long as the host reports, it runs: less than needed is the gravest
//! danger (level 2), not an interruption.

use xunjian_proto::{Component, ComponentId, Kind};
use xunjian_rules::Text;

use super::{
    Level,
    decision::{Candidate, Context, level},
    redundancy::Margin,
    set_texts as say,
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
        // Of a device that a proxy reads: its own name tells more than its path.
        _ if set.links.iter().any(|it| it.to.kind() == "device") => {
            Text::new(format!("{own}（{}）", kind.zh), own)
        }
        enclosure => Text::new(format!("磁盘机箱 {enclosure} 的{}", kind.zh), own),
    })
}

/// Steps 3 and 7: redundancy is used up, or less than needed is left.
pub(super) fn danger(set: &Component, margin: &Margin, context: &Context<'_>) -> Candidate {
    let policy = &context.contract.policy;
    let because = because(set, margin, context.clustered());
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
            "再失效一个部件，整机停机，升为一级",
            "level 1 if one more is lost and the host stops",
        ),
        Text::new(
            "更换失效部件、冗余恢复后关闭",
            "it closes once the lost part is replaced and redundancy is back",
        ),
    )
}

fn because(set: &Component, margin: &Margin, clustered: bool) -> Text {
    let (label, state) = (say::label(set, margin), say::state(set, margin));
    let others = match clustered {
        true => Text::new("该主机有其他节点可接管", "another node takes over from this host"),
        false => Text::new("且没有其他节点接管", "no other node takes over"),
    };
    let left = match margin.r {
        Some(..0) => Text::new(
            "已不足以承担负载，整机随时可能停机",
            "what is left does not suffice and the host may stop at any time",
        ),
        _ => Text::new(
            "冗余已耗尽，再失效一个整机可能停机",
            "redundancy is used up and one more loss may stop the host",
        ),
    };
    Text::new(
        format!("{}{}，{}，{}", label.zh, state.zh, left.zh, others.zh),
        format!("{}: {}, {}; {}", label.en, state.en, left.en, others.en),
    )
}
