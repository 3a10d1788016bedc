//! What others alert on, to be measured beside the rules: by the day's numbers alone.
//!
//! Facts: Backblaze's own note on its five attributes; the failure buckets of a widely used dashboard as its source has
//! them, with their gaps (exactly 1 of 5 or 197, and everything beyond the last bucket, is no failure there).

use super::history::{ATTRIBUTES, MISSING, NORMALIZED_184, Values};

/// Thresholds on 197 + 198 among which the one with the budget of the rules is chosen.
pub(super) const RANKS: [u64; 14] = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512];

fn value(values: &Values, id: u64) -> u64 {
    let place = ATTRIBUTES.iter().position(|(known, _)| *known == id);
    place.map_or(0, |it| values[it]).checked_rem(MISSING).unwrap_or_default()
}

/// Any of 5, 187, 188, 197, 198 is not zero.
pub(super) fn any_of_five(values: &Values) -> bool {
    [5, 187, 188, 197, 198].iter().any(|id| value(values, *id) > 0)
}

/// Any of 187, 197, 198 is not zero.
pub(super) fn any_of_three(values: &Values) -> bool {
    [187, 197, 198].iter().any(|id| value(values, *id) > 0)
}

/// Sectors that wait or could not be read.
pub(super) fn rank(values: &Values) -> u64 {
    value(values, 197).saturating_add(value(values, 198))
}

/// The dashboard's verdict "failed": a critical attribute in a bucket of 10 % a year and more, another one in a bucket of
/// 20 % and more.
pub(super) fn buckets(values: &Values) -> bool {
    let within = |id, low, high| (low..=high).contains(&value(values, id));
    let normalized = values[NORMALIZED_184];
    within(5, 17, 70_000)
        || within(10, 1, 80)
        || within(187, 1, 120)
        || within(196, 12, 17)
        || within(196, 28, 45)
        || within(197, 2, 1_600)
        || within(198, 1, 16)
        || matches!(normalized, 93 | 94 | 98 | 99)
        || value(values, 183) >= 3
        || value(values, 189) >= 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboards_gaps_are_its_own() {
        let with = |id: u64, number: u64| {
            let mut values: Values = [0; ATTRIBUTES.len() + 1];
            values[NORMALIZED_184] = 100;
            values[ATTRIBUTES.iter().position(|it| it.0 == id).unwrap()] = number;
            values
        };
        assert!(!buckets(&with(197, 1)) && any_of_three(&with(197, 1)));
        assert!(buckets(&with(197, 2)) && !buckets(&with(197, 24_016)));
        assert!(buckets(&with(5, 17)) && !buckets(&with(5, 16)));
        let mut missing = with(5, 0);
        missing[8] = MISSING;
        assert!(!any_of_five(&missing) && rank(&missing) == 0);
    }
}
