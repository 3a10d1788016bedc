//! D-Bus messages read from bytes alone: a door for tests and fuzzers.

use std::io;

use super::wire::{FIXED, Frame, Message};

/// What an answer says, read in each of the ways in which answers are read.
#[derive(Debug, Default)]
pub struct Told {
    /// The text of an error; empty if it has none.
    pub said: String,
    /// The value of a property.
    pub property: Option<String>,
    /// Names of units.
    pub units: Vec<String>,
}

/// Reads one message. Fails if it is none.
pub fn message(bytes: &[u8]) -> io::Result<Told> {
    let (fixed, rest) = bytes.split_first_chunk::<FIXED>().ok_or(io::ErrorKind::UnexpectedEof)?;
    let message = Message::read(Frame::read(*fixed)?, rest.to_vec())?;
    let units = message.rows::<5>("a(ssssssouso)").unwrap_or_default();
    let name = |[name, ..]: [String; 5]| name;
    Ok(Told {
        said: message.said(),
        property: message.property().ok(),
        units: units.into_iter().map(name).collect(),
    })
}
