//! Opening the folder, the one writing connection and the small pool of reading ones.
//!
//! The writer runs with synchronous=FULL: when a commit returns, it is on the disk. Work that can be made again from
//! what is durable commits with synchronous=NORMAL; the log is sequential, so a later FULL commit carries it along.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{
    AgentId, Store, StoreError, counters::Counts, ingest::Resume, now::NowCache,
    points::PointCache, schema,
};

/// The database in the store's folder.
pub(super) const FILE: &str = "xunjian.db";

/// How long a statement waits for another process (a backup, an import) before it fails.
const BUSY: Duration = Duration::from_secs(15);

/// Reading connections that are kept open between uses; more are opened when needed and closed again.
const READERS: usize = 8;

/// Prepared statements kept per connection: all of ours and those of a few windows.
const STATEMENTS: usize = 192;

/// Everything behind a [`Store`].
pub(super) struct Inner {
    pub(super) folder: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    pub(super) now: Mutex<NowCache>,
    pub(super) points: Mutex<PointCache>,
    pub(super) counts: Counts,
    /// Held by the one compaction that runs.
    pub(super) compacting: Mutex<()>,
}

/// The one connection that writes, with what it remembers of the tables.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) memory: Memory,
    /// SQLite's number that moves when another process has written.
    data_version: i64,
}

/// What the writer remembers; dropped whenever it could differ from the disk.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) agents: HashMap<AgentId, i64>,
    pub(super) resume: HashMap<(i64, String), Resume>,
    /// Newest row of each (window, agent).
    pub(super) tails: HashMap<(i64, i64), i64>,
}

/// How sure a commit must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// On the disk when it returns.
    Full,
    /// Kept through a crash of the program; after power loss it may have to be made again.
    Normal,
}

/// Names the operation on an engine's error.
pub(super) trait During<T> {
    /// `op` completes "cannot …".
    fn during(self, operation: &'static str) -> Result<T, StoreError>;
}

impl<T> During<T> for rusqlite::Result<T> {
    fn during(self, operation: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Engine { operation, source })
    }
}

/// A lock whose holder panicked is taken over: transactions roll back by themselves and caches are dropped on error.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens or makes the store in a folder and brings its format up to date.
    ///
    /// # Errors
    /// The folder cannot be made or read; the file is not ours, damaged, or of a newer format.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        make_folder(folder).map_err(|source| at_folder(folder, source))?;
        let mut connection = connect(&folder.join(FILE), true)?;
        migrate(&mut connection, folder)?;
        Store::over(folder, connection)
    }

    /// Opens an existing store beside a collector that may be running: nothing is made, brought up to date or written.
    ///
    /// # Errors
    /// There is none in the folder, it cannot be read, or it has another format than this program's.
    pub fn open_to_read(folder: &Path) -> Result<Store, StoreError> {
        let file = folder.join(FILE);
        if !file.exists() {
            return Err(StoreError::NotFound { what: format!("database ({})", file.display()) });
        }
        let connection = connect(&file, false)?;
        match format_of(&connection)? {
            schema::FORMAT => Store::over(folder, connection),
            found if found > schema::FORMAT => {
                Err(StoreError::Newer { found, known: schema::FORMAT })
            }
            found => Err(StoreError::Corrupt {
                what: file.display().to_string(),
                why: format!(
                    "it has the older format {found}, this program reads {}; `serve` brings it up to date",
                    schema::FORMAT
                ),
            }),
        }
    }

    fn over(folder: &Path, connection: Connection) -> Result<Store, StoreError> {
        let data_version = data_version(&connection)?;
        Ok(Store {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                writer: Mutex::new(Writer { connection, memory: Memory::default(), data_version }),
                readers: Mutex::new(Vec::new()),
                now: Mutex::new(NowCache::default()),
                points: Mutex::new(PointCache::default()),
                counts: Counts::default(),
                compacting: Mutex::new(()),
            }),
        })
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Keeps the store from growing beyond so many pages (4 KiB each); a write that needs more fails as on a full
    /// disk. The limit holds until the store is opened again.
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        let writer = lock(&self.inner.writer);
        writer
            .connection
            .pragma_update(None, "max_page_count", pages)
            .during("limit the store's size")
    }

    /// Runs `work` in one writing transaction; an error rolls all of it back.
    pub(super) fn write<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>, &mut Memory) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write_with(Sync::Full, operation, work)
    }

    pub(super) fn write_with<T>(
        &self,
        sync: Sync,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>, &mut Memory) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut guard = lock(&self.inner.writer);
        let writer = &mut *guard;
        let level = if sync == Sync::Full { "FULL" } else { "NORMAL" };
        writer.connection.pragma_update(None, "synchronous", level).during(operation)?;
        let transaction = writer
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .during(operation)?;
        let version = data_version(&transaction)?;
        if version != writer.data_version {
            writer.data_version = version;
            writer.memory = Memory::default();
            lock(&self.inner.now).forget_all();
        }
        let done = work(&transaction, &mut writer.memory)
            .and_then(|value| transaction.commit().during(operation).map(|()| value));
        if done.is_err() {
            writer.memory = Memory::default();
        }
        done
    }

    /// Runs `work` on one consistent view; writers go on meanwhile.
    pub(super) fn read<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let pooled = lock(&self.inner.readers).pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => connect(&self.inner.folder.join(FILE), false)?,
        };
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .during(operation)?;
        let value = work(&transaction)?;
        drop(transaction);
        let mut readers = lock(&self.inner.readers);
        if readers.len() < READERS {
            readers.push(connection);
        }
        Ok(value)
    }
}

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    // Cases, people and password hashes: for the collector's own user only.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

pub(super) fn at_folder(folder: &Path, source: io::Error) -> StoreError {
    StoreError::Folder { path: folder.display().to_string(), source }
}

/// Opens the database with our settings.
pub(super) fn connect(file: &Path, write: bool) -> Result<Connection, StoreError> {
    let operation = "open the store";
    let mode = if write {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).during(operation)?;
    connection.busy_timeout(BUSY).during(operation)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let pages = if write { WRITER_SETTINGS } else { READER_SETTINGS };
    connection.execute_batch(pages).during(operation)?;
    Ok(connection)
}

/// The log is moved into the file every 32 MiB: pages that change with each batch are then written once, not often.
const WRITER_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

const READER_SETTINGS: &str =
    "PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    connection
        .prepare_cached("PRAGMA data_version")
        .and_then(|mut it| it.query_row([], |row| row.get(0)))
        .during("open the store")
}

fn migrate(connection: &mut Connection, folder: &Path) -> Result<(), StoreError> {
    let operation = "bring the store's format up to date";
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).during(operation)?;
    let found = format_of(&transaction)?;
    let application: i32 = transaction
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .during(operation)?;
    let tables: u32 = transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .during(operation)?;
    if application != schema::APPLICATION_ID && tables > 0 {
        let why = "this is a database of another program; choose another folder";
        return Err(StoreError::Corrupt {
            what: folder.join(FILE).display().to_string(),
            why: why.to_owned(),
        });
    }
    if found > schema::FORMAT {
        return Err(StoreError::Newer { found, known: schema::FORMAT });
    }
    for step in schema::MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(step).during(operation)?;
    }
    if found < schema::FORMAT {
        let id = schema::APPLICATION_ID;
        transaction.pragma_update(None, "application_id", id).during(operation)?;
        transaction.pragma_update(None, "user_version", schema::FORMAT).during(operation)?;
    }
    transaction.commit().during(operation)
}

/// The format number that a database carries; 0 for a new one.
pub(super) fn format_of(connection: &Connection) -> Result<u32, StoreError> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .during("read the store's format")
}
