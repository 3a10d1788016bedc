//! Questions over HTTPS to targets: what a proxy source may ask, and nothing else.
//!
//! Blocking, over rustls and httparse, which the tree has anyway: a source has its thread and its deadline, and an
//! HTTP library with pools, redirects and proxies would bring what nobody wants here. Redirects are not followed, and
//! no proxy of the environment is used: a credential goes to the configured target or nowhere.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use toml::Table;

mod client;

pub(super) mod http;

pub(super) mod heard;

mod site;

mod tls;

use client::Client;
use site::Site;

use super::HostError;

/// Largest answer: the longest known, a power meter's history, has 150 KiB; a log page with details 1 MiB.
pub(super) const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Longest wait for one answer: some controllers collect from their devices for that long.
const ANSWER: Duration = Duration::from_secs(30);

/// A question to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The source that asks: its targets are looked up.
    pub source: &'a str,
    /// The target's name.
    pub target: &'a str,
    /// What is asked for, from the root: `/redfish/v1/Systems`. For a log-in, where sessions are made.
    pub path: &'a str,
    /// How long to wait at most.
    pub limit: Duration,
}

impl Request<'_> {
    /// That it failed so.
    pub(super) fn failed(&self, source: io::Error) -> HostError {
        remote(self, "GET", source)
    }

    /// Of a target that the host does not have.
    pub(super) fn no_target(&self, what: &str) -> HostError {
        let text = "there is no such target";
        remote(self, what, io::Error::new(io::ErrorKind::NotFound, text))
    }
}

/// A target's answer. Any status is data: a service says by 404 that it has no such resource.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reply {
    /// 200, 404, …
    pub status: u16,
    /// At most 4 MiB.
    pub body: String,
}

/// Checks the keys of a target that open this door: `user`, `password_file`, `ca_file` or `fingerprint`, `auth`. All
/// mistakes at once.
pub fn check_https(section: &Table) -> Result<(), String> {
    site::check(section)
}

/// A client that is asked by one thread at a time.
type Shared = Arc<Mutex<Client>>;

/// The open connections, by source and target. One question of a target at a time.
#[derive(Default)]
pub(super) struct Https {
    clients: Mutex<BTreeMap<(String, String), Shared>>,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Https")
    }
}

impl Https {
    /// Asks. `door` is the target's address and keys, needed where there is no connection yet.
    pub(super) fn get(
        &self,
        ask: &Request<'_>,
        door: Option<(String, Table)>,
    ) -> Result<Reply, HostError> {
        let client = self.client(ask, door)?;
        let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
        client.get(ask.path, ask.limit.min(ANSWER)).map_err(|source| remote(ask, "GET", source))
    }

    /// Logs in; a second time does nothing.
    pub(super) fn login(
        &self,
        ask: &Request<'_>,
        door: Option<(String, Table)>,
    ) -> Result<(), HostError> {
        let client = self.client(ask, door)?;
        let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
        client
            .login(ask.path, ask.limit.min(ANSWER))
            .map_err(|source| remote(ask, "log in at", source))
    }

    /// Logs out and closes the connection. What was configured is read anew by the next question.
    pub(super) fn logout(&self, source: &str, target: &str) -> Result<(), HostError> {
        let key = (source.to_owned(), target.to_owned());
        let client = self.clients.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        let Some(client) = client else { return Ok(()) };
        let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
        let ask = Request { source, target, path: "", limit: ANSWER };
        client.logout().map_err(|error| remote(&ask, "log out", error))
    }

    fn client(
        &self,
        ask: &Request<'_>,
        door: Option<(String, Table)>,
    ) -> Result<Shared, HostError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (ask.source.to_owned(), ask.target.to_owned());
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let (address, keys) = door.ok_or_else(|| ask.no_target("find"))?;
        // It was checked when the configuration was read.
        let wrong = |why: Vec<String>| io::Error::new(io::ErrorKind::InvalidInput, why.join("; "));
        let site = Site::read(&address, &keys).map_err(|why| remote(ask, "find", wrong(why)))?;
        let client = Arc::new(Mutex::new(Client::new(site)));
        clients.insert(key, client.clone());
        Ok(client)
    }
}

fn remote(ask: &Request<'_>, what: &str, source: io::Error) -> HostError {
    let question = format!("{what} {}", ask.path).trim_end().to_owned();
    HostError::Remote { target: ask.target.to_owned(), question, source }
}
