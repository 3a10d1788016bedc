//! What every RAID controller is made of, whichever tool tells it: a card with its volumes, drives, batteries and
//! enclosures. Each tool's file fills this in; `emit` hands it over.
//!
//! Invariant: the words of a tool become words of one closed list here. A word that is not known is `unknown` and is
//! named in a problem; it is never taken for good.

use std::collections::BTreeMap;

use xunjian_proto::{MemberState, Reason};

pub(super) use super::state::{DriveState, PackState, VolumeState, WriteCache};
use crate::source::Metric;

/// Attributes of a series, sorted by name.
pub(super) type Attrs = Vec<(&'static str, String)>;

/// One controller.
#[derive(Debug, Clone, Default)]
pub(super) struct Card {
    /// What its tool calls it: `0`, `slot 3`; tells the cards of one tool apart.
    pub(super) index: String,
    /// Serial number, or the SAS address where there is none.
    pub(super) serial: Option<String>,
    /// Some question about the host's controllers had no answer: drives may be missing here.
    pub(super) partial: bool,
    /// Some answer was cut: what is good so far may have gone on to say that it is not.
    pub(super) cut: bool,
    /// What people call it, where the tool says more than its model and number.
    pub(super) name: Option<String>,
    /// `hw.model`, `hw.firmware_version` and the like.
    pub(super) attrs: BTreeMap<String, String>,
    /// What it says of itself, in its own word.
    pub(super) status: Option<String>,
    /// Numbers of the card itself.
    pub(super) numbers: Vec<(&'static Metric, Attrs, f64)>,
    /// Words of the card itself.
    pub(super) words: Vec<(&'static Metric, String)>,
    /// Whether what was read would have listed its volumes.
    pub(super) lists_volumes: bool,
    /// Logical drives.
    pub(super) volumes: Vec<Volume>,
    /// Physical drives.
    pub(super) drives: Vec<Drive>,
    /// Batteries and capacitors that protect the cache.
    pub(super) packs: Vec<Pack>,
    /// Enclosures and backplanes.
    pub(super) enclosures: Vec<Enclosure>,
    /// Drive groups that hold the volumes, where a tool lists them apart.
    pub(super) groups: BTreeMap<String, Group>,
    /// Spares: key of the drive, and the only group that it serves if it is dedicated.
    pub(super) spares: BTreeMap<String, Option<String>>,
    /// What could not be read or understood.
    pub(super) gaps: Vec<(Reason, String)>,
}

/// A drive group: the places that its volumes share.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// In order.
    pub(super) places: Vec<Place>,
    /// Spans.
    pub(super) legs: Option<u32>,
}

/// A logical drive.
#[derive(Debug, Clone, Default)]
pub(super) struct Volume {
    /// Number within the card; does not change while the volume lives.
    pub(super) number: String,
    /// What people call it.
    pub(super) name: Option<String>,
    /// RAID level as the tool writes it; `sets::scheme` understands it.
    pub(super) level: String,
    /// How it is.
    pub(super) state: VolumeState,
    /// The tool's own word for that.
    pub(super) said: String,
    /// Bytes.
    pub(super) size: Option<f64>,
    /// Members when whole, where said apart from the list of members.
    pub(super) width: Option<u32>,
    /// Spans (legs) of nested levels.
    pub(super) legs: Option<u32>,
    /// Drive group that holds it.
    pub(super) group: Option<String>,
    /// Members, in the order of their places.
    pub(super) places: Vec<Place>,
    /// Spares that serve this volume: keys of drives.
    pub(super) spares: Vec<String>,
    /// NAA or other unique identifier that the operating system sees too.
    pub(super) unique_id: Option<String>,
    /// `/dev/sda`, where the tool knows.
    pub(super) device: Option<String>,
    /// Number of the SCSI target by which the card shows it.
    pub(super) target: Option<u32>,
    /// How writes are cached.
    pub(super) cache: Option<WriteCache>,
    /// Whether copies and parity are known to agree.
    pub(super) consistent: Option<bool>,
    /// Whether blocks are lost for good.
    pub(super) bad_blocks: Option<bool>,
    /// What goes on: `rebuild`, `initialization`, `consistency_check`, …
    pub(super) activity: Option<String>,
    /// Share of that which is done.
    pub(super) progress: Option<f64>,
}

/// One place of a volume.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Key of the drive that holds it; none for a gap.
    pub(super) drive: Option<String>,
    /// What people call it.
    pub(super) name: String,
    /// How it is; none: as the drive says.
    pub(super) state: Option<MemberState>,
}

/// A physical drive.
#[derive(Debug, Clone, Default)]
pub(super) struct Drive {
    /// Where it is, unique within the card: `252:3`, `1I:1:4`.
    pub(super) key: String,
    /// Enclosure it is in.
    pub(super) enclosure: Option<String>,
    /// Slot or bay.
    pub(super) slot: Option<String>,
    /// As it is printed on the drive.
    pub(super) serial: Option<String>,
    /// World wide name.
    pub(super) wwn: Option<String>,
    /// `hw.model` and the like.
    pub(super) attrs: BTreeMap<String, String>,
    /// What its tool's file needs until all is read; does not leave the agent.
    pub(super) hints: BTreeMap<&'static str, String>,
    /// How it is.
    pub(super) state: DriveState,
    /// The tool's own word for that.
    pub(super) said: String,
    /// Holds a configuration of another controller.
    pub(super) foreign: bool,
    /// `/dev/sdb`, if it is shown to the operating system as it is.
    pub(super) device: Option<String>,
    /// Bytes.
    pub(super) size: Option<f64>,
    /// Reads and writes that failed on the medium.
    pub(super) media_errors: Option<f64>,
    /// Timeouts and errors of the link.
    pub(super) other_errors: Option<f64>,
    /// Times that the drive predicted its own failure.
    pub(super) predictive: Option<f64>,
    /// Whether the drive predicts its own failure now.
    pub(super) alert: Option<bool>,
    /// Celsius.
    pub(super) temperature: Option<f64>,
    /// Share of its rebuild or copyback that is done.
    pub(super) progress: Option<f64>,
}

/// A battery or capacitor.
#[derive(Debug, Clone, Default)]
pub(super) struct Pack {
    /// Tells the packs of one card apart.
    pub(super) index: String,
    /// `CVPM05`, `iBBU08`.
    pub(super) model: Option<String>,
    /// How it is.
    pub(super) state: PackState,
    /// The tool's own words for that.
    pub(super) said: String,
    /// Celsius.
    pub(super) temperature: Option<f64>,
    /// 0 to 1.
    pub(super) charge: Option<f64>,
    /// Last test of the capacity, in the tool's words; `never` if there was none.
    pub(super) tested: Option<String>,
}

/// An enclosure or backplane.
#[derive(Debug, Clone, Default)]
pub(super) struct Enclosure {
    /// Number or address.
    pub(super) index: String,
    /// What people call it.
    pub(super) name: Option<String>,
    /// Whether all in it is well.
    pub(super) good: Option<bool>,
    /// The tool's own words for that.
    pub(super) said: String,
}

impl Card {
    /// A card that only its number is known of.
    pub(super) fn numbered(index: impl Into<String>) -> Card {
        Card { index: index.into(), ..Card::default() }
    }

    /// Notes an attribute; blanks and placeholders are left out.
    pub(super) fn attr(&mut self, name: &str, value: Option<&str>) {
        attr(&mut self.attrs, name, value);
    }

    /// Notes a number.
    pub(super) fn number(&mut self, metric: &'static Metric, attrs: Attrs, value: Option<f64>) {
        if let Some(value) = value {
            self.numbers.push((metric, attrs, value));
        }
    }

    /// Notes a word, once.
    pub(super) fn word(&mut self, metric: &'static Metric, value: impl Into<String>) {
        self.words.retain(|it| it.0 != metric);
        self.words.push((metric, value.into()));
    }

    /// Notes something that was not understood.
    pub(super) fn strange(&mut self, what: impl Into<String>) {
        self.gaps.push((Reason::Unparsable, what.into()));
    }

    /// The drive at this place, made if it was not known.
    pub(super) fn drive(&mut self, key: &str) -> &mut Drive {
        let at = self.drives.iter().position(|it| it.key == key).unwrap_or_else(|| {
            self.drives.push(Drive { key: key.to_owned(), ..Drive::default() });
            self.drives.len() - 1
        });
        &mut self.drives[at]
    }

    /// The volume of this number, made if it was not known.
    pub(super) fn volume(&mut self, number: &str) -> &mut Volume {
        let at = self.volumes.iter().position(|it| it.number == number).unwrap_or_else(|| {
            self.volumes.push(Volume { number: number.to_owned(), ..Volume::default() });
            self.volumes.len() - 1
        });
        &mut self.volumes[at]
    }

    /// Lost drives that no volume lists belong to the volume that misses members, where there is but one; else they are
    /// nobody's.
    pub(super) fn adopt_lost(&mut self) {
        if self.volumes.is_empty() && !self.lists_volumes {
            return; // whose they are was not read
        }
        let gone = |it: &Drive| {
            matches!(it.state, DriveState::Failed | DriveState::Offline | DriveState::Missing)
        };
        let listed = |key: &str| {
            let in_volume =
                |it: &Volume| it.places.iter().any(|place| place.drive.as_deref() == Some(key));
            self.volumes.iter().any(in_volume)
        };
        let orphans: Vec<String> = self
            .drives
            .iter()
            .filter(|it| gone(it) && !listed(&it.key))
            .map(|it| it.key.clone())
            .collect();
        let misses = |it: &Volume| {
            let gaps = it.places.iter().filter(|place| place.drive.is_none()).count();
            let unlisted = it
                .width
                .map_or(0, |width| (width as usize).min(512).saturating_sub(it.places.len()));
            let degraded = !matches!(it.state, VolumeState::Optimal | VolumeState::Unknown);
            if degraded { gaps + unlisted } else { 0 }
        };
        let mut missing: Vec<&mut Volume> =
            self.volumes.iter_mut().filter(|it| misses(it) > 0).collect();
        let mut orphans = orphans.into_iter();
        if let [volume] = missing.as_mut_slice() {
            for _ in 0..misses(volume) {
                let Some(key) = orphans.next() else { break };
                match volume.places.iter_mut().find(|it| it.drive.is_none()) {
                    Some(gap) => gap.drive = Some(key),
                    None => volume.places.push(Place {
                        name: key.clone(),
                        drive: Some(key),
                        state: None,
                    }),
                }
            }
        }
        for key in orphans {
            self.drive(&key).state = DriveState::Bad;
        }
    }

    /// Gives each volume the places and spares of its group.
    pub(super) fn share_groups(&mut self) {
        for volume in &mut self.volumes {
            let Some(name) = &volume.group else { continue };
            if let Some(group) = self.groups.get(name) {
                volume.places.clone_from(&group.places);
                volume.legs = group.legs.or(volume.legs);
            }
            for (key, only) in &self.spares {
                let serves = only.as_ref().is_none_or(|it| it == name);
                if serves && !volume.spares.contains(key) {
                    volume.spares.push(key.clone());
                }
            }
        }
    }
}

impl Drive {
    /// Notes an attribute; blanks and placeholders are left out.
    pub(super) fn attr(&mut self, name: &str, value: Option<&str>) {
        attr(&mut self.attrs, name, value);
    }

    /// Sets state and word.
    pub(super) fn is(&mut self, state: DriveState, said: &str) {
        self.state = state;
        said.trim().clone_into(&mut self.said);
    }
}

fn attr(attrs: &mut BTreeMap<String, String>, name: &str, value: Option<&str>) {
    const NOTHING: [&str; 8] =
        ["", "-", "n/a", "na", "none", "unknown", "not available", "redacted"];
    let value = value.unwrap_or_default().trim();
    if !NOTHING.contains(&value.to_lowercase().as_str()) {
        attrs.insert(name.to_owned(), value.to_owned());
    }
}

/// The card of this number in a list, made if it was not known.
pub(super) fn card<'a>(cards: &'a mut Vec<Card>, index: &str) -> &'a mut Card {
    let at = cards.iter().position(|it| it.index == index).unwrap_or_else(|| {
        cards.push(Card::numbered(index));
        cards.len() - 1
    });
    &mut cards[at]
}
