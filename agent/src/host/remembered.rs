//! What a host that is looked at for long knows of itself.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long serial numbers are believed: a disk that is added shares its number five minutes later at most.
const BELIEVED: Duration = Duration::from_secs(300);

/// What was found, and when.
type Found = Option<(Instant, Arc<BTreeSet<String>>)>;

/// Serial numbers that several disks bear: looked for seldom, forgotten never, so that a disk keeps its name when the one
/// that shares its number is pulled.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<Found>);

impl Shared {
    /// What is known, or what `look` finds and was known before. `now` never runs backwards.
    pub(super) fn get(
        &self,
        now: Instant,
        look: &mut dyn FnMut() -> BTreeSet<String>,
    ) -> Arc<BTreeSet<String>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let before = match known {
            Some((at, known)) if now.duration_since(at) < BELIEVED => return known,
            Some((_, known)) => known,
            None => Arc::default(),
        };
        // Not under the lock: looking reads files. Two that look at once find the same.
        let mut found = look();
        found.extend(before.iter().cloned());
        let found = Arc::new(found);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn a_shared_number_is_looked_for_seldom_and_kept() {
        let (shared, begun) = (Shared::default(), Instant::now());
        assert_eq!(*shared.get(begun, &mut || set(&["A"])), set(&["A"]));
        let soon = begun + BELIEVED / 2;
        assert_eq!(*shared.get(soon, &mut || panic!("asked too often")), set(&["A"]));
        let later = begun + BELIEVED;
        assert_eq!(*shared.get(later, &mut || set(&["B"])), set(&["A", "B"]));
    }
}
