//! How much memory a message will take once it is decoded, told before it is decoded.
//!
//! protobuf turns two bytes (an empty item) into a structure of up to 300: a definition of 8 MiB could take a gigabyte.
//! This walks over the message without allocating and adds up.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::WireError;
use crate::v1;

/// A kind of message: what one costs, and which of its fields are messages too.
pub(super) struct Shape {
    size: usize,
    nested: &'static [(u32, &'static Shape)],
}

const ATTR: Shape = Shape { size: size_of::<v1::Attr>(), nested: &[] };
const LINK: Shape = Shape { size: size_of::<v1::Link>(), nested: &[] };
const MEMBER: Shape = Shape { size: size_of::<v1::Member>(), nested: &[] };
const SET: Shape = Shape { size: size_of::<v1::Set>(), nested: &[(4, &MEMBER)] };
const SERIES: Shape = Shape { size: size_of::<v1::SeriesKey>(), nested: &[(3, &ATTR)] };
const LAYOUT: Shape = Shape { size: size_of::<v1::Layout>(), nested: &[(1, &SERIES)] };
const COMPONENT: Shape =
    Shape { size: size_of::<v1::Component>(), nested: &[(3, &ATTR), (4, &LINK), (5, &SET)] };
const STATE: Shape = Shape { size: size_of::<v1::State>(), nested: &[] };
const PROBLEM: Shape = Shape { size: size_of::<v1::Problem>(), nested: &[] };
const INVENTORY: Shape = Shape {
    size: size_of::<v1::Inventory>(),
    nested: &[(1, &COMPONENT), (2, &STATE), (3, &PROBLEM)],
};
const EVIDENCE: Shape = Shape { size: size_of::<v1::Evidence>(), nested: &[] };
const OUTCOME: Shape = Shape { size: size_of::<v1::Outcome>(), nested: &[] };
const EVENT: Shape = Shape { size: size_of::<v1::Event>(), nested: &[(6, &ATTR)] };
const REFERENCE: Shape = Shape { size: size_of::<v1::EvidenceRef>(), nested: &[] };
const PROGRAM: Shape = Shape { size: size_of::<v1::Program>(), nested: &[] };

/// `v1::Definition`.
pub(super) const DEFINITION: Shape = Shape {
    size: size_of::<v1::Definition>(),
    nested: &[(1, &LAYOUT), (2, &INVENTORY), (3, &EVIDENCE)],
};

/// `v1::BatchBody`.
pub(super) const BATCH: Shape = Shape {
    size: size_of::<v1::BatchBody>(),
    nested: &[(3, &OUTCOME), (4, &EVENT), (5, &REFERENCE), (6, &PROGRAM)],
};

/// Bytes that the decoded message will take; fails if that exceeds `limit` or if the bytes are no message.
pub(super) fn memory(
    what: &'static str,
    mut bytes: &[u8],
    shape: &Shape,
    limit: usize,
) -> Result<usize, WireError> {
    let malformed = |error: prost::DecodeError| WireError::malformed(what, error);
    let mut total = shape.size;
    while bytes.has_remaining() {
        let (field, wire_type) = decode_key(&mut bytes).map_err(malformed)?;
        if wire_type != WireType::LengthDelimited {
            skip_field(wire_type, field, &mut bytes, DecodeContext::default())
                .map_err(malformed)?;
            continue;
        }
        let length = decode_varint(&mut bytes).map_err(malformed)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (inner, rest) = bytes
            .split_at_checked(length)
            .ok_or_else(|| WireError::malformed(what, "a part is longer than the whole"))?;
        bytes = rest;
        total += match shape.nested.iter().find(|(number, _)| *number == field) {
            Some((_, nested)) => memory(what, inner, nested, limit.saturating_sub(total))?,
            None => length,
        };
        WireError::limit("what it takes in memory, in bytes,", total, limit)?;
    }
    Ok(total)
}
