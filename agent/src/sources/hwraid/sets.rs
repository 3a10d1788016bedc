//! From a tool's RAID level and list of members to a protected set.
//!
//! Facts: HPE's mirror groups are the halves of the pairs, MegaRAID's spans are whole legs; both become places whose
//! neighbours mirror each other. Invariants: a volume that says that members are gone has that many lost places, even
//! if no list names them; a member that is being rebuilt is lost.

use xunjian_proto::{Member, MemberState, Set};

use super::model::{Card, Volume, VolumeState};

/// A level as the collector's arithmetic knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scheme {
    /// `raid5`, `raid10`, …
    pub(super) name: &'static str,
    /// Copies of each block; 1 without copies.
    pub(super) copies: u32,
    /// The fewest members that make one.
    min: u32,
}

/// Understands a level in any tool's spelling: `RAID6`, `1+0`, `Primary-5, Secondary-3, RAID Level Qualifier-3`,
/// `RAID-10`, `Raid 1(1+0)`, `RAID ADG`, `IM`, `10 (Triple)`. None if it is not understood.
pub(super) fn scheme(level: &str, spans: Option<u32>) -> Option<Scheme> {
    let of = |name, copies, min| Some(Scheme { name, copies, min });
    let lower = level.to_lowercase();
    if let Some(primary) = number_after(&lower, "primary-") {
        let nested = spans.is_some_and(|it| it > 1);
        return match (primary, nested) {
            (0, _) => of("raid0", 1, 1),
            (1, false) => of("raid1", 2, 2),
            (1, true) => of("raid10", 2, 4),
            (5, false) => of("raid5", 1, 3),
            (5, true) => of("raid50", 1, 6),
            (6, false) => of("raid6", 1, 4),
            (6, true) => of("raid60", 1, 8),
            (17, _) => of("raid10", 2, 3),
            _ => None,
        };
    }
    if let Some((outer, inner)) = lower.split_once('(')
        && let Some(inner) = inner.strip_suffix(')')
    {
        // `RAID 1(1+0)`: the inner form says more.
        return match inner.contains("triple") || inner.contains("adm") {
            true if outer.contains("10") || outer.contains("1+0") => of("raid10", 3, 6),
            true => of("raid1", 3, 3),
            false => scheme(inner, spans).or_else(|| scheme(outer, spans)),
        };
    }
    let word: String =
        lower.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '+').collect();
    let word = word.trim_start_matches("raid").trim_start_matches("volume");
    match word {
        "0" | "is" | "simplevolume" | "spannedvolume" | "jbod" | "single" | "00" | "0+0"
        | "stripe" => of("raid0", 1, 1),
        "1" | "im" | "mirror" => match spans {
            Some(spans) if spans > 1 => of("raid10", 2, 4),
            _ => of("raid1", 2, 2),
        },
        "1e" | "ime" | "1enh" => of("raid10", 2, 3),
        "10" | "1+0" | "0+1" | "01" | "10e" => of("raid10", 2, 4),
        "1triple" | "1adm" => of("raid1", 3, 3),
        "10triple" | "1+0adm" | "10adm" => of("raid10", 3, 6),
        "3" | "4" | "5" | "5ee" | "5e" => of("raid5", 1, 3),
        "6" | "adg" | "6adg" => of("raid6", 1, 4),
        "50" | "5+0" | "30" => of("raid50", 1, 6),
        "60" | "6+0" => of("raid60", 1, 8),
        _ => None,
    }
}

fn number_after(text: &str, start: &str) -> Option<u32> {
    let rest = text.split(start).nth(1)?;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

impl Scheme {
    /// Losses that it survives whichever they are.
    fn tolerance(&self, width: u32) -> u32 {
        match self.name {
            "raid1" => width.saturating_sub(1),
            "raid10" => self.copies.saturating_sub(1),
            "raid5" | "raid50" => 1,
            "raid6" | "raid60" => 2,
            _ => 0,
        }
    }

    /// Whether a lost member is survived at all.
    pub(super) fn is_redundant(&self) -> bool {
        self.name != "raid0"
    }
}

/// Scheme of a volume whose level was not understood: it has members, and nobody knows how many may go.
pub(super) const UNKNOWN: &str = "unknown";

/// The members of a volume with their states, and the set that they make.
pub(super) fn set(
    card: &Card,
    volume: &Volume,
    id: &dyn Fn(&str) -> Option<xunjian_proto::ComponentId>,
) -> Option<Set> {
    let unknown = Scheme { name: UNKNOWN, copies: 1, min: 1 };
    let scheme = scheme(&volume.level, volume.legs).unwrap_or(unknown);
    let mut members = members(card, volume, id);
    let known = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let wanted = volume.width.unwrap_or(0).max(known).max(if known == 0 { scheme.min } else { 0 });
    // More members than any controller takes is a damaged number.
    let wanted = wanted.min(512);
    for slot in known..wanted {
        let name = format!("member {slot}");
        members.push(Member {
            slot: Some(slot),
            component: None,
            name,
            state: MemberState::Unknown,
        });
    }
    // MegaRAID calls a stripe of mirrors in one span RAID 1.
    let scheme = match scheme.name {
        "raid1" if wanted > scheme.copies => Scheme { name: "raid10", ..scheme },
        _ => scheme,
    };
    let mut width = wanted;
    if matches!(
        volume.state,
        VolumeState::Degraded | VolumeState::Partial | VolumeState::Rebuilding
    ) {
        width += lose(&mut members, &scheme, volume.state, width);
    }
    for key in &volume.spares {
        let drive = card.drives.iter().find(|it| it.key == *key);
        let ready = drive.is_none_or(|it| it.state == super::model::DriveState::Spare);
        if ready {
            let name = key.clone();
            members.push(Member {
                slot: None,
                component: id(key),
                name,
                state: MemberState::Spare,
            });
        }
    }
    let legs = volume.legs.filter(|it| *it > 1 && width.is_multiple_of(*it));
    let name = match (scheme.name, legs) {
        ("raid50", Some(legs)) => format!("raid50:{legs}"),
        ("raid60", Some(legs)) => format!("raid60:{legs}"),
        (name, _) => name.to_owned(),
    };
    let copies = scheme.copies;
    Some(Set { scheme: name, width, copies, members })
}

fn members(
    card: &Card,
    volume: &Volume,
    id: &dyn Fn(&str) -> Option<xunjian_proto::ComponentId>,
) -> Vec<Member> {
    let one = |(slot, place): (usize, &super::model::Place)| {
        let drive =
            place.drive.as_ref().and_then(|key| card.drives.iter().find(|it| it.key == *key));
        let said = drive.map(|it| it.state.member());
        let state = match (place.state, said) {
            // The list of the volume and the drive itself: the worse of the two.
            (Some(MemberState::Active), Some(said)) if said != MemberState::Spare => said,
            (Some(state), _) => state,
            (None, Some(said)) => said,
            (None, None) if place.drive.is_none() => MemberState::Missing,
            (None, None) => MemberState::Unknown,
        };
        Member {
            slot: u32::try_from(slot).ok(),
            component: place.drive.as_deref().and_then(id),
            name: place.name.clone(),
            state,
        }
    };
    volume.places.iter().enumerate().map(one).collect()
}

/// Marks as many members lost as the volume says. Gives how many places had to be added for that.
fn lose(members: &mut Vec<Member>, scheme: &Scheme, state: VolumeState, width: u32) -> u32 {
    let is_lost = |it: &&Member| {
        matches!(it.state, MemberState::Failed | MemberState::Missing | MemberState::Rebuilding)
    };
    let lost = u32::try_from(members.iter().filter(is_lost).count()).unwrap_or(u32::MAX);
    let said = match state {
        // Only levels that survive two losses tell the two words apart.
        VolumeState::Degraded if scheme.name == "raid6" => scheme.tolerance(width),
        _ => 1,
    };
    let mut more = said.saturating_sub(lost);
    if lost > 0 && state != VolumeState::Degraded {
        more = 0;
    }
    let gone = if state == VolumeState::Rebuilding {
        MemberState::Rebuilding
    } else {
        MemberState::Missing
    };
    for member in members.iter_mut().filter(|it| it.state == MemberState::Unknown) {
        if more == 0 {
            return 0;
        }
        member.state = gone;
        more -= 1;
    }
    for _ in 0..more {
        members.push(Member {
            slot: None,
            component: None,
            name: "lost member".to_owned(),
            state: gone,
        });
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_all_tools_are_understood() {
        for (level, spans, name, copies) in [
            ("RAID6", None, "raid6", 1),
            ("RAID10", Some(2), "raid10", 2),
            ("1+0", None, "raid10", 2),
            ("1", None, "raid1", 2),
            ("1 (ADM)", None, "raid1", 3),
            ("RAID 1(1+0)", None, "raid10", 2),
            ("RAID ADG", None, "raid6", 1),
            ("6 (ADG)", None, "raid6", 1),
            ("Primary-1, Secondary-0, RAID Level Qualifier-0", Some(1), "raid1", 2),
            ("Primary-1, Secondary-3, RAID Level Qualifier-0", Some(3), "raid10", 2),
            ("Primary-5, Secondary-3, RAID Level Qualifier-3", Some(2), "raid50", 1),
            ("RAID-50", None, "raid50", 1),
            ("Raid5", None, "raid5", 1),
            ("IM", None, "raid1", 2),
            ("RAID1E", None, "raid10", 2),
            ("Simple_volume", None, "raid0", 1),
            ("10(Triple)", None, "raid10", 3),
        ] {
            let scheme = scheme(level, spans).unwrap_or_else(|| panic!("{level}"));
            assert_eq!((scheme.name, scheme.copies), (name, copies), "{level}");
        }
        assert_eq!(scheme("RAID 99", None), None);
        assert_eq!(scheme("", None), None);
    }
}
