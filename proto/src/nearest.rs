//! "Did you mean": the known word that is nearest to a mistyped one, for error texts on both sides.

/// The candidate with the fewest letters inserted, deleted, replaced or swapped with a neighbour, if it is near enough
/// to be meant: at most a third of the letters differ, and never more than five.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count() / 3).clamp(1, 5);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(wrong, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant_and_nothing_far_off() {
        let names = ["above", "below", "at_least", "metric", "every", "deadline", "listen"];
        for (wrong, meant) in [
            ("abvoe", Some("above")),
            ("abov", Some("above")),
            ("metrics", Some("metric")),
            ("evry", Some("every")),
            ("dead_line", Some("deadline")),
            ("lisen", Some("listen")),
            ("temperature", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(wrong, names), meant, "{wrong}");
        }
    }
}
