//! The tables, as forward migrations: entry N brings format N to N + 1. Entries are never changed once released.
//!
//! Besides these there is one table `raw_<hours since the epoch>` per two-hour window that is not compacted yet, made
//! by ingest and dropped by compaction.

/// The format this program writes: the number of migrations.
pub(super) const FORMAT: u32 = MIGRATIONS.len() as u32;

/// "xjst": marks a SQLite file as ours.
pub(super) const APPLICATION_ID: i32 = 0x786a_7374;

/// Each applied in one transaction together with its number.
pub(super) const MIGRATIONS: &[&str] = &[FIRST, AGREEMENTS];

/// Columns `no` and `agent` (INTEGER) are the store's own short number of an agent; times are milliseconds; `hours` is
/// the start of a window. `arrival` numbers all batches and never repeats; it is a raw row's id. In `tails`, `last` is
/// an agent's newest row of a window and rows up to `done` are in its blocks already. `used_at` is the time of arrival
/// of the newest batch that is known to need a definition. Blocks of kind 0 hold everything
/// but health attributes, those of kind 1 health attributes (`hw.*`).
const FIRST: &str = "
CREATE TABLE agents(no INTEGER PRIMARY KEY, agent TEXT NOT NULL UNIQUE, host TEXT, enrolled_at INTEGER,
    revoked_at INTEGER);
CREATE TABLE tokens(hash TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE definitions(agent INTEGER NOT NULL, hash BLOB NOT NULL, used_at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(agent, hash));
CREATE TABLE progress(agent INTEGER NOT NULL, boot TEXT NOT NULL, ranges BLOB NOT NULL, arrival INTEGER NOT NULL,
    PRIMARY KEY(agent, boot)) WITHOUT ROWID;
CREATE TABLE tails(hours INTEGER NOT NULL, agent INTEGER NOT NULL, last INTEGER NOT NULL, done INTEGER NOT NULL,
    PRIMARY KEY(agent, hours)) WITHOUT ROWID;
CREATE TABLE pending(arrival INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL, sequence INTEGER NOT NULL,
    hours INTEGER NOT NULL);
CREATE INDEX pending_agent ON pending(agent, sequence);

CREATE TABLE series(agent INTEGER NOT NULL, no INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY(agent, no))
    WITHOUT ROWID;
CREATE TABLE now(agent INTEGER NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
    latest BLOB NOT NULL, PRIMARY KEY(agent, source));
CREATE TABLE ledger(agent INTEGER NOT NULL, hour INTEGER NOT NULL, source TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY(agent, hour, source)) WITHOUT ROWID;
CREATE TABLE absorbed(agent INTEGER NOT NULL, hour INTEGER NOT NULL, source TEXT NOT NULL, times BLOB NOT NULL,
    PRIMARY KEY(agent, hour, source)) WITHOUT ROWID;
CREATE TABLE state_log(agent INTEGER NOT NULL, component TEXT NOT NULL, metric TEXT NOT NULL, at INTEGER NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY(agent, component, metric, at)) WITHOUT ROWID;
CREATE TABLE events(agent INTEGER NOT NULL, at INTEGER NOT NULL, digest BLOB NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY(agent, at, digest)) WITHOUT ROWID;
CREATE TABLE evidence(id TEXT PRIMARY KEY, name TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE evidence_of(agent INTEGER NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
    id TEXT NOT NULL, PRIMARY KEY(agent, source, name, at)) WITHOUT ROWID;
CREATE INDEX evidence_of_id ON evidence_of(id);

CREATE TABLE blocks(id INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL, hours INTEGER NOT NULL,
    kind INTEGER NOT NULL, samples INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE(agent, hours, kind));
CREATE INDEX blocks_hours ON blocks(hours);
CREATE TABLE rollup_parts(agent INTEGER NOT NULL, hours INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(agent, hours));
CREATE TABLE rollups(agent INTEGER NOT NULL, month INTEGER NOT NULL, chunk INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY(agent, month, chunk));

CREATE TABLE cases(id TEXT PRIMARY KEY, customer TEXT NOT NULL, agent TEXT NOT NULL, rank INTEGER NOT NULL,
    opened_at INTEGER NOT NULL, closed_at INTEGER, body TEXT NOT NULL);
CREATE INDEX cases_closed ON cases(closed_at);
CREATE TABLE tickets(id TEXT PRIMARY KEY, case_id TEXT NOT NULL, customer TEXT NOT NULL, opened_at INTEGER NOT NULL,
    confirmed INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX tickets_opened ON tickets(opened_at);
CREATE TABLE ticket_days(day TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE holds(agent INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL, put_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, tried_at INTEGER, delivered_at INTEGER);
CREATE INDEX outbox_open ON outbox(id) WHERE delivered_at IS NULL;

CREATE TABLE reports(id TEXT PRIMARY KEY, customer TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL,
    drafted_at INTEGER NOT NULL, state TEXT NOT NULL, model TEXT NOT NULL);
CREATE TABLE users(login TEXT PRIMARY KEY, password_hash TEXT NOT NULL, role TEXT NOT NULL, customer TEXT);
CREATE TABLE sessions(hash TEXT PRIMARY KEY, login TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit(no INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL,
    action TEXT NOT NULL, object TEXT NOT NULL);
CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// Maintenance windows and accepted risks; `ended_at` is set when a person ended one before its time.
const AGREEMENTS: &str = "
CREATE TABLE agreements(id TEXT PRIMARY KEY, customer TEXT NOT NULL, put_at INTEGER NOT NULL, ended_at INTEGER,
    body TEXT NOT NULL);
";
