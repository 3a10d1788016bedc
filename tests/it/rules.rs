//! The rule library, the loader's mistakes, and judging at event time.

use std::sync::Arc;

use xunjian_collector::evaluate::{library, run_examples};

#[test]
fn the_library_has_no_mistakes_and_its_examples_hold() {
    let (rules, mistakes) = library();
    let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(mistakes, Vec::<String>::new());
    let (count, failures) = run_examples(&Arc::new(rules));
    let failures: Vec<String> = failures
        .iter()
        .map(|it| format!("{}:{} {}: {}", it.file, it.line, it.rule, it.text))
        .collect();
    assert_eq!(failures, Vec::<String>::new(), "of {count} examples");
    assert!(count > 0);
}
