//! Programs that really answer, hang, die and flood, started as the agent starts them: in their own process group, with an
//! empty environment but for `LC_ALL=C` and `PATH`, with a deadline and bounded output.
//!
//! Files come from a recording, programs are small scripts in place of the real ones. The agent starts only what nobody but
//! root can change, so these tests are for root, as in CI; for others they say so and end.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use xunjian_agent::{
    host::{
        Allowed, Ask, Host, HostError, Live, Output, Program, Reply, Request, Space, Vitals, Walked,
    },
    source::{Need, Source},
    targets::Target,
};
use xunjian_proto::{Outcome, Run};

use super::{
    Case, cases,
    hurt::{Access, Fault},
    judge,
    kept::Kept,
    look,
};
use crate::support::TempDir;

/// Files of a recording, programs of this machine.
struct Staged {
    kept: Arc<Kept>,
    live: Live,
}

impl Host for Staged {
    fn has(&self, need: Need) -> bool {
        self.kept.has(need)
    }
    fn read(&self, path: &str) -> Result<String, HostError> {
        self.kept.read(path)
    }
    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        self.kept.list(dir)
    }
    fn link(&self, path: &str) -> Result<String, HostError> {
        self.kept.link(path)
    }
    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        self.run_within(argv, Duration::from_secs(30))
    }
    fn run_within(&self, argv: &[&str], limit: Duration) -> Result<Output, HostError> {
        // What was not recorded is not installed.
        let _ = self.kept.run(argv)?;
        self.live.run_within(argv, limit)
    }
    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        self.kept.records(path)
    }
    fn vitals(&self) -> Result<Vitals, HostError> {
        self.kept.vitals()
    }
    fn space(&self, path: &str) -> Result<Space, HostError> {
        self.kept.space(path)
    }
    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        self.kept.targets(source, own)
    }
    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        self.kept.walk(target, ask, limit)
    }
    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        self.kept.get(ask)
    }
    fn is_live(&self) -> bool {
        true
    }
}

/// What a program's script does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Answers,
    Hangs,
    Dies,
    Floods,
}

/// A case whose programs are scripts in this folder; `acts` is what the one of this name does.
fn stage(case: &Case, dir: &Path, name: &str, act: Act) -> (Source, Arc<Staged>) {
    let mut scripts: BTreeMap<&str, String> = BTreeMap::new();
    for (number, access) in case.asked.iter().enumerate() {
        let Access::Run(argv) = access else { continue };
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let output = case.kept.run(&argv).unwrap();
        let (out, err) = (dir.join(format!("{number}.out")), dir.join(format!("{number}.err")));
        fs::write(&out, &output.stdout).unwrap();
        fs::write(&err, &output.stderr).unwrap();
        let does = match (argv[0] == name, act) {
            (true, Act::Hangs) => "exec sleep 600".to_owned(),
            (true, Act::Dies) => "kill -SEGV $$".to_owned(),
            (true, Act::Floods) => {
                let again = dir.join("flooded");
                let once = format!("[ -e '{0}' ] && exit 1; : > '{0}'", again.display());
                // A megabyte at a time: starting `cat` for a hundred bytes would be what takes the time.
                let much = format!("{}\n", output.stdout)
                    .repeat((1 << 20) / (output.stdout.len() + 1) + 1);
                let large = dir.join(format!("{number}.much"));
                fs::write(&large, much).unwrap();
                format!("{once}; while cat '{}'; do :; done", large.display())
            }
            _ => format!(
                "cat '{}'; cat '{}' >&2; exit {}",
                out.display(),
                err.display(),
                output.status
            ),
        };
        let line = argv[1..].join(" ").replace('\'', r"'\''");
        scripts.entry(argv[0]).or_default().push_str(&format!("'{line}') {does} ;;\n"));
    }
    let mut programs = Vec::new();
    for program in case.source.programs {
        let Some(cases) = scripts.get(program.name) else { continue };
        let path = dir.join(program.name);
        let env = dir.join("environment");
        let head = format!("#!/bin/sh\nenv >> '{}'\n", env.display());
        let mut file = fs::File::create(&path).unwrap();
        write!(
            file,
            "{head}case \"$*\" in\n{cases}*) echo \"not recorded: $*\" >&2; exit 99 ;;\nesac\n"
        )
        .unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o755)).unwrap();
        // A source is plain constant data; the few bytes of a test's are given up.
        let place: &'static str = Box::leak(path.display().to_string().into_boxed_str());
        programs.push(Program { places: Box::leak(Box::new([place])), ..*program });
    }
    let source = Source { programs: Box::leak(programs.into_boxed_slice()), ..*case.source };
    let live = Live::new(Allowed::of([&source]));
    (source, Arc::new(Staged { kept: case.kept.clone(), live }))
}

/// Of each source and program the first recording, healthy ones before broken ones, in which the program is started.
fn programs(cases: &[Case]) -> Vec<(&Case, String)> {
    let mut first: BTreeMap<(&str, String), &Case> = BTreeMap::new();
    let (healthy, others): (Vec<_>, Vec<_>) =
        cases.iter().partition(|it| it.dir.ends_with("healthy") || it.name.starts_with("healthy"));
    for case in healthy.into_iter().chain(others) {
        for name in case.asked.iter().filter_map(Access::program) {
            first.entry((case.source.name, name.to_owned())).or_insert(case);
        }
    }
    first.into_iter().map(|((_, name), case)| (case, name)).collect()
}

fn is_root(dir: &Path) -> bool {
    let root = fs::metadata(dir).unwrap().uid() == 0;
    if !root {
        eprintln!("not run: the agent starts no program that others than root can change");
    }
    root
}

/// Does this for every program of every source, several at a time, and fails with everything that was wrong.
fn every_program(
    act: Act,
    deadline: Duration,
    check: impl Fn(&Case, &str, &Run) -> Vec<String> + Sync,
) {
    if !is_root(TempDir::new("faults").path()) {
        return;
    }
    let cases = cases();
    let all = programs(&cases);
    assert!(all.len() > 40, "only {} programs are in the recordings", all.len());
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut wrong = Vec::new();
        while let Some((case, name)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            // On a machine that has no time, a run may be late, and a child that another test forks just then may hold a
            // script open for writing (ETXTBSY): that passes.
            let mut tries = (0..4).map(|_| attempt(case, name, act, deadline, &check));
            let mut found = tries.next().unwrap_or_default();
            while !found.is_empty()
                && let Some(again) = tries.next()
            {
                found = again;
            }
            let head = format!("{}/{} {name} {act:?}", case.source.name, case.name);
            wrong.extend(found.into_iter().take(4).map(|it| format!("{head}: {it}")));
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..if act == Act::Hangs { 24 } else { 3 }).map(|_| scope.spawn(turn)).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Everything that is wrong with one run.
fn attempt(
    case: &Case,
    name: &str,
    act: Act,
    deadline: Duration,
    check: impl Fn(&Case, &str, &Run) -> Vec<String>,
) -> Vec<String> {
    let dir = TempDir::new("faults");
    let (source, host) = stage(case, dir.path(), name, act);
    let begun = Instant::now();
    let run = look(&source, &case.dir, deadline, host);
    let mut found = check(case, name, &run);
    // Killing and reaping take half a second at most.
    if begun.elapsed() > deadline + Duration::from_secs(4) {
        found.push(format!("took {:?}", begun.elapsed()));
    }
    let text = fs::read_to_string(dir.path().join("environment")).unwrap_or_default();
    let alien = |it: &&str| {
        !["LC_ALL=C", "PATH=", "PWD=", "OLDPWD=", "SHLVL=", "_="]
            .iter()
            .any(|known| it.starts_with(known))
    };
    found.extend(text.lines().filter(alien).map(|it| format!("has {it} in its environment")));
    if !text.lines().any(|it| it == "LC_ALL=C") {
        found.push(format!("ran without LC_ALL=C: {text:?}"));
    }
    found
}

fn judged(case: &Case, name: &str, run: &Run, fault: Fault) -> Vec<String> {
    let of = case.asked.iter().find(|it| it.program() == Some(name)).unwrap();
    let found = judge::wrong(&case.base, run, fault, of);
    found.into_iter().filter(|it| !super::is_tolerated(case.source.name, of, it)).collect()
}

#[test]
fn programs_that_answer_give_what_was_recorded_and_run_in_an_empty_environment() {
    every_program(Act::Answers, Duration::from_secs(60), |case, _, run| {
        let mut wrong = Vec::new();
        let of = |run: &Run| {
            (
                run.outcome.clone(),
                run.components.clone(),
                run.samples.clone(),
                run.states.clone(),
                run.problems.clone(),
            )
        };
        if of(run) != of(&case.base) {
            wrong.push(format!("differs: {:?} {:?}", run.outcome, run.problems));
        }
        wrong
    });
}

#[test]
fn a_program_that_hangs_is_killed_and_told_within_the_deadline() {
    every_program(Act::Hangs, Duration::from_millis(2_500), |case, name, run| {
        judged(case, name, run, Fault::Hangs)
    });
}

#[test]
fn a_program_that_dies_is_told() {
    every_program(Act::Dies, Duration::from_secs(60), |case, name, run| {
        judged(case, name, run, Fault::Dies)
    });
}

#[test]
fn a_program_that_floods_is_cut_and_told() {
    every_program(Act::Floods, Duration::from_secs(60), |case, name, run| {
        let mut wrong = judged(case, name, run, Fault::Flood);
        // One flood is cut at 8 MiB, whatever else is read.
        if run.cost.read_bytes > 12 << 20 {
            wrong.push(format!("{} bytes were read", run.cost.read_bytes));
        }
        if let Some(large) = run.evidence.iter().find(|it| it.content.len() > 300_000) {
            wrong.push(format!("{} bytes of evidence", large.content.len()));
        }
        if run.outcome == Outcome::Stuck {
            wrong.push("is stuck".to_owned());
        }
        wrong
    });
}
