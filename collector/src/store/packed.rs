//! The packed form of a block: walking through it, one series' column, and the words.
//!
//! Groups (source, times, columns with their series number first, so that one series is found without unpacking the
//! others), then the words, then a check sum.

use std::sync::Arc;

use super::{StoreError, codec, column};

/// First byte of a block.
pub(super) const FORMAT: u8 = 1;

/// Numbers in one column, at most: a flipped bit cannot ask for more memory.
const ROWS: usize = 1 << 24;

/// Words of one block unpacked, at most.
const WORDS_BYTES: usize = 512 << 20;

/// The values of one series in a packed block whose check sum is off already, by time: only that series is unpacked.
pub(super) fn one_series(body: &[u8], wanted: u32) -> Result<Vec<(i64, f64)>, StoreError> {
    let mut found = Vec::new();
    walk_body(body, |_, mut group| {
        let times = group.times;
        while let Some((number, bytes)) = group.next_series()? {
            if number == wanted {
                found.extend(series(bytes, &column::ints(times, group.rows)?)?);
            }
        }
        group.sayings().map(drop)
    })?;
    Ok(found)
}

/// One packed group; its parts must be read in this order: series, sayings.
pub(super) struct PackedGroup<'a, 'b> {
    reader: &'b mut codec::Bytes<'a>,
    rows: usize,
    times: &'a [u8],
    left: usize,
}

impl<'a> PackedGroup<'a, '_> {
    pub(super) fn times(&self) -> Result<Vec<i64>, StoreError> {
        column::ints(self.times, self.rows)
    }

    pub(super) fn next_series(&mut self) -> Result<Option<(u32, &'a [u8])>, StoreError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        Ok(Some((self.reader.u32()?, self.reader.bytes()?)))
    }

    pub(super) fn sayings(&mut self) -> Result<Option<[&'a [u8]; 4]>, StoreError> {
        match self.reader.take(1)?[0] {
            0 => Ok(None),
            _ => {
                let mut next = || self.reader.bytes();
                Ok(Some([next()?, next()?, next()?, next()?]))
            }
        }
    }
}

/// Goes through a packed block's groups; gives back what comes after them.
pub(super) fn walk<'a>(
    bytes: &'a [u8],
    each: impl for<'b> FnMut(&'a str, PackedGroup<'a, 'b>) -> Result<(), StoreError>,
) -> Result<&'a [u8], StoreError> {
    walk_body(column::unseal("a block", bytes)?, each)
}

fn walk_body<'a>(
    body: &'a [u8],
    mut each: impl for<'b> FnMut(&'a str, PackedGroup<'a, 'b>) -> Result<(), StoreError>,
) -> Result<&'a [u8], StoreError> {
    let mut reader = codec::Bytes::new("a block", body);
    if reader.take(1)?[0] != FORMAT {
        return Err(reader.corrupt("its form is not known"));
    }
    for _ in 0..reader.count(ROWS)? {
        let source = std::str::from_utf8(reader.bytes()?)
            .map_err(|error| corrupt(&format!("a source's name: {error}")))?;
        let rows = reader.count(ROWS)?;
        let times = reader.bytes()?;
        let left = reader.count(ROWS)?;
        each(source, PackedGroup { reader: &mut reader, rows, times, left })?;
    }
    reader.bytes()
}

/// A series' column: which of the group's times it has values for, if not all, and the values.
pub(super) fn put_series(
    out: &mut Vec<u8>,
    times: &[i64],
    values: &[(i64, f64)],
) -> Result<(), StoreError> {
    let numbers: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    codec::put_varint(out, (times.len() - values.len()) as u64);
    if values.len() < times.len() {
        let places = values.iter().filter_map(|(at, _)| times.binary_search(at).ok());
        let places: Vec<i64> = places.map(|place| place as i64).collect();
        put(out, |out| column::put_ints(out, &places))?;
    }
    column::put_floats(out, &numbers)
}

pub(super) fn series(bytes: &[u8], times: &[i64]) -> Result<Vec<(i64, f64)>, StoreError> {
    let mut reader = codec::Bytes::new("a series", bytes);
    let missing = reader.count(times.len())?;
    let length = times.len() - missing;
    if missing == 0 {
        let values = column::floats(reader.rest(), length)?;
        return Ok(times.iter().copied().zip(values).collect());
    }
    let places = column::ints(reader.bytes()?, length)?;
    let values = column::floats(reader.rest(), length)?;
    places
        .into_iter()
        .zip(values)
        .map(|(place, value)| {
            let at = usize::try_from(place).ok().and_then(|place| times.get(place));
            Ok((*at.ok_or_else(|| corrupt("a value's time is not there"))?, value))
        })
        .collect()
}

/// Appends what `write` writes, with its length before it.
pub(super) fn put(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut part = Vec::new();
    write(&mut part)?;
    codec::put_bytes(out, &part);
    Ok(())
}

pub(super) fn put_words(out: &mut Vec<u8>, words: &[Arc<str>]) -> Result<(), StoreError> {
    if words.is_empty() {
        codec::put_bytes(out, &[]);
        return Ok(());
    }
    let all: Vec<u8> = words.join("\n").into_bytes();
    let packed = zstd::bulk::compress(&all, 6).map_err(|error| corrupt(&error.to_string()))?;
    codec::put_bytes(out, &packed);
    Ok(())
}

pub(super) fn words(packed: &[u8]) -> Result<Vec<Arc<str>>, StoreError> {
    if packed.is_empty() {
        return Ok(Vec::new());
    }
    let bytes =
        zstd::bulk::decompress(packed, WORDS_BYTES).map_err(|error| corrupt(&error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| corrupt(&error.to_string()))?;
    // JSON text has no line ends inside.
    Ok(text.split('\n').map(Arc::from).collect())
}

pub(super) fn corrupt(why: &str) -> StoreError {
    StoreError::Corrupt { what: "a block".to_owned(), why: why.to_owned() }
}
