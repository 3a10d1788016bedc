//! Little pieces of the store's own binary forms: variable-length integers and a reader that never runs past the end.

use super::StoreError;

/// Appends an unsigned LEB128 integer.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low7(value) | 0x80);
        value >>= 7;
    }
    out.push(low7(value));
}

/// Appends a signed integer, small magnitudes short (zigzag).
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends bytes with their length before them.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[allow(clippy::cast_possible_truncation, reason = "masked to seven bits")]
fn low7(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// Reads what the functions above wrote; every error names what was being read.
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(what: &'static str, bytes: &'a [u8]) -> Bytes<'a> {
        Bytes { rest: bytes, what }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn corrupt(&self, why: &str) -> StoreError {
        StoreError::Corrupt { what: self.what.to_owned(), why: why.to_owned() }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], StoreError> {
        let Some((head, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.corrupt("it ends too early"));
        };
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn varint(&mut self) -> Result<u64, StoreError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.corrupt("an integer is longer than 64 bits"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, StoreError> {
        let coded = self.varint()?;
        Ok((coded >> 1).cast_signed() ^ -(coded & 1).cast_signed())
    }

    /// A count or number that must fit; `limit` keeps a flipped bit from asking for gigabytes.
    pub(super) fn count(&mut self, limit: usize) -> Result<usize, StoreError> {
        let value = self.varint()?;
        match usize::try_from(value) {
            Ok(count) if count <= limit => Ok(count),
            _ => Err(self.corrupt(&format!("a count of {value} is more than {limit}"))),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, StoreError> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| self.corrupt("a number is longer than 32 bits"))
    }

    pub(super) fn f64(&mut self) -> Result<f64, StoreError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(f64::from_le_bytes(bytes))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], StoreError> {
        let length = self.count(self.rest.len())?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back() {
        let mut out = Vec::new();
        let values = [0, 1, -1, 63, -64, 1 << 40, i64::MAX, i64::MIN];
        for value in values {
            put_signed(&mut out, value);
            put_varint(&mut out, value.cast_unsigned());
        }
        let mut bytes = Bytes::new("a test", &out);
        for value in values {
            assert_eq!(bytes.signed().unwrap(), value);
            assert_eq!(bytes.varint().unwrap(), value.cast_unsigned());
        }
        assert!(bytes.is_empty());
        assert!(bytes.varint().is_err());
    }

    #[test]
    fn a_length_beyond_the_end_is_an_error() {
        assert!(Bytes::new("a test", &[200, 1, 1]).bytes().is_err());
        assert!(Bytes::new("a test", &[0xff; 12]).varint().is_err());
    }
}
