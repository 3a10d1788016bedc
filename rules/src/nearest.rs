//! "Did you mean": the known name that is nearest to a wrong one.

/// The candidate with the smallest edit distance, if it is near enough to be meant: at most a third of the letters
/// differ, and never more than five.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count() / 3).clamp(1, 5);
    candidates
        .into_iter()
        .map(|candidate| (distance(wrong, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance: letters inserted, deleted or replaced. Names are short, so the plain table will do.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_far_off() {
        let names = ["above", "below", "at_least", "metric"];
        assert_eq!(nearest("abvoe", names), None, "two swapped letters of five are too many");
        assert_eq!(nearest("abov", names), Some("above"));
        assert_eq!(nearest("metrics", names), Some("metric"));
        assert_eq!(nearest("temperature", names), None);
    }
}
