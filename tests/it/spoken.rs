//! What could not be read is told in Chinese too: every text that a recording, whole or with something wrong, makes a source
//! say is one that the agent's templates know, and every template is still one of the texts.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use xunjian_agent::{
    host::Recorded,
    runner::{self, Job},
    sources, spoken,
};
use xunjian_proto::{Outcome, Run, Time};

use crate::fixtures::{names, options, repo};

/// Texts of a run that would stay in English, in whole or in part.
pub(crate) fn english(run: &Run) -> Vec<String> {
    let outcome = match &run.outcome {
        Outcome::Failed(why) | Outcome::Deferred(why) => Some(why.as_str()),
        Outcome::Collected | Outcome::Absent(_) | Outcome::Stuck => None,
    };
    let texts = run.problems.iter().map(|it| it.text.as_str()).chain(outcome);
    texts.filter(|it| !spoken::is_known(it)).map(told).collect()
}

/// The text with what of it is said in Chinese.
pub(crate) fn told(text: &str) -> String {
    format!("not in Chinese: {text}\n    {}", spoken::zh(text))
}

#[test]
fn every_recording_says_what_it_could_not_read_in_chinese() {
    let root = repo().join("tests/fixtures");
    let (mut texts, mut missed) = (0, BTreeSet::new());
    for source in sources::ALL {
        for case in names(&root.join(source.name)) {
            let dir = root.join(source.name).join(&case);
            let cursor = fs::read_to_string(dir.join("cursor")).ok();
            let cursor = cursor.map(|it| it.trim().to_owned());
            let at = Time::from_secs(1_800_000_000);
            let deadline = Duration::from_secs(60);
            let job = Job { source: *source, options: options(&dir), deadline, cursor, at };
            let run = runner::run(job, Arc::new(Recorded::open(&dir))).run;
            texts += run.problems.len();
            missed.extend(english(&run));
        }
    }
    assert!(texts > 150, "only {texts} texts: the recordings were not found");
    assert!(missed.is_empty(), "{}", missed.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Words of templates that the code puts together from several texts.
const ASSEMBLED: [&str; 13] = [
    "cannot GET",
    "cannot log in at",
    "cannot log out",
    "cannot read /run/dbus/system_bus_socket",
    "components left out, only",
    "events left out, only",
    "numbers left out, only",
    "problems left out, only",
    "states left out, only",
    "tasks waited for I/O",
    "tasks waited for processors",
    "Status.Health =",
    "Status.State =",
];

#[test]
fn every_template_is_still_a_text_of_the_code() {
    let mut code = String::new();
    add_code(&repo().join("agent/src"), &mut code);
    let mut stale = Vec::new();
    for (name, file) in spoken::FILES.iter().filter(|it| it.0 != "system") {
        for words in spoken::literals(file).into_iter().flat_map(Result::unwrap) {
            // What stands between a text and its cause is often written apart.
            let words = words.trim_matches([':', ' ', ';', ',']);
            if !code.contains(words) && !ASSEMBLED.contains(&words) {
                stale.push(format!("{name}.toml: {words}"));
            }
        }
    }
    assert!(stale.is_empty(), "no text of the agent has these words:\n{}", stale.join("\n"));
}

/// The code and the tables below a folder as one text: lines of a string put together, quotes without backslashes.
fn add_code(dir: &Path, code: &mut String) {
    for name in names(dir) {
        let path = dir.join(&name);
        if path.is_dir() && name != "spoken" {
            add_code(&path, code);
        } else if name.ends_with(".rs") || name.ends_with(".toml") {
            let text = fs::read_to_string(&path).unwrap().replace("\\\"", "\"");
            let mut lines = text.split("\\\n");
            code.push_str(lines.next().unwrap_or_default());
            lines.for_each(|it| code.push_str(it.trim_start()));
        }
    }
}
