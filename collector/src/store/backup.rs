//! Backup while running, and restore.

use std::{fs, io::Write, path::Path, time::Duration};

use rusqlite::{Connection, backup};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    open::{self, During, FILE, at_folder},
    schema,
};

/// Beside the copy: what it is.
const MANIFEST: &str = "manifest.json";

/// Pages copied at a time; the source is locked for writers of other processes only meanwhile.
const STEP: i32 = 1024;

/// What a backup says about itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// Always `xunjian-store`.
    kind: String,
    /// Format of the store in it.
    format: u32,
    /// Of the program that wrote it.
    version: String,
    /// Size of the database file.
    bytes: u64,
    /// SHA-256 of the database file, hex.
    sha256: String,
}

impl Store {
    /// A consistent copy while running, into a new or empty folder, with a manifest.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`]; the folder cannot be written; the engine's.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.flush()?;
        make_empty(to)?;
        let file = to.join(FILE);
        let source = open::connect(&self.folder().join(FILE), false)?;
        copy(&source, &file, "back up the store")?;
        let (bytes, sha256) = digest(&file).map_err(|source| at_folder(to, source))?;
        let manifest = Manifest {
            kind: "xunjian-store".to_owned(),
            format: schema::FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            bytes,
            sha256,
        };
        let text = super::agents::to_json("a manifest", &manifest)?;
        // Last, and synced: a folder with a manifest is a whole backup.
        let write = || {
            let mut manifest = fs::File::create_new(to.join(MANIFEST))?;
            manifest.write_all(text.as_bytes())?;
            manifest.sync_all()?;
            fs::File::open(to)?.sync_all()
        };
        write().map_err(|source| at_folder(to, source))
    }

    /// Makes a store in a new or empty folder from a backup, and opens it.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`]; [`StoreError::Corrupt`] if the backup is not whole; [`StoreError::Newer`].
    pub fn restore(from: &Path, to: &Path) -> Result<Store, StoreError> {
        let corrupt = |why: String| StoreError::Corrupt {
            what: format!("the backup {}", from.display()),
            why,
        };
        let text = fs::read_to_string(from.join(MANIFEST))
            .map_err(|error| corrupt(format!("it has no readable {MANIFEST}: {error}")))?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
        if manifest.format > schema::FORMAT {
            return Err(StoreError::Newer { found: manifest.format, known: schema::FORMAT });
        }
        let (bytes, sha256) = digest(&from.join(FILE)).map_err(|source| at_folder(from, source))?;
        if bytes != manifest.bytes || sha256 != manifest.sha256 {
            return Err(corrupt("its content is not what was backed up".to_owned()));
        }
        make_empty(to)?;
        let source = open::connect(&from.join(FILE), false)?;
        copy(&source, &to.join(FILE), "restore the store")?;
        Store::open(to)
    }
}

fn make_empty(folder: &Path) -> Result<(), StoreError> {
    let at = |source| at_folder(folder, source);
    open::make_folder(folder).map_err(at)?;
    if fs::read_dir(folder).map_err(at)?.next().is_some() {
        return Err(StoreError::NotEmpty { path: folder.display().to_string() });
    }
    Ok(())
}

fn copy(source: &Connection, file: &Path, operation: &'static str) -> Result<(), StoreError> {
    let mut target = Connection::open(file).during(operation)?;
    let copy = backup::Backup::new(source, &mut target).during(operation)?;
    copy.run_to_completion(STEP, Duration::ZERO, None).during(operation)?;
    drop(copy);
    // One file without a log beside it, whatever mode the source was in.
    target.pragma_update(None, "journal_mode", "DELETE").during(operation)?;
    target.close().map_err(|(_, source)| StoreError::Engine { operation, source })?;
    let synced = fs::File::open(file).and_then(|file| file.sync_all());
    synced.map_err(|source| at_folder(file, source))
}

fn digest(file: &Path) -> std::io::Result<(u64, String)> {
    use std::io::Read;
    let mut file = fs::File::open(file)?;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, super::absorb::hex(context.finish().as_ref())));
        }
        bytes += read as u64;
        context.update(&buffer[..read]);
    }
}
