//! What ingest counts, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters since the start. Every refusal has a closed kind.
#[derive(Debug, Default)]
pub struct Counters {
    /// Batches that became durable.
    pub batches: AtomicU64,
    /// Samples in them.
    pub samples: AtomicU64,
    /// Bytes of batches and definitions received.
    pub bytes: AtomicU64,
    /// Batches that were durable before.
    pub duplicates: AtomicU64,
    /// Definitions received.
    pub definitions: AtomicU64,
    /// Batches set back until their definitions come.
    pub need_definitions: AtomicU64,
    /// Times an agent was slowed down because it sent too fast.
    pub throttled: AtomicU64,
    /// Agents enrolled.
    pub enrolled: AtomicU64,
    /// Certificates renewed.
    pub renewed: AtomicU64,
    /// Open streams.
    pub streams: AtomicU64,
    /// Open connections.
    pub connections: AtomicU64,
    /// Groups of batches that could not be stored.
    pub store_errors: AtomicU64,
    refused: [AtomicU64; Refused::ALL.len()],
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not of the form that was expected.
    Malformed,
    /// Beyond a limit.
    TooLarge,
    /// A value that cannot be.
    BadValue,
    /// A time that cannot be.
    BadTime,
    /// A batch whose definitions did not come.
    MissingDefinitions,
    /// A batch with a sequence that is not higher than the one before.
    Reordered,
    /// A call without a client certificate.
    NoCertificate,
    /// A revoked agent.
    Revoked,
    /// A token that is unknown, used or expired.
    Token,
    /// A certificate request that cannot be signed.
    Request,
    /// The TLS handshake failed: a foreign certificate, no TLS, too slow.
    Handshake,
    /// Too many connections, or too much waiting to be stored.
    Busy,
}

impl Refused {
    /// All kinds.
    pub const ALL: [Refused; 12] = [
        Refused::Malformed,
        Refused::TooLarge,
        Refused::BadValue,
        Refused::BadTime,
        Refused::MissingDefinitions,
        Refused::Reordered,
        Refused::NoCertificate,
        Refused::Revoked,
        Refused::Token,
        Refused::Request,
        Refused::Handshake,
        Refused::Busy,
    ];

    /// The closed name.
    pub fn name(self) -> &'static str {
        match self {
            Refused::Malformed => "malformed",
            Refused::TooLarge => "too_large",
            Refused::BadValue => "bad_value",
            Refused::BadTime => "bad_time",
            Refused::MissingDefinitions => "missing_definitions",
            Refused::Reordered => "reordered",
            Refused::NoCertificate => "no_certificate",
            Refused::Revoked => "revoked",
            Refused::Token => "token",
            Refused::Request => "request",
            Refused::Handshake => "handshake",
            Refused::Busy => "busy",
        }
    }

    /// The kind of an error of the wire.
    pub(crate) fn of(error: &xunjian_proto::wire::WireError) -> Refused {
        let kind = error.kind();
        let same = |refused: &Refused| refused.name() == kind;
        Refused::ALL.into_iter().find(same).unwrap_or(Refused::Malformed)
    }
}

impl Counters {
    /// Counts one.
    pub(crate) fn add(counter: &AtomicU64, by: usize) {
        counter.fetch_add(by as u64, Relaxed);
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&self, why: Refused) {
        self.refused[why as usize].fetch_add(1, Relaxed);
    }

    /// How often something was refused for this reason.
    pub fn refused(&self, why: Refused) -> u64 {
        self.refused[why as usize].load(Relaxed)
    }

    /// All counters by name; refusals as `refused_KIND`.
    pub fn all(&self) -> Vec<(String, u64)> {
        let mut all: Vec<(String, u64)> = [
            ("batches", &self.batches),
            ("samples", &self.samples),
            ("bytes", &self.bytes),
            ("duplicates", &self.duplicates),
            ("definitions", &self.definitions),
            ("need_definitions", &self.need_definitions),
            ("throttled", &self.throttled),
            ("enrolled", &self.enrolled),
            ("renewed", &self.renewed),
            ("streams", &self.streams),
            ("connections", &self.connections),
            ("store_errors", &self.store_errors),
        ]
        .map(|(name, counter)| (name.to_owned(), counter.load(Relaxed)))
        .into();
        let refused =
            Refused::ALL.map(|why| (format!("refused_{}", why.name()), self.refused(why)));
        all.extend(refused);
        all
    }
}

/// A gauge that goes down by itself when what it counts ends.
pub(crate) struct Open<'a>(&'a AtomicU64);

impl<'a> Open<'a> {
    pub(crate) fn one(counter: &'a AtomicU64) -> Open<'a> {
        counter.fetch_add(1, Relaxed);
        Open(counter)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
