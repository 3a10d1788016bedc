//! Reports, people, sessions, the audit log and small settings.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use xunjian_proto::Time;

use super::{AuditRow, ReportRow, Store, StoreError, UserRow, open::During};

impl Store {
    /// Keeps a report.
    pub fn put_report(&self, report: &ReportRow) -> Result<(), StoreError> {
        let operation = "keep a report";
        self.write(operation, |tx, _| {
            let sql = "INSERT OR REPLACE INTO reports(id, customer, from_at, to_at, drafted_at, state, model)
                       VALUES(?, ?, ?, ?, ?, ?, ?)";
            let row = params![
                report.id,
                report.customer,
                report.from.millis(),
                report.to.millis(),
                report.drafted_at.millis(),
                report.state,
                report.model,
            ];
            tx.execute(sql, row).during(operation).map(drop)
        })
    }

    /// All reports, newest first, without their models.
    pub fn reports(&self) -> Result<Vec<ReportRow>, StoreError> {
        let operation = "read the reports";
        self.read(operation, |tx| {
            let sql = "SELECT id, customer, from_at, to_at, drafted_at, state, '' FROM reports
                       ORDER BY drafted_at DESC, id DESC";
            tx.prepare_cached(sql)
                .and_then(|mut it| it.query_map([], report_row)?.collect())
                .during(operation)
        })
    }

    /// One report.
    pub fn report(&self, id: &str) -> Result<Option<ReportRow>, StoreError> {
        let operation = "read a report";
        self.read(operation, |tx| {
            let sql = "SELECT id, customer, from_at, to_at, drafted_at, state, model FROM reports WHERE id = ?";
            tx.query_row(sql, [id], report_row).optional().during(operation)
        })
    }

    /// Adds or changes a person.
    pub fn put_user(&self, user: &UserRow) -> Result<(), StoreError> {
        let operation = "keep a person";
        self.write(operation, |tx, _| {
            let sql = "INSERT OR REPLACE INTO users(login, password_hash, role, customer) VALUES(?, ?, ?, ?)";
            let row = params![user.login, user.password_hash, user.role, user.customer];
            tx.execute(sql, row).during(operation).map(drop)
        })
    }

    /// A person by login.
    pub fn user(&self, login: &str) -> Result<Option<UserRow>, StoreError> {
        let operation = "read a person";
        self.read(operation, |tx| {
            let sql = "SELECT login, password_hash, role, customer FROM users WHERE login = ?";
            tx.query_row(sql, [login], user_row).optional().during(operation)
        })
    }

    /// All people, by login.
    pub fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        let operation = "read the people";
        self.read(operation, |tx| {
            let sql = "SELECT login, password_hash, role, customer FROM users ORDER BY login";
            tx.prepare_cached(sql)
                .and_then(|mut it| it.query_map([], user_row)?.collect())
                .during(operation)
        })
    }

    /// Opens a session: the token's hash.
    pub fn put_session(
        &self,
        token_hash: &str,
        login: &str,
        expires: Time,
    ) -> Result<(), StoreError> {
        let operation = "open a session";
        self.write(operation, |tx, _| {
            let sql = "INSERT OR REPLACE INTO sessions(hash, login, expires) VALUES(?, ?, ?)";
            tx.execute(sql, params![token_hash, login, expires.millis()])
                .during(operation)
                .map(drop)
        })
    }

    /// Whose session that is, if it has not expired.
    pub fn session(&self, token_hash: &str, now: Time) -> Result<Option<UserRow>, StoreError> {
        let operation = "look up a session";
        self.read(operation, |tx| {
            let sql = "SELECT u.login, u.password_hash, u.role, u.customer
                       FROM sessions s JOIN users u ON u.login = s.login WHERE s.hash = ? AND s.expires > ?";
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_row(params![token_hash, now.millis()], user_row).optional()
                })
                .during(operation)
        })
    }

    /// Ends a session.
    pub fn drop_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let operation = "end a session";
        self.write(operation, |tx, _| {
            tx.execute("DELETE FROM sessions WHERE hash = ?", [token_hash])
                .during(operation)
                .map(drop)
        })
    }

    /// Adds a line to the audit log.
    pub fn audit(
        &self,
        at: Time,
        actor: &str,
        action: &str,
        object: &str,
    ) -> Result<(), StoreError> {
        self.write("write the audit log", |tx, _| audit_line(tx, at, actor, action, object))
    }

    /// The audit log, newest first, at most `limit` lines.
    pub fn audit_lines(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let operation = "read the audit log";
        self.read(operation, |tx| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            tx.prepare_cached(
                "SELECT at, actor, action, object FROM audit ORDER BY no DESC LIMIT ?",
            )
            .and_then(|mut it| {
                it.query_map([limit], |row| {
                    Ok(AuditRow {
                        at: Time::from_millis(row.get(0)?),
                        actor: row.get(1)?,
                        action: row.get(2)?,
                        object: row.get(3)?,
                    })
                })?
                .collect()
            })
            .during(operation)
        })
    }

    /// Small named values: `instance_id`, `web_first_password_shown`.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let operation = "read a setting";
        self.read(operation, |tx| {
            tx.prepare_cached("SELECT value FROM settings WHERE key = ?")
                .and_then(|mut it| it.query_row([key], |row| row.get(0)).optional())
                .during(operation)
        })
    }

    /// Sets one.
    pub fn put_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let operation = "keep a setting";
        self.write(operation, |tx, _| {
            let sql = "INSERT OR REPLACE INTO settings(key, value) VALUES(?, ?)";
            tx.execute(sql, [key, value]).during(operation).map(drop)
        })
    }
}

/// One line of the audit log, inside the transaction of what it tells of.
pub(super) fn audit_line(
    tx: &Transaction<'_>,
    at: Time,
    actor: &str,
    action: &str,
    object: &str,
) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO audit(at, actor, action, object) VALUES(?, ?, ?, ?)")
        .and_then(|mut it| it.execute(params![at.millis(), actor, action, object]))
        .during("write the audit log")
        .map(drop)
}

fn report_row(row: &Row<'_>) -> rusqlite::Result<ReportRow> {
    Ok(ReportRow {
        id: row.get(0)?,
        customer: row.get(1)?,
        from: Time::from_millis(row.get(2)?),
        to: Time::from_millis(row.get(3)?),
        drafted_at: Time::from_millis(row.get(4)?),
        state: row.get(5)?,
        model: row.get(6)?,
    })
}

fn user_row(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        login: row.get(0)?,
        password_hash: row.get(1)?,
        role: row.get(2)?,
        customer: row.get(3)?,
    })
}
