//! Drops what is older than the retention allows.

use std::time::Duration;

use rusqlite::{Transaction, params};
use xunjian_proto::Time;

use super::{Store, StoreError, ingest::SURE, open::During};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Raw detail: every reading as it was taken.
pub(super) const DETAIL: Duration = Duration::from_secs(14 * 24 * 3600);

/// Health attributes (`hw.*`), words and their changes, events, evidence, the ledger: a year and a quarter's report.
pub(super) const HEALTH: Duration = Duration::from_secs(400 * 24 * 3600);

/// Hourly means.
pub(super) const ROLLUPS: Duration = Duration::from_secs(3 * 365 * 24 * 3600);

/// Events kept per host: a storm of years must not fill the disk.
const EVENTS: u32 = 50_000;

impl Store {
    /// Drops what is older than the retention allows: detail after 14 days, health and words after 400, rollups
    /// after three years; used tokens, sessions and delivered messages when they are of no use any more.
    /// Cases, tickets, reports and the audit log stay.
    pub fn retain(&self, now: Time) -> Result<(), StoreError> {
        self.write("drop what is too old", |tx, _| {
            forget_people(tx, now)?;
            forget_health(tx, now - HEALTH)?;
            forget_blocks(tx, now)?;
            forget_definitions(tx)?;
            let marks = (now - 2 * DAY).secs().div_euclid(3600);
            run(tx, "DELETE FROM absorbed WHERE hour < ?", params![marks])
        })
    }
}

fn run(tx: &Transaction<'_>, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<(), StoreError> {
    tx.execute(sql, values).during("drop what is too old").map(drop)
}

fn forget_people(tx: &Transaction<'_>, now: Time) -> Result<(), StoreError> {
    run(tx, "DELETE FROM tokens WHERE expires <= ?", params![now.millis()])?;
    run(tx, "DELETE FROM sessions WHERE expires <= ?", params![now.millis()])?;
    let told = (now - HEALTH).millis();
    run(tx, "DELETE FROM outbox WHERE delivered_at < ?", params![told])
}

fn forget_health(tx: &Transaction<'_>, before: Time) -> Result<(), StoreError> {
    let millis = before.millis();
    run(tx, "DELETE FROM events WHERE at < ?", params![millis])?;
    run(
        tx,
        "DELETE FROM events WHERE (agent, at) IN (
             SELECT agent, at FROM (
                 SELECT agent, at, row_number() OVER (PARTITION BY agent ORDER BY at DESC) AS place FROM events
             ) WHERE place > ?)",
        params![EVENTS],
    )?;
    // The newest entry before the limit stays: it says what a word was when the kept time begins.
    run(
        tx,
        "DELETE FROM state_log WHERE at < ?1 AND EXISTS (SELECT 1 FROM state_log n WHERE n.agent = state_log.agent
             AND n.component = state_log.component AND n.metric = state_log.metric
             AND n.at > state_log.at AND n.at < ?1)",
        params![millis],
    )?;
    run(
        tx,
        "DELETE FROM evidence_of WHERE at < ?1 AND EXISTS (SELECT 1 FROM evidence_of n
             WHERE n.agent = evidence_of.agent AND n.source = evidence_of.source AND n.name = evidence_of.name
             AND n.at > evidence_of.at)",
        params![millis],
    )?;
    run(
        tx,
        "DELETE FROM evidence WHERE NOT EXISTS (SELECT 1 FROM evidence_of o WHERE o.id = evidence.id)",
        params![],
    )?;
    run(tx, "DELETE FROM ledger WHERE hour < ?", params![before.secs().div_euclid(3600)])
}

fn forget_blocks(tx: &Transaction<'_>, now: Time) -> Result<(), StoreError> {
    let hours = |keep: Duration| (now - keep).secs().div_euclid(3600);
    run(tx, "DELETE FROM blocks WHERE kind = 0 AND hours < ?", params![hours(DETAIL)])?;
    run(tx, "DELETE FROM blocks WHERE kind = 1 AND hours < ?", params![hours(HEALTH)])?;
    run(tx, "DELETE FROM rollup_parts WHERE hours < ?", params![hours(ROLLUPS)])?;
    run(
        tx,
        "DELETE FROM rollups WHERE month < ?",
        params![hours(ROLLUPS).div_euclid(super::rollup::MONTH)],
    )
}

/// Definitions that no batch has needed for days, of agents whose batches are all compacted up to a day ago: those
/// that wait longer may still need any of them.
fn forget_definitions(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let keep = i64::try_from((SURE + DAY).as_millis()).unwrap_or(i64::MAX);
    run(
        tx,
        "WITH newest AS (SELECT agent, max(used_at) AS at FROM definitions GROUP BY agent)
         DELETE FROM definitions WHERE (agent, hash) IN (
             SELECT d.agent, d.hash FROM definitions d JOIN newest n ON n.agent = d.agent
             WHERE d.used_at < n.at - ?1
             AND NOT EXISTS (SELECT 1 FROM tails t WHERE t.agent = d.agent AND t.hours < n.at / 3600000 - 24))",
        params![keep],
    )
}
