//! An adaptive binary range coder: each yes or no costs as little as it was to be expected (the coder of LZMA).
//!
//! A batch has a few hundred numbers. That is too few for the tables of a general compressor, but enough for models
//! that learn while they code.

use super::WireError;

/// Probabilities are parts of this.
const WHOLE: u32 = 1 << PRECISION;
const PRECISION: u32 = 12;

/// The range is widened when it is below this.
const NARROW: u32 = 1 << 24;

/// What the stream must end with: whoever lost track reads something else.
const END: u64 = 0xa5;
const END_BITS: u32 = 8;

/// Most decisions that count in how slowly a probability follows.
const SEEN_MAX: u8 = 30;

/// Multiplying by `PARTS[seen]` and shifting divides by `2 * seen + 3`, exactly for all that occurs here. A division for
/// every decision was half the cost of reading a batch.
const PARTS: [u32; SEEN_MAX as usize + 1] = {
    let mut parts = [0; SEEN_MAX as usize + 1];
    let mut seen = 0;
    while seen < parts.len() {
        parts[seen] = (1_u32 << PARTS_SHIFT).div_ceil(2 * seen as u32 + 3);
        seen += 1;
    }
    parts
};
const PARTS_SHIFT: u32 = 19;

/// How likely a yes is at one place, learnt from those before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bit {
    /// Of no, in parts of [`WHOLE`].
    no: u16,
    seen: u8,
}

impl Bit {
    const NEW: Bit = Bit { no: 1 << (PRECISION - 1), seen: 0 };

    /// Follows fast at first, then with the mean of some 30.
    #[inline]
    fn learn(&mut self, bit: bool) {
        let target = (1 << PRECISION) - 48 - i32::from(bit) * ((1 << PRECISION) - 96);
        let way = target - i32::from(self.no);
        let step = (way.unsigned_abs() * 2 * PARTS[usize::from(self.seen)]) >> PARTS_SHIFT;
        // The sign is put back by arithmetic: which way is as hard to foresee as the bit.
        let sign = way >> 31;
        self.no = (i32::from(self.no) + ((step as i32 ^ sign) - sign)) as u16;
        self.seen += u8::from(self.seen < SEEN_MAX);
    }

    #[inline]
    fn bound(self, range: u32) -> u32 {
        (range >> PRECISION) * u32::from(self.no)
    }
}

/// Learns how long the numbers at one place are, in bits; the bits below the highest are taken as they are.
#[derive(Debug, Clone)]
pub(super) struct Number([Bit; 128]);

impl Number {
    pub(super) const NEW: Number = Number([Bit::NEW; 128]);
}

/// Bits that a number has without its leading zeros: 0 to 64.
pub(super) fn length(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Writes.
#[derive(Debug)]
pub(super) struct Encoder {
    low: u64,
    range: u32,
    /// The last byte that a carry can still change, and how many 0xff follow it.
    held: Option<u8>,
    pending: usize,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Encoder {
        Encoder { low: 0, range: u32::MAX, held: None, pending: 0, bytes: Vec::new() }
    }

    /// Appends any number, well if it is as long as others at this place.
    pub(super) fn number(&mut self, model: &mut Number, value: u64) {
        let length = length(value);
        let mut node = 1;
        for at in (0..7).rev() {
            let bit = length >> at & 1 == 1;
            self.bit(&mut model.0[node], bit);
            node = node << 1 | usize::from(bit);
        }
        self.raw(value, length.saturating_sub(1));
    }

    /// The bytes; trailing zeros need not travel.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.raw(END, END_BITS);
        // Any value of the range will do: one with many zeros at its end.
        let end = self.low + u64::from(self.range);
        let round = |bits: u32| (self.low + (1 << bits) - 1) >> bits << bits;
        let round = [24, 16, 8].into_iter().map(round).find(|it| *it < end);
        self.low = round.unwrap_or(self.low);
        (0..5).for_each(|_| self.shift());
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }

    #[inline]
    fn bit(&mut self, model: &mut Bit, bit: bool) {
        let bound = model.bound(self.range);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
        } else {
            self.range = bound;
        }
        model.learn(bit);
        self.widen();
    }

    /// The lowest `bits` bits, without any model.
    #[inline]
    fn raw(&mut self, value: u64, bits: u32) {
        for at in (0..bits).rev() {
            self.range >>= 1;
            if value >> at & 1 == 1 {
                self.low += u64::from(self.range);
            }
            self.widen();
        }
    }

    #[inline]
    fn widen(&mut self) {
        while self.range < NARROW {
            self.range <<= 8;
            self.shift();
        }
    }

    fn shift(&mut self) {
        let carry = (self.low >> 32) as u8;
        if carry == 0 && self.low >= 0xff00_0000 {
            self.pending += 1;
        } else {
            // What comes before the first byte is always 0.
            self.bytes.extend(self.held.map(|it| it.wrapping_add(carry)));
            let pending = std::mem::take(&mut self.pending);
            self.bytes.extend(std::iter::repeat_n(0xff_u8.wrapping_add(carry), pending));
            self.held = Some((self.low >> 24) as u8);
        }
        self.low = (self.low & 0x00ff_ffff) << 8;
    }
}

/// Reads from bytes that may lie. Beyond their end it reads zeros; so the caller bounds how much it asks for.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    read: usize,
    code: u32,
    range: u32,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        let mut decoder = Decoder { bytes, read: 0, code: 0, range: u32::MAX };
        (0..4).for_each(|_| decoder.next());
        decoder
    }

    pub(super) fn number(&mut self, model: &mut Number) -> Result<u64, WireError> {
        let mut node = 1;
        for _ in 0..7 {
            node = node << 1 | usize::from(self.bit(&mut model.0[node]));
        }
        match node - 128 {
            0 => Ok(0),
            length @ 1..=64 => Ok(self.raw(1, length as u32 - 1)),
            length => Err(WireError::malformed("a column", format!("a number of {length} bits"))),
        }
    }

    /// Nothing may be missing or left over.
    pub(super) fn end(mut self) -> Result<(), WireError> {
        if self.raw(0, END_BITS) != END {
            return Err(WireError::malformed("a column", "it does not end where it should"));
        }
        match self.bytes.len().saturating_sub(self.read) {
            0 => Ok(()),
            rest => Err(WireError::malformed("a column", format!("{rest} bytes too many"))),
        }
    }

    #[inline]
    fn bit(&mut self, model: &mut Bit) -> bool {
        let bound = model.bound(self.range);
        let bit = self.code >= bound;
        // By masks: a jump that cannot be foreseen costs more than all of this.
        let mask = u32::from(bit).wrapping_neg();
        self.code -= bound & mask;
        self.range = bound.wrapping_add(self.range.wrapping_sub(bound << 1) & mask);
        model.learn(bit);
        // One byte is always enough: no bound is below 48 parts of the range.
        let narrow = u32::from(self.range < NARROW);
        let byte = self.bytes.get(self.read).copied().unwrap_or(0);
        self.read += narrow as usize;
        self.code = self.code << (8 * narrow) | (u32::from(byte) & narrow.wrapping_neg());
        self.range <<= 8 * narrow;
        bit
    }

    /// `value` with `bits` bits more at its end.
    #[inline]
    fn raw(&mut self, mut value: u64, mut bits: u32) -> u64 {
        while bits > 0 {
            // So many halvings make the range narrow, and not one sooner.
            let halvings = bits.min(8 - self.range.leading_zeros());
            for _ in 0..halvings {
                self.range >>= 1;
                let bit = self.code >= self.range;
                self.code -= self.range & u32::from(bit).wrapping_neg();
                value = value << 1 | u64::from(bit);
            }
            bits -= halvings;
            if self.range < NARROW {
                self.range <<= 8;
                self.next();
            }
        }
        value
    }

    #[inline]
    fn next(&mut self) {
        let byte = self.bytes.get(self.read).copied().unwrap_or(0);
        self.read += 1;
        self.code = self.code << 8 | u32::from(byte);
    }
}

const _: () = assert!(WHOLE == 4096 && NARROW > WHOLE);

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(values: &[u64]) -> usize {
        let (mut encoder, mut model) = (Encoder::new(), Number::NEW);
        values.iter().for_each(|it| encoder.number(&mut model, *it));
        let bytes = encoder.finish();
        let (mut decoder, mut model) = (Decoder::new(&bytes), Number::NEW);
        for value in values {
            assert_eq!(decoder.number(&mut model).unwrap(), *value);
        }
        decoder.end().unwrap();
        bytes.len()
    }

    #[test]
    fn numbers_of_any_length_come_back() {
        there_and_back(&[]);
        there_and_back(&[0]);
        for length in 0..64 {
            there_and_back(&vec![u64::MAX >> length; 300]);
            there_and_back(&vec![1 << length; 300]);
        }
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200 {
            let mut next = || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random >> ((random >> 7) % 64)
            };
            there_and_back(&(0..200).map(|_| next()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_expected_costs_little() {
        assert!(there_and_back(&[0; 1000]) < 30);
        assert!(there_and_back(&[5; 1000]) < 300);
    }

    #[test]
    fn what_is_cut_or_too_long_is_refused() {
        let (mut encoder, mut model) = (Encoder::new(), Number::NEW);
        (1..100).for_each(|it| encoder.number(&mut model, it * 977));
        let mut bytes = encoder.finish();
        let read = |bytes: &[u8]| -> Result<(), WireError> {
            let (mut decoder, mut model) = (Decoder::new(bytes), Number::NEW);
            (1..100).try_for_each(|_| decoder.number(&mut model).map(drop))?;
            decoder.end()
        };
        read(&bytes).unwrap();
        assert!(read(&bytes[..bytes.len() - 4]).is_err());
        bytes.extend([1; 8]);
        assert!(read(&bytes).is_err());
    }
}
