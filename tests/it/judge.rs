//! Recordings of whole hosts in, cases with levels and reasons out: `tests/fixtures/judge/CASE/expect.txt` is what
//! `xunjian-collector judge` prints. `UPDATE=1` rewrites it.

use std::{env, fmt::Write, fs, process::Command};

use crate::support::{program, repo};

#[test]
fn recordings_of_hosts_get_the_levels_that_their_redundancy_says() {
    let root = repo().join("tests/fixtures/judge");
    let mut cases: Vec<_> = fs::read_dir(&root).unwrap().map(|it| it.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut failures = String::new();
    for case in cases {
        let output =
            Command::new(program("xunjian-collector")).arg("judge").arg(&case).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let actual = String::from_utf8(output.stdout).unwrap();
        let file = case.join("expect.txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&file, &actual).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected != actual {
            writeln!(
                failures,
                "\n== {}\n-- expected\n{expected}-- actual\n{actual}",
                case.display()
            )
            .unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn the_gravest_level_is_an_exit_code_for_scripts() {
    for (case, level) in [
        ("raid5-lost-filesystem-gone", 11),
        ("raid5-one-failed", 12),
        ("raid6-one-failed-spare", 14),
    ] {
        let case = repo().join("tests/fixtures/judge").join(case);
        let status = Command::new(program("xunjian-collector"))
            .args(["judge", "--exit-level", "--lang", "en"])
            .arg(&case)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), Some(level), "{}", case.display());
    }
}

#[test]
fn what_is_no_recording_is_refused_with_what_was_wanted() {
    let output = Command::new(program("xunjian-collector"))
        .arg("judge")
        .arg(repo().join("rules"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is no recording in it"), "{said}");
}
