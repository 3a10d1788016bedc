//! Sessions: who is logged in, by a cookie whose random token only its owner knows; the store has no more than its hash.
//!
//! The cookie is `TOKEN.SEAL`: 32 random bytes and a seal of the person's password hash under them, so that a changed
//! password ends every session that was opened with the old one.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use ring::{digest, hmac};
use xunjian_proto::Time;

use super::{failure::Failure, format, pages::Access, password};
use crate::store::{Store, StoreError, UserRow};

/// Name of the session's cookie.
pub(super) const SESSION_COOKIE: &str = "xunjian_session";
/// Name of the language's cookie.
pub(super) const LANG_COOKIE: &str = "xunjian_lang";
/// A working day: a phone left in a rack room must not stay logged in for ever.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Service engineer: sees all, answers tickets.
    Engineer,
    /// Service manager: as the engineer, and looks after the people who may log in.
    Manager,
    /// Reads what belongs to one customer.
    Customer,
}

impl Role {
    fn parse(text: &str) -> Option<Role> {
        match text {
            "engineer" => Some(Role::Engineer),
            "manager" => Some(Role::Manager),
            "customer" => Some(Role::Customer),
            _ => None,
        }
    }

    /// Whether this role may call a page.
    pub(super) fn may(self, access: Access) -> bool {
        match access {
            Access::Open | Access::Reader => true,
            Access::Staff => matches!(self, Role::Engineer | Role::Manager),
            Access::Manager => self == Role::Manager,
        }
    }
}

/// A person who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    /// Login.
    pub(super) login: String,
    /// What they may do.
    pub(super) role: Role,
    /// Whose data they see, for role customer.
    pub(super) customer: Option<String>,
}

impl Viewer {
    /// Whether this person may see what belongs to that customer. The one rule all reading goes by.
    pub(super) fn sees(&self, customer: &str) -> bool {
        match self.role {
            Role::Engineer | Role::Manager => true,
            Role::Customer => self.customer.as_deref() == Some(customer),
        }
    }
}

/// An open session.
pub(super) struct Session {
    /// Whose.
    pub(super) viewer: Viewer,
    token: String,
}

impl Session {
    /// The token that this session's forms carry; it can be made only by who knows the session's own.
    pub(super) fn csrf(&self) -> String {
        hex(digest::digest(&digest::SHA256, format!("csrf {}", self.token).as_bytes()).as_ref())
    }

    /// Ends it.
    pub(super) fn end(&self, store: &Store) -> Result<(), StoreError> {
        store.drop_session(&hash(&self.token))
    }
}

/// Opens a session for a person who has proved who they are; gives the cookie's value.
pub(super) fn open(store: &Store, user: &UserRow, now: Time) -> Result<String, Failure> {
    let token =
        hex(&password::random_bytes::<32>().map_err(|error| Failure::Broken(error.to_string()))?);
    store.put_session(&hash(&token), &user.login, now + SESSION_LIFE)?;
    Ok(format!("{token}.{}", seal(&token, &user.password_hash)))
}

/// Finds the session that a cookie speaks of, if it is open and the cookie is whole.
pub(super) fn find(
    store: &Store,
    cookie: Option<&str>,
    now: Time,
) -> Result<Option<Session>, StoreError> {
    let Some((token, sealed)) = cookie.and_then(|cookie| cookie.split_once('.')) else {
        return Ok(None);
    };
    if token.len() != 64 || !format::is_id(token) {
        return Ok(None);
    }
    let Some(user) = store.session(&hash(token), now)? else { return Ok(None) };
    if seal(token, &user.password_hash) != sealed {
        return Ok(None);
    }
    let Some(role) = Role::parse(&user.role) else { return Ok(None) };
    let viewer = Viewer { login: user.login, role, customer: user.customer };
    Ok(Some(Session { viewer, token: token.to_owned() }))
}

fn hash(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

fn seal(token: &str, password_hash: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    hex(&hmac::sign(&key, password_hash.as_bytes()).as_ref()[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A cookie of the request, if it is there and short.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && value.len() <= 256)
        .map(|(_, value)| value.to_owned())
}

/// The header that sets the session's cookie, or takes it away with an empty value.
pub(super) fn set_session(value: &str, secure: bool) -> String {
    let life = if value.is_empty() { 0 } else { SESSION_LIFE.as_secs() };
    let secure = if secure { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={life}{secure}")
}

/// The header that keeps the language for a year.
pub(super) fn set_lang(value: &'static str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{LANG_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{secure}")
}
