//! Agents, their short numbers, and enrolment tokens.

use rusqlite::{OptionalExtension, Transaction, params};
use xunjian_proto::{HostFacts, Time};

use super::{
    AgentId, AgentRow, Store, StoreError, now,
    open::{During, Memory},
};

impl Store {
    /// Adds an agent at enrolment. An agent that was there before (a new certificate) keeps its first enrolment.
    pub fn enrol(&self, agent: &AgentId, host: &HostFacts, at: Time) -> Result<(), StoreError> {
        let operation = "enrol an agent";
        let mut host = host.clone();
        if host.hostname.trim().is_empty() {
            // Lists, tickets and reports need something to call it by.
            host.hostname = format!("agent-{}", agent.0.chars().take(8).collect::<String>());
        }
        let host = to_json("host facts", &host)?;
        self.write(operation, |tx, _| {
            tx.prepare_cached(
                "INSERT INTO agents(agent, host, enrolled_at) VALUES(?, ?, ?)
                 ON CONFLICT(agent) DO UPDATE SET host = excluded.host,
                     enrolled_at = coalesce(enrolled_at, excluded.enrolled_at)",
            )
            .and_then(|mut it| it.execute(params![agent.0, host, at.millis()]))
            .during(operation)
            .map(drop)
        })
    }

    /// Notes what an agent said of its host in its hello. An agent that is not known yet (its bundle is imported)
    /// is added.
    pub fn hello(&self, agent: &AgentId, host: &HostFacts, at: Time) -> Result<(), StoreError> {
        self.enrol(agent, host, at)
    }

    /// Shuts an agent out; false if it is not known or was shut out before.
    pub fn revoke(&self, agent: &AgentId, at: Time) -> Result<bool, StoreError> {
        let operation = "revoke an agent";
        self.write(operation, |tx, _| {
            let sql = "UPDATE agents SET revoked_at = ? WHERE agent = ? AND revoked_at IS NULL";
            let changed = tx.execute(sql, params![at.millis(), agent.0]).during(operation)?;
            Ok(changed > 0)
        })
    }

    /// The agents that are shut out; asked every few seconds, so it reads nothing else.
    pub fn revoked(&self) -> Result<Vec<AgentId>, StoreError> {
        let operation = "read which agents are revoked";
        self.read(operation, |tx| {
            let sql = "SELECT agent FROM agents WHERE revoked_at IS NOT NULL";
            tx.prepare_cached(sql)
                .and_then(|mut it| it.query_map([], |row| Ok(AgentId(row.get(0)?)))?.collect())
                .during(operation)
        })
    }

    /// All agents that said who they are, by host name.
    pub fn agents(&self) -> Result<Vec<AgentRow>, StoreError> {
        let operation = "read the agents";
        let mut agents = self.read(operation, |tx| {
            let sql = "SELECT agent, host, enrolled_at, revoked_at,
                           (SELECT max(at) FROM now WHERE now.agent = agents.no)
                       FROM agents WHERE host IS NOT NULL";
            type Row = (String, String, i64, Option<i64>, Option<i64>);
            let rows: Vec<Row> = tx
                .prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map([], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                    })?
                    .collect()
                })
                .during(operation)?;
            rows.into_iter()
                .map(|(agent, host, enrolled_at, revoked_at, last_seen)| {
                    Ok(AgentRow {
                        host: from_json("host facts", &host)?,
                        agent: AgentId(agent),
                        enrolled_at: Time::from_millis(enrolled_at),
                        last_seen: last_seen.map(Time::from_millis),
                        revoked_at: revoked_at.map(Time::from_millis),
                    })
                })
                .collect::<Result<Vec<_>, StoreError>>()
        })?;
        let cache = super::open::lock(&self.inner.now);
        for row in &mut agents {
            row.last_seen =
                row.last_seen.max(cache.get(&row.agent).and_then(now::AgentNow::last_seen));
        }
        drop(cache);
        agents.sort_by(|a, b| (&a.host.hostname, &a.agent).cmp(&(&b.host.hostname, &b.agent)));
        Ok(agents)
    }

    /// Keeps the hash of an enrolment token until it expires.
    pub fn put_token(&self, token_hash: &str, expires: Time) -> Result<(), StoreError> {
        let operation = "keep an enrolment token";
        self.write(operation, |tx, _| {
            let sql = "INSERT OR REPLACE INTO tokens(hash, expires) VALUES(?, ?)";
            tx.execute(sql, params![token_hash, expires.millis()]).during(operation).map(drop)
        })
    }

    /// Uses up a token: true only once, and only before it expires.
    pub fn take_token(&self, token_hash: &str, now: Time) -> Result<bool, StoreError> {
        let operation = "take an enrolment token";
        self.write(operation, |tx, _| {
            let sql = "DELETE FROM tokens WHERE hash = ? RETURNING expires";
            let expires: Option<i64> =
                tx.query_row(sql, [token_hash], |row| row.get(0)).optional().during(operation)?;
            Ok(expires.is_some_and(|expires| now.millis() < expires))
        })
    }
}

/// The store's short number of an agent, if it knows it.
pub(super) fn agent_no(tx: &Transaction<'_>, agent: &AgentId) -> Result<Option<i64>, StoreError> {
    tx.prepare_cached("SELECT no FROM agents WHERE agent = ?")
        .and_then(|mut it| it.query_row([&agent.0], |row| row.get(0)).optional())
        .during("look up an agent")
}

/// The same, giving it one if it has none.
pub(super) fn agent_no_or_new(
    tx: &Transaction<'_>,
    memory: &mut Memory,
    agent: &AgentId,
) -> Result<i64, StoreError> {
    if let Some(no) = memory.agents.get(agent) {
        return Ok(*no);
    }
    let no = match agent_no(tx, agent)? {
        Some(no) => no,
        None => {
            tx.execute("INSERT INTO agents(agent) VALUES(?)", [&agent.0])
                .during("number an agent")?;
            tx.last_insert_rowid()
        }
    };
    memory.agents.insert(agent.clone(), no);
    Ok(no)
}

/// A document as the store keeps it.
pub(super) fn to_json<T: serde::Serialize>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Corrupt { what: what.to_owned(), why: error.to_string() })
}

/// A document read back.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    what: &str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt { what: what.to_owned(), why: error.to_string() })
}
