//! A recorded host with one thing wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use xunjian_agent::{
    devices,
    host::{
        Ask, Host, HostError, Output, Reached, Reply, Request, Space, Vitals, WalkError, Walked,
    },
    source::Need,
    targets::Target,
};
use xunjian_proto::Reason;

use super::kept::Kept;

/// A question that a source asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// A file's content, a directory's names, a link's target, a device's records.
    Path(String),
    /// A program, with its whole command line.
    Run(Vec<String>),
    /// The use of a mount point.
    Space(String),
    /// CPU, memory and load.
    Vitals,
    /// A device over the network: its name, and what is asked of it.
    Target(String, String),
}

impl Access {
    pub(crate) fn program(&self) -> Option<&str> {
        match self {
            Access::Run(argv) => argv.first().map(String::as_str),
            _ => None,
        }
    }

    /// What a text that names it has in it.
    pub(crate) fn words(&self) -> Vec<String> {
        match self {
            Access::Path(path) | Access::Space(path) => vec![path.clone()],
            Access::Run(argv) => argv.first().cloned().into_iter().collect(),
            Access::Vitals => vec!["proc".to_owned()],
            Access::Target(target, path) => vec![target.clone(), path.clone()],
        }
    }
}

/// Questions that differ in numbers only, as those about several disks do, are of one shape.
pub(crate) fn shape(access: &Access) -> String {
    let mut shape = String::new();
    for it in format!("{access:?}").chars() {
        let it = if it.is_ascii_digit() { '0' } else { it };
        if it != '0' || !shape.ends_with('0') {
            shape.push(it);
        }
    }
    shape
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// EACCES.
    Denied,
    /// EIO: a device that is dying.
    Broken,
    /// ENOENT: it was there a moment ago.
    Gone,
    /// No answer in time.
    Hangs,
    /// Ended by a signal.
    Dies,
    /// Ends with a status and a complaint of rights on standard error.
    Refuses,
    /// Ends well in the middle of a line, so many thousandths into its text.
    Half(u16),
    /// Its output was cut at the bound.
    Flood,
    /// Every word is another language's, every decimal point a comma.
    Foreign,
    /// The version is one that nobody knows, and there is more than known.
    Newer,
    /// The so-many-th value of its JSON is of another type, the so-many-th of them.
    Retyped(usize, usize),
    /// The so-many-th number of its text is at the edge of what a number can be, or none, by the so-many-th of them.
    Edge(usize, usize),
    /// It says this, in which there is nothing to read.
    Says(&'static str),
}

/// Where it goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// Nowhere: to see what is asked.
    Nowhere,
    /// This question.
    One(Access),
    /// All programs and targets.
    Programs,
    /// Everything below this directory, from its so-many-th question on.
    Below(String, usize),
}

/// The host.
pub(crate) struct Hurt {
    pub(crate) inner: Arc<Kept>,
    pub(crate) fault: Fault,
    pub(crate) place: Place,
    pub(crate) asked: AtomicUsize,
    /// All questions, and whether they were answered.
    pub(crate) log: Mutex<BTreeMap<Access, bool>>,
    pub(crate) hits: AtomicUsize,
}

impl Hurt {
    pub(crate) fn new(inner: Arc<Kept>, fault: Fault, place: Place) -> Hurt {
        let (asked, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Hurt { inner, fault, place, asked, log: Mutex::default(), hits }
    }

    fn hit(&self, access: &Access) -> bool {
        let hit = match &self.place {
            Place::Nowhere => false,
            Place::One(one) => one == access,
            Place::Programs => matches!(access, Access::Run(_) | Access::Target(..)),
            Place::Below(dir, from) => match access {
                Access::Path(path) if path.starts_with(dir.as_str()) => {
                    self.asked.fetch_add(1, Ordering::Relaxed) >= *from
                }
                _ => false,
            },
        };
        if hit {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        hit
    }

    fn note<T>(&self, access: Access, answer: &Result<T, HostError>) {
        let mut log = self.log.lock().unwrap();
        let known = log.entry(access).or_default();
        *known |= answer.is_ok();
    }

    fn errno(&self) -> i32 {
        match self.fault {
            Fault::Denied => 13,
            Fault::Gone => 2,
            _ => 5,
        }
    }

    fn path<T>(
        &self,
        path: &str,
        says: impl FnOnce(&'static str, T) -> T,
        ask: impl FnOnce() -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let access = Access::Path(path.to_owned());
        let hit = self.hit(&access);
        if let (true, Fault::Says(said)) = (hit, self.fault) {
            return ask().map(|it| says(said, it));
        }
        if hit {
            let source = io::Error::from_raw_os_error(self.errno());
            return Err(HostError::Read { path: path.to_owned(), source });
        }
        let answer = ask();
        self.note(access, &answer);
        answer
    }

    fn hurt(&self, argv: &[&str], output: Output) -> Result<Output, HostError> {
        let command = argv.join(" ");
        let said = |stdout: String| Ok(Output { stdout, ..output.clone() });
        match self.fault {
            Fault::Hangs => Err(HostError::TimedOut { command, secs: 0 }),
            Fault::Dies => Err(HostError::Signal { command, signal: 11 }),
            Fault::Denied | Fault::Broken | Fault::Gone => Err(HostError::Run {
                program: argv[0].to_owned(),
                source: io::Error::from_raw_os_error(self.errno()),
            }),
            Fault::Refuses => Ok(Output {
                status: 1,
                stdout: String::new(),
                stderr: format!("{}: Permission denied\n", argv[0]),
                truncated: false,
            }),
            Fault::Flood => {
                let stdout = half(&output.stdout, 700);
                Ok(Output { status: 137, stdout, truncated: true, ..output })
            }
            Fault::Half(place) => said(half(&output.stdout, place)),
            Fault::Foreign => said(super::text::foreign(&output.stdout)),
            Fault::Newer => said(super::text::newer(&output.stdout)),
            Fault::Retyped(index, kind) => said(super::text::retyped(&output.stdout, index, kind)),
            Fault::Edge(index, kind) => said(super::text::edged(&output.stdout, index, kind)),
            Fault::Says(text) => Ok(Output { status: 0, stdout: text.to_owned(), ..output }),
        }
    }
}

/// The beginning of a text, up to the middle of a line; at least its first letter.
pub(crate) fn half(text: &str, place: u16) -> String {
    let mut end = (text.len() * usize::from(place) / 1000).max(1).min(text.len());
    while end > 1 && (!text.is_char_boundary(end) || text[..end].ends_with('\n')) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl Host for Hurt {
    fn has(&self, need: Need) -> bool {
        self.inner.has(need)
    }

    fn read(&self, path: &str) -> Result<String, HostError> {
        if let Fault::Edge(index, kind) = self.fault
            && self.hit(&Access::Path(path.to_owned()))
        {
            return self.inner.read(path).map(|it| super::text::edged(&it, index, kind));
        }
        self.path(path, |said, _| said.to_owned(), || self.inner.read(path))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, HostError> {
        // What the kernel lists and links is true.
        self.path(dir, |_, names| names, || self.inner.list(dir))
    }

    fn link(&self, path: &str) -> Result<String, HostError> {
        self.path(path, |_, link| link, || self.inner.link(path))
    }

    /// What an agent knew before the fault.
    fn shared_serials(&self, look: &mut dyn FnMut() -> BTreeSet<String>) -> Arc<BTreeSet<String>> {
        let mut known = devices::shared(&*self.inner);
        known.extend(look());
        Arc::new(known)
    }

    fn records(&self, path: &str) -> Result<Vec<String>, HostError> {
        let says = |said: &str, all: Vec<String>| vec![said.to_owned(); all.len()];
        self.path(path, says, || self.inner.records(path))
    }

    fn run(&self, argv: &[&str]) -> Result<Output, HostError> {
        let access = Access::Run(argv.iter().map(|it| (*it).to_owned()).collect());
        let answer = self.inner.run(argv);
        self.note(access.clone(), &answer);
        match answer {
            Ok(output) if self.hit(&access) => self.hurt(argv, output),
            other => other,
        }
    }

    fn vitals(&self) -> Result<Vitals, HostError> {
        if self.hit(&Access::Vitals) {
            let source = io::Error::from_raw_os_error(self.errno());
            return Err(HostError::Read { path: "proc".to_owned(), source });
        }
        let answer = self.inner.vitals();
        self.note(Access::Vitals, &answer);
        answer
    }

    fn space(&self, path: &str) -> Result<Space, HostError> {
        let access = Access::Space(path.to_owned());
        if self.hit(&access) {
            let command = format!("probe-mount {path}");
            return match self.fault {
                Fault::Hangs => Err(HostError::TimedOut { command, secs: 4 }),
                _ => Err(HostError::Read {
                    path: path.trim_start_matches('/').to_owned(),
                    source: io::Error::from_raw_os_error(self.errno()),
                }),
            };
        }
        let answer = self.inner.space(path);
        self.note(access, &answer);
        answer
    }

    fn targets(&self, source: &str, own: &[&str]) -> Vec<Target> {
        self.inner.targets(source, own)
    }

    fn walk(&self, target: &str, ask: Ask<'_>, limit: Duration) -> Result<Walked, HostError> {
        let access = Access::Target(target.to_owned(), format!("{ask:?}"));
        if self.hit(&access) {
            let reason = match self.fault {
                Fault::Hangs => Reason::TimedOut,
                Fault::Denied | Fault::Refuses => Reason::PermissionDenied,
                _ => Reason::ToolFailed,
            };
            let source =
                WalkError::Recorded { reason, text: "the agent stopped answering".to_owned() };
            return Err(HostError::Walk { target: target.to_owned(), source });
        }
        let answer = self.inner.walk(target, ask, limit);
        self.note(access, &answer);
        answer
    }

    fn reach(&self, target: &str, limit: Duration) -> Result<Reached, HostError> {
        self.inner.reach(target, limit)
    }

    fn get(&self, ask: &Request<'_>) -> Result<Reply, HostError> {
        let access = Access::Target(ask.target.to_owned(), ask.path.to_owned());
        let answer = self.inner.get(ask);
        let found = answer.as_ref().is_ok_and(|it| it.status == 200);
        if found {
            self.note(access.clone(), &answer);
        }
        if !found || !self.hit(&access) {
            return answer;
        }
        let reply = answer?;
        let body = match self.fault {
            Fault::Refuses => return Ok(Reply { status: 403, body: String::new() }),
            Fault::Half(place) => half(&reply.body, place),
            Fault::Flood => half(&reply.body, 700),
            Fault::Foreign => super::text::foreign(&reply.body),
            Fault::Newer => super::text::newer(&reply.body),
            Fault::Retyped(index, kind) => super::text::retyped(&reply.body, index, kind),
            Fault::Edge(index, kind) => super::text::edged(&reply.body, index, kind),
            Fault::Says(text) => text.to_owned(),
            Fault::Denied | Fault::Broken | Fault::Gone | Fault::Hangs | Fault::Dies => {
                let kind = match self.fault {
                    Fault::Denied => io::ErrorKind::PermissionDenied,
                    Fault::Hangs => io::ErrorKind::TimedOut,
                    _ => io::ErrorKind::ConnectionReset,
                };
                return Err(HostError::Remote {
                    target: ask.target.to_owned(),
                    question: format!("GET {}", ask.path),
                    source: kind.into(),
                });
            }
        };
        Ok(Reply { body, ..reply })
    }

    fn login(&self, ask: &Request<'_>) -> Result<(), HostError> {
        self.inner.login(ask)
    }

    fn is_live(&self) -> bool {
        true
    }
}
