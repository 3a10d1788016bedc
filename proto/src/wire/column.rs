//! Columns of numbers: the values of one series over consecutive runs, coded so that they come back bit by bit.
//!
//! Values that are decimal fractions with up to nine places (all counters, all byte counts, most ratios) become whole
//! numbers and then zigzag varints of their differences; the others are coded as the exclusive-or with the value
//! before, without its leading and trailing zero bytes. zstd takes what is left.

use super::WireError;

/// Most decimal places that are tried: nanoseconds as seconds.
const SCALE_MAX: u8 = 9;

/// Largest whole number that an f64 holds exactly.
const WHOLE_MAX: i64 = 1 << 53;

const CONSTANT: u8 = 0;
const DELTAS: u8 = 1;
const XOR: u8 = 2;

/// Appends whole numbers as differences.
pub(super) fn put_whole(values: impl IntoIterator<Item = i64>, out: &mut Vec<u8>) {
    let mut before = 0_i64;
    for value in values {
        put_varint(zigzag(value.wrapping_sub(before)), out);
        before = value;
    }
}

/// Reads exactly `count` whole numbers and nothing else.
pub(super) fn whole(bytes: &[u8], count: usize) -> Result<Vec<i64>, WireError> {
    let mut reader = Reader::new(bytes);
    let mut before = 0_i64;
    // A varint takes a byte at least, so a lying `count` cannot make this allocate more than the input's size.
    let mut values = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        before = before.wrapping_add(unzigzag(reader.varint()?));
        values.push(before);
    }
    reader.end()?;
    Ok(values)
}

/// Appends one series' values; returns the mode byte that tells how.
pub(super) fn put_values(values: &[f64], out: &mut Vec<u8>) -> u8 {
    let Some(scale) = scale_of(values) else {
        put_xor(values, out);
        return XOR;
    };
    let same = values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
    let power = power_of(scale);
    let scaled = values.iter().map(|value| scaled(*value, power));
    let kind = if same {
        put_whole(scaled.take(1), out);
        CONSTANT
    } else {
        put_whole(scaled, out);
        DELTAS
    };
    kind | scale << 2
}

/// Reads the `count` values of one series.
pub(super) fn values(
    mode: u8,
    reader: &mut Reader<'_>,
    count: usize,
    mut each: impl FnMut(usize, f64),
) -> Result<(), WireError> {
    let scale = mode >> 2;
    if scale > SCALE_MAX {
        return Err(WireError::malformed("a column", format!("mode {mode}")));
    }
    let power = power_of(scale);
    match mode & 3 {
        CONSTANT => {
            let value = unscaled(unzigzag(reader.varint()?), power)?;
            (0..count).for_each(|run| each(run, value));
        }
        DELTAS => {
            let mut before = 0_i64;
            for run in 0..count {
                before = before.wrapping_add(unzigzag(reader.varint()?));
                each(run, unscaled(before, power)?);
            }
        }
        XOR if scale == 0 => {
            let mut before = 0_u64;
            for run in 0..count {
                before ^= reader.xor()?;
                let value = f64::from_bits(before);
                if !value.is_finite() {
                    return Err(not_finite(value));
                }
                each(run, value);
            }
        }
        _ => return Err(WireError::malformed("a column", format!("mode {mode}"))),
    }
    Ok(())
}

/// The fewest decimal places with which all values are exact.
fn scale_of(values: &[f64]) -> Option<u8> {
    let mut scale = 0;
    for value in values {
        while !is_exact(*value, power_of(scale)) {
            scale += 1;
            if scale > SCALE_MAX {
                return None;
            }
        }
    }
    // A value that is exact with few places need not be with more (2^53): look again.
    values.iter().all(|value| is_exact(*value, power_of(scale))).then_some(scale)
}

fn is_exact(value: f64, power: f64) -> bool {
    let whole = scaled(value, power);
    whole.unsigned_abs() <= WHOLE_MAX.unsigned_abs()
        && (whole as f64 / power).to_bits() == value.to_bits()
}

/// Saturates outside i64; [`is_exact`] sorts those out.
fn scaled(value: f64, power: f64) -> i64 {
    (value * power).round() as i64
}

fn unscaled(whole: i64, power: f64) -> Result<f64, WireError> {
    if !(-WHOLE_MAX..=WHOLE_MAX).contains(&whole) {
        return Err(WireError::malformed("a column", "a whole number beyond 2^53"));
    }
    Ok(whole as f64 / power)
}

fn power_of(scale: u8) -> f64 {
    10_f64.powi(i32::from(scale))
}

fn not_finite(value: f64) -> WireError {
    WireError::BadValue {
        what: "a sample's value, which must be finite,",
        found: value.to_string(),
    }
}

fn put_xor(values: &[f64], out: &mut Vec<u8>) {
    let mut before = 0_u64;
    for value in values {
        let bits = value.to_bits();
        let bytes = (bits ^ before).to_be_bytes();
        before = bits;
        let Some(first) = bytes.iter().position(|byte| *byte != 0) else {
            out.push(0);
            continue;
        };
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(8, |last| last + 1);
        out.push((first as u8) << 4 | (end - first) as u8);
        out.extend_from_slice(&bytes[first..end]);
    }
}

fn zigzag(value: i64) -> u64 {
    (value as u64) << 1 ^ (value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads from bytes that may lie.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or_else(ended)?;
        self.bytes = tail;
        Ok(head)
    }

    pub(super) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (at, byte) in self.bytes.iter().take(10).enumerate() {
            if at == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.bytes = &self.bytes[at + 1..];
                return Ok(value);
            }
        }
        Err(ended())
    }

    fn xor(&mut self) -> Result<u64, WireError> {
        let control = usize::from(self.take(1)?[0]);
        let (first, length) = (control >> 4, control & 15);
        if first + length > 8 {
            return Err(WireError::malformed("a column", format!("control byte {control}")));
        }
        let mut bytes = [0; 8];
        bytes[first..first + length].copy_from_slice(self.take(length)?);
        Ok(u64::from_be_bytes(bytes))
    }

    /// Nothing may be left over.
    pub(super) fn end(&self) -> Result<(), WireError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(WireError::malformed("a column", format!("{} bytes too many", self.bytes.len())))
    }
}

fn ended() -> WireError {
    WireError::malformed("a column", "it ends too early or a number in it is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(values_in: &[f64]) -> usize {
        let mut bytes = Vec::new();
        let mode = put_values(values_in, &mut bytes);
        let mut reader = Reader::new(&bytes);
        let mut back = Vec::new();
        values(mode, &mut reader, values_in.len(), |_, value| back.push(value)).unwrap();
        reader.end().unwrap();
        let bits = |values: &[f64]| values.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(values_in), bits(&back));
        bytes.len()
    }

    #[test]
    fn values_come_back_bit_by_bit() {
        for values in [
            &[0.0][..],
            &[-0.0, 0.0],
            &[1.0, 2.0, 3.0],
            &[0.1, 0.2, 0.30000000000000004],
            &[9007199254740992.0, -9007199254740992.0],
            &[9007199254740993e3, 1.0],
            &[f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324],
            &[std::f64::consts::PI; 4],
            &[9007199254740991.0, 0.5],
        ] {
            there_and_back(values);
        }
    }

    #[test]
    fn what_hardly_changes_costs_hardly_anything() {
        assert_eq!(there_and_back(&[1234.0; 100]), 2);
        assert_eq!(there_and_back(&[0.25, 0.26, 0.24, 0.25]), 4);
        let counter: Vec<f64> = (0..100).map(|tick| 1e12 + f64::from(tick) * 40.0).collect();
        assert!(there_and_back(&counter) <= 6 + 100);
    }

    #[test]
    fn whole_numbers_come_back() {
        let values_in = [0, i64::MAX, i64::MIN, -1, 1_700_000_000_000];
        let mut bytes = Vec::new();
        put_whole(values_in, &mut bytes);
        assert_eq!(whole(&bytes, 5).unwrap(), values_in);
        assert!(whole(&bytes, 4).is_err());
        assert!(whole(&bytes, 6).is_err());
    }
}
