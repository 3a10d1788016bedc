//! How many more losses a protected set survives, in the worst case.
//!
//! Source: domain knowledge of RAID, erasure coding, replication, quorum and bonds, one arithmetic for all: a set is a
//! list of *legs*, each of which survives the loss of `tolerance` of its places; losing place *i* costs `cost(i)` further
//! losses (a plain disk 1, a lost one 0, an array inside the array one more than *it* survives). The cheapest way to
//! break a leg is the sum of its `tolerance + 1` smallest costs; R is one less than that, for the weakest leg.
//!
//! Schemes that need more than width and copies carry it after a colon: `raid50:2` (legs), `raid60:2`, `erasure:8+2`
//! (data + parity), `replica:2` (copies needed to serve), `n_of_m:2` (members needed). Where the copies or shards are
//! spread over more places than there are of them (pools of a distributed store), losing any few of the places may lose
//! as many of some piece: `replica:2/3` (copies needed, copies), `erasure:8+2/9` (shards needed to serve after the
//! slash, where that is more than the data shards).
//!
//! Invariant: a member whose state is not known counts as there and is counted apart; a rebuilding one counts as lost.

use std::collections::BTreeSet;

use xunjian_proto::{ComponentId, Member, MemberState, Set};

/// Losses it takes to lose one member: now, if every suspect failed too, and when all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// As things stand.
    pub now: i32,
    /// If every suspect failed too.
    pub if_suspects: i32,
    /// When all is well.
    pub whole: i32,
}

impl Cost {
    /// A plain member that serves.
    pub const PLAIN: Cost = Cost { now: 1, if_suspects: 1, whole: 1 };
    /// A plain member that serves and is likely to fail.
    pub const SUSPECT: Cost = Cost { now: 1, if_suspects: 0, whole: 1 };
    /// A plain member that is gone.
    pub const LOST: Cost = Cost { now: 0, if_suspects: 0, whole: 1 };
}

/// What the arithmetic says of one set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Margin {
    /// Further losses survived for certain; -1: lost already. `None`: not known.
    pub r: Option<i32>,
    /// The same, if every suspect failed too.
    pub r_if: Option<i32>,
    /// The same, when all is well.
    pub r_design: Option<i32>,
    /// A healthy spare is ready or a rebuild is running. `None`: not known.
    pub spare: Option<bool>,
    /// A rebuild is running.
    pub rebuilding: bool,
    /// Suspect members that serve now.
    pub suspects: Vec<ComponentId>,
    /// Places of the set that nothing serves.
    pub lost: u32,
    /// Places of which nothing is known.
    pub unknown: u32,
    /// Places of the set.
    pub width: u32,
}

/// The margin of a set of plain members. Nested sets: [`margin`].
pub fn redundancy(set: &Set, suspects: &BTreeSet<ComponentId>) -> Margin {
    margin(set, suspects, &|member| match &member.component {
        Some(id) if suspects.contains(id) => Cost::SUSPECT,
        _ => Cost::PLAIN,
    })
}

/// The margin of a set whose serving members cost what `cost` says.
pub fn margin(
    set: &Set,
    suspects: &BTreeSet<ComponentId>,
    cost: &dyn Fn(&Member) -> Cost,
) -> Margin {
    let places = places(set, cost);
    let is_suspect =
        |member: &&Member| member.component.as_ref().is_some_and(|it| suspects.contains(it));
    let serving_suspects =
        set.members.iter().filter(|it| it.state == MemberState::Active).filter(is_suspect);
    let count = |wanted: MemberState| set.members.iter().filter(|it| it.state == wanted).count();
    let unknown = places.iter().filter(|it| **it == Place::Unknown).count();
    let rebuilding = count(MemberState::Rebuilding) > 0;
    let spares = set
        .members
        .iter()
        .filter(|it| it.state == MemberState::Spare)
        .filter(|it| !is_suspect(it))
        .count();
    let spare = match (rebuilding || spares > 0, count(MemberState::Unknown) > 0) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(false),
    };
    let mut margin = Margin {
        spare,
        rebuilding,
        suspects: serving_suspects.filter_map(|it| it.component.clone()).collect(),
        lost: number(places.iter().filter(|it| it.cost().now == 0).count()),
        unknown: number(unknown),
        width: number(places.len()),
        ..Margin::default()
    };
    margin.suspects.sort();
    margin.suspects.dedup();
    let Some(shape) = shape(set, places.len()) else { return margin };
    let costs =
        |pick: fn(Cost) -> i32| -> Vec<i32> { places.iter().map(|it| pick(it.cost())).collect() };
    margin.r_design = shape.worst(&costs(|it| it.whole));
    // A set of which nothing is known has no margin that could be named.
    if unknown < places.len() {
        margin.r = shape.standing(&costs(|it| it.now));
        margin.r_if = shape.worst(&costs(|it| it.if_suspects));
    }
    margin
}

/// One place of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Serving(Cost),
    Lost,
    Unknown,
}

impl Place {
    fn cost(self) -> Cost {
        match self {
            Place::Serving(cost) => cost,
            Place::Lost => Cost::LOST,
            Place::Unknown => Cost::PLAIN,
        }
    }
}

/// The places of a set by slot. A failed member that is still listed after a spare took its place holds none: what is
/// not served is counted from the places, not from the list.
fn places(set: &Set, cost: &dyn Fn(&Member) -> Cost) -> Vec<Place> {
    let holders: Vec<&Member> = set
        .members
        .iter()
        .filter(|it| matches!(it.state, MemberState::Active | MemberState::Unknown))
        .collect();
    let serving = holders.iter().filter(|it| it.state == MemberState::Active).count();
    let width = usize::try_from(set.width)
        .unwrap_or(usize::MAX)
        .min(MEMBERS_MAX)
        .max(serving.min(MEMBERS_MAX));
    let mut places: Vec<Option<Place>> = vec![None; width];
    let place_of = |member: &Member| match member.state {
        MemberState::Active => Place::Serving(cost(member)),
        _ => Place::Unknown,
    };
    let mut unplaced = Vec::new();
    for member in &holders {
        let slot = member.slot.and_then(|it| usize::try_from(it).ok());
        match slot.and_then(|it| places.get_mut(it)) {
            Some(place @ None) => *place = Some(place_of(member)),
            _ => unplaced.push(place_of(member)),
        }
    }
    // Those that serve come first: a set never has more places than it is wide.
    unplaced.sort_by_key(|it| *it == Place::Unknown);
    let mut unplaced = unplaced.into_iter();
    let gone = |it: &&Member| {
        matches!(it.state, MemberState::Failed | MemberState::Missing | MemberState::Rebuilding)
    };
    let mut losses = set.members.iter().filter(gone).count();
    let lost_slots: BTreeSet<usize> = set.members.iter().filter(gone).filter_map(slot).collect();
    for (index, place) in places.iter_mut().enumerate() {
        if place.is_none() && lost_slots.contains(&index) {
            *place = Some(Place::Lost);
            losses = losses.saturating_sub(1);
        }
    }
    for place in places.iter_mut().filter(|it| it.is_none()) {
        *place = unplaced.next();
    }
    for place in places.iter_mut().filter(|it| it.is_none()) {
        let lost = losses > 0;
        losses = losses.saturating_sub(1);
        *place = Some(if lost { Place::Lost } else { Place::Unknown });
    }
    places.into_iter().flatten().collect()
}

/// More members than any real set; keeps a hostile width from costing memory.
const MEMBERS_MAX: usize = 4096;

fn slot(member: &Member) -> Option<usize> {
    member.slot.and_then(|it| usize::try_from(it).ok())
}

/// How a scheme breaks.
enum Shape {
    /// Legs of places, each surviving `tolerance` losses.
    Legs { legs: Vec<Vec<usize>>, tolerance: usize },
    /// So many legs at most, but which place is in which is not known.
    Hidden { legs: usize, tolerance: usize },
}

impl Shape {
    /// Losses that are survived, given what each place costs; in the worst case where that is not known.
    fn worst(&self, costs: &[i32]) -> Option<i32> {
        match self {
            Shape::Legs { legs, tolerance } => {
                let of = |leg: &Vec<usize>| {
                    cheapest(leg.iter().filter_map(|it| costs.get(*it)), *tolerance)
                };
                legs.iter().map(of).min()
            }
            Shape::Hidden { tolerance, .. } => Some(cheapest(costs.iter(), *tolerance)),
        }
    }

    /// The same as things stand. Losses that could all be in one leg are spread over several as long as the set serves
    /// (one that does not says so itself); only more of them than all legs together bear are too many for certain.
    fn standing(&self, costs: &[i32]) -> Option<i32> {
        let worst = self.worst(costs)?;
        let Shape::Hidden { legs, tolerance } = self else { return Some(worst) };
        let lost = costs.iter().filter(|it| **it == 0).count();
        Some(if lost > legs * tolerance { worst } else { worst.max(0) })
    }
}

fn cheapest<'a>(costs: impl Iterator<Item = &'a i32>, tolerance: usize) -> i32 {
    let mut costs: Vec<i32> = costs.copied().collect();
    costs.sort_unstable();
    costs.iter().take(tolerance + 1).sum::<i32>() - 1
}

fn shape(set: &Set, width: usize) -> Option<Shape> {
    if width == 0 {
        return None;
    }
    let one_leg = |tolerance: usize| Shape::Legs {
        legs: vec![(0..width).collect()],
        tolerance: tolerance.min(width.saturating_sub(1)),
    };
    let (name, detail) = set.scheme.split_once(':').unwrap_or((&set.scheme, ""));
    let copies = usize::try_from(set.copies).unwrap_or(1).max(1);
    Some(match name {
        "raid0" | "linear" | "jbod" | "single" | "targets" => one_leg(0),
        "raid1" | "mirror" | "bond" | "multipath" | "controllers" => one_leg(width - 1),
        "raid4" | "raid5" | "raidz" | "raidz1" => one_leg(1),
        "raid6" | "raidz2" => one_leg(2),
        "raidz3" => one_leg(3),
        "raid10" => mirrored(width, if set.copies == 0 { 2 } else { copies }),
        "raid50" => striped(width, detail, 1),
        "raid60" => striped(width, detail, 2),
        "erasure" => one_leg(erasure(detail)?),
        "replica" => match detail.split_once('/') {
            Some((needed, copies)) => {
                one_leg(copies.parse::<usize>().ok()?.checked_sub(needed.parse().ok()?)?)
            }
            None => one_leg(width - detail.parse::<usize>().unwrap_or(1).clamp(1, width)),
        },
        "n_of_m" => one_leg(width - detail.parse::<usize>().ok()?.clamp(1, width)),
        "quorum" => one_leg(width - (width / 2 + 1)),
        _ => return None,
    })
}

/// Shards that may be lost: `8+2`, or `8+2/9` where 9 must be there to serve.
fn erasure(detail: &str) -> Option<usize> {
    let (shards, needed) = detail.split_once('/').map_or((detail, None), |it| (it.0, Some(it.1)));
    let (data, parity) = shards.split_once('+')?;
    let parity: usize = parity.parse().ok()?;
    let Some(needed) = needed else { return Some(parity) };
    let data: usize = data.parse().ok()?;
    Some(data.checked_add(parity)?.checked_sub(needed.parse().ok()?)?.min(parity))
}

/// RAID 10: neighbours by slot hold the same blocks. Where the width is no multiple of the copies (three disks, two
/// copies), each run of neighbours, round the corner too, holds some block alone.
fn mirrored(width: usize, copies: usize) -> Shape {
    let copies = copies.min(width);
    let legs = match width.is_multiple_of(copies) {
        true => {
            (0..width / copies).map(|leg| (leg * copies..(leg + 1) * copies).collect()).collect()
        }
        false => {
            (0..width).map(|from| (0..copies).map(|it| (from + it) % width).collect()).collect()
        }
    };
    Shape::Legs { legs, tolerance: copies - 1 }
}

fn striped(width: usize, legs: &str, tolerance: usize) -> Shape {
    match legs.parse::<usize>() {
        Ok(legs) if legs > 0 && width.is_multiple_of(legs) => {
            let size = width / legs;
            let legs = (0..legs).map(|leg| (leg * size..(leg + 1) * size).collect()).collect();
            Shape::Legs { legs, tolerance }
        }
        // A leg has at least one place more than it may lose.
        legs => {
            let most = width / (tolerance + 1);
            Shape::Hidden { legs: legs.unwrap_or(most).clamp(1, most.max(1)), tolerance }
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
