//! Batches in a file, for sites without a way to the collector.
//!
//! Records as in the spool: a header with the host's facts and, if the agent is enrolled, its certificate chain; then
//! definitions and batches; last the number of batches and the signature of the agent's key over everything before. A
//! bundle without signature can be judged, but not imported.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use thiserror::Error;
use xunjian_proto::{
    HostFacts, Run, Time,
    check::Batch,
    frame::Record,
    wire::{self, Definition, WireError},
};

use crate::identity::Credentials;

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum BundleError {
    /// A run exceeds the limits of the wire by itself.
    #[error("the readings of source {name} cannot be packed")]
    Pack {
        /// Which source.
        name: String,
        /// Which limit.
        source: WireError,
    },
    /// The file.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The agent's key.
    #[error("cannot sign the bundle: {0}")]
    Sign(&'static str),
}

/// Writes runs to a bundle; signed if the agent is enrolled. The file is there whole or not at all.
pub fn write(
    path: &Path,
    host: &HostFacts,
    runs: &[Run],
    signer: Option<&Credentials>,
    now: Time,
) -> Result<(), BundleError> {
    let content = content(host, runs, signer, now)?;
    let new = path.with_extension("new");
    let written = || {
        let mut file = fs::File::create(&new)?;
        file.write_all(&content)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().map_err(|source| BundleError::Write { path: path.to_owned(), source })
}

/// The bytes of a bundle.
pub fn content(
    host: &HostFacts,
    runs: &[Run],
    signer: Option<&Credentials>,
    now: Time,
) -> Result<Vec<u8>, BundleError> {
    let chain = signer.map(Credentials::chain).unwrap_or_default();
    let mut bytes = Vec::new();
    Record::Header { host: host.clone(), created: now, chain }.put(&mut bytes);
    let mut packed = Packing { known: Default::default(), batches: 0, boot_id: &host.boot_id };
    packed.put(runs, &mut bytes)?;
    let signature = signer.map(|signer| sign(signer, &bytes)).transpose()?.unwrap_or_default();
    Record::End { batches: packed.batches, signature }.put(&mut bytes);
    Ok(bytes)
}

struct Packing<'a> {
    known: std::collections::HashSet<wire::Hash>,
    batches: u32,
    boot_id: &'a str,
}

impl Packing<'_> {
    /// Packs runs, in halves where they are too many for a batch.
    fn put(&mut self, runs: &[Run], out: &mut Vec<u8>) -> Result<(), BundleError> {
        let packed = match wire::pack_new(runs, &|hash| self.known.contains(hash)) {
            Ok(packed) => packed,
            Err(_) if runs.len() > 1 => {
                let (first, second) = runs.split_at(runs.len() / 2);
                self.put(first, out)?;
                return self.put(second, out);
            }
            Err(source) => {
                let name = runs.first().map(|run| run.source.clone()).unwrap_or_default();
                return Err(BundleError::Pack { name, source });
            }
        };
        for Definition { hash, body } in packed.definitions {
            self.known.insert(hash);
            Record::Definition(Definition { hash, body }).put(out);
        }
        self.batches += 1;
        let boot_id = self.boot_id.to_owned();
        Record::Batch(Batch { sequence: u64::from(self.batches), boot_id, body: packed.body })
            .put(out);
        Ok(())
    }
}

fn sign(signer: &Credentials, bytes: &[u8]) -> Result<Vec<u8>, BundleError> {
    let key = signer.key_der().map_err(BundleError::Sign)?;
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, &random)
        .map_err(|_| BundleError::Sign("the agent's key is not ECDSA P-256"))?;
    let signature = pair
        .sign(&random, bytes)
        .map_err(|_| BundleError::Sign("the system has no random bytes"))?;
    Ok(signature.as_ref().to_vec())
}
