//! Every recording under `fixtures/SOURCE/CASE/` is a test; there is no other code to write.
//! `UPDATE=1 cargo test -p xunjian-tests` rewrites the expectations; the difference is then to be reviewed.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use xunjian_agent::{
    host::{Host, Recorded},
    runner::{self, Job},
    source::{Collect, Found, Source},
    sources,
};
use xunjian_proto::{Component, Outcome, Time};

#[test]
fn every_recording_gives_what_it_expects() {
    let root = repo().join("tests/fixtures");
    let mut failures = String::new();
    for source in sources::ALL {
        for case in names(&root.join(source.name)) {
            let dir = root.join(source.name).join(&case);
            let actual = show(source, &Recorded::open(&dir), &dir);
            let file = dir.join("expect.txt");
            if env::var_os("UPDATE").is_some() {
                fs::write(&file, &actual).unwrap();
            }
            let expected = fs::read_to_string(&file).unwrap_or_default();
            if expected != actual {
                let name = source.name;
                writeln!(
                    failures,
                    "\n== {name}/{case}\n-- expected\n{expected}-- actual\n{actual}"
                )
                .unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn nothing_undeclared_is_emitted() {
    let root = repo().join("tests/fixtures");
    for source in sources::ALL {
        let known = |of: &[xunjian_agent::source::Metric]| -> BTreeSet<&'static str> {
            of.iter().map(|it| it.name).collect()
        };
        let (metrics, states, events) =
            (known(source.metrics), known(source.states), known(source.events));
        for case in names(&root.join(source.name)) {
            let dir = root.join(source.name).join(&case);
            let Some(Ok(found)) = run(source, &Recorded::open(&dir), &dir).0 else { continue };
            for it in &found.samples {
                assert!(metrics.contains(&*it.series.metric), "{case}: {}", it.series.metric);
                let attrs: Vec<_> = it.series.attrs.iter().map(|(name, _)| name).collect();
                assert!(attrs.is_sorted(), "{case}: {} has unsorted {attrs:?}", it.series.metric);
            }
            for it in &found.states {
                assert!(states.contains(&*it.metric), "{case}: {}", it.metric);
            }
            for it in &found.events {
                assert!(events.contains(&*it.kind), "{case}: {}", it.kind);
            }
            let mut seen = BTreeSet::new();
            for it in &found.samples {
                assert!(seen.insert(&it.series), "{case}: {:?} comes twice", it.series);
            }
            let mut seen = BTreeSet::new();
            for it in &found.states {
                assert!(seen.insert((&it.metric, &it.component)), "{case}: {it:?} comes twice");
            }
            let mut seen = BTreeSet::new();
            for it in &found.components {
                assert!(seen.insert(&it.id), "{case}: {} comes twice", it.id);
            }
        }
    }
}

#[test]
fn no_source_starts_what_it_does_not_declare() {
    let root = repo().join("tests/fixtures");
    for source in sources::ALL {
        for case in names(&root.join(source.name)) {
            let dir = root.join(source.name).join(&case);
            let job = Job {
                source: *source,
                options: options(&dir),
                deadline: Duration::from_secs(60),
                cursor: None,
                at: Time::from_secs(1_800_000_000),
            };
            let run = runner::run(job, Arc::new(Recorded::open(&dir))).run;
            let failed = match run.outcome {
                Outcome::Failed(why) => why,
                _ => String::new(),
            };
            let texts = run.problems.into_iter().map(|it| it.text).chain([failed]);
            for text in texts {
                let refused = text.contains("not a command that the agent may start");
                assert!(!refused, "{}/{case}: {text}", source.name);
            }
        }
    }
}

type Answer = Option<Result<Found, xunjian_agent::source::SourceError>>;

/// One run as the agent makes it; none if the host lacks what the source needs. Also where the source left off.
pub(crate) fn run(source: &Source, host: &dyn Host, dir: &Path) -> (Answer, Option<String>) {
    let mut cursor = fs::read_to_string(dir.join("cursor")).ok().map(|it| it.trim().to_owned());
    if !source.needs.iter().all(|need| host.has(*need)) {
        return (None, cursor);
    }
    let options = options(dir);
    (source.check)(&options).unwrap();
    let mut collect = Collect::new(host, &options, &mut cursor);
    let answer = (source.collect)(&mut collect);
    let found = collect.finish();
    (Some(answer.map(|()| found)), cursor)
}

pub(crate) fn options(dir: &Path) -> toml::Table {
    fs::read_to_string(dir.join("options.toml")).unwrap_or_default().parse().unwrap()
}

fn show(source: &Source, host: &dyn Host, dir: &Path) -> String {
    let (answer, cursor) = run(source, host, dir);
    let found = match answer {
        None => {
            let lacks: Vec<_> =
                source.needs.iter().filter(|it| !host.has(**it)).map(ToString::to_string).collect();
            return format!("absent: {}\n", lacks.join(", "));
        }
        Some(Err(error)) => {
            let mut text = format!("failed: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(it) = cause {
                write!(text, ": {it}").unwrap();
                cause = it.source();
            }
            return text + "\n";
        }
        Some(Ok(found)) => found,
    };
    let mut text = String::new();
    found.components.iter().for_each(|it| component(&mut text, it));
    for it in &found.samples {
        let attrs: Vec<_> =
            it.series.attrs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let attrs =
            if attrs.is_empty() { String::new() } else { format!("{{{}}}", attrs.join(",")) };
        writeln!(text, "{}{attrs} {} {}", it.series.metric, it.series.component, it.value).unwrap();
    }
    for it in &found.states {
        writeln!(text, "state {} {} {}", it.metric, it.component, it.value).unwrap();
    }
    for it in &found.events {
        let at = it.at.millis();
        writeln!(text, "event {} {} at {at} {:?} {:?}", it.kind, it.component, it.attrs, it.text)
            .unwrap();
    }
    for it in &found.problems {
        let about = it.component.as_ref().map_or("-", |it| it.as_str());
        writeln!(text, "problem {:?} {about} {}", it.reason, it.text).unwrap();
    }
    for it in &found.evidence {
        writeln!(text, "evidence {} {} bytes", it.name, it.content.len()).unwrap();
    }
    if let Some(cursor) = cursor {
        writeln!(text, "cursor {cursor}").unwrap();
    }
    text
}

fn component(text: &mut String, it: &Component) {
    writeln!(text, "component {} {}", it.id, it.name).unwrap();
    for (name, value) in &it.attrs {
        writeln!(text, "    {name} = {value}").unwrap();
    }
    for link in &it.links {
        writeln!(text, "    {:?} {}", link.relation, link.to).unwrap();
    }
    let Some(set) = &it.set else { return };
    writeln!(text, "    set {} width {} copies {}", set.scheme, set.width, set.copies).unwrap();
    for member in &set.members {
        let slot = member.slot.map_or("-".to_owned(), |it| it.to_string());
        let who = member.component.as_ref().map_or("-", |it| it.as_str());
        writeln!(text, "        {slot} {} {who} {:?}", member.name, member.state).unwrap();
    }
}

/// The root of the repository.
pub(crate) fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Names in a directory, sorted; hidden ones are left out.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|it| !it.starts_with('.'))
        .collect();
    all.sort();
    all
}
