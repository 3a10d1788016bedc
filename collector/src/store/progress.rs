//! Which sequence numbers of one spool are durable: a sorted list of ranges, so that a gap (data that an overflowing
//! spool dropped, or that a bundle still brings) does not count as received.

use super::{StoreError, codec};

/// Gaps remembered per (agent, boot). A spool that drops makes one gap for each stretch, so this is years of trouble;
/// beyond it the two oldest ranges are joined, and what lies between them would be taken for known.
const RANGES: usize = 1024;

/// Received sequence numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Adds one number; false if it was there.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        // Nearly always it is the next one.
        if let Some(last) = self.0.last_mut()
            && number == last.1.saturating_add(1)
            && number != last.1
        {
            last.1 = number;
            return true;
        }
        let index = self.0.partition_point(|range| range.1 < number);
        if self.0.get(index).is_some_and(|range| range.0 <= number) {
            return false;
        }
        self.0.insert(index, (number, number));
        self.join(index);
        if index > 0 {
            self.join(index - 1);
        }
        if self.0.len() > RANGES {
            let low = self.0.remove(0).0;
            self.0[0].0 = low;
        }
        true
    }

    /// Joins the range at `index` with the next one if they touch.
    fn join(&mut self, index: usize) {
        if let (Some(&(low, high)), Some(&(next, end))) = (self.0.get(index), self.0.get(index + 1))
            && high.saturating_add(1) >= next
        {
            self.0[index] = (low, end);
            self.0.remove(index + 1);
        }
    }

    /// The highest number.
    pub(super) fn highest(&self) -> Option<u64> {
        self.0.last().map(|range| range.1)
    }

    /// Numbers that are missing between the first and the last.
    pub(super) fn gaps(&self) -> u64 {
        self.0.windows(2).map(|pair| pair[1].0 - pair[0].1 - 1).sum()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut before = 0;
        for (low, high) in &self.0 {
            codec::put_varint(&mut out, low - before);
            codec::put_varint(&mut out, high - low);
            before = *high;
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Ranges, StoreError> {
        let mut bytes = codec::Bytes::new("an agent's progress", bytes);
        let mut ranges = Vec::new();
        let mut before = 0_u64;
        while !bytes.is_empty() {
            let low = before.checked_add(bytes.varint()?);
            let high = match low {
                Some(low) => low.checked_add(bytes.varint()?).map(|high| (low, high)),
                None => None,
            };
            let Some((low, high)) = high else {
                return Err(bytes.corrupt("a sequence number overflows"));
            };
            ranges.push((low, high));
            before = high;
        }
        Ok(Ranges(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_fill_and_repeats_are_known() {
        let mut ranges = Ranges::default();
        for number in [5, 6, 9, 7, 1, 8] {
            assert!(ranges.insert(number), "{number}");
        }
        assert_eq!(ranges.0, [(1, 1), (5, 9)]);
        assert_eq!(ranges.gaps(), 3);
        for number in [1, 5, 7, 9] {
            assert!(!ranges.insert(number), "{number}");
        }
        assert_eq!(Ranges::decode(&ranges.encode()).unwrap(), ranges);
        assert_eq!(ranges.highest(), Some(9));
    }

    #[test]
    fn the_highest_number_does_not_overflow() {
        let mut ranges = Ranges::default();
        assert!(ranges.insert(u64::MAX));
        assert!(!ranges.insert(u64::MAX));
        assert!(ranges.insert(0));
        assert_eq!(Ranges::decode(&ranges.encode()).unwrap(), ranges);
    }

    #[test]
    fn a_comb_of_gaps_stays_bounded() {
        let mut ranges = Ranges::default();
        for number in 0..4 * RANGES as u64 {
            ranges.insert(number * 2);
        }
        assert_eq!(ranges.0.len(), RANGES);
        assert_eq!(ranges.highest(), Some(8 * RANGES as u64 - 2));
    }
}
