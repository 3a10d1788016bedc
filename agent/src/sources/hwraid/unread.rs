//! Drive groups whose volumes no answer listed: a saved table of drives alone, or a question that had no answer.
//!
//! Fact: StorCLI's `DG` column and MegaCli's `DiskGroup` name the group of a drive in the list of drives already; the
//! RAID level stands only with the volumes. Invariant: a member of such a group is neither protected nor unprotected, so
//! the group is a set of an unknown scheme, and what is missing is said. It has no stable identity: it is gone as soon
//! as the volumes are read, and that is no loss.

use std::collections::{BTreeMap, BTreeSet};

use xunjian_proto::{Component, ComponentId, Link, Member, Reason, Relation, Set};

use super::{
    emit::drive_name,
    model::{Card, Drive, DriveState},
    sets,
};
use crate::source::Collect;

/// Hint of a drive: the number of its group; empty where its list names none. Only tools whose list of drives comes
/// without the volumes give it.
pub(super) const GROUP: &str = "group";

/// Groups of one card that are told of.
const GROUPS_MAX: usize = 64;

/// Hands over the groups of a card of which no volume was read.
pub(super) fn groups(
    c: &mut Collect<'_>,
    card: &Card,
    key: &str,
    id: &dyn Fn(&str) -> Option<ComponentId>,
) {
    if card.lists_volumes || !card.volumes.is_empty() {
        return;
    }
    let groups = members(card);
    for (group, drives) in groups.iter().take(GROUPS_MAX) {
        let name = match group.as_str() {
            "" => "drive group that was not read".to_owned(),
            number => format!("DG{number}"),
        };
        let member = |(slot, it): (usize, &&Drive)| Member {
            slot: u32::try_from(slot).ok(),
            component: id(&it.key),
            name: drive_name(&it.key),
            state: it.state.member(),
        };
        let members: Vec<Member> = drives.iter().enumerate().map(member).collect();
        let width = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let set = Set { scheme: sets::UNKNOWN.to_owned(), width, copies: 1, members };
        let own = ComponentId::new("vd", &format!("{key}/DG{group}"));
        let attrs = BTreeMap::from([("identity".to_owned(), "unstable".to_owned())]);
        let links = vec![Link { relation: Relation::On, to: ComponentId::new("controller", key) }];
        let text = format!(
            "{name}: its drives were listed and its volumes were not, so its redundancy is not known; it takes \
             `storcli64 /call show all J` or `MegaCli64 -LdPdInfo -aAll`"
        );
        c.component(Component { id: own.clone(), name, attrs, links, set: Some(set) });
        c.problem(Reason::Unsupported, Some(&own), text);
    }
    if groups.len() > GROUPS_MAX {
        let text = format!("{} drive groups, {GROUPS_MAX} read", groups.len());
        c.problem(Reason::Truncated, None, text);
    }
}

/// The drives of each group. A drive that was given up may have lost its number: where there is but one group, it is of
/// that one.
fn members(card: &Card) -> BTreeMap<String, Vec<&Drive>> {
    let serves = |it: &&Drive| {
        matches!(
            it.state,
            DriveState::Online
                | DriveState::Rebuilding
                | DriveState::Copying
                | DriveState::Predicted
                | DriveState::Failed
                | DriveState::Offline
                | DriveState::Missing
        )
    };
    let mut groups: BTreeMap<String, Vec<&Drive>> = BTreeMap::new();
    for drive in card.drives.iter().filter(serves) {
        if let Some(group) = drive.hints.get(GROUP) {
            groups.entry(group.clone()).or_default().push(drive);
        }
    }
    let named: BTreeSet<String> = groups.keys().filter(|it| !it.is_empty()).cloned().collect();
    if let (1, Some(only)) = (named.len(), named.first()) {
        let lone = groups.remove("").unwrap_or_default();
        groups.entry(only.clone()).or_default().extend(lone);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(key: &str, group: Option<&str>, state: DriveState) -> Drive {
        let hints = group.map(|it| (GROUP, it.to_owned())).into_iter().collect();
        Drive { key: key.to_owned(), state, hints, ..Drive::default() }
    }

    fn keys(drives: Vec<Drive>) -> Vec<(String, Vec<String>)> {
        let card = Card { drives, ..Card::default() };
        let plain = |(group, drives): (String, Vec<&Drive>)| {
            (group, drives.iter().map(|it| it.key.clone()).collect())
        };
        members(&card).into_iter().map(plain).collect()
    }

    #[test]
    fn a_given_up_drive_is_of_the_only_group_there_is() {
        let mut drives = vec![
            drive("8:0", Some("0"), DriveState::Online),
            drive("8:1", Some(""), DriveState::Failed),
            drive("8:2", Some(""), DriveState::Unconfigured),
            drive("8:3", None, DriveState::Online),
        ];
        let all = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(keys(drives.clone()), [("0".to_owned(), all(&["8:0", "8:1"]))]);
        drives.push(drive("8:4", Some("1"), DriveState::Online));
        let groups = keys(drives);
        assert_eq!(groups[0], (String::new(), all(&["8:1"])));
        assert_eq!(groups.len(), 3);
    }
}
