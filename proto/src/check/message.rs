//! The messages of the stream in checked form.

use super::{
    ATTRS_MAX, DEFINITION_BYTES_MAX, NAME_BYTES_MAX, REFERENCES_MAX, hash, name,
    reading::{attrs, word},
    text,
};
use crate::{
    HostFacts, Time, v1,
    wire::{Definition, Hash, WireError, attrs_in, attrs_out},
};

/// What an agent says.
#[derive(Debug, Clone, PartialEq)]
pub enum FromAgent {
    /// Opens the stream.
    Hello(Hello),
    /// Definitions that batches to come refer to.
    Definitions(Vec<Definition>),
    /// A batch.
    Batch(Batch),
    /// A command was carried out, or why not.
    Done {
        /// Which.
        id: u64,
        /// Empty if it was carried out.
        error: String,
    },
}

/// The first message of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// Who the agent speaks for. Its identity is in the certificate, not here.
    pub host: HostFacts,
}

/// A batch, still packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Rises with each batch of an agent.
    pub sequence: u64,
    /// Boot of the host under which it was made.
    pub boot_id: String,
    /// As [`crate::wire::open`] takes it.
    pub body: Vec<u8>,
}

/// What the collector says.
#[derive(Debug, Clone, PartialEq)]
pub enum FromCollector {
    /// Answers the hello.
    HelloAck {
        /// Highest durable sequence; 0 if there is none.
        last_sequence: u64,
        /// The collector's clock.
        now: Time,
    },
    /// All batches of this stream up to the sequence are durable or refused.
    Ack {
        /// Up to this one.
        sequence: u64,
        /// Those that will never be taken.
        refused: Vec<Refusal>,
    },
    /// Send these definitions, then go on from this batch.
    Need {
        /// The batch that was not taken.
        sequence: u64,
        /// What it lacks.
        hashes: Vec<Hash>,
    },
    /// Do something.
    Command(Command),
}

/// A batch that will never be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub sequence: u64,
    /// Closed kind, see [`WireError::kind`].
    pub kind: String,
    /// A sentence.
    pub text: String,
}

/// Something that the agent is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Comes back in [`FromAgent::Done`].
    pub id: u64,
    /// Sources to run at once; empty: all.
    pub inspect_now: Vec<String>,
}

impl TryFrom<v1::FromAgent> for FromAgent {
    type Error = WireError;

    fn try_from(message: v1::FromAgent) -> Result<FromAgent, WireError> {
        let kind = message.kind.ok_or_else(|| nothing("a message from an agent"))?;
        Ok(match kind {
            v1::from_agent::Kind::Hello(hello) => {
                let host = host(hello.host.ok_or_else(|| nothing("a hello"))?)?;
                FromAgent::Hello(Hello { host })
            }
            v1::from_agent::Kind::Definitions(it) => {
                let definitions = it.definitions.into_iter().map(definition);
                FromAgent::Definitions(definitions.collect::<Result<_, _>>()?)
            }
            v1::from_agent::Kind::Batch(it) => FromAgent::Batch(batch(it)?),
            v1::from_agent::Kind::Done(it) => {
                text("an answer to a command", &it.error)?;
                FromAgent::Done { id: it.id, error: it.error }
            }
        })
    }
}

impl From<FromAgent> for v1::FromAgent {
    fn from(message: FromAgent) -> v1::FromAgent {
        let kind = match message {
            FromAgent::Hello(hello) => {
                v1::from_agent::Kind::Hello(v1::Hello { host: Some(host_out(&hello.host)) })
            }
            FromAgent::Definitions(list) => v1::from_agent::Kind::Definitions(v1::Definitions {
                definitions: list.into_iter().map(definition_out).collect(),
            }),
            FromAgent::Batch(it) => v1::from_agent::Kind::Batch(batch_out(it)),
            FromAgent::Done { id, error } => {
                v1::from_agent::Kind::Done(v1::CommandDone { id, error })
            }
        };
        v1::FromAgent { kind: Some(kind) }
    }
}

impl TryFrom<v1::FromCollector> for FromCollector {
    type Error = WireError;

    fn try_from(message: v1::FromCollector) -> Result<FromCollector, WireError> {
        let kind = message.kind.ok_or_else(|| nothing("a message from the collector"))?;
        Ok(match kind {
            v1::from_collector::Kind::HelloAck(it) => FromCollector::HelloAck {
                last_sequence: it.last_sequence,
                now: Time::from_millis(it.now_ms),
            },
            v1::from_collector::Kind::Ack(it) => {
                let refused = it.refused.into_iter().map(|it| {
                    name("a refusal's kind", &it.kind)?;
                    text("a refusal", &it.text)?;
                    Ok(Refusal { sequence: it.sequence, kind: it.kind, text: it.text })
                });
                let refused = refused.collect::<Result<_, WireError>>()?;
                FromCollector::Ack { sequence: it.sequence, refused }
            }
            v1::from_collector::Kind::Need(it) => {
                WireError::limit("the number of definitions", it.hashes.len(), REFERENCES_MAX)?;
                let hashes = it.hashes.iter().map(|bytes| hash(bytes));
                let hashes = hashes.collect::<Result<_, _>>()?;
                FromCollector::Need { sequence: it.sequence, hashes }
            }
            v1::from_collector::Kind::Command(it) => {
                let Some(v1::command::Kind::InspectNow(inspect)) = it.kind else {
                    return Err(nothing("a command that this agent knows"));
                };
                WireError::limit("the number of sources", inspect.sources.len(), ATTRS_MAX)?;
                inspect.sources.iter().try_for_each(|it| name("a source's name", it))?;
                FromCollector::Command(Command { id: it.id, inspect_now: inspect.sources })
            }
        })
    }
}

impl From<FromCollector> for v1::FromCollector {
    fn from(message: FromCollector) -> v1::FromCollector {
        let kind = match message {
            FromCollector::HelloAck { last_sequence, now } => {
                let now_ms = now.millis();
                v1::from_collector::Kind::HelloAck(v1::HelloAck { last_sequence, now_ms })
            }
            FromCollector::Ack { sequence, refused } => {
                let refused = refused.into_iter().map(|it| v1::Refusal {
                    sequence: it.sequence,
                    kind: it.kind,
                    text: it.text,
                });
                v1::from_collector::Kind::Ack(v1::Ack { sequence, refused: refused.collect() })
            }
            FromCollector::Need { sequence, hashes } => {
                let hashes = hashes.iter().map(|hash| hash.to_vec()).collect();
                v1::from_collector::Kind::Need(v1::NeedDefinitions { sequence, hashes })
            }
            FromCollector::Command(Command { id, inspect_now }) => {
                let inspect = v1::InspectNow { sources: inspect_now };
                let kind = Some(v1::command::Kind::InspectNow(inspect));
                v1::from_collector::Kind::Command(v1::Command { id, kind })
            }
        };
        v1::FromCollector { kind: Some(kind) }
    }
}

/// Checks what a host says of itself.
pub fn host(facts: v1::HostFacts) -> Result<HostFacts, WireError> {
    word("a host name", &facts.hostname)?;
    boot_id(&facts.boot_id)?;
    word("an agent's version", &facts.agent_version)?;
    let checked = HostFacts {
        hostname: facts.hostname,
        boot_id: facts.boot_id,
        agent_version: facts.agent_version,
        attrs: attrs_in(facts.attrs)?,
    };
    attrs(checked.attrs.iter())?;
    Ok(checked)
}

/// The wire form of what a host says of itself.
pub fn host_out(facts: &HostFacts) -> v1::HostFacts {
    v1::HostFacts {
        hostname: facts.hostname.clone(),
        boot_id: facts.boot_id.clone(),
        agent_version: facts.agent_version.clone(),
        attrs: attrs_out(facts.attrs.iter()),
    }
}

/// Checks the outer form of a batch.
pub fn batch(it: v1::Batch) -> Result<Batch, WireError> {
    boot_id(&it.boot_id)?;
    // SQLite keeps signed numbers; 0 means "none".
    if it.sequence == 0 || i64::try_from(it.sequence).is_err() {
        let found = it.sequence.to_string();
        return Err(WireError::BadValue { what: "a sequence, from 1 up to 2^63,", found });
    }
    WireError::limit("a batch, in bytes,", it.body.len(), super::BATCH_BYTES_MAX)?;
    Ok(Batch { sequence: it.sequence, boot_id: it.boot_id, body: it.body })
}

/// The wire form of a batch.
pub fn batch_out(it: Batch) -> v1::Batch {
    v1::Batch { sequence: it.sequence, boot_id: it.boot_id, body: it.body }
}

/// Checks the outer form of a definition.
pub fn definition(it: v1::PackedDefinition) -> Result<Definition, WireError> {
    WireError::limit("a definition, in bytes,", it.body.len(), DEFINITION_BYTES_MAX)?;
    Ok(Definition { hash: hash(&it.hash)?, body: it.body })
}

/// The wire form of a definition.
pub fn definition_out(it: Definition) -> v1::PackedDefinition {
    v1::PackedDefinition { hash: it.hash.to_vec(), body: it.body }
}

fn boot_id(found: &str) -> Result<(), WireError> {
    WireError::limit("a boot id", found.len(), NAME_BYTES_MAX)?;
    if found.chars().any(char::is_control) {
        return Err(WireError::malformed("a boot id", "it has control characters"));
    }
    Ok(())
}

fn nothing(what: &'static str) -> WireError {
    WireError::malformed(what, "it is empty or of a kind unknown here")
}
