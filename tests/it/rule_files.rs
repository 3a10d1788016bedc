//! The rule library and the loader: no file left out, examples that hold, and every mistake told at once.

use std::{env, fmt::Write as _, fs, sync::Arc};

use proptest::prelude::*;
use xunjian_collector::evaluate::{known_metrics, library, run_examples};
use xunjian_rules::{LIBRARY, load};

use crate::support::repo;

#[test]
fn no_file_of_the_library_is_left_out() {
    let mut files: Vec<String> = fs::read_dir(repo().join("rules/library"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|it| it.ends_with(".toml"))
        .collect();
    files.sort();
    let built_in: Vec<&str> = LIBRARY.iter().map(|it| it.name).collect();
    assert_eq!(built_in, files);
}

/// `tests/fixtures/rules/NAME.toml` has mistakes; `NAME.txt` holds what is told of them.
#[test]
fn bad_rule_files_are_refused_with_all_their_mistakes() {
    let folder = repo().join("tests/fixtures/rules");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "toml"));
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    let mut failures = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let (rules, mistakes) = load(&[(name.clone(), text)], &known_metrics());
        assert!(rules.rules.is_empty(), "{name}: a file with a mistake is refused whole");
        let told: String = mistakes.iter().map(|it| format!("{it}\n")).collect();
        let expected = file.with_extension("txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &told).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if expected != told || told.is_empty() {
            writeln!(failures, "== {name}\n-- expected\n{expected}-- actual\n{told}").unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

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

#[test]
fn an_example_that_does_not_hold_is_told_with_its_line() {
    let text = RULE.replace("md.array.degraded\" = 1", "md.array.degraded\" = 0");
    let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
    assert_eq!(mistakes, []);
    let (_, failures) = run_examples(&Arc::new(rules));
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].line, failures[0].rule.as_str()), (16, "own"));
    assert!(failures[0].text.starts_with("wanted firing, found quiet"), "{}", failures[0].text);
}

const RULE: &str = r#"source = "md"
[[rule]]
id = "own"
on = "md"
class = "redundancy"
evidence = "suspect"
when = { metric = "md.array.degraded", above = 0 }
item = { zh = "项", en = "item" }
method = { zh = "法", en = "method" }
criterion = { zh = "准", en = "criterion" }
impact = { zh = "响", en = "impact" }
advice = { zh = "议", en = "advice" }
message = { zh = "{name} 有 {value}", en = "{name} has {value}" }
threshold_source = "test"

[[rule.firing]]
readings = [{ at = "0s", "md.array.degraded" = 1 }]

[[rule.quiet]]
readings = [{ at = "0s", "md.array.degraded" = 0 }]
"#;

#[test]
fn all_mistakes_are_told_at_once_with_line_and_nearest_name() {
    let text = RULE
        .replace("on = \"md\"", "on = \"dsik\"")
        .replace("above = 0", "abov = 0")
        .replace("evidence = \"suspect\"", "evidence = \"grave\"\nfro = \"1m\"")
        .replace("{name} has {value}", "{name} has {vlue}")
        .replace("\"md.array.degraded\" = 0", "\"md.array.degradde\" = 0");
    let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
    assert!(rules.rules.is_empty(), "a file with a mistake is refused whole");
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    for wanted in [
        "own.toml:7: a rule has no key `fro`",
        "own.toml:4: no kind of component `dsik`; did you mean `disk`?",
        "own.toml:6: `evidence` is `grave`, wanted impact_total",
        "own.toml:8: a condition on a metric has no key `abov`; did you mean `above`?",
        "own.toml:8: a condition on a metric needs exactly one of above",
        "own.toml:14: Chinese shows {name, value}, English {name, vlue}",
        "own.toml:21: no source declares `md.array.degradde`; did you mean `md.array.degraded`?",
    ] {
        assert!(told.iter().any(|it| it.starts_with(wanted)), "{wanted} is not in {told:#?}");
    }
}

#[test]
fn wrong_names_units_windows_and_missing_examples_are_mistakes() {
    for (from, to, wanted) in [
        (
            "md.array.degraded\", above",
            "md.aray.degraded\", above",
            "did you mean `md.array.degraded`?",
        ),
        ("above = 0", "above = \"3 GiB\"", "does not fit the unit `{disk}`"),
        ("above = 0", "rise_in = \"1s\", above = 0", "must lie between 1m and 400d"),
        ("above = 0", "rise_in = \"soon\", above = 0", "is no length of time"),
        (
            "metric = \"md.array.degraded\", above = 0",
            "state = \"md.array.degraded\", is = \"x\"",
            "is a gauge, wanted a state",
        ),
        (
            "metric = \"md.array.degraded\", above = 0",
            "state = \"md.array.state\", is_not = \"x\", was = \"y\"",
            "`was` goes with `is` or `in` only",
        ),
        ("[[rule.quiet]]", "[[rule.unknown]]", "needs at least one [[rule.quiet]]"),
        ("id = \"own\"", "id = \"Own Rule\"", "only small letters"),
        ("source = \"md\"", "", "`source` is missing"),
        ("zh = \"项\"", "zh = \"\"", "`zh` must be a text"),
        ("class = ", "class == ", ""),
    ] {
        let text = RULE.replace(from, to);
        assert_ne!(text, RULE, "{from}");
        let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
        assert!(rules.rules.is_empty(), "{to}");
        assert!(mistakes.iter().any(|it| it.text.contains(wanted)), "{wanted}: {mistakes:#?}");
    }
}

#[test]
fn a_mistaken_file_does_not_take_the_good_ones_with_it() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [file("a.toml", RULE), file("b.toml", RULE), file("c.toml", "rule = 1")];
    let (rules, mistakes) = load(&files, &known_metrics());
    assert_eq!(rules.rules.len(), 1);
    assert!(mistakes.iter().all(|it| it.file != "a.toml"));
    assert!(mistakes.iter().any(|it| it.file == "b.toml" && it.text.contains("must be unique")));
    assert!(mistakes.iter().any(|it| it.file == "c.toml"));
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(at in 0..RULE.len(), cut in 0..40_usize, put in "\\PC{0,6}") {
        let mut text = RULE.to_owned();
        let floor = |at: usize| (0..=at).rev().find(|it| RULE.is_char_boundary(*it)).unwrap_or(0);
        text.replace_range(floor(at)..floor((at + cut).min(RULE.len())), &put);
        let (rules, mistakes) = load(&[("own.toml".to_owned(), text)], &known_metrics());
        prop_assert!(rules.rules.len() <= 1 || mistakes.is_empty());
    }
}
