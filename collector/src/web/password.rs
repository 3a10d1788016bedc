//! Passwords: argon2id hashes in PHC form, and the first person of a new store.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use xunjian_proto::Time;

use crate::store::{Store, StoreError, UserRow};

/// Why a password could not be set.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// The hash could not be made.
    #[error("cannot hash the password: {0}")]
    Hash(String),
    /// The store refused.
    #[error("cannot keep the person in the store")]
    Store(#[from] StoreError),
}

/// Shortest password in characters: the length NIST SP 800-63B asks of passwords that stand alone is 15, of those
/// with a limit on tries 8; there is such a limit here, and 10 keeps a margin.
pub(super) const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password in bytes, so that nobody makes us hash megabytes.
pub(super) const PASSWORD_BYTES_MAX: usize = 256;

/// argon2id with the crate's (OWASP's) parameters: 19 MiB, two passes.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let bytes = random_bytes::<16>()?;
    let wrap = |error: argon2::password_hash::Error| PasswordError::Hash(error.to_string());
    let salt = SaltString::encode_b64(&bytes).map_err(wrap)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(wrap)?.to_string())
}

/// Whether the password belongs to the hash. Without a hash (no such person) the same work is done for nothing, so that
/// the time taken does not tell who exists.
fn is_right(password: &str, hash: Option<&str>) -> bool {
    let hash = hash.unwrap_or(NOBODY);
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    let same = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    same && hash != NOBODY
}

/// Where passwords are checked: one after the other, because each takes 19 MiB and a good part of a second, and with a
/// short line, so that a flood of logins cannot hold the threads that make the pages.
#[derive(Default)]
pub(super) struct Counter {
    line: AtomicUsize,
    turn: Mutex<()>,
}

/// Longest line before the counter, the one being served included.
const LINE_MAX: usize = 4;

impl Counter {
    /// Checks a password; `None` if the line is full.
    pub(super) fn check(&self, password: &str, hash: Option<&str>) -> Option<bool> {
        let before = self.line.fetch_add(1, Ordering::AcqRel);
        let right = (before < LINE_MAX).then(|| {
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            password.len() <= PASSWORD_BYTES_MAX && is_right(password, hash)
        });
        self.line.fetch_sub(1, Ordering::AcqRel);
        right
    }
}

/// A hash with the parameters in use that belongs to nobody.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibw$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// On a store without people: makes the manager `admin` with a random password and gives that password, to be printed
/// once. On any other store: nothing.
pub fn first_password(store: &Store, now: Time) -> Result<Option<String>, PasswordError> {
    if !store.users()?.is_empty() {
        return Ok(None);
    }
    let password = random_password()?;
    store.put_user(&UserRow {
        login: "admin".to_owned(),
        password_hash: hash_password(&password)?,
        role: "manager".to_owned(),
        customer: None,
    })?;
    store.audit(now, "system", "user.create", "admin")?;
    Ok(Some(password))
}

/// Letters and digits that nobody mistakes for one another: 32 of them, so that five bits pick one without bias.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 20 characters in groups of five: 100 bits, easy to read out over the telephone.
pub(super) fn random_password() -> Result<String, PasswordError> {
    let bytes = random_bytes::<20>()?;
    let mut password = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(password)
}

/// Random bytes from the system.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], PasswordError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| PasswordError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("correct horse").unwrap();
        assert!(is_right("correct horse", Some(&hash)));
        assert!(!is_right("correct horsf", Some(&hash)));
        assert!(!is_right("correct horse", None));
        assert!(!is_right("correct horse", Some("not a hash")));
    }

    #[test]
    fn the_dummy_hash_is_one_that_costs_the_usual_work() {
        let parsed = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(
            parsed.params.to_string(),
            PasswordHash::new(&hash_password("x").unwrap()).unwrap().params.to_string()
        );
    }

    #[test]
    fn first_passwords_are_long_and_differ() {
        let (one, two) = (random_password().unwrap(), random_password().unwrap());
        assert_eq!(one.len(), 23);
        assert_ne!(one, two);
    }
}
