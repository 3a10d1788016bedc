//! Bundles: batches that were carried here in a file.
//!
//! Reading checks the frames, the number of batches, every batch with its definitions and, if there is one, the
//! signature against the certificate in the bundle. That is enough to judge it. Importing wants more: a certificate of
//! this collector's own authority, valid when the bundle was made, of an agent that was not revoked.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::{
    RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, UnixTime},
    server::WebPkiClientVerifier,
};
use thiserror::Error;
use xunjian_proto::{
    HostFacts, Run, Time,
    check::{self, Batch},
    frame::{Piece, Record, pieces},
    token::{fingerprint, hex},
    wire::{self, Hash, Known, WireError},
};

use crate::{
    identity::{Authority, agent_of},
    store::{AgentId, Appended, Store, StoreError, StoredBatch},
};

/// Largest bundle: a quarter of 10 s ticks of a large host is below 100 MiB.
const BUNDLE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Most memory for the definitions of a bundle.
const DEFINED_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Batches in one commit.
const GROUP: usize = 64;

/// A bundle that was read and is whole.
#[derive(Debug)]
pub struct Bundle {
    /// Whose readings.
    pub host: HostFacts,
    /// When it was made, by the host's clock.
    pub created: Time,
    /// All runs in their order.
    pub runs: Vec<Run>,
    /// Whether it is signed by the key of the certificate that it brings. Says nothing of whose certificate that is.
    pub signed: bool,
    chain: Vec<CertificateDer<'static>>,
    parts: Vec<Part>,
    /// SHA-256 of the file.
    digest: [u8; 32],
}

/// A batch with the definitions that came before it, and what is told of it.
#[derive(Debug)]
struct Part {
    batch: Batch,
    definitions: Vec<(Hash, Vec<u8>)>,
    at: Time,
    until: Time,
    samples: u32,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Whose readings.
    pub agent: AgentId,
    /// Batches that are new.
    pub stored: usize,
    /// Batches that were imported before.
    pub duplicates: usize,
    /// Samples in the new ones.
    pub samples: u64,
}

/// Why a bundle was refused.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The file.
    #[error("cannot read the bundle {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No bundle at all.
    #[error("this is no bundle: it does not begin with a bundle's header")]
    NoBundle,
    /// Bytes were changed or are missing.
    #[error("the bundle is damaged at byte {offset}: {why}; copy it again")]
    Damaged {
        /// Where.
        offset: usize,
        /// What was found.
        why: &'static str,
    },
    /// A batch or definition in it.
    #[error("the bundle cannot be taken")]
    Wire(#[from] WireError),
    /// The signature does not fit.
    #[error("the bundle's signature does not fit its content: it was changed after it was signed")]
    Signature,
    /// Import wants a signature.
    #[error("the bundle is not signed: enrol the agent, or use `judge`, which takes it")]
    Unsigned,
    /// Not signed by an agent of ours.
    #[error("the bundle was signed with a certificate that this collector did not give")]
    Foreign(#[source] rustls::Error),
    /// The signer was shut out.
    #[error("the agent {} that signed the bundle was revoked", .0.0)]
    Revoked(AgentId),
    /// The store could not keep it.
    #[error("cannot keep the bundle in the store")]
    Store(#[from] StoreError),
}

/// Reads a bundle from a file and checks that it is whole. `now` bounds its times.
pub fn load(path: &Path, now: Time) -> Result<Bundle, BundleError> {
    let wrap = |source| BundleError::Read { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(wrap)?.len();
    if length > BUNDLE_BYTES_MAX {
        let why = format!("{length} bytes, wanted at most {BUNDLE_BYTES_MAX}");
        return Err(wrap(io::Error::new(io::ErrorKind::FileTooLarge, why)));
    }
    read(&fs::read(path).map_err(wrap)?, now)
}

/// Reads a bundle from its bytes; see [`load`].
pub fn read(bytes: &[u8], now: Time) -> Result<Bundle, BundleError> {
    let pieces = pieces(bytes);
    let mut records = pieces.iter().map(record);
    let Some(Ok((_, Record::Header { host, created, chain }))) = records.next() else {
        return Err(BundleError::NoBundle);
    };
    check::time("the time of the bundle", created, now)?;
    let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
    let mut reading = Reading::default();
    for record in records.by_ref() {
        match record? {
            (_, Record::Definition(definition)) => reading.define(definition)?,
            (_, Record::Batch(batch)) => reading.batch(batch, now)?,
            (offset, Record::Header { .. }) => {
                return Err(BundleError::Damaged { offset, why: "a second header" });
            }
            (offset, Record::End { batches, signature }) => {
                if batches as usize != reading.parts.len() {
                    return Err(BundleError::Damaged { offset, why: "batches are missing" });
                }
                if records.next().is_some() {
                    return Err(BundleError::Damaged { offset, why: "something follows its end" });
                }
                let signed = !signature.is_empty();
                if signed {
                    let signer = chain.first().ok_or(BundleError::Signature)?;
                    verify(signer, &bytes[..offset], &signature)?;
                }
                let digest = fingerprint(bytes);
                let Reading { runs, parts, .. } = reading;
                return Ok(Bundle { host, created, runs, signed, chain, parts, digest });
            }
        }
    }
    Err(BundleError::Damaged { offset: bytes.len(), why: "its end is missing" })
}

/// Takes a bundle into the store: with the same checks and the same result as if it had come over the wire.
pub fn import(
    store: &Store,
    authority: &Authority,
    bundle: Bundle,
    now: Time,
) -> Result<Imported, BundleError> {
    let agent = signer(authority, &bundle)?;
    if store.revoked()?.contains(&agent) {
        return Err(BundleError::Revoked(agent));
    }
    store.hello(&agent, &bundle.host, now)?;
    let mut imported = Imported { agent, stored: 0, duplicates: 0, samples: 0 };
    // A scope of its own, so that its sequences do not mix with those of the agent's stream; the same file twice is
    // the same scope.
    let scope = format!("/bundle-{}", &hex(&bundle.digest)[..16]);
    let mut batches = bundle.parts.into_iter().map(|part| StoredBatch {
        agent: imported.agent.clone(),
        boot_id: format!("{}{scope}", part.batch.boot_id),
        sequence: part.batch.sequence,
        at: part.at,
        until: part.until,
        definitions: part.definitions,
        body: part.batch.body,
        samples: part.samples,
        received: now,
    });
    loop {
        let group: Vec<StoredBatch> = batches.by_ref().take(GROUP).collect();
        if group.is_empty() {
            return Ok(imported);
        }
        for (batch, appended) in group.iter().zip(store.append(&group)?) {
            match appended {
                Appended::Stored => {
                    imported.stored += 1;
                    imported.samples += u64::from(batch.samples);
                }
                Appended::Duplicate => imported.duplicates += 1,
            }
        }
    }
}

/// The agent that signed, if its certificate is ours and was valid when the bundle was made.
fn signer(authority: &Authority, bundle: &Bundle) -> Result<AgentId, BundleError> {
    let leaf = bundle.chain.first().filter(|_| bundle.signed).ok_or(BundleError::Unsigned)?;
    let general = |error: &dyn std::error::Error| rustls::Error::General(error.to_string());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).map_err(BundleError::Foreign)?;
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| BundleError::Foreign(general(&error)))?;
    let created = UnixTime::since_unix_epoch(bundle.created.since(Time::from_secs(0)));
    verifier.verify_client_cert(leaf, &[], created).map_err(BundleError::Foreign)?;
    agent_of(leaf).ok_or_else(|| {
        BundleError::Foreign(rustls::Error::General("the certificate names no agent".to_owned()))
    })
}

fn verify(signer: &CertificateDer<'_>, bytes: &[u8], signature: &[u8]) -> Result<(), BundleError> {
    let (_, parsed) =
        x509_parser::parse_x509_certificate(signer).map_err(|_| BundleError::Signature)?;
    let key = &parsed.public_key().subject_public_key.data;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
        .verify(bytes, signature)
        .map_err(|_| BundleError::Signature)
}

fn record(piece: &Piece<'_>) -> Result<(usize, Record), BundleError> {
    match piece {
        Piece::Whole { offset, content } => Ok((*offset, Record::decode(content)?)),
        Piece::Damaged { offset, last: true, .. } => {
            Err(BundleError::Damaged { offset: *offset, why: "it is cut or changed from here on" })
        }
        Piece::Damaged { offset, last: false, .. } => {
            Err(BundleError::Damaged { offset: *offset, why: "a checksum does not hold" })
        }
    }
}

#[derive(Default)]
struct Reading {
    known: HashMap<Hash, Known>,
    weight: usize,
    new: Vec<(Hash, Vec<u8>)>,
    sequences: HashSet<u64>,
    runs: Vec<Run>,
    parts: Vec<Part>,
}

impl Reading {
    fn define(&mut self, definition: wire::Definition) -> Result<(), WireError> {
        let known = wire::learn(&definition)?;
        self.weight = self.weight.saturating_add(known.weight());
        if self.weight > DEFINED_BYTES_MAX {
            return Err(WireError::TooLarge {
                what: "what the bundle defines, in bytes,",
                found: self.weight as u64,
                limit: DEFINED_BYTES_MAX as u64,
            });
        }
        self.known.insert(definition.hash, known);
        self.new.push((definition.hash, definition.body));
        Ok(())
    }

    fn batch(&mut self, batch: Batch, now: Time) -> Result<(), WireError> {
        if !self.sequences.insert(batch.sequence) {
            let found = batch.sequence.to_string();
            return Err(WireError::BadValue { what: "a sequence, each once,", found });
        }
        let runs = wire::unpack(&batch.body, &|hash| self.known.get(hash).cloned())?;
        check::times(&runs, now)?;
        let samples: usize = runs.iter().map(|run| run.samples.len()).sum();
        self.parts.push(Part {
            batch,
            definitions: std::mem::take(&mut self.new),
            at: runs.iter().map(|run| run.at).min().unwrap_or(now),
            until: runs.iter().map(|run| run.at).max().unwrap_or(now),
            samples: u32::try_from(samples).unwrap_or(u32::MAX),
        });
        self.runs.extend(runs);
        Ok(())
    }
}
