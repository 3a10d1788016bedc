//! Components: the things that can fail, with a stable identity, and how they hold together.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Stable identity of a component within its host: `kind:key`, or just `host`.
///
/// The key is a serial number, WWN, UUID or another name that survives a reboot; never `sdX`.
/// The kinds stand in [`super::KINDS`]; a `filesystem`'s key is its mount point, a `source` is one of the agent itself,
/// for blind spots. Cheap to clone: every judgement of every round carries one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComponentId(Arc<str>);

impl ComponentId {
    /// The host itself.
    pub fn host() -> ComponentId {
        ComponentId("host".into())
    }

    /// `kind:key`. White space at the ends of the key is dropped.
    pub fn new(kind: &str, key: &str) -> ComponentId {
        ComponentId(format!("{kind}:{}", key.trim()).into())
    }

    /// Takes the text form as it is.
    pub fn parse(text: &str) -> ComponentId {
        ComponentId(text.into())
    }

    /// The part before the colon.
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(kind, _)| kind)
    }

    /// The part after the first colon; empty for the host.
    pub fn key(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, key)| key)
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Who it is.
    pub id: ComponentId,
    /// What people call it here and now: `sda`, `md0`, `/data`.
    pub name: String,
    /// What is known of it: `hw.model`, `hw.serial_number`, `hw.firmware_version`, `hw.slot`, `system.device`,
    /// `system.filesystem.type`. An `identity = unstable` marks an id that was made from a path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
    /// What it stands on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// For a protected set (array, bond): its shape and members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Set>,
}

impl Component {
    /// Takes over what another source says of the same component: attributes and links that are not known yet, and the
    /// set if there is none.
    pub fn merge(&mut self, other: &Component) {
        for (name, value) in &other.attrs {
            self.attrs.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for link in &other.links {
            if !self.links.contains(link) {
                self.links.push(link.clone());
            }
        }
        if self.set.is_none() {
            self.set.clone_from(&other.set);
        }
    }
}

/// A relation to another component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// How.
    pub relation: Relation,
    /// To whom.
    pub to: ComponentId,
}

/// How one component relates to another. Membership of sets is said by [`Set::members`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Its data lie on it: a filesystem on an array, an array on disks. If that goes, this goes.
    On,
    /// It reaches the host through it: a disk through a controller.
    Via,
}

/// A set whose members protect each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// `raid0`, `raid1`, `raid5`, `raid6`, `raid10`, `linear`, `bond`.
    pub scheme: String,
    /// Members that the set has when it is whole (spares not counted).
    pub width: u32,
    /// Copies of each block for mirrored schemes (RAID10 near-2: 2); 1 where the scheme has no copies.
    pub copies: u32,
    /// All members known now, spares and lost ones included.
    pub members: Vec<Member>,
}

impl Set {
    /// Keeps in mind who held the places that nobody holds now. A disk that is pulled out vanishes from the list of its
    /// array at once, and with it the knowledge that its loss and the array's are one. `before` is the set as it was
    /// known until now, with what had been remembered then. Places that are held again are forgotten.
    pub fn remember(&mut self, before: &Set) {
        let holds = |it: &&Member| {
            matches!(it.state, MemberState::Active | MemberState::Rebuilding | MemberState::Unknown)
        };
        let width = usize::try_from(self.width).unwrap_or(usize::MAX);
        let mut gaps = width.saturating_sub(self.members.iter().filter(holds).count());
        for gone in before.members.iter().filter(|it| it.state != MemberState::Spare) {
            let Some(id) = &gone.component else { continue };
            if gaps == 0 {
                break;
            }
            if self.members.iter().any(|it| it.component.as_ref() == Some(id)) {
                continue;
            }
            gaps -= 1;
            let nameless = |it: &Member| it.state == MemberState::Missing && it.component.is_none();
            let same_place = |it: &Member| nameless(it) && it.slot == gone.slot;
            let place = self.members.iter().position(same_place);
            match place.or_else(|| self.members.iter().position(nameless)) {
                Some(place) => {
                    self.members[place].component = Some(id.clone());
                    self.members[place].name.clone_from(&gone.name);
                }
                None => {
                    let taken = self.members.iter().any(|it| holds(&it) && it.slot == gone.slot);
                    let slot = gone.slot.filter(|_| !taken);
                    let state = MemberState::Missing;
                    self.members.push(Member { slot, state, ..gone.clone() });
                }
            }
        }
    }
}

/// One member of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Place in the set, where it has one; pairs of RAID10 legs are neighbours by slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    /// Which component; none if only the gap is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentId>,
    /// What people call it: `sdb1`.
    pub name: String,
    /// How it is.
    pub state: MemberState,
}

/// How a member of a set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// In sync and serving.
    Active,
    /// Being rebuilt: counts as lost until it is done.
    Rebuilding,
    /// Ready to take a lost one's place.
    Spare,
    /// Marked as failed.
    Failed,
    /// The set wants it and it is not there.
    Missing,
    /// Could not be read.
    Unknown,
}
