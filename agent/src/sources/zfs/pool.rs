//! A pool as `zpool status` tells it, from either form of its output.
//!
//! Facts: `zpool-status(8)`, `zpoolconcepts(7)`. A group of devices (mirror, raidz, draid) has places; in the groups
//! `spare-N` and `replacing-N` two devices share one place until the resilver is done.

use xunjian_proto::MemberState;

/// One pool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Pool {
    /// `tank`.
    pub(super) name: String,
    /// `ONLINE`, `DEGRADED`, `FAULTED`, `SUSPENDED`, `UNAVAIL`, …
    pub(super) state: String,
    /// What the tool thinks of it, one line; none if nothing is amiss.
    pub(super) status: Option<String>,
    /// `ZFS-8000-9P`: the kind of trouble.
    pub(super) message: Option<String>,
    /// The pool's number, where said.
    pub(super) guid: Option<String>,
    /// Scrubs and resilvers, the last ones of each.
    pub(super) scans: Vec<Scan>,
    /// The device tree below the pool's root: what bears data first, then logs, caches and spares.
    pub(super) tops: Vec<Vdev>,
    /// Errors that could not be repaired; none if not said.
    pub(super) errors: Option<f64>,
    /// Lines that were not understood.
    pub(super) strange: Vec<String>,
}

/// A scrub or resilver.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Scan {
    /// `scrub`, `resilver`, `rebuild`; empty: none was ever made.
    pub(super) function: String,
    /// `running`, `paused`, `finished`, `canceled`, `none`.
    pub(super) state: String,
    /// When it ended, seconds since 1970 as the tool prints it (local time of the host is taken as UTC).
    pub(super) ended: Option<f64>,
    /// Share that is done, 0 to 1.
    pub(super) done: Option<f64>,
    /// Errors it could not repair.
    pub(super) errors: Option<f64>,
    /// Bytes that a finished scrub repaired.
    pub(super) repaired: Option<f64>,
}

/// A device or a group of devices.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Vdev {
    /// `raidz2-0`, `/dev/disk/by-id/…-part1`, `sda`, the number of a device that is gone.
    pub(super) name: String,
    /// What it serves for.
    pub(super) class: Class,
    /// `ONLINE`, `DEGRADED`, `FAULTED`, `OFFLINE`, `REMOVED`, `UNAVAIL`, `AVAIL`, `INUSE`.
    pub(super) state: String,
    /// Errors of reads, writes and checksums, and requests that took too long.
    pub(super) counts: Counts,
    /// `too many errors`, `was /dev/sdb1`, `resilvering`.
    pub(super) note: String,
    /// Data are being written to it that it lacks.
    pub(super) resilvering: bool,
    /// Members of a group.
    pub(super) children: Vec<Vdev>,
}

/// Counters since the pool was imported or cleared.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) read: Option<f64>,
    pub(super) write: Option<f64>,
    pub(super) checksum: Option<f64>,
    pub(super) slow: Option<f64>,
}

/// What a device serves for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Data.
    #[default]
    Data,
    /// Metadata and small blocks; as precious as data.
    Special,
    /// Deduplication tables; as precious as data.
    Dedup,
    /// Intent log.
    Log,
    /// Read cache.
    Cache,
    /// Hot spare.
    Spare,
}

impl Class {
    /// The section's title, as both forms write it.
    pub(super) fn of(title: &str) -> Option<Class> {
        Some(match title {
            "special" => Class::Special,
            "dedup" => Class::Dedup,
            "logs" | "log" => Class::Log,
            "cache" | "l2cache" => Class::Cache,
            "spares" => Class::Spare,
            _ => return None,
        })
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Class::Data => "data",
            Class::Special => "special",
            Class::Dedup => "dedup",
            Class::Log => "log",
            Class::Cache => "cache",
            Class::Spare => "spare",
        }
    }

    /// Whether the pool is lost without it.
    pub(super) fn bears_data(self) -> bool {
        matches!(self, Class::Data | Class::Special | Class::Dedup)
    }
}

/// How a group protects its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// A scheme of [`xunjian_proto::Set`].
    pub(super) scheme: String,
    /// Members that may be lost, whichever they are, of so many.
    pub(super) tolerance: u32,
    /// Copies of each block.
    pub(super) copies: u32,
}

impl Vdev {
    /// A group's scheme; none for a plain device and for groups that share one place.
    pub(super) fn shape(&self) -> Option<Shape> {
        let width = u32::try_from(self.children.len()).ok().filter(|it| *it > 0)?;
        let kind = self.name.rsplit_once('-').map_or(self.name.as_str(), |(kind, _)| kind);
        let plain =
            |scheme: &str, tolerance| Shape { scheme: scheme.to_owned(), tolerance, copies: 1 };
        Some(match kind {
            "mirror" => Shape { scheme: "mirror".to_owned(), tolerance: width - 1, copies: width },
            "raidz" | "raidz1" => plain("raidz1", 1),
            "raidz2" => plain("raidz2", 2),
            "raidz3" => plain("raidz3", 3),
            _ => {
                // draid2:8d:10c:1s-0: parity, data of a stripe, children, spares in them.
                let rest = kind.strip_prefix("draid")?;
                let mut words = rest.split(':');
                let parity: u32 = match words.next()? {
                    "" => 1,
                    digits => digits.parse().ok()?,
                };
                let data: u32 = words.find_map(|it| it.strip_suffix('d')?.parse().ok())?;
                plain(&format!("erasure:{data}+{parity}"), parity)
            }
        })
    }

    /// Whether two devices share one place: a spare or a replacement stands beside the one it is for.
    pub(super) fn shares_a_place(&self) -> bool {
        let kind = self.name.rsplit_once('-').map_or(self.name.as_str(), |(kind, _)| kind);
        !self.children.is_empty() && matches!(kind, "spare" | "replacing")
    }

    /// Whether a spare serves in place of a device that failed or is gone: what failed is still to be replaced.
    pub(super) fn is_on_spare(&self) -> bool {
        let is_pair = self.shares_a_place() && self.name.starts_with("spare");
        let lost = |it: &Vdev| matches!(it.place().0, MemberState::Failed | MemberState::Missing);
        is_pair && self.place().0 == MemberState::Active && self.children.iter().any(lost)
    }

    /// Left behind by a removal: bears no data of its own.
    pub(super) fn is_ghost(&self) -> bool {
        let kind = self.name.rsplit_once('-').map_or(self.name.as_str(), |(kind, _)| kind);
        self.children.is_empty() && matches!(kind, "indirect" | "hole" | "missing")
    }

    /// How the place is that this device (or pair of devices) holds, and the device that stands for it.
    pub(super) fn place(&self) -> (MemberState, &Vdev) {
        if !self.shares_a_place() {
            return (self.member(), self);
        }
        let of = |wanted: MemberState| {
            let mut all = self.children.iter().map(Vdev::place);
            all.find(|(state, _)| *state == wanted)
        };
        use MemberState::{Active, Failed, Missing, Rebuilding, Unknown};
        [Active, Rebuilding, Unknown, Failed, Missing]
            .into_iter()
            .find_map(of)
            .unwrap_or((Unknown, self))
    }

    /// The state of one device or whole group in words of sets.
    pub(super) fn member(&self) -> MemberState {
        match self.state.to_uppercase().as_str() {
            "ONLINE" | "DEGRADED" | "INUSE" if self.resilvering => MemberState::Rebuilding,
            // Too many errors, or a group that lost a member: it still serves.
            "ONLINE" | "DEGRADED" | "INUSE" => MemberState::Active,
            "AVAIL" => MemberState::Spare,
            "FAULTED" => MemberState::Failed,
            "OFFLINE" | "REMOVED" | "UNAVAIL" => MemberState::Missing,
            _ => MemberState::Unknown,
        }
    }

    /// Every device of the tree that has no members.
    pub(super) fn leaves(&self) -> Vec<&Vdev> {
        if self.children.is_empty() {
            return vec![self];
        }
        self.children.iter().flat_map(Vdev::leaves).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vdev(name: &str, state: &str, children: Vec<Vdev>) -> Vdev {
        Vdev { name: name.to_owned(), state: state.to_owned(), children, ..Vdev::default() }
    }

    #[test]
    fn a_place_is_served_as_soon_as_one_of_its_devices_serves() {
        let gone = vdev("1", "REMOVED", vec![]);
        let spare = vdev("2", "ONLINE", vec![]);
        let pair = vdev("spare-0", "DEGRADED", vec![gone.clone(), spare.clone()]);
        assert_eq!(pair.place(), (MemberState::Active, &spare));
        let filling = Vdev { resilvering: true, ..spare };
        let pair = vdev("replacing-1", "DEGRADED", vec![gone.clone(), filling.clone()]);
        assert_eq!(pair.place(), (MemberState::Rebuilding, &filling));
        let pair = vdev("spare-0", "UNAVAIL", vec![gone.clone()]);
        assert_eq!(pair.place(), (MemberState::Missing, &gone));
    }

    #[test]
    fn groups_say_what_they_survive() {
        let three = || vec![vdev("a", "ONLINE", vec![]); 3];
        let scheme =
            |name: &str| vdev(name, "ONLINE", three()).shape().map(|it| (it.scheme, it.tolerance));
        assert_eq!(scheme("mirror-0"), Some(("mirror".to_owned(), 2)));
        assert_eq!(scheme("raidz3-4"), Some(("raidz3".to_owned(), 3)));
        assert_eq!(scheme("draid2:8d:12c:1s-0"), Some(("erasure:8+2".to_owned(), 2)));
        assert_eq!(scheme("replacing-0"), None);
        assert_eq!(vdev("sda", "ONLINE", vec![]).shape(), None);
    }
}
