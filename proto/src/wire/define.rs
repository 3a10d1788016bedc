//! Definitions: checked readings to their packed form and back.

use std::{collections::BTreeMap, sync::Arc};

use prost::Message;
use ring::digest;

use super::{Content, Definition, Hash, Inventory, Known, WireError, compress, decompress, scan};
use crate::{
    Component, ComponentId, Evidence, Link, Member, MemberState, Problem, Reason, Relation, Run,
    SeriesKey, Set, State,
    check::{self, DEFINITION_BYTES_MAX, DEFINITION_UNPACKED_MAX, EXPANDED_BYTES_MAX},
    v1,
};

/// The public id of a raw output: SHA-256 of its definition, in lower-case hex (64 characters).
pub fn evidence_id(evidence: &Evidence) -> String {
    crate::token::hex(digest::digest(&digest::SHA256, &encoded_evidence(evidence)).as_ref())
}

/// Checks a received definition and makes it usable.
pub fn learn(definition: &Definition) -> Result<Known, WireError> {
    WireError::limit("a definition, in bytes,", definition.body.len(), DEFINITION_BYTES_MAX)?;
    let bytes = decompress(&definition.body, "a definition", DEFINITION_UNPACKED_MAX)?;
    if hash_of(&bytes) != definition.hash {
        return Err(WireError::malformed("a definition", "its content is not what its hash says"));
    }
    let weight = weight(&bytes)?;
    let decoded = v1::Definition::decode(&*bytes)
        .map_err(|error| WireError::malformed("a definition", error))?;
    let kind =
        decoded.kind.ok_or_else(|| WireError::malformed("a definition", "of no known kind"))?;
    Ok(Known { content: content(kind)?, weight })
}

/// Bytes that an encoded definition takes in memory.
pub(super) fn weight(bytes: &[u8]) -> Result<usize, WireError> {
    scan::memory("a definition", bytes, &scan::DEFINITION, EXPANDED_BYTES_MAX)
}

pub(super) fn hash_of(bytes: &[u8]) -> Hash {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut hash = Hash::default();
    let length = hash.len();
    hash.copy_from_slice(&digest.as_ref()[..length]);
    hash
}

/// An encoded, uncompressed definition.
pub(super) fn definition(bytes: &[u8]) -> Result<Definition, WireError> {
    let what = "a definition, in bytes before packing,";
    WireError::limit(what, bytes.len(), DEFINITION_UNPACKED_MAX)?;
    let body = compress(bytes, "a definition")?;
    WireError::limit("a definition, in bytes,", body.len(), DEFINITION_BYTES_MAX)?;
    Ok(Definition { hash: hash_of(bytes), body })
}

pub(super) fn encoded_layout(run: &Run) -> Vec<u8> {
    let series = run
        .samples
        .iter()
        .map(|sample| v1::SeriesKey {
            metric: sample.series.metric.clone(),
            component: sample.series.component.as_str().to_owned(),
            attrs: attrs_out(sample.series.attrs.iter().map(|(name, value)| (name, value))),
        })
        .collect();
    encoded(v1::definition::Kind::Layout(v1::Layout { series, source: run.source.clone() }))
}

pub(super) fn encoded_inventory(run: &Run) -> Vec<u8> {
    encoded(v1::definition::Kind::Inventory(v1::Inventory {
        components: run.components.iter().map(component_out).collect(),
        states: run
            .states
            .iter()
            .map(|state| v1::State {
                metric: state.metric.clone(),
                component: state.component.as_str().to_owned(),
                value: state.value.clone(),
            })
            .collect(),
        problems: run
            .problems
            .iter()
            .map(|problem| v1::Problem {
                reason: reason_out(problem.reason),
                component: problem.component.as_ref().map(|it| it.as_str().to_owned()),
                text: problem.text.clone(),
            })
            .collect(),
    }))
}

pub(super) fn encoded_evidence(evidence: &Evidence) -> Vec<u8> {
    let Evidence { name, content } = evidence.clone();
    encoded(v1::definition::Kind::Evidence(v1::Evidence { name, content }))
}

fn encoded(kind: v1::definition::Kind) -> Vec<u8> {
    v1::Definition { kind: Some(kind) }.encode_to_vec()
}

fn content(kind: v1::definition::Kind) -> Result<Content, WireError> {
    Ok(match kind {
        v1::definition::Kind::Layout(layout) => {
            let series: Vec<SeriesKey> = layout.series.into_iter().map(series_in).collect();
            check::name("a source's name", &layout.source)?;
            check::layout(series.iter())?;
            Content::Layout(layout.source.into(), series.into_iter().map(Arc::new).collect())
        }
        v1::definition::Kind::Inventory(it) => {
            let inventory = Inventory {
                components: it
                    .components
                    .into_iter()
                    .map(component_in)
                    .collect::<Result<_, _>>()?,
                states: it.states.into_iter().map(state_in).collect(),
                problems: it.problems.into_iter().map(problem_in).collect::<Result<_, _>>()?,
            };
            check::inventory(&inventory.components, &inventory.states, &inventory.problems)?;
            Content::Inventory(Arc::new(inventory))
        }
        v1::definition::Kind::Evidence(v1::Evidence { name, content }) => {
            let evidence = Evidence { name, content };
            check::evidence(&evidence)?;
            Content::Evidence(Arc::new(evidence))
        }
    })
}

fn series_in(it: v1::SeriesKey) -> SeriesKey {
    SeriesKey {
        metric: it.metric,
        component: ComponentId::parse(&it.component),
        attrs: it.attrs.into_iter().map(|attr| (attr.name, attr.value)).collect(),
    }
}

fn state_in(it: v1::State) -> State {
    State { metric: it.metric, component: ComponentId::parse(&it.component), value: it.value }
}

fn problem_in(it: v1::Problem) -> Result<Problem, WireError> {
    Ok(Problem {
        reason: reason_in(it.reason)?,
        component: it.component.as_deref().map(ComponentId::parse),
        text: it.text,
    })
}

fn component_out(component: &Component) -> v1::Component {
    v1::Component {
        id: component.id.as_str().to_owned(),
        name: component.name.clone(),
        attrs: attrs_out(component.attrs.iter()),
        links: component
            .links
            .iter()
            .map(|link| v1::Link {
                relation: match link.relation {
                    Relation::On => 1,
                    Relation::Via => 2,
                },
                to: link.to.as_str().to_owned(),
            })
            .collect(),
        set: component.set.as_ref().map(|set| v1::Set {
            scheme: set.scheme.clone(),
            width: set.width,
            copies: set.copies,
            members: set.members.iter().map(member_out).collect(),
        }),
    }
}

fn component_in(it: v1::Component) -> Result<Component, WireError> {
    let links = it.links.into_iter().map(|link| {
        let relation = match link.relation {
            1 => Relation::On,
            2 => Relation::Via,
            other => return Err(unknown("a relation", other)),
        };
        Ok(Link { relation, to: ComponentId::parse(&link.to) })
    });
    let set = it.set.map(|set| {
        Ok(Set {
            scheme: set.scheme,
            width: set.width,
            copies: set.copies,
            members: set.members.into_iter().map(member_in).collect::<Result<_, WireError>>()?,
        })
    });
    Ok(Component {
        id: ComponentId::parse(&it.id),
        name: it.name,
        links: links.collect::<Result<_, _>>()?,
        attrs: attrs_in(it.attrs)?,
        set: set.transpose()?,
    })
}

fn member_out(member: &Member) -> v1::Member {
    let state = match member.state {
        MemberState::Active => 1,
        MemberState::Rebuilding => 2,
        MemberState::Spare => 3,
        MemberState::Failed => 4,
        MemberState::Missing => 5,
        MemberState::Unknown => 6,
    };
    let component = member.component.as_ref().map(|it| it.as_str().to_owned());
    v1::Member { slot: member.slot, component, name: member.name.clone(), state }
}

fn member_in(it: v1::Member) -> Result<Member, WireError> {
    let state = match it.state {
        1 => MemberState::Active,
        2 => MemberState::Rebuilding,
        3 => MemberState::Spare,
        4 => MemberState::Failed,
        5 => MemberState::Missing,
        6 => MemberState::Unknown,
        other => return Err(unknown("a member's state", other)),
    };
    let component = it.component.as_deref().map(ComponentId::parse);
    Ok(Member { slot: it.slot, component, name: it.name, state })
}

fn reason_out(reason: Reason) -> u32 {
    match reason {
        Reason::Asleep => 1,
        Reason::Unsupported => 2,
        Reason::TimedOut => 3,
        Reason::PermissionDenied => 4,
        Reason::Unparsable => 5,
        Reason::ToolFailed => 6,
        Reason::Missing => 7,
        Reason::Implausible => 8,
        Reason::Truncated => 9,
    }
}

fn reason_in(number: u32) -> Result<Reason, WireError> {
    Ok(match number {
        1 => Reason::Asleep,
        2 => Reason::Unsupported,
        3 => Reason::TimedOut,
        4 => Reason::PermissionDenied,
        5 => Reason::Unparsable,
        6 => Reason::ToolFailed,
        7 => Reason::Missing,
        8 => Reason::Implausible,
        9 => Reason::Truncated,
        other => return Err(unknown("a reason", other)),
    })
}

pub(super) fn unknown(what: &'static str, number: u32) -> WireError {
    let found = format!("number {number}; a newer agent needs a newer collector");
    WireError::BadValue { what, found }
}

pub(crate) fn attrs_out<'a>(
    attrs: impl Iterator<Item = (&'a String, &'a String)>,
) -> Vec<v1::Attr> {
    attrs.map(|(name, value)| v1::Attr { name: name.clone(), value: value.clone() }).collect()
}

/// Twice the same name is refused: which one is true?
pub(crate) fn attrs_in(attrs: Vec<v1::Attr>) -> Result<BTreeMap<String, String>, WireError> {
    let count = attrs.len();
    let map: BTreeMap<_, _> = attrs.into_iter().map(|attr| (attr.name, attr.value)).collect();
    if map.len() == count {
        return Ok(map);
    }
    Err(WireError::malformed("attributes", "a name comes twice"))
}
