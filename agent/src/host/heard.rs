//! What others on the network send, read from bytes alone: doors for tests and fuzzers into readers that nothing else may
//! use past the live host.

pub use super::{
    bus::heard::{Told, message},
    https::heard::{Answered, http},
    snmp::heard::{Heard, Peer, Said, community, pdu, walk},
};
