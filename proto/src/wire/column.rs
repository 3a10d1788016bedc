//! Columns of numbers: the values of one series over consecutive runs, coded so that they come back bit by bit.
//!
//! Values that are decimal fractions with up to nine places (all counters, most ratios) or multiples of a sector or a
//! page (bytes) become whole numbers, of which the first and then the differences are coded; the others are coded as
//! the exclusive-or with the value before.

use super::{
    WireError,
    coder::{Decoder, Encoder, Number, length},
};

/// Most decimal places that are tried: nanoseconds as seconds.
const PLACES_MAX: u64 = 9;

/// Units of larger numbers, as powers of two: a sector, a KiB, a page, 64 KiB, a MiB. The first has scale 10.
const SHIFTS: [u32; 5] = [9, 10, 12, 16, 20];

/// Scale of values that are no whole numbers of anything.
const XOR: u64 = PLACES_MAX + 1 + SHIFTS.len() as u64;

/// Largest whole number that an f64 holds exactly.
const WHOLE_MAX: i64 = 1 << 53;

/// How whole numbers follow each other.
const CONSTANT: u64 = 0;
const RISING: u64 = 1;
const DELTAS: u64 = 2;
const SECOND: u64 = 3;

/// Numbers are expected to be as long as the one before; beyond this, lengths are not told apart.
const CLASSES: usize = 14;

/// Learns what columns of one sort look like.
pub(super) struct Columns {
    scale: Number,
    kind: Number,
    first: Number,
    /// By kind and by the length of the number before; made when the first is used, because most columns of a small
    /// batch need none.
    next: [Vec<Number>; 3],
    xor: Number,
}

impl Columns {
    pub(super) fn new() -> Columns {
        Columns {
            scale: Number::NEW,
            kind: Number::NEW,
            first: Number::NEW,
            next: [const { Vec::new() }; 3],
            xor: Number::NEW,
        }
    }

    fn next(&mut self, kind: u64, before: u64) -> &mut Number {
        let classes = &mut self.next[kind as usize - 1];
        if classes.is_empty() {
            classes.resize(CLASSES, Number::NEW);
        }
        &mut classes[(length(before) as usize).min(CLASSES - 1)]
    }

    /// Appends whole numbers; the first is expected near `near`.
    pub(super) fn put_whole(&mut self, values: &[i64], near: i64, out: &mut Encoder) {
        let Some(first) = values.first() else { return };
        let kind = kind_of(values);
        out.number(&mut self.kind, kind);
        out.number(&mut self.first, zigzag(first.wrapping_sub(near)));
        let mut before = 0;
        for step in steps(kind, values) {
            out.number(self.next(kind, before), step);
            before = step;
        }
    }

    /// Gives `count` whole numbers one after another, of which the first is near `near`.
    pub(super) fn whole(
        &mut self,
        input: &mut Decoder<'_>,
        count: usize,
        near: i64,
        mut each: impl FnMut(usize, i64) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        if count == 0 {
            return Ok(());
        }
        let kind = input.number(&mut self.kind)?;
        if kind > SECOND {
            return Err(WireError::malformed("a column", format!("kind {kind}")));
        }
        let mut value = near.wrapping_add(unzigzag(input.number(&mut self.first)?));
        each(0, value)?;
        let (mut before, mut delta) = (0, 0_i64);
        for at in 1..count {
            if kind != CONSTANT {
                before = input.number(self.next(kind, before))?;
            }
            delta = match kind {
                CONSTANT => 0,
                RISING => before as i64,
                DELTAS => unzigzag(before),
                _ => delta.wrapping_add(unzigzag(before)),
            };
            value = value.wrapping_add(delta);
            each(at, value)?;
        }
        Ok(())
    }

    /// Appends one series' values.
    pub(super) fn put_values(&mut self, values: &[f64], out: &mut Encoder) {
        match scaled(values) {
            Some((scale, whole)) => {
                out.number(&mut self.scale, scale);
                self.put_whole(&whole, 0, out);
            }
            None => {
                out.number(&mut self.scale, XOR);
                let mut before = 0;
                for bits in values.iter().map(|it| it.to_bits()) {
                    out.number(&mut self.xor, bits ^ before);
                    before = bits;
                }
            }
        }
    }

    /// Reads the `count` values of one series.
    pub(super) fn values(
        &mut self,
        input: &mut Decoder<'_>,
        count: usize,
        mut each: impl FnMut(usize, f64),
    ) -> Result<(), WireError> {
        let scale = input.number(&mut self.scale)?;
        if scale > XOR {
            return Err(WireError::malformed("a column", format!("scale {scale}")));
        }
        if scale == XOR {
            let mut bits = 0;
            for at in 0..count {
                bits ^= input.number(&mut self.xor)?;
                let value = f64::from_bits(bits);
                if !value.is_finite() {
                    return Err(not_finite(value));
                }
                each(at, value);
            }
            return Ok(());
        }
        let (times, by) = unscale(scale);
        self.whole(input, count, 0, |at, whole| {
            if !(-WHOLE_MAX..=WHOLE_MAX).contains(&whole) {
                return Err(WireError::malformed("a column", "a whole number beyond 2^53"));
            }
            each(at, whole as f64 * times / by);
            Ok(())
        })
    }
}

/// The kind that costs least.
fn kind_of(values: &[i64]) -> u64 {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return CONSTANT;
    }
    let rises = values.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) >= 0);
    let kinds = if rises { &[RISING, SECOND][..] } else { &[DELTAS, SECOND] };
    let cost = |kind: &u64| steps(*kind, values).map(length).sum::<u32>();
    kinds.iter().copied().min_by_key(cost).unwrap_or(DELTAS)
}

/// What is coded after the first number.
fn steps(kind: u64, values: &[i64]) -> impl Iterator<Item = u64> {
    let mut before = 0_i64;
    let deltas = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let steps = deltas.map(move |delta| {
        let second = delta.wrapping_sub(before);
        before = delta;
        match kind {
            RISING => delta as u64,
            SECOND => zigzag(second),
            _ => zigzag(delta),
        }
    });
    steps.take(if kind == CONSTANT { 0 } else { usize::MAX })
}

/// The scale with which all values are whole numbers, and these.
fn scaled(values: &[f64]) -> Option<(u64, Vec<i64>)> {
    let mut places = 0;
    for value in values {
        while !is_exact(*value, power_of(places)) {
            places += 1;
            if places > PLACES_MAX {
                return None;
            }
        }
    }
    let power = power_of(places);
    // A value that is exact with few places need not be with more (2^53): look again.
    if !values.iter().all(|value| is_exact(*value, power)) {
        return None;
    }
    let whole: Vec<i64> = values.iter().map(|value| round(*value, power)).collect();
    let all = whole.iter().fold(0, |all, it| all | it);
    if places > 0 || all == 0 {
        return Some((places, whole));
    }
    let shift = SHIFTS.iter().rposition(|it| all.trailing_zeros() >= *it);
    Some(match shift {
        Some(at) => (PLACES_MAX + 1 + at as u64, whole.iter().map(|it| it >> SHIFTS[at]).collect()),
        None => (0, whole),
    })
}

fn is_exact(value: f64, power: f64) -> bool {
    let whole = round(value, power);
    whole.unsigned_abs() <= WHOLE_MAX.unsigned_abs()
        && (whole as f64 / power).to_bits() == value.to_bits()
}

/// Saturates outside i64; [`is_exact`] sorts those out.
fn round(value: f64, power: f64) -> i64 {
    (value * power).round() as i64
}

/// What whole numbers are multiplied with and then divided by, one of them 1, to be values again; `scale` is below
/// [`XOR`].
fn unscale(scale: u64) -> (f64, f64) {
    match scale.checked_sub(PLACES_MAX + 1) {
        Some(at) => (f64::from(1_u32 << SHIFTS[at as usize]), 1.0),
        None => (1.0, power_of(scale)),
    }
}

/// `places` is at most [`PLACES_MAX`].
fn power_of(places: u64) -> f64 {
    10_f64.powi(places as i32)
}

fn not_finite(value: f64) -> WireError {
    WireError::BadValue {
        what: "a sample's value, which must be finite,",
        found: value.to_string(),
    }
}

fn zigzag(value: i64) -> u64 {
    (value as u64) << 1 ^ (value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(values_in: &[f64]) -> usize {
        let mut out = Encoder::new();
        Columns::new().put_values(values_in, &mut out);
        let bytes = out.finish();
        let mut input = Decoder::new(&bytes);
        let mut back = Vec::new();
        let each = |_, value| back.push(value);
        Columns::new().values(&mut input, values_in.len(), each).unwrap();
        input.end().unwrap();
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
            &[3.0, 1.0, 2.0, 2.0],
            &[0.1, 0.2, 0.30000000000000004],
            &[512.0, 0.0, 1024.0],
            &[-4096.0, 8192.0],
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
        assert!(there_and_back(&[1234.0; 100]) <= 6);
        assert!(there_and_back(&[0.25, 0.26, 0.24, 0.25]) <= 8);
        let counter: Vec<f64> = (0..100).map(|tick| 1e12 + f64::from(tick) * 40.0).collect();
        assert!(there_and_back(&counter) <= 25);
    }

    #[test]
    fn whole_numbers_come_back() {
        for near in [0, -5, 1_700_000_000_000, i64::MIN] {
            let values_in = [0, i64::MAX, i64::MIN, -1, 1_700_000_000_000];
            let mut out = Encoder::new();
            Columns::new().put_whole(&values_in, near, &mut out);
            let bytes = out.finish();
            let read = |count| {
                let (mut input, mut back) = (Decoder::new(&bytes), Vec::new());
                Columns::new().whole(&mut input, count, near, |_, value| {
                    back.push(value);
                    Ok(())
                })?;
                input.end().map(|()| back)
            };
            assert_eq!(read(5).unwrap(), values_in);
            assert!(read(4).is_err());
            assert!(read(6).is_err());
        }
    }
}
