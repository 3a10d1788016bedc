//! Versions of kernels and packages, compared as rpm and dpkg do: runs of digits as numbers, the rest as text.

use std::cmp::Ordering;

/// Compares two versions.
pub(super) fn compare(one: &str, two: &str) -> Ordering {
    let (mut left, mut right) = (parts(one), parts(two));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u128>(), b.parse::<u128>()) {
                (Ok(a), Ok(b)) if a != b => return a.cmp(&b),
                (Ok(_), Ok(_)) => {}
                // A number is newer than a word: `5.14.1` after `5.14.rc1`.
                (Ok(_), Err(_)) => return Ordering::Greater,
                (Err(_), Ok(_)) => return Ordering::Less,
                (Err(_), Err(_)) if a != b => return a.cmp(b),
                (Err(_), Err(_)) => {}
            },
        }
    }
}

/// Runs of digits and of letters.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|it: char| !it.is_ascii_alphanumeric());
        let first = rest.chars().next()?;
        let same =
            |it: char| it.is_ascii_alphanumeric() && it.is_ascii_digit() == first.is_ascii_digit();
        let end = rest.find(|it: char| !same(it)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

/// What sets the kinds of kernels of one host apart: `5.14.0-427.el9.x86_64` and `…x86_64+rt` are not each other's newer
/// versions, `6.1.0-18-amd64` and `6.1.0-20-cloud-amd64` neither.
pub(super) fn flavour(release: &str) -> String {
    let words = release.split(['-', '.', '+', '_']);
    let letters =
        words.filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphabetic()));
    letters.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (old, new) in [
            ("6.1.0-18-amd64", "6.1.0-20-amd64"),
            ("5.14.0-427.9.1.el9_4.x86_64", "5.14.0-427.13.1.el9_4.x86_64"),
            ("4.19.90-23.8.v2101.ky10.aarch64", "4.19.90-52.22.v2207.ky10.aarch64"),
            ("1.0rc1", "1.0.1"),
        ] {
            assert_eq!(compare(old, new), Ordering::Less, "{old} {new}");
            assert_eq!(compare(new, old), Ordering::Greater);
        }
        assert_eq!(compare("1.2", "1.2"), Ordering::Equal);
    }

    #[test]
    fn kinds_of_kernels_are_not_mixed() {
        assert_eq!(flavour("6.1.0-18-amd64"), flavour("6.1.0-20-amd64"));
        assert_ne!(flavour("6.1.0-18-amd64"), flavour("6.1.0-20-cloud-amd64"));
    }
}
