//! A limit on wrong passwords, so that nobody can try them all: per person and address, per address, and per person.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use xunjian_proto::Time;

/// How long a wrong password counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Wrong passwords for one login from one address.
const PER_PAIR: u32 = 5;
/// Wrong passwords from one address, for whatever login: a site behind one address has several people.
const PER_ADDRESS: u32 = 30;
/// Wrong passwords for one login from everywhere: high, because whoever wants to lock a person out would use it.
const PER_LOGIN: u32 = 100;
/// Most keys kept: at three per try that is more than a flood can make at the pace of argon2 in a window.
const KEYS_MAX: usize = 30_000;

/// Wrong passwords of late.
#[derive(Default)]
pub(super) struct Failures {
    counts: Mutex<HashMap<String, (Time, u32)>>,
}

fn keys(login: &str, from: &str) -> [(String, u32); 3] {
    let login = login.to_lowercase();
    [
        (format!("pair {from} {login}"), PER_PAIR),
        (format!("address {from}"), PER_ADDRESS),
        (format!("login {login}"), PER_LOGIN),
    ]
}

impl Failures {
    /// Whether this person must wait, and until when.
    pub(super) fn wait_until(&self, login: &str, from: &str, now: Time) -> Option<Time> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        keys(login, from)
            .iter()
            .filter_map(|(key, most)| counts.get(key).filter(|(_, count)| count >= most))
            .map(|(since, _)| *since + WINDOW)
            .filter(|until| *until > now)
            .max()
    }

    /// Counts a wrong password.
    pub(super) fn count(&self, login: &str, from: &str, now: Time) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= KEYS_MAX {
            counts.retain(|_, (since, _)| *since + WINDOW > now);
        }
        if counts.len() >= KEYS_MAX {
            // Rather forget all tries than grow without bound or refuse everybody.
            tracing::warn!(keys = counts.len(), "login limiter full, starting over");
            counts.clear();
        }
        for (key, _) in keys(login, from) {
            let entry = counts.entry(key).or_insert((now, 0));
            if entry.0 + WINDOW <= now {
                *entry = (now, 0);
            }
            entry.1 = entry.1.saturating_add(1);
        }
    }

    /// A right password clears the pair's count.
    pub(super) fn clear(&self, login: &str, from: &str) {
        let [(pair, _), ..] = keys(login, from);
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(&pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_passwords_make_one_wait_and_time_heals() {
        let (failures, now) = (Failures::default(), Time::from_secs(1_000_000));
        for _ in 0..4 {
            failures.count("Admin", "10.0.0.9", now);
        }
        assert_eq!(failures.wait_until("admin", "10.0.0.9", now), None);
        failures.count("admin", "10.0.0.9", now);
        assert_eq!(failures.wait_until("admin", "10.0.0.9", now), Some(now + WINDOW));
        assert_eq!(failures.wait_until("admin", "10.0.0.10", now), None);
        assert_eq!(failures.wait_until("admin", "10.0.0.9", now + WINDOW), None);
    }

    #[test]
    fn one_address_cannot_walk_through_all_logins() {
        let (failures, now) = (Failures::default(), Time::from_secs(1_000_000));
        for number in 0..30 {
            failures.count(&format!("user{number}"), "10.0.0.9", now);
        }
        assert!(failures.wait_until("somebody", "10.0.0.9", now).is_some());
    }

    #[test]
    fn the_table_stays_bounded() {
        let (failures, now) = (Failures::default(), Time::from_secs(1_000_000));
        for number in 0..KEYS_MAX {
            failures.count(&format!("user{number}"), &number.to_string(), now);
        }
        assert!(failures.counts.lock().unwrap().len() <= KEYS_MAX + 2);
    }
}
