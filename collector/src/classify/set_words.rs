//! What protected sets and their members are called, and what makes them whole again.

use xunjian_proto::{Component, ComponentId, MemberState};
use xunjian_rules::Text;

use super::{host_set, redundancy::Margin};

/// `md0（RAID 5，4 个成员）` / `md0 (RAID 5, 4 members)`.
pub(super) fn label(set: &Component, margin: &Margin) -> Text {
    let own = if set.name.is_empty() { set.id.as_str() } else { &set.name };
    let name = host_set::name(set, own).unwrap_or_else(|| Text::new(own, own));
    let scheme = scheme(set);
    let width = margin.width;
    Text::new(
        format!("{}（{}，{width} 个成员）", name.zh, scheme.zh),
        format!("{} ({}, {width} {})", name.en, scheme.en, members_en(width)),
    )
}

pub(super) fn members_en<N: PartialEq + From<u8>>(count: N) -> &'static str {
    if count == N::from(1) { "member" } else { "members" }
}

fn scheme(set: &Component) -> Text {
    let scheme = set.set.as_ref().map_or("", |it| it.scheme.as_str());
    let digit = |it: &&str| it.starts_with(|c: char| c.is_ascii_digit());
    match (scheme.strip_prefix("raid").filter(digit), scheme.split_once(':')) {
        (Some(legs), Some((_, count))) => {
            let number = legs.split(':').next().unwrap_or(legs);
            Text::new(
                format!("RAID {number}，分 {count} 组"),
                format!("RAID {number} of {count} legs"),
            )
        }
        (Some(number), None) => Text::new(format!("RAID {number}"), format!("RAID {number}")),
        (None, Some(("n_of_m", needed))) => {
            Text::new(format!("至少需要 {needed} 个"), format!("{needed} needed"))
        }
        (None, Some(("replica", needed))) => {
            let needed = needed.split('/').next().unwrap_or(needed);
            let copies = set.set.as_ref().map_or(0, |it| it.copies);
            Text::new(
                format!("{copies} 副本，至少 {needed} 份可用才能服务"),
                format!("{copies} copies, {needed} needed to serve"),
            )
        }
        (None, Some(("erasure", shards))) => {
            let shards = shards.split('/').next().unwrap_or(shards);
            Text::new(format!("纠删码 {shards}"), format!("erasure code {shards}"))
        }
        (None, _) => plain_scheme(scheme),
    }
}

/// Schemes that are one word.
fn plain_scheme(scheme: &str) -> Text {
    let (zh, en) = match scheme {
        "array" | "ceph" => ("冗余方式未给出", "its scheme is not told"),
        "bond" => ("网卡绑定", "bond"),
        "controllers" => ("多控制器", "controllers"),
        "linear" => ("线性拼接", "linear"),
        "mirror" => ("镜像", "mirror"),
        "multipath" => ("多路径", "multipath"),
        "n_of_m" => ("所需数量未知", "how many are needed is not known"),
        "quorum" => ("多数仲裁", "quorum"),
        "raidz" | "raidz1" => ("RAIDZ1", "RAIDZ1"),
        "raidz2" => ("RAIDZ2", "RAIDZ2"),
        "raidz3" => ("RAIDZ3", "RAIDZ3"),
        "single" => ("单盘", "single"),
        "targets" => ("成员之间无冗余", "no redundancy among them"),
        other => (other, other),
    };
    Text::new(zh, en)
}

/// Most lost members that are named; more are counted only.
const NAMED: usize = 6;

/// What stands on the part, if the member is one: keys of parts of a cluster (`CLUSTER/3`) help nobody to find them.
fn serial<'a>(id: &'a ComponentId, name: &str) -> &'a str {
    // Keys that are made up of places, addresses or names are no serial numbers either.
    let tells = |it: &&str| !it.contains(['/', ' ']) && !name.contains(*it) && !it.contains(name);
    Some(id.key()).filter(|_| id.kind() == "disk").filter(tells).unwrap_or("")
}

/// Lost members by name and serial number, as far as they are known: `：sdf（ZA1X）` / `: sdf (ZA1X)`.
fn lost_names(set: &Component) -> Text {
    let members = set.set.iter().flat_map(|set| &set.members);
    let lost: Vec<(&str, &str)> = members
        .filter(|it| matches!(it.state, MemberState::Failed | MemberState::Missing))
        .filter(|it| !it.name.is_empty())
        .map(|it| (it.name.as_str(), it.component.as_ref().map_or("", |id| serial(id, &it.name))))
        .take(NAMED)
        .collect();
    if lost.is_empty() {
        return Text::default();
    }
    // A place without a member has the name that its source gave it: `slot 0`.
    let place = |name: &str, word: &str| match name.strip_prefix("slot ") {
        Some(slot) => format!("{word} {slot}"),
        None => name.to_owned(),
    };
    let each = |open: &str, close: &str| -> Vec<String> {
        let word = if open == "（" { "槽位" } else { "slot" };
        lost.iter()
            .map(|(name, key)| match key.is_empty() {
                true => place(name, word),
                false => format!("{name}{open}{key}{close}"),
            })
            .collect()
    };
    Text::new(
        format!("：{}", each("（", "）").join("、")),
        format!(": {}", each(" (", ")").join(", ")),
    )
}

/// What the members say: lost ones, and those of which nothing is known.
pub(super) fn state(set: &Component, margin: &Margin) -> Text {
    let names = lost_names(set);
    let lost = match margin.lost {
        // Members that are sets themselves serve, and have lost some of their own.
        0 if margin.r < margin.r_design => {
            Text::new("有成员内部的部件已失效", "a member has lost parts of its own")
        }
        0 if !margin.suspects.is_empty() => {
            let count = margin.suspects.len();
            let shows = if count == 1 { "shows" } else { "show" };
            Text::new(
                format!("有 {count} 个成员有失效征兆，目前无成员失效"),
                format!("{count} {} {shows} signs of failing, none is lost", members_en(count)),
            )
        }
        0 => Text::new("目前无成员失效", "no member is lost"),
        1 => Text::new(
            format!("已失效 1 个成员{}", names.zh),
            format!("1 member is lost{}", names.en),
        ),
        lost => Text::new(
            format!("已失效 {lost} 个成员{}", names.zh),
            format!("{lost} members are lost{}", names.en),
        ),
    };
    if margin.unknown == 0 {
        return lost;
    }
    let unknown = margin.unknown;
    Text::new(
        format!("{}，另有 {unknown} 个成员状态未能读到（实际冗余可能更低）", lost.zh),
        format!(
            "{}, the state of {unknown} more could not be read (true redundancy may be lower)",
            lost.en
        ),
    )
}

pub(super) fn spare(margin: &Margin) -> Text {
    match (margin.rebuilding, margin.spare) {
        (true, _) => Text::new("正在重建", "a rebuild is running"),
        (false, Some(true)) => Text::new("有可用热备", "a spare is ready"),
        (false, Some(false)) => Text::new("无热备", "there is no spare"),
        (false, None) => Text::new("热备情况未知", "whether there is a spare is not known"),
    }
}

/// How a set that lost something becomes whole again: `；无热备` / `; there is no spare`. Nothing where spares mean
/// nothing and no rebuild runs.
pub(super) fn recovery(set: &Component, margin: &Margin) -> Text {
    let said = match (margin.rebuilding, means_of(set)) {
        (true, Means::Copies) => Text::new("正在恢复副本", "it is recovering"),
        (true, _) | (false, Means::Spares) => spare(margin),
        (false, Means::Copies | Means::None) => return Text::default(),
    };
    Text::new(format!("；{}", said.zh), format!("; {}", said.en))
}

/// What makes a set whole again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// A hot spare that is rebuilt onto.
    Spares,
    /// Copies made anew on members that are left, or on one that came back.
    Copies,
    /// Nothing: links, votes, controllers.
    None,
}

/// By scheme, and by the kind of set where a scheme serves several.
pub(super) fn means_of(set: &Component) -> Means {
    let scheme = set.set.as_ref().map_or("", |it| it.scheme.as_str());
    match (scheme.split(':').next().unwrap_or(scheme), set.id.kind()) {
        ("bond" | "controllers" | "multipath" | "quorum" | "targets", _) => Means::None,
        ("n_of_m", "gpfs_array") => Means::Spares,
        ("n_of_m", "gpfs_replicas") => Means::Copies,
        ("n_of_m", _) => Means::None,
        ("erasure", "vdev") => Means::Spares,
        ("erasure" | "replica", _) | (_, "btrfs") => Means::Copies,
        _ => Means::Spares,
    }
}
