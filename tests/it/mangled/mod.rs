//! Every recording, damaged in hundreds of ways: a source may complain, never panic, never say what it cannot know. New
//! sources and recordings are covered without another line.
//!
//! The first [`EVERYWHERE`] variants cut all answers at the same place or put something there; those after them do damage
//! by chance, to some answers, the same at each run. `XUNJIAN_MANGLED=10000` gives each recording so many variants.

use std::{
    any::Any,
    collections::BTreeSet,
    env, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use xunjian_agent::{
    host::{Ask, Host, HostError, Output, Reached, Reply, Request, Space, Value, Vitals, Walked},
    source::{Need, Source},
    sources, spoken,
    targets::Target,
};
use xunjian_proto::{Outcome, Run};

mod damage;

mod nothing;

use damage::{Chance, damaged};

use crate::{
    faults::{Kept, look},
    fixtures::{names, repo},
    spoken::told,
};

/// Variants of a recording where nobody asks for more.
const VARIANTS: usize = 480;

/// Longest time of one run: a thousandth of it is usual, and the machine may be busy.
const RUN_TIME_MAX: Duration = Duration::from_secs(20);

/// What is wrong with a host.
#[derive(Debug, Clone, Copy)]
enum How {
    /// All answers are cut at the same part of their length, or something stands there in place of a character.
    Everywhere(usize, Option<&'static str>),
    /// Some answers are damaged by chance.
    ByChance(u64),
    /// All answers are this text; what the kernel lists and links is true.
    Says(&'static str),
}

impl How {
    fn of(variant: usize) -> How {
        match variant.checked_sub(EVERYWHERE) {
            None => How::Everywhere(variant / JUNK.len(), JUNK[variant % JUNK.len()]),
            Some(more) => How::ByChance(u64::try_from(more).unwrap()),
        }
    }
}

/// A host whose answers went through `damage`.
struct Mangled {
    inner: Arc<Kept>,
    how: How,
    /// What decides about what is no text.
    step: usize,
}

impl Mangled {
    fn new(inner: Arc<Kept>, how: How) -> Mangled {
        let step = match how {
            How::Everywhere(step, _) => step,
            How::ByChance(seed) => Chance::new(seed, "").below(STEPS),
            How::Says(_) => 1,
        };
        Mangled { inner, how, step }
    }

    fn damage(&self, question: &str, text: &str) -> String {
        let (step, junk) = match self.how {
            How::Everywhere(step, junk) => (step, junk),
            How::Says(said) => return said.to_owned(),
            How::ByChance(seed) => {
                let mut chance = Chance::new(seed, question);
                return if chance.once_in(3) {
                    damaged(text, &mut chance)
                } else {
                    text.to_owned()
                };
            }
        };
        let at = text.chars().count() * step / STEPS;
        let head: String = text.chars().take(at).collect();
        match junk {
            None => head,
            Some(junk) => head + junk + &text.chars().skip(at + 1).collect::<String>(),
        }
    }

    /// By chance, something that was there a moment ago is gone.
    fn gone(&self, question: &str) -> Result<(), HostError> {
        match self.how {
            How::ByChance(seed) if Chance::new(!seed, question).once_in(40) => {
                Err(HostError::Read {
                    path: question.to_owned(),
                    source: io::ErrorKind::NotFound.into(),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Host for Mangled {
    fn has(&self, need: Need) -> bool {
        self.inner.has(need)
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        self.gone(path)?;
        let text = self.inner.read(path)?;
        // Empty files are how the kernel says that there is none.
        Ok(if let How::Says("") = self.how { text } else { self.damage(path, &text) })
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        self.gone(dir)?;
        self.inner.list(dir)
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        self.gone(path)?;
        let link = self.inner.link(path)?;
        Ok(if let How::Says(_) = self.how { link } else { self.damage(path, &link) })
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let output = self.inner.run(argv)?;
        let question = argv.join(" ");
        self.gone(&question)?;
        let stdout = self.damage(&question, &output.stdout);
        let (status, truncated) = match self.how {
            How::Everywhere(step, _) => (i32::try_from(step).unwrap(), step.is_multiple_of(7)),
            How::ByChance(seed) => {
                let mut chance = Chance::new(seed.rotate_left(32), &question);
                let status =
                    if chance.once_in(8) { i32::try_from(chance.below(256)).unwrap() } else { 0 };
                (status, chance.once_in(16))
            }
            How::Says(_) => (0, false),
        };
        Ok(Output { status: output.status.wrapping_add(status), stdout, truncated, ..output })
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        self.inner.targets(source, own)
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        let reply = self.inner.get(ask)?;
        // Some questions are refused, some answered with a damaged body.
        let status = if self.step.is_multiple_of(11) { 503 } else { reply.status };
        Ok(Reply { status, body: self.damage(ask.path, &reply.body) })
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        self.inner.login(ask)
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        let records = self.inner.records(path)?.into_iter().enumerate();
        Ok(records.map(|(at, it)| self.damage(&format!("{path} {at}"), &it)).collect())
    }

    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        let mut walked = self.inner.walk(target, ask, limit)?;
        if let How::Says(said) = self.how {
            // What is no text has a type of its own, and none of them says nothing.
            for value in walked.bindings.values_mut() {
                if let Value::Bytes(bytes) = value {
                    *bytes = said.as_bytes().to_vec();
                }
            }
            return Ok(walked);
        }
        for (index, (oid, value)) in walked.bindings.iter_mut().enumerate() {
            match value {
                Value::Bytes(bytes) => {
                    let text = String::from_utf8_lossy(bytes);
                    *bytes = self.damage(&oid.to_string(), &text).into_bytes()
                }
                Value::Integer(number) if (index + self.step).is_multiple_of(5) => {
                    *number = number.wrapping_mul(i64::try_from(self.step).unwrap() - 7);
                }
                Value::Counter(number) | Value::Gauge(number) if self.step.is_multiple_of(3) => {
                    *number = u64::MAX
                }
                _ => {}
            }
        }
        if self.step.is_multiple_of(4) {
            let keep = walked.bindings.len() * self.step / STEPS;
            walked.bindings = walked.bindings.into_iter().take(keep).collect();
        }
        Ok(walked)
    }

    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        let mut reached = self.inner.reach(target, limit)?;
        for certificate in &mut reached.certificates {
            *certificate = self.damage(target, certificate);
        }
        if self.step.is_multiple_of(3) {
            reached.connect_ms = reached.connect_ms.map(|_| f64::NAN);
            reached.status = reached.status.map(|_| u16::MAX);
        }
        Ok(reached)
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        let mut vitals = self.inner.vitals()?;
        if self.step.is_multiple_of(3) {
            vitals.memory_total = 0;
            vitals.swap_used = u64::MAX;
            vitals.load = [f64::NAN, f64::INFINITY, -1.0];
            vitals.boot_secs = i64::MIN;
            vitals.uptime_secs = u64::MAX;
        }
        Ok(vitals)
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        let mut space = self.inner.space(path)?;
        if self.step.is_multiple_of(3) {
            space = Space { total: 0, free: u64::MAX, inodes_free: u64::MAX, ..space };
        }
        Ok(space)
    }
}

/// A recording, its name, and the source whose it is.
struct Case {
    source: &'static Source,
    name: String,
    dir: PathBuf,
    kept: Arc<Kept>,
    /// What was said to be unread.
    texts: Mutex<BTreeSet<String>>,
}

/// What a run says to be unread.
fn texts(run: &Run) -> impl Iterator<Item = String> {
    let outcome = match &run.outcome {
        Outcome::Failed(why) => Some(why.clone()),
        _ => None,
    };
    run.problems.iter().map(|it| it.text.clone()).chain(outcome)
}

impl Case {
    /// What is wrong with the run on a host with this wrong, `judge`'s finding among it.
    fn wrong(&self, how: How, judge: &dyn Fn(&Run) -> Option<String>) -> Option<String> {
        let host = Arc::new(Mangled::new(self.kept.clone(), how));
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let run = look(self.source, &self.dir, RUN_TIME_MAX, host);
            xunjian_fuzz::check(self.source, &run);
            // Names that were damaged by chance may be words of ours.
            let plain = match how {
                How::Everywhere(..) => true,
                How::ByChance(_) => false,
                How::Says(said) => !said.contains(": "),
            };
            if plain {
                self.texts.lock().unwrap().extend(texts(&run));
            }
            judge(&run)
        }));
        let wrong = ran.unwrap_or_else(|panic| Some(said(&*panic)));
        let how = match how {
            How::Says(_) => String::new(),
            other => format!("{other:?}"),
        };
        wrong.map(|it| format!("{}/{} {how}: {it}", self.source.name, self.name))
    }
}

impl Case {
    /// Texts said so far that would stay in English.
    fn unspoken(&self) -> Vec<String> {
        let said = std::mem::take(&mut *self.texts.lock().unwrap());
        said.iter().filter(|it| !spoken::is_known(it)).take(5).map(|it| told(it)).collect()
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

/// Works on all recordings on some threads, and fails with everything that was wrong.
fn all(work: impl Fn(&Case) -> (usize, Vec<String>) + Sync) {
    let root = repo().join("tests/fixtures");
    let mut cases = Vec::new();
    for source in sources::ALL {
        for name in names(&root.join(source.name)) {
            let dir = root.join(source.name).join(&name);
            let kept = Arc::new(Kept::open(&dir));
            cases.push(Case { source, name, dir, kept, texts: Mutex::default() });
        }
    }
    let (next, runs) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let turn = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (count, found) = work(case);
            runs.fetch_add(count, Ordering::Relaxed);
            wrong.extend(found);
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(turn)).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert!(cases.len() > 200, "only {} recordings were found", cases.len());
    let shown: Vec<&String> = wrong.iter().take(60).collect();
    assert!(wrong.is_empty(), "{} of {} runs: {shown:#?}", wrong.len(), runs.into_inner());
}

#[test]
fn no_damaged_recording_makes_a_source_panic_or_say_what_cannot_be() {
    let variants = env::var("XUNJIAN_MANGLED").map_or(VARIANTS, |it| it.parse().unwrap());
    all(|case| {
        let wrong = (0..variants).filter_map(|it| case.wrong(How::of(it), &|_| None));
        let mut wrong: Vec<String> = wrong.take(3).collect();
        wrong.extend(case.unspoken());
        (variants, wrong)
    });
}

/// Places in a text that are damaged.
const STEPS: usize = 50;
/// Variants in which all answers are damaged alike.
const EVERYWHERE: usize = STEPS * JUNK.len();
/// What one character is replaced by; `None` cuts the text there.
const JUNK: [Option<&str>; 8] = [
    None,
    Some(""),
    Some("9"),
    Some("-1"),
    Some("99999999999999999999"),
    Some("\0"),
    Some("\n"),
    Some("盘\u{fffd}"),
];
