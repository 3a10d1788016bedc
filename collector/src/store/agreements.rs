//! Maintenance windows and accepted risks that people entered, each with its line in the audit log.

use rusqlite::params;
use xunjian_proto::Time;

use super::{
    Store, StoreError,
    agents::{from_json, to_json},
    open::During,
    people::audit_line,
};
use crate::contract::{Agreement, Window};

impl Store {
    /// Keeps one; `actor` stands in the audit log.
    pub fn put_agreement(
        &self,
        customer: &str,
        agreement: &Agreement,
        actor: &str,
        at: Time,
    ) -> Result<(), StoreError> {
        let operation = "keep what was agreed";
        let action = match agreement {
            Agreement::Window(_) => "maintenance.added",
            Agreement::Risk(_) => "risk.accepted",
        };
        let body = to_json("an agreement", agreement)?;
        self.write(operation, |tx, _| {
            let sql = "INSERT OR REPLACE INTO agreements(id, customer, put_at, ended_at, body)
                       VALUES(?, ?, ?, NULL, ?)";
            tx.execute(sql, params![agreement.id(), customer, at.millis(), body])
                .during(operation)?;
            audit_line(tx, at, actor, action, agreement.id())
        })
    }

    /// Ends one before its time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none of that name, or it has been ended already; the engine's.
    pub fn end_agreement(&self, id: &str, actor: &str, at: Time) -> Result<(), StoreError> {
        let operation = "end what was agreed";
        self.write(operation, |tx, _| {
            let sql = "UPDATE agreements SET ended_at = ? WHERE id = ? AND ended_at IS NULL";
            match tx.execute(sql, params![at.millis(), id]).during(operation)? {
                0 => Err(StoreError::NotFound { what: format!("agreement {id} that holds") }),
                _ => audit_line(tx, at, actor, "agreement.ended", id),
            }
        })
    }

    /// All that were not ended, in the order in which they were entered: the customer's key, what was agreed. Windows
    /// that were ended early are there too, with that as their end: what was held inside them was held.
    pub fn agreements(&self) -> Result<Vec<(String, Agreement)>, StoreError> {
        let operation = "read what was agreed";
        let rows: Vec<(String, String, Option<i64>)> = self.read(operation, |tx| {
            let sql = "SELECT customer, body, ended_at FROM agreements ORDER BY put_at, id";
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
                })
                .during(operation)
        })?;
        let mut all = Vec::new();
        for (customer, body, ended) in rows {
            let ended = ended.map(Time::from_millis);
            match from_json("an agreement", &body)? {
                Agreement::Window(it) => {
                    all.push((customer, Agreement::Window(Window { ended, ..it })));
                }
                Agreement::Risk(_) if ended.is_some() => {}
                risk => all.push((customer, risk)),
            }
        }
        Ok(all)
    }
}
