//! HTTP answers read from bytes alone: a door for tests and fuzzers.

use std::io::{self, Read};

use super::http;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its body, whole.
    pub body: Vec<u8>,
    /// Whether the connection can be used again.
    pub keep: bool,
}

/// Reads an answer of which at most `piece` bytes come at a time. Fails if it is no HTTP answer, is cut or its body is
/// larger than `body_max` bytes.
pub fn http(bytes: &[u8], piece: usize, body_max: usize) -> io::Result<Answered> {
    let response = http::read(&mut Dripping { left: bytes, piece }, body_max)?;
    Ok(Answered { status: response.status, body: response.body, keep: response.keep })
}

struct Dripping<'a> {
    left: &'a [u8],
    piece: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.left.len().min(self.piece.max(1)).min(buffer.len());
        let (now, left) = self.left.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.left = left;
        Ok(count)
    }
}
