//! Messages that wait for delivery: stored before anyone is told, delivered at least once.

use rusqlite::{Transaction, params};
use xunjian_proto::Time;

use super::{Store, StoreError, open::During};

impl Store {
    /// Messages not delivered yet, those tried longest ago first: (id, JSON).
    pub fn outbox(&self, limit: usize) -> Result<Vec<(i64, String)>, StoreError> {
        let operation = "read the outbox";
        self.read(operation, |tx| {
            let sql = "SELECT id, message FROM outbox WHERE delivered_at IS NULL
                       ORDER BY coalesce(tried_at, 0), id LIMIT ?";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
                })
                .during(operation)
        })
    }

    /// Puts a message in the outbox.
    pub fn put_outbox(&self, message: &str, at: Time) -> Result<i64, StoreError> {
        let operation = "put a message in the outbox";
        self.write(operation, |tx, _| put_message(tx, message, at))
    }

    /// Marks a message as delivered, or as tried.
    pub fn mark_outbox(&self, id: i64, delivered: bool, at: Time) -> Result<(), StoreError> {
        let operation = "mark a message";
        self.write(operation, |tx, _| {
            let sql = "UPDATE outbox SET tries = tries + 1, tried_at = ?1,
                       delivered_at = CASE WHEN ?2 THEN ?1 ELSE delivered_at END WHERE id = ?3";
            tx.prepare_cached(sql)
                .and_then(|mut it| it.execute(params![at.millis(), delivered, id]))
                .during(operation)
                .map(drop)
        })
    }
}

pub(super) fn put_message(
    tx: &Transaction<'_>,
    message: &str,
    at: Time,
) -> Result<i64, StoreError> {
    tx.prepare_cached("INSERT INTO outbox(message, put_at) VALUES(?, ?)")
        .and_then(|mut it| it.insert(params![message, at.millis()]))
        .during("put a message in the outbox")
}
