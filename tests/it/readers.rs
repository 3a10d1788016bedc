//! What is fuzzed (`tests/fuzz`), on what it begins with: every recording, rule and example of the project.

use std::{collections::BTreeSet, panic::catch_unwind};

use xunjian_fuzz::{ENTRIES, read, seeds};

#[test]
fn every_entry_holds_what_it_says_on_the_seeds_of_the_project() {
    let seeds = seeds();
    let names: BTreeSet<&str> = seeds.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), seeds.len(), "two seeds have one name");
    for (index, entry) in ENTRIES.iter().enumerate() {
        let first = u8::try_from(index).unwrap();
        assert!(seeds.iter().any(|it| it.input[0] == first), "{} begins with nothing", entry.name);
    }
    assert!(seeds.len() > 300, "only {} seeds were found", seeds.len());
    let failed: Vec<&str> = seeds
        .iter()
        .filter(|it| catch_unwind(|| read(&it.input)).is_err())
        .map(|it| it.name.as_str())
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}
