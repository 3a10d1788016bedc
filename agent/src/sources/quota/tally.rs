//! The sum of one report: how many have reached a limit, and the few that are nearest to theirs.

use std::{cmp::Ordering, collections::BTreeMap};

use super::report::{Class, Standing, Subject};

/// Subjects that are told of one by one in each report: those that a person would look at.
pub(super) const TOLD_MAX: usize = 16;

/// Of those that have reached no limit, these are told of: above this share of it.
const NEAR: f64 = 0.8;

/// All of one class on one device.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) class: Class,
    pub(super) device: String,
    /// Those with a limit.
    pub(super) limited: u32,
    /// By standing, but `ok`.
    pub(super) reached: BTreeMap<Standing, u32>,
    /// The worst first; at most [`TOLD_MAX`].
    pub(super) nearest: Vec<Subject>,
    /// Of those that were told of before, what became of them.
    pub(super) known: Vec<Subject>,
}

impl Tally {
    pub(super) fn new(class: Class, device: &str) -> Tally {
        let (reached, nearest, known) = (BTreeMap::new(), Vec::new(), Vec::new());
        Tally { class, device: device.to_owned(), limited: 0, reached, nearest, known }
    }

    /// Counts a subject. `known`: it was told of before.
    pub(super) fn add(&mut self, subject: Subject, known: bool) {
        if known {
            self.known.retain(|it| it.id != subject.id);
            self.known.push(subject.clone());
        }
        if !subject.is_limited() {
            return;
        }
        self.limited = self.limited.saturating_add(1);
        let standing = subject.standing();
        if standing != Standing::Ok {
            *self.reached.entry(standing).or_default() += 1;
        } else if subject.share() < NEAR {
            return;
        }
        // Of a report that was saved twice the newer one counts.
        self.nearest.retain(|it| it.id != subject.id);
        let at = self.nearest.partition_point(|it| worse_first(it, &subject) == Ordering::Less);
        if at < TOLD_MAX {
            self.nearest.insert(at, subject);
            self.nearest.truncate(TOLD_MAX);
        }
    }

    /// Those that are told of: the nearest, and those told of before, each once.
    pub(super) fn told(&self) -> Vec<&Subject> {
        let new = |it: &&Subject| !self.nearest.iter().any(|near| near.id == it.id);
        self.nearest.iter().chain(self.known.iter().filter(new)).collect()
    }

    /// Those that have reached a limit and are not told of.
    pub(super) fn untold(&self) -> u32 {
        let told = self.told().iter().filter(|it| it.standing() != Standing::Ok).count();
        let all: u32 = self.reached.values().sum();
        all.saturating_sub(u32::try_from(told).unwrap_or(u32::MAX))
    }
}

fn worse_first(a: &Subject, b: &Subject) -> Ordering {
    let by_share = || b.share().total_cmp(&a.share());
    b.standing().cmp(&a.standing()).then_with(by_share).then_with(|| a.id.cmp(&b.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::quota::report::{Line, read};

    #[test]
    fn of_many_the_worst_are_told_and_the_rest_counted() {
        let mut tally = Tally::new(Class::User, "/dev/sdb");
        for id in 0..1000 {
            let used = if id < 20 { 200 } else { id % 200 };
            let line = format!("#{id} -- {used} 0 200 0 1 0 0 0");
            let Line::Subject(subject) = read(&line, None) else { panic!("{line}") };
            tally.add(subject, id == 50);
        }
        let full = tally.reached[&Standing::Full];
        assert_eq!(tally.limited, 1000);
        assert!(full >= 20);
        let told = tally.told();
        assert_eq!(told.len(), TOLD_MAX + 1, "and the one that was known");
        assert!(told[..TOLD_MAX].iter().all(|it| it.standing() == Standing::Full));
        assert_eq!(tally.untold(), full - 16);
    }
}
