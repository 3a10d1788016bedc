//! Columns of numbers: constants as one number, short ones plain, the others by pco. Exact to the bit.

use pco::{
    ChunkConfig, PagingSpec,
    data_types::Number,
    wrapped::{FileCompressor, FileDecompressor},
};

use super::{StoreError, codec};

/// Measured on host data: 0.54 B a sample; 8 saves another 1 % for half as much CPU again.
const LEVEL: usize = 4;

/// Below this many numbers pco's own header costs more than it saves.
const SHORT: usize = 12;

/// Integers up to here are exact in an f64.
const EXACT: f64 = 9_007_199_254_740_992.0;

const SAME_INT: u8 = 0;
const SAME_FLOAT: u8 = 1;
const PLAIN_INTS: u8 = 2;
const PLAIN_FLOATS: u8 = 3;
const PCO_INTS: u8 = 4;
const PCO_FLOATS: u8 = 5;

/// Appends a column of integers; its length is for the caller to remember.
pub(super) fn put_ints(out: &mut Vec<u8>, values: &[i64]) -> Result<(), StoreError> {
    match values {
        [first, rest @ ..] if rest.iter().all(|value| value == first) => {
            out.push(SAME_INT);
            codec::put_signed(out, *first);
        }
        _ if values.len() < SHORT => {
            out.push(PLAIN_INTS);
            let mut before = 0;
            for value in values {
                codec::put_signed(out, value.wrapping_sub(before));
                before = *value;
            }
        }
        _ => {
            out.push(PCO_INTS);
            put_pco(out, values)?;
        }
    }
    Ok(())
}

/// Appends a column of numbers; whole ones take the integers' way, which packs counters better.
pub(super) fn put_floats(out: &mut Vec<u8>, values: &[f64]) -> Result<(), StoreError> {
    if let Some(ints) = values.iter().map(|value| whole(*value)).collect::<Option<Vec<i64>>>() {
        return put_ints(out, &ints);
    }
    match values {
        [first, rest @ ..] if rest.iter().all(|value| value.to_bits() == first.to_bits()) => {
            out.push(SAME_FLOAT);
            out.extend_from_slice(&first.to_le_bytes());
        }
        _ if values.len() < SHORT => {
            out.push(PLAIN_FLOATS);
            values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        _ => {
            out.push(PCO_FLOATS);
            put_pco(out, values)?;
        }
    }
    Ok(())
}

/// The integer that stands for exactly this number, minus zero excluded.
#[allow(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
fn whole(value: f64) -> Option<i64> {
    let exact = value.abs() <= EXACT && value.trunc().to_bits() == value.to_bits();
    (exact && value.to_bits() != (-0.0_f64).to_bits()).then_some(value as i64)
}

/// Reads `length` integers.
pub(super) fn ints(bytes: &[u8], length: usize) -> Result<Vec<i64>, StoreError> {
    let mut reader = codec::Bytes::new("a column", bytes);
    match reader.take(1)?[0] {
        SAME_INT => Ok(vec![reader.signed()?; length]),
        PLAIN_INTS => {
            let mut before = 0_i64;
            (0..length)
                .map(|_| {
                    before = before.wrapping_add(reader.signed()?);
                    Ok(before)
                })
                .collect()
        }
        PCO_INTS => pco(reader.rest(), length),
        kind => Err(reader.corrupt(&format!("there is no kind {kind} of integers"))),
    }
}

/// Reads `length` numbers.
#[allow(clippy::cast_precision_loss, reason = "only integers that are exact were written so")]
pub(super) fn floats(bytes: &[u8], length: usize) -> Result<Vec<f64>, StoreError> {
    let mut reader = codec::Bytes::new("a column", bytes);
    match reader.take(1)?[0] {
        SAME_FLOAT => Ok(vec![reader.f64()?; length]),
        PLAIN_FLOATS => (0..length).map(|_| reader.f64()).collect(),
        PCO_FLOATS => pco(reader.rest(), length),
        _ => Ok(ints(bytes, length)?.into_iter().map(|value| value as f64).collect()),
    }
}

fn put_pco<T: Number>(out: &mut Vec<u8>, values: &[T]) -> Result<(), StoreError> {
    let config = ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_paging_spec(PagingSpec::Exact(vec![values.len()]));
    let mut pack = || {
        let file = FileCompressor::default();
        file.write_header(&mut *out)?;
        let mut chunk = file.chunk_compressor(values, &config)?;
        chunk.write_meta(&mut *out)?;
        chunk.write_page(0, &mut *out).map(drop)
    };
    pack().map_err(|error| corrupt(&error))
}

fn pco<T: Number>(bytes: &[u8], length: usize) -> Result<Vec<T>, StoreError> {
    let unpack = || {
        let (file, rest) = FileDecompressor::new(bytes)?;
        let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest)?;
        let mut values = vec![T::default(); length];
        let progress = chunk.page_decompressor(rest, length)?.read(&mut values)?;
        Ok((values, progress.n_processed))
    };
    match unpack() {
        Ok((values, read)) if read == length => Ok(values),
        Ok(_) => Err(codec::Bytes::new("a column", bytes).corrupt("it ends too early")),
        Err(error) => Err(corrupt(&error)),
    }
}

fn corrupt(error: &pco::errors::PcoError) -> StoreError {
    StoreError::Corrupt { what: "a column".to_owned(), why: error.to_string() }
}

/// A check sum against flipped bits on the disk (not against a forger): quick, and every bit of the input counts.
pub(super) fn check_sum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = PRIME ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME);
        sum ^= sum >> 29;
    }
    for byte in rest {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(PRIME);
        sum ^= sum >> 29;
    }
    sum
}

/// Appends the check sum.
pub(super) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = check_sum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// Checks and takes off the check sum.
pub(super) fn unseal<'a>(what: &'static str, bytes: &'a [u8]) -> Result<&'a [u8], StoreError> {
    match bytes.split_last_chunk::<8>() {
        Some((body, sum)) if check_sum(body) == u64::from_le_bytes(*sum) => Ok(body),
        _ => Err(codec::Bytes::new(what, bytes)
            .corrupt("its check sum is wrong; the disk may be failing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes_back(values: &[f64]) {
        let mut out = Vec::new();
        put_floats(&mut out, values).unwrap();
        let read = floats(&out, values.len()).unwrap();
        assert!(values.iter().zip(&read).all(|(a, b)| a.to_bits() == b.to_bits()), "{values:?}");
        assert_eq!(values.len(), read.len());
    }

    #[test]
    fn columns_come_back_to_the_bit() {
        let wave: Vec<f64> = (0..700).map(|place| f64::from(place).sin() * 1e6).collect();
        let counter: Vec<f64> = (0..700).map(|place| f64::from(place * place) + 1e12).collect();
        comes_back(&[]);
        comes_back(&[-0.0]);
        comes_back(&[0.0, -0.0]);
        comes_back(&[1.5; 100]);
        comes_back(&[7.0; 100]);
        comes_back(&[EXACT, -EXACT, f64::MAX, f64::MIN_POSITIVE]);
        comes_back(&wave);
        comes_back(&wave[..5]);
        comes_back(&counter);
        let mut ints = Vec::new();
        let edges = [i64::MIN, i64::MAX, 0, -1];
        put_ints(&mut ints, &edges).unwrap();
        assert_eq!(super::ints(&ints, 4).unwrap(), edges);
    }

    #[test]
    fn a_flipped_bit_is_seen() {
        let sealed = seal((0..200).collect());
        assert!(unseal("a test", &sealed).is_ok());
        for place in 0..sealed.len() {
            for bit in 0..8 {
                let mut damaged = sealed.clone();
                damaged[place] ^= 1 << bit;
                assert!(unseal("a test", &damaged).is_err());
            }
        }
        assert!(unseal("a test", &[1, 2]).is_err());
    }
}
