//! Reading what hosts are like: components, words, numbers, runs, events and evidence.

use rusqlite::{OptionalExtension, Transaction, params};
use xunjian_proto::{Component, ComponentId, Event, Evidence, SeriesKey, State, Time};

use super::{
    AgentId, SourceStatus, StateChange, Store, StoreError,
    agents::{agent_no, from_json},
    open::During,
};

impl Store {
    /// Components of a host as last seen, with the time each was last seen: all that its sources say of it, together.
    /// What is gone stays, with its old time.
    pub fn components(&self, agent: &AgentId) -> Result<Vec<(Component, Time)>, StoreError> {
        let seen = self.components_by_source(agent)?;
        let mut merged: Vec<(Component, Time)> = Vec::new();
        for (_, component, at) in seen {
            match merged.last_mut() {
                Some((known, seen)) if known.id == component.id => {
                    known.merge(&component);
                    *seen = at.max(*seen);
                }
                _ => merged.push((component, at)),
            }
        }
        Ok(merged)
    }

    /// The same with the source that reported each, by component; several sources may report one component.
    pub fn components_by_source(
        &self,
        agent: &AgentId,
    ) -> Result<Vec<(String, Component, Time)>, StoreError> {
        let mut seen = self.with_now(agent, |_, now| {
            let all = now.sources.iter().flat_map(|(source, it)| {
                it.components
                    .values()
                    .map(|(component, at)| (source.clone(), component.clone(), *at))
            });
            Ok(all.collect::<Vec<_>>())
        })?;
        seen.sort_by(|a, b| a.1.id.cmp(&b.1.id));
        Ok(seen)
    }

    /// States of a host as last read, by component and name.
    pub fn states(&self, agent: &AgentId) -> Result<Vec<(State, Time)>, StoreError> {
        let mut states = self.with_now(agent, |_, now| {
            let all = now.sources.values().flat_map(|it| &it.states);
            let states = all.map(|((component, metric), (value, at))| {
                let (metric, component) = (metric.clone(), component.clone());
                (State { metric, component, value: value.clone() }, *at)
            });
            Ok(states.collect::<Vec<_>>())
        })?;
        // Of two sources that say the same word, the newer one speaks.
        states.sort_by(|(a, at), (b, bt)| {
            (&a.component, &a.metric, bt).cmp(&(&b.component, &b.metric, at))
        });
        states.dedup_by(|(a, _), (b, _)| a.component == b.component && a.metric == b.metric);
        Ok(states)
    }

    /// Series of a host, or of one component of it, with the newest value; by key.
    pub fn series(
        &self,
        agent: &AgentId,
        component: Option<&ComponentId>,
    ) -> Result<Vec<(SeriesKey, Time, f64)>, StoreError> {
        let mut series = self.with_now(agent, |_, now| {
            let all = now.sources.values().flat_map(|it| &it.latest);
            let wanted = all.filter_map(|(number, (at, value))| {
                let key = now.book.key(*number)?;
                let wanted = component.is_none_or(|component| key.component == *component);
                wanted.then(|| (key.as_ref().clone(), *at, *value))
            });
            Ok(wanted.collect::<Vec<_>>())
        })?;
        series.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        series.dedup_by(|a, b| a.0 == b.0);
        Ok(series)
    }

    /// Newest run per source of a host.
    pub fn sources(&self, agent: &AgentId) -> Result<Vec<SourceStatus>, StoreError> {
        self.with_now(agent, |_, now| {
            Ok(now.sources.values().filter_map(|it| it.status.clone()).collect())
        })
    }

    /// Changes of words of a host, or of one component of it, in a period (`from` included, `to` not), oldest first.
    pub fn state_changes(
        &self,
        agent: &AgentId,
        component: Option<&ComponentId>,
        from: Time,
        to: Time,
    ) -> Result<Vec<StateChange>, StoreError> {
        let operation = "read state changes";
        self.read(operation, |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(Vec::new()) };
            let sql = "SELECT component, metric, before, value, at FROM (
                    SELECT component, metric, value, at,
                        lag(value) OVER (PARTITION BY component, metric ORDER BY at) AS before
                    FROM state_log WHERE agent = ?1 AND (?2 IS NULL OR component = ?2))
                WHERE at >= ?3 AND at < ?4 ORDER BY at, component, metric";
            let only = component.map(ComponentId::as_str);
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map(params![no, only, from.millis(), to.millis()], |row| {
                        Ok(StateChange {
                            component: ComponentId::parse(&row.get::<_, String>(0)?),
                            metric: row.get(1)?,
                            from: row.get(2)?,
                            to: row.get(3)?,
                            at: Time::from_millis(row.get(4)?),
                        })
                    })?
                    .collect()
                })
                .during(operation)
        })
    }

    /// Events of a host in a period (`from` included, `to` not), newest first, at most `limit`.
    pub fn events(
        &self,
        agent: &AgentId,
        from: Time,
        to: Time,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let operation = "read events";
        let bodies: Vec<String> = self.read(operation, |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(Vec::new()) };
            let sql = "SELECT body FROM events WHERE agent = ? AND at >= ? AND at < ?
                       ORDER BY at DESC, digest LIMIT ?";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map(params![no, from.millis(), to.millis(), limit], |row| row.get(0))?
                        .collect()
                })
                .during(operation)
        })?;
        bodies.iter().map(|body| from_json("an event", body)).collect()
    }

    /// Raw evidence by its id (SHA-256 hex): name and content.
    pub fn evidence(&self, id: &str) -> Result<Option<Evidence>, StoreError> {
        self.read("read evidence", |tx| read_evidence(tx, id))
    }

    /// The evidence of each name that held at a time, of a host's source: (id, name), newest first.
    pub fn evidence_until(
        &self,
        agent: &AgentId,
        source: &str,
        until: Time,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let operation = "look up evidence";
        self.read(operation, |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(Vec::new()) };
            let sql = "SELECT id, name, max(at) FROM evidence_of WHERE agent = ? AND source = ? AND at <= ?
                       GROUP BY name ORDER BY max(at) DESC, name";
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map(params![no, source, until.millis()], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect()
                })
                .during(operation)
        })
    }

    /// Newest evidence of each name of a host's source: (id, name, time since which it reads so).
    pub fn evidence_of(
        &self,
        agent: &AgentId,
        source: &str,
    ) -> Result<Vec<(String, String, Time)>, StoreError> {
        let operation = "look up evidence";
        self.read(operation, |tx| {
            let Some(no) = agent_no(tx, agent)? else { return Ok(Vec::new()) };
            let sql = "SELECT id, name, max(at) FROM evidence_of WHERE agent = ? AND source = ?
                       GROUP BY name ORDER BY max(at) DESC, name";
            tx.prepare_cached(sql)
                .and_then(|mut it| {
                    it.query_map(params![no, source], |row| {
                        Ok((row.get(0)?, row.get(1)?, Time::from_millis(row.get(2)?)))
                    })?
                    .collect()
                })
                .during(operation)
        })
    }
}

/// The largest evidence that is unpacked: far above what an agent may send.
const EVIDENCE_BYTES: usize = 64 << 20;

/// Raw evidence by its id.
pub(super) fn read_evidence(
    tx: &Transaction<'_>,
    id: &str,
) -> Result<Option<Evidence>, StoreError> {
    let row: Option<(String, Vec<u8>)> = tx
        .prepare_cached("SELECT name, content FROM evidence WHERE id = ?")
        .and_then(|mut it| it.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .during("read evidence")?;
    let Some((name, packed)) = row else { return Ok(None) };
    let corrupt = |why: String| StoreError::Corrupt { what: format!("evidence {id}"), why };
    let content = zstd::bulk::decompress(&packed, EVIDENCE_BYTES)
        .map_err(|error| corrupt(error.to_string()))?;
    let content = String::from_utf8(content).map_err(|it| corrupt(it.to_string()))?;
    Ok(Some(Evidence { name, content }))
}
